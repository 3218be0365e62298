/* inline.c - inline policies of users, groups and roles (auth.md 2.4, 4.2.1, 5). */
#include "iam/inner.h"

/* ---- the quota of one owner ---- */

struct total {
    slice without; /* the policy that is being replaced */
    size_t size;
};

static FALLIBLE add_size(const struct row *row, void *arg)
{
    struct total *total = arg;
    if (!slice_equal(row_slice(row, 0), total->without))
        total->size += policy_size(row_slice(row, 1));
    return NULL;
}

static FALLIBLE check_total(struct call *call, const struct iam_entity *owner, slice document)
{
    struct total total = { .without = call_text(call, "PolicyName"), .size = policy_size(document) };
    TRY(store_each(call->tx, add_size, &total,
                   "SELECT policy_name, document FROM iam_inline_policy "
                   "WHERE account = ? AND owner_kind = ? AND owner_name = ?",
                   ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name))));
    if (total.size <= owner->kind->inline_max)
        return NULL;
    return error_new(call, "LimitExceeded", "Maximum policy size of %zu bytes exceeded for %s %s",
                     owner->kind->inline_max, owner->kind->kind, owner->name);
}

/* ---- operations ---- */

static error *no_policy(struct call *call, const struct iam_entity *owner)
{
    return error_new(call, "NoSuchEntity", "The %s policy with name %s cannot be found.", owner->kind->kind,
                     call_string(call, "PolicyName"));
}

/* Its size counts with that of the others, in `put`. */
static FALLIBLE check_document(struct call *call)
{
    struct policy *policy;
    return policy_parse_sized(call, call_text(call, "PolicyDocument"), POLICY_IAM_IDENTITY, POLICY_IAM_RAW_MAX,
                              &policy);
}

static FALLIBLE put(struct call *call)
{
    struct iam_entity *owner;
    slice document = call_text(call, "PolicyDocument");
    TRY(iam_get_owner(call, &owner));
    TRY(iam_check_modifiable(call, owner));
    TRY(check_total(call, owner, document));
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO iam_inline_policy (account, owner_kind, owner_name, policy_name, document) "
                  "VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, owner_kind, owner_name, policy_name) "
                  "DO UPDATE SET document = excluded.document",
                  ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name),
                       sql_slice(call_text(call, "PolicyName")), sql_slice(document))));
    return iam_changed(call, owner, "UPDATED", call_string(call, "PolicyName"));
}

static FALLIBLE get(struct call *call)
{
    struct row *row;
    struct iam_entity *owner;
    TRY(iam_get_owner(call, &owner));
    TRY(store_find(call->tx, call, &row,
                   "SELECT document FROM iam_inline_policy "
                   "WHERE account = ? AND owner_kind = ? AND owner_name = ? AND policy_name = ?",
                   ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name),
                        sql_slice(call_text(call, "PolicyName")))));
    if (row == NULL)
        return no_policy(call, owner);
    return answer(call, string(owner->kind->member, owner->name), string("PolicyName", call_string(call, "PolicyName")),
                  string("PolicyDocument", iam_encoded(call, row_slice(row, 0))));
}

static FALLIBLE delete (struct call *call)
{
    int64_t deleted;
    struct iam_entity *owner;
    TRY(iam_get_owner(call, &owner));
    TRY(iam_check_modifiable(call, owner));
    TRY(store_run(call->tx, &deleted,
                  "DELETE FROM iam_inline_policy "
                  "WHERE account = ? AND owner_kind = ? AND owner_name = ? AND policy_name = ?",
                  ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name),
                       sql_slice(call_text(call, "PolicyName")))));
    return deleted ? iam_changed(call, owner, "UPDATED", call_string(call, "PolicyName")) : no_policy(call, owner);
}

static FALLIBLE list(struct call *call)
{
    struct iam_entity *owner;
    struct list list = { .call = call, .member = "PolicyNames", .entry = list_entry_text };
    TRY(iam_get_owner(call, &owner));
    TRY(list_begin(&list));
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT policy_name FROM iam_inline_policy WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                   "AND policy_name > ? ORDER BY policy_name LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name), list_after(&list),
                        list_limit(&list))));
    return list_answer(&list);
}

#define OPERATIONS(kind, Noun)                                                                                 \
    const struct operation iam_op_put_##kind##_policy = { "iam", "Put" #Noun "Policy",                         \
                                                          STEPS({ WORK, check_document }, { APPLY, put }) };   \
    const struct operation iam_op_get_##kind##_policy = { "iam", "Get" #Noun "Policy", STEPS({ READ, get }) }; \
    const struct operation iam_op_delete_##kind##_policy = { "iam", "Delete" #Noun "Policy",                   \
                                                             STEPS({ APPLY, delete }) };                       \
    const struct operation iam_op_list_##kind##_policies = { "iam", "List" #Noun "Policies", STEPS({ READ, list }) };
IAM_INLINE_KINDS(OPERATIONS)
