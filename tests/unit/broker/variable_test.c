/* variable_test.c - what policies may ask about a connection and its certificate (broker.md 4.11). The question is
   always whether the client may connect. */
#include "harness.h"

#define ALLOW(resource, condition)                                                                              \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":" \
    "\"arn:aws:iot:us-east-1:" ACCOUNT ":client/" resource "\"" condition "}]}"
#define WHERE(operator, key, value) ",\"Condition\":{\"" operator"\":{\"" key "\":" value "}}"

static const struct row {
    const char *name;
    const char *policy;
    bool allowed;
} rows[] = {
    { "the client id", ALLOW("${iot:ClientId}", ""), true },
    { "the common name", ALLOW("${iot:Certificate.Subject.CommonName}", ""), true },
    { "in any case", ALLOW("${IOT:certificate.subject.commonname}", ""), true },
    { "the first of several",
      ALLOW("lamp-7", WHERE("StringEquals", "iot:Certificate.Subject.Organization", "\"Acme\"")), true },
    { "the second", ALLOW("lamp-7", WHERE("StringEquals", "iot:Certificate.Subject.Organization.1", "\"Pumps\"")),
      true },
    { "the second is not the first",
      ALLOW("lamp-7", WHERE("StringEquals", "iot:Certificate.Subject.Organization", "\"Pumps\"")), false },
    { "an index with nothing there",
      ALLOW("lamp-7", WHERE("StringLike", "iot:Certificate.Subject.Organization.4", "\"*\"")), false },
    { "any of the list",
      ALLOW("lamp-7", WHERE("ForAnyValue:StringEquals", "iot:Certificate.Subject.Organization.List", "[\"Pumps\"]")),
      true },
    { "all of the list, one too few",
      ALLOW("lamp-7", WHERE("ForAllValues:StringEquals", "iot:Certificate.Subject.Organization.List", "[\"Pumps\"]")),
      false },
    { "all of the list",
      ALLOW("lamp-7",
            WHERE("ForAllValues:StringEquals", "iot:Certificate.Subject.Organization.List", "[\"Pumps\",\"Acme\"]")),
      true },
    { "a value with a wildcard is none", ALLOW("${iot:Certificate.Subject.Title}", ""), false },
    { "nor is it in a list",
      ALLOW("lamp-7", WHERE("ForAnyValue:StringLike", "iot:Certificate.Subject.Title.List", "[\"*\"]")), false },
    { "no thing", ALLOW("lamp-7", WHERE("Bool", "iot:Connection.Thing.IsAttached", "\"true\"")), false },
    { "a clean session",
      ALLOW("lamp-7", WHERE("ForAnyValue:StringEquals", "iot:ConnectAttributes", "[\"PersistentConnect\"]")), false },
};

static const char *names[] = { "lamp-7" }, *organizations[] = { "Acme", "Pumps" }, *titles[] = { "*" };
static const slice name_list[] = { { "lamp-7", 6 } }, organization_list[] = { { "Acme", 4 }, { "Pumps", 5 } };
static const struct principal_fact facts[] = {
    { "Subject.CommonName", 1, names, name_list, 1 },
    { "Subject.Organization", 2, organizations, organization_list, 2 },
    { "Subject.Title", 1, titles, NULL, 0 },
};

static void is_asked(void **state)
{
    const struct row *row = *state;
    struct harness *h = harness_new(1);
    struct hello hello = { .version = MQTT_5, .clean = true, .policy = row->policy };
    hello.facts = facts;
    hello.fact_count = sizeof(facts) / sizeof(*facts);
    struct wire *wire = wire_open(h, 0, "lamp-7");
    wire_connect(wire, &hello);
    wire_expect(wire, MQTT_CONNACK, row->allowed ? MQTT_SUCCESS : MQTT_NOT_AUTHORIZED);
    harness_free(h);
}

int main(void)
{
    return RUN_TABLE(rows, is_asked);
}
