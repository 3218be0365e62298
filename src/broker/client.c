/* client.c - a connection's life: bytes, phases, time, and its end (broker.md 4.2, 4.5, 4.9). */
#include "broker/inner.h"
#include "base/clock.h"
#include <utlist.h>

const struct phase phase_greeting = { "waiting for CONNECT", connect_packet };
const struct phase phase_deciding = { "deciding about CONNECT", NULL };
const struct phase phase_waiting = { "waiting for its turn, since others want its client id too", NULL };
const struct phase phase_serving = { "serving", serve_packet };

void client_enter(struct client *client, const struct phase *phase)
{
    client->phase = phase;
    client->scope.value = phase->name;
    client_arm(client);
}

bool client_is_v5(const struct client *client)
{
    return client->version == MQTT_5;
}

void client_send(struct client *client, const struct mqtt_packet *packet)
{
    SCRATCH ctx = talloc_new(NULL);
    if (!client->closing)
        client->transport->send(client->arg, mqtt_encode(ctx, client->version, packet));
}

/* ---- time: one wish at a time, for the nearest deadline ---- */

static int64_t deadline_of(const struct client *client)
{
    if (client->phase == &phase_waiting)
        return client->turn_ms;
    if (client->phase != &phase_serving)
        return client->born_ms + (client->broker->options.connect_patience_s
                                      ? client->broker->options.connect_patience_s * 1000LL
                                      : 10000);
    return client->last_packet_ms + client->keep_alive_s * 1500LL;
}

void client_arm(struct client *client)
{
    int64_t left = deadline_of(client) - clock_monotonic_ms();
    client->transport->wake_after_ms(client->arg, left > 1 ? (uint64_t)left : 1);
}

void broker_client_tick(struct client *client)
{
    if (client->closing)
        return;
    if (client->stalled)
        client->last_packet_ms = clock_monotonic_ms();
    if (clock_monotonic_ms() < deadline_of(client)) {
        client_arm(client);
        return;
    }
    if (client->phase == &phase_waiting) {
        client_enter(client, &phase_deciding);
        session_claim(client);
    } else if (client->phase == &phase_serving)
        client_end(client, MQTT_KEEP_ALIVE_TIMEOUT, "MQTT_KEEP_ALIVE_TIMEOUT", "no packet in 1.5 times the keep alive");
    else
        client_end(client, 0, "CONNECT_TIMEOUT", NULL);
}

/* ---- bytes ---- */

static size_t packet_limit(const struct client *client)
{
    size_t wanted = client->broker->options.packet_limit;
    if (wanted != 0)
        return wanted;
    if (client->phase == &phase_greeting)
        return CONNECT_MAX;
    return client->version == MQTT_5 ? PACKET_V5_MAX : PACKET_V3_MAX;
}

static void take_packet(struct client *client, const struct mqtt_frame *frame)
{
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_packet packet = { .type = 0 };
    error *e = mqtt_decode(ctx, client->version, frame, &packet);
    if (e == NULL)
        e = mqtt_check_sender(ctx, MQTT_CLIENT, &packet);
    if (client->phase == &phase_greeting)
        client->version = packet.version;
    if (e != NULL) {
        client_fail(client, e);
        return;
    }
    client->last_packet_ms = clock_monotonic_ms();
    client->phase->packet(client, &packet);
}

/* Told by its first byte: a stranger who speaks something else need not be waited for. */
static bool is_greeted_wrongly(const struct client *client, slice bytes)
{
    return client->phase == &phase_greeting && (uint8_t)bytes.at[0] >> 4 != MQTT_CONNECT;
}

/* Told by the packet's first byte: what cannot be taken now stays where it is, and the client is not read. */
static bool must_wait(const struct client *client, char first)
{
    int type = (uint8_t)first >> 4;
    if (client->phase != &phase_serving)
        return false;
    return (type == MQTT_PUBLISH && accept_is_full(client->reach, client->version)) ||
           (type == MQTT_SUBSCRIBE && client->session->lookup != NULL);
}

/* What stands first in its bytes is looked at again. */
void client_go_on(struct client *client)
{
    if (!client->stalled || client->closing)
        return;
    client->stalled = false;
    client->last_packet_ms = clock_monotonic_ms(); /* it was we who did not listen */
    client->transport->read(client->arg, true);
}

size_t broker_client_bytes(struct client *client, slice bytes)
{
    size_t used = 0;
    while (!client->closing && client->phase->packet != NULL && used < bytes.length) {
        struct mqtt_frame frame;
        if (must_wait(client, bytes.at[used])) {
            client->stalled = true;
            client->transport->read(client->arg, false);
            break;
        }
        if (is_greeted_wrongly(client, slice_from(bytes, used))) {
            client_end(client, 0, "CLIENT_ERROR", "the first packet is not CONNECT");
            break;
        }
        switch (mqtt_frame_take(slice_from(bytes, used), packet_limit(client), client->version, &frame)) {
        case MQTT_FRAME_PARTIAL:
            return used;
        case MQTT_FRAME_WHOLE:
            used += frame.length;
            take_packet(client, &frame);
            break;
        case MQTT_FRAME_BROKEN:
            client_end(client, MQTT_MALFORMED_PACKET, "CLIENT_ERROR", "the packet's length is malformed");
            break;
        case MQTT_FRAME_TOO_LARGE:
            client_end(client, MQTT_PACKET_TOO_LARGE, "CLIENT_ERROR", "the packet is too large");
            break;
        }
    }
    return client->closing ? bytes.length : used;
}

/* ---- the end ---- */

/* Off its session, the will out: the same whether we end it, or it just goes. */
static void leave(struct client *client)
{
    struct session *session = client->session;
    if (session == NULL) {
        message_drop(client->will);
        client->will = NULL;
        return;
    }
    will_leave(client);
    client->session = NULL;
    session_detach(session);
}

/* Every end of a client that was let in; of strangers' so many a second. */
static bool may_log_end(const struct client *client)
{
    return client->counted || quiet_allows(&client->on->ends, client->broker->options.scope, "refused clients");
}

void client_end(struct client *client, int reason, const char *why, const char *text)
{
    if (client->closing)
        return;
    if (client_is_v5(client) && reason != 0 && client->counted) {
        struct mqtt_packet packet = { .type = MQTT_DISCONNECT, .reason = (uint8_t)reason };
        if (text != NULL && client->wants_reasons)
            mqtt_set_text(&packet.properties, MQTT_REASON_STRING, slice_of(text));
        client_send(client, &packet);
    }
    client->why = why;
    if (may_log_end(client))
        log_info(&client->id_scope, "ends the connection: %s%s%s", why, text ? ", " : "", text ? text : "");
    client->closing = true;
    leave(client);
    client->transport->close(client->arg, why);
}

/* A packet that cannot be taken. Before CONNACK a version 5 client is told there, an older one only of its version. */
void client_fail(struct client *client, const error *e)
{
    int reason = mqtt_reason_of(e);
    if (client->phase == &phase_greeting && client->version != 0 &&
        (client_is_v5(client) || reason == MQTT_UNSUPPORTED_VERSION))
        connect_refuse(client, reason, e->message);
    else
        client_end(client, reason, "CLIENT_ERROR", e->message);
}

void reach_drop(struct reach *reach)
{
    if (--reach->references == 0)
        talloc_free(reach);
}

static void copy_peer(struct client *client, const struct peer *peer)
{
    client->peer = *peer;
    client->peer.account = peer->account ? text_copy(client, peer->account) : NULL;
    client->peer.region = peer->region ? text_copy(client, peer->region) : client->broker->options.region;
    client->peer.server_name = peer->server_name ? text_copy(client, peer->server_name) : NULL;
    client->peer.address = peer->address ? text_copy(client, peer->address) : "";
    client->peer.certificate_id = peer->certificate_id ? text_copy(client, peer->certificate_id) : NULL;
}

struct client *broker_client_new(struct broker *broker, struct loop *loop, const struct transport *transport, void *arg,
                                 const struct peer *peer, const struct scope *scope)
{
    struct client *client = MAKE(NULL, struct client);
    client->broker = broker;
    client->on = broker_loop_of(broker, loop);
    client->transport = transport;
    client->arg = arg;
    client->scope = (struct scope){ .above = scope, .key = "while" };
    client->id_scope = (struct scope){ .above = &client->scope, .key = "client_id" };
    client->reach = MAKE(NULL, struct reach);
    *client->reach = (struct reach){ .references = 1, .client = client };
    copy_peer(client, peer);
    client->born_ms = client->last_packet_ms = clock_monotonic_ms();
    DL_APPEND(client->on->clients, client);
    client->on->client_count++;
    atomic_fetch_add(&broker->count.connections, 1);
    client_enter(client, &phase_greeting);
    if (atomic_load(&broker->shutting))
        client_end(client, 0, "SERVER_INITIATED_DISCONNECT", NULL);
    return client;
}

void broker_client_gone(struct client *client)
{
    struct broker_loop *on = client->on;
    if (!client->closing && may_log_end(client))
        log_info(&client->id_scope, "the connection is lost");
    client->closing = true;
    leave(client);
    if (client->counted)
        atomic_fetch_add(&client->broker->count.disconnects, 1);
    requests_forget(client);
    client->reach->client = NULL;
    reach_drop(client->reach);
    principal_drop(client->principal);
    DL_DELETE(on->clients, client);
    on->client_count--;
    atomic_fetch_sub(&client->broker->count.connections, 1);
    talloc_free(client);
    broker_loop_check_end(on);
}
