/* fixture.h - a door for tests: without a store and workers unless a test brings them. */
#pragma once
#include "operation/door.h"
#include "table.h"

static inline struct door *door_of_tests(void *ctx, struct store *store, struct workers *workers)
{
    static const char *const regions[] = { "us-east-1" };
    static uint8_t key[MASTER_KEY_BYTES] = { 1, 2, 3 };
    struct door_options options = { .store = store,
                                    .workers = workers,
                                    .master_key = master_key_new(ctx, key),
                                    .regions = regions,
                                    .region_count = 1,
                                    .enforce_iam = true };
    struct door *door = NULL;
    error *e = door_new(ctx, &options, &door);
    if (e != NULL)
        fail_msg("%s: %s", e->name, e->message);
    return door;
}

/* Rows without steps for every operation of every model, so that each can be bound. */
static inline void give_rows(void *ctx, struct door *door)
{
    for (size_t i = 0; i < door->model_count; i++)
        for (size_t k = 0; k < door->models[i]->operation_count; k++) {
            struct operation *row = MAKE(ctx, struct operation);
            *row = (struct operation){ .service = door->models[i]->file, .name = door->models[i]->operations[k].name };
            const struct operation *const rows[] = { row, NULL };
            error *e = door_add(door, rows);
            if (e != NULL)
                fail_msg("%s: %s", e->name, e->message);
        }
}

/* One door for a whole table: it never changes. */
static inline struct door *shared_door(void)
{
    static struct door *door;
    if (door == NULL) {
        log_configure(LOG_ERROR, false);
        door = door_of_tests(NULL, NULL, NULL);
        give_rows(door, door);
    }
    return door;
}

static inline const struct model_operation *operation_named(const char *service, const char *name)
{
    const struct model *model = door_model(shared_door(), service);
    const struct model_operation *operation = model ? model_operation_find(model, slice_of(name)) : NULL;
    if (operation == NULL)
        fail_msg("there is no %s.%s", service, name);
    return operation;
}

static inline json *json_of(void *ctx, const char *text)
{
    json *value;
    error *e = json_parse(ctx, slice_of(text), 300, &value);
    if (e != NULL)
        fail_msg("%s: %s", text, e->message);
    return value;
}

static inline void assert_error(const error *e, const char *name, const char *message)
{
    if (name == NULL) {
        if (e != NULL)
            fail_msg("%s: %s", e->name, e->message);
        return;
    }
    assert_non_null(e);
    assert_string_equal(e->name, name);
    if (message != NULL)
        assert_string_equal(e->message, message);
}

static inline void assert_slice(slice s, const char *text)
{
    if (!slice_is(s, text))
        fail_msg("\"%.*s\" is not \"%s\"", PRINT(s), text);
}

/* "POST /things?x=1" with headers "name: value" one a line. */
static inline void request_of(void *ctx, const char *line, const char *headers, const char *body,
                              struct http_request *out)
{
    slice rest = slice_of(line), method, path, query, name;
    *out = (struct http_request){ .body = slice_of(body ? body : "") };
    slice_split(&rest, ' ', &method);
    out->method = method;
    out->target = rest;
    query = rest;
    slice_split(&query, '?', &path);
    out->path = path;
    out->query = query.at ? query : SLICE("");
    struct http_header *all = MAKE_ARRAY(ctx, struct http_header, 16);
    slice lines = slice_of(headers), one;
    while (slice_split(&lines, '\n', &one)) {
        slice_split(&one, ':', &name);
        all[out->header_count++] = (struct http_header){ name, slice_trim(one) };
    }
    out->headers = all;
}
