/* introduction.c - the certificates that a client sent, as bytes, on their way to the server. */
#include "gateway/introduction.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>

bool introduction_helps(const struct gateway *gateway, const error *refused)
{
    return gateway->options.lookups.introduce != NULL && (error_is(refused, "DEVICE_CERTIFICATE_NOT_REGISTERED") ||
                                                          error_is(refused, "DEVICE_CERTIFICATE_PENDING_ACTIVATION"));
}

static void add(void *ctx, X509 *certificate, slice *chain, size_t *count)
{
    unsigned char *der = NULL;
    int length = certificate ? i2d_X509(certificate, &der) : 0;
    if (length > 0)
        chain[(*count)++] = slice_copy(ctx, slice_bytes(der, (size_t)length));
    OPENSSL_free(der);
}

/* tls.c has bounded how many there are and how long. On a server OpenSSL's chain is without the client's own. */
static size_t chain_of(void *ctx, SSL *ssl, slice **out)
{
    size_t count = 0;
    STACK_OF(X509) *others = SSL_get_peer_cert_chain(ssl);
    int others_count = others ? sk_X509_num(others) : 0;
    slice *chain = MAKE_ARRAY(ctx, slice, (size_t)others_count + 1);
    add(ctx, SSL_get0_peer_certificate(ssl), chain, &count);
    for (int i = 0; i < others_count; i++)
        add(ctx, sk_X509_value(others, i), chain, &count);
    *out = chain;
    return count;
}

void introduction_begin(struct connection *connection, slice client_id, void (*done)(void *arg, const error *refused),
                        void *arg)
{
    const struct gateway_options *options = &connection->station->gateway->options;
    SCRATCH ctx = talloc_new(NULL);
    slice *chain;
    size_t count = chain_of(ctx, connection->ssl, &chain);
    options->lookups.introduce(options->lookups.arg, &(struct gateway_introduction){
                                                         .account = connection->greeting.account,
                                                         .region = options->regions[0],
                                                         .chain = chain,
                                                         .chain_count = count,
                                                         .client_id = client_id,
                                                         .source_ip = connection->address,
                                                         .home = connection->station->loop,
                                                         .done = done,
                                                         .arg = arg,
                                                     });
}
