/* deliver.c - from a session to its client: what is sent now, what waits, what is dropped (broker.md 4.3, 4.6). */
#include "broker/inner.h"
#include "base/clock.h"
#include <utlist.h>

static void drop(struct session *session, const char *why)
{
    atomic_fetch_add(&session->broker->count.messages_dropped, 1);
    if (session->client != NULL)
        log_debug(&session->client->id_scope, "dropped a message: %s", why);
}

/* ---- sending ---- */

static struct mqtt_packet packet_of(const struct message *message, uint8_t qos, bool retain_as_published)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH, .properties = message->properties };
    packet.publish.topic = message->topic;
    packet.publish.payload = message->payload;
    packet.publish.qos = qos;
    packet.publish.retain = retain_as_published && message->retain;
    if (message->expires_ms != 0) {
        int64_t left = message->expires_ms - clock_monotonic_ms();
        mqtt_set_number(&packet.properties, MQTT_MESSAGE_EXPIRY, left > 0 ? (uint32_t)((left + 999) / 1000) : 0);
    }
    return packet;
}

/* False: this client does not get the message (too large for it, or its policies forbid it). */
static bool transmit(struct client *client, const struct mqtt_packet *packet)
{
    if (client->maximum_packet_size != 0 && mqtt_size(client->version, packet) > client->maximum_packet_size)
        return false;
    if (!client_may_quietly(client, "iot:Receive", "topic/", packet->publish.topic)) {
        atomic_fetch_add(&client->broker->count.receive_refused, 1);
        return false;
    }
    client_send(client, packet);
    atomic_fetch_add(&client->broker->count.messages_out, 1);
    return true;
}

static bool id_in_use(const struct session *session, uint16_t id)
{
    const struct outgoing *outgoing;
    DL_FOREACH (session->inflight, outgoing) {
        if (outgoing->id == id)
            return true;
    }
    DL_FOREACH (session->queue, outgoing) { /* those to be sent again stand first */
        if (outgoing->id == 0)
            return false;
        if (outgoing->id == id)
            return true;
    }
    return false;
}

static uint16_t next_id(struct session *session)
{
    do
        session->last_id = session->last_id == UINT16_MAX ? 1 : session->last_id + 1;
    while (id_in_use(session, session->last_id));
    return session->last_id;
}

static void forget(struct outgoing *outgoing)
{
    message_drop(outgoing->message);
    talloc_free(outgoing);
}

static size_t window_of(const struct session *session)
{
    uint32_t wanted = session->client->receive_maximum;
    return wanted < INFLIGHT_MAX ? wanted : INFLIGHT_MAX;
}

/* A client that owes nothing gets one message however much it has to read: its acknowledgement brings the next. */
static bool has_room(const struct session *session)
{
    return session->inflight_count < window_of(session) &&
           (session->inflight_count == 0 || session->client->transport->queued(session->client->arg) < OUTPUT_MAX);
}

/* What has an id was sent before: it goes again under that id, and says so. */
static struct mqtt_packet packet_of_queued(struct session *session, struct outgoing *outgoing)
{
    struct mqtt_packet packet = packet_of(outgoing->message, 1, outgoing->retain_as_published);
    packet.publish.dup = outgoing->id != 0;
    if (outgoing->id == 0) {
        outgoing->id = next_id(session);
        outgoing->sent_ms = clock_monotonic_ms();
    }
    packet.id = outgoing->id;
    return packet;
}

/* Moves what may be sent from the queue to the wire. */
static void pump(struct session *session)
{
    struct client *client = session->client;
    while (session->queue != NULL && client != NULL && !client->closing && has_room(session)) {
        struct outgoing *outgoing = session->queue;
        DL_DELETE(session->queue, outgoing);
        session->queue_count--;
        session->queue_bytes -= outgoing->message->size;
        bool late = outgoing->id == 0 && message_expired(outgoing->message);
        struct mqtt_packet packet = packet_of_queued(session, outgoing);
        if (late || !transmit(client, &packet)) {
            drop(session, "it expired, is too large for the client, or iot:Receive is denied");
            forget(outgoing);
            continue;
        }
        DL_APPEND(session->inflight, outgoing);
        session->inflight_count++;
    }
}

/* ---- arriving ---- */

static bool queue_is_full(const struct session *session, const struct message *message)
{
    return session->queue_count >= (session->persistent ? QUEUE_PERSISTENT_MAX : QUEUE_CLEAN_MAX) ||
           session->queue_bytes + message->size > QUEUE_BYTES;
}

static void deliver_once(struct session *session, struct message *message, bool retain_as_published)
{
    struct client *client = session->client;
    struct mqtt_packet packet = packet_of(message, 0, retain_as_published);
    if (client == NULL || client->closing || client->transport->queued(client->arg) >= OUTPUT_MAX)
        drop(session, "QoS 0 to a client that is offline or slow");
    else if (!transmit(client, &packet))
        drop(session, "it is too large for the client, or iot:Receive is denied");
}

/* ---- held back while retained messages are read, which come first (lookup.c) ---- */

struct held {
    struct held *prev, *next;
    struct message *message;
    uint8_t granted;
    bool retain_as_published;
};

static void hold(struct session *session, struct message *message, uint8_t granted, bool retain_as_published)
{
    if (session->held_count >= QUEUE_CLEAN_MAX || session->held_bytes + message->size > OUTPUT_MAX) {
        drop(session, "too much came while its retained messages were read");
        return;
    }
    struct held *held = MAKE(NULL, struct held);
    *held = (struct held){ NULL, NULL, message_share(message), granted, retain_as_published };
    DL_APPEND(session->held, held);
    session->held_count++;
    session->held_bytes += message->size;
}

static struct held *take_held(struct session *session)
{
    struct held *held = session->held;
    DL_DELETE(session->held, held);
    session->held_count--;
    session->held_bytes -= held->message->size;
    return held;
}

void session_release(struct session *session)
{
    while (session->held != NULL && session->lookup == NULL) {
        struct held *held = take_held(session);
        session_deliver(session, held->message, held->granted, held->retain_as_published);
        message_drop(held->message);
        talloc_free(held);
    }
}

void session_drop_held(struct session *session)
{
    while (session->held != NULL) {
        struct held *held = take_held(session);
        message_drop(held->message);
        talloc_free(held);
    }
}

/* ---- one message ---- */

void session_deliver(struct session *session, struct message *message, uint8_t granted, bool retain_as_published)
{
    uint8_t qos = message->qos < granted ? message->qos : granted;
    if (message_expired(message))
        return;
    if (session->lookup != NULL) {
        hold(session, message, granted, retain_as_published);
        return;
    }
    if (qos == 0) {
        deliver_once(session, message, retain_as_published);
        return;
    }
    if (queue_is_full(session, message)) {
        drop(session, "the queue of the session is full");
        return;
    }
    struct outgoing *outgoing = MAKE(NULL, struct outgoing);
    outgoing->message = message_share(message);
    outgoing->retain_as_published = retain_as_published;
    DL_APPEND(session->queue, outgoing);
    session->queue_count++;
    session->queue_bytes += message->size;
    pump(session);
}

/* The answer of a request is never sent again: nothing of it is kept but its packet id, until the client takes more. */
void session_reply(struct session *session, struct mqtt_packet *packet)
{
    struct client *client = session->client;
    if (packet->publish.qos > 0)
        packet->id = next_id(session);
    if (client->maximum_packet_size != 0 && mqtt_size(client->version, packet) > client->maximum_packet_size) {
        drop(session, "an answer is too large for the client");
        return;
    }
    client_send(client, packet);
    atomic_fetch_add(&session->broker->count.messages_out, 1);
}

/* ---- acknowledging, resuming ---- */

void session_acknowledge(struct session *session, uint16_t id)
{
    struct outgoing *outgoing;
    DL_FOREACH (session->inflight, outgoing) {
        if (outgoing->id == id) {
            DL_DELETE(session->inflight, outgoing);
            session->inflight_count--;
            forget(outgoing);
            break;
        }
    }
    pump(session);
}

/* They stand in the order in which they were first sent. */
void session_give_up(struct session *session, int64_t now_ms)
{
    int64_t patience_ms = (client_is_v5(session->client) ? ACKNOWLEDGED_IN_V5_S : ACKNOWLEDGED_IN_V3_S) * 1000LL;
    struct outgoing *outgoing;
    while ((outgoing = session->inflight) != NULL && outgoing->sent_ms + patience_ms <= now_ms) {
        drop(session, "it was never acknowledged");
        DL_DELETE(session->inflight, outgoing);
        session->inflight_count--;
        forget(outgoing);
    }
    pump(session);
}

/* What was not acknowledged stands before the queue again, and all of it goes through the client's window. */
void session_resume(struct session *session)
{
    struct outgoing *outgoing;
    DL_FOREACH (session->inflight, outgoing) {
        session->queue_count++;
        session->queue_bytes += outgoing->message->size;
    }
    DL_CONCAT(session->inflight, session->queue);
    session->queue = session->inflight;
    session->inflight = NULL;
    session->inflight_count = 0;
    pump(session);
}
