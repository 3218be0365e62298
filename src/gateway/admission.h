/* admission.h - may this certificate connect, as this client id? From the cache, or read by a worker. */
#pragma once
#include "gateway/connection.h"

/* Asked by the broker during CONNECT; answered by broker_client_admit on the connection's loop, now or later. */
void admission_begin(struct connection *connection, struct client *client, slice client_id);

/* On a worker, for a request that comes without a client id: the principal, with one reference. */
FALLIBLE admission_principal(struct gateway *gateway, void *ctx, const char *account, const char *certificate_id,
                             struct principal **out);
bool admission_is_refusal(const error *e); /* of this certificate; no trouble of our own */

extern const struct cache_kind admission_principals;

/* Refusals are counted by reason (broker.md 4.17). */
const char *admission_reason(size_t index); /* NULL past the last one */
