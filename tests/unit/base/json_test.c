/* json_test.c - RFC 8259 to the letter, and the bounds on top of it. */
#include "base/json.h"
#include "table.h"

enum answer { TAKEN, REFUSED };

#define BYTES(literal) SLICE(literal)

static const struct row {
    const char *name;
    slice text;
    enum answer answer;
    const char *printed; /* NULL: as it was */
} rows[] = {
    { "an empty object", BYTES("{}"), TAKEN, NULL },
    { "an empty array", BYTES("[]"), TAKEN, NULL },
    { "null alone", BYTES("null"), TAKEN, NULL },
    { "true alone", BYTES("true"), TAKEN, NULL },
    { "a text alone", BYTES("\"a\""), TAKEN, NULL },
    { "a number alone", BYTES("17"), TAKEN, NULL },
    { "zero alone", BYTES("0"), TAKEN, NULL },
    { "white space around", BYTES(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n"), TAKEN, "{\"a\":[1,2]}" },
    { "a fraction keeps its text", BYTES("[1.10]"), TAKEN, NULL },
    { "an exponent keeps its text", BYTES("[1E+2,1e-2,0.5e1]"), TAKEN, NULL },
    { "a time keeps its text", BYTES("{\"t\":1763900000.123}"), TAKEN, NULL },
    { "the largest signed integer", BYTES("[9223372036854775807]"), TAKEN, NULL },
    { "the smallest signed integer", BYTES("[-9223372036854775808]"), TAKEN, NULL },
    { "the largest unsigned integer", BYTES("[18446744073709551615]"), TAKEN, NULL },
    { "one past the largest", BYTES("[18446744073709551616]"), REFUSED, NULL },
    { "one below the smallest", BYTES("[-9223372036854775809]"), REFUSED, NULL },
    { "forty digits", BYTES("1000000000000000000000000000000000000000"), REFUSED, NULL },
    { "a double that is infinite", BYTES("[1e999]"), REFUSED, NULL },
    { "a slash is not escaped", BYTES("[\"a\\/b\"]"), TAKEN, "[\"a/b\"]" },
    { "every escape", BYTES("[\"\\\"\\\\\\b\\f\\n\\r\\t\"]"), TAKEN, NULL },
    { "an escaped letter", BYTES("[\"\\u0041\"]"), TAKEN, "[\"A\"]" },
    { "a surrogate pair", BYTES("[\"\\ud83d\\ude00\"]"), TAKEN, "[\"\xf0\x9f\x98\x80\"]" },
    { "U+0000 in a value", BYTES("[\"a\\u0000b\"]"), TAKEN, NULL },
    { "U+0000 in a key", BYTES("{\"a\\u0000b\":1}"), REFUSED, NULL },
    { "U+0000 in a key before white space", BYTES("{\"\\u0000\" \n :1}"), REFUSED, NULL },
    { "a repeated key: the last one wins", BYTES("{\"a\":1,\"b\":2,\"a\":3}"), TAKEN, "{\"a\":3,\"b\":2}" },
    { "DEL stays", BYTES("[\"\x7f\"]"), TAKEN, NULL },
    { "nothing", BYTES(""), REFUSED, NULL },
    { "white space only", BYTES(" \n"), REFUSED, NULL },
    { "a byte order mark", BYTES("\xef\xbb\xbf{}"), REFUSED, NULL },
    { "text that is not UTF-8", BYTES("[\"\xff\"]"), REFUSED, NULL },
    { "an over-long form", BYTES("[\"\xc0\xaf\"]"), REFUSED, NULL },
    { "an encoded surrogate", BYTES("[\"\xed\xa0\x80\"]"), REFUSED, NULL },
    { "a high surrogate alone", BYTES("[\"\\ud83d\"]"), REFUSED, NULL },
    { "a high surrogate and a letter", BYTES("[\"\\ud83d\\u0041\"]"), REFUSED, NULL },
    { "a low surrogate alone", BYTES("[\"\\ude00\"]"), REFUSED, NULL },
    { "three hexadecimal digits", BYTES("[\"\\u004\"]"), REFUSED, NULL },
    { "an unknown escape", BYTES("[\"\\x41\"]"), REFUSED, NULL },
    { "an escaped quote", BYTES("[\"\\'\"]"), REFUSED, NULL },
    { "a backslash at the end", BYTES("\"\\"), REFUSED, NULL },
    { "a newline in a string", BYTES("[\"a\nb\"]"), REFUSED, NULL },
    { "a tab in a string", BYTES("[\"a\tb\"]"), REFUSED, NULL },
    { "a NUL in a string", BYTES("[\"a\0b\"]"), REFUSED, NULL },
    { "a NUL after the value", BYTES("{}\0"), REFUSED, NULL },
    { "a NUL before the value", BYTES("\0{}"), REFUSED, NULL },
    { "a NUL between tokens", BYTES("[1,\0 2]"), REFUSED, NULL },
    { "a second value", BYTES("{}{}"), REFUSED, NULL },
    { "a second number", BYTES("1 2"), REFUSED, NULL },
    { "a brace too many", BYTES("{}}"), REFUSED, NULL },
    { "a comma after the value", BYTES("[1],"), REFUSED, NULL },
    { "a word after the value", BYTES("{} true"), REFUSED, NULL },
    { "an open object", BYTES("{\"a\":1"), REFUSED, NULL },
    { "an open array", BYTES("[1"), REFUSED, NULL },
    { "an open string", BYTES("\"a"), REFUSED, NULL },
    { "half a word", BYTES("tru"), REFUSED, NULL },
    { "a longer word", BYTES("truex"), REFUSED, NULL },
    { "two words in one", BYTES("[truefalse]"), REFUSED, NULL },
    { "a trailing comma in an array", BYTES("[1,]"), REFUSED, NULL },
    { "a trailing comma in an object", BYTES("{\"a\":1,}"), REFUSED, NULL },
    { "a leading comma", BYTES("[,1]"), REFUSED, NULL },
    { "two commas", BYTES("[1,,2]"), REFUSED, NULL },
    { "no comma", BYTES("[1 2]"), REFUSED, NULL },
    { "no comma between texts", BYTES("[\"a\"\"b\"]"), REFUSED, NULL },
    { "no colon", BYTES("{\"a\" 1}"), REFUSED, NULL },
    { "two colons", BYTES("{\"a\"::1}"), REFUSED, NULL },
    { "a colon in an array", BYTES("[\"a\":1]"), REFUSED, NULL },
    { "a key without a value", BYTES("{\"a\":}"), REFUSED, NULL },
    { "a member without a key", BYTES("{1}"), REFUSED, NULL },
    { "a number as a key", BYTES("{1:2}"), REFUSED, NULL },
    { "null as a key", BYTES("{null:2}"), REFUSED, NULL },
    { "a bare key", BYTES("{a:1}"), REFUSED, NULL },
    { "single quotes", BYTES("['a']"), REFUSED, NULL },
    { "a single-quoted key", BYTES("{'a':1}"), REFUSED, NULL },
    { "a comment", BYTES("[1/* one */]"), REFUSED, NULL },
    { "a line comment", BYTES("[1] // one"), REFUSED, NULL },
    { "a comment in front", BYTES("/**/{}"), REFUSED, NULL },
    { "NaN", BYTES("[NaN]"), REFUSED, NULL },
    { "Infinity", BYTES("[Infinity]"), REFUSED, NULL },
    { "minus Infinity", BYTES("[-Infinity]"), REFUSED, NULL },
    { "True", BYTES("[True]"), REFUSED, NULL },
    { "NULL", BYTES("[NULL]"), REFUSED, NULL },
    { "a leading zero", BYTES("[01]"), REFUSED, NULL },
    { "minus and a leading zero", BYTES("[-01]"), REFUSED, NULL },
    { "a plus", BYTES("[+1]"), REFUSED, NULL },
    { "minus alone", BYTES("[-]"), REFUSED, NULL },
    { "two minuses", BYTES("[--1]"), REFUSED, NULL },
    { "a point in front", BYTES("[.5]"), REFUSED, NULL },
    { "a point at the end", BYTES("[5.]"), REFUSED, NULL },
    { "two points", BYTES("[1.2.3]"), REFUSED, NULL },
    { "an empty exponent", BYTES("[1e]"), REFUSED, NULL },
    { "an exponent of a sign", BYTES("[1e+]"), REFUSED, NULL },
    { "hexadecimal", BYTES("[0x10]"), REFUSED, NULL },
    { "a form feed as white space", BYTES("[1,\f2]"), REFUSED, NULL },
    { "a vertical tab as white space", BYTES("[1,\v2]"), REFUSED, NULL },
    { "a no-break space",
      BYTES("[1,\xc2\xa0"
            "2]"),
      REFUSED, NULL },
    { "a bracket closed by a brace", BYTES("[1}"), REFUSED, NULL },
    { "a closing bracket alone", BYTES("]"), REFUSED, NULL },
    { "a comma alone", BYTES(","), REFUSED, NULL },
    { "an array inside a key", BYTES("{[]:1}"), REFUSED, NULL },
};

static void answers(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    json *value;
    error *e = json_parse(ctx, row->text, 16, &value);
    if (e != NULL) {
        assert_true(error_is(e, "InvalidJson"));
        assert_null(value);
        assert_true(slice_starts(slice_of(e->message), "Not valid JSON"));
    }
    assert_int_equal(e == NULL ? TAKEN : REFUSED, row->answer);
    if (row->answer == TAKEN)
        assert_string_equal(json_print(ctx, value).at, row->printed ? row->printed : slice_text(ctx, row->text));
    talloc_free(ctx);
}

static const struct deep {
    const char *name;
    int depth, depth_max;
    enum answer answer;
} deeps[] = {
    { "as deep as allowed", 8, 8, TAKEN },
    { "one deeper than allowed", 9, 8, REFUSED },
    { "200 deep where 100 are allowed", 200, 100, REFUSED },
    { "200 deep where 200 are allowed", 200, 200, TAKEN },
    { "a million deep", 1000000, 100, REFUSED },
};

static void nests(void **state)
{
    const struct deep *row = *state;
    for (int pass = 0; pass < 2; pass++) {
        void *ctx = talloc_new(NULL);
        writer text = writer_new(ctx, SIZE_MAX / 2);
        for (int i = 0; i < row->depth; i++)
            writer_text(&text, pass == 0 ? "[" : "{\"a\":");
        writer_text(&text, "1");
        for (int i = 0; i < row->depth; i++)
            writer_text(&text, pass == 0 ? "]" : "}");
        json *value;
        error *e = json_parse(ctx, writer_slice_of(&text), row->depth_max, &value);
        assert_int_equal(e == NULL ? TAKEN : REFUSED, row->answer);
        talloc_free(ctx);
    }
}

static const struct many {
    const char *name;
    const char *piece;
    size_t count;
    enum answer answer;
} manys[] = {
    { "a thousand empty objects less one", "{}", 999, TAKEN },
    { "ten thousand empty objects cost too much memory", "{}", 10000, REFUSED },
    { "ten thousand empty arrays cost too much memory", "[]", 10000, REFUSED },
    { "ten thousand objects with something in them", "{\"name\":\"value\"}", 10000, TAKEN },
};

static void counts(void **state)
{
    const struct many *row = *state;
    void *ctx = talloc_new(NULL);
    writer text = writer_new(ctx, SIZE_MAX / 2);
    for (size_t i = 0; i < row->count; i++)
        writer_format(&text, "%s%s", i == 0 ? "[" : ",", row->piece);
    writer_text(&text, "]");
    json *value;
    error *e = json_parse(ctx, writer_slice_of(&text), 8, &value);
    assert_int_equal(e == NULL ? TAKEN : REFUSED, row->answer);
    talloc_free(ctx);
}

static const struct stamp {
    const char *name;
    int64_t ms;
    const char *printed;
} stamps[] = {
    { "milliseconds", 1763900000123, "{\"t\":1763900000.123}" },
    { "a whole second", 1763900100000, "{\"t\":1763900100.0}" },
    { "tenths", 1763900100500, "{\"t\":1763900100.5}" },
    { "the epoch", 0, "{\"t\":0.0}" },
    { "a leading zero", 1001, "{\"t\":1.001}" },
    { "before the epoch", -1500, "{\"t\":-1.5}" },
};

static void stamps_time(void **state)
{
    const struct stamp *row = *state;
    void *ctx = talloc_new(NULL);
    json *object = json_new_object(ctx);
    json_put_time(object, "t", row->ms);
    assert_string_equal(json_print(ctx, object).at, row->printed);
    assert_string_equal(json_print(ctx, json_copy_deep(ctx, object)).at, row->printed);
    talloc_free(ctx);
}

static const struct ask {
    const char *name, *text;
    const char *as_text;
    int64_t as_integer;
    bool as_bool;
    bool object, array, number;
} asks[] = {
    { "a text", "{\"k\":\"v\"}", "v", -7, false, false, false, false },
    { "an integer", "{\"k\":42}", NULL, 42, false, false, false, true },
    { "a fraction is a number, no integer", "{\"k\":4.5}", NULL, -7, false, false, false, true },
    { "true", "{\"k\":true}", NULL, -7, true, false, false, false },
    { "an object", "{\"k\":{}}", NULL, -7, false, true, false, false },
    { "an array", "{\"k\":[]}", NULL, -7, false, false, true, false },
    { "null", "{\"k\":null}", NULL, -7, false, false, false, false },
    { "nothing", "{}", NULL, -7, false, false, false, false },
    { "not an object", "[1]", NULL, -7, false, false, false, false },
};

static void asked(void **state)
{
    const struct ask *row = *state;
    void *ctx = talloc_new(NULL);
    json *value;
    assert_null(json_parse(ctx, slice_of(row->text), 8, &value));
    if (row->as_text == NULL)
        assert_null(json_get_text(value, "k"));
    else
        assert_string_equal(json_get_text(value, "k"), row->as_text);
    assert_int_equal(json_get_integer(value, "k", -7), row->as_integer);
    assert_int_equal(json_get_bool(value, "k", false), row->as_bool);
    assert_int_equal(json_get_object(value, "k") != NULL, row->object);
    assert_int_equal(json_get_array(value, "k") != NULL, row->array);
    assert_int_equal(json_is_number(json_get(value, "k")), row->number);
    talloc_free(ctx);
}

static const struct life {
    const char *name;
} lives[] = { { "a shared value outlives its first owner" } };

static void outlives(void **state)
{
    (void)state;
    void *first = talloc_new(NULL), *second = talloc_new(NULL);
    json *value;
    assert_null(json_parse(first, slice_of("{\"a\":[1,\"x\\u0000y\"]}"), 8, &value));
    json_share(second, value);
    talloc_free(first);
    json *array = json_get_array(value, "a");
    slice text = json_text(json_object_array_get_idx(array, 1));
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.at, "x\0y", 3);
    json *copy = json_copy_deep(second, value);
    assert_true(json_same(copy, value));
    json_add_text(json_get_array(copy, "a"), "more");
    assert_false(json_same(copy, value));
    talloc_free(second);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(deeps, nests), TABLE(manys, counts), TABLE(stamps, stamps_time),
                      TABLE(asks, asked), TABLE(lives, outlives));
}
