/* tx.c - a transaction while a callback runs, and the change log. */
#include "store/tx.h"
#include "base/clock.h"

void tx_begin(struct tx *tx)
{
    tx->scratch = talloc_new(NULL);
}

error *tx_end(struct tx *tx, error *e)
{
    if (e != NULL)
        talloc_steal(tx->ctx, e);
    talloc_free(tx->scratch);
    tx->scratch = NULL;
    return e;
}

void *tx_ctx(struct tx *tx)
{
    return tx->scratch;
}

error *tx_failed(struct tx *tx, const char *sql)
{
    error *e = connection_error(tx->ctx, tx->connection, sql);
    tx->lost = tx->lost || !connection_in_transaction(tx->connection);
    return e;
}

error *tx_gone(struct tx *tx)
{
    return error_because(tx->ctx, error_new(tx->ctx, "StoreRefused", "%s", tx->connection->trouble),
                         "ServiceUnavailableException", "The service is temporarily unavailable; try again later.");
}

static void remember(struct change_list *list, const struct change *change)
{
    struct change *kept = ARRAY_ADD(list->ctx, list->at, list->count);
    *kept = (struct change){
        .account = text_copy(list->ctx, change->account),
        .region = text_copy(list->ctx, change->region),
        .what = text_copy(list->ctx, change->what),
        .key = text_copy(list->ctx, change->key),
        .kind = text_copy(list->ctx, change->kind),
        .detail = text_copy(list->ctx, change->detail),
        .sequence = change->sequence,
    };
}

FALLIBLE change_log(struct tx *tx, const char *account, const char *region, const char *what, const char *key,
                    const char *kind, const char *detail)
{
    static const struct change_author nobody;
    return change_log_by(tx, &nobody, account, region, what, key, kind, detail);
}

FALLIBLE change_log_by(struct tx *tx, const struct change_author *author, const char *account, const char *region,
                       const char *what, const char *key, const char *kind, const char *detail)
{
    static const char insert[] =
        "INSERT INTO change (at, account, region, what, key, kind, detail, principal, request, operation)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    TRY(store_run(tx, NULL, insert,
                  ARGS(sql_integer(clock_now_ms()), sql_text(account), sql_text(region), sql_text(what), sql_text(key),
                       sql_text(kind), sql_text(detail), sql_text(author->principal), sql_text(author->request),
                       sql_text(author->operation))));
    struct change change = { account, region, what, key, kind, detail, sqlite3_last_insert_rowid(tx->connection->db) };
    remember(tx->changes, &change);
    return NULL;
}
