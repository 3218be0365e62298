/* Each kind of constraint, in the sentences of x509 3.1. */
#include "fixture.h"

#define ONE "1 validation error detected: "
static const struct row {
    const char *name, *service, *operation, *input;
    const char *error, *message; /* NULL: valid */
} rows[] = {
    { "valid", "iot", "CreateThing", "{\"thingName\":\"pump-9\"}", NULL, NULL },
    { "a pattern", "iot", "CreateThing", "{\"thingName\":\"b d\"}", "InvalidRequestException",
      ONE "Value 'b d' at 'thingName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
          "[a-zA-Z0-9:_-]+" },
    { "a required member", "iot", "CreateThing", "{}", "InvalidRequestException",
      ONE "Value null at 'thingName' failed to satisfy constraint: Member must not be null" },
    { "a required member that is null", "iot", "CreateThing", "{\"thingName\":null}", "InvalidRequestException",
      ONE "Value null at 'thingName' failed to satisfy constraint: Member must not be null" },
    { "an optional member that is null", "iot", "CreateThing", "{\"thingName\":\"a\",\"thingTypeName\":null}", NULL,
      NULL },
    { "unknown members are ignored", "iot", "CreateThing", "{\"thingName\":\"a\",\"color\":{\"x\":[1]}}", NULL, NULL },
    { "two errors", "iot", "AttachThingPrincipal", "{\"thingName\":\"\"}", "InvalidRequestException",
      "3 validation errors detected: Value '' at 'thingName' failed to satisfy constraint: Member must have length "
      "greater "
      "than or equal to 1; Value '' at 'thingName' failed to satisfy constraint: Member must satisfy regular "
      "expression "
      "pattern: [a-zA-Z0-9:_-]+; Value null at 'principal' failed to satisfy constraint: Member must not be null" },
    { "a number too large", "iot", "ListThings", "{\"maxResults\":251}", "InvalidRequestException",
      ONE
      "Value '251' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 250" },
    { "a number too small", "iot", "ListThings", "{\"maxResults\":0}", "InvalidRequestException",
      ONE "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1" },
    { "more than 32 bits", "iot", "ListThings", "{\"maxResults\":4294967297}", "InvalidRequestException",
      ONE "Value at 'maxResults' failed to satisfy constraint: Member must be an integer of 32 bits" },
    { "an enum", "iot", "UpdateCertificate",
      "{\"certificateId\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"newStatus\":\"on\"}",
      "InvalidRequestException",
      ONE
      "Value 'on' at 'newStatus' failed to satisfy constraint: Member must satisfy enum value set: [ACTIVE, INACTIVE, "
      "REVOKED, PENDING_TRANSFER, REGISTER_INACTIVE, PENDING_ACTIVATION]" },
    { "a number where text belongs", "iot", "CreateThing", "{\"thingName\":5}", "InvalidRequestException",
      ONE "Value at 'thingName' failed to satisfy constraint: Member must be a string" },
    { "text where a number belongs", "iot", "ListThings", "{\"maxResults\":\"5\"}", "InvalidRequestException",
      ONE "Value at 'maxResults' failed to satisfy constraint: Member must be an integer" },
    { "a fraction where an integer belongs", "iot", "ListThings", "{\"maxResults\":5.0}", "InvalidRequestException",
      ONE "Value at 'maxResults' failed to satisfy constraint: Member must be an integer" },
    { "text where true belongs", "iot", "CreateProvisioningTemplateVersion",
      "{\"templateName\":\"a\",\"templateBody\":\"{}\",\"setAsDefault\":\"yes\"}", "InvalidRequestException",
      ONE "Value at 'setAsDefault' failed to satisfy constraint: Member must be true or false" },
    { "text where a structure belongs", "iot", "CreateThing", "{\"thingName\":\"a\",\"attributePayload\":\"b\"}",
      "InvalidRequestException",
      ONE "Value at 'attributePayload' failed to satisfy constraint: Member must be a structure" },
    { "text where a map belongs", "iot", "CreateThing",
      "{\"thingName\":\"a\",\"attributePayload\":{\"attributes\":\"b\"}}", "InvalidRequestException",
      ONE "Value at 'attributePayload.attributes' failed to satisfy constraint: Member must be a map" },
    { "text where a list belongs", "iot", "TagResource", "{\"resourceArn\":\"a\",\"tags\":\"b\"}",
      "InvalidRequestException", ONE "Value at 'tags' failed to satisfy constraint: Member must be a list" },
    { "a member of a list's structure", "iot", "TagResource",
      "{\"resourceArn\":\"a\",\"tags\":[{\"Key\":\"k\",\"Value\":\"v\"},{\"Value\":\"v\"}]}", "InvalidRequestException",
      ONE "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null" },
    { "null in a list", "iot", "TagResource", "{\"resourceArn\":\"a\",\"tags\":[null]}", "InvalidRequestException",
      ONE "Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null" },
    { "a map's key", "iot", "CreateThing",
      "{\"thingName\":\"a\",\"attributePayload\":{\"attributes\":{\"b c\":\"d\"}}}", "InvalidRequestException",
      ONE "Value 'b c' at 'attributePayload.attributes.key' failed to satisfy constraint: Member must satisfy regular "
          "expression pattern: [a-zA-Z0-9_.,@/:#-]+" },
    { "a map's value", "iot", "CreateThing",
      "{\"thingName\":\"a\",\"attributePayload\":{\"attributes\":{\"b\":\"d e\"}}}", "InvalidRequestException",
      ONE "Value 'd e' at 'attributePayload.attributes.b' failed to satisfy constraint: Member must satisfy regular "
          "expression pattern: [a-zA-Z0-9_.,@/:#=\\[\\]-]*" },
    { "code points are counted, not bytes", "iot", "CreateProvisioningTemplate",
      "{\"templateName\":\"a\",\"templateBody\":\"{}\",\"provisioningRoleArn\":\"arn:aws:iam::000000000001:role/"
      "R\",\"description\":"
      "\"\xC3\xA4\xC3\xA4\"}",
      NULL, NULL },
    { "U+0000 is refused before it can cut a text short", "iot", "CreatePolicy",
      "{\"policyName\":\"a\",\"policyDocument\":\"{}\\u0000x\"}", "InvalidRequestException",
      ONE "Value at 'policyDocument' failed to satisfy constraint: Member must be text without the character U+0000" },
    { "a secret is not shown", "iot", "GetThingConnectivityData", "{\"thingName\":\"s e c\"}",
      "InvalidRequestException",
      ONE "Value at 'thingName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
          "[a-zA-Z0-9:_-]+" },
    { "binary data is base64", "iot", "TestInvokeAuthorizer",
      "{\"authorizerName\":\"a\",\"mqttContext\":{\"password\":\"abc\"}}", "InvalidRequestException",
      ONE "Value at 'mqttContext.password' failed to satisfy constraint: Member must be binary data in base64" },
    { "base64 has an alphabet", "iot", "TestInvokeAuthorizer",
      "{\"authorizerName\":\"a\",\"mqttContext\":{\"password\":\"a*==\"}}", "InvalidRequestException",
      ONE "Value at 'mqttContext.password' failed to satisfy constraint: Member must be binary data in base64" },
    { "base64 counts as bytes", "iot", "TestInvokeAuthorizer",
      "{\"authorizerName\":\"a\",\"mqttContext\":{\"password\":\"\"}}", "InvalidRequestException",
      ONE "Value at 'mqttContext.password' failed to satisfy constraint: Member must have length greater than or equal "
          "to 1" },
    { "base64", "iot", "TestInvokeAuthorizer", "{\"authorizerName\":\"a\",\"mqttContext\":{\"password\":\"cHc=\"}}",
      NULL, NULL },
    { "STS says ValidationError, in lower camel case", "sts", "GetFederationToken", "{\"Name\":\"x y\"}",
      "ValidationError",
      ONE "Value 'x y' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: "
          "[\\w+=,.@-]*" },
    { "Cognito says InvalidParameterException", "cognito-identity", "DeleteIdentityPool", "{}",
      "InvalidParameterException",
      ONE "Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null" },
    { "Greengrass says ValidationException", "greengrassv2", "GetCoreDevice", "{}", "ValidationException", NULL },
    { "MQTT: a wrong type is InvalidPayload", "mqtt", "CreateCertificateFromCsr", "{\"certificateSigningRequest\":5}",
      "InvalidPayload",
      ONE "Value at 'certificateSigningRequest' failed to satisfy constraint: Member must be a string" },
    { "MQTT: parameters keep their types", "mqtt", "RegisterThing",
      "{\"certificateOwnershipToken\":\"t\",\"parameters\":{\"a\":1,\"b\":true,\"c\":\"d\"}}", NULL, NULL },
    { "MQTT: parameters that are no map", "mqtt", "RegisterThing", "{\"parameters\":[1]}", "InvalidPayload", NULL },
};

static void answers(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    assert_error(model_validate(ctx, operation_named(row->service, row->operation), json_of(ctx, row->input)),
                 row->error, row->message);
    talloc_free(ctx);
}

/* ---- one spelling ---- */

#define UPPER "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"
#define LOWER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HERE  "arn:aws:iot:us-east-1:000000000001:"
static const struct spelling {
    const char *name, *operation, *member, *given, *expected;
} spellings[] = {
    { "a certificate's id", "DescribeCertificate", "certificateId", UPPER, LOWER },
    { "a principal's id", "AttachThingPrincipal", "principal", HERE "cert/" UPPER, HERE "cert/" LOWER },
    { "a target's id", "AttachPolicy", "target", HERE "cert/" UPPER, HERE "cert/" LOWER },
    { "groups have names, in either case", "AttachPolicy", "target", HERE "thinggroup/ABC", HERE "thinggroup/ABC" },
    { "an identity is left alone", "AttachPolicy", "target", "us-east-1:ABC", "us-east-1:ABC" },
    { "so is the rest of an ARN", "AttachPolicy", "target", "ARN:AWS:cert/A", "ARN:AWS:cert/a" },
    { "a thing's name is its name", "DescribeThing", "thingName", "ABC", "ABC" },
};

static void is_spelled(void **state)
{
    const struct spelling *row = *state;
    void *ctx = talloc_new(NULL);
    json *input = json_new_object(ctx);
    json_put_text(input, row->member, row->given);
    model_lower(ctx, operation_named("iot", row->operation), input);
    assert_string_equal(json_get_text(input, row->member), row->expected);
    talloc_free(ctx);
}

/* ---- bounds ---- */

static const struct bound {
    const char *name, *service, *operation, *member, *unit;
    size_t length;
    const char *error, *shown; /* what stands in the message */
} bounds[] = {
    { "128 characters", "iot", "CreateThing", "thingName", "a", 128, NULL, NULL },
    { "129 characters", "iot", "CreateThing", "thingName", "a", 129, "InvalidRequestException",
      "Member must have length less than or equal to 128" },
    { "a long value is cut", "iot", "CreateThing", "thingName", "a", 5000, "InvalidRequestException",
      "aaa...' at 'thingName'" },
    { "no character is cut in half", "iot", "CreateThing", "thingName", "\xE6\x97\xA5", 900, "InvalidRequestException",
      "\xE6\x97\xA5...' at 'thingName'" },
    { "MQTT: a CSR of 16 KiB", "mqtt", "CreateCertificateFromCsr", "certificateSigningRequest", "a", 16384, NULL,
      NULL },
    { "MQTT: a larger CSR has its own error", "mqtt", "CreateCertificateFromCsr", "certificateSigningRequest", "a",
      16385, "InvalidCsr", "Member must have length less than or equal to 16384" },
    { "MQTT: no token is that long, and it is not shown", "mqtt", "RegisterThing", "certificateOwnershipToken", "a",
      257, "InvalidCertificateOwnershipToken", "detected: Value at 'certificateOwnershipToken' failed" },
};

static void is_bounded(void **state)
{
    const struct bound *row = *state;
    void *ctx = talloc_new(NULL);
    writer text = writer_new(ctx, 1 << 20);
    while (text.length < row->length)
        writer_text(&text, row->unit);
    json *input = json_new_object(ctx);
    json_put_slice(input, row->member, writer_slice_of(&text));
    error *e = model_validate(ctx, operation_named(row->service, row->operation), input);
    assert_error(e, row->error, NULL);
    if (e != NULL) {
        assert_non_null(strstr(e->message, row->shown));
        assert_true(strlen(e->message) < 1024);
        assert_true(text_is_utf8(slice_of(e->message)));
    }
    talloc_free(ctx);
}

static const struct many {
    const char *name, *tag;
    size_t count;
    const char *begins;
} many[] = {
    { "ten errors are told", "{\"Value\":\"v\"}", 500, "10 validation errors detected: " },
    { "the other kind is counted alike", "5", 500, "10 validation errors detected: " },
};

static void counts(void **state)
{
    const struct many *row = *state;
    void *ctx = talloc_new(NULL);
    json *input = json_new_object(ctx), *tags = json_new_array(ctx);
    json_put_text(input, "resourceArn", "a");
    for (size_t i = 0; i < row->count; i++)
        json_add(tags, json_object_get(json_of(ctx, row->tag)));
    json_put(input, "tags", json_object_get(tags));
    error *e = model_validate(ctx, operation_named("iot", "TagResource"), input);
    assert_non_null(e);
    assert_true(slice_starts(slice_of(e->message), row->begins));
    assert_true(strlen(e->message) < 16384);
    talloc_free(ctx);
}

static const struct raw {
    const char *name;
    slice text;
} raws[] = {
    { "a byte that is no UTF-8", SLICE("a\xFFz") },
    { "an over-long form", SLICE("\xC0\xAF") },
    { "a NUL out of a path", SLICE("a\0b") },
};

static void is_no_text(void **state)
{
    const struct raw *row = *state;
    void *ctx = talloc_new(NULL);
    json *input = json_new_object(ctx);
    json_put_slice(input, "thingName", row->text);
    error *e = model_validate(ctx, operation_named("iot", "CreateThing"), input);
    assert_error(e, "InvalidRequestException", NULL);
    assert_true(slice_starts(slice_of(e->message), ONE "Value at 'thingName'"));
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(bounds, is_bounded), TABLE(many, counts), TABLE(raws, is_no_text),
                      TABLE(spellings, is_spelled));
}
