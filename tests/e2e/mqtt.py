"""MQTT by hand: packets as bytes, and a client that does nothing on its own.

Packets are made by functions (connect, publish, subscribe, ...) and may be bent before they are sent. A Client opens TLS
and sends and awaits single packets; what arrives while something else is awaited waits in `inbox`, in order. Every wait
has an end, PATIENCE_S, so a test fails instead of hanging. Nothing here sleeps.
"""
import select
import socket
import ssl
import time

PATIENCE_S = 20

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15
V3, V5 = 4, 5

PROPERTIES = {
    0x01: ("payload_format", "u8"), 0x02: ("message_expiry", "u32"), 0x03: ("content_type", "text"),
    0x08: ("response_topic", "text"), 0x09: ("correlation_data", "bytes"), 0x0B: ("subscription_id", "varint"),
    0x11: ("session_expiry", "u32"), 0x12: ("assigned_client_id", "text"), 0x13: ("server_keep_alive", "u16"),
    0x15: ("authentication_method", "text"), 0x16: ("authentication_data", "bytes"),
    0x17: ("request_problem_information", "u8"), 0x18: ("will_delay", "u32"),
    0x19: ("request_response_information", "u8"), 0x1A: ("response_information", "text"),
    0x1C: ("server_reference", "text"), 0x1F: ("reason_string", "text"), 0x21: ("receive_maximum", "u16"),
    0x22: ("topic_alias_maximum", "u16"), 0x23: ("topic_alias", "u16"), 0x24: ("maximum_qos", "u8"),
    0x25: ("retain_available", "u8"), 0x26: ("user", "pair"), 0x27: ("maximum_packet_size", "u32"),
    0x28: ("wildcard_available", "u8"), 0x29: ("subscription_id_available", "u8"), 0x2A: ("shared_available", "u8"),
}
PROPERTY_IDS = {name: number for number, (name, _) in PROPERTIES.items()}
SIZES = {"u8": 1, "u16": 2, "u32": 4}


class Closed(Exception):
    """The peer closed the connection."""


# ---- bytes ----

def u16(number):
    return number.to_bytes(2, "big")


def varint(number):
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(value):
    data = value.encode() if isinstance(value, str) else bytes(value)
    return u16(len(data)) + data


def properties(given):
    """{"content_type": "a", "user": [("k", "v")]} as a property block."""
    out = bytearray()
    for name, value in (given or {}).items():
        number, kind = PROPERTY_IDS[name], PROPERTIES[PROPERTY_IDS[name]][1]
        for one in value if kind == "pair" else [value]:
            out.append(number)
            if kind in SIZES:
                out += one.to_bytes(SIZES[kind], "big")
            elif kind == "varint":
                out += varint(one)
            elif kind == "pair":
                out += text(one[0]) + text(one[1])
            else:
                out += text(one)
    return varint(len(out)) + bytes(out)


def packet(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


# ---- packets that a client sends ----

def connect(client_id, version=V3, *, clean=True, keep_alive=60, will=None, user=None, password=None, props=None,
            protocol="MQTT", level=None, flags=None):
    """will: {"topic", "payload", "qos", "retain", "props"}."""
    bits, payload = (0x02 if clean else 0), text(client_id)
    if will is not None:
        bits |= 0x04 | will.get("qos", 0) << 3 | (0x20 if will.get("retain") else 0)
        payload += properties(will.get("props")) if version == V5 else b""
        payload += text(will["topic"]) + text(will.get("payload", b""))
    if user is not None:
        bits, payload = bits | 0x80, payload + text(user)
    if password is not None:
        bits, payload = bits | 0x40, payload + text(password)
    head = text(protocol) + bytes([level or version, bits if flags is None else flags]) + u16(keep_alive)
    return packet(CONNECT, 0, head + (properties(props) if version == V5 else b"") + payload)


def publish(topic, payload=b"", version=V3, *, qos=0, number=0, retain=False, dup=False, props=None):
    data = payload.encode() if isinstance(payload, str) else payload
    body = text(topic) + (u16(number) if qos else b"") + (properties(props) if version == V5 else b"") + data
    return packet(PUBLISH, dup << 3 | qos << 1 | retain, body)


def subscribe(number, filters, version=V3, *, props=None):
    """filters: (filter, options) pairs."""
    body = u16(number) + (properties(props) if version == V5 else b"")
    return packet(SUBSCRIBE, 2, body + b"".join(text(name) + bytes([options]) for name, options in filters))


def unsubscribe(number, filters, version=V3):
    body = u16(number) + (properties(None) if version == V5 else b"")
    return packet(UNSUBSCRIBE, 2, body + b"".join(text(name) for name in filters))


def puback(number):
    return packet(PUBACK, 0, u16(number))


def disconnect(version=V3, reason=0, props=None):
    if version == V3 or (reason == 0 and not props):
        return packet(DISCONNECT, 0, b"")
    return packet(DISCONNECT, 0, bytes([reason]) + properties(props))


PING = packet(PINGREQ, 0, b"")


# ---- packets that a server sends ----

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), f"the server's packet ends early: {self.data.hex()}"
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        value = shift = 0
        while True:
            digit = self.number(1)
            value |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return value

    def text(self):
        return self.take(self.number(2)).decode()

    def rest(self):
        return self.take(len(self.data) - self.at)

    def properties(self):
        inner, found = Reader(self.take(self.varint())), {}
        while inner.at < len(inner.data):
            name, kind = PROPERTIES[inner.number(1)]
            if kind == "pair":
                found.setdefault(name, []).append((inner.text(), inner.text()))
                continue
            assert name not in found, f"{name} is given twice"
            if kind in SIZES:
                found[name] = inner.number(SIZES[kind])
            elif kind == "varint":
                found[name] = inner.varint()
            else:
                found[name] = inner.text() if kind == "text" else inner.take(inner.number(2))
        return found


class Packet:
    """One packet of the server: kind, size of all its bytes, and what its kind has."""

    def __init__(self, version, first, body, size):
        self.kind, self.flags, self.size = first >> 4, first & 15, size
        self.props, self.reason, self.number, self.codes = {}, 0, None, []
        decode = {CONNACK: self.connack, PUBLISH: self.publish, PUBACK: self.ack, SUBACK: self.subscription_ack,
                  UNSUBACK: self.subscription_ack, PINGRESP: lambda *_: None, DISCONNECT: self.disconnect}
        reader = Reader(body)
        decode[self.kind](version, reader)
        assert reader.at == len(body), f"the server's packet has bytes after it: {body.hex()}"

    def connack(self, version, reader):
        self.session_present, self.reason = reader.number(1) == 1, reader.number(1)
        if version == V5:
            self.props = reader.properties()

    def publish(self, version, reader):
        self.qos, self.dup, self.retain = self.flags >> 1 & 3, bool(self.flags & 8), bool(self.flags & 1)
        self.topic = reader.text()
        self.number = reader.number(2) if self.qos else None
        self.props = reader.properties() if version == V5 else {}
        self.payload = reader.rest()

    def ack(self, version, reader):
        self.number = reader.number(2)
        if version == V5 and reader.at < len(reader.data):
            self.reason = reader.number(1)
            self.props = reader.properties() if reader.at < len(reader.data) else {}

    def subscription_ack(self, version, reader):
        self.number = reader.number(2)
        self.props = reader.properties() if version == V5 else {}
        self.codes = list(reader.rest())

    def disconnect(self, version, reader):
        assert version == V5, "the server sends DISCONNECT to version 5 only"
        if reader.at < len(reader.data):
            self.reason = reader.number(1)
            self.props = reader.properties() if reader.at < len(reader.data) else {}

    def __repr__(self):
        shown = {k: v for k, v in vars(self).items() if v not in ({}, None, [], 0) and k != "payload"}
        return f"Packet({shown})"


# ---- the client ----

def tls_context(ca, identity=None, alpn=()):
    """identity: what has certificate_file and key_file."""
    context = ssl.create_default_context(cafile=ca)
    if identity is not None:
        context.load_cert_chain(identity.certificate_file, identity.key_file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class Client:
    def __init__(self, address, context, *, version=V5, server_name="localhost", patience_s=PATIENCE_S):
        self.version, self.patience_s = version, patience_s
        self.inbox, self.buffer, self.last_number, self.ended = [], b"", 0, False
        raw = socket.create_connection(address, timeout=patience_s)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(raw, server_hostname=server_name)
        except BaseException:
            raw.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    # ---- bytes and packets ----

    def send(self, *packets):
        try:
            self.socket.sendall(b"".join(packets))
        except (ssl.SSLError, ConnectionError, BrokenPipeError) as gone:
            raise Closed() from gone

    def more(self, deadline):
        """Reads what is there, or waits for it; Closed at the end."""
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError) as gone:
            raise Closed() from gone
        if not data:
            raise Closed()
        self.buffer += data

    def take(self):
        """The first whole packet of the buffer, or None."""
        if len(self.buffer) < 2:
            return None
        length = shift = 0
        for at, digit in enumerate(self.buffer[1:5], 1):
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
        else:
            assert len(self.buffer) < 5, "the server's packet has a malformed length"
            return None
        size = at + 1 + length
        if len(self.buffer) < size:
            return None
        first, body, self.buffer = self.buffer[0], self.buffer[at + 1:size], self.buffer[size:]
        return Packet(self.version, first, body, size)

    def receive(self, patience_s=None):
        """The next packet from the wire; the inbox is not asked."""
        deadline = time.monotonic() + (patience_s or self.patience_s)
        while (found := self.take()) is None:
            self.more(deadline)
        return found

    def expect(self, kind, fits=lambda _: True, patience_s=None):
        """The first packet of this kind that fits, from the inbox or the wire; others wait in the inbox."""
        for packet_ in self.inbox:
            if packet_.kind == kind and fits(packet_):
                self.inbox.remove(packet_)
                return packet_
        while True:
            packet_ = self.receive(patience_s)
            if packet_.kind == kind and fits(packet_):
                return packet_
            self.inbox.append(packet_)

    def ending(self, patience_s=None):
        """Waits until the server closes; what it sent before that, the inbox included."""
        try:
            while True:
                self.inbox.append(self.receive(patience_s))
        except Closed:
            self.ended = True
        found, self.inbox = self.inbox, []
        return found

    def has_ended(self):
        """Whether the server has closed by now; takes what is there to the inbox."""
        try:
            while not self.ended and self.wait_readable(0):
                self.inbox.append(self.receive())
        except Closed:
            self.ended = True
        return self.ended

    def is_closed_silently(self):
        return self.ending() == []

    def closing_reason(self):
        """Waits for the end; the reason of version 5's DISCONNECT, or None when there was none."""
        reasons = [p.reason for p in self.ending() if p.kind == DISCONNECT]
        return reasons[-1] if reasons else None

    # ---- conversations ----

    def number(self):
        self.last_number = self.last_number % 65535 + 1
        return self.last_number

    def connect(self, client_id, **options):
        """CONNECT and its CONNACK; Closed when the server closes instead."""
        self.send(connect(client_id, self.version, **options))
        return self.expect(CONNACK)

    def subscribe(self, *filters, qos=1, props=None):
        """Filters, or (filter, options) pairs; the codes of SUBACK."""
        number = self.number()
        pairs = [f if isinstance(f, tuple) else (f, qos) for f in filters]
        self.send(subscribe(number, pairs, self.version, props=props))
        return self.expect(SUBACK, lambda p: p.number == number).codes

    def unsubscribe(self, *filters):
        number = self.number()
        self.send(unsubscribe(number, filters, self.version))
        return self.expect(UNSUBACK, lambda p: p.number == number).codes

    def publish(self, topic, payload=b"", qos=1, **options):
        """With QoS 1 the reason of PUBACK."""
        number = self.number() if qos else 0
        self.send(publish(topic, payload, self.version, qos=qos, number=number, **options))
        return self.expect(PUBACK, lambda p: p.number == number).reason if qos else None

    def message(self, acknowledge=True, patience_s=None):
        """The next PUBLISH."""
        found = self.expect(PUBLISH, patience_s=patience_s)
        if found.qos and acknowledge:
            self.send(puback(found.number))
        return found

    def ping(self):
        """Everything that was sent before is handled when this returns."""
        self.send(PING)
        self.expect(PINGRESP)

    def has_nothing_more(self):
        self.ping()
        return self.inbox == []

    def disconnect(self, reason=0, props=None):
        self.send(disconnect(self.version, reason, props))
        self.ending()
        self.drop()

    def drop(self):
        """Without a word."""
        self.socket.close()
        self.ended = True

    def wait_readable(self, patience_s):
        return bool(self.socket.pending() or select.select([self.socket], [], [], patience_s)[0])
