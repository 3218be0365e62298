/* condition.h - the Condition block of a statement (auth 4.2.4). */
#pragma once
#include "policy/pattern.h"
#include "policy/value.h"

union operand {
    struct pattern text;
    struct arn_pattern arn;
    struct decimal number;
    int64_t moment;
    struct network network;
    slice bytes;
    bool truth;
};

enum quantifier { ANY_OR_NONE, FOR_ANY_VALUE, FOR_ALL_VALUES };

struct comparison;

/* One key under one operator. */
struct condition {
    const struct comparison *how;
    enum quantifier quantifier;
    bool if_exists;
    bool of_tag; /* the key is a tag's: condition_key_is_tag */
    slice key;
    const union operand *operands;
    size_t count;
};

/* Reads "ForAnyValue:StringLikeIfExists" into out; false: no such operator. */
bool condition_set_operator(slice name, struct condition *out);

/* NULL, or what is wrong with a value of this condition. `flags` are the pattern flags of the document. */
const char *condition_compile(void *ctx, const struct condition *condition, slice value, unsigned flags,
                              union operand *out);

/* aws:RequestTag/KEY and its like. */
bool condition_key_is_tag(slice key);

/* A tag's key has one value. Several are those of tags whose keys differ by their case alone, which a condition cannot
   tell apart: such a condition holds in a Deny and in nothing else, so that no tag speaks for another. */
bool condition_holds(const struct condition *condition, const struct policy_context *context, bool in_deny);

void condition_each_missing(const struct condition *condition, const struct policy_context *context,
                            void (*missing)(void *arg, slice name), void *arg);
