/* publish.c - PUBLISH: the checks of broker.md 4.5 in their order, then the one way in for every message. */
#include "broker/inner.h"

/* A refusal: version 5 QoS 1 gets its PUBACK, everything else loses the connection. */
static void refuse(struct client *client, const struct mqtt_packet *packet, int reason, const char *why,
                   const char *text)
{
    if (!client_is_v5(client) || packet->publish.qos == 0) {
        client_end(client, reason, why, text);
        return;
    }
    struct mqtt_packet ack = { .type = MQTT_PUBACK, .id = packet->id, .reason = (uint8_t)reason };
    if (text != NULL && client->wants_reasons)
        mqtt_set_text(&ack.properties, MQTT_REASON_STRING, slice_of(text));
    client_send(client, &ack);
}

/* ---- topic aliases, client to server ---- */

static bool resolve_alias(struct client *client, struct mqtt_packet *packet)
{
    uint32_t alias = packet->properties.topic_alias;
    if (!mqtt_has(&packet->properties, MQTT_TOPIC_ALIAS))
        return true;
    if (alias == 0 || alias > INBOUND_ALIASES) {
        client_end(client, MQTT_TOPIC_ALIAS_INVALID, "CLIENT_ERROR", "topic aliases are 1 to 8");
        return false;
    }
    if (packet->publish.topic.length > 0) {
        talloc_free((void *)(uintptr_t)client->aliases[alias].at);
        client->aliases[alias] = slice_copy(client, packet->publish.topic);
    } else if (client->aliases[alias].at == NULL) {
        client_end(client, MQTT_PROTOCOL_ERROR, "CLIENT_ERROR", "the topic alias is unknown");
        return false;
    } else {
        packet->publish.topic = client->aliases[alias];
    }
    return true;
}

/* ---- limits ---- */

size_t payload_limit(const struct broker *broker)
{
    return broker->options.payload_limit ? broker->options.payload_limit : PAYLOAD_MAX;
}

static bool fits(struct client *client, const struct mqtt_packet *packet)
{
    if (packet->publish.qos == 2)
        client_end(client, MQTT_QOS_NOT_SUPPORTED, "CLIENT_ERROR", "QoS 2 is not offered");
    else if (packet->publish.payload.length > payload_limit(client->broker))
        client_end(client, MQTT_QUOTA_EXCEEDED, "CLIENT_ERROR", "the payload is larger than 128 KiB");
    else if (packet->publish.qos == 1 && client->reach->line_unacknowledged >= INFLIGHT_MAX)
        client_end(client, MQTT_RECEIVE_MAXIMUM_EXCEEDED, "CLIENT_ERROR", "100 messages wait for their PUBACK");
    else
        return true;
    return false;
}

static int topic_fault(slice topic, const struct mqtt_properties *properties, bool retain, const char **text)
{
    SCRATCH ctx = talloc_new(NULL);
    if (mqtt_check_topic_name(ctx, &mqtt_limits_aws, topic) != NULL) {
        *text = "the topic has a wildcard, more than 256 bytes or more than 7 slashes";
        return MQTT_TOPIC_NAME_INVALID;
    }
    if (mqtt_has(properties, MQTT_RESPONSE_TOPIC) &&
        mqtt_check_topic_name(ctx, &mqtt_limits_standard, properties->response_topic) != NULL) {
        *text = "the response topic is no topic name";
        return MQTT_TOPIC_NAME_INVALID;
    }
    if (slice_starts(topic, "$") && retain) {
        *text = "reserved topics have no retained messages";
        return MQTT_TOPIC_NAME_INVALID;
    }
    *text = reserved_publish(topic);
    return *text ? MQTT_TOPIC_NAME_INVALID : 0;
}

int publish_fault(slice topic, const struct mqtt_properties *properties, bool retain, const char **text)
{
    int reason = topic_fault(topic, properties, retain, text);
    return reason ? reason : message_fault(properties, text);
}

/* ---- rights ---- */

static const char *denial(struct client *client, const struct mqtt_packet *packet)
{
    slice topic = packet->publish.topic;
    if (!client_may(client, "iot:Publish", "topic/", topic))
        return "no policy allows iot:Publish on this topic";
    if (packet->publish.retain && !client_may(client, "iot:RetainPublish", "topic/", topic))
        return "no policy allows iot:RetainPublish on this topic";
    return NULL;
}

static bool is_welcome(struct client *client, const struct mqtt_packet *packet)
{
    const char *text;
    int reason = publish_fault(packet->publish.topic, &packet->properties, packet->publish.retain, &text);
    if (reason != 0) {
        refuse(client, packet, reason, "CLIENT_ERROR", text);
        return false;
    }
    text = denial(client, packet);
    if (text != NULL) {
        atomic_fetch_add(&client->broker->count.publish_refused, 1);
        refuse(client, packet, MQTT_NOT_AUTHORIZED, "AUTH_ERROR", text);
        return false;
    }
    if (packet->publish.retain && client->broker->options.store == NULL) {
        client_end(client, MQTT_RETAIN_NOT_SUPPORTED, "CLIENT_ERROR", "no message is retained here");
        return false;
    }
    return true;
}

/* ---- in ---- */

/* A request needs no message of its own, if nothing stands before it. */
static bool is_request_now(const struct client *client, const struct mqtt_packet *packet, struct mqtt_route *route)
{
    return client->reach->line == NULL && slice_starts(packet->publish.topic, "$aws/") &&
           door_route_topic(client->broker->options.door, packet->publish.topic, route);
}

static void pass_on(struct client *client, const struct mqtt_packet *packet)
{
    struct mqtt_route route;
    uint16_t id = packet->publish.qos == 1 ? packet->id : 0;
    atomic_fetch_add(&client->broker->count.messages_in, 1);
    if (is_request_now(client, packet, &route)) {
        accept_acknowledge(client, id, 0); /* before the answer (provisioning 4.7) */
        request_accept(client, packet, &route);
        return;
    }
    const struct acceptance acceptance = { .on = client->on,
                                           .reach = client->reach,
                                           .topics = client->session->topics,
                                           .message = message_new(packet, client->client_id),
                                           .id = id };
    message_accept(&acceptance);
}

void publish_packet(struct client *client, const struct mqtt_packet *given)
{
    struct mqtt_packet packet = *given;
    if (fits(client, &packet) && resolve_alias(client, &packet) && is_welcome(client, &packet))
        pass_on(client, &packet);
}
