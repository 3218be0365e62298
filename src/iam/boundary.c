/* boundary.c - permissions boundaries of users and roles: a managed policy beyond which no other can reach (auth.md 2.4,
   4.2.6). */
#include "iam/inner.h"

FALLIBLE iam_check_boundary(struct call *call)
{
    slice document, arn = call_text(call, "PermissionsBoundary");
    if (arn.at == NULL)
        return NULL;
    TRY(account_managed_policy(call->tx, call, call->account, arn, &document));
    return document.at
               ? NULL
               : error_new(call, "NoSuchEntity", "Scope ARN: %.*s does not exist or is not attachable.", PRINT(arn));
}

static FALLIBLE set(struct call *call)
{
    struct iam_entity *entity;
    struct value boundary = sql_text(call_string(call, "PermissionsBoundary"));
    TRY(iam_get_owner(call, &entity));
    TRY(iam_check_modifiable(call, entity));
    TRY(iam_check_boundary(call));
    TRY(store_run(call->tx, NULL, entity->kind->set_boundary,
                  ARGS(boundary, sql_text(call->account), sql_text(entity->name))));
    return iam_changed(call, entity, "UPDATED", "boundary");
}

static FALLIBLE delete (struct call *call)
{
    struct iam_entity *entity;
    TRY(iam_get_owner(call, &entity));
    if (entity->boundary == NULL)
        return error_new(call, "NoSuchEntity", "The %s with name %s has no permissions boundary.", entity->kind->kind,
                         entity->name);
    return set(call);
}

#define OPERATIONS(kind, Noun)                                                                              \
    const struct operation iam_op_put_##kind##_boundary = { "iam", "Put" #Noun "PermissionsBoundary",       \
                                                            STEPS({ APPLY, set }) };                        \
    const struct operation iam_op_delete_##kind##_boundary = { "iam", "Delete" #Noun "PermissionsBoundary", \
                                                               STEPS({ APPLY, delete }) };
IAM_BOUNDED_KINDS(OPERATIONS)
