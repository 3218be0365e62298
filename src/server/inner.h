/* inner.h - what the files of the server share with each other. */
#pragma once
#include "account/account.h"
#include "broker/broker.h"
#include "certificate/certificate.h"
#include "fetch/fetch.h"
#include "gateway/gateway.h"
#include "iam/iam.h"
#include "operation/operation.h"
#include "provisioning/provisioning.h"
#include "server/server.h"
#include "server/trail.h"
#include "sts/sts.h"
#include <stdatomic.h>

/* All that runs; made by wire(), ended by server_run. */
struct server {
    const char *dir;
    struct configuration *configuration;
    const char *regions[1];
    const char *default_account;
    struct scope scope;
    struct master_key *master_key;
    struct store *store;
    struct workers *workers;
    struct pki_issuer *issuer;
    struct pki_rsa_pool *keys;
    struct loop **loops;
    size_t loop_count;
    struct door *door;
    struct fetcher *fetcher; /* outgoing calls */
    struct broker *broker;
    struct gateway *gateway;
    struct jit *jit; /* just-in-time registration */

    uv_loop_t uv; /* the main thread's own */
    uv_signal_t signals[2];
    uv_timer_t minute;
    atomic_int parts; /* of those that end before the loops do: broker and gateway */
    uv_async_t ended; /* both have let go of everything */
    bool stopping;
    struct operator* operator;             /* DIR/musterd.sock */
    struct trail *trail;                   /* DIR/audit */
    struct administration *administration; /* test builds */
};

/* wire.c: everything up to and without accepting. */
FALLIBLE server_wire(struct server *server);
/* run.c: an internal call of each sweeper; its next one follows at once while there is more. */
void server_sweep(struct server *server);

/* operator.c: DIR/musterd.sock. Closed after the broker and the gateway; calls that are still on their way are dropped. */
FALLIBLE operator_open(struct server *server);
void operator_close(struct server *server);

/* administration.c: DIR/admin.sock, in test builds only: "clock +3600", "stall 2000", "sweep". */
FALLIBLE administration_open(struct server *server);
void administration_close(struct server *server);
