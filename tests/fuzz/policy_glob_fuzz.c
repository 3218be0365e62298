/* policy_glob_fuzz.c - a pattern matches what a naive recursive matcher says it does. The input is a pattern, a 0 byte
   and a text; a variable's value is the first half of the text. */
#include "policy/pattern.h"

enum { MAX = 40, STARS_MAX = 4 }; /* the naive matcher's time grows with the power of the stars */

static size_t width(slice text)
{
    size_t n = 1;
    while (n < text.length && ((unsigned char)text.at[n] & 0xC0) == 0x80)
        n++;
    return n;
}

static bool naive(slice pattern, slice text)
{
    if (pattern.length == 0)
        return text.length == 0;
    if (pattern.at[0] == '*')
        return naive(slice_from(pattern, 1), text) ||
               (text.length > 0 && naive(pattern, slice_from(text, width(text))));
    if (text.length == 0)
        return false;
    if (pattern.at[0] == '?')
        return naive(slice_from(pattern, 1), slice_from(text, width(text)));
    return pattern.at[0] == text.at[0] && naive(slice_from(pattern, 1), slice_from(text, 1));
}

static size_t stars(slice pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.length; i++)
        n += pattern.at[i] == '*';
    return n;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* "*V*" with a variable V is "is V in there", whatever V holds; "V?" wants more than V. */
static void check_variable(void *ctx, slice text)
{
    slice value = { text.at, text.length / 2 };
    struct policy_key key = { SLICE("a:v"), &value, 1 };
    struct policy_context context = { .keys = &key, .count = 1 };
    struct pattern pattern;
    must(pattern_compile(ctx, SLICE("*${a:v}*"), PATTERN_WILDCARDS | PATTERN_VARIABLES, &pattern) == NULL);
    must(pattern_matches(&pattern, text, &context) || !text_is_utf8(text));
    must(pattern_compile(ctx, SLICE("${a:v}?"), PATTERN_WILDCARDS | PATTERN_VARIABLES, &pattern) == NULL);
    must(!pattern_matches(&pattern, text, &context) || text.length > value.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH ctx = talloc_new(NULL);
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    if (zero == NULL || size > MAX)
        return 0;
    slice source = slice_bytes(data, (size_t)(zero - data));
    slice text = slice_bytes(zero + 1, size - source.length - 1);
    struct pattern pattern;
    const char *wrong = pattern_compile(ctx, source, PATTERN_WILDCARDS, &pattern);
    must((wrong == NULL) == text_is_utf8(source));
    if (wrong == NULL && text_is_utf8(text) && stars(source) <= STARS_MAX)
        must(pattern_matches(&pattern, text, NULL) == naive(source, text));
    struct arn_pattern arn_pattern;
    struct arn arn = arn_of(text);
    if (arn_pattern_compile(ctx, source, PATTERN_WILDCARDS | PATTERN_VARIABLES, &arn_pattern) == NULL)
        must(!arn_pattern_matches(&arn_pattern, &arn, NULL) || arn.complete || arn_pattern.all || arn_pattern.whole);
    check_variable(ctx, text);
    return 0;
}
