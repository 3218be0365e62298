/* attach.c - what policies are attached to, and how they come off (x509.md 2.4, 4.14, 4.15). */
#include "certificate/inner.h"
#include "base/encode.h"

/* ---- targets ---- */

static bool is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == '-' ? text[i] != '-' : text[i] == '\0' || strchr("0123456789abcdef", text[i]) == NULL)
            return false;
    return text[sizeof(form) - 1] == '\0';
}

bool certificate_is_identity(const struct call *call, const char *text)
{
    size_t length = strlen(call->region);
    return strncmp(text, call->region, length) == 0 && text[length] == ':' && is_uuid(text + length + 1);
}

FALLIBLE certificate_check_pool(struct call *call)
{
    const char *pool = call_string(call, "cognitoIdentityPoolId");
    if (pool == NULL || certificate_is_identity(call, pool))
        return NULL;
    return error_new(call, "InvalidRequestException",
                     "cognitoIdentityPoolId: %s is not an identity pool of this region.", pool);
}

static const char *after(const char *text, const char *start)
{
    size_t length = strlen(start);
    return strncmp(text, start, length) == 0 && text[length] != '\0' ? text + length : NULL;
}

FALLIBLE certificate_parse_target(struct call *call, const char *member, const char *target, bool groups,
                                  enum target_kind *kind, const char **name)
{
    if ((*name = after(target, call_arn(call, "cert/"))) != NULL && hex_is(slice_of(*name), 64))
        *kind = TARGET_CERTIFICATE;
    else if (groups && (*name = after(target, call_arn(call, "thinggroup/"))) != NULL)
        *kind = TARGET_GROUP;
    else if (certificate_is_identity(call, *name = target)) /* well-formed is enough (auth.md 4.6) */
        *kind = TARGET_IDENTITY;
    else
        return error_new(call, "InvalidRequestException",
                         "%s: %s is not the ARN of a certificate%s of this account and region, nor a Cognito identity "
                         "id.",
                         member, target, groups ? " or thing group" : "");
    return NULL;
}

FALLIBLE certificate_check_target(struct call *call, const char *member, const char *target, bool groups,
                                  enum target_kind *kind, const char **name)
{
    struct certificate *certificate;
    struct thing_group *group;
    TRY(certificate_parse_target(call, member, target, groups, kind, name));
    if (*kind == TARGET_CERTIFICATE) {
        TRY(certificate_find(call->tx, call, call->account, call->region, *name, &certificate));
        return certificate ? NULL : certificate_unknown(call, *name);
    }
    if (*kind == TARGET_GROUP) {
        TRY(registry_find_group(call->tx, call, call->account, call->region, *name, &group));
        return group ? NULL : error_new(call, "ResourceNotFoundException", "Thing group %s cannot be found.", *name);
    }
    return NULL;
}

/* ---- policies ---- */

FALLIBLE certificate_attach_policy(struct call *call, const char *policy, const char *target, int limit)
{
    int64_t sequence, made;
    struct row *row;
    struct value account = sql_text(call->account), region = sql_text(call->region);
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*), sum(CASE WHEN policy = ? THEN 1 ELSE 0 END) FROM policy_target "
                   "WHERE account = ? AND region = ? AND target = ?",
                   ARGS(sql_text(policy), account, region, sql_text(target))));
    if (row_integer(row, 1) > 0)
        return NULL;
    if (row_integer(row, 0) >= limit)
        return error_new(call, "LimitExceededException", "The target %s already has %d policies, the most allowed.",
                         target, limit);
    TRY(certificate_next_sequence(call, "policy-target", &sequence));
    TRY(store_run(call->tx, &made,
                  "INSERT INTO policy_target (account, region, target, policy, sequence) VALUES (?, ?, ?, ?, ?)",
                  ARGS(account, region, sql_text(target), sql_text(policy), sql_integer(sequence))));
    return call_change(call, "policy-target", target, "ATTACHED", policy);
}

static FALLIBLE attach(struct call *call, const char *member, bool groups)
{
    struct stored_policy *policy = NULL;
    enum target_kind kind = TARGET_CERTIFICATE;
    const char *target = call_string(call, member), *name;
    TRY(certificate_check_target(call, member, target, groups, &kind, &name));
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(certificate_attach_policy(call, policy->name, target,
                                  kind == TARGET_GROUP ? POLICIES_OF_A_GROUP : POLICIES_OF_A_CERTIFICATE));
    return answer(call);
}

/* A pair that is not attached, or of which an end does not exist, is detached already; what names nothing is refused. */
static FALLIBLE detach(struct call *call, const char *member, bool groups)
{
    int64_t changed;
    enum target_kind kind;
    const char *policy = call_string(call, "policyName"), *target = call_string(call, member), *name;
    TRY(certificate_parse_target(call, member, target, groups, &kind, &name));
    TRY(store_run(call->tx, &changed,
                  "DELETE FROM policy_target WHERE account = ? AND region = ? AND target = ? AND policy = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(target), sql_text(policy))));
    if (changed)
        TRY(call_change(call, "policy-target", target, "DETACHED", policy));
    return answer(call);
}

static FALLIBLE attach_policy(struct call *call)
{
    return attach(call, "target", true);
}

static FALLIBLE detach_policy(struct call *call)
{
    return detach(call, "target", true);
}

static FALLIBLE attach_principal_policy(struct call *call)
{
    return attach(call, "principal", false);
}

static FALLIBLE detach_principal_policy(struct call *call)
{
    return detach(call, "principal", false);
}

/* ---- targets that go ---- */

static FALLIBLE tell_released(const struct row *row, void *arg)
{
    struct call *call = arg;
    return call_change(call, "policy-target", row_text(call, row, 0), "DETACHED", row_text(call, row, 1));
}

FALLIBLE certificate_release_target(struct call *call, const char *target)
{
    struct value account = sql_text(call->account), region = sql_text(call->region);
    TRY(store_each(call->tx, tell_released, call,
                   "SELECT target, policy FROM policy_target WHERE account = ? AND region = ? AND target = ? "
                   "ORDER BY policy",
                   ARGS(account, region, sql_text(target))));
    return store_run(call->tx, NULL, "DELETE FROM policy_target WHERE account = ? AND region = ? AND target = ?",
                     ARGS(account, region, sql_text(target)));
}

/* DeleteThingGroup stands here, because a group takes along the policies that hang on it. Unknown is a success. */
static FALLIBLE delete_group(struct call *call)
{
    struct thing_group *group;
    const char *name = call_string(call, "thingGroupName");
    TRY(registry_find_group(call->tx, call, call->account, call->region, name, &group));
    if (group == NULL)
        return answer(call);
    if (call_has(call, "expectedVersion") && call_number(call, "expectedVersion", 0) != group->version)
        return registry_wrong_group_version(call, name);
    TRY(certificate_release_target(call, call_arn(call, "thinggroup/%s", name)));
    TRY(registry_delete_group(call, name));
    return answer(call);
}

const struct operation certificate_op_attach_policy = { "iot", "AttachPolicy", STEPS({ APPLY, attach_policy }) };
const struct operation certificate_op_detach_policy = { "iot", "DetachPolicy", STEPS({ APPLY, detach_policy }) };
const struct operation certificate_op_attach_principal_policy = { "iot", "AttachPrincipalPolicy",
                                                                  STEPS({ APPLY, attach_principal_policy }) };
const struct operation certificate_op_detach_principal_policy = { "iot", "DetachPrincipalPolicy",
                                                                  STEPS({ APPLY, detach_principal_policy }) };
const struct operation certificate_op_delete_group = { "iot", "DeleteThingGroup", STEPS({ APPLY, delete_group }) };
