/* expression.c - values of a template: what is plain text and structure, and what device-given bytes may not do. The
   functions themselves are in functions.c. */
#include "template/expression.h"

error *compilation_refused(struct compilation *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *reason = talloc_vasprintf(c->ctx, format, arguments);
    va_end(arguments);
    return template_refused(c->ctx, "%.*s of %.*s: %s.", PRINT(shown(c->place.member)), PRINT(shown(c->place.owner)),
                            reason);
}

error *evaluation_failed(struct evaluation *ev, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *reason = talloc_vasprintf(ev->scratch, format, arguments);
    va_end(arguments);
    return error_new(ev->ctx, "InvalidParameters", "%.*s of %.*s: %s.", PRINT(shown(ev->place.member)),
                     PRINT(shown(ev->place.owner)), reason);
}

FALLIBLE evaluation_spend(struct evaluation *ev, size_t bytes)
{
    ev->spent += bytes;
    return ev->spent > WORK_LIMIT ? evaluation_failed(ev, "the template's values are too long together") : NULL;
}

/* A set of takes in words; the first row that has one of its bits describes it. */
static const struct {
    unsigned takes;
    const char *words;
} descriptions[] = {
    { TAKES_NULL, "any JSON value" },
    { TAKES_DOCUMENT, "a JSON object, a string or a function" },
    { TAKES_MAP, "a flat map of strings and functions" },
    { TAKES_BOOL, "a string, a number, a boolean or a function" },
    { TAKES_NUMBER, "a number, a string or a function" },
    { TAKES_TEXT, "a string or a function that gives one" },
    { TAKES_LIST, "a list of strings or a function that gives one" },
};

static error *misplaced(struct compilation *c, unsigned takes)
{
    size_t i = 0;
    while (!(descriptions[i].takes & takes))
        i++;
    return compilation_refused(c, "it must be %s", descriptions[i].words);
}

static FALLIBLE compile_list(struct compilation *c, json *list, unsigned takes, struct expression *out)
{
    size_t count = json_object_array_length(list);
    unsigned element = takes & TAKES_DOCUMENT ? takes : TAKES_TEXT;

    out->form = FORM_LIST;
    out->items = MAKE_ARRAY(c->template, struct expression, count);
    for (; out->count < count; out->count++)
        TRY(expression_compile(c, json_object_array_get_idx(list, out->count), element, &out->items[out->count]));
    return NULL;
}

/* What stands in a document may be anything; a map holds texts. */
static FALLIBLE compile_object(struct compilation *c, json *object, unsigned takes, struct expression *out)
{
    static const unsigned anything = TAKES_TEXT | TAKES_LIST | TAKES_NUMBER | TAKES_BOOL | TAKES_NULL | TAKES_DOCUMENT;
    unsigned member = takes & TAKES_DOCUMENT ? anything : TAKES_TEXT;

    out->form = FORM_OBJECT;
    out->items = MAKE_ARRAY(c->template, struct expression, (size_t)json_object_object_length(object));
    json_object_object_foreach (object, key, value) {
        if (slice_starts(slice_of(key), "Fn::"))
            return compilation_refused(c, "%.*s must be the only member of its object", PRINT(shown(slice_of(key))));
        struct expression *item = &out->items[out->count++];
        item->key = slice_of(text_copy(c->template, key));
        if (takes & TAKES_MAP)
            c->place.member = item->key;
        TRY(expression_compile(c, value, member, item));
    }
    return NULL;
}

static FALLIBLE compile_literal(struct compilation *c, json *value, struct expression *out)
{
    slice text = json_print(c->ctx, value);
    out->form = FORM_LITERAL;
    out->text = slice_of(text_copy_n(c->template, text.at, text.length));
    return NULL;
}

static unsigned type_of(const json *value)
{
    static const unsigned types[] = {
        [json_type_null] = TAKES_NULL,
        [json_type_boolean] = TAKES_BOOL,
        [json_type_double] = TAKES_NUMBER,
        [json_type_int] = TAKES_NUMBER,
        [json_type_object] = TAKES_DOCUMENT | TAKES_MAP,
        [json_type_array] = TAKES_LIST,
        [json_type_string] = TAKES_TEXT,
    };
    return types[json_object_get_type(value)];
}

FALLIBLE expression_compile(struct compilation *c, json *value, unsigned takes, struct expression *out)
{
    if (json_is_object(value) && function_is(value))
        return function_compile(c, value, takes, out);
    if (!(type_of(value) & takes))
        return misplaced(c, takes);
    if (json_is_object(value))
        return compile_object(c, value, takes, out);
    if (json_is_array(value))
        return compile_list(c, value, takes, out);
    if (!json_is_text(value))
        return compile_literal(c, value, out);

    slice text = json_text(value);
    out->form = FORM_TEXT;
    out->text = (slice){ slice_text(c->template, text), text.length };
    return NULL;
}

bool expression_is_literal(const struct expression *expression)
{
    if (expression->form == FORM_CALL)
        return false;
    for (size_t i = 0; i < expression->count; i++)
        if (!expression_is_literal(&expression->items[i]))
            return false;
    return true;
}

static FALLIBLE evaluate_items(struct evaluation *ev, const struct expression *list, struct value *out)
{
    *out = (struct value){ .is_list = true, .items = MAKE_ARRAY(ev->scratch, struct value, list->count) };
    for (; out->count < list->count; out->count++)
        TRY(expression_text(ev, &list->items[out->count], &out->items[out->count]));
    return NULL;
}

static FALLIBLE evaluate(struct evaluation *ev, const struct expression *expression, struct value *out)
{
    TRY(evaluation_spend(ev, sizeof(*out)));
    if (expression->form == FORM_CALL)
        return expression->function->evaluate(ev, expression, out);
    if (expression->form == FORM_LIST)
        return evaluate_items(ev, expression, out);
    *out = (struct value){ .text = expression->text };
    return NULL;
}

FALLIBLE expression_text(struct evaluation *ev, const struct expression *expression, struct value *out)
{
    TRY(evaluate(ev, expression, out));
    return out->is_list ? evaluation_failed(ev, "a list stands where one text is needed") : NULL;
}

FALLIBLE expression_list(struct evaluation *ev, const struct expression *expression, struct value *out)
{
    TRY(evaluate(ev, expression, out));
    return out->is_list ? NULL : evaluation_failed(ev, "one text stands where a list is needed");
}

static bool is_control(slice text, size_t at)
{
    unsigned char byte = (unsigned char)text.at[at];
    unsigned char next = at + 1 < text.length ? (unsigned char)text.at[at + 1] : 0;
    return byte < 0x20 || byte == 0x7F || (byte == 0xC2 && next >= 0x80 && next < 0xA0); /* also U+0080 to U+009F */
}

FALLIBLE taint_check(struct evaluation *ev, const struct value *value)
{
    for (size_t i = 0; value->taint != NULL && i < value->text.length; i++)
        if (value->taint[i] && (strchr("*?${}\"\\", value->text.at[i]) || is_control(value->text, i)))
            return evaluation_failed(
                ev, "a device's parameter may not bring * ? $ { } \" \\ or control characters into a policy");
    return NULL;
}

/* A new JSON value belongs to scratch and to what it is put into: an error on the way leaves nothing behind. */
static json *new_text(struct evaluation *ev, slice text)
{
    return json_own(ev->scratch, json_object_new_string_len(text.at, (int)text.length));
}

static FALLIBLE json_of_value(struct evaluation *ev, const struct expression *expression, json **out)
{
    struct value value;
    TRY(evaluate(ev, expression, &value));
    TRY(taint_check(ev, &value));
    *out = value.is_list ? json_new_array(ev->scratch) : new_text(ev, value.text);
    for (size_t i = 0; i < value.count; i++) {
        TRY(taint_check(ev, &value.items[i]));
        json_add(*out, json_object_get(new_text(ev, value.items[i].text)));
    }
    return NULL;
}

static FALLIBLE json_of_object(struct evaluation *ev, const struct expression *object, json **out)
{
    *out = json_new_object(ev->scratch);
    for (size_t i = 0; i < object->count; i++) {
        json *member;
        TRY(expression_json(ev, &object->items[i], &member));
        json_put(*out, object->items[i].key.at, json_object_get(member));
    }
    return NULL;
}

static FALLIBLE json_of_list(struct evaluation *ev, const struct expression *list, json **out)
{
    *out = json_new_array(ev->scratch);
    for (size_t i = 0; i < list->count; i++) {
        json *element;
        TRY(expression_json(ev, &list->items[i], &element));
        json_add(*out, json_object_get(element));
    }
    return NULL;
}

static FALLIBLE json_of_literal(struct evaluation *ev, const struct expression *literal, json **out)
{
    *out = NULL; /* json-c's null */
    return slice_is(literal->text, "null") ? NULL : json_parse(ev->scratch, literal->text, 1, out);
}

FALLIBLE expression_json(struct evaluation *ev, const struct expression *expression, json **out)
{
    static const struct {
        FALLIBLE (*make)(struct evaluation *, const struct expression *, json **);
    } forms[] = {
        [FORM_TEXT] = { json_of_value },    [FORM_LITERAL] = { json_of_literal }, [FORM_LIST] = { json_of_list },
        [FORM_OBJECT] = { json_of_object }, [FORM_CALL] = { json_of_value },
    };
    return forms[expression->form].make(ev, expression, out);
}
