/* alias.c - role aliases (auth.md 2.2): a role under a name that devices may know, and how long its keys live.

   Whoever makes an alias hands a role to every device that may use the alias, so PassRole for
   credentials.iot.amazonaws.com is asked for. Whether the role exists and trusts is asked when a device comes (auth 4.4). */
#include "sts/alias.h"
#include "account/account.h"
#include "certificate/certificate.h"
#include "registry/registry.h"
#include "sts/sts.h"

enum { ALIASES_MAX = 100, DEFAULT_DURATION_S = 3600 };

/* ---- rows ---- */

FALLIBLE alias_find(struct tx *tx, void *ctx, const char *account, const char *region, slice name,
                    struct role_alias **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT name, role_arn, duration_s, created, modified FROM role_alias "
                   "WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(account), sql_text(region), sql_slice(name))));
    if (row == NULL)
        return NULL;
    struct role_alias *alias = MAKE(ctx, struct role_alias);
    *alias = (struct role_alias){ .name = row_text(alias, row, 0),
                                  .role_arn = row_text(alias, row, 1),
                                  .duration_s = row_integer(row, 2),
                                  .created = row_integer(row, 3),
                                  .modified = row_integer(row, 4) };
    *out = alias;
    return NULL;
}

static FALLIBLE find(struct call *call, struct role_alias **out)
{
    TRY(alias_find(call->tx, call, call->account, call->region, call_text(call, "roleAlias"), out));
    if (*out == NULL)
        return error_new(call, "ResourceNotFoundException", "Role alias %s does not exist.",
                         call_string(call, "roleAlias"));
    return NULL;
}

static const char *alias_arn(struct call *call)
{
    return call_arn(call, "rolealias/%s", call_string(call, "roleAlias"));
}

static FALLIBLE may_pass(struct call *call)
{
    slice account, name;
    if (!call_has(call, "roleArn"))
        return NULL;
    if (!account_role_arn(call_text(call, "roleArn"), &account, &name))
        return error_new(call, "InvalidRequestException", "roleArn: %s is not the ARN of a role.",
                         call_string(call, "roleArn"));
    return call_require_pass_role(call, call_string(call, "roleArn"), "credentials.iot.amazonaws.com");
}

static FALLIBLE has_room(struct call *call)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM role_alias WHERE account = ? AND region = ?",
                   ARGS(sql_text(call->account), sql_text(call->region))));
    return row_integer(row, 0) <= ALIASES_MAX
               ? NULL
               : error_new(call, "LimitExceededException", "An account has at most %d role aliases.", ALIASES_MAX);
}

static error *answer_names(struct call *call)
{
    return answer(call, string("roleAlias", call_string(call, "roleAlias")), string("roleAliasArn", alias_arn(call)));
}

/* ---- verbs ---- */

static FALLIBLE create(struct call *call)
{
    int64_t made, sequence;
    const char *name = call_string(call, "roleAlias");
    TRY(may_pass(call));
    TRY(certificate_next_sequence(call, "role-alias", &sequence));
    TRY(store_run(call->tx, &made,
                  "INSERT INTO role_alias (account, region, name, role_arn, duration_s, created, sequence, modified) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(name),
                       sql_text(call_string(call, "roleArn")),
                       sql_integer(call_number(call, "credentialDurationSeconds", DEFAULT_DURATION_S)),
                       sql_integer(call->now_ms), sql_integer(sequence), sql_integer(call->now_ms))));
    if (made == 0) {
        error *e = error_new(call, "ResourceAlreadyExistsException", "Role alias %s exists already.", name);
        error_with(e, "resourceId", name);
        return error_with(e, "resourceArn", alias_arn(call));
    }
    TRY(has_room(call));
    TRY(registry_write_tags(call, alias_arn(call)));
    TRY(call_change(call, "role-alias", name, "CREATED", call_string(call, "roleArn")));
    return answer_names(call);
}

static FALLIBLE update(struct call *call)
{
    struct role_alias *alias;
    TRY(may_pass(call));
    TRY(find(call, &alias));
    const char *role_arn = call_has(call, "roleArn") ? call_string(call, "roleArn") : alias->role_arn;
    TRY(store_run(
        call->tx, NULL,
        "UPDATE role_alias SET role_arn = ?, duration_s = ?, modified = ? "
        "WHERE account = ? AND region = ? AND name = ?",
        ARGS(sql_text(role_arn), sql_integer(call_number(call, "credentialDurationSeconds", alias->duration_s)),
             sql_integer(call->now_ms), sql_text(call->account), sql_text(call->region), sql_text(alias->name))));
    TRY(call_change(call, "role-alias", alias->name, "UPDATED", role_arn));
    return answer_names(call);
}

static FALLIBLE describe(struct call *call)
{
    struct role_alias *alias;
    TRY(find(call, &alias));
    json *description = json_new_object(call);
    json_put_text(description, "roleAlias", alias->name);
    json_put_text(description, "roleAliasArn", alias_arn(call));
    json_put_text(description, "roleArn", alias->role_arn);
    json_put_text(description, "owner", call->account);
    json_put_integer(description, "credentialDurationSeconds", alias->duration_s);
    json_put_time(description, "creationDate", alias->created);
    json_put_time(description, "lastModifiedDate", alias->modified);
    return answer(call, value_of("roleAliasDescription", json_object_get(description)));
}

static FALLIBLE remove_alias(struct call *call)
{
    struct role_alias *alias;
    TRY(find(call, &alias));
    TRY(store_run(call->tx, NULL, "DELETE FROM role_alias WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(alias->name))));
    TRY(registry_remove_tags(call, alias_arn(call)));
    TRY(call_change(call, "role-alias", alias->name, "DELETED", NULL));
    return answer(call);
}

static FALLIBLE list_aliases(struct call *call)
{
    struct list list = { .call = call,
                         .member = "roleAliases",
                         .entry = list_entry_text,
                         .position = 1,
                         .numbered = true,
                         .newest_first = true };
    TRY(list_begin(&list));
    TRY(list_each(&list,
                  LIST_BY("sequence", "SELECT name, sequence FROM role_alias WHERE account = ? AND region = ? AND"),
                  ARGS(sql_text(call->account), sql_text(call->region))));
    return list_answer(&list);
}

static const struct operation op_create = { "iot", "CreateRoleAlias", STEPS({ APPLY, create }) };
static const struct operation op_update = { "iot", "UpdateRoleAlias", STEPS({ APPLY, update }) };
static const struct operation op_describe = { "iot", "DescribeRoleAlias", STEPS({ READ, describe }) };
static const struct operation op_delete = { "iot", "DeleteRoleAlias", STEPS({ APPLY, remove_alias }) };
static const struct operation op_list = { "iot", "ListRoleAliases", STEPS({ READ, list_aliases }) };

const struct operation *const sts_alias_operations[] = { &op_create, &op_update, &op_describe,
                                                         &op_delete, &op_list,   NULL };
