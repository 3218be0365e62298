/* request_test.c - requests on `$aws/...` topics: who is answered, in which order, and what happens to an answer whose
   asker is gone (provisioning.md 4.7). The operations wait for the test, which lets them go one by one. */
#include "harness.h"
#include "operation/fixture.h"

#define KEYS "$aws/certificates/create/json"
enum { ONE_TOO_MANY = 12 }; /* one runs, ten wait */

static struct house {
    pthread_mutex_t mutex;
    sem_t parked;
    struct call *waiting; /* the one that is parked */
    unsigned started;
} house = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static FALLIBLE wait_for_the_test(struct call *call)
{
    pthread_mutex_lock(&house.mutex);
    DEMAND(house.waiting == NULL); /* strictly one after the other */
    house.waiting = call;
    house.started++;
    pthread_mutex_unlock(&house.mutex);
    sem_post(&house.parked);
    return NULL;
}

/* Says what the call has of its client, which may be gone. */
static FALLIBLE tell(struct call *call)
{
    return answer(call, string("certificateId",
                               text_format(call, "%s %s %s", call->account, call->region, call->caller->client_id)));
}

static const struct operation create_keys = { "mqtt", "CreateKeysAndCertificate",
                                              STEPS({ WAIT, wait_for_the_test }, { WORK, tell }) };

/* ---- a broker with a door ---- */

struct scene {
    void *ctx;
    struct harness *h;
    struct workers *workers;
    bool stopped;
};

static struct scene scene_new(void)
{
    static const struct operation *const rows[] = { &create_keys, NULL };
    struct scene scene = { .ctx = talloc_new(NULL) };
    struct broker_options options = { 0 };
    sem_init(&house.parked, 0, 0);
    house.started = 0;
    scene.workers = workers_new(scene.ctx, "worker", 2, 1000, 0);
    options.door = door_of_tests(scene.ctx, NULL, scene.workers);
    must(door_add(options.door, rows));
    scene.h = harness_with(2, &options);
    return scene;
}

/* All that was asked is answered, to somebody or to nobody. */
static void finish_calls(struct scene *scene)
{
    if (!scene->stopped)
        workers_stop(scene->workers);
    scene->stopped = true;
    harness_settle(scene->h);
}

static void scene_free(struct scene *scene)
{
    finish_calls(scene);
    harness_free(scene->h);
    talloc_free(scene->ctx);
    sem_destroy(&house.parked);
}

/* Waits until a call is parked, and lets it go on. */
static void let_one_go(struct scene *scene)
{
    sem_wait(&house.parked);
    pthread_mutex_lock(&house.mutex);
    struct call *call = house.waiting;
    house.waiting = NULL;
    pthread_mutex_unlock(&house.mutex);
    call_resume(call, NULL);
    (void)scene;
}

static struct wire *device(struct scene *scene, unsigned loop, const char *client_id, const struct hello *hello)
{
    struct wire *wire = wire_open(scene->h, loop, client_id);
    wire_connect(wire, hello);
    harness_settle(scene->h);
    wire_expect(wire, MQTT_CONNACK, MQTT_SUCCESS);
    return wire;
}

/* Answers come from other threads: awaited, not slept for. */
static bool await(struct wire *wire, struct mqtt_packet *packet)
{
    for (int i = 0; i < 20000; i++) {
        if (wire_take(wire, packet))
            return true;
        usleep(100);
    }
    return false;
}

static void expect_answer(struct wire *wire, const char *topic, const char *payload, int qos)
{
    struct mqtt_packet packet = { .type = 0 };
    assert_true(await(wire, &packet));
    assert_string_equal(mqtt_type_name(packet.type), "PUBLISH");
    assert_string_equal(slice_text(wire, packet.publish.topic), topic);
    assert_non_null(strstr(slice_text(wire, packet.publish.payload), payload));
    assert_int_equal(packet.publish.qos, qos);
}

static const struct hello v5 = { .version = MQTT_5, .clean = true }, v3 = { .version = MQTT_3_1_1, .clean = true };

/* ---- QoS of the answer: the subscription's, else the request's; a PUBACK comes first ---- */

static const struct qos_row {
    const char *name;
    const struct hello *hello;
    const char *filter; /* NULL: none */
    uint8_t subscribed, asked, answered;
} qos_rows[] = {
    { "not subscribed, asked with 0", &v3, NULL, 0, 0, 0 },
    { "not subscribed, asked with 1", &v3, NULL, 0, 1, 1 },
    { "subscribed with 1, asked with 0", &v5, KEYS "/accepted", 1, 0, 1 },
    { "subscribed with 0, asked with 1", &v5, KEYS "/+", 0, 1, 0 },
    { "subscribed to all below", &v3, "$aws/certificates/#", 1, 0, 1 },
};

static void one_answer(void **state)
{
    const struct qos_row *row = *state;
    struct scene scene = scene_new();
    struct wire *asker = device(&scene, 0, "lamp-7", row->hello), *spy = device(&scene, 1, "spy", &v5);
    wire_subscribe(spy, "$aws/certificates/#", 1);
    wire_expect(spy, MQTT_SUBACK, 0);
    if (row->filter != NULL) {
        wire_subscribe(asker, row->filter, row->subscribed);
        wire_expect(asker, MQTT_SUBACK, 0);
    }
    wire_publish(asker, KEYS, "{}", row->asked);
    if (row->asked > 0)
        wire_expect(asker, MQTT_PUBACK, 0);
    let_one_go(&scene);
    expect_answer(asker, KEYS "/accepted", ACCOUNT " us-east-1 lamp-7", row->answered);
    harness_settle(scene.h);
    wire_expect_nothing(asker);
    wire_expect_nothing(spy);
    scene_free(&scene);
}

/* ---- who is gone ---- */

static const struct gone_row {
    const char *name;
    bool comes_back;
    unsigned loop;
} gone_rows[] = {
    { "the asker is gone when its answer comes", false, 0 },
    { "the asker is back when the old answer comes", true, 0 },
    { "the asker is back on another loop", true, 1 },
};

static void no_answer(void **state)
{
    const struct gone_row *row = *state;
    const struct hello hello = { .version = MQTT_5, .expiry_s = 600 };
    struct scene scene = scene_new();
    struct wire *asker = device(&scene, 0, "lamp-7", &hello), *back = NULL;
    wire_subscribe(asker, KEYS "/accepted", 1);
    wire_publish(asker, KEYS, "{}", 0);
    wire_publish(asker, KEYS, "{}", 0);
    if (row->comes_back)
        back = device(&scene, row->loop, "lamp-7", &hello);
    else
        wire_drop(asker);
    let_one_go(&scene);
    if (back != NULL) {
        /* calls of the old and of the new connection know nothing of each other: the old one is over first here */
        harness_settle(scene.h);
        wire_expect_nothing(back);
        wire_publish(back, KEYS, "{}", 0);
        let_one_go(&scene);
        expect_answer(back, KEYS "/accepted", "lamp-7", 1);
        wire_expect_nothing(back);
    }
    finish_calls(&scene);
    assert_int_equal(house.started, row->comes_back ? 2 : 1); /* what waited went with its connection */
    scene_free(&scene);
}

/* ---- order, and how many may wait ---- */

static const struct story {
    const char *name;
    bool may_receive;
} stories[] = {
    { "twelve at once: eleven in order, one refused", true },
    { "answers that may not be received hold up nobody", false },
};

static const char no_receive[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:Connect\",\"iot:Publish\"],"
    "\"Resource\":\"*\"}]}";

static void in_order(void **state)
{
    const struct story *story = *state;
    struct hello hello = v5;
    struct scene scene = scene_new();
    hello.policy = story->may_receive ? NULL : no_receive;
    struct wire *asker = device(&scene, 0, "lamp-7", &hello);
    for (int i = 0; i < ONE_TOO_MANY; i++) {
        char number[2] = { (char)('a' + i), '\0' };
        struct mqtt_packet packet = { .type = MQTT_PUBLISH };
        packet.publish.topic = slice_of(KEYS);
        packet.publish.payload = slice_of("{}");
        mqtt_set_text(&packet.properties, MQTT_CORRELATION_DATA, slice_of(number));
        wire_give(asker, &packet);
    }
    if (story->may_receive)
        expect_answer(asker, KEYS "/rejected", "429", 0);
    for (int i = 0; i < ONE_TOO_MANY - 1; i++) {
        struct mqtt_packet packet;
        let_one_go(&scene);
        if (!story->may_receive)
            continue;
        assert_true(await(asker, &packet));
        assert_int_equal(packet.properties.correlation_data.length, 1);
        assert_int_equal(packet.properties.correlation_data.at[0], 'a' + i);
    }
    finish_calls(&scene);
    wire_expect_nothing(asker);
    assert_int_equal(house.started, ONE_TOO_MANY - 1);
    scene_free(&scene);
}

int main(void)
{
    return RUN_TABLES(TABLE(qos_rows, one_answer), TABLE(gone_rows, no_answer), TABLE(stories, in_order));
}
