/* connection.h - one client's connection, on its loop.

   A phase says what is being waited for, how long, and what a readable socket means; connection_enter is the only way
   from one to the next. A protocol says what the bytes mean once TLS stands. Protocols and their users call the
   functions below from anywhere on the loop, also from within `take`: they only note what is wanted. It is done when
   the turn ends (connection_settle), so that what a turn writes becomes few TLS records, and nobody is freed under his
   own feet. */
#pragma once
#include "gateway/inner.h"

struct connection;

struct phase {
    const char *name;
    unsigned patience_ms; /* 0: none */
    void (*readable)(struct connection *connection);
    void (*late)(struct connection *connection); /* patience is over; NULL: the connection ends */
};

struct wire_protocol {
    const char *name;
    const struct phase *first;
    bool answers_after_end; /* what is queued still goes out when the client has ended */
    void (*begin)(struct connection *connection);
    size_t (*take)(struct connection *connection, slice bytes); /* bytes used; the rest comes again with more */
    void (*tick)(struct connection *connection);                /* connection_wake_after; may be NULL */
    bool (*is_idle)(const struct connection *connection);       /* nothing is lost when the server stops now */
    void (*ended)(struct connection *connection);               /* the transport is gone; called once if begin was */
};

enum reading { READING, PAUSED, RESUMES, RESUMES_WHEN_SENT };
enum blocked { NOT_BLOCKED, BLOCKED_TO_WRITE, BLOCKED_TO_READ }; /* until the socket is writable, or readable */

struct connection {
    struct station *station;
    uint32_t slot;
    uint64_t generation;
    const struct port *port;
    const struct wire_protocol *protocol; /* NULL during the handshake */
    const struct phase *phase;
    void *side; /* the protocol's */

    int fd;
    SSL *ssl; /* NULL: plain */
    struct greeting greeting;
    char certificate_id[CERTIFICATE_ID_LENGTH + 1]; /* "": none was shown */

    uv_poll_t poll;
    uv_timer_t timer;
    int handles; /* closing; memory goes with the last one */
    int armed;   /* events that the loop watches for */
    enum reading reading;
    enum blocked blocked;
    bool is_touched, is_hungry, ended;
    bool is_choked; /* too much is queued: nothing is read until all of it was taken */
    bool is_known;  /* its certificate was admitted */
    struct connection *next_touched, *next_hungry;

    const char *leaving; /* why; NULL: it stays */
    bool client_ended;
    size_t thrown_away; /* bytes that came after we said goodbye */

    char *in; /* what `take` left over */
    size_t in_length, in_room;
    size_t counted_in; /* of in_room, among what strangers hold */
    char *out;
    size_t out_begin, out_length, out_room;

    uint64_t phase_ends_ms, tick_ms, stall_ends_ms; /* on the loop's clock; 0: never */
    uint64_t timer_ms;                              /* what the timer is set for */

    uint16_t client_port;
    char address[INET6_ADDRSTRLEN];
    char client[INET6_ADDRSTRLEN + 8]; /* "127.0.0.1:4711" */
    struct scope scope, phase_scope;
};

/* Takes the descriptor over. */
void connection_open(struct station *station, const struct port *port, int fd, const struct sockaddr_storage *from);
void connection_enter(struct connection *connection, const struct phase *phase);
/* Copied; sent at the end of the turn. */
void connection_send(struct connection *connection, slice bytes);
size_t connection_queued(const struct connection *connection);
/* After a pause `take` is not called before a resume, from the end of its own call on. */
void connection_pause(struct connection *connection);
void connection_resume(struct connection *connection);
void connection_resume_when_sent(struct connection *connection);
/* What was sent is flushed, then the connection ends. The first reason counts. */
void connection_leave(struct connection *connection, const char *why);
void connection_is_known(struct connection *connection);                /* no stranger any more */
void connection_wake_after(struct connection *connection, uint64_t ms); /* 0: not at all */

struct handle connection_handle(const struct connection *connection);
struct connection *connection_find(const struct handle *handle); /* on its loop; NULL: gone */

/* For the station: what a turn left to do. */
void connection_settle(struct connection *connection);
void connection_go_on(struct connection *connection);                /* a hungry one */
void connection_end(struct connection *connection, const char *why); /* at once; never from within `take` */

/* For protocols: `readable` of every phase in which bytes are taken. */
void connection_serve(struct connection *connection);
