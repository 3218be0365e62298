/* retained_test.c - the rows of retained messages, and what becomes of those that cannot be kept (broker.md 4.7, 5). */
#include "harness.h"
#include <ftw.h>
#include <poll.h>

#define REGION "us-east-1"

static char folder[64];
static struct store *store;
static struct workers *workers;

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static bool open_store(void *ctx, const struct store_options *wanted)
{
    struct store_options options = *wanted;
    snprintf(folder, sizeof(folder), "/tmp/muster-retained-XXXXXX");
    assert_non_null(mkdtemp(folder));
    options.folder = folder;
    options.readers = 2;
    store = NULL;
    if (store_open(ctx, &options, &store) != NULL) {
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        return false;
    }
    workers = workers_new(ctx, "work", 2, 100, 0);
    return true;
}

static void close_store(void)
{
    workers_stop(workers);
    store_close(store);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- rows ---- */

struct keeping {
    struct message *message;
    size_t limit;
};

static FALLIBLE keep(struct tx *tx, void *arg)
{
    const struct keeping *keeping = arg;
    return retained_keep(tx, ACCOUNT, REGION, keeping->message, keeping->limit);
}

struct finding {
    void *ctx;
    const char *account, *region, *topic;
    struct retained found;
};

static FALLIBLE find(struct tx *tx, void *arg)
{
    struct finding *finding = arg;
    return retained_find(tx, finding->ctx, finding->account, finding->region, slice_of(finding->topic),
                         &finding->found);
}

static error *keep_here(void *ctx, const struct mqtt_packet *packet, size_t limit)
{
    struct keeping keeping = { message_new(packet, NULL), limit };
    error *e = store_apply(store, ctx, keep, &keeping);
    message_drop(keeping.message);
    return e;
}

static struct retained find_here(void *ctx, const char *account, const char *region, const char *topic)
{
    struct finding finding = { .ctx = ctx, .account = account, .region = region, .topic = topic };
    must(store_read(store, ctx, find, &finding));
    return finding.found;
}

static struct mqtt_packet packet_of(const char *topic, const char *payload)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH };
    packet.publish.topic = slice_of(topic);
    packet.publish.payload = slice_of(payload);
    packet.publish.qos = 1;
    packet.publish.retain = true;
    return packet;
}

static void is_nowhere(void *ctx, const char *account, const char *region, const char *topic)
{
    assert_null(find_here(ctx, account, region, topic).message);
}

static void comes_back_whole(void *ctx)
{
    struct mqtt_packet packet = packet_of("a/b", "\x01payload");
    mqtt_set_number(&packet.properties, MQTT_PAYLOAD_FORMAT, 0);
    mqtt_set_text(&packet.properties, MQTT_CORRELATION_DATA, (slice){ "\0\xff", 2 });
    mqtt_set_text(&packet.properties, MQTT_CONTENT_TYPE, SLICE(""));
    mqtt_add_user_property(ctx, &packet.properties, SLICE("\"k\n"), SLICE("v"));
    mqtt_add_user_property(ctx, &packet.properties, SLICE(""), SLICE(""));
    must(keep_here(ctx, &packet, 10));
    struct retained found = find_here(ctx, ACCOUNT, REGION, "a/b");
    const struct mqtt_properties *properties = &found.message->properties;
    assert_true(slice_is(found.message->payload, "\x01payload") && found.message->retain && found.message->qos == 1);
    assert_true(mqtt_has(properties, MQTT_PAYLOAD_FORMAT) && properties->payload_format == 0);
    assert_true(mqtt_has(properties, MQTT_CONTENT_TYPE) && !mqtt_has(properties, MQTT_RESPONSE_TOPIC));
    assert_true(slice_equal(properties->correlation_data, (slice){ "\0\xff", 2 }));
    assert_int_equal(properties->user_count, 2);
    assert_true(slice_is(properties->user[0].name, "\"k\n") && slice_is(properties->user[1].value, ""));
    assert_int_equal(found.message->expires_ms, 0);
    message_drop(found.message);
    is_nowhere(ctx, ACCOUNT, "eu-west-1", "a/b");
    is_nowhere(ctx, "000000000002", REGION, "a/b");
    is_nowhere(ctx, ACCOUNT, REGION, "a/B");
}

static void is_counted(void *ctx)
{
    struct mqtt_packet first = packet_of("1", "x"), second = packet_of("2", "x"), third = packet_of("3", "x");
    must(keep_here(ctx, &first, 2));
    must(keep_here(ctx, &second, 2));
    must(keep_here(ctx, &second, 2)); /* what replaces needs no room */
    assert_true(error_is(keep_here(ctx, &third, 2), "QuotaExceeded"));
    first.publish.payload = SLICE("");
    must(keep_here(ctx, &first, 2));
    must(keep_here(ctx, &first, 2)); /* deleting what is not there frees nothing */
    must(keep_here(ctx, &third, 2));
    first.publish.payload = SLICE("x");
    assert_true(error_is(keep_here(ctx, &first, 2), "QuotaExceeded"));
}

static bool is_old(void *ctx, const char *topic)
{
    struct retained found = find_here(ctx, ACCOUNT, REGION, topic);
    assert_non_null(found.message);
    message_drop(found.message);
    return found.is_old;
}

static void ends_in_time(void *ctx)
{
    struct broker broker = { .options = { .store = store, .region = REGION } };
    struct mqtt_packet packet = packet_of("1", "x"), other = packet_of("2", "x");
    mqtt_set_number(&packet.properties, MQTT_MESSAGE_EXPIRY, 100);
    must(keep_here(ctx, &packet, 1));
    clock_shift_s(40);
    struct retained found = find_here(ctx, ACCOUNT, REGION, "1");
    int64_t left_ms = found.message->expires_ms - clock_monotonic_ms();
    assert_true(left_ms <= 60000 && left_ms > 55000 && !found.is_old);
    message_drop(found.message);
    clock_shift_s(60);
    is_nowhere(ctx, ACCOUNT, REGION, "1");
    retained_sweep(&broker);
    while (keep_here(ctx, &other, 1) != NULL) /* bulk work yields; then its place is free */
        poll(NULL, 0, 1);
    clock_shift_s(2 * 86400);
    assert_true(is_old(ctx, "2"));
    clock_shift_s(1000 * 86400);
    retained_touch(&broker, ACCOUNT, SLICE("2")); /* read: three years begin anew */
    while (is_old(ctx, "2"))
        poll(NULL, 0, 1);
    clock_shift_s(1095 * 86400LL);
    found = find_here(ctx, ACCOUNT, REGION, "2");
    assert_non_null(found.message);
    message_drop(found.message);
    clock_shift_s(2 * 86400);
    is_nowhere(ctx, ACCOUNT, REGION, "2");
    clock_shift_s(-clock_shifted_s());
}

/* ---- what cannot be kept ---- */

static struct harness *harness_on_store(size_t limit)
{
    return harness_with(2, &(struct broker_options){ .store = store, .workers = workers, .retained_limit = limit });
}

static void publish_retained(struct wire *wire, const char *topic, uint16_t id)
{
    struct mqtt_packet packet = packet_of(topic, "x");
    packet.id = id;
    wire_give(wire, &packet);
}

/* Its acknowledgements come when the store says so. */
static bool await_packet(struct wire *wire, struct mqtt_packet *packet)
{
    for (int i = 0; i < 5000; i++) {
        if (wire_take(wire, packet))
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

static void expect_puback(struct wire *wire, uint16_t id, int reason)
{
    struct mqtt_packet packet;
    assert_true(await_packet(wire, &packet));
    assert_int_equal(packet.type, MQTT_PUBACK);
    assert_int_equal(packet.id, id);
    assert_int_equal(packet.reason, reason);
}

static void version_5_is_told_of_the_quota(void *ctx)
{
    (void)ctx;
    struct harness *h = harness_on_store(2);
    struct wire *wire = wire_open(h, 0, "lamp-7"), *old = wire_open(h, 1, "lamp-8");
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .clean = true });
    wire_connect(old, &(struct hello){ .version = MQTT_3_1_1, .clean = true });
    wire_expect(wire, MQTT_CONNACK, 0);
    wire_expect(old, MQTT_CONNACK, 0);
    for (uint16_t id = 1; id <= 3; id++)
        publish_retained(wire, id == 1 ? "a" : id == 2 ? "b" : "c", id);
    wire_publish(wire, "c", "plain", 1);
    expect_puback(wire, 1, 0);
    expect_puback(wire, 2, 0);
    expect_puback(wire, 3, MQTT_QUOTA_EXCEEDED);
    expect_puback(wire, 7, 0); /* what came after it goes on */
    publish_retained(old, "d", 1);
    publish_retained(old, "a", 2);
    expect_puback(old, 2, 0); /* version 3 hears of success only */
    harness_free(h);
}

/* The first sync after the opening fails; then nothing is written any more. */
static void break_store(void *ctx)
{
    struct mqtt_packet packet = packet_of("b", "x");
    close_store();
    for (unsigned n = 1; n < 100; n++) {
        if (!open_store(ctx, &(struct store_options){ .test_fail_sync = n }))
            continue;
        if (keep_here(ctx, &packet, 10) != NULL)
            return;
        close_store();
    }
    fail_msg("no sync failed after the opening");
}

static void a_failed_write_is_not_acknowledged(void *ctx)
{
    break_store(ctx);
    struct harness *h = harness_on_store(0);
    struct wire *wire = wire_open(h, 0, "lamp-7"), *watcher = wire_open(h, 1, "watcher");
    wire_connect(wire, &(struct hello){ .version = MQTT_5, .clean = true });
    wire_connect(watcher, &(struct hello){ .version = MQTT_5, .clean = true });
    wire_expect(wire, MQTT_CONNACK, 0);
    wire_expect(watcher, MQTT_CONNACK, 0);
    wire_subscribe(watcher, "#", 1);
    wire_expect(watcher, MQTT_SUBACK, 0);
    publish_retained(wire, "a", 1);
    expect_puback(wire, 1, MQTT_UNSPECIFIED_ERROR);
    harness_settle(h);
    wire_expect_nothing(watcher); /* and nobody was given what is not kept */
    harness_free(h);
}

static const struct row {
    const char *name;
    struct store_options options;
    void (*told)(void *ctx);
} rows[] = {
    { "it comes back whole, in its account and region only", { 0 }, comes_back_whole },
    { "it is counted", { 0 }, is_counted },
    { "it is counted once when the store runs it twice", { .test_rerun = true }, is_counted },
    { "it ends in time", { 0 }, ends_in_time },
    { "version 5 is told of the quota", { 0 }, version_5_is_told_of_the_quota },
    { "a failed write is not acknowledged", { 0 }, a_failed_write_is_not_acknowledged },
};

static void is_told(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    assert_true(open_store(ctx, &row->options));
    row->told(ctx);
    close_store();
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLE(rows, is_told);
}
