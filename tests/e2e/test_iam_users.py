"""Users and their access keys (auth 2.4, 3.2): each operation once for good and once for each documented error."""
import concurrent.futures
import re

from entities import call, group, iam, login, user, texts  # noqa: F401 (fixtures)
from muster import refused, unique
from people import allow, document, trust

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
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": ada.arn}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("iam:*")))
    session = ada.assume(arn).boto("iam")
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
