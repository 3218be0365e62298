/* shapes.c - the shapes of a model: what a value may be. */
#include "operation/model.h"

static const char *const shape_keys[] = { "type",  "required", "members",    "payload", "member", "key",
                                          "value", "min",      "max",        "pattern", "enum",   "sensitive",
                                          "error", "code",     "lowerAfter", NULL };
static const char *const member_keys[] = { "shape", "in", "as", "error", "idempotencyToken", "jsonvalue", NULL };
static const char *const element_keys[] = { "shape", NULL };

static const char *const type_names[] = {
    [SHAPE_STRUCTURE] = "structure", [SHAPE_LIST] = "list", [SHAPE_MAP] = "map",
    [SHAPE_STRING] = "string",       [SHAPE_BLOB] = "blob", [SHAPE_BOOLEAN] = "boolean",
    [SHAPE_INTEGER] = "integer",     [SHAPE_LONG] = "long", [SHAPE_DOUBLE] = "double",
    [SHAPE_TIMESTAMP] = "timestamp", [SHAPE_ANY] = "any",
};
static const char *const location_names[] = {
    [IN_BODY] = "body", [IN_PATH] = "path", [IN_QUERY] = "query", [IN_HEADER] = "header", [IN_STATUS] = "status"
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct shape_context {
    void *ctx;
    struct model *model;
    struct pattern_pool *patterns;
};

static bool name_index(const char *const *names, size_t count, const char *name, int *index)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *index = (int)i;
            return true;
        }
    return false;
}

static FALLIBLE find_shape(struct shape_context *c, const char *where, json *reference, const struct shape **out)
{
    const char *name = json_text(reference).at; /* of maps: the name alone */
    if (name == NULL) {
        TRY(model_check_keys(c->ctx, c->model, where, reference, element_keys));
        name = json_get_text(reference, "shape");
    }
    *out = name ? model_shape_find(c->model, name) : NULL;
    return *out ? NULL : model_broken(c->ctx, c->model, where, "names no shape");
}

/* "RoleArn" is 'roleArn' in a validation error, as AWS writes it. */
static const char *error_path(void *ctx, const char *name)
{
    char *path = text_copy(ctx, name);
    if (path[0] >= 'A' && path[0] <= 'Z')
        path[0] = (char)(path[0] - 'A' + 'a');
    return path;
}

static FALLIBLE compile_member(struct shape_context *c, const char *name, json *value, struct shape_member *member)
{
    TRY(model_check_keys(c->ctx, c->model, name, value, member_keys));
    const char *shape = json_get_text(value, "shape");
    const char *wire = json_get_text(value, "as");
    int in = IN_BODY;
    member->shape = shape ? model_shape_find(c->model, shape) : NULL;
    if (member->shape == NULL)
        return model_broken(c->ctx, c->model, name, "names no shape");
    if (json_get(value, "in") && !name_index(location_names, COUNT(location_names), json_get_text(value, "in"), &in))
        return model_broken(c->ctx, c->model, name, "travels in an unknown place");
    member->name = text_copy(c->ctx, name);
    member->wire = text_copy(c->ctx, wire ? wire : name);
    member->path = error_path(c->ctx, name);
    member->in = (enum location)in;
    member->error = json_get_text(value, "error") ? text_copy(c->ctx, json_get_text(value, "error")) : NULL;
    return NULL;
}

static FALLIBLE compile_members(struct shape_context *c, json *source, struct shape *shape)
{
    json *members = json_get_object(source, "members"), *required = json_get_array(source, "required");
    size_t room = members ? (size_t)json_object_object_length(members) : 0;
    shape->members = MAKE_ARRAY(c->ctx, struct shape_member, room + 1);
    if (members != NULL) {
        json_object_object_foreach (members, name, value) {
            TRY(compile_member(c, name, value, &shape->members[shape->member_count]));
            shape->member_count++;
        }
    }
    for (size_t i = 0; required && i < json_object_array_length(required); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(required, i));
        struct shape_member *member = (struct shape_member *)shape_member_find(shape, name);
        if (member == NULL)
            return model_broken(c->ctx, c->model, shape->name, "requires a member it does not have");
        member->required = true;
    }
    const char *payload = json_get_text(source, "payload");
    if (payload != NULL && (shape->payload = shape_member_find(shape, payload)) == NULL)
        return model_broken(c->ctx, c->model, shape->name, "has a payload that is no member");
    return NULL;
}

static FALLIBLE compile_pattern(struct shape_context *c, const char *text, struct shape *shape)
{
    struct pattern_pool *pool = c->patterns;
    shape->pattern_text = text_copy(c->ctx, text);
    for (size_t i = 0; i < pool->count && shape->pattern == NULL; i++)
        if (strcmp(pool->patterns[i].text, text) == 0)
            shape->pattern = pool->patterns[i].pattern;
    if (shape->pattern != NULL)
        return NULL;
    struct model_pattern *pattern;
    TRY(model_pattern_compile(pool->ctx, text, &pattern));
    *ARRAY_ADD(pool->ctx, pool->patterns, pool->count) = (struct named_pattern){ shape->pattern_text, pattern };
    shape->pattern = pattern;
    return NULL;
}

static FALLIBLE compile_constraints(struct shape_context *c, json *source, struct shape *shape)
{
    json *min = json_get(source, "min"), *max = json_get(source, "max"), *values = json_get_array(source, "enum");
    const char *pattern = json_get_text(source, "pattern");
    shape->has_min = min != NULL;
    shape->has_max = max != NULL;
    shape->min = min ? json_object_get_double(min) : 0;
    shape->max = max ? json_object_get_double(max) : 0;
    shape->sensitive = json_get_bool(source, "sensitive", false);
    const char *lower_after = json_get_text(source, "lowerAfter");
    shape->lower_after = lower_after ? text_copy(c->ctx, lower_after) : NULL;
    shape->value_count = values ? json_object_array_length(values) : 0;
    shape->values = MAKE_ARRAY(c->ctx, const char *, shape->value_count + 1);
    for (size_t i = 0; i < shape->value_count; i++)
        shape->values[i] = text_copy(c->ctx, json_object_get_string(json_object_array_get_idx(values, i)));
    return pattern ? compile_pattern(c, pattern, shape) : NULL;
}

static FALLIBLE compile_shape(struct shape_context *c, json *source, struct shape *shape)
{
    int type;
    TRY(model_check_keys(c->ctx, c->model, shape->name, source, shape_keys));
    if (!name_index(type_names, COUNT(type_names), json_get_text(source, "type"), &type))
        return model_broken(c->ctx, c->model, shape->name, "is of an unknown type");
    shape->type = (enum shape_type)type;
    if (shape->type == SHAPE_STRUCTURE)
        TRY(compile_members(c, source, shape));
    if (shape->type == SHAPE_LIST)
        TRY(find_shape(c, shape->name, json_get(source, "member"), &shape->element));
    if (shape->type == SHAPE_MAP) {
        TRY(find_shape(c, shape->name, json_get(source, "key"), &shape->key));
        TRY(find_shape(c, shape->name, json_get(source, "value"), &shape->element));
    }
    shape->error_status = (int)json_get_integer(source, "error", 0);
    const char *code = json_get_text(source, "code");
    shape->error_code = code ? text_copy(c->ctx, code) : shape->name;
    return compile_constraints(c, source, shape);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct shape *)a)->name, ((const struct shape *)b)->name);
}

FALLIBLE shapes_compile(void *ctx, struct model *model, json *shapes, struct pattern_pool *patterns)
{
    struct shape_context context = { ctx, model, patterns };
    model->shapes = MAKE_ARRAY(ctx, struct shape, (size_t)json_object_object_length(shapes) + 1);
    json_object_object_foreach (shapes, name, unused) {
        (void)unused;
        model->shapes[model->shape_count++].name = text_copy(ctx, name);
    }
    qsort(model->shapes, model->shape_count, sizeof(model->shapes[0]), by_name);
    for (size_t i = 0; i < model->shape_count; i++)
        TRY(compile_shape(&context, json_get_object(shapes, model->shapes[i].name), &model->shapes[i]));
    return NULL;
}

const struct shape *model_shape_find(const struct model *model, const char *name)
{
    struct shape wanted = { .name = name };
    return bsearch(&wanted, model->shapes, model->shape_count, sizeof(wanted), by_name);
}

const struct shape_member *shape_member_find(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->member_count; i++)
        if (strcmp(shape->members[i].name, name) == 0)
            return &shape->members[i];
    return NULL;
}

const struct shape *model_error_find(const struct model *model, const char *name)
{
    const struct shape *shape = model_shape_find(model, name);
    if (shape != NULL && shape->error_status)
        return shape;
    for (size_t i = 0; i < model->shape_count; i++)
        if (model->shapes[i].error_status && strcmp(model->shapes[i].error_code, name) == 0)
            return &model->shapes[i];
    return NULL;
}

bool model_is_data_plane(const struct model *model)
{
    return model != NULL && (strcmp(model->file, "iot-data") == 0 || strcmp(model->file, "iot-jobs-data") == 0);
}
