/* web.c - sessions for who has a token of an OpenID Connect provider (auth.md 4.5). */
#include "sts/sts.h"

const struct operation *const sts_web_operations[] = { NULL };
