/* secret_test.c - published vectors; sealed secrets that were changed or moved; key files that others may read. */
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"
#include "table.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static slice repeated(void *ctx, char c, size_t count)
{
    return slice_bytes(memset(memory_zeroed(ctx, 1, count, "bytes"), c, count), count);
}

static const struct hmac {
    const char *name;
    const char *key_hex; /* NULL: 131 times 0xaa */
    const char *data;    /* NULL: 50 times data_byte */
    char data_byte;
    const char *mac;
} hmacs[] = {
    { "RFC 4231 4.2", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There", 0,
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "RFC 4231 4.3", "4a656665", "what do ya want for nothing?", 0,
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "RFC 4231 4.4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, (char)0xdd,
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "RFC 4231 4.5", "0102030405060708090a0b0c0d0e0f10111213141516171819", NULL, (char)0xcd,
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { "RFC 4231 4.7: a key longer than a block", NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { "an empty key and text", "", "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void hmac_vector(void **state)
{
    const struct hmac *row = *state;
    void *ctx = talloc_new(NULL);
    slice key = repeated(ctx, (char)0xaa, 131);
    if (row->key_hex != NULL)
        assert_true(hex_decode(ctx, slice_of(row->key_hex), &key));
    slice data = row->data ? slice_of(row->data) : repeated(ctx, row->data_byte, 50);
    uint8_t out[DIGEST_BYTES];
    digest_hmac_sha256(key, data, out);
    assert_string_equal(hex_encode(ctx, slice_bytes(out, sizeof(out))), row->mac);
    talloc_free(ctx);
}

static const struct digest {
    const char *name, *text, *sha256, *sha1;
} digests[] = {
    { "FIPS 180: abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "A9993E364706816ABA3E25717850C26C9CD0D89D" },
    { "nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709" },
};

static void digest_vector(void **state)
{
    const struct digest *row = *state;
    void *ctx = talloc_new(NULL);
    assert_string_equal(digest_sha256_hex(ctx, slice_of(row->text)), row->sha256);
    assert_string_equal(digest_sha1_hex_upper(ctx, slice_of(row->text)), row->sha1);
    talloc_free(ctx);
}

static const struct sip {
    const char *name;
    size_t length;
    const char *hash; /* little-endian, as the authors print it */
} sips[] = {
    { "SipHash vector 0", 0, "310e0edd47db6f72" },   { "SipHash vector 1", 1, "fd67dc93c539f874" },
    { "SipHash vector 7", 7, "37d1018bf50002ab" },   { "SipHash vector 8", 8, "6224939a79f5f593" },
    { "SipHash vector 15", 15, "e545be4961ca29a1" }, { "SipHash vector 63", 63, "724506eb4c328a95" },
};

static void sip_vector(void **state)
{
    const struct sip *row = *state;
    void *ctx = talloc_new(NULL);
    char key[HASH_KEY_BYTES], text[64];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    memcpy(key, text, sizeof(key));
    uint64_t hash = hash_siphash(key, slice_bytes(text, row->length));
    char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(hash >> (8 * i));
    assert_string_equal(hex_encode(ctx, slice_bytes(bytes, sizeof(bytes))), row->hash);
    assert_true(hash_keyed(slice_bytes(text, 9)) == hash_keyed(slice_bytes(text, 9)));
    assert_true(hash_keyed(slice_bytes(text, 9)) != hash_keyed(slice_bytes(text, 8)));
    talloc_free(ctx);
}

enum { UNCHANGED = -1, SHORTENED = -2 };

static const struct seal {
    const char *name;
    slice clear;
    const char *opened_for;
    int changed; /* the byte that is changed; from the end when 100 and more */
    bool other_key;
    bool opens;
} seals[] = {
    { "sealed and opened", SLICE("wJalrXUtnFEMI"), "access key", UNCHANGED, false, true },
    { "nothing sealed and opened", SLICE(""), "access key", UNCHANGED, false, true },
    { "moved to another purpose", SLICE("wJalrXUtnFEMI"), "function environment", UNCHANGED, false, false },
    { "opened with another key", SLICE("wJalrXUtnFEMI"), "access key", UNCHANGED, true, false },
    { "another version", SLICE("wJalrXUtnFEMI"), "access key", 0, false, false },
    { "a changed nonce", SLICE("wJalrXUtnFEMI"), "access key", 1, false, false },
    { "a changed text", SLICE("wJalrXUtnFEMI"), "access key", 14, false, false },
    { "a changed tag", SLICE("wJalrXUtnFEMI"), "access key", 41, false, false },
    { "a byte cut off", SLICE("wJalrXUtnFEMI"), "access key", SHORTENED, false, false },
    { "cut off nothing", SLICE(""), "access key", SHORTENED, false, false },
};

static void opens(void **state)
{
    const struct seal *row = *state;
    void *ctx = talloc_new(NULL);
    uint8_t bytes[MASTER_KEY_BYTES] = { 1, 2, 3 };
    struct master_key *key = master_key_new(ctx, bytes);
    slice sealed = master_key_seal(ctx, key, "access key", row->clear), clear;
    assert_false(slice_equal(sealed, master_key_seal(ctx, key, "access key", row->clear)));
    if (row->changed >= 0)
        ((char *)(uintptr_t)sealed.at)[row->changed] ^= 1;
    if (row->changed == SHORTENED)
        sealed.length--;
    bytes[0] ^= row->other_key;
    struct master_key *opener = master_key_new(ctx, bytes);
    assert_int_equal(master_key_open(ctx, opener, row->opened_for, sealed, &clear), row->opens);
    if (row->opens)
        assert_true(slice_equal(clear, row->clear));
    talloc_free(ctx);
}

static const struct {
    const char *name;
} macs[] = { { "a MAC depends on key, purpose and text; equality is by content" } };

static void authenticates(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    uint8_t bytes[MASTER_KEY_BYTES] = { 7 };
    uint8_t mac[DIGEST_BYTES], same[DIGEST_BYTES], other[DIGEST_BYTES];
    struct master_key *key = master_key_new(ctx, bytes);
    master_key_mac(key, "page", SLICE("text"), mac);
    master_key_mac(key, "page", SLICE("text"), same);
    assert_true(secret_equal(slice_bytes(mac, sizeof(mac)), slice_bytes(same, sizeof(same))));
    master_key_mac(key, "session", SLICE("text"), other);
    assert_false(secret_equal(slice_bytes(mac, sizeof(mac)), slice_bytes(other, sizeof(other))));
    master_key_mac(key, "page", SLICE("texu"), other);
    assert_false(secret_equal(slice_bytes(mac, sizeof(mac)), slice_bytes(other, sizeof(other))));
    assert_false(secret_equal(SLICE("a"), SLICE("ab")));
    assert_true(secret_equal(SLICE(""), (slice){ NULL, 0 }));
    talloc_free(ctx);
}

static const struct file {
    const char *name;
    int length; /* -1: no file; -2: as master_key_create makes it */
    mode_t mode;
    bool taken;
} files[] = {
    { "as it was made", -2, 0600, true },
    { "32 bytes", 32, 0400, true },
    { "no file", -1, 0600, false },
    { "31 bytes", 31, 0600, false },
    { "33 bytes", 33, 0600, false },
    { "an empty file", 0, 0600, false },
    { "readable by the group", 32, 0640, false },
    { "readable by all", 32, 0604, false },
};

static void reads_file(void **state)
{
    const struct file *row = *state;
    void *ctx = talloc_new(NULL);
    char folder[] = "/tmp/muster-secret-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = text_format(ctx, "%s/master.key", folder);
    if (row->length == -2) {
        assert_null(master_key_create(ctx, path));
        struct stat about;
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 07777, 0600);
        assert_true(error_is(master_key_create(ctx, path), "InvalidMasterKey")); /* it is never overwritten */
    } else if (row->length >= 0) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "%.*s", row->length, "0123456789abcdef0123456789abcdef0123456789");
        fclose(file);
        assert_int_equal(chmod(path, row->mode), 0);
    }
    struct master_key *key = NULL;
    error *e = master_key_read(ctx, path, &key);
    unlink(path);
    rmdir(folder);
    assert_int_equal(e == NULL, row->taken);
    assert_int_equal(key != NULL, row->taken);
    if (e != NULL) {
        assert_true(error_is(e, "InvalidMasterKey"));
        assert_non_null(strstr(e->message, path));
    }
    talloc_free(ctx);
}

static const struct random {
    const char *name;
    uint64_t bound;
} randoms[] = { { "one", 1 }, { "six", 6 }, { "a power of two", 64 }, { "past 2^63", (1ull << 63) + 1 } };

static void draws(void **state)
{
    const struct random *row = *state;
    void *ctx = talloc_new(NULL);
    for (int i = 0; i < 1000; i++)
        assert_true(random_below(row->bound) < row->bound);
    char *text = random_text(ctx, 40, "ab");
    assert_int_equal(strlen(text), 40);
    assert_int_equal(strspn(text, "ab"), 40);
    char *uuid = random_uuid(ctx);
    assert_int_equal(strlen(uuid), 36);
    assert_true(uuid[14] == '4' && strchr("89ab", uuid[19]) != NULL);
    assert_string_not_equal(uuid, random_uuid(ctx));
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(hmacs, hmac_vector), TABLE(digests, digest_vector), TABLE(sips, sip_vector),
                      TABLE(seals, opens), TABLE(macs, authenticates), TABLE(files, reads_file), TABLE(randoms, draws));
}
