/* inner.h - what the files of this room share. */
#pragma once
#include "device/device.h"
#include <openssl/ssl.h>
#include <sys/socket.h>

enum { ADDRESSES_MAX = 8 };

struct device_server {
    const char *host;
    bool is_address; /* an IP literal: no SNI, and the certificate must name the address */
    struct address {
        struct sockaddr_storage at;
        socklen_t length;
    } addresses[ADDRESSES_MAX];
    size_t address_count;
};

/* A fresh SSL over a connected descriptor, with host-name check, SNI and ALPN. Fails with InvalidIdentity. */
FALLIBLE identity_dress(void *ctx, const struct device_identity *identity, const struct device_server *server,
                        const char *alpn, int fd, SSL **out);
/* What went wrong in the handshake, or later: the certificate's fault, the peer's alert, or OpenSSL's reason. Empties
   the error queue. The result is static or hangs off ctx. */
const char *identity_trouble(void *ctx, const SSL *ssl);
