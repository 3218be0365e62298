/* store.c - the door: opening and closing, and the way to the writer and the readers. */
#include "store/store.h"
#include "store/fault.h"
#include "store/folder.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "store/committer.h"

enum { DEFAULT_BATCH = 512, DEFAULT_QUEUE = 100000 };

struct store {
    struct committer *committer;
    struct readers *readers;
};

/* The writer's connection stays the last one: closing it then copies the log into the database and removes it. */
static int close_in_order(struct store *store)
{
    TALLOC_FREE(store->readers);
    TALLOC_FREE(store->committer);
    return 0;
}

static FALLIBLE open_connection(void *ctx, const char *path, const char *vfs, struct connection **out)
{
    struct connection *connection = NULL;
    TRY(store_connection_open(ctx, path, vfs, CONNECTION_WRITES, &connection));
    error *e = migrate_run(ctx, connection);
    if (e == NULL)
        *out = connection;
    else
        store_connection_close(connection);
    return e;
}

/* The lock comes first and goes last; nothing is touched before the version is known to be ours. */
static FALLIBLE open_into(struct store *store, void *ctx, const struct store_options *options)
{
    const char *path = text_format(store, "%s/store.db", options->folder);
    TRY(folder_lock(store, options->folder));
    TRY(migrate_check(ctx, path));
    TRY(folder_make_file(ctx, options->folder, path));

    const char *vfs = faults_vfs(faults_new(store, options));
    struct connection *connection;
    TRY(open_connection(ctx, path, vfs, &connection));
    store->readers = readers_new(store, path, vfs, options->readers);
    store->committer =
        committer_new(store, &(struct committer_options){
                                 .connection = connection,
                                 .batch_limit = options->batch_limit > 0 ? options->batch_limit : DEFAULT_BATCH,
                                 .queue_limit = options->queue_limit > 0 ? options->queue_limit : DEFAULT_QUEUE,
                                 .rerun = options->test_rerun,
                             });
    return NULL;
}

FALLIBLE store_open(void *ctx, const struct store_options *options, struct store **out)
{
    struct store *store = MAKE(ctx, struct store);
    talloc_set_destructor(store, close_in_order);
    error *e = open_into(store, ctx, options);
    if (e != NULL) {
        talloc_steal(ctx, e); /* the lock's errors were made in the store */
        talloc_free(store);
        return e;
    }
    *out = store;
    return NULL;
}

void store_close(struct store *store)
{
    talloc_free(store);
}

void store_stall_ms(struct store *store, unsigned ms)
{
    committer_stall(store->committer, ms);
}

void store_count(struct store *store, struct store_numbers *out)
{
    committer_count(store->committer, out);
    out->reads = readers_count(store->readers);
}

void store_on_change(struct store *store, void (*changed)(void *arg, const struct change *changes, size_t count),
                     void *arg)
{
    committer_on_change(store->committer, changed, arg);
}

bool store_submit(struct store *store, struct store_job *job)
{
    return committer_submit(store->committer, job);
}

/* ---- for threads that may block ---- */

struct blocking_job {
    struct store_job job; /* first: the job is the blocking job */
    FALLIBLE (*apply)(struct tx *tx, void *arg);
    void *arg;
    uv_sem_t answered;
};

static FALLIBLE apply_blocking(struct tx *tx, struct store_job *job)
{
    struct blocking_job *blocking = (struct blocking_job *)job;
    return blocking->apply(tx, blocking->arg);
}

static void answer_blocking(struct store_job *job)
{
    uv_sem_post(&((struct blocking_job *)job)->answered);
}

FALLIBLE store_apply(struct store *store, void *ctx, FALLIBLE (*apply)(struct tx *tx, void *arg), void *arg)
{
    struct blocking_job blocking = {
        .job = { .ctx = ctx, .apply = apply_blocking, .done = answer_blocking, .lane = LANE_DEVICE },
        .apply = apply,
        .arg = arg,
    };
    if (uv_sem_init(&blocking.answered, 0) != 0)
        abort();
    bool taken = store_submit(store, &blocking.job);
    if (taken)
        uv_sem_wait(&blocking.answered);
    uv_sem_destroy(&blocking.answered);
    if (!taken)
        return error_new(ctx, "ServiceUnavailableException", "The service is busy; try again later.");
    return blocking.job.error;
}

FALLIBLE store_read(struct store *store, void *ctx, FALLIBLE (*look)(struct tx *tx, void *arg), void *arg)
{
    return readers_read(store->readers, ctx, look, arg);
}
