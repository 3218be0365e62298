/* grant.h - a role's session in the making: what a request wants of it, and the keys it ends in (auth 4.5). */
#pragma once
#include "account/account.h"

struct session_tag {
    const char *key, *value;
};

struct grant {
    const struct role *role;
    const char *session_name;    /* RoleSessionName */
    const char *source_identity; /* NULL: none */
    int64_t duration_s;
    const char **policies; /* session policies: documents */
    size_t policy_count;
    const struct session_tag *tags;
    size_t tag_count;
    const char *const *transitive; /* keys of tags that chained sessions inherit */
    size_t transitive_count;
    const struct caller_fact *facts; /* others that policies may ask about */
    size_t fact_count;
};

/* DurationSeconds of the request, else 3600 or what the role allows. Fails with ValidationError when it is more than the
   role allows. */
FALLIBLE grant_duration(struct call *call, struct grant *grant);
/* Policy and PolicyArns of the request. In READ. Fails with MalformedPolicyDocumentException, ValidationError. */
FALLIBLE grant_policies(struct call *call, struct grant *grant);
/* Makes the session's keys, and answers Credentials, AssumedRoleUser, PackedPolicySize and SourceIdentity. */
FALLIBLE grant_answer(struct call *call, const struct grant *grant);
