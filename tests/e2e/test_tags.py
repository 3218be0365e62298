"""Tags of all that can be tagged (x509 2.5, 4.15), and rights that hang on them (auth 4.2.5)."""
import json

import pytest

from muster import refused, simple_template, unique

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                 "Principal": {"Service": "credentials.iot.amazonaws.com"}}]}


def make_group(server, name, tags):
    server.boto().create_thing_group(thingGroupName=name, tags=tags)
    return f"thinggroup/{name}", lambda: server.boto().delete_thing_group(thingGroupName=name)


def make_billing_group(server, name, tags):
    server.boto().create_billing_group(billingGroupName=name, tags=tags)
    return f"billinggroup/{name}", lambda: server.boto().delete_billing_group(billingGroupName=name)


def make_type(server, name, tags):
    server.boto().create_thing_type(thingTypeName=name, tags=tags)
    return f"thingtype/{name}", None


def make_policy(server, name, tags):
    server.boto().create_policy(policyName=name, tags=tags, policyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}))
    return f"policy/{name}", lambda: server.boto().delete_policy(policyName=name)


def make_template(server, name, tags):
    server.boto().create_provisioning_template(templateName=name, provisioningRoleArn=server.role, tags=tags,
                                               templateBody=json.dumps(simple_template("P")))
    return f"provisioningtemplate/{name}", lambda: server.boto().delete_provisioning_template(templateName=name)


def make_alias(server, name, tags):
    role = server.boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    server.boto().create_role_alias(roleAlias=name, roleArn=role, tags=tags)
    return f"rolealias/{name}", lambda: server.boto().delete_role_alias(roleAlias=name)


KINDS = {"thing group": make_group, "billing group": make_billing_group, "thing type": make_type,
         "policy": make_policy, "provisioning template": make_template, "role alias": make_alias}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())


@pytest.fixture
def group(iot):
    return iot.create_thing_group(thingGroupName=unique("group"))["thingGroupArn"]


def tag(key, value="v"):
    return {"Key": key, "Value": value}


def tags_of(iot, arn):
    return {one["Key"]: one["Value"] for one in iot.list_tags_for_resource(resourceArn=arn)["tags"]}


@every_kind
def test_every_kind_is_tagged_when_made_and_later_until_it_goes(iot, server, make):
    name = unique("tagged")
    rest, delete = make(server, name, [tag("made", "1")])
    arn = server.arn(rest)
    assert tags_of(iot, arn) == {"made": "1"}
    iot.tag_resource(resourceArn=arn, tags=[tag("later", "2"), tag("made", "3"), tag("later", "4")])
    assert tags_of(iot, arn) == {"made": "3", "later": "4"}
    iot.untag_resource(resourceArn=arn, tagKeys=["made", "none"])
    assert tags_of(iot, arn) == {"later": "4"}
    if delete is None:
        return
    delete()
    with refused("ResourceNotFoundException", 404, "", iot):
        iot.list_tags_for_resource(resourceArn=arn)
    make_again = name if make is not make_alias else unique("tagged")  # its role is still there
    again, _ = make(server, make_again, [])
    assert tags_of(iot, server.arn(again)) == {}


@pytest.mark.parametrize("kind", ["thinggroup", "billinggroup", "thingtype", "policy", "provisioningtemplate",
                                  "rolealias", "cacert", "domainconfiguration", "certificateprovider", "authorizer",
                                  "rule", "job", "stream"])
def test_what_is_not_there_is_not_found(iot, server, kind):
    arn = server.arn(f"{kind}/{unique('none')}")
    for ask in (lambda: iot.tag_resource(resourceArn=arn, tags=[tag("a")]),
                lambda: iot.untag_resource(resourceArn=arn, tagKeys=["a"]),
                lambda: iot.list_tags_for_resource(resourceArn=arn)):
        with refused("ResourceNotFoundException", 404, "", iot):
            ask()


def test_things_certificates_and_what_lies_elsewhere_are_refused(iot, server, group):
    iot.create_thing(thingName="tagged-thing")
    certificate, name = server.certificate(active=False), group.rsplit("/", 1)[1]
    for arn in (server.arn("thing/tagged-thing"), certificate.arn, name, "arn", server.arn("thinggroup/"),
                server.arn(f"thinggroup:{name}"), server.arn(f"THINGGROUP/{name}"), server.arn(name),
                f"arn:aws:iot:{server.region}:999999999999:thinggroup/{name}",
                f"arn:aws:iot:eu-west-9:{server.account}:thinggroup/{name}",
                f"arn:aws-cn:iot:{server.region}:{server.account}:thinggroup/{name}",
                f"arn:aws:iam:{server.region}:{server.account}:thinggroup/{name}"):
        with refused("InvalidRequestException", 400, "resourceArn", iot):
            iot.tag_resource(resourceArn=arn, tags=[tag("a")])
        with refused("InvalidRequestException", 400, "resourceArn", iot):
            iot.list_tags_for_resource(resourceArn=arn)
    assert tags_of(iot, group) == {}


def test_a_resource_has_at_most_fifty_tags(iot, group):
    iot.tag_resource(resourceArn=group, tags=[tag(f"k{n}") for n in range(49)])
    with refused("LimitExceededException", 410, "50", iot):
        iot.tag_resource(resourceArn=group, tags=[tag("more"), tag("much")])
    assert len(iot.list_tags_for_resource(resourceArn=group)["tags"]) == 25
    iot.tag_resource(resourceArn=group, tags=[tag("more"), tag("k0", "other")])
    with refused("LimitExceededException", 410, "50", iot):
        iot.tag_resource(resourceArn=group, tags=[tag("much")])
    with refused("LimitExceededException", 410, "50", iot):
        iot.tag_resource(resourceArn=group, tags=[tag("k0")] * 51)
    with refused("InvalidRequestException", 400, "50", iot):
        iot.create_thing_group(thingGroupName=unique("group"), tags=[tag(f"k{n}") for n in range(51)])
    pages = list(iot.get_paginator("list_tags_for_resource").paginate(resourceArn=group))
    keys = [one["Key"] for page in pages for one in page["tags"]]
    assert [len(page["tags"]) for page in pages] == [25, 25] and keys == sorted([f"k{n}" for n in range(49)] + ["more"])


@pytest.mark.parametrize("bad", [tag("aws:a"), tag("AWS:a"), tag(""), tag("a" * 129), tag("a", "v" * 257), tag("a\x01"),
                                 tag("a<b")])
def test_keys_and_values_outside_their_limits_are_refused(iot, server, group, bad):
    for path, body in (("/tags", {"resourceArn": group, "tags": [tag("good"), bad]}),
                       (f"/thing-groups/{unique('group')}", {"tags": [bad]})):
        answer = server.call("POST", path, body)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), answer
    assert tags_of(iot, group) == {}


def test_keys_and_values_keep_their_letters(iot, group):
    tags = {"Größe": "42 ß", "a" * 128: "v" * 256, "empty": "", "a b_.:/=+-@": "x", "case": "1", "Case": "2"}
    iot.tag_resource(resourceArn=group, tags=[tag(key, value) for key, value in tags.items()])
    assert tags_of(iot, group) == tags
    iot.untag_resource(resourceArn=group, tagKeys=["Größe", "Case"])
    assert set(tags_of(iot, group)) == set(tags) - {"Größe", "Case"}


def test_members_that_are_missing_are_named(server, group):
    for path, body in (("/tags", {"tags": []}), ("/tags", {"resourceArn": group}), ("/untag", {"resourceArn": group}),
                       ("/untag", {"resourceArn": group, "tagKeys": ["k"] * 51})):
        answer = server.call("POST", path, body)
        assert (answer.status, answer.error) == (400, "InvalidRequestException"), answer


def test_a_right_hangs_on_a_tag(iot, server):
    """aws:ResourceTag/KEY is what the resource has at the time of the call."""
    iam, user = server.boto("iam"), unique("user")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    server.secrets.add(key["SecretAccessKey"])
    iam.put_user_policy(UserName=user, PolicyName="tagged", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": ["iot:DescribeThingGroup", "iot:UntagResource"], "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "north"}}}]}))
    mine, other = unique("group"), unique("group")
    arn = iot.create_thing_group(thingGroupName=mine, tags=[tag("team", "north")])["thingGroupArn"]
    iot.create_thing_group(thingGroupName=other, tags=[tag("team", "south")])
    asker = server.boto("iot", key["AccessKeyId"], key["SecretAccessKey"])
    assert asker.describe_thing_group(thingGroupName=mine)["thingGroupName"] == mine
    for name in (other, unique("none")):
        with refused("AccessDeniedException", 403, "iot:DescribeThingGroup"):
            asker.describe_thing_group(thingGroupName=name)
    asker.untag_resource(resourceArn=arn, tagKeys=["team"])
    with refused("AccessDeniedException", 403, "iot:DescribeThingGroup"):
        asker.describe_thing_group(thingGroupName=mine)


def test_the_cli_tags(server, group):
    server.aws("iot", "tag-resource", "--resource-arn", group, "--tags", "Key=a,Value=b", "Key=c,Value=d")
    listed = server.aws("iot", "list-tags-for-resource", "--resource-arn", group)
    assert listed == {"tags": [tag("a", "b"), tag("c", "d")]}
    server.aws("iot", "untag-resource", "--resource-arn", group, "--tag-keys", "a")
    assert server.aws("iot", "list-tags-for-resource", "--resource-arn", group) == {"tags": [tag("c", "d")]}
