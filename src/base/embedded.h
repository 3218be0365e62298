/* embedded.h - files of the source tree that travel inside the programs: the interface models and the store's
   migrations. Sorted by name; a NUL stands after each, which `length` does not count, and a row of NULL after the last. */
#pragma once
#include <stddef.h>

struct embedded_file {
    const char *name; /* without a folder: "iot.json" */
    const char *at;
    size_t length;
};

extern const struct embedded_file embedded_api[]; /* api/...json */
extern const size_t embedded_api_count;
extern const struct embedded_file embedded_migrations[]; /* src/store/migrations/...sql */
extern const size_t embedded_migrations_count;
