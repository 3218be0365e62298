/* subscribe.c - SUBSCRIBE, UNSUBSCRIBE and their answers (MQTT 3.8 to 3.11). */
#include "mqtt/wire.h"

enum {
    QOS = 0x03,
    NO_LOCAL = 0x04,
    AS_PUBLISHED = 0x08,
    HANDLING_SHIFT = 4,
    RESERVED = 0xc0,
    RESERVED_BEFORE_5 = 0xfc
};
enum { REFUSED_BEFORE_5 = 0x80 };

/* The identifier, and in version 5 the properties: so all four begin. */
static FALLIBLE take_front(void *ctx, reader *in, struct mqtt_packet *out)
{
    TRY(mqtt_take_id(ctx, in, out));
    return out->version == MQTT_5 ? mqtt_take_properties(ctx, in, out->type, &out->properties) : NULL;
}

static void put_front(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    mqtt_put_u16(sink, packet->id);
    if (version == MQTT_5)
        mqtt_put_properties(sink, &packet->properties);
}

/* ---- SUBSCRIBE ---- */

static FALLIBLE take_options(void *ctx, int version, uint8_t options, struct mqtt_subscription *out)
{
    out->qos = options & QOS;
    out->no_local = options & NO_LOCAL;
    out->retain_as_published = options & AS_PUBLISHED;
    out->retain_handling = options >> HANDLING_SHIFT & 3;
    if (options & (version == MQTT_5 ? RESERVED : RESERVED_BEFORE_5))
        return mqtt_malformed(ctx, "A subscription has reserved options set."); /* [MQTT-3.8.3-5] */
    if (out->qos == 3)
        return mqtt_protocol_error(ctx, "A subscription asks for QoS 3."); /* 3.8.3.1 */
    if (out->retain_handling == 3)
        return mqtt_protocol_error(ctx, "A subscription has the retain handling 3."); /* 3.8.3.1 */
    if (out->no_local && slice_starts(out->filter, "$share/"))
        return mqtt_protocol_error(ctx, "A shared subscription has no local set."); /* [MQTT-3.8.3-4] */
    return NULL;
}

static FALLIBLE take_subscription(void *ctx, reader *in, struct mqtt_packet *out)
{
    struct mqtt_subscription *s = ARRAY_ADD(ctx, out->subscribe.list, out->subscribe.count);
    TRY(mqtt_take_text(ctx, in, "topic filter", &s->filter));
    uint8_t options = reader_u8(in);
    if (in->ran_out)
        return mqtt_malformed(ctx, "SUBSCRIBE ends before the options of its last filter.");
    return take_options(ctx, out->version, options, s);
}

FALLIBLE mqtt_decode_subscribe(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)flags;
    TRY(take_front(ctx, in, out));
    if (reader_left(in) == 0)
        return mqtt_protocol_error(ctx, "SUBSCRIBE has no filters."); /* [MQTT-3.8.3-2] */
    while (reader_left(in) > 0)
        TRY(take_subscription(ctx, in, out));
    return NULL;
}

static uint8_t options_of(int version, const struct mqtt_subscription *s)
{
    if (version < MQTT_5)
        return s->qos;
    return (uint8_t)(s->qos | (s->no_local ? NO_LOCAL : 0) | (s->retain_as_published ? AS_PUBLISHED : 0) |
                     s->retain_handling << HANDLING_SHIFT);
}

void mqtt_encode_subscribe(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    put_front(sink, version, packet);
    for (size_t i = 0; i < packet->subscribe.count; i++) {
        mqtt_put_string(sink, packet->subscribe.list[i].filter);
        mqtt_put_u8(sink, options_of(version, &packet->subscribe.list[i]));
    }
}

/* ---- UNSUBSCRIBE ---- */

FALLIBLE mqtt_decode_unsubscribe(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)flags;
    TRY(take_front(ctx, in, out));
    if (reader_left(in) == 0)
        return mqtt_protocol_error(ctx, "UNSUBSCRIBE has no filters."); /* [MQTT-3.10.3-2] */
    while (reader_left(in) > 0) {
        slice *filter = ARRAY_ADD(ctx, out->unsubscribe.filters, out->unsubscribe.count);
        TRY(mqtt_take_text(ctx, in, "topic filter", filter));
    }
    return NULL;
}

void mqtt_encode_unsubscribe(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    put_front(sink, version, packet);
    for (size_t i = 0; i < packet->unsubscribe.count; i++)
        mqtt_put_string(sink, packet->unsubscribe.filters[i]);
}

/* ---- SUBACK and UNSUBACK ---- */

/* Before version 5 a SUBACK grants 0, 1 or 2, or refuses with 0x80 ([MQTT-3.9.3-2] of 3.1.1). */
static bool code_fits(const struct mqtt_packet *packet, uint8_t code)
{
    return packet->version == MQTT_5 ? mqtt_reason_fits(code, packet->type) : code <= 2 || code == REFUSED_BEFORE_5;
}

static FALLIBLE take_codes(void *ctx, reader *in, struct mqtt_packet *out)
{
    slice codes = reader_rest(in);
    if (codes.length == 0)
        return mqtt_protocol_error(ctx, "%s has no codes.", mqtt_type_name(out->type));
    for (size_t i = 0; i < codes.length; i++)
        if (!code_fits(out, (uint8_t)codes.at[i]))
            return mqtt_protocol_error(ctx, "%s has the reason code 0x%02x, which is not one of its own.",
                                       mqtt_type_name(out->type), (uint8_t)codes.at[i]);
    out->acknowledged.codes = codes;
    return NULL;
}

FALLIBLE mqtt_decode_suback(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)flags;
    TRY(take_front(ctx, in, out));
    return take_codes(ctx, in, out);
}

void mqtt_encode_suback(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    slice codes = packet->acknowledged.codes;
    put_front(sink, version, packet);
    for (size_t i = 0; i < codes.length; i++) {
        uint8_t code = (uint8_t)codes.at[i];
        mqtt_put_u8(sink, version < MQTT_5 && code > REFUSED_BEFORE_5 ? REFUSED_BEFORE_5 : code);
    }
}

FALLIBLE mqtt_decode_unsuback(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)flags;
    TRY(take_front(ctx, in, out));
    return out->version == MQTT_5 ? take_codes(ctx, in, out) : NULL;
}

void mqtt_encode_unsuback(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    put_front(sink, version, packet);
    if (version == MQTT_5)
        mqtt_put_bytes(sink, packet->acknowledged.codes);
}
