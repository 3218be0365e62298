/* trie_test.c - the subscription trie: what it holds, and that it answers as every filter by itself would. */
#include "packets.h"

/* ---- by hand ---- */

/* A script of one letter and a path each: + inserts, - removes, ? matches and must find the named keys. A key is the
   letter behind the colon. */
static const struct row {
    const char *name;
    bool hash_takes_parent;
    const char *steps[8];
    size_t count, nodes;
} rows[] = {
    { "an empty trie matches nothing", true, { "?a:" }, 0, 0 },
    { "a name", true, { "+a/b:x", "?a/b:x", "?a:", "?a/b/c:", "?a/c:" }, 1, 2 },
    { "two subscribers of a name", true, { "+a:x", "+a:y", "?a:xy" }, 2, 1 },
    { "again under the same key is once", true, { "+a:x", "+a:x", "?a:x" }, 1, 1 },
    { "overlapping filters are found each", true, { "+a/b:x", "+a/+:y", "+#:z", "+a/#:w", "?a/b:wxyz" }, 4, 5 },
    { "an empty level is a level", true, { "+a//b:x", "?a//b:x", "?a/b:", "+/:y", "?/:y" }, 2, 5 },
    { "hash takes the parent", true, { "+a/#:x", "?a:x", "?a/:x", "?b:" }, 1, 2 },
    { "hash does not take the parent", false, { "+a/#:x", "?a:", "?a/:x", "?a/b/c:x" }, 1, 2 },
    { "wildcards leave reserved names alone",
      true,
      { "+#:x", "+/#:y", "+$a/#:z", "+$a/+:w", "?$a/b:wz", "?b:x" },
      4,
      6 },
    { "removed is gone", true, { "+a/b:x", "-a/b:x", "?a/b:" }, 0, 0 },
    { "removing one leaves the other", true, { "+a/b:x", "+a/b:y", "-a/b:x", "?a/b:y" }, 1, 2 },
    { "a branch goes up to where another begins", true, { "+a/b/c/d:x", "+a/e:y", "-a/b/c/d:x", "?a/e:y" }, 1, 2 },
    { "a node that others hang on stays", true, { "+a:x", "+a/b:y", "-a:x", "?a:", "?a/b:y" }, 1, 2 },
    { "a node with subscribers stays", true, { "+a:x", "+a/b:y", "-a/b:y", "?a:x" }, 1, 1 },
    { "wildcard branches go, too", true, { "+a/+/b:x", "+a/#:y", "-a/#:y", "-a/+/b:x" }, 0, 0 },
    { "removing what is not there",
      true,
      { "+a/b:x", "-a:x", "-a/b/c:x", "-a/b:y", "-b:x", "-a/+:x", "?a/b:x" },
      1,
      2 },
};

struct found {
    char keys[16];
    size_t count;
};

static void note(void *value, void *arg)
{
    struct found *found = arg;
    assert_true(found->count < sizeof(found->keys) - 1);
    size_t at = found->count++;
    for (; at > 0 && found->keys[at - 1] > *(char *)value; at--)
        found->keys[at] = found->keys[at - 1];
    found->keys[at] = *(char *)value;
}

static void follows(void **state)
{
    static char keys[128];
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_trie *trie = mqtt_trie_new(ctx, row->hash_takes_parent);
    for (size_t i = 0; i < 8 && row->steps[i] != NULL; i++) {
        const char *step = row->steps[i], *colon = strchr(step, ':');
        slice path = exactly(ctx, slice_bytes(step + 1, (size_t)(colon - step - 1)));
        char *key = &keys[(uint8_t)colon[1]];
        struct found found = { { 0 }, 0 };
        *key = colon[1];
        if (*step == '+')
            mqtt_trie_insert(trie, path, key, key);
        else if (*step == '-')
            mqtt_trie_remove(trie, path, key);
        else {
            mqtt_trie_match(trie, path, note, &found);
            assert_string_equal(found.keys, colon + 1);
        }
    }
    assert_int_equal(mqtt_trie_count(trie), row->count);
    assert_int_equal(mqtt_trie_node_count(trie), row->nodes);
}

/* ---- by chance: the trie against each filter by itself ---- */

enum { KEYS = 5, FILTERS = 400, STEPS = 4000, MATCHES_EACH = 3 };

static const struct chance {
    const char *name;
    uint64_t seed;
    unsigned deepest;
    const struct mqtt_limits *limits;
} chances[] = {
    { "shallow paths, many of them equal, as on aws", 1, 3, &mqtt_limits_aws },
    { "shallow paths, many of them equal", 2, 3, &mqtt_limits_standard },
    { "middling paths", 3, 5, &mqtt_limits_standard },
    { "paths as deep as the trie", 4, MQTT_MAX_LEVELS, &mqtt_limits_standard },
    { "names deeper than the trie", 5, MQTT_MAX_LEVELS + 9, &mqtt_limits_standard },
};

/* Levels from a small stock, so that paths meet; wildcards only in filters. */
static slice some_path(void *ctx, uint64_t *state, unsigned deepest, bool wildcards)
{
    static const char *const levels[] = { "a", "b", "c", "", "$a", "caf\xc3\xa9", "+", "+", "#" };
    writer out = writer_new(ctx, 4096);
    unsigned depth = 1 + below(state, deepest);
    for (unsigned i = 0; i < depth; i++) {
        const char *level = levels[below(state, wildcards ? 9 : 6)];
        if (i > 0)
            writer_text(&out, "/");
        if (deepest > 8 && !wildcards)
            level = "a"; /* deep paths meet only when they are alike */
        else if (deepest > 8 && *level != '+')
            level = i + 1 == depth && *level == '#' ? "#" : "a";
        else if (*level == '#' && i + 1 < depth)
            level = "+";
        writer_text(&out, level);
    }
    if (out.length == 0)
        writer_text(&out, "/");
    return exactly(ctx, writer_slice_of(&out));
}

struct model {
    struct mqtt_filter filters[FILTERS];
    bool held[FILTERS][KEYS];
    int seen[FILTERS][KEYS];
    int *values[FILTERS][KEYS];
    size_t count;
};

static void count_value(void *value, void *arg)
{
    (void)arg;
    ++*(int *)value;
}

static void agree_on(const struct model *model, const struct mqtt_trie *trie, const struct mqtt_limits *limits,
                     slice topic)
{
    mqtt_trie_match(trie, topic, count_value, NULL);
    for (size_t f = 0; f < FILTERS; f++)
        for (size_t k = 0; k < KEYS; k++) {
            int want = model->held[f][k] && mqtt_filter_matches(limits, &model->filters[f], topic);
            if (*model->values[f][k] != want)
                fail_msg("\"%.*s\" finds \"%.*s\" %d times, not %d", PRINT(topic), PRINT(model->filters[f].path),
                         *model->values[f][k], want);
            *model->values[f][k] = 0;
        }
}

/* Filters may be equal: then the model holds only the first of them. */
static void fill(void *ctx, struct model *model, const struct chance *row, uint64_t *state)
{
    unsigned deepest = row->deepest > MQTT_MAX_LEVELS ? MQTT_MAX_LEVELS : row->deepest;
    for (size_t f = 0; f < FILTERS; f++) {
        slice path = some_path(ctx, state, deepest, true);
        assert_null(mqtt_parse_filter(ctx, row->limits, path, &model->filters[f]));
        for (size_t k = 0; k < KEYS; k++)
            model->values[f][k] = &model->seen[f][k];
    }
}

static size_t first_like(const struct model *model, size_t f)
{
    size_t first = 0;
    while (!slice_equal(model->filters[first].path, model->filters[f].path))
        first++;
    return first;
}

static void step(struct model *model, struct mqtt_trie *trie, uint64_t *state)
{
    size_t f = first_like(model, below(state, FILTERS)), k = below(state, KEYS);
    slice path = model->filters[f].path;
    bool held = model->held[f][k], insert = below(state, 2);
    void *key = &model->held[0][k], *value = model->values[f][k];
    void *there = insert ? mqtt_trie_insert(trie, path, key, value) : mqtt_trie_remove(trie, path, key);
    assert_ptr_equal(there, held ? value : NULL);
    model->held[f][k] = insert;
    model->count += (size_t)insert - (size_t)held;
    assert_int_equal(mqtt_trie_count(trie), model->count);
}

static void agrees_with_each_filter(void **state)
{
    const struct chance *row = *state;
    uint64_t numbers = row->seed;
    SCRATCH ctx = talloc_new(NULL);
    struct model *model = MAKE(ctx, struct model);
    struct mqtt_trie *trie = mqtt_trie_new(ctx, row->limits->hash_takes_parent);
    fill(ctx, model, row, &numbers);
    for (int i = 0; i < STEPS; i++) {
        step(model, trie, &numbers);
        for (int m = 0; i % 40 == 0 && m < MATCHES_EACH; m++)
            agree_on(model, trie, row->limits, some_path(ctx, &numbers, row->deepest, false));
    }
    for (size_t f = 0; f < FILTERS; f++)
        for (size_t k = 0; k < KEYS; k++)
            mqtt_trie_remove(trie, model->filters[f].path, &model->held[0][k]);
    assert_int_equal(mqtt_trie_count(trie), 0);
    assert_int_equal(mqtt_trie_node_count(trie), 0);
}

/* ---- once ---- */

static void gives_what_it_replaces(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_trie *trie = mqtt_trie_new(ctx, true);
    int old = 0, new = 0;
    (void)state;
    assert_null(mqtt_trie_insert(trie, SLICE("a"), ctx, &old));
    assert_ptr_equal(mqtt_trie_insert(trie, SLICE("a"), ctx, &new), &old);
    mqtt_trie_match(trie, SLICE("a"), count_value, NULL);
    assert_int_equal(old, 0);
    assert_int_equal(new, 1);
    assert_ptr_equal(mqtt_trie_remove(trie, SLICE("a"), ctx), &new);
    assert_null(mqtt_trie_remove(trie, SLICE("a"), ctx));
}

static void many_subscribers(void **state)
{
    enum { MANY = 20000 };
    SCRATCH ctx = talloc_new(NULL);
    struct mqtt_trie *trie = mqtt_trie_new(ctx, true);
    size_t empty = talloc_total_blocks(trie);
    int *values = MAKE_ARRAY(ctx, int, MANY);
    char path[32];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        assert_null(mqtt_trie_insert(trie, SLICE("all"), &values[i], &values[i]));
        snprintf(path, sizeof(path), "one/%d/state", i);
        assert_null(mqtt_trie_insert(trie, slice_of(path), &values[i], &values[i]));
    }
    mqtt_trie_match(trie, SLICE("all"), count_value, NULL);
    mqtt_trie_match(trie, SLICE("one/77/state"), count_value, NULL);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(values[i], i == 77 ? 2 : 1);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(mqtt_trie_remove(trie, SLICE("all"), &values[i]), &values[i]);
        snprintf(path, sizeof(path), "one/%d/state", i);
        assert_ptr_equal(mqtt_trie_remove(trie, slice_of(path), &values[i]), &values[i]);
    }
    assert_int_equal(mqtt_trie_node_count(trie), 0);
    assert_int_equal(talloc_total_blocks(trie), empty);
}

static const struct {
    const char *name;
} replaced[] = { { "a second value takes the place of the first" } },
  once[] = { { "twenty thousand come and go, and no memory stays" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, follows), TABLE(chances, agrees_with_each_filter),
                      TABLE(replaced, gives_what_it_replaces), TABLE(once, many_subscribers));
}
