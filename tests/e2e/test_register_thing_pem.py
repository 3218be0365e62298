"""RegisterThing with a certificate that somebody else signed: it is registered as RegisterCertificate does (provisioning
4.4; x509 4.3)."""
import concurrent.futures
import json

import pytest

from fleet import ALLOW_ALL, Fleet
from muster import Identity, refused, unique
from people import Person, allow
from pki import Authority, register

ENDS = "Register thing workflow execution terminates due to: "
FAILED = ("ResourceRegistrationFailureException", 400)


@pytest.fixture(scope="module")
def account(server):
    return server.other_account()


@pytest.fixture(scope="module")
def iot(account):
    return account.boto("iot")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, f"/CN={unique('ca')}")


def ask(iot, device, name=None, override=None, policy=None, **properties):
    certificate = {"Type": "AWS::IoT::Certificate", "Properties": {"CertificatePem": {"Ref": "Pem"}, **properties}}
    if override:
        certificate["OverrideSettings"] = {"Status": override}
    resources = {"certificate": certificate,
                 "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": name or unique("pump")}}}
    if policy:
        resources["policy"] = {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": policy}}
    return iot.register_thing(templateBody=json.dumps({"Parameters": {"Pem": {"Type": "String"}}, "Resources": resources}),
                              parameters={"Pem": device.certificate})


def describe(iot, device):
    return iot.describe_certificate(certificateId=device.id)["certificateDescription"]


def is_nowhere(iot, device, name):
    for ask_for in (lambda: describe(iot, device), lambda: iot.describe_thing(thingName=name)):
        with refused("ResourceNotFoundException", 404, of=iot):
            ask_for()
    return True


def test_it_is_registered_under_its_ca_and_connects(account, iot, authority):
    ca, fleet, device, name = register(account, authority), Fleet(account), authority.device(), unique("pump")
    made = ask(iot, device, name, policy=fleet.policy(ALLOW_ALL))
    found = describe(iot, device)
    assert (found["status"], found["caCertificateId"], found["certificateMode"]) == ("ACTIVE", ca, "DEFAULT")
    assert made["certificatePem"] == found["certificatePem"] == device.certificate
    assert made["resourceArns"]["certificate"] == account.arn(f"cert/{device.id}")
    assert iot.list_thing_principals(thingName=name)["principals"] == [account.arn(f"cert/{device.id}")]
    host = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    with fleet.connect(device, server_name=host):
        pass


@pytest.mark.parametrize("mode", ["DEFAULT", "SNI_ONLY"])
def test_its_status_and_mode(account, iot, authority, mode):
    register(account, authority, mode=mode)
    device = authority.device()
    ask(iot, device, Status="INACTIVE")
    assert (describe(iot, device)["status"], describe(iot, device)["certificateMode"]) == ("INACTIVE", mode)


def test_one_that_is_there_is_used_even_when_its_ca_is_gone(account, iot, authority):
    ca, device = register(account, authority), authority.device()
    iot.register_certificate(certificatePem=device.certificate)
    iot.update_ca_certificate(certificateId=ca, newStatus="INACTIVE")
    iot.delete_ca_certificate(certificateId=ca)
    ask(iot, device)
    assert describe(iot, device)["status"] == "INACTIVE"
    ask(iot, device, override="REPLACE")
    assert describe(iot, device)["status"] == "ACTIVE"


def test_without_an_active_issuer_nothing_is_made(account, iot, authority):
    device, name = authority.device(), unique("pump")
    with refused(*FAILED, text=ENDS + "No CA certificate exists", of=iot):
        ask(iot, device, name)
    ca = register(account, authority)
    iot.update_ca_certificate(certificateId=ca, newStatus="INACTIVE")
    with refused(*FAILED, text="INACTIVE", of=iot):
        ask(iot, device, name)
    assert is_nowhere(iot, device, name)


def test_when_several_cas_share_the_subject_the_template_says_which(account, iot, tmp_path):
    old = Authority(tmp_path, "/CN=twins")
    new = Authority(tmp_path, "/CN=twins", same_key=old)
    for one in (old, new):
        register(account, one)
    device, name, stranger = old.device(), unique("pump"), Authority(tmp_path, "/CN=twins")
    with refused(*FAILED, text="More than one registered CA", of=iot):
        ask(iot, device, name)
    with refused(*FAILED, text="No CA certificate exists", of=iot):
        ask(iot, device, name, CACertificatePem=stranger.pem)
    register(account, stranger)
    with refused(*FAILED, text="not signed", of=iot):
        ask(iot, device, name, CACertificatePem=stranger.pem)
    with refused(*FAILED, text="CACertificatePem", of=iot):
        ask(iot, device, name, CACertificatePem="no certificate")
    assert is_nowhere(iot, device, name)
    ask(iot, device, name, CACertificatePem=new.pem)
    assert describe(iot, device)["caCertificateId"] != describe(iot, device)["certificateId"]


def test_a_chain_is_not_one_certificate(account, iot, authority):
    register(account, authority)
    device, name = authority.device(), unique("pump")
    both = Identity(account.home, device.id, device.certificate + authority.pem, device.key)
    assert len(both.certificate) < 4096
    with refused(*FAILED, text="CertificatePem", of=iot):
        ask(iot, both, name)
    assert is_nowhere(iot, device, name)


def test_what_another_account_has_in_default_mode_is_not_taken(account, server, iot, tmp_path):
    other = server.other_account()
    ours = Authority(tmp_path, "/CN=shared")
    theirs = Authority(tmp_path, "/CN=shared", same_key=ours)
    register(account, ours)
    register(other, theirs)
    device, name = ours.device(), unique("pump")
    other.boto("iot").register_certificate(certificatePem=device.certificate)
    with refused(*FAILED, text="This request is not valid", of=iot):
        ask(iot, device, name)
    assert is_nowhere(iot, device, name)


def test_it_needs_the_right_to_register_certificates(server, tmp_path):
    authority = Authority(tmp_path, f"/CN={unique('ca')}")
    register(server, authority)
    device, name = authority.device(), unique("pump")
    rights = ["iot:RegisterThing", "iot:CreateThing", "iot:AttachThingPrincipal", "iot:UpdateCertificate"]
    person = Person(server, allow(rights))
    with refused("AccessDeniedException", 403, "iot:RegisterCertificate"):
        ask(person.boto(), device, name)
    assert is_nowhere(server.boto(), device, name)
    ask(Person(server, allow([*rights, "iot:RegisterCertificate"])).boto(), device, name)
    assert describe(server.boto(), device)["status"] == "ACTIVE"


def test_of_many_at_once_one_registers_it_and_the_others_find_it(account, iot, authority):
    register(account, authority)
    device, name = authority.device(), unique("pump")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(iot, device, name)["resourceArns"], range(16)))
    assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1
    assert describe(iot, device)["customerVersion"] == 2     # registered INACTIVE, then ACTIVE, once
