/* request.c - requests on `$aws/...` topics: operations of the door, answered to this connection alone
   (provisioning.md 4.7; broker.md 4.8, direct reply).

   Requests of a connection run strictly one after the other, since answers carry no name of their request. An answer
   goes out whether the client subscribed or not, once; a client that is gone gets nothing, and nobody else ever does. */
#include "broker/inner.h"
#include <utlist.h>

struct request {
    struct request *prev, *next;
    struct reach *reach;
    struct mqtt_route route;
    struct caller caller;
    struct call *call;
    slice topic, payload, correlation;
    bool has_correlation;
    uint8_t qos;
};

/* ---- answering ---- */

static void reply(struct client *client, struct request *request, const struct mqtt_answer *answer)
{
    char *topic = text_format(request, "%.*s%s", PRINT(request->topic), answer->suffix);
    struct mqtt_packet packet = { .type = MQTT_PUBLISH };
    if (!client_may(client, "iot:Receive", "topic/", slice_of(topic))) {
        atomic_fetch_add(&client->broker->count.receive_refused, 1);
        return;
    }
    int granted = session_granted(client->session, slice_of(topic));
    packet.publish.topic = slice_of(topic);
    packet.publish.payload = answer->payload;
    packet.publish.qos = granted < 0 ? request->qos : (uint8_t)granted;
    if (request->has_correlation)
        mqtt_set_text(&packet.properties, MQTT_CORRELATION_DATA, request->correlation);
    session_reply(client->session, &packet);
}

static void run(struct request *request);

static void run_next(struct client *client)
{
    if (client->requests != NULL)
        run(client->requests);
}

static void answered(struct call *call)
{
    struct request *request = call->owner;
    struct client *client = request->reach->client;
    struct mqtt_answer answer;
    if (client != NULL) {
        DL_DELETE(client->requests, request);
        client->request_count--;
        if (!client->closing) {
            door_answer_topic(request, call, &request->route, &answer);
            reply(client, request, &answer);
        }
    }
    struct reach *reach = request->reach;
    talloc_free(call);
    talloc_free(request);
    if (client != NULL && !client->closing)
        run_next(client);
    reach_drop(reach);
}

static void run(struct request *request)
{
    struct client *client = request->reach->client;
    struct broker *broker = client->broker;
    struct call *call = door_bind_topic(broker->options.door, &request->route, request->payload);
    request->call = call;
    call->caller = &request->caller;
    call->account = request->caller.account;
    call->region = text_copy(call, client->principal->region); /* the call may outlive client and principal */
    call->source_ip = text_copy(call, client->peer.address);
    call->via = "mqtt";
    call->home = client->on->loop;
    call->done = answered;
    call->owner = request;
    operation_run(call);
}

/* ---- accepting ---- */

/* The caller's texts hang off the request, which outlives the call; the client may not. */
static void fill_caller(struct request *request, const struct client *client)
{
    const struct principal *principal = client->principal;
    request->caller = (struct caller){ .kind = CALLER_DEVICE,
                                       .account = text_copy(request, principal->account),
                                       .arn = text_copy(request, principal->arn),
                                       .type = "Certificate",
                                       .user_id = text_copy(request, principal->id),
                                       .principal = text_copy(request, principal->id),
                                       .client_id = text_copy(request, client->client_id) };
}

static void refuse(struct client *client, struct request *request)
{
    const slice unread = { NULL, 0 };
    struct call *call = door_bind_topic(client->broker->options.door, &request->route, unread);
    struct mqtt_answer answer;
    call->error =
        error_new(call, "TooManyRequests", "%d requests of this connection are waiting already.", REQUESTS_WAITING_MAX);
    door_answer_topic(request, call, &request->route, &answer);
    reply(client, request, &answer);
    talloc_free(call);
    reach_drop(request->reach);
    talloc_free(request);
}

void request_accept(struct client *client, const struct mqtt_packet *packet, const struct mqtt_route *route)
{
    struct request *request = MAKE(NULL, struct request);
    struct mqtt_route again;
    request->topic = slice_copy(request, packet->publish.topic);
    request->payload = slice_copy(request, packet->publish.payload);
    request->qos = packet->publish.qos;
    request->has_correlation = mqtt_has(&packet->properties, MQTT_CORRELATION_DATA);
    request->correlation = slice_copy(request, packet->properties.correlation_data);
    /* the labels of the route point into the topic: into the copy, from now on */
    request->route = door_route_topic(client->broker->options.door, request->topic, &again) ? again : *route;
    request->reach = client->reach;
    request->reach->references++;
    fill_caller(request, client);
    if (client->request_count > REQUESTS_WAITING_MAX) {
        refuse(client, request);
        return;
    }
    DL_APPEND(client->requests, request);
    if (client->request_count++ == 0)
        run(request);
}

/* The one that runs answers to nobody, and is freed by its call; those that wait are dropped. */
void requests_forget(struct client *client)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(client->requests, request, next)
    {
        DL_DELETE(client->requests, request);
        if (request->call != NULL) {
            atomic_store(&request->call->abandoned, true);
            continue;
        }
        reach_drop(request->reach);
        talloc_free(request);
    }
}
