/* event.c - event configurations and registry events (x509.md 2.5, 3.8; provisioning.md 3.7, 4.14).

   A kind without a row is off. What is published is an effect of the call: it leaves after the commit, in the order in
   which the call made it, and is lost when the process dies in between. */
#include "registry/registry.h"
#include "base/random.h"
#include <ctype.h>

static const struct kind {
    const char *name, *type;
    bool anonymous; /* the message does not say whose account it is */
} kinds[REGISTRY_EVENTS] = {
    [EVENT_THING] = { "THING", "THING_EVENT", false },
    [EVENT_THING_GROUP] = { "THING_GROUP", "THING_GROUP_EVENT", false },
    [EVENT_THING_TYPE] = { "THING_TYPE", "THING_TYPE_EVENT", false },
    [EVENT_THING_GROUP_MEMBERSHIP] = { "THING_GROUP_MEMBERSHIP", "THING_GROUP_MEMBERSHIP_EVENT", false },
    [EVENT_THING_GROUP_HIERARCHY] = { "THING_GROUP_HIERARCHY", "THING_GROUP_HIERARCHY_EVENT", false },
    [EVENT_THING_TYPE_ASSOCIATION] = { "THING_TYPE_ASSOCIATION", "THING_TYPE_ASSOCIATION_EVENT", true },
    [EVENT_JOB] = { "JOB", "JOB", false },
    [EVENT_JOB_EXECUTION] = { "JOB_EXECUTION", "JOB_EXECUTION", false },
    [EVENT_POLICY] = { "POLICY", "POLICY_EVENT", false },
    [EVENT_CERTIFICATE] = { "CERTIFICATE", "CERTIFICATE_EVENT", false },
    [EVENT_CA_CERTIFICATE] = { "CA_CERTIFICATE", "CA_CERTIFICATE_EVENT", false },
};

/* ---- messages ---- */

FALLIBLE registry_event_wanted(struct call *call, enum registry_event kind, bool *out)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT enabled FROM event_configuration WHERE account = ? AND region = ? AND kind = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(kinds[kind].name))));
    *out = row != NULL && row_integer(row, 0) != 0;
    return NULL;
}

static const char *topic_of(struct call *call, const char *subject, const char *operation)
{
    char *verb = text_copy(call, operation);
    for (char *at = verb; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return text_format(call, "$aws/events/%s/%s", subject, verb);
}

FALLIBLE registry_event(struct call *call, enum registry_event kind, const char *subject, const char *operation,
                        json *members)
{
    bool wanted;
    TRY(registry_event_wanted(call, kind, &wanted));
    if (!wanted)
        return NULL;
    json *payload = json_new_object(call);
    json_put_text(payload, "eventType", kinds[kind].type);
    json_put_text(payload, "eventId", random_uuid(call));
    json_put_integer(payload, "timestamp", call->now_ms);
    json_put_text(payload, "operation", operation);
    if (!kinds[kind].anonymous)
        json_put_text(payload, "accountId", call->account);
    json_object_object_foreach (members, name, value)
        json_put(payload, name, json_object_get(value));
    call_publish(call, topic_of(call, subject, operation), payload);
    return NULL;
}

/* ---- DescribeEventConfigurations: all kinds, and the times of the first and the last update ---- */

struct described {
    json *configurations;
    int64_t created, modified;
};

static FALLIBLE describe_kind(const struct row *row, void *arg)
{
    struct described *described = arg;
    SCRATCH ctx = talloc_new(NULL);
    json *kind = json_get_object(described->configurations, row_text(ctx, row, 0));
    int64_t created = row_integer(row, 2), modified = row_integer(row, 3);
    if (kind != NULL)
        json_put_bool(kind, "Enabled", row_integer(row, 1) != 0);
    if (described->created == 0 || created < described->created)
        described->created = created;
    if (modified > described->modified)
        described->modified = modified;
    return NULL;
}

static FALLIBLE describe(struct call *call)
{
    struct described described = { .configurations = json_new_object(call) };
    for (size_t i = 0; i < REGISTRY_EVENTS; i++) {
        json *kind = json_object_new_object();
        json_put_bool(kind, "Enabled", false);
        json_put(described.configurations, kinds[i].name, kind);
    }
    TRY(store_each(call->tx, describe_kind, &described,
                   "SELECT kind, enabled, created, modified FROM event_configuration WHERE account = ? AND region = ?",
                   ARGS(sql_text(call->account), sql_text(call->region))));
    return answer(call, value_of("eventConfigurations", json_object_get(described.configurations)),
                  time_ms("creationDate", described.created), time_ms("lastModifiedDate", described.modified));
}

/* ---- UpdateEventConfigurations: the given kinds move, the others stay; unknown ones are refused by the model ---- */

static FALLIBLE update(struct call *call)
{
    json *given = json_get_object(call->input, "eventConfigurations");
    if (given == NULL)
        return answer(call);
    json_object_object_foreach (given, kind, configuration) {
        bool enabled = json_get_bool(configuration, "Enabled", false);
        TRY(store_run(call->tx, NULL,
                      "INSERT INTO event_configuration (account, region, kind, enabled, created, modified) "
                      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, region, kind) DO UPDATE "
                      "SET enabled = excluded.enabled, modified = excluded.modified",
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(kind), sql_integer(enabled),
                           sql_integer(call->now_ms), sql_integer(call->now_ms))));
        TRY(call_change(call, "event-configuration", kind, "UPDATED", enabled ? "ENABLED" : "DISABLED"));
    }
    return answer(call);
}

static const struct operation describe_configurations = { "iot", "DescribeEventConfigurations",
                                                          STEPS({ READ, describe }) };
static const struct operation update_configurations = { "iot", "UpdateEventConfigurations", STEPS({ APPLY, update }) };

const struct operation *const registry_event_operations[] = { &describe_configurations, &update_configurations, NULL };
