/* store.h - transactions over one embedded database, and the log of every change.

   The room is about rows, not about what they mean: SQL stands in the room that owns the rows, in the portable part
   of the language (INSERT ... ON CONFLICT DO NOTHING and changed rows instead of caught constraint errors; ranges, not
   LIKE; keyset pages; every key begins with account and region). Nothing of SQLite shows outside this room.

   store_submit            any thread, never blocks
       apply               the writer thread, under a savepoint of a transaction shared with the other jobs of the
                           batch; may run twice, so it has no effect but rows and its job's own result, made anew
       commit              when the queue is empty or the batch is full; durable from here on
       on_change           the writer thread, once a batch: the rows of the change log that the batch wrote
       done                posted to the job's home loop, in submission order of each home; job->error tells
   store_read              a worker thread blocks here: a snapshot over one of the reader connections

   An apply that fails is rolled back alone and its done gets its error; the others of the batch go on. When the shared
   transaction itself is lost (disk full, I/O error), every job of the batch is run again, once, then failed with
   ServiceUnavailableException. After a failed sync nothing is written any more until restart: every job fails so. Of the
   batch that met it nobody can know: after the restart all of its jobs are there, each whole, or none. */
#pragma once
#include "base/bytes.h"
#include "base/loop.h"

struct store;
struct tx;  /* one transaction, on one thread, while a callback runs */
struct row; /* one row of a result, until the callback returns or its ctx goes */

/* ---- opening ---- */

struct store_options {
    const char *folder; /* DIR; the database is DIR/store.db */
    unsigned readers;   /* reader connections, at least 1: one for each worker thread */
    size_t batch_limit; /* applies a commit at most; 0: 512 */
    size_t queue_limit; /* jobs waiting at most; 0: 100000 */
    /* Test modes (design, "from the first day, in tests"); all off by default. */
    bool test_rerun;          /* every apply runs, is rolled back, and runs again */
    unsigned test_sync_ms;    /* each sync takes this much longer */
    unsigned test_fail_write; /* the n-th write of the file fails with an I/O error; 0: none */
    unsigned test_fail_sync;  /* the n-th sync fails; 0: none */
};

/* Opens or creates the store, migrates it, starts the writer. Fails with StoreUnavailable: "the store is of version 9,
   made by a newer muster; this one knows 3", "another server has the folder", "...: disk full". One process at a time:
   an exclusive lock on DIR/lock is held until store_close. The folder exists already. A store that fails to open for its
   version or its lock is left as it was, byte for byte. */
FALLIBLE store_open(void *ctx, const struct store_options *options, struct store **out);
/* Writes what is queued, answers it, joins the writer, unlocks. Home loops must still run. */
void store_close(struct store *store);
/* Writer stalled for this long before its next batch (a test's "stalled store"); any thread. */
void store_stall_ms(struct store *store, unsigned ms);

struct store_numbers {
    uint64_t commits, applies, failed_applies, reads;
    size_t waiting; /* jobs queued now */
};
void store_count(struct store *store, struct store_numbers *out);

/* ---- changes ---- */

enum store_lane { LANE_DEVICE, LANE_BULK, LANES }; /* bulk yields: it runs when no device job waits, or one in eight */

struct store_job {
    struct store_job *next; /* the store's, until done */
    void *ctx;              /* the apply's error is made in it */
    FALLIBLE (*apply)(struct tx *tx, struct store_job *job);
    void (*done)(struct store_job *job);
    struct loop *home; /* where done runs; NULL: on the writer thread, where it must be short */
    enum store_lane lane;
    uint64_t key; /* jobs of one key keep their order, on engines with several writers */
    error *error; /* set when done runs */
};

/* False when the queue is full (LANE_BULK: when bulk fills half of it) or the store closes, then nothing happens: the
   caller answers 503 or 429. Never blocks. Any thread. */
bool store_submit(struct store *store, struct store_job *job);
/* The same from a thread that may block (init, tools): returns after the commit. */
FALLIBLE store_apply(struct store *store, void *ctx, FALLIBLE (*apply)(struct tx *tx, void *arg), void *arg);

/* Worker threads only; `look` must not keep rows past its return, write, or call store_read again. The snapshot is taken
   by its first statement. Errors are made in ctx. */
FALLIBLE store_read(struct store *store, void *ctx, FALLIBLE (*look)(struct tx *tx, void *arg), void *arg);

/* ---- statements; inside apply or look ---- */

struct value {
    enum { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT, VALUE_BLOB } type;
    int64_t integer;
    slice bytes;
};
static inline struct value sql_integer(int64_t integer)
{
    return (struct value){ .type = VALUE_INTEGER, .integer = integer };
}
static inline struct value sql_text(const char *text) /* NULL becomes SQL NULL */
{
    return text ? (struct value){ .type = VALUE_TEXT, .bytes = slice_of(text) } : (struct value){ .type = VALUE_NULL };
}
static inline struct value sql_slice(slice text) /* at == NULL becomes SQL NULL */
{
    return text.at ? (struct value){ .type = VALUE_TEXT, .bytes = text } : (struct value){ .type = VALUE_NULL };
}
static inline struct value sql_blob(slice bytes)
{
    return (struct value){ .type = VALUE_BLOB, .bytes = bytes };
}
#define SQL_NULL ((struct value){ .type = VALUE_NULL })
#define ARGS(...) \
    (const struct value[]){ __VA_ARGS__ }, sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value)
#define NO_ARGS NULL, 0

/* `changed` (may be NULL) gets the number of rows inserted, updated or deleted. Statements are prepared once for each
   connection; `sql` must be a literal or live as long as the store. A full disk or broken file fails with
   ServiceUnavailableException, a constraint that no ON CONFLICT takes with InternalFailureException; wrong SQL ends the
   process: it is a bug that every test of the statement shows. */
FALLIBLE store_run(struct tx *tx, int64_t *changed, const char *sql, const struct value *args, size_t count);
/* The first row, copied into ctx, or NULL. */
FALLIBLE store_find(struct tx *tx, void *ctx, struct row **out, const char *sql, const struct value *args,
                    size_t count);
/* Each row; an error of `each` ends the walk and is passed up. The row is valid inside `each` only. */
FALLIBLE store_each(struct tx *tx, FALLIBLE (*each)(const struct row *row, void *arg), void *arg, const char *sql,
                    const struct value *args, size_t count);

bool row_is_null(const struct row *row, int column);
int64_t row_integer(const struct row *row, int column);       /* 0 for NULL */
slice row_slice(const struct row *row, int column);           /* at == NULL for NULL; text or blob */
char *row_text(void *ctx, const struct row *row, int column); /* a copy; NULL for NULL */

void *tx_ctx(struct tx *tx); /* memory until the callback returns */

/* ---- the change log ---- */

struct change {
    const char *account, *region;
    const char *what;   /* "certificate", "thing", "policy", "policy-target", "thing-principal", ... */
    const char *key;    /* certificate id, thing name, ... */
    const char *kind;   /* "CREATED", "UPDATED", "DELETED", "ATTACHED", "DETACHED" */
    const char *detail; /* other end of an attachment, new status; may be NULL */
    int64_t sequence;
};
/* Writes a row of the change log in this transaction; it is handed to on_change after the commit. */
FALLIBLE change_log(struct tx *tx, const char *account, const char *region, const char *what, const char *key,
                    const char *kind, const char *detail);
/* The same, and who made it, in which request and operation; any of them may be NULL. */
struct change_author {
    const char *principal, *request, *operation;
};
FALLIBLE change_log_by(struct tx *tx, const struct change_author *author, const char *account, const char *region,
                       const char *what, const char *key, const char *kind, const char *detail);
/* Set once, before the first submit. */
void store_on_change(struct store *store, void (*changed)(void *arg, const struct change *changes, size_t count),
                     void *arg);
