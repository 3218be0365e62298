/* template.c - Create-, Describe-, List-, Update- and DeleteProvisioningTemplate (provisioning.md 2.2, 4.3, 4.5). */
#include "provisioning/inner.h"

static const char *template_arn(struct call *call, const char *name)
{
    return call_arn(call, "provisioningtemplate/%s", name);
}

/* ---- what may be stored ---- */

static FALLIBLE check_hook(struct call *call, const char *type)
{
    json *hook = json_get_object(call->input, "preProvisioningHook");
    const char *target = json_get_text(hook, "targetArn"), *version = json_get_text(hook, "payloadVersion");
    if (hook == NULL)
        return NULL;
    if (template_kind_of(type) == TEMPLATE_JITP)
        return error_new(call, "InvalidRequestException",
                         "Pre-provisioning hook is only supported for FLEET_PROVISIONING templates.");
    if (target == NULL || strncmp(target, "arn:aws:lambda:", 15) != 0)
        return error_new(call, "InvalidRequestException",
                         "preProvisioningHook.targetArn: %s is not the ARN of a Lambda function.",
                         target ? target : "(none)");
    if (version != NULL && strcmp(version, "2020-04-01") != 0)
        return error_new(call, "InvalidRequestException",
                         "preProvisioningHook.payloadVersion: %s is not supported; use 2020-04-01.", version);
    return error_new(call, "InvalidRequestException",
                     "preProvisioningHook: pre-provisioning hooks are not implemented yet; function %s cannot be "
                     "called. Leave the hook out.",
                     target);
}

static FALLIBLE check_body(struct call *call)
{
    struct template *parsed;
    const char *type = call_string(call, "type");
    TRY(check_hook(call, type));
    return template_parse(call, call_text(call, "templateBody"), template_kind_of(type), &parsed);
}

/* ---- CreateProvisioningTemplate ---- */

static FALLIBLE check_room(struct call *call)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM template WHERE account = ? AND region = ?",
                   ARGS(sql_text(call->account), sql_text(call->region))));
    return row_integer(row, 0) < TEMPLATES_OF_AN_ACCOUNT
               ? NULL
               : error_new(call, "LimitExceededException", "The account already has %d provisioning templates.",
                           TEMPLATES_OF_AN_ACCOUNT);
}

static FALLIBLE create(struct call *call)
{
    struct template_row *found;
    const char *name = call_string(call, "templateName"), *type = call_string(call, "type");
    TRY(template_row_find(call->tx, call, call->account, call->region, name, &found));
    if (found != NULL) {
        error *e = error_new(call, "ResourceAlreadyExistsException", "Template with name %s already exists", name);
        error_with(e, "resourceId", name);
        return error_with(e, "resourceArn", template_arn(call, name));
    }
    TRY(check_room(call));
    TRY(template_check_role(call, "provisioningRoleArn", call_string(call, "provisioningRoleArn")));
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO template (account, region, name, type, description, enabled, role_arn, default_version, "
                  "last_version, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(name),
                       sql_text(type ? type : "FLEET_PROVISIONING"), sql_text(call_string(call, "description")),
                       sql_integer(call_flag(call, "enabled")), sql_text(call_string(call, "provisioningRoleArn")),
                       sql_integer(call->now_ms), sql_integer(call->now_ms))));
    TRY(template_version_insert(call, name, 1, call_string(call, "templateBody")));
    TRY(registry_write_tags(call, template_arn(call, name)));
    TRY(call_change(call, "template", name, "CREATED", NULL));
    return answer(call, string("templateArn", template_arn(call, name)), string("templateName", name),
                  integer("defaultVersionId", 1));
}

/* ---- DescribeProvisioningTemplate ---- */

static json *hook_of(const struct template_row *template)
{
    if (template->hook_arn == NULL)
        return NULL;
    json *hook = json_object_new_object();
    json_put_text(hook, "payloadVersion", template->hook_payload_version);
    json_put_text(hook, "targetArn", template->hook_arn);
    return hook;
}

static FALLIBLE describe(struct call *call)
{
    struct template_row *template;
    const char *body;
    TRY(template_row_get(call, &template));
    TRY(template_version_body(call->tx, call, call->account, call->region, template->name, template->default_version,
                              &body, NULL));
    return answer(call, string("templateArn", template_arn(call, template->name)),
                  string("templateName", template->name), string("description", template->description),
                  time_ms("creationDate", template->created), time_ms("lastModifiedDate", template->modified),
                  integer("defaultVersionId", template->default_version), string("templateBody", body),
                  boolean("enabled", template->enabled), string("provisioningRoleArn", template->role_arn),
                  value_of("preProvisioningHook", hook_of(template)), string("type", template->type));
}

/* ---- ListProvisioningTemplates: by name ---- */

static json *template_entry_of(struct call *call, const struct row *row)
{
    const char *name = row_text(call, row, 0);
    json *template = json_object_new_object();
    json_put_text(template, "templateArn", template_arn(call, name));
    json_put_text(template, "templateName", name);
    if (!row_is_null(row, 1))
        json_put_slice(template, "description", row_slice(row, 1));
    json_put_time(template, "creationDate", row_integer(row, 2));
    json_put_time(template, "lastModifiedDate", row_integer(row, 3));
    json_put_bool(template, "enabled", row_integer(row, 4) != 0);
    json_put_slice(template, "type", row_slice(row, 5));
    return template;
}

static FALLIBLE list_templates(struct call *call)
{
    struct list list = { .call = call, .member = "templates", .entry = template_entry_of };
    TRY(list_begin(&list));
    if (!call_has(call, "maxResults"))
        list.page.size = 250; /* provisioning.md 5 */
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT name, description, created, modified, enabled, type FROM template "
                   "WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(call->region), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

/* ---- UpdateProvisioningTemplate: only what is given changes ---- */

static FALLIBLE check_update(struct call *call)
{
    if (call_has(call, "preProvisioningHook") && call_flag(call, "removePreProvisioningHook"))
        return error_new(call, "InvalidRequestException",
                         "preProvisioningHook and removePreProvisioningHook cannot be given together.");
    return NULL;
}

static FALLIBLE update(struct call *call)
{
    struct template_row *template;
    const char *body, *role = call_string(call, "provisioningRoleArn"), *text = call_string(call, "description");
    TRY(template_row_get(call, &template));
    TRY(check_hook(call, template->type));
    int64_t version = call_number(call, "defaultVersionId", template->default_version);
    TRY(template_version_body(call->tx, call, call->account, call->region, template->name, version, &body, NULL));
    if (body == NULL)
        return error_new(call, "ResourceNotFoundException", "Provisioning template %s has no version %lld.",
                         template->name, (long long)version);
    if (role != NULL)
        TRY(template_check_role(call, "provisioningRoleArn", role));
    bool enabled = call_has(call, "enabled") ? call_flag(call, "enabled") : template->enabled;
    bool unhook = call_flag(call, "removePreProvisioningHook");
    TRY(store_run(call->tx, NULL,
                  "UPDATE template SET description = ?, enabled = ?, role_arn = ?, default_version = ?, hook_arn = ?, "
                  "hook_payload_version = ?, modified = ? WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(text ? text : template->description), sql_integer(enabled),
                       sql_text(role ? role : template->role_arn), sql_integer(version),
                       sql_text(unhook ? NULL : template->hook_arn),
                       sql_text(unhook ? NULL : template->hook_payload_version), sql_integer(call->now_ms),
                       sql_text(call->account), sql_text(call->region), sql_text(template->name))));
    TRY(call_change(call, "template", template->name, "UPDATED", NULL));
    return answer(call);
}

/* ---- DeleteProvisioningTemplate: with all its versions ---- */

static FALLIBLE delete_template(struct call *call)
{
    struct template_row *template;
    TRY(template_row_get(call, &template));
    struct value account = sql_text(call->account), region = sql_text(call->region), name = sql_text(template->name);
    TRY(store_run(call->tx, NULL, "DELETE FROM template_version WHERE account = ? AND region = ? AND template = ?",
                  ARGS(account, region, name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM template WHERE account = ? AND region = ? AND name = ?",
                  ARGS(account, region, name)));
    TRY(registry_remove_tags(call, template_arn(call, template->name)));
    TRY(call_change(call, "template", template->name, "DELETED", NULL));
    return answer(call);
}

const struct operation template_op_create = { "iot", "CreateProvisioningTemplate",
                                              STEPS({ WORK, check_body }, { APPLY, create }) };
const struct operation template_op_describe = { "iot", "DescribeProvisioningTemplate", STEPS({ READ, describe }) };
const struct operation template_op_list = { "iot", "ListProvisioningTemplates", STEPS({ READ, list_templates }) };
const struct operation template_op_update = { "iot", "UpdateProvisioningTemplate",
                                              STEPS({ WORK, check_update }, { APPLY, update }) };
const struct operation template_op_delete = { "iot", "DeleteProvisioningTemplate", STEPS({ APPLY, delete_template }) };

const struct operation *const provisioning_operations[] = {
    &ca_op_register,      &ca_op_update,        &template_op_create,      &template_op_describe,
    &template_op_list,    &template_op_update,  &template_op_delete,      &version_op_create,
    &version_op_describe, &version_op_list,     &version_op_delete,       &register_op_rest,
    &register_op_mqtt,    &mqtt_op_create_keys, &mqtt_op_create_from_csr, NULL,
};
