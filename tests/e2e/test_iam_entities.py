"""What users, groups and roles have in common: tags, boundaries, quotas, the query protocol (auth 2.4, 3.2, 5). Clients:
boto3, the AWS CLI and curl."""
import contextlib
import json
import sqlite3
import xml.etree.ElementTree

import pytest

import muster
from entities import NAMESPACE, TRUST_IOT, call, group, iam, login, role, texts  # noqa: F401 (fixtures)
from muster import refused, unique
from people import allow, document

# ---- tags ----

class Tagged:
    def __init__(self, iam, server, kind):
        self.iam, self.kind, name = iam, kind, unique(kind)
        if kind == "policy":
            self.who = {"PolicyArn": iam.create_policy(
                PolicyName=name, PolicyDocument=document(allow("iot:*")))["Policy"]["Arn"]}
            self.nobody = {"PolicyArn": self.who["PolicyArn"] + "-none"}
        else:
            more = {"AssumeRolePolicyDocument": TRUST_IOT} if kind == "role" else {}
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
    made = iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=TRUST_IOT, PermissionsBoundary=full)["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == full
    assert iam.create_user(UserName=unique("u"), PermissionsBoundary=full)["User"]["PermissionsBoundary"]
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=full)
    iam.delete_role_permissions_boundary(RoleName=role)
    for arn in (f"arn:aws:iam::{server.account}:policy/nothing-here", "arn:aws:iam::aws:policy/NothingHere",
                f"arn:aws:iam::{server.account}:user/admin"):
        for action in (lambda: iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn),
                       lambda: iam.create_user(UserName=unique("u"), PermissionsBoundary=arn),
                       lambda: iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=TRUST_IOT,
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
        more = {"AssumeRolePolicyDocument": TRUST_IOT} if kind == "role" else {}
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
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_IOT, Tags=tags)["Role"]
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
    made = server.aws("iam", "create-role", "--role-name", role, "--assume-role-policy-document", TRUST_IOT, "--tags",
                      "Key=a,Value=b")["Role"]
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST_IOT)
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
                   lambda: theirs.update_assume_role_policy(RoleName=role, PolicyDocument=TRUST_IOT),
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
