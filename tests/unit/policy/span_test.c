/* span_test.c - where statements stand; which statements match; what is a value (IAM's simulation, auth 2.4). */
#include "given.h"

/* ---- where ---- */

static const struct place {
    const char *name, *document;
    int statement;
    const char *span; /* "line:column-line:column"; NULL: none */
} places[] = {
    /* The example of the AWS CLI's manual, with its answer. */
    { "the published example",
      "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'dynamodb:*','Resource':'*','Condition':{"
      "'DateGreaterThan':{'aws:CurrentTime':'2018-08-16T12:00:00Z'}}}}",
      1, "1:38-1:167" },
    { "one in a list", "{'Statement':[{'Effect':'Allow'}]}", 1, "1:16-1:33" },
    { "the second of a list", "{'Statement':[{'a':{}},{'b':1}]}", 2, "1:25-1:31" },
    { "there is no third", "{'Statement':[{'a':{}},{'b':1}]}", 3, NULL },
    { "members in front", "{'Id':'[{','Statement':{'a':1}}", 1, "1:25-1:31" },
    { "braces in texts", "{'Statement':[{'a':'}]'},{'b':'{'}]}", 2, "1:27-1:35" },
    { "a quote in a text", "{'Statement':[{'a':'\\\"}'},{'b':1}]}", 2, "1:28-1:34" },
    { "a backslash before the end of a text", "{'Statement':[{'a':'\\\\'},{'b':1}]}", 2, "1:27-1:33" },
    { "lines", "{\n  'Version': 'x',\n  'Statement': [\n    {\n      'a': 1\n    }\n  ]\n}", 1, "4:6-6:6" },
    { "characters, not bytes", "{'Id':'\u00e4\u00f6','Statement':{}}", 1, "1:25-1:26" },
    { "no statement", "{'Version':'x'}", 1, NULL },
    { "nothing", "", 1, NULL },
};

static void stands(void **state)
{
    const struct place *row = *state;
    void *ctx = talloc_new(NULL);
    struct policy_span span;
    if (row->span == NULL) {
        assert_false(policy_statement_span(slice_of(given_json(ctx, row->document)), row->statement, &span));
    } else {
        assert_true(policy_statement_span(slice_of(given_json(ctx, row->document)), row->statement, &span));
        assert_string_equal(
            text_format(ctx, "%d:%d-%d:%d", span.start_line, span.start_column, span.end_line, span.end_column),
            row->span);
    }
    talloc_free(ctx);
}

/* ---- which ---- */

static const char several[] = "{'Version':'2012-10-17','Statement':["
                              "{'Effect':'Allow','Action':'iot:*','Resource':'*'},"
                              "{'Effect':'Deny','Action':'iot:DeleteThing','Resource':'*'},"
                              "{'Effect':'Allow','Action':'iot:Delete*','Resource':'*'},"
                              "{'Effect':'Allow','Action':'s3:*','Resource':'*'}]}";
static const struct listing {
    const char *name, *action;
    enum policy_effect effect;
    size_t room;
    const char *numbers;
} listings[] = {
    { "all that allow", "iot:DeleteThing", POLICY_ALLOW, 8, "1 3 " },
    { "those that deny", "iot:DeleteThing", POLICY_EXPLICIT_DENY, 8, "2 " },
    { "none", "iot:DescribeThing", POLICY_EXPLICIT_DENY, 8, "" },
    { "no more than there is room for", "iot:DeleteThing", POLICY_ALLOW, 1, "1 " },
};

static void lists(void **state)
{
    const struct listing *row = *state;
    void *ctx = talloc_new(NULL);
    struct policy *policy = given_policy(ctx, POLICY_IAM_IDENTITY, given_json(ctx, several));
    struct policy_request request = { slice_of(row->action), SLICE("*"), NULL };
    int numbers[8];
    size_t count = policy_list_matches(policy, &request, NULL, row->effect, numbers, row->room);
    char *text = text_copy(ctx, "");
    for (size_t i = 0; i < count; i++)
        text = text_format(ctx, "%s%d ", text, numbers[i]);
    assert_string_equal(text, row->numbers);
    talloc_free(ctx);
}

static const char to_users[] = "{'Version':'2012-10-17','Statement':["
                               "{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::000000000001:user/ada'},"
                               "'Action':'s3:*','Resource':'*'},"
                               "{'Effect':'Allow','Principal':'*','Action':'s3:Get*','Resource':'*'}]}";
static const struct naming_row {
    const char *name, *arn; /* NULL: nobody asks */
    size_t count;
} namings[] = {
    { "who is named", "arn:aws:iam::000000000001:user/ada", 2 },
    { "who is not", "arn:aws:iam::000000000001:user/bob", 1 },
    { "nobody", NULL, 0 },
};

static void names(void **state)
{
    const struct naming_row *row = *state;
    void *ctx = talloc_new(NULL);
    struct policy *policy = given_policy(ctx, POLICY_IAM_RESOURCE, given_json(ctx, to_users));
    struct policy_request request = { SLICE("s3:GetObject"), SLICE("*"), NULL };
    struct policy_principal caller = { .arn = slice_of(row->arn) };
    int numbers[4];
    assert_int_equal(policy_list_matches(policy, &request, row->arn ? &caller : NULL, POLICY_ALLOW, numbers, 4),
                     row->count);
    talloc_free(ctx);
}

/* ---- values ---- */

static const struct value_row {
    const char *name;
    enum policy_value_type type;
    const char *value;
    bool is;
} values[] = {
    { "any text", POLICY_VALUE_TEXT, "", true },
    { "a number", POLICY_VALUE_NUMBER, "-12.5", true },
    { "no number", POLICY_VALUE_NUMBER, "twelve", false },
    { "true", POLICY_VALUE_BOOL, "True", true },
    { "no truth", POLICY_VALUE_BOOL, "1", false },
    { "an address", POLICY_VALUE_IP, "2001:db8::1", true },
    { "a range", POLICY_VALUE_IP, "10.0.0.0/8", true },
    { "no address", POLICY_VALUE_IP, "10.0.0", false },
    { "base64", POLICY_VALUE_BINARY, "QmluYXJ5", true },
    { "no base64", POLICY_VALUE_BINARY, "Q", false },
    { "a date", POLICY_VALUE_DATE, "2026-01-15T08:30:00Z", true },
    { "seconds", POLICY_VALUE_DATE, "1768465800", true },
    { "no date", POLICY_VALUE_DATE, "yesterday", false },
};

static void is_value(void **state)
{
    const struct value_row *row = *state;
    assert_int_equal(policy_value_is(row->type, slice_of(row->value)), row->is);
}

int main(void)
{
    return RUN_TABLES(TABLE(places, stands), TABLE(listings, lists), TABLE(namings, names), TABLE(values, is_value));
}
