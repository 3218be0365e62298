"""Sessions for who has a token of an OpenID Connect provider: AssumeRoleWithWebIdentity (auth 2.3, 4.5), and where the keys
of issuers come from (3.5.5). IAM's providers are in test_oidc_providers.py. Scenarios 29, 30 and 34, so far as they touch STS."""
import base64
import collections
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

import boto3
import botocore
import botocore.config
import pytest

from issuer import Issuer, SigningKey, b64, create_provider
from muster import PATIENCE_S, ROOT, Server, clean_environment, eventually, refused, run, unique

NODE = ROOT / "tests" / "e2e" / "node"
NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
NO_KEY = ("Couldn't retrieve verification key from your identity provider, please reference "
          "AssumeRoleWithWebIdentity documentation for requirements")
NOT_AUTHORIZED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def configure(server, *groups, **settings):
    """issuers = (...) in muster.conf; takes effect at the next start."""
    path = server.dir / "muster.conf"
    text = ", ".join("{ " + " ".join(f'{name} = "{value}";' for name, value in group.items()) + " }" for group in groups)
    path.write_text(path.read_text() + f"\nissuers = ( {text} );\n")
    server.configure(**settings)


@contextlib.contextmanager
def issuing(folder, **more):
    one = Issuer(folder, **more)
    try:
        yield one
    finally:
        one.close()


class House:
    """A server that knows an issuer, and a role that trusts it."""

    def __init__(self, server, issuer):
        self.server, self.issuer = server, issuer
        self.iam = server.boto("iam")
        self.provider = self.add_provider()
        self.role = self.add_role()

    def add_provider(self, issuer=None, clients=("app", "other"), **more):
        return create_provider(self.iam, (issuer or self.issuer).url, ClientIDList=list(clients),
                               **more)["OpenIDConnectProviderArn"]

    def trust(self, conditions=None, provider=None, action="sts:AssumeRoleWithWebIdentity", effect="Allow"):
        return {"Effect": effect, "Principal": {"Federated": provider or self.provider}, "Action": action,
                **({"Condition": conditions} if conditions else {})}

    def add_role(self, *statements, name=None, allow=("iot:ListThings",), **more):
        name = name or unique("role")
        document = {"Version": "2012-10-17", "Statement": list(statements) or [self.trust()]}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document), **more)["Role"]
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(allow), "Resource": "*"}]}))
        return made["Arn"]

    def sts(self):
        """A client that signs nothing."""
        session = boto3.session.Session(region_name=self.server.region)
        config = botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1},
                                        parameter_validation=False)
        return session.client("sts", endpoint_url=self.server.endpoint, verify=self.server.ca, config=config)

    def assume(self, token=None, role=None, name="ci-42", sts=None, **more):
        sts = sts or self.sts()
        return sts.assume_role_with_web_identity(RoleArn=role or self.role, RoleSessionName=name,
                                                 WebIdentityToken=token or self.issuer.token(), **more)

    def with_keys(self, service, credentials):
        session = boto3.session.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"],
                                        credentials["SessionToken"], region_name=self.server.region)
        return session.client(service, endpoint_url=self.server.endpoint, verify=self.server.ca,
                              config=botocore.config.Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    with issuing(tmp_path_factory.mktemp("issuer")) as one:
        yield one


@pytest.fixture(scope="module")
def house(issuer):
    with running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}) as server:
        yield House(server, issuer)


@contextlib.contextmanager
def running_with(*groups, **settings):
    with contextlib.ExitStack() as stack:
        server = Server(f"{stack.enter_context(tempfile.TemporaryDirectory(prefix='m-', dir='/tmp'))}/s")
        configure(server, *groups, **settings)
        stack.callback(server.kill)
        yield server.start()
        server.stop()


# ---- the way that works ----

def test_auth_34_a_token_becomes_keys_of_the_role(house):
    answer = house.assume(house.issuer.token(sub="ada"), DurationSeconds=900)
    account = house.server.account
    role = house.role.split("/")[-1]
    assert answer["SubjectFromWebIdentityToken"] == "ada" and answer["Audience"] == "app"
    assert answer["Provider"] == house.provider == f"arn:aws:iam::{account}:oidc-provider/{house.issuer.name}"
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/{role}/ci-42"
    assert re.fullmatch(r"AROA[A-Z0-9]{17}:ci-42", answer["AssumedRoleUser"]["AssumedRoleId"])
    assert answer["PackedPolicySize"] == 0
    assert abs(answer["Credentials"]["Expiration"].timestamp() - time.time() - 900) < 60

    keys = answer["Credentials"]
    assert house.with_keys("sts", keys).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert "things" in house.with_keys("iot", keys).list_things()
    with refused("AccessDeniedException", 403):
        house.with_keys("iot", keys).create_thing(thingName=unique("thing"))


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "RS384", "RS512"])
def test_every_algorithm_of_the_table_is_taken(tmp_path, algorithm):
    with issuing(tmp_path, algorithm=algorithm) as issuer:
        with running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}) as server:
            assert House(server, issuer).assume()["Credentials"]


def test_a_session_policy_narrows(house):
    narrow = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:DescribeThing", "Resource": "*"}]})
    keys = house.assume(Policy=narrow)["Credentials"]
    with refused("AccessDeniedException", 403, "because no session policy allows"):
        house.with_keys("iot", keys).list_things()
    with refused("MalformedPolicyDocument", 400):
        house.assume(Policy="{}")


def test_auth_34_the_cli_takes_a_token_out_of_a_file(house, tmp_path):
    file = tmp_path / "token"
    file.write_text(house.issuer.token(sub="cli"))
    environment = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": house.role, "AWS_ROLE_SESSION_NAME": "file",
                   "AWS_CA_BUNDLE": str(house.server.ca), "AWS_REGION": house.server.region,
                   "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(tmp_path / "config"),
                   "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    # The CLI asks for its keys at STS's own address; a profile's endpoint does not reach there. So we hand it the keys
    # that the SDK's own provider gets, through credential_process.
    script = tmp_path / "keys.py"
    script.write_text(CREDENTIAL_PROCESS)
    (tmp_path / "config").write_text(f"[profile web]\ncredential_process = /usr/bin/python3 {script} "
                                     f"{house.server.endpoint} {house.server.region}\n")
    done = run("aws", "--profile", "web", "--endpoint-url", house.server.endpoint, "--output", "json", "sts",
               "get-caller-identity", env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith("/file")


def test_auth_34_the_javascript_sdk_takes_a_token_out_of_a_file(house, tmp_path):
    """Nothing but the environment says so: the SDK's own chain of providers finds the token and asks our STS."""
    file = tmp_path / "token"
    file.write_text(house.issuer.token(sub="js"))
    wish = {"endpoint": house.server.endpoint, "region": house.server.region,
            "calls": [{"service": "sts", "command": "GetCallerIdentity"},
                      {"service": "iot", "command": "ListThings", "input": {"maxResults": 1}}]}
    done = subprocess.run([shutil.which("node"), NODE / "sdk.js"], input=json.dumps(wish), capture_output=True, text=True,
                          timeout=PATIENCE_S, cwd=NODE, env={
                              **clean_environment(house.server.home), "NODE_EXTRA_CA_CERTS": str(house.server.ca),
                              "AWS_ENDPOINT_URL": house.server.endpoint, "AWS_REGION": house.server.region,
                              "AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": house.role,
                              "AWS_ROLE_SESSION_NAME": "node", "AWS_EC2_METADATA_DISABLED": "true"})
    assert done.returncode == 0, done.stderr
    identity, things = json.loads(done.stdout)
    assert identity["output"]["Arn"].endswith("/node") and "things" in things["output"], done.stdout


# The provider of botocore that reads AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, with an endpoint for its client.
CREDENTIAL_PROCESS = """
import json, sys
import botocore.credentials, botocore.session
session = botocore.session.get_session()
session.set_config_variable('region', sys.argv[2])
def client_creator(service, **more):
    return session.create_client(service, endpoint_url=sys.argv[1], **more)
provider = botocore.credentials.AssumeRoleWithWebIdentityProvider(
    load_config=lambda: session.full_config, client_creator=client_creator, profile_name='default',
    disable_env_vars=False)
keys = provider.load().get_frozen_credentials()
print(json.dumps({'Version': 1, 'AccessKeyId': keys.access_key, 'SecretAccessKey': keys.secret_key,
                  'SessionToken': keys.token}))
"""


# ---- tokens that are not taken ----

def tampered(token):
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    return f"{head}.{b64(json.dumps({**claims, 'sub': 'root'}).encode())}.{signature}"


REFUSED = {
    "expired": (lambda i: i.token(expires=-301), "ExpiredTokenException", "Token expired: current date/time "),
    "wrong aud": (lambda i: i.token(aud="stranger"), "InvalidIdentityToken", "Incorrect token audience"),
    "azp of a stranger": (lambda i: i.token(azp="stranger"), "InvalidIdentityToken", "Incorrect token audience"),
    "no aud": (lambda i: i.token(aud=None), "InvalidIdentityToken", "Missing a required claim: aud"),
    "no sub": (lambda i: i.token(sub=None), "InvalidIdentityToken", "Missing a required claim: sub"),
    "no exp": (lambda i: i.token(exp=None), "InvalidIdentityToken", "Missing a required claim: exp"),
    "issued in an hour": (lambda i: i.token(iat=int(time.time()) + 3600), "InvalidIdentityToken", "not valid before"),
    "wrong iss": (lambda i: i.token(iss="https://id.example.test"), "InvalidIdentityToken",
                  "No OpenIDConnect provider found in your account for https://id.example.test"),
    "iss by plain http": (lambda i: i.token(iss=i.url.replace("https", "http")), "InvalidIdentityToken",
                          "No OpenIDConnect provider found in your account for http://"),
    "tampered": (lambda i: tampered(i.token()), "InvalidIdentityToken", "signature"),
    "alg none": (lambda i: i.token(header={"alg": "none"}) + "AA", "InvalidIdentityToken", NOT_A_JWT),
    "alg none, no signature": (lambda i: i.token(header={"alg": "none"}), "InvalidIdentityToken", NOT_A_JWT),
    "HS256 with the public key": (lambda i: i.token(header={"alg": "HS256"}), "InvalidIdentityToken", NOT_A_JWT),
    "critical header": (lambda i: i.token(header={"crit": ["x"]}), "InvalidIdentityToken", NOT_A_JWT),
    "unknown kid": (lambda i: i.token(header={"kid": "x"}), "InvalidIdentityToken", NO_KEY),
    "another key of the same kid": (lambda i: i.token(key=SigningKey(kid=i.keys[0].kid)), "InvalidIdentityToken",
                                    "signature"),
    "no JWT": (lambda i: "opaque-access-token", "InvalidIdentityToken", NOT_A_JWT),
    "two parts": (lambda i: i.token().rsplit(".", 1)[0], "InvalidIdentityToken", NOT_A_JWT),
}


@pytest.mark.parametrize("case", REFUSED)
def test_auth_29_a_bad_token_is_refused_in_words_of_the_table(house, case):
    make, name, text = REFUSED[case]
    with refused(name, 400, text):
        house.assume(make(house.issuer))


def test_auth_29_four_minutes_past_its_end_a_token_is_still_taken(house):
    assert house.assume(house.issuer.token(expires=-240))["Credentials"]


def test_a_token_must_fit_the_model(house):
    for token in ("abc", "x" * 20001):
        with refused("ValidationError", 400, "webIdentityToken"):
            house.assume(token)
    with refused("ValidationError", 400, "ProviderId"):
        house.assume(ProviderId="www.amazon.com")
    with refused("ValidationError", 400, "RoleArn"):
        house.assume(role="arn:aws:iam::1:user/somebody")


# ---- whom a role trusts ----

def test_auth_32_claims_are_condition_keys(house):
    name = house.issuer.name
    role = house.add_role(house.trust({"StringEquals": {f"{name}:sub": "ada", f"{name}:aud": "app"},
                                       "ForAnyValue:StringEquals": {f"{name}:amr": "mfa"},
                                       "StringLike": {"sts:RoleSessionName": "ci-*"}}))
    assert house.assume(house.issuer.token(amr=["pwd", "mfa"]), role)["Credentials"]
    for claims, session in (({"sub": "bob", "amr": ["mfa"]}, "ci-1"), ({"amr": ["pwd"]}, "ci-1"), ({}, "ci-1"),
                            ({"aud": "other", "amr": ["mfa"]}, "ci-1"), ({"amr": ["mfa"]}, "x-1")):
        with refused("AccessDenied", 403, NOT_AUTHORIZED):
            house.assume(house.issuer.token(**claims), role, session)


def test_a_claim_in_another_case_is_not_the_claim(house):
    role = house.add_role(house.trust({"StringEquals": {f"{house.issuer.name}:sub": "root"}}))
    with refused("AccessDenied", 403):
        house.assume(house.issuer.token(SUB="root", Sub="root"), role)


def test_who_cannot_have_a_role_does_not_learn_whether_it_exists(house, tmp_path):
    account = house.server.account
    with issuing(tmp_path, path="/b") as other:
        foreign = house.add_provider(other)
        roles = {
            "unknown": f"arn:aws:iam::{account}:role/{unique('nobody')}",
            "a user's role": house.add_role({"Effect": "Allow", "Principal": {"AWS": account},
                                             "Action": "sts:AssumeRole"}),
            "another provider's": house.add_role(house.trust(provider=foreign)),
            "another action": house.add_role(house.trust(action="sts:AssumeRole")),
            "another case": house.role.upper().replace("ARN:AWS:IAM", "arn:aws:iam").replace("ROLE/", "role/"),
            "another path": house.role.replace("role/", "role/x/"),
            "denied": house.add_role(house.trust(), house.trust(effect="Deny")),
        }
        told = set()
        for role in roles.values():
            with refused("AccessDenied", 403, NOT_AUTHORIZED) as answer:
                house.assume(role=role)
            told.add(answer["Error"]["Message"])
        assert told == {NOT_AUTHORIZED}
        # Without a good token not even that: the token is judged before anything is said of a role.
        for role in (house.role, *roles.values()):
            with refused("InvalidIdentityToken", 400, "Incorrect token audience"):
                house.assume(house.issuer.token(aud="stranger"), role)
        # An account that does not exist knows no provider, as one that does not know this issuer.
        with refused("InvalidIdentityToken", 400, "No OpenIDConnect provider found in your account for"):
            house.assume(role=f"arn:aws:iam::{'9' * 12}:role/x")
        house.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=foreign)


def test_duration_is_bounded_by_the_role(house):
    with refused("ValidationError", 400, "exceeds the MaxSessionDuration set for this role."):
        house.assume(DurationSeconds=3601)


def test_tags_of_the_token_need_the_right_to_tag(house):
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"Team": ["pumps"]}, "transitive_tag_keys": ["Team"]}}
    with refused("AccessDenied", 403, NOT_AUTHORIZED):
        house.assume(house.issuer.token(**tags))
    role = house.add_role(house.trust(), house.trust({"StringEquals": {"aws:RequestTag/Team": "pumps"}},
                                                     action="sts:TagSession"))
    house.iam.put_role_policy(RoleName=role.split("/")[-1], PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iot:ListThings", "Resource": "*",
             "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "pumps",
                                            f"{house.issuer.name}:sub": "ada"}}}]}))
    answer = house.assume(house.issuer.token(**tags), role)
    assert answer["PackedPolicySize"] > 0
    assert "things" in house.with_keys("iot", answer["Credentials"]).list_things()
    keys = house.assume(house.issuer.token(sub="bob", **tags), role)["Credentials"]
    with refused("AccessDeniedException", 403):
        house.with_keys("iot", keys).list_things()
    with refused("InvalidIdentityToken", 400, "session tags"):
        house.assume(house.issuer.token(**{"https://aws.amazon.com/tags": {"principal_tags": {"aws:x": ["y"]}}}), role)


def test_a_signature_on_the_unsigned_call_is_ignored(house):
    body = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
                                   "RoleArn": house.role, "RoleSessionName": "ci",
                                   "WebIdentityToken": house.issuer.token()}).encode()
    answer = house.server.ask("POST", "/", body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/x/sts/aws4_request, SignedHeaders=host, Signature=00"})
    assert answer.status == 200, answer
    assert b"<AssumeRoleWithWebIdentityResult>" in answer.body and b"<SessionToken>" in answer.body


def test_no_token_and_no_secret_is_ever_logged(house):
    token = house.issuer.token()
    keys = house.assume(token)["Credentials"]
    with refused("InvalidIdentityToken", 400):
        house.assume(tampered(token))
    assert token.split(".")[2] not in house.server.log and keys["SecretAccessKey"] not in house.server.log
    assert keys["SessionToken"] not in house.server.log


# ---- where keys come from ----

def test_auth_30_new_keys_are_found_without_a_restart_and_asked_for_once_a_minute(tmp_path):
    with issuing(tmp_path) as issuer, running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}) as server:
        house = House(server, issuer)
        assert house.assume()
        assert house.assume() and issuer.keys_asked == 1

        issuer.rotate()
        assert house.assume() and issuer.keys_asked == 2  # the first kid that is not known
        for _ in range(5):
            with refused("InvalidIdentityToken", 400, NO_KEY):
                house.assume(issuer.token(header={"kid": unique()}))
        issuer.rotate()
        with refused("InvalidIdentityToken", 400, NO_KEY):
            house.assume()
        assert issuer.keys_asked == 2
        server.admin("clock +61")
        assert house.assume() and issuer.keys_asked == 3


def test_keys_are_kept_for_an_hour_or_as_the_issuer_says(tmp_path):
    with issuing(tmp_path) as issuer, running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}) as server:
        house = House(server, issuer)
        for told, fresh_s in ((None, 3600), ("public, max-age=1200", 1200), ("max-age=1", 300), ("no-store", 300)):
            issuer.headers = {"Cache-Control": told} if told else {}
            server.admin("clock +86401")
            before = issuer.keys_asked

            def assume():
                return house.assume(issuer.token(now=time.time() + server.clock_s))
            assert assume() and issuer.keys_asked == before + 1
            server.admin(f"clock +{fresh_s - 30}")
            assert assume() and issuer.keys_asked == before + 1, told
            server.admin("clock +60")
            assert assume() and issuer.keys_asked == before + 2, told


def test_a_crowd_of_tokens_costs_one_fetch(tmp_path):
    with issuing(tmp_path) as issuer, running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}) as server:
        house = House(server, issuer)
        issuer.gate.clear()
        token, done = issuer.token(), collections.Counter()

        def assume():
            try:
                house.assume(token)
                done["keys"] += 1
            except Exception as e:  # counted below
                done[str(e)] += 1
        threads = [threading.Thread(target=assume) for _ in range(12)]
        for thread in threads:
            thread.start()
        discovery = f"{issuer.path}/.well-known/openid-configuration"
        eventually(lambda: issuer.asked[discovery] == 1, what="the fetch")
        assert server.call("GET", "/things").status == 200  # others are served meanwhile
        issuer.gate.set()
        for thread in threads:
            thread.join()
        assert done == {"keys": 12}
        assert (issuer.asked[discovery], issuer.keys_asked) == (1, 1)


def test_an_issuer_that_is_down_is_told_from_a_bad_token(tmp_path):
    with issuing(tmp_path) as issuer, running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}) as server:
        house = House(server, issuer)
        discovery = f"{issuer.path}/.well-known/openid-configuration"
        bad = [(500, b"", {}), (200, b"<html>", {}), (302, b"", {"Location": issuer.url}),
               (200, json.dumps({"issuer": "https://other.example", "jwks_uri": f"{issuer.url}/keys"}).encode(), {}),
               (200, json.dumps({"issuer": issuer.url}).encode(), {}),
               (200, json.dumps({"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys".replace("https", "http")}).encode(), {}),
               (200, json.dumps({"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"}).encode(), {}),
               (200, json.dumps({"issuer": issuer.url, "jwks_uri": "https://169.254.169.254/keys"}).encode(), {}),
               (200, json.dumps({"issuer": issuer.url, "jwks_uri": "https://[::ffff:169.254.169.254]/k"}).encode(), {}),
               (200, b'"' + b"x" * 70000 + b'"', {})]
        for page in bad:
            issuer.pages[discovery] = page
            with refused("IDPCommunicationError", 400, NO_KEY):
                house.assume(issuer.token(now=time.time() + server.clock_s))
            server.admin("clock +11")
        asked = issuer.asked[discovery]
        assert asked == len(bad) and issuer.keys_asked == 0
        assert "leads to an address that calls may not go to" in server.log
        # Right after a failure nobody makes us ask again.
        with refused("IDPCommunicationError", 400, NO_KEY):
            issuer.pages[discovery] = bad[0]
            house.assume(issuer.token(now=time.time() + server.clock_s))
        issuer.pages.clear()
        with refused("IDPCommunicationError", 400, NO_KEY):
            house.assume(issuer.token(now=time.time() + server.clock_s))
        server.admin("clock +11")
        assert house.assume(issuer.token(now=time.time() + server.clock_s))


def test_a_silent_issuer_costs_five_seconds_and_no_worker(tmp_path):
    with issuing(tmp_path) as issuer:
        with running_with({"issuer": issuer.url, "ca_file": str(issuer.ca_file)}, workers=4) as server:
            house = House(server, issuer)
            issuer.gate.clear()
            token, outcomes = issuer.token(), []

            def assume(sts):
                with refused("IDPCommunicationError", 400, NO_KEY):
                    house.assume(token, sts=sts)
                outcomes.append(True)
            # Clients are made before, so that all of them ask while the first one's fetch is under way.
            threads = [threading.Thread(target=assume, args=[house.sts()]) for _ in range(16)]
            for thread in threads:
                thread.start()
            eventually(lambda: sum(issuer.asked.values()) == 1, what="the fetch")
            for _ in range(5):
                assert server.call("GET", "/things").status == 200
            assert outcomes == []  # the issuer's five seconds are not over
            for thread in threads:
                thread.join()
            assert len(outcomes) == 16


def test_whom_its_servers_are_trusted_by(tmp_path):
    with issuing(tmp_path) as issuer, running_with({"issuer": issuer.url}) as server:
        house = House(server, issuer)
        with refused("IDPCommunicationError", 400, NO_KEY):
            house.assume()

        def pin(*thumbprints):
            house.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=house.provider,
                                                                 ThumbprintList=list(thumbprints))
        pin("0" * 40)
        with refused("IDPCommunicationError", 400, NO_KEY):
            house.assume()
        pin("0" * 40, issuer.thumbprint.upper())
        assert house.assume()


def test_loopback_is_for_issuers_that_muster_conf_names(tmp_path):
    with issuing(tmp_path) as issuer, running_with() as server:
        house = House(server, issuer)
        house.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=house.provider,
                                                             ThumbprintList=[issuer.thumbprint])
        with refused("IDPCommunicationError", 400, NO_KEY):
            house.assume()
        assert sum(issuer.asked.values()) == 0
        assert "leads to an address that calls may not go to" in server.log


def test_plain_http_is_for_loopback_and_only_when_allowed(tmp_path):
    with issuing(tmp_path, tls=False) as issuer:
        with running_with(allow_insecure_issuer=True) as server:
            house = House(server, issuer)
            assert house.assume()
            with refused("InvalidInput", 400, "https://"):
                create_provider(house.iam, "http://id.example.test")
        with running_with() as server, refused("InvalidInput", 400, "https://"):
            House(server, issuer)


def test_keys_out_of_a_file_need_no_issuer(tmp_path):
    with issuing(tmp_path) as issuer:
        file = tmp_path / "keys.json"
        file.write_text(json.dumps(issuer.jwks))
        with running_with({"issuer": issuer.url, "jwks_file": str(file)}) as server:
            house = House(server, issuer)
            assert house.assume() and sum(issuer.asked.values()) == 0
            issuer.rotate()
            file.write_text(json.dumps(issuer.jwks))
            assert house.assume()
            file.unlink()
            server.admin("clock +61")
            with refused("IDPCommunicationError", 400, NO_KEY):
                house.assume(issuer.token(now=time.time() + server.clock_s))


def test_a_jwks_uri_of_muster_conf_needs_no_discovery(tmp_path):
    with issuing(tmp_path) as issuer:
        group = {"issuer": issuer.url + "/", "jwks_uri": f"{issuer.url}/keys", "ca_file": str(issuer.ca_file)}
        with running_with(group) as server:
            assert House(server, issuer).assume()
            assert dict(issuer.asked) == {f"{issuer.path}/keys": 1}
