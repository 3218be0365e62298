/* version.c - Create-, Describe-, List- and DeleteProvisioningTemplateVersion (provisioning.md 2.2, 4.5). */
#include "provisioning/inner.h"

static error *no_version(struct call *call, int64_t version)
{
    return error_new(call, "ResourceNotFoundException", "Provisioning template %s has no version %lld.",
                     call_string(call, "templateName"), (long long)version);
}

/* ---- Create: the body is checked against the template's own type ---- */

static FALLIBLE read_type(struct call *call)
{
    struct template_row *template;
    TRY(template_row_get(call, &template));
    call->kept = template;
    return NULL;
}

static FALLIBLE check_body(struct call *call)
{
    const struct template_row *template = call->kept;
    struct template *parsed;
    return template_parse(call, call_text(call, "templateBody"), template_kind_of(template->type), &parsed);
}

static FALLIBLE make_default(struct call *call, const char *name, int64_t version)
{
    return store_run(call->tx, NULL,
                     "UPDATE template SET default_version = ?, modified = ? "
                     "WHERE account = ? AND region = ? AND name = ?",
                     ARGS(sql_integer(version), sql_integer(call->now_ms), sql_text(call->account),
                          sql_text(call->region), sql_text(name)));
}

static FALLIBLE create(struct call *call)
{
    struct template_row *template;
    struct row *row;
    TRY(template_row_get(call, &template));
    struct value account = sql_text(call->account), region = sql_text(call->region), name = sql_text(template->name);
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*) FROM template_version WHERE account = ? AND region = ? AND template = ?",
                   ARGS(account, region, name)));
    if (row_integer(row, 0) >= TEMPLATE_VERSIONS)
        return error_new(call, "VersionsLimitExceededException",
                         "Provisioning template %s already has the maximum number of versions (%d).", template->name,
                         TEMPLATE_VERSIONS);

    int64_t version = template->last_version + 1; /* ids are never reused */
    bool is_default = call_flag(call, "setAsDefault");
    TRY(template_version_insert(call, template->name, version, call_string(call, "templateBody")));
    TRY(store_run(call->tx, NULL, "UPDATE template SET last_version = ? WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_integer(version), account, region, name)));
    if (is_default)
        TRY(make_default(call, template->name, version));
    TRY(call_change(call, "template", template->name, "UPDATED", NULL));
    return answer(call, string("templateArn", call_arn(call, "provisioningtemplate/%s", template->name)),
                  string("templateName", template->name), integer("versionId", version),
                  boolean("isDefaultVersion", is_default));
}

/* ---- Describe ---- */

static FALLIBLE describe(struct call *call)
{
    struct template_row *template;
    const char *body;
    int64_t version = call_number(call, "versionId", 0), created;
    TRY(template_row_get(call, &template));
    TRY(template_version_body(call->tx, call, call->account, call->region, template->name, version, &body, &created));
    if (body == NULL)
        return no_version(call, version);
    return answer(call, integer("versionId", version), time_ms("creationDate", created), string("templateBody", body),
                  boolean("isDefaultVersion", version == template->default_version));
}

/* ---- List: by number ---- */

/* Columns: version, created, whether it is the default. */
static json *version_entry(struct call *call, const struct row *row)
{
    json *version = json_object_new_object();
    (void)call;
    json_put_integer(version, "versionId", row_integer(row, 0));
    json_put_time(version, "creationDate", row_integer(row, 1));
    json_put_bool(version, "isDefaultVersion", row_integer(row, 2) != 0);
    return version;
}

static FALLIBLE list_versions(struct call *call)
{
    struct template_row *template;
    struct list list = { .call = call, .member = "versions", .entry = version_entry, .numbered = true };
    TRY(template_row_get(call, &template));
    TRY(list_begin(&list));
    if (!call_has(call, "maxResults"))
        list.page.size = 250; /* provisioning.md 5 */
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT version, created, version = ? FROM template_version WHERE account = ? AND region = ? "
                   "AND template = ? AND version > ? ORDER BY version LIMIT ?",
                   ARGS(sql_integer(template->default_version), sql_text(call->account), sql_text(call->region),
                        sql_text(template->name), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

/* ---- Delete: not the default ---- */

static FALLIBLE delete_version(struct call *call)
{
    struct template_row *template;
    int64_t version = call_number(call, "versionId", 0), gone;
    TRY(template_row_get(call, &template));
    if (version == template->default_version)
        return error_new(call, "DeleteConflictException",
                         "Version %lld is the default version of provisioning template %s; make another one the "
                         "default first.",
                         (long long)version, template->name);
    TRY(store_run(
        call->tx, &gone,
        "DELETE FROM template_version WHERE account = ? AND region = ? AND template = ? AND version = ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(template->name), sql_integer(version))));
    if (gone == 0)
        return no_version(call, version);
    TRY(call_change(call, "template", template->name, "UPDATED", NULL));
    return answer(call);
}

const struct operation version_op_create = { "iot", "CreateProvisioningTemplateVersion",
                                             STEPS({ READ, read_type }, { WORK, check_body }, { APPLY, create }) };
const struct operation version_op_describe = { "iot", "DescribeProvisioningTemplateVersion",
                                               STEPS({ READ, describe }) };
const struct operation version_op_list = { "iot", "ListProvisioningTemplateVersions", STEPS({ READ, list_versions }) };
const struct operation version_op_delete = { "iot", "DeleteProvisioningTemplateVersion",
                                             STEPS({ APPLY, delete_version }) };
