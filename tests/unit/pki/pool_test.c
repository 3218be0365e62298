/* pool_test.c - the pool of RSA pairs: at once while there are some, in line when there are none, told when it stops. */
#include "pki/pki.h"
#include "base/clock.h"
#include "table.h"
#include <pthread.h>

enum { WAITERS = 6 };

/* What the waiters saw, in the order in which they were called. */
static struct record {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int called, with_a_pair;
    int order[WAITERS];
    char *keys[WAITERS];
} record;

struct device {
    struct pki_waiter waiter; /* first, so that one is the other */
    int number;
};

static void took(struct pki_waiter *waiter, struct pki_key_pair *pair)
{
    const struct device *device = (struct device *)waiter;
    pthread_mutex_lock(&record.mutex);
    record.order[record.called] = device->number;
    record.keys[record.called++] = pair != NULL ? text_copy(NULL, pair->public_pem) : NULL;
    record.with_a_pair += pair != NULL;
    pthread_cond_broadcast(&record.changed);
    pthread_mutex_unlock(&record.mutex);
    talloc_free(pair);
}

static void begin(struct device devices[WAITERS])
{
    record = (struct record){ .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    for (int i = 0; i < WAITERS; i++)
        devices[i] = (struct device){ .waiter.ready = took, .number = i };
}

static void end(void)
{
    for (int i = 0; i < record.called; i++)
        talloc_free(record.keys[i]);
}

static void await_calls(int count)
{
    pthread_mutex_lock(&record.mutex);
    while (record.called < count)
        pthread_cond_wait(&record.changed, &record.mutex);
    pthread_mutex_unlock(&record.mutex);
}

static const struct drain {
    const char *name;
    unsigned capacity, threads;
} drains[] = {
    { "one thread, nothing in stock", 0, 1 },
    { "one thread, two in stock", 2, 1 },
    { "two threads, one in stock", 1, 2 },
};

static void serves_everybody_in_line(void **state)
{
    const struct drain *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct device devices[WAITERS];
    begin(devices);
    struct pki_rsa_pool *pool = pki_pool_new(ctx, row->capacity, row->threads);
    for (int i = 0; i < WAITERS; i++)
        pki_pool_take(pool, &devices[i].waiter);
    await_calls(WAITERS);

    assert_int_equal(pki_pool_waiting(pool), 0);
    assert_int_equal(record.with_a_pair, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        if (row->threads == 1)
            assert_int_equal(record.order[i], i);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(record.keys[i], record.keys[j]);
    }
    end();
}

static void hands_out_what_is_ready(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct device devices[WAITERS];
    begin(devices);
    struct pki_rsa_pool *pool = pki_pool_new(ctx, 1, 1);
    pki_pool_take(pool, &devices[0].waiter);
    await_calls(1);
    while (pki_pool_ready(pool) == 0) /* the pool fills up by itself; this thread has nothing else to do */
        sched_yield();
    pki_pool_take(pool, &devices[1].waiter);
    assert_int_equal(record.called, 2); /* at once, on this thread */
    assert_int_equal(record.with_a_pair, 2);
    pki_pool_stop(pool);
    end();
}

static void stopping_tells_who_waits(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct device devices[WAITERS];
    begin(devices);
    struct pki_rsa_pool *pool = pki_pool_new(ctx, 0, 1);
    for (int i = 0; i < WAITERS - 1; i++)
        pki_pool_take(pool, &devices[i].waiter);
    int64_t began = clock_monotonic_ms();
    pki_pool_stop(pool);
    int64_t took_ms = clock_monotonic_ms() - began;
    assert_int_equal(record.called, WAITERS - 1);
    assert_true(record.with_a_pair < WAITERS - 1);
    for (int i = 0; i < WAITERS - 1; i++)
        assert_int_equal(record.order[i], i);
    assert_true(took_ms < 5000); /* what is being made is broken off */
    pki_pool_take(pool, &devices[WAITERS - 1].waiter);
    assert_int_equal(record.called, WAITERS);
    assert_null(record.keys[WAITERS - 1]);
    pki_pool_stop(pool);
    end();
}

/* ---- waiters whose device is gone ---- */

static bool is_odd(struct pki_waiter *waiter)
{
    return ((struct device *)waiter)->number % 2 == 1;
}

static const struct leaving {
    const char *name;
    unsigned threads;
} leavings[] = { { "who is gone gets nothing", 1 }, { "with several threads", 2 } };

static void skips(void **state)
{
    const struct leaving *row = *state;
    struct device devices[WAITERS];
    begin(devices);
    struct pki_rsa_pool *pool = pki_pool_new(NULL, 0, row->threads);
    for (int i = 0; i < WAITERS; i++) {
        devices[i].waiter.gone = is_odd;
        pki_pool_take(pool, &devices[i].waiter);
    }
    await_calls(WAITERS); /* the last one is gone too: the pair made for it finds nobody */
    assert_int_equal(record.with_a_pair, WAITERS / 2);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(record.keys[i] != NULL, record.order[i] % 2 == 0);
    pki_pool_stop(pool);
    end();
    talloc_free(pool);
}

int main(void)
{
    static const struct {
        const char *name;
    } ready[] = { { "ready" } }, stop[] = { { "stop" } };
    return RUN_TABLES(TABLE(leavings, skips), TABLE(drains, serves_everybody_in_line),
                      TABLE(ready, hands_out_what_is_ready), TABLE(stop, stopping_tells_who_waits));
}
