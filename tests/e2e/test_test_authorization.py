"""TestAuthorization: the engine of live connections, asked without one (broker 2.3, 3.7, 4.11, 4.12)."""
import json

import pytest
from cryptography.x509.oid import NameOID

from muster import refused, unique

NOT_THERE = "0" * 64
IMPLICIT, EXPLICIT, ALLOWED = "IMPLICIT_DENY", "EXPLICIT_DENY", "ALLOWED"


def info(action, *resources):
    return {"actionType": action, "resources": list(resources)}


def named(holder):
    return [one["policyName"] for one in holder["policies"]]


def verdict(result):
    """(decision, allowed by, explicitly denied by, implicitly denied by)"""
    return (result["authDecision"], named(result["allowed"]), named(result["denied"]["explicitDeny"]),
            named(result["denied"]["implicitDeny"]))


class Trial:
    """One device and what is asked about it."""

    def __init__(self, fleet, *attributes):
        self.fleet, self.iot, self.allow, self.deny = fleet, fleet.iot, fleet.policies.allow, fleet.policies.deny
        self.identity = fleet.certificate(*attributes)

    def attach(self, *statements):
        return self.fleet.attach(self.identity, *statements)

    def ask(self, action, *resources, **more):
        """The result for resources like "topic/a"."""
        arns = [r if r == "*" or r.startswith("arn:") else self.fleet.arn(r) for r in resources]
        given = info(action, *arns)
        answer = self.iot.test_authorization(**{"principal": self.identity.arn, "authInfos": [given], **more})
        result, = answer["authResults"]
        assert result["authInfo"] == given
        return result

    def decide(self, action, *resources, **more):
        return self.ask(action, *resources, **more)["authDecision"]


@pytest.fixture
def trial(fleet):
    return Trial(fleet)


def test_the_example_of_the_interface(fleet, trial):
    """As in broker 3.7: an allow for the thing's topics, and a deny for admin."""
    name = trial.attach(trial.allow("iot:Publish", "topic/plant/*"), trial.deny("iot:Publish", "topic/plant/*/admin"))
    policy = {"policyName": name, "policyArn": fleet.arn(f"policy/{name}")}
    assert trial.ask("PUBLISH", "topic/plant/lamp-7/admin", clientId="lamp-7") == {
        "authInfo": info("PUBLISH", fleet.arn("topic/plant/lamp-7/admin")),
        "allowed": {"policies": [policy]},
        "denied": {"implicitDeny": {"policies": []}, "explicitDeny": {"policies": [policy]}},
        "authDecision": EXPLICIT, "missingContextValues": []}


def test_each_policy_is_told_what_it_said(trial):
    may, deny = trial.attach(trial.allow("iot:Publish", "topic/a", "topic/b")), trial.attach(
        trial.deny("iot:Publish", "topic/b", "topic/c"))
    both = sorted([may, deny])
    assert verdict(trial.ask("PUBLISH", "topic/a")) == (ALLOWED, [may], [], [])
    assert verdict(trial.ask("PUBLISH", "topic/b")) == (EXPLICIT, [may], [deny], [])
    assert verdict(trial.ask("PUBLISH", "topic/c")) == (EXPLICIT, [], [deny], [])
    decision, allowed, denied, implicit = verdict(trial.ask("PUBLISH", "topic/d"))
    assert (decision, allowed, denied, sorted(implicit)) == (IMPLICIT, [], [], both)


@pytest.mark.parametrize("action, iam, resource", [
    ("PUBLISH", "iot:Publish", "topic/a"), ("SUBSCRIBE", "iot:Subscribe", "topicfilter/a"),
    ("RECEIVE", "iot:Receive", "topic/a"), ("CONNECT", "iot:Connect", "client/a")])
def test_actions_are_those_of_policies(trial, action, iam, resource):
    name = trial.attach(trial.allow(iam, resource))
    assert verdict(trial.ask(action, resource)) == (ALLOWED, [name], [], [])
    for other in {"PUBLISH", "SUBSCRIBE", "RECEIVE", "CONNECT"} - {action}:
        assert trial.decide(other, resource) == IMPLICIT


def test_of_several_resources_the_worst_decides(trial):
    trial.attach(trial.allow("iot:Publish", "topic/a", "topic/b"), trial.deny("iot:Publish", "topic/x"))
    assert trial.decide("PUBLISH", "topic/a", "topic/b") == ALLOWED
    assert trial.decide("PUBLISH", "topic/a", "topic/c") == IMPLICIT
    assert trial.decide("PUBLISH", "topic/a", "topic/c", "topic/x") == EXPLICIT


def test_questions_are_answered_in_their_order(fleet, trial):
    trial.attach(trial.allow("iot:Publish", *(f"topic/{n}" for n in range(0, 10, 2))))
    infos = [info("PUBLISH", fleet.arn(f"topic/{n}")) for n in range(10)]
    results = fleet.iot.test_authorization(principal=trial.identity.arn, authInfos=infos)["authResults"]
    assert [one["authInfo"] for one in results] == infos
    assert [one["authDecision"] for one in results] == [ALLOWED, IMPLICIT] * 5


def test_policies_are_added_and_skipped(fleet, trial):
    held = trial.attach(trial.allow("iot:Publish", "topic/a"))
    more, stop = fleet.policy(trial.allow("iot:Publish", "topic/b")), fleet.policy(trial.deny("iot:*", "*"))
    assert trial.decide("PUBLISH", "topic/b") == IMPLICIT
    assert verdict(trial.ask("PUBLISH", "topic/b", policyNamesToAdd=[more])) == (ALLOWED, [more], [], [])
    assert trial.decide("PUBLISH", "topic/a", policyNamesToAdd=[stop, more]) == EXPLICIT
    assert verdict(trial.ask("PUBLISH", "topic/a", policyNamesToSkip=[held])) == (IMPLICIT, [], [], [])
    assert trial.decide("PUBLISH", "topic/a", policyNamesToAdd=[stop], policyNamesToSkip=[stop]) == ALLOWED
    assert verdict(trial.ask("PUBLISH", "topic/a", policyNamesToAdd=[held])) == (ALLOWED, [held], [], [])
    # without a principal: what is added alone
    answer = fleet.iot.test_authorization(policyNamesToAdd=[more], authInfos=[info("PUBLISH", fleet.arn("topic/b"))])
    assert answer["authResults"][0]["authDecision"] == ALLOWED


def test_only_default_versions_count(fleet, trial):
    name = trial.attach(trial.allow("iot:Publish", "topic/a"))
    document = json.dumps({"Version": "2012-10-17", "Statement": [trial.allow("iot:Publish", "topic/b")]})
    fleet.iot.create_policy_version(policyName=name, policyDocument=document)
    assert (trial.decide("PUBLISH", "topic/a"), trial.decide("PUBLISH", "topic/b")) == (ALLOWED, IMPLICIT)
    fleet.iot.set_default_policy_version(policyName=name, policyVersionId="2")
    assert (trial.decide("PUBLISH", "topic/a"), trial.decide("PUBLISH", "topic/b")) == (IMPLICIT, ALLOWED)


def test_the_client_id_brings_the_thing_and_its_groups(fleet, trial):
    """As a connection of that client id would: attached things only, with type, attributes and groups above."""
    thing = fleet.thing(attributePayload={"attributes": {"site": "north"}})
    root, leaf = unique("root"), unique("leaf")
    fleet.iot.create_thing_group(thingGroupName=root)
    fleet.iot.create_thing_group(thingGroupName=leaf, parentGroupName=root)
    fleet.iot.add_thing_to_thing_group(thingGroupName=leaf, thingName=thing)
    fleet.iot.attach_policy(policyName=fleet.policy(trial.allow("iot:Publish", "topic/root")),
                            target=fleet.arn(f"thinggroup/{root}"))
    trial.attach(trial.allow("iot:Publish", "topic/t/${iot:Connection.Thing.ThingName}",
                             "topic/s/${iot:Connection.Thing.Attributes[site]}", "topic/c/${iot:ClientId}"))
    asked = {"topic/root", f"topic/t/{thing}", "topic/s/north"}
    assert {r for r in asked if trial.decide("PUBLISH", r, clientId=thing) == ALLOWED} == set()
    fleet.iot.attach_thing_principal(thingName=thing, principal=trial.identity.arn)
    assert {r for r in asked if trial.decide("PUBLISH", r, clientId=thing) == ALLOWED} == asked
    assert {r for r in asked if trial.decide("PUBLISH", r, clientId=unique("x")) == ALLOWED} == set()
    assert trial.decide("PUBLISH", f"topic/c/{thing}", clientId=thing) == ALLOWED
    assert trial.decide("PUBLISH", "topic/c/", clientId="") in (ALLOWED, IMPLICIT)


def test_what_only_a_connection_knows_is_missing(trial):
    trial.attach(
        trial.allow("iot:Publish", "topic/c/${iot:ClientId}", "topic/t/${iot:Connection.Thing.ThingName}"),
        trial.allow("iot:Subscribe", "topicfilter/a", condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}}),
        trial.allow("iot:Receive", "topic/a", condition={"StringEquals": {"iot:DomainName": "localhost"}}),
        trial.allow("iot:Connect", "client/a", condition={"Bool": {"aws:SecureTransport": "true"}}))
    for action, resource, missing in (
            ("PUBLISH", "topic/c/x", {"iot:ClientId", "iot:Connection.Thing.ThingName"}),
            ("SUBSCRIBE", "topicfilter/a", {"aws:SourceIp"}), ("RECEIVE", "topic/a", {"iot:DomainName"}),
            ("CONNECT", "client/a", {"aws:SecureTransport"})):
        result = trial.ask(action, resource)
        assert (result["authDecision"], set(result["missingContextValues"])) == (IMPLICIT, missing)
        assert len(result["missingContextValues"]) == len(missing)
    known = trial.ask("PUBLISH", "topic/c/x", clientId="x")
    assert (known["authDecision"], known["missingContextValues"]) == (ALLOWED, ["iot:Connection.Thing.ThingName"])


def test_the_certificate_and_the_time_are_known_without_a_connection(fleet):
    trial = Trial(fleet, (NameOID.COMMON_NAME, "lamp"))
    added = fleet.policy(trial.allow("iot:Publish", "topic/n/${iot:Certificate.Subject.CommonName}"))
    trial.attach(trial.allow("iot:Publish", "topic/i/${iot:CertificateId}"),
                 trial.allow("iot:Receive", "topic/a", condition={
                     "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
                     "Bool": {"iot:Connection.Thing.IsAttached": "false"}}))
    assert trial.decide("PUBLISH", f"topic/i/{trial.identity.id}") == ALLOWED
    assert trial.decide("PUBLISH", "topic/n/lamp", policyNamesToAdd=[added]) == ALLOWED
    assert trial.decide("RECEIVE", "topic/a") == ALLOWED


def test_an_identity_has_its_own_keys_and_its_own_policies(fleet):
    identity = f"{fleet.server.region}:cccccccc-2222-3333-4444-555555555555"
    pool = f"{fleet.server.region}:dddddddd-2222-3333-4444-555555555555"
    allow = fleet.policies.allow
    name = fleet.policy(allow("iot:Publish", "topic/s/${cognito-identity.amazonaws.com:sub}",
                              "topic/p/${cognito-identity.amazonaws.com:aud}", "topic/i/${iot:CertificateId}"))
    fleet.iot.attach_policy(policyName=name, target=identity)

    def decide(topic, **more):
        answer = fleet.iot.test_authorization(principal=identity, authInfos=[info("PUBLISH", fleet.arn(topic))], **more)
        return answer["authResults"][0]["authDecision"]

    assert decide(f"topic/s/{identity}") == ALLOWED and decide("topic/s/x") == IMPLICIT
    assert decide(f"topic/p/{pool}", cognitoIdentityPoolId=pool) == ALLOWED and decide(f"topic/p/{pool}") == IMPLICIT
    assert decide(f"topic/i/{identity}") == IMPLICIT


def test_the_answer_is_that_of_a_live_connection(fleet, trial):
    """A table of topics, each asked here and published by the device."""
    trial.attach(trial.allow("iot:Connect", "*"),
                 trial.allow("iot:Publish", "topic/a", "topic/w/*", "topic/c/${iot:ClientId}"),
                 trial.deny("iot:Publish", "topic/w/no*"))
    client_id = unique("client")
    topics = ["a", "b", "w/x", "w/x/y", "w", "w/no", "w/nobody", f"c/{client_id}", "c/other", "A"]
    with fleet.connect(trial.identity, client_id) as device:
        live = {topic: device.publish(topic, b"") == 0 for topic in topics}
    asked = {topic: trial.decide("PUBLISH", f"topic/{topic}", clientId=client_id) == ALLOWED for topic in topics}
    assert asked == live and set(live.values()) == {True, False}


def test_unknown_names_are_not_found(fleet, trial):
    ask = [info("CONNECT", "*")]
    with refused("ResourceNotFoundException", 404, "", fleet.iot):
        fleet.iot.test_authorization(principal=fleet.arn(f"cert/{NOT_THERE}"), authInfos=ask)
    for member in ("policyNamesToAdd", "policyNamesToSkip"):
        with refused("ResourceNotFoundException", 404, "", fleet.iot):
            fleet.iot.test_authorization(principal=trial.identity.arn, authInfos=ask, **{member: [unique("none")]})


def test_questions_outside_their_limits_are_refused(fleet, trial):
    good, whose = info("CONNECT", "*"), {"principal": trial.identity.arn}
    for body in ({**whose, "authInfos": []}, {**whose, "authInfos": [good] * 11}, {"authInfos": [good]}, whose,
                 {**whose, "authInfos": [{"resources": ["*"]}]}, {**whose, "authInfos": [{"actionType": "CONNECT"}]},
                 {**whose, "authInfos": [info("CONNECT")]}, {**whose, "authInfos": [info("CONNECT", *["*"] * 101)]},
                 {**whose, "authInfos": [info("READ", "*")]}, {**whose, "authInfos": [info("CONNECT", "x" * 2049)]},
                 {**whose, "authInfos": [good], "cognitoIdentityPoolId": "x"},
                 {**whose, "authInfos": [good], "policyNamesToSkip": ["x"] * 101}):
        answer = fleet.server.call("POST", "/test-authorization", body)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), (body, answer)
    fleet.iot.test_authorization(**whose, authInfos=[good] * 10)


def test_the_cli_asks(fleet, trial):
    name = trial.attach(trial.allow("iot:Publish", "topic/a"))
    answer = fleet.server.aws("iot", "test-authorization", "--principal", trial.identity.arn, "--client-id", "x",
                              "--auth-infos", f"actionType=PUBLISH,resources={fleet.arn('topic/a')}")
    assert verdict(answer["authResults"][0]) == (ALLOWED, [name], [], [])
