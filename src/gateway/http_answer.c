/* http_answer.c - answers as bytes. */
#include "gateway/http_side.h"
#include "base/clock.h"
#include "base/random.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 413, "Payload Too Large" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

/* An error's text may quote what a stranger sent: a line break in it must not become a header of its own. */
static void write_value(writer *out, slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        writer_u8(out, byte < ' ' || byte == 0x7f ? ' ' : byte);
    }
}

void http_answer_write(writer *out, const struct http_answer *answer, int64_t now_ms, bool keep_alive, bool has_body)
{
    char date[CLOCK_TEXT_MAX];
    clock_http_date(now_ms, date);
    writer_format(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", answer->status, reason_of(answer->status), date);
    if (answer->content_type != NULL && answer->body.length > 0)
        writer_format(out, "Content-Type: %s\r\n", answer->content_type);
    for (size_t i = 0; i < answer->header_count; i++) {
        writer_slice(out, answer->headers[i].name);
        writer_text(out, ": ");
        write_value(out, answer->headers[i].value);
        writer_text(out, "\r\n");
    }
    writer_format(out, "Content-Length: %zu\r\nConnection: %s\r\n\r\n", answer->body.length,
                  keep_alive ? "keep-alive" : "close");
    if (has_body)
        writer_slice(out, answer->body);
}

void http_refusal_answer(void *ctx, const struct http_refusal *refusal, struct http_answer *out)
{
    json *body = json_new_object(ctx);
    json_put_text(body, "__type", refusal->name);
    json_put_text(body, "message", refusal->message);
    *out = (struct http_answer){
        .status = refusal->status,
        .content_type = "application/json",
        .headers = { { SLICE("x-amzn-ErrorType"), slice_of(refusal->name) },
                     { SLICE("x-amzn-RequestId"), slice_of(random_uuid(ctx)) } },
        .header_count = 2,
        .body = json_print(ctx, body),
    };
}
