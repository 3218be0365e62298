/* alias.h - a role alias as its row says (auth.md 2.2). */
#pragma once
#include "operation/operation.h"

struct role_alias {
    const char *name, *role_arn;
    int64_t duration_s, created, modified;
};
/* *out is NULL when the account has none of this name. */
FALLIBLE alias_find(struct tx *tx, void *ctx, const char *account, const char *region, slice name,
                    struct role_alias **out);
