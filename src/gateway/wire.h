/* wire.h - reads and writes of a connection's socket, through TLS or plain. */
#pragma once
#include "gateway/connection.h"

enum wire {
    WIRE_OK,
    WIRE_AGAIN, /* read: something came that is no data, there may be more; write: TLS must read first */
    WIRE_BLOCKED,
    WIRE_ENDED, /* the client said it sends no more */
    WIRE_BROKEN
};

enum wire wire_read(struct connection *connection, char *at, size_t room, size_t *length);
enum wire wire_write(struct connection *connection, const char *at, size_t length, size_t *written);
/* Are there bytes that the loop cannot see, since they were read from the socket already? */
bool wire_has_more(const struct connection *connection);
/* Says that we send no more. */
void wire_say_end(struct connection *connection);
