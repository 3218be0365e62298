/* mqtt.c - request topics into calls, and calls into the payloads of "/accepted" and "/rejected" (provisioning 2.5, 3.2,
   3.3, 4.10). Topics, shapes and the error table are api/mqtt.json. */
#include "operation/door.h"
#include "base/cbor.h"

enum { PAYLOAD_DEPTH = 4, LABELS_MAX = sizeof(((struct mqtt_route *)0)->labels) / sizeof(slice) };

static const struct {
    const char *name;
    enum encoding encoding;
} encodings[] = { { "json", ENCODING_JSON }, { "cbor", ENCODING_CBOR } };

static bool take_encoding(slice level, struct mqtt_route *out)
{
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
        if (slice_is(level, encodings[i].name)) {
            out->encoding = encodings[i].encoding;
            return true;
        }
    return false;
}

static bool level_fits(const struct segment *segment, slice level, struct mqtt_route *out)
{
    if (!segment->label)
        return slice_is(level, segment->text);
    if (segment->member == NULL)
        return take_encoding(level, out);
    if (level.length == 0 || out->label_count == LABELS_MAX)
        return false;
    out->labels[out->label_count++] = level;
    return true;
}

static bool topic_fits(const struct model_operation *operation, slice topic, struct mqtt_route *out)
{
    slice level;
    *out = (struct mqtt_route){ .operation = operation->name };
    for (size_t i = 0; i < operation->segment_count; i++)
        if (!slice_split(&topic, '/', &level) || !level_fits(&operation->segments[i], level, out))
            return false;
    return topic.at == NULL;
}

bool door_route_topic(struct door *door, slice topic, struct mqtt_route *out)
{
    const struct model *model = door_model(door, "mqtt");
    for (size_t i = 0; model && i < model->operation_count; i++)
        if (topic_fits(model->routes[i], topic, out))
            return true;
    *out = (struct mqtt_route){ .operation = NULL };
    return false;
}

/* An empty payload says what {} says. */
static FALLIBLE decode_payload(struct call *call, enum encoding encoding, slice payload)
{
    json *value;
    if (payload.length == 0)
        return NULL;
    error *e = encoding == ENCODING_CBOR ? cbor_parse(call, payload, PAYLOAD_DEPTH, &value)
                                         : json_parse(call, payload, PAYLOAD_DEPTH, &value);
    if (e != NULL)
        return error_because(call, e, "InvalidPayload", "The payload cannot be read. %s", e->message);
    if (!json_is_object(value))
        return error_new(call, "InvalidPayload", "The payload is not a map.");
    const struct shape *input = call->model->input;
    for (size_t i = 0; i < input->member_count; i++) {
        json *member = json_get(value, input->members[i].name);
        if (input->members[i].in == IN_BODY && member != NULL)
            json_put(call->input, input->members[i].name, json_object_get(member));
    }
    return NULL;
}

static void take_labels(struct call *call, const struct mqtt_route *route)
{
    size_t label = 0;
    for (size_t i = 0; i < call->model->segment_count; i++) {
        const struct segment *segment = &call->model->segments[i];
        if (segment->member != NULL && label < route->label_count)
            json_put_slice(call->input, segment->member->name, route->labels[label++]);
    }
}

struct call *door_bind_topic(struct door *door, const struct mqtt_route *route, slice payload)
{
    struct call *call = call_new(door, "mqtt", route->operation);
    call->via = "mqtt";
    call->mapped = true;
    take_labels(call, route);
    error *e = decode_payload(call, route->encoding, payload);
    if (e != NULL)
        call_fail_early(call, e);
    return call;
}

static json *rejection(void *ctx, const struct call *call)
{
    const struct shape *shape = error_of_mqtt(call->model->model, call->error->name);
    json *body = json_new_object(ctx);
    json_put_integer(body, "statusCode", shape ? shape->error_status : 500);
    json_put_text(body, "errorCode", shape ? shape->name : "InternalError");
    json_put_text(body, "errorMessage", shape ? call->error->message : "An internal error occurred.");
    return body;
}

void door_answer_topic(void *ctx, struct call *call, const struct mqtt_route *route, struct mqtt_answer *out)
{
    json *body = call->error ? rejection(ctx, call) : call->output;
    out->suffix = call->error ? "/rejected" : "/accepted";
    out->payload = route->encoding == ENCODING_CBOR ? cbor_print(ctx, body) : json_print(ctx, body);
}
