"""muster account, muster audit, muster history: what the operator of a running server asks and sees."""
import json
import os
import re
import socket
import stat

import pytest

import mqtt
from muster import BUILD, eventually, refused, run, unique


def audit(server, *arguments):
    return [json.loads(line) for line in server.muster("audit", "--json", *arguments).splitlines()]


def audited(server, *arguments, count=1):
    """The trail is written beside the answers: awaited."""
    return eventually(lambda: (lines := audit(server, *arguments)) and len(lines) >= count and lines, what="audit line")


# ---- accounts ----

def test_an_account_made_on_the_running_server_works_at_once(server):
    other = server.other_account()
    assert re.fullmatch(r"[1-9][0-9]{11}", other.account)
    who = other.boto("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{other.account}:user/admin"
    assert other.boto().create_thing(thingName="pump-1")["thingArn"] == other.arn("thing/pump-1")
    assert other.boto().describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"] == other.data_host


def test_an_account_has_endpoint_names_of_its_own(server):
    one, two = server.other_account(), server.other_account()
    assert len(set(one.endpoints.values()) | set(two.endpoints.values())) == 10
    assert all(host.endswith(f".{server.region}.localhost") for host in one.endpoints.values())
    one.tls(server_name=one.data_host).close()  # the server's certificate is good for it


def test_devices_of_two_accounts_are_in_worlds_of_their_own(server):
    """The same client id and topic in both, told apart by certificate and host; neither hears the other."""
    one, two = server.other_account(), server.other_account()
    clients = []
    for account in (one, two):
        identity = account.certificate(policy=account.policy())
        client = mqtt.Client(("127.0.0.1", server.mqtt_port), mqtt.tls_context(server.ca, identity),
                             server_name=account.data_host)
        assert client.connect("pump-1").reason == 0
        client.subscribe("news")
        clients.append(client)
    for client, text in zip(clients, (b"one", b"two")):
        client.publish("news", text, qos=1)
    for client, text in zip(clients, (b"one", b"two")):
        assert client.expect(mqtt.PUBLISH).payload == text
        assert not [packet for packet in client.inbox if packet.type == mqtt.PUBLISH]
        client.drop()


def test_a_certificate_is_a_stranger_at_another_accounts_name(server):
    one, two = server.other_account(), server.other_account()
    identity = one.certificate(policy=one.policy())
    with mqtt.Client(("127.0.0.1", server.mqtt_port), mqtt.tls_context(server.ca, identity),
                     server_name=two.data_host) as client:
        with pytest.raises(mqtt.Closed):
            client.connect("pump-1")


def test_the_environment_file_of_an_account_holds_its_key(server):
    account = "3" + str(int.from_bytes(os.urandom(4), "big")).zfill(11)[:11]
    text = server.muster("account", "create", account)
    path = server.dir / f"env-{account}"
    written = dict(re.findall(r"^export (\w+)='([^']*)'$", path.read_text(), re.M))
    server.secrets.add(written["AWS_SECRET_ACCESS_KEY"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert written["AWS_SECRET_ACCESS_KEY"] not in text and written["MUSTER_ACCOUNT"] == account
    done = run(BUILD / "muster", "aws", "--account", account, "--dir", server.dir, "sts", "get-caller-identity",
               home=server.home)
    assert json.loads(done.stdout)["Account"] == account


def test_accounts_are_listed_and_shown(server):
    other = server.other_account()
    other.boto().create_thing(thingName="pump-1")
    listed = server.muster("account", "list")
    assert f"{server.account}  made" in listed and " default" in listed and other.account in listed
    shown = json.loads(server.muster("account", "show", other.account, "--json"))
    assert (shown["things"], shown["certificates"], shown["users"]) == (1, 0, 1)
    assert shown["endpoints"] == other.endpoints and "secretAccessKey" not in shown


@pytest.mark.parametrize("arguments, status, says", [
    (("create", "22"), 1, "accountId"),
    (("create", "22222222222x"), 1, "accountId"),
    (("show", "999999999999"), 1, "there is no account 999999999999"),
    (("show",), 2, "which account"),
    (("drop",), 2, "create|list|show"),
    ((), 2, "create|list|show"),
])
def test_a_wrong_account_command_says_why(server, arguments, status, says):
    assert says in server.muster("account", *arguments, fails=status)


def test_an_account_is_made_once(server):
    other = server.other_account()
    assert "exists already" in server.muster("account", "create", other.account, fails=1)
    assert "exists already" in server.muster("account", "create", server.account, fails=1)


def test_without_a_server_the_tool_says_how_to_start_it(make_server):
    stopped = make_server(start=False)
    assert "musterd --dir" in stopped.muster("account", "list", fails=1)


def test_accounts_and_their_keys_outlive_the_server(make_server):
    server = make_server()
    other = server.other_account()
    other.boto().create_thing(thingName="pump-1")
    server.restart()
    other.hang_up()
    assert other.boto().describe_thing(thingName="pump-1")["thingName"] == "pump-1"
    other.hang_up()


# ---- the socket ----

def ask(server, data):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(30)
        one.connect(str(server.dir / "musterd.sock"))
        one.sendall(data)
        with one.makefile("rb") as lines:
            return lines.readline()


def test_the_socket_is_its_owners_alone(server):
    assert stat.S_IMODE((server.dir / "musterd.sock").stat().st_mode) == 0o600
    assert stat.S_IMODE(server.dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{}\n", b"{\n", b'{"operation": 7}\n', b"\x00\xff\n",
                                  b'{"operation": "CreateThing"}\n', b'{"operation": "NoSuch", "input": []}\n',
                                  b'{"operation": "CreateAccount", "input": []}\n',
                                  b'{"operation": "CreateAccount", "input": {"accountId": 7}}\n',
                                  b"[" * 60000 + b"\n"])
def test_a_line_that_is_no_question_is_answered_with_an_error(server, line):
    assert "error" in json.loads(ask(server, line))
    assert json.loads(ask(server, b'{"operation": "ListAccounts"}\n'))["output"]["accounts"]


def test_a_line_without_an_end_is_hung_up(server):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(30)
        one.connect(str(server.dir / "musterd.sock"))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                one.sendall(b" " * 65536)


@pytest.mark.parametrize("operation", ["CreateAccount", "ListAccounts", "DescribeAccount", "ListHistory"])
def test_nothing_over_the_network_reaches_the_operators_operations(server, operation):
    target = {"X-Amz-Target": f"muster.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    for headers, path, service in ((target, "/", "muster"), ({}, "/", "muster"), ({}, f"/{operation}", "iot"),
                                   ({"Content-Type": "application/x-www-form-urlencoded"},
                                    f"/?Action={operation}&Version=2026-11-01", "muster")):
        answer = server.call("POST", path, b"{}", headers=headers, service=service)
        assert answer.status in (400, 403, 404), answer
        assert b"accountId" not in answer.body


# ---- the audit trail ----

def test_each_operation_leaves_a_line_with_who_what_and_how_it_ended(server, iot):
    name = unique("pump")
    iot.create_thing(thingName=name)
    with refused("ResourceNotFoundException", 404):
        iot.create_thing(thingName=name + "x", thingTypeName="none")
    made, = audited(server, "--resource", name)
    assert (made["operation"], made["outcome"], made["statusCode"]) == ("iot.CreateThing", "success", 200)
    assert made["principal"] == f"arn:aws:iam::{server.account}:user/admin" and made["accessKeyId"] == server.access_key
    assert made["sourceIp"] == "127.0.0.1" and "Boto3" in made["userAgent"]
    assert made["resource"] == {"thingName": name} and re.fullmatch(r"[0-9a-f-]{36}", made["requestId"])
    failed, = audited(server, "--resource", name + "x")
    assert (failed["outcome"], failed["error"]) == ("failure", "ResourceNotFoundException")


def test_the_trail_is_asked_by_outcome_operation_account_and_time(server, iot):
    other = server.other_account()
    name = unique("pump")
    other.boto().create_thing(thingName=name)
    line, = audited(server, "--account", other.account, "--operation", "CreateThing")
    assert line["resource"] == {"thingName": name}
    day = line["time"][:10]
    assert audit(server, "--resource", name, "--since", day, "--until", day)
    assert audit(server, "--resource", name, "--since", line["time"], "--until", line["time"])
    assert not audit(server, "--resource", name, "--until", "2020-01-01")
    assert not audit(server, "--resource", name, "--since", "2999-01-01")
    assert not audit(server, "--resource", name, "--outcome", "failure")
    assert not audit(server, "--resource", name[1:])


def test_a_forged_signature_is_a_denied_line_without_secrets(server):
    server.ask("GET", "/things", headers=server.sign("GET", "/things", credentials=(server.access_key, "wrong")))
    line = audited(server, "--outcome", "denied", "--principal", server.access_key)[-1]
    assert "InvalidSignature" in line["error"] or "Signature" in line["error"]
    assert "principal" not in line and "reason" not in line


@pytest.mark.parametrize("agent", ["\xff\xfe", "a\xc3", "\xed\xa0\x80", "\xe2\x82\xac" * 3000])
def test_no_header_hides_a_line_from_the_trail(server, agent):
    name = unique("t")
    target = "/things/" + name
    headers = {**server.sign("POST", target, b"{}", {"Content-Type": "application/json"}), "User-Agent": agent}
    assert server.ask("POST", target, b"{}", headers).status == 200
    assert [line["operation"] for line in audited(server, "--resource", name)] == ["iot.CreateThing"]
    assert "could not be read" not in run(BUILD / "muster", "audit", "--dir", server.dir, home=server.home).stderr


@pytest.mark.parametrize("form", [b"Action=%FF%FE&Version=2011-06-15", b"Action=" + b"%E2%82%AC" * 60 + b"&Version=2011-06-15",
                                  b"Action=AssumeRole&Version=2011-06-15&RoleSessionName=s1&RoleArn=arn:aws:iam::0" + b"%C3%A9" * 900])
def test_no_form_hides_a_line_from_the_trail(server, form):
    headers = server.sign("POST", "/", form, {"Content-Type": "application/x-www-form-urlencoded"}, "sts")
    answer = server.ask("POST", "/", form, headers)
    assert answer.status == 400
    request = answer.headers["x-amzn-requestid"]
    assert eventually(lambda: [line for line in audited(server, "--since", "2000-01-01") if line["requestId"] == request])
    assert "could not be read" not in run(BUILD / "muster", "audit", "--dir", server.dir, home=server.home).stderr


def test_the_trail_never_holds_a_secret(server, iot):
    server.certificate()
    other = server.other_account()
    audited(server, "--operation", "CreateAccount")
    text = "".join(path.read_text() for path in (server.dir / "audit").iterdir())
    assert "PRIVATE KEY" not in text and not any(secret in text for secret in server.secrets | {other.secret_key})


def test_the_trail_is_readable_by_its_owner_alone(server):
    assert stat.S_IMODE((server.dir / "audit").stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (server.dir / "audit").iterdir())


@pytest.mark.parametrize("arguments", [("--outcome", "maybe"), ("--since", "yesterday"), ("--until", "2026-1-1"),
                                       ("--principal",), ("--nothing", "x")])
def test_a_wrong_question_to_the_trail_says_why(server, arguments):
    said = server.muster("audit", *arguments, fails=2) if arguments != ("--principal",) else run(
        BUILD / "muster", "audit", "--principal").stderr
    assert arguments[0] in said


def test_old_days_of_the_trail_go(make_server):
    server = make_server(start=False, settings={"audit_days": 2})
    folder = server.dir / "audit"
    folder.mkdir(mode=0o700)
    for name in ("2020-01-01.jsonl", "2020-01-02.txt"):
        (folder / name).write_text("{}\n")
    server.start()
    assert not (folder / "2020-01-01.jsonl").exists() and (folder / "2020-01-02.txt").exists()
    server.boto().list_things()
    assert audited(server, "--operation", "ListThings")
    server.admin("clock +259200")
    server.call("GET", "/things", at=server.now())
    eventually(lambda: len([path for path in folder.iterdir() if path.suffix == ".jsonl"]) == 1, what="the old day's end")


# ---- history ----

def test_history_tells_what_happened_to_a_thing_and_who_did_it(server, iot):
    name, group = unique("pump"), unique("group")
    iot.create_thing(thingName=name)
    identity = server.certificate()
    iot.attach_thing_principal(thingName=name, principal=identity.arn)
    iot.create_thing_group(thingGroupName=group)
    iot.add_thing_to_thing_group(thingName=name, thingGroupName=group)
    iot.detach_thing_principal(thingName=name, principal=identity.arn)
    lines = [json.loads(line) for line in server.muster("history", name, "--json").splitlines()]
    assert [(line["what"], line["kind"]) for line in lines] == [
        ("thing", "CREATED"), ("thing-principal", "ATTACHED"), ("thing-group-member", "ATTACHED"),
        ("thing-principal", "DETACHED")]
    assert all(line["principal"].endswith(":user/admin") for line in lines)
    assert [line["operation"] for line in lines] == ["iot.CreateThing", "iot.AttachThingPrincipal",
                                                     "iot.AddThingToThingGroup", "iot.DetachThingPrincipal"]
    assert "by arn:aws:iam::" in server.muster("history", server.arn(f"thing/{name}"))


def test_history_of_a_certificate_outlives_it(server, iot):
    policy = server.policy()
    identity = server.certificate(policy=policy)
    iot.update_certificate(certificateId=identity.id, newStatus="INACTIVE")
    iot.delete_certificate(certificateId=identity.id, forceDelete=True)
    for subject in (identity.id, identity.id.upper(), identity.arn):
        lines = [json.loads(line) for line in server.muster("history", subject, "--json").splitlines()]
        kinds = [(line["what"], line["kind"], line.get("detail")) for line in lines]
        assert kinds[:3] == [("certificate", "CREATED", "ACTIVE"), ("policy-target", "ATTACHED", policy),
                             ("certificate", "UPDATED", "INACTIVE")]
        assert ("certificate", "DELETED") in [(line["what"], line["kind"]) for line in lines]


def test_history_is_one_accounts(server):
    other = server.other_account()
    name = unique("pump")
    other.boto().create_thing(thingName=name)
    assert name in server.muster("history", name, "--account", other.account)
    assert "nothing ever happened" in server.muster("history", name, fails=1)


@pytest.mark.parametrize("subject", ["a b", "", "arn:aws:iot:us-east-1:000000000001:policy/p"])
def test_a_history_of_nothing_that_can_be_is_refused(server, subject):
    assert "subject" in server.muster("history", subject, fails=1)
