/* http_reader.c - a scanner of lines, llhttp behind it, and the rules on heads and bodies. */
#include "gateway/http_reader.h"
#include <llhttp.h>

enum line { LINE_BLANK, LINE_TEXT, LINE_CR }; /* nothing in it yet; something; a CR that wants its LF */

struct piece {
    size_t at, length; /* in in->text, which moves as it grows */
};

struct field {
    struct piece name, value;
    bool named; /* the value has begun */
};

struct http_reader {
    llhttp_t parser;
    struct http_limits limits;
    const struct http_refusal *refusal;

    struct http_message *message; /* NULL: no request has begun */
    writer text, body;            /* of the message */
    struct piece target;
    struct field *fields;
    size_t field_count;

    enum line line;
    bool began; /* a line with something in it has been seen */
    bool head_scanned, head_done, done;
    bool expects_continue;
    size_t head_bytes, body_bytes;
};

enum {
    REFUSE_LINE,
    REFUSE_FOLDED,
    REFUSE_CONTROL,
    REFUSE_HEAD,
    REFUSE_HEADERS,
    REFUSE_BODY,
    REFUSE_SYNTAX,
    REFUSE_LENGTH,
    REFUSE_CODING,
    REFUSE_OLD_CODING,
    REFUSE_VERSION,
    REFUSE_METHOD,
    REFUSE_TARGET,
    REFUSE_HOST,
    REFUSE_EXPECT,
    REFUSE_CHUNKS
};

static const struct http_refusal refusals[] = {
    [REFUSE_LINE] = { 400, "InvalidRequestException", "Each line of a request's head ends with CR and LF." },
    [REFUSE_FOLDED] = { 400, "InvalidRequestException", "A header stands on one line." },
    [REFUSE_CONTROL] = { 400, "InvalidRequestException", "A request's head has no control characters." },
    [REFUSE_HEAD] = { 431, "RequestHeaderFieldsTooLargeException", "The request line and headers are too large." },
    [REFUSE_HEADERS] = { 431, "RequestHeaderFieldsTooLargeException", "A request has at most 100 headers." },
    [REFUSE_BODY] = { 413, "RequestEntityTooLargeException", "The request body is too large." },
    [REFUSE_SYNTAX] = { 400, "InvalidRequestException", "This is not an HTTP/1.1 request." },
    [REFUSE_LENGTH] = { 400, "InvalidRequestException", "A request says the length of its body in one way, once." },
    [REFUSE_CODING] = { 501, "NotImplementedException", "The only transfer coding taken is chunked." },
    [REFUSE_OLD_CODING] = { 400, "InvalidRequestException", "HTTP/1.0 knows no Transfer-Encoding." },
    [REFUSE_VERSION] = { 505, "HttpVersionNotSupportedException", "HTTP/1.0 and HTTP/1.1 are spoken here." },
    [REFUSE_METHOD] = { 405, "MethodNotAllowedException", "This method is not taken." },
    [REFUSE_TARGET] = { 400, "InvalidRequestException", "A request's target is a path that begins with '/'." },
    [REFUSE_HOST] = { 400, "InvalidRequestException", "A request has one Host header." },
    [REFUSE_EXPECT] = { 417, "ExpectationFailedException", "The only expectation known is 100-continue." },
    [REFUSE_CHUNKS] = { 400, "InvalidRequestException", "The body's chunks are mostly framing." },
};

/* What llhttp found, in our words; anything else is REFUSE_SYNTAX. */
static const struct {
    int found, refusal;
} of_llhttp[] = {
    { HPE_UNEXPECTED_CONTENT_LENGTH, REFUSE_LENGTH },
    { HPE_INVALID_CONTENT_LENGTH, REFUSE_LENGTH },
    { HPE_INVALID_TRANSFER_ENCODING, REFUSE_LENGTH },
    { HPE_INVALID_VERSION, REFUSE_VERSION },
    { HPE_INVALID_METHOD, REFUSE_METHOD },
    { HPE_INVALID_URL, REFUSE_TARGET },
};

/* Chunk sizes, extensions and trailers may cost this much beside a body's bytes: room for honest small chunks. */
enum { FRAMING_FREE = 16384, FRAMING_PER_BYTE = 8 };

/* ---- llhttp's callbacks; a non-zero result ends the parse ---- */

static struct http_reader *reader_of_parser(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(struct http_reader *in, int which)
{
    if (in->refusal == NULL)
        in->refusal = &refusals[which];
    return -1;
}

static void extend(struct http_reader *in, struct piece *piece, const char *at, size_t length)
{
    if (piece->length == 0)
        piece->at = in->text.length;
    writer_bytes(&in->text, at, length);
    piece->length += length;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    struct http_reader *in = reader_of_parser(parser);
    extend(in, &in->target, at, length);
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
    struct http_reader *in = reader_of_parser(parser);
    if (in->head_done)
        return 0; /* trailers: nothing here reads them, and they must not pass for signed headers */
    if (in->field_count == 0 || in->fields[in->field_count - 1].named) {
        if (in->field_count == in->limits.headers)
            return refuse(in, REFUSE_HEADERS);
        in->fields[in->field_count++] = (struct field){ 0 };
    }
    extend(in, &in->fields[in->field_count - 1].name, at, length);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
    struct http_reader *in = reader_of_parser(parser);
    if (in->head_done)
        return 0;
    if (in->field_count == 0 || in->fields[in->field_count - 1].named ||
        in->fields[in->field_count - 1].name.length == 0)
        return refuse(in, REFUSE_SYNTAX); /* a value without a name: llhttp lets ": x" pass */
    extend(in, &in->fields[in->field_count - 1].value, at, length);
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct http_reader *in = reader_of_parser(parser);
    if (!in->head_done && in->field_count > 0)
        in->fields[in->field_count - 1].named = true; /* also when the value is empty */
    return 0;
}

static slice slice_of_piece(const struct http_reader *in, struct piece piece)
{
    return piece.length ? (slice){ in->text.at + piece.at, piece.length } : SLICE("");
}

static void make_request(struct http_reader *in)
{
    struct http_message *message = in->message;
    struct http_request *request = &message->request;
    struct http_header *headers = MAKE_ARRAY(message, struct http_header, in->field_count + 1);
    for (size_t i = 0; i < in->field_count; i++)
        headers[i] = (struct http_header){ slice_of_piece(in, in->fields[i].name),
                                           slice_trim(slice_of_piece(in, in->fields[i].value)) };
    request->headers = headers;
    request->header_count = in->field_count;
    request->method = slice_of(llhttp_method_name((llhttp_method_t)in->parser.method));
    request->target = slice_of_piece(in, in->target);

    slice rest = request->target;
    slice_split(&rest, '?', &request->path);
    request->query = rest.at ? rest : SLICE("");
    message->minor = in->parser.http_minor;
}

static size_t count_headers(const struct http_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += slice_is_nocase(request->headers[i].name, name);
    return count;
}

static int check_framing(struct http_reader *in, const struct http_request *request)
{
    const llhttp_t *parser = &in->parser;
    size_t codings = count_headers(request, "transfer-encoding");
    if (count_headers(request, "content-length") + codings > 1)
        return refuse(in, REFUSE_LENGTH);
    if (codings > 0 && parser->http_minor == 0)
        return refuse(in, REFUSE_OLD_CODING);
    if (codings > 0 && !slice_is_nocase(http_header_find(request, "transfer-encoding"), "chunked"))
        return refuse(in, REFUSE_CODING);
    if (codings == 0 && parser->content_length > in->limits.body)
        return refuse(in, REFUSE_BODY);
    return 0;
}

static int check_head(struct http_reader *in)
{
    const llhttp_t *parser = &in->parser;
    const struct http_request *request = &in->message->request;
    slice expect = http_header_find(request, "expect");
    size_t hosts = count_headers(request, "host");

    if (parser->http_major != 1 || parser->http_minor > 1)
        return refuse(in, REFUSE_VERSION);
    if (parser->method == HTTP_CONNECT || parser->method == HTTP_TRACE)
        return refuse(in, REFUSE_METHOD);
    if (!slice_starts(request->target, "/") || memchr(request->target.at, '#', request->target.length) != NULL)
        return refuse(in, REFUSE_TARGET);
    if (hosts > 1 || (hosts == 0 && parser->http_minor == 1))
        return refuse(in, REFUSE_HOST);
    if (expect.at != NULL && parser->http_minor == 1 && !slice_is_nocase(expect, "100-continue"))
        return refuse(in, REFUSE_EXPECT);
    in->expects_continue = expect.at != NULL && parser->http_minor == 1;
    return check_framing(in, request);
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_reader *in = reader_of_parser(parser);
    make_request(in);
    in->head_done = true;
    parser->upgrade = 0; /* an upgrade that is not taken is an ordinary request (RFC 9110 7.8) */
    return check_head(in);
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct http_reader *in = reader_of_parser(parser);
    writer_bytes(&in->body, at, length);
    return in->body.overflowed ? refuse(in, REFUSE_BODY) : 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_reader *in = reader_of_parser(parser);
    struct http_message *message = in->message;
    message->request.body = in->body.length ? writer_slice_of(&in->body) : SLICE("");
    message->keep_alive = llhttp_should_keep_alive(parser) != 0;
    in->done = true;
    return HPE_PAUSED; /* the next request waits until this one is answered */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- one request ---- */

struct http_reader *http_reader_new(void *ctx, const struct http_limits *limits)
{
    struct http_reader *in = MAKE(ctx, struct http_reader);
    in->limits = *limits;
    return in;
}

static int forget_message(struct http_reader *in)
{
    talloc_free(in->message);
    return 0;
}

static void begin(struct http_reader *in)
{
    struct http_limits limits = in->limits;
    *in = (struct http_reader){ .limits = limits };
    llhttp_init(&in->parser, HTTP_REQUEST, &settings);
    in->parser.data = in;
    in->message = MAKE(NULL, struct http_message);
    in->text = writer_new(in->message, limits.head);
    in->body = writer_new(in->message, limits.body);
    in->fields = MAKE_ARRAY(in->message, struct field, limits.headers);
    talloc_set_destructor(in, forget_message);
}

/* One byte of the head. RFC 9112 2.2 lets empty lines stand before a request. */
static void scan_byte(struct http_reader *in, unsigned char byte)
{
    if ((in->line == LINE_CR) != (byte == '\n'))
        refuse(in, REFUSE_LINE);
    else if (in->line == LINE_BLANK && (byte == ' ' || byte == '\t'))
        refuse(in, REFUSE_FOLDED);
    else if ((byte < ' ' && memchr("\t\r\n", byte, 3) == NULL) || byte == 0x7f)
        refuse(in, REFUSE_CONTROL);
    in->line = byte == '\r' ? LINE_CR : byte == '\n' ? LINE_BLANK : LINE_TEXT;
    in->began = in->began || in->line == LINE_TEXT;
}

/* How many of these bytes belong to the head, and are fit to be parsed. */
static size_t scan_head(struct http_reader *in, slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        bool was_blank = in->line == LINE_BLANK;
        if (++in->head_bytes > in->limits.head)
            refuse(in, REFUSE_HEAD);
        scan_byte(in, (unsigned char)bytes.at[i]);
        if (in->refusal != NULL)
            return i;
        if (in->head_scanned)
            return i + 1; /* the LF of the empty line */
        in->head_scanned = was_blank && in->began && in->line == LINE_CR;
    }
    return bytes.length;
}

static int refusal_of_llhttp(int found)
{
    for (size_t i = 0; i < sizeof(of_llhttp) / sizeof(of_llhttp[0]); i++)
        if (of_llhttp[i].found == found)
            return of_llhttp[i].refusal;
    return REFUSE_SYNTAX;
}

/* Returns how many bytes llhttp used. */
static size_t parse(struct http_reader *in, slice bytes)
{
    if (bytes.length == 0)
        return 0;
    llhttp_errno_t found = llhttp_execute(&in->parser, bytes.at, bytes.length);
    if (in->done)
        return (size_t)(llhttp_get_error_pos(&in->parser) - bytes.at);
    if (found != HPE_OK)
        refuse(in, refusal_of_llhttp(found));
    return bytes.length;
}

static size_t feed_head(struct http_reader *in, slice bytes)
{
    size_t length = scan_head(in, bytes);
    return parse(in, (slice){ bytes.at, length });
}

static size_t feed_body(struct http_reader *in, slice bytes)
{
    size_t used = parse(in, bytes);
    in->body_bytes += used;
    if (!in->done && in->body_bytes > FRAMING_FREE + FRAMING_PER_BYTE * in->body.length)
        refuse(in, REFUSE_CHUNKS);
    return used;
}

static size_t feed_once(struct http_reader *in, slice bytes, enum http_progress *progress)
{
    bool had_head = in->head_done;
    size_t used = had_head ? feed_body(in, bytes) : feed_head(in, bytes);
    if (in->refusal != NULL)
        *progress = HTTP_REFUSED;
    else if (in->done)
        *progress = HTTP_DONE;
    else
        *progress = !had_head && in->head_done ? HTTP_HEAD_DONE : HTTP_NEEDS_MORE;
    return used;
}

size_t http_reader_feed(struct http_reader *in, slice bytes, enum http_progress *progress)
{
    *progress = HTTP_NEEDS_MORE;
    if (in->refusal != NULL || in->done) {
        *progress = in->refusal ? HTTP_REFUSED : HTTP_DONE;
        return 0;
    }
    if (in->message == NULL)
        begin(in);
    size_t used = 0;
    while (used < bytes.length && *progress == HTTP_NEEDS_MORE)
        used += feed_once(in, slice_from(bytes, used), progress);
    return used;
}

bool http_reader_is_busy(const struct http_reader *in)
{
    return in->message != NULL && in->began;
}

bool http_reader_expects_continue(const struct http_reader *in)
{
    return in->expects_continue;
}

const struct http_refusal *http_reader_refusal(const struct http_reader *in)
{
    return in->refusal;
}

struct http_message *http_reader_take(struct http_reader *in)
{
    struct http_message *message = in->message;
    in->message = NULL;
    in->done = false;
    in->began = false;
    return message;
}
