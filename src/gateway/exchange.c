/* exchange.c - there and back again. */
#include "gateway/exchange.h"
#include "gateway/cors.h"
#include "gateway/http_side.h"
#include "base/random.h"

static struct exchange *exchange_of_work(struct work *work)
{
    return (struct exchange *)((char *)work - offsetof(struct exchange, work));
}

static struct exchange *exchange_of_post(struct loop_post *post)
{
    return (struct exchange *)((char *)post - offsetof(struct exchange, post));
}

static int forget(struct exchange *exchange)
{
    known_key_drop(exchange->key);
    return 0;
}

/* ---- back on the loop ---- */

static void give_answer(struct exchange *exchange, struct http_answer *answer)
{
    struct connection *connection = connection_find(&exchange->handle);
    if (connection == NULL)
        return;
    cors_add(answer);
    http_side_answer(connection, answer);
}

static void finished(struct call *call)
{
    struct exchange *exchange = call->owner;
    struct http_answer answer;
    door_answer(exchange, call, &exchange->route, &answer);
    give_answer(exchange, &answer);
    talloc_free(call); /* before its caller, which the exchange's key holds */
    talloc_free(exchange);
}

/* Only the name: a message about a signature holds the signed headers, which hold a session token. Strangers can fill
   neither the log nor the audit trail. */
static void log_refusal(struct exchange *exchange)
{
    struct station *station = exchange->handle.station;
    const struct scope client = { &station->scope, "client", exchange->client };
    const struct scope request = { &client, "request", exchange->request_id };
    bool allowed = quiet_allows(&station->request_lines, &station->scope, "refused requests");
    if (allowed)
        log_info(&request, "refused a request: %s", exchange->refused->name);
    if (allowed || exchange->caller != NULL)
        door_audit_refusal(exchange->gateway->options.door, &exchange->route, exchange->request_id, exchange->source_ip,
                           exchange->access_key, exchange->caller, exchange->refused);
}

static void refused(struct loop_post *post)
{
    struct exchange *exchange = exchange_of_post(post);
    struct http_answer answer;
    log_refusal(exchange);
    door_refuse(exchange, exchange->gateway->options.door, &exchange->route, exchange->request_id, exchange->refused,
                &answer);
    give_answer(exchange, &answer);
    talloc_free(exchange);
}

/* ---- on a worker ---- */

static FALLIBLE enter_signed(struct exchange *exchange)
{
    const struct http_request *request = &exchange->message->request;
    TRY(authenticate(exchange));
    TRY(door_bind(exchange->gateway->options.door, exchange, request, &exchange->route, &exchange->call));
    struct call *call = exchange->call;
    slice agent = http_header_find(request, "user-agent");
    call->caller = exchange->caller;
    call->account = exchange->caller->account;
    call->region = exchange->region;
    call->source_ip = exchange->source_ip;
    call->user_agent = agent.at ? slice_text(exchange, agent) : NULL;
    slice referer = http_header_find(request, "referer");
    call->referer = referer.at ? slice_text(exchange, referer) : NULL;
    call->via = "https";
    call->home = exchange->handle.station->loop;
    call->owner = exchange;
    call->done = finished;
    return NULL;
}

static void run(struct work *work)
{
    struct exchange *exchange = exchange_of_work(work);
    exchange->refused = enter_signed(exchange);
    if (exchange->refused == NULL) {
        operation_run(exchange->call);
        return;
    }
    exchange->post.run = refused;
    loop_post(exchange->handle.station->loop, &exchange->post);
}

/* ---- on the loop ---- */

static void preflight(struct exchange *exchange)
{
    struct http_answer answer;
    cors_preflight(exchange, &exchange->message->request, exchange->request_id, &answer);
    give_answer(exchange, &answer);
    talloc_free(exchange);
}

void exchange_begin(struct connection *connection, struct http_message *message)
{
    struct gateway *gateway = connection->station->gateway;
    struct exchange *exchange = MAKE(NULL, struct exchange);
    talloc_set_destructor(exchange, forget);
    exchange->gateway = gateway;
    exchange->handle = connection_handle(connection);
    exchange->message = talloc_steal(exchange, message);
    exchange->source_ip = text_copy(exchange, connection->address);
    exchange->client = text_copy(exchange, connection->client);
    exchange->request_id = random_uuid(exchange);
    exchange->region = gateway->options.regions[0];
    exchange->route.protocol = PROTOCOL_REST_JSON;
    exchange->work.run = run;
    if (slice_is(message->request.method, "OPTIONS")) {
        preflight(exchange);
        return;
    }
    if (workers_submit(gateway->options.workers, &exchange->work))
        return;
    exchange->refused =
        error_new(exchange, "ServiceUnavailableException", "Too many requests wait already; try again.");
    refused(&exchange->post);
}
