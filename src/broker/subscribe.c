/* subscribe.c - SUBSCRIBE and UNSUBSCRIBE (broker.md 4.7). */
#include "broker/inner.h"

/* What one filter is answered: a granted QoS, a reason of 0x80 or above, or, for version 3, the end: CLOSE and the
   reason. */
enum { CLOSE = 0x100 };

static int filter_fault(slice text, struct mqtt_filter *filter)
{
    SCRATCH ctx = talloc_new(NULL);
    if (mqtt_parse_filter(ctx, &mqtt_limits_aws, text, filter) != NULL)
        return MQTT_TOPIC_FILTER_INVALID;
    if (filter->group.length > 0)
        return MQTT_SHARED_NOT_SUPPORTED;
    return reserved_subscribe(text) ? MQTT_TOPIC_FILTER_INVALID : 0;
}

static int grant(struct client *client, const struct mqtt_subscription *wish)
{
    struct mqtt_filter filter;
    struct session *session = client->session;
    int fault = filter_fault(wish->filter, &filter);
    if (fault == MQTT_SHARED_NOT_SUPPORTED)
        return fault; /* not implemented yet; version 3 gets 0x80 */
    if (fault != 0)
        return client_is_v5(client) ? fault : CLOSE | fault;
    if (!client_may(client, "iot:Subscribe", "topicfilter/", wish->filter)) {
        atomic_fetch_add(&client->broker->count.subscribe_refused, 1);
        return client_is_v5(client) ? MQTT_NOT_AUTHORIZED : CLOSE | MQTT_NOT_AUTHORIZED;
    }
    if (session_subscription(session, wish->filter) == NULL &&
        HASH_COUNT(session->subscriptions) >= SUBSCRIPTIONS_A_CONNECTION)
        return MQTT_QUOTA_EXCEEDED;
    session_subscribe(session, wish, filter.path);
    return wish->qos > 1 ? 1 : wish->qos; /* QoS 2 is granted as 1 */
}

void subscribe_packet(struct client *client, const struct mqtt_packet *packet)
{
    size_t count = packet->subscribe.count;
    struct mqtt_packet ack = { .type = MQTT_SUBACK, .id = packet->id };
    if (packet->properties.subscription_id_count > 0) {
        client_end(client, MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED, "CLIENT_ERROR",
                   "subscription identifiers are not offered");
        return;
    }
    const char *text;
    int fault = message_fault(&packet->properties, &text);
    if (fault != 0) {
        client_end(client, fault, "CLIENT_ERROR", text);
        return;
    }
    SCRATCH ctx = talloc_new(NULL);
    char *codes = MAKE_ARRAY(ctx, char, count);
    for (size_t i = 0; i < count; i++) {
        int code = count > FILTERS_A_PACKET ? MQTT_QUOTA_EXCEEDED : grant(client, &packet->subscribe.list[i]);
        if (code & CLOSE) {
            client_end(client, 0, code == (CLOSE | MQTT_NOT_AUTHORIZED) ? "AUTH_ERROR" : "CLIENT_ERROR",
                       mqtt_reason_text(code & ~CLOSE));
            return;
        }
        codes[i] = (char)code;
    }
    ack.acknowledged.codes = (slice){ codes, count };
    client_send(client, &ack);
}

void unsubscribe_packet(struct client *client, const struct mqtt_packet *packet)
{
    size_t count = packet->unsubscribe.count;
    SCRATCH ctx = talloc_new(NULL);
    char *codes = MAKE_ARRAY(ctx, char, count);
    struct mqtt_packet ack = { .type = MQTT_UNSUBACK, .id = packet->id };
    for (size_t i = 0; i < count; i++)
        codes[i] =
            session_unsubscribe(client->session, packet->unsubscribe.filters[i]) ? 0 : MQTT_NO_SUBSCRIPTION_EXISTED;
    if (client_is_v5(client))
        ack.acknowledged.codes = (slice){ codes, count };
    client_send(client, &ack);
}
