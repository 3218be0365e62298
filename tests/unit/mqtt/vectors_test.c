/* vectors_test.c - packets as they stand on the wire: read, written again, and cut short (broker 3.1). */
#include "packets.h"

/* One hexadecimal text a packet. `written` is what we write for it when that differs. `whole_when_cut` counts the
   shorter bodies that are packets, too: a payload that is cut is a payload, a list may end after each element. */
static const struct row {
    const char *name;
    int version;
    const char *hex;
    const char *written;
    size_t whole_when_cut;
} rows[] = {
    /* The examples of broker 3.1. */
    { "v3 CONNECT", 4, "10 12 0004 4d515454 04 00 003c 0006 6c616d702d37", NULL, 0 },
    { "v3 CONNACK session present", 4, "20 02 01 00", NULL, 0 },
    { "v5 CONNECT", 5, "10 1b 0004 4d515454 05 00 0708 08 11 00000258 21 0014 0006 6c616d702d37", NULL, 0 },
    { "v5 CONNACK to it", 5,
      "20 20 00 00 1d 11 00000258 21 0064 24 01 25 01 27 00024800 22 0008 28 01 29 00 2a 01 13 04b0", NULL, 0 },
    { "v5 SUBSCRIBE", 5, "82 1c 0001 00 000c 706c616e742f2b2f74656d70 01 0007 246e6f70652f78 00", NULL, 1 },
    { "v5 SUBACK", 5, "90 05 0001 00 01 8f", NULL, 1 },
    { "v5 PUBLISH", 5,
      "32 3b 000c 706c616e742f612f74656d70 0002 22 02 0000001e 03 0010 6170706c69636174696f6e2f6a736f6e "
      "26 0001 6b 0001 76 23 0001 7b2263223a32317d",
      NULL, 8 },
    { "v5 PUBACK ok", 5, "40 02 0002", NULL, 0 },
    { "v5 PUBACK not authorized", 5, "40 04 0002 87 00", "40 03 0002 87", 2 },
    { "v5 DISCONNECT taken over", 5, "e0 02 8e 00", NULL, 2 },
    { "v5 CONNACK to an unknown level", 5, "20 03 00 84 00", NULL, 0 },
    { "v3 CONNACK to an unknown level", 4, "20 02 00 01", NULL, 0 },

    { "3.1 CONNECT", 3, "10 ~ 0006 4d5149736470 03 02 000a 0001 61", NULL, 0 },
    { "v3 CONNECT with all there is", 4, "10 ~ 0004 4d515454 04 ee 0000 0001 61 0001 77 0002 0001 0001 75 0003 700070",
      NULL, 0 },
    { "v3 CONNECT without a client id", 4, "10 ~ 0004 4d515454 04 02 0000 0000", NULL, 0 },
    { "v3 CONNECT with an empty user name", 4, "10 ~ 0004 4d515454 04 82 0000 0000 0000", NULL, 0 },
    { "v5 CONNECT with all there is", 5,
      "10 ~ 0004 4d515454 05 ce ffff "
      "2b 11 ffffffff 21 ffff 27 00000001 22 0000 15 0001 6d 16 0002 0000 17 00 19 01 26 0001 61 0001 62 26 0001 61 "
      "0001 62 "
      "0001 61 1d 01 01 02 00000000 03 0001 63 08 0001 72 09 0001 00 18 00000005 26 0000 0000 0001 77 0000 0001 75 "
      "0001 70",
      NULL, 0 },
    { "v5 CONNECT with a password alone", 5, "10 ~ 0004 4d515454 05 42 0000 00 0000 0001 70", NULL, 0 },
    { "v3 CONNACK not authorized", 4, "20 02 00 05", NULL, 0 },
    { "v5 CONNACK refused with its reason", 5, "20 ~ 00 87 09 1f 0006 706f6c696379", NULL, 0 },
    { "v5 CONNACK with an id, a server and authentication", 5,
      "20 ~ 00 00 19 12 0001 69 15 0001 6d 16 0001 64 1a 0001 72 1c 0001 73 26 0000 0000", NULL, 0 },
    { "v3 PUBLISH of QoS 0", 4, "30 ~ 0001 61 6869", NULL, 2 },
    { "v3 PUBLISH without a payload, retained", 4, "31 ~ 0001 61", NULL, 0 },
    { "v3 PUBLISH again", 4, "3b ~ 0001 61 ffff 00", NULL, 1 },
    { "v3 PUBLISH of QoS 2", 4, "34 ~ 0001 61 0001", NULL, 0 },
    { "v5 PUBLISH by alias", 5, "30 ~ 0000 03 23 0008 78", NULL, 1 },
    { "v5 PUBLISH by alias 0, which the server answers", 5, "30 ~ 0000 03 23 0000", NULL, 0 },
    { "v5 PUBLISH to two of a client's subscriptions", 5, "30 ~ 0001 61 0c 0b 01 0b ffffff7f 26 0000 0000", NULL, 0 },
    { "v5 PUBLISH with properties out of our order", 5, "30 ~ 0001 61 08 23 0001 26 0000 0000",
      "30 ~ 0001 61 08 26 0000 0000 23 0001", 0 },
    { "v5 PUBLISH with a payload of 200 zeros", 5,
      "30 ~ 0001 61 00"
      "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000000000000000",
      NULL, 200 },
    { "v3 PUBACK", 4, "40 02 0001", NULL, 0 },
    { "v5 PUBACK with a reason", 5, "40 03 0001 10", NULL, 1 },
    { "v5 PUBACK with a needless success", 5, "40 03 0001 00", "40 02 0001", 1 },
    { "v5 PUBACK with a needless success and no properties", 5, "40 04 0001 00 00", "40 02 0001", 2 },
    { "v5 PUBACK with its reason in words", 5, "40 ~ 0001 97 05 1f 0002 6e6f", NULL, 2 },
    { "v5 PUBACK of success with a user property", 5, "40 ~ 0001 00 05 26 0000 0000", NULL, 2 },
    { "v3 PUBREC", 4, "50 02 0001", NULL, 0 },
    { "v5 PUBREC", 5, "50 03 0001 91", NULL, 1 },
    { "v3 PUBREL", 4, "62 02 0001", NULL, 0 },
    { "v5 PUBREL", 5, "62 03 0001 92", NULL, 1 },
    { "v3 PUBCOMP", 4, "70 02 0001", NULL, 0 },
    { "v5 PUBCOMP", 5, "70 ~ 0001 92 05 26 0000 0000", NULL, 2 },
    { "v3 SUBSCRIBE", 4, "82 ~ 0001 0001 61 00 0001 62 02", NULL, 1 },
    { "v3 SUBSCRIBE to nothing, which the server answers", 4, "82 ~ 0001 0000 00", NULL, 0 },
    { "v5 SUBSCRIBE with an identifier and options", 5, "82 ~ 0001 02 0b 01 0001 61 2e 0001 62 10", NULL, 1 },
    { "v3 SUBACK", 4, "90 ~ 0001 00 01 02 80", NULL, 3 },
    { "v3 UNSUBSCRIBE", 4, "a2 ~ 0001 0001 61 0001 62", NULL, 1 },
    { "v5 UNSUBSCRIBE", 5, "a2 ~ 0001 05 26 0000 0000 0001 61", NULL, 0 },
    { "v3 UNSUBACK", 4, "b0 02 0001", NULL, 0 },
    { "v5 UNSUBACK", 5, "b0 ~ 0001 00 00 11 8f", NULL, 2 },
    { "PINGREQ", 4, "c0 00", NULL, 0 },
    { "PINGRESP", 5, "d0 00", NULL, 0 },
    { "v3 DISCONNECT", 4, "e0 00", NULL, 0 },
    { "v5 DISCONNECT", 5, "e0 00", NULL, 0 },
    { "v5 DISCONNECT with a needless success", 5, "e0 01 00", "e0 00", 1 },
    { "v5 DISCONNECT with the will", 5, "e0 01 04", "e0 02 04 00", 1 },
    { "v5 DISCONNECT that ends the session", 5, "e0 ~ 00 05 11 00000000", NULL, 2 },
    { "v5 AUTH", 5, "f0 ~ 18 08 15 0001 6d 16 0001 64", NULL, 2 },
    { "v5 AUTH of success", 5, "f0 00", NULL, 0 },
};

static void is_read_and_written(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet, again;
    slice bytes = packet_of(ctx, row->hex);
    struct mqtt_frame frame = frame_of(bytes);

    error *e = mqtt_decode(ctx, row->version, &frame, &packet);
    if (e != NULL)
        fail_msg("%s", e->message);
    assert_int_equal(packet.version, row->version);

    slice written = mqtt_encode(ctx, row->version, &packet);
    assert_int_equal(mqtt_size(row->version, &packet), written.length);
    frame = frame_of(exactly(ctx, written));
    assert_null(mqtt_decode(ctx, row->version, &frame, &again));
    assert_bytes(mqtt_encode(ctx, row->version, &again), written);
    assert_bytes(written, row->written != NULL ? packet_of(ctx, row->written) : bytes);
}

static void is_refused_when_cut(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet;
    struct mqtt_frame whole = frame_of(packet_of(ctx, row->hex));
    size_t taken = 0;
    for (size_t length = 0; length < whole.body.length; length++) {
        struct mqtt_frame cut = { whole.first, true, exactly(ctx, (slice){ whole.body.at, length }), length + 2 };
        error *e = mqtt_decode(ctx, row->version, &cut, &packet);
        if (e == NULL)
            taken++;
        else
            assert_true(mqtt_reason_of(e) == MQTT_MALFORMED_PACKET || mqtt_reason_of(e) == MQTT_PROTOCOL_ERROR);
    }
    assert_int_equal(taken, row->whole_when_cut);
}

static void is_partial_when_cut(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice bytes = packet_of(ctx, row->hex);
    for (size_t length = 0; length < bytes.length; length++) {
        struct mqtt_frame frame;
        slice cut = exactly(ctx, (slice){ bytes.at, length });
        assert_int_equal(mqtt_frame_take(cut, MQTT_LARGEST_PACKET, row->version, &frame), MQTT_FRAME_PARTIAL);
    }
}

/* Whatever single byte is damaged: refused, or a packet that can be written and read again. */
static void survives_damage(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice bytes = packet_of(ctx, row->hex);
    size_t header = bytes.length - frame_of(bytes).body.length;
    for (size_t at = header; at < bytes.length; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            SCRATCH each = talloc_new(ctx);
            struct mqtt_packet packet, again;
            slice damaged = exactly(each, bytes);
            ((char *)(uintptr_t)damaged.at)[at] ^= (char)(1u << bit);
            struct mqtt_frame frame = frame_of(damaged);
            error *e = mqtt_decode(each, row->version, &frame, &packet);
            if (e != NULL)
                continue;
            slice written = mqtt_encode(each, packet.version, &packet);
            assert_true(written.length > 0 && written.length <= bytes.length + 1); /* a DISCONNECT's empty properties */
            frame = frame_of(exactly(each, written));
            assert_null(mqtt_decode(each, packet.version, &frame, &again));
            assert_bytes(mqtt_encode(each, again.version, &again), written);
        }
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_read_and_written), TABLE(rows, is_refused_when_cut),
                      TABLE(rows, is_partial_when_cut), TABLE(rows, survives_damage));
}
