/* parse_test.c - what is refused when a template is created, and with which text (provisioning 4.3). */
#include "outcome.h"

#define REFUSED(text) "InvalidRequestException: Invalid registration template. " text
#define BODY \
    "InvalidRequestException: Invalid template body. The template must be a JSON object of at most 10240 characters."
#define RESOURCES(rest) "{\"Resources\":{" rest "}}"
#define THING(rest)     "\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{" rest "}}"
#define THING_OVER(rest) \
    "\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":\"t\"},\"OverrideSettings\":{" rest "}}"
#define CERT(rest)   "\"cert\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" rest "}}"
#define POLICY(rest) "\"policy\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{" rest "}}"
#define VALUE(value)                                                                        \
    "{\"Mappings\":{\"m\":{\"a\":{\"b\":\"c\",\"l\":[\"x\"]}}},\"Resources\":{" CERTIFICATE \
    "},\"DeviceConfiguration\":{\"v\":" value "}}"
#define BY_ID "\"CertificateId\":{\"Ref\":\"AWS::IoT::Certificate::Id\"}"
#define GOOD_POLICY                                                                                                    \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]" \
    "}"

static const struct row {
    const char *name;
    enum template_kind kind;
    const char *body;
    const char *refusal; /* NULL: it is fine */
} rows[] = {
    { "a certificate is enough", TEMPLATE_FLEET, RESOURCES(CERTIFICATE), NULL },
    { "not JSON", TEMPLATE_FLEET, "{", BODY },
    { "YAML", TEMPLATE_FLEET, "Resources:\n  x: 1\n", BODY },
    { "empty", TEMPLATE_FLEET, "", BODY },
    { "not an object", TEMPLATE_FLEET, "[]", BODY },
    { "not UTF-8", TEMPLATE_FLEET, "{\"a\":\"\xff\"}", BODY },
    { "something after the object", TEMPLATE_FLEET, RESOURCES(CERTIFICATE) "x", BODY },
    { "no Resources", TEMPLATE_FLEET, "{}", REFUSED("Resources section is missing or empty.") },
    { "empty Resources", TEMPLATE_FLEET, RESOURCES(""), REFUSED("Resources section is missing or empty.") },
    { "Resources that are a list", TEMPLATE_FLEET, "{\"Resources\":[]}",
      REFUSED("Resources section is missing or empty.") },
    { "a resource of another type", TEMPLATE_FLEET, RESOURCES("\"r\":{\"Type\":\"AWS::S3::Bucket\"}"),
      REFUSED("Unsupported resource type: AWS::S3::Bucket.") },
    { "a resource without a type", TEMPLATE_FLEET, RESOURCES("\"r\":{\"Properties\":{}}"),
      REFUSED("Unsupported resource type: null.") },
    { "a resource that is no object", TEMPLATE_FLEET, RESOURCES("\"r\":7"),
      REFUSED("Unsupported resource type: null.") },
    { "a function as the type", TEMPLATE_FLEET, RESOURCES("\"r\":{\"Type\":{\"Ref\":\"T\"}}"),
      REFUSED("Unsupported resource type: {\"Ref\":\"T\"}.") },
    { "Properties that are a list", TEMPLATE_FLEET, RESOURCES("\"r\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":[]}"),
      REFUSED("Properties of r must be an object.") },

    { "a policy with neither", TEMPLATE_FLEET, RESOURCES(CERTIFICATE "," POLICY("")),
      REFUSED("Neither policyName nor policyDocument is present in the Template.") },
    { "a policy without Properties", TEMPLATE_FLEET, RESOURCES(CERTIFICATE ",\"p\":{\"Type\":\"AWS::IoT::Policy\"}"),
      REFUSED("Neither policyName nor policyDocument is present in the Template.") },
    { "a null is absent", TEMPLATE_FLEET, RESOURCES(CERTIFICATE "," POLICY("\"PolicyName\":null")),
      REFUSED("Neither policyName nor policyDocument is present in the Template.") },
    { "a policy with both", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," POLICY("\"PolicyName\":\"a\",\"PolicyDocument\":" GOOD_POLICY)),
      REFUSED("Both policyName and policyDocument are present in the Template.") },
    { "a thing without its name", TEMPLATE_FLEET, RESOURCES(CERTIFICATE "," THING("\"ThingTypeName\":\"t\"")),
      REFUSED("thingName is not present in the Template.") },
    { "a certificate without a source", TEMPLATE_REG, RESOURCES(CERT("\"Status\":\"ACTIVE\"")),
      REFUSED("Exactly one of CertificateId, CertificateSigningRequest and CertificatePem must be present.") },
    { "a certificate without a source in FLEET", TEMPLATE_FLEET, RESOURCES(CERT("")),
      REFUSED("Exactly one of CertificateId, CertificateSigningRequest and CertificatePem must be present.") },
    { "a certificate with two sources", TEMPLATE_BULK,
      RESOURCES(CERT("\"CertificateId\":\"a\",\"CertificatePem\":\"b\"")),
      REFUSED("Exactly one of CertificateId, CertificateSigningRequest and CertificatePem must be present.") },
    { "a CA's certificate is no source", TEMPLATE_BULK, RESOURCES(CERT("\"CACertificatePem\":\"b\"")),
      REFUSED("Exactly one of CertificateId, CertificateSigningRequest and CertificatePem must be present.") },
    { "a CSR in FLEET", TEMPLATE_FLEET, RESOURCES(CERT("\"CertificateSigningRequest\":\"a\"")),
      REFUSED("CertificateId must be used in this type of template.") },
    { "a PEM in JITP", TEMPLATE_JITP, RESOURCES(CERT("\"CertificatePem\":\"a\"")),
      REFUSED("CertificateId must be used in this type of template.") },
    { "no certificate in FLEET", TEMPLATE_FLEET, RESOURCES(THING("\"ThingName\":\"t\"")),
      REFUSED("CertificateId must be used in this type of template.") },
    { "no certificate in JITP", TEMPLATE_JITP, RESOURCES(THING("\"ThingName\":\"t\"")),
      REFUSED("CertificateId must be used in this type of template.") },
    { "no certificate in REG", TEMPLATE_REG, RESOURCES(THING("\"ThingName\":\"t\"")), NULL },
    { "a CSR in BULK", TEMPLATE_BULK, RESOURCES(CERT("\"CertificateSigningRequest\":{\"Ref\":\"CSR\"}")), NULL },
    { "a PEM with its CA in REG", TEMPLATE_REG, RESOURCES(CERT("\"CertificatePem\":\"a\",\"CACertificatePem\":\"b\"")),
      NULL },

    { "a Status that is none", TEMPLATE_FLEET, RESOURCES(CERT(BY_ID ",\"Status\":\"REVOKED\"")),
      REFUSED("Invalid value REVOKED for Status.") },
    { "a Status that is a boolean", TEMPLATE_FLEET, RESOURCES(CERT(BY_ID ",\"Status\":true")),
      REFUSED("Invalid value true for Status.") },
    { "Status in any case", TEMPLATE_FLEET, RESOURCES(CERT(BY_ID ",\"Status\":\"iNaCtIvE\"")), NULL },
    { "Status from a parameter", TEMPLATE_FLEET, RESOURCES(CERT(BY_ID ",\"Status\":{\"Ref\":\"S\"}")), NULL },
    { "a ThingPrincipalType that is none", TEMPLATE_FLEET,
      RESOURCES(CERT(BY_ID ",\"ThingPrincipalType\":\"exclusive\"")),
      REFUSED("Invalid value exclusive for ThingPrincipalType.") },
    { "EXCLUSIVE_THING", TEMPLATE_FLEET, RESOURCES(CERT(BY_ID ",\"ThingPrincipalType\":\"EXCLUSIVE_THING\"")), NULL },
    { "a value too long to show", TEMPLATE_FLEET,
      RESOURCES(CERT(BY_ID ",\"Status\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"")),
      REFUSED("Invalid value 0123456789012345678901234567890123456789012345678901234567890123 for Status.") },
    { "an override value that is none", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," THING_OVER("\"ThingGroups\":\"KEEP\"")),
      REFUSED("Invalid value KEEP for ThingGroups.") },
    { "a function as an override value", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," THING_OVER("\"ThingGroups\":{\"Ref\":\"M\"}")),
      REFUSED("Invalid value {\"Ref\":\"M\"} for ThingGroups.") },
    { "an override key that is none", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," THING_OVER("\"BillingGroup\":\"REPLACE\"")),
      REFUSED("Invalid value BillingGroup for OverrideSettings.") },
    { "Status is not overridden on things", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," THING_OVER("\"Status\":\"REPLACE\"")),
      REFUSED("Invalid value Status for OverrideSettings.") },
    { "a type cannot be merged", TEMPLATE_FLEET, RESOURCES(CERTIFICATE "," THING_OVER("\"THING_TYPE_NAME\":\"MERGE\"")),
      REFUSED("Invalid value MERGE for THING_TYPE_NAME.") },
    { "a status cannot be merged", TEMPLATE_FLEET,
      RESOURCES("\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" BY_ID
                "},\"OverrideSettings\":{\"Status\":\"MERGE\"}}"),
      REFUSED("Invalid value MERGE for Status.") },
    { "policies have nothing to override", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE ",\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyName\":\"a\"},"
                            "\"OverrideSettings\":{\"PolicyName\":\"REPLACE\"}}"),
      REFUSED("Invalid value PolicyName for OverrideSettings.") },
    { "OverrideSettings that are a text", TEMPLATE_FLEET,
      RESOURCES("\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" BY_ID "},\"OverrideSettings\":\"FAIL\"}"),
      REFUSED("OverrideSettings of c must be an object.") },

    { "two things", TEMPLATE_REG,
      RESOURCES(THING(
          "\"ThingName\":\"t\"") ",\"other\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":\"t\"}}"),
      REFUSED("At most one resource of type AWS::IoT::Thing is allowed.") },
    { "two certificates", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE ",\"c2\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" BY_ID "}}"),
      REFUSED("At most one resource of type AWS::IoT::Certificate is allowed.") },
    { "a policy without a certificate", TEMPLATE_REG,
      RESOURCES(THING("\"ThingName\":\"t\"") "," POLICY("\"PolicyName\":\"a\"")),
      REFUSED("A policy needs a certificate to be attached to.") },

    { "ThingName is no number", TEMPLATE_REG, RESOURCES(THING("\"ThingName\":7")),
      REFUSED("ThingName of thing: it must be a string or a function that gives one.") },
    { "attributes inside attributes", TEMPLATE_REG,
      RESOURCES(THING("\"ThingName\":\"t\",\"AttributePayload\":{\"attributes\":{\"a\":\"b\",\"c\":\"d\"}}")),
      REFUSED("attributes of thing: it must be a string or a function that gives one.") },
    { "AttributePayload is a map", TEMPLATE_REG, RESOURCES(THING("\"ThingName\":\"t\",\"AttributePayload\":\"x\"")),
      REFUSED("AttributePayload of thing: it must be a flat map of strings and functions.") },
    { "AttributePayload is no function", TEMPLATE_REG,
      RESOURCES(THING("\"ThingName\":\"t\",\"AttributePayload\":{\"Ref\":\"x\"}")),
      REFUSED("AttributePayload of thing: a function cannot stand for the whole map.") },
    { "ThingGroups is a list", TEMPLATE_REG, RESOURCES(THING("\"ThingName\":\"t\",\"ThingGroups\":\"g\"")),
      REFUSED("ThingGroups of thing: it must be a list of strings or a function that gives one.") },
    { "unknown members and properties do not matter", TEMPLATE_FLEET,
      "{\"Version\":\"2012\",\"Description\":7,\"Resources\":{\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"DependsOn\":["
      "],\"Properties\":{" BY_ID ",\"Colour\":{\"Fn::Base64\":1}}}}}",
      NULL },
    { "the last of two equal keys counts", TEMPLATE_FLEET,
      RESOURCES("\"c\":7,\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" BY_ID "}}"), NULL },

    { "Parameters that are a list", TEMPLATE_FLEET, "{\"Parameters\":[],\"Resources\":{" CERTIFICATE "}}",
      REFUSED("Parameters must be an object.") },
    { "a parameter of another type", TEMPLATE_FLEET,
      "{\"Parameters\":{\"P\":{\"Type\":\"Number\"}},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("The parameter P must have the Type String.") },
    { "a parameter without a type", TEMPLATE_FLEET, "{\"Parameters\":{\"P\":{}},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("The parameter P must have the Type String.") },
    { "a Default that is a number", TEMPLATE_FLEET,
      "{\"Parameters\":{\"P\":{\"Type\":\"String\",\"Default\":1}},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("The Default of the parameter P must be a string.") },
    { "JITP knows only built-in names", TEMPLATE_JITP,
      "{\"Parameters\":{\"P\":{\"Type\":\"String\"}},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("The parameter P does not exist in just-in-time provisioning.") },
    { "JITP refers only to built-in names", TEMPLATE_JITP,
      RESOURCES(CERTIFICATE "," THING("\"ThingName\":{\"Ref\":\"P\"}")),
      REFUSED("ThingName of thing: the parameter P does not exist in just-in-time provisioning.") },
    { "JITP with a common name", TEMPLATE_JITP,
      RESOURCES(CERTIFICATE "," THING("\"ThingName\":{\"Ref\":\"AWS::IoT::Certificate::CommonName\"}")), NULL },
    { "a reference to what is not declared", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," THING("\"ThingName\":{\"Ref\":\"P\"}")), NULL },

    { "Mappings that are a list", TEMPLATE_FLEET, "{\"Mappings\":[],\"Resources\":{" CERTIFICATE "}}",
      REFUSED("Mappings must be an object.") },
    { "a mapping of one level", TEMPLATE_FLEET, "{\"Mappings\":{\"m\":\"a\"},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("Mappings must be a map of maps of maps: m is not.") },
    { "a mapping of two levels", TEMPLATE_FLEET, "{\"Mappings\":{\"m\":{\"a\":\"b\"}},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("Mappings must be a map of maps of maps: a is not.") },
    { "a function in Mappings", TEMPLATE_FLEET,
      "{\"Mappings\":{\"m\":{\"a\":{\"b\":{\"Ref\":\"P\"}}}},\"Resources\":{" CERTIFICATE "}}",
      REFUSED("Mappings cannot hold functions.") },

    { "DeviceConfiguration that is a list", TEMPLATE_FLEET,
      "{\"Resources\":{" CERTIFICATE "},\"DeviceConfiguration\":[]}",
      REFUSED("DeviceConfiguration must be an object.") },
    { "an object in DeviceConfiguration", TEMPLATE_FLEET, VALUE("{\"a\":\"b\"}"),
      REFUSED("v of DeviceConfiguration: it must be a string, a number, a boolean or a function.") },
    { "a list in DeviceConfiguration", TEMPLATE_FLEET, VALUE("[\"a\"]"),
      REFUSED("v of DeviceConfiguration: it must be a string, a number, a boolean or a function.") },
    { "a null in DeviceConfiguration", TEMPLATE_REG, VALUE("null"),
      REFUSED("v of DeviceConfiguration: it must be a string, a number, a boolean or a function.") },

    { "an unknown function", TEMPLATE_FLEET, VALUE("{\"Fn::Base64\":\"x\"}"),
      REFUSED("v of DeviceConfiguration: Fn::Base64 is not a function.") },
    { "an unknown function in a policy", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Version\":{\"Fn::If\":[]}}")),
      REFUSED("PolicyDocument of policy: Fn::If is not a function.") },
    { "a function that is not alone", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Version\":{\"Fn::Join\":[],\"x\":1}}")),
      REFUSED("PolicyDocument of policy: Fn::Join must be the only member of its object.") },
    { "Ref of no text", TEMPLATE_FLEET, VALUE("{\"Ref\":7}"),
      REFUSED("v of DeviceConfiguration: Ref takes the name of a parameter.") },
    { "Ref of a resource", TEMPLATE_FLEET, VALUE("{\"Ref\":\"cert\"}"),
      REFUSED("v of DeviceConfiguration: a reference to the resource cert is not supported.") },
    { "Join without a list", TEMPLATE_FLEET, VALUE("{\"Fn::Join\":[\"-\"]}"),
      REFUSED("v of DeviceConfiguration: Fn::Join takes [delimiter, [text, ...]].") },
    { "Join of an object", TEMPLATE_FLEET, VALUE("{\"Fn::Join\":{\"a\":1}}"),
      REFUSED("v of DeviceConfiguration: Fn::Join takes [delimiter, [text, ...]].") },
    { "Join of a text", TEMPLATE_FLEET, VALUE("{\"Fn::Join\":[\"-\",\"a\"]}"),
      REFUSED("v of DeviceConfiguration: it must be a list of strings or a function that gives one.") },
    { "Join of a function that gives a text", TEMPLATE_FLEET, VALUE("{\"Fn::Join\":[\"-\",{\"Ref\":\"P\"}]}"),
      REFUSED("v of DeviceConfiguration: Ref stands where a list is needed.") },
    { "Join of a number", TEMPLATE_FLEET, VALUE("{\"Fn::Join\":[\"-\",[\"a\",7]]}"),
      REFUSED("v of DeviceConfiguration: it must be a string or a function that gives one.") },
    { "Join of a list in the list", TEMPLATE_FLEET, VALUE("{\"Fn::Join\":[\"-\",[{\"Fn::Split\":[\"a\",\"b\"]}]]}"),
      REFUSED("v of DeviceConfiguration: Fn::Split stands where one text is needed.") },
    { "Select past the end", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[2,[\"a\",\"b\"]]}"),
      REFUSED("v of DeviceConfiguration: Fn::Select: the list has no element 2.") },
    { "Select with a negative index", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[-1,[\"a\"]]}"),
      REFUSED("v of DeviceConfiguration: Fn::Select takes [index from 0, [text, ...]].") },
    { "Select with a fraction", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[0.0,[\"a\"]]}"),
      REFUSED("v of DeviceConfiguration: Fn::Select takes [index from 0, [text, ...]].") },
    { "Select with a word", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[\"first\",[\"a\"]]}"),
      REFUSED("v of DeviceConfiguration: Fn::Select takes [index from 0, [text, ...]].") },
    { "Select from a list with a null", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[0,[\"a\",null]]}"),
      REFUSED("v of DeviceConfiguration: it must be a string or a function that gives one.") },
    { "Split with an empty delimiter", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[0,{\"Fn::Split\":[\"\",\"a\"]}]}"),
      REFUSED("v of DeviceConfiguration: Fn::Split: the delimiter is empty.") },
    { "Split of a list", TEMPLATE_FLEET, VALUE("{\"Fn::Select\":[0,{\"Fn::Split\":[\",\",[\"a\"]]}]}"),
      REFUSED("v of DeviceConfiguration: it must be a string or a function that gives one.") },
    { "Split where one text is needed", TEMPLATE_FLEET, VALUE("{\"Fn::Split\":[\",\",\"a\"]}"),
      REFUSED("v of DeviceConfiguration: Fn::Split stands where one text is needed.") },
    { "FindInMap with two arguments", TEMPLATE_FLEET, VALUE("{\"Fn::FindInMap\":[\"m\",\"a\"]}"),
      REFUSED("v of DeviceConfiguration: Fn::FindInMap takes [map, first key, second key].") },
    { "FindInMap in no map", TEMPLATE_FLEET, VALUE("{\"Fn::FindInMap\":[\"n\",{\"Ref\":\"P\"},\"b\"]}"),
      REFUSED("v of DeviceConfiguration: Fn::FindInMap: Mappings has no value under these keys.") },
    { "FindInMap with no such key", TEMPLATE_FLEET, VALUE("{\"Fn::FindInMap\":[\"m\",\"a\",\"c\"]}"),
      REFUSED("v of DeviceConfiguration: Fn::FindInMap: Mappings has no value under these keys.") },
    { "FindInMap with a key to come", TEMPLATE_FLEET, VALUE("{\"Fn::FindInMap\":[\"m\",{\"Ref\":\"P\"},\"b\"]}"),
      NULL },
    { "Sub of a function", TEMPLATE_FLEET, VALUE("{\"Fn::Sub\":{\"Ref\":\"P\"}}"),
      REFUSED("v of DeviceConfiguration: Fn::Sub takes a text or [text, {variable: value}].") },
    { "Sub with three arguments", TEMPLATE_FLEET, VALUE("{\"Fn::Sub\":[\"a\",{},\"b\"]}"),
      REFUSED("v of DeviceConfiguration: Fn::Sub takes a text or [text, {variable: value}].") },
    { "Sub with a list of variables", TEMPLATE_FLEET, VALUE("{\"Fn::Sub\":[\"a\",[]]}"),
      REFUSED("v of DeviceConfiguration: Fn::Sub takes a text or [text, {variable: value}].") },
    { "Sub with an open variable", TEMPLATE_FLEET, VALUE("{\"Fn::Sub\":\"a-${P\"}"),
      REFUSED("v of DeviceConfiguration: Fn::Sub: a ${ is not closed.") },
    { "Sub with an empty variable", TEMPLATE_FLEET, VALUE("{\"Fn::Sub\":\"a-${}\"}"),
      REFUSED("v of DeviceConfiguration: Fn::Sub: ${} names no parameter.") },
    { "Sub of a resource", TEMPLATE_FLEET, VALUE("{\"Fn::Sub\":\"a-${cert}\"}"),
      REFUSED("v of DeviceConfiguration: a reference to the resource cert is not supported.") },

    { "a policy's document is checked", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Version\":\"2012-10-17\"}")),
      "MalformedPolicyException" },
    { "a policy's text is checked", TEMPLATE_FLEET, RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":\"{}\"")),
      "MalformedPolicyException" },
    { "a policy's document that is a number", TEMPLATE_FLEET, RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":7")),
      REFUSED("PolicyDocument of policy: it must be a JSON object, a string or a function.") },
    { "a policy's document with a function is checked later", TEMPLATE_FLEET,
      RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Version\":{\"Ref\":\"V\"}}")), NULL },
};

/* A policy document brings the policy validator's own text: the row names the validator's error, which is the cause. */
static void answers(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct template *template;
    error *e = template_parse(ctx, slice_of(row->body), row->kind, &template);
    if (row->refusal == NULL) {
        assert_null(e);
    } else if (strcmp(row->refusal, "MalformedPolicyException") == 0) {
        assert_non_null(e);
        assert_string_equal(e->name, "InvalidRequestException");
        assert_true(error_is(e->cause, row->refusal));
        assert_string_equal(e->message, e->cause->message);
    } else {
        assert_non_null(e);
        assert_string_equal(outcome_error(ctx, e), row->refusal);
    }
    talloc_free(ctx);
}

static const struct size_row {
    const char *name;
    size_t characters;
    const char *filler;
    bool taken;
} size_rows[] = {
    { "10240 characters", 10240, "x", true },
    { "10241 characters", 10241, "x", false },
    { "10240 characters of four bytes", 10240, "\xf0\x9f\x94\x91", true },
    { "10241 characters of four bytes", 10241, "\xf0\x9f\x94\x91", false },
};

static void sizes(void **state)
{
    const struct size_row *row = *state;
    void *ctx = talloc_new(NULL);
    static const char head[] = "{\"Description\":\"", tail[] = "\","
                                                               "\"Resources\":{" CERTIFICATE "}}";
    writer body = writer_new(ctx, 1 << 20);
    writer_text(&body, head);
    for (size_t i = strlen(head) + strlen(tail); i < row->characters; i++)
        writer_text(&body, row->filler);
    writer_text(&body, tail);

    struct template *template;
    error *e = template_parse(ctx, writer_slice_of(&body), TEMPLATE_FLEET, &template);
    if (row->taken)
        assert_null(e);
    else
        assert_string_equal(outcome_error(ctx, e), BODY);
    talloc_free(ctx);
}

static const struct depth_row {
    const char *name;
    int levels;
    bool taken;
} depth_rows[] = {
    { "32 levels", 32, true },
    { "33 levels", 33, false },
    { "2000 levels", 2000, false },
};

static void depths(void **state)
{
    const struct depth_row *row = *state;
    void *ctx = talloc_new(NULL);
    writer body = writer_new(ctx, 1 << 20);
    writer_text(&body, "{\"Resources\":{" CERTIFICATE "},\"Metadata\":");
    for (int i = 1; i < row->levels; i++)
        writer_text(&body, "[");
    for (int i = 1; i < row->levels; i++)
        writer_text(&body, "]");
    writer_text(&body, "}");

    struct template *template;
    error *e = template_parse(ctx, writer_slice_of(&body), TEMPLATE_FLEET, &template);
    if (row->taken)
        assert_null(e);
    else
        assert_string_equal(outcome_error(ctx, e), BODY);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(size_rows, sizes), TABLE(depth_rows, depths));
}
