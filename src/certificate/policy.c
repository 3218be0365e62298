/* policy.c - CreatePolicy, GetPolicy, ListPolicies, DeletePolicy (x509.md 2.4, 4.14). */
#include "certificate/inner.h"
#include "base/random.h"

FALLIBLE certificate_policy_exists(struct tx *tx, const char *account, const char *region, const char *name, bool *out)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, "SELECT 1 FROM policy WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(name))));
    *out = row != NULL;
    return NULL;
}

FALLIBLE certificate_create_policy(struct call *call, const char *name, slice document)
{
    int64_t sequence;
    TRY(certificate_next_sequence(call, "policy", &sequence));
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO policy (account, region, name, default_version, last_version, generation_id, created, "
                  "sequence, modified) VALUES (?, ?, ?, 1, 1, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(name), sql_text(random_uuid(call)),
                       sql_integer(call->now_ms), sql_integer(sequence), sql_integer(call->now_ms))));
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO policy_version (account, region, policy, version, document, created) "
                  "VALUES (?, ?, ?, 1, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(name), sql_slice(document),
                       sql_integer(call->now_ms))));
    return call_change(call, "policy", name, "CREATED", NULL);
}

static error *unknown_policy(struct call *call, const char *name)
{
    return error_new(call, "ResourceNotFoundException", "Policy not found (name=%s)", name);
}

/* ---- CreatePolicy ---- */

static FALLIBLE check_document(struct call *call)
{
    struct policy *policy;
    return policy_parse(call, call_text(call, "policyDocument"), POLICY_IOT, &policy);
}

static FALLIBLE create(struct call *call)
{
    bool exists;
    const char *name = call_string(call, "policyName"), *arn = call_arn(call, "policy/%s", name);
    TRY(certificate_policy_exists(call->tx, call->account, call->region, name, &exists));
    if (exists) {
        error *e = error_new(call, "ResourceAlreadyExistsException",
                             "Policy cannot be created - name already exists (name=%s)", name);
        error_with(e, "resourceId", name);
        return error_with(e, "resourceArn", arn);
    }
    TRY(certificate_create_policy(call, name, call_text(call, "policyDocument")));
    TRY(registry_write_tags(call, arn));
    return answer(call, string("policyName", name), string("policyArn", arn),
                  string("policyDocument", call_string(call, "policyDocument")), string("policyVersionId", "1"));
}

/* ---- GetPolicy: the default version ---- */

static FALLIBLE get(struct call *call)
{
    struct row *row;
    const char *name = call_string(call, "policyName");
    TRY(store_find(call->tx, call, &row,
                   "SELECT v.document, p.default_version, p.created, p.modified, p.generation_id FROM policy p "
                   "JOIN policy_version v ON v.account = p.account AND v.region = p.region AND v.policy = p.name "
                   "AND v.version = p.default_version WHERE p.account = ? AND p.region = ? AND p.name = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (row == NULL)
        return unknown_policy(call, name);
    return answer(call, string("policyName", name), string("policyArn", call_arn(call, "policy/%s", name)),
                  string("policyDocument", row_text(call, row, 0)),
                  string("defaultVersionId", text_format(call, "%lld", (long long)row_integer(row, 1))),
                  time_ms("creationDate", row_integer(row, 2)), time_ms("lastModifiedDate", row_integer(row, 3)),
                  string("generationId", row_text(call, row, 4)));
}

/* ---- ListPolicies ---- */

json *certificate_policy_entry(struct call *call, const struct row *row)
{
    json *policy = json_object_new_object();
    json_put_slice(policy, "policyName", row_slice(row, 0));
    json_put_text(policy, "policyArn", call_arn(call, "policy/%.*s", PRINT(row_slice(row, 0))));
    return policy;
}

static FALLIBLE list_policies(struct call *call)
{
    struct list list = { .call = call,
                         .member = "policies",
                         .entry = certificate_policy_entry,
                         .position = 1,
                         .numbered = true,
                         .newest_first = true };
    TRY(list_begin(&list));
    struct value account = sql_text(call->account), region = sql_text(call->region);
    if (list.page.ascending)
        TRY(store_each(call->tx, list_row, &list,
                       "SELECT name, sequence FROM policy WHERE account = ? AND region = ? AND sequence > ? "
                       "ORDER BY sequence LIMIT ?",
                       ARGS(account, region, list_after(&list), list_limit(&list))));
    else
        TRY(store_each(call->tx, list_row, &list,
                       "SELECT name, sequence FROM policy WHERE account = ? AND region = ? AND sequence < ? "
                       "ORDER BY sequence DESC LIMIT ?",
                       ARGS(account, region, list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

/* ---- DeletePolicy: neither attached nor with other versions ---- */

static FALLIBLE delete_policy(struct call *call)
{
    bool exists;
    struct row *attached, *versions;
    const char *name = call_string(call, "policyName");
    struct value account = sql_text(call->account), region = sql_text(call->region), policy = sql_text(name);
    TRY(certificate_policy_exists(call->tx, call->account, call->region, name, &exists));
    if (!exists)
        return unknown_policy(call, name);
    TRY(store_find(call->tx, call, &attached,
                   "SELECT 1 FROM policy_target WHERE account = ? AND region = ? AND policy = ? LIMIT 1",
                   ARGS(account, region, policy)));
    if (attached != NULL)
        return error_new(call, "DeleteConflictException",
                         "The policy cannot be deleted as the policy is attached to one or more principals (name=%s)",
                         name);
    TRY(store_find(call->tx, call, &versions,
                   "SELECT count(*) FROM policy_version WHERE account = ? AND region = ? AND policy = ?",
                   ARGS(account, region, policy)));
    if (row_integer(versions, 0) > 1)
        return error_new(call, "DeleteConflictException",
                         "Cannot delete the policy because it has one or more policy versions attached to it (name=%s)",
                         name);
    TRY(store_run(call->tx, NULL, "DELETE FROM policy_version WHERE account = ? AND region = ? AND policy = ?",
                  ARGS(account, region, policy)));
    TRY(store_run(call->tx, NULL, "DELETE FROM policy WHERE account = ? AND region = ? AND name = ?",
                  ARGS(account, region, policy)));
    TRY(registry_remove_tags(call, call_arn(call, "policy/%s", name)));
    TRY(call_change(call, "policy", name, "DELETED", NULL));
    return answer(call);
}

const struct operation certificate_op_create_policy = { "iot", "CreatePolicy",
                                                        STEPS({ WORK, check_document }, { APPLY, create }) };
const struct operation certificate_op_get_policy = { "iot", "GetPolicy", STEPS({ READ, get }) };
const struct operation certificate_op_list_policies = { "iot", "ListPolicies", STEPS({ READ, list_policies }) };
const struct operation certificate_op_delete_policy = { "iot", "DeletePolicy", STEPS({ APPLY, delete_policy }) };

const struct operation *const certificate_policy_operations[] = {
    &certificate_op_create_policy,          &certificate_op_get_policy,
    &certificate_op_list_policies,          &certificate_op_delete_policy,
    &certificate_op_attach_policy,          &certificate_op_detach_policy,
    &certificate_op_list_attached_policies, NULL,
};
