/* inner.h - what the files of account share. */
#pragma once
#include "account/account.h"

/* A user or a role: the owner of policies and tags. */
struct owner {
    const char *kind; /* "user", "role" */
    const char *name;
    const char *boundary; /* ARN of a managed policy; NULL: none */
};
/* Identity policies (inline, attached, of the user's groups) and the permissions boundary, into a caller that has its
   account already. A policy that is gone or cannot be read denies everything: it must not be as if it were not there. */
FALLIBLE caller_gather(struct tx *tx, struct caller *caller, const struct owner *owner);
/* Parses a stored policy into ctx; what denies everything in place of one that cannot be read. */
const struct policy *policy_stored(void *ctx, slice document, enum policy_kind kind, const char *name);

/* Facts of a caller, while they are collected; they hang off ctx. */
struct caller_facts {
    void *ctx;
    struct caller_fact *at;
    size_t count;
};
void caller_fact_add(struct caller_facts *facts, const char *key, const slice *values, size_t count);
void caller_fact_text(struct caller_facts *facts, const char *key, const char *value); /* NULL: not added */
/* The tags of the user or role as aws:PrincipalTag/KEY; those that the session brought win. */
FALLIBLE caller_fact_tags(struct tx *tx, struct caller_facts *facts, const char *account, const struct owner *owner);

/* The key of a session by its id and token; *out NULL as account_find_key says. */
FALLIBLE session_find_key(struct tx *tx, void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct signing_key **out);
