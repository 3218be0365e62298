/* Who may do what (auth 4.2, 4.3): rows of api/authorization.json against IAM policies. */
#include "fixture.h"

#define A "arn:aws:iot:us-east-1:000000000001:"
#define ALLOW(action, resource)                                                                                        \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":" resource "}" \
    "}"
#define ALLOW_IF(action, condition)                                                      \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":" action \
    ",\"Resource\":\"*\",\"Condition\":" condition "}}"
#define DENIED(action, resource)                                                                                   \
    "User: arn:aws:iam::000000000001:user/ops/ada is not authorized to perform: " action " on resource: " resource \
    " because no identity-based policy allows the " action " action"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct row {
    const char *name, *service, *operation, *input, *policy;
    const char *message; /* NULL: allowed */
} rows[] = {
    { "everything", "iot", "CreateThing", "{\"thingName\":\"a\"}", ALLOW("\"*\"", "\"*\""), NULL },
    { "nothing", "iot", "CreateThing", "{\"thingName\":\"a\"}", ALLOW("\"s3:*\"", "\"*\""),
      DENIED("iot:CreateThing", A "thing/a") },
    { "an operation without a resource", "iot", "GetRegistrationCode", "{}", ALLOW("\"s3:*\"", "\"*\""),
      DENIED("iot:GetRegistrationCode", "*") },
    { "without a resource only * allows", "iot", "ListThings", "{}", ALLOW("\"iot:*\"", "\"" A "thing/*\""),
      DENIED("iot:ListThings", "*") },
    { "its thing", "iot", "DescribeThing", "{\"thingName\":\"a\"}", ALLOW("\"iot:DescribeThing\"", "\"" A "thing/a\""),
      NULL },
    { "another thing", "iot", "DescribeThing", "{\"thingName\":\"b\"}",
      ALLOW("\"iot:DescribeThing\"", "\"" A "thing/a\""), DENIED("iot:DescribeThing", A "thing/b") },
    { "the billing group too, if given", "iot", "CreateThing", "{\"thingName\":\"a\",\"billingGroupName\":\"b\"}",
      ALLOW("\"iot:*\"", "\"" A "thing/*\""), DENIED("iot:CreateThing", A "billinggroup/b") },
    { "two resources, each allowed", "iot", "AddThingToThingGroup", "{\"thingName\":\"a\",\"thingGroupName\":\"g\"}",
      ALLOW("\"iot:*\"", "[\"" A "thing/a\",\"" A "thinggroup/g\"]"), NULL },
    { "two resources, one allowed", "iot", "AddThingToThingGroup", "{\"thingName\":\"a\",\"thingGroupName\":\"g\"}",
      ALLOW("\"iot:*\"", "\"" A "thing/a\""), DENIED("iot:AddThingToThingGroup", A "thinggroup/g") },
    { "a name allowed does not hide an ARN that is not", "iot", "AddThingToThingGroup",
      "{\"thingName\":\"a\",\"thingArn\":\"" A "thing/b\",\"thingGroupName\":\"g\"}",
      ALLOW("\"iot:*\"", "[\"" A "thing/a\",\"" A "thinggroup/g\"]"), DENIED("iot:AddThingToThingGroup", A "thing/b") },
    { "every element of a list", "iot", "UpdateThingGroupsForThing",
      "{\"thingName\":\"a\",\"thingGroupsToAdd\":[\"g\",\"h\"]}",
      ALLOW("\"iot:*\"", "[\"" A "thing/a\",\"" A "thinggroup/g\"]"),
      DENIED("iot:UpdateThingGroupsForThing", A "thinggroup/h") },
    { "a target's ARN", "iot", "AttachPolicy", "{\"policyName\":\"p\",\"target\":\"" A "cert/" ID "\"}",
      ALLOW("\"iot:AttachPolicy\"", "\"" A "cert/*\""), NULL },
    { "a target that is no ARN is *", "iot", "AttachPolicy", "{\"policyName\":\"p\",\"target\":\"us-east-1:0d5c\"}",
      ALLOW("\"iot:AttachPolicy\"", "\"" A "cert/*\""), DENIED("iot:AttachPolicy", "*") },
    { "a principal in a header", "iot", "AttachThingPrincipal",
      "{\"thingName\":\"a\",\"principal\":\"" A "cert/" ID "\"}", ALLOW("\"iot:*\"", "\"" A "cert/" ID "\""), NULL },
    { "the thing of an attachment is a condition key", "iot", "AttachThingPrincipal",
      "{\"thingName\":\"a\",\"principal\":\"" A "cert/" ID "\"}",
      ALLOW_IF("\"iot:*\"", "{\"ArnLike\":{\"iot:thingArn\":\"" A "thing/a*\"}}"), NULL },
    { "another thing in that condition", "iot", "AttachThingPrincipal",
      "{\"thingName\":\"b\",\"principal\":\"" A "cert/" ID "\"}",
      ALLOW_IF("\"iot:*\"", "{\"ArnLike\":{\"iot:thingArn\":\"" A "thing/a*\"}}"),
      DENIED("iot:AttachThingPrincipal", A "cert/" ID) },
    { "a row whose members are all absent is about everything", "iot", "GetEffectivePolicies", "{}",
      ALLOW("\"iot:*\"", "\"" A "cert/*\""), DENIED("iot:GetEffectivePolicies", "*") },
    { "a template's claim", "iot", "CreateProvisioningClaim", "{\"templateName\":\"t\"}",
      ALLOW("\"iot:CreateProvisioningClaim\"", "\"" A "provisioningtemplate/t\""), NULL },
    { "an explicit deny", "iot", "CreateThing", "{\"thingName\":\"a\"}",
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{"
      "\"Effect\":\"Deny\","
      "\"Action\":\"iot:Create*\",\"Resource\":\"*\"}]}",
      "User: arn:aws:iam::000000000001:user/ops/ada is not authorized to perform: iot:CreateThing on resource: " A
      "thing/a with an explicit deny in an identity-based policy" },
    { "GetCallerIdentity needs nothing", "sts", "GetCallerIdentity", "{}",
      "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}", NULL },
    { "aws:SourceIp", "iot", "ListThings", "{}",
      ALLOW_IF("\"iot:*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}"), NULL },
    { "aws:SourceIp of others", "iot", "ListThings", "{}",
      ALLOW_IF("\"iot:*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"11.0.0.0/8\"}}"), DENIED("iot:ListThings", "*") },
    { "the keys always there", "iot", "ListThings", "{}",
      ALLOW_IF("\"iot:*\"",
               "{\"StringEquals\":{\"aws:RequestedRegion\":\"us-east-1\",\"aws:PrincipalAccount\":\"000000000001\","
               "\"aws:username\":"
               "\"ada\",\"aws:userid\":\"AIDA1\",\"aws:PrincipalType\":\"User\",\"aws:UserAgent\":\"cli\",\"aws:"
               "ResourceAccount\":"
               "\"000000000001\",\"aws:PrincipalArn\":\"arn:aws:iam::000000000001:user/ops/ada\"},\"Bool\":{\"aws:"
               "SecureTransport\":\"true\",\"aws:ViaAWSService\":\"false\"},\"DateGreaterThan\":{\"aws:CurrentTime\":"
               "\"2020-01-"
               "01T00:00:00Z\"},\"NumericGreaterThan\":{\"aws:EpochTime\":\"1\"}}"),
      NULL },
    { "a tag of the request", "iot", "CreateThingType",
      "{\"thingTypeName\":\"t\",\"tags\":[{\"Key\":\"team\",\"Value\":\"plant\"}]}",
      ALLOW_IF("\"iot:*\"", "{\"StringEquals\":{\"aws:RequestTag/team\":\"plant\"}}"), NULL },
    { "keys of tags", "iot", "CreateThingType",
      "{\"thingTypeName\":\"t\",\"tags\":[{\"Key\":\"team\",\"Value\":\"plant\"},{\"Key\":\"x\",\"Value\":\"y\"}]}",
      ALLOW_IF("\"iot:*\"", "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\"]}}"),
      DENIED("iot:CreateThingType", A "thingtype/t") },
    { "keys to untag", "iot", "UntagResource", "{\"resourceArn\":\"" A "thingtype/t\",\"tagKeys\":[\"x\"]}",
      ALLOW_IF("\"iot:*\"", "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\"]}}"),
      DENIED("iot:UntagResource", A "thingtype/t") },
    { "a service without rows: its prefix on *", "acm", "DescribeCertificate", "{}",
      ALLOW("\"acm:DescribeCertificate\"", "\"*\""), NULL },
    { "tags in a header", "iot", "CreateTopicRule",
      "{\"ruleName\":\"r\",\"tags\":\"team=plant%20one&x=%26\",\"topicRulePayload\":{}}",
      ALLOW_IF("\"iot:*\"", "{\"StringEquals\":{\"aws:RequestTag/team\":\"plant one\",\"aws:RequestTag/x\":\"&\"}}"),
      NULL },
    { "another case of a tag's key does not hide its value", "iot", "CreateThingType",
      "{\"thingTypeName\":\"t\",\"tags\":[{\"Key\":\"team\",\"Value\":\"a\"},{\"Key\":\"Team\",\"Value\":\"evil\"}]}",
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
      "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:RequestTag/"
      "team\":"
      "\"evil\"}}}]}",
      "User: arn:aws:iam::000000000001:user/ops/ada is not authorized to perform: iot:CreateThingType on resource: " A
      "thingtype/t with an explicit deny in an identity-based policy" },
    { "aws:Referer", "iot", "ListThings", "{}",
      ALLOW_IF("\"iot:*\"", "{\"StringLike\":{\"aws:Referer\":\"https://plant.test/*\"}}"), NULL },
    { "no temporary credentials, no MultiFactorAuthPresent", "iot", "ListThings", "{}",
      ALLOW_IF("\"iot:*\"", "{\"Null\":{\"aws:MultiFactorAuthPresent\":\"true\",\"aws:TokenIssueTime\":\"true\"}}"),
      NULL },
    { "a list's second version has the action of the first", "iot", "ListThingPrincipalsV2", "{\"thingName\":\"a\"}",
      ALLOW("\"iot:ListThingPrincipals\"", "\"" A "thing/a\""), NULL },
    { "and no other", "iot", "ListThingPrincipalsV2", "{\"thingName\":\"a\"}",
      ALLOW("\"iot:ListThingPrincipalsV2\"", "\"" A "thing/a\""), DENIED("iot:ListThingPrincipals", A "thing/a") },
    { "so of principals", "iot", "ListPrincipalThingsV2", "{\"principal\":\"" A "cert/" ID "\"}",
      ALLOW("\"iot:ListPrincipalThings\"", "\"" A "cert/*\""), NULL },
    { "a user of IAM", "iam", "PutUserPolicy", "{\"UserName\":\"bob\"}",
      ALLOW("\"iam:*\"", "\"arn:aws:iam::000000000001:user/ada\""),
      DENIED("iam:PutUserPolicy", "arn:aws:iam::000000000001:user/bob") },
    { "which policy is attached is a condition key", "iam", "AttachUserPolicy",
      "{\"UserName\":\"bob\",\"PolicyArn\":\"arn:aws:iam::aws:policy/AdministratorAccess\"}",
      ALLOW_IF("\"iam:*\"", "{\"ArnNotEquals\":{\"iam:PolicyARN\":\"arn:aws:iam::aws:policy/AdministratorAccess\"}}"),
      DENIED("iam:AttachUserPolicy", "arn:aws:iam::000000000001:user/bob") },
    { "a boundary that must be set", "iam", "CreateUser", "{\"UserName\":\"bob\"}",
      ALLOW_IF("\"iam:*\"", "{\"StringEquals\":{\"iam:PermissionsBoundary\":\"arn:aws:iam::000000000001:policy/b\"}}"),
      DENIED("iam:CreateUser", "arn:aws:iam::000000000001:user/bob") },
    { "a boundary that is set", "iam", "CreateUser",
      "{\"UserName\":\"bob\",\"PermissionsBoundary\":\"arn:aws:iam::000000000001:policy/b\"}",
      ALLOW_IF("\"iam:*\"", "{\"StringEquals\":{\"iam:PermissionsBoundary\":\"arn:aws:iam::000000000001:policy/b\"}}"),
      NULL },
    { "a federated user's name", "sts", "GetFederationToken", "{\"Name\":\"bob\"}",
      ALLOW("\"sts:*\"", "\"arn:aws:sts::000000000001:federated-user/al*\""),
      DENIED("sts:GetFederationToken", "arn:aws:sts::000000000001:federated-user/bob") },
    { "scenario 14: a pattern's parts stay in their parts", "iot", "DescribeThing", "{\"thingName\":\"x:thing/a\"}",
      ALLOW("\"iot:*\"", "\"arn:aws:iot:*:000000000001:thing/a\""), DENIED("iot:DescribeThing", A "thing/x:thing/a") },
    { "an ARN in capitals is none", "iot", "AttachPolicy",
      "{\"policyName\":\"p\",\"target\":\"ARN:AWS:iot:us-east-1:000000000001:cert/" ID "\"}",
      ALLOW("\"iot:AttachPolicy\"", "\"" A "cert/*\""), DENIED("iot:AttachPolicy", "*") },
    { "an encoded slash is no slash", "iot", "DescribeThing", "{\"thingName\":\"..%2Fa\"}",
      ALLOW("\"iot:*\"", "\"" A "thing/a\""), DENIED("iot:DescribeThing", A "thing/..%2Fa") },
    { "case matters in a resource", "iot", "DescribeThing", "{\"thingName\":\"A\"}",
      ALLOW("\"iot:*\"", "\"" A "thing/a\""), DENIED("iot:DescribeThing", A "thing/A") },
    { "case does not matter in an action", "iot", "DescribeThing", "{\"thingName\":\"a\"}",
      ALLOW("\"IOT:DESCRIBE*\"", "\"" A "thing/a\""), NULL },
    { "NotAction", "iot", "ListThings", "{}",
      "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"NotAction\":\"iot:List*\",\"Resource\":\"*\"}"
      "}",
      DENIED("iot:ListThings", "*") },
    { "NotResource", "iot", "DescribeThing", "{\"thingName\":\"a\"}",
      "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"NotResource\":\"" A
      "thing/a\"}}",
      DENIED("iot:DescribeThing", A "thing/a") },
    { "a literal * in a name is no wildcard", "iot", "DescribeThing", "{\"thingName\":\"*\"}",
      ALLOW("\"iot:*\"", "\"" A "thing/a\""), DENIED("iot:DescribeThing", A "thing/*") },
    { "jobs of devices have their own prefix", "iot-jobs-data", "GetPendingJobExecutions", "{\"thingName\":\"a\"}",
      ALLOW("\"iotjobsdata:*\"", "\"" A "thing/a\""), NULL },
};

static struct caller *user_with(void *ctx, const char *document)
{
    struct policy *policy = NULL;
    error *e = policy_parse(ctx, slice_of(document), POLICY_IAM_IDENTITY, &policy);
    if (e != NULL)
        fail_msg("%s: %s", document, e->message);
    struct caller *caller = MAKE(ctx, struct caller);
    const struct policy **policies = MAKE_ARRAY(ctx, const struct policy *, 1);
    policies[0] = policy;
    *caller = (struct caller){ .kind = CALLER_IAM,
                               .account = "000000000001",
                               .arn = "arn:aws:iam::000000000001:user/ops/ada",
                               .user_id = "AIDA1",
                               .user_name = "ada",
                               .type = "User",
                               .policies = policies,
                               .policy_count = 1 };
    return caller;
}

static struct call *call_by(void *ctx, struct door *door, const char *service, const char *operation, const char *input,
                            const struct caller *caller)
{
    struct call *call = call_new(door, service, operation);
    call->account = "000000000001";
    call->region = "us-east-1";
    call->source_ip = "10.1.2.3";
    call->user_agent = "cli";
    call->referer = "https://plant.test/things";
    call->caller = caller;
    call->input = json_share(call, json_of(ctx, input));
    return call;
}

static void asks(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct call *call =
        call_by(ctx, shared_door(), row->service, row->operation, row->input, user_with(ctx, row->policy));
    assert_error(authorize(call), row->message ? "AccessDeniedException" : NULL, row->message);
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- who is asked ---- */

static const struct kind {
    const char *name;
    enum caller_kind kind;
    bool root, nobody, enforced, allowed;
} kinds[] = {
    { "a user without rights", CALLER_IAM, false, false, true, false },
    { "root", CALLER_IAM, true, false, true, true },
    { "a role without rights", CALLER_ROLE, false, false, true, false },
    { "a device: its IoT policies decided", CALLER_DEVICE, false, false, true, true },
    { "the service itself", CALLER_SERVICE, false, false, true, true },
    { "nobody", CALLER_IAM, false, true, true, false },
    { "a user where IAM is not enforced", CALLER_IAM, false, false, false, true },
};

static void is_asked(void **state)
{
    const struct kind *row = *state;
    void *ctx = talloc_new(NULL);
    struct door *door = door_of_tests(ctx, NULL, NULL);
    door->options.enforce_iam = row->enforced;
    struct caller *caller = user_with(ctx, ALLOW("\"s3:*\"", "\"*\""));
    caller->kind = row->kind;
    caller->is_root = row->root;
    struct call *call = call_by(ctx, door, "iot", "CreateThing", "{\"thingName\":\"a\"}", row->nobody ? NULL : caller);
    assert_error(authorize(call), row->allowed ? NULL : "AccessDeniedException", NULL);
    assert_error(call_require(call, "iot:CreatePolicy", A "policy/p"), row->allowed ? NULL : "AccessDeniedException",
                 NULL);
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- rights that a row cannot say ---- */

#define ROLE "arn:aws:iam::000000000001:role/Prov"
static const struct pass {
    const char *name, *policy, *role, *service, *message;
} passes[] = {
    { "any role", ALLOW("\"iam:PassRole\"", "\"*\""), ROLE, "iot.amazonaws.com", NULL },
    { "this role for this service",
      ALLOW_IF("\"iam:PassRole\"", "{\"StringEquals\":{\"iam:PassedToService\":\"iot.amazonaws.com\"}}"), ROLE,
      "iot.amazonaws.com", NULL },
    { "for this template",
      ALLOW_IF("\"iam:PassRole\"", "{\"ArnLike\":{\"iam:AssociatedResourceArn\":\"" A "provisioningtemplate/t\"}}"),
      ROLE, "iot.amazonaws.com", NULL },
    { "another service",
      ALLOW_IF("\"iam:PassRole\"", "{\"StringEquals\":{\"iam:PassedToService\":\"iot.amazonaws.com\"}}"), ROLE,
      "credentials.iot.amazonaws.com", DENIED("iam:PassRole", ROLE) },
    { "no right", ALLOW("\"iot:*\"", "\"*\""), ROLE, "iot.amazonaws.com", DENIED("iam:PassRole", ROLE) },
    { "a role of another account", ALLOW("\"*\"", "\"*\""), "arn:aws:iam::000000000002:role/Prov", "iot.amazonaws.com",
      "Cross-account pass role is not allowed." },
    { "no role at all", ALLOW("\"*\"", "\"*\""), "Prov", "iot.amazonaws.com",
      "Cross-account pass role is not allowed." },
};

static void is_passed(void **state)
{
    const struct pass *row = *state;
    void *ctx = talloc_new(NULL);
    struct call *call = call_by(ctx, shared_door(), "iot", "CreateProvisioningTemplate", "{\"templateName\":\"t\"}",
                                user_with(ctx, row->policy));
    assert_error(call_require_pass_role(call, row->role, row->service), row->message ? "AccessDeniedException" : NULL,
                 row->message);
    talloc_free(call);
    talloc_free(ctx);
}

static const struct other {
    const char *name, *policy;
    bool allowed;
} others[] = {
    { "a role that may", ALLOW("\"iot:CreateThing\"", "\"" A "thing/*\""), true },
    { "a role that may not", ALLOW("\"iot:CreateThing\"", "\"" A "thing/b\""), false },
};

static void another_is_asked(void **state)
{
    const struct other *row = *state;
    void *ctx = talloc_new(NULL);
    struct caller device = { .kind = CALLER_DEVICE, .account = "000000000001", .arn = A "cert/" ID };
    struct caller *role = user_with(ctx, row->policy);
    role->kind = CALLER_ROLE;
    struct call *call = call_by(ctx, shared_door(), "mqtt", "RegisterThing", "{}", &device);
    assert_error(authorize(call), NULL, NULL);
    assert_error(caller_require(call, role, "iot:CreateThing", A "thing/a"),
                 row->allowed ? NULL : "AccessDeniedException", NULL);
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- sessions ---- */

static const slice plant[] = { { "plant", 5 } }, issued[] = { { "2026-01-15T08:30:00Z", 20 } },
                   methods[] = { { "a", 1 }, { "b", 1 } }, elsewhere[] = { { "99.9.9.9", 8 } };
static const struct session_row {
    const char *name;
    enum session_kind session;
    const char *service, *operation, *policy;
    const char *message;
} sessions[] = {
    { "the role, not the session, is aws:PrincipalArn", SESSION_ROLE, "iot", "ListThings",
      ALLOW_IF("\"iot:*\"", "{\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::000000000001:role/deep/Prov\"}}"),
      NULL },
    { "the session is named in a refusal", SESSION_ROLE, "iot", "ListThings", ALLOW("\"s3:*\"", "\"*\""),
      "User: arn:aws:sts::000000000001:assumed-role/Prov/me is not authorized to perform: iot:ListThings on resource: "
      "* "
      "because no identity-based policy allows the iot:ListThings action" },
    { "what the session brings are keys", SESSION_ROLE, "iot", "ListThings",
      ALLOW_IF("\"iot:*\"",
               "{\"StringEquals\":{\"aws:PrincipalTag/team\":\"plant\"},\"ForAnyValue:StringEquals\":{"
               "\"cognito-identity.amazonaws.com:amr\":\"b\"},\"Bool\":{\"aws:MultiFactorAuthPresent\":\"false\"},"
               "\"DateGreaterThan\":{\"aws:TokenIssueTime\":\"2020-01-01T00:00:00Z\"}}"),
      NULL },
    { "but cannot pass for the request's", SESSION_ROLE, "iot", "ListThings",
      ALLOW_IF("\"iot:*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"99.9.9.9\"}}"),
      "User: arn:aws:sts::000000000001:assumed-role/Prov/me is not authorized to perform: iot:ListThings on resource: "
      "* "
      "because no identity-based policy allows the iot:ListThings action" },
    { "no IAM with the keys of GetSessionToken", SESSION_USER, "iam", "ListUsers", ALLOW("\"*\"", "\"*\""),
      "Cannot call ListUsers with session credentials" },
    { "nor GetSessionToken again", SESSION_USER, "sts", "GetSessionToken", ALLOW("\"*\"", "\"*\""),
      "Cannot call GetSessionToken with session credentials" },
    { "nor GetFederationToken", SESSION_USER, "sts", "GetFederationToken", ALLOW("\"*\"", "\"*\""),
      "Cannot call GetFederationToken with session credentials" },
    { "but AssumeRole", SESSION_USER, "sts", "AssumeRole", ALLOW("\"*\"", "\"*\""), NULL },
    { "and GetCallerIdentity", SESSION_USER, "sts", "GetCallerIdentity", ALLOW("\"*\"", "\"*\""), NULL },
    { "and other services", SESSION_USER, "iot", "ListThings", ALLOW("\"*\"", "\"*\""), NULL },
    { "a federated user assumes no role", SESSION_FEDERATED, "sts", "AssumeRole", ALLOW("\"*\"", "\"*\""),
      "Cannot call AssumeRole with session credentials" },
    { "a role's session may call IAM", SESSION_ROLE, "iam", "ListUsers", ALLOW("\"*\"", "\"*\""), NULL },
};

static void session_asks(void **state)
{
    const struct session_row *row = *state;
    void *ctx = talloc_new(NULL);
    static const struct caller_fact facts[] = {
        { "aws:PrincipalTag/team", plant, 1 },
        { "aws:TokenIssueTime", issued, 1 },
        { "cognito-identity.amazonaws.com:amr", methods, 2 },
        { "aws:SourceIp", elsewhere, 1 },
    };
    struct caller *caller = user_with(ctx, row->policy);
    caller->session = row->session;
    caller->facts = facts;
    caller->fact_count = sizeof(facts) / sizeof(facts[0]);
    caller->type = "AssumedRole";
    caller->arn = "arn:aws:sts::000000000001:assumed-role/Prov/me";
    caller->principal_arn = "arn:aws:iam::000000000001:role/deep/Prov";
    struct call *call = call_by(ctx, shared_door(), row->service, row->operation, "{}", caller);
    assert_error(authorize(call), row->message ? "AccessDeniedException" : NULL, row->message);
    talloc_free(call);
    talloc_free(ctx);
}

/* However many tags come first, the one that is denied is seen. */
static void no_key_is_lost(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    char *tags = text_copy(ctx, "");
    for (int i = 0; i < 500; i++)
        tags = text_format(ctx, "%s{\"Key\":\"k%d\",\"Value\":\"v\"},", tags, i);
    const char *input =
        text_format(ctx, "{\"thingTypeName\":\"t\",\"tags\":[%s{\"Key\":\"team\",\"Value\":\"evil\"}]}", tags);
    struct caller *caller = user_with(
        ctx, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
             "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
             "\"aws:RequestTag/team\":\"evil\"}}}]}");
    struct call *call = call_by(ctx, shared_door(), "iot", "CreateThingType", input, caller);
    assert_error(authorize(call), "AccessDeniedException", NULL);
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- what the store knows of a resource ---- */

static int looks;

static FALLIBLE look(struct tx *tx, void *ctx, const struct call *call, struct resource *resource)
{
    static const struct caller_fact tags[] = { { "aws:ResourceTag/team", plant, 1 } };
    (void)tx;
    (void)call;
    looks++;
    if (strstr(resource->arn, ":user/"))
        resource->arn = text_copy(ctx, "arn:aws:iam::000000000001:user/ops/bob");
    resource->tags = tags;
    resource->tag_count = 1;
    return NULL;
}

static const struct look_row {
    const char *name, *service, *operation, *input, *policy, *message;
    bool root;
    int looks;
} look_rows[] = {
    { "a policy that asks for no tag costs no read", "iot", "DescribeThing", "{\"thingName\":\"a\"}",
      ALLOW("\"iot:*\"", "\"*\""), NULL, false, 0 },
    { "a tag of the resource", "iot", "DescribeThing", "{\"thingName\":\"a\"}",
      ALLOW_IF("\"iot:*\"", "{\"StringEquals\":{\"aws:ResourceTag/Team\":\"plant\"}}"), NULL, false, 1 },
    { "an escape in the policy hides no question", "iot", "DescribeThing", "{\"thingName\":\"a\"}",
      ALLOW_IF("\"iot:*\"", "{\"StringEquals\":{\"aws:\\u0052esourceTag/team\":\"plant\"}}"), NULL, false, 1 },
    { "a tag that is denied", "iot", "DescribeThing", "{\"thingName\":\"a\"}",
      ALLOW_IF("\"iot:*\"", "{\"StringNotEquals\":{\"aws:ResourceTag/team\":\"plant\"}}"),
      DENIED("iot:DescribeThing", A "thing/a"), false, 1 },
    { "a tag as a variable", "iot", "DescribeThing", "{\"thingName\":\"plant\"}",
      ALLOW("\"iot:*\"", "\"" A "thing/${aws:ResourceTag/team}\""), NULL, false, 1 },
    { "two resources are looked at", "iot", "AddThingToThingGroup", "{\"thingName\":\"a\",\"thingGroupName\":\"g\"}",
      ALLOW_IF("\"iot:*\"", "{\"StringEquals\":{\"aws:ResourceTag/team\":\"plant\"}}"), NULL, false, 2 },
    { "a user's path comes from the store, always", "iam", "GetUser", "{\"UserName\":\"bob\"}",
      ALLOW("\"iam:*\"", "\"arn:aws:iam::000000000001:user/ops/*\""), NULL, false, 1 },
    { "and its tags by IAM's own name", "iam", "GetUser", "{\"UserName\":\"bob\"}",
      ALLOW_IF("\"iam:*\"", "{\"StringEquals\":{\"iam:ResourceTag/team\":\"plant\"}}"), NULL, false, 1 },
    { "root is not asked", "iam", "GetUser", "{\"UserName\":\"bob\"}", ALLOW("\"s3:*\"", "\"*\""), NULL, true, 0 },
};

static void looks_at(void **state)
{
    const struct look_row *row = *state;
    void *ctx = talloc_new(NULL);
    struct door *door = door_of_tests(ctx, NULL, NULL);
    door_on_resource(door, "iot", look);
    door_on_resource(door, "iam", look);
    struct caller *caller = user_with(ctx, row->policy);
    caller->is_root = row->root;
    struct call *call = call_by(ctx, door, row->service, row->operation, row->input, caller);
    call->tx = (struct tx *)(void *)call; /* never looked into */
    looks = 0;
    assert_error(authorize(call), row->message ? "AccessDeniedException" : NULL, row->message);
    assert_int_equal(looks, row->looks);
    talloc_free(call);
    talloc_free(ctx);
}

static const struct lone {
    const char *name;
} lone[] = { { "500 tags" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, asks), TABLE(kinds, is_asked), TABLE(passes, is_passed),
                      TABLE(others, another_is_asked), TABLE(sessions, session_asks), TABLE(lone, no_key_is_lost),
                      TABLE(look_rows, looks_at));
}
