/* secret.c - the master key, digests, constant time, and the keyed hash.

   OpenSSL 3 looks an algorithm up at each use unless it was fetched: SHA-256 of a short text then costs three times as
   much. So each thread keeps its tools: fetched once for the process, their contexts made once a thread. */
#include "base/secret.h"
#include "base/encode.h"
#include "base/random.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16, SEAL_VERSION = 1, SEAL_OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES };

static pthread_once_t tools_once = PTHREAD_ONCE_INIT;
static pthread_key_t tools_key;
static EVP_MD *sha256;
static EVP_MD *sha1;
static EVP_MAC *hmac;
static EVP_CIPHER *aes;

struct tools {
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *hmac; /* HMAC-SHA256, waiting for a key */
};

/* An algorithm that OpenSSL refuses means a broken installation: nothing may go on without it. */
static void must(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "muster: OpenSSL failed: %s\n", what);
        abort();
    }
}

static void tools_free(void *at)
{
    struct tools *tools = at;
    EVP_MD_CTX_free(tools->digest);
    EVP_MAC_CTX_free(tools->hmac);
    free(tools);
}

static void tools_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    must(sha256 != NULL && sha1 != NULL && hmac != NULL && aes != NULL, "SHA-256, SHA-1, HMAC and AES-256-GCM");
    must(pthread_key_create(&tools_key, tools_free) == 0, "thread keys");
}

static struct tools *tools_here(void)
{
    pthread_once(&tools_once, tools_fetch);
    struct tools *tools = pthread_getspecific(tools_key);
    if (tools != NULL)
        return tools;

    tools = calloc(1, sizeof(*tools));
    must(tools != NULL, "memory");
    tools->digest = EVP_MD_CTX_new();
    tools->hmac = EVP_MAC_CTX_new(hmac);
    must(tools->digest != NULL && tools->hmac != NULL, "memory");
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                OSSL_PARAM_construct_end() };
    must(EVP_MAC_CTX_set_params(tools->hmac, parameters), "HMAC-SHA256");
    pthread_setspecific(tools_key, tools);
    return tools;
}

static void digest(EVP_MD *algorithm, slice bytes, uint8_t *out)
{
    EVP_MD_CTX *context = tools_here()->digest;
    must(EVP_DigestInit_ex(context, algorithm, NULL) && EVP_DigestUpdate(context, bytes.at, bytes.length) &&
             EVP_DigestFinal_ex(context, out, NULL),
         "a digest");
}

void digest_sha256(slice bytes, uint8_t out[DIGEST_BYTES])
{
    tools_here(); /* fetches */
    digest(sha256, bytes, out);
}

void digest_hmac_sha256(slice key, slice bytes, uint8_t out[DIGEST_BYTES])
{
    EVP_MAC_CTX *context = tools_here()->hmac;
    const uint8_t none[1] = { 0 }; /* an empty key is a key; NULL would mean the one of the last call */
    const uint8_t *key_at = key.length == 0 ? none : (const uint8_t *)key.at;
    size_t length;
    must(EVP_MAC_init(context, key_at, key.length, NULL) &&
             EVP_MAC_update(context, (const uint8_t *)bytes.at, bytes.length) &&
             EVP_MAC_final(context, out, &length, DIGEST_BYTES),
         "HMAC-SHA256");
}

char *digest_sha256_hex(void *ctx, slice bytes)
{
    uint8_t out[DIGEST_BYTES];
    digest_sha256(bytes, out);
    return hex_encode(ctx, slice_bytes(out, sizeof(out)));
}

char *digest_sha1_hex_upper(void *ctx, slice bytes)
{
    uint8_t out[20];
    tools_here(); /* fetches */
    digest(sha1, bytes, out);
    char *text = hex_encode(ctx, slice_bytes(out, sizeof(out)));
    for (char *c = text; *c != '\0'; c++)
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    return text;
}

void secret_wipe(void *at, size_t length)
{
    OPENSSL_cleanse(at, length);
}

bool secret_equal(slice a, slice b)
{
    return a.length == b.length && (a.length == 0 || CRYPTO_memcmp(a.at, b.at, a.length) == 0);
}

struct master_key {
    uint8_t bytes[MASTER_KEY_BYTES];
};

static int master_key_wiped(struct master_key *key)
{
    secret_wipe(key->bytes, sizeof(key->bytes));
    return 0;
}

struct master_key *master_key_new(void *ctx, const uint8_t bytes[MASTER_KEY_BYTES])
{
    struct master_key *key = MAKE(ctx, struct master_key);
    memcpy(key->bytes, bytes, MASTER_KEY_BYTES);
    talloc_set_destructor(key, master_key_wiped);
    return key;
}

static error *broken_key(void *ctx, const char *path, const char *reason)
{
    return error_new(ctx, "InvalidMasterKey", "The master key %s %s.", path, reason);
}

static FALLIBLE read_key(void *ctx, const char *path, int file, uint8_t bytes[MASTER_KEY_BYTES])
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return broken_key(ctx, path, strerror(errno));
    if (!S_ISREG(about.st_mode) || about.st_size != MASTER_KEY_BYTES)
        return broken_key(ctx, path, "is not a file of 32 bytes");
    if ((about.st_mode & 077) != 0)
        return broken_key(ctx, path, "may be read by others: make its mode 0600");
    if (read(file, bytes, MASTER_KEY_BYTES) != MASTER_KEY_BYTES)
        return broken_key(ctx, path, "cannot be read");
    return NULL;
}

FALLIBLE master_key_read(void *ctx, const char *path, struct master_key **out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return error_new(ctx, "InvalidMasterKey", "The master key %s cannot be opened: %s.", path, strerror(errno));
    uint8_t bytes[MASTER_KEY_BYTES];
    error *e = read_key(ctx, path, file, bytes);
    close(file);
    if (e == NULL)
        *out = master_key_new(ctx, bytes);
    secret_wipe(bytes, sizeof(bytes));
    return e;
}

FALLIBLE master_key_create(void *ctx, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_new(ctx, "InvalidMasterKey", "The master key %s cannot be made: %s.", path, strerror(errno));
    uint8_t bytes[MASTER_KEY_BYTES];
    random_bytes(bytes, sizeof(bytes));
    bool written = write(file, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) && fsync(file) == 0;
    secret_wipe(bytes, sizeof(bytes));
    if (close(file) != 0 || !written) {
        unlink(path);
        return broken_key(ctx, path, "could not be written");
    }
    return NULL;
}

/* A key of its own for each use and purpose, so that no sealed text is ever a valid MAC or the other way round. */
static void derive(const struct master_key *key, const char *use, const char *purpose, uint8_t out[DIGEST_BYTES])
{
    SCRATCH scratch = talloc_new(NULL);
    const char *label = text_format(scratch, "muster:%s:%s", use, purpose);
    digest_hmac_sha256(slice_bytes(key->bytes, sizeof(key->bytes)), slice_of(label), out);
}

void master_key_mac(const struct master_key *key, const char *purpose, slice text, uint8_t out[DIGEST_BYTES])
{
    uint8_t derived[DIGEST_BYTES];
    derive(key, "mac", purpose, derived);
    digest_hmac_sha256(slice_bytes(derived, sizeof(derived)), text, out);
    secret_wipe(derived, sizeof(derived));
}

/* Version, nonce, ciphertext, tag; `purpose` is the additional authenticated data. */
slice master_key_seal(void *ctx, const struct master_key *key, const char *purpose, slice clear)
{
    size_t length = SEAL_OVERHEAD + clear.length;
    uint8_t *sealed = memory_zeroed(ctx, 1, length, "sealed");
    uint8_t *nonce = sealed + 1, *text = nonce + NONCE_BYTES, *tag = text + clear.length;
    uint8_t derived[DIGEST_BYTES];
    derive(key, "seal", purpose, derived);
    sealed[0] = SEAL_VERSION;
    random_bytes(nonce, NONCE_BYTES);

    int done;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL && EVP_EncryptInit_ex2(cipher, aes, derived, nonce, NULL) &&
             EVP_EncryptUpdate(cipher, NULL, &done, (const uint8_t *)purpose, (int)strlen(purpose)) &&
             (clear.length == 0 ||
              EVP_EncryptUpdate(cipher, text, &done, (const uint8_t *)clear.at, (int)clear.length)) &&
             EVP_EncryptFinal_ex(cipher, tag, &done) &&
             EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag),
         "AES-256-GCM");
    EVP_CIPHER_CTX_free(cipher);
    secret_wipe(derived, sizeof(derived));
    return slice_bytes(sealed, length);
}

bool master_key_open(void *ctx, const struct master_key *key, const char *purpose, slice sealed, slice *clear)
{
    if (sealed.length < SEAL_OVERHEAD || sealed.at[0] != SEAL_VERSION)
        return false;
    size_t length = sealed.length - SEAL_OVERHEAD;
    const uint8_t *nonce = (const uint8_t *)sealed.at + 1, *text = nonce + NONCE_BYTES;
    uint8_t tag[TAG_BYTES], derived[DIGEST_BYTES];
    memcpy(tag, text + length, TAG_BYTES);
    derive(key, "seal", purpose, derived);

    int done;
    uint8_t *out = memory_zeroed(ctx, 1, length + 1, "clear");
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL, "memory");
    bool opened = EVP_DecryptInit_ex2(cipher, aes, derived, nonce, NULL) &&
                  EVP_DecryptUpdate(cipher, NULL, &done, (const uint8_t *)purpose, (int)strlen(purpose)) &&
                  (length == 0 || EVP_DecryptUpdate(cipher, out, &done, text, (int)length)) &&
                  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) &&
                  EVP_DecryptFinal_ex(cipher, out + length, &done) > 0;
    EVP_CIPHER_CTX_free(cipher);
    secret_wipe(derived, sizeof(derived));
    if (!opened) {
        secret_wipe(out, length);
        talloc_free(out);
        return false;
    }
    *clear = slice_bytes(out, length);
    return true;
}
