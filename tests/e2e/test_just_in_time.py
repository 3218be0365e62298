"""Just-in-time registration and provisioning (x509 3.5, 3.6, 4.9, 4.10): certificates of a registered CA that nobody has
seen connect, are stored, announced, provisioned by the CA's template, and connect again."""
import json
import random
import threading

import pytest

import mqtt
from fleet import ALLOW_ALL
from muster import eventually, run, unique
from pki import Authority, openssl, register

COMMON_NAME, ID = "AWS::IoT::Certificate::CommonName", "AWS::IoT::Certificate::Id"


def body(*, thing=COMMON_NAME, policy=None, document=None, parameters=(), group=None, status="ACTIVE", attributes=None):
    properties = {"ThingName": {"Ref": thing}}
    if attributes:
        properties["AttributePayload"] = attributes
    if group:
        properties["ThingGroups"] = [group]
    resources = {"thing": {"Type": "AWS::IoT::Thing", "Properties": properties},
                 "certificate": {"Type": "AWS::IoT::Certificate",
                                 "Properties": {"CertificateId": {"Ref": ID}, "Status": status}}}
    if policy or document:
        resources["policy"] = {"Type": "AWS::IoT::Policy",
                               "Properties": {"PolicyName": policy} if policy else {"PolicyDocument": document}}
    names = {thing, ID, *parameters}
    return json.dumps({"Parameters": {name: {"Type": "String"} for name in names}, "Resources": resources})


class House:
    """A CA of the default account, whose devices come unannounced."""

    def __init__(self, fleet, folder, *, automatic=True, active=True, mode="DEFAULT", above=None, **more):
        self.fleet, self.iot, self.server = fleet, fleet.iot, fleet.server
        self.authority = Authority(folder, f"/O=Lamps/CN={unique('ca')}", above=above)
        self.ca = register(fleet.server, self.authority, active=active, automatic=automatic, mode=mode, **more)
        self.host = self.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        self.listener = fleet.connect(fleet.device())
        self.listener.subscribe(f"$aws/events/certificates/registered/{self.ca}")

    def knock(self, identity, client_id=None, version=mqtt.V3):
        """A CONNECT that is closed without an answer."""
        assert self.fleet.is_refused_silently(identity, client_id, version=version, server_name=self.host)

    def event(self):
        return json.loads(self.listener.message().payload)

    def silence(self):
        assert self.listener.has_nothing_more()

    def known(self, identity):
        """What is stored of it; None: nothing."""
        try:
            return self.iot.describe_certificate(certificateId=identity.id)["certificateDescription"]
        except self.iot.exceptions.ResourceNotFoundException:
            return None

    def can_connect(self, identity, client_id=None):
        with self.fleet.open(identity, server_name=self.host) as client:
            try:
                return client.connect(client_id or unique("client")).reason == 0
            except mqtt.Closed:
                return False

    def until_active(self, identity):
        eventually(lambda: self.known(identity)["status"] == "ACTIVE", what="the certificate is ACTIVE")

    def metric(self, name):
        return self.server.metrics()[f"muster_provision_thing_{name}_total"]


@pytest.fixture
def house(fleet, tmp_path):
    return House(fleet, tmp_path)


def with_template(fleet, folder, template=None, **more):
    template = template or body(**more)
    return House(fleet, folder, registrationConfig={"templateBody": template, "roleArn": fleet.server.role})


# ---- 19-22: registration ----

def test_x509_19_a_handshake_alone_registers_nothing(house):
    device = house.authority.device("shy")
    with house.fleet.open(device, server_name=house.host):
        assert house.known(device) is None
    house.silence()


def test_x509_19_the_first_connect_registers_and_every_connect_tells(house):
    device = house.authority.device("lamp")
    house.knock(device)
    first = house.event()
    known = house.known(device)
    assert (known["status"], known["caCertificateId"], known["certificateMode"]) == \
        ("PENDING_ACTIVATION", house.ca, "DEFAULT")
    assert first == {"certificateId": device.id, "caCertificateId": house.ca, "timestamp": first["timestamp"],
                     "certificateStatus": "PENDING_ACTIVATION", "awsAccountId": house.server.account,
                     "certificateRegistrationTimestamp": None}
    assert isinstance(first["timestamp"], int)
    house.knock(device, version=mqtt.V5)
    second = house.event()
    assert second["certificateRegistrationTimestamp"] == str(first["timestamp"])
    assert second["timestamp"] >= first["timestamp"] and second["certificateId"] == device.id
    house.silence()


def test_x509_19_mosquitto_is_cut_off(house):
    device = house.authority.device("lamp")
    done = run("mosquitto_pub", "-h", "localhost", "-p", house.server.mqtt_port, "--cafile", house.server.ca, "--cert",
               device.certificate_file, "--key", device.key_file, "-i", "lamp", "-t", "t", "-m", "m", "-q", "1")
    assert done.returncode != 0
    assert house.event()["certificateId"] == device.id


def test_x509_22_activated_it_connects_and_otherwise_it_does_not(house):
    device, other = house.authority.device("one"), house.authority.device("two")
    house.knock(device)
    house.knock(other)
    house.event(), house.event()
    policy = house.fleet.policy(ALLOW_ALL)
    house.iot.attach_policy(policyName=policy, target=house.server.arn(f"cert/{device.id}"))
    house.iot.update_certificate(certificateId=device.id, newStatus="ACTIVE")
    assert house.can_connect(device)
    for status in ("INACTIVE", "REVOKED"):
        house.iot.update_certificate(certificateId=other.id, newStatus=status)
        house.knock(other)
    house.silence()


def test_x509_20_leaf_alone_and_leaf_with_its_ca(house):
    leaf, chained = house.authority.device("leaf"), house.authority.device("chained")
    with open(chained.certificate_file, "a") as file:
        file.write(house.authority.pem)
    for device in (leaf, chained):
        house.knock(device)
        assert house.event()["certificateId"] == device.id


def test_x509_20_only_the_direct_issuer_counts(fleet, tmp_path):
    root = House(fleet, tmp_path)
    below = Authority(tmp_path, f"/CN={unique('below')}", above=root.authority)
    device = below.device("leaf")
    root.knock(device)
    assert root.known(device) is None
    register(fleet.server, below, automatic=True)
    root.knock(device)
    assert root.known(device)["status"] == "PENDING_ACTIVATION"
    root.silence()


@pytest.mark.parametrize("closed", [{"active": False}, {"automatic": False}])
def test_x509_21_a_closed_ca_takes_nobody(fleet, tmp_path, closed):
    house = House(fleet, tmp_path, **closed)
    device = house.authority.device("lamp")
    house.knock(device)
    assert house.known(device) is None
    house.silence()


def test_x509_21_a_foreign_ca_and_a_namesake_take_nobody(house, tmp_path):
    stranger = Authority(tmp_path, "/CN=stranger").device("lamp")
    subject = openssl("x509", "-noout", "-subject", "-nameopt", "compat", "-in", house.authority.certificate_file)
    namesake = Authority(tmp_path, subject.strip().removeprefix("subject=").strip()).device("lamp")
    for device in (stranger, namesake):
        house.knock(device)
        assert house.known(device) is None
    house.silence()


def test_x509_21_closed_later_it_tells_no_more(house):
    device = house.authority.device("lamp")
    house.knock(device)
    house.event()
    house.iot.update_ca_certificate(certificateId=house.ca, newAutoRegistrationStatus="DISABLE")
    house.knock(device)
    house.silence()
    assert house.known(device)["status"] == "PENDING_ACTIVATION"


def test_an_expired_certificate_is_not_registered(house):
    device = house.authority.device("old", days=1)
    with house.fleet.later(2 * 86400):
        house.knock(device)
    assert house.known(device) is None
    house.silence()


def nameless(fleet, identity):
    """A CONNECT of a client that names no host; closed without an answer."""
    context = mqtt.tls_context(fleet.server.ca, identity)
    context.check_hostname = False
    with fleet.open(context=context, server_name=None) as client:
        client.send(mqtt.connect(unique("client")))
        assert client.is_closed_silently()


def test_without_a_name_only_the_ca_that_was_sent_along_counts(fleet, tmp_path):
    for mode, told in (("DEFAULT", True), ("SNI_ONLY", False)):
        house = House(fleet, tmp_path, mode=mode)
        leaf, chained = house.authority.device("leaf"), house.authority.device("chained")
        with open(chained.certificate_file, "a") as file:
            file.write(house.authority.pem)
        nameless(fleet, leaf)
        assert house.known(leaf) is None
        nameless(fleet, chained)
        assert (house.known(chained) is not None) == told


def test_the_account_is_the_hosts(fleet, tmp_path):
    """A CA of one account takes nobody into another one."""
    house, other = House(fleet, tmp_path), fleet.server.other_account()
    host = other.boto("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    device = house.authority.device("lamp")
    assert fleet.is_refused_silently(device, server_name=host)
    assert house.known(device) is None
    house.silence()


def test_https_the_first_request_registers(house):
    device = house.authority.device("lamp")

    def post():
        return run("curl", "-sS", "--cacert", house.server.ca, "--cert", device.certificate_file, "--key",
                   device.key_file, "-w", "%{http_code}", "-o", "/dev/null", "-d", "hello",
                   f"https://localhost:{house.server.device_https_port}/topics/t?qos=1").stdout

    assert post() == "403"
    assert house.event()["certificateId"] == device.id
    house.iot.attach_policy(policyName=house.fleet.policy(ALLOW_ALL), target=house.server.arn(f"cert/{device.id}"))
    house.iot.update_certificate(certificateId=device.id, newStatus="ACTIVE")
    assert post() == "200"


def test_the_refusal_says_what_to_do(fleet, tmp_path):
    house = House(fleet, tmp_path, automatic=False)
    device = house.authority.device("lamp")
    house.knock(device)
    line = [line for line in house.server.log.splitlines() if device.id in line and "AuthNError" in line][-1]
    assert "auto-registration disabled" in line and "update-ca-certificate" in line and house.ca in line


# ---- 23-26: provisioning ----

def test_x509_23_the_template_makes_all_of_it_and_the_retry_connects(fleet, tmp_path):
    policy, group = fleet.policy(ALLOW_ALL), unique("group")
    fleet.iot.create_thing_group(thingGroupName=group)
    house = with_template(fleet, tmp_path, policy=policy, group=group,
                          attributes={"country": {"Ref": "AWS::IoT::Certificate::Country"}},
                          parameters=["AWS::IoT::Certificate::Country"])
    name, success = unique("lamp"), house.metric("success")
    device = house.authority.device(subject=f"/C=DE/CN={name}")
    house.knock(device)
    assert house.event()["certificateStatus"] == "PENDING_ACTIVATION"
    house.until_active(device)
    assert house.can_connect(device)
    arn = house.server.arn(f"cert/{device.id}")
    thing = house.iot.describe_thing(thingName=name)
    assert thing["attributes"] == {"country": "DE"}
    assert house.iot.list_thing_principals(thingName=name)["principals"] == [arn]
    assert house.iot.list_thing_groups_for_thing(thingName=name)["thingGroups"][0]["groupName"] == group
    assert [p["policyName"] for p in house.iot.list_attached_policies(target=arn)["policies"]] == [policy]
    assert house.metric("success") == success + 1


def test_x509_24_a_template_that_fails_leaves_the_certificate_waiting(fleet, tmp_path):
    country = "AWS::IoT::Certificate::Country"
    house = with_template(fleet, tmp_path, document=json.dumps({"Version": "2012-10-17", "Statement": [ALLOW_ALL]}),
                          parameters=[country])
    name, errors = unique("lamp"), house.metric("client_error")
    device = house.authority.device(name)
    for attempt in (1, 2):
        house.knock(device)
        house.event()
        eventually(lambda: house.metric("client_error") == errors + attempt, what="a counted failure")
    assert house.known(device)["status"] == "PENDING_ACTIVATION"
    assert name not in fleet.things()
    lines = [line for line in house.server.log.splitlines() if "JITP" in line and device.id in line]
    assert lines and "Country" in lines[-1] and "ClientError" in lines[-1] and house.ca in lines[-1]
    house.iot.update_ca_certificate(certificateId=house.ca, registrationConfig={
        "templateBody": body(policy=fleet.policy(ALLOW_ALL)), "roleArn": fleet.server.role})
    house.knock(device)
    house.until_active(device)
    assert house.can_connect(device) and name in fleet.things()


def test_x509_25_serial_number_is_of_the_subject(fleet, tmp_path):
    serial = "AWS::IoT::Certificate::SerialNumber"
    house = with_template(fleet, tmp_path, policy=fleet.policy(ALLOW_ALL), thing=serial)
    name = unique("SN")
    device = house.authority.device(subject=f"/CN=lamp/serialNumber={name}")
    house.knock(device)
    house.until_active(device)
    assert house.iot.list_thing_principals(thingName=name)["principals"] == [house.server.arn(f"cert/{device.id}")]


def test_x509_26_by_template_name(fleet, tmp_path):
    name = fleet.template(body(policy=fleet.policy(ALLOW_ALL)), type="JITP")
    house = House(fleet, tmp_path, registrationConfig={"templateName": name})
    device = house.authority.device(unique("lamp"))
    house.iot.update_provisioning_template(templateName=name, enabled=False)
    errors = house.metric("client_error")
    house.knock(device)
    eventually(lambda: house.metric("client_error") == errors + 1, what="a disabled template counts")
    house.iot.update_provisioning_template(templateName=name, enabled=True)
    house.knock(device)
    house.until_active(device)
    assert house.can_connect(device)


def test_without_its_config_the_ca_only_registers(fleet, tmp_path):
    house = with_template(fleet, tmp_path, policy=fleet.policy(ALLOW_ALL))
    house.iot.update_ca_certificate(certificateId=house.ca, removeAutoRegistration=True)
    device, name = None, unique("lamp")
    device = house.authority.device(name)
    house.knock(device)
    house.event()
    house.knock(device)
    house.event()
    assert house.known(device)["status"] == "PENDING_ACTIVATION" and name not in fleet.things()


def test_the_switch_holds_the_first_connect(make_server, tmp_path):
    from fleet import Fleet
    fleet = Fleet(make_server(settings={"jitp_hold": True}))
    house = with_template(fleet, tmp_path, policy=fleet.policy(ALLOW_ALL))
    device = house.authority.device(unique("lamp"))
    assert house.can_connect(device)
    assert house.event()["certificateId"] == device.id
    bad = with_template(fleet, tmp_path, policy="not-there")
    device = bad.authority.device(unique("lamp"))
    bad.knock(device)
    assert bad.known(device)["status"] == "PENDING_ACTIVATION"


def test_many_connects_of_one_device_make_one_thing(fleet, tmp_path):
    house = with_template(fleet, tmp_path, policy=fleet.policy(ALLOW_ALL))
    name = unique("lamp")
    device, success = house.authority.device(name), house.metric("success")
    threads = [threading.Thread(target=house.can_connect, args=(device,)) for _ in range(16)]
    random.shuffle(threads)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.until_active(device)
    assert house.can_connect(device)
    assert house.metric("success") == success + 1
    assert house.iot.list_thing_principals(thingName=name)["principals"] == [house.server.arn(f"cert/{device.id}")]
