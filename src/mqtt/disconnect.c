/* disconnect.c - DISCONNECT, AUTH and the pings (MQTT 3.12 to 3.15). */
#include "mqtt/wire.h"

/* AUTH has the same shape; before version 5 a DISCONNECT is empty, and there is no AUTH. */
FALLIBLE mqtt_decode_disconnect(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)flags;
    if (out->version < MQTT_5 || reader_left(in) == 0)
        return NULL;
    out->reason = reader_u8(in);
    TRY(mqtt_check_reason(ctx, out, out->reason));
    return reader_left(in) > 0 ? mqtt_take_properties(ctx, in, out->type, &out->properties) : NULL;
}

/* A reason goes out with its properties even when there are none (broker 3.1: e0 02 8e 00). */
void mqtt_encode_disconnect(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    if (version < MQTT_5 || (packet->reason == MQTT_SUCCESS && mqtt_has_none(&packet->properties)))
        return;
    mqtt_put_u8(sink, packet->reason);
    mqtt_put_properties(sink, &packet->properties);
}

FALLIBLE mqtt_decode_ping(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    (void)ctx, (void)flags, (void)in, (void)out;
    return NULL;
}

void mqtt_encode_ping(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    (void)sink, (void)version, (void)packet;
}
