/* cache.h - a bounded cache of immutable, reference-counted values, for any thread.

   What was used longest ago goes first; what is older than `age_ms`, or of another generation than the one that the
   asker names, is not given out. A lock is held for a few instructions, never over I/O. */
#pragma once
#include "base/bytes.h"
#include "gateway/generations.h"

struct cache;

struct cache_kind {
    void *(*share)(void *value); /* adds a reference */
    void (*drop)(void *value);
};

struct cache *cache_new(void *ctx, const struct cache_kind *kind, size_t limit, int64_t age_ms);
/* With a reference for the caller, or NULL. */
void *cache_find(struct cache *cache, slice key, struct generation generation, int64_t now_ms);
/* Takes a reference of its own; replaces what the key had. */
void cache_keep(struct cache *cache, slice key, struct generation generation, int64_t now_ms, void *value);
size_t cache_count(struct cache *cache);
