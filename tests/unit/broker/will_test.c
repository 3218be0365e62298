/* will_test.c - when a will is sent, and what stands in it (broker.md 4.2 row 7, 4.7, 4.9). */
#include "harness.h"

static void by_the_network(struct harness *h, struct wire *wire)
{
    (void)h;
    wire_drop(wire);
}

static void with_reason(struct wire *wire, uint8_t reason)
{
    struct mqtt_packet packet = { .type = MQTT_DISCONNECT, .reason = reason };
    wire_give(wire, &packet);
}

static void by_itself(struct harness *h, struct wire *wire)
{
    (void)h;
    with_reason(wire, MQTT_SUCCESS);
}

static void by_itself_with_will(struct harness *h, struct wire *wire)
{
    (void)h;
    with_reason(wire, 0x04);
}

static void by_a_fault(struct harness *h, struct wire *wire)
{
    struct mqtt_packet packet = { .type = MQTT_PUBREC, .id = 1 };
    (void)h;
    wire_give(wire, &packet);
}

static void by_another(struct harness *h, struct wire *wire)
{
    struct wire *newcomer = wire_open(h, 1, wire->client_id);
    wire_connect(newcomer, &(struct hello){ .version = MQTT_3_1_1, .clean = true });
}

static void by_its_certificate(struct harness *h, struct wire *wire)
{
    (void)wire;
    broker_disconnect_principal(h->broker, ACCOUNT, CERTIFICATE);
}

static const struct row {
    const char *name;
    void (*ends)(struct harness *h, struct wire *wire);
    bool sent;
} rows[] = {
    { "the network breaks", by_the_network, true },
    { "the client disconnects", by_itself, false },
    { "the client disconnects with its will", by_itself_with_will, true },
    { "a protocol error", by_a_fault, true },
    { "a takeover", by_another, true },
    { "the certificate is deactivated", by_its_certificate, true },
};

#define WATCHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct wire *watcher_of(struct harness *h)
{
    struct wire *watcher = wire_open(h, 1, "watcher");
    wire_connect(watcher, &(struct hello){ .version = MQTT_5, .clean = true, .certificate = WATCHER });
    wire_expect(watcher, MQTT_CONNACK, MQTT_SUCCESS);
    wire_subscribe(watcher, "wills/#", 1);
    wire_expect(watcher, MQTT_SUBACK, 0);
    return watcher;
}

static void is_sent(void **state)
{
    const struct row *row = *state;
    struct harness *h = harness_new(2);
    struct wire *watcher = watcher_of(h), *wire = wire_open(h, 0, "lamp-7");
    struct mqtt_will will = { .topic = SLICE("wills/lamp-7"), .payload = SLICE("gone"), .qos = 1 };
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .clean = true, .will = &will });
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    row->ends(h, wire);
    harness_settle(h);
    if (row->sent)
        assert_int_not_equal(wire_expect_message(watcher, "gone"), 0);
    wire_expect_nothing(watcher);
    harness_free(h);
}

/* An expiry counts from the end of the connection, not from its beginning. */
static const struct expiry_row {
    const char *name;
    uint32_t expiry_s;
} expiry_rows[] = { { "the will of a connection longer than its expiry", 2 } };

static void pass_time(void *arg)
{
    struct wire *wire = arg;
    wire->client->will->expires_ms = 1; /* what an expiry from CONNECT on would be by now */
}

static void is_whole(void **state)
{
    const struct expiry_row *row = *state;
    struct harness *h = harness_new(2);
    struct wire *watcher = watcher_of(h), *wire = wire_open(h, 0, "lamp-7");
    struct mqtt_will will = { .topic = SLICE("wills/lamp-7"), .payload = SLICE("gone") };
    struct mqtt_packet packet;
    mqtt_set_number(&will.properties, MQTT_MESSAGE_EXPIRY, row->expiry_s);
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .clean = true, .will = &will });
    harness_on(h, 0, pass_time, wire);
    wire_drop(wire);
    harness_settle(h);
    assert_true(wire_take(watcher, &packet));
    assert_int_equal(packet.properties.message_expiry_s, row->expiry_s);
    harness_free(h);
}

/* ---- wills with a delay ---- */

static void waits(struct harness *h)
{
    (void)h;
}

static void look_later(void *arg)
{
    struct harness *h = arg;
    will_send_if_due(h->broker->loops[0].sessions, clock_monotonic_ms() + 20 * 1000);
}

static void waits_longer(struct harness *h)
{
    harness_on(h, 0, look_later, h);
}

static void comes_back(struct harness *h)
{
    wire_connect(wire_open(h, 0, "lamp-7"), &(struct hello){ .version = MQTT_5, .expiry_s = 600 });
    harness_settle(h);
    harness_on(h, 0, look_later, h);
}

static void begins_anew(struct harness *h)
{
    wire_connect(wire_open(h, 0, "lamp-7"), &(struct hello){ .version = MQTT_5, .clean = true });
}

static const struct late_row {
    const char *name;
    uint32_t delay_s, expiry_s;
    void (*then)(struct harness *h);
    bool sent;
} late_rows[] = {
    { "not before its delay", 10, 600, waits, false },
    { "after its delay", 10, 600, waits_longer, true },
    { "not after a longer one", 60, 600, waits_longer, false },
    { "not when the client came back", 10, 600, comes_back, false },
    { "when the client began anew", 10, 600, begins_anew, true },
    { "with the session, when that ends before", 10, 0, waits, true },
    { "no later than the session's expiry", 60, 15, waits_longer, true },
};

static void comes_late(void **state)
{
    const struct late_row *row = *state;
    struct harness *h = harness_new(2);
    struct wire *watcher = watcher_of(h), *wire = wire_open(h, 0, "lamp-7");
    struct mqtt_will will = { .topic = SLICE("wills/lamp-7"), .payload = SLICE("gone"), .qos = 1 };
    mqtt_set_number(&will.properties, MQTT_WILL_DELAY, row->delay_s);
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .expiry_s = row->expiry_s, .will = &will });
    wire_drop(wire);
    row->then(h);
    harness_settle(h);
    if (row->sent)
        wire_expect_message(watcher, "gone");
    wire_expect_nothing(watcher);
    harness_free(h);
}

/* ---- wills that are refused ---- */

static const struct refused_row {
    const char *name;
    const char *topic;
    size_t payload, user_properties;
    uint8_t qos;
    int reason; /* version 5; version 3 is closed without CONNACK */
} refused_rows[] = {
    { "QoS 2", "wills/a", 4, 0, 2, MQTT_QOS_NOT_SUPPORTED },
    { "a wildcard", "wills/#", 4, 0, 0, MQTT_TOPIC_NAME_INVALID },
    { "a reserved topic", "$aws/certificates/create/json", 4, 0, 0, MQTT_TOPIC_NAME_INVALID },
    { "eight slashes", "1/2/3/4/5/6/7/8/9", 4, 0, 0, MQTT_TOPIC_NAME_INVALID },
    { "9000 bytes of user properties", "wills/a", 4, 1000, 0, MQTT_QUOTA_EXCEEDED },
};

static void is_refused(void **state)
{
    const struct refused_row *row = *state;
    for (int version = MQTT_3_1_1; version <= MQTT_5; version++) {
        struct harness *h = harness_new(1);
        struct wire *wire = wire_open(h, 0, "lamp-7");
        struct mqtt_will will = { .topic = slice_of(row->topic), .payload = SLICE("gone"), .qos = row->qos };
        bool taken = version == MQTT_3_1_1 && row->user_properties > 0; /* version 3 has none */
        for (size_t i = 0; i < row->user_properties; i++)
            mqtt_add_user_property(wire, &will.properties, SLICE("site"), SLICE("B2/B2"));
        wire_connect(wire, &(struct hello){ .version = version, .clean = true, .will = &will });
        if (version == MQTT_5)
            wire_expect(wire, MQTT_CONNACK, row->reason);
        else if (!taken)
            wire_expect_nothing(wire);
        assert_int_equal(wire->closed, !taken);
        harness_free(h);
    }
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_sent), TABLE(expiry_rows, is_whole), TABLE(late_rows, comes_late),
                      TABLE(refused_rows, is_refused));
}
