/* fixture.h - a store in a folder of its own, and jobs that write two rows each, so that a half one shows. */
#pragma once
#include "store/store.h"
#include "table.h"
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* Tests told as sentences. */
struct story {
    const char *name;
    void (*told)(void);
};

static inline void tell(void **state)
{
    ((const struct story *)*state)->told();
}

struct shop {
    void *ctx;
    char folder[64];
    struct store_options options;
    struct store *store;
};

/* cmocka's asserts do not know errors. */
static inline void must(error *e)
{
    if (e != NULL)
        fail_msg("%s: %s", e->name, error_chain(e, e));
}

static inline struct shop shop_new(void)
{
    struct shop shop = { .ctx = talloc_new(NULL), .folder = "/tmp/muster-store-XXXXXX" };
    assert_non_null(mkdtemp(shop.folder));
    shop.options = (struct store_options){ .readers = 2 };
    return shop;
}

static inline FALLIBLE shop_try(struct shop *shop)
{
    shop->options.folder = shop->folder;
    return store_open(shop->ctx, &shop->options, &shop->store);
}

static inline FALLIBLE make_probe(struct tx *tx, void *arg)
{
    (void)arg;
    return store_run(tx, NULL,
                     "CREATE TABLE IF NOT EXISTS probe (name TEXT NOT NULL PRIMARY KEY, number INTEGER,"
                     " text TEXT, bytes BLOB) STRICT, WITHOUT ROWID",
                     NO_ARGS);
}

static inline void shop_open(struct shop *shop)
{
    must(shop_try(shop));
    must(store_apply(shop->store, shop->ctx, make_probe, NULL));
}

static inline void shop_close(struct shop *shop)
{
    store_close(shop->store);
    shop->store = NULL;
}

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void shop_end(struct shop *shop)
{
    if (shop->store != NULL)
        shop_close(shop);
    nftw(shop->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    talloc_free(shop->ctx);
}

/* ---- jobs ---- */

struct pair {
    struct store_job job;
    struct shop *shop;
    int number;
    error *refusal; /* given after both rows are written */
    bool answered, written;
    int *order, *answers; /* where the job notes its turn; may be NULL */
};

static inline FALLIBLE write_row(struct tx *tx, int number, const char *half)
{
    const char *name = text_format(tx_ctx(tx), "%d/%s", number, half);
    return store_run(tx, NULL, "INSERT INTO probe (name, number) VALUES (?, ?)",
                     ARGS(sql_text(name), sql_integer(number)));
}

static inline FALLIBLE write_pair(struct tx *tx, struct store_job *job)
{
    struct pair *pair = (struct pair *)job;
    TRY(write_row(tx, pair->number, "left"));
    TRY(write_row(tx, pair->number, "right"));
    TRY(change_log(tx, "1", "r", "pair", text_format(tx_ctx(tx), "%d", pair->number), "CREATED", NULL));
    return pair->refusal;
}

static inline void note_answer(struct store_job *job)
{
    struct pair *pair = (struct pair *)job;
    pair->written = job->error == NULL;
    pair->answered = true;
    if (pair->order != NULL)
        pair->order[(*pair->answers)++] = pair->number;
}

/* `pairs` numbered from `first` on, each with a memory of its own, answered on the writer's thread. */
static inline struct pair *pairs_new(struct shop *shop, int first, int count)
{
    struct pair *pairs = MAKE_ARRAY(shop->ctx, struct pair, (size_t)count);
    for (int i = 0; i < count; i++) {
        pairs[i].shop = shop;
        pairs[i].number = first + i;
        pairs[i].job = (struct store_job){ .ctx = talloc_new(shop->ctx), .apply = write_pair, .done = note_answer };
    }
    return pairs;
}

/* ---- looks ---- */

static inline FALLIBLE count_look(struct tx *tx, void *arg)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, "SELECT count(*) FROM probe", NO_ARGS));
    *(int64_t *)arg = row_integer(row, 0);
    return NULL;
}

static inline int64_t rows_in(struct shop *shop)
{
    int64_t count = -1;
    must(store_read(shop->store, shop->ctx, count_look, &count));
    return count;
}

struct halves {
    int number;
    int64_t found;
};

static inline FALLIBLE halves_look(struct tx *tx, void *arg)
{
    struct halves *halves = arg;
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, "SELECT count(*) FROM probe WHERE number = ?",
                   ARGS(sql_integer(halves->number))));
    halves->found = row_integer(row, 0);
    return NULL;
}

static inline int64_t halves_of(struct shop *shop, int number)
{
    struct halves halves = { .number = number };
    must(store_read(shop->store, shop->ctx, halves_look, &halves));
    return halves.found;
}

/* ---- a gate: a job in whose apply the writer stands until it is opened ---- */

struct gate {
    struct store_job job;
    uv_sem_t reached, opened;
};

static inline FALLIBLE stand_at_gate(struct tx *tx, struct store_job *job)
{
    struct gate *gate = (struct gate *)job;
    (void)tx;
    uv_sem_post(&gate->reached);
    uv_sem_wait(&gate->opened);
    return NULL;
}

static inline void pass_gate(struct store_job *job)
{
    (void)job;
}

static inline void gate_close(struct shop *shop, struct gate *gate)
{
    *gate = (struct gate){ .job = { .ctx = shop->ctx, .apply = stand_at_gate, .done = pass_gate } };
    assert_int_equal(uv_sem_init(&gate->reached, 0), 0);
    assert_int_equal(uv_sem_init(&gate->opened, 0), 0);
    assert_true(store_submit(shop->store, &gate->job));
    uv_sem_wait(&gate->reached);
}

static inline void gate_open(struct gate *gate)
{
    uv_sem_post(&gate->opened);
}

static inline void gate_free(struct gate *gate) /* after store_close */
{
    uv_sem_destroy(&gate->reached);
    uv_sem_destroy(&gate->opened);
}
