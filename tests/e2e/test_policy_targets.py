"""What policies are attached to, seen from both ends (x509 2.4, 2.6, 4.14; auth 4.6; broker 4.12; scenarios 40, 41)."""
import concurrent.futures
import json

import pytest

from muster import refused, unique

NOT_THERE = "0" * 64
SIZES = (1, 2, 250)
CONNECT = [{"actionType": "CONNECT", "resources": ["*"]}]


def identity(server, tail="01234567-89ab-cdef-0123-456789abcdef"):
    return f"{server.region}:{tail}"


@pytest.fixture
def policy(server):
    return server.policy()


@pytest.fixture
def device(server):
    return server.certificate(active=False)


def names(page):
    return [one["policyName"] for one in page["policies"]]


def walk(ask, key, size, **asked):
    """All pages of a list with markers; every page but the last is full."""
    found, more = [], {}
    while True:
        page = ask(**asked, pageSize=size, **more)
        found += page[key]
        if "nextMarker" not in page:
            assert len(page[key]) <= size
            return found
        assert len(page[key]) == size and page["nextMarker"]
        more = {"marker": page["nextMarker"]}


def of_every_size(ask, key, **asked):
    walks = [walk(ask, key, size, **asked) for size in SIZES]
    assert walks[0] == walks[1] == walks[2]
    return walks[0]


# ---- the first generation: principals in headers ----

def test_a_principal_policy_is_the_same_attachment(iot, server, policy, device):
    for principal in (device.arn, identity(server, "11111111-2222-3333-4444-555555555555")):
        for _ in range(2):
            iot.attach_principal_policy(policyName=policy, principal=principal)
        assert names(iot.list_principal_policies(principal=principal)) == [policy]
        assert names(iot.list_attached_policies(target=principal)) == [policy]
        assert principal in iot.list_policy_principals(policyName=policy)["principals"]
        for _ in range(2):
            iot.detach_principal_policy(policyName=policy, principal=principal)
        assert names(iot.list_principal_policies(principal=principal)) == []
    assert iot.list_targets_for_policy(policyName=policy)["targets"] == []


def test_scenario_40_a_principal_carries_ten_policies(iot, server, device):
    policies = [server.policy() for _ in range(11)]
    for principal in (device.arn, identity(server, "aaaaaaaa-2222-3333-4444-555555555555")):
        for name in policies[:10]:
            iot.attach_principal_policy(policyName=name, principal=principal)
        for attach, member in ((iot.attach_principal_policy, "principal"), (iot.attach_policy, "target")):
            with refused("LimitExceededException", 410, "", iot):
                attach(policyName=policies[10], **{member: principal})
        assert names(iot.list_principal_policies(principal=principal)) == policies[9::-1]


def test_a_group_is_no_principal(iot, server, policy, device):
    group = iot.create_thing_group(thingGroupName=unique("group"))["thingGroupArn"]
    iot.attach_policy(policyName=policy, target=group)
    iot.attach_policy(policyName=policy, target=device.arn)
    assert iot.list_policy_principals(policyName=policy)["principals"] == [device.arn]
    assert iot.list_targets_for_policy(policyName=policy)["targets"] == [device.arn, group]
    for ask in (iot.attach_principal_policy, iot.detach_principal_policy):
        with refused("InvalidRequestException", 400, "principal", iot):
            ask(policyName=policy, principal=group)
    with refused("InvalidRequestException", 400, "principal", iot):
        iot.list_principal_policies(principal=group)


# ---- targets that are none ----

def strangers(server):
    other = "999999999999"
    return [
        "x", "*", server.arn("thing/x"), server.arn("cert/x"), server.arn(f"cert/{NOT_THERE}0"),
        server.arn(f"cacert/{NOT_THERE}"), server.arn("thinggroup/"), server.arn(f"cert/{NOT_THERE[1:]}g"),
        f"arn:aws:iot:{server.region}:{other}:cert/{NOT_THERE}",
        f"arn:aws:iot:eu-west-9:{server.account}:cert/{NOT_THERE}",
        f"arn:aws-cn:iot:{server.region}:{server.account}:cert/{NOT_THERE}",
        f"arn:aws:iot:{server.region}:{other}:thinggroup/x",
        "eu-west-9:01234567-89ab-cdef-0123-456789abcdef", identity(server, "0123456789abcdef0123456789abcdef0123"),
        identity(server, "-" * 36), identity(server, "01234567-89AB-cdef-0123-456789abcdef"),
        identity(server, "01234567-89ab-cdef-0123-456789abcdef0"),
        identity(server, "g1234567-89ab-cdef-0123-456789abcdef"),
        identity(server, "")]


def test_what_is_no_target_is_refused_everywhere(iot, server, policy):
    for target in strangers(server):
        asks = [lambda: iot.attach_policy(policyName=policy, target=target),
                lambda: iot.detach_policy(policyName=policy, target=target),
                lambda: iot.list_attached_policies(target=target),
                lambda: iot.attach_principal_policy(policyName=policy, principal=target),
                lambda: iot.detach_principal_policy(policyName=policy, principal=target),
                lambda: iot.list_principal_policies(principal=target),
                lambda: iot.get_effective_policies(principal=target),
                lambda: iot.test_authorization(principal=target, authInfos=CONNECT)]
        for ask in asks:
            with refused("InvalidRequestException", 400, "", iot):
                ask()


def test_what_is_not_there_is_not_found_but_detached_already(iot, server, policy, device):
    nobody, group = server.arn(f"cert/{NOT_THERE}"), server.arn(f"thinggroup/{unique('none')}")
    for ask in (lambda: iot.attach_policy(policyName=policy, target=nobody),
                lambda: iot.attach_policy(policyName=policy, target=group),
                lambda: iot.attach_principal_policy(policyName=policy, principal=nobody),
                lambda: iot.attach_principal_policy(policyName=unique("none"), principal=device.arn),
                lambda: iot.list_attached_policies(target=nobody), lambda: iot.list_attached_policies(target=group),
                lambda: iot.list_principal_policies(principal=nobody),
                lambda: iot.list_policy_principals(policyName=unique("none")),
                lambda: iot.list_targets_for_policy(policyName=unique("none"))):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask()
    for target in (nobody, group, device.arn):
        iot.detach_policy(policyName=policy, target=target)
        iot.detach_policy(policyName=unique("none"), target=target)
    for principal in (nobody, device.arn):
        iot.detach_principal_policy(policyName=policy, principal=principal)


def test_identifiers_of_certificates_are_read_in_any_case(iot, policy, device):
    loud = device.arn.replace(device.id, device.id.upper())
    iot.attach_policy(policyName=policy, target=loud)
    assert names(iot.list_attached_policies(target=device.arn)) == [policy] == \
        names(iot.list_principal_policies(principal=loud))
    assert iot.list_targets_for_policy(policyName=policy)["targets"] == [device.arn]
    iot.detach_policy(policyName=policy, target=loud)
    assert names(iot.list_attached_policies(target=device.arn)) == []


# ---- lists ----

def test_policies_of_a_principal_are_walked_both_ways(iot, server, device):
    policies = [server.policy() for _ in range(5)]
    for name in policies:
        iot.attach_policy(policyName=name, target=device.arn)
    expected = [{"policyName": name, "policyArn": server.arn(f"policy/{name}")} for name in policies]
    assert of_every_size(iot.list_principal_policies, "policies", principal=device.arn) == expected[::-1]
    assert of_every_size(iot.list_principal_policies, "policies", principal=device.arn, ascendingOrder=True) == expected
    assert of_every_size(iot.list_attached_policies, "policies", target=device.arn) == expected[::-1]


def test_targets_of_a_policy_are_walked_both_ways(iot, server, policy):
    made = [server.certificate(active=False).arn for _ in range(4)] + [identity(server)]
    group = iot.create_thing_group(thingGroupName=unique("group"))["thingGroupArn"]
    targets = made[:2] + [group] + made[2:]
    for target in targets:
        iot.attach_policy(policyName=policy, target=target)
    assert of_every_size(iot.list_targets_for_policy, "targets", policyName=policy) == targets[::-1]
    assert of_every_size(iot.list_policy_principals, "principals", policyName=policy) == made[::-1]
    assert of_every_size(iot.list_policy_principals, "principals", policyName=policy, ascendingOrder=True) == made


def test_policies_above_a_group_are_walked_each_once(iot, server):
    groups, policies = [], [server.policy() for _ in range(4)]
    for name in (unique("a"), unique("b"), unique("c")):
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": groups[-1]} if groups else {}))
        groups.append(name)
    root, middle, leaf = (server.arn(f"thinggroup/{name}") for name in groups)
    for name, target in ((policies[0], root), (policies[1], leaf), (policies[2], middle), (policies[3], root),
                         (policies[2], leaf)):
        iot.attach_policy(policyName=name, target=target)
    expected = [policies[2], policies[3], policies[1], policies[0]]  # by their latest attachment
    walked = of_every_size(iot.list_attached_policies, "policies", target=leaf, recursive=True)
    assert [one["policyName"] for one in walked] == expected
    assert names(iot.list_attached_policies(target=leaf)) == [policies[2], policies[1]]
    assert names(iot.list_attached_policies(target=root, recursive=True)) == [policies[3], policies[0]]


def test_markers_belong_to_their_list(iot, server, policy):
    first, second = (server.certificate(active=False, policy=policy) for _ in range(2))
    for device in (first, second):
        iot.attach_policy(policyName=server.policy(), target=device.arn)
    marker = iot.list_principal_policies(principal=first.arn, pageSize=1)["nextMarker"]
    for ask in (lambda: iot.list_principal_policies(principal=second.arn, marker=marker),
                lambda: iot.list_principal_policies(principal=first.arn, marker=marker, ascendingOrder=True),
                lambda: iot.list_attached_policies(target=first.arn, marker=marker),
                lambda: iot.list_policy_principals(policyName=policy, marker=marker)):
        with refused("InvalidRequestException", 400, "", iot):
            ask()


# ---- at once ----

def test_of_many_attachments_at_once_ten_are_taken(server, device):
    policies = [server.policy() for _ in range(14)]

    def attach(name):
        return server.line().call("PUT", f"/target-policies/{name}", {"target": device.arn}).status

    with concurrent.futures.ThreadPoolExecutor(7) as pool:
        assert sorted(pool.map(attach, policies)) == [200] * 10 + [410] * 4


# ---- percent-encoded labels ----

def test_scenario_41_names_and_targets_travel_in_any_spelling(iot, server, device):
    name = "p+q=,.@-" + unique("")
    iot.create_policy(policyName=name, policyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}))
    server.aws("iot", "attach-principal-policy", "--policy-name", name, "--principal", device.arn)
    assert server.aws("iot", "list-attached-policies", "--target", device.arn)["policies"] == [
        {"policyName": name, "policyArn": server.arn(f"policy/{name}")}]
    assert server.aws("iot", "list-policy-principals", "--policy-name", name)["principals"] == [device.arn]
    assert server.aws("iot", "list-targets-for-policy", "--policy-name", name)["targets"] == [device.arn]
    assert names(server.aws("iot", "list-principal-policies", "--principal", device.arn)) == [name]
    assert iot.get_policy_version(policyName=name, policyVersionId="1")["policyName"] == name

    encoded = "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in device.arn)
    answer = server.call("POST", f"/attached-policies/{encoded}")
    assert answer.status == 200 and names(answer.json) == [name], answer
    every = "".join(f"%{byte:02x}" for byte in name.encode())
    answer = server.call("GET", f"/policies/{every}")
    assert answer.status == 200 and answer.json["policyName"] == name, answer
    answer = server.call("DELETE", f"/principal-policies/{every}", headers={"x-amzn-iot-principal": device.arn})
    assert answer.status == 200, answer
    assert names(iot.list_attached_policies(target=device.arn)) == []

    group = "a:b" + unique("")
    iot.create_thing_group(thingGroupName=group)
    assert server.call("GET", f"/thing-groups/{group.replace(':', '%3A')}").json["thingGroupName"] == group
    iot.attach_policy(policyName=name, target=server.arn(f"thinggroup/{group}"))
    assert names(iot.list_attached_policies(target=server.arn(f"thinggroup/{group}"))) == [name]


# ---- GetEffectivePolicies ----

def effective(iot, **asked):
    return {one["policyName"] for one in iot.get_effective_policies(**asked)["effectivePolicies"]}


def test_effective_policies_of_a_principal_and_of_the_groups_above_its_thing(iot, server, device):
    thing, own, shared, root, leaf = unique("thing"), *(server.policy() for _ in range(4))
    groups = [unique("root"), unique("leaf")]
    iot.create_thing(thingName=thing)
    iot.create_thing_group(thingGroupName=groups[0])
    iot.create_thing_group(thingGroupName=groups[1], parentGroupName=groups[0])
    iot.add_thing_to_thing_group(thingGroupName=groups[1], thingName=thing)
    for name, target in ((own, device.arn), (shared, device.arn), (shared, server.arn(f"thinggroup/{groups[0]}")),
                         (root, server.arn(f"thinggroup/{groups[0]}")), (leaf, server.arn(f"thinggroup/{groups[1]}"))):
        iot.attach_policy(policyName=name, target=target)
    assert effective(iot, principal=device.arn) == {own, shared}
    assert effective(iot, thingName=thing) == {root, leaf, shared}
    both = iot.get_effective_policies(principal=device.arn, thingName=thing)["effectivePolicies"]
    assert sorted(one["policyName"] for one in both) == sorted([own, shared, root, leaf])
    assert all(one["policyArn"] == server.arn(f"policy/{one['policyName']}") for one in both)

    iot.create_policy_version(policyName=own, policyDocument=iot.get_policy(policyName=own)["policyDocument"] + " ",
                              setAsDefault=True)
    document = [one["policyDocument"] for one in iot.get_effective_policies(principal=device.arn)["effectivePolicies"]
                if one["policyName"] == own][0]
    assert document.endswith(" ")
    listed = server.aws("iot", "get-effective-policies", "--thing-name", thing)["effectivePolicies"]
    assert {one["policyName"] for one in listed} == {root, leaf, shared}


def test_effective_policies_of_nobody(iot, server, policy):
    whose = identity(server, "bbbbbbbb-2222-3333-4444-555555555555")
    assert effective(iot, principal=whose, cognitoIdentityPoolId=identity(server)) == set()
    iot.attach_policy(policyName=policy, target=whose)
    assert effective(iot, principal=whose) == {policy}
    for asked in ({"principal": server.arn(f"cert/{NOT_THERE}")}, {"thingName": unique("none")}):
        with refused("ResourceNotFoundException", 404, "", iot):
            iot.get_effective_policies(**asked)
    for asked in ({}, {"cognitoIdentityPoolId": identity(server)}, {"principal": whose, "cognitoIdentityPoolId": "x"}):
        with refused("InvalidRequestException", 400, "", iot):
            iot.get_effective_policies(**asked)
