/* floor.c - the least that a TLS server with MQTT's handshake can do: a bare OpenSSL loop. It takes any client
   certificate without looking at it, answers whatever comes first with CONNACK of MQTT 3.1.1, and reads until the
   client goes. What another server spends beyond this is its own.

   usage: floor CERTIFICATE KEY PORT; prints "floor ready" */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, BACKLOG = 1024 };

struct connection {
    SSL *ssl;
    int fd;
    int shaken, answered;
};

static SSL_CTX *context;
static int loop;

static void die(const char *what)
{
    fprintf(stderr, "floor: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int take_any(X509_STORE_CTX *store, void *arg)
{
    (void)arg;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static void make_context(const char *certificate, const char *key)
{
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die("the certificate or the key cannot be used");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, take_any, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
}

static int listen_on(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, BACKLOG) != 0)
        die("the port is taken");
    return fd;
}

static void drop(struct connection *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
}

static void watch(struct connection *c, int operation, unsigned events)
{
    struct epoll_event event = { .events = events, .data.ptr = c };
    if (epoll_ctl(loop, operation, c->fd, &event) != 0)
        die("epoll");
}

static void take(int listener)
{
    for (int fd, on = 1; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection *c = calloc(1, sizeof(*c));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        c->fd = fd;
        c->ssl = SSL_new(context);
        SSL_set_fd(c->ssl, fd);
        SSL_set_accept_state(c->ssl);
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

/* 0 when the connection is over; the few bytes of a handshake or a CONNACK always fit into an empty socket. */
static int serve(struct connection *c)
{
    static const unsigned char connack[] = { 0x20, 2, 0, 0 };
    char bytes[4096];
    int result;
    ERR_clear_error();
    if (!c->shaken) {
        result = SSL_do_handshake(c->ssl);
        if (result != 1)
            return SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_READ;
        c->shaken = 1;
    }
    while ((result = SSL_read(c->ssl, bytes, sizeof(bytes))) > 0)
        if (!c->answered) {
            c->answered = 1;
            if (SSL_write(c->ssl, connack, sizeof(connack)) != sizeof(connack))
                return 0;
        }
    return SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_READ;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    if (argc != 4)
        die("usage: floor CERTIFICATE KEY PORT");
    signal(SIGPIPE, SIG_IGN);
    make_context(argv[1], argv[2]);
    int listener = listen_on((int)strtol(argv[3], NULL, 10));
    loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) != 0)
        die("epoll");
    puts("floor ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == NULL)
                take(listener);
            else if (!serve(c))
                drop(c);
        }
    }
}
