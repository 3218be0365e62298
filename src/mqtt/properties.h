/* properties.h - what version 5 lets a packet carry besides its fields.

   Numbers and texts stand at most once; the user properties and, in a PUBLISH to a client, the subscription
   identifiers are lists in the order of the wire. Texts point into the frame or wherever the caller keeps them; the
   lists are talloc arrays of the context that mqtt_decode was given. */
#pragma once
#include "base/bytes.h"

enum mqtt_property {
    MQTT_PAYLOAD_FORMAT = 0x01,
    MQTT_MESSAGE_EXPIRY = 0x02,
    MQTT_CONTENT_TYPE = 0x03,
    MQTT_RESPONSE_TOPIC = 0x08,
    MQTT_CORRELATION_DATA = 0x09,
    MQTT_SUBSCRIPTION_ID = 0x0b,
    MQTT_SESSION_EXPIRY = 0x11,
    MQTT_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTHENTICATION_METHOD = 0x15,
    MQTT_AUTHENTICATION_DATA = 0x16,
    MQTT_REQUEST_PROBLEM_INFORMATION = 0x17,
    MQTT_WILL_DELAY = 0x18,
    MQTT_REQUEST_RESPONSE_INFORMATION = 0x19,
    MQTT_RESPONSE_INFORMATION = 0x1a,
    MQTT_SERVER_REFERENCE = 0x1c,
    MQTT_REASON_STRING = 0x1f,
    MQTT_RECEIVE_MAXIMUM = 0x21,
    MQTT_TOPIC_ALIAS_MAXIMUM = 0x22,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_MAXIMUM_QOS = 0x24,
    MQTT_RETAIN_AVAILABLE = 0x25,
    MQTT_USER_PROPERTY = 0x26,
    MQTT_MAXIMUM_PACKET_SIZE = 0x27,
    MQTT_WILDCARD_AVAILABLE = 0x28,
    MQTT_SUBSCRIPTION_ID_AVAILABLE = 0x29,
    MQTT_SHARED_AVAILABLE = 0x2a
};

#define MQTT_NEVER_EXPIRES UINT32_MAX /* as session expiry */

struct mqtt_user_property {
    slice name;
    slice value;
};

/* A field that is not there is 0 or empty; mqtt_has tells that from a 0 that is there. */
struct mqtt_properties {
    uint64_t present; /* a bit for each number and text that is there; the lists tell by their counts */

    uint32_t payload_format;
    uint32_t message_expiry_s;
    uint32_t session_expiry_s;
    uint32_t server_keep_alive_s;
    uint32_t request_problem_information;
    uint32_t will_delay_s;
    uint32_t request_response_information;
    uint32_t receive_maximum;
    uint32_t topic_alias_maximum;
    uint32_t topic_alias; /* 0 decodes, so that the server can answer 0x94 and not 0x82 */
    uint32_t maximum_qos;
    uint32_t retain_available;
    uint32_t maximum_packet_size;
    uint32_t wildcard_available;
    uint32_t subscription_id_available;
    uint32_t shared_available;

    slice content_type;
    slice response_topic;
    slice correlation_data; /* bytes, as is authentication_data; the others are text */
    slice assigned_client_id;
    slice authentication_method;
    slice authentication_data;
    slice response_information;
    slice server_reference;
    slice reason_string;

    struct mqtt_user_property *user;
    size_t user_count;
    uint32_t *subscription_ids;
    size_t subscription_id_count;
};

static inline bool mqtt_has(const struct mqtt_properties *properties, enum mqtt_property id)
{
    return properties->present >> id & 1;
}

/* Neither numbers nor texts nor lists. */
static inline bool mqtt_has_none(const struct mqtt_properties *properties)
{
    return properties->present == 0 && properties->user_count == 0 && properties->subscription_id_count == 0;
}

/* Of a property that is a number: its value, or `otherwise` when it is not there. */
uint32_t mqtt_number(const struct mqtt_properties *properties, enum mqtt_property id, uint32_t otherwise);
void mqtt_set_number(struct mqtt_properties *properties, enum mqtt_property id, uint32_t value);
void mqtt_set_text(struct mqtt_properties *properties, enum mqtt_property id, slice value);
void mqtt_add_user_property(void *ctx, struct mqtt_properties *properties, slice name, slice value);
/* Takes it out, the lists too. */
void mqtt_unset(struct mqtt_properties *properties, enum mqtt_property id);

/* "Session Expiry Interval"; NULL when there is no such property. */
const char *mqtt_property_name(unsigned id);
