/* device_exchange.c - there and back again, for devices. */
#include "gateway/device_exchange.h"
#include "gateway/http_side.h"
#include "base/random.h"

static const struct http_refusal busy = { 503, "ServiceUnavailableException",
                                          "Too many requests wait already; try again." };

static int forget(struct device_exchange *exchange)
{
    principal_drop(exchange->principal);
    return 0;
}

/* Strangers can fill neither the log nor the audit trail: false when it is too much. */
static bool log_refusal(const struct device_exchange *exchange)
{
    struct station *station = exchange->handle.station;
    const struct scope client = { &station->scope, "client", exchange->client };
    const struct scope device = { &client, "certificate", exchange->certificate_id };
    const struct scope request = { &device, "request", exchange->request_id };
    bool allowed = quiet_allows(&station->request_lines, &station->scope, "refused requests");
    if (allowed)
        log_info(&request, "refused a request with %d: %s", exchange->answer.status, exchange->why);
    return allowed;
}

static void come_back(struct loop_post *post)
{
    struct device_exchange *exchange =
        (struct device_exchange *)((char *)post - offsetof(struct device_exchange, post));
    struct connection *connection = connection_find(&exchange->handle);
    bool wanted = exchange->why == NULL || log_refusal(exchange);
    if (wanted && exchange->note.operation != NULL)
        door_audit_device(exchange->gateway->options.door, &exchange->note);
    if (connection != NULL)
        http_side_answer(connection, &exchange->answer);
    talloc_free(exchange->call); /* before its caller, which the exchange holds */
    talloc_free(exchange);
}

void device_exchange_end(struct device_exchange *exchange)
{
    exchange->post.run = come_back;
    loop_post(exchange->handle.station->loop, &exchange->post);
}

static void run(struct work *work)
{
    struct device_exchange *exchange =
        (struct device_exchange *)((char *)work - offsetof(struct device_exchange, work));
    exchange->run(exchange);
}

void device_exchange_begin(struct connection *connection, struct http_message *message,
                           void (*its_run)(struct device_exchange *exchange))
{
    struct gateway *gateway = connection->station->gateway;
    const struct greeting *greeting = &connection->greeting;
    struct device_exchange *exchange = MAKE(NULL, struct device_exchange);
    talloc_set_destructor(exchange, forget);
    exchange->gateway = gateway;
    exchange->handle = connection_handle(connection);
    exchange->run = its_run;
    exchange->message = talloc_steal(exchange, message);
    exchange->account = greeting->account ? text_copy(exchange, greeting->account) : NULL;
    exchange->server_name = greeting->server_name ? text_copy(exchange, greeting->server_name) : NULL;
    exchange->certificate_id = text_copy(exchange, connection->certificate_id);
    exchange->source_ip = text_copy(exchange, connection->address);
    exchange->client = text_copy(exchange, connection->client);
    exchange->request_id = random_uuid(exchange);
    exchange->work.run = run;
    if (workers_submit(gateway->options.workers, &exchange->work))
        return;
    http_refusal_answer(exchange, &busy, &exchange->answer);
    exchange->why = busy.message;
    device_exchange_end(exchange);
}
