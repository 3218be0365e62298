/* tls.h - TLS of one loop: its own library context, so that loops share no lock, and one SSL_CTX for all its ports.

   Versions and suites are those of IoTSecurityPolicy_TLS13_1_2_2022_10 (x509.md 4.8): 1.2 and 1.3, no tickets, no
   resumption, no renegotiation; the security level is ours, not openssl.cnf's. The handshake does not judge a client's
   certificate: whoever proves that the key is his passes, and is refused later by name. Loop thread only. */
#pragma once
#include "gateway/gateway.h"
#include "gateway/hello.h"
#include "gateway/hosts.h"
#include <openssl/ssl.h>

struct port;
struct tls;

enum {
    CERTIFICATE_ID_LENGTH = 64,
    CLIENT_RSA_BITS_MAX = 8192,
    CLIENT_EXPONENT_BITS_MAX = 64,
    CLIENT_CHAIN_MAX = 10,
    CLIENT_CHAIN_BYTES = 16384
};

/* Fails with GatewayUnavailable, naming the file. */
FALLIBLE tls_new(void *ctx, const struct gateway_certificate certificates[2], struct tls **out);

/* What the ClientHello decided; in the connection. */
struct greeting {
    void *ctx; /* owns the texts */
    const struct port *port;
    const struct hosts *hosts; /* during the handshake */
    const char *server_name;   /* SNI; NULL: none */
    const char *account;       /* of that name; NULL: none */
    bool is_credentials;       /* it is an account's credentials host, on a port where that says something */
    enum alpn alpn;
    const char *trouble; /* why the handshake was refused by us; NULL: it was not */
    int trouble_kind;    /* enum tls_failure */
};

/* Server side of a connection; `greeting` lives as long as it. */
SSL *tls_accept(struct tls *tls, int fd, struct greeting *greeting);

/* The SHA-256 of the client's certificate, 64 hexadecimal digits; "" when it showed none. */
void tls_certificate_id(SSL *ssl, char id[CERTIFICATE_ID_LENGTH + 1]);

/* ---- why handshakes fail, as they are counted ---- */

enum tls_failure {
    TLS_FAILED_OTHER,
    TLS_FAILED_GONE,
    TLS_FAILED_NOT_TLS,
    TLS_FAILED_VERSION,
    TLS_FAILED_SUITE,
    TLS_FAILED_NAME,
    TLS_FAILED_HELLO,
    TLS_FAILED_CERTIFICATE,
    TLS_FAILED_ALERT,
    TLS_FAILURES
};
const char *tls_failure_name(enum tls_failure failure); /* "unknown-name" */
/* Of the operation that failed just now with SSL_get_error's `kind`; *why is for a log line. */
enum tls_failure tls_failure_of(const struct greeting *greeting, int kind, const char **why);
