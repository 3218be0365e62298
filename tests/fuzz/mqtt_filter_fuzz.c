/* mqtt_filter_fuzz.c - the first line of the input is a topic name, the others are filters. Every filter that parses
   matches itself, read as a name; and the trie finds for the topic what each filter by itself says. */
#include "mqtt/mqtt.h"

#define MUST(fact)            \
    do {                      \
        if (!(fact))          \
            __builtin_trap(); \
    } while (0)

enum { MANY = 200 };

struct lines {
    struct mqtt_filter filters[MANY];
    int found[MANY];
    size_t count;
};

static void count_found(void *value, void *arg)
{
    (void)arg;
    ++*(int *)value;
}

static void read_lines(void *ctx, const struct mqtt_limits *limits, slice text, struct lines *out)
{
    for (slice line; out->count < MANY && slice_split(&text, '\n', &line);) {
        struct mqtt_filter *filter = &out->filters[out->count];
        error *e = mqtt_parse_filter(ctx, limits, line, filter);
        MUST(e == NULL || mqtt_reason_of(e) == MQTT_TOPIC_FILTER_INVALID);
        if (e != NULL)
            continue;
        MUST(mqtt_filter_matches(limits, filter, filter->path));
        MUST(mqtt_filter_has_wildcard(filter) == (mqtt_check_topic_name(ctx, limits, filter->path) != NULL));
        out->count++;
    }
}

static void agree(const struct mqtt_limits *limits, slice text)
{
    SCRATCH ctx = talloc_new(NULL);
    struct lines *lines = MAKE(ctx, struct lines);
    struct mqtt_trie *trie = mqtt_trie_new(ctx, limits->hash_takes_parent);
    slice topic = { NULL, 0 };
    if (!slice_split(&text, '\n', &topic) || mqtt_check_topic_name(ctx, limits, topic) != NULL)
        return;
    read_lines(ctx, limits, text, lines);

    for (size_t i = 0; i < lines->count; i++)
        MUST(mqtt_trie_insert(trie, lines->filters[i].path, &lines->found[i], &lines->found[i]) == NULL);
    mqtt_trie_match(trie, topic, count_found, NULL);
    for (size_t i = 0; i < lines->count; i++)
        MUST(lines->found[i] == mqtt_filter_matches(limits, &lines->filters[i], topic));
    for (size_t i = 0; i < lines->count; i++)
        MUST(mqtt_trie_remove(trie, lines->filters[i].path, &lines->found[i]) == &lines->found[i]);
    MUST(mqtt_trie_count(trie) == 0 && mqtt_trie_node_count(trie) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agree(&mqtt_limits_aws, slice_bytes(data, size));
    agree(&mqtt_limits_standard, slice_bytes(data, size));
    return 0;
}
