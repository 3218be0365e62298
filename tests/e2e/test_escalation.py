"""Nobody gets more than was given to him: each attempt is refused, and whoever made it can do no more than before (auth 4.2,
4.5). What else is tried stands beside what it tries: forged, foreign, expired and re-used session tokens in test_rights.py
(auth 8) and test_sessions.py; clock skew, repeated and folded headers, paths encoded twice, dots, two signatures and two hosts
in test_sigv4.py; other spellings of names and certificates, PassRole with a wrong service in test_rights.py; attach one
policy and no other, boundaries on whoever is made, policies attached while they are deleted in test_iam_policies.py;
moving a user from path to path, keys of others, namesakes of deleted users and roles in test_iam_users.py and
test_iam_roles.py; other accounts' identifiers in test_isolation.py; tokens of OpenID Connect in test_web_identity.py."""
import json
from types import SimpleNamespace

import botocore.exceptions
import pytest

import muster
from muster import unique
from people import Caller, Person, document, statement, trust

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
SERVICES = ["iot.amazonaws.com", "credentials.iot.amazonaws.com"]
OTHER_ACCOUNT = "999999999999"


# Attempts hand policies around as documents, so people are made with documents here.

def allow(*actions):
    return document(statement("Allow", list(actions)))


def make_user(server, policy=None, **more):
    one = Person(server, **more)
    if policy:
        server.boto("iam").put_user_policy(UserName=one.name, PolicyName="rights", PolicyDocument=policy)
    return one


def make_role(server, trusts, policy=None, **more):
    iam, name = server.boto("iam"), unique("role")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts, **more)["Role"]
    if policy:
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy)
    return made


def denied(attempt, *names):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        attempt()
    error = caught.value.response["Error"]
    assert error["Code"] in (names or ("AccessDenied", "AccessDeniedException")), caught.value


@pytest.fixture(scope="module")
def estate(server):
    """What there is to win: a role and a group that may do everything, a policy that once did."""
    iam, account = server.boto("iam"), server.account
    strong = make_role(server, trust({"Service": SERVICES}), allow("*"))
    group = unique("admins")
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=ADMINISTRATOR)
    return SimpleNamespace(strong=strong["Arn"], strong_name=strong["RoleName"], group=group, account=account, iam=iam,
                           server=server, iot=server.boto())


@pytest.fixture(scope="module")
def thief(estate):
    """Looks at everything and runs the registry; bounded, and in a group of its own."""
    iam, server = estate.iam, estate.server
    policy = iam.create_policy(PolicyName=unique("p"), PolicyDocument=allow("*"))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, SetAsDefault=True, PolicyDocument=allow("iam:Get*", "iam:List*", "iot:*"))
    boundary = iam.create_policy(PolicyName=unique("b"), PolicyDocument=document(
        statement("Allow", "*"), statement("Deny", "iot:CreateBillingGroup")))["Policy"]["Arn"]
    one = make_user(server, tags=[("team", "plant")])
    iam.put_user_permissions_boundary(UserName=one.name, PermissionsBoundary=boundary)
    iam.attach_user_policy(UserName=one.name, PolicyArn=policy)
    one.group = unique("g")
    iam.create_group(GroupName=one.group)
    iam.add_user_to_group(GroupName=one.group, UserName=one.name)
    one.policy, one.boundary = policy, boundary
    one.role = make_role(server, trust({"AWS": one.arn}), allow("iot:ListThings"), PermissionsBoundary=boundary)["RoleName"]
    return one


def can_do_no_more(thief):
    denied(lambda: thief.iot.create_billing_group(billingGroupName=unique("b")))
    denied(lambda: thief.iam.create_user(UserName=unique("u")))
    thief.iot.list_things(maxResults=1)


# ---- by the rights of IAM ----

LIFTS = {
    "attaches AdministratorAccess to itself": lambda t, e: t.iam.attach_user_policy(UserName=t.name, PolicyArn=ADMINISTRATOR),
    "writes itself a policy": lambda t, e: t.iam.put_user_policy(UserName=t.name, PolicyName="x", PolicyDocument=allow("*")),
    "takes a policy off itself": lambda t, e: t.iam.detach_user_policy(UserName=t.name, PolicyArn=t.policy),
    "joins the administrators": lambda t, e: t.iam.add_user_to_group(GroupName=e.group, UserName=t.name),
    "makes its group one of administrators": lambda t, e: t.iam.attach_group_policy(GroupName=t.group, PolicyArn=ADMINISTRATOR),
    "writes its group a policy": lambda t, e: t.iam.put_group_policy(GroupName=t.group, PolicyName="x", PolicyDocument=allow("*")),
    "renames its group to another's name": lambda t, e: t.iam.update_group(GroupName=t.group, NewGroupName=e.group + "2"),
    "writes a new version of its policy": lambda t, e: t.iam.create_policy_version(
        PolicyArn=t.policy, PolicyDocument=allow("*"), SetAsDefault=True),
    "brings back a version that was wider": lambda t, e: t.iam.set_default_policy_version(PolicyArn=t.policy, VersionId="v1"),
    "writes a new version of its boundary": lambda t, e: t.iam.create_policy_version(
        PolicyArn=t.boundary, PolicyDocument=allow("*"), SetAsDefault=True),
    "takes its boundary away": lambda t, e: t.iam.delete_user_permissions_boundary(UserName=t.name),
    "takes a wider boundary": lambda t, e: t.iam.put_user_permissions_boundary(UserName=t.name, PermissionsBoundary=ADMINISTRATOR),
    "makes a key of the administrator": lambda t, e: t.iam.create_access_key(UserName="admin"),
    "makes a second key of its own": lambda t, e: t.iam.create_access_key(),
    "makes another user": lambda t, e: t.iam.create_user(UserName=unique("u")),
    "takes the administrator's name": lambda t, e: t.iam.update_user(UserName=t.name, NewUserName="Administrator"),
    "moves to another path": lambda t, e: t.iam.update_user(UserName=t.name, NewPath="/admins/"),
    "tags itself": lambda t, e: t.iam.tag_user(UserName=t.name, Tags=[{"Key": "team", "Value": "admin"}]),
    "takes a tag off itself": lambda t, e: t.iam.untag_user(UserName=t.name, TagKeys=["team"]),
    "makes a role": lambda t, e: t.iam.create_role(RoleName=unique("R"), AssumeRolePolicyDocument=trust({"AWS": t.arn})),
    "makes a strong role trust it": lambda t, e: t.iam.update_assume_role_policy(
        RoleName=e.strong_name, PolicyDocument=trust({"AWS": t.arn})),
    "makes its role strong": lambda t, e: t.iam.attach_role_policy(RoleName=t.role, PolicyArn=ADMINISTRATOR),
    "writes its role a policy": lambda t, e: t.iam.put_role_policy(RoleName=t.role, PolicyName="x", PolicyDocument=allow("*")),
    "takes its role's boundary away": lambda t, e: t.iam.delete_role_permissions_boundary(RoleName=t.role),
    "gives its role a wider boundary": lambda t, e: t.iam.put_role_permissions_boundary(
        RoleName=t.role, PermissionsBoundary=ADMINISTRATOR),
    "makes an issuer of identities": lambda t, e: t.iam.create_open_id_connect_provider(Url="https://id.example.test"),
    "makes a role of a service": lambda t, e: t.iam.create_service_linked_role(AWSServiceName="iot.amazonaws.com"),
    "assumes a role that trusts services": lambda t, e: t.assume(e.strong),
    "becomes a federated user": lambda t, e: t.sts.get_federation_token(Name="bob", Policy=allow("*")),
    "makes a role alias of a strong role": lambda t, e: t.iot.create_role_alias(roleAlias=unique("a"), roleArn=e.strong),
    "makes a template of a strong role": lambda t, e: t.iot.create_provisioning_template(
        templateName=unique("t"), provisioningRoleArn=e.strong,
        templateBody=json.dumps(muster.simple_template(e.server.claim_policy()))),
}


@pytest.mark.parametrize("what", LIFTS)
def test_nobody_lifts_himself(estate, thief, what):
    denied(lambda: LIFTS[what](thief, estate))
    can_do_no_more(thief)


def test_get_session_token_is_no_way_round_a_boundary(thief):
    session = Caller(thief.server, thief.sts.get_session_token()["Credentials"])
    denied(lambda: session.iot.create_billing_group(billingGroupName=unique("b")))
    for attempt in (lambda: session.iam.get_user(), lambda: session.iam.put_user_policy(
            UserName=thief.name, PolicyName="x", PolicyDocument=allow("*"))):
        denied(attempt)


# ---- by a role that is handed to a service ----

SPELLINGS = {
    "as it is": lambda arn: arn,
    "its name in capitals": lambda arn: arn.rsplit("/", 1)[0] + "/" + arn.rsplit("/", 1)[1].upper(),
    "below a path that it has not": lambda arn: arn.replace(":role/", ":role/weak/"),
    "behind dots": lambda arn: arn.replace(":role/", ":role/weak/../"),
    "with two slashes": lambda arn: arn.replace(":role/", ":role//"),
    "in capitals": lambda arn: arn.replace("arn:aws:iam", "ARN:AWS:IAM"),
    "percent-encoded": lambda arn: arn.replace("/", "%2F"),
    "with a blank": lambda arn: arn + " ",
    "with a slash behind": lambda arn: arn + "/",
    "in another partition": lambda arn: arn.replace("arn:aws:", "arn:aws-cn:"),
    "in another account": lambda arn: arn.replace(arn.split(":")[4], OTHER_ACCOUNT),
}


@pytest.fixture(scope="module")
def passer(estate):
    """May pass one weak role, and has an alias and a template with it."""
    weak = make_role(estate.server, trust({"Service": SERVICES}), allow("iot:ListThings"))["Arn"]
    one = make_user(estate.server, document(statement("Allow", "iot:*"), statement("Allow", "iam:PassRole", weak)))
    one.weak, one.alias, one.template = weak, unique("a"), unique("t")
    one.iot.create_role_alias(roleAlias=one.alias, roleArn=weak)
    one.iot.create_provisioning_template(templateName=one.template, provisioningRoleArn=weak,
                                         templateBody=json.dumps(muster.simple_template(estate.server.claim_policy())))
    return one


@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_stronger_role_is_not_passed_however_it_is_written(estate, passer, spell):
    strong = SPELLINGS[spell](estate.strong)
    body = json.dumps(muster.simple_template(estate.server.claim_policy()))
    for attempt in (lambda: passer.iot.create_role_alias(roleAlias=unique("a"), roleArn=strong),
                    lambda: passer.iot.update_role_alias(roleAlias=passer.alias, roleArn=strong),
                    lambda: passer.iot.create_provisioning_template(templateName=unique("t"), provisioningRoleArn=strong,
                                                                    templateBody=body),
                    lambda: passer.iot.update_provisioning_template(templateName=passer.template,
                                                                    provisioningRoleArn=strong)):
        denied(attempt, "AccessDeniedException", "InvalidRequestException", "ValidationException")
    assert estate.iot.describe_role_alias(roleAlias=passer.alias)["roleAliasDescription"]["roleArn"] == passer.weak
    assert estate.iot.describe_provisioning_template(templateName=passer.template)["provisioningRoleArn"] == passer.weak


@pytest.mark.parametrize("spell", [name for name in SPELLINGS if name != "as it is"])
def test_a_role_that_may_not_be_passed_is_not_reached_by_another_spelling(estate, spell):
    """Everything may be passed but one: a spelling that the Deny does not name names no role either."""
    one = make_user(estate.server, document(statement("Allow", ["iot:*", "iam:PassRole"]),
                                            statement("Deny", "iam:PassRole", estate.strong)))
    body = json.dumps(muster.simple_template(estate.server.claim_policy()))
    denied(lambda: one.iot.create_provisioning_template(templateName=unique("t"), templateBody=body,
                                                        provisioningRoleArn=SPELLINGS[spell](estate.strong)),
           "AccessDeniedException", "InvalidRequestException", "ValidationException")


# ---- by trust ----

@pytest.mark.parametrize("principal", [
    "arn:aws:iam::{0}:user/*", "arn:aws:iam::{0}:role/*", "arn:aws:iam::*:root", "arn:aws:iam::{0}:*", "{0}*", "*{0}",
    "arn:aws:sts::{0}:assumed-role/*/x", "arn:aws:sts::{0}:assumed-role/R/*", "arn:aws:iam::{0}:user/a?a", "AIDA*", "**"])
def test_a_trust_policy_has_no_wildcards_but_everyone(estate, principal):
    denied(lambda: estate.iam.create_role(RoleName=unique("R"), AssumeRolePolicyDocument=trust(
        {"AWS": principal.format(estate.account)})), "MalformedPolicyDocument")


@pytest.mark.parametrize("principal", [{"AWS": "*"}, "*", {"AWS": "{0}"}, {"AWS": "arn:aws:iam::{0}:root"}])
def test_trust_in_everyone_or_an_account_lets_nobody_in_by_itself(estate, thief, principal):
    text = json.dumps(principal).replace("{0}", estate.account)
    role = make_role(estate.server, trust(json.loads(text)), allow("*"))["Arn"]
    denied(lambda: thief.assume(role))


def test_trust_in_all_but_one_is_no_trust_by_name(estate, thief):
    document_ = json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "NotPrincipal": {"AWS": f"arn:aws:iam::{estate.account}:user/admin"}, "Action": "sts:AssumeRole"}})
    try:
        role = make_role(estate.server, document_, allow("*"))["Arn"]
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "MalformedPolicyDocument"
    else:
        denied(lambda: thief.assume(role))


@pytest.mark.parametrize("spell", [name for name in SPELLINGS if name != "as it is"])
def test_a_denied_role_is_not_assumed_by_another_spelling(estate, spell):
    role = make_role(estate.server, trust({"AWS": estate.account}), allow("*"))["Arn"]
    one = make_user(estate.server, document(statement("Allow", "sts:*"), statement("Deny", "sts:AssumeRole", role)))
    denied(lambda: one.assume(SPELLINGS[spell](role)), "AccessDenied", "ValidationError")


@pytest.mark.parametrize("wish", [{}, {"ExternalId": "Customer-7"}, {"ExternalId": "customer-7 "}, {"ExternalId": "customer-*"}])
def test_a_confused_account_is_asked_for_its_external_id(estate, wish):
    one = make_user(estate.server)
    role = make_role(estate.server, trust({"AWS": one.arn}, condition={"StringEquals": {"sts:ExternalId": "customer-7"}}),
                     allow("*"))["Arn"]
    denied(lambda: one.assume(role, **wish), "AccessDenied", "ValidationError")
    assert one.assume(role, ExternalId="customer-7").may_list()


def test_a_namesake_in_another_account_is_not_who_is_trusted(estate):
    other, one = estate.server.other_account(), make_user(estate.server)
    other.boto("iam").create_user(UserName=one.name)
    keys = other.boto("iam").create_access_key(UserName=one.name)["AccessKey"]
    other.boto("iam").put_user_policy(UserName=one.name, PolicyName="p", PolicyDocument=allow("*"))
    stranger = Caller(estate.server, {k: keys[k] for k in ("AccessKeyId", "SecretAccessKey")})
    for principal in (one.arn, estate.account):
        role = make_role(estate.server, trust({"AWS": principal}), allow("*"))["Arn"]
        denied(lambda: stranger.assume(role))
    everyone = make_role(estate.server, trust({"AWS": "*"}, condition={
        "StringEquals": {"aws:PrincipalAccount": estate.account}}), allow("*"))["Arn"]
    denied(lambda: stranger.assume(everyone))


# ---- by a session ----

def test_a_session_gets_no_more_than_its_role_and_its_policies(estate):
    one = make_user(estate.server)
    role = make_role(estate.server, trust({"AWS": one.arn}), allow("iot:ListThings"))["Arn"]
    for wish in ({"Policy": allow("*")}, {"PolicyArns": [{"arn": ADMINISTRATOR}]},
                 {"Policy": allow("*"), "PolicyArns": [{"arn": ADMINISTRATOR}]},
                 {"Policy": document({"Effect": "Allow", "NotAction": "x:y", "Resource": "*"})}):
        session = one.assume(role, **wish)
        assert session.may_list()
        denied(lambda: session.iot.create_thing(thingName=unique("t")))


def test_a_narrow_session_does_not_assume_its_own_role_anew(estate):
    one = make_user(estate.server)
    role = make_role(estate.server, trust({"AWS": estate.account}), allow("*"))
    estate.iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=trust({"AWS": [one.arn, role["Arn"]]}))
    narrow = one.assume(role["Arn"], Policy=allow("iot:ListThings"))
    denied(lambda: narrow.assume(role["Arn"]))
    denied(lambda: narrow.sts.get_federation_token(Name="bob", Policy=allow("*")))
    denied(lambda: narrow.sts.get_session_token())


def test_a_federated_user_gets_what_both_allow(estate):
    one = make_user(estate.server, allow("sts:GetFederationToken", "iot:ListThings"))
    for wish, lists in (({}, False), ({"Policy": allow("*")}, True), ({"PolicyArns": [{"arn": ADMINISTRATOR}]}, True),
                        ({"Policy": allow("iot:ListThingTypes")}, False)):
        bob = Caller(estate.server, one.sts.get_federation_token(Name="bob", **wish)["Credentials"])
        if lists:
            assert bob.may_list()
        else:
            denied(bob.may_list)
        denied(lambda: bob.iot.create_thing(thingName=unique("t")))
        denied(lambda: bob.iam.get_user(UserName=one.name))
        denied(lambda: bob.sts.get_session_token())
    role = make_role(estate.server, trust({"AWS": one.arn}), allow("*"))["Arn"]
    denied(lambda: bob.assume(role))


def test_a_session_gives_itself_no_tags_that_its_role_does_not_take(estate):
    one = make_user(estate.server)
    role = make_role(estate.server, trust({"AWS": one.arn}), document(
        statement("Allow", "*", Condition={"StringEquals": {"aws:PrincipalTag/team": "admin"}})))["Arn"]
    for key in ("team", "TEAM", "Team"):
        denied(lambda: one.assume(role, Tags=[{"Key": key, "Value": "admin"}]))
    denied(one.assume(role).may_list)


def test_a_token_of_one_key_is_none_of_another(estate):
    one = make_user(estate.server)
    weak, strong = (make_role(estate.server, trust({"AWS": one.arn}), allow(action))["Arn"] for action in ("x:y", "*"))
    keys = [one.assume(role).keys for role in (weak, strong)]
    for a, b in ((0, 1), (1, 0)):
        mixed = Caller(estate.server, {**keys[a], "SessionToken": keys[b]["SessionToken"]})
        denied(mixed.may_list, "UnrecognizedClientException")
    renamed = Caller(estate.server, {**keys[1], "AccessKeyId": keys[0]["AccessKeyId"]})
    denied(renamed.may_list, "UnrecognizedClientException")


# ---- round a Deny, or a condition ----

DENIED_PARTS = {
    "the action in another case": {"Action": "IOT:createTHING"},
    "the action by a pattern": {"Action": "iot:*thing"},
    "all actions but one": {"NotAction": "iot:ListThings"},
    "all things but one": {"Action": "iot:CreateThing", "NotResource": "arn:aws:iot:*:*:thing/else"},
    "who is not somebody else": {"Action": "iot:CreateThing", "Condition": {"StringNotEquals": {"aws:username": "nobody"}}},
    "without a second factor": {"Action": "iot:CreateThing",
                                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
    "without a tag": {"Action": "iot:CreateThing", "Condition": {"Null": {"aws:RequestTag/team": "true"}}},
}


@pytest.mark.parametrize("part", DENIED_PARTS)
def test_a_deny_holds_against_allow_everything(estate, part):
    deny = {"Effect": "Deny", "Resource": "*", **DENIED_PARTS[part]}
    if "NotResource" in deny:
        del deny["Resource"]
    one = make_user(estate.server, document(statement("Allow", "*"), deny))
    denied(lambda: one.iot.create_thing(thingName=unique("t")))


def test_an_allow_of_all_but_one_allows_nothing_of_that_one(estate):
    one = make_user(estate.server, document({"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}))
    assert one.may_list()
    for attempt in (lambda: one.iam.create_user(UserName=unique("u")), lambda: one.assume(estate.strong),
                    lambda: one.iot.create_role_alias(roleAlias=unique("a"), roleArn=estate.strong)):
        denied(attempt)


def test_a_denied_user_is_also_meant_when_it_is_not_named(estate):
    one = make_user(estate.server)
    estate.iam.put_user_policy(UserName=one.name, PolicyName="p", PolicyDocument=document(
        statement("Allow", "*"), statement("Deny", ["iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"], one.arn)))
    key = one.keys["AccessKeyId"]
    for more in ({}, {"UserName": one.name}, {"UserName": one.name.upper()}):
        denied(lambda: one.iam.create_access_key(**more), "AccessDenied", "NoSuchEntity")
        denied(lambda: one.iam.update_access_key(AccessKeyId=key, Status="Inactive", **more), "AccessDenied", "NoSuchEntity")
        denied(lambda: one.iam.delete_access_key(AccessKeyId=key, **more), "AccessDenied", "NoSuchEntity")


def test_a_denied_certificate_is_not_reached_in_capitals(estate):
    made = estate.iot.create_keys_and_certificate(setAsActive=True)
    one = make_user(estate.server, document(statement("Allow", "*"), statement("Deny", "*", made["certificateArn"])))
    thing, policy = unique("t"), unique("p")
    estate.iot.create_thing(thingName=thing)
    estate.iot.create_policy(policyName=policy, policyDocument=allow("iot:Connect"))
    loud, arn = made["certificateId"].upper(), made["certificateArn"]
    loud_arn = arn.replace(made["certificateId"], loud)
    for id_, arn_ in ((made["certificateId"], arn), (loud, loud_arn)):
        for attempt in (lambda: one.iot.update_certificate(certificateId=id_, newStatus="INACTIVE"),
                        lambda: one.iot.describe_certificate(certificateId=id_),
                        lambda: one.iot.attach_thing_principal(thingName=thing, principal=arn_),
                        lambda: one.iot.attach_principal_policy(policyName=policy, principal=arn_),
                        lambda: one.iot.attach_policy(policyName=policy, target=arn_),
                        lambda: one.iot.delete_certificate(certificateId=id_, forceDelete=True)):
            denied(attempt, "AccessDeniedException", "ResourceNotFoundException", "InvalidRequestException")
    assert estate.iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"] == "ACTIVE"
    assert estate.iot.list_thing_principals(thingName=thing)["principals"] == []
    assert estate.iot.list_attached_policies(target=arn)["policies"] == []


def tags(*pairs):
    return [{"Key": key, "Value": value} for key, value in pairs]


TWO_CASES = [tags(("team", "plant"), ("Team", "other")), tags(("Team", "plant"), ("team", "other"))]


@pytest.mark.parametrize("given", TWO_CASES)
@pytest.mark.parametrize("rule", [
    [statement("Allow", "iot:CreateThingType", Condition={"StringEquals": {"aws:RequestTag/team": "plant"}})],
    [statement("Allow", "*"), statement("Deny", "*", Condition={"StringNotEquals": {"aws:RequestTag/team": "plant"}})],
    [statement("Allow", "*"), statement("Deny", "*", Condition={"StringEquals": {"aws:RequestTag/team": "other"}})]])
def test_a_tag_in_two_cases_does_not_say_both(estate, rule, given):
    """A condition does not look at the case of a tag's key, the tags of the registry do."""
    one = make_user(estate.server, document(*rule))
    denied(lambda: one.iot.create_thing_type(thingTypeName=unique("t"), tags=given))


def test_a_second_tag_does_not_hide_the_first(estate):
    name = unique("t")
    arn = estate.iot.create_thing_type(thingTypeName=name, tags=tags(("team", "other")))["thingTypeArn"]
    may = make_user(estate.server, document(
        statement("Allow", "iot:TagResource"),
        statement("Allow", "iot:DescribeThingType", Condition={"StringEquals": {"aws:ResourceTag/team": "plant"}})))
    may_not = make_user(estate.server, document(
        statement("Allow", "*"), statement("Deny", "iot:DescribeThingType", Condition={
            "StringEquals": {"aws:ResourceTag/team": "other"}})))
    for one in (may, may_not):
        denied(lambda: one.iot.describe_thing_type(thingTypeName=name))
    may.iot.tag_resource(resourceArn=arn, tags=tags(("TEAM", "plant"), ("zteam", "plant")))
    for one in (may, may_not):
        denied(lambda: one.iot.describe_thing_type(thingTypeName=name))


@pytest.mark.parametrize("more", [{"Tags": tags(("team", "plant"))}, {"IdentityPoolTags": {"team": "plant"}},
                                  {"TagKeys": ["team"]}, {"Tags": {"team": "plant"}}])
def test_members_that_an_operation_has_not_say_nothing(estate, more):
    one = make_user(estate.server, document(statement("Allow", "iot:CreateThingType", Condition={
        "StringEquals": {"aws:RequestTag/team": "plant"}})))
    keys = (one.keys["AccessKeyId"], one.keys["SecretAccessKey"])
    for given in ({}, {"tags": tags(("team", "other"))}):
        answer = estate.server.call("POST", "/thing-types/" + unique("t"), {**given, **more}, credentials=keys)
        assert (answer.status, answer.error) == (403, "AccessDeniedException"), answer


def test_a_second_list_of_tags_does_not_speak_for_the_first(estate):
    """STS in JSON: the members of other services are none of its own."""
    server, one = estate.server, make_user(estate.server)
    role = make_role(server, trust({"AWS": one.arn}, "sts:AssumeRole", "sts:TagSession", condition={
        "StringEquals": {"aws:RequestTag/team": "plant"}}), allow("*"))["Arn"]

    def asked(**members):
        body = json.dumps({"RoleArn": role, "RoleSessionName": "s1", **members}).encode()
        headers = {"X-Amz-Target": "AWSSecurityTokenServiceV20110615.AssumeRole", "Content-Type": "application/x-amz-json-1.1"}
        keys = (one.keys["AccessKeyId"], one.keys["SecretAccessKey"])
        return server.ask("POST", "/", body, server.sign("POST", "/", body, headers, "sts", credentials=keys))

    assert asked(Tags=tags(("team", "plant"))).status == 200
    for members in ({"tags": tags(("team", "plant"))}, {"tags": tags(("team", "plant")), "Tags": tags(("team", "admin"))},
                    {"Tags": tags(("team", "admin")), "tags": {"team": "plant"}},
                    {"Tags": [{"Key": "team", "Value": "admin", "key": "team", "value": "plant"}]},
                    {"Tags": tags(("team", "plant"), ("TEAM", "admin"))}):
        assert asked(**members).status in (400, 403), members


# ---- by what was true a moment ago ----

class Freshness:
    """A user, his sessions and the sessions of his role, all of whom may list things by one right that is taken away."""

    def __init__(self, estate):
        self.estate, self.iam = estate, estate.iam
        self.user = make_user(estate.server)
        self.role = make_role(estate.server, trust({"AWS": self.user.arn}))["RoleName"]
        self.policy = self.managed()
        self.group = unique("g")
        self.iam.create_group(GroupName=self.group)
        self.iam.add_user_to_group(GroupName=self.group, UserName=self.user.name)

    def managed(self):
        return self.iam.create_policy(PolicyName=unique("p"), PolicyDocument=allow("iot:*"))["Policy"]["Arn"]

    def attach(self):
        self.iam.attach_user_policy(UserName=self.user.name, PolicyArn=self.policy)
        self.iam.attach_role_policy(RoleName=self.role, PolicyArn=self.policy)

    def put(self, document_=allow("iot:*"), name="p"):
        self.iam.put_user_policy(UserName=self.user.name, PolicyName=name, PolicyDocument=document_)
        self.iam.put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=document_)

    def tag(self, value):
        self.iam.tag_user(UserName=self.user.name, Tags=tags(("team", value)))
        self.iam.tag_role(RoleName=self.role, Tags=tags(("team", value)))

    def bound(self, arn):
        self.iam.put_user_permissions_boundary(UserName=self.user.name, PermissionsBoundary=arn)
        self.iam.put_role_permissions_boundary(RoleName=self.role, PermissionsBoundary=arn)

    def everyone(self):
        session = self.user.sts.get_session_token()["Credentials"]
        role = f"arn:aws:iam::{self.estate.account}:role/{self.role}"
        return [self.user, Caller(self.estate.server, session), self.user.assume(role),
                self.user.assume(role, Policy=allow("*"))]


def narrowed(policy, iam):
    iam.create_policy_version(PolicyArn=policy, SetAsDefault=True, PolicyDocument=allow("iam:*"))


def by_tag(f):
    f.tag("plant")
    f.put(document(statement("Allow", "iot:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "plant"}})))


def by_boundary(f):
    f.put()
    f.bound(f.policy)


def by_group(f):
    f.iam.put_group_policy(GroupName=f.group, PolicyName="p", PolicyDocument=allow("iot:*"))
    f.iam.put_role_policy(RoleName=f.role, PolicyName="p", PolicyDocument=allow("iot:*"))


def off_role(f):
    f.iam.delete_role_policy(RoleName=f.role, PolicyName="p")


CHANGES = {
    "an inline policy is deleted": (Freshness.put, lambda f: (
        off_role(f), f.iam.delete_user_policy(UserName=f.user.name, PolicyName="p"))),
    "an inline policy is replaced": (Freshness.put, lambda f: f.put(allow("iam:*"))),
    "a Deny is added": (Freshness.put, lambda f: f.put(document(statement("Deny", "*")), "deny")),
    "a managed policy is detached": (Freshness.attach, lambda f: (
        f.iam.detach_user_policy(UserName=f.user.name, PolicyArn=f.policy),
        f.iam.detach_role_policy(RoleName=f.role, PolicyArn=f.policy))),
    "a managed policy has another version": (Freshness.attach, lambda f: narrowed(f.policy, f.iam)),
    "a boundary is set": (Freshness.put, lambda f: f.bound("arn:aws:iam::aws:policy/IAMReadOnlyAccess")),
    "a boundary has another version": (by_boundary, lambda f: narrowed(f.policy, f.iam)),
    "a tag changes": (by_tag, lambda f: f.tag("other")),
    "a tag goes": (by_tag, lambda f: (f.iam.untag_user(UserName=f.user.name, TagKeys=["team"]),
                                      f.iam.untag_role(RoleName=f.role, TagKeys=["team"]))),
    "the group loses its policy": (by_group, lambda f: (
        off_role(f), f.iam.delete_group_policy(GroupName=f.group, PolicyName="p"))),
    "the user leaves the group": (by_group, lambda f: (
        off_role(f), f.iam.remove_user_from_group(GroupName=f.group, UserName=f.user.name))),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_taken_away_is_gone_with_the_next_request(estate, what):
    give, take = CHANGES[what]
    f = Freshness(estate)
    give(f)
    everyone = f.everyone()
    for one in everyone:
        assert one.may_list()
    take(f)
    for one in everyone:
        denied(one.may_list)


def test_a_renamed_user_is_judged_by_its_new_name(estate):
    one, rest = make_user(estate.server, document(statement("Allow", "iot:*", Condition={
        "StringLike": {"aws:username": "u*", "aws:PrincipalArn": "arn:aws:iam::*:user/u*"}}))), unique("v")
    session = Caller(estate.server, one.sts.get_session_token()["Credentials"])
    assert one.may_list() and session.may_list()
    estate.iam.update_user(UserName=one.name, NewUserName=rest)
    denied(one.may_list)
    denied(session.may_list)
    assert one.sts.get_caller_identity()["Arn"].endswith("user/" + rest)
    assert session.sts.get_caller_identity()["Arn"].endswith("user/" + rest)


def test_who_was_deleted_is_nobody_at_once_with_all_his_sessions(estate):
    f = Freshness(estate)
    f.put()
    everyone = f.everyone()
    for one in everyone:
        assert one.may_list()
    f.iam.delete_access_key(UserName=f.user.name, AccessKeyId=f.user.keys["AccessKeyId"])
    f.iam.delete_user_policy(UserName=f.user.name, PolicyName="p")
    f.iam.remove_user_from_group(GroupName=f.group, UserName=f.user.name)
    f.iam.delete_user(UserName=f.user.name)
    f.iam.delete_role_policy(RoleName=f.role, PolicyName="p")
    f.iam.delete_role(RoleName=f.role)
    for one in everyone:
        denied(one.may_list, "UnrecognizedClientException")
        denied(one.sts.get_caller_identity, "InvalidClientTokenId")
