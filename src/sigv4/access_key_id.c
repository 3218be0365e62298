/* access_key_id.c - access key ids that say whose they are (auth.md 3.2).

       AKIA | 16 characters of base32 = 10 bytes: 6 bytes of 2^47 + (account << 7) + 7 random bits, 4 random bytes */
#include "sigv4/internal.h"
#include "base/random.h"

enum { PREFIX = 4, CODED = 16, BYTES = 10, BYTES_OF_ACCOUNT = 6 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

char *sigv4_access_key_id(void *ctx, const char *prefix, const char *account)
{
    uint8_t bytes[BYTES];
    uint64_t number = strtoull(account, NULL, 10);
    number = UINT64_C(1) << 47 | number << 7 | random_below(128);
    random_bytes(bytes, sizeof(bytes));
    for (int i = 0; i < BYTES_OF_ACCOUNT; i++)
        bytes[i] = (uint8_t)(number >> 8 * (BYTES_OF_ACCOUNT - 1 - i));

    char text[CODED + 1] = "";
    for (int i = 0; i < CODED; i++) {
        int bit = 5 * i, at = bit / 8;
        unsigned window = (unsigned)bytes[at] << 8 | (at + 1 < BYTES ? bytes[at + 1] : 0);
        text[i] = alphabet[window >> (11 - bit % 8) & 31];
    }
    return text_format(ctx, "%s%s", prefix, text);
}

bool sigv4_account_of(slice access_key_id, char account[SIGV4_ACCOUNT_MAX])
{
    uint64_t number = 0;
    if (access_key_id.length != PREFIX + CODED)
        return false;
    for (size_t i = 0; i < CODED; i++) {
        char c = access_key_id.at[PREFIX + i];
        const char *found = c == '\0' ? NULL : strchr(alphabet, c);
        if (found == NULL)
            return false;
        if (i < 10) /* the first 50 bits hold the 48 that we want */
            number = number << 5 | (uint64_t)(found - alphabet);
    }
    number >>= 2;
    uint64_t owner = (number & UINT64_C(0x7fffffffff80)) >> 7;
    if (number >> 47 == 0 || owner > UINT64_C(999999999999))
        return false;
    snprintf(account, SIGV4_ACCOUNT_MAX, "%012llu", (unsigned long long)owner);
    return true;
}
