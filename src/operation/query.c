/* query.c - the query protocol's requests (auth 3.2): a form of "Tags.member.1.Key=team" into the input's structure. */
#include "operation/door.h"

enum { DEPTH_MAX = 16, PREFIX_MAX = 1024, NUMBER_DIGITS = 4 };

/* Sorted by name, so that everything below a prefix stands together. */
struct form {
    struct call *call;
    struct parameters parameters;
    char prefix[PREFIX_MAX];
    size_t prefix_length;
    int depth;
    const struct shape_member *member; /* of the input, in hand */
};

static bool is_form(const struct http_request *request)
{
    slice type = http_header_find(request, "content-type"), kind;
    return slice_split(&type, ';', &kind) && slice_is_nocase(slice_trim(kind), "application/x-www-form-urlencoded");
}

void query_parameters(void *ctx, const struct http_request *request, struct parameters *out)
{
    bool form = slice_is(request->method, "POST") && is_form(request);
    bool readable = form ? parameters_parse(ctx, request->body, PLUS_IS_BLANK, out)
                         : parameters_parse(ctx, request->query, PLUS_STAYS, out);
    if (!readable)
        *out = (struct parameters){ NULL, 0 };
}

static int by_parameter_name(const void *a, const void *b)
{
    return slice_compare(((const struct parameter *)a)->name, ((const struct parameter *)b)->name);
}

/* The first parameter whose name is not before the prefix. */
static size_t lower_bound(const struct form *form)
{
    slice wanted = { form->prefix, form->prefix_length };
    size_t low = 0, high = form->parameters.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare(form->parameters.at[middle].name, wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes the prefix longer; 0 when it would be longer than any name we know. */
static size_t extend(struct form *form, const char *text)
{
    size_t length = strlen(text), before = form->prefix_length;
    if (before + length > PREFIX_MAX)
        return 0;
    memcpy(form->prefix + before, text, length);
    form->prefix_length += length;
    return length;
}

static bool stands_below(struct form *form)
{
    size_t before = form->prefix_length;
    if (extend(form, ".") == 0)
        return false;
    size_t at = lower_bound(form);
    slice prefix = { form->prefix, form->prefix_length };
    bool found = at < form->parameters.count && form->parameters.at[at].name.length > prefix.length &&
                 memcmp(form->parameters.at[at].name.at, prefix.at, prefix.length) == 0;
    form->prefix_length = before;
    return found;
}

static slice stands_here(struct form *form)
{
    size_t at = lower_bound(form);
    slice prefix = { form->prefix, form->prefix_length };
    bool found = at < form->parameters.count && slice_equal(form->parameters.at[at].name, prefix);
    return found ? form->parameters.at[at].value : (slice){ NULL, 0 };
}

static FALLIBLE take_value(struct form *form, const struct shape *shape, json **out);

/* The value at prefix + suffix; *out is NULL when there is none. */
static FALLIBLE take_below(struct form *form, const char *suffix, const struct shape *shape, json **out)
{
    size_t before = form->prefix_length;
    *out = NULL;
    if (extend(form, suffix) == 0)
        return NULL;
    error *e = take_value(form, shape, out);
    form->prefix_length = before;
    return e;
}

static FALLIBLE take_structure(struct form *form, const struct shape *shape, json *object)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        SCRATCH scratch = talloc_new(NULL);
        json *value;
        if (form->depth == 1)
            form->member = member;
        TRY(take_below(form, text_format(scratch, "%s%s", form->prefix_length ? "." : "", member->wire), member->shape,
                       &value));
        if (value != NULL)
            json_put(object, member->name, json_object_get(value));
    }
    return NULL;
}

/* ---- lists ---- */

static error *bad_list(struct form *form, const char *what)
{
    return error_new(form->call, form->call->model->model->validation_error, "The list at '%.*s' %s.",
                     (int)form->prefix_length, form->prefix, what);
}

/* "12" out of "Tags.member.12.Key"; false: no number as we write it. */
static bool is_number(slice text)
{
    if (text.length == 0 || text.length > NUMBER_DIGITS || text.at[0] == '0')
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* How many elements stand below the prefix and `mark`. They are numbered from 1 without a gap, so whoever counts to their
   number has seen them all, and no number makes the count longer than the request. */
static FALLIBLE count_elements(struct form *form, const char *mark, size_t *count)
{
    size_t before = form->prefix_length;
    slice last = { NULL, 0 }, number;
    *count = 0;
    if (extend(form, mark) == 0)
        return NULL;
    slice prefix = { form->prefix, form->prefix_length };
    bool good = true;
    for (size_t at = lower_bound(form); good && at < form->parameters.count; at++) {
        slice name = form->parameters.at[at].name;
        if (name.length < prefix.length || memcmp(name.at, prefix.at, prefix.length) != 0)
            break;
        slice rest = slice_from(name, prefix.length);
        slice_split(&rest, '.', &number);
        good = is_number(number);
        *count += last.at == NULL || !slice_equal(last, number);
        last = number;
    }
    form->prefix_length = before;
    return good ? NULL : bad_list(form, "has an element whose number is none");
}

static FALLIBLE take_list(struct form *form, const struct shape *shape, json *list)
{
    size_t count;
    TRY(count_elements(form, ".member.", &count));
    for (size_t i = 1; i <= count; i++) {
        char suffix[32];
        json *value;
        snprintf(suffix, sizeof(suffix), ".member.%zu", i);
        TRY(take_below(form, suffix, shape->element, &value));
        if (value == NULL)
            return bad_list(form, "is not numbered from 1 without a gap");
        json_add(list, json_object_get(value));
    }
    return NULL;
}

static FALLIBLE take_map(struct form *form, const struct shape *shape, json *object)
{
    size_t count;
    TRY(count_elements(form, ".entry.", &count));
    for (size_t i = 1; i <= count; i++) {
        char suffix[40];
        json *key, *value;
        snprintf(suffix, sizeof(suffix), ".entry.%zu.key", i);
        TRY(take_below(form, suffix, shape->key, &key));
        snprintf(suffix, sizeof(suffix), ".entry.%zu.value", i);
        TRY(take_below(form, suffix, shape->element, &value));
        if (!json_is_text(key) || value == NULL)
            return bad_list(form, "has an entry without a key or a value, or a gap");
        json_put(object, json_text(key).at, json_object_get(value));
    }
    return NULL;
}

static FALLIBLE take_value(struct form *form, const struct shape *shape, json **out)
{
    slice here = stands_here(form);
    bool nested = shape->type == SHAPE_STRUCTURE || shape->type == SHAPE_LIST || shape->type == SHAPE_MAP;
    error *e = NULL;
    if (!nested) {
        if (here.at == NULL)
            return NULL;
        TRY(value_of_text(form->call, form->call->model->model, form->member, shape, here, out));
        json_own(form->call, *out);
        return NULL;
    }
    /* "Tags=" is an empty list. */
    if ((here.at == NULL && !stands_below(form)) || form->depth == DEPTH_MAX)
        return NULL;
    *out = shape->type == SHAPE_LIST ? json_new_array(form->call) : json_new_object(form->call);
    form->depth++;
    if (shape->type == SHAPE_STRUCTURE)
        e = take_structure(form, shape, *out);
    else
        e = shape->type == SHAPE_LIST ? take_list(form, shape, *out) : take_map(form, shape, *out);
    form->depth--;
    return e;
}

/* A name that comes twice could be one value to whoever judges and another to whoever acts. */
static FALLIBLE check_once(struct form *form)
{
    for (size_t i = 1; i < form->parameters.count; i++) {
        slice name = form->parameters.at[i].name;
        if (slice_equal(name, form->parameters.at[i - 1].name))
            return error_new(form->call, form->call->model->model->validation_error,
                             "The parameter '%.*s' is given twice.", PRINT(presentable(name, NAME_SHOWN)));
    }
    return NULL;
}

FALLIBLE query_bind(struct call *call, const struct http_request *request)
{
    struct form form = { .call = call, .depth = 1 };
    query_parameters(call, request, &form.parameters);
    if (form.parameters.count > 1)
        qsort(form.parameters.at, form.parameters.count, sizeof(form.parameters.at[0]), by_parameter_name);
    TRY(check_once(&form));
    return take_structure(&form, call->model->input, call->input);
}
