"""scripts/check-rooms finds each broken rule in a tree made for it, and nothing in a tree that keeps them."""
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-rooms"

SOUND = {
    "src/base/bytes.h": "#pragma once\n",
    "src/base/clock.c": '#include "base/bytes.h"\nlong now(void) { return time(0); }\n',
    "src/mqtt/mqtt.h": '#include "base/bytes.h"\n#include "mqtt/filter.h"\n',
    "src/mqtt/filter.h": "/* part of the door */\n",
    "src/mqtt/wire.h": "/* internal */\n",
    "src/store/store.h": '#include "base/bytes.h"\n',
    "src/broker/broker.h": '#include "mqtt/mqtt.h"\n#include "mqtt/filter.h"\n#include "store/store.h"\n',
    "src/registry/registry.h": '#include "store/store.h"\n',
    "src/certificate/certificate.c": '#include "registry/registry.h"\n/* time(0) is banned; so is strcpy( */\n'
                                     'const char *text = "system(1)"; int own_time(int x); int y = row->time(1);\n',
}


def check(tmp_path, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run(["/usr/bin/python3", SCRIPT, "--root", tmp_path], capture_output=True, text=True)


def test_a_sound_tree_has_no_faults(tmp_path):
    result = check(tmp_path, SOUND)
    assert result.returncode == 0, result.stdout
    assert result.stdout.endswith("0 faults\n")


@pytest.mark.parametrize("name, text, fault", [
    ("src/mqtt/up.c", '#include "broker/broker.h"\n', "src/mqtt/up.c:1: mqtt stands below broker"),
    ("src/base/up.c", '\n#include "store/store.h"\n', "src/base/up.c:2: base stands below store"),
    ("src/broker/in.c", '#include "mqtt/wire.h"\n', '"mqtt/wire.h" is internal to mqtt'),
    ("src/broker/in.c", '#include "store/sqlite.h"\n', '"store/sqlite.h" is internal to store'),
    ("src/registry/up.c", '#include "certificate/certificate.h"\n', "registry stands below certificate"),
    ("src/certificate/side.c", '#include "iam/iam.h"\n', "services do not include each other"),
    ("src/provisioning/side.c", '#include "broker/broker.h"\n', "services do not include each other"),
    ("src/store/near.c", '#include "store.h"\n', "needs its room in front"),
    ("src/attic/attic.c", "int x;\n", "attic is no known room"),
    ("src/store/far.c", '#include "attic/attic.h"\n', "is in no known room"),
    ("src/store/now.c", "\n\nlong t = time (NULL);\n", "src/store/now.c:3: time is banned outside base"),
    ("src/cli/run.c", 'int x = system("ls");\n', "system is banned outside base"),
    ("src/store/copy.c", "void f(char *a) { strcpy(a, a); }\n", "strcpy is banned outside base"),
    ("src/store/later.c", "/* TODO: later */\n", "TODO: finish it"),
    ("src/store/later.h", "/* FIXME */\n", "FIXME: finish it"),
])
def test_a_broken_rule_is_named_with_its_place(tmp_path, name, text, fault):
    result = check(tmp_path, {**SOUND, name: text})
    assert result.returncode == 1
    assert fault in result.stdout


def test_a_long_file_is_shown_and_is_no_fault(tmp_path):
    result = check(tmp_path, {**SOUND, "src/store/long.c": "int x;\n" * 601})
    assert result.returncode == 0
    assert "src/store/long.c: warning: 601 lines" in result.stdout


def test_an_empty_tree_is_a_fault(tmp_path):
    (tmp_path / "src").mkdir()
    assert check(tmp_path, {}).returncode == 1
