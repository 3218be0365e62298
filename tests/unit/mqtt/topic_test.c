/* topic_test.c - topic names (broker 4.5, 5). */
#include "packets.h"

#define BYTES_64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BYTES_128 BYTES_64 BYTES_64
#define BYTES_256 BYTES_128 BYTES_128
#define EIGHT     "1/2/3/4/5/6/7/8"

static const struct row {
    const char *name, *topic;
    bool aws, standard;
} rows[] = {
    { "a name", "pumps/p7/state", true, true },
    { "a slash", "/", true, true },
    { "blanks", "a b/ c", true, true },
    { "UTF-8", "caf\xc3\xa9/\xf0\x9f\x92\xa1", true, true },
    { "empty [MQTT-4.7.3-1]", "", false, false },
    { "a plus [MQTT-3.3.2-2]", "a/+", false, false },
    { "a hash [MQTT-3.3.2-2]", "a/#", false, false },
    { "a plus inside a level", "a+b", false, false },
    { "not UTF-8", "a\xed\xa0\x80", false, false },
    { "seven slashes", EIGHT, true, true },
    { "eight slashes", EIGHT "/", false, true },
    { "256 bytes", BYTES_256, true, true },
    { "257 bytes", BYTES_256 "x", false, true },
    { "1025 bytes", BYTES_256 BYTES_256 BYTES_256 BYTES_256 "x", false, false },
    { "seven slashes behind a rule", "$aws/rules/r/" EIGHT, true, true },
    { "eight slashes behind a rule", "$aws/rules/r/" EIGHT "/", false, true },
    { "256 bytes behind a rule", "$aws/rules/r/" BYTES_256, true, true },
    { "257 bytes behind a rule", "$aws/rules/r/" BYTES_256 "x", false, true },
    { "a rule alone", "$aws/rules/r", true, true },
    { "a rule and nothing", "$aws/rules/r/", true, true },
    { "a rule's name of 128 bytes is not counted", "$aws/rules/" BYTES_128 "/" BYTES_256, true, true },
    { "a rule's name that is longer than a name", "$aws/rules/" BYTES_128 "x/" BYTES_128, false, true },
    { "a wildcard as a rule's name", "$aws/rules/+/a", false, false },
};

static void is_a_name(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice topic = exactly(ctx, slice_of(row->topic));
    error *aws = mqtt_check_topic_name(ctx, &mqtt_limits_aws, topic);
    error *standard = mqtt_check_topic_name(ctx, &mqtt_limits_standard, topic);
    assert_int_equal(mqtt_reason_of(aws), row->aws ? MQTT_SUCCESS : MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(mqtt_reason_of(standard), row->standard ? MQTT_SUCCESS : MQTT_TOPIC_NAME_INVALID);
}

static const struct message {
    const char *name;
    slice topic;
    const char *message;
} messages[] = {
    { "the character U+0000", { "a\0b", 3 }, "The topic name is not UTF-8, or holds the character U+0000." },
    { "U+0000 behind UTF-8", { "\xc3\xa9\0", 3 }, "The topic name is not UTF-8, or holds the character U+0000." },
    { "no topic at all", { NULL, 0 }, "The topic name is empty." },
    { "a wildcard", { "a/+", 3 }, "A topic name has no wildcards: \"a/+\"." },
    { "too deep", { EIGHT "/9", 17 }, "A topic name has at most 7 slashes: \"" EIGHT "/9\"." },
};

static void says(void **state)
{
    const struct message *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    error *e = mqtt_check_topic_name(ctx, &mqtt_limits_aws, row->topic);
    assert_non_null(e);
    assert_string_equal(e->message, row->message);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_a_name), TABLE(messages, says));
}
