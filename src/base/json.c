/* json.c - json-c behind talloc. */
#include "base/json.h"
#include "base/lexer.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static int json_released(json **held)
{
    json_object_put(*held);
    return 0;
}

json *json_own(void *ctx, json *value)
{
    if (value != NULL) {
        json **held = MAKE(ctx, json *);
        *held = value;
        talloc_set_destructor(held, json_released);
    }
    return value;
}

json *json_share(void *ctx, json *value)
{
    return json_own(ctx, json_object_get(value));
}

static void must(bool done)
{
    if (!done) {
        fputs("muster: out of memory for JSON\n", stderr);
        abort();
    }
}

/* json-c is asked for one more level than we allow, since it counts a scalar as one. */
static FALLIBLE parse_lexed(void *ctx, slice text, int depth_max, json **out)
{
    struct json_tokener *tokener = json_tokener_new_ex(depth_max + 2);
    must(tokener != NULL);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json *value = json_tokener_parse_ex(tokener, text.at, (int)text.length);
    size_t end = json_tokener_get_parse_end(tokener);
    /* At the top a number has no end of its own: json-c waits for what ends it. */
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        value = json_tokener_parse_ex(tokener, "\n", 1);
    enum json_tokener_error status = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (status == json_tokener_success && end < text.length) {
        json_object_put(value);
        return error_new(ctx, "InvalidJson", "Not valid JSON at byte %zu: something stands after the value.", end + 1);
    }
    if (status == json_tokener_success) {
        *out = json_own(ctx, value);
        return NULL;
    }
    if (status == json_tokener_continue)
        return error_new(ctx, "InvalidJson", "Not valid JSON: it ends too early.");
    return error_new(ctx, "InvalidJson", "Not valid JSON at byte %zu: %s.", end + 1, json_tokener_error_desc(status));
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static slice without_white_space(slice text)
{
    while (text.length > 0 && is_white(text.at[0]))
        text = slice_from(text, 1);
    while (text.length > 0 && is_white(text.at[text.length - 1]))
        text.length--;
    return text;
}

FALLIBLE json_parse(void *ctx, slice text, int depth_max, json **out)
{
    *out = NULL;
    if (text.length > INT_MAX / 2)
        return error_new(ctx, "InvalidJson", "Not valid JSON: the text is too long.");
    TRY(json_lex(ctx, text, depth_max));
    text = without_white_space(text);
    if (text.length == 0)
        return error_new(ctx, "InvalidJson", "Not valid JSON: there is no value.");
    return parse_lexed(ctx, text, depth_max, out);
}

json *json_new_object(void *ctx)
{
    json *made = json_object_new_object();
    must(made != NULL);
    return json_own(ctx, made);
}

json *json_new_array(void *ctx)
{
    json *made = json_object_new_array();
    must(made != NULL);
    return json_own(ctx, made);
}

void json_put(json *object, const char *key, json *value)
{
    must(json_object_object_add(object, key, value) == 0);
}

void json_put_text(json *object, const char *key, const char *text)
{
    if (text != NULL)
        json_put_slice(object, key, slice_of(text));
}

void json_put_slice(json *object, const char *key, slice text)
{
    json *value = json_object_new_string_len(text.at == NULL ? "" : text.at, (int)text.length);
    must(value != NULL);
    json_put(object, key, value);
}

void json_put_integer(json *object, const char *key, int64_t value)
{
    json *made = json_object_new_int64(value);
    must(made != NULL);
    json_put(object, key, made);
}

void json_put_bool(json *object, const char *key, bool value)
{
    json *made = json_object_new_boolean(value);
    must(made != NULL);
    json_put(object, key, made);
}

/* Three decimals at most and one at least: 1763900000.123, 1763900100.0. */
void json_put_time(json *object, const char *key, int64_t ms)
{
    uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    char text[40];
    int length = snprintf(text, sizeof(text), "%s%" PRIu64 ".%03" PRIu64, ms < 0 ? "-" : "", size / 1000, size % 1000);
    for (int spare = 0; spare < 2 && text[length - 1] == '0'; spare++)
        text[--length] = '\0';
    json *made = json_object_new_double_s((double)ms / 1000, text);
    must(made != NULL);
    json_put(object, key, made);
}

void json_add(json *array, json *value)
{
    must(json_object_array_add(array, value) == 0);
}

void json_add_text(json *array, const char *text)
{
    json *made = json_object_new_string(text);
    must(made != NULL);
    json_add(array, made);
}

json *json_get(const json *object, const char *key)
{
    json *value = NULL;
    return json_is_object(object) && json_object_object_get_ex(object, key, &value) ? value : NULL;
}

json *json_get_object(const json *object, const char *key)
{
    json *value = json_get(object, key);
    return json_is_object(value) ? value : NULL;
}

json *json_get_array(const json *object, const char *key)
{
    json *value = json_get(object, key);
    return json_is_array(value) ? value : NULL;
}

const char *json_get_text(const json *object, const char *key)
{
    return json_get_slice(object, key).at;
}

slice json_get_slice(const json *object, const char *key)
{
    return json_text(json_get(object, key));
}

int64_t json_get_integer(const json *object, const char *key, int64_t otherwise)
{
    json *value = json_get(object, key);
    return json_is_integer(value) ? json_object_get_int64(value) : otherwise;
}

bool json_get_bool(const json *object, const char *key, bool otherwise)
{
    json *value = json_get(object, key);
    return json_is_bool(value) ? json_object_get_boolean(value) : otherwise;
}

slice json_text(const json *value)
{
    json *text = (json *)value; /* json-c's getters take no const */
    if (!json_is_text(value))
        return (slice){ NULL, 0 };
    return (slice){ json_object_get_string(text), (size_t)json_object_get_string_len(value) };
}

bool json_is_object(const json *value)
{
    return json_object_is_type(value, json_type_object);
}

bool json_is_array(const json *value)
{
    return json_object_is_type(value, json_type_array);
}

bool json_is_text(const json *value)
{
    return json_object_is_type(value, json_type_string);
}

bool json_is_integer(const json *value)
{
    return json_object_is_type(value, json_type_int);
}

bool json_is_number(const json *value)
{
    return json_is_integer(value) || json_object_is_type(value, json_type_double);
}

bool json_is_bool(const json *value)
{
    return json_object_is_type(value, json_type_boolean);
}

json *json_copy_deep(void *ctx, const json *value)
{
    json *copy = NULL;
    if (value == NULL)
        return NULL;
    must(json_object_deep_copy((json *)value, &copy, NULL) == 0);
    return json_own(ctx, copy);
}

bool json_same(const json *a, const json *b)
{
    return json_object_equal((json *)a, (json *)b);
}

slice json_print(void *ctx, json *value)
{
    size_t length;
    const char *text =
        json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    must(text != NULL);
    return slice_copy(ctx, (slice){ text, length });
}
