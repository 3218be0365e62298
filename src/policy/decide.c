/* decide.c - what all policies together say to a request (auth 4.2.6), and how a refusal is worded. */
#include "policy/compiled.h"

enum source { IDENTITY, BOUNDARY, SESSION, RESOURCE, SOURCES };

struct verdicts {
    struct policy_decision by[SOURCES];
    enum naming naming; /* how the resource policy's Allow names the caller */
    bool trust;         /* the resource policy is a role's trust policy */
};

static struct verdicts ask_all(const struct iam_grounds *grounds, const struct policy_request *request)
{
    struct verdicts v = { .trust = grounds->resource != NULL && grounds->resource->kind == POLICY_IAM_TRUST };
    policy_evaluate(grounds->identity, grounds->identity_count, request, &v.by[IDENTITY]);
    policy_evaluate(&grounds->boundary, grounds->boundary != NULL, request, &v.by[BOUNDARY]);
    policy_evaluate(grounds->session, grounds->session_count, request, &v.by[SESSION]);
    if (grounds->resource != NULL)
        policy_evaluate_for(grounds->resource, request, &grounds->caller, &v.naming, &v.by[RESOURCE]);
    else
        policy_evaluate(NULL, 0, request, &v.by[RESOURCE]);
    return v;
}

static enum policy_effect answer(struct iam_decision *out, enum policy_effect effect, enum iam_reason reason,
                                 const struct policy_decision *by)
{
    *out = (struct iam_decision){ .effect = effect, .reason = reason, .by = { .policy_name = "" } };
    if (by != NULL)
        out->by = *by;
    return effect;
}

static enum policy_effect without(struct iam_decision *out, enum iam_reason reason)
{
    return answer(out, POLICY_IMPLICIT_DENY, reason, NULL);
}

/* Whether the resource policy's Allow stands in for an identity policy's. A trust policy that names an account, or
   everyone, only delegates: the caller's own policies must allow as well. */
static bool replaces_identity(const struct verdicts *v)
{
    return v->by[RESOURCE].effect == POLICY_ALLOW && !(v->trust && v->naming <= NAMES_EVERYONE);
}

enum policy_effect policy_decide_iam(const struct iam_grounds *grounds, const struct policy_request *request,
                                     struct iam_decision *out)
{
    static const enum iam_reason denied[SOURCES] = { IAM_DENIED_BY_IDENTITY, IAM_DENIED_BY_BOUNDARY,
                                                     IAM_DENIED_BY_SESSION, IAM_DENIED_BY_RESOURCE };
    struct verdicts v = ask_all(grounds, request);
    const struct policy_decision *identity = &v.by[IDENTITY], *resource = &v.by[RESOURCE];
    bool resource_allows = resource->effect == POLICY_ALLOW;

    if (grounds->root && v.trust)
        return without(out, IAM_ROOT_ASSUMES);
    for (int i = 0; i < SOURCES; i++)
        if (v.by[i].effect == POLICY_EXPLICIT_DENY)
            return answer(out, POLICY_EXPLICIT_DENY, i == RESOURCE && v.trust ? IAM_DENIED_BY_TRUST : denied[i],
                          &v.by[i]);
    if ((v.trust || grounds->cross_account) && !resource_allows)
        return without(out, v.trust ? IAM_NOT_IN_TRUST : IAM_NOT_IN_RESOURCE);
    if (grounds->root)
        return answer(out, POLICY_ALLOW, IAM_ALLOWED, NULL);
    if (resource_allows && v.naming == NAMES_CALLER && !grounds->cross_account)
        return answer(out, POLICY_ALLOW, IAM_ALLOWED, resource);

    bool by_identity = identity->effect == POLICY_ALLOW;
    if (!by_identity && (grounds->cross_account || !replaces_identity(&v)))
        return without(out, IAM_NOT_IN_IDENTITY);
    if (grounds->boundary != NULL && v.by[BOUNDARY].effect != POLICY_ALLOW)
        return without(out, IAM_NOT_IN_BOUNDARY);
    if (grounds->session_count > 0 && v.by[SESSION].effect != POLICY_ALLOW)
        return without(out, IAM_NOT_IN_SESSION);
    return answer(out, POLICY_ALLOW, IAM_ALLOWED, by_identity ? identity : resource);
}

bool policy_trusts(const struct policy *trust, const struct trust_request *request, struct policy_decision *decision)
{
    struct policy_request asked = { request->action, SLICE("*"), request->context };
    struct policy_decision found;
    enum naming naming;
    policy_evaluate_for(trust, &asked, &request->principal, &naming, &found);
    if (decision != NULL)
        *decision = found;
    return found.effect == POLICY_ALLOW;
}

/* --- Words ---------------------------------------------------------------------------------------------------------- */

/* What follows the sentence; `action` asks for the action in the middle. Trust policies give no reason away. */
static const struct tail {
    const char *head, *end;
    bool action;
} tails[] = {
    [IAM_ALLOWED] = { "", "", false },
    [IAM_DENIED_BY_IDENTITY] = { " with an explicit deny in an identity-based policy", "", false },
    [IAM_DENIED_BY_BOUNDARY] = { " with an explicit deny in a permissions boundary", "", false },
    [IAM_DENIED_BY_SESSION] = { " with an explicit deny in a session policy", "", false },
    [IAM_DENIED_BY_RESOURCE] = { " with an explicit deny in a resource-based policy", "", false },
    [IAM_DENIED_BY_TRUST] = { "", "", false },
    [IAM_NOT_IN_IDENTITY] = { " because no identity-based policy allows the ", " action", true },
    [IAM_NOT_IN_BOUNDARY] = { " because no permissions boundary allows the ", " action", true },
    [IAM_NOT_IN_SESSION] = { " because no session policy allows the ", " action", true },
    [IAM_NOT_IN_RESOURCE] = { " because no resource-based policy allows the ", " action", true },
    [IAM_NOT_IN_TRUST] = { "", "", false },
    [IAM_ROOT_ASSUMES] = { "", "", false },
};

const char *policy_denial_text(void *ctx, slice principal_arn, slice action, slice resource,
                               const struct iam_decision *decision)
{
    if (decision != NULL && decision->reason == IAM_ROOT_ASSUMES)
        return "Roles may not be assumed by root accounts.";
    const struct tail *tail = &tails[decision ? decision->reason : IAM_ALLOWED];
    return text_format(ctx, "User: %.*s is not authorized to perform: %.*s on resource: %.*s%s%.*s%s",
                       PRINT(principal_arn), PRINT(action), PRINT(resource), tail->head,
                       tail->action ? (int)action.length : 0, action.at, tail->end);
}
