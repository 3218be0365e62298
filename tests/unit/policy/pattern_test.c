/* pattern_test.c - resources and variables (auth 4.2.2 and 4.2.5, broker 4.11). */
#include "policy/pattern.h"
#include "given.h"

enum { IOT = PATTERN_WILDCARDS | PATTERN_VARIABLES | PATTERN_PARENTHESES, OLD = PATTERN_WILDCARDS };

#define A "arn:aws:iot:eu-west-1:111122223333:"

static const struct row {
    const char *name, *pattern, *resource;
    bool matches;
} rows[] = {
    { "a star takes any run, slashes too", A "topicfilter/plant/*", A "topicfilter/plant/+/temp", true },
    { "a star takes a hash", A "topicfilter/plant/*", A "topicfilter/plant/#", true },
    { "a plus is that very filter", A "topicfilter/plant/+/temp", A "topicfilter/plant/+/temp", true },
    { "a plus is no wildcard for filters", A "topicfilter/plant/+/temp", A "topicfilter/plant/x/temp", false },
    { "a plus is no wildcard for topics", A "topic/plant/+/temp", A "topic/plant/x/temp", false },
    { "a hash is no wildcard", A "topic/plant/#", A "topic/plant/x", false },
    { "a question mark is one character, even a slash", A "topic/a?c", A "topic/a/c", true },
    { "a question mark is not none", A "topic/a?c", A "topic/ac", false },
    { "a question mark is not two", A "topic/a?c", A "topic/abbc", false },
    { "a question mark is a character of several bytes", A "topic/a?c",
      A "topic/a\xE2\x82\xAC"
        "c",
      true },
    { "two question marks are not one character of two bytes", A "topic/a??c",
      A "topic/a\xC3\xA9"
        "c",
      false },
    { "nor behind a star", A "topic/*??", A "topic/\xC3\xA9", false },
    { "topic does not give topicfilter", A "topic/*", A "topicfilter/a", false },
    { "case counts", A "topic/A", A "topic/a", false },
    { "a star alone is everything", "*", A "topic/a", true },
    { "a star alone is the star", "*", "*", true },
    { "an ARN is not the star", A "*", "*", false },
    { "nor with wildcards all over", "arn:*:*:*:*:*", "*", false },
    { "nor padded", "arn:*", "*", false },
    { "head parts have wildcards", "arn:aws:iot:*:1111*:topic/a", A "topic/a", true },
    { "a star does not cross a colon of the head", "arn:aws:iot:*:topic/a", A "topic/a", false },
    { "a missing part is anything", "arn:aws:iot", A "topic/a", true },
    { "four parts are padded", "arn:aws:iot:eu-west-1", A "thing/x", true },
    { "padding does not forgive the rest", "arn:aws:iot:eu-west-2", A "thing/x", false },
    { "auth acceptance 14", "arn:aws:iot:*:111122223333:thing/a",
      "arn:aws:iot:eu-west-1:222233334444:thing/x:111122223333:thing/a", false },
    { "auth acceptance 14, one part less", "arn:aws:iot:*:111122223333:thing/a",
      "arn:aws:iot:x:thing/x:111122223333:thing/a", false },
    { "the rest may hold colons", A "thing/a:*", A "thing/a:b:c", true },
    { "colons of the rest are compared", A "thing/a:b", A "thing/a:c", false },
    { "an incomplete resource matches nothing", "arn:aws:iot:*:*:*", "arn:aws:iot", false },
    { "an empty resource matches nothing", "arn:aws:iot:*:*:*", "", false },
    { "an empty region is a part", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/a/b", true },
    { "a run in the middle", A "topic/plant/*/admin", A "topic/plant/lamp-7/x/admin", true },
    { "the end of a run is compared", A "topic/plant/*/admin", A "topic/plant/lamp-7/admin2", false },
    { "a pattern longer than its text", A "topic/ab", A "topic/a", false },
    { "a trailing run may be empty", A "topic/a*", A "topic/a", true },
    { "hostile runs end", A "topic/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
      A "topic/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      false },
};

static bool arn_matches(const char *pattern, unsigned flags, const char *resource, const char *keys)
{
    SCRATCH ctx = talloc_new(NULL);
    struct policy_context context = given_context(ctx, keys);
    struct arn_pattern compiled;
    struct arn arn = arn_of(slice_of(resource));
    const char *wrong = arn_pattern_compile(ctx, slice_of(pattern), flags, &compiled);
    if (wrong != NULL)
        fail_msg("%s: %s", pattern, wrong);
    return arn_pattern_matches(&compiled, &arn, &context);
}

static void answers(void **state)
{
    const struct row *row = *state;
    assert_int_equal(arn_matches(row->pattern, IOT, row->resource, NULL), row->matches);
}

static const struct variable {
    const char *name, *pattern, *keys, *resource;
    unsigned flags;
    bool matches;
} variables[] = {
    { "a variable is its value", A "client/${iot:ClientId}", "iot:ClientId=p7", A "client/p7", IOT, true },
    { "names have no case", A "client/${IOT:clientid}", "iot:ClientId=p7", A "client/p7", IOT, true },
    { "another value", A "client/${iot:ClientId}", "iot:ClientId=p8", A "client/p7", IOT, false },
    { "a longer value", A "client/${iot:ClientId}", "iot:ClientId=p77", A "client/p7", IOT, false },
    { "a shorter value", A "client/${iot:ClientId}", "iot:ClientId=p", A "client/p7", IOT, false },
    { "between texts and wildcards", A "topic/*/${iot:ClientId}/?/*", "iot:ClientId=p7", A "topic/a/b/p7/x/y/z", IOT,
      true },
    { "two of them", A "topic/${a:x}-${a:y}", "a:x=1;a:y=2", A "topic/1-2", IOT, true },
    { "an empty value is a value", A "topic/a${a:x}b", "a:x=", A "topic/ab", IOT, true },
    { "a star in a value is a star", A "topic/${iot:ClientId}/t", "iot:ClientId=*", A "topic/p7/t", IOT, false },
    { "and matches itself", A "topic/${iot:ClientId}/t", "iot:ClientId=*", A "topic/*/t", IOT, true },
    { "a question mark in a value is one", A "topic/${iot:ClientId}", "iot:ClientId=?", A "topic/a", IOT, false },
    { "a plus in a value is plain (the guide warns of it)", A "topicfilter/my/${iot:ClientId}/t", "iot:ClientId=+",
      A "topicfilter/my/+/t", IOT, true },
    { "a value is not read again", A "topic/${a:x}", "a:x=${a:y};a:y=1", A "topic/1", IOT, false },
    { "no value matches nothing", A "topic/${iot:ClientId}*", "", A "topic/a", IOT, false },
    { "not even as a star", "*${iot:ClientId}", "", "*", IOT, false },
    { "two values match nothing", A "topic/${a:x}", "a:x=1|2", A "topic/1", IOT, false },
    { "two values have no default", A "topic/${a:x, 'd'}", "a:x=1|2", A "topic/d", IOT, false },
    { "one value of a key that may have several", A "topic/${aws:TagKeys}", "aws:TagKeys=1", A "topic/1", IOT, false },
    { "nor has it a default, in any case", A "topic/${AWS:tagkeys, 'd'}", "", A "topic/d", IOT, false },
    { "a default stands in", A "topic/${a:x, 'none'}", "", A "topic/none", IOT, true },
    { "a default with a brace", A "topic/${a:x,'a}b'}", "", A "topic/a}b", IOT, true },
    { "a default is literal", A "topic/${a:x,'*'}", "", A "topic/q", IOT, false },
    { "a value goes before the default", A "topic/${a:x, 'none'}", "a:x=1", A "topic/none", IOT, false },
    { "an attribute with a comma in its name", A "topic/${iot:Connection.Thing.Attributes[a,b]}",
      "iot:Connection.Thing.Attributes[a,b]=7", A "topic/7", IOT, true },
    { "a literal star", A "topic/${*}", "", A "topic/*", IOT, true },
    { "is no wildcard", A "topic/${*}", "", A "topic/a", IOT, false },
    { "a literal question mark", A "topic/${?}", "", A "topic/?", IOT, true },
    { "is no wildcard either", A "topic/${?}", "", A "topic/a", IOT, false },
    { "a literal dollar", A "topic/${$}aws", "", A "topic/$aws", IOT, true },
    { "parentheses in IoT policies", A "topic/$(*)", "", A "topic/*", IOT, true },
    { "are wildcards inside parentheses for IAM", A "topic/$(*)", "", A "topic/$(abc)", OLD | PATTERN_VARIABLES, true },
    { "a dollar alone", A "topic/$aws/$", "", A "topic/$aws/$", IOT, true },
    { "before 2012-10-17 a variable is text", A "topic/${a:x}", "a:x=1", A "topic/${a:x}", OLD, true },
    { "and has no value", A "topic/${a:x}", "a:x=1", A "topic/1", OLD, false },
    { "a colon in a value stays in its part", "arn:aws:iot:${a:x}:topic/a", "a:x=eu-west-1:111122223333", A "topic/a",
      IOT, false },
    { "one variable for an entire ARN", "${a:x}", "a:x=" A "topic/a", A "topic/a", IOT, true },
    { "which is literal", "${a:x}", "a:x=" A "topic/*", A "topic/a", IOT, false },
    { "a value that is not UTF-8 matches nothing", A "topic/${a:x}", "a:x=\xFF", A "topic/\xFF", IOT, false },
};

static void fills_in(void **state)
{
    const struct variable *row = *state;
    assert_int_equal(arn_matches(row->pattern, row->flags, row->resource, row->keys), row->matches);
}

static const struct broken {
    const char *name, *pattern, *complaint;
} broken[] = {
    { "no closing brace", A "topic/${iot:ClientId", "has a \"${\" without its \"}\"" },
    { "no name", A "topic/${}", "has a variable without a name" },
    { "a blank name", A "topic/${ }", "has a variable without a name" },
    { "a variable in a variable", A "topic/${a:${b:c}}", "has a variable whose name holds one of \"*?${\"" },
    { "a wildcard in a name", A "topic/${a:*}", "has a variable whose name holds one of \"*?${\"" },
    { "a default without a comma", A "topic/${a:x 'd'}",
      "has a variable whose default is not written as ${name, 'default'}" },
    { "a default with text behind it", A "topic/${a:x, 'd' e}",
      "has a variable whose default is not written as ${name, 'default'}" },
    { "a default that does not end", A "topic/${a:x, 'd}", "has a \"${\" without its \"}\"" },
    { "bytes that are not UTF-8", A "topic/\xFF", "is not UTF-8" },
};

static void is_refused(void **state)
{
    const struct broken *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct arn_pattern compiled;
    const char *wrong = arn_pattern_compile(ctx, slice_of(row->pattern), IOT, &compiled);
    assert_non_null(wrong);
    assert_string_equal(wrong, row->complaint);
}

/* Sizes that leave the fixed scratch room of a match, and the cap. */
static const struct size {
    const char *name;
    size_t value, pattern;
} sizes[] = {
    { "a value that fits the stack", 128, 16 },
    { "a value that does not", 5000, 16 },
    { "the longest pattern", 100, POLICY_PATTERN_MAX - 10 },
};

static void long_values_match(void **state)
{
    const struct size *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char *value = memory_zeroed(ctx, 1, row->value + 1, "value"),
         *head = memory_zeroed(ctx, 1, row->pattern + 1, "head");
    memset(value, 'v', row->value);
    memset(head, 'h', row->pattern);
    struct policy_context context = given_context(ctx, text_format(ctx, "a:x=%s", value));
    struct pattern pattern;
    assert_null(pattern_compile(ctx, slice_of(text_format(ctx, "%s${a:x}*", head)), IOT, &pattern));
    assert_true(pattern_matches(&pattern, slice_of(text_format(ctx, "%s%s", head, value)), &context));
    assert_true(pattern_matches(&pattern, slice_of(text_format(ctx, "%s%sx", head, value)), &context));
    value[row->value - 1] = 'w';
    assert_false(pattern_matches(&pattern, slice_of(text_format(ctx, "%s%s", head, value)), &context));
    assert_non_null(pattern_compile(ctx, slice_of(text_format(ctx, "%2049s", "x")), IOT, &pattern));
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(variables, fills_in), TABLE(broken, is_refused),
                      TABLE(sizes, long_values_match));
}
