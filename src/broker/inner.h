/* inner.h - what the files of the broker share with each other.

   Who may touch what: a client and its session only on their loop; a subscriber and a message by whoever holds a
   reference (their fields say which of them move); an account's trie under its lock. */
#pragma once
#include "broker/broker.h"
#include "base/quiet.h"
#include "base/secret.h"
#include <pthread.h>
#include <stdatomic.h>
/* Client ids and filters are strangers' names. */
#define HASH_FUNCTION(at, length, hash) (hash) = (unsigned)hash_keyed(slice_bytes((at), (length)))
#include <uthash.h>

enum {
    CLIENT_ID_MAX = 128,
    FILTERS_A_PACKET = 8,
    SUBSCRIPTIONS_A_CONNECTION = 50,
    INBOUND_ALIASES = 8,
    INFLIGHT_MAX = 100,
    KEEP_ALIVE_MIN_S = 30,
    KEEP_ALIVE_MAX_S = 1200,
    PACKET_V5_MAX = 149504,
    CONNECT_MAX = 96 * 1024, /* a will of 64 KiB, three times 8 KiB of properties, and the rest */
    PACKET_V3_MAX = 131072 + 16 * 1024,
    PAYLOAD_MAX = 131072,
    ACKNOWLEDGED_IN_V5_S = 960,
    ACKNOWLEDGED_IN_V3_S = 3600,
    OUTPUT_MAX = 1024 * 1024, /* beyond it a slow receiver gets no more QoS 0 */
    QUEUE_CLEAN_MAX = 1000,
    QUEUE_PERSISTENT_MAX = 10000,
    QUEUE_BYTES = 64 * 1024 * 1024,
    REQUESTS_WAITING_MAX = 10, /* provisioning 4.7 */
    MESSAGE_EXPIRY_MAX_S = 604800,
    CONTENT_TYPE_MAX = 256,
    CORRELATION_MAX = 8192,
    USER_PROPERTIES_MAX = 8192,
    RETAINED_AN_ACCOUNT = 500000
};

/* ---- message.c: immutable, reference-counted, on any thread ---- */

struct message {
    atomic_int references;
    slice topic, payload;
    uint8_t qos;
    bool retain;
    struct mqtt_properties properties; /* what travels on: no alias, no subscription id, no expiry */
    uint32_t expiry_s;                 /* 0: none */
    int64_t expires_ms;                /* monotonic; 0: never */
    const char *publisher;             /* client id, for no local; NULL: the service */
    size_t size;                       /* bytes it takes in memory, about */
};
/* What no message may carry, a will neither (broker.md 4.5): the reason code and its sentence, or 0. */
int message_fault(const struct mqtt_properties *properties, const char **text);
/* Copies what the packet points to. */
struct message *message_new(const struct mqtt_packet *publish, const char *publisher);
struct message *message_share(struct message *message);
void message_drop(struct message *message);
bool message_expired(const struct message *message);
void message_begin_expiry(struct message *message); /* of a will, when it is sent; by its only holder */

/* ---- a subscriber: how others reach a session, wherever it lives ---- */

struct subscriber {
    atomic_int references;
    atomic_uint home;        /* index of the loop that owns the session; moves only there */
    struct session *session; /* of the home loop only; NULL: the session is over */
};
struct subscriber *subscriber_share(struct subscriber *subscriber);
void subscriber_drop(struct subscriber *subscriber);

/* ---- subscriptions of an account ---- */

struct subscription {
    struct subscriber *to;
    uint8_t qos;
    bool no_local, retain_as_published;
    char *filter; /* key of the session's table */
    UT_hash_handle hh;
};

struct account_topics {
    const char *account;
    pthread_rwlock_t lock;
    struct mqtt_trie *trie;
    UT_hash_handle hh;
};
struct account_topics *topics_of(struct broker *broker, const char *account);
/* Every matching session once, with its highest granted QoS, each told on its own loop. */
void topics_route(struct broker *broker, struct account_topics *topics, struct message *message);

/* ---- retained.c: the rows (broker.md 4.7). Those that take a tx run on a worker or the writer ---- */

/* In APPLY: the message replaces what its topic had; an empty one deletes it. Fails with QuotaExceeded when the account
   has as many as it may. */
FALLIBLE retained_keep(struct tx *tx, const char *account, const char *region, const struct message *message,
                       size_t limit);
struct retained {
    struct message *message; /* one reference; retain is set, the expiry is what is left of it */
    int64_t modified_ms;
    bool is_old; /* the row says too long ago that it was read: retained_touch is due */
};
/* The live message of a topic; out->message is NULL when there is none. */
FALLIBLE retained_find(struct tx *tx, void *ctx, const char *account, const char *region, slice topic,
                       struct retained *out);
/* Any thread: its three years begin anew. */
void retained_touch(struct broker *broker, const char *account, slice topic);
/* Any thread: rows whose end has come go, so many at once. */
void retained_sweep(struct broker *broker);

/* ---- accept.c: the one way in for every message; see there ---- */

struct reach;
struct accepted;

/* How it ended: 0, or a reason code. */
typedef void accept_done(void *arg, int reason);

/* On the loop `on`. Takes the message over. `reach` is the publisher's, whose messages keep their order; NULL: nobody's.
   `id`: of the PUBLISH that is to be acknowledged, or 0. `done` may be NULL. */
struct acceptance {
    struct broker_loop *on;
    struct reach *reach;
    struct account_topics *topics;
    struct message *message;
    uint16_t id;
    accept_done *done;
    void *arg;
};
void message_accept(const struct acceptance *acceptance);
void accept_acknowledge(struct client *client, uint16_t id, int reason); /* version 3 hears of success only */
/* The client has as much on its way into the store as it may have: nothing more of it is read. */
bool accept_is_full(const struct reach *reach, int version);

/* ---- lookup.c: retained messages for new subscriptions ---- */

/* After SUBACK. The topics are filters without a wildcard. Until they were read nothing else reaches the client. */
void lookup_begin(struct session *session, const slice *topics, size_t count);
void lookups_retry(struct broker_loop *on); /* every second: those that no worker took */
void lookups_drop(struct broker_loop *on);  /* those that nobody will begin */

/* ---- sessions ---- */

struct outgoing { /* a QoS 1 message on its way to the client */
    struct outgoing *prev, *next;
    struct message *message;
    uint16_t id;     /* 0: never sent */
    int64_t sent_ms; /* first; monotonic */
    bool retain_as_published;
};

struct session {
    struct broker *broker;
    struct subscriber *self;
    const char *account, *client_id;
    struct account_topics *topics;
    bool persistent;
    uint32_t expiry_s;
    struct subscription *subscriptions; /* by filter */
    struct outgoing *inflight, *queue;
    size_t inflight_count, queue_count, queue_bytes;
    uint16_t last_id;
    struct client *client; /* NULL: offline */
    bool moving;           /* on its way to the loop that `self->home` names: not on that loop's list yet */
    int64_t ends_ms;       /* offline: monotonic */
    struct message *will;  /* offline: of the last client, to be sent later; NULL: none */
    int64_t will_ms;
    struct lookup *lookup; /* retained messages are being read; NULL: none */
    struct held *held;     /* what came meanwhile */
    size_t held_count, held_bytes;
    struct session *prev, *next; /* of its loop's list */
};

/* The session of a connecting client: taken over, or new. `resumed` comes later, on the client's loop: see
   connect_continue. */
void session_claim(struct client *client);
void session_end(struct session *session);    /* unsubscribes, forgets; the client must be off it */
void session_detach(struct session *session); /* its client is gone: ends now, or waits for its expiry */
void session_deliver(struct session *session, struct message *message, uint8_t granted, bool retain_as_published);
void session_release(struct session *session); /* what was held back goes its way */
void session_drop_held(struct session *session);
void session_resume(struct session *session); /* after CONNACK: un-acknowledged first, then the queue */
/* A direct reply: to this connection, never queued; QoS 1 takes a packet id of the session. */
void session_reply(struct session *session, struct mqtt_packet *packet);
void session_acknowledge(struct session *session, uint16_t id);
void session_give_up(struct session *session, int64_t now_ms); /* what the client never acknowledges (broker.md 4.6) */
struct subscription *session_subscription(struct session *session, slice filter);
void session_subscribe(struct session *session, const struct mqtt_subscription *wish, slice path);
bool session_unsubscribe(struct session *session, slice filter);
/* The highest QoS granted to the session for this topic; -1: no subscription matches. */
int session_granted(struct session *session, slice topic);

/* ---- clients ---- */

struct request; /* request.c */

/* Lives as long as somebody waits for an answer to the client, or a message of it is on its way into the store; all on
   the client's loop. */
struct reach {
    int references;
    struct client *client; /* NULL: gone */
    struct accepted *line; /* messages that wait for the store, or behind one that does */
    size_t line_count, line_bytes, line_unacknowledged;
    void (*line_is_empty)(void *arg); /* called once */
    void *line_arg;
};

struct phase {
    const char *name;
    void (*packet)(struct client *client, const struct mqtt_packet *packet);
};

struct client {
    struct broker *broker;
    struct broker_loop *on;
    const struct transport *transport;
    void *arg;
    struct peer peer;
    struct scope scope;    /* while= */
    struct scope id_scope; /* client_id= */
    const struct phase *phase;
    int version; /* 0 before CONNECT */
    bool closing;
    bool stalled;    /* nothing is read until client_go_on */
    bool counted;    /* CONNACK 0 was sent */
    const char *why; /* of the end, for the log */
    /* from CONNECT */
    struct {
        bool clean, valid_id, has_authentication;
        uint16_t keep_alive_s;
        uint32_t expiry_s;
        int will_fault; /* reason code of a will that cannot be taken, or 0 */
        uint32_t will_delay_s;
    } wish;
    const char *client_id;
    bool id_assigned;
    unsigned keep_alive_s;
    int64_t last_packet_ms, born_ms;
    int64_t turn_ms; /* when it may claim its client id: later than it wished when others fight for it */
    uint32_t receive_maximum, maximum_packet_size;
    bool wants_reasons;
    bool session_present;
    struct message *will;
    slice aliases[INBOUND_ALIASES + 1];
    /* who it is, as of which change, and where changes that concern it leave their numbers (refresh.c) */
    struct principal *principal;
    unsigned long long seen_changes;
    unsigned places[3];
    bool refreshing;
    const struct policy **policies;
    struct session *session;
    struct reach *reach;
    /* provisioning requests, strictly one after the other */
    struct request *requests;
    size_t request_count;
    struct client *prev, *next; /* of its loop's list */
};

/* client.c */
void client_enter(struct client *client, const struct phase *phase);
void client_send(struct client *client, const struct mqtt_packet *packet);
/* Ends it: v5 gets DISCONNECT with the reason (0: none), then the transport closes. `why` is a literal. */
void client_end(struct client *client, int reason, const char *why, const char *text);
void client_fail(struct client *client, const error *e); /* by the error's reason code */
void client_go_on(struct client *client);                /* what it was stalled for may be over */
void reach_drop(struct reach *reach);
bool client_is_v5(const struct client *client);
extern const struct phase phase_greeting, phase_deciding, phase_waiting, phase_serving;
void client_arm(struct client *client);

/* Takes the reference; the principal before, if any, is dropped. */
void client_keep_principal(struct client *client, struct principal *principal);
/* Subscriptions that iot:Subscribe does not allow any more go silently. */
void client_reauthorize(struct client *client);

/* refresh.c */
void refresh_note(struct client *client);   /* before the principal is asked for */
void refresh_places(struct client *client); /* after it came */
void refresh_clients(struct broker_loop *on);
void refresh_take(struct client *client, struct principal *principal, const error *refused);

/* will.c */
void will_leave(struct client *client); /* its client goes: sent now, or kept for later */
void will_send_if_due(struct session *session, int64_t now_ms);
void will_send(struct session *session);   /* the session ends */
void will_cancel(struct session *session); /* the client is back */
bool will_is_allowed(struct client *client);

/* connect.c */
void connect_packet(struct client *client, const struct mqtt_packet *packet);
unsigned session_expiry_max(const struct broker *broker);
void connect_refuse(struct client *client, int reason, const char *text);
void connect_continue(struct client *client, bool session_present); /* the session is client->session */

/* serve.c */
void serve_packet(struct client *client, const struct mqtt_packet *packet);

/* publish.c */
void publish_packet(struct client *client, const struct mqtt_packet *packet);

/* subscribe.c */
void subscribe_packet(struct client *client, const struct mqtt_packet *packet);
void unsubscribe_packet(struct client *client, const struct mqtt_packet *packet);

/* authorize.c: IoT policies. Denials are logged with what decided. */
bool client_may(struct client *client, const char *action, const char *kind, slice name);
bool client_may_connect(struct client *client);
bool client_may_quietly(struct client *client, const char *action, const char *kind, slice name);

/* reserved.c: the `$` topics (broker.md 4.8). NULL: the client may; else the refusal's sentence. */
const char *reserved_publish(slice topic);
const char *reserved_subscribe(slice filter);

/* publish.c: rules of the language, whoever publishes. The reason code and its sentence, or 0. */
int publish_fault(slice topic, const struct mqtt_properties *properties, bool retain, const char **text);
size_t payload_limit(const struct broker *broker);

/* publish_https.c: the steps of the operation Publish */
FALLIBLE publish_check(struct call *call);
FALLIBLE publish_send(struct call *call);

/* request.c: requests on `$aws/...` topics that are operations of the door. */
void request_accept(struct client *client, const struct mqtt_packet *packet, const struct mqtt_route *route);
void requests_forget(struct client *client);

/* ---- the broker ---- */

enum { STRIPES = 64, PLACES = 8192 };

struct registered {
    struct subscriber *subscriber;
    UT_hash_handle hh;
    char key[]; /* account, NUL, client id */
};

struct stripe {
    pthread_mutex_t lock;
    struct registered *sessions;
    struct fight *fights; /* fight.c */
};

/* fight.c; all under the stripe's lock. */
/* A live connection loses its client id to another; true: it is time to warn. */
bool fight_round(struct stripe *stripe, slice key, int64_t now_ms);
bool fight_is_on(struct stripe *stripe, slice key, int64_t now_ms);
void fights_forget(struct stripe *stripe, int64_t now_ms); /* those that are over */

struct broker_loop {
    struct broker *broker;
    struct loop *loop;
    unsigned index;
    struct client *clients;
    size_t client_count;
    struct session *sessions;
    uv_timer_t second;               /* ends sessions whose time is over, renews rights */
    unsigned long long seen_changes; /* no client of this loop needs to hear of these any more */
    bool shutting, ended;
    struct quiet ends, denials, stores; /* lines that strangers and devices cause */
    struct lookup *lookups;             /* waiting for their turn */
    size_t lookups_running;
    size_t on_the_way; /* messages and lookups that somebody will bring back to this loop */
    unsigned seconds;
};

struct broker {
    struct broker_options options;
    const struct master_key *key; /* of assigned client ids */
    struct broker_loop *loops;
    struct stripe stripes[STRIPES];
    pthread_mutex_t topics_lock;
    struct account_topics *topics;
    struct {
        atomic_ullong count, last[PLACES];
    } changes; /* refresh.c */
    struct {
        atomic_ullong connects, connects_refused, disconnects, messages_in, messages_out, messages_dropped,
            publish_refused, subscribe_refused, receive_refused;
        atomic_size_t storing_bytes; /* of messages on their way into the store */
        atomic_size_t connections, sessions, subscriptions;
    } count;
    atomic_bool shutting;
    atomic_uint loops_left;
    unsigned patience_ms;
    void (*shut_done)(void *arg);
    void *shut_arg;
};
struct broker_loop *broker_loop_of(struct broker *broker, const struct loop *loop);
void broker_loop_check_end(struct broker_loop *on);
