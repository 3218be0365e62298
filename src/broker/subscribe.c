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

/* What stands against the filter, or the QoS that is granted. Nothing is subscribed yet: a version 3 client whose second
   filter ends its connection shall not find the first one in its session. */
static int judge(struct client *client, const struct mqtt_subscription *wish)
{
    struct mqtt_filter filter;
    int fault = filter_fault(wish->filter, &filter);
    if (fault == MQTT_SHARED_NOT_SUPPORTED)
        return fault; /* not implemented yet; version 3 gets 0x80 */
    if (fault != 0)
        return client_is_v5(client) ? fault : CLOSE | fault;
    if (!client_may(client, "iot:Subscribe", "topicfilter/", wish->filter)) {
        atomic_fetch_add(&client->broker->count.subscribe_refused, 1);
        return client_is_v5(client) ? MQTT_NOT_AUTHORIZED : CLOSE | MQTT_NOT_AUTHORIZED;
    }
    return wish->qos > 1 ? 1 : wish->qos; /* QoS 2 is granted as 1 */
}

/* The filters that new subscriptions name, where their retained messages are wanted: none for wildcards (broker.md 4.1,
   profile aws), and reserved topics have none. */
struct wanted {
    slice topics[FILTERS_A_PACKET];
    size_t count;
};

static bool wants_retained(const struct mqtt_subscription *wish, bool is_new)
{
    const struct mqtt_filter filter = { .path = wish->filter };
    bool asked = wish->retain_handling == 0 || (wish->retain_handling == 1 && is_new);
    return asked && !slice_starts(wish->filter, "$") && !mqtt_filter_has_wildcard(&filter);
}

static int grant(struct session *session, const struct mqtt_subscription *wish, int code, struct wanted *wanted)
{
    if (code > 1)
        return code;
    bool is_new = session_subscription(session, wish->filter) == NULL;
    if (is_new && HASH_COUNT(session->subscriptions) >= SUBSCRIPTIONS_A_CONNECTION)
        return MQTT_QUOTA_EXCEEDED;
    session_subscribe(session, wish, wish->filter);
    if (wants_retained(wish, is_new))
        wanted->topics[wanted->count++] = wish->filter;
    return code;
}

/* The code of each filter; CLOSE and a reason when one of them ends the connection. */
static int answer_filters(struct client *client, const struct mqtt_packet *packet, char *codes, struct wanted *wanted)
{
    const struct mqtt_subscription *list = packet->subscribe.list;
    size_t count = packet->subscribe.count;
    if (count > FILTERS_A_PACKET) {
        memset(codes, MQTT_QUOTA_EXCEEDED, count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        int code = judge(client, &list[i]);
        if (code & CLOSE)
            return code;
        codes[i] = (char)code;
    }
    for (size_t i = 0; i < count; i++)
        codes[i] = (char)grant(client->session, &list[i], (uint8_t)codes[i], wanted);
    return 0;
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
    struct wanted wanted = { .count = 0 };
    int code = answer_filters(client, packet, codes, &wanted);
    if (code & CLOSE) {
        client_end(client, 0, code == (CLOSE | MQTT_NOT_AUTHORIZED) ? "AUTH_ERROR" : "CLIENT_ERROR",
                   mqtt_reason_text(code & ~CLOSE));
        return;
    }
    ack.acknowledged.codes = (slice){ codes, count };
    client_send(client, &ack);
    if (wanted.count > 0 && client->broker->options.store != NULL)
        lookup_begin(client->session, wanted.topics, wanted.count);
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
