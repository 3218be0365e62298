/* route.c - which operation a request is for (auth 2.1): X-Amz-Target, then Action, then the scope's service, then the
   path. Paths are split at '/' while still encoded (x509 2.1); a slash at the end never matters. */
#include "operation/door.h"

enum { LABELS_MAX = sizeof(((struct route *)0)->labels) / sizeof(slice) };

slice http_header_find(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (slice_is_nocase(request->headers[i].name, name))
            return request->headers[i].value.at ? request->headers[i].value : SLICE("");
    return (slice){ NULL, 0 };
}

static void take_model(const struct model *model, enum protocol protocol, struct route *out)
{
    out->service = model->file;
    out->protocol = protocol;
    out->scopes = model->scopes;
    for (out->scope_count = 0; model->scopes[out->scope_count] != NULL;)
        out->scope_count++;
}

static void take_operation(void *ctx, const struct model *model, enum protocol protocol, slice name, struct route *out)
{
    take_model(model, protocol, out);
    out->operation = name.length > 0 ? model_operation_find(model, name) : NULL;
    out->name = name.length > 0 ? slice_text(ctx, name) : NULL;
    out->unsigned_allowed = out->operation != NULL && out->operation->unsigned_allowed;
}

/* ---- by X-Amz-Target: "IoTSecuredTunneling.OpenTunnel" ---- */

static bool route_by_target(struct door *door, void *ctx, const struct http_request *request, struct route *out)
{
    slice target = http_header_find(request, "x-amz-target");
    for (size_t i = 0; i < door->model_count; i++) {
        const char *prefix = door->models[i]->target_prefix;
        if (prefix == NULL || !slice_starts(target, prefix))
            continue;
        slice rest = slice_from(target, strlen(prefix));
        if (slice_starts(rest, ".")) {
            take_operation(ctx, door->models[i], PROTOCOL_JSON, slice_from(rest, 1), out);
            return true;
        }
    }
    return false;
}

/* ---- by Action and Version ---- */

static const struct model *model_of_action(struct door *door, slice action, slice version, slice scope)
{
    const struct model *named = NULL, *having = NULL;
    for (size_t i = 0; i < door->model_count; i++) {
        const struct model *model = door->models[i];
        if (model->protocol != MODEL_QUERY)
            continue;
        if (slice_is(version, model->version))
            return model;
        if (slice_is(scope, model->scopes[0]))
            named = model;
        if (model_operation_find(model, action))
            having = model;
    }
    return named ? named : having;
}

static bool route_by_action(struct door *door, void *ctx, const struct http_request *request, slice scope,
                            struct route *out)
{
    struct parameters parameters;
    if (request->path.length > 1)
        return false;
    query_parameters(ctx, request, &parameters);
    slice action = parameter_find(&parameters, "Action");
    const struct model *model = model_of_action(door, action, parameter_find(&parameters, "Version"), scope);
    if (action.length == 0 || model == NULL)
        return false;
    take_operation(ctx, model, PROTOCOL_QUERY, action, out);
    return true;
}

/* ---- by path ---- */

static bool path_fits(const struct model_operation *operation, slice path, struct route *out)
{
    slice piece = { NULL, 0 };
    size_t labels = 0;
    for (size_t i = 0; i < operation->segment_count; i++) {
        const struct segment *segment = &operation->segments[i];
        if (segment->greedy && path.length > 0) {
            piece = path;
            path = (slice){ NULL, 0 };
        } else if (!slice_split(&path, '/', &piece)) {
            return false;
        }
        if (segment->label && labels < LABELS_MAX)
            out->labels[labels++] = piece;
        else if (!slice_is(piece, segment->text))
            return false;
    }
    out->label_count = labels;
    return path.at == NULL;
}

static slice path_inside(slice path)
{
    if (slice_starts(path, "/"))
        path = slice_from(path, 1);
    if (slice_ends(path, "/"))
        path.length--;
    return path.length > 0 ? path : (slice){ NULL, 0 };
}

/* All after /topics/ is the topic (broker.md 2.1): "a/" is another one than "a". */
static void keep_last_slash(const struct model_operation *operation, slice path, struct route *out)
{
    size_t count = operation->segment_count;
    bool is_greedy = count > 0 && operation->segments[count - 1].greedy;
    if (is_greedy && model_is_data_plane(operation->model) && slice_ends(path, "/"))
        out->labels[out->label_count - 1].length++;
}

static bool route_in_model(const struct model *model, const struct http_request *request, struct route *out)
{
    slice path = path_inside(request->path);
    for (size_t i = 0; i < model->operation_count; i++) {
        const struct model_operation *operation = model->routes[i];
        if (slice_is(request->method, operation->method) && path_fits(operation, path, out)) {
            take_model(model, PROTOCOL_REST_JSON, out);
            keep_last_slash(operation, request->path, out);
            out->operation = operation;
            out->name = operation->name;
            out->unsigned_allowed = operation->unsigned_allowed;
            return true;
        }
    }
    return false;
}

static bool has_scope(const struct model *model, slice scope)
{
    for (const char **known = model->scopes; scope.length > 0 && *known != NULL; known++)
        if (slice_is(scope, *known))
            return true;
    return false;
}

static enum protocol protocol_of(const struct model *model)
{
    return model->protocol == MODEL_QUERY  ? PROTOCOL_QUERY
           : model->protocol == MODEL_JSON ? PROTOCOL_JSON
                                           : PROTOCOL_REST_JSON;
}

/* The service of the scope answers, even if it has no such operation. */
static bool route_by_scope(struct door *door, const struct http_request *request, slice scope, struct route *out)
{
    const struct model *known = NULL;
    for (size_t i = 0; i < door->model_count; i++) {
        const struct model *model = door->models[i];
        if (model->protocol == MODEL_MQTT || model->protocol == MODEL_OPERATOR || !has_scope(model, scope))
            continue;
        if (model->protocol == MODEL_REST_JSON && route_in_model(model, request, out))
            return true;
        known = known ? known : model;
    }
    if (known != NULL)
        take_model(known, protocol_of(known), out);
    return known != NULL;
}

void door_route(struct door *door, void *ctx, const struct http_request *request, slice scope_service,
                struct route *out)
{
    *out = (struct route){ .protocol = PROTOCOL_REST_JSON };
    if (route_by_target(door, ctx, request, out) || route_by_action(door, ctx, request, scope_service, out) ||
        route_by_scope(door, request, scope_service, out))
        return;
    const struct model *iot = door_model(door, "iot"); /* where services share a path, the control plane has it */
    if (iot != NULL && route_in_model(iot, request, out))
        return;
    for (size_t i = 0; i < door->model_count; i++)
        if (door->models[i]->protocol == MODEL_REST_JSON && route_in_model(door->models[i], request, out))
            return;
}
