"""muster demo: what a stranger sees first must work, tell the truth, give nothing away and leave no process behind."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

import muster


def demo(folder, *options):
    """Our process of `muster demo`, with `folder` for its files."""
    return subprocess.Popen([muster.BUILD / "muster", "demo", *options], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**muster.clean_environment(folder), "TMPDIR": str(folder)})


def servers_below(folder):
    """The process ids of servers whose folder is there."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(os.fsencode(folder)) for word in words) and b"musterd" in words[0]:
                found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    process = demo(folder)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    return folder, out, err


def test_every_device_provisions_itself_in_every_way_there_is(shown):
    _, out, err = shown
    rows = re.findall(r"^  pump-sn-\d{4} +[0-9a-f]{12}\.\.\. +(keys|CSR), (JSON|CBOR) +(3\.1\.1|5) +\d+$", out, re.M)
    assert len(rows) == 25 and len(set(rows)) == 8
    assert "The API lists exactly these 25 things" in out and "25 of 25 devices" in out
    assert err == ""


def test_the_claim_is_refused_anything_else(shown):
    assert len(re.findall(r"^  (publish|listen|provision) .* not authorized$", shown[1], re.M)) == 3


def test_nothing_secret_is_shown_and_no_server_is_left(shown):
    folder, out, _ = shown
    (environment,) = folder.glob("muster-demo-*/server/env")
    secret = re.search(r"AWS_SECRET_ACCESS_KEY='(.+)'", environment.read_text()).group(1)
    assert secret not in out and "PRIVATE KEY" not in out and "certificateOwnershipToken" not in out
    assert servers_below(folder) == []


def test_what_it_says_to_paste_works(shown):
    folder, out, _ = shown
    lines = out.split("To go on, paste:\n\n", 1)[1]
    done = muster.run("bash", "-c", "set -m\n" + lines, home=folder, timeout=120)
    assert '"thingName": "pump-sn-0025"' in done.stdout and '"principals"' in done.stdout
    assert list(folder.glob("muster-demo-*")) == [] and servers_below(folder) == []


def test_interrupted_it_stops_its_server_and_says_so(tmp_path):
    process = demo(tmp_path)
    muster.eventually(lambda: servers_below(tmp_path), what="the demo's server")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "muster demo: interrupted." in err, out + err
    muster.eventually(lambda: not servers_below(tmp_path), what="the end of the server")
