/* properties_test.c - which property stands in which packet (broker 3.1), once or often. */
#include "packets.h"

/* Packets by their types' hexadecimal digits, 0 the will: as the table of broker 3.1 lists them. */
static const struct row {
    const char *name;
    unsigned id;
    const char *value;
    const char *packets;
} rows[] = {
    { "Payload Format Indicator", 0x01, "01", "30" },
    { "Message Expiry Interval", 0x02, "00000000", "30" },
    { "Content Type", 0x03, "0001 61", "30" },
    { "Response Topic", 0x08, "0001 61", "30" },
    { "Correlation Data", 0x09, "0001 ff", "30" },
    { "Subscription Identifier", 0x0b, "01", "83" },
    { "Session Expiry Interval", 0x11, "ffffffff", "12e" },
    { "Assigned Client Identifier", 0x12, "0001 61", "2" },
    { "Server Keep Alive", 0x13, "0000", "2" },
    { "Authentication Method", 0x15, "0001 61", "12f" },
    { "Authentication Data", 0x16, "0001 ff", "f" }, /* in CONNECT and CONNACK it needs a method beside it */
    { "Request Problem Information", 0x17, "00", "1" },
    { "Will Delay Interval", 0x18, "00000000", "0" },
    { "Request Response Information", 0x19, "01", "1" },
    { "Response Information", 0x1a, "0001 61", "2" },
    { "Server Reference", 0x1c, "0001 61", "2e" },
    { "Reason String", 0x1f, "0001 61", "24567 9bef" },
    { "Receive Maximum", 0x21, "0001", "12" },
    { "Topic Alias Maximum", 0x22, "0000", "12" },
    { "Topic Alias", 0x23, "ffff", "3" },
    { "Maximum QoS", 0x24, "00", "2" },
    { "Retain Available", 0x25, "00", "2" },
    { "User Property", 0x26, "0000 0000", "0123456789abef" },
    { "Maximum Packet Size", 0x27, "00000001", "12" },
    { "Wildcard Subscription Available", 0x28, "01", "2" },
    { "Subscription Identifier Available", 0x29, "01", "2" },
    { "Shared Subscription Available", 0x2a, "01", "2" },
};

/* Where the properties stand in each packet. */
static const struct {
    unsigned type;
    const char *first, *before, *behind;
} frames[] = {
    { 0x0, "10", "0004 4d515454 05 06 0000 00 0001 61", "0001 77 0000" },
    { 0x1, "10", "0004 4d515454 05 02 0000", "0001 61" },
    { 0x2, "20", "00 00", "" },
    { 0x3, "30", "0001 61", "" },
    { 0x4, "40", "0001 00", "" },
    { 0x5, "50", "0001 00", "" },
    { 0x6, "62", "0001 00", "" },
    { 0x7, "70", "0001 00", "" },
    { 0x8, "82", "0001", "0001 61 00" },
    { 0x9, "90", "0001", "00" },
    { 0xa, "a2", "0001", "0001 61" },
    { 0xb, "b0", "0001", "00" },
    { 0xe, "e0", "00", "" },
    { 0xf, "f0", "00", "" },
};

static error *decoded_with(void *ctx, size_t frame, const struct row *row, int times, struct mqtt_packet *packet)
{
    slice value = bytes_of_digits(ctx, row->value);
    char *properties = text_format(ctx, "%02zx", (1 + value.length) * (size_t)times);
    for (int i = 0; i < times; i++)
        properties = text_format(ctx, "%s %02x %s", properties, row->id, row->value);
    const char *hex =
        text_format(ctx, "%s ~ %s %s %s", frames[frame].first, frames[frame].before, properties, frames[frame].behind);
    struct mqtt_frame whole = frame_of(packet_of(ctx, hex));
    return mqtt_decode(ctx, MQTT_5, &whole, packet);
}

static void stands_in_its_packets(void **state)
{
    const struct row *row = *state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        SCRATCH ctx = talloc_new(NULL);
        struct mqtt_packet packet;
        bool belongs = strchr(row->packets, "0123456789abcdef"[frames[i].type]) != NULL;
        error *e = decoded_with(ctx, i, row, 1, &packet);
        if (row->id == MQTT_AUTHENTICATION_DATA && (frames[i].type == 1 || frames[i].type == 2))
            assert_int_equal(mqtt_reason_of(e), MQTT_PROTOCOL_ERROR);
        else
            assert_int_equal(mqtt_reason_of(e), belongs ? MQTT_SUCCESS : MQTT_MALFORMED_PACKET);
    }
}

static void stands_there_once(void **state)
{
    const struct row *row = *state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        SCRATCH ctx = talloc_new(NULL);
        struct mqtt_packet packet;
        bool often =
            row->id == MQTT_USER_PROPERTY || (row->id == MQTT_SUBSCRIPTION_ID && frames[i].type == MQTT_PUBLISH);
        if (strchr(row->packets, "0123456789abcdef"[frames[i].type]) == NULL)
            continue;
        error *e = decoded_with(ctx, i, row, 2, &packet);
        assert_int_equal(mqtt_reason_of(e), often ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR);
    }
}

static void has_its_name(void **state)
{
    const struct row *row = *state;
    assert_string_equal(mqtt_property_name(row->id), row->name);
}

static void ends_inside(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet;
    slice value = bytes_of_digits(ctx, row->value);
    for (size_t frame = 0; frame < sizeof(frames) / sizeof(frames[0]); frame++) {
        if (strchr(row->packets, "0123456789abcdef"[frames[frame].type]) == NULL)
            continue;
        for (size_t length = 0; length < value.length; length++) {
            writer digits = writer_new(ctx, 100);
            for (size_t i = 0; i < length; i++)
                writer_format(&digits, "%02x", (uint8_t)value.at[i]);
            struct row cut = *row;
            cut.value = writer_finish(&digits);
            assert_int_equal(mqtt_reason_of(decoded_with(ctx, frame, &cut, 1, &packet)), MQTT_MALFORMED_PACKET);
        }
    }
}

/* Setting, asking, taking out. */
static void are_set_and_unset(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_properties properties = { 0 };
    (void)state;
    assert_true(mqtt_has_none(&properties));
    assert_int_equal(mqtt_number(&properties, MQTT_RECEIVE_MAXIMUM, 65535), 65535);
    mqtt_set_number(&properties, MQTT_RECEIVE_MAXIMUM, 0);
    assert_true(mqtt_has(&properties, MQTT_RECEIVE_MAXIMUM));
    assert_int_equal(mqtt_number(&properties, MQTT_RECEIVE_MAXIMUM, 65535), 0);
    mqtt_set_number(&properties, MQTT_RECEIVE_MAXIMUM, 7);
    assert_int_equal(properties.receive_maximum, 7);
    mqtt_set_text(&properties, MQTT_REASON_STRING, SLICE("why"));
    assert_slice(properties.reason_string, "why");
    mqtt_add_user_property(ctx, &properties, SLICE("a"), SLICE("b"));
    assert_false(mqtt_has_none(&properties));
    mqtt_unset(&properties, MQTT_RECEIVE_MAXIMUM);
    mqtt_unset(&properties, MQTT_REASON_STRING);
    mqtt_unset(&properties, MQTT_USER_PROPERTY);
    mqtt_unset(&properties, MQTT_SUBSCRIPTION_ID);
    assert_int_equal(properties.receive_maximum, 0);
    assert_int_equal(properties.reason_string.length, 0);
    assert_true(mqtt_has_none(&properties));
    assert_null(mqtt_property_name(0));
    assert_null(mqtt_property_name(4));
    assert_null(mqtt_property_name(0x2b));
}

static const struct {
    const char *name;
} once[] = { { "a property that is set is there until it is taken out" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, stands_in_its_packets), TABLE(rows, stands_there_once), TABLE(rows, has_its_name),
                      TABLE(rows, ends_inside), TABLE(once, are_set_and_unset));
}
