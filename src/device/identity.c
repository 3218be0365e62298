/* identity.c - as whom a device connects, and to whom: TLS contexts and addresses. */
#include "device/inner.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct device_identity {
    SSL_CTX *context;
};

/* ---- addresses ---- */

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

FALLIBLE device_server_find(void *ctx, const char *host, uint16_t port, struct device_server **out)
{
    struct addrinfo wish = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found;
    int status = getaddrinfo(host, text_format(ctx, "%u", port), &wish, &found);
    if (status != 0)
        return error_new(ctx, "Unreachable", "%s: %s.", host, gai_strerror(status));
    struct device_server *server = MAKE(ctx, struct device_server);
    server->host = text_copy(server, host);
    server->is_address = is_address(host);
    for (const struct addrinfo *i = found; i != NULL && server->address_count < ADDRESSES_MAX; i = i->ai_next) {
        struct address *address = &server->addresses[server->address_count++];
        memcpy(&address->at, i->ai_addr, i->ai_addrlen);
        address->length = i->ai_addrlen;
    }
    freeaddrinfo(found);
    *out = server;
    return NULL;
}

/* ---- contexts ---- */

static int context_free(struct device_identity *identity)
{
    SSL_CTX_free(identity->context);
    return 0;
}

static error *faulty(void *ctx, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error *e = error_new(ctx, "InvalidIdentity", "%s cannot be used: %s.", what, reason ? reason : "it is not PEM");
    ERR_clear_error();
    return e;
}

static BIO *bio_of(slice pem)
{
    return BIO_new_mem_buf(pem.at, (int)pem.length);
}

/* Every certificate of the text; the count. */
static int each_certificate(slice pem, bool (*take)(SSL_CTX *, X509 *, int index), SSL_CTX *context)
{
    BIO *bio = bio_of(pem);
    int count = 0;
    bool taken = true;
    for (X509 *x; bio != NULL && taken && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; count += taken) {
        taken = take(context, x, count);
        X509_free(x);
    }
    BIO_free(bio);
    if (taken && count > 0)
        ERR_clear_error(); /* the end of the text is no error */
    return taken ? count : 0;
}

static bool trust(SSL_CTX *context, X509 *x, int index)
{
    (void)index;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), x) == 1;
}

static bool present(SSL_CTX *context, X509 *x, int index)
{
    return index == 0 ? SSL_CTX_use_certificate(context, x) == 1 : SSL_CTX_add1_chain_cert(context, x) == 1;
}

static bool use_key(SSL_CTX *context, slice pem)
{
    BIO *bio = bio_of(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    bool used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return used;
}

FALLIBLE device_identity_new(void *ctx, slice ca_pem, slice certificate_pem, slice private_pem,
                             struct device_identity **out)
{
    struct device_identity *identity = MAKE(ctx, struct device_identity);
    talloc_set_destructor(identity, context_free);
    ERR_clear_error();
    SSL_CTX *context = identity->context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return faulty(ctx, "This machine's OpenSSL");
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (each_certificate(ca_pem, trust, context) == 0)
        return faulty(ctx, "The trusted CA");
    if (each_certificate(certificate_pem, present, context) == 0)
        return faulty(ctx, "The device's certificate");
    if (!use_key(context, private_pem))
        return faulty(ctx, "The device's private key");
    *out = identity;
    return NULL;
}

/* ---- one connection ---- */

static bool expect_host(SSL *ssl, const struct device_server *server)
{
    if (server->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server->host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, server->host) == 1 && SSL_set_tlsext_host_name(ssl, server->host) == 1;
}

static bool offer(SSL *ssl, const char *protocol)
{
    unsigned char list[256];
    size_t length = strlen(protocol);
    if (length == 0 || length >= sizeof(list))
        return false;
    list[0] = (unsigned char)length;
    memcpy(list + 1, protocol, length);
    return SSL_set_alpn_protos(ssl, list, (unsigned)length + 1) == 0;
}

FALLIBLE identity_dress(void *ctx, const struct device_identity *identity, const struct device_server *server,
                        const char *alpn, int fd, SSL **out)
{
    SSL *ssl = SSL_new(identity->context);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || !expect_host(ssl, server) || (alpn != NULL && !offer(ssl, alpn))) {
        SSL_free(ssl);
        return faulty(ctx, "The server's name or protocol");
    }
    SSL_set_connect_state(ssl);
    *out = ssl;
    return NULL;
}

const char *identity_trouble(void *ctx, const SSL *ssl)
{
    unsigned long code = ERR_peek_last_error();
    long verified = SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(code);
    const char *text = verified != X509_V_OK
                           ? text_format(ctx, "the server's certificate: %s", X509_verify_cert_error_string(verified))
                       : reason != NULL ? text_copy(ctx, reason)
                                        : "the server broke off";
    ERR_clear_error();
    return text;
}
