"""The AWS IoT Device SDK v2 for JavaScript provisions itself: both MQTT versions, both flows (provisioning 6.2, 7 and 8).

tests/e2e/node/device.js is the device; scripts/bootstrap test installs its packages.
"""
import json
import pathlib
import shutil
import subprocess

import pytest

from fleet import ALLOW_ALL, key_pem, make_csr, make_key, template_body
from muster import clean_environment, unique

NODE = pathlib.Path(__file__).resolve().parent / "node"
PATIENCE_S = 90


@pytest.fixture(scope="module")
def pumps(fleet):
    return fleet.template(template_body(policy={"PolicyName": fleet.policy(ALLOW_ALL)},
                                        DeviceConfiguration={"Url": "https://pumps.example"}))


@pytest.fixture(scope="module")
def claim(fleet, pumps):
    return fleet.claim(pumps)


def device(fleet, claim, template, serial, **wish):
    assert (NODE / "node_modules").is_dir(), "run scripts/bootstrap test"
    wish |= {"host": fleet.server.host, "port": fleet.server.mqtt_port, "ca": fleet.server.ca, "template": template,
             "certificate": str(claim.certificate_file), "key": str(claim.key_file), "serial": serial}
    done = subprocess.run([shutil.which("node"), NODE / "device.js"], input=json.dumps(wish), capture_output=True,
                          text=True, timeout=PATIENCE_S, env=clean_environment(fleet.server.home))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
@pytest.mark.parametrize("flow", ["keys", "csr"])
def test_the_device_sdk_provisions_itself_and_connects_as_itself(fleet, claim, pumps, protocol, flow):
    serial, key = unique("sn"), make_key()
    csr = {"csr": make_csr(key), "deviceKey": key_pem(key)} if flow == "csr" else {}
    found = device(fleet, claim, pumps, serial, protocol=protocol, **csr)
    assert found["registered"] == {"deviceConfiguration": {"Url": "https://pumps.example"},
                                   "thingName": f"dev-{serial}"}
    assert found["echo"] == "up"
    assert fleet.status(found["certificateId"]) == "ACTIVE"
    rejection = found["rejection"]
    assert (rejection["statusCode"], rejection["errorCode"]) == (400, "InvalidCertificateOwnershipToken")
    assert rejection["errorMessage"]
