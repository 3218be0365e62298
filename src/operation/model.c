/* model.c - an interface model out of its JSON: operations and the paths that lead to them. */
#include "operation/model.h"

enum { MODEL_DEPTH = 16, LABELS_MAX = 8 };

static const char *const model_keys[] = { "service",     "apiVersion", "protocol",        "signingName", "targetPrefix",
                                          "jsonVersion", "serviceId",  "operations",      "shapes",      "xmlNamespace",
                                          "scopes",      "aliases",    "validationError", NULL };
static const char *const operation_keys[] = { "method", "uri",  "topic",         "status", "input", "output",
                                              "errors", "auth", "resultWrapper", "event",  NULL };

static const struct shape no_members = { .name = "None", .type = SHAPE_STRUCTURE };

error *model_broken(void *ctx, const struct model *model, const char *where, const char *what)
{
    return error_new(ctx, "InvalidModel", "api/%s.json: %s %s.", model->file, where, what);
}

FALLIBLE model_check_keys(void *ctx, const struct model *model, const char *where, json *object,
                          const char *const *known)
{
    if (!json_is_object(object))
        return model_broken(ctx, model, where, "is not an object");
    json_object_object_foreach (object, key, value) {
        size_t i = 0;
        (void)value;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i] == NULL)
            return model_broken(ctx, model, where, text_format(ctx, "has the unknown key \"%s\"", key));
    }
    return NULL;
}

static FALLIBLE add_segment(void *ctx, struct model_operation *operation, slice piece)
{
    struct segment *segment = &operation->segments[operation->segment_count++];
    if (!slice_starts(piece, "{")) {
        segment->text = slice_text(ctx, piece);
        return NULL;
    }
    segment->label = true;
    segment->greedy = slice_ends(piece, "+}");
    segment->text = text_copy_n(ctx, piece.at + 1, piece.length - (segment->greedy ? 3 : 2));
    for (size_t i = 0; i < operation->input->member_count; i++) {
        const struct shape_member *member = &operation->input->members[i];
        if (member->in == IN_PATH && strcmp(member->wire, segment->text) == 0)
            segment->member = member;
    }
    if (segment->member == NULL && strcmp(segment->text, "format") != 0)
        return model_broken(ctx, operation->model, operation->name, "has a label that is no member");
    return NULL;
}

/* "/things/{thingName}/principals", "$aws/certificates/create/{format}"; one slash at the end says nothing. */
static FALLIBLE compile_path(void *ctx, struct model_operation *operation, const char *path)
{
    slice rest = slice_of(path), piece;
    if (slice_starts(rest, "/"))
        rest = slice_from(rest, 1);
    if (slice_ends(rest, "/"))
        rest.length--;
    size_t room = 1, labels = 0;
    for (size_t i = 0; i < rest.length; i++)
        room += rest.at[i] == '/';
    operation->segments = MAKE_ARRAY(ctx, struct segment, room + 1);
    while (rest.length > 0 && slice_split(&rest, '/', &piece))
        TRY(add_segment(ctx, operation, piece));
    for (size_t i = 0; i < operation->segment_count; i++) {
        labels += operation->segments[i].label;
        if (operation->segments[i].greedy && i + 1 < operation->segment_count)
            return model_broken(ctx, operation->model, operation->name, "has a greedy label before its end");
    }
    return labels <= LABELS_MAX ? NULL : model_broken(ctx, operation->model, operation->name, "has too many labels");
}

static FALLIBLE compile_errors(void *ctx, const struct model *model, json *names, struct model_operation *operation)
{
    operation->error_count = names ? json_object_array_length(names) : 0;
    operation->errors = MAKE_ARRAY(ctx, const struct shape *, operation->error_count + 1);
    for (size_t i = 0; i < operation->error_count; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        operation->errors[i] = model_shape_find(model, name);
        if (operation->errors[i] == NULL || !operation->errors[i]->error_status)
            return model_broken(ctx, model, operation->name, "lists an error that is none");
    }
    return NULL;
}

static FALLIBLE compile_ends(void *ctx, const struct model *model, json *source, struct model_operation *operation)
{
    const char *input = json_get_text(source, "input"), *output = json_get_text(source, "output");
    operation->input = input ? model_shape_find(model, input) : &no_members;
    operation->output = output ? model_shape_find(model, output) : NULL;
    if (operation->input == NULL || operation->input->type != SHAPE_STRUCTURE || (output && !operation->output))
        return model_broken(ctx, model, operation->name, "has an unknown input or output");
    for (size_t i = 0; i < operation->input->member_count; i++)
        operation->takes_body |= operation->input->members[i].in == IN_BODY;
    return NULL;
}

static FALLIBLE compile_operation(void *ctx, const struct model *model, json *source, struct model_operation *operation)
{
    TRY(model_check_keys(ctx, model, operation->name, source, operation_keys));
    operation->model = model;
    operation->label = text_format(ctx, "%s.%s", model->file, operation->name);
    operation->live = MAKE(ctx, struct live_operation);
    operation->status = (int)json_get_integer(source, "status", 200);
    const char *wrapper = json_get_text(source, "resultWrapper"), *method = json_get_text(source, "method");
    const char *topic = json_get_text(source, "topic"), *uri = json_get_text(source, "uri");
    const char *event = json_get_text(source, "event");
    operation->result_wrapper = wrapper ? text_copy(ctx, wrapper) : NULL;
    operation->method = method ? text_copy(ctx, method) : NULL;
    operation->event = event ? text_copy(ctx, event) : NULL;
    operation->unsigned_allowed = slice_is(json_get_slice(source, "auth"), "none");
    TRY(compile_ends(ctx, model, source, operation));
    TRY(compile_errors(ctx, model, json_get_array(source, "errors"), operation));
    bool by_topic = model->protocol == MODEL_MQTT, by_uri = !by_topic && model->protocol != MODEL_OPERATOR;
    if ((topic != NULL) != by_topic || (uri != NULL) != by_uri || (method != NULL) != by_uri)
        return model_broken(ctx, model, operation->name, "has no way to be reached, or one of another protocol");
    return by_topic || by_uri ? compile_path(ctx, operation, by_topic ? topic : uri) : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct model_operation *)a)->name, ((const struct model_operation *)b)->name);
}

/* Literals before labels where two paths part, so that the first that fits is the most literal one. */
static int by_literalness(const void *left, const void *right)
{
    const struct model_operation *a = *(const struct model_operation *const *)left;
    const struct model_operation *b = *(const struct model_operation *const *)right;
    for (size_t i = 0; i < a->segment_count && i < b->segment_count; i++) {
        int rank_a = a->segments[i].label + a->segments[i].greedy,
            rank_b = b->segments[i].label + b->segments[i].greedy;
        if (rank_a != rank_b)
            return rank_a - rank_b;
    }
    if (a->segment_count != b->segment_count)
        return a->segment_count < b->segment_count ? -1 : 1;
    return by_name(a, b);
}

static FALLIBLE compile_operations(void *ctx, struct model *model, json *operations)
{
    model->operations = MAKE_ARRAY(ctx, struct model_operation, (size_t)json_object_object_length(operations) + 1);
    json_object_object_foreach (operations, name, unused) {
        (void)unused;
        model->operations[model->operation_count++].name = text_copy(ctx, name);
    }
    qsort(model->operations, model->operation_count, sizeof(model->operations[0]), by_name);
    model->routes = MAKE_ARRAY(ctx, const struct model_operation *, model->operation_count + 1);
    for (size_t i = 0; i < model->operation_count; i++) {
        struct model_operation *operation = &model->operations[i];
        TRY(compile_operation(ctx, model, json_get_object(operations, operation->name), operation));
        model->routes[i] = operation;
    }
    qsort(model->routes, model->operation_count, sizeof(struct model_operation *), by_literalness);
    return NULL;
}

static const struct {
    const char *name;
    enum model_protocol protocol;
} protocols[] = { { "rest-json", MODEL_REST_JSON },
                  { "json", MODEL_JSON },
                  { "query", MODEL_QUERY },
                  { "mqtt", MODEL_MQTT },
                  { "operator", MODEL_OPERATOR } };

static FALLIBLE compile_protocol(void *ctx, struct model *model, json *source)
{
    size_t i = 0, count = sizeof(protocols) / sizeof(protocols[0]);
    while (i < count && !slice_is(json_get_slice(source, "protocol"), protocols[i].name))
        i++;
    if (i == count)
        return model_broken(ctx, model, "the file", "speaks an unknown protocol");
    model->protocol = protocols[i].protocol;
    if (model->protocol == MODEL_QUERY && json_get_text(source, "xmlNamespace") == NULL)
        return model_broken(ctx, model, "the file", "has no xmlNamespace");
    if (model->protocol == MODEL_JSON && json_get_text(source, "targetPrefix") == NULL)
        return model_broken(ctx, model, "the file", "has no targetPrefix");
    if (json_get_text(source, "validationError") == NULL || json_get_text(source, "service") == NULL)
        return model_broken(ctx, model, "the file", "has no validationError or service");
    return NULL;
}

static const char *copied(void *ctx, json *source, const char *key)
{
    const char *text = json_get_text(source, key);
    return text ? text_copy(ctx, text) : NULL;
}

static void take_scopes(void *ctx, struct model *model, json *source)
{
    json *scopes = json_get_array(source, "scopes");
    const char *signing = copied(ctx, source, "signingName");
    size_t count = scopes ? json_object_array_length(scopes) : 1;
    model->scopes = MAKE_ARRAY(ctx, const char *, count + 1);
    model->scopes[0] = signing ? signing : copied(ctx, source, "service");
    for (size_t i = 0; scopes && i < count; i++)
        model->scopes[i] = text_copy(ctx, json_object_get_string(json_object_array_get_idx(scopes, i)));
}

static void take_aliases(void *ctx, struct model *model, json *aliases)
{
    if (aliases == NULL)
        return;
    json_object_object_foreach (aliases, name, value) {
        struct model_alias *alias = ARRAY_ADD(ctx, model->aliases, model->alias_count);
        alias->name = text_copy(ctx, name);
        alias->stands_for = text_copy(ctx, json_object_get_string(value));
    }
}

FALLIBLE model_compile(void *ctx, const struct embedded_file *file, struct pattern_pool *patterns, struct model **out)
{
    SCRATCH scratch = talloc_new(NULL);
    struct model *model = *out = MAKE(ctx, struct model);
    model->file = text_copy_n(model, file->name, strcspn(file->name, "."));
    json *source;
    error *e = json_parse(scratch, slice_bytes(file->at, file->length), MODEL_DEPTH, &source);
    if (e != NULL)
        return model_broken(ctx, model, "the file", text_format(ctx, "is not JSON: %s", e->message));
    TRY(model_check_keys(ctx, model, "the file", source, model_keys));
    TRY(compile_protocol(ctx, model, source));
    model->version = copied(model, source, "apiVersion");
    model->target_prefix = copied(model, source, "targetPrefix");
    model->xml_namespace = copied(model, source, "xmlNamespace");
    model->validation_error = copied(model, source, "validationError");
    take_scopes(model, model, source);
    take_aliases(model, model, json_get_object(source, "aliases"));
    json *shapes = json_get_object(source, "shapes"), *operations = json_get_object(source, "operations");
    if (shapes == NULL || operations == NULL)
        return model_broken(ctx, model, "the file", "has no shapes or operations");
    TRY(shapes_compile(ctx, model, shapes, patterns));
    return compile_operations(ctx, model, operations);
}

const struct model_operation *model_operation_find(const struct model *model, slice name)
{
    size_t low = 0, high = model->operation_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(name, slice_of(model->operations[middle].name));
        if (order == 0)
            return &model->operations[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
