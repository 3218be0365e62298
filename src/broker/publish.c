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

static void acknowledge(struct client *client, const struct mqtt_packet *packet)
{
    struct mqtt_packet ack = { .type = MQTT_PUBACK, .id = packet->id };
    if (packet->publish.qos == 1)
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

static bool fits(struct client *client, const struct mqtt_packet *packet)
{
    size_t most = client->broker->options.payload_limit ? client->broker->options.payload_limit : PAYLOAD_MAX;
    if (packet->publish.qos == 2)
        client_end(client, MQTT_QOS_NOT_SUPPORTED, "CLIENT_ERROR", "QoS 2 is not offered");
    else if (packet->publish.payload.length > most)
        client_end(client, MQTT_QUOTA_EXCEEDED, "CLIENT_ERROR", "the payload is larger than 128 KiB");
    else
        return true;
    return false;
}

static int topic_fault(const struct mqtt_packet *packet, const char **text)
{
    SCRATCH ctx = talloc_new(NULL);
    const struct mqtt_properties *properties = &packet->properties;
    if (mqtt_check_topic_name(ctx, &mqtt_limits_aws, packet->publish.topic) != NULL) {
        *text = "the topic has a wildcard, more than 256 bytes or more than 7 slashes";
        return MQTT_TOPIC_NAME_INVALID;
    }
    if (mqtt_has(properties, MQTT_RESPONSE_TOPIC) &&
        mqtt_check_topic_name(ctx, &mqtt_limits_standard, properties->response_topic) != NULL) {
        *text = "the response topic is no topic name";
        return MQTT_TOPIC_NAME_INVALID;
    }
    if (slice_starts(packet->publish.topic, "$") && packet->publish.retain) {
        *text = "reserved topics have no retained messages";
        return MQTT_TOPIC_NAME_INVALID;
    }
    *text = reserved_publish(packet->publish.topic);
    return *text ? MQTT_TOPIC_NAME_INVALID : 0;
}

static bool is_welcome(struct client *client, const struct mqtt_packet *packet)
{
    const char *text;
    int reason = topic_fault(packet, &text);
    if (reason == 0)
        reason = message_fault(&packet->properties, &text);
    if (reason != 0) {
        refuse(client, packet, reason, "CLIENT_ERROR", text);
        return false;
    }
    if (!client_may(client, "iot:Publish", "topic/", packet->publish.topic)) {
        atomic_fetch_add(&client->broker->count.publish_refused, 1);
        refuse(client, packet, MQTT_NOT_AUTHORIZED, "AUTH_ERROR", "no policy allows iot:Publish on this topic");
        return false;
    }
    if (packet->publish.retain) {
        client_end(client, MQTT_RETAIN_NOT_SUPPORTED, "CLIENT_ERROR", "retained messages are not implemented yet");
        return false;
    }
    return true;
}

/* ---- in ---- */

static void message_accept(struct client *client, const struct mqtt_packet *packet)
{
    struct mqtt_route route;
    atomic_fetch_add(&client->broker->count.messages_in, 1);
    acknowledge(client, packet); /* a request's PUBACK comes before its answer (provisioning 4.7) */
    if (slice_starts(packet->publish.topic, "$aws/") &&
        door_route_topic(client->broker->options.door, packet->publish.topic, &route)) {
        request_accept(client, packet, &route);
        return;
    }
    struct message *message = message_new(packet, client->client_id);
    topics_route(client->broker, client->session->topics, message);
    message_drop(message);
}

void publish_packet(struct client *client, const struct mqtt_packet *given)
{
    struct mqtt_packet packet = *given;
    if (fits(client, &packet) && resolve_alias(client, &packet) && is_welcome(client, &packet))
        message_accept(client, &packet);
}
