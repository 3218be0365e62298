"""Who gets in: TLS, certificates, CONNECT and its answer (broker 4.2, 4.4; x509 4.8)."""
import contextlib
import datetime
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import mqtt
from fleet import ALLOW_ALL, key_pem, make_key
from mqtt import V3, V5
from muster import Identity, eventually, unique

pytestmark = pytest.mark.usefixtures("silent")  # test_mqtt asks how they ended
VERSIONS = pytest.mark.parametrize("version", [V3, V5], ids=["3.1.1", "5"])
NOT_AUTHORIZED, TAKEN_OVER = 0x87, 0x8E


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


def answer(fleet, identity, client_id, version=V5, **options):
    """The reason of CONNACK, or None when the server closes without one."""
    with fleet.open(identity, version=version) as client:
        try:
            return client.connect(client_id, **options).reason
        except mqtt.Closed:
            return None


# ---- TLS ----

def handshake(fleet, identity=None, **options):
    with fleet.open(identity, **options) as client:
        return client.socket.version(), client.socket.selected_alpn_protocol()


def test_an_unknown_server_name_gets_the_fatal_alert(fleet, device):
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        handshake(fleet, device, server_name="nobody.example")


def test_the_accounts_own_host_is_known(fleet, device):
    host = fleet.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    context = mqtt.tls_context(fleet.server.ca, device)
    context.check_hostname = host != fleet.server.host
    with fleet.open(context=context, server_name=host) as client:
        assert client.connect(unique("own")).reason == 0


@VERSIONS
def test_an_address_instead_of_a_name_is_served(fleet, device, version):
    with fleet.open(device, version=version, server_name="127.0.0.1") as client:  # no SNI then
        assert client.connect(unique("plain")).reason == 0


@pytest.mark.parametrize("port", ["mqtt_port", "https_port"])
def test_the_protocol_name_of_mqtt_is_taken(fleet, device, port):
    with fleet.open(device, port=getattr(fleet.server, port), alpn=["x-amzn-mqtt-ca"]) as client:
        assert client.socket.selected_alpn_protocol() == "x-amzn-mqtt-ca"
        assert client.connect(unique("alpn")).reason == 0


def test_an_unknown_protocol_name_is_no_obstacle(fleet, device):
    with fleet.open(device, alpn=["h2", "something"]) as client:
        assert client.socket.selected_alpn_protocol() is None
        assert client.connect(unique("alpn")).reason == 0


def context_for(fleet, identity, newest):
    context = mqtt.tls_context(fleet.server.ca, identity)
    context.maximum_version = newest
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_refused(fleet, device):
    context = context_for(fleet, device, ssl.TLSVersion.TLSv1_1)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL"):
        fleet.open(context=context)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_no_session_is_resumed_and_no_ticket_given(fleet, device, newest):
    context = context_for(fleet, device, newest)
    with fleet.open(context=context) as client:
        client.connect(unique("first"))
        client.ping()  # tickets of TLS 1.3 would have come by now
        session = client.socket.session
        assert session is None or not session.has_ticket
    if session is not None:
        plain = mqtt.socket.create_connection((fleet.server.host, fleet.server.mqtt_port), mqtt.PATIENCE_S)
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as again:
            assert not again.session_reused


@pytest.mark.parametrize("suite,kind", [("ECDHE-ECDSA-AES128-GCM-SHA256", "Elliptic"), ("ECDHE-RSA-AES128-GCM-SHA256", "RSA"),
                                        ("AES256-SHA256", "RSA")])
def test_the_server_has_a_certificate_for_both_kinds_of_suites(fleet, device, suite, kind):
    context = context_for(fleet, device, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(suite)
    with fleet.open(context=context) as client:
        assert client.socket.cipher()[0] == suite
        shown = x509.load_der_x509_certificate(client.socket.getpeercert(True))
        assert kind in type(shown.public_key()).__name__
        assert client.connect(unique("suite")).reason == 0


# ---- certificates ----

def stranger(fleet):
    """A certificate that its holder signed."""
    key, name = make_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(1))
            .not_valid_after(now + datetime.timedelta(1)).sign(key, hashes.SHA256()))
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    return Identity(fleet.server.home, made.fingerprint(hashes.SHA256()).hex(), pem, key_pem(key))


@VERSIONS
def test_no_certificate_is_like_an_unknown_one(fleet, version):
    assert fleet.is_refused_silently(None, version=version)


@VERSIONS
def test_a_certificate_that_nobody_registered_is_closed_without_a_word(fleet, version):
    assert fleet.is_refused_silently(stranger(fleet), version=version)


@VERSIONS
@pytest.mark.parametrize("status", ["INACTIVE", "REVOKED"])
def test_a_certificate_that_is_not_active_is_closed_without_a_word(fleet, version, status):
    identity = fleet.device()
    assert fleet.can_connect(identity)
    fleet.iot.update_certificate(certificateId=identity.id, newStatus=status)
    assert fleet.is_refused_silently(identity, version=version)
    log = fleet.server.log
    assert f"DEVICE_CERTIFICATE_{status}" in log and identity.id in log


def test_a_certificate_that_is_activated_gets_in_at_once(fleet):
    identity = fleet.device(active=False)
    assert fleet.is_refused_silently(identity)
    fleet.iot.update_certificate(certificateId=identity.id, newStatus="ACTIVE")
    assert fleet.can_connect(identity)


def test_a_deleted_certificate_is_unknown(fleet):
    identity = fleet.certificate()
    fleet.iot.update_certificate(certificateId=identity.id, newStatus="INACTIVE")
    fleet.iot.delete_certificate(certificateId=identity.id)
    assert fleet.is_refused_silently(identity)


def test_a_certificate_has_its_time(fresh_fleet):
    fleet = fresh_fleet
    identity = fleet.device()
    ends = x509.load_pem_x509_certificate(identity.certificate.encode()).not_valid_after
    left = int((ends - datetime.datetime.utcnow()).total_seconds())
    assert fleet.can_connect(identity)
    with fleet.later(left + 60):
        assert fleet.is_refused_silently(identity)
    with fleet.later(-3600):
        assert fleet.is_refused_silently(identity)
    assert fleet.can_connect(identity)
    log = fleet.server.log
    assert "DEVICE_CERTIFICATE_EXPIRED" in log and "DEVICE_CERTIFICATE_NOT_YET_VALID" in log


# ---- client ids ----

def test_an_empty_client_id_is_assigned_in_version_5(fleet, device):
    with fleet.open(device) as client:
        connack = client.connect("")
        assert connack.reason == 0 and connack.props["assigned_client_id"].startswith("$GEN/")


def test_an_assigned_client_id_may_be_used_again_by_whom_it_was_given(fleet, device):
    with fleet.open(device) as client:
        assigned = client.connect("", props={"session_expiry": 600}).props["assigned_client_id"]
    with fleet.connect(device, assigned, clean=False) as client:
        assert client.connack.session_present and "assigned_client_id" not in client.connack.props
    assert answer(fleet, fleet.device(), assigned) == 0x85


def test_version_3_may_leave_the_client_id_out_when_it_is_clean(fleet, device):
    assert answer(fleet, device, "", V3, clean=True) == 0
    assert answer(fleet, device, "", V3, clean=False) == 2


CLIENT_IDS = {"128 bytes": ("x" * 128, 0), "129 bytes": ("x" * 129, 0x85), "a leading $": ("$me", 0x85),
              "forged assignment": ("$GEN/6f2d6ac4-0b3a-4f55-9d84-000000000000", 0x85),
              "wildcards": ("a+b#", 0), "UTF-8": ("p\u00fcmp", 0), "slashes": ("a/b", 0)}


@pytest.mark.parametrize("client_id,reason", CLIENT_IDS.values(), ids=CLIENT_IDS)
def test_a_client_id_has_rules(fleet, device, client_id, reason):
    assert answer(fleet, device, client_id) == reason
    assert answer(fleet, device, client_id, V3) == (2 if reason else 0)


# ---- CONNECT and CONNACK ----

def test_connack_says_what_is_offered(fleet, device):
    """Shared subscriptions are not offered yet."""
    with fleet.connect(device, keep_alive=60) as client:
        assert client.connack.props == {
            "session_expiry": 0, "receive_maximum": 100, "maximum_qos": 1, "retain_available": 1,
            "maximum_packet_size": 149504, "topic_alias_maximum": 8, "wildcard_available": 1,
            "subscription_id_available": 0, "shared_available": 0, "server_keep_alive": 60}
        assert not client.connack.session_present


@pytest.mark.parametrize("asked,given", [(0, 1200), (5, 30), (30, 30), (1000, 1000), (1200, 1200), (65535, 1200)])
def test_keep_alive_is_kept_within_its_bounds(fleet, device, asked, given):
    with fleet.connect(device, keep_alive=asked) as client:
        assert client.connack.props["server_keep_alive"] == given


@pytest.mark.parametrize("asked,given", [(0, 0), (600, 600), (600000, 3600), (0xFFFFFFFF, 3600)])
def test_session_expiry_is_kept_below_its_maximum(fleet, device, asked, given):
    with fleet.connect(device, props={"session_expiry": asked}) as client:
        assert client.connack.props["session_expiry"] == given


@VERSIONS
def test_user_name_and_password_are_ignored(fleet, device, version):
    assert answer(fleet, device, unique("sdk"), version, user="?SDK=Test&Version=1") == 0
    assert answer(fleet, device, unique("sdk"), version, user="someone", password="wrong") == 0


REFUSED = {
    "authentication method": ({"props": {"authentication_method": "SCRAM"}}, 0x8C),
    "maximum packet size 511": ({"props": {"maximum_packet_size": 511}}, 0x95),
    "maximum packet size 512": ({"props": {"maximum_packet_size": 512}}, 0),
    "will of QoS 2": ({"will": {"topic": "a", "qos": 2}}, 0x9B),
    "will with a wildcard": ({"will": {"topic": "a/+"}}, 0x90),
    "will on a reserved topic": ({"will": {"topic": "$aws/events/presence/connected/x"}}, 0x90),
    "will of 8 slashes": ({"will": {"topic": "1/2/3/4/5/6/7/8/9"}}, 0x90),
    "will of 257 bytes": ({"will": {"topic": "x" * 257}}, 0x90),
    "will of 64 KiB": ({"will": {"topic": "a", "payload": bytes(65535)}}, 0),
    "retained will": ({"will": {"topic": "a", "retain": True}}, 0),
    "will of 7 slashes": ({"will": {"topic": "1/2/3/4/5/6/7/8", "qos": 1}}, 0),
}


@pytest.mark.parametrize("options,reason", REFUSED.values(), ids=REFUSED)
def test_a_connect_that_asks_too_much_is_told_why(fleet, device, options, reason):
    with fleet.open(device) as client:
        connack = client.connect(unique("bold"), **options)
        assert connack.reason == reason and ("reason_string" in connack.props) == (reason != 0)
    if "will" in options:
        assert answer(fleet, device, unique("bold"), V3, **options) == (None if reason else 0)


def test_a_client_that_wants_no_reasons_gets_none(fleet, device):
    with fleet.open(device) as client:
        connack = client.connect("$bad", props={"request_problem_information": 0})
        assert connack.reason == 0x85 and connack.props == {}


RAW = {
    "level 6": ({"version": V5, "level": 6}, bytes.fromhex("2003008400")),
    "level 3": ({"protocol": "MQIsdp", "level": 3}, bytes.fromhex("20020001")),
    "another name": ({"protocol": "MQTX"}, bytes.fromhex("20020001")),
    "reserved flag": ({"flags": 0x03}, b""),
    "will QoS without a will": ({"flags": 0x0A}, b""),
    "will QoS 3": ({"flags": 0x1E, "will": {"topic": "a"}}, b""),
    "password without a user name": ({"flags": 0x42, "password": "x"}, b""),
}


@pytest.mark.parametrize("options,bytes_", RAW.values(), ids=RAW)
def test_a_connect_of_another_kind_is_answered_to_the_byte(fleet, device, options, bytes_):
    with fleet.open(device) as client:
        client.send(mqtt.connect(unique("raw"), **options))
        deadline = time.monotonic() + mqtt.PATIENCE_S
        with pytest.raises(mqtt.Closed):
            while True:
                client.more(deadline)
        assert client.buffer == bytes_


@VERSIONS
def test_a_second_connect_ends_the_connection(fleet, device, version):
    client_id = unique("twice")
    with fleet.connect(device, client_id, version=version) as client:
        client.send(mqtt.connect(client_id, version))
        assert client.closing_reason() == (0x82 if version == V5 else None)


def test_what_is_sent_right_after_connect_is_served_after_connack(fleet, device):
    with fleet.open(device, version=V3) as client:
        client.send(mqtt.connect(unique("eager")), mqtt.subscribe(1, [("a/b", 1)]), mqtt.PING,
                    mqtt.publish("a/b", b"x", qos=1, number=2))
        kinds = [client.receive().kind for _ in range(5)]
        assert kinds[:3] == [mqtt.CONNACK, mqtt.SUBACK, mqtt.PINGRESP]
        assert sorted(kinds[3:]) == [mqtt.PUBLISH, mqtt.PUBACK]


# ---- policies ----

def test_a_client_id_that_no_policy_allows_is_refused(fleet):
    only = fleet.device(fleet.policies.allow("iot:Connect", "client/mine-*"))
    assert answer(fleet, only, "mine-1") == 0 and answer(fleet, only, "mine-1", V3) == 0
    assert answer(fleet, only, "yours-1") == NOT_AUTHORIZED
    assert answer(fleet, only, "yours-1", V3) is None


def test_a_certificate_without_policies_may_nothing(fleet):
    bare = fleet.certificate()
    assert answer(fleet, bare, unique("bare")) == NOT_AUTHORIZED
    assert answer(fleet, bare, unique("bare"), V3) is None


def test_a_will_needs_the_right_to_publish_it(fleet):
    identity = fleet.device(fleet.policies.allow("iot:Connect", "*"),
                            fleet.policies.allow("iot:Publish", "topic/last/*"))
    assert answer(fleet, identity, unique("mortal"), will={"topic": "last/words"}) == 0
    assert answer(fleet, identity, unique("mortal"), will={"topic": "first/words"}) == NOT_AUTHORIZED
    assert answer(fleet, identity, unique("mortal"), V3, will={"topic": "first/words"}) is None


def test_conditions_tell_persistent_from_clean_and_wills_by_their_topic(fleet):
    clean = fleet.device(fleet.policies.allow("iot:Connect", "*", condition={
        "ForAllValues:StringNotEquals": {"iot:ConnectAttributes": "PersistentConnect"}}))
    assert answer(fleet, clean, unique("c"), V3, clean=True) == 0
    assert answer(fleet, clean, unique("c"), V3, clean=False) is None
    assert answer(fleet, clean, unique("c"), props={"session_expiry": 60}) == NOT_AUTHORIZED
    wills = fleet.device(fleet.policies.allow("iot:Connect", "*", condition={
        "ArnEquals": {"iot:LastWillTopic": [fleet.arn("topic/last/*")]}}), fleet.policies.allow("iot:Publish", "*"))
    assert answer(fleet, wills, unique("c"), will={"topic": "last/words"}) == 0
    assert answer(fleet, wills, unique("c"), will={"topic": "other"}) == NOT_AUTHORIZED


# ---- takeover ----

@pytest.mark.parametrize("newer", [V3, V5], ids=["by 3.1.1", "by 5"])
@VERSIONS
def test_a_client_id_has_one_connection(fleet, device, version, newer):
    client_id = unique("twin")
    with fleet.connect(device, client_id, version=version) as first:
        with fleet.connect(device, client_id, version=newer) as second:
            assert first.closing_reason() == (TAKEN_OVER if version == V5 else None)
            second.ping()


def test_takeover_by_another_certificate_publishes_the_first_ones_will(fleet, device):
    client_id = unique("twin")
    with fleet.connect(device) as listener:
        listener.subscribe(f"wills/{client_id}")
        with fleet.connect(device, client_id, will={"topic": f"wills/{client_id}", "payload": b"gone", "qos": 1}):
            with fleet.connect(fleet.device(), client_id) as second:
                assert listener.message().payload == b"gone"
                second.ping()


def test_many_connections_that_fight_for_one_client_id_leave_one(fleet, device):
    """Each connects and takes over whoever is there; one stays, and every other was told."""
    client_id, clients = unique("fight"), []

    def fight():
        client = fleet.open(device)
        clients.append(client)
        client.send(mqtt.connect(client_id, V5))

    threads = [threading.Thread(target=fight) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len([c for c in clients if not c.has_ended()]) == 1, what="the end of the fight")
    for client in clients:
        with client:
            if client.ended:
                assert [(p.kind, p.reason) for p in client.inbox] == [(mqtt.CONNACK, 0), (mqtt.DISCONNECT, TAKEN_OVER)]
            else:
                client.ping()
    log = fleet.server.log
    assert f"client_id=\"{client_id}\"" in log and "two clients fight for one id" in log


def test_newcomers_to_a_fight_wait_a_second(fleet, device):
    """Five takeovers make it a fight: the next newcomer's CONNACK comes late, and takes the id then."""
    client_id, took = unique("fight"), []
    with contextlib.ExitStack() as clients:
        for _ in range(7):
            began = time.monotonic()
            last = clients.enter_context(fleet.connect(device, client_id))
            took.append(time.monotonic() - began)
        assert max(took[:6]) < 1 <= took[6] < 3
        last.ping()


# ---- live connections and their certificate ----

@VERSIONS
def test_a_certificate_that_loses_its_status_loses_its_connections(fleet, version):
    identity = fleet.device()
    with fleet.connect(identity, version=version) as client, fleet.connect(identity, version=version) as second:
        began = time.monotonic()
        fleet.iot.update_certificate(certificateId=identity.id, newStatus="INACTIVE")
        for one in (client, second):
            assert one.closing_reason() == (NOT_AUTHORIZED if version == V5 else None)
        assert time.monotonic() - began < 5


def test_a_policy_that_is_detached_ends_what_it_allowed(fleet):
    identity = fleet.certificate()
    name = fleet.attach(identity, ALLOW_ALL)
    with fleet.connect(identity) as client:
        assert client.publish("a", b"") == 0
        fleet.iot.detach_policy(policyName=name, target=identity.arn)
        eventually(lambda: answer(fleet, identity, unique("later")) == NOT_AUTHORIZED, 5, "the change")
