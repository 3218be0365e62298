/* policies.c - the policies and tags of users and roles (auth.md 4.2.6). */
#include "account/inner.h"

/* ---- managed policies ---- */

static FALLIBLE find_own(struct tx *tx, void *ctx, const char *account, slice path_and_name, slice *document)
{
    struct row *row;
    slice name = path_and_name, piece;
    for (slice rest = path_and_name; slice_split(&rest, '/', &piece);)
        name = piece;
    TRY(store_find(tx, ctx, &row,
                   "SELECT v.document FROM iam_policy p JOIN iam_policy_version v ON v.account = p.account "
                   "AND v.policy = p.name AND v.version = p.default_version "
                   "WHERE p.account = ? AND p.name = ? AND p.path || p.name = ?",
                   ARGS(sql_text(account), sql_slice(name), sql_slice(path_and_name))));
    if (row != NULL)
        *document = slice_copy(ctx, row_slice(row, 0));
    return NULL;
}

FALLIBLE account_managed_policy(struct tx *tx, void *ctx, const char *account, slice policy_arn, slice *document)
{
    SCRATCH scratch = talloc_new(NULL);
    const struct policy_managed *managed = policy_managed_find(policy_arn);
    const char *own = text_format(scratch, "arn:aws:iam::%s:policy", account);
    *document = managed ? slice_of(managed->document) : (slice){ NULL, 0 };
    if (managed != NULL || !slice_starts(policy_arn, own))
        return NULL;
    return find_own(tx, ctx, account, slice_from(policy_arn, strlen(own)), document);
}

const struct policy *policy_stored(void *ctx, slice document, enum policy_kind kind, const char *name)
{
    static const slice nothing =
        SLICE("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}");
    struct policy *policy = NULL;
    if (document.at == NULL || policy_parse(ctx, document, kind, &policy) != NULL) {
        error *broken = policy_parse(ctx, nothing, kind, &policy);
        if (broken != NULL)
            abort(); /* it is ours, and a unit test parses it */
    }
    policy_set_name(policy, slice_of(name));
    return policy;
}

/* ---- those of a user or role ---- */

struct gathering {
    struct caller *caller;
    const struct policy **policies;
    size_t count;
    slice *attached; /* ARNs */
    size_t attached_count;
};

static void add_policy(struct gathering *into, slice document, const char *name)
{
    const struct policy *policy = policy_stored(into->caller, document, POLICY_IAM_IDENTITY, name);
    *ARRAY_ADD(into->caller, into->policies, into->count) = policy;
}

static FALLIBLE add_inline(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    add_policy(into, row_slice(row, 1), row_text(into->caller, row, 0));
    return NULL;
}

static FALLIBLE note_attached(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    *ARRAY_ADD(into->caller, into->attached, into->attached_count) = slice_copy(into->caller, row_slice(row, 0));
    return NULL;
}

/* Everything that stands under the owner's own name, then all of its groups'. */
static FALLIBLE gather_rows(struct tx *tx, struct gathering *into, const struct owner *owner)
{
    struct value account = sql_text(into->caller->account), kind = sql_text(owner->kind), name = sql_text(owner->name);
    TRY(store_each(tx, add_inline, into,
                   "SELECT policy_name, document FROM iam_inline_policy WHERE account = ? AND owner_kind = ? "
                   "AND owner_name = ? ORDER BY policy_name",
                   ARGS(account, kind, name)));
    TRY(store_each(tx, note_attached, into,
                   "SELECT policy_arn FROM iam_attached_policy WHERE account = ? AND owner_kind = ? "
                   "AND owner_name = ? ORDER BY policy_arn",
                   ARGS(account, kind, name)));
    if (strcmp(owner->kind, "user") != 0)
        return NULL;
    TRY(store_each(tx, add_inline, into,
                   "SELECT p.policy_name, p.document FROM iam_group_member m JOIN iam_inline_policy p "
                   "ON p.account = m.account AND p.owner_kind = 'group' AND p.owner_name = m.group_name "
                   "WHERE m.account = ? AND m.user_name = ? ORDER BY m.group_name, p.policy_name",
                   ARGS(account, name)));
    return store_each(tx, note_attached, into,
                      "SELECT DISTINCT a.policy_arn FROM iam_group_member m JOIN iam_attached_policy a "
                      "ON a.account = m.account AND a.owner_kind = 'group' AND a.owner_name = m.group_name "
                      "WHERE m.account = ? AND m.user_name = ? ORDER BY a.policy_arn",
                      ARGS(account, name));
}

static const char *last_part(void *ctx, slice arn)
{
    slice piece = arn;
    for (slice rest = arn; slice_split(&rest, '/', &piece);)
        ;
    return slice_text(ctx, piece);
}

FALLIBLE caller_gather(struct tx *tx, struct caller *caller, const struct owner *owner)
{
    struct gathering into = { .caller = caller };
    slice document;
    TRY(gather_rows(tx, &into, owner));
    for (size_t i = 0; i < into.attached_count; i++) {
        TRY(account_managed_policy(tx, caller, caller->account, into.attached[i], &document));
        add_policy(&into, document, last_part(caller, into.attached[i]));
    }
    caller->policies = into.policies;
    caller->policy_count = into.count;
    if (owner->boundary == NULL)
        return NULL;
    slice arn = slice_of(owner->boundary);
    TRY(account_managed_policy(tx, caller, caller->account, arn, &document));
    caller->boundary = policy_stored(caller, document, POLICY_IAM_IDENTITY, last_part(caller, arn));
    return NULL;
}

/* ---- facts ---- */

void caller_fact_add(struct caller_facts *facts, const char *key, const slice *values, size_t count)
{
    *ARRAY_ADD(facts->ctx, facts->at, facts->count) = (struct caller_fact){ key, values, count };
}

void caller_fact_text(struct caller_facts *facts, const char *key, const char *value)
{
    if (value == NULL)
        return;
    slice *one = MAKE(facts->ctx, slice);
    *one = slice_of(text_copy(facts->ctx, value));
    caller_fact_add(facts, key, one, 1);
}

static FALLIBLE add_tag(const struct row *row, void *arg)
{
    struct caller_facts *facts = arg;
    const char *key = text_format(facts->ctx, "aws:PrincipalTag/%.*s", PRINT(row_slice(row, 0)));
    for (size_t i = 0; i < facts->count; i++)
        if (strcasecmp(facts->at[i].key, key) == 0)
            return NULL;
    caller_fact_text(facts, key, row_text(facts->ctx, row, 1));
    return NULL;
}

FALLIBLE caller_fact_tags(struct tx *tx, struct caller_facts *facts, const char *account, const struct owner *owner)
{
    return store_each(tx, add_tag, facts,
                      "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                      "ORDER BY name",
                      ARGS(sql_text(account), sql_text(owner->kind), sql_text(owner->name)));
}
