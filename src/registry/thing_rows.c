/* thing_rows.c - rows of things and their attributes, for operations here and templates above (x509.md 4.13). */
#include "registry/registry.h"
#include "registry/inner.h"
#include "base/random.h"

static FALLIBLE collect_attribute(const struct row *row, void *arg)
{
    SCRATCH ctx = talloc_new(NULL);
    json_put_slice(arg, row_text(ctx, row, 0), row_slice(row, 1));
    return NULL;
}

FALLIBLE registry_read_attributes(struct tx *tx, void *ctx, const char *account, const char *region, const char *thing,
                                  json **out)
{
    *out = json_new_object(ctx);
    return store_each(tx, collect_attribute, *out,
                      "SELECT name, value FROM thing_attribute WHERE account = ? AND region = ? AND thing = ? "
                      "ORDER BY name",
                      ARGS(sql_text(account), sql_text(region), sql_text(thing)));
}

FALLIBLE registry_find_thing(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct thing **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT id, type_name, billing_group, version FROM thing "
                   "WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(name))));
    if (row == NULL)
        return NULL;

    struct thing *thing = MAKE(ctx, struct thing);
    thing->name = text_copy(thing, name);
    thing->id = row_text(thing, row, 0);
    thing->type_name = row_text(thing, row, 1);
    thing->billing_group = row_text(thing, row, 2);
    thing->version = row_integer(row, 3);
    TRY(registry_read_attributes(tx, thing, account, region, name, &thing->attributes));
    *out = thing;
    return NULL;
}

/* Empty values are dropped in create and replace (x509.md 4.13). */
static json *without_empty(void *ctx, const json *given)
{
    json *kept = json_new_object(ctx);
    if (given != NULL) {
        json_object_object_foreach ((json *)given, name, value) {
            if (json_text(value).length > 0)
                json_put_slice(kept, name, json_text(value));
        }
    }
    return kept;
}

static FALLIBLE check_attributes(void *ctx, const char *thing, json *attributes, bool has_type)
{
    int count = json_object_object_length(attributes);
    int most = has_type ? THING_ATTRIBUTES_WITH_TYPE : THING_ATTRIBUTES_WITHOUT_TYPE;
    size_t bytes = 0;

    json_object_object_foreach (attributes, name, value)
        bytes += strlen(name) + json_text(value).length;
    if (count > most)
        return error_new(ctx, "InvalidRequestException",
                         "attributePayload: thing %s would have %d attributes; a thing %s thing type has at most %d.",
                         thing, count, has_type ? "with a" : "without", most);
    if (bytes > THING_ATTRIBUTE_BYTES)
        return error_new(ctx, "InvalidRequestException",
                         "attributePayload: the attributes of thing %s take %zu bytes; at most %d are allowed.", thing,
                         bytes, THING_ATTRIBUTE_BYTES);
    return NULL;
}

static FALLIBLE check_type(struct call *call, const char *name)
{
    struct thing_type *type;
    TRY(registry_find_type(call->tx, call, call->account, call->region, name, &type));
    if (type == NULL)
        return error_new(call, "ResourceNotFoundException", "Thing type %s cannot be found.", name);
    if (type->deprecated)
        return error_new(call, "InvalidRequestException",
                         "thingTypeName: thing type %s is deprecated; no thing can be given it.", name);
    return NULL;
}

FALLIBLE registry_need_billing_group(struct call *call, const char *name)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, "SELECT 1 FROM billing_group WHERE account = ? AND region = ? AND name = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    if (row == NULL)
        return error_new(call, "ResourceNotFoundException", "Billing group %s cannot be found.", name);
    return NULL;
}

static FALLIBLE write_attributes(struct call *call, const char *thing, json *attributes)
{
    TRY(store_run(call->tx, NULL, "DELETE FROM thing_attribute WHERE account = ? AND region = ? AND thing = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(thing))));
    json_object_object_foreach (attributes, name, value) {
        TRY(store_run(call->tx, NULL,
                      "INSERT INTO thing_attribute (account, region, thing, name, value) VALUES (?, ?, ?, ?, ?)",
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(thing), sql_text(name),
                           sql_slice(json_text(value)))));
    }
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static error *exists(struct call *call, const struct thing *thing, const char *differs)
{
    error *e = error_new(call, "ResourceAlreadyExistsException", "Thing %s already exists in account with different %s",
                         thing->name, differs);
    error_with(e, "resourceId", thing->name);
    return error_with(e, "resourceArn", call_arn(call, "thing/%s", thing->name));
}

/* CreateThing is idempotent: the same wish gives the same thing (x509.md 4.13). */
static FALLIBLE same_as_wanted(struct call *call, const struct thing *found, const struct thing *wanted,
                               const json *attributes)
{
    if (!json_same(found->attributes, attributes))
        return exists(call, found, "attributes");
    if (!same_text(found->type_name, wanted->type_name))
        return exists(call, found, "thing type");
    if (!same_text(found->billing_group, wanted->billing_group))
        return exists(call, found, "billing group");
    return NULL;
}

FALLIBLE registry_create_thing(struct call *call, const struct thing *wanted, struct thing **out)
{
    json *attributes = without_empty(call, wanted->attributes);
    TRY(registry_find_thing(call->tx, call, call->account, call->region, wanted->name, out));
    if (*out != NULL)
        return same_as_wanted(call, *out, wanted, attributes);

    if (wanted->type_name != NULL)
        TRY(check_type(call, wanted->type_name));
    if (wanted->billing_group != NULL)
        TRY(registry_need_billing_group(call, wanted->billing_group));
    TRY(check_attributes(call, wanted->name, attributes, wanted->type_name != NULL));

    struct thing *thing = MAKE(call, struct thing);
    *thing = *wanted;
    thing->id = random_uuid(thing);
    thing->version = 1;
    thing->attributes = attributes;
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO thing (account, region, name, id, type_name, billing_group, version, created) "
                  "VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(thing->name), sql_text(thing->id),
                       sql_text(thing->type_name), sql_text(thing->billing_group), sql_integer(call->now_ms))));
    TRY(write_attributes(call, thing->name, attributes));
    *out = thing;
    return call_change(call, "thing", thing->name, "CREATED", NULL);
}

/* What the attributes become: merged in, an empty value removing its name, or replaced as a whole. */
static json *changed_attributes(void *ctx, const struct thing *thing, const struct thing_change *change)
{
    if (!change->merge)
        return without_empty(ctx, change->attributes);
    json *merged = json_copy_deep(ctx, thing->attributes);
    json_object_object_foreach (change->attributes, name, value) {
        if (json_text(value).length > 0)
            json_put_slice(merged, name, json_text(value));
        else
            json_object_object_del(merged, name);
    }
    return merged;
}

FALLIBLE registry_change_thing(struct call *call, struct thing *thing, const struct thing_change *change)
{
    const char *type = change->type_name ? change->type_name : thing->type_name;
    const char *billing = change->billing_group ? change->billing_group : thing->billing_group;
    json *attributes = change->attributes ? changed_attributes(thing, thing, change) : thing->attributes;

    if (change->type_name != NULL && !same_text(thing->type_name, type))
        TRY(check_type(call, type));
    if (change->billing_group != NULL && !same_text(thing->billing_group, billing))
        TRY(registry_need_billing_group(call, billing));
    TRY(check_attributes(call, thing->name, attributes, type != NULL));
    bool attributes_move = !json_same(attributes, thing->attributes);
    if (!attributes_move && same_text(type, thing->type_name) && same_text(billing, thing->billing_group))
        return NULL;

    thing->type_name = type;
    thing->billing_group = billing;
    thing->attributes = attributes;
    thing->version++;
    TRY(store_run(call->tx, NULL,
                  "UPDATE thing SET type_name = ?, billing_group = ?, version = ? "
                  "WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(type), sql_text(billing), sql_integer(thing->version), sql_text(call->account),
                       sql_text(call->region), sql_text(thing->name))));
    if (attributes_move)
        TRY(write_attributes(call, thing->name, attributes));
    return call_change(call, "thing", thing->name, "UPDATED", NULL);
}

FALLIBLE registry_delete_thing(struct call *call, const char *name)
{
    static const char *const statements[] = {
        "DELETE FROM thing_attribute WHERE account = ? AND region = ? AND thing = ?",
        "DELETE FROM thing_group_member WHERE account = ? AND region = ? AND thing = ?",
        "DELETE FROM thing WHERE account = ? AND region = ? AND name = ?",
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
        TRY(store_run(call->tx, NULL, statements[i],
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(name))));
    return call_change(call, "thing", name, "DELETED", NULL);
}
