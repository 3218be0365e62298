/* role.c - roles and their trust policies (auth.md 2.4, 4.2.1, 4.2.3). */
#include "iam/inner.h"
#include <ctype.h>

enum { TRUST_MAX = 2048, SESSION_DEFAULT_S = 3600 };

static FALLIBLE answer_role(struct call *call, const struct iam_entity *role, json **shown)
{
    TRY(iam_whole_json(call, role, shown));
    return answer(call, value_of("Role", json_object_get(*shown)));
}

/* The trust policy that the request brings, as it is stored. */
static FALLIBLE take_trust(struct call *call, const char *member, slice *out)
{
    slice document = call_text(call, member);
    if (policy_size(document) > TRUST_MAX)
        return error_new(call, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", TRUST_MAX);
    return account_trust_store(call->tx, call, call->account, document, out);
}

static FALLIBLE insert(struct call *call, const struct iam_entity *role)
{
    TRY(store_run(
        call->tx, NULL,
        "INSERT INTO iam_role (account, name, path, id, created, boundary, trust, description, max_session_s) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ARGS(sql_text(call->account), sql_text(role->name), sql_text(role->path), sql_text(role->id),
             sql_integer(role->created), sql_text(role->boundary), sql_slice(role->trust), sql_text(role->description),
             sql_integer(role->max_session_s))));
    return iam_changed(call, role, "CREATED", NULL);
}

static FALLIBLE create(struct call *call)
{
    json *shown;
    struct iam_entity *role;
    TRY(iam_prepare(call, &iam_role_kind, call_string(call, "RoleName"), &role));
    if (slice_starts(slice_of(role->path), IAM_SERVICE_PATH))
        return error_new(call, "InvalidInput", "Path: roles below %s are made by CreateServiceLinkedRole.",
                         IAM_SERVICE_PATH);
    TRY(iam_check_boundary(call));
    TRY(take_trust(call, "AssumeRolePolicyDocument", &role->trust));
    role->description = call_string(call, "Description");
    role->max_session_s = call_number(call, "MaxSessionDuration", SESSION_DEFAULT_S);
    TRY(insert(call, role));
    TRY(iam_write_tags(call, "role", role->name));
    return answer_role(call, role, &shown);
}

static FALLIBLE get(struct call *call)
{
    json *shown;
    struct iam_entity *role;
    TRY(iam_get_owner(call, &role));
    TRY(answer_role(call, role, &shown));
    json *last_used = json_object_new_object();
    if (role->last_used != 0)
        json_put_time(last_used, "LastUsedDate", role->last_used);
    json_put_text(last_used, "Region", role->last_used_region);
    json_put(shown, "RoleLastUsed", last_used);
    return NULL;
}

static FALLIBLE list(struct call *call)
{
    slice prefix = call_has(call, "PathPrefix") ? call_text(call, "PathPrefix") : SLICE("/");
    return iam_list(call, &iam_role_kind, "Roles", iam_role_kind.list,
                    ARGS(sql_text(call->account), sql_slice(prefix), sql_slice(prefix)));
}

/* What is left out stays as it is. */
static FALLIBLE update(struct call *call)
{
    struct iam_entity *role;
    TRY(iam_get_owner(call, &role));
    TRY(iam_check_modifiable(call, role));
    const char *description = call_has(call, "Description") ? call_string(call, "Description") : role->description;
    TRY(store_run(call->tx, NULL,
                  "UPDATE iam_role SET description = ?, max_session_s = ? WHERE account = ? AND name = ?",
                  ARGS(sql_text(description), sql_integer(call_number(call, "MaxSessionDuration", role->max_session_s)),
                       sql_text(call->account), sql_text(role->name))));
    return iam_changed(call, role, "UPDATED", NULL);
}

static FALLIBLE update_trust(struct call *call)
{
    slice trust;
    struct iam_entity *role;
    TRY(iam_get_owner(call, &role));
    TRY(iam_check_modifiable(call, role));
    TRY(take_trust(call, "PolicyDocument", &trust));
    TRY(store_run(call->tx, NULL, "UPDATE iam_role SET trust = ? WHERE account = ? AND name = ?",
                  ARGS(sql_slice(trust), sql_text(call->account), sql_text(role->name))));
    return iam_changed(call, role, "UPDATED", "trust");
}

/* A service's own role, too: there is no other way to be rid of it here. */
static FALLIBLE delete (struct call *call)
{
    struct iam_entity *role;
    TRY(iam_get_owner(call, &role));
    return iam_remove(call, role);
}

/* ---- roles of services ---- */

/* "greengrass.amazonaws.com" has AWSServiceRoleForGreengrass; a suffix follows after '_'. NULL: no such service name. */
static const char *service_role_name(struct call *call, const char *service)
{
    static const char domain[] = ".amazonaws.com";
    const char *end = strstr(service, domain), *suffix = call_string(call, "CustomSuffix");
    size_t length = end ? (size_t)(end - service) : 0;
    if (length == 0 || strcmp(end, domain) != 0 || strspn(service, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        return NULL;
    char *noun = text_copy_n(call, service, length);
    noun[0] = (char)toupper((unsigned char)noun[0]);
    const char *name = text_format(call, "AWSServiceRoleFor%s%s%s", noun, suffix ? "_" : "", suffix ? suffix : "");
    return strlen(name) <= 64 ? name : NULL;
}

static FALLIBLE create_service_role(struct call *call)
{
    json *shown;
    struct iam_entity *role;
    const char *service = call_string(call, "AWSServiceName"), *name = service_role_name(call, service);
    if (name == NULL)
        return error_new(call, "InvalidInput", "AWSServiceName: %s is no service that has a role of its own.", service);
    error *taken = iam_prepare(call, &iam_role_kind, name, &role);
    if (error_is(taken, "EntityAlreadyExists"))
        return error_new(call, "InvalidInput",
                         "Service role name %s has been taken in this account, please try a different suffix.", name);
    TRY(taken);
    role->path = text_format(call, "%s%s/", IAM_SERVICE_PATH, service);
    role->arn = iam_arn(call, call->account, &iam_role_kind, role->path, name);
    role->trust = slice_of(text_format(call,
                                       "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
                                       "{\"Service\":\"%s\"},\"Action\":\"sts:AssumeRole\"}]}",
                                       service));
    role->description = call_string(call, "Description");
    role->max_session_s = SESSION_DEFAULT_S;
    TRY(insert(call, role));
    return answer_role(call, role, &shown);
}

const struct operation iam_op_create_role = { "iam", "CreateRole", STEPS({ APPLY, create }) };
const struct operation iam_op_get_role = { "iam", "GetRole", STEPS({ READ, get }) };
const struct operation iam_op_list_roles = { "iam", "ListRoles", STEPS({ READ, list }) };
const struct operation iam_op_update_role = { "iam", "UpdateRole", STEPS({ APPLY, update }) };
const struct operation iam_op_update_trust = { "iam", "UpdateAssumeRolePolicy", STEPS({ APPLY, update_trust }) };
const struct operation iam_op_delete_role = { "iam", "DeleteRole", STEPS({ APPLY, delete }) };
const struct operation iam_op_create_service_role = { "iam", "CreateServiceLinkedRole",
                                                      STEPS({ APPLY, create_service_role }) };
