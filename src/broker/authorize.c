/* authorize.c - IoT policies at work: the keys they may ask for, and the four questions (broker.md 4.11). */
#include "broker/inner.h"
#include "base/clock.h"
#include <stdio.h>

enum { RESOURCE_MAX = 2048 };

/* ---- keys ---- */

static bool one(struct policy_values *out, const char *text)
{
    if (text == NULL)
        return false;
    policy_values_one(out, slice_of(text));
    return true;
}

static bool client_id(const struct client *client, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, client->client_id);
}

static bool source_ip(const struct client *client, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, client->peer.address);
}

static bool domain_name(const struct client *client, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, client->peer.server_name);
}

static bool secure(const struct client *client, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, client->peer.tls ? "true" : "false");
}

static bool current_time(const struct client *client, slice rest, struct policy_values *out)
{
    (void)client, (void)rest;
    clock_iso8601(clock_now_ms(), out->room);
    return one(out, out->room);
}

static bool epoch_time(const struct client *client, slice rest, struct policy_values *out)
{
    (void)client, (void)rest;
    snprintf(out->room, sizeof(out->room), "%lld", (long long)clock_now_s());
    return one(out, out->room);
}

static bool certificate_id(const struct client *client, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, client->principal->id);
}

/* ThingName, ThingTypeName, IsAttached, Attributes[name] */
static bool thing_fact(const struct client *client, slice rest, struct policy_values *out)
{
    const struct principal_thing *thing = client->principal->thing;
    if (slice_is_nocase(rest, "IsAttached"))
        return one(out, thing ? "true" : "false");
    if (thing == NULL)
        return false;
    if (slice_is_nocase(rest, "ThingName"))
        return one(out, thing->name);
    if (slice_is_nocase(rest, "ThingTypeName"))
        return one(out, thing->type_name);
    if (!slice_starts(rest, "Attributes[") || !slice_ends(rest, "]"))
        return false;
    slice name = { rest.at + strlen("Attributes["), rest.length - strlen("Attributes[]") };
    for (size_t i = 0; i < thing->attribute_count; i++)
        if (slice_is(name, thing->attribute_names[i]))
            return one(out, thing->attribute_values[i]);
    return false;
}

static bool one_of_certificate(const struct principal_fact *fact, size_t index, struct policy_values *out)
{
    if (index >= fact->value_count || index >= PRINCIPAL_FACT_VALUES_MAX ||
        !policy_certificate_value_ok(slice_of(fact->values[index])))
        return false;
    return one(out, fact->values[index]);
}

static bool all_of_certificate(const struct principal_fact *fact, struct policy_values *out)
{
    out->values = fact->list;
    out->count = fact->list_count;
    return fact->list_count > 0;
}

/* Subject.CommonName, .0 the same, .1 the second, .List all of them. */
static bool certificate_fact(const struct client *client, slice rest, struct policy_values *out)
{
    for (size_t i = 0; i < client->principal->fact_count; i++) {
        const struct principal_fact *fact = &client->principal->facts[i];
        size_t length = strlen(fact->name);
        if (rest.length < length || strncasecmp(rest.at, fact->name, length) != 0)
            continue;
        slice index = slice_from(rest, length);
        if (index.length == 0)
            return one_of_certificate(fact, 0, out);
        if (index.length == 2 && index.at[0] == '.' && index.at[1] >= '0' && index.at[1] <= '9')
            return one_of_certificate(fact, (size_t)(index.at[1] - '0'), out);
        if (slice_is_nocase(index, ".List"))
            return all_of_certificate(fact, out);
    }
    return false;
}

static const struct key {
    const char *name;
    bool is_prefix;
    bool (*find)(const struct client *client, slice rest, struct policy_values *out);
} keys[] = {
    { "iot:ClientId", false, client_id },
    { "iot:Connection.Thing.", true, thing_fact },
    { "iot:Thing.", true, thing_fact },
    { "iot:CertificateId", false, certificate_id },
    { "iot:Certificate.", true, certificate_fact },
    { "aws:SourceIp", false, source_ip },
    { "iot:SourceIp", false, source_ip },
    { "iot:DomainName", false, domain_name },
    { "aws:SecureTransport", false, secure },
    { "aws:CurrentTime", false, current_time },
    { "aws:EpochTime", false, epoch_time },
};

static bool find_key(void *arg, slice key, struct policy_values *out)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        size_t length = strlen(keys[i].name);
        if (key.length < length || strncasecmp(key.at, keys[i].name, length) != 0)
            continue;
        if (keys[i].is_prefix || key.length == length)
            return keys[i].find(arg, slice_from(key, length), out);
    }
    return false;
}

/* ---- questions ---- */

static bool ask(struct client *client, const char *action, slice resource, const struct policy_key *more, size_t count,
                bool quietly)
{
    struct policy_context context = { .keys = more, .count = count, .find = find_key, .arg = client };
    struct policy_request request = { .action = slice_of(action), .resource = resource, .context = &context };
    struct policy_decision decision;
    if (policy_evaluate(client->policies, client->principal->policy_count, &request, &decision) == POLICY_ALLOW)
        return true;
    if (quietly)
        log_debug(&client->id_scope, "denied %s on %.*s", action, PRINT(resource));
    else if (!quiet_allows(&client->on->denials, client->broker->options.scope, "denials"))
        return false;
    else if (decision.effect == POLICY_EXPLICIT_DENY)
        log_info(&client->id_scope, "denied %s on %.*s by policy %s, statement %d", action, PRINT(resource),
                 decision.policy_name, decision.statement);
    else
        log_info(&client->id_scope, "denied %s on %.*s: none of %zu policies allows it", action, PRINT(resource),
                 client->principal->policy_count);
    return false;
}

static slice resource_of(const struct client *client, char room[RESOURCE_MAX], const char *kind, slice name)
{
    int length = snprintf(room, RESOURCE_MAX, "arn:aws:iot:%s:%s:%s%.*s", client->principal->region,
                          client->principal->account, kind, PRINT(name));
    return (slice){ room, length < RESOURCE_MAX ? (size_t)length : RESOURCE_MAX - 1 };
}

bool client_may(struct client *client, const char *action, const char *kind, slice name)
{
    char room[RESOURCE_MAX];
    return ask(client, action, resource_of(client, room, kind, name), NULL, 0, false);
}

bool client_may_quietly(struct client *client, const char *action, const char *kind, slice name)
{
    char room[RESOURCE_MAX];
    return ask(client, action, resource_of(client, room, kind, name), NULL, 0, true);
}

/* iot:Connect, with what only a CONNECT has. */
bool client_may_connect(struct client *client)
{
    char room[RESOURCE_MAX], will_room[RESOURCE_MAX];
    slice attributes[2], will_topic = { NULL, 0 };
    size_t attribute_count = 0, key_count = 1;
    bool persistent = client_is_v5(client) ? client->wish.expiry_s > 0 || !client->wish.clean : !client->wish.clean;
    if (persistent)
        attributes[attribute_count++] = SLICE("PersistentConnect");
    if (client->will != NULL)
        attributes[attribute_count++] = SLICE("LastWill");
    struct policy_key more[2] = { { SLICE("iot:ConnectAttributes"), attributes, attribute_count } };
    if (client->will != NULL) {
        will_topic = resource_of(client, will_room, "topic/", client->will->topic);
        more[key_count++] = (struct policy_key){ SLICE("iot:LastWillTopic"), &will_topic, 1 };
    }
    slice resource = resource_of(client, room, "client/", slice_of(client->client_id));
    return ask(client, "iot:Connect", resource, more, key_count, false);
}
