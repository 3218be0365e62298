/* trust.c - chains known by the thumbprint of their topmost certificate (auth 3.5.5). */
#include "fetch/inner.h"
#include "base/encode.h"
#include <openssl/ssl.h>

static bool is_listed(const struct fetch *fetch, X509 *certificate)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length;
    SCRATCH scratch = talloc_new(NULL);
    if (X509_digest(certificate, EVP_sha1(), hash, &length) != 1)
        return false;
    slice text = slice_of(hex_encode(scratch, slice_bytes(hash, length)));
    for (size_t i = 0; i < fetch->request.thumbprint_count; i++)
        if (slice_is_nocase(text, fetch->request.thumbprints[i]))
            return true;
    return false;
}

/* Does the chain that was presented lead up to its own last certificate? */
static bool leads_up(X509 *leaf, STACK_OF(X509) * chain, X509 *top)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *judge = X509_STORE_CTX_new();
    if (store == NULL || judge == NULL)
        abort();
    bool good = X509_STORE_add_cert(store, top) == 1 && X509_STORE_CTX_init(judge, store, leaf, chain) == 1 &&
                X509_STORE_CTX_set_default(judge, "ssl_server") == 1;
    X509_STORE_CTX_set_flags(judge, X509_V_FLAG_PARTIAL_CHAIN);
    good = good && X509_verify_cert(judge) == 1;
    X509_STORE_CTX_free(judge);
    X509_STORE_free(store);
    return good;
}

static int verify(X509_STORE_CTX *presented, void *arg)
{
    const struct fetch *fetch = arg;
    if (X509_verify_cert(presented) == 1)
        return 1;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(presented);
    int count = chain ? sk_X509_num(chain) : 0;
    X509 *leaf = X509_STORE_CTX_get0_cert(presented), *top = count > 0 ? sk_X509_value(chain, count - 1) : leaf;
    if (leaf == NULL || !is_listed(fetch, top) || !leads_up(leaf, chain, top))
        return 0;
    X509_STORE_CTX_set_error(presented, X509_V_OK); /* libcurl looks there, and then at the host name */
    return 1;
}

static CURLcode set_verify(CURL *easy, void *context, void *fetch)
{
    (void)easy;
    SSL_CTX_set_cert_verify_callback(context, verify, fetch);
    return CURLE_OK;
}

void trust_thumbprints(struct fetch *fetch)
{
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_CTX_FUNCTION, set_verify);
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_CTX_DATA, fetch);
    /* Nobody who does not trust these thumbprints shares the connection or its TLS session. */
    curl_easy_setopt(fetch->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(fetch->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}
