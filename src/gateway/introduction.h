/* introduction.h - a stranger's certificate is shown to the server, which may register it (x509.md 4.9). */
#pragma once
#include "gateway/connection.h"

/* Is this refusal of a kind that ends when the server has seen the certificate? */
bool introduction_helps(const struct gateway *gateway, const error *refused);
/* On the connection's loop. `done` on the same loop, later, once, whether the connection is still there or not; `refused`
   NULL: ask again. */
void introduction_begin(struct connection *connection, slice client_id, void (*done)(void *arg, const error *refused),
                        void *arg);
