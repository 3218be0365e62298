/* storm_test.c - a few client ids on four loops, connected, taken over, subscribed, published to and dropped all at
   once: one connection an id is left, no session is lost or doubled, and (under the sanitizers) nobody touches what is
   another loop's. */
#include "harness.h"

enum { LOOPS = 4, WIRES = 400, DEEDS = 4000 };

static const struct row {
    const char *name;
    unsigned ids, seed;
    bool kept;
} rows[] = {
    { "one id, sessions kept", 1, 1, true },
    { "one id, clean sessions", 1, 2, false },
    { "three ids, sessions kept", 3, 3, true },
    { "thirty ids, sessions kept", 30, 4, true },
};

struct storm {
    struct harness *h;
    const struct row *row;
    struct side { /* a loop's own */
        struct storm *storm;
        void *own;
        unsigned loop, dice;
        struct wire *wires[WIRES];
        size_t count;
        bool waits;
    } sides[LOOPS];
};

static unsigned throw_dice(struct side *side)
{
    side->dice = side->dice * 1103515245u + 12345u;
    return side->dice >> 16;
}

static void connect_one(struct side *side)
{
    const struct row *row = side->storm->row;
    struct mqtt_will will = { .topic = SLICE("storm/wills"), .payload = SLICE("gone"), .qos = 1 };
    const struct hello hello = { .version = throw_dice(side) % 2 ? MQTT_5 : MQTT_3_1_1,
                                 .clean = !row->kept,
                                 .expiry_s = row->kept ? 600 : 0,
                                 .will = throw_dice(side) % 4 == 0 ? &will : NULL };
    if (side->count == WIRES)
        return;
    const char *id = text_format(side->own, "lamp-%u", throw_dice(side) % row->ids);
    struct wire *wire = wire_open_here(side->storm->h, side->loop, id);
    side->wires[side->count++] = wire;
    wire_connect_here(wire, &hello);
}

static void subscribe_here(struct wire *wire)
{
    struct mqtt_subscription wish = { .filter = SLICE("storm/#"), .qos = 1 };
    struct mqtt_packet packet = { .type = MQTT_SUBSCRIBE, .id = 1 };
    packet.subscribe.list = &wish;
    packet.subscribe.count = 1;
    wire_give_here(wire, &packet);
}

static void publish_here(struct wire *wire)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH, .id = 2 };
    packet.publish.topic = SLICE("storm/news");
    packet.publish.payload = SLICE("hello");
    packet.publish.qos = 1;
    wire_give_here(wire, &packet);
}

static bool is_serving(const struct wire *wire)
{
    return wire->client != NULL && !wire->closed && wire->reading && wire->client->phase == &phase_serving;
}

/* Whoever waits for a turn gets it: the harness's transport has no clock of its own. */
static void tick_all(void *arg)
{
    const struct side *side = arg;
    for (size_t i = 0; i < side->count; i++)
        if (side->wires[i]->client != NULL && !side->wires[i]->closed)
            broker_client_tick(side->wires[i]->client);
}

static void look_who_waits(void *arg)
{
    struct side *side = arg;
    side->waits = false;
    for (size_t i = 0; i < side->count; i++) {
        const struct wire *wire = side->wires[i];
        side->waits |= wire->client != NULL && !wire->closed && wire->client->phase != &phase_serving;
    }
}

static bool somebody_waits(struct storm *storm)
{
    bool waits = false;
    for (unsigned loop = 0; loop < LOOPS; loop++) {
        harness_on(storm->h, loop, look_who_waits, &storm->sides[loop]);
        waits |= storm->sides[loop].waits;
    }
    return waits;
}

static void one_deed(void *arg)
{
    struct side *side = arg;
    unsigned deed = throw_dice(side) % 8;
    struct wire *wire = side->count ? side->wires[throw_dice(side) % side->count] : NULL;
    if (wire == NULL || deed < 2)
        connect_one(side);
    else if (wire->client != NULL && deed == 2)
        wire_is_gone(wire);
    else if (is_serving(wire))
        (deed < 5 ? subscribe_here : publish_here)(wire);
}

static size_t left(const struct storm *storm, const char *id)
{
    size_t count = 0;
    for (unsigned loop = 0; loop < LOOPS; loop++)
        for (size_t i = 0; i < storm->sides[loop].count; i++) {
            const struct wire *wire = storm->sides[loop].wires[i];
            count += is_serving(wire) && strcmp(wire->client_id, id) == 0;
        }
    return count;
}

static void is_weathered(void **state)
{
    struct storm *storm = MAKE(NULL, struct storm);
    const struct broker_options options = { .fight_patience_ms = 1 }; /* a storm, not a queue */
    struct harness *h = storm->h = harness_with(LOOPS, &options);
    storm->row = *state;
    for (unsigned loop = 0; loop < LOOPS; loop++)
        storm->sides[loop] = (struct side){
            .storm = storm, .own = talloc_new(NULL), .loop = loop, .dice = storm->row->seed * 77 + loop
        };
    for (unsigned i = 0; i < DEEDS; i++) {
        loop_call(h->loops[i % LOOPS], one_deed, &storm->sides[i % LOOPS]);
        if (i % 500 == 0)
            harness_settle(h);
        if (i % 50 == 0)
            loop_call(h->loops[i % LOOPS], tick_all, &storm->sides[i % LOOPS]);
    }
    harness_settle(h);
    for (int i = 0; i < 5000 && somebody_waits(storm); i++) {
        for (unsigned loop = 0; loop < LOOPS; loop++)
            harness_on(h, loop, tick_all, &storm->sides[loop]);
        harness_settle(h);
    }
    assert_false(somebody_waits(storm));

    struct broker_numbers numbers;
    broker_count(h->broker, &numbers);
    assert_in_range(numbers.sessions, 1, storm->row->ids);
    for (unsigned i = 0; i < storm->row->ids; i++)
        assert_true(left(storm, text_format(storm, "lamp-%u", i)) <= 1);
    harness_free(h);
    for (unsigned loop = 0; loop < LOOPS; loop++) {
        for (size_t i = 0; i < storm->sides[loop].count; i++)
            talloc_free(storm->sides[loop].wires[i]);
        talloc_free(storm->sides[loop].own);
    }
    talloc_free(storm);
}

int main(void)
{
    return RUN_TABLE(rows, is_weathered);
}
