/* jwt.c - tokens: decoded, verified, judged (auth 3.5.4; RFC 7515, 7518, 7519). */
#include "sts/jwk.h"
#include "base/encode.h"
#include <math.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

enum { HEADER_DEPTH = 4, CLAIMS_DEPTH = 16, HEADER_MAX = 4096, SUBJECT_MAX = 255, AUDIENCES_MAX = 100 };

const struct jwt_algorithm jwt_algorithms[] = {
    { "RS256", "SHA256", "RSA", NULL, NULL, 0 },           { "RS384", "SHA384", "RSA", NULL, NULL, 0 },
    { "RS512", "SHA512", "RSA", NULL, NULL, 0 },           { "ES256", "SHA256", "EC", "P-256", "prime256v1", 32 },
    { "ES384", "SHA384", "EC", "P-384", "secp384r1", 48 }, { "ES512", "SHA512", "EC", "P-521", "secp521r1", 66 },
};
const size_t jwt_algorithm_count = sizeof(jwt_algorithms) / sizeof(*jwt_algorithms);

/* ---- decoding ---- */

static size_t count_members(const json *value)
{
    size_t count = 0;
    if (json_is_object(value)) {
        json_object_object_foreach ((json *)(uintptr_t)value, key, member) {
            (void)key;
            count += 1 + count_members(member);
        }
    }
    for (size_t i = 0; json_is_array(value) && i < json_object_array_length(value); i++)
        count += count_members(json_object_array_get_idx(value, i));
    return count;
}

/* Of a text that is JSON: one for each member, also for those that a later one of the same name replaced. */
static size_t count_colons(slice text)
{
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        if (quoted && text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            quoted = !quoted;
        else
            count += !quoted && text.at[i] == ':';
    }
    return count;
}

FALLIBLE jwt_parse_object(void *ctx, slice text, int depth, json **out)
{
    TRY(json_parse(ctx, text, depth, out));
    if (!json_is_object(*out))
        return error_new(ctx, "InvalidJson", "It is not an object.");
    if (count_colons(text) != count_members(*out))
        return error_new(ctx, "InvalidJson", "It has a member twice.");
    return NULL;
}

static error *malformed(void *ctx, const char *why)
{
    return error_new(ctx, "TokenMalformed", "The token is no signed JWT: %s.", why);
}

static FALLIBLE split(void *ctx, slice token, slice part[3])
{
    slice rest = token;
    size_t count = 0;
    if (token.length > JWT_LENGTH_MAX)
        return malformed(ctx, "it is too long");
    while (count < 3 && slice_split(&rest, '.', &part[count]))
        count++;
    if (count != 3 || rest.at != NULL || part[0].length == 0 || part[1].length == 0 || part[2].length == 0)
        return malformed(ctx, "it has not three parts");
    return NULL;
}

static FALLIBLE read_header(void *ctx, slice text, struct jwt *jwt)
{
    slice bytes;
    json *header;
    if (text.length > HEADER_MAX || !base64url_decode(ctx, text, &bytes))
        return malformed(ctx, "its header is not base64url, or too long");
    error *e = jwt_parse_object(ctx, bytes, HEADER_DEPTH, &header);
    if (e != NULL)
        return error_because(ctx, e, "TokenMalformed", "The token is no signed JWT: its header is not JSON.");
    slice name = json_get_slice(header, "alg");
    for (size_t i = 0; i < jwt_algorithm_count && name.at != NULL; i++)
        if (slice_is(name, jwt_algorithms[i].name))
            jwt->algorithm = &jwt_algorithms[i];
    if (jwt->algorithm == NULL)
        return malformed(ctx, "its algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512");
    if (json_get(header, "crit") != NULL || json_object_object_get_ex(header, "crit", NULL))
        return malformed(ctx, "its header has critical members");
    if (json_object_object_get_ex(header, "kid", NULL) && !json_is_text(json_get(header, "kid")))
        return malformed(ctx, "its kid is no text");
    jwt->kid = json_get_slice(header, "kid");
    return NULL;
}

/* RFC 7519: seconds, perhaps with a fraction. False: absent, or no such number. */
static bool read_date(const struct jwt *jwt, const char *name, int64_t *out)
{
    json *value = json_get(jwt->claims, name);
    if (json_is_integer(value)) {
        *out = json_object_get_int64(value);
        return true;
    }
    double number = json_is_number(value) ? json_object_get_double(value) : NAN;
    if (!(fabs(number) < 1e15))
        return false;
    *out = (int64_t)number - (number < (double)(int64_t)number); /* down, as floor does */
    return true;
}

static FALLIBLE read_claims(void *ctx, slice text, struct jwt *jwt)
{
    slice bytes;
    if (!base64url_decode(ctx, text, &bytes))
        return malformed(ctx, "its claims are not base64url");
    error *e = jwt_parse_object(ctx, bytes, CLAIMS_DEPTH, &jwt->claims);
    if (e != NULL)
        return error_because(ctx, e, "TokenMalformed", "The token is no signed JWT: its claims are not JSON.");
    slice issuer = json_get_slice(jwt->claims, "iss");
    if (issuer.length == 0 || memchr(issuer.at, '\0', issuer.length) != NULL)
        return malformed(ctx, "it names no issuer");
    jwt->issuer = slice_text(jwt, issuer);
    return NULL;
}

FALLIBLE jwt_decode(void *ctx, slice token, struct jwt **out)
{
    slice part[3];
    struct jwt *jwt = MAKE(ctx, struct jwt);
    TRY(split(ctx, token, part));
    TRY(read_header(ctx, part[0], jwt));
    TRY(read_claims(ctx, part[1], jwt));
    if (!base64url_decode(ctx, part[2], &jwt->signature))
        return malformed(ctx, "its signature is not base64url");
    jwt->signed_part = (slice){ token.at, part[0].length + 1 + part[1].length };
    *out = jwt;
    return NULL;
}

/* ---- the signature ---- */

/* A JWS holds r and s one behind the other; OpenSSL wants them in DER. False: the length is wrong. */
static bool ecdsa_der(void *ctx, slice raw, size_t coordinate, slice *out)
{
    unsigned char *der = NULL;
    if (raw.length != 2 * coordinate)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.at, (int)coordinate, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)raw.at + coordinate, (int)coordinate, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
        abort();
    int length = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    if (length <= 0)
        return false;
    *out = slice_copy(ctx, slice_bytes(der, (size_t)length));
    OPENSSL_free(der);
    return true;
}

static bool is_signed(const struct jwt *jwt, const struct jwk *key, slice signature)
{
    EVP_MD_CTX *how = EVP_MD_CTX_new();
    if (how == NULL)
        abort();
    bool good = EVP_DigestVerifyInit_ex(how, NULL, jwt->algorithm->digest, NULL, NULL, key->key, NULL) == 1 &&
                EVP_DigestVerify(how, (const unsigned char *)signature.at, signature.length,
                                 (const unsigned char *)jwt->signed_part.at, jwt->signed_part.length) == 1;
    EVP_MD_CTX_free(how);
    ERR_clear_error(); /* the queue is the thread's */
    return good;
}

FALLIBLE jwt_verify(void *ctx, const struct jwt *jwt, const struct jwk *key)
{
    slice signature = jwt->signature;
    bool whole = jwt->algorithm->coordinate == 0 || ecdsa_der(ctx, signature, jwt->algorithm->coordinate, &signature);
    if (!whole || !is_signed(jwt, key, signature))
        return error_new(ctx, "TokenSignature", "The signature of the token is not its issuer's.");
    return NULL;
}

/* ---- the claims ---- */

bool jwt_same_issuer(slice one, slice other)
{
    one.length -= slice_ends(one, "/");
    other.length -= slice_ends(other, "/");
    return slice_equal(one, other);
}

static FALLIBLE check_times(void *ctx, struct jwt *jwt, int64_t now_s)
{
    static const char *const starts[] = { "iat", "nbf" };
    if (!read_date(jwt, "exp", &jwt->expires_s))
        return error_new(ctx, "TokenClaim", "Missing a required claim: exp");
    if (jwt->expires_s <= now_s - JWT_GRACE_S)
        return error_new(ctx, "TokenExpired",
                         "Token expired: current date/time %lld must be before the expiration date/time %lld",
                         (long long)now_s, (long long)jwt->expires_s);
    for (size_t i = 0; i < 2; i++) {
        int64_t start;
        if (!json_object_object_get_ex(jwt->claims, starts[i], NULL))
            continue;
        if (!read_date(jwt, starts[i], &start))
            return error_new(ctx, "TokenClaim", "The claim %s is no date.", starts[i]);
        if (start > now_s + JWT_GRACE_S)
            return error_new(ctx, "TokenEarly", "The token is not valid before %lld (%s); it is %lld now.",
                             (long long)start, starts[i], (long long)now_s);
    }
    return NULL;
}

static const char *listed(const struct jwt_expectation *expected, slice client_id)
{
    for (size_t i = 0; i < expected->client_id_count && client_id.at != NULL; i++)
        if (slice_is(client_id, expected->client_ids[i]))
            return expected->client_ids[i];
    return NULL;
}

/* azp is whom it was made for; without it, anyone that aud names. */
static FALLIBLE check_client(void *ctx, struct jwt *jwt, const struct jwt_expectation *expected)
{
    json *aud = json_get(jwt->claims, "aud");
    size_t count = json_is_array(aud) ? json_object_array_length(aud) : 0;
    if (!json_is_text(aud) && (count == 0 || count > AUDIENCES_MAX))
        return error_new(ctx, "TokenClaim", "Missing a required claim: aud");
    const char *found = listed(expected, json_text(aud));
    for (size_t i = 0; i < count && found == NULL; i++)
        found = listed(expected, json_text(json_object_array_get_idx(aud, i)));
    if (json_object_object_get_ex(jwt->claims, "azp", NULL))
        found = listed(expected, json_get_slice(jwt->claims, "azp"));
    if (found == NULL)
        return error_new(ctx, "TokenAudience", "Incorrect token audience");
    jwt->client_id = text_copy(jwt, found);
    return NULL;
}

FALLIBLE jwt_check(void *ctx, struct jwt *jwt, const struct jwt_expectation *expected)
{
    slice subject = json_get_slice(jwt->claims, "sub");
    if (!jwt_same_issuer(slice_of(jwt->issuer), slice_of(expected->issuer)))
        return error_new(ctx, "TokenIssuer", "The token's issuer is not %s.", expected->issuer);
    TRY(check_times(ctx, jwt, expected->now_s));
    TRY(check_client(ctx, jwt, expected));
    if (subject.length == 0 || memchr(subject.at, '\0', subject.length) != NULL)
        return error_new(ctx, "TokenSubject", "Missing a required claim: sub");
    if (subject.length > SUBJECT_MAX)
        return error_new(ctx, "TokenSubject", "The claim sub is longer than %d bytes.", SUBJECT_MAX);
    jwt->subject = slice_text(jwt, subject);
    return NULL;
}
