/* fetch.h - outgoing HTTP calls: keys of issuers, functions, webhooks, revocation lists.

   One thread of its own drives every call (libcurl's multi interface); who asks is answered by a callback and holds
   neither a thread nor a transaction meanwhile. Where a call may go is decided by the address that the name resolved
   to, at the moment of connecting, so that no name (and no redirect, and no second answer of a name server) leads into
   a place that the caller did not mean:

       never          this host's "any" address, link-local (169.254.0.0/16 with the clouds' metadata, fe80::/10),
                      multicast, broadcast, reserved ranges, well-known IPv6 metadata addresses
       FETCH_PRIVATE  10/8, 172.16/12, 192.168/16, 100.64/10, 198.18/15, fc00::/7, fec0::/10
       FETCH_LOOPBACK 127/8, ::1; with FETCH_PLAIN also by plain http, which goes nowhere else
       always         the rest

   IPv4 addresses inside of IPv6 ones (mapped, NAT64, 6to4) count as what they hold. No proxy, no cookies, no .netrc, no
   content encodings, HTTP/1.1 only; redirects only when asked for, of GET, and to https. Answers are bounded. */
#pragma once
#include "base/bytes.h"
#include "base/log.h"
#include <sys/socket.h>

struct fetcher;

enum fetch_places { FETCH_PRIVATE = 1, FETCH_LOOPBACK = 2, FETCH_PLAIN = 4 };

struct fetch_header {
    const char *name, *value;
};

/* Copied by fetch_start. What stays zero has the default. */
struct fetch_request {
    const char *method; /* "GET" */
    const char *url;    /* http or https; no user or password in it */
    const struct fetch_header *headers;
    size_t header_count;
    slice body;
    unsigned places;     /* enum fetch_places */
    unsigned redirects;  /* at most so many */
    unsigned timeout_ms; /* of the whole call; 5000 */
    size_t answer_limit; /* bytes of its body; 65536 */
    const char *ca_file; /* PEM; NULL: the system's authorities */
    /* 40 hexadecimal digits each: SHA-1 of the topmost certificate that the server presents. A chain that the
       authorities do not know is taken when it leads up to such a certificate; the host name must fit all the same. */
    const char *const *thumbprints;
    size_t thumbprint_count;
};

/* A tree of its own (child of NULL), which the callback frees or keeps. */
struct fetch_answer {
    error
        *error; /* NULL, or FetchRefused (the request or the place is not allowed), FetchFailed (unreachable, TLS, time,
                     size), FetchBusy (too many wait), FetchStopped */
    int status;
    slice body;
    const char *content_type, *cache_control; /* NULL: the answer has none */
};

struct fetch_options {
    unsigned at_once;  /* calls in flight; 32 */
    size_t wait_limit; /* calls that wait for their turn; 256 */
};

struct fetcher *fetcher_new(void *ctx, const struct fetch_options *options);
/* Any thread, never blocks. `done` runs exactly once, on the fetcher's thread or, for what is refused at once, on the
   caller's before this returns. It must be short. */
void fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                 void (*done)(void *arg, struct fetch_answer *answer), void *arg);
/* Ends what is in flight with FetchStopped and joins the thread. Later calls are answered so at once. */
void fetcher_stop(struct fetcher *fetcher);

/* May a call that allows `places` connect there? The table above. */
bool fetch_may_connect(const struct sockaddr *address, unsigned places, bool plain);
