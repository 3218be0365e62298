"""What RegisterThing makes of a template, asked for by a device (provisioning 4.1 to 4.4, 4.9, 4.10).

The numbers in names are the acceptance scenarios of provisioning 6.2.
"""
import contextlib
import json
import sqlite3

import mqtt
import pytest

from fleet import ALLOW_ALL, CERTIFICATE, SERIAL, Rejected, document, template_body
from muster import unique


@pytest.fixture(scope="module")
def base(fleet):
    return {"PolicyName": fleet.policy(ALLOW_ALL)}


@pytest.fixture(scope="module")
def station(fleet):
    """A device that may use any template: what is tested here is the template."""
    with fleet.connect(fleet.device()) as client:
        yield client


def provision(fleet, station, template, serial=None, **parameters):
    """The new device's identity, and the answer."""
    identity, token = fleet.from_csr(station)
    answer = fleet.register(station, template, token, SerialNumber=serial or unique("sn"), **parameters)
    return identity, answer


def refusal(fleet, station, template, serial=None, **parameters):
    """How it is refused; nothing of the registry may change, and the certificate stays as it was."""
    identity, token = fleet.from_csr(station)
    before = fleet.things()
    with pytest.raises(Rejected) as refused:
        fleet.register(station, template, token, SerialNumber=serial or unique("sn"), **parameters)
    assert fleet.things() == before and fleet.status(identity.id) == "PENDING_ACTIVATION"
    assert fleet.iot.list_attached_policies(target=identity.arn)["policies"] == []
    return refused.value.status, refused.value.code


# ---- answers ----

def test_18_a_template_without_a_thing_names_none(fleet, station, base):
    identity, answer = provision(fleet, station, fleet.template(template_body(thing=False, policy=base)))
    assert answer == {"deviceConfiguration": {}}
    assert fleet.can_connect(identity)


def test_device_configuration_is_evaluated_and_literals_become_text(fleet, station, base):
    template = fleet.template(template_body(
        policy=base, Mappings={"Hub": {"north": {"url": "https://n.example"}}},
        DeviceConfiguration={"Url": {"Fn::FindInMap": ["Hub", {"Ref": "Site"}, "url"]}, "Serial": SERIAL,
                             "Port": 8883, "Secure": True, "Ratio": 1.10}))
    _, answer = provision(fleet, station, template, "sn-1", Site="north")
    assert answer["deviceConfiguration"] == {"Url": "https://n.example", "Serial": "sn-1", "Port": "8883",
                                             "Secure": "true", "Ratio": "1.1"}


def test_a_default_stands_in_for_a_parameter(fleet, station, base):
    body = template_body(policy=base, DeviceConfiguration={"Site": {"Ref": "Site"}})
    body["Parameters"]["Site"] = {"Type": "String", "Default": "north"}
    template = fleet.template(body)
    assert provision(fleet, station, template)[1]["deviceConfiguration"] == {"Site": "north"}
    assert provision(fleet, station, template, Site="south")[1]["deviceConfiguration"] == {"Site": "south"}


# ---- functions ----

FUNCTIONS = {
    "Join": ({"Fn::Join": ["-", ["a", SERIAL, "z"]]}, "a-k-7-z"),
    "Join without a delimiter": ({"Fn::Join": ["", ["a", SERIAL]]}, "ak-7"),
    "Select of a Split": ({"Fn::Select": ["1", {"Fn::Split": ["-", SERIAL]}]}, "7"),
    "Select by number": ({"Fn::Select": [0, {"Fn::Split": ["-", SERIAL]}]}, "k"),
    "Join of a Split": ({"Fn::Join": ["_", {"Fn::Split": ["-", SERIAL]}]}, "k_7"),
    "FindInMap": ({"Fn::FindInMap": ["Kind", {"Fn::Select": ["0", {"Fn::Split": ["-", SERIAL]}]}, "name"]}, "kettle"),
    "Sub of a parameter": ({"Fn::Sub": "no ${SerialNumber}"}, "no k-7"),
    "Sub with a map": ({"Fn::Sub": ["${Kind} ${SerialNumber}", {"Kind": {"Fn::Join": ["", ["ket", "tle"]]}}]},
                       "kettle k-7"),
    "Sub of a literal": ({"Fn::Sub": "${!SerialNumber}"}, "${SerialNumber}"),
    "Sub of a policy variable": ({"Fn::Sub": "${iot:ClientId}/${SerialNumber}"}, "${iot:ClientId}/k-7"),
}


@pytest.mark.parametrize("function,result", FUNCTIONS.values(), ids=FUNCTIONS)
def test_19_a_function_gives_its_result(fleet, station, base, function, result):
    template = fleet.template(template_body(thing=False, policy=base, DeviceConfiguration={"Value": function},
                                            Mappings={"Kind": {"k": {"name": "kettle"}}}))
    assert provision(fleet, station, template, "k-7")[1]["deviceConfiguration"] == {"Value": result}


@pytest.mark.parametrize("function", [
    {"Fn::Select": ["5", {"Fn::Split": ["-", SERIAL]}]}, {"Fn::FindInMap": ["Kind", SERIAL, "name"]},
    {"Fn::Sub": "${Nobody}"}, {"Ref": "Nobody"}], ids=["Select", "FindInMap", "Sub", "Ref"])
def test_19_a_function_without_a_result_is_refused(fleet, station, base, function):
    template = fleet.template(template_body(policy=base, DeviceConfiguration={"Value": function},
                                            Mappings={"Kind": {"k": {"name": "kettle"}}}))
    assert refusal(fleet, station, template, "k-7") == (400, "InvalidParameters")


def test_19_a_policy_variable_survives_and_works(fleet, station):
    statements = [fleet.policies.allow("iot:Connect", "*"), {
        "Effect": "Allow", "Action": "iot:Publish",
        "Resource": [{"Fn::Sub": fleet.arn("topic/d/${SerialNumber}/${iot:Connection.Thing.ThingName}")}]}]
    template = fleet.template(template_body(policy={"PolicyDocument": json.loads(document(*statements))}))
    identity, answer = provision(fleet, station, template, "19")
    assert answer["thingName"] == "dev-19"
    policy, = fleet.iot.list_attached_policies(target=identity.arn)["policies"]
    text = fleet.iot.get_policy(policyName=policy["policyName"])["policyDocument"]
    assert fleet.arn("topic/d/19/${iot:Connection.Thing.ThingName}") in text
    with fleet.connect(identity, "dev-19") as device:
        assert device.publish("d/19/dev-19", b"") == 0
        assert device.publish("d/19/dev-20", b"") == 0x87


# ---- things that are there already ----

@pytest.fixture(scope="module")
def groups(fleet):
    names = [unique("group") for _ in range(3)]
    for name in names:
        fleet.iot.create_thing_group(thingGroupName=name)
    return names


@pytest.fixture(scope="module")
def types(fleet):
    names = [unique("type") for _ in range(2)]
    for name in names:
        fleet.iot.create_thing_type(thingTypeName=name)
    return names


@pytest.fixture
def existing(fleet, groups, types):
    """dev-SERIAL with attributes a=1 and b=2, the first type, and the first group; its serial."""
    serial = unique("sn")
    fleet.thing(f"dev-{serial}", thingTypeName=types[0], attributePayload={"attributes": {"a": "1", "b": "2"}})
    fleet.iot.add_thing_to_thing_group(thingGroupName=groups[0], thingName=f"dev-{serial}")
    return serial


def described(fleet, serial):
    thing = fleet.iot.describe_thing(thingName=f"dev-{serial}")
    member_of = fleet.iot.list_thing_groups_for_thing(thingName=f"dev-{serial}")["thingGroups"]
    return thing["attributes"], thing.get("thingTypeName"), {g["groupName"] for g in member_of}


def overriding(fleet, base, groups, types, **settings):
    return fleet.template(template_body(policy=base, thing={
        "Properties": {"AttributePayload": {"b": "3", "c": "4"}, "ThingTypeName": types[1],
                       "ThingGroups": [groups[1], groups[2]]},
        **({"OverrideSettings": settings} if settings else {})}))


def test_a_new_thing_gets_attributes_type_and_groups(fleet, station, base, groups, types):
    serial = unique("sn")
    provision(fleet, station, overriding(fleet, base, groups, types), serial)
    assert described(fleet, serial) == ({"b": "3", "c": "4"}, types[1], {groups[1], groups[2]})


def test_21_an_existing_thing_is_left_alone_by_default(fleet, station, base, groups, types, existing):
    before = described(fleet, existing)
    identity, answer = provision(fleet, station, overriding(fleet, base, groups, types), existing)
    assert answer["thingName"] == f"dev-{existing}" and described(fleet, existing) == before
    assert fleet.iot.list_thing_principals(thingName=f"dev-{existing}")["principals"] == [identity.arn]


def test_21_merge_adds(fleet, station, base, groups, types, existing):
    provision(fleet, station, overriding(fleet, base, groups, types, AttributePayload="MERGE", THING_GROUPS="MERGE"),
              existing)
    assert described(fleet, existing) == ({"a": "1", "b": "3", "c": "4"}, types[0], set(groups))


def test_21_replace_replaces(fleet, station, base, groups, types, existing):
    provision(fleet, station, overriding(fleet, base, groups, types, ATTRIBUTE_PAYLOAD="REPLACE",
                                         ThingTypeName="REPLACE", ThingGroups="REPLACE"), existing)
    assert described(fleet, existing) == ({"b": "3", "c": "4"}, types[1], {groups[1], groups[2]})


@pytest.mark.parametrize("key", ["AttributePayload", "ThingTypeName", "ThingGroups"])
def test_21_fail_fails_when_something_differs(fleet, station, base, groups, types, existing, key):
    before = described(fleet, existing)
    template = overriding(fleet, base, groups, types, **{key: "FAIL"})
    assert refusal(fleet, station, template, existing) == (409, "ResourceConflict")
    assert described(fleet, existing) == before


def test_21_fail_is_content_when_nothing_differs(fleet, station, base, groups, types):
    template = overriding(fleet, base, groups, types, AttributePayload="FAIL", ThingTypeName="FAIL", ThingGroups="FAIL")
    serial = unique("sn")
    provision(fleet, station, template, serial)
    assert provision(fleet, station, template, serial)[1]["thingName"] == f"dev-{serial}"


# ---- policies by document ----

def test_22_a_policy_by_document_is_named_by_its_hash_and_made_once(fleet, station):
    """The document, and the name that it has by SHA-1, are provisioning 4.4's example."""
    statement = {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}
    template = fleet.template(template_body(
        policy={"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}))
    for _ in range(2):
        identity, _ = provision(fleet, station, template)
        policy, = fleet.iot.list_attached_policies(target=identity.arn)["policies"]
        assert policy["policyName"] == "B4BE407C9270AC32DC09BB152A8CF90D898DB466"
    assert fleet.iot.get_policy(policyName=policy["policyName"])["policyDocument"] == \
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}'


def test_several_policies_are_attached(fleet, station, base):
    template = fleet.template(template_body(policy=[base, {"PolicyDocument": document(ALLOW_ALL)}]))
    identity, _ = provision(fleet, station, template)
    assert len(fleet.iot.list_attached_policies(target=identity.arn)["policies"]) == 2


def test_a_policy_that_is_none_after_evaluation_is_refused(fleet, station):
    body = template_body(policy={"PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": SERIAL, "Action": "iot:Connect", "Resource": "*"}]}})
    assert refusal(fleet, station, fleet.template(body), "Perhaps") == (400, "InvalidRequest")


# ---- exclusive things ----

def exclusive(fleet, base):
    properties = CERTIFICATE["Properties"] | {"ThingPrincipalType": "EXCLUSIVE_THING"}
    return fleet.template(template_body(policy=base, certificate=CERTIFICATE | {"Properties": properties}))


def test_an_exclusive_thing_is_carried_under_any_client_id(fleet, station):
    own = {"PolicyName": fleet.policy(
        fleet.policies.allow("iot:Connect", "*"),
        fleet.policies.allow("iot:Publish", "topic/d/${iot:Connection.Thing.ThingName}"))}
    identity, answer = provision(fleet, station, exclusive(fleet, own))
    with fleet.connect(identity, f"{answer['thingName']}#2") as device:
        assert device.publish(f"d/{answer['thingName']}", b"") == 0
        assert device.publish("d/another", b"") == 0x87


def test_a_certificate_of_another_thing_cannot_be_exclusive(fleet, station, base):
    template, serial = exclusive(fleet, base), unique("sn")
    identity, token = fleet.from_csr(station)
    fleet.iot.attach_thing_principal(thingName=fleet.thing(), principal=identity.arn)
    with pytest.raises(Rejected) as refused:
        fleet.register(station, template, token, SerialNumber=serial)
    assert (refused.value.status, refused.value.code) == (409, "ResourceConflict")
    assert f"dev-{serial}" not in fleet.things() and fleet.status(identity.id) == "PENDING_ACTIVATION"


# ---- templates that cannot be used ----

def test_an_unknown_template_is_not_found(fleet, station):
    assert refusal(fleet, station, "nobody") == (404, "ResourceNotFound")


def test_a_disabled_template_denies(fleet, station, base):
    template = fleet.template(template_body(policy=base), enabled=False)
    assert refusal(fleet, station, template) == (403, "AccessDenied")
    fleet.iot.update_provisioning_template(templateName=template, enabled=True)
    provision(fleet, station, template)


def test_a_template_for_jitp_is_not_for_this(fleet, station, base):
    body = template_body(thing=False, policy=base)
    body["Parameters"] = {"AWS::IoT::Certificate::Id": {"Type": "String"}}
    template = fleet.template(body, type="JITP")
    assert refusal(fleet, station, template) == (400, "InvalidRequest")


def test_a_deleted_template_is_not_found_and_the_token_stays_good(fleet, station, base):
    first, second = (fleet.template(template_body(policy=base)) for _ in range(2))
    _, token = fleet.from_csr(station)
    fleet.iot.delete_provisioning_template(templateName=first)
    with pytest.raises(Rejected) as refused:
        fleet.register(station, first, token, SerialNumber=unique("sn"))
    assert refused.value.status == 404
    assert fleet.register(station, second, token, SerialNumber=unique("sn"))["thingName"]


def test_a_role_without_rights_denies(fresh_fleet):
    """IAM has no interface yet, so the role's policy is taken from it in the store, while the server is down."""
    fleet = fresh_fleet
    template = fleet.template(template_body(policy={"PolicyName": fleet.policy(ALLOW_ALL)}))
    device = fleet.device()
    fleet.server.stop()
    store, = fleet.server.dir.glob("*.db")
    with contextlib.closing(sqlite3.connect(store)) as rows:
        assert rows.execute("DELETE FROM iam_attached_policy WHERE owner_kind = 'role'").rowcount == 1
        rows.commit()
    fleet.server.start()
    with fleet.connect(device) as station:
        assert refusal(fleet, station, template) == (403, "AccessDenied")


@pytest.mark.parametrize("thing,code", [
    ({"Properties": {"ThingTypeName": "nobody"}}, (404, "ResourceNotFound")),
    ({"Properties": {"ThingGroups": ["nobody"]}}, (404, "ResourceNotFound")),
    ({"Properties": {"BillingGroup": "nobody"}}, (404, "ResourceNotFound")),
    ({"Properties": {"AttributePayload": {"a b": "x"}}}, (400, "InvalidParameters")),
], ids=["type", "group", "billing group", "attribute"])
def test_a_reference_to_nothing_is_refused(fleet, station, base, thing, code):
    assert refusal(fleet, station, fleet.template(template_body(policy=base, thing=thing))) == code


def test_a_named_policy_that_is_not_there_is_refused(fleet, station):
    assert refusal(fleet, station, fleet.template(template_body(policy={"PolicyName": "nobody"}))) == \
        (404, "ResourceNotFound")


def test_the_default_version_counts_at_once(fleet, station, base):
    template = fleet.template(template_body(policy=base, DeviceConfiguration={"Version": "1"}))
    fleet.iot.create_provisioning_template_version(
        templateName=template, templateBody=json.dumps(template_body(policy=base, DeviceConfiguration={"Version": "2"})))
    assert provision(fleet, station, template)[1]["deviceConfiguration"] == {"Version": "1"}
    fleet.iot.update_provisioning_template(templateName=template, defaultVersionId=2)
    assert provision(fleet, station, template)[1]["deviceConfiguration"] == {"Version": "2"}


@pytest.mark.parametrize("version", [mqtt.V3, mqtt.V5], ids=["3.1.1", "5"])
def test_a_certificate_in_a_group_gets_the_groups_policy(fleet, station, groups, base, version):
    """The thing joins its group in the same transaction, so the first connection has the group's rights."""
    group = unique("group")
    fleet.iot.create_thing_group(thingGroupName=group)
    arn = fleet.iot.describe_thing_group(thingGroupName=group)["thingGroupArn"]
    fleet.iot.attach_policy(policyName=fleet.policy(ALLOW_ALL), target=arn)
    template = fleet.template(template_body(thing={"Properties": {"ThingGroups": [group]}}))
    identity, answer = provision(fleet, station, template)
    with fleet.connect(identity, answer["thingName"], version=version) as device:
        assert device.publish("x", b"") == 0
    assert not fleet.can_connect(identity)  # under another client id it has no thing, and so no group
