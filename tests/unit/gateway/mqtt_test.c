/* mqtt_test.c - admission: which certificates reach CONNACK, by which account, what is cached, and what races do. */
#include "gateway/fixture.h"

static struct server *server;
static struct identity known, unknown;

/* CONNECT of MQTT 3.1.1, clean, keep-alive 60, client id "p7". */
#define CONNECT    "\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02p7"
#define DISCONNECT "\xe0\x00"
#define PINGREQ    "\xc0\x00"

static struct client dial_mqtt(const struct identity *identity, const char *server_name, bool https)
{
    struct wish wish = { .port = https ? server->options.https_port : server->options.mqtt_port,
                         .alpn = https ? "\x0ex-amzn-mqtt-ca" : NULL,
                         .server_name = server_name,
                         .identity = identity };
    struct client client = client_connect(&wish);
    assert_int_equal(client.failure, 0);
    return client;
}

static bool hears_connack(struct client *client)
{
    char bytes[4];
    size_t length = client_read(client, bytes, sizeof(bytes));
    if (length == 0)
        return false;
    assert_int_equal(length, 4);
    assert_memory_equal(bytes, "\x20\x02\x00\x00", 4);
    return true;
}

/* ---- one CONNECT ---- */

static const struct row {
    const char *name;
    const struct identity *identity;
    const char *server_name;
    enum { ON_8883, ON_9443 } port;
    const char *account; /* that the lookup was asked for; "-": none was named; NULL: it was not asked */
    enum { CLOSED, ACCEPTED } answer;
} rows[] = {
    { "a known certificate", &known, NULL, ON_8883, "-", ACCEPTED },
    { "on 9443 by x-amzn-mqtt-ca", &known, NULL, ON_9443, "-", ACCEPTED },
    { "the domain names the default account", &known, "example.test", ON_8883, ACCOUNT, ACCEPTED },
    { "localhost names the default account", &known, "localhost", ON_8883, ACCOUNT, ACCEPTED },
    { "another host names another account", &known, OTHER_HOST, ON_8883, OTHER_ACCOUNT, ACCEPTED },
    { "an unknown certificate is closed without CONNACK", &unknown, "localhost", ON_8883, ACCOUNT, CLOSED },
    { "without a name no account is a last resort that is not configured", &unknown, NULL, ON_8883, "-", CLOSED },
    { "no certificate is closed without CONNACK", NULL, "localhost", ON_8883, NULL, CLOSED },
};

static void forget_principals(void)
{
    const struct change change = {
        .account = ACCOUNT, .what = "certificate", .key = server->known_certificate, .kind = "UPDATED"
    };
    gateway_on_changes(server->gateway, &change, 1);
}

static void is_admitted(void **state)
{
    const struct row *row = *state;
    struct gateway_numbers before = numbers_of(server);
    forget_principals();
    server->asked_account[0] = 0;
    struct client client = dial_mqtt(row->identity, row->server_name, row->port == ON_9443);
    client_send(&client, SLICE(CONNECT));
    assert_int_equal(hears_connack(&client), row->answer == ACCEPTED);
    assert_string_equal(server->asked_account, row->account ? row->account : "");
    struct gateway_numbers after = numbers_of(server);
    assert_int_equal(after.admitted - before.admitted, row->answer == ACCEPTED);
    assert_int_equal(after.admission_refused - before.admission_refused, row->answer == CLOSED);
    client_close(&client);
    AWAIT(numbers_of(server).connections == 0);
}

/* ---- stories ---- */

static void connects_once(void)
{
    struct client client = dial_mqtt(&known, "localhost", false);
    client_send(&client, SLICE(CONNECT));
    assert_true(hears_connack(&client));
    client_send(&client, SLICE(DISCONNECT));
    client_close(&client);
}

static void remembers_principals_until_they_change(void)
{
    static const struct {
        const char *what, *key, *kind;
        unsigned reads;
    } steps[] = {
        { "thing", "new", "CREATED", 0 },
        { "thing", "p7", "UPDATED", 1 },
        { "novelty", "n", "UPDATED", 1 },
        { "endpoint", "data", "CREATED", 0 },
    };
    connects_once();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct change change = {
            .account = ACCOUNT, .what = steps[i].what, .key = steps[i].key, .kind = steps[i].kind
        };
        unsigned before = __atomic_load_n(&server->principal_reads, __ATOMIC_SEQ_CST);
        gateway_on_changes(server->gateway, &change, 1);
        connects_once();
        assert_int_equal(server->principal_reads - before, steps[i].reads);
    }
}

/* Everything after CONNECT is looked at after CONNACK (broker.md 4.2). */
static void keeps_what_came_early(void)
{
    struct client client = dial_mqtt(&known, "localhost", false);
    char bytes[2];
    client_send(&client, SLICE(CONNECT PINGREQ));
    assert_true(hears_connack(&client));
    assert_int_equal(client_read(&client, bytes, 2), 2);
    assert_memory_equal(bytes, "\xd0\x00", 2);
    client_close(&client);
}

static void takes_packets_in_pieces(void)
{
    struct client client = dial_mqtt(&known, "localhost", false);
    slice bytes = SLICE(CONNECT);
    for (size_t i = 0; i < bytes.length; i++)
        client_send(&client, (slice){ bytes.at + i, 1 });
    assert_true(hears_connack(&client));
    client_close(&client);
}

static void hold(void)
{
    forget_principals();
    server->hold_reads = true;
}

static void survives_who_leaves_while_deciding(void)
{
    struct gateway_numbers before = numbers_of(server);
    hold();
    struct client client = dial_mqtt(&known, "localhost", false);
    client_send(&client, SLICE(CONNECT));
    sem_wait(&server->holds);
    SSL_shutdown(client.ssl);
    client_close(&client);
    server->hold_reads = false;
    sem_post(&server->let_go);
    AWAIT(numbers_of(server).connections == 0);
    assert_int_equal(numbers_of(server).admission_refused, before.admission_refused);
}

/* A right that is taken away between the read and the answer is not given. */
static void reads_again_what_changed_meanwhile(void)
{
    unsigned before = __atomic_load_n(&server->principal_reads, __ATOMIC_SEQ_CST);
    hold();
    struct client client = dial_mqtt(&known, "localhost", false);
    client_send(&client, SLICE(CONNECT));
    sem_wait(&server->holds);
    forget_principals();
    server->hold_reads = false;
    sem_post(&server->let_go);
    AWAIT(__atomic_load_n(&server->principal_reads, __ATOMIC_SEQ_CST) == before + 2);
    assert_true(hears_connack(&client));
    client_close(&client);
}

static void has_patience_with_the_store_only(void)
{
    hold();
    struct client waiting = dial_mqtt(&known, "localhost", false);
    client_send(&waiting, SLICE(CONNECT));
    sem_wait(&server->holds);
    server->hold_reads = false;
    struct client other = dial_mqtt(NULL, "localhost", false); /* the loops still run */
    client_send(&other, SLICE(CONNECT));
    assert_false(hears_connack(&other));
    client_close(&other);
    sem_post(&server->let_go);
    assert_true(hears_connack(&waiting));
    client_close(&waiting);
}

static void ends_endless_packets(void)
{
    static const char zeros[4096];
    struct client client = dial_mqtt(&known, "localhost", false);
    client_send(&client, SLICE(CONNECT));
    assert_true(hears_connack(&client));
    SSL_write(client.ssl, "\x30\xff\xff\xff\x7f\x00\x01t", 8); /* a PUBLISH of 256 MiB */
    for (int i = 0; i < 256 && SSL_write(client.ssl, zeros, sizeof(zeros)) > 0; i++)
        continue;
    ERR_clear_error();
    AWAIT(numbers_of(server).connections == 0);
    client_close(&client);
}

static void turns_away_beyond_the_limit(void)
{
    enum { LIMIT = 8 };
    struct client clients[LIMIT];
    uint64_t before = numbers_of(server).over_limit;
    for (int i = 0; i < LIMIT; i++)
        clients[i] = dial_mqtt(&known, "localhost", false);
    int fd = dial(server->options.mqtt_port);
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    assert_int_equal(numbers_of(server).over_limit, before + 1);
    client_send(&clients[0], SLICE(CONNECT)); /* those inside are served */
    assert_true(hears_connack(&clients[0]));
    for (int i = 0; i < LIMIT; i++)
        client_close(&clients[i]);
    AWAIT(numbers_of(server).connections == 0);
    connects_once(); /* and there is room again */
}

static const struct story {
    const char *name;
    void (*run)(void);
} stories[] = {
    { "principals are remembered until something changes", remembers_principals_until_they_change },
    { "what comes before CONNACK is looked at after it", keeps_what_came_early },
    { "packets may come byte by byte", takes_packets_in_pieces },
    { "a client may leave while it is decided", survives_who_leaves_while_deciding },
    { "what changed between read and answer is read again", reads_again_what_changed_meanwhile },
    { "a stalled store stalls nobody else", has_patience_with_the_store_only },
    { "a packet without end ends", ends_endless_packets },
    { "the connection limit", turns_away_beyond_the_limit },
};

static void tell(void **state)
{
    const struct story *row = *state;
    row->run();
    AWAIT(numbers_of(server).connections == 0);
}

int main(void)
{
    server = server_new(NULL);
    known = identity_new(PKI_P256);
    unknown = identity_new(PKI_P256);
    identity_id(&known, server->known_certificate);
    server->options.connection_limit = 8;
    server_listen(server);
    int failures = RUN_TABLES(TABLE(rows, is_admitted), TABLE(stories, tell));
    identity_free(&known);
    identity_free(&unknown);
    server_stop(server);
    return failures;
}
