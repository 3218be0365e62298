/* vectors_test.c - the vectors verify, every hash on the way is the stated one, our signer writes the same bytes, and
   no character of a signed part can change. */
#include "vectors.h"
#include "base/encode.h"
#include "table.h"

static void verifies(void **state)
{
    const struct vector *vector = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    const char *alternate = "none tried";

    assert_null(judge(ctx, &request, vector->service, vector->secret, seconds_of(NOW_TEXT), &alternate));
    assert_null(alternate);
}

static void has_the_stated_hashes(void **state)
{
    static const struct canonical_form strict = { .name = NULL };
    const struct vector *vector = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    struct sigv4_material *material;

    assert_null(sigv4_parse(ctx, &request, &material));
    assert_true(slice_is(request.body_sha256_hex, vector->body_sha256));
    slice canonical = canonical_request(ctx, &request, material->signed_headers, request.body_sha256_hex, &strict);
    assert_string_equal(digest_sha256_hex(ctx, canonical), vector->canonical_sha256);
    assert_true(slice_is(material->signature, vector->signature));
    assert_string_equal(material->time_text, NOW_TEXT);
    assert_int_equal(material->presigned, strlen(vector->query) > 20);
    assert_int_equal(material->token.length, vector->secret == vectors[V1].secret ? 0 : strlen(TOKEN_TEXT));
}

static void the_signing_key(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    uint8_t key[SIGV4_KEY_BYTES];
    sigv4_signing_key(slice_of(LONG_SECRET), SLICE("20260115"), SLICE("eu-central-1"), SLICE("iot"), key);
    assert_string_equal(hex_encode(ctx, slice_bytes(key, sizeof(key))),
                        "de0bca014a4695110ccd4e9fea0791c98a37a758dd7ba4468122ce4e961a1b70");
}

static bool refused(const struct vector *vector, const struct sigv4_request *request)
{
    SCRATCH ctx = talloc_new(NULL);
    return judge(ctx, request, vector->service, vector->secret, seconds_of(NOW_TEXT), NULL) != NULL;
}

/* Changes each character of *part, leaving out those from skip to skip_end; each change must be refused. */
static void flip_all(const struct vector *vector, struct sigv4_request *request, slice *part, size_t skip,
                     size_t skip_end)
{
    SCRATCH ctx = talloc_new(NULL);
    slice right = *part;
    for (size_t i = 0; i < right.length; i++) {
        if (i >= skip && i < skip_end)
            continue;
        char *wrong = slice_text(ctx, right);
        wrong[i] ^= 1;
        *part = slice_bytes(wrong, right.length);
        if (!refused(vector, request))
            fail_msg("%s: taken as \"%s\"", vector->name, wrong);
    }
    *part = right;
}

/* On a WebSocket the token is not signed (3.1.7); the access key id is part of no signature. Whoever changes them is
   found out when the key is looked up and the token is opened. */
static void range_of(const struct vector *vector, const char *text, size_t *from, size_t *end)
{
    const char *id = strstr(text, " Credential="); /* in a query it is signed, as any parameter */
    const char *token = strstr(text, TOKEN_CODED);
    *from = *end = 0;
    if (id != NULL) {
        *from = (size_t)(id - text) + strlen(" Credential=");
        *end = *from + strlen(LONG_ID);
    } else if (token != NULL && vector->websocket) {
        *from = (size_t)(token - text);
        *end = *from + strlen(TOKEN_CODED);
    }
}

static void refuses_any_change(void **state)
{
    const struct vector *vector = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    struct sigv4_header *headers = memory_copy(ctx, request.headers, request.header_count * sizeof(*headers));
    size_t from, end;

    request.headers = headers;
    flip_all(vector, &request, &request.method, 0, 0);
    flip_all(vector, &request, &request.raw_path, 0, 0);
    range_of(vector, vector->query, &from, &end);
    flip_all(vector, &request, &request.raw_query, from, end);
    for (size_t i = 0; i < request.header_count; i++) {
        range_of(vector, vector->headers[i].value, &from, &end);
        flip_all(vector, &request, &headers[i].value, from, end);
        flip_all(vector, &request, &headers[i].name, 0, 0);
    }
}

static void refuses_another_body(void **state)
{
    const struct vector *vector = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    char *body = text_format(ctx, "%s ", vector->body);

    for (size_t i = 0; body[i] != '\0'; i++) {
        body[i] ^= 1;
        request.body_sha256_hex = slice_of(digest_sha256_hex(ctx, slice_of(body)));
        assert_true(refused(vector, &request));
        body[i] ^= 1;
    }
}

static void refuses_another_secret(void **state)
{
    const struct vector *vector = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    char *secret = text_copy(ctx, vector->secret);

    secret[7] ^= 1;
    assert_true(
        error_is(judge(ctx, &request, vector->service, secret, seconds_of(NOW_TEXT), NULL), "InvalidSignature"));
}

static struct sigv4_signer signer_of(const struct vector *vector)
{
    bool temporary = vector->secret != vectors[V1].secret;
    return (struct sigv4_signer){ .access_key_id = temporary ? SLICE(SHORT_ID) : SLICE(LONG_ID),
                                  .secret = slice_of(vector->secret),
                                  .token = temporary ? SLICE(TOKEN_TEXT) : SLICE(""),
                                  .region = SLICE("eu-central-1"),
                                  .service = slice_of(vector->service),
                                  .now_s = seconds_of(NOW_TEXT) };
}

static const struct in_headers {
    const char *name;
    int vector;
    size_t own_headers; /* those that the sender has before it signs */
} in_headers[] = {
    { "V1 is signed as stated", V1, 2 },
    { "V2 is signed as stated", V2, 1 },
    { "V4 is signed as stated", V4, 2 },
};

static void our_signer_writes_the_same(void **state)
{
    const struct in_headers *row = *state;
    const struct vector *vector = &vectors[row->vector];
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    struct sigv4_signer signer = signer_of(vector);
    struct sigv4_signed out;

    const char *authorization = request.headers[request.header_count - 1].value.at;
    request.header_count = row->own_headers;
    sigv4_sign(ctx, &request, &signer, &out);
    assert_string_equal(out.authorization, authorization);
    assert_string_equal(out.date, NOW_TEXT);
    if (signer.token.length == 0)
        assert_null(out.token);
    else
        assert_string_equal(out.token, TOKEN_TEXT);
}

static const struct presigned {
    const char *name;
    int vector;
    const char *query;
    int64_t expires_s;
} presigned[] = {
    { "V3 is presigned as stated", V3, "", 900 },
    { "V5 is presigned as stated", V5, "Action=GetCallerIdentity&Version=2011-06-15", 60 },
};

static void our_presigner_writes_the_same(void **state)
{
    const struct presigned *row = *state;
    const struct vector *vector = &vectors[row->vector];
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    struct sigv4_signer signer = signer_of(vector);

    request.raw_query = slice_of(row->query);
    assert_string_equal(sigv4_presign(ctx, &request, &signer, row->expires_s), vector->query);
}

int main(void)
{
    static const struct {
        const char *name;
    } once[] = { { "the key of V1" } };
    return RUN_TABLES(TABLE(vectors, verifies), TABLE(vectors, has_the_stated_hashes), TABLE(once, the_signing_key),
                      TABLE(vectors, refuses_any_change), TABLE(vectors, refuses_another_body),
                      TABLE(vectors, refuses_another_secret), TABLE(in_headers, our_signer_writes_the_same),
                      TABLE(presigned, our_presigner_writes_the_same));
}
