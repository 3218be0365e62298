/* evaluate_test.c - decisions: IoT policies (broker 4.11), and who may be listed for them (broker 4.12). */
#include "given.h"

#define A "arn:aws:iot:eu-west-1:111122223333:"

#define NOTHING POLICY_IMPLICIT_DENY
#define ALLOW   POLICY_ALLOW
#define DENY    POLICY_EXPLICIT_DENY

/* Broker 3.7, and a second policy that a group might carry. */
static const char lamp[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Sid\":\"connect\",\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
    " \"Resource\":\"" A "client/${iot:Connection.Thing.ThingName}\","
    " \"Condition\":{\"Bool\":{\"iot:Connection.Thing.IsAttached\":[\"true\"]}}},"
    "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Rec*\"],"
    " \"Resource\":[\"" A "topic/plant/${iot:Connection.Thing.ThingName}/*\"]},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\","
    " \"Resource\":\"" A "topicfilter/plant/${iot:Connection.Thing.ThingName}/*\"},"
    "{\"Effect\":\"Deny\",\"Action\":\"iot:Publish\",\"Resource\":\"" A "topic/plant/*/admin\"}]}";

static const char group[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Publish\",\"Resource\":\"" A "topic/plant/lamp-7/admin\"},"
    "{\"Effect\":\"Deny\",\"NotAction\":[\"iot:Connect\",\"iot:Publish\",\"iot:Receive\",\"iot:Subscribe\"],"
    " \"Resource\":\"*\"},"
    "{\"Sid\":\"noLogs\",\"Effect\":\"Deny\",\"Action\":\"iot:Receive\",\"Resource\":\"" A "topic/plant/lamp-7/log\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:ListRetainedMessages\",\"Resource\":\"*\"}]}";

static const char own[] = "iot:Connection.Thing.ThingName=lamp-7;iot:Connection.Thing.IsAttached=true";

static const struct row {
    const char *name, *action, *resource, *keys;
    enum policy_effect effect;
    const char *policy;
    int statement;
    const char *sid;
} rows[] = {
    { "its own client id", "iot:Connect", A "client/lamp-7", own, ALLOW, "Lamp", 1, "connect" },
    { "another client id", "iot:Connect", A "client/lamp-8", own, NOTHING, "", 0, NULL },
    { "not attached", "iot:Connect", A "client/lamp-7", "iot:Connection.Thing.IsAttached=false", NOTHING, "", 0, NULL },
    { "its own topic", "iot:Publish", A "topic/plant/lamp-7/state", own, ALLOW, "Lamp", 2, NULL },
    { "action names have no case", "IOT:publish", A "topic/plant/lamp-7/state", own, ALLOW, "Lamp", 2, NULL },
    { "a wildcard in an action", "iot:Receive", A "topic/plant/lamp-7/state", own, ALLOW, "Lamp", 2, NULL },
    { "an action that only begins alike", "iot:Publishing", A "topic/plant/lamp-7/state", own, DENY, "Group", 2, NULL },
    { "another thing's topic", "iot:Publish", A "topic/plant/lamp-8/state", own, NOTHING, "", 0, NULL },
    { "a filter below its own", "iot:Subscribe", A "topicfilter/plant/lamp-7/+/#", own, ALLOW, "Lamp", 3, NULL },
    { "a topic is no filter", "iot:Subscribe", A "topic/plant/lamp-7/a", own, NOTHING, "", 0, NULL },
    { "Deny beats Allow of another policy", "iot:Publish", A "topic/plant/lamp-7/admin", own, DENY, "Lamp", 4, NULL },
    { "Deny of another policy beats Allow", "iot:Receive", A "topic/plant/lamp-7/log", own, DENY, "Group", 3,
      "noLogs" },
    { "NotAction takes all others", "iot:GetThingShadow", A "thing/lamp-7", own, DENY, "Group", 2, NULL },
    { "Deny beats Allow of the same policy", "iot:ListRetainedMessages", "*", own, DENY, "Group", 2, NULL },
};

static void decides(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct policy *first = given_policy(ctx, POLICY_IOT, lamp), *second = given_policy(ctx, POLICY_IOT, group);
    policy_set_name(first, SLICE("Lamp"));
    policy_set_name(second, SLICE("Group"));
    const struct policy *both[] = { first, second }, *turned[] = { second, first };

    struct policy_context context = given_context(ctx, row->keys);
    struct policy_request request = { slice_of(row->action), slice_of(row->resource), &context };
    struct policy_decision decision;
    assert_int_equal(policy_evaluate(both, 2, &request, &decision), row->effect);
    assert_int_equal(decision.effect, row->effect);
    assert_string_equal(decision.policy_name, row->policy);
    assert_int_equal(decision.statement, row->statement);
    assert_string_equal(decision.sid ? decision.sid : "none", row->sid ? row->sid : "none");
    assert_int_equal(decision.policy == NULL, row->effect == NOTHING);

    assert_int_equal(policy_evaluate(turned, 2, &request, NULL), row->effect);
}

/* Single statements. */
static const struct statement_row {
    const char *name, *document, *action, *resource, *keys;
    bool allows, denies;
} statements[] = {
    { "nothing", "{'Effect':'Allow','Action':'iot:Connect','Resource':'*'}", "iot:Publish", "*", "", false, false },
    { "a matching Allow", "{'Effect':'Allow','Action':'iot:*','Resource':'*'}", "iot:Publish", "*", "", true, false },
    { "a matching Deny", "{'Effect':'Deny','Action':'iot:*','Resource':'*'}", "iot:Publish", "*", "", false, true },
    { "both", "[{'Effect':'Deny','Action':'iot:*','Resource':'*'},{'Effect':'Allow','Action':'*','Resource':'*'}]",
      "iot:Publish", "*", "", true, true },
    { "NotResource spares", "{'Effect':'Allow','Action':'*','NotResource':['" A "topic/a','" A "topic/b']}",
      "iot:Publish", A "topic/b", "", false, false },
    { "NotResource takes all others", "{'Effect':'Allow','Action':'*','NotResource':['" A "topic/a','" A "topic/b']}",
      "iot:Publish", A "topic/c", "", true, false },
    { "NotAction spares", "{'Effect':'Allow','NotAction':'iot:P*','Resource':'*'}", "iot:Publish", "*", "", false,
      false },
    { "a Deny without its variable's value", "{'Effect':'Deny','Action':'*','Resource':'" A "topic/${a:x}'}",
      "iot:Publish", A "topic/1", "", false, false },
    { "an operation without a resource type needs the star",
      "{'Effect':'Allow','Action':'iot:*','Resource':'arn:aws:iot:*:*:*'}", "iot:ListThings", "*", "", false, false },
    { "and a Deny of ARNs does not reach it", "{'Effect':'Deny','Action':'iot:*','Resource':'arn:aws:iot:*:*:*'}",
      "iot:ListThings", "*", "", false, false },
};

static char *statement_document(void *ctx, const char *version, const char *statement)
{
    return given_json(ctx, text_format(ctx, "{'Version':'%s','Statement':%s}", version, statement));
}

static void finds_both_sides(void **state)
{
    const struct statement_row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct policy_context context = given_context(ctx, row->keys);
    const struct policy *policy = given_policy(ctx, POLICY_IOT, statement_document(ctx, "2012-10-17", row->document));
    struct policy_request request = { slice_of(row->action), slice_of(row->resource), &context };
    bool allows, denies;
    policy_matches(policy, &request, &allows, &denies);
    assert_int_equal(allows, row->allows);
    assert_int_equal(denies, row->denies);
    assert_int_equal(policy_evaluate(&policy, 1, &request, NULL), denies ? DENY : allows ? ALLOW : NOTHING);
}

/* Auth acceptance 13. */
static const struct version_row {
    const char *name, *version, *resource;
    enum policy_effect effect;
} versions[] = {
    { "2012-10-17 fills variables in", "2012-10-17", A "client/anna", ALLOW },
    { "and knows no text of them", "2012-10-17", A "client/${aws:username}", NOTHING },
    { "2008-10-17 leaves them as text", "2008-10-17", A "client/${aws:username}", ALLOW },
    { "and knows no values", "2008-10-17", A "client/anna", NOTHING },
};

static void keeps_version(void **state)
{
    const struct version_row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct policy_context context = given_context(ctx, "aws:username=anna");
    static const char statement[] =
        "{'Effect':'Allow','Action':'iot:Connect','Resource':'" A "client/${aws:username}'}";
    const struct policy *policy =
        given_policy(ctx, POLICY_IAM_IDENTITY, statement_document(ctx, row->version, statement));
    struct policy_request request = { SLICE("iot:Connect"), slice_of(row->resource), &context };
    assert_int_equal(policy_evaluate(&policy, 1, &request, NULL), row->effect);
}

static const struct missing_row {
    const char *name, *document, *keys, *names;
} missing[] = {
    { "nothing is missing", "{'Effect':'Allow','Action':'*','Resource':'" A "topic/${a:x}'}", "a:x=1", "" },
    { "a variable of a resource", "{'Effect':'Allow','Action':'*','Resource':'" A "topic/${a:x}'}", "", "a:x " },
    { "once, however often it stands",
      "{'Effect':'Allow','Action':'*','Resource':['" A "topic/${a:x}','" A "c/${A:X}']}", "", "a:x " },
    { "two", "{'Effect':'Allow','Action':'*','Resource':'" A "topic/${a:x}/${a:y}'}", "", "a:x a:y " },
    { "a default is no lack", "{'Effect':'Allow','Action':'*','Resource':'" A "topic/${a:x, \\u0027d\\u0027}'}", "",
      "" },
    { "another action does not count", "{'Effect':'Allow','Action':'iot:Connect','Resource':'" A "topic/${a:x}'}", "",
      "" },
    { "a condition's key", "{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'Bool':{'a:x':'true'}}}", "",
      "a:x " },
    { "a condition's variable",
      "{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'ArnLike':{'a:x':'${a:y}'}}}", "a:x=1", "a:y " },
    { "IfExists is content without",
      "{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'BoolIfExists':{'a:x':'true'}}}", "", "" },
    { "so is Null", "{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'Null':{'a:x':'true'}}}", "", "" },
    { "a foreign resource asks nothing of its condition",
      "{'Effect':'Deny','Action':'*','Resource':'" A "client/a','Condition':{'Bool':{'a:x':'true'}}}", "", "" },
};

static void lists_missing(void **state)
{
    const struct missing_row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct policy_context context = given_context(ctx, row->keys);
    const struct policy *policy = given_policy(ctx, POLICY_IOT, statement_document(ctx, "2012-10-17", row->document));
    struct policy_request request = { SLICE("iot:Publish"), SLICE(A "topic/1"), &context };
    slice *names;
    size_t count = policy_missing_values(ctx, &policy, 1, &request, &names);
    char *list = text_copy(ctx, "");
    for (size_t i = 0; i < count; i++)
        list = text_format(ctx, "%s%.*s ", list, PRINT(names[i]));
    assert_string_equal(list, row->names);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, decides), TABLE(statements, finds_both_sides), TABLE(versions, keeps_version),
                      TABLE(missing, lists_missing));
}
