/* statement.c - statements: prepared once a connection, bound, walked, put back. */
#include "store/connection.h"
#include "store/tx.h"
#include "base/log.h"

_Noreturn void statement_is_wrong(const char *sql, const char *why)
{
    log_error(NULL, "the store was given a wrong statement: %s, in: %s", why, sql);
    abort();
}

/* ---- the statements of a connection ---- */

static struct prepared *slot_of(struct connection *connection, const char *sql)
{
    size_t at = (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 54);
    for (;; at = (at + 1) % STATEMENT_SLOTS) {
        struct prepared *slot = &connection->statements[at];
        if (slot->handle == NULL)
            return slot;
        /* One address may hold another text by and by: SQLite's copy tells. */
        if (slot->sql == sql && strcmp(sqlite3_sql(slot->handle), sql) == 0)
            return slot;
    }
}

static sqlite3_stmt *prepare(struct connection *connection, const char *sql, unsigned flags)
{
    sqlite3_stmt *handle = NULL;
    const char *rest = "";
    int code = sqlite3_prepare_v3(connection->db, sql, -1, flags, &handle, &rest);
    if ((code & 0xff) == SQLITE_ERROR)
        statement_is_wrong(sql, sqlite3_errmsg(connection->db));
    if (code != SQLITE_OK)
        return NULL;
    if (handle == NULL || rest[strspn(rest, " \t\n;")] != '\0')
        statement_is_wrong(sql, "it is not exactly one statement");
    if (connection->kind == CONNECTION_READS && !sqlite3_stmt_readonly(handle))
        statement_is_wrong(sql, "it writes, and stands in a read");
    return handle;
}

bool statement_take(struct connection *connection, const char *sql, struct statement *out)
{
    struct prepared *slot = slot_of(connection, sql);
    *out = (struct statement){ 0 };
    bool keep = !slot->busy && (slot->handle != NULL || connection->kept < STATEMENTS_KEPT);
    if (!keep) { /* a walk whose rows ask the same again */
        out->handle = prepare(connection, sql, 0);
        return out->handle != NULL;
    }
    if (slot->handle == NULL) {
        sqlite3_stmt *handle = prepare(connection, sql, SQLITE_PREPARE_PERSISTENT);
        if (handle == NULL)
            return false;
        *slot = (struct prepared){ .sql = sql, .handle = handle };
        connection->kept++;
    }
    slot->busy = true;
    *out = (struct statement){ .handle = slot->handle, .slot = slot };
    return true;
}

void statement_return(struct statement *statement)
{
    if (statement->slot == NULL) {
        sqlite3_finalize(statement->handle);
        return;
    }
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
    statement->slot->busy = false;
}

void statements_drop(struct connection *connection)
{
    for (size_t i = 0; i < STATEMENT_SLOTS; i++)
        sqlite3_finalize(connection->statements[i].handle);
}

/* ---- values in, rows out ---- */

/* The bytes stay the caller's: they are bound for the length of one call. */
static int bind_value(sqlite3_stmt *handle, int at, const struct value *value)
{
    const char *bytes = value->bytes.at == NULL ? "" : value->bytes.at; /* NULL would bind SQL NULL */
    switch (value->type) {
    case VALUE_INTEGER:
        return sqlite3_bind_int64(handle, at, value->integer);
    case VALUE_TEXT:
        return sqlite3_bind_text64(handle, at, bytes, value->bytes.length, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(handle, at, bytes, value->bytes.length, SQLITE_STATIC);
    case VALUE_NULL:
        break;
    }
    return sqlite3_bind_null(handle, at);
}

static bool bind_all(sqlite3_stmt *handle, const char *sql, const struct value *args, size_t count)
{
    if ((size_t)sqlite3_bind_parameter_count(handle) != count)
        statement_is_wrong(sql, "it was given another number of arguments");
    for (size_t i = 0; i < count; i++)
        if (bind_value(handle, (int)i + 1, &args[i]) != SQLITE_OK)
            return false;
    return true;
}

static struct value cell_of(sqlite3_stmt *handle, int column)
{
    struct value cell = { .type = VALUE_NULL };
    int type = sqlite3_column_type(handle, column);
    if (type == SQLITE_NULL)
        return cell;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        cell.type = VALUE_INTEGER;
        cell.integer = sqlite3_column_int64(handle, column);
        return cell;
    }
    cell.type = type == SQLITE_TEXT ? VALUE_TEXT : VALUE_BLOB;
    const void *at = type == SQLITE_TEXT ? sqlite3_column_text(handle, column) : sqlite3_column_blob(handle, column);
    cell.bytes = slice_bytes(at == NULL ? "" : at, (size_t)sqlite3_column_bytes(handle, column));
    return cell;
}

/* Where the rows of a statement go. */
struct walk {
    FALLIBLE (*each)(const struct row *row, void *arg); /* NULL: nowhere */
    void *arg;
    bool first_only;
    int64_t *changed;
};

static FALLIBLE show_row(sqlite3_stmt *handle, const char *sql, const struct walk *walk)
{
    enum { COLUMNS_MAX = 64 };
    struct value cells[COLUMNS_MAX];
    int columns = sqlite3_column_count(handle);
    if (columns > COLUMNS_MAX)
        statement_is_wrong(sql, "it has more than 64 columns");
    for (int i = 0; i < columns; i++)
        cells[i] = cell_of(handle, i);
    return walk->each(&(struct row){ .columns = columns, .cells = cells }, walk->arg);
}

static FALLIBLE step_through(struct tx *tx, sqlite3_stmt *handle, const char *sql, const struct walk *walk)
{
    bool shown = false;
    int code;
    while ((code = sqlite3_step(handle)) == SQLITE_ROW) {
        if (walk->each != NULL && !(walk->first_only && shown))
            TRY(show_row(handle, sql, walk));
        shown = true;
        if (walk->first_only && sqlite3_stmt_readonly(handle)) /* one that writes is not left half-way */
            return NULL;
    }
    if (code != SQLITE_DONE)
        return tx_failed(tx, sql);
    if (walk->changed != NULL)
        *walk->changed = sqlite3_stmt_readonly(handle) ? 0 : sqlite3_changes64(tx->connection->db);
    return NULL;
}

static FALLIBLE execute(struct tx *tx, const char *sql, const struct value *args, size_t count, const struct walk *walk)
{
    if (tx->lost) /* what is written now would commit alone */
        return tx_gone(tx);
    struct statement statement;
    if (!statement_take(tx->connection, sql, &statement))
        return tx_failed(tx, sql);
    error *e = bind_all(statement.handle, sql, args, count) ? step_through(tx, statement.handle, sql, walk)
                                                            : tx_failed(tx, sql);
    statement_return(&statement);
    return e;
}

FALLIBLE store_run(struct tx *tx, int64_t *changed, const char *sql, const struct value *args, size_t count)
{
    return execute(tx, sql, args, count, &(struct walk){ .changed = changed });
}

FALLIBLE store_each(struct tx *tx, FALLIBLE (*each)(const struct row *row, void *arg), void *arg, const char *sql,
                    const struct value *args, size_t count)
{
    return execute(tx, sql, args, count, &(struct walk){ .each = each, .arg = arg });
}

struct kept_row {
    void *ctx;
    struct row **out;
};

static FALLIBLE keep_row(const struct row *row, void *arg)
{
    struct kept_row *kept = arg;
    *kept->out = row_copy(kept->ctx, row);
    return NULL;
}

FALLIBLE store_find(struct tx *tx, void *ctx, struct row **out, const char *sql, const struct value *args, size_t count)
{
    *out = NULL;
    struct kept_row kept = { .ctx = ctx, .out = out };
    return execute(tx, sql, args, count, &(struct walk){ .each = keep_row, .arg = &kept, .first_only = true });
}
