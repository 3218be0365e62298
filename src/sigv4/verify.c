/* verify.c - the signing key, the signature, and whether a request is the one that was signed (3.1.3, 3.1.4). */
#include "sigv4/internal.h"
#include "base/encode.h"
#include "base/secret.h"

void sigv4_signing_key(slice secret, slice date, slice region, slice service, uint8_t key[SIGV4_KEY_BYTES])
{
    const slice steps[] = { date, region, service, SLICE("aws4_request") };
    size_t length = 4 + secret.length;
    char *first = memory_zeroed(NULL, 1, length, "char");
    memcpy(first, "AWS4", 4);
    if (secret.length > 0)
        memcpy(first + 4, secret.at, secret.length);

    uint8_t next[SIGV4_KEY_BYTES];
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        digest_hmac_sha256(i == 0 ? slice_bytes(first, length) : slice_bytes(key, SIGV4_KEY_BYTES), steps[i], next);
        memcpy(key, next, sizeof(next));
    }
    secret_wipe(next, sizeof(next));
    secret_wipe(first, length);
    talloc_free(first);
}

char *string_to_sign(void *ctx, const char *time_text, slice scope, slice canonical)
{
    return text_format(ctx, SIGV4_ALGORITHM "\n%s\n%.*s\n%s", time_text, PRINT(scope),
                       digest_sha256_hex(ctx, canonical));
}

char *signature_of(void *ctx, const uint8_t key[SIGV4_KEY_BYTES], const char *text)
{
    uint8_t mac[DIGEST_BYTES];
    digest_hmac_sha256(slice_bytes(key, SIGV4_KEY_BYTES), slice_of(text), mac);
    return hex_encode(ctx, slice_bytes(mac, sizeof(mac)));
}

static bool is_signed(const struct sigv4_material *material, const char *header)
{
    slice rest = material->signed_headers, name;
    while (slice_split(&rest, ';', &name))
        if (slice_is_nocase(name, header))
            return true;
    return false;
}

static bool signed_headers_exist(void *ctx, const struct sigv4_request *request, const struct sigv4_material *material)
{
    slice rest = material->signed_headers, name, value;
    while (slice_split(&rest, ';', &name))
        if (name.length == 0 || memchr(name.at, '\0', name.length) != NULL ||
            header_find(request, slice_text(ctx, name), &value) == 0)
            return false;
    return true;
}

/* What stands in the place of the payload hash when the client declares one in x-amz-content-sha256, and whether it
   may. Chunks with signatures of their own (STREAMING-AWS4-HMAC-SHA256-PAYLOAD) are refused: nobody here would check
   the chunks, and what was not checked must not look signed. */
static bool is_declared_payload_good(const struct sigv4_request *request, const struct sigv4_material *material,
                                     slice declared)
{
    if (hex_is(declared, 64))
        return slice_equal(declared, request->body_sha256_hex);
    if (request->s3_rules)
        return slice_is(declared, "UNSIGNED-PAYLOAD") || slice_is(declared, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    return slice_is(declared, "UNSIGNED-PAYLOAD") && request->over_tls && is_signed(material, "x-amz-content-sha256");
}

static FALLIBLE choose_payload(void *ctx, const struct sigv4_request *request, const struct sigv4_material *material,
                               slice *payload, bool *good)
{
    slice declared;
    size_t count = header_find(request, "x-amz-content-sha256", &declared);
    declared = slice_trim(declared);
    *payload = request->body_sha256_hex;
    *good = count == 0 || (count == 1 && is_declared_payload_good(request, material, declared));
    if (count == 1 && *good)
        *payload = declared;
    if (count > 0 || !request->s3_rules)
        return NULL;
    if (!material->presigned)
        return error_new(ctx, "IncompleteSignature", "Missing required header for this request: x-amz-content-sha256");
    *payload = SLICE("UNSIGNED-PAYLOAD");
    return NULL;
}

/* 3.1.4, in its order. broker.md 3.4 adds the port that a browser leaves out of its Host header. */
static const struct canonical_form forms[] = {
    { .name = NULL },
    { .name = "host without port", .host = HOST_WITHOUT_PORT },
    { .name = "host with :443", .host = HOST_WITH_443 },
    { .name = "path as sent", .raw_path = true },
    { .name = "query as sent", .raw_query = true },
    { .name = "path and query as sent", .raw_path = true, .raw_query = true },
};

struct attempt {
    const struct sigv4_request *request;
    const struct sigv4_material *material;
    const uint8_t *key;
    slice payload;
};

static bool matches(void *ctx, const struct attempt *attempt, const struct canonical_form *form)
{
    SCRATCH work = talloc_new(ctx);
    const struct sigv4_material *material = attempt->material;
    slice canonical = canonical_request(work, attempt->request, material->signed_headers, attempt->payload, form);
    if (canonical.at == NULL)
        return false;
    const char *text = string_to_sign(work, material->time_text, material->scope, canonical);
    return secret_equal(slice_of(signature_of(work, attempt->key, text)), material->signature);
}

/* "a%252Fb" as sent is what a client signed for "a%2Fb" by the rules: whoever overheard the one could ask for the other.
   A client that does not encode twice sends such a path for a name with a '%' in it, and has to sign it by the rules. */
static bool may_be_as_sent(slice path)
{
    return path.length == 0 || memmem(path.at, path.length, "%25", 3) == NULL;
}

static bool any_matches(void *ctx, const struct attempt *attempt, const char **alternate)
{
    for (int with_token = 0; with_token <= attempt->request->websocket; with_token++)
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
            struct canonical_form form = forms[i];
            form.token_in_query = with_token;
            if ((form.host == HOST_WITH_443 && !attempt->request->websocket) ||
                (form.raw_path && !may_be_as_sent(attempt->request->raw_path)))
                continue;
            if (!matches(ctx, attempt, &form))
                continue;
            *alternate = form.name == NULL && with_token ? "token in the query" : form.name;
            return true;
        }
    return false;
}

/* The text shows the strict reading: that is what a client's author should have signed. */
static error *mismatch(void *ctx, const struct attempt *attempt)
{
    const struct sigv4_material *material = attempt->material;
    slice canonical = canonical_request(ctx, attempt->request, material->signed_headers, attempt->payload, &forms[0]);
    const char *text = string_to_sign(ctx, material->time_text, material->scope, canonical);
    return error_new(ctx, "InvalidSignature",
                     "The request signature we calculated does not match the signature you provided. Check your AWS "
                     "Secret Access Key and signing method. Consult the service documentation for details.\n\n"
                     "The Canonical String for this request should have been\n'%s'\n\n"
                     "The String-to-Sign should have been\n'%s'\n",
                     printable(ctx, canonical), printable(ctx, slice_of(text)));
}

FALLIBLE sigv4_verify_with_key(void *ctx, const struct sigv4_request *request, const struct sigv4_material *material,
                               const uint8_t key[SIGV4_KEY_BYTES], const char **alternate)
{
    const char *ignored;
    struct attempt attempt = { .request = request, .material = material, .key = key };
    bool payload_good;

    if (alternate == NULL)
        alternate = &ignored;
    *alternate = NULL;
    if (!is_signed(material, "host"))
        return error_new(ctx, "InvalidSignature", "'Host' must be a 'SignedHeader' in the AWS Authorization.");
    TRY(choose_payload(ctx, request, material, &attempt.payload, &payload_good));

    /* Without the leading '/', "./a" would be read as "/a". */
    if (payload_good && slice_starts(request->raw_path, "/") && signed_headers_exist(ctx, request, material) &&
        any_matches(ctx, &attempt, alternate))
        return NULL;
    return mismatch(ctx, &attempt);
}

FALLIBLE sigv4_verify(void *ctx, const struct sigv4_request *request, const struct sigv4_material *material,
                      slice secret, const char **alternate)
{
    uint8_t key[SIGV4_KEY_BYTES];
    sigv4_signing_key(secret, material->date, material->region, material->service, key);
    error *e = sigv4_verify_with_key(ctx, request, material, key, alternate);
    secret_wipe(key, sizeof(key));
    return e;
}
