/* migrate.h - the schema's versions: as many as there are files in migrations/, counted in SQLite's user_version. */
#pragma once
#include "store/connection.h"

/* Fails with StoreUnavailable when a newer muster made the store, or it is none. Changes no byte of it. */
FALLIBLE migrate_check(void *ctx, const char *path);
/* Applies what is missing, each file in a transaction of its own. */
FALLIBLE migrate_run(void *ctx, struct connection *connection);
