/* secret.h - what must not stay in memory, leak through time or be forged.

   The master key (32 bytes, DIR/master.key) encrypts what must be read back (AES-256-GCM; `purpose` is authenticated,
   so that a sealed secret of one table cannot be moved to another) and authenticates what we hand out (HMAC-SHA256
   with a key derived for the purpose). */
#pragma once
#include "base/bytes.h"

enum { MASTER_KEY_BYTES = 32, DIGEST_BYTES = 32 };

struct master_key; /* immutable after it was made; any thread */

void secret_wipe(void *at, size_t length);
bool secret_equal(slice a, slice b); /* constant time for equal lengths */

struct master_key *master_key_new(void *ctx, const uint8_t bytes[MASTER_KEY_BYTES]); /* wiped when freed */
/* Fails with InvalidMasterKey: the file is missing, is not 32 bytes, or others may read it; names the path. */
FALLIBLE master_key_read(void *ctx, const char *path, struct master_key **out);
FALLIBLE master_key_create(void *ctx, const char *path); /* 0600, O_EXCL, synced */

slice master_key_seal(void *ctx, const struct master_key *key, const char *purpose, slice clear);
bool master_key_open(void *ctx, const struct master_key *key, const char *purpose, slice sealed, slice *clear);
void master_key_mac(const struct master_key *key, const char *purpose, slice text, uint8_t out[DIGEST_BYTES]);

void digest_sha256(slice bytes, uint8_t out[DIGEST_BYTES]);
void digest_hmac_sha256(slice key, slice bytes, uint8_t out[DIGEST_BYTES]);
char *digest_sha256_hex(void *ctx, slice bytes);     /* 64 lower-case digits */
char *digest_sha1_hex_upper(void *ctx, slice bytes); /* 40 upper-case digits: names of policies made by templates */
/* Keyed 64-bit hash (SipHash-2-4 with a key drawn at start) for tables over strangers' names. */
uint64_t hash_keyed(slice bytes);
enum { HASH_KEY_BYTES = 16 };
uint64_t hash_siphash(const char key[HASH_KEY_BYTES], slice bytes); /* for who brings a key: the published vectors */
