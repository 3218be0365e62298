/* packet_test.c - what the fields of decoded packets hold, what encoding makes of packets built by hand, and what it
   refuses to write. */
#include "packets.h"

/* ---- fields ---- */

static void connect_fields(const struct mqtt_packet *p)
{
    const struct mqtt_connect *c = &p->connect;
    assert_int_equal(p->type, MQTT_CONNECT);
    assert_slice(c->protocol, "MQTT");
    assert_int_equal(c->level, 5);
    assert_true(c->clean);
    assert_int_equal(c->keep_alive_s, 60);
    assert_slice(c->client_id, "lamp");
    assert_true(c->has_user_name && c->has_password);
    assert_slice(c->user_name, "u");
    assert_slice(c->password, "pw");
    assert_int_equal(mqtt_number(&p->properties, MQTT_SESSION_EXPIRY, 0), MQTT_NEVER_EXPIRES);
    assert_int_equal(mqtt_number(&p->properties, MQTT_RECEIVE_MAXIMUM, 65535), 65535);
    assert_false(mqtt_has(&p->properties, MQTT_RECEIVE_MAXIMUM));
    assert_non_null(c->will);
    assert_slice(c->will->topic, "gone");
    assert_slice(c->will->payload, "!");
    assert_int_equal(c->will->qos, 1);
    assert_true(c->will->retain);
    assert_int_equal(c->will->properties.will_delay_s, 5);
}

static void bare_connect_fields(const struct mqtt_packet *p)
{
    const struct mqtt_connect *c = &p->connect;
    assert_int_equal(p->version, MQTT_3_1);
    assert_slice(c->protocol, "MQIsdp");
    assert_false(c->clean || c->has_user_name || c->has_password);
    assert_null(c->will);
    assert_int_equal(c->client_id.length, 0);
}

static void connack_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->reason, MQTT_SUCCESS);
    assert_true(p->connack.session_present);
    assert_int_equal(p->properties.receive_maximum, 100);
    assert_int_equal(p->properties.maximum_qos, 1);
    assert_true(mqtt_has(&p->properties, MQTT_SUBSCRIPTION_ID_AVAILABLE));
    assert_int_equal(p->properties.subscription_id_available, 0);
    assert_int_equal(p->properties.maximum_packet_size, 149504);
}

static void old_connack_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->reason, MQTT_NOT_AUTHORIZED);
    assert_false(p->connack.session_present);
}

static void publish_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->id, 2);
    assert_int_equal(p->publish.qos, 1);
    assert_false(p->publish.dup || p->publish.retain);
    assert_slice(p->publish.topic, "plant/a/temp");
    assert_slice(p->publish.payload, "{\"c\":21}");
    assert_int_equal(p->properties.message_expiry_s, 30);
    assert_slice(p->properties.content_type, "application/json");
    assert_int_equal(p->properties.topic_alias, 1);
    assert_int_equal(p->properties.user_count, 1);
    assert_slice(p->properties.user[0].name, "k");
    assert_slice(p->properties.user[0].value, "v");
}

static void flags_of_publish(const struct mqtt_packet *p)
{
    assert_true(p->publish.dup && p->publish.retain);
    assert_int_equal(p->publish.qos, 2);
    assert_int_equal(p->id, 0xfffe);
    assert_int_equal(p->publish.payload.length, 0);
}

static void alias_zero(const struct mqtt_packet *p)
{
    assert_true(mqtt_has(&p->properties, MQTT_TOPIC_ALIAS));
    assert_int_equal(p->properties.topic_alias, 0);
}

static void user_properties_in_order(const struct mqtt_packet *p)
{
    assert_int_equal(p->properties.user_count, 3);
    assert_slice(p->properties.user[0].name, "b");
    assert_slice(p->properties.user[1].name, "a");
    assert_slice(p->properties.user[2].name, "b");
    assert_slice(p->properties.user[2].value, "1");
    assert_int_equal(p->properties.subscription_id_count, 2);
    assert_int_equal(p->properties.subscription_ids[0], 300);
    assert_int_equal(p->properties.subscription_ids[1], 1);
}

static void subscribe_fields(const struct mqtt_packet *p)
{
    const struct mqtt_subscription *list = p->subscribe.list;
    assert_int_equal(p->id, 10);
    assert_int_equal(p->subscribe.count, 2);
    assert_slice(list[0].filter, "a/#");
    assert_int_equal(list[0].qos, 2);
    assert_true(list[0].no_local && list[0].retain_as_published);
    assert_int_equal(list[0].retain_handling, 2);
    assert_int_equal(list[1].filter.length, 0);
    assert_false(list[1].no_local || list[1].retain_as_published || list[1].qos || list[1].retain_handling);
    assert_int_equal(p->properties.subscription_ids[0], 7);
}

static void unsubscribe_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->unsubscribe.count, 2);
    assert_slice(p->unsubscribe.filters[0], "a");
    assert_slice(p->unsubscribe.filters[1], "+");
}

static void suback_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->id, 1);
    assert_int_equal(p->acknowledged.codes.length, 2);
    assert_int_equal((uint8_t)p->acknowledged.codes.at[1], MQTT_TOPIC_FILTER_INVALID);
}

static void puback_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->type, MQTT_PUBACK);
    assert_int_equal(p->reason, MQTT_NOT_AUTHORIZED);
    assert_slice(p->properties.reason_string, "no");
}

static void disconnect_fields(const struct mqtt_packet *p)
{
    assert_int_equal(p->reason, MQTT_DISCONNECT_WITH_WILL);
    assert_true(mqtt_has(&p->properties, MQTT_SESSION_EXPIRY));
    assert_int_equal(p->properties.session_expiry_s, 0);
}

static const struct fields {
    const char *name;
    int version;
    const char *hex;
    void (*look)(const struct mqtt_packet *packet);
} fields[] = {
    { "CONNECT", 5,
      "10 ~ 0004 4d515454 05 ee 003c 05 11 ffffffff 0004 6c616d70 05 18 00000005 0004 676f6e65 0001 21 0001 75 0002 "
      "7077",
      connect_fields },
    { "CONNECT of 3.1", 3, "10 ~ 0006 4d5149736470 03 00 0000 0000", bare_connect_fields },
    { "CONNACK", 5, "20 ~ 01 00 0c 21 0064 24 01 27 00024800 29 00", connack_fields },
    { "CONNACK of 3.1.1 speaks version 5's reasons", 4, "20 02 00 05", old_connack_fields },
    { "PUBLISH", 5,
      "32 3b 000c 706c616e742f612f74656d70 0002 22 02 0000001e 03 0010 6170706c69636174696f6e2f6a736f6e "
      "26 0001 6b 0001 76 23 0001 7b2263223a32317d",
      publish_fields },
    { "the flags of PUBLISH", 4, "3d ~ 0001 61 fffe", flags_of_publish },
    { "a topic alias of 0 is there", 5, "30 ~ 0000 03 23 0000", alias_zero },
    { "lists keep their order and duplicates", 5,
      "30 ~ 0001 61 1a 26 0001 62 0001 32 0b ac02 26 0001 61 0001 30 26 0001 62 0001 31 0b 01",
      user_properties_in_order },
    { "SUBSCRIBE", 5, "82 ~ 000a 02 0b 07 0003 612f23 2e 0000 00", subscribe_fields },
    { "UNSUBSCRIBE", 4, "a2 ~ 0001 0001 61 0001 2b", unsubscribe_fields },
    { "SUBACK", 5, "90 ~ 0001 00 00 8f", suback_fields },
    { "PUBACK", 5, "40 ~ 0001 87 05 1f 0002 6e6f", puback_fields },
    { "DISCONNECT", 5, "e0 ~ 04 05 11 00000000", disconnect_fields },
};

static void are_read(void **state)
{
    const struct fields *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet;
    struct mqtt_frame frame = frame_of(packet_of(ctx, row->hex));
    error *e = mqtt_decode(ctx, row->version, &frame, &packet);
    if (e != NULL)
        fail_msg("%s", e->message);
    assert_int_equal(packet.version, row->version);
    row->look(&packet);
}

/* ---- encoding ---- */

static struct mqtt_packet an_ack(void *ctx)
{
    struct mqtt_packet p = { .type = MQTT_PUBACK, .id = 5, .reason = MQTT_NOT_AUTHORIZED };
    mqtt_set_text(&p.properties, MQTT_REASON_STRING, SLICE("no"));
    mqtt_add_user_property(ctx, &p.properties, SLICE("a"), SLICE("b"));
    return p;
}

static struct mqtt_packet an_ack_without_its_reason_string(void *ctx)
{
    struct mqtt_packet p = an_ack(ctx);
    mqtt_unset(&p.properties, MQTT_REASON_STRING);
    return p;
}

static struct mqtt_packet an_ack_without_properties(void *ctx)
{
    struct mqtt_packet p = an_ack_without_its_reason_string(ctx);
    mqtt_unset(&p.properties, MQTT_USER_PROPERTY);
    return p;
}

static struct mqtt_packet a_refusal(void *ctx)
{
    struct mqtt_packet p = { .type = MQTT_CONNACK, .reason = MQTT_NOT_AUTHORIZED };
    (void)ctx;
    p.connack.session_present = true;
    return p;
}

static struct mqtt_packet a_suback(void *ctx)
{
    struct mqtt_packet p = { .type = MQTT_SUBACK, .id = 1 };
    (void)ctx;
    p.acknowledged.codes = SLICE("\x01\x87\x8f");
    return p;
}

static struct mqtt_packet a_subscribe(void *ctx)
{
    struct mqtt_packet p = { .type = MQTT_SUBSCRIBE, .id = 1 };
    p.subscribe.list = MAKE(ctx, struct mqtt_subscription);
    p.subscribe.list[0] = (struct mqtt_subscription){ SLICE("a"), 1, true, true, 2 };
    p.subscribe.count = 1;
    return p;
}

static struct mqtt_packet a_publish(void *ctx)
{
    struct mqtt_packet p = { .type = MQTT_PUBLISH, .id = 9 };
    (void)ctx;
    p.publish =
        (struct mqtt_publish){ .dup = true, .retain = true, .qos = 1, .topic = SLICE("a"), .payload = SLICE("hi") };
    mqtt_set_number(&p.properties, MQTT_MESSAGE_EXPIRY, 7);
    return p;
}

static struct mqtt_packet a_publish_to_subscriptions(void *ctx)
{
    struct mqtt_packet p = a_publish(ctx);
    mqtt_unset(&p.properties, MQTT_MESSAGE_EXPIRY);
    p.properties.subscription_ids = MAKE_ARRAY(ctx, uint32_t, 2);
    p.properties.subscription_ids[0] = 1;
    p.properties.subscription_ids[1] = 128;
    p.properties.subscription_id_count = 2;
    return p;
}

static struct mqtt_packet a_connect(void *ctx)
{
    struct mqtt_packet p = { .type = MQTT_CONNECT };
    p.connect = (struct mqtt_connect){ .clean = true, .keep_alive_s = 30, .client_id = SLICE("c") };
    p.connect.will = MAKE(ctx, struct mqtt_will);
    p.connect.will->topic = SLICE("w");
    p.connect.will->qos = 1;
    mqtt_set_number(&p.connect.will->properties, MQTT_WILL_DELAY, 1);
    return p;
}

static struct mqtt_packet an_auth(void *ctx)
{
    (void)ctx;
    return (struct mqtt_packet){ .type = MQTT_AUTH, .reason = MQTT_CONTINUE_AUTHENTICATION };
}

static struct mqtt_packet a_reserved_type(void *ctx)
{
    (void)ctx;
    return (struct mqtt_packet){ .type = 0 };
}

static struct mqtt_packet a_topic_of(void *ctx, size_t length)
{
    struct mqtt_packet p = { .type = MQTT_PUBLISH };
    p.publish.topic = slice_bytes(MAKE_ARRAY(ctx, char, length), length);
    return p;
}

static struct mqtt_packet a_topic_too_long(void *ctx)
{
    return a_topic_of(ctx, 65536);
}

static struct mqtt_packet a_user_property_too_long(void *ctx)
{
    struct mqtt_packet p = a_publish(ctx);
    mqtt_add_user_property(ctx, &p.properties, SLICE("a"), a_topic_too_long(ctx).publish.topic);
    return p;
}

static struct mqtt_packet a_payload_too_long(void *ctx)
{
    struct mqtt_packet p = a_publish(ctx);
    p.publish.payload.length = MQTT_LARGEST_REMAINING; /* only counted */
    return p;
}

static const struct built {
    const char *name;
    struct mqtt_packet (*build)(void *ctx);
    int version;
    const char *hex; /* NULL: cannot be written */
} builds[] = {
    { "PUBACK", an_ack, 5, "40 ~ 0005 87 0c 1f 0002 6e6f 26 0001 61 0001 62" },
    { "PUBACK loses its reason in 3.1.1", an_ack, 4, "40 02 0005" },
    { "PUBACK without its reason string", an_ack_without_its_reason_string, 5, "40 ~ 0005 87 07 26 0001 61 0001 62" },
    { "PUBACK without properties", an_ack_without_properties, 5, "40 03 0005 87" },
    { "a refusal never has a session [MQTT-3.2.2-6]", a_refusal, 5, "20 03 00 87 00" },
    { "a refusal in 3.1.1", a_refusal, 4, "20 02 00 05" },
    { "SUBACK", a_suback, 5, "90 ~ 0001 00 01 87 8f" },
    { "SUBACK in 3.1.1", a_suback, 4, "90 ~ 0001 01 80 80" },
    { "SUBSCRIBE", a_subscribe, 5, "82 ~ 0001 00 0001 61 2d" },
    { "SUBSCRIBE in 3.1.1", a_subscribe, 4, "82 ~ 0001 0001 61 01" },
    { "PUBLISH", a_publish, 5, "3b ~ 0001 61 0009 05 02 00000007 6869" },
    { "PUBLISH loses its properties in 3.1.1", a_publish, 4, "3b ~ 0001 61 0009 6869" },
    { "PUBLISH to subscriptions", a_publish_to_subscriptions, 5, "3b ~ 0001 61 0009 05 0b 01 0b 8001 6869" },
    { "CONNECT", a_connect, 5, "10 ~ 0004 4d515454 05 0e 001e 00 0001 63 05 18 00000001 0001 77 0000" },
    { "CONNECT in 3.1.1", a_connect, 4, "10 ~ 0004 4d515454 04 0e 001e 0001 63 0001 77 0000" },
    { "CONNECT in 3.1", a_connect, 3, "10 ~ 0006 4d5149736470 03 0e 001e 0001 63 0001 77 0000" },
    { "AUTH", an_auth, 5, "f0 02 18 00" },
    { "AUTH before version 5", an_auth, 4, NULL },
    { "a reserved type", a_reserved_type, 5, NULL },
    { "a text that is too long", a_topic_too_long, 4, NULL },
    { "a user property that is too long", a_user_property_too_long, 5, NULL },
    { "a payload that is too long", a_payload_too_long, 5, NULL },
};

static void are_written(void **state)
{
    const struct built *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet = row->build(ctx);
    writer out = writer_new(ctx, 1 << 20);
    writer_text(&out, "before");

    if (row->hex == NULL) {
        assert_int_equal(mqtt_size(row->version, &packet), 0);
        assert_null(mqtt_encode(ctx, row->version, &packet).at);
        assert_false(mqtt_write(&out, row->version, &packet));
        assert_slice(writer_slice_of(&out), "before");
        return;
    }
    slice want = packet_of(ctx, row->hex);
    assert_int_equal(mqtt_size(row->version, &packet), want.length);
    assert_bytes(mqtt_encode(ctx, row->version, &packet), want);
    assert_true(mqtt_write(&out, row->version, &packet));
    assert_bytes(slice_from(writer_slice_of(&out), strlen("before")), want);

    writer tight = writer_new(ctx, want.length - 1);
    assert_false(mqtt_write(&tight, row->version, &packet));
    assert_int_equal(tight.length, 0);
    tight.limit++;
    assert_true(mqtt_write(&tight, row->version, &packet));
}

/* Sizes around the borders of the remaining length: a topic of n bytes makes a body of n + 2. */
static const struct border {
    const char *name;
    size_t topic;
    size_t size;
} borders[] = {
    { "127 takes one byte", 125, 129 },    { "128 takes two", 126, 131 },         { "16383 takes two", 16381, 16386 },
    { "16384 takes three", 16382, 16388 }, { "the longest topic", 65535, 65541 },
};

static void have_size(void **state)
{
    const struct border *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet = a_topic_of(ctx, row->topic);
    assert_int_equal(mqtt_size(4, &packet), row->size);
    struct mqtt_frame frame = frame_of(mqtt_encode(ctx, 4, &packet));
    assert_int_equal(frame.body.length, row->topic + 2);
    assert_true(frame.minimal);
}

/* ---- what decoding costs ---- */

static const struct cost {
    const char *name;
    const char *hex;
    size_t blocks;
} costs[] = {
    { "PUBLISH without properties allocates nothing", "30 ~ 0001 61 00 6869", 0 },
    { "nor one with all but lists",
      "32 ~ 0001 61 0001 16 01 01 02 00000001 03 0001 61 08 0001 61 09 0001 61 23 0001 6869", 0 },
    { "user properties take one array", "30 ~ 0001 61 0a 26 0000 0000 26 0000 0000", 1 },
    { "PUBACK allocates nothing", "40 04 0001 00 00", 0 },
};

static void allocates(void **state)
{
    const struct cost *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    void *place = talloc_new(ctx);
    struct mqtt_packet packet;
    slice bytes = packet_of(ctx, row->hex);
    struct mqtt_frame frame = frame_of(bytes);
    assert_null(mqtt_decode(place, 5, &frame, &packet));
    assert_int_equal(talloc_total_blocks(place), 1 + row->blocks);
    if (packet.type == MQTT_PUBLISH)
        assert_true(packet.publish.topic.at > bytes.at && packet.publish.topic.at < bytes.at + bytes.length);
}

int main(void)
{
    return RUN_TABLES(TABLE(fields, are_read), TABLE(builds, are_written), TABLE(borders, have_size),
                      TABLE(costs, allocates));
}
