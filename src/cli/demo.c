/* demo.c - muster demo: a server, a small fleet that provisions itself, and how to go on. */
#include "cli/demo.h"
#include "base/clock.h"
#include <unistd.h>

enum { DEVICES = 25, DEVICES_MAX = 250 };

static const char usage_text[] =
    "usage: muster demo [--devices N]\n"
    "Starts a server on loopback with a fresh folder under $TMPDIR, and lets N (25) simulated devices provision\n"
    "themselves with one claim certificate. The server is stopped at the end; the folder stays.\n";

volatile sig_atomic_t demo_interrupted;

static void interrupt(int number)
{
    (void)number;
    demo_interrupted = 1;
}

static void watch_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = interrupt };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- the end of the story ---- */

/* One device's certificate and key, so that mosquitto_pub can be that device. */
static FALLIBLE keep_device(struct demo *demo)
{
    const struct demo_device *device = &demo->devices[0];
    TRY(pki_write_file(demo, text_format(demo, "%s/device.pem", demo->folder), 0600, device->certificate_pem));
    return pki_write_file(demo, text_format(demo, "%s/device.key", demo->folder), 0600, device->private_pem);
}

static void print_next(struct demo *demo)
{
    const char *musterd = demo_program(demo, "musterd"), *muster = demo_program(demo, "muster");
    const char *thing = demo->devices[0].thing_name, *folder = demo->folder;
    printf("\nThe server is stopped; its folder stays. To go on, paste:\n\n"
           "    %s --dir %s 2>>%s/musterd.log &\n"
           "    %s aws --dir %s iot list-things\n"
           "    %s aws --dir %s iot describe-thing --thing-name %s\n"
           "    %s aws --dir %s iot list-thing-principals --thing-name %s\n"
           "    %s aws --dir %s iot describe-provisioning-template --template-name " DEMO_TEMPLATE "\n",
           musterd, demo->dir, folder, muster, demo->dir, muster, demo->dir, thing, muster, demo->dir, thing, muster,
           demo->dir);
    printf("    mosquitto_pub -h localhost -p %d --cafile %s/ca.pem --cert %s/device.pem --key %s/device.key \\\n"
           "        -i %s -q 1 -t " DEMO_TEMPLATE "/%s/state -m hello\n"
           "    kill %%1; wait %%1; rm -r %s\n",
           demo->mqtt_port, demo->dir, folder, folder, thing, thing, folder);
}

/* ---- the story ---- */

static FALLIBLE with_server(struct demo *demo)
{
    int64_t began_ms = clock_monotonic_ms();
    TRY(demo_set_up(demo));
    printf("Made, through the public API: two policies, two templates, a claim certificate.\n");
    fflush(stdout);
    TRY(demo_run_fleet(demo));
    demo_print_fleet(demo);
    TRY(demo_check_things(demo));
    printf("\nThe API lists exactly these %zu things, each with its certificate.\n", demo->count);
    TRY(demo_check_claim(demo));
    TRY(keep_device(demo));
    printf("%zu of %zu devices provisioned themselves, came back as themselves and published: %.1f s in all.\n",
           demo->count, demo->count, (double)(clock_monotonic_ms() - began_ms) / 1000.0);
    return NULL;
}

static FALLIBLE tell(struct demo *demo)
{
    TRY(demo_make_folder(demo));
    TRY(demo_start_server(demo));
    printf("Started %s on %s; MQTT on port %d.\n", demo_program(demo, "musterd"), demo->dir, demo->mqtt_port);
    error *e = with_server(demo);
    error *stopped = demo_stop_server(demo);
    if (e != NULL && stopped != NULL)
        return error_because(demo, stopped, e->name, "%s", e->message);
    return e != NULL ? e : stopped;
}

int cli_demo(int argc, char **argv)
{
    void *ctx = talloc_new(NULL);
    struct demo *demo = MAKE(ctx, struct demo);
    int count = DEVICES, status = 0;
    bool help = false;
    const struct option_row rows[] = { { "--devices", OPTION_NUMBER, &count, 1, DEVICES_MAX },
                                       { "--help", OPTION_FLAG, &help, 0, 0 } };
    error *e = cli_options(ctx, argc, argv, rows, sizeof(rows) / sizeof(*rows));
    if (e == NULL && help)
        return fputs(usage_text, stdout) < 0;
    demo->count = (size_t)count;
    demo->on_terminal = isatty(STDOUT_FILENO);
    watch_signals();
    pki_start();
    if (e == NULL)
        e = tell(demo);
    if (e == NULL)
        print_next(demo);
    else
        status = cli_fail("demo", demo_interrupted ? error_new(ctx, "DemoFailed", "interrupted.") : e);
    if (e != NULL && demo->log != NULL)
        fprintf(stderr, "The server's log is in %s\n", demo->log);
    device_api_close(&demo->api);
    talloc_free(ctx);
    return status;
}
