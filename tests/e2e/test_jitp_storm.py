"""A storm of strangers: 2,000 certificates that nobody has seen connect within 20 s, are provisioned just in time, and come
back with jitter until they are let in (x509 4.10), also when the server is killed in the middle."""
import concurrent.futures
import contextlib
import datetime
import random
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import mqtt
from fleet import Fleet
from muster import Identity
from test_just_in_time import with_template

DEVICES, SPREAD_S, PATIENCE_S, CLIENTS = 2000, 20, 120, 200
ITSELF = [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*",
           "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}}]


def make_devices(authority, folder):
    """One key for all: a certificate is what a device is known by."""
    signer = serialization.load_pem_private_key(authority.key_file.read_bytes(), None)
    issuer = x509.load_pem_x509_certificate(authority.pem.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()).decode()
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().issuer_name(issuer.subject).public_key(key.public_key())
               .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=1)))
    made = []
    for number in range(DEVICES):
        name = f"storm-{number:04}"
        certificate = (builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
                       .serial_number(number + 1).sign(signer, hashes.SHA256()))
        made.append((name, Identity(folder, certificate.fingerprint(hashes.SHA256()).hex(),
                                    certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem)))
    return made


def is_let_in(fleet, host, name, identity):
    with contextlib.suppress(mqtt.Closed, OSError):
        with fleet.open(identity, server_name=host) as client:
            return client.connect(name).reason == 0
    return False


def come_until_let_in(fleet, host, device, begin, deadline):
    """When it comes first is up to it; then it backs off with jitter. The count of its tries."""
    name, identity = device
    time.sleep(max(0, begin - time.monotonic()))  # a device's own pace
    tries = 1
    while not is_let_in(fleet, host, name, identity):
        assert time.monotonic() < deadline, f"{name} was never let in"
        time.sleep(random.uniform(0.3, 1.0))
        tries += 1
    return tries


@pytest.mark.parametrize("killed", [False, True], ids=["", "kill-9"])
def test_a_storm_of_strangers_is_provisioned(make_server, tmp_path, killed):
    server = make_server()
    fleet = Fleet(server)
    house = with_template(fleet, tmp_path, policy=fleet.policy(*ITSELF))
    house.listener.disconnect()
    devices = make_devices(house.authority, tmp_path)
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        runs = [pool.submit(come_until_let_in, fleet, house.host, device, start + number * SPREAD_S / DEVICES,
                            start + PATIENCE_S) for number, device in enumerate(devices)]
        if killed:
            concurrent.futures.wait(runs[:DEVICES // 3])
            server.kill()
            server.start()
        tries = [run.result() for run in runs]
    assert max(tries) >= 2
    listed = [c for page in fleet.iot.get_paginator("list_certificates_by_ca").paginate(
        caCertificateId=house.ca, PaginationConfig={"PageSize": 250}) for c in page["certificates"]]
    assert {c["certificateId"] for c in listed} == {identity.id for _, identity in devices}
    assert len(listed) == DEVICES and {c["status"] for c in listed} == {"ACTIVE"}
    assert fleet.things() >= {name for name, _ in devices}  # connecting asked for the thing (ITSELF)
    assert len([name for name in fleet.things() if name.startswith("storm-")]) == DEVICES
