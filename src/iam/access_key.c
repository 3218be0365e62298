/* access_key.c - access keys of users (auth.md 2.4). A secret is shown once, by who makes the key, and kept sealed. */
#include "iam/inner.h"

enum { KEYS_OF_USER = 2 };

/* The user whose keys the request is about: the one it names, else the caller. */
static FALLIBLE get_user(struct call *call, struct iam_entity **user)
{
    const char *name;
    TRY(iam_user_name(call, &name));
    return iam_get(call, &iam_user_kind, name, user);
}

static FALLIBLE create(struct call *call)
{
    struct row *row;
    struct iam_entity *user;
    struct account_key *key;
    TRY(get_user(call, &user));
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM iam_access_key WHERE account = ? AND user_name = ?",
                   ARGS(sql_text(call->account), sql_text(user->name))));
    if (row_integer(row, 0) >= KEYS_OF_USER)
        return error_new(call, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: %d", KEYS_OF_USER);
    TRY(account_make_key(call->tx, call, door_get(call->door, ACCOUNT_MASTER_KEY), call->account, user->name,
                         call->now_ms, &key));
    TRY(iam_changed(call, user, "UPDATED", key->id));

    json *shown = json_object_new_object();
    json_put_text(shown, "UserName", user->name);
    json_put_text(shown, "AccessKeyId", key->id);
    json_put_text(shown, "Status", "Active");
    json_put_slice(shown, "SecretAccessKey", key->secret);
    json_put_time(shown, "CreateDate", call->now_ms);
    talloc_free(key);
    return answer(call, value_of("AccessKey", shown));
}

static json *key_entry(struct call *call, const struct row *row)
{
    json *entry = json_object_new_object();
    json_put_text(entry, "AccessKeyId", row_text(call, row, 0));
    json_put_text(entry, "UserName", row_text(call, row, 1));
    json_put_text(entry, "Status", row_text(call, row, 2));
    json_put_time(entry, "CreateDate", row_integer(row, 3));
    return entry;
}

static FALLIBLE list(struct call *call)
{
    struct iam_entity *user;
    struct list list = { .call = call, .member = "AccessKeyMetadata", .entry = key_entry };
    TRY(get_user(call, &user));
    TRY(list_begin(&list));
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT id, user_name, status, created FROM iam_access_key "
                   "WHERE account = ? AND user_name = ? AND id > ? ORDER BY id LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(user->name), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

/* A key of another user or account is none. */
static FALLIBLE finish(struct call *call, const struct iam_entity *user, int64_t changed)
{
    const char *id = call_string(call, "AccessKeyId");
    if (changed == 0)
        return error_new(call, "NoSuchEntity", "The Access Key with id %s cannot be found.", id);
    return iam_changed(call, user, "UPDATED", id);
}

static FALLIBLE update(struct call *call)
{
    int64_t changed;
    struct iam_entity *user;
    if (slice_is(call_text(call, "Status"), "Expired"))
        return error_new(call, "InvalidInput", "Status: a key can be made Active or Inactive.");
    TRY(get_user(call, &user));
    TRY(store_run(call->tx, &changed,
                  "UPDATE iam_access_key SET status = ? WHERE id = ? AND account = ? AND user_name = ?",
                  ARGS(sql_slice(call_text(call, "Status")), sql_slice(call_text(call, "AccessKeyId")),
                       sql_text(call->account), sql_text(user->name))));
    return finish(call, user, changed);
}

static FALLIBLE delete (struct call *call)
{
    int64_t changed;
    struct iam_entity *user;
    TRY(get_user(call, &user));
    TRY(store_run(call->tx, &changed, "DELETE FROM iam_access_key WHERE id = ? AND account = ? AND user_name = ?",
                  ARGS(sql_slice(call_text(call, "AccessKeyId")), sql_text(call->account), sql_text(user->name))));
    return finish(call, user, changed);
}

/* A key that this account has not may be another's: the answer is the same for both, and tells neither. */
static FALLIBLE last_used(struct call *call)
{
    struct row *row;
    const char *id = call_string(call, "AccessKeyId");
    TRY(store_find(call->tx, call, &row,
                   "SELECT user_name, last_used, last_used_service, last_used_region FROM iam_access_key "
                   "WHERE id = ? AND account = ?",
                   ARGS(sql_text(id), sql_text(call->account))));
    if (row == NULL)
        return error_new(call, "AccessDeniedException",
                         "User: %s is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key %s",
                         call->caller ? call->caller->arn : "nobody", id);
    json *used = json_object_new_object();
    if (!row_is_null(row, 1))
        json_put_time(used, "LastUsedDate", row_integer(row, 1));
    json_put_text(used, "ServiceName", row_is_null(row, 2) ? "N/A" : row_text(call, row, 2));
    json_put_text(used, "Region", row_is_null(row, 3) ? "N/A" : row_text(call, row, 3));
    return answer(call, string("UserName", row_text(call, row, 0)), value_of("AccessKeyLastUsed", used));
}

const struct operation iam_op_create_key = { "iam", "CreateAccessKey", STEPS({ APPLY, create }) };
const struct operation iam_op_list_keys = { "iam", "ListAccessKeys", STEPS({ READ, list }) };
const struct operation iam_op_update_key = { "iam", "UpdateAccessKey", STEPS({ APPLY, update }) };
const struct operation iam_op_delete_key = { "iam", "DeleteAccessKey", STEPS({ APPLY, delete }) };
const struct operation iam_op_key_last_used = { "iam", "GetAccessKeyLastUsed", STEPS({ READ, last_used }) };
