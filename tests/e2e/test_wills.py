"""Last wills (broker 4.2 rows 7 and 8, 4.7, 4.9): retained ones, rights, order, and clients nobody here wrote."""
import subprocess

import paho.mqtt.client as paho
import pytest

import mqtt
from fleet import Fleet
from mqtt import V3, V5
from muster import clean_environment, eventually, refused, run, unique

pytestmark = pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS")  # of paho itself
VERSIONS = pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
NOT_AUTHORIZED, TAKEN_OVER = 0x87, 0x8E


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


@pytest.fixture(scope="module")
def data(server):
    return server.boto("iot-data")


@pytest.fixture
def topic():
    return f"w/{unique('x')}"


def retained(payload=b"offline", **more):
    return {"payload": payload, "qos": 1, "retain": True, **more}


# ---- retained wills ----

@VERSIONS
def test_a_retained_will_stays_for_who_comes_later(fleet, device, topic, version):
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        given = {"props": {"content_type": "text/plain", "user": [("k", "v")]}} if version == V5 else {}
        with fleet.connect(device, version=version, will={"topic": topic, **retained(**given)}) as mortal:
            assert mortal.publish(topic, b"online", retain=True) == 0
            assert listener.message().payload == b"online"
            mortal.drop()
        found = listener.message()
        assert (found.payload, found.retain) == (b"offline", False)
        with fleet.connect(device) as late:
            late.subscribe(topic)
            found = late.message()
            assert (found.payload, found.retain, found.qos) == (b"offline", True, 1)
            assert found.props == given.get("props", {})


def test_an_empty_retained_will_clears_the_topic(fleet, device, data, topic):
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        with fleet.connect(device, will={"topic": topic, **retained(b"")}) as mortal:
            mortal.publish(topic, b"here", retain=True)
            assert listener.message().payload == b"here"
            mortal.drop()
        assert listener.message().payload == b""
    with refused("ResourceNotFoundException", 404, of=data):
        data.get_retained_message(topic=topic)


def test_a_good_end_keeps_what_was_retained(fleet, device, data, topic):
    with fleet.connect(device, will={"topic": topic, **retained()}) as mortal:
        mortal.publish(topic, b"online", retain=True)
        mortal.disconnect()
    assert data.get_retained_message(topic=topic)["payload"] == b"online"


def test_what_was_sent_before_the_end_comes_before_the_will(make_server):
    """The store is slow: the will waits behind the client's last messages, as all that it publishes does."""
    fleet = Fleet(make_server())
    device, topic = fleet.device(), unique("t")
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        with fleet.connect(device, will={"topic": topic, **retained()}) as mortal:
            fleet.server.admin("stall 700")
            mortal.send(mqtt.publish(topic, b"1", V5, qos=1, number=1, retain=True),
                        mqtt.publish(topic, b"2", V5, qos=1, number=2), mqtt.disconnect(V5, 0x04))
            mortal.ending()
        assert [listener.message().payload for _ in range(3)] == [b"1", b"2", b"offline"]


# ---- rights ----

def test_a_retained_will_needs_the_right_to_retain(fleet, topic):
    allow = fleet.policies.allow
    identity = fleet.device(allow("iot:Connect", "*"), allow("iot:Publish", "topic/w/*"),
                            allow("iot:RetainPublish", f"topic/{topic}"))
    for version, refusal in ((V5, NOT_AUTHORIZED), (V3, None)):
        with fleet.connect(identity, version=version, will={"topic": topic, **retained()}) as client:
            client.disconnect()
        with fleet.connect(identity, version=version, will={"topic": topic + "/x", "payload": b"x"}) as client:
            client.disconnect()
        with fleet.open(identity, version=version) as client:
            client.send(mqtt.connect(unique("c"), version, will={"topic": topic + "/x", **retained()}))
            answers = [p.reason for p in client.ending() if p.kind == mqtt.CONNACK]
            assert answers == ([refusal] if refusal else [])  # version 3: closed without CONNACK


def test_a_right_that_is_lost_takes_the_will_along(fleet, device, topic):
    """Authorization is checked again when the will is sent (4.7)."""
    allow = fleet.policies.allow
    identity = fleet.certificate()
    fleet.attach(identity, allow("iot:Connect", "*"))
    name = fleet.attach(identity, allow("iot:Publish", f"topic/{topic}", "topic/probe"))
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        client_id = unique("mortal")
        with fleet.connect(identity, client_id, will={"topic": topic, "payload": b"gone", "qos": 1}) as mortal:
            fleet.iot.detach_policy(policyName=name, target=identity.arn)
            eventually(lambda: mortal.publish("probe", b"") == NOT_AUTHORIZED)
            with fleet.connect(device, client_id) as talker:  # its takeover ended the other one
                talker.publish(topic, b"marker")
        assert listener.message().payload == b"marker"


# ---- takeover ----

@VERSIONS
@pytest.mark.parametrize("retain", [False, True], ids=["plain", "retained"])
def test_broker_7_a_takeover_publishes_the_first_ones_will(fleet, device, topic, version, retain):
    client_id = unique("twin")
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        will = {"topic": topic, "payload": b"gone", "qos": 1, "retain": retain}
        with fleet.connect(device, client_id, version=version, will=will) as first:
            with fleet.connect(device, client_id) as second:
                assert first.closing_reason() == (TAKEN_OVER if version == V5 else None)
                assert listener.message().payload == b"gone"
                second.ping()


def test_a_delayed_will_is_taken_back_by_who_returns_and_sent_when_the_session_ends(fleet, device, topic):
    will = {"topic": topic, "payload": b"gone", "qos": 1, "props": {"will_delay": 30}}
    client_id = unique("sleeper")
    with fleet.connect(device) as listener, fleet.connect(device) as talker:
        listener.subscribe(topic)
        with fleet.connect(device, client_id, clean=False, props={"session_expiry": 600}, will=will) as mortal:
            mortal.drop()
        with fleet.connect(device, client_id, clean=False, props={"session_expiry": 600}, will=will) as back:
            assert back.connack.session_present
            talker.publish(topic, b"marker")
            assert listener.message().payload == b"marker"  # nothing came before it
            back.drop()
        with fleet.connect(device, client_id, clean=True):
            assert listener.message().payload == b"gone"  # a clean start ended the session


# ---- clients nobody here wrote ----

@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto_killed_leaves_its_retained_will(fleet, device, data, topic, version):
    server = fleet.server
    common = ["-h", server.host, "-p", str(server.mqtt_port), "--cafile", server.ca, "--cert",
              str(device.certificate_file), "--key", str(device.key_file), "-V", version]
    client = subprocess.Popen(["mosquitto_sub", *common, "-i", unique("m"), "-t", f"{topic}/ready", "--will-topic", topic,
                               "--will-payload", "offline", "--will-qos", "1", "--will-retain"],
                              env=clean_environment("/nonexistent"), stdout=subprocess.PIPE)
    try:
        with fleet.connect(device) as talker:
            talker.publish(f"{topic}/ready", b"go", retain=True)
        assert client.stdout.readline() == b"go\n"  # it is connected
    finally:
        client.kill()
        client.wait(20)
        client.stdout.close()
    seen = run("mosquitto_sub", *common, "-i", unique("m"), "-t", topic, "-C", "1", "-W", "10", "-F", "%p %r")
    assert seen.stdout.startswith("offline"), seen
    assert eventually(lambda: data.get_retained_message(topic=topic))["payload"] == b"offline"


@pytest.mark.parametrize("protocol", [paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])
def test_paho_leaves_its_retained_will(fleet, device, data, topic, protocol):
    server = fleet.server
    client = paho.Client(unique("paho"), protocol=protocol)
    client.tls_set(server.ca, str(device.certificate_file), str(device.key_file))
    client.will_set(topic, b"offline", qos=1, retain=True)
    connected = []
    client.on_connect = lambda *_: connected.append(True)
    client.connect(server.host, server.mqtt_port)
    client.loop_start()
    try:
        eventually(lambda: connected)
        client.publish(topic, b"online", qos=1, retain=True).wait_for_publish(20)
        assert data.get_retained_message(topic=topic)["payload"] == b"online"
    finally:
        client.loop_stop()
    client.socket().close()
    eventually(lambda: data.get_retained_message(topic=topic)["payload"] == b"offline")
