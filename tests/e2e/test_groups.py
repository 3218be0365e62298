"""Thing groups: hierarchy and members (x509 2.5, 4.15)."""
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
