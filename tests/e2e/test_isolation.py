"""Many accounts: nothing of one is visible, countable or guessable from another. Each operation that is there is asked by
a stranger with every identifier of another account's things, and again with identifiers of things that are nowhere: the
two answers must be the same, but for the identifiers themselves, and nothing of the other account may have changed."""
import json
import re
import tempfile
import uuid

import pytest

from models.constraints import good, request
from models.test_constraints import MODELS, THERE, ask
from pki import Authority, register

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect",
                                                             "Resource": "*"}]})
TEMPLATE = json.dumps({"Parameters": {}, "Resources": {"certificate": {
    "Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}}}})


def trust(service):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})


class Estate:
    """One of each in an account, under names that no other account has; and twins of all of them that are nowhere."""

    def __init__(self, account):
        iot, iam = account.boto("iot"), account.boto("iam")
        tail = uuid.uuid4().hex[:8]
        name = {kind: f"secret-{kind}-{tail}" for kind in (
            "thing", "group", "type", "billing", "policy", "template", "alias", "user", "role", "managed", "people")}
        iot.create_thing_type(thingTypeName=name["type"])
        iot.create_billing_group(billingGroupName=name["billing"])
        iot.create_thing(thingName=name["thing"], thingTypeName=name["type"], billingGroupName=name["billing"])
        iot.create_thing_group(thingGroupName=name["group"], tags=[{"Key": "k", "Value": "v"}])
        iot.add_thing_to_thing_group(thingName=name["thing"], thingGroupName=name["group"])
        iot.create_policy(policyName=name["policy"], policyDocument=POLICY)
        certificate = account.certificate(policy=name["policy"])
        iot.attach_thing_principal(thingName=name["thing"], principal=certificate.arn)
        iot.create_provisioning_template(templateName=name["template"], templateBody=TEMPLATE,
                                         provisioningRoleArn=account.role)
        with tempfile.TemporaryDirectory() as folder:
            self.ca = register(account, Authority(folder), automatic=True)
        self.outgoing, other = account.certificate(active=False).id, account.other_account().account
        iot.transfer_certificate(certificateId=self.outgoing, targetAwsAccount=other, transferMessage=name["thing"])
        role = iam.create_role(RoleName=name["role"], AssumeRolePolicyDocument=trust("credentials.iot.amazonaws.com"))
        iot.create_role_alias(roleAlias=name["alias"], roleArn=role["Role"]["Arn"])
        iam.create_user(UserName=name["user"])
        key = iam.create_access_key(UserName=name["user"])["AccessKey"]
        managed = iam.create_policy(PolicyName=name["managed"], PolicyDocument=POLICY)["Policy"]["Arn"]
        iam.create_group(GroupName=name["people"])
        provider = iam.create_open_id_connect_provider(Url=f"https://{tail}.example", ClientIDList=["one"],
                                                       ThumbprintList=["a" * 40])
        self.account, self.name, self.certificate = account, name, certificate
        self.role, self.managed, self.key = role["Role"]["Arn"], managed, key["AccessKeyId"]
        self.provider = provider["OpenIDConnectProviderArn"]
        account.secrets.add(key["SecretAccessKey"])

    def identifiers(self):
        """{member of some input: values that name something of this account}"""
        arn, name, certificate = self.account.arn, self.name, self.certificate
        resources = [arn(f"{kind}/{name[key]}") for kind, key in (
            ("thinggroup", "group"), ("thingtype", "type"), ("billinggroup", "billing"), ("policy", "policy"),
            ("provisioningtemplate", "template"), ("rolealias", "alias"))] + [arn(f"cacert/{self.ca}")]
        return {
            "thingName": [name["thing"]], "thingArn": [arn(f"thing/{name['thing']}")],
            "thingGroupName": [name["group"]], "thingGroupArn": [arn(f"thinggroup/{name['group']}")],
            "parentGroupName": [name["group"]], "parentGroup": [name["group"]],
            "thingGroupsToAdd": [[name["group"]]], "thingGroupsToRemove": [[name["group"]]],
            "thingTypeName": [name["type"]], "billingGroupName": [name["billing"]],
            "billingGroupArn": [arn(f"billinggroup/{name['billing']}")],
            "policyName": [name["policy"]], "policyNamesToAdd": [[name["policy"]]],
            "certificateId": [certificate.id, self.ca, self.outgoing], "caCertificateId": [self.ca], "principal": [certificate.arn],
            "target": [certificate.arn, arn(f"thinggroup/{name['group']}")],
            "templateName": [name["template"]], "provisioningRoleArn": [self.role],
            "roleAlias": [name["alias"]], "roleArn": [self.role], "resourceArn": resources,
            "UserName": [name["user"]], "NewUserName": [name["user"]], "GroupName": [name["people"]],
            "RoleName": [name["role"]], "PolicyName": [name["managed"]], "PolicyArn": [self.managed],
            "PolicySourceArn": [f"arn:aws:iam::{self.account.account}:user/{name['user']}", self.role],
            "PermissionsBoundary": [self.managed], "AccessKeyId": [self.key], "RoleArn": [self.role],
            "OpenIDConnectProviderArn": [self.provider],
        }

    def twin_of(self, value):
        """The same identifier of something that is nowhere, in this account or another."""
        text = json.dumps(value)
        for word in [*self.name.values(), self.certificate.id, self.ca, self.outgoing, self.provider.split("/")[-1]]:
            text = text.replace(word, self.twin_word(word))
        return json.loads(text.replace(self.key, self.key[:14] + self.key[14:][::-1]))

    @staticmethod
    def twin_word(word):
        digits = str.maketrans("0123456789abcdef", "123456789abcdef0")
        tail = re.search(r"[0-9a-f]{8}(?=$|\.example)|^[0-9a-f]{64}$", word)
        return word[:tail.start()] + tail.group().translate(digits) + word[tail.end():]

    def words(self):
        return [*self.name.values(), self.certificate.id, self.ca, self.outgoing, self.key, self.provider.split("/")[-1]]

    def snapshot(self):
        """What the account's own administrator sees."""
        iot, iam, name = self.account.boto("iot"), self.account.boto("iam"), self.name
        seen = [iot.describe_thing(thingName=name["thing"]), iot.describe_thing_group(thingGroupName=name["group"]),
                iot.describe_thing_type(thingTypeName=name["type"]),
                iot.describe_billing_group(billingGroupName=name["billing"]), iot.get_policy(policyName=name["policy"]),
                iot.describe_certificate(certificateId=self.certificate.id),
                iot.describe_provisioning_template(templateName=name["template"]),
                iot.describe_role_alias(roleAlias=name["alias"]),
                iot.list_thing_principals(thingName=name["thing"]),
                iot.list_attached_policies(target=self.certificate.arn),
                iot.list_attached_policies(target=self.account.arn(f"thinggroup/{name['group']}")),
                iot.list_tags_for_resource(resourceArn=self.account.arn(f"thinggroup/{name['group']}")),
                iot.list_things(), iot.list_thing_groups(), iot.list_policies(), iot.list_certificates(),
                iot.describe_ca_certificate(certificateId=self.ca), iot.list_ca_certificates(),
                iot.get_registration_code(), iot.describe_certificate(certificateId=self.outgoing),
                iot.list_outgoing_certificates(),
                iam.get_user(UserName=name["user"]), iam.list_access_keys(UserName=name["user"]),
                iam.get_role(RoleName=name["role"]), iam.get_policy(PolicyArn=self.managed), iam.list_users(),
                iam.list_roles(), iam.list_policies(Scope="Local"), iam.get_group(GroupName=name["people"]),
                iam.get_open_id_connect_provider(OpenIDConnectProviderArn=self.provider)]
        for answer in seen:
            del answer["ResponseMetadata"]
        return seen


@pytest.fixture(scope="module")
def stranger(server):
    return server.other_account()


@pytest.fixture(scope="module")
def estate(server):
    estate = Estate(server.other_account())
    before = estate.snapshot()
    yield estate
    assert estate.snapshot() == before, "a stranger changed something"


def members_of(model, operation):
    return MODELS[model].shapes.get(MODELS[model].operations[operation].get("input"), {}).get("members", {})


def questions(model, operation, identifiers):
    """Inputs that name the other account's things in every way that the operation knows: one way at a time, and all."""
    source = MODELS[model]
    whole = good(source, source.operations[operation]["input"])
    named = [member for member in members_of(model, operation) if member in identifiers]
    for member in named:
        for value in identifiers[member]:
            yield {**whole, member: value}
    if len(named) > 1:
        yield {**whole, **{member: identifiers[member][0] for member in named}}


UNLIKE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Z]{4}[A-Z0-9]{16,17}"
                    r"|\d{4}-\d\d-\d\dT[\d:]+Z|\"?\d{10}\.\d+\"?")


def told(answer, estate, asker, twin):
    """What an answer says, without the identifiers asked for, who asked, and what is new in each."""
    text = answer.body.decode().replace(asker.account, "<mine>").replace(estate.account.account, "<theirs>")
    for word in estate.words():
        text = text.replace(estate.twin_of(word) if twin else word, "<it>")
    return answer.status, answer.error, UNLIKE.sub("<new>", text)


def asked(account, model, operation, values):
    return ask(account, model, request(MODELS[model], operation, values))


CASES = [(model, name) for model, name in THERE if MODELS[model].operations[name].get("input")]


@pytest.mark.parametrize("model, operation", CASES)
def test_what_another_account_has_is_like_what_nobody_has(server, estate, model, operation):
    """Two strangers ask the same, one of them for what is nowhere. (Names are each account's own, so making something
    under a name that another account uses must succeed.)"""
    there, nowhere = server.other_account(), server.other_account()
    for values in questions(model, operation, estate.identifiers()):
        found, missed = asked(there, model, operation, values), asked(nowhere, model, operation, estate.twin_of(values))
        assert found.status < 500, found
        assert told(found, estate, there, False) == told(missed, estate, nowhere, True), (values, found, missed)


LISTS = [(model, name) for model, name in THERE if name.startswith("List") or name.startswith("GetAccount")]


@pytest.mark.parametrize("model, operation", LISTS)
def test_no_list_shows_or_counts_what_another_account_has(estate, stranger, model, operation):
    text = asked(stranger, model, operation, None).body.decode()
    assert not any(word in text for word in estate.words() if word.startswith("secret-") or len(word) == 64), text


def test_a_page_token_of_another_account_is_no_token(estate, stranger):
    estate.account.boto().create_thing(thingName="secret-second")
    token = estate.account.boto().list_things(maxResults=1)["nextToken"]
    estate.account.boto().delete_thing(thingName="secret-second")
    answer = stranger.call("GET", "/things", query={"nextToken": token, "maxResults": "1"})
    assert (answer.status, answer.error) == (400, "InvalidRequestException")


def test_a_trust_policy_does_not_tell_whom_another_account_has(server, estate):
    """A role may trust a user of another account; whether there is one is that account's own affair."""
    stranger = server.other_account()
    iam, answers = stranger.boto("iam"), []
    user = f"arn:aws:iam::{estate.account.account}:user/{estate.name['user']}"
    for number, arn in enumerate((user, estate.twin_of(user))):
        document = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]})
        made = iam.create_role(RoleName=f"guess-{number}", AssumeRolePolicyDocument=document)["Role"]
        shown = iam.get_role(RoleName=f"guess-{number}")["Role"]["AssumeRolePolicyDocument"]
        answers.append(json.dumps(shown).replace(arn, "<it>"))
        assert made["AssumeRolePolicyDocument"] == shown
    assert answers[0] == answers[1]
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_role(RoleName="own", AssumeRolePolicyDocument=document.replace(estate.account.account,
                                                                                  stranger.account))
