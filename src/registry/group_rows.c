/* group_rows.c - rows of static thing groups and their members (x509.md 4.15). */
#include "registry/inner.h"
#include "base/random.h"

error *registry_no_group(struct call *call, const char *name)
{
    return error_new(call, "ResourceNotFoundException", "Thing group %s cannot be found.", name);
}

FALLIBLE registry_find_group(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct thing_group **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT id, parent, description, attributes, version, created FROM thing_group "
                   "WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(name))));
    if (row == NULL)
        return NULL;

    struct thing_group *group = MAKE(ctx, struct thing_group);
    group->name = text_copy(group, name);
    group->id = row_text(group, row, 0);
    group->parent = row_text(group, row, 1);
    group->description = row_text(group, row, 2);
    TRY(json_parse(group, row_slice(row, 3), 4, &group->attributes));
    group->version = row_integer(row, 4);
    group->created = row_integer(row, 5);
    *out = group;
    return NULL;
}

FALLIBLE registry_group_path(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct group_path *out)
{
    *out = (struct group_path){ .depth = 0 };
    for (const char *at = name; at != NULL && out->depth < THING_GROUP_DEPTH;) {
        struct thing_group *group;
        TRY(registry_find_group(tx, ctx, account, region, at, &group));
        if (group == NULL)
            break;
        out->groups[out->depth++] = group;
        at = group->parent;
    }
    return NULL;
}

struct names {
    void *ctx;
    const char **at;
    size_t count;
};

static FALLIBLE collect_name(const struct row *row, void *arg)
{
    struct names *names = arg;
    *ARRAY_ADD(names->ctx, names->at, names->count) = row_text(names->ctx, row, 0);
    return NULL;
}

FALLIBLE registry_groups_of_thing(struct tx *tx, void *ctx, const char *account, const char *region, const char *thing,
                                  const char ***out, size_t *count)
{
    struct names names = { .ctx = ctx };
    TRY(store_each(tx, collect_name, &names,
                   "SELECT thing_group FROM thing_group_member WHERE account = ? AND region = ? AND thing = ? "
                   "ORDER BY thing_group",
                   ARGS(sql_text(account), sql_text(region), sql_text(thing))));
    *out = names.at;
    *count = names.count;
    return NULL;
}

static const char *root_of(const struct group_path *path)
{
    return path->depth > 0 ? path->groups[path->depth - 1]->name : "";
}

/* A thing is in at most one group of a hierarchy, and in at most ten. */
static FALLIBLE may_join(struct call *call, const char *group, const char *thing)
{
    struct group_path wanted, other;
    const char **names;
    size_t count;
    TRY(registry_groups_of_thing(call->tx, call, call->account, call->region, thing, &names, &count));
    if (count >= THING_GROUPS_OF_A_THING)
        return error_new(call, "InvalidRequestException", "Thing %s is already in %d thing groups, the most allowed.",
                         thing, THING_GROUPS_OF_A_THING);
    TRY(registry_group_path(call->tx, call, call->account, call->region, group, &wanted));
    for (size_t i = 0; i < count; i++) {
        TRY(registry_group_path(call->tx, call, call->account, call->region, names[i], &other));
        if (other.depth > 0 && strcmp(root_of(&wanted), root_of(&other)) == 0)
            return error_new(call, "InvalidRequestException",
                             "Thing %s is already in thing group %s of the same hierarchy as %s.", thing, names[i],
                             group);
    }
    return NULL;
}

FALLIBLE registry_join_group(struct call *call, const char *group, const char *thing)
{
    struct thing_group *found;
    struct thing *member;
    struct row *joined;
    TRY(registry_find_group(call->tx, call, call->account, call->region, group, &found));
    if (found == NULL)
        return registry_no_group(call, group);
    TRY(registry_find_thing(call->tx, call, call->account, call->region, thing, &member));
    if (member == NULL)
        return registry_no_thing(call, thing);
    TRY(store_find(call->tx, call, &joined,
                   "SELECT 1 FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? "
                   "AND thing = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(thing))));
    if (joined != NULL)
        return NULL;

    TRY(may_join(call, group, thing));
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO thing_group_member (account, region, thing_group, thing, membership_id) "
                  "VALUES (?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(thing),
                       sql_text(random_uuid(call)))));
    return call_change(call, "thing-group-member", thing, "ATTACHED", group);
}

FALLIBLE registry_leave_group(struct call *call, const char *group, const char *thing)
{
    int64_t left;
    TRY(store_run(call->tx, &left,
                  "DELETE FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? AND thing = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(thing))));
    return left ? call_change(call, "thing-group-member", thing, "DETACHED", group) : NULL;
}

FALLIBLE registry_create_group_row(struct call *call, const struct thing_group *group)
{
    return store_run(call->tx, NULL,
                     "INSERT INTO thing_group (account, region, name, id, parent, description, attributes, version, "
                     "created) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)",
                     ARGS(sql_text(call->account), sql_text(call->region), sql_text(group->name), sql_text(group->id),
                          sql_text(group->parent), sql_text(group->description),
                          sql_slice(json_print(call, group->attributes)), sql_integer(call->now_ms)));
}
