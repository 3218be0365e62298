/* demo_claim.c - what the claim certificate may not do, tried out. */
#include "cli/demo.h"

enum { LOOK_MS = 50, LOOKS = 200 };

/* One thing that the claim must be refused, with the reason of version 5. */
static const struct trial {
    const char *says;
    const char *topic;
    bool subscribes; /* else it publishes */
} trials[] = {
    { "publish as if it were a pump", DEMO_TEMPLATE "/pump-sn-0001/state", false },
    { "listen to the pumps", DEMO_TEMPLATE "/#", true },
    { "provision with another template", "$aws/provisioning-templates/" DEMO_OTHER_TEMPLATE "/provision/json", false },
};
enum { TRIALS = sizeof(trials) / sizeof(*trials) };

struct attempt {
    struct demo *demo;
    const struct trial *trial;
    struct device_client *client;
    uv_timer_t timer;
    int looks;  /* until patience is at its end */
    int reason; /* -1: no answer */
    const char *ended;
};

static void on_connected(struct device_client *client, bool session_present)
{
    const struct attempt *attempt = device_client_owner(client);
    struct mqtt_publish message = { .qos = 1, .topic = slice_of(attempt->trial->topic), .payload = SLICE("{}") };
    (void)session_present;
    bool sent = attempt->trial->subscribes ? device_client_subscribe(client, &attempt->trial->topic, 1, 1, NULL)
                                           : device_client_publish(client, &message, NULL);
    if (!sent)
        device_client_disconnect(client);
}

static void on_acknowledged(struct device_client *client, uint16_t id, int reason)
{
    struct attempt *attempt = device_client_owner(client);
    (void)id;
    attempt->reason = reason;
    device_client_disconnect(client);
}

static void on_closed(struct device_client *client, const struct device_end *end)
{
    struct attempt *attempt = device_client_owner(client);
    attempt->ended = text_format(attempt->demo, "%s, %s", device_end_name(end->kind), end->text);
    uv_close((uv_handle_t *)&attempt->timer, NULL);
}

static void look_up(uv_timer_t *timer)
{
    struct attempt *attempt = timer->data;
    if (demo_interrupted || --attempt->looks == 0)
        device_client_disconnect(attempt->client);
}

static FALLIBLE try_out(struct demo *demo, const struct trial *trial)
{
    static const struct device_handlers handlers = { on_connected, NULL, on_acknowledged, on_closed };
    struct attempt attempt = { .demo = demo, .trial = trial, .looks = LOOKS, .reason = -1 };
    struct device_client_wish wish = { .server = demo->mqtt,
                                       .identity = demo->claim,
                                       .handlers = &handlers,
                                       .owner = &attempt,
                                       .client_id = "factory-thief",
                                       .version = MQTT_5 };
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0)
        return error_new(demo, "DemoFailed", "a loop cannot be made.");
    uv_timer_init(&loop, &attempt.timer);
    attempt.timer.data = &attempt;
    uv_timer_start(&attempt.timer, look_up, LOOK_MS, LOOK_MS);
    attempt.client = device_client_new(&loop, &wish);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (attempt.reason == MQTT_NOT_AUTHORIZED)
        return NULL;
    if (attempt.reason < 0)
        return error_new(demo, "DemoFailed", "the claim tried to %s, and got no answer: %s.", trial->says,
                         attempt.ended);
    return error_new(demo, "DemoFailed", "the claim was not refused when it tried to %s: %s.", trial->says,
                     mqtt_reason_text(attempt.reason));
}

FALLIBLE demo_check_claim(struct demo *demo)
{
    printf("The claim certificate is refused anything else:\n");
    for (size_t i = 0; i < TRIALS; i++) {
        TRY(try_out(demo, &trials[i]));
        printf("  %-36s %s\n", trials[i].says, mqtt_reason_text(MQTT_NOT_AUTHORIZED));
    }
    return NULL;
}
