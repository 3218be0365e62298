/* fixture.h - a gateway on loopback with real loops, workers, store, door and broker; and a blocking client of it.

   Who a certificate or a key is, is answered here, not by a service's rows: `known_certificate` is the one device that
   may connect, KEY_ID the one access key. */
#pragma once
#include "gateway/gateway.h"
#include "base/clock.h"
#include "base/encode.h"
#include "pki/pki.h"
#include "sigv4/sigv4.h"
#include "table.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#define ACCOUNT          "000000000001"
#define OTHER_ACCOUNT    "000000000002"
#define OTHER_HOST       "abc-ats.iot.eu-west-1.example.test"
#define CREDENTIALS_HOST "abd.credentials.iot.eu-west-1.example.test"
#define KEY_ID           "AKIAEXAMPLEEXAMPLE77"
#define SESSION_ID       "ASIAEXAMPLEEXAMPLE77"
#define SESSION_TOKEN    "its//token=="
#define EXPIRED_TOKEN    "its//old=="
#define SECRET           "mUsTeRexampleSecretKey+0123456789/abcdef"
enum { LOOPS = 2, WORKERS = 2 };

struct server {
    void *ctx;
    char folder[32];
    struct loop *loops[LOOPS];
    struct workers *workers;
    struct store *store;
    struct door *door;
    struct broker *broker;
    struct gateway *gateway;
    struct gateway_options options;
    struct pki_credentials *authority;
    sem_t shut;
    /* what the lookups answer; set before anybody asks */
    char known_certificate[PKI_ID_LENGTH + 1];
    char asked_account[16]; /* of the last load_principal; "-" for none */
    unsigned principal_reads, key_reads, key_uses;
    bool hold_reads; /* lookups wait for `let_go` */
    sem_t holds, let_go;
};

static inline void must(error *e)
{
    if (e != NULL)
        fail_msg("%s: %s", e->name, e->message);
}

/* ---- lookups ---- */

static const char allow_all[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";

static FALLIBLE find_key(void *arg, struct tx *tx, void *ctx, slice id, slice token, struct gateway_key **out)
{
    struct server *server = arg;
    struct policy *policy;
    (void)tx;
    __atomic_add_fetch(&server->key_reads, 1, __ATOMIC_SEQ_CST);
    if (server->hold_reads) {
        sem_post(&server->holds);
        sem_wait(&server->let_go);
    }
    *out = NULL;
    bool session = slice_is(id, SESSION_ID), expired = slice_is(token, EXPIRED_TOKEN);
    if (session ? !expired && !slice_is(token, SESSION_TOKEN) : !slice_is(id, KEY_ID) || token.at != NULL)
        return NULL;
    struct gateway_key *key = MAKE(ctx, struct gateway_key);
    key->expires_ms = session ? clock_now_ms() + (expired ? -1 : 900000) : 0;
    struct caller *caller = MAKE(key, struct caller);
    TRY(policy_parse(key, slice_of(allow_all), POLICY_IAM_IDENTITY, &policy));
    caller->kind = CALLER_IAM;
    caller->account = ACCOUNT;
    caller->arn = "arn:aws:iam::" ACCOUNT ":user/ada";
    caller->user_id = "AIDAEXAMPLE";
    caller->user_name = "ada";
    caller->type = "User";
    caller->access_key = session ? NULL : KEY_ID;
    caller->policies = MAKE_ARRAY(caller, const struct policy *, 1);
    caller->policies[0] = policy;
    caller->policy_count = 1;
    key->secret = SLICE(SECRET);
    key->caller = caller;
    *out = key;
    return NULL;
}

static void key_used(void *arg, const struct caller *caller, const char *service, const char *region)
{
    struct server *server = arg;
    assert_string_equal(service[0] == 'i' ? region : "", "eu-west-1");
    if (caller->session == SESSION_NONE && caller->access_key != NULL)
        __atomic_add_fetch(&server->key_uses, 1, __ATOMIC_SEQ_CST);
}

static FALLIBLE load_principal(void *arg, struct tx *tx, void *ctx, const char *account, const char *region,
                               const char *id, slice client_id, struct principal **out)
{
    struct server *server = arg;
    struct policy *policy;
    (void)tx, (void)client_id;
    __atomic_add_fetch(&server->principal_reads, 1, __ATOMIC_SEQ_CST);
    snprintf(server->asked_account, sizeof(server->asked_account), "%s", account ? account : "-");
    if (server->hold_reads) {
        sem_post(&server->holds);
        sem_wait(&server->let_go);
    }
    if (strcmp(id, server->known_certificate) != 0)
        return error_new(ctx, "DEVICE_CERTIFICATE_NOT_REGISTERED", "Certificate %s is not registered.", id);
    struct principal *principal = principal_new();
    TRY(policy_parse(principal, slice_of(allow_all), POLICY_IOT, &policy));
    struct principal_policy *policies = MAKE_ARRAY(principal, struct principal_policy, 1);
    policies[0] = (struct principal_policy){ "all", "arn:aws:iot:eu-west-1:" ACCOUNT ":policy/all", policy };
    principal->account = text_copy(principal, account ? account : ACCOUNT);
    principal->region = text_copy(principal, region);
    principal->id = text_copy(principal, id);
    principal->arn = text_format(principal, "arn:aws:iot:%s:%s:cert/%s", region, principal->account, id);
    principal->policies = policies;
    principal->policy_count = 1;
    principal->expires_s = clock_now_s() + 3600;
    *out = principal;
    return NULL;
}

/* ---- the server ---- */

/* Four ports that were free a moment ago. */
static inline uint16_t free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static inline struct gateway_certificate server_certificate(struct server *server, enum pki_key_kind kind)
{
    struct pki_credentials *made;
    const char *name = kind == PKI_RSA ? "rsa" : "ec";
    const struct pki_server_wish wish = { "example.test", "eu-west-1", kind, clock_now_s() };
    struct gateway_certificate out = { text_format(server->ctx, "%s/%s.pem", server->folder, name),
                                       text_format(server->ctx, "%s/%s.key", server->folder, name) };
    must(pki_make_server_certificate(server->ctx, &wish, server->authority, &made));
    must(pki_write_file(server->ctx, out.chain_path, 0600, made->certificate_pem));
    must(pki_write_file(server->ctx, out.key_path, 0600, made->private_pem));
    return out;
}

static const char *const address_of_server[] = { "127.0.0.1" };
static const char *const regions_of_server[] = { "eu-west-1" };

static inline void make_options(struct server *server)
{
    server->options = (struct gateway_options){
        .addresses = address_of_server,
        .address_count = 1,
        .mqtt_port = free_port(),
        .https_port = free_port(),
        .device_https_port = free_port(),
        .metrics_port = free_port(),
        .certificates = { server_certificate(server, PKI_RSA), server_certificate(server, PKI_P256) },
        .loops = server->loops,
        .loop_count = LOOPS,
        .workers = server->workers,
        .store = server->store,
        .door = server->door,
        .broker = server->broker,
        .lookups = { find_key, load_principal, server, key_used, NULL },
        .domain = "example.test",
        .regions = regions_of_server,
        .region_count = 1,
        .default_account = ACCOUNT,
    };
}

/* Everything but the gateway, whose options the test may still change. */
static inline struct server *server_new(const struct operation *const *operations)
{
    void *ctx = talloc_new(NULL);
    struct server *server = MAKE(ctx, struct server);
    uint8_t master[MASTER_KEY_BYTES] = { 1 };
    server->ctx = ctx;
    snprintf(server->folder, sizeof(server->folder), "/tmp/gateway-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    log_configure(LOG_ERROR, false);
    pki_start();
    sem_init(&server->shut, 0, 0);
    sem_init(&server->holds, 0, 0);
    sem_init(&server->let_go, 0, 0);
    for (unsigned i = 0; i < LOOPS; i++)
        server->loops[i] = loop_new(ctx, "loop", i);
    server->workers = workers_new(ctx, "work", WORKERS, 100, 0);
    must(store_open(ctx, &(struct store_options){ .folder = server->folder, .readers = WORKERS }, &server->store));
    const struct door_options door = { .store = server->store,
                                       .workers = server->workers,
                                       .master_key = master_key_new(ctx, master),
                                       .regions = regions_of_server,
                                       .region_count = 1 };
    must(door_new(ctx, &door, &server->door));
    if (operations != NULL)
        must(door_add(server->door, operations));
    const struct broker_options broker = {
        .door = server->door, .loops = server->loops, .loop_count = LOOPS, .region = regions_of_server[0]
    };
    must(broker_new(ctx, &broker, &server->broker));
    const struct pki_authority_wish wish = { "Test Root", PKI_P256, PKI_SIGNS_ALL, clock_now_s(), 1 };
    must(pki_make_authority(ctx, &wish, NULL, &server->authority));
    make_options(server);
    return server;
}

static inline void server_listen(struct server *server)
{
    static const struct gateway_host hosts[] = { { OTHER_HOST, OTHER_ACCOUNT, false },
                                                 { CREDENTIALS_HOST, OTHER_ACCOUNT, true } };
    must(gateway_new(server->ctx, &server->options, &server->gateway));
    gateway_set_hosts(server->gateway, hosts, sizeof(hosts) / sizeof(*hosts));
    must(gateway_listen(server->gateway));
    for (unsigned i = 0; i < LOOPS; i++)
        loop_start(server->loops[i]);
}

static inline void say_shut(void *arg)
{
    sem_post(&((struct server *)arg)->shut);
}

static inline void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(path);
}

/* After the gateway has shut. */
static inline void server_end(struct server *server)
{
    broker_shut(server->broker, 200, say_shut, server);
    sem_wait(&server->shut);
    workers_stop(server->workers);
    store_close(server->store);
    for (unsigned i = 0; i < LOOPS; i++)
        loop_stop(server->loops[i]);
    for (unsigned i = 0; i < LOOPS; i++)
        loop_join(server->loops[i]);
    remove_folder(server->folder);
    talloc_free(server->ctx);
}

static inline void server_stop(struct server *server)
{
    gateway_shut(server->gateway, 500, say_shut, server);
    sem_wait(&server->shut);
    server_end(server);
}

/* ---- the client ---- */

enum { PATIENCE_MS = 10000 };

static inline int dial(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

struct identity {
    X509 *leaf;
    EVP_PKEY *key;
};

struct wish {
    uint16_t port;
    const char *server_name;
    const char *alpn; /* as on the wire */
    const struct identity *identity;
    int version_max, version_min; /* 0: whatever there is */
    const char *suites;           /* of TLS 1.2 */
    bool was_asked;               /* out: did the server ask for a certificate? */
};

static inline int note_question(SSL *ssl, void *arg)
{
    struct wish *wish = arg;
    (void)ssl;
    wish->was_asked = true;
    return 1;
}

struct client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    int failure; /* the reason code of a handshake that failed; 0: it stands */
};

static inline struct client client_connect(struct wish *wish)
{
    struct client client = { .context = SSL_CTX_new(TLS_client_method()), .fd = dial(wish->port) };
    SSL_CTX_set_security_level(client.context, 0); /* the server is to judge, not we */
    SSL_CTX_set_cert_cb(client.context, note_question, wish);
    SSL_CTX_set_min_proto_version(client.context, wish->version_min);
    SSL_CTX_set_max_proto_version(client.context, wish->version_max);
    if (wish->suites != NULL)
        SSL_CTX_set_cipher_list(client.context, wish->suites);
    if (wish->identity != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(client.context, wish->identity->leaf), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(client.context, wish->identity->key), 1);
    }
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, client.fd);
    if (wish->server_name != NULL)
        SSL_set_tlsext_host_name(client.ssl, wish->server_name);
    if (wish->alpn != NULL)
        SSL_set_alpn_protos(client.ssl, (const unsigned char *)wish->alpn, (unsigned)strlen(wish->alpn));
    ERR_clear_error();
    if (SSL_connect(client.ssl) != 1)
        client.failure = ERR_GET_REASON(ERR_peek_error()) ? ERR_GET_REASON(ERR_peek_error()) : -1;
    ERR_clear_error();
    return client;
}

static inline void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}

static inline void client_send(struct client *client, slice bytes)
{
    assert_int_equal(SSL_write(client->ssl, bytes.at, (int)bytes.length), bytes.length);
}

/* Reads until `enough` bytes are there, or the end. */
static inline size_t client_read(struct client *client, char *at, size_t enough)
{
    size_t length = 0;
    while (length < enough) {
        int got = SSL_read(client->ssl, at + length, (int)(enough - length));
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    ERR_clear_error();
    return length;
}

static inline EVP_PKEY *key_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key);
    return key;
}

/* Self-signed: nobody here asks who signed. */
static inline struct identity identity_of_key(EVP_PKEY *key)
{
    struct identity made = { X509_new(), key };
    X509_set_version(made.leaf, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.leaf), 7);
    X509_gmtime_adj(X509_getm_notBefore(made.leaf), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.leaf), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.leaf), "CN", MBSTRING_ASC, (const unsigned char *)"p7", -1,
                               -1, 0);
    X509_set_issuer_name(made.leaf, X509_get_subject_name(made.leaf));
    assert_int_equal(X509_set_pubkey(made.leaf, key), 1);
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    assert_true(X509_sign(made.leaf, key, digest) > 0);
    return made;
}

static inline struct identity identity_new(enum pki_key_kind kind)
{
    void *ctx = talloc_new(NULL);
    struct identity made = identity_of_key(key_of(pki_make_pair(ctx, kind)->private_pem));
    talloc_free(ctx);
    return made;
}

static inline void identity_id(const struct identity *identity, char id[PKI_ID_LENGTH + 1])
{
    unsigned char *der = NULL;
    int length = i2d_X509(identity->leaf, &der);
    char *hex = pki_certificate_id(NULL, slice_bytes(der, (size_t)length));
    memcpy(id, hex, PKI_ID_LENGTH + 1);
    talloc_free(hex);
    OPENSSL_free(der);
}

static inline void identity_free(struct identity *identity)
{
    X509_free(identity->leaf);
    EVP_PKEY_free(identity->key);
}

/* Awaits a fact of the counters. */
#define AWAIT(fact)                                         \
    do {                                                    \
        int64_t until = clock_monotonic_ms() + PATIENCE_MS; \
        while (!(fact)) {                                   \
            if (clock_monotonic_ms() > until)               \
                fail_msg("%s did not come true", #fact);    \
            poll(NULL, 0, 5);                               \
        }                                                   \
    } while (0)

static inline struct gateway_numbers numbers_of(struct server *server)
{
    struct gateway_numbers numbers;
    gateway_count(server->gateway, &numbers);
    return numbers;
}
