"""Live connections follow their policies within two seconds (x509 4.14; broker 4.10; the table of decisions): attached
and detached on the certificate, on a group, on a group above it; another default version; members that come and go;
groups that go."""
import subprocess
import threading
import time

import paho.mqtt.client as paho
import pytest

from mqtt import V3, V5
from muster import clean_environment, eventually, unique
from test_iot_policies import may

LIMIT_S = 2

pytestmark = pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS")  # of paho itself


def soon(fact, what):
    eventually(fact, LIMIT_S, what)


class Family:
    """A device with its thing, in a leaf of three groups; the certificate alone may only connect."""

    def __init__(self, fleet):
        self.fleet, self.iot, self.policies = fleet, fleet.iot, fleet.policies
        self.thing, self.identity = fleet.thing(), fleet.certificate()
        fleet.attach(self.identity, self.policies.allow("iot:Connect", "*"))
        self.iot.attach_thing_principal(thingName=self.thing, principal=self.identity.arn)
        self.groups = [unique("root"), unique("middle"), unique("leaf")]
        for name, parent in zip(self.groups, [None, *self.groups]):
            self.iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
        self.iot.add_thing_to_thing_group(thingGroupName=self.groups[2], thingName=self.thing)

    def arn(self, group):
        return self.fleet.arn(f"thinggroup/{group}")

    def policy(self, *topics):
        return self.fleet.policy(self.policies.allow("iot:Publish", *(f"topic/{topic}" for topic in topics)))


@pytest.fixture
def family(fleet):
    return Family(fleet)


@pytest.fixture
def live(fleet, family):
    with fleet.connect(family.identity, family.thing) as client:
        assert not may(client, "a")
        yield client


def test_a_policy_of_the_certificate(family, live):
    policy = family.policy("a")
    for attach, detach, member in (
            (family.iot.attach_policy, family.iot.detach_policy, "target"),
            (family.iot.attach_principal_policy, family.iot.detach_principal_policy, "principal")):
        attach(policyName=policy, **{member: family.identity.arn})
        soon(lambda: may(live, "a"), "the attachment")
        assert not may(live, "b")
        detach(policyName=policy, **{member: family.identity.arn})
        soon(lambda: not may(live, "a"), "the detachment")


@pytest.mark.parametrize("level", [0, 1, 2], ids=["root", "parent", "own group"])
def test_a_policy_of_a_group_and_of_those_above(family, live, level):
    policy, target = family.policy("a"), family.arn(family.groups[level])
    family.iot.attach_policy(policyName=policy, target=target)
    soon(lambda: may(live, "a"), "the attachment")
    family.iot.detach_policy(policyName=policy, target=target)
    soon(lambda: not may(live, "a"), "the detachment")


def test_another_default_version(family, live):
    policy = family.policy("a")
    family.iot.attach_policy(policyName=policy, target=family.arn(family.groups[0]))
    soon(lambda: may(live, "a"), "the attachment")
    document = family.iot.get_policy(policyName=family.policy("b"))["policyDocument"]
    family.iot.create_policy_version(policyName=policy, policyDocument=document)
    assert may(live, "a")
    family.iot.set_default_policy_version(policyName=policy, policyVersionId="2")
    soon(lambda: not may(live, "a") and may(live, "b"), "the new default")
    family.iot.set_default_policy_version(policyName=policy, policyVersionId="1")
    soon(lambda: may(live, "a") and not may(live, "b"), "the old default")
    family.iot.create_policy_version(policyName=policy, policyDocument=document, setAsDefault=True)
    soon(lambda: not may(live, "a") and may(live, "b"), "a version made the default")


def test_a_thing_that_joins_leaves_and_moves(family, live):
    other = unique("other")
    family.iot.create_thing_group(thingGroupName=other)
    family.iot.attach_policy(policyName=family.policy("a"), target=family.arn(family.groups[0]))
    family.iot.attach_policy(policyName=family.policy("b"), target=family.arn(other))
    soon(lambda: may(live, "a"), "the attachment")
    family.iot.remove_thing_from_thing_group(thingGroupName=family.groups[2], thingName=family.thing)
    soon(lambda: not may(live, "a"), "the removal")
    family.iot.add_thing_to_thing_group(thingGroupName=family.groups[2], thingName=family.thing)
    soon(lambda: may(live, "a"), "the addition")
    family.iot.update_thing_groups_for_thing(thingName=family.thing, thingGroupsToAdd=[other],
                                             thingGroupsToRemove=[family.groups[2]])
    soon(lambda: may(live, "b") and not may(live, "a"), "the move")


def test_a_group_that_goes(family, live):
    for group, topic in ((family.groups[2], "a"), (family.groups[0], "b")):
        family.iot.attach_policy(policyName=family.policy(topic), target=family.arn(group))
    soon(lambda: may(live, "a") and may(live, "b"), "the attachments")
    family.iot.delete_thing_group(thingGroupName=family.groups[2])
    soon(lambda: not may(live, "a") and not may(live, "b"), "the deletion")
    live.ping()


@pytest.mark.parametrize("version", [V3, V5])
def test_who_may_not_be_connected_any_more_is_cut(fleet, family, version):
    """A deny of a group that the thing joins, and the last allow of iot:Connect that goes."""
    quarantine = unique("quarantine")
    family.iot.create_thing_group(thingGroupName=quarantine)
    family.iot.attach_policy(policyName=fleet.policy(family.policies.deny("iot:Connect", "*")),
                             target=family.arn(quarantine))
    with fleet.connect(family.identity, family.thing, version=version) as client:
        family.iot.add_thing_to_thing_group(thingGroupName=quarantine, thingName=family.thing)
        client.ending(LIMIT_S)
    family.iot.delete_thing_group(thingGroupName=quarantine)
    with fleet.connect(family.identity, family.thing, version=version) as client:
        for one in family.iot.list_attached_policies(target=family.identity.arn)["policies"]:
            family.iot.detach_policy(policyName=one["policyName"], target=family.identity.arn)
        client.ending(LIMIT_S)


def test_a_subscription_of_mosquitto_falls_silent_with_its_group(fleet, family):
    """mosquitto_sub hears until its group has lost iot:Subscribe and iot:Receive, and stays connected."""
    topic, sender = unique("news"), fleet.device()
    policy = fleet.policy(family.policies.allow("iot:Subscribe", f"topicfilter/{topic}"),
                          family.policies.allow("iot:Receive", f"topic/{topic}"))
    family.iot.attach_policy(policyName=policy, target=family.arn(family.groups[1]))
    heard = []
    process = subprocess.Popen(
        ["mosquitto_sub", "-h", fleet.server.host, "-p", str(fleet.server.mqtt_port), "--cafile", fleet.server.ca,
         "--cert", str(family.identity.certificate_file), "--key", str(family.identity.key_file), "-i", family.thing,
         "-t", topic, "-q", "1"],
        env=clean_environment(fleet.server.home), stdout=subprocess.PIPE, text=True)
    reader = threading.Thread(target=lambda: heard.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        with fleet.connect(sender) as other:
            def arrives():
                before = len(heard)
                other.publish(topic, b"x")
                end = time.monotonic() + 0.2
                while len(heard) == before and time.monotonic() < end:
                    other.wait_readable(0.02)
                return len(heard) > before

            eventually(arrives, what="the subscription")
            family.iot.detach_policy(policyName=policy, target=family.arn(family.groups[1]))
            soon(lambda: not arrives(), "silence")
            assert process.poll() is None
    finally:
        process.terminate()
        process.wait(10)
        reader.join(10)


def test_paho_is_cut_when_its_group_is_denied(fleet, family):
    gone = threading.Event()
    client = paho.Client(client_id=family.thing)
    client.tls_set(fleet.server.ca, str(family.identity.certificate_file), str(family.identity.key_file))
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.on_disconnect = lambda *_: gone.set()
    client.connect(fleet.server.host, fleet.server.mqtt_port)
    client.loop_start()
    try:
        assert connected.wait(10)
        family.iot.attach_policy(policyName=fleet.policy(family.policies.deny("iot:Connect", "*")),
                                 target=family.arn(family.groups[0]))
        assert gone.wait(LIMIT_S)
    finally:
        client.disconnect()
        client.loop_stop()
