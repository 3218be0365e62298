/* publish_test.c - the refusals of PUBLISH, as every kind of client sees them (broker.md 4.5, 4.8). */
#include "harness.h"

static const char plant_only[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Publish\",\"Resource\":\"arn:aws:iot:us-east-1:" ACCOUNT
    ":topic/plant/*\"}]}";

enum { DISCONNECTS = 0x100 }; /* version 5 loses its connection, with QoS 1 too */

static const struct row {
    const char *name;
    const char *topic, *response_topic, *user_value;
    size_t payload;
    bool retain, restricted;
    int reason; /* 0: taken */
} rows[] = {
    { "a message", "plant/a", NULL, NULL, 8, false, false, 0 },
    { "the largest message", "plant/a", NULL, NULL, PAYLOAD_MAX, false, false, 0 },
    { "a payload too large", "plant/a", NULL, NULL, PAYLOAD_MAX + 1, false, false, DISCONNECTS | MQTT_QUOTA_EXCEEDED },
    { "a wildcard", "plant/+", NULL, NULL, 0, false, false, MQTT_TOPIC_NAME_INVALID },
    { "eight slashes", "1/2/3/4/5/6/7/8/9", NULL, NULL, 0, false, false, MQTT_TOPIC_NAME_INVALID },
    { "a wildcard in the response topic", "plant/a", "b/#", NULL, 0, false, false, MQTT_TOPIC_NAME_INVALID },
    { "a reserved topic", "$SYS/broker", NULL, NULL, 0, false, false, MQTT_TOPIC_NAME_INVALID },
    { "another format of a request", "$aws/certificates/create/xml", NULL, NULL, 0, false, false,
      MQTT_TOPIC_NAME_INVALID },
    { "a forged answer", "$aws/certificates/create/json/accepted", NULL, NULL, 0, false, false,
      MQTT_TOPIC_NAME_INVALID },
    { "a request of a template without a name", "$aws/provisioning-templates//provision/json", NULL, NULL, 0, false,
      false, MQTT_TOPIC_NAME_INVALID },
    { "retain on a reserved topic", "$aws/certificates/create/json", NULL, NULL, 0, true, false,
      MQTT_TOPIC_NAME_INVALID },
    { "user properties too large", "plant/a", NULL, "", 0, false, false, MQTT_QUOTA_EXCEEDED },
    { "no policy allows it", "garden/a", NULL, NULL, 0, false, true, MQTT_NOT_AUTHORIZED },
    { "a broken topic before the policy", "garden/+", NULL, NULL, 0, false, true, MQTT_TOPIC_NAME_INVALID },
};

struct outcome {
    bool acknowledged, closed;
    int reason; /* of the PUBACK, or else of the DISCONNECT */
};

static struct outcome publish(const struct row *row, int version, uint8_t qos)
{
    struct harness *h = harness_new(1);
    struct hello hello = { .version = version, .clean = true, .policy = row->restricted ? plant_only : NULL };
    struct mqtt_packet packet = { .type = MQTT_PUBLISH, .id = qos ? 9 : 0 }, answer;
    struct outcome outcome = { .reason = 0 };
    struct wire *wire = wire_open(h, 0, "lamp-7");
    wire_connect(wire, &hello);
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    packet.publish.topic = slice_of(row->topic);
    packet.publish.payload = (slice){ MAKE_ARRAY(wire, char, row->payload + 1), row->payload };
    packet.publish.qos = qos;
    packet.publish.retain = row->retain;
    if (row->response_topic != NULL)
        mqtt_set_text(&packet.properties, MQTT_RESPONSE_TOPIC, slice_of(row->response_topic));
    if (row->user_value != NULL)
        mqtt_add_user_property(wire, &packet.properties, SLICE("k"), (slice){ MAKE_ARRAY(wire, char, 8193), 8192 });
    if (row->user_value != NULL)
        memset((char *)(uintptr_t)packet.properties.user[0].value.at, 'v', 8192);
    wire_give(wire, &packet);
    if (wire_take(wire, &answer)) {
        outcome.acknowledged = answer.type == MQTT_PUBACK;
        outcome.reason = answer.reason;
    }
    harness_settle(h);
    outcome.closed = wire->closed;
    harness_free(h);
    return outcome;
}

static void is_refused(void **state)
{
    const struct row *row = *state;
    bool stays = row->reason == 0, with_ack = (row->reason & DISCONNECTS) == 0;
    bool only_5 = row->response_topic != NULL || row->user_value != NULL; /* version 3 cannot say it */
    int reason = row->reason & ~DISCONNECTS;

    struct outcome five_1 = publish(row, MQTT_5, 1), five_0 = publish(row, MQTT_5, 0);
    struct outcome three_1 = publish(row, MQTT_3_1_1, 1), three_0 = publish(row, MQTT_3_1_1, 0);
    assert_int_equal(five_1.acknowledged, with_ack);
    assert_int_equal(five_1.closed, !with_ack);
    assert_int_equal(five_1.reason, reason);
    assert_int_equal(five_0.closed, !stays);
    assert_int_equal(five_0.reason, reason);
    assert_int_equal(three_1.acknowledged, stays || only_5);
    assert_int_equal(three_1.closed, !stays && !only_5);
    assert_int_equal(three_0.closed, !stays && !only_5);
}

int main(void)
{
    return RUN_TABLE(rows, is_refused);
}
