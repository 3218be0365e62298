/* thing_type.c - CreateThingType, DescribeThingType (x509.md 2.3, 4.13). */
#include "registry/inner.h"
#include "base/random.h"

enum { SEARCHABLE_MAX = 3, PROPAGATING_MAX = 20 };

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

static bool same_type(const struct thing_type *a, const struct thing_type *b)
{
    bool same_description = (a->description == NULL) == (b->description == NULL) &&
                            (a->description == NULL || strcmp(a->description, b->description) == 0);
    bool same_mqtt5 = (a->mqtt5 == NULL) == (b->mqtt5 == NULL) && (a->mqtt5 == NULL || json_same(a->mqtt5, b->mqtt5));
    return same_description && same_mqtt5 && json_same(a->searchable, b->searchable);
}

static FALLIBLE check_properties(struct call *call, const struct thing_type *wanted)
{
    json *propagating = json_get_array(wanted->mqtt5, "propagatingAttributes");
    if (json_object_array_length(wanted->searchable) > SEARCHABLE_MAX)
        return error_new(call, "InvalidRequestException", "searchableAttributes: at most %d names are allowed.",
                         SEARCHABLE_MAX);
    if (propagating != NULL && json_object_array_length(propagating) > PROPAGATING_MAX)
        return error_new(call, "InvalidRequestException", "propagatingAttributes: at most %d are allowed.",
                         PROPAGATING_MAX);
    return NULL;
}

static struct thing_type wanted_type(struct call *call)
{
    json *properties = json_get_object(call->input, "thingTypeProperties");
    json *searchable = json_get_array(properties, "searchableAttributes");
    return (struct thing_type){
        .name = call_string(call, "thingTypeName"),
        .description = json_get_text(properties, "thingTypeDescription"),
        .searchable = searchable ? searchable : json_new_array(call),
        .mqtt5 = json_get_object(properties, "mqtt5Configuration"),
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
    const char *id = random_uuid(call);
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO thing_type (account, region, name, id, description, searchable, mqtt5, created) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(wanted.name), sql_text(id),
                       sql_text(wanted.description), sql_slice(json_print(call, wanted.searchable)),
                       wanted.mqtt5 ? sql_slice(json_print(call, wanted.mqtt5)) : SQL_NULL,
                       sql_integer(call->now_ms))));
    TRY(registry_write_tags(call, call_arn(call, "thingtype/%s", wanted.name)));
    TRY(call_change(call, "thing-type", wanted.name, "CREATED", NULL));
    return answer_type(call, wanted.name, id);
}

static FALLIBLE describe(struct call *call)
{
    struct thing_type *type;
    const char *name = call_string(call, "thingTypeName");
    TRY(registry_find_type(call->tx, call, call->account, call->region, name, &type));
    if (type == NULL)
        return error_new(call, "ResourceNotFoundException", "Thing type %s cannot be found.", name);

    json *properties = json_object_new_object();
    json_put_text(properties, "thingTypeDescription", type->description);
    json_put(properties, "searchableAttributes", json_object_get(type->searchable));
    if (type->mqtt5 != NULL)
        json_put(properties, "mqtt5Configuration", json_object_get(type->mqtt5));
    json *metadata = json_object_new_object();
    json_put_bool(metadata, "deprecated", type->deprecated);
    if (type->deprecated)
        json_put_time(metadata, "deprecationDate", type->deprecated_at);
    json_put_time(metadata, "creationDate", type->created);
    return answer(call, string("thingTypeName", name), string("thingTypeId", type->id),
                  string("thingTypeArn", call_arn(call, "thingtype/%s", name)),
                  value_of("thingTypeProperties", properties), value_of("thingTypeMetadata", metadata));
}

const struct operation registry_op_create_type = { "iot", "CreateThingType", STEPS({ APPLY, create }) };
const struct operation registry_op_describe_type = { "iot", "DescribeThingType", STEPS({ READ, describe }) };
