/* group_event.c - what thing groups tell: their life, their place in a hierarchy, their members (x509.md 3.8;
   provisioning.md 3.7). Members of a message cost reads, so nothing is read that nobody wants to hear. */
#include "registry/inner.h"

static json *text_or_null(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

static json *ancestors(struct call *call, const struct group_path *above)
{
    json *list = json_object_new_array();
    for (size_t i = above->depth; i-- > 0;) {
        json *group = json_object_new_object();
        json_put_text(group, "groupArn", call_arn(call, "thinggroup/%s", above->groups[i]->name));
        json_put_text(group, "groupId", above->groups[i]->id);
        json_add(list, group);
    }
    return list;
}

static json *group_members(struct call *call, const struct thing_group *group, const struct group_path *above)
{
    json *members = json_new_object(call);
    json_put_text(members, "thingGroupId", group->id);
    json_put_text(members, "thingGroupName", group->name);
    json_put_integer(members, "versionNumber", group->version);
    json_put(members, "parentGroupName", text_or_null(group->parent));
    json_put(members, "parentGroupId", text_or_null(above->depth > 0 ? above->groups[0]->id : NULL));
    json_put(members, "description", text_or_null(group->description));
    json_put(members, "rootToParentThingGroups", ancestors(call, above));
    json_put(members, "attributes", json_object_get(group->attributes));
    json_put(members, "dynamicGroupMappingId", NULL);
    return members;
}

/* A group enters its parent's hierarchy when it is created and leaves it when it is deleted. */
static FALLIBLE tell_hierarchy(struct call *call, const struct thing_group *group, const char *operation)
{
    bool created = strcmp(operation, "CREATED") == 0;
    if (group->parent == NULL || !(created || strcmp(operation, "DELETED") == 0))
        return NULL;
    struct thing_group *parent;
    TRY(registry_find_group(call->tx, call, call->account, call->region, group->parent, &parent));
    json *members = json_new_object(call);
    json_put_text(members, "thingGroupId", parent ? parent->id : NULL);
    json_put_text(members, "thingGroupName", group->parent);
    json_put_text(members, "childGroupId", group->id);
    json_put_text(members, "childGroupName", group->name);
    return registry_event(
        call, EVENT_THING_GROUP_HIERARCHY,
        text_format(call, "thingGroupHierarchy/thingGroup/%s/childThingGroup/%s", group->parent, group->name),
        created ? "ADDED" : "REMOVED", members);
}

FALLIBLE registry_tell_group(struct call *call, const struct thing_group *group, const char *operation)
{
    bool wanted, hierarchy_wanted;
    struct group_path above = { .depth = 0 };
    TRY(registry_event_wanted(call, EVENT_THING_GROUP, &wanted));
    TRY(registry_event_wanted(call, EVENT_THING_GROUP_HIERARCHY, &hierarchy_wanted));
    if (wanted && group->parent != NULL)
        TRY(registry_group_path(call->tx, call, call->account, call->region, group->parent, &above));
    if (wanted)
        TRY(registry_event(call, EVENT_THING_GROUP, text_format(call, "thingGroup/%s", group->name), operation,
                           group_members(call, group, &above)));
    return hierarchy_wanted ? tell_hierarchy(call, group, operation) : NULL;
}

FALLIBLE registry_tell_membership(struct call *call, const struct thing_group *group,
                                  const struct membership *membership, const char *operation)
{
    json *members = json_new_object(call);
    json_put_text(members, "groupArn", call_arn(call, "thinggroup/%s", group->name));
    json_put_text(members, "groupId", group->id);
    json_put_text(members, "thingArn", call_arn(call, "thing/%s", membership->thing));
    json_put_text(members, "thingId", membership->thing_id);
    json_put_text(members, "membershipId", membership->id);
    return registry_event(
        call, EVENT_THING_GROUP_MEMBERSHIP,
        text_format(call, "thingGroupMembership/thingGroup/%s/thing/%s", group->name, membership->thing), operation,
        members);
}
