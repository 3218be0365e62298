/* authorization.c - api/authorization.json: the action and the resources of each operation (auth 4.3).

   A service has a prefix of its actions and of its ARNs; a row is a list of templates. Each template whose members are
   there must be allowed, so a request that names one thing in two ways is asked about both. No row: the operation is
   asked about "*". An empty list: nothing is asked. */
#include "operation/door.h"

enum { RIGHTS_DEPTH = 8 };

static error *rights_broken(struct door *door, const char *where, const char *what)
{
    return error_new(door, "InvalidModel", "api/authorization.json: %s %s.", where, what);
}

static void take_resources(struct door *door, json *list, struct authorization *row)
{
    row->resource_count = json_object_array_length(list);
    row->resources = MAKE_ARRAY(door, const char *, row->resource_count + 1);
    for (size_t i = 0; i < row->resource_count; i++)
        row->resources[i] = text_copy(door, json_object_get_string(json_object_array_get_idx(list, i)));
}

static void take_context(struct door *door, json *context, struct authorization *row)
{
    if (context == NULL)
        return;
    json_object_object_foreach (context, key, value) {
        struct context_template *template = ARRAY_ADD(door, row->context, row->context_count);
        template->key = text_copy(door, key);
        template->value = text_copy(door, json_object_get_string(value));
    }
}

/* Every {name} is a member of the input, the region or the account. */
static FALLIBLE check_template(struct door *door, const struct model_operation *operation, const char *template)
{
    for (const char *at = strchr(template, '{'); at != NULL; at = strchr(at + 1, '{')) {
        SCRATCH scratch = talloc_new(NULL);
        const char *name = text_copy_n(scratch, at + 1, strcspn(at + 1, "}"));
        if (strcmp(name, "region") != 0 && strcmp(name, "account") != 0 && !shape_member_find(operation->input, name))
            return rights_broken(door, operation->label, "names a member that is none");
    }
    return NULL;
}

static FALLIBLE compile_row(struct door *door, const struct model_operation *operation, json *source,
                            struct authorization *row)
{
    static const char *const keys[] = { "resources", "context", "action", NULL };
    json *resources = json_is_object(source) ? json_get_array(source, "resources") : source;
    if (json_is_object(source))
        TRY(model_check_keys(door, operation->model, operation->label, source, keys));
    const char *action = json_get_text(source, "action");
    if (action != NULL)
        row->action = text_copy(door, action);
    if (!json_is_array(resources))
        return rights_broken(door, operation->label, "has no resources");
    take_resources(door, resources, row);
    take_context(door, json_get_object(source, "context"), row);
    for (size_t i = 0; i < row->resource_count; i++)
        TRY(check_template(door, operation, row->resources[i]));
    for (size_t i = 0; i < row->context_count; i++)
        TRY(check_template(door, operation, row->context[i].value));
    return NULL;
}

static FALLIBLE compile_service(struct door *door, struct model *model, json *service)
{
    json *rows = json_get_object(service, "operations");
    const char *prefix = json_get_text(service, "prefix"), *arn = json_get_text(service, "arn");
    size_t used = 0;
    arn = text_copy(door, arn ? arn : "");
    for (size_t i = 0; i < model->operation_count; i++) {
        struct model_operation *operation = &model->operations[i];
        struct authorization *row = MAKE(door, struct authorization);
        static const char *anything[] = { "*", NULL };
        json *source = json_get(rows, operation->name);
        row->action = text_format(door, "%s:%s", prefix ? prefix : model->scopes[0], operation->name);
        row->arn = arn;
        row->resources = anything;
        row->resource_count = 1;
        operation->authorization = row;
        if (source == NULL)
            continue;
        used++;
        TRY(compile_row(door, operation, source, row));
    }
    if (rows != NULL && used != (size_t)json_object_object_length(rows))
        return rights_broken(door, model->file, "has a row for an operation that is none");
    return NULL;
}

FALLIBLE authorization_compile(void *ctx, const struct embedded_file *file, struct door *door)
{
    SCRATCH scratch = talloc_new(NULL);
    json *source;
    error *e = json_parse(scratch, slice_bytes(file->at, file->length), RIGHTS_DEPTH, &source);
    if (e != NULL)
        return error_new(ctx, "InvalidModel", "api/authorization.json: %s", e->message);
    json_object_object_foreach (source, name, unused) {
        (void)unused;
        if (door_model(door, name) == NULL)
            return rights_broken(door, name, "is no service");
    }
    for (size_t i = 0; i < door->model_count; i++)
        TRY(compile_service(door, door->models[i], json_get_object(source, door->models[i]->file)));
    return NULL;
}

/* ---- templates ---- */

/* The text of a member for the i-th expansion; NULL: absent. *count grows to the length of a list. */
static const char *text_of(const struct call *call, const char *name, size_t i, size_t *count)
{
    if (strcmp(name, "region") == 0)
        return call->region;
    if (strcmp(name, "account") == 0)
        return call->account;
    json *value = json_get(call->input, name);
    if (json_is_array(value)) {
        size_t length = json_object_array_length(value);
        if (length > *count)
            *count = length;
        value = i < length ? json_object_array_get_idx(value, i) : NULL;
    }
    if (json_is_bool(value) || json_is_integer(value))
        return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
    return json_text(value).at;
}

static const char *fill(void *ctx, const struct call *call, const char *template, size_t i, size_t *count)
{
    char *out = text_copy(ctx, "");
    while (*template != '\0') {
        size_t literal = strcspn(template, "{");
        out = text_format(ctx, "%s%.*s", out, (int)literal, template);
        template += literal;
        if (*template == '\0')
            break;
        size_t length = strcspn(template + 1, "}");
        const char *value = text_of(call, text_copy_n(ctx, template + 1, length), i, count);
        if (value == NULL)
            return NULL;
        out = text_format(ctx, "%s%s", out, value);
        template += length + 2;
    }
    return out;
}

struct texts authorization_expand(void *ctx, const struct call *call, const char *template)
{
    struct texts texts = { NULL, 0 };
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        const char *text = fill(ctx, call, template, i, &count);
        if (text != NULL)
            *ARRAY_ADD(ctx, texts.at, texts.count) = text;
    }
    return texts;
}
