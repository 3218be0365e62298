"""Temporary credentials: who may assume a role, and what a session may do (auth 2.3, 4.2.3-4.2.6, 4.5; scenarios 16, 17, 18).
Clients: boto3, Debian's aws. What ends a session is in test_sessions.py."""
import datetime
import json

import pytest

from muster import refused, run, unique
from people import IOT, Caller, Person, allow, deny, document, make_role, trust

HOUR = 3600


@pytest.fixture(scope="module")
def admin(server):
    return Caller(server, {"AccessKeyId": server.access_key, "SecretAccessKey": server.secret_key})


# ---- scenario 16: AssumeRole ----

def test_auth_16_a_trusted_user_needs_no_policy_of_its_own(ada, lister):
    session = ada.assume(lister, RoleSessionName="ci-42")
    name, answer = lister.split("/")[-1], session.answer
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ada.server.account}:assumed-role/{name}/ci-42"
    assert answer["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA")
    assert answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":ci-42")
    assert answer["PackedPolicySize"] == 0 and "SourceIdentity" not in answer
    assert session.key.startswith("ASIA") and len(session.secret) == 40
    left = session.keys["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert HOUR - 60 < left.total_seconds() <= HOUR
    assert session.may_list()
    with refused("AccessDeniedException", 403,
                 f"User: {answer['AssumedRoleUser']['Arn']} is not authorized to perform: iot:DescribeThing on resource: "
                 f"arn:aws:iot:{ada.server.region}:{ada.server.account}:thing/x because no identity-based policy allows"):
        session.iot.describe_thing(thingName="x")


def test_auth_16_an_account_that_is_trusted_only_delegates(server, ada):
    for principal in ({"AWS": server.account}, {"AWS": f"arn:aws:iam::{server.account}:root"}, {"AWS": "*"}, "*"):
        role = make_role(server, trust(principal), allow("iot:ListThings"))["Arn"]
        with refused("AccessDenied", 403, f"is not authorized to perform: sts:AssumeRole on resource: {role} because no "
                                          "identity-based policy allows the sts:AssumeRole action"):
            ada.assume(role)
        assert Person(server, allow("sts:AssumeRole", resource=role)).assume(role).may_list()


def test_auth_16_an_unknown_role_is_denied_like_a_role_that_trusts_others(server, ada):
    role = make_role(server, trust(IOT))["Arn"]
    for arn in (role, f"arn:aws:iam::{server.account}:role/Nobody", "arn:aws:iam::999999999999:role/Nobody",
                role.replace(":role/", ":role/a/path/")):
        with refused("AccessDenied", 403) as answer:
            ada.assume(arn)
        assert answer["Error"]["Message"] == (f"User: {ada.arn} is not authorized to perform: sts:AssumeRole on resource: "
                                              f"{arn}")


def test_auth_16_an_external_id_is_asked_for(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}, condition={"StringEquals": {"sts:ExternalId": "e-1"}}))["Arn"]
    assert ada.assume(role, ExternalId="e-1").answer
    for wish in ({}, {"ExternalId": "e-2"}, {"ExternalId": "E-1"}):
        with refused("AccessDenied", 403):
            ada.assume(role, **wish)


def test_auth_16_how_long_a_session_may_live(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}), MaxSessionDuration=2 * HOUR)["Arn"]
    assert ada.assume(role, DurationSeconds=2 * HOUR).answer
    with refused("ValidationError", 400,
                 "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."):
        ada.assume(role, DurationSeconds=43200)
    for seconds in (899, 43201):
        with refused("ValidationError", 400, "durationSeconds"):
            ada.assume(role, DurationSeconds=seconds)


def test_a_denied_caller_learns_nothing_of_the_durations_of_a_role(server, ada):
    role = make_role(server, trust(IOT))["Arn"]
    with refused("AccessDenied", 403):
        ada.assume(role, DurationSeconds=43200)


def test_an_explicit_deny_beats_the_trust(server):
    user = Person(server, deny("sts:*"))
    role = make_role(server, trust({"AWS": user.arn}))["Arn"]
    with refused("AccessDenied", 403, "with an explicit deny in an identity-based policy"):
        user.assume(role)
    other = Person(server)
    iam = server.boto("iam")
    iam.update_assume_role_policy(RoleName=role.split("/")[-1], PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": other.arn}, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}]}))
    with refused("AccessDenied", 403):
        other.assume(role)


@pytest.mark.parametrize("wish, member", [
    ({"RoleSessionName": "a b"}, "roleSessionName"), ({"RoleSessionName": "a"}, "roleSessionName"),
    ({"RoleSessionName": "x" * 65}, "roleSessionName"), ({"RoleArn": "x" * 20}, "RoleArn"),
    ({"RoleArn": "arn:aws:iam::*:role/Admin-of-all"}, "RoleArn"), ({"ExternalId": "e 1"}, "externalId"),
    ({"SourceIdentity": "aws:me"}, "ourceIdentity"), ({"SerialNumber": "arn:aws:iam::1:mfa/x"}, "SerialNumber"),
    ({"TokenCode": "123456"}, "TokenCode"), ({"Tags": [{"Key": "aws:a", "Value": "b"}]}, "aws:"),
])
def test_what_is_asked_for_wrongly_is_named(ada, lister, wish, member):
    with refused("ValidationError", 400, member):
        ada.assume(lister, **wish)


# ---- trust by name ----

def test_trust_follows_the_user_and_not_the_name(server):
    user, iam = Person(server), server.boto("iam")
    role = make_role(server, trust({"AWS": user.arn}), allow("iot:ListThings"))
    shown = iam.get_role(RoleName=role["RoleName"])["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": user.arn}
    iam.delete_access_key(UserName=user.name, AccessKeyId=user.key)
    iam.delete_user(UserName=user.name)
    shown = iam.get_role(RoleName=role["RoleName"])["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": user.id}

    iam.create_user(UserName=user.name)
    keys = iam.create_access_key(UserName=user.name)["AccessKey"]
    with refused("AccessDenied", 403):
        Caller(server, {k: keys[k] for k in ("AccessKeyId", "SecretAccessKey")}).assume(role["Arn"])


@pytest.mark.parametrize("principal", [
    "arn:aws:iam::{account}:user/nobody-here", "arn:aws:iam::{account}:role/nobody-here", "AIDAMUSTER5EXAMPLE02B",
    "arn:aws:iam::*:root", "arn:aws:iam::{account}:user/*", "arn:aws:iam::{account}:role/Admin?", "{account}*",
    "arn:aws:iam::{account}:USER/admin", "arn:aws:iam::{account}:user/ADMIN", "arn:aws:iam::{account}:user//admin",
    "arn:aws:iam::{account}:user/admin ", "arn:aws:iam::{account}:user/x/../admin", "",
])
def test_a_principal_that_is_nobody_is_refused(server, principal):
    principal = principal.format(account=server.account)
    with refused("MalformedPolicyDocument", 400, "Invalid principal in policy" if principal else ""):
        server.boto("iam").create_role(RoleName=unique("R"), AssumeRolePolicyDocument=trust({"AWS": principal}))


def test_a_session_may_be_trusted_by_its_own_name(server, ada, lister):
    name = lister.split("/")[-1]
    arn = f"arn:aws:sts::{server.account}:assumed-role/{name}/chosen"
    role = make_role(server, trust({"AWS": arn}), allow("iot:ListThings"))["Arn"]
    assert ada.assume(lister, RoleSessionName="chosen").assume(role).may_list()
    with refused("AccessDenied", 403):
        ada.assume(lister, RoleSessionName="other").assume(role)


# ---- scenario 17: session policies narrow ----

def test_auth_17_a_session_policy_narrows(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}), allow("iot:*"))["Arn"]
    session = ada.assume(role, Policy=document(allow("iot:ListThings")))
    assert session.may_list() and 0 < session.answer["PackedPolicySize"] < 20
    with refused("AccessDeniedException", 403, "because no session policy allows the iot:ListThingTypes action"):
        session.iot.list_thing_types()


def test_a_session_policy_gives_nothing_that_the_role_has_not(ada, lister):
    session = ada.assume(lister, Policy=document(allow("*")))
    assert session.may_list()
    with refused("AccessDeniedException", 403, "because no identity-based policy allows"):
        session.iot.list_thing_types()


def test_session_policies_are_one_union_and_a_deny_in_them_holds(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}), allow("iot:*"))["Arn"]
    own = server.boto("iam").create_policy(PolicyName=unique("P"), PolicyDocument=document(allow("iot:ListThingTypes")))
    session = ada.assume(role, Policy=document(allow("iot:ListThings"), deny("iot:ListBillingGroups")),
                         PolicyArns=[{"arn": own["Policy"]["Arn"]}])
    assert session.may_list() and session.iot.list_thing_types()["thingTypes"] is not None
    with refused("AccessDeniedException", 403, "with an explicit deny in a session policy"):
        session.iot.list_billing_groups()
    with refused("AccessDeniedException", 403, "because no session policy allows"):
        session.iot.list_thing_groups()


def test_a_ready_made_policy_may_narrow_a_session(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}), allow("*"))["Arn"]
    session = ada.assume(role, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AWSIoTConfigReadOnlyAccess"}])
    assert session.may_list()
    with refused("AccessDeniedException", 403, "because no session policy allows"):
        session.iot.create_thing(thingName=unique())


@pytest.mark.parametrize("wish, error, text", [
    ({"Policy": "{}"}, "MalformedPolicyDocument", ""),
    ({"Policy": "no"}, "MalformedPolicyDocument", ""),
    ({"Policy": trust("*")}, "MalformedPolicyDocument", ""),
    ({"Policy": document(allow([f"iot:{'x' * 60}{i}" for i in range(40)]))}, "MalformedPolicyDocument", ""),
    ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nothing-at-all"}]}, "ValidationError", "PolicyArns"),
    ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}] * 11}, "ValidationError", "PolicyArns"),
])
def test_a_session_policy_that_is_none_is_refused(ada, lister, wish, error, text):
    with refused(error, 400, text):
        ada.assume(lister, **wish)


def test_policies_that_do_not_fit_a_token_are_too_large(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}, "sts:AssumeRole", "sts:TagSession"))["Arn"]
    tags = [{"Key": f"k{i}" + "x" * 100, "Value": "v" * 250} for i in range(50)]
    with refused("PackedPolicyTooLarge", 400, "consumes"):
        ada.assume(role, Tags=tags)


def test_the_largest_session_signs_headers_and_urls(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}, "sts:AssumeRole", "sts:TagSession"), allow("iot:*"))["Arn"]
    wish = {"Policy": document(allow(["iot:ListThings", *[f"iot:{'x' * 50}{i}" for i in range(30)]])),
            "Tags": [{"Key": f"k{i}", "Value": "v" * 256} for i in range(7)]}
    session = ada.assume(role, **wish)
    assert 90 < session.answer["PackedPolicySize"] <= 100 and session.may_list()
    url = session.sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
    answer = server.ask("GET", url[len(server.endpoint):])
    assert answer.status == 200 and b":assumed-role/" in answer.body, answer


def test_the_policies_of_another_account_narrow_nothing_here(server, ada, lister):
    other = server.other_account()
    theirs = other.boto("iam").create_policy(PolicyName=unique("P"), PolicyDocument=document(allow("*")))
    theirs = theirs["Policy"]["Arn"]
    with refused("ValidationError", 400, "PolicyArns") as answer:
        ada.assume(lister, PolicyArns=[{"arn": theirs}])
    nowhere = theirs + "x"
    with refused("ValidationError", 400) as none:
        ada.assume(lister, PolicyArns=[{"arn": nowhere}])
    assert none["Error"]["Message"] == answer["Error"]["Message"].replace(theirs, nowhere)


# ---- session tags, source identity, chains ----

def test_tags_of_a_session_need_leave_and_win_over_those_of_the_role(server, ada):
    closed = make_role(server, trust({"AWS": ada.arn}))["Arn"]
    with refused("AccessDenied", 403, "is not authorized to perform: sts:TagSession"):
        ada.assume(closed, Tags=[{"Key": "Team", "Value": "pumps"}])

    policy = allow("iot:DescribeThing", "arn:aws:iot:*:*:thing/${aws:PrincipalTag/team}-*")
    role = make_role(server, trust({"AWS": ada.arn}, "sts:AssumeRole", "sts:TagSession"), policy,
                     Tags=[{"Key": "Team", "Value": "valves"}])["Arn"]
    things = {team: unique(team) for team in ("pumps", "valves")}
    for name in things.values():
        server.boto("iot").create_thing(thingName=name)
    for session, own, foreign in ((ada.assume(role), "valves", "pumps"),
                                  (ada.assume(role, Tags=[{"Key": "tEAM", "Value": "pumps"}]), "pumps", "valves")):
        assert session.iot.describe_thing(thingName=things[own])["thingName"] == things[own]
        with refused("AccessDeniedException", 403):
            session.iot.describe_thing(thingName=things[foreign])


@pytest.mark.parametrize("wish, text", [
    ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "Duplicate tag keys found."),
    ({"Tags": [{"Key": "a", "Value": "1"}], "TransitiveTagKeys": ["b"]}, "must be included in the requested tags"),
    ({"Tags": [{"Key": "AWS:a", "Value": "1"}]}, "reserved"),
])
def test_tags_that_contradict_themselves(server, ada, wish, text):
    role = make_role(server, trust({"AWS": ada.arn}, "sts:AssumeRole", "sts:TagSession"))["Arn"]
    with refused("ValidationError", 400, text):
        ada.assume(role, **wish)


def chain(server, ada, *actions, policy=None):
    """Two roles: ada may assume the first one, whose sessions may assume the second one."""
    first = make_role(server, trust({"AWS": ada.arn}, *actions), allow("iot:*"))["Arn"]
    second = make_role(server, trust({"AWS": first}, *actions), policy or allow("iot:ListThings"))["Arn"]
    return first, second


def test_transitive_tags_go_along_a_chain_and_cannot_be_changed(server, ada):
    policy = allow("iot:ListThings", Condition={
        "StringEquals": {"aws:PrincipalTag/keep": "1"}, "Null": {"aws:PrincipalTag/lose": "true"}})
    first, second = chain(server, ada, "sts:AssumeRole", "sts:TagSession", policy=policy)
    session = ada.assume(first, Tags=[{"Key": "keep", "Value": "1"}, {"Key": "lose", "Value": "1"}],
                         TransitiveTagKeys=["keep"])
    assert session.assume(second).may_list()
    with refused("ValidationError", 400, "conflicts with a transitive tag key from the calling session"):
        session.assume(second, Tags=[{"Key": "KEEP", "Value": "2"}])


def test_a_chain_is_an_hour_long_and_leaves_the_session_policy_behind(server, ada):
    first, second = chain(server, ada)
    session = ada.assume(first, Policy=document(allow("sts:AssumeRole")))
    with refused("AccessDeniedException", 403, "because no session policy allows"):
        session.iot.list_things()
    assert session.assume(second).may_list()
    server.boto("iam").update_role(RoleName=second.split("/")[-1], MaxSessionDuration=2 * HOUR)
    with refused("ValidationError", 400, "exceeds the 1 hour session limit for roles assumed by role chaining"):
        session.assume(second, DurationSeconds=HOUR + 1)


def test_a_session_policy_without_assume_role_ends_the_chain(server, ada):
    first, second = chain(server, ada)
    with refused("AccessDenied", 403, "because no session policy allows the sts:AssumeRole action"):
        ada.assume(first, Policy=document(allow("iot:*"))).assume(second)


def test_a_source_identity_stays_and_is_asked_for(server, ada):
    policy = allow("iot:ListThings",
                                Condition={"StringEquals": {"aws:SourceIdentity": "ada-l"}})
    first, second = chain(server, ada, "sts:AssumeRole", "sts:SetSourceIdentity", policy=policy)
    session = ada.assume(first, SourceIdentity="ada-l")
    assert session.answer["SourceIdentity"] == "ada-l"
    chained = session.assume(second)
    assert chained.answer["SourceIdentity"] == "ada-l" and chained.may_list()
    with refused("ValidationError", 400, "SourceIdentity"):
        session.assume(second, SourceIdentity="eve")
    closed = make_role(server, trust({"AWS": ada.arn}))["Arn"]
    with refused("AccessDenied", 403, "sts:SetSourceIdentity"):
        ada.assume(closed, SourceIdentity="ada-l")


# ---- across accounts ----

def test_both_accounts_must_agree(server):
    other = server.other_account()
    user = Person(server)
    role = make_role(other, trust({"AWS": user.arn}), allow("iot:ListThings"))["Arn"]
    with refused("AccessDenied", 403, "because no identity-based policy allows the sts:AssumeRole action"):
        user.assume(role)
    user.may(allow("sts:AssumeRole"))
    session = user.assume(role)
    assert session.sts.get_caller_identity()["Account"] == other.account
    name = unique("theirs")
    other.boto("iot").create_thing(thingName=name)
    assert name in {t["thingName"] for page in session.iot.get_paginator("list_things").paginate()
                    for t in page["things"]}


def test_a_role_of_another_account_that_trusts_others_is_as_if_it_were_not_there(server):
    other = server.other_account()
    role = make_role(other, trust({"AWS": other.account}))["Arn"]
    messages = set()
    for user in (Person(server, allow("sts:*")), Person(server, deny("*"))):
        for arn in (role, role + "x"):
            with refused("AccessDenied", 403) as answer:
                user.assume(arn)
            messages.add(answer["Error"]["Message"].replace(arn, "ROLE").replace(user.arn, "USER"))
    assert messages == {"User: USER is not authorized to perform: sts:AssumeRole on resource: ROLE"}


# ---- scenario 18: who am I ----

def test_auth_18_what_a_user_with_a_path_is_called(server):
    user = Person(server, deny("*"), path="/ops/night/")
    assert user.arn == f"arn:aws:iam::{server.account}:user/ops/night/{user.name}"
    found = user.sts.get_caller_identity()
    assert (found["Arn"], found["UserId"], found["Account"]) == (user.arn, user.id, server.account)
    with refused("AccessDeniedException", 403, "with an explicit deny"):
        user.iot.list_things()


def test_auth_18_what_a_session_is_called(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}), deny("*"), path="/deep/er/")
    found = ada.assume(role["Arn"], RoleSessionName="me@x").sts.get_caller_identity()
    assert found["Arn"] == f"arn:aws:sts::{server.account}:assumed-role/{role['RoleName']}/me@x"
    assert (found["UserId"], found["Account"]) == (f"{role['RoleId']}:me@x", server.account)


def test_auth_18_the_cli_knows_a_session_too(server, ada, lister):
    keys = ada.assume(lister).keys
    env = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
           "AWS_SESSION_TOKEN": keys["SessionToken"], "AWS_CA_BUNDLE": server.ca, "AWS_DEFAULT_REGION": server.region}
    done = run("aws", "--endpoint-url", server.endpoint, "sts", "get-caller-identity", env=env)
    assert done.returncode == 0 and ":assumed-role/" in json.loads(done.stdout)["Arn"], done
    done = run("aws", "--endpoint-url", server.endpoint, "iot", "list-things", "--max-items", "1", env=env)
    assert done.returncode == 0, done.stderr


def test_the_cli_assumes_a_role_by_its_profile(server, ada, lister, tmp_path):
    (tmp_path / "config").write_text(
        f"[profile role]\nrole_arn = {lister}\nsource_profile = ada\nregion = {server.region}\n"
        f"[profile ada]\naws_access_key_id = {ada.key}\n"
        f"aws_secret_access_key = {ada.secret}\nregion = {server.region}\n")
    answer = run("aws", "--endpoint-url", server.endpoint, "--profile", "ada", "sts", "assume-role", "--role-arn", lister,
                 "--role-session-name", "by-cli",
                 env={"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_CA_BUNDLE": server.ca})
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["Credentials"]["SessionToken"]


# ---- GetSessionToken, GetFederationToken ----

def test_a_session_of_a_user_is_the_user_but_for_iam(server):
    user = Person(server, allow(["iot:ListThings", "iam:*", "sts:*"]))
    answer = user.sts.get_session_token()
    session = Caller(server, answer["Credentials"])
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert 43200 - 60 < left.total_seconds() <= 43200
    assert session.sts.get_caller_identity()["Arn"] == user.arn and session.may_list()
    with refused("AccessDenied", 403):
        session.iam.list_users()
    with refused("AccessDenied", 403, "Cannot call GetSessionToken with session credentials"):
        session.sts.get_session_token()
    with refused("AccessDenied", 403, "Cannot call GetFederationToken with session credentials"):
        session.sts.get_federation_token(Name="abc")
    role = make_role(server, trust({"AWS": user.arn}), allow("iot:ListThings"))["Arn"]
    assert session.assume(role).may_list()


def test_a_session_of_a_role_is_no_user(ada, lister):
    session = ada.assume(lister)
    with refused("AccessDenied", 403, "Cannot call GetSessionToken with session credentials"):
        session.sts.get_session_token()
    with refused("AccessDenied", 403):
        session.sts.get_federation_token(Name="abc")


def federate(user, **wish):
    answer = user.sts.get_federation_token(**{"Name": "guest", **wish})
    return Caller(user.server, answer["Credentials"], answer=answer)


def test_a_federated_user_may_what_user_and_policy_both_allow(server):
    user = Person(server, allow(["iot:ListThings", "sts:*", "iam:*"]))
    guest = federate(user, Policy=document(allow(["iot:ListThings", "iot:ListThingTypes", "iam:*", "sts:*"])))
    arn = f"arn:aws:sts::{server.account}:federated-user/guest"
    assert guest.answer["FederatedUser"] == {"FederatedUserId": f"{server.account}:guest", "Arn": arn}
    found = guest.sts.get_caller_identity()
    assert (found["Arn"], found["UserId"]) == (arn, f"{server.account}:guest")
    assert guest.may_list()
    with refused("AccessDeniedException", 403, f"User: {arn} is not authorized"):
        guest.iot.list_thing_types()
    with refused("AccessDenied", 403):
        guest.iam.list_users()
    role = make_role(server, trust({"AWS": [user.arn, server.account]}))["Arn"]
    with refused("AccessDenied", 403):
        guest.assume(role)


def test_a_federated_user_without_a_policy_may_nothing(server):
    guest = federate(Person(server, allow("*")))
    assert guest.answer["PackedPolicySize"] == 0
    with refused("AccessDeniedException", 403, "because no session policy allows"):
        guest.iot.list_things()


def test_who_may_federate_is_asked(server, ada):
    with refused("AccessDenied", 403, "sts:GetFederationToken"):
        ada.sts.get_federation_token(Name="guest")
    tagless = Person(server, allow(["sts:GetFederationToken", "iot:*"]))
    with refused("AccessDenied", 403, "sts:TagSession"):
        federate(tagless, Tags=[{"Key": "a", "Value": "b"}])
    for seconds in (899, 129601):
        with refused("ValidationError", 400, "durationSeconds"):
            federate(tagless, DurationSeconds=seconds)


# ---- small questions ----

def test_whose_key_it_is(server, admin, ada):
    for key in (ada.key, "AKIARZPUZDIKAAQUGZMH"):
        assert len(admin.sts.get_access_key_info(AccessKeyId=key)["Account"]) == 12
    assert admin.sts.get_access_key_info(AccessKeyId=ada.key)["Account"] == server.account
    with refused("ValidationError", 400, "AccessKeyId"):
        admin.sts.get_access_key_info(AccessKeyId="AKIA1111111111111111")


def test_no_message_of_others_is_decoded(admin):
    with refused("InvalidAuthorizationMessageException", 400):
        admin.sts.decode_authorization_message(EncodedMessage="x" * 100)


@pytest.mark.parametrize("action", ["AssumeRoleWithSAML", "AssumeRoot", "GetWebIdentityToken"])
def test_what_is_not_offered_is_no_action(server, action):
    answer = server.call("POST", "/", f"Action={action}&Version=2011-06-15".encode(), service="sts",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 400 and b"<Code>InvalidAction</Code>" in answer.body
    assert f"Could not find operation {action} for version 2011-06-15".encode() in answer.body
