"""kill -9 in the middle of a factory's morning (design: durable before answered).

Every device that saw `accepted` exists completely after the restart; every other one completely, if its transaction was
committed before its answer could leave, or not at all but for a pending certificate, which is swept. Nothing is half made.

DURABILITY_ROUNDS and DURABILITY_DEVICES make it longer: the full run is 20 and 200.
"""
import concurrent.futures
import os
import random
import tempfile
import threading

import pytest

import mqtt
from fleet import ALLOW_ALL, CREATE, FROM_CSR, Fleet, ask, key_pem, make_csr, make_key, template_body
from muster import Server, eventually

ROUNDS = int(os.environ.get("DURABILITY_ROUNDS", "5"))
DEVICES = int(os.environ.get("DURABILITY_DEVICES", "60"))


class Device:
    """What one device knows: its certificate and token once the first answer came, its name once the second did."""

    def __init__(self, serial):
        self.serial, self.key, self.made, self.name = serial, make_key(), None, None
        self.csr = make_csr(self.key)

    def provision(self, fleet, context, template, tell):
        try:
            with fleet.open(context=context) as client:
                assert client.connect(f"station-{self.serial}").reason == 0
                self.made = ask(client, FROM_CSR, {"certificateSigningRequest": self.csr})
                self.name = self.register(fleet, client, template)["thingName"]
                tell()
        except (mqtt.Closed, OSError):
            pass  # the server died before this device was through

    def register(self, fleet, client, template):
        return fleet.register(client, template, self.made["certificateOwnershipToken"], SerialNumber=self.serial)


def kill_in_the_middle(fleet, claim, template, devices, after):
    """Lets all of them begin, and kills the server when `after` of them are through."""
    context = mqtt.tls_context(fleet.server.ca, claim)
    through, count = threading.Event(), iter(range(1, len(devices) + 1))

    def tell():
        if next(count) >= after:
            through.set()

    with concurrent.futures.ThreadPoolExecutor(len(devices)) as pool:
        running = [pool.submit(device.provision, fleet, context, template, tell) for device in devices]
        assert through.wait(60)
        fleet.server.kill()
        for one in running:
            one.result()


def check(fleet, device, things, statuses, policy):
    """Whole or not at all; True when it is whole."""
    name = f"dev-{device.serial}"
    id_ = device.made["certificateId"] if device.made else None
    if name not in things:
        assert device.name is None, f"{name} saw accepted, and is lost"
        assert id_ is None or statuses[id_] == "PENDING_ACTIVATION"
        return False
    assert id_ is not None
    arn = fleet.arn(f"cert/{id_}")
    assert statuses[id_] == "ACTIVE"
    assert fleet.iot.list_thing_principals(thingName=name)["principals"] == [arn]
    assert [p["policyName"] for p in fleet.iot.list_attached_policies(target=arn)["policies"]] == [policy]
    identity = fleet.keep(device.made["certificatePem"], key_pem(device.key), id_)
    with fleet.connect(identity, name) as client:
        assert client.publish(f"dev/{name}", b"up") == 0
    return True


def statuses_of(fleet):
    return {c["certificateId"]: c["status"] for page in fleet.iot.get_paginator("list_certificates").paginate()
            for c in page["certificates"]}


@pytest.fixture(scope="module")
def factory():
    """One server for all rounds, so that each begins with the store that the last kill left behind."""
    with tempfile.TemporaryDirectory(prefix="m-", dir="/tmp") as folder:
        server = Server(f"{folder}/s").start()
        try:
            fleet = Fleet(server)
            fleet.base = fleet.policy(ALLOW_ALL)
            fleet.line = fleet.template(template_body(policy={"PolicyName": fleet.base}))
            fleet.station = fleet.claim(fleet.line)
            yield fleet
            server.stop()
        finally:
            server.kill()


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_killed_server_has_kept_all_that_it_accepted_and_nothing_by_half(factory, round_):
    fleet = factory
    devices = [Device(f"{round_}-{number}") for number in range(DEVICES)]
    kill_in_the_middle(fleet, fleet.station, fleet.line, devices, random.Random(round_).randrange(1, DEVICES * 3 // 4))
    fleet.server.start()

    things, statuses = fleet.things(), statuses_of(fleet)
    whole = [device for device in devices if check(fleet, device, things, statuses, fleet.base)]
    assert len([d for d in devices if d.name]) <= len(whole)
    known = {d.made["certificateId"] for d in devices if d.made}
    pending = {id_ for id_, status in statuses.items() if status == "PENDING_ACTIVATION"}
    assert known - {d.made["certificateId"] for d in whole} <= pending

    # A device that got its certificate and no name asks again with the same token, as if nothing had been.
    with fleet.connect(fleet.station) as client:
        again = [d for d in devices if d.made and not d.name][::2]
        for device in again:
            assert device.register(fleet, client, fleet.line)["thingName"] == f"dev-{device.serial}"
    left = pending - {d.made["certificateId"] for d in again}
    with fleet.later(3700):
        fleet.sweep()
    eventually(lambda: "PENDING_ACTIVATION" not in statuses_of(fleet).values(), what="the sweep")
    assert not left & set(statuses_of(fleet))
    assert {f"dev-{d.serial}" for d in whole + again} <= fleet.things()


def test_a_store_under_slow_syncs_takes_many_changes_a_commit(make_server):
    """The disk takes 20 ms for each sync: one commit a change would be 3 s for these, and more than 150 commits."""
    fleet = Fleet(make_server(env={"MUSTER_TEST_SYNC_MS": "20"}))
    template = fleet.template(template_body(policy={"PolicyName": fleet.policy(ALLOW_ALL)}))
    context = mqtt.tls_context(fleet.server.ca, fleet.claim(template))
    devices = [Device(str(number)) for number in range(80)]
    before = fleet.server.metrics()
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        list(pool.map(lambda d: d.provision(fleet, context, template, lambda: None), devices))
    assert all(device.name for device in devices)
    now = fleet.server.metrics()
    names = ("muster_store_applies_total", "muster_store_commits_total")
    applies, commits = (now[name] - before[name] for name in names)
    assert applies >= 160 and commits <= applies / 4


def test_every_change_may_be_applied_twice(make_server):
    """A mode of the store rolls each change back once and applies it again: the answer is of the second."""
    fleet = Fleet(make_server(env={"MUSTER_TEST_RERUN": "1"}))
    template = fleet.template(template_body(policy={"PolicyName": fleet.policy(ALLOW_ALL)}))
    with fleet.connect(fleet.claim(template)) as client:
        for flow in (fleet.keys, fleet.from_csr):
            identity, token = flow(client)
            first = fleet.register(client, template, token, SerialNumber=identity.id[:8])
            assert fleet.register(client, template, token, SerialNumber=identity.id[:8]) == first
            assert fleet.iot.list_thing_principals(thingName=first["thingName"])["principals"] == [identity.arn]
            assert fleet.can_connect(identity)
        assert "certificateId" in ask(client, CREATE, {})
