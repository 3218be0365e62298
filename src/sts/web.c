/* web.c - sessions for who has a token of an OpenID Connect provider (auth 2.3, 3.5.4, 4.5).

   AssumeRoleWithWebIdentity is open to strangers, so what they learn and what they cost is bounded: whether the account
   of the role knows the issuer, by a text of AWS's; that issuer's keys are fetched, by the rules of issuers.h; one
   signature is checked. Only with a token of that issuer, for one of the clients that the administrator named, is
   anything read about roles, and a role that does not exist refuses as one that trusts somebody else.

       READ   the provider for the token's iss in the role's account
       WAIT   its keys
       WORK   the signature and the claims
       READ   the role, whether it trusts the token, session policies; the keys of the session */
#include "sts/claims.h"
#include "sts/inner.h"
#include "base/clock.h"
#include "iam/iam.h"

enum { SHOWN_ISSUER_MAX = 512 };

static const char action[] = "sts:AssumeRoleWithWebIdentity";
static const char no_keys[] = "Couldn't retrieve verification key from your identity provider, please reference "
                              "AssumeRoleWithWebIdentity documentation for requirements";

struct web {
    struct issuer_waiter waiter;
    struct call *call;
    struct jwt *jwt;
    struct oidc_provider *provider;
    const char *account;  /* of the role, so far as its ARN says */
    struct jwk_set *keys; /* a reference of ours */
};

static int web_freed(struct web *web)
{
    jwk_set_drop(web->keys);
    return 0;
}

/* ---- what STS says of a token that is not taken ---- */

static const struct refusal {
    const char *name, *public_name;
    const char *text; /* NULL: the reason itself */
} refusals[] = {
    { "TokenMalformed", "InvalidIdentityTokenException",
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)" },
    { "TokenKey", "InvalidIdentityTokenException", no_keys },
    { "TokenExpired", "ExpiredTokenException", NULL },
    { "TokenSignature", "InvalidIdentityTokenException", NULL },
    { "TokenIssuer", "InvalidIdentityTokenException", NULL },
    { "TokenEarly", "InvalidIdentityTokenException", NULL },
    { "TokenAudience", "InvalidIdentityTokenException", NULL },
    { "TokenSubject", "InvalidIdentityTokenException", NULL },
    { "TokenClaim", "InvalidIdentityTokenException", NULL },
};

static error *refuse(struct call *call, error *e)
{
    for (size_t i = 0; e != NULL && i < sizeof(refusals) / sizeof(*refusals); i++)
        if (error_is(e, refusals[i].name))
            return error_because(call, e, refusals[i].public_name, "%s",
                                 refusals[i].text ? refusals[i].text : e->message);
    return e;
}

static error *not_authorized(struct call *call)
{
    return error_new(call, "AccessDenied", "Not authorized to perform %s", action);
}

/* ---- READ: who issued it ---- */

static error *no_provider(struct call *call, slice issuer)
{
    const char *scheme = slice_starts(issuer, "https://") || slice_starts(issuer, "http://") ? "" : "https://";
    issuer.length = issuer.length < SHOWN_ISSUER_MAX ? issuer.length : SHOWN_ISSUER_MAX;
    while (issuer.length > 0 && !text_is_utf8(issuer)) /* not in the middle of a character */
        issuer.length--;
    return error_new(call, "InvalidIdentityTokenException",
                     "No OpenIDConnect provider found in your account for %s%.*s", scheme, PRINT(issuer));
}

static FALLIBLE find_provider(struct call *call)
{
    struct web *web = MAKE(call, struct web);
    slice account, name, token = call_text(call, "WebIdentityToken");
    talloc_set_destructor(web, web_freed);
    web->call = call;
    call->kept = web;
    if (call_has(call, "ProviderId"))
        return error_new(call, "ValidationError",
                         "ProviderId: only OpenID Connect ID tokens are taken, which name their issuer themselves.");
    if (!account_role_arn(call_text(call, "RoleArn"), &account, &name))
        return error_new(call, "ValidationError", "RoleArn: %s is not the ARN of a role.",
                         call_string(call, "RoleArn"));
    web->account = slice_text(web, account);
    TRY(refuse(call, jwt_decode(call, token, &web->jwt)));
    TRY(iam_find_oidc_provider(call->tx, call, web->account, slice_of(web->jwt->issuer), &web->provider));
    return web->provider ? NULL : no_provider(call, slice_of(web->jwt->issuer));
}

/* ---- WAIT: its keys ---- */

/* The call is parked: nobody else touches it. */
static void keys_are_there(struct issuer_waiter *waiter, struct jwk_set *keys)
{
    struct web *web = (struct web *)waiter;
    web->keys = keys;
    call_resume(web->call, keys ? NULL : error_new(web->call, "IDPCommunicationErrorException", "%s", no_keys));
}

static FALLIBLE ask_for_keys(struct call *call)
{
    struct web *web = call->kept;
    struct issuer_question question = { .issuer = web->provider->issuer,
                                        .thumbprints = web->provider->thumbprints,
                                        .thumbprint_count = web->provider->thumbprint_count,
                                        .kid = web->jwt->kid };
    web->waiter.ready = keys_are_there;
    issuers_ask(door_get(call->door, STS_ISSUERS), &question, &web->waiter);
    return NULL;
}

/* ---- WORK: is it true? ---- */

static FALLIBLE judge(struct call *call, struct web *web)
{
    const struct jwk *key = jwk_set_find(web->keys, web->jwt);
    const struct jwt_expectation expected = { .issuer = web->provider->issuer,
                                              .client_ids = web->provider->client_ids,
                                              .client_id_count = web->provider->client_id_count,
                                              .now_s = call->now_ms / 1000 };
    if (key == NULL)
        return error_new(call, "TokenKey", "The issuer has no key of this kid and algorithm.");
    TRY(jwt_verify(call, web->jwt, key));
    return jwt_check(call, web->jwt, &expected);
}

static FALLIBLE verify(struct call *call)
{
    struct web *web = call->kept;
    TRY(refuse(call, judge(call, web)));
    call->account = web->account; /* whose log and figures it is, from here on */
    return NULL;
}

/* ---- READ: does the role trust it? ---- */

struct asking {
    struct call *call;
    const struct web *web;
    const struct role *role;
    struct session session;
    struct claim_keys keys;
};

static void add_texts(struct asking *asking, const char *name, const char *const *texts, size_t count)
{
    slice *values = MAKE_ARRAY(asking->call, slice, count + 1);
    for (size_t i = 0; i < count; i++)
        values[i] = slice_of(texts[i]);
    if (count > 0)
        claim_keys_add(&asking->keys, name, values, count);
}

static void add_tags(struct asking *asking)
{
    const struct session *session = &asking->session;
    const char **names = MAKE_ARRAY(asking->call, const char *, session->fact_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < session->fact_count; i++) {
        const struct caller_fact *fact = &session->facts[i];
        if (strncmp(fact->key, CLAIMS_TAG, strlen(CLAIMS_TAG)) != 0)
            continue;
        names[count++] = fact->key + strlen(CLAIMS_TAG);
        claim_keys_add(&asking->keys, text_format(asking->call, "aws:RequestTag/%s", names[count - 1]), fact->values,
                       fact->count);
    }
    add_texts(asking, "aws:TagKeys", names, count);
    add_texts(asking, "sts:TransitiveTagKeys", session->transitive, session->transitive_count);
}

/* Of who asks there is nothing but the claims: no account, no user. */
static void add_request(struct asking *asking)
{
    const struct call *call = asking->call;
    char now[CLOCK_TEXT_MAX];
    clock_iso8601(call->now_ms, now);
    const struct {
        const char *name, *value;
    } rows[] = { { "aws:CurrentTime", text_copy(asking->call, now) },
                 { "aws:EpochTime", text_format(asking->call, "%lld", (long long)(call->now_ms / 1000)) },
                 { "aws:SourceIp", call->source_ip },
                 { "aws:UserAgent", call->user_agent },
                 { "aws:SecureTransport", "true" },
                 { "aws:RequestedRegion", call->region },
                 { "aws:ResourceAccount", asking->role->account },
                 { "aws:FederatedProvider", asking->web->provider->arn },
                 { "sts:RoleSessionName", asking->session.session_name },
                 { "sts:SourceIdentity", asking->session.source_identity } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        claim_keys_add_text(&asking->keys, rows[i].name, rows[i].value);
}

static FALLIBLE add_role_tag(const struct row *row, void *arg)
{
    static const char *const prefixes[] = { "aws:ResourceTag/", "iam:ResourceTag/" };
    struct asking *asking = arg;
    const char *name = row_text(asking->call, row, 0), *value = row_text(asking->call, row, 1);
    for (size_t i = 0; i < 2; i++)
        claim_keys_add_text(&asking->keys, text_format(asking->call, "%s%s", prefixes[i], name), value);
    return NULL;
}

/* Claims come last: the first key of a name is the one that a policy sees, and none of the others is theirs to say. */
static FALLIBLE gather_keys(struct asking *asking)
{
    asking->keys.ctx = asking->call;
    add_request(asking);
    add_tags(asking);
    TRY(store_each(asking->call->tx, add_role_tag, asking,
                   "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = 'role' AND owner_name = ?",
                   ARGS(sql_text(asking->role->account), sql_text(asking->role->name))));
    claims_to_keys(asking->web->jwt, asking->web->provider->name, &asking->keys);
    return NULL;
}

static bool trusts(const struct asking *asking, const struct policy *trust, const char *what)
{
    struct policy_context context = { .keys = asking->keys.at, .count = asking->keys.count };
    struct trust_request request = { .principal.federated = slice_of(asking->web->provider->arn),
                                     .action = slice_of(what),
                                     .context = &context };
    return policy_trusts(trust, &request, NULL);
}

static bool is_trusted(const struct asking *asking)
{
    struct policy *trust;
    return policy_parse(asking->call, slice_of(asking->role->trust), POLICY_IAM_TRUST, &trust) == NULL &&
           trusts(asking, trust, action) &&
           (!sts_is_tagged(&asking->session) || trusts(asking, trust, "sts:TagSession")) &&
           (asking->session.source_identity == NULL || trusts(asking, trust, "sts:SetSourceIdentity"));
}

static FALLIBLE find_role(struct asking *asking)
{
    struct call *call = asking->call;
    struct role *role;
    TRY(account_find_role(call->tx, call, call_text(call, "RoleArn"), &role));
    if (role == NULL)
        return not_authorized(call);
    asking->role = role;
    asking->session.account = role->account;
    asking->session.unique_id = role->id;
    TRY(gather_keys(asking));
    return is_trusted(asking) ? NULL : not_authorized(call);
}

static error *answer_session(const struct asking *asking, const struct credentials *made)
{
    struct call *call = asking->call;
    const struct web *web = asking->web;
    return answer(call, value_of("Credentials", sts_credentials(call, made)),
                  value_of("AssumedRoleUser", sts_assumed_role_user(call, asking->role, asking->session.session_name)),
                  integer("PackedPolicySize", made->packed_percent),
                  string("SourceIdentity", asking->session.source_identity),
                  string("SubjectFromWebIdentityToken", web->jwt->subject), string("Provider", web->provider->arn),
                  string("Audience", web->jwt->client_id));
}

static FALLIBLE assume(struct call *call)
{
    struct asking *asking = MAKE(call, struct asking);
    struct session *session = &asking->session;
    struct credentials *made;
    asking->call = call;
    asking->web = call->kept;
    session->kind = SESSION_ROLE;
    session->session_name = call_string(call, "RoleSessionName");
    TRY(refuse(call, claims_to_session(call, asking->web->jwt, asking->web->provider->name, asking->web->provider->arn,
                                       session)));
    TRY(find_role(asking));
    TRY(sts_take_role_duration(call, asking->role, false, session));
    TRY(sts_take_policies(call, asking->role->account, session));
    TRY(sts_issue(call, session, &made));
    return answer_session(asking, made);
}

static const struct operation op_assume = { "sts", "AssumeRoleWithWebIdentity",
                                            STEPS({ READ, find_provider }, { WAIT, ask_for_keys }, { WORK, verify },
                                                  { READ, assume }) };

const struct operation *const sts_web_operations[] = { &op_assume, NULL };
