/* entities.c - users, access keys, groups, roles: the table of operations. */
#include "iam/iam.h"

const struct operation *const iam_entity_operations[] = { NULL };
