/* gateway_http_fuzz.c - a request is read the same whole and byte by byte, ends within its bytes, and stays in bounds.

   The first byte is the size of the pieces of the second reading. */
#include "gateway/http_reader.h"

static const struct http_limits limits = { 1024, 16, 4096 };

struct outcome {
    enum http_progress progress;
    size_t used;
    struct http_message *message;
    const struct http_refusal *refusal;
};

static struct outcome read_in_pieces(void *ctx, slice bytes, size_t step)
{
    struct http_reader *in = http_reader_new(ctx, &limits);
    struct outcome out = { .progress = HTTP_NEEDS_MORE };
    while (out.used < bytes.length && out.progress != HTTP_DONE && out.progress != HTTP_REFUSED) {
        slice piece = slice_from(bytes, out.used);
        piece.length = piece.length < step ? piece.length : step;
        size_t used = http_reader_feed(in, piece, &out.progress);
        if (used > piece.length)
            abort();
        out.used += used;
    }
    if (out.progress == HTTP_DONE)
        out.message = talloc_steal(ctx, http_reader_take(in));
    out.refusal = http_reader_refusal(in);
    return out;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_same(const struct http_message *a, const struct http_message *b)
{
    must(slice_equal(a->request.target, b->request.target) && slice_equal(a->request.method, b->request.method));
    must(slice_equal(a->request.body, b->request.body) && a->keep_alive == b->keep_alive);
    must(a->request.header_count == b->request.header_count);
    for (size_t i = 0; i < a->request.header_count; i++)
        must(slice_equal(a->request.headers[i].name, b->request.headers[i].name) &&
             slice_equal(a->request.headers[i].value, b->request.headers[i].value));
}

static void must_be_sound(const struct http_request *request)
{
    must(slice_starts(request->path, "/") && request->body.length <= limits.body);
    for (size_t i = 0; i < request->header_count; i++) {
        slice name = request->headers[i].name, value = request->headers[i].value;
        must(name.length > 0 && memchr(name.at, ' ', name.length) == NULL && memchr(name.at, ':', name.length) == NULL);
        must(memchr(value.at, '\r', value.length) == NULL && memchr(value.at, '\n', value.length) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    SCRATCH ctx = talloc_new(NULL);
    slice bytes = slice_bytes(data + 1, size - 1);
    struct outcome whole = read_in_pieces(ctx, bytes, SIZE_MAX);
    struct outcome pieces = read_in_pieces(ctx, bytes, data[0] ? data[0] : 1);
    /* How much of a broken or unfinished request is looked at may differ; what is made of it may not. */
    must((whole.progress == HTTP_DONE) == (pieces.progress == HTTP_DONE));
    must((whole.refusal == NULL) == (pieces.refusal == NULL));
    if (whole.message != NULL) {
        must(whole.used == pieces.used);
        must_be_same(whole.message, pieces.message);
        must_be_sound(&whole.message->request);
    }
    return 0;
}
