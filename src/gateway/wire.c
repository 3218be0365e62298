/* wire.c - what OpenSSL and the socket answer, in five words. */
#include "gateway/wire.h"
#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/* A record that holds no data (KeyUpdate, an alert) also ends in WANT_READ, without the socket being empty: a flood of
   them must not keep the loop, nor may data behind one be forgotten. errno tells the two apart. */
static enum wire of_tls(const struct connection *connection, int result)
{
    int kind = SSL_get_error(connection->ssl, result);
    if (kind == SSL_ERROR_WANT_READ)
        return errno == EAGAIN || errno == EWOULDBLOCK ? WIRE_BLOCKED : WIRE_AGAIN;
    if (kind == SSL_ERROR_WANT_WRITE)
        return WIRE_BLOCKED;
    return kind == SSL_ERROR_ZERO_RETURN ? WIRE_ENDED : WIRE_BROKEN;
}

static enum wire of_socket(ssize_t result, size_t *length)
{
    *length = result > 0 ? (size_t)result : 0;
    if (result > 0)
        return WIRE_OK;
    if (result == 0)
        return WIRE_ENDED;
    if (errno == EINTR)
        return WIRE_AGAIN;
    return errno == EAGAIN || errno == EWOULDBLOCK ? WIRE_BLOCKED : WIRE_BROKEN;
}

enum wire wire_read(struct connection *connection, char *at, size_t room, size_t *length)
{
    *length = 0;
    if (connection->ssl == NULL)
        return of_socket(recv(connection->fd, at, room, 0), length);
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(connection->ssl, at, room, length);
    return result == 1 ? WIRE_OK : of_tls(connection, result);
}

enum wire wire_write(struct connection *connection, const char *at, size_t length, size_t *written)
{
    *written = 0;
    if (connection->ssl == NULL) {
        enum wire done;
        do
            done = of_socket(send(connection->fd, at, length, MSG_NOSIGNAL), written);
        while (done == WIRE_AGAIN);
        return done == WIRE_ENDED ? WIRE_BROKEN : done;
    }
    ERR_clear_error();
    int result = SSL_write_ex(connection->ssl, at, length, written);
    if (result == 1)
        return WIRE_OK;
    int kind = SSL_get_error(connection->ssl, result);
    if (kind == SSL_ERROR_WANT_READ)
        return WIRE_AGAIN;
    return kind == SSL_ERROR_WANT_WRITE ? WIRE_BLOCKED : WIRE_BROKEN;
}

bool wire_has_more(const struct connection *connection)
{
    return connection->ssl != NULL && SSL_has_pending(connection->ssl);
}

void wire_say_end(struct connection *connection)
{
    if (connection->ssl != NULL) {
        ERR_clear_error();
        SSL_shutdown(connection->ssl);
        ERR_clear_error();
    }
    shutdown(connection->fd, SHUT_WR);
}
