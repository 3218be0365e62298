/* thing_principal.c - which principals a thing has: rows for the attach operations above, and the lists of both ends
   (x509.md 2.3, 4.8, 4.13). */
#include "registry/inner.h"

FALLIBLE registry_attach_principal(struct call *call, const char *principal, const char *thing, bool exclusive)
{
    struct thing *found;
    struct row *other;
    TRY(registry_find_thing(call->tx, call, call->account, call->region, thing, &found));
    if (found == NULL)
        return registry_no_thing(call, thing);

    /* An exclusive attachment is the principal's only one, whichever came first: so any other one tells of all. */
    TRY(store_find(call->tx, call, &other,
                   "SELECT thing, exclusive FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                   "AND thing <> ? LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(principal), sql_text(thing))));
    if (other != NULL && (exclusive || row_integer(other, 1) != 0))
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

static FALLIBLE tell_detached(const struct row *row, void *arg)
{
    struct call *call = arg;
    return call_change(call, "thing-principal", row_text(call, row, 0), "DETACHED", row_text(call, row, 1));
}

FALLIBLE registry_release_principal(struct call *call, const char *principal)
{
    struct value account = sql_text(call->account), region = sql_text(call->region);
    TRY(store_each(call->tx, tell_detached, call,
                   "SELECT principal, thing FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                   "ORDER BY thing",
                   ARGS(account, region, sql_text(principal))));
    return store_run(call->tx, NULL, "DELETE FROM thing_principal WHERE account = ? AND region = ? AND principal = ?",
                     ARGS(account, region, sql_text(principal)));
}

FALLIBLE registry_thing_of_connection(struct tx *tx, void *ctx, const char *account, const char *region,
                                      const char *principal, slice client_id, struct thing **out, bool *exclusive)
{
    struct value whose[] = { sql_text(account), sql_text(region), sql_text(principal),
                             client_id.at ? sql_slice(client_id) : sql_text("") };
    struct row *row;
    *out = NULL;
    *exclusive = false;
    TRY(store_find(tx, ctx, &row,
                   "SELECT thing, exclusive FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                   "LIMIT 1",
                   whose, 3)); /* an exclusive attachment is the only one */
    if (row == NULL)
        return NULL;
    *exclusive = row_integer(row, 1) != 0;
    if (!*exclusive)
        TRY(store_find(tx, ctx, &row,
                       "SELECT thing FROM thing_principal WHERE account = ? AND region = ? AND principal = ? "
                       "AND thing = ?",
                       whose, 4));
    return row ? registry_find_thing(tx, ctx, account, region, row_text(ctx, row, 0), out) : NULL;
}

FALLIBLE registry_has_things(struct tx *tx, const char *account, const char *region, const char *principal, bool *out)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row,
                   "SELECT 1 FROM thing_principal WHERE account = ? AND region = ? AND principal = ? LIMIT 1",
                   ARGS(sql_text(account), sql_text(region), sql_text(principal))));
    *out = row != NULL;
    return NULL;
}

/* ---- lists ----
   The second version tells the type of each attachment, and may want one type only. */

static const char *const types[] = { "NON_EXCLUSIVE_THING", "EXCLUSIVE_THING" };

static json *pair_entry(const char *member, const struct row *row)
{
    json *pair = json_object_new_object();
    json_put_slice(pair, member, row_slice(row, 0));
    json_put_text(pair, "thingPrincipalType", types[row_integer(row, 1) != 0]);
    return pair;
}

static json *principal_entry(struct call *call, const struct row *row)
{
    (void)call;
    return pair_entry("principal", row);
}

static json *thing_entry(struct call *call, const struct row *row)
{
    (void)call;
    return pair_entry("thingName", row);
}

struct pairs {
    const char *of; /* whose other ends are listed */
    bool filtered, exclusive;
};

static struct pairs pairs_of(const struct call *call, const char *of)
{
    const char *type = call_string(call, "thingPrincipalType");
    return (struct pairs){ .of = of, .filtered = type != NULL, .exclusive = type && strcmp(type, types[1]) == 0 };
}

static FALLIBLE walk_principals(struct window *window, const char *after, int64_t rows)
{
    const struct pairs *pairs = window->arg;
    struct call *call = window->call;
    return store_each(call->tx, window_row, window,
                      "SELECT principal, exclusive, (? = 0 OR exclusive = ?) FROM thing_principal WHERE account = ? "
                      "AND region = ? AND thing = ? AND principal > ? ORDER BY principal LIMIT ?",
                      ARGS(sql_integer(pairs->filtered), sql_integer(pairs->exclusive), sql_text(call->account),
                           sql_text(call->region), sql_text(pairs->of), sql_text(after), sql_integer(rows)));
}

static FALLIBLE walk_things(struct window *window, const char *after, int64_t rows)
{
    const struct pairs *pairs = window->arg;
    struct call *call = window->call;
    return store_each(call->tx, window_row, window,
                      "SELECT thing, exclusive, (? = 0 OR exclusive = ?) FROM thing_principal WHERE account = ? "
                      "AND region = ? AND principal = ? AND thing > ? ORDER BY thing LIMIT ?",
                      ARGS(sql_integer(pairs->filtered), sql_integer(pairs->exclusive), sql_text(call->account),
                           sql_text(call->region), sql_text(pairs->of), sql_text(after), sql_integer(rows)));
}

static FALLIBLE list_principals(struct call *call, bool with_types)
{
    struct thing *thing;
    const char *name = call_string(call, "thingName");
    struct pairs pairs = pairs_of(call, name);
    struct window window = { .call = call,
                             .member = with_types ? "thingPrincipalObjects" : "principals",
                             .entry = with_types ? principal_entry : list_entry_text,
                             .wanted = 2 };
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return error_new(call, "ResourceNotFoundException",
                         "Failed to list principals for thing %s because the thing does not exist in your account",
                         name);
    TRY(window_fill(&window, walk_principals, &pairs));
    return window_answer(&window);
}

FALLIBLE registry_list_principal_things(struct call *call, const char *principal, bool with_types)
{
    struct pairs pairs = pairs_of(call, principal);
    struct window window = { .call = call,
                             .member = with_types ? "principalThingObjects" : "things",
                             .entry = with_types ? thing_entry : list_entry_text,
                             .wanted = 2 };
    TRY(window_fill(&window, walk_things, &pairs));
    return window_answer(&window);
}

static FALLIBLE list_thing_principals(struct call *call)
{
    return list_principals(call, false);
}

static FALLIBLE list_thing_principals_v2(struct call *call)
{
    return list_principals(call, true);
}

const struct operation registry_op_list_thing_principals = { "iot", "ListThingPrincipals",
                                                             STEPS({ READ, list_thing_principals }) };
const struct operation registry_op_list_thing_principals_v2 = { "iot", "ListThingPrincipalsV2",
                                                                STEPS({ READ, list_thing_principals_v2 }) };
