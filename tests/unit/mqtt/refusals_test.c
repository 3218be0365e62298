/* refusals_test.c - what each packet may hold and what not, by the rule's number in MQTT 5 (or 3.1.1, where it says
   so), and by broker 3.1. */
#include "packets.h"

enum {
    TAKEN = 0,
    MALFORMED = MQTT_MALFORMED_PACKET,
    PROTOCOL = MQTT_PROTOCOL_ERROR,
    VERSION = MQTT_UNSUPPORTED_VERSION
};

static const struct row {
    const char *name;
    int version;
    const char *hex;
    int reason;
} rows[] = {
    /* the fixed header */
    { "packet type 0 is reserved", 5, "00 00", MALFORMED },
    { "AUTH is reserved before version 5", 4, "f0 00", MALFORMED },
    { "CONNECT with flags [MQTT-2.1.3-1]", 5, "12 ~ 0004 4d515454 05 02 0000 00 0001 61", MALFORMED },
    { "CONNACK with flags [MQTT-2.1.3-1]", 5, "21 03 00 00 00", MALFORMED },
    { "PUBACK with flags [MQTT-2.1.3-1]", 5, "42 02 0001", MALFORMED },
    { "PUBREL without its flag [MQTT-3.6.1-1]", 5, "60 02 0001", MALFORMED },
    { "PUBREL with DUP", 4, "6a 02 0001", MALFORMED },
    { "PUBREL with DUP in 3.1", 3, "6a 02 0001", TAKEN },
    { "SUBSCRIBE without its flag [MQTT-3.8.1-1]", 5, "80 ~ 0001 00 0001 61 00", MALFORMED },
    { "SUBSCRIBE with DUP", 5, "8a ~ 0001 00 0001 61 00", MALFORMED },
    { "SUBSCRIBE with DUP in 3.1", 3, "8a ~ 0001 0001 61 00", TAKEN },
    { "UNSUBSCRIBE without its flag [MQTT-3.10.1-1]", 5, "a0 ~ 0001 00 0001 61", MALFORMED },
    { "PINGREQ with flags", 5, "c1 00", MALFORMED },
    { "DISCONNECT with flags [MQTT-3.14.1-1]", 5, "e1 00", MALFORMED },
    { "AUTH with flags [MQTT-3.15.1-1]", 5, "f1 00", MALFORMED },
    { "a CONNECT of version 5 with a needless byte of length [MQTT-1.5.5-1]", 5,
      "10 8e00 0004 4d515454 05 02 0000 00 0001 61", MALFORMED },
    { "a CONNECT of 3.1.1 with a needless byte of length", 4, "10 8d00 0004 4d515454 04 02 0000 0001 61", TAKEN },
    { "PINGREQ with a body", 4, "c0 01 00", MALFORMED },

    /* CONNECT */
    { "an unknown protocol name [MQTT-3.1.2-1]", 5, "10 ~ 0004 4d515458 05 02 0000 00 0001 61", VERSION },
    { "protocol names have case", 4, "10 ~ 0004 6d717474 04 02 0000 0001 61", VERSION },
    { "an empty protocol name", 4, "10 ~ 0000 04 02 0000 0001 61", VERSION },
    { "level 6 [MQTT-3.1.2-2]", 5, "10 ~ 0004 4d515454 06 02 0000 00 0001 61", VERSION },
    { "level 3 of MQTT", 4, "10 ~ 0004 4d515454 03 02 0000 0001 61", VERSION },
    { "level 5 of MQIsdp", 5, "10 ~ 0006 4d5149736470 05 02 0000 00 0001 61", VERSION },
    { "a bridge's level", 4, "10 ~ 0004 4d515454 84 02 0000 0001 61", VERSION },
    { "no level", 4, "10 ~ 0004 4d515454", MALFORMED },
    { "an empty CONNECT", 4, "10 00", MALFORMED },
    { "the reserved connect flag [MQTT-3.1.2-3]", 5, "10 ~ 0004 4d515454 05 03 0000 00 0001 61", MALFORMED },
    { "a will of QoS 3 [MQTT-3.1.2-12]", 5, "10 ~ 0004 4d515454 05 1e 0000 00 0001 61 00 0001 77 0000", MALFORMED },
    { "a will's QoS without a will [MQTT-3.1.2-11]", 5, "10 ~ 0004 4d515454 05 0a 0000 00 0001 61", MALFORMED },
    { "a will's retain without a will [MQTT-3.1.2-13]", 4, "10 ~ 0004 4d515454 04 22 0000 0001 61", MALFORMED },
    { "a password without a user name [MQTT-3.1.2-22] of 3.1.1", 4, "10 ~ 0004 4d515454 04 42 0000 0001 61 0001 70",
      MALFORMED },
    { "a password without a user name in version 5", 5, "10 ~ 0004 4d515454 05 42 0000 00 0001 61 0001 70", TAKEN },
    { "a user name that the flags announce is missing", 4, "10 ~ 0004 4d515454 04 82 0000 0001 61", MALFORMED },
    { "a user name that the flags don't announce", 4, "10 ~ 0004 4d515454 04 02 0000 0001 61 0001 75", MALFORMED },
    { "a client id with U+0000 [MQTT-1.5.4-2]", 4, "10 ~ 0004 4d515454 04 02 0000 0003 610062", MALFORMED },
    { "a client id with a surrogate [MQTT-1.5.4-1]", 4, "10 ~ 0004 4d515454 04 02 0000 0003 eda080", MALFORMED },
    { "an over-long form [MQTT-1.5.4-1]", 4, "10 ~ 0004 4d515454 04 02 0000 0002 c080", MALFORMED },
    { "an over-long slash behind eight plain bytes", 4, "10 ~ 0004 4d515454 04 02 0000 000a 6161616161616161 c0af",
      MALFORMED },
    { "U+0000 behind eight plain bytes", 4, "10 ~ 0004 4d515454 04 02 0000 0009 6161616161616161 00", MALFORMED },
    { "U+0000 among eight plain bytes", 4, "10 ~ 0004 4d515454 04 02 0000 0008 6161610061616161", MALFORMED },
    { "U+0000 behind a character of two bytes", 4, "10 ~ 0004 4d515454 04 02 0000 0003 c3a900", MALFORMED },
    { "a byte order mark is a character [MQTT-1.5.4-3]", 4, "10 ~ 0004 4d515454 04 02 0000 0003 efbbbf", TAKEN },
    { "above U+10FFFF", 4, "10 ~ 0004 4d515454 04 02 0000 0004 f4908080", MALFORMED },
    { "a client id that ends inside a character", 4, "10 ~ 0004 4d515454 04 02 0000 0002 e282", MALFORMED },
    { "a user name that is not UTF-8", 4, "10 ~ 0004 4d515454 04 82 0000 0001 61 0001 ff", MALFORMED },
    { "a password is bytes", 4, "10 ~ 0004 4d515454 04 c2 0000 0001 61 0001 75 0002 00ff", TAKEN },
    { "a will payload is bytes", 4, "10 ~ 0004 4d515454 04 06 0000 0001 61 0001 77 0002 00ff", TAKEN },
    { "a will topic that is not UTF-8", 4, "10 ~ 0004 4d515454 04 06 0000 0001 61 0001 ff 0000", MALFORMED },
    { "a will topic that is empty, which the server answers", 4, "10 ~ 0004 4d515454 04 06 0000 0001 61 0000 0000",
      TAKEN },
    { "receive maximum 0 [3.1.2.11.3]", 5, "10 ~ 0004 4d515454 05 02 0000 03 21 0000 0001 61", PROTOCOL },
    { "maximum packet size 0 [3.1.2.11.4]", 5, "10 ~ 0004 4d515454 05 02 0000 05 27 00000000 0001 61", PROTOCOL },
    { "request problem information 2 [3.1.2.11.7]", 5, "10 ~ 0004 4d515454 05 02 0000 02 17 02 0001 61", PROTOCOL },
    { "request response information 2 [3.1.2.11.6]", 5, "10 ~ 0004 4d515454 05 02 0000 02 19 02 0001 61", PROTOCOL },
    { "session expiry twice [3.1.2.11.2]", 5, "10 ~ 0004 4d515454 05 02 0000 0a 11 00000000 11 00000000 0001 61",
      PROTOCOL },
    { "authentication data without a method [3.1.2.11.10]", 5, "10 ~ 0004 4d515454 05 02 0000 04 16 0001 61 0001 61",
      PROTOCOL },
    { "a will delay outside the will", 5, "10 ~ 0004 4d515454 05 02 0000 05 18 00000000 0001 61", MALFORMED },
    { "a session expiry in the will", 5, "10 ~ 0004 4d515454 05 06 0000 00 0001 61 05 11 00000000 0001 77 0000",
      MALFORMED },
    { "a payload format of 2 in the will [3.1.3.2.3]", 5,
      "10 ~ 0004 4d515454 05 06 0000 00 0001 61 02 01 02 0001 77 0000", PROTOCOL },

    /* CONNACK */
    { "reserved acknowledge flags [MQTT-3.2.2-1]", 4, "20 02 02 00", MALFORMED },
    { "a session and a refusal [MQTT-3.2.2-6]", 5, "20 03 01 87 00", PROTOCOL },
    { "code 6 of 3.1.1", 4, "20 02 00 06", PROTOCOL },
    { "a code of version 5 in 3.1.1", 4, "20 02 00 87", PROTOCOL },
    { "a code of PUBREL", 5, "20 03 00 92 00", PROTOCOL },
    { "CONNACK of version 5 without properties", 5, "20 02 00 00", MALFORMED },
    { "maximum QoS 2 [3.2.2.3.4]", 5, "20 ~ 00 00 02 24 02", PROTOCOL },
    { "two reason strings [3.2.2.3.9]", 5, "20 ~ 00 00 06 1f 0000 1f 0000", PROTOCOL },

    /* PUBLISH */
    { "QoS 3 [MQTT-3.3.1-4]", 4, "36 ~ 0001 61 0001", MALFORMED },
    { "DUP with QoS 0 [MQTT-3.3.1-2]", 4, "38 ~ 0001 61", MALFORMED },
    { "packet id 0 [MQTT-2.2.1-3]", 4, "32 ~ 0001 61 0000", PROTOCOL },
    { "no packet id", 4, "32 ~ 0001 61", MALFORMED },
    { "a topic with U+0000 [MQTT-3.3.2-1]", 4, "30 ~ 0002 6100", MALFORMED },
    { "a topic with a wildcard, which the server answers", 4, "30 ~ 0001 23", TAKEN },
    { "an empty topic [MQTT-4.7.3-1]", 4, "30 ~ 0000", PROTOCOL },
    { "an empty topic without an alias [MQTT-4.7.3-1]", 5, "30 ~ 0000 00", PROTOCOL },
    { "an empty topic with an alias", 5, "30 ~ 0000 03 23 0001", TAKEN },
    { "no properties in version 5", 5, "30 ~ 0001 61", MALFORMED },
    { "properties longer than the packet", 5, "30 ~ 0001 61 05 01 00", MALFORMED },
    { "properties longer than the packet, before an empty topic", 5, "30 ~ 0000 05", MALFORMED },
    { "a length of properties with a needless byte [MQTT-1.5.5-1]", 5, "30 ~ 0001 61 8000", MALFORMED },
    { "a length of properties of five bytes", 5, "30 ~ 0001 61 ffffffff7f", MALFORMED },
    { "an unknown property", 5, "30 ~ 0001 61 02 04 00", MALFORMED },
    { "property 0", 5, "30 ~ 0001 61 02 00 00", MALFORMED },
    { "the property behind the last one", 5, "30 ~ 0001 61 02 2b 00", MALFORMED },
    { "a property's identifier of two bytes", 5, "30 ~ 0001 61 03 8100 00", MALFORMED },
    { "the largest identifier", 5, "30 ~ 0001 61 02 ff 00", MALFORMED },
    { "a property of another packet", 5, "30 ~ 0001 61 03 21 0001", MALFORMED },
    { "payload format 2 [3.3.2.3.2]", 5, "30 ~ 0001 61 02 01 02", PROTOCOL },
    { "a payload that is not what its format says is not looked at", 5, "30 ~ 0001 61 02 01 01 ff", TAKEN },
    { "topic alias 0, which the server answers", 5, "30 ~ 0001 61 03 23 0000", TAKEN },
    { "topic alias twice [3.3.2.3.4]", 5, "30 ~ 0001 61 06 23 0001 23 0001", PROTOCOL },
    { "subscription identifier 0 [3.3.2.3.8]", 5, "30 ~ 0001 61 02 0b 00", PROTOCOL },
    { "a subscription identifier with a needless byte", 5, "30 ~ 0001 61 03 0b 8100", MALFORMED },
    { "a user property without its value", 5, "30 ~ 0001 61 04 26 0001 61", MALFORMED },
    { "a user property that is not UTF-8 [MQTT-1.5.4-1]", 5, "30 ~ 0001 61 07 26 0001 ff 0001 61", MALFORMED },
    { "a value that is not UTF-8", 5, "30 ~ 0001 61 07 26 0001 61 0001 ff", MALFORMED },
    { "a property that reaches into the payload", 5, "30 ~ 0001 61 03 03 0002 6161", MALFORMED },
    { "a content type that is not UTF-8 [MQTT-3.3.2-19]", 5, "30 ~ 0001 61 04 03 0001 ff", MALFORMED },
    { "correlation data is bytes", 5, "30 ~ 0001 61 05 09 0002 00ff", TAKEN },

    /* the acknowledgements */
    { "PUBACK of packet id 0", 5, "40 02 0000", PROTOCOL },
    { "PUBACK of 3.1.1 with a reason", 4, "40 03 0001 00", MALFORMED },
    { "PUBACK with a code of PUBREL [MQTT-3.4.2-1]", 5, "40 03 0001 92", PROTOCOL },
    { "PUBREC with a code of its own", 5, "50 03 0001 10", TAKEN },
    { "PUBREL with a code of PUBACK [MQTT-3.6.2-1]", 5, "62 03 0001 10", PROTOCOL },
    { "PUBCOMP with an unknown code [MQTT-3.7.2-1]", 5, "70 03 0001 93", PROTOCOL },
    { "PUBACK with bytes behind its properties", 5, "40 05 0001 00 00 00", MALFORMED },
    { "PUBACK with a content type", 5, "40 ~ 0001 00 03 03 0000", MALFORMED },
    { "PUBACK with two reason strings", 5, "40 ~ 0001 00 06 1f 0000 1f 0000", PROTOCOL },

    /* SUBSCRIBE, UNSUBSCRIBE and their answers */
    { "SUBSCRIBE of packet id 0 [MQTT-2.2.1-3]", 5, "82 ~ 0000 00 0001 61 00", PROTOCOL },
    { "SUBSCRIBE to nothing [MQTT-3.8.3-2]", 5, "82 ~ 0001 00", PROTOCOL },
    { "SUBSCRIBE of 3.1.1 to nothing [MQTT-3.8.3-3]", 4, "82 ~ 0001", PROTOCOL },
    { "SUBSCRIBE without options", 5, "82 ~ 0001 00 0001 61", MALFORMED },
    { "SUBSCRIBE with QoS 3", 5, "82 ~ 0001 00 0001 61 03", PROTOCOL },
    { "SUBSCRIBE of 3.1.1 with QoS 3 [MQTT-3.8.3-4]", 4, "82 ~ 0001 0001 61 03", PROTOCOL },
    { "SUBSCRIBE of 3.1.1 with options [MQTT-3.8.3-4]", 4, "82 ~ 0001 0001 61 04", MALFORMED },
    { "retain handling 3", 5, "82 ~ 0001 00 0001 61 30", PROTOCOL },
    { "reserved option 40 [MQTT-3.8.3-5]", 5, "82 ~ 0001 00 0001 61 40", MALFORMED },
    { "reserved option 80 [MQTT-3.8.3-5]", 5, "82 ~ 0001 00 0001 61 80", MALFORMED },
    { "no local on a shared subscription [MQTT-3.8.3-4]", 5, "82 ~ 0001 00 000a 2473686172652f672f61 04", PROTOCOL },
    { "a shared subscription", 5, "82 ~ 0001 00 000a 2473686172652f672f61 01", TAKEN },
    { "a filter that is not UTF-8 [MQTT-3.8.3-1]", 5, "82 ~ 0001 00 0001 ff 00", MALFORMED },
    { "subscription identifier 0 in SUBSCRIBE", 5, "82 ~ 0001 02 0b 00 0001 61 00", PROTOCOL },
    { "two subscription identifiers in SUBSCRIBE [3.8.2.1.2]", 5, "82 ~ 0001 04 0b 01 0b 02 0001 61 00", PROTOCOL },
    { "UNSUBSCRIBE of packet id 0", 5, "a2 ~ 0000 00 0001 61", PROTOCOL },
    { "UNSUBSCRIBE of nothing [MQTT-3.10.3-2]", 5, "a2 ~ 0001 00", PROTOCOL },
    { "UNSUBSCRIBE of 3.1.1 of nothing [MQTT-3.10.3-2]", 4, "a2 ~ 0001", PROTOCOL },
    { "UNSUBSCRIBE with a filter that is not UTF-8 [MQTT-3.10.3-1]", 5, "a2 ~ 0001 00 0001 ff", MALFORMED },
    { "UNSUBSCRIBE with a subscription identifier", 5, "a2 ~ 0001 02 0b 01 0001 61", MALFORMED },
    { "SUBACK without codes", 5, "90 ~ 0001 00", PROTOCOL },
    { "SUBACK with an unknown code [MQTT-3.9.3-2]", 5, "90 ~ 0001 00 00 03", PROTOCOL },
    { "SUBACK of 3.1.1 with a code of version 5 [MQTT-3.9.3-2]", 4, "90 ~ 0001 87", PROTOCOL },
    { "UNSUBACK of 3.1.1 with codes", 4, "b0 ~ 0001 00", MALFORMED },
    { "UNSUBACK with a code of SUBACK [MQTT-3.11.3-2]", 5, "b0 ~ 0001 00 01", PROTOCOL },

    /* DISCONNECT and AUTH */
    { "DISCONNECT of 3.1.1 with a reason", 4, "e0 01 00", MALFORMED },
    { "DISCONNECT with an unknown code [MQTT-3.14.2-1]", 5, "e0 01 05", PROTOCOL },
    { "DISCONNECT with a receive maximum", 5, "e0 ~ 00 03 21 0001", MALFORMED },
    { "AUTH with a code of DISCONNECT [MQTT-3.15.2-1]", 5, "f0 01 04", PROTOCOL },
};

static void answers(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet;
    struct mqtt_frame frame = frame_of(packet_of(ctx, row->hex));
    error *e = mqtt_decode(ctx, row->version, &frame, &packet);
    if (mqtt_reason_of(e) != row->reason)
        fail_msg("0x%02x, %s", mqtt_reason_of(e), e != NULL ? e->message : "taken");
    if (e != NULL)
        assert_non_null(strchr(e->message, '.'));
}

/* In which language a CONNECT that is refused has its answer. */
static const struct language {
    const char *name;
    const char *hex;
    int version;
    int level;
    int reason;
} languages[] = {
    { "level 6 is answered in version 5", "10 ~ 0004 4d515454 06 02 0000", 5, 6, VERSION },
    { "level 3 is answered in 3.1.1", "10 ~ 0004 4d515454 03 02 0000", 4, 3, VERSION },
    { "level 0 is answered in 3.1.1", "10 ~ 0004 4d515454 00 02 0000", 4, 0, VERSION },
    { "an unknown name is answered in 3.1.1", "10 ~ 0003 666f6f 05 02 0000", 4, 5, VERSION },
    { "malformed in version 5", "10 ~ 0004 4d515454 05 03 0000", 5, 5, MALFORMED },
    { "malformed in 3.1.1", "10 ~ 0004 4d515454 04 03 0000", 4, 4, MALFORMED },
    { "malformed before the level", "10 ~ 0004 4d5154", 0, 0, MALFORMED },
    { "flags before the level", "11 ~ 0004 4d515454 05 02 0000 00 0000", 0, 0, MALFORMED },
};

static void is_answered_in(void **state)
{
    const struct language *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet;
    struct mqtt_frame frame = frame_of(packet_of(ctx, row->hex));
    error *e = mqtt_decode(ctx, 0, &frame, &packet);
    assert_int_equal(mqtt_reason_of(e), row->reason);
    assert_int_equal(packet.type, MQTT_CONNECT);
    assert_int_equal(packet.version, row->version);
    assert_int_equal(packet.connect.level, row->level);
}

static const struct sender {
    const char *name;
    int version;
    const char *hex;
    bool client, server;
} senders[] = {
    { "CONNECT", 4, "10 ~ 0004 4d515454 04 02 0000 0000", true, false },
    { "CONNACK", 4, "20 02 00 00", false, true },
    { "PUBLISH", 5, "30 ~ 0001 61 00", true, true },
    { "PUBLISH with a subscription identifier [MQTT-3.3.4-6]", 5, "30 ~ 0001 61 02 0b 01", false, true },
    { "PUBACK", 4, "40 02 0001", true, true },
    { "PUBREC", 4, "50 02 0001", true, true },
    { "PUBREL", 4, "62 02 0001", true, true },
    { "PUBCOMP", 4, "70 02 0001", true, true },
    { "SUBSCRIBE with a subscription identifier", 5, "82 ~ 0001 02 0b 01 0001 61 00", true, false },
    { "SUBACK", 4, "90 ~ 0001 00", false, true },
    { "UNSUBSCRIBE", 4, "a2 ~ 0001 0001 61", true, false },
    { "UNSUBACK", 4, "b0 02 0001", false, true },
    { "PINGREQ", 4, "c0 00", true, false },
    { "PINGRESP", 4, "d0 00", false, true },
    { "DISCONNECT of 3.1.1", 4, "e0 00", true, false },
    { "DISCONNECT of version 5", 5, "e0 00", true, true },
    { "DISCONNECT with a session expiry [MQTT-3.14.2-2]", 5, "e0 ~ 00 05 11 00000000", true, false },
    { "DISCONNECT with a server reference", 5, "e0 ~ 9c 04 1c 0001 61", false, true },
    { "AUTH", 5, "f0 00", true, true },
};

static void is_sent_by(void **state)
{
    const struct sender *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet;
    struct mqtt_frame frame = frame_of(packet_of(ctx, row->hex));
    assert_null(mqtt_decode(ctx, row->version, &frame, &packet));
    assert_int_equal(mqtt_reason_of(mqtt_check_sender(ctx, MQTT_CLIENT, &packet)), row->client ? TAKEN : PROTOCOL);
    assert_int_equal(mqtt_reason_of(mqtt_check_sender(ctx, MQTT_SERVER, &packet)), row->server ? TAKEN : PROTOCOL);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(languages, is_answered_in), TABLE(senders, is_sent_by));
}
