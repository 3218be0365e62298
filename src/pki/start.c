/* start.c - OpenSSL, as we want it. */
#include "pki/internal.h"
#include "base/log.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>

static struct pki_digests digests;
static pthread_once_t started = PTHREAD_ONCE_INIT;

void pki_must(bool done, const char *what)
{
    if (done)
        return;
    SCRATCH ctx = talloc_new(NULL);
    log_error(NULL, "OpenSSL cannot %s: %s", what, openssl_error(ctx)->message);
    abort();
}

static void start(void)
{
    pki_must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1, "start");
    digests.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    digests.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    pki_must(digests.sha1 != NULL && digests.sha256 != NULL, "hash");
}

void pki_start(void)
{
    pthread_once(&started, start);
}

const struct pki_digests *pki_digests(void)
{
    pki_start();
    return &digests;
}

error *openssl_error(void *ctx)
{
    char text[256] = "no reason given";
    unsigned long code = ERR_peek_last_error();
    if (code != 0)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    return error_new(ctx, "OpenSSL", "%s", text);
}
