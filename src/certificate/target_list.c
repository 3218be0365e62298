/* target_list.c - ListAttachedPolicies, ListPrincipalPolicies, ListTargetsForPolicy, ListPolicyPrincipals (x509.md 2.4,
   2.6): by the age of the attachment. */
#include "certificate/inner.h"

static struct list attachments(struct call *call, const char *member,
                               json *(*entry)(struct call *call, const struct row *row))
{
    return (struct list){
        .call = call, .member = member, .entry = entry, .position = 1, .numbered = true, .newest_first = true
    };
}

/* ---- policies of a target ---- */

static FALLIBLE walk_target(struct list *list, const char *target)
{
    return list_each(list,
                     LIST_BY("sequence", "SELECT policy, sequence FROM policy_target WHERE account = ? AND region = ? "
                                         "AND target = ? AND"),
                     ARGS(sql_text(list->call->account), sql_text(list->call->region), sql_text(target)));
}

/* A group's own and those of all groups above it, each once. */
static FALLIBLE walk_above(struct list *list, const char *group)
{
    struct call *call = list->call;
    return list_each(
        list,
        LIST_BY("newest",
                "WITH RECURSIVE above (name, parent) AS (SELECT name, parent FROM thing_group "
                "WHERE account = ?1 AND region = ?2 AND name = ?3 UNION SELECT g.name, g.parent "
                "FROM thing_group g JOIN above a ON g.name = a.parent WHERE g.account = ?1 AND g.region = ?2), "
                "attached (policy, newest) AS (SELECT t.policy, max(t.sequence) FROM above JOIN policy_target t "
                "ON t.target = ?4 || above.name WHERE t.account = ?1 AND t.region = ?2 GROUP BY t.policy) "
                "SELECT policy, newest FROM attached WHERE"),
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(group),
             sql_text(call_arn(call, "thinggroup/"))));
}

static FALLIBLE list_of_target(struct call *call, const char *member, bool groups)
{
    enum target_kind kind = TARGET_CERTIFICATE;
    const char *target = call_string(call, member), *name;
    struct list list = attachments(call, "policies", certificate_policy_entry);
    TRY(certificate_check_target(call, member, target, groups, &kind, &name));
    TRY(list_begin(&list));
    if (kind == TARGET_GROUP && call_flag(call, "recursive"))
        TRY(walk_above(&list, name));
    else
        TRY(walk_target(&list, target));
    return list_answer(&list);
}

static FALLIBLE list_attached(struct call *call)
{
    return list_of_target(call, "target", true);
}

static FALLIBLE list_principal_policies(struct call *call)
{
    return list_of_target(call, "principal", false);
}

/* ---- targets of a policy ---- */

static FALLIBLE list_targets(struct call *call)
{
    struct stored_policy *policy = NULL;
    struct list list = attachments(call, "targets", list_entry_text);
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(list_begin(&list));
    TRY(list_each(&list,
                  LIST_BY("sequence", "SELECT target, sequence FROM policy_target WHERE account = ? AND region = ? "
                                      "AND policy = ? AND"),
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name))));
    return list_answer(&list);
}

/* Certificates and identities: a group is a target, and no principal. */
static FALLIBLE list_principals(struct call *call)
{
    struct stored_policy *policy = NULL;
    struct list list = attachments(call, "principals", list_entry_text);
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(list_begin(&list));
    TRY(list_each(&list,
                  LIST_BY("sequence", "SELECT target, sequence FROM policy_target WHERE account = ? AND region = ? "
                                      "AND policy = ? AND NOT (target > ? AND target < ?) AND"),
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name),
                       sql_text(call_arn(call, "thinggroup/")), sql_text(call_arn(call, "thinggroup/\x7f")))));
    return list_answer(&list);
}

const struct operation certificate_op_list_attached_policies = { "iot", "ListAttachedPolicies",
                                                                 STEPS({ READ, list_attached }) };
const struct operation certificate_op_list_principal_policies = { "iot", "ListPrincipalPolicies",
                                                                  STEPS({ READ, list_principal_policies }) };
const struct operation certificate_op_list_targets = { "iot", "ListTargetsForPolicy", STEPS({ READ, list_targets }) };
const struct operation certificate_op_list_policy_principals = { "iot", "ListPolicyPrincipals",
                                                                 STEPS({ READ, list_principals }) };
