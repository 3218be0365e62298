/* device.h - the device's side: MQTT over TLS, the flows of fleet provisioning, and calls of the public API.

   muster demo, muster bench and muster device stand on this room. It trusts nothing that a server says: names and
   dates of certificates are checked, packets and answers are held to their language and to limits.

   One device that provisions itself:

   device_server_find               names to addresses, once for a whole fleet
   device_identity_new              a certificate, its key and the trusted CAs, as a TLS context; shared by connections
   device_provision                 the flow; every step has its time-out
       device_client_new            TCP, TLS, CONNECT; connected
       CreateCertificateFromCsr     or CreateKeysAndCertificate, JSON or CBOR
       RegisterThing                a name of its own
       device_client_disconnect     closed
       device_client_new            as itself now
       device_client_publish        the topic that its policy allows, QoS 1; acknowledged
   done                             certificate, key, thing, time of every step; or the step that failed and why

   Any number of clients and flows share one uv_loop_t; everything here runs on its thread and nothing blocks, but for
   device_server_find (the resolver) and device_api_call (libcurl), which are made for the time before or beside a loop.
   SIGPIPE must be ignored: OpenSSL writes to sockets that their peers may have closed.
   A client and a flow own themselves: they free themselves after their last callback, closed or done, which always
   comes, and comes once. A flow wipes the device's private key when it ends: whoever wants it copies it in done. */
#pragma once
#include "base/json.h"
#include "mqtt/mqtt.h"
#include "pki/pki.h"
#include <signal.h>
#include <uv.h>

/* ---- where, and as whom ---- */

struct device_server;
/* Blocks while it resolves. `host` is a name or an address; certificates are checked against it, and a name is sent as
   SNI. Addresses are tried in their order. Fails with Unreachable. */
FALLIBLE device_server_find(void *ctx, const char *host, uint16_t port, struct device_server **out);

struct device_identity;
/* The PEM of trusted authorities, of the device's certificate (with its issuers, if they are to be sent) and of its
   key. TLS 1.2 and 1.3, every handshake a full one. Immutable, may serve any number of connections, and must live as
   long as they. Fails with InvalidIdentity; the sentence says which of the three is at fault. */
FALLIBLE device_identity_new(void *ctx, slice ca_pem, slice certificate_pem, slice private_pem,
                             struct device_identity **out);

/* ---- an MQTT client ---- */

enum {
    DEVICE_PACKET_MAX = 256 * 1024,  /* what a server may send in one packet */
    DEVICE_OUTPUT_MAX = 1024 * 1024, /* queued for a server that does not read */
    DEVICE_IN_FLIGHT_MAX = 64,       /* packets that wait for their acknowledgement */
};

/* Why a connection ended. */
enum device_end_kind {
    DEVICE_LEFT,        /* device_client_disconnect */
    DEVICE_UNREACHABLE, /* no TCP connection */
    DEVICE_TLS_FAILED,  /* the server's certificate, or its alert about ours */
    DEVICE_REFUSED,     /* CONNACK with a reason */
    DEVICE_SENT_AWAY,   /* DISCONNECT with a reason */
    DEVICE_LOST,        /* the server closed without a word */
    DEVICE_TIMED_OUT,
    DEVICE_BAD_SERVER, /* it broke MQTT's rules */
    DEVICE_END_KINDS
};
struct device_end {
    enum device_end_kind kind;
    int reason;       /* REFUSED, SENT_AWAY: a reason of mqtt/reason.h */
    const char *text; /* a phrase for people: "connection refused", "not authorized" */
};
const char *device_end_name(enum device_end_kind kind); /* "unreachable" */

struct device_client;

/* Called on the loop's thread; any may be NULL but closed. Inside them every function below may be called. */
struct device_handlers {
    void (*connected)(struct device_client *client, bool session_present);
    /* The message lives until the return; one of QoS 1 is acknowledged then. */
    void (*message)(struct device_client *client, const struct mqtt_publish *message);
    /* PUBACK, SUBACK or UNSUBACK: the id that publish or subscribe gave, and the reason; a SUBACK's is its worst. */
    void (*acknowledged)(struct device_client *client, uint16_t id, int reason);
    /* The last one; the client is freed after it. `end` lives until the return. */
    void (*closed)(struct device_client *client, const struct device_end *end);
};

/* Copied; what it points to must live until closed, but for the texts. */
struct device_client_wish {
    const struct device_server *server;
    const struct device_identity *identity;
    const struct device_handlers *handlers;
    void *owner;
    const char *client_id;
    int version;           /* MQTT_3_1_1 or MQTT_5 */
    bool resume;           /* clean session or clean start otherwise */
    uint32_t session_s;    /* version 5: how long the server keeps the session */
    uint16_t keep_alive_s; /* 0: none; a server of version 5 may say otherwise */
    const char *alpn;      /* "x-amzn-mqtt-ca", or NULL */
    unsigned patience_ms;  /* from here to CONNACK; 0: 10 s */
};

struct device_client *device_client_new(uv_loop_t *loop, const struct device_client_wish *wish);
void *device_client_owner(const struct device_client *client);
/* QoS 0 or 1. False when it is not connected, too many packets are in flight, or it does not fit; nothing is sent then.
   *id, unless `id` is NULL, is what acknowledged names; 0 for QoS 0. */
bool device_client_publish(struct device_client *client, const struct mqtt_publish *message, uint16_t *id);
bool device_client_subscribe(struct device_client *client, const char *const *filters, size_t count, uint8_t qos,
                             uint16_t *id);
/* DISCONNECT after what is queued; then closed follows. Before CONNACK it just closes. */
void device_client_disconnect(struct device_client *client);

/* ---- fleet provisioning (provisioning.md 2.5, 3.2, 3.3, 4.7 to 4.10): one question, one answer ---- */

enum device_format { DEVICE_JSON, DEVICE_CBOR };
enum device_question { DEVICE_CREATE_KEYS, DEVICE_CREATE_FROM_CSR, DEVICE_REGISTER_THING };

/* "$aws/provisioning-templates/pumps/provision/cbor"; the template's name only for REGISTER_THING. */
const char *device_topic(void *ctx, enum device_question question, enum device_format format,
                         const char *template_name);
slice device_encode(void *ctx, enum device_format format, json *body);

struct device_answer {
    bool accepted;
    json *body;          /* accepted: has the members of 3.2, each of its type */
    int64_t status_code; /* rejected */
    const char *error_code, *error_message;
};
/* `asked` is the topic of the question. *out is NULL when `topic` is none of its two answers. Fails with InvalidAnswer
   when the answer is not what 3.2 promises. */
FALLIBLE device_decode_answer(void *ctx, enum device_question question, enum device_format format, const char *asked,
                              slice topic, slice payload, struct device_answer **out);

/* ---- the flow ---- */

enum device_step {
    DEVICE_STEP_CONNECT,   /* with the claim */
    DEVICE_STEP_SUBSCRIBE, /* to the answers, if it wishes; they come without, too (4.7) */
    DEVICE_STEP_CERTIFICATE,
    DEVICE_STEP_REGISTER,
    DEVICE_STEP_LEAVE,
    DEVICE_STEP_RECONNECT, /* as itself */
    DEVICE_STEP_PUBLISH,
    DEVICE_STEPS
};
const char *device_step_name(enum device_step step); /* "register the thing" */

struct device_provisioned;
/* Copied; what it points to must live until done. */
struct device_provision_wish {
    const struct device_server *server;
    const struct device_identity *claim;
    slice ca_pem; /* whom to trust as itself */
    const char *template_name;
    json *parameters;                /* text to text, or NULL */
    const char *client_id;           /* with the claim; as itself it is the thing's name */
    int version;                     /* MQTT_3_1_1 or MQTT_5 */
    bool by_csr;                     /* the key stays here; else the server makes the pair */
    const struct pki_key_pair *pair; /* by_csr: of the device's own, with its CSR; NULL: made at the start */
    const char *csr_pem;
    bool subscribes;
    enum device_format format;
    enum device_step last;                   /* DEVICE_STEP_REGISTER, or DEVICE_STEP_PUBLISH for all */
    const char *topic_prefix, *topic_suffix; /* PUBLISH: with the thing's name in between */
    slice payload;
    unsigned patience_ms; /* for each step; 0: 10 s */
    void (*done)(void *owner, const struct device_provisioned *result);
    void *owner;
};

struct device_provisioned {
    bool ok;
    const char *certificate_id, *certificate_pem, *private_pem, *thing_name; /* NULL before they are known */
    json *configuration;
    int64_t step_us[DEVICE_STEPS]; /* 0 for those that were not reached or wished */
    int64_t total_us;              /* up to the end of the last step */
    /* Unless ok: */
    enum device_step failed_at;
    struct device_end end;  /* of the connection; kind DEVICE_LEFT when it was not that */
    int64_t status_code;    /* of a rejected answer, or 0 */
    const char *error_code; /* "InvalidParameters"; of ourselves "InvalidAnswer", "TimedOut", "NotAcknowledged" */
    const char *error_message;
};

/* Starts the flow; `done` is called from the loop. Result and all it points to live until done returns. */
void device_provision(uv_loop_t *loop, const struct device_provision_wish *wish);

/* ---- the public API, as an operator's tool calls it ---- */

struct device_api {
    const char *endpoint; /* "https://localhost:9443" */
    const char *ca_path;  /* PEM */
    const char *access_key_id, *secret, *region;
    const volatile sig_atomic_t *give_up; /* NULL, or becomes non-zero when the caller has lost interest */
    unsigned patience_s;                  /* of a whole call; 0: 30 s */
    void *handle;                         /* keeps connections between calls; device_api_close frees it */
};
/* Blocks. `path` may end with "?query", both percent-encoded. `body` may be NULL. *out is the answer's JSON, {} for an
   empty one. Fails with the service's error name and message; or CallFailed: no answer, or none that is JSON. */
FALLIBLE device_api_call(void *ctx, struct device_api *api, const char *service, const char *method, const char *path,
                         json *body, json **out);
void device_api_close(struct device_api *api);
