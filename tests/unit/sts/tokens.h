/* tokens.h - an issuer of our own: keys, their JWKs, tokens signed with OpenSSL's own functions. */
#pragma once
#include "base/encode.h"
#include "sts/jwt.h"
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

static const int64_t NOW_S = 1768465800; /* 2026-01-15T08:30:00Z */
#define ISSUER "https://id.example.test/realms/plant"

#define MUST(done)   \
    do {             \
        if (!(done)) \
            abort(); \
    } while (0)

enum key_kind { RSA_ONE, RSA_TWO, RSA_WEAK, EC_256, EC_384, EC_521, KEY_KINDS };

static inline EVP_PKEY *key_of(enum key_kind kind)
{
    static EVP_PKEY *keys[KEY_KINDS];
    static const char *const curves[] = { [EC_256] = "P-256", [EC_384] = "P-384", [EC_521] = "P-521" };
    if (keys[kind] == NULL)
        keys[kind] = kind < EC_256 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)(kind == RSA_WEAK ? 1024 : 2048))
                                   : EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[kind]);
    MUST(keys[kind] != NULL);
    return keys[kind];
}

static inline const char *number_of(void *ctx, enum key_kind kind, const char *name, size_t size)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];
    MUST(EVP_PKEY_get_bn_param(key_of(kind), name, &number) == 1);
    size = size ? size : (size_t)BN_num_bytes(number);
    MUST(BN_bn2binpad(number, bytes, (int)size) == (int)size);
    BN_free(number);
    return base64url_encode(ctx, slice_bytes(bytes, size));
}

/* {"kty": ..., more}; `more` begins with a comma or is empty. */
static inline const char *jwk_of(void *ctx, enum key_kind kind, const char *more)
{
    static const struct {
        const char *curve;
        size_t size;
    } curves[] = { [EC_256] = { "P-256", 32 }, [EC_384] = { "P-384", 48 }, [EC_521] = { "P-521", 66 } };
    if (kind < EC_256)
        return text_format(ctx, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                           number_of(ctx, kind, OSSL_PKEY_PARAM_RSA_N, 0),
                           number_of(ctx, kind, OSSL_PKEY_PARAM_RSA_E, 0), more);
    return text_format(ctx, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s}", curves[kind].curve,
                       number_of(ctx, kind, OSSL_PKEY_PARAM_EC_PUB_X, curves[kind].size),
                       number_of(ctx, kind, OSSL_PKEY_PARAM_EC_PUB_Y, curves[kind].size), more);
}

static inline slice raw_of(void *ctx, const unsigned char *der, size_t length, size_t half)
{
    unsigned char raw[132];
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    MUST(pair != NULL);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)half);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, (int)half);
    ECDSA_SIG_free(pair);
    return slice_copy(ctx, slice_bytes(raw, 2 * half));
}

static inline slice signature_of(void *ctx, enum key_kind kind, const char *digest, slice text)
{
    static const size_t halves[KEY_KINDS] = { [EC_256] = 32, [EC_384] = 48, [EC_521] = 66 };
    unsigned char bytes[512];
    size_t length = sizeof(bytes);
    EVP_MD_CTX *how = EVP_MD_CTX_new();
    MUST(EVP_DigestSignInit_ex(how, NULL, digest, NULL, NULL, key_of(kind), NULL) == 1);
    MUST(EVP_DigestSign(how, bytes, &length, (const unsigned char *)text.at, text.length) == 1);
    EVP_MD_CTX_free(how);
    return halves[kind] ? raw_of(ctx, bytes, length, halves[kind]) : slice_copy(ctx, slice_bytes(bytes, length));
}

static inline const char *token_of(void *ctx, enum key_kind kind, const char *digest, const char *header,
                                   const char *claims)
{
    const char *first =
        text_format(ctx, "%s.%s", base64url_encode(ctx, slice_of(header)), base64url_encode(ctx, slice_of(claims)));
    return text_format(ctx, "%s.%s", first, base64url_encode(ctx, signature_of(ctx, kind, digest, slice_of(first))));
}
