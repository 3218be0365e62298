/* frame_test.c - taking one packet off the front of what was received. */
#include "packets.h"

static const struct row {
    const char *name;
    const char *bytes;
    size_t limit;
    int version;
    enum mqtt_frame_result result;
    size_t length;
    const char *body;
} rows[] = {
    { "nothing yet", "", 100, 5, MQTT_FRAME_PARTIAL, 0, NULL },
    { "one byte", "c0", 100, 5, MQTT_FRAME_PARTIAL, 0, NULL },
    { "a packet without a body", "c0 00", 100, 5, MQTT_FRAME_WHOLE, 2, "" },
    { "a packet and the next one's first bytes", "40 02 0007 40 02", 100, 5, MQTT_FRAME_WHOLE, 4, "0007" },
    { "half a body", "40 02 00", 100, 5, MQTT_FRAME_PARTIAL, 4, NULL },
    { "half a length", "30 80", 100, 5, MQTT_FRAME_PARTIAL, 0, NULL },
    { "three quarters of a length", "30 ffffff", 100, 5, MQTT_FRAME_PARTIAL, 0, NULL },
    { "the largest length, before its body", "30 ffffff7f", 1u << 30, 5, MQTT_FRAME_PARTIAL, 268435460, NULL },
    { "a length of five bytes", "30 ffffffff 01", 1u << 30, 5, MQTT_FRAME_BROKEN, 0, NULL },
    { "a fourth byte that says there is a fifth", "30 ffffffff", 1u << 30, 4, MQTT_FRAME_BROKEN, 0, NULL },
    { "a length with a needless byte in version 5 [MQTT-1.5.5-1]", "40 8200 0007", 100, 5, MQTT_FRAME_BROKEN, 0, NULL },
    { "a needless byte in 3.1.1", "40 8200 0007", 100, 4, MQTT_FRAME_WHOLE, 5, "0007" },
    { "a needless byte before the version is known", "40 8200 0007", 100, 0, MQTT_FRAME_WHOLE, 5, "0007" },
    { "three needless bytes", "c0 808000", 100, 5, MQTT_FRAME_BROKEN, 0, NULL },
    { "too large by the header alone", "30 8001", 130, 5, MQTT_FRAME_TOO_LARGE, 131, NULL },
    { "as large as is taken", "30 02 0000", 4, 5, MQTT_FRAME_WHOLE, 4, "0000" },
    { "one byte larger than is taken", "30 02 0000", 3, 5, MQTT_FRAME_TOO_LARGE, 4, NULL },
};

static void takes(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_frame frame;
    slice bytes = exactly(ctx, bytes_of_digits(ctx, row->bytes));
    assert_int_equal(mqtt_frame_take(bytes, row->limit, row->version, &frame), row->result);
    assert_int_equal(frame.length, row->length);
    if (row->body == NULL)
        return;
    assert_bytes(frame.body, bytes_of_digits(ctx, row->body));
    assert_int_equal(frame.first, (uint8_t)bytes.at[0]);
    assert_true(frame.body.at >= bytes.at);
}

int main(void)
{
    return RUN_TABLE(rows, takes);
}
