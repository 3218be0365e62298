/* jwt_fuzz.c - whatever a stranger sends as a token, reading it ends; what is taken has one spelling, an algorithm with
   a public key, and is signed by nobody whom we know. */
#include "sts/jwk.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jwk keys_of(const struct jwt *jwt)
{
    static EVP_PKEY *rsa, *ec[3];
    static const char *const curves[] = { "P-256", "P-384", "P-521" };
    if (rsa == NULL)
        rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    for (int i = 0; i < 3; i++)
        ec[i] = ec[i] ? ec[i] : EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[i]);
    struct jwk key = { .type = jwt->algorithm->type, .key = rsa };
    for (int i = 0; i < 3; i++)
        if (jwt->algorithm->curve != NULL && strcmp(jwt->algorithm->curve, curves[i]) == 0)
            key.key = ec[i];
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const clients[] = { "app", "other" };
    static const struct jwt_expectation expected = { "https://id.example.test", clients, 2, 1768465800 };
    SCRATCH ctx = talloc_new(NULL);
    slice token = slice_bytes(data, size), rest = token, part, bytes;
    struct jwt *jwt;

    if (jwt_decode(ctx, token, &jwt) != NULL)
        return 0;
    while (slice_split(&rest, '.', &part))
        if (!base64url_decode(ctx, part, &bytes) || !slice_is(part, base64url_encode(ctx, bytes)))
            abort();
    struct jwk key = keys_of(jwt);
    if (jwt_verify(ctx, jwt, &key) == NULL)
        abort();
    if (jwt_check(ctx, jwt, &expected) == NULL &&
        ((strcmp(jwt->client_id, "app") != 0 && strcmp(jwt->client_id, "other") != 0) || jwt->subject[0] == '\0' ||
         jwt->expires_s <= expected.now_s - JWT_GRACE_S))
        abort();
    return 0;
}
