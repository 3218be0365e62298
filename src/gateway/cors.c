/* cors.c - cross-origin requests of browsers. */
#include "gateway/cors.h"

enum { HEADERS_MAX = sizeof(((struct http_answer *)0)->headers) / sizeof(struct http_header) };

static void add(struct http_answer *answer, slice name, slice value)
{
    if (answer->header_count < HEADERS_MAX)
        answer->headers[answer->header_count++] = (struct http_header){ name, value };
}

void cors_add(struct http_answer *answer)
{
    add(answer, SLICE("Access-Control-Allow-Origin"), SLICE("*"));
    add(answer, SLICE("Access-Control-Expose-Headers"),
        SLICE("x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"));
}

void cors_preflight(void *ctx, const struct http_request *request, const char *request_id, struct http_answer *out)
{
    slice wanted = http_header_find(request, "access-control-request-headers");
    *out = (struct http_answer){ .status = 200 };
    add(out, SLICE("x-amzn-RequestId"), slice_of(text_copy(ctx, request_id)));
    add(out, SLICE("Access-Control-Allow-Methods"), SLICE("GET,POST,PUT,DELETE,PATCH,HEAD"));
    if (wanted.length > 0)
        add(out, SLICE("Access-Control-Allow-Headers"), wanted);
    add(out, SLICE("Access-Control-Max-Age"), SLICE("172800"));
}
