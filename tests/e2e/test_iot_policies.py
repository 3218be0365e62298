"""IoT policies at work: things, groups, certificates and conditions decide (broker 4.10, 4.11; provisioning 4.4)."""
import pytest
from cryptography.x509.oid import NameOID

from fleet import ALLOW_ALL
from mqtt import V3, V5
from muster import eventually, unique

NOT_AUTHORIZED = 0x87
CHANGE_S = 5  # 2 s on the server that made the change, and some for a sanitized one


def may(client, topic):
    """Whether a version 5 client may publish there."""
    return client.publish(topic, b"") == 0


def holder(fleet, thing, *statements, exclusive=False, connect=True):
    """A certificate attached to a thing, with these statements."""
    identity = fleet.certificate()
    fleet.attach(identity, *([fleet.policies.allow("iot:Connect", "*")] if connect else []), *statements)
    if thing:
        attached = fleet.server.call("PUT", f"/things/{thing}/principals", headers={"x-amzn-principal": identity.arn},
                                     query={"thingPrincipalType": "EXCLUSIVE_THING"} if exclusive else None)
        assert attached.status == 200, attached
    return identity


# ---- things ----

def test_a_thing_publishes_under_its_own_name_only(fleet):
    thing, allow = fleet.thing(), fleet.policies.allow
    identity = holder(fleet, thing, allow("iot:Publish", "topic/d/${iot:Connection.Thing.ThingName}/*"))
    with fleet.connect(identity, thing) as device:
        assert may(device, f"d/{thing}/state") and not may(device, "d/another/state")
    with fleet.connect(identity, unique("another")) as device:
        assert not may(device, f"d/{thing}/state")


def test_a_name_that_is_no_thing_of_the_certificate_has_no_value(fleet):
    """The thing exists, and is attached to somebody else."""
    thing, allow = fleet.thing(), fleet.policies.allow
    identity = holder(fleet, None, allow("iot:Publish", "topic/d/${iot:Connection.Thing.ThingName}"))
    with fleet.connect(identity, thing) as device:
        assert not may(device, f"d/{thing}") and not may(device, "d/") and \
            not may(device, "d/${iot:Connection.Thing.ThingName}")


def test_an_exclusive_thing_is_carried_under_any_client_id(fleet):
    thing, allow = fleet.thing(), fleet.policies.allow
    identity = holder(fleet, thing, allow("iot:Publish", "topic/d/${iot:Connection.Thing.ThingName}"), exclusive=True)
    for client_id in (thing, f"{thing}#2", unique("any")):
        with fleet.connect(identity, client_id) as device:
            assert may(device, f"d/{thing}")


def test_only_attached_things_connect_where_a_policy_wants_it(fleet):
    thing = fleet.thing()
    identity = holder(fleet, thing, fleet.policies.allow(
        "iot:Connect", "client/*", condition={"Bool": {"iot:Connection.Thing.IsAttached": "true"}}), connect=False)
    fleet.connect(identity, thing).drop()
    assert not fleet.can_connect(identity, unique("another"))


def test_type_and_attributes_of_the_thing_are_variables(fleet):
    kind, allow = unique("kind"), fleet.policies.allow
    fleet.iot.create_thing_type(thingTypeName=kind)
    thing = fleet.thing(thingTypeName=kind, attributePayload={"attributes": {"site": "north"}})
    identity = holder(fleet, thing, allow(
        "iot:Publish", "topic/t/${iot:Connection.Thing.ThingTypeName}", "topic/s/${iot:Connection.Thing.Attributes[site]}",
        "topic/n/${iot:Connection.Thing.Attributes[none]}"))
    with fleet.connect(identity, thing) as device:
        assert may(device, f"t/{kind}") and may(device, "s/north")
        assert not may(device, "s/south") and not may(device, "n/") and not may(device, "n/x")


def test_a_thing_that_changes_changes_its_live_connections_rights(fleet):
    thing, allow = fleet.thing(attributePayload={"attributes": {"site": "north"}}), fleet.policies.allow
    identity = holder(fleet, None, allow("iot:Publish", "topic/d/${iot:Connection.Thing.ThingName}"))
    with fleet.connect(identity, thing) as device:
        assert not may(device, f"d/{thing}")
        fleet.iot.attach_thing_principal(thingName=thing, principal=identity.arn)
        eventually(lambda: may(device, f"d/{thing}"), CHANGE_S, "the attachment")
        fleet.iot.detach_thing_principal(thingName=thing, principal=identity.arn)
        eventually(lambda: not may(device, f"d/{thing}"), CHANGE_S, "the detachment")


# ---- groups ----

def group(fleet, parent=None, *statements):
    name = unique("group")
    made = fleet.iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    if statements:
        fleet.iot.attach_policy(policyName=fleet.policy(*statements), target=made["thingGroupArn"])
    return name


def test_policies_of_groups_and_their_ancestors_count(fleet):
    allow, thing = fleet.policies.allow, fleet.thing()
    root = group(fleet, None, allow("iot:Publish", "topic/root"))
    middle = group(fleet, root)
    leaf = group(fleet, middle, allow("iot:Publish", "topic/leaf"))
    group(fleet, root, allow("iot:Publish", "topic/sibling"))
    fleet.iot.add_thing_to_thing_group(thingGroupName=leaf, thingName=thing)
    identity = holder(fleet, thing)
    with fleet.connect(identity, thing) as device:
        assert may(device, "root") and may(device, "leaf") and not may(device, "sibling")
    with fleet.connect(identity, unique("another")) as device:
        assert not may(device, "root")


def test_a_deny_of_a_group_beats_the_certificates_allow(fleet):
    thing = fleet.thing()
    quarantine = group(fleet, None, fleet.policies.deny("iot:Publish", "topic/secret"))
    identity = holder(fleet, thing, ALLOW_ALL)
    with fleet.connect(identity, thing) as device:
        assert may(device, "secret")
        fleet.iot.add_thing_to_thing_group(thingGroupName=quarantine, thingName=thing)
        eventually(lambda: not may(device, "secret"), CHANGE_S, "quarantine")
        assert may(device, "open")


def test_a_policy_that_comes_to_a_group_counts_for_live_connections(fleet):
    thing, name = fleet.thing(), group(fleet)
    fleet.iot.add_thing_to_thing_group(thingGroupName=name, thingName=thing)
    arn = fleet.iot.describe_thing_group(thingGroupName=name)["thingGroupArn"]
    with fleet.connect(holder(fleet, thing), thing) as device:
        assert not may(device, "new")
        policy = fleet.policy(fleet.policies.allow("iot:Publish", "topic/new"))
        fleet.iot.attach_policy(policyName=policy, target=arn)
        eventually(lambda: may(device, "new"), CHANGE_S, "the policy")
        fleet.iot.detach_policy(policyName=policy, target=arn)
        eventually(lambda: not may(device, "new"), CHANGE_S, "its end")


# ---- live connections ----

@pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
def test_the_loss_of_iot_connect_ends_a_connection(fleet, version):
    identity = fleet.certificate()
    name = fleet.attach(identity, ALLOW_ALL)
    with fleet.connect(identity, version=version) as device:
        fleet.iot.detach_policy(policyName=name, target=identity.arn)
        assert device.closing_reason() == (NOT_AUTHORIZED if version == V5 else None)


def test_subscriptions_that_are_not_allowed_any_more_go_silently(fleet):
    allow, identity = fleet.policies.allow, fleet.certificate()
    fleet.attach(identity, allow("iot:Connect", "*"), allow(["iot:Publish", "iot:Receive"], "*"),
                 allow("iot:Subscribe", "topicfilter/kept"))
    name = fleet.attach(identity, allow("iot:Subscribe", "topicfilter/lost"), allow("iot:Publish", "topic/x"))
    with fleet.connect(identity) as device, fleet.connect(fleet.device()) as talker:
        assert device.subscribe("kept", "lost") == [1, 1]
        fleet.iot.detach_policy(policyName=name, target=identity.arn)
        eventually(lambda: device.subscribe("lost/probe", "lost")[1] == NOT_AUTHORIZED, CHANGE_S, "the loss")
        talker.publish("lost", b"")
        talker.publish("kept", b"")
        assert device.message().topic == "kept"


def test_a_sleeping_session_loses_what_was_forbidden_meanwhile(fleet):
    allow, identity, client_id = fleet.policies.allow, fleet.certificate(), unique("sleepy")
    fleet.attach(identity, allow("iot:Connect", "*"), allow("iot:Receive", "*"),
                 allow("iot:Subscribe", "topicfilter/kept"))
    name = fleet.attach(identity, allow("iot:Subscribe", "topicfilter/lost"))
    persistent = {"clean": False, "props": {"session_expiry": 600}}
    with fleet.connect(identity, client_id, **persistent) as device:
        assert device.subscribe("kept", "lost") == [1, 1]
        device.disconnect()
    fleet.iot.detach_policy(policyName=name, target=identity.arn)
    with fleet.connect(identity, client_id, **persistent) as device, fleet.connect(fleet.device()) as talker:
        assert device.connack.session_present
        talker.publish("lost", b"")
        talker.publish("kept", b"")
        assert device.message().topic == "kept"


# ---- client ids, resources, wildcards ----

def test_a_client_id_is_a_variable_whose_wildcards_have_no_meaning(fleet):
    allow = fleet.policies.allow
    identity = holder(fleet, None, allow("iot:Publish", "topic/c/${iot:ClientId}"),
                      allow("iot:Subscribe", "topicfilter/c/${iot:ClientId}"))
    with fleet.connect(identity, "c-7") as device:
        assert may(device, "c/c-7") and not may(device, "c/c-8")
    with fleet.connect(identity, "*") as device:
        assert not may(device, "c/c-7")
        assert device.subscribe("c/c-7", "c/#") == [NOT_AUTHORIZED] * 2


RESOURCES = {
    "topic/plant/*": (["plant/a", "plant/a/b", "plant/"], ["plant", "plants/a"]),
    "topic/a?c": (["abc", "a/c"], ["ac", "abbc"]),
    "topic/plant/+/temp": ([], ["plant/x/temp"]),
    "topic/Case": (["Case"], ["case"]),
    "topicfilter/*": ([], ["plant"]),
    "arn:aws:iot:*:*:topic/any": (["any"], ["other"]),
    "arn:aws:iot:eu-west-1:000000000001:topic/there": ([], ["there"]),
}


@pytest.mark.parametrize("resource,yes,no", [(r, *rest) for r, rest in RESOURCES.items()], ids=RESOURCES)
def test_a_resource_is_a_pattern(fleet, resource, yes, no):
    identity = holder(fleet, None, fleet.policies.allow("iot:Publish", resource))
    with fleet.connect(identity) as device:
        assert [t for t in yes + no if may(device, t)] == yes


def test_a_filter_is_allowed_as_a_text(fleet):
    identity = holder(fleet, None, fleet.policies.allow("iot:Subscribe", "topicfilter/plant/+/temp", "topicfilter/all/*"))
    with fleet.connect(identity) as device:
        assert device.subscribe("plant/+/temp", "plant/x/temp", "plant/#", "all/+/x", "all/#") == \
            [1, NOT_AUTHORIZED, NOT_AUTHORIZED, 1, 1]


ACTIONS = {"iot:Pub*": True, "IOT:publish": True, "*": True, "iot:Publis?": True, "iot:Subscribe": False, "s3:*": False}


@pytest.mark.parametrize("action,allowed", ACTIONS.items(), ids=ACTIONS)
def test_an_action_is_a_pattern_in_any_case(fleet, action, allowed):
    with fleet.connect(holder(fleet, None, fleet.policies.allow(action, "topic/x"))) as device:
        assert may(device, "x") == allowed


def test_not_action_and_not_resource(fleet):
    arn = fleet.arn("topic/secret/*")
    identity = holder(fleet, None, {"Effect": "Allow", "Action": "iot:Publish", "NotResource": arn})
    with fleet.connect(identity) as device:
        assert may(device, "open") and not may(device, "secret/a")
    identity = holder(fleet, None, {"Effect": "Allow", "NotAction": "iot:Publish", "Resource": "*"})
    with fleet.connect(identity) as device:
        assert device.subscribe("a") == [1] and not may(device, "a")


# ---- certificates and connections as variables ----

def test_the_certificates_subject_is_a_variable(fleet):
    allow = fleet.policies.allow
    identity = fleet.certificate((NameOID.COMMON_NAME, "lamp 7"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "first"),
                                 (NameOID.ORGANIZATIONAL_UNIT_NAME, "second"), (NameOID.SERIAL_NUMBER, "sn-7"),
                                 (NameOID.COUNTRY_NAME, "DE"))
    prefix = "topic/c/${iot:Certificate.Subject."
    fleet.attach(identity, allow("iot:Connect", "*"), allow(
        "iot:Publish", *(f"{prefix}{name}}}" for name in ("CommonName", "OrganizationalUnit.1", "SerialNumber", "Country",
                                                          "Title")), "topic/i/${iot:CertificateId}"))
    with fleet.connect(identity) as device:
        for topic in ("c/lamp 7", "c/second", "c/sn-7", "c/DE", f"i/{identity.id}"):
            assert may(device, topic), topic
        for topic in ("c/first", "c/", "c/lamp 8"):
            assert not may(device, topic), topic


@pytest.mark.parametrize("name", ["a+b", "a#", "a*", "a?", "a$b"])
def test_a_subject_with_a_wildcard_has_no_value(fleet, name):
    identity = fleet.certificate((NameOID.COMMON_NAME, name))
    fleet.attach(identity, fleet.policies.allow("iot:Connect", "*"),
                 fleet.policies.allow(["iot:Publish", "iot:Subscribe"], "topic/${iot:Certificate.Subject.CommonName}",
                                      "topicfilter/${iot:Certificate.Subject.CommonName}"))
    with fleet.connect(identity) as device:
        assert device.subscribe("a", "ab", "a/b") == [NOT_AUTHORIZED] * 3
        assert not may(device, "ab") and not may(device, name.replace("+", "").replace("#", ""))


CONDITIONS = {
    "source address": ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
    "another source address": ({"IpAddress": {"iot:SourceIp": "192.0.2.0/24"}}, False),
    "server name": ({"StringEquals": {"iot:DomainName": "localhost"}}, True),
    "TLS": ({"Bool": {"aws:SecureTransport": "true"}}, True),
    "in the past": ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    "in the future": ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    "client id": ({"StringLike": {"iot:ClientId": "cond-*"}}, True),
    "not attached": ({"Bool": {"iot:Connection.Thing.IsAttached": "false"}}, True),
}


@pytest.mark.parametrize("condition,allowed", CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_decides(fleet, condition, allowed):
    identity = holder(fleet, None, fleet.policies.allow("iot:Publish", "topic/x", condition=condition))
    with fleet.connect(identity, unique("cond"), version=V5) as device:
        assert may(device, "x") == allowed


def test_an_explicit_deny_wins_wherever_it_stands(fleet):
    identity = holder(fleet, None, ALLOW_ALL)
    fleet.attach(identity, fleet.policies.deny("iot:Publish", "topic/secret"))
    with fleet.connect(identity) as device:
        assert may(device, "open") and not may(device, "secret")


def test_a_log_line_says_which_policy_denied(fleet):
    """So many such lines a second are written at most, so it is denied until one is."""
    identity = holder(fleet, None, ALLOW_ALL)
    name = fleet.attach(identity, fleet.policies.deny("iot:Publish", "topic/why"))
    with fleet.connect(identity) as device:
        def is_told():
            assert not may(device, "why")
            return [line for line in fleet.server.log.splitlines() if "topic/why" in line and name in line]

        assert "iot:Publish" in eventually(is_told, what="the line")[0]
