/* sts.c - sessions for who has a user's keys, and questions about keys (auth.md 2.3, 4.5). */
#include "sts/inner.h"
#include "sigv4/sigv4.h"

enum { DEFAULT_SESSION_S = 43200, ROOT_SESSION_MAX_S = 3600 };

/* ---- sessions of a user ---- */

static FALLIBLE need_long_term_keys(struct call *call)
{
    if (call->caller->session != SESSION_NONE)
        return error_new(call, "AccessDenied", "Cannot call %s with session credentials", call->operation->name);
    if (call->caller->unique_id == NULL && !call->caller->is_root)
        return error_new(call, "AccessDenied", "%s is for the access keys of users.", call->operation->name);
    return NULL;
}

static FALLIBLE begin(struct call *call, enum session_kind kind, struct session *session)
{
    const struct caller *caller = call->caller;
    TRY(sts_refuse_unoffered(call));
    TRY(need_long_term_keys(call));
    int64_t seconds = call_number(call, "DurationSeconds", caller->is_root ? ROOT_SESSION_MAX_S : DEFAULT_SESSION_S);
    if (caller->is_root && seconds > ROOT_SESSION_MAX_S)
        seconds = ROOT_SESSION_MAX_S;
    *session = (struct session){ .kind = kind,
                                 .account = caller->account,
                                 .unique_id = caller->unique_id,
                                 .session_name = call_string(call, "Name"),
                                 .issued_s = call->now_ms / 1000,
                                 .expires_s = call->now_ms / 1000 + seconds };
    return NULL;
}

static FALLIBLE get_session_token(struct call *call)
{
    struct session session;
    struct credentials *made;
    TRY(begin(call, SESSION_USER, &session));
    TRY(sts_issue(call, &session, &made));
    return answer(call, value_of("Credentials", sts_credentials(call, made)));
}

static json *federated_user(struct call *call, const struct session *session)
{
    json *members = json_new_object(call);
    json_put_text(members, "FederatedUserId", text_format(call, "%s:%s", session->account, session->session_name));
    json_put_text(members, "Arn",
                  text_format(call, "arn:aws:sts::%s:federated-user/%s", session->account, session->session_name));
    return json_object_get(members);
}

static FALLIBLE get_federation_token(struct call *call)
{
    struct session session;
    struct credentials *made;
    TRY(begin(call, SESSION_FEDERATED, &session));
    TRY(sts_take_tags(call, &session));
    if (sts_is_tagged(&session))
        TRY(call_require(
            call, "sts:TagSession",
            text_format(call, "arn:aws:sts::%s:federated-user/%s", session.account, session.session_name)));
    TRY(sts_take_policies(call, session.account, &session));
    TRY(sts_issue(call, &session, &made));
    return answer(call, value_of("Credentials", sts_credentials(call, made)),
                  value_of("FederatedUser", federated_user(call, &session)),
                  integer("PackedPolicySize", made->packed_percent));
}

/* ---- questions ---- */

static FALLIBLE get_access_key_info(struct call *call)
{
    char account[SIGV4_ACCOUNT_MAX];
    if (!sigv4_account_of(call_text(call, "AccessKeyId"), account))
        return error_new(call, "ValidationError", "AccessKeyId: %s is not the id of an access key.",
                         call_string(call, "AccessKeyId"));
    return answer(call, string("Account", text_copy(call, account)));
}

/* No denial of the services offered here carries an encoded message, so there is none that we could have made. */
static FALLIBLE decode_authorization_message(struct call *call)
{
    return error_new(call, "InvalidAuthorizationMessageException", "EncodedMessage: it was not issued by this server.");
}

static const struct operation session_token = { "sts", "GetSessionToken", STEPS({ WORK, get_session_token }) };
static const struct operation federation_token = { "sts", "GetFederationToken", STEPS({ READ, get_federation_token }) };
static const struct operation access_key_info = { "sts", "GetAccessKeyInfo", STEPS({ WORK, get_access_key_info }) };
static const struct operation decode_message = { "sts", "DecodeAuthorizationMessage",
                                                 STEPS({ WORK, decode_authorization_message }) };

const struct operation *const sts_operations[] = { &sts_assume_role, &session_token,  &federation_token,
                                                   &access_key_info, &decode_message, NULL };
