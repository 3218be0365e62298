/* group.c - groups and who is in them (auth.md 2.4). */
#include "iam/inner.h"

enum { GROUPS_OF_USER = 10 };

static FALLIBLE create(struct call *call)
{
    json *shown;
    struct iam_entity *group;
    TRY(iam_prepare(call, &iam_group_kind, call_string(call, "GroupName"), &group));
    TRY(store_run(call->tx, NULL, "INSERT INTO iam_group (account, name, path, id, created) VALUES (?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(group->name), sql_text(group->path), sql_text(group->id),
                       sql_integer(group->created))));
    TRY(iam_changed(call, group, "CREATED", NULL));
    TRY(iam_entity_json(call, group, &shown));
    return answer(call, value_of("Group", json_object_get(shown)));
}

static FALLIBLE get(struct call *call)
{
    json *shown;
    struct iam_entity *group;
    TRY(iam_get_owner(call, &group));
    TRY(iam_entity_json(call, group, &shown));
    json_put(call->output, "Group", json_object_get(shown));
    return iam_list(call, &iam_user_kind, "Users",
                    "SELECT u.name, u.path, u.id, u.created, u.boundary FROM iam_group_member m "
                    "JOIN iam_user u ON u.account = m.account AND u.name = m.user_name "
                    "WHERE m.account = ? AND m.group_name = ? AND m.user_name > ? ORDER BY m.user_name LIMIT ?",
                    ARGS(sql_text(call->account), sql_text(group->name)));
}

static FALLIBLE list(struct call *call)
{
    slice prefix = call_has(call, "PathPrefix") ? call_text(call, "PathPrefix") : SLICE("/");
    return iam_list(call, &iam_group_kind, "Groups", iam_group_kind.list,
                    ARGS(sql_text(call->account), sql_slice(prefix), sql_slice(prefix)));
}

static FALLIBLE update(struct call *call)
{
    struct iam_entity *group;
    TRY(iam_get_owner(call, &group));
    return iam_rename(call, group, call_string(call, "NewGroupName"), call_string(call, "NewPath"));
}

static FALLIBLE delete (struct call *call)
{
    struct iam_entity *group;
    TRY(iam_get_owner(call, &group));
    return iam_remove(call, group);
}

/* ---- members ---- */

static FALLIBLE get_pair(struct call *call, struct iam_entity **group, struct iam_entity **user)
{
    TRY(iam_get(call, &iam_group_kind, call_string(call, "GroupName"), group));
    return iam_get(call, &iam_user_kind, call_string(call, "UserName"), user);
}

static FALLIBLE add_member(struct call *call)
{
    struct row *row;
    int64_t added;
    struct iam_entity *group, *user;
    TRY(get_pair(call, &group, &user));
    TRY(store_run(call->tx, &added,
                  "INSERT INTO iam_group_member (account, group_name, user_name) VALUES (?, ?, ?) "
                  "ON CONFLICT DO NOTHING",
                  ARGS(sql_text(call->account), sql_text(group->name), sql_text(user->name))));
    if (added == 0)
        return NULL;
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM iam_group_member WHERE account = ? AND user_name = ?",
                   ARGS(sql_text(call->account), sql_text(user->name))));
    if (row_integer(row, 0) > GROUPS_OF_USER)
        return error_new(call, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: %d", GROUPS_OF_USER);
    return iam_changed(call, user, "UPDATED", group->arn);
}

static FALLIBLE remove_member(struct call *call)
{
    int64_t removed;
    struct iam_entity *group, *user;
    TRY(get_pair(call, &group, &user));
    TRY(store_run(call->tx, &removed,
                  "DELETE FROM iam_group_member WHERE account = ? AND group_name = ? AND user_name = ?",
                  ARGS(sql_text(call->account), sql_text(group->name), sql_text(user->name))));
    if (removed == 0)
        return error_new(call, "NoSuchEntity", "User %s is not in group %s.", user->name, group->name);
    return iam_changed(call, user, "UPDATED", group->arn);
}

static FALLIBLE list_of_user(struct call *call)
{
    struct iam_entity *user;
    TRY(iam_get_owner(call, &user));
    return iam_list(call, &iam_group_kind, "Groups",
                    "SELECT g.name, g.path, g.id, g.created, NULL FROM iam_group_member m "
                    "JOIN iam_group g ON g.account = m.account AND g.name = m.group_name "
                    "WHERE m.account = ? AND m.user_name = ? AND m.group_name > ? ORDER BY m.group_name LIMIT ?",
                    ARGS(sql_text(call->account), sql_text(user->name)));
}

const struct operation iam_op_create_group = { "iam", "CreateGroup", STEPS({ APPLY, create }) };
const struct operation iam_op_get_group = { "iam", "GetGroup", STEPS({ READ, get }) };
const struct operation iam_op_list_groups = { "iam", "ListGroups", STEPS({ READ, list }) };
const struct operation iam_op_update_group = { "iam", "UpdateGroup", STEPS({ APPLY, update }) };
const struct operation iam_op_delete_group = { "iam", "DeleteGroup", STEPS({ APPLY, delete }) };
const struct operation iam_op_add_member = { "iam", "AddUserToGroup", STEPS({ APPLY, add_member }) };
const struct operation iam_op_remove_member = { "iam", "RemoveUserFromGroup", STEPS({ APPLY, remove_member }) };
const struct operation iam_op_list_groups_of_user = { "iam", "ListGroupsForUser", STEPS({ READ, list_of_user }) };
