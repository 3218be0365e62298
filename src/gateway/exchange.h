/* exchange.h - one HTTP request on its way through the door and back.

   An exchange is a talloc tree of its own. It goes to a worker, which authenticates, routes, binds and runs; the call
   comes back to the connection's loop, and its answer is written if the connection is still there. Whoever went away
   meanwhile changes nothing: the call completes. */
#pragma once
#include "gateway/connection.h"
#include "gateway/http_reader.h"

/* The secret and caller of an access key, shared by the exchanges that use it and the cache. */
struct known_key {
    int references;
    struct gateway_key *key;
};
void known_key_drop(struct known_key *key); /* NULL is fine */
extern const struct cache_kind exchange_keys;
extern const struct cache_kind exchange_uses; /* whose use was told, and when: there are no values */

struct exchange {
    struct work work;
    struct loop_post post;
    struct gateway *gateway;
    struct handle handle;
    struct http_message *message;
    const char *source_ip;
    const char *client; /* "127.0.0.1:4711", for the log */
    char *request_id;

    struct route route;
    struct known_key *key;
    slice access_key;            /* what the request claims; at NULL: nothing yet */
    const struct caller *caller; /* set by authenticate */
    const char *region;
    struct call *call;
    error *refused;
};

/* Takes the message over. */
void exchange_begin(struct connection *connection, struct http_message *message);

/* authenticate.c; on a worker: sets route, caller, key and region. Fails with the inner names of auth.md 4.1. */
FALLIBLE authenticate(struct exchange *exchange);
