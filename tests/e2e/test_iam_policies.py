"""Managed policies of IAM: made, versioned, attached, counted, deleted; and what they give nobody (auth 2.4, 4.2, 5)."""
import concurrent.futures
import json
import urllib.parse

import botocore.exceptions
import pytest

from muster import refused, unique
from people import IOT, Person, allow, document, trust

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
THINGS_REGISTRATION = "arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration"
TRUST, ALL_OF_IOT = trust(IOT), document(allow("iot:*"))
BUILT_IN = {"AdministratorAccess", "AWSIoTFullAccess", "AWSIoTConfigAccess", "AWSIoTConfigReadOnlyAccess",
            "AWSIoTDataAccess", "AWSIoTThingsRegistration", "AWSIoTLogging", "AWSIoTRuleActions",
            "AWSGreengrassFullAccess", "AWSGreengrassResourceAccessRolePolicy", "IAMReadOnlyAccess",
            "AmazonCognitoPowerUser"}


def of_one(**members):
    """A document of one statement with these members."""
    return document(allow("iot:*", **members))


@pytest.fixture
def iam(server):
    return server.boto("iam")


def make(iam, *statements, **more):
    """A policy, of everything in IoT unless statements say otherwise; its ARN."""
    made = iam.create_policy(PolicyName=unique("policy"), PolicyDocument=document(*statements or [allow("iot:*")]), **more)
    return made["Policy"]["Arn"]


OWNERS = {
    "user": ("UserName", lambda iam, name: iam.create_user(UserName=name)),
    "group": ("GroupName", lambda iam, name: iam.create_group(GroupName=name)),
    "role": ("RoleName", lambda iam, name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)),
}


@pytest.fixture(params=list(OWNERS))
def owner(request, iam):
    """A user, a group, a role: {"UserName": ...} and the verbs about its policies."""
    member, create = OWNERS[request.param]
    name = unique(request.param)
    create(iam, name)

    class Owner:
        kind, member_name, me = request.param, member, {member: name}
        attach = staticmethod(lambda arn: getattr(iam, f"attach_{request.param}_policy")(**{member: name}, PolicyArn=arn))
        detach = staticmethod(lambda arn: getattr(iam, f"detach_{request.param}_policy")(**{member: name}, PolicyArn=arn))
        listed = staticmethod(lambda **more: getattr(iam, f"list_attached_{request.param}_policies")(
            **{member: name}, **more))
    Owner.name = name
    return Owner


# ---- policies ----

def test_a_policy_has_everything_that_aws_tells_of_one(iam, server):
    name = unique("p+=,.@-")
    made = iam.create_policy(PolicyName=name, Path="/plant/line-7/", PolicyDocument=ALL_OF_IOT, Description="all of it",
                             Tags=[{"Key": "team", "Value": "ops"}])["Policy"]
    arn = f"arn:aws:iam::{server.account}:policy/plant/line-7/{name}"
    assert (made["Arn"], made["PolicyName"], made["Path"]) == (arn, name, "/plant/line-7/")
    assert made["PolicyId"].startswith("ANPA") and len(made["PolicyId"]) == 21
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["IsAttachable"]) == ("v1", 0, True)
    assert made["CreateDate"] == made["UpdateDate"] and made["Tags"] == [{"Key": "team", "Value": "ops"}]
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert found == {**made, "Description": "all of it"}
    listed = [one for page in iam.get_paginator("list_policies").paginate(Scope="Local", PathPrefix="/plant/")
              for one in page["Policies"] if one["Arn"] == arn]
    assert listed == [{key: value for key, value in made.items() if key != "Tags"}]


def test_a_document_is_returned_as_it_was_sent_and_percent_encoded_on_the_wire(iam, server):
    text = '{ "Version":"2012-10-17",\n "Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*","Sid":"a"}] }'
    arn = iam.create_policy(PolicyName=unique("p"), PolicyDocument=text)["Policy"]["Arn"]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(text)
    query = urllib.parse.urlencode({"Action": "GetPolicyVersion", "Version": "2010-05-08", "PolicyArn": arn,
                                    "VersionId": "v1"}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = server.call("POST", "/", query, headers=form, service="iam", region="us-east-1")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/xml"
    assert f"<Document>{urllib.parse.quote(text, safe='-_.~')}</Document>" in answer.body.decode()


def test_a_name_is_taken_once_whatever_its_case_and_path(iam):
    name = unique("Policy")
    iam.create_policy(PolicyName=name, PolicyDocument=ALL_OF_IOT)
    for taken, path in ((name, "/"), (name, "/other/"), (name.lower(), "/"), (name.upper(), "/")):
        with refused("EntityAlreadyExists", 409,
                     f"A policy called {taken} already exists. Duplicate names are not allowed."):
            iam.create_policy(PolicyName=taken, Path=path, PolicyDocument=ALL_OF_IOT)


@pytest.mark.parametrize("text, message", [
    pytest.param("{", "Syntax errors in policy.", id="broken JSON"),
    pytest.param('{"Version":"2012-10-17","Statement":[],"Statement":[]}', "Syntax errors in policy.", id="a key twice"),
    pytest.param(document(allow("iot:*"), version="2013-01-01"), "Policy document must be version 2012-10-17 or greater.",
                 id="another version"),
    pytest.param(document({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions.", id="no action"),
    pytest.param(document({"Effect": "Allow", "Action": "iot:*"}), "Policy statement must contain resources.",
                 id="no resource"),
    pytest.param(document(*[allow("iot:*", Sid="a")] * 2), "Statement IDs (SID) in a single policy must be unique.",
                 id="a Sid twice"),
    pytest.param(document(allow("CreateThing")),
                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", id="no vendor"),
    pytest.param(of_one(resource="thing/a"), 'Resource thing/a must be in ARN format or "*".', id="no ARN"),
    pytest.param(of_one(Principal="*"), "Policy document should not specify a principal.", id="a principal"),
    pytest.param(of_one(Condition={"StringsEqual": {"aws:username": "a"}}), "Syntax errors in policy.",
                 id="an operator that is none"),
    pytest.param(of_one(Condition={"StringEquals": {"username": "a"}}),
                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", id="a key without vendor"),
    pytest.param(of_one(Condition={"NullIfExists": {"aws:username": "true"}}), "Syntax errors in policy.",
                 id="NullIfExists"),
    pytest.param(of_one(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/40"}}), "Syntax errors in policy.",
                 id="no network"),
    pytest.param(of_one(NotAction="iot:*"), "Syntax errors in policy.", id="Action and NotAction"),
    pytest.param(document({"effect": "Allow", "Action": "iot:*", "Resource": "*"}), "Syntax errors in policy.",
                 id="a key in another case"),
])
def test_a_document_is_checked_before_it_is_stored(iam, text, message):
    arn, name = make(iam), unique("bad")
    for attempt in (lambda: iam.create_policy(PolicyName=name, PolicyDocument=text),
                    lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)):
        with refused("MalformedPolicyDocument", 400, message):
            attempt()
    assert [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1"]
    with refused("NoSuchEntity", 404):
        iam.get_policy(PolicyArn=arn.rpartition("/")[0] + "/" + name)


def test_a_policy_has_6144_characters_at_most_blanks_not_counted(iam):
    def sized(length):
        bare = len(of_one(Sid="").replace(" ", ""))
        return of_one(Sid="x" * (length - bare))
    iam.create_policy(PolicyName=unique("p"), PolicyDocument=sized(6144) + " " * 5000)
    with refused("LimitExceeded", 409, "6144"):
        iam.create_policy(PolicyName=unique("p"), PolicyDocument=sized(6145))


@pytest.mark.parametrize("name", ["a b", "a/b", "x" * 129])
def test_names_outside_the_pattern_are_refused(iam, name):
    with refused("ValidationError", 400, "1 validation error detected: Value '"):
        iam.create_policy(PolicyName=name, PolicyDocument=ALL_OF_IOT)


def test_what_is_not_there_and_what_is_no_arn(iam, server):
    other = server.other_account()
    stranger = make(other.boto("iam"))
    made = make(iam, Path="/a/")
    for arn in (f"arn:aws:iam::{server.account}:policy/{unique('none')}", "arn:aws:iam::aws:policy/NoSuchAccess",
                made.replace("/a/", "/b/"), made.replace("/a/", "/"), stranger):
        with refused("NoSuchEntity", 404, f"Policy {arn} was not found."):
            iam.get_policy(PolicyArn=arn)
    for arn in ("arn:aws:iam::123:policy/x-long-enough", f"arn:aws:iam::{server.account}:user/admin",
                f"arn:aws:iam::{server.account}:policy", f"arn:aws:iam::{server.account}:policy/x/"):
        with refused("InvalidInput", 400, "is not valid."):
            iam.get_policy(PolicyArn=arn)


def test_another_accounts_policy_is_out_of_reach(iam, server, owner):
    stranger = make(server.other_account().boto("iam"))
    with refused("NoSuchEntity", 404, f"Policy {stranger} does not exist or is not attachable."):
        owner.attach(stranger)
    for attempt in (lambda: iam.delete_policy(PolicyArn=stranger),
                    lambda: iam.create_policy_version(PolicyArn=stranger, PolicyDocument=ALL_OF_IOT),
                    lambda: iam.list_entities_for_policy(PolicyArn=stranger),
                    lambda: owner.detach(stranger)):
        with refused("NoSuchEntity", 404, stranger):
            attempt()


# ---- built-in policies ----

def test_the_built_in_policies_are_listed_read_and_changed_by_nobody(iam):
    listed = {one["PolicyName"]: one for page in iam.get_paginator("list_policies").paginate(Scope="AWS")
              for one in page["Policies"]}
    assert set(listed) == BUILT_IN
    for name, policy in listed.items():
        assert policy["Arn"] == f"arn:aws:iam::aws:policy{policy['Path']}{name}"
        found = iam.get_policy(PolicyArn=policy["Arn"])["Policy"]
        assert found["PolicyId"].startswith("ANPA") and found["DefaultVersionId"] == policy["DefaultVersionId"]
        versions = iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
        assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [(policy["DefaultVersionId"], True)]
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        assert version["Document"]["Version"] == "2012-10-17" and version["Document"]["Statement"]
    version = iam.get_policy_version(PolicyArn=THINGS_REGISTRATION, VersionId="v3")["PolicyVersion"]
    assert len(version["Document"]["Statement"][0]["Action"]) == 30
    with refused("NoSuchEntity", 404, f"Policy {THINGS_REGISTRATION} version v2 does not exist or is not attachable."):
        iam.get_policy_version(PolicyArn=THINGS_REGISTRATION, VersionId="v2")
    for attempt in (lambda: iam.delete_policy(PolicyArn=ADMINISTRATOR),
                    lambda: iam.create_policy_version(PolicyArn=ADMINISTRATOR, PolicyDocument=ALL_OF_IOT),
                    lambda: iam.set_default_policy_version(PolicyArn=ADMINISTRATOR, VersionId="v1"),
                    lambda: iam.delete_policy_version(PolicyArn=ADMINISTRATOR, VersionId="v1")):
        with refused("AccessDenied", 403, ADMINISTRATOR):
            attempt()


def test_a_built_in_policy_gives_its_actions_alone(server):
    user = Person(server)
    server.boto("iam").attach_user_policy(UserName=user.name,
                                          PolicyArn="arn:aws:iam::aws:policy/AWSIoTConfigReadOnlyAccess")
    user.boto().list_things()
    with refused("AccessDeniedException", 403, "iot:CreateThing"):
        user.boto().create_thing(thingName=unique("thing"))


# ---- versions ----

def test_auth_20_a_sixth_version_is_refused_until_one_goes_and_numbers_are_not_used_again(iam):
    arn = make(iam)
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALL_OF_IOT)["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == (f"v{number}", False)
    with refused("LimitExceeded", 409, "up to 5 versions"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALL_OF_IOT)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALL_OF_IOT, SetAsDefault=True)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", True)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [
        ("v6", True), ("v4", False), ("v3", False), ("v2", False), ("v1", False)]
    assert not any("Document" in one for one in versions)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"


def test_the_default_version_stays_and_a_policy_goes_with_it_alone(iam):
    arn = make(iam)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALL_OF_IOT, SetAsDefault=True)
    with refused("DeleteConflict", 409, "Cannot delete the default version of a policy."):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    with refused("DeleteConflict", 409, "more than one version"):
        iam.delete_policy(PolicyArn=arn)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    for attempt in (lambda: iam.get_policy_version(PolicyArn=arn, VersionId="v2"),
                    lambda: iam.set_default_policy_version(PolicyArn=arn, VersionId="v2"),
                    lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v2"),
                    lambda: iam.get_policy_version(PolicyArn=arn, VersionId="v1.x"),
                    lambda: iam.get_policy_version(PolicyArn=arn, VersionId="v99999999999999999999")):
        with refused("NoSuchEntity", 404, f"Policy {arn} version v"):
            attempt()
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", 404):
        iam.get_policy(PolicyArn=arn)


def test_another_default_version_holds_from_the_next_request_on(server):
    iam, user = server.boto("iam"), Person(server)
    arn = make(iam, allow("iot:ListThings"))
    iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
    deny = {"Effect": "Deny", "Action": "iot:ListThings", "Resource": "*"}
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("iot:ListThings"), deny))
    for _ in range(5):
        user.boto().list_things()
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
        with refused("AccessDeniedException", 403, "with an explicit deny in an identity-based policy"):
            user.boto().list_things()
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    user.boto().list_things()
    iam.detach_user_policy(UserName=user.name, PolicyArn=arn)
    with refused("AccessDeniedException", 403, "because no identity-based policy allows the iot:ListThings action"):
        user.boto().list_things()


# ---- attachments ----

def test_a_policy_is_attached_counted_listed_and_detached(iam, owner):
    arn = make(iam)
    for _ in range(2):
        owner.attach(arn)
    assert owner.listed()["AttachedPolicies"] == [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    with refused("DeleteConflict", 409, "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=arn)
    delete = getattr(iam, f"delete_{owner.kind}")
    with refused("DeleteConflict", 409, "Cannot delete entity, must detach all policies first."):
        delete(**owner.me)
    owner.detach(arn)
    with refused("NoSuchEntity", 404, f"Policy {arn} was not found."):
        owner.detach(arn)
    assert owner.listed()["AttachedPolicies"] == [] and iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0
    delete(**owner.me)
    iam.delete_policy(PolicyArn=arn)


def test_ten_policies_are_attached_and_no_more(iam, owner):
    arns = [make(iam, Path=f"/{'x' * 500}/") for _ in range(11)]
    for arn in arns[:10]:
        owner.attach(arn)
    with refused("LimitExceeded", 409, f"Cannot exceed quota for PoliciesPer{owner.kind.capitalize()}: 10"):
        owner.attach(arns[10])
    owner.attach(arns[3])
    owner.detach(arns[0])
    owner.attach(arns[10])
    pages = [owner.listed(MaxItems=4)]
    while pages[-1]["IsTruncated"]:
        pages.append(owner.listed(MaxItems=4, Marker=pages[-1]["Marker"]))
    assert [len(page["AttachedPolicies"]) for page in pages] == [4, 4, 2] and "Marker" not in pages[-1]
    assert {one["PolicyArn"] for page in pages for one in page["AttachedPolicies"]} == set(arns[1:])


def test_attached_policies_are_listed_by_the_path_of_the_policy(iam, owner):
    mine = make(iam, Path="/plant/a/")
    for arn in (mine, make(iam), ADMINISTRATOR, THINGS_REGISTRATION):
        owner.attach(arn)
    for prefix, expected in (("/plant/", {mine}), ("/service-role/", {THINGS_REGISTRATION}), ("/none/", set())):
        assert {one["PolicyArn"] for one in owner.listed(PathPrefix=prefix)["AttachedPolicies"]} == expected
    assert len(owner.listed(PathPrefix="/")["AttachedPolicies"]) == 4


def test_attaching_names_what_is_not_there(iam, server, owner):
    none = f"arn:aws:iam::{server.account}:policy/{unique('none')}"
    with refused("NoSuchEntity", 404, f"Policy {none} does not exist or is not attachable."):
        owner.attach(none)
    with refused("InvalidInput", 400, "is not valid."):
        owner.attach("arn:aws:iot:us-east-1:000000000001:policy/x")
    nobody = unique("nobody")
    for verb, more in (("attach_{}_policy", {"PolicyArn": ADMINISTRATOR}), ("list_attached_{}_policies", {}),
                       ("detach_{}_policy", {"PolicyArn": ADMINISTRATOR})):
        with refused("NoSuchEntity", 404, f"The {owner.kind} with name {nobody} cannot be found."):
            getattr(iam, verb.format(owner.kind))(**{owner.member_name: nobody}, **more)


def test_a_groups_policy_is_its_members(server):
    iam, user, group = server.boto("iam"), Person(server), unique("group")
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=make(iam, allow("iot:ListThings")))
    with refused("AccessDeniedException", 403):
        user.boto().list_things()
    iam.add_user_to_group(GroupName=group, UserName=user.name)
    user.boto().list_things()
    iam.remove_user_from_group(GroupName=group, UserName=user.name)
    with refused("AccessDeniedException", 403):
        user.boto().list_things()


def test_a_services_own_role_is_left_alone(iam):
    role = iam.create_service_linked_role(AWSServiceName="iot.amazonaws.com", CustomSuffix=unique("s"))["Role"]
    for verb in (iam.attach_role_policy, iam.detach_role_policy):
        with refused("UnmodifiableEntity", 400, role["RoleName"]):
            verb(RoleName=role["RoleName"], PolicyArn=ADMINISTRATOR)


# ---- who has it ----

def test_everyone_who_has_a_policy_is_listed_once_page_by_page(iam):
    arn, names = make(iam), {}
    for kind, (member, create) in OWNERS.items():
        names[kind] = sorted(unique(kind) for _ in range(3))
        for name in names[kind]:
            create(iam, name)
            getattr(iam, f"attach_{kind}_policy")(**{member: name}, PolicyArn=arn)
    bounded = unique("bounded")
    iam.create_user(UserName=bounded, PermissionsBoundary=arn, Path="/far/")
    iam.attach_user_policy(UserName=bounded, PolicyArn=arn)
    names["user"] = sorted(names["user"] + [bounded])

    def listed(**more):
        found = {"group": [], "role": [], "user": []}
        for page in iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, **more):
            for kind in found:
                noun = kind.capitalize()
                assert all(one[f"{noun}Id"] for one in page[f"Policy{noun}s"])
                found[kind] += [one[f"{noun}Name"] for one in page[f"Policy{noun}s"]]
        return found
    assert listed() == names
    assert listed(PaginationConfig={"PageSize": 2}) == names
    assert listed(EntityFilter="Role") == {"group": [], "role": names["role"], "user": []}
    assert listed(EntityFilter="AWSManagedPolicy") == {"group": [], "role": [], "user": []}
    assert listed(PathPrefix="/far/") == {"group": [], "role": [], "user": [bounded]}
    assert listed(PolicyUsageFilter="PermissionsBoundary") == {"group": [], "role": [], "user": [bounded]}
    assert listed(PolicyUsageFilter="PermissionsPolicy") == names
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["AttachmentCount"], found["PermissionsBoundaryUsageCount"]) == (10, 1)


def test_a_policy_in_use_as_a_boundary_stays(iam):
    arn, user = make(iam), unique("user")
    iam.create_user(UserName=user, PermissionsBoundary=arn)
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_user(UserName=user)
    iam.delete_policy(PolicyArn=arn)


def test_policies_are_listed_by_scope_path_use_and_page(iam):
    path = f"/{unique('path')}/"
    arns = sorted((make(iam, Path=path) for _ in range(5)), key=lambda arn: arn.rpartition("/")[2])
    iam.attach_user_policy(UserName="admin", PolicyArn=arns[1])
    iam.create_user(UserName=unique("user"), PermissionsBoundary=arns[2])

    def listed(**more):
        return [one["Arn"] for page in iam.get_paginator("list_policies").paginate(PathPrefix=path, **more)
                for one in page["Policies"]]
    assert listed() == listed(Scope="Local") == listed(PaginationConfig={"PageSize": 2}) == arns
    assert listed(Scope="AWS") == []
    assert listed(OnlyAttached=True) == arns[1:3]
    assert listed(OnlyAttached=True, PolicyUsageFilter="PermissionsPolicy") == arns[1:2]
    assert listed(PolicyUsageFilter="PermissionsBoundary") == arns[2:3]
    iam.detach_user_policy(UserName="admin", PolicyArn=arns[1])
    everything = [one["PolicyName"] for page in iam.get_paginator("list_policies").paginate(
        PaginationConfig={"PageSize": 3}) for one in page["Policies"]]
    assert len(everything) == len(set(everything)) and set(everything) >= BUILT_IN
    first = iam.list_policies(MaxItems=1)
    with refused("ValidationError", 400, "Marker"):
        iam.list_policies(MaxItems=1, Scope="AWS", Marker=first["Marker"])


# ---- the account ----

def test_the_account_is_summed_up(server):
    iam = server.other_account().boto("iam")
    before = iam.get_account_summary()["SummaryMap"]
    assert (before["Users"], before["Roles"], before["Policies"], before["AccessKeysPerUserQuota"]) == (1, 1, 0, 2)
    iam.create_policy_version(PolicyArn=make(iam), PolicyDocument=ALL_OF_IOT)
    after = iam.get_account_summary()["SummaryMap"]
    assert (after["Policies"], after["PolicyVersionsInUse"]) == (1, 2)
    assert (after["PoliciesQuota"], after["VersionsPerPolicyQuota"], after["AttachedPoliciesPerRoleQuota"]) == (1500, 5, 10)
    answer = iam.list_account_aliases()
    assert (answer["AccountAliases"], answer["IsTruncated"]) == ([], False)


def test_the_cli_makes_changes_attaches_and_deletes_a_policy(server):
    name, role = unique("p"), unique("role")
    arn = server.aws("iam", "create-policy", "--policy-name", name, "--policy-document", ALL_OF_IOT)["Policy"]["Arn"]
    version = server.aws("iam", "create-policy-version", "--policy-arn", arn, "--policy-document",
                         document(allow("iot:ListThings")), "--set-as-default")["PolicyVersion"]
    assert version["VersionId"] == "v2" and version["IsDefaultVersion"]
    shown = server.aws("iam", "get-policy-version", "--policy-arn", arn, "--version-id", "v2")["PolicyVersion"]
    assert shown["Document"]["Statement"] == [allow("iot:ListThings")]
    server.aws("iam", "create-role", "--role-name", role, "--assume-role-policy-document", TRUST)
    server.aws("iam", "attach-role-policy", "--role-name", role, "--policy-arn", arn)
    listed = server.aws("iam", "list-attached-role-policies", "--role-name", role)
    assert listed["AttachedPolicies"] == [{"PolicyName": name, "PolicyArn": arn}]
    assert "(DeleteConflict)" in server.aws("iam", "delete-role", "--role-name", role, fails=True)
    entities = server.aws("iam", "list-entities-for-policy", "--policy-arn", arn)
    assert [one["RoleName"] for one in entities["PolicyRoles"]] == [role]
    server.aws("iam", "detach-role-policy", "--role-name", role, "--policy-arn", arn)
    server.aws("iam", "delete-role", "--role-name", role)
    server.aws("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", "v1")
    server.aws("iam", "delete-policy", "--policy-arn", arn)
    assert "(NoSuchEntity)" in server.aws("iam", "get-policy", "--policy-arn", arn, fails=True)


# ---- nobody lifts himself ----

def test_who_may_attach_one_policy_attaches_no_other(server):
    iam = server.boto("iam")
    harmless = make(iam, allow("iot:ListThings"))
    user = Person(server, allow("iam:AttachUserPolicy", f"arn:aws:iam::{server.account}:user/*",
                              Condition={"ArnEquals": {"iam:PolicyARN": harmless}}))
    mine = user.boto("iam")
    with refused("AccessDenied", 403, "iam:AttachUserPolicy"):
        mine.attach_user_policy(UserName=user.name, PolicyArn=ADMINISTRATOR)
    mine.attach_user_policy(UserName=user.name, PolicyArn=harmless)
    user.boto().list_things()
    for attempt in (lambda: mine.detach_user_policy(UserName=user.name, PolicyArn=harmless),
                    lambda: mine.create_policy_version(PolicyArn=harmless, PolicyDocument=ALL_OF_IOT, SetAsDefault=True),
                    lambda: mine.attach_role_policy(RoleName="MusterProvisioning", PolicyArn=harmless)):
        with refused("AccessDenied", 403, "because no identity-based policy allows the iam:"):
            attempt()


def test_a_boundary_holds_whatever_is_attached(server):
    iam = server.boto("iam")
    boundary = make(iam, allow(["iot:ListThings", "iam:AttachUserPolicy"]))
    user = Person(server, allow("iam:AttachUserPolicy"), PermissionsBoundary=boundary)
    user.boto("iam").attach_user_policy(UserName=user.name, PolicyArn=ADMINISTRATOR)
    user.boto().list_things()
    with refused("AccessDeniedException", 403, "because no permissions boundary allows the iot:CreateThing action"):
        user.boto().create_thing(thingName=unique("thing"))
    with refused("AccessDenied", 403, "because no permissions boundary allows the iam:CreatePolicyVersion action"):
        user.boto("iam").create_policy_version(PolicyArn=boundary, PolicyDocument=document(allow("*")), SetAsDefault=True)
    iam.create_policy_version(PolicyArn=boundary, SetAsDefault=True, PolicyDocument=document(
        allow("*"), {"Effect": "Deny", "Action": "iot:ListThings", "Resource": "*"}))
    user.boto().create_thing(thingName=unique("thing"))
    with refused("AccessDeniedException", 403, "with an explicit deny in a permissions boundary"):
        user.boto().list_things()


def test_who_must_set_a_boundary_makes_no_user_without_it(server):
    iam = server.boto("iam")
    boundary, other = make(iam), make(iam)
    creator = Person(server, allow("iam:CreateUser", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}}))
    mine = creator.boto("iam")
    for more in ({}, {"PermissionsBoundary": other}):
        with refused("AccessDenied", 403, "iam:CreateUser"):
            mine.create_user(UserName=unique("user"), **more)
    made = mine.create_user(UserName=unique("user"), PermissionsBoundary=boundary)["User"]
    assert made["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}


def test_who_may_attach_to_bounded_users_touches_no_other(server):
    iam = server.boto("iam")
    boundary = make(iam, allow("iot:*"))
    bounded, free = unique("bounded"), unique("free")
    iam.create_user(UserName=bounded, PermissionsBoundary=boundary)
    iam.create_user(UserName=free)
    within = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    limited = Person(server, allow("iam:AttachUserPolicy", Condition=within))
    limited.boto("iam").attach_user_policy(UserName=bounded, PolicyArn=ADMINISTRATOR)
    for name in (free, limited.name, "admin"):
        with refused("AccessDenied", 403, "iam:AttachUserPolicy"):
            limited.boto("iam").attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)


def test_a_policy_that_goes_is_never_left_attached(server):
    """Attached and deleted at the same time: one of the two is refused."""
    iam, user = server.boto("iam"), unique("user")
    iam.create_user(UserName=user)

    def outcome(attempt, arn, **more):
        try:
            attempt(PolicyArn=arn, **more)
            return "done"
        except botocore.exceptions.ClientError as e:
            return e.response["Error"]["Code"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(8):
            arn = make(iam)
            deleted = pool.submit(outcome, iam.delete_policy, arn)
            attached = pool.submit(outcome, iam.attach_user_policy, arn, UserName=user)
            assert (deleted.result(), attached.result()) in (("done", "NoSuchEntity"), ("DeleteConflict", "done"))
            if attached.result() == "done":
                iam.detach_user_policy(UserName=user, PolicyArn=arn)
    assert iam.list_attached_user_policies(UserName=user)["AttachedPolicies"] == []


def test_an_apply_that_runs_twice_leaves_one_of_everything(make_server):
    iam = make_server(env={"MUSTER_TEST_RERUN": "1"}).boto("iam")
    arn = make(iam, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALL_OF_IOT)["PolicyVersion"]["VersionId"] == "v2"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.attach_user_policy(UserName="admin", PolicyArn=arn)
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["DefaultVersionId"], found["AttachmentCount"], found["Tags"]) == ("v2", 1, [{"Key": "a", "Value": "b"}])
    iam.detach_user_policy(UserName="admin", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_rights_to_policies_are_asked_on_their_whole_arn(server):
    iam = server.boto("iam")
    mine, other = make(iam, Path="/mine/"), make(iam, Path="/other/")
    user = Person(server, allow(["iam:GetPolicy", "iam:CreatePolicy"], f"arn:aws:iam::{server.account}:policy/mine/*"))
    user.boto("iam").get_policy(PolicyArn=mine)
    user.boto("iam").create_policy(PolicyName=unique("p"), Path="/mine/", PolicyDocument=ALL_OF_IOT)
    for attempt in (lambda: user.boto("iam").get_policy(PolicyArn=other),
                    lambda: user.boto("iam").create_policy(PolicyName=unique("p"), PolicyDocument=ALL_OF_IOT),
                    lambda: user.boto("iam").list_policies()):
        with refused("AccessDenied", 403, "because no identity-based policy allows the iam:"):
            attempt()
