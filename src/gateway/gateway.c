/* gateway.c - the kinds of ports, and the gateway from its options to its end. */
#include "gateway/gateway.h"
#include "gateway/admission.h"
#include "gateway/exchange.h"
#include "gateway/protocols.h"
#include <signal.h>
#include <sys/resource.h>

enum {
    PRINCIPALS_KEPT = 8192,
    PRINCIPAL_AGE_MS = 3600000, /* changes drop them sooner */
    KEYS_KEPT = 1000,
    KEY_AGE_MS = 60000,     /* auth.md 4.8: at most 60 s stale */
    DESCRIPTORS_KEPT = 256, /* for the store, loops, listeners, logs */
};

/* ---- ports: x509.md 4.8 as data ---- */

#define ALPN_ALL (ALPN_BIT(ALPN_MQTT_CA) | ALPN_BIT(ALPN_HTTP_CA) | ALPN_BIT(ALPN_MQTT) | ALPN_BIT(ALPN_HTTP_1_1))

const struct port ports[PORTS] = {
    [PORT_MQTT] = { .setting = "mqtt_port",
                    .tls = true,
                    .asks_certificate = true,
                    .alpn_taken = ALPN_BIT(ALPN_MQTT_CA) | ALPN_BIT(ALPN_MQTT),
                    .protocols = { [ALPN_NONE] = &mqtt_protocol,
                                   [ALPN_MQTT_CA] = &mqtt_protocol,
                                   [ALPN_MQTT] = &mqtt_protocol } },
    /* With "mqtt" a custom authorizer decides; there is none yet, so admission refuses by name. */
    [PORT_HTTPS] = { .setting = "https_port",
                     .tls = true,
                     .serves_credentials = true,
                     .alpn_taken = ALPN_ALL,
                     .alpn_asks_certificate = ALPN_BIT(ALPN_MQTT_CA) | ALPN_BIT(ALPN_HTTP_CA),
                     .protocols = { [ALPN_NONE] = &api_protocol,
                                    [ALPN_MQTT_CA] = &mqtt_protocol,
                                    [ALPN_HTTP_CA] = &device_http_protocol,
                                    [ALPN_MQTT] = &mqtt_protocol,
                                    [ALPN_HTTP_1_1] = &api_protocol } },
    [PORT_DEVICE_HTTPS] = { .setting = "device_https_port",
                            .tls = true,
                            .asks_certificate = true,
                            .alpn_taken = ALPN_BIT(ALPN_HTTP_CA) | ALPN_BIT(ALPN_HTTP_1_1),
                            .protocols = { [ALPN_NONE] = &device_http_protocol,
                                           [ALPN_HTTP_CA] = &device_http_protocol,
                                           [ALPN_HTTP_1_1] = &device_http_protocol } },
    [PORT_METRICS] = { .setting = "metrics_port", .loopback = true, .protocols = { [ALPN_NONE] = &metrics_protocol } },
};

/* ---- limits ---- */

static void set_defaults(struct gateway_options *options)
{
    const struct {
        size_t *limit, otherwise;
    } limits[] = {
        { &options->connection_limit, 20000 },   { &options->input_limit, 149504 + 16384 },
        { &options->strangers_limit, 32 << 20 }, { &options->output_limit, 16 << 20 },
        { &options->head_limit, 32 << 10 },      { &options->body_limit, (1 << 20) + (64 << 10) },
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (*limits[i].limit == 0)
            *limits[i].limit = limits[i].otherwise;
    if (options->handshake_patience_ms == 0)
        options->handshake_patience_ms = 10000;
}

/* As many as the configuration says, if the system gives as many descriptors. */
static void limit_connections(struct gateway *gateway)
{
    struct rlimit files;
    gateway->connection_limit = gateway->options.connection_limit;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return;
    size_t left = files.rlim_cur > 2 * DESCRIPTORS_KEPT ? files.rlim_cur - DESCRIPTORS_KEPT : files.rlim_cur / 2;
    if (left < gateway->connection_limit)
        gateway->connection_limit = left;
}

static void tell_limit(const struct gateway *gateway)
{
    if (gateway->connection_limit < gateway->options.connection_limit)
        log_warn(&gateway->scope,
                 "connection_limit is %zu, but with the files that the system gives this process %zu clients can be "
                 "connected; raise its limit of open files",
                 gateway->options.connection_limit, gateway->connection_limit);
}

/* ---- life ---- */

static int drop_hosts(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->station_count; i++)
        hosts_drop(gateway->stations[i]->hosts);
    return 0;
}

static struct hosts *make_hosts(struct gateway *gateway, const struct gateway_host *hosts, size_t count)
{
    return hosts_new(gateway->options.domain, gateway->options.default_account, hosts, count);
}

static FALLIBLE make_stations(struct gateway *gateway)
{
    const struct gateway_options *options = &gateway->options;
    struct hosts *hosts = make_hosts(gateway, NULL, 0);
    error *e = NULL;
    gateway->stations = MAKE_ARRAY(gateway, struct station *, options->loop_count);
    for (size_t i = 0; i < options->loop_count && e == NULL; i++) {
        e = station_new(gateway, options->loops[i], &gateway->stations[i]);
        gateway->stations[i]->hosts = hosts_share(hosts);
        gateway->station_count = i + 1;
    }
    hosts_drop(hosts);
    return e;
}

FALLIBLE gateway_new(void *ctx, const struct gateway_options *options, struct gateway **out)
{
    struct gateway *gateway = MAKE(ctx, struct gateway);
    talloc_set_destructor(gateway, drop_hosts);
    gateway->options = *options;
    set_defaults(&gateway->options);
    gateway->scope = (struct scope){ .above = options->scope };
    gateway->generations = generations_new(gateway);
    gateway->principals = cache_new(gateway, &admission_principals, PRINCIPALS_KEPT, PRINCIPAL_AGE_MS);
    gateway->keys = cache_new(gateway, &exchange_keys, KEYS_KEPT, KEY_AGE_MS);
    gateway->key_uses = cache_new(gateway, &exchange_uses, KEYS_KEPT, KEY_AGE_MS);
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    limit_connections(gateway);
    *out = gateway;
    return make_stations(gateway);
}

static void open_station(void *arg)
{
    station_open(arg);
}

FALLIBLE gateway_listen(struct gateway *gateway)
{
    error *e = listeners_bind(gateway);
    if (e != NULL) {
        listeners_abandon(gateway);
        return e;
    }
    tell_limit(gateway);
    gateway->opened = true;
    gateway->stations_open = gateway->station_count;
    for (size_t i = 0; i < gateway->station_count; i++)
        loop_call(gateway->stations[i]->loop, open_station, gateway->stations[i]);
    return NULL;
}

static void shut_station(void *arg)
{
    station_shut(arg);
}

void gateway_shut(struct gateway *gateway, unsigned patience_ms, void (*done)(void *arg), void *arg)
{
    gateway->shut_patience_ms = patience_ms;
    gateway->shut_done = done;
    gateway->shut_arg = arg;
    if (!gateway->opened) {
        loop_call(gateway->stations[0]->loop, done, arg);
        return;
    }
    for (size_t i = 0; i < gateway->station_count; i++)
        loop_call(gateway->stations[i]->loop, shut_station, gateway->stations[i]);
}

/* ---- what changes while it runs ---- */

struct new_hosts {
    struct loop_post post;
    struct station *station;
    struct hosts *hosts;
};

static void take_hosts(struct loop_post *post)
{
    struct new_hosts *new = (struct new_hosts *)((char *)post - offsetof(struct new_hosts, post));
    hosts_drop(new->station->hosts);
    new->station->hosts = new->hosts;
    talloc_free(new);
}

void gateway_set_hosts(struct gateway *gateway, const struct gateway_host *hosts, size_t count)
{
    struct hosts *map = make_hosts(gateway, hosts, count);
    for (size_t i = 0; i < gateway->station_count; i++) {
        struct new_hosts *new = MAKE(NULL, struct new_hosts);
        *new = (struct new_hosts){ .post = { .run = take_hosts },
                                   .station = gateway->stations[i],
                                   .hosts = hosts_share(map) };
        loop_post(gateway->stations[i]->loop, &new->post);
    }
    hosts_drop(map);
}

void gateway_on_changes(struct gateway *gateway, const struct change *changes, size_t count)
{
    generations_move(gateway->generations, changes, count);
}
