/* fault_test.c - disks that fail: what was answered stays, nothing is half there. */
#include "fixture.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { JOBS = 24 };

/* Jobs one after another and all at once, so that every kind of batch meets the fault. */
static void submit_jobs(struct shop *shop, struct pair *pairs)
{
    for (int i = 0; i < JOBS; i++) {
        assert_true(store_submit(shop->store, &pairs[i].job));
        if (i < JOBS / 2)
            (void)!store_apply(shop->store, shop->ctx, make_probe, NULL);
    }
}

/* Runs the jobs over a disk with a fault; true when all of them were written. */
static bool run_faulty(struct store_options faulty)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    shop_close(&shop);
    faulty.readers = 1;
    faulty.batch_limit = 5;
    shop.options = faulty;
    error *refused = shop_try(&shop);
    struct pair *pairs = pairs_new(&shop, 0, JOBS);
    if (refused == NULL) {
        submit_jobs(&shop, pairs);
        shop_close(&shop);
    } else {
        assert_true(error_is(refused, "StoreUnavailable"));
    }

    shop.options = (struct store_options){ .readers = 1 };
    shop_open(&shop);
    int written = 0;
    for (int i = 0; i < JOBS; i++) {
        int64_t halves = halves_of(&shop, i);
        assert_int_equal(pairs[i].answered, refused == NULL);
        assert_true(halves == 0 || halves == 2);
        if (pairs[i].written)
            assert_int_equal(halves, 2);
        else if (pairs[i].answered)
            assert_true(error_is(pairs[i].job.error, "ServiceUnavailableException"));
        written += pairs[i].written;
    }
    shop_end(&shop);
    return written == JOBS;
}

/* One failed write costs nobody an answer: the batch runs again. */
static void survives_failing_writes(void)
{
    for (unsigned n = 1; n <= 60; n++)
        if (!run_faulty((struct store_options){ .test_fail_write = n }))
            fail_msg("write %u", n);
}

static void survives_failing_writes_run_twice(void)
{
    for (unsigned n = 1; n <= 60; n += 3)
        if (!run_faulty((struct store_options){ .test_fail_write = n, .test_rerun = true }))
            fail_msg("write %u", n);
}

static void survives_failing_syncs(void)
{
    int spoiled = 0;
    for (unsigned n = 1; n <= 20; n++)
        spoiled += !run_faulty((struct store_options){ .test_fail_sync = n });
    assert_true(spoiled >= 10); /* the syncs of the commits were among them */
}

static FALLIBLE write_one(struct tx *tx, void *arg)
{
    return write_row(tx, *(int *)arg, "left");
}

static void writes_nothing_after_a_failed_sync(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    shop_close(&shop);
    shop.options.test_fail_sync = 3;
    must(shop_try(&shop));
    int number = 0, written = 0;
    error *e = NULL;
    for (; e == NULL && number < 10; number++) {
        e = store_apply(shop.store, shop.ctx, write_one, &number);
        written += e == NULL;
    }
    assert_true(error_is(e, "ServiceUnavailableException"));
    for (; number < 20; number++)
        assert_true(error_is(store_apply(shop.store, shop.ctx, write_one, &number), "ServiceUnavailableException"));
    assert_int_equal(rows_in(&shop), written); /* reading goes on */
    shop_close(&shop);
    const char *log = text_format(shop.ctx, "%s/store.db-wal", shop.folder);
    assert_int_equal(access(log, F_OK), 0); /* not copied into the database: what it holds is not known to be on disk */
    shop.options.test_fail_sync = 0;
    shop_open(&shop);
    assert_true(rows_in(&shop) == written || rows_in(&shop) == written + 1);
    must(store_apply(shop.store, shop.ctx, write_one, &number));
    shop_end(&shop);
}

/* A real full disk, as far as the log can tell: files of this process may not grow past a size. */
static void limit_files(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most == RLIM_INFINITY ? limit.rlim_max : most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static FALLIBLE write_much(struct tx *tx, void *arg)
{
    int number = *(int *)arg;
    TRY(write_row(tx, number, "left"));
    return store_run(tx, NULL, "INSERT INTO probe (name, number, bytes) VALUES (?, ?, zeroblob(40000))",
                     ARGS(sql_text(text_format(tx_ctx(tx), "%d/right", number)), sql_integer(number)));
}

static void survives_a_full_disk(void)
{
    signal(SIGXFSZ, SIG_IGN);
    struct shop shop = shop_new();
    shop_open(&shop);
    limit_files(1 << 20);
    bool written[60];
    int refused = 0;
    for (int i = 0; i < 60; i++) {
        error *e = store_apply(shop.store, shop.ctx, write_much, &i);
        assert_true(e == NULL || error_is(e, "ServiceUnavailableException"));
        written[i] = e == NULL;
        refused += e != NULL;
    }
    limit_files(RLIM_INFINITY);
    assert_true(refused > 10);
    int last = 99;
    must(store_apply(shop.store, shop.ctx, write_much, &last)); /* room again: no restart is needed */
    shop_close(&shop);
    shop_open(&shop);
    for (int i = 0; i < 60; i++)
        assert_int_equal(halves_of(&shop, i), written[i] ? 2 : 0);
    assert_int_equal(halves_of(&shop, last), 2);
    shop_end(&shop);
}

/* A transaction larger than the page cache is written to the log before its commit: there the fault meets a statement,
   SQLite rolls everything back, and the statements after it must not commit alone. */
struct spill {
    struct store_job job;
    int runs, ignored;
};

static FALLIBLE write_past_the_cache(struct tx *tx, struct store_job *job)
{
    struct spill *spill = (struct spill *)job;
    spill->runs++;
    for (int i = 0; i < 300; i++) {
        error *e = store_run(tx, NULL, "INSERT INTO probe (name, bytes) VALUES (?, zeroblob(300000))",
                             ARGS(sql_text(text_format(tx_ctx(tx), "run %d, %d", spill->runs, i))));
        spill->ignored += e != NULL; /* as no apply should */
    }
    return NULL;
}

static void count_changes(void *arg, const struct change *changes, size_t count)
{
    (void)changes;
    *(size_t *)arg += count;
}

static void loses_a_transaction_whole(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    shop_close(&shop);
    shop.options.test_fail_write = 5000;
    must(shop_try(&shop));
    size_t heard = 0;
    store_on_change(shop.store, count_changes, &heard);
    struct gate gate;
    gate_close(&shop, &gate);
    struct pair *pairs = pairs_new(&shop, 1000, 2);
    struct spill spill = { .job = { .ctx = shop.ctx, .apply = write_past_the_cache, .done = pass_gate } };
    assert_true(store_submit(shop.store, &pairs[0].job));
    assert_true(store_submit(shop.store, &spill.job));
    assert_true(store_submit(shop.store, &pairs[1].job));
    gate_open(&gate);
    gate_open(&gate); /* it is passed again when the batch runs again */
    shop_close(&shop);
    assert_int_equal(spill.runs, 2);
    assert_true(spill.ignored > 0);
    assert_null(spill.job.error);
    assert_true(pairs[0].written && pairs[1].written);
    assert_int_equal(heard, 2);
    shop.options.test_fail_write = 0;
    shop_open(&shop);
    assert_int_equal(rows_in(&shop), 304);
    shop_end(&shop);
    gate_free(&gate);
}

static const struct story stories[] = {
    { "the n-th write fails: every job is written all the same", survives_failing_writes },
    { "the n-th write fails while applies run twice", survives_failing_writes_run_twice },
    { "the n-th sync fails: what was answered is there, nothing is half there", survives_failing_syncs },
    { "after a failed sync nothing is written until restart, and reading goes on", writes_nothing_after_a_failed_sync },
    { "a full disk refuses, and when there is room again the store goes on", survives_a_full_disk },
    { "a transaction that SQLite rolls back by itself is run again whole", loses_a_transaction_whole },
};

int main(void)
{
    return RUN_TABLE(stories, tell);
}
