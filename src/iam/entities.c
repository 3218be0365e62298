/* entities.c - users, access keys, groups, roles: the table of operations. */
#include "iam/inner.h"

#define INLINE_ROWS(kind, Noun)                                                               \
    &iam_op_put_##kind##_policy, &iam_op_get_##kind##_policy, &iam_op_delete_##kind##_policy, \
        &iam_op_list_##kind##_policies,
#define TAGGED_ROWS(kind, Noun)  &iam_op_tag_##kind, &iam_op_untag_##kind, &iam_op_list_##kind##_tags,
#define BOUNDED_ROWS(kind, Noun) &iam_op_put_##kind##_boundary, &iam_op_delete_##kind##_boundary,

const struct operation *const iam_entity_operations[] = {
    &iam_op_create_user,
    &iam_op_get_user,
    &iam_op_list_users,
    &iam_op_update_user,
    &iam_op_delete_user,
    &iam_op_create_key,
    &iam_op_list_keys,
    &iam_op_update_key,
    &iam_op_delete_key,
    &iam_op_key_last_used,
    &iam_op_create_group,
    &iam_op_get_group,
    &iam_op_list_groups,
    &iam_op_update_group,
    &iam_op_delete_group,
    &iam_op_add_member,
    &iam_op_remove_member,
    &iam_op_list_groups_of_user,
    &iam_op_create_role,
    &iam_op_get_role,
    &iam_op_list_roles,
    &iam_op_update_role,
    &iam_op_update_trust,
    &iam_op_delete_role,
    &iam_op_create_service_role,
    /* clang-format off */
    IAM_INLINE_KINDS(INLINE_ROWS)
    IAM_TAGGED_KINDS(TAGGED_ROWS)
    IAM_BOUNDED_KINDS(BOUNDED_ROWS)
    /* clang-format on */
    NULL,
};
