/* connection.c - opening a connection, the meaning of SQLite's errors, checkpoints. */
#include "store/connection.h"
#include "base/log.h"
#include <stdio.h>
#include <uv.h>

enum {
    BUSY_MS = 5000,          /* somebody's sqlite3 shell may hold the file for a moment */
    CHECKPOINT_PAGES = 4000, /* 16 MB: rarely enough to write a page once that many commits have changed */
    CHECKPOINT_WAITS_AT = 8 * CHECKPOINT_PAGES,
    CHECKPOINT_PATIENCE_MS = 200, /* the writer stands still meanwhile */
};

/* Read by every connection. Double-quoted text is a misspelt column, not a literal. */
static const struct config {
    int option;
    int on;
} configs[] = {
    { SQLITE_DBCONFIG_DEFENSIVE, 1 },
    { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    { SQLITE_DBCONFIG_DQS_DML, 0 },
    { SQLITE_DBCONFIG_DQS_DDL, 0 },
};

static const struct limit {
    int id;
    int most;
} limits[] = {
    { SQLITE_LIMIT_ATTACHED, 0 },
    { SQLITE_LIMIT_SQL_LENGTH, 1 << 20 },
};

static const char shared_settings[] = "PRAGMA mmap_size = 0;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA cell_size_check = ON;";
/* FULL in WAL mode: each commit is synced before it returns. Checkpoints are ours (connection_checkpoint_if_due). */
static const char writer_settings[] = "PRAGMA journal_mode = WAL;"
                                      "PRAGMA synchronous = FULL;"
                                      "PRAGMA wal_autocheckpoint = 0;"
                                      "PRAGMA journal_size_limit = 67108864;"
                                      "PRAGMA cache_size = -65536;";
static const char reader_settings[] = "PRAGMA query_only = ON;"
                                      "PRAGMA cache_size = -16384;";

/* Counting its bytes costs SQLite a lock that all threads share. */
static void prepare_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int remember_length(void *connection, sqlite3 *db, const char *schema, int pages)
{
    (void)db;
    (void)schema;
    ((struct connection *)connection)->log_pages = pages;
    return SQLITE_OK;
}

static bool keeps_a_log(sqlite3 *db)
{
    sqlite3_stmt *asked = NULL;
    bool does = sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &asked, NULL) == SQLITE_OK &&
                sqlite3_step(asked) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(asked, 0), "wal") == 0;
    sqlite3_finalize(asked);
    return does;
}

static bool set_up(struct connection *connection)
{
    sqlite3 *db = connection->db;
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++)
        sqlite3_db_config(db, configs[i].option, configs[i].on, NULL);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(db, limits[i].id, limits[i].most);
    sqlite3_busy_timeout(db, BUSY_MS);

    const char *settings = connection->kind == CONNECTION_WRITES ? writer_settings : reader_settings;
    if (sqlite3_exec(db, shared_settings, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return false;
    if (connection->kind == CONNECTION_WRITES)
        sqlite3_wal_hook(db, remember_length, connection);
    return true;
}

FALLIBLE store_connection_open(void *ctx, const char *path, const char *vfs, enum connection_kind kind,
                               struct connection **out)
{
    static uv_once_t prepared = UV_ONCE_INIT;
    uv_once(&prepared, prepare_library);

    struct connection *connection = MAKE(NULL, struct connection);
    connection->kind = kind;
    int access = kind == CONNECTION_WRITES ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int code = sqlite3_open_v2(path, &connection->db, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    error *e = NULL;
    if (code != SQLITE_OK || !set_up(connection))
        e = error_new(ctx, "StoreUnavailable", "%s cannot be opened: %s.", path,
                      connection->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(connection->db));
    else if (kind == CONNECTION_WRITES && !keeps_a_log(connection->db))
        e = error_new(ctx, "StoreUnavailable", "%s stands on a file system without shared memory; use a local one.",
                      path);
    if (e == NULL)
        *out = connection;
    else
        store_connection_close(connection);
    return e;
}

void store_connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    statements_drop(connection);
    if (connection->sync_failed) /* a copy into the database would trust what the disk may have lost */
        sqlite3_db_config(connection->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(connection->db);
    talloc_free(connection);
}

bool connection_in_transaction(const struct connection *connection)
{
    return !sqlite3_get_autocommit(connection->db);
}

/* ---- errors ---- */

/* What the values of one call can cause though the statement is right: a key that exists, malformed JSON. */
static bool rows_are_to_blame(int code)
{
    int primary = code & 0xff;
    return primary == SQLITE_CONSTRAINT || primary == SQLITE_ERROR || primary == SQLITE_TOOBIG ||
           primary == SQLITE_MISMATCH;
}

/* Keeps what SQLite has just refused, and gives its extended code. */
static int take_note(struct connection *connection, const char *sql)
{
    int code = sqlite3_extended_errcode(connection->db);
    if ((code & 0xff) == SQLITE_NOMEM)
        statement_is_wrong(sql, "out of memory");
    if ((code & 0xff) == SQLITE_MISUSE || (code & 0xff) == SQLITE_RANGE)
        statement_is_wrong(sql, sqlite3_errmsg(connection->db));
    snprintf(connection->trouble, sizeof(connection->trouble), "%s (%d)", sqlite3_errmsg(connection->db), code);
    if ((code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) && !connection->sync_failed) {
        connection->sync_failed = true;
        log_error(NULL, "the disk did not sync the store; nothing is written any more until the server restarts");
    }
    return code;
}

error *connection_error(void *ctx, struct connection *connection, const char *sql)
{
    int code = take_note(connection, sql);
    error *cause = error_new(ctx, "StoreRefused", "%s in: %s", connection->trouble, sql);
    if (rows_are_to_blame(code))
        return error_because(ctx, cause, "InternalFailureException", "An internal error has occurred.");
    return error_because(ctx, cause, "ServiceUnavailableException",
                         "The service is temporarily unavailable; try again later.");
}

bool connection_do(struct connection *connection, const char *sql)
{
    struct statement statement;
    bool done = statement_take(connection, sql, &statement) && sqlite3_step(statement.handle) == SQLITE_DONE;
    if (!done)
        take_note(connection, sql);
    statement_return(&statement);
    return done;
}

/* ---- checkpoints ---- */

static bool checkpoint_is_due(struct connection *connection)
{
    if (connection->log_pages < connection->log_copied) /* it has started anew */
        connection->log_copied = 0;
    return connection->log_pages - connection->log_copied >= CHECKPOINT_PAGES && !connection->sync_failed;
}

void connection_checkpoint_if_due(struct connection *connection)
{
    if (!checkpoint_is_due(connection))
        return;
    /* A log that was copied whole starts anew with the next commit, unless a reader is still in it: then it goes on
       growing, and once it is very long the readers are waited for. */
    bool waits = connection->log_pages >= CHECKPOINT_WAITS_AT;
    sqlite3_busy_timeout(connection->db, CHECKPOINT_PATIENCE_MS);
    int code = sqlite3_wal_checkpoint_v2(connection->db, "main",
                                         waits ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite3_busy_timeout(connection->db, BUSY_MS);
    connection->log_copied = connection->log_pages;
    if (code != SQLITE_OK && code != SQLITE_BUSY) {
        take_note(connection, "a checkpoint");
        log_warn(NULL, "the write-ahead log could not be copied into the database: %s", connection->trouble);
    }
}
