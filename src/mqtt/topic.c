/* topic.c - topic names. */
#include "mqtt/topic.h"
#include "mqtt/wire.h"

enum { SHOWN_BYTES = 128, LONGEST_RULE_NAME = 128 };

const struct mqtt_limits mqtt_limits_aws = { 256, 8, false };
const struct mqtt_limits mqtt_limits_standard = { 1024, MQTT_MAX_LEVELS, true };

slice mqtt_shown(slice text)
{
    if (text.length <= SHOWN_BYTES)
        return text;
    text.length = SHOWN_BYTES;
    while (text.length > 0 && ((uint8_t)text.at[text.length] & 0xc0) == 0x80)
        text.length--;
    return text;
}

static error *broken(void *ctx, slice name, const char *rule)
{
    return error_new(ctx, "TopicNameInvalid", "%s: \"%.*s\".", rule, PRINT(mqtt_shown(name)));
}

/* Basic Ingest: "$aws/rules/RULE/" in front of a name does not count (broker 5), so the rule's name has its own bound. */
static slice counted_part(slice name)
{
    slice rule, rest = slice_starts(name, "$aws/rules/") ? slice_from(name, strlen("$aws/rules/")) : name;
    if (rest.at == name.at || !slice_split(&rest, '/', &rule) || rule.length > LONGEST_RULE_NAME)
        return name;
    return rest;
}

FALLIBLE mqtt_check_topic_name(void *ctx, const struct mqtt_limits *limits, slice name)
{
    slice level, rest = counted_part(name);
    if (name.length == 0)
        return error_new(ctx, "TopicNameInvalid", "The topic name is empty.");
    if (!mqtt_is_text(name))
        return error_new(ctx, "TopicNameInvalid", "The topic name is not UTF-8, or holds the character U+0000.");
    if (memchr(name.at, '+', name.length) || memchr(name.at, '#', name.length)) /* [MQTT-3.3.2-2] */
        return broken(ctx, name, "A topic name has no wildcards");
    if (rest.length > limits->bytes)
        return error_new(ctx, "TopicNameInvalid", "A topic name has at most %zu bytes: \"%.*s\".", limits->bytes,
                         PRINT(mqtt_shown(name)));
    size_t levels = 0;
    while (slice_split(&rest, '/', &level))
        levels++;
    if (levels > limits->levels)
        return error_new(ctx, "TopicNameInvalid", "A topic name has at most %zu slashes: \"%.*s\".", limits->levels - 1,
                         PRINT(mqtt_shown(name)));
    return NULL;
}
