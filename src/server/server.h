/* server.h - musterd: configuration, wiring, start and stop.

   DIR, made by `muster init`, holds everything: muster.conf, master.key, ca.pem, server certificates, the issuing CA and
   the store. server_run reads the configuration, opens the store (one server a folder), wires the rooms and serves until
   SIGTERM or SIGINT.

       main thread      signals, the minute's sweep, in a test build the administration socket
       loops            connections; workers: READ and WORK; writer: APPLY; key threads: RSA pairs

   On the way down: listeners close, clients are told goodbye, accepted calls finish, the store writes what it has. */
#pragma once
#include "base/error.h"
#include "base/log.h"
#include <stdint.h>

struct issuer_setting;

/* What muster.conf says; every member has a default. */
struct configuration {
    const char *region;  /* "us-east-1" */
    const char *domain;  /* "localhost" */
    const char **listen; /* numeric addresses; none: loopback */
    size_t listen_count;
    int mqtt_port, https_port, device_https_port, metrics_port;
    int loops, workers, key_pool;
    int connection_limit;
    int session_expiry_max_s;
    int thing_type_delete_delay_s;
    int transfer_expiry_days;
    int audit_days;
    const char *log_format; /* "text", "json" */
    const char *log_level;  /* "debug", "info", "warn", "error" */
    bool enforce_iam;
    bool allow_unrevoke;
    bool default_account_without_sni;
    bool jitp_hold;
    bool allow_insecure_issuer;
    struct issuer_setting *issuers; /* of tokens (src/sts) */
    size_t issuer_count;
};

/* Fails with InvalidConfiguration: "DIR/muster.conf, line 7: mqtt_port: 70000 is not between 1 and 65535." */
FALLIBLE configuration_read(void *ctx, const char *path, struct configuration **out);
/* The text of a new muster.conf, commented; `init` writes it. */
const char *configuration_text(void *ctx, const struct configuration *configuration);
/* The defaults, for init. */
struct configuration *configuration_default(void *ctx);

/* May it be a region or a domain? Letters, digits, '.', '-'; 1 to 253. */
bool configuration_is_name(const char *text);

/* Serves DIR in the foreground. Returns after a clean stop; fails with the one line for standard error. `dir` exists. */
FALLIBLE server_run(void *ctx, const char *dir);

/* Files of DIR, for init and the server alike. */
#define FILE_CONFIGURATION    "muster.conf"
#define FILE_MASTER_KEY       "master.key"
#define FILE_TRUST_ROOT       "ca.pem"
#define FILE_TRUST_KEY        "ca.key"
#define FILE_SERVER_RSA       "server-rsa.pem"
#define FILE_SERVER_RSA_KEY   "server-rsa.key"
#define FILE_SERVER_ECDSA     "server-ecdsa.pem"
#define FILE_SERVER_ECDSA_KEY "server-ecdsa.key"
#define FILE_ISSUER           "issuer.pem"
#define FILE_ISSUER_KEY       "issuer.key"
#define FILE_ENVIRONMENT      "env"
#define FILE_SOCKET           "musterd.sock"
#define FILE_AUDIT            "audit"
