/* bytes.c - slices, readers and writers. */
#include "base/bytes.h"
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

slice slice_of(const char *text)
{
    return (slice){ text, text == NULL ? 0 : strlen(text) };
}

slice slice_bytes(const void *at, size_t length)
{
    return (slice){ at, length };
}

bool slice_equal(slice a, slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

bool slice_is(slice s, const char *text)
{
    return slice_equal(s, slice_of(text));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_is_nocase(slice s, const char *text)
{
    if (s.length != strlen(text))
        return false;
    for (size_t i = 0; i < s.length; i++)
        if (lower(s.at[i]) != lower(text[i]))
            return false;
    return true;
}

bool slice_starts(slice s, const char *prefix)
{
    size_t length = strlen(prefix);
    return s.length >= length && slice_equal((slice){ s.at, length }, (slice){ prefix, length });
}

bool slice_ends(slice s, const char *suffix)
{
    size_t length = strlen(suffix);
    return s.length >= length && slice_equal(slice_from(s, s.length - length), (slice){ suffix, length });
}

int slice_compare(slice a, slice b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter == 0 ? 0 : memcmp(a.at, b.at, shorter);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

slice slice_from(slice s, size_t offset)
{
    if (s.at == NULL)
        return s;
    size_t skipped = offset < s.length ? offset : s.length;
    return (slice){ s.at + skipped, s.length - skipped };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

slice slice_trim(slice s)
{
    while (s.length > 0 && is_blank(s.at[0]))
        s = slice_from(s, 1);
    while (s.length > 0 && is_blank(s.at[s.length - 1]))
        s.length--;
    return s;
}

char *slice_text(void *ctx, slice s)
{
    return text_copy_n(ctx, s.at, s.length);
}

slice slice_copy(void *ctx, slice s)
{
    return (slice){ text_copy_n(ctx, s.at, s.length), s.length };
}

bool slice_split(slice *rest, char mark, slice *piece)
{
    if (rest->at == NULL)
        return false;
    const char *found = rest->length == 0 ? NULL : memchr(rest->at, mark, rest->length);
    if (found == NULL) {
        *piece = *rest;
        *rest = (slice){ NULL, 0 };
        return true;
    }
    size_t length = (size_t)(found - rest->at);
    *piece = (slice){ rest->at, length };
    *rest = (slice){ found + 1, rest->length - length - 1 };
    return true;
}

/* The length of the character at the front of s, which is not empty; 0 when it is not UTF-8 (RFC 3629, section 4). */
static size_t utf8_width(slice s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte: no over-long forms, surrogates, 0x110000 */
    size_t width;

    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xC2 && at[0] <= 0xDF)
        width = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF)
        width = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4)
        width = 4;
    else
        return 0;
    if (at[0] == 0xE0)
        low = 0xA0;
    else if (at[0] == 0xED)
        high = 0x9F;
    else if (at[0] == 0xF0)
        low = 0x90;
    else if (at[0] == 0xF4)
        high = 0x8F;
    if (s.length < width || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < width; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return width;
}

size_t text_utf8_width(slice s)
{
    return s.length == 0 ? 0 : utf8_width(s);
}

bool text_is_utf8(slice s)
{
    for (size_t width; s.length > 0; s = slice_from(s, width)) {
        width = utf8_width(s);
        if (width == 0)
            return false;
    }
    return true;
}

size_t text_utf8_length(slice s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.length; i++)
        count += ((unsigned char)s.at[i] & 0xC0) != 0x80;
    return count;
}

reader reader_of(slice s)
{
    return (reader){ s, false };
}

size_t reader_left(const reader *in)
{
    return in->left.length;
}

slice reader_bytes(reader *in, size_t length)
{
    if (length > in->left.length) {
        in->ran_out = true;
        in->left = slice_from(in->left, in->left.length);
        return (slice){ NULL, 0 };
    }
    slice taken = { in->left.at, length };
    in->left = slice_from(in->left, length);
    return taken;
}

static uint64_t reader_number(reader *in, size_t width)
{
    slice bytes = reader_bytes(in, width);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.length; i++)
        value = value << 8 | (unsigned char)bytes.at[i];
    return value;
}

uint8_t reader_u8(reader *in)
{
    return (uint8_t)reader_number(in, 1);
}

uint16_t reader_u16(reader *in)
{
    return (uint16_t)reader_number(in, 2);
}

uint32_t reader_u32(reader *in)
{
    return (uint32_t)reader_number(in, 4);
}

uint64_t reader_u64(reader *in)
{
    return reader_number(in, 8);
}

slice reader_string(reader *in)
{
    uint16_t length = reader_u16(in);
    return reader_bytes(in, length);
}

slice reader_rest(reader *in)
{
    return reader_bytes(in, in->left.length);
}

FALLIBLE reader_end(void *ctx, const reader *in, const char *what)
{
    if (in->ran_out)
        return error_new(ctx, "InvalidPayload", "%s ends before its last field", what);
    if (in->left.length > 0)
        return error_new(ctx, "InvalidPayload", "%s has %zu byte%s after its end", what, in->left.length,
                         in->left.length == 1 ? "" : "s");
    return NULL;
}

enum { WRITER_FIRST_ROOM = 64 };

writer writer_new(void *ctx, size_t limit)
{
    return (writer){ .ctx = ctx, .limit = limit };
}

/* Makes room for `length` more bytes and the NUL that writer_finish sets. */
static bool writer_fits(writer *out, size_t length)
{
    if (out->overflowed || length > out->limit - out->length) {
        out->overflowed = true;
        return false;
    }
    size_t needed = out->length + length + 1;
    if (needed <= out->room)
        return true;
    size_t room = out->room == 0 ? WRITER_FIRST_ROOM : out->room;
    while (room < needed)
        room *= 2;
    out->at = talloc_realloc_size(out->ctx, out->at, room);
    if (out->at == NULL)
        abort();
    out->room = room;
    return true;
}

void writer_bytes(writer *out, const void *bytes, size_t length)
{
    if (!writer_fits(out, length) || length == 0)
        return;
    memcpy(out->at + out->length, bytes, length);
    out->length += length;
}

static void writer_number(writer *out, uint64_t value, size_t width)
{
    char bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (char)(value >> (8 * (width - 1 - i)));
    writer_bytes(out, bytes, width);
}

void writer_u8(writer *out, uint8_t value)
{
    writer_number(out, value, 1);
}

void writer_u16(writer *out, uint16_t value)
{
    writer_number(out, value, 2);
}

void writer_u32(writer *out, uint32_t value)
{
    writer_number(out, value, 4);
}

void writer_u64(writer *out, uint64_t value)
{
    writer_number(out, value, 8);
}

void writer_slice(writer *out, slice s)
{
    writer_bytes(out, s.at, s.length);
}

void writer_text(writer *out, const char *text)
{
    writer_slice(out, slice_of(text));
}

void writer_string(writer *out, slice s)
{
    if (s.length > UINT16_MAX) {
        out->overflowed = true;
        return;
    }
    if (!writer_fits(out, 2 + s.length))
        return;
    writer_u16(out, (uint16_t)s.length);
    writer_slice(out, s);
}

void writer_format(writer *out, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0 && writer_fits(out, (size_t)length)) {
        vsnprintf(out->at + out->length, (size_t)length + 1, format, again);
        out->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

slice writer_slice_of(const writer *out)
{
    return (slice){ out->at == NULL ? "" : out->at, out->length };
}

char *writer_finish(writer *out)
{
    if (!writer_fits(out, 0))
        return NULL;
    out->at[out->length] = '\0';
    return out->at;
}
