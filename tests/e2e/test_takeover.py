"""One client id, one connection (broker 4.4): what the loser sent is out before the newcomer is heard."""
import pytest

import mqtt
from fleet import Fleet
from mqtt import V3, V5
from muster import run, unique

VERSIONS = pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
TAKEN_OVER = 0x8E


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


@pytest.mark.parametrize("clean", [True, False], ids=["clean", "kept"])
def test_broker_7_presence_ends_with_who_is_there(fleet, device, clean):
    """The common pattern: a retained will "offline", a retained "online" after each CONNACK. After any number of
    takeovers the topic says online, live and kept."""
    client_id, topic = unique("lamp"), f"presence/{unique('x')}"
    expiry = {} if clean else {"session_expiry": 600}
    with fleet.connect(device) as watcher:
        watcher.subscribe(topic)
        before, heard = None, []
        for number in range(4):
            now = fleet.connect(device, client_id, clean=clean, props=expiry, will={
                "topic": topic, "payload": b"offline", "qos": 1, "retain": True})
            assert now.publish(topic, b"online", retain=True) == 0
            if before is not None:
                assert before.closing_reason() == TAKEN_OVER
                before.drop()
            before = now
            assert now.connack.session_present == (not clean and number > 0)
        for _ in range(7):
            heard.append(watcher.message().payload)
        assert heard == [b"online"] + [b"offline", b"online"] * 3
        with fleet.connect(device) as late:
            late.subscribe(topic)
            assert late.message().payload == b"online"
        before.disconnect()


@VERSIONS
def test_broker_7_the_newcomer_hears_after_the_losers_will_is_kept(make_server, version):
    """The store is slow: the newcomer's CONNACK waits for the will, so that nothing of it can overtake."""
    fleet = Fleet(make_server())
    device, client_id, topic = fleet.device(), unique("lamp"), unique("t")
    with fleet.connect(device) as watcher:
        watcher.subscribe(topic)
        with fleet.connect(device, client_id, version=version, will={"topic": topic, "payload": b"gone", "qos": 1,
                                                                     "retain": True}) as first:
            second = fleet.open(device, version=version)
            fleet.server.admin("stall 1000")
            second.send(mqtt.connect(client_id, version), mqtt.publish(topic, b"back", version, qos=1, number=1))
            assert first.closing_reason() == (TAKEN_OVER if version == V5 else None)
            assert second.expect(mqtt.CONNACK).reason == 0
            assert second.expect(mqtt.PUBACK).number == 1
            assert [watcher.message().payload for _ in range(2)] == [b"gone", b"back"]
            second.drop()


def test_a_kept_session_goes_to_the_newcomer_with_what_waits_in_it(fleet, device):
    client_id, topic = unique("lamp"), f"cmd/{unique('x')}"
    with fleet.connect(device, client_id, clean=False, props={"session_expiry": 600, "receive_maximum": 1}) as first:
        first.subscribe(topic)
        with fleet.connect(device) as talker:
            for number in range(5):
                talker.publish(topic, str(number).encode())
        assert first.message(acknowledge=False).payload == b"0"
        with fleet.connect(device, client_id, clean=False, props={"session_expiry": 600}) as second:
            assert second.connack.session_present and first.closing_reason() == TAKEN_OVER
            found = [second.message() for _ in range(5)]
            assert [p.payload for p in found] == [b"0", b"1", b"2", b"3", b"4"]
            assert [p.dup for p in found] == [True] + [False] * 4  # un-acknowledged ones come again, and say so


def test_a_takeover_while_retained_messages_are_read_loses_none(fleet, device):
    client_id, topic = unique("lamp"), f"cmd/{unique('x')}"
    with fleet.connect(device) as talker:
        talker.publish(topic, b"kept", retain=True)
    for _ in range(10):
        with fleet.open(device) as first:
            first.send(mqtt.connect(client_id, V5, clean=False, props={"session_expiry": 600}),
                       mqtt.subscribe(1, [(topic, 1)], V5))
            first.expect(mqtt.SUBACK)
            with fleet.connect(device, client_id, clean=False, props={"session_expiry": 600}) as second:
                assert second.connack.session_present
                found = second.message(acknowledge=False)
                assert (found.payload, found.retain) == (b"kept", True)
                second.send(mqtt.puback(found.number))
                second.ping()
        with fleet.connect(device, client_id, clean=True):
            client_id = unique("lamp")


def test_mosquitto_takes_a_client_id_over(fleet, device):
    """An unmodified client takes the id over."""
    server, client_id, topic = fleet.server, unique("lamp"), f"cmd/{unique('x')}"
    with fleet.connect(device, client_id) as first:
        taken = run("mosquitto_sub", "-h", server.host, "-p", server.mqtt_port, "--cafile", server.ca, "--cert",
                    device.certificate_file, "--key", device.key_file, "-V", "mqttv5", "-i", client_id, "-t", topic, "-E")
        assert taken.returncode == 0, taken.stderr
        assert first.closing_reason() == TAKEN_OVER
