"""RegisterThing by REST: the caller's own template, everything or nothing (provisioning 2.3, 4.2, 4.4, 4.15)."""
import hashlib
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from muster import refused, unique

ENDS = "Register thing workflow execution terminates due to: "


def thing(name, override=None, **properties):
    return {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": name, **properties},
            **({"OverrideSettings": override} if override else {})}


def certificate(override=None, **properties):
    return {"Type": "AWS::IoT::Certificate", "Properties": properties or {"CertificateId": {"Ref": "Id"}},
            **({"OverrideSettings": override} if override else {})}


def register(iot, resources, parameters=None, **sections):
    return iot.register_thing(templateBody=json.dumps({**sections, "Resources": resources}),
                              parameters=parameters or {})


def status(iot, device):
    return iot.describe_certificate(certificateId=device.id)["certificateDescription"]["status"]


@pytest.fixture
def device(server):
    return server.certificate(active=False)


@pytest.fixture
def request_text():
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sn-7")])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_scenario_30_a_certificate_that_is_there_gets_a_thing(iot, server, device):
    name = unique("pump")
    made = register(iot, {"thing": thing({"Ref": "ThingName"}),
                          "certificate": certificate(CertificateId={"Ref": "AWS::IoT::Certificate::Id"})},
                    {"ThingName": name, "AWS::IoT::Certificate::Id": device.id})
    assert made["resourceArns"] == {"thing": server.arn(f"thing/{name}"), "certificate": device.arn}
    assert made["certificatePem"] == device.certificate
    assert iot.list_thing_principals(thingName=name)["principals"] == [device.arn]
    assert status(iot, device) == "INACTIVE", "what is there keeps its status unless OverrideSettings say otherwise (4.4)"


def test_scenario_30_the_cli_registers_a_thing(server, device, tmp_path):
    name = unique("pump")
    (tmp_path / "t.json").write_text(json.dumps({"Resources": {"thing": thing(name), "certificate": certificate()}}))
    made = server.aws("iot", "register-thing", "--template-body", f"file://{tmp_path}/t.json", "--parameters",
                      f"Id={device.id}")
    assert set(made["resourceArns"]) == {"thing", "certificate"} and made["certificatePem"] == device.certificate


def test_a_request_gets_a_new_certificate_each_time(iot, request_text):
    resources = {"c": certificate(CertificateSigningRequest={"Ref": "CSR"})}
    first, second = (register(iot, resources, {"CSR": request_text}) for _ in range(2))
    assert first["resourceArns"]["c"] != second["resourceArns"]["c"]
    for made in (first, second):
        found = iot.describe_certificate(certificateId=made["resourceArns"]["c"].split("/")[1])["certificateDescription"]
        assert (found["certificatePem"], found["status"]) == (made["certificatePem"], "ACTIVE")


def test_a_template_without_a_certificate_makes_a_thing_and_answers_no_certificate(iot, server):
    name = unique("pump")
    made = register(iot, {"t": thing(name)})
    assert made["resourceArns"] == {"t": server.arn(f"thing/{name}")} and "certificatePem" not in made


def test_a_thing_comes_with_its_type_groups_and_attributes(iot, device):
    name, kind, group = unique("pump"), unique("type"), unique("group")
    iot.create_thing_type(thingTypeName=kind)
    iot.create_thing_group(thingGroupName=group)
    register(iot, {"t": thing(name, ThingTypeName=kind, ThingGroups=[group], AttributePayload={"site": "north"}),
                   "c": certificate(CertificateId=device.id)})
    found = iot.describe_thing(thingName=name)
    assert (found["thingTypeName"], found["attributes"]) == (kind, {"site": "north"})
    assert iot.list_things_in_thing_group(thingGroupName=group)["things"] == [name]


def test_scenario_22_a_policy_made_of_a_document_is_named_by_its_hash_and_used_again(iot, server):
    document = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": server.arn("client/" + unique())}]}
    name = hashlib.sha1(json.dumps(document, separators=(",", ":")).encode()).hexdigest().upper()
    for device in (server.certificate(active=False), server.certificate(active=False)):
        made = register(iot, {"t": thing(unique("pump")), "c": certificate(CertificateId=device.id),
                              "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": document}}})
        assert made["resourceArns"]["p"] == server.arn(f"policy/{name}")
        assert [one["policyName"] for one in iot.list_attached_policies(target=device.arn)["policies"]] == [name]
    assert json.loads(iot.get_policy(policyName=name)["policyDocument"]) == document


def test_scenario_22_the_example_has_the_name_that_the_rule_gives_it(iot, device):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]}
    made = register(iot, {"c": certificate(CertificateId=device.id),
                          "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": document}}})
    assert made["resourceArns"]["p"].endswith("policy/B4BE407C9270AC32DC09BB152A8CF90D898DB466")


def test_a_policy_named_is_attached_and_not_listed_as_made(iot, server, device):
    policy = server.policy()
    made = register(iot, {"c": certificate(CertificateId=device.id),
                          "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": policy}}})
    assert set(made["resourceArns"]) == {"c"}
    assert [one["policyName"] for one in iot.list_attached_policies(target=device.arn)["policies"]] == [policy]


def test_scenario_19_functions_nest(iot):
    serial = unique("a-b")
    made = register(iot, {"t": thing(
        {"Fn::Join": ["", ["pump-", {"Ref": "Serial"}]]},
        AttributePayload={"batch": {"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "Serial"}]}]},
                          "hub": {"Fn::FindInMap": ["Hub", {"Ref": "Site"}, "url"]},
                          "both": {"Fn::Sub": ["${Serial}/${x}", {"x": {"Fn::Join": [":", ["1", "2"]]}}]}})},
        {"Serial": serial},
        Parameters={"Serial": {"Type": "String"}, "Site": {"Type": "String", "Default": "north"}},
        Mappings={"Hub": {"north": {"url": "n.example"}}})
    assert made["resourceArns"]["t"].endswith(f":thing/pump-{serial}")
    assert iot.describe_thing(thingName=f"pump-{serial}")["attributes"] == {
        "batch": "b", "hub": "n.example", "both": f"{serial}/1:2"}


def test_scenario_19_policy_variables_survive(iot, device):
    document = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "iot:Publish",
        "Resource": {"Fn::Sub": "arn:aws:iot:us-east-1:000000000001:topic/${S}/${iot:Connection.Thing.ThingName}"}}]}
    made = register(iot, {"c": certificate(CertificateId=device.id),
                          "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": document}}}, {"S": "sn"})
    text = iot.get_policy(policyName=made["resourceArns"]["p"].split("/")[1])["policyDocument"]
    assert "topic/sn/${iot:Connection.Thing.ThingName}" in text


# ---- refusals leave nothing behind ----

def test_scenario_31_an_unknown_thing_type_is_named_and_nothing_is_made(iot, server, device):
    name = unique("pump")
    with refused("ResourceRegistrationFailureException", 400, f"Thing Type {server.account}:none not found.", iot) as e:
        register(iot, {"t": thing(name, ThingTypeName="none"), "c": certificate(CertificateId=device.id)})
    assert e["Error"]["Message"].startswith(ENDS)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing(thingName=name)
    assert status(iot, device) == "INACTIVE"


def refused_and_nothing_made(iot, device, resources, name, text):
    with refused(name, 400, text, iot) as error:
        register(iot, resources, {"Id": device.id})
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_thing(thingName="x-pump")
    assert iot.list_principal_things(principal=device.arn)["things"] == [] and status(iot, device) == "INACTIVE"
    return error["Error"]["Message"]


@pytest.mark.parametrize("resources, text", [
    ({"t": thing("x-pump", ThingGroups=["none"])}, "Thing Group 000000000001:none not found."),
    ({"t": thing("x-pump", BillingGroup="none")}, "none"),
    ({"t": thing("x-pump"), "c": certificate(CertificateId="0" * 64)}, ""),
    ({"t": thing("x-pump"), "c": certificate(CertificateSigningRequest="garbage")}, ""),
    ({"t": thing("x-pump"), "c": certificate(CertificatePem="garbage")}, ""),
    ({"t": thing("x-pump", AttributePayload={f"a{n}": "v" for n in range(4)})}, ""),
    ({"t": thing("x-pump"), "c": certificate(CertificateId={"Ref": "Id"}),
      "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "none-such"}}}, "Policy none-such not found."),
], ids=["group", "billing group", "certificate", "request", "PEM", "attributes", "policy"])
def test_what_cannot_be_applied_is_refused_with_its_reason_and_makes_nothing(iot, device, resources, text):
    message = refused_and_nothing_made(iot, device, resources, "ResourceRegistrationFailureException", text)
    assert message.startswith(ENDS)


@pytest.mark.parametrize("name, text", [({"Ref": "Missing"}, "Missing"), ("a b", "a b"),
                                        ({"Fn::Select": [{"Ref": "Id"}, ["x"]]}, ""), ({"Ref": "t"}, "")])
def test_what_cannot_be_evaluated_is_an_invalid_request_and_makes_nothing(iot, device, name, text):
    resources = {"t": thing(name), "c": certificate(CertificateId={"Ref": "Id"})}
    refused_and_nothing_made(iot, device, resources, "InvalidRequestException", text)


def test_a_template_with_a_fault_is_an_invalid_request(iot):
    for text in ("{", "{}", json.dumps({"Resources": {"p": {"Type": "AWS::IoT::Policy", "Properties": {}}}})):
        with refused("InvalidRequestException", 400, "", iot):
            iot.register_thing(templateBody=text)


def test_a_revoked_certificate_stays_revoked(iot, device):
    iot.update_certificate(certificateId=device.id, newStatus="REVOKED")
    with refused("ResourceRegistrationFailureException", 400, "", iot):
        register(iot, {"t": thing(unique("pump")), "c": certificate({"Status": "REPLACE"}, CertificateId=device.id,
                                                                    Status="ACTIVE")})
    assert status(iot, device) == "REVOKED"


# ---- things that are there already: scenario 21 ----

@pytest.fixture
def old(iot):
    """A thing with attributes, a type and a group; its name, its group."""
    name, group = unique("pump"), unique("group")
    iot.create_thing_group(thingGroupName=group)
    iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "1", "b": "1"}})
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=name)
    return name, group


def groups_of(iot, name):
    return {one["groupName"] for one in iot.list_thing_groups_for_thing(thingName=name)["thingGroups"]}


@pytest.mark.parametrize("override, expected", [
    (None, {"a": "1", "b": "1"}), ("DO_NOTHING", {"a": "1", "b": "1"}), ("REPLACE", {"b": "2", "c": "2"}),
    ("MERGE", {"a": "1", "b": "2", "c": "2"})])
@pytest.mark.parametrize("spelling", ["AttributePayload", "ATTRIBUTE_PAYLOAD"])
def test_scenario_21_attributes_of_a_thing_that_is_there(iot, old, override, expected, spelling):
    register(iot, {"t": thing(old[0], {spelling: override} if override else None,
                              AttributePayload={"b": "2", "c": "2"})})
    assert iot.describe_thing(thingName=old[0])["attributes"] == expected


@pytest.mark.parametrize("override, expected", [("DO_NOTHING", {"old"}), ("REPLACE", {"new"}), ("MERGE", {"old", "new"})])
def test_scenario_21_groups_of_a_thing_that_is_there(iot, old, override, expected):
    group = unique("group")
    iot.create_thing_group(thingGroupName=group)
    register(iot, {"t": thing(old[0], {"ThingGroups": override}, ThingGroups=[group])})
    assert groups_of(iot, old[0]) == {{"old": old[1], "new": group}[one] for one in expected}


@pytest.mark.parametrize("override, changed", [("DO_NOTHING", False), ("REPLACE", True)])
def test_scenario_21_the_type_of_a_thing_that_is_there(iot, override, changed):
    name, first, second = unique("pump"), unique("type"), unique("type")
    for kind in (first, second):
        iot.create_thing_type(thingTypeName=kind)
    iot.create_thing(thingName=name, thingTypeName=first)
    register(iot, {"t": thing(name, {"ThingTypeName": override}, ThingTypeName=second)})
    assert iot.describe_thing(thingName=name)["thingTypeName"] == (second if changed else first)


@pytest.mark.parametrize("member, properties", [("AttributePayload", {"AttributePayload": {"a": "2"}}),
                                                ("ThingTypeName", {"ThingTypeName": "made-type"}),
                                                ("ThingGroups", {"ThingGroups": ["made-group"]})])
def test_scenario_21_fail_refuses_a_thing_that_differs(iot, old, member, properties):
    iot.create_thing_type(thingTypeName="made-type")
    iot.create_thing_group(thingGroupName="made-group")
    before = iot.describe_thing(thingName=old[0])
    with refused("ResourceRegistrationFailureException", 400, "ResourceConflictsException", iot):
        register(iot, {"t": thing(old[0], {member: "FAIL"}, **properties)})
    after = iot.describe_thing(thingName=old[0])
    assert [after.get(name) for name in ("attributes", "thingTypeName", "version")] == \
        [before.get(name) for name in ("attributes", "thingTypeName", "version")]
    assert groups_of(iot, old[0]) == {old[1]}


def test_scenario_21_fail_takes_a_thing_that_is_the_same(iot, old):
    register(iot, {"t": thing(old[0], {"AttributePayload": "FAIL", "ThingGroups": "FAIL"},
                              AttributePayload={"a": "1", "b": "1"}, ThingGroups=[old[1]])})


@pytest.mark.parametrize("override, expected", [(None, "INACTIVE"), ("DO_NOTHING", "INACTIVE"), ("REPLACE", "ACTIVE")])
def test_scenario_21_the_status_of_a_certificate_that_is_there(iot, device, override, expected):
    register(iot, {"t": thing(unique("pump")),
                   "c": certificate({"Status": override} if override else None, CertificateId=device.id,
                                    Status="ACTIVE")})
    assert status(iot, device) == expected


def test_older_certificates_of_the_thing_stay_attached(iot, server, device):
    name, older = unique("pump"), server.certificate()
    iot.create_thing(thingName=name)
    iot.attach_thing_principal(thingName=name, principal=older.arn)
    register(iot, {"t": thing(name), "c": certificate(CertificateId=device.id)})
    assert set(iot.list_thing_principals(thingName=name)["principals"]) == {older.arn, device.arn}
