/* sts.h - temporary credentials (auth.md 2.3, 3.4, 4.4, 4.5): the STS interface, role aliases, and the credentials
   provider that gives a device with a certificate the keys of a role. */
#pragma once
#include "operation/operation.h"
#include "sts/issuers.h" /* keys of token issuers, and with it tokens: for who judges them, too */

extern const struct operation *const sts_operations[];       /* AssumeRole, GetSessionToken, GetFederationToken, ... */
extern const struct operation *const sts_web_operations[];   /* AssumeRoleWithWebIdentity */
extern const struct operation *const sts_alias_operations[]; /* role aliases */

/* door_put name that this room reads: the keys of token issuers, a struct issuers (issuers.h). */
#define STS_ISSUERS "token-issuers"
