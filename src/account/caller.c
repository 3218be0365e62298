/* caller.c - from an access key or a role to a caller with compiled policies (auth.md 3.1, 4.2). */
#include "account/inner.h"
#include "base/clock.h"

/* ---- access keys ---- */

static int wipe_secret(struct signing_key *key)
{
    secret_wipe((void *)(uintptr_t)key->secret.at, key->secret.length);
    return 0;
}

static FALLIBLE user_caller(struct tx *tx, struct caller *caller, const struct row *row)
{
    struct caller_facts facts = { .ctx = caller };
    caller->kind = CALLER_IAM;
    caller->account = row_text(caller, row, 0);
    caller->user_name = row_text(caller, row, 2);
    caller->arn =
        text_format(caller, "arn:aws:iam::%s:user%s%s", caller->account, row_text(caller, row, 3), caller->user_name);
    caller->user_id = caller->unique_id = row_text(caller, row, 4);
    caller->type = "User";
    struct owner owner = { "user", caller->user_name, row_text(caller, row, 5) };
    TRY(caller_gather(tx, caller, &owner));
    TRY(caller_fact_tags(tx, &facts, caller->account, &owner));
    caller->facts = facts.at;
    caller->fact_count = facts.count;
    return NULL;
}

FALLIBLE account_find_key(struct tx *tx, void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct signing_key **out)
{
    struct row *row;
    *out = NULL;
    if (token.at != NULL)
        return session_find_key(tx, ctx, master, access_key_id, token, out);
    TRY(store_find(tx, ctx, &row,
                   "SELECT k.account, k.secret_sealed, u.name, u.path, u.id, u.boundary FROM iam_access_key k "
                   "JOIN iam_user u ON u.account = k.account AND u.name = k.user_name "
                   "WHERE k.id = ? AND k.status = 'Active'",
                   ARGS(sql_slice(access_key_id))));
    if (row == NULL)
        return NULL;

    struct signing_key *key = MAKE(ctx, struct signing_key);
    const char *purpose = text_format(key, "access-key:%.*s", PRINT(access_key_id));
    if (!master_key_open(key, master, purpose, row_slice(row, 1), &key->secret))
        return error_new(ctx, "InternalFailureException",
                         "The secret of access key %.*s cannot be opened with this master key.", PRINT(access_key_id));
    talloc_set_destructor(key, wipe_secret);

    struct caller *caller = MAKE(key, struct caller);
    TRY(user_caller(tx, caller, row));
    caller->access_key = slice_text(caller, access_key_id);
    key->caller = caller;
    *out = key;
    return NULL;
}

/* ---- roles ---- */

bool account_role_arn(slice arn, slice *account, slice *name)
{
    static const char start[] = "arn:aws:iam::";
    if (!slice_starts(arn, start))
        return false;
    slice rest = slice_from(arn, sizeof(start) - 1);
    if (rest.length < 13 || rest.at[12] != ':')
        return false;
    *account = (slice){ rest.at, 12 };
    for (size_t i = 0; i < 12; i++)
        if (rest.at[i] < '0' || rest.at[i] > '9')
            return false;
    rest = slice_from(rest, 13);
    if (!slice_starts(rest, "role/"))
        return false;
    slice piece;
    for (rest = slice_from(rest, 5); slice_split(&rest, '/', &piece);)
        *name = piece;
    return name->length >= 1 && name->length <= 64;
}

FALLIBLE account_find_role(struct tx *tx, void *ctx, slice role_arn, struct role **out)
{
    struct row *row = NULL;
    slice account, name;
    *out = NULL;
    if (account_role_arn(role_arn, &account, &name))
        TRY(store_find(tx, ctx, &row,
                       "SELECT account, name, path, id, trust, max_session_s FROM iam_role "
                       "WHERE account = ? AND name = ?",
                       ARGS(sql_slice(account), sql_slice(name))));
    if (row == NULL)
        return NULL;
    struct role *role = MAKE(ctx, struct role);
    *role = (struct role){ .account = row_text(role, row, 0),
                           .name = row_text(role, row, 1),
                           .path = row_text(role, row, 2),
                           .id = row_text(role, row, 3),
                           .trust = row_text(role, row, 4),
                           .max_session_s = row_integer(row, 5) };
    role->arn = text_format(role, "arn:aws:iam::%s:role%s%s", role->account, role->path, role->name);
    *out = slice_is(role_arn, role->arn) ? role : NULL;
    return NULL;
}

bool account_role_trusts(const struct role *role, const char *service, const char *account, const char *source_arn,
                         int64_t now_ms)
{
    char now[CLOCK_TEXT_MAX];
    clock_iso8601(now_ms, now);
    slice time = slice_of(now), source_account = slice_of(account), source = slice_of(source_arn);
    struct policy_key keys[] = { { SLICE("aws:CurrentTime"), &time, 1 },
                                 { SLICE("aws:SourceAccount"), &source_account, 1 },
                                 { SLICE("aws:SourceArn"), &source, 1 } };
    struct policy_context context = { .keys = keys, .count = source_arn ? 3 : 2 };
    struct trust_request request = { .principal.service = slice_of(service),
                                     .action = SLICE("sts:AssumeRole"),
                                     .context = &context };
    struct policy *policy;
    SCRATCH scratch = talloc_new(NULL);
    if (policy_parse(scratch, slice_of(role->trust), POLICY_IAM_TRUST, &policy) != NULL)
        return false;
    return policy_trusts(policy, &request, NULL);
}

static FALLIBLE role_caller(struct tx *tx, struct caller *caller, const struct role *role)
{
    struct row *row;
    struct caller_facts facts = { .ctx = caller };
    TRY(store_find(tx, caller, &row, "SELECT boundary FROM iam_role WHERE account = ? AND name = ?",
                   ARGS(sql_text(role->account), sql_text(role->name))));
    struct owner owner = { "role", role->name, row ? row_text(caller, row, 0) : NULL };
    TRY(caller_gather(tx, caller, &owner));
    TRY(caller_fact_tags(tx, &facts, role->account, &owner));
    caller->facts = facts.at;
    caller->fact_count = facts.count;
    return NULL;
}

FALLIBLE account_role(struct tx *tx, void *ctx, const char *account, const char *role_arn, const char *service,
                      int64_t now_ms, struct caller **out)
{
    struct role *role;
    TRY(account_find_role(tx, ctx, slice_of(role_arn), &role));
    if (role == NULL || strcmp(role->account, account) != 0)
        return error_new(ctx, "AccessDenied", "Role %s does not exist in account %s.", role_arn, account);
    if (!account_role_trusts(role, service, account, NULL, now_ms))
        return error_new(ctx, "AccessDenied", "Role %s does not trust %s (sts:AssumeRole).", role_arn, service);

    struct caller *caller = MAKE(ctx, struct caller);
    caller->kind = CALLER_ROLE;
    caller->account = text_copy(caller, account);
    caller->arn = text_copy(caller, role->arn);
    caller->user_id = caller->unique_id = text_copy(caller, role->id);
    caller->type = "AssumedRole";
    TRY(role_caller(tx, caller, role));
    *out = caller;
    return NULL;
}
