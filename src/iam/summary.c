/* summary.c - GetAccountSummary and ListAccountAliases: what an account holds, and how much it may. */
#include "iam/managed.h"

/* Numbers that are always the same: quotas (auth 5; AWS's where muster has none of its own), and what muster does not
   offer, which nobody has. */
static const struct {
    const char *name;
    int64_t number;
} fixed[] = {
    { "UsersQuota", 5000 },
    { "GroupsQuota", 300 },
    { "RolesQuota", 1000 },
    { "PoliciesQuota", MANAGED_POLICIES_MAX },
    { "PolicySizeQuota", MANAGED_SIZE_MAX },
    { "VersionsPerPolicyQuota", MANAGED_VERSIONS_MAX },
    { "PolicyVersionsInUseQuota", 10000 },
    { "AttachedPoliciesPerUserQuota", MANAGED_ATTACHED_MAX },
    { "AttachedPoliciesPerGroupQuota", MANAGED_ATTACHED_MAX },
    { "AttachedPoliciesPerRoleQuota", MANAGED_ATTACHED_MAX },
    { "UserPolicySizeQuota", 2048 },
    { "GroupPolicySizeQuota", 5120 },
    { "RolePolicySizeQuota", 10240 },
    { "AssumeRolePolicySizeQuota", 2048 },
    { "GroupsPerUserQuota", 10 },
    { "AccessKeysPerUserQuota", 2 },
    { "SigningCertificatesPerUserQuota", 2 },
    { "ServerCertificatesQuota", 20 },
    { "InstanceProfilesQuota", 1000 },
    { "GlobalEndpointTokenVersion", 1 },
    { "ServerCertificates", 0 },
    { "InstanceProfiles", 0 },
    { "MFADevices", 0 },
    { "MFADevicesInUse", 0 },
    { "AccountMFAEnabled", 0 },
    { "AccountAccessKeysPresent", 0 }, /* the root's: it has none */
    { "AccountPasswordPresent", 0 },
    { "AccountSigningCertificatesPresent", 0 },
};

static const struct {
    const char *name, *sql;
} counted[] = {
    { "Users", "SELECT count(*) FROM iam_user WHERE account = ?" },
    { "Groups", "SELECT count(*) FROM iam_group WHERE account = ?" },
    { "Roles", "SELECT count(*) FROM iam_role WHERE account = ?" },
    { "Policies", "SELECT count(*) FROM iam_policy WHERE account = ?" },
    { "PolicyVersionsInUse", "SELECT count(*) FROM iam_policy_version WHERE account = ?" },
    { "Providers", "SELECT count(*) FROM iam_oidc_provider WHERE account = ?" },
};

static FALLIBLE summarize(struct call *call)
{
    json *map = json_new_object(call);
    struct row *row;
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        TRY(store_find(call->tx, call, &row, counted[i].sql, ARGS(sql_text(call->account))));
        json_put_integer(map, counted[i].name, row_integer(row, 0));
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        json_put_integer(map, fixed[i].name, fixed[i].number);
    return answer(call, value_of("SummaryMap", json_object_get(map)));
}

/* An account has no other name than its number. */
static FALLIBLE list_aliases(struct call *call)
{
    return answer(call, value_of("AccountAliases", json_object_new_array()), boolean("IsTruncated", false));
}

const struct operation iam_op_get_account_summary = { "iam", "GetAccountSummary", STEPS({ READ, summarize }) };
const struct operation iam_op_list_account_aliases = { "iam", "ListAccountAliases", STEPS({ WORK, list_aliases }) };
