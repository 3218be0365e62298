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
    TRY(call_change(call, "policy", name, "CREATED", NULL));
    return certificate_tell_policy(call, name, 1, "CREATED");
}

FALLIBLE certificate_need_policy(struct call *call, const char *name, struct stored_policy **out)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT default_version, last_version, created, modified, generation_id FROM policy "
                   "WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (row == NULL)
        return error_new(call, "ResourceNotFoundException", "Policy not found (name=%s)", name);
    *out = MAKE(call, struct stored_policy);
    **out = (struct stored_policy){ .name = name,
                                    .arn = call_arn(call, "policy/%s", name),
                                    .default_version = row_integer(row, 0),
                                    .last_version = row_integer(row, 1),
                                    .created = row_integer(row, 2),
                                    .modified = row_integer(row, 3),
                                    .generation_id = row_text(call, row, 4) };
    return NULL;
}

/* A '+' of the name cannot stand in a topic: it is written as in URIs. */
static const char *topic_level(struct call *call, const char *name)
{
    const char *plus = strchr(name, '+');
    return plus ? text_format(call, "%.*s%%2B%s", (int)(plus - name), name, topic_level(call, plus + 1)) : name;
}

FALLIBLE certificate_tell_policy(struct call *call, const char *name, int64_t default_version, const char *operation)
{
    json *members = json_new_object(call);
    json_put_text(members, "policyName", name);
    json_put_text(members, "policyArn", call_arn(call, "policy/%s", name));
    json_put_text(members, "defaultVersionId", text_format(call, "%lld", (long long)default_version));
    return registry_event(call, EVENT_POLICY, text_format(call, "policy/%s", topic_level(call, name)), operation,
                          members);
}

/* ---- CreatePolicy ---- */

FALLIBLE certificate_check_document(struct call *call)
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
    struct stored_policy *policy = NULL;
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(store_find(call->tx, call, &row,
                   "SELECT document FROM policy_version WHERE account = ? AND region = ? AND policy = ? "
                   "AND version = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name),
                        sql_integer(policy->default_version))));
    return answer(call, string("policyName", policy->name), string("policyArn", policy->arn),
                  string("policyDocument", row ? row_text(call, row, 0) : NULL),
                  string("defaultVersionId", text_format(call, "%lld", (long long)policy->default_version)),
                  time_ms("creationDate", policy->created), time_ms("lastModifiedDate", policy->modified),
                  string("generationId", policy->generation_id));
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
    TRY(list_each(&list, LIST_BY("sequence", "SELECT name, sequence FROM policy WHERE account = ? AND region = ? AND"),
                  ARGS(sql_text(call->account), sql_text(call->region))));
    return list_answer(&list);
}

/* ---- DeletePolicy: neither attached nor with other versions ---- */

static FALLIBLE delete_policy(struct call *call)
{
    struct stored_policy *found = NULL;
    struct row *attached, *versions;
    const char *name = call_string(call, "policyName");
    struct value account = sql_text(call->account), region = sql_text(call->region), policy = sql_text(name);
    TRY(certificate_need_policy(call, name, &found));
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
    TRY(certificate_tell_policy(call, name, found->default_version, "DELETED"));
    return answer(call);
}

static const struct operation create_policy = { "iot", "CreatePolicy",
                                                STEPS({ WORK, certificate_check_document }, { APPLY, create }) };
static const struct operation get_policy = { "iot", "GetPolicy", STEPS({ READ, get }) };
static const struct operation list_all = { "iot", "ListPolicies", STEPS({ READ, list_policies }) };
static const struct operation delete_one = { "iot", "DeletePolicy", STEPS({ APPLY, delete_policy }) };

const struct operation *const certificate_policy_operations[] = {
    &create_policy,
    &get_policy,
    &list_all,
    &delete_one,
    &certificate_op_create_policy_version,
    &certificate_op_get_policy_version,
    &certificate_op_list_policy_versions,
    &certificate_op_set_default_policy_version,
    &certificate_op_delete_policy_version,
    &certificate_op_attach_policy,
    &certificate_op_detach_policy,
    &certificate_op_attach_principal_policy,
    &certificate_op_detach_principal_policy,
    &certificate_op_list_attached_policies,
    &certificate_op_list_principal_policies,
    &certificate_op_list_policy_principals,
    &certificate_op_list_targets,
    &certificate_op_effective_policies,
    &certificate_op_test_authorization,
    &certificate_op_delete_group,
    NULL,
};
