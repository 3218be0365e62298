/* client_test.c - the MQTT client against a server that says what a row tells it to, over real TLS on loopback. */
#include "device/device.h"
#include "base/clock.h"
#include "base/encode.h"
#include "table.h"
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, SHORT_MS = 300 };

/* ---- a small world of certificates ---- */

static struct world {
    void *ctx;
    struct pki_credentials *root, *stranger, *server;
} world;

static void make_world(void)
{
    struct pki_authority_wish authority = {
        .common_name = "root", .key = PKI_P256, .now_s = clock_now_s(), .years = 1
    };
    struct pki_server_wish server = { "localhost", "us-east-1", PKI_P256, clock_now_s() };
    pki_start();
    world.ctx = talloc_new(NULL);
    assert_null(pki_make_authority(world.ctx, &authority, NULL, &world.root));
    assert_null(pki_make_authority(world.ctx, &authority, NULL, &world.stranger));
    assert_null(pki_make_server_certificate(world.ctx, &server, world.root, &world.server));
}

/* ---- the server: one connection, one saying ---- */

struct script {
    int listener;
    slice says; /* after CONNECT came */
    bool speaks_tls;
    bool stays; /* until the client goes */
};

static SSL_CTX *server_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate = BIO_new_mem_buf(world.server->certificate_pem, -1);
    BIO *key = BIO_new_mem_buf(world.server->private_pem, -1);
    X509 *x = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
    EVP_PKEY *pair = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    SSL_CTX_use_certificate(context, x);
    SSL_CTX_use_PrivateKey(context, pair);
    X509_free(x);
    EVP_PKEY_free(pair);
    BIO_free(certificate);
    BIO_free(key);
    return context;
}

static void speak(const struct script *script, int fd)
{
    char bytes[4096];
    SSL_CTX *context = server_context();
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, bytes, sizeof(bytes)) > 0 &&
        (script->says.length == 0 || SSL_write(ssl, script->says.at, (int)script->says.length) > 0)) {
        while (script->stays && SSL_read(ssl, bytes, sizeof(bytes)) > 0)
            continue;
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void *serve(void *arg)
{
    const struct script *script = arg;
    int fd = accept(script->listener, NULL, NULL);
    if (script->speaks_tls)
        speak(script, fd);
    else
        (void)!write(fd, "220 mail.example ESMTP\r\n", 24);
    close(fd);
    return NULL;
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* ---- the client ---- */

struct seen {
    char log[256]; /* "connected message(a/b=hi) ack(16) " */
    struct device_end end;
    char text[256];
    bool leaves_after_message, subscribes, publishes;
};

static void note(struct seen *seen, const char *text)
{
    size_t length = strlen(seen->log);
    snprintf(seen->log + length, sizeof(seen->log) - length, "%s ", text);
}

static void on_connected(struct device_client *client, bool session_present)
{
    static const char *const filters[] = { "a/#", "b/#" };
    struct seen *seen = device_client_owner(client);
    struct mqtt_publish message = { .qos = 1, .topic = SLICE("a/b"), .payload = SLICE("hi") };
    uint16_t id = 0;
    note(seen, session_present ? "resumed" : "connected");
    if (seen->publishes) {
        assert_true(device_client_publish(client, &message, &id));
        assert_int_equal(id, 1);
    }
    if (seen->subscribes)
        assert_true(device_client_subscribe(client, filters, 2, 1, &id));
}

static void on_message(struct device_client *client, const struct mqtt_publish *message)
{
    char text[64];
    struct seen *seen = device_client_owner(client);
    snprintf(text, sizeof(text), "message(%.*s=%.*s)", PRINT(message->topic), PRINT(message->payload));
    note(seen, text);
    if (seen->leaves_after_message)
        device_client_disconnect(client);
}

static void on_acknowledged(struct device_client *client, uint16_t id, int reason)
{
    char text[64];
    snprintf(text, sizeof(text), "ack(%d:%d)", id, reason);
    note(device_client_owner(client), text);
}

static void on_closed(struct device_client *client, const struct device_end *end)
{
    struct seen *seen = device_client_owner(client);
    seen->end = *end;
    snprintf(seen->text, sizeof(seen->text), "%s", end->text);
}

static const struct device_handlers handlers = { on_connected, on_message, on_acknowledged, on_closed };

static const struct device_identity *identity(void *ctx, bool trusts_stranger)
{
    struct device_identity *made;
    const struct pki_credentials *ca = trusts_stranger ? world.stranger : world.root;
    assert_null(device_identity_new(ctx, slice_of(ca->certificate_pem), slice_of(world.root->certificate_pem),
                                    slice_of(world.root->private_pem), &made));
    return made;
}

/* ---- what a server may say ---- */

#define CONNACK_4 "20020000"
#define CONNACK_5 "2003000000"

static const struct row {
    const char *name;
    int version;
    const char *says; /* hexadecimal */
    const char *log;
    enum device_end_kind kind;
    int reason;
    const char *text; /* NULL: any */
    enum {
        STAYS = 1,
        LEAVES = 2,
        SUBSCRIBES = 4,
        PUBLISHES = 8,
        SHORT = 16,
        STRANGER = 32,
        PLAIN = 64,
        ADDRESS = 128,
        NOBODY = 256,
        WRONG_HOST = 512
    } how;
} rows[] = {
    { "a good life, 3.1.1", 4,
      CONNACK_4 "3007"
                "0003612f62"
                "6869",
      "connected message(a/b=hi) ", DEVICE_LEFT, 0, NULL, STAYS | LEAVES },
    { "a good life, 5", 5,
      CONNACK_5 "3008"
                "0003612f62"
                "00"
                "6869",
      "connected message(a/b=hi) ", DEVICE_LEFT, 0, NULL, STAYS | LEAVES },
    { "an address instead of a name", 4,
      CONNACK_4 "3005"
                "0003612f62",
      "connected message(a/b=) ", DEVICE_LEFT, 0, NULL, STAYS | LEAVES | ADDRESS },
    { "a session that is still there", 4,
      "20020100"
      "3005"
      "0003612f62",
      "resumed message(a/b=) ", DEVICE_LEFT, 0, NULL, STAYS | LEAVES },
    { "nothing behind a goodbye is looked at", 4,
      CONNACK_4 "3005"
                "0003612f62"
                "ffff",
      "connected message(a/b=) ", DEVICE_LEFT, 0, NULL, STAYS | LEAVES },
    { "PUBACK of 3.1.1", 4, CONNACK_4 "40020001", "connected ack(1:0) ", DEVICE_LOST, 0, NULL, PUBLISHES },
    { "PUBACK of 5 with a reason", 5, CONNACK_5 "4003000187", "connected ack(1:135) ", DEVICE_LOST, 0, NULL,
      PUBLISHES },
    { "SUBACK tells its worst", 4, CONNACK_4 "900400010180", "connected ack(1:128) ", DEVICE_LOST, 0, NULL,
      SUBSCRIBES },
    { "SUBACK of a publish", 4, CONNACK_4 "9003000101", "connected ", DEVICE_BAD_SERVER, 0x82, NULL, PUBLISHES },
    { "an acknowledgement of nothing", 4, CONNACK_4 "40020007", "connected ", DEVICE_BAD_SERVER, 0x82, NULL,
      PUBLISHES },
    { "PUBACK twice", 4,
      CONNACK_4 "40020001"
                "40020001",
      "connected ack(1:0) ", DEVICE_BAD_SERVER, 0x82, NULL, PUBLISHES },
    { "refused, 3.1.1", 4, "20020005", "", DEVICE_REFUSED, 0x87, "not authorized", 0 },
    { "refused, 5", 5, "2003008500", "", DEVICE_REFUSED, 0x85, NULL, 0 },
    { "sent away", 5, CONNACK_5 "e0018e", "connected ", DEVICE_SENT_AWAY, 0x8e, NULL, 0 },
    { "closed before CONNACK", 4, "", "", DEVICE_LOST, 0, "the server closed the connection", 0 },
    { "closed after CONNACK", 4, CONNACK_4, "connected ", DEVICE_LOST, 0, "the server closed the connection", 0 },
    { "silence", 4, "", "", DEVICE_TIMED_OUT, 0, "waiting for CONNACK", STAYS | SHORT },
    { "PUBLISH before CONNACK", 4,
      "3005"
      "0003612f62",
      "", DEVICE_BAD_SERVER, 0x82, NULL, STAYS },
    { "CONNACK twice", 4, CONNACK_4 CONNACK_4, "connected ", DEVICE_BAD_SERVER, 0x82, NULL, STAYS },
    { "a client's packet from a server", 4, CONNACK_4 "c000", "connected ", DEVICE_BAD_SERVER, 0x82, NULL, STAYS },
    { "QoS 2", 4,
      CONNACK_4 "3407"
                "0003612f62"
                "0001",
      "connected ", DEVICE_BAD_SERVER, 0x82, NULL, STAYS },
    { "a topic alias", 5,
      CONNACK_5 "3006"
                "0000"
                "03230001",
      "connected ", DEVICE_BAD_SERVER, 0x82, NULL, STAYS },
    { "a malformed length", 4, CONNACK_4 "30ffffffffff", "connected ", DEVICE_BAD_SERVER, 0, "a malformed packet",
      STAYS },
    { "a packet that is too large", 4, CONNACK_4 "30ffffff7f", "connected ", DEVICE_BAD_SERVER, 0,
      "a packet of more than 256 KiB", STAYS },
    { "a packet that ends early", 4,
      CONNACK_4 "3003"
                "0009ff",
      "connected ", DEVICE_BAD_SERVER, 0x81, NULL, STAYS },
    { "a server that another CA signed", 4, CONNACK_4, "", DEVICE_TLS_FAILED, 0, NULL, STRANGER },
    { "a server of another name", 4, CONNACK_4, "", DEVICE_TLS_FAILED, 0, NULL, WRONG_HOST },
    { "no TLS at all", 4, CONNACK_4, "", DEVICE_TLS_FAILED, 0, NULL, PLAIN },
    { "nobody there", 4, "", "", DEVICE_UNREACHABLE, 0, "Connection refused", NOBODY },
};

/* The flags are one word so that a row stays a line. */
static void survives(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct script script = { .speaks_tls = !(row->how & PLAIN), .stays = row->how & STAYS };
    struct seen seen = { .leaves_after_message = row->how & LEAVES,
                         .subscribes = row->how & SUBSCRIBES,
                         .publishes = row->how & PUBLISHES };
    struct device_server *server;
    uint16_t port;
    pthread_t thread;
    uv_loop_t loop;
    assert_true(hex_decode(ctx, slice_of(row->says), &script.says));
    script.listener = listen_somewhere(&port);
    const char *host = row->how & WRONG_HOST ? "127.1" : row->how & ADDRESS ? "127.0.0.1" : "localhost";
    assert_null(device_server_find(ctx, host, port, &server));
    if (row->how & NOBODY)
        close(script.listener);
    else
        assert_int_equal(pthread_create(&thread, NULL, serve, &script), 0);
    struct device_client_wish wish = { .server = server,
                                       .identity = identity(ctx, row->how & STRANGER),
                                       .handlers = &handlers,
                                       .owner = &seen,
                                       .client_id = "me",
                                       .version = row->version,
                                       .keep_alive_s = 60,
                                       .patience_ms = row->how & SHORT ? SHORT_MS : PATIENCE_MS };
    uv_loop_init(&loop);
    device_client_new(&loop, &wish);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    if (!(row->how & NOBODY)) {
        pthread_join(thread, NULL);
        close(script.listener);
    }
    assert_string_equal(seen.log, row->log);
    assert_string_equal(device_end_name(seen.end.kind), device_end_name(row->kind));
    assert_int_equal(seen.end.reason, row->reason);
    if (row->text != NULL)
        assert_string_equal(seen.text, row->text);
    talloc_free(ctx);
}

/* ---- identities ---- */

static const struct identity_row {
    const char *name;
    enum { GOOD, EMPTY, RUBBISH, OTHER_KEY } ca, certificate, key;
    const char *says; /* in the message; NULL: taken */
} identities[] = {
    { "all is well", GOOD, GOOD, GOOD, NULL },
    { "no CA", EMPTY, GOOD, GOOD, "The trusted CA" },
    { "a CA that is no PEM", RUBBISH, GOOD, GOOD, "The trusted CA" },
    { "no certificate", GOOD, EMPTY, GOOD, "The device's certificate" },
    { "a certificate that is no PEM", GOOD, RUBBISH, GOOD, "The device's certificate" },
    { "no key", GOOD, GOOD, EMPTY, "The device's private key" },
    { "the key of another certificate", GOOD, GOOD, OTHER_KEY, "The device's private key" },
};

static slice text_of(int kind, const char *good)
{
    return kind == GOOD      ? slice_of(good)
           : kind == RUBBISH ? SLICE("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
           : kind == EMPTY   ? SLICE("")
                             : slice_of(world.stranger->private_pem);
}

static void is_taken(void **state)
{
    const struct identity_row *row = *state;
    void *ctx = talloc_new(NULL);
    struct device_identity *made;
    const char *certificate = world.root->certificate_pem;
    error *e = device_identity_new(ctx, text_of(row->ca, certificate), text_of(row->certificate, certificate),
                                   text_of(row->key, world.root->private_pem), &made);
    assert_int_equal(e == NULL, row->says == NULL);
    assert_true(e == NULL || (error_is(e, "InvalidIdentity") && strstr(e->message, row->says) != NULL));
    talloc_free(ctx);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    make_world();
    int failures = RUN_TABLES(TABLE(rows, survives), TABLE(identities, is_taken));
    talloc_free(world.ctx);
    return failures;
}
