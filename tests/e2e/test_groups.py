"""Thing groups: hierarchy and members (x509 2.5, 4.15)."""
import concurrent.futures
import uuid

import pytest

from muster import refused, unique


@pytest.fixture
def group(iot):
    name = unique("group")
    iot.create_thing_group(thingGroupName=name)
    return name


@pytest.fixture
def pump(iot):
    name = unique("pump")
    iot.create_thing(thingName=name)
    return name


def groups_of(iot, thing):
    return [one["groupName"] for one in iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]]


def chain(iot, length):
    names = [unique("group") for _ in range(length)]
    for above, name in zip([None, *names], names):
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": above} if above else {}))
    return names


def test_a_group_is_described_as_it_was_made(iot, server):
    name = unique("group")
    properties = {"thingGroupDescription": "north", "attributePayload": {"attributes": {"site": "north"}}}
    made = iot.create_thing_group(thingGroupName=name, thingGroupProperties=properties,
                                  tags=[{"Key": "line", "Value": "7"}])
    found = iot.describe_thing_group(thingGroupName=name)
    assert made["thingGroupArn"] == found["thingGroupArn"] == server.arn(f"thinggroup/{name}")
    assert uuid.UUID(made["thingGroupId"]) and made["thingGroupId"] == found["thingGroupId"]
    assert found["version"] == 1 and found["thingGroupProperties"]["thingGroupDescription"] == "north"
    assert found["thingGroupProperties"]["attributePayload"]["attributes"] == {"site": "north"}
    assert found["thingGroupMetadata"]["creationDate"].year >= 2024
    assert "parentGroupName" not in found["thingGroupMetadata"]


def test_a_child_names_all_groups_above_it(iot, server):
    names = chain(iot, 3)
    found = iot.describe_thing_group(thingGroupName=names[2])["thingGroupMetadata"]
    assert found["parentGroupName"] == names[1]
    assert found["rootToParentThingGroups"] == [
        {"groupName": name, "groupArn": server.arn(f"thinggroup/{name}")} for name in names[:2]]


def test_the_same_group_made_again_keeps_its_id_and_another_is_refused(iot, group):
    first = iot.describe_thing_group(thingGroupName=group)["thingGroupId"]
    assert iot.create_thing_group(thingGroupName=group)["thingGroupId"] == first
    text = f"Thing Group {group} already exists in current account with different properties"
    with refused("ResourceAlreadyExistsException", 409, text, iot):
        iot.create_thing_group(thingGroupName=group, thingGroupProperties={"thingGroupDescription": "other"})
    other = chain(iot, 1)[0]
    with refused("ResourceAlreadyExistsException", 409, text, iot):
        iot.create_thing_group(thingGroupName=group, parentGroupName=other)


def test_an_unknown_parent_is_not_found(iot):
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.create_thing_group(thingGroupName=unique("group"), parentGroupName=unique("none"))
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing_group(thingGroupName=unique("none"))


def test_groups_are_at_most_seven_deep(iot):
    names = chain(iot, 7)
    with pytest.raises((iot.exceptions.InvalidRequestException, iot.exceptions.ClientError)) as caught:
        iot.create_thing_group(thingGroupName=unique("group"), parentGroupName=names[-1])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500


def test_a_group_has_at_most_a_hundred_direct_children(iot, group):
    for n in range(100):
        iot.create_thing_group(thingGroupName=f"{group}-{n}", parentGroupName=group)
    with pytest.raises(iot.exceptions.ClientError) as caught:
        iot.create_thing_group(thingGroupName=f"{group}-100", parentGroupName=group)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500


def test_a_group_has_at_most_fifty_attributes(iot):
    attributes = {f"a{n}": "v" for n in range(51)}
    with refused("InvalidRequestException", 400, "", iot):
        iot.create_thing_group(thingGroupName=unique("group"),
                               thingGroupProperties={"attributePayload": {"attributes": attributes}})
    del attributes["a50"]
    iot.create_thing_group(thingGroupName=unique("group"),
                           thingGroupProperties={"attributePayload": {"attributes": attributes}})


def test_a_thing_joins_once_and_is_listed_from_both_ends(iot, server, group, pump):
    for _ in range(2):
        iot.add_thing_to_thing_group(thingGroupName=group, thingName=pump)
    assert iot.list_things_in_thing_group(thingGroupName=group)["things"] == [pump]
    assert iot.list_thing_groups_for_thing(thingName=pump)["thingGroups"] == [
        {"groupName": group, "groupArn": server.arn(f"thinggroup/{group}")}]


def test_group_and_thing_may_be_named_by_arn(iot, server, group, pump):
    iot.add_thing_to_thing_group(thingGroupArn=server.arn(f"thinggroup/{group}"), thingArn=server.arn(f"thing/{pump}"))
    assert groups_of(iot, pump) == [group]


@pytest.mark.parametrize("member, text", [
    ("group", "Both thingGroupArn and thingGroupName are empty. Need to specify at least one of them"), ("thing", "")])
def test_a_missing_group_or_thing_is_refused(iot, group, pump, member, text):
    given = {"thingGroupName": group} if member == "thing" else {"thingName": pump}
    with refused("InvalidRequestException", 400, text, iot):
        iot.add_thing_to_thing_group(**given)


def test_a_name_and_an_arn_that_disagree_are_refused(iot, server, group, pump):
    for more in ({"thingGroupArn": server.arn("thinggroup/other")}, {"thingArn": server.arn("thing/other")}):
        with refused("InvalidRequestException", 400, "", iot):
            iot.add_thing_to_thing_group(thingGroupName=group, thingName=pump, **more)
    assert groups_of(iot, pump) == []


def test_unknown_groups_and_things_are_not_found(iot, group, pump):
    for given in ({"thingGroupName": group, "thingName": unique("none")},
                  {"thingGroupName": unique("none"), "thingName": pump}):
        with refused("ResourceNotFoundException", 404, "", iot):
            iot.add_thing_to_thing_group(**given)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.list_things_in_thing_group(thingGroupName=unique("none"))
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.list_thing_groups_for_thing(thingName=unique("none"))


def test_a_thing_is_in_at_most_ten_groups(iot, pump):
    for _ in range(10):
        iot.add_thing_to_thing_group(thingGroupName=chain(iot, 1)[0], thingName=pump)
    with pytest.raises(iot.exceptions.ClientError) as caught:
        iot.add_thing_to_thing_group(thingGroupName=chain(iot, 1)[0], thingName=pump)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert len(groups_of(iot, pump)) == 10


def test_a_thing_is_in_one_group_of_a_hierarchy(iot, pump):
    names = chain(iot, 2)
    iot.add_thing_to_thing_group(thingGroupName=names[1], thingName=pump)
    with refused("InvalidRequestException", 400, "", iot):
        iot.add_thing_to_thing_group(thingGroupName=names[0], thingName=pump)


def test_members_of_groups_below_are_listed_recursively_only(iot, pump):
    names = chain(iot, 3)
    iot.add_thing_to_thing_group(thingGroupName=names[2], thingName=pump)
    assert iot.list_things_in_thing_group(thingGroupName=names[0])["things"] == []
    assert iot.list_things_in_thing_group(thingGroupName=names[0], recursive=True)["things"] == [pump]


def test_a_deleted_thing_leaves_its_groups(iot, group, pump):
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=pump)
    iot.delete_thing(thingName=pump)
    assert iot.list_things_in_thing_group(thingGroupName=group)["things"] == []


# ---- groups that change ----

def payload(merge=None, **attributes):
    return {"attributes": attributes} | ({} if merge is None else {"merge": merge})


def properties_of(iot, group):
    found = iot.describe_thing_group(thingGroupName=group)
    return found["version"], found["thingGroupProperties"].get("thingGroupDescription"), \
        found["thingGroupProperties"]["attributePayload"]["attributes"]


def test_an_update_answers_the_version_and_leaves_what_is_not_given(iot, group):
    def update(**properties):
        return iot.update_thing_group(thingGroupName=group, thingGroupProperties=properties)["version"]

    assert update(thingGroupDescription="north", attributePayload=payload(a="1", b="2")) == 2
    assert properties_of(iot, group) == (2, "north", {"a": "1", "b": "2"})
    assert update(attributePayload=payload(merge=True, b="", c="3")) == 3
    assert properties_of(iot, group) == (3, "north", {"a": "1", "c": "3"})
    assert update(attributePayload=payload(d="4", e="")) == 4
    assert properties_of(iot, group) == (4, "north", {"d": "4"})
    assert update(thingGroupDescription="south") == 5
    assert properties_of(iot, group) == (5, "south", {"d": "4"})
    assert update() == 6
    assert properties_of(iot, group) == (6, "south", {"d": "4"})


def test_a_wrong_expected_version_changes_nothing(iot, group):
    for version in (0, 2, -1, 2**40):
        with refused("VersionConflictException", 409, "does not match the expected version", iot):
            iot.update_thing_group(thingGroupName=group, expectedVersion=version,
                                   thingGroupProperties={"thingGroupDescription": "x"})
        with refused("VersionConflictException", 409, "does not match the expected version", iot):
            iot.delete_thing_group(thingGroupName=group, expectedVersion=version)
    assert properties_of(iot, group) == (1, None, {})
    assert iot.update_thing_group(thingGroupName=group, expectedVersion=1, thingGroupProperties={})["version"] == 2
    iot.delete_thing_group(thingGroupName=group, expectedVersion=2)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing_group(thingGroupName=group)


def test_an_update_keeps_the_limit_of_fifty_attributes(iot, group):
    full = {f"a{n}": "v" for n in range(50)}
    iot.update_thing_group(thingGroupName=group, thingGroupProperties={"attributePayload": payload(**full)})
    with refused("InvalidRequestException", 400, "50", iot):
        iot.update_thing_group(thingGroupName=group,
                               thingGroupProperties={"attributePayload": payload(merge=True, more="v")})
    assert properties_of(iot, group) == (2, None, full)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.update_thing_group(thingGroupName=unique("none"), thingGroupProperties={})


def test_of_many_updates_with_one_version_one_wins(server, group):
    def update(_):
        return server.line().call("PATCH", f"/thing-groups/{group}", {
            "thingGroupProperties": {"thingGroupDescription": "x"}, "expectedVersion": 1}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(update, range(8))) == [200] + [409] * 7


# ---- groups that go ----

def test_a_group_with_children_stays(iot):
    parent, child = chain(iot, 2)
    text = f"Cannot delete thing group : {parent} when there are still child groups attached to it."
    with refused("InvalidRequestException", 400, text, iot):
        iot.delete_thing_group(thingGroupName=parent)
    for name in (child, parent, parent):  # what is not there is deleted already
        iot.delete_thing_group(thingGroupName=name)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing_group(thingGroupName=parent)


def test_a_group_that_goes_releases_members_policies_and_tags(iot, server, group, pump):
    policy, arn = server.policy(), server.arn(f"thinggroup/{group}")
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=pump)
    iot.attach_policy(policyName=policy, target=arn)
    iot.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "b"}])
    iot.delete_thing_group(thingGroupName=group)
    assert groups_of(iot, pump) == [] and iot.list_targets_for_policy(policyName=policy)["targets"] == []
    iot.delete_policy(policyName=policy)

    iot.create_thing_group(thingGroupName=group)
    assert iot.list_things_in_thing_group(thingGroupName=group)["things"] == []
    assert iot.list_attached_policies(target=arn)["policies"] == []
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_a_refused_deletion_releases_nothing(iot, server, pump):
    parent, _ = chain(iot, 2)
    policy, arn = server.policy(), server.arn(f"thinggroup/{parent}")
    iot.add_thing_to_thing_group(thingGroupName=parent, thingName=pump)
    iot.attach_policy(policyName=policy, target=arn)
    with refused("InvalidRequestException", 400, "", iot):
        iot.delete_thing_group(thingGroupName=parent)
    assert groups_of(iot, pump) == [parent] and iot.list_targets_for_policy(policyName=policy)["targets"] == [arn]


# ---- members that go ----

def test_a_thing_is_removed_by_name_or_arn_once_or_twice(iot, server, group, pump):
    ways = ({"thingGroupName": group, "thingName": pump},
            {"thingGroupArn": server.arn(f"thinggroup/{group}"), "thingArn": server.arn(f"thing/{pump}")},
            {"thingGroupArn": server.arn(f"thinggroup/{group}"), "thingGroupName": group, "thingName": pump})
    for way in ways:
        iot.add_thing_to_thing_group(**way)
        assert groups_of(iot, pump) == [group]
        for _ in range(2):
            iot.remove_thing_from_thing_group(**way)
        assert groups_of(iot, pump) == []


@pytest.mark.parametrize("verb", ["add_thing_to_thing_group", "remove_thing_from_thing_group"])
def test_members_are_named_well(iot, server, group, pump, verb):
    ask = getattr(iot, verb)
    good = {"thingGroupName": group, "thingName": pump}
    with refused("InvalidRequestException", 400, "Both thingGroupArn and thingGroupName are empty. Need to specify at "
                                                 "least one of them", iot):
        ask(thingName=pump)
    with refused("InvalidRequestException", 400, "Both thingArn and thingName are empty. Need to specify at least one "
                                                 "of them", iot):
        ask(thingGroupName=group)
    for more in ({"thingGroupArn": server.arn("thinggroup/other")}, {"thingArn": server.arn("thing/other")},
                 {"thingGroupArn": server.arn(f"thing/{group}")}, {"thingGroupArn": server.arn("thinggroup/")},
                 {"thingGroupArn": group}, {"thingArn": f"arn:aws:iot:{server.region}:999999999999:thing/{pump}"},
                 {"thingArn": f"arn:aws:iot:eu-west-9:{server.account}:thing/{pump}"},
                 {"thingArn": f"arn:aws-cn:iot:{server.region}:{server.account}:thing/{pump}"}):
        with refused("InvalidRequestException", 400, "", iot):
            ask(**good, **more)
    for other in ({"thingGroupName": unique("none")}, {"thingName": unique("none")}):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask(**(good | other))
    assert groups_of(iot, pump) == []


def test_groups_of_a_thing_change_all_or_not_at_all(iot, pump):
    old, new, other = (chain(iot, 1)[0] for _ in range(3))
    parent, child = chain(iot, 2)
    iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=[old, parent])
    for added in ([new, unique("none")], [new, child]):
        with refused("InvalidRequestException" if child in added else "ResourceNotFoundException",
                     400 if child in added else 404, "", iot):
            iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=added, thingGroupsToRemove=[old])
        assert groups_of(iot, pump) == sorted([old, parent])
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=[new], thingGroupsToRemove=[unique("none")])
    assert groups_of(iot, pump) == sorted([old, parent])
    iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=[child, new, new],
                                      thingGroupsToRemove=[parent, old, other], overrideDynamicGroups=True)
    assert groups_of(iot, pump) == sorted([child, new])


def test_what_is_removed_makes_room_for_what_is_added(iot, pump):
    ten, more = [chain(iot, 1)[0] for _ in range(10)], chain(iot, 1)[0]
    iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=ten)
    with refused("InvalidRequestException", 400, "10", iot):
        iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=[more], overrideDynamicGroups=True)
    iot.update_thing_groups_for_thing(thingName=pump, thingGroupsToAdd=[more], thingGroupsToRemove=ten[:1])
    assert groups_of(iot, pump) == sorted(ten[1:] + [more])


def test_groups_of_no_thing_and_too_many_of_one_do_not_change(iot, group, pump):
    with refused("InvalidRequestException", 400, "thingName", iot):
        iot.update_thing_groups_for_thing(thingGroupsToAdd=[group])
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.update_thing_groups_for_thing(thingName=unique("none"), thingGroupsToAdd=[group])
    for member in ("thingGroupsToAdd", "thingGroupsToRemove"):
        with refused("InvalidRequestException", 400, member, iot):
            iot.update_thing_groups_for_thing(thingName=pump, **{member: [group] * 1000})
    assert groups_of(iot, pump) == []


# ---- lists ----

def names(iot, **asked):
    """Of all pages; pages of 1, 2 and 250 hold the same."""
    walks = []
    for size in (1, 2, 250):
        pages = iot.get_paginator("list_thing_groups").paginate(**asked, PaginationConfig={"PageSize": size})
        walks.append([one["groupName"] for page in pages for one in page["thingGroups"]])
        assert all(len(page["thingGroups"]) <= size for page in pages)
    assert walks[0] == walks[1] == walks[2]
    return walks[0]


@pytest.fixture
def tree(iot):
    """root, root-a, root-a-1, root-a-1-x, root-b and, beside it, root2"""
    root = unique("tree")
    for name, parent in ((root, None), (f"{root}-a", root), (f"{root}-b", root), (f"{root}-a-1", f"{root}-a"),
                         (f"{root}-a-1-x", f"{root}-a-1"), (f"{root}2", None)):
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    return root


def test_groups_are_listed_by_prefix_in_name_order(iot, server, tree):
    everything = sorted([tree, f"{tree}-a", f"{tree}-b", f"{tree}-a-1", f"{tree}-a-1-x", f"{tree}2"])
    assert names(iot, namePrefixFilter=tree) == names(iot, namePrefixFilter=tree, recursive=True) == everything
    assert names(iot, namePrefixFilter=tree, recursive=False) == [tree, f"{tree}2"]
    assert names(iot, namePrefixFilter=f"{tree}-a") == everything[1:4]
    assert names(iot, namePrefixFilter=f"{tree}-a-1-x") == [f"{tree}-a-1-x"]
    assert names(iot, namePrefixFilter=f"{tree}-a-1-y") == []
    page = iot.list_thing_groups(namePrefixFilter=tree, maxResults=1)["thingGroups"]
    assert page == [{"groupName": tree, "groupArn": server.arn(f"thinggroup/{tree}")}]


def test_groups_below_a_group_are_listed(iot, tree):
    assert names(iot, parentGroup=tree) == names(iot, parentGroup=tree, recursive=False) == [f"{tree}-a", f"{tree}-b"]
    assert names(iot, parentGroup=tree, recursive=True) == [f"{tree}-a", f"{tree}-a-1", f"{tree}-a-1-x", f"{tree}-b"]
    assert names(iot, parentGroup=f"{tree}-a", recursive=True) == [f"{tree}-a-1", f"{tree}-a-1-x"]
    assert names(iot, parentGroup=tree, recursive=True, namePrefixFilter=f"{tree}-a-1") == [
        f"{tree}-a-1", f"{tree}-a-1-x"]
    assert names(iot, parentGroup=tree, namePrefixFilter=f"{tree}-b") == [f"{tree}-b"]
    assert names(iot, parentGroup=f"{tree}2", recursive=True) == []
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.list_thing_groups(parentGroup=unique("none"))


def test_members_below_a_group_come_once_in_name_order_on_pages_of_every_size(iot):
    """Things whose names interleave, some groups full and some empty."""
    root = unique("tree")
    parents = {root: None, f"{root}-a": root, f"{root}-b": root, f"{root}-c": root, f"{root}-d": f"{root}-c"}
    for name, parent in parents.items():
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    expected = []
    for n in range(23):
        thing = f"{root}-{n:02}"
        iot.create_thing(thingName=thing)
        where = [root, f"{root}-a", f"{root}-a", f"{root}-d", f"{root}-a"][n % 5] if n < 15 else f"{root}-d"
        iot.add_thing_to_thing_group(thingGroupName=where, thingName=thing)
        expected.append(thing)
    stranger = f"{root}-05x"
    iot.create_thing(thingName=stranger)
    for size in (1, 2, 3, 7, 22, 23, 24, 250):
        pages = list(iot.get_paginator("list_things_in_thing_group").paginate(
            thingGroupName=root, recursive=True, PaginationConfig={"PageSize": size}))
        assert [thing for page in pages for thing in page["things"]] == expected
        assert all(len(page["things"]) == size for page in pages[:-1]) and 1 <= len(pages[-1]["things"]) <= size
    assert iot.list_things_in_thing_group(thingGroupName=f"{root}-b", recursive=True)["things"] == []
    below = iot.list_things_in_thing_group(thingGroupName=f"{root}-c", recursive=True)["things"]
    assert below == [f"{root}-03", f"{root}-08", f"{root}-13"] + expected[15:]


def test_the_cli_changes_and_deletes_groups(server, iot, pump, group):
    answered = server.aws("iot", "update-thing-group", "--thing-group-name", group, "--expected-version", "1",
                          "--thing-group-properties", "attributePayload={attributes={a=b},merge=true}")
    assert answered == {"version": 2}
    server.aws("iot", "update-thing-groups-for-thing", "--thing-name", pump, "--thing-groups-to-add", group)
    listed = server.aws("iot", "list-thing-groups", "--name-prefix-filter", group)
    assert listed == {"thingGroups": [{"groupName": group, "groupArn": server.arn(f"thinggroup/{group}")}]}
    server.aws("iot", "remove-thing-from-thing-group", "--thing-group-name", group, "--thing-name", pump)
    assert groups_of(iot, pump) == []
    server.aws("iot", "delete-thing-group", "--thing-group-name", group)
    assert "(ResourceNotFoundException)" in server.aws("iot", "describe-thing-group", "--thing-group-name", group,
                                                       fails=True)


def test_the_cli_groups_things(server, iot, pump):
    parent, child = unique("parent"), unique("child")
    server.aws("iot", "create-thing-group", "--thing-group-name", parent)
    server.aws("iot", "create-thing-group", "--thing-group-name", child, "--parent-group-name", parent,
               "--thing-group-properties", "thingGroupDescription=x,attributePayload={attributes={a=b}}")
    server.aws("iot", "add-thing-to-thing-group", "--thing-group-name", child, "--thing-name", pump)
    described = server.aws("iot", "describe-thing-group", "--thing-group-name", child)
    assert described["thingGroupMetadata"]["parentGroupName"] == parent
    assert server.aws("iot", "list-things-in-thing-group", "--thing-group-name", parent, "--recursive") == {
        "things": [pump]}
    listed = server.aws("iot", "list-thing-groups-for-thing", "--thing-name", pump)["thingGroups"]
    assert [one["groupName"] for one in listed] == [child]
