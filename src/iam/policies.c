/* policies.c - managed policies and simulation: the table of operations. */
#include "iam/iam.h"

const struct operation *const iam_policy_operations[] = { NULL };
