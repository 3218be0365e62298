"""Billing groups and their things (x509 2.5, 4.15)."""
import uuid

import pytest

from muster import refused, unique


@pytest.fixture
def group(iot):
    name = unique("billing")
    iot.create_billing_group(billingGroupName=name)
    return name


@pytest.fixture
def pump(iot):
    name = unique("pump")
    iot.create_thing(thingName=name)
    return name


def group_of(iot, thing):
    return iot.describe_thing(thingName=thing).get("billingGroupName")


def described(iot, name):
    found = iot.describe_billing_group(billingGroupName=name)
    return found["version"], found["billingGroupProperties"].get("billingGroupDescription")


def test_a_billing_group_is_described_as_it_was_made(iot, server):
    name = unique("billing")
    made = iot.create_billing_group(billingGroupName=name, billingGroupProperties={"billingGroupDescription": "north"},
                                    tags=[{"Key": "a", "Value": "b"}])
    found = iot.describe_billing_group(billingGroupName=name)
    assert made["billingGroupName"] == found["billingGroupName"] == name
    assert made["billingGroupArn"] == found["billingGroupArn"] == server.arn(f"billinggroup/{name}")
    assert uuid.UUID(made["billingGroupId"]) and made["billingGroupId"] == found["billingGroupId"]
    assert described(iot, name) == (1, "north")
    assert found["billingGroupMetadata"]["creationDate"].year >= 2024
    assert iot.list_tags_for_resource(resourceArn=made["billingGroupArn"])["tags"] == [{"Key": "a", "Value": "b"}]


def test_the_same_made_again_keeps_its_id_and_another_is_refused(iot, group):
    first = iot.describe_billing_group(billingGroupName=group)["billingGroupId"]
    assert iot.create_billing_group(billingGroupName=group)["billingGroupId"] == first
    text = f"Billing Group {group} already exists in current account with different properties"
    with refused("ResourceAlreadyExistsException", 409, text, iot) as error:
        iot.create_billing_group(billingGroupName=group, billingGroupProperties={"billingGroupDescription": "x"})
    assert error["resourceArn"].endswith(f":billinggroup/{group}")


def test_an_update_answers_the_version_and_a_wrong_one_changes_nothing(iot, group):
    def update(text, **more):
        return iot.update_billing_group(billingGroupName=group, **more,
                                        billingGroupProperties={"billingGroupDescription": text})["version"]

    assert update("one") == 2 and update("two", expectedVersion=2) == 3
    with refused("VersionConflictException", 409, "does not match the expected version", iot):
        update("three", expectedVersion=2)
    with refused("VersionConflictException", 409, "does not match the expected version", iot):
        iot.delete_billing_group(billingGroupName=group, expectedVersion=2)
    assert described(iot, group) == (3, "two")
    iot.delete_billing_group(billingGroupName=group, expectedVersion=3)
    for ask in (lambda: update("x"), lambda: iot.describe_billing_group(billingGroupName=group),
                lambda: iot.list_things_in_billing_group(billingGroupName=group)):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask()


def test_a_thing_is_in_one_and_adding_it_to_another_moves_it(iot, server, group, pump):
    other = unique("billing")
    iot.create_billing_group(billingGroupName=other)
    for _ in range(2):
        iot.add_thing_to_billing_group(billingGroupName=group, thingName=pump)
    assert group_of(iot, pump) == group
    iot.add_thing_to_billing_group(billingGroupArn=server.arn(f"billinggroup/{other}"),
                                   thingArn=server.arn(f"thing/{pump}"))
    assert group_of(iot, pump) == other
    assert iot.list_things_in_billing_group(billingGroupName=group)["things"] == []
    iot.remove_thing_from_billing_group(billingGroupName=group, thingName=pump)  # it is not there
    assert iot.list_things_in_billing_group(billingGroupName=other)["things"] == [pump]
    for _ in range(2):
        iot.remove_thing_from_billing_group(billingGroupName=other, thingName=pump)
    assert group_of(iot, pump) is None


@pytest.mark.parametrize("verb", ["add_thing_to_billing_group", "remove_thing_from_billing_group"])
def test_members_are_named_well(iot, server, group, pump, verb):
    ask, good = getattr(iot, verb), {"billingGroupName": group, "thingName": pump}
    for missing, member in (("billingGroupName", "billingGroup"), ("thingName", "thing")):
        with refused("InvalidRequestException", 400, f"Both {member}Arn and {member}Name are empty. Need to specify at "
                                                     "least one of them", iot):
            ask(**{name: value for name, value in good.items() if name != missing})
    for more in ({"billingGroupArn": server.arn("billinggroup/other")}, {"thingArn": server.arn("thing/other")},
                 {"billingGroupArn": f"arn:aws:iot:{server.region}:999999999999:billinggroup/{group}"}):
        with refused("InvalidRequestException", 400, "", iot):
            ask(**good, **more)
    for other in ({"billingGroupName": unique("none")}, {"thingName": unique("none")}):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask(**(good | other))


def test_a_group_that_goes_releases_its_things(iot, server, group, pump):
    arn = server.arn(f"billinggroup/{group}")
    iot.add_thing_to_billing_group(billingGroupName=group, thingName=pump)
    iot.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "b"}])
    version = iot.describe_thing(thingName=pump)["version"]
    for _ in range(2):  # what is not there is deleted already
        iot.delete_billing_group(billingGroupName=group)
    assert group_of(iot, pump) is None and iot.describe_thing(thingName=pump)["version"] == version + 1
    iot.create_billing_group(billingGroupName=group)
    assert iot.list_things_in_billing_group(billingGroupName=group)["things"] == []
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_a_thing_is_made_into_a_billing_group_and_leaves_it_when_it_goes(iot, group):
    name = unique("pump")
    iot.create_thing(thingName=name, billingGroupName=group)
    assert iot.list_things_in_billing_group(billingGroupName=group)["things"] == [name]
    iot.delete_thing(thingName=name)
    assert iot.list_things_in_billing_group(billingGroupName=group)["things"] == []


def test_lists_are_walked_on_pages_of_every_size(iot, server):
    start = unique("billing")
    groups = [f"{start}-{n}" for n in range(5)]
    for name in groups:
        iot.create_billing_group(billingGroupName=name)
    iot.create_billing_group(billingGroupName=f"{start[:-1]}")
    things = [f"{start}-thing-{n}" for n in range(5)]
    for name in things:
        iot.create_thing(thingName=name, billingGroupName=groups[0])
    for size in (1, 2, 5, 250):
        config = {"PageSize": size}
        pages = list(iot.get_paginator("list_billing_groups").paginate(namePrefixFilter=start, PaginationConfig=config))
        assert [one for page in pages for one in page["billingGroups"]] == [
            {"groupName": name, "groupArn": server.arn(f"billinggroup/{name}")} for name in groups]
        pages = list(iot.get_paginator("list_things_in_billing_group").paginate(billingGroupName=groups[0],
                                                                               PaginationConfig=config))
        assert [one for page in pages for one in page["things"]] == things
        assert all(len(page["things"]) == size for page in pages[:-1])


def test_the_cli_bills_things(server, iot, pump):
    name = unique("a:b")
    server.aws("iot", "create-billing-group", "--billing-group-name", name, "--billing-group-properties",
               "billingGroupDescription=north")
    server.aws("iot", "add-thing-to-billing-group", "--billing-group-name", name, "--thing-name", pump)
    assert server.aws("iot", "list-things-in-billing-group", "--billing-group-name", name) == {"things": [pump]}
    assert server.aws("iot", "update-billing-group", "--billing-group-name", name, "--billing-group-properties",
                      "billingGroupDescription=south") == {"version": 2}
    listed = server.aws("iot", "list-billing-groups", "--name-prefix-filter", name)["billingGroups"]
    assert [one["groupName"] for one in listed] == [name]
    server.aws("iot", "delete-billing-group", "--billing-group-name", name)
    assert group_of(iot, pump) is None
