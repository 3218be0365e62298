/* http_reader.h - requests out of bytes: HTTP/1.0 and 1.1 (RFC 9112), read strictly. Pure.

   llhttp parses; around it stands what it leaves to its user: limits, lines that end in CRLF and nothing else, no folded
   lines, one Host, one body length, no transfer coding but chunked, origin-form targets. What two readers could take in
   two ways is refused, since that is what request smuggling lives on.

   A reader collects one request at a time. Its message is a talloc tree of its own, which http_reader_take hands out. */
#pragma once
#include "operation/operation.h"

struct http_limits {
    size_t head;    /* bytes of request line and headers */
    size_t headers; /* count */
    size_t body;
};

struct http_message {
    struct http_request request; /* slices into this tree */
    unsigned minor;              /* HTTP/1.minor */
    bool keep_alive;
};

/* Why a request is not taken: the status, the name and the sentence of its answer. Constant. */
struct http_refusal {
    int status;
    const char *name;
    const char *message;
};

enum http_progress {
    HTTP_NEEDS_MORE,
    HTTP_HEAD_DONE, /* said once, when a body is to come */
    HTTP_DONE,      /* take it */
    HTTP_REFUSED    /* nothing more is read; see http_reader_refusal */
};

struct http_reader;

struct http_reader *http_reader_new(void *ctx, const struct http_limits *limits);
/* Returns how many bytes were used; all of them when more are needed. */
size_t http_reader_feed(struct http_reader *in, slice bytes, enum http_progress *progress);
/* Has a request begun? */
bool http_reader_is_busy(const struct http_reader *in);
/* After HTTP_HEAD_DONE: the client waits for "100 Continue". */
bool http_reader_expects_continue(const struct http_reader *in);
const struct http_refusal *http_reader_refusal(const struct http_reader *in);
/* After HTTP_DONE: the message, child of NULL; the reader is ready for the next one. */
struct http_message *http_reader_take(struct http_reader *in);
