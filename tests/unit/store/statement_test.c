/* statement_test.c - values in and out, walks over rows, snapshots. */
#include "fixture.h"

/* ---- values ---- */

static const struct value_row {
    const char *name;
    struct value value;
    const char *column; /* of probe, where it fits */
} value_rows[] = {
    { "NULL", { .type = VALUE_NULL }, "text" },
    { "zero", { .type = VALUE_INTEGER, .integer = 0 }, "number" },
    { "the largest integer", { .type = VALUE_INTEGER, .integer = INT64_MAX }, "number" },
    { "the smallest integer", { .type = VALUE_INTEGER, .integer = INT64_MIN }, "number" },
    { "a text", { .type = VALUE_TEXT, .bytes = SLICE("pump \xc3\xa9") }, "text" },
    { "the empty text is not NULL", { .type = VALUE_TEXT, .bytes = SLICE("") }, "text" },
    { "a text with a NUL", { .type = VALUE_TEXT, .bytes = SLICE("a\0b") }, "text" },
    { "a blob", { .type = VALUE_BLOB, .bytes = SLICE("\x00\xff\x00") }, "bytes" },
    { "the empty blob is not NULL", { .type = VALUE_BLOB, .bytes = SLICE("") }, "bytes" },
    { "an empty blob without an address is not NULL", { .type = VALUE_BLOB }, "bytes" },
};

struct trip {
    const struct value_row *row;
    void *ctx;
    const char *put, *get;
    struct row *kept;
    bool walked;
};

static FALLIBLE put_value(struct tx *tx, void *arg)
{
    struct trip *trip = arg;
    return store_run(tx, NULL, trip->put, &trip->row->value, 1);
}

static void assert_same(const struct row *got, const struct value *wanted)
{
    assert_int_equal(row_is_null(got, 0), wanted->type == VALUE_NULL);
    if (wanted->type == VALUE_INTEGER) {
        assert_true(row_integer(got, 0) == wanted->integer);
        return;
    }
    slice bytes = row_slice(got, 0);
    assert_int_equal(bytes.at == NULL, wanted->type == VALUE_NULL);
    assert_true(slice_equal(bytes, wanted->bytes));
}

static FALLIBLE walk_value(const struct row *got, void *arg)
{
    struct trip *trip = arg;
    assert_same(got, &trip->row->value);
    trip->walked = true;
    return NULL;
}

static FALLIBLE get_value(struct tx *tx, void *arg)
{
    struct trip *trip = arg;
    TRY(store_each(tx, walk_value, trip, trip->get, NO_ARGS));
    return store_find(tx, trip->ctx, &trip->kept, trip->get, NO_ARGS);
}

static void round_trip(void **state)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    struct trip trip = { .row = *state, .ctx = shop.ctx };
    trip.put = text_format(shop.ctx, "INSERT INTO probe (name, %s) VALUES ('x', ?)", trip.row->column);
    trip.get = text_format(shop.ctx, "SELECT %s, name FROM probe", trip.row->column);
    must(store_apply(shop.store, shop.ctx, put_value, &trip));
    must(store_read(shop.store, shop.ctx, get_value, &trip));
    assert_true(trip.walked);
    assert_same(trip.kept, &trip.row->value); /* the copy outlives the read */
    assert_string_equal(row_text(shop.ctx, trip.kept, 1), "x");
    shop_end(&shop);
}

/* ---- walks ---- */

static FALLIBLE put_ten(struct tx *tx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        TRY(store_run(tx, NULL, "INSERT INTO probe (name, number) VALUES (?, ?)",
                      ARGS(sql_text(text_format(tx_ctx(tx), "%d", i)), sql_integer(i))));
    return NULL;
}

static struct shop shop_of_ten(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    must(store_apply(shop.store, shop.ctx, put_ten, NULL));
    return shop;
}

struct walk {
    struct tx *tx;
    void *ctx;
    int seen, stop_at;
};

static FALLIBLE see(const struct row *row, void *arg)
{
    struct walk *walk = arg;
    assert_int_equal(row_integer(row, 0), walk->seen);
    if (walk->seen == walk->stop_at)
        return error_new(walk->ctx, "Enough", "Row %d is enough.", walk->seen);
    walk->seen++;
    return NULL;
}

static const char all_numbers[] = "SELECT number FROM probe ORDER BY name";

static FALLIBLE walk_and_stop(struct tx *tx, void *arg)
{
    return store_each(tx, see, arg, all_numbers, NO_ARGS);
}

static void stops_at_an_error(void)
{
    struct shop shop = shop_of_ten();
    struct walk walk = { .ctx = shop.ctx, .stop_at = 4 };
    error *e = store_read(shop.store, shop.ctx, walk_and_stop, &walk);
    assert_true(error_is(e, "Enough"));
    assert_int_equal(walk.seen, 4);
    walk = (struct walk){ .ctx = shop.ctx, .stop_at = -1 };
    must(store_read(shop.store, shop.ctx, walk_and_stop, &walk)); /* the statement starts anew */
    assert_int_equal(walk.seen, 10);
    shop_end(&shop);
}

static FALLIBLE walk_inside(const struct row *row, void *arg)
{
    struct walk *outer = arg;
    struct walk inner = { .ctx = outer->ctx, .stop_at = -1 };
    assert_int_equal(row_integer(row, 0), outer->seen++);
    TRY(store_each(outer->tx, see, &inner, all_numbers, NO_ARGS));
    assert_int_equal(inner.seen, 10);
    return NULL;
}

static FALLIBLE walk_in_a_walk(struct tx *tx, void *arg)
{
    ((struct walk *)arg)->tx = tx;
    return store_each(tx, walk_inside, arg, all_numbers, NO_ARGS);
}

static void walks_inside_a_walk(void)
{
    struct shop shop = shop_of_ten();
    struct walk walk = { .ctx = shop.ctx };
    must(store_read(shop.store, shop.ctx, walk_in_a_walk, &walk));
    assert_int_equal(walk.seen, 10);
    shop_end(&shop);
}

static FALLIBLE find_both(struct tx *tx, void *arg)
{
    struct row **rows = arg;
    TRY(store_find(tx, tx_ctx(tx), &rows[0], "SELECT number FROM probe WHERE name = 'none'", NO_ARGS));
    assert_null(rows[0]);
    TRY(store_find(tx, tx_ctx(tx), &rows[1], all_numbers, NO_ARGS));
    assert_int_equal(row_integer(rows[1], 0), 0);
    return NULL;
}

static void finds_the_first_or_none(void)
{
    struct shop shop = shop_of_ten();
    struct row *rows[2];
    must(store_read(shop.store, shop.ctx, find_both, rows));
    shop_end(&shop);
}

static FALLIBLE insert_returning(struct tx *tx, void *arg)
{
    (void)arg;
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row,
                   "INSERT INTO probe (name, number) VALUES ('a', 41), ('b', 42) RETURNING number", NO_ARGS));
    assert_int_equal(row_integer(row, 0), 41);
    return NULL;
}

static void writes_all_rows_of_returning(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    must(store_apply(shop.store, shop.ctx, insert_returning, NULL));
    assert_int_equal(rows_in(&shop), 2);
    shop_end(&shop);
}

/* More statements than a connection keeps. */
static FALLIBLE ask_many(struct tx *tx, void *arg)
{
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++) {
            struct row *row;
            TRY(store_find(tx, tx_ctx(tx), &row, ((const char **)arg)[i], NO_ARGS));
            assert_int_equal(row_integer(row, 0), i);
        }
    return NULL;
}

static void asks_a_thousand_statements(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    const char **sql = MAKE_ARRAY(shop.ctx, const char *, 1000);
    for (int i = 0; i < 1000; i++)
        sql[i] = text_format(shop.ctx, "SELECT %d", i);
    must(store_read(shop.store, shop.ctx, ask_many, sql));
    shop_end(&shop);
}

static FALLIBLE ask_at_one_address(struct tx *tx, void *arg)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, arg, NO_ARGS));
    assert_int_equal(row_integer(row, 0), ((const char *)arg)[7] - '0');
    return NULL;
}

static void tells_texts_at_one_address_apart(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    char sql[] = "SELECT 1";
    must(store_read(shop.store, shop.ctx, ask_at_one_address, sql));
    sql[7] = '2';
    must(store_read(shop.store, shop.ctx, ask_at_one_address, sql));
    shop_end(&shop);
}

/* ---- snapshots ---- */

static FALLIBLE look_around_a_write(struct tx *tx, void *arg)
{
    struct shop *shop = arg;
    int64_t before, after;
    TRY(count_look(tx, &before));
    TRY(store_apply(shop->store, shop->ctx, put_ten, NULL));
    TRY(count_look(tx, &after));
    assert_int_equal(before, 0);
    assert_int_equal(after, 0);
    return NULL;
}

static void looks_at_a_snapshot(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    must(store_read(shop.store, shop.ctx, look_around_a_write, &shop));
    assert_int_equal(rows_in(&shop), 10); /* what was answered is seen by the next */
    shop_end(&shop);
}

struct lookers {
    struct shop *shop;
    uv_barrier_t together;
};

static FALLIBLE look_together(struct tx *tx, void *arg)
{
    int64_t rows;
    TRY(count_look(tx, &rows));
    uv_barrier_wait(&((struct lookers *)arg)->together);
    assert_int_equal(rows, 10);
    return NULL;
}

static void look_once(void *arg)
{
    struct lookers *lookers = arg;
    void *ctx = talloc_new(NULL);
    must(store_read(lookers->shop->store, ctx, look_together, lookers));
    talloc_free(ctx);
}

static void looks_at_once(void)
{
    struct shop shop = shop_of_ten();
    struct lookers lookers = { .shop = &shop };
    assert_int_equal(uv_barrier_init(&lookers.together, 2), 0);
    uv_thread_t threads[4]; /* two at a time: as many as there are connections */
    for (int i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&threads[i], look_once, &lookers), 0);
    for (int i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
    uv_barrier_destroy(&lookers.together);
    shop_end(&shop);
}

static const struct story stories[] = {
    { "an error of a row stops the walk and is passed up", stops_at_an_error },
    { "a statement may be asked inside its own walk", walks_inside_a_walk },
    { "a find gives the first row, or NULL", finds_the_first_or_none },
    { "INSERT ... RETURNING writes all its rows", writes_all_rows_of_returning },
    { "a thousand statements", asks_a_thousand_statements },
    { "two texts at one address are two statements", tells_texts_at_one_address_apart },
    { "a read sees one moment, the next read what was answered", looks_at_a_snapshot },
    { "as many threads look at once as there are readers", looks_at_once },
};

int main(void)
{
    return RUN_TABLES(TABLE(value_rows, round_trip), TABLE(stories, tell));
}
