/* trie.c - the subscription trie. */
#include "mqtt/trie.h"
#include "base/secret.h"

/* The tables of a node are children of the node, which each function that adds to one calls `holder`. */
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

/* Most nodes have one child or one subscriber: that one stands alone, without a table, which would be larger than the
   node. The second one makes the table. */
struct node {
    struct node *parent;
    struct node *only_child;
    struct node *children; /* by level; empty while there is an only child */
    struct node *plus;
    struct node *hash;
    struct entry *only_entry;
    struct entry *entries; /* by key; empty while there is an only entry */
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

/* ---- children: those whose level is a text ---- */

static unsigned hash_of(slice level)
{
    return (unsigned)hash_keyed(level);
}

static struct node *find_child(const struct node *node, slice level)
{
    struct node *child = node->only_child;
    if (child != NULL)
        return slice_equal(child->level, level) ? child : NULL;
    if (node->children != NULL)
        HASH_FIND_BYHASHVALUE(hh, node->children, level.at, level.length, hash_of(level), child);
    return child;
}

static void hash_child(struct node *holder, struct node *child)
{
    unsigned hash = hash_of(child->level);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, holder->children, child->level.at, child->level.length, hash, child);
}

static void add_child(struct node *node, struct node *child)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every level of a path has its node */
    if (node->only_child == NULL && node->children == NULL) {
        node->only_child = child;
        return;
    }
    if (node->only_child != NULL)
        hash_child(node, node->only_child);
    node->only_child = NULL;
    hash_child(node, child);
}

static void drop_child(struct node *node, struct node *child)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every level of a path has its node */
    if (node->only_child == child)
        node->only_child = NULL;
    else
        HASH_DEL(node->children, child);
}

/* ---- entries: the same by another key ---- */

static struct entry *find_entry(const struct node *node, const void *key)
{
    struct entry *entry = node->only_entry;
    if (entry != NULL)
        return entry->key == key ? entry : NULL;
    HASH_FIND_PTR(node->entries, &key, entry);
    return entry;
}

static void hash_entry(struct node *holder, struct entry *entry)
{
    HASH_ADD_PTR(holder->entries, key, entry);
}

static void add_entry(struct node *node, const void *key, void *value)
{
    struct entry *entry = MAKE(node, struct entry);
    entry->key = key;
    entry->value = value;
    if (node->only_entry == NULL && node->entries == NULL) {
        node->only_entry = entry;
        return;
    }
    if (node->only_entry != NULL)
        hash_entry(node, node->only_entry);
    node->only_entry = NULL;
    hash_entry(node, entry);
}

static void drop_entry(struct node *node, struct entry *entry)
{
    if (node->only_entry == entry)
        node->only_entry = NULL;
    else
        HASH_DEL(node->entries, entry);
    talloc_free(entry);
}

/* ---- the way to a path's node ---- */

/* Where the node's wildcard child of this level hangs; NULL for a level that is a text. */
static struct node **wildcard_slot(struct node *node, slice level)
{
    return slice_is(level, "+") ? &node->plus : slice_is(level, "#") ? &node->hash : NULL;
}

static struct node *find_below(struct node *node, slice level)
{
    struct node **slot = wildcard_slot(node, level);
    return slot != NULL ? *slot : find_child(node, level);
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

static struct node *grow(struct mqtt_trie *trie, struct node *parent, slice level)
{
    struct node *node = node_new(parent, level);
    struct node **slot = wildcard_slot(parent, level);
    trie->nodes++;
    if (slot != NULL)
        *slot = node;
    else
        add_child(parent, node);
    return node;
}

/* ---- insert and remove ---- */

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
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every level of a path has its node */
    return node->only_entry == NULL && node->entries == NULL && node->only_child == NULL && node->children == NULL &&
           node->plus == NULL && node->hash == NULL;
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
            drop_child(parent, node);
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
    drop_entry(node, entry);
    trie->entries--;
    prune(trie, node);
    return removed;
}

/* ---- match ---- */

/* A topic name split once. No filter is deeper than the array, so that of a deeper name the count is enough. */
struct walk {
    slice levels[MQTT_MAX_LEVELS];
    size_t depth;
    bool reserved; /* the name begins with '$': wildcards of the first level don't take it [MQTT-4.7.2-1] */
    bool hash_takes_parent;
    mqtt_trie_found *found;
    void *arg;
};

static void report(const struct walk *walk, const struct node *node)
{
    if (node->only_entry != NULL)
        walk->found(node->only_entry->value, walk->arg);
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
    const struct node *child = find_child(node, walk->levels[depth]);
    if (child != NULL)
        visit(walk, child, depth + 1);
    if (node->plus != NULL && wildcards)
        visit(walk, node->plus, depth + 1);
}

void mqtt_trie_match(const struct mqtt_trie *trie, slice topic, mqtt_trie_found *found, void *arg)
{
    struct walk walk; /* a kilobyte: cleared only where it is used */
    walk.depth = 0;
    walk.reserved = slice_starts(topic, "$");
    walk.hash_takes_parent = trie->hash_takes_parent;
    walk.found = found;
    walk.arg = arg;
    for (slice level; slice_split(&topic, '/', &level); walk.depth++)
        if (walk.depth < MQTT_MAX_LEVELS)
            walk.levels[walk.depth] = level;
    visit(&walk, trie->root, 0);
}
