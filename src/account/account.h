/* account.h - accounts, their administrators' keys, roles, and the names of their endpoints.

   Who signs a request is found here: account_find_key gives the secret and the caller with compiled policies, in one
   snapshot. A role that the service acts under (a template's provisioning role) becomes a caller by account_role. The
   IAM interface itself comes on top of the same rows. */
#pragma once
#include "operation/operation.h"

/* ---- operations: STS GetCallerIdentity, IoT DescribeEndpoint ---- */
extern const struct operation *const account_operations[];
extern const struct operation *const operator_operations[]; /* the model "muster": accounts, history */

/* ---- keys ---- */

struct signing_key {
    slice secret; /* wiped when freed */
    const struct caller *caller;
    int64_t expires_ms; /* of temporary keys; 0: never */
};
/* In a store_read or APPLY; *out is NULL for an unknown or inactive key, a temporary one (ASIA...) without its token, a
   token that is not this key's, or a session whose user or role is gone. `token` at NULL: none was sent; a long-term
   key takes none. An expired session is found: its expires_ms tells. The result hangs off ctx. */
FALLIBLE account_find_key(struct tx *tx, void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct signing_key **out);

struct account_key {
    const char *id;
    slice secret; /* wiped when freed */
};
/* A new access key of a user, active at once. In APPLY. */
FALLIBLE account_make_key(struct tx *tx, void *ctx, const struct master_key *master, const char *account,
                          const char *user_name, int64_t now_ms, struct account_key **out);

/* ---- policies ---- */

/* The document in force of a managed policy: built in, or the default version of one of this account's own. at NULL:
   there is none of this ARN. */
FALLIBLE account_managed_policy(struct tx *tx, void *ctx, const char *account, slice policy_arn, slice *document);

/* The key, or of a role's session the role, was used just now: to be written soon, as nobody waits for it
   (GetAccessKeyLastUsed, RoleLastUsed). Any thread; does not wait. A failure is logged by the door and forgotten. */
void account_note_use(struct door *door, const struct caller *caller, const char *service, const char *region);

/* ---- sessions: temporary credentials (auth.md 3.2, 4.5) ----
   Nothing is stored: all a session is travels sealed in its token, bound to its key id. The role's or user's policies
   are read anew with each lookup, so a Deny added later applies at once. */
struct session {
    enum session_kind kind;
    const char *account;         /* of the role or user */
    const char *unique_id;       /* its AROA... or AIDA...; when that is gone, so is the session */
    const char *session_name;    /* RoleSessionName, or the federated user's name; NULL for SESSION_USER */
    const char *source_identity; /* may be NULL */
    int64_t issued_s, expires_s;
    const char **policies; /* session policies: documents */
    size_t policy_count;
    const struct caller_fact *facts; /* what policies may ask about the session (struct caller) */
    size_t fact_count;
    const char *const *transitive; /* keys of the session tags that chained sessions inherit; its caller has them as
                                      the fact sts:TransitiveTagKeys */
    size_t transitive_count;
};
struct credentials {
    const char *access_key_id, *secret, *token; /* secret and token are wiped when freed */
    int64_t expires_s;
    int packed_percent; /* PackedPolicySize: of the room for session policies and tags */
};
enum { SESSION_SEALED_MAX = 4096 }; /* bytes of a token before base64 */
/* Makes keys for it. Fails with PackedPolicyTooLargeException when the session does not fit its token. No I/O. */
FALLIBLE account_issue_session(void *ctx, const struct master_key *master, const struct session *session,
                               struct credentials **out);
/* What a token says, to whoever holds the key id it was made for; false for any other text. *secret points into what
   hangs off ctx and is wiped with it. */
bool account_open_session(void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct session **out, slice *secret);

/* ---- roles ---- */

struct role {
    const char *account, *name, *path, *id; /* AROA... */
    const char *arn, *trust;
    int64_t max_session_s;
};
/* By ARN, which must be whole and exact; *out is NULL when there is none. */
FALLIBLE account_find_role(struct tx *tx, void *ctx, slice role_arn, struct role **out);

/* The account and name of "arn:aws:iam::ACCOUNT:role/path/name"; false when it is no role ARN. `name` is the last part. */
bool account_role_arn(slice arn, slice *account, slice *name);
/* May the service assume the role (sts:AssumeRole)? `source_arn` (NULL: none is known) and the account it acts for are
   what the trust policy may ask as aws:SourceArn and aws:SourceAccount. A trust policy that cannot be read trusts nobody. */
bool account_role_trusts(const struct role *role, const char *service, const char *account, const char *source_arn,
                         int64_t now_ms);
/* The caller that acts under the role, for a service such as "iot.amazonaws.com" in the role's own account. Fails with
   AccessDenied when the role does not exist in `account` or does not trust the service; the message says which. */
FALLIBLE account_role(struct tx *tx, void *ctx, const char *account, const char *role_arn, const char *service,
                      int64_t now_ms, struct caller **out);

/* ---- trust policies (auth 4.2.3) ----
   Stored, they name users and roles by their unique ids, so that a namesake made later is a stranger. */

/* What CreateRole and UpdateAssumeRolePolicy store for a role of `account`. Checks the document whole; fails with
   MalformedPolicyDocument, for a user, role or unique id that the account does not have with "Invalid principal in
   policy: ...". Whom another account has is not told: its ARNs are taken whether they name somebody or not. */
FALLIBLE account_trust_store(struct tx *tx, void *ctx, const char *account, slice document, slice *out);
/* What GetRole shows: ids of those who still exist are ARNs again. */
FALLIBLE account_trust_show(struct tx *tx, void *ctx, slice stored, slice *out);

/* ---- endpoints ---- */

/* The prefix of an account's hosts, made at its first use (APPLY only). kind: "data", "credentials", "deviceadvisor". */
FALLIBLE account_endpoint_prefix(struct tx *tx, void *ctx, const char *account, const char *region, const char *kind,
                                 const char **out);

/* All of an account's endpoints, by DescribeEndpoint's types; made where they are not yet (APPLY only). */
FALLIBLE account_endpoints(struct call *call, const char *account, json **out);

struct account_host {
    const char *host; /* lower case, full: "a1b2...-ats.iot.us-east-1.localhost" */
    const char *account;
    bool is_credentials; /* the host of its credentials provider */
};
/* Every host name of every account, for the gateway's map. */
FALLIBLE account_hosts(struct tx *tx, void *ctx, const char *region, const char *domain, struct account_host **out,
                       size_t *count);
FALLIBLE account_default(struct tx *tx, void *ctx, const char **out);
FALLIBLE account_exists(struct tx *tx, const char *id, bool *out);

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
