/* inner.h - what the files of this room share: the gateway, its part on each loop, and how parts are counted.

   struct gateway          immutable after gateway_new, but for caches and counters; any thread
       struct station      one for each loop, touched on that loop only: TLS context, listeners, connections
           struct listener
           struct connection (connection.h) */
#pragma once
#include "gateway/cache.h"
#include "gateway/gateway.h"
#include "gateway/hello.h"
#include "gateway/hosts.h"
#include "base/quiet.h"
#include "gateway/tls.h"
#include <netinet/in.h>

struct connection;
struct wire_protocol;

/* ---- the kinds of ports: which protocol is spoken, by what ALPN picked ---- */

struct port {
    const char *setting; /* "mqtt_port" */
    bool tls;
    bool loopback;         /* only there, whatever addresses are configured */
    bool asks_certificate; /* whatever ALPN says */
    bool serves_credentials;
    unsigned alpn_taken; /* ALPN_BITs */
    unsigned alpn_asks_certificate;
    const struct wire_protocol *protocols[ALPNS];
};

enum { PORT_MQTT, PORT_HTTPS, PORT_DEVICE_HTTPS, PORT_METRICS, PORTS };
extern const struct port ports[PORTS];

/* ---- counters: each station has its own, and is the only one who writes; workers have the gateway's ---- */

enum { ADMISSION_REASONS = 12 };
struct counters {
    uint64_t accepted, over_limit, handshakes, handshakes_failed[TLS_FAILURES], handshakes_late;
    uint64_t http_requests, http_refused, http_server_errors;
    uint64_t admitted, admission_refused, principal_hits, principal_misses;
    uint64_t refused_by_reason[ADMISSION_REASONS]; /* admission.h */
    uint64_t bytes_in, bytes_out;
};
#define COUNT(counter, n) __atomic_fetch_add(&(counter), (n), __ATOMIC_RELAXED)
#define COUNTED(counter)  __atomic_load_n(&(counter), __ATOMIC_RELAXED)

/* ---- one loop's part ---- */

struct listener {
    struct station *station;
    const struct port *port;
    int fd;
    uv_poll_t poll;
    struct listener *next;
};

/* Others reach a connection by this alone. */
struct handle {
    struct station *station;
    uint32_t slot;
    uint64_t generation;
};

struct slot {
    struct connection *connection; /* NULL: free */
    uint32_t next_free;
};

enum { SCRATCH_BYTES = 32768 };

struct station {
    struct gateway *gateway;
    struct loop *loop;
    uv_loop_t *uv;
    struct tls *tls;
    struct hosts *hosts;
    struct listener *listeners;
    int spare_fd; /* given up for a moment when no other is left, to turn a client away */

    struct slot *slots;
    uint32_t slot_count, free_slot; /* the first of the free ones; slot_count: none is free */
    size_t connection_count;
    uint64_t generation;
    struct connection *touched, **touched_last; /* to be settled at the end of the turn */
    struct connection *hungry, **hungry_last;   /* have bytes that were read but not looked at */

    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_timer_t patience;      /* of gateway_shut */
    unsigned handshakes_left; /* in this turn */
    bool open, shutting, closed;
    int handles; /* of the station itself, until closed */

    struct counters counters;
    struct quiet handshake_lines, admission_lines, limit_lines, request_lines;
    struct scope scope;
    char scratch[SCRATCH_BYTES];
};

/* ---- the gateway ---- */

struct gateway {
    struct gateway_options options;
    struct scope scope;
    struct station **stations;
    size_t station_count;
    size_t connection_count; /* atomic, over all stations */
    size_t connection_limit;
    size_t strangers_bytes; /* atomic: what they hold of unfinished packets */
    struct generations *generations;
    struct cache *principals, *keys, *key_uses;
    struct counters counters; /* of workers */

    bool opened;
    size_t stations_open; /* atomic; the last one to close says done */
    unsigned shut_patience_ms;
    void (*shut_done)(void *arg);
    void *shut_arg;
};

/* listener.c: sockets are bound and listening, or nothing is. */
FALLIBLE listeners_bind(struct gateway *gateway);
void listeners_start(struct station *station); /* on its loop */
void listeners_stop(struct station *station);
void listeners_abandon(struct gateway *gateway); /* before any was started */

/* station.c */
FALLIBLE station_new(struct gateway *gateway, struct loop *loop, struct station **out);
void station_open(struct station *station); /* on its loop, once */
void station_shut(struct station *station);
void station_check_closed(struct station *station); /* one of its handles, or a connection, is gone */
uint32_t station_take_slot(struct station *station, struct connection *connection);
void station_give_slot(struct station *station, uint32_t slot);
struct connection *station_slot(const struct station *station, uint32_t slot);
