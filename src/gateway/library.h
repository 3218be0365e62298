/* library.h - OpenSSL's default provider without the decoders that a handshake never uses.

   To read the key of a client's certificate OpenSSL 3.0 lines up all of its fifty decoders, every time: a tenth of the
   server's work for a connection. In this context it finds the four that read public keys of RSA, EC and Ed25519, and
   everything else as ever: algorithms are the default provider's own, which stands whole in a context of its own. */
#pragma once
#include "base/memory.h"
#include <openssl/crypto.h>

struct library;

/* NULL when this machine's OpenSSL cannot do it. */
struct library *library_new(void *ctx);
OSSL_LIB_CTX *library_of_handshakes(struct library *library);
OSSL_LIB_CTX *library_whole(struct library *library); /* reads private keys too */
