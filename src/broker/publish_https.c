/* publish_https.c - Publish: a message by HTTPS (broker.md 2.1, 3.3). The door has checked iot:Publish already.

   The request becomes the PUBLISH that version 5 would have sent, is held to the same rules, and goes the same way; the
   200 is sent when a PUBACK would be. */
#include "broker/inner.h"
#include "base/encode.h"

enum { USER_PROPERTIES_DEPTH = 4 };

struct publication {
    struct loop_post post;
    struct call *call;
    struct broker *broker;
    struct mqtt_packet packet;
};

static error *invalid(struct call *call, const char *text)
{
    return error_new(call, "InvalidRequestException", "%s", text);
}

/* ---- user properties: base64 of [{"name": "value"}, ...], or of a JSON string that holds that (the SDK for Python) ---- */

static FALLIBLE take_user_property(struct call *call, json *entry, struct mqtt_properties *out)
{
    static const char shape[] = "Each user property is an object with one member, whose value is text.";
    if (!json_is_object(entry) || json_object_object_length(entry) != 1)
        return invalid(call, shape);
    json_object_object_foreach (entry, name, value) {
        slice text = json_text(value);
        if (text.at == NULL || memchr(text.at, '\0', text.length) != NULL)
            return invalid(call, shape);
        mqtt_add_user_property(call, out, slice_of(name), text);
    }
    return NULL;
}

static bool read_list(struct call *call, slice text, json **out)
{
    if (json_parse(call, text, USER_PROPERTIES_DEPTH, out) != NULL)
        return false;
    if (json_is_text(*out) && json_parse(call, json_text(*out), USER_PROPERTIES_DEPTH, out) != NULL)
        return false;
    return json_is_array(*out);
}

static FALLIBLE take_user_properties(struct call *call, struct mqtt_properties *out)
{
    slice text = call_text(call, "userProperties");
    json *list;
    if (text.at == NULL)
        return NULL;
    if (!base64_decode(call, text, &text) || !read_list(call, text, &list))
        return invalid(call, "The user properties are not the base64 of a JSON array.");
    for (size_t i = 0; i < json_object_array_length(list); i++)
        TRY(take_user_property(call, json_object_array_get_idx(list, i), out));
    return NULL;
}

/* ---- the other properties ---- */

static FALLIBLE take_correlation(struct call *call, struct mqtt_properties *out)
{
    slice text = call_text(call, "correlationData"), bytes;
    if (text.at == NULL)
        return NULL;
    if (!base64_decode(call, text, &bytes))
        return invalid(call, "The correlation data is not base64.");
    mqtt_set_text(out, MQTT_CORRELATION_DATA, bytes);
    return NULL;
}

/* The bounds of 4.5 are applied where all messages are made. */
static FALLIBLE take_expiry(struct call *call, struct mqtt_properties *out)
{
    int64_t expiry_s = call_number(call, "messageExpiry", 0);
    if (!call_has(call, "messageExpiry"))
        return NULL;
    if (expiry_s < 0)
        return invalid(call, "The message expiry is negative.");
    mqtt_set_number(out, MQTT_MESSAGE_EXPIRY, expiry_s > UINT32_MAX ? UINT32_MAX : (uint32_t)expiry_s);
    return NULL;
}

static void take_text(struct call *call, const char *member, enum mqtt_property id, struct mqtt_properties *out)
{
    slice text = call_text(call, member);
    if (text.at != NULL)
        mqtt_set_text(out, id, text);
}

static FALLIBLE take_properties(struct call *call, struct mqtt_properties *out)
{
    if (call_has(call, "payloadFormatIndicator"))
        mqtt_set_number(out, MQTT_PAYLOAD_FORMAT, slice_is(call_text(call, "payloadFormatIndicator"), "UTF8_DATA"));
    take_text(call, "contentType", MQTT_CONTENT_TYPE, out);
    take_text(call, "responseTopic", MQTT_RESPONSE_TOPIC, out);
    TRY(take_correlation(call, out));
    TRY(take_expiry(call, out));
    return take_user_properties(call, out);
}

/* ---- WORK: is it a message, and may it be retained? ---- */

static FALLIBLE check_message(struct call *call, const struct broker *broker, const struct mqtt_packet *packet)
{
    const struct mqtt_publish *message = &packet->publish;
    const char *text;
    if (publish_fault(message->topic, &packet->properties, message->retain, &text) != 0)
        return error_new(call, "InvalidRequestException", "The message is not taken: %s.", text);
    if (slice_starts(message->topic, "$"))
        return invalid(call, "The answer to this topic goes to the connection that asks: publish it over MQTT.");
    if (message->payload.length > payload_limit(broker))
        return error_new(call, "RequestEntityTooLargeException", "The payload is larger than %zu bytes.",
                         payload_limit(broker));
    return NULL;
}

FALLIBLE publish_check(struct call *call)
{
    struct publication *publication = MAKE(call, struct publication);
    struct mqtt_packet *packet = &publication->packet;
    publication->call = call;
    publication->broker = door_get(call->door, BROKER);
    packet->type = MQTT_PUBLISH;
    packet->publish.topic = call_text(call, "topic");
    packet->publish.payload = call_text(call, "payload");
    packet->publish.qos = (uint8_t)call_number(call, "qos", 0);
    packet->publish.retain = call_flag(call, "retain");
    TRY(take_properties(call, &packet->properties));
    TRY(check_message(call, publication->broker, packet));
    if (packet->publish.retain)
        TRY(call_require(call, "iot:RetainPublish", call_arn(call, "topic/%.*s", PRINT(packet->publish.topic))));
    call->kept = publication;
    return answer(call, string("message", "OK"), string("traceId", call->id));
}

/* ---- WAIT: on the loop of who asks, until a PUBACK would go out ---- */

static void accepted(void *arg, int reason)
{
    struct call *call = ((struct publication *)arg)->call;
    error *e = NULL;
    if (reason == MQTT_QUOTA_EXCEEDED)
        e = error_new(call, "ThrottlingException", "The account has too many retained messages, or too many wait.");
    else if (reason != 0)
        e = error_new(call, "ServiceUnavailableException", "The message could not be kept; try again.");
    call_resume(call, e);
}

static void send_here(struct loop_post *post)
{
    struct publication *publication = (struct publication *)((char *)post - offsetof(struct publication, post));
    struct broker *broker = publication->broker;
    const struct acceptance acceptance = { .on = broker_loop_of(broker, publication->call->home),
                                           .topics = topics_of(broker, publication->call->account),
                                           .message = message_new(&publication->packet, NULL),
                                           .done = accepted,
                                           .arg = publication };
    atomic_fetch_add(&broker->count.messages_in, 1);
    message_accept(&acceptance);
}

FALLIBLE publish_send(struct call *call)
{
    struct publication *publication = call->kept;
    publication->post.run = send_here;
    loop_post(call->home, &publication->post);
    return NULL;
}
