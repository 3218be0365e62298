/* user.c - users (auth.md 2.4). */
#include "iam/inner.h"

static FALLIBLE answer_user(struct call *call, const struct iam_entity *user)
{
    json *shown;
    TRY(iam_whole_json(call, user, &shown));
    return answer(call, value_of("User", json_object_get(shown)));
}

static FALLIBLE create(struct call *call)
{
    struct iam_entity *user;
    TRY(iam_prepare(call, &iam_user_kind, call_string(call, "UserName"), &user));
    TRY(iam_check_boundary(call));
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO iam_user (account, name, path, id, created, boundary) VALUES (?, ?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(user->name), sql_text(user->path), sql_text(user->id),
                       sql_integer(user->created), sql_text(user->boundary))));
    TRY(iam_write_tags(call, "user", user->name));
    TRY(iam_changed(call, user, "CREATED", NULL));
    return answer_user(call, user);
}

static FALLIBLE get(struct call *call)
{
    const char *name;
    struct iam_entity *user;
    TRY(iam_user_name(call, &name));
    TRY(iam_get(call, &iam_user_kind, name, &user));
    return answer_user(call, user);
}

static FALLIBLE list(struct call *call)
{
    slice prefix = call_has(call, "PathPrefix") ? call_text(call, "PathPrefix") : SLICE("/");
    return iam_list(call, &iam_user_kind, "Users", iam_user_kind.list,
                    ARGS(sql_text(call->account), sql_slice(prefix), sql_slice(prefix)));
}

static FALLIBLE update(struct call *call)
{
    struct iam_entity *user;
    TRY(iam_get_owner(call, &user));
    return iam_rename(call, user, call_string(call, "NewUserName"), call_string(call, "NewPath"));
}

static FALLIBLE delete (struct call *call)
{
    struct iam_entity *user;
    TRY(iam_get_owner(call, &user));
    return iam_remove(call, user);
}

const struct operation iam_op_create_user = { "iam", "CreateUser", STEPS({ APPLY, create }) };
const struct operation iam_op_get_user = { "iam", "GetUser", STEPS({ READ, get }) };
const struct operation iam_op_list_users = { "iam", "ListUsers", STEPS({ READ, list }) };
const struct operation iam_op_update_user = { "iam", "UpdateUser", STEPS({ APPLY, update }) };
const struct operation iam_op_delete_user = { "iam", "DeleteUser", STEPS({ APPLY, delete }) };
