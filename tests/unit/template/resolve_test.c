/* resolve_test.c - what templates mean for a device (provisioning 4.1, 4.2, 4.4). */
#include "outcome.h"

#define BAD(text)       "InvalidParameters: " text
#define RESOURCES(rest) "{\"Resources\":{" rest "}}"
#define THING(rest)     "\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{" rest "}}"
#define CERT(rest)      "\"cert\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" rest "}}"
#define BY_ID           "\"CertificateId\":{\"Ref\":\"AWS::IoT::Certificate::Id\"}"
#define NAMED(value)    RESOURCES(CERTIFICATE "," THING("\"ThingName\":" value))
#define PLANNED         "certificate cert by id A active\n"
#define HOLDS(text)     "certificate cert by id A active\nconfiguration v=" text "\n"
#define NO_PLAN(text)   BAD("v of DeviceConfiguration: " text)

/* One value, seen through DeviceConfiguration. P and Q are given by the device, D has a Default. */
static const struct value_row {
    const char *name;
    const char *value;
    const char *outcome;
} value_rows[] = {
    { "a text", "\"x\"", HOLDS("x") },
    { "an empty text", "\"\"", HOLDS("") },
    { "a text of another script", "\"K\\u00fche\"",
      HOLDS("K\xc3\xbc"
            "he") },
    { "a number keeps its text", "1.10", HOLDS("1.10") },
    { "an integer", "-7", HOLDS("-7") },
    { "a boolean", "false", HOLDS("false") },
    { "text is not substituted by itself", "\"${P}\"", HOLDS("${P}") },

    { "Ref of a given parameter", "{\"Ref\":\"P\"}", HOLDS("a-b-c") },
    { "Ref of an empty value", "{\"Ref\":\"E\"}", HOLDS("") },
    { "Ref of a Default", "{\"Ref\":\"D\"}", HOLDS("north") },
    { "Ref of a parameter that is not declared", "{\"Ref\":\"Q\"}", HOLDS("q") },
    { "Ref of nothing", "{\"Ref\":\"Missing\"}", NO_PLAN("the parameter Missing has no value.") },
    { "Ref of a declared parameter that is missing", "{\"Ref\":\"Declared\"}",
      NO_PLAN("the parameter Declared has no value.") },

    { "Join", "{\"Fn::Join\":[\"/\",[\"a\",{\"Ref\":\"Q\"},\"c\"]]}", HOLDS("a/q/c") },
    { "Join without a delimiter", "{\"Fn::Join\":[\"\",[\"a\",\"b\"]]}", HOLDS("ab") },
    { "Join of one", "{\"Fn::Join\":[\"/\",[\"a\"]]}", HOLDS("a") },
    { "Join of none", "{\"Fn::Join\":[\"/\",[]]}", HOLDS("") },
    { "Join of empty texts", "{\"Fn::Join\":[\"/\",[\"\",\"\"]]}", HOLDS("/") },
    { "Join of a Split", "{\"Fn::Join\":[\"+\",{\"Fn::Split\":[\"-\",{\"Ref\":\"P\"}]}]}", HOLDS("a+b+c") },
    { "Join with a delimiter to come", "{\"Fn::Join\":[{\"Ref\":\"Q\"},[\"a\",\"b\"]]}", HOLDS("aqb") },
    { "Join of a mapped list", "{\"Fn::Join\":[\",\",{\"Fn::FindInMap\":[\"Hub\",\"north\",\"ports\"]}]}",
      HOLDS("1,2") },
    { "Join of a mapped text", "{\"Fn::Join\":[\",\",{\"Fn::FindInMap\":[\"Hub\",\"north\",\"url\"]}]}",
      NO_PLAN("one text stands where a list is needed.") },
    { "Join without one of its values", "{\"Fn::Join\":[\"/\",[\"a\",{\"Ref\":\"Missing\"}]]}",
      NO_PLAN("the parameter Missing has no value.") },

    { "Select by text", "{\"Fn::Select\":[\"1\",[\"a\",\"b\"]]}", HOLDS("b") },
    { "Select by number", "{\"Fn::Select\":[0,[\"a\",\"b\"]]}", HOLDS("a") },
    { "Select by a parameter", "{\"Fn::Select\":[{\"Ref\":\"One\"},[\"a\",\"b\"]]}", HOLDS("b") },
    { "Select from a Split", "{\"Fn::Select\":[\"2\",{\"Fn::Split\":[\"-\",{\"Ref\":\"P\"}]}]}", HOLDS("c") },
    { "Select past the end of a Split", "{\"Fn::Select\":[\"3\",{\"Fn::Split\":[\"-\",{\"Ref\":\"P\"}]}]}",
      NO_PLAN("Fn::Select: the list has no element 3.") },
    { "Select by a word", "{\"Fn::Select\":[{\"Ref\":\"Q\"},[\"a\"]]}", NO_PLAN("Fn::Select: \"q\" is not an index.") },
    { "Select by nothing", "{\"Fn::Select\":[{\"Ref\":\"E\"},[\"a\"]]}", NO_PLAN("Fn::Select: \"\" is not an index.") },
    { "Select by a number past all bounds", "{\"Fn::Select\":[{\"Ref\":\"Huge\"},[\"a\"]]}",
      NO_PLAN("Fn::Select: \"18446744073709551616\" is not an index.") },

    { "Split keeps empty pieces", "{\"Fn::Join\":[\"|\",{\"Fn::Split\":[\"-\",\"-a--b-\"]}]}", HOLDS("|a||b|") },
    { "Split of an empty text gives one piece", "{\"Fn::Select\":[0,{\"Fn::Split\":[\"-\",{\"Ref\":\"E\"}]}]}",
      HOLDS("") },
    { "Split of what an empty Join gave", "{\"Fn::Select\":[0,{\"Fn::Split\":[\"-\",{\"Fn::Join\":[\"\",[]]}]}]}",
      HOLDS("") },
    { "Split without the delimiter", "{\"Fn::Select\":[0,{\"Fn::Split\":[\"x\",{\"Ref\":\"P\"}]}]}", HOLDS("a-b-c") },
    { "Split by a longer delimiter", "{\"Fn::Select\":[1,{\"Fn::Split\":[\"--\",\"a--b-c\"]}]}", HOLDS("b-c") },
    { "Split by an empty parameter", "{\"Fn::Select\":[0,{\"Fn::Split\":[{\"Ref\":\"E\"},\"a\"]}]}",
      NO_PLAN("Fn::Split: the delimiter is empty.") },

    { "FindInMap", "{\"Fn::FindInMap\":[\"Hub\",{\"Ref\":\"D\"},\"url\"]}", HOLDS("https://n.example") },
    { "FindInMap of a number", "{\"Fn::FindInMap\":[\"Hub\",\"north\",\"weight\"]}", HOLDS("1.50") },
    { "FindInMap with keys made by functions",
      "{\"Fn::FindInMap\":[{\"Fn::Join\":[\"\",[\"H\",\"ub\"]]},{\"Fn::Sub\":\"${D}\"},\"url\"]}",
      HOLDS("https://n.example") },
    { "FindInMap of an unknown key", "{\"Fn::FindInMap\":[\"Hub\",{\"Ref\":\"Q\"},\"url\"]}",
      NO_PLAN("Fn::FindInMap: Mappings has no Hub, q, url.") },
    { "FindInMap of a list where a text is needed", "{\"Fn::FindInMap\":[\"Hub\",\"north\",\"ports\"]}",
      NO_PLAN("a list stands where one text is needed.") },

    { "Sub", "{\"Fn::Sub\":\"<${P}|${D}>\"}", HOLDS("<a-b-c|north>") },
    { "Sub without variables", "{\"Fn::Sub\":\"a $ { } $$ b\"}", HOLDS("a $ { } $$ b") },
    { "Sub of an empty text", "{\"Fn::Sub\":\"\"}", HOLDS("") },
    { "Sub with its own variables", "{\"Fn::Sub\":[\"${V}-${Q}\",{\"V\":{\"Ref\":\"D\"}}]}", HOLDS("north-q") },
    { "Sub's own variables come first", "{\"Fn::Sub\":[\"${Q}\",{\"Q\":\"mine\"}]}", HOLDS("mine") },
    { "Sub's escape", "{\"Fn::Sub\":\"${!Q}${!}${!a:b}\"}", HOLDS("${Q}${}${a:b}") },
    { "Sub leaves policy variables", "{\"Fn::Sub\":\"${iot:Connection.Thing.ThingName}/${Q}\"}",
      HOLDS("${iot:Connection.Thing.ThingName}/q") },
    { "Sub takes built-in names", "{\"Fn::Sub\":\"${AWS::IoT::Certificate::Id}\"}", HOLDS(ID_A) },
    { "Sub without a value", "{\"Fn::Sub\":\"${Missing}\"}", NO_PLAN("the parameter Missing has no value.") },
    { "Sub does not look twice", "{\"Fn::Sub\":\"${Nested}\"}", HOLDS("${P}") },
    { "functions nest",
      "{\"Fn::Join\":[\"-\",[{\"Fn::Select\":[\"0\",{\"Fn::Split\":[\"/\",{\"Fn::Sub\":[\"${A}/"
      "x\",{\"A\":{\"Fn::FindInMap\":[\"Hub\",\"north\",\"weight\"]}}]}]}]},{\"Ref\":\"Q\"}]]}",
      HOLDS("1.50-q") },
};

static void values(void **state)
{
    const struct value_row *row = *state;
    void *ctx = talloc_new(NULL);
    struct outcome_case in = {
        .kind = TEMPLATE_FLEET,
        .body = text_format(ctx,
                            "{\"Parameters\":{\"P\":{\"Type\":\"String\"},\"D\":{\"Type\":\"String\",\"Default\":"
                            "\"north\"},\"Declared\":{\"Type\":\"String\"}},"
                            "\"Mappings\":{\"Hub\":{\"north\":{\"url\":\"https://"
                            "n.example\",\"weight\":1.50,\"ports\":[\"1\",\"2\"]}}},"
                            "\"Resources\":{" CERTIFICATE "},\"DeviceConfiguration\":{\"v\":%s}}",
                            row->value),
        .given =
            "{\"P\":\"a-b-c\",\"Q\":\"q\",\"E\":\"\",\"One\":1,\"Nested\":\"${P}\",\"Huge\":\"18446744073709551616\"}",
    };
    assert_string_equal(outcome(ctx, in), row->outcome);
    talloc_free(ctx);
}

#define EXAMPLE                                                                                                        \
    "{\"Parameters\":{\"SerialNumber\":{\"Type\":\"String\"},\"Site\":{\"Type\":\"String\",\"Default\":\"north\"}},"   \
    "\"Mappings\":{\"Hub\":{\"north\":{\"url\":\"https://n.example\"},\"south\":{\"url\":\"https://s.example\"}}},"    \
    "\"Resources\":{"                                                                                                  \
    "\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{"                                                         \
    "\"ThingName\":{\"Fn::Join\":[\"-\",[\"pump\",{\"Ref\":\"SerialNumber\"}]]},"                                      \
    "\"AttributePayload\":{\"serial\":{\"Ref\":\"SerialNumber\"},\"batch\":{\"Fn::Select\":[\"0\",{\"Fn::Split\":[\"-" \
    "\",{\"Ref\":\"SerialNumber\"}]}]}},"                                                                              \
    "\"ThingTypeName\":\"pump\",\"ThingGroups\":[\"new\",{\"Ref\":\"Site\"}],\"BillingGroup\":\"lab\"},"               \
    "\"OverrideSettings\":{\"AttributePayload\":\"MERGE\",\"ThingTypeName\":\"REPLACE\",\"ThingGroups\":\"DO_"         \
    "NOTHING\"}},"                                                                                                     \
    "\"cert\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{\"CertificateId\":{\"Ref\":\"AWS::IoT::Certificate:" \
    ":Id\"},\"Status\":\"Active\"}},"                                                                                  \
    "\"base\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyName\":\"DeviceBase\"}},"                         \
    "\"own\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyDocument\":{\"Version\":\"2012-10-17\","           \
    "\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\"],"                                               \
    "\"Resource\":[{\"Fn::Sub\":\"arn:aws:iot:us-east-1:000000000001:topic/d/${SerialNumber}/"                         \
    "${iot:Connection.Thing.ThingName}\"}]}]}}}},"                                                                     \
    "\"DeviceConfiguration\":{\"Url\":{\"Fn::FindInMap\":[\"Hub\",{\"Ref\":\"Site\"},\"url\"]}}}"

#define EXAMPLE_PLAN(policy, serial, batch, site, url)                                                                 \
    "thing thing is pump-" serial "\nattributes MERGE\n  serial=" serial "\n  batch=" batch                            \
    "\ntype REPLACE pump\ngroups\n  new\n  " site "\nbilling lab\n"                                                    \
    "certificate cert by id A active stated\npolicy base is DeviceBase\npolicy own is " policy                         \
    "\n  {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\"],\"Resource\":[" \
    "\"arn:aws:iot:us-east-1:000000000001:topic/d/" serial "/${iot:Connection.Thing.ThingName}\"]}]}\n"                \
    "configuration Url=" url "\n"

#define EVERYTHING                                                                                                     \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]" \
    "}"
#define EVERYTHING_QUOTED                                                                                            \
    "\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"iot:" \
    "Connect\\\",\\\"Resource\\\":\\\"*\\\"}]}\""
#define SPACED \
    "{ "       \
    "\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]}"
#define SPACED_QUOTED                                                                                             \
    "\"{ "                                                                                                        \
    "\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"iot:" \
    "Connect\\\",\\\"Resource\\\":\\\"*\\\"}]}\""
#define POLICY(rest) "\"policy\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{" rest "}}"
#define OVER(rest)                                                                                                    \
    RESOURCES(CERTIFICATE                                                                                             \
              ",\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":\"t\",\"AttributePayload\":{}," \
              "\"ThingTypeName\":\"y\",\"ThingGroups\":[]},\"OverrideSettings\":{" rest "}}")
#define A_THING(attributes, type, groups) \
    "thing thing is t\nattributes" attributes "\ntype" type " y\ngroups" groups "\n" PLANNED

static const struct row {
    const char *name;
    struct outcome_case in;
    const char *outcome;
} rows[] = {
    { "the example of 4.1",
      { .body = EXAMPLE, .given = "{\"SerialNumber\":\"sn-7\"}" },
      EXAMPLE_PLAN("030A472377370ECC5C2ADF7B3FC9D1AAAE99BEAC", "sn-7", "sn", "north", "https://n.example") },
    { "a hook moves the example south",
      { .body = EXAMPLE, .given = "{\"SerialNumber\":\"sn-7\"}", .overrides = "{\"Site\":\"south\"}" },
      EXAMPLE_PLAN("030A472377370ECC5C2ADF7B3FC9D1AAAE99BEAC", "sn-7", "sn", "south", "https://s.example") },
    { "the example without its serial number",
      { .body = EXAMPLE },
      BAD("ThingName of thing: the parameter SerialNumber has no value.") },
    { "the example for a site that is not mapped",
      { .body = EXAMPLE, .given = "{\"SerialNumber\":\"7\",\"Site\":\"west\"}" },
      BAD("Url of DeviceConfiguration: Fn::FindInMap: Mappings has no Hub, west, url.") },
    { "no thing", { .body = RESOURCES(CERTIFICATE) }, PLANNED },

    { "given before Default",
      { .body = "{\"Parameters\":{\"N\":{\"Type\":\"String\",\"Default\":\"d\"}},\"Resources\":{" CERTIFICATE
                "," THING("\"ThingName\":{\"Ref\":\"N\"}") "}}",
        .given = "{\"N\":\"g\"}" },
      "thing thing is g\n" PLANNED },
    { "hook before given",
      { .body = NAMED("{\"Ref\":\"N\"}"), .given = "{\"N\":\"g\"}", .overrides = "{\"N\":\"h\"}" },
      "thing thing is h\n" PLANNED },
    { "a hook may add names",
      { .body = NAMED("{\"Ref\":\"N\"}"), .overrides = "{\"N\":\"h\"}" },
      "thing thing is h\n" PLANNED },
    { "a device cannot choose the certificate",
      { .body = RESOURCES(CERTIFICATE), .given = "{\"AWS::IoT::Certificate::Id\":\"" ID_B "\"}" },
      PLANNED },
    { "a hook cannot choose the certificate",
      { .body = RESOURCES(CERTIFICATE), .overrides = "{\"AWS::IoT::Certificate::Id\":\"" ID_B "\"}" },
      PLANNED },
    { "AWS:: names of a device are dropped",
      { .body = NAMED("{\"Ref\":\"AWS::Mine\"}"), .given = "{\"AWS::Mine\":\"g\"}" },
      BAD("ThingName of thing: the parameter AWS::Mine has no value.") },
    { "AWS:: names of a hook are dropped",
      { .body = NAMED("{\"Ref\":\"AWS::Mine\"}"), .overrides = "{\"AWS::Mine\":\"g\"}" },
      BAD("ThingName of thing: the parameter AWS::Mine has no value.") },
    { "AWS:: names may have a Default",
      { .body = "{\"Parameters\":{\"AWS::Mine\":{\"Type\":\"String\",\"Default\":\"d\"}},\"Resources\":{" CERTIFICATE
                "," THING("\"ThingName\":{\"Ref\":\"AWS::Mine\"}") "}}",
        .given = "{\"AWS::Mine\":\"g\"}" },
      "thing thing is d\n" PLANNED },
    { "RegisterThing's caller may give the certificate",
      { TEMPLATE_REG, .body = RESOURCES(CERTIFICATE), .given = "{\"AWS::IoT::Certificate::Id\":\"" ID_B "\"}" },
      "certificate cert by id " ID_B " active\n" },
    { "RegisterThing has no built-in names",
      { TEMPLATE_REG, .body = RESOURCES(CERTIFICATE) },
      BAD("CertificateId of cert: the parameter AWS::IoT::Certificate::Id has no value.") },
    { "JITP from the subject",
      { TEMPLATE_JITP, .body = NAMED("{\"Ref\":\"AWS::IoT::Certificate::CommonName\"}"),
        .builtins = "{\"AWS::IoT::Certificate::Id\":\"" ID_A "\",\"AWS::IoT::Certificate::CommonName\":\"lamp\"}" },
      "thing thing is lamp\n" PLANNED },
    { "JITP with a declared name that the subject lacks, used or not",
      { TEMPLATE_JITP,
        .body = "{\"Parameters\":{\"AWS::IoT::Certificate::Country\":{\"Type\":\"String\"}},\"Resources\":{" CERTIFICATE
                "}}" },
      BAD("The certificate gives the parameter AWS::IoT::Certificate::Country no value.") },
    { "a Default rescues JITP",
      { TEMPLATE_JITP, .body = "{\"Parameters\":{\"AWS::IoT::Certificate::Country\":{\"Type\":\"String\",\"Default\":"
                               "\"\"}},\"Resources\":{" CERTIFICATE "}}" },
      PLANNED },
    { "a parameter declared and not used may be missing",
      { .body = "{\"Parameters\":{\"P\":{\"Type\":\"String\"}},\"Resources\":{" CERTIFICATE "}}" },
      PLANNED },

    { "another certificate by a literal",
      { .body = RESOURCES(CERT("\"CertificateId\":\"" ID_B "\"")) },
      "InvalidRequest: CertificateId of cert is not the certificate being provisioned." },
    { "another certificate by the device",
      { .body = RESOURCES(CERT("\"CertificateId\":{\"Ref\":\"C\"}")), .given = "{\"C\":\"" ID_B "\"}" },
      "InvalidRequest: CertificateId of cert is not the certificate being provisioned." },
    { "another certificate in JITP",
      { TEMPLATE_JITP, .body = RESOURCES(CERT("\"CertificateId\":\"" ID_B "\"")) },
      "InvalidRequest: CertificateId of cert is not the certificate being provisioned." },
    { "the same certificate by another way",
      { .body = RESOURCES(CERT("\"CertificateId\":{\"Fn::Sub\":\"${AWS::IoT::Certificate::Id}\"}")) },
      PLANNED },
    { "FLEET without the built-in identifier",
      { .body = RESOURCES(CERTIFICATE), .builtins = "{}" },
      BAD("CertificateId of cert: the parameter AWS::IoT::Certificate::Id has no value.") },
    { "an identifier that is none",
      { TEMPLATE_REG, .body = RESOURCES(CERT("\"CertificateId\":\"c7\"")) },
      BAD("CertificateId of cert: the text is not a certificate's identifier of 64 hexadecimal digits.") },
    { "a CSR",
      { TEMPLATE_BULK,
        .body = RESOURCES(CERT("\"CertificateSigningRequest\":{\"Ref\":\"CSR\"},\"Status\":\"INACTIVE\"")),
        .given = "{\"CSR\":\"-CSR-\"}" },
      "certificate cert by csr -CSR- inactive stated\n" },
    { "a PEM with its CA",
      { TEMPLATE_BULK, .body = RESOURCES(CERT("\"CertificatePem\":\"-PEM-\",\"CACertificatePem\":\"-CA-\"")) },
      "certificate cert by pem -PEM- ca -CA- active\n" },
    { "a CA beside an identifier is ignored",
      { .body = RESOURCES(CERT(BY_ID ",\"CACertificatePem\":\"-CA-\"")) },
      PLANNED },
    { "a CSR with U+0000",
      { TEMPLATE_BULK, .body = RESOURCES(CERT("\"CertificateSigningRequest\":\"a\\u0000b\"")) },
      BAD("CertificateSigningRequest of cert: the text holds the character U+0000.") },
    { "Status by a parameter, in any case",
      { .body = RESOURCES(CERT(BY_ID ",\"Status\":{\"Ref\":\"S\"}")), .given = "{\"S\":\"inActive\"}" },
      "certificate cert by id A inactive stated\n" },
    { "Status by a parameter that is none",
      { .body = RESOURCES(CERT(BY_ID ",\"Status\":{\"Ref\":\"S\"}")), .given = "{\"S\":\"REVOKED\"}" },
      BAD("Status of cert: \"REVOKED\" is neither ACTIVE nor INACTIVE.") },
    { "an exclusive thing",
      { .body = RESOURCES(CERT(BY_ID ",\"ThingPrincipalType\":\"EXCLUSIVE_THING\"")) },
      "certificate cert by id A active exclusive\n" },
    { "a thing that is not exclusive",
      { .body = RESOURCES(CERT(BY_ID ",\"ThingPrincipalType\":\"NON_EXCLUSIVE_THING\"")) },
      PLANNED },
    { "ThingPrincipalType by a parameter that is none",
      { .body = RESOURCES(CERT(BY_ID ",\"ThingPrincipalType\":{\"Ref\":\"T\"}")), .given = "{\"T\":\"x\"}" },
      BAD("ThingPrincipalType of cert: \"x\" is neither NON_EXCLUSIVE_THING nor EXCLUSIVE_THING.") },
    { "the status is replaced",
      { .body = RESOURCES("\"cert\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" BY_ID
                          "},\"OverrideSettings\":{\"Status\":\"REPLACE\"}}") },
      "certificate cert by id A active REPLACE\n" },
    { "the status must not differ",
      { .body = RESOURCES("\"cert\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{" BY_ID
                          "},\"OverrideSettings\":{\"Status\":\"FAIL\"}}") },
      "certificate cert by id A active FAIL\n" },

    { "overrides default to DO_NOTHING", { .body = OVER("") }, A_THING("", "", "") },
    { "overrides by property",
      { .body = OVER("\"AttributePayload\":\"MERGE\",\"ThingTypeName\":\"FAIL\",\"ThingGroups\":\"REPLACE\"") },
      A_THING(" MERGE", " FAIL", " REPLACE") },
    { "overrides in capitals",
      { .body = OVER("\"ATTRIBUTE_PAYLOAD\":\"REPLACE\",\"THING_TYPE_NAME\":\"REPLACE\",\"THING_GROUPS\":\"MERGE\"") },
      A_THING(" REPLACE", " REPLACE", " MERGE") },
    { "every override may be DO_NOTHING",
      { .body = OVER(
            "\"AttributePayload\":\"DO_NOTHING\",\"ThingTypeName\":\"DO_NOTHING\",\"ThingGroups\":\"DO_NOTHING\"") },
      A_THING("", "", "") },
    { "every override may be FAIL",
      { .body = OVER("\"AttributePayload\":\"FAIL\",\"ThingTypeName\":\"FAIL\",\"ThingGroups\":\"FAIL\"") },
      A_THING(" FAIL", " FAIL", " FAIL") },

    { "a thing name with a blank",
      { .body = NAMED("\"pump 7\"") },
      BAD("ThingName of thing: \"pump 7\" is not the name of a thing: 1 to 128 letters, digits and :_-.") },
    { "an empty thing name",
      { .body = NAMED("{\"Ref\":\"N\"}"), .given = "{\"N\":\"\"}" },
      BAD("ThingName of thing: \"\" is not the name of a thing: 1 to 128 letters, digits and :_-.") },
    { "a device's wildcard in a thing name",
      { .body = NAMED("{\"Ref\":\"N\"}"), .given = "{\"N\":\"pump*\"}" },
      BAD("ThingName of thing: \"pump*\" is not the name of a thing: 1 to 128 letters, digits and :_-.") },
    { "a thing name with U+0000",
      { .body = NAMED("{\"Ref\":\"N\"}"), .given = "{\"N\":\"a\\u0000b\"}" },
      BAD("ThingName of thing: \"a") },
    { "every mark of a thing name", { .body = NAMED("\"aZ0:_-\"") }, "thing thing is aZ0:_-\n" PLANNED },
    { "empty attributes are dropped",
      { .body = RESOURCES(CERTIFICATE
                          "," THING("\"ThingName\":\"t\",\"AttributePayload\":{\"a\":\"\",\"b\":\"=[]#/:@,._-\"}")) },
      "thing thing is t\nattributes\n  b==[]#/:@,._-\n" PLANNED },
    { "an attribute name with a blank",
      { .body = RESOURCES(CERTIFICATE "," THING("\"ThingName\":\"t\",\"AttributePayload\":{\"a b\":\"c\"}")) },
      BAD("a b of thing: \"a b\" is not the name of an attribute: 1 to 128 letters, digits and _.,@/:#-.") },
    { "an attribute value with a blank",
      { .body = RESOURCES(CERTIFICATE "," THING("\"ThingName\":\"t\",\"AttributePayload\":{\"a\":{\"Ref\":\"V\"}}")),
        .given = "{\"V\":\"b c\"}" },
      BAD("a of thing: \"b c\" is not the value of an attribute: 0 to 800 letters, digits and _.,@/:#=[]-.") },
    { "a bad type",
      { .body = RESOURCES(CERTIFICATE "," THING("\"ThingName\":\"t\",\"ThingTypeName\":\"a.b\"")) },
      BAD("ThingTypeName of thing: \"a.b\" is not the name of a thing type: 1 to 128 letters, digits and :_-.") },
    { "a bad group",
      { .body = RESOURCES(CERTIFICATE "," THING("\"ThingName\":\"t\",\"ThingGroups\":[\"a\",\"\"]")) },
      BAD("ThingGroups of thing: \"\" is not the name of a thing group: 1 to 128 letters, digits and :_-.") },
    { "a bad billing group",
      { .body = RESOURCES(CERTIFICATE "," THING("\"ThingName\":\"t\",\"BillingGroup\":\"a/b\"")) },
      BAD("BillingGroup of thing: \"a/b\" is not the name of a billing group: 1 to 128 letters, digits and :_-.") },
    { "groups from one parameter, each once",
      { .body = RESOURCES(CERTIFICATE
                          "," THING("\"ThingName\":\"t\",\"ThingGroups\":{\"Fn::Split\":[\",\",{\"Ref\":\"G\"}]}")),
        .given = "{\"G\":\"b,a,b\"}" },
      "thing thing is t\ngroups\n  b\n  a\n" PLANNED },

    { "the SHA-1 of 4.4",
      { .body = RESOURCES(CERTIFICATE "," POLICY(
            "\"PolicyDocument\": {\"Version\" : \"2012-10-17\",\n "
            "\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]}")) },
      PLANNED "policy policy is B4BE407C9270AC32DC09BB152A8CF90D898DB466\n  " EVERYTHING "\n" },
    { "the same document as text",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":" EVERYTHING_QUOTED)) },
      PLANNED "policy policy is B4BE407C9270AC32DC09BB152A8CF90D898DB466\n  " EVERYTHING "\n" },
    { "a text is used as it is",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":" SPACED_QUOTED)) },
      PLANNED "policy policy is E71A8ACF000973E5C10CFE398B9DCF9985C8AC28\n  " SPACED "\n" },
    { "a text from a hook",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Ref\":\"D\"}")),
        .overrides = "{\"D\":" EVERYTHING_QUOTED "}" },
      PLANNED "policy policy is B4BE407C9270AC32DC09BB152A8CF90D898DB466\n  " EVERYTHING "\n" },
    { "a document that evaluates to nonsense",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Ref\":\"D\"}")), .overrides = "{\"D\":\"\"}" },
      "InvalidRequest: PolicyDocument of policy: " },
    { "an evaluated document that is no policy",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyDocument\":{\"Version\":{\"Ref\":\"V\"},\"Statement\":[]}")),
        .given = "{\"V\":\"2012-10-18\"}" },
      "InvalidRequest: PolicyDocument of policy: " },
    { "policies by name",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyName\":{\"Fn::Sub\":\"a+${B}=,.@-\"}")),
        .given = "{\"B\":\"b_\"}" },
      PLANNED "policy policy is a+b_=,.@-\n" },
    { "a bad policy name",
      { .body = RESOURCES(CERTIFICATE "," POLICY("\"PolicyName\":\"a/b\"")) },
      BAD("PolicyName of policy: \"a/b\" is not the name of a policy: 1 to 128 letters, digits and _+=,.@-.") },
    { "DeviceConfiguration is for FLEET only",
      { TEMPLATE_REG, .body = "{\"Resources\":{" CERTIFICATE "},\"DeviceConfiguration\":{\"v\":{\"Ref\":\"Missing\"}}}",
        .given = "{\"AWS::IoT::Certificate::Id\":\"" ID_A "\"}" },
      PLANNED },
};

/* An outcome that does not end in a full stop or a line's end is the beginning of one. */
static bool is_whole(const char *outcome)
{
    return outcome[0] != '\0' && strchr(".\n", outcome[strlen(outcome) - 1]) != NULL;
}

static void answers(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    const char *got = outcome(ctx, row->in);
    if (is_whole(row->outcome))
        assert_string_equal(got, row->outcome);
    else
        assert_memory_equal(got, row->outcome, strlen(row->outcome));
    talloc_free(ctx);
}

/* The longest words, and one letter more. N is given: that many letters. */
static const struct length_row {
    const char *name;
    const char *resources; /* beside the certificate */
    size_t most;
} length_rows[] = {
    { "a thing's name", THING("\"ThingName\":{\"Ref\":\"N\"}"), 128 },
    { "a type's name", THING("\"ThingName\":\"t\",\"ThingTypeName\":{\"Ref\":\"N\"}"), 128 },
    { "a group's name", THING("\"ThingName\":\"t\",\"ThingGroups\":[{\"Ref\":\"N\"}]"), 128 },
    { "a billing group's name", THING("\"ThingName\":\"t\",\"BillingGroup\":{\"Ref\":\"N\"}"), 128 },
    { "an attribute's value", THING("\"ThingName\":\"t\",\"AttributePayload\":{\"a\":{\"Ref\":\"N\"}}"), 800 },
    { "a policy's name", POLICY("\"PolicyName\":{\"Ref\":\"N\"}"), 128 },
};

static void lengths(void **state)
{
    const struct length_row *row = *state;
    void *ctx = talloc_new(NULL);
    char *letters = text_format(ctx, "%0*d", (int)row->most, 0);
    struct outcome_case in = {
        .body = text_format(ctx, "{\"Resources\":{" CERTIFICATE ",%s}}", row->resources),
        .given = text_format(ctx, "{\"N\":\"%s\"}", letters),
    };
    assert_non_null(strstr(outcome(ctx, in), letters));
    in.given = text_format(ctx, "{\"N\":\"%s0\"}", letters);
    assert_memory_equal(outcome(ctx, in), BAD(""), strlen(BAD("")));
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(value_rows, values), TABLE(rows, answers), TABLE(length_rows, lengths));
}
