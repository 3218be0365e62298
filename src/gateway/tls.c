/* tls.c - the contexts, and the three questions of a handshake: which name, which protocol, which certificate. */
#include "gateway/tls.h"
#include "gateway/inner.h"
#include "gateway/library.h"
#include "base/encode.h"
#include "base/secret.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* IoTSecurityPolicy_TLS13_1_2_2022_10: AEAD first, forward secrecy first. */
static const char suites_1_3[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char suites_1_2[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:"
    "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:"
    "ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES128-SHA256:AES128-SHA:AES256-GCM-SHA384:AES256-SHA256:AES256-SHA";
static const char groups[] = "X25519:P-256:P-384:P-521";

enum { SECURITY_LEVEL = 2 }; /* 112 bits: what every suite and key of the policy reaches */

struct tls {
    struct library *library;
    SSL_CTX *context;
};

static int tls_free(struct tls *tls)
{
    SSL_CTX_free(tls->context); /* before the library, which is freed as a child */
    return 0;
}

/* ---- ClientHello: name, protocol, and whether a certificate is asked for ---- */

static slice hello_extension(SSL *ssl, unsigned type)
{
    const unsigned char *at;
    size_t length;
    if (SSL_client_hello_get0_ext(ssl, type, &at, &length) != 1)
        return (slice){ NULL, 0 };
    return slice_bytes(at, length);
}

static int trouble(struct greeting *greeting, enum tls_failure kind, const char *why, int *alert, int code)
{
    greeting->trouble = why;
    greeting->trouble_kind = kind;
    *alert = code;
    return SSL_CLIENT_HELLO_ERROR;
}

/* Devices are asked for a certificate and let in without one, to be refused by name; the credentials provider has
   nothing to say to who shows none: certificate_required (auth 4.4, row 1). */
static int verify_mode(const struct greeting *greeting)
{
    const struct port *port = greeting->port;
    if (greeting->is_credentials)
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    bool asks = port->asks_certificate || (port->alpn_asks_certificate & ALPN_BIT(greeting->alpn)) != 0;
    return asks ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
    struct greeting *greeting = SSL_get_app_data(ssl);
    const struct port *port = greeting->port;
    slice name;
    struct host_owner owner;
    (void)arg;

    greeting->server_name = greeting->account = NULL; /* a second hello after a retry counts alone */
    greeting->is_credentials = false;
    switch (hello_server_name(hello_extension(ssl, TLSEXT_TYPE_server_name), &name)) {
    case HELLO_UNNAMED:
        break;
    case HELLO_BROKEN:
        return trouble(greeting, TLS_FAILED_HELLO, "a broken server_name", alert, SSL_AD_DECODE_ERROR);
    case HELLO_NAMED:
        greeting->server_name = slice_text(greeting->ctx, name);
        if (!hosts_find(greeting->hosts, name, &owner))
            return trouble(greeting, TLS_FAILED_NAME, "an unknown server name", alert, SSL_AD_UNRECOGNIZED_NAME);
        greeting->account = owner.account ? text_copy(greeting->ctx, owner.account) : NULL;
        greeting->is_credentials = owner.is_credentials && port->serves_credentials;
    }
    slice protocols = hello_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation);
    unsigned taken = greeting->is_credentials ? ALPN_BIT(ALPN_HTTP_1_1) : port->alpn_taken;
    if (!hello_protocol(protocols, taken, &greeting->alpn))
        return trouble(greeting, TLS_FAILED_HELLO, "a broken list of protocols", alert, SSL_AD_DECODE_ERROR);
    SSL_set_verify(ssl, verify_mode(greeting), NULL);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *offered,
                   unsigned offered_length, void *arg)
{
    const struct greeting *greeting = SSL_get_app_data(ssl);
    (void)offered, (void)offered_length, (void)arg;
    if (greeting->alpn == ALPN_NONE)
        return SSL_TLSEXT_ERR_NOACK; /* no overlap never ends a handshake (x509.md 4.8) */
    *out = (const unsigned char *)alpn_name(greeting->alpn);
    *length = (unsigned char)strlen(alpn_name(greeting->alpn));
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the client's certificate: raw material, but its key must be one that we can afford to verify ---- */

static bool has_explicit_curve(X509 *leaf)
{
    X509_ALGOR *algorithm;
    const ASN1_OBJECT *oid;
    int type;
    if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(leaf)) != 1)
        return true;
    X509_ALGOR_get0(&oid, &type, NULL, algorithm);
    return OBJ_obj2nid(oid) == NID_X9_62_id_ecPublicKey && type != V_ASN1_OBJECT;
}

/* Verifying costs what the modulus and the public exponent say. */
static const char *unfit_rsa(EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    if (EVP_PKEY_get_bits(key) > CLIENT_RSA_BITS_MAX)
        return "a client key of more than 8192 bits";
    bool fits = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                BN_num_bits(exponent) <= CLIENT_EXPONENT_BITS_MAX;
    BN_free(exponent);
    return fits ? NULL : "a client key with an exponent of more than 64 bits";
}

static const char *unfit(X509_STORE_CTX *store)
{
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
    if (key == NULL)
        return "a client key of an unknown kind";
    if (sk_X509_num(chain) > CLIENT_CHAIN_MAX)
        return "a client chain of more than 10 certificates";
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)
        return unfit_rsa(key);
    return has_explicit_curve(leaf) ? "a client key on a curve without a name" : NULL;
}

static int on_certificate(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct greeting *greeting = SSL_get_app_data(ssl);
    const char *why = unfit(store);
    (void)arg;
    if (why == NULL)
        return 1;
    greeting->trouble = why;
    greeting->trouble_kind = TLS_FAILED_CERTIFICATE;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

/* ---- making ---- */

/* "DIR/server.pem: no start line". */
static error *unusable(void *ctx, const char *what, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error *e = error_new(ctx, "GatewayUnavailable", "%s: %s (%s).", path, what, reason ? reason : "no reason given");
    ERR_clear_error();
    return e;
}

static EVP_PKEY *read_key(struct library *library, const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey_ex(file, NULL, NULL, NULL, library_whole(library), NULL) : NULL;
    BIO_free(file);
    return key;
}

static FALLIBLE take_certificate(void *ctx, struct tls *tls, const struct gateway_certificate *certificate)
{
    if (certificate->chain_path == NULL)
        return NULL;
    if (SSL_CTX_use_certificate_chain_file(tls->context, certificate->chain_path) != 1)
        return unusable(ctx, "the server's certificate cannot be read", certificate->chain_path);
    EVP_PKEY *key = read_key(tls->library, certificate->key_path);
    int taken = key != NULL ? SSL_CTX_use_PrivateKey(tls->context, key) : 0;
    EVP_PKEY_free(key);
    if (taken != 1)
        return unusable(ctx, "the server's key cannot be read or does not fit", certificate->key_path);
    return NULL;
}

static void set_up(SSL_CTX *context)
{
    /* What the system's configuration may have set is unset first. */
    SSL_CTX_clear_options(context, SSL_CTX_get_options(context));
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY); /* so that a flood of records without data gives up its turn */
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_read_ahead(context, 1); /* a flight of records is one read */
    SSL_CTX_set_max_cert_list(context, CLIENT_CHAIN_BYTES);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, NULL);
    SSL_CTX_set_client_hello_cb(context, on_hello, NULL);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
}

static bool set_policy(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, suites_1_2) == 1 && SSL_CTX_set_ciphersuites(context, suites_1_3) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}

FALLIBLE tls_new(void *ctx, const struct gateway_certificate certificates[2], struct tls **out)
{
    struct tls *tls = MAKE(ctx, struct tls);
    talloc_set_destructor(tls, tls_free);
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    tls->library = library_new(tls);
    if (tls->library != NULL)
        tls->context = SSL_CTX_new_ex(library_of_handshakes(tls->library), NULL, TLS_server_method());
    if (tls->context == NULL || !set_policy(tls->context))
        return unusable(ctx, "this machine's OpenSSL cannot do what is needed", "TLS");
    set_up(tls->context);
    TRY(take_certificate(ctx, tls, &certificates[0]));
    TRY(take_certificate(ctx, tls, &certificates[1]));
    *out = tls;
    return NULL;
}

SSL *tls_accept(struct tls *tls, int fd, struct greeting *greeting)
{
    SSL *ssl = SSL_new(tls->context);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
        abort(); /* out of memory */
    SSL_set_app_data(ssl, greeting);
    SSL_set_accept_state(ssl);
    return ssl;
}

void tls_certificate_id(SSL *ssl, char id[CERTIFICATE_ID_LENGTH + 1])
{
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    unsigned char *der = NULL;
    int length = leaf ? i2d_X509(leaf, &der) : 0;
    id[0] = '\0';
    if (length > 0) {
        char *hex = digest_sha256_hex(NULL, slice_bytes(der, (size_t)length));
        memcpy(id, hex, CERTIFICATE_ID_LENGTH + 1);
        talloc_free(hex);
    }
    OPENSSL_free(der);
}

/* ---- failures ---- */

static const char *const failure_names[TLS_FAILURES] = {
    [TLS_FAILED_OTHER] = "other",        [TLS_FAILED_GONE] = "gone",
    [TLS_FAILED_NOT_TLS] = "not-tls",    [TLS_FAILED_VERSION] = "version",
    [TLS_FAILED_SUITE] = "suite",        [TLS_FAILED_NAME] = "unknown-name",
    [TLS_FAILED_HELLO] = "broken-hello", [TLS_FAILED_CERTIFICATE] = "client-certificate",
    [TLS_FAILED_ALERT] = "alert",
};

static const struct {
    int reason;
    enum tls_failure failure;
} of_reason[] = {
    { SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILED_VERSION },
    { SSL_R_UNKNOWN_PROTOCOL, TLS_FAILED_VERSION },
    { SSL_R_VERSION_TOO_LOW, TLS_FAILED_VERSION },
    { SSL_R_NO_SHARED_CIPHER, TLS_FAILED_SUITE },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILED_SUITE },
    { SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILED_SUITE },
    { SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_FAILED_SUITE },
    { SSL_R_HTTP_REQUEST, TLS_FAILED_NOT_TLS },
    { SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILED_NOT_TLS },
    { SSL_R_WRONG_VERSION_NUMBER, TLS_FAILED_NOT_TLS },
    { SSL_R_EXCESSIVE_MESSAGE_SIZE, TLS_FAILED_CERTIFICATE },
    { SSL_R_BAD_SIGNATURE, TLS_FAILED_CERTIFICATE },
    { SSL_R_CERTIFICATE_VERIFY_FAILED, TLS_FAILED_CERTIFICATE },
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_FAILED_CERTIFICATE },
    { SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_FAILED_GONE },
};

const char *tls_failure_name(enum tls_failure failure)
{
    return failure_names[failure];
}

static enum tls_failure failure_of_reason(int reason)
{
    for (size_t i = 0; i < sizeof(of_reason) / sizeof(of_reason[0]); i++)
        if (of_reason[i].reason == reason)
            return of_reason[i].failure;
    return reason >= SSL_AD_REASON_OFFSET ? TLS_FAILED_ALERT : TLS_FAILED_OTHER;
}

enum tls_failure tls_failure_of(const struct greeting *greeting, int kind, const char **why)
{
    unsigned long code = ERR_peek_error();
    *why = greeting->trouble;
    if (greeting->trouble != NULL)
        return (enum tls_failure)greeting->trouble_kind;
    *why = "the client went away";
    if (kind != SSL_ERROR_SSL || code == 0)
        return TLS_FAILED_GONE;
    const char *reason = ERR_reason_error_string(code);
    *why = reason ? reason : "TLS failed";
    return failure_of_reason(ERR_GET_REASON(code));
}
