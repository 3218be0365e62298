/* connection.c - phases from the handshake to the goodbye, and the pump between them. */
#include "gateway/connection.h"
#include "gateway/wire.h"
#include <openssl/err.h>
#include <unistd.h>

enum {
    READS_A_TURN = 8,
    SMALL_BUFFER = 1024,     /* what an idle connection may keep */
    GOODBYE_MS = 2000,       /* how long we wait for the client's end after ours */
    GOODBYE_BYTES = 1 << 18, /* and how much of what it still sends we throw away */
    STALL_MS = 60000,        /* a client that takes nothing at all for so long is gone */
};

static void shake_hands(struct connection *connection);
static void too_late_to_shake(struct connection *connection);
static void throw_away(struct connection *connection);

/* The patience of handshakes is an option: see patience_of. */
static const struct phase handshaking = { "shaking hands", 0, shake_hands, too_late_to_shake };
static const struct phase parting = { "saying goodbye", GOODBYE_MS, throw_away, NULL };

/* ---- time: one timer for the phase's patience, the protocol's wish, and a client that takes nothing ---- */

static uint64_t now_ms(const struct connection *connection)
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
static void set_timer(struct connection *connection)
{
    uint64_t at = earlier(connection->phase_ends_ms, earlier(connection->tick_ms, connection->stall_ends_ms));
    bool early_enough = connection->timer_ms != 0 && connection->timer_ms <= at;
    if (connection->ended || at == 0 || early_enough)
        return;
    connection->timer_ms = at;
    uv_timer_start(&connection->timer, on_timer, at > now_ms(connection) ? at - now_ms(connection) : 0, 0);
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
    uint64_t now = now_ms(connection);
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
    set_timer(connection);
}

static uint64_t patience_of(const struct connection *connection, const struct phase *phase)
{
    return phase == &handshaking ? connection->station->gateway->options.handshake_patience_ms : phase->patience_ms;
}

void connection_enter(struct connection *connection, const struct phase *phase)
{
    uint64_t patience = patience_of(connection, phase);
    connection->phase = phase;
    connection->phase_ends_ms = patience ? now_ms(connection) + patience : 0;
    connection->phase_scope.value = phase->name;
    set_timer(connection);
}

void connection_wake_after(struct connection *connection, uint64_t ms)
{
    connection->tick_ms = ms ? now_ms(connection) + ms : 0;
    set_timer(connection);
}

/* ---- what the loop watches for ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void arm(struct connection *connection, int events)
{
    if (connection->ended || events == connection->armed)
        return;
    connection->armed = events;
    if (events == 0)
        uv_poll_stop(&connection->poll);
    else
        uv_poll_start(&connection->poll, events, on_poll);
}

static void touch(struct connection *connection)
{
    struct station *station = connection->station;
    if (connection->is_touched || connection->ended)
        return;
    connection->is_touched = true;
    connection->next_touched = NULL;
    *station->touched_last = connection;
    station->touched_last = &connection->next_touched;
}

/* Has bytes that no event will announce: goes on in the next turn. */
static void make_hungry(struct connection *connection)
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

static char *resized(struct connection *connection, char *buffer, size_t room)
{
    char *moved = talloc_realloc_size(connection, buffer, room);
    if (moved == NULL)
        abort();
    return moved;
}

void connection_send(struct connection *connection, slice bytes)
{
    size_t limit = connection->station->gateway->options.output_limit;
    if (connection->ended || bytes.length == 0)
        return;
    if (connection_queued(connection) + bytes.length > limit) {
        connection->out_length = connection->out_begin; /* it would come incomplete anyway */
        connection_leave(connection, "the client does not take what it is sent");
        return;
    }
    if (connection->out_begin > 0 && connection->out_length + bytes.length > connection->out_room) {
        connection->out_length -= connection->out_begin;
        memmove(connection->out, connection->out + connection->out_begin, connection->out_length);
        connection->out_begin = 0;
    }
    if (connection->out_length + bytes.length > connection->out_room) {
        size_t room = connection->out_room ? connection->out_room : SMALL_BUFFER / 4;
        while (room < connection->out_length + bytes.length)
            room *= 2;
        connection->out = resized(connection, connection->out, room);
        connection->out_room = room;
    }
    memcpy(connection->out + connection->out_length, bytes.at, bytes.length);
    connection->out_length += bytes.length;
    touch(connection);
}

size_t connection_queued(const struct connection *connection)
{
    return connection->out_length - connection->out_begin;
}

void connection_pause(struct connection *connection)
{
    connection->reading = PAUSED;
}

void connection_resume(struct connection *connection)
{
    if (connection->reading == READING)
        return;
    connection->reading = RESUMES;
    touch(connection);
}

void connection_resume_when_sent(struct connection *connection)
{
    connection->reading = RESUMES_WHEN_SENT;
    touch(connection);
}

void connection_leave(struct connection *connection, const char *why)
{
    if (connection->leaving == NULL)
        connection->leaving = why;
    touch(connection);
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

/* ---- reading ---- */

static void keep_rest(struct connection *connection, slice rest)
{
    if (rest.length > connection->in_room) {
        connection->in_room = rest.length > SMALL_BUFFER ? rest.length * 2 : SMALL_BUFFER;
        connection->in = resized(connection, connection->in, connection->in_room);
    }
    if (rest.length > 0)
        memcpy(connection->in, rest.at, rest.length);
    connection->in_length = rest.length;
}

static void drop_input(struct connection *connection)
{
    talloc_free(connection->in);
    connection->in = NULL;
    connection->in_length = connection->in_room = 0;
}

static void join_rest(struct connection *connection, slice bytes)
{
    if (connection->in_length + bytes.length > connection->in_room) {
        size_t room = (connection->in_length + bytes.length) * 2;
        connection->in = resized(connection, connection->in, room);
        connection->in_room = room;
    }
    memcpy(connection->in + connection->in_length, bytes.at, bytes.length);
    connection->in_length += bytes.length;
}

/* Gives the protocol what it left over before, and what came now. */
static void feed(struct connection *connection, slice bytes)
{
    if (connection->in_length == 0) {
        size_t used = connection->protocol->take(connection, bytes);
        keep_rest(connection, slice_from(bytes, used));
    } else {
        join_rest(connection, bytes);
        size_t used = connection->protocol->take(connection, (slice){ connection->in, connection->in_length });
        connection->in_length -= used;
        memmove(connection->in, connection->in + used, connection->in_length);
    }
    if (connection->in_length == 0 && connection->in_room > 0)
        drop_input(connection);
    if (connection->in_length > connection->station->gateway->options.input_limit)
        connection_leave(connection, "a packet larger than any that is taken");
}

static bool takes_bytes(const struct connection *connection)
{
    return connection->reading == READING && connection->leaving == NULL && !connection->ended;
}

static void client_has_ended(struct connection *connection)
{
    connection->client_ended = true;
    if (connection->protocol->answers_after_end && connection_queued(connection) > 0)
        connection_leave(connection, "the client ended the connection");
    else
        connection_end(connection, "the client ended the connection");
}

/* False: nothing more can be read now. */
static bool read_once(struct connection *connection)
{
    struct station *station = connection->station;
    size_t length;
    enum wire got = wire_read(connection, station->scratch, sizeof(station->scratch), &length);
    if (got == WIRE_ENDED)
        client_has_ended(connection);
    else if (got == WIRE_BROKEN)
        connection_end(connection, "the connection broke");
    if (got == WIRE_AGAIN)
        return true;
    if (got != WIRE_OK)
        return false;
    COUNT(station->counters.bytes_in, length);
    feed(connection, (slice){ station->scratch, length });
    return takes_bytes(connection) && wire_has_more(connection);
}

void connection_serve(struct connection *connection)
{
    if (!takes_bytes(connection)) {
        arm(connection, connection->armed & ~UV_READABLE); /* only now: mostly nothing comes while we are busy */
        return;
    }
    for (int i = 0; i < READS_A_TURN; i++)
        if (!read_once(connection))
            return;
    make_hungry(connection);
}

/* After a pause: what was left over first, then what TLS holds; the loop announces the rest. */
static void resume(struct connection *connection)
{
    connection->reading = READING;
    arm(connection, connection->armed | UV_READABLE);
    if (connection->in_length > 0) {
        slice none = { connection->in, 0 };
        feed(connection, none);
    }
    if (takes_bytes(connection) && wire_has_more(connection))
        connection_serve(connection);
}

void connection_go_on(struct connection *connection)
{
    connection->is_hungry = false;
    if (!connection->ended)
        connection->phase->readable(connection);
}

/* ---- writing ---- */

static void sent_all(struct connection *connection)
{
    connection->out_begin = connection->out_length = 0;
    connection->blocked = false;
    connection->stall_ends_ms = 0;
    arm(connection, connection->armed & ~UV_WRITABLE);
    if (connection->out_room > SMALL_BUFFER) {
        talloc_free(connection->out);
        connection->out = NULL;
        connection->out_room = 0;
    }
}

static void wait_until_writable(struct connection *connection)
{
    connection->blocked = true;
    connection->stall_ends_ms = now_ms(connection) + STALL_MS;
    arm(connection, connection->armed | UV_WRITABLE);
    set_timer(connection);
}

/* False: the connection is gone. */
static bool flush(struct connection *connection)
{
    while (connection_queued(connection) > 0) {
        size_t written;
        enum wire done =
            wire_write(connection, connection->out + connection->out_begin, connection_queued(connection), &written);
        if (done == WIRE_BROKEN) {
            connection_end(connection, "the connection broke");
            return false;
        }
        if (done == WIRE_BLOCKED) {
            wait_until_writable(connection);
            return true;
        }
        connection->out_begin += written;
        COUNT(connection->station->counters.bytes_out, written);
    }
    sent_all(connection);
    return true;
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
        make_hungry(connection);
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
    arm(connection, UV_READABLE);
}

void connection_settle(struct connection *connection)
{
    connection->is_touched = false;
    if (connection->ended || (!connection->blocked && !flush(connection)))
        return;
    bool sent = connection_queued(connection) == 0;
    if (connection->leaving != NULL && sent)
        part(connection);
    else if (connection->reading == RESUMES || (connection->reading == RESUMES_WHEN_SENT && sent))
        resume(connection);
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
    forget_hunger(connection);
    station_give_slot(connection->station, connection->slot);
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    connection->handles = 2;
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    uv_close((uv_handle_t *)&connection->timer, on_closed);
    close(connection->fd);
}

/* ---- the handshake ---- */

static void count_failure(struct connection *connection, int kind)
{
    struct station *station = connection->station;
    const char *why;
    enum tls_failure failure = tls_failure_of(&connection->greeting, kind, &why);
    COUNT(station->counters.handshakes_failed[failure], 1);
    if (failure != TLS_FAILED_GONE && quiet_allows(&station->handshake_lines, &station->scope, "handshakes")) {
        const struct scope name = { &connection->scope, "sni", connection->greeting.server_name };
        const struct scope port = { &name, "port", connection->port->setting };
        log_info(&port, "a handshake failed (%s): %s", tls_failure_name(failure), why);
    }
    ERR_clear_error();
    connection_end(connection, "the handshake failed");
}

static void too_late_to_shake(struct connection *connection)
{
    COUNT(connection->station->counters.handshakes_late, 1);
    connection_end(connection, "the handshake took too long");
}

static void begin_protocol(struct connection *connection)
{
    connection->greeting.hosts = NULL;
    connection->protocol = connection->port->protocols[connection->greeting.alpn];
    connection_enter(connection, connection->protocol->first);
    connection->protocol->begin(connection);
}

static void shake_hands(struct connection *connection)
{
    struct station *station = connection->station;
    if (station->handshakes_left == 0)
        return; /* the socket stays readable: its turn comes */
    station->handshakes_left--;
    connection->greeting.hosts = station->hosts;
    ERR_clear_error();
    int result = SSL_do_handshake(connection->ssl);
    if (result == 1) {
        COUNT(station->counters.handshakes, 1);
        tls_certificate_id(connection->ssl, connection->certificate_id);
        arm(connection, UV_READABLE);
        begin_protocol(connection);
        if (takes_bytes(connection) && wire_has_more(connection))
            connection_serve(connection);
        return;
    }
    int kind = SSL_get_error(connection->ssl, result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        arm(connection, kind == SSL_ERROR_WANT_WRITE ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    else
        count_failure(connection, kind);
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
    if (events & UV_WRITABLE) {
        connection->blocked = false;
        touch(connection);
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
        connection_enter(connection, &handshaking);
    } else {
        begin_protocol(connection);
    }
    arm(connection, UV_READABLE);
}
