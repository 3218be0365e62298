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
#include "sts/issuers.h"
#include "sts/sts.h"
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

static void add_request_keys(struct call *call, const struct grant *grant, struct claim_keys *keys)
{
    char now[CLOCK_TEXT_MAX];
    slice *names = MAKE_ARRAY(call, slice, grant->tag_count + 1);
    clock_iso8601(call->now_ms, now);
    claim_keys_add_text(keys, "aws:CurrentTime", text_copy(call, now));
    claim_keys_add_text(keys, "aws:EpochTime", text_format(call, "%lld", (long long)(call->now_ms / 1000)));
    claim_keys_add_text(keys, "aws:SourceIp", call->source_ip);
    claim_keys_add_text(keys, "aws:UserAgent", call->user_agent);
    claim_keys_add_text(keys, "aws:SecureTransport", "true");
    claim_keys_add_text(keys, "aws:RequestedRegion", call->region);
    claim_keys_add_text(keys, "sts:RoleSessionName", grant->session_name);
    claim_keys_add_text(keys, "sts:SourceIdentity", grant->source_identity);
    for (size_t i = 0; i < grant->tag_count; i++) {
        names[i] = slice_of(grant->tags[i].key);
        claim_keys_add_text(keys, text_format(call, "aws:RequestTag/%s", grant->tags[i].key), grant->tags[i].value);
    }
    if (grant->tag_count > 0)
        claim_keys_add(keys, "aws:TagKeys", names, grant->tag_count);
    slice *transitive = MAKE_ARRAY(call, slice, grant->transitive_count + 1);
    for (size_t i = 0; i < grant->transitive_count; i++)
        transitive[i] = slice_of(grant->transitive[i]);
    if (grant->transitive_count > 0)
        claim_keys_add(keys, "sts:TransitiveTagKeys", transitive, grant->transitive_count);
}

static bool trusts(const struct policy *trust, const struct web *web, const char *what,
                   const struct policy_context *context)
{
    struct trust_request request = { .principal.federated = slice_of(web->provider->arn),
                                     .action = slice_of(what),
                                     .context = context };
    return policy_trusts(trust, &request, NULL);
}

static bool is_trusted(struct call *call, const struct web *web, const struct grant *grant)
{
    struct policy *trust;
    struct claim_keys keys = { .ctx = call };
    add_request_keys(call, grant, &keys); /* first: no claim can pass for one of them */
    claims_to_keys(web->jwt, web->provider->name, &keys);
    struct policy_context context = { .keys = keys.at, .count = keys.count };
    return policy_parse(call, slice_of(grant->role->trust), POLICY_IAM_TRUST, &trust) == NULL &&
           trusts(trust, web, action, &context) &&
           (grant->tag_count == 0 || trusts(trust, web, "sts:TagSession", &context)) &&
           (grant->source_identity == NULL || trusts(trust, web, "sts:SetSourceIdentity", &context));
}

static FALLIBLE assume(struct call *call)
{
    struct web *web = call->kept;
    struct role *role;
    struct grant grant = { .session_name = call_string(call, "RoleSessionName") };
    TRY(refuse(call, claims_to_grant(call, web->jwt, &grant)));
    TRY(account_find_role(call->tx, call, call_text(call, "RoleArn"), &role));
    grant.role = role;
    if (role == NULL || !is_trusted(call, web, &grant))
        return not_authorized(call);
    TRY(grant_duration(call, &grant));
    TRY(grant_policies(call, &grant));
    claims_to_facts(call, web->jwt, web->provider->name, web->provider->arn, &grant.facts, &grant.fact_count);
    TRY(grant_answer(call, &grant));
    return answer(call, string("SubjectFromWebIdentityToken", web->jwt->subject),
                  string("Provider", web->provider->arn), string("Audience", web->jwt->client_id));
}

static const struct operation op_assume = { "sts", "AssumeRoleWithWebIdentity",
                                            STEPS({ READ, find_provider }, { WAIT, ask_for_keys }, { WORK, verify },
                                                  { READ, assume }) };

const struct operation *const sts_web_operations[] = { &op_assume, NULL };
