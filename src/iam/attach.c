/* attach.c - managed policies of users, groups and roles: attached, listed, detached. The three are one shape: which of
   them a call means is told by the member that names it (auth.md 2.4). */
#include "iam/managed.h"

static FALLIBLE change(struct call *call, const struct iam_entity *owner, const char *kind)
{
    return iam_changed(call, owner, kind, call_string(call, "PolicyArn"));
}

/* ---- Attach ---- */

static FALLIBLE check_room(struct call *call, const struct iam_entity *owner)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*) FROM iam_attached_policy WHERE account = ? AND owner_kind = ? AND owner_name = ?",
                   ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name))));
    if (row_integer(row, 0) <= MANAGED_ATTACHED_MAX)
        return NULL;
    return error_new(call, "LimitExceededException", "Cannot exceed quota for PoliciesPer%s: %d", owner->kind->noun,
                     MANAGED_ATTACHED_MAX);
}

static FALLIBLE attach(struct call *call)
{
    struct iam_entity *owner;
    struct managed_policy *policy;
    int64_t made;
    TRY(iam_get_owner(call, &owner));
    TRY(iam_check_modifiable(call, owner));
    TRY(managed_find(call, call_text(call, "PolicyArn"), &policy));
    if (policy == NULL)
        return error_new(call, "NoSuchEntityException", "Policy %s does not exist or is not attachable.",
                         call_string(call, "PolicyArn"));
    TRY(store_run(
        call->tx, &made,
        "INSERT INTO iam_attached_policy (account, owner_kind, owner_name, policy_arn) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name), sql_text(policy->arn))));
    if (made == 0)
        return NULL;
    TRY(check_room(call, owner));
    return change(call, owner, "ATTACHED");
}

/* ---- Detach ---- */

static FALLIBLE detach(struct call *call)
{
    struct iam_entity *owner;
    struct managed_policy *policy;
    int64_t gone;
    TRY(iam_get_owner(call, &owner));
    TRY(iam_check_modifiable(call, owner));
    TRY(managed_find(call, call_text(call, "PolicyArn"), &policy));
    TRY(store_run(call->tx, &gone,
                  "DELETE FROM iam_attached_policy WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                  "AND policy_arn = ?",
                  ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name),
                       sql_slice(call_text(call, "PolicyArn")))));
    if (gone == 0)
        return error_new(call, "NoSuchEntityException", "Policy %s was not found.", call_string(call, "PolicyArn"));
    return change(call, owner, "DETACHED");
}

/* ---- ListAttached ---- */

struct listing {
    struct call *call;
    struct page page;
    json *array;
};

/* "/path/" and "name" of "arn:aws:iam::ACCOUNT:policy/path/name". */
static void split_arn(slice arn, slice *path, slice *name)
{
    slice piece, rest = arn;
    for (int i = 0; i < 5; i++)
        slice_split(&rest, ':', &piece);
    *path = slice_from(rest, strlen("policy"));
    for (slice left = *path; slice_split(&left, '/', &piece);)
        *name = piece;
    path->length -= name->length;
}

static FALLIBLE list_one(const struct row *row, void *arg)
{
    struct listing *listing = arg;
    slice arn = row_slice(row, 0), path, name = { NULL, 0 };
    const char *prefix = call_string(listing->call, "PathPrefix");
    split_arn(arn, &path, &name);
    if (prefix != NULL && !slice_starts(path, prefix))
        return NULL;
    if (!page_take(listing->call, &listing->page, slice_text(listing->call, arn)))
        return NULL;
    json *entry = json_object_new_object();
    json_put_slice(entry, "PolicyName", name);
    json_put_slice(entry, "PolicyArn", arn);
    json_add(listing->array, entry);
    return NULL;
}

/* No LIMIT: nobody has more than ten. */
static FALLIBLE list(struct call *call)
{
    struct iam_entity *owner;
    struct listing listing = { .call = call, .array = json_new_array(call) };
    TRY(iam_get_owner(call, &owner));
    TRY(page_begin(call, &listing.page));
    TRY(store_each(call->tx, list_one, &listing,
                   "SELECT policy_arn FROM iam_attached_policy WHERE account = ? AND owner_kind = ? "
                   "AND owner_name = ? AND policy_arn > ? ORDER BY policy_arn",
                   ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name),
                        sql_text(listing.page.after ? listing.page.after : ""))));
    return page_answer(call, &listing.page, "AttachedPolicies", listing.array);
}

#define OPERATION(name, place, run)        \
    {                                      \
        "iam", name, STEPS({ place, run }) \
    }

const struct operation iam_op_attach_user_policy = OPERATION("AttachUserPolicy", APPLY, attach);
const struct operation iam_op_attach_group_policy = OPERATION("AttachGroupPolicy", APPLY, attach);
const struct operation iam_op_attach_role_policy = OPERATION("AttachRolePolicy", APPLY, attach);
const struct operation iam_op_detach_user_policy = OPERATION("DetachUserPolicy", APPLY, detach);
const struct operation iam_op_detach_group_policy = OPERATION("DetachGroupPolicy", APPLY, detach);
const struct operation iam_op_detach_role_policy = OPERATION("DetachRolePolicy", APPLY, detach);
const struct operation iam_op_list_attached_user_policies = OPERATION("ListAttachedUserPolicies", READ, list);
const struct operation iam_op_list_attached_group_policies = OPERATION("ListAttachedGroupPolicies", READ, list);
const struct operation iam_op_list_attached_role_policies = OPERATION("ListAttachedRolePolicies", READ, list);
