/* assume.c - AssumeRole: the keys of a role for who its trust policy lets in (auth.md 2.3, 4.2.6, 4.5). */
#include "sts/inner.h"

/* One request, while it is judged. */
struct asking {
    struct call *call;
    const struct role *role;
    const struct policy *trust;
    struct session session;
    struct policy_context context;
    struct policy_key *keys; /* what only an AssumeRole has; they come before what every request has */
    size_t key_count;
    bool cross_account;
};

/* ---- what the trust policy may ask ---- */

static void add_values(struct asking *asking, const char *name, const slice *values, size_t count)
{
    if (count > 0)
        *ARRAY_ADD(asking->call, asking->keys, asking->key_count) =
            (struct policy_key){ slice_of(name), values, count };
}

static void add(struct asking *asking, const char *name, const char *value)
{
    slice *one = MAKE(asking->call, slice);
    *one = slice_of(value);
    add_values(asking, name, one, value ? 1 : 0);
}

static FALLIBLE add_role_tag(const struct row *row, void *arg)
{
    struct asking *asking = arg;
    void *ctx = asking->call;
    const char *value = row_text(ctx, row, 1);
    add(asking, text_format(ctx, "iam:ResourceTag/%.*s", PRINT(row_slice(row, 0))), value);
    add(asking, text_format(ctx, "aws:ResourceTag/%.*s", PRINT(row_slice(row, 0))), value);
    return NULL;
}

static FALLIBLE gather_keys(struct asking *asking)
{
    struct call *call = asking->call;
    const struct session *session = &asking->session;
    struct policy_context *above = MAKE(call, struct policy_context);
    slice *transitive = MAKE_ARRAY(call, slice, session->transitive_count + 1);
    for (size_t i = 0; i < session->transitive_count; i++)
        transitive[i] = slice_of(session->transitive[i]);
    add(asking, "sts:RoleSessionName", session->session_name);
    add(asking, "sts:ExternalId", call_string(call, "ExternalId"));
    add(asking, "sts:SourceIdentity", session->source_identity);
    add_values(asking, "sts:TransitiveTagKeys", transitive, session->transitive_count);
    add(asking, "aws:ResourceAccount", asking->role->account);
    TRY(store_each(call->tx, add_role_tag, asking,
                   "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = 'role' AND owner_name = ?",
                   ARGS(sql_text(asking->role->account), sql_text(asking->role->name))));
    TRY(call_facts(call, call, above));
    asking->context = (struct policy_context){ .keys = asking->keys, .count = asking->key_count, .parent = above };
    return NULL;
}

/* ---- may the caller? ---- */

static error *denied(struct asking *asking, const char *action, const struct iam_decision *decision)
{
    struct call *call = asking->call;
    return error_new(
        call, "AccessDenied", "%s",
        policy_denial_text(call, slice_of(call->caller->arn), slice_of(action), call_text(call, "RoleArn"), decision));
}

/* Users are named by their ARN; of sessions also the session is, which makes the ARN the role's. */
static struct policy_principal who(const struct caller *caller)
{
    bool in_session = caller->session == SESSION_ROLE || caller->session == SESSION_FEDERATED;
    const char *arn = caller->session == SESSION_FEDERATED ? NULL
                      : caller->principal_arn              ? caller->principal_arn
                                                           : caller->arn;
    return (struct policy_principal){ .arn = slice_of(arn),
                                      .session_arn = slice_of(in_session ? caller->arn : NULL),
                                      .id = slice_of(caller->unique_id),
                                      .account = slice_of(caller->account) };
}

/* A role of another account that does not trust the caller is as if it did not exist: no word of why. */
static FALLIBLE may(struct asking *asking, const char *action)
{
    const struct caller *caller = asking->call->caller;
    const struct policy_request request = { slice_of(action), slice_of(asking->role->arn), &asking->context };
    const struct trust_request trusted = { who(caller), slice_of(action), &asking->context };
    const struct iam_grounds grounds = { .identity = caller->policies,
                                         .identity_count = caller->policy_count,
                                         .boundary = caller->boundary,
                                         .session = caller->session_policies,
                                         .session_count = caller->session_policy_count,
                                         .resource = asking->trust,
                                         .caller = trusted.principal,
                                         .root = caller->is_root,
                                         .cross_account = asking->cross_account };
    struct iam_decision decision;
    if (asking->cross_account && !policy_trusts(asking->trust, &trusted, NULL))
        return denied(asking, action, NULL);
    if (policy_decide_iam(&grounds, &request, &decision) == POLICY_ALLOW)
        return NULL;
    return denied(asking, action, &decision);
}

static FALLIBLE may_all(struct asking *asking)
{
    TRY(may(asking, "sts:AssumeRole"));
    if (sts_is_tagged(&asking->session))
        TRY(may(asking, "sts:TagSession"));
    return asking->session.source_identity ? may(asking, "sts:SetSourceIdentity") : NULL;
}

/* ---- what the session carries ---- */

static const char *inherited_identity(const struct caller *caller)
{
    for (size_t i = 0; i < caller->fact_count; i++)
        if (strcmp(caller->facts[i].key, "aws:SourceIdentity") == 0 && caller->facts[i].count == 1)
            return caller->facts[i].values[0].at;
    return NULL;
}

/* Set once, it stays through every chained session. */
static FALLIBLE take_source_identity(struct call *call, struct session *session)
{
    const char *given = call_string(call, "SourceIdentity"), *held = inherited_identity(call->caller);
    if (given != NULL && strncasecmp(given, "aws:", strlen("aws:")) == 0)
        return error_new(call, "ValidationError", "SourceIdentity: the prefix aws: is reserved.");
    if (given != NULL && held != NULL && strcmp(given, held) != 0)
        return error_new(call, "ValidationError",
                         "SourceIdentity: the calling session has another one, which cannot be changed.");
    session->source_identity = given ? given : held;
    return NULL;
}

/* An ARN that is none of a role can be told without a look; all others get the same answer (auth 4.2.6). */
static FALLIBLE find_role(struct asking *asking)
{
    struct call *call = asking->call;
    slice arn = call_text(call, "RoleArn"), account, name;
    struct policy *trust;
    struct role *role;
    if (!account_role_arn(arn, &account, &name))
        return error_new(call, "ValidationError", "RoleArn: %.*s is not the ARN of a role.", PRINT(arn));
    TRY(account_find_role(call->tx, call, arn, &role));
    if (role == NULL || policy_parse(call, slice_of(role->trust), POLICY_IAM_TRUST, &trust) != NULL)
        return denied(asking, "sts:AssumeRole", NULL);
    asking->role = role;
    asking->trust = trust;
    asking->cross_account = strcmp(role->account, call->caller->account) != 0;
    return NULL;
}

static FALLIBLE assume_role(struct call *call)
{
    struct asking *asking = MAKE(call, struct asking);
    struct session *session = &asking->session;
    struct credentials *made;
    asking->call = call;
    TRY(sts_refuse_unoffered(call));
    if (call->caller->is_root)
        return error_new(call, "AccessDenied", "Roles may not be assumed by root accounts.");
    TRY(find_role(asking));
    const struct role *role = asking->role;
    *session = (struct session){ .kind = SESSION_ROLE,
                                 .account = role->account,
                                 .unique_id = role->id,
                                 .session_name = call_string(call, "RoleSessionName") };
    TRY(sts_take_tags(call, session));
    TRY(take_source_identity(call, session));
    TRY(gather_keys(asking));
    TRY(may_all(asking));
    TRY(sts_take_role_duration(call, role, call->caller->session == SESSION_ROLE, session));
    TRY(sts_take_policies(call, role->account, session));
    TRY(sts_issue(call, session, &made));
    return answer(call, value_of("Credentials", sts_credentials(call, made)),
                  value_of("AssumedRoleUser", sts_assumed_role_user(call, role, session->session_name)),
                  integer("PackedPolicySize", made->packed_percent),
                  string("SourceIdentity", session->source_identity));
}

const struct operation sts_assume_role = { "sts", "AssumeRole", STEPS({ READ, assume_role }) };
