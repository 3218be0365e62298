/* facts.h - what a policy may ask about a request: the condition keys of auth 4.2.5. */
#pragma once
#include "operation/operation.h"

/* As many as there are: a key that did not fit would let a Deny pass by. */
struct facts {
    void *ctx;
    struct policy_key *keys;
    size_t count;
};

/* What stands in the request comes first, so that nothing a session brings can pass for it. Fails with the model's
   validation error when the tags of the request cannot be read. */
FALLIBLE facts_gather(void *ctx, struct call *call, const struct caller *caller, struct facts *out);
void facts_add(struct facts *facts, const char *name, const char *value); /* NULL: nothing */
/* "aws:ResourceTag/KEY" of a resource, and what the service itself calls them: "iam:ResourceTag/KEY". */
void facts_of_resource(void *ctx, const struct resource *resource, const char *prefix, struct facts *out);
