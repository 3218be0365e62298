"""Fleet provisioning by claim, rule by rule (provisioning 4.7 to 4.10), with packets made by hand.

The numbers in names are the acceptance scenarios of provisioning 6.2.
"""
import concurrent.futures
import json
import random
import re
import time

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import mqtt
from fleet import (ALLOW_ALL, CREATE, FROM_CSR, Cbor, Json, Rejected, answer_of, ask, document, key_pem, make_csr,
                   make_key, provision_topic, template_body)
from muster import eventually, unique

BOTH = pytest.mark.parametrize("coding", [Json, Cbor], ids=["json", "cbor"])


@pytest.fixture(scope="module")
def base_policy(fleet):
    return fleet.policy(ALLOW_ALL)


@pytest.fixture(scope="module")
def pumps(fleet, base_policy):
    return fleet.template(template_body(policy={"PolicyName": base_policy}))


@pytest.fixture(scope="module")
def claim(fleet, pumps):
    return fleet.claim(pumps)


@pytest.fixture
def station(fleet, claim):
    """A connection of the claim certificate that never subscribes."""
    with fleet.connect(claim) as client:
        yield client


# ---- the two ways to a certificate ----

@BOTH
def test_a_device_trades_its_claim_for_a_name_and_keys_of_its_own(fleet, station, pumps, coding):
    identity, token = fleet.keys(station, coding)
    serial = unique("sn")
    answer = fleet.register(station, pumps, token, coding, SerialNumber=serial)
    assert answer == {"deviceConfiguration": {}, "thingName": f"dev-{serial}"}
    with fleet.connect(identity, f"dev-{serial}") as pump:
        assert pump.publish("pumps/state", b"up") == 0
    assert fleet.iot.list_thing_principals(thingName=f"dev-{serial}")["principals"] == [identity.arn]


def test_9_the_answer_to_a_csr_in_cbor_fits_a_small_buffer(station):
    key = make_key()
    station.publish(FROM_CSR + "cbor", cbor2.dumps({"certificateSigningRequest": make_csr(key)}))
    packet = station.message()
    assert packet.size <= 2048
    answer = cbor2.loads(packet.payload)
    assert set(answer) == {"certificateId", "certificatePem", "certificateOwnershipToken"}
    assert all(isinstance(value, str) for value in answer.values())
    assert re.fullmatch("[0-9a-f]{64}", answer["certificateId"])
    assert re.fullmatch(r'[ -~]{1,256}', answer["certificateOwnershipToken"])
    assert not set('"\\') & set(answer["certificateOwnershipToken"])
    assert len(answer["certificatePem"]) <= 1500 and answer["certificatePem"].count("BEGIN CERTIFICATE") == 1
    leaf = x509.load_pem_x509_certificate(answer["certificatePem"].encode())
    assert leaf.public_key().public_numbers() == key.public_key().public_numbers()


@BOTH
def test_the_answer_with_keys_holds_its_four_members_and_a_pair_that_fits(station, coding):
    answer = ask(station, CREATE, {}, coding)
    assert set(answer) == {"certificateId", "certificatePem", "privateKey", "certificateOwnershipToken"}
    assert answer["privateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert "\r" not in answer["privateKey"] + answer["certificatePem"]
    key = load_pem_private_key(answer["privateKey"].encode(), None)
    leaf = x509.load_pem_x509_certificate(answer["certificatePem"].encode())
    assert key.key_size == 2048 and leaf.public_key().public_numbers() == key.public_key().public_numbers()


def test_the_answer_with_keys_fits_its_buffer_too(station):
    station.publish(CREATE + "json", b"{}")
    assert station.message().size <= 4096


@pytest.mark.parametrize("coding,payload", [(Json, b""), (Json, b"{}"), (Cbor, b""), (Cbor, b"\xa0")],
                         ids=["json, 0 bytes", "json, {}", "cbor, 0 bytes", "cbor, a0"])
def test_10_an_empty_request_has_four_forms(station, coding, payload):
    assert "privateKey" in ask(station, CREATE, payload, coding)


# ---- who gets the answer, and how often ----

@pytest.mark.parametrize("version", [mqtt.V3, mqtt.V5], ids=["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1])
def test_11_a_connection_that_never_subscribes_gets_its_answer_once(fleet, claim, version, qos):
    with fleet.connect(claim, version=version) as client:
        client.publish(FROM_CSR + "json", json.dumps({"certificateSigningRequest": make_csr(make_key())}), qos=qos)
        answer = client.message()
        assert answer.topic == FROM_CSR + "json/accepted"
        assert (answer.qos, answer.retain, answer.dup) == (qos, False, False)
        assert client.has_nothing_more()


def test_11_puback_comes_before_the_answer(station):
    station.send(mqtt.publish(CREATE + "json", b"{}", station.version, qos=1, number=7))
    assert [station.receive().kind, station.receive().kind] == [mqtt.PUBACK, mqtt.PUBLISH]


def test_12_a_curious_client_sees_neither_request_nor_answer(fleet, claim, pumps):
    nosy = fleet.device()
    with fleet.connect(nosy) as curious, fleet.connect(nosy) as bystander, fleet.connect(claim) as station:
        assert curious.subscribe("$aws/certificates/#", CREATE + "json/accepted", "$aws/provisioning-templates/#",
                                 FROM_CSR + "json/rejected", "seen/marker") == [1, 1, 1, 1, 1]
        _, token = fleet.keys(station)
        fleet.register(station, pumps, token, SerialNumber=unique("sn"))
        with pytest.raises(Rejected):
            ask(station, FROM_CSR, {})
        bystander.publish("seen/marker", b"all that came before has been routed")
        assert curious.message().topic == "seen/marker"
        assert curious.has_nothing_more()


def test_13_overlapping_subscriptions_get_one_copy_at_their_highest_qos(fleet, claim):
    with fleet.connect(claim) as client:
        assert client.subscribe((CREATE + "json/accepted", 0), (CREATE + "json/+", 1), (CREATE + "#", 0)) == [0, 1, 0]
        client.publish(CREATE + "json", b"{}", qos=0)
        answer = client.message()
        assert (answer.topic, answer.qos) == (CREATE + "json/accepted", 1)
        assert client.has_nothing_more()


def test_a_subscription_of_qos_0_lowers_the_answer(fleet, claim):
    with fleet.connect(claim) as client:
        client.subscribe((CREATE + "json/+", 0))
        client.publish(CREATE + "json", b"{}", qos=1)
        assert client.message().qos == 0


def test_correlation_data_comes_back_and_the_response_topic_is_ignored(station):
    station.publish(CREATE + "json", b"{}",
                    props={"correlation_data": b"\x00\x01no 7", "response_topic": "somewhere/else"})
    answer = station.message()
    assert answer.topic == CREATE + "json/accepted"
    assert answer.props == {"correlation_data": b"\x00\x01no 7"}


def test_an_answer_that_iot_receive_denies_is_dropped(fleet, pumps):
    deaf = fleet.device(*fleet.policies.claim(pumps), fleet.policies.deny("iot:Receive", "topic/$aws/*/accepted"))
    with fleet.connect(deaf) as client:
        client.publish(CREATE + "json", b"{}")
        client.publish(CREATE + "json", b"not JSON")
        assert client.message().topic == CREATE + "json/rejected"  # the order of answers is that of requests


def test_answers_come_in_the_order_of_their_requests(fleet, station):
    wanted = []
    for number in range(8):
        coding = Cbor if number % 3 else Json
        wanted.append((FROM_CSR if number % 2 else CREATE) + coding.name)
        payload = coding.encode({"certificateSigningRequest": make_csr(make_key())} if number % 2 else {})
        station.send(mqtt.publish(wanted[-1], payload, station.version, qos=1, number=number + 1))
    assert [station.message().topic for _ in wanted] == [topic + "/accepted" for topic in wanted]


def test_more_than_ten_waiting_requests_are_told_so(station):
    for number in range(1, 16):
        station.send(mqtt.publish(CREATE + "json", b"{}", station.version, qos=1, number=number))
    answers = [json.loads(station.message().payload) for _ in range(15)]
    refused = [a for a in answers if "statusCode" in a]
    assert 1 <= len(refused) <= 4 and {(a["statusCode"], a["errorCode"]) for a in refused} == {(429, "TooManyRequests")}
    assert len([a for a in answers if "certificateId" in a]) == 15 - len(refused)


# ---- the life of certificate and token ----

def test_14_the_new_certificate_is_refused_until_it_is_registered(fleet, station, pumps):
    identity, token = fleet.from_csr(station)
    assert fleet.status(identity.id) == "PENDING_ACTIVATION" and identity.id in fleet.certificates()
    assert fleet.is_refused_silently(identity)
    fleet.register(station, pumps, token, SerialNumber=unique("sn"))
    assert fleet.status(identity.id) == "ACTIVE"
    assert fleet.can_connect(identity)


def test_14_a_template_may_leave_the_certificate_inactive(fleet):
    certificate = {"Type": "AWS::IoT::Certificate",
                   "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "INACTIVE"}}
    drawer = fleet.template(template_body(certificate=certificate, policy={"PolicyName": fleet.policy(ALLOW_ALL)}))
    with fleet.connect(fleet.claim(drawer)) as client:
        identity, token = fleet.from_csr(client)
        fleet.register(client, drawer, token, SerialNumber=unique("sn"))
    assert fleet.status(identity.id) == "INACTIVE"
    assert fleet.is_refused_silently(identity)


@BOTH
def test_15_an_empty_token_is_told_in_the_words_that_clients_know(station, pumps, coding):
    for request in ({"certificateOwnershipToken": ""}, {}, {"parameters": {"SerialNumber": "1"}}):
        with pytest.raises(Rejected) as refused:
            ask(station, provision_topic(pumps), request, coding)
        assert (refused.value.status, refused.value.code, refused.value.message) == \
            (400, "InvalidCertificateOwnershipToken", "Certificate ownership token cannot be empty.")


def test_16_a_token_of_another_claim_is_refused(fleet, station, pumps):
    identity, token = fleet.from_csr(station)
    with fleet.connect(fleet.claim(pumps)) as thief, pytest.raises(Rejected) as refused:
        fleet.register(thief, pumps, token, SerialNumber=unique("sn"))
    assert (refused.value.status, refused.value.code) == (400, "InvalidCertificateOwnershipToken")
    assert fleet.status(identity.id) == "PENDING_ACTIVATION"


@pytest.mark.parametrize("token", ["T0k", "A" * 256, "A" * 257, "\u00e9", "' OR 1=1 --"])
def test_16_a_token_that_nobody_gave_is_refused(fleet, station, pumps, token):
    with pytest.raises(Rejected) as refused:
        fleet.register(station, pumps, token, SerialNumber=unique("sn"))
    assert (refused.value.status, refused.value.code) == (400, "InvalidCertificateOwnershipToken")


def test_16_after_an_hour_the_token_is_worthless_and_its_certificate_swept(fresh_fleet):
    fleet = fresh_fleet
    pumps = fleet.template(template_body(policy={"PolicyName": fleet.policy(ALLOW_ALL)}))
    with fleet.connect(fleet.claim(pumps)) as station:
        registered, registered_token = fleet.from_csr(station)
        attached, _ = fleet.from_csr(station)
        forgotten, token = fleet.from_csr(station)
        fleet.attach(attached, ALLOW_ALL)
        fleet.register(station, pumps, registered_token, SerialNumber="1")
        with fleet.later(60):
            younger, younger_token = fleet.from_csr(station)
        with fleet.later(3630):
            with pytest.raises(Rejected) as refused:
                fleet.register(station, pumps, token, SerialNumber="2")
            fleet.register(station, pumps, younger_token, SerialNumber="3")
            fleet.sweep()
        assert refused.value.code == "InvalidCertificateOwnershipToken"
    eventually(lambda: forgotten.id not in fleet.certificates(), what="the sweep")
    assert {registered.id, attached.id, younger.id} <= fleet.certificates()
    assert fleet.things() == {"dev-1", "dev-3"}


def test_17_a_redelivered_registration_gets_the_same_answer_and_makes_nothing_new(fleet, station, pumps):
    identity, token = fleet.from_csr(station)
    serial = unique("sn")
    request = {"certificateOwnershipToken": token, "parameters": {"SerialNumber": serial}}
    first = ask(station, provision_topic(pumps), request)
    station.send(mqtt.publish(provision_topic(pumps) + "json", json.dumps(request), station.version, qos=1, number=999,
                              dup=True))
    assert answer_of(station.message(), Json) == first
    assert fleet.iot.describe_thing(thingName=f"dev-{serial}")["version"] == 1
    assert fleet.iot.list_thing_principals(thingName=f"dev-{serial}")["principals"] == [identity.arn]


def test_17_two_connections_that_use_one_token_at_once_make_one_thing(fleet, claim, pumps):
    with fleet.connect(claim) as first, fleet.connect(claim) as second:
        identity, token = fleet.from_csr(first)
        serials = [unique("sn"), unique("sn")]
        for client, serial in zip((first, second), serials):
            client.send(mqtt.publish(provision_topic(pumps) + "json", json.dumps(
                {"certificateOwnershipToken": token, "parameters": {"SerialNumber": serial}}), client.version))
        answers = [json.loads(client.message().payload) for client in (first, second)]
    accepted = [a["thingName"] for a in answers if "thingName" in a]
    assert len(accepted) == 1 and [a["errorCode"] for a in answers if "thingName" not in a] == \
        ["InvalidCertificateOwnershipToken"]
    assert fleet.iot.list_principal_things(principal=identity.arn)["things"] == accepted
    assert {f"dev-{s}" for s in serials} & fleet.things() == set(accepted)


def test_17_a_used_token_is_good_for_nothing_else(fleet, station, pumps):
    _, token = fleet.from_csr(station)
    fleet.register(station, pumps, token, SerialNumber=unique("sn"))
    with pytest.raises(Rejected) as refused:
        fleet.register(station, pumps, token, SerialNumber=unique("another"))
    assert refused.value.code == "InvalidCertificateOwnershipToken"


def test_20_a_missing_parameter_changes_nothing_and_the_token_stays_good(fleet, station, pumps):
    identity, token = fleet.from_csr(station)
    before = fleet.things()
    with pytest.raises(Rejected) as refused:
        fleet.register(station, pumps, token)
    assert (refused.value.status, refused.value.code) == (400, "InvalidParameters")
    assert "SerialNumber" in refused.value.message
    assert fleet.things() == before and fleet.status(identity.id) == "PENDING_ACTIVATION"
    assert fleet.register(station, pumps, token, SerialNumber=unique("sn"))["thingName"]


def test_27_a_device_cannot_choose_another_certificate(fleet, station, pumps):
    victim = fleet.device()
    identity, token = fleet.from_csr(station)
    serial = unique("sn")
    fleet.register(station, pumps, token, **{"SerialNumber": serial, "AWS::IoT::Certificate::Id": victim.id})
    assert fleet.iot.list_thing_principals(thingName=f"dev-{serial}")["principals"] == [identity.arn]
    assert fleet.iot.list_principal_things(principal=victim.arn)["things"] == []


def test_29_an_inactive_claim_is_refused_and_its_devices_go_on(fleet, pumps):
    leaked = fleet.claim(pumps)
    with fleet.connect(leaked) as station:
        identity, token = fleet.from_csr(station)
        fleet.register(station, pumps, token, SerialNumber=unique("sn"))
        device = fleet.connect(identity)
        fleet.iot.update_certificate(certificateId=leaked.id, newStatus="INACTIVE")
        assert station.closing_reason() == 0x87
    assert fleet.is_refused_silently(leaked)
    with device:
        assert device.publish("still/here", b"") == 0
    assert fleet.can_connect(identity)


def test_a_certificate_that_the_operator_deleted_cannot_be_registered(fleet, station, pumps):
    identity, token = fleet.from_csr(station)
    fleet.iot.delete_certificate(certificateId=identity.id)
    with pytest.raises(Rejected) as refused:
        fleet.register(station, pumps, token, SerialNumber=unique("sn"))
    assert refused.value.code == "InvalidCertificateOwnershipToken"


def test_a_revoked_certificate_stays_revoked(fleet, station, pumps):
    identity, token = fleet.from_csr(station)
    fleet.iot.update_certificate(certificateId=identity.id, newStatus="REVOKED")
    with pytest.raises(Rejected):
        fleet.register(station, pumps, token, SerialNumber=unique("sn"))
    assert fleet.status(identity.id) == "REVOKED"


def test_a_device_reconnects_between_its_two_requests(fleet, claim, pumps):
    with fleet.connect(claim, "before") as client:
        identity, token = fleet.from_csr(client)
    with fleet.connect(claim, "after", version=mqtt.V3) as client:
        fleet.register(client, pumps, token, SerialNumber=unique("sn"))
    assert fleet.can_connect(identity)


def test_a_device_rotates_its_own_certificate(fleet, station, pumps):
    old, token = fleet.from_csr(station)
    serial = unique("sn")
    fleet.register(station, pumps, token, SerialNumber=serial)
    with fleet.connect(old) as device:
        new, token = fleet.from_csr(device)
        fleet.register(device, pumps, token, SerialNumber=serial)
    assert set(fleet.iot.list_thing_principals(thingName=f"dev-{serial}")["principals"]) == {old.arn, new.arn}
    assert fleet.can_connect(new) and fleet.can_connect(old)


# ---- what a claim may not do ----

@pytest.mark.parametrize("topic", ["pumps/state", CREATE + "xml", CREATE + "json/accepted", "$aws/certificates/create",
                                   "$aws/provisioning-templates/x/provision/json/rejected", "$aws/certificates/list"])
def test_a_claim_may_publish_nothing_but_its_requests(fleet, claim, topic):
    with fleet.connect(claim, version=mqtt.V3) as client:
        client.send(mqtt.publish(topic, b"{}", qos=1, number=1))
        assert client.is_closed_silently()


def test_a_claim_may_use_its_own_template_only(fleet, claim, base_policy):
    other = fleet.template(template_body(policy={"PolicyName": base_policy}))
    with fleet.connect(claim) as client:
        assert client.publish(provision_topic(other) + "json", b"{}") == 0x87


def test_create_does_not_cover_create_from_csr(fleet, pumps):
    with fleet.connect(fleet.claim(pumps, create=["create"])) as client:
        assert client.publish(FROM_CSR + "json", b"{}") == 0x87
        assert "certificateId" in ask(client, CREATE, {})


# ---- payloads that are none ----

BROKEN = {
    "json, text": (CREATE + "json", b"hello"),
    "json, a list": (CREATE + "json", b"[]"),
    "json, a number": (FROM_CSR + "json", b"7"),
    "json, trailing bytes": (FROM_CSR + "json", b"{} {}"),
    "json, cut short": (FROM_CSR + "json", b'{"certificateSigningRequest":"'),
    "json, 200 deep": (FROM_CSR + "json", b'{"a":' * 200 + b"1" + b"}" * 200),
    "json, not UTF-8": (FROM_CSR + "json", b'{"certificateSigningRequest":"\xff\xfe"}'),
    "json, a large list": (CREATE + "json", b"[" + b"1," * 60000 + b"1]"),
    "json, wrong type": (FROM_CSR + "json", b'{"certificateSigningRequest":["x"]}'),
    "cbor, cut short": (FROM_CSR + "cbor", bytes.fromhex("a1781963657274")),
    "cbor, trailing byte": (CREATE + "cbor", b"\xa0\x00"),
    "cbor, a list": (CREATE + "cbor", b"\x80"),
    "cbor, byte string": (FROM_CSR + "cbor", cbor2.dumps({"certificateSigningRequest": b"abc"})),
    "cbor, a map of 2^60": (CREATE + "cbor", bytes.fromhex("bb1000000000000000")),
    "cbor, a text of 2^63": (FROM_CSR + "cbor", bytes.fromhex("a17b8000000000000000")),
    "cbor, nesting": (CREATE + "cbor", b"\xa1\x61a" * 200 + b"\xa0"),
    "cbor, nested lists": (CREATE + "cbor", b"\x81" * 100000),
    "cbor, never ends": (CREATE + "cbor", b"\xbf"),
    "cbor, a stray break": (CREATE + "cbor", b"\xff"),
    "cbor, reserved head": (CREATE + "cbor", b"\xbc"),
    "cbor, text that is not UTF-8": (FROM_CSR + "cbor", b"\xa1\x61\xff\x61a"),
}


@pytest.mark.parametrize("topic,payload", BROKEN.values(), ids=BROKEN)
def test_37_a_broken_payload_is_rejected_and_the_connection_stays(station, topic, payload):
    station.publish(topic, payload)
    answer = station.message()
    with pytest.raises(Rejected) as refused:
        answer_of(answer, Cbor if topic.endswith("cbor") else Json)
    assert (refused.value.status, refused.value.code) == (400, "InvalidPayload")
    assert answer.topic == topic + "/rejected"
    assert "certificateId" in ask(station, FROM_CSR, {"certificateSigningRequest": make_csr(make_key())})


@BOTH
def test_37_payloads_bent_at_random_are_rejected_and_the_connection_stays(station, pumps, coding):
    chance = random.Random(37)
    good = coding.encode({"certificateOwnershipToken": "T0k", "parameters": {"SerialNumber": "sn-7", "n": 1}})
    for _ in range(150):
        bent = bytearray(good[:chance.randrange(1, len(good) + 1)])
        for _ in range(chance.randrange(1, 4)):
            bent[chance.randrange(len(bent))] = chance.randrange(256)
        station.publish(provision_topic(pumps) + coding.name, bytes(bent))
        with pytest.raises(Rejected) as refused:
            answer_of(station.message(), coding)
        assert refused.value.status == 400
    station.ping()


CSRS = {
    "missing": {}, "empty": {"certificateSigningRequest": ""}, "no PEM": {"certificateSigningRequest": "abc"},
    "17 KB": {"certificateSigningRequest": "A" * 17000},
    "broken DER": {"certificateSigningRequest": "-----BEGIN CERTIFICATE REQUEST-----\nMIIBAAAA\n"
                                                "-----END CERTIFICATE REQUEST-----\n"},
    "a certificate": {"certificateSigningRequest": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
    "a key": {"certificateSigningRequest": key_pem(make_key())},
}


@BOTH
@pytest.mark.parametrize("request_", CSRS.values(), ids=CSRS)
def test_a_request_that_is_no_csr_is_rejected_by_name(station, coding, request_):
    with pytest.raises(Rejected) as refused:
        ask(station, FROM_CSR, request_, coding)
    assert (refused.value.status, refused.value.code) == (400, "InvalidCsr")


def test_a_csr_whose_signature_does_not_verify_is_rejected(station):
    """The last base64 line before the end holds the signature's last bytes: one of them is turned."""
    lines = make_csr(make_key()).splitlines()
    last = lines[-2]
    lines[-2] = ("B" if last[0] == "A" else "A") + last[1:]
    with pytest.raises(Rejected) as refused:
        ask(station, FROM_CSR, {"certificateSigningRequest": "\n".join(lines) + "\n"})
    assert (refused.value.status, refused.value.code) == (400, "InvalidCsr")


PARAMETERS = {
    "a list": {"SerialNumber": ["x"]}, "a map": {"SerialNumber": {"a": "b"}}, "null": {"SerialNumber": None},
    "a fraction": {"SerialNumber": 1.5}, "a name with a slash": {"SerialNumber": "a/b"},
    "a name with a wildcard": {"SerialNumber": "+"}, "too long a name": {"SerialNumber": "x" * 200},
}


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_that_cannot_be_are_rejected(station, fleet, pumps, parameters):
    _, token = fleet.from_csr(station)
    before = fleet.things()
    with pytest.raises(Rejected) as refused:
        fleet.register(station, pumps, token, **parameters)
    assert (refused.value.status, refused.value.code) == (400, "InvalidParameters")
    assert fleet.things() == before


@pytest.mark.parametrize("given,name", [(7, "7"), (True, "true"), (-12, "-12")])
@BOTH
def test_integers_and_booleans_are_taken_as_text(fleet, station, pumps, coding, given, name):
    _, token = fleet.from_csr(station)
    assert fleet.register(station, pumps, token, coding, SerialNumber=given)["thingName"] == f"dev-{name}"


# ---- wildcards and variables from a device ----

@pytest.mark.parametrize("serial", ["*", "a?", "${iot:ClientId}", "$", "{", "}", '"', "\\", "a\nb"])
def test_a_device_cannot_widen_its_policy(fleet, serial):
    statement = {"Effect": "Allow", "Action": "iot:Publish",
                 "Resource": {"Fn::Sub": fleet.arn("topic/d/${SerialNumber}")}}
    body = template_body(thing=False, policy={"PolicyDocument": json.loads(document(statement))})
    template = fleet.template(body)
    with fleet.connect(fleet.claim(template)) as client:
        _, token = fleet.from_csr(client)
        with pytest.raises(Rejected) as refused:
            fleet.register(client, template, token, SerialNumber=serial)
        assert (refused.value.status, refused.value.code) == (400, "InvalidParameters")
        fleet.register(client, template, token, SerialNumber="plain")


# ---- a factory's morning ----

def test_36_two_hundred_devices_provision_at_once_through_one_claim(fleet, claim, pumps, record_property):
    context = mqtt.tls_context(fleet.server.ca, claim)
    began = time.monotonic()

    def provision(number):
        with fleet.open(context=context) as client:
            assert client.connect(f"morning-{number}").reason == 0
            asked = time.monotonic()
            made = ask(client, CREATE, {}) if number % 10 == 0 else \
                ask(client, FROM_CSR, {"certificateSigningRequest": make_csr(make_key())}, Cbor)
            took = time.monotonic() - asked
            answer = fleet.register(client, pumps, made["certificateOwnershipToken"], SerialNumber=f"morning-{number}")
            return took, answer["thingName"], made["certificateId"]

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        done = list(pool.map(provision, range(200)))
    assert {name for _, name, _ in done} == {f"dev-morning-{n}" for n in range(200)}
    assert len({id_ for _, _, id_ in done}) == 200
    times = sorted(took for took, _, _ in done)
    record_property("create_p50_ms", round(times[100] * 1000))
    record_property("create_p99_ms", round(times[198] * 1000))
    print(f"200 devices in {time.monotonic() - began:.1f} s; create p50 {times[100] * 1000:.0f} ms, "
          f"p99 {times[198] * 1000:.0f} ms")
    assert times[198] < 15
