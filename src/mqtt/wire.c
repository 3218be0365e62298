/* wire.c - the pieces that packets are made of. */
#include "mqtt/wire.h"
#include <stdarg.h>

static error *fault(void *ctx, const char *name, const char *format, va_list arguments)
{
    char *message = talloc_vasprintf(ctx, format, arguments);
    error *e = error_new(ctx, name, "%s", message);
    talloc_free(message);
    return e;
}

error *mqtt_malformed(void *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error *e = fault(ctx, "MalformedPacket", format, arguments);
    va_end(arguments);
    return e;
}

error *mqtt_protocol_error(void *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error *e = fault(ctx, "ProtocolError", format, arguments);
    va_end(arguments);
    return e;
}

/* ---- taking ---- */

/* Eight bytes at a time while they are ASCII without a zero, as nearly every topic is. */
static size_t plain_prefix(slice s)
{
    const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    size_t at = 0;
    for (uint64_t word; at + sizeof(word) <= s.length; at += sizeof(word)) {
        memcpy(&word, s.at + at, sizeof(word));
        if ((word | (word - ones)) & high)
            break;
    }
    while (at < s.length && s.at[at] > 0 && (uint8_t)s.at[at] < 0x80)
        at++;
    return at;
}

bool mqtt_is_text(slice s)
{
    size_t plain = plain_prefix(s);
    if (plain == s.length)
        return true;
    slice rest = slice_from(s, plain);
    return memchr(rest.at, 0, rest.length) == NULL && text_is_utf8(rest);
}

FALLIBLE mqtt_take_binary(void *ctx, reader *in, const char *what, slice *out)
{
    *out = reader_string(in);
    return in->ran_out ? mqtt_malformed(ctx, "The packet ends inside its %s.", what) : NULL;
}

FALLIBLE mqtt_take_text(void *ctx, reader *in, const char *what, slice *out)
{
    TRY(mqtt_take_binary(ctx, in, what, out));
    if (!mqtt_is_text(*out)) /* [MQTT-1.5.4-1], [MQTT-1.5.4-2] */
        return mqtt_malformed(ctx, "The %s is not UTF-8, or holds the character U+0000.", what);
    return NULL;
}

FALLIBLE mqtt_take_varint(void *ctx, reader *in, const char *what, uint32_t *out)
{
    struct mqtt_varint number;
    if (mqtt_varint(in->left, &number) != MQTT_FRAME_WHOLE || !number.minimal)
        return mqtt_malformed(ctx, "The %s is not a number of one to four bytes in its shortest form.", what);
    reader_bytes(in, number.used);
    *out = number.value;
    return NULL;
}

FALLIBLE mqtt_take_id(void *ctx, reader *in, struct mqtt_packet *out)
{
    out->id = reader_u16(in);
    if (in->ran_out)
        return mqtt_malformed(ctx, "The packet ends inside its packet identifier.");
    if (out->id == 0) /* [MQTT-2.2.1-3] */
        return mqtt_protocol_error(ctx, "The packet identifier is 0; it counts from 1.");
    return NULL;
}

FALLIBLE mqtt_take_end(void *ctx, const reader *in, const char *what)
{
    if (in->ran_out)
        return mqtt_malformed(ctx, "%s ends before its last field.", what);
    if (reader_left(in) > 0)
        return mqtt_malformed(ctx, "%s has %zu bytes after its end.", what, reader_left(in));
    return NULL;
}

/* ---- putting ---- */

void mqtt_put_u8(struct mqtt_sink *sink, uint8_t value)
{
    sink->length += 1;
    if (sink->out != NULL)
        writer_u8(sink->out, value);
}

void mqtt_put_u16(struct mqtt_sink *sink, uint16_t value)
{
    sink->length += 2;
    if (sink->out != NULL)
        writer_u16(sink->out, value);
}

void mqtt_put_u32(struct mqtt_sink *sink, uint32_t value)
{
    sink->length += 4;
    if (sink->out != NULL)
        writer_u32(sink->out, value);
}

void mqtt_put_varint(struct mqtt_sink *sink, uint32_t value)
{
    sink->too_long = sink->too_long || value > MQTT_LARGEST_REMAINING;
    for (; value > 0x7f; value >>= 7)
        mqtt_put_u8(sink, (uint8_t)(value | 0x80));
    mqtt_put_u8(sink, (uint8_t)value);
}

void mqtt_put_string(struct mqtt_sink *sink, slice s)
{
    sink->too_long = sink->too_long || s.length > UINT16_MAX;
    mqtt_put_u16(sink, (uint16_t)s.length);
    mqtt_put_bytes(sink, s);
}

void mqtt_put_bytes(struct mqtt_sink *sink, slice s)
{
    sink->length += s.length;
    if (sink->out != NULL)
        writer_slice(sink->out, s);
}
