/* filter.c - topic filters. */
#include "mqtt/filter.h"
#include "mqtt/wire.h"

enum { LONGEST_GROUP = 128 };

static bool has_wildcard(slice s)
{
    return s.length > 0 && (memchr(s.at, '+', s.length) || memchr(s.at, '#', s.length));
}

static error *broken(void *ctx, slice text, const char *rule)
{
    return error_new(ctx, "TopicFilterInvalid", "%s: \"%.*s\".", rule, PRINT(mqtt_shown(text)));
}

static FALLIBLE take_group(void *ctx, slice text, struct mqtt_filter *out)
{
    slice rest = slice_from(text, strlen("$share/"));
    if (!slice_split(&rest, '/', &out->group) || out->group.length == 0 || has_wildcard(out->group) || rest.length == 0)
        return broken(ctx, text, "A shared filter is $share/GROUP/FILTER"); /* [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
    if (text_utf8_length(out->group) > LONGEST_GROUP)
        return broken(ctx, text, "The group of a shared filter has at most 128 characters");
    out->path = rest;
    return NULL;
}

static FALLIBLE check_levels(void *ctx, const struct mqtt_limits *limits, slice text, slice path)
{
    size_t levels = 0;
    for (slice rest = path, level; slice_split(&rest, '/', &level); levels++) {
        if (level.length > 1 && has_wildcard(level))
            return broken(ctx, text, "A wildcard is a whole level"); /* [MQTT-4.7.1-1], [MQTT-4.7.1-2] */
        if (slice_is(level, "#") && rest.at != NULL)
            return broken(ctx, text, "'#' stands at the end"); /* [MQTT-4.7.1-1] */
    }
    if (levels > limits->levels || levels > MQTT_MAX_LEVELS)
        return error_new(ctx, "TopicFilterInvalid", "A topic filter has at most %zu slashes: \"%.*s\".",
                         limits->levels - 1, PRINT(mqtt_shown(text)));
    return NULL;
}

FALLIBLE mqtt_parse_filter(void *ctx, const struct mqtt_limits *limits, slice text, struct mqtt_filter *out)
{
    *out = (struct mqtt_filter){ .path = text };
    if (!mqtt_is_text(text))
        return error_new(ctx, "TopicFilterInvalid", "The topic filter is not UTF-8, or holds the character U+0000.");
    if (slice_starts(text, "$share/"))
        TRY(take_group(ctx, text, out));
    if (out->path.length == 0)
        return error_new(ctx, "TopicFilterInvalid", "The topic filter is empty."); /* [MQTT-4.7.3-1] */
    if (out->path.length > limits->bytes)
        return error_new(ctx, "TopicFilterInvalid", "A topic filter has at most %zu bytes: \"%.*s\".", limits->bytes,
                         PRINT(mqtt_shown(text)));
    return check_levels(ctx, limits, text, out->path);
}

bool mqtt_filter_has_wildcard(const struct mqtt_filter *filter)
{
    return has_wildcard(filter->path);
}

bool mqtt_filter_matches(const struct mqtt_limits *limits, const struct mqtt_filter *filter, slice name)
{
    slice want, have, wanted = filter->path, rest = name;
    if (slice_starts(name, "$") && (slice_starts(wanted, "+") || slice_starts(wanted, "#")))
        return false;
    while (slice_split(&wanted, '/', &want)) {
        if (slice_is(want, "#"))
            return rest.at != NULL || limits->hash_takes_parent;
        if (!slice_split(&rest, '/', &have) || !(slice_is(want, "+") || slice_equal(want, have)))
            return false;
    }
    return rest.at == NULL;
}
