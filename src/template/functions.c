/* functions.c - Ref and Fn::...: how each is written, what its literals tell at creation, what it gives
   (provisioning 4.2). */
#include "template/expression.h"

/* Fills a text from pieces and remembers which bytes a device chose. */
struct builder {
    writer text;
    writer taint;
    bool tainted;
};

static struct builder builder_new(struct evaluation *ev)
{
    return (struct builder){ writer_new(ev->scratch, RESULT_LIMIT), writer_new(ev->scratch, RESULT_LIMIT), false };
}

static void builder_add(struct builder *b, const struct value *piece)
{
    writer_slice(&b->text, piece->text);
    if (piece->taint != NULL)
        writer_bytes(&b->taint, piece->taint, piece->text.length);
    for (size_t i = 0; piece->taint == NULL && i < piece->text.length; i++)
        writer_u8(&b->taint, 0);
    b->tainted = b->tainted || piece->taint != NULL;
}

static FALLIBLE builder_finish(struct evaluation *ev, struct builder *b, struct value *out)
{
    if (b->text.overflowed)
        return evaluation_failed(ev, "the text is longer than %d bytes", RESULT_LIMIT);
    slice text = b->text.length > 0 ? writer_slice_of(&b->text) : SLICE("");
    *out = (struct value){ .text = text, .taint = b->tainted ? b->taint.at : NULL };
    return evaluation_spend(ev, out->text.length);
}

/* A name that can have a value in this template: not that of a resource, and in JITP one of the built-in ones. */
static FALLIBLE check_name(struct compilation *c, slice name)
{
    char *key = slice_text(c->ctx, name);
    bool is_resource = json_object_object_get_ex(c->resources, key, NULL);

    if (is_resource && declaration_find(c->template, name) == NULL)
        return compilation_refused(c, "a reference to the resource %.*s is not supported", PRINT(shown(name)));
    if (!parameter_is_known(c->template->kind, name))
        return compilation_refused(c, "the parameter %.*s does not exist in just-in-time provisioning",
                                   PRINT(shown(name)));
    return NULL;
}

static FALLIBLE compile_ref(struct compilation *c, json *argument, struct expression *out)
{
    slice name = json_text(argument);
    if (name.length == 0)
        return compilation_refused(c, "Ref %s", out->function->usage);
    out->text = (slice){ slice_text(c->template, name), name.length };
    return check_name(c, name);
}

static FALLIBLE evaluate_ref(struct evaluation *ev, const struct expression *call, struct value *out)
{
    if (!template_parameter_find(ev, call->text, out))
        return evaluation_failed(ev, "the parameter %.*s has no value", PRINT(shown(call->text)));
    return evaluation_spend(ev, out->text.length);
}

static FALLIBLE evaluate_join(struct evaluation *ev, const struct expression *call, struct value *out)
{
    struct value delimiter, list;
    struct builder b = builder_new(ev);
    TRY(expression_text(ev, &call->items[0], &delimiter));
    TRY(expression_list(ev, &call->items[1], &list));
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            builder_add(&b, &delimiter);
        builder_add(&b, &list.items[i]);
    }
    return builder_finish(ev, &b, out);
}

/* "7" and 7; nothing that a list could not have. */
static bool read_index(slice text, size_t *index)
{
    *index = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *index = *index * 10 + (size_t)(text.at[i] - '0');
    }
    return text.length > 0 && text.length <= 9;
}

static FALLIBLE check_select(struct compilation *c, const struct expression *call)
{
    const struct expression *position = &call->items[0], *list = &call->items[1];
    size_t index;
    if (position->form == FORM_CALL)
        return NULL;
    if (!read_index(position->text, &index))
        return compilation_refused(c, "Fn::Select %s", call->function->usage);
    if (list->form == FORM_LIST && index >= list->count)
        return compilation_refused(c, "Fn::Select: the list has no element %zu", index);
    return NULL;
}

static FALLIBLE evaluate_select(struct evaluation *ev, const struct expression *call, struct value *out)
{
    struct value position, list;
    size_t index;
    TRY(expression_text(ev, &call->items[0], &position));
    TRY(expression_list(ev, &call->items[1], &list));
    if (!read_index(position.text, &index))
        return evaluation_failed(ev, "Fn::Select: \"%.*s\" is not an index", PRINT(shown(position.text)));
    if (index >= list.count)
        return evaluation_failed(ev, "Fn::Select: the list has no element %zu", index);
    *out = list.items[index];
    return NULL;
}

static FALLIBLE check_split(struct compilation *c, const struct expression *call)
{
    const struct expression *delimiter = &call->items[0];
    if (delimiter->form == FORM_TEXT && delimiter->text.length == 0)
        return compilation_refused(c, "Fn::Split: the delimiter is empty");
    return NULL;
}

static struct value part_of(const struct value *text, size_t from, size_t to)
{
    return (struct value){ .text = { text->text.at + from, to - from },
                           .taint = text->taint ? text->taint + from : NULL };
}

/* Where a device chooses the delimiter, it chooses what is left over of the text. */
static FALLIBLE taint_all(struct evaluation *ev, struct value *value)
{
    TRY(evaluation_spend(ev, value->text.length));
    value->taint = taint_of(ev->scratch, value->text.length);
    return NULL;
}

static FALLIBLE evaluate_split(struct evaluation *ev, const struct expression *call, struct value *out)
{
    struct value delimiter, text;
    TRY(expression_text(ev, &call->items[0], &delimiter));
    TRY(expression_text(ev, &call->items[1], &text));
    if (delimiter.text.length == 0)
        return evaluation_failed(ev, "Fn::Split: the delimiter is empty");
    if (delimiter.taint != NULL)
        TRY(taint_all(ev, &text));

    *out = (struct value){ .is_list = true };
    const char *mark;
    size_t from = 0;
    do {
        TRY(evaluation_spend(ev, sizeof(struct value)));
        mark = memmem(text.text.at + from, text.text.length - from, delimiter.text.at, delimiter.text.length);
        size_t to = mark ? (size_t)(mark - text.text.at) : text.text.length;
        *ARRAY_ADD(ev->scratch, out->items, out->count) = part_of(&text, from, to);
        from = to + delimiter.text.length;
    } while (mark != NULL);
    return NULL;
}

/* The keys that are literal, up to the first one that is not: what they do not lead to, no device will find. */
static FALLIBLE check_find_in_map(struct compilation *c, const struct expression *call)
{
    slice keys[3] = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
    for (size_t i = 0; i < 3 && call->items[i].form == FORM_TEXT; i++)
        keys[i] = call->items[i].text;
    if (mapping_find(c->template, keys[0], keys[1], keys[2]) == NULL)
        return compilation_refused(c, "Fn::FindInMap: Mappings has no value under these keys");
    return NULL;
}

static FALLIBLE evaluate_find_in_map(struct evaluation *ev, const struct expression *call, struct value *out)
{
    struct value keys[3];
    for (size_t i = 0; i < 3; i++)
        TRY(expression_text(ev, &call->items[i], &keys[i]));

    const struct mapping *row = mapping_find(ev->template, keys[0].text, keys[1].text, keys[2].text);
    if (row == NULL)
        return evaluation_failed(ev, "Fn::FindInMap: Mappings has no %.*s, %.*s, %.*s", PRINT(shown(keys[0].text)),
                                 PRINT(shown(keys[1].text)), PRINT(shown(keys[2].text)));
    if (row->value.form == FORM_LIST)
        return expression_list(ev, &row->value, out);
    return expression_text(ev, &row->value, out);
}

/* A piece of the text of Fn::Sub. */
struct part {
    enum { PART_TEXT, PART_NAME, PART_ESCAPED, PART_OPEN } kind;
    slice whole;
    slice name; /* PART_NAME: what is to be replaced; PART_ESCAPED: what follows the '!', with its '}' */
};

static bool next_part(slice *rest, struct part *part)
{
    if (rest->length == 0)
        return false;
    const char *dollar = memmem(rest->at, rest->length, "${", 2);
    const char *close = dollar == rest->at ? memchr(rest->at, '}', rest->length) : NULL;
    size_t length = dollar == NULL ? rest->length : (size_t)(dollar - rest->at);

    *part = (struct part){ .kind = PART_TEXT, .whole = { rest->at, length } };
    if (dollar == rest->at && close == NULL)
        *part = (struct part){ .kind = PART_OPEN, .whole = *rest };
    else if (close != NULL) {
        slice whole = { rest->at, (size_t)(close - rest->at) + 1 };
        bool escaped = whole.at[2] == '!';
        slice name = escaped ? slice_from(whole, 3) : (slice){ whole.at + 2, whole.length - 3 };
        *part = (struct part){ escaped ? PART_ESCAPED : PART_NAME, whole, name };
    }
    *rest = slice_from(*rest, part->whole.length);
    return true;
}

static const struct expression *find_variable(const struct expression *call, slice name)
{
    for (size_t i = 0; i < call->count; i++)
        if (slice_equal(call->items[i].key, name))
            return &call->items[i];
    return NULL;
}

static bool may_be_policy_variable(slice name)
{
    return memchr(name.at, ':', name.length) != NULL;
}

static FALLIBLE check_sub(struct compilation *c, const struct expression *call)
{
    slice rest = call->text;
    for (struct part part; next_part(&rest, &part);) {
        if (part.kind == PART_OPEN)
            return compilation_refused(c, "Fn::Sub: a ${ is not closed");
        if (part.kind != PART_NAME || find_variable(call, part.name))
            continue;
        if (part.name.length == 0)
            return compilation_refused(c, "Fn::Sub: ${} names no parameter");
        if (!may_be_policy_variable(part.name))
            TRY(check_name(c, part.name));
    }
    return NULL;
}

static FALLIBLE compile_variables(struct compilation *c, json *map, struct expression *out)
{
    out->items = MAKE_ARRAY(c->template, struct expression, (size_t)json_object_object_length(map));
    json_object_object_foreach (map, key, value) {
        struct expression *variable = &out->items[out->count++];
        variable->key = slice_of(text_copy(c->template, key));
        TRY(expression_compile(c, value, TAKES_TEXT, variable));
    }
    return NULL;
}

static FALLIBLE compile_sub(struct compilation *c, json *argument, struct expression *out)
{
    bool has_map = json_is_array(argument) && json_object_array_length(argument) == 2;
    json *text = has_map ? json_object_array_get_idx(argument, 0) : argument;
    json *map = has_map ? json_object_array_get_idx(argument, 1) : NULL;

    if (!json_is_text(text) || (has_map && !json_is_object(map)))
        return compilation_refused(c, "Fn::Sub %s", out->function->usage);
    out->text = (slice){ slice_text(c->template, json_text(text)), json_text(text).length };
    if (has_map)
        TRY(compile_variables(c, map, out));
    return check_sub(c, out);
}

/* From the map, then from the parameters. A policy variable stays as it is: also when a device sends a parameter of
   its name, since ${iot:ClientId} would then be whom the device says it is. */
static FALLIBLE substitute(struct evaluation *ev, const struct expression *call, const struct part *part,
                           struct value *out)
{
    const struct expression *variable = find_variable(call, part->name);
    if (variable != NULL)
        return expression_text(ev, variable, out);

    /* Names cost something even when their values are empty: variables may nest, and so multiply. */
    TRY(evaluation_spend(ev, sizeof(*out)));
    bool found = template_parameter_find(ev, part->name, out);
    bool foreign = found && out->taint != NULL && declaration_find(ev->template, part->name) == NULL;
    if (may_be_policy_variable(part->name) && (!found || foreign)) {
        *out = (struct value){ .text = part->whole };
        return NULL;
    }
    if (!found)
        return evaluation_failed(ev, "the parameter %.*s has no value", PRINT(shown(part->name)));
    return evaluation_spend(ev, out->text.length);
}

static FALLIBLE evaluate_sub(struct evaluation *ev, const struct expression *call, struct value *out)
{
    struct builder b = builder_new(ev);
    slice rest = call->text;
    for (struct part part; next_part(&rest, &part) && !b.text.overflowed;) {
        struct value piece = { .text = part.whole };
        if (part.kind == PART_NAME)
            TRY(substitute(ev, call, &part, &piece));
        if (part.kind == PART_ESCAPED) {
            builder_add(&b, &(struct value){ .text = SLICE("${") });
            piece.text = part.name;
        }
        builder_add(&b, &piece);
    }
    return builder_finish(ev, &b, out);
}

static const struct function functions[] = {
    { "Ref", TAKES_TEXT, "takes the name of a parameter", { 0 }, 0, compile_ref, NULL, evaluate_ref },
    { "Fn::Join",
      TAKES_TEXT,
      "takes [delimiter, [text, ...]]",
      { TAKES_TEXT, TAKES_LIST },
      2,
      NULL,
      NULL,
      evaluate_join },
    { "Fn::Select",
      TAKES_TEXT,
      "takes [index from 0, [text, ...]]",
      { TAKES_TEXT | TAKES_NUMBER, TAKES_LIST },
      2,
      NULL,
      check_select,
      evaluate_select },
    { "Fn::Split",
      TAKES_LIST,
      "takes [delimiter, text]",
      { TAKES_TEXT, TAKES_TEXT },
      2,
      NULL,
      check_split,
      evaluate_split },
    { "Fn::FindInMap",
      TAKES_TEXT | TAKES_LIST,
      "takes [map, first key, second key]",
      { TAKES_TEXT, TAKES_TEXT, TAKES_TEXT },
      3,
      NULL,
      check_find_in_map,
      evaluate_find_in_map },
    { "Fn::Sub", TAKES_TEXT, "takes a text or [text, {variable: value}]", { 0 }, 0, compile_sub, NULL, evaluate_sub },
};

static const struct function *find_function(const char *name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (slice_is(slice_of(name), functions[i].name))
            return &functions[i];
    return NULL;
}

static const char *only_key(const json *object)
{
    json_object_object_foreach (object, key, value) {
        (void)value;
        return key;
    }
    return NULL;
}

bool function_is(const json *object)
{
    if (json_object_object_length(object) != 1)
        return false;
    slice key = slice_of(only_key(object));
    return slice_is(key, "Ref") || slice_starts(key, "Fn::");
}

static FALLIBLE compile_arguments(struct compilation *c, json *arguments, struct expression *out)
{
    const struct function *function = out->function;
    if (!json_is_array(arguments) || json_object_array_length(arguments) != function->arity)
        return compilation_refused(c, "%s %s", function->name, function->usage);
    out->items = MAKE_ARRAY(c->template, struct expression, function->arity);
    for (; out->count < function->arity; out->count++)
        TRY(expression_compile(c, json_object_array_get_idx(arguments, out->count), function->takes[out->count],
                               &out->items[out->count]));
    return function->check ? function->check(c, out) : NULL;
}

FALLIBLE function_compile(struct compilation *c, const json *object, unsigned takes, struct expression *out)
{
    const char *name = only_key(object);
    json *argument = json_get(object, name);

    out->form = FORM_CALL;
    out->function = find_function(name);
    if (out->function == NULL)
        return compilation_refused(c, "%.*s is not a function", PRINT(shown(slice_of(name))));
    if (takes & TAKES_MAP)
        return compilation_refused(c, "a function cannot stand for the whole map");
    if (!(out->function->gives & takes))
        return compilation_refused(c, "%s stands where %s is needed", name, takes & TAKES_LIST ? "a list" : "one text");
    if (out->function->compile != NULL)
        return out->function->compile(c, argument, out);
    return compile_arguments(c, argument, out);
}
