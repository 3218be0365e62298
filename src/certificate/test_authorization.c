/* test_authorization.c - TestAuthorization (broker.md 4.12): the engine and the keys of a live connection, asked without
   one. What only a connection knows has no value, matches nothing and is told as missing.

       gather      READ  the principal, its thing and its policies, as a CONNECT of the client id would find them; some
                         added, some left out
       decide      WORK  each question against all of them */
#include "certificate/inner.h"

enum { NAMES_MAX = 100, RESOURCES_MAX = 100 };

struct trial {
    struct principal *principal;
    struct principal_policy *policies;
    const struct policy **bare; /* the same, as the engine takes them */
    size_t count;
};

/* ---- who and what ---- */

static FALLIBLE load_principal(struct call *call, struct principal *principal)
{
    enum target_kind kind = TARGET_IDENTITY;
    const char *text = call_string(call, "principal"), *name;
    struct certificate *certificate = NULL;
    if (text == NULL)
        return NULL;
    TRY(certificate_check_target(call, "principal", text, false, &kind, &name));
    principal->arn = text;
    if (kind == TARGET_CERTIFICATE) {
        principal->id = name;
        TRY(certificate_find(call->tx, call, call->account, call->region, name, &certificate));
    }
    TRY(certificate_fill_principal(call->tx, principal, certificate, call_text(call, "clientId")));
    /* A policy that is added may ask for what the attached ones do not. */
    return certificate && principal->facts == NULL ? certificate_fill_facts(principal, certificate->pem) : NULL;
}

static bool is_held(const struct trial *trial, slice name)
{
    for (size_t i = 0; i < trial->count; i++)
        if (slice_is(name, trial->policies[i].name))
            return true;
    return false;
}

static FALLIBLE add(struct call *call, struct trial *trial, const char *name)
{
    struct row *row;
    struct policy *policy;
    TRY(store_find(call->tx, call, &row,
                   "SELECT v.document FROM policy p JOIN policy_version v ON v.account = p.account "
                   "AND v.region = p.region AND v.policy = p.name AND v.version = p.default_version "
                   "WHERE p.account = ? AND p.region = ? AND p.name = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (row == NULL || is_held(trial, slice_of(name)))
        return NULL;
    TRY(policy_parse(call, row_slice(row, 0), POLICY_IOT, &policy));
    policy_set_name(policy, slice_of(name));
    *ARRAY_ADD(call, trial->policies, trial->count) =
        (struct principal_policy){ .name = name, .arn = call_arn(call, "policy/%s", name), .policy = policy };
    return NULL;
}

static FALLIBLE leave_out(struct call *call, struct trial *trial, const char *name)
{
    size_t kept = 0;
    (void)call;
    for (size_t i = 0; i < trial->count; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): every policy has its name */
        if (strcmp(trial->policies[i].name, name) != 0)
            trial->policies[kept++] = trial->policies[i];
    trial->count = kept;
    return NULL;
}

static FALLIBLE each_name(struct call *call, struct trial *trial, const char *member,
                          FALLIBLE (*take)(struct call *call, struct trial *trial, const char *name))
{
    json *names = json_get_array(call->input, member);
    size_t count = names ? json_object_array_length(names) : 0;
    if (count > NAMES_MAX)
        return error_new(call, "InvalidRequestException", "%s: at most %d policies are named.", member, NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct stored_policy *policy;
        const char *name = slice_text(call, json_text(json_object_array_get_idx(names, i)));
        TRY(certificate_need_policy(call, name, &policy));
        TRY(take(call, trial, name));
    }
    return NULL;
}

static FALLIBLE check_questions(struct call *call)
{
    json *infos = json_get_array(call->input, "authInfos");
    if (call_string(call, "principal") == NULL && !call_has(call, "policyNamesToAdd"))
        return error_new(call, "InvalidRequestException",
                         "principal or policyNamesToAdd is needed: whose policies are tested?");
    for (size_t i = 0; i < json_object_array_length(infos); i++) {
        json *info = json_object_array_get_idx(infos, i), *resources = json_get_array(info, "resources");
        size_t count = resources ? json_object_array_length(resources) : 0;
        if (json_get_text(info, "actionType") == NULL)
            return error_new(call, "InvalidRequestException",
                             "authInfos: actionType is needed: PUBLISH, SUBSCRIBE, RECEIVE or CONNECT.");
        if (count == 0 || count > RESOURCES_MAX)
            return error_new(call, "InvalidRequestException", "authInfos: resources has 1 to %d ARNs.", RESOURCES_MAX);
    }
    return certificate_check_pool(call);
}

static FALLIBLE gather(struct call *call)
{
    struct trial *trial = MAKE(call, struct trial);
    struct principal *principal = trial->principal = MAKE(call, struct principal);
    TRY(check_questions(call));
    principal->account = call->account;
    principal->region = call->region;
    TRY(load_principal(call, principal));
    for (size_t i = 0; i < principal->policy_count; i++)
        *ARRAY_ADD(call, trial->policies, trial->count) = principal->policies[i];
    TRY(each_name(call, trial, "policyNamesToAdd", add));
    TRY(each_name(call, trial, "policyNamesToSkip", leave_out));
    trial->bare = MAKE_ARRAY(call, const struct policy *, trial->count);
    for (size_t i = 0; i < trial->count; i++)
        trial->bare[i] = trial->policies[i].policy;
    call->kept = trial;
    return NULL;
}

/* ---- one question ---- */

struct verdict {
    bool *allows, *denies; /* of each policy: whether a statement matched, for any of the resources */
    bool all_allowed, any_denied;
    json *missing;
};

static void ask(struct call *call, const struct trial *trial, const struct policy_request *request,
                struct verdict *verdict)
{
    bool allowed = false;
    slice *missing;
    for (size_t i = 0; i < trial->count; i++) {
        bool allows, denies;
        policy_matches(trial->bare[i], request, &allows, &denies);
        verdict->allows[i] |= allows;
        verdict->denies[i] |= denies;
        verdict->any_denied |= denies;
        allowed |= allows;
    }
    verdict->all_allowed &= allowed;
    size_t count = policy_missing_values(call, trial->bare, trial->count, request, &missing);
    for (size_t i = 0; i < count; i++) /* a JSON object keeps each name once */
        json_put_bool(verdict->missing, slice_text(call, missing[i]), true);
}

static json *policies_of(const struct trial *trial, const bool *chosen)
{
    json *holder = json_object_new_object(), *list = json_object_new_array();
    for (size_t i = 0; i < trial->count; i++) {
        if (chosen != NULL && !chosen[i])
            continue;
        json *policy = json_object_new_object();
        json_put_text(policy, "policyName", trial->policies[i].name);
        json_put_text(policy, "policyArn", trial->policies[i].arn);
        json_add(list, policy);
    }
    json_put(holder, "policies", list);
    return holder;
}

static json *no_policies(void)
{
    json *holder = json_object_new_object();
    json_put(holder, "policies", json_object_new_array());
    return holder;
}

static json *names_in(json *object)
{
    json *list = json_object_new_array();
    json_object_object_foreach (object, name, unused) {
        (void)unused;
        json_add_text(list, name);
    }
    return list;
}

static json *result(const struct trial *trial, json *info, const struct verdict *verdict)
{
    json *result = json_object_new_object(), *denied = json_object_new_object();
    bool implicit = !verdict->any_denied && !verdict->all_allowed;
    json_put(denied, "implicitDeny", implicit ? policies_of(trial, NULL) : no_policies());
    json_put(denied, "explicitDeny", policies_of(trial, verdict->denies));
    json_put(result, "authInfo", json_object_get(info));
    json_put(result, "allowed", policies_of(trial, verdict->allows));
    json_put(result, "denied", denied);
    json_put_text(result, "authDecision",
                  verdict->any_denied ? "EXPLICIT_DENY" : (implicit ? "IMPLICIT_DENY" : "ALLOWED"));
    json_put(result, "missingContextValues", names_in(verdict->missing));
    return result;
}

static const char *action_of(const char *type)
{
    static const struct {
        const char *type, *action;
    } actions[] = { { "PUBLISH", "iot:Publish" },
                    { "SUBSCRIBE", "iot:Subscribe" },
                    { "RECEIVE", "iot:Receive" },
                    { "CONNECT", "iot:Connect" } };
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
        if (strcmp(actions[i].type, type) == 0)
            return actions[i].action;
    return "";
}

static json *decide_one(struct call *call, const struct trial *trial, const struct policy_context *context, json *info)
{
    json *resources = json_get_array(info, "resources");
    struct verdict verdict = { .allows = MAKE_ARRAY(call, bool, trial->count),
                               .denies = MAKE_ARRAY(call, bool, trial->count),
                               .all_allowed = true,
                               .missing = json_new_object(call) };
    for (size_t i = 0; i < json_object_array_length(resources); i++) {
        struct policy_request request = { .action = slice_of(action_of(json_get_text(info, "actionType"))),
                                          .resource = json_text(json_object_array_get_idx(resources, i)),
                                          .context = context };
        ask(call, trial, &request, &verdict);
    }
    return result(trial, info, &verdict);
}

/* An identity's own keys: who it is, and the pool that the request names. */
static size_t identity_keys(const struct call *call, const struct principal *principal, slice values[2],
                            struct policy_key keys[2])
{
    static const char *const names[] = { "cognito-identity.amazonaws.com:sub", "cognito-identity.amazonaws.com:aud" };
    const char *texts[] = { principal->id == NULL ? principal->arn : NULL, call_string(call, "cognitoIdentityPoolId") };
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (texts[i] == NULL)
            continue;
        values[count] = slice_of(texts[i]);
        keys[count] = (struct policy_key){ slice_of(names[i]), &values[count], 1 };
        count++;
    }
    return count;
}

static FALLIBLE decide(struct call *call)
{
    const struct trial *trial = call->kept;
    json *infos = json_get_array(call->input, "authInfos"), *results = json_object_new_array();
    struct policy_asker asker = { .principal = trial->principal, .client_id = call_string(call, "clientId") };
    slice values[2];
    struct policy_key keys[2];
    struct policy_context context = { .keys = keys,
                                      .count = identity_keys(call, trial->principal, values, keys),
                                      .find = broker_find_key,
                                      .arg = &asker };
    for (size_t i = 0; i < json_object_array_length(infos); i++)
        json_add(results, decide_one(call, trial, &context, json_object_array_get_idx(infos, i)));
    return answer(call, value_of("authResults", results));
}

const struct operation certificate_op_test_authorization = { "iot", "TestAuthorization",
                                                             STEPS({ READ, gather }, { WORK, decide }) };
