"""What thing groups, their members and policies tell over MQTT (x509 3.8; provisioning 3.7)."""
import json
import uuid

import pytest

from muster import refused, unique
from test_registry_events import Ear, fleet, hear, iot, listener, switch  # noqa: F401 (fixtures)


def group_event(operation, name, found, version, **more):
    return {"eventType": "THING_GROUP_EVENT", "operation": operation, "thingGroupId": found["thingGroupId"],
            "thingGroupName": name, "versionNumber": version, "parentGroupName": None, "parentGroupId": None,
            "description": None, "rootToParentThingGroups": [], "attributes": {}, "dynamicGroupMappingId": None, **more}


@pytest.fixture
def made(iot):
    def made(name, parent=None):
        return iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    return made


def test_a_group_tells_its_life(iot, hear, made):
    switch(iot, "THING_GROUP")
    ear, name = hear(), unique("group")
    found = made(name)
    assert ear.next() == (f"thingGroup/{name}/created", group_event("CREATED", name, found, 1))
    made(name)  # the same again tells nothing
    iot.update_thing_group(thingGroupName=name, thingGroupProperties={
        "thingGroupDescription": "north", "attributePayload": {"attributes": {"a": "b"}}})
    more = {"description": "north", "attributes": {"a": "b"}}
    assert ear.next() == (f"thingGroup/{name}/updated", group_event("UPDATED", name, found, 2, **more))
    with refused("VersionConflictException", 409):
        iot.update_thing_group(thingGroupName=name, thingGroupProperties={}, expectedVersion=1)
    for _ in range(2):
        iot.delete_thing_group(thingGroupName=name)
    assert ear.next() == (f"thingGroup/{name}/deleted", group_event("DELETED", name, found, 2, **more))
    assert ear.has_nothing()


def test_a_group_names_the_groups_above_it_from_the_root_on(iot, fleet, hear, made):
    switch(iot, "THING_GROUP")
    names = [unique("a:b"), unique("middle"), unique("leaf")]
    above = [made(names[0]), made(names[1], names[0])]
    ear = hear()
    leaf = made(names[2], names[1])
    assert ear.next()[1] == group_event(
        "CREATED", names[2], leaf, 1, parentGroupName=names[1], parentGroupId=above[1]["thingGroupId"],
        rootToParentThingGroups=[{"groupArn": one["thingGroupArn"], "groupId": one["thingGroupId"]} for one in above])


def test_a_child_tells_where_it_hangs(iot, hear, made):
    switch(iot, "THING_GROUP_HIERARCHY")
    ear, parent, child = hear(), unique("parent"), unique("child")
    above, below = made(parent), made(child, parent)
    topic = f"thingGroupHierarchy/thingGroup/{parent}/childThingGroup/{child}"
    members = {"eventType": "THING_GROUP_HIERARCHY_EVENT", "thingGroupId": above["thingGroupId"],
               "thingGroupName": parent, "childGroupId": below["thingGroupId"], "childGroupName": child}
    assert ear.next() == (f"{topic}/added", {**members, "operation": "ADDED"})
    iot.update_thing_group(thingGroupName=child, thingGroupProperties={})
    with refused("InvalidRequestException", 400):
        iot.delete_thing_group(thingGroupName=parent)
    iot.delete_thing_group(thingGroupName=child)
    assert ear.next() == (f"{topic}/removed", {**members, "operation": "REMOVED"})
    iot.delete_thing_group(thingGroupName=parent)
    assert ear.has_nothing()


def test_a_membership_has_one_id_from_its_beginning_to_its_end(iot, fleet, hear, made):
    switch(iot, "THING_GROUP_MEMBERSHIP")
    ear, group, thing = hear(), unique("group"), unique("thing")
    found, of = made(group), iot.create_thing(thingName=thing)
    topic = f"thingGroupMembership/thingGroup/{group}/thing/{thing}"
    common = {"eventType": "THING_GROUP_MEMBERSHIP_EVENT", "groupArn": found["thingGroupArn"],
              "groupId": found["thingGroupId"], "thingArn": of["thingArn"], "thingId": of["thingId"]}
    seen = set()
    for _ in range(2):
        for _ in range(2):
            iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)
        where, members = ear.next()
        membership = members.pop("membershipId")
        assert where == f"{topic}/added" and members == {**common, "operation": "ADDED"} and uuid.UUID(membership)
        for _ in range(2):
            iot.remove_thing_from_thing_group(thingGroupName=group, thingName=thing)
        where, members = ear.next()
        assert where == f"{topic}/removed"
        assert members == {**common, "operation": "REMOVED", "membershipId": membership}
        seen.add(membership)
    assert len(seen) == 2 and ear.has_nothing()


def test_memberships_that_a_deletion_ends_are_told(iot, hear, made):
    """Of the group before it goes, of the thing before it goes; and none of a deletion that was refused."""
    group, other, things = unique("group"), unique("other"), sorted(unique("thing") for _ in range(3))
    made(group), made(other)
    for thing in things:
        iot.create_thing(thingName=thing)
        for name in (group, other):
            iot.add_thing_to_thing_group(thingGroupName=name, thingName=thing)
    switch(iot, "THING_GROUP_MEMBERSHIP", "THING_GROUP", "THING")
    ear = hear()
    with refused("VersionConflictException", 409):
        iot.delete_thing_group(thingGroupName=group, expectedVersion=7)
    iot.delete_thing_group(thingGroupName=group)
    removed = [f"thingGroupMembership/thingGroup/{group}/thing/{thing}/removed" for thing in things]
    assert ear.topics(4) == [*removed, f"thingGroup/{group}/deleted"]
    iot.delete_thing(thingName=things[0])
    assert ear.topics(2) == [f"thingGroupMembership/thingGroup/{other}/thing/{things[0]}/removed",
                             f"thing/{things[0]}/deleted"]
    assert ear.has_nothing()


def test_many_groups_at_once_tell_all_or_nothing(iot, hear, made):
    thing, old, new = unique("thing"), unique("old"), unique("new")
    iot.create_thing(thingName=thing)
    made(old), made(new)
    iot.add_thing_to_thing_group(thingGroupName=old, thingName=thing)
    switch(iot, "THING_GROUP_MEMBERSHIP")
    ear = hear()
    with refused("ResourceNotFoundException", 404):
        iot.update_thing_groups_for_thing(thingName=thing, thingGroupsToRemove=[old],
                                          thingGroupsToAdd=[new, unique("none")])
    iot.update_thing_groups_for_thing(thingName=thing, thingGroupsToRemove=[old], thingGroupsToAdd=[new])
    assert ear.topics(2) == [f"thingGroupMembership/thingGroup/{old}/thing/{thing}/removed",
                             f"thingGroupMembership/thingGroup/{new}/thing/{thing}/added"]
    assert ear.has_nothing()


def test_things_of_a_billing_group_that_goes_tell_that_they_changed(iot, hear):
    billing, thing = unique("billing"), unique("thing")
    iot.create_billing_group(billingGroupName=billing)
    iot.create_thing(thingName=thing, billingGroupName=billing)
    switch(iot, "THING")
    ear = hear()
    iot.delete_billing_group(billingGroupName=billing)
    topic, members = ear.next()
    assert topic == f"thing/{thing}/updated" and members["versionNumber"] == 2
    assert ear.has_nothing()


def test_a_policy_tells_its_life(iot, fleet, hear):
    """A '+' of its name is percent-encoded: no topic may hold one."""
    switch(iot, "POLICY")
    ear, name = hear(), "p+q=,.@-" + unique("")
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})

    def told(operation, default):
        topic, members = ear.next()
        assert topic == f"policy/{name.replace('+', '%2B')}/{operation.lower()}"
        assert members == {"eventType": "POLICY_EVENT", "operation": operation, "policyName": name,
                           "policyArn": fleet.arn(f"policy/{name}"), "defaultVersionId": default}

    iot.create_policy(policyName=name, policyDocument=document)
    told("CREATED", "1")
    iot.create_policy_version(policyName=name, policyDocument=document)
    told("UPDATED", "1")
    for _ in range(2):
        iot.set_default_policy_version(policyName=name, policyVersionId="2")
    told("UPDATED", "2")
    iot.delete_policy_version(policyName=name, policyVersionId="1")
    told("UPDATED", "2")
    iot.delete_policy(policyName=name)
    told("DELETED", "2")
    assert ear.has_nothing()
