"""What a fleet needs of an operator, and a device of its fleet: policies, certificates, templates, connections.

Everything is made through public interfaces, under names that no other test has, so that tests may share a server.
"""
import concurrent.futures
import contextlib
import json
import time
import typing

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import mqtt
from muster import Identity, unique


# ---- keys and requests ----

def make_key(curve=ec.SECP256R1):
    return ec.generate_private_key(curve())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption()).decode()


def make_csr(key, *attributes):
    """attributes: (OID, value) pairs of the subject; by default a common name."""
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in
                         attributes or [(NameOID.COMMON_NAME, "a device")]])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


# ---- policies ----

class Policies:
    """IoT policy documents in short: allow(["iot:Publish"], "topic/a", "topic/b")."""

    def __init__(self, region, account):
        self.prefix = f"arn:aws:iot:{region}:{account}:"

    def statement(self, effect, actions, resources, condition=None):
        made = {"Effect": effect, "Action": actions,
                "Resource": [r if r == "*" or r.startswith("arn:") else self.prefix + r for r in resources]}
        return made | ({"Condition": condition} if condition else {})

    def allow(self, actions, *resources, condition=None):
        return self.statement("Allow", actions, resources, condition)

    def deny(self, actions, *resources, condition=None):
        return self.statement("Deny", actions, resources, condition)

    def claim(self, *templates, create=("create", "create-from-csr")):
        """The policy of a claim certificate: provisioning, and nothing else (provisioning 4.7)."""
        topics = [f"$aws/certificates/{name}/*" for name in create]
        topics += [f"$aws/provisioning-templates/{name}/provision/*" for name in templates]
        return [self.allow("iot:Connect", "*"),
                self.allow(["iot:Publish", "iot:Receive"], *(f"topic/{t}" for t in topics)),
                self.allow("iot:Subscribe", *(f"topicfilter/{t}" for t in topics))]


ALLOW_ALL = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


# ---- encodings of the provisioning interface ----

class Json:
    name = "json"
    encode = staticmethod(lambda value: json.dumps(value).encode())
    decode = staticmethod(json.loads)


class Cbor:
    name = "cbor"
    encode = staticmethod(cbor2.dumps)
    decode = staticmethod(cbor2.loads)


CREATE = "$aws/certificates/create/"
FROM_CSR = "$aws/certificates/create-from-csr/"


def provision_topic(template):
    return f"$aws/provisioning-templates/{template}/provision/"


class Rejected(Exception):
    def __init__(self, answer):
        super().__init__(f"{answer['statusCode']} {answer['errorCode']}: {answer['errorMessage']}")
        assert set(answer) == {"statusCode", "errorCode", "errorMessage"} and isinstance(answer["statusCode"], int)
        self.status, self.code, self.message = answer["statusCode"], answer["errorCode"], answer["errorMessage"]


def answer_of(packet, coding):
    """What an answer's packet holds; Rejected when it is a rejection."""
    found = coding.decode(packet.payload)
    if packet.topic.endswith("/rejected"):
        raise Rejected(found)
    assert packet.topic.endswith("/accepted")
    return found


def ask(client, topic, value, coding=Json, qos=1):
    """A request and its answer, on a connection that need not subscribe."""
    payload = value if isinstance(value, bytes) else coding.encode(value)
    client.publish(topic + coding.name, payload, qos=qos)
    return answer_of(client.message(), coding)


# ---- the fleet of a server ----

class Fleet:
    def __init__(self, server):
        self.server, self.iot, self.arn = server, server.boto("iot"), server.arn
        self.policies = Policies(server.region, server.account)

    # -- what an operator makes --

    def policy(self, *statements):
        name = unique("policy")
        self.iot.create_policy(policyName=name, policyDocument=document(*statements))
        return name

    def keep(self, certificate_pem, private_pem, id_):
        return Identity(self.server.home, id_, certificate_pem, private_pem, self.arn(f"cert/{id_}"))

    def certificate(self, *attributes, active=True):
        """A certificate for a key of ours, attached to nothing."""
        key = make_key()
        made = self.iot.create_certificate_from_csr(certificateSigningRequest=make_csr(key, *attributes),
                                                    setAsActive=active)
        return self.keep(made["certificatePem"], key_pem(key), made["certificateId"])

    def attach(self, identity, *statements):
        name = self.policy(*statements)
        self.iot.attach_policy(policyName=name, target=identity.arn)
        return name

    def device(self, *statements, attributes=(), active=True):
        """A certificate with one policy of these statements; without any it may do everything."""
        identity = self.certificate(*attributes, active=active)
        self.attach(identity, *(statements or [ALLOW_ALL]))
        return identity

    def claim(self, *templates, create=("create", "create-from-csr")):
        return self.device(*self.policies.claim(*templates, create=create))

    def template(self, body, **options):
        name = unique("template")
        options = {"enabled": True, "provisioningRoleArn": self.server.role} | options
        self.iot.create_provisioning_template(
            templateName=name, templateBody=body if isinstance(body, str) else json.dumps(body), **options)
        return name

    def thing(self, name=None, **options):
        name = name or unique("thing")
        self.iot.create_thing(thingName=name, **options)
        return name

    # -- what a device does --

    def open(self, identity=None, *, version=mqtt.V5, port=None, alpn=(), server_name="localhost", context=None):
        """TLS, and no CONNECT yet."""
        if context is None:
            context = mqtt.tls_context(self.server.ca, identity, alpn)
        return mqtt.Client((self.server.host, port or self.server.mqtt_port), context, version=version,
                           server_name=server_name)

    def connect(self, identity, client_id=None, *, version=mqtt.V5, server_name="localhost", **options):
        """A connection that is accepted."""
        client = self.open(identity, version=version, server_name=server_name)
        client.connack = client.connect(client_id or unique("client"), **options)
        assert client.connack.reason == 0, f"refused: {client.connack}"
        return client

    def is_refused_silently(self, identity, client_id=None, *, version=mqtt.V5, server_name="localhost"):
        """TLS succeeds, CONNECT is sent, and the server closes without CONNACK."""
        with self.open(identity, version=version, server_name=server_name) as client:
            client.send(mqtt.connect(client_id or unique("client"), version))
            return client.is_closed_silently()

    def can_connect(self, identity, client_id=None):
        """Whether the certificate is admitted and its policies allow it."""
        with self.open(identity) as client:
            try:
                return client.connect(client_id or unique("client")).reason == 0
            except mqtt.Closed:
                return False

    # -- provisioning by hand --

    def keys(self, client, coding=Json):
        """A certificate by CreateKeysAndCertificate: the identity, and the ownership token."""
        made = ask(client, CREATE, {}, coding)
        return self.keep(made["certificatePem"], made["privateKey"], made["certificateId"]), \
            made["certificateOwnershipToken"]

    def from_csr(self, client, coding=Json):
        key = make_key()
        made = ask(client, FROM_CSR, {"certificateSigningRequest": make_csr(key)}, coding)
        return self.keep(made["certificatePem"], key_pem(key), made["certificateId"]), \
            made["certificateOwnershipToken"]

    def register(self, client, template, token, coding=Json, **parameters):
        return ask(client, provision_topic(template),
                   {"certificateOwnershipToken": token, "parameters": parameters}, coding)

    def status(self, id_):
        return self.iot.describe_certificate(certificateId=id_)["certificateDescription"]["status"]

    def certificates(self):
        return {c["certificateId"] for page in self.iot.get_paginator("list_certificates").paginate()
                for c in page["certificates"]}

    def things(self):
        return {t["thingName"] for page in self.iot.get_paginator("list_things").paginate() for t in page["things"]}

    def sweep(self):
        """What the server does every minute; it is under way when this returns."""
        self.server.admin("sweep")

    @contextlib.contextmanager
    def later(self, seconds):
        """The server's wall clock ahead by so much; back afterwards, since signatures would be refused."""
        self.server.admin(f"clock {seconds:+d}")
        try:
            yield
        finally:
            self.server.admin(f"clock {-seconds:+d}")


# ---- templates ----

CERTIFICATE = {"Type": "AWS::IoT::Certificate",
               "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}}
SERIAL = {"Ref": "SerialNumber"}


def template_body(thing=True, certificate=CERTIFICATE, policy=None, **more):
    """A fleet's template: thing "dev-SERIAL", its certificate, and a policy by name or document."""
    resources = {"certificate": certificate}
    if thing:
        given = {} if thing is True else thing
        resources["thing"] = {"Type": "AWS::IoT::Thing", **given,
                              "Properties": {"ThingName": {"Fn::Join": ["-", ["dev", SERIAL]]},
                                             **given.get("Properties", {})}}
    for number, properties in enumerate([policy] if isinstance(policy, dict) else policy or []):
        resources[f"policy{number}"] = {"Type": "AWS::IoT::Policy", "Properties": properties}
    return {"Parameters": {"SerialNumber": {"Type": "String"}}, "Resources": resources, **more}


@pytest.fixture(scope="session")
def fleet(server):
    return Fleet(server)


class Silence(typing.NamedTuple):
    """How a client ended that said nothing any more."""
    after_s: float
    reason: int
    will: bytes


def fall_silent(fleet, device, version):
    topic = unique("silence")
    with fleet.connect(device, keep_alive=1200) as listener:
        listener.subscribe(topic)
        with fleet.connect(device, version=version, keep_alive=30,
                           will={"topic": topic, "payload": b"timed out", "qos": 1}) as client:
            began = time.monotonic()
            client.patience_s = 70
            reason = client.closing_reason()
            return Silence(time.monotonic() - began, reason, listener.message().payload)


@pytest.fixture(scope="session")
def silent(fleet):
    """For each version the future of a client that falls silent now; whoever begins early has others wait less."""
    device, pool = fleet.device(), concurrent.futures.ThreadPoolExecutor(2)
    yield {version: pool.submit(fall_silent, fleet, device, version) for version in (mqtt.V3, mqtt.V5)}
    pool.shutdown(wait=False, cancel_futures=True)


@pytest.fixture
def fresh_fleet(fresh_server):
    """On a server of the test's own, whose clock it may move."""
    return Fleet(fresh_server)
