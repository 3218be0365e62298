/* demo_fleet.c - simulated devices: each provisions itself, all at the same time, in every way there is. */
#include "cli/demo.h"
#include "base/secret.h"

enum { STEP_PATIENCE_MS = 15000, LOOK_MS = 50, ID_SHOWN = 12 };

static const char *const format_names[] = { [DEVICE_JSON] = "JSON", [DEVICE_CBOR] = "CBOR" };

static void show_progress(const struct demo *demo)
{
    bool last = demo->done == demo->count;
    if (demo->on_terminal)
        printf("\rProvisioning: %zu of %zu devices%s", demo->done, demo->count, last ? "\n" : "");
    else if (last || demo->done % 5 == 0)
        printf("Provisioning: %zu of %zu devices\n", demo->done, demo->count);
    fflush(stdout);
}

/* ---- one device ---- */

static int wipe(char *text)
{
    secret_wipe(text, strlen(text));
    return 0;
}

static void keep_result(struct demo_device *device, const struct device_provisioned *result)
{
    struct demo *demo = device->demo;
    device->ok = true;
    device->thing_name = text_copy(demo, result->thing_name);
    device->certificate_id = text_copy(demo, result->certificate_id);
    device->certificate_pem = text_copy(demo, result->certificate_pem);
    device->private_pem = text_copy(demo, result->private_pem);
    talloc_set_destructor(device->private_pem, wipe);
    device->total_us = result->total_us;
}

static void on_done(void *owner, const struct device_provisioned *result)
{
    struct demo_device *device = owner;
    if (result->ok)
        keep_result(device, result);
    else
        device->trouble = text_format(device->demo, "%s: %s: %s", device_step_name(result->failed_at),
                                      result->error_code, result->error_message);
    device->demo->done++;
    show_progress(device->demo);
}

/* Keys and CSRs, JSON and CBOR, MQTT 3.1.1 and 5, with SUBSCRIBE and without: the bits of the number decide. */
static void begin(struct demo *demo, size_t i, uv_loop_t *loop)
{
    struct demo_device *device = &demo->devices[i];
    json *parameters = json_new_object(demo);
    *device = (struct demo_device){ .demo = demo,
                                    .serial = text_format(demo, "sn-%04zu", i + 1),
                                    .by_csr = i & 1,
                                    .format = i & 2 ? DEVICE_CBOR : DEVICE_JSON,
                                    .version = i & 4 ? MQTT_5 : MQTT_3_1_1 };
    json_put_text(parameters, "SerialNumber", device->serial);
    struct device_provision_wish wish = {
        .server = demo->mqtt,
        .claim = demo->claim,
        .ca_pem = demo->ca_pem,
        .template_name = DEMO_TEMPLATE,
        .parameters = parameters,
        .client_id = text_format(demo, "factory-%s", device->serial),
        .version = device->version,
        .by_csr = device->by_csr,
        .subscribes = i & 8,
        .format = device->format,
        .last = DEVICE_STEP_PUBLISH,
        .topic_prefix = DEMO_TEMPLATE "/",
        .topic_suffix = "/state",
        .payload = SLICE("{\"state\":\"up\"}"),
        .patience_ms = STEP_PATIENCE_MS,
        .done = on_done,
        .owner = device,
    };
    device_provision(loop, &wish);
}

/* ---- all of them ---- */

static void look_up(uv_timer_t *timer)
{
    const struct demo *demo = timer->data;
    if (demo_interrupted || demo->done == demo->count)
        uv_stop(timer->loop);
}

static FALLIBLE first_trouble(struct demo *demo)
{
    size_t bad = 0;
    const struct demo_device *first = NULL;
    for (size_t i = 0; i < demo->count; i++)
        if (!demo->devices[i].ok && bad++ == 0)
            first = &demo->devices[i];
    if (bad == 0)
        return NULL;
    return error_new(demo, "DemoFailed", "%zu of %zu devices failed; the first, %s: %s", bad, demo->count,
                     first->serial, first->trouble);
}

FALLIBLE demo_run_fleet(struct demo *demo)
{
    uv_loop_t loop;
    uv_timer_t timer;
    demo->devices = MAKE_ARRAY(demo, struct demo_device, demo->count);
    if (uv_loop_init(&loop) != 0)
        return error_new(demo, "DemoFailed", "a loop cannot be made.");
    uv_timer_init(&loop, &timer);
    timer.data = demo;
    uv_timer_start(&timer, look_up, LOOK_MS, LOOK_MS);
    for (size_t i = 0; i < demo->count; i++)
        begin(demo, i, &loop);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (demo_interrupted) /* what is under way dies with us */
        return error_new(demo, "DemoFailed", "interrupted.");
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return first_trouble(demo);
}

void demo_print_fleet(const struct demo *demo)
{
    SCRATCH ctx = talloc_new(NULL);
    printf("\n  %-14s %-*s  %-11s %-6s %6s\n", "thing", ID_SHOWN + 3, "certificate", "flow", "MQTT", "ms");
    for (size_t i = 0; i < demo->count; i++) {
        const struct demo_device *device = &demo->devices[i];
        const char *flow = text_format(ctx, "%s, %s", device->by_csr ? "CSR" : "keys", format_names[device->format]);
        printf("  %-14s %.*s...  %-11s %-6s %6.0f\n", device->thing_name, ID_SHOWN, device->certificate_id, flow,
               device->version == MQTT_5 ? "5" : "3.1.1", (double)device->total_us / 1000.0);
    }
}
