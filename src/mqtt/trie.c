/* trie.c - the subscription trie. */
#include "mqtt/trie.h"
#include "base/secret.h"

/* The tables of a node are children of the node, which each function that adds to one calls `holder`. Most nodes have
   one child and one subscriber: a table begins small. */
#define uthash_malloc(size)      memory_zeroed(holder, 1, (size), "table of a trie's node")
#define uthash_free(table, size) talloc_free(table)
#include <uthash.h>
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#define HASH_INITIAL_NUM_BUCKETS      4U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 2U

struct entry {
    const void *key;
    void *value;
    UT_hash_handle hh;
};

struct node {
    struct node *parent;
    struct node *children; /* by level */
    struct node *plus;
    struct node *hash;
    struct entry *entries; /* by key */
    UT_hash_handle hh;
    slice level;
};

struct mqtt_trie {
    struct node *root;
    bool hash_takes_parent;
    size_t entries;
    size_t nodes;
};

struct mqtt_trie *mqtt_trie_new(void *ctx, bool hash_takes_parent)
{
    struct mqtt_trie *trie = MAKE(ctx, struct mqtt_trie);
    trie->root = MAKE(trie, struct node);
    trie->hash_takes_parent = hash_takes_parent;
    return trie;
}

size_t mqtt_trie_count(const struct mqtt_trie *trie)
{
    return trie->entries;
}

size_t mqtt_trie_node_count(const struct mqtt_trie *trie)
{
    return trie->nodes;
}

/* ---- the way to a path's node ---- */

static unsigned hash_of(slice level)
{
    return (unsigned)hash_keyed(level);
}

static struct node *find_child(const struct node *node, slice level, unsigned hash)
{
    struct node *child;
    HASH_FIND_BYHASHVALUE(hh, node->children, level.at, level.length, hash, child);
    return child;
}

/* Where the node's wildcard child of this level hangs; NULL for a level that is a text. */
static struct node **wildcard_slot(struct node *node, slice level)
{
    return slice_is(level, "+") ? &node->plus : slice_is(level, "#") ? &node->hash : NULL;
}

static struct node *find_below(struct node *node, slice level)
{
    struct node **slot = wildcard_slot(node, level);
    return slot != NULL ? *slot : find_child(node, level, hash_of(level));
}

/* The level's text stands behind the node, in the same piece of memory. */
static struct node *node_new(struct node *parent, slice level)
{
    struct node *node = memory_zeroed(parent, 1, sizeof(*node) + level.length, "struct node");
    char *text = (char *)(node + 1);
    if (level.length > 0)
        memcpy(text, level.at, level.length);
    node->parent = parent;
    node->level = (slice){ text, level.length };
    return node;
}

static struct node *grow(struct mqtt_trie *trie, struct node *holder, slice level)
{
    struct node *node = node_new(holder, level);
    struct node **slot = wildcard_slot(holder, level);
    trie->nodes++;
    if (slot != NULL)
        *slot = node;
    else
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, holder->children, node->level.at, level.length, hash_of(level), node);
    return node;
}

/* ---- insert and remove ---- */

static struct entry *find_entry(const struct node *node, const void *key)
{
    struct entry *entry;
    HASH_FIND_PTR(node->entries, &key, entry);
    return entry;
}

static void add_entry(struct node *holder, const void *key, void *value)
{
    struct entry *entry = MAKE(holder, struct entry);
    entry->key = key;
    entry->value = value;
    HASH_ADD_PTR(holder->entries, key, entry);
}

void *mqtt_trie_insert(struct mqtt_trie *trie, slice path, const void *key, void *value)
{
    struct node *node = trie->root;
    for (slice level; slice_split(&path, '/', &level);) {
        struct node *below = find_below(node, level);
        node = below != NULL ? below : grow(trie, node, level);
    }
    struct entry *entry = find_entry(node, key);
    if (entry == NULL) {
        add_entry(node, key, value);
        trie->entries++;
        return NULL;
    }
    void *replaced = entry->value;
    entry->value = value;
    return replaced;
}

static bool is_bare(const struct node *node)
{
    return node->entries == NULL && node->children == NULL && node->plus == NULL && node->hash == NULL;
}

/* Frees the node if nothing hangs on it any more, then its parent likewise, up to the root. */
static void prune(struct mqtt_trie *trie, struct node *node)
{
    while (node != trie->root && is_bare(node)) {
        struct node *parent = node->parent;
        struct node **slot = wildcard_slot(parent, node->level);
        if (slot != NULL)
            *slot = NULL;
        else
            HASH_DEL(parent->children, node);
        talloc_free(node);
        trie->nodes--;
        node = parent;
    }
}

void *mqtt_trie_remove(struct mqtt_trie *trie, slice path, const void *key)
{
    struct node *node = trie->root;
    for (slice level; node != NULL && slice_split(&path, '/', &level);)
        node = find_below(node, level);
    struct entry *entry = node != NULL ? find_entry(node, key) : NULL;
    if (entry == NULL)
        return NULL;
    void *removed = entry->value;
    HASH_DEL(node->entries, entry);
    talloc_free(entry);
    trie->entries--;
    prune(trie, node);
    return removed;
}

/* ---- match ---- */

/* A topic name split once. No filter is deeper than the array, so that of a deeper name the count is enough. */
struct walk {
    slice levels[MQTT_MAX_LEVELS];
    unsigned hashes[MQTT_MAX_LEVELS];
    size_t depth;
    bool reserved; /* the name begins with '$': wildcards of the first level don't take it [MQTT-4.7.2-1] */
    bool hash_takes_parent;
    mqtt_trie_found *found;
    void *arg;
};

static void report(const struct walk *walk, const struct node *node)
{
    for (const struct entry *entry = node->entries; entry != NULL; entry = entry->hh.next)
        walk->found(entry->value, walk->arg);
}

static void visit(const struct walk *walk, const struct node *node, size_t depth)
{
    bool wildcards = depth > 0 || !walk->reserved;
    if (node->hash != NULL && wildcards && (depth < walk->depth || walk->hash_takes_parent))
        report(walk, node->hash);
    if (depth == walk->depth) {
        report(walk, node);
        return;
    }
    if (depth == MQTT_MAX_LEVELS)
        return;
    const struct node *child = find_child(node, walk->levels[depth], walk->hashes[depth]);
    if (child != NULL)
        visit(walk, child, depth + 1);
    if (node->plus != NULL && wildcards)
        visit(walk, node->plus, depth + 1);
}

void mqtt_trie_match(const struct mqtt_trie *trie, slice topic, mqtt_trie_found *found, void *arg)
{
    struct walk walk; /* 1.5 kilobytes: cleared where it is used only */
    walk.depth = 0;
    walk.reserved = slice_starts(topic, "$");
    walk.hash_takes_parent = trie->hash_takes_parent;
    walk.found = found;
    walk.arg = arg;
    for (slice level; slice_split(&topic, '/', &level); walk.depth++)
        if (walk.depth < MQTT_MAX_LEVELS) {
            walk.levels[walk.depth] = level;
            walk.hashes[walk.depth] = hash_of(level);
        }
    visit(&walk, trie->root, 0);
}
