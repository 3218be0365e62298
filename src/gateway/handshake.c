/* handshake.c - TLS from the first byte to the protocol behind it. */
#include "gateway/connection_inner.h"
#include "gateway/protocols.h"
#include "gateway/wire.h"
#include <openssl/err.h>

static void shake_hands(struct connection *connection);
static void too_late_to_shake(struct connection *connection);

/* The patience of handshakes is an option: see connection_enter. */
const struct phase phase_handshaking = { "shaking hands", 0, shake_hands, too_late_to_shake };

static void count_failure(struct connection *connection, int kind)
{
    struct station *station = connection->station;
    const char *why;
    enum tls_failure failure = tls_failure_of(&connection->greeting, kind, &why);
    COUNT(station->counters.handshakes_failed[failure], 1);
    if (failure != TLS_FAILED_GONE && quiet_allows(&station->handshake_lines, &station->scope, "handshakes")) {
        const struct scope name = { &connection->scope, "sni", connection->greeting.server_name };
        const struct scope port = { &name, "port", connection->port->setting };
        log_info(&port, "a handshake failed (%s): %s", tls_failure_name(failure), why);
    }
    ERR_clear_error();
    connection_end(connection, "the handshake failed");
}

static void too_late_to_shake(struct connection *connection)
{
    COUNT(connection->station->counters.handshakes_late, 1);
    connection_end(connection, "the handshake took too long");
}

void handshake_done(struct connection *connection)
{
    connection->greeting.hosts = NULL;
    connection->protocol = connection->greeting.is_credentials ? &credentials_protocol
                                                               : connection->port->protocols[connection->greeting.alpn];
    connection_enter(connection, connection->protocol->first);
    connection->protocol->begin(connection);
}

static void shake_hands(struct connection *connection)
{
    struct station *station = connection->station;
    if (station->handshakes_left == 0)
        return; /* the socket stays readable: its turn comes */
    station->handshakes_left--;
    connection->greeting.hosts = station->hosts;
    ERR_clear_error();
    int result = SSL_do_handshake(connection->ssl);
    if (result == 1) {
        COUNT(station->counters.handshakes, 1);
        tls_certificate_id(connection->ssl, connection->certificate_id);
        connection_arm(connection, UV_READABLE);
        handshake_done(connection);
        if (stream_takes_bytes(connection) && wire_has_more(connection))
            connection_serve(connection);
        return;
    }
    int kind = SSL_get_error(connection->ssl, result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        connection_arm(connection, kind == SSL_ERROR_WANT_WRITE ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    else
        count_failure(connection, kind);
}
