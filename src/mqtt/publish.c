/* publish.c - PUBLISH and its four acknowledgements, PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 3.3 to 3.7). */
#include "mqtt/wire.h"

enum { DUP = 0x08, QOS_SHIFT = 1, RETAIN = 0x01 };

/* ---- PUBLISH ---- */

static FALLIBLE take_flags(void *ctx, uint8_t flags, struct mqtt_publish *out)
{
    out->dup = flags & DUP;
    out->qos = flags >> QOS_SHIFT & 3;
    out->retain = flags & RETAIN;
    if (out->qos == 3)
        return mqtt_malformed(ctx, "The QoS of PUBLISH is 3."); /* [MQTT-3.3.1-4] */
    if (out->dup && out->qos == 0)
        return mqtt_malformed(ctx, "PUBLISH of QoS 0 has DUP set."); /* [MQTT-3.3.1-2] */
    return NULL;
}

FALLIBLE mqtt_decode_publish(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    struct mqtt_publish *p = &out->publish;
    TRY(take_flags(ctx, flags, p));
    TRY(mqtt_take_text(ctx, in, "topic name", &p->topic));
    if (p->qos > 0)
        TRY(mqtt_take_id(ctx, in, out));
    if (out->version == MQTT_5)
        TRY(mqtt_take_properties(ctx, in, MQTT_PUBLISH, &out->properties));
    if (p->topic.length == 0 && !mqtt_has(&out->properties, MQTT_TOPIC_ALIAS))
        return mqtt_protocol_error(ctx, "The topic name is empty, and there is no topic alias."); /* [MQTT-4.7.3-1] */
    p->payload = reader_rest(in);
    return NULL;
}

void mqtt_encode_publish(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    const struct mqtt_publish *p = &packet->publish;
    mqtt_put_string(sink, p->topic);
    if (p->qos > 0)
        mqtt_put_u16(sink, packet->id);
    if (version == MQTT_5)
        mqtt_put_properties(sink, &packet->properties);
    mqtt_put_bytes(sink, p->payload);
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP ---- */

FALLIBLE mqtt_check_reason(void *ctx, const struct mqtt_packet *packet, uint8_t reason)
{
    if (!mqtt_reason_fits(reason, packet->type))
        return mqtt_protocol_error(ctx, "%s has the reason code 0x%02x, which is not one of its own.",
                                   mqtt_type_name(packet->type), reason);
    return NULL;
}

FALLIBLE mqtt_decode_ack(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)flags;
    TRY(mqtt_take_id(ctx, in, out));
    if (out->version < MQTT_5 || reader_left(in) == 0)
        return NULL;
    out->reason = reader_u8(in);
    TRY(mqtt_check_reason(ctx, out, out->reason));
    return reader_left(in) > 0 ? mqtt_take_properties(ctx, in, out->type, &out->properties) : NULL;
}

/* Length 2 is success; length 3 is a reason without properties (broker 3.1). */
void mqtt_encode_ack(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    bool bare = mqtt_has_none(&packet->properties);
    mqtt_put_u16(sink, packet->id);
    if (version < MQTT_5 || (bare && packet->reason == MQTT_SUCCESS))
        return;
    mqtt_put_u8(sink, packet->reason);
    if (!bare)
        mqtt_put_properties(sink, &packet->properties);
}
