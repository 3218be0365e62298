"""The life of a thing type: made, updated, deprecated, and after five minutes gone (x509 2.3, 4.13; scenario 38)."""
import datetime
import json

import pytest

from muster import refused, unique
from test_things import walk


@pytest.fixture
def kind(iot):
    name = unique("type")
    iot.create_thing_type(thingTypeName=name, thingTypeProperties={"thingTypeDescription": "pumps",
                                                                   "searchableAttributes": ["site"]})
    return name


def described(server, name):
    answer = server.call("GET", f"/thing-types/{name}")
    assert answer.status == 200, answer
    return answer.json


def propagating(*keys, **more):
    return {"propagatingAttributes": [{"userPropertyKey": key, "thingAttribute": "site", **more} for key in keys]}


def update(server, name, **properties):
    """Debian's boto3 does not know UpdateThingType yet."""
    return server.call("PATCH", f"/thing-types/{name}", {"thingTypeProperties": properties})


# ---- UpdateThingType ----

def test_given_properties_replace_what_was_and_others_stay(server, kind):
    before = described(server, kind)
    for given in ({"mqtt5Configuration": propagating("a", "b")}, {"thingTypeDescription": "big pumps"},
                  {"searchableAttributes": ["row", "line"]}, {"searchableAttributes": []}, {},
                  {"mqtt5Configuration": propagating("c")}):
        expected = described(server, kind)["thingTypeProperties"] | given
        assert (update(server, kind, **given).status, update(server, kind, **given).json) == (200, {})
        assert described(server, kind) == before | {"thingTypeProperties": expected}
    assert server.call("PATCH", f"/thing-types/{kind}").status == 200


MAPPED = {"userPropertyKey": "k", "thingAttribute": "site"}


@pytest.mark.parametrize("properties,text", [
    ({"searchableAttributes": list("abcd")}, "searchableAttributes"),
    ({"mqtt5Configuration": propagating(*map(str, range(21)))}, "20"),
    ({"mqtt5Configuration": propagating("a", "a")}, "a is given twice"),
    ({"mqtt5Configuration": propagating("a", connectionAttribute="iot:ClientId")}, "connectionAttribute"),
    ({"mqtt5Configuration": {"propagatingAttributes": [{"userPropertyKey": "a"}]}}, "thingAttribute"),
    ({"mqtt5Configuration": {"propagatingAttributes": [{"thingAttribute": "a"}]}}, "userPropertyKey"),
    ({"mqtt5Configuration": propagating("a b")}, "userPropertyKey"),
    ({"mqtt5Configuration": {"propagatingAttributes": [dict(MAPPED, thingAttribute="a b")]}}, "thingAttribute"),
    ({"thingTypeDescription": "x" * 2029}, "thingTypeDescription"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_properties_that_cannot_be_are_refused_at_creation_and_update(server, kind, properties, text):
    before = described(server, kind)
    for answer in (update(server, kind, **properties),
                   server.call("POST", f"/thing-types/{unique('type')}", {"thingTypeProperties": properties})):
        assert (answer.status, answer.error) == (400, "InvalidRequestException") and text in answer.message, answer
    assert described(server, kind) == before


def test_twenty_propagating_attributes_of_both_kinds_fit(server, kind):
    both = propagating(*map(str, range(19)))
    both["propagatingAttributes"].append({"userPropertyKey": "client", "connectionAttribute": "iot:ClientId"})
    assert update(server, kind, mqtt5Configuration=both).status == 200
    assert described(server, kind)["thingTypeProperties"]["mqtt5Configuration"] == both


def test_empty_properties_are_none_and_the_order_of_searchable_attributes_does_not_count(server):
    name = unique("type")
    full = {"thingTypeDescription": "pumps", "searchableAttributes": ["a", "b", "c"],
            "mqtt5Configuration": propagating("k")}
    ids = {server.call("POST", f"/thing-types/{name}", {"thingTypeProperties": properties}).json["thingTypeId"]
           for properties in (full, full | {"searchableAttributes": ["c", "b", "a"]})}
    assert len(ids) == 1
    for other in ({}, full | {"searchableAttributes": ["a", "b"]}, full | {"thingTypeDescription": ""},
                  full | {"mqtt5Configuration": propagating("l")}):
        assert server.call("POST", f"/thing-types/{name}", {"thingTypeProperties": other}).status == 409
    empty = {"thingTypeDescription": "", "searchableAttributes": [], "mqtt5Configuration": {"propagatingAttributes": []}}
    assert update(server, name, **empty).status == 200
    assert described(server, name)["thingTypeProperties"] == {"searchableAttributes": []}
    for same in (empty, {}, {"mqtt5Configuration": {}}):
        assert server.call("POST", f"/thing-types/{name}", {"thingTypeProperties": same}).json["thingTypeId"] in ids
    assert server.call("POST", f"/thing-types/{name}").json["thingTypeId"] in ids


# ---- DeprecateThingType, DeleteThingType ----

def test_x509_38_a_type_is_deprecated_waits_and_is_deleted(make_server):
    with_clock = make_server()
    iot, name = with_clock.boto(), "pumps"
    iot.create_thing_type(thingTypeName=name, tags=[{"Key": "k", "Value": "v"}])
    iot.create_thing(thingName="pump-1", thingTypeName=name)

    def is_refused(text):
        answer = with_clock.call("DELETE", f"/thing-types/{name}")
        assert (answer.status, answer.error) == (400, "InvalidRequestException")
        assert answer.message.startswith(f"Cannot delete thing type : {name}") and text in answer.message

    is_refused("deprecate")
    iot.deprecate_thing_type(thingTypeName=name)
    is_refused("things")
    with_clock.admin("clock +400")
    is_refused("things")
    assert with_clock.call("DELETE", "/things/pump-1").status == 200
    for undo in (True, False):
        assert with_clock.call("POST", f"/thing-types/{name}/deprecate", {"undoDeprecate": undo}).status == 200
    assert with_clock.call("POST", f"/thing-types/{name}/deprecate", {}).status == 200
    waiting = f"Cannot delete thing type : {name}. Please wait for 5 minutes after deprecation and then retry"
    assert with_clock.call("DELETE", f"/thing-types/{name}").message == waiting
    with_clock.admin("clock +290")
    assert with_clock.call("DELETE", f"/thing-types/{name}").message == waiting
    with_clock.admin("clock +15")
    assert with_clock.call("DELETE", f"/thing-types/{name}").status == 200
    for method in ("GET", "DELETE"):
        answer = with_clock.call(method, f"/thing-types/{name}")
        assert (answer.status, answer.message) == (404, f"Thing type {name} cannot be found.")
    assert with_clock.call("POST", f"/thing-types/{name}", {}).status == 200
    assert not described(with_clock, name)["thingTypeMetadata"]["deprecated"]


def test_the_wait_is_a_setting(make_server):
    impatient = make_server(settings={"thing_type_delete_delay_s": 0})
    iot = impatient.boto()
    iot.create_thing_type(thingTypeName="t")
    iot.deprecate_thing_type(thingTypeName="t")
    iot.delete_thing_type(thingTypeName="t")
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing_type(thingTypeName="t")


def test_a_deprecation_keeps_its_first_date_and_can_be_taken_back(iot, kind):
    iot.deprecate_thing_type(thingTypeName=kind)
    first = iot.describe_thing_type(thingTypeName=kind)["thingTypeMetadata"]
    assert first["deprecated"] is True and isinstance(first["deprecationDate"], datetime.datetime)
    iot.deprecate_thing_type(thingTypeName=kind)
    assert iot.describe_thing_type(thingTypeName=kind)["thingTypeMetadata"] == first
    with refused("InvalidRequestException", 400, kind, iot):
        iot.create_thing(thingName=unique("pump"), thingTypeName=kind)
    for _ in range(2):
        iot.deprecate_thing_type(thingTypeName=kind, undoDeprecate=True)
        found = iot.describe_thing_type(thingTypeName=kind)["thingTypeMetadata"]
        assert found == {"deprecated": False, "creationDate": first["creationDate"]}
    iot.create_thing(thingName=unique("pump"), thingTypeName=kind)


@pytest.mark.parametrize("method,path", [("PATCH", "/thing-types/none"), ("POST", "/thing-types/none/deprecate"),
                                         ("DELETE", "/thing-types/none"), ("GET", "/thing-types/none")])
def test_an_unknown_type_is_not_found_by_anyone(server, method, path):
    answer = server.call(method, path, {} if method in ("PATCH", "POST") else None)
    assert (answer.status, answer.error, answer.message) == (404, "ResourceNotFoundException",
                                                             "Thing type none cannot be found.")


# ---- ListThingTypes ----

def test_types_are_listed_by_name_as_they_are_described(server, iot, kind):
    made = [kind] + [unique("type") for _ in range(4)]
    for name in made[1:]:
        iot.create_thing_type(thingTypeName=name)
    iot.deprecate_thing_type(thingTypeName=made[1])
    everything = walk(iot.list_thing_types, 250, "thingTypes")
    names = [one["thingTypeName"] for one in everything]
    assert names == sorted(names) and set(made) <= set(names)
    for size in (1, 2):
        assert walk(iot.list_thing_types, size, "thingTypes", "thingTypeName") == names
    for one in everything:
        if one["thingTypeName"] in made:
            found = iot.describe_thing_type(thingTypeName=one["thingTypeName"])
            assert one == {key: found[key] for key in one} and len(one) == 4
    for name in made:
        assert walk(lambda **page: iot.list_thing_types(thingTypeName=name, **page), 1, "thingTypes",
                    "thingTypeName") == [name]
    assert iot.list_thing_types(thingTypeName=kind[:-1])["thingTypes"] == []


def test_the_list_of_types_refuses_strange_tokens_and_sizes(server, iot, kind):
    iot.create_thing_type(thingTypeName=unique("type"))
    token = iot.list_thing_types(maxResults=1)["nextToken"]
    for bad in ({"maxResults": 0}, {"maxResults": 251}, {"nextToken": "AAAA"}, {"nextToken": token[1:]},
                {"nextToken": token, "thingTypeName": kind}):
        answer = server.call("GET", "/thing-types", query=bad)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), bad


def test_the_cli_deprecates_and_lists_types(server, kind):
    server.aws("iot", "deprecate-thing-type", "--thing-type-name", kind)
    listed = server.aws("iot", "list-thing-types", "--thing-type-name", kind)["thingTypes"]
    assert [(one["thingTypeName"], one["thingTypeMetadata"]["deprecated"]) for one in listed] == [(kind, True)]
    text = server.aws("iot", "delete-thing-type", "--thing-type-name", kind, fails=True)
    assert "(InvalidRequestException)" in text and "Please wait for 5 minutes after deprecation and then retry" in text
    server.aws("iot", "deprecate-thing-type", "--thing-type-name", kind, "--undo-deprecate")
    assert json.dumps(server.aws("iot", "list-thing-types", "--thing-type-name", kind)).count('"deprecated": false') == 1
