/* subscribe_test.c - SUBSCRIBE, as every kind of client sees its answers (broker.md 4.7, 4.8). */
#include "harness.h"

static const char plant_only[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":\"arn:aws:iot:us-east-1:" ACCOUNT
    ":topicfilter/plant/*\"}]}";

enum { FILTERS = 9, CLOSED = -1 };

static const struct row {
    const char *name;
    const char *filters[FILTERS];
    uint8_t qos;
    bool restricted, large;
    int five[FILTERS], three[FILTERS]; /* codes; CLOSED first: no SUBACK */
    int reason;                        /* of version 5's DISCONNECT */
    unsigned kept[2];                  /* subscriptions afterwards, of version 5 and 3 */
} rows[] = {
    { "one filter", { "plant/+" }, 1, false, false, { 1 }, { 1 }, 0, { 1, 1 } },
    { "QoS 2 is granted as 1", { "plant/+" }, 2, false, false, { 1 }, { 1 }, 0, { 1, 1 } },
    { "the same twice", { "a", "a" }, 0, false, false, { 0, 0 }, { 0, 0 }, 0, { 1, 1 } },
    { "a bad one among good ones", { "a", "b/#/c", "d" }, 0, false, false, { 0, 0x8f, 0 }, { CLOSED }, 0, { 2, 0 } },
    { "a denied one among good ones", { "plant/a", "garden/#" }, 1, true, false, { 1, 0x87 }, { CLOSED }, 0, { 1, 0 } },
    { "a reserved topic", { "$SYS/#" }, 0, false, false, { 0x8f }, { CLOSED }, 0, { 0, 0 } },
    { "a request topic", { "$aws/certificates/create/json" }, 0, false, false, { 0x8f }, { CLOSED }, 0, { 0, 0 } },
    { "basic ingest", { "$aws/rules/#" }, 0, false, false, { 0x8f }, { CLOSED }, 0, { 0, 0 } },
    { "all answers", { "$aws/certificates/#" }, 1, false, false, { 1 }, { 1 }, 0, { 1, 1 } },
    { "a shared filter", { "$share/g/a", "b" }, 1, false, false, { 0x9e, 1 }, { 0x80, 1 }, 0, { 1, 1 } },
    { "nine filters",
      { "1", "2", "3", "4", "5", "6", "7", "8", "9" },
      0,
      false,
      false,
      { 0x97, 0x97, 0x97, 0x97, 0x97, 0x97, 0x97, 0x97, 0x97 },
      { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 },
      0,
      { 0, 0 } },
    { "user properties too large", { "a" }, 0, false, true, { CLOSED }, { 0 }, MQTT_QUOTA_EXCEEDED, { 0, 1 } },
};

static unsigned subscriptions(struct harness *h)
{
    struct broker_numbers numbers;
    broker_count(h->broker, &numbers);
    return (unsigned)numbers.subscriptions;
}

static void subscribe(const struct row *row, int version)
{
    struct harness *h = harness_new(1);
    struct wire *wire = wire_open(h, 0, "lamp-7");
    struct mqtt_subscription wishes[FILTERS];
    struct mqtt_packet packet = { .type = MQTT_SUBSCRIBE, .id = 5 }, answer;
    const int *codes = version == MQTT_5 ? row->five : row->three;
    packet.subscribe.list = wishes;
    for (; packet.subscribe.count < FILTERS && row->filters[packet.subscribe.count]; packet.subscribe.count++)
        wishes[packet.subscribe.count] =
            (struct mqtt_subscription){ .filter = slice_of(row->filters[packet.subscribe.count]), .qos = row->qos };
    for (int i = 0; i < 1000 && row->large; i++)
        mqtt_add_user_property(wire, &packet.properties, SLICE("key"), SLICE("value1"));
    /* a session that is kept shows what a connection that was closed has left in it */
    wire_connect(wire,
                 &(struct hello){ .version = version, .expiry_s = 600, .policy = row->restricted ? plant_only : NULL });
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    wire_give(wire, &packet);

    bool answered = wire_take(wire, &answer);
    if (codes[0] == CLOSED) {
        assert_true(wire->closed);
        assert_int_equal(answered, version == MQTT_5);
        assert_int_equal(answered ? answer.reason : 0, version == MQTT_5 ? row->reason : 0);
    } else {
        assert_true(answered);
        assert_int_equal(answer.type, MQTT_SUBACK);
        assert_int_equal(answer.acknowledged.codes.length, packet.subscribe.count);
        for (size_t i = 0; i < packet.subscribe.count; i++)
            assert_int_equal((uint8_t)answer.acknowledged.codes.at[i], codes[i]);
    }
    harness_settle(h);
    assert_int_equal(subscriptions(h), row->kept[version == MQTT_3_1_1]);
    harness_free(h);
}

static void is_answered(void **state)
{
    subscribe(*state, MQTT_5);
    subscribe(*state, MQTT_3_1_1);
}

int main(void)
{
    return RUN_TABLE(rows, is_answered);
}
