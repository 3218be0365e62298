"""Certificates made to hurt: by the API and at the TLS handshake each has its answer, in time and in memory that are
bounded, while others are served (x509 4.1, 4.3, 4.4, 4.8). Made by DER that is written by hand, since no tool makes them."""
import base64
import concurrent.futures
import json
import os
import socket
import struct
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fleet import ALLOW_ALL, Fleet
from muster import PATIENCE_S, SANITIZERS, Identity, refused, unique

PATIENCE_FOR_ONE_S = 3
RSS_GROWTH_MAX = 64 << 20


# ---- DER ----

def der(tag, *parts):
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 128 else bytes([0x80 | len(size)]) + size) + body


def integer(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = bytes([40 * first + second])
    for one in rest:
        digits = [one & 127]
        while one := one >> 7:
            digits.insert(0, 128 | one & 127)
        out += bytes(digits)
    return der(6, out)


def sequence(*parts):
    return der(0x30, *parts)


UTF8, T61, UTC_TIME, UNIVERSAL, BMP = 0x0C, 0x14, 0x17, 0x1C, 0x1E
EC_KEY, P256, RSA_KEY, ECDSA_SHA256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7", "1.2.840.113549.1.1.1", "1.2.840.10045.4.3.2"
KEY = ec.generate_private_key(ec.SECP256R1())
SPKI = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def name(value=b"hostile", tag=UTF8):
    return sequence(der(0x31, sequence(oid("2.5.4.3"), der(tag, value))))


def rsa_spki(modulus, exponent=65537):
    return sequence(sequence(oid(RSA_KEY), der(5)), der(3, b"\0" + sequence(integer(modulus), integer(exponent))))


def names_extension(count, length):
    names = [der(0x82, f"{n:0{length}x}"[-length:].encode()) for n in range(count)]
    return sequence(oid("2.5.29.17"), der(4, sequence(*names)))


def explicit_curve():
    """P-256 with all its numbers instead of its name."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    field = sequence(oid("1.2.840.10045.1.1"), integer(p))
    curve = sequence(der(4, (p - 3).to_bytes(32, "big")), der(4, bytes(32)))
    numbers = sequence(integer(1), field, curve, der(4, SPKI[-65:]), integer(p - 1), integer(1))
    return sequence(sequence(oid(EC_KEY), numbers), der(3, b"\0" + SPKI[-65:]))


CA_EXTENSION = sequence(oid("2.5.29.19"), der(1, b"\xff"), der(4, sequence(der(1, b"\xff"))))


def certificate(*, serial=None, subject=None, spki=SPKI, times=(b"250101000000Z", b"491231235959Z"), extensions=(),
                after=b"", ca=False, key=KEY):
    """Signed by its own key; serial: encoded."""
    algorithm = sequence(oid(ECDSA_SHA256))
    subject = subject or name(unique("hostile").encode())
    parts = [der(0xA0, integer(2)), serial or integer(int.from_bytes(os.urandom(8), "big") + 1), algorithm, subject,
             sequence(*(der(UTC_TIME, t) for t in times)), subject, spki]
    extensions = [*extensions, CA_EXTENSION] if ca else list(extensions)
    if extensions:
        parts.append(der(0xA3, sequence(*extensions)))
    body = sequence(*parts)
    return sequence(body, algorithm, der(3, b"\0" + key.sign(body, ec.ECDSA(hashes.SHA256())))) + after


def pem(data):
    return "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data).decode() + "-----END CERTIFICATE-----\n"


INVALID = ("CertificateValidationException", 400)
REQUEST = ("InvalidRequestException", 400)
GIANT = (1 << 16383) + 1


def long_length(_):
    """Says that it has two gigabytes."""
    return b"\x30\x84\x7f\xff\xff\xff" + certificate()[4:]


# name: (how the DER is made, the error, what its message holds); made for a device or, with ca=True, for a CA
BAD = {
    "an RSA modulus of 16384 bits": (lambda m: certificate(**m, spki=rsa_spki(GIANT)), "16384 bits is too large"),
    "an RSA modulus of 300000 bits": (lambda m: certificate(**m, spki=rsa_spki((1 << 299999) + 1)), "too large"),
    "an RSA exponent of 4096 bits": (lambda m: certificate(**m, spki=rsa_spki((1 << 4095) + 1, (1 << 4095) + 1)),
                                     "exponent"),
    "a negative RSA modulus": (lambda m: certificate(**m, spki=rsa_spki(-GIANT)), "RSA key cannot be read"),
    "RSA of 1024 bits": (lambda m: certificate(**m, spki=rsa_spki((1 << 1023) + 1)), "1024 bits is too small"),
    "a curve spelled out": (lambda m: certificate(**m, spki=explicit_curve()), "spells its curve out"),
    "a point that is not on the curve": (lambda m: certificate(**m, spki=SPKI[:-1] + bytes([SPKI[-1] ^ 1])),
                                         "key cannot be read"),
    "a serial number of 65 octets": (lambda m: certificate(**m, serial=der(2, b"\x01" * 65)), "serial number"),
    "an empty serial number": (lambda m: certificate(**m, serial=der(2)), "damaged"),
    "a BMPString of 3 octets": (lambda m: certificate(**m, subject=name(b"\0a\0", BMP)), "damaged"),
    "a time that is none": (lambda m: certificate(**m, times=(b"hello, world!", b"491231235959Z")), ""),
    "bytes behind the certificate": (lambda m: certificate(**m, after=b"\0\0"), "damaged"),
    "two gigabytes long": (long_length, "damaged"),
    "of indefinite length": (lambda m: b"\x30\x80" + certificate(**m)[4:] + b"\0\0", "damaged"),
    "cut off": (lambda m: certificate(**m)[:-20], "damaged"),
    "nested a thousand times": (lambda m: b"\x30\x80" * 1000 + b"\0\0" * 1000, "damaged"),
}
NO_PEM = {
    "no block": ("hello", "PEM block"),
    "an empty block": ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", ""),
    "no end": ("-----BEGIN CERTIFICATE-----\nMIIB\n", "PEM block"),
    "no base64": ("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "PEM block"),
    "a thousand beginnings": ("-----BEGIN CERTIFICATE-----\n" * 1000, "exactly one"),
    "a chain of 30": ("".join(pem(certificate()) for _ in range(30)), "exactly one"),
}
# What looks odd and is a certificate nevertheless (RFC 5280 4.1.2.2: be prepared for serials that are not positive).
ODD = {
    "a negative serial number": {"serial": integer(-(1 << 100))},
    "the serial number 0": {"serial": integer(0)},
    "a T61String": {"subject": name(b"caf\xe9", T61)},
    "a BMPString": {"subject": name("L\u00e4mpchen".encode("utf-16-be"), BMP)},
    "a UniversalString": {"subject": name("lamp".encode("utf-32-be"), UNIVERSAL)},
    "a NUL in the common name": {"subject": name(b"lamp-1\0.admin")},
    "a name of nothing": {"subject": sequence()},
    "a name of 6000 octets": {"subject": name(b"x" * 6000)},
}
PAST, FUTURE = (b"200101000000Z", b"210101000000Z"), (b"480101000000Z", b"491231235959Z")


# ---- the API ----

@pytest.fixture(scope="module")
def good_ca():
    return pem(certificate(ca=True))


def ask_all(iot, text, *, good_ca, fails, holds):
    """Through every member of every operation that takes a certificate. The message names the member."""
    iot.get_registration_code()
    asked = [
        ("certificatePem", iot.register_certificate, {"certificatePem": text}),
        ("certificatePem", iot.register_certificate_without_ca, {"certificatePem": text}),
        ("caCertificatePem", iot.register_certificate, {"certificatePem": pem(certificate()), "caCertificatePem": text}),
        ("caCertificate", iot.register_ca_certificate, {"caCertificate": text, "certificateMode": "SNI_ONLY"}),
        ("caCertificate", iot.register_ca_certificate, {"caCertificate": text, "verificationCertificate": good_ca}),
        ("verificationCertificate", iot.register_ca_certificate, {"caCertificate": good_ca,
                                                                  "verificationCertificate": text}),
    ]
    for member, operation, given in asked:
        began = time.monotonic()
        with refused(*fails, of=iot) as told:
            operation(**given)
        assert member in told["Error"]["Message"], told["Error"]
        assert holds in told["Error"]["Message"], told["Error"]
        assert time.monotonic() - began < PATIENCE_FOR_ONE_S, member


@pytest.mark.parametrize("case", BAD)
def test_bad_ones_are_refused_wherever_they_are_shown(iot, good_ca, case):
    make, holds = BAD[case]
    ask_all(iot, pem(make({"ca": True})), good_ca=good_ca, fails=REQUEST if len(pem(make({}))) > 65536 else INVALID,
            holds="" if len(pem(make({}))) > 65536 else holds)


@pytest.mark.parametrize("case", NO_PEM)
def test_no_certificate_at_all_is_refused_wherever_it_is_shown(iot, good_ca, case):
    text, holds = NO_PEM[case]
    ask_all(iot, text, good_ca=good_ca, fails=INVALID, holds=holds)


def test_ten_thousand_names_are_too_long_or_taken_in_time(fleet):
    long = pem(certificate(extensions=[names_extension(10000, 24)]))
    with refused(*REQUEST, of=fleet.iot, text="certificatePem"):
        fleet.iot.register_certificate_without_ca(certificatePem=long)
    with refused(*REQUEST, of=fleet.iot, text="caCertificate"):
        fleet.iot.register_ca_certificate(caCertificate=long, certificateMode="SNI_ONLY")
    short, began = pem(certificate(extensions=[names_extension(10000, 1)])), time.monotonic()
    id_ = fleet.iot.register_certificate_without_ca(certificatePem=short)["certificateId"]
    assert fleet.iot.describe_certificate(certificateId=id_)["certificateDescription"]["certificatePem"] == short
    assert time.monotonic() - began < PATIENCE_FOR_ONE_S


def identity_of(fleet, data):
    """A registered, active device of this certificate that may do everything where its policy finds it."""
    text = pem(data)
    made = fleet.iot.register_certificate_without_ca(certificatePem=text, status="ACTIVE")
    private = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()).decode()
    return Identity(fleet.server.home, made["certificateId"], text, private, made["certificateArn"])


@pytest.mark.parametrize("case", ODD)
def test_odd_ones_are_devices_like_others(fleet, case):
    device = identity_of(fleet, certificate(**ODD[case]))
    fleet.attach(device, ALLOW_ALL)
    with fleet.connect(device) as client:
        client.subscribe("odd/#")
        client.publish("odd/x", b"here", qos=1)
        assert client.message().payload == b"here"


def test_what_stands_behind_a_nul_opens_nothing(fleet):
    """A value with a NUL is no value of a policy variable: neither whole nor cut off."""
    allow = fleet.policies.allow
    for common_name in (b"lamp-1\0.admin", b"lamp-1\0", b"\0lamp-1"):
        device = identity_of(fleet, certificate(subject=name(common_name)))
        fleet.attach(device, allow("iot:Connect", "*"),
                     allow("iot:Subscribe", "topicfilter/of/${iot:Certificate.Subject.CommonName}"))
        with fleet.connect(device) as client:
            assert client.subscribe("of/lamp-1", "of/lamp-1.admin", "of/") == [0x87] * 3
    device = identity_of(fleet, certificate(subject=name(b"lamp-1")))
    fleet.attach(device, allow("iot:Connect", "*"),
                 allow("iot:Subscribe", "topicfilter/of/${iot:Certificate.Subject.CommonName}"))
    with fleet.connect(device) as client:
        assert client.subscribe("of/lamp-1") == [1]


@pytest.mark.parametrize("times", [PAST, FUTURE], ids=["expired", "not yet valid"])
def test_x509_32_out_of_time_is_registered_and_closed(fleet, times):
    device = identity_of(fleet, certificate(times=times))
    fleet.attach(device, ALLOW_ALL)
    assert fleet.is_refused_silently(device)


# ---- the handshake ----
# In version 1.2 the client's certificate goes over the wire in the clear and before anything is proven: no key is needed.

HANDSHAKE, ALERT = 22, 21
FATAL = 2


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def client_hello(host=b"localhost"):
    suites = bytes.fromhex("c02bc02fc00ac014")
    extensions = b"".join((
        extension(0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host),
        extension(10, bytes.fromhex("00040017001d")), extension(11, bytes.fromhex("0100")),
        extension(13, bytes.fromhex("000804030503040108 04".replace(" ", "")))))
    body = b"\x03\x03" + os.urandom(32) + b"\0" + struct.pack(">H", len(suites)) + suites + b"\x01\0" + \
        struct.pack(">H", len(extensions)) + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(kind, data):
    return b"".join(struct.pack(">BHH", kind, 0x0303, len(data[at:at + 16384])) + data[at:at + 16384]
                    for at in range(0, len(data), 16384))


def receive(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def record(connection):
    kind, _, size = struct.unpack(">BHH", receive(connection, 5))
    return kind, receive(connection, size)


def show(server, *chain):
    """Shows a chain: the alert that comes back, or "nothing" when the server waits for more, or "closed"."""
    inner = b"".join(len(one).to_bytes(3, "big") + one for one in chain)
    body = len(inner).to_bytes(3, "big") + inner
    with socket.create_connection(("127.0.0.1", server.mqtt_port), PATIENCE_S) as connection:
        connection.sendall(records(HANDSHAKE, client_hello()))
        flight = b""
        while b"\x0e\0\0\0" not in flight[-4:]:       # ServerHelloDone
            kind, data = record(connection)
            assert kind == HANDSHAKE, (kind, data)
            flight += data
        connection.settimeout(0.5)
        try:
            connection.sendall(records(HANDSHAKE, b"\x0b" + len(body).to_bytes(3, "big") + body))
            kind, data = record(connection)
        except socket.timeout:
            return "nothing"
        except ConnectionError:
            return "closed"
        assert (kind, data[0]) == (ALERT, FATAL), (kind, data)
        return "alert"


@pytest.mark.parametrize("case", BAD)
def test_the_handshake_ends_with_what_cannot_be_read_or_afforded(server, case):
    """Names and numbers are nobody's affair here, nor is another encoding of the same; keys are, and what is no
    certificate."""
    make, _ = BAD[case]
    harmless = ("1024 bits", "serial number of 65", "a time that is none", "of indefinite length")
    began = time.monotonic()
    found = show(server, make({}))
    if any(word in case for word in harmless):
        assert found in ("alert", "nothing")
    else:
        assert found in ("alert", "closed"), found
    assert time.monotonic() - began < PATIENCE_FOR_ONE_S


def test_a_chain_has_ten_certificates_and_16_kilobytes_at_most(server):
    chain = [certificate() for _ in range(30)]
    assert show(server, *chain) in ("alert", "closed")
    assert show(server, *chain[:11]) in ("alert", "closed")
    assert show(server, *chain[:10]) == "nothing"
    assert show(server, certificate(extensions=[names_extension(10000, 1)])) in ("alert", "closed")


def test_no_certificate_or_an_empty_one(server):
    assert show(server) == "nothing"        # none at all: asked for, not demanded
    assert show(server, b"") in ("alert", "closed")
    assert show(server, b"\0" * 1000) in ("alert", "closed")


# ---- all of them, many times: others are served, memory stays ----

def resident(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def test_a_flood_of_them_takes_bounded_memory_and_nobodys_turn(make_server):
    options = SANITIZERS["ASAN_OPTIONS"] + ":quarantine_size_mb=4:malloc_context_size=2"  # what is freed is free
    server = make_server(env={"ASAN_OPTIONS": options})
    fleet = Fleet(server)
    texts = [pem(make({})) for make, _ in BAD.values()] + [text for text, _ in NO_PEM.values()]
    chains = [[make({})] for make, _ in BAD.values()] + [[certificate() for _ in range(30)]]

    def api(line):
        for text in texts:
            answer = line.call("POST", "/certificate/register-no-ca", json.dumps(
                {"certificatePem": text}).encode())
            assert answer.status == 400, answer

    def hand(line):
        for chain in chains:
            show(line, *chain)

    def flood(rounds):
        for _ in range(rounds):
            for job in (api, hand):
                list(pool.map(job, [server.line() for _ in range(3)]))

    device, slowest = fleet.device(), 0
    with concurrent.futures.ThreadPoolExecutor(3) as pool, fleet.connect(device) as client:
        client.subscribe("beat")
        flood(2)
        before = resident(server)
        hostile = concurrent.futures.ThreadPoolExecutor(1).submit(flood, 3)
        while not hostile.done():
            began = time.monotonic()
            client.publish("beat", b"x", qos=1)
            client.message()
            slowest = max(slowest, time.monotonic() - began)
        hostile.result()
        growth = resident(server) - before
    assert growth < RSS_GROWTH_MAX, f"{growth >> 20} MiB more"
    assert slowest < PATIENCE_FOR_ONE_S, f"others waited {slowest:.1f} s"
