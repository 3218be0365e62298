"""Messages by HTTPS (broker 2.1, 3.3): signed on the API's port, with a client certificate on the devices'."""
import base64
import http.client
import json
import urllib.parse

import pytest

from muster import Answer, PATIENCE_S, refused, run, unique

ODD_TOPICS = ["a/b c", "plant/a/temp", "a=b&c?d", "p\u00fcmp", "a//b/", "%2F", "a/b/", "100%"]
PROPERTIES = [{"site": "B2"}, {"site": "B3"}]


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.fixture(scope="module")
def device(fleet):
    return fleet.device()


@pytest.fixture(scope="module")
def data(server):
    return server.boto("iot-data")


@pytest.fixture
def listener(fleet, device):
    with fleet.connect(device) as client:
        yield client


@pytest.fixture
def topic():
    return f"h/{unique('x')}"


def post(server, target, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("POST", target, body, server.sign("POST", target, body, named, service="iotdata"))


def by_certificate(fleet, identity, method, target, body=b"", headers=None, alpn=None):
    """One request with a client certificate, on 8443 or by x-amzn-http-ca on the API's port."""
    server = fleet.server
    port = server.https_port if alpn else server.device_https_port
    tls = server.tls(port, alpn=[alpn] if alpn else (), identity=identity)
    with tls:
        connection = http.client.HTTPConnection(server.host, port, timeout=PATIENCE_S)
        connection.sock = tls
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


# ---- signed ----

@pytest.mark.parametrize("topic", ODD_TOPICS)
def test_broker_31_boto3_reaches_every_topic(listener, data, topic):
    listener.subscribe(topic)
    data.publish(topic=topic, qos=1, payload=b"\x00x\xff")
    found = listener.message()
    assert (found.topic, found.payload, found.qos, found.retain) == (topic, b"\x00x\xff", 1, False)


@pytest.mark.parametrize("topic", ODD_TOPICS)
@pytest.mark.parametrize("kept", ["", "/"], ids=["one label", "raw slashes"])
def test_broker_31_slashes_are_raw_or_encoded(server, listener, topic, kept):
    listener.subscribe(topic)
    target = "/topics/" + urllib.parse.quote(topic, safe=kept)
    answer = post(server, target + "?qos=1", b"x")
    assert answer.status == 200 and answer.json["message"] == "OK"
    assert answer.json["traceId"] == answer.headers["x-amzn-RequestId"]
    assert listener.message().topic == topic


@pytest.mark.parametrize("value", [encoded(PROPERTIES), encoded(json.dumps(PROPERTIES))], ids=["array", "text"])
def test_broker_31_all_properties_arrive(server, listener, topic, value):
    listener.subscribe(topic)
    query = "?qos=1&contentType=a%2Bb%2Bc&responseTopic=a%2Fb&messageExpiry=30"
    headers = {"x_amz_mqtt5_user_properties": value, "x_amz_mqtt5_payload_format_indicator": "UTF8_DATA",
               "x_amz_mqtt5_correlation_data": base64.b64encode(b"req-17\x00").decode()}
    assert post(server, f"/topics/{topic}{query}", b"{}", **headers).status == 200
    found = listener.message()
    assert 29 <= found.props.pop("message_expiry") <= 30
    assert found.props == {"payload_format": 1, "content_type": "a+b+c", "response_topic": "a/b",
                           "correlation_data": b"req-17\x00", "user": [("site", "B2"), ("site", "B3")]}


def test_a_retained_message_by_https_is_there_when_the_answer_comes(server, data, fleet, device, topic):
    assert post(server, f"/topics/{topic}?qos=1&retain=TRUE", b"kept", x_amz_mqtt5_user_properties=encoded(PROPERTIES)
                ).status == 200
    assert data.get_retained_message(topic=topic)["payload"] == b"kept"
    with fleet.connect(device) as client:
        client.subscribe(topic)
        found = client.message()
        assert found.retain and found.props["user"] == [("site", "B2"), ("site", "B3")]
    assert post(server, f"/topics/{topic}?retain=true").status == 200
    with refused("ResourceNotFoundException", 404, of=data):
        data.get_retained_message(topic=topic)


def test_the_aws_cli_publishes(server, listener):
    topic = f"cli/{unique('x')}/b c"
    listener.subscribe(topic)
    server.aws("iot-data", "publish", "--topic", topic, "--qos", "1", "--cli-binary-format", "raw-in-base64-out",
               "--payload", '{"c":21}')
    assert listener.message().payload == b'{"c":21}'
    server.aws("iot-data", "publish", "--topic", topic, "--qos", "1", "--retain", "--payload", "a2VwdA==")
    assert base64.b64decode(server.aws("iot-data", "get-retained-message", "--topic", topic)["payload"]) == b"kept"
    listed = server.aws("iot-data", "list-retained-messages")["retainedTopics"]
    assert topic in [one["topic"] for one in listed]


def test_curl_publishes(server, listener, topic):
    listener.subscribe(topic)
    done = run("curl", "-sS", "--cacert", server.ca, "--user", f"{server.access_key}:{server.secret_key}",
               "--aws-sigv4", f"aws:amz:{server.region}:iotdata", "-X", "POST", "--data", '{"c":21}',
               f"{server.endpoint}/topics/{topic}?qos=1")
    assert json.loads(done.stdout)["message"] == "OK", done
    assert listener.message().payload == b'{"c":21}'


# ---- what is refused ----

BAD = {
    "a wildcard": ("/topics/a%2F%2B", {}), "a hash": ("/topics/a/%23", {}),
    "8 slashes": ("/topics/1/2/3/4/5/6/7/8/9", {}), "257 bytes": ("/topics/" + "x" * 257, {}),
    "a NUL": ("/topics/a%00b", {}), "no UTF-8": ("/topics/a%FF", {}), "a broken percent": ("/topics/a%2", {}),
    "$ of nobody": ("/topics/$foo", {}), "a forged event": ("/topics/$aws/events/presence/connected/x", {}),
    "a forged answer": ("/topics/$aws/certificates/create/json/accepted", {}),
    "a request": ("/topics/$aws/certificates/create/json", {}),
    "an encoded reserved topic": ("/topics/%24aws%2Frules", {}),
    "QoS 2": ("/topics/a?qos=2", {}), "QoS one": ("/topics/a?qos=one", {}), "retain 1": ("/topics/a?retain=1", {}),
    "a response topic with a wildcard": ("/topics/a?responseTopic=a%2F%23", {}),
    "expiry below 0": ("/topics/a?messageExpiry=-1", {}),
    "content type of 257": ("/topics/a?contentType=" + "x" * 257, {}),
    "properties that are no base64": ("/topics/a", {"x_amz_mqtt5_user_properties": "{}"}),
    "properties that are an object": ("/topics/a", {"x_amz_mqtt5_user_properties": encoded({"a": "b"})}),
    "a property with two names": ("/topics/a", {"x_amz_mqtt5_user_properties": encoded([{"a": "b", "c": "d"}])}),
    "a property that is a number": ("/topics/a", {"x_amz_mqtt5_user_properties": encoded([{"a": 1}])}),
    "properties of 8 KiB + 1": ("/topics/a", {"x_amz_mqtt5_user_properties": encoded([{"k": "v" * 8192}])}),
    "correlation data that is no base64": ("/topics/a", {"x_amz_mqtt5_correlation_data": "req-17"}),
    "correlation data of 8 KiB + 1": ("/topics/a", {"x_amz_mqtt5_correlation_data":
                                                    base64.b64encode(bytes(8193)).decode()}),
    "an unknown format": ("/topics/a", {"x_amz_mqtt5_payload_format_indicator": "UTF8"}),
}


@pytest.mark.parametrize("target,headers", BAD.values(), ids=BAD)
def test_a_bad_request_is_told_so(server, target, headers):
    answer = post(server, target, b"x", **headers)
    assert (answer.status, answer.error) == (400, "InvalidRequestException"), answer
    assert answer.message and answer.json["traceId"] == answer.headers["x-amzn-RequestId"]


def test_a_payload_beyond_128_kib_is_too_large(server, listener, topic):
    listener.subscribe(topic)
    answer = post(server, f"/topics/{topic}", bytes(131073))
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException")
    assert post(server, f"/topics/{topic}", bytes(131072)).status == 200
    assert len(listener.message().payload) == 131072


def test_errors_are_those_of_the_data_plane(server):
    unsigned = server.ask("POST", "/topics/a")
    assert (unsigned.status, unsigned.error) == (403, "MissingAuthenticationTokenException") or (
        unsigned.status, unsigned.error, unsigned.message) == (403, "ForbiddenException",
                                                               "Missing Authentication Token")
    bad = server.ask("POST", "/topics/a", b"", server.sign("POST", "/topics/a", service="iotdata",
                                                            credentials=(server.access_key, "x" * 40)))
    assert (bad.status, bad.error) == (403, "ForbiddenException") and "traceId" in bad.json
    missing = server.call("GET", "/retainedMessage/" + unique("x"), service="iotdevicegateway")
    assert (missing.status, missing.error) == (404, "ResourceNotFoundException")


# ---- with a client certificate ----

@pytest.mark.parametrize("alpn", [None, "x-amzn-http-ca"], ids=["8443", "ALPN"])
def test_broker_1_a_device_publishes_by_https(fleet, device, listener, topic, alpn):
    listener.subscribe(topic)
    answer = by_certificate(fleet, device, "POST", f"/topics/{topic}?qos=1&contentType=a+b", b'{"c":21}', alpn=alpn)
    assert answer.status == 200 and answer.json == {"message": "OK", "traceId": answer.headers["x-amzn-RequestId"]}
    found = listener.message()
    assert (found.payload, found.props) == (b'{"c":21}', {"content_type": "a+b"})  # no blank


def test_curl_publishes_with_a_certificate(fleet, device, listener, topic):
    server = fleet.server
    listener.subscribe(topic)
    done = run("curl", "-sS", "--cacert", server.ca, "--cert", device.certificate_file, "--key", device.key_file,
               "--tlsv1.2", "-X", "POST", "--data", '{"c":21}',
               f"https://{server.host}:{server.device_https_port}/topics/{topic}?qos=1")
    assert json.loads(done.stdout)["message"] == "OK", done
    assert listener.message().payload == b'{"c":21}'


def test_iot_policies_decide_for_a_certificate(fleet, listener, data):
    allow, name = fleet.policies.allow, unique("p")
    device = fleet.device(allow("iot:Publish", f"topic/{name}/*"), allow("iot:RetainPublish", f"topic/{name}/kept"),
                          allow("iot:Publish", "topic/own/${iot:ClientId}", "topic/own/${iot:Connection.Thing.ThingName}"))
    listener.subscribe(f"{name}/a")
    assert by_certificate(fleet, device, "POST", f"/topics/{name}/a?qos=1", b"x").status == 200
    assert listener.message().payload == b"x"
    assert by_certificate(fleet, device, "POST", f"/topics/{name}/kept?retain=true", b"x").status == 200
    for target in (f"/topics/other/{name}", f"/topics/{name}/a?retain=true", f"/topics/{name}%2F..%2F..", "/topics/own/"):
        answer = by_certificate(fleet, device, "POST", target, b"x")
        expected = 200 if target.endswith("..") else 403
        assert answer.status == expected, (target, answer)
        if expected == 403:
            assert answer.error == "ForbiddenException"
            assert answer.json == {"message": "Forbidden", "traceId": answer.headers["x-amzn-RequestId"]}


def test_who_is_no_device_may_nothing(fleet, device):
    inactive = fleet.device(active=False)
    for identity in (None, inactive):
        answer = by_certificate(fleet, identity, "POST", "/topics/a", b"x")
        assert (answer.status, answer.error, answer.message) == (403, "ForbiddenException", "Forbidden")
    fleet.server.boto().update_certificate(certificateId=inactive.id, newStatus="ACTIVE")
    assert by_certificate(fleet, inactive, "POST", "/topics/a", b"x").status == 200
    fleet.server.boto().update_certificate(certificateId=inactive.id, newStatus="REVOKED")
    assert by_certificate(fleet, inactive, "POST", "/topics/a", b"x").status == 403


def test_devices_reach_nothing_but_topics(fleet, device):
    for method, target, status in (("GET", "/things", 404), ("POST", "/certificates", 404),
                                   ("GET", "/retainedMessage", 501), ("GET", "/topics/a", 404)):
        answer = by_certificate(fleet, device, method, target)
        assert answer.status == status, (target, answer)
    hidden = by_certificate(fleet, device, "POST", "/", b"{}", {"X-Amz-Target": "IoTSecuredTunneling.ListTunnels"})
    assert hidden.status == 404
    query = by_certificate(fleet, device, "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15",
                           {"Content-Type": "application/x-www-form-urlencoded"})
    assert query.status in (400, 404)
