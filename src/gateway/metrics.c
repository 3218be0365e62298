/* metrics.c - every counter of the server, as Prometheus' text format has it. */
#include "gateway/metrics.h"
#include "gateway/admission.h"

enum { PAGE_MAX = 1 << 22, OPERATIONS_MAX = 2048 };

enum kind { COUNTER, GAUGE };

static void head(writer *out, enum kind kind, const char *name, const char *help)
{
    writer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind == COUNTER ? "counter" : "gauge");
}

static void one(writer *out, enum kind kind, const char *name, const char *help, uint64_t value)
{
    head(out, kind, name, help);
    writer_format(out, "%s %llu\n", name, (unsigned long long)value);
}

static uint64_t sum(const struct gateway *gateway, size_t offset)
{
    uint64_t total = COUNTED(*(const uint64_t *)((const char *)&gateway->counters + offset));
    for (size_t i = 0; i < gateway->station_count; i++)
        total += COUNTED(*(const uint64_t *)((const char *)&gateway->stations[i]->counters + offset));
    return total;
}
#define SUM(gateway, counter) sum((gateway), offsetof(struct counters, counter))

void gateway_count(struct gateway *gateway, struct gateway_numbers *out)
{
    *out = (struct gateway_numbers){
        .connections = COUNTED(gateway->connection_count),
        .accepted = SUM(gateway, accepted),
        .over_limit = SUM(gateway, over_limit),
        .handshakes = SUM(gateway, handshakes),
        .handshakes_late = SUM(gateway, handshakes_late),
        .http_requests = SUM(gateway, http_requests),
        .http_refused = SUM(gateway, http_refused),
        .http_server_errors = SUM(gateway, http_server_errors),
        .admitted = SUM(gateway, admitted),
        .admission_refused = SUM(gateway, admission_refused),
        .principal_hits = SUM(gateway, principal_hits),
        .principal_misses = SUM(gateway, principal_misses),
        .bytes_in = SUM(gateway, bytes_in),
        .bytes_out = SUM(gateway, bytes_out),
    };
    for (size_t i = 0; i < TLS_FAILURES; i++)
        out->handshakes_failed += SUM(gateway, handshakes_failed[i]);
}

static void write_gateway(writer *out, struct gateway *gateway)
{
    struct gateway_numbers n;
    gateway_count(gateway, &n);
    one(out, GAUGE, "muster_connections", "Connections open now.", n.connections);
    one(out, COUNTER, "muster_connections_accepted_total", "Connections accepted.", n.accepted);
    one(out, COUNTER, "muster_connections_over_limit_total", "Connections closed for the limit.", n.over_limit);
    one(out, COUNTER, "muster_handshakes_total", "TLS handshakes completed.", n.handshakes);
    one(out, COUNTER, "muster_handshakes_late_total", "TLS handshakes that took too long.", n.handshakes_late);
    head(out, COUNTER, "muster_handshakes_failed_total", "TLS handshakes that failed.");
    for (size_t i = 0; i < TLS_FAILURES; i++)
        writer_format(out, "muster_handshakes_failed_total{reason=\"%s\"} %llu\n",
                      tls_failure_name((enum tls_failure)i), (unsigned long long)SUM(gateway, handshakes_failed[i]));
    one(out, COUNTER, "muster_http_requests_total", "HTTP requests answered.", n.http_requests);
    one(out, COUNTER, "muster_http_refused_total", "HTTP requests answered with 4xx.", n.http_refused);
    one(out, COUNTER, "muster_http_server_errors_total", "HTTP requests answered with 5xx.", n.http_server_errors);
    one(out, COUNTER, "muster_admitted_total", "MQTT clients whose certificate was taken.", n.admitted);
    head(out, COUNTER, "muster_admission_refused_total", "MQTT clients whose certificate was refused.");
    for (size_t i = 0; i < ADMISSION_REASONS; i++)
        writer_format(out, "muster_admission_refused_total{reason=\"%s\"} %llu\n", admission_reason(i),
                      (unsigned long long)SUM(gateway, refused_by_reason[i]));
    one(out, COUNTER, "muster_principal_hits_total", "Principals found in the cache.", n.principal_hits);
    one(out, COUNTER, "muster_principal_misses_total", "Principals read from the store.", n.principal_misses);
    one(out, COUNTER, "muster_received_bytes_total", "Bytes received, without TLS.", n.bytes_in);
    one(out, COUNTER, "muster_sent_bytes_total", "Bytes sent, without TLS.", n.bytes_out);
}

static void write_broker(writer *out, struct broker *broker)
{
    struct broker_numbers n;
    broker_count(broker, &n);
    one(out, GAUGE, "muster_mqtt_connections", "MQTT clients connected now.", n.connections);
    one(out, GAUGE, "muster_mqtt_sessions", "MQTT sessions held.", n.sessions);
    one(out, GAUGE, "muster_mqtt_subscriptions", "MQTT subscriptions held.", n.subscriptions);
    one(out, COUNTER, "muster_mqtt_connects_total", "CONNECTs accepted.", n.connects);
    one(out, COUNTER, "muster_mqtt_connects_refused_total", "CONNECTs refused.", n.connects_refused);
    one(out, COUNTER, "muster_mqtt_disconnects_total", "MQTT clients gone.", n.disconnects);
    one(out, COUNTER, "muster_mqtt_messages_in_total", "Messages published by clients.", n.messages_in);
    one(out, COUNTER, "muster_mqtt_messages_out_total", "Messages delivered to clients.", n.messages_out);
    one(out, COUNTER, "muster_mqtt_messages_dropped_total", "Messages dropped.", n.messages_dropped);
    one(out, COUNTER, "muster_mqtt_publish_refused_total", "Publishes that no policy allows.", n.publish_refused);
    one(out, COUNTER, "muster_mqtt_subscribe_refused_total", "Subscriptions that no policy allows.",
        n.subscribe_refused);
    one(out, COUNTER, "muster_mqtt_receive_refused_total", "Deliveries that no policy allows.", n.receive_refused);
}

static void write_store(writer *out, struct store *store)
{
    struct store_numbers n;
    store_count(store, &n);
    one(out, COUNTER, "muster_store_commits_total", "Transactions committed.", n.commits);
    one(out, COUNTER, "muster_store_applies_total", "Changes applied.", n.applies);
    one(out, COUNTER, "muster_store_failed_applies_total", "Changes that failed.", n.failed_applies);
    one(out, COUNTER, "muster_store_reads_total", "Snapshots read.", n.reads);
    one(out, GAUGE, "muster_store_waiting", "Changes waiting now.", n.waiting);
}

static void write_operations(void *ctx, writer *out, struct door *door)
{
    struct door_numbers *numbers = MAKE_ARRAY(ctx, struct door_numbers, OPERATIONS_MAX);
    size_t count = door_count(door, numbers, OPERATIONS_MAX);
    head(out, COUNTER, "muster_operations_total", "Operations, by how they ended.");
    for (size_t i = 0; i < count; i++) {
        const struct door_numbers *n = &numbers[i];
        const struct {
            const char *result;
            uint64_t count;
        } results[] = { { "success", n->count - n->client_errors - n->server_errors },
                        { "client_error", n->client_errors },
                        { "server_error", n->server_errors } };
        for (size_t j = 0; j < sizeof(results) / sizeof(results[0]); j++)
            writer_format(out, "muster_operations_total{operation=\"%s\",result=\"%s\"} %llu\n", n->operation,
                          results[j].result, (unsigned long long)results[j].count);
    }
    head(out, COUNTER, "muster_operation_seconds_total", "Time spent from the door to the answer.");
    for (size_t i = 0; i < count; i++)
        writer_format(out, "muster_operation_seconds_total{operation=\"%s\"} %llu.%06llu\n", numbers[i].operation,
                      (unsigned long long)(numbers[i].total_us / 1000000),
                      (unsigned long long)(numbers[i].total_us % 1000000));
}

static slice page(void *ctx, struct gateway *gateway)
{
    writer out = writer_new(ctx, PAGE_MAX);
    write_gateway(&out, gateway);
    write_broker(&out, gateway->options.broker);
    write_store(&out, gateway->options.store);
    one(&out, GAUGE, "muster_work_waiting", "Work waiting for a worker.", workers_waiting(gateway->options.workers));
    write_operations(ctx, &out, gateway->options.door);
    if (gateway->options.lookups.metrics != NULL)
        gateway->options.lookups.metrics(gateway->options.lookups.arg, &out);
    return writer_slice_of(&out);
}

static slice health(void *ctx, struct gateway *gateway)
{
    (void)ctx, (void)gateway;
    return SLICE("{\"status\":\"ok\"}");
}

static const struct {
    const char *path, *content_type;
    slice (*body)(void *ctx, struct gateway *gateway);
} pages[] = {
    { "/metrics", "text/plain; version=0.0.4; charset=utf-8", page },
    { "/health", "application/json", health },
};

static const struct http_refusal unknown = { 404, "ResourceNotFoundException", "Here are /metrics and /health." };

void metrics_answer(void *ctx, struct gateway *gateway, const struct http_request *request, struct http_answer *out)
{
    bool reads = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
    for (size_t i = 0; reads && i < sizeof(pages) / sizeof(pages[0]); i++)
        if (slice_is(request->path, pages[i].path)) {
            *out = (struct http_answer){ .status = 200,
                                         .content_type = pages[i].content_type,
                                         .body = pages[i].body(ctx, gateway) };
            return;
        }
    http_refusal_answer(ctx, &unknown, out);
}
