/* caller.c - from an access key or a role to a caller with compiled policies (auth.md 3.1, 4.2). */
#include "account/account.h"
#include "base/clock.h"

/* ---- policies of a user or role ---- */

struct gathering {
    struct caller *caller;
    const struct policy **policies;
    size_t count;
};

static FALLIBLE add_policy(struct gathering *into, slice document, const char *name)
{
    struct policy *policy;
    TRY(policy_parse(into->caller, document, POLICY_IAM_IDENTITY, &policy));
    policy_set_name(policy, slice_of(name));
    *ARRAY_ADD(into->caller, into->policies, into->count) = policy;
    return NULL;
}

static FALLIBLE add_inline(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    return add_policy(into, row_slice(row, 1), row_text(into->caller, row, 0));
}

static FALLIBLE add_attached(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    const struct policy_managed *managed = policy_managed_find(row_slice(row, 0));
    return managed ? add_policy(into, slice_of(managed->document), managed->name) : NULL;
}

static FALLIBLE gather_policies(struct tx *tx, struct caller *caller, const char *kind, const char *name)
{
    struct gathering into = { .caller = caller };
    TRY(store_each(tx, add_inline, &into,
                   "SELECT policy_name, document FROM iam_inline_policy WHERE account = ? AND owner_kind = ? "
                   "AND owner_name = ? ORDER BY policy_name",
                   ARGS(sql_text(caller->account), sql_text(kind), sql_text(name))));
    TRY(store_each(tx, add_attached, &into,
                   "SELECT policy_arn FROM iam_attached_policy WHERE account = ? AND owner_kind = ? "
                   "AND owner_name = ? ORDER BY policy_arn",
                   ARGS(sql_text(caller->account), sql_text(kind), sql_text(name))));
    caller->policies = into.policies;
    caller->policy_count = into.count;
    return NULL;
}

/* ---- access keys ---- */

static int wipe_secret(struct signing_key *key)
{
    secret_wipe((void *)(uintptr_t)key->secret.at, key->secret.length);
    return 0;
}

FALLIBLE account_find_key(struct tx *tx, void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct signing_key **out)
{
    struct row *row;
    *out = NULL;
    if (token.at != NULL)
        return NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT k.account, k.secret_sealed, u.name, u.path, u.id FROM iam_access_key k "
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
    caller->kind = CALLER_IAM;
    caller->account = row_text(caller, row, 0);
    caller->user_name = row_text(caller, row, 2);
    caller->arn =
        text_format(caller, "arn:aws:iam::%s:user%s%s", caller->account, row_text(caller, row, 3), caller->user_name);
    caller->user_id = caller->unique_id = row_text(caller, row, 4);
    caller->type = "User";
    caller->access_key = slice_text(caller, access_key_id);
    TRY(gather_policies(tx, caller, "user", caller->user_name));
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

static FALLIBLE check_trust(void *ctx, slice trust, const char *role_arn, const char *service, int64_t now_ms)
{
    char now[CLOCK_TEXT_MAX];
    clock_iso8601(now_ms, now);
    slice time = slice_of(now);
    struct policy_key keys[] = { { SLICE("aws:CurrentTime"), &time, 1 } };
    struct policy_context context = { .keys = keys, .count = 1 };
    struct trust_request request = { .principal.service = slice_of(service),
                                     .action = SLICE("sts:AssumeRole"),
                                     .context = &context };
    struct policy *policy;
    error *bad = policy_parse(ctx, trust, POLICY_IAM_TRUST, &policy);
    if (bad != NULL)
        return error_because(ctx, bad, "AccessDenied", "The trust policy of role %s cannot be read.", role_arn);
    if (!policy_trusts(policy, &request, NULL))
        return error_new(ctx, "AccessDenied", "Role %s does not trust %s (sts:AssumeRole).", role_arn, service);
    return NULL;
}

FALLIBLE account_role(struct tx *tx, void *ctx, const char *account, const char *role_arn, const char *service,
                      int64_t now_ms, struct caller **out)
{
    struct row *row = NULL;
    slice owner, name;
    if (account_role_arn(slice_of(role_arn), &owner, &name) && slice_is(owner, account))
        TRY(store_find(tx, ctx, &row, "SELECT path, id, trust, name FROM iam_role WHERE account = ? AND name = ?",
                       ARGS(sql_text(account), sql_slice(name))));
    const char *arn =
        row ? text_format(ctx, "arn:aws:iam::%s:role%s%s", account, row_text(ctx, row, 0), row_text(ctx, row, 3))
            : NULL;
    if (arn == NULL || strcmp(arn, role_arn) != 0)
        return error_new(ctx, "AccessDenied", "Role %s does not exist in account %s.", role_arn, account);
    TRY(check_trust(ctx, row_slice(row, 2), role_arn, service, now_ms));

    struct caller *caller = MAKE(ctx, struct caller);
    caller->kind = CALLER_ROLE;
    caller->account = text_copy(caller, account);
    caller->arn = text_copy(caller, arn);
    caller->user_id = caller->unique_id = row_text(caller, row, 1);
    caller->type = "AssumedRole";
    TRY(gather_policies(tx, caller, "role", row_text(caller, row, 3)));
    *out = caller;
    return NULL;
}
