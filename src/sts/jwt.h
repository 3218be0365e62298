/* jwt.h - tokens of OpenID Connect providers, and the keys that sign them (auth 3.5.4). Pure: no clock, no socket.

   A token goes through three hands, and each may say no:

       jwt_decode           three parts of base64url, a header with an algorithm of the table, an object of claims
       jwk_set_find         the key of its kid among those of its issuer
       jwt_verify           the signature
       jwt_check            issuer, times with five minutes of grace, client id, subject

   Until jwt_verify agreed, nothing in a token is true: its issuer only says where to look for keys. The errors are for
   the log, and for who translates them into the words of his interface, by their names:

       TokenMalformed   TokenKey (no such key)   TokenSignature   TokenIssuer   TokenExpired   TokenEarly
       TokenAudience    TokenSubject             TokenClaim (one that is missing or of a wrong type) */
#pragma once
#include "base/json.h"

enum { JWT_LENGTH_MAX = 50000, JWT_GRACE_S = 300, JWK_SET_MAX = 100, JWK_SET_BYTES_MAX = 512 * 1024 };

/* A JSON object in which no object has a member twice. Fails with InvalidJson. */
FALLIBLE jwt_parse_object(void *ctx, slice text, int depth, json **out);

/* ---- tokens ---- */

struct jwt_algorithm; /* a row of the table in jwt.c: RS256, RS384, RS512, ES256, ES384, ES512 */

struct jwt {
    const struct jwt_algorithm *algorithm;
    slice kid;         /* at == NULL: the header has none */
    slice signed_part; /* of the token that was decoded: it must outlive this */
    slice signature;
    json *claims;          /* an object */
    const char *issuer;    /* iss as the token spells it */
    int64_t expires_s;     /* exp */
    const char *subject;   /* after jwt_check */
    const char *client_id; /* after jwt_check: azp, or the one of aud that was expected */
};

/* Fails with TokenMalformed. Neither "none" nor a MAC is an algorithm here, and no header adds a key. */
FALLIBLE jwt_decode(void *ctx, slice token, struct jwt **out);

struct jwt_expectation {
    const char *issuer; /* with its scheme; one slash at the end does not count */
    const char *const *client_ids;
    size_t client_id_count;
    int64_t now_s;
};
FALLIBLE jwt_check(void *ctx, struct jwt *jwt, const struct jwt_expectation *expected);

/* Two issuers, but for one slash at the end. */
bool jwt_same_issuer(slice one, slice other);

/* ---- keys: immutable, shared by counted references, any thread ---- */

struct jwk;
struct jwk_set;

/* RFC 7517. Keys of other kinds and uses are passed over, as are weak ones: RSA has 2048 to 8192 bits, EC is P-256, P-384
   or P-521. Fails with InvalidKeys: no JSON, no list of keys, more than JWK_SET_MAX. The first reference is the caller's,
   who drops it; errors are made in ctx. */
FALLIBLE jwk_set_parse(void *ctx, slice text, struct jwk_set **out);
struct jwk_set *jwk_set_share(struct jwk_set *set);
void jwk_set_drop(struct jwk_set *set); /* NULL is nothing */
size_t jwk_set_count(const struct jwk_set *set);
bool jwk_set_knows(const struct jwk_set *set, slice kid);

/* The key that this token names. A token without a kid means the only key that fits its algorithm. NULL: none. */
const struct jwk *jwk_set_find(const struct jwk_set *set, const struct jwt *jwt);

/* Fails with TokenSignature. */
FALLIBLE jwt_verify(void *ctx, const struct jwt *jwt, const struct jwk *key);
