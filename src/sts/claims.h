/* claims.h - what the claims of a verified token are to policies (auth 4.2.5, 4.5). Pure. */
#pragma once
#include "account/account.h"
#include "sts/jwt.h"

#define CLAIMS_TAG "aws:PrincipalTag/" /* facts that are tags of the session */

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

/* What a session keeps of them, as its facts: aws:FederatedProvider, aud, sub and amr of the provider; and what the
   provider may set, its tags and source identity:

       "https://aws.amazon.com/tags": {"principal_tags": {"Team": ["pumps"]}, "transitive_tag_keys": ["Team"]},
       "https://aws.amazon.com/source_identity": "ada"

   Fails with TokenClaim when these are not as AWS wants them. What it adds hangs off ctx. */
FALLIBLE claims_to_session(void *ctx, const struct jwt *jwt, const char *provider, const char *federated,
                           struct session *session);
