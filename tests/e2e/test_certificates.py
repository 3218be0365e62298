"""Certificates: what is issued, which requests are taken, status, deletion (x509 2.2, 3.2, 3.3, 4.1, 4.2, 4.6)."""
import base64
import datetime
import hashlib
import re
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtensionOID, NameOID

from muster import refused, run, unique

END = datetime.datetime(2049, 12, 31, 23, 59, 59)
PEM = serialization.Encoding.PEM


def make_request(key, algorithm=hashes.SHA256(), names=None, extension=None):
    subject = x509.Name(names or [x509.NameAttribute(NameOID.COMMON_NAME, "sn-7")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if extension:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, algorithm)


def pem(request):
    return request.public_bytes(PEM).decode()


def der(pem_text):
    return base64.b64decode("".join(pem_text.split("-----")[2].split()))


def pem_of(raw, label="CERTIFICATE REQUEST"):
    text = base64.encodebytes(raw).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


def load(pem_text):
    return x509.load_pem_x509_certificate(pem_text.encode())


@pytest.fixture(scope="module")
def p256():
    return ec.generate_private_key(ec.SECP256R1())


def list_ids(iot):
    return {one["certificateId"] for page in iot.get_paginator("list_certificates").paginate(pageSize=250)
            for one in page["certificates"]}


def count_certificates(iot):
    return len(list_ids(iot))


# ---- what is issued ----

def test_scenario_1_the_certificate_has_the_profile_and_its_id_is_the_hash_of_its_der(iot):
    before = int(time.time())
    made = iot.create_keys_and_certificate(setAsActive=True)
    after = int(time.time())
    certificate = load(made["certificatePem"])
    encoded = certificate.public_bytes(serialization.Encoding.DER)
    assert made["certificateId"] == hashlib.sha256(encoded).hexdigest()
    assert made["certificateArn"].endswith(f":cert/{made['certificateId']}")
    assert made["certificatePem"] == pem_of(encoded, "CERTIFICATE").replace("\n\n", "\n") or \
        certificate.public_bytes(PEM).decode() == made["certificatePem"]

    begin = int(certificate.not_valid_before.replace(tzinfo=datetime.timezone.utc).timestamp())
    assert before - 120 <= begin <= after - 120
    assert certificate.not_valid_after == END
    assert certificate.subject.rfc4514_string() == "CN=AWS IoT Certificate"
    assert certificate.version is x509.Version.v3 and 0 < certificate.serial_number < 1 << 160
    assert certificate.signature_algorithm_oid._name in ("ecdsa-with-SHA256", "sha256WithRSAEncryption")


def test_scenario_1_the_extensions_are_the_four_of_the_profile_in_their_order(iot):
    certificate = load(iot.create_keys_and_certificate()["certificatePem"])
    shown = [(extension.oid, extension.critical) for extension in certificate.extensions]
    assert shown == [(ExtensionOID.AUTHORITY_KEY_IDENTIFIER, False), (ExtensionOID.SUBJECT_KEY_IDENTIFIER, False),
                     (ExtensionOID.BASIC_CONSTRAINTS, True), (ExtensionOID.KEY_USAGE, True)]
    authority, subject, basic, usage = (extension.value for extension in certificate.extensions)
    assert authority.authority_cert_issuer is None and authority.key_identifier
    assert subject == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    assert basic == x509.BasicConstraints(ca=False, path_length=None)
    assert usage == x509.KeyUsage(True, *[False] * 8)


def test_the_issuer_signed_it(iot, server):
    certificate = load(iot.create_keys_and_certificate()["certificatePem"])
    issuer = load((server.dir / "issuer.pem").read_text())
    assert certificate.issuer == issuer.subject
    issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))


def test_scenario_2_the_key_is_in_the_older_form_fits_the_certificate_and_is_shown_once(iot):
    made = iot.create_keys_and_certificate()
    private, public = made["keyPair"]["PrivateKey"], made["keyPair"]["PublicKey"]
    assert private.startswith("-----BEGIN RSA PRIVATE KEY-----\n") and private.endswith("-----\n")
    assert public.startswith("-----BEGIN PUBLIC KEY-----\n") and public.endswith("-----\n")
    assert max(len(line) for line in private.splitlines()[1:-1]) == 64
    key = serialization.load_pem_private_key(private.encode(), None)
    assert key.key_size == 2048 and key.public_key().public_numbers().e == 65537
    for one in (serialization.load_pem_public_key(public.encode()), load(made["certificatePem"]).public_key()):
        assert one.public_numbers() == key.public_key().public_numbers()
    shown = iot.describe_certificate(certificateId=made["certificateId"])
    assert "PRIVATE" not in repr(shown) and "keyPair" not in repr(shown)


@pytest.mark.parametrize("make", [
    pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="P-256"),
    pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="P-384"),
    pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), id="P-521"),
    pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="RSA 2048"),
    pytest.param(lambda: rsa.generate_private_key(65537, 3072), id="RSA 3072"),
])
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda a: a.name)
def test_scenario_3_requests_of_every_good_key_get_their_subject_byte_for_byte(iot, make, algorithm):
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "DE", _type=_ASN1Type.UTF8String),
             x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pümpen", _type=_ASN1Type.BMPString),
             x509.NameAttribute(NameOID.COMMON_NAME, "sn-7", _type=_ASN1Type.PrintableString),
             x509.NameAttribute(NameOID.COMMON_NAME, "sn-8", _type=_ASN1Type.UTF8String)]
    request = make_request(make(), algorithm, names)
    made = iot.create_certificate_from_csr(certificateSigningRequest=pem(request))
    certificate = load(made["certificatePem"])
    subject = request.subject.public_bytes()
    assert subject in request.tbs_certrequest_bytes and subject in certificate.tbs_certificate_bytes
    assert certificate.public_key().public_numbers() == request.public_key().public_numbers()
    assert made["certificateId"] == hashlib.sha256(der(made["certificatePem"])).hexdigest()
    assert "keyPair" not in made and certificate.not_valid_after == END


def test_extensions_that_a_request_asks_for_are_dropped(iot, p256):
    request = make_request(p256, extension=x509.SubjectAlternativeName([x509.DNSName("localhost")]))
    certificate = load(iot.create_certificate_from_csr(certificateSigningRequest=pem(request))["certificatePem"])
    assert ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in [extension.oid for extension in certificate.extensions]


def test_scenario_5_the_same_request_twice_gives_two_certificates(iot, p256):
    text = pem(make_request(p256))
    first, second = (iot.create_certificate_from_csr(certificateSigningRequest=text) for _ in range(2))
    assert first["certificateId"] != second["certificateId"]
    assert load(first["certificatePem"]).serial_number != load(second["certificatePem"]).serial_number


def test_a_request_that_openssl_wrote_with_text_around_it_is_taken(server, iot, tmp_path):
    done = run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-text",
               "-keyout", tmp_path / "k", "-subj", "/CN=sn-9", home=tmp_path)
    assert done.returncode == 0, done.stderr
    made = server.aws("iot", "create-certificate-from-csr", "--set-as-active", "--certificate-signing-request",
                      done.stdout)
    assert load(made["certificatePem"]).subject.rfc4514_string() == "CN=sn-9"
    assert iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"] == "ACTIVE"


# ---- what is refused ----

def sized(raw):
    n = len(raw)
    return bytes([n]) if n < 128 else bytes([0x82, n >> 8, n & 255])


def tlv(tag, *parts):
    content = b"".join(parts)
    return bytes([tag]) + sized(content) + content


def hand_made_request(key_info, signature=b"\x00" * 64):
    """A request whose key can be anything; nobody signed it."""
    info = tlv(0x30, b"\x02\x01\x00", tlv(0x30), key_info, tlv(0xA0))
    algorithm = tlv(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    return pem_of(tlv(0x30, info, algorithm, tlv(0x03, b"\x00" + signature)))


def giant_rsa(bits):
    modulus = b"\x00" + b"\xff" * (bits // 8)
    key = tlv(0x30, tlv(0x02, modulus), bytes.fromhex("0203010001"))
    return hand_made_request(tlv(0x30, tlv(0x30, bytes.fromhex("06092a864886f70d0101010500")), tlv(0x03, b"\0", key)))


def explicit_curve(tmp_path):
    done = run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt",
               "ec_param_enc:explicit", "-nodes", "-keyout", tmp_path / "k", "-subj", "/CN=x", home=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def altered_signature(key):
    raw = bytearray(make_request(key).public_bytes(serialization.Encoding.DER))
    raw[-1] ^= 1
    return pem_of(bytes(raw))


def md5_request():
    return pem(make_request(rsa.generate_private_key(65537, 2048), hashes.MD5()))


@pytest.mark.parametrize("make", [
    pytest.param(lambda key, path: pem(make_request(rsa.generate_private_key(65537, 1024))), id="RSA 1024"),
    pytest.param(lambda key, path: pem(make_request(ed25519.Ed25519PrivateKey.generate(), None)), id="Ed25519"),
    pytest.param(lambda key, path: pem(make_request(ec.generate_private_key(ec.SECP256K1()))), id="secp256k1"),
    pytest.param(lambda key, path: pem(make_request(ec.generate_private_key(ec.SECP224R1()))), id="P-224"),
    pytest.param(lambda key, path: altered_signature(key), id="an altered signature"),
    pytest.param(lambda key, path: giant_rsa(20000), id="a giant RSA key"),
    pytest.param(lambda key, path: explicit_curve(path), id="an explicit curve"),
    pytest.param(lambda key, path: "garbage", id="garbage"),
    pytest.param(lambda key, path: pem_of(b"garbage"), id="garbage in PEM"),
    pytest.param(lambda key, path: pem_of(make_request(key).public_bytes(serialization.Encoding.DER) + b"\0"),
                 id="bytes after it"),
    pytest.param(lambda key, path: pem(make_request(key)).replace("CERTIFICATE REQUEST", "CERTIFICATE"),
                 id="another label"),
    pytest.param(lambda key, path: pem(make_request(key)).rsplit("\n", 2)[0], id="PEM without an end"),
    pytest.param(lambda key, path: "x" * 4097, id="4097 characters"),
])
def test_scenario_4_a_bad_request_is_refused_and_nothing_is_stored(fresh_server_of_module, p256, tmp_path, make):
    iot = fresh_server_of_module.boto()
    before = count_certificates(iot)
    with refused("InvalidRequestException", 400, "", iot):
        iot.create_certificate_from_csr(certificateSigningRequest=make(p256, tmp_path))
    assert count_certificates(iot) == before


def test_every_truncation_of_a_request_is_refused(fresh_server_of_module, p256):
    iot = fresh_server_of_module.boto()
    raw = make_request(p256).public_bytes(serialization.Encoding.DER)
    before = count_certificates(iot)
    for length in range(0, len(raw), 5):
        with refused("InvalidRequestException", 400, "", iot):
            iot.create_certificate_from_csr(certificateSigningRequest=pem_of(raw[:length]))
    assert count_certificates(iot) == before


@pytest.fixture(scope="module")
def fresh_server_of_module():
    import muster
    with muster.running() as server:
        yield server


# ---- describing ----

def test_scenario_6_a_description_says_all_and_no_more(iot, server):
    made = iot.create_keys_and_certificate(setAsActive=True)
    found = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert found["certificateArn"] == made["certificateArn"] == server.arn(f"cert/{made['certificateId']}")
    assert found["certificatePem"] == made["certificatePem"]
    assert (found["status"], found["ownedBy"], found["customerVersion"]) == ("ACTIVE", server.account, 1)
    assert (found["transferData"], found["certificateMode"]) == ({}, "DEFAULT")
    assert re.fullmatch(r"[0-9a-f-]{36}", found["generationId"])
    assert abs((datetime.datetime.now(datetime.timezone.utc) - found["creationDate"]).total_seconds()) < 60
    certificate = load(made["certificatePem"])
    for name, date in (("notBefore", certificate.not_valid_before), ("notAfter", certificate.not_valid_after)):
        assert found["validity"][name] == date.replace(tzinfo=datetime.timezone.utc)
    assert "caCertificateId" not in found and "previousOwnedBy" not in found


def test_scenario_6_dates_are_dates_for_the_cli_too(server):
    made = server.aws("iot", "create-keys-and-certificate", "--set-as-active")
    server.secrets.add(made["keyPair"]["PrivateKey"].splitlines()[1])
    found = server.aws("iot", "describe-certificate", "--certificate-id", made["certificateId"])
    created = datetime.datetime.fromisoformat(found["certificateDescription"]["creationDate"])
    assert abs((datetime.datetime.now(datetime.timezone.utc) - created).total_seconds()) < 120
    assert found["certificateDescription"]["validity"]["notAfter"].startswith("2049-12-31T23:59:59")


def test_dates_travel_as_numbers_of_seconds(iot, server):
    made = iot.create_keys_and_certificate()
    body = server.call("GET", f"/certificates/{made['certificateId']}").json["certificateDescription"]
    assert isinstance(body["creationDate"], (int, float)) and body["validity"]["notAfter"] == 2524607999


def test_an_id_is_found_whatever_its_case(iot):
    made = iot.create_keys_and_certificate()
    found = iot.describe_certificate(certificateId=made["certificateId"].upper())
    assert found["certificateDescription"]["certificateId"] == made["certificateId"]


def test_a_principal_is_the_same_whatever_the_case_of_its_id(iot, server):
    device, thing, policy = server.certificate(), unique("pump"), server.policy()
    shouted = device.arn[:-64] + device.id.upper()
    iot.create_thing(thingName=thing)
    iot.attach_thing_principal(thingName=thing, principal=shouted)
    iot.attach_policy(policyName=policy, target=shouted)
    assert iot.list_thing_principals(thingName=thing)["principals"] == [device.arn]
    assert iot.list_principal_things(principal=shouted)["things"] == [thing]
    assert [one["policyName"] for one in iot.list_attached_policies(target=shouted)["policies"]] == [policy]
    iot.detach_thing_principal(thingName=thing, principal=shouted)
    iot.detach_policy(policyName=policy, target=shouted)
    assert iot.list_thing_principals(thingName=thing)["principals"] == []
    assert iot.list_attached_policies(target=device.arn)["policies"] == []


def test_an_unknown_id_is_not_found_and_a_malformed_one_is_refused(iot):
    for ask in (iot.describe_certificate, iot.delete_certificate,
                lambda certificateId: iot.update_certificate(certificateId=certificateId, newStatus="ACTIVE")):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask(certificateId="0" * 64)
        with refused("InvalidRequestException", 400, "certificateId", iot):
            ask(certificateId="g" * 64)


# ---- status ----

def status(iot, certificate_id):
    return iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["status"]


def test_a_certificate_is_inactive_unless_it_is_asked_for(iot):
    assert status(iot, iot.create_keys_and_certificate()["certificateId"]) == "INACTIVE"
    assert status(iot, iot.create_keys_and_certificate(setAsActive=False)["certificateId"]) == "INACTIVE"


def test_scenario_15_status_changes_count_versions_and_repeats_do_not(iot):
    certificate_id = iot.create_keys_and_certificate()["certificateId"]
    first = iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]
    for version, new in ((2, "ACTIVE"), (2, "ACTIVE"), (3, "INACTIVE"), (4, "REVOKED"), (4, "REVOKED")):
        iot.update_certificate(certificateId=certificate_id, newStatus=new)
        found = iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]
        assert (found["status"], found["customerVersion"]) == (new, version)
        assert found["generationId"] == first["generationId"] and found["creationDate"] == first["creationDate"]


@pytest.mark.parametrize("new", ["PENDING_TRANSFER", "PENDING_ACTIVATION"])
def test_scenario_15_nobody_sets_a_pending_status(iot, new):
    for active in (True, False):
        certificate_id = iot.create_keys_and_certificate(setAsActive=active)["certificateId"]
        with refused("CertificateStateException", 406, "", iot):
            iot.update_certificate(certificateId=certificate_id, newStatus=new)
        assert status(iot, certificate_id) == ("ACTIVE" if active else "INACTIVE")


@pytest.mark.parametrize("new", ["REGISTER_INACTIVE", "BOGUS", "active"])
def test_scenario_15_a_status_that_cannot_be_is_refused(iot, new):
    certificate_id = iot.create_keys_and_certificate()["certificateId"]
    with refused("InvalidRequestException", 400, "", iot):
        iot.update_certificate(certificateId=certificate_id, newStatus=new)


def test_scenario_15_revoked_is_for_ever(iot):
    certificate_id = iot.create_keys_and_certificate()["certificateId"]
    iot.update_certificate(certificateId=certificate_id, newStatus="REVOKED")
    for new in ("ACTIVE", "INACTIVE", "PENDING_TRANSFER", "PENDING_ACTIVATION"):
        with refused("CertificateStateException", 406, "", iot):
            iot.update_certificate(certificateId=certificate_id, newStatus=new)
    assert status(iot, certificate_id) == "REVOKED"


def test_revoked_is_not_for_ever_where_the_operator_says_so(make_server):
    iot = make_server(settings={"allow_unrevoke": True}).boto()
    certificate_id = iot.create_keys_and_certificate()["certificateId"]
    iot.update_certificate(certificateId=certificate_id, newStatus="REVOKED")
    iot.update_certificate(certificateId=certificate_id, newStatus="ACTIVE")
    assert status(iot, certificate_id) == "ACTIVE"


# ---- deletion ----

def test_scenario_16_a_certificate_is_deleted_last(iot, server):
    thing, policy = unique("pump"), server.policy()
    device = server.certificate(policy=policy)
    iot.create_thing(thingName=thing)
    iot.attach_thing_principal(thingName=thing, principal=device.arn)

    for force in (False, True):
        with refused("CertificateStateException", 406,
                     f"Certificate must be deactivated (not ACTIVE) before deletion. Id: {device.id}", iot):
            iot.delete_certificate(certificateId=device.id, forceDelete=force)
    iot.update_certificate(certificateId=device.id, newStatus="INACTIVE")
    for force in (False, True):
        with refused("DeleteConflictException", 409, f"Things must be detached before deletion (arn: {device.arn})",
                     iot):
            iot.delete_certificate(certificateId=device.id, forceDelete=force)
    iot.detach_thing_principal(thingName=thing, principal=device.arn)
    with refused("DeleteConflictException", 409,
                 f"Certificate policies must be detached before deletion (arn: {device.arn})", iot):
        iot.delete_certificate(certificateId=device.id)
    iot.delete_certificate(certificateId=device.id, forceDelete=True)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_certificate(certificateId=device.id)
    iot.delete_policy(policyName=policy)


def test_a_deleted_certificate_is_in_no_list(iot):
    certificate_id = iot.create_keys_and_certificate()["certificateId"]
    assert certificate_id in list_ids(iot)
    iot.delete_certificate(certificateId=certificate_id)
    assert certificate_id not in list_ids(iot)


def test_the_cli_retires_a_certificate(server):
    made = server.aws("iot", "create-keys-and-certificate", "--set-as-active")
    server.secrets.add(made["keyPair"]["PrivateKey"].splitlines()[1])
    name = made["certificateId"]
    text = server.aws("iot", "delete-certificate", "--certificate-id", name, fails=True)
    assert "(CertificateStateException)" in text
    server.aws("iot", "update-certificate", "--certificate-id", name, "--new-status", "REVOKED")
    server.aws("iot", "delete-certificate", "--certificate-id", name)
    assert "(ResourceNotFoundException)" in server.aws("iot", "describe-certificate", "--certificate-id", name,
                                                       fails=True)
