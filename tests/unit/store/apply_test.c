/* apply_test.c - one job in its transaction: what stays, what goes, what is told. */
#include "fixture.h"

static FALLIBLE refuse_after_writing(struct tx *tx, void *arg)
{
    TRY(write_row(tx, *(int *)arg, "left"));
    return error_new(tx_ctx(tx), "InvalidRequestException", "The row %d is not wanted.", *(int *)arg);
}

static FALLIBLE write_both(struct tx *tx, void *arg)
{
    TRY(write_row(tx, *(int *)arg, "left"));
    return write_row(tx, *(int *)arg, "right");
}

static void keeps_nothing_of_a_refused_one(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    int number = 3;
    error *e = store_apply(shop.store, shop.ctx, refuse_after_writing, &number);
    assert_true(error_is(e, "InvalidRequestException"));
    assert_string_equal(e->message, "The row 3 is not wanted."); /* though it was made in the callback's memory */
    assert_int_equal(rows_in(&shop), 0);
    shop_end(&shop);
}

static void refuses_alone(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    struct gate gate;
    gate_close(&shop, &gate);
    struct pair *pairs = pairs_new(&shop, 0, 10);
    for (int i = 0; i < 10; i++) {
        if (i % 3 == 1)
            pairs[i].refusal = error_new(pairs[i].job.ctx, "ConflictException", "No.");
        assert_true(store_submit(shop.store, &pairs[i].job));
    }
    gate_open(&gate);
    shop_close(&shop);
    gate_free(&gate);
    shop_open(&shop);
    for (int i = 0; i < 10; i++) {
        assert_true(pairs[i].answered);
        assert_int_equal(pairs[i].written, i % 3 != 1);
        assert_int_equal(halves_of(&shop, i), i % 3 == 1 ? 0 : 2);
    }
    shop_end(&shop);
}

static void survives_a_constraint(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    int number = 5;
    must(store_apply(shop.store, shop.ctx, write_both, &number));
    error *e = store_apply(shop.store, shop.ctx, write_both, &number);
    assert_true(error_is(e, "InternalFailureException"));
    assert_string_equal(e->message, "An internal error has occurred."); /* the SQL is for the log alone */
    assert_non_null(strstr(error_chain(shop.ctx, e), "UNIQUE"));
    number = 6;
    must(store_apply(shop.store, shop.ctx, write_both, &number));
    assert_int_equal(rows_in(&shop), 4);
    shop_end(&shop);
}

static void counts(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    struct store_numbers before, after;
    store_count(shop.store, &before);
    int number = 1;
    must(store_apply(shop.store, shop.ctx, write_both, &number));
    assert_non_null(store_apply(shop.store, shop.ctx, refuse_after_writing, &number));
    assert_int_equal(rows_in(&shop), 2);
    store_count(shop.store, &after);
    assert_int_equal(after.applies - before.applies, 2);
    assert_int_equal(after.failed_applies - before.failed_applies, 1);
    assert_int_equal(after.commits - before.commits, 2);
    assert_int_equal(after.reads - before.reads, 1);
    assert_int_equal(after.waiting, 0);
    shop_end(&shop);
}

static FALLIBLE count_changed(struct tx *tx, void *arg)
{
    int64_t *changed = arg;
    TRY(store_run(tx, &changed[0], "INSERT INTO probe (name) VALUES ('a'), ('b')", NO_ARGS));
    TRY(store_run(tx, &changed[1], "INSERT INTO probe (name) VALUES ('a') ON CONFLICT DO NOTHING", NO_ARGS));
    TRY(store_run(tx, &changed[2], "UPDATE probe SET number = 1", NO_ARGS));
    TRY(store_run(tx, &changed[3], "DELETE FROM probe WHERE name = 'c'", NO_ARGS));
    return store_run(tx, &changed[4], "SELECT 1", NO_ARGS);
}

static void tells_changed_rows(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    int64_t changed[5];
    must(store_apply(shop.store, shop.ctx, count_changed, changed));
    static const int64_t wanted[5] = { 2, 0, 2, 0, 0 };
    assert_memory_equal(changed, wanted, sizeof(wanted));
    shop_end(&shop);
}

/* ---- changes ---- */

struct heard {
    int calls;
    size_t count;
    int64_t sequences[64];
    char keys[64][8];
};

static void hear(void *arg, const struct change *changes, size_t count)
{
    struct heard *heard = arg;
    heard->calls++;
    for (size_t i = 0; i < count; i++) {
        assert_true(heard->count < 64);
        assert_string_equal(changes[i].what, "pair");
        assert_string_equal(changes[i].kind, "CREATED");
        assert_null(changes[i].detail);
        heard->sequences[heard->count] = changes[i].sequence;
        snprintf(heard->keys[heard->count++], 8, "%s", changes[i].key);
    }
}

static FALLIBLE changes_look(struct tx *tx, void *arg)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, "SELECT count(*), max(sequence) FROM change WHERE account = '1'", NO_ARGS));
    ((int64_t *)arg)[0] = row_integer(row, 0);
    ((int64_t *)arg)[1] = row_integer(row, 1);
    return NULL;
}

/* Nine jobs of one batch, every third refused: six changes are heard in order, and six stand in the log. */
static void hear_changes(bool rerun)
{
    struct shop shop = shop_new();
    shop.options.test_rerun = rerun;
    shop_open(&shop);
    struct heard heard = { 0 };
    store_on_change(shop.store, hear, &heard);
    struct gate gate;
    gate_close(&shop, &gate);
    struct pair *pairs = pairs_new(&shop, 0, 9);
    for (int i = 0; i < 9; i++) {
        if (i % 3 == 2)
            pairs[i].job.apply = write_pair, pairs[i].number = 0; /* the rows of the first job: refused */
        assert_true(store_submit(shop.store, &pairs[i].job));
    }
    if (rerun)
        gate_open(&gate); /* it is passed twice */
    gate_open(&gate);
    int64_t logged[2];
    int number = 99;
    must(store_apply(shop.store, shop.ctx, write_both, &number)); /* behind the nine */
    must(store_read(shop.store, shop.ctx, changes_look, logged));
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.count, 6);
    assert_int_equal(logged[0], 6);
    assert_int_equal(logged[1], heard.sequences[5]);
    static const char *const keys[6] = { "0", "1", "3", "4", "6", "7" };
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(heard.keys[i], keys[i]);
        assert_true(i == 0 || heard.sequences[i] > heard.sequences[i - 1]);
    }
    assert_int_equal(rows_in(&shop), 14);
    shop_end(&shop);
    gate_free(&gate);
}

static void hears_changes(void)
{
    hear_changes(false);
}

static void hears_changes_once_when_run_twice(void)
{
    hear_changes(true);
}

static FALLIBLE count_runs(struct tx *tx, void *arg)
{
    (*(int *)arg)++;
    int number = 1;
    return write_both(tx, &number);
}

static void runs_twice(void)
{
    struct shop shop = shop_new();
    shop.options.test_rerun = true;
    shop_open(&shop);
    int runs = 0;
    must(store_apply(shop.store, shop.ctx, count_runs, &runs)); /* a first run that stayed would collide */
    assert_int_equal(runs, 2);
    assert_int_equal(rows_in(&shop), 2);
    shop_end(&shop);
}

static const struct story stories[] = {
    { "an apply that fails leaves no row, and its error is told", keeps_nothing_of_a_refused_one },
    { "of one batch only those that fail are rolled back", refuses_alone },
    { "a constraint fails its job alone and shows no SQL", survives_a_constraint },
    { "the numbers count", counts },
    { "changed rows are counted, also none", tells_changed_rows },
    { "changes of rolled-back applies are not heard", hears_changes },
    { "rerun: changes are heard once", hears_changes_once_when_run_twice },
    { "rerun: an apply runs twice and its rows stand once", runs_twice },
};

int main(void)
{
    return RUN_TABLE(stories, tell);
}
