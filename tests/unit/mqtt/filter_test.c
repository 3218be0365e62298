/* filter_test.c - topic filters: which parse, and what they match (broker 4.1, 4.6, 4.7). */
#include "packets.h"

enum answer { NO, YES, REFUSED };

#define SEVEN      "1/2/3/4/5/6/7"
#define BYTES_64   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BYTES_256  BYTES_64 BYTES_64 BYTES_64 BYTES_64
#define BYTES_1024 BYTES_256 BYTES_256 BYTES_256 BYTES_256
#define LEVELS_8   "a/a/a/a/a/a/a/a"
#define LEVELS_64  LEVELS_8 "/" LEVELS_8 "/" LEVELS_8 "/" LEVELS_8 "/" LEVELS_8 "/" LEVELS_8 "/" LEVELS_8 "/" LEVELS_8

static const struct row {
    const char *name, *filter, *topic;
    enum answer aws, standard;
} rows[] = {
    { "a name matches itself", "pumps/p7", "pumps/p7", YES, YES },
    { "case counts", "Pumps", "pumps", NO, NO },
    { "a name is not its beginning", "pumps", "pumps2", NO, NO },
    { "plus is any level", "pumps/+/state", "pumps/p7/state", YES, YES },
    { "plus is an empty level", "pumps/+/state", "pumps//state", YES, YES },
    { "plus is a level, not none", "pumps/+", "pumps", NO, NO },
    { "plus is not two levels", "pumps/+", "pumps/p7/state", NO, NO },
    { "plus at the front", "+/p7", "pumps/p7", YES, YES },
    { "plus takes the level before a slash", "+", "/", NO, NO },
    { "two pluses take a slash", "+/+", "/", YES, YES },
    { "a slash and a plus", "/+", "/a", YES, YES },
    { "a trailing slash is a level", "pumps", "pumps/", NO, NO },
    { "hash takes all below", "pumps/#", "pumps/p7/state", YES, YES },
    { "hash takes an empty level", "pumps/#", "pumps/", YES, YES },
    { "hash takes the parent, but not on aws", "pumps/#", "pumps", NO, YES },
    { "hash takes plus's level as its parent, but not on aws", "+/#", "pumps", NO, YES },
    { "hash does not take a neighbour", "pumps/#", "pumps2/a", NO, NO },
    { "hash alone takes everything", "#", "pumps/p7", YES, YES },
    { "hash takes a slash", "#", "/", YES, YES },
    { "MQTT-4.7.2-1, hash", "#", "$aws/events", NO, NO },
    { "MQTT-4.7.2-1, plus", "+/events", "$aws/events", NO, NO },
    { "MQTT-4.7.2-1, plus and hash", "+/#", "$aws/events", NO, NO },
    { "a reserved name by its first level", "$aws/#", "$aws/events/x", YES, YES },
    { "a wildcard behind a reserved level", "$aws/+/x", "$aws/events/x", YES, YES },
    { "a dollar below the first level is a letter", "a/#", "a/$b", YES, YES },
    { "UTF-8 is compared by bytes", "caf\xc3\xa9", "cafe\xcc\x81", NO, NO },

    { "a shared filter is its filter", "$share/g/a/+", "a/b", YES, YES },
    { "a shared wildcard takes no reserved name", "$share/g/#", "$aws/events", NO, NO },
    { "a shared reserved filter", "$share/g/$aws/#", "$aws/events", YES, YES },
    { "a shared filter of a slash", "$share/g//", "/", YES, YES },
    { "a shared filter without a filter [MQTT-4.8.2-2]", "$share/g", "", REFUSED, REFUSED },
    { "a shared filter with an empty one", "$share/g/", "", REFUSED, REFUSED },
    { "an empty group [MQTT-4.8.2-1]", "$share//a", "", REFUSED, REFUSED },
    { "a group with a plus [MQTT-4.8.2-2]", "$share/g+/a", "", REFUSED, REFUSED },
    { "a group with a hash", "$share/#/a", "", REFUSED, REFUSED },
    { "no group at all", "$share/", "", REFUSED, REFUSED },
    { "a group of 128 characters", "$share/" BYTES_64 BYTES_64 "/a", "a", YES, YES },
    { "a group of 129 characters", "$share/" BYTES_64 BYTES_64 "x/a", "", REFUSED, REFUSED },
    { "$share alone is a name", "$share", "$share", YES, YES },
    { "$shared is another name", "$shared/g/a", "$shared/g/a", YES, YES },
    { "a group's slashes don't count", "$share/g/" SEVEN "/8", SEVEN "/8", YES, YES },
    { "a group's bytes don't count", "$share/g/" BYTES_256, BYTES_256, YES, YES },
    { "257 bytes behind a group", "$share/g/" BYTES_256 "x", BYTES_256 "x", REFUSED, YES },
    { "eight slashes behind a group", "$share/g/" SEVEN "/8/9", SEVEN "/8/9", REFUSED, YES },

    { "empty [MQTT-4.7.3-1]", "", "", REFUSED, REFUSED },
    { "a wildcard inside a level [MQTT-4.7.1-2]", "pumps/p+", "", REFUSED, REFUSED },
    { "a plus before a letter", "+a", "", REFUSED, REFUSED },
    { "two pluses in a level", "++", "", REFUSED, REFUSED },
    { "hash behind a letter [MQTT-4.7.1-1]", "a#", "", REFUSED, REFUSED },
    { "hash before the end [MQTT-4.7.1-1]", "pumps/#/state", "", REFUSED, REFUSED },
    { "hash before a slash", "#/", "", REFUSED, REFUSED },
    { "hash and plus", "#+", "", REFUSED, REFUSED },
    { "not UTF-8", "a\xff", "", REFUSED, REFUSED },

    { "seven slashes", SEVEN "/8", SEVEN "/8", YES, YES },
    { "eight slashes", SEVEN "/8/9", SEVEN "/8/9", REFUSED, YES },
    { "seven slashes with hash", SEVEN "/#", SEVEN "/8", YES, YES },
    { "256 bytes", BYTES_256, BYTES_256, YES, YES },
    { "257 bytes", BYTES_256 "x", BYTES_256 "x", REFUSED, YES },
    { "1024 bytes", BYTES_1024, BYTES_1024, REFUSED, YES },
    { "1025 bytes", BYTES_1024 "x", "", REFUSED, REFUSED },
    { "64 levels", LEVELS_64, LEVELS_64, REFUSED, YES },
    { "65 levels", LEVELS_64 "/", "", REFUSED, REFUSED },
};

static enum answer answer_of(const struct mqtt_limits *limits, const struct row *row)
{
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_filter filter;
    slice text = exactly(ctx, slice_of(row->filter));
    error *e = mqtt_parse_filter(ctx, limits, text, &filter);
    if (e != NULL)
        assert_int_equal(mqtt_reason_of(e), MQTT_TOPIC_FILTER_INVALID);
    else if (filter.group.length == 0)
        assert_slice(filter.path, row->filter);
    return e != NULL ? REFUSED : mqtt_filter_matches(limits, &filter, exactly(ctx, slice_of(row->topic)));
}

static void on_aws(void **state)
{
    const struct row *row = *state;
    assert_int_equal(answer_of(&mqtt_limits_aws, row), row->aws);
}

static void on_standard(void **state)
{
    const struct row *row = *state;
    assert_int_equal(answer_of(&mqtt_limits_standard, row), row->standard);
}

static const struct parts {
    const char *name, *filter, *group, *path;
    bool wildcard;
} parts[] = {
    { "a plain filter has no group", "a/b", "", "a/b", false },
    { "a group and its filter", "$share/g/a/+", "g", "a/+", true },
    { "a group and a name", "$share/g/$aws/x", "g", "$aws/x", false },
    { "a hash", "#", "", "#", true },
};

static void are_told_apart(void **state)
{
    const struct parts *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_filter filter;
    assert_null(mqtt_parse_filter(ctx, &mqtt_limits_aws, slice_of(row->filter), &filter));
    assert_slice(filter.group, row->group);
    assert_slice(filter.path, row->path);
    assert_int_equal(mqtt_filter_has_wildcard(&filter), row->wildcard);
}

static const struct message {
    const char *name, *filter, *message;
} messages[] = {
    { "the rule and the text", "a#", "A wildcard is a whole level: \"a#\"." },
    { "how many slashes", SEVEN "/8/9", "A topic filter has at most 7 slashes: \"" SEVEN "/8/9\"." },
    { "of a long text its front", BYTES_256 "x", "A topic filter has at most 256 bytes: \"" BYTES_64 BYTES_64 "\"." },
    { "no half characters",
      "#" BYTES_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\xc3\xa9\xc3\xa9",
      "A wildcard is a whole level: \"#" BYTES_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\"." },
};

static void says(void **state)
{
    const struct message *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_filter filter;
    error *e = mqtt_parse_filter(ctx, &mqtt_limits_aws, slice_of(row->filter), &filter);
    assert_non_null(e);
    assert_string_equal(e->message, row->message);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, on_aws), TABLE(rows, on_standard), TABLE(parts, are_told_apart),
                      TABLE(messages, says));
}
