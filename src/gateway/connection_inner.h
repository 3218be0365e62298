/* connection_inner.h - what connection.c, stream.c and handshake.c share. */
#pragma once
#include "gateway/connection.h"

/* connection.c */
uint64_t connection_now_ms(const struct connection *connection); /* the loop's clock */
void connection_set_timer(struct connection *connection);
void connection_arm(struct connection *connection, int events); /* what the loop watches for */
void connection_touch(struct connection *connection);           /* it is settled at the end of the turn */
void connection_make_hungry(struct connection *connection);     /* has bytes that no event announces: the next turn */

/* stream.c */
bool stream_takes_bytes(const struct connection *connection);
bool stream_flush(struct connection *connection); /* false: the connection is gone */
void stream_go_on(struct connection *connection); /* after a pause */
bool stream_is_relieved(struct connection *connection);
void stream_drop_input(struct connection *connection);

/* handshake.c */
extern const struct phase phase_handshaking;
void handshake_done(struct connection *connection); /* begins the protocol; of a plain port at once */
