"""Things, thing types, and which certificate is whose (x509 2.3, 4.13)."""
import re
import uuid

import pytest

from muster import refused, unique

NOT_THERE = "0" * 64


@pytest.fixture
def pump(iot):
    """A thing."""
    name = unique("pump")
    iot.create_thing(thingName=name)
    return name


@pytest.fixture
def pump_type(iot):
    name = unique("type")
    iot.create_thing_type(thingTypeName=name)
    return name


# ---- things ----

def test_a_thing_is_described_as_it_was_made(iot, server, pump_type):
    name = unique("pump")
    made = iot.create_thing(thingName=name, thingTypeName=pump_type, attributePayload={"attributes": {"site": "north"}})
    found = iot.describe_thing(thingName=name)
    assert made["thingArn"] == found["thingArn"] == server.arn(f"thing/{name}")
    assert uuid.UUID(made["thingId"]) and made["thingId"] == found["thingId"]
    assert (found["thingName"], found["defaultClientId"], found["version"]) == (name, name, 1)
    assert (found["thingTypeName"], found["attributes"]) == (pump_type, {"site": "north"})


def test_a_thing_without_attributes_has_an_empty_map_of_them(iot, pump):
    found = iot.describe_thing(thingName=pump)
    assert found["attributes"] == {} and "thingTypeName" not in found and "billingGroupName" not in found


@pytest.mark.parametrize("again", [{}, {"attributePayload": {}}, {"attributePayload": {"merge": True}},
                                   {"attributePayload": {"attributes": {}, "merge": False}}])
def test_scenario_36_the_same_thing_made_again_keeps_its_id(iot, pump, again):
    first = iot.describe_thing(thingName=pump)
    assert iot.create_thing(thingName=pump, **again)["thingId"] == first["thingId"]
    assert iot.describe_thing(thingName=pump)["version"] == 1


def test_scenario_36_a_thing_with_other_attributes_is_refused_naming_the_one_there(iot, pump):
    first = iot.describe_thing(thingName=pump)
    with refused("ResourceAlreadyExistsException", 409,
                 f"Thing {pump} already exists in account with different attributes", iot) as error:
        iot.create_thing(thingName=pump, attributePayload={"attributes": {"site": "north"}})
    assert error["resourceId"] and error["resourceArn"] == first["thingArn"]
    assert iot.describe_thing(thingName=pump)["attributes"] == {}


def test_a_thing_with_another_type_is_refused(iot, pump, pump_type):
    with refused("ResourceAlreadyExistsException", 409, "different thing type", iot):
        iot.create_thing(thingName=pump, thingTypeName=pump_type)


@pytest.mark.parametrize("member", ["thingTypeName", "billingGroupName"])
def test_a_thing_of_an_unknown_type_or_billing_group_is_not_made(iot, member):
    name = unique("pump")
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.create_thing(thingName=name, **{member: unique("none")})
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing(thingName=name)


def test_scenario_37_three_attributes_need_no_type_and_four_do(iot):
    attributes = {f"a{n}": str(n) for n in range(4)}
    name = unique("pump")
    with refused("InvalidRequestException", 400, "", iot):
        iot.create_thing(thingName=name, attributePayload={"attributes": attributes})
    del attributes["a3"]
    iot.create_thing(thingName=name, attributePayload={"attributes": attributes})
    assert iot.describe_thing(thingName=name)["attributes"] == attributes


def test_scenario_37_a_type_carries_fifty_attributes_and_not_fifty_one(iot, pump_type):
    attributes = {f"{'n' * 120}{n:02}": "v" * 800 for n in range(50)}
    name = unique("pump")
    with refused("InvalidRequestException", 400, "", iot):
        iot.create_thing(thingName=unique("pump"), thingTypeName=pump_type,
                         attributePayload={"attributes": {**attributes, "one-more": "v"}})
    iot.create_thing(thingName=name, thingTypeName=pump_type, attributePayload={"attributes": attributes})
    assert iot.describe_thing(thingName=name)["attributes"] == attributes


@pytest.mark.parametrize("attributes", [{"a b": "v"}, {"a": "v w"}, {"": "v"}, {"n" * 129: "v"}, {"n": "v" * 801},
                                        {"é": "v"}, {"n": "é"}])
def test_attributes_outside_their_alphabet_or_length_are_refused(iot, attributes):
    with refused("InvalidRequestException", 400, "", iot):
        iot.create_thing(thingName=unique("pump"), attributePayload={"attributes": attributes})


def test_attributes_without_a_value_are_dropped(iot):
    name = unique("pump")
    iot.create_thing(thingName=name, attributePayload={"attributes": {"kept": "x", "dropped": ""}})
    assert iot.describe_thing(thingName=name)["attributes"] == {"kept": "x"}


def test_the_whole_alphabet_of_attributes_comes_back(iot):
    name, attributes = unique("pump"), {"aZ09_.,@/:#-": "aZ09_.,@/:#=[]-"}
    iot.create_thing(thingName=name, attributePayload={"attributes": attributes})
    assert iot.describe_thing(thingName=name)["attributes"] == attributes


@pytest.mark.parametrize("name", ["a b", "a/b", "a%b", "é", "n" * 129, "a\u0000b"])
def test_scenario_37_names_outside_the_pattern_are_refused_naming_the_member(iot, name):
    with refused("InvalidRequestException", 400, "'thingName' failed to satisfy constraint", iot):
        iot.create_thing(thingName=name)


def test_scenario_41_a_name_of_128_characters_with_colons_is_a_name(iot):
    name = unique("a:b") + ":"
    name += "n" * (128 - len(name))
    iot.create_thing(thingName=name)
    assert iot.describe_thing(thingName=name)["thingName"] == name
    iot.delete_thing(thingName=name)


def test_an_unknown_thing_is_not_found_by_name(iot):
    with refused("ResourceNotFoundException", 404, "Thing pump-none cannot be found.", iot):
        iot.describe_thing(thingName="pump-none")


def test_deleting_a_thing_that_is_not_there_succeeds(iot):
    iot.delete_thing(thingName=unique("none"))


def test_scenario_36_a_wrong_expected_version_deletes_nothing(iot, pump):
    with refused("VersionConflictException", 409,
                 f"The version for thing {pump} does not match the expected version.", iot):
        iot.delete_thing(thingName=pump, expectedVersion=7)
    iot.delete_thing(thingName=pump, expectedVersion=iot.describe_thing(thingName=pump)["version"])
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing(thingName=pump)


def test_a_thing_that_is_made_again_after_its_deletion_has_another_id(iot, pump):
    first = iot.describe_thing(thingName=pump)["thingId"]
    iot.delete_thing(thingName=pump)
    assert iot.create_thing(thingName=pump)["thingId"] != first


def test_things_are_found_by_attribute_prefix_and_type(iot, pump_type):
    key, names = unique("key"), [unique("pump") for _ in range(3)]
    for name, value in zip(names, ("north-1", "north-2", "south")):
        iot.create_thing(thingName=name, thingTypeName=pump_type, attributePayload={"attributes": {key: value}})

    def found(**asked):
        return {thing["thingName"] for thing in iot.list_things(**asked)["things"]}

    assert found(attributeName=key) == set(names)
    assert found(attributeName=key, attributeValue="north-1") == {names[0]}
    assert found(attributeName=key, attributeValue="north") == set()
    assert found(attributeName=key, attributeValue="north", usePrefixAttributeValue=True) == set(names[:2])
    assert found(thingTypeName=pump_type) == set(names)
    assert found(thingTypeName=pump_type, attributeName=key, attributeValue="south") == {names[2]}
    assert found(thingTypeName=unique("none")) == set()
    with refused("InvalidRequestException", 400, "", iot):
        iot.list_things(attributeValue="north")


def test_listed_things_show_what_describing_them_shows(iot, pump_type):
    name = unique("pump")
    made = iot.create_thing(thingName=name, thingTypeName=pump_type, attributePayload={"attributes": {"site": "n"}})
    listed = iot.list_things(thingTypeName=pump_type)["things"]
    assert listed == [{"thingName": name, "thingTypeName": pump_type, "thingArn": made["thingArn"],
                       "attributes": {"site": "n"}, "version": 1}]


# ---- types ----

def test_a_thing_type_is_described_as_it_was_made(iot, server):
    name = unique("type")
    properties = {"thingTypeDescription": "pumps", "searchableAttributes": ["serial", "site"]}
    made = iot.create_thing_type(thingTypeName=name, thingTypeProperties=properties,
                                 tags=[{"Key": "line", "Value": "7"}])
    found = iot.describe_thing_type(thingTypeName=name)
    assert made["thingTypeArn"] == found["thingTypeArn"] == server.arn(f"thingtype/{name}")
    assert uuid.UUID(made["thingTypeId"]) and made["thingTypeId"] == found["thingTypeId"]
    assert found["thingTypeProperties"]["thingTypeDescription"] == "pumps"
    assert sorted(found["thingTypeProperties"]["searchableAttributes"]) == ["serial", "site"]
    assert found["thingTypeMetadata"]["deprecated"] is False and found["thingTypeMetadata"]["creationDate"].year >= 2024
    assert "deprecationDate" not in found["thingTypeMetadata"]


def test_the_same_type_made_again_keeps_its_id_and_another_is_refused(iot):
    name, properties = unique("type"), {"thingTypeDescription": "pumps"}
    first = iot.create_thing_type(thingTypeName=name, thingTypeProperties=properties)
    assert iot.create_thing_type(thingTypeName=name, thingTypeProperties=properties) \
        ["thingTypeId"] == first["thingTypeId"]
    with refused("ResourceAlreadyExistsException", 409, name, iot):
        iot.create_thing_type(thingTypeName=name, thingTypeProperties={"thingTypeDescription": "others"})


def test_a_type_has_at_most_three_searchable_attributes(iot):
    with refused("InvalidRequestException", 400, "", iot):
        iot.create_thing_type(thingTypeName=unique("type"),
                              thingTypeProperties={"searchableAttributes": ["a", "b", "c", "d"]})


def test_a_type_keeps_its_propagating_attributes(server):
    name = unique("type")
    properties = {"mqtt5Configuration": {"propagatingAttributes": [
        {"userPropertyKey": "site", "thingAttribute": "site"},
        {"userPropertyKey": "client", "connectionAttribute": "iot:ClientId"}]}}
    assert server.call("POST", f"/thing-types/{name}", {"thingTypeProperties": properties}).status == 200
    found = server.call("GET", f"/thing-types/{name}").json
    assert found["thingTypeProperties"]["mqtt5Configuration"] == properties["mqtt5Configuration"]


def test_an_unknown_type_is_not_found(iot):
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing_type(thingTypeName=unique("none"))


# ---- principals ----

def test_a_certificate_is_attached_found_from_both_ends_and_detached(iot, server, pump):
    device = server.certificate()
    for _ in range(2):
        iot.attach_thing_principal(thingName=pump, principal=device.arn)
    assert iot.list_thing_principals(thingName=pump)["principals"] == [device.arn]
    assert iot.list_principal_things(principal=device.arn)["things"] == [pump]
    for _ in range(2):
        iot.detach_thing_principal(thingName=pump, principal=device.arn)
    assert iot.list_thing_principals(thingName=pump)["principals"] == []
    assert iot.list_principal_things(principal=device.arn)["things"] == []


def test_a_thing_with_a_principal_is_not_deleted(iot, server, pump):
    device = server.certificate()
    iot.attach_thing_principal(thingName=pump, principal=device.arn)
    with refused("InvalidRequestException", 400,
                 f"Cannot delete. Thing {pump} is still attached to one or more principals", iot):
        iot.delete_thing(thingName=pump)
    iot.detach_thing_principal(thingName=pump, principal=device.arn)
    iot.delete_thing(thingName=pump)


def test_attaching_names_what_is_not_there(iot, server, pump):
    device = server.certificate()
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.attach_thing_principal(thingName=unique("none"), principal=device.arn)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.attach_thing_principal(thingName=pump, principal=server.arn(f"cert/{NOT_THERE}"))
    with refused("ResourceNotFoundException", 404,
                 "Failed to list principals for thing pump-none because the thing does not exist in your account",
                 iot):
        iot.list_thing_principals(thingName="pump-none")


@pytest.mark.parametrize("principal", ["x", "arn:aws:iot:us-east-1:000000000001:thing/x", "cert/" + NOT_THERE,
                                       "arn:aws:iot:us-east-1:000000000001:cert/zz",
                                       "arn:aws:iot:us-east-1:000000000001:cert/" + "g" * 64])
def test_a_malformed_principal_is_refused(iot, pump, principal):
    with refused("InvalidRequestException", 400, "", iot):
        iot.attach_thing_principal(thingName=pump, principal=principal)


@pytest.mark.parametrize("principal", [f"arn:aws:iot:us-east-1:000000000002:cert/{NOT_THERE}",
                                       f"arn:aws:iot:eu-west-1:000000000001:cert/{NOT_THERE}"])
def test_a_principal_of_another_account_or_region_cannot_be_attached(iot, pump, principal):
    with pytest.raises((iot.exceptions.InvalidRequestException, iot.exceptions.ResourceNotFoundException)):
        iot.attach_thing_principal(thingName=pump, principal=principal)


def test_a_cognito_identity_is_a_principal(iot, server, pump):
    identity = f"{server.region}:{uuid.uuid4()}"
    iot.attach_thing_principal(thingName=pump, principal=identity)
    assert iot.list_thing_principals(thingName=pump)["principals"] == [identity]
    assert iot.list_principal_things(principal=identity)["things"] == [pump]
    iot.detach_thing_principal(thingName=pump, principal=identity)


def attach(server, thing, device, kind):
    return server.call("PUT", f"/things/{thing}/principals", query={"thingPrincipalType": kind},
                       headers={"x-amzn-principal": device.arn})


def test_scenario_39_an_exclusive_certificate_belongs_to_one_thing(iot, server, pump):
    device, other = server.certificate(), unique("pump")
    iot.create_thing(thingName=other)
    assert attach(server, pump, device, "EXCLUSIVE_THING").status == 200
    for kind in ("EXCLUSIVE_THING", "NON_EXCLUSIVE_THING"):
        answer = attach(server, other, device, kind)
        assert (answer.status, answer.error) == (400, "InvalidRequestException")
    assert iot.list_principal_things(principal=device.arn)["things"] == [pump]


def test_scenario_39_a_certificate_of_two_things_cannot_become_exclusive(iot, server, pump):
    device, other = server.certificate(), unique("pump")
    iot.create_thing(thingName=other)
    assert attach(server, pump, device, "NON_EXCLUSIVE_THING").status == 200
    assert attach(server, other, device, "NON_EXCLUSIVE_THING").status == 200
    assert attach(server, pump, device, "EXCLUSIVE_THING").error == "InvalidRequestException"
    iot.detach_thing_principal(thingName=other, principal=device.arn)
    assert attach(server, pump, device, "EXCLUSIVE_THING").status == 200
    assert attach(server, pump, device, "NON_EXCLUSIVE_THING").status == 200
    assert attach(server, other, device, "NON_EXCLUSIVE_THING").status == 200


# ---- the AWS CLI ----

def test_the_cli_makes_finds_and_deletes_a_thing(server):
    name = unique("a:b")
    made = server.aws("iot", "create-thing", "--thing-name", name, "--attribute-payload",
                      '{"attributes": {"site": "north"}}')
    assert server.aws("iot", "describe-thing", "--thing-name", name)["thingId"] == made["thingId"]
    listed = server.aws("iot", "list-things", "--attribute-name", "site", "--attribute-value", "north")
    assert name in {thing["thingName"] for thing in listed["things"]}
    server.aws("iot", "delete-thing", "--thing-name", name, "--expected-version", "1")
    text = server.aws("iot", "describe-thing", "--thing-name", name, fails=True)
    assert f"(ResourceNotFoundException) when calling the DescribeThing operation: Thing {name} cannot be found." in text


def test_the_cli_attaches_a_certificate_to_a_typed_thing(server):
    name, kind = unique("pump"), unique("type")
    server.aws("iot", "create-thing-type", "--thing-type-name", kind, "--thing-type-properties",
               "thingTypeDescription=pumps,searchableAttributes=site")
    created = server.aws("iot", "describe-thing-type", "--thing-type-name", kind)["thingTypeMetadata"]["creationDate"]
    assert re.match(r"20\d\d-\d\d-\d\dT", created)
    server.aws("iot", "create-thing", "--thing-name", name, "--thing-type-name", kind)
    device = server.certificate()
    server.aws("iot", "attach-thing-principal", "--thing-name", name, "--principal", device.arn)
    assert server.aws("iot", "list-thing-principals", "--thing-name", name) == {"principals": [device.arn]}
    assert server.aws("iot", "list-principal-things", "--principal", device.arn) == {"things": [name]}
    server.aws("iot", "detach-thing-principal", "--thing-name", name, "--principal", device.arn)
