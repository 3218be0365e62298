"""Who is calling: signatures good and bad, in headers and in the query; STS (auth 2.1, 2.3, 3.1, 4.1; scenarios 1-9)."""
import base64
import datetime
import hashlib
import http.client
import json
import re

import pytest

from muster import Answer, refused, run, unique

WRONG = "0" * 40
MINUTE = datetime.timedelta(minutes=1)


def is_refused(answer, name, text=""):
    assert (answer.status, answer.error) == (403, name), answer
    assert text in answer.message, answer.message
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["x-amzn-RequestId"]


# ---- both scopes, every client ----

@pytest.mark.parametrize("scope", ["iot", "execute-api"])
def test_scenario_2_both_scopes_of_the_control_plane_are_taken(server, scope):
    assert server.call("GET", "/things", service=scope).status == 200


@pytest.mark.parametrize("scope", ["s3", "IOT", "iotdata", ""])
def test_another_scope_is_refused(server, scope):
    answer = server.call("GET", "/things", service=scope)
    assert answer.status in (403, 404) and answer.error, answer


def curl(server, *arguments, service="iot"):
    return run("curl", "-sS", "--max-time", "30", "--cacert", server.ca, "--aws-sigv4",
               f"aws:amz:{server.region}:{service}", "--user", f"{server.access_key}:{server.secret_key}",
               "-w", "\n%{http_code}", *arguments)


@pytest.mark.parametrize("target", ["/endpoint?endpointType=iot:Data-ATS", "/things?maxResults=2&attributeName=a",
                                    "/things/curl%3Ab?b=2&a=1"])
def test_scenario_4_curl_signs_what_is_taken(server, iot, target):
    iot.create_thing(thingName="curl:b")
    done = curl(server, server.endpoint + target)
    assert done.returncode == 0 and done.stdout.endswith("\n200"), done


def test_scenario_4_curl_posts_a_body(server, iot):
    name = unique("curl")
    done = curl(server, f"{server.endpoint}/things/{name}", "-H", "Content-Type: application/json", "-d",
                '{"attributePayload":{"attributes":{"a":"b"}}}')
    assert done.stdout.endswith("\n200"), done
    assert iot.describe_thing(thingName=name)["attributes"] == {"a": "b"}


def test_headers_as_the_sdk_for_javascript_signs_them(server):
    body = json.dumps({"attributePayload": {"attributes": {"a": "b"}}}).encode()
    headers = {"amz-sdk-invocation-id": "0b8f", "amz-sdk-request": "attempt=1; max=3", "content-type": "application/json",
               "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-user-agent": "aws-sdk-js/3.1"}
    assert server.call("POST", f"/things/{unique('a:b').replace(':', '%3A')}", body, headers=headers).status == 200


# ---- bad signatures ----

def test_scenario_9_nothing_that_authenticates(server):
    is_refused(server.ask("GET", "/things"), "MissingAuthenticationTokenException", "Missing Authentication Token")
    is_refused(server.ask("POST", f"/things/{unique()}", b"{}"), "MissingAuthenticationTokenException")


def test_scenario_5_an_unknown_key(server):
    is_refused(server.call("GET", "/things", credentials=("AKIAQAAAAAAAAAAAAAAA", server.secret_key)),
               "UnrecognizedClientException", "The security token included in the request is invalid.")


def test_scenario_5_the_cli_says_that_the_key_is_unknown(server):
    env = {"AWS_ACCESS_KEY_ID": "AKIAQAAAAAAAAAAAAAAA", "AWS_SECRET_ACCESS_KEY": WRONG, "AWS_CA_BUNDLE": server.ca,
           "AWS_DEFAULT_REGION": server.region, "AWS_MAX_ATTEMPTS": "1"}
    for command, text in ((("iot", "list-things"), "(UnrecognizedClientException)"),
                          (("sts", "get-caller-identity"), "(InvalidClientTokenId)")):
        done = run("aws", "--endpoint-url", server.endpoint, *command, env=env)
        assert done.returncode != 0 and text in done.stderr, done.stderr


def test_scenario_6_a_wrong_secret_is_told_the_canonical_string(server):
    answer = server.call("GET", "/things", query={"maxResults": 7}, credentials=(server.access_key, WRONG))
    is_refused(answer, "InvalidSignatureException", "The request signature we calculated does not match the signature "
               "you provided. Check your AWS Secret Access Key and signing method.")
    assert "The Canonical String for this request should have been\n'GET\n/things\nmaxResults=7\n" in answer.message
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in answer.message


def test_scenario_6_in_boto3_and_sts(server):
    with refused("InvalidSignatureException", 403):
        server.boto(secret_key=WRONG).list_things()
    with refused("SignatureDoesNotMatch", 403, "The Canonical String"):
        server.boto("sts", secret_key=WRONG).get_caller_identity()
    with refused("InvalidClientTokenId", 403, "The security token included in the request is invalid."):
        server.boto("sts", access_key="AKIAQAAAAAAAAAAAAAAA").get_caller_identity()


@pytest.mark.parametrize("token", ["FwoG", "x" * 3000])
def test_scenario_8_a_session_token_that_was_not_given_out(server, token):
    for key in (server.access_key, "ASIAQAAAAAAAAAAAAAAA"):
        answer = server.call("GET", "/things", credentials=(key, server.secret_key, token))
        is_refused(answer, "UnrecognizedClientException")


GOOD = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), "
                  r"Signature=(\w+)")


@pytest.mark.parametrize("change, text", [
    (lambda a: a.replace("Credential=", "Cred="), "'Credential'"),
    (lambda a: a.replace("SignedHeaders=", "Signed="), "'SignedHeaders'"),
    (lambda a: a.replace("Signature=", "Sig="), "'Signature'"),
    (lambda a: "AWS4-HMAC-SHA256", "'Credential'"),
    (lambda a: a.replace("/aws4_request", ""), ""),
    (lambda a: a.replace("SHA256", "SHA512"), ""),
    (lambda a: a.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "AWS4-ECDSA-P256-SHA256"),
], ids=str)
def test_a_malformed_authorization_names_what_is_missing(server, change, text):
    headers = server.sign("GET", "/things")
    headers["Authorization"] = change(headers["Authorization"])
    is_refused(server.ask("GET", "/things", headers=headers), "IncompleteSignatureException", text)


@pytest.mark.parametrize("scheme", ["Bearer x", "Basic dXNlcjpwYXNz", ""])
def test_another_scheme_authenticates_nobody(server, scheme):
    is_refused(server.ask("GET", "/things", headers={"Authorization": scheme}), "MissingAuthenticationTokenException")


def test_a_signature_without_a_date_is_incomplete(server):
    headers = server.sign("GET", "/things")
    del headers["X-Amz-Date"]
    is_refused(server.ask("GET", "/things", headers=headers), "IncompleteSignatureException", "'X-Amz-Date'")


def test_parameters_stand_in_any_order_without_blanks(server):
    headers = server.sign("GET", "/things")
    key, day, region, service, signed, signature = GOOD.match(headers["Authorization"]).groups()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Signature={signature},SignedHeaders={signed},"
                                f"Credential={key}/{day}/{region}/{service}/aws4_request")
    assert server.ask("GET", "/things", headers=headers).status == 200


@pytest.mark.parametrize("change, text", [
    (lambda a, day: a.replace(f"/{day}/", "/20200101/"), "Date in Credential scope does not match"),
    (lambda a, day: a.replace("/us-east-1/", "/eu-west-9/"), "Credential should be scoped to a valid region."),
    (lambda a, day: a.replace("/iot/", "/s3/"), "Credential should be scoped to correct service: 'iot'."),
    (lambda a, day: a.replace("aws4_request", "aws5_request"),
     "Credential should be scoped with a valid terminator: 'aws4_request'."),
], ids=["day", "region", "service", "terminator"])
def test_a_scope_that_does_not_fit_is_named(server, change, text):
    headers = server.sign("GET", "/things")
    headers["Authorization"] = change(headers["Authorization"], GOOD.match(headers["Authorization"]).group(2))
    answer = server.ask("GET", "/things", headers=headers)
    assert answer.status == 403 and answer.error == "InvalidSignatureException", answer
    assert text in answer.message, answer.message


def test_scenario_1_every_flipped_character_is_refused(server, iot):
    name = unique("flip")
    path, body = f"/things/{name}", b'{"attributePayload":{"attributes":{"a":"b"}}}'
    query = "?a=1&b=%20x"
    headers = server.sign("POST", path + query, body, {"Content-Type": "application/json"})
    asked = [(path[:n] + chr(ord(path[n]) ^ 1) + path[n + 1:] + query, body, headers) for n in range(8, len(path), 3)]
    asked += [(path + query[:n] + chr(ord(query[n]) ^ 1) + query[n + 1:], body, headers) for n in (1, 3, 5, 10)]
    asked += [(path + query, body[:n] + bytes([body[n] ^ 1]) + body[n + 1:], headers) for n in range(0, len(body), 7)]
    signature = headers["Authorization"]
    asked += [(path + query, body, {**headers, "Authorization": signature[:-n] + ("0" if signature[-n] != "0" else "1") +
                                    (signature[-n + 1:] if n > 1 else "")}) for n in (1, 17, 64)]
    asked += [(path + query, body, {**headers, "Content-Type": "application/jsoN"}),
              (path + query, body, {**headers, "Host": "localhost"}),
              (path + query + "&c=3", body, headers), (path, body, headers)]
    for target, data, given in asked:
        answer = server.ask("POST", target, data, given)
        if given.get("Host") == "localhost":
            continue  # 3.1.4 (a): a signature over the bare host may stand; over host:port it must not be one of another
        assert (answer.status, answer.error) == (403, "InvalidSignatureException"), (target, data, answer)
    answer = server.ask("PUT", path + query, body, headers)
    assert answer.status in (403, 404), answer
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing(thingName=name)
    assert server.ask("POST", path + query, body, headers).status == 200, "the one that nobody touched"


def test_a_host_that_is_not_signed_is_refused(server):
    headers = server.sign("GET", "/things")
    headers["Authorization"] = headers["Authorization"].replace("SignedHeaders=host;", "SignedHeaders=")
    answer = server.ask("GET", "/things", headers=headers)
    assert answer.status == 403 and answer.error in ("InvalidSignatureException", "IncompleteSignatureException"), answer


def test_a_declared_hash_of_the_body_must_be_its_hash(server):
    body, name = b'{"a":1}', unique()
    good, bad = hashlib.sha256(body).hexdigest(), hashlib.sha256(b"other").hexdigest()
    headers = {"x-amz-content-sha256": bad, "Content-Type": "application/json"}
    is_refused(server.ask("POST", f"/things/{name}", body, server.sign("POST", f"/things/{name}", body, headers)),
               "InvalidSignatureException")
    headers["x-amz-content-sha256"] = good
    assert server.ask("POST", f"/things/{name}", body,
                      server.sign("POST", f"/things/{name}", body, headers)).status == 200


def test_material_in_headers_and_query_at_once_is_incomplete(server):
    target = server.presign("/things")
    is_refused(server.ask("GET", target, headers=server.sign("GET", target)), "IncompleteSignatureException")


# ---- one request, two readings ----

def raw(server, lines, body=b""):
    """Lines of a head exactly as given, over a connection of its own."""
    with server.tls() as connection:
        connection.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""]).encode()
                           + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response.status, response.headers, response.read())


def lines_of(server, target="/things?maxResults=1", **signing):
    headers = {"Host": server.endpoint.split("//")[1], **server.sign("GET", target, **signing)}
    return [f"GET {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]


@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Date"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_header_of_the_signature_given_twice_is_refused(server, name, where):
    lines = lines_of(server)
    other = {"Authorization": "Authorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00",
             "X-Amz-Date": "X-Amz-Date: 20260115T083000Z"}[name]
    lines.insert(1 if where == "before" else len(lines), other)
    is_refused(raw(server, lines), "IncompleteSignatureException", "given twice")


def test_a_session_token_given_twice_is_refused(server):
    lines = lines_of(server) + ["X-Amz-Security-Token: a", "x-amz-security-token: b"]
    is_refused(raw(server, lines), "IncompleteSignatureException", "given twice")


def test_two_hosts_are_none(server):
    answer = raw(server, lines_of(server) + ["Host: localhost"])
    assert answer.status in (400, 403), answer


@pytest.mark.parametrize("fold", ["X-Amz-Meta: a\r\n b", "Authorization: AWS4-HMAC-SHA256\r\n Credential=a"])
def test_a_folded_header_is_refused(server, fold):
    assert raw(server, ["GET /things HTTP/1.1", "Host: localhost", fold]).status == 400


def test_a_signed_header_that_is_absent_is_a_mismatch(server):
    body = b"{}"
    headers = server.sign("POST", "/things/x", body, {"Content-Type": "application/json", "X-Extra": "1"})
    is_refused(server.ask("POST", "/things/x", body, {k: v for k, v in headers.items() if k != "X-Extra"}),
               "InvalidSignatureException")


@pytest.mark.parametrize("signed, sent", [("/things/a%2Fb", "/things/a%252Fb"), ("/things/a%253Ab", "/things/a%3Ab"),
                                          ("/things/a", "/things/x/../a%20"), ("/things/a", "/things/%61%20")])
def test_a_path_encoded_once_more_or_less_is_another_request(server, signed, sent):
    is_refused(server.ask("GET", sent, headers=server.sign("GET", signed)), "InvalidSignatureException")


def test_dots_in_a_path_do_not_reach_another_operation(server):
    """They are signed away, but the path that is routed is the one that came."""
    headers = server.sign("GET", "/things")
    answer = server.ask("GET", "/policies/../things", headers=headers)
    assert answer.status in (403, 404), answer


@pytest.mark.parametrize("payload, signed, status", [("UNSIGNED-PAYLOAD", True, 200), ("UNSIGNED-PAYLOAD", False, 403),
                                                     ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", True, 403), ("", True, 403)])
def test_what_a_payload_may_say_of_itself(server, payload, signed, status):
    """botocore hashes the body unless the header says otherwise, and takes the header's word for it."""
    target, body = f"/things/{unique('payload')}", b"{}"
    declared = {"X-Amz-Content-SHA256": payload}
    headers = server.sign("POST", target, body, declared if signed else {})
    answer = server.ask("POST", target, body, {**headers, **declared})
    assert answer.status == status, answer


@pytest.mark.parametrize("credential", ["AK\x7f/20260115/x/iot/aws4_request", "\u00fc/20260115/x/iot/aws4_request",
                                        "'; DROP TABLE account; --/20260115/us-east-1/iot/aws4_request",
                                        "A" * 9000 + "/20260115/us-east-1/iot/aws4_request", "/////", "a/b/c/d/e/f"])
def test_odd_key_ids_find_nobody(server, credential):
    now = server.now().strftime("%Y%m%dT%H%M%SZ")
    answer = raw(server, ["GET /things HTTP/1.1", "Host: localhost", f"X-Amz-Date: {now}",
                          f"Authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00"])
    assert answer.status in (400, 403) and answer.error in ("IncompleteSignatureException", "UnrecognizedClientException",
                                                            "InvalidRequestException"), answer


@pytest.mark.parametrize("length, status, error", [(15000, 403, "UnrecognizedClientException"),
                                                   (16384, 403, "UnrecognizedClientException"),
                                                   (16385, 403, "IncompleteSignatureException"),
                                                   (40000, 431, None)])
def test_a_session_token_has_16_kib_and_a_head_32(server, length, status, error):
    token = base64.b64encode(bytes(30000)).decode()[:length].ljust(length, "A")
    answer = raw(server, lines_of(server, credentials=("ASIA" + "A" * 16, WRONG)) + [f"X-Amz-Security-Token: {token}"])
    assert answer.status == status, answer
    assert error is None or answer.error == error, answer


@pytest.mark.parametrize("service, type_, error", [("sts", "application/x-www-form-urlencoded", "InvalidClientTokenId"),
                                                   ("iam", "application/x-www-form-urlencoded", "InvalidClientTokenId")])
def test_row_3_in_xml_names_the_service(server, service, type_, error):
    body = {"sts": b"Action=GetCallerIdentity&Version=2011-06-15", "iam": b"Action=ListUsers&Version=2010-05-08"}[service]
    headers = server.sign("POST", "/", body, {"Content-Type": type_}, service, credentials=("AKIA" + "A" * 16, WRONG),
                          region="us-east-1")
    answer = server.ask("POST", "/", body, headers)
    assert answer.status == 403 and answer.headers["Content-Type"] == "text/xml"
    assert f"<Code>{error}</Code>".encode() in answer.body and f'xmlns="https://{service}.amazonaws.com/'.encode() in answer.body


def test_scenario_5_row_3_in_json_1_1_is_400(server):
    body = b'{"MaxResults":1}'
    headers = server.sign("POST", "/", body, {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target":
                                              "AWSCognitoIdentityService.ListIdentityPools"}, "cognito-identity",
                          credentials=("AKIA" + "A" * 16, WRONG))
    answer = server.ask("POST", "/", body, headers)
    assert answer.status == 400 and answer.json["__type"] == "UnrecognizedClientException", answer
    assert answer.headers["x-amzn-ErrorType"] == "UnrecognizedClientException:"


@pytest.mark.parametrize("service, target", [("iotdata", "/retainedMessage"), ("iot-jobs-data", "/things/a/jobs")])
def test_auth_4_1_the_data_plane_forbids_with_a_trace(server, service, target):
    for answer, text in ((server.call("GET", target, service=service, credentials=("AKIA" + "A" * 16, WRONG)),
                          "The security token included in the request is invalid."),
                         (server.call("GET", target, service=service, at=server.now() - 6 * MINUTE), "Signature expired: ")):
        assert (answer.status, answer.error) == (403, "ForbiddenException"), answer
        assert answer.json["message"].startswith(text) and answer.json["traceId"], answer
        assert set(answer.json) == {"message", "traceId"}


def test_sts_speaks_json_too(server):
    body = b"{}"
    headers = server.sign("POST", "/", body, {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target":
                                              "AWSSecurityTokenServiceV20110615.GetCallerIdentity"}, "sts")
    answer = server.ask("POST", "/", body, headers)
    assert answer.status == 200 and answer.json["Account"] == server.account, answer
    headers["X-Amz-Target"] = "AWSSecurityTokenServiceV20110615.GetAccessKeyInfo"
    is_wrong = server.ask("POST", "/", body, headers)
    assert is_wrong.status == 400 and is_wrong.json["__type"] == "InvalidSignatureException", is_wrong


# ---- forms ----

def form(server, text, service="iam"):
    body = text.encode()
    headers = server.sign("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"}, service)
    return server.ask("POST", "/", body, headers)


@pytest.mark.parametrize("text, code, message", [
    ("Version=2010-05-08", "MissingAction", "Action"),
    ("Action=Nothing&Version=2010-05-08", "InvalidAction", "Could not find operation Nothing for version 2010-05-08"),
    ("Action=GetRole&Version=2010-05-08", "ValidationError",
     "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null"),
    ("Action=GetRolePolicy&Version=2010-05-08&RoleName=a%20b", "ValidationError", "2 validation errors detected: "),
    ("Action=GetRole&Version=2010-05-08&RoleName=a&RoleName=b", "ValidationError", "'RoleName' is given twice"),
    ("Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.member.2=b", "ValidationError", "without a gap"),
    ("Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.member.1000000000=b", "ValidationError", "number is none"),
    ("Action=GetRole&Version=2010-05-08&RoleName=%00", "ValidationError", "U+0000"),
    ("Action=GetRole&Version=2010-05-08&RoleName=%ff", "ValidationError", "UTF-8"),
])
def test_auth_3_2_a_bad_form_says_what_is_bad(server, text, code, message):
    answer = form(server, text)
    assert answer.status == 400 and f"<Code>{code}</Code>" in answer.body.decode(), answer
    assert message.replace("'", "&apos;") in answer.body.decode() and "<Type>Sender</Type>" in answer.body.decode()
    assert f"<RequestId>{answer.headers['x-amzn-RequestId']}</RequestId>" in answer.body.decode()


@pytest.mark.parametrize("action", ["AssumeRoleWithSAML", "AssumeRoot", "GetWebIdentityToken", "GetDelegatedAccessToken"])
def test_auth_2_3_what_sts_does_not_offer(server, action):
    answer = form(server, f"Action={action}&Version=2011-06-15", "sts")
    assert answer.status == 400 and b"<Code>InvalidAction</Code>" in answer.body, answer
    assert f"Could not find operation {action} for version 2011-06-15".encode() in answer.body


# ---- browsers ----

def test_auth_3_5_6_a_page_of_another_origin_may_ask(server):
    done = run("curl", "-sS", "-i", "--http1.1", "--cacert", server.ca, "-X", "OPTIONS", server.endpoint + "/things",
               "-H", "Origin: https://app.test", "-H", "Access-Control-Request-Method: POST",
               "-H", "Access-Control-Request-Headers: authorization,x-amz-date,x-amz-target")
    head = done.stdout.lower()
    assert head.startswith("http/1.1 200"), done
    for line in ("access-control-allow-origin: *", "access-control-allow-methods: get,post,put,delete,patch,head",
                 "access-control-allow-headers: authorization,x-amz-date,x-amz-target", "access-control-max-age: 172800"):
        assert head.count(line) == 1, (line, head)


def test_auth_3_5_6_every_answer_may_be_read(server):
    for done in (curl(server, "-i", server.endpoint + "/things"),
                 run("curl", "-sS", "-i", "--cacert", server.ca, server.endpoint + "/things")):
        head = done.stdout.lower()
        assert head.count("access-control-allow-origin: *") == 1, head
        assert head.count("access-control-expose-headers: x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,date") == 1


# ---- time ----

@pytest.mark.parametrize("minutes, text", [(-6, "Signature expired: "), (6, "Signature not yet current: ")])
def test_scenario_7_six_minutes_off_are_too_many(server, minutes, text):
    is_refused(server.call("GET", "/things", at=server.now() + minutes * MINUTE), "InvalidSignatureException", text)


def test_the_same_signature_may_come_again(server):
    headers = server.sign("GET", "/things")
    assert [server.ask("GET", "/things", headers=headers).status for _ in range(2)] == [200, 200]


def test_four_minutes_off_are_not_too_many(server):
    for minutes in (-4, 4):
        assert server.call("GET", "/things", at=server.now() + minutes * MINUTE).status == 200


def test_scenario_7_a_server_whose_clock_moved_refuses_iot_sooner_than_sts(fresh_server):
    fresh_server.admin("clock +360")
    with refused("InvalidSignatureException", 403, "Signature expired: "):
        fresh_server.boto().list_things()
    assert fresh_server.boto("sts").get_caller_identity()["Account"] == fresh_server.account
    fresh_server.admin("clock +600")
    with refused("SignatureDoesNotMatch", 403, "Signature expired: "):
        fresh_server.boto("sts").get_caller_identity()
    answer = fresh_server.call("GET", "/things")
    assert answer.status == 200
    told = datetime.datetime.strptime(answer.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert abs((told - fresh_server.now()).total_seconds()) < 60, "the Date header is how clients mend their clocks"


# ---- presigned ----

def test_a_presigned_address_needs_no_headers_and_works_twice(server):
    target = server.presign("/things?maxResults=1")
    assert [server.ask("GET", target).status for _ in range(2)] == [200, 200]


def test_scenario_25_a_presigned_address_ends(server):
    expired = server.presign("/things", expires=60, at=server.now() - 10 * MINUTE)
    is_refused(server.ask("GET", expired), "InvalidSignatureException", "Signature expired")


def test_a_presigned_address_is_for_one_request(server):
    target = server.presign("/things?maxResults=1")
    for other in (target.replace("maxResults=1", "maxResults=2"), target.replace("/things", "/policies"),
                  target.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), target + "&a=b"):
        is_refused(server.ask("GET", other), "InvalidSignatureException")


@pytest.mark.parametrize("expires", [0, 604801, -1, 99999999999999999999, "", "1e3", "+60", "60.0", "0x3c"])
def test_a_presigned_address_lives_for_a_week_at_most(server, expires):
    answer = server.ask("GET", server.presign("/things", expires=expires))
    assert answer.status == 403 and answer.error in ("InvalidSignatureException", "IncompleteSignatureException"), answer


@pytest.mark.parametrize("name", ["X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"])
def test_a_presigned_address_without_a_part_is_refused(server, name):
    path, query = server.presign("/things").split("?")
    target = path + "?" + "&".join(part for part in query.split("&") if not part.startswith(name + "="))
    answer = server.ask("GET", target)
    assert answer.status == 403 and answer.error in ("IncompleteSignatureException",
                                                     "MissingAuthenticationTokenException"), answer


# ---- STS ----

def test_scenario_18_the_administrator_is_told_who_they_are(server):
    found = server.boto("sts").get_caller_identity()
    assert found["Account"] == server.account
    assert re.fullmatch(r"AIDA[A-Z0-9]{16,}|\d{12}", found["UserId"])
    assert found["Arn"].startswith(f"arn:aws:iam::{server.account}:")
    assert server.aws("sts", "get-caller-identity") == {name: found[name] for name in ("UserId", "Account", "Arn")}


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_sts_is_global(make_server, region):
    server = make_server(options=("--region", region))
    for scope in {"us-east-1", region}:
        headers = server.sign("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15",
                              {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, "sts", region=scope)
        answer = server.ask("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", headers)
        assert answer.status == 200 and b"<Account>000000000001</Account>" in answer.body, answer
        assert b'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' in answer.body
        assert answer.headers["Content-Type"].startswith("text/xml")


def test_sts_takes_a_presigned_get(server):
    answer = server.ask("GET", server.presign("/?Action=GetCallerIdentity&Version=2011-06-15", "sts"))
    assert answer.status == 200 and b"<GetCallerIdentityResult>" in answer.body


def test_an_sts_action_that_is_none_is_refused_in_xml(server):
    body = b"Action=NoSuchThing&Version=2011-06-15"
    headers = server.sign("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"}, "sts")
    answer = server.ask("POST", "/", body, headers)
    assert answer.status == 400 and b"<Code>InvalidAction</Code>" in answer.body, answer
    assert b"Could not find operation NoSuchThing for version 2011-06-15" in answer.body


def test_no_request_signed_or_not_is_told_a_secret(server):
    for answer in (server.ask("GET", "/things"), server.call("GET", "/things", credentials=(server.access_key, WRONG))):
        assert server.secret_key.encode() not in answer.body


# ---- what is in the model and not here yet ----

@pytest.mark.parametrize("operation, asked", [
    ("create_job", {"jobId": "j", "targets": ["x"]}), ("create_provisioning_claim", {"templateName": "x"}),
    ("list_fleet_metrics", {}),
    ("start_thing_registration_task", {"templateBody": "{}", "inputFileBucket": "abc", "inputFileKey": "k",
                                       "roleArn": "arn:aws:iam::000000000001:role/x"}),
])
def test_an_operation_that_is_not_there_yet_is_named(iot, operation, asked):
    name = "".join(word.capitalize() for word in operation.split("_"))
    with refused("NotImplementedException", 501, f"{name} is not implemented yet."):
        getattr(iot, operation)(**asked)


@pytest.mark.parametrize("service, operation, asked", [
    ("iot-jobs-data", "get_pending_job_executions", {"thingName": "x"}),
    ("cognito-identity", "list_identity_pools", {"MaxResults": 1}),
    ("greengrassv2", "list_core_devices", {}), ("iotsecuretunneling", "list_tunnels", {}),
    ("iotdeviceadvisor", "list_suite_definitions", {}),
])
def test_another_service_s_operation_that_is_not_there_yet_is_named(server, service, operation, asked):
    client = server.boto(service)
    name = client.meta.method_to_api_mapping[operation]
    with pytest.raises(client.exceptions.ClientError) as caught:
        getattr(client, operation)(**asked)
    assert f"{name} is not implemented yet." in str(caught.value), caught.value


def test_the_cli_says_what_is_not_there_yet(server):
    text = server.aws("iot", "list-jobs", fails=True)
    assert "NotImplementedException" in text and "ListJobs is not implemented yet." in text


# ---- endpoints ----

def test_each_kind_of_endpoint_has_a_name_that_stays(server, iot):
    names = {}
    for kind in ("iot:Data-ATS", "iot:Data", "iot:CredentialProvider", "iot:Jobs", "iot:DeviceAdvisor"):
        first, second = (iot.describe_endpoint(endpointType=kind)["endpointAddress"] for _ in range(2))
        assert first == second
        names[kind] = first
    assert names["iot:Data"] == names["iot:Data-ATS"] == server.host, "the domain stands for the default account"
    domain = re.escape(f"{server.region}.{server.host}")
    assert re.fullmatch(rf"a[a-z0-9]{{12,13}}\.credentials\.iot\.{domain}", names["iot:CredentialProvider"])
    assert re.fullmatch(rf"a[a-z0-9]{{12,13}}\.jobs\.iot\.{domain}", names["iot:Jobs"])
    assert re.fullmatch(rf"a[a-z0-9]{{12,13}}\.deviceadvisor\.iot\.{domain}", names["iot:DeviceAdvisor"])
    assert iot.describe_endpoint()["endpointAddress"] == names["iot:Data-ATS"]
    for kind in ("iot:Data-Beta", "x"):
        with refused("InvalidRequestException", 400, "", iot):
            iot.describe_endpoint(endpointType=kind)


def test_an_endpoint_keeps_its_name_over_a_restart(fresh_server):
    first = fresh_server.boto().describe_endpoint(endpointType="iot:Jobs")["endpointAddress"]
    fresh_server.restart()
    assert fresh_server.boto().describe_endpoint(endpointType="iot:Jobs")["endpointAddress"] == first
