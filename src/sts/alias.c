/* alias.c - role aliases (auth.md 2.2). */
#include "sts/sts.h"

const struct operation *const sts_alias_operations[] = { NULL };
