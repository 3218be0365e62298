/* encode.c - hexadecimal, base64, percent-encoding. */
#include "base/encode.h"

static const char hex_digits[] = "0123456789abcdef";

char *hex_encode(void *ctx, slice bytes)
{
    char *text = memory_zeroed(ctx, 2, bytes.length + 1, "hex");
    for (size_t i = 0; i < bytes.length; i++) {
        text[2 * i] = hex_digits[(unsigned char)bytes.at[i] >> 4];
        text[2 * i + 1] = hex_digits[(unsigned char)bytes.at[i] & 15];
    }
    return text;
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of two digits that hex_is has seen. */
static char hex_byte(const char *digits)
{
    return (char)((unsigned)hex_value(digits[0]) << 4 | (unsigned)hex_value(digits[1]));
}

bool hex_decode(void *ctx, slice text, slice *out)
{
    if (text.length % 2 != 0 || !hex_is(text, text.length))
        return false;
    char *bytes = memory_zeroed(ctx, 1, text.length / 2 + 1, "bytes");
    for (size_t i = 0; i < text.length; i += 2)
        bytes[i / 2] = hex_byte(text.at + i);
    *out = (slice){ bytes, text.length / 2 };
    return true;
}

bool hex_is(slice text, size_t length)
{
    if (text.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (hex_value(text.at[i]) < 0)
            return false;
    return true;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode64(void *ctx, slice bytes, const char *digits, bool padded)
{
    char *text = memory_zeroed(ctx, 4, bytes.length / 3 + 2, "base64");
    const unsigned char *at = (const unsigned char *)bytes.at;
    size_t written = 0;
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t taken = bytes.length - i < 3 ? bytes.length - i : 3;
        uint32_t group = (uint32_t)at[i] << 16;
        if (taken > 1)
            group |= (uint32_t)at[i + 1] << 8;
        if (taken > 2)
            group |= at[i + 2];
        for (size_t digit = 0; digit < 4; digit++) {
            if (digit <= taken)
                text[written++] = digits[group >> (18 - 6 * digit) & 63];
            else if (padded)
                text[written++] = '=';
        }
    }
    return text;
}

static bool decode64(void *ctx, slice text, const char *digits, slice *out)
{
    if (text.length % 4 == 1)
        return false;
    char *bytes = memory_zeroed(ctx, 1, text.length / 4 * 3 + 3, "bytes");
    size_t written = 0;
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = text.at[i] == '\0' ? NULL : strchr(digits, text.at[i]);
        if (digit == NULL)
            goto refused;
        group = group << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[written++] = (char)(group >> bits);
            group &= (1u << bits) - 1;
        }
    }
    if (group != 0) /* pad bits: a second spelling of the same bytes */
        goto refused;
    *out = (slice){ bytes, written };
    return true;

refused:
    talloc_free(bytes);
    return false;
}

char *base64_encode(void *ctx, slice bytes)
{
    return encode64(ctx, bytes, base64_digits, true);
}

bool base64_decode(void *ctx, slice text, slice *out)
{
    if (text.length % 4 != 0)
        return false;
    for (int padding = 0; padding < 2 && slice_ends(text, "="); padding++)
        text.length--;
    return decode64(ctx, text, base64_digits, out);
}

char *base64url_encode(void *ctx, slice bytes)
{
    return encode64(ctx, bytes, base64url_digits, false);
}

bool base64url_decode(void *ctx, slice text, slice *out)
{
    return decode64(ctx, text, base64url_digits, out);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void percent_encode(writer *out, slice bytes, const char *kept)
{
    for (size_t i = 0; i < bytes.length; i++) {
        char c = bytes.at[i];
        if (is_unreserved(c) || (c != '\0' && strchr(kept, c) != NULL))
            writer_u8(out, (uint8_t)c);
        else
            writer_format(out, "%%%02X", (unsigned char)c);
    }
}

bool percent_decode(void *ctx, slice text, slice *out)
{
    char *bytes = memory_zeroed(ctx, 1, text.length + 1, "bytes");
    size_t written = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] != '%') {
            bytes[written++] = text.at[i];
            continue;
        }
        if (text.length - i < 3 || !hex_is((slice){ text.at + i + 1, 2 }, 2)) {
            talloc_free(bytes);
            return false;
        }
        bytes[written++] = hex_byte(text.at + i + 1);
        i += 2;
    }
    *out = (slice){ bytes, written };
    return true;
}
