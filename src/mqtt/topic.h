/* topic.h - topic names, and how large names and filters may be.

   A topic name is a path of levels, "pumps/p7/state"; empty levels count. What AWS IoT Core limits is a row of a
   profile (broker 4.1, 5); a server may set its own. */
#pragma once
#include "base/bytes.h"

enum { MQTT_MAX_LEVELS = 64 }; /* no limits exceed it: the trie's walk is that deep at most */

struct mqtt_limits {
    size_t bytes;           /* of a name or filter, without "$aws/rules/RULE/" and "$share/GROUP/" */
    size_t levels;          /* one more than its slashes, likewise */
    bool hash_takes_parent; /* "a/#" matches "a" */
};

extern const struct mqtt_limits mqtt_limits_aws;      /* 256 bytes, 8 levels, "a/#" does not match "a" */
extern const struct mqtt_limits mqtt_limits_standard; /* 1024 bytes, 64 levels, "a/#" matches "a" */

/* Fails with TopicNameInvalid (0x90): empty, not UTF-8 or with U+0000, with a wildcard, too long or too deep. Whether
   a client may use the name is the broker's to say. */
FALLIBLE mqtt_check_topic_name(void *ctx, const struct mqtt_limits *limits, slice name);

/* The front of a stranger's text, at most 128 bytes of whole characters, for an error. */
slice mqtt_shown(slice text);
