/* parameters.c - values by name, from those who may give them. */
#include "template/expression.h"

enum { NAME_LIMIT = 2048, VALUE_LIMIT = 4096 }; /* characters (provisioning 2.3) */

struct template_parameters *template_parameters_new(void *ctx)
{
    return MAKE(ctx, struct template_parameters);
}

/* Where the name stands, or would have to stand. */
static size_t position(const struct template_parameters *parameters, slice name)
{
    size_t low = 0, high = parameters->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare(parameters->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct template_parameters *parameters, size_t at, slice name)
{
    return at < parameters->count && slice_equal(parameters->items[at].name, name);
}

const slice *template_parameters_find(const struct template_parameters *parameters, slice name)
{
    size_t at = position(parameters, name);
    return stands_at(parameters, at, name) ? &parameters->items[at].value : NULL;
}

static slice owned(void *ctx, slice text)
{
    return (slice){ slice_text(ctx, text), text.length };
}

void template_parameters_set(struct template_parameters *parameters, slice name, slice value)
{
    size_t at = position(parameters, name);
    if (!stands_at(parameters, at, name)) {
        (void)ARRAY_ADD(parameters, parameters->items, parameters->count);
        struct template_parameter *gap = &parameters->items[at];
        memmove(gap + 1, gap, (parameters->count - 1 - at) * sizeof(*gap));
        gap->name = owned(parameters, name);
    }
    parameters->items[at].value = owned(parameters, value);
}

static FALLIBLE value_of(void *ctx, slice name, json *given, slice *value)
{
    if (json_is_text(given))
        *value = json_text(given);
    else if (json_is_integer(given) || json_is_bool(given))
        *value = json_print(ctx, given); /* clients configured in YAML send them (provisioning 4.9) */
    else
        return error_new(ctx, "InvalidParameters", "The parameter %.*s must be a text, an integer or a boolean.",
                         PRINT(shown(name)));
    if (text_utf8_length(*value) > VALUE_LIMIT)
        return error_new(ctx, "InvalidParameters", "The parameter %.*s is longer than %d characters.",
                         PRINT(shown(name)), VALUE_LIMIT);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return slice_compare(((const struct template_parameter *)a)->name, ((const struct template_parameter *)b)->name);
}

/* Sorts once: a payload of 128 KB can hold so many names that inserting each in its place would take seconds. */
FALLIBLE template_parameters_from_json(void *ctx, const json *map, struct template_parameters **out)
{
    struct template_parameters *parameters = template_parameters_new(ctx);
    *out = parameters;
    if (map == NULL)
        return NULL;
    if (!json_is_object(map))
        return error_new(ctx, "InvalidParameters", "The parameters must be a map of names and texts.");

    parameters->items = MAKE_ARRAY(parameters, struct template_parameter, (size_t)json_object_object_length(map));
    json_object_object_foreach (map, key, given) {
        slice name = slice_of(key), value;
        if (text_utf8_length(name) > NAME_LIMIT)
            return error_new(ctx, "InvalidParameters",
                             "The name of the parameter %.*s... is longer than %d characters.", PRINT(shown(name)),
                             NAME_LIMIT);
        TRY(value_of(ctx, name, given, &value));
        parameters->items[parameters->count++] =
            (struct template_parameter){ owned(parameters, name), owned(parameters, value) };
    }
    qsort(parameters->items, parameters->count, sizeof(parameters->items[0]), by_name);
    return NULL;
}

static const slice *find(const struct template_parameters *parameters, slice name)
{
    return parameters ? template_parameters_find(parameters, name) : NULL;
}

const char *taint_of(void *ctx, size_t length)
{
    char *taint = MAKE_ARRAY(ctx, char, length);
    memset(taint, 1, length);
    return taint;
}

/* Hook override, given value, Default (provisioning 4.1); before them what the server itself knows. */
bool template_parameter_find(struct evaluation *ev, slice name, struct value *out)
{
    const struct template_values *values = ev->values;
    bool fleet = ev->template->kind == TEMPLATE_FLEET;
    bool dropped = fleet && parameter_is_reserved(name);
    const struct declaration *declared = declaration_find(ev->template, name);
    const slice *found = find(values->builtins, name);
    bool from_device = false;

    if (found == NULL && !dropped)
        found = find(values->overrides, name);
    if (found == NULL && !dropped) {
        found = find(values->given, name);
        from_device = found != NULL && fleet;
    }
    if (found == NULL && declared != NULL && declared->otherwise.at != NULL)
        found = &declared->otherwise;
    if (found == NULL)
        return false;
    *out = (struct value){ .text = *found, .taint = from_device ? taint_of(ev->scratch, found->length) : NULL };
    return true;
}
