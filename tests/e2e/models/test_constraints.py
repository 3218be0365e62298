"""Every constraint of every member of every operation that is there, broken once (api/iot.json; x509 3.1): refused as
the model says, naming the member, however the request was made. Generated: see constraints.py."""
import pytest

from models.constraints import Model, good, request, violations

MODEL = Model("iot.json")

OPERATIONS = """
CreateKeysAndCertificate CreateCertificateFromCsr DescribeCertificate UpdateCertificate DeleteCertificate
ListCertificates CreateThing DescribeThing ListThings DeleteThing CreateThingType DescribeThingType CreateThingGroup
DescribeThingGroup AddThingToThingGroup ListThingsInThingGroup ListThingGroupsForThing AttachThingPrincipal
DetachThingPrincipal ListThingPrincipals ListPrincipalThings CreatePolicy GetPolicy ListPolicies DeletePolicy AttachPolicy
DetachPolicy ListAttachedPolicies CreateProvisioningTemplate DescribeProvisioningTemplate ListProvisioningTemplates
UpdateProvisioningTemplate DeleteProvisioningTemplate CreateProvisioningTemplateVersion
DescribeProvisioningTemplateVersion ListProvisioningTemplateVersions DeleteProvisioningTemplateVersion RegisterThing
DescribeEndpoint
""".split()

ROWS = [pytest.param(broken, id=f"{name}: {broken.sentence}") for name in OPERATIONS
        for broken in violations(MODEL, name)]


@pytest.mark.parametrize("broken", ROWS)
def test_a_broken_constraint_is_refused_naming_the_member(server, broken):
    asked = broken.request
    answer = server.call(asked.method, asked.target, asked.body, headers=asked.headers)
    assert (answer.status, answer.error) == (400, "InvalidRequestException"), answer
    assert "validation error" in answer.message and broken.member.lower() in answer.message.lower(), answer.message


def test_no_operation_without_its_rows():
    with_members = [name for name in OPERATIONS
                    if MODEL.shapes.get(MODEL.operations[name].get("input"), {}).get("members")]
    assert all(any(violations(MODEL, name)) for name in with_members)


@pytest.mark.parametrize("name", sorted(set(MODEL.operations) - set(OPERATIONS)))
def test_an_operation_that_is_not_there_yet_is_found_by_its_address_and_named(server, name):
    operation = MODEL.operations[name]
    shape = MODEL.shapes.get(operation.get("input"), {"members": {}})
    asked = request(operation, shape, good(MODEL, operation["input"]) if "input" in operation else {})
    answer = server.call(asked.method, asked.target, asked.body, headers=asked.headers)
    assert (answer.status, answer.error) == (501, "NotImplementedException"), answer
    assert answer.message == f"{name} is not implemented yet."
