/* folder.h - the data folder: one process at a time, and files that nobody else reads. */
#pragma once
#include "base/bytes.h"

/* Holds DIR/lock until ctx is freed. Fails with StoreUnavailable, naming the process that has it. */
FALLIBLE folder_lock(void *ctx, const char *folder);
/* Makes an empty DIR/store.db, 0600, when there is none: SQLite gives its other files the same rights. */
FALLIBLE folder_make_file(void *ctx, const char *folder, const char *path);
