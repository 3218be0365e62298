/* taint_test.c - what a device sends cannot widen a policy, whichever functions it goes through (provisioning 4.1), and
   what a template makes of it stays small. */
#include "outcome.h"

#define POLICY_OF(resource)                                                                                       \
    "{\"Parameters\":{\"Safe\":{\"Type\":\"String\",\"Default\":\"d*\"},\"iot:Declared\":{\"Type\":\"String\"}}," \
    "\"Mappings\":{\"m\":{\"a\":{\"star\":\"*\",\"list\":[\"x*\",\"y\"]}}},\"Resources\":{" CERTIFICATE           \
    ",\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyDocument\":{\"Version\":\"2012-10-17\","       \
    "\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Publish\",\"Resource\":" resource "}]}}}}}"
#define NAME_OF(name) \
    "{\"Resources\":{" CERTIFICATE ",\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyName\":" name "}}}}"
#define TOPIC "arn:aws:iot:us-east-1:000000000001:topic/"
#define STOPPED(property)          \
    "InvalidParameters: " property \
    " of p: a device's parameter may not bring * ? $ { } \" \\ or control characters into a policy."

static const struct row {
    const char *name;
    struct outcome_case in;
    const char *resource; /* what the document says; NULL: it is refused */
} rows[] = {
    { "a plain value passes",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}\"}"), .given = "{\"N\":\"a/b+#'()\"}" },
      "\"" TOPIC "a/b+#'()\"" },
    { "the author's wildcard beside it passes",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}/*\"}"), .given = "{\"N\":\"a\"}" },
      "\"" TOPIC "a/*\"" },
    { "the author's variable beside it passes",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}/${iot:ClientId}\"}"), .given = "{\"N\":\"a\"}" },
      "\"" TOPIC "a/${iot:ClientId}\"" },
    { "an escape of the author passes",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}/${!iot:ClientId}\"}"), .given = "{\"N\":\"a\"}" },
      "\"" TOPIC "a/${iot:ClientId}\"" },
    { "a Default passes", { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${Safe}\"}") }, "\"" TOPIC "d*\"" },
    { "a hook's value passes",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}\"}"), .given = "{\"N\":\"a\"}", .overrides = "{\"N\":\"h*\"}" },
      "\"" TOPIC "h*\"" },
    { "a mapped value passes, whoever chooses it",
      { .body = POLICY_OF("{\"Fn::Join\":[\"\",[\"" TOPIC "\",{\"Fn::FindInMap\":[\"m\",{\"Ref\":\"N\"},\"star\"]}]]}"),
        .given = "{\"N\":\"a\"}" },
      "\"" TOPIC "*\"" },
    { "RegisterThing's caller is not a device",
      { TEMPLATE_REG, POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}\"}"),
        "{\"N\":\"*\",\"AWS::IoT::Certificate::Id\":\"" ID_A "\"}", NULL, NULL },
      "\"" TOPIC "*\"" },
    { "a harmless piece of a harmful value passes",
      { .body = POLICY_OF("{\"Fn::Join\":[\"\",[\"" TOPIC
                          "\",{\"Fn::Select\":[0,{\"Fn::Split\":[\"/\",{\"Ref\":\"N\"}]}]}]]}"),
        .given = "{\"N\":\"a/*\"}" },
      "\"" TOPIC "a\"" },
    { "a list lands as a list",
      { .body = POLICY_OF("{\"Fn::Split\":[\",\",{\"Fn::Sub\":\"" TOPIC "a*," TOPIC "${N}\"}]}"),
        .given = "{\"N\":\"b\"}" },
      "[\"" TOPIC "a*\",\"" TOPIC "b\"]" },

    { "a star by Ref", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"*\"}" }, NULL },
    { "a star through Sub", { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${N}\"}"), .given = "{\"N\":\"*\"}" }, NULL },
    { "a star through Sub's own variable",
      { .body = POLICY_OF("{\"Fn::Sub\":[\"" TOPIC "${V}\",{\"V\":{\"Ref\":\"N\"}}]}"), .given = "{\"N\":\"*\"}" },
      NULL },
    { "a star through Join",
      { .body = POLICY_OF("{\"Fn::Join\":[\"\",[\"" TOPIC "\",{\"Ref\":\"N\"}]]}"), .given = "{\"N\":\"*\"}" },
      NULL },
    { "a star as Join's delimiter",
      { .body = POLICY_OF("{\"Fn::Join\":[{\"Ref\":\"N\"},[\"" TOPIC "\",\"a\"]]}"), .given = "{\"N\":\"*\"}" },
      NULL },
    { "a star through Split and Select",
      { .body = POLICY_OF("{\"Fn::Join\":[\"\",[\"" TOPIC
                          "\",{\"Fn::Select\":[1,{\"Fn::Split\":[\"/\",{\"Ref\":\"N\"}]}]}]]}"),
        .given = "{\"N\":\"a/*\"}" },
      NULL },
    { "a star through a list that lands",
      { .body = POLICY_OF("{\"Fn::Split\":[\",\",{\"Fn::Sub\":\"" TOPIC "a," TOPIC "${N}\"}]}"),
        .given = "{\"N\":\"*\"}" },
      NULL },
    { "a delimiter that leaves a star over",
      { .body = POLICY_OF("{\"Fn::Select\":[1,{\"Fn::Split\":[{\"Ref\":\"N\"},\"" TOPIC "a/*\"]}]}"),
        .given = "{\"N\":\"/a/\"}" },
      NULL },
    { "a star through everything",
      { .body = POLICY_OF("{\"Fn::Sub\":[\"${V}\",{\"V\":{\"Fn::Join\":[\"\",[{\"Fn::Select\":[{\"Ref\":\"I\"},{\"Fn::"
                          "Split\":[\"|\",{\"Fn::Join\":[\"|\",[\"" TOPIC "\",{\"Fn::Sub\":\"" TOPIC
                          "${N}\"}]]}]}]}]]}}]}"),
        .given = "{\"N\":\"*\",\"I\":\"1\"}" },
      NULL },
    { "a device's own value for a Default",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${Safe}\"}"), .given = "{\"Safe\":\"d*\"}" },
      NULL },
    { "a question mark", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"a?\"}" }, NULL },
    { "a policy variable", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"${iot:ClientId}\"}" }, NULL },
    { "a dollar", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"$aws/things\"}" }, NULL },
    { "an opening brace", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"{\"}" }, NULL },
    { "a closing brace", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"}\"}" }, NULL },
    { "a quote", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"\\\"\"}" }, NULL },
    { "a backslash", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"\\\\\"}" }, NULL },
    { "a newline", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"a\\n\"}" }, NULL },
    { "U+0000", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"a\\u0000\"}" }, NULL },
    { "U+007F", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"a\\u007f\"}" }, NULL },
    { "U+0085", { .body = POLICY_OF("{\"Ref\":\"N\"}"), .given = "{\"N\":\"a\\u0085\"}" }, NULL },

    { "a device cannot fill in a policy variable",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${iot:ClientId}\"}"), .given = "{\"iot:ClientId\":\"victim\"}" },
      "\"" TOPIC "${iot:ClientId}\"" },
    { "a hook may",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${iot:ClientId}\"}"), .overrides = "{\"iot:ClientId\":\"c\"}" },
      "\"" TOPIC "c\"" },
    { "a declared name is the author's wish",
      { .body = POLICY_OF("{\"Fn::Sub\":\"" TOPIC "${iot:Declared}\"}"), .given = "{\"iot:Declared\":\"c\"}" },
      "\"" TOPIC "c\"" },
};

static void answers(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    const char *got = outcome(ctx, row->in);
    if (row->resource == NULL) {
        assert_string_equal(got, STOPPED("PolicyDocument"));
    } else {
        const char *document = text_format(ctx,
                                           "  "
                                           "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                                           "\"Action\":\"iot:Publish\",\"Resource\":%s}]}\n",
                                           row->resource);
        const char *at = strstr(got, "  {");
        assert_string_equal(at ? at : got, document);
    }
    talloc_free(ctx);
}

static const struct other_row {
    const char *name;
    struct outcome_case in;
    const char *outcome; /* its beginning */
} other_rows[] = {
    { "a device's star in a policy's name",
      { .body = NAME_OF("{\"Fn::Sub\":\"d-${N}\"}"), .given = "{\"N\":\"*\"}" },
      STOPPED("PolicyName") },
    { "a device's word in a policy's name",
      { .body = NAME_OF("{\"Fn::Sub\":\"d-${N}\"}"), .given = "{\"N\":\"x\"}" },
      "certificate cert by id A active\npolicy p is d-x\n" },
    { "a hook's star in a policy's name",
      { .body = NAME_OF("{\"Ref\":\"N\"}"), .overrides = "{\"N\":\"*\"}" },
      "InvalidParameters: PolicyName of p: \"*\" is not the name of a policy" },
    { "a whole document of a device",
      { .body = "{\"Resources\":{" CERTIFICATE
                ",\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyDocument\":{\"Ref\":\"N\"}}}}}",
        .given = "{\"N\":\"{}\"}" },
      STOPPED("PolicyDocument") },
    { "a device's star elsewhere",
      { .body = "{\"Resources\":{" CERTIFICATE "},\"DeviceConfiguration\":{\"v\":{\"Fn::Sub\":\"*${N}\"}}}",
        .given = "{\"N\":\"*\\u0007\"}" },
      "certificate cert by id A active\nconfiguration v=**\a\n" },
};

static void others(void **state)
{
    const struct other_row *row = *state;
    void *ctx = talloc_new(NULL);
    const char *got = outcome(ctx, row->in);
    assert_memory_equal(got, row->outcome, strlen(row->outcome));
    talloc_free(ctx);
}

#define TEN(text) text text text text text text text text text text

/* A value that is made of its parts many times over. */
static const struct bound_row {
    const char *name;
    const char *before, *repeated, *after;
    int times;
    size_t value; /* length of the parameter N */
    const char *outcome;
} bound_rows[] = {
    { "a text of 64 KiB", "{\"Fn::Sub\":\"", "${N}", "\"}", 16, 4096, "certificate cert" },
    { "a text past 64 KiB by Sub", "{\"Fn::Sub\":\"x", "${N}", "\"}", 16, 4096,
      "InvalidParameters: v of DeviceConfiguration: the text is longer than 65536 bytes." },
    { "a text far past 64 KiB by Sub", "{\"Fn::Sub\":\"", "${N}", "\"}", 2400, 4096,
      "InvalidParameters: v of DeviceConfiguration: the text is longer than 65536 bytes." },
    { "a text past 64 KiB by Join", "{\"Fn::Join\":[\"\",[\"x\"", ",{\"Ref\":\"N\"}", "]]}", 16, 4096,
      "InvalidParameters: v of DeviceConfiguration: the text is longer than 65536 bytes." },
    { "long texts, one after the other", "{\"Fn::Select\":[0,[\"x\"",
      ",{\"Fn::Sub\":\"${N}${N}${N}${N}${N}${N}${N}${N}\"}", "]]}", 100, 4096,
      "InvalidParameters: v of DeviceConfiguration: the template's values are too long together." },
    { "many pieces", "{\"Fn::Select\":[0,{\"Fn::Split\":[\"n\",{\"Fn::Sub\":\"", "${N}", "\"}]}]}", 16, 4096,
      "InvalidParameters: v of DeviceConfiguration: the template's values are too long together." },
    { "empty values that multiply", "{\"Fn::Sub\":[\"" TEN(TEN("${a}")) "\",{\"a\":{\"Fn::Sub\":\"", "${N}", "\"}}]}",
      1000, 0, "InvalidParameters: v of DeviceConfiguration: the template's values are too long together." },
    { "lists of empty texts that multiply", "{\"Fn::Sub\":[\"" TEN(TEN("${a}")) "\",{\"a\":{\"Fn::Join\":[\"\",[\"\"",
      ",\"\"", "]]}}]}", 1000, 0,
      "InvalidParameters: v of DeviceConfiguration: the template's values are too long together." },
};

static void bounds(void **state)
{
    const struct bound_row *row = *state;
    void *ctx = talloc_new(NULL);
    writer body = writer_new(ctx, 1 << 20), given = writer_new(ctx, 1 << 20);
    writer_text(&body, "{\"Resources\":{" CERTIFICATE "},\"DeviceConfiguration\":{\"v\":");
    writer_text(&body, row->before);
    for (int i = 0; i < row->times; i++)
        writer_text(&body, row->repeated);
    writer_text(&body, row->after);
    writer_text(&body, "}}");
    writer_text(&given, "{\"N\":\"");
    for (size_t i = 0; i < row->value; i++)
        writer_u8(&given, 'n');
    writer_text(&given, "\"}");

    const char *got =
        outcome(ctx, (struct outcome_case){ .body = writer_finish(&body), .given = writer_finish(&given) });
    assert_memory_equal(got, row->outcome, strlen(row->outcome));
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(other_rows, others), TABLE(bound_rows, bounds));
}
