/* inner.h - what the operations that issue sessions share (auth.md 2.3, 4.5). All of it runs in a READ. */
#pragma once
#include "account/account.h"
#include "sts/sts.h"

extern const struct operation sts_assume_role;

/* Policy and PolicyArns, by value; the ARNs are of this account or ready made. Fails with
   MalformedPolicyDocumentException, ValidationError. */
FALLIBLE sts_take_policies(struct call *call, const char *account, struct session *session);
/* Tags and TransitiveTagKeys as facts of the session, after those that the session which asks hands down. Fails with
   ValidationError: a key twice, a reserved one, one that was handed down. */
FALLIBLE sts_take_tags(struct call *call, struct session *session);
/* Whether sts:TagSession is asked for. */
bool sts_is_tagged(const struct session *session);

/* DurationSeconds of a role's session; `chained`: asked for with the keys of another role's session. */
FALLIBLE sts_take_role_duration(struct call *call, const struct role *role, bool chained, struct session *session);

/* Issues the keys. */
FALLIBLE sts_issue(struct call *call, const struct session *session, struct credentials **out);
/* Members of answers, which take them over. */
json *sts_credentials(struct call *call, const struct credentials *made);
json *sts_assumed_role_user(struct call *call, const struct role *role, const char *session_name);

/* Multi-factor authentication and context providers are not offered; who sends their members is told so. */
FALLIBLE sts_refuse_unoffered(struct call *call);
