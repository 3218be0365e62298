/* jwks_fuzz.c - whatever an issuer publishes as its keys, reading it ends; what is taken is bounded, and every key is one
   that a token of its kind can be held against. */
#include "sts/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH ctx = talloc_new(NULL);
    char signature[132] = { 1 };
    struct jwk_set *set;

    if (jwk_set_parse(ctx, slice_bytes(data, size), &set) != NULL)
        return 0;
    if (jwk_set_count(set) > JWK_SET_MAX)
        abort();
    for (size_t i = 0; i < jwt_algorithm_count; i++) {
        const struct jwt_algorithm *algorithm = &jwt_algorithms[i];
        struct jwt jwt = { .algorithm = algorithm,
                           .kid = SLICE("a"),
                           .signed_part = SLICE("e30.e30"),
                           .signature = { signature, algorithm->coordinate ? 2 * algorithm->coordinate : 132 } };
        const struct jwk *key = jwk_set_find(set, &jwt);
        if (key != NULL && (!jwk_set_knows(set, jwt.kid) || EVP_PKEY_get_security_bits(key->key) < 112))
            abort();
        if (key != NULL && jwt_verify(ctx, &jwt, key) == NULL)
            abort();
    }
    jwk_set_drop(jwk_set_share(set));
    jwk_set_drop(set);
    return 0;
}
