/* decide_test.c - IAM decisions (auth 4.2.6), their sentences, trust, and the ready-made policies. */
#include "given.h"
#include "policy/managed.h"

#define USER    "arn:aws:iam::111122223333:user/ci"
#define ROLE    "arn:aws:iam::111122223333:role/r"
#define SESSION "arn:aws:sts::111122223333:assumed-role/r/s"
#define USER_ID "AIDAIIIIIIIIIIIIIIIII"

#define NOTHING POLICY_IMPLICIT_DENY
#define ALLOW   POLICY_ALLOW
#define DENY    POLICY_EXPLICIT_DENY
enum { BY_USER = 0, BY_SESSION = 1, BY_ROOT = 2, ACROSS = 4, ASSUMES = 8 };

/* A policy is "+" (allows the request), "-" (denies it), "o" (speaks of something else) or NULL (there is none); a
   resource policy says besides whom: "+user", "+role", "+session", "+account", "+everyone". */
static const struct row {
    const char *name;
    int who;
    const char *identity, *boundary, *session, *resource;
    enum policy_effect effect;
    enum iam_reason reason;
} rows[] = {
    { "nothing allows", BY_USER, NULL, NULL, NULL, NULL, NOTHING, IAM_NOT_IN_IDENTITY },
    { "identity allows", BY_USER, "+", NULL, NULL, NULL, ALLOW, IAM_ALLOWED },
    { "identity speaks of something else", BY_USER, "o", NULL, NULL, NULL, NOTHING, IAM_NOT_IN_IDENTITY },
    { "identity denies", BY_USER, "-", NULL, NULL, NULL, DENY, IAM_DENIED_BY_IDENTITY },
    { "the boundary alone allows nothing", BY_USER, NULL, "+", NULL, NULL, NOTHING, IAM_NOT_IN_IDENTITY },
    { "the boundary must allow", BY_USER, "+", "o", NULL, NULL, NOTHING, IAM_NOT_IN_BOUNDARY },
    { "both allow", BY_USER, "+", "+", NULL, NULL, ALLOW, IAM_ALLOWED },
    { "the boundary denies", BY_USER, "+", "-", NULL, NULL, DENY, IAM_DENIED_BY_BOUNDARY },
    { "the session policy must allow", BY_SESSION, "+", NULL, "o", NULL, NOTHING, IAM_NOT_IN_SESSION },
    { "identity and session allow", BY_SESSION, "+", NULL, "+", NULL, ALLOW, IAM_ALLOWED },
    { "the session policy denies", BY_SESSION, "+", NULL, "-", NULL, DENY, IAM_DENIED_BY_SESSION },
    { "the session policy alone allows nothing", BY_SESSION, NULL, NULL, "+", NULL, NOTHING, IAM_NOT_IN_IDENTITY },
    { "boundary before session", BY_SESSION, "+", "o", "o", NULL, NOTHING, IAM_NOT_IN_BOUNDARY },
    { "a resource policy names the user: boundary or not", BY_USER, NULL, "o", NULL, "+user", ALLOW, IAM_ALLOWED },
    { "a resource policy names the session", BY_SESSION, NULL, NULL, "o", "+session", ALLOW, IAM_ALLOWED },
    { "a resource policy names the role: the session policy still counts", BY_SESSION, NULL, NULL, "o", "+role",
      NOTHING, IAM_NOT_IN_SESSION },
    { "a resource policy names the account", BY_USER, NULL, NULL, NULL, "+account", ALLOW, IAM_ALLOWED },
    { "a resource policy names everyone", BY_USER, NULL, NULL, NULL, "+everyone", ALLOW, IAM_ALLOWED },
    { "a resource policy names somebody else", BY_USER, NULL, NULL, NULL, "+role", NOTHING, IAM_NOT_IN_IDENTITY },
    { "a resource policy denies", BY_USER, "+", NULL, NULL, "-everyone", DENY, IAM_DENIED_BY_RESOURCE },
    { "a resource policy denies somebody else", BY_USER, "+", NULL, NULL, "-role", ALLOW, IAM_ALLOWED },
    { "root", BY_ROOT, NULL, NULL, NULL, NULL, ALLOW, IAM_ALLOWED },
    { "root is denied by a resource policy", BY_ROOT, NULL, NULL, NULL, "-everyone", DENY, IAM_DENIED_BY_RESOURCE },
    { "across accounts identity alone is not enough", BY_USER | ACROSS, "+", NULL, NULL, NULL, NOTHING,
      IAM_NOT_IN_RESOURCE },
    { "nor the resource policy alone", BY_USER | ACROSS, NULL, NULL, NULL, "+user", NOTHING, IAM_NOT_IN_IDENTITY },
    { "both sides allow", BY_USER | ACROSS, "+", NULL, NULL, "+user", ALLOW, IAM_ALLOWED },
    { "root across accounts", BY_ROOT | ACROSS, NULL, NULL, NULL, NULL, NOTHING, IAM_NOT_IN_RESOURCE },

    { "trust names the user", BY_USER | ASSUMES, NULL, NULL, NULL, "+user", ALLOW, IAM_ALLOWED },
    { "trust names the user's unique id", BY_USER | ASSUMES, NULL, NULL, NULL, "+id", ALLOW, IAM_ALLOWED },
    { "trust names the role of a session", BY_SESSION | ASSUMES, NULL, NULL, NULL, "+role", ALLOW, IAM_ALLOWED },
    { "trust names the account: identity must allow", BY_USER | ASSUMES, NULL, NULL, NULL, "+account", NOTHING,
      IAM_NOT_IN_IDENTITY },
    { "trust names everyone: identity must allow", BY_USER | ASSUMES, NULL, NULL, NULL, "+everyone", NOTHING,
      IAM_NOT_IN_IDENTITY },
    { "trust names the account, identity allows", BY_USER | ASSUMES, "+", NULL, NULL, "+account", ALLOW, IAM_ALLOWED },
    { "trust names nobody", BY_USER | ASSUMES, "+", NULL, NULL, "+role", NOTHING, IAM_NOT_IN_TRUST },
    { "trust denies", BY_USER | ASSUMES, "+", NULL, NULL, "-account", DENY, IAM_DENIED_BY_TRUST },
    { "identity denies though trust allows", BY_USER | ASSUMES, "-", NULL, NULL, "+user", DENY,
      IAM_DENIED_BY_IDENTITY },
    { "root may not assume", BY_ROOT | ASSUMES, "+", NULL, NULL, "+account", NOTHING, IAM_ROOT_ASSUMES },
    { "trust across accounts needs identity", BY_USER | ASSUMES | ACROSS, NULL, NULL, NULL, "+user", NOTHING,
      IAM_NOT_IN_IDENTITY },
};

static const char *action_of(const char *verdict, int who)
{
    if (who & ASSUMES)
        return verdict[0] == 'o' ? "sts:TagSession" : "sts:AssumeRole";
    return verdict[0] == 'o' ? "iot:CreateThing" : "iot:ListThings";
}

static const char *principal_of(const char *whom)
{
    static const char *const names[][2] = { { "user", USER },  { "role", ROLE },    { "session", SESSION },
                                            { "id", USER_ID }, { "everyone", "*" }, { "account", "111122223333" } };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(whom, names[i][0]) == 0)
            return names[i][1];
    fail_msg("who is %s?", whom);
    return "";
}

static const struct policy *policy_of(void *ctx, const char *verdict, int who)
{
    if (verdict == NULL)
        return NULL;
    bool trust = who & ASSUMES, names = strlen(verdict) > 1;
    const char *effect = verdict[0] == '-' ? "Deny" : "Allow", *resource = ",\"Resource\":\"*\"";
    const char *principal = names ? text_format(ctx, ",\"Principal\":{\"AWS\":\"%s\"}", principal_of(verdict + 1)) : "";
    enum policy_kind kind = !names ? POLICY_IAM_IDENTITY : trust ? POLICY_IAM_TRUST : POLICY_IAM_RESOURCE;
    return given_policy(ctx, kind,
                        text_format(ctx, "{\"Statement\":{\"Effect\":\"%s\",\"Action\":\"%s\"%s%s}}", effect,
                                    action_of(verdict, who), principal, kind == POLICY_IAM_TRUST ? "" : resource));
}

static void decides(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    const struct policy *identity = policy_of(ctx, row->identity, row->who);
    const struct policy *session = policy_of(ctx, row->session, row->who);
    struct iam_grounds grounds = {
        .identity = &identity,
        .identity_count = identity != NULL,
        .boundary = policy_of(ctx, row->boundary, row->who),
        .session = &session,
        .session_count = session != NULL,
        .resource = policy_of(ctx, row->resource, row->who),
        .caller = { .arn = SLICE(USER), .id = SLICE(USER_ID), .account = SLICE("111122223333") },
        .root = row->who & BY_ROOT,
        .cross_account = row->who & ACROSS,
    };
    if (row->who & BY_SESSION)
        grounds.caller = (struct policy_principal){ .arn = SLICE(ROLE),
                                                    .session_arn = SLICE(SESSION),
                                                    .account = SLICE("111122223333") };
    struct policy_request request = { slice_of(action_of("+", row->who)), SLICE("*"), NULL };
    struct iam_decision decision;
    assert_int_equal(policy_decide_iam(&grounds, &request, &decision), row->effect);
    assert_int_equal(decision.effect, row->effect);
    assert_int_equal(decision.reason, row->reason);
    assert_int_equal(decision.by.policy != NULL, row->effect == DENY || (row->effect == ALLOW && !grounds.root));
}

#define NAMING "{'Effect':'Allow','Action':'sts:AssumeRole','Principal':{'AWS':'%s'}}"

/* The Allow that names the caller best decides; among equals the first. */
static const struct naming_row {
    const char *name, *first, *second;
    int statement; /* 0: nobody but an account or everyone is named, and no identity policy allows */
} namings[] = {
    { "account, then user", "account", "user", 2 },
    { "user, then account", "user", "account", 1 },
    { "the user by both names", "user", "id", 1 },
    { "everyone delegates like an account", "account", "everyone", 0 },
    { "the account twice", "account", "account", 0 },
};

static void is_best_named(void **state)
{
    const struct naming_row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char *first = text_format(ctx, NAMING, principal_of(row->first));
    char *second = text_format(ctx, NAMING, principal_of(row->second));
    const char *document = given_json(ctx, text_format(ctx, "{'Statement':[%s,%s]}", first, second));
    struct iam_grounds grounds = {
        .resource = given_policy(ctx, POLICY_IAM_TRUST, document),
        .caller = { .arn = SLICE(USER), .id = SLICE(USER_ID), .account = SLICE("111122223333") },
    };
    struct policy_request request = { SLICE("sts:AssumeRole"), SLICE(ROLE), NULL };
    struct iam_decision decision;
    assert_int_equal(policy_decide_iam(&grounds, &request, &decision), row->statement ? ALLOW : NOTHING);
    assert_int_equal(decision.by.statement, row->statement);
}

#define SENTENCE "User: " USER " is not authorized to perform: iot:ListThings on resource: *"

static const struct sentence {
    const char *name;
    enum iam_reason reason;
    const char *text;
} sentences[] = {
    { "no identity policy", IAM_NOT_IN_IDENTITY,
      SENTENCE " because no identity-based policy allows the iot:ListThings action" },
    { "an identity policy denies", IAM_DENIED_BY_IDENTITY,
      SENTENCE " with an explicit deny in an identity-based policy" },
    { "no session policy", IAM_NOT_IN_SESSION, SENTENCE " because no session policy allows the iot:ListThings action" },
    { "no permissions boundary", IAM_NOT_IN_BOUNDARY,
      SENTENCE " because no permissions boundary allows the iot:ListThings action" },
    { "no resource policy", IAM_NOT_IN_RESOURCE,
      SENTENCE " because no resource-based policy allows the iot:ListThings action" },
    { "the boundary denies", IAM_DENIED_BY_BOUNDARY, SENTENCE " with an explicit deny in a permissions boundary" },
    { "the session policy denies", IAM_DENIED_BY_SESSION, SENTENCE " with an explicit deny in a session policy" },
    { "the resource policy denies", IAM_DENIED_BY_RESOURCE,
      SENTENCE " with an explicit deny in a resource-based policy" },
    { "trust says no more", IAM_NOT_IN_TRUST, SENTENCE },
    { "trust denies and says no more", IAM_DENIED_BY_TRUST, SENTENCE },
    { "root", IAM_ROOT_ASSUMES, "Roles may not be assumed by root accounts." },
};

static void says(void **state)
{
    const struct sentence *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct iam_decision decision = { .reason = row->reason };
    assert_string_equal(policy_denial_text(ctx, SLICE(USER), SLICE("iot:ListThings"), SLICE("*"), &decision),
                        row->text);
    assert_string_equal(policy_denial_text(ctx, SLICE(USER), SLICE("iot:ListThings"), SLICE("*"), NULL), SENTENCE);
}

/* --- Trust ---------------------------------------------------------------------------------------------------------- */

#define PROVIDER "arn:aws:iam::111122223333:oidc-provider/login.example.org"

static const struct trust {
    const char *name, *principal, *condition;
    struct policy_principal caller;
    const char *action, *keys;
    bool trusts;
} trusts[] = {
    { "a service",
      "'Principal':{'Service':'iot.amazonaws.com'}",
      "{}",
      { .service = SLICE("iot.amazonaws.com") },
      "sts:AssumeRole",
      "",
      true },
    { "another service",
      "'Principal':{'Service':'lambda.amazonaws.com'}",
      "{}",
      { .service = SLICE("iot.amazonaws.com") },
      "sts:AssumeRole",
      "",
      false },
    { "one of two services",
      "'Principal':{'Service':['credentials.iot.amazonaws.com','iot.amazonaws.com']}",
      "{}",
      { .service = SLICE("iot.amazonaws.com") },
      "sts:AssumeRole",
      "",
      true },
    { "another action",
      "'Principal':{'Service':'iot.amazonaws.com'}",
      "{}",
      { .service = SLICE("iot.amazonaws.com") },
      "sts:TagSession",
      "",
      false },
    { "an identity provider",
      "'Principal':{'Federated':'" PROVIDER "'}",
      "{'StringEquals':{'login.example.org:aud':'app'}}",
      { .federated = SLICE(PROVIDER) },
      "sts:AssumeRole",
      "login.example.org:aud=app",
      true },
    { "for another audience",
      "'Principal':{'Federated':'" PROVIDER "'}",
      "{'StringEquals':{'login.example.org:aud':'app'}}",
      { .federated = SLICE(PROVIDER) },
      "sts:AssumeRole",
      "login.example.org:aud=other",
      false },
    { "amr of a pool",
      "'Principal':{'Federated':'cognito-identity.amazonaws.com'}",
      "{'ForAnyValue:StringLike':{'cognito-identity.amazonaws.com:amr':'authenticated'}}",
      { .federated = SLICE("cognito-identity.amazonaws.com") },
      "sts:AssumeRole",
      "cognito-identity.amazonaws.com:amr=authenticated|login.example.org",
      true },
    { "a user", "'Principal':{'AWS':'" USER "'}", "{}", { .arn = SLICE(USER) }, "sts:AssumeRole", "", true },
    { "another user", "'Principal':{'AWS':'" USER "'}", "{}", { .arn = SLICE(USER "2") }, "sts:AssumeRole", "", false },
    { "a namesake with another id",
      "'Principal':{'AWS':'" USER_ID "'}",
      "{}",
      { .arn = SLICE(USER), .id = SLICE("AIDAJJJJJJJJJJJJJJJJJ") },
      "sts:AssumeRole",
      "",
      false },
    { "an account by its root",
      "'Principal':{'AWS':'arn:aws:iam::111122223333:root'}",
      "{}",
      { .arn = SLICE(USER), .account = SLICE("111122223333") },
      "sts:AssumeRole",
      "",
      true },
    { "another account",
      "'Principal':{'AWS':'444455556666'}",
      "{}",
      { .arn = SLICE(USER), .account = SLICE("111122223333") },
      "sts:AssumeRole",
      "",
      false },
    { "everyone", "'Principal':'*'", "{}", { .arn = SLICE(USER) }, "sts:AssumeRole", "", true },
    { "an external id",
      "'Principal':{'AWS':'111122223333'}",
      "{'StringEquals':{'sts:ExternalId':'x'}}",
      { .account = SLICE("111122223333") },
      "sts:AssumeRole",
      "sts:ExternalId=x",
      true },
    { "without the external id",
      "'Principal':{'AWS':'111122223333'}",
      "{'StringEquals':{'sts:ExternalId':'x'}}",
      { .account = SLICE("111122223333") },
      "sts:AssumeRole",
      "",
      false },
    { "NotPrincipal spares",
      "'NotPrincipal':{'AWS':'111122223333'}",
      "{}",
      { .account = SLICE("111122223333") },
      "sts:AssumeRole",
      "",
      false },
    { "NotPrincipal takes all others",
      "'NotPrincipal':{'AWS':'111122223333'}",
      "{}",
      { .account = SLICE("444455556666") },
      "sts:AssumeRole",
      "",
      true },
    { "nobody asks", "'Principal':{'AWS':'111122223333'}", "{}", { .arn = { NULL, 0 } }, "sts:AssumeRole", "", false },
};

static void is_trusted(void **state)
{
    const struct trust *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char *text = text_format(ctx,
                             "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'sts:AssumeRole',%s,"
                             "'Condition':%s}}",
                             row->principal, row->condition);
    struct policy_context context = given_context(ctx, row->keys);
    struct trust_request request = { row->caller, slice_of(row->action), &context };
    struct policy_decision decision;
    const struct policy *trust = given_policy(ctx, POLICY_IAM_TRUST, given_json(ctx, text));
    assert_int_equal(policy_trusts(trust, &request, &decision), row->trusts);
    assert_int_equal(decision.statement, row->trusts ? 1 : 0);

    struct policy_request nobody = { slice_of(row->action), SLICE("*"), &context };
    assert_int_equal(policy_evaluate(&trust, 1, &nobody, NULL), POLICY_IMPLICIT_DENY);
}

/* --- Ready-made policies ---------------------------------------------------------------------------------------------- */

#define MANAGED "arn:aws:iam::aws:policy/"

static const struct managed {
    const char *name, *arn, *path, *action, *resource;
    enum policy_effect effect;
} managed[] = {
    { "AdministratorAccess", MANAGED "AdministratorAccess", "/", "iam:CreateUser", "*", ALLOW },
    { "AWSIoTFullAccess", MANAGED "AWSIoTFullAccess", "/", "iotjobsdata:DescribeJobExecution", "*", ALLOW },
    { "AWSIoTFullAccess is not IAM", MANAGED "AWSIoTFullAccess", "/", "iam:CreateUser", "*", NOTHING },
    { "AWSIoTConfigAccess", MANAGED "AWSIoTConfigAccess", "/", "iot:CreateThing", "*", ALLOW },
    { "AWSIoTConfigAccess has no data", MANAGED "AWSIoTConfigAccess", "/", "iot:Publish", "*", NOTHING },
    { "AWSIoTConfigReadOnlyAccess", MANAGED "AWSIoTConfigReadOnlyAccess", "/", "iot:DescribeThing", "*", ALLOW },
    { "AWSIoTConfigReadOnlyAccess only reads", MANAGED "AWSIoTConfigReadOnlyAccess", "/", "iot:CreateThing", "*",
      NOTHING },
    { "AWSIoTDataAccess", MANAGED "AWSIoTDataAccess", "/", "iot:Publish", "arn:aws:iot:r:1:topic/a", ALLOW },
    { "AWSIoTDataAccess has no configuration", MANAGED "AWSIoTDataAccess", "/", "iot:CreateThing", "*", NOTHING },
    { "AWSIoTThingsRegistration", MANAGED "service-role/AWSIoTThingsRegistration", "/service-role/",
      "iot:RegisterThing", "*", ALLOW },
    { "AWSIoTThingsRegistration, its last action", MANAGED "service-role/AWSIoTThingsRegistration", "/service-role/",
      "iot:RemoveThingFromBillingGroup", "*", ALLOW },
    { "AWSIoTThingsRegistration does not delete", MANAGED "service-role/AWSIoTThingsRegistration", "/service-role/",
      "iot:DeleteThing", "*", NOTHING },
    { "AWSIoTLogging", MANAGED "service-role/AWSIoTLogging", "/service-role/", "logs:PutLogEvents", "*", ALLOW },
    { "AWSIoTRuleActions", MANAGED "service-role/AWSIoTRuleActions", "/service-role/", "s3:PutObject", "*", ALLOW },
    { "AWSGreengrassFullAccess", MANAGED "AWSGreengrassFullAccess", "/", "greengrass:CreateDeployment", "*", ALLOW },
    { "AWSGreengrassResourceAccessRolePolicy", MANAGED "service-role/AWSGreengrassResourceAccessRolePolicy",
      "/service-role/", "iot:GetThingShadow", "arn:aws:iot:r:1:thing/GG_a", ALLOW },
    { "and no other thing", MANAGED "service-role/AWSGreengrassResourceAccessRolePolicy", "/service-role/",
      "iot:GetThingShadow", "arn:aws:iot:r:1:thing/a", NOTHING },
    { "IAMReadOnlyAccess", MANAGED "IAMReadOnlyAccess", "/", "iam:ListUsers", "*", ALLOW },
    { "IAMReadOnlyAccess only reads", MANAGED "IAMReadOnlyAccess", "/", "iam:CreateUser", "*", NOTHING },
    { "AmazonCognitoPowerUser", MANAGED "AmazonCognitoPowerUser", "/", "cognito-identity:CreateIdentityPool", "*",
      ALLOW },
};

static void is_ready_made(void **state)
{
    const struct managed *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    const struct policy_managed *found = policy_managed_find(slice_of(row->arn));
    assert_non_null(found);
    assert_string_equal(found->path, row->path);
    assert_true(slice_ends(slice_of(row->arn), found->name));
    assert_true(policy_size(slice_of(found->document)) <= 6144);
    const struct policy *policy = given_policy(ctx, POLICY_IAM_IDENTITY, found->document);
    struct policy_request request = { slice_of(row->action), slice_of(row->resource), NULL };
    assert_int_equal(policy_evaluate(&policy, 1, &request, NULL), row->effect);
}

static const struct whole {
    const char *name;
} wholes[] = { { "all twelve parse, with an ARN made of path and name" } };

static void are_all_sound(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    size_t count;
    const struct policy_managed *all = policy_managed_all(&count);
    assert_int_equal(count, 12);
    for (size_t i = 0; i < count; i++) {
        given_policy(ctx, POLICY_IAM_IDENTITY, all[i].document);
        assert_string_equal(all[i].arn, text_format(ctx, "arn:aws:iam::aws:policy%s%s", all[i].path, all[i].name));
    }
    assert_null(policy_managed_find(SLICE(MANAGED "NoSuchPolicy")));
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, decides), TABLE(namings, is_best_named), TABLE(sentences, says),
                      TABLE(trusts, is_trusted), TABLE(managed, is_ready_made), TABLE(wholes, are_all_sound));
}
