"""Certificates that somebody else issued (x509 2.2, 4.1, 4.3, 4.5): registered under a CA or without one, once or in two
accounts, and connecting like any other."""
import concurrent.futures

import pytest

from fleet import ALLOW_ALL, Fleet
from muster import Identity, refused, unique
from pki import CA, Authority, fingerprint, openssl, register


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, f"/O=Lamps/CN={unique('ca')}")


def describe(iot, certificate_id):
    return iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]


# ---- under a CA ----

@pytest.mark.parametrize("key", ["P-256", "P-384", "RSA", "RSA-PSS"])
def test_a_device_of_a_registered_ca(server, iot, fleet, tmp_path, key):
    authority = Authority(tmp_path, f"/CN={unique('ca')}", key=key)
    ca, device = register(server, authority), authority.device(unique("lamp"), key=key)
    assert fleet.is_refused_silently(device), "nobody knows it yet"
    made = iot.register_certificate(certificatePem=device.certificate, status="ACTIVE")
    assert (made["certificateId"], made["certificateArn"]) == (device.id, server.arn(f"cert/{device.id}"))
    told = describe(iot, device.id)
    assert (told["status"], told["certificateMode"], told["caCertificateId"]) == ("ACTIVE", "DEFAULT", ca)
    assert told["certificatePem"] == device.certificate and told["transferData"] == {}
    assert (told["validity"]["notAfter"] - told["validity"]["notBefore"]).days == 30
    iot.attach_policy(policyName=fleet.policy(ALLOW_ALL), target=made["certificateArn"])
    with fleet.connect(device):
        pass
    iot.update_certificate(certificateId=device.id, newStatus="INACTIVE")
    assert fleet.is_refused_silently(device)


@pytest.mark.parametrize("given, status", [
    ({}, "INACTIVE"), ({"setAsActive": True}, "ACTIVE"), ({"status": "REVOKED"}, "REVOKED"),
    ({"status": "INACTIVE", "setAsActive": True}, "INACTIVE")])
def test_the_status_that_is_wished_wins(server, iot, authority, given, status):
    register(server, authority)
    made = iot.register_certificate(certificatePem=authority.device().certificate, **given)["certificateId"]
    assert describe(iot, made)["status"] == status


@pytest.mark.parametrize("status", ["PENDING_ACTIVATION", "PENDING_TRANSFER", "REGISTER_INACTIVE"])
def test_x509_13_a_status_that_only_the_service_gives(server, iot, authority, status):
    register(server, authority)
    device = authority.device()
    for call in (iot.register_certificate, iot.register_certificate_without_ca):
        with refused("CertificateStateException", 406, f"Not allowed to register certificate with {status} status"):
            call(certificatePem=device.certificate, status=status)
    with refused("ResourceNotFoundException", 404):
        describe(iot, device.id)


def test_x509_12_who_issued_it_must_be_registered_and_active(server, iot, authority, tmp_path):
    device, no_ca = authority.device(), "No CA certificate exists for the given certificate"
    with refused("CertificateStateException", 406, no_ca, of=iot):
        iot.register_certificate(certificatePem=device.certificate)
    with refused("CertificateStateException", 406, no_ca, of=iot):
        iot.register_certificate(certificatePem=device.certificate, caCertificatePem=authority.pem)
    ca = register(server, authority, active=False)
    for more in ({}, {"caCertificatePem": authority.pem}):
        with refused("CertificateStateException", 406, ca, of=iot):
            iot.register_certificate(certificatePem=device.certificate, **more)
    iot.update_ca_certificate(certificateId=ca, newStatus="ACTIVE")
    namesake = Authority(tmp_path, openssl("x509", "-noout", "-subject", "-nameopt", "compat", "-in",
                                           authority.certificate_file).strip().removeprefix("subject="))
    register(server, namesake)
    stranger = Authority(tmp_path, "/CN=other")
    with refused("CertificateStateException", 406, no_ca, of=iot):
        iot.register_certificate(certificatePem=stranger.device().certificate)
    with refused("CertificateValidationException", 400, "caCertificatePem", of=iot):
        iot.register_certificate(certificatePem=device.certificate, caCertificatePem=namesake.pem)
    assert describe(iot, iot.register_certificate(certificatePem=device.certificate)["certificateId"])[
        "caCertificateId"] == ca


def test_x509_12_two_cas_of_one_key_must_be_told_apart(server, iot, tmp_path):
    subject = f"/CN={unique('ca')}"
    old = Authority(tmp_path, subject)
    new = Authority(tmp_path, subject, same_key=old, days=60)
    cas = [register(server, one) for one in (old, new)]
    device = old.device()
    with refused("CertificateConflictException", 409, "caCertificatePem", of=iot):
        iot.register_certificate(certificatePem=device.certificate)
    iot.register_certificate(certificatePem=device.certificate, caCertificatePem=new.pem)
    assert describe(iot, device.id)["caCertificateId"] == cas[1]


def test_only_the_direct_issuer_counts(server, iot, tmp_path):
    root = Authority(tmp_path, f"/CN={unique('root')}")
    middle = Authority(tmp_path, f"/CN={unique('middle')}", above=root)
    device = middle.device()
    register(server, root)
    for more in ({}, {"caCertificatePem": root.pem}):
        with refused("CertificateStateException" if not more else "CertificateValidationException",
                     406 if not more else 400):
            iot.register_certificate(certificatePem=device.certificate, **more)
    ca = register(server, middle)
    iot.register_certificate(certificatePem=device.certificate)
    assert describe(iot, device.id)["caCertificateId"] == ca


def test_x509_18_those_of_a_ca_are_listed(server, iot, authority, tmp_path):
    ca, other = register(server, authority), Authority(tmp_path, "/CN=other ca")
    register(server, other)
    made = [iot.register_certificate(certificatePem=authority.device().certificate)["certificateId"] for _ in range(3)]
    iot.register_certificate(certificatePem=other.device().certificate)

    def listed(**more):
        return [one["certificateId"] for one in iot.list_certificates_by_ca(caCertificateId=ca, **more)["certificates"]]
    assert listed() == made[::-1] and listed(ascendingOrder=True) == made
    page = iot.list_certificates_by_ca(caCertificateId=ca, pageSize=2)
    rest = iot.list_certificates_by_ca(caCertificateId=ca, pageSize=2, marker=page["nextMarker"])
    assert [one["certificateId"] for one in rest["certificates"]] == made[:1] and "nextMarker" not in rest
    iot.update_ca_certificate(certificateId=ca, newStatus="INACTIVE")
    iot.delete_ca_certificate(certificateId=ca)
    assert listed() == made[::-1] and describe(iot, made[0])["caCertificateId"] == ca
    assert iot.list_certificates_by_ca(caCertificateId="0" * 64)["certificates"] == []


# ---- without a CA ----

def test_x509_14_a_self_signed_one_connects_by_name_only(server, iot, fleet, tmp_path):
    own = Authority(tmp_path, "/CN=self", extensions=CA)
    device = Identity(tmp_path, fingerprint(own.pem), own.pem, own.key_file.read_text())
    made = iot.register_certificate_without_ca(certificatePem=own.pem, status="ACTIVE")
    told = describe(iot, made["certificateId"])
    assert told["certificateMode"] == "SNI_ONLY" and "caCertificateId" not in told
    iot.attach_policy(policyName=fleet.policy(ALLOW_ALL), target=made["certificateArn"])
    host = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    with fleet.open(device, server_name=host) as client:
        assert client.connect(unique("client")).reason == 0


# ---- 4.5: the same certificate again, and elsewhere ----

def test_registered_twice(server, iot, authority):
    register(server, authority)
    device = authority.device()
    iot.register_certificate(certificatePem=device.certificate)
    for call in (iot.register_certificate, iot.register_certificate_without_ca):
        with refused("ResourceAlreadyExistsException", 409,
                     "The certificate is already provisioned or registered") as e:
            call(certificatePem=device.certificate)
        assert (e["resourceId"], e["resourceArn"]) == (device.id, server.arn(f"cert/{device.id}"))


@pytest.mark.parametrize("here, there", [
    ("DEFAULT", "SNI_ONLY"), ("SNI_ONLY", "DEFAULT"), ("SNI_ONLY", "SNI_ONLY"), ("DEFAULT", "WITHOUT"),
    ("WITHOUT", "WITHOUT")])
def test_in_two_accounts_each_has_its_own(server, iot, authority, here, there):
    other, device = server.other_account(), authority.device()
    for account, mode in ((server, here), (other, there)):
        if mode == "WITHOUT":
            account.boto("iot").register_certificate_without_ca(certificatePem=device.certificate)
            continue
        register(account, authority, mode=mode)
        account.boto("iot").register_certificate(certificatePem=device.certificate)
    other.boto("iot").update_certificate(certificateId=device.id, newStatus="REVOKED")
    assert describe(iot, device.id)["status"] == "INACTIVE"
    assert describe(other.boto("iot"), device.id)["status"] == "REVOKED"


def test_two_defaults_do_not_go_together(server, iot, tmp_path):
    """The account's own CA signs again what another account's CA of the same key has registered."""
    other, subject = server.other_account(), f"/CN={unique('ca')}"
    old = Authority(tmp_path, subject)
    new = Authority(tmp_path, subject, same_key=old, days=60)
    register(server, old)
    register(other, new)
    device = old.device()
    iot.register_certificate(certificatePem=device.certificate)
    with refused("InvalidRequestException", 400, "This request is not valid"):
        other.boto("iot").register_certificate(certificatePem=device.certificate)
    other.boto("iot").register_certificate_without_ca(certificatePem=device.certificate)


def test_of_many_at_once_one_is_registered(server, iot, authority):
    register(server, authority)
    device = authority.device()

    def ask(_):
        try:
            return iot.register_certificate(certificatePem=device.certificate)["certificateId"]
        except iot.exceptions.ResourceAlreadyExistsException:
            return None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert answers.count(device.id) == 1 and answers.count(None) == 15
    assert describe(iot, device.id)["customerVersion"] == 1


# ---- what is no certificate ----

@pytest.mark.parametrize("what", ["signed with SHA-1", "text", "two", "damaged", "a key"])
def test_weak_and_broken_ones_are_refused(server, iot, authority, what):
    register(server, authority)
    device, other = authority.device(), authority.device()
    middle = len(device.certificate) // 2
    pem = {"signed with SHA-1": authority.device(digest="sha1").certificate, "text": "no certificate",
           "two": device.certificate + other.certificate, "a key": device.key,
           "damaged": device.certificate[:middle] + "AAAA" + device.certificate[middle + 4:]}[what]
    with refused("CertificateValidationException", 400, "certificatePem"):
        iot.register_certificate_without_ca(certificatePem=pem)
    with refused("CertificateValidationException", 400, "certificatePem"):
        iot.register_certificate(certificatePem=pem)


def test_an_expired_one_is_registered_and_cannot_connect(make_server, tmp_path):
    fleet = Fleet(make_server())
    authority = Authority(tmp_path, "/CN=ca")
    register(fleet.server, authority)
    device = authority.device(days=1)
    expired = authority.device(days=-1)
    for one in (device, expired):
        made = fleet.iot.register_certificate(certificatePem=one.certificate, status="ACTIVE")
        fleet.iot.attach_policy(policyName=fleet.policy(ALLOW_ALL), target=made["certificateArn"])
    with fleet.connect(device):
        pass
    assert fleet.is_refused_silently(expired)
    with fleet.later(2 * 86400):
        assert fleet.is_refused_silently(device)
