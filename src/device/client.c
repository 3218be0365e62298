/* client.c - one MQTT connection over TLS: the wire, its phases and its clock. */
#include "device/client.h"
#include "base/clock.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, LEAVE_MS = 2000, READ_BYTES = 16 * 1024, READS_A_TURN = 16 };

/* A client is in one phase; the phase knows what a ready descriptor and a timer mean. */
struct phase {
    const char *name;
    void (*ready)(struct device_client *client);
    void (*tick)(struct device_client *client);
};

static void finish_tcp(struct device_client *client);
static void shake_hands(struct device_client *client);
static void exchange(struct device_client *client);
static void leave(struct device_client *client);
static void be_late(struct device_client *client);
static void keep_alive(struct device_client *client);

static const struct phase reaching = { "while connecting", finish_tcp, be_late };
static const struct phase shaking = { "during the TLS handshake", shake_hands, be_late };
static const struct phase greeting = { "waiting for CONNACK", exchange, be_late };
static const struct phase serving = { "connected", exchange, keep_alive };
static const struct phase leaving = { "saying goodbye", leave, be_late };

static const char *const end_names[DEVICE_END_KINDS] = {
    [DEVICE_LEFT] = "left",           [DEVICE_UNREACHABLE] = "unreachable", [DEVICE_TLS_FAILED] = "TLS failed",
    [DEVICE_REFUSED] = "refused",     [DEVICE_SENT_AWAY] = "sent away",     [DEVICE_LOST] = "connection lost",
    [DEVICE_TIMED_OUT] = "timed out", [DEVICE_BAD_SERVER] = "bad server",
};

const char *device_end_name(enum device_end_kind kind)
{
    return end_names[kind];
}

bool client_is_serving(const struct device_client *client)
{
    return client->phase == &serving && !client->ended;
}

bool client_is_greeting(const struct device_client *client)
{
    return client->phase == &greeting;
}

void *device_client_owner(const struct device_client *client)
{
    return client->wish.owner;
}

/* ---- the end ---- */

static void free_poll(uv_handle_t *handle)
{
    talloc_free(handle);
}

static void drop_wire(struct device_client *client)
{
    SSL_free(client->ssl);
    client->ssl = NULL;
    if (client->poll != NULL) {
        uv_close((uv_handle_t *)client->poll, free_poll);
        client->poll = NULL;
    }
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static void tell_end(uv_handle_t *timer)
{
    struct device_client *client = timer->data;
    client->wish.handlers->closed(client, &client->end);
    talloc_free(client);
}

/* `closed` comes from a later turn of the loop, so that whoever calls this may go on using the client. */
void client_end(struct device_client *client, enum device_end_kind kind, int reason, const char *text)
{
    if (client->ended)
        return;
    client->ended = true;
    client->end = (struct device_end){ kind, reason, text_copy(client, text) };
    drop_wire(client);
    uv_close((uv_handle_t *)&client->timer, tell_end);
}

static void end_by_tls(struct device_client *client, int result)
{
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_SSL:
        client_end(client, DEVICE_TLS_FAILED, 0, identity_trouble(client, client->ssl));
        break;
    case SSL_ERROR_SYSCALL:
        client_end(client, DEVICE_LOST, 0, errno != 0 ? strerror(errno) : "the server broke off");
        break;
    default:
        client_end(client, DEVICE_LOST, 0, "the server closed the connection");
    }
}

/* ---- the clock ---- */

static void on_timer(uv_timer_t *timer)
{
    struct device_client *client = timer->data;
    client->phase->tick(client);
}

static void be_late(struct device_client *client)
{
    if (client->phase == &leaving)
        client_end(client, DEVICE_LEFT, 0, "left");
    else
        client_end(client, DEVICE_TIMED_OUT, 0, client->phase->name);
}

/* Twice in each keep-alive: whoever said nothing asks, and whoever was not answered gives up. */
static void keep_alive(struct device_client *client)
{
    if (client->asked && !client->got_anything) {
        client_end(client, DEVICE_TIMED_OUT, 0, "no answer to PINGREQ");
        return;
    }
    client->asked = !client->sent_anything;
    client->got_anything = client->sent_anything = false;
    if (client->asked)
        client_ping(client);
}

/* ---- the wire ---- */

static void wait_for(struct device_client *client, int events);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct device_client *client = poll->data;
    (void)status, (void)events; /* whoever reads, writes or asks for SO_ERROR learns more */
    client->phase->ready(client);
}

static void wait_for(struct device_client *client, int events)
{
    if (client->ended || events == client->events)
        return;
    client->events = events;
    uv_poll_start(client->poll, events, on_poll);
}

static void reach_next(struct device_client *client, const char *because);

static void reach(struct device_client *client)
{
    const struct address *address = &client->wish.server->addresses[client->address_at];
    int on = 1;
    client->fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0 ||
        (connect(client->fd, (const struct sockaddr *)&address->at, address->length) != 0 && errno != EINPROGRESS)) {
        reach_next(client, strerror(errno));
        return;
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    client->poll = MAKE(NULL, uv_poll_t);
    client->poll->data = client;
    if (uv_poll_init(client->loop, client->poll, client->fd) != 0) {
        talloc_free(client->poll);
        client->poll = NULL;
        reach_next(client, "the loop takes no more descriptors");
        return;
    }
    client->events = 0;
    wait_for(client, UV_WRITABLE);
}

static void reach_next(struct device_client *client, const char *because)
{
    drop_wire(client);
    if (++client->address_at < client->wish.server->address_count)
        reach(client);
    else
        client_end(client, DEVICE_UNREACHABLE, 0, because);
}

static void finish_tcp(struct device_client *client)
{
    int fault = 0;
    socklen_t length = sizeof(fault);
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &fault, &length) != 0)
        fault = errno;
    if (fault != 0) {
        reach_next(client, strerror(fault));
        return;
    }
    const error *e =
        identity_dress(client, client->wish.identity, client->wish.server, client->wish.alpn, client->fd, &client->ssl);
    if (e != NULL) {
        client_end(client, DEVICE_TLS_FAILED, 0, e->message);
        return;
    }
    client->phase = &shaking;
    shake_hands(client);
}

static void shake_hands(struct device_client *client)
{
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(client->ssl);
    if (result == 1) {
        client->phase = &greeting;
        client_say_hello(client);
        client_flush(client);
        return;
    }
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        wait_for(client, UV_READABLE);
        break;
    case SSL_ERROR_WANT_WRITE:
        wait_for(client, UV_READABLE | UV_WRITABLE);
        break;
    default:
        end_by_tls(client, result);
    }
}

/* True while the connection is good. */
static bool write_out(struct device_client *client)
{
    while (client->out_at < client->out.length) {
        ERR_clear_error();
        errno = 0;
        int result =
            SSL_write(client->ssl, client->out.at + client->out_at, (int)(client->out.length - client->out_at));
        if (result > 0) {
            client->out_at += (size_t)result;
            client->sent_anything = true;
            continue;
        }
        int fault = SSL_get_error(client->ssl, result);
        if (fault == SSL_ERROR_WANT_WRITE || fault == SSL_ERROR_WANT_READ)
            return true;
        end_by_tls(client, result);
        return false;
    }
    client->out.length = client->out_at = 0;
    return true;
}

void client_flush(struct device_client *client)
{
    if (!client->ended && client->ssl != NULL && write_out(client))
        wait_for(client, client->out.length > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

/* At most READS_A_TURN records; a record is read whole, so that what is left waits in the descriptor. */
static void read_in(struct device_client *client)
{
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_A_TURN && !client->ended; i++) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_read(client->ssl, bytes, sizeof(bytes));
        if (result <= 0) {
            int fault = SSL_get_error(client->ssl, result);
            if (fault != SSL_ERROR_WANT_READ && fault != SSL_ERROR_WANT_WRITE)
                end_by_tls(client, result);
            return;
        }
        client->got_anything = true;
        writer_bytes(&client->in, bytes, (size_t)result);
        client_take(client);
    }
}

static void exchange(struct device_client *client)
{
    read_in(client);
    client_flush(client);
}

/* ---- from CONNACK to DISCONNECT ---- */

void client_serve(struct device_client *client)
{
    uint64_t half_ms = client->keep_alive_s * UINT64_C(500);
    client->phase = &serving;
    uv_timer_stop(&client->timer);
    if (half_ms > 0)
        uv_timer_start(&client->timer, on_timer, half_ms, half_ms);
}

/* What still comes in is read away, so that our last words are not lost to a reset. */
static void leave(struct device_client *client)
{
    char bytes[READ_BYTES];
    while (SSL_read(client->ssl, bytes, sizeof(bytes)) > 0)
        continue;
    if (!write_out(client))
        return;
    if (client->out.length > 0) {
        wait_for(client, UV_READABLE | UV_WRITABLE);
        return;
    }
    SSL_shutdown(client->ssl);
    client_end(client, DEVICE_LEFT, 0, "left");
}

void device_client_disconnect(struct device_client *client)
{
    if (client->ended || client->phase == &leaving)
        return;
    if (client->phase != &serving) {
        client_end(client, DEVICE_LEFT, 0, "left");
        return;
    }
    client_say_goodbye(client);
    client->phase = &leaving;
    uv_timer_start(&client->timer, on_timer, LEAVE_MS, 0);
    leave(client);
}

struct device_client *device_client_new(uv_loop_t *loop, const struct device_client_wish *wish)
{
    struct device_client *client = MAKE(NULL, struct device_client);
    client->loop = loop;
    client->wish = *wish;
    client->wish.client_id = text_copy(client, wish->client_id);
    client->wish.alpn = wish->alpn ? text_copy(client, wish->alpn) : NULL;
    client->keep_alive_s = wish->keep_alive_s;
    client->fd = -1;
    client->out = writer_new(client, DEVICE_OUTPUT_MAX);
    client->in = writer_new(client, DEVICE_PACKET_MAX + READ_BYTES);
    client->in_flight_max = DEVICE_IN_FLIGHT_MAX;
    client->packet_max = MQTT_LARGEST_PACKET;
    client->phase = &reaching;
    uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    uv_timer_start(&client->timer, on_timer, wish->patience_ms ? wish->patience_ms : PATIENCE_MS, 0);
    reach(client);
    return client;
}
