/* tag.c - tags of users, roles and policies (auth.md 2.4). Keys are unique whatever their case; the last spelling stays. */
#include "iam/inner.h"
#include <strings.h>

enum { TAGS_MAX = 50 };

static const char *key_at(json *tags, size_t i)
{
    return json_get_text(json_object_array_get_idx(tags, i), "Key");
}

/* Keys that begin with "aws:", in any case, are the service's own. */
static FALLIBLE check_keys(struct call *call, json *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *key = key_at(tags, i);
        if (strncasecmp(key, "aws:", 4) == 0)
            return error_new(call, "InvalidInput", "Tags: the key %s begins with aws:, which is reserved.", key);
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(key, key_at(tags, k)) == 0)
                return error_new(call, "InvalidInput",
                                 "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    return NULL;
}

static FALLIBLE remove_tag(struct call *call, const char *owner_kind, const char *owner_name, const char *key)
{
    return store_run(call->tx, NULL,
                     "DELETE FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                     "AND lower(name) = lower(?)",
                     ARGS(sql_text(call->account), sql_text(owner_kind), sql_text(owner_name), sql_text(key)));
}

FALLIBLE iam_write_tags(struct call *call, const char *owner_kind, const char *owner_name)
{
    struct row *row;
    json *tags = json_get_array(call->input, "Tags");
    size_t count = tags ? json_object_array_length(tags) : 0;
    struct value account = sql_text(call->account), kind = sql_text(owner_kind), name = sql_text(owner_name);
    TRY(check_keys(call, tags, count));
    for (size_t i = 0; i < count; i++) {
        TRY(remove_tag(call, owner_kind, owner_name, key_at(tags, i)));
        TRY(store_run(call->tx, NULL,
                      "INSERT INTO iam_tag (account, owner_kind, owner_name, name, value) VALUES (?, ?, ?, ?, ?)",
                      ARGS(account, kind, name, sql_text(key_at(tags, i)),
                           sql_slice(json_get_slice(json_object_array_get_idx(tags, i), "Value")))));
    }
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*) FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ?",
                   ARGS(account, kind, name)));
    if (row_integer(row, 0) > TAGS_MAX)
        return error_new(call, "LimitExceeded", "The number of tags has reached the maximum limit: %d.", TAGS_MAX);
    return NULL;
}

static json *tag_entry(struct call *call, const struct row *row)
{
    json *entry = json_object_new_object();
    json_put_text(entry, "Key", row_text(call, row, 0));
    json_put_text(entry, "Value", row_text(call, row, 1));
    return entry;
}

struct gathered {
    struct call *call;
    json *tags;
};

static FALLIBLE add_tag(const struct row *row, void *arg)
{
    struct gathered *into = arg;
    into->tags = into->tags ? into->tags : json_new_array(into->call);
    json_add(into->tags, tag_entry(into->call, row));
    return NULL;
}

FALLIBLE iam_tags_json(struct call *call, const char *owner_kind, const char *owner_name, json **out)
{
    struct gathered into = { .call = call };
    TRY(store_each(call->tx, add_tag, &into,
                   "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                   "ORDER BY name",
                   ARGS(sql_text(call->account), sql_text(owner_kind), sql_text(owner_name))));
    *out = into.tags;
    return NULL;
}

/* ---- operations ---- */

static FALLIBLE tag(struct call *call)
{
    struct iam_entity *entity;
    TRY(iam_get_owner(call, &entity));
    TRY(iam_write_tags(call, entity->kind->kind, entity->name));
    return iam_changed(call, entity, "UPDATED", "tags");
}

/* A key that it does not have is no error. */
static FALLIBLE untag(struct call *call)
{
    struct iam_entity *entity;
    json *keys = json_get_array(call->input, "TagKeys");
    TRY(iam_get_owner(call, &entity));
    for (size_t i = 0; keys && i < json_object_array_length(keys); i++)
        TRY(remove_tag(call, entity->kind->kind, entity->name,
                       json_object_get_string(json_object_array_get_idx(keys, i))));
    return iam_changed(call, entity, "UPDATED", "tags");
}

static FALLIBLE list(struct call *call)
{
    struct iam_entity *entity;
    struct list list = { .call = call, .member = "Tags", .entry = tag_entry };
    TRY(iam_get_owner(call, &entity));
    TRY(list_begin(&list));
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                   "AND name > ? ORDER BY name LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(entity->kind->kind), sql_text(entity->name),
                        list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

#define OPERATIONS(kind, Noun)                                                                      \
    const struct operation iam_op_tag_##kind = { "iam", "Tag" #Noun, STEPS({ APPLY, tag }) };       \
    const struct operation iam_op_untag_##kind = { "iam", "Untag" #Noun, STEPS({ APPLY, untag }) }; \
    const struct operation iam_op_list_##kind##_tags = { "iam", "List" #Noun "Tags", STEPS({ READ, list }) };
IAM_TAGGED_KINDS(OPERATIONS)
