"""Role aliases and the credentials provider: a device trades its certificate for the keys of a role (auth 2.2, 3.4, 4.2.7,
4.4; scenarios 21, 22). Clients: boto3, Debian's aws and curl, the X.509 provider of the AWS IoT Device SDK v2."""
import contextlib
import datetime
import json
import pathlib
import shutil
import socket
import subprocess
import threading
import urllib.parse

import pytest

from muster import clean_environment, refused, run, unique
from people import IOT, PROVIDER, Caller, Person, allow, deny, make_role, trust

NODE = pathlib.Path(__file__).resolve().parent / "node"
OWN_TOPIC = "arn:aws:iot:*:*:topic/dt/${credentials-iot:ThingName}/*"


# ---- the interface (auth 2.2) ----

@pytest.fixture(scope="module")
def role(server):
    return make_role(server, trust(PROVIDER), allow("iot:Publish", resource=OWN_TOPIC), path="/edge/")["Arn"]


def test_a_role_alias_from_its_making_to_its_end(server, iot, role):
    name = unique("Edge=,@w")
    arn = server.arn(f"rolealias/{name}")
    made = iot.create_role_alias(roleAlias=name, roleArn=role, credentialDurationSeconds=900,
                                 tags=[{"Key": "team", "Value": "plant"}])
    assert (made["roleAlias"], made["roleAliasArn"]) == (name, arn)
    shown = iot.describe_role_alias(roleAlias=name)["roleAliasDescription"]
    assert shown["creationDate"] == shown["lastModifiedDate"]
    assert {k: shown[k] for k in shown if not k.endswith("Date")} == {
        "roleAlias": name, "roleAliasArn": arn, "roleArn": role, "owner": server.account,
        "credentialDurationSeconds": 900}
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "team", "Value": "plant"}]

    other = make_role(server, trust(PROVIDER))["Arn"]
    assert iot.update_role_alias(roleAlias=name, credentialDurationSeconds=43200)["roleAliasArn"] == arn
    assert iot.update_role_alias(roleAlias=name, roleArn=other)["roleAlias"] == name
    shown = iot.describe_role_alias(roleAlias=name)["roleAliasDescription"]
    assert (shown["roleArn"], shown["credentialDurationSeconds"]) == (other, 43200)
    assert shown["lastModifiedDate"] >= shown["creationDate"]

    iot.delete_role_alias(roleAlias=name)
    for act in (iot.describe_role_alias, iot.delete_role_alias, iot.update_role_alias):
        with refused("ResourceNotFoundException", 404, name, of=iot):
            act(roleAlias=name)
    with refused("ResourceNotFoundException", 404):
        iot.list_tags_for_resource(resourceArn=arn)


def test_an_alias_lives_an_hour_by_default_and_is_there_once(server, iot, role):
    name = unique("alias")
    iot.create_role_alias(roleAlias=name, roleArn=role)
    assert iot.describe_role_alias(roleAlias=name)["roleAliasDescription"]["credentialDurationSeconds"] == 3600
    with refused("ResourceAlreadyExistsException", 409, name, of=iot) as answer:
        iot.create_role_alias(roleAlias=name, roleArn=role)
    assert (answer["resourceId"], answer["resourceArn"]) == (name, server.arn(f"rolealias/{name}"))


@pytest.mark.parametrize("role_arn", ["arn:aws:iam::{account}:user/admin", "arn:aws:iam::*:role/MusterProvisioning",
                                      "arn:aws:iam::{account}:role/", "arn:aws:sts::{account}:role/x" + "y" * 20])
def test_what_is_no_role_has_no_alias(server, iot, role_arn):
    with refused("InvalidRequestException", 400, "roleArn", of=iot):
        iot.create_role_alias(roleAlias=unique("alias"), roleArn=role_arn.format(account=server.account))


def test_a_role_that_does_not_exist_may_have_an_alias(server, iot):
    """Whether it is there and trusts is asked when a device comes (auth 4.4)."""
    assert iot.create_role_alias(roleAlias=unique("alias"), roleArn=f"arn:aws:iam::{server.account}:role/Later")


def test_a_role_of_another_account_cannot_be_passed(server, iot):
    theirs = make_role(server.other_account(), trust(PROVIDER))["Arn"]
    for arn in (theirs, theirs + "x"):
        with refused("AccessDeniedException", 403):
            iot.create_role_alias(roleAlias=unique("alias"), roleArn=arn)


def test_pass_role_is_asked_for_and_says_for_whom(server, role):
    def maker(service):
        return Person(server, allow("iot:*RoleAlias"),
                      allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": service}}))
    name = unique("alias")
    with refused("AccessDeniedException", 403, f"is not authorized to perform: iam:PassRole on resource: {role}"):
        maker("iot.amazonaws.com").iot.create_role_alias(roleAlias=name, roleArn=role)
    assert maker("credentials.iot.amazonaws.com").iot.create_role_alias(roleAlias=name, roleArn=role)
    without = Person(server, allow("iot:*"))
    assert without.iot.update_role_alias(roleAlias=name, credentialDurationSeconds=1000)
    with refused("AccessDeniedException", 403, "iam:PassRole"):
        without.iot.update_role_alias(roleAlias=name, roleArn=role)


def test_aliases_are_listed_newest_first_page_by_page_and_at_most_a_hundred(server):
    other = server.other_account()
    iot, arn = other.boto("iot"), make_role(other, trust(PROVIDER))["Arn"]
    names = [f"alias-{i}" for i in range(100)]
    for name in names:
        iot.create_role_alias(roleAlias=name, roleArn=arn)
    with refused("LimitExceededException", 410, "100", of=iot):
        iot.create_role_alias(roleAlias="one-more", roleArn=arn)

    def pages(**wish):
        found, marker = [], {}
        while True:
            page = iot.list_role_aliases(pageSize=30, **wish, **marker)
            found += page["roleAliases"]
            if "nextMarker" not in page:
                return found
            assert len(page["roleAliases"]) == 30
            marker = {"marker": page["nextMarker"]}
    assert pages() == names[::-1]
    assert pages(ascendingOrder=True) == names
    iot.delete_role_alias(roleAlias=names[0])
    iot.create_role_alias(roleAlias="one-more", roleArn=arn)
    assert pages()[0] == "one-more"


def test_the_cli_makes_an_alias_and_history_is_kept(server, role):
    name = unique("cli")
    made = server.aws("iot", "create-role-alias", "--role-alias", name, "--role-arn", role)
    assert made == {"roleAlias": name, "roleAliasArn": server.arn(f"rolealias/{name}")}
    assert server.aws("iot", "describe-role-alias", "--role-alias", name)["roleAliasDescription"]["roleArn"] == role


# ---- the provider (auth 3.4, 4.4) ----

class Fetched:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.json = status, headers, json.loads(body)

    @property
    def refusal(self):
        return self.status, self.headers.get("x-amzn-errortype"), self.json.get("message")


def fetch(server, identity, alias, thing=None, host=None):
    """By curl."""
    host, port = host or server.credentials_host(), server.https_port
    named = ["-H", f"x-amzn-iot-thingname: {thing}"] if thing is not None else []
    done = run("curl", "-sS", "-i", "--max-time", "30", "--cacert", server.ca, "--resolve", f"{host}:{port}:127.0.0.1",
               "--cert", identity.certificate_file, "--key", identity.key_file, *named,
               f"https://{host}:{port}/role-aliases/{urllib.parse.quote(alias, safe='')}/credentials")
    assert done.returncode == 0, done
    head, _, body = done.stdout.partition("\n\n")
    lines = head.splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Fetched(int(lines[0].split()[1]), headers, body)


class DeviceSession(Caller):
    def publish(self, thing, topic="dt/{thing}/state"):
        getattr(self, "iot-data").publish(topic=topic.format(thing=thing), qos=1, payload=b"up")
        return True


def session(server, answer):
    keys = answer.json["credentials"]
    assert set(keys) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}
    return DeviceSession(server, keys)


class Device:
    """A certificate with a policy of its own, attached to a thing."""

    def __init__(self, server, *statements):
        self.thing = unique("pump")
        iot = server.boto("iot")
        self.policy = server.policy(*statements)
        self.identity = server.certificate(policy=self.policy)
        iot.create_thing(thingName=self.thing)
        iot.attach_thing_principal(thingName=self.thing, principal=self.identity.arn)


def may_use(*aliases):
    return allow("iot:AssumeRoleWithCertificate", [f"arn:aws:iot:*:*:rolealias/{one}" for one in aliases])


@pytest.fixture(scope="module")
def alias(server, role):
    name = unique("Edge")
    server.boto("iot").create_role_alias(roleAlias=name, roleArn=role, credentialDurationSeconds=900)
    return name


@pytest.fixture(scope="module")
def pump(server):
    """It may use every alias."""
    return Device(server, may_use("*"))


INVALID = (403, "AccessDeniedException", "Certificate is invalid on this endpoint")
NO_THING = (403, "AccessDeniedException", "Invalid thing name passed")
DENIED = (403, "AccessDeniedException", "Access Denied")
NO_ALIAS = (404, "ResourceNotFoundException", "Role alias does not exist")
NO_ROLE = (400, "InvalidRequestException", "Unable to assume the role, or the role to assume does not exist")
TOO_LONG = (400, "InvalidRequestException",
            "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role")


@pytest.mark.parametrize("status", ["INACTIVE", "REVOKED"])
def test_auth_21_1_a_certificate_that_is_not_active(server, iot, alias, status):
    device = Device(server, may_use("*"))
    iot.update_certificate(certificateId=device.identity.id, newStatus=status)
    assert fetch(server, device.identity, alias).refusal == INVALID


def test_auth_21_1_a_certificate_of_another_account(server, alias):
    other = server.other_account()
    device = Device(other, may_use("*"))
    assert fetch(server, device.identity, alias).refusal == INVALID
    assert fetch(other, device.identity, alias, host=other.endpoints["iot:CredentialProvider"]).refusal == NO_ALIAS


def test_auth_21_2_a_thing_that_is_not_the_device_s(server, iot, pump, alias):
    stranger = unique("thing")
    iot.create_thing(thingName=stranger)
    for name in (stranger, unique("nothing"), pump.thing.upper(), pump.thing + "x", "*", "x" * 200):
        assert fetch(server, pump.identity, alias, name).refusal == NO_THING, name
    assert fetch(server, pump.identity, alias, pump.thing).status == 200


def test_auth_21_3_policies_come_before_what_exists(server, alias):
    device = Device(server, may_use("other-*"))
    for name in (alias, "not-there", "other", "*", "a/b", "x" * 500):
        assert fetch(server, device.identity, name).refusal == DENIED, name
    assert fetch(server, device.identity, "other-1").refusal == NO_ALIAS


def test_auth_21_3_an_explicit_deny_wins(server, alias):
    device = Device(server, may_use("*"), deny("iot:AssumeRoleWithCertificate"))
    assert fetch(server, device.identity, alias).refusal == DENIED


def test_auth_21_3_variables_of_the_thing_are_there_only_with_the_header(server, alias):
    device = Device(server, allow("iot:AssumeRoleWithCertificate", "*",
                                      Condition={"Bool": {"iot:Connection.Thing.IsAttached": "true"}}))
    assert fetch(server, device.identity, alias).refusal == DENIED
    assert fetch(server, device.identity, alias, device.thing).status == 200


def test_auth_21_3_policies_of_the_things_groups_count(server, iot, alias):
    device, group = Device(server, allow("iot:Connect")), unique("group")
    assert fetch(server, device.identity, alias, device.thing).refusal == DENIED
    iot.create_thing_group(thingGroupName=group)
    iot.attach_policy(policyName=server.policy(may_use(alias)), target=server.arn(f"thinggroup/{group}"))
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=device.thing)
    assert fetch(server, device.identity, alias, device.thing).status == 200


def test_an_exclusive_thing_is_the_only_one_that_can_be_named(server, iot, role, alias):
    device = Device(server, may_use("*"))
    iot.detach_thing_principal(thingName=device.thing, principal=device.identity.arn)
    answer = server.call("PUT", f"/things/{device.thing}/principals", query={"thingPrincipalType": "EXCLUSIVE_THING"},
                         headers={"x-amzn-principal": device.identity.arn})
    assert answer.status == 200, answer
    assert fetch(server, device.identity, alias, unique("other")).refusal == NO_THING
    assert session(server, fetch(server, device.identity, alias, device.thing)).publish(device.thing)
    with refused("ForbiddenException", 403):
        session(server, fetch(server, device.identity, alias)).publish(device.thing)


def test_auth_21_4_an_alias_that_is_not_there(server, pump):
    for name in (unique("nothing"), "*", "a/b", "%00", "é", "x" * 129):
        assert fetch(server, pump.identity, name).refusal == NO_ALIAS, name


def test_auth_21_5_a_role_that_is_not_there_or_trusts_others(server, iot, pump):
    for arn in (f"arn:aws:iam::{server.account}:role/Later", make_role(server, trust({"AWS": server.account}))["Arn"],
                make_role(server, trust(IOT))["Arn"],
                make_role(server, trust(PROVIDER, condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}))[
                    "Arn"]):
        name = unique("alias")
        iot.create_role_alias(roleAlias=name, roleArn=arn)
        assert fetch(server, pump.identity, name).refusal == NO_ROLE, arn


def test_a_trust_policy_may_name_the_alias(server, iot, pump):
    name, other = unique("alias"), unique("alias")
    arn = make_role(server, trust(PROVIDER, condition={"ArnEquals": {"aws:SourceArn": server.arn(f"rolealias/{name}")},
                                                       "StringEquals": {"aws:SourceAccount": server.account}}))["Arn"]
    for one, refusal in ((name, None), (other, NO_ROLE)):
        iot.create_role_alias(roleAlias=one, roleArn=arn)
        answer = fetch(server, pump.identity, one)
        assert answer.status == 200 if refusal is None else answer.refusal == refusal


def test_auth_21_6_keys_live_no_longer_than_the_role_allows(server, iot, pump, role):
    name = unique("alias")
    iot.create_role_alias(roleAlias=name, roleArn=role, credentialDurationSeconds=3601)
    assert fetch(server, pump.identity, name).refusal == TOO_LONG


def test_auth_21_7_a_device_gets_keys_that_reach_its_own_topic(server, pump, alias, role):
    answer = fetch(server, pump.identity, alias, pump.thing)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    device = session(server, answer)
    found = device.sts.get_caller_identity()
    assert found["Arn"] == f"arn:aws:sts::{server.account}:assumed-role/{role.split('/')[-1]}/{pump.identity.id}"
    assert device.publish(pump.thing)
    for topic in ("dt/other/state", "dt/{thing}", "dt/${{credentials-iot:ThingName}}/state"):
        with refused("ForbiddenException", 403):
            device.publish(pump.thing, topic)


def test_without_the_header_the_keys_know_no_thing(server, pump, alias):
    device = session(server, fetch(server, pump.identity, alias))
    with refused("ForbiddenException", 403):
        device.publish(pump.thing)


def test_the_role_may_ask_for_certificate_and_type(server, iot, pump):
    kind, device, name = unique("type"), Device(server, may_use("*")), unique("alias")
    iot.create_thing_type(thingTypeName=kind)
    iot.update_thing(thingName=device.thing, thingTypeName=kind)
    arn = make_role(server, trust(PROVIDER), allow("iot:ListThings", Condition={"StringEquals": {
        "credentials-iot:AwsCertificateId": device.identity.id, "credentials-iot:ThingTypeName": kind}}))["Arn"]
    iot.create_role_alias(roleAlias=name, roleArn=arn)
    assert session(server, fetch(server, device.identity, name, device.thing)).may_list()
    for answer in (fetch(server, device.identity, name), fetch(server, pump.identity, name, pump.thing)):
        with refused("AccessDeniedException", 403):
            session(server, answer).iot.list_things()


def test_auth_22_keys_end_when_they_say_and_sign_the_cli_s_publish(server, pump, alias):
    before = datetime.datetime.utcnow().replace(microsecond=0)
    answer = fetch(server, pump.identity, alias, pump.thing)
    keys = answer.json["credentials"]
    expires = datetime.datetime.strptime(keys["expiration"], "%Y-%m-%dT%H:%M:%SZ")
    assert before <= expires - datetime.timedelta(seconds=900) <= datetime.datetime.utcnow()
    env = {"AWS_ACCESS_KEY_ID": keys["accessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["secretAccessKey"],
           "AWS_SESSION_TOKEN": keys["sessionToken"], "AWS_CA_BUNDLE": server.ca, "AWS_DEFAULT_REGION": server.region}
    done = run("aws", "--endpoint-url", server.endpoint, "iot-data", "publish", "--topic", f"dt/{pump.thing}/state",
               "--qos", "1", "--payload", "dXA=", env=env)
    assert done.returncode == 0, done.stderr


def test_each_call_gives_other_keys_and_those_out_stay(server, iot, pump, role):
    name = unique("alias")
    iot.create_role_alias(roleAlias=name, roleArn=role)
    one, other = (fetch(server, pump.identity, name, pump.thing) for _ in range(2))
    assert one.json["credentials"]["accessKeyId"] != other.json["credentials"]["accessKeyId"]
    iot.delete_role_alias(roleAlias=name)
    assert fetch(server, pump.identity, name, pump.thing).refusal == NO_ALIAS
    assert session(server, one).sts.get_caller_identity()["Account"] == server.account


# ---- the device SDK ----

@contextlib.contextmanager
def proxy_to(port):
    """An HTTP proxy whose every CONNECT ends at the server's port: clients that know no port but 443 get there."""
    def pump_bytes(source, sink):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(client):
        with client, socket.create_connection(("127.0.0.1", port), 30) as inner:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1) or b"\r\n\r\n"
            assert head.startswith(b"CONNECT "), head
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump_bytes, args=(inner, client), daemon=True)
            back.start()
            pump_bytes(client, inner)
            back.join(30)

    def accept(listener):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def test_the_x509_provider_of_the_device_sdk_fetches_keys_and_signs_with_them(server, pump, alias):
    assert (NODE / "node_modules").is_dir(), "run scripts/bootstrap test"
    body, path = "from the sdk", f"/topics/dt%2F{pump.thing}%2Fstate?qos=1"
    with proxy_to(server.https_port) as port:
        wish = {"endpoint": server.credentials_host(), "thing": pump.thing, "alias": alias, "ca": server.ca,
                "proxyPort": port,
                "certificate": str(pump.identity.certificate_file), "key": str(pump.identity.key_file),
                "region": server.region, "host": server.endpoint.split("//")[1], "path": path, "body": body}
        done = subprocess.run([shutil.which("node"), NODE / "credentials.js"], input=json.dumps(wish),
                              capture_output=True, text=True, timeout=90, env=clean_environment(server.home))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "error" not in answer, answer
    sent = server.ask("POST", path, body.encode(), {k: v for k, v in answer["headers"].items() if k.lower() != "host"})
    assert sent.status == 200, sent
