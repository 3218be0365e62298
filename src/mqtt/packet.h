/* packet.h - packets as structures.

   Decoding copies nothing: every text and payload points into the frame's body and lives as long as it. Only lists
   (filters, user properties, subscription identifiers) and the will are made, in the context, so that a PUBLISH without
   user properties costs no allocation. What decodes, encodes, and decodes to the same again.

   Decoding holds a packet to the language. Whether a topic is allowed, an alias known or QoS 2 welcome is the server's
   to say: wildcards in a topic name, empty filters and alias 0 come through, since they have answers of their own. */
#pragma once
#include "mqtt/frame.h"
#include "mqtt/properties.h"
#include "mqtt/reason.h"

struct mqtt_will {
    slice topic;
    slice payload;
    uint8_t qos;
    bool retain;
    struct mqtt_properties properties;
};

struct mqtt_connect {
    slice protocol; /* "MQTT"; "MQIsdp" for 3.1. For an encoder empty is the version's own name and level */
    uint8_t level;
    bool clean; /* clean session; since version 5: clean start */
    uint16_t keep_alive_s;
    slice client_id;
    struct mqtt_will *will; /* NULL: none */
    bool has_user_name;
    bool has_password;
    slice user_name;
    slice password; /* bytes */
};

struct mqtt_publish {
    bool dup;
    bool retain;
    uint8_t qos;
    slice topic; /* empty only with a topic alias */
    slice payload;
};

struct mqtt_subscription {
    slice filter;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0: send retained messages, 1: only if the subscription is new, 2: don't */
};

struct mqtt_packet {
    enum mqtt_type type;
    int version;    /* decoded: which language it was in; see mqtt_decode about CONNECT */
    uint16_t id;    /* PUBLISH of QoS 1 and 2, the four acks, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK */
    uint8_t reason; /* CONNACK, the four acks, DISCONNECT, AUTH: a code of version 5 (reason.h) */
    struct mqtt_properties properties;
    union {
        struct mqtt_connect connect;
        struct mqtt_publish publish;
        struct {
            bool session_present;
        } connack;
        struct {
            struct mqtt_subscription *list;
            size_t count;
        } subscribe;
        struct {
            slice *filters;
            size_t count;
        } unsubscribe;
        struct {
            slice codes; /* SUBACK, UNSUBACK: one byte of code for each filter; none in an UNSUBACK before 5 */
        } acknowledged;
    };
};

/* Decodes a WHOLE frame. `version` is that of the connection; a CONNECT brings its own.

   Fails with MalformedPacket (0x81) or ProtocolError (0x82); a CONNECT with a protocol we don't speak fails with
   UnsupportedVersion (0x84). After a failed CONNECT out->type, out->version and, if they were reached,
   connect.protocol and .level are set: version is the language to refuse it in, 5 or 4, or 0 when it isn't known
   yet (then close without an answer). */
FALLIBLE mqtt_decode(void *ctx, int version, const struct mqtt_frame *frame, struct mqtt_packet *out);

/* Fails with ProtocolError when this side does not send such a packet: CONNACK from a client, a subscription
   identifier in a client's PUBLISH, a session expiry in a server's DISCONNECT. */
enum mqtt_side { MQTT_CLIENT, MQTT_SERVER };
FALLIBLE mqtt_check_sender(void *ctx, enum mqtt_side sender, const struct mqtt_packet *packet);

/* Encoding takes packet->version for nothing; `version` says. Packets of versions before 5 lose their properties, and
   their acks the reasons; SUBACK and CONNACK codes are translated (0x87 is 0x80, and 5). The shortest form is taken.

   A packet cannot be encoded when a text is longer than 65,535 bytes, the body longer than 268,435,455, or the version
   does not have the packet: then the size is 0, the slice {NULL, 0}, and mqtt_write false. mqtt_write is also false
   when the packet does not fit into what is left of the writer's limit. False means that nothing was written. A payload
   is copied once, into the writer. */
size_t mqtt_size(int version, const struct mqtt_packet *packet);
slice mqtt_encode(void *ctx, int version, const struct mqtt_packet *packet);
bool mqtt_write(writer *out, int version, const struct mqtt_packet *packet);

/* "SUBSCRIBE"; "reserved" for 0. */
const char *mqtt_type_name(enum mqtt_type type);
