/* managed.h - managed policies, as the operations on them see them: rows of the account, and the built-in ones, which
   are there for everybody and change for nobody (auth.md 2.4). */
#pragma once
#include "iam/inner.h"

enum {
    MANAGED_SIZE_MAX = 6144, /* characters without white space (auth 5) */
    MANAGED_VERSIONS_MAX = 5,
    MANAGED_POLICIES_MAX = 1500,
    MANAGED_ATTACHED_MAX = 10 /* to each user, group and role */
};

struct managed_policy {
    const char *arn, *name, *path, *id;
    const char *description;               /* NULL: none */
    int64_t default_version, last_version; /* numbers: 3 is shown as "v3" */
    int64_t created_ms, modified_ms;
    const struct policy_managed *built_in; /* NULL: a row of this account */
};

/* *out is NULL when there is none of this ARN in the account. Fails with InvalidInput for what is no policy's ARN. */
FALLIBLE managed_find(struct call *call, slice arn, struct managed_policy **out);
/* The one that PolicyArn of the input names. Fails with NoSuchEntity. */
FALLIBLE managed_get(struct call *call, struct managed_policy **out);
/* The same, to change it: AccessDenied for a built-in one. */
FALLIBLE managed_get_own(struct call *call, struct managed_policy **out);

/* A WORK step: PolicyDocument of the input is one that may be stored. */
FALLIBLE managed_check_document(struct call *call);
FALLIBLE managed_insert_version(struct call *call, const char *name, int64_t version);

/* How often a policy is attached, and set as a boundary. */
struct managed_usage {
    int64_t attachments, boundaries;
};
FALLIBLE managed_count_usage(struct call *call, const char *arn, struct managed_usage *out);

/* Each row of the change log about a policy: "iam", "policy/NAME". */
FALLIBLE managed_change(struct call *call, const char *name, const char *kind, const char *detail);

/* ---- operations, for the table in policies.c ---- */

extern const struct operation iam_op_create_policy, iam_op_get_policy, iam_op_list_policies, iam_op_delete_policy;
extern const struct operation iam_op_create_policy_version, iam_op_get_policy_version, iam_op_list_policy_versions,
    iam_op_set_default_policy_version, iam_op_delete_policy_version;
extern const struct operation iam_op_attach_user_policy, iam_op_attach_group_policy, iam_op_attach_role_policy,
    iam_op_detach_user_policy, iam_op_detach_group_policy, iam_op_detach_role_policy,
    iam_op_list_attached_user_policies, iam_op_list_attached_group_policies, iam_op_list_attached_role_policies;
extern const struct operation iam_op_list_entities_for_policy;
extern const struct operation iam_op_simulate_principal_policy, iam_op_simulate_custom_policy;
extern const struct operation iam_op_get_account_summary, iam_op_list_account_aliases;
