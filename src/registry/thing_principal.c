/* thing_principal.c - which principals a thing has: rows for the attach operations above, and the two lists
   (x509.md 2.3, 4.8, 4.13). */
#include "registry/inner.h"

FALLIBLE registry_attach_principal(struct call *call, const char *principal, const char *thing, bool exclusive)
{
    struct thing *found;
    struct row *other;
    TRY(registry_find_thing(call->tx, call, call->account, call->region, thing, &found));
    if (found == NULL)
        return registry_no_thing(call, thing);

    /* An exclusive attachment is the principal's only one, whichever came first. */
    TRY(store_find(call->tx, call, &other,
                   "SELECT thing FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                   "AND thing <> ? AND (exclusive = 1 OR ? = 1) LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(principal), sql_text(thing),
                        sql_integer(exclusive))));
    if (other != NULL)
        return error_new(call, "InvalidRequestException",
                         "The principal is attached to thing %s; an EXCLUSIVE_THING attachment must be its only one.",
                         row_text(call, other, 0));

    int64_t changed;
    TRY(store_run(call->tx, &changed,
                  "INSERT INTO thing_principal (account, region, principal, thing, exclusive) VALUES (?, ?, ?, ?, ?) "
                  "ON CONFLICT (account, region, principal, thing) DO UPDATE SET exclusive = excluded.exclusive "
                  "WHERE exclusive <> excluded.exclusive",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(principal), sql_text(thing),
                       sql_integer(exclusive))));
    return changed ? call_change(call, "thing-principal", principal, "ATTACHED", thing) : NULL;
}

FALLIBLE registry_detach_principal(struct call *call, const char *principal, const char *thing)
{
    int64_t changed;
    TRY(store_run(call->tx, &changed,
                  "DELETE FROM thing_principal WHERE account = ? AND region = ? AND principal = ? AND thing = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(principal), sql_text(thing))));
    return changed ? call_change(call, "thing-principal", principal, "DETACHED", thing) : NULL;
}

FALLIBLE registry_thing_of_connection(struct tx *tx, void *ctx, const char *account, const char *region,
                                      const char *principal, slice client_id, struct thing **out, bool *exclusive)
{
    struct row *row;
    *out = NULL;
    *exclusive = false;
    TRY(store_find(tx, ctx, &row,
                   "SELECT thing, exclusive FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                   "AND (exclusive = 1 OR thing = ?) ORDER BY exclusive DESC LIMIT 1",
                   ARGS(sql_text(account), sql_text(region), sql_text(principal),
                        client_id.at ? sql_slice(client_id) : sql_text(""))));
    if (row == NULL)
        return NULL;
    *exclusive = row_integer(row, 1) != 0;
    return registry_find_thing(tx, ctx, account, region, row_text(ctx, row, 0), out);
}

FALLIBLE registry_count_things(struct tx *tx, const char *account, const char *region, const char *principal,
                               int64_t *out)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row,
                   "SELECT count(*) FROM thing_principal WHERE account = ? AND region = ? AND principal = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(principal))));
    *out = row_integer(row, 0);
    return NULL;
}

static FALLIBLE list_thing_principals(struct call *call)
{
    struct thing *thing;
    struct list list = { .call = call, .member = "principals", .entry = list_entry_text };
    const char *name = call_string(call, "thingName");
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return error_new(call, "ResourceNotFoundException",
                         "Failed to list principals for thing %s because the thing does not exist in your account",
                         name);
    TRY(list_begin(&list));
    TRY(store_each(
        call->tx, list_row, &list,
        "SELECT principal FROM thing_principal WHERE account = ? AND region = ? AND thing = ? "
        "AND principal > ? ORDER BY principal LIMIT ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(name), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

/* The header may name a principal that is attached to nothing: an empty list, as for any principal's ARN. */
static FALLIBLE list_principal_things(struct call *call)
{
    struct list list = { .call = call, .member = "things", .entry = list_entry_text };
    TRY(list_begin(&list));
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT thing FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                   "AND thing > ? ORDER BY thing LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(call_string(call, "principal")),
                        list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

const struct operation registry_op_list_thing_principals = { "iot", "ListThingPrincipals",
                                                             STEPS({ READ, list_thing_principals }) };
const struct operation registry_op_list_principal_things = { "iot", "ListPrincipalThings",
                                                             STEPS({ READ, list_principal_things }) };
