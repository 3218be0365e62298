/* jwt_test.c - tokens (auth 3.5.4): what is one, who signed it, and whether its claims hold. */
#include "tokens.h"
#include "table.h"

#define GOOD_CLAIMS "{\"iss\":\"" ISSUER "\",\"sub\":\"ada\",\"aud\":\"app\",\"exp\":1768469400,\"iat\":1768465800}"

/* ---- what is a token ---- */

static const struct shape {
    const char *name, *header, *claims, *signature; /* as they stand before base64url */
    const char *outcome;
} shapes[] = {
    { "a token", "{\"alg\":\"RS256\"}", GOOD_CLAIMS, "x", NULL },
    { "an algorithm of elliptic curves", "{\"alg\":\"ES384\",\"kid\":\"a\"}", GOOD_CLAIMS, "x", NULL },
    { "alg none", "{\"alg\":\"none\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "alg none without a signature", "{\"alg\":\"none\"}", GOOD_CLAIMS, "", "TokenMalformed" },
    { "alg None", "{\"alg\":\"None\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "a MAC", "{\"alg\":\"HS256\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "RSA-PSS", "{\"alg\":\"PS256\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "EdDSA", "{\"alg\":\"EdDSA\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "no alg", "{\"kid\":\"a\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "alg is a list", "{\"alg\":[\"RS256\"]}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "alg twice", "{\"alg\":\"none\",\"alg\":\"RS256\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "alg twice, once in escapes", "{\"\\u0061lg\":\"none\",\"alg\":\"RS256\"}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "crit", "{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "crit is null", "{\"alg\":\"RS256\",\"crit\":null}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "kid is a number", "{\"alg\":\"RS256\",\"kid\":1}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "a header that is a list", "[]", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "a header that is no JSON", "{alg:RS256}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "a deep header", "{\"alg\":\"RS256\",\"x\":[[[[[[1]]]]]]}", GOOD_CLAIMS, "x", "TokenMalformed" },
    { "claims that are text", "{\"alg\":\"RS256\"}", "\"iss\"", "x", "TokenMalformed" },
    { "claims with something after them", "{\"alg\":\"RS256\"}", GOOD_CLAIMS "{}", "x", "TokenMalformed" },
    { "sub twice", "{\"alg\":\"RS256\"}", "{\"iss\":\"i\",\"sub\":\"a\",\"sub\":\"b\"}", "x", "TokenMalformed" },
    { "a member twice, deep down", "{\"alg\":\"RS256\"}", "{\"iss\":\"i\",\"x\":[{\"a\":1,\"a\":2}]}", "x",
      "TokenMalformed" },
    { "colons in texts are none", "{\"alg\":\"RS256\"}", "{\"iss\":\"a:\\\":b\",\"x:y\":\":\"}", "x", NULL },
    { "no issuer", "{\"alg\":\"RS256\"}", "{\"sub\":\"a\"}", "x", "TokenMalformed" },
    { "an issuer with a NUL", "{\"alg\":\"RS256\"}", "{\"iss\":\"https://a\\u0000b\"}", "x", "TokenMalformed" },
    { "no signature", "{\"alg\":\"RS256\"}", GOOD_CLAIMS, "", "TokenMalformed" },
};

static void is_token(void **state)
{
    const struct shape *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct jwt *jwt;
    const char *token =
        text_format(ctx, "%s.%s.%s", base64url_encode(ctx, slice_of(row->header)),
                    base64url_encode(ctx, slice_of(row->claims)), base64url_encode(ctx, slice_of(row->signature)));
    error *e = jwt_decode(ctx, slice_of(token), &jwt);
    assert_string_equal(e ? e->name : "", row->outcome ? row->outcome : "");
}

static const struct text {
    const char *name, *token;
} texts[] = {
    { "nothing", "" },
    { "one part", "eyJhbGciOiJSUzI1NiJ9" },
    { "two parts", "eyJhbGciOiJSUzI1NiJ9.e30" },
    { "four parts", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIn0.eA.eA" },
    { "five parts: encrypted", "eyJhbGciOiJSUzI1NiJ9.eA.eA.eA.eA" },
    { "padding", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIn0.eA==" },
    { "the other alphabet", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIn0.+/+/" },
    { "a blank", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIn0 .eA" },
    { "only dots", ".." },
    { "an opaque access token", "ya29.a0AfH6SMBx-opaque" },
};

static void is_no_token(void **state)
{
    const struct text *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct jwt *jwt;
    assert_true(error_is(jwt_decode(ctx, slice_of(row->token), &jwt), "TokenMalformed"));
}

/* ---- who signed it ---- */

static const struct signing {
    const char *name;
    enum key_kind key;
    const char *digest, *header;
    enum key_kind published;
    const char *more; /* in the published key */
    const char *outcome;
} signings[] = {
    { "RS256", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE, ",\"kid\":\"a\"", NULL },
    { "RS384", RSA_ONE, "SHA384", "{\"alg\":\"RS384\",\"kid\":\"a\"}", RSA_ONE, ",\"kid\":\"a\"", NULL },
    { "RS512", RSA_ONE, "SHA512", "{\"alg\":\"RS512\",\"kid\":\"a\"}", RSA_ONE, ",\"kid\":\"a\"", NULL },
    { "ES256", EC_256, "SHA256", "{\"alg\":\"ES256\",\"kid\":\"a\"}", EC_256, ",\"kid\":\"a\"", NULL },
    { "ES384", EC_384, "SHA384", "{\"alg\":\"ES384\",\"kid\":\"a\"}", EC_384, ",\"kid\":\"a\"", NULL },
    { "ES512", EC_521, "SHA512", "{\"alg\":\"ES512\",\"kid\":\"a\"}", EC_521, ",\"kid\":\"a\"", NULL },
    { "use sig, key_ops verify, alg", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE,
      ",\"kid\":\"a\",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"RS256\"", NULL },
    { "no kid, one key", RSA_ONE, "SHA256", "{\"alg\":\"RS256\"}", RSA_ONE, ",\"kid\":\"a\"", NULL },
    { "another kid", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"b\"}", RSA_ONE, ",\"kid\":\"a\"", "TokenKey" },
    { "a kid, and a key without one", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"b\"}", RSA_ONE, "", "TokenKey" },
    { "another key of the same kid", RSA_TWO, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE, ",\"kid\":\"a\"",
      "TokenSignature" },
    { "another digest", RSA_ONE, "SHA512", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE, ",\"kid\":\"a\"",
      "TokenSignature" },
    { "a key for encryption", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE,
      ",\"kid\":\"a\",\"use\":\"enc\"", "TokenKey" },
    { "a key for signing only", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE,
      ",\"kid\":\"a\",\"key_ops\":[\"sign\"]", "TokenKey" },
    { "a key for another algorithm", RSA_ONE, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_ONE,
      ",\"kid\":\"a\",\"alg\":\"RS512\"", "TokenKey" },
    { "a weak key", RSA_WEAK, "SHA256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", RSA_WEAK, ",\"kid\":\"a\"", "TokenKey" },
    { "a key of another curve", EC_256, "SHA256", "{\"alg\":\"ES256\",\"kid\":\"a\"}", EC_384, ",\"kid\":\"a\"",
      "TokenKey" },
    { "a key of another type", EC_256, "SHA256", "{\"alg\":\"ES256\",\"kid\":\"a\"}", RSA_ONE, ",\"kid\":\"a\"",
      "TokenKey" },
    { "a signature of another length", EC_384, "SHA256", "{\"alg\":\"ES256\",\"kid\":\"a\"}", EC_256, ",\"kid\":\"a\"",
      "TokenSignature" },
};

static error *verify(void *ctx, const struct signing *row, slice token)
{
    struct jwt *jwt;
    struct jwk_set *set;
    TRY(jwk_set_parse(ctx, slice_of(text_format(ctx, "{\"keys\":[%s]}", jwk_of(ctx, row->published, row->more))),
                      &set));
    error *e = jwt_decode(ctx, token, &jwt);
    const struct jwk *key = e ? NULL : jwk_set_find(set, jwt);
    if (e == NULL && key == NULL)
        e = error_new(ctx, "TokenKey", "none");
    else if (e == NULL)
        e = jwt_verify(ctx, jwt, key);
    jwk_set_drop(set);
    return e;
}

static void is_signed(void **state)
{
    const struct signing *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    error *e = verify(ctx, row, slice_of(token_of(ctx, row->key, row->digest, row->header, GOOD_CLAIMS)));
    assert_string_equal(e ? e->name : "", row->outcome ? row->outcome : "");
}

/* Whatever character of a good token is another one, nobody signed it. */
static void is_not_signed(void **state)
{
    const struct signing *row = *state;
    if (row->outcome != NULL)
        return;
    SCRATCH ctx = talloc_new(NULL);
    const char *token = token_of(ctx, row->key, row->digest, row->header, GOOD_CLAIMS);
    for (size_t i = 0; i < strlen(token); i += 7) {
        SCRATCH scratch = talloc_new(NULL);
        char *changed = text_copy(scratch, token);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_non_null(verify(scratch, row, slice_of(changed)));
    }
}

/* ---- whether its claims hold ---- */

#define SINCE_EXP(seconds) "{\"iss\":\"" ISSUER "\",\"sub\":\"ada\",\"aud\":\"app\",\"exp\":" seconds "}"
#define WITH(more)         "{\"iss\":\"" ISSUER "\",\"exp\":1768469400," more "}"

static const struct claim {
    const char *name, *claims, *outcome, *client_id;
} claims[] = {
    { "all is well", GOOD_CLAIMS, NULL, "app" },
    { "4 minutes past exp", SINCE_EXP("1768465560"), NULL, "app" },
    { "4:59 past exp", SINCE_EXP("1768465501"), NULL, "app" },
    { "5 minutes past exp", SINCE_EXP("1768465500"), "TokenExpired", NULL },
    { "an exp with a fraction", SINCE_EXP("1768465501.9"), NULL, "app" },
    { "exp is text", SINCE_EXP("\"1768469400\""), "TokenClaim", NULL },
    { "exp is null", SINCE_EXP("null"), "TokenClaim", NULL },
    { "an exp past all numbers", SINCE_EXP("1e300"), "TokenClaim", NULL },
    { "a negative exp", SINCE_EXP("-1"), "TokenExpired", NULL },
    { "the least exp", SINCE_EXP("-9223372036854775808"), "TokenExpired", NULL },
    { "no exp", "{\"iss\":\"" ISSUER "\",\"sub\":\"ada\",\"aud\":\"app\"}", "TokenClaim", NULL },
    { "issued 5 minutes ahead", WITH("\"sub\":\"a\",\"aud\":\"app\",\"iat\":1768466100"), NULL, "app" },
    { "issued later than that", WITH("\"sub\":\"a\",\"aud\":\"app\",\"iat\":1768466101"), "TokenEarly", NULL },
    { "not before 5 minutes ahead", WITH("\"sub\":\"a\",\"aud\":\"app\",\"nbf\":1768466100"), NULL, "app" },
    { "not before later than that", WITH("\"sub\":\"a\",\"aud\":\"app\",\"nbf\":1768466101"), "TokenEarly", NULL },
    { "iat is text", WITH("\"sub\":\"a\",\"aud\":\"app\",\"iat\":\"now\""), "TokenClaim", NULL },
    { "aud is a list", WITH("\"sub\":\"a\",\"aud\":[\"x\",\"other\",\"app\"]"), NULL, "other" },
    { "another aud", WITH("\"sub\":\"a\",\"aud\":\"stranger\""), "TokenAudience", NULL },
    { "an aud in another case", WITH("\"sub\":\"a\",\"aud\":\"App\""), "TokenAudience", NULL },
    { "an aud that only begins so", WITH("\"sub\":\"a\",\"aud\":\"app\\u0000x\""), "TokenAudience", NULL },
    { "no aud, as in access tokens", WITH("\"sub\":\"a\""), "TokenClaim", NULL },
    { "an empty list for aud", WITH("\"sub\":\"a\",\"aud\":[]"), "TokenClaim", NULL },
    { "numbers for aud", WITH("\"sub\":\"a\",\"aud\":[1,2]"), "TokenAudience", NULL },
    { "azp counts before aud", WITH("\"sub\":\"a\",\"aud\":\"stranger\",\"azp\":\"app\""), NULL, "app" },
    { "another azp", WITH("\"sub\":\"a\",\"aud\":\"app\",\"azp\":\"stranger\""), "TokenAudience", NULL },
    { "azp is no text", WITH("\"sub\":\"a\",\"aud\":\"app\",\"azp\":null"), "TokenAudience", NULL },
    { "azp without aud", WITH("\"sub\":\"a\",\"azp\":\"app\""), "TokenClaim", NULL },
    { "no sub", WITH("\"aud\":\"app\""), "TokenSubject", NULL },
    { "an empty sub", WITH("\"aud\":\"app\",\"sub\":\"\""), "TokenSubject", NULL },
    { "sub with a NUL", WITH("\"aud\":\"app\",\"sub\":\"ada\\u0000\""), "TokenSubject", NULL },
    { "one slash at the end of iss", "{\"iss\":\"" ISSUER "/\",\"sub\":\"ada\",\"aud\":\"app\",\"exp\":1768469400}",
      NULL, "app" },
    { "two slashes", "{\"iss\":\"" ISSUER "//\",\"sub\":\"ada\",\"aud\":\"app\",\"exp\":1768469400}", "TokenIssuer",
      NULL },
    { "another issuer",
      "{\"iss\":\"https://id.example.test/realms/other\",\"sub\":\"a\",\"aud\":\"app\",\"exp\":1768469400}",
      "TokenIssuer", NULL },
    { "plain http",
      "{\"iss\":\"http://id.example.test/realms/plant\",\"sub\":\"a\",\"aud\":\"app\",\"exp\":1768469400}",
      "TokenIssuer", NULL },
};

static void holds(void **state)
{
    static const char *const clients[] = { "other", "app" };
    const struct claim *row = *state;
    const struct jwt_expectation expected = { ISSUER, clients, 2, NOW_S };
    SCRATCH ctx = talloc_new(NULL);
    struct jwt *jwt;
    const char *token = text_format(ctx, "%s.%s.eA", base64url_encode(ctx, SLICE("{\"alg\":\"RS256\"}")),
                                    base64url_encode(ctx, slice_of(row->claims)));
    assert_null(jwt_decode(ctx, slice_of(token), &jwt));
    error *e = jwt_check(ctx, jwt, &expected);
    assert_string_equal(e ? e->name : "", row->outcome ? row->outcome : "");
    if (e == NULL)
        assert_string_equal(jwt->client_id, row->client_id);
}

/* ---- keys ---- */

static const struct keys {
    const char *name, *text;
    int count; /* -1: refused */
} key_sets[] = {
    { "none", "{\"keys\":[]}", 0 },
    { "no list", "{}", -1 },
    { "no object", "[]", -1 },
    { "no JSON", "<html>", -1 },
    { "nothing", "", -1 },
    { "a symmetric key is passed over", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", 0 },
    { "an Edwards key is passed over", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", 0 },
    { "what is no object is passed over", "{\"keys\":[1,null,\"x\",[]]}", 0 },
    { "a point off the curve",
      "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
      "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
      0 },
    { "an even modulus, an exponent of one", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQ\"}]}", 0 },
    { "the list twice", "{\"keys\":[],\"keys\":[]}", -1 },
};

static void reads_keys(void **state)
{
    const struct keys *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct jwk_set *set;
    error *e = jwk_set_parse(ctx, slice_of(row->text), &set);
    assert_int_equal(e ? -1 : (int)jwk_set_count(set), row->count);
    if (e == NULL)
        jwk_set_drop(set);
}

static const struct many {
    const char *name;
    int count;
    bool taken;
} manys[] = { { "a hundred keys", 100, true }, { "one more", 101, false } };

static void bounds_keys(void **state)
{
    const struct many *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct jwk_set *set;
    writer out = writer_new(ctx, JWK_SET_BYTES_MAX);
    writer_text(&out, "{\"keys\":[");
    for (int i = 0; i < row->count; i++)
        writer_format(&out, "%s%s", i ? "," : "", jwk_of(ctx, EC_256, text_format(ctx, ",\"kid\":\"%d\"", i)));
    writer_text(&out, "]}");
    error *e = jwk_set_parse(ctx, writer_slice_of(&out), &set);
    assert_int_equal(e == NULL, row->taken);
    if (e == NULL) {
        assert_int_equal(jwk_set_count(set), 100);
        struct jwt *jwt;
        /* Without a kid nobody can say which of a hundred is meant. */
        assert_null(
            jwt_decode(ctx, slice_of(token_of(ctx, EC_256, "SHA256", "{\"alg\":\"ES256\"}", GOOD_CLAIMS)), &jwt));
        assert_null(jwk_set_find(set, jwt));
        jwk_set_drop(set);
    }
}

int main(void)
{
    return RUN_TABLES(TABLE(shapes, is_token), TABLE(texts, is_no_token), TABLE(signings, is_signed),
                      TABLE(signings, is_not_signed), TABLE(claims, holds), TABLE(key_sets, reads_keys),
                      TABLE(manys, bounds_keys));
}
