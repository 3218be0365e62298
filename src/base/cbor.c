/* cbor.c - RFC 8949, as much of it as provisioning.md 3.3 takes. */
#include "base/cbor.h"
#include <stdio.h>

enum major { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
/* The low five bits of a head: up to 23 the value itself, 24 to 27 the width of what follows, 1 to 8 bytes. */
enum { SHORTEST = 24, LONGEST = 27, INDEFINITE = 31 };
enum { SELF_DESCRIBE = 55799 };

/* An empty map takes one byte of payload and some 700 of memory. Requests have two or three. */
enum { CONTAINERS_MAX = 256 };

struct head {
    enum major major;
    uint8_t info;   /* the low five bits */
    uint64_t value; /* a count, a length, a number */
};

struct decoder {
    void *ctx;
    reader in;
    size_t length; /* of the whole payload, for positions */
    int depth_left;
    int containers;
};

static FALLIBLE read_item(struct decoder *from, const struct head *head, json **out);

static error *broken(const struct decoder *from, const char *reason)
{
    return error_new(from->ctx, "InvalidPayload", "Not valid CBOR at byte %zu: %s.",
                     from->length - reader_left(&from->in), reason);
}

static FALLIBLE read_head(struct decoder *from, struct head *out)
{
    uint8_t first = reader_u8(&from->in);
    *out = (struct head){ first >> 5, first & 31, first & 31 };
    if (out->info > LONGEST && out->info != INDEFINITE)
        return broken(from, "a reserved length");
    if (out->info >= SHORTEST && out->info != INDEFINITE) {
        out->value = 0;
        for (int left = 1 << (out->info - SHORTEST); left > 0; left--)
            out->value = out->value << 8 | reader_u8(&from->in);
    }
    return from->in.ran_out ? broken(from, "it ends too early") : NULL;
}

static bool is_break(const struct decoder *from)
{
    return reader_left(&from->in) > 0 && (unsigned char)from->in.left.at[0] == 0xFF;
}

/* Is there one more element? With a definite length `left` counts down; else a break byte, which is taken, ends. */
static FALLIBLE read_more(struct decoder *from, const struct head *head, uint64_t *left, bool *more)
{
    if (head->info != INDEFINITE) {
        *more = (*left)-- > 0;
        return NULL;
    }
    if (reader_left(&from->in) == 0)
        return broken(from, "it ends too early");
    *more = !is_break(from);
    if (!*more)
        reader_u8(&from->in);
    return NULL;
}

static FALLIBLE read_chunk(struct decoder *from, const struct head *head, slice *out)
{
    if (head->value > reader_left(&from->in))
        return broken(from, "a length beyond the payload");
    *out = reader_bytes(&from->in, (size_t)head->value);
    return text_is_utf8(*out) ? NULL : broken(from, "text that is not UTF-8");
}

static FALLIBLE read_text(struct decoder *from, const struct head *head, slice *out)
{
    if (head->info != INDEFINITE)
        return read_chunk(from, head, out);

    writer text = writer_new(from->ctx, reader_left(&from->in));
    uint64_t unused = 0;
    for (bool more = true;;) {
        TRY(read_more(from, head, &unused, &more));
        if (!more)
            break;
        struct head chunk;
        slice piece;
        TRY(read_head(from, &chunk));
        if (chunk.major != TEXT || chunk.info == INDEFINITE)
            return broken(from, "a piece of text has another type");
        TRY(read_chunk(from, &chunk, &piece));
        writer_slice(&text, piece);
    }
    *out = writer_slice_of(&text);
    return NULL;
}

static FALLIBLE enter(struct decoder *from, const struct head *head, uint64_t bytes_each)
{
    if (from->depth_left-- == 0)
        return broken(from, "nested too deeply");
    if (++from->containers > CONTAINERS_MAX)
        return broken(from, "too many maps and arrays");
    if (head->info != INDEFINITE && head->value > reader_left(&from->in) / bytes_each)
        return broken(from, "a length beyond the payload");
    return NULL;
}

static FALLIBLE read_array(struct decoder *from, const struct head *head, json *array)
{
    uint64_t left = head->value;
    TRY(enter(from, head, 1));
    for (bool more = true;;) {
        TRY(read_more(from, head, &left, &more));
        if (!more)
            break;
        struct head element = { 0 };
        json *value = NULL;
        TRY(read_head(from, &element));
        TRY(read_item(from, &element, &value));
        json_add(array, value);
    }
    from->depth_left++;
    return NULL;
}

static FALLIBLE read_key(struct decoder *from, char **out)
{
    struct head head;
    slice key;
    TRY(read_head(from, &head));
    if (head.major != TEXT)
        return broken(from, "a key that is not text");
    TRY(read_text(from, &head, &key));
    if (key.length > 0 && memchr(key.at, '\0', key.length) != NULL)
        return broken(from, "a key holds U+0000");
    *out = slice_text(from->ctx, key);
    return NULL;
}

static FALLIBLE read_map(struct decoder *from, const struct head *head, json *object)
{
    uint64_t left = head->value;
    TRY(enter(from, head, 2));
    for (bool more = true;;) {
        TRY(read_more(from, head, &left, &more));
        if (!more)
            break;
        char *key = NULL;
        struct head member = { 0 };
        json *value = NULL;
        TRY(read_key(from, &key));
        TRY(read_head(from, &member));
        TRY(read_item(from, &member, &value));
        json_put(object, key, value);
        talloc_free(key);
    }
    from->depth_left++;
    return NULL;
}

static FALLIBLE read_simple(struct decoder *from, const struct head *head, json **out)
{
    if (head->info == 20 || head->info == 21)
        *out = json_object_new_boolean(head->info == 21);
    else if (head->info != 22) /* null is NULL */
        return broken(from, "a fraction, undefined, a stray break or an unknown simple value");
    return NULL;
}

static FALLIBLE read_integer(struct decoder *from, const struct head *head, json **out)
{
    if (head->info == INDEFINITE)
        return broken(from, "an integer without a length");
    if (head->major == UNSIGNED)
        *out =
            head->value > INT64_MAX ? json_object_new_uint64(head->value) : json_object_new_int64((int64_t)head->value);
    else if (head->value <= INT64_MAX)
        *out = json_object_new_int64(-1 - (int64_t)head->value);
    else
        return broken(from, "an integer does not fit 64 bits");
    return NULL;
}

/* *out is the caller's reference. When reading fails inside a container, the container is dropped here. */
static FALLIBLE read_item(struct decoder *from, const struct head *head, json **out)
{
    slice text = { NULL, 0 };
    error *e;

    switch (head->major) {
    case UNSIGNED:
    case NEGATIVE:
        return read_integer(from, head, out);
    case TEXT:
        TRY(read_text(from, head, &text));
        *out = json_object_new_string_len(text.length == 0 ? "" : text.at, (int)text.length);
        return NULL;
    case ARRAY:
    case MAP:
        *out = head->major == MAP ? json_object_new_object() : json_object_new_array_ext(1);
        e = head->major == MAP ? read_map(from, head, *out) : read_array(from, head, *out);
        if (e != NULL) {
            json_object_put(*out);
            *out = NULL;
        }
        return e;
    case SIMPLE:
        return read_simple(from, head, out);
    default:
        return broken(from, head->major == BYTES ? "a byte string" : "a tag");
    }
}

FALLIBLE cbor_parse(void *ctx, slice bytes, int depth_max, json **out)
{
    void *scratch = talloc_new(ctx);
    struct decoder from = { scratch, reader_of(bytes), bytes.length, depth_max, 0 };
    struct head head;
    json *value = NULL;

    *out = NULL;
    error *e = read_head(&from, &head);
    if (e == NULL && head.major == TAG && head.value == SELF_DESCRIBE && head.info != INDEFINITE)
        e = read_head(&from, &head);
    if (e == NULL)
        e = read_item(&from, &head, &value);
    if (e == NULL && reader_left(&from.in) > 0) {
        e = broken(&from, "bytes after the item");
        json_object_put(value);
    }
    if (e == NULL)
        *out = json_own(ctx, value);
    e = talloc_steal(ctx, e);
    talloc_free(scratch);
    return e;
}

static void write_head(writer *out, enum major major, uint64_t value)
{
    uint8_t first = (uint8_t)(major << 5);
    if (value < 24) {
        writer_u8(out, first | (uint8_t)value);
    } else if (value <= UINT8_MAX) {
        writer_u8(out, first | 24);
        writer_u8(out, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        writer_u8(out, first | 25);
        writer_u16(out, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        writer_u8(out, first | 26);
        writer_u32(out, (uint32_t)value);
    } else {
        writer_u8(out, first | 27);
        writer_u64(out, value);
    }
}

static void write_text(writer *out, slice text)
{
    write_head(out, TEXT, text.length);
    writer_slice(out, text);
}

static void write_integer(writer *out, const json *value)
{
    int64_t number = json_object_get_int64(value);
    if (number < 0)
        write_head(out, NEGATIVE, (uint64_t)(-1 - number));
    else
        write_head(out, UNSIGNED, json_object_get_uint64(value));
}

static void write_item(writer *out, const json *value)
{
    if (value == NULL) {
        write_head(out, SIMPLE, 22);
    } else if (json_is_bool(value)) {
        write_head(out, SIMPLE, json_object_get_boolean(value) ? 21 : 20);
    } else if (json_is_text(value)) {
        write_text(out, json_text(value));
    } else if (json_is_integer(value)) {
        write_integer(out, value);
    } else if (json_is_array(value)) {
        size_t count = json_object_array_length(value);
        write_head(out, ARRAY, count);
        for (size_t i = 0; i < count; i++)
            write_item(out, json_object_array_get_idx(value, i));
    } else if (json_is_object(value)) {
        write_head(out, MAP, (uint64_t)json_object_object_length(value));
        json_object_object_foreach ((json *)value, key, member) {
            write_text(out, slice_of(key));
            write_item(out, member);
        }
    } else {
        fputs("muster: a fraction was to be written as CBOR\n", stderr);
        abort();
    }
}

slice cbor_print(void *ctx, const json *value)
{
    writer out = writer_new(ctx, SIZE_MAX / 2);
    write_item(&out, value);
    return writer_slice_of(&out);
}
