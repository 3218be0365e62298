/* reader.c - lending connections, and a snapshot around each look. */
#include "store/reader.h"
#include <stdatomic.h>

struct readers {
    const char *path, *vfs;
    atomic_uint_fast64_t reads;
    uv_mutex_t mutex;
    uv_cond_t returned;
    /* under the mutex */
    unsigned unopened;
    unsigned idle_count;
    struct connection **idle; /* the last one returned goes first: its cache is warm */
};

static int close_all(struct readers *readers)
{
    for (unsigned i = 0; i < readers->idle_count; i++)
        store_connection_close(readers->idle[i]);
    uv_cond_destroy(&readers->returned);
    uv_mutex_destroy(&readers->mutex);
    return 0;
}

struct readers *readers_new(void *ctx, const char *path, const char *vfs, unsigned count)
{
    struct readers *readers = MAKE(ctx, struct readers);
    readers->path = path;
    readers->vfs = vfs;
    readers->unopened = count < 1 ? 1 : count;
    readers->idle = MAKE_ARRAY(readers, struct connection *, readers->unopened);
    if (uv_mutex_init(&readers->mutex) != 0 || uv_cond_init(&readers->returned) != 0)
        abort();
    talloc_set_destructor(readers, close_all);
    return readers;
}

/* NULL: the caller opens a new one. */
static struct connection *take_idle(struct readers *readers)
{
    uv_mutex_lock(&readers->mutex);
    while (readers->idle_count == 0 && readers->unopened == 0)
        uv_cond_wait(&readers->returned, &readers->mutex);
    struct connection *connection = NULL;
    if (readers->idle_count > 0)
        connection = readers->idle[--readers->idle_count];
    else
        readers->unopened--;
    uv_mutex_unlock(&readers->mutex);
    return connection;
}

/* NULL: it could not be opened, and the next caller tries again. */
static void give_back(struct readers *readers, struct connection *connection)
{
    uv_mutex_lock(&readers->mutex);
    if (connection != NULL)
        readers->idle[readers->idle_count++] = connection;
    else
        readers->unopened++;
    uv_cond_signal(&readers->returned);
    uv_mutex_unlock(&readers->mutex);
}

static FALLIBLE look_at(struct connection *connection, void *ctx, FALLIBLE (*look)(struct tx *tx, void *arg), void *arg)
{
    if (!connection_do(connection, "BEGIN"))
        return connection_error(ctx, connection, "BEGIN");
    struct tx tx = { .connection = connection, .ctx = ctx };
    tx_begin(&tx);
    error *e = tx_end(&tx, look(&tx, arg));
    if (connection_in_transaction(connection))
        (void)connection_do(connection, "ROLLBACK"); /* nothing to keep; it lets go of the snapshot */
    return e;
}

FALLIBLE readers_read(struct readers *readers, void *ctx, FALLIBLE (*look)(struct tx *tx, void *arg), void *arg)
{
    atomic_fetch_add_explicit(&readers->reads, 1, memory_order_relaxed);
    struct connection *connection = take_idle(readers);
    error *e = NULL;
    if (connection == NULL) {
        error *cause = store_connection_open(ctx, readers->path, readers->vfs, CONNECTION_READS, &connection);
        if (cause != NULL)
            e = error_because(ctx, cause, "ServiceUnavailableException",
                              "The service is temporarily unavailable; try again later.");
    }
    if (e == NULL)
        e = look_at(connection, ctx, look, arg);
    give_back(readers, connection);
    return e;
}

uint64_t readers_count(struct readers *readers)
{
    return atomic_load_explicit(&readers->reads, memory_order_relaxed);
}
