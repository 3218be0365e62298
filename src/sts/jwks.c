/* jwks.c - the keys of an issuer (RFC 7517, 7518). */
#include "sts/jwk.h"
#include "base/encode.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdatomic.h>

enum { SET_DEPTH = 8, RSA_LEAST_BITS = 2048, RSA_MOST_BITS = 8192, EXPONENT_MOST_BYTES = 8 };

struct jwk_set {
    atomic_int references;
    struct jwk *keys;
    size_t count;
};

OWNER(EVP_PKEY, EVP_PKEY_free)

/* ---- numbers of a key ---- */

static BIGNUM *read_number(void *ctx, json *source, const char *name, size_t most)
{
    slice bytes;
    if (!base64url_decode(ctx, json_get_slice(source, name), &bytes) || bytes.length == 0 || bytes.length > most)
        return NULL;
    return BN_bin2bn((const unsigned char *)bytes.at, (int)bytes.length, NULL);
}

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *how = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (how == NULL || params == NULL || EVP_PKEY_fromdata_init(how) != 1)
        abort();
    if (EVP_PKEY_fromdata(how, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(how);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *read_rsa(void *ctx, json *source)
{
    EVP_PKEY *key = NULL;
    BIGNUM *n = read_number(ctx, source, "n", RSA_MOST_BITS / 8);
    BIGNUM *e = read_number(ctx, source, "e", EXPONENT_MOST_BYTES);
    if (n != NULL && e != NULL && BN_num_bits(n) >= RSA_LEAST_BITS && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e)) {
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
        OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
        key = key_of_params("RSA", params);
        OSSL_PARAM_free(params);
        OSSL_PARAM_BLD_free(build);
    }
    BN_free(n);
    BN_free(e);
    return key;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *read_ec(void *ctx, json *source, const struct jwt_algorithm *algorithm)
{
    slice x, y;
    size_t size = algorithm->coordinate;
    if (!base64url_decode(ctx, json_get_slice(source, "x"), &x) || x.length != size ||
        !base64url_decode(ctx, json_get_slice(source, "y"), &y) || y.length != size)
        return NULL;
    writer point = writer_new(ctx, 2 * size + 1);
    writer_u8(&point, POINT_CONVERSION_UNCOMPRESSED);
    writer_slice(&point, x);
    writer_slice(&point, y);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, algorithm->group, 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.at, point.length);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = key_of_params("EC", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* ---- keys ---- */

static bool may_verify(json *source)
{
    json *use = json_get(source, "use"), *operations = json_get_array(source, "key_ops");
    if (use != NULL && !slice_is(json_text(use), "sig"))
        return false;
    for (size_t i = 0; operations && i < json_object_array_length(operations); i++)
        if (slice_is(json_text(json_object_array_get_idx(operations, i)), "verify"))
            return true;
    return operations == NULL;
}

/* False: it is none that we could use. */
static bool read_key(void *ctx, json *source, struct jwk *out)
{
    slice type = json_get_slice(source, "kty"), curve = json_get_slice(source, "crv");
    *out = (struct jwk){ .kid = json_get_slice(source, "kid"), .algorithm = json_get_slice(source, "alg") };
    if (!json_is_object(source) || !may_verify(source))
        return false;
    for (size_t i = 0; i < jwt_algorithm_count && out->key == NULL; i++) {
        const struct jwt_algorithm *algorithm = &jwt_algorithms[i];
        if (!slice_is(type, algorithm->type) || (algorithm->curve != NULL && !slice_is(curve, algorithm->curve)))
            continue;
        out->type = algorithm->type;
        out->curve = algorithm->curve;
        out->key = algorithm->curve ? read_ec(ctx, source, algorithm) : read_rsa(ctx, source);
        if (out->key == NULL)
            return false;
    }
    return out->key != NULL;
}

static void keep_key(struct jwk_set *set, const struct jwk *key)
{
    struct jwk *kept = ARRAY_ADD(set, set->keys, set->count);
    *kept = *key;
    kept->kid = key->kid.at ? slice_copy(set, key->kid) : key->kid;
    kept->algorithm = key->algorithm.at ? slice_copy(set, key->algorithm) : key->algorithm;
    EVP_PKEY_own(set, kept->key);
}

FALLIBLE jwk_set_parse(void *ctx, slice text, struct jwk_set **out)
{
    SCRATCH scratch = talloc_new(NULL);
    json *source;
    if (text.length > JWK_SET_BYTES_MAX)
        return error_new(ctx, "InvalidKeys", "The keys have more than %d bytes.", JWK_SET_BYTES_MAX);
    error *e = jwt_parse_object(scratch, text, SET_DEPTH, &source);
    if (e != NULL)
        return error_new(ctx, "InvalidKeys", "The keys cannot be read: %s", e->message);
    json *keys = json_get_array(source, "keys");
    if (keys == NULL || json_object_array_length(keys) > JWK_SET_MAX)
        return error_new(ctx, "InvalidKeys", "The member \"keys\" is no list of at most %d keys.", JWK_SET_MAX);
    struct jwk_set *set = MAKE(NULL, struct jwk_set);
    atomic_init(&set->references, 1);
    for (size_t i = 0; i < json_object_array_length(keys); i++) {
        struct jwk key;
        if (read_key(scratch, json_object_array_get_idx(keys, i), &key))
            keep_key(set, &key);
    }
    *out = set;
    return NULL;
}

struct jwk_set *jwk_set_share(struct jwk_set *set)
{
    atomic_fetch_add(&set->references, 1);
    return set;
}

void jwk_set_drop(struct jwk_set *set)
{
    if (set != NULL && atomic_fetch_sub(&set->references, 1) == 1)
        talloc_free(set);
}

size_t jwk_set_count(const struct jwk_set *set)
{
    return set->count;
}

bool jwk_set_knows(const struct jwk_set *set, slice kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].kid.at != NULL && slice_equal(set->keys[i].kid, kid))
            return true;
    return false;
}

static bool fits(const struct jwk *key, const struct jwt_algorithm *algorithm)
{
    return strcmp(key->type, algorithm->type) == 0 &&
           (algorithm->curve == NULL || strcmp(key->curve, algorithm->curve) == 0) &&
           (key->algorithm.at == NULL || slice_is(key->algorithm, algorithm->name));
}

const struct jwk *jwk_set_find(const struct jwk_set *set, const struct jwt *jwt)
{
    const struct jwk *found = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct jwk *key = &set->keys[i];
        if (!fits(key, jwt->algorithm))
            continue;
        if (jwt->kid.at != NULL && key->kid.at != NULL && slice_equal(key->kid, jwt->kid))
            return key;
        if (jwt->kid.at == NULL && found != NULL)
            return NULL; /* which one is meant nobody says */
        if (jwt->kid.at == NULL)
            found = key;
    }
    return found;
}
