/* committer.c - the writer's thread. */
#include "store/committer.h"
#include "store/batch.h"
#include "base/log.h"
#include <pthread.h>
#include <stdatomic.h>

struct committer {
    struct connection *connection;
    size_t batch_limit;
    bool rerun;
    bool refused; /* the last batch was; only the first and the last of such batches are logged */
    void (*changed)(void *arg, const struct change *changes, size_t count);
    void *changed_arg;
    uv_thread_t thread;
    atomic_uint stall_ms;
    atomic_uint_fast64_t commits, applies, failed_applies;
    uv_mutex_t mutex;
    uv_cond_t wake;
    /* under the mutex */
    struct lanes lanes;
    bool sleeping;
    bool closing;
};

bool committer_submit(struct committer *committer, struct store_job *job)
{
    job->error = NULL;
    uv_mutex_lock(&committer->mutex);
    bool taken = !committer->closing && lanes_push(&committer->lanes, job);
    if (taken && committer->sleeping) {
        committer->sleeping = false;
        uv_cond_signal(&committer->wake);
    }
    uv_mutex_unlock(&committer->mutex);
    return taken;
}

/* False: the store closes and nothing is left to write. */
static bool await_jobs(struct committer *committer)
{
    uv_mutex_lock(&committer->mutex);
    while (lanes_waiting(&committer->lanes) == 0 && !committer->closing) {
        committer->sleeping = true;
        uv_cond_wait(&committer->wake, &committer->mutex);
    }
    committer->sleeping = false;
    bool have = lanes_waiting(&committer->lanes) > 0;
    uv_mutex_unlock(&committer->mutex);
    return have;
}

static struct store_job *next_job(struct committer *committer)
{
    uv_mutex_lock(&committer->mutex);
    struct store_job *job = lanes_pop(&committer->lanes);
    uv_mutex_unlock(&committer->mutex);
    return job;
}

/* ---- one batch ---- */

/* The batch grows for as long as jobs come in while it is applied: nobody waits for company, nobody is sent away. */
static bool fill(struct committer *committer, struct batch *batch)
{
    struct store_job *job;
    bool standing = batch_open(batch);
    while (standing && batch->jobs.count < committer->batch_limit && (job = next_job(committer)) != NULL)
        standing = batch_apply(batch, job);
    return standing;
}

/* When the transaction could not even begin the batch still takes jobs, so that they are answered. */
static void take_unapplied(struct committer *committer, struct batch *batch)
{
    struct store_job *job;
    while (batch->jobs.count < committer->batch_limit && (job = next_job(committer)) != NULL)
        queue_push(&batch->jobs, job);
}

static bool write_batch(struct committer *committer, struct batch *batch)
{
    if (!committer->connection->sync_failed && fill(committer, batch) && batch_commit(batch))
        return true;
    if (batch->jobs.count == 0)
        take_unapplied(committer, batch);
    return !committer->connection->sync_failed && batch_again(batch);
}

static void count_batch(struct committer *committer, const struct batch *batch, bool written)
{
    uint64_t failed = 0;
    for (const struct store_job *job = batch->jobs.first; job != NULL; job = job->next)
        failed += job->error != NULL;
    atomic_fetch_add_explicit(&committer->applies, batch->jobs.count, memory_order_relaxed);
    atomic_fetch_add_explicit(&committer->failed_applies, failed, memory_order_relaxed);
    atomic_fetch_add_explicit(&committer->commits, written, memory_order_relaxed);
}

static void tell(struct committer *committer, bool written)
{
    if (committer->refused == !written)
        return;
    committer->refused = !written;
    if (written)
        log_info(NULL, "the store is written again");
    else
        log_error(NULL, "the store cannot be written: %s", committer->connection->trouble);
}

static void run_batch(struct committer *committer)
{
    struct batch batch;
    batch_start(&batch, committer->connection, committer->rerun);
    bool written = write_batch(committer, &batch);
    if (!written)
        batch_fail(&batch);
    tell(committer, written);
    count_batch(committer, &batch, written);
    if (written && batch.changes.count > 0 && committer->changed != NULL)
        committer->changed(committer->changed_arg, batch.changes.at, batch.changes.count);
    batch_answer(&batch);
}

static void run(void *arg)
{
    struct committer *committer = arg;
    pthread_setname_np(pthread_self(), "store writer");
    while (await_jobs(committer)) {
        unsigned stall_ms = atomic_exchange(&committer->stall_ms, 0);
        if (stall_ms > 0)
            uv_sleep(stall_ms);
        run_batch(committer);
        connection_checkpoint_if_due(committer->connection);
    }
}

/* ---- life ---- */

static int stop(struct committer *committer)
{
    uv_mutex_lock(&committer->mutex);
    committer->closing = true;
    uv_cond_signal(&committer->wake);
    uv_mutex_unlock(&committer->mutex);
    uv_thread_join(&committer->thread);
    store_connection_close(committer->connection);
    uv_cond_destroy(&committer->wake);
    uv_mutex_destroy(&committer->mutex);
    return 0;
}

struct committer *committer_new(void *ctx, const struct committer_options *options)
{
    struct committer *committer = MAKE(ctx, struct committer);
    committer->connection = options->connection;
    committer->batch_limit = options->batch_limit;
    committer->rerun = options->rerun;
    lanes_clear(&committer->lanes, options->queue_limit);
    if (uv_mutex_init(&committer->mutex) != 0 || uv_cond_init(&committer->wake) != 0 ||
        uv_thread_create(&committer->thread, run, committer) != 0)
        abort();
    talloc_set_destructor(committer, stop);
    return committer;
}

void committer_stall(struct committer *committer, unsigned ms)
{
    atomic_store(&committer->stall_ms, ms);
}

void committer_on_change(struct committer *committer,
                         void (*changed)(void *arg, const struct change *changes, size_t count), void *arg)
{
    committer->changed = changed;
    committer->changed_arg = arg;
}

void committer_count(struct committer *committer, struct store_numbers *out)
{
    out->commits = atomic_load_explicit(&committer->commits, memory_order_relaxed);
    out->applies = atomic_load_explicit(&committer->applies, memory_order_relaxed);
    out->failed_applies = atomic_load_explicit(&committer->failed_applies, memory_order_relaxed);
    uv_mutex_lock(&committer->mutex);
    out->waiting = lanes_waiting(&committer->lanes);
    uv_mutex_unlock(&committer->mutex);
}
