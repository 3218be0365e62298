/* template_rows.c - rows of templates and their versions (provisioning.md 4.5, 4.13). */
#include "provisioning/inner.h"

FALLIBLE template_row_find(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                           struct template_row **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT type, description, role_arn, hook_arn, hook_payload_version, enabled, default_version, "
                   "last_version, created, modified FROM template WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(name))));
    if (row == NULL)
        return NULL;

    struct template_row *template = MAKE(ctx, struct template_row);
    template->name = text_copy(template, name);
    template->type = row_text(template, row, 0);
    template->description = row_text(template, row, 1);
    template->role_arn = row_text(template, row, 2);
    template->hook_arn = row_text(template, row, 3);
    template->hook_payload_version = row_text(template, row, 4);
    template->enabled = row_integer(row, 5) != 0;
    template->default_version = row_integer(row, 6);
    template->last_version = row_integer(row, 7);
    template->created = row_integer(row, 8);
    template->modified = row_integer(row, 9);
    *out = template;
    return NULL;
}

FALLIBLE template_row_get(struct call *call, struct template_row **out)
{
    const char *name = call_string(call, "templateName");
    TRY(template_row_find(call->tx, call, call->account, call->region, name, out));
    return *out ? NULL
                : error_new(call, "ResourceNotFoundException", "Provisioning template %s cannot be found.", name);
}

FALLIBLE template_version_body(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                               int64_t version, const char **body, int64_t *created)
{
    struct row *row;
    TRY(store_find(tx, ctx, &row,
                   "SELECT body, created FROM template_version WHERE account = ? AND region = ? AND template = ? "
                   "AND version = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(name), sql_integer(version))));
    *body = row ? row_text(ctx, row, 0) : NULL;
    if (created != NULL)
        *created = row ? row_integer(row, 1) : 0;
    return NULL;
}

FALLIBLE template_version_insert(struct call *call, const char *name, int64_t version, const char *body)
{
    return store_run(call->tx, NULL,
                     "INSERT INTO template_version (account, region, template, version, body, created) "
                     "VALUES (?, ?, ?, ?, ?, ?)",
                     ARGS(sql_text(call->account), sql_text(call->region), sql_text(name), sql_integer(version),
                          sql_text(body), sql_integer(call->now_ms)));
}

FALLIBLE template_check_role(struct call *call, const char *member, const char *role_arn)
{
    struct caller *role;
    slice account, name;
    if (!account_role_arn(slice_of(role_arn), &account, &name) || !slice_is(account, call->account))
        return error_new(call, "InvalidRequestException", "%s: %s is not the ARN of a role of this account.", member,
                         role_arn);
    TRY(call_require_pass_role(call, role_arn, "iot.amazonaws.com"));
    error *e = account_role(call->tx, call, call->account, role_arn, "iot.amazonaws.com", call->now_ms, &role);
    if (error_is(e, "AccessDenied"))
        return error_because(
            call, e, "InvalidRequestException",
            "AWS IoT (iot.amazonaws.com) is unable to assume role (sts:AssumeRole) on resource: %s. If "
            "the role was just created or updated, please try again in a few seconds.",
            role_arn);
    return e;
}

enum template_kind template_kind_of(const char *type)
{
    return type != NULL && strcmp(type, "JITP") == 0 ? TEMPLATE_JITP : TEMPLATE_FLEET;
}
