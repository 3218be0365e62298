/* canonical.c - the canonical request: one text for all the ways in which one request can be written (3.1.2). */
#include "sigv4/internal.h"
#include "base/encode.h"

/* Drops empty and "." segments, lets ".." pop, keeps a trailing '/', and encodes once more: "%2F" becomes "%252F". */
slice canonical_path(void *ctx, slice raw_path)
{
    slice *kept = NULL, rest = raw_path, segment;
    size_t count = 0;
    while (slice_split(&rest, '/', &segment)) {
        if (slice_is(segment, ".."))
            count -= count > 0 ? 1 : 0;
        else if (segment.length > 0 && !slice_is(segment, "."))
            *ARRAY_ADD(ctx, kept, count) = segment;
    }

    writer out = writer_new(ctx, CANONICAL_MAX);
    for (size_t i = 0; i < count; i++) {
        writer_text(&out, "/");
        percent_encode(&out, kept[i], "");
    }
    if (count == 0 || slice_ends(raw_path, "/"))
        writer_text(&out, "/");
    return writer_slice_of(&out);
}

struct pair {
    slice raw;
    slice key, value; /* encoded anew */
};

static int by_key_then_value(const void *a, const void *b)
{
    const struct pair *one = a, *other = b;
    int order = slice_compare(one->key, other->key);
    return order != 0 ? order : slice_compare(one->value, other->value);
}

/* '+' stays '+', that is "%2B"; text whose encoding is broken stands for itself. */
static slice encode_anew(void *ctx, slice raw)
{
    slice clear;
    writer out = writer_new(ctx, CANONICAL_MAX);
    percent_encode(&out, percent_decode(ctx, raw, &clear) ? clear : raw, "");
    return writer_slice_of(&out);
}

static bool is_left_out(slice key, const struct sigv4_request *request, const struct canonical_form *form)
{
    return slice_is(key, "X-Amz-Signature") ||
           (slice_is(key, "X-Amz-Security-Token") && request->websocket && !form->token_in_query);
}

static struct pair *query_pairs(void *ctx, const struct sigv4_request *request, const struct canonical_form *form,
                                size_t *count)
{
    struct pair *pairs = NULL;
    slice rest = request->raw_query, raw;
    *count = 0;
    while (slice_split(&rest, '&', &raw)) {
        if (raw.length == 0)
            continue;
        slice value = raw, key;
        slice_split(&value, '=', &key);
        key = encode_anew(ctx, key);
        if (is_left_out(key, request, form))
            continue;
        *ARRAY_ADD(ctx, pairs, *count) =
            (struct pair){ .raw = raw, .key = key, .value = value.at ? encode_anew(ctx, value) : SLICE("") };
    }
    return pairs;
}

static void write_query(writer *out, const struct sigv4_request *request, const struct canonical_form *form)
{
    SCRATCH work = talloc_new(out->ctx);
    size_t count;
    struct pair *pairs = query_pairs(work, request, form, &count);
    if (count > 1 && !form->raw_query)
        qsort(pairs, count, sizeof(*pairs), by_key_then_value);
    for (size_t i = 0; i < count; i++) {
        writer_text(out, i > 0 ? "&" : "");
        writer_slice(out, form->raw_query ? pairs[i].raw : pairs[i].key);
        writer_text(out, form->raw_query ? "" : "=");
        writer_slice(out, form->raw_query ? SLICE("") : pairs[i].value);
    }
}

/* Both ends trimmed; each run of blanks inside becomes one. */
static void write_value(writer *out, slice value)
{
    value = slice_trim(value);
    bool in_run = false;
    for (size_t i = 0; i < value.length; i++) {
        bool blank = value.at[i] == ' ' || value.at[i] == '\t';
        if (!(blank && in_run))
            writer_bytes(out, blank ? " " : &value.at[i], 1);
        in_run = blank;
    }
}

static slice without_port(slice host)
{
    size_t end = host.length;
    while (end > 0 && host.at[end - 1] >= '0' && host.at[end - 1] <= '9')
        end--;
    return end > 0 && end < host.length && host.at[end - 1] == ':' ? (slice){ host.at, end - 1 } : host;
}

static void write_host(writer *out, slice host, const struct canonical_form *form)
{
    host = slice_trim(host);
    slice bare = without_port(host);
    write_value(out, form->host == HOST_WITHOUT_PORT ? bare : host);
    if (form->host == HOST_WITH_443 && bare.length == host.length)
        writer_text(out, ":443");
}

static bool slice_equal_nocase(slice a, slice b)
{
    return a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
}

static void write_name(writer *out, slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        writer_u8(out, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
}

static void write_headers(writer *out, const struct sigv4_request *request, slice names,
                          const struct canonical_form *form)
{
    slice name;
    while (slice_split(&names, ';', &name)) {
        write_name(out, name);
        writer_text(out, ":");
        bool again = false;
        for (size_t i = 0; i < request->header_count; i++) {
            if (!slice_equal_nocase(request->headers[i].name, name))
                continue;
            writer_text(out, again ? "," : "");
            again = true;
            if (slice_is_nocase(name, "host"))
                write_host(out, request->headers[i].value, form);
            else
                write_value(out, request->headers[i].value);
        }
        writer_text(out, "\n");
    }
}

static void write_method(writer *out, slice method)
{
    for (size_t i = 0; i < method.length; i++) {
        char c = method.at[i];
        writer_u8(out, (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
    }
}

slice canonical_request(void *ctx, const struct sigv4_request *request, slice signed_headers, slice payload,
                        const struct canonical_form *form)
{
    writer out = writer_new(ctx, CANONICAL_MAX);
    write_method(&out, request->method);
    writer_text(&out, "\n");
    writer_slice(&out,
                 request->s3_rules || form->raw_path ? request->raw_path : canonical_path(ctx, request->raw_path));
    writer_text(&out, "\n");
    write_query(&out, request, form);
    writer_text(&out, "\n");
    write_headers(&out, request, signed_headers, form);
    writer_text(&out, "\n");
    writer_slice(&out, signed_headers);
    writer_text(&out, "\n");
    writer_slice(&out, payload);
    return out.overflowed ? (slice){ NULL, 0 } : writer_slice_of(&out);
}
