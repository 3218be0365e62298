/* migrate.c - looking at a store's version, and bringing it to ours. */
#include "store/migrate.h"
#include "base/embedded.h"
#include "base/encode.h"
#include <sys/stat.h>

static error *broken(void *ctx, sqlite3 *db, const char *what)
{
    return error_new(ctx, "StoreUnavailable", "%s: %s.", what,
                     db == NULL ? sqlite3_errstr(SQLITE_NOMEM) : sqlite3_errmsg(db));
}

static FALLIBLE read_version(void *ctx, sqlite3 *db, size_t *version)
{
    sqlite3_stmt *asked = NULL;
    bool good = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &asked, NULL) == SQLITE_OK &&
                sqlite3_step(asked) == SQLITE_ROW;
    int read = good ? sqlite3_column_int(asked, 0) : 0;
    error *e = good ? NULL : broken(ctx, db, "The store's version cannot be read");
    sqlite3_finalize(asked);
    if (e == NULL && read < 0)
        e = error_new(ctx, "StoreUnavailable", "The store is of version %d, which no muster writes.", read);
    *version = read < 0 ? 0 : (size_t)read;
    return e;
}

static bool holds_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0;
}

/* A log that a crash left may hold the version, so it is read too. Without one the file is declared immutable: then
   not even an empty log is made beside it. */
static const char *uri_of(void *ctx, const char *path)
{
    writer uri = writer_new(ctx, SIZE_MAX);
    writer_text(&uri, "file:");
    percent_encode(&uri, slice_of(path), "/");
    writer_text(&uri, holds_bytes(text_format(ctx, "%s-wal", path)) ? "?mode=ro" : "?mode=ro&immutable=1");
    return writer_finish(&uri);
}

static FALLIBLE check_version(void *ctx, sqlite3 *db)
{
    size_t version;
    TRY(read_version(ctx, db, &version));
    if (version > embedded_migrations_count)
        return error_new(ctx, "StoreUnavailable",
                         "The store is of version %zu, made by a newer muster; this one knows %zu.", version,
                         embedded_migrations_count);
    return NULL;
}

FALLIBLE migrate_check(void *ctx, const char *path)
{
    if (!holds_bytes(path))
        return NULL;
    SCRATCH scratch = talloc_new(NULL);
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(uri_of(scratch, path), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    if (db != NULL)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    error *e = code == SQLITE_OK ? check_version(ctx, db) : broken(ctx, db, "The store cannot be opened");
    sqlite3_close(db);
    return e;
}

static FALLIBLE apply_file(void *ctx, sqlite3 *db, size_t index)
{
    const struct embedded_file *file = &embedded_migrations[index];
    const char *set_version = text_format(ctx, "PRAGMA user_version = %zu", index + 1);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, file->at, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, set_version, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return NULL;
    error *e =
        broken(ctx, db, text_format(ctx, "The store cannot be brought to version %zu (%s)", index + 1, file->name));
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

FALLIBLE migrate_run(void *ctx, struct connection *connection)
{
    size_t version;
    TRY(read_version(ctx, connection->db, &version));
    for (; version < embedded_migrations_count; version++)
        TRY(apply_file(ctx, connection->db, version));
    return NULL;
}
