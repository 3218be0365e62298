/* version.c - versions of a managed policy: five at most, one of them in force (auth.md 2.4). */
#include "iam/managed.h"

struct policy_version {
    int64_t number, created_ms;
    slice document;
};

static json *show(struct call *call, const struct managed_policy *policy, const struct policy_version *version)
{
    json *out = json_object_new_object();
    if (version->document.at != NULL)
        json_put_text(out, "Document", iam_encoded(call, version->document));
    json_put_text(out, "VersionId", text_format(call, "v%lld", (long long)version->number));
    json_put_bool(out, "IsDefaultVersion", version->number == policy->default_version);
    json_put_time(out, "CreateDate", version->created_ms);
    return out;
}

static error *no_version(struct call *call, const struct managed_policy *policy)
{
    return error_new(call, "NoSuchEntityException", "Policy %s version %s does not exist or is not attachable.",
                     policy->arn, call_string(call, "VersionId"));
}

/* "v3"; 0 for what is no number of ours. */
static int64_t number_of(const char *id)
{
    char *end;
    int64_t number = strtoll(id + 1, &end, 10);
    return *end == '\0' ? number : 0;
}

/* The version that VersionId names. */
static FALLIBLE find(struct call *call, const struct managed_policy *policy, struct policy_version *out)
{
    struct row *row;
    out->number = number_of(call_string(call, "VersionId"));
    if (policy->built_in != NULL) {
        out->created_ms = policy->modified_ms;
        out->document = slice_of(policy->built_in->document);
        return out->number == policy->default_version ? NULL : no_version(call, policy);
    }
    TRY(store_find(call->tx, call, &row,
                   "SELECT document, created FROM iam_policy_version WHERE account = ? AND policy = ? AND version = ?",
                   ARGS(sql_text(call->account), sql_text(policy->name), sql_integer(out->number))));
    if (row == NULL)
        return no_version(call, policy);
    out->document = row_slice(row, 0);
    out->created_ms = row_integer(row, 1);
    return NULL;
}

static FALLIBLE set_default(struct call *call, const struct managed_policy *policy, int64_t version)
{
    TRY(store_run(
        call->tx, NULL, "UPDATE iam_policy SET default_version = ?, modified = ? WHERE account = ? AND name = ?",
        ARGS(sql_integer(version), sql_integer(call->now_ms), sql_text(call->account), sql_text(policy->name))));
    return managed_change(call, policy->name, "UPDATED", text_format(call, "v%lld", (long long)version));
}

/* ---- CreatePolicyVersion ---- */

static FALLIBLE check_room(struct call *call, const struct managed_policy *policy)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM iam_policy_version WHERE account = ? AND policy = ?",
                   ARGS(sql_text(call->account), sql_text(policy->name))));
    if (row_integer(row, 0) < MANAGED_VERSIONS_MAX)
        return NULL;
    return error_new(call, "LimitExceededException",
                     "A managed policy can have up to %d versions. Before you create a new version, you must delete an "
                     "existing version.",
                     MANAGED_VERSIONS_MAX);
}

static FALLIBLE create(struct call *call)
{
    struct managed_policy *policy;
    TRY(managed_get_own(call, &policy));
    TRY(check_room(call, policy));
    struct policy_version version = { .number = policy->last_version + 1, .created_ms = call->now_ms };
    TRY(managed_insert_version(call, policy->name, version.number));
    TRY(store_run(
        call->tx, NULL, "UPDATE iam_policy SET last_version = ?, modified = ? WHERE account = ? AND name = ?",
        ARGS(sql_integer(version.number), sql_integer(call->now_ms), sql_text(call->account), sql_text(policy->name))));
    TRY(managed_change(call, policy->name, "VERSION-CREATED", text_format(call, "v%lld", (long long)version.number)));
    if (call_flag(call, "SetAsDefault")) {
        TRY(set_default(call, policy, version.number));
        policy->default_version = version.number;
    }
    return answer(call, value_of("PolicyVersion", show(call, policy, &version)));
}

/* ---- the others ---- */

static FALLIBLE get(struct call *call)
{
    struct managed_policy *policy;
    struct policy_version version;
    TRY(managed_get(call, &policy));
    TRY(find(call, policy, &version));
    return answer(call, value_of("PolicyVersion", show(call, policy, &version)));
}

static json *list_entry(struct call *call, const struct row *row)
{
    struct policy_version version = { .number = row_integer(row, 0), .created_ms = row_integer(row, 1) };
    return show(call, call->kept, &version);
}

static FALLIBLE list(struct call *call)
{
    struct managed_policy *policy;
    struct list list = {
        .call = call, .member = "Versions", .entry = list_entry, .numbered = true, .newest_first = true
    };
    TRY(managed_get(call, &policy));
    TRY(list_begin(&list));
    call->kept = policy;
    if (policy->built_in != NULL) {
        struct policy_version only = { .number = policy->default_version, .created_ms = policy->modified_ms };
        json_add(list.array, show(call, policy, &only));
        return list_answer(&list);
    }
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT version, created FROM iam_policy_version WHERE account = ? AND policy = ? AND version < ? "
                   "ORDER BY version DESC LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(policy->name), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

static FALLIBLE choose(struct call *call)
{
    struct managed_policy *policy;
    struct policy_version version;
    TRY(managed_get_own(call, &policy));
    TRY(find(call, policy, &version));
    return version.number == policy->default_version ? NULL : set_default(call, policy, version.number);
}

static FALLIBLE delete (struct call *call)
{
    struct managed_policy *policy;
    struct policy_version version;
    TRY(managed_get_own(call, &policy));
    TRY(find(call, policy, &version));
    if (version.number == policy->default_version)
        return error_new(call, "DeleteConflictException", "Cannot delete the default version of a policy.");
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_policy_version WHERE account = ? AND policy = ? AND version = ?",
                  ARGS(sql_text(call->account), sql_text(policy->name), sql_integer(version.number))));
    return managed_change(call, policy->name, "VERSION-DELETED", text_format(call, "v%lld", (long long)version.number));
}

const struct operation iam_op_create_policy_version = { "iam", "CreatePolicyVersion",
                                                        STEPS({ WORK, managed_check_document }, { APPLY, create }) };
const struct operation iam_op_get_policy_version = { "iam", "GetPolicyVersion", STEPS({ READ, get }) };
const struct operation iam_op_list_policy_versions = { "iam", "ListPolicyVersions", STEPS({ READ, list }) };
const struct operation iam_op_set_default_policy_version = { "iam", "SetDefaultPolicyVersion",
                                                             STEPS({ APPLY, choose }) };
const struct operation iam_op_delete_policy_version = { "iam", "DeletePolicyVersion", STEPS({ APPLY, delete }) };
