"""Many at once (x509 4.16): what everybody asks for happens once, limits hold, and every refusal is one that is written
down."""
import concurrent.futures
import json

from muster import simple_template, unique

CROWD = 24


def all_at_once(server, asks):
    """The answers and the names of the errors of calls of the API that run together: (method, path, body, headers)."""
    def ask(given):
        method, path, body, headers = given
        line = server.line()
        try:
            return line.call(method, path, body, headers=headers)
        finally:
            line.hang_up()
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(ask, asks))
    assert all(answer.status < 500 for answer in answers), answers
    return [answer.json for answer in answers if answer.status == 200], \
        [answer.error for answer in answers if answer.status != 200]


def test_the_same_thing_asked_for_by_many_is_made_once(server):
    name = unique("pump")
    made, errors = all_at_once(server, [("POST", f"/things/{name}", {}, {})] * CROWD)
    assert len(made) == CROWD and len({one["thingId"] for one in made}) == 1 and errors == []


def test_of_many_different_things_of_one_name_one_is_made(server, iot):
    name = unique("pump")
    asks = [("POST", f"/things/{name}", {"attributePayload": {"attributes": {"a": str(n)}}}, {}) for n in range(CROWD)]
    made, errors = all_at_once(server, asks)
    assert len(made) == 1 and set(errors) == {"ResourceAlreadyExistsException"} and len(errors) == CROWD - 1
    assert iot.describe_thing(thingName=name)["thingId"] == made[0]["thingId"]


def test_of_many_updates_of_one_version_one_is_made(server, iot):
    name = unique("pump")
    iot.create_thing(thingName=name)
    asks = [("PATCH", f"/things/{name}", {"expectedVersion": 1, "attributePayload": {"attributes": {"a": str(n)}}}, {})
            for n in range(CROWD)]
    made, errors = all_at_once(server, asks)
    assert len(made) == 1 and set(errors) == {"VersionConflictException"} and len(errors) == CROWD - 1
    thing = iot.describe_thing(thingName=name)
    assert thing["version"] == 2 and set(thing["attributes"]) == {"a"}
    found = iot.list_things(attributeName="a", attributeValue=thing["attributes"]["a"])["things"]
    assert name in [one["thingName"] for one in found]


def test_of_many_groups_of_one_tree_a_thing_joins_one(server, iot):
    name, root = unique("pump"), unique("root")
    iot.create_thing(thingName=name)
    iot.create_thing_group(thingGroupName=root)
    leaves = [unique("leaf") for _ in range(8)]
    for leaf in leaves:
        iot.create_thing_group(thingGroupName=leaf, parentGroupName=root)
    asks = [("PUT", "/thing-groups/addThingToThingGroup", {"thingGroupName": leaf, "thingName": name}, {})
            for leaf in leaves]
    made, errors = all_at_once(server, asks)
    assert len(made) == 1 and set(errors) == {"InvalidRequestException"} and len(errors) == len(leaves) - 1
    assert len(iot.list_thing_groups_for_thing(thingName=name)["thingGroups"]) == 1


def test_ten_of_many_policies_find_room_on_a_certificate(server, iot):
    device, policies = server.certificate(), [server.policy() for _ in range(CROWD)]
    made, errors = all_at_once(server, [("PUT", f"/target-policies/{one}", {"target": device.arn}, {})
                                        for one in policies])
    assert len(made) == 10 and errors == ["LimitExceededException"] * (CROWD - 10)
    assert len(iot.list_attached_policies(target=device.arn)["policies"]) == 10


def test_four_of_many_versions_find_room_on_a_template(server, iot):
    name, body = server.template(), {"templateBody": json.dumps(simple_template("P"))}
    made, errors = all_at_once(server, [("POST", f"/provisioning-templates/{name}/versions", body, {})] * CROWD)
    assert sorted(one["versionId"] for one in made) == [2, 3, 4, 5]
    assert errors == ["VersionsLimitExceededException"] * (CROWD - 4)


def test_an_exclusive_certificate_goes_to_one_of_many_things(server, iot):
    device, things = server.certificate(), [unique("pump") for _ in range(CROWD)]
    for name in things:
        iot.create_thing(thingName=name)
    made, errors = all_at_once(server, [
        ("PUT", f"/things/{name}/principals?thingPrincipalType=EXCLUSIVE_THING", None, {"x-amzn-principal": device.arn})
        for name in things])
    assert len(made) == 1 and set(errors) == {"InvalidRequestException"}
    assert len(iot.list_principal_things(principal=device.arn)["things"]) == 1


def test_attaching_and_deleting_at_once_leaves_nothing_attached_to_nothing(server, iot):
    device = server.certificate(active=False)
    thing, policy = unique("pump"), server.policy()
    iot.create_thing(thingName=thing)
    asks = [("PUT", f"/things/{thing}/principals", None, {"x-amzn-principal": device.arn}),
            ("PUT", f"/target-policies/{policy}", {"target": device.arn}, {}),
            ("DELETE", f"/certificates/{device.id}", None, {}), ("DELETE", f"/things/{thing}", None, {}),
            ("DELETE", f"/policies/{policy}", None, {})]
    _, errors = all_at_once(server, asks * 4)
    assert set(errors) <= {"ResourceNotFoundException", "DeleteConflictException", "InvalidRequestException"}
    left = server.call("GET", f"/things/{thing}/principals")
    certificate = server.call("GET", f"/certificates/{device.id}").status
    if left.status == 200 and left.json["principals"]:
        assert certificate == 200
    attached = server.call("POST", f"/attached-policies/{device.arn.replace(':', '%3A').replace('/', '%2F')}")
    if attached.status == 200 and attached.json["policies"]:
        assert certificate == 200 and server.call("GET", f"/policies/{policy}").status == 200


def test_many_keys_at_once_are_all_different(server):
    made, errors = all_at_once(server, [("POST", "/keys-and-certificate", None, {})] * CROWD)
    assert errors == [] and len({one["certificateId"] for one in made}) == CROWD
    assert len({one["keyPair"]["PublicKey"] for one in made}) == CROWD
