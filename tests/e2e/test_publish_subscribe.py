"""Messages between clients (broker 4.3, 4.5 to 4.7): who gets what, and what each violation costs."""
import time

import pytest

import mqtt
from fleet import ALLOW_ALL
from mqtt import V3, V5
from muster import eventually, unique

VERSIONS = pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
PAIRS = pytest.mark.parametrize("from_,to", [(V3, V3), (V3, V5), (V5, V3), (V5, V5)],
                                ids=["3 to 3", "3 to 5", "5 to 3", "5 to 5"])
NOT_AUTHORIZED, MALFORMED, PROTOCOL_ERROR = 0x87, 0x81, 0x82


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


@pytest.fixture
def topic():
    return f"t/{unique('x')}"


# ---- from one to the other ----

@PAIRS
@pytest.mark.parametrize("sent", [0, 1])
@pytest.mark.parametrize("granted", [0, 1])
def test_a_message_arrives_at_the_lower_of_both_qualities(fleet, device, topic, from_, to, sent, granted):
    with fleet.connect(device, version=to) as listener, fleet.connect(device, version=from_) as talker:
        assert listener.subscribe(topic, qos=granted) == [granted]
        talker.publish(topic, b"\x00payload\xff", qos=sent)
        found = listener.message()
        assert (found.topic, found.payload, found.qos) == (topic, b"\x00payload\xff", min(sent, granted))
        assert not found.retain and not found.dup and found.props == {}


def test_properties_travel_to_version_5_and_not_to_version_3(fleet, device, topic):
    given = {"payload_format": 1, "content_type": "application/json", "response_topic": "a/b",
             "correlation_data": b"\x00\x01", "user": [("k", "v"), ("k", "w"), ("", "")]}
    with fleet.connect(device) as new, fleet.connect(device, version=V3) as old, fleet.connect(device) as talker:
        new.subscribe(topic)
        old.subscribe(topic)
        talker.publish(topic, b"{}", props=given | {"message_expiry": 100, "topic_alias": 1})
        found = new.message()
        assert 99 <= found.props.pop("message_expiry") <= 100 and found.props == given
        assert old.message().payload == b"{}"


@VERSIONS
def test_the_largest_payload_arrives(fleet, device, topic, version):
    with fleet.connect(device, version=version) as client:
        client.subscribe(topic)
        client.publish(topic, bytes(range(256)) * 512)
        assert client.message().payload == bytes(range(256)) * 512


def test_a_message_larger_than_its_receiver_takes_is_skipped(fleet, device, topic):
    with fleet.connect(device, props={"maximum_packet_size": 600}) as small, fleet.connect(device) as talker:
        small.subscribe(topic)
        talker.publish(topic, bytes(1000))
        talker.publish(topic, b"small enough")
        assert small.message().payload == b"small enough"


def test_messages_of_one_publisher_keep_their_order(fleet, device, topic):
    with fleet.connect(device) as listener, fleet.connect(device) as talker:
        listener.subscribe(f"{topic}/#")
        for number in range(200):
            talker.send(mqtt.publish(f"{topic}/{number % 3}", str(number), V5, qos=number % 2, number=number % 2))
        assert [int(listener.message().payload) for _ in range(200)] == list(range(200))


@VERSIONS
def test_overlapping_filters_deliver_once_at_the_highest_quality(fleet, device, topic, version):
    with fleet.connect(device, version=version) as client:
        client.subscribe((f"{topic}/#", 0), (f"{topic}/+", 1), (f"{topic}/a", 0))
        client.publish(f"{topic}/a", b"")
        assert client.message().qos == 1
        assert client.has_nothing_more()


def test_no_local_keeps_a_clients_own_messages_from_it(fleet, device, topic):
    with fleet.connect(device) as client, fleet.connect(device) as other:
        client.subscribe((topic, 1 | 0x04))
        client.publish(topic, b"mine")
        other.publish(topic, b"not mine")
        assert client.message().payload == b"not mine"


FILTERS = {
    "a/#": (["a/", "a/b", "a/b/c"], ["a", "ab"]), "a/+": (["a/", "a/b"], ["a", "a/b/c"]),
    "+/b": (["a/b", "/b"], ["b", "a/b/c"]), "#": (["a", "/", "a/b"], []), "+": (["a"], ["a/", "/a"]),
    "a//b": (["a//b"], ["a/b"]), "A": (["A"], ["a"]), "/": (["/"], ["a"]), "+/+": (["/", "a/b"], ["a"]),
}


@pytest.mark.parametrize("filter_,match,miss", [(f, *rest) for f, rest in FILTERS.items()], ids=FILTERS)
def test_a_filter_matches_by_levels(fleet, device, filter_, match, miss):
    """Messages come in order, so what matches not was not delivered when the next one is there."""
    root = unique("root")
    below = f"{root}/{filter_}"
    with fleet.connect(device) as client:
        client.subscribe(below)
        for name in miss + match:
            client.publish(f"{root}/{name}", name)
        assert [client.message().payload.decode() for _ in match] == match
        assert client.has_nothing_more()


@pytest.mark.parametrize("filter_", ["#", "+/#", "+/certificates/create/json"])
def test_wildcards_at_the_front_do_not_see_reserved_topics(fleet, device, filter_):
    with fleet.connect(device) as client:
        client.subscribe(filter_, "$aws/certificates/create/json/accepted", qos=0)
        client.publish("$aws/certificates/create/json", b"{}")
        assert client.message().topic == "$aws/certificates/create/json/accepted"
        assert client.has_nothing_more()


def test_unsubscribing_ends_it(fleet, device, topic):
    with fleet.connect(device) as client:
        client.subscribe(topic, f"{topic}/marker")
        assert client.unsubscribe(topic, "never/subscribed") == [0x00, 0x11]
        client.publish(topic, b"")
        client.publish(f"{topic}/marker", b"")
        assert client.message().topic == f"{topic}/marker"
    with fleet.connect(device, version=V3) as client:
        client.subscribe(topic)
        assert client.unsubscribe(topic, "never/subscribed") == []


def test_subscribing_again_replaces(fleet, device, topic):
    with fleet.connect(device) as client:
        client.subscribe(topic, qos=1)
        client.subscribe(topic, qos=0)
        client.publish(topic, b"")
        assert client.message().qos == 0 and client.has_nothing_more()


# ---- topic aliases ----

def test_an_alias_stands_for_its_topic(fleet, device, topic):
    with fleet.connect(device) as listener, fleet.connect(device) as talker:
        listener.subscribe(f"{topic}/#")
        for alias in (1, 8):
            talker.publish(f"{topic}/{alias}", b"named", props={"topic_alias": alias})
        talker.publish("", b"by alias", props={"topic_alias": 1})
        talker.publish("", b"by alias", props={"topic_alias": 8}, qos=0)
        talker.publish(f"{topic}/new", b"renamed", props={"topic_alias": 1})
        talker.publish("", b"by alias", props={"topic_alias": 1})
        found = [listener.message() for _ in range(6)]
        assert [p.topic.removeprefix(f"{topic}/") for p in found] == ["1", "8", "1", "8", "new", "new"]
        assert all(p.props == {} for p in found)


@pytest.mark.parametrize("topic_,alias,reason", [("a", 9, 0x94), ("a", 0, 0x94), ("", 5, PROTOCOL_ERROR)],
                         ids=["9", "0", "unknown"])
def test_an_alias_that_cannot_be_ends_the_connection(fleet, device, topic_, alias, reason):
    with fleet.connect(device) as client:
        client.send(mqtt.publish(topic_, b"", V5, qos=1, number=1, props={"topic_alias": alias}))
        assert client.closing_reason() == reason


# ---- what a publish may not be ----

BAD = {
    "a wildcard": ({"topic": "a/+"}, 0x90), "a hash": ({"topic": "a/#"}, 0x90),
    "257 bytes": ({"topic": "x" * 257}, 0x90), "8 slashes": ({"topic": "1/2/3/4/5/6/7/8/9"}, 0x90),
    "$ of nobody": ({"topic": "$foo"}, 0x90), "$SYS": ({"topic": "$SYS/x"}, 0x90),
    "a forged answer": ({"topic": "$aws/certificates/create/json/accepted"}, 0x90),
    "a forged registration": ({"topic": "$aws/provisioning-templates/t/provision/cbor/rejected"}, 0x90),
    "a forged event": ({"topic": "$aws/events/presence/connected/x"}, 0x90),
    "a forged shadow": ({"topic": "$aws/things/x/shadow/update/accepted"}, 0x90),
    "an operation of nobody": ({"topic": "$aws/certificates/delete/json"}, 0x90),
    "a shared topic": ({"topic": "$share/g/a"}, 0x90),
    "retained on a reserved topic": ({"topic": "$aws/certificates/create/json", "retain": True}, 0x90),
}
BAD_5 = {
    "a response topic with a wildcard": ({"topic": "a", "props": {"response_topic": "a/#"}}, 0x90),
    "content type of 257": ({"topic": "a", "props": {"content_type": "x" * 257}}, 0x97),
    "correlation data of 8 KiB + 1": ({"topic": "a", "props": {"correlation_data": bytes(8193)}}, 0x97),
    "user properties of 8 KiB + 1": ({"topic": "a", "props": {"user": [("k", "v" * 8192)]}}, 0x97),
}


@pytest.mark.parametrize("publish,reason", (BAD | BAD_5).values(), ids=BAD | BAD_5)
def test_a_bad_publish_costs_version_5_its_acknowledgement_or_the_connection(fleet, device, publish, reason):
    with fleet.connect(device) as client:
        client.send(mqtt.publish(version=V5, qos=1, number=1, **publish))
        acknowledged = client.expect(mqtt.PUBACK)
        assert acknowledged.reason == reason and acknowledged.props["reason_string"]
        client.send(mqtt.publish(version=V5, qos=0, **publish))
        assert client.closing_reason() == reason


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("publish", [p for p, _ in BAD.values()], ids=BAD)
def test_a_bad_publish_costs_version_3_the_connection(fleet, device, publish, qos):
    with fleet.connect(device, version=V3) as client:
        client.send(mqtt.publish(version=V3, qos=qos, number=1, **publish))
        assert client.is_closed_silently()


@pytest.mark.parametrize("topic_", ["1/2/3/4/5/6/7/8", "x" * 256, "//", "p\u00fcmp", " "])
def test_the_largest_and_oddest_topics_are_good(fleet, device, topic_):
    with fleet.connect(device) as client:
        client.subscribe(topic_)
        assert client.publish(topic_, b"") == 0
        assert client.message().topic == topic_


@VERSIONS
def test_a_payload_beyond_128_kib_ends_the_connection(fleet, device, topic, version):
    with fleet.connect(device, version=version) as client:
        client.send(mqtt.publish(topic, bytes(131073), version, qos=1, number=1))
        assert client.closing_reason() == (0x97 if version == V5 else None)


@VERSIONS
def test_qos_2_is_not_offered(fleet, device, topic, version):
    with fleet.connect(device, version=version) as client:
        assert client.subscribe(topic, qos=2) == [1]
        client.send(mqtt.publish(topic, b"", version, qos=2, number=1))
        assert client.closing_reason() == (0x9B if version == V5 else None)


# ---- rights ----

@pytest.fixture(scope="module")
def narrow(fleet):
    """May connect; publish, subscribe and receive below ok/."""
    allow = fleet.policies.allow
    return fleet.device(allow("iot:Connect", "*"), allow(["iot:Publish", "iot:Receive"], "topic/ok/*"),
                        allow("iot:Subscribe", "topicfilter/ok/*"))


def test_a_forbidden_publish_costs_version_5_its_acknowledgement_or_the_connection(fleet, narrow):
    with fleet.connect(narrow) as client:
        assert client.publish("not/ok", b"") == NOT_AUTHORIZED
        assert client.publish("ok/x", b"") == 0
        client.send(mqtt.publish("not/ok", b"", V5))
        assert client.closing_reason() == NOT_AUTHORIZED


@pytest.mark.parametrize("qos", [0, 1])
def test_a_forbidden_publish_costs_version_3_the_connection(fleet, narrow, qos):
    with fleet.connect(narrow, version=V3) as client:
        client.send(mqtt.publish("not/ok", b"", qos=qos, number=1))
        assert client.is_closed_silently()


def test_a_forbidden_subscription_costs_version_5_that_filter_alone(fleet, narrow):
    with fleet.connect(narrow) as client:
        assert client.subscribe("ok/a", "not/ok", "ok/#", "#") == [1, NOT_AUTHORIZED, 1, NOT_AUTHORIZED]
        client.publish("ok/a", b"")
        assert client.message().topic == "ok/a"


def test_a_forbidden_subscription_costs_version_3_the_connection(fleet, narrow):
    with fleet.connect(narrow, version=V3) as client:
        client.send(mqtt.subscribe(1, [("ok/a", 1), ("not/ok", 1)]))
        assert client.is_closed_silently()


def test_what_a_client_may_not_receive_is_kept_from_it_silently(fleet, device):
    allow, deny = fleet.policies.allow, fleet.policies.deny
    deaf = fleet.device(allow("iot:*", "*"), deny("iot:Receive", "topic/secret/*"))
    with fleet.connect(deaf) as client, fleet.connect(device) as talker:
        assert client.subscribe("secret/#", "open/#") == [1, 1]
        talker.publish("secret/a", b"")
        talker.publish("open/a", b"")
        assert client.message().topic == "open/a"
        assert client.has_nothing_more()


# ---- filters ----

BAD_FILTERS = {"a#": "a#", "#/a": "#/a", "a+": "a+", "empty": "", "257 bytes": "x" * 257, "8 slashes": "1/2/3/4/5/6/7/8/#",
               "$x": "$x", "basic ingest": "$aws/rules/r", "below basic ingest": "$aws/rules/#",
               "a request": "$aws/certificates/create/json"}


@pytest.mark.parametrize("filter_", BAD_FILTERS.values(), ids=BAD_FILTERS)
def test_a_bad_filter_costs_version_5_itself_and_version_3_the_connection(fleet, device, topic, filter_):
    with fleet.connect(device) as client:
        assert client.subscribe(topic, filter_, "$aws/events/#") == [1, 0x8F, 1]
    with fleet.connect(device, version=V3) as client:
        client.send(mqtt.subscribe(1, [(topic, 1), (filter_, 1)]))
        assert client.is_closed_silently()


def test_nine_filters_in_one_packet_all_fail(fleet, device, topic):
    nine = [f"{topic}/{n}" for n in range(9)]
    with fleet.connect(device) as client:
        assert client.subscribe(*nine) == [0x97] * 9
        assert client.subscribe(*nine[:8]) == [1] * 8
    with fleet.connect(device, version=V3) as client:
        assert client.subscribe(*nine) == [0x80] * 9


def test_the_fifty_first_subscription_fails(fleet, device, topic):
    names = [f"{topic}/{n}" for n in range(52)]
    for version, refused in ((V5, 0x97), (V3, 0x80)):
        with fleet.connect(device, version=version) as client:
            for at in range(0, 48, 8):
                assert client.subscribe(*names[at:at + 8]) == [1] * 8
            assert client.subscribe(*names[48:]) == [1, 1, refused, refused]
            assert client.subscribe(names[0], names[50], qos=0) == [0, refused]
            client.unsubscribe(names[1])
            assert client.subscribe(names[50]) == [1]
            client.publish(names[49], b"")
            assert client.message().topic == names[49]


def test_subscription_identifiers_end_the_connection(fleet, device, topic):
    with fleet.connect(device) as client:
        client.send(mqtt.subscribe(1, [(topic, 1)], V5, props={"subscription_id": 1}))
        assert client.closing_reason() == 0xA1


def test_shared_subscriptions_are_not_offered_yet(fleet, device, topic):
    with fleet.connect(device) as client:
        assert client.subscribe(f"$share/g/{topic}", topic) == [0x9E, 1]
    with fleet.connect(device, version=V3) as client:
        assert client.subscribe(f"$share/g/{topic}", topic) == [0x80, 1]


# ---- sessions ----

PERSISTENT = {V3: {"clean": False}, V5: {"clean": False, "props": {"session_expiry": 600}}}


@VERSIONS
def test_a_persistent_session_gets_what_came_while_it_slept(fleet, device, topic, version):
    client_id = unique("sleepy")
    with fleet.connect(device) as talker:
        with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as client:
            assert not client.connack.session_present
            client.subscribe(f"{topic}/#", qos=1)
            client.disconnect()
        for number in range(5):
            talker.publish(f"{topic}/1", str(number))
            talker.publish(f"{topic}/0", str(number), qos=0)
        with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as client:
            assert client.connack.session_present
            found = [client.message() for _ in range(5)]
            assert [(p.topic, int(p.payload), p.dup) for p in found] == [(f"{topic}/1", n, False) for n in range(5)]
            assert client.has_nothing_more()


@VERSIONS
def test_a_clean_start_forgets_the_session(fleet, device, topic, version):
    client_id = unique("sleepy")
    with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as client:
        client.subscribe(topic)
        client.disconnect()
    with fleet.connect(device) as talker:
        talker.publish(topic, b"lost")
        with fleet.connect(device, client_id, version=version, clean=True) as client:
            assert not client.connack.session_present
        with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as client:
            assert not client.connack.session_present and client.has_nothing_more()


@VERSIONS
def test_a_clean_session_ends_with_its_connection(fleet, device, topic, version):
    client_id = unique("fleeting")
    with fleet.connect(device, client_id, version=version) as client:
        client.subscribe(topic)
        client.disconnect()
    with fleet.connect(device, client_id, version=version, clean=False) as client:
        assert not client.connack.session_present


@VERSIONS
def test_what_was_not_acknowledged_is_sent_again_under_its_number(fleet, device, topic, version):
    client_id = unique("forgetful")
    with fleet.connect(device) as talker:
        with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as client:
            client.subscribe(topic)
            for payload in (b"0", b"1", b"2"):
                talker.publish(topic, payload)
            first = [client.message(acknowledge=False) for _ in range(3)]
            client.send(mqtt.puback(first[1].number))
            client.ping()
        talker.publish(topic, b"3")
        with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as client:
            again = [client.message() for _ in range(3)]
            assert [(p.payload, p.dup) for p in again] == [(b"0", True), (b"2", True), (b"3", False)]
            assert [p.number for p in again[:2]] == [first[0].number, first[2].number]
            assert len({p.number for p in again}) == 3 and client.has_nothing_more()


@VERSIONS
def test_a_session_is_resumed_while_its_old_connection_still_stands(fleet, device, topic, version):
    client_id = unique("hasty")
    with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as old, fleet.connect(device) as talker:
        old.subscribe(topic)
        talker.publish(topic, b"unacknowledged")
        old.message(acknowledge=False)
        with fleet.connect(device, client_id, version=version, **PERSISTENT[version]) as new:
            assert new.connack.session_present
            found = new.message()
            assert (found.payload, found.dup) == (b"unacknowledged", True)
            talker.publish(topic, b"more")
            assert new.message().payload == b"more"
            old.ending()


def test_a_small_window_is_filled_and_not_overrun(fleet, device, topic):
    client_id = unique("narrow")
    wish = {"clean": False, "props": {"session_expiry": 600, "receive_maximum": 2}}
    with fleet.connect(device) as talker:
        with fleet.connect(device, client_id, **wish) as client:
            client.subscribe(topic)
            for number in range(6):
                talker.publish(topic, str(number))
            first = [client.message(acknowledge=False) for _ in range(2)]
            assert client.has_nothing_more()
            client.send(mqtt.puback(first[0].number))
            assert client.message(acknowledge=False).payload == b"2"
        wish["props"]["receive_maximum"] = 1
        with fleet.connect(device, client_id, **wish) as client:
            found = client.message(acknowledge=False)
            assert (found.payload, found.dup) == (b"1", True) and client.has_nothing_more()
            client.send(mqtt.puback(found.number))
            rest = [client.message() for _ in range(4)]
            assert [(p.payload, p.dup) for p in rest] == [(b"2", True), (b"3", False), (b"4", False), (b"5", False)]


def test_more_than_a_hundred_wait_for_their_acknowledgements(fleet, device, topic):
    with fleet.connect(device) as client, fleet.connect(device) as talker:
        client.subscribe(topic)
        for number in range(120):
            talker.publish(topic, str(number))
        first = [client.message(acknowledge=False) for _ in range(100)]
        assert client.has_nothing_more()
        client.send(*(mqtt.puback(p.number) for p in first))
        assert [int(client.message().payload) for _ in range(20)] == list(range(100, 120))


def test_disconnect_may_end_the_session_and_not_begin_one(fleet, device):
    client_id = unique("changing")
    with fleet.connect(device, client_id, props={"session_expiry": 600}) as client:
        client.disconnect(props={"session_expiry": 0})
    with fleet.connect(device, client_id, clean=False) as client:
        assert not client.connack.session_present
        client.send(mqtt.disconnect(V5, 0, {"session_expiry": 60}))
        assert client.closing_reason() == PROTOCOL_ERROR


def test_a_session_of_one_second_is_gone_after_it(fresh_fleet):
    """That it ended is seen in the server's own count, since a look at the session would prolong it."""
    fleet = fresh_fleet
    device, brief = fleet.device(), {"clean": False, "props": {"session_expiry": 1}}
    with fleet.connect(device, "brief", **brief) as client:
        client.disconnect()
    assert fleet.server.metrics()["muster_mqtt_sessions"] == 1
    with fleet.connect(device, "brief", **brief) as client:
        assert client.connack.session_present
        client.drop()
    eventually(lambda: fleet.server.metrics()["muster_mqtt_sessions"] == 0, what="the session's end")
    with fleet.connect(device, "brief", clean=False) as client:
        assert not client.connack.session_present


def test_a_message_whose_time_is_over_is_not_delivered(fleet, device, topic):
    client_id = unique("late")
    with fleet.connect(device) as talker:
        with fleet.connect(device, client_id, **PERSISTENT[V5]) as client:
            client.subscribe(topic)
            client.disconnect()
        talker.publish(topic, b"short", props={"message_expiry": 1})
        talker.publish(topic, b"long", props={"message_expiry": 600})
        over = time.monotonic() + 1
        eventually(lambda: time.monotonic() > over, what="the end of a second")
        with fleet.connect(device, client_id, **PERSISTENT[V5]) as client:
            found = client.message()
            assert found.payload == b"long" and 590 <= found.props["message_expiry"] <= 599
            assert client.has_nothing_more()


def test_another_certificate_resumes_the_session_with_its_own_rights(fleet, device):
    client_id, allow = unique("rotating"), fleet.policies.allow
    new = fleet.device(allow("iot:Connect", "*"), allow(["iot:Publish", "iot:Receive"], "*"),
                       allow("iot:Subscribe", "topicfilter/ok/#"))
    with fleet.connect(device, client_id, **PERSISTENT[V5]) as client:
        client.subscribe("ok/#", "not/ok")
        client.disconnect()
    with fleet.connect(new, client_id, **PERSISTENT[V5]) as client, fleet.connect(device) as talker:
        assert client.connack.session_present
        talker.publish("not/ok", b"")
        talker.publish("ok/a", b"")
        assert client.message().topic == "ok/a"


# ---- wills ----

@VERSIONS
def test_a_will_is_published_when_the_connection_breaks(fleet, device, topic, version):
    will = {"topic": topic, "payload": b"gone", "qos": 1}
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        with fleet.connect(device, version=version, will=will) as mortal:
            mortal.drop()
        found = listener.message()
        assert (found.payload, found.qos) == (b"gone", 1)


def test_a_will_is_taken_back_by_a_good_end_only(fleet, device, topic):
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        for payload, reason in ((b"good", 0x00), (b"with will", 0x04), (b"error", 0x80)):
            with fleet.connect(device, will={"topic": topic, "payload": payload, "qos": 1}) as mortal:
                mortal.disconnect(reason)
        with fleet.connect(device, version=V3, will={"topic": topic, "payload": b"good", "qos": 1}) as mortal:
            mortal.disconnect()
        with fleet.connect(device) as talker:
            talker.publish(topic, b"marker")
        assert [listener.message().payload for _ in range(3)] == [b"with will", b"error", b"marker"]


def test_a_will_carries_its_properties(fleet, device, topic):
    given = {"content_type": "text/plain", "user": [("k", "v")], "payload_format": 1}
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        with fleet.connect(device, will={"topic": topic, "payload": b"gone", "props": given}) as mortal:
            mortal.drop()
        assert listener.message().props == given


def test_a_will_that_a_protocol_error_leaves_behind_is_published(fleet, device, topic):
    with fleet.connect(device) as listener:
        listener.subscribe(topic)
        with fleet.connect(device, will={"topic": topic, "payload": b"gone"}) as mortal:
            mortal.send(mqtt.packet(mqtt.AUTH, 0, b""))
            assert mortal.closing_reason() == PROTOCOL_ERROR
        assert listener.message().payload == b"gone"


def test_a_will_whose_right_was_lost_is_not_published(fleet, topic):
    mortal_one, everything = fleet.certificate(), fleet.device()
    name = fleet.attach(mortal_one, ALLOW_ALL)
    fleet.attach(mortal_one, fleet.policies.allow("iot:Connect", "*"))
    with fleet.connect(everything) as listener, fleet.connect(mortal_one, will={"topic": topic}) as mortal:
        listener.subscribe(topic)
        fleet.iot.detach_policy(policyName=name, target=mortal_one.arn)
        eventually(lambda: mortal.publish("x", b"") == NOT_AUTHORIZED, 5, "the loss")
        mortal.drop()
        with fleet.connect(everything) as talker:
            talker.publish(topic, b"marker")
        assert listener.message().payload == b"marker"
