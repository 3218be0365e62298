"""HTTP from strangers: every refusal is JSON, named, bounded, and the others are served on (x509 3.1; README)."""
import json
import socket
import time

import pytest

from muster import unique

HTML = (b"<html", b"<!DOCTYPE", b"<HTML")


class Wire:
    """Bytes over TLS, and answers parsed by hand."""

    def __init__(self, server, stuck=None):
        self.server, self.socket, self.rest = server, stuck or server.tls(), b""
        self.socket.settimeout(20)

    def send(self, data):
        """False when the peer has closed already."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def more(self):
        try:
            data = self.socket.recv(65536)
        except OSError as e:
            assert not isinstance(e, TimeoutError), "no answer"
            return False
        self.rest += data
        return bool(data)

    def answer(self):
        """(status, headers, body), or None when the connection ends without one."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                assert self.rest == b""
                return None
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self.rest) < length:
            assert self.more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(first.split()[1]), headers, body

    def ended(self):
        while self.more():
            pass
        return True

    def close(self):
        self.socket.close()


@pytest.fixture
def wire(server):
    one = Wire(server)
    yield one
    one.close()


def is_json_error(answer, *statuses):
    status, headers, body = answer
    assert status in statuses, answer
    assert headers["content-type"] == "application/json" and headers["x-amzn-errortype"] and headers["x-amzn-requestid"]
    assert json.loads(body)["message"] and not body.startswith(HTML)


def signed(server, method, target, body=b"", headers=None, length=True):
    """A whole signed request."""
    given = server.sign(method, target, body, {"Content-Type": "application/json", **(headers or {})})
    lines = [f"{method} {target} HTTP/1.1", f"Host: {server.endpoint.split('//')[1]}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body if length else b"")


# ---- paths and methods ----

@pytest.mark.parametrize("method, path", [
    ("GET", "/"), ("GET", "/nonsense"), ("GET", "/things/a/b/c/d"), ("DELETE", "/things"), ("PUT", "/things/x"),
    ("POST", "/keys-and-certificate/x"), ("PATCH", "/things"), ("HEAD", "/things/none"), ("GET", "/favicon.ico"),
    ("GET", "/%2e%2e/etc/passwd"), ("GET", "/things/%zz"), ("GET", "/things/%"), ("GET", "/index.html"),
])
def test_an_unknown_path_or_method_is_a_json_error(server, method, path):
    for answer in (server.call(method, path), server.ask(method, path)):
        assert 400 <= answer.status < 502 and answer.error, answer
        if method != "HEAD":
            assert answer.headers["Content-Type"] == "application/json" and answer.message


def test_a_trailing_slash_does_not_matter(server):
    name = unique("pump")
    assert server.call("POST", f"/things/{name}/").status == 200
    assert server.call("GET", f"/things/{name}/").json["thingName"] == name
    assert server.call("GET", "/things/").status == 200


def test_members_nobody_knows_are_ignored_and_null_is_absent(server):
    name = unique("pump")
    assert server.call("POST", f"/things/{name}", {"unknown": [1, {"a": None}], "thingTypeName": None,
                                                   "thingName": "other"}).json["thingName"] == name
    assert server.call("POST", "/keys-and-certificate", {"setAsActive": True}).json["certificateId"]


def test_a_body_s_copy_of_a_query_member_is_ignored(server, iot):
    made = server.call("POST", "/keys-and-certificate", {"setAsActive": True}).json
    assert iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"] == "INACTIVE"


@pytest.mark.parametrize("text, active", [("true", True), ("True", True), ("false", False), ("False", False)])
def test_booleans_in_the_query(server, iot, text, active):
    made = server.call("POST", "/keys-and-certificate", query={"setAsActive": text}).json
    status = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"]
    assert (status == "ACTIVE") is active


@pytest.mark.parametrize("text", ["yes", "1", ""])
def test_a_boolean_that_is_none_is_refused(server, text):
    answer = server.call("POST", "/keys-and-certificate", query={"setAsActive": text})
    assert (answer.status, answer.error) == (400, "InvalidRequestException") and "setAsActive" in answer.message


def test_an_answer_names_its_request_and_says_when(server):
    first, second = server.call("GET", "/things"), server.call("GET", "/things")
    assert first.headers["x-amzn-RequestId"] != second.headers["x-amzn-RequestId"]
    assert first.headers["Content-Type"] == "application/json" and first.headers["Date"].endswith("GMT")


# ---- bodies ----

@pytest.mark.parametrize("body", [
    b"{", b"[]", b"7", b'"x"', b"null", b"{}{}", b'{"a":}', b'{"a":1,}', b"\xff\xfe", b'{"a":"\xff"}', b'{"a":"\\ud800"}',
    b"{'a':1}", b'{"a":NaN}', b'{"a":01}', b'{"a":"\n"}', b"/* */{}", b'{"a":1e999999}', b"\xef\xbb\xbf{}x",
    b"[" * 200 + b"]" * 200, b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"attributePayload":' + b"[" * 100000 + b"]" * 100000 + b"}",
], ids=lambda body: body[:24].decode("latin-1") + f" {len(body)}")
def test_a_body_that_is_no_object_of_json_is_refused(server, iot, body):
    name = unique("pump")
    answer = server.call("POST", f"/things/{name}", body)
    assert (answer.status, answer.error) in ((400, "SerializationException"), (400, "InvalidRequestException")), answer
    assert not [thing for thing in iot.list_things(maxResults=250)["things"] if thing["thingName"] == name]


def test_of_a_name_that_comes_twice_one_value_counts_and_the_checks_are_on_that_one(server, iot):
    name = unique("pump")
    answer = server.call("POST", f"/things/{name}",
                         b'{"attributePayload":{"attributes":{"a":"1"}},"attributePayload":{"attributes":{"a":"b c"}}}')
    assert answer.status == 400, "last wins, and the last is malformed"
    answer = server.call("POST", f"/things/{name}", b'{"attributePayload":{"attributes":{"a":"1","a":"2"}}}')
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert iot.describe_thing(thingName=name)["attributes"] == {"a": "2"}


def test_a_body_of_a_megabyte_is_read_and_one_beyond_the_limit_is_not(server, wire):
    big = b'{"x":"' + b"y" * (1 << 20) + b'"}'
    assert server.call("POST", f"/things/{unique('pump')}", big).status == 200
    huge = b'{"x":"' + b"y" * (2 << 20) + b'"}'
    wire.send(signed(server, "POST", "/things/x", huge, length=False)[:-2] +
              f"Content-Length: {len(huge)}\r\n\r\n".encode())
    is_json_error(wire.answer(), 413)
    assert wire.ended()


def test_chunks_that_grow_beyond_the_limit_are_cut_off(server, wire):
    wire.send(b"POST /things/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    while wire.send(b"10000\r\n" + b"y" * 0x10000 + b"\r\n"):
        wire.socket.setblocking(False)
        try:
            wire.rest += wire.socket.recv(65536)
            if wire.rest:
                break
        except OSError:
            pass
        wire.socket.settimeout(20)
    wire.socket.settimeout(20)
    is_json_error(wire.answer(), 413)


def test_a_length_nobody_could_mean_is_refused_at_once(server):
    for length in ("99999999999", "18446744073709551616", "-1", "1e3", "0x10", "+5", "", "5, 5", "5 5"):
        wire = Wire(server)
        wire.send(f"POST /things/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode())
        is_json_error(wire.answer(), 400, 413)
        assert wire.ended()
        wire.close()


def test_a_chunked_body_counts_like_another(server, wire, iot):
    name, body = unique("pump"), b'{"attributePayload":{"attributes":{"a":"b"}}}'
    wire.send(signed(server, "POST", f"/things/{name}", body, length=False)[:-2] + b"Transfer-Encoding: chunked\r\n\r\n")
    for n in range(0, len(body), 10):
        wire.send(f"{len(body[n:n + 10]):x};ext=1\r\n".encode() + body[n:n + 10] + b"\r\n")
    wire.send(b"0\r\nTrailer: x\r\n\r\n")
    assert wire.answer()[0] == 200
    assert iot.describe_thing(thingName=name)["attributes"] == {"a": "b"}


def test_a_client_that_expects_to_be_told_to_go_on_is_told(server, wire):
    name, body = unique("pump"), b'{"attributePayload":{}}'
    whole = signed(server, "POST", f"/things/{name}", body, {"Expect": "100-continue"})
    wire.send(whole[:-len(body)])
    assert wire.answer()[0] == 100
    wire.send(body)
    assert wire.answer()[0] == 200
    wire.send(b"POST /things/x HTTP/1.1\r\nHost: localhost\r\nExpect: a-pony\r\nContent-Length: 1\r\n\r\n")
    is_json_error(wire.answer(), 417)


def test_requests_on_one_connection_are_answered_in_their_order(server, wire):
    names = [unique("pump") for _ in range(20)]
    wire.send(b"".join(signed(server, "POST", f"/things/{name}", b"{}") for name in names))
    assert [json.loads(wire.answer()[2])["thingName"] for _ in names] == names


def test_a_request_may_come_byte_by_byte(server, wire):
    for byte in signed(server, "GET", "/things?maxResults=1"):
        wire.send(bytes([byte]))
    assert wire.answer()[0] == 200


def test_http_1_0_is_answered_and_closed(server, wire):
    wire.send(signed(server, "GET", "/things?maxResults=1").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert wire.answer()[0] == 200 and wire.ended()


def test_a_head_request_gets_no_body(server, wire):
    wire.send(signed(server, "HEAD", "/things/none"))
    while b"\r\n\r\n" not in wire.rest:
        assert wire.more()
    wire.rest = b""
    wire.send(signed(server, "GET", "/things?maxResults=1"))
    assert wire.answer()[0] == 200, "the next answer begins where the head ended"


# ---- what two readers could read in two ways ----

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "the same length twice": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "identity": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nabcd",
    "chunked, not at the end": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a tab in chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd",
    "a folded line": b"POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a bare LF": b"POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
    "a bare CR": b"POST / HTTP/1.1\r\nHost: a\rX: y\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a header": b"POST / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "an absolute target": b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "another proxy's target": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "a chunk size with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+4\r\nabcd\r\n0\r\n\r\n",
    "a chunk size without digits": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabcd\r\n0\r\n\r\n",
    "a chunk longer than it says": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/9.9": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "no HTTP": b"\x00\x01\x02\x03\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "an MQTT packet": b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_request_that_could_be_read_in_two_ways_is_refused_and_ends_the_connection(server, wire, data):
    wire.send(data + SMUGGLED)
    is_json_error(wire.answer(), 400, 405, 501, 505)
    assert wire.ended() and wire.rest == b"", "nothing behind it is answered"


# ---- heads ----

@pytest.mark.parametrize("head", [
    b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a" * 40000 + b": x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(101)) + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
], ids=["a long target", "a long value", "a long name", "101 headers", "10000 headers"])
def test_a_head_beyond_its_limits_is_refused(server, wire, head):
    wire.send(head)
    is_json_error(wire.answer(), 431)
    assert wire.ended()


def test_ninety_headers_and_a_long_target_are_taken(server):
    headers = {f"X-{n}": "y" for n in range(90)}
    answer = server.ask("GET", "/things?x=" + "a" * 8000,
                        headers={**server.sign("GET", "/things?x=" + "a" * 8000), **headers})
    assert answer.status == 200


# ---- slow and silent clients ----

def test_clients_that_say_nothing_and_half_handshakes_hold_nobody_up(server):
    silent = [socket.create_connection((server.host, server.https_port)) for _ in range(100)]
    for one in silent[:50]:
        one.sendall(b"\x16\x03\x01\x02\x00\x01")
    began = time.monotonic()
    assert server.call("GET", "/things").status == 200
    assert time.monotonic() - began < 5
    for one in silent:
        one.close()


def test_a_head_that_does_not_come_to_its_end_is_answered_408(server, stuck_clients):
    for stuck in stuck_clients:
        wire = Wire(server, stuck)
        wire.socket.settimeout(45)
        is_json_error(wire.answer(), 408)
        assert wire.ended()
    assert server.call("GET", "/things").status == 200
