/* pem.c - RFC 7468, strictly where we write and tolerantly where people paste. */
#include "pki/internal.h"
#include "base/encode.h"
#include "base/secret.h"

enum { BYTES_A_LINE = 48, COLUMNS = 64 };

/* Where `mark` stands at the beginning of a line, from `from` on; NULL when nowhere. */
static const char *find_line(slice text, const char *from, const char *mark)
{
    size_t length = strlen(mark);
    const char *end = text.at + text.length;
    for (const char *at = from; at < end; at++) {
        at = memmem(at, (size_t)(end - at), mark, length);
        if (at == NULL || at == text.at || at[-1] == '\n' || at[-1] == '\r')
            return at;
    }
    return NULL;
}

bool pem_decode(void *ctx, slice text, const char *label, slice *der)
{
    const char *begin = text_format(ctx, "-----BEGIN %s-----", label);
    const char *end = text_format(ctx, "-----END %s-----", label);
    const char *from = find_line(text, text.at, begin);
    if (from == NULL)
        return false;
    from += strlen(begin);
    const char *to = find_line(text, from, end);
    if (to == NULL)
        return false;

    char *packed = memory_zeroed(ctx, 1, (size_t)(to - from) + 1, "char");
    size_t length = 0;
    for (; from < to; from++)
        if (*from != '\n' && *from != '\r' && *from != ' ' && *from != '\t')
            packed[length++] = *from;
    return base64_decode(ctx, slice_bytes(packed, length), der);
}

char *pem_encode(void *ctx, const char *label, slice der)
{
    size_t lines = (der.length + BYTES_A_LINE - 1) / BYTES_A_LINE;
    size_t room = lines * (COLUMNS + 1) + 2 * (strlen(label) + 20);
    char *pem = memory_zeroed(ctx, 1, room, "char"), *to = pem;

    to += snprintf(to, room, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < der.length; at += BYTES_A_LINE) {
        size_t left = der.length - at;
        to += EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)der.at + at,
                              (int)(left < BYTES_A_LINE ? left : BYTES_A_LINE));
        *to++ = '\n';
    }
    snprintf(to, room - (size_t)(to - pem), "-----END %s-----\n", label);
    return pem;
}

static int wipe(char *text)
{
    secret_wipe(text, talloc_get_size(text));
    return 0;
}

char *pem_keep_secret(char *pem)
{
    talloc_set_destructor(pem, wipe);
    return pem;
}
