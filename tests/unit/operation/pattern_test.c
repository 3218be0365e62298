/* Java's patterns as PCRE2 matches them. */
#include "operation/pattern.h"
#include "table.h"

static const struct row {
    const char *name, *pattern;
    slice text;
    bool matches;
} rows[] = {
    { "the whole text is matched", "[a-z]+", SLICE("abc"), true },
    { "not a part at the front", "[a-z]+", SLICE("abc1"), false },
    { "not a part at the end", "[a-z]+", SLICE("1abc"), false },
    { "an alternative is whole too", "ab|abc", SLICE("abc"), true },
    { "a line end after the text is not let through", "^[a-z]+$", SLICE("abc\n"), false },
    { "nothing matches a star", "[a-z]*", SLICE(""), true },
    { "nothing does not match a plus", "[a-z]+", SLICE(""), false },
    { "a dash after a range stands for itself", "[a-zA-Z0-9-_]+", SLICE("a-b_c"), true },
    { "\\w is ASCII", "[\\w=,@-]+", SLICE("n\xC3\xA4he"), false },
    { "\\d is ASCII", "\\d+", SLICE("\xD9\xA3"), false },
    { "Graph is ASCII", "[\\p{Graph}\\x20]*", SLICE("a b~"), true },
    { "Graph is not a letter beyond ASCII", "[\\p{Graph}\\x20]*", SLICE("\xC3\xA4"), false },
    { "Graph is not a line end", "[\\p{Graph}\\x20]*", SLICE("a\n"), false },
    { "Upper and Digit", "[\\p{Upper}\\p{Digit}_]+", SLICE("A_1"), true },
    { "Upper is not lower", "[\\p{Upper}\\p{Digit}_]+", SLICE("a"), false },
    { "a POSIX name outside a class", "\\p{Upper}+", SLICE("AB"), true },
    { "\\p{L} is Unicode", "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", SLICE("\xC3\xA4 \xE6\x97\xA5 1"), true },
    { "\\p{C} holds control characters", "[^\\p{C}]+", SLICE("a\x01"), false },
    { "\\p{C} holds no letters", "[^\\p{C}]+", SLICE("n\xC3\xA4he"), true },
    { "four digits of \\u", "\\u002F[\\u0021-\\u007F]*", SLICE("/ab"), true },
    { "planes beyond the first", "[\\uE000-\\uFFFD\\u10000-\\u10FFFF]+", SLICE("\xF0\x9F\x98\x80"), true },
    { "and nothing before them", "[\\uE000-\\uFFFD\\u10000-\\u10FFFF]+", SLICE("F"), false },
    { "everything, with line ends", "[\\s\\S]*", SLICE("a\nb\r\n\xE2\x80\xA8"), true },
    { "a dot stops at a line end", "https?://.*", SLICE("http://a\nb"), false },
    { "an empty alternative", "(arn:.*)|()", SLICE(""), true },
    { "a class that begins with a caret", "^[^$].*", SLICE("$a"), false },
    { "a quantifier of a group over a long text", "(ab)*", SLICE("ababababababababababababababababababababababab"),
      true },
    { "a look ahead", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", SLICE("123"), false },
    { "a look behind", "[0-9A-Za-z\\.\\-_]*(?<!\\.)", SLICE("a."), false },
};

static void matches(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct model_pattern *pattern = NULL;
    error *e = model_pattern_compile(ctx, row->pattern, &pattern);
    if (e != NULL)
        fail_msg("%s", e->message);
    assert_int_equal(model_pattern_matches(pattern, row->text), row->matches);
    talloc_free(ctx);
}

static const struct refused {
    const char *name, *pattern;
} refusals[] = {
    { "a class inside a class", "[a-z[0-9]]" }, { "an intersection", "[a-z&&b]" }, { "half an escape", "abc\\" },
    { "\\u without digits", "\\u12" },          { "what PCRE2 refuses", "(a" },
};

static void refuses(void **state)
{
    const struct refused *row = *state;
    void *ctx = talloc_new(NULL);
    struct model_pattern *pattern = NULL;
    error *e = model_pattern_compile(ctx, row->pattern, &pattern);
    assert_true(error_is(e, "InvalidModel"));
    talloc_free(ctx);
}

static const struct costly {
    const char *name, *pattern, *unit, *end;
    bool matches;
} costs[] = {
    { "a repeated group over a megabyte", "([A-Za-z0-9/+]{64}\\u000A)*",
      "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/\n", "", true },
    { "a text made to backtrack ends as no match", "(a+)+b", "a", "c", false },
};

static void ends(void **state)
{
    const struct costly *row = *state;
    void *ctx = talloc_new(NULL);
    struct model_pattern *pattern = NULL;
    error *e = model_pattern_compile(ctx, row->pattern, &pattern);
    assert_null(e);
    writer text = writer_new(ctx, 2 << 20);
    size_t wanted = row->matches ? 1 << 20 : 40;
    while (text.length < wanted)
        writer_text(&text, row->unit);
    writer_text(&text, row->end);
    assert_int_equal(model_pattern_matches(pattern, writer_slice_of(&text)), row->matches);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, matches), TABLE(refusals, refuses), TABLE(costs, ends));
}
