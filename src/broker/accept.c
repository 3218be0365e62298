/* accept.c - message_accept: the one way in for every message, from clients, wills and HTTPS (broker.md 4.5, 4.15).

       message_accept           on the publisher's loop
           retained             written first; it waits at its publisher's line for the commit
           others               at once, or behind those that wait: a publisher's messages keep their order, and so do
                                their PUBACKs
       settle                   PUBACK; then `$aws/...` request topics become calls, everything else is sent on

   What is written is sent on only after the commit, and a new subscription reads after it took effect: so whoever
   subscribes meanwhile gets the message one way or the other. A client that is gone loses nothing of what it sent: the
   line is its reach's. A store that cannot take a message leaves it without PUBACK; version 5 is told. */
#include "broker/inner.h"
#include <utlist.h>

enum { LINE_LENGTH = 200, LINE_BYTES = 1024 * 1024, STORING_BYTES = 64 * 1024 * 1024 };

struct accepted {
    struct accepted *prev, *next;
    struct store_job job;
    struct acceptance what;
    bool waits; /* for the commit */
    int reason;
};

/* ---- out of the line ---- */

void accept_acknowledge(struct client *client, uint16_t id, int reason)
{
    struct mqtt_packet ack = { .type = MQTT_PUBACK, .id = id, .reason = (uint8_t)reason };
    if (client != NULL && id != 0 && (reason == 0 || client_is_v5(client)))
        client_send(client, &ack);
}

/* A request's PUBACK comes before its answer (provisioning 4.7), which nobody would get without the client. */
static void send_on(const struct acceptance *what)
{
    struct broker *broker = what->on->broker;
    const struct message *message = what->message;
    struct client *client = what->reach ? what->reach->client : NULL;
    struct mqtt_route route;
    if (!slice_starts(message->topic, "$aws/") || !door_route_topic(broker->options.door, message->topic, &route)) {
        topics_route(broker, what->topics, what->message);
    } else if (client != NULL && !client->closing) {
        struct mqtt_packet packet = { .type = MQTT_PUBLISH, .properties = message->properties };
        packet.publish.topic = message->topic;
        packet.publish.payload = message->payload;
        packet.publish.qos = message->qos;
        request_accept(client, &packet, &route);
    }
}

static void settle(const struct acceptance *what, int reason)
{
    accept_acknowledge(what->reach ? what->reach->client : NULL, what->id, reason);
    if (reason == 0)
        send_on(what);
    if (what->done != NULL)
        what->done(what->arg, reason);
    message_drop(what->message);
}

static void leave_line(struct accepted *accepted)
{
    struct reach *reach = accepted->what.reach;
    DL_DELETE(reach->line, accepted);
    reach->line_count--;
    reach->line_bytes -= accepted->what.message->size;
    reach->line_unacknowledged -= accepted->what.id != 0;
    accepted->what.on->on_the_way--;
}

/* Everybody at the head who waits for nothing any more. `reach` is held by the caller. */
static void advance(struct reach *reach, struct broker_loop *on)
{
    while (reach->line != NULL && !reach->line->waits) {
        struct accepted *accepted = reach->line;
        leave_line(accepted);
        settle(&accepted->what, accepted->reason);
        talloc_free(accepted);
        reach_drop(reach);
    }
    if (reach->client != NULL)
        client_go_on(reach->client);
    if (reach->line == NULL && reach->line_is_empty != NULL) {
        void (*told)(void *arg) = reach->line_is_empty;
        reach->line_is_empty = NULL;
        told(reach->line_arg);
    }
    broker_loop_check_end(on);
}

/* ---- into the store ---- */

static FALLIBLE store_it(struct tx *tx, struct store_job *job)
{
    const struct accepted *accepted = job->ctx;
    const struct broker_options *options = &accepted->what.on->broker->options;
    return retained_keep(tx, accepted->what.topics->account, options->region, accepted->what.message,
                         options->retained_limit ? options->retained_limit : RETAINED_AN_ACCOUNT);
}

static void refuse(struct accepted *accepted, int reason, const char *why)
{
    struct broker_loop *on = accepted->what.on;
    struct client *client = accepted->what.reach->client;
    accepted->reason = reason;
    atomic_fetch_add(&on->broker->count.messages_dropped, 1);
    if (quiet_allows(&on->stores, on->broker->options.scope, "retained messages that were not kept"))
        log_warn(client ? &client->id_scope : on->broker->options.scope, "a retained message was not kept: %s", why);
}

static void stored(struct store_job *job)
{
    struct accepted *accepted = job->ctx;
    struct reach *reach = accepted->what.reach;
    struct broker_loop *on = accepted->what.on;
    accepted->waits = false;
    atomic_fetch_sub(&on->broker->count.storing_bytes, accepted->what.message->size);
    if (job->error != NULL)
        refuse(accepted, error_is(job->error, "QuotaExceeded") ? MQTT_QUOTA_EXCEEDED : MQTT_UNSPECIFIED_ERROR,
               job->error->message);
    reach->references++;
    advance(reach, on);
    reach_drop(reach);
}

static void submit(struct accepted *accepted)
{
    struct broker *broker = accepted->what.on->broker;
    size_t size = accepted->what.message->size;
    accepted->job = (struct store_job){ .ctx = accepted,
                                        .apply = store_it,
                                        .done = stored,
                                        .home = accepted->what.on->loop,
                                        .lane = LANE_DEVICE,
                                        .key = hash_keyed(accepted->what.message->topic) };
    accepted->waits = true;
    if (atomic_fetch_add(&broker->count.storing_bytes, size) + size <= STORING_BYTES &&
        store_submit(broker->options.store, &accepted->job))
        return;
    accepted->waits = false;
    atomic_fetch_sub(&broker->count.storing_bytes, size);
    refuse(accepted, MQTT_QUOTA_EXCEEDED, "too many wait for the store");
}

/* ---- in ---- */

void message_accept(const struct acceptance *what)
{
    bool keeps = what->message->retain;
    struct reach *reach = what->reach;
    if (!keeps && (reach == NULL || reach->line == NULL)) {
        settle(what, 0);
        return;
    }
    if (reach == NULL)
        reach = MAKE(NULL, struct reach);
    struct accepted *accepted = MAKE(NULL, struct accepted);
    accepted->what = *what;
    accepted->what.reach = reach;
    DL_APPEND(reach->line, accepted);
    reach->references += 2; /* the line's, and ours */
    reach->line_count++;
    reach->line_bytes += what->message->size;
    reach->line_unacknowledged += what->id != 0;
    what->on->on_the_way++;
    if (keeps)
        submit(accepted);
    advance(reach, what->on);
    reach_drop(reach);
}

bool accept_is_full(const struct reach *reach, int version)
{
    return reach->line_count >= LINE_LENGTH || reach->line_bytes >= LINE_BYTES ||
           (version != MQTT_5 && reach->line_unacknowledged >= INFLIGHT_MAX);
}
