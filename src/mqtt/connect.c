/* connect.c - CONNECT and CONNACK (MQTT 3.1, 3.2; broker 4.2). */
#include "mqtt/wire.h"

enum {
    USER_NAME = 0x80,
    PASSWORD = 0x40,
    WILL_RETAIN = 0x20,
    WILL_QOS_SHIFT = 3,
    WILL_QOS = 3 << WILL_QOS_SHIFT,
    WILL = 0x04,
    CLEAN = 0x02,
    RESERVED = 0x01,
    SESSION_PRESENT = 0x01
};

/* ---- CONNECT ---- */

static const struct protocol {
    const char *name;
    uint8_t level;
} protocols[] = { { "MQIsdp", MQTT_3_1 }, { "MQTT", MQTT_3_1_1 }, { "MQTT", MQTT_5 } };

/* A level above ours is refused in version 5, which its client may know; all else in 3.1.1 (broker 4.2, row 2). */
static FALLIBLE take_protocol(void *ctx, reader *in, struct mqtt_packet *out)
{
    struct mqtt_connect *c = &out->connect;
    TRY(mqtt_take_text(ctx, in, "protocol name", &c->protocol));
    c->level = reader_u8(in);
    if (in->ran_out)
        return mqtt_malformed(ctx, "CONNECT ends before its protocol level.");

    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
        if (slice_is(c->protocol, protocols[i].name) && c->level == protocols[i].level) {
            out->version = c->level;
            return NULL;
        }
    out->version = slice_is(c->protocol, "MQTT") && c->level > MQTT_5 ? MQTT_5 : MQTT_3_1_1;
    return error_new(ctx, "UnsupportedVersion",
                     "The protocol level is %d; level 4 (MQTT 3.1.1) and 5 (MQTT 5) are spoken here.", c->level);
}

static FALLIBLE check_flags(void *ctx, int version, uint8_t flags)
{
    if (flags & RESERVED)
        return mqtt_malformed(ctx, "The reserved connect flag is set."); /* [MQTT-3.1.2-3] */
    if ((flags & WILL_QOS) == WILL_QOS)
        return mqtt_malformed(ctx, "The QoS of the will is 3."); /* [MQTT-3.1.2-12] */
    if (!(flags & WILL) && flags & (WILL_QOS | WILL_RETAIN))
        return mqtt_malformed(ctx, "There is no will, but its QoS or retain flag is set."); /* [MQTT-3.1.2-11, -13] */
    if (version < MQTT_5 && flags & PASSWORD && !(flags & USER_NAME))
        return mqtt_malformed(ctx, "There is a password without a user name."); /* [MQTT-3.1.2-22] of 3.1.1 */
    return NULL;
}

static FALLIBLE take_will(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out)
{
    struct mqtt_will *will = MAKE(ctx, struct mqtt_will);
    out->connect.will = will;
    will->qos = (flags & WILL_QOS) >> WILL_QOS_SHIFT;
    will->retain = flags & WILL_RETAIN;
    if (out->version == MQTT_5)
        TRY(mqtt_take_properties(ctx, in, MQTT_IN_WILL, &will->properties));
    TRY(mqtt_take_text(ctx, in, "will topic", &will->topic));
    return mqtt_take_binary(ctx, in, "will payload", &will->payload);
}

static FALLIBLE check_authentication(void *ctx, const struct mqtt_properties *properties)
{
    if (mqtt_has(properties, MQTT_AUTHENTICATION_DATA) && !mqtt_has(properties, MQTT_AUTHENTICATION_METHOD))
        return mqtt_protocol_error(ctx, "There is Authentication Data without an Authentication Method.");
    return NULL;
}

FALLIBLE mqtt_decode_connect(void *ctx, uint8_t header_flags, reader *in, struct mqtt_packet *out)
{
    struct mqtt_connect *c = &out->connect;
    (void)header_flags;

    TRY(take_protocol(ctx, in, out));
    uint8_t flags = reader_u8(in);
    c->keep_alive_s = reader_u16(in);
    c->clean = flags & CLEAN;
    c->has_user_name = flags & USER_NAME;
    c->has_password = flags & PASSWORD;
    TRY(check_flags(ctx, out->version, flags));
    if (out->version == MQTT_5)
        TRY(mqtt_take_properties(ctx, in, MQTT_CONNECT, &out->properties));
    TRY(mqtt_take_text(ctx, in, "client identifier", &c->client_id));
    if (flags & WILL)
        TRY(take_will(ctx, flags, in, out));
    if (c->has_user_name)
        TRY(mqtt_take_text(ctx, in, "user name", &c->user_name));
    if (c->has_password)
        TRY(mqtt_take_binary(ctx, in, "password", &c->password));
    return check_authentication(ctx, &out->properties);
}

static uint8_t connect_flags(const struct mqtt_connect *c)
{
    unsigned flags = (c->clean ? CLEAN : 0) | (c->has_user_name ? USER_NAME : 0) | (c->has_password ? PASSWORD : 0);
    if (c->will != NULL)
        flags |= WILL | (unsigned)c->will->qos << WILL_QOS_SHIFT | (c->will->retain ? WILL_RETAIN : 0);
    return (uint8_t)flags;
}

void mqtt_encode_connect(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    const struct mqtt_connect *c = &packet->connect;
    mqtt_put_string(sink, c->protocol.length > 0 ? c->protocol : slice_of(version == MQTT_3_1 ? "MQIsdp" : "MQTT"));
    mqtt_put_u8(sink, c->protocol.length > 0 ? c->level : (uint8_t)version);
    mqtt_put_u8(sink, connect_flags(c));
    mqtt_put_u16(sink, c->keep_alive_s);
    if (version == MQTT_5)
        mqtt_put_properties(sink, &packet->properties);
    mqtt_put_string(sink, c->client_id);
    if (c->will != NULL) {
        if (version == MQTT_5)
            mqtt_put_properties(sink, &c->will->properties);
        mqtt_put_string(sink, c->will->topic);
        mqtt_put_string(sink, c->will->payload);
    }
    if (c->has_user_name)
        mqtt_put_string(sink, c->user_name);
    if (c->has_password)
        mqtt_put_string(sink, c->password);
}

/* ---- CONNACK ---- */

static FALLIBLE take_connack_code(void *ctx, reader *in, struct mqtt_packet *out)
{
    int code = reader_u8(in);
    if (in->ran_out)
        return mqtt_malformed(ctx, "CONNACK ends before its code.");
    int reason = out->version == MQTT_5 ? code : mqtt_connack_reason(code);
    if (!mqtt_reason_fits(reason, MQTT_CONNACK))
        return mqtt_protocol_error(ctx, "CONNACK has the unknown code 0x%02x.", code);
    out->reason = (uint8_t)reason;
    return NULL;
}

FALLIBLE mqtt_decode_connack(void *ctx, uint8_t header_flags, reader *in, struct mqtt_packet *out)
{
    (void)header_flags;
    uint8_t flags = reader_u8(in);
    if (flags & (uint8_t)~SESSION_PRESENT)
        return mqtt_malformed(ctx, "CONNACK has reserved flags set."); /* [MQTT-3.2.2-1] */
    out->connack.session_present = flags & SESSION_PRESENT;
    TRY(take_connack_code(ctx, in, out));
    if (out->connack.session_present && out->reason != MQTT_SUCCESS)
        return mqtt_protocol_error(ctx, "CONNACK refuses, but says that there is a session."); /* [MQTT-3.2.2-6] */
    if (out->version == MQTT_5)
        TRY(mqtt_take_properties(ctx, in, MQTT_CONNACK, &out->properties));
    return check_authentication(ctx, &out->properties);
}

void mqtt_encode_connack(struct mqtt_sink *sink, int version, const struct mqtt_packet *packet)
{
    int code = version == MQTT_5 ? packet->reason : mqtt_connack_code(packet->reason);
    mqtt_put_u8(sink, packet->connack.session_present && packet->reason == MQTT_SUCCESS ? SESSION_PRESENT : 0);
    mqtt_put_u8(sink, (uint8_t)code);
    if (version == MQTT_5)
        mqtt_put_properties(sink, &packet->properties);
}
