/* harness.h - a broker on real loops, and clients over a transport that keeps what they are sent.

       struct harness *h = harness_new(2);                 loops
       struct wire *wire = wire_open(h, 0, "lamp-7");      on loop 0; on any thread but the loops'
       wire_connect(wire, &(struct hello){ .version = MQTT_5 });
       harness_settle(h);                                  all that was posted has run
       struct mqtt_packet packet; assert_true(wire_take(wire, &packet)); ...
       harness_free(h);

   A test that wants several things to happen in one turn of a loop does them in a function given to harness_on. The
   gateway's part is played here: who asks to be admitted gets a principal that may do everything, or what
   `hello.policy` says, at once or, with `hello.waits`, at wire_admit. */
#pragma once
#include "broker/inner.h"
#include "base/clock.h"
#include "table.h"
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
#include <utlist.h>

#define ACCOUNT     "000000000001"
#define CERTIFICATE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
enum { LOOPS_MAX = 4 };

struct harness {
    void *ctx;
    size_t loop_count;
    struct loop *loops[LOOPS_MAX];
    struct broker_options options;
    struct broker *broker;
    struct wire *wires;
    sem_t shut;
};

struct hello {
    int version;
    bool clean, waits;
    const char *policy;      /* NULL: everything is allowed */
    const char *certificate; /* NULL: CERTIFICATE */
    uint32_t expiry_s, receive_maximum;
    struct mqtt_will *will;
    const struct principal_fact *facts;
    size_t fact_count;
};

struct wire {
    struct harness *harness;
    unsigned loop;
    const char *client_id;
    struct hello hello;
    struct client *client; /* NULL: gone */
    char *out;             /* what the broker sent and nobody took yet */
    size_t out_length;
    size_t queued; /* what the transport says */
    bool reading, closed, asked;
    const char *why; /* of the close */
    struct wire *next;
};

/* Asserts on a loop's thread cannot go back to the test: they end the process. */
#define DEMAND(condition)                                                                 \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

static inline void must(error *e)
{
    if (e != NULL)
        fprintf(stderr, "%s: %s\n", e->name, e->message);
    DEMAND(e == NULL);
}

/* ---- on a loop ---- */

struct errand_of_test {
    void (*run)(void *arg);
    void *arg;
    sem_t done;
};

static inline void run_errand(void *arg)
{
    struct errand_of_test *errand = arg;
    errand->run(errand->arg);
    sem_post(&errand->done);
}

/* Runs it on the loop's thread, and returns when it has. */
static inline void harness_on(struct harness *h, unsigned loop, void (*run)(void *arg), void *arg)
{
    struct errand_of_test errand = { .run = run, .arg = arg };
    sem_init(&errand.done, 0, 0);
    loop_call(h->loops[loop], run_errand, &errand);
    sem_wait(&errand.done);
    sem_destroy(&errand.done);
}

static inline void nothing(void *arg)
{
    (void)arg;
}

/* What is posted posts again, to and fro: no story of a test is longer than this. */
static inline void harness_settle(struct harness *h)
{
    for (int i = 0; i < 12; i++)
        for (unsigned loop = 0; loop < h->loop_count; loop++)
            harness_on(h, loop, nothing, NULL);
}

/* ---- the transport ---- */

static inline void wire_send(void *arg, slice bytes)
{
    struct wire *wire = arg;
    DEMAND(wire->client != NULL && !wire->closed);
    wire->out = talloc_realloc_size(wire, wire->out, wire->out_length + bytes.length + 1);
    memcpy(wire->out + wire->out_length, bytes.at, bytes.length);
    wire->out_length += bytes.length;
}

static inline size_t wire_queued(void *arg)
{
    return ((struct wire *)arg)->queued;
}

static inline void wire_read(void *arg, bool more)
{
    ((struct wire *)arg)->reading = more;
}

static inline void wire_is_gone(void *arg)
{
    struct wire *wire = arg;
    if (wire->client != NULL)
        broker_client_gone(wire->client);
    wire->client = NULL;
}

static inline void wire_close(void *arg, const char *why)
{
    struct wire *wire = arg;
    DEMAND(!wire->closed);
    wire->closed = true;
    wire->why = text_copy(wire, why);
    loop_call(wire->harness->loops[wire->loop], wire_is_gone, wire);
}

static inline void wire_wake(void *arg, uint64_t ms)
{
    (void)arg, (void)ms;
}

static const char allow_all[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";

static inline struct principal *principal_of(const struct hello *hello)
{
    struct principal *principal = principal_new();
    struct principal_policy *policies = MAKE_ARRAY(principal, struct principal_policy, 1);
    struct policy *policy;
    must(policy_parse(principal, slice_of(hello->policy ? hello->policy : allow_all), POLICY_IOT, &policy));
    policies[0] = (struct principal_policy){ "Test", "arn:aws:iot:us-east-1:" ACCOUNT ":policy/Test", policy };
    principal->account = ACCOUNT;
    principal->region = text_copy(principal, "us-east-1");
    principal->id = hello->certificate ? hello->certificate : CERTIFICATE;
    principal->arn = text_format(principal, "arn:aws:iot:us-east-1:" ACCOUNT ":cert/%s", principal->id);
    principal->policies = policies;
    principal->policy_count = 1;
    principal->facts = hello->facts;
    principal->fact_count = hello->fact_count;
    principal->expires_s = INT64_MAX;
    return principal;
}

static inline void wire_admit_here(void *arg)
{
    struct wire *wire = arg;
    broker_client_admit(wire->client, principal_of(&wire->hello), NULL);
}

static inline void wire_asked(void *arg, struct client *client, slice client_id)
{
    struct wire *wire = arg;
    (void)client_id;
    wire->client = client;
    wire->asked = true;
    if (!wire->hello.waits)
        wire_admit_here(wire);
}

static const struct transport harness_transport = {
    wire_send, wire_queued, wire_read, wire_close, wire_wake, wire_asked
};

/* ---- clients; the functions that end in _here run on the wire's loop ---- */

static inline struct wire *wire_open_here(struct harness *h, unsigned loop, const char *client_id)
{
    static const struct peer peer = {
        .region = "us-east-1", .address = "127.0.0.1", .port = 4711, .certificate_id = CERTIFICATE, .tls = true
    };
    struct wire *wire = MAKE(NULL, struct wire);
    wire->harness = h;
    wire->loop = loop;
    wire->client_id = client_id;
    wire->reading = true;
    wire->client = broker_client_new(h->broker, h->loops[loop], &harness_transport, wire, &peer, NULL);
    return wire;
}

struct opening {
    struct harness *harness;
    unsigned loop;
    const char *client_id;
    struct wire *wire;
};

static inline void open_one(void *arg)
{
    struct opening *opening = arg;
    opening->wire = wire_open_here(opening->harness, opening->loop, opening->client_id);
}

static inline struct wire *wire_open(struct harness *h, unsigned loop, const char *client_id)
{
    struct opening opening = { h, loop, client_id, NULL };
    harness_on(h, loop, open_one, &opening);
    LL_APPEND(h->wires, opening.wire);
    return opening.wire;
}

static inline void wire_give_here(struct wire *wire, const struct mqtt_packet *packet)
{
    SCRATCH ctx = talloc_new(NULL);
    slice bytes = mqtt_encode(ctx, wire->hello.version, packet);
    DEMAND(bytes.at != NULL);
    if (wire->client != NULL)
        broker_client_bytes(wire->client, bytes);
}

static inline void wire_connect_here(struct wire *wire, const struct hello *hello)
{
    struct mqtt_packet packet = { .type = MQTT_CONNECT };
    wire->hello = *hello;
    packet.connect.clean = hello->clean;
    packet.connect.keep_alive_s = 60;
    packet.connect.client_id = slice_of(wire->client_id);
    packet.connect.will = hello->will;
    if (hello->expiry_s != 0)
        mqtt_set_number(&packet.properties, MQTT_SESSION_EXPIRY, hello->expiry_s);
    if (hello->receive_maximum != 0)
        mqtt_set_number(&packet.properties, MQTT_RECEIVE_MAXIMUM, hello->receive_maximum);
    wire_give_here(wire, &packet);
}

struct giving {
    struct wire *wire;
    const struct mqtt_packet *packet;
    const struct hello *hello;
};

static inline void give_one(void *arg)
{
    struct giving *giving = arg;
    if (giving->hello != NULL)
        wire_connect_here(giving->wire, giving->hello);
    else
        wire_give_here(giving->wire, giving->packet);
}

static inline void wire_give(struct wire *wire, const struct mqtt_packet *packet)
{
    struct giving giving = { wire, packet, NULL };
    harness_on(wire->harness, wire->loop, give_one, &giving);
}

static inline void wire_connect(struct wire *wire, const struct hello *hello)
{
    struct giving giving = { wire, NULL, hello };
    harness_on(wire->harness, wire->loop, give_one, &giving);
}

static inline void wire_admit(struct wire *wire)
{
    harness_on(wire->harness, wire->loop, wire_admit_here, wire);
}

/* The network breaks. */
static inline void wire_drop(struct wire *wire)
{
    harness_on(wire->harness, wire->loop, wire_is_gone, wire);
}

static inline void wire_subscribe(struct wire *wire, const char *filter, uint8_t qos)
{
    struct mqtt_subscription wish = { .filter = slice_of(filter), .qos = qos };
    struct mqtt_packet packet = { .type = MQTT_SUBSCRIBE, .id = 1 };
    packet.subscribe.list = &wish;
    packet.subscribe.count = 1;
    wire_give(wire, &packet);
}

static inline void wire_publish(struct wire *wire, const char *topic, const char *payload, uint8_t qos)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH, .id = qos ? 7 : 0 };
    packet.publish.topic = slice_of(topic);
    packet.publish.payload = slice_of(payload);
    packet.publish.qos = qos;
    wire_give(wire, &packet);
}

/* ---- what came ---- */

struct taking {
    struct wire *wire;
    struct mqtt_packet *packet;
    bool taken;
};

static inline void take_one(void *arg)
{
    struct taking *taking = arg;
    struct wire *wire = taking->wire;
    struct mqtt_frame frame;
    slice bytes = { wire->out, wire->out_length };
    int version = wire->hello.version ? wire->hello.version : MQTT_3_1_1;
    taking->taken = mqtt_frame_take(bytes, 1 << 20, version, &frame) == MQTT_FRAME_WHOLE;
    if (!taking->taken)
        return;
    /* the packet points into a copy that lives as long as the wire */
    slice kept = slice_copy(wire, (slice){ bytes.at, frame.length });
    mqtt_frame_take(kept, 1 << 20, version, &frame);
    must(mqtt_decode(wire, version, &frame, taking->packet));
    wire->out_length -= frame.length;
    memmove(wire->out, wire->out + frame.length, wire->out_length);
}

/* False: nothing is left. */
static inline bool wire_take(struct wire *wire, struct mqtt_packet *packet)
{
    struct taking taking = { wire, packet, false };
    harness_on(wire->harness, wire->loop, take_one, &taking);
    return taking.taken;
}

static inline void wire_expect(struct wire *wire, enum mqtt_type type, int reason)
{
    struct mqtt_packet packet;
    assert_true(wire_take(wire, &packet));
    assert_string_equal(mqtt_type_name(packet.type), mqtt_type_name(type));
    assert_int_equal(packet.reason, reason);
}

/* The next packet is a PUBLISH with this payload; its id, 0 for QoS 0. */
static inline uint16_t wire_expect_message(struct wire *wire, const char *payload)
{
    struct mqtt_packet packet;
    assert_true(wire_take(wire, &packet));
    assert_string_equal(mqtt_type_name(packet.type), "PUBLISH");
    assert_string_equal(slice_text(wire, packet.publish.payload), payload);
    return packet.id;
}

static inline void wire_expect_nothing(struct wire *wire)
{
    struct mqtt_packet packet;
    if (wire_take(wire, &packet))
        fail_msg("unexpected %s", mqtt_type_name(packet.type));
}

/* ---- life ---- */

/* `options` may be NULL; loops and scope are filled in. */
static inline struct harness *harness_with(unsigned loops, const struct broker_options *options)
{
    struct harness *h = MAKE(NULL, struct harness);
    log_configure(LOG_ERROR, false);
    alarm(60);
    h->ctx = h;
    h->loop_count = loops;
    if (options != NULL)
        h->options = *options;
    h->options.loops = h->loops;
    h->options.loop_count = loops;
    h->options.region = "us-east-1";
    for (unsigned i = 0; i < loops; i++)
        h->loops[i] = loop_new(h, "loop", i);
    must(broker_new(h, &h->options, &h->broker));
    sem_init(&h->shut, 0, 0);
    for (unsigned i = 0; i < loops; i++)
        loop_start(h->loops[i]);
    return h;
}

static inline struct harness *harness_new(unsigned loops)
{
    return harness_with(loops, NULL);
}

static inline void harness_is_shut(void *arg)
{
    sem_post(&((struct harness *)arg)->shut);
}

static inline void harness_shut(struct harness *h)
{
    broker_shut(h->broker, 5000, harness_is_shut, h);
    sem_wait(&h->shut);
}

static inline void harness_free(struct harness *h)
{
    harness_shut(h);
    struct broker_numbers numbers;
    broker_count(h->broker, &numbers);
    assert_int_equal(numbers.connections, 0);
    assert_int_equal(numbers.sessions, 0);
    assert_int_equal(numbers.subscriptions, 0);
    for (unsigned i = 0; i < h->loop_count; i++)
        loop_stop(h->loops[i]);
    for (unsigned i = 0; i < h->loop_count; i++)
        loop_join(h->loops[i]);
    for (struct wire *wire = h->wires, *next; wire != NULL; wire = next) {
        next = wire->next;
        talloc_free(wire);
    }
    sem_destroy(&h->shut);
    talloc_free(h);
    alarm(0);
}
