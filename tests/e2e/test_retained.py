"""Retained messages (broker 4.5, 4.7, 5): kept before they are acknowledged, given to who subscribes, gone when empty."""
import base64
import concurrent.futures
import itertools
import threading
import time

import pytest

import mqtt
from fleet import Fleet
from mqtt import V3, V5
from muster import PATIENCE_S, eventually, refused, run, unique

VERSIONS = pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
NEVER, IF_NEW, AS_PUBLISHED, NO_LOCAL = 0x20, 0x10, 0x08, 0x04
FULL = {"payload_format": 1, "content_type": "application/json", "response_topic": "a/b",
        "correlation_data": b"\x00\xff", "user": [("k", "v"), ("k", "w"), ("", "")]}


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


@pytest.fixture(scope="module")
def data(server):
    return server.boto("iot-data")


@pytest.fixture
def topic():
    return f"r/{unique('x')}"


def keep(fleet, device, topic, payload=b"kept", version=V5, **options):
    with fleet.connect(device, version=version) as talker:
        assert talker.publish(topic, payload, retain=True, **options) == 0


# ---- broker 20 ----

@VERSIONS
@pytest.mark.parametrize("written", [V3, V5], ids=["by 3.1.1", "by 5"])
def test_broker_20_who_subscribes_exactly_gets_it_with_the_flag(fleet, device, topic, version, written):
    keep(fleet, device, topic, version=written)
    with fleet.connect(device, version=version) as client:
        assert client.subscribe(topic) == [1]
        found = client.message()
        assert (found.topic, found.payload, found.qos, found.retain, found.dup) == (topic, b"kept", 1, True, False)
        assert client.has_nothing_more()


@VERSIONS
@pytest.mark.parametrize("filter_", ["r/+", "#", "r/#", "+/+"])
def test_broker_20_a_wildcard_gets_none(fleet, device, topic, version, filter_):
    keep(fleet, device, topic)
    with fleet.connect(device, version=version) as client:
        client.subscribe(filter_)
        client.subscribe(topic + "/other")
        assert client.has_nothing_more()


@VERSIONS
@pytest.mark.parametrize("qos", [0, 1])
def test_broker_20_an_empty_one_deletes_and_is_sent_on(fleet, device, data, topic, version, qos):
    keep(fleet, device, topic)
    with fleet.connect(device, version=version) as listener, fleet.connect(device, version=version) as talker:
        listener.subscribe(topic)
        assert listener.message().payload == b"kept"
        talker.publish(topic, b"", qos=qos, retain=True)
        gone = listener.message()
        assert (gone.payload, gone.retain) == (b"", False)
        with refused("ResourceNotFoundException", 404, of=data):
            data.get_retained_message(topic=topic)
        with fleet.connect(device) as late:
            late.subscribe(topic)
            assert late.has_nothing_more()


def test_broker_20_the_api_agrees(fleet, device, data):
    prefix = unique("api")
    topics = [f"{prefix}/{i}" for i in range(5)]
    for i, one in enumerate(topics):
        keep(fleet, device, one, b"x" * i + b"\x00", props={"user": [("site", "B2"), ("site", "B3")]} if i else {})
    before = data.get_retained_message(topic=topics[0])
    assert (before["topic"], before["payload"], before["qos"]) == (topics[0], b"\x00", 1)
    assert abs(before["lastModifiedTime"] / 1000 - time.time()) < 60
    raw = [fleet.server.call("GET", f"/retainedMessage/{one}", service="iotdata").json for one in topics[:2]]
    assert "userProperties" not in raw[0]  # this boto3 does not know them yet
    assert base64.b64decode(raw[1]["userProperties"]) == b'[{"site":"B2"},{"site":"B3"}]'
    listed, token = [], None
    while True:
        page = data.list_retained_messages(maxResults=2, **({"nextToken": token} if token else {}))
        assert len(page["retainedTopics"]) <= 2
        listed += page["retainedTopics"]
        token = page.get("nextToken")
        if token is None:
            break
    mine = [one for one in listed if one["topic"].startswith(prefix)]
    assert [(one["topic"], one["payloadSize"], one["qos"]) for one in mine] == [
        (one, i + 1, 1) for i, one in enumerate(topics)]
    assert mine[0]["lastModifiedTime"] == before["lastModifiedTime"]
    keep(fleet, device, topics[0], b"newer")
    assert data.get_retained_message(topic=topics[0])["lastModifiedTime"] > before["lastModifiedTime"]


# ---- what comes with it ----

def test_properties_are_kept_for_version_5_and_left_out_for_version_3(fleet, device, topic):
    keep(fleet, device, topic, props=FULL)
    with fleet.connect(device) as new, fleet.connect(device, version=V3) as old:
        new.subscribe(topic)
        assert new.message().props == FULL
        old.subscribe(topic)
        assert old.message().payload == b"kept"


def test_the_largest_message_is_kept(fleet, device, topic):
    payload = bytes(range(256)) * 512
    keep(fleet, device, topic, payload, props={"user": [("", "")] * 1500, "correlation_data": bytes(8192)})
    with fleet.connect(device) as client:
        client.subscribe(topic)
        found = client.message()
        assert found.payload == payload and len(found.props["user"]) == 1500


@pytest.mark.parametrize("sent,granted", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_it_arrives_at_the_lower_of_both_qualities(fleet, device, topic, sent, granted):
    with fleet.connect(device) as talker:
        talker.publish(topic, b"kept", qos=sent, retain=True)
        talker.publish(topic, b"after", qos=1)
    with fleet.connect(device) as client:
        client.subscribe(topic, qos=granted)
        found = client.message()
        assert (found.payload, found.qos) == (b"kept", min(sent, granted))


def test_live_messages_carry_the_flag_only_as_wished(fleet, device, topic):
    with fleet.connect(device) as plain, fleet.connect(device) as wishing, fleet.connect(device) as talker:
        plain.subscribe(topic)
        wishing.subscribe((topic, 1 | AS_PUBLISHED))
        talker.publish(topic, b"x", retain=True)
        assert not plain.message().retain and wishing.message().retain


def test_retain_handling_says_who_gets_it(fleet, device, topic):
    keep(fleet, device, topic)
    with fleet.connect(device) as client:
        client.subscribe((topic, 1 | NEVER))
        assert client.has_nothing_more()
        client.subscribe((topic, 1 | IF_NEW))
        assert client.has_nothing_more()
        client.subscribe((topic, 1))
        assert client.message().retain
        client.unsubscribe(topic)
        client.subscribe((topic, 1 | IF_NEW))
        assert client.message().retain


def test_one_subscribe_brings_all_that_it_names(fleet, device):
    topics = [f"many/{unique('x')}" for _ in range(8)]
    for one in topics[:6]:
        keep(fleet, device, one, one.encode())
    with fleet.connect(device) as client:
        client.subscribe(*topics)
        assert {client.message().payload.decode() for _ in range(6)} == set(topics[:6])
        assert client.has_nothing_more()


# ---- time ----

def test_broker_23_the_expiry_counts_down_in_the_store(make_server):
    fleet = Fleet(make_server())
    device, topic = fleet.device(), unique("t")
    keep(fleet, device, topic, props={"message_expiry": 300})
    keep(fleet, device, topic + "/kept")
    fleet.server.admin("clock +100")
    with fleet.connect(device) as client:
        client.subscribe(topic)
        assert 190 <= client.message().props["message_expiry"] <= 200
    fleet.server.admin("clock +200")
    with fleet.connect(device) as client:
        client.subscribe(topic)
        assert client.has_nothing_more()
    at = fleet.server.now()
    answer = fleet.server.ask("GET", f"/retainedMessage/{topic}", b"",
                              fleet.server.sign("GET", f"/retainedMessage/{topic}", service="iotdata", at=at))
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException")


# ---- rights ----

@pytest.fixture(scope="module")
def narrow(fleet):
    """May do everything on n/#, but retain below n/ok only and not receive n/deaf."""
    allow = fleet.policies.allow
    return fleet.device(allow("iot:Connect", "*"), allow(["iot:Publish"], "topic/n/*"),
                        allow("iot:RetainPublish", "topic/n/ok/*"), allow("iot:Receive", "topic/n/ok/*"),
                        allow("iot:Subscribe", "topicfilter/n/*"))


def test_broker_11_retaining_is_a_right_of_its_own(fleet, narrow, data):
    topic = f"n/{unique('x')}"
    with fleet.connect(narrow) as client:
        assert client.publish(topic, b"plain") == 0
        assert client.publish(topic, b"retained", retain=True) == 0x87
        assert client.publish(f"n/ok/{topic}", b"retained", retain=True) == 0
        client.send(mqtt.publish(topic, b"x", V5, retain=True))
        assert client.closing_reason() == 0x87
    with fleet.connect(narrow, version=V3) as client:
        client.send(mqtt.publish(topic, b"x", V3, qos=1, number=1, retain=True))
        assert client.is_closed_silently()
    with refused("ResourceNotFoundException", 404, of=data):
        data.get_retained_message(topic=topic)


def test_broker_11_who_may_not_receive_gets_none(fleet, device, narrow):
    hidden, shown = f"n/{unique('x')}", f"n/ok/{unique('x')}"
    keep(fleet, device, hidden)
    keep(fleet, device, shown)
    with fleet.connect(narrow) as client:
        assert client.subscribe(hidden, shown) == [1, 1]
        assert client.message().topic == shown
        assert client.has_nothing_more()


# ---- order, and the store ----

@VERSIONS
def test_nothing_is_acknowledged_before_it_is_kept_and_order_stays(make_server, version):
    fleet = Fleet(make_server())
    device, topic = fleet.device(), unique("t")
    with fleet.connect(device, version=version) as talker, fleet.connect(device) as listener:
        listener.subscribe(topic)
        fleet.server.admin("stall 1500")
        for number, (payload, retain) in enumerate([(b"1", True), (b"2", False), (b"3", True), (b"4", False)], 1):
            talker.send(mqtt.publish(topic, payload, version, qos=1, number=number, retain=retain))
        talker.ping()
        listener.ping()
        assert not talker.inbox and not listener.inbox, "a message overtook the store"
        assert [talker.expect(mqtt.PUBACK).number for _ in range(4)] == [1, 2, 3, 4]
        assert [listener.message().payload for _ in range(4)] == [b"1", b"2", b"3", b"4"]


def test_a_message_of_quality_0_is_kept_though_its_sender_left(make_server):
    fleet = Fleet(make_server())
    device, topic = fleet.device(), unique("t")
    with fleet.connect(device, version=V3) as talker:
        fleet.server.admin("stall 500")
        talker.send(mqtt.publish(topic, b"last word", V3, retain=True), mqtt.disconnect(V3))
        talker.ending()
    data = fleet.server.boto("iot-data")
    eventually(lambda: any(one["topic"] == topic for one in data.list_retained_messages()["retainedTopics"]))
    fleet.server.restart()
    with fleet.connect(device) as client:
        client.subscribe(topic)
        assert client.message().payload == b"last word"


def test_broker_22_the_101st_message_without_its_puback_is_one_too_many(make_server):
    fleet = Fleet(make_server())
    device, topic = fleet.device(), unique("t")
    with fleet.connect(device) as talker:
        fleet.server.admin("stall 3000")
        talker.send(*(mqtt.publish(topic, b"x", V5, qos=1, number=n, retain=True) for n in range(1, 102)))
        assert talker.closing_reason() == 0x93
    with fleet.connect(device, version=V3) as talker:
        fleet.server.admin("stall 500")
        talker.send(*(mqtt.publish(topic, b"x", V3, qos=1, number=n, retain=True) for n in range(1, 302)))
        assert [talker.expect(mqtt.PUBACK).number for _ in range(301)] == list(range(1, 302))


def test_who_subscribes_while_it_is_written_misses_nothing(fleet, device):
    """Each round a subscriber comes while a new value is written: what it holds in the end is the newest one."""
    topic, rounds = unique("race"), 40
    with fleet.connect(device) as talker:
        for number in range(rounds):
            with fleet.connect(device) as client:
                client.send(mqtt.subscribe(1, [(topic, 1)], V5))
                talker.publish(topic, str(number).encode(), retain=True)
                client.expect(mqtt.SUBACK)
                client.ping()
                seen = [int(p.payload) for p in client.inbox if p.kind == mqtt.PUBLISH]
                while not seen or seen[-1] != number:
                    seen.append(int(client.message().payload))
                assert seen == sorted(seen), "an older value came after a newer one"


def test_many_subscribe_at_once_and_all_are_told(fleet, device):
    topics = [f"crowd/{unique('x')}" for _ in range(8)]
    for one in topics:
        keep(fleet, device, one, bytes(60000))
    failures = []

    def visit():
        try:
            with fleet.connect(device) as client:
                for filters in (topics[:4], topics[4:], topics[:4]):
                    client.send(mqtt.subscribe(client.number(), [(one, 0) for one in filters], V5))
                assert sum(len(client.message().payload) for _ in range(12)) == 12 * 60000
        except Exception as e:  # told below, in the test's own thread
            failures.append(e)

    crowd = [threading.Thread(target=visit) for _ in range(20)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(PATIENCE_S * 2)
    assert not failures


# ---- clients nobody here wrote ----

def test_mosquitto_keeps_and_clears(fleet, device, topic):
    def tool(name, *arguments):
        return run(name, "-h", fleet.server.host, "-p", fleet.server.mqtt_port, "--cafile", fleet.server.ca, "--cert",
                   device.certificate_file, "--key", device.key_file, "-t", topic, *arguments)
    assert tool("mosquitto_pub", "-i", unique("m"), "-V", "mqttv5", "-q", "1", "-r", "-m", "on", "-D", "publish",
                "user-property", "k", "v").returncode == 0
    seen = tool("mosquitto_sub", "-i", unique("m"), "-V", "mqttv5", "-C", "1", "-W", "10", "-F", "%r %p %P")
    assert seen.stdout.strip() == "1 on k:v", seen
    assert tool("mosquitto_pub", "-i", unique("m"), "-q", "1", "-r", "-n").returncode == 0
    nothing = tool("mosquitto_sub", "-i", unique("m"), "-C", "1", "-W", "1")
    assert nothing.stdout == ""


# ---- kill -9 ----

class Talker:
    """Writes, and at each third turn deletes, the one message of its topic, until the server is gone."""

    def __init__(self, number):
        self.topic, self.kept, self.sent = f"k/{number}", None, None

    def talk(self, fleet, device, tell):
        try:
            with fleet.connect(device) as client:
                for turn in range(1, 100000):
                    self.sent = b"" if turn % 3 == 0 else b"%d" % turn
                    assert client.publish(self.topic, self.sent, retain=True) == 0
                    self.kept = self.sent
                    tell()
        except (mqtt.Closed, OSError):
            pass


def test_what_was_acknowledged_survives_kill_9_and_what_was_deleted_stays_away(make_server):
    fleet = Fleet(make_server())
    device, acknowledged, enough = fleet.device(), itertools.count(1), threading.Event()
    talkers = [Talker(number) for number in range(6)]

    def tell():
        if next(acknowledged) >= 200:
            enough.set()

    with concurrent.futures.ThreadPoolExecutor(len(talkers)) as pool:
        running = [pool.submit(one.talk, fleet, device, tell) for one in talkers]
        assert enough.wait(PATIENCE_S)
        fleet.server.kill()
        for one in running:
            one.result()
    fleet.server.start()
    data = fleet.server.boto("iot-data")
    kept = {one["topic"]: data.get_retained_message(topic=one["topic"])["payload"]
            for one in data.list_retained_messages()["retainedTopics"]}
    for one in talkers:
        assert kept.get(one.topic, b"") in (one.kept, one.sent), "acknowledged, but not what is kept"
