/* provider.c - the credentials provider: a device trades its certificate for the keys of a role (auth.md 3.4, 4.4). */
#include "sts/alias.h"
#include "account/account.h"
#include "base/clock.h"
#include "certificate/certificate.h"
#include "sts/sts.h"

enum { ALIAS_MAX = 128, THING_NAME_MAX = 128 };

static const char service[] = "credentials.iot.amazonaws.com";

/* The rows of auth 4.4, in their order, and what is no fault of the device. */
enum refusal { CERTIFICATE, THING, DENIED, NO_ALIAS, NO_ROLE, TOO_LONG, BROKEN };
static const struct {
    int status;
    const char *name, *message;
} refusals[] = {
    [CERTIFICATE] = { 403, "AccessDeniedException", "Certificate is invalid on this endpoint" },
    [THING] = { 403, "AccessDeniedException", "Invalid thing name passed" },
    [DENIED] = { 403, "AccessDeniedException", "Access Denied" },
    [NO_ALIAS] = { 404, "ResourceNotFoundException", "Role alias does not exist" },
    [NO_ROLE] = { 400, "InvalidRequestException", "Unable to assume the role, or the role to assume does not exist" },
    [TOO_LONG] = { 400, "InvalidRequestException",
                   "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role" },
    [BROKEN] = { 500, "InternalFailureException", "The credentials could not be made." },
};

/* One request, while it is judged; freed with the answer's context. */
struct trade {
    const struct sts_device_request *request;
    struct sts_device_answer *answer;
    struct principal *principal; /* a reference of ours */
    struct role_alias *alias;
    struct role *role;
    int64_t now_ms;
    bool refused;
    slice body;
};

static int trade_freed(struct trade *trade)
{
    if (trade->principal != NULL)
        principal_drop(trade->principal);
    if (trade->body.at != NULL)
        secret_wipe((void *)(uintptr_t)trade->body.at, trade->body.length);
    return 0;
}

/* Always NULL: the answer is made. */
static error *refuse(struct trade *trade, enum refusal row, const char *why)
{
    trade->refused = true;
    trade->answer->status = refusals[row].status;
    trade->answer->error_name = refusals[row].name;
    trade->answer->message = refusals[row].message;
    trade->answer->why = text_copy(trade, why);
    return NULL;
}

/* ---- 1: the certificate ---- */

static FALLIBLE admit(struct tx *tx, struct trade *trade)
{
    const struct sts_device_request *request = trade->request;
    slice name = request->thing_name.length <= THING_NAME_MAX ? request->thing_name : SLICE("");
    error *e = certificate_load_principal(tx, trade, request->account, request->region, request->certificate_id, name,
                                          trade->now_ms / 1000, &trade->principal);
    bool is_its_fault = e != NULL && (strncmp(e->name, "DEVICE_CERTIFICATE_", strlen("DEVICE_CERTIFICATE_")) == 0 ||
                                      error_is(e, "NOT_AUTHENTICATED"));
    if (is_its_fault)
        return refuse(trade, CERTIFICATE, e->message);
    TRY(e);
    trade->answer->account = trade->principal->account;
    return NULL;
}

/* ---- 2: the thing ---- */

static FALLIBLE check_thing(struct trade *trade)
{
    slice name = trade->request->thing_name;
    const struct principal_thing *thing = trade->principal->thing;
    if (name.at == NULL || (thing != NULL && slice_is(name, thing->name)))
        return NULL;
    return refuse(trade, THING, "The certificate is not attached to a thing of the name passed.");
}

/* ---- 3: its policies ---- */

static const char *alias_arn(struct trade *trade)
{
    return text_format(trade, "arn:aws:iot:%s:%s:rolealias/%.*s", trade->principal->region, trade->principal->account,
                       PRINT(trade->request->alias));
}

/* Variables of the thing are there only when the device said which one it is. */
static FALLIBLE check_policies(struct trade *trade)
{
    const struct sts_device_request *request = trade->request;
    struct principal shown = *trade->principal;
    if (request->thing_name.at == NULL)
        shown.thing = NULL;
    struct policy_asker asker = {
        .principal = &shown, .address = request->source_ip, .server_name = request->server_name, .secure = "true"
    };
    struct policy_context context = { .find = broker_find_key, .arg = &asker };
    struct policy_request asked = { SLICE("iot:AssumeRoleWithCertificate"), slice_of(alias_arn(trade)), &context };
    const struct policy **policies = MAKE_ARRAY(trade, const struct policy *, shown.policy_count + 1);
    struct policy_decision decision;
    for (size_t i = 0; i < shown.policy_count; i++)
        policies[i] = shown.policies[i].policy;
    if (policy_evaluate(policies, shown.policy_count, &asked, &decision) == POLICY_ALLOW)
        return NULL;
    return refuse(trade, DENIED,
                  decision.effect == POLICY_EXPLICIT_DENY
                      ? text_format(trade, "Policy %s, statement %d denies iot:AssumeRoleWithCertificate.",
                                    decision.policy_name, decision.statement)
                      : "No policy of the certificate allows iot:AssumeRoleWithCertificate on the alias.");
}

/* ---- 4 to 6: the alias and its role ---- */

static FALLIBLE find_alias(struct tx *tx, struct trade *trade)
{
    slice name = trade->request->alias;
    bool is_name = name.length >= 1 && name.length <= ALIAS_MAX && text_is_utf8(name) &&
                   memchr(name.at, '\0', name.length) == NULL;
    if (is_name)
        TRY(alias_find(tx, trade, trade->principal->account, trade->principal->region, name, &trade->alias));
    return trade->alias ? NULL : refuse(trade, NO_ALIAS, "The account has no such role alias.");
}

static FALLIBLE find_role(struct tx *tx, struct trade *trade)
{
    const char *account = trade->principal->account;
    TRY(account_find_role(tx, trade, slice_of(trade->alias->role_arn), &trade->role));
    if (trade->role == NULL || strcmp(trade->role->account, account) != 0)
        return refuse(trade, NO_ROLE, text_format(trade, "Role %s does not exist.", trade->alias->role_arn));
    if (!account_role_trusts(trade->role, service, account, alias_arn(trade), trade->now_ms))
        return refuse(
            trade, NO_ROLE,
            text_format(trade, "Role %s does not trust %s (sts:AssumeRole).", trade->alias->role_arn, service));
    if (trade->alias->duration_s > trade->role->max_session_s)
        return refuse(trade, TOO_LONG,
                      text_format(trade, "The alias asks for %lld seconds, the role allows %lld.",
                                  (long long)trade->alias->duration_s, (long long)trade->role->max_session_s));
    return NULL;
}

static FALLIBLE judge(struct tx *tx, void *arg)
{
    struct trade *trade = arg;
    TRY(admit(tx, trade));
    if (!trade->refused)
        TRY(check_thing(trade));
    if (!trade->refused)
        TRY(check_policies(trade));
    if (!trade->refused)
        TRY(find_alias(tx, trade));
    return trade->refused ? NULL : find_role(tx, trade);
}

/* ---- 7: the keys ---- */

static void add_fact(struct trade *trade, struct session *session, struct caller_fact *facts, const char *key,
                     const char *value)
{
    slice *one = MAKE(trade, slice);
    *one = slice_of(value);
    if (value != NULL)
        facts[session->fact_count++] = (struct caller_fact){ key, one, 1 };
}

static FALLIBLE issue(struct trade *trade, struct credentials **out)
{
    const struct principal_thing *thing = trade->request->thing_name.at ? trade->principal->thing : NULL;
    struct caller_fact *facts = MAKE_ARRAY(trade, struct caller_fact, 3);
    struct session session = { .kind = SESSION_ROLE,
                               .account = trade->role->account,
                               .unique_id = trade->role->id,
                               .session_name = trade->principal->id,
                               .issued_s = trade->now_ms / 1000,
                               .expires_s = trade->now_ms / 1000 + trade->alias->duration_s,
                               .facts = facts };
    add_fact(trade, &session, facts, "credentials-iot:AwsCertificateId", trade->principal->id);
    add_fact(trade, &session, facts, "credentials-iot:ThingName", thing ? thing->name : NULL);
    add_fact(trade, &session, facts, "credentials-iot:ThingTypeName", thing ? thing->type_name : NULL);
    return account_issue_session(trade, door_get(trade->request->door, ACCOUNT_MASTER_KEY), &session, out);
}

static FALLIBLE answer_keys(struct trade *trade)
{
    char expiration[CLOCK_TEXT_MAX];
    struct credentials *made;
    TRY(issue(trade, &made));
    clock_iso8601(made->expires_s * 1000, expiration);
    json *answer = json_new_object(trade), *members = json_new_object(trade);
    json_put_text(members, "accessKeyId", made->access_key_id);
    json_put_text(members, "secretAccessKey", made->secret);
    json_put_text(members, "sessionToken", made->token);
    json_put_text(members, "expiration", expiration);
    json_put(answer, "credentials", json_object_get(members));
    trade->body = json_print(trade, answer);
    trade->answer->body = trade->body;
    trade->answer->status = 200;
    return NULL;
}

void sts_device_credentials(void *ctx, const struct sts_device_request *request, struct sts_device_answer *answer)
{
    struct trade *trade = MAKE(ctx, struct trade);
    talloc_set_destructor(trade, trade_freed);
    trade->request = request;
    trade->answer = answer;
    trade->now_ms = clock_now_ms();
    *answer = (struct sts_device_answer){ .status = 0 };
    error *e = store_read(door_store(request->door), trade, judge, trade);
    if (e == NULL && !trade->refused)
        e = answer_keys(trade);
    if (e != NULL)
        refuse(trade, BROKEN, e->message);
}
