"""What strangers and broken clients send (broker 3.1, 4.2, 4.5): each gets what it deserves, and others are served.

A bystander is connected all the while; after every test it asks whether it is still heard.
"""
import concurrent.futures
import random
import socket
import ssl
import time

import pytest

import mqtt
from fleet import Fleet
from mqtt import V3, V5, packet, properties, text, u16
from muster import eventually, unique

MALFORMED, PROTOCOL_ERROR, TOO_LARGE = 0x81, 0x82, 0x95


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


@pytest.fixture(scope="module")
def bystander(fleet, device):
    with fleet.connect(device) as client:
        yield client


@pytest.fixture(autouse=True)
def others_are_served(bystander):
    yield
    bystander.ping()


def topic_of(data):
    """A QoS 0 PUBLISH whose topic is these bytes; version 5."""
    return packet(3, 0, u16(len(data)) + data + b"\x00")


NONE = properties(None)
BROKEN = {
    "a length of five bytes": (bytes.fromhex("30ffffffff01"), MALFORMED),
    "a length that is not minimal": (bytes.fromhex("c08000"), MALFORMED),
    "PINGREQ with flags": (bytes.fromhex("c100"), MALFORMED),
    "PINGREQ with a body": (bytes.fromhex("c00100"), MALFORMED),
    "type 0": (bytes.fromhex("0000"), MALFORMED),
    "PUBLISH of QoS 3": (packet(3, 6, text("a") + u16(1) + NONE), MALFORMED),
    "PUBLISH, DUP with QoS 0": (packet(3, 8, text("a") + NONE), MALFORMED),
    "PUBLISH, packet id 0": (packet(3, 2, text("a") + u16(0) + NONE), PROTOCOL_ERROR),
    "PUBLISH without a topic": (packet(3, 0, b""), MALFORMED),
    "PUBLISH whose topic is longer than it": (packet(3, 0, u16(500) + b"a"), MALFORMED),
    "PUBLISH without properties": (packet(3, 0, text("a")), MALFORMED),
    "PUBLISH whose properties are longer than it": (packet(3, 0, text("a") + b"\x7f"), MALFORMED),
    "PUBLISH with an empty topic and no alias": (packet(3, 0, text("") + NONE), PROTOCOL_ERROR),
    "topic with U+0000": (topic_of(b"a\x00b"), MALFORMED),
    "topic that is not UTF-8": (topic_of(b"\xc3("), MALFORMED),
    "topic with a surrogate": (topic_of(b"\xed\xa0\x80"), MALFORMED),
    "topic in a long form": (topic_of(b"\xc0\xaf"), MALFORMED),
    "topic beyond Unicode": (topic_of(b"\xf5\x80\x80\x80"), MALFORMED),
    "topic cut inside a character": (topic_of(b"a\xe2\x82"), MALFORMED),
    "an unknown property": (packet(3, 0, text("a") + b"\x02\x7e\x00"), MALFORMED),
    "a property of CONNECT in PUBLISH": (packet(3, 0, text("a") + b"\x05\x11\x00\x00\x00\x01"), MALFORMED),
    "a property twice": (packet(3, 0, text("a") + b"\x04\x01\x00\x01\x00"), PROTOCOL_ERROR),
    "a payload format of 2": (packet(3, 0, text("a") + b"\x02\x01\x02"), PROTOCOL_ERROR),
    "a property cut short": (packet(3, 0, text("a") + b"\x03\x02\x00\x00"), MALFORMED),
    "a subscription id of a client": (packet(3, 0, text("a") + b"\x02\x0b\x01"), PROTOCOL_ERROR),
    "SUBSCRIBE without filters": (packet(8, 2, u16(1) + NONE), PROTOCOL_ERROR),
    "SUBSCRIBE, packet id 0": (packet(8, 2, u16(0) + NONE + text("a") + b"\x00"), PROTOCOL_ERROR),
    "SUBSCRIBE with other flags": (packet(8, 0, u16(1) + NONE + text("a") + b"\x00"), MALFORMED),
    "SUBSCRIBE of QoS 3": (packet(8, 2, u16(1) + NONE + text("a") + b"\x03"), PROTOCOL_ERROR),
    "SUBSCRIBE with reserved bits": (packet(8, 2, u16(1) + NONE + text("a") + b"\xc0"), MALFORMED),
    "SUBSCRIBE, retain handling 3": (packet(8, 2, u16(1) + NONE + text("a") + b"\x30"), PROTOCOL_ERROR),
    "SUBSCRIBE without options": (packet(8, 2, u16(1) + NONE + text("a")), MALFORMED),
    "UNSUBSCRIBE without filters": (packet(10, 2, u16(1) + NONE), PROTOCOL_ERROR),
    "UNSUBSCRIBE with other flags": (packet(10, 0, u16(1) + NONE + text("a")), MALFORMED),
    "PUBACK, packet id 0": (packet(4, 0, u16(0)), PROTOCOL_ERROR),
    "PUBACK cut short": (packet(4, 0, b"\x00"), MALFORMED),
    "PUBREC": (packet(5, 0, u16(1)), PROTOCOL_ERROR),
    "PUBREL": (packet(6, 2, u16(1)), PROTOCOL_ERROR),
    "PUBCOMP": (packet(7, 0, u16(1)), PROTOCOL_ERROR),
    "AUTH": (packet(15, 0, b""), PROTOCOL_ERROR),
    "CONNACK": (bytes.fromhex("2003000000"), PROTOCOL_ERROR),
    "SUBACK": (packet(9, 0, u16(1) + NONE + b"\x00"), PROTOCOL_ERROR),
    "PINGRESP": (bytes.fromhex("d000"), PROTOCOL_ERROR),
    "a packet of 150 KB": (b"\x30" + mqtt.varint(149504), TOO_LARGE),
    "a packet of 256 MB": (bytes.fromhex("30ffffff7f"), TOO_LARGE),
}


@pytest.mark.parametrize("bytes_,reason", BROKEN.values(), ids=BROKEN)
def test_a_broken_packet_ends_a_connection_of_version_5_with_its_reason(fleet, device, bytes_, reason):
    with fleet.connect(device) as client:
        client.send(bytes_)
        assert client.closing_reason() == reason


BROKEN_3 = {
    "a length of five bytes": bytes.fromhex("30ffffffff01"), "type 0": bytes.fromhex("0000"),
    "type 15": bytes.fromhex("f000"), "PINGREQ with flags": bytes.fromhex("c100"),
    "PUBLISH of QoS 3": packet(3, 6, text("a") + u16(1)), "PUBLISH, packet id 0": packet(3, 2, text("a") + u16(0)),
    "PUBLISH, DUP with QoS 0": packet(3, 8, text("a")), "PUBLISH with an empty topic": packet(3, 0, text("")),
    "topic with U+0000": packet(3, 0, text("a\0")), "topic that is not UTF-8": packet(3, 0, text(b"\xff")),
    "SUBSCRIBE without filters": packet(8, 2, u16(1)), "SUBSCRIBE of QoS 3": packet(8, 2, u16(1) + text("a") + b"\x03"),
    "SUBSCRIBE with options of version 5": packet(8, 2, u16(1) + text("a") + b"\x04"),
    "UNSUBSCRIBE without filters": packet(10, 2, u16(1)), "PUBREL": packet(6, 2, u16(1)),
    "PUBACK with a reason": packet(4, 0, u16(1) + b"\x00"), "DISCONNECT with a reason": packet(14, 0, b"\x00"),
    "CONNACK": bytes.fromhex("20020000"), "a packet of 160 KB": b"\x30" + mqtt.varint(160000),
}


@pytest.mark.parametrize("bytes_", BROKEN_3.values(), ids=BROKEN_3)
def test_a_broken_packet_ends_a_connection_of_version_3_without_a_word(fleet, device, bytes_):
    with fleet.connect(device, version=V3) as client:
        client.send(bytes_)
        assert client.is_closed_silently()


def test_a_length_that_is_not_minimal_is_taken_in_version_3(fleet, device):
    with fleet.connect(device, version=V3) as client:
        client.send(bytes.fromhex("c08000"))
        client.expect(mqtt.PINGRESP)


FIRST = {
    "PINGREQ": mqtt.PING, "PUBLISH": mqtt.publish("a", b"x"), "CONNACK": bytes.fromhex("20020000"),
    "DISCONNECT": bytes.fromhex("e000"), "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(100), "noise": random.Random(2).randbytes(4000),
    "a CONNECT of 256 MB": bytes.fromhex("10ffffff7f"), "a CONNECT of 150 KB": b"\x10" + mqtt.varint(150000),
    "an empty CONNECT": bytes.fromhex("1000"), "a CONNECT with flags": b"\x11" + mqtt.connect("x")[1:],
    "a CONNECT with bytes after it": mqtt.packet(1, 0, mqtt.connect("x")[2:] + b"x"),
    "a client id that is not UTF-8": mqtt.connect(b"\xff\xfe"), "a client id with U+0000": mqtt.connect("a\0b"),
}


@pytest.mark.parametrize("bytes_", FIRST.values(), ids=FIRST)
def test_another_first_packet_ends_the_connection_without_a_word(fleet, device, bytes_):
    with fleet.open(device, version=V3) as client:
        client.send(bytes_)
        assert client.is_closed_silently()


PACKETS = {
    "CONNECT 3": (V3, mqtt.connect("cut", V3, will={"topic": "a", "payload": b"b"}, user="u", password="p")),
    "CONNECT 5": (V5, mqtt.connect("cut", V5, props={"session_expiry": 1, "user": [("k", "v")]},
                                   will={"topic": "a", "props": {"will_delay": 1}}, user="u", password="p")),
}


@pytest.mark.parametrize("version,whole", PACKETS.values(), ids=PACKETS)
def test_a_connect_that_is_cut_anywhere_harms_nobody(fleet, device, version, whole):
    """Every prefix, its length made right: refused or closed. And every prefix as it is, after which the line drops."""
    context = mqtt.tls_context(fleet.server.ca, device)

    def cut(length):
        with fleet.open(context=context, version=version) as client:
            client.send(mqtt.packet(1, 0, whole[2:2 + length]))
            answers = client.ending()
            assert all(p.kind == mqtt.CONNACK and p.reason != 0 for p in answers)
        with fleet.open(context=context, version=version) as client:
            client.send(whole[:length])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(cut, range(len(whole) - 2)))


@pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
def test_packets_bent_at_random_harm_nobody(fleet, device, version):
    """One byte of a conversation is another: it may be refused, closed or served."""
    context, chance = mqtt.tls_context(fleet.server.ca, device), random.Random(39)
    whole = mqtt.connect("", version) + mqtt.subscribe(1, [("bent/#", 1), ("a/+", 0)], version) + \
        mqtt.publish("bent/a", b"payload", version, qos=1, number=2) + mqtt.unsubscribe(3, ["a/+"], version) + \
        mqtt.PING + mqtt.disconnect(version)

    def bend(seed):
        at, value = seed
        with fleet.open(context=context, version=version) as client:
            client.send(whole[:at] + bytes([value]) + whole[at + 1:])
            deadline = time.monotonic() + 1
            try:
                while time.monotonic() < deadline:
                    client.more(deadline)
            except (mqtt.Closed, TimeoutError):
                pass  # it was refused, or it was bent to what waits for more

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(bend, [(chance.randrange(len(whole)), chance.randrange(256)) for _ in range(150)]))


def test_packets_that_come_byte_by_byte_are_put_together(fleet, device):
    with fleet.open(device) as client:
        for byte in mqtt.connect(unique("slow"), V5) + mqtt.subscribe(1, [("a", 1)], V5) + mqtt.PING:
            client.send(bytes([byte]))
        assert [client.receive().kind for _ in range(3)] == [mqtt.CONNACK, mqtt.SUBACK, mqtt.PINGRESP]


# ---- those who make others wait ----

def test_whoever_does_not_come_to_the_point_is_given_up(fleet, device):
    """A handshake that is not begun, one that stops in its middle, no CONNECT, half of one, one that comes in drops: each
    has ten seconds, and all of them together keep nobody from being served."""
    address = (fleet.server.host, fleet.server.mqtt_port)
    sent = ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    client_hello = sent.read()
    began = time.monotonic()
    raw = [socket.create_connection(address, timeout=mqtt.PATIENCE_S) for _ in range(60)]
    for number, one in enumerate(raw):
        one.sendall((b"", b"\x16", client_hello[:50], client_hello, b"not TLS at all")[number % 5])
    waiting = [fleet.open(device) for _ in range(10)]
    connect = mqtt.connect(unique("half"), V5)
    for client in waiting[5:]:
        client.send(connect[:-1])
    dripping, drops = fleet.open(device), iter(mqtt.connect("x" * 128, V5))
    waiting.append(dripping)
    served = fleet.connect(device)
    while any(client.wait_readable(0) is False for client in waiting) and time.monotonic() - began < 15:
        served.ping()
        if not dripping.wait_readable(0.2):
            dripping.send(bytes([next(drops)]))
    for client in waiting:
        with client:
            assert client.is_closed_silently()
    for one in raw:
        with one:
            try:
                while one.recv(4096):
                    pass
            except ConnectionError:
                pass
    assert 9 < time.monotonic() - began < 15
    with served:
        served.ping()


# ---- more than there is room for ----

@pytest.fixture
def narrow(make_server):
    return Fleet(make_server(settings={"connection_limit": 20}))


def test_connections_past_the_limit_are_closed_and_the_others_served(narrow):
    fleet = narrow
    device = fleet.device()
    for client in fleet.server._clients.values():
        client.close()  # boto3's connections count too
    before = fleet.server.metrics()["muster_connections_over_limit_total"]
    clients = [fleet.connect(device) for _ in range(16)]
    flood = [socket.create_connection((fleet.server.host, fleet.server.mqtt_port), mqtt.PATIENCE_S) for _ in range(100)]
    context = mqtt.tls_context(fleet.server.ca, device)
    for _ in range(5):
        with pytest.raises((ssl.SSLError, ConnectionError, mqtt.Closed)):
            fleet.open(context=context).connect("too many")
    for client in clients:
        client.publish("a", b"")
    for one in flood:
        one.close()
    clients.pop().drop()

    def there_is_room():
        try:
            with fleet.open(context=context) as late:
                return late.connect("late").reason == 0
        except (ssl.SSLError, ConnectionError, mqtt.Closed):
            return False

    eventually(there_is_room, what="room for another")
    assert fleet.server.metrics()["muster_connections_over_limit_total"] - before >= 90
    for client in clients:
        client.ping()
        client.drop()


def test_a_storm_of_handshakes_that_break_off_keeps_nobody_waiting(fleet, device, bystander):
    context = mqtt.tls_context(fleet.server.ca, device)

    def storm(number):
        with fleet.open(context=context) as client:
            if number % 3:
                client.send(mqtt.connect(unique("storm"), V5)[:number % 20])

    slowest = 0
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        running = [pool.submit(storm, n) for n in range(300)]
        while not all(one.done() for one in running):
            asked = time.monotonic()
            bystander.ping()
            slowest = max(slowest, time.monotonic() - asked)
    for one in running:
        one.result()
    assert slowest < 2
