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

/* Ordered by name, a built-in policy behind its namesake: markers stay short that way, however long the paths are. */
struct attached {
    slice arn, path, name;
    const char *position;
};

struct listing {
    struct call *call;
    struct attached *at;
    size_t count;
};

/* "arn:aws:iam::ACCOUNT:policy/path/name" */
static FALLIBLE take_one(const struct row *row, void *arg)
{
    struct listing *listing = arg;
    struct attached *one = ARRAY_ADD(listing->call, listing->at, listing->count);
    slice account = { NULL, 0 }, piece, rest;
    rest = one->arn = slice_copy(listing->call, row_slice(row, 0));
    for (int i = 0; i < 5; i++)
        slice_split(&rest, ':', &account);
    rest = one->path = slice_from(rest, strlen("policy"));
    while (slice_split(&rest, '/', &piece))
        one->name = piece;
    one->path.length -= one->name.length;
    one->position = text_format(listing->call, "%.*s%s", PRINT(one->name), slice_is(account, "aws") ? "/aws" : "");
    return NULL;
}

static int by_position(const void *a, const void *b)
{
    return strcmp(((const struct attached *)a)->position, ((const struct attached *)b)->position);
}

static bool is_wanted(struct call *call, const struct page *page, const struct attached *one)
{
    const char *prefix = call_string(call, "PathPrefix");
    return (prefix == NULL || slice_starts(one->path, prefix)) &&
           (page->after == NULL || strcmp(one->position, page->after) > 0);
}

/* No LIMIT: nobody has more than ten. */
static FALLIBLE list(struct call *call)
{
    struct iam_entity *owner;
    struct listing listing = { .call = call };
    struct page page;
    json *array = json_new_array(call);
    TRY(iam_get_owner(call, &owner));
    TRY(page_begin(call, &page));
    TRY(store_each(call->tx, take_one, &listing,
                   "SELECT policy_arn FROM iam_attached_policy WHERE account = ? AND owner_kind = ? AND owner_name = ?",
                   ARGS(sql_text(call->account), sql_text(owner->kind->kind), sql_text(owner->name))));
    if (listing.count > 1)
        qsort(listing.at, listing.count, sizeof(listing.at[0]), by_position);
    for (size_t i = 0; i < listing.count; i++) {
        const struct attached *one = &listing.at[i];
        if (!is_wanted(call, &page, one) || !page_take(call, &page, one->position))
            continue;
        json *entry = json_object_new_object();
        json_put_slice(entry, "PolicyName", one->name);
        json_put_slice(entry, "PolicyArn", one->arn);
        json_add(array, entry);
    }
    return page_answer(call, &page, "AttachedPolicies", array);
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
