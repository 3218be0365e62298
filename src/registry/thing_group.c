/* thing_group.c - CreateThingGroup, DescribeThingGroup, AddThingToThingGroup, ListThingsInThingGroup,
   ListThingGroupsForThing (x509.md 2.5, 4.15). */
#include "registry/inner.h"
#include "base/random.h"

/* ---- CreateThingGroup ---- */

static bool same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static error *answer_group(struct call *call, const char *name, const char *id)
{
    return answer(call, string("thingGroupName", name), string("thingGroupArn", call_arn(call, "thinggroup/%s", name)),
                  string("thingGroupId", id));
}

static FALLIBLE same_as_wanted(struct call *call, const struct thing_group *found, const struct thing_group *wanted)
{
    if (same_text(found->parent, wanted->parent) && same_text(found->description, wanted->description) &&
        json_same(found->attributes, wanted->attributes))
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

static json *group_attributes(struct call *call, const json *properties)
{
    json *given = json_get_object(json_get_object(properties, "attributePayload"), "attributes");
    json *kept = json_new_object(call);
    if (given != NULL) {
        json_object_object_foreach (given, name, value) {
            if (json_text(value).length > 0)
                json_put_slice(kept, name, json_text(value));
        }
    }
    return kept;
}

static FALLIBLE create(struct call *call)
{
    json *properties = json_get_object(call->input, "thingGroupProperties");
    struct thing_group *found, wanted = {
        .name = call_string(call, "thingGroupName"),
        .parent = call_string(call, "parentGroupName"),
        .description = json_get_text(properties, "thingGroupDescription"),
        .attributes = group_attributes(call, properties),
    };
    if (json_object_object_length(wanted.attributes) > THING_ATTRIBUTES_WITH_TYPE)
        return error_new(call, "InvalidRequestException", "attributePayload: a thing group has at most %d attributes.",
                         THING_ATTRIBUTES_WITH_TYPE);
    TRY(registry_find_group(call->tx, call, call->account, call->region, wanted.name, &found));
    if (found != NULL)
        return same_as_wanted(call, found, &wanted);
    if (wanted.parent != NULL)
        TRY(check_parent(call, wanted.parent));
    wanted.id = random_uuid(call);
    TRY(registry_create_group_row(call, &wanted));
    TRY(registry_write_tags(call, call_arn(call, "thinggroup/%s", wanted.name)));
    TRY(call_change(call, "thing-group", wanted.name, "CREATED", wanted.parent));
    return answer_group(call, wanted.name, wanted.id);
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

/* ---- AddThingToThingGroup ---- */

/* A name, or the ARN of this account and region; when both are given they must agree. */
static FALLIBLE name_or_arn(struct call *call, const char *label, const char *name_member, const char *arn_member,
                            const char *kind, const char **out)
{
    const char *name = call_string(call, name_member), *arn = call_string(call, arn_member);
    const char *start = call_arn(call, "%s/", kind);
    if (name == NULL && arn == NULL)
        return error_new(call, "InvalidRequestException",
                         "Both %s and %s are empty. Need to specify at least one of them", arn_member, name_member);
    if (arn != NULL && (!slice_starts(slice_of(arn), start) || strlen(arn) == strlen(start)))
        return error_new(call, "InvalidRequestException", "%s: %s is not the ARN of a %s of this account and region.",
                         arn_member, arn, label);
    if (name != NULL && arn != NULL && strcmp(arn + strlen(start), name) != 0)
        return error_new(call, "InvalidRequestException", "%s and %s name different %ss.", name_member, arn_member,
                         label);
    *out = name ? name : arn + strlen(start);
    return NULL;
}

static FALLIBLE add_thing(struct call *call)
{
    const char *group = NULL, *thing = NULL;
    TRY(name_or_arn(call, "thing group", "thingGroupName", "thingGroupArn", "thinggroup", &group));
    TRY(name_or_arn(call, "thing", "thingName", "thingArn", "thing", &thing));
    TRY(registry_join_group(call, group, thing));
    return answer(call);
}

/* ---- lists ---- */

static json *group_entry(struct call *call, const struct row *row)
{
    return name_and_arn(call, row_text(call, row, 0));
}

/* Members of the group, and with `recursive` of all groups below it, each thing once. */
static FALLIBLE list_members(struct call *call)
{
    struct thing_group *group;
    struct list list = { .call = call, .member = "things", .entry = list_entry_text };
    const char *name = call_string(call, "thingGroupName");
    TRY(registry_find_group(call->tx, call, call->account, call->region, name, &group));
    if (group == NULL)
        return registry_no_group(call, name);
    TRY(list_begin(&list));

    struct value account = sql_text(call->account), region = sql_text(call->region);
    struct value after = list_after(&list), rows = list_limit(&list);
    if (call_flag(call, "recursive"))
        TRY(store_each(call->tx, list_row, &list,
                       "WITH RECURSIVE below (name) AS (SELECT ?3 UNION SELECT g.name FROM thing_group g "
                       "JOIN below b ON g.parent = b.name WHERE g.account = ?1 AND g.region = ?2) "
                       "SELECT DISTINCT m.thing FROM below b JOIN thing_group_member m ON m.account = ?1 "
                       "AND m.region = ?2 AND m.thing_group = b.name WHERE m.thing > ?4 ORDER BY m.thing LIMIT ?5",
                       ARGS(account, region, sql_text(name), after, rows)));
    else
        TRY(store_each(call->tx, list_row, &list,
                       "SELECT thing FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? "
                       "AND thing > ? ORDER BY thing LIMIT ?",
                       ARGS(account, region, sql_text(name), after, rows)));
    return list_answer(&list);
}

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

const struct operation registry_op_create_group = { "iot", "CreateThingGroup", STEPS({ APPLY, create }) };
const struct operation registry_op_describe_group = { "iot", "DescribeThingGroup", STEPS({ READ, describe }) };
const struct operation registry_op_add_thing = { "iot", "AddThingToThingGroup", STEPS({ APPLY, add_thing }) };
const struct operation registry_op_list_members = { "iot", "ListThingsInThingGroup", STEPS({ READ, list_members }) };
const struct operation registry_op_list_groups_of_thing = { "iot", "ListThingGroupsForThing",
                                                            STEPS({ READ, list_groups_of_thing }) };

const struct operation *const registry_group_operations[] = {
    &registry_op_create_group, &registry_op_describe_group,       &registry_op_add_thing,
    &registry_op_list_members, &registry_op_list_groups_of_thing, NULL,
};
