"""Who may do what: users, policies and their conditions through real clients (auth 4.2, 4.3; scenarios 8, 10-15)."""
import json
import urllib.parse

import pytest

import muster
from muster import refused, unique
from people import IOT, PROVIDER, Person, allow, deny, document, trust


def denial(person, action, resource, reason=None):
    reason = reason or f"because no identity-based policy allows the {action} action"
    return f"User: {person.arn} is not authorized to perform: {action} on resource: {resource} {reason}"


@pytest.fixture
def ada(server):
    return Person(server, path="/ops/")


@pytest.fixture
def thing(server):
    name = unique("ci")
    server.boto().create_thing(thingName=name)
    return name


def is_denied(ada, **more):
    answer = ada.call("GET", "/things", **more)
    assert answer.status in (200, 403), answer
    return answer.status == 403


# ---- keys and sessions ----

def test_auth_8_a_temporary_key_needs_its_own_token_in_time(fresh_server):
    ada, server = Person(fresh_server), fresh_server
    ada.may(allow("*"))
    one, other = (ada.boto("sts").get_session_token(DurationSeconds=900)["Credentials"] for _ in range(2))

    def asked(key, token, target="/things", service="iot"):
        body = b"" if service == "iot" else b"Action=GetCallerIdentity&Version=2011-06-15"
        method = "POST" if body else "GET"
        typed = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        headers = server.sign(method, target, body, typed, service,
                              credentials=(key["AccessKeyId"], key["SecretAccessKey"], token))
        return server.ask(method, target, body, headers)

    def refusal(answer):
        return answer.status, answer.error, answer.message

    unknown = (403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    assert asked(one, one["SessionToken"]).status == 200
    for token in (None, other["SessionToken"], one["SessionToken"][:-4] + "AAAA", "x", one["SessionToken"] + "A"):
        assert refusal(asked(one, token)) == unknown
    assert refusal(asked({"AccessKeyId": ada.key, "SecretAccessKey": ada.secret}, one["SessionToken"])) == unknown
    assert asked(one, one["SessionToken"], "/", "sts").status == 200
    assert b"<Code>InvalidClientTokenId</Code>" in asked(one, other["SessionToken"], "/", "sts").body
    server.admin("clock +901")
    assert refusal(asked(one, one["SessionToken"])) == (403, "ExpiredTokenException",
                                                        "The security token included in the request is expired")
    late = asked(one, one["SessionToken"], "/", "sts")
    assert late.status == 403 and b"<Code>ExpiredToken</Code>" in late.body, late
    assert b"<Message>The security token included in the request is expired</Message>" in late.body


def test_auth_4_5_keys_of_get_session_token_call_no_iam_and_little_sts(server, ada):
    ada.may(allow("*"))
    session = ada.boto("sts").get_session_token()["Credentials"]
    keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])

    def asked(text, service):
        headers = server.sign("POST", "/", text.encode(), {"Content-Type": "application/x-www-form-urlencoded"}, service,
                              credentials=keys)
        return server.ask("POST", "/", text.encode(), headers)

    assert asked("Action=GetCallerIdentity&Version=2011-06-15", "sts").status == 200
    for text, service in (("Action=ListUsers&Version=2010-05-08", "iam"),
                          ("Action=GetSessionToken&Version=2011-06-15", "sts"),
                          ("Action=GetFederationToken&Name=bob&Version=2011-06-15", "sts")):
        answer = asked(text, service)
        assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body, answer
    assert server.call("GET", "/things", credentials=keys).status == 200


def test_auth_10_an_inactive_key_is_refused_at_once_and_works_again(server, ada):
    ada.may(allow("iot:ListThings"))
    for status, answer in (("Active", 200), ("Inactive", 403), ("Active", 200)):
        ada.server.boto("iam").update_access_key(UserName=ada.name, AccessKeyId=ada.key, Status=status)
        assert ada.call("GET", "/things").status == answer
    ada.server.boto("iam").delete_access_key(UserName=ada.name, AccessKeyId=ada.key)
    gone = ada.call("GET", "/things")
    assert (gone.status, gone.error) == (403, "UnrecognizedClientException")


def test_the_last_use_of_a_key_can_be_asked(server, ada):
    asked = lambda: ada.server.boto("iam").get_access_key_last_used(AccessKeyId=ada.key)
    assert asked()["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    ada.call("GET", "/things")
    used = muster.eventually(lambda: (lambda found: found if found.get("LastUsedDate") else None)(
        asked()["AccessKeyLastUsed"]))
    assert (used["ServiceName"], used["Region"]) == ("iot", server.region)
    assert abs((used["LastUsedDate"].replace(tzinfo=None) - server.now()).total_seconds()) < 60
    assert asked()["UserName"] == ada.name


# ---- actions and resources ----

def test_auth_11_least_privilege(server, ada):
    prefix = f"arn:aws:iot:{server.region}:{server.account}:"
    ada.may(allow("iot:CreateThing", prefix + "thing/ci-*"))
    ada.boto().create_thing(thingName=unique("ci"))
    with refused("AccessDeniedException", 403, denial(ada, "iot:CreateThing", prefix + "thing/x-1")):
        ada.boto().create_thing(thingName="x-1")
    with refused("AccessDeniedException", 403, denial(ada, "iot:ListThings", "*")):
        ada.boto().list_things()
    with refused("AccessDenied", 403, denial(ada, "iam:ListUsers", "*")):
        ada.boto("iam").list_users()


def test_auth_12_a_deny_beats_every_allow(server, ada, thing):
    arn = f"arn:aws:iot:{server.region}:{server.account}:thing/{thing}"
    ada.may(allow("*"), deny("iot:DescribeThing", arn))
    with refused("AccessDeniedException", 403,
                 denial(ada, "iot:DescribeThing", arn, "with an explicit deny in an identity-based policy")):
        ada.boto().describe_thing(thingName=thing)
    assert ada.boto().list_things()["things"]


@pytest.mark.parametrize("rule, denied", [
    ({"NotAction": "iam:*", "Resource": "*"}, False),
    ({"NotAction": "iot:List*", "Resource": "*"}, True),
    ({"Action": "iot:*", "NotResource": "arn:aws:iot:*:*:thing/*"}, False),
    ({"Action": "iot:*", "NotResource": "*"}, True),
    ({"Action": "iot:List*", "Resource": "arn:aws:iot:*:*:*"}, True),  # ListThings has no resource but *
    ({"Action": "IOT:listTHINGS", "Resource": "*"}, False),
    ({"Action": "iot:ListThing?", "Resource": "*"}, False),
    ({"Action": ["s3:*", "iot:L*s"], "Resource": "*"}, False),
])
def test_auth_12_actions_and_what_they_leave_out(ada, rule, denied):
    ada.may({"Effect": "Allow", **rule})
    assert is_denied(ada) == denied


@pytest.mark.parametrize("condition, denied", [
    ({"StringLike": {"aws:username": "ada*"}}, False),
    ({"StringLike": {"aws:username": "bob*"}}, True),
    ({"StringNotEquals": {"aws:username": "bob"}}, False),
    ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}}, False),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
    ({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, True),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, True),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, False),
    ({"Null": {"aws:TagKeys": "true"}}, False),
    ({"Null": {"aws:username": "true"}}, True),
    ({"Null": {"aws:TokenIssueTime": "false"}}, True),
    ({"StringEqualsIfExists": {"aws:PrincipalTag/none": "x"}}, False),
    ({"StringEquals": {"aws:PrincipalTag/none": "x"}}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, False),
    ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, True),
    ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ({"StringEquals": {"AWS:PRINCIPALTYPE": "User"}}, False),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/ops/*"}}, False),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/dev/*"}}, True),
    ({"StringEquals": {"aws:UserAgent": "test/1"}}, False),
    ({"StringLike": {"aws:Referer": "https://plant.test/*"}}, False),
    ({"StringEquals": {"aws:PrincipalTag/team": "plant"}}, False),
])
def test_auth_12_conditions(server, condition, denied):
    ada = Person(server, allow("iot:ListThings", Condition=condition), path="/ops/", name=unique("ada"),
                 tags=[("team", "plant")])
    assert is_denied(ada, headers={"User-Agent": "test/1", "Referer": "https://plant.test/a"}) == denied


def test_auth_12_variables_stand_for_the_caller_and_not_for_wildcards(server, ada):
    arn = f"arn:aws:iot:{server.region}:{server.account}:thing/"
    ada.may(allow("iot:CreateThing", arn + "${aws:username}-*"), allow("iot:DescribeThing", arn + "${*}"))
    ada.boto().create_thing(thingName=ada.name + "-1")
    for call in (lambda: ada.boto().create_thing(thingName="other-1"),
                 lambda: ada.boto().describe_thing(thingName=ada.name + "-1")):
        with refused("AccessDeniedException", 403, "is not authorized"):
            call()


def test_auth_13_the_old_version_knows_no_variables(server, ada):
    arn = f"arn:aws:iot:{server.region}:{server.account}:thing/${{aws:username}}"
    ada.may(allow("iot:CreateThing", arn), version="2008-10-17")
    with refused("AccessDeniedException", 403, "is not authorized"):
        ada.boto().create_thing(thingName=ada.name)
    ada.may(allow("iot:CreateThing", arn))
    ada.boto().create_thing(thingName=ada.name)


def test_auth_14_a_pattern_s_parts_stay_in_their_parts(server, ada):
    name = unique("x")
    for thing in ("a", f"{name}:thing:a"):
        ada.may(allow("iot:CreateThing", f"arn:aws:iot:*:{server.account}:thing/{name}"))
        with refused("AccessDeniedException", 403, "is not authorized"):
            ada.boto().create_thing(thingName=thing)
    ada.may(allow("iot:CreateThing", f"arn:aws:iot:*:thing/{name}"))
    with refused("AccessDeniedException", 403, "is not authorized"):
        ada.boto().create_thing(thingName=name)


@pytest.mark.parametrize("spell", [lambda name: name.upper(), lambda name: name + ".", lambda name: name + "%2F..",
                                   lambda name: "..%2F" + name, lambda name: name + "%00", lambda name: "%2e%2e"])
def test_a_denied_name_is_not_reached_by_another_spelling(server, ada, thing, spell):
    arn = f"arn:aws:iot:{server.region}:{server.account}:thing/{thing}"
    ada.may(allow("*"), deny("*", arn))
    answer = ada.call("DELETE", "/things/" + spell(thing))
    assert answer.status in (200, 400, 403, 404), answer
    assert server.boto().describe_thing(thingName=thing)["thingName"] == thing


@pytest.mark.parametrize("spell", [str.upper, lambda arn: arn.replace("arn:aws:", "ARN:AWS:"), lambda arn: arn + "/",
                                   lambda arn: arn.replace(":cert/", ":cert/../cert/"), lambda arn: arn + "."])
def test_a_denied_certificate_is_not_reached_by_another_spelling(server, ada, spell):
    made = server.boto().create_keys_and_certificate(setAsActive=True)
    policy = unique("p")
    server.boto().create_policy(policyName=policy, policyDocument=document(allow("iot:Connect")))
    ada.may(allow("*"), deny("iot:AttachPolicy", made["certificateArn"]))
    ada.call("PUT", "/target-policies/" + policy, {"target": spell(made["certificateArn"])})
    assert server.boto().list_attached_policies(target=made["certificateArn"])["policies"] == []


def test_several_resources_must_each_be_allowed(server, ada, thing):
    group, prefix = unique("g"), f"arn:aws:iot:{server.region}:{server.account}:"
    server.boto().create_thing_group(thingGroupName=group)
    ada.may(allow("iot:AddThingToThingGroup", prefix + "thing/*"))
    with refused("AccessDeniedException", 403, denial(ada, "iot:AddThingToThingGroup", prefix + "thinggroup/" + group)):
        ada.boto().add_thing_to_thing_group(thingName=thing, thingGroupName=group)
    ada.may(allow("iot:AddThingToThingGroup", [prefix + "thing/*", prefix + "thinggroup/*"]))
    ada.boto().add_thing_to_thing_group(thingName=thing, thingGroupName=group)


def test_tags_of_the_request_and_of_the_resource_decide(server, ada):
    team = lambda value: [{"Key": "team", "Value": value}]
    prefix = f"arn:aws:iot:{server.region}:{server.account}:"
    ada.may(allow("iot:CreateThingType", Condition={"StringEquals": {"aws:RequestTag/team": "plant"}}),
            allow(["iot:DescribeThingType", "iot:DeprecateThingType"],
                      Condition={"StringEquals": {"aws:ResourceTag/team": "plant"}}))
    mine, others = unique("t"), unique("t")
    ada.boto().create_thing_type(thingTypeName=mine, tags=team("plant"))
    for tags in (team("other"), []):
        with refused("AccessDeniedException", 403, denial(ada, "iot:CreateThingType", prefix + "thingtype/" + others)):
            ada.boto().create_thing_type(thingTypeName=others, tags=tags)
    server.boto().create_thing_type(thingTypeName=others, tags=team("other"))
    assert ada.boto().describe_thing_type(thingTypeName=mine)["thingTypeName"] == mine
    with refused("AccessDeniedException", 403, denial(ada, "iot:DescribeThingType", prefix + "thingtype/" + others)):
        ada.boto().describe_thing_type(thingTypeName=others)


def test_auth_15_a_role_is_passed_by_who_may_and_to_who_is_trusted(server, ada):
    iam, name = server.boto("iam"), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(IOT))["Role"]["Arn"]
    body = json.dumps(muster.simple_template(server.claim_policy()))
    make = lambda: ada.boto().create_provisioning_template(templateName=unique("t"), templateBody=body,
                                                           provisioningRoleArn=role)
    ada.may(allow("iot:*"))
    with refused("AccessDeniedException", 403, denial(ada, "iam:PassRole", role)):
        make()
    passing = lambda of: allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": of}})
    ada.may(allow("iot:*"), passing(PROVIDER["Service"]))
    with refused("AccessDeniedException", 403, denial(ada, "iam:PassRole", role)):
        make()
    ada.may(allow("iot:*"), passing(IOT["Service"]))
    assert make()["templateArn"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    with refused("InvalidRequestException", 400, f"is unable to assume role (sts:AssumeRole) on resource: {role}."):
        make()


def test_auth_18_everyone_may_ask_who_they_are(server, ada):
    ada.may(deny("*"))
    found = ada.boto("sts").get_caller_identity()
    assert (found["Arn"], found["Account"]) == (ada.arn, server.account)
    with refused("AccessDeniedException", 403, "with an explicit deny in an identity-based policy"):
        ada.boto().list_things()


def test_a_user_may_be_allowed_its_own_keys_alone(server, ada):
    ada.may(allow(["iam:GetUser", "iam:ListAccessKeys"], f"arn:aws:iam::{server.account}:user/ops/${{aws:username}}"))
    assert ada.boto("iam").get_user()["User"]["UserName"] == ada.name
    assert len(ada.boto("iam").list_access_keys()["AccessKeyMetadata"]) == 1
    other = Person(server, path="/ops/")
    with refused("AccessDenied", 403, denial(ada, "iam:GetUser", other.arn)):
        ada.boto("iam").get_user(UserName=other.name)


def test_which_policy_may_be_attached_is_a_condition(server, ada):
    bob, read = Person(server), "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    ada.may(allow("iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": read}}))
    ada.boto("iam").attach_user_policy(UserName=bob.name, PolicyArn=read)
    with refused("AccessDenied", 403, denial(ada, "iam:AttachUserPolicy", bob.arn)):
        ada.boto("iam").attach_user_policy(UserName=bob.name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_lists_of_the_second_version_ask_for_the_first_s_right(server, ada, thing):
    arn = f"arn:aws:iot:{server.region}:{server.account}:thing/{thing}"
    ada.may(allow("iot:ListThingPrincipals", arn))
    assert ada.call("GET", f"/things/{urllib.parse.quote(thing)}/principals-v2").status in (200, 501)
    ada.may(allow("iot:ListThingPrincipalsV2", arn))
    answer = ada.call("GET", f"/things/{urllib.parse.quote(thing)}/principals-v2")
    assert answer.status in (403, 501), answer
