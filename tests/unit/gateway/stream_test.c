/* stream_test.c - what clients may make the gateway hold: answers that they do not read, packets that they do not end. */
#include "gateway/fixture.h"
#include "gateway/hello.h"
#include "gateway/tls.h"
#include "gateway/wire.h"
#include <fcntl.h>

static struct server *server;
static struct identity known;

enum { MIB = 1 << 20, STRANGERS = 96 << 10 };

#define CONNECT "\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02p7"

static struct client dial_mqtt(const struct identity *identity)
{
    struct wish wish = { .port = server->options.mqtt_port, .server_name = "localhost", .identity = identity };
    struct client client = client_connect(&wish);
    assert_int_equal(client.failure, 0);
    return client;
}

static void expect(struct client *client, const char *wanted, size_t length)
{
    char bytes[8];
    assert_int_equal(client_read(client, bytes, length), length);
    assert_memory_equal(bytes, wanted, length);
}

/* ---- answers ---- */

enum { PINGS = 8192 };
static char pings[2 * PINGS];

/* Sends until the server takes no more for half a second, or so much is sent: how many of these blocks. One more is on
   its way then. */
static size_t flood(struct client *client, size_t most)
{
    size_t sent = 0;
    bool stopped = false;
    for (size_t i = 0; i < sizeof(pings); i += 2)
        memcpy(pings + i, "\xc0\x00", 2);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    while (sent < most && !stopped) {
        struct pollfd wait = { .fd = client->fd, .events = POLLOUT };
        if (SSL_write(client->ssl, pings, sizeof(pings)) > 0)
            sent++;
        else
            stopped = poll(&wait, 1, 500) == 0;
    }
    fcntl(client->fd, F_SETFL, 0);
    return sent;
}

static void expect_pongs(struct client *client, size_t blocks)
{
    static char pongs[sizeof(pings)];
    for (size_t i = 0; i < blocks; i++) {
        assert_int_equal(client_read(client, pongs, sizeof(pongs)), sizeof(pongs));
        for (size_t k = 0; k < sizeof(pongs); k += 2)
            assert_memory_equal(pongs + k, "\xd0\x00", 2);
    }
}

static void is_not_read_while_it_does_not_read(void)
{
    enum { MOST = 64 * MIB / sizeof(pings) };
    struct client client = dial_mqtt(&known);
    client_send(&client, SLICE(CONNECT));
    expect(&client, "\x20\x02\x00\x00", 4);
    struct gateway_numbers before = numbers_of(server);
    size_t sent = flood(&client, MOST);
    struct gateway_numbers after = numbers_of(server);
    assert_true(sent < MOST); /* it was stopped */
    assert_true(after.bytes_in - before.bytes_in - (after.bytes_out - before.bytes_out) <= 2 * MIB);
    expect_pongs(&client, sent);
    client_send(&client, (slice){ pings, sizeof(pings) }); /* and it is read again: the one on its way */
    expect_pongs(&client, 1);
    client_close(&client);
}

/* ---- packets without an end ---- */

/* The head of a CONNECT of 90,000 bytes, and so much of it. */
static struct client half_a_connect(size_t length)
{
    static const char rest[MIB];
    struct client client = dial_mqtt(NULL);
    client_send(&client, SLICE("\x10\x90\xbf\x05\x00\x04MQTT\x04\x02\x00\x3c\x00\x02p7"));
    client_send(&client, (slice){ rest, length });
    return client;
}

static bool is_closed(struct client *client)
{
    char byte;
    return client_read(client, &byte, 1) == 0;
}

static void strangers_share_a_bound(void)
{
    struct client small = half_a_connect(2000), first = half_a_connect(40000), second = half_a_connect(70000);
    assert_true(is_closed(&second));
    client_close(&second);
    AWAIT(numbers_of(server).connections == 2); /* who holds little stays, and who came first */
    client_close(&first);
    AWAIT(numbers_of(server).connections == 1);
    struct client third = half_a_connect(40000); /* what the others held is free again */
    struct client whole = dial_mqtt(&known);
    client_send(&whole, SLICE(CONNECT));
    expect(&whole, "\x20\x02\x00\x00", 4);
    assert_int_equal(numbers_of(server).connections, 3);
    client_close(&third);
    client_close(&small);
    client_close(&whole);
}

static void no_connect_is_so_large(void)
{
    struct client client = dial_mqtt(NULL);
    client_send(&client, SLICE("\x10\x80\x80\x06\x00\x04MQTT\x05")); /* 98,304 bytes and a head */
    assert_true(is_closed(&client));
    client_close(&client);
}

/* ---- TLS that wants to read before it writes ---- */

static void a_write_may_wait_for_bytes(void)
{
    int ends[2];
    size_t written;
    struct tls *tls;
    static const struct port port = { .tls = true };
    struct connection connection = { .station = NULL };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    must(tls_new(server->ctx, server->options.certificates, &tls));
    connection.greeting = (struct greeting){ .ctx = tls, .port = &port };
    connection.ssl = tls_accept(tls, ends[0], &connection.greeting);
    assert_int_equal(wire_write(&connection, "x", 1, &written), WIRE_AGAIN); /* it must hear a ClientHello first */
    assert_int_equal(written, 0);
    SSL_free(connection.ssl);
    talloc_free(tls);
    close(ends[0]);
    close(ends[1]);
}

static const struct story {
    const char *name;
    void (*run)(void);
} stories[] = {
    { "who does not read is not read", is_not_read_while_it_does_not_read },
    { "strangers share a bound", strangers_share_a_bound },
    { "no CONNECT is so large", no_connect_is_so_large },
    { "a write may wait for bytes", a_write_may_wait_for_bytes },
};

static void tell(void **state)
{
    ((const struct story *)*state)->run();
    AWAIT(numbers_of(server).connections == 0);
}

int main(void)
{
    server = server_new(NULL);
    known = identity_new(PKI_P256);
    identity_id(&known, server->known_certificate);
    server->options.strangers_limit = STRANGERS;
    server_listen(server);
    int failures = RUN_TABLES(TABLE(stories, tell));
    identity_free(&known);
    server_stop(server);
    return failures;
}
