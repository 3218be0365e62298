/* thing.c - CreateThing, UpdateThing, DescribeThing, ListThings, DeleteThing (x509.md 2.3, 4.13). */
#include "registry/inner.h"

error *registry_no_thing(struct call *call, const char *name)
{
    return error_new(call, "ResourceNotFoundException", "Thing %s cannot be found.", name);
}

static FALLIBLE create(struct call *call)
{
    struct thing *thing;
    struct thing wanted = {
        .name = call_string(call, "thingName"),
        .type_name = call_string(call, "thingTypeName"),
        .billing_group = call_string(call, "billingGroupName"),
        .attributes = json_get_object(json_get_object(call->input, "attributePayload"), "attributes"),
    };
    TRY(registry_create_thing(call, &wanted, &thing));
    return answer(call, string("thingName", thing->name), string("thingArn", call_arn(call, "thing/%s", thing->name)),
                  string("thingId", thing->id));
}

static FALLIBLE describe(struct call *call)
{
    struct thing *thing;
    const char *name = call_string(call, "thingName");
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return registry_no_thing(call, name);
    return answer(call, string("defaultClientId", name), string("thingName", name), string("thingId", thing->id),
                  string("thingArn", call_arn(call, "thing/%s", name)), string("thingTypeName", thing->type_name),
                  value_of("attributes", json_object_get(thing->attributes)), integer("version", thing->version),
                  string("billingGroupName", thing->billing_group));
}

/* ---- UpdateThing ---- */

static FALLIBLE check_version(struct call *call, const struct thing *thing)
{
    if (call_has(call, "expectedVersion") && call_number(call, "expectedVersion", 0) != thing->version)
        return error_new(call, "VersionConflictException",
                         "The version for thing %s does not match the expected version.", thing->name);
    return NULL;
}

static FALLIBLE update(struct call *call)
{
    struct thing *thing;
    const char *name = call_string(call, "thingName");
    json *payload = json_get_object(call->input, "attributePayload");
    struct thing_change change = {
        .type_name = call_string(call, "thingTypeName"),
        .remove_type = call_flag(call, "removeThingType"),
        .attributes = json_get_object(payload, "attributes"),
        .merge = json_get_bool(payload, "merge", false),
        .counts = true,
    };
    if (change.remove_type && change.type_name != NULL)
        return error_new(call, "InvalidRequestException",
                         "removeThingType and thingTypeName are both given: shall thing %s have a type or none?", name);
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return registry_no_thing(call, name);
    TRY(check_version(call, thing));
    TRY(registry_change_thing(call, thing, &change));
    return answer(call);
}

/* ---- ListThings ----
   One driver a filter, each in name order over an index: an exact attribute value, a type, or all things. What the
   driver cannot say is said by a column that tells whether the row is wanted. */

struct filter {
    const char *type, *attribute;
    slice value;
    bool prefix;
    struct value low, high; /* values in [low, high) are wanted; high NULL: any from low on */
};

static json *thing_entry(struct call *call, const struct row *row)
{
    const char *name = row_text(call, row, 0);
    json *thing = json_object_new_object();
    json_put_text(thing, "thingName", name);
    json_put_text(thing, "thingTypeName", row_text(call, row, 1));
    json_put_text(thing, "thingArn", call_arn(call, "thing/%s", name));
    json_put_integer(thing, "version", row_integer(row, 2));
    json_put_text(thing, "attributes", row_text(call, row, 4)); /* as stored: list_things reads them */
    return thing;
}

#define WANTED_ATTRIBUTE                                                                               \
    "EXISTS (SELECT 1 FROM thing_attribute a WHERE a.account = t.account AND a.region = t.region AND " \
    "a.thing = t.name AND a.name = ?5 AND a.value >= ?6 AND (?7 IS NULL OR a.value < ?7))"

static FALLIBLE walk_things(struct window *window, const char *after, int64_t most)
{
    const struct filter *filter = window->arg;
    struct call *call = window->call;
    struct value account = sql_text(call->account), region = sql_text(call->region), from = sql_text(after);
    struct value rows = sql_integer(most), attribute = sql_text(filter->attribute), type = sql_text(filter->type);

    if (filter->attribute && filter->value.at && !filter->prefix)
        return store_each(call->tx, window_row, window,
                          "SELECT t.name, t.type_name, t.version, (?7 IS NULL OR t.type_name IS ?7), t.attributes "
                          "FROM (SELECT thing FROM thing_attribute WHERE account = ?1 AND region = ?2 AND name = ?5 "
                          "AND value = ?6 AND thing > ?3 ORDER BY thing LIMIT ?4) a "
                          "JOIN thing t ON t.account = ?1 AND t.region = ?2 AND t.name = a.thing ORDER BY t.name",
                          ARGS(account, region, from, rows, attribute, sql_slice(filter->value), type));
    if (filter->type) /* names alone from the index that has nothing else, or the primary key is walked in its place */
        return store_each(
            call->tx, window_row, window,
            "SELECT t.name, t.type_name, t.version, (?5 IS NULL OR " WANTED_ATTRIBUTE "), t.attributes "
            "FROM (SELECT name FROM thing WHERE account = ?1 AND region = ?2 AND type_name = ?8 AND name > ?3 "
            "ORDER BY name LIMIT ?4) n JOIN thing t ON t.account = ?1 AND t.region = ?2 AND t.name = n.name "
            "ORDER BY t.name",
            ARGS(account, region, from, rows, attribute, filter->low, filter->high, type));
    return store_each(call->tx, window_row, window,
                      "SELECT t.name, t.type_name, t.version, (?5 IS NULL OR " WANTED_ATTRIBUTE "), t.attributes "
                      "FROM (SELECT * FROM thing WHERE account = ?1 AND region = ?2 AND name > ?3 "
                      "ORDER BY name LIMIT ?4) t ORDER BY t.name",
                      ARGS(account, region, from, rows, attribute, filter->low, filter->high));
}

/* The texts that start with the prefix lie before the prefix with its last character raised: values are ASCII
   (x509.md 4.13). */
static void set_range(struct call *call, struct filter *filter)
{
    filter->low = sql_text("");
    filter->high = SQL_NULL;
    if (!filter->prefix || filter->value.length == 0)
        return;
    char *next = text_copy_n(call, filter->value.at, filter->value.length);
    next[filter->value.length - 1]++;
    filter->low = sql_slice(filter->value);
    filter->high = sql_text(next);
}

static FALLIBLE list_things(struct call *call)
{
    struct filter filter = {
        .type = call_string(call, "thingTypeName"),
        .attribute = call_string(call, "attributeName"),
        .value = call_text(call, "attributeValue"),
        .prefix = call_flag(call, "usePrefixAttributeValue"),
    };
    struct window window = { .call = call, .member = "things", .entry = thing_entry, .wanted = 3 };
    if (filter.value.at && !filter.attribute)
        return error_new(call, "InvalidRequestException",
                         "attributeValue needs attributeName: which attribute has it?");
    set_range(call, &filter);
    TRY(window_fill(&window, walk_things, &filter));
    for (size_t i = 0; i < json_object_array_length(window.array); i++) {
        json *thing = json_object_array_get_idx(window.array, i), *attributes;
        TRY(json_parse(call, slice_of(json_get_text(thing, "attributes")), 2, &attributes));
        json_put(thing, "attributes", json_object_get(attributes));
    }
    return window_answer(&window);
}

/* ---- DeleteThing: unknown is a success; attached principals forbid it ---- */

static FALLIBLE delete_thing(struct call *call)
{
    struct thing *thing;
    struct row *attached;
    const char *name = call_string(call, "thingName");
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    if (thing == NULL)
        return answer(call);
    TRY(check_version(call, thing));
    TRY(store_find(call->tx, call, &attached,
                   "SELECT 1 FROM thing_principal WHERE account = ? AND region = ? AND thing = ? LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (attached != NULL)
        return error_new(call, "InvalidRequestException",
                         "Cannot delete. Thing %s is still attached to one or more principals", name);
    TRY(registry_delete_thing(call, thing));
    return answer(call);
}

const struct operation registry_op_create_thing = { "iot", "CreateThing", STEPS({ APPLY, create }) };
const struct operation registry_op_update_thing = { "iot", "UpdateThing", STEPS({ APPLY, update }) };
const struct operation registry_op_describe_thing = { "iot", "DescribeThing", STEPS({ READ, describe }) };
const struct operation registry_op_list_things = { "iot", "ListThings", STEPS({ READ, list_things }) };
const struct operation registry_op_delete_thing = { "iot", "DeleteThing", STEPS({ APPLY, delete_thing }) };

const struct operation *const registry_operations[] = {
    &registry_op_create_thing,
    &registry_op_update_thing,
    &registry_op_describe_thing,
    &registry_op_list_things,
    &registry_op_delete_thing,
    &registry_op_create_type,
    &registry_op_update_type,
    &registry_op_describe_type,
    &registry_op_list_types,
    &registry_op_deprecate_type,
    &registry_op_delete_type,
    &registry_op_list_thing_principals,
    &registry_op_list_thing_principals_v2,
    NULL,
};
