"""Provisioning templates and their versions (provisioning 2.2, 4.3, 4.5, 4.13)."""
import json

import pytest

from muster import refused, simple_template, unique

ROLE = "arn:aws:iam::000000000001:role/"
HOOK = {"targetArn": "arn:aws:lambda:us-east-1:000000000001:function:allow"}
NEITHER = "Invalid registration template. Neither policyName nor policyDocument is present in the Template."


def body(**resources):
    """A template of a thing and a certificate, with some resources replaced; None leaves one out."""
    whole = simple_template("P")["Resources"]
    del whole["policy"]
    whole.update(resources)
    return json.dumps({"Resources": {name: value for name, value in whole.items() if value is not None}})


def thing(**properties):
    return {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "x", **properties}}


def certificate(**properties):
    return {"Type": "AWS::IoT::Certificate",
            "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, **properties}}


def policy(**properties):
    return {"Type": "AWS::IoT::Policy", "Properties": properties}


def create(iot, server, text, name=None, **more):
    name = name or unique("template")
    answer = iot.create_provisioning_template(templateName=name, templateBody=text, provisioningRoleArn=server.role,
                                              **more)
    return name, answer


@pytest.fixture
def template(iot, server):
    return create(iot, server, body())[0]


def test_scenario_1_a_new_template_is_disabled_and_of_the_fleet_kind(iot, server):
    name, made = create(iot, server, body(), description="pumps", tags=[{"Key": "line", "Value": "7"}])
    assert made["templateArn"] == server.arn(f"provisioningtemplate/{name}")
    assert (made["templateName"], made["defaultVersionId"]) == (name, 1)
    found = iot.describe_provisioning_template(templateName=name)
    assert (found["enabled"], found["type"], found["defaultVersionId"]) == (False, "FLEET_PROVISIONING", 1)
    assert (found["templateArn"], found["description"]) == (made["templateArn"], "pumps")
    assert (found["templateBody"], found["provisioningRoleArn"]) == (body(), server.role)
    assert found["creationDate"] == found["lastModifiedDate"]
    assert "preProvisioningHook" not in found


def test_scenario_2_a_name_is_taken_once(iot, server, template):
    with refused("ResourceAlreadyExistsException", 409, f"Template with name {template} already exists", iot):
        create(iot, server, body(), template)


def test_scenario_3_a_template_has_five_versions_and_their_numbers_are_never_used_again(iot, server, template):
    for version in range(2, 6):
        made = iot.create_provisioning_template_version(templateName=template, templateBody=body())
        assert (made["versionId"], made["isDefaultVersion"]) == (version, False)
        assert made["templateArn"] == server.arn(f"provisioningtemplate/{template}")
    with refused("VersionsLimitExceededException", 409, "", iot):
        iot.create_provisioning_template_version(templateName=template, templateBody=body())
    with refused("DeleteConflictException", 409, "", iot):
        iot.delete_provisioning_template_version(templateName=template, versionId=1)
    iot.delete_provisioning_template_version(templateName=template, versionId=2)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_provisioning_template_version(templateName=template, versionId=2)
    made = iot.create_provisioning_template_version(templateName=template, templateBody=body(), setAsDefault=True)
    assert (made["versionId"], made["isDefaultVersion"]) == (6, True)
    listed = iot.list_provisioning_template_versions(templateName=template)["versions"]
    assert [(one["versionId"], one["isDefaultVersion"]) for one in listed] == [(1, False), (3, False), (4, False),
                                                                              (5, False), (6, True)]
    assert iot.describe_provisioning_template(templateName=template)["defaultVersionId"] == 6


def test_a_version_keeps_its_own_body_and_describe_shows_the_default_one(iot, template):
    other = body(certificate=certificate(Status="INACTIVE"))
    iot.create_provisioning_template_version(templateName=template, templateBody=other)
    first, second = (iot.describe_provisioning_template_version(templateName=template, versionId=n) for n in (1, 2))
    assert (first["templateBody"], first["isDefaultVersion"]) == (body(), True)
    assert (second["templateBody"], second["isDefaultVersion"], second["versionId"]) == (other, False, 2)
    assert iot.describe_provisioning_template(templateName=template)["templateBody"] == body()
    iot.update_provisioning_template(templateName=template, defaultVersionId=2)
    assert iot.describe_provisioning_template(templateName=template)["templateBody"] == other


REFUSED = {
    "not JSON": ("{", "The template must be a JSON object of at most 10240 characters."),
    "no object": ("[]", "The template must be a JSON object of at most 10240 characters."),
    "33 deep": ('{"a":' * 33 + "1" + "}" * 33, ""),
    "200 deep": ("[" * 200 + "]" * 200, ""),
    "no Resources": ("{}", "Invalid registration template. Resources section is missing or empty."),
    "empty Resources": ('{"Resources":{}}', "Invalid registration template. Resources section is missing or empty."),
    "another Type": (body(x={"Type": "AWS::IoT::Job", "Properties": {}}),
                     "Invalid registration template. Unsupported resource type: AWS::IoT::Job."),
    "scenario 4, a policy with neither": (body(policy=policy()), NEITHER),
    "a policy with both": (body(policy=policy(PolicyName="P", PolicyDocument="{}")),
                           "Invalid registration template. Both policyName and policyDocument are present"),
    "no ThingName": (body(thing={"Type": "AWS::IoT::Thing", "Properties": {}}),
                     "Invalid registration template. thingName is not present in the Template."),
    "a certificate without a source": (body(certificate={"Type": "AWS::IoT::Certificate", "Properties": {}}),
                                       "Exactly one of CertificateId, CertificateSigningRequest and CertificatePem"),
    "a certificate with two sources": (body(certificate=certificate(CertificatePem="x")),
                                       "Exactly one of CertificateId, CertificateSigningRequest and CertificatePem"),
    "a certificate by request": (body(certificate={"Type": "AWS::IoT::Certificate", "Properties": {
        "CertificateSigningRequest": {"Ref": "CSR"}}}), "CertificateId must be used in this type of template."),
    "no certificate": (body(certificate=None), "CertificateId must be used in this type of template."),
    "two things": (body(other=thing()), "Invalid registration template."),
    "another Status": (body(certificate=certificate(Status="BOGUS")),
                       "Invalid registration template. Invalid value BOGUS for Status."),
    "another ThingPrincipalType": (body(certificate=certificate(ThingPrincipalType="X")),
                                   "Invalid registration template. Invalid value X for ThingPrincipalType."),
    "an override that is not allowed": (body(thing={**thing(), "OverrideSettings": {"ThingTypeName": "MERGE"}}),
                                        "Invalid registration template. Invalid value MERGE for ThingTypeName."),
    "an unknown function": (body(thing=thing(ThingTypeName={"Fn::GetAtt": ["a", "b"]})),
                            "Invalid registration template."),
    "a Parameter of another Type": ('{"Parameters":{"A":{"Type":"Number"}},' + body()[1:],
                                    "Invalid registration template."),
    "a nested DeviceConfiguration": ('{"DeviceConfiguration":{"a":{"b":"c"}},' + body()[1:],
                                     "Invalid registration template."),
    "a PolicyDocument that is none": (body(policy=policy(PolicyDocument={"Version": "2012-10-17"})), ""),
}


@pytest.mark.parametrize("text, message", REFUSED.values(), ids=REFUSED.keys())
def test_a_template_with_a_fault_is_refused_in_the_words_for_it(iot, server, template, text, message):
    name = unique("template")
    with refused("InvalidRequestException", 400, message, iot):
        create(iot, server, text, name)
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.describe_provisioning_template(templateName=name)
    with refused("InvalidRequestException", 400, message, iot):
        iot.create_provisioning_template_version(templateName=template, templateBody=text)
    assert len(iot.list_provisioning_template_versions(templateName=template)["versions"]) == 1


def test_scenario_4_the_sentence_is_exact(iot, server):
    with refused("InvalidRequestException", 400, "", iot) as error:
        create(iot, server, body(policy=policy()))
    assert error["Error"]["Message"] == NEITHER


def test_a_body_has_10240_characters_at_most(iot, server):
    text = body()
    create(iot, server, text + " " * (10240 - len(text)))
    with refused("InvalidRequestException", 400, "", iot):
        create(iot, server, text + " " * (10241 - len(text)))


def test_scenario_5_a_template_for_just_in_time_has_no_hook(iot, server):
    with refused("InvalidRequestException", 400,
                 "Pre-provisioning hook is only supported for FLEET_PROVISIONING templates.", iot):
        create(iot, server, body(thing=None), type="JITP", preProvisioningHook=HOOK)
    by_subject = body(thing=thing(ThingName={"Ref": "AWS::IoT::Certificate::CommonName"}))
    name, _ = create(iot, server, by_subject, type="JITP")
    assert iot.describe_provisioning_template(templateName=name)["type"] == "JITP"


def test_a_hook_is_refused_by_name_until_hooks_are_there(iot, server, template):
    for ask in (lambda: create(iot, server, body(), preProvisioningHook=HOOK),
                lambda: iot.update_provisioning_template(templateName=template, preProvisioningHook=HOOK)):
        with pytest.raises(iot.exceptions.ClientError) as caught:
            ask()
        assert "ook" in str(caught.value) and caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501)


def test_scenario_6_removing_the_hook_of_a_template_without_one_changes_nothing(iot, template):
    iot.update_provisioning_template(templateName=template, removePreProvisioningHook=True)
    assert "preProvisioningHook" not in iot.describe_provisioning_template(templateName=template)
    with pytest.raises(iot.exceptions.ClientError):
        iot.update_provisioning_template(templateName=template, removePreProvisioningHook=True,
                                         preProvisioningHook=HOOK)


def test_an_update_changes_what_it_names_and_nothing_else(iot, server, template):
    before = iot.describe_provisioning_template(templateName=template)
    iot.update_provisioning_template(templateName=template, enabled=True)
    iot.update_provisioning_template(templateName=template, description="new")
    after = iot.describe_provisioning_template(templateName=template)
    assert (after["enabled"], after["description"]) == (True, "new")
    for name in ("templateBody", "provisioningRoleArn", "type", "defaultVersionId", "creationDate", "templateArn"):
        assert after[name] == before[name]
    assert after["lastModifiedDate"] > before["lastModifiedDate"]


def test_an_unknown_default_version_is_not_found(iot, template):
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.update_provisioning_template(templateName=template, defaultVersionId=7)
    assert iot.describe_provisioning_template(templateName=template)["defaultVersionId"] == 1


@pytest.mark.parametrize("role", ["arn:aws:iam::000000000002:role/Other", "arn:aws:iam::000000000001:user/admin",
                                  "a" * 20])
def test_the_role_is_one_of_the_account(iot, role, template):
    for ask in (lambda: iot.create_provisioning_template(templateName=unique("t"), templateBody=body(),
                                                         provisioningRoleArn=role),
                lambda: iot.update_provisioning_template(templateName=template, provisioningRoleArn=role)):
        with pytest.raises(iot.exceptions.ClientError) as caught:
            ask()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_a_role_that_iot_may_not_assume_is_refused(iot):
    with refused("InvalidRequestException", 400, "unable to assume role (sts:AssumeRole) on resource", iot):
        iot.create_provisioning_template(templateName=unique("t"), templateBody=body(),
                                         provisioningRoleArn=ROLE + unique("none"))


@pytest.mark.parametrize("name", ["a b", "a.b", "x" * 37])
def test_names_outside_the_pattern_are_refused(iot, server, name):
    with refused("InvalidRequestException", 400, "templateName", iot):
        create(iot, server, body(), name)


def test_a_deleted_template_is_gone_with_its_versions_and_its_name_is_free(iot, server, template):
    iot.create_provisioning_template_version(templateName=template, templateBody=body())
    iot.delete_provisioning_template(templateName=template)
    for ask in (lambda: iot.describe_provisioning_template(templateName=template),
                lambda: iot.delete_provisioning_template(templateName=template),
                lambda: iot.update_provisioning_template(templateName=template, enabled=True),
                lambda: iot.describe_provisioning_template_version(templateName=template, versionId=1),
                lambda: iot.list_provisioning_template_versions(templateName=template),
                lambda: iot.create_provisioning_template_version(templateName=template, templateBody=body()),
                lambda: iot.delete_provisioning_template_version(templateName=template, versionId=1)):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask()
    assert create(iot, server, body(), template)[1]["defaultVersionId"] == 1
    assert len(iot.list_provisioning_template_versions(templateName=template)["versions"]) == 1


def test_a_template_is_listed_with_what_identifies_it(iot, server):
    name, made = create(iot, server, body(), description="listed", enabled=True)
    pages = iot.get_paginator("list_provisioning_templates").paginate() \
        if iot.can_paginate("list_provisioning_templates") else [iot.list_provisioning_templates(maxResults=250)]
    listed = [one for page in pages for one in page["templates"] if one["templateName"] == name]
    assert len(listed) == 1
    found = iot.describe_provisioning_template(templateName=name)
    assert listed[0] == {member: found[member] for member in (
        "templateArn", "templateName", "description", "creationDate", "lastModifiedDate", "enabled", "type")}


def test_the_cli_keeps_a_template(server, tmp_path):
    name = unique("template")
    (tmp_path / "t.json").write_text(body())
    server.aws("iot", "create-provisioning-template", "--template-name", name, "--template-body",
               f"file://{tmp_path}/t.json", "--provisioning-role-arn", server.role, "--enabled")
    server.aws("iot", "create-provisioning-template-version", "--template-name", name, "--template-body",
               f"file://{tmp_path}/t.json", "--set-as-default")
    server.aws("iot", "update-provisioning-template", "--template-name", name, "--description", "x", "--no-enabled")
    found = server.aws("iot", "describe-provisioning-template", "--template-name", name)
    assert (found["enabled"], found["defaultVersionId"], found["templateBody"]) == (False, 2, body())
    assert name in {one["templateName"] for one in server.aws("iot", "list-provisioning-templates")["templates"]}
    assert "(DeleteConflictException)" in server.aws(
        "iot", "delete-provisioning-template-version", "--template-name", name, "--version-id", "2", fails=True)
    server.aws("iot", "delete-provisioning-template", "--template-name", name)
