/* packet.c - the table of packet types, and the fixed header around each (MQTT 2.1). */
#include "mqtt/wire.h"

enum { FROM_CLIENT = 1u << MQTT_CLIENT, FROM_SERVER = 1u << MQTT_SERVER, FROM_BOTH = FROM_CLIENT | FROM_SERVER };
enum { FLAG_DUP = 0x08 };

static const struct kind {
    const char *name;
    uint8_t flags; /* of the fixed header; PUBLISH has its own */
    uint8_t senders_before_5;
    uint8_t senders;
    FALLIBLE (*decode)(void *ctx, uint8_t flags, reader *in, struct mqtt_packet *out);
    mqtt_encoder *encode;
} kinds[] = {
    [0] = { "reserved", 0, 0, 0, NULL, NULL },
    [MQTT_CONNECT] = { "CONNECT", 0, FROM_CLIENT, FROM_CLIENT, mqtt_decode_connect, mqtt_encode_connect },
    [MQTT_CONNACK] = { "CONNACK", 0, FROM_SERVER, FROM_SERVER, mqtt_decode_connack, mqtt_encode_connack },
    [MQTT_PUBLISH] = { "PUBLISH", 0, FROM_BOTH, FROM_BOTH, mqtt_decode_publish, mqtt_encode_publish },
    [MQTT_PUBACK] = { "PUBACK", 0, FROM_BOTH, FROM_BOTH, mqtt_decode_ack, mqtt_encode_ack },
    [MQTT_PUBREC] = { "PUBREC", 0, FROM_BOTH, FROM_BOTH, mqtt_decode_ack, mqtt_encode_ack },
    [MQTT_PUBREL] = { "PUBREL", 2, FROM_BOTH, FROM_BOTH, mqtt_decode_ack, mqtt_encode_ack },
    [MQTT_PUBCOMP] = { "PUBCOMP", 0, FROM_BOTH, FROM_BOTH, mqtt_decode_ack, mqtt_encode_ack },
    [MQTT_SUBSCRIBE] = { "SUBSCRIBE", 2, FROM_CLIENT, FROM_CLIENT, mqtt_decode_subscribe, mqtt_encode_subscribe },
    [MQTT_SUBACK] = { "SUBACK", 0, FROM_SERVER, FROM_SERVER, mqtt_decode_suback, mqtt_encode_suback },
    [MQTT_UNSUBSCRIBE] = { "UNSUBSCRIBE", 2, FROM_CLIENT, FROM_CLIENT, mqtt_decode_unsubscribe,
                           mqtt_encode_unsubscribe },
    [MQTT_UNSUBACK] = { "UNSUBACK", 0, FROM_SERVER, FROM_SERVER, mqtt_decode_unsuback, mqtt_encode_unsuback },
    [MQTT_PINGREQ] = { "PINGREQ", 0, FROM_CLIENT, FROM_CLIENT, mqtt_decode_ping, mqtt_encode_ping },
    [MQTT_PINGRESP] = { "PINGRESP", 0, FROM_SERVER, FROM_SERVER, mqtt_decode_ping, mqtt_encode_ping },
    [MQTT_DISCONNECT] = { "DISCONNECT", 0, FROM_CLIENT, FROM_BOTH, mqtt_decode_disconnect, mqtt_encode_disconnect },
    [MQTT_AUTH] = { "AUTH", 0, 0, FROM_BOTH, mqtt_decode_disconnect, mqtt_encode_disconnect },
};

/* What a packet of both sides carries from one side only. */
static const struct {
    enum mqtt_side sender;
    enum mqtt_type type;
    enum mqtt_property property;
} foreign[] = {
    { MQTT_CLIENT, MQTT_PUBLISH, MQTT_SUBSCRIPTION_ID },   /* [MQTT-3.3.4-6] */
    { MQTT_SERVER, MQTT_DISCONNECT, MQTT_SESSION_EXPIRY }, /* [MQTT-3.14.2-2] */
    { MQTT_CLIENT, MQTT_DISCONNECT, MQTT_SERVER_REFERENCE },
};

const char *mqtt_type_name(enum mqtt_type type)
{
    return kinds[type].name;
}

static unsigned senders(const struct kind *kind, int version)
{
    return version == MQTT_5 ? kind->senders : kind->senders_before_5;
}

/* ---- decoding ---- */

/* MQTT 3.1 let PUBREL, SUBSCRIBE and UNSUBSCRIBE be repeated with DUP. */
static uint8_t significant_flags(uint8_t first, int version, const struct kind *kind)
{
    uint8_t flags = first & 0x0f;
    return version == MQTT_3_1 && kind->flags != 0 ? flags & (uint8_t)~FLAG_DUP : flags;
}

static FALLIBLE check_header(void *ctx, int version, const struct mqtt_frame *frame, const struct kind *kind)
{
    if (kind->decode == NULL || (kind != &kinds[MQTT_CONNECT] && senders(kind, version) == 0))
        return mqtt_malformed(ctx, "The packet type %d is reserved.", frame->first >> 4);
    if (version == MQTT_5 && !frame->minimal) /* [MQTT-1.5.5-1] */
        return mqtt_malformed(ctx, "The remaining length of %s is not in its shortest form.", kind->name);
    if (kind != &kinds[MQTT_PUBLISH] && significant_flags(frame->first, version, kind) != kind->flags)
        return mqtt_malformed(ctx, "The flags of %s are 0x%x; they are 0x%x.", kind->name, frame->first & 0x0f,
                              kind->flags); /* [MQTT-2.1.3-1] */
    return NULL;
}

FALLIBLE mqtt_decode(void *ctx, int version, const struct mqtt_frame *frame, struct mqtt_packet *out)
{
    const struct kind *kind = &kinds[mqtt_frame_type(frame)];
    reader in = reader_of(frame->body);

    memset(out, 0, sizeof(*out));
    out->type = mqtt_frame_type(frame);
    out->version = out->type == MQTT_CONNECT ? 0 : version;
    TRY(check_header(ctx, out->version, frame, kind));
    TRY(kind->decode(ctx, frame->first & 0x0f, &in, out));
    TRY(mqtt_take_end(ctx, &in, kind->name));
    return check_header(ctx, out->version, frame, kind); /* CONNECT has told its version by now */
}

static bool carries(const struct mqtt_properties *properties, enum mqtt_property id)
{
    return id == MQTT_SUBSCRIPTION_ID ? properties->subscription_id_count > 0 : mqtt_has(properties, id);
}

FALLIBLE mqtt_check_sender(void *ctx, enum mqtt_side sender, const struct mqtt_packet *packet)
{
    const char *who = sender == MQTT_CLIENT ? "client" : "server";
    if (!(senders(&kinds[packet->type], packet->version) >> sender & 1))
        return mqtt_protocol_error(ctx, "A %s does not send %s.", who, mqtt_type_name(packet->type));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (foreign[i].sender == sender && foreign[i].type == packet->type &&
            carries(&packet->properties, foreign[i].property))
            return mqtt_protocol_error(ctx, "A %s does not send %s with the property %s.", who,
                                       mqtt_type_name(packet->type), mqtt_property_name(foreign[i].property));
    return NULL;
}

/* ---- encoding ---- */

static uint8_t first_byte(const struct mqtt_packet *packet)
{
    const struct mqtt_publish *p = &packet->publish;
    uint8_t flags =
        packet->type == MQTT_PUBLISH ? (uint8_t)(p->dup << 3 | p->qos << 1 | p->retain) : kinds[packet->type].flags;
    return (uint8_t)(packet->type << 4 | flags);
}

static bool measure(int version, const struct mqtt_packet *packet, uint32_t *body)
{
    const struct kind *kind = &kinds[packet->type];
    struct mqtt_sink sink = { 0 };
    if (senders(kind, version) == 0)
        return false;
    kind->encode(&sink, version, packet);
    *body = (uint32_t)sink.length;
    return !sink.too_long && sink.length <= MQTT_LARGEST_REMAINING;
}

static size_t whole(uint32_t body)
{
    struct mqtt_sink header = { 0 };
    mqtt_put_varint(&header, body);
    return 1 + header.length + body;
}

size_t mqtt_size(int version, const struct mqtt_packet *packet)
{
    uint32_t body;
    return measure(version, packet, &body) ? whole(body) : 0;
}

bool mqtt_write(writer *out, int version, const struct mqtt_packet *packet)
{
    uint32_t body;
    struct mqtt_sink sink = { .out = out };
    if (!measure(version, packet, &body) || whole(body) > out->limit - out->length)
        return false;
    mqtt_put_u8(&sink, first_byte(packet));
    mqtt_put_varint(&sink, body);
    kinds[packet->type].encode(&sink, version, packet);
    return !out->overflowed;
}

slice mqtt_encode(void *ctx, int version, const struct mqtt_packet *packet)
{
    writer out = writer_new(ctx, MQTT_LARGEST_PACKET);
    return mqtt_write(&out, version, packet) ? writer_slice_of(&out) : (slice){ NULL, 0 };
}
