/* local.h - a small HTTP server on loopback, plain or with TLS: one answer a connection, whatever is asked; what was
   asked is kept. */
#pragma once
#include "base/bytes.h"
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define MUST(done)   \
    do {             \
        if (!(done)) \
            abort(); \
    } while (0)

struct local {
    int listener;
    unsigned port;
    SSL_CTX *tls;       /* NULL: plain */
    const char *answer; /* the bytes of each answer; NULL: silence until the client goes */
    size_t repeat;      /* the last byte of the answer so many times more */
    char asked[8192];   /* the last request */
    int count;
    pthread_t thread;
};

static inline ssize_t local_read(SSL *ssl, int fd, char *at, size_t room)
{
    return ssl ? SSL_read(ssl, at, (int)room) : read(fd, at, room);
}

static inline bool local_write(SSL *ssl, int fd, const char *at, size_t length)
{
    return (ssl ? SSL_write(ssl, at, (int)length) : send(fd, at, length, MSG_NOSIGNAL)) > 0;
}

static inline void local_talk(struct local *local, SSL *ssl, int fd)
{
    size_t length = 0;
    ssize_t got;
    local->asked[0] = '\0';
    while (strstr(local->asked, "\r\n\r\n") == NULL ||
           (strstr(local->asked, "hello body") == NULL && strstr(local->asked, "Content-Length: 10") != NULL)) {
        got = local_read(ssl, fd, local->asked + length, sizeof(local->asked) - 1 - length);
        if (got <= 0)
            return;
        length += (size_t)got;
        local->asked[length] = '\0';
    }
    local->count++;
    if (local->answer == NULL) {
        char more;
        (void)!local_read(ssl, fd, &more, 1);
        return;
    }
    size_t answer = strlen(local->answer);
    bool going = local_write(ssl, fd, local->answer, answer);
    for (size_t i = 0; i < local->repeat && going; i++)
        going = local_write(ssl, fd, local->answer + answer - 1, 1);
    if (ssl != NULL)
        SSL_shutdown(ssl);
}

static inline void *local_serve(void *arg)
{
    struct local *local = arg;
    sigset_t pipe; /* OpenSSL writes without MSG_NOSIGNAL, and some clients hang up */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    for (int fd; (fd = accept(local->listener, NULL, NULL)) >= 0; close(fd)) {
        SSL *ssl = NULL;
        if (local->tls != NULL) {
            ssl = SSL_new(local->tls);
            SSL_set_fd(ssl, fd);
            if (SSL_accept(ssl) == 1)
                local_talk(local, ssl, fd);
            SSL_free(ssl);
        } else {
            local_talk(local, NULL, fd);
        }
    }
    return NULL;
}

static inline void local_start(struct local *local)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    local->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(local->listener, (struct sockaddr *)&address, length) == 0 && listen(local->listener, 16) == 0);
    MUST(getsockname(local->listener, (struct sockaddr *)&address, &length) == 0);
    local->port = ntohs(address.sin_port);
    MUST(pthread_create(&local->thread, NULL, local_serve, local) == 0);
}

/* `chain`: the server's certificate and those above it, in PEM. */
static inline void local_use_tls(struct local *local, const char *const *chain, size_t count, const char *key)
{
    local->tls = SSL_CTX_new(TLS_server_method());
    for (size_t i = 0; i < count; i++) {
        BIO *in = BIO_new_mem_buf(chain[i], -1);
        X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
        if (i == 0)
            MUST(SSL_CTX_use_certificate(local->tls, certificate) == 1);
        else
            MUST(SSL_CTX_add1_chain_cert(local->tls, certificate) == 1);
        X509_free(certificate);
        BIO_free(in);
    }
    BIO *in = BIO_new_mem_buf(key, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    MUST(SSL_CTX_use_PrivateKey(local->tls, pkey) == 1);
    EVP_PKEY_free(pkey);
    BIO_free(in);
}

static inline void local_stop(struct local *local)
{
    shutdown(local->listener, SHUT_RDWR);
    pthread_join(local->thread, NULL);
    close(local->listener);
    SSL_CTX_free(local->tls);
}
