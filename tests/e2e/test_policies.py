"""IoT policies: stored, in versions, attached, deleted (x509 2.4, 4.14)."""
import concurrent.futures
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


# ---- versions ----

def only(topic):
    return document({"Effect": "Allow", "Action": "iot:Publish",
                     "Resource": f"arn:aws:iot:us-east-1:000000000001:topic/{topic}"})


def versions(iot, policy):
    """[(id, is it the default?)], newest first."""
    return [(one["versionId"], one["isDefaultVersion"])
            for one in iot.list_policy_versions(policyName=policy)["policyVersions"]]


def test_versions_count_up_and_one_is_the_default(iot, server, policy):
    second = iot.create_policy_version(policyName=policy, policyDocument=only("two"))
    assert (second["policyArn"], second["policyDocument"], second["policyVersionId"], second["isDefaultVersion"]) == (
        server.arn(f"policy/{policy}"), only("two"), "2", False)
    third = iot.create_policy_version(policyName=policy, policyDocument=only("three"), setAsDefault=True)
    assert (third["policyVersionId"], third["isDefaultVersion"]) == ("3", True)
    assert versions(iot, policy) == [("3", True), ("2", False), ("1", False)]
    found = iot.get_policy(policyName=policy)
    assert (found["defaultVersionId"], found["policyDocument"]) == ("3", only("three"))
    iot.set_default_policy_version(policyName=policy, policyVersionId="2")
    assert versions(iot, policy) == [("3", False), ("2", True), ("1", False)]
    assert iot.get_policy(policyName=policy)["policyDocument"] == only("two")
    for version in ("1", "2", "3"):
        one = iot.get_policy_version(policyName=policy, policyVersionId=version)
        assert (one["policyName"], one["policyArn"], one["policyVersionId"], one["isDefaultVersion"]) == (
            policy, server.arn(f"policy/{policy}"), version, version == "2")
        assert one["creationDate"] and one["lastModifiedDate"] and one["generationId"]
    assert iot.get_policy_version(policyName=policy, policyVersionId="3")["policyDocument"] == only("three")


def test_scenario_40_the_sixth_version_is_refused_and_numbers_never_come_again(iot, policy):
    for n in range(2, 6):
        assert iot.create_policy_version(policyName=policy, policyDocument=only(str(n)))["policyVersionId"] == str(n)
    with refused("VersionsLimitExceededException", 409,
                 f"The policy {policy} already has the maximum number of versions (5)", iot):
        iot.create_policy_version(policyName=policy, policyDocument=only("6"))
    iot.delete_policy_version(policyName=policy, policyVersionId="5")
    assert iot.create_policy_version(policyName=policy, policyDocument=only("6"))["policyVersionId"] == "6"
    assert [version for version, _ in versions(iot, policy)] == ["6", "4", "3", "2", "1"]


def test_scenario_40_the_order_in_which_a_policy_goes(iot, server, policy):
    device = server.certificate(policy=policy)
    iot.create_policy_version(policyName=policy, policyDocument=document())
    with refused("DeleteConflictException", 409, "attached to one or more principals", iot):
        iot.delete_policy(policyName=policy)
    iot.detach_policy(policyName=policy, target=device.arn)
    with refused("DeleteConflictException", 409, "Cannot delete the policy because it has one or more policy versions "
                                                 f"attached to it (name={policy})", iot):
        iot.delete_policy(policyName=policy)
    with refused("InvalidRequestException", 400, "Cannot delete the default version of a policy", iot):
        iot.delete_policy_version(policyName=policy, policyVersionId="1")
    iot.set_default_policy_version(policyName=policy, policyVersionId="2")
    iot.delete_policy_version(policyName=policy, policyVersionId="1")
    assert versions(iot, policy) == [("2", True)]
    iot.delete_policy(policyName=policy)


@pytest.mark.parametrize("version", ["2", "0", "01", "1000000000", "9" * 40])
def test_a_version_that_is_not_there_is_not_found(iot, policy, version):
    for ask in (iot.get_policy_version, iot.set_default_policy_version, iot.delete_policy_version):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask(policyName=policy, policyVersionId=version)
    assert versions(iot, policy) == [("1", True)]


def test_versions_of_no_policy_are_not_found(iot):
    name = unique("none")
    for ask, more in ((iot.get_policy_version, {"policyVersionId": "1"}),
                      (iot.set_default_policy_version, {"policyVersionId": "1"}),
                      (iot.delete_policy_version, {"policyVersionId": "1"}), (iot.list_policy_versions, {}),
                      (iot.create_policy_version, {"policyDocument": document()})):
        with refused("ResourceNotFoundException", 404, name, iot):
            ask(policyName=name, **more)


def test_a_malformed_version_is_refused_and_takes_no_number(iot, policy):
    with refused("MalformedPolicyException", 400, "", iot):
        iot.create_policy_version(policyName=policy, policyDocument="{}", setAsDefault=True)
    with refused("InvalidRequestException", 400, "policyVersionId", iot):
        iot.get_policy_version(policyName=policy, policyVersionId="x")
    assert iot.create_policy_version(policyName=policy, policyDocument=document())["policyVersionId"] == "2"


def test_of_many_versions_made_at_once_four_are_taken(server, policy):
    def make(_):
        return server.line().call("POST", f"/policies/{policy}/version", {"policyDocument": document()}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(8))) == [200] * 4 + [409] * 4


def test_the_cli_makes_versions(server, policy):
    made = server.aws("iot", "create-policy-version", "--policy-name", policy, "--policy-document", document(),
                      "--set-as-default")
    assert (made["policyVersionId"], made["isDefaultVersion"]) == ("2", True)
    server.aws("iot", "set-default-policy-version", "--policy-name", policy, "--policy-version-id", "1")
    listed = server.aws("iot", "list-policy-versions", "--policy-name", policy)["policyVersions"]
    assert [(one["versionId"], one["isDefaultVersion"]) for one in listed] == [("2", False), ("1", True)]
    server.aws("iot", "delete-policy-version", "--policy-name", policy, "--policy-version-id", "2")
    server.aws("iot", "delete-policy", "--policy-name", policy)


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
