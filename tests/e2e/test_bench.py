"""muster bench: the load generator counts what happened, says why when nothing did, and stops by itself."""
import json
import shutil

import pytest

import muster


@pytest.fixture(scope="module")
def claimed(server):
    template = server.template()
    return server.claim(template), template


def bench(server, what, identity, *options):
    """The exit status and the figures."""
    done = muster.run(muster.BUILD / "muster", "bench", what, "--json", "--port", server.mqtt_port, "--ca", server.ca,
                      "--cert", identity.certificate_file, "--key", identity.key_file, "--connections", 8, *options)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("version", [3, 5])
def test_connect_counts_connections_and_what_they_cost(server, version):
    device = server.certificate(policy=server.policy())
    status, figures = bench(server, "connect", device, "--count", 60, "--mqtt", version, "--pid", server.pid)
    assert (status, figures["succeeded"], figures["failed"], figures["errors"]) == (0, 60, 0, {})
    assert 0 < figures["latencyUs"]["p50"] <= figures["latencyUs"]["p99"] <= figures["latencyUs"]["max"]
    assert figures["server"]["cpuUsPerOperation"] > 0 and figures["server"]["memoryKibAfter"] > 0


def test_provision_makes_as_many_things_as_it_says(server, claimed):
    claim, template = claimed
    pages = server.boto().get_paginator("list_things")

    def count():
        return sum(thing["thingName"].startswith("pump-bench-")
                   for page in pages.paginate() for thing in page["things"])
    before = count()
    status, figures = bench(server, "provision", claim, "--template", template, "--count", 20)
    assert (status, figures["succeeded"]) == (0, 20)
    assert count() - before == 20


def test_a_folder_of_certificates_is_taken_in_turn(server, tmp_path):
    policy = server.policy()
    for _ in range(3):
        device = server.certificate(policy=policy)
        shutil.copy(device.certificate_file, tmp_path)
        shutil.copy(device.key_file, tmp_path)
    (tmp_path / "without-a-key.pem").write_text("nothing")
    done = muster.run(muster.BUILD / "muster", "bench", "connect", "--port", server.mqtt_port, "--ca", server.ca,
                      "--cert-dir", tmp_path, "--count", 9)
    assert done.returncode == 0 and "9 in " in done.stdout and "errors   none" in done.stdout


def test_time_ends_it_too(server):
    device = server.certificate(policy=server.policy())
    status, figures = bench(server, "connect", device, "--seconds", 1)
    assert status == 0 and figures["succeeded"] > 0 and figures["elapsedUs"] < 20_000_000


def test_a_rejection_is_counted_by_its_reason(server, claimed):
    status, figures = bench(server, "provision", claimed[0], "--template", claimed[1], "--count", 4,
                            "--parameter", "Colour")
    assert status == 1 and figures["succeeded"] == 0 and figures["failed"] == 4
    assert all(text.startswith("register the thing: InvalidParameters: ") for text in figures["errors"])


def test_an_unknown_certificate_is_counted_and_given_up_soon(server):
    stranger = server.certificate(active=False, policy=server.policy())
    status, figures = bench(server, "connect", stranger, "--count", 1000000)
    assert status == 1 and figures["succeeded"] == 0 and 100 <= figures["failed"] < 200
    assert sum(figures["errors"].values()) == figures["failed"]


def test_nobody_there_is_said(server):
    device = server.certificate(policy=server.policy())
    (port,) = muster.free_ports(1)
    status, figures = bench(server, "connect", device, "--count", 3, "--port", port)
    assert (status, figures["errors"]) == (1, {"unreachable: Connection refused": 3})


@pytest.mark.parametrize("words, says", [
    (["dance"], "say what to measure"),
    (["connect"], "--ca FILE says whom to trust"),
    (["connect", "--ca", "x"], "say who connects"),
    (["connect", "--ca", "x", "--cert", "y"], "--cert and --key go together"),
    (["connect", "--ca", "x", "--cert", "y", "--key", "z", "--mqtt", "4"], "--mqtt is 3"),
    (["provision", "--ca", "x", "--cert", "y", "--key", "z"], "--template NAME"),
    (["connect", "--connections", "0"], "--connections: 0 is not a number from 1"),
])
def test_wrong_usage_is_one_line_and_status_2(words, says):
    done = muster.run(muster.BUILD / "muster", "bench", *words)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1
