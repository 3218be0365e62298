"""A customer's CAs (x509 2.2, 3.3, 3.4, 4.4, 4.5): proof of possession, modes, the same CA in two accounts, what its devices
are provisioned by."""
import json

import pytest

from muster import refused, unique
from pki import CA, DEVICE, Authority, fingerprint, register

BODY = json.dumps({
    "Parameters": {"AWS::IoT::Certificate::CommonName": {"Type": "String"},
                   "AWS::IoT::Certificate::Id": {"Type": "String"}},
    "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "AWS::IoT::Certificate::CommonName"}}},
        "certificate": {"Type": "AWS::IoT::Certificate",
                        "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"}}}})


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, f"/O=Lamps/CN={unique('ca')}")


@pytest.fixture
def code(iot):
    return iot.get_registration_code()["registrationCode"]


# ---- scenarios 7, 8 ----

@pytest.mark.parametrize("key", ["P-256", "P-384", "RSA", "RSA-PSS"])
def test_x509_7_a_ca_with_its_proof_is_registered(iot, server, code, tmp_path, key):
    authority = Authority(tmp_path, f"/CN={unique('ca')}", key=key)
    made = iot.register_ca_certificate(caCertificate=authority.pem, verificationCertificate=authority.proof(code))
    assert made == {"certificateId": fingerprint(authority.pem), "ResponseMetadata": made["ResponseMetadata"],
                    "certificateArn": server.arn(f"cacert/{made['certificateId']}")}
    told = iot.describe_ca_certificate(certificateId=made["certificateId"])
    assert "registrationConfig" not in told
    ca = told["certificateDescription"]
    assert (ca["status"], ca["autoRegistrationStatus"], ca["certificateMode"]) == ("INACTIVE", "DISABLE", "DEFAULT")
    assert ca["certificatePem"] == authority.pem and ca["ownedBy"] == server.account and ca["customerVersion"] == 1
    assert ca["certificateArn"] == made["certificateArn"] and ca["generationId"]
    assert (ca["validity"]["notAfter"] - ca["validity"]["notBefore"]).days == 30


def test_x509_7_without_its_proof_it_is_not(iot, code, authority, tmp_path):
    other = Authority(tmp_path, "/CN=other")
    with refused("RegistrationCodeValidationException", 400, "verificationCertificate", of=iot):
        iot.register_ca_certificate(caCertificate=authority.pem, verificationCertificate=authority.proof("0" * 64))
    with refused("CertificateValidationException", 400, "verificationCertificate", of=iot):
        iot.register_ca_certificate(caCertificate=authority.pem, verificationCertificate=other.proof(code))
    with refused("InvalidRequestException", 400, "verificationCertificate", of=iot):
        iot.register_ca_certificate(caCertificate=authority.pem)
    with refused("ResourceNotFoundException", 404, of=iot):
        iot.describe_ca_certificate(certificateId=fingerprint(authority.pem))


def test_x509_7_the_code_of_another_account_is_no_proof(iot, server, authority):
    theirs = server.other_account().boto("iot").get_registration_code()["registrationCode"]
    with refused("RegistrationCodeValidationException", 400, of=iot):
        iot.register_ca_certificate(caCertificate=authority.pem, verificationCertificate=authority.proof(theirs))


def test_x509_8_sni_only_goes_without_a_proof(iot, code, authority):
    with refused("InvalidRequestException", 400, "verificationCertificate", of=iot):
        iot.register_ca_certificate(caCertificate=authority.pem, certificateMode="SNI_ONLY",
                                    verificationCertificate=authority.proof(code))
    made = iot.register_ca_certificate(caCertificate=authority.pem, certificateMode="SNI_ONLY", setAsActive=True,
                                       allowAutoRegistration=True)
    ca = iot.describe_ca_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert (ca["status"], ca["autoRegistrationStatus"], ca["certificateMode"]) == ("ACTIVE", "ENABLE", "SNI_ONLY")


@pytest.mark.parametrize("what, extensions", [
    ("a leaf", DEVICE), ("no constraints", "subjectKeyIdentifier=hash\n"),
    ("may not sign certificates", CA.replace("keyCertSign,", ""))])
def test_what_is_no_ca_is_refused(iot, tmp_path, what, extensions):
    with refused("CertificateValidationException", 400, "caCertificate", of=iot):
        iot.register_ca_certificate(caCertificate=Authority(tmp_path, extensions=extensions).pem,
                                    certificateMode="SNI_ONLY")


def test_one_block_of_pem_and_text_around_it(iot, tmp_path, authority):
    two = authority.pem + Authority(tmp_path, "/CN=second").pem
    for pem in (two, "garbage", authority.pem.replace("CERTIFICATE", "PUBLIC KEY"), authority.pem[:200]):
        with refused("CertificateValidationException", 400, "caCertificate", of=iot):
            iot.register_ca_certificate(caCertificate=pem, certificateMode="SNI_ONLY")
    decorated = "Certificate:\r\n    Data:\r\n" + authority.pem.replace("\n", "\r\n")
    made = iot.register_ca_certificate(caCertificate=decorated, certificateMode="SNI_ONLY")["certificateId"]
    assert made == fingerprint(authority.pem)
    assert iot.describe_ca_certificate(certificateId=made)["certificateDescription"]["certificatePem"] == decorated


# ---- scenarios 9, 10, 11 ----

def test_x509_9_the_same_ca_twice(server, iot, tmp_path, authority):
    ca, other = register(server, authority), server.other_account()
    with refused("ResourceAlreadyExistsException", 409, of=iot) as e:
        register(server, authority)
    assert (e["resourceId"], e["resourceArn"]) == (ca, server.arn(f"cacert/{ca}"))
    with refused("InvalidRequestException", 400, "Cannot accept this CACertificate"):
        register(other, authority)
    assert register(other, authority, mode="SNI_ONLY") == ca
    shared = Authority(tmp_path, "/CN=shared")
    assert register(server, shared, mode="SNI_ONLY") == register(other, shared, mode="SNI_ONLY")
    other.boto("iot").update_ca_certificate(certificateId=ca, newStatus="INACTIVE")
    assert iot.describe_ca_certificate(certificateId=ca)["certificateDescription"]["status"] == "ACTIVE"


def test_x509_10_the_eleventh_of_a_subject_is_one_too_many(server, tmp_path):
    account, iot = server.other_account(), None
    iot = account.boto("iot")
    for number in range(10):
        subject = "/O=Ten/CN=ten" if number % 2 else "/O=TEN/CN=Ten"  # names are compared as names
        register(account, Authority(tmp_path, subject), mode="SNI_ONLY")
    with refused("LimitExceededException", 410, "Limit reached for number of CA Certificates with same subject",
                 of=iot):
        register(account, Authority(tmp_path, "/O=Ten/CN=Ten"), mode="SNI_ONLY")
    register(account, Authority(tmp_path, "/O=Ten/CN=Eleven"), mode="SNI_ONLY")


def test_x509_11_the_registration_code(server):
    account = server.other_account()
    iot = account.boto("iot")
    with refused("ResourceNotFoundException", 404, of=iot):
        iot.delete_registration_code()
    first = iot.get_registration_code()["registrationCode"]
    assert len(first) == 64 and set(first) <= set("0123456789abcdef")
    assert iot.get_registration_code()["registrationCode"] == first
    iot.delete_registration_code()
    with refused("ResourceNotFoundException", 404, of=iot):
        iot.delete_registration_code()
    assert iot.get_registration_code()["registrationCode"] != first


# ---- update, delete, list ----

def test_only_what_is_given_changes(server, iot, authority):
    ca = register(server, authority, active=False)

    def told():
        one = iot.describe_ca_certificate(certificateId=ca)["certificateDescription"]
        return one["status"], one["autoRegistrationStatus"], one["customerVersion"]
    iot.update_ca_certificate(certificateId=ca, newAutoRegistrationStatus="ENABLE")
    assert told() == ("INACTIVE", "ENABLE", 2)
    iot.update_ca_certificate(certificateId=ca.upper(), newStatus="ACTIVE")
    iot.update_ca_certificate(certificateId=ca, newStatus="ACTIVE", newAutoRegistrationStatus="ENABLE")
    assert told() == ("ACTIVE", "ENABLE", 3)
    with refused("CertificateStateException", 406, ca, of=iot):
        iot.delete_ca_certificate(certificateId=ca)
    iot.update_ca_certificate(certificateId=ca, newStatus="INACTIVE")
    iot.delete_ca_certificate(certificateId=ca)
    for call in (iot.describe_ca_certificate, iot.delete_ca_certificate, iot.update_ca_certificate):
        with refused("ResourceNotFoundException", 404, ca, of=iot):
            call(certificateId=ca)
    assert register(server, authority) == ca


def test_they_are_listed_newest_first(server, tmp_path):
    account = server.other_account()
    iot = account.boto("iot")
    made = [register(account, Authority(tmp_path, f"/CN=ca {n}"), mode="SNI_ONLY") for n in range(3)]

    def walk(**more):
        found, marker = [], {}
        while marker is not None:
            page = iot.list_ca_certificates(pageSize=2, **marker, **more)
            found += [one["certificateId"] for one in page["certificates"]]
            marker = {"marker": page["nextMarker"]} if "nextMarker" in page else None
        return found
    assert walk() == made[::-1] and walk(ascendingOrder=True) == made
    entry = iot.list_ca_certificates()["certificates"][0]
    assert entry["certificateArn"] == account.arn(f"cacert/{made[2]}") and entry["status"] == "ACTIVE"


def test_the_cli_registers_one(server, authority, tmp_path):
    files = {"ca": tmp_path / "ca.pem", "proof": tmp_path / "proof.pem"}
    code = server.aws("iot", "get-registration-code")["registrationCode"]
    files["ca"].write_text(authority.pem)
    files["proof"].write_text(authority.proof(code))
    made = server.aws("iot", "register-ca-certificate", "--ca-certificate", f"file://{files['ca']}",
                      "--verification-certificate", f"file://{files['proof']}", "--set-as-active",
                      "--tags", "Key=line,Value=7")
    told = server.aws("iot", "describe-ca-certificate", "--certificate-id", made["certificateId"])
    assert told["certificateDescription"]["status"] == "ACTIVE"
    assert server.aws("iot", "list-tags-for-resource", "--resource-arn", made["certificateArn"])["tags"] == [
        {"Key": "line", "Value": "7"}]


# ---- what its devices are provisioned by ----

def test_x509_26_a_registration_config_by_body_or_by_name(server, iot, authority):
    ca, name = register(server, authority), unique("jitp")
    iot.create_provisioning_template(templateName=name, templateBody=BODY, type="JITP",
                                     provisioningRoleArn=server.role)

    def config():
        return iot.describe_ca_certificate(certificateId=ca).get("registrationConfig")
    by_body = {"templateBody": BODY, "roleArn": server.role}
    iot.update_ca_certificate(certificateId=ca, registrationConfig=by_body)
    assert config() == by_body
    iot.update_ca_certificate(certificateId=ca, newStatus="ACTIVE")
    assert config() == by_body
    iot.update_ca_certificate(certificateId=ca, registrationConfig={"templateName": name})
    assert config() == {"templateName": name}
    assert [one["certificateId"] for one in iot.list_ca_certificates(templateName=name)["certificates"]] == [ca]
    assert iot.list_ca_certificates(templateName=unique("other"))["certificates"] == []
    with refused("InvalidRequestException", 400, "removeAutoRegistration", of=iot):
        iot.update_ca_certificate(certificateId=ca, registrationConfig=by_body, removeAutoRegistration=True)
    iot.update_ca_certificate(certificateId=ca, removeAutoRegistration=True)
    assert config() is None and iot.list_ca_certificates(templateName=name)["certificates"] == []


@pytest.mark.parametrize("config, error, status", [
    ({"templateBody": BODY}, "InvalidRequestException", 400),
    ({"roleArn": "ROLE"}, "InvalidRequestException", 400),
    ({}, "InvalidRequestException", 400),
    ({"templateName": "x", "templateBody": BODY, "roleArn": "ROLE"}, "InvalidRequestException", 400),
    ({"templateBody": "{", "roleArn": "ROLE"}, "InvalidRequestException", 400),
    ({"templateBody": BODY.replace("::CommonName", "::Nickname"), "roleArn": "ROLE"}, "InvalidRequestException", 400),
    ({"templateBody": BODY, "roleArn": "arn:aws:iam::999999999999:role/Theirs"}, "InvalidRequestException", 400),
    ({"templateName": "nobody-made-it"}, "ResourceNotFoundException", 404),
    ({"templateName": "FLEET"}, "InvalidRequestException", 400)])
def test_x509_26_a_wrong_registration_config_changes_nothing(server, iot, authority, config, error, status):
    fleet = unique("fleet")
    iot.create_provisioning_template(templateName=fleet, templateBody=BODY.replace("::CommonName", "::Id"),
                                     provisioningRoleArn=server.role)
    config = {key: {"ROLE": server.role, "FLEET": fleet}.get(value, value) for key, value in config.items()}
    with refused(error, status):
        register(server, authority, registrationConfig=config)
    ca = register(server, authority)
    with refused(error, status):
        iot.update_ca_certificate(certificateId=ca, registrationConfig=config, newStatus="INACTIVE")
    told = iot.describe_ca_certificate(certificateId=ca)
    assert told["certificateDescription"]["status"] == "ACTIVE" and "registrationConfig" not in told
