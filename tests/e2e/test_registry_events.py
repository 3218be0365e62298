"""Registry events over MQTT and the switches that turn them on (x509 2.5, 3.8; provisioning 3.7, 4.4, 4.14)."""
import contextlib
import datetime
import json
import time
import uuid

import pytest

import muster
from fleet import Fleet, template_body
from muster import refused, unique
from pki import Authority, register
from test_claim_mosquitto import tool

KINDS = {"THING", "THING_GROUP", "THING_TYPE", "THING_GROUP_MEMBERSHIP", "THING_GROUP_HIERARCHY",
         "THING_TYPE_ASSOCIATION", "JOB", "JOB_EXECUTION", "POLICY", "CERTIFICATE", "CA_CERTIFICATE"}


@pytest.fixture(scope="module")
def fleet():
    """A server of this file's own: switches are the account's."""
    with muster.running() as server:
        yield Fleet(server)


@pytest.fixture
def iot(fleet):
    fleet.iot.update_event_configurations(eventConfigurations={kind: {"Enabled": False} for kind in KINDS})
    return fleet.iot


@pytest.fixture(scope="module")
def listener(fleet):
    """A certificate that may hear everything."""
    return fleet.device()


def switch(iot, *kinds, on=True):
    iot.update_event_configurations(eventConfigurations={kind: {"Enabled": on} for kind in kinds})


class Ear:
    """What is heard below $aws/events, as (topic, members)."""

    def __init__(self, fleet, client):
        self.fleet, self.client = fleet, client

    def next(self):
        """The next message; what every one has is checked here and taken away (3.8)."""
        heard = self.client.message()
        assert heard.qos == 1
        members = json.loads(heard.payload)
        assert members["eventType"].endswith("_EVENT")
        assert uuid.UUID(members.pop("eventId")).version == 4
        at = members.pop("timestamp")
        assert type(at) is int and abs(at / 1000 - time.time()) < 60
        if members["eventType"] != "THING_TYPE_ASSOCIATION_EVENT":
            assert members.pop("accountId") == self.fleet.server.account
        assert heard.topic.startswith("$aws/events/")
        assert heard.topic.rsplit("/", 1)[1] == members["operation"].lower()
        return heard.topic.removeprefix("$aws/events/"), members

    def topics(self, count):
        return [self.next()[0] for _ in range(count)]

    def has_nothing(self):
        """Nothing was said until now: what is said next is what is done next."""
        name = unique("bell")
        switch(self.fleet.iot, "THING_TYPE")
        self.fleet.iot.create_thing_type(thingTypeName=name)
        return self.next()[0] == f"thingType/{name}/created"


@pytest.fixture
def hear(fleet, listener):
    with contextlib.ExitStack() as stack:
        def hear(*filters):
            client = stack.enter_context(fleet.connect(listener))
            assert client.subscribe(*(filters or ["$aws/events/#"])) == [1] * max(1, len(filters))
            return Ear(fleet, client)
        yield hear


# ---- the switches ----

def test_all_switches_are_off_at_first_and_given_ones_move(fresh_server):
    iot = fresh_server.boto()
    first = iot.describe_event_configurations()
    assert first["eventConfigurations"] == {kind: {"Enabled": False} for kind in KINDS}
    assert "creationDate" not in first and "lastModifiedDate" not in first

    iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}, "POLICY": {"Enabled": True}})
    second = iot.describe_event_configurations()
    assert {k for k, v in second["eventConfigurations"].items() if v["Enabled"]} == {"THING", "POLICY"}
    assert set(second["eventConfigurations"]) == KINDS
    assert isinstance(second["creationDate"], datetime.datetime) and second["creationDate"] == second["lastModifiedDate"]

    iot.update_event_configurations(eventConfigurations={"POLICY": {"Enabled": False}, "JOB": {"Enabled": True}})
    third = iot.describe_event_configurations()
    assert {k for k, v in third["eventConfigurations"].items() if v["Enabled"]} == {"THING", "JOB"}
    assert third["creationDate"] == second["creationDate"] < third["lastModifiedDate"]

    for nothing in ({}, {"eventConfigurations": {}}):
        iot.update_event_configurations(**nothing)
    fresh_server.restart()
    assert fresh_server.boto().describe_event_configurations()["eventConfigurations"] == third["eventConfigurations"]


def test_an_unknown_switch_is_refused_and_moves_nothing(fleet, iot):
    with refused("InvalidRequestException", 400, "", iot):
        iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}, "WEATHER": {"Enabled": True}})
    for body in ({"eventConfigurations": {"THING": {"Enabled": "yes"}}}, {"eventConfigurations": ["THING"]},
                 {"eventConfigurations": {"THING": True}}):
        answer = fleet.server.call("PATCH", "/event-configurations", body)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), answer
    found = iot.describe_event_configurations()["eventConfigurations"]
    assert not any(one["Enabled"] for one in found.values())


def test_the_cli_turns_events_on(fleet, iot):
    fleet.server.aws("iot", "update-event-configurations", "--event-configurations", '{"THING":{"Enabled":true}}')
    found = fleet.server.aws("iot", "describe-event-configurations")
    assert found["eventConfigurations"]["THING"] == {"Enabled": True} and "creationDate" in found


def test_what_is_off_is_not_said(iot, hear):
    ear = hear()
    name, kind = unique("pump"), unique("type")
    iot.create_thing_type(thingTypeName=kind)
    iot.create_thing(thingName=name, thingTypeName=kind)
    iot.delete_thing(thingName=name)
    iot.create_keys_and_certificate()
    assert ear.has_nothing()


# ---- things ----

def test_a_thing_tells_its_life(fleet, iot, hear):
    switch(iot, "THING")
    ear, name = hear(), unique("pump:a")
    made = iot.create_thing(thingName=name)
    iot.create_thing(thingName=name)  # the same again is no change
    iot.update_thing(thingName=name, attributePayload={"attributes": {"site": "north"}})
    iot.update_thing(thingName=name, attributePayload={"attributes": {"site": "north"}})  # nor is this
    with refused("VersionConflictException", 409, "", iot):
        iot.update_thing(thingName=name, expectedVersion=1, attributePayload={"attributes": {}})
    iot.delete_thing(thingName=name)
    iot.delete_thing(thingName=name)

    told = {"eventType": "THING_EVENT", "thingId": made["thingId"], "thingName": name, "thingTypeName": None}
    assert ear.next() == (f"thing/{name}/created",
                          told | {"operation": "CREATED", "versionNumber": 1, "attributes": {}})
    assert ear.next() == (f"thing/{name}/updated",
                          told | {"operation": "UPDATED", "versionNumber": 2, "attributes": {"site": "north"}})
    assert ear.next() == (f"thing/{name}/deleted",
                          told | {"operation": "DELETED", "versionNumber": 3, "attributes": {"site": "north"}})
    assert ear.has_nothing()


def test_a_thing_tells_which_type_it_has(iot, hear):
    one, two, name = unique("type"), unique("type"), unique("pump")
    for kind in (one, two):
        iot.create_thing_type(thingTypeName=kind)
    switch(iot, "THING", "THING_TYPE_ASSOCIATION")
    ear = hear()
    made = iot.create_thing(thingName=name, thingTypeName=one)
    assert ear.next()[1]["thingTypeName"] == one
    told = {"eventType": "THING_TYPE_ASSOCIATION_EVENT", "thingId": made["thingId"], "thingName": name}
    assert ear.next() == (f"thingTypeAssociation/thing/{name}/thingType/{one}/added",
                          told | {"operation": "ADDED", "thingTypeName": one})
    iot.update_thing(thingName=name, thingTypeName=two)
    assert ear.topics(3) == [f"thing/{name}/updated", f"thingTypeAssociation/thing/{name}/thingType/{one}/removed",
                             f"thingTypeAssociation/thing/{name}/thingType/{two}/added"]
    iot.update_thing(thingName=name, removeThingType=True)
    assert ear.next()[1]["thingTypeName"] is None
    assert ear.next() == (f"thingTypeAssociation/thing/{name}/thingType/{two}/removed",
                          told | {"operation": "REMOVED", "thingTypeName": two})
    iot.update_thing(thingName=name, removeThingType=True)
    iot.update_thing(thingName=name, thingTypeName=one)
    assert ear.topics(2) == [f"thing/{name}/updated", f"thingTypeAssociation/thing/{name}/thingType/{one}/added"]
    iot.delete_thing(thingName=name)
    assert ear.topics(2) == [f"thingTypeAssociation/thing/{name}/thingType/{one}/removed", f"thing/{name}/deleted"]
    assert ear.has_nothing()


def test_a_thing_of_a_group_leaves_it_before_it_goes(iot, hear):
    group, name = unique("group"), unique("pump")
    iot.create_thing_group(thingGroupName=group)
    switch(iot, "THING", "THING_GROUP_MEMBERSHIP")
    ear = hear()
    iot.create_thing(thingName=name)
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=name)
    iot.delete_thing(thingName=name)
    membership = f"thingGroupMembership/thingGroup/{group}/thing/{name}"
    assert ear.topics(4) == [f"thing/{name}/created", f"{membership}/added", f"{membership}/removed",
                             f"thing/{name}/deleted"]


# ---- types ----

def test_a_type_tells_its_life(make_server):
    server = make_server(settings={"thing_type_delete_delay_s": 0})
    fleet = Fleet(server)
    switch(fleet.iot, "THING_TYPE")
    name = unique("type")
    with fleet.connect(fleet.device()) as client:
        client.subscribe("$aws/events/thingType/+/+")
        ear = Ear(fleet, client)
        made = fleet.iot.create_thing_type(thingTypeName=name)
        told = {"eventType": "THING_TYPE_EVENT", "thingTypeId": made["thingTypeId"], "thingTypeName": name}
        fresh = {"isDeprecated": False, "deprecationDate": None, "searchableAttributes": [], "description": None}
        assert ear.next() == (f"thingType/{name}/created", told | fresh | {"operation": "CREATED"})
        for _ in range(2):
            assert server.call("PATCH", f"/thing-types/{name}", {"thingTypeProperties": {
                "thingTypeDescription": "pumps", "searchableAttributes": ["site"]}}).status == 200
        full = fresh | {"searchableAttributes": ["site"], "description": "pumps", "operation": "UPDATED"}
        assert ear.next() == (f"thingType/{name}/updated", told | full)
        for undo in (False, False, True, True, False):
            fleet.iot.deprecate_thing_type(thingTypeName=name, undoDeprecate=undo)
        deprecated = ear.next()[1]
        at = deprecated.pop("deprecationDate")
        assert type(at) is int and abs(at / 1000 - time.time()) < 60
        assert deprecated | {"deprecationDate": None} == told | full | {"isDeprecated": True}
        assert ear.next() == (f"thingType/{name}/updated", told | full)
        assert ear.next()[1]["isDeprecated"] is True
        fleet.iot.delete_thing_type(thingTypeName=name)
        topic, last = ear.next()
        assert topic == f"thingType/{name}/deleted"
        assert (last["isDeprecated"], last["operation"]) == (True, "DELETED") and type(last["deprecationDate"]) is int
        assert ear.has_nothing()


# ---- certificates ----

def test_a_certificate_tells_its_life(iot, fleet, hear):
    switch(iot, "CERTIFICATE")
    ear = hear()
    device = fleet.certificate(active=False)
    told = {"eventType": "CERTIFICATE_EVENT", "certificateId": device.id, "certificateArn": device.arn,
            "caCertificateId": None}
    assert ear.next() == (f"certificate/{device.id}/created", told | {"operation": "CREATED", "status": "INACTIVE"})
    for status in ("ACTIVE", "ACTIVE", "INACTIVE"):
        iot.update_certificate(certificateId=device.id, newStatus=status)
    assert ear.next() == (f"certificate/{device.id}/updated", told | {"operation": "UPDATED", "status": "ACTIVE"})
    assert ear.next()[1]["status"] == "INACTIVE"
    iot.delete_certificate(certificateId=device.id)
    assert ear.next() == (f"certificate/{device.id}/deleted", told | {"operation": "DELETED", "status": "INACTIVE"})
    assert ear.has_nothing()


def test_a_ca_tells_its_life_and_a_device_who_issued_it(iot, fleet, hear, tmp_path):
    switch(iot, "CA_CERTIFICATE", "CERTIFICATE")
    ear, authority = hear(), Authority(tmp_path, f"/CN={unique('ca')}")
    ca = register(fleet.server, authority)
    told = {"eventType": "CA_CERTIFICATE_EVENT", "certificateId": ca, "autoRegistrationStatus": "DISABLE"}
    assert ear.next() == (f"caCertificate/{ca}/created", told | {"operation": "CREATED", "status": "ACTIVE"})
    device = iot.register_certificate(certificatePem=authority.device().certificate)["certificateId"]
    topic, one = ear.next()
    assert topic == f"certificate/{device}/created" and one["caCertificateId"] == ca
    for status in ("INACTIVE", "INACTIVE"):
        iot.update_ca_certificate(certificateId=ca, newStatus=status)
    assert ear.next() == (f"caCertificate/{ca}/updated", told | {"operation": "UPDATED", "status": "INACTIVE"})
    iot.delete_ca_certificate(certificateId=ca)
    assert ear.next() == (f"caCertificate/{ca}/deleted", told | {"operation": "DELETED", "status": "INACTIVE"})
    assert ear.has_nothing()


# ---- provisioning (4.4: thing, type, groups; certificate; ...; status) ----

@pytest.fixture
def typed(fleet):
    """A template whose things have a type and a group; type, group, template."""
    kind, group = unique("type"), unique("group")
    fleet.iot.create_thing_type(thingTypeName=kind)
    fleet.iot.create_thing_group(thingGroupName=group)
    body = template_body(thing={"Properties": {"ThingTypeName": kind, "ThingGroups": [group],
                                               "AttributePayload": {"site": {"Ref": "SerialNumber"}}}})
    return kind, group, body


def test_a_device_that_provisions_itself_is_told_in_order(fleet, iot, hear, typed):
    kind, group, body = typed
    template, serial = fleet.template(body), unique("sn")
    claim, name = fleet.claim(template), f"dev-{serial}"
    switch(iot, "THING", "THING_TYPE_ASSOCIATION", "THING_GROUP_MEMBERSHIP", "CERTIFICATE")
    ear = hear()
    with fleet.connect(claim) as client:
        device, token = fleet.keys(client)
        assert ear.next() == (f"certificate/{device.id}/created", {
            "eventType": "CERTIFICATE_EVENT", "operation": "CREATED", "certificateId": device.id,
            "certificateArn": device.arn, "status": "PENDING_ACTIVATION", "caCertificateId": None})
        for _ in range(2):
            fleet.register(client, template, token, SerialNumber=serial)
    topic, thing = ear.next()
    assert (topic, thing["thingTypeName"], thing["attributes"]) == (f"thing/{name}/created", kind, {"site": serial})
    assert ear.topics(3) == [f"thingTypeAssociation/thing/{name}/thingType/{kind}/added",
                             f"thingGroupMembership/thingGroup/{group}/thing/{name}/added",
                             f"certificate/{device.id}/updated"]
    assert ear.has_nothing()


def test_register_thing_tells_what_it_made_and_a_failed_one_nothing(fleet, iot, hear, typed):
    kind, group, body = typed
    device, serial = fleet.certificate(active=False), unique("sn")
    wanted = body["Resources"]["certificate"] = {
        "Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": device.id, "Status": "Active"},
        "OverrideSettings": {"Status": "REPLACE"}}
    name = f"dev-{serial}"
    switch(iot, "THING", "THING_TYPE_ASSOCIATION", "THING_GROUP_MEMBERSHIP", "CERTIFICATE")
    ear = hear()
    iot.register_thing(templateBody=json.dumps(body), parameters={"SerialNumber": serial})
    assert ear.topics(4) == [f"thing/{name}/created", f"thingTypeAssociation/thing/{name}/thingType/{kind}/added",
                             f"thingGroupMembership/thingGroup/{group}/thing/{name}/added",
                             f"certificate/{device.id}/updated"]
    wanted["Properties"]["CertificateId"] = "0" * 64
    with refused("ResourceRegistrationFailureException", 400, "", iot):
        iot.register_thing(templateBody=json.dumps(body), parameters={"SerialNumber": unique("sn")})
    assert ear.has_nothing()


# ---- who may hear ----

def test_subscribers_need_the_right_and_nobody_may_speak(fleet, iot, hear):
    switch(iot, "THING")
    mine, allow = unique("pump"), fleet.policies.allow
    deaf = fleet.device(allow("iot:Connect", "*"), allow(["iot:Publish"], "*"))
    half = fleet.device(allow("iot:Connect", "*"), allow("iot:Subscribe", "*"),
                        allow("iot:Receive", f"topic/$aws/events/thing/{mine}/*"))
    ear = hear()
    with fleet.connect(deaf) as refused_, fleet.connect(half) as narrow:
        assert refused_.subscribe("$aws/events/thing/+/created")[0] >= 0x80
        assert refused_.publish(f"$aws/events/thing/{mine}/created", b"{}") >= 0x80
        assert narrow.subscribe("$aws/events/thing/+/created") == [1]
        iot.create_thing(thingName=unique("other"))
        iot.create_thing(thingName=mine)
        assert narrow.message().topic == f"$aws/events/thing/{mine}/created"
    assert ear.topics(2)[1] == f"thing/{mine}/created"


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_a_back_end_that_sleeps_hears_of_new_devices_when_it_wakes(fleet, iot, listener, version):
    """provisioning 1.6, with mosquitto_sub."""
    switch(iot, "THING")
    client, name = unique("back-end"), unique("pump")
    sleepy = ["-i", client, "-t", "$aws/events/thing/+/created", "-c", *(["-x", "600"] if version == "mqttv5" else [])]
    asleep = tool(fleet, "mosquitto_sub", listener, version, *sleepy, "-E")
    assert asleep.returncode == 0, asleep.stderr
    iot.create_thing(thingName=name)
    awake = tool(fleet, "mosquitto_sub", listener, version, *sleepy, "-C", "1", "-W", "10")
    assert json.loads(awake.stdout)["thingName"] == name


def test_nothing_is_heard_before_it_is_so(fleet, iot, hear):
    """A listener that asks at once finds what it was told (emitted after the commit)."""
    switch(iot, "THING")
    ear = hear("$aws/events/thing/+/+")
    for _ in range(5):
        name = unique("pump")
        made = iot.create_thing(thingName=name)
        _, told = ear.next()
        found = iot.describe_thing(thingName=told["thingName"])
        assert (found["thingId"], found["version"]) == (made["thingId"], told["versionNumber"]) == (told["thingId"], 1)


def test_the_longest_names_are_told_too(iot, hear):
    """Their topics are longer than any that a client may publish on."""
    name, kind = unique("t").ljust(128, ":"), unique("k").ljust(128, "_")
    iot.create_thing_type(thingTypeName=kind)
    switch(iot, "THING", "THING_TYPE_ASSOCIATION")
    ear = hear("$aws/events/thing/+/created", "$aws/events/thingTypeAssociation/#")
    iot.create_thing(thingName=name, thingTypeName=kind, attributePayload={
        "attributes": {f"{n:02}".ljust(128, "-"): "x" * 800 for n in range(50)}})
    topic, told = ear.next()
    assert topic == f"thing/{name}/created" and len(told["attributes"]) == 50
    assert ear.next()[0] == f"thingTypeAssociation/thing/{name}/thingType/{kind}/added"
