/* workers_test.c - the queue's bound, what goes past it, and that stopping finishes what was admitted. */
#include "base/memory.h"
#include "base/workers.h"
#include "table.h"
#include <pthread.h>
#include <stdatomic.h>

static const struct row {
    const char *name;
    unsigned threads;
    size_t limit;
    int submitted, admitted, continued;
} rows[] = {
    { "all fit", 1, 8, 5, 5, 0 },
    { "the queue is full", 1, 3, 10, 3, 0 },
    { "no queue at all", 1, 0, 2, 0, 0 },
    { "a continuation goes past the limit", 1, 2, 5, 2, 7 },
    { "several threads", 3, 64, 64, 64, 3 },
};

struct job {
    struct work work;
    struct fixture *fixture;
};

struct fixture {
    struct workers *workers;
    pthread_mutex_t gate; /* held by the test: whatever runs waits here */
    atomic_int busy, ran;
};

static void run_gated(struct work *work)
{
    struct fixture *fixture = ((struct job *)work)->fixture;
    atomic_fetch_add(&fixture->busy, 1);
    pthread_mutex_lock(&fixture->gate);
    pthread_mutex_unlock(&fixture->gate);
    atomic_fetch_add(&fixture->ran, 1);
}

static struct work *gated(void *ctx, struct fixture *fixture)
{
    struct job *job = MAKE(ctx, struct job);
    *job = (struct job){ { NULL, run_gated }, fixture };
    return &job->work;
}

static void bounded(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct fixture fixture = { .gate = PTHREAD_MUTEX_INITIALIZER };
    fixture.workers = workers_new(ctx, "test", row->threads, row->limit, 1);

    pthread_mutex_lock(&fixture.gate);
    for (unsigned i = 0; i < row->threads; i++) /* one for each thread to hold */
        workers_continue(fixture.workers, gated(ctx, &fixture));
    while (atomic_load(&fixture.busy) < (int)row->threads)
        sched_yield();
    int admitted = 0;
    for (int i = 0; i < row->submitted; i++)
        admitted += workers_submit(fixture.workers, gated(ctx, &fixture));
    for (int i = 0; i < row->continued; i++)
        workers_continue(fixture.workers, gated(ctx, &fixture));
    assert_int_equal(admitted, row->admitted);
    assert_int_equal(workers_waiting(fixture.workers), row->admitted + row->continued);
    pthread_mutex_unlock(&fixture.gate);

    workers_stop(fixture.workers);
    assert_int_equal(atomic_load(&fixture.ran), (int)row->threads + row->admitted + row->continued);
    assert_false(workers_submit(fixture.workers, gated(ctx, &fixture)));
    workers_continue(fixture.workers, gated(ctx, &fixture)); /* runs here and now */
    assert_int_equal(atomic_load(&fixture.ran), (int)row->threads + row->admitted + row->continued + 1);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLE(rows, bounded);
}
