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
    struct call *call =
        call_by(ctx, shared_door(), "iot", "CreateProvisioningTemplate", "{}", user_with(ctx, row->policy));
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

int main(void)
{
    return RUN_TABLES(TABLE(rows, asks), TABLE(kinds, is_asked), TABLE(passes, is_passed),
                      TABLE(others, another_is_asked));
}
