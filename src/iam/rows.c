/* rows.c - the rows of users, groups, roles and policies: found, renamed and removed in one shape, and how answers show
   them (auth.md 2.4). */
#include "iam/inner.h"
#include "base/encode.h"
#include "base/random.h"

enum { ID_LENGTH = 17, DOCUMENT_MAX = 3 * POLICY_IAM_RAW_MAX };

/* The columns of every kind begin with name, path, id, created, boundary. */
#define SQL_OF(table_, columns_)                                                                        \
    .find = "SELECT " columns_ " FROM " table_ " WHERE account = ? AND name = ?",                       \
    .folded = "SELECT name FROM " table_ " WHERE account = ? AND lower(name) = lower(?)",               \
    .list = "SELECT " columns_ " FROM " table_                                                          \
            " WHERE account = ? AND substr(path, 1, length(?)) = ? AND name > ? ORDER BY name LIMIT ?", \
    .rename = "UPDATE " table_ " SET name = ?, path = ? WHERE account = ? AND name = ?",                \
    .remove = "DELETE FROM " table_ " WHERE account = ? AND name = ?",                                  \
    .number = "SELECT count(*) FROM " table_ " WHERE account = ?"

#define INLINE_OF(kind_)                                                                                             \
    {                                                                                                                \
        "SELECT 1 FROM iam_inline_policy WHERE account = ? AND owner_kind = '" kind_ "' AND owner_name = ? LIMIT 1", \
            "Cannot delete entity, must delete policies first."                                                      \
    }
#define ATTACHED_OF(kind_)                                                                                     \
    {                                                                                                          \
        "SELECT 1 FROM iam_attached_policy WHERE account = ? AND owner_kind = '" kind_ "' AND owner_name = ? " \
        "LIMIT 1",                                                                                             \
            "Cannot delete entity, must detach all policies first."                                            \
    }
#define MOVES_OF(kind_)                                                                                              \
    "UPDATE iam_inline_policy SET owner_name = ? WHERE account = ? AND owner_kind = '" kind_ "' AND owner_name = ?", \
        "UPDATE iam_attached_policy SET owner_name = ? WHERE account = ? AND owner_kind = '" kind_                   \
        "' AND owner_name = ?",                                                                                      \
        "UPDATE iam_tag SET owner_name = ? WHERE account = ? AND owner_kind = '" kind_ "' AND owner_name = ?"

const struct iam_kind iam_user_kind = {
    .kind = "user",
    .noun = "User",
    .member = "UserName",
    .prefix = "AIDA",
    SQL_OF("iam_user", "name, path, id, created, boundary"),
    .set_boundary = "UPDATE iam_user SET boundary = ? WHERE account = ? AND name = ?",
    .moves =
        (const char *const[]){ MOVES_OF("user"),
                               "UPDATE iam_access_key SET user_name = ? WHERE account = ? AND user_name = ?",
                               "UPDATE iam_group_member SET user_name = ? WHERE account = ? AND user_name = ?", NULL },
    .obstacles = (const struct iam_obstacle[]){ ATTACHED_OF("user"),
                                                INLINE_OF("user"),
                                                { "SELECT 1 FROM iam_access_key WHERE account = ? AND user_name = ? "
                                                  "LIMIT 1",
                                                  "Cannot delete entity, must delete access keys first." },
                                                { "SELECT 1 FROM iam_group_member WHERE account = ? AND user_name = ? "
                                                  "LIMIT 1",
                                                  "Cannot delete entity, must remove user from groups first." },
                                                { NULL, NULL } },
    .quota = "UsersPerAccount",
    .quota_count = 5000,
    .inline_max = 2048,
};

const struct iam_kind iam_group_kind = {
    .kind = "group",
    .noun = "Group",
    .member = "GroupName",
    .prefix = "AGPA",
    SQL_OF("iam_group", "name, path, id, created, NULL"),
    .moves = (const char *const[]){ MOVES_OF("group"),
                                    "UPDATE iam_group_member SET group_name = ? WHERE account = ? AND group_name = ?",
                                    NULL },
    .obstacles = (const struct iam_obstacle[]){ ATTACHED_OF("group"),
                                                INLINE_OF("group"),
                                                { "SELECT 1 FROM iam_group_member WHERE account = ? AND group_name = ? "
                                                  "LIMIT 1",
                                                  "Cannot delete entity, must remove users from group first." },
                                                { NULL, NULL } },
    .quota = "GroupsPerAccount",
    .quota_count = 300,
    .inline_max = 5120,
};

const struct iam_kind iam_role_kind = {
    .kind = "role",
    .noun = "Role",
    .member = "RoleName",
    .prefix = "AROA",
    SQL_OF("iam_role", "name, path, id, created, boundary, trust, description, max_session_s, last_used, "
                       "last_used_region"),
    .set_boundary = "UPDATE iam_role SET boundary = ? WHERE account = ? AND name = ?",
    .obstacles = (const struct iam_obstacle[]){ ATTACHED_OF("role"), INLINE_OF("role"), { NULL, NULL } },
    .quota = "RolesPerAccount",
    .quota_count = 1000,
    .inline_max = 10240,
};

const struct iam_kind iam_policy_kind = {
    .kind = "policy",
    .noun = "Policy",
    .member = "PolicyArn",
    .prefix = "ANPA",
    SQL_OF("iam_policy", "name, path, id, created, NULL, description, default_version, modified"),
    .quota = "PoliciesPerAccount",
    .quota_count = 1500,
};

static const struct iam_kind *const kinds[] = { &iam_group_kind, &iam_role_kind, &iam_user_kind, &iam_policy_kind };

const char *iam_arn(void *ctx, const char *account, const struct iam_kind *kind, const char *path, const char *name)
{
    return text_format(ctx, "arn:aws:iam::%s:%s%s%s", account, kind->kind, path, name);
}

/* ---- finding ---- */

static struct iam_entity *entity_of(void *ctx, const char *account, const struct iam_kind *kind, const struct row *row)
{
    struct iam_entity *entity = MAKE(ctx, struct iam_entity);
    entity->kind = kind;
    entity->name = row_text(entity, row, 0);
    entity->path = row_text(entity, row, 1);
    entity->id = row_text(entity, row, 2);
    entity->created = row_integer(row, 3);
    entity->boundary = row_text(entity, row, 4);
    entity->arn = iam_arn(entity, account, kind, entity->path, entity->name);
    if (kind == &iam_role_kind) {
        entity->trust = slice_copy(entity, row_slice(row, 5));
        entity->description = row_text(entity, row, 6);
        entity->max_session_s = row_integer(row, 7);
        entity->last_used = row_integer(row, 8);
        entity->last_used_region = row_text(entity, row, 9);
    }
    return entity;
}

FALLIBLE iam_find(struct tx *tx, void *ctx, const char *account, const struct iam_kind *kind, slice name,
                  struct iam_entity **out)
{
    struct row *row;
    TRY(store_find(tx, ctx, &row, kind->find, ARGS(sql_text(account), sql_slice(name))));
    *out = row ? entity_of(ctx, account, kind, row) : NULL;
    return NULL;
}

FALLIBLE iam_find_policy(struct tx *tx, void *ctx, const char *account, slice arn, struct iam_entity **out)
{
    slice rest = arn, name = { NULL, 0 };
    while (slice_split(&rest, '/', &name))
        ;
    TRY(iam_find(tx, ctx, account, &iam_policy_kind, name, out));
    if (*out != NULL && !slice_is(arn, (*out)->arn))
        *out = NULL;
    return NULL;
}

static error *no_such(struct call *call, const struct iam_kind *kind, const char *name)
{
    if (kind == &iam_policy_kind)
        return error_new(call, "NoSuchEntity", "Policy %s was not found.", name);
    return error_new(call, "NoSuchEntity", "The %s with name %s cannot be found.", kind->kind, name);
}

FALLIBLE iam_get(struct call *call, const struct iam_kind *kind, const char *name, struct iam_entity **out)
{
    if (kind == &iam_policy_kind)
        TRY(iam_find_policy(call->tx, call, call->account, slice_of(name), out));
    else
        TRY(iam_find(call->tx, call, call->account, kind, slice_of(name), out));
    return *out ? NULL : no_such(call, kind, name);
}

FALLIBLE iam_get_owner(struct call *call, struct iam_entity **out)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (call_has(call, kinds[i]->member))
            return iam_get(call, kinds[i], call_string(call, kinds[i]->member), out);
    return error_new(call, "InternalFailureException", "%s names no entity.", call->operation->name);
}

FALLIBLE iam_user_name(struct call *call, const char **out)
{
    *out = call_string(call, "UserName");
    if (*out == NULL && call->caller != NULL)
        *out = call->caller->user_name;
    return *out ? NULL
                : error_new(call, "ValidationError", "Must specify userName when calling with non-User credentials");
}

/* ---- changing ---- */

/* Is the name taken, in whatever case, by another than `self` (NULL: by anyone)? */
static FALLIBLE check_free(struct call *call, const struct iam_kind *kind, const char *name, const char *self)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, kind->folded, ARGS(sql_text(call->account), sql_text(name))));
    if (row == NULL || (self != NULL && slice_is(row_slice(row, 0), self)))
        return NULL;
    if (kind == &iam_policy_kind)
        return error_new(call, "EntityAlreadyExists",
                         "A policy called %s already exists. Duplicate names are not allowed.", name);
    return error_new(call, "EntityAlreadyExists", "%s with name %s already exists.", kind->noun, name);
}

FALLIBLE iam_prepare(struct call *call, const struct iam_kind *kind, const char *name, struct iam_entity **out)
{
    struct row *row;
    TRY(check_free(call, kind, name, NULL));
    TRY(store_find(call->tx, call, &row, kind->number, ARGS(sql_text(call->account))));
    if (row_integer(row, 0) >= kind->quota_count)
        return error_new(call, "LimitExceeded", "Cannot exceed quota for %s: %lld", kind->quota,
                         (long long)kind->quota_count);
    struct iam_entity *entity = MAKE(call, struct iam_entity);
    entity->kind = kind;
    entity->name = name;
    entity->path = call_has(call, "Path") ? call_string(call, "Path") : "/";
    entity->id = text_format(call, "%s%s", kind->prefix, random_text(call, ID_LENGTH, ALPHABET_ID));
    entity->arn = iam_arn(call, call->account, kind, entity->path, name);
    entity->created = call->now_ms;
    entity->boundary = call_string(call, "PermissionsBoundary");
    *out = entity;
    return NULL;
}

FALLIBLE iam_changed(struct call *call, const struct iam_entity *entity, const char *kind, const char *detail)
{
    return call_change(call, "iam", text_format(call, "%s/%s", entity->kind->kind, entity->name), kind, detail);
}

FALLIBLE iam_rename(struct call *call, const struct iam_entity *entity, const char *new_name, const char *new_path)
{
    const struct iam_kind *kind = entity->kind;
    const char *name = new_name ? new_name : entity->name, *path = new_path ? new_path : entity->path;
    const char *arn = iam_arn(call, call->account, kind, path, name);
    if (strcmp(arn, entity->arn) != 0)
        TRY(call_require(call, text_format(call, "iam:%s", call->operation->name),
                         arn)); /* the door asked of the old */
    TRY(check_free(call, kind, name, entity->name));
    TRY(store_run(call->tx, NULL, kind->rename,
                  ARGS(sql_text(name), sql_text(path), sql_text(call->account), sql_text(entity->name))));
    for (const char *const *move = kind->moves; strcmp(name, entity->name) != 0 && *move != NULL; move++)
        TRY(store_run(call->tx, NULL, *move, ARGS(sql_text(name), sql_text(call->account), sql_text(entity->name))));
    return iam_changed(call, entity, "UPDATED", arn);
}

FALLIBLE iam_remove(struct call *call, const struct iam_entity *entity)
{
    const struct iam_kind *kind = entity->kind;
    struct value account = sql_text(call->account), name = sql_text(entity->name);
    for (const struct iam_obstacle *obstacle = kind->obstacles; obstacle->sql != NULL; obstacle++) {
        struct row *row;
        TRY(store_find(call->tx, call, &row, obstacle->sql, ARGS(account, name)));
        if (row != NULL)
            return error_new(call, "DeleteConflict", "%s", obstacle->message);
    }
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ?",
                  ARGS(account, sql_text(kind->kind), name)));
    TRY(store_run(call->tx, NULL, kind->remove, ARGS(account, name)));
    return iam_changed(call, entity, "DELETED", NULL);
}

FALLIBLE iam_check_modifiable(struct call *call, const struct iam_entity *entity)
{
    if (entity->kind != &iam_role_kind || !slice_starts(slice_of(entity->path), IAM_SERVICE_PATH))
        return NULL;
    return error_new(call, "UnmodifiableEntity",
                     "Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS",
                     entity->name);
}

/* ---- answers ---- */

const char *iam_encoded(void *ctx, slice document)
{
    writer out = writer_new(ctx, DOCUMENT_MAX);
    percent_encode(&out, document, "");
    return writer_finish(&out);
}

static FALLIBLE put_role(struct call *call, const struct iam_entity *role, json *into)
{
    slice trust;
    TRY(account_trust_show(call->tx, call, role->trust, &trust));
    json_put_text(into, "AssumeRolePolicyDocument", iam_encoded(call, trust));
    json_put_text(into, "Description", role->description);
    json_put_integer(into, "MaxSessionDuration", role->max_session_s);
    return NULL;
}

FALLIBLE iam_entity_json(struct call *call, const struct iam_entity *entity, json **out)
{
    json *shown = json_new_object(call);
    json_put_text(shown, "Path", entity->path);
    json_put_text(shown, text_format(call, "%sName", entity->kind->noun), entity->name);
    json_put_text(shown, text_format(call, "%sId", entity->kind->noun), entity->id);
    json_put_text(shown, "Arn", entity->arn);
    json_put_time(shown, "CreateDate", entity->created);
    if (entity->kind == &iam_role_kind)
        TRY(put_role(call, entity, shown));
    *out = shown;
    return NULL;
}

FALLIBLE iam_whole_json(struct call *call, const struct iam_entity *entity, json **out)
{
    json *tags;
    TRY(iam_entity_json(call, entity, out));
    json *shown = *out;
    if (entity->boundary != NULL) {
        json *boundary = json_object_new_object();
        json_put_text(boundary, "PermissionsBoundaryType", "Policy");
        json_put_text(boundary, "PermissionsBoundaryArn", entity->boundary);
        json_put(shown, "PermissionsBoundary", boundary);
    }
    TRY(iam_tags_json(call, entity->kind->kind, entity->name, &tags));
    if (tags != NULL)
        json_put(shown, "Tags", json_object_get(tags));
    return NULL;
}

struct walk {
    struct call *call;
    const struct iam_kind *kind;
    struct page page;
    const struct iam_entity **entities;
    size_t count;
};

static FALLIBLE take_entity(const struct row *row, void *arg)
{
    struct walk *walk = arg;
    const struct iam_entity *entity = entity_of(walk->call, walk->call->account, walk->kind, row);
    if (page_take(walk->call, &walk->page, entity->name))
        *ARRAY_ADD(walk->call, walk->entities, walk->count) = entity;
    return NULL;
}

FALLIBLE iam_list(struct call *call, const struct iam_kind *kind, const char *member, const char *sql,
                  const struct value *args, size_t count)
{
    struct walk walk = { .call = call, .kind = kind };
    struct value all[IAM_LIST_ARGS + 2];
    json *array = json_new_array(call);
    TRY(page_begin(call, &walk.page));
    memcpy(all, args, count * sizeof(*args));
    all[count] = sql_text(walk.page.after ? walk.page.after : "");
    all[count + 1] = sql_integer(walk.page.size + 1);
    TRY(store_each(call->tx, take_entity, &walk, sql, all, count + 2));
    for (size_t i = 0; i < walk.count; i++) {
        json *shown;
        TRY(iam_entity_json(call, walk.entities[i], &shown));
        json_add(array, json_object_get(shown));
    }
    return page_answer(call, &walk.page, member, array);
}
