/* billing_group.c - billing groups and their things (x509.md 2.5, 4.15). A thing is in at most one; which, the thing
   says. */
#include "registry/inner.h"
#include "base/random.h"

enum { BILLING_GROUPS_MAX = 20000 };

struct billing_group {
    const char *name, *id, *description; /* description NULL: none */
    int64_t version, created;
};

static FALLIBLE find(struct call *call, const char *name, struct billing_group **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(call->tx, call, &row,
                   "SELECT id, description, version, created FROM billing_group "
                   "WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (row == NULL)
        return NULL;
    struct billing_group *group = MAKE(call, struct billing_group);
    *group = (struct billing_group){ .name = name,
                                     .id = row_text(call, row, 0),
                                     .description = row_text(call, row, 1),
                                     .version = row_integer(row, 2),
                                     .created = row_integer(row, 3) };
    *out = group;
    return NULL;
}

static FALLIBLE need(struct call *call, const char *name, struct billing_group **out)
{
    TRY(find(call, name, out));
    return *out ? NULL : error_new(call, "ResourceNotFoundException", "Billing group %s cannot be found.", name);
}

FALLIBLE registry_need_billing_group(struct call *call, const char *name)
{
    struct billing_group *group;
    return need(call, name, &group);
}

static const char *wanted_description(struct call *call)
{
    return json_get_text(json_get_object(call->input, "billingGroupProperties"), "billingGroupDescription");
}

static const char *arn_of(struct call *call, const char *name)
{
    return call_arn(call, "billinggroup/%s", name);
}

/* ---- CreateBillingGroup ---- */

static error *answer_group(struct call *call, const struct billing_group *group)
{
    return answer(call, string("billingGroupName", group->name), string("billingGroupArn", arn_of(call, group->name)),
                  string("billingGroupId", group->id));
}

static FALLIBLE same_as_wanted(struct call *call, const struct billing_group *found)
{
    if (registry_same_text(found->description, wanted_description(call)))
        return answer_group(call, found);
    error *e = error_new(call, "ResourceAlreadyExistsException",
                         "Billing Group %s already exists in current account with different properties", found->name);
    error_with(e, "resourceId", found->name);
    return error_with(e, "resourceArn", arn_of(call, found->name));
}

static FALLIBLE create(struct call *call)
{
    struct billing_group *found, made = { .name = call_string(call, "billingGroupName"), .id = random_uuid(call) };
    struct row *groups;
    struct value account = sql_text(call->account), region = sql_text(call->region);
    TRY(find(call, made.name, &found));
    if (found != NULL)
        return same_as_wanted(call, found);
    TRY(store_find(call->tx, call, &groups, "SELECT count(*) FROM billing_group WHERE account = ? AND region = ?",
                   ARGS(account, region)));
    if (row_integer(groups, 0) >= BILLING_GROUPS_MAX)
        return error_new(call, "InvalidRequestException",
                         "billingGroupName: the account already has %d billing groups, the most allowed.",
                         BILLING_GROUPS_MAX);
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO billing_group (account, region, name, id, description, version, created) "
                  "VALUES (?, ?, ?, ?, ?, 1, ?)",
                  ARGS(account, region, sql_text(made.name), sql_text(made.id), sql_text(wanted_description(call)),
                       sql_integer(call->now_ms))));
    TRY(registry_write_tags(call, arn_of(call, made.name)));
    TRY(call_change(call, "billing-group", made.name, "CREATED", NULL));
    return answer_group(call, &made);
}

/* ---- UpdateBillingGroup, DescribeBillingGroup ---- */

static FALLIBLE check_version(struct call *call, const struct billing_group *group)
{
    if (!call_has(call, "expectedVersion") || call_number(call, "expectedVersion", 0) == group->version)
        return NULL;
    return error_new(call, "VersionConflictException",
                     "The version for billing group %s does not match the expected version.", group->name);
}

static FALLIBLE update(struct call *call)
{
    struct billing_group *group = NULL;
    TRY(need(call, call_string(call, "billingGroupName"), &group));
    TRY(check_version(call, group));
    const char *wanted = wanted_description(call);
    TRY(store_run(call->tx, NULL,
                  "UPDATE billing_group SET description = ?, version = ? WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(wanted ? wanted : group->description), sql_integer(group->version + 1),
                       sql_text(call->account), sql_text(call->region), sql_text(group->name))));
    TRY(call_change(call, "billing-group", group->name, "UPDATED", NULL));
    return answer(call, integer("version", group->version + 1));
}

static FALLIBLE describe(struct call *call)
{
    struct billing_group *group = NULL;
    TRY(need(call, call_string(call, "billingGroupName"), &group));
    json *properties = json_object_new_object(), *metadata = json_object_new_object();
    json_put_text(properties, "billingGroupDescription", group->description);
    json_put_time(metadata, "creationDate", group->created);
    return answer(call, string("billingGroupName", group->name), string("billingGroupId", group->id),
                  string("billingGroupArn", arn_of(call, group->name)), integer("version", group->version),
                  value_of("billingGroupProperties", properties), value_of("billingGroupMetadata", metadata));
}

/* ---- DeleteBillingGroup: its things are released; unknown is a success ---- */

struct names {
    void *ctx;
    const char **at;
    size_t count;
};

static FALLIBLE collect(const struct row *row, void *arg)
{
    struct names *names = arg;
    *ARRAY_ADD(names->ctx, names->at, names->count) = row_text(names->ctx, row, 0);
    return NULL;
}

/* Each of them changes, as if it had been removed by itself. */
static FALLIBLE tell_released(struct call *call, const char *name, bool wanted)
{
    struct thing *thing;
    TRY(call_change(call, "thing", name, "UPDATED", NULL));
    if (!wanted)
        return NULL;
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    return registry_tell_thing(call, thing, "UPDATED");
}

static FALLIBLE release_things(struct call *call, const char *group)
{
    bool wanted;
    struct names things = { .ctx = talloc_new(call) };
    struct value account = sql_text(call->account), region = sql_text(call->region);
    TRY(store_each(call->tx, collect, &things,
                   "SELECT name FROM thing WHERE account = ? AND region = ? AND billing_group = ? ORDER BY name",
                   ARGS(account, region, sql_text(group))));
    TRY(store_run(call->tx, NULL,
                  "UPDATE thing SET billing_group = NULL, version = version + 1 "
                  "WHERE account = ? AND region = ? AND billing_group = ?",
                  ARGS(account, region, sql_text(group))));
    TRY(registry_event_wanted(call, EVENT_THING, &wanted));
    for (size_t i = 0; i < things.count; i++)
        TRY(tell_released(call, things.at[i], wanted));
    talloc_free(things.ctx);
    return NULL;
}

static FALLIBLE delete_group(struct call *call)
{
    struct billing_group *group;
    const char *name = call_string(call, "billingGroupName");
    TRY(find(call, name, &group));
    if (group == NULL)
        return answer(call);
    TRY(check_version(call, group));
    TRY(release_things(call, name));
    TRY(registry_remove_tags(call, arn_of(call, name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM billing_group WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    TRY(call_change(call, "billing-group", name, "DELETED", NULL));
    return answer(call);
}

/* ---- things: adding to another group moves ---- */

static FALLIBLE find_pair(struct call *call, const char **group, struct thing **thing)
{
    const char *name = NULL;
    TRY(registry_name_or_arn(call, &registry_named_billing_group, group));
    TRY(registry_name_or_arn(call, &registry_named_thing, &name));
    TRY(registry_need_billing_group(call, *group));
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, thing));
    return *thing ? NULL : registry_no_thing(call, name);
}

static FALLIBLE add_thing(struct call *call)
{
    const char *group = NULL;
    struct thing *thing = NULL;
    TRY(find_pair(call, &group, &thing));
    TRY(registry_change_thing(call, thing, &(struct thing_change){ .billing_group = group }));
    return answer(call);
}

static FALLIBLE remove_thing(struct call *call)
{
    const char *group = NULL;
    struct thing *thing = NULL;
    TRY(find_pair(call, &group, &thing));
    if (registry_same_text(thing->billing_group, group))
        TRY(registry_change_thing(call, thing, &(struct thing_change){ .remove_billing_group = true }));
    return answer(call);
}

/* ---- lists ---- */

static json *group_entry(struct call *call, const struct row *row)
{
    json *group = json_object_new_object();
    json_put_slice(group, "groupName", row_slice(row, 0));
    json_put_text(group, "groupArn", arn_of(call, row_text(call, row, 0)));
    return group;
}

static FALLIBLE list_groups(struct call *call)
{
    struct list list = { .call = call, .member = "billingGroups", .entry = group_entry };
    TRY(list_begin(&list));
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT name FROM billing_group WHERE account = ? AND region = ? AND name > ? AND name < ? "
                   "ORDER BY name LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(call->region), registry_prefix_after(&list),
                        registry_prefix_before(&list), list_limit(&list))));
    return list_answer(&list);
}

static FALLIBLE list_things(struct call *call)
{
    struct list list = { .call = call, .member = "things", .entry = list_entry_text };
    const char *group = call_string(call, "billingGroupName");
    TRY(registry_need_billing_group(call, group));
    TRY(list_begin(&list));
    TRY(store_each(
        call->tx, list_row, &list,
        "SELECT name FROM thing WHERE account = ? AND region = ? AND billing_group = ? AND name > ? "
        "ORDER BY name LIMIT ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(group), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

const struct operation registry_op_create_billing_group = { "iot", "CreateBillingGroup", STEPS({ APPLY, create }) };
const struct operation registry_op_update_billing_group = { "iot", "UpdateBillingGroup", STEPS({ APPLY, update }) };
const struct operation registry_op_describe_billing_group = { "iot", "DescribeBillingGroup",
                                                              STEPS({ READ, describe }) };
const struct operation registry_op_delete_billing_group = { "iot", "DeleteBillingGroup",
                                                            STEPS({ APPLY, delete_group }) };
const struct operation registry_op_list_billing_groups = { "iot", "ListBillingGroups", STEPS({ READ, list_groups }) };
const struct operation registry_op_add_to_billing_group = { "iot", "AddThingToBillingGroup",
                                                            STEPS({ APPLY, add_thing }) };
const struct operation registry_op_remove_from_billing_group = { "iot", "RemoveThingFromBillingGroup",
                                                                 STEPS({ APPLY, remove_thing }) };
const struct operation registry_op_list_billing_members = { "iot", "ListThingsInBillingGroup",
                                                            STEPS({ READ, list_things }) };
