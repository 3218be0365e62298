/* cache.c - shards, each a hash table in the order of use under a lock of its own. */
#include "gateway/cache.h"
#include "base/secret.h"
#include <pthread.h>

#define HASH_FUNCTION(key, length, hash) ((hash) = (unsigned)hash_keyed(slice_bytes((key), (length))))
#define uthash_fatal(message)            abort()
#include <uthash.h>

enum { SHARDS = 16 };

struct entry {
    UT_hash_handle hh;
    struct generation generation;
    int64_t kept_ms;
    void *value;
    size_t length;
    char key[];
};

struct shard {
    pthread_mutex_t mutex;
    struct entry *entries; /* the one used longest ago stands first */
    size_t count;
};

struct cache {
    const struct cache_kind *kind;
    size_t limit; /* of a shard */
    int64_t age_ms;
    struct shard shards[SHARDS];
};

static void remove_entry(struct cache *cache, struct shard *shard, struct entry *entry)
{
    HASH_DEL(shard->entries, entry);
    shard->count--;
    cache->kind->drop(entry->value);
    talloc_free(entry);
}

static int forget_all(struct cache *cache)
{
    for (size_t i = 0; i < SHARDS; i++) {
        while (cache->shards[i].entries != NULL)
            remove_entry(cache, &cache->shards[i], cache->shards[i].entries);
        pthread_mutex_destroy(&cache->shards[i].mutex);
    }
    return 0;
}

struct cache *cache_new(void *ctx, const struct cache_kind *kind, size_t limit, int64_t age_ms)
{
    struct cache *cache = MAKE(ctx, struct cache);
    cache->kind = kind;
    cache->limit = limit / SHARDS + 1;
    cache->age_ms = age_ms;
    for (size_t i = 0; i < SHARDS; i++)
        if (pthread_mutex_init(&cache->shards[i].mutex, NULL) != 0)
            abort();
    talloc_set_destructor(cache, forget_all);
    return cache;
}

static struct shard *shard_of(struct cache *cache, slice key)
{
    return &cache->shards[(hash_keyed(key) >> 32) % SHARDS];
}

static struct entry *find(struct shard *shard, slice key)
{
    struct entry *entry;
    HASH_FIND(hh, shard->entries, key.at, key.length, entry);
    return entry;
}

static void move_to_end(struct shard *shard, struct entry *entry)
{
    HASH_DEL(shard->entries, entry);
    HASH_ADD_KEYPTR(hh, shard->entries, entry->key, entry->length, entry);
}

void *cache_find(struct cache *cache, slice key, struct generation generation, int64_t now_ms)
{
    struct shard *shard = shard_of(cache, key);
    void *value = NULL;
    pthread_mutex_lock(&shard->mutex);
    struct entry *entry = find(shard, key);
    if (entry != NULL && generation_same(entry->generation, generation) && now_ms - entry->kept_ms <= cache->age_ms) {
        value = cache->kind->share(entry->value);
        move_to_end(shard, entry);
    } else if (entry != NULL) {
        remove_entry(cache, shard, entry);
    }
    pthread_mutex_unlock(&shard->mutex);
    return value;
}

/* Entries hang off no context: the cache's own would be shared between threads. */
static struct entry *entry_new(slice key)
{
    struct entry *entry = talloc_zero_size(NULL, sizeof(*entry) + key.length);
    if (entry == NULL)
        abort();
    entry->length = key.length;
    memcpy(entry->key, key.at, key.length);
    return entry;
}

void cache_keep(struct cache *cache, slice key, struct generation generation, int64_t now_ms, void *value)
{
    struct shard *shard = shard_of(cache, key);
    struct entry *entry = entry_new(key);
    entry->generation = generation;
    entry->kept_ms = now_ms;
    entry->value = cache->kind->share(value);

    pthread_mutex_lock(&shard->mutex);
    struct entry *old = find(shard, key);
    if (old != NULL)
        remove_entry(cache, shard, old);
    else if (shard->count >= cache->limit)
        remove_entry(cache, shard, shard->entries);
    HASH_ADD_KEYPTR(hh, shard->entries, entry->key, entry->length, entry);
    shard->count++;
    pthread_mutex_unlock(&shard->mutex);
}

size_t cache_count(struct cache *cache)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&cache->shards[i].mutex);
        count += cache->shards[i].count;
        pthread_mutex_unlock(&cache->shards[i].mutex);
    }
    return count;
}
