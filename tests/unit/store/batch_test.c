/* batch_test.c - many jobs: sharing commits, keeping order, lanes, homes, bounds, the end. */
#include "fixture.h"
#include <stdatomic.h>

/* ---- group commit ---- */

enum { CALLERS = 16, EACH = 12 };

struct caller {
    struct shop *shop;
    int number;
};

static FALLIBLE write_next(struct tx *tx, void *arg)
{
    return write_row(tx, ((struct caller *)arg)->number++, "left");
}

/* Waits for each commit, as a device waits for its answer. */
static void call_by_call(void *arg)
{
    struct caller *caller = arg;
    void *ctx = talloc_new(NULL);
    for (int i = 0; i < EACH; i++)
        must(store_apply(caller->shop->store, ctx, write_next, caller));
    talloc_free(ctx);
}

static void shares_commits(void)
{
    struct shop shop = shop_new();
    shop.options.test_sync_ms = 20;
    shop_open(&shop);
    struct caller callers[CALLERS];
    uv_thread_t threads[CALLERS];
    struct store_numbers before, after;
    store_count(shop.store, &before);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ &shop, i * EACH };
        assert_int_equal(uv_thread_create(&threads[i], call_by_call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++)
        uv_thread_join(&threads[i]);
    store_count(shop.store, &after);
    uint64_t applies = after.applies - before.applies, commits = after.commits - before.commits;
    assert_int_equal(applies, CALLERS * EACH);
    assert_true(commits * 3 < applies);
    assert_int_equal(rows_in(&shop), CALLERS * EACH);
    shop_end(&shop);
}

static void commits_at_the_batch_limit(void)
{
    struct shop shop = shop_new();
    shop.options.batch_limit = 4;
    shop_open(&shop);
    struct gate gate;
    gate_close(&shop, &gate);
    struct store_numbers before, after;
    store_count(shop.store, &before);
    struct pair *pairs = pairs_new(&shop, 0, 10);
    for (int i = 0; i < 10; i++)
        assert_true(store_submit(shop.store, &pairs[i].job));
    store_count(shop.store, &after);
    assert_int_equal(after.waiting, 10);
    gate_open(&gate);
    must(store_apply(shop.store, shop.ctx, make_probe, NULL));
    store_count(shop.store, &after);
    assert_int_equal(after.commits - before.commits, 3); /* the gate and 3, 4, 3 and the last */
    shop_end(&shop);
    gate_free(&gate);
}

/* ---- order ---- */

static void answers_in_order(void)
{
    struct shop shop = shop_new();
    shop.options.batch_limit = 7;
    shop_open(&shop);
    int order[100], answers = 0;
    struct pair *pairs = pairs_new(&shop, 0, 100);
    for (int i = 0; i < 100; i++) {
        pairs[i].order = order;
        pairs[i].answers = &answers;
        assert_true(store_submit(shop.store, &pairs[i].job));
    }
    shop_close(&shop);
    assert_int_equal(answers, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(order[i], i);
    shop_end(&shop);
}

/* 40 bulk jobs wait when 40 device jobs come: of any eight in a row one is bulk, until the devices are done. */
static void bulk_yields(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    struct gate gate;
    gate_close(&shop, &gate);
    int order[80], answers = 0;
    struct pair *pairs = pairs_new(&shop, 0, 80);
    for (int i = 0; i < 80; i++) {
        pairs[i].job.lane = i < 40 ? LANE_BULK : LANE_DEVICE;
        pairs[i].order = order;
        pairs[i].answers = &answers;
        assert_true(store_submit(shop.store, &pairs[i].job));
    }
    gate_open(&gate);
    shop_close(&shop);
    assert_int_equal(answers, 80);
    int taken[LANES] = { 0 }, bulk_of_eight = 0;
    for (int i = 0; i < 80; i++) {
        bool bulk = order[i] < 40;
        assert_int_equal(order[i], bulk ? taken[LANE_BULK] : 40 + taken[LANE_DEVICE]); /* each lane in order */
        taken[bulk ? LANE_BULK : LANE_DEVICE]++;
        bulk_of_eight += bulk - (i >= 8 && order[i - 8] < 40);
        if (i >= 7 && taken[LANE_DEVICE] < 40)
            assert_int_equal(bulk_of_eight, 1);
    }
    shop_end(&shop);
    gate_free(&gate);
}

/* ---- homes ---- */

enum { HOMES = 2, AT_HOME = 60 };

struct homed {
    struct store_job job;
    int number;
    struct household *house;
};

struct household {
    struct loop *loop;
    int next;
    atomic_int strangers, disorder, answered;
    struct homed jobs[AT_HOME];
};

static FALLIBLE write_homed(struct tx *tx, struct store_job *job)
{
    return write_row(tx, ((struct homed *)job)->number, "left");
}

static void come_home(struct store_job *job)
{
    struct homed *homed = (struct homed *)job;
    struct household *house = homed->house;
    atomic_fetch_add(&house->strangers, !loop_is_here(house->loop) || job->error != NULL);
    atomic_fetch_add(&house->disorder, homed->number % AT_HOME != house->next++);
    talloc_free(job->ctx);
    atomic_fetch_add(&house->answered, 1);
}

static void comes_home(void)
{
    struct shop shop = shop_new();
    shop.options.batch_limit = 9;
    shop_open(&shop);
    struct household *houses = MAKE_ARRAY(shop.ctx, struct household, HOMES);
    for (int i = 0; i < HOMES; i++) {
        houses[i].loop = loop_new(shop.ctx, "home", (unsigned)i);
        loop_start(houses[i].loop);
    }
    for (int i = 0; i < HOMES * AT_HOME; i++) {
        struct household *house = &houses[i % HOMES];
        struct homed *homed = &house->jobs[i / HOMES];
        *homed = (struct homed){
            .job = { .ctx = talloc_new(NULL), .apply = write_homed, .done = come_home, .home = house->loop },
            .number = (i % HOMES) * AT_HOME + i / HOMES,
            .house = house,
        };
        assert_true(store_submit(shop.store, &homed->job));
    }
    shop_close(&shop);
    for (int i = 0; i < HOMES; i++) {
        loop_stop(houses[i].loop);
        loop_join(houses[i].loop); /* runs what was posted */
        assert_int_equal(houses[i].answered, AT_HOME);
        assert_int_equal(houses[i].strangers, 0);
        assert_int_equal(houses[i].disorder, 0);
    }
    shop_end(&shop);
}

/* ---- bounds ---- */

static void refuses_past_the_limit(void)
{
    struct shop shop = shop_new();
    shop.options.queue_limit = 10;
    shop_open(&shop);
    struct gate gate;
    gate_close(&shop, &gate);
    struct pair *pairs = pairs_new(&shop, 0, 12);
    for (int i = 0; i < 6; i++) {
        pairs[i].job.lane = LANE_BULK;
        assert_int_equal(store_submit(shop.store, &pairs[i].job), i < 5); /* half of the queue */
    }
    for (int i = 6; i < 12; i++)
        assert_int_equal(store_submit(shop.store, &pairs[i].job), i < 11);
    error *e = store_apply(shop.store, shop.ctx, make_probe, NULL);
    assert_true(error_is(e, "ServiceUnavailableException"));
    gate_open(&gate);
    shop_close(&shop);
    for (int i = 0; i < 12; i++)
        assert_int_equal(pairs[i].answered, i != 5 && i != 11);
    shop_end(&shop);
    gate_free(&gate);
}

static void answers_all_before_it_closes(void)
{
    struct shop shop = shop_new();
    shop.options.batch_limit = 3;
    shop_open(&shop);
    store_stall_ms(shop.store, 50);
    struct pair *pairs = pairs_new(&shop, 0, 20);
    for (int i = 0; i < 20; i++)
        assert_true(store_submit(shop.store, &pairs[i].job));
    shop_close(&shop);
    for (int i = 0; i < 20; i++)
        assert_true(pairs[i].answered && pairs[i].written);
    shop_open(&shop);
    assert_int_equal(rows_in(&shop), 40);
    shop_end(&shop);
}

/* A done may submit its job again: what it is freed or reused for is its own affair. */
static void submit_again(struct store_job *job)
{
    struct pair *pair = (struct pair *)job;
    assert_null(job->error);
    pair->number++;
    if (pair->number < 5)
        assert_true(store_submit(pair->shop->store, job));
    else
        pair->answered = true;
}

static void submits_again(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    struct pair *pair = pairs_new(&shop, 0, 1);
    pair->job.done = submit_again;
    assert_true(store_submit(shop.store, &pair->job));
    while (rows_in(&shop) < 10)
        uv_sleep(1); /* between two looks */
    shop_close(&shop);
    assert_true(pair->answered);
    shop_end(&shop);
}

static const struct story stories[] = {
    { "a slow disk makes large batches", shares_commits },
    { "a batch ends at its limit", commits_at_the_batch_limit },
    { "jobs are answered in the order of their submission", answers_in_order },
    { "bulk is one in eight while devices wait", bulk_yields },
    { "done runs on the home loop, in order", comes_home },
    { "a full queue refuses, and bulk fills half of it", refuses_past_the_limit },
    { "closing writes and answers what is queued", answers_all_before_it_closes },
    { "a done may submit its job again", submits_again },
};

int main(void)
{
    return RUN_TABLE(stories, tell);
}
