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
