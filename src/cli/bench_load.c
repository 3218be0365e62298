/* bench_load.c - the load: so many operations at a time, one after the other in each slot. */
#include "cli/bench.h"
#include "base/clock.h"
#include "base/random.h"

enum {
    COUNT_DEFAULT = 1000,
    SECONDS_MAX = 600, /* of a count without a time */
    SUCCEEDED_MAX = 10000000,
    PREPARED_MAX = 5000, /* keys and CSRs; beyond it they are used again */
    HOPELESS = 100,      /* that many failures and no success: there is nothing to measure */
    RUN_NAME_LENGTH = 8,
    PATIENCE_MS = 10000,
};

struct load {
    uv_loop_t loop;
    const struct bench_wish *wish;
    struct bench_result *result;
    void *ctx;
    const char *run; /* tells the names of this run from those of others */
    size_t started, count;
    int64_t deadline_us;
    struct prepared {
        const struct pki_key_pair *pair;
        const char *csr_pem;
    } * prepared;
    size_t prepared_count;
};

/* One operation; its slot begins the next when it is over. */
struct attempt {
    struct load *load;
    int64_t began_us, took_us; /* took_us 0: not there yet */
};

static void begin_next(struct load *load);

/* ---- counting ---- */

static void count_success(struct load *load, int64_t took_us)
{
    struct bench_result *result = load->result;
    *ARRAY_ADD(load->ctx, result->latencies_us, result->succeeded) = took_us;
}

static void count_failure(struct load *load, const char *text)
{
    struct bench_result *result = load->result;
    size_t i = 0;
    result->failed++;
    while (i < result->fault_count && strcmp(result->faults[i].text, text) != 0)
        i++;
    if (i == BENCH_FAULTS_MAX)
        result->faults[BENCH_FAULTS_MAX - 1] =
            (struct bench_fault){ "others", result->faults[BENCH_FAULTS_MAX - 1].count + 1 };
    else if (i == result->fault_count)
        result->faults[result->fault_count++] = (struct bench_fault){ text_copy(load->ctx, text), 1 };
    else
        result->faults[i].count++;
}

static bool is_over(const struct load *load)
{
    const struct bench_result *result = load->result;
    return load->started >= load->count || clock_monotonic_us() >= load->deadline_us ||
           (result->succeeded == 0 && result->failed >= HOPELESS);
}

/* ---- connect ---- */

static void on_connected(struct device_client *client, bool session_present)
{
    struct attempt *attempt = device_client_owner(client);
    (void)session_present;
    attempt->took_us = clock_monotonic_us() - attempt->began_us;
    device_client_disconnect(client);
}

static void on_closed(struct device_client *client, const struct device_end *end)
{
    struct attempt *attempt = device_client_owner(client);
    struct load *load = attempt->load;
    if (attempt->took_us > 0 && end->kind == DEVICE_LEFT)
        count_success(load, attempt->took_us);
    else
        count_failure(load, text_format(attempt, "%s: %s", device_end_name(end->kind), end->text));
    talloc_free(attempt);
    begin_next(load);
}

static void begin_connect(struct load *load, struct attempt *attempt)
{
    static const struct device_handlers handlers = { on_connected, NULL, NULL, on_closed };
    struct device_client_wish wish = {
        .server = load->wish->server,
        .identity = load->wish->identities[load->started % load->wish->identity_count],
        .handlers = &handlers,
        .owner = attempt,
        .client_id = text_format(attempt, "bench-%s-%zu", load->run, load->started),
        .version = load->wish->mqtt == 5 ? MQTT_5 : MQTT_3_1_1,
        .keep_alive_s = 60,
        .patience_ms = PATIENCE_MS,
    };
    device_client_new(&load->loop, &wish);
}

/* ---- provision ---- */

static void on_done(void *owner, const struct device_provisioned *result)
{
    struct attempt *attempt = owner;
    struct load *load = attempt->load;
    if (result->ok)
        count_success(load, result->total_us);
    else
        count_failure(load, text_format(attempt, "%s: %s: %s", device_step_name(result->failed_at), result->error_code,
                                        result->error_message));
    talloc_free(attempt);
    begin_next(load);
}

static void begin_provision(struct load *load, struct attempt *attempt)
{
    const struct prepared *own = &load->prepared[load->started % load->prepared_count];
    const char *name = text_format(attempt, "bench-%s-%zu", load->run, load->started);
    json *parameters = json_new_object(attempt);
    json_put_text(parameters, load->wish->parameter, name);
    struct device_provision_wish wish = {
        .server = load->wish->server,
        .claim = load->wish->identities[load->started % load->wish->identity_count],
        .template_name = load->wish->template_name,
        .parameters = parameters,
        .client_id = name,
        .version = load->wish->mqtt == 5 ? MQTT_5 : MQTT_3_1_1,
        .by_csr = true,
        .pair = own->pair,
        .csr_pem = own->csr_pem,
        .format = DEVICE_JSON,
        .last = DEVICE_STEP_REGISTER,
        .patience_ms = PATIENCE_MS,
        .done = on_done,
        .owner = attempt,
    };
    device_provision(&load->loop, &wish);
}

/* Ahead of the clock: a device makes its key once, and on its own time. */
static FALLIBLE prepare(struct load *load)
{
    load->prepared_count = load->count < PREPARED_MAX ? load->count : PREPARED_MAX;
    load->prepared = MAKE_ARRAY(load->ctx, struct prepared, load->prepared_count);
    for (size_t i = 0; i < load->prepared_count; i++) {
        load->prepared[i].pair = pki_make_pair(load->prepared, PKI_P256);
        TRY(pki_make_csr(load->prepared, load->prepared[i].pair->private_pem, "bench", &load->prepared[i].csr_pem));
    }
    return NULL;
}

/* ---- the run ---- */

static void begin_next(struct load *load)
{
    if (is_over(load))
        return;
    struct attempt *attempt = MAKE(NULL, struct attempt);
    attempt->load = load;
    attempt->began_us = clock_monotonic_us();
    (load->wish->provisions ? begin_provision : begin_connect)(load, attempt);
    load->started++;
}

FALLIBLE bench_load(void *ctx, const struct bench_wish *wish, struct bench_result *out)
{
    struct load *load = MAKE(ctx, struct load);
    load->wish = wish;
    load->result = out;
    load->ctx = ctx;
    load->run = random_text(ctx, RUN_NAME_LENGTH, ALPHABET_BASE36);
    load->count = wish->count ? (size_t)wish->count : wish->seconds ? SUCCEEDED_MAX : COUNT_DEFAULT;
    if (uv_loop_init(&load->loop) != 0)
        return error_new(ctx, "BenchFailed", "a loop cannot be made.");
    if (wish->provisions)
        TRY(prepare(load));
    int64_t began_us = clock_monotonic_us();
    load->deadline_us = began_us + (wish->seconds ? wish->seconds : SECONDS_MAX) * INT64_C(1000000);
    for (int i = 0; i < wish->connections; i++)
        begin_next(load);
    uv_run(&load->loop, UV_RUN_DEFAULT);
    out->elapsed_us = clock_monotonic_us() - began_us;
    uv_loop_close(&load->loop);
    return NULL;
}
