/* connection.c - a connection's life: its phases, its time, what its loop watches for, its end. */
#include "gateway/connection_inner.h"
#include "gateway/wire.h"
#include <unistd.h>

enum {
    READS_A_TURN = 8,
    GOODBYE_MS = 2000,       /* how long we wait for the client's end after ours */
    GOODBYE_BYTES = 1 << 18, /* and how much of what it still sends we throw away */
};

static void throw_away(struct connection *connection);

static const struct phase parting = { "saying goodbye", GOODBYE_MS, throw_away, NULL };

/* ---- time: one timer for the phase's patience, the protocol's wish, and a client that takes nothing ---- */

uint64_t connection_now_ms(const struct connection *connection)
{
    return uv_now(connection->station->uv);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static void on_timer(uv_timer_t *timer);

/* A timer that fires too early finds nothing due and is set anew: cheaper than moving it at each packet. */
void connection_set_timer(struct connection *connection)
{
    uint64_t at = earlier(connection->phase_ends_ms, earlier(connection->tick_ms, connection->stall_ends_ms));
    bool early_enough = connection->timer_ms != 0 && connection->timer_ms <= at;
    if (connection->ended || at == 0 || early_enough)
        return;
    connection->timer_ms = at;
    uv_timer_start(&connection->timer, on_timer,
                   at > connection_now_ms(connection) ? at - connection_now_ms(connection) : 0, 0);
}

static bool is_due(uint64_t *at, uint64_t now)
{
    bool due = *at != 0 && *at <= now;
    if (due)
        *at = 0;
    return due;
}

static void on_timer(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    uint64_t now = connection_now_ms(connection);
    connection->timer_ms = 0;
    if (is_due(&connection->stall_ends_ms, now)) {
        connection_end(connection, "the client takes nothing");
        return;
    }
    if (is_due(&connection->phase_ends_ms, now)) {
        if (connection->phase->late == NULL) {
            connection_end(connection, connection->phase->name);
            return;
        }
        connection->phase->late(connection);
    }
    if (!connection->ended && is_due(&connection->tick_ms, now) && connection->protocol != NULL)
        connection->protocol->tick(connection);
    connection_set_timer(connection);
}

static uint64_t patience_of(const struct connection *connection, const struct phase *phase)
{
    return phase == &phase_handshaking ? connection->station->gateway->options.handshake_patience_ms
                                       : phase->patience_ms;
}

void connection_enter(struct connection *connection, const struct phase *phase)
{
    uint64_t patience = patience_of(connection, phase);
    connection->phase = phase;
    connection->phase_ends_ms = patience ? connection_now_ms(connection) + patience : 0;
    connection->phase_scope.value = phase->name;
    connection_set_timer(connection);
}

void connection_wake_after(struct connection *connection, uint64_t ms)
{
    connection->tick_ms = ms ? connection_now_ms(connection) + ms : 0;
    connection_set_timer(connection);
}

/* ---- what the loop watches for ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

void connection_arm(struct connection *connection, int events)
{
    if (connection->ended || events == connection->armed)
        return;
    connection->armed = events;
    if (events == 0)
        uv_poll_stop(&connection->poll);
    else
        uv_poll_start(&connection->poll, events, on_poll);
}

void connection_touch(struct connection *connection)
{
    struct station *station = connection->station;
    if (connection->is_touched || connection->ended)
        return;
    connection->is_touched = true;
    connection->next_touched = NULL;
    *station->touched_last = connection;
    station->touched_last = &connection->next_touched;
}

void connection_make_hungry(struct connection *connection)
{
    struct station *station = connection->station;
    if (connection->is_hungry || connection->ended)
        return;
    connection->is_hungry = true;
    connection->next_hungry = NULL;
    *station->hungry_last = connection;
    station->hungry_last = &connection->next_hungry;
}

/* ---- for protocols: wishes, carried out when the turn ends ---- */

void connection_pause(struct connection *connection)
{
    connection->reading = PAUSED;
}

void connection_resume(struct connection *connection)
{
    if (connection->reading == READING)
        return;
    connection->reading = RESUMES;
    connection_touch(connection);
}

void connection_resume_when_sent(struct connection *connection)
{
    connection->reading = RESUMES_WHEN_SENT;
    connection_touch(connection);
}

void connection_leave(struct connection *connection, const char *why)
{
    if (connection->leaving == NULL)
        connection->leaving = why;
    connection_touch(connection);
}

struct handle connection_handle(const struct connection *connection)
{
    return (struct handle){ connection->station, connection->slot, connection->generation };
}

struct connection *connection_find(const struct handle *handle)
{
    struct connection *connection = station_slot(handle->station, handle->slot);
    return connection != NULL && connection->generation == handle->generation ? connection : NULL;
}

void connection_go_on(struct connection *connection)
{
    connection->is_hungry = false;
    if (!connection->ended)
        connection->phase->readable(connection);
}

/* ---- the end ---- */

static void throw_away(struct connection *connection)
{
    struct station *station = connection->station;
    size_t length;
    for (int i = 0; i < READS_A_TURN && connection->thrown_away < GOODBYE_BYTES; i++) {
        enum wire got = wire_read(connection, station->scratch, sizeof(station->scratch), &length);
        if (got == WIRE_BLOCKED)
            return;
        if (got == WIRE_ENDED || got == WIRE_BROKEN) {
            connection_end(connection, connection->leaving);
            return;
        }
        connection->thrown_away += length;
    }
    if (connection->thrown_away >= GOODBYE_BYTES)
        connection_end(connection, connection->leaving);
    else
        connection_make_hungry(connection);
}

/* Closing with unread bytes would make the kernel reset the connection, and the client might not see our last words:
   so we say that we end, and wait a moment for the client to do so. */
static void part(struct connection *connection)
{
    if (connection->client_ended) {
        connection_end(connection, connection->leaving);
        return;
    }
    if (connection->phase == &parting)
        return;
    connection_enter(connection, &parting);
    throw_away(connection); /* often the client's end is there already, and no more need be said */
    if (connection->ended)
        return;
    wire_say_end(connection);
    connection_arm(connection, UV_READABLE);
}

/* What was left over is looked at first, then what TLS holds; the loop announces the rest. */
static void settle_reading(struct connection *connection, bool is_relieved)
{
    bool sent = connection_queued(connection) == 0;
    bool resumes = connection->reading == RESUMES || (connection->reading == RESUMES_WHEN_SENT && sent);
    if (connection->is_choked)
        return;
    if (resumes)
        connection->reading = READING;
    if (resumes || (is_relieved && connection->reading == READING))
        stream_go_on(connection);
}

void connection_settle(struct connection *connection)
{
    connection->is_touched = false;
    if (connection->ended || (connection->blocked == NOT_BLOCKED && !stream_flush(connection)))
        return;
    bool is_relieved = stream_is_relieved(connection);
    if (connection->leaving == NULL)
        settle_reading(connection, is_relieved);
    else if (connection_queued(connection) == 0)
        part(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct station *station = connection->station;
    if (--connection->handles > 0)
        return;
    __atomic_sub_fetch(&station->gateway->connection_count, 1, __ATOMIC_RELAXED);
    station->connection_count--;
    talloc_free(connection);
    station_check_closed(station);
}

/* Those touched are settled before closed handles are freed, in every turn; hungry ones only in the next. */
static void forget_hunger(struct connection *connection)
{
    struct station *station = connection->station;
    struct connection **at = &station->hungry;
    if (!connection->is_hungry)
        return;
    while (*at != connection)
        at = &(*at)->next_hungry;
    *at = connection->next_hungry;
    if (*at == NULL)
        station->hungry_last = at;
    connection->is_hungry = false;
}

void connection_end(struct connection *connection, const char *why)
{
    if (connection->ended)
        return;
    log_debug(&connection->phase_scope, "closed: %s", why);
    connection->ended = true;
    if (connection->protocol != NULL)
        connection->protocol->ended(connection);
    stream_drop_input(connection);
    forget_hunger(connection);
    station_give_slot(connection->station, connection->slot);
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    connection->handles = 2;
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    uv_close((uv_handle_t *)&connection->timer, on_closed);
    close(connection->fd);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *connection = poll->data;
    if (status < 0) {
        connection_end(connection, "the connection broke");
        return;
    }
    if (connection->protocol == NULL) {
        connection->phase->readable(connection);
        return;
    }
    bool unblocked = (connection->blocked == BLOCKED_TO_WRITE && (events & UV_WRITABLE)) ||
                     (connection->blocked == BLOCKED_TO_READ && (events & UV_READABLE));
    if (unblocked) {
        connection->blocked = NOT_BLOCKED;
        connection_touch(connection);
    }
    if (events & UV_READABLE)
        connection->phase->readable(connection);
}

/* ---- the beginning ---- */

static void note_client(struct connection *connection, const struct sockaddr_storage *from)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    bool is_v6 = from->ss_family == AF_INET6;
    const void *address = is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr;
    if (is_v6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        address = &v6->sin6_addr.s6_addr[12];
        is_v6 = false;
    }
    uv_inet_ntop(is_v6 ? AF_INET6 : AF_INET, address, connection->address, sizeof(connection->address));
    connection->client_port = ntohs(from->ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
    snprintf(connection->client, sizeof(connection->client), is_v6 ? "[%s]:%u" : "%s:%u", connection->address,
             connection->client_port);
    connection->scope = (struct scope){ &connection->station->scope, "client", connection->client };
    connection->phase_scope = (struct scope){ &connection->scope, "while", NULL };
}

void connection_open(struct station *station, const struct port *port, int fd, const struct sockaddr_storage *from)
{
    struct connection *connection = MAKE(NULL, struct connection);
    connection->station = station;
    connection->port = port;
    connection->fd = fd;
    note_client(connection, from);
    connection->slot = station_take_slot(station, connection);
    connection->generation = ++station->generation;
    connection->poll.data = connection->timer.data = connection;
    if (uv_poll_init(station->uv, &connection->poll, fd) != 0 || uv_timer_init(station->uv, &connection->timer) != 0)
        abort(); /* a socket just accepted can be watched */
    connection->greeting = (struct greeting){ .ctx = connection, .port = port };
    if (port->tls) {
        connection->ssl = tls_accept(station->tls, fd, &connection->greeting);
        connection_enter(connection, &phase_handshaking);
    } else {
        handshake_done(connection);
    }
    connection_arm(connection, UV_READABLE);
}
