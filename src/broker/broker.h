/* broker.h - MQTT between the wire and the operations: sessions, subscriptions, policies, delivery.

   The gateway owns sockets and TLS; it gives the broker a transport, the peer's facts, and bytes. The broker owns
   everything that MQTT means.

       broker_client_new        the loop of the connection; the phase is "waiting for CONNECT"
       broker_client_bytes      frames are taken and decoded; the first packet must be CONNECT
           admit                asked of the gateway: who is this, as this client id? The answer comes later, on the
                                same loop, as broker_client_admit; until then nothing more is read
           CONNACK              after takeover of the client id and the session's lookup
           PUBLISH              message_accept: the one way in for every message, from clients, wills, HTTPS, rules
               retained         written before they are acknowledged and sent on, in each publisher's order
               reserved topics  `$aws/...`: request topics become calls of the door; their answers go to this
                                connection alone (direct reply), in the order of the requests
               policies         iot:Publish; iot:Receive at each delivery
               broker_match     the account's trie, read-locked; QoS 0 and 1 to each client's own loop
       broker_client_gone       the transport ended: will, session kept or dropped

   A client belongs to the loop of its connection; others reach it by a handle, never a pointer. Sessions belong to
   their client's loop; a striped registry maps account and client id to {handle, epoch}. Messages are immutable and
   reference-counted. A loop never waits for a disk, a lock held over I/O, a function. */
#pragma once
#include "base/bytes.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/secret.h"
#include "mqtt/mqtt.h"
#include "operation/operation.h"
#include "policy/policy.h"
#include "store/store.h"

struct broker;
struct client;

/* ---- who a device is: made by one READ, immutable, reference-counted ---- */

struct principal_thing {
    const char *name, *type_name; /* type_name may be NULL */
    size_t attribute_count;
    const char **attribute_names, **attribute_values;
    bool exclusive;
};

struct principal_policy {
    const char *name; /* "DeviceBase" */
    const char *arn;
    const struct policy *policy;
};

/* A certificate attribute for policy variables: "Subject.CommonName" with its values in encoded order. */
enum { PRINCIPAL_FACT_VALUES_MAX = 5 }; /* no policy sees what comes after them (broker.md 4.11) */
struct principal_fact {
    const char *name;
    size_t value_count;
    const char **values;
    const slice *list; /* for NAME.List: those of the values that policies may see */
    size_t list_count;
};

struct principal {
    int references; /* atomic; principal_share, principal_drop */
    const char *account, *region;
    const char *id; /* certificate id, 64 hex */
    const char *arn;
    const struct principal_thing *thing; /* the connection's thing (x509.md 4.8), or NULL */
    size_t policy_count;
    const struct principal_policy *policies;
    size_t fact_count;
    const struct principal_fact *facts;
    int64_t expires_s; /* notAfter */
};
struct principal *principal_new(void); /* one reference; everything hangs off it (talloc) */
struct principal *principal_share(struct principal *principal);
void principal_drop(struct principal *principal);

/* What IoT policies may ask about a device; what is NULL has no value. */
struct policy_asker {
    const struct principal *principal;
    const char *client_id;
    const char *address, *server_name, *secure; /* of the connection; secure: "true", "false" */
};
/* `find` of a struct policy_context whose arg is a struct policy_asker. */
bool broker_find_key(void *asker, slice key, struct policy_values *out);

/* ---- the transport that the gateway gives ---- */

struct transport {
    void (*send)(void *arg, slice bytes);      /* queued and copied; sent at the end of the loop turn */
    size_t (*queued)(void *arg);               /* bytes not yet taken by the peer */
    void (*read)(void *arg, bool more);        /* false: stop reading; true: go on */
    void (*close)(void *arg, const char *why); /* what was sent is flushed; then broker_client_gone is called, later */
    void (*wake_after_ms)(void *arg,
                          uint64_t ms); /* calls broker_client_tick once, replaces an earlier wish; 0: none */
    /* Who is this, as this client id? Answered by broker_client_admit on this loop, later or at once. The texts live
       until then. */
    void (*admit)(void *arg, struct client *client, slice client_id);
};

struct peer {
    const char *account; /* by SNI; NULL: none was named, the certificate decides (x509.md 4.8) */
    const char *region;
    const char *server_name; /* SNI; NULL: none */
    const char *address;     /* "127.0.0.1" */
    uint16_t port;
    const char *certificate_id; /* 64 hex; NULL: the client showed none */
    bool tls;
};

/* Loop thread only, as all broker_client_*. The client lives until broker_client_gone; `peer` is copied. */
struct client *broker_client_new(struct broker *broker, struct loop *loop, const struct transport *transport, void *arg,
                                 const struct peer *peer, const struct scope *scope);
/* Takes whole packets off the front; returns how many bytes were used. The rest is given again with more. */
size_t broker_client_bytes(struct client *client, slice bytes);
void broker_client_tick(struct client *client);
/* The gateway's answer to admit. `refused`: close without CONNACK (x509.md 4.8); its message is logged by the gateway. */
void broker_client_admit(struct client *client, struct principal *principal, const error *refused);
/* The transport is gone: nothing of it is used any more. */
void broker_client_gone(struct client *client);

/* ---- the broker ---- */

struct broker_options {
    struct door *door;
    struct store *store;     /* NULL: no message is retained, and CONNACK says so */
    struct workers *workers; /* reads of retained messages */
    struct loop **loops;
    size_t loop_count;
    const struct scope *scope;
    const char *region;
    const struct master_key *master_key; /* NULL: one that ends with the process */
    /* Limits of broker.md 5; zero means the default there. */
    size_t packet_limit, payload_limit;
    unsigned session_expiry_max_s; /* 3600 */
    unsigned connect_patience_s;   /* 10 */
    size_t retained_limit;         /* topics of an account with a retained message: 500000 */
    unsigned fight_patience_ms;    /* 1000: a newcomer's wait when devices fight for its client id (broker.md 4.4) */
};
FALLIBLE broker_new(void *ctx, const struct broker_options *options, struct broker **out);
/* Says goodbye to every client (v5 DISCONNECT 0x8B) and refuses new ones; `done` on the calling loop's thread when no
   client is left or the patience is over. */
void broker_shut(struct broker *broker, unsigned patience_ms, void (*done)(void *arg), void *arg);
bool broker_is_idle(struct broker *broker); /* no client is left */

/* Ends the live connections of this certificate in this account: v5 DISCONNECT 0x87, AUTH_ERROR. Any thread. */
void broker_disconnect_principal(struct broker *broker, const char *account, const char *certificate_id);

/* Made for store_on_change: live connections that a change may concern get their rights anew within two seconds
   (broker.md 4.10). One thread at a time. */
void broker_on_changes(struct broker *broker, const struct change *changes, size_t count);

/* A message from the service itself ("$aws/events/..."), QoS 1 inside. Any thread. Topic and payload are copied. */
void broker_publish(struct broker *broker, const char *account, slice topic, slice payload);

extern const struct operation *const broker_operations[]; /* iot-data: Publish, retained messages */
#define BROKER "broker"                                   /* the door's piece that they use */

struct broker_numbers {
    uint64_t connects, connects_refused, disconnects;
    uint64_t messages_in, messages_out, messages_dropped;
    uint64_t publish_refused, subscribe_refused, receive_refused;
    size_t connections, sessions, subscriptions;
};
void broker_count(struct broker *broker, struct broker_numbers *out);
