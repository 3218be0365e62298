/* token.c - certificate ownership tokens: made with a certificate, used by one RegisterThing (provisioning.md 4.8).

   Only the SHA-256 of a token is kept. A token belongs to the principal that asked for the certificate, so that a device
   may reconnect in between, and to nobody else. */
#include "provisioning/inner.h"

/* A row goes when nothing is pending: every device that ever renewed its own certificate would leave one else. */
FALLIBLE claim_load_add(struct call *call, const char *principal, int64_t change)
{
    struct value account = sql_text(call->account), region = sql_text(call->region), whose = sql_text(principal);
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO claim_load (account, region, principal, pending) VALUES (?1, ?2, ?3, ?4) "
                  "ON CONFLICT (account, region, principal) DO UPDATE SET pending = claim_load.pending + ?4",
                  ARGS(account, region, whose, sql_integer(change))));
    if (change > 0)
        return NULL;
    return store_run(call->tx, NULL,
                     "DELETE FROM claim_load WHERE account = ? AND region = ? AND principal = ? AND pending <= 0",
                     ARGS(account, region, whose));
}

static FALLIBLE check_load(struct call *call)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT pending FROM claim_load WHERE account = ? AND region = ? AND principal = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(call->caller->principal))));
    if (row != NULL && row_integer(row, 0) >= PENDING_OF_A_PRINCIPAL)
        return error_new(call, "TooManyRequests",
                         "This principal has %d certificates that no RegisterThing has used; try again in an hour.",
                         PENDING_OF_A_PRINCIPAL);
    return NULL;
}

FALLIBLE token_issue(struct call *call, const char *certificate_id, const char *token)
{
    TRY(check_load(call));
    TRY(claim_load_add(call, call->caller->principal, 1));
    return store_run(call->tx, NULL,
                     "INSERT INTO ownership_token (token, account, region, principal, certificate, expires) "
                     "VALUES (?, ?, ?, ?, ?, ?)",
                     ARGS(sql_text(digest_sha256_hex(call, slice_of(token))), sql_text(call->account),
                          sql_text(call->region), sql_text(call->caller->principal), sql_text(certificate_id),
                          sql_integer(call->now_ms + OWNERSHIP_TOKEN_S * 1000LL)));
}

static error *invalid(struct call *call, const char *why)
{
    return error_new(call, "InvalidCertificateOwnershipToken", "%s", why);
}

FALLIBLE token_find(struct call *call, struct ownership_token **out)
{
    struct row *row;
    slice given = call_text(call, "certificateOwnershipToken");
    if (given.length == 0)
        return invalid(call, "Certificate ownership token cannot be empty.");
    const char *hash = digest_sha256_hex(call, given);
    TRY(store_find(call->tx, call, &row,
                   "SELECT principal, certificate, expires, template, request, answer FROM ownership_token "
                   "WHERE token = ? AND account = ? AND region = ?",
                   ARGS(sql_text(hash), sql_text(call->account), sql_text(call->region))));
    if (row == NULL || !slice_is(row_slice(row, 0), call->caller->principal))
        return invalid(call, "Certificate ownership token is not valid.");
    if (row_integer(row, 2) <= call->now_ms)
        return invalid(call, "Certificate ownership token has expired.");

    struct ownership_token *token = MAKE(call, struct ownership_token);
    token->hash = hash;
    token->principal = row_text(token, row, 0);
    token->certificate = row_text(token, row, 1);
    token->expires_ms = row_integer(row, 2);
    token->template = row_text(token, row, 3);
    token->request = row_text(token, row, 4);
    token->answer = row_text(token, row, 5);
    *out = token;
    return NULL;
}

FALLIBLE token_use(struct call *call, const struct ownership_token *token, const char *template, const char *request,
                   const char *answer)
{
    TRY(claim_load_add(call, token->principal, -1));
    return store_run(call->tx, NULL, "UPDATE ownership_token SET template = ?, request = ?, answer = ? WHERE token = ?",
                     ARGS(sql_text(template), sql_text(request), sql_text(answer), sql_text(token->hash)));
}

/* ---- the sweeper ---- */

enum { SWEPT_A_CALL = 500 };

struct sweep {
    struct call *call;
    struct expired {
        const char *token, *account, *region, *principal, *certificate;
        bool used;
    } * tokens;
    size_t count;
};

static FALLIBLE collect_expired(const struct row *row, void *arg)
{
    struct sweep *sweep = arg;
    struct expired *expired = ARRAY_ADD(sweep->call, sweep->tokens, sweep->count);
    *expired = (struct expired){ .token = row_text(sweep->call, row, 0),
                                 .account = row_text(sweep->call, row, 1),
                                 .region = row_text(sweep->call, row, 2),
                                 .principal = row_text(sweep->call, row, 3),
                                 .certificate = row_text(sweep->call, row, 4),
                                 .used = !row_is_null(row, 5) };
    return NULL;
}

static FALLIBLE sweep_one(struct call *call, const struct expired *expired)
{
    struct certificate *certificate;
    bool things, policies;
    TRY(store_run(call->tx, NULL, "DELETE FROM ownership_token WHERE token = ?", ARGS(sql_text(expired->token))));
    if (expired->used)
        return NULL;
    TRY(claim_load_add(call, expired->principal, -1));
    TRY(certificate_find(call->tx, call, call->account, call->region, expired->certificate, &certificate));
    if (certificate == NULL || strcmp(certificate->status, "PENDING_ACTIVATION") != 0)
        return NULL;
    TRY(certificate_is_attached(call, certificate->id, &things, &policies));
    return things || policies ? NULL : certificate_remove(call, certificate);
}

static FALLIBLE sweep_expired(struct call *call)
{
    struct sweep sweep = { .call = call };
    TRY(store_each(call->tx, collect_expired, &sweep,
                   "SELECT token, account, region, principal, certificate, answer FROM ownership_token "
                   "WHERE expires <= ? ORDER BY expires LIMIT ?",
                   ARGS(sql_integer(call->now_ms), sql_integer(SWEPT_A_CALL))));
    for (size_t i = 0; i < sweep.count; i++) {
        call->account = sweep.tokens[i].account; /* the sweeper works for one account after the other */
        call->region = sweep.tokens[i].region;
        TRY(sweep_one(call, &sweep.tokens[i]));
    }
    return answer(call, integer("swept", (int64_t)sweep.count), boolean("more", sweep.count == SWEPT_A_CALL));
}

const struct operation provisioning_sweep = { "internal", "SweepOwnershipTokens", STEPS({ APPLY, sweep_expired }) };
