/* hash.c - SipHash-2-4 (Aumasson and Bernstein, 2012). */
#include "base/random.h"
#include "base/secret.h"
#include <pthread.h>

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
        v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
    }
}

static uint64_t little_endian(const char *at, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return value;
}

uint64_t hash_siphash(const char key[HASH_KEY_BYTES], slice bytes)
{
    uint64_t low = little_endian(key, 8), high = little_endian(key + 8, 8);
    uint64_t v[4] = { low ^ 0x736f6d6570736575, high ^ 0x646f72616e646f6d, low ^ 0x6c7967656e657261,
                      high ^ 0x7465646279746573 };
    size_t whole = bytes.length - bytes.length % 8;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = little_endian(bytes.at + i, 8);
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)bytes.length << 56 | little_endian(slice_from(bytes, whole).at, bytes.length % 8);
    v[3] ^= last;
    rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static char process_key[HASH_KEY_BYTES];

static void draw_key(void)
{
    random_bytes(process_key, sizeof(process_key));
}

uint64_t hash_keyed(slice bytes)
{
    pthread_once(&key_once, draw_key);
    return hash_siphash(process_key, bytes);
}
