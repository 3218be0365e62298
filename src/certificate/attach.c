/* attach.c - AttachPolicy, DetachPolicy, ListAttachedPolicies (x509.md 2.4, 4.14). */
#include "certificate/inner.h"
#include "base/encode.h"

/* ---- targets ---- */

/* "us-east-1:7c1c2e0a-..." : well-formed is enough (auth.md 4.6). */
static bool is_identity(const char *target, const char *region)
{
    size_t length = strlen(region);
    return strncmp(target, region, length) == 0 && target[length] == ':' && strlen(target + length + 1) == 36 &&
           strspn(target + length + 1, "0123456789abcdef-") == 36;
}

static const char *after(const char *text, const char *start)
{
    size_t length = strlen(start);
    return strncmp(text, start, length) == 0 && text[length] != '\0' ? text + length : NULL;
}

FALLIBLE certificate_check_target(struct call *call, const char *member, const char *target, bool groups,
                                  enum target_kind *kind, const char **name)
{
    if ((*name = after(target, call_arn(call, "cert/"))) != NULL && hex_is(slice_of(*name), 64)) {
        struct certificate *certificate;
        *kind = TARGET_CERTIFICATE;
        TRY(certificate_find(call->tx, call, call->account, call->region, *name, &certificate));
        return certificate ? NULL : certificate_unknown(call, *name);
    }
    if (groups && (*name = after(target, call_arn(call, "thinggroup/"))) != NULL) {
        struct thing_group *group;
        *kind = TARGET_GROUP;
        TRY(registry_find_group(call->tx, call, call->account, call->region, *name, &group));
        return group ? NULL : error_new(call, "ResourceNotFoundException", "Thing group %s cannot be found.", *name);
    }
    if (is_identity(target, call->region)) {
        *kind = TARGET_IDENTITY;
        *name = target;
        return NULL;
    }
    return error_new(call, "InvalidRequestException",
                     "%s: %s is not the ARN of a certificate%s of this account and "
                     "region, nor a Cognito identity id.",
                     member, target, groups ? " or thing group" : "");
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

static FALLIBLE attach_policy(struct call *call)
{
    bool exists;
    enum target_kind kind = TARGET_CERTIFICATE;
    const char *policy = call_string(call, "policyName"), *target = call_string(call, "target"), *name;
    TRY(certificate_check_target(call, "target", target, true, &kind, &name));
    TRY(certificate_policy_exists(call->tx, call->account, call->region, policy, &exists));
    if (!exists)
        return error_new(call, "ResourceNotFoundException", "Policy not found (name=%s)", policy);
    TRY(certificate_attach_policy(call, policy, target,
                                  kind == TARGET_GROUP ? POLICIES_OF_A_GROUP : POLICIES_OF_A_CERTIFICATE));
    return answer(call);
}

/* A pair that is not attached, or does not exist, is detached already. */
static FALLIBLE detach_policy(struct call *call)
{
    int64_t changed;
    const char *policy = call_string(call, "policyName"), *target = call_string(call, "target");
    TRY(store_run(call->tx, &changed,
                  "DELETE FROM policy_target WHERE account = ? AND region = ? AND target = ? AND policy = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(target), sql_text(policy))));
    if (changed)
        TRY(call_change(call, "policy-target", target, "DETACHED", policy));
    return answer(call);
}

/* Newest first. `recursive` adds the policies of a group's ancestors, each once. */
static FALLIBLE list_attached(struct call *call)
{
    enum target_kind kind = TARGET_CERTIFICATE;
    const char *target = call_string(call, "target"), *name;
    struct list list = { .call = call,
                         .member = "policies",
                         .entry = certificate_policy_entry,
                         .position = 1,
                         .numbered = true,
                         .newest_first = true };
    TRY(certificate_check_target(call, "target", target, true, &kind, &name));
    TRY(list_begin(&list));
    struct value before = list_after(&list), rows = list_limit(&list);
    struct value account = sql_text(call->account), region = sql_text(call->region);
    if (kind == TARGET_GROUP && call_flag(call, "recursive"))
        TRY(store_each(call->tx, list_row, &list,
                       "WITH RECURSIVE above (name, parent) AS (SELECT name, parent FROM thing_group "
                       "WHERE account = ?1 AND region = ?2 AND name = ?3 UNION SELECT g.name, g.parent "
                       "FROM thing_group g JOIN above a ON g.name = a.parent WHERE g.account = ?1 AND g.region = ?2) "
                       "SELECT policy, max(sequence) AS newest FROM policy_target JOIN above "
                       "ON target = ?4 || above.name WHERE account = ?1 AND region = ?2 GROUP BY policy "
                       "HAVING max(sequence) < ?5 ORDER BY newest DESC LIMIT ?6",
                       ARGS(account, region, sql_text(name), sql_text(call_arn(call, "thinggroup/")), before, rows)));
    else
        TRY(store_each(call->tx, list_row, &list,
                       "SELECT policy, sequence FROM policy_target WHERE account = ? AND region = ? AND target = ? "
                       "AND sequence < ? ORDER BY sequence DESC LIMIT ?",
                       ARGS(account, region, sql_text(target), before, rows)));
    return list_answer(&list);
}

const struct operation certificate_op_attach_policy = { "iot", "AttachPolicy", STEPS({ APPLY, attach_policy }) };
const struct operation certificate_op_detach_policy = { "iot", "DetachPolicy", STEPS({ APPLY, detach_policy }) };
const struct operation certificate_op_list_attached_policies = { "iot", "ListAttachedPolicies",
                                                                 STEPS({ READ, list_attached }) };
