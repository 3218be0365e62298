/* takeover_test.c - one client id, several connections: who stays, who is told, and what becomes of the session
   (broker.md 4.3, 4.4). Every row runs with its connections on the loops it names. */
#include "harness.h"

enum { CLIENTS = 3 };

static const struct row {
    const char *name;
    unsigned loops[CLIENTS]; /* where each of them connects */
    bool at_once;            /* the second and third in one turn of their loop; else one after the other */
    bool clean;
} rows[] = {
    { "three on one loop, kept", { 0, 0, 0 }, false, false },
    { "three on one loop, clean", { 0, 0, 0 }, false, true },
    { "three on three loops, kept", { 0, 1, 2 }, false, false },
    { "three on three loops, clean", { 0, 1, 2 }, false, true },
    { "two newcomers in one turn, kept", { 0, 0, 0 }, true, false },
    { "two newcomers in one turn, clean", { 0, 0, 0 }, true, true },
    { "two newcomers in one turn of another loop, kept", { 0, 1, 1 }, true, false },
    { "two newcomers in one turn of another loop, clean", { 0, 1, 1 }, true, true },
};

struct pair {
    struct wire *first, *second;
    const struct hello *hello;
};

static void connect_both(void *arg)
{
    struct pair *pair = arg;
    wire_connect_here(pair->first, pair->hello);
    wire_connect_here(pair->second, pair->hello);
}

static size_t connected(struct wire *const *wires)
{
    size_t count = 0;
    for (int i = 0; i < CLIENTS; i++)
        count += wires[i]->client != NULL && !wires[i]->closed;
    return count;
}

static void one_stays(void **state)
{
    const struct row *row = *state;
    struct harness *h = harness_new(3);
    struct hello hello = { .version = MQTT_5, .clean = row->clean, .expiry_s = row->clean ? 0 : 600 };
    struct wire *wires[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        wires[i] = wire_open(h, row->loops[i], "lamp-7");

    wire_connect(wires[0], &hello);
    harness_settle(h);
    if (row->at_once) {
        struct pair pair = { wires[1], wires[2], &hello };
        harness_on(h, row->loops[1], connect_both, &pair);
    } else {
        wire_connect(wires[1], &hello);
        harness_settle(h);
        wire_connect(wires[2], &hello);
    }
    harness_settle(h);

    assert_int_equal(connected(wires), 1);
    wire_expect(wires[0], MQTT_CONNACK, MQTT_SUCCESS);
    wire_expect(wires[0], MQTT_DISCONNECT, MQTT_SESSION_TAKEN_OVER);
    for (int i = 1; i < CLIENTS; i++) {
        struct mqtt_packet packet;
        assert_true(wire_take(wires[i], &packet));
        assert_int_equal(packet.type, MQTT_CONNACK);
        assert_int_equal(packet.reason, MQTT_SUCCESS);
        assert_int_equal(packet.connack.session_present, !row->clean);
        if (wires[i]->closed)
            wire_expect(wires[i], MQTT_DISCONNECT, MQTT_SESSION_TAKEN_OVER);
    }
    struct broker_numbers numbers;
    broker_count(h->broker, &numbers);
    assert_int_equal(numbers.sessions, 1);
    harness_free(h);
}

/* The newcomer goes before the session has come over: it is kept, and the next one finds it. */
static const struct gone_row {
    const char *name;
    unsigned old, newcomer;
} gone_rows[] = {
    { "a newcomer that goes at once, on the same loop", 0, 0 },
    { "a newcomer that goes at once, on another loop", 0, 1 },
};

static void connect_and_go(void *arg)
{
    struct wire *wire = arg;
    const struct hello hello = { .version = MQTT_5, .expiry_s = 600 };
    wire_connect_here(wire, &hello);
    wire_is_gone(wire);
}

static void the_session_stays(void **state)
{
    const struct gone_row *row = *state;
    struct harness *h = harness_new(2);
    const struct hello hello = { .version = MQTT_5, .expiry_s = 600 };
    struct mqtt_packet packet;
    struct wire *old = wire_open(h, row->old, "lamp-7"), *newcomer = wire_open(h, row->newcomer, "lamp-7"),
                *back = wire_open(h, row->old, "lamp-7"), *other = wire_open(h, row->newcomer, "other");
    wire_connect(old, &hello);
    wire_subscribe(old, "commands/#", 1);
    harness_on(h, row->newcomer, connect_and_go, newcomer);
    harness_settle(h);
    assert_true(old->closed);

    wire_connect(other, &(struct hello){ .version = MQTT_5, .clean = true });
    wire_publish(other, "commands/open", "now", 1);
    harness_settle(h);
    wire_connect(back, &hello);
    harness_settle(h);
    assert_true(wire_take(back, &packet));
    assert_true(packet.connack.session_present);
    assert_int_equal(wire_expect_message(back, "now"), 1);
    harness_free(h);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, one_stays), TABLE(gone_rows, the_session_stays));
}
