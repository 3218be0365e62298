/* event_test.c - what each change of the registry publishes (x509.md 3.8; provisioning.md 4.14), while every change is
   applied twice. A row: what was asked before, silently; then what is asked, and the topics it is heard on. */
#include "provisioning/house.h"

#define LAMP    "{\"thingName\":\"lamp\"}"
#define TYPED   "{\"thingName\":\"lamp\",\"thingTypeName\":\"bulb\"}"
#define UNTYPED "{\"thingName\":\"lamp\",\"removeThingType\":true}"
#define BULB    "{\"thingTypeName\":\"bulb\"}"
#define SITE    "{\"thingName\":\"lamp\",\"attributePayload\":{\"attributes\":{\"site\":\"north\"}}}"
#define STALE   "{\"thingName\":\"lamp\",\"expectedVersion\":7,\"attributePayload\":{\"attributes\":{\"site\":\"x\"}}}"
#define RENAMED "{\"thingTypeName\":\"bulb\",\"thingTypeProperties\":{\"thingTypeDescription\":\"new\"}}"

enum { BEFORE_MAX = 3 };
static const struct row {
    const char *name;
    struct {
        const char *operation, *input;
    } before[BEFORE_MAX], asked;
    const char *heard; /* without "$aws/events/", a space between two */
} rows[] = {
    { "a thing is made", { { NULL, NULL } }, { "CreateThing", LAMP }, "thing/lamp/created" },
    { "a thing made again is no change", { { "CreateThing", LAMP } }, { "CreateThing", LAMP }, "" },
    { "a thing that may not be made",
      { { "CreateThing", TYPED } },
      { "CreateThing", "{\"thingName\":\"lamp\",\"thingTypeName\":\"none\"}" },
      "" },
    { "a thing is made with a type",
      { { "CreateThingType", BULB } },
      { "CreateThing", TYPED },
      "thing/lamp/created thingTypeAssociation/thing/lamp/thingType/bulb/added" },
    { "attributes change", { { "CreateThing", LAMP } }, { "UpdateThing", SITE }, "thing/lamp/updated" },
    { "the same attributes", { { "CreateThing", LAMP }, { "UpdateThing", SITE } }, { "UpdateThing", SITE }, "" },
    { "a stale version", { { "CreateThing", LAMP } }, { "UpdateThing", STALE }, "" },
    { "a type is given",
      { { "CreateThing", LAMP }, { "CreateThingType", BULB } },
      { "UpdateThing", TYPED },
      "thing/lamp/updated thingTypeAssociation/thing/lamp/thingType/bulb/added" },
    { "the type is given again",
      { { "CreateThingType", BULB }, { "CreateThing", TYPED } },
      { "UpdateThing", TYPED },
      "" },
    { "a type is taken away",
      { { "CreateThingType", BULB }, { "CreateThing", TYPED } },
      { "UpdateThing", UNTYPED },
      "thing/lamp/updated thingTypeAssociation/thing/lamp/thingType/bulb/removed" },
    { "a thing goes", { { "CreateThing", LAMP } }, { "DeleteThing", LAMP }, "thing/lamp/deleted" },
    { "a thing with a type goes",
      { { "CreateThingType", BULB }, { "CreateThing", TYPED } },
      { "DeleteThing", LAMP },
      "thingTypeAssociation/thing/lamp/thingType/bulb/removed thing/lamp/deleted" },
    { "a thing that is not there goes", { { NULL, NULL } }, { "DeleteThing", LAMP }, "" },
    { "a type is made", { { NULL, NULL } }, { "CreateThingType", BULB }, "thingType/bulb/created" },
    { "a type made again", { { "CreateThingType", BULB } }, { "CreateThingType", BULB }, "" },
    { "a type is updated", { { "CreateThingType", BULB } }, { "UpdateThingType", RENAMED }, "thingType/bulb/updated" },
    { "a type is updated to what it is",
      { { "CreateThingType", BULB }, { "UpdateThingType", RENAMED } },
      { "UpdateThingType", RENAMED },
      "" },
    { "a type is deprecated",
      { { "CreateThingType", BULB } },
      { "DeprecateThingType", BULB },
      "thingType/bulb/updated" },
    { "a type is deprecated again",
      { { "CreateThingType", BULB }, { "DeprecateThingType", BULB } },
      { "DeprecateThingType", BULB },
      "" },
    { "a type goes",
      { { "CreateThingType", BULB }, { "DeprecateThingType", BULB } },
      { "DeleteThingType", BULB },
      "thingType/bulb/deleted" },
    { "a type that may not go", { { "CreateThingType", BULB } }, { "DeleteThingType", BULB }, "" },
};

static writer heard; /* of the one call under way: its effects are released before it is done */

static void hear(void *arg, const char *account, const char *region, enum effect_kind kind, const char *key,
                 slice payload)
{
    json *members;
    (void)arg;
    assert_string_equal(account, ACCOUNT);
    assert_string_equal(region, REGION);
    assert_int_equal(kind, EFFECT_PUBLISH);
    must(json_parse(heard.ctx, payload, 8, &members));
    assert_int_equal(strlen(json_get_text(members, "eventId")), 36);
    assert_true(json_is_integer(json_get(members, "timestamp")));
    assert_true(slice_starts(slice_of(key), "$aws/events/"));
    writer_format(&heard, "%s%s", heard.length ? " " : "", key + strlen("$aws/events/"));
}

static FALLIBLE switch_on(struct tx *tx, void *arg)
{
    (void)arg;
    return store_run(tx, NULL,
                     "INSERT INTO event_configuration (account, region, kind, enabled, created, modified) "
                     "SELECT '" ACCOUNT "', '" REGION "', value, 1, 1, 1 "
                     "FROM json_each('[\"THING\",\"THING_TYPE\",\"THING_TYPE_ASSOCIATION\"]')",
                     NO_ARGS);
}

static void is_heard(void **state)
{
    static const int no_delay = 0;
    const struct row *row = *state;
    struct house *house = house_new();
    door_put(house->door, REGISTRY_TYPE_DELETE_DELAY, (void *)(uintptr_t)&no_delay);
    door_on_effect(house->door, hear, NULL);
    heard = writer_new(house, 4096);
    for (size_t i = 0; i < BEFORE_MAX && row->before[i].operation != NULL; i++)
        talloc_free(operator_asks(house, row->before[i].operation, row->before[i].input).ctx);
    assert_int_equal(heard.length, 0);
    must(store_apply(house->store, house, switch_on, NULL));
    talloc_free(operator_asks(house, row->asked.operation, row->asked.input).ctx);
    assert_string_equal(writer_finish(&heard), row->heard);
    house_free(house);
}

/* ---- one call that changes several accounts: each hears of its own ---- */

#define OTHER "000000000002"
static const struct account {
    const char *name, *certificate;
} accounts[] = {
    { ACCOUNT, "aa" },
    { OTHER, "bb" },
    { ACCOUNT, "cc" },
};

static FALLIBLE leave_tokens(struct tx *tx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof(accounts) / sizeof(*accounts); i++) {
        struct value account = sql_text(accounts[i].name), certificate = sql_text(accounts[i].certificate);
        TRY(store_run(tx, NULL,
                      "INSERT INTO certificate (region, id, account, status, mode, pem, version, generation_id, "
                      "not_before, not_after, created, sequence, modified) "
                      "VALUES (?, ?, ?, 'PENDING_ACTIVATION', 'DEFAULT', '', 1, '', 1, 1, 1, ?, 1)",
                      ARGS(sql_text(REGION), certificate, account, sql_integer((int64_t)i))));
        TRY(store_run(tx, NULL,
                      "INSERT INTO ownership_token (token, account, region, principal, certificate, expires) "
                      "VALUES (?, ?, ?, 'claim', ?, ?)",
                      ARGS(certificate, account, sql_text(REGION), certificate, sql_integer((int64_t)i))));
        TRY(store_run(tx, NULL,
                      "INSERT INTO event_configuration (account, region, kind, enabled, created, modified) "
                      "VALUES (?, ?, 'CERTIFICATE', 1, 1, 1) ON CONFLICT DO NOTHING",
                      ARGS(account, sql_text(REGION))));
    }
    return NULL;
}

static void note_account(void *arg, const char *account, const char *region, enum effect_kind kind, const char *key,
                         slice payload)
{
    json *members;
    (void)arg, (void)region;
    assert_int_equal(kind, EFFECT_PUBLISH);
    must(json_parse(heard.ctx, payload, 8, &members));
    assert_string_equal(json_get_text(members, "accountId"), account);
    writer_format(&heard, "%s %s, ", account, key);
}

static void each_account_hears_of_its_own(void **state)
{
    struct house *house = house_new();
    (void)state;
    must(store_apply(house->store, house, leave_tokens, NULL));
    door_on_effect(house->door, note_account, NULL);
    heard = writer_new(house, 4096);
    talloc_free(house_sweep(house).ctx);
    assert_string_equal(writer_finish(&heard), ACCOUNT " $aws/events/certificate/aa/deleted, " OTHER
                                                       " $aws/events/certificate/bb/deleted, " ACCOUNT
                                                       " $aws/events/certificate/cc/deleted, ");
    house_free(house);
}

static const struct alone {
    const char *name;
} alone[] = { { "a sweep of several accounts tells each of its own" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_heard), TABLE(alone, each_account_hears_of_its_own));
}
