/* policies.c - managed policies and simulation: the table of operations. */
#include "iam/managed.h"

const struct operation *const iam_policy_operations[] = {
    &iam_op_create_policy,
    &iam_op_get_policy,
    &iam_op_list_policies,
    &iam_op_delete_policy,
    &iam_op_create_policy_version,
    &iam_op_get_policy_version,
    &iam_op_list_policy_versions,
    &iam_op_set_default_policy_version,
    &iam_op_delete_policy_version,
    &iam_op_attach_user_policy,
    &iam_op_attach_group_policy,
    &iam_op_attach_role_policy,
    &iam_op_detach_user_policy,
    &iam_op_detach_group_policy,
    &iam_op_detach_role_policy,
    &iam_op_list_attached_user_policies,
    &iam_op_list_attached_group_policies,
    &iam_op_list_attached_role_policies,
    &iam_op_list_entities_for_policy,
    &iam_op_simulate_principal_policy,
    &iam_op_simulate_custom_policy,
    &iam_op_get_account_summary,
    &iam_op_list_account_aliases,
    NULL,
};
