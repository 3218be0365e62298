/* thing_type.c - thing types, from CreateThingType to DeleteThingType (x509.md 2.3, 4.13). */
#include "registry/inner.h"
#include "base/random.h"

enum { SEARCHABLE_MAX = 3, PROPAGATING_MAX = 20, TYPE_DELETE_DELAY_S = 300 };

FALLIBLE registry_find_type(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                            struct thing_type **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT id, description, searchable, mqtt5, deprecated, deprecated_at, created FROM thing_type "
                   "WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(name))));
    if (row == NULL)
        return NULL;

    struct thing_type *type = MAKE(ctx, struct thing_type);
    type->name = text_copy(type, name);
    type->id = row_text(type, row, 0);
    type->description = row_text(type, row, 1);
    TRY(json_parse(type, row_slice(row, 2), 4, &type->searchable));
    if (!row_is_null(row, 3))
        TRY(json_parse(type, row_slice(row, 3), 8, &type->mqtt5));
    type->deprecated = row_integer(row, 4) != 0;
    type->deprecated_at = row_integer(row, 5);
    type->created = row_integer(row, 6);
    *out = type;
    return NULL;
}

static bool has_text(json *array, const char *text)
{
    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(array, i)), text) == 0)
            return true;
    return false;
}

static bool all_in(json *array, json *other)
{
    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (!has_text(other, json_object_get_string(json_object_array_get_idx(array, i))))
            return false;
    return true;
}

/* searchableAttributes has no order. */
static bool same_type(const struct thing_type *a, const struct thing_type *b)
{
    bool same_mqtt5 = (a->mqtt5 == NULL) == (b->mqtt5 == NULL) && (a->mqtt5 == NULL || json_same(a->mqtt5, b->mqtt5));
    return same_mqtt5 && registry_same_text(a->description, b->description) && all_in(a->searchable, b->searchable) &&
           all_in(b->searchable, a->searchable);
}

/* A user property is told one value: of an attribute of the thing, or of the connection. */
static FALLIBLE check_propagating(struct call *call, json *propagating)
{
    size_t count = json_object_array_length(propagating);
    if (count > PROPAGATING_MAX)
        return error_new(call, "InvalidRequestException", "propagatingAttributes: at most %d are allowed.",
                         PROPAGATING_MAX);
    for (size_t i = 0; i < count; i++) {
        json *one = json_object_array_get_idx(propagating, i);
        const char *key = json_get_text(one, "userPropertyKey");
        if (key == NULL || *key == '\0')
            return error_new(call, "InvalidRequestException", "propagatingAttributes: each needs a userPropertyKey.");
        if ((json_get(one, "thingAttribute") != NULL) == (json_get(one, "connectionAttribute") != NULL))
            return error_new(call, "InvalidRequestException",
                             "propagatingAttributes: %s needs one of thingAttribute and connectionAttribute.", key);
        for (size_t k = 0; k < i; k++)
            if (strcmp(key, json_get_text(json_object_array_get_idx(propagating, k), "userPropertyKey")) == 0)
                return error_new(call, "InvalidRequestException",
                                 "propagatingAttributes: userPropertyKey %s is given twice.", key);
    }
    return NULL;
}

static FALLIBLE check_properties(struct call *call, const struct thing_type *wanted)
{
    json *propagating = json_get_array(wanted->mqtt5, "propagatingAttributes");
    if (json_object_array_length(wanted->searchable) > SEARCHABLE_MAX)
        return error_new(call, "InvalidRequestException", "searchableAttributes: at most %d names are allowed.",
                         SEARCHABLE_MAX);
    return propagating ? check_propagating(call, propagating) : NULL;
}

/* ---- events and refusals ---- */

static FALLIBLE tell(struct call *call, const struct thing_type *type, const char *operation)
{
    json *members = json_new_object(call);
    json_put_text(members, "thingTypeId", type->id);
    json_put_text(members, "thingTypeName", type->name);
    json_put_bool(members, "isDeprecated", type->deprecated);
    json_put(members, "deprecationDate", type->deprecated ? json_object_new_int64(type->deprecated_at) : NULL);
    json_put(members, "searchableAttributes", json_object_get(type->searchable));
    json_put(members, "description", type->description ? json_object_new_string(type->description) : NULL);
    return registry_event(call, EVENT_THING_TYPE, text_format(call, "thingType/%s", type->name), operation, members);
}

static FALLIBLE need_type(struct call *call, const char *name, struct thing_type **out)
{
    TRY(registry_find_type(call->tx, call, call->account, call->region, name, out));
    return *out ? NULL : error_new(call, "ResourceNotFoundException", "Thing type %s cannot be found.", name);
}

/* ---- CreateThingType ---- */

/* Empty properties are as good as none. */
static struct thing_type wanted_type(struct call *call)
{
    json *properties = json_get_object(call->input, "thingTypeProperties");
    json *searchable = json_get_array(properties, "searchableAttributes");
    json *mqtt5 = json_get_object(properties, "mqtt5Configuration");
    json *propagating = json_get_array(mqtt5, "propagatingAttributes");
    slice description = json_get_slice(properties, "thingTypeDescription");
    return (struct thing_type){
        .name = call_string(call, "thingTypeName"),
        .description = description.length > 0 ? slice_text(call, description) : NULL,
        .searchable = searchable ? searchable : json_new_array(call),
        .mqtt5 = propagating && json_object_array_length(propagating) > 0 ? mqtt5 : NULL,
    };
}

static error *answer_type(struct call *call, const char *name, const char *id)
{
    return answer(call, string("thingTypeName", name), string("thingTypeArn", call_arn(call, "thingtype/%s", name)),
                  string("thingTypeId", id));
}

static FALLIBLE create(struct call *call)
{
    struct thing_type wanted = wanted_type(call), *found;
    TRY(check_properties(call, &wanted));
    TRY(registry_find_type(call->tx, call, call->account, call->region, wanted.name, &found));
    if (found != NULL && same_type(found, &wanted))
        return answer_type(call, found->name, found->id);
    if (found != NULL) {
        error *e = error_new(call, "ResourceAlreadyExistsException",
                             "Thing Type %s already exists in current account with different properties", found->name);
        error_with(e, "resourceId", found->name);
        return error_with(e, "resourceArn", call_arn(call, "thingtype/%s", found->name));
    }
    wanted.id = random_uuid(call);
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO thing_type (account, region, name, id, description, searchable, mqtt5, created) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(wanted.name), sql_text(wanted.id),
                       sql_text(wanted.description), sql_slice(json_print(call, wanted.searchable)),
                       wanted.mqtt5 ? sql_slice(json_print(call, wanted.mqtt5)) : SQL_NULL,
                       sql_integer(call->now_ms))));
    TRY(registry_write_tags(call, call_arn(call, "thingtype/%s", wanted.name)));
    TRY(call_change(call, "thing-type", wanted.name, "CREATED", NULL));
    TRY(tell(call, &wanted, "CREATED"));
    return answer_type(call, wanted.name, wanted.id);
}

/* ---- DescribeThingType, ListThingTypes ---- */

static json *properties_of(const struct thing_type *type)
{
    json *properties = json_object_new_object();
    json_put_text(properties, "thingTypeDescription", type->description);
    json_put(properties, "searchableAttributes", json_object_get(type->searchable));
    if (type->mqtt5 != NULL)
        json_put(properties, "mqtt5Configuration", json_object_get(type->mqtt5));
    return properties;
}

static json *metadata_of(const struct thing_type *type)
{
    json *metadata = json_object_new_object();
    json_put_bool(metadata, "deprecated", type->deprecated);
    if (type->deprecated)
        json_put_time(metadata, "deprecationDate", type->deprecated_at);
    json_put_time(metadata, "creationDate", type->created);
    return metadata;
}

static FALLIBLE describe(struct call *call)
{
    struct thing_type *type = NULL;
    TRY(need_type(call, call_string(call, "thingTypeName"), &type));
    return answer(call, string("thingTypeName", type->name), string("thingTypeId", type->id),
                  string("thingTypeArn", call_arn(call, "thingtype/%s", type->name)),
                  value_of("thingTypeProperties", properties_of(type)),
                  value_of("thingTypeMetadata", metadata_of(type)));
}

/* By name; thingTypeName is an exact filter. */
static FALLIBLE list_types(struct call *call)
{
    struct list list = { .call = call, .member = "thingTypes", .entry = list_entry_text };
    const char *exact = call_string(call, "thingTypeName");
    json *types = json_new_array(call);
    TRY(list_begin(&list));
    struct value account = sql_text(call->account), region = sql_text(call->region);
    if (exact != NULL)
        TRY(store_each(call->tx, list_row, &list,
                       "SELECT name FROM thing_type WHERE account = ? AND region = ? AND name = ?",
                       ARGS(account, region, sql_text(exact))));
    else
        TRY(store_each(call->tx, list_row, &list,
                       "SELECT name FROM thing_type WHERE account = ? AND region = ? AND name > ? "
                       "ORDER BY name LIMIT ?",
                       ARGS(account, region, list_after(&list), list_limit(&list))));
    for (size_t i = 0; i < json_object_array_length(list.array); i++) {
        struct thing_type *type;
        const char *name = json_object_get_string(json_object_array_get_idx(list.array, i));
        TRY(need_type(call, name, &type));
        json *entry = json_object_new_object();
        json_put_text(entry, "thingTypeName", name);
        json_put_text(entry, "thingTypeArn", call_arn(call, "thingtype/%s", name));
        json_put(entry, "thingTypeProperties", properties_of(type));
        json_put(entry, "thingTypeMetadata", metadata_of(type));
        json_add(types, entry);
    }
    return page_answer(call, &list.page, list.member, types);
}

/* ---- UpdateThingType: properties that are given replace what was; the others stay ---- */

static FALLIBLE store_type(struct call *call, const struct thing_type *type)
{
    TRY(store_run(call->tx, NULL,
                  "UPDATE thing_type SET description = ?, searchable = ?, mqtt5 = ?, deprecated = ?, deprecated_at = ? "
                  "WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(type->description), sql_slice(json_print(call, type->searchable)),
                       type->mqtt5 ? sql_slice(json_print(call, type->mqtt5)) : SQL_NULL, sql_integer(type->deprecated),
                       type->deprecated ? sql_integer(type->deprecated_at) : SQL_NULL, sql_text(call->account),
                       sql_text(call->region), sql_text(type->name))));
    TRY(call_change(call, "thing-type", type->name, "UPDATED", NULL));
    return tell(call, type, "UPDATED");
}

static FALLIBLE update(struct call *call)
{
    struct thing_type *type = NULL;
    TRY(need_type(call, call_string(call, "thingTypeName"), &type));
    struct thing_type after = *type, given = wanted_type(call);
    json *properties = json_get_object(call->input, "thingTypeProperties");
    if (json_get(properties, "searchableAttributes") != NULL)
        after.searchable = given.searchable;
    if (json_get(properties, "thingTypeDescription") != NULL)
        after.description = given.description;
    if (json_get(properties, "mqtt5Configuration") != NULL)
        after.mqtt5 = given.mqtt5;
    TRY(check_properties(call, &after));
    if (!same_type(type, &after))
        TRY(store_type(call, &after));
    return answer(call);
}

/* ---- DeprecateThingType: no thing is given it any more; said again it keeps its first date ---- */

static FALLIBLE deprecate(struct call *call)
{
    struct thing_type *type = NULL;
    bool deprecated = !call_flag(call, "undoDeprecate");
    TRY(need_type(call, call_string(call, "thingTypeName"), &type));
    if (type->deprecated != deprecated) {
        type->deprecated = deprecated;
        type->deprecated_at = deprecated ? call->now_ms : 0;
        TRY(store_type(call, type));
    }
    return answer(call);
}

/* ---- DeleteThingType ---- */

/* "5 minutes" of the default, in the words that tools match on. */
static const char *wait_text(struct call *call, int64_t wait_s)
{
    return wait_s % 60 == 0 ? text_format(call, "%lld minutes", (long long)wait_s / 60)
                            : text_format(call, "%lld seconds", (long long)wait_s);
}

static FALLIBLE may_delete(struct call *call, const struct thing_type *type)
{
    const int *delay_s = door_get(call->door, REGISTRY_TYPE_DELETE_DELAY);
    int64_t wait_s = delay_s ? *delay_s : TYPE_DELETE_DELAY_S;
    struct row *thing;
    if (!type->deprecated)
        return error_new(call, "InvalidRequestException",
                         "Cannot delete thing type : %s. Please deprecate the thing type first and then retry",
                         type->name);
    TRY(store_find(call->tx, call, &thing,
                   "SELECT 1 FROM thing WHERE account = ? AND region = ? AND type_name = ? LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(type->name))));
    if (thing != NULL)
        return error_new(call, "InvalidRequestException",
                         "Cannot delete thing type : %s when there are still things associated with it.", type->name);
    if (call->now_ms - type->deprecated_at < wait_s * 1000)
        return error_new(call, "InvalidRequestException",
                         "Cannot delete thing type : %s. Please wait for %s after deprecation and then retry",
                         type->name, wait_text(call, wait_s));
    return NULL;
}

static FALLIBLE delete_type(struct call *call)
{
    struct thing_type *type = NULL;
    TRY(need_type(call, call_string(call, "thingTypeName"), &type));
    TRY(may_delete(call, type));
    TRY(registry_remove_tags(call, call_arn(call, "thingtype/%s", type->name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM thing_type WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(type->name))));
    TRY(call_change(call, "thing-type", type->name, "DELETED", NULL));
    TRY(tell(call, type, "DELETED"));
    return answer(call);
}

const struct operation registry_op_create_type = { "iot", "CreateThingType", STEPS({ APPLY, create }) };
const struct operation registry_op_update_type = { "iot", "UpdateThingType", STEPS({ APPLY, update }) };
const struct operation registry_op_describe_type = { "iot", "DescribeThingType", STEPS({ READ, describe }) };
const struct operation registry_op_list_types = { "iot", "ListThingTypes", STEPS({ READ, list_types }) };
const struct operation registry_op_deprecate_type = { "iot", "DeprecateThingType", STEPS({ APPLY, deprecate }) };
const struct operation registry_op_delete_type = { "iot", "DeleteThingType", STEPS({ APPLY, delete_type }) };
