/* thing_rows.c - rows of things and their attributes, for operations here and templates above, and the events of what
   changes them, whatever way it came (x509.md 3.8, 4.13). */
#include "registry/inner.h"
#include "base/random.h"

FALLIBLE registry_find_thing(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct thing **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT id, type_name, billing_group, version, attributes FROM thing "
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
    TRY(json_parse(thing, row_slice(row, 4), 2, &thing->attributes));
    *out = thing;
    return NULL;
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

/* What is searched for; the thing's own row holds them for whoever reads it. */
static FALLIBLE index_attributes(struct call *call, const char *thing, json *attributes)
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

/* ---- events ---- */

FALLIBLE registry_tell_thing(struct call *call, const struct thing *thing, const char *operation)
{
    json *members = json_new_object(call);
    json_put_text(members, "thingId", thing->id);
    json_put_text(members, "thingName", thing->name);
    json_put_integer(members, "versionNumber", thing->version);
    json_put(members, "thingTypeName", thing->type_name ? json_object_new_string(thing->type_name) : NULL);
    json_put(members, "attributes", json_object_get(thing->attributes));
    return registry_event(call, EVENT_THING, text_format(call, "thing/%s", thing->name), operation, members);
}

static FALLIBLE tell_type(struct call *call, const struct thing *thing, const char *type, const char *operation)
{
    if (type == NULL)
        return NULL;
    json *members = json_new_object(call);
    json_put_text(members, "thingId", thing->id);
    json_put_text(members, "thingName", thing->name);
    json_put_text(members, "thingTypeName", type);
    return registry_event(call, EVENT_THING_TYPE_ASSOCIATION,
                          text_format(call, "thingTypeAssociation/thing/%s/thingType/%s", thing->name, type), operation,
                          members);
}

/* ---- CreateThing ---- */

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
    if (!registry_same_text(found->type_name, wanted->type_name))
        return exists(call, found, "thing type");
    if (!registry_same_text(found->billing_group, wanted->billing_group))
        return exists(call, found, "billing group");
    return NULL;
}

FALLIBLE registry_create_thing(struct call *call, const struct thing *wanted, struct thing **out)
{
    json *attributes = registry_attributes_after(call, NULL, wanted->attributes, false);
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
                  "INSERT INTO thing (account, region, name, id, type_name, billing_group, version, created, "
                  "attributes) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(thing->name), sql_text(thing->id),
                       sql_text(thing->type_name), sql_text(thing->billing_group), sql_integer(call->now_ms),
                       sql_slice(json_print(call, attributes)))));
    TRY(index_attributes(call, thing->name, attributes));
    TRY(call_change(call, "thing", thing->name, "CREATED", NULL));
    *out = thing;
    TRY(registry_tell_thing(call, thing, "CREATED"));
    return tell_type(call, thing, thing->type_name, "ADDED");
}

/* ---- changes ---- */

/* What the thing becomes; fails when it may not. */
static FALLIBLE plan_change(struct call *call, const struct thing *thing, const struct thing_change *change,
                            struct thing *out)
{
    *out = *thing;
    if (change->type_name != NULL || change->remove_type)
        out->type_name = change->type_name;
    if (change->billing_group != NULL || change->remove_billing_group)
        out->billing_group = change->billing_group;
    if (change->attributes != NULL)
        out->attributes = registry_attributes_after(call, thing->attributes, change->attributes, change->merge);
    out->version++;
    if (out->type_name != NULL && !registry_same_text(thing->type_name, out->type_name))
        TRY(check_type(call, out->type_name));
    if (out->billing_group != NULL && !registry_same_text(thing->billing_group, out->billing_group))
        TRY(registry_need_billing_group(call, out->billing_group));
    return check_attributes(call, thing->name, out->attributes, out->type_name != NULL);
}

FALLIBLE registry_change_thing(struct call *call, struct thing *thing, const struct thing_change *change)
{
    struct thing after, before = *thing;
    TRY(plan_change(call, thing, change, &after));
    bool type_moves = !registry_same_text(after.type_name, before.type_name);
    bool attributes_move = !json_same(after.attributes, before.attributes);
    bool moves = type_moves || attributes_move || !registry_same_text(after.billing_group, before.billing_group);
    if (!moves && !change->counts)
        return NULL;

    *thing = after;
    TRY(store_run(call->tx, NULL,
                  "UPDATE thing SET type_name = ?, billing_group = ?, version = ?, attributes = ? "
                  "WHERE account = ? AND region = ? AND name = ?",
                  ARGS(sql_text(after.type_name), sql_text(after.billing_group), sql_integer(after.version),
                       sql_slice(json_print(call, after.attributes)), sql_text(call->account), sql_text(call->region),
                       sql_text(after.name))));
    if (attributes_move)
        TRY(index_attributes(call, after.name, after.attributes));
    TRY(call_change(call, "thing", after.name, "UPDATED", NULL));
    if (!moves) /* one change, one message: none for nothing (provisioning.md 4.14) */
        return NULL;
    TRY(registry_tell_thing(call, thing, "UPDATED"));
    if (!type_moves)
        return NULL;
    TRY(tell_type(call, thing, before.type_name, "REMOVED"));
    return tell_type(call, thing, after.type_name, "ADDED");
}

/* ---- the end of a thing: its groups and its type lose it first ---- */

FALLIBLE registry_delete_thing(struct call *call, const struct thing *thing)
{
    static const char *const statements[] = {
        "DELETE FROM thing_attribute WHERE account = ? AND region = ? AND thing = ?",
        "DELETE FROM thing WHERE account = ? AND region = ? AND name = ?",
    };
    const char **groups;
    size_t count;
    TRY(registry_groups_of_thing(call->tx, call, call->account, call->region, thing->name, &groups, &count));
    for (size_t i = 0; i < count; i++)
        TRY(registry_leave_group(call, groups[i], thing->name));
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
        TRY(store_run(call->tx, NULL, statements[i],
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(thing->name))));
    TRY(call_change(call, "thing", thing->name, "DELETED", NULL));
    TRY(tell_type(call, thing, thing->type_name, "REMOVED"));
    return registry_tell_thing(call, thing, "DELETED");
}
