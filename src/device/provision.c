/* provision.c - the flow of a device that provisions itself: a table of steps. */
#include "device/inner.h"
#include "base/clock.h"
#include "base/secret.h"

enum { STEP_PATIENCE_MS = 10000 };

struct flow {
    uv_loop_t *loop;
    struct device_provision_wish wish;
    struct device_provisioned result;
    struct device_client *client; /* NULL between connections */
    uv_timer_t timer;             /* of the step */
    enum device_step step;
    int64_t began_us, step_began_us;
    bool over; /* nothing more is asked; once the connection is closed, `done` is called */
    bool closing;

    const char *csr_pem;
    enum device_question question;
    const char *asked; /* its topic */
    const char *token;
    const struct device_identity *self;
    uint16_t waits_for; /* the acknowledgement that ends the step */
};

static void enter(struct flow *flow, enum device_step step);

/* ---- the end ---- */

static void tell_done(uv_handle_t *timer)
{
    struct flow *flow = timer->data;
    flow->wish.done(flow->wish.owner, &flow->result);
    talloc_free(flow);
}

static void settle(struct flow *flow)
{
    flow->over = true;
    if (flow->client != NULL) {
        device_client_disconnect(flow->client);
        return;
    }
    if (!flow->closing)
        uv_close((uv_handle_t *)&flow->timer, tell_done);
    flow->closing = true;
}

static void fail(struct flow *flow, const char *code, const char *message)
{
    if (flow->over)
        return;
    flow->result.failed_at = flow->step;
    flow->result.error_code = text_copy(flow, code);
    flow->result.error_message = text_copy(flow, message);
    settle(flow);
}

static void fail_because(struct flow *flow, const error *e)
{
    fail(flow, e->name, e->message);
}

static void be_late(uv_timer_t *timer)
{
    struct flow *flow = timer->data;
    fail(flow, "TimedOut", text_format(flow, "no answer: %s", device_step_name(flow->step)));
}

static void step_done(struct flow *flow)
{
    int64_t now_us = clock_monotonic_us();
    flow->result.step_us[flow->step] = now_us - flow->step_began_us;
    flow->result.total_us = now_us - flow->began_us;
    if (flow->step == flow->wish.last) {
        flow->result.ok = true;
        settle(flow);
    } else {
        enter(flow, flow->step + 1);
    }
}

/* ---- what a connection tells ---- */

static void on_connected(struct device_client *client, bool session_present)
{
    (void)session_present;
    step_done(device_client_owner(client));
}

static int wipe(char *text)
{
    secret_wipe(text, strlen(text));
    return 0;
}

static void take_certificate(struct flow *flow, const json *body)
{
    struct device_provisioned *result = &flow->result;
    result->certificate_id = text_copy(flow, json_get_text(body, "certificateId"));
    result->certificate_pem = text_copy(flow, json_get_text(body, "certificatePem"));
    flow->token = text_copy(flow, json_get_text(body, "certificateOwnershipToken"));
    if (flow->question == DEVICE_CREATE_KEYS) {
        char *key = text_copy(flow, json_get_text(body, "privateKey"));
        talloc_set_destructor(key, wipe);
        result->private_pem = key;
    }
}

static void take_name(struct flow *flow, const json *body)
{
    const char *name = json_get_text(body, "thingName");
    flow->result.thing_name = name ? text_copy(flow, name) : NULL;
    flow->result.configuration = json_copy_deep(flow, json_get(body, "deviceConfiguration"));
}

static void on_message(struct device_client *client, const struct mqtt_publish *message)
{
    struct flow *flow = device_client_owner(client);
    SCRATCH work = talloc_new(NULL);
    struct device_answer *answer;
    if (flow->over || flow->asked == NULL)
        return;
    const error *e = device_decode_answer(work, flow->question, flow->wish.format, flow->asked, message->topic,
                                          message->payload, &answer);
    if (e != NULL) {
        fail_because(flow, e);
    } else if (answer != NULL && !answer->accepted) {
        flow->result.status_code = answer->status_code;
        fail(flow, answer->error_code, answer->error_message);
    } else if (answer != NULL) {
        flow->asked = NULL; /* a second copy of the answer is nobody's */
        (flow->question == DEVICE_REGISTER_THING ? take_name : take_certificate)(flow, answer->body);
        step_done(flow);
    }
}

static void on_acknowledged(struct device_client *client, uint16_t id, int reason)
{
    struct flow *flow = device_client_owner(client);
    if (flow->over)
        return;
    if (reason >= MQTT_UNSPECIFIED_ERROR)
        fail(flow, "NotAcknowledged", mqtt_reason_text(reason));
    else if (id == flow->waits_for)
        step_done(flow);
}

static void on_closed(struct device_client *client, const struct device_end *end)
{
    struct flow *flow = device_client_owner(client);
    flow->client = NULL;
    if (flow->over) {
        settle(flow);
    } else if (flow->step == DEVICE_STEP_LEAVE && end->kind == DEVICE_LEFT) {
        step_done(flow);
    } else {
        flow->result.end = *end;
        flow->result.end.text = text_copy(flow, end->text);
        fail(flow, device_end_name(end->kind), end->text);
    }
}

static const struct device_handlers handlers = { on_connected, on_message, on_acknowledged, on_closed };

/* ---- the steps ---- */

static void connect_as(struct flow *flow, const struct device_identity *identity, const char *client_id)
{
    struct device_client_wish wish = { .server = flow->wish.server,
                                       .identity = identity,
                                       .handlers = &handlers,
                                       .owner = flow,
                                       .client_id = client_id,
                                       .version = flow->wish.version,
                                       .keep_alive_s = 60,
                                       .patience_ms = flow->wish.patience_ms };
    flow->client = device_client_new(flow->loop, &wish);
}

static void connect_with_claim(struct flow *flow)
{
    connect_as(flow, flow->wish.claim, flow->wish.client_id);
}

static enum device_question certificate_question(const struct flow *flow)
{
    return flow->wish.by_csr ? DEVICE_CREATE_FROM_CSR : DEVICE_CREATE_KEYS;
}

static void subscribe(struct flow *flow)
{
    static const char *const verdicts[] = { "accepted", "rejected" };
    const char *filters[4];
    SCRATCH work = talloc_new(NULL);
    if (!flow->wish.subscribes) {
        step_done(flow);
        return;
    }
    for (size_t i = 0; i < 4; i++)
        filters[i] = text_format(work, "%s/%s",
                                 device_topic(work, i < 2 ? certificate_question(flow) : DEVICE_REGISTER_THING,
                                              flow->wish.format, flow->wish.template_name),
                                 verdicts[i % 2]);
    if (!device_client_subscribe(flow->client, filters, 4, 1, &flow->waits_for))
        fail(flow, "NotSent", "the subscription could not be sent");
}

static void ask(struct flow *flow, enum device_question question, json *body)
{
    struct mqtt_publish message = { .qos = 1 };
    flow->question = question;
    flow->asked = device_topic(flow, question, flow->wish.format, flow->wish.template_name);
    message.topic = slice_of(flow->asked);
    message.payload = device_encode(flow, flow->wish.format, body);
    if (!device_client_publish(flow->client, &message, NULL))
        fail(flow, "NotSent", "the question could not be sent");
}

static void get_certificate(struct flow *flow)
{
    json *body = json_new_object(flow);
    if (flow->wish.by_csr)
        json_put_text(body, "certificateSigningRequest", flow->csr_pem);
    ask(flow, certificate_question(flow), body);
}

static void register_thing(struct flow *flow)
{
    json *body = json_new_object(flow);
    json_put_text(body, "certificateOwnershipToken", flow->token);
    if (flow->wish.parameters != NULL)
        json_put(body, "parameters", json_object_get(flow->wish.parameters));
    ask(flow, DEVICE_REGISTER_THING, body);
}

static void take_leave(struct flow *flow)
{
    device_client_disconnect(flow->client);
}

static void connect_as_itself(struct flow *flow)
{
    const struct device_provisioned *result = &flow->result;
    struct device_identity *self;
    if (result->thing_name == NULL) {
        fail(flow, "InvalidAnswer", "the template gave no thing name to connect as");
        return;
    }
    const error *e = device_identity_new(flow, flow->wish.ca_pem, slice_of(result->certificate_pem),
                                         slice_of(result->private_pem), &self);
    if (e != NULL) {
        fail_because(flow, e);
        return;
    }
    connect_as(flow, self, result->thing_name);
}

static void publish(struct flow *flow)
{
    struct mqtt_publish message = { .qos = 1, .payload = flow->wish.payload };
    message.topic = slice_of(
        text_format(flow, "%s%s%s", flow->wish.topic_prefix, flow->result.thing_name, flow->wish.topic_suffix));
    if (!device_client_publish(flow->client, &message, &flow->waits_for))
        fail(flow, "NotSent", "the message could not be sent");
}

static const struct step {
    const char *name;
    void (*begin)(struct flow *flow);
} steps[DEVICE_STEPS] = {
    [DEVICE_STEP_CONNECT] = { "connect with the claim", connect_with_claim },
    [DEVICE_STEP_SUBSCRIBE] = { "subscribe to the answers", subscribe },
    [DEVICE_STEP_CERTIFICATE] = { "get a certificate", get_certificate },
    [DEVICE_STEP_REGISTER] = { "register the thing", register_thing },
    [DEVICE_STEP_LEAVE] = { "leave", take_leave },
    [DEVICE_STEP_RECONNECT] = { "connect as itself", connect_as_itself },
    [DEVICE_STEP_PUBLISH] = { "publish", publish },
};

const char *device_step_name(enum device_step step)
{
    return steps[step].name;
}

static void enter(struct flow *flow, enum device_step step)
{
    flow->step = step;
    flow->waits_for = 0;
    flow->asked = NULL;
    flow->step_began_us = clock_monotonic_us();
    uv_timer_start(&flow->timer, be_late, flow->wish.patience_ms ? flow->wish.patience_ms : STEP_PATIENCE_MS, 0);
    steps[step].begin(flow);
}

/* ---- the beginning ---- */

static FALLIBLE prepare_keys(struct flow *flow)
{
    if (!flow->wish.by_csr)
        return NULL;
    const struct pki_key_pair *pair = flow->wish.pair ? flow->wish.pair : pki_make_pair(flow, PKI_P256);
    flow->result.private_pem = pair->private_pem;
    flow->csr_pem = flow->wish.csr_pem;
    return flow->csr_pem ? NULL : pki_make_csr(flow, pair->private_pem, flow->wish.client_id, &flow->csr_pem);
}

void device_provision(uv_loop_t *loop, const struct device_provision_wish *wish)
{
    struct flow *flow = MAKE(NULL, struct flow);
    flow->loop = loop;
    flow->wish = *wish;
    uv_timer_init(loop, &flow->timer);
    flow->timer.data = flow;
    const error *e = prepare_keys(flow);
    flow->began_us = clock_monotonic_us();
    if (e != NULL)
        fail_because(flow, e);
    else
        enter(flow, DEVICE_STEP_CONNECT);
}
