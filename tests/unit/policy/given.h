/* given.h - what the tests of this room are given: contexts and policies as short texts. */
#pragma once
#include "policy/policy.h"
#include "table.h"
#include <stdio.h>

/* "iot:ClientId=lamp-7;aws:TagKeys=a|b;iot:ConnectAttributes!" has a key with one value, one with two, one with none.
   The policy room is lent the slices for as long as ctx lives. */
static inline struct policy_context given_context(void *ctx, const char *text)
{
    struct policy_key *keys = NULL;
    struct policy_context context = { 0 };
    slice rest = slice_copy(ctx, slice_of(text ? text : "")), entry;
    if (rest.length == 0)
        return context;
    while (slice_split(&rest, ';', &entry)) {
        struct policy_key *key = ARRAY_ADD(ctx, keys, context.count);
        slice *values = NULL, name, value;
        if (slice_ends(entry, "!")) {
            key->name = (slice){ entry.at, entry.length - 1 };
            continue;
        }
        slice_split(&entry, '=', &name);
        key->name = name;
        while (slice_split(&entry, '|', &value))
            *ARRAY_ADD(ctx, values, key->count) = value;
        key->values = values;
    }
    context.keys = keys;
    return context;
}

/* Documents quote with ' here, for legibility. */
static inline char *given_json(void *ctx, const char *text)
{
    char *copy = text_copy(ctx, text);
    for (char *at = copy; *at != 0; at++)
        *at = *at == '\'' ? '"' : *at;
    return copy;
}

static inline struct policy *given_policy(void *ctx, enum policy_kind kind, const char *document)
{
    struct policy *policy = NULL;
    error *e = policy_parse(ctx, slice_of(document), kind, &policy);
    if (e != NULL)
        fail_msg("refused: %s in %s", error_chain(ctx, e), document);
    return policy;
}
