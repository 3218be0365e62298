"""What muster and musterd promise to scripts: folders, files, statuses, one line a failure, logs (README)."""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import ssl
import stat

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

import muster
from muster import BUILD, run

VARIABLES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
             "AWS_CA_BUNDLE", "MUSTER_ACCOUNT", "MUSTER_CA", "MUSTER_HOST", "MUSTER_MQTT_PORT", "MUSTER_HTTPS_PORT",
             "MUSTER_DEVICE_HTTPS_PORT", "MUSTER_METRICS_PORT", "MUSTER_PROVISIONING_ROLE"]


def init(*arguments):
    return run(BUILD / "muster", "init", *arguments)


def one_line(done, program):
    """A failure is one line on standard error, beside what is logged; nothing on standard output."""
    lines = [line for line in done.stderr.splitlines() if not re.match(r"\d{4}-\d\d-\d\d \d\d:\S+ (info|warn) ", line)]
    assert len(lines) == 1 and lines[0].startswith(f"{program}: "), done.stderr
    assert done.stdout == ""
    return lines[0]


def fails(server, text, program="musterd"):
    """The server does not start, says why in one line, and changes nothing in the folder."""
    before = picture(server.dir)
    done = run(BUILD / "musterd", "--dir", server.dir)
    assert done.returncode == 1, (done.returncode, done.stderr)
    line = one_line(done, program)
    assert text in line, line
    assert picture(server.dir) == before
    return line


def picture(folder):
    """Names and contents; the lock's text and the store's empty side files may come and go."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path(folder).iterdir()
            if path.is_file() and path.name not in ("lock", "store.db-shm") and
            not (path.name == "store.db-wal" and path.stat().st_size == 0)}


@pytest.fixture
def stopped(make_server):
    return make_server(start=False)


# ---- init ----

def test_init_says_what_to_do_next(tmp_path):
    done = init("--dir", tmp_path / "d")
    assert done.returncode == 0 and done.stderr == ""
    assert f"musterd --dir {tmp_path}/d" in done.stdout and "muster aws --dir" in done.stdout
    assert os.listdir(tmp_path) == ["d"]


def test_nobody_else_can_read_the_folder_or_a_secret(stopped):
    assert stat.S_IMODE(stopped.dir.stat().st_mode) == 0o700
    for path in stopped.dir.iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o644 if path.suffix == ".pem" else 0o600), (path.name, oct(mode))


def test_the_environment_is_for_a_shell(stopped):
    script = ". \"$0\"; for name in " + " ".join(VARIABLES) + "; do eval echo \\\"$name=\\$$name\\\"; done"
    done = run("sh", "-euc", script, stopped.dir / "env")
    assert done.returncode == 0, done.stderr
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert found == stopped.variables and list(found) == VARIABLES
    assert found["AWS_ENDPOINT_URL"] == f"https://localhost:{stopped.https_port}"
    assert found["AWS_CA_BUNDLE"] == found["MUSTER_CA"] == str(stopped.dir / "ca.pem")
    assert found["MUSTER_PROVISIONING_ROLE"] == "arn:aws:iam::000000000001:role/MusterProvisioning"
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", found["AWS_ACCESS_KEY_ID"]) and len(found["AWS_SECRET_ACCESS_KEY"]) == 40


def test_two_folders_share_no_secret(make_server):
    one, two = make_server(start=False), make_server(start=False)
    assert one.secret_key != two.secret_key
    for name in ("master.key", "ca.key", "issuer.key", "server-rsa.key", "server-ecdsa.key"):
        assert (one.dir / name).read_bytes() != (two.dir / name).read_bytes()


def test_init_makes_names_of_its_own(make_server):
    server = make_server(options=("--region", "eu-central-1", "--domain", "muster.test", "--account", "123456789012"),
                         start=False)
    assert (server.region, server.host, server.account) == ("eu-central-1", "muster.test", "123456789012")
    assert server.role == "arn:aws:iam::123456789012:role/MusterProvisioning"
    for kind in ("rsa", "ecdsa"):
        certificate = x509.load_pem_x509_certificate((server.dir / f"server-{kind}.pem").read_bytes())
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert {"muster.test", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
        assert {str(one) for one in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
        root = x509.load_pem_x509_certificate((server.dir / "ca.pem").read_bytes())
        assert certificate.issuer == root.subject
        assert root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)


def test_a_server_in_another_region_and_account_answers_so(make_server):
    server = make_server(options=("--region", "eu-central-1", "--account", "123456789012"))
    assert server.boto().create_thing(thingName="x")["thingArn"] == "arn:aws:iot:eu-central-1:123456789012:thing/x"
    assert server.aws("sts", "get-caller-identity")["Account"] == "123456789012"


@pytest.mark.parametrize("make, holds", [
    (lambda path: path.mkdir(), "empty"),
    (lambda path: (path.mkdir(), (path / "precious.txt").write_text("x")), "precious.txt"),
    (lambda path: path.write_text("x"), "no folder"),
    (lambda path: path.symlink_to("/nonexistent"), "there already"),
], ids=["an empty folder", "a folder", "a file", "a link"])
def test_init_refuses_what_exists_and_says_what_is_there(tmp_path, make, holds):
    make(tmp_path / "d")
    before = sorted(os.listdir(tmp_path))
    done = init("--dir", tmp_path / "d")
    assert done.returncode == 1 and holds in one_line(done, "muster init")
    assert f"{tmp_path}/d" in done.stderr and sorted(os.listdir(tmp_path)) == before
    if (tmp_path / "d").is_dir():
        assert os.listdir(tmp_path / "d") in ([], ["precious.txt"])


@pytest.mark.parametrize("arguments, text", [
    (("--https-port", "0"), "--https-port"), (("--https-port", "65536"), "--https-port"),
    (("--mqtt-port", "x"), "--mqtt-port"), (("--mqtt-port",), "--mqtt-port"), (("--nonsense", "x"), "--nonsense"),
    (("--domain", "a b"), "--domain"), (("--region", "'"), "--region"), (("--account", "12"), "account"),
    (("--account", "12345678901x"), "account"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else value)
def test_init_names_the_option_that_is_wrong_and_makes_nothing(tmp_path, arguments, text):
    done = init("--dir", tmp_path / "d", *arguments)
    assert done.returncode in (1, 2) and text in one_line(done, "muster init")
    assert os.listdir(tmp_path) == []


def test_init_wants_a_folder_whose_parent_exists(tmp_path):
    assert init().returncode == 2
    done = init("--dir", tmp_path / "a" / "b")
    assert done.returncode == 1 and str(tmp_path / "a") in one_line(done, "muster init")


# ---- words on the command line ----

@pytest.mark.parametrize("program", ["muster", "musterd"])
def test_help_and_version_succeed_and_nonsense_does_not(program):
    for word in ("--help", "--version"):
        done = run(BUILD / program, word)
        assert done.returncode == 0 and program in done.stdout and done.stderr == "", word
    for arguments in ((), ("--nonsense",), ("nonsense",), ("--dir",)):
        done = run(BUILD / program, *arguments)
        assert done.returncode == 2 and "usage" in done.stderr and done.stdout == "", arguments


def test_musterd_without_a_folder_says_how_to_make_one(tmp_path):
    done = run(BUILD / "musterd", "--dir", tmp_path / "none")
    assert done.returncode == 1 and f"muster init --dir {tmp_path}/none" in one_line(done, "musterd")


# ---- muster aws ----

def test_muster_aws_reaches_nobody_else(server):
    for option in ("--endpoint-url=https://x.example", "--profile=x", "--no-verify-ssl"):
        done = run(BUILD / "muster", "aws", "--dir", server.dir, option, "iot", "list-things")
        assert done.returncode == 2 and option.split("=")[0] in one_line(done, "muster aws")
    done = run(BUILD / "muster", "aws", "--dir", server.dir, "sts", "get-caller-identity",
               env={"AWS_ENDPOINT_URL": "https://x.example", "AWS_PROFILE": "none", "AWS_SESSION_TOKEN": "x",
                    "AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "x", "HTTPS_PROXY": "http://127.0.0.1:1",
                    "AWS_REGION": "eu-west-9"})
    assert done.returncode == 0 and server.account in done.stdout, done.stderr


def test_muster_aws_passes_the_status_on(server):
    done = run(BUILD / "muster", "aws", "--dir", server.dir, "iot", "describe-thing", "--thing-name", "none")
    assert done.returncode == 254, "the AWS CLI's own status for a service's error"


def test_muster_aws_without_a_folder_says_so(tmp_path):
    done = run(BUILD / "muster", "aws", "--dir", tmp_path, "iot", "list-things")
    assert done.returncode == 1 and f"{tmp_path}/env" in one_line(done, "muster aws")


# ---- starting ----

def test_ready_means_that_every_listener_accepts(stopped):
    stopped.start()
    for port in (stopped.mqtt_port, stopped.https_port, stopped.device_https_port):
        stopped.tls(port).close()
    for address in ("127.0.0.1", "::1"):
        for port in (stopped.mqtt_port, stopped.https_port, stopped.device_https_port):
            socket.create_connection((address, port), 5).close()
    assert stopped.metrics()["muster_connections"] >= 0


def test_it_listens_on_loopback_only_unless_told(server):
    ports = {server.mqtt_port, server.https_port, server.device_https_port, server.metrics_port}
    found = {}
    for name, loopback in (("tcp", {"0100007F"}), ("tcp6", {"0" * 24 + "01000000"})):
        for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports:
                assert address in loopback, local
                found.setdefault(int(port, 16), []).append(address)
    assert set(found) == ports


def test_both_kinds_of_certificate_are_served(server):
    for suite, kind in (("ECDHE-RSA-AES128-GCM-SHA256", "rsa"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa")):
        context = ssl.create_default_context(cafile=server.ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
        with socket.create_connection(("localhost", server.https_port), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as tls:
                shown = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
        assert shown.split() == (server.dir / f"server-{kind}.pem").read_text().split()


@pytest.mark.parametrize("member", ["mqtt_port", "https_port", "device_https_port", "metrics_port"])
def test_a_taken_port_is_named(stopped, member):
    port = getattr(stopped, member)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        line = fails(stopped, str(port))
        assert member in line and "taken" in line
    stopped.start()


def test_a_second_server_on_the_folder_is_refused_and_the_first_serves_on(fresh_server):
    done = run(BUILD / "musterd", "--dir", fresh_server.dir)
    assert done.returncode == 1 and f"process {fresh_server.pid}" in one_line(done, "musterd")
    assert fresh_server.boto().list_things()["things"] == []


@pytest.mark.parametrize("line, reason", [
    ("mqtt_port = 70000;", "70000 is not between 1 and 65535"), ("mqtt_port = \"8883\";", "a whole number is wanted"),
    ("mqtt_port = 1.5;", "a whole number is wanted"), ("enforce_iam = 1;", "true or false is wanted"),
    ("region = \"\";", "a text in quotes is wanted"), ("region = 7;", "a text in quotes is wanted"),
    ("domain = \"a b\";", "only letters, digits"), ("log_format = \"xml\";", "is none of: text json"),
    ("no_such = 1;", "there is no such setting"), ("listen = \"x\";", "a list of addresses is wanted"),
    ("region = ;", "syntax error"), ("}", "syntax error"),
], ids=lambda value: value)
def test_a_damaged_configuration_is_named_by_file_line_and_reason(stopped, line, reason):
    path = stopped.dir / "muster.conf"
    name = line.split(" ")[0]
    lines = [old for old in path.read_text().splitlines() if not old.startswith(f"{name} =")]
    lines.insert(2, line)
    path.write_text("\n".join(lines) + "\n")
    text = fails(stopped, reason)
    assert f"{path}, line 3" in text, text


def test_a_listen_address_that_is_none_is_named(stopped):
    path = stopped.dir / "muster.conf"
    path.write_text(path.read_text() + 'listen = [ "not-an-address" ];\n')
    fails(stopped, "not-an-address")


@pytest.mark.parametrize("name", ["muster.conf", "master.key", "issuer.pem", "issuer.key", "server-rsa.pem",
                                  "server-rsa.key", "server-ecdsa.pem", "server-ecdsa.key"])
def test_a_file_that_is_missing_or_damaged_is_named(stopped, name):
    path = stopped.dir / name
    path.rename(path.with_suffix(".away"))
    fails(stopped, str(path))
    path.write_text("damaged")
    path.chmod(0o600)
    fails(stopped, str(path))


def test_keys_that_do_not_belong_to_their_certificates_are_refused(stopped):
    (stopped.dir / "server-rsa.key").write_bytes((stopped.dir / "ca.key").read_bytes())
    fails(stopped, "server-rsa")


def test_a_store_of_a_newer_version_is_left_alone(stopped):
    with sqlite3.connect(stopped.dir / "store.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    fails(stopped, "made by a newer muster")


def test_a_store_that_is_none_is_left_alone(stopped):
    (stopped.dir / "store.db").write_bytes(b"no database " * 1000)
    fails(stopped, "store")


def test_a_release_has_no_socket_that_moves_the_clock(server):
    assert (server.dir / "admin.sock").is_socket() and stat.S_IMODE(server.dir.stat().st_mode) == 0o700
    release = BUILD.parent / BUILD.name.removesuffix("-asan") / "musterd"
    if release == BUILD / "musterd" or not release.exists():
        pytest.skip("no release build beside the sanitized one")
    assert b"admin.sock" not in release.read_bytes()


# ---- stopping, and coming back ----

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_though_clients_are_connected(fresh_server, number):
    clients = [fresh_server.tls(), fresh_server.tls(fresh_server.mqtt_port),
               socket.create_connection(("127.0.0.1", fresh_server.https_port))]
    fresh_server.boto().list_things()
    fresh_server.process.send_signal(number)
    assert fresh_server.process.wait(15) == 0
    fresh_server.forget()
    fresh_server.check_log()
    for client in clients:
        client.close()


def test_what_was_answered_is_there_after_a_restart_and_after_a_kill(fresh_server):
    made = fresh_server.boto().create_thing(thingName="pump-1")
    fresh_server.restart()
    assert fresh_server.boto().describe_thing(thingName="pump-1")["thingId"] == made["thingId"]
    made = fresh_server.boto().create_thing(thingName="pump-2")
    fresh_server.kill()
    fresh_server.start()
    assert fresh_server.boto().describe_thing(thingName="pump-2")["thingId"] == made["thingId"]


def test_a_folder_may_move(stopped):
    stopped.start()
    stopped.boto().create_thing(thingName="pump-1")
    stopped.stop()
    moved = stopped.dir.rename(stopped.home / "moved")
    stopped.dir, stopped.ca = moved, str(moved / "ca.pem")
    stopped._clients.clear()
    stopped.start()
    assert stopped.boto().describe_thing(thingName="pump-1")["version"] == 1


# ---- what it says ----

def test_an_operation_is_one_line_that_says_who_did_what(fresh_server):
    fresh_server.boto().create_thing(thingName="pump-1")
    with muster.refused("ResourceNotFoundException", 404):
        fresh_server.boto().describe_thing(thingName="none")
    fresh_server.stop()
    lines = [line for line in fresh_server.log.splitlines() if 'operation="iot.' in line]
    assert len(lines) == 2
    for word in ('operation="iot.CreateThing"', 'status="Success"', f'accessKeyId="{fresh_server.access_key}"',
                 'sourceIp="127.0.0.1"', "pump-1"):
        assert word in lines[0], lines[0]
    assert 'operation="iot.DescribeThing"' in lines[1] and 'status="Failure"' in lines[1]
    assert "ResourceNotFoundException" in lines[1]


def test_the_log_may_be_json_a_line_an_event(make_server):
    server = make_server(settings={"log_format": "json"})
    server.boto().create_thing(thingName="pump-1")
    server.ask("GET", "/things")
    server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert all({"timestamp", "logLevel"} <= set(line) for line in lines)
    assert [line for line in lines if line.get("operation") == "iot.CreateThing" and line["status"] == "Success"]


def test_the_log_may_be_quieter(make_server):
    server = make_server(settings={"log_level": "error"})
    server.boto().create_thing(thingName="pump-1")
    server.stop()
    assert server.log == ""


def test_a_stranger_forges_no_line(fresh_server):
    fresh_server.ask("GET", "/things/a%0A2026-01-01%20error%20forged", headers={"User-Agent": "a\tb"})
    fresh_server.call("GET", "/things/a%0Aforged%1b%5B2J")
    fresh_server.stop()
    assert not [line for line in fresh_server.log.splitlines() if not re.match(r"\d{4}-\d\d-\d\d \d\d:", line)]
    assert "\x1b" not in fresh_server.log


def test_health_and_metrics_are_on_loopback_in_plain_text(server):
    answers = {}
    for path in ("/health", "/metrics", "/nonsense"):
        with socket.create_connection(("127.0.0.1", server.metrics_port), 10) as plain:
            plain.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answers[path] = b"".join(iter(lambda: plain.recv(65536), b""))
    assert answers["/health"].startswith(b"HTTP/1.1 200") and answers["/metrics"].startswith(b"HTTP/1.1 200")
    assert answers["/nonsense"].startswith(b"HTTP/1.1 404")
    assert b"# TYPE muster_connections gauge" in answers["/metrics"]


def test_operations_are_counted(fresh_server):
    for _ in range(3):
        fresh_server.boto().list_things()
    numbers = {name: value for name, value in fresh_server.metrics().items() if "ListThings" in name}
    assert 3 in numbers.values(), numbers
