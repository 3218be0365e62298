/* frame.h - where one packet ends and the next begins.

   A packet is a byte of type and flags, the remaining length in one to four bytes of seven bits, least significant
   first, and as many bytes of body (MQTT 2.1.4). Nothing here allocates; the body points into the bytes that went in. */
#pragma once
#include "base/bytes.h"

enum mqtt_version { MQTT_3_1 = 3, MQTT_3_1_1 = 4, MQTT_5 = 5 };

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH
};

enum { MQTT_LARGEST_REMAINING = 268435455, MQTT_LARGEST_PACKET = MQTT_LARGEST_REMAINING + 5 };

enum mqtt_frame_result {
    MQTT_FRAME_PARTIAL, /* read on */
    MQTT_FRAME_WHOLE,
    MQTT_FRAME_BROKEN,   /* the remaining length is malformed: reason 0x81 */
    MQTT_FRAME_TOO_LARGE /* known as soon as the header is there: reason 0x95 */
};

struct mqtt_frame {
    uint8_t first; /* type << 4 | flags */
    bool minimal;  /* the remaining length took no more bytes than it needs */
    slice body;    /* only when WHOLE */
    size_t length; /* of the whole packet with its header; 0 while that is unknown */
};

/* Looks at the front of `bytes`. `limit` bounds the whole packet, header included. `version` is 0 before CONNECT was
   read: version 5 refuses a remaining length with needless bytes, older ones don't say, so that mqtt_decode makes up
   for it once CONNECT has told. */
enum mqtt_frame_result mqtt_frame_take(slice bytes, size_t limit, int version, struct mqtt_frame *out);

static inline enum mqtt_type mqtt_frame_type(const struct mqtt_frame *frame)
{
    return (enum mqtt_type)(frame->first >> 4);
}
