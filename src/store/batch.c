/* batch.c - one transaction and its jobs: apply, commit, run again, answer. */
#include "store/batch.h"

void batch_start(struct batch *batch, struct connection *connection, bool rerun)
{
    *batch = (struct batch){ .connection = connection, .rerun = rerun };
    queue_clear(&batch->jobs);
    batch->changes.ctx = talloc_new(NULL);
}

bool batch_open(struct batch *batch)
{
    return connection_do(batch->connection, "BEGIN IMMEDIATE");
}

bool batch_commit(struct batch *batch)
{
    return connection_do(batch->connection, "COMMIT");
}

static void forget_error(struct store_job *job)
{
    talloc_free(job->error);
    job->error = NULL;
}

/* One run under the savepoint that is open; a run that fails, or is not meant to stay, leaves nothing. */
static bool run_once(struct batch *batch, struct store_job *job, bool stays)
{
    size_t changes_before = batch->changes.count;
    struct tx tx = { .connection = batch->connection, .ctx = job->ctx, .changes = &batch->changes };
    tx_begin(&tx);
    forget_error(job);
    job->error = tx_end(&tx, job->apply(&tx, job));
    if (tx.lost || !connection_in_transaction(batch->connection))
        return false;
    if (job->error == NULL && stays)
        return true;
    batch->changes.count = changes_before;
    return connection_do(batch->connection, "ROLLBACK TO apply");
}

/* Adds no job: a batch that runs again applies those it has. */
static bool apply_job(struct batch *batch, struct store_job *job)
{
    return connection_do(batch->connection, "SAVEPOINT apply") && (!batch->rerun || run_once(batch, job, false)) &&
           run_once(batch, job, true) && connection_do(batch->connection, "RELEASE apply");
}

bool batch_apply(struct batch *batch, struct store_job *job)
{
    queue_push(&batch->jobs, job);
    return apply_job(batch, job);
}

static void roll_back(struct batch *batch)
{
    if (connection_in_transaction(batch->connection))
        (void)connection_do(batch->connection, "ROLLBACK"); /* refused or not: the next BEGIN will tell */
    batch->changes.count = 0;
}

bool batch_again(struct batch *batch)
{
    roll_back(batch);
    if (!batch_open(batch))
        return false;
    for (struct store_job *job = batch->jobs.first; job != NULL; job = job->next)
        if (!apply_job(batch, job))
            return false;
    return batch_commit(batch);
}

void batch_fail(struct batch *batch)
{
    roll_back(batch);
    for (struct store_job *job = batch->jobs.first; job != NULL; job = job->next) {
        forget_error(job);
        error *cause = error_new(job->ctx, "StoreRefused", "%s", batch->connection->trouble);
        job->error = error_because(job->ctx, cause, "ServiceUnavailableException",
                                   "The service is temporarily unavailable; try again later.");
    }
}

/* ---- answers ---- */

/* The jobs of one home loop, on their way there. A tree of its own: it moves to that thread whole. */
struct delivery {
    struct loop_post post; /* first: the post is the delivery */
    struct delivery *next;
    struct loop *home;
    struct queue jobs;
};

static void answer_all(struct queue *jobs)
{
    for (struct store_job *job; (job = queue_pop(jobs)) != NULL;)
        job->done(job); /* which may free the job, or submit it again */
}

static void deliver(struct loop_post *post)
{
    struct delivery *delivery = (struct delivery *)post;
    answer_all(&delivery->jobs);
    talloc_free(delivery);
}

static struct delivery *delivery_to(struct delivery **deliveries, struct loop *home)
{
    for (struct delivery *delivery = *deliveries; delivery != NULL; delivery = delivery->next)
        if (delivery->home == home)
            return delivery;
    struct delivery *made = MAKE(NULL, struct delivery);
    made->post.run = deliver;
    made->home = home;
    made->next = *deliveries;
    queue_clear(&made->jobs);
    *deliveries = made;
    return made;
}

void batch_answer(struct batch *batch)
{
    struct delivery *deliveries = NULL;
    struct queue homeless;
    queue_clear(&homeless);
    for (struct store_job *job; (job = queue_pop(&batch->jobs)) != NULL;)
        queue_push(job->home == NULL ? &homeless : &delivery_to(&deliveries, job->home)->jobs, job);

    for (struct delivery *delivery = deliveries, *next; delivery != NULL; delivery = next) {
        next = delivery->next; /* after the post it is the loop's */
        loop_post(delivery->home, &delivery->post);
    }
    answer_all(&homeless);
    talloc_free(batch->changes.ctx);
}
