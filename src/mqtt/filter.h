/* filter.h - topic filters.

   A topic name is a path of levels: "pumps/p7/state". A filter is such a path with wildcards: '+' stands for
   one level, whatever it holds; '#' for all that lies below its parent, and only at the end.

       filter           matches                          does not match
       pumps/+/state    pumps/p7/state, pumps//state     pumps/state
       pumps/#          pumps/, pumps/p7/state           pumps2; "pumps" itself only where the limits say so
       +, #             p7; every name                   $aws/events    (MQTT-4.7.2-1)

   "$share/GROUP/FILTER" is FILTER, shared out among the members of GROUP. Nothing here allocates, except an error.
   Slices that come out point into the slices that went in. */
#pragma once
#include "mqtt/topic.h"

struct mqtt_filter {
    slice group; /* empty when the filter is not shared */
    slice path;
};

/* Fails with TopicFilterInvalid (0x8f), and says which rule was broken in which text. */
FALLIBLE mqtt_parse_filter(void *ctx, const struct mqtt_limits *limits, slice text, struct mqtt_filter *out);

bool mqtt_filter_matches(const struct mqtt_limits *limits, const struct mqtt_filter *filter, slice name);

bool mqtt_filter_has_wildcard(const struct mqtt_filter *filter);
