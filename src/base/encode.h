/* encode.h - hexadecimal, base64 and percent-encoding. Decoders refuse what the encoder would not write, except that
   hexadecimal digits may have either case. */
#pragma once
#include "base/bytes.h"

char *hex_encode(void *ctx, slice bytes);              /* lower case, NUL-terminated */
bool hex_decode(void *ctx, slice text, slice *out);    /* false: odd length or a foreign digit */
bool hex_is(slice text, size_t length);                /* exactly `length` hexadecimal digits */
char *base64_encode(void *ctx, slice bytes);           /* RFC 4648 section 4, padded, no line breaks */
bool base64_decode(void *ctx, slice text, slice *out); /* strict: alphabet, padding, zero pad bits */
char *base64url_encode(void *ctx, slice bytes);        /* RFC 4648 section 5, no padding */
bool base64url_decode(void *ctx, slice text, slice *out);
void percent_encode(writer *out, slice bytes, const char *kept); /* RFC 3986; unreserved and `kept` stay; %XX upper */
bool percent_decode(void *ctx, slice text, slice *out);          /* false: '%' without two digits; '+' stays */
