"""Scripts in JavaScript: the AWS SDK v3 for iot, iot-data, iam and sts, unmodified (auth 6: scenarios 3, 7, 11, 17)."""
import json
import shutil
import subprocess

import pytest

from muster import PATIENCE_S, ROOT, clean_environment, unique

NODE = ROOT / "tests" / "e2e" / "node"
TRUST_IOT = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def script(server, *calls, credentials=None, **more):
    """Makes the calls (service, command, input) in one process of Node.js; their outputs, errors as they are."""
    keys = credentials or {"accessKeyId": server.access_key, "secretAccessKey": server.secret_key}
    wish = {"endpoint": server.endpoint, "region": server.region, "credentials": keys, **more,
            "calls": [{"service": service, "command": command, "input": given} for service, command, given in calls]}
    done = subprocess.run([shutil.which("node"), NODE / "sdk.js"], input=json.dumps(wish), capture_output=True, text=True,
                          timeout=PATIENCE_S, cwd=NODE,
                          env={**clean_environment(server.home), "NODE_EXTRA_CA_CERTS": server.ca})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def one(server, service, command, given=None, **more):
    answer, = script(server, (service, command, given or {}), **more)
    assert "error" not in answer, answer
    return answer["output"]


def test_auth_3_each_service_answers_scripts_in_javascript(server):
    thing, role = unique("pump"), unique("role")
    answers = script(
        server, ("iot", "CreateThing", {"thingName": thing, "attributePayload": {"attributes": {"site": "north"}}}),
        ("iot", "CreateThing", {"thingName": thing + ":1"}), ("iot", "DescribeThing", {"thingName": thing + ":1"}),
        ("iot-data", "Publish", {"topic": "a/b c", "qos": 1, "payload": {"$bytes": "hello"}}),
        ("sts", "GetCallerIdentity", {}), ("iam", "CreateRole", {"RoleName": role, "AssumeRolePolicyDocument": TRUST_IOT}),
        ("sts", "AssumeRole", {"RoleArn": server.role, "RoleSessionName": "script"}))
    assert all("output" in answer for answer in answers[:-1]), answers
    assert answers[0]["output"]["thingArn"] == server.arn(f"thing/{thing}")
    assert answers[2]["output"]["thingName"] == thing + ":1"
    assert answers[4]["output"]["Arn"].endswith(":user/admin")
    assert answers[5]["output"]["Role"]["Arn"] == f"arn:aws:iam::{server.account}:role/{role}"
    assert all(answer["requestId"] for answer in answers[:-1])
    error = answers[-1]["error"]  # MusterProvisioning trusts iot.amazonaws.com, not users
    assert (error["name"], error["status"]) == ("AccessDenied", 403)


def test_a_role_assumed_in_javascript_signs_with_its_session(server):
    role = unique("role")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{server.account}:user/admin"}, "Action": "sts:AssumeRole"}]})
    allow = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
    only_lists = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:ListThings", "Resource": "*"}]})
    answers = script(
        server, ("iam", "CreateRole", {"RoleName": role, "AssumeRolePolicyDocument": trust}),
        ("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": "all", "PolicyDocument": allow}),
        ("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{server.account}:role/{role}", "RoleSessionName": "script",
                               "Policy": only_lists}))
    session = answers[2]["output"]
    assert session["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{server.account}:assumed-role/{role}/script"
    keys = {"accessKeyId": session["Credentials"]["AccessKeyId"],
            "secretAccessKey": session["Credentials"]["SecretAccessKey"],
            "sessionToken": session["Credentials"]["SessionToken"]}
    listed, denied = script(server, ("iot", "ListThings", {}), ("iot", "CreateThing", {"thingName": unique()}),
                            credentials=keys)
    assert "things" in listed["output"]
    assert denied["error"]["name"] == "AccessDeniedException" and "no session policy allows" in denied["error"]["message"]


@pytest.mark.parametrize("service, command, given, name, status", [
    ("iot", "DescribeThing", {"thingName": "nowhere"}, "ResourceNotFoundException", 404),
    ("iot", "CreateThing", {"thingName": "a b"}, "InvalidRequestException", 400),
    ("iot", "CreatePolicy", {"policyName": "p", "policyDocument": "{"}, "MalformedPolicyException", 400),
    ("iam", "GetRole", {"RoleName": "nowhere"}, "NoSuchEntityException", 404),
    ("iam", "CreateUser", {"UserName": "admin"}, "EntityAlreadyExistsException", 409),
    ("iot-data", "GetRetainedMessage", {"topic": "never/said"}, "ResourceNotFoundException", 404),
])
def test_errors_arrive_as_the_exceptions_of_the_sdk(server, service, command, given, name, status):
    answer, = script(server, (service, command, given))
    assert (answer["error"]["name"], answer["error"]["status"]) == (name, status) and answer["error"]["message"]


def test_an_existing_resource_is_named_in_the_exception(server):
    name = unique("type")
    made, again = script(server, ("iot", "CreateThingType", {"thingTypeName": name}),
                         ("iot", "CreateThingType", {"thingTypeName": name,
                                                     "thingTypeProperties": {"thingTypeDescription": "other"}}))
    assert again["error"]["members"]["resourceArn"] == made["output"]["thingTypeArn"]


@pytest.mark.parametrize("credentials, name", [
    ({"accessKeyId": "AKIAQAAAAAAA4PRYWJQA", "secretAccessKey": "x"}, "UnrecognizedClientException"),
    (None, "InvalidSignatureException"),
])
def test_auth_5_and_6_a_wrong_key_is_the_exception_that_the_sdk_knows(server, credentials, name):
    keys = credentials or {"accessKeyId": server.access_key, "secretAccessKey": "wrong"}
    answer, = script(server, ("iot", "ListThings", {}), credentials=keys)
    assert (answer["error"]["name"], answer["error"]["status"]) == (name, 403)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_auth_7_a_client_whose_clock_is_wrong_sets_it_right_by_itself(fresh_server, minutes):
    """By the Date of the refusal; its next attempt succeeds. Here it is the server's clock that is moved."""
    fresh_server.admin(f"clock {-60 * minutes:+d}")
    once, = script(fresh_server, ("iot", "ListThings", {}))
    assert once["error"]["name"] == "InvalidSignatureException", once
    again, = script(fresh_server, ("iot", "ListThings", {}), maxAttempts=3)
    assert "output" in again and again["attempts"] == 2, again


def test_pages_are_walked_by_the_sdks_own_tokens(server):
    names, kind = {unique("walk") for _ in range(5)}, unique("type")
    script(server, ("iot", "CreateThingType", {"thingTypeName": kind}),
           *[("iot", "CreateThing", {"thingName": name, "thingTypeName": kind}) for name in names])
    seen, token = set(), None
    while True:
        page = one(server, "iot", "ListThings", {"maxResults": 2, "thingTypeName": kind, **({"nextToken": token} if token else {})})
        seen |= {thing["thingName"] for thing in page["things"]}
        token = page.get("nextToken")
        if not token:
            break
    assert seen == names


def test_a_retained_message_is_published_and_read(server):
    topic = f"state/{unique()}"
    published, read = script(
        server, ("iot-data", "Publish", {"topic": topic, "qos": 1, "retain": True, "payload": {"$bytes": "21.5"}}),
        ("iot-data", "GetRetainedMessage", {"topic": topic}))
    assert "output" in published and read["output"]["payload"] == {"$bytes": "21.5"}
