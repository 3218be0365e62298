"""IoT policies: stored, attached, deleted (x509 2.4, 4.14)."""
import json

import pytest

from muster import refused, unique

ALL = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}


def document(*statements, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements) or [ALL], **more})


@pytest.fixture
def policy(server):
    return server.policy()


def test_scenario_41_a_policy_is_returned_as_it_was_sent(iot, server):
    name = unique("p+q=,.@-")
    text = '{ "Version" : "2012-10-17",\n  "Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}'
    made = iot.create_policy(policyName=name, policyDocument=text, tags=[{"Key": "line", "Value": "7"}])
    assert made["policyArn"] == server.arn(f"policy/{name}")
    assert (made["policyName"], made["policyDocument"], made["policyVersionId"]) == (name, text, "1")
    found = iot.get_policy(policyName=name)
    assert (found["policyArn"], found["policyDocument"], found["defaultVersionId"]) == (made["policyArn"], text, "1")
    assert found["generationId"] and found["creationDate"] == found["lastModifiedDate"]
    iot.delete_policy(policyName=name)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.get_policy(policyName=name)


def test_a_name_is_taken_once(iot, policy):
    with refused("ResourceAlreadyExistsException", 409,
                 f"Policy cannot be created - name already exists (name={policy})", iot) as error:
        iot.create_policy(policyName=policy, policyDocument=document())
    assert error.get("resourceId") and error["resourceArn"].endswith(f":policy/{policy}")


@pytest.mark.parametrize("text", [
    pytest.param("{", id="broken JSON"),
    pytest.param("[]", id="no object"),
    pytest.param("null", id="null"),
    pytest.param(json.dumps({"Version": "2012-10-17"}), id="no Statement"),
    pytest.param(json.dumps({"Version": "2013-01-01", "Statement": [ALL]}), id="another Version"),
    pytest.param(json.dumps({"Statement": [ALL]}), id="no Version"),
    pytest.param(document({"Effect": "Maybe", "Action": "iot:*", "Resource": "*"}), id="another Effect"),
    pytest.param(document({"Action": "iot:*", "Resource": "*"}), id="no Effect"),
    pytest.param(document({"Effect": "Allow", "Resource": "*"}), id="no Action"),
    pytest.param(document({"Effect": "Allow", "Action": "iot:*"}), id="no Resource"),
    pytest.param(document({"Effect": "Allow", "Action": 7, "Resource": "*"}), id="an Action that is a number"),
    pytest.param(document(ALL, Id="x" * 2048), id="2048 characters and more"),
    pytest.param("[" * 200 + "]" * 200, id="200 deep"),
])
def test_a_malformed_document_is_refused_and_not_stored(iot, text):
    name = unique("policy")
    with refused("MalformedPolicyException", 400, "", iot):
        iot.create_policy(policyName=name, policyDocument=text)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.get_policy(policyName=name)


def test_blanks_do_not_count_and_2048_characters_are_taken(iot):
    resource = "arn:aws:iot:us-east-1:000000000001:topic/"
    bare = len(document({"Effect": "Allow", "Action": "iot:Publish", "Resource": resource}).replace(" ", ""))
    full = {"Effect": "Allow", "Action": "iot:Publish", "Resource": resource + "x" * (2048 - bare)}
    iot.create_policy(policyName=unique("policy"), policyDocument=document(full) + " " * 5000)
    full["Resource"] += "x"
    with refused("MalformedPolicyException", 400, "", iot):
        iot.create_policy(policyName=unique("policy"), policyDocument=document(full))


@pytest.mark.parametrize("name", ["a b", "a/b", "é", "x" * 129])
def test_names_outside_the_pattern_are_refused(iot, name):
    with refused("InvalidRequestException", 400, "policyName", iot):
        iot.create_policy(policyName=name, policyDocument=document())


def attached(iot, target, **more):
    return [one["policyName"] for one in iot.list_attached_policies(target=target, **more)["policies"]]


def test_a_policy_is_attached_listed_and_detached_from_a_certificate(iot, server, policy):
    device = server.certificate()
    for _ in range(2):
        iot.attach_policy(policyName=policy, target=device.arn)
    assert iot.list_attached_policies(target=device.arn)["policies"] == [
        {"policyName": policy, "policyArn": server.arn(f"policy/{policy}")}]
    for _ in range(2):
        iot.detach_policy(policyName=policy, target=device.arn)
    assert attached(iot, device.arn) == []


def test_scenario_40_a_certificate_carries_ten_policies(iot, server):
    device, policies = server.certificate(), [server.policy() for _ in range(11)]
    for name in policies[:10]:
        iot.attach_policy(policyName=name, target=device.arn)
    with refused("LimitExceededException", 410, "", iot):
        iot.attach_policy(policyName=policies[10], target=device.arn)
    iot.attach_policy(policyName=policies[0], target=device.arn)
    assert sorted(attached(iot, device.arn)) == sorted(policies[:10])
    iot.detach_policy(policyName=policies[0], target=device.arn)
    iot.attach_policy(policyName=policies[10], target=device.arn)


def test_scenario_40_a_group_carries_two_policies(iot, server):
    group = iot.create_thing_group(thingGroupName=unique("group"))["thingGroupArn"]
    policies = [server.policy() for _ in range(3)]
    for name in policies[:2]:
        iot.attach_policy(policyName=name, target=group)
    with refused("LimitExceededException", 410, "", iot):
        iot.attach_policy(policyName=policies[2], target=group)
    assert sorted(attached(iot, group)) == sorted(policies[:2])


def test_a_cognito_identity_takes_a_policy_unseen(iot, server, policy):
    identity = f"{server.region}:01234567-89ab-cdef-0123-456789abcdef"
    iot.attach_policy(policyName=policy, target=identity)
    assert policy in attached(iot, identity)
    iot.detach_policy(policyName=policy, target=identity)


def test_attaching_names_what_is_not_there(iot, server, policy):
    device = server.certificate()
    for name, target in ((unique("none"), device.arn), (policy, server.arn("cert/" + "0" * 64)),
                         (policy, server.arn("thinggroup/" + unique("none")))):
        with refused("ResourceNotFoundException", 404, "", iot):
            iot.attach_policy(policyName=name, target=target)
    for target in ("x", server.arn("thing/x"), "arn:aws:iot:us-east-1:000000000001:cert/x"):
        with refused("InvalidRequestException", 400, "", iot):
            iot.attach_policy(policyName=policy, target=target)


def test_policies_of_groups_above_are_listed_recursively_only(iot, server, policy):
    parent, child = unique("parent"), unique("child")
    above = iot.create_thing_group(thingGroupName=parent)["thingGroupArn"]
    below = iot.create_thing_group(thingGroupName=child, parentGroupName=parent)["thingGroupArn"]
    iot.attach_policy(policyName=policy, target=above)
    assert attached(iot, below) == [] and attached(iot, below, recursive=True) == [policy]


def test_scenario_40_an_attached_policy_is_not_deleted(iot, server, policy):
    device = server.certificate(policy=policy)
    with refused("DeleteConflictException", 409, "The policy cannot be deleted as the policy is attached to one or more "
                                                 f"principals (name={policy})", iot):
        iot.delete_policy(policyName=policy)
    iot.detach_policy(policyName=policy, target=device.arn)
    iot.delete_policy(policyName=policy)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.delete_policy(policyName=policy)


def test_the_cli_makes_attaches_and_deletes_a_policy(server):
    name, device = unique("p+q=,.@-"), server.certificate()
    server.aws("iot", "create-policy", "--policy-name", name, "--policy-document", document())
    server.aws("iot", "attach-policy", "--policy-name", name, "--target", device.arn)
    listed = server.aws("iot", "list-attached-policies", "--target", device.arn)
    assert listed == {"policies": [{"policyName": name, "policyArn": server.arn(f"policy/{name}")}]}
    assert "(DeleteConflictException)" in server.aws("iot", "delete-policy", "--policy-name", name, fails=True)
    server.aws("iot", "detach-policy", "--policy-name", name, "--target", device.arn)
    assert json.loads(server.aws("iot", "get-policy", "--policy-name", name)["policyDocument"])["Statement"] == [ALL]
    server.aws("iot", "delete-policy", "--policy-name", name)
    assert name not in {one["policyName"] for one in server.aws("iot", "list-policies")["policies"]}
