/* message.c - a message, from its acceptance to its last receiver. */
#include "broker/inner.h"
#include "base/clock.h"

int message_fault(const struct mqtt_properties *properties, const char **text)
{
    size_t user_bytes = 0;
    for (size_t i = 0; i < properties->user_count; i++)
        user_bytes += properties->user[i].name.length + properties->user[i].value.length;
    *text = "content type (256 bytes), correlation data (8 KiB) or user properties (8 KiB) are too large";
    return properties->content_type.length > CONTENT_TYPE_MAX ||
                   properties->correlation_data.length > CORRELATION_MAX || user_bytes > USER_PROPERTIES_MAX
               ? MQTT_QUOTA_EXCEEDED
               : 0;
}

/* All texts in one piece: a packet can hold 30,000 empty user properties, and each must not cost two pieces of memory. */
static void copy_user_properties(struct message *message, const struct mqtt_properties *from)
{
    struct mqtt_properties *to = &message->properties;
    size_t bytes = 0;
    for (size_t i = 0; i < from->user_count; i++)
        bytes += from->user[i].name.length + from->user[i].value.length;
    to->user = MAKE_ARRAY(message, struct mqtt_user_property, from->user_count);
    to->user_count = from->user_count;
    writer texts = writer_new(message, bytes + 1);
    for (size_t i = 0; i < from->user_count; i++) {
        writer_slice(&texts, from->user[i].name);
        writer_slice(&texts, from->user[i].value);
    }
    const char *at = writer_finish(&texts);
    for (size_t i = 0; i < from->user_count; i++) {
        to->user[i].name = (slice){ at, from->user[i].name.length };
        to->user[i].value = (slice){ at + from->user[i].name.length, from->user[i].value.length };
        at += to->user[i].name.length + to->user[i].value.length;
    }
    message->size += bytes + from->user_count * sizeof(*to->user);
}

static void copy_text(struct message *message, const struct mqtt_properties *from, enum mqtt_property id, slice value)
{
    if (!mqtt_has(from, id))
        return;
    mqtt_set_text(&message->properties, id, slice_copy(message, value));
    message->size += value.length;
}

static void copy_properties(struct message *message, const struct mqtt_properties *from)
{
    struct mqtt_properties *to = &message->properties;
    if (mqtt_has(from, MQTT_PAYLOAD_FORMAT))
        mqtt_set_number(to, MQTT_PAYLOAD_FORMAT, from->payload_format);
    copy_text(message, from, MQTT_CONTENT_TYPE, from->content_type);
    copy_text(message, from, MQTT_RESPONSE_TOPIC, from->response_topic);
    copy_text(message, from, MQTT_CORRELATION_DATA, from->correlation_data);
    if (from->user_count > 0)
        copy_user_properties(message, from);
    if (mqtt_has(from, MQTT_MESSAGE_EXPIRY)) {
        uint32_t expiry_s = from->message_expiry_s ? from->message_expiry_s : 1; /* broker.md 4.5: 0 is 1 */
        message->expiry_s = expiry_s > MESSAGE_EXPIRY_MAX_S ? MESSAGE_EXPIRY_MAX_S : expiry_s;
        message_begin_expiry(message);
    }
}

void message_begin_expiry(struct message *message)
{
    if (message->expiry_s != 0)
        message->expires_ms = clock_monotonic_ms() + message->expiry_s * 1000LL;
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
    message->size = sizeof(*message) + message->topic.length + message->payload.length;
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
