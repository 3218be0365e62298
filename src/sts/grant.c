/* grant.c - what sessions of roles have in common, however they are asked for. */
#include "sts/grant.h"

enum { HOUR_S = 3600, POLICY_ARNS_MAX = 10, SESSION_POLICY_MAX = 2048 };

FALLIBLE grant_duration(struct call *call, struct grant *grant)
{
    int64_t most_s = grant->role->max_session_s;
    grant->duration_s = call_number(call, "DurationSeconds", most_s < HOUR_S ? most_s : HOUR_S);
    if (grant->duration_s > most_s)
        return error_new(call, "ValidationError",
                         "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    return NULL;
}

/* ---- session policies ---- */

static void add_policy(struct call *call, struct grant *grant, slice document)
{
    *ARRAY_ADD(call, grant->policies, grant->policy_count) = slice_text(call, document);
}

static FALLIBLE add_inline(struct call *call, struct grant *grant, slice document)
{
    struct policy *policy;
    error *e = policy_parse_sized(call, document, POLICY_SESSION, SESSION_POLICY_MAX, &policy);
    if (e != NULL)
        return error_because(call, e, "MalformedPolicyDocumentException", "%s", e->message);
    add_policy(call, grant, document);
    return NULL;
}

static FALLIBLE add_managed(struct call *call, struct grant *grant, slice arn)
{
    slice document;
    TRY(account_managed_policy(call->tx, call, grant->role->account, arn, &document));
    if (document.at == NULL)
        return error_new(call, "ValidationError", "PolicyArns: policy %.*s does not exist or cannot be attached.",
                         PRINT(arn));
    add_policy(call, grant, document);
    return NULL;
}

FALLIBLE grant_policies(struct call *call, struct grant *grant)
{
    json *arns = json_get_array(call->input, "PolicyArns");
    size_t count = arns ? json_object_array_length(arns) : 0;
    if (count > POLICY_ARNS_MAX)
        return error_new(call, "ValidationError", "PolicyArns: a session takes at most %d managed policies.",
                         POLICY_ARNS_MAX);
    if (call_has(call, "Policy"))
        TRY(add_inline(call, grant, call_text(call, "Policy")));
    for (size_t i = 0; i < count; i++)
        TRY(add_managed(call, grant, json_get_slice(json_object_array_get_idx(arns, i), "arn")));
    return NULL;
}

/* ---- the session ---- */

static void copy_fact(void *ctx, struct caller_fact *out, const char *key, slice value)
{
    slice *values = MAKE(ctx, slice);
    *values = value;
    *out = (struct caller_fact){ key, values, 1 };
}

static void fill_session(struct call *call, const struct grant *grant, struct session *session)
{
    struct caller_fact *facts = MAKE_ARRAY(call, struct caller_fact, grant->tag_count + grant->fact_count + 1);
    for (size_t i = 0; i < grant->tag_count; i++)
        copy_fact(call, &facts[i], text_format(call, "aws:PrincipalTag/%s", grant->tags[i].key),
                  slice_of(grant->tags[i].value));
    for (size_t i = 0; i < grant->fact_count; i++)
        facts[grant->tag_count + i] = grant->facts[i];
    *session = (struct session){
        .kind = SESSION_ROLE,
        .account = grant->role->account,
        .unique_id = grant->role->id,
        .session_name = grant->session_name,
        .source_identity = grant->source_identity,
        .issued_s = call->now_ms / 1000,
        .expires_s = call->now_ms / 1000 + grant->duration_s,
        .policies = grant->policies,
        .policy_count = grant->policy_count,
        .facts = facts,
        .fact_count = grant->tag_count + grant->fact_count,
        .transitive = grant->transitive,
        .transitive_count = grant->transitive_count,
    };
}

static json *credentials_out(const struct credentials *made)
{
    json *out = json_object_new_object();
    json_put_text(out, "AccessKeyId", made->access_key_id);
    json_put_text(out, "SecretAccessKey", made->secret);
    json_put_text(out, "SessionToken", made->token);
    json_put_time(out, "Expiration", made->expires_s * 1000);
    return out;
}

static json *user_out(struct call *call, const struct grant *grant)
{
    const struct role *role = grant->role;
    json *out = json_object_new_object();
    json_put_text(out, "AssumedRoleId", text_format(call, "%s:%s", role->id, grant->session_name));
    json_put_text(
        out, "Arn",
        text_format(call, "arn:aws:sts::%s:assumed-role/%s/%s", role->account, role->name, grant->session_name));
    return out;
}

FALLIBLE grant_answer(struct call *call, const struct grant *grant)
{
    const struct master_key *master = door_get(call->door, ACCOUNT_MASTER_KEY);
    struct session session;
    struct credentials *made;
    fill_session(call, grant, &session);
    TRY(account_issue_session(call, master, &session, &made));
    return answer(call, value_of("Credentials", credentials_out(made)),
                  value_of("AssumedRoleUser", user_out(call, grant)), integer("PackedPolicySize", made->packed_percent),
                  string("SourceIdentity", grant->source_identity));
}
