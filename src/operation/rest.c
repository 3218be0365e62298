/* rest.c - REST-JSON and JSON 1.1 requests into calls: each member from where its model says it travels. */
#include "operation/door.h"
#include "base/encode.h"
#include <errno.h>
#include <limits.h>
#include <math.h>

enum { BODY_DEPTH = 32, PARAMETERS_MAX = 4096, NUMBER_MAX = 32 };

/* ---- values out of text ---- */

static json *must_have(json *value)
{
    if (value == NULL)
        abort();
    return value;
}

static bool whole_of_text(const char *text, json **out)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool digits = *text == '-' || (*text >= '0' && *text <= '9'); /* no blanks, no plus */
    if (!digits || *end != '\0' || end == text || errno != 0)
        return false;
    *out = must_have(json_object_new_int64(number));
    return true;
}

static bool number_of_text(const char *text, json **out)
{
    char *end;
    double number = strtod(text, &end);
    if (text[strspn(text, "0123456789.eE+-")] != '\0' || *end != '\0' || end == text || !isfinite(number))
        return false;
    *out = must_have(json_object_new_double(number));
    return true;
}

static bool boolean_of_text(const char *text, json **out)
{
    static const char *const words[] = { "false", "False", "FALSE", "true", "True", "TRUE" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i]) == 0) {
            *out = must_have(json_object_new_boolean(i >= 3));
            return true;
        }
    return false;
}

static const struct {
    bool (*convert)(const char *text, json **out);
    const char *wanted;
} conversions[] = {
    [SHAPE_BOOLEAN] = { boolean_of_text, "Member must be true or false" },
    [SHAPE_INTEGER] = { whole_of_text, "Member must be an integer" },
    [SHAPE_LONG] = { whole_of_text, "Member must be an integer" },
    [SHAPE_DOUBLE] = { number_of_text, "Member must be a number" },
    [SHAPE_TIMESTAMP] = { number_of_text, "Member must be a number of seconds" },
};

FALLIBLE value_of_text(void *ctx, const struct model *model, const struct shape_member *member,
                       const struct shape *shape, slice text, json **out)
{
    if (shape->type >= sizeof(conversions) / sizeof(conversions[0]) || conversions[shape->type].convert == NULL) {
        *out = must_have(json_object_new_string_len(text.at ? text.at : "", (int)text.length));
        return NULL;
    }
    SCRATCH scratch = talloc_new(NULL);
    bool whole = text.length < NUMBER_MAX && memchr(text.at ? text.at : "", '\0', text.length) == NULL;
    if (!whole || !conversions[shape->type].convert(slice_text(scratch, text), out))
        return model_refuse_value(ctx, model, member, text, conversions[shape->type].wanted);
    return NULL;
}

/* ---- queries and forms ---- */

static bool decode(void *ctx, slice text, enum plus plus, slice *out)
{
    char *copy = slice_text(ctx, text);
    for (size_t i = 0; plus == PLUS_IS_BLANK && i < text.length; i++)
        if (copy[i] == '+')
            copy[i] = ' ';
    return percent_decode(ctx, (slice){ copy, text.length }, out);
}

bool parameters_parse(void *ctx, slice text, enum plus plus, struct parameters *out)
{
    slice pair, name;
    *out = (struct parameters){ NULL, 0 };
    while (text.length > 0 && slice_split(&text, '&', &pair)) {
        if (pair.length == 0)
            continue;
        if (out->count == PARAMETERS_MAX)
            return false;
        slice rest = pair;
        struct parameter *parameter = ARRAY_ADD(ctx, out->at, out->count);
        slice_split(&rest, '=', &name);
        if (!decode(ctx, name, plus, &parameter->name) ||
            !decode(ctx, rest.at ? rest : SLICE(""), plus, &parameter->value))
            return false;
    }
    return true;
}

slice parameter_find(const struct parameters *parameters, const char *name)
{
    slice found = { NULL, 0 };
    for (size_t i = 0; i < parameters->count; i++)
        if (slice_is(parameters->at[i].name, name))
            found = parameters->at[i].value;
    return found;
}

/* ---- REST-JSON ---- */

struct binding {
    struct call *call;
    const struct http_request *request;
    const struct route *route;
    struct parameters query;
    json *body; /* an object; NULL: there is none */
};

static error *bad_encoding(struct binding *b, const char *what)
{
    return error_new(b->call, b->call->model->model->validation_error,
                     "The %s of the request is not percent-encoded correctly.", what);
}

static FALLIBLE put_text(struct binding *b, const struct shape_member *member, slice text)
{
    json *value;
    TRY(value_of_text(b->call, b->call->model->model, member, member->shape, text, &value));
    json_put(b->call->input, member->name, value);
    return NULL;
}

static FALLIBLE bind_labels(struct binding *b)
{
    const struct model_operation *operation = b->call->model;
    size_t label = 0;
    for (size_t i = 0; i < operation->segment_count; i++) {
        slice text;
        if (!operation->segments[i].label)
            continue;
        if (!percent_decode(b->call, b->route->labels[label++], &text))
            return bad_encoding(b, "path");
        TRY(put_text(b, operation->segments[i].member, text));
    }
    return NULL;
}

static FALLIBLE bind_query_list(struct binding *b, const struct shape_member *member)
{
    json *list = NULL;
    for (size_t i = 0; i < b->query.count; i++) {
        json *value;
        if (!slice_is(b->query.at[i].name, member->wire))
            continue;
        if (list == NULL)
            list = json_new_array(b->call);
        TRY(value_of_text(b->call, b->call->model->model, member, member->shape->element, b->query.at[i].value,
                          &value));
        json_add(list, value);
    }
    if (list != NULL)
        json_put(b->call->input, member->name, json_object_get(list));
    return NULL;
}

static FALLIBLE bind_elsewhere(struct binding *b, const struct shape_member *member)
{
    slice text = { NULL, 0 };
    if (member->in == IN_QUERY && member->shape->type == SHAPE_LIST)
        return bind_query_list(b, member);
    if (member->in == IN_QUERY)
        text = parameter_find(&b->query, member->wire);
    else if (member->in == IN_HEADER)
        text = http_header_find(b->request, member->wire);
    return text.at ? put_text(b, member, text) : NULL;
}

/* An absent body, an empty one and {} say the same. */
static FALLIBLE parse_body(struct call *call, slice text, const char *error_name, json **out)
{
    *out = NULL;
    if (text.length == 0)
        return NULL;
    error *e = json_parse(call, text, BODY_DEPTH, out);
    if (e != NULL)
        return error_because(call, e, error_name, "The body of the request cannot be read. %s", e->message);
    return json_is_object(*out) ? NULL : error_new(call, error_name, "The body of the request is not a JSON object.");
}

static void take_member(struct call *call, json *body, const struct shape_member *member)
{
    json *value = json_get(body, member->name);
    if (value != NULL)
        json_put(call->input, member->name, json_object_get(value));
}

/* The whole body is one member: a document, or bytes. */
static FALLIBLE bind_payload(struct binding *b, const struct shape_member *payload)
{
    struct call *call = b->call;
    json *document;
    if (b->request->body.length == 0)
        return NULL;
    if (payload->shape->type == SHAPE_BLOB || payload->shape->type == SHAPE_STRING) {
        json_put_slice(call->input, payload->name, b->request->body);
        return NULL;
    }
    TRY(parse_body(call, b->request->body, call->model->model->validation_error, &document));
    json_put(call->input, payload->name, json_object_get(document));
    return NULL;
}

static FALLIBLE bind_body(struct binding *b)
{
    const struct shape *input = b->call->model->input;
    if (input->payload != NULL)
        return bind_payload(b, input->payload);
    if (!b->call->model->takes_body)
        return NULL;
    TRY(parse_body(b->call, b->request->body, b->call->model->model->validation_error, &b->body));
    for (size_t i = 0; b->body && i < input->member_count; i++)
        if (input->members[i].in == IN_BODY)
            take_member(b->call, b->body, &input->members[i]);
    return NULL;
}

FALLIBLE rest_bind(struct call *call, const struct http_request *request, const struct route *route)
{
    struct binding b = { .call = call, .request = request, .route = route };
    const struct shape *input = call->model->input;
    if (!parameters_parse(call, request->query, PLUS_STAYS, &b.query))
        return bad_encoding(&b, "query");
    TRY(bind_labels(&b));
    for (size_t i = 0; i < input->member_count; i++)
        if (input->members[i].in != IN_BODY && input->members[i].in != IN_PATH)
            TRY(bind_elsewhere(&b, &input->members[i]));
    return bind_body(&b);
}

/* ---- JSON 1.1 ---- */

FALLIBLE json_bind(struct call *call, const struct http_request *request)
{
    const struct shape *input = call->model->input;
    json *body;
    TRY(parse_body(call, request->body, "SerializationException", &body));
    for (size_t i = 0; body && i < input->member_count; i++)
        take_member(call, body, &input->members[i]);
    return NULL;
}

/* ---- the way in ---- */

slice presentable(slice text, size_t most)
{
    if (!text_is_utf8(text))
        return SLICE("?");
    text.length = text.length < most ? text.length : most;
    while (!text_is_utf8(text)) /* no half of a character */
        text.length--;
    return text;
}

static error *no_operation(void *ctx, const struct model *model, const struct http_request *request,
                           const struct route *route)
{
    slice name = presentable(slice_of(route->name), NAME_SHOWN);
    if (route->protocol == PROTOCOL_QUERY && route->name == NULL)
        return error_new(ctx, "MissingAction", "The request names no Action.");
    if (route->protocol == PROTOCOL_QUERY && model != NULL)
        return error_new(ctx, "UnknownOperationException", "Could not find operation %.*s for version %s", PRINT(name),
                         model->version);
    if (route->name != NULL)
        return error_new(ctx, "UnknownOperationException", "The service %s has no operation %.*s.", route->service,
                         PRINT(name));
    slice method = presentable(request->method, NAME_SHOWN), path = presentable(request->path, NAME_SHOWN);
    return error_new(ctx, "UnknownOperationException", "There is no operation %.*s %.*s.", PRINT(method), PRINT(path));
}

static FALLIBLE bind_in_protocol(struct call *call, const struct http_request *request, const struct route *route)
{
    switch (route->protocol) {
    case PROTOCOL_JSON:
        return json_bind(call, request);
    case PROTOCOL_QUERY:
        return query_bind(call, request);
    case PROTOCOL_REST_JSON:
        break;
    }
    return rest_bind(call, request, route);
}

FALLIBLE door_bind(struct door *door, void *ctx, const struct http_request *request, const struct route *route,
                   struct call **out)
{
    *out = NULL;
    if (route->operation == NULL)
        return no_operation(ctx, route->service ? door_model(door, route->service) : NULL, request, route);
    struct call *call = call_make(door, route->operation, route->operation->name);
    call->via = "https";
    error *e = call->inner->early ? NULL : bind_in_protocol(call, request, route);
    if (e != NULL) {
        e = error_new(ctx, e->name, "%s", e->message); /* names are literals or the model's */
        talloc_free(call);
        return e;
    }
    *out = call;
    return NULL;
}
