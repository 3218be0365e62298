/* keys.c - the keys that IoT policies may ask for (broker.md 4.11). */
#include "broker/broker.h"
#include "base/clock.h"
#include <stdio.h>
#include <strings.h>

static bool one(struct policy_values *out, const char *text)
{
    if (text == NULL)
        return false;
    policy_values_one(out, slice_of(text));
    return true;
}

static bool client_id(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, asker->client_id);
}

static bool source_ip(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, asker->address);
}

static bool domain_name(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, asker->server_name);
}

static bool secure(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, asker->secure);
}

static bool current_time(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)asker, (void)rest;
    clock_iso8601(clock_now_ms(), out->room);
    return one(out, out->room);
}

static bool epoch_time(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)asker, (void)rest;
    snprintf(out->room, sizeof(out->room), "%lld", (long long)clock_now_s());
    return one(out, out->room);
}

static bool certificate_id(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    (void)rest;
    return one(out, asker->principal->id);
}

/* ThingName, ThingTypeName, IsAttached, Attributes[name] */
static bool thing_fact(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    const struct principal_thing *thing = asker->principal->thing;
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
static bool certificate_fact(const struct policy_asker *asker, slice rest, struct policy_values *out)
{
    for (size_t i = 0; i < asker->principal->fact_count; i++) {
        const struct principal_fact *fact = &asker->principal->facts[i];
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
    bool (*find)(const struct policy_asker *asker, slice rest, struct policy_values *out);
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

bool broker_find_key(void *asker, slice key, struct policy_values *out)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        size_t length = strlen(keys[i].name);
        if (key.length < length || strncasecmp(key.at, keys[i].name, length) != 0)
            continue;
        if (keys[i].is_prefix || key.length == length)
            return keys[i].find(asker, slice_from(key, length), out);
    }
    return false;
}
