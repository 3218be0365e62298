/* stream.c - a connection's bytes: what came and was not used yet, what is to be sent and was not taken yet.

   Both sides have bounds. A client that sends without reading is not read any more while much is queued for it
   (CHOKED_BYTES): nothing that it can ask for piles up. */
#include "gateway/connection_inner.h"
#include "gateway/wire.h"

enum {
    READS_A_TURN = 8,
    SMALL_BUFFER = 1024,   /* what an idle connection may keep */
    STALL_MS = 60000,      /* a client that takes nothing at all for so long is gone */
    STRANGER_FREE = 16384, /* what any stranger may hold */
    CHOKED_BYTES = 1024 * 1024,
};

/* ---- sending ---- */

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
    connection_touch(connection);
}

size_t connection_queued(const struct connection *connection)
{
    return connection->out_length - connection->out_begin;
}

/* ---- reading ---- */

/* What strangers may hold of our memory together, before anybody knows who they are, has a bound; those who send no more
   than a usual CONNECT are not asked. */
static void count_stranger(struct connection *connection)
{
    struct gateway *gateway = connection->station->gateway;
    size_t counted = connection->is_known ? 0 : connection->in_room, before = connection->counted_in;
    if (counted == before)
        return;
    connection->counted_in = counted;
    size_t now = __atomic_add_fetch(&gateway->strangers_bytes, counted - before, __ATOMIC_RELAXED);
    if (counted > before && counted > STRANGER_FREE && now > gateway->options.strangers_limit)
        connection_leave(connection, "too many strangers sent too much of a packet");
}

static void make_room(struct connection *connection, size_t length)
{
    size_t most = connection->station->gateway->options.input_limit + SCRATCH_BYTES, room = length * 2;
    room = room < SMALL_BUFFER ? SMALL_BUFFER : room > most && length <= most ? most : room;
    connection->in = resized(connection, connection->in, room);
    connection->in_room = room;
    count_stranger(connection);
}

static void keep_rest(struct connection *connection, slice rest)
{
    if (rest.length > connection->in_room)
        make_room(connection, rest.length);
    if (rest.length > 0)
        memcpy(connection->in, rest.at, rest.length);
    connection->in_length = rest.length;
}

void stream_drop_input(struct connection *connection)
{
    talloc_free(connection->in);
    connection->in = NULL;
    connection->in_length = connection->in_room = 0;
    count_stranger(connection);
}

void connection_is_known(struct connection *connection)
{
    connection->is_known = true;
    count_stranger(connection);
}

static void join_rest(struct connection *connection, slice bytes)
{
    if (connection->in_length + bytes.length > connection->in_room)
        make_room(connection, connection->in_length + bytes.length);
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
        stream_drop_input(connection);
    if (connection->in_length > connection->station->gateway->options.input_limit)
        connection_leave(connection, "a packet larger than any that is taken");
}

bool stream_takes_bytes(const struct connection *connection)
{
    return connection->reading == READING && connection->leaving == NULL && !connection->ended &&
           !connection->is_choked;
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
    return stream_takes_bytes(connection) && wire_has_more(connection);
}

void connection_serve(struct connection *connection)
{
    if (!stream_takes_bytes(connection)) {
        if (connection->blocked != BLOCKED_TO_READ) /* only now: mostly nothing comes while we are busy */
            connection_arm(connection, connection->armed & ~UV_READABLE);
        return;
    }
    for (int i = 0; i < READS_A_TURN; i++)
        if (!read_once(connection))
            return;
    connection_make_hungry(connection);
}

void stream_go_on(struct connection *connection)
{
    connection_arm(connection, connection->armed | UV_READABLE);
    if (connection->in_length > 0) {
        slice none = { connection->in, 0 };
        feed(connection, none);
    }
    if (stream_takes_bytes(connection) && wire_has_more(connection))
        connection_serve(connection);
}

/* ---- writing ---- */

static void sent_all(struct connection *connection)
{
    connection->out_begin = connection->out_length = 0;
    connection->blocked = NOT_BLOCKED;
    connection->stall_ends_ms = 0;
    connection_arm(connection, connection->armed & ~UV_WRITABLE);
    if (connection->out_room > SMALL_BUFFER) {
        talloc_free(connection->out);
        connection->out = NULL;
        connection->out_room = 0;
    }
}

/* TLS may have to read before it writes on (a key update): then waiting for room to write would wait for ever, or spin. */
static void wait_for(struct connection *connection, enum blocked blocked)
{
    connection->blocked = blocked;
    connection->stall_ends_ms = connection_now_ms(connection) + STALL_MS;
    connection_arm(connection, connection->armed | (blocked == BLOCKED_TO_READ ? UV_READABLE : UV_WRITABLE));
    connection_set_timer(connection);
}

bool stream_flush(struct connection *connection)
{
    while (connection_queued(connection) > 0) {
        size_t written;
        enum wire done =
            wire_write(connection, connection->out + connection->out_begin, connection_queued(connection), &written);
        if (done == WIRE_BROKEN) {
            connection_end(connection, "the connection broke");
            return false;
        }
        if (done == WIRE_BLOCKED || done == WIRE_AGAIN) {
            wait_for(connection, done == WIRE_AGAIN ? BLOCKED_TO_READ : BLOCKED_TO_WRITE);
            return true;
        }
        connection->out_begin += written;
        COUNT(connection->station->counters.bytes_out, written);
    }
    sent_all(connection);
    return true;
}

/* Is the client slower than what it makes us send? True: it was, and has taken all of it. */
bool stream_is_relieved(struct connection *connection)
{
    bool was_choked = connection->is_choked;
    size_t queued = connection_queued(connection);
    connection->is_choked = queued > (was_choked ? 0 : CHOKED_BYTES);
    return was_choked && !connection->is_choked;
}
