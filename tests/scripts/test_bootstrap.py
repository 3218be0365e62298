"""scripts/bootstrap asks dpkg once, installs only what is missing, and says clearly when it may not."""
import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "bootstrap"

ALL = "gcc libc6-dev make cmake ninja-build pkg-config libuv1-dev libssl-dev libwslay-dev libjson-c-dev " \
      "libsqlite3-dev libtalloc-dev libpcre2-dev uthash-dev libcurl4-openssl-dev libconfig-dev node-llhttp " \
      "ca-certificates"


@pytest.fixture
def machine(tmp_path):
    """A machine whose dpkg-query, apt-get, id and sudo are ours; apt-get leaves a trace."""
    def tool(name, body):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)

    def run(installed, *groups):
        lines = "".join(f"ii {name}\\n" for name in installed.split())
        tool("dpkg-query", f'echo asked >>{tmp_path}/asked; printf "{lines}"')
        tool("apt-get", f"touch {tmp_path}/installed")
        tool("id", "echo 1000")
        tool("sudo", "exit 1")
        env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        return subprocess.run([SCRIPT, *groups], env=env, capture_output=True, text=True)

    run.path = tmp_path
    return run


def test_nothing_missing_is_one_question(machine):
    result = machine(ALL, "build")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (machine.path / "asked").read_text() == "asked\n"


def test_a_missing_package_is_named_to_who_may_not_install(machine):
    result = machine(ALL.replace("libuv1-dev", ""), "build")
    assert result.returncode == 1
    assert "apt-get install --no-install-recommends libuv1-dev\n" in result.stderr
    assert not (machine.path / "installed").exists()


def test_an_unknown_group_is_refused(machine):
    assert machine(ALL, "everything").returncode == 2
