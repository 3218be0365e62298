/* session.c - what requests ask of a session, and how it is handed out (auth.md 4.5). */
#include "sts/inner.h"

enum { HOUR_S = 3600, POLICY_ARNS_MAX = 10, SESSION_POLICY_MAX = 2048, POLICY_DEPTH = 8 };

FALLIBLE sts_refuse_unoffered(struct call *call)
{
    static const struct {
        const char *member, *what;
    } unoffered[] = { { "SerialNumber", "multi-factor authentication" },
                      { "TokenCode", "multi-factor authentication" },
                      { "ProvidedContexts", "trusted context assertions" } };
    for (size_t i = 0; i < sizeof(unoffered) / sizeof(*unoffered); i++)
        if (call_has(call, unoffered[i].member))
            return error_new(call, "ValidationError", "%s: %s is not offered by this server.", unoffered[i].member,
                             unoffered[i].what);
    return NULL;
}

/* ---- session policies ---- */

/* Without white space: a token has room for what a policy says, not for how it was laid out. */
static void add_policy(struct call *call, struct session *session, slice document)
{
    json *parsed;
    if (json_parse(call, document, POLICY_DEPTH, &parsed) == NULL)
        document = json_print(call, parsed);
    *ARRAY_ADD(call, session->policies, session->policy_count) = slice_text(call, document);
}

static FALLIBLE take_inline(struct call *call, struct session *session, slice document)
{
    struct policy *policy;
    error *e = policy_parse_sized(call, document, POLICY_SESSION, SESSION_POLICY_MAX, &policy);
    if (e != NULL)
        return error_because(call, e, "MalformedPolicyDocumentException", "%s", e->message);
    add_policy(call, session, document);
    return NULL;
}

static FALLIBLE take_managed(struct call *call, const char *account, struct session *session, slice arn)
{
    slice document;
    TRY(account_managed_policy(call->tx, call, account, arn, &document));
    if (document.at == NULL)
        return error_new(call, "ValidationError", "PolicyArns: policy %.*s does not exist or cannot be attached.",
                         PRINT(arn));
    add_policy(call, session, document);
    return NULL;
}

FALLIBLE sts_take_policies(struct call *call, const char *account, struct session *session)
{
    json *arns = json_get_array(call->input, "PolicyArns");
    size_t count = arns ? json_object_array_length(arns) : 0;
    if (count > POLICY_ARNS_MAX)
        return error_new(call, "ValidationError", "PolicyArns: a session takes at most %d managed policies.",
                         POLICY_ARNS_MAX);
    if (call_has(call, "Policy"))
        TRY(take_inline(call, session, call_text(call, "Policy")));
    for (size_t i = 0; i < count; i++)
        TRY(take_managed(call, account, session, json_get_slice(json_object_array_get_idx(arns, i), "arn")));
    return NULL;
}

/* ---- how long ---- */

FALLIBLE sts_take_role_duration(struct call *call, const struct role *role, bool chained, struct session *session)
{
    int64_t most_s = role->max_session_s;
    int64_t seconds = call_number(call, "DurationSeconds", most_s < HOUR_S ? most_s : HOUR_S);
    if (chained && seconds > HOUR_S)
        return error_new(call, "ValidationError",
                         "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
                         "chaining");
    if (seconds > most_s)
        return error_new(call, "ValidationError",
                         "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    session->issued_s = call->now_ms / 1000;
    session->expires_s = session->issued_s + seconds;
    return NULL;
}

/* ---- handing out ---- */

FALLIBLE sts_issue(struct call *call, const struct session *session, struct credentials **out)
{
    return account_issue_session(call, door_get(call->door, ACCOUNT_MASTER_KEY), session, out);
}

json *sts_credentials(struct call *call, const struct credentials *made)
{
    json *members = json_new_object(call);
    json_put_text(members, "AccessKeyId", made->access_key_id);
    json_put_text(members, "SecretAccessKey", made->secret);
    json_put_text(members, "SessionToken", made->token);
    json_put_time(members, "Expiration", made->expires_s * 1000);
    return json_object_get(members);
}

json *sts_assumed_role_user(struct call *call, const struct role *role, const char *session_name)
{
    json *members = json_new_object(call);
    json_put_text(members, "AssumedRoleId", text_format(call, "%s:%s", role->id, session_name));
    json_put_text(members, "Arn",
                  text_format(call, "arn:aws:sts::%s:assumed-role/%s/%s", role->account, role->name, session_name));
    return json_object_get(members);
}
