/* jwk.h - what jwt.c and jwks.c share: algorithms and keys. */
#pragma once
#include "sts/jwt.h"
#include <openssl/evp.h>

struct jwt_algorithm {
    const char *name, *digest;
    const char *type;  /* "RSA", "EC" */
    const char *curve; /* of EC, as a JWK names it */
    const char *group; /* the same, as OpenSSL does */
    size_t coordinate; /* bytes of a coordinate, and of half a signature */
};
extern const struct jwt_algorithm jwt_algorithms[];
extern const size_t jwt_algorithm_count;

struct jwk {
    slice kid;       /* at == NULL: it has none */
    slice algorithm; /* what it is for; at == NULL: whatever fits */
    const char *type, *curve;
    EVP_PKEY *key;
};
