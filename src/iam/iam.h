/* iam.h - the IAM interface (auth.md 2.4): users, access keys, groups, roles, managed policies, tags, OIDC providers,
   simulation. IAM is global: one account, no region, whatever region a signature names.

   The rows that decide who a caller is and what it may do (iam_user, iam_role, ...) are read by the account room; this
   room is the interface that changes them. Every change is a row of the change log of kind "iam", which drops the
   gateway's cached callers, so that a new Deny holds from the next request on.

   Rights are asked on ARNs that only the store knows whole (they hold a path): see door_on_resource. */
#pragma once
#include "account/account.h"
#include "operation/operation.h"

extern const struct operation
    *const iam_entity_operations[]; /* users, keys, groups, roles, their inline policies, tags */
extern const struct operation *const iam_policy_operations[]; /* managed policies, attachments, simulation, summary */
extern const struct operation *const iam_oidc_operations[];   /* OpenID Connect providers */

/* For door_on_resource: the path in the ARN of a user, role, group or policy, and its tags. Operations on a user that
   may be left out (GetUser, CreateAccessKey) mean the caller's own. */
FALLIBLE iam_resource(struct tx *tx, void *ctx, const struct call *call, struct resource *resource);

/* ---- OpenID Connect providers ---- */

struct oidc_provider {
    const char *name;   /* its URL without scheme, as trust policies spell its condition keys */
    const char *issuer; /* with its scheme */
    const char *arn;
    const char *const *client_ids;
    size_t client_id_count;
    const char *const *thumbprints;
    size_t thumbprint_count;
};
/* The provider for tokens of `issuer` (the iss of a token; one slash at its end does not count) in an account. *out is
   NULL when there is none. */
FALLIBLE iam_find_oidc_provider(struct tx *tx, void *ctx, const char *account, slice issuer,
                                struct oidc_provider **out);

/* door_put name that this room reads: anything there lets providers on loopback have http:// URLs. */
#define IAM_ALLOW_INSECURE_ISSUER "allow-insecure-issuer"
