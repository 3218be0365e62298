/* listener.c - listening sockets: one a loop, an address and a port, all on the same port by SO_REUSEPORT. */
#include "gateway/connection.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { BACKLOG = 4096, ACCEPTS_A_TURN = 64 };

static const char *const loopback[] = { "127.0.0.1", "::1" };

/* ---- addresses ---- */

struct endpoint {
    struct sockaddr_storage address;
    socklen_t length;
};

static bool endpoint_of(const char *text, uint16_t port, struct endpoint *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;
    *out = (struct endpoint){ 0 };
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out->length = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out->length = sizeof(*v6);
    return true;
}

/* ---- binding ---- */

static int new_socket(const struct endpoint *endpoint)
{
    int yes = 1;
    int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)); /* what lingers of a former server does not count */
    if (endpoint->address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); /* accepted sockets inherit it */
    return fd;
}

/* -1, and errno says why. */
static int bound_socket(const struct endpoint *endpoint, bool shared)
{
    int yes = 1;
    int fd = new_socket(endpoint);
    if (fd >= 0 && (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0) &&
        bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->length) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

static error *cannot_bind(struct gateway *gateway, const struct port *port, uint16_t number, const char *address)
{
    if (errno == EADDRINUSE)
        return error_new(gateway, "GatewayUnavailable", "port %u (%s) is taken on %s", number, port->setting, address);
    return error_new(gateway, "GatewayUnavailable", "cannot listen on %s port %u (%s): %s", address, number,
                     port->setting, strerror(errno));
}

static void add_listener(struct station *station, const struct port *port, int fd)
{
    struct listener *listener = MAKE(station, struct listener);
    *listener = (struct listener){ .station = station, .port = port, .fd = fd, .next = station->listeners };
    station->listeners = listener;
}

/* Metrics are read now and then: one loop does. */
static size_t stations_of(const struct gateway *gateway, const struct port *port)
{
    return port->loopback ? 1 : gateway->station_count;
}

/* SO_REUSEPORT would share the port with another server of this user, without a word: so it is asked for alone first. */
static FALLIBLE bind_endpoint(struct gateway *gateway, const struct port *port, uint16_t number, const char *address,
                              const struct endpoint *endpoint)
{
    int probe = bound_socket(endpoint, false);
    if (probe < 0)
        return cannot_bind(gateway, port, number, address);
    close(probe);
    for (size_t i = 0; i < stations_of(gateway, port); i++) {
        int fd = bound_socket(endpoint, true);
        if (fd < 0)
            return cannot_bind(gateway, port, number, address);
        add_listener(gateway->stations[i], port, fd);
    }
    return NULL;
}

/* Without configured addresses ::1 may be missing from the machine. */
static bool may_be_missing(const struct gateway *gateway, const struct endpoint *endpoint)
{
    if (gateway->options.address_count > 0 || endpoint->address.ss_family != AF_INET6)
        return false;
    int probe = new_socket(endpoint);
    bool missing = probe < 0 || (bind(probe, (const struct sockaddr *)&endpoint->address, endpoint->length) != 0 &&
                                 errno == EADDRNOTAVAIL);
    if (probe >= 0)
        close(probe);
    return missing;
}

static FALLIBLE bind_port(struct gateway *gateway, const struct port *port, uint16_t number)
{
    const struct gateway_options *options = &gateway->options;
    bool ours = options->address_count == 0 || port->loopback;
    const char *const *addresses = ours ? loopback : options->addresses;
    size_t count = ours ? sizeof(loopback) / sizeof(loopback[0]) : options->address_count;
    for (size_t i = 0; i < count; i++) {
        struct endpoint endpoint;
        if (!endpoint_of(addresses[i], number, &endpoint))
            return error_new(gateway, "GatewayUnavailable", "listen: \"%s\" is no numeric address", addresses[i]);
        if (ours && may_be_missing(gateway, &endpoint))
            continue;
        TRY(bind_endpoint(gateway, port, number, addresses[i], &endpoint));
    }
    return NULL;
}

FALLIBLE listeners_bind(struct gateway *gateway)
{
    const struct gateway_options *options = &gateway->options;
    const uint16_t numbers[PORTS] = {
        [PORT_MQTT] = options->mqtt_port,
        [PORT_HTTPS] = options->https_port,
        [PORT_DEVICE_HTTPS] = options->device_https_port,
        [PORT_METRICS] = options->metrics_port,
    };
    for (size_t i = 0; i < PORTS; i++)
        if (numbers[i] != 0)
            TRY(bind_port(gateway, &ports[i], numbers[i]));
    return NULL;
}

void listeners_abandon(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->station_count; i++) {
        for (struct listener *listener = gateway->stations[i]->listeners; listener != NULL; listener = listener->next)
            close(listener->fd);
        gateway->stations[i]->listeners = NULL;
    }
}

/* ---- accepting ---- */

static void turn_away(struct station *station, int fd, const char *why)
{
    COUNT(station->counters.over_limit, 1);
    close(fd);
    if (quiet_allows(&station->limit_lines, &station->scope, "clients turned away"))
        log_warn(&station->scope, "turned a client away: %s", why);
}

/* No descriptor is left: the spare one takes the client, so that he is told by a close, and does not wait for ever. */
static void accept_with_spare(struct listener *listener)
{
    struct station *station = listener->station;
    if (station->spare_fd >= 0)
        close(station->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        turn_away(station, fd, "the process has no file descriptor left");
    station->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Who looks at the metrics is let in: a flood is when they are looked at. */
static bool is_over_limit(struct gateway *gateway, const struct port *port)
{
    if (__atomic_add_fetch(&gateway->connection_count, 1, __ATOMIC_RELAXED) <= gateway->connection_limit ||
        port->loopback)
        return false;
    __atomic_sub_fetch(&gateway->connection_count, 1, __ATOMIC_RELAXED);
    return true;
}

/* False: nobody waits any more. */
static bool accept_one(struct listener *listener)
{
    struct station *station = listener->station;
    struct sockaddr_storage from;
    socklen_t length = sizeof(from);
    int fd = accept4(listener->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        accept_with_spare(listener);
        return false;
    }
    if (fd < 0)
        return errno == EINTR || errno == ECONNABORTED;
    if (is_over_limit(station->gateway, listener->port)) {
        turn_away(station, fd, "as many as connection_limit allows are connected");
        return true;
    }
    COUNT(station->counters.accepted, 1);
    connection_open(station, listener->port, fd, &from);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++)
        if (!accept_one(poll->data))
            return;
}

void listeners_start(struct station *station)
{
    station->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (struct listener *listener = station->listeners; listener != NULL; listener = listener->next) {
        station->handles++;
        listener->poll.data = listener;
        if (uv_poll_init(station->uv, &listener->poll, listener->fd) != 0)
            abort(); /* a listening socket can be watched */
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    listener->station->handles--;
    station_check_closed(listener->station);
}

void listeners_stop(struct station *station)
{
    for (struct listener *listener = station->listeners; listener != NULL; listener = listener->next) {
        uv_close((uv_handle_t *)&listener->poll, on_closed);
        close(listener->fd);
    }
    station->listeners = NULL;
}
