"""What policies mean (auth 4.2): each row is asked of a real user's request and of both simulations, and all three agree.

The request is TagResource: its tags bring whatever value an operator wants to compare, its ARN may be any."""
import base64
import itertools
import json

import botocore.exceptions
import pytest

from muster import refused, unique

V2008, V2012 = "2008-10-17", "2012-10-17"


def document(*statements, version=V2012):
    return json.dumps({"Version": version, "Statement": list(statements)})


def statement(effect="Allow", action="iot:TagResource", resource="*", condition=None, **more):
    one = {"Effect": effect, **more}
    if "NotAction" not in more:
        one["Action"] = action
    if "NotResource" not in more:
        one["Resource"] = resource
    return {**one, "Condition": condition} if condition else one


@pytest.fixture(scope="module")
def iam(server):
    return server.boto("iam")


class Probe:
    """A user whose one policy is replaced again and again."""

    def __init__(self, server, iam):
        self.server, self.iam, self.name = server, iam, unique("probe")
        self.arn = iam.create_user(UserName=self.name, Path="/lab/", Tags=[{"Key": "team", "Value": "ops"}])["User"]["Arn"]
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        server.secrets.add(key["SecretAccessKey"])
        self.iot = server.boto("iot", key["AccessKeyId"], key["SecretAccessKey"])
        self.policy = iam.create_policy(PolicyName=self.name, PolicyDocument=document(statement("Deny")))["Policy"]["Arn"]
        iam.attach_user_policy(UserName=self.name, PolicyArn=self.policy)
        self.version = "v1"

    def obey(self, text):
        made = self.iam.create_policy_version(PolicyArn=self.policy, PolicyDocument=text, SetAsDefault=True)
        self.iam.delete_policy_version(PolicyArn=self.policy, VersionId=self.version)
        self.version = made["PolicyVersion"]["VersionId"]

    def real(self, resource, tags):
        """allowed, explicitDeny or implicitDeny, as a request finds out."""
        try:
            self.iot.tag_resource(resourceArn=resource, tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        except botocore.exceptions.ClientError as e:
            if e.response["Error"]["Code"] != "AccessDeniedException":
                return "allowed"  # and then the resource was not there
            return "explicitDeny" if "with an explicit deny" in e.response["Error"]["Message"] else "implicitDeny"
        return "allowed"

    def entries(self, tags, more=()):
        return [entry(f"aws:RequestTag/{key}", value) for key, value in tags.items()] + [
            entry("aws:TagKeys", *tags, type="stringList"), entry("aws:SourceIp", "127.0.0.1", type="ip"),
            entry("aws:SecureTransport", "true", type="boolean"), entry("aws:RequestedRegion", self.server.region),
            entry("aws:ResourceAccount", self.server.account), *more]

    def by_principal(self, resource, entries, **more):
        answer = self.iam.simulate_principal_policy(PolicySourceArn=self.arn, ActionNames=["iot:TagResource"],
                                                    ResourceArns=[resource], ContextEntries=entries, **more)
        [result] = answer["EvaluationResults"]
        return result

    def by_documents(self, text, resource, entries):
        team = entry("aws:PrincipalTag/team", "ops")
        [result] = self.iam.simulate_custom_policy(
            PolicyInputList=[text], ActionNames=["iot:TagResource"], ResourceArns=[resource], CallerArn=self.arn,
            ContextEntries=[*entries, team])["EvaluationResults"]
        return result


def entry(key, *values, type="string"):
    return {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": type}


@pytest.fixture(scope="module")
def probe(server, iam):
    return Probe(server, iam)


YES, NO = "allowed", "implicitDeny"


def base64_of(text):
    return base64.b64encode(text.encode()).decode()


def compare(operator, policy, value, expected, key="aws:RequestTag/x"):
    """One operator, a value in the policy, the request's tag x (None: it has none)."""
    name = f"{operator} {policy!r} of {value!r}"
    return pytest.param({operator: {key: policy}}, {} if value is None else {"x": value}, expected, id=name)


def both(positive, negative, rows):
    """Rows of a positive operator, and of the negative one, which says the contrary."""
    other = {YES: NO, NO: YES}
    return [*itertools.starmap(lambda policy, value, expected: compare(positive, policy, value, expected), rows),
            *itertools.starmap(lambda policy, value, expected: compare(negative, policy, value, other[expected]), rows)]


def if_exists(operator, policy, right, wrong):
    return [compare(f"{operator}IfExists", policy, None, YES), compare(f"{operator}IfExists", policy, right, YES),
            compare(f"{operator}IfExists", policy, wrong, NO)]


ARN = "arn:aws:iot:eu-central-1:000000000001:thing/"
COMPARISONS = [
    *both("StringEquals", "StringNotEquals", [("a", "a", YES), ("a", "A", NO), ("a", None, NO), ("a", "", NO), (["a", "b"], "b", YES),
                                              (["a", "b"], "c", NO), ("a*", "ab", NO)]),
    *both("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", [("aB", "Ab", YES), ("a", "b", NO), ("a", None, NO)]),
    *both("StringLike", "StringNotLike", [("p?mp-*", "pump-7", YES), ("p?mp-*", "pmp-7", NO), ("P*", "p", NO), ("*", "", YES),
                                          ("*", None, NO)]),
    *both("NumericEquals", "NumericNotEquals", [("10", "10.0", YES), (10, "11", NO), ("10", "ten", NO), ("10", None, NO)]),
    *both("DateEquals", "DateNotEquals", [("2026-01-15T08:30:00Z", "1768465800", YES), ("2026-01-15", "2026-01-16", NO),
                                          ("2026-01-15", None, NO)]),
    *both("IpAddress", "NotIpAddress", [("10.0.0.0/8", "10.9.8.7", YES), ("10.0.0.0/8", "11.9.8.7", NO),
                                        ("2001:db8::/32", "2001:db8::1", YES), ("10.0.0.7", "10.0.0.7", YES),
                                        ("10.0.0.7", "10.0.0.8", NO), ("10.0.0.0/8", None, NO), ("0.0.0.0/0", "::1", NO)]),
    *both("ArnEquals", "ArnNotEquals", [(ARN + "a", ARN + "a", YES), ("arn:aws:iot:*:*:thing/*", ARN + "a/b", YES),
                                        ("arn:aws:iot:*:thing/a", ARN + "a", NO), (ARN + "a", None, NO)]),
    *both("ArnLike", "ArnNotLike", [("arn:aws:iot:*:*:thing/?", ARN + "a", YES), ("arn:aws:iot:*:*:thing/?", ARN + "ab", NO),
                                    ("arn:*:thing/a", ARN + "a", NO), ("*", None, NO)]),
    *[compare(f"Numeric{name}", "10", value, expected) for name, row in {
        "LessThan": (YES, NO, NO), "LessThanEquals": (YES, YES, NO), "GreaterThan": (NO, NO, YES),
        "GreaterThanEquals": (NO, YES, YES)}.items() for value, expected in zip(("9.5", "10", "10.5"), row)],
    *[compare(f"Date{name}", "2026-06-01T00:00:00Z", value, expected) for name, row in {
        "LessThan": (YES, NO, NO), "LessThanEquals": (YES, YES, NO), "GreaterThan": (NO, NO, YES),
        "GreaterThanEquals": (NO, YES, YES)}.items()
      for value, expected in zip(("2026-05-31T23:59:59Z", "2026-06-01", "2026-06-01T00:00:01Z"), row)],
    compare("NumericLessThan", "10", None, NO), compare("DateGreaterThan", "2026-06-01", None, NO),
    compare("Bool", "true", "True", YES), compare("Bool", "true", "false", NO), compare("Bool", True, "true", YES),
    compare("Bool", "false", None, NO), compare("Bool", "true", "yes", NO),
    compare("BinaryEquals", base64_of("Binary"), "Binary", YES), compare("BinaryEquals", base64_of("Binary"), "binary", NO),
    compare("BinaryEquals", base64_of("Binary"), None, NO),
    compare("Null", "true", None, YES), compare("Null", "true", "a", NO), compare("Null", "false", "a", YES),
    compare("Null", "false", None, NO), compare("Null", ["true", "false"], "a", YES),
    *if_exists("StringEquals", "a", "a", "b"), *if_exists("StringLike", "a*", "ab", "b"),
    *if_exists("StringNotEquals", "a", "b", "a"), *if_exists("NumericGreaterThan", "5", "6", "5"),
    *if_exists("DateLessThan", "2026-06-01", "2026-01-01", "2026-07-01"), *if_exists("Bool", "true", "true", "false"),
    *if_exists("IpAddress", "10.0.0.0/8", "10.1.1.1", "9.1.1.1"), *if_exists("ArnLike", ARN + "*", ARN + "a", "arn:x"),
    *if_exists("BinaryEquals", base64_of("a"), "a", "b"),
]


def keys(operator, policy, present, expected):
    return pytest.param({operator: {"aws:TagKeys": policy}}, {key: "v" for key in present}, expected,
                        id=f"{operator} {policy!r} of {present!r}")


MANY = [
    keys("ForAnyValue:StringEquals", ["a", "b"], ["b", "c"], YES), keys("ForAnyValue:StringEquals", ["a"], ["b", "c"], NO),
    keys("ForAnyValue:StringLike", "a*", ["ab", "c"], YES), keys("ForAllValues:StringEquals", ["a", "b"], ["a"], YES),
    keys("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], NO), keys("ForAllValues:StringLike", ["a*"], ["ab", "ac"], YES),
    keys("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], YES), keys("ForAnyValue:StringNotEquals", ["a"], ["a"], NO),
    keys("ForAllValues:StringNotEquals", ["a"], ["b", "c"], YES), keys("ForAllValues:StringNotEquals", ["a"], ["a", "c"], NO),
    keys("ForAnyValue:StringEqualsIfExists", ["a"], ["b"], NO),
    keys("StringEquals", ["a", "b"], ["c", "b"], YES), keys("StringNotEquals", ["a"], ["b", "a"], NO),
    pytest.param({"ForAllValues:StringEquals": {"aws:RequestTag/x": "a"}}, {"y": "1"}, YES, id="ForAllValues of nothing"),
    pytest.param({"ForAnyValue:StringEquals": {"aws:RequestTag/x": "a"}}, {"y": "1"}, NO, id="ForAnyValue of nothing"),
    pytest.param({"ForAllValues:StringEquals": {"aws:RequestTag/x": "a"}, "Null": {"aws:RequestTag/x": "false"}},
                 {"y": "1"}, NO, id="ForAllValues of nothing, guarded by Null"),
]

AND_OR = [
    pytest.param({"StringEquals": {"aws:RequestTag/x": "1", "aws:RequestTag/y": "2"}}, {"x": "1", "y": "2"}, YES, id="two keys"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "1", "aws:RequestTag/y": "2"}}, {"x": "1"}, NO, id="one of two keys"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "1"}, "StringLike": {"aws:RequestTag/y": "2*"}},
                 {"x": "1", "y": "2b"}, YES, id="two operators"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "1"}, "StringLike": {"aws:RequestTag/y": "2*"}},
                 {"x": "1", "y": "3"}, NO, id="one of two operators"),
    pytest.param({"StringEquals": {"AWS:requesttag/X": "1"}}, {"x": "1"}, YES, id="keys have no case, nor has the tag in them"),
    pytest.param({"StringEquals": {"aws:PrincipalTag/team": "ops"}}, {"x": "1"}, YES, id="a tag of the user"),
    pytest.param({"StringEquals": {"aws:PrincipalTag/team": "dev"}}, {"x": "1"}, NO, id="another tag of the user"),
    pytest.param({"StringEquals": {"aws:PrincipalType": "User"}}, {"x": "1"}, YES, id="the type of the caller"),
    pytest.param({"Bool": {"aws:SecureTransport": "true"}}, {"x": "1"}, YES, id="over TLS"),
    pytest.param({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {"x": "1"}, YES, id="from here"),
    pytest.param({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {"x": "1"}, NO, id="not from here"),
    pytest.param({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {"x": "1"}, YES, id="after a date"),
    pytest.param({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {"x": "1"}, NO, id="before a date"),
    pytest.param({"NumericGreaterThan": {"aws:EpochTime": 1577836800}}, {"x": "1"}, YES, id="after a second"),
    pytest.param({"Null": {"aws:TokenIssueTime": "true"}}, {"x": "1"}, YES, id="with keys that last"),
    pytest.param({"Null": {"aws:MultiFactorAuthPresent": "true"}}, {"x": "1"}, YES, id="nothing known of a second factor"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "${aws:username}"}}, {"x": "ada"}, NO, id="another name than the variable's"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "${aws:PrincipalTag/team}"}}, {"x": "ops"}, YES, id="a variable"),
    pytest.param({"StringLike": {"aws:RequestTag/x": "${aws:PrincipalTag/team}-*"}}, {"x": "ops-1"}, YES, id="a variable and a wildcard"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "${aws:PrincipalTag/none}"}}, {"x": ""}, NO, id="a variable of no value"),
    pytest.param({"StringNotEquals": {"aws:RequestTag/x": "${aws:PrincipalTag/none}"}}, {"x": "1"}, YES,
                 id="not a variable of no value"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "${aws:PrincipalTag/none, 'guest'}"}}, {"x": "guest"}, YES, id="a default"),
    pytest.param({"StringEquals": {"aws:RequestTag/x": "${aws:PrincipalTag/team, 'guest'}"}}, {"x": "guest"}, NO,
                 id="a default that is not needed"),
    pytest.param({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/lab/*"}}, {"x": "1"}, YES, id="an ARN with a path"),
    pytest.param({"Bool": {"aws:RequestTag/x": "${aws:SecureTransport}"}}, {"x": "true"}, YES, id="Bool takes variables"),
    pytest.param({"NumericEqualsIfExists": {"aws:RequestTag/n": "1"}, "StringEquals": {"aws:RequestTag/x": "1"}}, {"x": "1"}, YES,
                 id="an absent key and one that is there"),
]


def agree(probe, text, resource, tags, expected):
    probe.obey(text)
    entries = probe.entries(tags)
    assert probe.real(resource, tags) == expected
    assert probe.by_principal(resource, entries)["EvalDecision"] == expected
    assert probe.by_documents(text, resource, entries)["EvalDecision"] == expected


@pytest.mark.parametrize("condition, tags, expected", COMPARISONS + MANY + AND_OR)
def test_auth_12_conditions(probe, server, condition, tags, expected):
    agree(probe, document(statement(condition=condition)), server.arn("thingtype/a"), tags or {"y": "1"}, expected)


@pytest.mark.parametrize("condition, tags, expected", [COMPARISONS[0], COMPARISONS[1], MANY[0], AND_OR[0], AND_OR[1]])
def test_auth_12_a_condition_of_a_deny(probe, server, condition, tags, expected):
    text = document(statement(), statement("Deny", condition=condition))
    agree(probe, text, server.arn("thingtype/a"), tags or {"y": "1"}, "explicitDeny" if expected == YES else YES)


def means(name, resource, statements, expected, version=V2012):
    return pytest.param(resource, statements, expected, version, id=name)


TYPE = "arn:aws:iot:REGION:ACCOUNT:thingtype/"
MATCHES = [
    means("an Allow", TYPE + "a", [statement()], YES),
    means("nothing", TYPE + "a", [statement(action="iot:CreateThing")], NO),
    means("Deny beats Allow", TYPE + "a", [statement("Deny"), statement()], "explicitDeny"),
    means("Deny beats Allow in any order", TYPE + "a", [statement(), statement("Deny")], "explicitDeny"),
    means("a Deny of something else", TYPE + "a", [statement(), statement("Deny", resource=TYPE + "b")], YES),
    means("actions have no case", TYPE + "a", [statement(action="IOT:tagRESOURCE")], YES),
    means("a wildcard in an action", TYPE + "a", [statement(action="iot:Tag?eso*")], YES),
    means("every action", TYPE + "a", [statement(action="*")], YES),
    means("one of several actions", TYPE + "a", [statement(action=["iot:CreateThing", "iot:Tag*"])], YES),
    means("NotAction", TYPE + "a", [statement(NotAction=["iot:Create*"])], YES),
    means("NotAction of this one", TYPE + "a", [statement(NotAction=["iot:*"])], NO),
    means("Deny of NotAction", TYPE + "a", [statement(), statement("Deny", NotAction="iot:TagResource")], YES),
    means("NotResource", TYPE + "a", [statement(NotResource=TYPE + "b")], YES),
    means("NotResource of this one", TYPE + "a", [statement(NotResource=[TYPE + "a", TYPE + "b"])], NO),
    means("Deny of NotResource", TYPE + "a", [statement(), statement("Deny", NotResource=TYPE + "b*")], "explicitDeny"),
    means("one of several resources", TYPE + "a", [statement(resource=[TYPE + "b", TYPE + "a"])], YES),
    means("a wildcard", TYPE + "pump-7", [statement(resource=TYPE + "pump-*")], YES),
    means("a wildcard over a slash", TYPE + "a/b", [statement(resource=TYPE + "*")], YES),
    means("one character", TYPE + "ab", [statement(resource=TYPE + "a?")], YES),
    means("one character is not two", TYPE + "abc", [statement(resource=TYPE + "a?")], NO),
    means("resources have case", TYPE + "A", [statement(resource=TYPE + "a")], NO),
    means("fewer than six parts", TYPE + "a", [statement(resource="arn:aws:iot:*")], YES),
    means("fewer parts of another service", TYPE + "a", [statement(resource="arn:aws:s3*")], NO),
    means("scenario 14: no wildcard reaches over a colon", "arn:aws:iot:REGION:ACCOUNT:thing/x:ACCOUNT:thing/a",
          [statement(resource="arn:aws:iot:*:ACCOUNT:thing/a")], NO),
    means("scenario 14: the last part holds colons", "arn:aws:iot:REGION:ACCOUNT:thing/x:thing/a",
          [statement(resource="arn:aws:iot:*:ACCOUNT:thing/x:*")], YES),
    means("scenario 14: nor does a Deny", "arn:aws:iot:REGION:ACCOUNT:thing/x:ACCOUNT:thing/a",
          [statement(), statement("Deny", resource="arn:aws:iot:*:ACCOUNT:thing/a")], YES),
    means("a variable", TYPE + "NAME-1", [statement(resource=TYPE + "${aws:username}-*")], YES),
    means("another's name", TYPE + "ada-1", [statement(resource=TYPE + "${aws:username}-*")], NO),
    means("a variable in any case", TYPE + "NAME", [statement(resource=TYPE + "${AWS:UserName}")], YES),
    means("a variable of no value matches nothing", TYPE + "x", [statement(resource=TYPE + "${aws:PrincipalTag/none}*")], NO),
    means("nor does it deny anything", TYPE + "x",
          [statement(), statement("Deny", resource=TYPE + "${aws:PrincipalTag/none}*")], YES),
    means("a default in a resource", TYPE + "x", [statement(resource=TYPE + "${aws:PrincipalTag/none, 'x'}")], YES),
    means("a star that is one", TYPE + "a*", [statement(resource=TYPE + "a${*}")], YES),
    means("a star that is none", TYPE + "ab", [statement(resource=TYPE + "a${*}")], NO),
    means("a question mark that is one", TYPE + "a?", [statement(resource=TYPE + "a${?}")], YES),
    means("a question mark that is none", TYPE + "ab", [statement(resource=TYPE + "a${?}")], NO),
    means("a variable of several values", TYPE + "y", [statement(resource=TYPE + "${aws:TagKeys}")], NO),
    means("a dollar", TYPE + "a$", [statement(resource=TYPE + "a${$}")], YES),
    means("scenario 13: 2008 has no variables", TYPE + "NAME", [statement(resource=TYPE + "${aws:username}")], NO, V2008),
    means("scenario 13: it has their text", TYPE + "${aws:username}", [statement(resource=TYPE + "${aws:username}")], YES, V2008),
    means("scenario 13: a missing Version is 2008", TYPE + "${aws:username}",
          [statement(resource=TYPE + "${aws:username}")], YES, None),
    means("scenario 13: nor in conditions", TYPE + "a",
          [statement(condition={"StringEquals": {"aws:username": "${aws:username}"}})], NO, V2008),
    means("and 2012 has them there", TYPE + "a",
          [statement(condition={"StringEquals": {"aws:username": "${aws:username}"}})], YES),
]


@pytest.mark.parametrize("resource, statements, expected, version", MATCHES)
def test_auth_12_13_14_actions_resources_and_variables(probe, server, resource, statements, expected, version):
    def filled(text):
        return text.replace("REGION", server.region).replace("ACCOUNT", server.account).replace("NAME", probe.name)
    text = document(*statements, version=version)
    if version is None:
        text = json.dumps({"Statement": statements})
    agree(probe, filled(text), filled(resource), {"y": "1"}, expected)


def test_a_value_that_is_filled_in_is_no_pattern(server, iam):
    """A user's tag is his own text: a star in it is a star."""
    probe = Probe(server, iam)
    text = document(statement(condition={"StringLike": {"aws:RequestTag/x": "${aws:RequestTag/y}"}}))
    with_star = [entry("aws:RequestTag/x", "ops"), entry("aws:RequestTag/y", "*")]
    assert probe.by_documents(text, "*", with_star)["EvalDecision"] == NO
    same = [entry("aws:RequestTag/x", "*"), entry("aws:RequestTag/y", "*")]
    assert probe.by_documents(text, "*", same)["EvalDecision"] == YES


@pytest.mark.parametrize("given, expected", [
    ({"Resource": "*"}, YES), ({"Resource": "arn:aws:iot:*:*:*"}, NO), ({"Resource": "arn:*"}, NO),
    ({"Resource": ["arn:aws:iot:*:*:thing/*", "*"]}, YES), ({"NotResource": "arn:aws:iot:*:*:*"}, YES), ({"NotResource": "*"}, NO)])
def test_an_action_without_resources_is_allowed_by_a_lone_star(server, iam, given, expected):
    probe = Probe(server, iam)
    probe.obey(document({"Effect": "Allow", "Action": "iot:ListThings", **given}))
    [result] = iam.simulate_principal_policy(PolicySourceArn=probe.arn, ActionNames=["iot:ListThings"])["EvaluationResults"]
    assert (result["EvalResourceName"], result["EvalDecision"]) == ("*", expected)
    if expected == YES:
        probe.iot.list_things()
    else:
        with refused("AccessDeniedException", 403, f"User: {probe.arn} is not authorized to perform: iot:ListThings on "
                     "resource: * because no identity-based policy allows the iot:ListThings action"):
            probe.iot.list_things()


def test_each_of_several_resources_must_be_allowed(server, iam):
    probe = Probe(server, iam)
    thing, group = unique("thing"), unique("group")
    server.boto().create_thing(thingName=thing)
    server.boto().create_thing_group(thingGroupName=group)
    action = "iot:AddThingToThingGroup"
    for resources in ([server.arn(f"thing/{thing}")], [server.arn(f"thinggroup/{group}")]):
        probe.obey(document(statement(action=action, resource=resources)))
        with refused("AccessDeniedException", 403, action):
            probe.iot.add_thing_to_thing_group(thingName=thing, thingGroupName=group)
    probe.obey(document(statement(action=action, resource=[server.arn(f"thing/{thing}"), server.arn(f"thinggroup/{group}")])))
    probe.iot.add_thing_to_thing_group(thingName=thing, thingGroupName=group)


# ---- what simulations say beyond yes and no ----

def simulate(iam, *documents, actions=("iot:TagResource",), **more):
    return iam.simulate_custom_policy(PolicyInputList=list(documents), ActionNames=list(actions), **more)["EvaluationResults"]


def test_the_published_example_gives_the_published_answer(iam, server):
    text = ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":'
            '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}')

    def at(time):
        return server.aws("iam", "simulate-custom-policy", "--policy-input-list", text, "--action-names",
                          "dynamodb:CreateBackup", "--context-entries",
                          f"ContextKeyName='aws:CurrentTime',ContextKeyValues='{time}',ContextKeyType=date")
    assert at("2019-04-25T11:00:00Z")["EvaluationResults"] == [{
        "EvalActionName": "dynamodb:CreateBackup", "EvalResourceName": "*", "EvalDecision": "allowed",
        "MatchedStatements": [{"SourcePolicyId": "PolicyInputList.1", "SourcePolicyType": "none",
                               "StartPosition": {"Line": 1, "Column": 38}, "EndPosition": {"Line": 1, "Column": 167}}],
        "MissingContextValues": []}]
    assert at("2014-04-25T11:00:00Z")["EvaluationResults"] == [{
        "EvalActionName": "dynamodb:CreateBackup", "EvalResourceName": "*", "EvalDecision": "implicitDeny",
        "MatchedStatements": [], "MissingContextValues": []}]


def test_a_simulation_names_the_statements_that_decided_and_the_keys_that_it_missed(iam):
    mine = document(statement(), statement("Deny", condition={"StringEquals": {"aws:RequestTag/x": "1"}}),
                    statement(action="iot:*", resource="arn:aws:iot:*:*:thing/${aws:PrincipalTag/line}"))
    [result] = simulate(iam, mine)
    assert result["EvalDecision"] == "allowed" and len(result["MatchedStatements"]) == 1
    assert sorted(result["MissingContextValues"]) == ["aws:PrincipalTag/line", "aws:RequestTag/x"]
    [result] = simulate(iam, document(statement(action="iot:*")), mine,
                        ContextEntries=[entry("aws:RequestTag/x", "1"), entry("aws:PrincipalTag/line", "7")])
    assert result["EvalDecision"] == "explicitDeny" and result["MissingContextValues"] == []
    [match] = result["MatchedStatements"]
    assert match["SourcePolicyId"] == "PolicyInputList.2" and match["StartPosition"]["Column"] > 40


def test_the_policies_of_users_groups_and_roles_are_told_by_name_and_kind(iam, server):
    user, group, role = unique("user"), unique("group"), unique("role")
    made = {"user": iam.create_user(UserName=user)["User"]["Arn"], "group": iam.create_group(GroupName=group)["Group"]["Arn"],
            "role": iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(
                {"Version": V2012, "Statement": {"Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"},
                                                 "Action": "sts:AssumeRole"}}))["Role"]["Arn"]}
    iam.add_user_to_group(GroupName=group, UserName=user)
    inline = document(statement())
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=inline)
    iam.put_group_policy(GroupName=group, PolicyName="shared", PolicyDocument=inline)
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=inline)
    managed = unique("managed")
    arn = iam.create_policy(PolicyName=managed, PolicyDocument=inline)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AWSIoTFullAccess")

    def sources(kind, **more):
        [result] = iam.simulate_principal_policy(PolicySourceArn=made[kind], ActionNames=["iot:TagResource"],
                                                 **more)["EvaluationResults"]
        assert result["EvalDecision"] == "allowed"
        return {(one["SourcePolicyId"], one["SourcePolicyType"]) for one in result["MatchedStatements"]}
    of_group = {(f"group_{group}_shared", "group"), (managed, "user-managed")}
    assert sources("group") == of_group
    assert sources("role") == {(f"role_{role}_own", "role"), (managed, "user-managed")}
    assert sources("user") == of_group | {(f"user_{user}_own", "user"), ("AWSIoTFullAccess", "aws-managed")}
    assert sources("user", PolicyInputList=[inline]) == sources("user") | {("PolicyInputList.1", "none")}


def test_a_boundary_counts_and_another_may_be_tried(iam):
    user = unique("user")
    boundary = iam.create_policy(PolicyName=unique("b"), PolicyDocument=document(statement(action="iot:List*")))["Policy"]["Arn"]
    arn = iam.create_user(UserName=user, PermissionsBoundary=boundary)["User"]["Arn"]
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")

    def decisions(**more):
        results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["iot:ListThings", "iot:CreateThing"],
                                                **more)["EvaluationResults"]
        return [(one["EvalDecision"], one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"])
                for one in results]
    assert decisions() == [("allowed", True), ("implicitDeny", False)]
    assert decisions(PermissionsBoundaryPolicyInputList=[document(statement(action="iot:Create*"))]) == [
        ("implicitDeny", False), ("allowed", True)]
    assert decisions(PermissionsBoundaryPolicyInputList=[document(statement("Deny", "iot:*"))]) == [
        ("explicitDeny", False), ("explicitDeny", False)]
    with refused("InvalidInput", 400, "PermissionsBoundaryPolicyInputList"):
        decisions(PermissionsBoundaryPolicyInputList=[document(statement())] * 2)


def test_a_resource_policy_speaks_for_whom_it_names(iam, server):
    user = f"arn:aws:iam::{server.account}:user/{unique('someone')}"
    stranger = "arn:aws:iam::999999999999:user/someone"
    bucket = "arn:aws:s3:::shelf/a"
    nothing, everything = document(statement(action="iot:*")), document(statement(action="s3:*"))

    def decision(caller, identity, principal, effect="Allow", **more):
        text = document(statement(effect, "s3:GetObject", bucket, Principal={"AWS": principal}))
        [result] = simulate(iam, identity, actions=["s3:GetObject"], ResourceArns=[bucket], ResourcePolicy=text,
                            CallerArn=caller, **more)
        return result["EvalDecision"]
    assert decision(user, nothing, user) == "allowed"
    assert decision(user, nothing, stranger) == "implicitDeny"
    assert decision(user, everything, user, effect="Deny") == "explicitDeny"
    owned = {"ResourceOwner": f"arn:aws:iam::{server.account}:root"}
    assert decision(stranger, nothing, stranger, **owned) == "implicitDeny"
    assert decision(stranger, everything, stranger, **owned) == "allowed"
    assert decision(stranger, everything, user, **owned) == "implicitDeny"
    [result] = simulate(iam, nothing, actions=["s3:GetObject"], ResourceArns=[bucket], CallerArn=user, ResourcePolicy=document(
        statement("Allow", "s3:GetObject", bucket, Principal={"AWS": user})))
    assert [one["SourcePolicyId"] for one in result["MatchedStatements"]] == ["ResourcePolicy"]
    with refused("InvalidInput", 400, "CallerArn"):
        simulate(iam, nothing, ResourcePolicy=document(statement(Principal="*")))


def test_results_come_page_by_page(iam):
    actions, resources = [f"iot:Action{i}" for i in range(4)], [f"arn:aws:iot:us-east-1:000000000001:thing/{i}" for i in range(3)]
    ask = {"PolicyInputList": [document(statement(action="iot:*"))], "ActionNames": actions, "ResourceArns": resources}
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(**ask, PaginationConfig={"PageSize": 5}))
    assert [len(page["EvaluationResults"]) for page in pages] == [5, 5, 2]
    found = [(one["EvalActionName"], one["EvalResourceName"]) for page in pages for one in page["EvaluationResults"]]
    assert found == list(itertools.product(actions, resources))
    first = iam.simulate_custom_policy(**ask, MaxItems=5)
    assert first["IsTruncated"]
    with refused("ValidationError", 400, "Marker"):
        iam.simulate_custom_policy(**{**ask, "ActionNames": actions[:2]}, MaxItems=5, Marker=first["Marker"])


def test_typed_context_values_are_of_their_type(iam):
    text = document(statement())
    for type, good, bad in (("numeric", "1.5", "one"), ("boolean", "TRUE", "1"), ("ip", "10.0.0.1", "10.0.0"),
                            ("binary", base64_of("a"), "a"), ("date", "2026-01-15", "today")):
        simulate(iam, text, ContextEntries=[entry("aws:x", good, type=type)])
        simulate(iam, text, ContextEntries=[entry("aws:x", good, good, type=f"{type}List")])
        for values, of in (([bad], type), ([good, bad], f"{type}List"), ([good, good], type)):
            with refused("InvalidInput", 400, "aws:x"):
                simulate(iam, text, ContextEntries=[entry("aws:x", *values, type=of)])
    [result] = simulate(iam, document(statement(condition={"BinaryEquals": {"aws:x": base64_of("key")}})),
                        ContextEntries=[entry("aws:x", base64_of("key"), type="binary")])
    assert result["EvalDecision"] == "allowed"


def test_what_cannot_be_simulated_is_said(iam, server):
    good = document(statement())
    account = f"arn:aws:iam::{server.account}:"
    other = server.other_account().boto("iam").create_user(UserName="somebody")["User"]["Arn"]
    for arn, name, status, text in (
            (account + "user/" + unique("none"), "NoSuchEntity", 404, "The user with name none-"),
            (account + "role/" + unique("none"), "NoSuchEntity", 404, "The role with name none-"),
            (account + "user/path/admin", "NoSuchEntity", 404, "The user with name admin cannot be found."),
            (other, "NoSuchEntity", 404, "The user with name somebody cannot be found."),
            (account + "root-of-it", "InvalidInput", 400, "Invalid Entity Arn"),
            (f"arn:aws:sts::{server.account}:assumed-role/a/b", "InvalidInput", 400, "Invalid Entity Arn")):
        with refused(name, status, text):
            iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["iot:CreateThing"])
    for more, text in (({"actions": ["iot:*"]}, "iot:*"), ({"actions": ["CreateThing"]}, "CreateThing"), ({"actions": []}, "ActionNames"),
                       ({"actions": ["iot:A"] * 1001}, "ActionNames"), ({"ResourceArns": ["thing/a"]}, "thing/a"),
                       ({"ResourceArns": ["arn:aws:iot"]}, "arn:aws:iot"), ({"ResourceOwner": "me"}, "ResourceOwner"),
                       ({"CallerArn": account + "group/g"}, "CallerArn")):
        with refused("InvalidInput", 400, text):
            simulate(iam, good, **more)
    with refused("InvalidInput", 400, "PolicyInputList.2: Syntax errors in policy."):
        simulate(iam, good, document(statement("Perhaps")))
    with refused("InvalidInput", 400, "PolicyInputList"):
        simulate(iam, *[good] * 101)


def test_rights_to_simulate_are_asked_on_the_principal(iam, server):
    probe = Probe(server, iam)
    key = iam.create_access_key(UserName=probe.name)["AccessKey"]
    server.secrets.add(key["SecretAccessKey"])
    mine = server.boto("iam", key["AccessKeyId"], key["SecretAccessKey"])
    probe.obey(document(statement(action="iam:SimulatePrincipalPolicy", resource=probe.arn)))
    mine.simulate_principal_policy(PolicySourceArn=probe.arn, ActionNames=["iot:CreateThing"])
    for attempt in (lambda: mine.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{server.account}:user/admin",
                                                           ActionNames=["iot:CreateThing"]),
                    lambda: simulate(mine, document(statement()))):
        with refused("AccessDenied", 403, "iam:Simulate"):
            attempt()
