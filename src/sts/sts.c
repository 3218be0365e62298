/* sts.c - sessions for who has keys already (auth.md 2.3, 4.5). */
#include "sts/sts.h"

const struct operation *const sts_operations[] = { NULL };
