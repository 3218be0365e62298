/* deliver_test.c - from a session to its client: the window, the queue and its bounds, what is sent again
   (broker.md 4.3, 4.6). */
#include "harness.h"

static struct wire *receiver_of(struct harness *h, const struct hello *hello)
{
    struct wire *wire = wire_open(h, 1, "receiver");
    wire_connect(wire, hello);
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    wire_subscribe(wire, "news/#", 1);
    wire_expect(wire, MQTT_SUBACK, 0);
    return wire;
}

static struct wire *sender_of(struct harness *h)
{
    struct wire *wire = wire_open(h, 0, "sender");
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .clean = true });
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    return wire;
}

/* ---- a receiver that acknowledges nothing ---- */

static const struct bound_row {
    const char *name;
    bool persistent;
    size_t payload;
    unsigned sent, dropped;
} bound_rows[] = {
    { "a clean session keeps 1000 messages", false, 10, INFLIGHT_MAX + 1000 + 50, 50 },
    { "a persistent one keeps more", true, 10, INFLIGHT_MAX + 1000 + 50, 0 },
    { "a clean session keeps 64 MiB", false, PAYLOAD_MAX, INFLIGHT_MAX + 512 + 40, 41 },
};

static void is_bounded(void **state)
{
    const struct bound_row *row = *state;
    struct harness *h = harness_new(2);
    struct wire *sender = sender_of(h);
    const struct hello hello = { .version = MQTT_5, .clean = true, .expiry_s = row->persistent ? 600 : 0 };
    receiver_of(h, &hello);
    char *payload = MAKE_ARRAY(sender, char, row->payload + 1);
    memset(payload, 'x', row->payload);
    for (unsigned i = 0; i < row->sent; i++) {
        wire_publish(sender, "news/today", payload, 1);
        wire_expect(sender, MQTT_PUBACK, 0);
    }
    harness_settle(h);
    struct broker_numbers numbers;
    broker_count(h->broker, &numbers);
    assert_int_equal(numbers.messages_out, INFLIGHT_MAX);
    assert_in_range(numbers.messages_dropped, row->dropped, row->dropped + 2); /* a message is more than its payload */
    harness_free(h);
}

/* ---- a receiver that comes back ---- */

static const struct back_row {
    const char *name;
    uint32_t window_before, window_after;
    unsigned sent, again; /* what the old connection got, and the new one at once */
} back_rows[] = {
    { "all of it again", 10, 10, 3, 3 },
    { "a smaller window", 10, 2, 5, 2 },
    { "a larger window takes what was queued, too", 2, 10, 2, 5 },
};

static void is_sent_again(void **state)
{
    const struct back_row *row = *state;
    struct harness *h = harness_new(2);
    struct hello hello = { .version = MQTT_5, .expiry_s = 600, .receive_maximum = row->window_before };
    struct wire *sender = sender_of(h), *receiver = receiver_of(h, &hello), *back = wire_open(h, 0, "receiver");
    struct mqtt_packet packet;
    uint16_t ids[8];
    unsigned all = row->sent > row->again ? row->sent : row->again;
    for (unsigned i = 0; i < all; i++)
        wire_publish(sender, "news/today", (char[]){ (char)('a' + i), '\0' }, 1);
    harness_settle(h);
    for (unsigned i = 0; i < row->sent; i++)
        ids[i] = wire_expect_message(receiver, (char[]){ (char)('a' + i), '\0' });
    wire_expect_nothing(receiver);
    wire_drop(receiver);

    hello.receive_maximum = row->window_after;
    wire_connect(back, &hello);
    harness_settle(h);
    wire_expect(back, MQTT_CONNACK, MQTT_SUCCESS);
    for (unsigned i = 0; i < row->again; i++) {
        assert_true(wire_take(back, &packet));
        assert_int_equal(packet.publish.payload.at[0], 'a' + (int)i);
        assert_int_equal(packet.publish.dup, i < row->sent);
        if (i < row->sent)
            assert_int_equal(packet.id, ids[i]);
        for (unsigned k = 0; k < row->sent && i >= row->sent; k++)
            assert_int_not_equal(packet.id, ids[k]);
    }
    wire_expect_nothing(back);
    harness_free(h);
}

/* ---- a receiver whose buffer is full ---- */

static const struct full_row {
    const char *name;
    uint8_t qos;
    unsigned got;
} full_rows[] = { { "QoS 0 is dropped", 0, 0 }, { "QoS 1 comes one by one", 1, 1 } };

static void fill(void *arg)
{
    ((struct wire *)arg)->queued = OUTPUT_MAX;
}

static void is_spared(void **state)
{
    const struct full_row *row = *state;
    struct harness *h = harness_new(2);
    struct wire *sender = sender_of(h),
                *receiver = receiver_of(h, &(struct hello){ .version = MQTT_3_1_1, .clean = true });
    struct mqtt_packet ack = { .type = MQTT_PUBACK };
    harness_on(h, 1, fill, receiver);
    for (int i = 0; i < 3; i++)
        wire_publish(sender, "news/today", "x", row->qos);
    harness_settle(h);
    for (int i = 0; i < 3 && row->got > 0; i++) {
        ack.id = wire_expect_message(receiver, "x");
        wire_expect_nothing(receiver);
        wire_give(receiver, &ack);
    }
    wire_expect_nothing(receiver);
    harness_free(h);
}

/* ---- a receiver that forgets to acknowledge ---- */

static const struct forgetful_row {
    const char *name;
    int version;
    int64_t after_s;
    bool goes_on; /* the next message is sent */
} forgetful_rows[] = {
    { "version 5 has 960 seconds", MQTT_5, 950, false },
    { "and no more", MQTT_5, 970, true },
    { "version 3 has 3600 seconds", MQTT_3_1_1, 3590, false },
    { "and no more either", MQTT_3_1_1, 3610, true },
};

struct passing {
    struct wire *wire;
    int64_t ms;
};

static void pass(void *arg)
{
    const struct passing *passing = arg;
    session_give_up(passing->wire->client->session, clock_monotonic_ms() + passing->ms);
}

static void is_given_up(void **state)
{
    const struct forgetful_row *row = *state;
    struct harness *h = harness_new(2);
    struct wire *sender = sender_of(h);
    struct wire *receiver = receiver_of(h, &(struct hello){ .version = row->version, .clean = true });
    for (int i = 0; i <= INFLIGHT_MAX; i++)
        wire_publish(sender, "news/today", "x", 1);
    harness_settle(h);
    for (int i = 0; i < INFLIGHT_MAX; i++)
        wire_expect_message(receiver, "x");
    wire_expect_nothing(receiver);
    struct passing passing = { receiver, row->after_s * 1000 };
    harness_on(h, 1, pass, &passing);
    if (row->goes_on)
        wire_expect_message(receiver, "x");
    wire_expect_nothing(receiver);
    harness_free(h);
}

int main(void)
{
    return RUN_TABLES(TABLE(bound_rows, is_bounded), TABLE(back_rows, is_sent_again), TABLE(full_rows, is_spared),
                      TABLE(forgetful_rows, is_given_up));
}
