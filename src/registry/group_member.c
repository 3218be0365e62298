/* group_member.c - AddThingToThingGroup, RemoveThingFromThingGroup, UpdateThingGroupsForThing, ListThingsInThingGroup
   (x509.md 2.5, 4.15). */
#include "registry/inner.h"

/* ---- a name, or an ARN ---- */

const struct named registry_named_thing = { "thing", "thing", "thingName", "thingArn" };
const struct named registry_named_group = { "thing group", "thinggroup", "thingGroupName", "thingGroupArn" };
const struct named registry_named_billing_group = { "billing group", "billinggroup", "billingGroupName",
                                                    "billingGroupArn" };

FALLIBLE registry_name_or_arn(struct call *call, const struct named *named, const char **out)
{
    const char *name = call_string(call, named->name_member), *arn = call_string(call, named->arn_member);
    const char *start = call_arn(call, "%s/", named->kind);
    if (name == NULL && arn == NULL)
        return error_new(call, "InvalidRequestException",
                         "Both %s and %s are empty. Need to specify at least one of them", named->arn_member,
                         named->name_member);
    if (arn != NULL && (!slice_starts(slice_of(arn), start) || strlen(arn) == strlen(start)))
        return error_new(call, "InvalidRequestException", "%s: %s is not the ARN of a %s of this account and region.",
                         named->arn_member, arn, named->label);
    if (name != NULL && arn != NULL && strcmp(arn + strlen(start), name) != 0)
        return error_new(call, "InvalidRequestException", "%s and %s name different %ss.", named->name_member,
                         named->arn_member, named->label);
    *out = name ? name : arn + strlen(start);
    return NULL;
}

/* ---- one thing, one group ---- */

static FALLIBLE add_thing(struct call *call)
{
    const char *group = NULL, *thing = NULL;
    TRY(registry_name_or_arn(call, &registry_named_group, &group));
    TRY(registry_name_or_arn(call, &registry_named_thing, &thing));
    TRY(registry_join_group(call, group, thing));
    return answer(call);
}

static FALLIBLE remove_thing(struct call *call)
{
    const char *group = NULL, *thing = NULL;
    TRY(registry_name_or_arn(call, &registry_named_group, &group));
    TRY(registry_name_or_arn(call, &registry_named_thing, &thing));
    TRY(registry_leave_group(call, group, thing));
    return answer(call);
}

/* ---- many groups, all or none: what is removed makes room for what is added ---- */

enum { GROUPS_A_REQUEST = 100 };

static FALLIBLE each_group(struct call *call, const char *member, const char *thing,
                           FALLIBLE (*move)(struct call *call, const char *group, const char *thing))
{
    json *groups = json_get_array(call->input, member);
    size_t count = groups ? json_object_array_length(groups) : 0;
    if (count > GROUPS_A_REQUEST)
        return error_new(call, "InvalidRequestException", "%s: a request names at most %d groups.", member,
                         GROUPS_A_REQUEST);
    for (size_t i = 0; i < count; i++)
        TRY(move(call, slice_text(call, json_text(json_object_array_get_idx(groups, i))), thing));
    return NULL;
}

static FALLIBLE update_groups(struct call *call)
{
    const char *name = call_string(call, "thingName");
    struct thing *thing;
    if (name == NULL)
        return error_new(call, "InvalidRequestException", "thingName is needed: whose groups are to be changed?");
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return registry_no_thing(call, name);
    TRY(each_group(call, "thingGroupsToRemove", name, registry_leave_group));
    TRY(each_group(call, "thingGroupsToAdd", name, registry_join_group));
    return answer(call);
}

/* ---- ListThingsInThingGroup ---- */

static FALLIBLE list_direct(struct call *call, const char *group)
{
    struct list list = { .call = call, .member = "things", .entry = list_entry_text };
    TRY(list_begin(&list));
    TRY(store_each(
        call->tx, list_row, &list,
        "SELECT thing FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? "
        "AND thing > ? ORDER BY thing LIMIT ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

/* The members of a whole subtree in name order, without looking at all of them: one look at the next member of each
   group; then the groups with the smallest ones are merged until the next group begins behind the page. Nobody comes
   twice: a thing is in one group of a hierarchy. */
#define NOBODY "\x7f" /* behind every name: a group without a further member */

struct heads {
    void *ctx;
    struct head {
        const char *group, *thing;
    } * at;
    size_t count;
};

struct merge {
    void *ctx;
    const char **names;
    size_t count, most;
};

static FALLIBLE collect_head(const struct row *row, void *arg)
{
    struct heads *heads = arg;
    struct head *head = ARRAY_ADD(heads->ctx, heads->at, heads->count);
    head->thing = row_text(heads->ctx, row, 0);
    head->group = row_text(heads->ctx, row, 1);
    return NULL;
}

static FALLIBLE collect_thing(const struct row *row, void *arg)
{
    struct merge *merge = arg;
    *ARRAY_ADD(merge->ctx, merge->names, merge->count) = row_text(merge->ctx, row, 0);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No more than the page is wanted: nothing behind its last name. */
static const char *last_wanted(const struct merge *merge)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a count above 0 has its array */
    return merge->count == merge->most ? merge->names[merge->most - 1] : NOBODY;
}

static FALLIBLE merge_group(struct call *call, struct merge *merge, const char *group, const char *after)
{
    TRY(store_each(call->tx, collect_thing, merge,
                   "SELECT thing FROM thing_group_member WHERE account = ? AND region = ? AND thing_group = ? "
                   "AND thing > ? AND thing < ? ORDER BY thing LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(after),
                        sql_text(last_wanted(merge)), sql_integer((int64_t)merge->most))));
    if (merge->count > 1)
        qsort(merge->names, merge->count, sizeof(*merge->names), by_name);
    merge->count = merge->count < merge->most ? merge->count : merge->most;
    return NULL;
}

static FALLIBLE list_below(struct call *call, const char *group)
{
    struct page page;
    TRY(page_begin(call, &page));
    struct heads heads = { .ctx = call };
    struct merge merge = { .ctx = call, .most = (size_t)page.size + 1 };
    const char *after = page.after ? page.after : "";
    TRY(store_each(call->tx, collect_head, &heads,
                   "WITH RECURSIVE below (name) AS (SELECT ?3 UNION SELECT g.name FROM thing_group g "
                   "JOIN below b ON g.parent = b.name WHERE g.account = ?1 AND g.region = ?2), "
                   "head (thing, name) AS (SELECT coalesce((SELECT min(m.thing) FROM thing_group_member m "
                   "WHERE m.account = ?1 AND m.region = ?2 AND m.thing_group = b.name AND m.thing > ?4), ?6), b.name "
                   "FROM below b) SELECT thing, name FROM head ORDER BY thing LIMIT ?5",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), sql_text(after),
                        sql_integer(page.size + 1), sql_text(NOBODY))));
    for (size_t i = 0; i < heads.count; i++) {
        if (strcmp(heads.at[i].thing, last_wanted(&merge)) > 0 || strcmp(heads.at[i].thing, NOBODY) == 0)
            break;
        TRY(merge_group(call, &merge, heads.at[i].group, after));
    }
    json *things = json_new_array(call);
    for (size_t i = 0; i < merge.count && page_take(call, &page, merge.names[i]); i++)
        json_add_text(things, merge.names[i]);
    return page_answer(call, &page, "things", things);
}

static FALLIBLE list_members(struct call *call)
{
    struct thing_group *group;
    const char *name = call_string(call, "thingGroupName");
    TRY(registry_find_group(call->tx, call, call->account, call->region, name, &group));
    if (group == NULL)
        return registry_no_group(call, name);
    return call_flag(call, "recursive") ? list_below(call, name) : list_direct(call, name);
}

const struct operation registry_op_add_thing = { "iot", "AddThingToThingGroup", STEPS({ APPLY, add_thing }) };
const struct operation registry_op_remove_thing = { "iot", "RemoveThingFromThingGroup",
                                                    STEPS({ APPLY, remove_thing }) };
const struct operation registry_op_update_groups = { "iot", "UpdateThingGroupsForThing",
                                                     STEPS({ APPLY, update_groups }) };
const struct operation registry_op_list_members = { "iot", "ListThingsInThingGroup", STEPS({ READ, list_members }) };
