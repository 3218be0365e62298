/* random.h - the one place that draws random numbers, from the operating system's generator through OpenSSL. A
   generator that fails ends the process. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t length);
uint64_t random_u64(void);
uint64_t random_below(uint64_t bound); /* 0 to bound - 1, without bias; bound >= 1 */
char *random_uuid(void *ctx);          /* version 4, lower case */
/* `length` characters of `alphabet`, without bias. */
char *random_text(void *ctx, size_t length, const char *alphabet);

#define ALPHABET_BASE36 "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALPHABET_ID     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define ALPHABET_BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define ALPHABET_BASE62 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
