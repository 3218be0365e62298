/* mqtt_side.c - the broker's transport: a connection that speaks MQTT. */
#include "gateway/admission.h"
#include "gateway/protocols.h"

static void send_bytes(void *arg, slice bytes)
{
    connection_send(arg, bytes);
}

static size_t queued(void *arg)
{
    return connection_queued(arg);
}

static void read_more(void *arg, bool more)
{
    if (more)
        connection_resume(arg);
    else
        connection_pause(arg);
}

static void close_after(void *arg, const char *why)
{
    struct connection *connection = arg;
    connection_leave(connection, text_copy(connection, why));
}

static void wake_after(void *arg, uint64_t ms)
{
    connection_wake_after(arg, ms);
}

static void admit(void *arg, struct client *client, slice client_id)
{
    admission_begin(arg, client, client_id);
}

static const struct transport transport = { send_bytes, queued, read_more, close_after, wake_after, admit };

static void begin(struct connection *connection)
{
    const struct gateway *gateway = connection->station->gateway;
    const struct peer peer = {
        .account = connection->greeting.account,
        .region = gateway->options.regions[0],
        .server_name = connection->greeting.server_name,
        .address = connection->address,
        .port = connection->client_port,
        .certificate_id = connection->certificate_id[0] != '\0' ? connection->certificate_id : NULL,
        .tls = connection->ssl != NULL,
    };
    connection->side = broker_client_new(gateway->options.broker, connection->station->loop, &transport, connection,
                                         &peer, &connection->scope);
}

static size_t take(struct connection *connection, slice bytes)
{
    return broker_client_bytes(connection->side, bytes);
}

static void tick(struct connection *connection)
{
    broker_client_tick(connection->side);
}

/* The broker says goodbye to its clients itself (broker_shut). */
static bool is_idle(const struct connection *connection)
{
    (void)connection;
    return false;
}

static void ended(struct connection *connection)
{
    broker_client_gone(connection->side);
    connection->side = NULL;
}

static const struct phase serving = { "speaking MQTT", 0, connection_serve, NULL };
const struct wire_protocol mqtt_protocol = {
    .name = "mqtt",
    .first = &serving,
    .begin = begin,
    .take = take,
    .tick = tick,
    .is_idle = is_idle,
    .ended = ended,
};
