/* material.c - finds what authenticates a request, by name: in the Authorization header or in the query (3.1.1). */
#include "sigv4/internal.h"
#include "base/clock.h"
#include "base/encode.h"

/* The parts in the order in which a refusal lists those that are missing (4.1 row 2). */
enum part { ALGORITHM, CREDENTIAL, SIGNATURE, SIGNED_HEADERS, DATE, EXPIRES, TOKEN, PARTS };

struct parts {
    slice of[PARTS]; /* at == NULL: absent */
};

static const struct {
    const char *in_header;
    const char *in_query;
    bool required;
} names[PARTS] = {
    [ALGORITHM] = { NULL, "X-Amz-Algorithm", true },
    [CREDENTIAL] = { "Credential", "X-Amz-Credential", true },
    [SIGNATURE] = { "Signature", "X-Amz-Signature", true },
    [SIGNED_HEADERS] = { "SignedHeaders", "X-Amz-SignedHeaders", true },
    [DATE] = { NULL, "X-Amz-Date", true },
    [EXPIRES] = { NULL, "X-Amz-Expires", false },
    [TOKEN] = { NULL, "X-Amz-Security-Token", false },
};

static const char *const INCOMPLETE = "IncompleteSignature";

size_t header_find(const struct sigv4_request *request, const char *name, slice *value)
{
    size_t count = 0;
    *value = (slice){ NULL, 0 };
    for (size_t i = 0; i < request->header_count; i++)
        if (slice_is_nocase(request->headers[i].name, name) && count++ == 0)
            *value = request->headers[i].value;
    return count;
}

char *printable(void *ctx, slice text)
{
    char *copy = slice_text(ctx, text);
    for (size_t i = 0; i < text.length; i++)
        if ((copy[i] < ' ' || copy[i] > '~') && copy[i] != '\n')
            copy[i] = '?';
    return copy;
}

/* One value in two places lets two readers see two requests: such a part is refused, whichever reader is right. */
static FALLIBLE keep(void *ctx, struct parts *parts, enum part part, const char *name, slice value)
{
    if (parts->of[part].at != NULL)
        return error_new(ctx, INCOMPLETE, "'%s' is given twice.", name);
    if (value.length > PART_MAX)
        return error_new(ctx, INCOMPLETE, "'%s' is longer than %d bytes.", name, PART_MAX);
    parts->of[part] = value;
    return NULL;
}

static FALLIBLE keep_header(void *ctx, const struct sigv4_request *request, struct parts *parts, enum part part,
                            const char *name)
{
    slice value;
    size_t count = header_find(request, name, &value);
    if (count > 1)
        return error_new(ctx, INCOMPLETE, "The header '%s' is given twice.", name);
    return count == 0 ? NULL : keep(ctx, parts, part, name, slice_trim(value));
}

static FALLIBLE check_algorithm(void *ctx, slice algorithm)
{
    if (slice_is(algorithm, SIGV4_ALGORITHM))
        return NULL;
    return error_new(ctx, INCOMPLETE, "Unsupported AWS 'algorithm': '%s'.", printable(ctx, algorithm));
}

/* Credential=..., SignedHeaders=..., Signature=... in any order; names that we do not know are passed over. */
static FALLIBLE read_pairs(void *ctx, slice rest, struct parts *parts)
{
    slice pair;
    while (slice_split(&rest, ',', &pair)) {
        pair = slice_trim(pair);
        if (pair.length == 0)
            continue;
        slice value = pair, key;
        slice_split(&value, '=', &key);
        if (value.at == NULL)
            return error_new(ctx, INCOMPLETE,
                             "'%s' not a valid key=value pair (missing equal-sign) in Authorization header.",
                             printable(ctx, pair));
        for (enum part part = 0; part < PARTS; part++)
            if (names[part].in_header != NULL && slice_is(slice_trim(key), names[part].in_header))
                TRY(keep(ctx, parts, part, names[part].in_header, slice_trim(value)));
    }
    return NULL;
}

static FALLIBLE read_header(void *ctx, const struct sigv4_request *request, slice authorization, struct parts *parts)
{
    slice rest = authorization, algorithm;
    slice_split(&rest, ' ', &algorithm);
    TRY(check_algorithm(ctx, algorithm));
    if (authorization.length > PART_MAX)
        return error_new(ctx, INCOMPLETE, "The Authorization header is longer than %d bytes.", PART_MAX);
    parts->of[ALGORITHM] = algorithm;
    TRY(read_pairs(ctx, rest, parts));
    TRY(keep_header(ctx, request, parts, DATE, "X-Amz-Date"));
    if (parts->of[DATE].at == NULL)
        TRY(keep_header(ctx, request, parts, DATE, "Date"));
    return keep_header(ctx, request, parts, TOKEN, "X-Amz-Security-Token");
}

/* As in the canonical query, text whose encoding is broken stands for itself. */
static slice decoded(void *ctx, slice text)
{
    slice clear;
    bool coded = text.length > 0 && memchr(text.at, '%', text.length) != NULL;
    return coded && percent_decode(ctx, text, &clear) ? clear : text;
}

static FALLIBLE read_query(void *ctx, const struct sigv4_request *request, struct parts *parts)
{
    slice rest = request->raw_query, pair;
    while (slice_split(&rest, '&', &pair)) {
        slice value = pair, key;
        slice_split(&value, '=', &key);
        key = decoded(ctx, key);
        for (enum part part = 0; part < PARTS; part++)
            if (slice_is(key, names[part].in_query))
                TRY(keep(ctx, parts, part, names[part].in_query, value.at != NULL ? decoded(ctx, value) : SLICE("")));
    }
    return NULL;
}

static bool in_query(const struct parts *parts)
{
    return parts->of[ALGORITHM].at != NULL || parts->of[CREDENTIAL].at != NULL || parts->of[SIGNATURE].at != NULL;
}

/* An empty part is a missing one. */
static FALLIBLE check_complete(void *ctx, const struct parts *parts, bool presigned)
{
    writer list = writer_new(ctx, 1024);
    for (enum part part = 0; part < PARTS; part++) {
        if (!names[part].required || parts->of[part].length > 0)
            continue;
        const char *gap = list.length > 0 ? " " : "";
        if (presigned)
            writer_format(&list, "%sAWS query-string parameters must include '%s'.", gap, names[part].in_query);
        else if (part == DATE)
            writer_format(
                &list, "%sAuthorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.", gap);
        else
            writer_format(&list, "%sAuthorization header requires '%s' parameter.", gap, names[part].in_header);
    }
    return list.length == 0 ? NULL : error_new(ctx, INCOMPLETE, "%.*s", PRINT(writer_slice_of(&list)));
}

static FALLIBLE take_credential(void *ctx, slice credential, struct sigv4_material *out)
{
    slice *const fields[] = { &out->access_key_id, &out->date, &out->region, &out->service, &out->terminator };
    enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
    size_t count = 0;
    slice rest = credential, piece;

    while (slice_split(&rest, '/', &piece)) {
        if (count < FIELDS)
            *fields[count] = piece;
        if (++count == 1)
            out->scope = rest;
    }
    if (count != FIELDS || out->access_key_id.length == 0)
        return error_new(ctx, INCOMPLETE,
                         "Credential must have exactly 5 slash-delimited elements, "
                         "e.g. keyid/date/region/service/term, got '%s'",
                         printable(ctx, credential));
    return NULL;
}

/* The canonical request is built up to a dozen times, so what it is built from has its bounds. */
static FALLIBLE check_count(void *ctx, slice list, char mark, size_t most, const char *what)
{
    size_t count = 0;
    slice piece;
    while (slice_split(&list, mark, &piece))
        count++;
    return count <= most ? NULL : error_new(ctx, INCOMPLETE, "%s more than %zu.", what, most);
}

/* "Thu, 15 Jan 2026 08:30:00 GMT" to "20260115T083000Z"; clock_parse_basic judges the digits. */
static slice basic_of_http_date(void *ctx, slice date)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "***, dd *** dddd dd:dd:dd GMT";

    if (date.length != sizeof(form) - 1)
        return (slice){ NULL, 0 };
    for (size_t i = 0; i < date.length; i++) {
        bool digit = date.at[i] >= '0' && date.at[i] <= '9';
        if (form[i] != '*' && (form[i] == 'd' ? !digit : date.at[i] != form[i]))
            return (slice){ NULL, 0 };
    }
    const char *d = date.at;
    for (int month = 0; month < 12; month++)
        if (memcmp(months + 3 * month, d + 8, 3) == 0)
            return slice_of(
                text_format(ctx, "%.4s%02d%.2sT%.2s%.2s%.2sZ", d + 12, month + 1, d + 5, d + 17, d + 20, d + 23));
    return (slice){ NULL, 0 };
}

static FALLIBLE take_time(void *ctx, slice date, struct sigv4_material *out)
{
    slice basic = date.length == SIGV4_TIME_MAX - 1 || out->presigned ? date : basic_of_http_date(ctx, date);
    if (basic.length == SIGV4_TIME_MAX - 1)
        memcpy(out->time_text, basic.at, basic.length);
    if (!clock_parse_basic(out->time_text, &out->time_s))
        return error_new(ctx, INCOMPLETE,
                         "Date must be in ISO-8601 'basic format'. Got '%s'. "
                         "See http://en.wikipedia.org/wiki/ISO_8601",
                         printable(ctx, date));
    return NULL;
}

static FALLIBLE take_expires(void *ctx, slice text, struct sigv4_material *out)
{
    int64_t seconds = 0;
    bool number = text.length > 0 && text.length <= 6;
    for (size_t i = 0; number && i < text.length; i++) {
        number = text.at[i] >= '0' && text.at[i] <= '9';
        seconds = seconds * 10 + (text.at[i] - '0');
    }
    if (!number || seconds < 1 || seconds > SIGV4_EXPIRES_MAX_S)
        return error_new(ctx, INCOMPLETE, "X-Amz-Expires must be a number of seconds from 1 to %d.",
                         SIGV4_EXPIRES_MAX_S);
    out->expires_s = seconds;
    return NULL;
}

static FALLIBLE take_parts(void *ctx, const struct parts *parts, struct sigv4_material *out)
{
    TRY(take_credential(ctx, slice_copy(out, parts->of[CREDENTIAL]), out));
    TRY(check_count(ctx, parts->of[SIGNED_HEADERS], ';', SIGNED_HEADERS_MAX, "The headers that are signed are"));
    TRY(take_time(ctx, parts->of[DATE], out));
    if (parts->of[EXPIRES].at != NULL)
        TRY(take_expires(ctx, parts->of[EXPIRES], out));
    out->signed_headers = slice_copy(out, parts->of[SIGNED_HEADERS]);
    out->signature = slice_copy(out, parts->of[SIGNATURE]);
    if (parts->of[TOKEN].length > 0)
        out->token = slice_copy(out, parts->of[TOKEN]);
    return NULL;
}

/* "AWS4-..." and the older "AWS keyid:signature" are ours to judge; Basic, Bearer and the rest are somebody else's. */
static FALLIBLE find_authorization(void *ctx, const struct sigv4_request *request, slice *out)
{
    size_t count = header_find(request, "Authorization", out);
    *out = slice_trim(*out);
    if (count > 1)
        return error_new(ctx, INCOMPLETE, "The header 'Authorization' is given twice.");
    if (count == 0 || !slice_starts(*out, "AWS"))
        *out = (slice){ NULL, 0 };
    return NULL;
}

FALLIBLE sigv4_parse(void *ctx, const struct sigv4_request *request, struct sigv4_material **out)
{
    SCRATCH work = talloc_new(ctx);
    struct parts query = { 0 }, header = { 0 };
    slice authorization;

    *out = NULL;
    TRY(find_authorization(ctx, request, &authorization));
    error *e = read_query(work, request, &query);
    bool presigned = in_query(&query);
    if (authorization.at == NULL && !presigned)
        return NULL;
    if (e != NULL)
        return error_new(ctx, e->name, "%s", e->message);
    if (authorization.at != NULL && presigned)
        return error_new(ctx, INCOMPLETE,
                         "The request is signed both in its Authorization header and in its query; use one of them.");
    if (presigned && request->websocket && query.of[TOKEN].at == NULL)
        TRY(keep_header(ctx, request, &query, TOKEN, "X-Amz-Security-Token"));
    if (presigned && query.of[ALGORITHM].length > 0)
        TRY(check_algorithm(ctx, query.of[ALGORITHM]));
    if (!presigned)
        TRY(read_header(ctx, request, authorization, &header));
    TRY(check_complete(ctx, presigned ? &query : &header, presigned));
    TRY(check_count(ctx, request->raw_query, '&', PARAMETERS_MAX, "The parameters of the query are"));

    struct sigv4_material *material = MAKE(ctx, struct sigv4_material);
    material->presigned = presigned;
    TRY(take_parts(ctx, presigned ? &query : &header, material));
    *out = material;
    return NULL;
}

error *sigv4_missing(void *ctx, enum sigv4_family family)
{
    return error_new(ctx, "MissingAuthenticationToken", "%s",
                     family == SIGV4_QUERY ? "Request is missing Authentication Token"
                                           : "Missing Authentication Token");
}
