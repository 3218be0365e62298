/* run.c - from the configuration to "musterd ready", and from SIGTERM to a clean end. */
#include "server/inner.h"
#include "base/clock.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { GOODBYE_MS = 3000, SWEEP_MS = 60000 };

/* ---- the minute's sweep ---- */

static void sweep(struct server *server, const struct operation *operation);

static void sweep_done(struct call *call)
{
    struct server *server = call->owner;
    const struct operation *operation = call->operation;
    bool more = call->error == NULL && json_get_bool(call->output, "more", false);
    if (call->error != NULL)
        log_error(&server->scope, "%s failed: %s", operation->name, error_chain(call, call->error));
    talloc_free(call);
    if (more)
        sweep(server, operation);
}

static void sweep(struct server *server, const struct operation *operation)
{
    struct call *call =
        call_new_internal(server->door, operation, server->default_account, server->configuration->region);
    call->home = server->loops[0];
    call->done = sweep_done;
    call->owner = server;
    call->lane = LANE_BULK;
    operation_run(call);
}

void server_sweep(struct server *server)
{
    sweep(server, &provisioning_sweep);
    sweep(server, &certificate_sweep);
}

static void every_minute(uv_timer_t *timer)
{
    server_sweep(timer->data);
}

/* ---- stopping ---- */

/* The broker and the gateway, each on a loop's thread. */
static void part_ended(void *arg)
{
    struct server *server = arg;
    if (atomic_fetch_sub(&server->parts, 1) == 1)
        uv_async_send(&server->ended);
}

static void stop(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (server->stopping)
        return;
    server->stopping = true;
    log_info(&server->scope, "stopping on %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    uv_timer_stop(&server->minute);
    /* Beside each other: listeners are closed before devices that were told goodbye can come back. */
    broker_shut(server->broker, GOODBYE_MS, part_ended, server);
    gateway_shut(server->gateway, GOODBYE_MS, part_ended, server);
}

static void all_ended(uv_async_t *async)
{
    struct server *server = async->data;
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    uv_close((uv_handle_t *)&server->minute, NULL);
    uv_close((uv_handle_t *)async, NULL);
    operator_close(server);
    administration_close(server);
}

/* ---- the main thread ---- */

static void watch_signal(struct server *server, size_t index, int number)
{
    uv_signal_init(&server->uv, &server->signals[index]);
    server->signals[index].data = server;
    uv_signal_start(&server->signals[index], stop, number);
}

static FALLIBLE serve(struct server *server)
{
    uv_loop_init(&server->uv);
    watch_signal(server, 0, SIGTERM);
    watch_signal(server, 1, SIGINT);
    uv_async_init(&server->uv, &server->ended, all_ended);
    server->ended.data = server;
    uv_timer_init(&server->uv, &server->minute);
    server->minute.data = server;
    uv_timer_start(&server->minute, every_minute, SWEEP_MS, SWEEP_MS);
    TRY(operator_open(server));
    TRY(administration_open(server));

    for (size_t i = 0; i < server->loop_count; i++)
        loop_start(server->loops[i]);
    log_info(&server->scope, "serving %s: mqtt %d, https %d, device https %d, metrics %d", server->dir,
             server->configuration->mqtt_port, server->configuration->https_port,
             server->configuration->device_https_port, server->configuration->metrics_port);
    printf("musterd ready\n");
    fflush(stdout);
    uv_run(&server->uv, UV_RUN_DEFAULT);
    uv_loop_close(&server->uv);
    return NULL;
}

/* Accepted work is finished before its home goes: keys, workers, the writer, then the loops. */
static void close_store(struct server *server)
{
    if (server->keys != NULL)
        pki_pool_stop(server->keys);
    if (server->fetcher != NULL)
        fetcher_stop(server->fetcher);
    if (server->workers != NULL)
        workers_stop(server->workers);
    if (server->store != NULL)
        store_close(server->store);
}

static void close_all(struct server *server)
{
    close_store(server);
    for (size_t i = 0; i < server->loop_count; i++)
        loop_stop(server->loops[i]);
    for (size_t i = 0; i < server->loop_count; i++)
        loop_join(server->loops[i]);
    trail_close(server->trail);
}

static void configure_log(const struct configuration *configuration)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    for (int i = 0; i < 4; i++)
        if (strcmp(levels[i], configuration->log_level) == 0)
            log_configure((enum log_level)i, strcmp(configuration->log_format, "json") == 0);
}

FALLIBLE server_run(void *ctx, const char *dir)
{
    struct server *server = MAKE(ctx, struct server);
    server->dir = dir;
    atomic_init(&server->parts, 2);
    server->scope = (struct scope){ .key = "region", .value = NULL };
    TRY(configuration_read(ctx, text_format(server, "%s/%s", dir, FILE_CONFIGURATION), &server->configuration));
    configure_log(server->configuration);
    signal(SIGPIPE, SIG_IGN);
    pki_start();
    error *e = server_wire(server);
    if (e != NULL) {
        close_store(server); /* the loops have not run yet */
        if (server->trail != NULL)
            trail_close(server->trail);
        return e;
    }
    TRY(serve(server));
    close_all(server);
    log_info(&server->scope, "stopped");
    return NULL;
}
