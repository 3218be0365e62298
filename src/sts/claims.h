/* claims.h - what the claims of a verified token are to policies (auth 4.2.5, 4.5). Pure. */
#pragma once
#include "account/account.h"
#include "sts/grant.h"
#include "sts/jwt.h"

/* Keys of a policy context; they hang off ctx. */
struct claim_keys {
    void *ctx;
    struct policy_key *at;
    size_t count;
};
void claim_keys_add(struct claim_keys *keys, const char *name, const slice *values, size_t count);
void claim_keys_add_text(struct claim_keys *keys, const char *name, const char *value); /* NULL: not added */

/* "<provider>:sub", "<provider>:aud" and so on, of all claims that are text, a list of texts, a number or a truth value.
   Names of keys have no case, those of claims have: "SUB" is not what a policy means by sub. */
void claims_to_keys(const struct jwt *jwt, const char *provider, struct claim_keys *keys);

/* What a session keeps of them: aws:FederatedProvider, and aud, sub and amr of the provider. */
void claims_to_facts(void *ctx, const struct jwt *jwt, const char *provider, const char *federated,
                     const struct caller_fact **facts, size_t *count);

/* The session's tags and source identity, which the provider may set ("https://aws.amazon.com/tags": {"principal_tags":
   {"Team": ["pumps"]}, "transitive_tag_keys": ["Team"]}, "https://aws.amazon.com/source_identity": "ada"). Fails with
   TokenClaim when they are not as AWS wants them. */
FALLIBLE claims_to_grant(void *ctx, const struct jwt *jwt, struct grant *grant);
