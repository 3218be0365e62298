/* thing.c - CreateThing, DescribeThing, ListThings, DeleteThing (x509.md 2.3, 4.13). */
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

/* ---- ListThings ----
   One driver a filter, each in name order over an index: an exact attribute value, a type, or all things. What the
   driver cannot say is said by a column that tells whether the row is wanted. A call examines a window of rows; a page
   may so be short, or empty, and still have a next one. */

struct listing {
    struct call *call;
    struct page page;
    const char *type, *attribute;
    slice value;
    bool prefix;
    int64_t window; /* rows examined at most */
    int64_t examined;
    bool full;
    const char *last_examined;
    json *things;
};

static FALLIBLE examine(const struct row *row, void *arg)
{
    struct listing *list = arg;
    if (list->full)
        return NULL;
    const char *name = row_text(list->call, row, 0);
    list->examined++;
    if (row_integer(row, 3) && !page_take(list->call, &list->page, name)) {
        list->full = true;
        return NULL;
    }
    list->last_examined = name;
    if (!row_integer(row, 3))
        return NULL;
    json *thing = json_object_new_object();
    json_put_text(thing, "thingName", name);
    json_put_text(thing, "thingTypeName", row_text(list->call, row, 1));
    json_put_text(thing, "thingArn", call_arn(list->call, "thing/%s", name));
    json_put_integer(thing, "version", row_integer(row, 2));
    json_add(list->things, thing);
    return NULL;
}

#define WANTED_ATTRIBUTE                                                                               \
    "EXISTS (SELECT 1 FROM thing_attribute a WHERE a.account = t.account AND a.region = t.region AND " \
    "a.thing = t.name AND a.name = ?4 AND a.value >= ?5 AND (?6 IS NULL OR a.value < ?6))"

static FALLIBLE walk(struct listing *list)
{
    struct call *call = list->call;
    struct value account = sql_text(call->account), region = sql_text(call->region);
    struct value after = sql_text(list->page.after ? list->page.after : "");
    struct value rows = sql_integer(list->window);

    if (list->attribute && list->value.at && !list->prefix)
        return store_each(call->tx, examine, list,
                          "SELECT t.name, t.type_name, t.version, (?6 IS NULL OR t.type_name IS ?6) "
                          "FROM (SELECT thing FROM thing_attribute WHERE account = ?1 AND region = ?2 AND name = ?4 "
                          "AND value = ?5 AND thing > ?3 ORDER BY thing LIMIT ?7) a "
                          "JOIN thing t ON t.account = ?1 AND t.region = ?2 AND t.name = a.thing ORDER BY t.name",
                          ARGS(account, region, after, sql_text(list->attribute), sql_slice(list->value),
                               sql_text(list->type), rows));

    slice past = list->prefix ? list->value : (slice){ NULL, 0 };
    struct value low = sql_text(""), high = SQL_NULL;
    if (past.length > 0) {
        /* the first text after all that start with the prefix: values are ASCII (x509.md 4.13) */
        char *next = text_copy_n(call, past.at, past.length);
        next[past.length - 1]++;
        low = sql_slice(past);
        high = sql_text(next);
    }
    if (list->type)
        return store_each(
            call->tx, examine, list,
            "SELECT t.name, t.type_name, t.version, (?4 IS NULL OR " WANTED_ATTRIBUTE ") "
            "FROM (SELECT * FROM thing WHERE account = ?1 AND region = ?2 AND type_name = ?7 AND name > ?3 "
            "ORDER BY name LIMIT ?8) t ORDER BY t.name",
            ARGS(account, region, after, sql_text(list->attribute), low, high, sql_text(list->type), rows));
    return store_each(call->tx, examine, list,
                      "SELECT t.name, t.type_name, t.version, (?4 IS NULL OR " WANTED_ATTRIBUTE ") "
                      "FROM (SELECT * FROM thing WHERE account = ?1 AND region = ?2 AND name > ?3 "
                      "ORDER BY name LIMIT ?7) t ORDER BY t.name",
                      ARGS(account, region, after, sql_text(list->attribute), low, high, rows));
}

static FALLIBLE list_things(struct call *call)
{
    struct listing list = {
        .call = call,
        .type = call_string(call, "thingTypeName"),
        .attribute = call_string(call, "attributeName"),
        .value = call_text(call, "attributeValue"),
        .prefix = call_flag(call, "usePrefixAttributeValue"),
        .things = json_new_array(call),
    };
    if (list.value.at && !list.attribute)
        return error_new(call, "InvalidRequestException",
                         "attributeValue needs attributeName: which attribute has it?");
    TRY(page_begin(call, &list.page));
    list.window = list.attribute ? REGISTRY_ROWS_A_PAGE : list.page.size + 1;
    TRY(walk(&list));
    if (!list.page.more && list.examined == list.window) {
        list.page.more = true;
        list.page.last = list.last_examined;
    }
    for (size_t i = 0; i < json_object_array_length(list.things); i++) {
        json *thing = json_object_array_get_idx(list.things, i), *attributes;
        TRY(registry_read_attributes(call->tx, call, call->account, call->region, json_get_text(thing, "thingName"),
                                     &attributes));
        json_put(thing, "attributes", json_object_get(attributes));
    }
    return page_answer(call, &list.page, "things", list.things);
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
    if (call_has(call, "expectedVersion") && call_number(call, "expectedVersion", 0) != thing->version)
        return error_new(call, "VersionConflictException",
                         "The version for thing %s does not match the expected version.", name);
    TRY(store_find(call->tx, call, &attached,
                   "SELECT 1 FROM thing_principal WHERE account = ? AND region = ? AND thing = ? LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (attached != NULL)
        return error_new(call, "InvalidRequestException",
                         "Cannot delete. Thing %s is still attached to one or more principals", name);
    TRY(registry_delete_thing(call, name));
    return answer(call);
}

const struct operation registry_op_create_thing = { "iot", "CreateThing", STEPS({ APPLY, create }) };
const struct operation registry_op_describe_thing = { "iot", "DescribeThing", STEPS({ READ, describe }) };
const struct operation registry_op_list_things = { "iot", "ListThings", STEPS({ READ, list_things }) };
const struct operation registry_op_delete_thing = { "iot", "DeleteThing", STEPS({ APPLY, delete_thing }) };

const struct operation *const registry_operations[] = {
    &registry_op_create_thing,          &registry_op_describe_thing,        &registry_op_list_things,
    &registry_op_delete_thing,          &registry_op_create_type,           &registry_op_describe_type,
    &registry_op_list_thing_principals, &registry_op_list_principal_things, NULL,
};
