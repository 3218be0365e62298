/* page.c - pages of a list (x509 2.6): tokens that are bound to what was asked and cannot be forged.

   A token is base64 of a truncated HMAC and the position after which the next page begins. The HMAC covers account,
   region, operation, every other input member and the position. */
#include "operation/door.h"
#include "base/encode.h"

enum { MAC_BYTES = 16, DEFAULT_SIZE = 25, DEFAULT_SIZE_IAM = 100, INPUT_LIMIT = 1 << 20 };

static const char *const token_names[] = { "marker", "nextToken", "Marker", "NextToken", NULL };
static const char *const size_names[] = { "pageSize", "maxResults", "MaxItems", "MaxResults", NULL };
static const char *const next_names[] = { "nextMarker", "nextToken", "Marker", "NextToken", NULL };

static const char *first_member(const struct shape *shape, const char *const *names)
{
    for (; shape && *names != NULL; names++)
        if (shape_member_find(shape, *names))
            return *names;
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A value in one spelling, whatever order its members came in. */
static void write_canonical(void *ctx, writer *out, json *value)
{
    if (json_is_array(value)) {
        writer_u8(out, '[');
        for (size_t i = 0; i < json_object_array_length(value); i++)
            write_canonical(ctx, out, json_object_array_get_idx(value, i));
        writer_u8(out, ']');
        return;
    }
    if (!json_is_object(value)) {
        writer_slice(out, value ? json_print(ctx, value) : SLICE("null"));
        writer_u8(out, ',');
        return;
    }
    size_t count = 0;
    const char **keys = MAKE_ARRAY(ctx, const char *, (size_t)json_object_object_length(value) + 1);
    json_object_object_foreach (value, key, unused) {
        (void)unused;
        keys[count++] = key;
    }
    qsort(keys, count, sizeof(keys[0]), by_text);
    for (size_t i = 0; i < count; i++) {
        writer_format(out, "%zu:%s=", strlen(keys[i]), keys[i]);
        write_canonical(ctx, out, json_get(value, keys[i]));
    }
    writer_u8(out, '.');
}

static void write_part(writer *out, slice part)
{
    writer_u32(out, (uint32_t)part.length);
    writer_slice(out, part);
}

/* False: the input is too large to be bound, so it has no further page. */
static bool page_mac(const struct call *call, slice position, uint8_t mac[DIGEST_BYTES])
{
    SCRATCH scratch = talloc_new(NULL);
    const struct shape *input = call->model->input;
    writer out = writer_new(scratch, INPUT_LIMIT);
    write_part(&out, slice_of(call->account));
    write_part(&out, slice_of(call->region));
    write_part(&out, slice_of(call->model->label));
    const char *token = first_member(input, token_names), *size = first_member(input, size_names);
    for (size_t i = 0; i < input->member_count; i++) {
        const char *name = input->members[i].name;
        json *value = json_get(call->input, name);
        if (value == NULL || (token && strcmp(name, token) == 0) || (size && strcmp(name, size) == 0))
            continue;
        write_part(&out, slice_of(name));
        write_canonical(scratch, &out, value);
    }
    write_part(&out, position);
    master_key_mac(call->door->options.master_key, "page", writer_slice_of(&out), mac);
    return !out.overflowed;
}

static error *bad_token(struct call *call, const char *member)
{
    return error_new(call, call->model->model->validation_error,
                     "The %s is not one that this list gave out for the same request.", member);
}

static FALLIBLE open_token(struct call *call, const char *member, const char **position)
{
    uint8_t mac[DIGEST_BYTES];
    slice bytes;
    if (!base64_decode(call, call_text(call, member), &bytes) || bytes.length < MAC_BYTES)
        return bad_token(call, member);
    slice after = slice_from(bytes, MAC_BYTES);
    if (!page_mac(call, after, mac) || !secret_equal(slice_bytes(mac, MAC_BYTES), (slice){ bytes.at, MAC_BYTES }))
        return bad_token(call, member);
    *position = slice_text(call, after);
    return NULL;
}

FALLIBLE page_begin(struct call *call, struct page *page)
{
    const struct shape *input = call->model->input;
    const char *token = first_member(input, token_names), *size = first_member(input, size_names);
    int64_t otherwise = call->model->model->protocol == MODEL_QUERY ? DEFAULT_SIZE_IAM : DEFAULT_SIZE;
    *page = (struct page){ .size = size ? call_number(call, size, otherwise) : otherwise,
                           .ascending = call_flag(call, "isAscendingOrder") || call_flag(call, "ascendingOrder") };
    if (page->size < 1)
        return error_new(call, call->model->model->validation_error, "%s must be at least 1.", size);
    return token && call_has(call, token) ? open_token(call, token, &page->after) : NULL;
}

bool page_take(struct call *call, struct page *page, const char *position)
{
    if (page->taken == page->size) {
        page->more = true;
        return false;
    }
    page->taken++;
    page->last = text_copy(call, position);
    return true;
}

static void put_next(struct call *call, const struct page *page)
{
    uint8_t mac[DIGEST_BYTES];
    const char *next = first_member(call->model->output, next_names);
    if (next == NULL || !page_mac(call, slice_of(page->last), mac))
        return;
    SCRATCH scratch = talloc_new(NULL);
    char *bytes = talloc_array(scratch, char, MAC_BYTES + strlen(page->last));
    memcpy(bytes, mac, MAC_BYTES);
    memcpy(bytes + MAC_BYTES, page->last, strlen(page->last));
    json_put_text(call->output, next, base64_encode(scratch, slice_bytes(bytes, MAC_BYTES + strlen(page->last))));
}

error *page_answer(struct call *call, struct page *page, const char *name, json *array)
{
    json_put(call->output, name, json_object_get(array));
    if (page->more)
        put_next(call, page);
    if (call->model->output && shape_member_find(call->model->output, "IsTruncated"))
        json_put_bool(call->output, "IsTruncated", page->more);
    return NULL;
}
