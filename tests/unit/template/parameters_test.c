/* parameters_test.c - parameters as devices send them (provisioning 4.9), and finding them again. */
#include "outcome.h"

static const struct row {
    const char *name;
    const char *map;
    const char *outcome; /* name=value, sorted; or the error */
} rows[] = {
    { "none", "{}", "" },
    { "text", "{\"b\":\"2\",\"a\":\"1\",\"c\":\"\"}", "a=1 b=2 c= " },
    { "integers", "{\"a\":-7,\"b\":18446744073709551615}", "a=-7 b=18446744073709551615 " },
    { "booleans", "{\"a\":true,\"b\":false}", "a=true b=false " },
    { "the last of two equal names", "{\"a\":\"1\",\"a\":\"2\"}", "a=2 " },
    { "an empty name", "{\"\":\"1\"}", "=1 " },
    { "a list instead of a map", "[]", "InvalidParameters: The parameters must be a map of names and texts." },
    { "a text instead of a map", "\"a\"", "InvalidParameters: The parameters must be a map of names and texts." },
    { "a fraction", "{\"a\":1.5}", "InvalidParameters: The parameter a must be a text, an integer or a boolean." },
    { "a null", "{\"a\":null}", "InvalidParameters: The parameter a must be a text, an integer or a boolean." },
    { "a list", "{\"a\":[]}", "InvalidParameters: The parameter a must be a text, an integer or a boolean." },
    { "an object", "{\"a\":{}}", "InvalidParameters: The parameter a must be a text, an integer or a boolean." },
};

static const char *show(void *ctx, const struct template_parameters *parameters)
{
    writer out = writer_new(ctx, 1 << 20);
    for (size_t i = 0; i < parameters->count; i++)
        writer_format(&out, "%s=%s ", parameters->items[i].name.at, parameters->items[i].value.at);
    return parameters->count ? writer_finish(&out) : "";
}

static void answers(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct template_parameters *parameters;
    json *map;
    assert_null(json_parse(ctx, slice_of(row->map), 8, &map));
    error *e = template_parameters_from_json(ctx, map, &parameters);
    assert_string_equal(e ? outcome_error(ctx, e) : show(ctx, parameters), row->outcome);
    talloc_free(ctx);
}

static const struct length_row {
    const char *name;
    const char *character;
    size_t key, value;
    bool taken;
} length_rows[] = {
    { "a name of 2048 characters", "k", 2048, 1, true },
    { "a name of 2049 characters", "k", 2049, 1, false },
    { "a value of 4096 characters", "v", 1, 4096, true },
    { "a value of 4097 characters", "v", 1, 4097, false },
    { "characters are not bytes", "\xc3\xa9", 2048, 4096, true },
    { "4097 characters of two bytes", "\xc3\xa9", 1, 4097, false },
};

static void lengths(void **state)
{
    const struct length_row *row = *state;
    void *ctx = talloc_new(NULL);
    writer key = writer_new(ctx, 1 << 20), value = writer_new(ctx, 1 << 20);
    for (size_t i = 0; i < row->key; i++)
        writer_text(&key, row->character);
    for (size_t i = 0; i < row->value; i++)
        writer_text(&value, row->character);

    json *map = json_new_object(ctx);
    json_put_slice(map, writer_finish(&key), writer_slice_of(&value));
    struct template_parameters *parameters;
    error *e = template_parameters_from_json(ctx, map, &parameters);
    if (row->taken)
        assert_null(e);
    else
        assert_true(error_is(e, "InvalidParameters"));
    talloc_free(ctx);
}

static void absent_parameters_are_none(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    struct template_parameters *parameters;
    assert_null(template_parameters_from_json(ctx, NULL, &parameters));
    assert_int_equal(parameters->count, 0);
    assert_null(template_parameters_find(parameters, SLICE("a")));
    talloc_free(ctx);
}

static void what_was_set_is_found(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    struct template_parameters *parameters = template_parameters_new(ctx);
    for (int i = 0; i < 300; i++) /* 7 and 300 have no common factor: every name once, in no order */
        template_parameters_set(parameters, slice_of(text_format(ctx, "n%03d", i * 7 % 300)), SLICE("old"));
    template_parameters_set(parameters, SLICE("n150"), SLICE("new"));
    assert_int_equal(parameters->count, 300);
    for (int i = 0; i < 300; i++) {
        const slice *found = template_parameters_find(parameters, slice_of(text_format(ctx, "n%03d", i)));
        assert_non_null(found);
        assert_true(slice_is(*found, i == 150 ? "new" : "old"));
    }
    assert_null(template_parameters_find(parameters, SLICE("n")));
    assert_null(template_parameters_find(parameters, SLICE("n0000")));
    talloc_free(ctx);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_parameters_are_none),
        cmocka_unit_test(what_was_set_is_found),
    };
    return RUN_TABLES(TABLE(rows, answers), TABLE(length_rows, lengths)) + cmocka_run_group_tests(tests, NULL, NULL);
}
