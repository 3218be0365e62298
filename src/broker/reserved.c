/* reserved.c - the topics that begin with `$`: which a client may publish to and subscribe to (broker.md 4.8). */
#include "broker/inner.h"

static const char not_reserved[] = "topics that begin with $ are reserved";
static const char forgery[] = "only the service publishes here";
static const char basic_ingest[] = "$aws/rules/ is for publishing only";

/* The first row whose filter matches the topic tells. NULL: allowed. What is not built yet says so by name. */
static const struct reserved {
    const char *filter;
    const char *publish, *subscribe;
} table[] = {
    { "$aws/certificates/create/json", NULL, not_reserved },
    { "$aws/certificates/create/cbor", NULL, not_reserved },
    { "$aws/certificates/create-from-csr/json", NULL, not_reserved },
    { "$aws/certificates/create-from-csr/cbor", NULL, not_reserved },
    { "$aws/provisioning-templates/+/provision/json", NULL, not_reserved },
    { "$aws/provisioning-templates/+/provision/cbor", NULL, not_reserved },
    { "$aws/certificates/create/+/accepted", forgery, NULL },
    { "$aws/certificates/create/+/rejected", forgery, NULL },
    { "$aws/certificates/create-from-csr/+/accepted", forgery, NULL },
    { "$aws/certificates/create-from-csr/+/rejected", forgery, NULL },
    { "$aws/provisioning-templates/+/provision/+/accepted", forgery, NULL },
    { "$aws/provisioning-templates/+/provision/+/rejected", forgery, NULL },
    { "$aws/things/+/shadow/#", "the Device Shadow service is not implemented yet", NULL },
    { "$aws/things/+/jobs/#", "the Jobs service is not implemented yet", NULL },
    { "$aws/things/+/defender/#", "Device Defender is not implemented", NULL },
    { "$aws/things/+/streams/#", "the Streams service is not implemented yet", NULL },
    { "$aws/things/+/tunnels/notify", forgery, NULL },
    { "$aws/things/+/greengrass/health/json", "the Greengrass service is not implemented yet", not_reserved },
    { "$aws/things/+/greengrassv2/health/json", "the Greengrass service is not implemented yet", not_reserved },
    { "$aws/device_location/#", "Device Location is not implemented", NULL },
    { "$aws/commands/#", "the Commands service is not implemented yet", NULL },
    { "$aws/rules/#", "topic rules are not implemented yet", basic_ingest },
    { "$aws/events/#", forgery, NULL },
};

/* '+' stands for the name of a template or a thing, and no name is empty. */
static bool names_are_there(slice filter, slice topic)
{
    slice want, have;
    while (slice_split(&filter, '/', &want) && slice_split(&topic, '/', &have))
        if (slice_is(want, "+") && have.length == 0)
            return false;
    return true;
}

static const struct reserved *row_of(slice topic)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct mqtt_filter filter = { .path = slice_of(table[i].filter) };
        if (mqtt_filter_matches(&mqtt_limits_aws, &filter, topic) && names_are_there(filter.path, topic))
            return &table[i];
    }
    return NULL;
}

const char *reserved_publish(slice topic)
{
    if (!slice_starts(topic, "$"))
        return NULL;
    const struct reserved *row = row_of(topic);
    return row ? row->publish : not_reserved;
}

/* A wildcard filter below $aws/ is grantable, but for $aws/rules/: what it matches is decided at delivery. */
const char *reserved_subscribe(slice filter)
{
    if (!slice_starts(filter, "$"))
        return NULL;
    if (slice_starts(filter, "$aws/rules"))
        return basic_ingest;
    struct mqtt_filter parsed = { .path = filter };
    if (slice_starts(filter, "$aws/") && mqtt_filter_has_wildcard(&parsed))
        return NULL;
    const struct reserved *row = row_of(filter);
    return row ? row->subscribe : not_reserved;
}
