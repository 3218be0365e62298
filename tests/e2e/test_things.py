"""Things that change and go: UpdateThing, DeleteThing, ListThings with filters, principals of both types, and the live
connections that follow (x509 2.3, 4.13, 4.16; scenarios 36, 39, 41, 42)."""
import concurrent.futures
import itertools
import json
import urllib.parse
import uuid

import pytest

from muster import eventually, refused, unique

NOT_THERE = "0" * 64
EXCLUSIVE, SHARED = "EXCLUSIVE_THING", "NON_EXCLUSIVE_THING"


class Asked:
    """What Debian's boto3 does not know yet: the second lists, and the type of an attachment."""

    def __init__(self, server):
        self.server = server

    def attach(self, thing, principal, kind=None):
        return self.server.call("PUT", f"/things/{thing}/principals", headers={"x-amzn-principal": principal},
                                query={"thingPrincipalType": kind} if kind else None)

    def things_of(self, principal, **query):
        return self.server.call("GET", "/principals/things-v2", query=query, headers={"x-amzn-principal": principal})

    def principals_of(self, thing, **query):
        return self.server.call("GET", f"/things/{thing}/principals-v2", query=query)


@pytest.fixture(scope="session")
def asked(server):
    return Asked(server)


@pytest.fixture
def pump(iot):
    name = unique("pump")
    iot.create_thing(thingName=name, attributePayload={"attributes": {"site": "north", "line": "1"}})
    return name


@pytest.fixture
def kind(iot):
    name = unique("type")
    iot.create_thing_type(thingTypeName=name)
    return name


@pytest.fixture
def state(iot):
    """What a thing is: version, type, attributes."""
    def state(name):
        found = iot.describe_thing(thingName=name)
        return found["version"], found.get("thingTypeName"), found["attributes"]
    return state


# ---- UpdateThing ----

CHANGES = {
    "merged": ({"attributes": {"site": "south", "row": "7"}, "merge": True}, {"site": "south", "line": "1", "row": "7"}),
    "an empty value removes": ({"attributes": {"site": ""}, "merge": True}, {"line": "1"}),
    "an empty value removes what is not there": ({"attributes": {"x": ""}, "merge": True}, {"site": "north", "line": "1"}),
    "replaced": ({"attributes": {"row": "7"}, "merge": False}, {"row": "7"}),
    "replaced without a word": ({"attributes": {"row": "7"}}, {"row": "7"}),
    "replaced, empty values are dropped": ({"attributes": {"row": "7", "site": ""}}, {"row": "7"}),
    "replaced by nothing": ({"attributes": {}}, {}),
    "merged with nothing": ({"attributes": {}, "merge": True}, {"site": "north", "line": "1"}),
    "no attributes given": ({"merge": False}, {"site": "north", "line": "1"}),
}


@pytest.mark.parametrize("payload,expected", CHANGES.values(), ids=CHANGES)
def test_x509_36_attributes_are_merged_replaced_and_removed(iot, pump, state, payload, expected):
    iot.update_thing(thingName=pump, attributePayload=payload)
    assert state(pump) == (2, None, expected)


def test_x509_36_each_update_counts_a_version(iot, pump, state, kind):
    before = iot.describe_thing(thingName=pump)
    for expected in range(1, 4):
        iot.update_thing(thingName=pump, expectedVersion=expected)
    iot.update_thing(thingName=pump, thingTypeName=kind)
    assert state(pump) == (5, kind, before["attributes"])
    assert iot.describe_thing(thingName=pump)["thingId"] == before["thingId"]


def test_x509_36_a_wrong_expected_version_changes_nothing(iot, pump, state, kind):
    before = state(pump)
    for wrong in (0, 2, -1, 2 ** 62):
        with refused("VersionConflictException", 409,
                     f"The version for thing {pump} does not match the expected version.", iot):
            iot.update_thing(thingName=pump, expectedVersion=wrong, thingTypeName=kind,
                             attributePayload={"attributes": {"site": "south"}})
        with refused("VersionConflictException", 409, "", iot):
            iot.delete_thing(thingName=pump, expectedVersion=wrong)
    assert state(pump) == before


def test_the_type_is_given_exchanged_and_removed(iot, pump, state, kind):
    other = unique("type")
    iot.create_thing_type(thingTypeName=other)
    for change, expected in [({"thingTypeName": kind}, kind), ({"thingTypeName": other}, other),
                             ({}, other), ({"removeThingType": False}, other), ({"removeThingType": True}, None),
                             ({"removeThingType": True}, None)]:
        iot.update_thing(thingName=pump, **change)
        assert state(pump)[1] == expected


def test_what_an_update_may_not_do_changes_nothing(iot, pump, state, kind):
    deprecated = unique("type")
    iot.create_thing_type(thingTypeName=deprecated)
    iot.deprecate_thing_type(thingTypeName=deprecated)
    many = {f"a{n}": "x" for n in range(4)}
    for error, status, change in [
            ("InvalidRequestException", 400, {"thingTypeName": kind, "removeThingType": True}),
            ("InvalidRequestException", 400, {"thingTypeName": deprecated}),
            ("InvalidRequestException", 400, {"attributePayload": {"attributes": many}}),
            ("InvalidRequestException", 400, {"attributePayload": {"attributes": {"a": "x", "b": "x"}, "merge": True}}),
            ("InvalidRequestException", 400, {"attributePayload": {"attributes": {"a b": "x"}}}),
            ("InvalidRequestException", 400, {"attributePayload": {"attributes": {"a": "x" * 801}}}),
            ("ResourceNotFoundException", 404, {"thingTypeName": unique("none")})]:
        with refused(error, status, "", iot):
            iot.update_thing(thingName=pump, **change)
    assert state(pump) == (1, None, {"site": "north", "line": "1"})

    iot.update_thing(thingName=pump, thingTypeName=kind, attributePayload={"attributes": many})
    with refused("InvalidRequestException", 400, "", iot):
        iot.update_thing(thingName=pump, removeThingType=True)
    iot.update_thing(thingName=pump, removeThingType=True, attributePayload={"attributes": {"a0": ""}, "merge": True})
    assert state(pump) == (3, None, {"a1": "x", "a2": "x", "a3": "x"})


def test_x509_37_fifty_attributes_of_full_length_fit(iot, kind, state):
    name = unique("pump")
    iot.create_thing(thingName=name, thingTypeName=kind)
    most = {f"{n:02}".ljust(128, "-"): "x" * 800 for n in range(50)}
    iot.update_thing(thingName=name, attributePayload={"attributes": most})
    with refused("InvalidRequestException", 400, "51 attributes", iot):
        iot.update_thing(thingName=name, attributePayload={"merge": True, "attributes": {"z": "x"}})
    assert state(name)[2] == most


def test_an_unknown_thing_is_not_updated(iot):
    with refused("ResourceNotFoundException", 404, "Thing pump-none cannot be found.", iot):
        iot.update_thing(thingName="pump-none", attributePayload={"attributes": {"a": "x"}})


def test_a_thing_keeps_a_type_that_became_deprecated(iot, state, kind):
    name = unique("pump")
    iot.create_thing(thingName=name, thingTypeName=kind)
    iot.deprecate_thing_type(thingTypeName=kind)
    iot.update_thing(thingName=name, thingTypeName=kind, attributePayload={"attributes": {"a": "x"}})
    assert state(name) == (2, kind, {"a": "x"})
    assert iot.create_thing(thingName=name, thingTypeName=kind, attributePayload={"attributes": {"a": "x"}})
    with refused("InvalidRequestException", 400, kind, iot):
        iot.create_thing(thingName=unique("pump"), thingTypeName=kind)


# ---- races (4.16) ----

def at_once(server, count, ask):
    """The answers of so many requests that are sent together, each over a connection of its own."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda n: ask(server.line(), n), range(count)))


def test_of_two_updates_of_one_version_one_wins(server, iot, pump, state):
    for version in range(1, 6):
        answers = at_once(server, 4, lambda line, n: line.call(
            "PATCH", f"/things/{pump}", {"expectedVersion": version, "attributePayload": {"attributes": {"n": str(n)}}}))
        won = [n for n, answer in enumerate(answers) if answer.status == 200]
        assert len(won) == 1, answers
        assert {answer.error for answer in answers} == {None, "VersionConflictException"}
        assert state(pump) == (version + 1, None, {"n": str(won[0])})


def test_attaching_and_deleting_at_once_leaves_no_attachment_without_a_thing(server, iot):
    device = server.certificate()
    for _ in range(8):
        name = unique("pump")
        iot.create_thing(thingName=name)
        attached, deleted = at_once(server, 2, lambda line, n: (
            line.call("PUT", f"/things/{name}/principals", headers={"x-amzn-principal": device.arn}) if n == 0
            else line.call("DELETE", f"/things/{name}")))
        assert (attached.error, deleted.error) in [(None, "InvalidRequestException"),
                                                   ("ResourceNotFoundException", None)]
        there = iot.list_principal_things(principal=device.arn)["things"]
        assert there == ([name] if attached.status == 200 else [])
        iot.detach_thing_principal(thingName=name, principal=device.arn)


def test_two_exclusive_attachments_at_once_are_one(server, iot):
    device, names = server.certificate(), [unique("pump") for _ in range(4)]
    for name in names:
        iot.create_thing(thingName=name)
    answers = at_once(server, 4, lambda line, n: line.call(
        "PUT", f"/things/{names[n]}/principals", query={"thingPrincipalType": EXCLUSIVE},
        headers={"x-amzn-principal": device.arn}))
    won = [name for name, answer in zip(names, answers) if answer.status == 200]
    assert len(won) == 1 and iot.list_principal_things(principal=device.arn)["things"] == won


# ---- DeleteThing ----

def test_a_deleted_thing_leaves_its_groups(iot, server, pump):
    group = unique("group")
    iot.create_thing_group(thingGroupName=group)
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=pump)
    iot.delete_thing(thingName=pump, expectedVersion=1)
    assert iot.list_things_in_thing_group(thingGroupName=group)["things"] == []
    iot.create_thing(thingName=pump)
    assert iot.list_thing_groups_for_thing(thingName=pump)["thingGroups"] == []
    assert iot.describe_thing(thingName=pump)["attributes"] == {}


def test_x509_36_deleting_what_is_not_there_succeeds_whatever_the_version(iot):
    iot.delete_thing(thingName=unique("none"))
    iot.delete_thing(thingName=unique("none"), expectedVersion=7)


# ---- ListThings ----

@pytest.fixture(scope="module")
def crowd(server):
    """Things of two types with attributes that tell them apart; {name: (type, attributes)}."""
    iot, mark = server.boto(), unique("c")[-10:]
    types = [None, unique("type"), unique("type")]
    for name in types[1:]:
        iot.create_thing_type(thingTypeName=name)
    made = {}
    for n, (kind, shade) in enumerate(itertools.product(types * 2, ["red", "reddish", "r", "", "blue"])):
        name, attributes = f"{mark}-{n:02}", {f"crowd-{mark}": "in"}
        attributes |= {f"shade-{mark}": shade} if shade else {}
        iot.create_thing(thingName=name, attributePayload={"attributes": attributes}, **(
            {"thingTypeName": kind} if kind else {}))
        made[name] = (kind, attributes)
    return mark, types, made


def walk(ask, size, items, key=None):
    """All entries, page by page; each page has `size` at most, and the last has no token."""
    found, token = [], {}
    while True:
        page = ask(maxResults=size, **token)
        assert len(page[items]) <= size
        found += [one if key is None else one[key] for one in page[items]]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


@pytest.mark.parametrize("typed", [None, 1, 2])
@pytest.mark.parametrize("shade,prefix,expected", [
    ("red", False, {"red"}), ("red", True, {"red", "reddish"}), ("r", True, {"red", "reddish", "r"}),
    ("r", False, {"r"}), (None, False, {"red", "reddish", "r", "blue"}), (None, True, {"red", "reddish", "r", "blue"}),
    ("green", False, set()), ("green", True, set()), ("", True, {"red", "reddish", "r", "blue"})],
    ids=lambda value: str(value) if not isinstance(value, set) else "")
def test_things_are_filtered_by_attribute_prefix_and_type(iot, crowd, typed, shade, prefix, expected):
    mark, types, made = crowd
    asked = {"attributeName": f"shade-{mark}", "usePrefixAttributeValue": prefix}
    asked |= {} if shade is None else {"attributeValue": shade}
    asked |= {"thingTypeName": types[typed]} if typed else {}
    names = [name for name, (kind, attributes) in made.items()
             if attributes.get(f"shade-{mark}") in expected and (not typed or kind == types[typed])]
    for size in (1, 2, 250):
        assert walk(lambda **page: iot.list_things(**asked, **page), size, "things", "thingName") == names


def test_all_things_are_listed_once_whatever_the_page(iot, crowd):
    _, types, made = crowd
    every = walk(iot.list_things, 250, "things", "thingName")
    assert every == sorted(every) and set(made) <= set(every) and len(every) == len(set(every))
    for kind in types[1:]:
        names = [name for name, (its, _) in made.items() if its == kind]
        for size in (1, 2, 250):
            assert walk(lambda **page: iot.list_things(thingTypeName=kind, **page), size, "things",
                        "thingName") == names
    assert iot.list_things(thingTypeName=unique("none"))["things"] == []


def test_a_value_without_a_name_a_bad_size_and_a_strange_token_are_refused(iot, server, crowd):
    mark, types, _ = crowd
    token = iot.list_things(maxResults=1, thingTypeName=types[1])["nextToken"]
    for asked in ({"attributeValue": "red"}, {"nextToken": "AAAA"}, {"nextToken": token},
                  {"nextToken": token, "thingTypeName": types[2]}, {"maxResults": 0}, {"maxResults": 251}):
        answer = server.call("GET", "/things", query=asked)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), asked
        assert answer.message
    assert iot.list_things(nextToken=token, thingTypeName=types[1], maxResults=250)["things"]


# ---- principals ----

@pytest.fixture(scope="module")
def bound(server, asked):
    """A hub certificate of five things, and a thing of seven principals, two of them exclusive."""
    iot = server.boto()
    hub, house = server.certificate(), unique("house")
    things = sorted(unique("room") for _ in range(4)) + [house]
    for name in things:
        iot.create_thing(thingName=name)
        iot.attach_thing_principal(thingName=name, principal=hub.arn)
    own = [server.certificate(active=False).arn for _ in range(5)] + [f"{server.region}:{uuid.uuid4()}"]
    for n, principal in enumerate(own):
        assert asked.attach(house, principal, EXCLUSIVE if n < 2 else None).status == 200
    kinds = {principal: EXCLUSIVE if n < 2 else SHARED for n, principal in enumerate(own)} | {hub.arn: SHARED}
    return hub, sorted(things), house, kinds


@pytest.mark.parametrize("size", [1, 2, 250])
def test_x509_39_the_second_lists_show_types(iot, asked, bound, size):
    hub, things, house, kinds = bound
    shown = [{"principal": name, "thingPrincipalType": kinds[name]} for name in sorted(kinds)]
    held = [{"thingName": name, "thingPrincipalType": SHARED} for name in things]

    def all_of(ask, items, **query):
        return walk(lambda **page: ask(**query, **page).json, size, items)

    assert walk(lambda **page: iot.list_principal_things(principal=hub.arn, **page), size, "things") == things
    assert walk(lambda **page: iot.list_thing_principals(thingName=house, **page), size, "principals") == sorted(kinds)
    assert all_of(asked.things_of, "principalThingObjects", principal=hub.arn) == held
    assert all_of(asked.principals_of, "thingPrincipalObjects", thing=house) == shown
    for kind in (EXCLUSIVE, SHARED):
        assert all_of(asked.principals_of, "thingPrincipalObjects", thing=house, thingPrincipalType=kind) == [
            one for one in shown if one["thingPrincipalType"] == kind]
        assert all_of(asked.things_of, "principalThingObjects", principal=hub.arn, thingPrincipalType=kind) == (
            held if kind == SHARED else [])


@pytest.mark.parametrize("path,query", [("/things/NAME/principals", {}), ("/things/NAME/principals-v2", {}),
                                        ("/things/NAME/principals-v2", {"thingPrincipalType": SHARED}),
                                        ("/principals/things", {}), ("/principals/things-v2", {})])
def test_the_lists_of_principals_refuse_strange_tokens_and_sizes(server, bound, path, query):
    hub, _, house, _ = bound
    header = {"x-amzn-principal": hub.arn}
    target = path.replace("NAME", house)
    token = server.call("GET", target, query={**query, "maxResults": 1}, headers=header).json["nextToken"]
    for bad in ({"maxResults": 0}, {"maxResults": 251}, {"nextToken": "AAAA"}, {"nextToken": token[:-4] + "AAAA"},
                {"nextToken": token, "thingPrincipalType": EXCLUSIVE} if path.endswith("v2") else {"nextToken": ""}):
        answer = server.call("GET", target, query={**query, **bad}, headers=header)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), (bad, answer)
    other = server.certificate(active=False)
    elsewhere = server.call("GET", target.replace(house, "pump-none"), query={**query, "nextToken": token},
                            headers={"x-amzn-principal": other.arn})
    assert elsewhere.error in ("InvalidRequestException", "ResourceNotFoundException")


@pytest.mark.parametrize("method,path", [("GET", "/principals/things"), ("GET", "/principals/things-v2"),
                                         ("PUT", "/things/NAME/principals"), ("DELETE", "/things/NAME/principals")])
@pytest.mark.parametrize("principal", ["x", "arn:aws:iot:us-east-1:000000000001:thing/x", "cert/" + NOT_THERE,
                                       "arn:aws:iot:us-east-1:000000000001:cert/" + "g" * 64,
                                       f"arn:aws:iot:us-east-1:000000000002:cert/{NOT_THERE}", None])
def test_a_principal_that_is_none_is_refused_everywhere(server, pump, method, path, principal):
    answer = server.call(method, path.replace("NAME", pump),
                         headers={"x-amzn-principal": principal} if principal else None)
    assert (answer.status, answer.error) == (400, "InvalidRequestException") and "principal" in answer.message


def test_an_unknown_certificate_has_no_list_and_is_detached_already(iot, server, asked, pump):
    nobody, text = server.arn(f"cert/{NOT_THERE}"), "Failed to list principals for thing pump-none because the thing " \
        "does not exist in your account"
    with refused("ResourceNotFoundException", 404, NOT_THERE, iot):
        iot.list_principal_things(principal=nobody)
    assert asked.things_of(nobody).error == "ResourceNotFoundException"
    with refused("ResourceNotFoundException", 404, text, iot):
        iot.list_thing_principals(thingName="pump-none")
    assert (asked.principals_of("pump-none").status, asked.principals_of("pump-none").message) == (404, text)
    iot.detach_thing_principal(thingName=pump, principal=nobody)
    iot.detach_thing_principal(thingName=unique("none"), principal=server.certificate().arn)
    assert iot.list_principal_things(principal=f"{server.region}:{uuid.uuid4()}")["things"] == []


def test_x509_39_the_type_of_an_attachment_changes(iot, server, asked, pump):
    device, other = server.certificate().arn, unique("pump")
    iot.create_thing(thingName=other)

    def kinds():
        return [(one["thingName"], one["thingPrincipalType"])
                for one in asked.things_of(device).json["principalThingObjects"]]

    for kind in (EXCLUSIVE, EXCLUSIVE, SHARED, EXCLUSIVE):
        assert asked.attach(pump, device, kind).status == 200
        assert kinds() == [(pump, kind)]
    answer = asked.attach(other, device)
    assert (answer.status, answer.error) == (400, "InvalidRequestException") and pump in answer.message
    assert asked.attach(pump, device).status == 200  # no type is NON_EXCLUSIVE_THING
    assert kinds() == [(pump, SHARED)]
    assert asked.attach(other, device).status == 200
    assert asked.attach(pump, device, EXCLUSIVE).error == "InvalidRequestException"
    assert kinds() == sorted([(pump, SHARED), (other, SHARED)])
    answer = asked.attach(pump, device, "SOME")
    assert answer.error == "InvalidRequestException" and "EXCLUSIVE_THING" in answer.message


# ---- labels and errors ----

def test_x509_41_names_travel_encoded(iot, server):
    name, device = unique("a:b"), server.certificate()
    iot.create_thing(thingName=name)
    assert server.call("GET", f"/things/{urllib.parse.quote(name, safe='')}").json["thingName"] == name
    iot.attach_thing_principal(thingName=name, principal=device.arn)
    iot.update_thing(thingName=name, attributePayload={"attributes": {"site": "a,b@c.d/e:f#g"}})
    assert iot.describe_thing(thingName=name)["attributes"] == {"site": "a,b@c.d/e:f#g"}
    found = server.aws("iot", "list-principal-things", "--principal", device.arn)
    assert found == {"things": [name]}
    assert server.aws("iot", "list-things", "--attribute-name", "site", "--attribute-value", "a,b@c.d/e:f#g")["things"]


@pytest.mark.parametrize("method,path,body", [
    ("PATCH", "/things/pump-none", b"{}"), ("PATCH", "/things/a%20b", b"{}"), ("PATCH", "/things/x", b"{"),
    ("PATCH", "/things/x", b"[]"), ("PATCH", "/things/x", b'{"expectedVersion":"one"}'),
    ("PATCH", "/things/x", b'{"attributePayload":{"attributes":["a"]}}'),
    ("PATCH", "/things/x", b'{"attributePayload":{"attributes":{"a":1}}}'), ("PATCH", "/things/x", b"\xff\xfe"),
    ("DELETE", "/things/a%2Fb", None), ("DELETE", "/things/x?expectedVersion=one", None),
    ("PUT", "/things/x/principals", None), ("GET", "/things?maxResults=many", None),
    ("PATCH", "/event-configurations", b'{"eventConfigurations":{"WEATHER":{"Enabled":true}}}')])
def test_x509_42_every_refusal_is_json_with_a_name_and_a_message(server, method, path, body):
    answer = server.call(method, path, body)
    assert 400 <= answer.status < 500 and answer.headers["Content-Type"].startswith("application/json")
    assert answer.error.endswith("Exception") and answer.message and answer.json["message"]


# ---- live connections ----

@pytest.fixture
def live(server, asked, fleet):
    """A device that may use the topics of its thing's attribute `site`, and those of its thing's name."""
    def topic(name):
        return f"arn:aws:iot:{server.region}:{server.account}:topic/{name}"

    def live(name, thing_kind=SHARED, client_id=None):
        policies = fleet.policy(
            {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
            {"Effect": "Allow", "Action": "iot:Publish", "Resource": [
                topic("sites/${iot:Connection.Thing.Attributes[site]}/x"), topic("things/${iot:Connection.Thing.ThingName}/x"),
                topic("types/${iot:Connection.Thing.ThingTypeName}/x")]})
        device = fleet.server.certificate(policy=policies)
        assert asked.attach(name, device.arn, thing_kind).status == 200
        client = fleet.connect(device, client_id or name)
        return device, client
    return live


def may(client, topic):
    """Version 5 tells a refused publish by the reason of its PUBACK."""
    return client.publish(topic) < 0x80


def test_rights_of_a_live_connection_follow_the_things_attributes_and_type(iot, live, pump, kind):
    _, client = live(pump)
    with client:
        assert may(client, "sites/north/x") and not may(client, "sites/south/x")
        iot.update_thing(thingName=pump, attributePayload={"attributes": {"site": "south"}})
        eventually(lambda: may(client, "sites/south/x"), 2, "the new attribute")
        assert not may(client, "sites/north/x") and not may(client, f"types/{kind}/x")
        iot.update_thing(thingName=pump, thingTypeName=kind)
        eventually(lambda: may(client, f"types/{kind}/x"), 2, "the type")
        iot.update_thing(thingName=pump, removeThingType=True, attributePayload={"attributes": {}})
        eventually(lambda: not may(client, f"types/{kind}/x"), 2, "the lost type")
        assert not may(client, "sites/south/x") and may(client, f"things/{pump}/x")


def test_rights_of_a_live_connection_follow_attachments_and_the_end_of_the_thing(iot, live, pump):
    device, client = live(pump)
    with client:
        assert may(client, f"things/{pump}/x")
        iot.detach_thing_principal(thingName=pump, principal=device.arn)
        eventually(lambda: not may(client, f"things/{pump}/x"), 2, "the detachment")
        iot.attach_thing_principal(thingName=pump, principal=device.arn)
        eventually(lambda: may(client, f"things/{pump}/x"), 2, "the attachment")
        iot.detach_thing_principal(thingName=pump, principal=device.arn)
        iot.delete_thing(thingName=pump)
        eventually(lambda: not may(client, f"things/{pump}/x"), 2, "the deletion")


def test_x509_39_an_exclusive_thing_is_carried_whatever_the_client_id(iot, asked, live, pump):
    device, client = live(pump, EXCLUSIVE, unique("somebody"))
    with client:
        assert may(client, f"things/{pump}/x") and may(client, "sites/north/x")
        assert asked.attach(pump, device.arn, SHARED).status == 200
        eventually(lambda: not may(client, f"things/{pump}/x"), 2, "the change of type")
        assert asked.attach(pump, device.arn, EXCLUSIVE).status == 200
        eventually(lambda: may(client, f"things/{pump}/x"), 2, "the change back")
        iot.update_thing(thingName=pump, attributePayload={"attributes": {"site": "west"}})
        eventually(lambda: may(client, "sites/west/x"), 2, "the attribute")


# ---- the AWS CLI ----

def test_the_cli_updates_a_thing(server, pump, kind):
    server.aws("iot", "update-thing", "--thing-name", pump, "--thing-type-name", kind, "--expected-version", "1",
               "--attribute-payload", json.dumps({"attributes": {"site": "", "row": "7"}, "merge": True}))
    found = server.aws("iot", "describe-thing", "--thing-name", pump)
    assert (found["version"], found["thingTypeName"], found["attributes"]) == (2, kind, {"line": "1", "row": "7"})
    server.aws("iot", "update-thing", "--thing-name", pump, "--remove-thing-type")
    text = server.aws("iot", "update-thing", "--thing-name", pump, "--expected-version", "1", fails=True)
    assert "(VersionConflictException)" in text and f"The version for thing {pump} does not match" in text
    listed = server.aws("iot", "list-things", "--attribute-name", "row", "--attribute-value", "7", "--max-items", "1")
    assert len(listed["things"]) == 1

