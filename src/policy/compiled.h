/* compiled.h - a policy as the engine sees it. Built by document.c and principal.c, read by evaluate.c, and never
   changed in between threads. */
#pragma once
#include "base/json.h"
#include "policy/condition.h"

enum principal_type {
    PRINCIPAL_ANYONE,
    PRINCIPAL_ACCOUNT,
    PRINCIPAL_ARN,
    PRINCIPAL_ID,
    PRINCIPAL_SERVICE,
    PRINCIPAL_FEDERATED
};

struct principal {
    enum principal_type type;
    slice text;
};

struct statement {
    enum policy_effect effect;
    const char *sid; /* NULL: none */
    bool not_principal, not_action, not_resource;
    const struct principal *principals;
    size_t principal_count;
    const struct pattern *actions;
    size_t action_count;
    const struct arn_pattern *resources;
    size_t resource_count;
    const struct condition *conditions;
    size_t condition_count;
};

struct policy {
    enum policy_kind kind;
    const char *name;
    bool asks_resource_tags;
    struct statement *statements;
    size_t statement_count;
};

/* How a Principal element names a caller; the weightiest of those that apply (auth 4.2.6). */
enum naming {
    NAMES_NOBODY,
    NAMES_ACCOUNT,  /* the account delegates: the caller still needs an identity policy to assume a role */
    NAMES_EVERYONE, /* "*" */
    NAMES_ROLE,     /* the role of the caller's session */
    NAMES_CALLER,   /* the user, the session, the service, the identity provider */
};

/* NULL; or, for a text that is no principal of that type ("AWS", "Service", "Federated"), the type as errors show it. */
const char *principal_compile(void *ctx, slice type, slice text, struct principal *out);

enum naming statement_names(const struct statement *statement, const struct policy_principal *caller);

/* policy_evaluate for one policy that may name principals. `naming` says how the Allow that counts names the caller. */
enum policy_effect policy_evaluate_for(const struct policy *policy, const struct policy_request *request,
                                       const struct policy_principal *caller, enum naming *naming,
                                       struct policy_decision *decision);
