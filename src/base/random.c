/* random.c - OpenSSL's generator, which the operating system seeds. */
#include "base/random.h"
#include "base/memory.h"
#include <openssl/rand.h>
#include <stdio.h>

void random_bytes(void *out, size_t length)
{
    unsigned char *at = out;
    while (length > 0) {
        size_t piece = length < 1 << 20 ? length : 1 << 20;
        if (RAND_bytes(at, (int)piece) != 1) {
            fputs("muster: the random number generator failed\n", stderr);
            abort();
        }
        at += piece;
        length -= piece;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

uint64_t random_below(uint64_t bound)
{
    uint64_t skewed = -bound % bound; /* 2^64 modulo bound: so many low values would come once too often */
    uint64_t value;
    do
        value = random_u64();
    while (value < skewed);
    return value % bound;
}

char *random_uuid(void *ctx)
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    return text_format(ctx, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                       b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

char *random_text(void *ctx, size_t length, const char *alphabet)
{
    size_t letters = strlen(alphabet);
    char *text = memory_zeroed(ctx, 1, length + 1, "text");
    for (size_t i = 0; i < length; i++)
        text[i] = alphabet[random_below(letters)];
    return text;
}
