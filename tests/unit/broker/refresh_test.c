/* refresh_test.c - which changes have a live client's rights asked for again, and what becomes of it (broker.md 4.10). */
#include "harness.h"

#define OTHER "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define CERT  "arn:aws:iot:us-east-1:" ACCOUNT ":cert/"
#define GROUP "arn:aws:iot:us-east-1:" ACCOUNT ":thinggroup/pumps"
#define CONNECT                                                                                                        \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]" \
    "}"
#define NOTHING "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"

/* The client is a thing's, as certificate_load_principal would say it. */
static void be_a_thing(void *arg)
{
    static const struct principal_thing thing = { .name = "pump-7" };
    struct wire *wire = arg;
    wire->client->principal->thing = &thing;
    refresh_places(wire->client);
}

static void look_after(void *arg)
{
    struct wire *wire = arg;
    refresh_clients(wire->client->on);
}

static struct wire *client_of(struct harness *h)
{
    struct wire *wire = wire_open(h, 0, "lamp-7");
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .clean = true });
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    harness_on(h, 0, be_a_thing, wire);
    wire->asked = false;
    return wire;
}

/* ---- whom a change concerns ---- */

static const struct row {
    const char *name;
    struct change change;
    bool asked;
} rows[] = {
    { "its certificate gets a policy", { ACCOUNT, "r", "policy-target", CERT CERTIFICATE, "ATTACHED", "p", 1 }, true },
    { "its certificate loses one", { ACCOUNT, "r", "policy-target", CERT CERTIFICATE, "DETACHED", "p", 1 }, true },
    { "another certificate gets a policy", { ACCOUNT, "r", "policy-target", CERT OTHER, "ATTACHED", "p", 1 }, false },
    { "a group gets a policy", { ACCOUNT, "r", "policy-target", GROUP, "ATTACHED", "p", 1 }, true },
    { "it is attached to a thing", { ACCOUNT, "r", "thing-principal", CERT CERTIFICATE, "ATTACHED", "t", 1 }, true },
    { "another is attached to a thing", { ACCOUNT, "r", "thing-principal", CERT OTHER, "ATTACHED", "t", 1 }, false },
    { "its thing is changed", { ACCOUNT, "r", "thing", "pump-7", "UPDATED", NULL, 1 }, true },
    { "another thing is changed", { ACCOUNT, "r", "thing", "pump-8", "UPDATED", NULL, 1 }, false },
    { "a thing is made", { ACCOUNT, "r", "thing", "pump-7", "CREATED", NULL, 1 }, false },
    { "its thing joins a group", { ACCOUNT, "r", "thing-group-member", "pump-7", "ATTACHED", "g", 1 }, true },
    { "another thing joins a group", { ACCOUNT, "r", "thing-group-member", "pump-8", "ATTACHED", "g", 1 }, false },
    { "a policy gets another version", { ACCOUNT, "r", "policy", "p", "UPDATED", NULL, 1 }, true },
    { "a policy is made", { ACCOUNT, "r", "policy", "p", "CREATED", NULL, 1 }, false },
    { "another account's policy", { "000000000002", "r", "policy", "p", "UPDATED", NULL, 1 }, false },
    { "its certificate's status", { ACCOUNT, "r", "certificate", CERTIFICATE, "UPDATED", "ACTIVE", 1 }, false },
    { "a template", { ACCOUNT, "r", "template", "t", "UPDATED", NULL, 1 }, false },
    { "something that nobody thought of", { ACCOUNT, "r", "novelty", "n", "UPDATED", NULL, 1 }, true },
};

static void is_asked(void **state)
{
    const struct row *row = *state;
    struct harness *h = harness_new(1);
    struct wire *wire = client_of(h);
    broker_on_changes(h->broker, &row->change, 1);
    harness_on(h, 0, look_after, wire);
    assert_int_equal(wire->asked, row->asked);
    wire->asked = false;
    harness_on(h, 0, look_after, wire);
    assert_false(wire->asked); /* once for each change */
    harness_free(h);
}

/* ---- what becomes of it ---- */

static const struct change its_policy = { ACCOUNT, "r", "policy-target", CERT CERTIFICATE, "DETACHED", "p", 1 };

struct refusal {
    struct wire *wire;
    const char *why;
};

static void refuse_here(void *arg)
{
    const struct refusal *refusal = arg;
    const error refused = { .name = refusal->why, .message = "No." };
    broker_client_admit(refusal->wire->client, NULL, &refused);
}

static const struct outcome {
    const char *name;
    const char *policy;  /* of the new principal */
    const char *refused; /* instead of one */
    bool ends, hears, asked_again;
} outcomes[] = {
    { "everything is still allowed", NULL, NULL, false, true, false },
    { "iot:Subscribe is lost", CONNECT, NULL, false, false, false },
    { "iot:Connect is lost", NOTHING, NULL, true, false, false },
    { "the certificate is not admitted", NULL, "DEVICE_CERTIFICATE_INACTIVE", true, false, false },
    { "the store cannot answer", NULL, "INTERNAL_SERVER_ERROR", false, true, true },
    { "the workers are busy", NULL, "SERVER_BUSY", false, true, true },
};

static size_t subscriptions(struct harness *h)
{
    struct broker_numbers numbers;
    broker_count(h->broker, &numbers);
    return numbers.subscriptions;
}

static void becomes(void **state)
{
    const struct outcome *row = *state;
    struct harness *h = harness_new(1);
    struct wire *wire = client_of(h);
    wire_subscribe(wire, "a/#", 1);
    wire_expect(wire, MQTT_SUBACK, 0);
    wire->hello.policy = row->policy;
    wire->hello.waits = true;
    broker_on_changes(h->broker, &its_policy, 1);
    harness_on(h, 0, look_after, wire);
    assert_true(wire->asked);
    wire->asked = false;
    if (row->refused != NULL)
        harness_on(h, 0, refuse_here, &(struct refusal){ wire, row->refused });
    else
        wire_admit(wire);
    if (row->ends)
        wire_expect(wire, MQTT_DISCONNECT, MQTT_NOT_AUTHORIZED);
    else
        harness_on(h, 0, look_after, wire);
    harness_settle(h);
    assert_int_equal(wire->closed, row->ends);
    assert_int_equal(wire->asked, row->asked_again);
    assert_int_equal(subscriptions(h), row->hears);
    harness_free(h);
}

/* A change that comes while the answer is on its way is not lost. */
static void hears_of_both(void **state)
{
    struct harness *h = harness_new(1);
    struct wire *wire = client_of(h);
    (void)state;
    wire->hello.waits = true;
    broker_on_changes(h->broker, &its_policy, 1);
    harness_on(h, 0, look_after, wire);
    assert_true(wire->asked);
    wire->asked = false;
    broker_on_changes(h->broker, &its_policy, 1);
    harness_on(h, 0, look_after, wire);
    assert_false(wire->asked);
    wire_admit(wire);
    harness_on(h, 0, look_after, wire);
    assert_true(wire->asked);
    wire_admit(wire);
    harness_free(h);
}

static const struct story {
    const char *name;
} stories[] = { { "two changes, the second before the first answer" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_asked), TABLE(outcomes, becomes), TABLE(stories, hears_of_both));
}
