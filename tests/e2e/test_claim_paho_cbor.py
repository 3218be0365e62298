"""The CBOR flow with paho-mqtt and cbor2, and the byte vectors of provisioning 3.3."""
import queue

import cbor2
import paho.mqtt.client as paho
import pytest

from fleet import ALLOW_ALL, CREATE, FROM_CSR, key_pem, make_csr, make_key, provision_topic, template_body
from muster import unique

pytestmark = pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS")  # of paho itself
PATIENCE_S = 20
REQUEST = bytes.fromhex("a2781963657274696669636174654f776e657273686970546f6b656e6354306b6a706172616d6574657273a16c5365"
                        "7269616c4e756d62657264736e2d37")
WITH_CONFIGURATION = bytes.fromhex("a273646576696365436f6e66696775726174696f6ea16355726c6175697468696e674e616d65686465762d"
                                   "736e2d37")
WITHOUT_CONFIGURATION = bytes.fromhex("a273646576696365436f6e66696775726174696f6ea0697468696e674e616d65686465762d736e2d37")
INDEFINITE_CSR = bytes.fromhex("bf781963657274696669636174655369676e696e67526571756573747f6261626163ffff")
SELF_DESCRIBED = bytes.fromhex("d9d9f7")


class Device:
    """A paho client that subscribes to its answers, as the SDKs do."""

    def __init__(self, fleet, identity, protocol):
        self.messages, self.facts = queue.Queue(), queue.Queue()
        self.client = paho.Client(unique("paho"), protocol=protocol)
        self.client.tls_set(fleet.server.ca, str(identity.certificate_file), str(identity.key_file))
        self.client.on_connect = lambda *args: self.facts.put(("connected", args[3]))
        self.client.on_subscribe = lambda *args: self.facts.put(("subscribed", args[2]))
        self.client.on_message = lambda *args: self.messages.put((args[2].topic, args[2].payload))
        self.client.connect(fleet.server.host, fleet.server.mqtt_port)
        self.client.loop_start()
        assert self.facts.get(timeout=PATIENCE_S)[1] == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def ask(self, topic, payload):
        for answer in ("accepted", "rejected"):
            self.client.subscribe(f"{topic}/{answer}", 1)
            assert self.facts.get(timeout=PATIENCE_S)[0] == "subscribed"
        self.client.publish(topic, payload, 1)
        where, answer = self.messages.get(timeout=PATIENCE_S)
        assert where.startswith(topic + "/")
        return where.removeprefix(topic + "/"), answer


PROTOCOLS = pytest.mark.parametrize("protocol", [paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])


@pytest.fixture(scope="module")
def base(fleet):
    return {"PolicyName": fleet.policy(ALLOW_ALL)}


def provision(device, template, serial):
    key = make_key()
    verdict, answer = device.ask(FROM_CSR + "cbor", cbor2.dumps({"certificateSigningRequest": make_csr(key)}))
    made = cbor2.loads(answer)
    assert verdict == "accepted" and cbor2.dumps(made) == answer  # definite, shortest heads, no tags
    verdict, answer = device.ask(provision_topic(template) + "cbor", cbor2.dumps(
        {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": serial}}))
    assert verdict == "accepted", cbor2.loads(answer)
    return made, key, answer


@PROTOCOLS
def test_a_device_provisions_itself_with_a_csr_in_cbor(fleet, base, protocol):
    template = fleet.template(template_body(policy=base))
    serial = unique("sn")
    with Device(fleet, fleet.claim(template), protocol) as device:
        made, key, answer = provision(device, template, serial)
    assert cbor2.loads(answer) == {"deviceConfiguration": {}, "thingName": f"dev-{serial}"}
    with Device(fleet, fleet.keep(made["certificatePem"], key_pem(key), made["certificateId"]), protocol) as device:
        device.client.subscribe(f"dev/{serial}", 1)
        assert device.facts.get(timeout=PATIENCE_S)[0] == "subscribed"
        device.client.publish(f"dev/{serial}", b"up", 1)
        assert device.messages.get(timeout=PATIENCE_S) == (f"dev/{serial}", b"up")


@PROTOCOLS
@pytest.mark.parametrize("more,vector", [({"DeviceConfiguration": {"Url": "u"}}, WITH_CONFIGURATION),
                                         ({}, WITHOUT_CONFIGURATION)], ids=["with", "without"])
def test_the_answer_is_the_vector_byte_for_byte(fleet, base, protocol, more, vector):
    """The vector's thing is dev-sn-7: made once and found again, which changes nothing of the answer."""
    template = fleet.template(template_body(policy=base, **more))
    with Device(fleet, fleet.claim(template), protocol) as device:
        assert provision(device, template, "sn-7")[2] == vector


@PROTOCOLS
def test_the_request_of_the_vectors_is_understood(fleet, base, protocol):
    """T0k is nobody's token, so the words of the refusal show that everything before it was taken."""
    template = fleet.template(template_body(policy=base))
    with Device(fleet, fleet.claim(template), protocol) as device:
        for request in (REQUEST, SELF_DESCRIBED + REQUEST):
            verdict, answer = device.ask(provision_topic(template) + "cbor", request)
            refused = cbor2.loads(answer)
            assert (verdict, refused["statusCode"], refused["errorCode"]) == \
                ("rejected", 400, "InvalidCertificateOwnershipToken")
            assert list(refused) == ["statusCode", "errorCode", "errorMessage"] and cbor2.dumps(refused) == answer


@PROTOCOLS
def test_indefinite_lengths_are_understood(fleet, base, protocol):
    """ "abc" is no CSR, and that is what is told."""
    template = fleet.template(template_body(policy=base))
    with Device(fleet, fleet.claim(template), protocol) as device:
        verdict, answer = device.ask(FROM_CSR + "cbor", INDEFINITE_CSR)
        assert (verdict, cbor2.loads(answer)["errorCode"]) == ("rejected", "InvalidCsr")


@PROTOCOLS
@pytest.mark.parametrize("payload", [b"", b"\xa0"], ids=["0 bytes", "a0"])
def test_keys_are_given_in_cbor(fleet, base, protocol, payload):
    template = fleet.template(template_body(policy=base))
    with Device(fleet, fleet.claim(template), protocol) as device:
        verdict, answer = device.ask(CREATE + "cbor", payload)
    made = cbor2.loads(answer)
    assert verdict == "accepted" and cbor2.dumps(made) == answer
    assert all(isinstance(value, str) for value in made.values())
    assert set(made) == {"certificateId", "certificatePem", "privateKey", "certificateOwnershipToken"}
