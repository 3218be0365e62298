/* The embedded models as a whole: they compile, every operation is reached and authorized, and nothing is ignored. */
#include "fixture.h"

static size_t path_of(void *ctx, const struct model_operation *operation, char **path)
{
    size_t labels = 0;
    *path = text_copy(ctx, "");
    for (size_t i = 0; i < operation->segment_count; i++) {
        const struct segment *segment = &operation->segments[i];
        const char *label = segment->greedy ? "x1/y" : text_format(ctx, "x%zu", labels + 1);
        *path = text_format(ctx, "%s/%s", *path, segment->label ? label : segment->text);
        labels += segment->label;
    }
    return labels;
}

static void assert_routed(void *ctx, const struct model_operation *operation, const char *path)
{
    struct http_request request;
    struct route route;
    request_of(ctx, text_format(ctx, "%s %s", operation->method, path), "", NULL, &request);
    door_route(shared_door(), ctx, &request, slice_of(operation->model->scopes[0]), &route);
    if (route.operation != operation)
        fail_msg("%s %s leads to %s, not to %s", operation->method, path,
                 route.operation ? route.operation->label : "nothing", operation->label);
}

static void every_rest_operation_routes_to_itself(void *ctx, const struct model *model)
{
    for (size_t i = 0; model->protocol == MODEL_REST_JSON && i < model->operation_count; i++) {
        char *path;
        path_of(ctx, &model->operations[i], &path);
        assert_routed(ctx, &model->operations[i], path);
        assert_routed(ctx, &model->operations[i], text_format(ctx, "%s/", path));
    }
}

static void every_target_routes_to_its_operation(void *ctx, const struct model *model)
{
    for (size_t i = 0; model->target_prefix && i < model->operation_count; i++) {
        struct http_request request;
        struct route route;
        const char *header = text_format(ctx, "X-Amz-Target: %s.%s", model->target_prefix, model->operations[i].name);
        request_of(ctx, "POST /", header, "{}", &request);
        door_route(shared_door(), ctx, &request, slice_of(model->scopes[0]), &route);
        assert_ptr_equal(route.operation, &model->operations[i]);
        assert_int_equal(route.protocol, PROTOCOL_JSON);
    }
}

static void every_action_routes_to_its_operation(void *ctx, const struct model *model)
{
    for (size_t i = 0; model->protocol == MODEL_QUERY && i < model->operation_count; i++) {
        struct http_request request;
        struct route route;
        const char *body = text_format(ctx, "Action=%s&Version=%s", model->operations[i].name, model->version);
        request_of(ctx, "POST /", "Content-Type: application/x-www-form-urlencoded; charset=utf-8", body, &request);
        door_route(shared_door(), ctx, &request, slice_of(model->scopes[0]), &route);
        assert_ptr_equal(route.operation, &model->operations[i]);
    }
}

static void validation_errors_are_known(void *ctx, const struct model *model)
{
    (void)ctx;
    struct public_error shown = error_public(model, PROTOCOL_REST_JSON, model->validation_error);
    assert_string_equal(shown.name, model->validation_error);
    assert_int_equal(shown.status, 400);
}

static void mqtt_errors_are_in_the_table(void *ctx, const struct model *model)
{
    (void)ctx;
    for (size_t i = 0; i < model->alias_count; i++)
        assert_non_null(model_error_find(model, model->aliases[i].stands_for));
    if (model->protocol == MODEL_MQTT)
        assert_non_null(error_of_mqtt(model, "InternalError"));
}

static void rows_of_rights_are_complete(void *ctx, const struct model *model)
{
    static const char *const complete[] = { "iot", "sts", "iot-data", "cognito-identity", "mqtt", NULL };
    json *rights = NULL;
    for (const struct embedded_file *file = embedded_api; file->name; file++)
        if (strcmp(file->name, "authorization.json") == 0)
            rights = json_of(ctx, file->at);
    for (size_t i = 0; complete[i]; i++)
        for (size_t k = 0; strcmp(complete[i], model->file) == 0 && k < model->operation_count; k++)
            if (!json_get(json_get_object(json_get_object(rights, model->file), "operations"),
                          model->operations[k].name))
                fail_msg("%s has no row", model->operations[k].label);
}

static void unsigned_operations_ask_nothing(void *ctx, const struct model *model)
{
    (void)ctx;
    for (size_t i = 0; i < model->operation_count; i++)
        if (model->operations[i].unsigned_allowed)
            assert_int_equal(model->operations[i].authorization->resource_count, 0);
}

static const struct row {
    const char *name;
    void (*holds)(void *ctx, const struct model *model);
} rows[] = {
    { "every REST operation routes to itself, with a slash at the end too", every_rest_operation_routes_to_itself },
    { "every X-Amz-Target routes to its operation", every_target_routes_to_its_operation },
    { "every Action routes to its operation", every_action_routes_to_its_operation },
    { "the validation error of each model is known", validation_errors_are_known },
    { "the MQTT aliases stand for errors", mqtt_errors_are_in_the_table },
    { "authorization.json has a row for each operation", rows_of_rights_are_complete },
    { "unsigned operations ask for no rights", unsigned_operations_ask_nothing },
};

static void all_models(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    assert_true(shared_door()->model_count >= 13);
    for (size_t i = 0; i < shared_door()->model_count; i++)
        row->holds(ctx, shared_door()->models[i]);
    talloc_free(ctx);
}

/* ---- broken models ---- */

#define HEAD "{\"service\":\"x\",\"protocol\":\"rest-json\",\"validationError\":\"V\","
static const struct broken {
    const char *name, *source, *message;
} broken[] = {
    { "no JSON", "{", NULL },
    { "an unknown key", HEAD "\"operations\":{},\"shapes\":{\"A\":{\"type\":\"string\",\"flattened\":true}}}",
      "api/x.json: A has the unknown key \"flattened\"." },
    { "an unknown type", HEAD "\"operations\":{},\"shapes\":{\"A\":{\"type\":\"text\"}}}",
      "api/x.json: A is of an unknown type." },
    { "a member of no shape",
      HEAD "\"operations\":{},\"shapes\":{\"A\":{\"type\":\"structure\",\"members\":{\"b\":{\"shape\":\"B\"}}}}}",
      "api/x.json: b names no shape." },
    { "a pattern that does not compile",
      HEAD "\"operations\":{},\"shapes\":{\"A\":{\"type\":\"string\",\"pattern\":\"(\"}}}", NULL },
    { "an error that is none",
      HEAD "\"operations\":{\"O\":{\"method\":\"GET\",\"uri\":\"/"
           "\",\"errors\":[\"E\"]}},\"shapes\":{\"E\":{\"type\":\"structure\"}}}",
      "api/x.json: O lists an error that is none." },
    { "a label that is no member", HEAD "\"operations\":{\"O\":{\"method\":\"GET\",\"uri\":\"/{a}\"}},\"shapes\":{}}",
      "api/x.json: O has a label that is no member." },
    { "an unknown protocol", "{\"service\":\"x\",\"protocol\":\"rest-xml\",\"operations\":{},\"shapes\":{}}",
      "api/x.json: the file speaks an unknown protocol." },
    { "a topic in a model of HTTP", HEAD "\"operations\":{\"O\":{\"topic\":\"a\"}},\"shapes\":{}}",
      "api/x.json: O has no way to be reached, or one of another protocol." },
};

static void is_refused(void **state)
{
    const struct broken *row = *state;
    void *ctx = talloc_new(NULL);
    struct pattern_pool patterns = { .ctx = ctx };
    struct embedded_file file = { "x.json", row->source, strlen(row->source) };
    struct model *model;
    assert_error(model_compile(ctx, &file, &patterns, &model), "InvalidModel", row->message);
    talloc_free(ctx);
}

/* ---- two paths that fit ---- */

#define MEMBERS "{\"b\":{\"shape\":\"S\",\"in\":\"path\",\"as\":\"b\"}}"
#define PATHS(first, second)                                                                                           \
    HEAD "\"operations\":{\"A\":{\"method\":\"GET\",\"uri\":\"" first "\",\"input\":\"I\"},\"B\":{\"method\":\"GET\"," \
         "\"uri\":\"" second "\",\"input\":\"I\"}},\"shapes\":{\"S\":{\"type\":\"string\"},\"I\":{\"type\":"           \
         "\"structure\",\"members\":" MEMBERS "}}}"
static const struct pair {
    const char *name, *source, *first;
} pairs[] = {
    { "a literal before a label", PATHS("/x/{b}", "/x/y"), "B" },
    { "a label before a greedy one", PATHS("/x/{b+}", "/x/{b}"), "B" },
    { "the first difference decides", PATHS("/{b}/y", "/x/{b}"), "B" },
    { "alike: by name", PATHS("/x/{b}/1", "/x/{b}/2"), "A" },
};

static void is_first(void **state)
{
    const struct pair *row = *state;
    void *ctx = talloc_new(NULL);
    struct pattern_pool patterns = { .ctx = ctx };
    struct embedded_file file = { "x.json", row->source, strlen(row->source) };
    struct model *model;
    assert_error(model_compile(ctx, &file, &patterns, &model), NULL, NULL);
    assert_string_equal(model->routes[0]->name, row->first);
    talloc_free(ctx);
}

/* ---- rows ---- */

static const struct added {
    const char *name, *service, *operation;
    bool taken;
} added[] = {
    { "a row of the model", "iot", "CreateThing", true },
    { "a row of no operation", "iot", "CreateThings", false },
    { "a row of no service", "iott", "CreateThing", false },
};

static void adds(void **state)
{
    const struct added *row = *state;
    void *ctx = talloc_new(NULL);
    struct door *door = door_of_tests(ctx, NULL, NULL);
    struct operation operation = { row->service, row->operation, { { 0, NULL } } };
    const struct operation *const rows_of_test[] = { &operation, NULL };
    assert_error(door_add(door, rows_of_test), row->taken ? NULL : "InvalidModel", NULL);
    if (row->taken)
        assert_error(door_add(door, rows_of_test), "InvalidModel", "There are two rows for iot.CreateThing.");
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, all_models), TABLE(broken, is_refused), TABLE(pairs, is_first), TABLE(added, adds));
}
