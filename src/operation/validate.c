/* validate.c - input against the model: every constraint, at every depth, in the sentences of x509 3.1. */
#include "operation/model.h"
#include "base/encode.h"

enum { ERRORS_SHOWN = 10, VALUE_SHOWN = 256, TEXT_LIMIT = 16384 };

/* Where a value stands: "tags.1.member.key". */
struct place_in_input {
    const struct place_in_input *above;
    slice name;
    int index; /* of a list, from 1; 0: a name */
};

struct check {
    writer sentences;
    unsigned count;
    const char *error; /* of the first broken constraint */
    const struct model *model;
    const char *member_error; /* of the top-level member in hand; NULL */
};

/* What is being judged. */
struct subject {
    const struct shape *shape;
    json *value;
    const struct place_in_input *place;
    bool sensitive;
};

static void check_value(struct check *check, const struct subject *subject);

static void write_place(writer *out, const struct place_in_input *place)
{
    if (place->above != NULL) {
        write_place(out, place->above);
        writer_u8(out, '.');
    }
    if (place->index > 0)
        writer_format(out, "%d.member", place->index);
    else
        writer_slice(out, place->name);
}

/* At most so many bytes, and no half of a character. */
static slice shown(slice value)
{
    if (value.length <= VALUE_SHOWN)
        return value;
    value.length = VALUE_SHOWN;
    while (value.length > 0 && ((unsigned char)value.at[value.length] & 0xC0) == 0x80)
        value.length--;
    return value;
}

/* Where the value may be shown it is: " 'b d'"; what is secret, long-winded or not even text is not. */
static void write_value(writer *out, const struct subject *subject)
{
    json *value = subject->value;
    if (value == NULL) {
        writer_text(out, " null");
    } else if (!subject->sensitive && json_is_text(value) && text_is_utf8(json_text(value))) {
        writer_text(out, " '");
        writer_slice(out, shown(json_text(value)));
        writer_text(out, json_text(value).length > VALUE_SHOWN ? "...'" : "'");
    } else if (!subject->sensitive && (json_is_number(value) || json_is_bool(value))) {
        writer_format(out, " '%s'", json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
    }
}

/* Starts a sentence; false when enough was said. */
static bool broken(struct check *check, const struct subject *subject, const char *name)
{
    if (check->error == NULL)
        check->error = name;
    if (check->count >= ERRORS_SHOWN)
        return false;
    writer *out = &check->sentences;
    if (check->count++ > 0)
        writer_text(out, "; ");
    writer_text(out, "Value");
    write_value(out, subject);
    writer_text(out, " at '");
    write_place(out, subject->place);
    writer_text(out, "' failed to satisfy constraint: ");
    return true;
}

static bool broken_constraint(struct check *check, const struct subject *subject)
{
    return broken(check, subject, check->member_error ? check->member_error : check->model->validation_error);
}

static void wrong_type(struct check *check, const struct subject *subject, const char *wanted)
{
    struct subject unseen = *subject;
    unseen.sensitive = true;
    if (broken(check, &unseen, check->model->validation_error))
        writer_format(&check->sentences, "Member must be %s", wanted);
}

static void write_bound(writer *out, double bound)
{
    writer_format(out, bound == (double)(int64_t)bound ? "%.0f" : "%g", bound);
}

static void check_range(struct check *check, const struct subject *subject, double size, const char *what)
{
    const struct shape *shape = subject->shape;
    if (shape->has_max && size > shape->max && broken_constraint(check, subject)) {
        writer_format(&check->sentences, "Member must have %s less than or equal to ", what);
        write_bound(&check->sentences, shape->max);
    }
    if (shape->has_min && size < shape->min && broken_constraint(check, subject)) {
        writer_format(&check->sentences, "Member must have %s greater than or equal to ", what);
        write_bound(&check->sentences, shape->min);
    }
}

static bool is_one_of(const struct shape *shape, slice text)
{
    for (size_t i = 0; i < shape->value_count; i++)
        if (slice_is(text, shape->values[i]))
            return true;
    return false;
}

static void write_values(writer *out, const struct shape *shape)
{
    writer_text(out, "Member must satisfy enum value set: [");
    for (size_t i = 0; i < shape->value_count; i++)
        writer_format(out, "%s%s", i ? ", " : "", shape->values[i]);
    writer_u8(out, ']');
}

/* Text that is no text: it could end early where it is read as a C string. */
static bool is_clean(struct check *check, const struct subject *subject, slice text)
{
    if (!text_is_utf8(text)) {
        wrong_type(check, subject, "text in UTF-8");
        return false;
    }
    if (memchr(text.at ? text.at : "", '\0', text.length) != NULL) {
        wrong_type(check, subject, "text without the character U+0000");
        return false;
    }
    return true;
}

static void check_string(struct check *check, const struct subject *subject)
{
    const struct shape *shape = subject->shape;
    slice text = json_text(subject->value);
    if (!json_is_text(subject->value)) {
        wrong_type(check, subject, "a string");
        return;
    }
    if (!is_clean(check, subject, text))
        return;
    check_range(check, subject, (double)text_utf8_length(text), "length");
    if (shape->pattern && !model_pattern_matches(shape->pattern, text) && broken_constraint(check, subject))
        writer_format(&check->sentences, "Member must satisfy regular expression pattern: %s", shape->pattern_text);
    if (shape->value_count > 0 && !is_one_of(shape, text) && broken_constraint(check, subject))
        write_values(&check->sentences, shape);
}

/* Base64; its length is counted in the bytes that it stands for. */
static void check_blob(struct check *check, const struct subject *subject)
{
    SCRATCH scratch = talloc_new(NULL);
    slice bytes;
    struct subject unseen = *subject;
    unseen.sensitive = true;
    if (!json_is_text(subject->value) || !base64_decode(scratch, json_text(subject->value), &bytes))
        wrong_type(check, subject, "binary data in base64");
    else
        check_range(check, &unseen, (double)bytes.length, "length");
}

static void check_whole(struct check *check, const struct subject *subject)
{
    int64_t value = json_is_integer(subject->value) ? json_object_get_int64(subject->value) : 0;
    if (!json_is_integer(subject->value))
        wrong_type(check, subject, "an integer");
    else if (subject->shape->type == SHAPE_INTEGER && (value > INT32_MAX || value < INT32_MIN))
        wrong_type(check, subject, "an integer of 32 bits");
    else
        check_range(check, subject, (double)value, "value");
}

static void check_number(struct check *check, const struct subject *subject)
{
    if (json_is_number(subject->value))
        check_range(check, subject, json_object_get_double(subject->value), "value");
    else
        wrong_type(check, subject, "a number");
}

static void check_boolean(struct check *check, const struct subject *subject)
{
    if (!json_is_bool(subject->value))
        wrong_type(check, subject, "true or false");
}

static void check_any(struct check *check, const struct subject *subject)
{
    (void)check;
    (void)subject;
}

static void check_list(struct check *check, const struct subject *subject)
{
    if (!json_is_array(subject->value)) {
        wrong_type(check, subject, "a list");
        return;
    }
    size_t count = json_object_array_length(subject->value);
    check_range(check, subject, (double)count, "length");
    for (size_t i = 0; i < count && check->count < ERRORS_SHOWN; i++) {
        struct place_in_input place = { .above = subject->place, .index = (int)i + 1 };
        struct subject element = { subject->shape->element, json_object_array_get_idx(subject->value, i), &place,
                                   subject->sensitive };
        check_value(check, &element);
    }
}

static void check_map(struct check *check, const struct subject *subject)
{
    if (!json_is_object(subject->value)) {
        wrong_type(check, subject, "a map");
        return;
    }
    check_range(check, subject, (double)json_object_object_length(subject->value), "length");
    json_object_object_foreach (subject->value, key, value) {
        struct place_in_input at_key = { .above = subject->place, .name = SLICE("key") };
        struct place_in_input at_value = { .above = subject->place, .name = shown(slice_of(key)) };
        json *name = json_object_new_string(key);
        check_value(check, &(struct subject){ subject->shape->key, name, &at_key, subject->sensitive });
        json_object_put(name);
        check_value(check, &(struct subject){ subject->shape->element, value, &at_value, subject->sensitive });
        if (check->count >= ERRORS_SHOWN)
            break;
    }
}

static void check_members(struct check *check, const struct subject *subject)
{
    const struct shape *shape = subject->shape;
    for (size_t i = 0; i < shape->member_count && check->count < ERRORS_SHOWN; i++) {
        const struct shape_member *member = &shape->members[i];
        struct place_in_input place = { .above = subject->place, .name = slice_of(member->path) };
        struct subject inner = { member->shape, json_get(subject->value, member->name), &place, subject->sensitive };
        if (subject->place == NULL)
            check->member_error = member->error;
        if (inner.value == NULL && member->required && broken_constraint(check, &inner))
            writer_text(&check->sentences, "Member must not be null");
        /* A payload's bytes are the body's, whatever they are. */
        bool raw = shape->payload == member && member->shape->type == SHAPE_BLOB;
        if (inner.value != NULL && !raw)
            check_value(check, &inner);
    }
}

static void check_structure(struct check *check, const struct subject *subject)
{
    if (json_is_object(subject->value))
        check_members(check, subject);
    else
        wrong_type(check, subject, "a structure");
}

static void (*const checks[])(struct check *, const struct subject *) = {
    [SHAPE_STRUCTURE] = check_structure, [SHAPE_LIST] = check_list,  [SHAPE_MAP] = check_map,
    [SHAPE_STRING] = check_string,       [SHAPE_BLOB] = check_blob,  [SHAPE_BOOLEAN] = check_boolean,
    [SHAPE_INTEGER] = check_whole,       [SHAPE_LONG] = check_whole, [SHAPE_DOUBLE] = check_number,
    [SHAPE_TIMESTAMP] = check_number,    [SHAPE_ANY] = check_any,
};

static void check_value(struct check *check, const struct subject *subject)
{
    struct subject inner = *subject;
    inner.sensitive |= subject->shape->sensitive;
    if (inner.value != NULL || inner.shape->type == SHAPE_ANY)
        checks[inner.shape->type](check, &inner);
    else if (broken_constraint(check, &inner)) /* an element; a member that is null is absent */
        writer_text(&check->sentences, "Member must not be null");
}

FALLIBLE model_validate(void *ctx, const struct model_operation *operation, const json *input)
{
    SCRATCH scratch = talloc_new(NULL);
    struct check check = { .sentences = writer_new(scratch, TEXT_LIMIT), .model = operation->model };
    check_members(&check, &(struct subject){ operation->input, (json *)input, NULL, false });
    if (check.count == 0)
        return NULL;
    slice sentences = writer_slice_of(&check.sentences);
    return error_new(ctx, check.error, "%u validation error%s detected: %.*s", check.count, check.count > 1 ? "s" : "",
                     PRINT(sentences));
}

void model_lower(void *ctx, const struct model_operation *operation, json *input)
{
    for (size_t i = 0; i < operation->input->member_count; i++) {
        const struct shape_member *member = &operation->input->members[i];
        const char *start = member->shape->lower_after, *given = json_get_text(input, member->name);
        const char *found = start && given ? strstr(given, start) : NULL;
        if (found == NULL)
            continue;
        char *lowered = text_copy(ctx, given);
        for (char *c = lowered + (found - given) + strlen(start); *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c - 'A' + 'a');
        json_put_text(input, member->name, lowered);
    }
}

error *model_refuse_value(void *ctx, const struct model *model, const struct shape_member *member, slice value,
                          const char *constraint)
{
    bool visible = !member->shape->sensitive && text_is_utf8(value);
    slice part = shown(value);
    return error_new(ctx, model->validation_error,
                     "1 validation error detected: Value%s%.*s%s at '%s' failed to satisfy constraint: %s",
                     visible ? " '" : "", visible ? (int)part.length : 0, visible ? part.at : "", visible ? "'" : "",
                     member->path, constraint);
}
