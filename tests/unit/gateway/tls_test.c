/* tls_test.c - handshakes against a real gateway: versions, suites, names, protocols, client certificates. */
#include "gateway/fixture.h"
#include <openssl/core_names.h>
#include <openssl/param_build.h>

static struct server *server;
static struct identity p256, rsa, ed25519, giant, slow, explicit_curve;

enum { MQTT, HTTPS, DEVICE };

static uint16_t port_of(int which)
{
    const uint16_t numbers[] = { server->options.mqtt_port, server->options.https_port,
                                 server->options.device_https_port };
    return numbers[which];
}

/* ---- handshakes that stand ---- */

#define MQTT_CA   "\x0ex-amzn-mqtt-ca"
#define HTTP_CA   "\x0ex-amzn-http-ca"
#define ALPN_MQTT "\x04mqtt"
#define HTTP      "\x08http/1.1"

static const struct row {
    const char *name;
    int port;
    const char *alpn, *server_name, *picked; /* picked "": none */
    enum { NOT_ASKED, ASKED } asked;
} rows[] = {
    { "8883 asks for a certificate", MQTT, NULL, NULL, "", ASKED },
    { "8883 picks x-amzn-mqtt-ca when offered", MQTT, MQTT_CA, NULL, "x-amzn-mqtt-ca", ASKED },
    { "8883 goes on without a foreign protocol", MQTT, HTTP, NULL, "", ASKED },
    { "9443 asks for none", HTTPS, NULL, NULL, "", NOT_ASKED },
    { "9443 with http/1.1 asks for none", HTTPS, HTTP, NULL, "http/1.1", NOT_ASKED },
    { "9443 with x-amzn-mqtt-ca asks", HTTPS, MQTT_CA, NULL, "x-amzn-mqtt-ca", ASKED },
    { "9443 with x-amzn-http-ca asks", HTTPS, HTTP_CA, NULL, "x-amzn-http-ca", ASKED },
    { "9443 with mqtt asks for none", HTTPS, ALPN_MQTT, NULL, "mqtt", NOT_ASKED },
    { "9443 picks by our order", HTTPS, HTTP ALPN_MQTT HTTP_CA MQTT_CA, NULL, "x-amzn-mqtt-ca", ASKED },
    { "9443 goes on without h2", HTTPS, "\x02h2", NULL, "", NOT_ASKED },
    { "8443 asks", DEVICE, NULL, NULL, "", ASKED },
    { "8443 picks http/1.1", DEVICE, HTTP, NULL, "http/1.1", ASKED },
    { "the domain is a name", MQTT, NULL, "example.test", "", ASKED },
    { "in capitals too", MQTT, NULL, "EXAMPLE.TEST", "", ASKED },
    { "localhost is a name", HTTPS, NULL, "localhost", "", NOT_ASKED },
    { "a credentials host is a data host on 8883", MQTT, NULL, CREDENTIALS_HOST, "", ASKED },
    { "another account's host is a name", MQTT, NULL, OTHER_HOST, "", ASKED },
};

static void stands_as(const struct row *row, int version)
{
    struct wish wish = {
        .port = port_of(row->port), .alpn = row->alpn, .server_name = row->server_name, .version_max = version
    };
    struct client client = client_connect(&wish);
    const unsigned char *picked;
    unsigned length;
    assert_int_equal(client.failure, 0);
    SSL_get0_alpn_selected(client.ssl, &picked, &length);
    assert_true(slice_is(slice_bytes(picked, length), row->picked));
    assert_int_equal(wish.was_asked, row->asked == ASKED);
    client_close(&client);
}

static void stands(void **state)
{
    stands_as(*state, 0);
    stands_as(*state, TLS1_2_VERSION);
}

/* ---- suites and versions ---- */

static const struct suite_row {
    const char *name;
    int version;
    const char *suite;
    int failure;
} suites[] = {
    { "TLS 1.3", TLS1_3_VERSION, NULL, 0 },
    { "TLS 1.2", TLS1_2_VERSION, NULL, 0 },
    { "TLS 1.1 is refused", TLS1_1_VERSION, NULL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION },
    { "ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", 0 },
    { "ECDHE-RSA-AES128-GCM-SHA256", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", 0 },
    { "ECDHE-ECDSA-AES256-GCM-SHA384", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", 0 },
    { "ECDHE-RSA-AES256-GCM-SHA384", TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", 0 },
    { "ECDHE-ECDSA-AES128-SHA256", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", 0 },
    { "ECDHE-RSA-AES128-SHA256", TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256", 0 },
    { "ECDHE-ECDSA-AES128-SHA", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", 0 },
    { "ECDHE-RSA-AES128-SHA", TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", 0 },
    { "ECDHE-ECDSA-AES256-SHA384", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", 0 },
    { "ECDHE-RSA-AES256-SHA384", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", 0 },
    { "ECDHE-ECDSA-AES256-SHA", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA", 0 },
    { "ECDHE-RSA-AES256-SHA", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA", 0 },
    { "AES128-GCM-SHA256", TLS1_2_VERSION, "AES128-GCM-SHA256", 0 },
    { "AES128-SHA256", TLS1_2_VERSION, "AES128-SHA256", 0 },
    { "AES128-SHA", TLS1_2_VERSION, "AES128-SHA", 0 },
    { "AES256-GCM-SHA384", TLS1_2_VERSION, "AES256-GCM-SHA384", 0 },
    { "AES256-SHA256", TLS1_2_VERSION, "AES256-SHA256", 0 },
    { "AES256-SHA", TLS1_2_VERSION, "AES256-SHA", 0 },
    { "ChaCha20 is not of TLS 1.2's suites", TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305",
      SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE },
    { "nor are DHE suites", TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384", SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE },
};

static void is_spoken(void **state)
{
    const struct suite_row *row = *state;
    struct wish wish = { .port = port_of(HTTPS),
                         .version_min = row->version,
                         .version_max = row->version,
                         .suites = row->suite ? row->suite : "DEFAULT:@SECLEVEL=0" };
    struct client client = client_connect(&wish);
    assert_int_equal(client.failure, row->failure);
    if (row->failure == 0 && row->suite != NULL)
        assert_string_equal(SSL_get_cipher_name(client.ssl), row->suite);
    client_close(&client);
}

/* ---- client certificates ---- */

static const struct certificate_row {
    const char *name;
    const struct identity *identity;
    enum { REFUSED, TAKEN } answer;
} certificates[] = {
    { "no certificate", NULL, TAKEN },
    { "a P-256 certificate of nobody", &p256, TAKEN },
    { "an RSA certificate of nobody", &rsa, TAKEN },
    { "an Ed25519 certificate of nobody", &ed25519, TAKEN },
    { "a key of 9000 bits", &giant, REFUSED },
    { "a key with an exponent of 2000 bits", &slow, REFUSED },
    { "a key on a curve without a name", &explicit_curve, REFUSED },
};

/* In TLS 1.3 the client learns only later that his certificate was refused: he asks by reading. */
static void is_judged(const struct certificate_row *row, int version)
{
    uint64_t before = numbers_of(server).handshakes, failed = numbers_of(server).handshakes_failed;
    struct wish wish = { .port = port_of(MQTT), .identity = row->identity, .version_max = version };
    struct client client = client_connect(&wish);
    char byte;
    if (row->answer == TAKEN) {
        assert_int_equal(client.failure, 0);
        AWAIT(numbers_of(server).handshakes > before);
    } else {
        if (client.failure == 0)
            assert_int_equal(client_read(&client, &byte, 1), 0);
        AWAIT(numbers_of(server).handshakes_failed > failed);
        assert_int_equal(numbers_of(server).handshakes, before);
    }
    client_close(&client);
}

static void judges_keys(void **state)
{
    is_judged(*state, 0);
    is_judged(*state, TLS1_2_VERSION);
}

/* ---- stories ---- */

static void refuses_unknown_names(void)
{
    static const char *const names[] = { "other.test", "iot.eu-west-1.example.test", "example.test.evil" };
    for (size_t i = 0; i < 3; i++) {
        struct wish wish = { .port = port_of(HTTPS), .server_name = names[i] };
        struct client client = client_connect(&wish);
        assert_int_equal(client.failure, SSL_R_TLSV1_UNRECOGNIZED_NAME);
        client_close(&client);
    }
}

static void hosts_can_change(void)
{
    static const struct gateway_host added[] = { { OTHER_HOST, OTHER_ACCOUNT, false },
                                                 { "new.example.test", OTHER_ACCOUNT, false } };
    struct wish wish = { .port = port_of(HTTPS), .server_name = "new.example.test" };
    struct client client = client_connect(&wish);
    assert_int_equal(client.failure, SSL_R_TLSV1_UNRECOGNIZED_NAME);
    client_close(&client);
    gateway_set_hosts(server->gateway, added, 2);
    int64_t until = clock_monotonic_ms() + PATIENCE_MS;
    do {
        client = client_connect(&wish);
        client_close(&client);
    } while (client.failure != 0 && clock_monotonic_ms() < until);
    assert_int_equal(client.failure, 0);
}

static int tickets;
static int count_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    tickets++;
    return 0;
}

static void hands_out_no_tickets_as(int version)
{
    struct client client = { .context = SSL_CTX_new(TLS_client_method()), .fd = dial(port_of(HTTPS)) };
    static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char rest[4096];
    SSL_CTX_set_session_cache_mode(client.context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client.context, count_ticket);
    SSL_CTX_set_max_proto_version(client.context, version);
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, client.fd);
    tickets = 0;
    assert_int_equal(SSL_connect(client.ssl), 1);
    client_send(&client, slice_of(request));
    assert_true(client_read(&client, rest, sizeof(rest)) > 0);
    SSL_SESSION *session = SSL_get1_session(client.ssl);
    assert_false(SSL_SESSION_has_ticket(session));
    if (version == TLS1_3_VERSION)
        assert_int_equal(tickets, 0);

    SSL *again = SSL_new(client.context);
    int fd = dial(port_of(HTTPS));
    SSL_set_fd(again, fd);
    SSL_set_session(again, session);
    assert_int_equal(SSL_connect(again), 1);
    assert_false(SSL_session_reused(again));
    SSL_free(again);
    close(fd);
    SSL_SESSION_free(session);
    client_close(&client);
}

static void hands_out_no_tickets(void)
{
    hands_out_no_tickets_as(TLS1_3_VERSION);
    hands_out_no_tickets_as(TLS1_2_VERSION);
}

static void renegotiates_never(void)
{
    struct wish wish = { .port = port_of(HTTPS), .version_max = TLS1_2_VERSION };
    struct client client = client_connect(&wish);
    char byte;
    assert_int_equal(client.failure, 0);
    SSL_renegotiate(client.ssl);
    if (SSL_do_handshake(client.ssl) == 1)
        assert_true(client_read(&client, &byte, 1) == 0);
    ERR_clear_error();
    client_close(&client);
}

static void refuses_long_chains_of(int certificates_sent)
{
    uint64_t failed = numbers_of(server).handshakes_failed;
    struct client client = { .context = SSL_CTX_new(TLS_client_method()), .fd = dial(port_of(MQTT)) };
    char byte;
    SSL_CTX_use_certificate(client.context, p256.leaf);
    SSL_CTX_use_PrivateKey(client.context, p256.key);
    for (int i = 1; i < certificates_sent; i++)
        SSL_CTX_add1_chain_cert(client.context, certificates_sent > 11 ? rsa.leaf : p256.leaf);
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, client.fd);
    if (SSL_connect(client.ssl) == 1)
        client_read(&client, &byte, 1);
    ERR_clear_error();
    AWAIT(numbers_of(server).handshakes_failed > failed);
    client_close(&client);
}

static void refuses_long_chains(void)
{
    refuses_long_chains_of(11); /* too many */
    refuses_long_chains_of(40); /* too many bytes */
}

static void ends_what_is_not_tls(void)
{
    uint64_t failed = numbers_of(server).handshakes_failed;
    int fd = dial(port_of(HTTPS));
    char rest[64];
    assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    while (recv(fd, rest, sizeof(rest), 0) > 0)
        continue;
    close(fd);
    AWAIT(numbers_of(server).handshakes_failed > failed);
}

static void loses_patience(void)
{
    uint64_t late = numbers_of(server).handshakes_late;
    int silent = dial(port_of(MQTT)), halfway = dial(port_of(MQTT));
    char byte;
    assert_int_equal(send(halfway, "\x16\x03\x01\x02\x00\x01\x00", 7, 0), 7);
    assert_int_equal(recv(silent, &byte, 1, 0), 0);
    assert_int_equal(recv(halfway, &byte, 1, 0), 0);
    assert_int_equal(numbers_of(server).handshakes_late, late + 2);
    close(silent);
    close(halfway);
}

/* Others are served while many handshakes wait. */
static void serves_others_beside_half_open_ones(void)
{
    int half_open[100];
    for (size_t i = 0; i < 100; i++)
        half_open[i] = dial(port_of(HTTPS));
    struct wish wish = { .port = port_of(HTTPS) };
    struct client client = client_connect(&wish);
    assert_int_equal(client.failure, 0);
    client_close(&client);
    for (size_t i = 0; i < 100; i++)
        close(half_open[i]);
}

static const struct story {
    const char *name;
    void (*run)(void);
} stories[] = {
    { "unknown server names get the fatal alert", refuses_unknown_names },
    { "new host names are seen by new handshakes", hosts_can_change },
    { "no tickets, no resumption", hands_out_no_tickets },
    { "no renegotiation", renegotiates_never },
    { "chains of more than 10 certificates or 16 KiB are refused", refuses_long_chains },
    { "what is not TLS is ended", ends_what_is_not_tls },
    { "slow handshakes are ended", loses_patience },
    { "others are served beside half-open handshakes", serves_others_beside_half_open_ones },
};

static void tell(void **state)
{
    const struct story *row = *state;
    row->run();
    AWAIT(numbers_of(server).connections == 0);
}

/* ---- keys that nobody should verify ---- */

/* No real RSA key: primes of that size take minutes. The sums work out with any modulus. */
static EVP_PKEY *false_key(int bits, int exponent_bits)
{
    BIGNUM *n = BN_new(), *e = BN_new(), *d = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BN_rand(n, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
    BN_rand(d, bits - 8, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ODD);
    BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(maker), 1);
    assert_int_equal(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(maker);
    BN_free(n);
    BN_free(e);
    BN_free(d);
    return key;
}

static EVP_PKEY *explicit_key(void)
{
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    const OSSL_PARAM parameters[] = { OSSL_PARAM_utf8_string("group", "P-256", 5),
                                      OSSL_PARAM_utf8_string("encoding", "explicit", 8), OSSL_PARAM_END };
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_keygen_init(maker), 1);
    assert_int_equal(EVP_PKEY_CTX_set_params(maker, parameters), 1);
    assert_int_equal(EVP_PKEY_generate(maker, &key), 1);
    EVP_PKEY_CTX_free(maker);
    return key;
}

int main(void)
{
    server = server_new(NULL);
    server->options.handshake_patience_ms = 5000; /* a busy machine takes long over a giant key */
    server_listen(server);
    p256 = identity_new(PKI_P256);
    rsa = identity_new(PKI_RSA);
    ed25519 = identity_of_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    giant = identity_of_key(false_key(9000, 17));
    slow = identity_of_key(false_key(2048, 2000));
    explicit_curve = identity_of_key(explicit_key());
    int failures = RUN_TABLES(TABLE(rows, stands), TABLE(suites, is_spoken), TABLE(certificates, judges_keys),
                              TABLE(stories, tell));
    struct identity *const made[] = { &p256, &rsa, &ed25519, &giant, &slow, &explicit_curve };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        identity_free(made[i]);
    server_stop(server);
    return failures;
}
