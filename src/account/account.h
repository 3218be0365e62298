/* account.h - accounts, their administrators' keys, roles, and the names of their endpoints.

   Who signs a request is found here: account_find_key gives the secret and the caller with compiled policies, in one
   snapshot. A role that the service acts under (a template's provisioning role) becomes a caller by account_role. The
   IAM interface itself comes on top of the same rows. */
#pragma once
#include "operation/operation.h"

/* ---- operations: STS GetCallerIdentity, IoT DescribeEndpoint ---- */
extern const struct operation *const account_operations[];

/* ---- keys ---- */

struct signing_key {
    slice secret; /* wiped when freed */
    const struct caller *caller;
};
/* In a store_read or APPLY; *out is NULL for an unknown or inactive key. The result hangs off ctx. */
FALLIBLE account_find_key(struct tx *tx, void *ctx, const struct master_key *master, slice access_key_id,
                          struct signing_key **out);

/* ---- roles ---- */

/* The account and name of "arn:aws:iam::ACCOUNT:role/path/name"; false when it is no role ARN. `name` is the last part. */
bool account_role_arn(slice arn, slice *account, slice *name);
/* The caller that acts under the role, for a service such as "iot.amazonaws.com" in the role's own account. Fails with
   AccessDenied when the role does not exist in `account` or does not trust the service; the message says which. */
FALLIBLE account_role(struct tx *tx, void *ctx, const char *account, const char *role_arn, const char *service,
                      int64_t now_ms, struct caller **out);

/* ---- endpoints ---- */

/* The prefix of an account's hosts, made at its first use (APPLY only). kind: "data", "credentials", "deviceadvisor". */
FALLIBLE account_endpoint_prefix(struct tx *tx, void *ctx, const char *account, const char *region, const char *kind,
                                 const char **out);

struct account_host {
    const char *host; /* lower case, full: "a1b2...-ats.iot.us-east-1.localhost" */
    const char *account;
};
/* Every host name of every account, for the gateway's map. */
FALLIBLE account_hosts(struct tx *tx, void *ctx, const char *region, const char *domain, struct account_host **out,
                       size_t *count);
FALLIBLE account_default(struct tx *tx, void *ctx, const char **out);

/* ---- making the first account (muster init) ---- */

struct account_made {
    const char *access_key_id;
    slice secret;
    const char *user_arn;
    const char *provisioning_role_arn;
};
/* Account, user "admin" with AdministratorAccess and one access key, role MusterProvisioning. In APPLY. Fails with
   InvalidAccount when the id is not 12 digits or exists. */
FALLIBLE account_create(struct tx *tx, void *ctx, const struct master_key *master, const char *id, const char *region,
                        bool is_default, int64_t now_ms, struct account_made *out);

/* door_put names that this room reads: the base domain of endpoints (const char *). */
#define ACCOUNT_DOMAIN     "account-domain"
#define ACCOUNT_MASTER_KEY "master-key"
