"""Users, access keys, groups, roles, inline policies, tags and boundaries over the query protocol (auth.md 2.4, 3.2):
each operation once for good and once for each documented error, by boto3, the AWS CLI and curl."""
import concurrent.futures
import contextlib
import json
import re
import sqlite3
import urllib.parse
import xml.etree.ElementTree

import boto3
import botocore.config
import pytest

import muster
from muster import refused, unique

NAMESPACE = "{https://iam.amazonaws.com/doc/2010-05-08/}"
VERSION = "2012-10-17"


def document(*statements):
    return json.dumps({"Version": VERSION, "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*"):
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def trust(**principal):
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


IOT = trust(Service="iot.amazonaws.com")


@pytest.fixture
def iam(server):
    return server.boto("iam")


@pytest.fixture
def user(iam):
    name = unique("user")
    iam.create_user(UserName=name)
    return name


@pytest.fixture
def role(iam):
    name = unique("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=IOT)
    return name


@pytest.fixture
def group(iam):
    name = unique("group")
    iam.create_group(GroupName=name)
    return name


class Login:
    """A user with a key of its own and what it may do."""

    def __init__(self, server, *statements, path="/", name=None):
        iam = server.boto("iam")
        self.server, self.name = server, name or unique("login")
        self.arn = iam.create_user(UserName=self.name, Path=path)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=self.name, PolicyName="rights", PolicyDocument=document(*statements))
        self.take(iam.create_access_key(UserName=self.name)["AccessKey"])

    def take(self, key):
        self.key, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.server.secrets.add(self.secret)

    def boto(self, service):
        return self.server.boto(service, self.key, self.secret)


@pytest.fixture
def login(server):
    return lambda *statements, **more: Login(server, *statements, **more)


def call(server, action, signing=None, **members):
    """One request of the query protocol, signed, and its answer's XML."""
    body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **members}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = server.ask("POST", "/", body, server.sign("POST", "/", body, form, service="iam", **(signing or {})))
    return answer, xml.etree.ElementTree.fromstring(answer.body)


def texts(tree, name):
    return [element.text for element in tree.iter(NAMESPACE + name)]


def assume(server, role_arn, session="work", keys=None):
    """Keys of a session of the role."""
    client = server.boto("sts", *(keys or ()))
    made = client.assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
    server.secrets.add(made["SecretAccessKey"])
    return boto3.session.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"],
                                 region_name=server.region)


def of_session(server, session, service):
    return session.client(service, endpoint_url=server.endpoint, verify=server.ca,
                          config=botocore.config.Config(retries={"total_max_attempts": 1}))


# ---- users ----

def test_a_user_has_a_path_an_id_and_tags(server, iam):
    name = unique("ada")
    made = iam.create_user(UserName=name, Path="/ops/", Tags=[{"Key": "team", "Value": "plant 7"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{server.account}:user/ops/{name}"
    assert re.fullmatch(r"AIDA[A-Z0-9]{17}", made["UserId"]) and made["Path"] == "/ops/"
    assert made["Tags"] == [{"Key": "team", "Value": "plant 7"}]
    found = iam.get_user(UserName=name)["User"]
    assert found == made
    assert abs((found["CreateDate"].replace(tzinfo=None) - server.now()).total_seconds()) < 60


def test_names_of_users_are_taken_in_every_case(iam, user):
    for name in (user, user.upper()):
        with refused("EntityAlreadyExists", 409, f"User with name {name} already exists."):
            iam.create_user(UserName=name)
    with refused("NoSuchEntity", 404, f"The user with name {user.upper()} cannot be found."):
        iam.get_user(UserName=user.upper())


def test_users_are_listed_by_path_without_tags(iam):
    path = f"/{unique('d')}/"
    names = sorted(unique("u") for _ in range(3))
    for name in names:
        iam.create_user(UserName=name, Path=path + "x/", Tags=[{"Key": "a", "Value": "b"}])
    found = iam.list_users(PathPrefix=path)["Users"]
    assert [one["UserName"] for one in found] == names and all("Tags" not in one for one in found)
    assert iam.list_users(PathPrefix=path + "y")["Users"] == []


def test_two_hundred_and_fifty_users_come_in_pages(server, iam):
    path = f"/{unique('many')}/"
    names = [f"{unique('n')}-{i}" for i in range(250)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: iam.create_user(UserName=name, Path=path), names))
    first = iam.list_users(PathPrefix=path)
    assert first["IsTruncated"] is True and len(first["Users"]) == 100
    pages = list(iam.get_paginator("list_users").paginate(PathPrefix=path, PaginationConfig={"PageSize": 7}))
    assert [one["UserName"] for page in pages for one in page["Users"]] == sorted(names)
    assert [page["IsTruncated"] for page in pages] == [True] * 35 + [False] and "Marker" not in pages[-1]
    assert len(iam.list_users(PathPrefix=path, MaxItems=1000)["Users"]) == 250

    marker = first["Marker"]
    for wrong in ({"PathPrefix": "/", "Marker": marker}, {"PathPrefix": path, "Marker": marker[:-4] + "AAAA"},
                  {"PathPrefix": path, "Marker": "x"}):
        with refused("ValidationError", 400, "Marker"):
            iam.list_users(**wrong)
    with refused("ValidationError", 400, "Marker"):
        iam.list_roles(PathPrefix=path, Marker=marker)
    for size in (0, 1001):
        answer, tree = call(server, "ListUsers", MaxItems=size)
        assert answer.status == 400 and texts(tree, "Code") == ["ValidationError"]
        assert "maxItems" in texts(tree, "Message")[0]


def test_a_renamed_user_keeps_its_keys_policies_groups_and_tags(server, iam, login, group):
    ada = login(allow("iam:ListUsers"))
    iam.add_user_to_group(GroupName=group, UserName=ada.name)
    iam.attach_user_policy(UserName=ada.name, PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")
    iam.tag_user(UserName=ada.name, Tags=[{"Key": "k", "Value": "v"}])
    before, new = iam.get_user(UserName=ada.name)["User"], unique("new")
    iam.update_user(UserName=ada.name, NewUserName=new, NewPath="/elsewhere/")

    after = iam.get_user(UserName=new)["User"]
    assert after["Arn"].endswith(f":user/elsewhere/{new}") and after["UserId"] == before["UserId"]
    assert after["Tags"] == [{"Key": "k", "Value": "v"}]
    assert iam.list_user_policies(UserName=new)["PolicyNames"] == ["rights"]
    assert [key["AccessKeyId"] for key in iam.list_access_keys(UserName=new)["AccessKeyMetadata"]] == [ada.key]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName=new)["Groups"]] == [group]
    assert iam.list_attached_user_policies(UserName=new)["AttachedPolicies"]
    assert ada.boto("sts").get_caller_identity()["Arn"] == after["Arn"]
    ada.boto("iam").list_users()
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName=ada.name)


def test_a_user_is_renamed_to_its_own_name_in_another_case_but_to_no_other(iam, user):
    iam.update_user(UserName=user, NewUserName=user.upper())
    assert iam.get_user(UserName=user.upper())["User"]["UserName"] == user.upper()
    other = unique("other")
    iam.create_user(UserName=other)
    with refused("EntityAlreadyExists", 409, f"User with name {user} already exists."):
        iam.update_user(UserName=other, NewUserName=user)
    with refused("NoSuchEntity", 404):
        iam.update_user(UserName=user, NewPath="/x/")


def test_a_user_who_may_change_one_path_cannot_move_a_user_out_of_it(server, login):
    mover = login(allow("iam:UpdateUser", f"arn:aws:iam::{server.account}:user/dev/*"))
    one = login(path="/dev/")
    with refused("AccessDenied", 403, f"iam:UpdateUser on resource: arn:aws:iam::{server.account}:user/admins/"):
        mover.boto("iam").update_user(UserName=one.name, NewPath="/admins/")
    mover.boto("iam").update_user(UserName=one.name, NewPath="/dev/more/")


def test_a_user_is_deleted_last_of_all(server, iam, login, group):
    ada = login(allow("iam:GetUser"))
    iam.attach_user_policy(UserName=ada.name, PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")
    iam.add_user_to_group(GroupName=group, UserName=ada.name)
    iam.tag_user(UserName=ada.name, Tags=[{"Key": "k", "Value": "v"}])
    for message, remove in (
            ("must detach all policies first", lambda: iam.detach_user_policy(
                UserName=ada.name, PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")),
            ("must delete policies first", lambda: iam.delete_user_policy(UserName=ada.name, PolicyName="rights")),
            ("must delete access keys first", lambda: iam.delete_access_key(UserName=ada.name, AccessKeyId=ada.key)),
            ("must remove user from groups first", lambda: iam.remove_user_from_group(GroupName=group,
                                                                                      UserName=ada.name))):
        with refused("DeleteConflict", 409, f"Cannot delete entity, {message}."):
            iam.delete_user(UserName=ada.name)
        remove()
    iam.delete_user(UserName=ada.name)
    with refused("NoSuchEntity", 404, f"The user with name {ada.name} cannot be found."):
        iam.delete_user(UserName=ada.name)
    iam.create_user(UserName=ada.name)
    assert "Tags" not in iam.get_user(UserName=ada.name)["User"]


def test_one_of_two_who_create_a_user_at_once_wins(server, iam):
    names = [unique("race") for _ in range(10)]

    def create(name):
        try:
            iam.create_user(UserName=name)
            return "made"
        except iam.exceptions.EntityAlreadyExistsException:
            return "exists"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name in names:
            assert sorted(pool.map(create, [name, name.upper(), name])) == ["exists", "exists", "made"]


def test_deleting_a_user_while_it_gets_a_key_leaves_both_or_neither(iam):
    def attempt(action):
        try:
            action()
            return "done"
        except iam.exceptions.ClientError as e:
            return e.response["Error"]["Code"]

    for _ in range(10):
        name = unique("race")
        iam.create_user(UserName=name)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(attempt, lambda: iam.delete_user(UserName=name))
            keyed = pool.submit(attempt, lambda: iam.create_access_key(UserName=name))
        assert (deleted.result(), keyed.result()) in (("done", "NoSuchEntity"), ("DeleteConflict", "done"))


# ---- access keys ----

def test_a_secret_is_shown_once_and_never_logged(server, iam, user):
    made = iam.create_access_key(UserName=user)["AccessKey"]
    server.secrets.add(made["SecretAccessKey"])
    assert made["UserName"] == user and made["Status"] == "Active" and "CreateDate" in made
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", made["AccessKeyId"]) and len(made["SecretAccessKey"]) == 40
    listed = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert [set(one) for one in listed] == [{"UserName", "AccessKeyId", "Status", "CreateDate"}]
    server.check_log()
    for path in server.dir.rglob("*"):
        if path.is_file():
            assert made["SecretAccessKey"].encode() not in path.read_bytes(), path


def test_auth_20_a_third_access_key_is_one_too_many(iam, user):
    for _ in range(2):
        iam.create_access_key(UserName=user)
    with refused("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2"):
        iam.create_access_key(UserName=user)


def test_auth_10_an_inactive_key_is_refused_at_once(iam, login):
    ada = login(allow("iot:ListThings"))
    ada.boto("iot").list_things()
    iam.update_access_key(UserName=ada.name, AccessKeyId=ada.key, Status="Inactive")
    with refused("UnrecognizedClientException", 403):
        ada.boto("iot").list_things()
    with refused("InvalidClientTokenId", 403, "The security token included in the request is invalid."):
        ada.boto("iam").list_users()
    iam.update_access_key(UserName=ada.name, AccessKeyId=ada.key, Status="Active")
    ada.boto("iot").list_things()
    iam.delete_access_key(UserName=ada.name, AccessKeyId=ada.key)
    with refused("UnrecognizedClientException", 403):
        ada.boto("iot").list_things()


def test_keys_of_others_are_not_found(iam, user, login):
    ada = login()
    for action in (lambda **more: iam.update_access_key(Status="Inactive", **more), iam.delete_access_key):
        for key in (ada.key, "AKIAIOSFODNN7EXAMPLE"):
            with refused("NoSuchEntity", 404, f"The Access Key with id {key} cannot be found."):
                action(UserName=user, AccessKeyId=key)
    with refused("NoSuchEntity", 404, "The user with name nobody-here cannot be found."):
        iam.create_access_key(UserName="nobody-here")
    with refused("InvalidInput", 400):
        iam.update_access_key(UserName=user, AccessKeyId=ada.key, Status="Expired")


def test_who_names_no_user_means_itself(server, login):
    ada = login(allow("iam:*", f"arn:aws:iam::{server.account}:user/me/${{aws:username}}"), path="/me/")
    mine = ada.boto("iam")
    assert mine.get_user()["User"]["Arn"] == ada.arn
    made = mine.create_access_key()["AccessKey"]
    assert made["UserName"] == ada.name
    assert len(mine.list_access_keys()["AccessKeyMetadata"]) == 2
    mine.update_access_key(AccessKeyId=made["AccessKeyId"], Status="Inactive")
    mine.delete_access_key(AccessKeyId=made["AccessKeyId"])
    assert mine.get_access_key_last_used(AccessKeyId=ada.key)["UserName"] == ada.name
    with refused("AccessDenied", 403, f"iam:CreateAccessKey on resource: arn:aws:iam::{server.account}:user/admin"):
        mine.create_access_key(UserName="admin")


def test_a_session_of_a_role_has_no_user_to_mean(server, iam, login):
    ada = login()
    name = unique("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(AWS=ada.arn))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("iam:*")))
    session = of_session(server, assume(server, arn, keys=(ada.key, ada.secret)), "iam")
    for action in (session.get_user, session.create_access_key, session.list_access_keys):
        with refused("ValidationError", 400, "Must specify userName when calling with non-User credentials"):
            action()
    assert session.get_user(UserName=ada.name)["User"]["Arn"] == ada.arn


def test_a_key_that_was_never_used_says_so(server, iam, user):
    key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    found = iam.get_access_key_last_used(AccessKeyId=key)
    assert found["UserName"] == user and found["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    with refused("AccessDenied", 403, "access key AKIAIOSFODNN7EXAMPLE"):
        iam.get_access_key_last_used(AccessKeyId="AKIAIOSFODNN7EXAMPLE")


# ---- groups ----

def test_a_group_gives_its_members_its_rights_and_takes_them_back(server, iam, login, group):
    ada = login()
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(allow("iot:ListThings")))
    with refused("AccessDeniedException", 403):
        ada.boto("iot").list_things()
    iam.add_user_to_group(GroupName=group, UserName=ada.name)
    iam.add_user_to_group(GroupName=group, UserName=ada.name)
    ada.boto("iot").list_things()
    found = iam.get_group(GroupName=group)
    assert [one["UserName"] for one in found["Users"]] == [ada.name] and found["IsTruncated"] is False
    assert re.fullmatch(r"AGPA[A-Z0-9]{17}", found["Group"]["GroupId"])
    assert found["Group"]["Arn"] == f"arn:aws:iam::{server.account}:group/{group}"
    iam.remove_user_from_group(GroupName=group, UserName=ada.name)
    with refused("AccessDeniedException", 403):
        ada.boto("iot").list_things()
    with refused("NoSuchEntity", 404):
        iam.remove_user_from_group(GroupName=group, UserName=ada.name)


def test_groups_are_renamed_with_all_they_have_and_deleted_when_empty(iam, user, group):
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(allow("iot:ListThings")))
    new = unique("new")
    iam.update_group(GroupName=group, NewGroupName=new, NewPath="/g/")
    assert iam.get_group(GroupName=new)["Users"][0]["UserName"] == user
    assert iam.list_group_policies(GroupName=new)["PolicyNames"] == ["p"]
    assert [one["GroupName"] for one in iam.list_groups(PathPrefix="/g/")["Groups"]].count(new) == 1
    with refused("NoSuchEntity", 404, f"The group with name {group} cannot be found."):
        iam.get_group(GroupName=group)
    with refused("DeleteConflict", 409, "Cannot delete entity, must delete policies first."):
        iam.delete_group(GroupName=new)
    iam.delete_group_policy(GroupName=new, PolicyName="p")
    with refused("DeleteConflict", 409, "Cannot delete entity, must remove users from group first."):
        iam.delete_group(GroupName=new)
    iam.remove_user_from_group(GroupName=new, UserName=user)
    iam.delete_group(GroupName=new)
    with refused("NoSuchEntity", 404):
        iam.delete_group(GroupName=new)


def test_groups_errors(iam, user, group):
    with refused("EntityAlreadyExists", 409, f"Group with name {group.upper()} already exists."):
        iam.create_group(GroupName=group.upper())
    with refused("NoSuchEntity", 404, "The user with name nobody-here cannot be found."):
        iam.add_user_to_group(GroupName=group, UserName="nobody-here")
    with refused("NoSuchEntity", 404, "The group with name nothing-here cannot be found."):
        iam.add_user_to_group(GroupName="nothing-here", UserName=user)
    for _ in range(10):
        name = unique("g")
        iam.create_group(GroupName=name)
        iam.add_user_to_group(GroupName=name, UserName=user)
    with refused("LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10"):
        iam.add_user_to_group(GroupName=group, UserName=user)
    pages = iam.get_paginator("list_groups_for_user").paginate(UserName=user, PaginationConfig={"PageSize": 4})
    assert [len(page["Groups"]) for page in pages] == [4, 4, 2]


# ---- roles ----

def test_auth_19_a_trust_policy_is_an_object_again_and_percent_encoded_on_the_wire(server, iam):
    name = unique("Provision")
    text = '{\n "Version":"2012-10-17", "Statement":[{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},' \
           '"Action":"sts:AssumeRole","Condition":{"StringLike":{"aws:SourceArn":"arn:aws:iot:*:*:~a b+c/é*"}}}]}'
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=text, Description="Ünïts", Path="/p/",
                           MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": ""}])["Role"]
    assert made["AssumeRolePolicyDocument"] == json.loads(text) and made["MaxSessionDuration"] == 7200
    found = iam.get_role(RoleName=name)["Role"]
    assert found["AssumeRolePolicyDocument"] == json.loads(text) and found["Description"] == "Ünïts"
    assert found["Arn"] == f"arn:aws:iam::{server.account}:role/p/{name}" and found["RoleLastUsed"] == {}
    assert re.fullmatch(r"AROA[A-Z0-9]{17}", found["RoleId"]) and found["Tags"] == [{"Key": "a", "Value": ""}]

    answer, tree = call(server, "GetRole", RoleName=name)
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/xml"
    assert tree.tag == NAMESPACE + "GetRoleResponse"
    assert texts(tree, "RequestId") == [answer.headers["x-amzn-RequestId"]]
    encoded = texts(tree, "AssumeRolePolicyDocument")[0]
    assert re.fullmatch(r"([A-Za-z0-9_.~-]|%[0-9A-F]{2})+", encoded) and "%20" in encoded and "~a" in encoded
    assert json.loads(urllib.parse.unquote(encoded)) == json.loads(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", texts(tree, "CreateDate")[0])


def test_roles_are_listed_and_changed(iam, role):
    path = f"/{unique('d')}/"
    other = unique("role")
    iam.create_role(RoleName=other, AssumeRolePolicyDocument=IOT, Path=path, Description="one")
    listed = iam.list_roles(PathPrefix=path)["Roles"]
    assert [one["RoleName"] for one in listed] == [other] and "RoleLastUsed" not in listed[0]
    assert listed[0]["MaxSessionDuration"] == 3600 and listed[0]["AssumeRolePolicyDocument"] == json.loads(IOT)
    iam.update_role(RoleName=other, MaxSessionDuration=43200)
    assert iam.get_role(RoleName=other)["Role"]["Description"] == "one"
    iam.update_role(RoleName=other, Description="two")
    found = iam.get_role(RoleName=other)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("two", 43200)
    changed = trust(Service=["iot.amazonaws.com", "credentials.iot.amazonaws.com"])
    iam.update_assume_role_policy(RoleName=other, PolicyDocument=changed)
    assert iam.get_role(RoleName=other)["Role"]["AssumeRolePolicyDocument"] == json.loads(changed)
    with refused("EntityAlreadyExists", 409, f"Role with name {role.upper()} already exists."):
        iam.create_role(RoleName=role.upper(), AssumeRolePolicyDocument=IOT)
    for action in (lambda: iam.get_role(RoleName="Nope"), lambda: iam.update_role(RoleName="Nope"),
                   lambda: iam.update_assume_role_policy(RoleName="Nope", PolicyDocument=IOT)):
        with refused("NoSuchEntity", 404, "The role with name Nope cannot be found."):
            action()


@pytest.mark.parametrize("text, message", [
    ("{", "Syntax errors in policy."),
    (document(allow("sts:AssumeRole")), "Has prohibited field Resource"),
    (document({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000001:user/not-there"},
               "Action": "sts:AssumeRole"}), 'Invalid principal in policy: "AWS":'),
    ('{"Version":"2012-10-17","Statement":[]}', ""),
    ('{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', "Syntax errors in policy."),
])
def test_bad_trust_policies_are_malformed(iam, role, text, message):
    with refused("MalformedPolicyDocument", 400, message):
        iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=text)
    with refused("MalformedPolicyDocument", 400, message):
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=text)


def test_a_trust_policy_has_2048_characters_without_white_space(iam, role):
    def of(length):
        text = document({"Sid": "S", "Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"},
                         "Action": "sts:AssumeRole"})
        short = len("".join(text.split()))
        return text.replace('"S"', '"' + "S" * (length - short + 1) + '"').replace(" ", " " * 20)

    iam.update_assume_role_policy(RoleName=role, PolicyDocument=of(2048))
    with refused("LimitExceeded", 409, "Cannot exceed quota for ACLSizePerRole: 2048"):
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=of(2049))


def test_auth_20_a_role_with_policies_cannot_be_deleted(iam, role):
    arn = "arn:aws:iam::aws:policy/AWSIoTFullAccess"
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(allow("iot:*")))
    with refused("DeleteConflict", 409, "Cannot delete entity, must detach all policies first."):
        iam.delete_role(RoleName=role)
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    with refused("DeleteConflict", 409, "Cannot delete entity, must delete policies first."):
        iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName="p")
    iam.delete_role(RoleName=role)
    with refused("NoSuchEntity", 404, f"The role with name {role} cannot be found."):
        iam.delete_role(RoleName=role)


def test_a_session_ends_with_its_role_and_does_not_come_back_with_a_namesake(server, iam, login):
    ada = login(allow("sts:AssumeRole"))
    name = unique("role")

    def make():
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(AWS=ada.arn))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("iot:ListThings")))
        return arn

    things = of_session(server, assume(server, make(), keys=(ada.key, ada.secret)), "iot")
    things.list_things()
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    with refused("AccessDeniedException", 403):
        things.list_things()
    iam.delete_role(RoleName=name)
    for again in (False, True):
        if again:
            make()
        with refused("UnrecognizedClientException", 403):
            things.list_things()


def test_a_trusted_user_that_was_made_anew_is_a_stranger(server, iam, login):
    ada = login()
    name = unique("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(AWS=ada.arn))["Role"]["Arn"]
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "AWS": ada.arn}
    assume(server, arn, keys=(ada.key, ada.secret))
    before = iam.get_user(UserName=ada.name)["User"]["UserId"]
    iam.delete_access_key(UserName=ada.name, AccessKeyId=ada.key)
    iam.delete_user(UserName=ada.name)
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "AWS": before}
    again = login(name=ada.name)
    with refused("AccessDenied", 403):
        assume(server, arn, keys=(again.key, again.secret))


def test_roles_of_services_are_changed_by_nobody(server, iam):
    suffix = unique("s")
    made = iam.create_service_linked_role(AWSServiceName="iot.amazonaws.com", CustomSuffix=suffix,
                                          Description="d")["Role"]
    name = made["RoleName"]
    assert made["Path"] == "/aws-service-role/iot.amazonaws.com/" and name == f"AWSServiceRoleForIot_{suffix}"
    assert made["AssumeRolePolicyDocument"] == json.loads(IOT)
    with refused("InvalidInput", 400, f"Service role name {name} has been taken in this account"):
        iam.create_service_linked_role(AWSServiceName="iot.amazonaws.com", CustomSuffix=suffix)
    for service in ("example.com", ".amazonaws.com", "iot.amazonaws.com.example", "a.b.amazonaws.com"):
        with refused("InvalidInput", 400, "AWSServiceName"):
            iam.create_service_linked_role(AWSServiceName=service)
    for action in (lambda: iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("*"))),
                   lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=IOT),
                   lambda: iam.update_role(RoleName=name, Description="x"),
                   lambda: iam.attach_role_policy(RoleName=name,
                                                  PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")):
        with refused("UnmodifiableEntity", 400, f"protected role '{name}'"):
            action()
    with refused("InvalidInput", 400, "Path"):
        iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=IOT, Path="/aws-service-role/x/")
    iam.delete_role(RoleName=name)


# ---- inline policies ----

class Owner:
    def __init__(self, iam, kind, limit):
        self.iam, self.kind, self.limit, self.name = iam, kind, limit, unique(kind)
        more = {"AssumeRolePolicyDocument": IOT} if kind == "role" else {}
        getattr(iam, f"create_{kind}")(**self.who, **more)

    @property
    def who(self):
        return {f"{self.kind.title()}Name": self.name}

    def __call__(self, verb, noun="policy", **members):
        return getattr(self.iam, f"{verb}_{self.kind}_{noun}")(**{**self.who, **members})


@pytest.fixture(params=[("user", 2048), ("group", 5120), ("role", 10240)], ids=lambda pair: pair[0])
def owner(iam, request):
    return Owner(iam, *request.param)


def test_inline_policies_are_put_shown_listed_and_deleted(server, owner):
    text = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}}'
    for name in ("b", "a", "c"):
        owner("put", PolicyName=name, PolicyDocument=text)
    owner("put", PolicyName="a", PolicyDocument=text.replace("Allow", "Deny"))
    found = owner("get", PolicyName="a")
    assert found["PolicyDocument"] == json.loads(text.replace("Allow", "Deny"))
    assert found[f"{owner.kind.title()}Name"] == owner.name and found["PolicyName"] == "a"
    assert owner("list", "policies")["PolicyNames"] == ["a", "b", "c"]
    first = owner("list", "policies", MaxItems=2)
    assert first["IsTruncated"] and owner("list", "policies", Marker=first["Marker"])["PolicyNames"] == ["c"]
    answer, tree = call(server, f"Get{owner.kind.title()}Policy", PolicyName="b", **owner.who)
    assert texts(tree, "PolicyDocument") == [urllib.parse.quote(text, safe="")]
    answer, tree = call(server, f"Put{owner.kind.title()}Policy", PolicyName="b", PolicyDocument=text, **owner.who)
    assert [child.tag for child in tree] == [NAMESPACE + "ResponseMetadata"]
    owner("delete", PolicyName="a")
    missing = f"The {owner.kind} policy with name a cannot be found."
    for verb in ("get", "delete"):
        with refused("NoSuchEntity", 404, missing):
            owner(verb, PolicyName="a")


def test_inline_policies_of_nobody(owner):
    text = document(allow("*"))
    nobody = {f"{owner.kind.title()}Name": "Nope"}
    for verb, noun, members in (("put", "policy", {"PolicyName": "p", "PolicyDocument": text}),
                                ("get", "policy", {"PolicyName": "p"}), ("delete", "policy", {"PolicyName": "p"}),
                                ("list", "policies", {})):
        with refused("NoSuchEntity", 404, f"The {owner.kind} with name Nope cannot be found."):
            owner(verb, noun, **nobody, **members)


@pytest.mark.parametrize("text, message", [
    ("{", "Syntax errors in policy."),
    (document({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
    (document({"Effect": "Allow", "Action": "iot:*"}), "Policy statement must contain resources."),
    (document({**allow("iot:*"), "Sid": "a"}, {**allow("iot:*"), "Sid": "a"}),
     "Statement IDs (SID) in a single policy must be unique."),
    (document(allow("nothing")), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    (document(allow("iot:*", "thing")), 'Resource thing must be in ARN format or "*".'),
    (document({**allow("iot:*"), "Principal": "*"}), "Policy document should not specify a principal."),
    ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Effect":"Allow","Action":"*","Resource":"*"}}',
     "Syntax errors in policy."),
    (document(allow("iot:*", Condition={"StringAlike": {"a:b": "c"}})), ""),
])
def test_auth_4_2_1_malformed_documents_say_what_is_wrong(owner, text, message):
    with refused("MalformedPolicyDocument", 400, message):
        owner("put", PolicyName="p", PolicyDocument=text)
    assert owner("list", "policies")["PolicyNames"] == []


def test_all_inline_policies_of_one_owner_share_a_quota(owner):
    def of(length):
        empty = document({**allow("iot:*"), "Sid": ""})
        return document({**allow("iot:*"), "Sid": "S" * (length - len("".join(empty.split())))})

    full = f"Maximum policy size of {owner.limit} bytes exceeded for {owner.kind} {owner.name}"
    half = owner.limit // 2
    with refused("LimitExceeded", 409, full):
        owner("put", PolicyName="one", PolicyDocument=of(owner.limit + 1))
    owner("put", PolicyName="one", PolicyDocument=of(half).replace(": ", ":\n\t    "))
    owner("put", PolicyName="two", PolicyDocument=of(half))
    with refused("LimitExceeded", 409, full):
        owner("put", PolicyName="three", PolicyDocument=of(100))
    with refused("LimitExceeded", 409, full):
        owner("put", PolicyName="two", PolicyDocument=of(half + 1))
    owner("put", PolicyName="two", PolicyDocument=of(half - 1))


def test_a_deny_holds_from_the_next_request_on(iam, login):
    ada = login(allow("iot:*"))
    things = ada.boto("iot")
    for _ in range(5):
        things.list_things()
        iam.put_user_policy(UserName=ada.name, PolicyName="no", PolicyDocument=document(deny("iot:ListThings")))
        with refused("AccessDeniedException", 403, "with an explicit deny in an identity-based policy"):
            things.list_things()
        iam.delete_user_policy(UserName=ada.name, PolicyName="no")


# ---- tags ----

class Tagged:
    def __init__(self, iam, server, kind):
        self.iam, self.kind, name = iam, kind, unique(kind)
        if kind == "policy":
            self.who = {"PolicyArn": iam.create_policy(
                PolicyName=name, PolicyDocument=document(allow("iot:*")))["Policy"]["Arn"]}
            self.nobody = {"PolicyArn": self.who["PolicyArn"] + "-none"}
        else:
            more = {"AssumeRolePolicyDocument": IOT} if kind == "role" else {}
            self.who = {f"{kind.title()}Name": name}
            getattr(iam, f"create_{kind}")(**self.who, **more)
            self.nobody = {f"{kind.title()}Name": "Nope"}

    def __call__(self, verb, who=None, **members):
        name = f"list_{self.kind}_tags" if verb == "list" else f"{verb}_{self.kind}"
        return getattr(self.iam, name)(**(who or self.who), **members)

    def put(self, **tags):
        self("tag", Tags=[{"Key": key, "Value": value} for key, value in tags.items()])

    @property
    def tags(self):
        return {tag["Key"]: tag["Value"] for tag in self("list")["Tags"]}


@pytest.fixture(params=["user", "role", "policy"])
def tagged(iam, server, request):
    return Tagged(iam, server, request.param)


def test_tags_are_put_replaced_and_taken_off(tagged):
    tagged.put(team="plant", site="north")
    tagged.put(Team="press")
    assert tagged.tags == {"Team": "press", "site": "north"}
    first = tagged("list", MaxItems=1)
    assert first["IsTruncated"] and tagged("list", Marker=first["Marker"])["Tags"] == [{"Key": "site",
                                                                                        "Value": "north"}]
    tagged("untag", TagKeys=["TEAM", "unknown"])
    assert tagged.tags == {"site": "north"}


def test_tags_have_rules(tagged):
    duplicate = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    with refused("InvalidInput", 400, duplicate):
        tagged.put(a="1", A="2")
    for key in ("aws:x", "AWS:x"):
        with refused("InvalidInput", 400, "aws:"):
            tagged("tag", Tags=[{"Key": key, "Value": "v"}])
    with refused("ValidationError", 400, "tags"):
        tagged("tag", Tags=[{"Key": "k!", "Value": "v"}])
    tagged("tag", Tags=[{"Key": f"k{i}", "Value": ""} for i in range(50)])
    with refused("LimitExceeded", 409):
        tagged.put(one_more="x")
    with refused("ValidationError", 400):
        tagged("tag", Tags=[{"Key": f"j{i}", "Value": ""} for i in range(51)])
    assert len(tagged.tags) == 50
    for verb, members in (("tag", {"Tags": [{"Key": "k", "Value": "v"}]}), ("untag", {"TagKeys": ["k"]}),
                          ("list", {})):
        with refused("NoSuchEntity", 404):
            tagged(verb, who=tagged.nobody, **members)


def test_tags_and_paths_decide_who_may_do_what(server, iam, login):
    one, two = login(path="/dev/"), login(path="/dev/")
    iam.tag_user(UserName=one.name, Tags=[{"Key": "owner", "Value": "ci"}])
    ci = login(allow("iam:CreateAccessKey", f"arn:aws:iam::{server.account}:user/dev/*",
                     Condition={"StringEquals": {"aws:ResourceTag/owner": "ci"}}),
               allow("iam:CreateUser", f"arn:aws:iam::{server.account}:user/dev/*")).boto("iam")
    assert ci.create_access_key(UserName=one.name)["AccessKey"]["UserName"] == one.name
    with refused("AccessDenied", 403, f"iam:CreateAccessKey on resource: {two.arn}"):
        ci.create_access_key(UserName=two.name)
    ci.create_user(UserName=unique("made"), Path="/dev/")
    name = unique("made")
    with refused("AccessDenied", 403, f"arn:aws:iam::{server.account}:user/{name}"):
        ci.create_user(UserName=name)
    with refused("AccessDenied", 403):
        ci.create_user(UserName=name, Path="/devil/")


# ---- permissions boundaries ----

def test_a_boundary_bounds_at_once(server, iam, login):
    policy = iam.create_policy(PolicyName=unique("bound"),
                               PolicyDocument=document(allow("iot:ListThingTypes")))["Policy"]["Arn"]
    ada = login(allow("iot:*"))
    ada.boto("iot").list_things()
    iam.put_user_permissions_boundary(UserName=ada.name, PermissionsBoundary=policy)
    assert iam.get_user(UserName=ada.name)["User"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy}
    ada.boto("iot").list_thing_types()
    with refused("AccessDeniedException", 403, "because no permissions boundary allows the iot:ListThings action"):
        ada.boto("iot").list_things()
    iam.delete_user_permissions_boundary(UserName=ada.name)
    ada.boto("iot").list_things()
    with refused("NoSuchEntity", 404):
        iam.delete_user_permissions_boundary(UserName=ada.name)


def test_boundaries_are_policies_that_exist(server, iam, role):
    full = "arn:aws:iam::aws:policy/AWSIoTFullAccess"
    made = iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=IOT, PermissionsBoundary=full)["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == full
    assert iam.create_user(UserName=unique("u"), PermissionsBoundary=full)["User"]["PermissionsBoundary"]
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=full)
    iam.delete_role_permissions_boundary(RoleName=role)
    for arn in (f"arn:aws:iam::{server.account}:policy/nothing-here", "arn:aws:iam::aws:policy/NothingHere",
                f"arn:aws:iam::{server.account}:user/admin"):
        for action in (lambda: iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn),
                       lambda: iam.create_user(UserName=unique("u"), PermissionsBoundary=arn),
                       lambda: iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=IOT,
                                               PermissionsBoundary=arn)):
            with refused("NoSuchEntity", 404, f"Scope ARN: {arn} does not exist or is not attachable."):
                action()


def test_who_may_make_users_within_a_boundary_makes_none_without(server, iam, login):
    bound = iam.create_policy(PolicyName=unique("bound"), PolicyDocument=document(allow("iot:*")))["Policy"]["Arn"]
    other = iam.create_policy(PolicyName=unique("other"), PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    within = {"StringEquals": {"iam:PermissionsBoundary": bound}}
    installer = login(allow(["iam:CreateUser", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary"],
                            Condition=within)).boto("iam")
    name, rights = unique("u"), {"PolicyName": "p", "PolicyDocument": document(allow("*"))}
    for members in ({}, {"PermissionsBoundary": other}):
        with refused("AccessDenied", 403):
            installer.create_user(UserName=name, **members)
    installer.create_user(UserName=name, PermissionsBoundary=bound)
    installer.put_user_policy(UserName=name, **rights)
    with refused("AccessDenied", 403):
        installer.put_user_permissions_boundary(UserName=name, PermissionsBoundary=other)
    with refused("AccessDenied", 403):
        installer.put_user_policy(UserName="admin", **rights)


# ---- the protocol, other accounts ----

def test_auth_5_an_account_has_so_many_users_groups_and_roles(make_server):
    server = make_server(start=False)
    rows = {"user": (5000, "UsersPerAccount", "", ""), "group": (300, "GroupsPerAccount", "", ""),
            "role": (1000, "RolesPerAccount", ", trust, max_session_s", ", '{}', 3600")}
    with contextlib.closing(sqlite3.connect(server.dir / "store.db")) as store, store:
        for kind, (quota, _, columns, values) in rows.items():
            have, = store.execute(f"SELECT count(*) FROM iam_{kind}").fetchone()
            store.executemany(f"INSERT INTO iam_{kind} (account, name, path, id, created{columns}) "
                              f"VALUES (?, ?, '/', ?, 1{values})",
                              [(server.account, f"n{i}", f"{kind}{i}") for i in range(quota - have - 1)])
    iam = server.start().boto("iam")
    for kind, (quota, name, _, _) in rows.items():
        more = {"AssumeRolePolicyDocument": IOT} if kind == "role" else {}
        create, who = getattr(iam, f"create_{kind}"), f"{kind.title()}Name"
        create(**{who: "last"}, **more)
        with refused("LimitExceeded", 409, f"Cannot exceed quota for {name}: {quota}"):
            create(**{who: "one-more"}, **more)
        getattr(iam, f"delete_{kind}")(**{who: "n0"})
        create(**{who: "one-more"}, **more)


def test_every_change_may_run_twice(make_server):
    server = make_server(env={"MUSTER_TEST_RERUN": "1"})
    iam, name, tags = server.boto("iam"), unique("twice"), [{"Key": "a", "Value": "b"}]
    made = iam.create_user(UserName=name, Tags=tags)["User"]
    assert iam.get_user(UserName=name)["User"] == made
    key = iam.create_access_key(UserName=name)["AccessKey"]
    server.secrets.add(key["SecretAccessKey"])
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("iot:ListThings")))
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    iam.update_user(UserName=name, NewUserName=name + "-2")
    iam.update_group(GroupName=name, NewGroupName=name + "-2")
    server.boto("iot", key["AccessKeyId"], key["SecretAccessKey"]).list_things()
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=IOT, Tags=tags)["Role"]
    assert iam.get_role(RoleName=name)["Role"]["RoleId"] == role["RoleId"]
    iam.delete_role(RoleName=name)
    iam.delete_user_policy(UserName=name + "-2", PolicyName="p")
    iam.remove_user_from_group(GroupName=name + "-2", UserName=name + "-2")
    iam.delete_access_key(UserName=name + "-2", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name + "-2")


def test_wrong_members_are_named(server, iam):
    for members, name in (({"UserName": "a b"}, "userName"), ({"UserName": "x" * 65}, "userName"),
                          ({}, "userName"), ({"UserName": "x", "Path": "dev"}, "path"),
                          ({"UserName": "x", "Path": "/" + "d" * 600 + "/"}, "path")):
        answer, tree = call(server, "CreateUser", **members)
        assert answer.status == 400 and texts(tree, "Code") == ["ValidationError"], answer.body
        assert name in texts(tree, "Message")[0]
        assert texts(tree, "Type") == ["Sender"]
        assert texts(tree, "RequestId") == [answer.headers["x-amzn-RequestId"]]
    answer, tree = call(server, "GetRole", RoleName="Nope")
    assert (answer.status, texts(tree, "Code"), texts(tree, "Message")) == (
        404, ["NoSuchEntity"], ["The role with name Nope cannot be found."])


def test_truncation_and_escapes_in_raw_xml(server, iam):
    path = f"/{unique('raw')}/"
    for _ in range(2):
        iam.create_user(UserName=unique("u"), Path=path)
    answer, tree = call(server, "ListUsers", PathPrefix=path, MaxItems=1)
    assert texts(tree, "IsTruncated") == ["true"] and len(texts(tree, "Marker")) == 1
    marker = texts(tree, "Marker")[0]
    answer, tree = call(server, "ListUsers", PathPrefix=path, MaxItems=1, Marker=marker)
    assert texts(tree, "IsTruncated") == ["false"] and texts(tree, "Marker") == []
    answer, tree = call(server, "CreateUser", UserName=unique("u"), Path="/a&<b>'\"/")
    assert texts(tree, "Path") == ["/a&<b>'\"/"]


def test_curl_signs_for_iam(server):
    name = unique("curl")
    done = muster.run("curl", "-s", "--cacert", server.ca, "--aws-sigv4", f"aws:amz:{server.region}:iam", "--user",
                      f"{server.access_key}:{server.secret_key}", "--data", f"Action=CreateUser&Version=2010-05-08"
                      f"&UserName={name}", server.endpoint + "/")
    tree = xml.etree.ElementTree.fromstring(done.stdout)
    assert tree.tag == NAMESPACE + "CreateUserResponse" and texts(tree, "UserName") == [name]


def test_the_command_line_sets_up_a_user(server, iam):
    name, group, role = unique("cli"), unique("cli"), unique("cli")
    assert server.aws("iam", "create-user", "--user-name", name)["User"]["UserName"] == name
    key = server.aws("iam", "create-access-key", "--user-name", name)["AccessKey"]
    server.secrets.add(key["SecretAccessKey"])
    server.aws("iam", "put-user-policy", "--user-name", name, "--policy-name", "p", "--policy-document",
               document(allow("iot:ListThings")))
    server.aws("iam", "create-group", "--group-name", group)
    server.aws("iam", "add-user-to-group", "--group-name", group, "--user-name", name)
    assert server.aws("iam", "get-group", "--group-name", group)["Users"][0]["UserName"] == name
    made = server.aws("iam", "create-role", "--role-name", role, "--assume-role-policy-document", IOT, "--tags",
                      "Key=a,Value=b")["Role"]
    assert made["AssumeRolePolicyDocument"] == json.loads(IOT)
    server.aws("iam", "put-role-policy", "--role-name", role, "--policy-name", "p", "--policy-document",
               document(allow("iot:*")))
    assert server.aws("iam", "list-role-tags", "--role-name", role)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert name in [one["UserName"] for one in server.aws("iam", "list-users")["Users"]]
    assert "NoSuchEntity" in server.aws("iam", "get-user", "--user-name", "Nope", fails=True)
    server.boto("iot", key["AccessKeyId"], key["SecretAccessKey"]).list_things()


def test_nothing_of_another_account_can_be_found_or_changed(server, iam, login, role, group):
    ada = login(allow("iot:*"))
    stranger = server.other_account()
    theirs = stranger.boto("iam", stranger.access_key, stranger.secret_key)
    text = document(allow("*"))
    for action in (lambda: theirs.get_user(UserName=ada.name), lambda: theirs.delete_user(UserName=ada.name),
                   lambda: theirs.update_user(UserName=ada.name, NewUserName="mine"),
                   lambda: theirs.create_access_key(UserName=ada.name),
                   lambda: theirs.list_access_keys(UserName=ada.name),
                   lambda: theirs.put_user_policy(UserName=ada.name, PolicyName="p", PolicyDocument=text),
                   lambda: theirs.get_user_policy(UserName=ada.name, PolicyName="rights"),
                   lambda: theirs.tag_user(UserName=ada.name, Tags=[{"Key": "a", "Value": "b"}]),
                   lambda: theirs.get_role(RoleName=role), lambda: theirs.delete_role(RoleName=role),
                   lambda: theirs.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=text),
                   lambda: theirs.update_assume_role_policy(RoleName=role, PolicyDocument=IOT),
                   lambda: theirs.get_group(GroupName=group),
                   lambda: theirs.add_user_to_group(GroupName=group, UserName="admin"),
                   lambda: theirs.update_access_key(AccessKeyId=ada.key, Status="Inactive"),
                   lambda: theirs.delete_access_key(AccessKeyId=ada.key)):
        with refused("NoSuchEntity", 404):
            action()
    for key in (ada.key, "AKIAIOSFODNN7EXAMPLE"):
        with refused("AccessDenied", 403, f"access key {key}"):
            theirs.get_access_key_last_used(AccessKeyId=key)
    assert [one["UserName"] for one in theirs.list_users()["Users"]] == ["admin"]
    assert theirs.list_groups()["Groups"] == []
    theirs.create_user(UserName=ada.name)
    ada.boto("iot").list_things()
