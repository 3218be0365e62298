/* connection.h - one SQLite connection: how it is opened and set, what its errors mean, its prepared statements.

   A connection belongs to one thread at a time: the writer's to the writer, a reader's to whoever borrowed it
   (reader.h). It is the root of a talloc tree of its own, since another thread opened it than uses it. */
#pragma once
#include "base/bytes.h"
#include <sqlite3.h>

enum connection_kind { CONNECTION_WRITES, CONNECTION_READS };

enum { STATEMENT_SLOTS = 1024, STATEMENTS_KEPT = 768 };

struct prepared {
    const char *sql; /* the caller's pointer: with SQLite's copy of the text it is the key */
    sqlite3_stmt *handle;
    bool busy;
};

struct connection {
    sqlite3 *db;
    enum connection_kind kind;
    bool sync_failed;  /* what the file system holds is unknown from here on: nothing may be written any more */
    int log_pages;     /* length of the write-ahead log after the last commit */
    int log_copied;    /* length at which it was last copied into the database */
    char trouble[160]; /* what SQLite last refused, for the cause of an error */
    size_t kept;
    struct prepared statements[STATEMENT_SLOTS];
};

/* Fails with StoreUnavailable. `vfs` NULL: the operating system's own. */
FALLIBLE store_connection_open(void *ctx, const char *path, const char *vfs, enum connection_kind kind,
                               struct connection **out);
void store_connection_close(struct connection *connection); /* NULL is taken */

/* What SQLite has just refused, as an error in ctx: InternalFailureException when the rows are to blame,
   ServiceUnavailableException when the disk is. */
error *connection_error(void *ctx, struct connection *connection, const char *sql);

/* BEGIN and kin; false: refused, and connection->trouble says what. */
bool connection_do(struct connection *connection, const char *sql);
/* False outside a transaction; after an error that means that SQLite has rolled it back by itself. */
bool connection_in_transaction(const struct connection *connection);

/* Copies the log into the database when it has become long. On the writer's thread, between two batches: only then
   can it be copied to its end, from where it starts anew. */
void connection_checkpoint_if_due(struct connection *connection);

/* ---- prepared statements: statement.c ---- */

struct statement {
    sqlite3_stmt *handle;
    struct prepared *slot; /* NULL: not kept */
};

/* False: refused by the file; wrong SQL ends the process. `sql` must outlive the connection. */
bool statement_take(struct connection *connection, const char *sql, struct statement *out);
void statement_return(struct statement *statement);
void statements_drop(struct connection *connection);

/* Says which statement is wrong, and ends the process. */
_Noreturn void statement_is_wrong(const char *sql, const char *why);
