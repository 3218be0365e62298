"""What temporary and long-term keys are good for: tokens that are not theirs, how sessions end, which policies count for a
caller, and how nobody lifts himself (auth 3.2, 4.1, 4.2; scenarios 8, 10, 42). Sessions are made in test_sts.py."""
import base64
import contextlib
import random
import sqlite3

from muster import refused, unique
from people import PROVIDER, Caller, Person, allow, deny, document, make_role, trust




# ---- scenarios 8, 10: keys and tokens that are no good ----

def is_unknown(server, keys, service="iot"):
    with refused("UnrecognizedClientException" if service == "iot" else "InvalidClientTokenId", 403,
                 "The security token included in the request is invalid."):
        caller = server.boto(service, keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"))
        caller.list_things() if service == "iot" else caller.get_caller_identity()


def test_auth_8_a_temporary_key_needs_its_own_token(server, ada, lister):
    one, other = ada.assume(lister).keys, ada.assume(lister).keys
    for service in ("iot", "sts"):
        is_unknown(server, {**one, "SessionToken": None}, service)
        is_unknown(server, {**one, "SessionToken": other["SessionToken"]}, service)
        is_unknown(server, {**one, "SessionToken": "garbage"}, service)
        is_unknown(server, {**ada.keys, "SessionToken": one["SessionToken"]}, service)
        is_unknown(server, {**one, "AccessKeyId": "ASIA" + ada.key[4:]}, service)
    with refused("InvalidSignatureException", 403):
        Caller(server, {**one, "SecretAccessKey": other["SecretAccessKey"]}).boto("iot").list_things()


def test_no_bit_of_a_token_can_be_turned(server, ada, lister):
    keys = ada.assume(lister).keys
    sealed = base64.b64decode(keys["SessionToken"])
    for bit in sorted(random.Random(7).sample(range(len(sealed) * 8), 40)):
        turned = bytearray(sealed)
        turned[bit // 8] ^= 1 << bit % 8
        is_unknown(server, {**keys, "SessionToken": base64.b64encode(turned).decode()})
    for text in (sealed[:-1], sealed + b"x", sealed[:29], b"", sealed * 3):
        is_unknown(server, {**keys, "SessionToken": base64.b64encode(text).decode() or "="})
    assert Caller(server, keys).may_list()


def test_auth_8_a_session_expires(fresh_server):
    user = Person(fresh_server, allow("iot:*"))
    role = make_role(fresh_server, trust({"AWS": user.arn}), allow("iot:ListThings"))["Arn"]
    session = user.assume(role, DurationSeconds=900)
    keys = (session.key, session.secret, session.token)
    assert fresh_server.call("GET", "/things", credentials=keys).status == 200
    fresh_server.admin("clock +901")
    answer = fresh_server.call("GET", "/things", credentials=keys)
    assert (answer.status, answer.error) == (403, "ExpiredTokenException"), answer
    assert answer.message == "The security token included in the request is expired"
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    answer = fresh_server.call("POST", "/", body, service="sts", credentials=keys,
                               headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 403 and b"<Code>ExpiredToken</Code>" in answer.body


def test_auth_10_an_inactive_key_is_refused_at_once(server):
    user, iam = Person(server, allow("iot:ListThings")), server.boto("iam")
    assert user.may_list()
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key, Status="Inactive")
    is_unknown(server, user.keys)
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key, Status="Active")
    assert user.may_list()
    iam.delete_access_key(UserName=user.name, AccessKeyId=user.key)
    is_unknown(server, user.keys)


# ---- scenario 42, and what ends a session ----

def test_auth_42_sessions_and_keys_outlive_a_restart(fresh_server):
    user = Person(fresh_server, allow("iot:ListThings"))
    role = make_role(fresh_server, trust({"AWS": user.arn}), allow("iot:ListThings"))["Arn"]
    session = user.assume(role)
    fresh_server.restart()
    assert session.may_list() and user.may_list()


def test_a_session_ends_with_its_role_and_a_namesake_does_not_wake_it(server, ada):
    iam, role = server.boto("iam"), make_role(server, trust({"AWS": ada.arn}), allow("iot:ListThings"))
    session = ada.assume(role["Arn"])
    assert session.may_list()
    iam.delete_role_policy(RoleName=role["RoleName"], PolicyName="rights")
    with refused("AccessDeniedException", 403):
        session.iot.list_things()
    iam.delete_role(RoleName=role["RoleName"])
    is_unknown(server, session.keys)
    iam.create_role(RoleName=role["RoleName"], AssumeRolePolicyDocument=trust({"AWS": ada.arn}))
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="rights", PolicyDocument=document(allow("*")))
    is_unknown(server, session.keys)


def test_a_deny_that_comes_later_holds_for_sessions_that_are_out(server, ada):
    role = make_role(server, trust({"AWS": ada.arn}), allow("iot:ListThings"))
    session = ada.assume(role["Arn"])
    assert session.may_list()
    server.boto("iam").put_role_policy(RoleName=role["RoleName"], PolicyName="late", PolicyDocument=document(
        deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": "2099-01-01T00:00:00Z"}})))
    with refused("AccessDeniedException", 403, "with an explicit deny in an identity-based policy"):
        session.iot.list_things()


# ---- all policies of a caller ----

def test_policies_of_groups_and_of_ones_own_count(server):
    user, iam, group = Person(server), server.boto("iam"), unique("G")
    with refused("AccessDeniedException", 403):
        user.iot.list_things()
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(allow("iot:ListThings")))
    iam.add_user_to_group(GroupName=group, UserName=user.name)
    assert user.may_list()
    types = iam.create_policy(PolicyName=unique("P"), PolicyDocument=document(allow("iot:ListThingTypes")), Path="/a/b/")
    with refused("AccessDeniedException", 403):
        user.iot.list_thing_types()
    iam.attach_group_policy(GroupName=group, PolicyArn=types["Policy"]["Arn"])
    assert user.iot.list_thing_types()
    iam.remove_user_from_group(GroupName=group, UserName=user.name)
    with refused("AccessDeniedException", 403):
        user.iot.list_things()
    iam.attach_user_policy(UserName=user.name, PolicyArn=types["Policy"]["Arn"])
    assert user.iot.list_thing_types()
    iam.create_policy_version(PolicyArn=types["Policy"]["Arn"], PolicyDocument=document(allow("iot:ListThings")),
                              SetAsDefault=True)
    assert user.may_list()
    with refused("AccessDeniedException", 403):
        user.iot.list_thing_types()


def test_a_boundary_holds_users_and_sessions(server, ada):
    iam = server.boto("iam")
    fence = iam.create_policy(PolicyName=unique("P"), PolicyDocument=document(allow("iot:ListThings")))["Policy"]["Arn"]
    user = Person(server, allow("iot:*"))
    iam.put_user_permissions_boundary(UserName=user.name, PermissionsBoundary=fence)
    role = make_role(server, trust({"AWS": ada.arn}), allow("iot:*"), PermissionsBoundary=fence)["Arn"]
    for caller in (user, ada.assume(role)):
        assert caller.may_list()
        with refused("AccessDeniedException", 403, "because no permissions boundary allows the iot:ListThingTypes"):
            caller.iot.list_thing_types()


def test_tags_of_a_user_are_what_policies_ask_for(server):
    policy = allow("iot:ListThings", Condition={
        "StringEquals": {"aws:PrincipalTag/Team": "pumps"}})
    assert Person(server, policy, tags=[("Team", "pumps")]).may_list()
    with refused("AccessDeniedException", 403):
        Person(server, policy, tags=[("Team", "valves")]).iot.list_things()


# ---- nobody lifts himself ----

def test_a_stronger_role_cannot_be_passed_on(server):
    strong = make_role(server, trust({"Service": ["credentials.iot.amazonaws.com", "iot.amazonaws.com"]}),
                       allow("*"))["Arn"]
    weak = make_role(server, trust(PROVIDER))["Arn"]
    user = Person(server, allow("iot:*"),
                  allow("iam:PassRole", weak,
                        Condition={"StringEquals": {"iam:PassedToService": "credentials.iot.amazonaws.com"}}))
    alias = unique("alias")
    assert user.iot.create_role_alias(roleAlias=alias, roleArn=weak)
    for act in (lambda: user.iot.create_role_alias(roleAlias=unique("alias"), roleArn=strong),
                lambda: user.iot.update_role_alias(roleAlias=alias, roleArn=strong)):
        with refused("AccessDeniedException", 403, f"iam:PassRole on resource: {strong}"):
            act()
    assert user.iot.describe_role_alias(roleAlias=alias)["roleAliasDescription"]["roleArn"] == weak


def test_who_may_assume_cannot_write_the_trust(server, ada, lister):
    session = ada.assume(lister)
    with refused("AccessDenied", 403):
        session.iam.update_assume_role_policy(RoleName=lister.split("/")[-1], PolicyDocument=trust("*"))
    with refused("AccessDenied", 403):
        session.iam.put_role_policy(RoleName=lister.split("/")[-1], PolicyName="p", PolicyDocument=document(allow("*")))


# ---- what is stored but cannot be read ----

def test_a_policy_that_cannot_be_read_denies_everything(fresh_server):
    """As if a newer server, or a hand in the database, had left it."""
    iam = fresh_server.boto("iam")
    fence = iam.create_policy(PolicyName="Fence", PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    people = {name: Person(fresh_server, allow("iot:ListThings")) for name in ("broken", "gone", "fenced", "whole")}
    iam.put_user_policy(UserName=people["broken"].name, PolicyName="second",
                        PolicyDocument=document(allow("iot:ListThings")))
    iam.attach_user_policy(UserName=people["gone"].name, PolicyArn=fence)
    iam.put_user_permissions_boundary(UserName=people["fenced"].name, PermissionsBoundary=fence)
    role = make_role(fresh_server, trust({"AWS": people["whole"].arn}))
    session = people["whole"].assume(role["Arn"])
    assert all(one.may_list() for one in people.values())

    fresh_server.stop()
    with contextlib.closing(sqlite3.connect(fresh_server.dir / "store.db")) as store, store:
        changed = [store.execute(text, values).rowcount for text, values in (
            ("UPDATE iam_inline_policy SET document = '{' WHERE owner_name = ? AND policy_name = 'second'",
             (people["broken"].name,)),
            ("DELETE FROM iam_policy WHERE name = 'Fence'", ()),
            ("UPDATE iam_role SET trust = '{}' WHERE name = ?", (role["RoleName"],)))]
    assert changed == [1, 1, 1]
    fresh_server.start()
    assert people["whole"].may_list() and session.sts.get_caller_identity()["Account"]
    for name in ("broken", "gone", "fenced"):
        with refused("AccessDeniedException", 403, "with an explicit deny"):
            people[name].iot.list_things()
    with refused("AccessDenied", 403):
        people["whole"].assume(role["Arn"])
