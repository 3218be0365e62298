/* message.c - a message, from its acceptance to its last receiver. */
#include "broker/inner.h"
#include "base/clock.h"

static void copy_properties(struct message *message, const struct mqtt_properties *from)
{
    struct mqtt_properties *to = &message->properties;
    if (mqtt_has(from, MQTT_PAYLOAD_FORMAT))
        mqtt_set_number(to, MQTT_PAYLOAD_FORMAT, from->payload_format);
    if (mqtt_has(from, MQTT_CONTENT_TYPE))
        mqtt_set_text(to, MQTT_CONTENT_TYPE, slice_copy(message, from->content_type));
    if (mqtt_has(from, MQTT_RESPONSE_TOPIC))
        mqtt_set_text(to, MQTT_RESPONSE_TOPIC, slice_copy(message, from->response_topic));
    if (mqtt_has(from, MQTT_CORRELATION_DATA))
        mqtt_set_text(to, MQTT_CORRELATION_DATA, slice_copy(message, from->correlation_data));
    for (size_t i = 0; i < from->user_count; i++)
        mqtt_add_user_property(message, to, slice_copy(message, from->user[i].name),
                               slice_copy(message, from->user[i].value));
    if (mqtt_has(from, MQTT_MESSAGE_EXPIRY)) {
        uint32_t expiry_s = from->message_expiry_s ? from->message_expiry_s : 1; /* broker.md 4.5: 0 is 1 */
        expiry_s = expiry_s > MESSAGE_EXPIRY_MAX_S ? MESSAGE_EXPIRY_MAX_S : expiry_s;
        message->expires_ms = clock_monotonic_ms() + expiry_s * 1000LL;
    }
}

struct message *message_new(const struct mqtt_packet *publish, const char *publisher)
{
    struct message *message = MAKE(NULL, struct message);
    atomic_init(&message->references, 1);
    message->topic = slice_copy(message, publish->publish.topic);
    message->payload = slice_copy(message, publish->publish.payload);
    message->qos = publish->publish.qos;
    message->retain = publish->publish.retain;
    message->publisher = publisher ? text_copy(message, publisher) : NULL;
    if (!mqtt_has_none(&publish->properties))
        copy_properties(message, &publish->properties);
    return message;
}

struct message *message_share(struct message *message)
{
    atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
    return message;
}

void message_drop(struct message *message)
{
    if (message != NULL && atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) == 1)
        talloc_free(message);
}

bool message_expired(const struct message *message)
{
    return message->expires_ms != 0 && clock_monotonic_ms() >= message->expires_ms;
}
