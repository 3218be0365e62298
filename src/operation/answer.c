/* answer.c - what goes back over HTTP: an output or an error, in the protocol of the request (x509 3.1, auth 3.3). */
#include "operation/door.h"

enum { HEADERS_MAX = sizeof(((struct http_answer *)0)->headers) / sizeof(struct http_header) };

static void add_header(struct http_answer *out, const char *name, const char *value)
{
    if (out->header_count < HEADERS_MAX)
        out->headers[out->header_count++] = (struct http_header){ slice_of(name), slice_of(value) };
}

static const char *content_type(enum protocol protocol)
{
    static const char *const types[] = { [PROTOCOL_REST_JSON] = "application/json",
                                         [PROTOCOL_JSON] = "application/x-amz-json-1.1",
                                         [PROTOCOL_QUERY] = "text/xml" };
    return types[protocol];
}

/* ---- output ---- */

/* Members that travel elsewhere leave the body. */
static void take_out_members(void *ctx, const struct shape *shape, json *body, struct http_answer *out)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        json *value = json_get(body, member->name);
        if (value == NULL || member->in == IN_BODY)
            continue;
        if (member->in == IN_STATUS)
            out->status = (int)json_object_get_int64(value);
        else
            add_header(out, member->wire,
                       json_is_text(value) ? slice_text(ctx, json_text(value))
                                           : (const char *)json_print(ctx, value).at);
        json_object_object_del(body, member->name);
    }
}

static slice rest_body(void *ctx, const struct model_operation *operation, json *output, struct http_answer *out)
{
    const struct shape *shape = operation->output;
    if (shape == NULL)
        return json_print(ctx, output);
    take_out_members(ctx, shape, output, out);
    if (shape->payload == NULL)
        return json_print(ctx, output);
    json *payload = json_get(output, shape->payload->name);
    return json_is_text(payload) ? slice_copy(ctx, json_text(payload)) : payload ? json_print(ctx, payload) : SLICE("");
}

static void answer_output(void *ctx, struct call *call, const struct route *route, struct http_answer *out)
{
    out->status = call->model->status;
    if (route->protocol == PROTOCOL_QUERY)
        out->body = xml_answer(ctx, call->model, call->output, call->id);
    else if (route->protocol == PROTOCOL_JSON)
        out->body = json_print(ctx, call->output);
    else
        out->body = rest_body(ctx, call->model, call->output, out);
}

/* ---- errors ---- */

/* Lambda's errors say Message, all others message. */
static const char *message_member(const struct model *model, const char *name)
{
    const struct shape *shape = model ? model_error_find(model, name) : NULL;
    return shape && !shape_member_find(shape, "message") && shape_member_find(shape, "Message") ? "Message" : "message";
}

/* The device gateway says less: no name in the body, nothing of the policies that deny, and a trace (auth 3.3, 4.1). */
static slice data_plane_error(void *ctx, const char *request_id, const error *e)
{
    json *body = json_new_object(ctx);
    bool denied = error_is(e, "AccessDeniedException") || error_is(e, "AccessDenied");
    json_put_text(body, "message", denied ? "Forbidden" : e->message);
    json_put_text(body, "traceId", request_id);
    return json_print(ctx, body);
}

static slice json_error(void *ctx, const struct model *model, const struct public_error *shown, const error *e)
{
    json *body = json_new_object(ctx);
    json_put_text(body, "__type", shown->name);
    json_put_text(body, message_member(model, e->name), e->message);
    for (const struct error_member *member = e->members; member != NULL; member = member->next)
        json_put_text(body, member->name, member->value);
    return json_print(ctx, body);
}

/* Cognito writes its error headers its own way (auth 3.3). */
static void add_error_headers(void *ctx, const struct model *model, const struct public_error *shown, const error *e,
                              struct http_answer *out)
{
    bool cognito = model != NULL && strcmp(model->file, "cognito-identity") == 0;
    add_header(out, "x-amzn-ErrorType", cognito ? text_format(ctx, "%s:", shown->name) : shown->name);
    if (cognito && strpbrk(e->message, "\r\n") == NULL)
        add_header(out, "x-amzn-ErrorMessage", e->message);
}

static void answer_error(void *ctx, struct door *door, const struct route *route, const char *request_id,
                         const error *e, struct http_answer *out)
{
    const struct model *model = route->service ? door_model(door, route->service) : NULL;
    struct public_error shown = error_public(model, route->protocol, e->name);
    static const error hidden = { .name = "InternalFailureException", .message = "An internal error occurred." };
    bool ours = shown.status == 500 && strcmp(e->name, shown.name) != 0 &&
                (model == NULL || model_error_find(model, e->name) == NULL);
    e = ours ? &hidden : e;
    out->status = shown.status;
    if (route->protocol == PROTOCOL_QUERY && model != NULL) {
        out->body = xml_error(ctx, model, &shown, e, request_id);
        return;
    }
    add_error_headers(ctx, model, &shown, e, out);
    out->body = model_is_data_plane(model) ? data_plane_error(ctx, request_id, e) : json_error(ctx, model, &shown, e);
}

void door_refuse(void *ctx, struct door *door, const struct route *route, const char *request_id, const error *e,
                 struct http_answer *out)
{
    *out = (struct http_answer){ .content_type = content_type(route->protocol) };
    add_header(out, "x-amzn-RequestId", text_copy(ctx, request_id));
    answer_error(ctx, door, route, request_id, e, out);
}

void door_answer(void *ctx, struct call *call, const struct route *route, struct http_answer *out)
{
    if (call->error != NULL) {
        door_refuse(ctx, call->door, route, call->id, call->error, out);
        return;
    }
    *out = (struct http_answer){ .content_type = content_type(route->protocol) };
    add_header(out, "x-amzn-RequestId", text_copy(ctx, call->id));
    answer_output(ctx, call, route, out);
}
