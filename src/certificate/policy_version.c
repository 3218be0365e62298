/* policy_version.c - CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion,
   DeletePolicyVersion (x509.md 2.4, 4.14). At most five at a time; their numbers grow and never come again. */
#include "certificate/inner.h"
#include "base/random.h"

enum { VERSION_DIGITS = 9 };

static const char *version_text(struct call *call, int64_t version)
{
    return text_format(call, "%lld", (long long)version);
}

/* 0, which no version has, for what is no number as it is written: "01", or one that is too long. */
static int64_t wanted_version(const struct call *call)
{
    const char *text = call_string(call, "policyVersionId");
    return text[0] == '0' || strlen(text) > VERSION_DIGITS ? 0 : strtoll(text, NULL, 10);
}

struct version {
    int64_t number, created;
    const char *document;
};

static FALLIBLE need_version(struct call *call, const struct stored_policy *policy, struct version *out)
{
    struct row *row;
    out->number = wanted_version(call);
    TRY(store_find(
        call->tx, call, &row,
        "SELECT document, created FROM policy_version WHERE account = ? AND region = ? AND policy = ? "
        "AND version = ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name), sql_integer(out->number))));
    if (row == NULL)
        return error_new(call, "ResourceNotFoundException", "Policy version not found (name=%s, version=%s)",
                         policy->name, call_string(call, "policyVersionId"));
    out->document = row_text(call, row, 0);
    out->created = row_integer(row, 1);
    return NULL;
}

/* What only the policy's owner sees is a change of "policy-version"; a new default concerns devices: "policy". */
static FALLIBLE change_policy(struct call *call, const struct stored_policy *policy, int64_t default_version)
{
    TRY(store_run(call->tx, NULL,
                  "UPDATE policy SET default_version = ?, last_version = ?, generation_id = ?, modified = ? "
                  "WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_integer(default_version), sql_integer(policy->last_version), sql_text(random_uuid(call)),
                       sql_integer(call->now_ms), sql_text(call->account), sql_text(call->region),
                       sql_text(policy->name))));
    if (default_version != policy->default_version)
        TRY(call_change(call, "policy", policy->name, "UPDATED", version_text(call, default_version)));
    return certificate_tell_policy(call, policy->name, default_version, "UPDATED");
}

static FALLIBLE check_room(struct call *call, const struct stored_policy *policy)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*) FROM policy_version WHERE account = ? AND region = ? AND policy = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name))));
    if (row_integer(row, 0) >= POLICY_VERSIONS)
        return error_new(call, "VersionsLimitExceededException",
                         "The policy %s already has the maximum number of versions (%d)", policy->name,
                         POLICY_VERSIONS);
    return NULL;
}

static FALLIBLE create(struct call *call)
{
    struct stored_policy *policy = NULL;
    bool becomes_default = call_flag(call, "setAsDefault");
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(check_room(call, policy));
    int64_t version = ++policy->last_version;
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO policy_version (account, region, policy, version, document, created) "
                  "VALUES (?, ?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name), sql_integer(version),
                       sql_slice(call_text(call, "policyDocument")), sql_integer(call->now_ms))));
    TRY(call_change(call, "policy-version", policy->name, "CREATED", version_text(call, version)));
    TRY(change_policy(call, policy, becomes_default ? version : policy->default_version));
    return answer(call, string("policyArn", policy->arn), string("policyDocument", call_string(call, "policyDocument")),
                  string("policyVersionId", version_text(call, version)), boolean("isDefaultVersion", becomes_default));
}

static FALLIBLE get(struct call *call)
{
    struct stored_policy *policy = NULL;
    struct version version = { .number = 0 };
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(need_version(call, policy, &version));
    return answer(call, string("policyArn", policy->arn), string("policyName", policy->name),
                  string("policyDocument", version.document),
                  string("policyVersionId", version_text(call, version.number)),
                  boolean("isDefaultVersion", version.number == policy->default_version),
                  time_ms("creationDate", version.created), time_ms("lastModifiedDate", version.created),
                  string("generationId", policy->generation_id));
}

static FALLIBLE set_default(struct call *call)
{
    struct stored_policy *policy = NULL;
    struct version version = { .number = 0 };
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(need_version(call, policy, &version));
    if (version.number != policy->default_version)
        TRY(change_policy(call, policy, version.number));
    return answer(call);
}

static FALLIBLE delete_version(struct call *call)
{
    struct stored_policy *policy = NULL;
    struct version version = { .number = 0 };
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    TRY(need_version(call, policy, &version));
    if (version.number == policy->default_version)
        return error_new(call, "InvalidRequestException", "Cannot delete the default version of a policy");
    TRY(store_run(
        call->tx, NULL, "DELETE FROM policy_version WHERE account = ? AND region = ? AND policy = ? AND version = ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name), sql_integer(version.number))));
    TRY(call_change(call, "policy-version", policy->name, "DELETED", version_text(call, version.number)));
    TRY(change_policy(call, policy, policy->default_version));
    return answer(call);
}

/* ---- ListPolicyVersions: newest first, without pages ---- */

struct versions {
    struct call *call;
    int64_t default_version;
    json *array;
};

static FALLIBLE add_version(const struct row *row, void *arg)
{
    struct versions *versions = arg;
    json *version = json_object_new_object();
    json_put_text(version, "versionId", version_text(versions->call, row_integer(row, 0)));
    json_put_bool(version, "isDefaultVersion", row_integer(row, 0) == versions->default_version);
    json_put_time(version, "createDate", row_integer(row, 1));
    json_add(versions->array, version);
    return NULL;
}

static FALLIBLE list_versions(struct call *call)
{
    struct stored_policy *policy = NULL;
    TRY(certificate_need_policy(call, call_string(call, "policyName"), &policy));
    struct versions versions = { .call = call,
                                 .default_version = policy->default_version,
                                 .array = json_new_array(call) };
    TRY(store_each(call->tx, add_version, &versions,
                   "SELECT version, created FROM policy_version WHERE account = ? AND region = ? AND policy = ? "
                   "ORDER BY version DESC",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(policy->name))));
    return answer(call, value_of("policyVersions", json_object_get(versions.array)));
}

const struct operation certificate_op_create_policy_version = {
    "iot", "CreatePolicyVersion", STEPS({ WORK, certificate_check_document }, { APPLY, create })
};
const struct operation certificate_op_get_policy_version = { "iot", "GetPolicyVersion", STEPS({ READ, get }) };
const struct operation certificate_op_list_policy_versions = { "iot", "ListPolicyVersions",
                                                               STEPS({ READ, list_versions }) };
const struct operation certificate_op_set_default_policy_version = { "iot", "SetDefaultPolicyVersion",
                                                                     STEPS({ APPLY, set_default }) };
const struct operation certificate_op_delete_policy_version = { "iot", "DeletePolicyVersion",
                                                                STEPS({ APPLY, delete_version }) };
