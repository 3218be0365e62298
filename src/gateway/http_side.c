/* http_side.c - requests taken and answered, one after the other; and the patience for each part of them. */
#include "gateway/http_side.h"
#include "gateway/device_exchange.h"
#include "gateway/exchange.h"
#include "gateway/metrics.h"
#include "gateway/protocols.h"
#include "base/clock.h"

enum { HEADERS_MAX = 100 };

struct side {
    struct http_reader *reader;
    bool busy;       /* a request is being answered */
    bool keep_alive; /* after it */
    bool wants_body; /* its answer has one: it was no HEAD */
};

static void too_slow(struct connection *connection);
static void idle_too_long(struct connection *connection);

static const struct phase waiting = { "waiting for a request", 60000, connection_serve, idle_too_long };
static const struct phase heading = { "reading a request's head", 30000, connection_serve, too_slow };
static const struct phase reading_body = { "reading a request's body", 60000, connection_serve, too_slow };
static const struct phase answering = { "answering a request", 0, connection_serve, NULL };

static const struct http_refusal slow = { 408, "RequestTimeoutException", "The request came too slowly." };

/* ---- answers ---- */

static void count_answer(struct connection *connection, int status)
{
    struct counters *counters = &connection->station->counters;
    COUNT(counters->http_requests, 1);
    if (status >= 500)
        COUNT(counters->http_server_errors, 1);
    else if (status >= 400)
        COUNT(counters->http_refused, 1);
}

void http_side_answer(struct connection *connection, const struct http_answer *answer)
{
    struct side *side = connection->side;
    SCRATCH scratch = talloc_new(NULL);
    writer out = writer_new(scratch, SIZE_MAX / 4);
    bool keep_alive = side->keep_alive && !connection->station->shutting;
    http_answer_write(&out, answer, clock_now_ms(), keep_alive, side->wants_body);
    count_answer(connection, answer->status);
    side->busy = false;
    connection_send(connection, writer_slice_of(&out));
    if (!keep_alive) {
        connection_leave(connection, "the request was the last one");
        return;
    }
    connection_enter(connection, &waiting);
    connection_resume_when_sent(connection);
}

/* After it nobody knows where the next request would begin: it is the last answer. */
static void refuse(struct connection *connection, const struct http_refusal *refusal)
{
    struct side *side = connection->side;
    struct http_answer answer;
    SCRATCH scratch = talloc_new(NULL);
    if (quiet_allows(&connection->station->request_lines, &connection->station->scope, "refused requests"))
        log_info(&connection->scope, "refused a request with %d: %s", refusal->status, refusal->message);
    http_refusal_answer(scratch, refusal, &answer);
    side->keep_alive = false;
    side->wants_body = true;
    http_side_answer(connection, &answer);
}

static void too_slow(struct connection *connection)
{
    refuse(connection, &slow);
}

static void idle_too_long(struct connection *connection)
{
    connection_leave(connection, "no request came");
}

/* ---- requests ---- */

static void begin(struct connection *connection)
{
    const struct gateway_options *options = &connection->station->gateway->options;
    const struct http_limits limits = { options->head_limit, HEADERS_MAX, options->body_limit };
    struct side *side = MAKE(connection, struct side);
    side->reader = http_reader_new(side, &limits);
    connection->side = side;
}

static struct http_message *take_message(struct connection *connection)
{
    struct side *side = connection->side;
    struct http_message *message = http_reader_take(side->reader);
    side->busy = true;
    side->keep_alive = message->keep_alive;
    side->wants_body = !slice_is(message->request.method, "HEAD");
    connection_pause(connection);
    connection_enter(connection, &answering);
    return message;
}

static void head_is_done(struct connection *connection, bool body_is_here)
{
    struct side *side = connection->side;
    connection_enter(connection, &reading_body);
    if (http_reader_expects_continue(side->reader) && !body_is_here)
        connection_send(connection, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
}

static size_t take(struct connection *connection, slice bytes,
                   void (*serve)(struct connection *, struct http_message *))
{
    struct side *side = connection->side;
    size_t used = 0;
    while (used < bytes.length && !side->busy && connection->reading == READING && connection->leaving == NULL) {
        enum http_progress progress;
        used += http_reader_feed(side->reader, slice_from(bytes, used), &progress);
        if (connection->phase == &waiting)
            connection_enter(connection, &heading);
        if (progress == HTTP_HEAD_DONE)
            head_is_done(connection, used < bytes.length);
        else if (progress == HTTP_DONE)
            serve(connection, take_message(connection));
        else if (progress == HTTP_REFUSED)
            refuse(connection, http_reader_refusal(side->reader));
    }
    return used;
}

static bool is_idle(const struct connection *connection)
{
    const struct side *side = connection->side;
    return !side->busy && !http_reader_is_busy(side->reader);
}

static void ended(struct connection *connection)
{
    talloc_free(connection->side);
    connection->side = NULL;
}

/* ---- those that speak HTTP ---- */

static void serve_api(struct connection *connection, struct http_message *message)
{
    exchange_begin(connection, message);
}

static void serve_device(struct connection *connection, struct http_message *message)
{
    device_exchange_begin(connection, message, device_publish_run);
}

static void serve_credentials(struct connection *connection, struct http_message *message)
{
    device_exchange_begin(connection, message, credentials_run);
}

static void serve_metrics(struct connection *connection, struct http_message *message)
{
    struct http_answer answer;
    metrics_answer(message, connection->station->gateway, &message->request, &answer);
    http_side_answer(connection, &answer);
    talloc_free(message);
}

static size_t take_api(struct connection *connection, slice bytes)
{
    return take(connection, bytes, serve_api);
}

static size_t take_device(struct connection *connection, slice bytes)
{
    return take(connection, bytes, serve_device);
}

static size_t take_credentials(struct connection *connection, slice bytes)
{
    return take(connection, bytes, serve_credentials);
}

static size_t take_metrics(struct connection *connection, slice bytes)
{
    return take(connection, bytes, serve_metrics);
}

#define HTTP_PROTOCOL(its_name, its_take)                                                                     \
    {                                                                                                         \
        .name = (its_name), .first = &waiting, .answers_after_end = true, .begin = begin, .take = (its_take), \
        .is_idle = is_idle, .ended = ended                                                                    \
    }

const struct wire_protocol api_protocol = HTTP_PROTOCOL("https", take_api);
const struct wire_protocol device_http_protocol = HTTP_PROTOCOL("device-https", take_device);
const struct wire_protocol credentials_protocol = HTTP_PROTOCOL("credentials", take_credentials);
const struct wire_protocol metrics_protocol = HTTP_PROTOCOL("metrics", take_metrics);
