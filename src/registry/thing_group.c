/* thing_group.c - static thing groups: create, update, describe, list (x509.md 2.5, 4.15). A group is deleted in the
   certificate room, which knows the policies that hang on it; members are group_member.c. */
#include "registry/inner.h"
#include "base/random.h"

/* ---- CreateThingGroup ---- */

static error *answer_group(struct call *call, const char *name, const char *id)
{
    return answer(call, string("thingGroupName", name), string("thingGroupArn", call_arn(call, "thinggroup/%s", name)),
                  string("thingGroupId", id));
}

static FALLIBLE same_as_wanted(struct call *call, const struct thing_group *found, const struct thing_group *wanted)
{
    if (registry_same_text(found->parent, wanted->parent) &&
        registry_same_text(found->description, wanted->description) && json_same(found->attributes, wanted->attributes))
        return answer_group(call, found->name, found->id);
    error *e = error_new(call, "ResourceAlreadyExistsException",
                         "Thing Group %s already exists in current account with different properties", found->name);
    error_with(e, "resourceId", found->name);
    return error_with(e, "resourceArn", call_arn(call, "thinggroup/%s", found->name));
}

static FALLIBLE check_parent(struct call *call, const char *parent)
{
    struct group_path path;
    struct row *children;
    TRY(registry_group_path(call->tx, call, call->account, call->region, parent, &path));
    if (path.depth == 0)
        return registry_no_group(call, parent);
    if (path.depth >= THING_GROUP_DEPTH)
        return error_new(call, "InvalidRequestException", "parentGroupName: groups nest at most %d levels deep.",
                         THING_GROUP_DEPTH);
    TRY(store_find(call->tx, call, &children,
                   "SELECT count(*) FROM thing_group WHERE account = ? AND region = ? AND parent = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(parent))));
    if (row_integer(children, 0) >= THING_GROUP_CHILDREN)
        return error_new(call, "InvalidRequestException", "parentGroupName: group %s already has %d child groups.",
                         parent, THING_GROUP_CHILDREN);
    return NULL;
}

/* The attributes that a request makes of those before (NULL: a new group). */
static FALLIBLE group_attributes(struct call *call, const json *before, json **out)
{
    json *payload = json_get_object(json_get_object(call->input, "thingGroupProperties"), "attributePayload");
    json *given = json_get_object(payload, "attributes");
    bool replaces = before == NULL || (given != NULL && !json_get_bool(payload, "merge", false));
    *out = registry_attributes_after(call, replaces ? NULL : before, given, true);
    if (json_object_object_length(*out) > THING_ATTRIBUTES_WITH_TYPE)
        return error_new(call, "InvalidRequestException", "attributePayload: a thing group has at most %d attributes.",
                         THING_ATTRIBUTES_WITH_TYPE);
    return NULL;
}

static FALLIBLE create(struct call *call)
{
    struct thing_group *found, wanted = {
        .name = call_string(call, "thingGroupName"),
        .parent = call_string(call, "parentGroupName"),
        .description = json_get_text(json_get_object(call->input, "thingGroupProperties"), "thingGroupDescription"),
        .version = 1,
    };
    TRY(group_attributes(call, NULL, &wanted.attributes));
    TRY(registry_find_group(call->tx, call, call->account, call->region, wanted.name, &found));
    if (found != NULL)
        return same_as_wanted(call, found, &wanted);
    if (wanted.parent != NULL)
        TRY(check_parent(call, wanted.parent));
    wanted.id = random_uuid(call);
    TRY(registry_create_group_row(call, &wanted));
    TRY(registry_write_tags(call, call_arn(call, "thinggroup/%s", wanted.name)));
    return answer_group(call, wanted.name, wanted.id);
}

/* ---- UpdateThingGroup: what is not given stays; the version grows each time ---- */

error *registry_wrong_group_version(struct call *call, const char *name)
{
    return error_new(call, "VersionConflictException",
                     "The version for thing group %s does not match the expected version.", name);
}

static FALLIBLE update(struct call *call)
{
    struct thing_group *group;
    const char *name = call_string(call, "thingGroupName");
    json *properties = json_get_object(call->input, "thingGroupProperties");
    TRY(registry_find_group(call->tx, call, call->account, call->region, name, &group));
    if (group == NULL)
        return registry_no_group(call, name);
    if (call_has(call, "expectedVersion") && call_number(call, "expectedVersion", 0) != group->version)
        return registry_wrong_group_version(call, name);
    TRY(group_attributes(call, group->attributes, &group->attributes));
    if (json_get_text(properties, "thingGroupDescription") != NULL)
        group->description = json_get_text(properties, "thingGroupDescription");
    group->version++;
    TRY(registry_update_group_row(call, group));
    return answer(call, integer("version", group->version));
}

/* ---- DescribeThingGroup ---- */

static json *name_and_arn(struct call *call, const char *name)
{
    json *group = json_object_new_object();
    json_put_text(group, "groupName", name);
    json_put_text(group, "groupArn", call_arn(call, "thinggroup/%s", name));
    return group;
}

static json *metadata_of(struct call *call, const struct group_path *path)
{
    const struct thing_group *group = path->groups[0];
    json *metadata = json_object_new_object();
    json_put_text(metadata, "parentGroupName", group->parent);
    if (path->depth > 1) {
        json *ancestors = json_object_new_array();
        for (size_t i = path->depth; i-- > 1;)
            json_add(ancestors, name_and_arn(call, path->groups[i]->name));
        json_put(metadata, "rootToParentThingGroups", ancestors);
    }
    json_put_time(metadata, "creationDate", group->created);
    return metadata;
}

static FALLIBLE describe(struct call *call)
{
    struct group_path path;
    const char *name = call_string(call, "thingGroupName");
    TRY(registry_group_path(call->tx, call, call->account, call->region, name, &path));
    if (path.depth == 0)
        return registry_no_group(call, name);

    const struct thing_group *group = path.groups[0];
    json *properties = json_object_new_object(), *payload = json_object_new_object();
    json_put_text(properties, "thingGroupDescription", group->description);
    json_put(payload, "attributes", json_object_get(group->attributes));
    json_put(properties, "attributePayload", payload);
    return answer(call, string("thingGroupName", name), string("thingGroupId", group->id),
                  string("thingGroupArn", call_arn(call, "thinggroup/%s", name)), integer("version", group->version),
                  value_of("thingGroupProperties", properties),
                  value_of("thingGroupMetadata", metadata_of(call, &path)));
}

/* ---- ListThingGroups: all; the roots when recursion is refused; the children of a group, or all below it ---- */

static json *group_entry(struct call *call, const struct row *row)
{
    return name_and_arn(call, row_text(call, row, 0));
}

static FALLIBLE list_below(struct call *call, struct list *list, const char *parent)
{
    struct value account = sql_text(call->account), region = sql_text(call->region);
    struct value after = registry_prefix_after(list), before = registry_prefix_before(list);
    if (call_flag(call, "recursive"))
        return store_each(call->tx, list_row, list,
                          "WITH RECURSIVE below (name) AS (SELECT name FROM thing_group "
                          "WHERE account = ?1 AND region = ?2 AND parent = ?3 UNION SELECT g.name FROM thing_group g "
                          "JOIN below b ON g.parent = b.name WHERE g.account = ?1 AND g.region = ?2) "
                          "SELECT name FROM below WHERE name > ?4 AND name < ?5 ORDER BY name LIMIT ?6",
                          ARGS(account, region, sql_text(parent), after, before, list_limit(list)));
    return store_each(call->tx, list_row, list,
                      "SELECT name FROM thing_group WHERE account = ? AND region = ? AND parent = ? AND name > ? "
                      "AND name < ? ORDER BY name LIMIT ?",
                      ARGS(account, region, sql_text(parent), after, before, list_limit(list)));
}

static FALLIBLE list_all(struct call *call, struct list *list)
{
    struct value account = sql_text(call->account), region = sql_text(call->region);
    struct value after = registry_prefix_after(list), before = registry_prefix_before(list);
    bool roots_only = call_has(call, "recursive") && !call_flag(call, "recursive");
    return store_each(call->tx, list_row, list,
                      roots_only
                          ? "SELECT name FROM thing_group WHERE account = ? AND region = ? AND parent IS NULL "
                            "AND name > ? AND name < ? ORDER BY name LIMIT ?"
                          : "SELECT name FROM thing_group WHERE account = ? AND region = ? AND name > ? AND name < ? "
                            "ORDER BY name LIMIT ?",
                      ARGS(account, region, after, before, list_limit(list)));
}

static FALLIBLE list_groups(struct call *call)
{
    struct thing_group *parent;
    struct list list = { .call = call, .member = "thingGroups", .entry = group_entry };
    const char *name = call_string(call, "parentGroup");
    TRY(list_begin(&list));
    if (name == NULL) {
        TRY(list_all(call, &list));
        return list_answer(&list);
    }
    TRY(registry_find_group(call->tx, call, call->account, call->region, name, &parent));
    if (parent == NULL)
        return registry_no_group(call, name);
    TRY(list_below(call, &list, name));
    return list_answer(&list);
}

/* ---- ListThingGroupsForThing ---- */

static FALLIBLE list_groups_of_thing(struct call *call)
{
    struct thing *thing;
    struct list list = { .call = call, .member = "thingGroups", .entry = group_entry };
    const char *name = call_string(call, "thingName");
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return registry_no_thing(call, name);
    TRY(list_begin(&list));
    TRY(store_each(
        call->tx, list_row, &list,
        "SELECT thing_group FROM thing_group_member WHERE account = ? AND region = ? AND thing = ? "
        "AND thing_group > ? ORDER BY thing_group LIMIT ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(name), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

static const struct operation create_group = { "iot", "CreateThingGroup", STEPS({ APPLY, create }) };
static const struct operation update_group = { "iot", "UpdateThingGroup", STEPS({ APPLY, update }) };
static const struct operation describe_group = { "iot", "DescribeThingGroup", STEPS({ READ, describe }) };
static const struct operation list_thing_groups = { "iot", "ListThingGroups", STEPS({ READ, list_groups }) };
static const struct operation list_for_thing = { "iot", "ListThingGroupsForThing",
                                                 STEPS({ READ, list_groups_of_thing }) };

const struct operation *const registry_group_operations[] = {
    &create_group,
    &update_group,
    &describe_group,
    &list_thing_groups,
    &list_for_thing,
    &registry_op_add_thing,
    &registry_op_remove_thing,
    &registry_op_update_groups,
    &registry_op_list_members,
    &registry_op_create_billing_group,
    &registry_op_update_billing_group,
    &registry_op_describe_billing_group,
    &registry_op_delete_billing_group,
    &registry_op_list_billing_groups,
    &registry_op_add_to_billing_group,
    &registry_op_remove_from_billing_group,
    &registry_op_list_billing_members,
    &registry_op_tag,
    &registry_op_untag,
    &registry_op_list_tags,
    NULL,
};
