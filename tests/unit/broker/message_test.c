/* message_test.c - what a message keeps of a packet, and that it takes no more memory than it says. */
#include "harness.h"

static const struct row {
    const char *name;
    size_t user_count;
    const char *user_name, *user_value;
    size_t payload;
    uint32_t expiry_s; /* 0: none is given */
    int fault;
} rows[] = {
    { "a plain message", 0, "", "", 20, 0, 0 },
    { "an expiry", 0, "", "", 20, 30, 0 },
    { "one user property", 1, "site", "B2", 20, 0, 0 },
    { "many empty user properties", 29000, "", "", 0, 0, 0 },
    { "8192 bytes of user properties", 1024, "site", "B2B2", 0, 0, 0 },
    { "more than 8192 bytes of user properties", 1025, "site", "B2B2", 0, 0, MQTT_QUOTA_EXCEEDED },
    { "the largest payload", 0, "", "", PAYLOAD_MAX, 0, 0 },
};

static void keeps(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct mqtt_packet packet = { .type = MQTT_PUBLISH };
    const char *text;
    packet.publish.topic = SLICE("plant/a/temp");
    packet.publish.payload = (slice){ MAKE_ARRAY(ctx, char, row->payload + 1), row->payload };
    mqtt_set_text(&packet.properties, MQTT_CONTENT_TYPE, SLICE("text/plain"));
    for (size_t i = 0; i < row->user_count; i++)
        mqtt_add_user_property(ctx, &packet.properties, slice_of(row->user_name), slice_of(row->user_value));
    if (row->expiry_s > 0)
        mqtt_set_number(&packet.properties, MQTT_MESSAGE_EXPIRY, row->expiry_s);
    assert_int_equal(message_fault(&packet.properties, &text), row->fault);

    struct message *message = message_new(&packet, "lamp-7");
    assert_true(slice_equal(message->topic, packet.publish.topic));
    assert_true(slice_equal(message->payload, packet.publish.payload));
    assert_true(slice_is(message->properties.content_type, "text/plain"));
    assert_int_equal(message->properties.user_count, row->user_count);
    for (size_t i = 0; i < row->user_count; i++) {
        assert_true(slice_is(message->properties.user[i].name, row->user_name));
        assert_true(slice_is(message->properties.user[i].value, row->user_value));
    }
    assert_int_equal(message->expiry_s, row->expiry_s);
    assert_int_equal(message->expires_ms != 0, row->expiry_s > 0);
    assert_true(talloc_total_size(message) <= 2 * message->size);
    assert_true(talloc_total_blocks(message) <= 8);
    message_drop(message);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLE(rows, keeps);
}
