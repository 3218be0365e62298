"""The IoT credentials provider (auth 3.4, 4.4): a device's certificate is traded for the keys of a role."""
import datetime
import http.client
import json
import socket
import ssl
import time

import pytest

from muster import Answer, PATIENCE_S, eventually, refused, run, unique
from people import IOT, PROVIDER, Caller, allow, make_role, trust


@pytest.fixture(scope="module")
def host(server):
    name = server.credentials_host()
    assert f".credentials.iot.{server.region}." in name
    return name


def make_alias(server, role_arn, **more):
    name = unique("Alias")
    server.boto().create_role_alias(roleAlias=name, roleArn=role_arn, **more)
    return name


@pytest.fixture(scope="module")
def role(server):
    return make_role(server, trust(PROVIDER),
                     allow("iot:Publish", server.arn("topic/dev/${credentials-iot:ThingName}/*")))


@pytest.fixture(scope="module")
def alias(server, role):
    return make_alias(server, role["Arn"], credentialDurationSeconds=900)


@pytest.fixture(scope="module")
def device(fleet, alias):
    return fleet.device(fleet.policies.allow("iot:AssumeRoleWithCertificate", f"rolealias/{alias}",
                                             "rolealias/absent", "rolealias/weak*"))


@pytest.fixture(scope="module")
def thing(server, device):
    name = unique("pump")
    server.boto().create_thing(thingName=name)
    server.boto().attach_thing_principal(thingName=name, principal=device.arn)
    return name


def connect(server, host, identity, alpn=()):
    connection = http.client.HTTPSConnection(host, server.https_port, timeout=PATIENCE_S)
    connection.sock = server.tls(identity=identity, server_name=host, alpn=alpn)
    return connection


def ask(connection, alias, method="GET", path=None, **headers):
    connection.request(method, path or f"/role-aliases/{alias}/credentials",
                       headers={"Accept": "*/*", "User-Agent": "aws-sdk-crt/x509-credentials-provider",
                                **{name.replace("_", "-"): value for name, value in headers.items()}})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def get(server, host, identity, alias, **more):
    connection = connect(server, host, identity)
    try:
        return ask(connection, alias, **more)
    finally:
        connection.close()


# ---- the keys ----

def test_auth_22_the_keys_sign_until_they_expire(server, host, device, thing, alias):
    before = time.time()
    given = get(server, host, device, alias, x_amzn_iot_thingname=thing).json["credentials"]
    server.secrets |= {given["secretAccessKey"], given["sessionToken"]}
    assert given["accessKeyId"].startswith("ASIA") and len(given) == 4
    ends = datetime.datetime.strptime(given["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=datetime.timezone.utc).timestamp()
    assert before + 899 - 1 <= ends <= time.time() + 901
    session = Caller(server, given)
    who = session.boto("sts").get_caller_identity()
    assert who["Arn"].endswith(f"/{device.id}")  # the session's name is the certificate
    data = session.boto("iot-data")
    data.publish(topic=f"dev/{thing}/state", qos=1, payload=b"x")  # auth 21: the thing's own topics
    with refused("ForbiddenException", 403):
        data.publish(topic=f"dev/{thing}x/state", qos=1, payload=b"x")


def test_without_the_header_there_is_no_thing_in_the_session(server, host, device, thing, alias):
    given = get(server, host, device, alias).json["credentials"]
    server.secrets |= {given["secretAccessKey"], given["sessionToken"]}
    data = Caller(server, given).boto("iot-data")
    with refused("ForbiddenException", 403):
        data.publish(topic=f"dev/{thing}/state", qos=1, payload=b"x")


@pytest.mark.parametrize("alpn", [(), ("http/1.1",), ("x-amzn-http-ca",), ("x-amzn-mqtt-ca", "h2")])
def test_one_connection_serves_many_requests_whatever_protocols_it_offers(server, host, device, alias, alpn):
    connection = connect(server, host, device, alpn)
    seen = set()
    for _ in range(3):
        answer = ask(connection, alias)
        assert answer.status == 200 and answer.headers["Connection"] == "keep-alive"
        assert answer.headers["Content-Type"] == "application/json"
        seen.add(answer.json["credentials"]["accessKeyId"])
        server.secrets.add(answer.json["credentials"]["secretAccessKey"])
    connection.close()
    assert len(seen) == 3  # each call issues fresh ones


def test_curl_gets_them(server, host, device, thing, alias):
    done = run("curl", "-sS", "--cacert", server.ca, "--cert", device.certificate_file, "--key", device.key_file,
               "-H", f"x-amzn-iot-thingname: {thing}", "--resolve", f"{host}:{server.https_port}:127.0.0.1",
               f"https://{host}:{server.https_port}/role-aliases/{alias}/credentials")
    given = json.loads(done.stdout)["credentials"]
    assert set(given) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}
    server.secrets |= {given["secretAccessKey"], given["sessionToken"]}


# ---- auth 21: the rows of 4.4 ----

def is_refused(answer, status, error, message):
    assert (answer.status, answer.error, answer.message) == (status, error, message), answer
    assert set(answer.json) == {"message"}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_auth_21_row_1_no_certificate_ends_in_an_alert(server, host, version):
    context = ssl.create_default_context(cafile=server.ca)
    context.maximum_version = version
    with socket.create_connection((server.host, server.https_port), PATIENCE_S) as plain:
        with pytest.raises(ssl.SSLError) as caught:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                tls.recv(1)
    expected = ("CERTIFICATE_REQUIRED", "CERTIFICATE REQUIRED") if version == ssl.TLSVersion.TLSv1_3 else ("HANDSHAKE",)
    assert any(word in str(caught.value).upper() for word in expected), caught.value


def test_auth_21_row_1_a_certificate_must_be_active(server, fleet, host, alias):
    asleep = fleet.device(active=False)
    is_refused(get(server, host, asleep, alias), 403, "AccessDeniedException",
               "Certificate is invalid on this endpoint")


def test_auth_21_row_2_the_thing_must_be_the_certificates(server, host, device, alias):
    other = unique("other")
    server.boto().create_thing(thingName=other)
    for name in (other, unique("absent")):
        is_refused(get(server, host, device, alias, x_amzn_iot_thingname=name), 403, "AccessDeniedException",
                   "Invalid thing name passed")


def test_auth_21_row_3_policies_come_before_existence(server, fleet, host, device, alias):
    poor = fleet.device(fleet.policies.allow("iot:Connect", "*"))
    for identity, name in ((poor, alias), (poor, "absent"), (device, unique("elsewhere"))):
        is_refused(get(server, host, identity, name), 403, "AccessDeniedException", "Access Denied")


def test_auth_21_row_4_the_alias_must_exist(server, host, device):
    is_refused(get(server, host, device, "absent"), 404, "ResourceNotFoundException", "Role alias does not exist")


def test_auth_21_row_5_the_role_must_trust_the_provider(server, fleet, host):
    name = make_alias(server, make_role(server, trust(IOT), allow("*"))["Arn"])
    identity = fleet.device()
    is_refused(get(server, host, identity, name), 400, "InvalidRequestException",
               "Unable to assume the role, or the role to assume does not exist")


# ---- the host ----

@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "PATCH"])
def test_other_methods_are_not_allowed(server, host, device, alias, method):
    answer = get(server, host, device, alias, method=method)
    assert answer.status == 405
    if method != "HEAD":
        assert answer.error == "MethodNotAllowedException" and answer.message


@pytest.mark.parametrize("path", ["/", "/role-aliases", "/role-aliases/a", "/role-aliases//credentials",
                                  "/role-aliases/a/credentials/", "/role-aliases/a/b/credentials", "/things",
                                  "/role-aliases/%ZZ/credentials", "/topics/a", "/mqtt"])
def test_other_paths_are_not_there(server, host, device, path):
    answer = get(server, host, device, None, path=path)
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException")


def test_a_signed_request_is_not_served_there(server, host, device):
    """Nor is the provider on the API's own name."""
    connection = connect(server, host, device)
    connection.request("GET", "/things", headers=server.sign("GET", "/things"))
    assert connection.getresponse().status == 404
    connection.close()
    assert server.ask("GET", "/role-aliases/a/credentials").status in (403, 404)


def test_a_detached_policy_ends_it_at_once(server, fleet, host, alias):
    name = fleet.policy(fleet.policies.allow("iot:AssumeRoleWithCertificate", f"rolealias/{alias}"))
    identity = fleet.certificate()
    server.boto().attach_policy(policyName=name, target=identity.arn)
    assert get(server, host, identity, alias).status == 200
    server.boto().detach_policy(policyName=name, target=identity.arn)
    is_refused(get(server, host, identity, alias), 403, "AccessDeniedException", "Access Denied")


def test_keys_given_and_refused_stand_in_the_audit_trail(server, host, device, alias):
    def line(name):
        lines = [json.loads(one) for one in server.muster("audit", "--json", "--resource", name).splitlines()]
        return [one for one in lines if one["operation"] == "iot.AssumeRoleWithCertificate"][-1:]

    assert get(server, host, device, alias).status == 200
    given, = eventually(lambda: line(alias), what="audit line")
    assert (given["outcome"], given["principal"]) == ("success", device.arn) and given["sourceIp"] == "127.0.0.1"
    assert get(server, host, device, "absent").status == 404
    refused_one, = eventually(lambda: line("absent"), what="audit line")
    assert (refused_one["outcome"], refused_one["error"]) == ("failure", "ResourceNotFoundException")
