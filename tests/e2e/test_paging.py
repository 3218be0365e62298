"""Every list, page by page (x509 2.6, scenario 17; provisioning 2.2): sizes, order, the last page, tokens."""
import base64
import json

import pytest

import muster
from muster import refused, simple_template

COUNT = 7


@pytest.fixture(scope="module")
def full():
    """A server that holds seven of everything, and nothing else of its kind."""
    with muster.running() as server:
        fill(server)
        yield server


def fill(server):
    iot = server.boto()
    document = json.dumps({"Version": "2012-10-17",
                           "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
    iot.create_thing_type(thingTypeName="kind")
    iot.create_thing_type(thingTypeName="other")
    iot.create_thing_group(thingGroupName="home")
    server.made = [iot.create_keys_and_certificate()["certificateArn"] for _ in range(COUNT)]
    hub, pump = server.made[0], "thing-3"
    for n in range(COUNT):
        iot.create_thing(thingName=f"thing-{n}", thingTypeName="kind", attributePayload={"attributes": {"a": "x"}})
        iot.create_thing_group(thingGroupName=f"group-{n}")
    for n in range(COUNT):
        iot.add_thing_to_thing_group(thingGroupName="home", thingName=f"thing-{n}")
        iot.add_thing_to_thing_group(thingGroupName=f"group-{n}", thingName=pump)
        iot.attach_thing_principal(thingName=f"thing-{n}", principal=hub)
        iot.attach_thing_principal(thingName=pump, principal=server.made[n])
        iot.create_policy(policyName=f"policy-{n}", policyDocument=document)
        iot.attach_policy(policyName=f"policy-{n}", target=hub)
        iot.create_billing_group(billingGroupName=f"billing-{n}")
        iot.create_provisioning_template(templateName=f"template-{n}", provisioningRoleArn=server.role,
                                         templateBody=json.dumps(simple_template("P")))
    for certificate in server.made[1:]:
        iot.attach_policy(policyName="policy-3", target=certificate)
    for _ in range(4):
        iot.create_provisioning_template_version(templateName="template-3",
                                                 templateBody=json.dumps(simple_template("P")))


class List:
    """How one list is asked, and what it is expected to hold."""

    def __init__(self, operation, items, key, size, token, answer_token, asked=None, expected=None, default=25):
        self.operation, self.items, self.key, self.size, self.token = operation, items, key, size, token
        self.answer_token, self.asked, self.expected, self.default = answer_token, asked or {}, expected, default

    def page(self, server, **more):
        asked = {name: value(server) if callable(value) else value for name, value in self.asked.items()}
        return getattr(server.boto(), self.operation)(**asked, **more)

    def keys(self, page):
        return [one if self.key is None else one[self.key] for one in page[self.items]]

    def walk(self, server, size, **more):
        """The keys of each page."""
        pages, token = [], {}
        while True:
            page = self.page(server, **{self.size: size}, **token, **more)
            pages.append(self.keys(page))
            if self.answer_token not in page:
                return pages
            assert page[self.answer_token], "a token that is empty"
            token = {self.token: page[self.answer_token]}
            assert len(pages) < 100


def registry(operation, items, key, asked=None, expected=None, **more):
    return List(operation, items, key, "maxResults", "nextToken", "nextToken", asked, expected, **more)


def dated(operation, items, key, asked=None, expected=None):
    return List(operation, items, key, "pageSize", "marker", "nextMarker", asked, expected)


def numbered(word):
    return lambda server: [f"{word}-{n}" for n in range(COUNT)]


def backwards(word):
    return lambda server: [f"{word}-{n}" for n in reversed(range(COUNT))]


def hub(server):
    return server.made[0]


LISTS = {
    "ListThings": registry("list_things", "things", "thingName", {}, numbered("thing")),
    "ListThings of a type": registry("list_things", "things", "thingName", {"thingTypeName": "kind"}, numbered("thing")),
    "ListThings by attribute": registry("list_things", "things", "thingName", {"attributeName": "a"},
                                        numbered("thing")),
    "ListThingsInThingGroup": registry("list_things_in_thing_group", "things", None, {"thingGroupName": "home"},
                                       numbered("thing")),
    "ListThingsInThingGroup and below": registry("list_things_in_thing_group", "things", None,
                                                 {"thingGroupName": "home", "recursive": True}, numbered("thing")),
    "ListThingGroups": registry("list_thing_groups", "thingGroups", "groupName", {},
                                lambda s: [f"group-{n}" for n in range(COUNT)] + ["home"]),
    "ListBillingGroups": registry("list_billing_groups", "billingGroups", "groupName", {}, numbered("billing")),
    "ListThingGroupsForThing": registry("list_thing_groups_for_thing", "thingGroups", "groupName",
                                        {"thingName": "thing-3"}, lambda s: [f"group-{n}" for n in range(COUNT)] + ["home"]),
    "ListThingPrincipals": registry("list_thing_principals", "principals", None, {"thingName": "thing-3"},
                                    lambda s: sorted(s.made)),
    "ListPrincipalThings": registry("list_principal_things", "things", None, {"principal": hub}, numbered("thing")),
    "ListProvisioningTemplates": registry("list_provisioning_templates", "templates", "templateName", {},
                                          numbered("template"), default=250),
    "ListProvisioningTemplateVersions": registry("list_provisioning_template_versions", "versions", "versionId",
                                                 {"templateName": "template-3"}, lambda s: [1, 2, 3, 4, 5],
                                                 default=250),
    "ListCertificates": dated("list_certificates", "certificates", "certificateArn", {},
                              lambda s: list(reversed(s.made))),
    "ListPolicies": dated("list_policies", "policies", "policyName", {}, backwards("policy")),
    "ListAttachedPolicies": dated("list_attached_policies", "policies", "policyName", {"target": hub},
                                  backwards("policy")),
    "ListPrincipalPolicies": dated("list_principal_policies", "policies", "policyName", {"principal": hub},
                                   backwards("policy")),
    "ListTargetsForPolicy": dated("list_targets_for_policy", "targets", None, {"policyName": "policy-3"},
                                  lambda s: list(reversed(s.made))),
    "ListPolicyPrincipals": dated("list_policy_principals", "principals", None, {"policyName": "policy-3"},
                                  lambda s: list(reversed(s.made))),
}
DATED = {name: LISTS[name] for name in ("ListCertificates", "ListPolicies", "ListPrincipalPolicies",
                                        "ListPolicyPrincipals")}

every_list = pytest.mark.parametrize("one", LISTS.values(), ids=LISTS.keys())


@every_list
@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 250])
def test_pages_of_every_size_walk_all_once_in_order(full, one, size):
    expected = one.expected(full)
    pages = one.walk(full, size)
    assert [key for page in pages for key in page] == expected
    assert all(len(page) == size for page in pages[:-1]) and 1 <= len(pages[-1]) <= size


@every_list
def test_without_a_size_everything_small_comes_on_one_page_without_a_token(full, one):
    page = one.page(full)
    assert one.keys(page) == one.expected(full) and one.answer_token not in page


@pytest.mark.parametrize("one", DATED.values(), ids=DATED.keys())
def test_scenario_17_ascending_order_reverses(full, one):
    pages = one.walk(full, 2, ascendingOrder=True)
    assert [key for page in pages for key in page] == list(reversed(one.expected(full)))


@every_list
@pytest.mark.parametrize("size", [0, -1, 251, 2**31, "x"])
def test_sizes_out_of_range_are_refused(full, one, size):
    iot = full.boto(parameter_validation=False)
    asked = {name: value(full) if callable(value) else value for name, value in one.asked.items()}
    with refused("InvalidRequestException", 400, one.size, iot):
        getattr(iot, one.operation)(**asked, **{one.size: size})


def first_token(full, one):
    return one.page(full, **{one.size: 2})[one.answer_token]


def turned(token, at):
    raw = bytearray(base64.b64decode(token))
    raw[at] ^= 1
    return base64.b64encode(bytes(raw)).decode()


@every_list
def test_scenario_17_a_token_that_was_not_given_out_is_refused(full, one):
    iot, token = full.boto(), first_token(full, one)
    raw = base64.b64decode(token)
    forged = [turned(token, 0), turned(token, -1), turned(token, 16), base64.b64encode(raw[:-1]).decode(),
              base64.b64encode(raw + b"0").decode(), base64.b64encode(b"thing-3").decode(), "AAAA", "A" * 1000]
    for bad in forged:
        with refused("InvalidRequestException", 400, "", iot):
            one.page(full, **{one.token: bad})
    for bad in ("", "not base64!", "A" * 1025):
        with pytest.raises(Exception) as caught:
            one.page(full, **{one.token: bad})
        assert "InvalidRequestException" in str(caught.value) or "ParamValidation" in type(caught.value).__name__


@every_list
def test_a_token_of_another_list_is_refused(full, one):
    for other in LISTS.values():
        if other.operation != one.operation:
            with refused("InvalidRequestException", 400, "", full.boto()):
                one.page(full, **{one.token: first_token(full, other)})


@pytest.mark.parametrize("one, other", [
    ("ListThings", {"thingTypeName": "kind"}), ("ListThings of a type", {"thingTypeName": "other"}),
    ("ListThings by attribute", {"attributeName": "b"}), ("ListThings by attribute", {"attributeValue": "x"}),
    ("ListThingsInThingGroup", {"thingGroupName": "group-1"}), ("ListThingsInThingGroup", {"recursive": True}),
    ("ListThingGroupsForThing", {"thingName": "thing-4"}), ("ListThingPrincipals", {"thingName": "thing-4"}),
    ("ListPrincipalThings", {"principal": lambda server: server.made[1]}),
    ("ListProvisioningTemplateVersions", {"templateName": "template-4"}),
    ("ListThingGroups", {"namePrefixFilter": "g"}), ("ListThingGroups", {"recursive": True}),
    ("ListThingGroups", {"parentGroup": "home"}), ("ListBillingGroups", {"namePrefixFilter": "b"}),
    ("ListPrincipalPolicies", {"principal": lambda server: server.made[1]}),
    ("ListTargetsForPolicy", {"policyName": "policy-2"}), ("ListPolicyPrincipals", {"policyName": "policy-2"}),
    ("ListCertificates", {"ascendingOrder": True}), ("ListPolicies", {"ascendingOrder": True}),
    ("ListAttachedPolicies", {"target": lambda server: server.made[1]}),
])
def test_a_token_is_bound_to_its_filters(full, one, other):
    one = LISTS[one]
    changed = List(one.operation, one.items, one.key, one.size, one.token, one.answer_token, {**one.asked, **other})
    with refused("InvalidRequestException", 400, "", full.boto()):
        changed.page(full, **{one.token: first_token(full, one)})


def test_a_token_of_another_server_is_refused(full, server):
    for n in range(3):
        server.boto().create_thing(thingName=f"another-{n}")
    token = LISTS["ListThings"].page(server, maxResults=2)["nextToken"]
    with refused("InvalidRequestException", 400, "", full.boto()):
        full.boto().list_things(nextToken=token)


def test_the_size_may_change_from_page_to_page(full):
    token = full.boto().list_things(maxResults=2)["nextToken"]
    page = full.boto().list_things(maxResults=3, nextToken=token)
    assert [one["thingName"] for one in page["things"]] == ["thing-2", "thing-3", "thing-4"]


def test_what_comes_and_goes_between_pages_disturbs_no_other(full):
    iot = full.boto()
    page = iot.list_things(maxResults=3)
    iot.create_thing(thingName="thing-0a")
    iot.create_thing(thingName="thing-3a")
    rest = iot.list_things(nextToken=page["nextToken"])
    names = [one["thingName"] for one in rest["things"]]
    for name in ("thing-0a", "thing-3a"):
        iot.delete_thing(thingName=name)
    assert names == ["thing-3", "thing-3a", "thing-4", "thing-5", "thing-6"]


def test_the_default_page_holds_twenty_five_and_of_templates_two_hundred_and_fifty(make_server):
    server = make_server()
    iot = server.boto()
    body = json.dumps(simple_template("P"))
    for n in range(26):
        iot.create_thing(thingName=f"thing-{n:02}")
        iot.create_provisioning_template(templateName=f"template-{n:02}", templateBody=body,
                                         provisioningRoleArn=server.role)
    page = iot.list_things()
    assert len(page["things"]) == 25 and len(iot.list_things(nextToken=page["nextToken"])["things"]) == 1
    assert len(iot.list_provisioning_templates()["templates"]) == 26


def test_the_cli_walks_all_pages_by_itself(full):
    listed = full.aws("iot", "list-things", "--page-size", "2")
    assert [one["thingName"] for one in listed["things"]] == LISTS["ListThings"].expected(full)
    listed = full.aws("iot", "list-certificates", "--page-size", "2", "--ascending-order")  # the API's own arguments
    assert [one["certificateArn"] for one in listed["certificates"]] == full.made[:2]
    listed = full.aws("iot", "list-certificates", "--ascending-order", "--marker", listed["nextMarker"])
    assert [one["certificateArn"] for one in listed["certificates"]] == full.made[2:] and "nextMarker" not in listed
    part = full.aws("iot", "list-policies", "--max-items", "3")
    assert [one["policyName"] for one in part["policies"]] == ["policy-6", "policy-5", "policy-4"]
    rest = full.aws("iot", "list-policies", "--starting-token", part["NextToken"])
    assert [one["policyName"] for one in rest["policies"]] == ["policy-3", "policy-2", "policy-1", "policy-0"]
