/* door.c - the door opens: models compiled, rows bound, pieces put; and what it counted. */
#include "operation/door.h"

static int by_file(const void *a, const void *b)
{
    return strcmp((*(struct model *const *)a)->file, (*(struct model *const *)b)->file);
}

static FALLIBLE compile_models(struct door *door)
{
    const struct embedded_file *rights = NULL;
    door->patterns.ctx = door;
    door->models = MAKE_ARRAY(door, struct model *, embedded_api_count + 1);
    for (const struct embedded_file *file = embedded_api; file->name != NULL; file++) {
        if (strcmp(file->name, "authorization.json") == 0) {
            rights = file;
            continue;
        }
        TRY(model_compile(door, file, &door->patterns, &door->models[door->model_count]));
        door->model_count++;
    }
    qsort(door->models, door->model_count, sizeof(struct model *), by_file);
    if (rights == NULL)
        return error_new(door, "InvalidModel", "There is no api/authorization.json.");
    return authorization_compile(door, rights, door);
}

FALLIBLE door_new(void *ctx, const struct door_options *options, struct door **out)
{
    struct door *door = MAKE(ctx, struct door);
    door->options = *options;
    door->scope = (struct scope){ .above = options->scope };
    TRY(compile_models(door));
    *out = door;
    return NULL;
}

struct model *door_model(const struct door *door, const char *file)
{
    for (size_t i = 0; i < door->model_count; i++)
        if (strcmp(door->models[i]->file, file) == 0)
            return door->models[i];
    return NULL;
}

FALLIBLE door_add(struct door *door, const struct operation *const *operations)
{
    for (; *operations != NULL; operations++) {
        const struct operation *row = *operations;
        const struct model *model = door_model(door, row->service);
        const struct model_operation *operation = model ? model_operation_find(model, slice_of(row->name)) : NULL;
        if (operation == NULL)
            return error_new(door, "InvalidModel", "The row %s.%s names no operation of a model.", row->service,
                             row->name);
        if (operation->live->row != NULL)
            return error_new(door, "InvalidModel", "There are two rows for %s.", operation->label);
        operation->live->row = row;
    }
    return NULL;
}

void door_on_effect(struct door *door,
                    void (*sink)(void *arg, const char *account, const char *region, enum effect_kind kind,
                                 const char *key, slice payload),
                    void *arg)
{
    door->effect = sink;
    door->effect_arg = arg;
}

void door_on_audit(struct door *door, void (*sink)(void *arg, slice line), void *arg)
{
    door->audit = sink;
    door->audit_arg = arg;
}

void door_on_resource(struct door *door, const char *service,
                      FALLIBLE (*look)(struct tx *tx, void *ctx, const struct call *call, struct resource *resource))
{
    *ARRAY_ADD(door, door->looks, door->look_count) = (struct resource_look){ text_copy(door, service), look };
}

void *door_get(struct door *door, const char *name)
{
    for (size_t i = 0; i < door->piece_count; i++)
        if (strcmp(door->pieces[i].name, name) == 0)
            return door->pieces[i].piece;
    return NULL;
}

void door_put(struct door *door, const char *name, void *piece)
{
    *ARRAY_ADD(door, door->pieces, door->piece_count) = (struct piece){ text_copy(door, name), piece };
}

struct store *door_store(struct door *door)
{
    return door->options.store;
}

uint64_t door_defects(struct door *door)
{
    return atomic_load(&door->defects);
}

size_t door_count(struct door *door, struct door_numbers *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < door->model_count; i++)
        for (size_t k = 0; k < door->models[i]->operation_count; k++) {
            const struct model_operation *operation = &door->models[i]->operations[k];
            struct live_operation *live = operation->live;
            uint64_t calls = atomic_load(&live->count);
            if (calls == 0 || count == room)
                continue;
            out[count++] = (struct door_numbers){ .operation = operation->label,
                                                  .count = calls,
                                                  .client_errors = atomic_load(&live->client_errors),
                                                  .server_errors = atomic_load(&live->server_errors),
                                                  .total_us = atomic_load(&live->total_us) };
        }
    return count;
}
