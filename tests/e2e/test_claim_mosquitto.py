"""Provisioning by hand with Debian's mosquitto-clients, exactly as provisioning 6.1 gives the commands."""
import json

import pytest

import mqtt
from fleet import ALLOW_ALL, CREATE, provision_topic, template_body
from muster import run, unique

VERSIONS = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])


@pytest.fixture(scope="module")
def pumps(fleet):
    return fleet.template(template_body(policy={"PolicyName": fleet.policy(ALLOW_ALL)}))


@pytest.fixture(scope="module")
def claim(fleet, pumps):
    return fleet.claim(pumps)


def tool(fleet, name, identity, version, *arguments):
    return run(name, "-h", fleet.server.host, "-p", fleet.server.mqtt_port, "--cafile", fleet.server.ca,
               "--cert", identity.certificate_file, "--key", identity.key_file, "-V", version, "-q", "1", *arguments)


def request(fleet, claim, version, topic, *payload):
    """mosquitto_rr: request and response on one connection."""
    done = tool(fleet, "mosquitto_rr", claim, version, "-i", unique("dev"), "-t", topic, "-e", f"{topic}/accepted",
                *(payload or ["-n"]), "-W", "10")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@VERSIONS
def test_a_device_is_provisioned_by_hand_and_uses_its_certificate(fleet, claim, pumps, version):
    made = request(fleet, claim, version, CREATE + "json")
    serial = unique("sn")
    answer = request(fleet, claim, version, provision_topic(pumps) + "json", "-m", json.dumps(
        {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": serial}}))
    assert answer == {"deviceConfiguration": {}, "thingName": f"dev-{serial}"}

    device = fleet.keep(made["certificatePem"], made["privateKey"], made["certificateId"])
    sleepy = ["-i", f"dev-{serial}", "-t", f"pumps/{serial}/#", "-c", *(["-x", "600"] if version == "mqttv5" else [])]
    asleep = tool(fleet, "mosquitto_sub", device, version, *sleepy, "-E")
    assert asleep.returncode == 0, asleep.stderr
    sent = tool(fleet, "mosquitto_pub", device, version, "-i", "another", "-t", f"pumps/{serial}/state", "-m", "up")
    assert sent.returncode == 0, sent.stderr
    awake = tool(fleet, "mosquitto_sub", device, version, *sleepy, "-C", "1", "-W", "10", "-v")
    assert awake.stdout == f"pumps/{serial}/state up\n"


@VERSIONS
def test_a_request_that_is_refused_answers_on_rejected(fleet, claim, pumps, version):
    topic = provision_topic(pumps) + "json"
    done = tool(fleet, "mosquitto_rr", claim, version, "-i", unique("dev"), "-t", topic, "-e", f"{topic}/rejected",
                "-m", '{"certificateOwnershipToken":""}', "-W", "10")
    assert json.loads(done.stdout) == {"statusCode": 400, "errorCode": "InvalidCertificateOwnershipToken",
                                       "errorMessage": "Certificate ownership token cannot be empty."}


@VERSIONS
def test_a_claim_certificate_cannot_publish_elsewhere(fleet, claim, version):
    nosy = fleet.device()
    with fleet.connect(nosy) as listener:
        listener.subscribe("pumps/#")
        tool(fleet, "mosquitto_pub", claim, version, "-i", unique("dev"), "-t", "pumps/forged", "-m", "x")
        with fleet.connect(nosy) as other:
            other.publish("pumps/marker", b"")
        assert listener.message().topic == "pumps/marker"


def test_mqtt_is_spoken_on_the_https_port_by_its_protocol_name(fleet):
    device = fleet.device()
    done = run("mosquitto_pub", "-h", fleet.server.host, "-p", fleet.server.https_port, "--tls-alpn", "x-amzn-mqtt-ca",
               "--cafile", fleet.server.ca, "--cert", device.certificate_file, "--key", device.key_file,
               "-V", "mqttv5", "-q", "1", "-i", unique("be"), "-t", "plant/cmd", "-m", "on",
               "-D", "publish", "message-expiry-interval", "30", "-D", "publish", "user-property", "k", "v")
    assert done.returncode == 0, done.stderr


def test_what_mosquitto_publishes_arrives_with_its_properties(fleet):
    device = fleet.device()
    with fleet.connect(device) as listener:
        listener.subscribe("plant/+/cmd")
        done = tool(fleet, "mosquitto_pub", device, "mqttv5", "-i", unique("be"), "-t", "plant/a/cmd", "-m", "on",
                    "-D", "publish", "message-expiry-interval", "30", "-D", "publish", "user-property", "k", "v",
                    "-D", "publish", "content-type", "text/plain", "-D", "publish", "response-topic", "plant/a/answer",
                    "-D", "publish", "correlation-data", "no 7")
        assert done.returncode == 0, done.stderr
        found = listener.message()
    assert (found.payload, found.qos) == (b"on", 1)
    assert 1 <= found.props.pop("message_expiry") <= 30
    assert found.props == {"user": [("k", "v")], "content_type": "text/plain", "response_topic": "plant/a/answer",
                           "correlation_data": b"no 7"}
    assert found.kind == mqtt.PUBLISH
