/* properties.c - one table of all properties, read and written by it (MQTT 5, 2.2.2; broker 3.1). */
#include "mqtt/wire.h"

enum form { UNKNOWN, FLAG, U16, U32, TEXT, BINARY, NUMBERS, PAIRS };

struct row {
    const char *name;
    enum form form;
    uint32_t packets;
    size_t field;
    uint32_t least;
};

#define IN(packet)  (1u << MQTT_##packet)
#define FIELD(name) offsetof(struct mqtt_properties, name)

#define WILL       IN(IN_WILL)
#define ACKS       (IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP) | IN(SUBACK) | IN(UNSUBACK))
#define ANSWERS    (ACKS | IN(CONNACK) | IN(DISCONNECT) | IN(AUTH))
#define EVERYWHERE (ANSWERS | WILL | IN(CONNECT) | IN(PUBLISH) | IN(SUBSCRIBE) | IN(UNSUBSCRIBE))
#define HANDSHAKE  (IN(CONNECT) | IN(CONNACK))

static const struct row rows[] = {
    [0x01] = { "Payload Format Indicator", FLAG, IN(PUBLISH) | WILL, FIELD(payload_format), 0 },
    [0x02] = { "Message Expiry Interval", U32, IN(PUBLISH) | WILL, FIELD(message_expiry_s), 0 },
    [0x03] = { "Content Type", TEXT, IN(PUBLISH) | WILL, FIELD(content_type), 0 },
    [0x08] = { "Response Topic", TEXT, IN(PUBLISH) | WILL, FIELD(response_topic), 0 },
    [0x09] = { "Correlation Data", BINARY, IN(PUBLISH) | WILL, FIELD(correlation_data), 0 },
    [0x0b] = { "Subscription Identifier", NUMBERS, IN(PUBLISH) | IN(SUBSCRIBE), FIELD(subscription_ids), 1 },
    [0x11] = { "Session Expiry Interval", U32, HANDSHAKE | IN(DISCONNECT), FIELD(session_expiry_s), 0 },
    [0x12] = { "Assigned Client Identifier", TEXT, IN(CONNACK), FIELD(assigned_client_id), 0 },
    [0x13] = { "Server Keep Alive", U16, IN(CONNACK), FIELD(server_keep_alive_s), 0 },
    [0x15] = { "Authentication Method", TEXT, HANDSHAKE | IN(AUTH), FIELD(authentication_method), 0 },
    [0x16] = { "Authentication Data", BINARY, HANDSHAKE | IN(AUTH), FIELD(authentication_data), 0 },
    [0x17] = { "Request Problem Information", FLAG, IN(CONNECT), FIELD(request_problem_information), 0 },
    [0x18] = { "Will Delay Interval", U32, WILL, FIELD(will_delay_s), 0 },
    [0x19] = { "Request Response Information", FLAG, IN(CONNECT), FIELD(request_response_information), 0 },
    [0x1a] = { "Response Information", TEXT, IN(CONNACK), FIELD(response_information), 0 },
    [0x1c] = { "Server Reference", TEXT, IN(CONNACK) | IN(DISCONNECT), FIELD(server_reference), 0 },
    [0x1f] = { "Reason String", TEXT, ANSWERS, FIELD(reason_string), 0 },
    [0x21] = { "Receive Maximum", U16, HANDSHAKE, FIELD(receive_maximum), 1 },
    [0x22] = { "Topic Alias Maximum", U16, HANDSHAKE, FIELD(topic_alias_maximum), 0 },
    [0x23] = { "Topic Alias", U16, IN(PUBLISH), FIELD(topic_alias), 0 },
    [0x24] = { "Maximum QoS", FLAG, IN(CONNACK), FIELD(maximum_qos), 0 },
    [0x25] = { "Retain Available", FLAG, IN(CONNACK), FIELD(retain_available), 0 },
    [0x26] = { "User Property", PAIRS, EVERYWHERE, FIELD(user), 0 },
    [0x27] = { "Maximum Packet Size", U32, HANDSHAKE, FIELD(maximum_packet_size), 1 },
    [0x28] = { "Wildcard Subscription Available", FLAG, IN(CONNACK), FIELD(wildcard_available), 0 },
    [0x29] = { "Subscription Identifier Available", FLAG, IN(CONNACK), FIELD(subscription_id_available), 0 },
    [0x2a] = { "Shared Subscription Available", FLAG, IN(CONNACK), FIELD(shared_available), 0 },
};

/* MQTT leaves the order free; this one makes our CONNACK equal to the one that AWS IoT Core sends (broker 3.1). */
static const uint8_t wire_order[] = { 0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x11, 0x21, 0x24,
                                      0x25, 0x27, 0x22, 0x28, 0x29, 0x2a, 0x12, 0x13, 0x15,
                                      0x16, 0x17, 0x18, 0x19, 0x1a, 0x1c, 0x1f, 0x26, 0x23 };

static const struct row *find(unsigned id)
{
    return id < sizeof(rows) / sizeof(rows[0]) && rows[id].form != UNKNOWN ? &rows[id] : NULL;
}

static void *field(const struct row *row, struct mqtt_properties *properties)
{
    return (char *)properties + row->field;
}

static const void *field_of(const struct row *row, const struct mqtt_properties *properties)
{
    return (const char *)properties + row->field;
}

/* ---- for the callers ---- */

const char *mqtt_property_name(unsigned id)
{
    const struct row *row = find(id);
    return row != NULL ? row->name : NULL;
}

uint32_t mqtt_number(const struct mqtt_properties *properties, enum mqtt_property id, uint32_t otherwise)
{
    return mqtt_has(properties, id) ? *(const uint32_t *)field_of(&rows[id], properties) : otherwise;
}

void mqtt_set_number(struct mqtt_properties *properties, enum mqtt_property id, uint32_t value)
{
    *(uint32_t *)field(&rows[id], properties) = value;
    properties->present |= UINT64_C(1) << id;
}

void mqtt_set_text(struct mqtt_properties *properties, enum mqtt_property id, slice value)
{
    *(slice *)field(&rows[id], properties) = value;
    properties->present |= UINT64_C(1) << id;
}

void mqtt_add_user_property(void *ctx, struct mqtt_properties *properties, slice name, slice value)
{
    *ARRAY_ADD(ctx, properties->user, properties->user_count) = (struct mqtt_user_property){ name, value };
}

static void clear_number(struct mqtt_properties *properties, const struct row *row)
{
    *(uint32_t *)field(row, properties) = 0;
}

static void clear_text(struct mqtt_properties *properties, const struct row *row)
{
    *(slice *)field(row, properties) = (slice){ NULL, 0 };
}

static void clear_numbers(struct mqtt_properties *properties, const struct row *row)
{
    (void)row;
    properties->subscription_id_count = 0;
}

static void clear_pairs(struct mqtt_properties *properties, const struct row *row)
{
    (void)row;
    properties->user_count = 0;
}

/* ---- taking ---- */

static FALLIBLE check_number(void *ctx, const struct row *row, uint32_t value)
{
    if (row->form == FLAG && value > 1)
        return mqtt_protocol_error(ctx, "The property %s is %u; it is 0 or 1.", row->name, value);
    if (value < row->least)
        return mqtt_protocol_error(ctx, "The property %s is %u; it is at least %u.", row->name, value, row->least);
    return NULL;
}

static FALLIBLE take_number(void *ctx, reader *in, const struct row *row, struct mqtt_properties *out)
{
    uint32_t value = row->form == FLAG ? reader_u8(in) : row->form == U16 ? reader_u16(in) : reader_u32(in);
    if (in->ran_out)
        return mqtt_malformed(ctx, "The properties end inside %s.", row->name);
    *(uint32_t *)field(row, out) = value;
    return check_number(ctx, row, value);
}

static FALLIBLE take_text(void *ctx, reader *in, const struct row *row, struct mqtt_properties *out)
{
    return mqtt_take_text(ctx, in, row->name, field(row, out));
}

static FALLIBLE take_binary(void *ctx, reader *in, const struct row *row, struct mqtt_properties *out)
{
    return mqtt_take_binary(ctx, in, row->name, field(row, out));
}

static FALLIBLE take_numbers(void *ctx, reader *in, const struct row *row, struct mqtt_properties *out)
{
    uint32_t value;
    TRY(mqtt_take_varint(ctx, in, row->name, &value));
    TRY(check_number(ctx, row, value));
    *ARRAY_ADD(ctx, out->subscription_ids, out->subscription_id_count) = value;
    return NULL;
}

static FALLIBLE take_pairs(void *ctx, reader *in, const struct row *row, struct mqtt_properties *out)
{
    slice name, value;
    TRY(mqtt_take_text(ctx, in, row->name, &name));
    TRY(mqtt_take_text(ctx, in, row->name, &value));
    mqtt_add_user_property(ctx, out, name, value);
    return NULL;
}

/* ---- putting ---- */

static void put_flag(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties)
{
    mqtt_put_u8(sink, (uint8_t) * (const uint32_t *)field_of(row, properties));
}

static void put_u16(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties)
{
    mqtt_put_u16(sink, (uint16_t) * (const uint32_t *)field_of(row, properties));
}

static void put_u32(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties)
{
    mqtt_put_u32(sink, *(const uint32_t *)field_of(row, properties));
}

static void put_string(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties)
{
    mqtt_put_string(sink, *(const slice *)field_of(row, properties));
}

static void put_numbers(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties)
{
    (void)row;
    for (size_t i = 0; i < properties->subscription_id_count; i++) {
        if (i > 0)
            mqtt_put_u8(sink, MQTT_SUBSCRIPTION_ID);
        mqtt_put_varint(sink, properties->subscription_ids[i]);
    }
}

static void put_pairs(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties)
{
    (void)row;
    for (size_t i = 0; i < properties->user_count; i++) {
        if (i > 0)
            mqtt_put_u8(sink, MQTT_USER_PROPERTY);
        mqtt_put_string(sink, properties->user[i].name);
        mqtt_put_string(sink, properties->user[i].value);
    }
}

/* ---- what each form does; a list repeats its identifier in front of each element ---- */

static const struct {
    FALLIBLE (*take)(void *ctx, reader *in, const struct row *row, struct mqtt_properties *out);
    void (*put)(struct mqtt_sink *sink, const struct row *row, const struct mqtt_properties *properties);
    void (*clear)(struct mqtt_properties *properties, const struct row *row);
} forms[] = {
    [FLAG] = { take_number, put_flag, clear_number },   [U16] = { take_number, put_u16, clear_number },
    [U32] = { take_number, put_u32, clear_number },     [TEXT] = { take_text, put_string, clear_text },
    [BINARY] = { take_binary, put_string, clear_text }, [NUMBERS] = { take_numbers, put_numbers, clear_numbers },
    [PAIRS] = { take_pairs, put_pairs, clear_pairs },
};

void mqtt_unset(struct mqtt_properties *properties, enum mqtt_property id)
{
    properties->present &= ~(UINT64_C(1) << id);
    forms[rows[id].form].clear(properties, &rows[id]);
}

/* User properties repeat anywhere, subscription identifiers in a PUBLISH (one for each filter that matched). */
static bool may_repeat(const struct row *row, unsigned where)
{
    return row->form == PAIRS || (row->form == NUMBERS && where == MQTT_PUBLISH);
}

static FALLIBLE take_property(void *ctx, reader *in, unsigned where, uint64_t *seen, struct mqtt_properties *out)
{
    unsigned id = reader_u8(in); /* a varint, but none of the known ones takes two bytes */
    const struct row *row = find(id);
    if (row == NULL)
        return mqtt_malformed(ctx, "There is no property with the identifier 0x%02x.", id);
    if (!(row->packets >> where & 1))
        return mqtt_malformed(ctx, "The property %s does not belong into this packet.", row->name);
    if (*seen >> id & 1 && !may_repeat(row, where))
        return mqtt_protocol_error(ctx, "The property %s is there twice.", row->name);
    *seen |= UINT64_C(1) << id;
    return forms[row->form].take(ctx, in, row, out);
}

FALLIBLE mqtt_take_properties(void *ctx, reader *in, unsigned where, struct mqtt_properties *out)
{
    uint32_t length;
    uint64_t seen = 0;
    TRY(mqtt_take_varint(ctx, in, "length of the properties", &length));
    if (length > reader_left(in))
        return mqtt_malformed(ctx, "The properties are longer than the packet.");
    reader block = reader_of(reader_bytes(in, length));
    while (reader_left(&block) > 0)
        TRY(take_property(ctx, &block, where, &seen, out));
    out->present = seen & ~(UINT64_C(1) << MQTT_USER_PROPERTY | UINT64_C(1) << MQTT_SUBSCRIPTION_ID);
    return NULL;
}

static uint64_t all_present(const struct mqtt_properties *properties)
{
    return properties->present | (uint64_t)(properties->user_count > 0) << MQTT_USER_PROPERTY |
           (uint64_t)(properties->subscription_id_count > 0) << MQTT_SUBSCRIPTION_ID;
}

static void put_all(struct mqtt_sink *sink, const struct mqtt_properties *properties)
{
    uint64_t present = all_present(properties);
    for (size_t i = 0; present != 0 && i < sizeof(wire_order); i++) {
        unsigned id = wire_order[i];
        if (!(present >> id & 1))
            continue;
        mqtt_put_u8(sink, (uint8_t)id);
        forms[rows[id].form].put(sink, &rows[id], properties);
        present &= ~(UINT64_C(1) << id);
    }
}

void mqtt_put_properties(struct mqtt_sink *sink, const struct mqtt_properties *properties)
{
    struct mqtt_sink length = { 0 };
    put_all(&length, properties);
    sink->too_long = sink->too_long || length.too_long;
    mqtt_put_varint(sink, (uint32_t)length.length);
    if (sink->out == NULL)
        sink->length += length.length;
    else
        put_all(sink, properties);
}
