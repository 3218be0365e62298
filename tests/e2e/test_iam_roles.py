"""Groups, roles and their inline policies (auth 2.4, 3.2): each operation once for good and once for each
documented error."""
import json
import re
import urllib.parse

import pytest

from entities import NAMESPACE, TRUST_IOT, call, group, iam, login, role, user, texts  # noqa: F401 (fixtures)
from muster import refused, unique
from people import allow, deny, document, trust

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
    iam.create_role(RoleName=other, AssumeRolePolicyDocument=TRUST_IOT, Path=path, Description="one")
    listed = iam.list_roles(PathPrefix=path)["Roles"]
    assert [one["RoleName"] for one in listed] == [other] and "RoleLastUsed" not in listed[0]
    assert listed[0]["MaxSessionDuration"] == 3600 and listed[0]["AssumeRolePolicyDocument"] == json.loads(TRUST_IOT)
    iam.update_role(RoleName=other, MaxSessionDuration=43200)
    assert iam.get_role(RoleName=other)["Role"]["Description"] == "one"
    iam.update_role(RoleName=other, Description="two")
    found = iam.get_role(RoleName=other)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("two", 43200)
    changed = trust({"Service": ["iot.amazonaws.com", "credentials.iot.amazonaws.com"]})
    iam.update_assume_role_policy(RoleName=other, PolicyDocument=changed)
    assert iam.get_role(RoleName=other)["Role"]["AssumeRolePolicyDocument"] == json.loads(changed)
    with refused("EntityAlreadyExists", 409, f"Role with name {role.upper()} already exists."):
        iam.create_role(RoleName=role.upper(), AssumeRolePolicyDocument=TRUST_IOT)
    for action in (lambda: iam.get_role(RoleName="Nope"), lambda: iam.update_role(RoleName="Nope"),
                   lambda: iam.update_assume_role_policy(RoleName="Nope", PolicyDocument=TRUST_IOT)):
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
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": ada.arn}))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("iot:ListThings")))
        return arn

    things = ada.assume(make()).boto("iot")
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
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": ada.arn}))["Role"]["Arn"]
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "AWS": ada.arn}
    ada.assume(arn)
    before = iam.get_user(UserName=ada.name)["User"]["UserId"]
    iam.delete_access_key(UserName=ada.name, AccessKeyId=ada.key)
    iam.delete_user(UserName=ada.name)
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "AWS": before}
    again = login(name=ada.name)
    with refused("AccessDenied", 403):
        again.assume(arn)


def test_roles_of_services_are_changed_by_nobody(server, iam):
    suffix = unique("s")
    made = iam.create_service_linked_role(AWSServiceName="iot.amazonaws.com", CustomSuffix=suffix,
                                          Description="d")["Role"]
    name = made["RoleName"]
    assert made["Path"] == "/aws-service-role/iot.amazonaws.com/" and name == f"AWSServiceRoleForIot_{suffix}"
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST_IOT)
    with refused("InvalidInput", 400, f"Service role name {name} has been taken in this account"):
        iam.create_service_linked_role(AWSServiceName="iot.amazonaws.com", CustomSuffix=suffix)
    for service in ("example.com", ".amazonaws.com", "iot.amazonaws.com.example", "a.b.amazonaws.com"):
        with refused("InvalidInput", 400, "AWSServiceName"):
            iam.create_service_linked_role(AWSServiceName=service)
    for action in (lambda: iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("*"))),
                   lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=TRUST_IOT),
                   lambda: iam.update_role(RoleName=name, Description="x"),
                   lambda: iam.attach_role_policy(RoleName=name,
                                                  PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")):
        with refused("UnmodifiableEntity", 400, f"protected role '{name}'"):
            action()
    with refused("InvalidInput", 400, "Path"):
        iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=TRUST_IOT, Path="/aws-service-role/x/")
    iam.delete_role(RoleName=name)


# ---- inline policies ----

class Owner:
    def __init__(self, iam, kind, limit):
        self.iam, self.kind, self.limit, self.name = iam, kind, limit, unique(kind)
        more = {"AssumeRolePolicyDocument": TRUST_IOT} if kind == "role" else {}
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
