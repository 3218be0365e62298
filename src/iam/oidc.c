/* oidc.c - OpenID Connect providers (auth.md 2.4). */
#include "iam/iam.h"

const struct operation *const iam_oidc_operations[] = { NULL };
