/* sign.c - the client's side: signs a request in its headers or in its URL. */
#include "sigv4/internal.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"

static int by_name(const void *a, const void *b)
{
    const struct sigv4_header *one = a, *other = b;
    slice x = one->name, y = other->name;
    int order = strncasecmp(x.at, y.at, x.length < y.length ? x.length : y.length);
    return order != 0 ? order : (x.length > y.length) - (x.length < y.length);
}

static slice lower(void *ctx, slice text)
{
    char *copy = slice_text(ctx, text);
    for (size_t i = 0; i < text.length; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    return slice_bytes(copy, text.length);
}

/* "content-type;host;x-amz-date": sorted, each name once. */
static slice names_of(void *ctx, const struct sigv4_header *headers, size_t count)
{
    struct sigv4_header *sorted = MAKE_ARRAY(ctx, struct sigv4_header, count + 1);
    for (size_t i = 0; i < count; i++)
        sorted[i].name = lower(ctx, headers[i].name);
    qsort(sorted, count, sizeof(*sorted), by_name);
    writer out = writer_new(ctx, CANONICAL_MAX);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !slice_equal(sorted[i].name, sorted[i - 1].name))
            writer_format(&out, "%s%.*s", i > 0 ? ";" : "", PRINT(sorted[i].name));
    return writer_slice_of(&out);
}

static slice time_of(void *ctx, const struct sigv4_signer *signer)
{
    char text[CLOCK_TEXT_MAX];
    clock_basic(signer->now_s * 1000, text);
    return slice_of(text_copy(ctx, text));
}

static slice scope_of(void *ctx, const struct sigv4_signer *signer, slice now)
{
    return slice_of(
        text_format(ctx, "%.8s/%.*s/%.*s/aws4_request", now.at, PRINT(signer->region), PRINT(signer->service)));
}

static slice payload_of(const struct sigv4_request *request)
{
    slice declared;
    return header_find(request, "x-amz-content-sha256", &declared) > 0 ? slice_trim(declared)
                                                                       : request->body_sha256_hex;
}

static char *sign(void *ctx, const struct sigv4_request *request, const struct sigv4_signer *signer, slice names,
                  slice payload, slice now)
{
    static const struct canonical_form strict = { .name = NULL };
    uint8_t key[SIGV4_KEY_BYTES];
    slice canonical = canonical_request(ctx, request, names, payload, &strict);
    const char *text = string_to_sign(ctx, now.at, scope_of(ctx, signer, now), canonical);
    sigv4_signing_key(signer->secret, (slice){ now.at, 8 }, signer->region, signer->service, key);
    char *signature = signature_of(ctx, key, text);
    secret_wipe(key, sizeof(key));
    return signature;
}

void sigv4_sign(void *ctx, const struct sigv4_request *request, const struct sigv4_signer *signer,
                struct sigv4_signed *out)
{
    SCRATCH work = talloc_new(ctx);
    slice now = time_of(ctx, signer);
    struct sigv4_header *headers = MAKE_ARRAY(work, struct sigv4_header, request->header_count + 2);
    size_t count = 0;
    for (; count < request->header_count; count++)
        headers[count] = request->headers[count];
    headers[count++] = (struct sigv4_header){ SLICE("x-amz-date"), now };
    if (signer->token.length > 0)
        headers[count++] = (struct sigv4_header){ SLICE("x-amz-security-token"), signer->token };

    struct sigv4_request whole = *request;
    whole.headers = headers;
    whole.header_count = count;
    slice names = names_of(work, headers, count);
    out->authorization = text_format(ctx, SIGV4_ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%s",
                                     PRINT(signer->access_key_id), PRINT(scope_of(work, signer, now)), PRINT(names),
                                     sign(work, &whole, signer, names, payload_of(request), now));
    out->date = now.at;
    out->token = signer->token.length > 0 ? slice_text(ctx, signer->token) : NULL;
}

static void add_parameter(writer *query, const char *name, slice value)
{
    writer_format(query, "%s%s=", query->length > 0 ? "&" : "", name);
    percent_encode(query, value, "");
}

char *sigv4_presign(void *ctx, const struct sigv4_request *request, const struct sigv4_signer *signer,
                    int64_t expires_s)
{
    SCRATCH work = talloc_new(ctx);
    slice now = time_of(work, signer);
    slice names = names_of(work, request->headers, request->header_count);
    writer query = writer_new(work, CANONICAL_MAX);

    writer_slice(&query, request->raw_query);
    add_parameter(&query, "X-Amz-Algorithm", SLICE(SIGV4_ALGORITHM));
    add_parameter(
        &query, "X-Amz-Credential",
        slice_of(text_format(work, "%.*s/%.*s", PRINT(signer->access_key_id), PRINT(scope_of(work, signer, now)))));
    add_parameter(&query, "X-Amz-Date", now);
    if (expires_s > 0)
        add_parameter(&query, "X-Amz-Expires", slice_of(text_format(work, "%lld", (long long)expires_s)));
    add_parameter(&query, "X-Amz-SignedHeaders", names);
    bool token_signed = signer->token.length > 0 && !request->websocket;
    if (token_signed)
        add_parameter(&query, "X-Amz-Security-Token", signer->token);

    struct sigv4_request whole = *request;
    whole.raw_query = slice_copy(work, writer_slice_of(&query));
    slice payload = request->s3_rules ? SLICE("UNSIGNED-PAYLOAD") : payload_of(request);
    add_parameter(&query, "X-Amz-Signature", slice_of(sign(work, &whole, signer, names, payload, now)));
    if (signer->token.length > 0 && !token_signed)
        add_parameter(&query, "X-Amz-Security-Token", signer->token);
    return slice_text(ctx, writer_slice_of(&query));
}
