/* gateway.h - the wire: listeners, TLS, HTTP, and who is calling.

   The gateway takes bytes from strangers and knows who they are; what MQTT means is the broker's, what a request does
   is the door's. It knows no service's rows: keys, certificates and host names come through callbacks and maps that
   the server hands in.

   gateway_new                      any thread: TLS contexts, one for each loop
   gateway_listen                   any thread: every address and port is bound, a taken one is named; accepting begins
                                    when the loops run
       accept                       a loop: one descriptor a listener and loop (SO_REUSEPORT); beyond the limit closed
       ClientHello                  SNI names the account (hosts), ALPN the protocol; unknown names get the fatal alert
       handshake                    any client certificate is taken (x509.md 4.8); its SHA-256 is who it is
       MQTT                         broker_client_*; admission reads the principal on a worker, or finds it cached
       HTTP                         one request at a time is collected, then a worker authenticates it (SigV4), routes,
                                    binds and runs the operation; the answer is written on the connection's loop
       metrics                      plain, loopback: GET /metrics (Prometheus), GET /health
   gateway_shut                     stops accepting, finishes the calls it has taken, closes what is left

   The gateway is freed after loops and workers have ended. A connection belongs to one loop and is reached from elsewhere by a handle {loop, slot, generation}, through a post.
   Requests and admissions are talloc trees of their own that travel to a worker and come back. Host maps, principals
   and keys are immutable and reference-counted. */
#pragma once
#include "base/bytes.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "broker/broker.h"
#include "operation/operation.h"
#include "store/store.h"

struct gateway;

/* ---- what the server hands in ---- */

/* Of one access key: what verifies a signature, and who signs. */
struct gateway_key {
    slice secret;                /* wiped when its tree is freed, by whoever made it */
    const struct caller *caller; /* immutable; with compiled policies */
    int64_t expires_ms;          /* of temporary keys; 0: never */
};

/* A device asks for the keys of a role (auth.md 3.4). */
struct gateway_credentials_request {
    const char *account; /* of the host */
    const char *region, *certificate_id;
    slice thing_name, alias; /* thing_name.at is NULL when the header is absent */
    const char *source_ip, *server_name;
};
struct gateway_credentials_answer {
    int status;
    const char *error_name, *message; /* of an error */
    const char *why;                  /* for the log */
    slice body;                       /* with 200: JSON */
};

/* A device with a certificate that is unknown or waits for its activation (x509.md 4.9). */
struct gateway_introduction {
    const char *account; /* by SNI; NULL: none was named */
    const char *region;
    const slice *chain; /* DER, as the client sent it, its own first */
    size_t chain_count;
    slice client_id;
    const char *source_ip;
    struct loop *home;
    void (*done)(void *arg, const error *refused); /* on `home`, once; NULL: ask load_principal again */
    void *arg;
};

struct gateway_lookups {
    /* In a store_read on a worker. *out is NULL for an unknown or inactive key, and for a session token (`token` at
       NULL: none was sent) that does not belong to it; an expired one is found, expires_ms tells. It hangs off ctx, with all it points
       to, and is shared by calls on several threads for up to a minute, or until a change of accounts. */
    FALLIBLE(*find_key)
    (void *arg, struct tx *tx, void *ctx, slice access_key_id, slice token, struct gateway_key **out);
    /* In a store_read on a worker. Who is this certificate, as this client id? `account` NULL: no name was given, the
       certificate's DEFAULT-mode registration decides (x509.md 4.8). The principal comes with one reference. Errors
       refuse the connection; their names are the reasons of broker.md 4.17 (DEVICE_CERTIFICATE_NOT_REGISTERED,
       DEVICE_CERTIFICATE_INACTIVE, ...), their messages say the rule. Errors hang off ctx. */
    FALLIBLE(*load_principal)
    (void *arg, struct tx *tx, void *ctx, const char *account, const char *region, const char *certificate_id,
     slice client_id, struct principal **out);
    void *arg;
    /* On a worker: this key, or this role's session, signed a good request; at most once a minute for each. May be NULL.
       Does not wait. */
    void (*key_used)(void *arg, const struct caller *caller, const char *service, const char *region);
    /* On a worker, outside store_read; the answer hangs off ctx. NULL: there is no credentials provider. */
    void (*credentials)(void *arg, void *ctx, const struct gateway_credentials_request *request,
                        struct gateway_credentials_answer *answer);
    /* On a loop, when load_principal said DEVICE_CERTIFICATE_NOT_REGISTERED or ..._PENDING_ACTIVATION at a CONNECT or an
       HTTPS publish; copies what it needs, does not wait. Errors are named as those of load_principal. NULL: strangers
       stay strangers. */
    void (*introduce)(void *arg, const struct gateway_introduction *introduction);
    /* On a worker: more lines for the metrics page. May be NULL. */
    void (*metrics)(void *arg, writer *out);
};

/* A host name of an account (account_hosts of the account room). */
struct gateway_host {
    const char *host; /* any case: "a1b2...-ats.iot.us-east-1.localhost" */
    const char *account;
    bool is_credentials; /* the host of its credentials provider */
};

struct gateway_certificate {
    const char *chain_path; /* PEM: the server's certificate, then its issuers */
    const char *key_path;   /* PEM */
};

struct gateway_options {
    /* Numeric addresses; count 0: 127.0.0.1, and ::1 where the machine has it. */
    const char *const *addresses;
    size_t address_count;
    /* 0: no such listener. */
    uint16_t mqtt_port;         /* 8883 */
    uint16_t https_port;        /* 9443 */
    uint16_t device_https_port; /* 8443 */
    uint16_t metrics_port;      /* 9100, always on loopback */

    struct gateway_certificate certificates[2]; /* RSA and ECDSA in either order; the second may be empty */

    struct loop **loops; /* connections live on them; they end after gateway_shut's done */
    size_t loop_count;
    struct workers *workers;
    struct store *store;
    struct door *door;
    struct broker *broker;
    struct gateway_lookups lookups;

    const char *domain;         /* its own name stands for the default account, as do localhost and IP literals */
    const char *const *regions; /* the first is where devices are */
    size_t region_count;
    const char *default_account; /* 12 digits; NULL: none */
    bool default_without_sni;    /* it takes devices that name no host and that no account has in DEFAULT mode */

    /* Limits; zero means the default. */
    size_t connection_limit; /* 20000; lowered to what RLIMIT_NOFILE leaves, with a warning */
    size_t input_limit;      /* 149504 + 16384: bytes of an unfinished MQTT packet; above the broker's packet limit */
    size_t strangers_limit;  /* 32 MiB: of unfinished packets, all strangers' together */
    size_t output_limit;     /* 16 MiB: queued for a slow reader; beyond it the connection ends */
    size_t head_limit;       /* 32 KiB: request line and headers */
    size_t body_limit;       /* 1 MiB + 64 KiB: a body beyond it is answered 413 */
    unsigned handshake_patience_ms; /* 10000 */
    const struct scope *scope;
};

/* ---- life ---- */

/* Fails with GatewayUnavailable: "DIR/server.pem: no certificate in it", "listen: "a.b" is no address"... Raises the
   limit of open files, ignores SIGPIPE. */
FALLIBLE gateway_new(void *ctx, const struct gateway_options *options, struct gateway **out);
/* Fails with GatewayUnavailable: "port 8883 (mqtt_port) is taken on 127.0.0.1"; then nothing listens.
   Loops that do not run yet accept from their first turn on. */
FALLIBLE gateway_listen(struct gateway *gateway);
/* Any thread, once. Stops accepting, closes idle connections, lets the calls that were taken finish for `patience_ms`,
   then closes what is left, MQTT too (say goodbye by broker_shut before or beside it). `done` on the first loop's
   thread, when no handle of the gateway is left on any loop. */
void gateway_shut(struct gateway *gateway, unsigned patience_ms, void (*done)(void *arg), void *arg);

/* ---- what changes while it runs ---- */

/* Any thread; before gateway_listen too. The names of all accounts, all at once; copied. New handshakes see it. */
void gateway_set_hosts(struct gateway *gateway, const struct gateway_host *hosts, size_t count);
/* Any thread; made for store_on_change: cached principals and keys that these may concern are not used again. Comes
   before broker_on_changes, whose questions must not be answered from what was cached. */
void gateway_on_changes(struct gateway *gateway, const struct change *changes, size_t count);

/* ---- counters; any thread ---- */

struct gateway_numbers {
    size_t connections;
    uint64_t accepted, over_limit, handshakes, handshakes_failed, handshakes_late;
    uint64_t http_requests, http_refused, http_server_errors;
    uint64_t admitted, admission_refused, principal_hits, principal_misses;
    uint64_t bytes_in, bytes_out;
};
void gateway_count(struct gateway *gateway, struct gateway_numbers *out);
