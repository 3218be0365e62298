/* wire.h - what packets are made of, read and written. For the files of this room only.

   Taking: from a reader, with the field's name for the error. Putting: into a sink, which counts what it is given and,
   when it has a writer, writes it. Each packet has one encoder; it runs once into a sink without a writer, which gives
   the lengths that stand in front, and once with one, so that size and bytes cannot disagree. */
#pragma once
#include "mqtt/packet.h"

/* ---- numbers of one to four bytes ---- */

struct mqtt_varint {
    uint32_t value;
    size_t used;
    bool minimal;
};

/* PARTIAL: the bytes end inside it. BROKEN: a fifth byte would follow. */
enum mqtt_frame_result mqtt_varint(slice bytes, struct mqtt_varint *out);

/* ---- faults ---- */

error *mqtt_malformed(void *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
error *mqtt_protocol_error(void *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- taking ---- */

/* UTF-8 without U+0000 (MQTT 1.5.4). */
bool mqtt_is_text(slice s);

FALLIBLE mqtt_take_text(void *ctx, reader *in, const char *what, slice *out);
FALLIBLE mqtt_take_binary(void *ctx, reader *in, const char *what, slice *out);
FALLIBLE mqtt_take_varint(void *ctx, reader *in, const char *what, uint32_t *out);
FALLIBLE mqtt_take_id(void *ctx, reader *in, struct mqtt_packet *out);
FALLIBLE mqtt_take_end(void *ctx, const reader *in, const char *what);

/* `where` is the packet's type, or MQTT_IN_WILL. */
enum { MQTT_IN_WILL = 0 };
FALLIBLE mqtt_take_properties(void *ctx, reader *in, unsigned where, struct mqtt_properties *out);

/* Fails with ProtocolError when the reason has no business in a packet of this type. */
FALLIBLE mqtt_check_reason(void *ctx, const struct mqtt_packet *packet, uint8_t reason);

/* ---- putting ---- */

struct mqtt_sink {
    writer *out; /* NULL: only count */
    size_t length;
    bool too_long; /* a field does not fit its length in front of it */
};

void mqtt_put_u8(struct mqtt_sink *sink, uint8_t value);
void mqtt_put_u16(struct mqtt_sink *sink, uint16_t value);
void mqtt_put_u32(struct mqtt_sink *sink, uint32_t value);
void mqtt_put_varint(struct mqtt_sink *sink, uint32_t value);
void mqtt_put_string(struct mqtt_sink *sink, slice s); /* text or binary: a u16 length and the bytes */
void mqtt_put_bytes(struct mqtt_sink *sink, slice s);
void mqtt_put_properties(struct mqtt_sink *sink, const struct mqtt_properties *properties);

/* ---- the packets: the body alone, without the fixed header ---- */

typedef error *mqtt_decoder(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out);
typedef void mqtt_encoder(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet);

mqtt_decoder mqtt_decode_connect, mqtt_decode_connack, mqtt_decode_publish, mqtt_decode_ack, mqtt_decode_subscribe,
    mqtt_decode_suback, mqtt_decode_unsubscribe, mqtt_decode_unsuback, mqtt_decode_ping, mqtt_decode_disconnect;
mqtt_encoder mqtt_encode_connect, mqtt_encode_connack, mqtt_encode_publish, mqtt_encode_ack, mqtt_encode_subscribe,
    mqtt_encode_suback, mqtt_encode_unsubscribe, mqtt_encode_unsuback, mqtt_encode_ping, mqtt_encode_disconnect;
