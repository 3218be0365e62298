/* tx.h - what a transaction and a row are made of, and the changes that a batch collects. */
#pragma once
#include "store/connection.h"
#include "store/store.h"

/* The change log's rows of the open batch, in order. A rolled-back apply truncates the list to where it began. */
struct change_list {
    void *ctx;
    struct change *at;
    size_t count;
};

struct tx {
    struct connection *connection;
    void *ctx;                   /* errors are made in it: it outlives the callback */
    void *scratch;               /* tx_ctx */
    struct change_list *changes; /* NULL in a read */
    bool lost;                   /* SQLite has rolled the whole transaction back */
};

struct row {
    int columns;
    struct value *cells;
};

/* In one piece of memory; texts get a NUL. */
struct row *row_copy(void *ctx, const struct row *row);

void tx_begin(struct tx *tx);
/* Frees the callback's memory. An error that was made in it by mistake is saved into tx->ctx. */
error *tx_end(struct tx *tx, error *e);
/* What SQLite has just refused; looks whether the transaction still stands. */
error *tx_failed(struct tx *tx, const char *sql);
/* The answer to statements of a transaction that is no more. */
error *tx_gone(struct tx *tx);
