/* reader.h - a fixed set of reading connections, opened when first needed, lent to one thread at a time. */
#pragma once
#include "store/tx.h"

struct readers;

/* The connections close with ctx. */
struct readers *readers_new(void *ctx, const char *path, const char *vfs, unsigned count);
/* store_read. */
FALLIBLE readers_read(struct readers *readers, void *ctx, FALLIBLE (*look)(struct tx *tx, void *arg), void *arg);
uint64_t readers_count(struct readers *readers);
