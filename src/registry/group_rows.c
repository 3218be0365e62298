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

static FALLIBLE need_both(struct call *call, const char *group, const char *thing, struct thing_group **found,
                          struct thing **member)
{
    TRY(registry_find_group(call->tx, call, call->account, call->region, group, found));
    if (*found == NULL)
        return registry_no_group(call, group);
    TRY(registry_find_thing(call->tx, call, call->account, call->region, thing, member));
    return *member ? NULL : registry_no_thing(call, thing);
}

static FALLIBLE find_membership(struct call *call, const char *group, const struct thing *thing,
                                struct membership **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(call->tx, call, &row,
                   "SELECT membership_id FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? "
                   "AND thing = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(thing->name))));
    if (row == NULL)
        return NULL;
    *out = MAKE(call, struct membership);
    **out = (struct membership){ .thing = thing->name, .thing_id = thing->id, .id = row_text(call, row, 0) };
    return NULL;
}

FALLIBLE registry_join_group(struct call *call, const char *group, const char *thing)
{
    struct thing_group *found;
    struct thing *member;
    struct membership *joined;
    TRY(need_both(call, group, thing, &found, &member));
    TRY(find_membership(call, group, member, &joined));
    if (joined != NULL)
        return NULL;

    struct membership made = { .thing = thing, .thing_id = member->id, .id = random_uuid(call) };
    TRY(may_join(call, group, thing));
    TRY(store_run(
        call->tx, NULL,
        "INSERT INTO thing_group_member (account, region, thing_group, thing, membership_id) "
        "VALUES (?, ?, ?, ?, ?)",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(thing), sql_text(made.id))));
    TRY(call_change(call, "thing-group-member", thing, "ATTACHED", group));
    return registry_tell_membership(call, found, &made, "ADDED");
}

FALLIBLE registry_leave_group(struct call *call, const char *group, const char *thing)
{
    struct thing_group *found;
    struct thing *member;
    struct membership *membership;
    TRY(need_both(call, group, thing, &found, &member));
    TRY(find_membership(call, group, member, &membership));
    if (membership == NULL)
        return NULL;
    TRY(store_run(call->tx, NULL,
                  "DELETE FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? AND thing = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(thing))));
    TRY(call_change(call, "thing-group-member", thing, "DETACHED", group));
    return registry_tell_membership(call, found, membership, "REMOVED");
}

/* ---- groups themselves ---- */

FALLIBLE registry_create_group_row(struct call *call, const struct thing_group *group)
{
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO thing_group (account, region, name, id, parent, description, attributes, version, "
                  "created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(group->name), sql_text(group->id),
                       sql_text(group->parent), sql_text(group->description),
                       sql_slice(json_print(call, group->attributes)), sql_integer(group->version),
                       sql_integer(call->now_ms))));
    TRY(call_change(call, "thing-group", group->name, "CREATED", group->parent));
    return registry_tell_group(call, group, "CREATED");
}

FALLIBLE registry_update_group_row(struct call *call, const struct thing_group *group)
{
    TRY(store_run(call->tx, NULL,
                  "UPDATE thing_group SET description = ?, attributes = ?, version = ? "
                  "WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(group->description), sql_slice(json_print(call, group->attributes)),
                       sql_integer(group->version), sql_text(call->account), sql_text(call->region),
                       sql_text(group->name))));
    TRY(call_change(call, "thing-group", group->name, "UPDATED", NULL));
    return registry_tell_group(call, group, "UPDATED");
}

struct members {
    void *ctx;
    struct membership *at;
    size_t count;
};

static FALLIBLE collect_member(const struct row *row, void *arg)
{
    struct members *members = arg;
    struct membership *member = ARRAY_ADD(members->ctx, members->at, members->count);
    member->thing = row_text(members->ctx, row, 0);
    member->id = row_text(members->ctx, row, 1);
    member->thing_id = row_text(members->ctx, row, 2);
    return NULL;
}

/* All at once, and each member's change is told: a group of a whole fleet is let go in one transaction. */
static FALLIBLE release_members(struct call *call, const struct thing_group *group)
{
    bool wanted;
    struct members members = { .ctx = talloc_new(call) };
    struct value account = sql_text(call->account), region = sql_text(call->region), name = sql_text(group->name);
    TRY(store_each(call->tx, collect_member, &members,
                   "SELECT m.thing, m.membership_id, t.id FROM thing_group_member m JOIN thing t "
                   "ON t.account = m.account AND t.region = m.region AND t.name = m.thing "
                   "WHERE m.account = ? AND m.region = ? AND m.thing_group = ? ORDER BY m.thing",
                   ARGS(account, region, name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ?",
                  ARGS(account, region, name)));
    TRY(registry_event_wanted(call, EVENT_THING_GROUP_MEMBERSHIP, &wanted));
    for (size_t i = 0; i < members.count; i++) {
        TRY(call_change(call, "thing-group-member", members.at[i].thing, "DETACHED", group->name));
        if (wanted)
            TRY(registry_tell_membership(call, group, &members.at[i], "REMOVED"));
    }
    talloc_free(members.ctx);
    return NULL;
}

FALLIBLE registry_delete_group(struct call *call, const char *name)
{
    struct thing_group *group;
    struct row *child;
    struct value account = sql_text(call->account), region = sql_text(call->region);
    TRY(registry_find_group(call->tx, call, call->account, call->region, name, &group));
    if (group == NULL)
        return NULL;
    TRY(store_find(call->tx, call, &child,
                   "SELECT 1 FROM thing_group WHERE account = ? AND region = ? AND parent = ? LIMIT 1",
                   ARGS(account, region, sql_text(name))));
    if (child != NULL)
        return error_new(call, "InvalidRequestException",
                         "Cannot delete thing group : %s when there are still child groups attached to it.", name);
    TRY(release_members(call, group));
    TRY(registry_remove_tags(call, call_arn(call, "thinggroup/%s", name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM thing_group WHERE account = ? AND region = ? AND name = ?",
                  ARGS(account, region, sql_text(name))));
    TRY(call_change(call, "thing-group", name, "DELETED", NULL));
    return registry_tell_group(call, group, "DELETED");
}
