/* operation.h - the door: every change of the registry, and every question to it, is an operation.

   An operation is a name in an interface model (api/<service>.json), a validated JSON input, a JSON output or an error,
   and a short table of steps, each with a place. The step list is the documentation of the operation. An operation sees
   no socket and no protocol; REST-JSON, the query protocol, the `$aws/...` topics and our own tools come to this door.

   operation_run            any thread; the call and all its memory travel with it from step to step
       model_validate       a worker: input against the model; the service's own errors
       authorize            a worker: the caller's policies on the action and resources of api/authorization.json
       READ                 a worker: call->tx is a snapshot
       WORK                 a worker: CPU (keys, CSRs, templates); call->tx is NULL
       WAIT                 parked: the step arranges that call_resume is called, from any thread; no thread, no
                            transaction is held (a key of the pool, a function, an HTTP call)
       APPLY                the writer: call->tx is the transaction; may run twice, so rows and call->output only; checks
                            again what READ saw and it matters
       commit               shared with other writers; from here on the change is durable
       effects              on the home loop, in order, through the sink the server set; counters; the audit line
       done                 on the home loop: call->error, or call->output (an object, perhaps empty)

   A call is a talloc tree of its own (child of NULL) that moves whole from thread to thread; whoever made it frees it in
   or after `done`. The door, models and operation tables are immutable after start. Errors of an operation are public
   names of its model; any other name is logged as a defect and answered as InternalFailureException. */
#pragma once
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/workers.h"
#include "policy/policy.h"
#include "store/store.h"
#include <stdatomic.h>

struct door;
struct call;
struct model_operation; /* one operation of an interface model */

/* ---- operations: rows of a service's table ---- */

enum place { READ = 1, WORK, WAIT, APPLY };

struct step {
    enum place place;
    FALLIBLE (*run)(struct call *call);
};

enum { STEPS_MAX = 6 };

struct operation {
    const char *service; /* the model's file name: "iot", "sts", "mqtt" */
    const char *name;
    struct step steps[STEPS_MAX];
};
#define STEPS(...) .steps = { __VA_ARGS__ }

/* ---- who is calling ---- */

enum caller_kind {
    CALLER_IAM,    /* SigV4: a user or a role's session; IAM policies decide */
    CALLER_DEVICE, /* MQTT or HTTPS as a device: the broker's IoT policies decided already */
    CALLER_ROLE,   /* a role the service acts under (provisioning role): IAM policies of the role decide */
    CALLER_SERVICE /* muster itself (sweepers): nothing is checked */
};

enum session_kind { SESSION_NONE, SESSION_ROLE, SESSION_USER, SESSION_FEDERATED }; /* USER: GetSessionToken */

struct caller_fact {
    const char *key;
    const slice *values;
    size_t count;
};

/* Immutable; made by who authenticates; lives as long as the call (its own talloc reference or the call's child). */
struct caller {
    enum caller_kind kind;
    const char *account;
    const char *arn;           /* who it is in errors and GetCallerIdentity: arn:aws:iam::A:user/path/name,
                                  arn:aws:sts::A:assumed-role/R/S; of a device its certificate ARN */
    const char *principal_arn; /* aws:PrincipalArn: of a role's session arn:aws:iam::A:role/path/R; NULL: as arn */
    const char *user_id;       /* aws:userid: AIDA..., AROA...:session, A:name of a federated user, A for root */
    const char *unique_id;     /* AIDA... or AROA... alone, as trust policies keep it; NULL: none */
    const char *user_name;     /* users only */
    const char *type;          /* aws:PrincipalType: "Account", "User", "AssumedRole", "FederatedUser" */
    bool is_root;
    enum session_kind session;       /* temporary credentials, and of which kind */
    const struct caller_fact *facts; /* condition keys that the session brings (auth.md 4.2.5): aws:PrincipalTag/k,
                                        aws:TokenIssueTime, aws:FederatedProvider, sts:SourceIdentity,
                                        cognito-identity.amazonaws.com:sub, credentials-iot:ThingName, ... */
    size_t fact_count;
    const struct policy **policies; /* identity policies */
    size_t policy_count;
    const struct policy *boundary; /* NULL: none */
    const struct policy **session_policies;
    size_t session_policy_count;
    const char *access_key; /* for the audit line */
    /* devices */
    const char *principal; /* certificate id */
    const char *client_id;
};

/* ---- the call ---- */

enum effect_kind {
    EFFECT_DISCONNECT, /* key: certificate id; its live connections in this account end (AUTH_ERROR) */
    EFFECT_PUBLISH     /* key: topic; a message from the service itself, with this payload */
};

struct call {
    struct door *door;
    const struct operation *operation;
    const struct model_operation *model;
    struct scope scope; /* "request"=id */
    char id[37];        /* request id */
    const struct caller *caller;
    const char *account, *region;
    const char *source_ip, *user_agent, *via; /* via: "https", "mqtt", "internal" */
    const char *referer;                      /* NULL: none */
    json *input;                              /* an object, members by their model names, whatever way they travelled */
    json *output;                             /* made by answer(); reset before an APPLY runs */
    int64_t now_ms;                           /* the call's one idea of now */
    struct tx *tx;                            /* in READ and APPLY */
    void *kept;                               /* the operation's own, from step to step */
    error *error;                             /* in done */
    struct loop *home;                        /* where effects and done run */
    void (*done)(struct call *call);
    void *owner; /* of who made the call */
    enum store_lane lane;
    atomic_bool abandoned;    /* who asked is gone, nobody reads the answer: what is dear may be left out; any thread */
    bool mapped;              /* MQTT: error names are mapped by api/mqtt.json; see operation_mqtt_error */
    struct call_inner *inner; /* the door's own */
};

/* The door's memory, worker pool and store must outlive every call. */
struct door_options {
    struct store *store;
    struct workers *workers;
    const struct master_key *master_key;
    const char *const *regions; /* the first is the default */
    size_t region_count;
    bool enforce_iam;
    const struct scope *scope;
};
/* Compiles every embedded model; fails with InvalidModel when one is broken (a pattern that does not compile). */
FALLIBLE door_new(void *ctx, const struct door_options *options, struct door **out);
/* NULL-terminated tables; fails with InvalidModel when a row names no operation of its model. */
FALLIBLE door_add(struct door *door, const struct operation *const *operations);
void door_on_effect(struct door *door,
                    void (*sink)(void *arg, const char *account, const char *region, enum effect_kind kind,
                                 const char *key, slice payload),
                    void *arg);
/* What a policy may ask about a resource where the request does not say it all: the path in an IAM name's ARN, tags. */
struct resource {
    const char *arn;                /* as api/authorization.json gave it; "*": none. May be replaced */
    const struct caller_fact *tags; /* "aws:ResourceTag/KEY" */
    size_t tag_count;
};
/* One for each service at most. Asked in a snapshot, before a decision about a checked caller that is not root: for
   "iam" always, for others when one of the caller's policies asks about tags. What it adds hangs off ctx. */
void door_on_resource(struct door *door, const char *service,
                      FALLIBLE (*look)(struct tx *tx, void *ctx, const struct call *call, struct resource *resource));
void *door_get(struct door *door, const char *name); /* shared pieces the server put there: "issuer", "keys" */
void door_put(struct door *door, const char *name, void *piece);
struct store *door_store(struct door *door);

/* One line a call that an operation of a model answered, and one a request that was refused before: a JSON object
   (docs/operations.md). Any thread; the text lives during the call of the sink. Set once, before the first call. */
void door_on_audit(struct door *door, void (*sink)(void *arg, slice line), void *arg);
/* A request that never became a call. `caller` NULL: it was not authenticated, and `access_key` is what it claimed (at
   NULL: nothing). */
struct route;
void door_audit_refusal(struct door *door, const struct route *route, const char *request_id, const char *source_ip,
                        slice access_key, const struct caller *caller, const error *e);

/* What a device did by its certificate without an operation: the credentials provider. Members may be NULL. */
struct audit_device {
    const char *operation, *request_id, *account, *region, *certificate_id, *source_ip;
    const char *member, *resource; /* "roleAlias" and its name */
    int status;
    const char *error_name, *reason; /* NULL: it went well */
};
void door_audit_device(struct door *door, const struct audit_device *note);

/* Counters for the metrics page. */
struct door_numbers {
    const char *operation; /* "iot.CreateThing" */
    uint64_t count, client_errors, server_errors;
    uint64_t total_us;
};
size_t door_count(struct door *door, struct door_numbers *out, size_t room); /* operations called so far */
uint64_t door_defects(struct door *door); /* calls that failed with an error their model does not list */

/* A call, zeroed but for id, now_ms, door, output; child of NULL. Finds the operation; an operation of the model without
   a row, or an unknown name, gives a call whose run answers NotImplementedException naming it ("CreateJob is not
   implemented yet."). */
struct call *call_new(struct door *door, const char *service, const char *operation);
/* A call of the service itself (sweepers, just-in-time provisioning): no model, nothing validated or authorized. */
struct call *call_new_internal(struct door *door, const struct operation *operation, const char *account,
                               const char *region);
/* Takes the call over until done. Never blocks. When the worker queue is full: ServiceUnavailableException (503). */
void operation_run(struct call *call);
/* Goes on after a WAIT; any thread, exactly once a WAIT, and not at all when the WAIT's function failed. `e` (NULL: all
   went well) hangs off the call. The call may be over and freed before this returns. */
void call_resume(struct call *call, error *e);

/* ---- for operations ---- */

slice call_text(const struct call *call, const char *member);         /* input, empty when absent */
const char *call_string(const struct call *call, const char *member); /* NULL when absent */
bool call_flag(const struct call *call, const char *member);          /* false when absent */
int64_t call_number(const struct call *call, const char *member, int64_t otherwise);
bool call_has(const struct call *call, const char *member);

/* "arn:aws:iot:REGION:ACCOUNT:" and the rest; hangs off the call. */
const char *call_arn(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* May the caller do this too? Fails with AccessDeniedException and the sentence of auth.md 4.2.6. For rights that the
   one row of api/authorization.json cannot say: PassRole, the inner actions of a template. In a step; reads (in call->tx
   where there is one) only for a policy that asks about tags of a resource. */
FALLIBLE call_require(struct call *call, const char *action, const char *resource_arn);
/* The same for another caller (a provisioning role). */
FALLIBLE caller_require(struct call *call, const struct caller *caller, const char *action, const char *resource_arn);

/* iam:PassRole on a role that the request hands to the service `service` ("iot.amazonaws.com"), which must lie in the
   caller's account (auth 4.2.7). No I/O: whether the role trusts the service is asked elsewhere. */
FALLIBLE call_require_pass_role(struct call *call, const char *role_arn, const char *service);

/* What a policy may ask about this request (auth 4.2.5), for decisions that weigh more than the caller's own policies: the
   trust policy of a role. Hangs off ctx. */
FALLIBLE call_facts(void *ctx, struct call *call, struct policy_context *out);

/* To be released after the commit; forgotten when the call fails. In APPLY (it is reset before a rerun). */
void call_effect(struct call *call, enum effect_kind kind, const char *key);
/* EFFECT_PUBLISH of a JSON payload, which stays its owner's. */
void call_publish(struct call *call, const char *topic, json *payload);

/* Writes the change log with the call's account and region, and who made the change in which request. */
FALLIBLE call_change(struct call *call, const char *what, const char *key, const char *kind, const char *detail);

/* ---- answers ----
   return answer(call, string("thingName", name), integer("version", 1), object("keyPair", string(...), ...)); */
struct member {
    enum { MEMBER_END, MEMBER_TEXT, MEMBER_INTEGER, MEMBER_BOOL, MEMBER_TIME, MEMBER_JSON } type;
    const char *name;
    const char *text; /* NULL: the member is left out */
    int64_t integer;
    json *value;
};
error *answer_members(struct call *call, const struct member *members); /* always NULL: ends an operation */
#define answer(call, ...) \
    answer_members((call), (const struct member[]){ __VA_ARGS__ __VA_OPT__(, ){ .type = MEMBER_END } })
static inline struct member string(const char *name, const char *text)
{
    return (struct member){ .type = MEMBER_TEXT, .name = name, .text = text };
}
static inline struct member integer(const char *name, int64_t value)
{
    return (struct member){ .type = MEMBER_INTEGER, .name = name, .integer = value };
}
static inline struct member boolean(const char *name, bool value)
{
    return (struct member){ .type = MEMBER_BOOL, .name = name, .integer = value };
}
static inline struct member time_ms(const char *name, int64_t ms) /* a JSON number of seconds; 0 is left out */
{
    return (struct member){ .type = MEMBER_TIME, .name = name, .integer = ms };
}
static inline struct member value_of(const char *name, json *value) /* takes over the reference; NULL is left out */
{
    return (struct member){ .type = MEMBER_JSON, .name = name, .value = value };
}

/* ---- pages (x509.md 2.6) ----
   A list walks its rows in key order from a position (a text the list understands) and stops at `size`:

       struct page page;
       TRY(page_begin(call, &page));                   marker or nextToken, pageSize or maxResults, as the model says
       ... WHERE key > page.after ... LIMIT page.size + 1
       for each row: if (!page_take(&page, key)) break;      false: one too many, there is a next page
       return page_answer(call, &page, "things", array);

   Most lists are one statement, each row of which becomes an entry; struct list does the walking:

       struct list list = { .call = call, .member = "things", .entry = thing_entry };
       TRY(list_begin(&list));
       TRY(store_each(call->tx, list_row, &list, "SELECT name, ... > ? ORDER BY name LIMIT ?",
                      ARGS(..., list_after(&list), list_limit(&list))));
       return list_answer(&list);

   A list that goes both ways says its statement once; list_each walks it up or down, as the request wishes:

       TRY(list_each(&list, LIST_BY("sequence", "SELECT name, sequence FROM policy WHERE account = ? AND region = ? AND"),
                     ARGS(account, region)));

   Tokens are bound to the account, the region, the operation and every other input member; they cannot be forged. A
   bad one, or a size out of range, fails with InvalidRequestException. */
struct page {
    int64_t size;
    const char *after; /* NULL on the first page */
    bool ascending;    /* isAscendingOrder */
    int64_t taken;
    const char *last;
    bool more;
};
FALLIBLE page_begin(struct call *call, struct page *page);
bool page_take(struct call *call, struct page *page, const char *position);
/* The array stays its owner's (json_new_array); the answer holds a reference of its own. */
error *page_answer(struct call *call, struct page *page, const char *name, json *array);

struct list {
    struct call *call;
    const char *member;                                       /* of the output: "things" */
    json *(*entry)(struct call *call, const struct row *row); /* taken over by the list */
    int position;                                             /* the column that the next page starts after */
    bool numbered;                                            /* it is a number: a sequence, a version */
    bool newest_first; /* numbers go down, unless isAscendingOrder says otherwise */
    struct page page;
    json *array;
};
FALLIBLE list_begin(struct list *list);
FALLIBLE list_row(const struct row *row, void *list); /* for store_each */
struct value list_after(const struct list *list);     /* where this page begins: before every text or number at first */
struct value list_limit(const struct list *list);
/* One statement in two orders: `select` ends where the condition on `key` belongs. Both are literals. */
struct list_order {
    const char *up, *down;
};
#define LIST_BY(key, select)                                                    \
    ((struct list_order){ .up = select " " key " > ? ORDER BY " key " LIMIT ?", \
                          .down = select " " key " < ? ORDER BY " key " DESC LIMIT ?" })
/* `args` are those of `select`; at most LIST_ARGS_MAX. */
enum { LIST_ARGS_MAX = 8 };
FALLIBLE list_each(struct list *list, struct list_order order, const struct value *args, size_t count);
error *list_answer(struct list *list);
json *list_entry_text(struct call *call, const struct row *row); /* column 0, for lists of names */

/* ---- HTTP binding; used by the gateway, knows bytes but no socket ---- */

struct http_header {
    slice name, value;
};
struct http_request {
    slice method;
    slice target;      /* raw, as on the wire */
    slice path, query; /* raw halves of target; query without '?' */
    const struct http_header *headers;
    size_t header_count;
    slice body;
};
slice http_header_find(const struct http_request *request, const char *name); /* first, any case; at NULL: absent */

enum protocol { PROTOCOL_REST_JSON, PROTOCOL_JSON, PROTOCOL_QUERY };

struct route {
    const char *service; /* "iot"; NULL: nothing fits */
    enum protocol protocol;
    const struct model_operation *operation; /* NULL: no such operation */
    const char *name;                        /* its name, also of an unknown query Action */
    bool unsigned_allowed;
    const char *const *scopes; /* the services that a signature's scope may name; the first one is told */
    size_t scope_count;
    slice labels[8]; /* raw path pieces */
    size_t label_count;
};
/* auth.md 2.1: X-Amz-Target, then Action, then the credential scope's service, then the path. `scope_service` may be
   empty (unsigned). Never fails: an unknown operation is answered in the protocol of the service. */
void door_route(struct door *door, void *ctx, const struct http_request *request, slice scope_service,
                struct route *out);
/* Makes the call of a routed request: decodes path labels, query, headers and body into call->input. Fails with the
   service's error (InvalidRequestException, SerializationException...). The call is child of NULL; NULL on failure. */
FALLIBLE door_bind(struct door *door, void *ctx, const struct http_request *request, const struct route *route,
                   struct call **out);

struct http_answer {
    int status;
    const char *content_type;
    struct http_header headers[12];
    size_t header_count;
    slice body;
};
/* The answer of a finished call, in its protocol. */
void door_answer(void *ctx, struct call *call, const struct route *route, struct http_answer *out);
/* The answer of a request that never became a call (authentication, routing). `request_id` 36 characters. */
void door_refuse(void *ctx, struct door *door, const struct route *route, const char *request_id, const error *e,
                 struct http_answer *out);

/* ---- MQTT binding (provisioning.md 2.5, 3.2, 3.3, 4.10) ---- */

enum encoding { ENCODING_JSON, ENCODING_CBOR };

struct mqtt_route {
    const char *operation; /* of api/mqtt.json */
    enum encoding encoding;
    slice labels[2]; /* "templateName" */
    size_t label_count;
};
/* Is this one of the request topics of api/mqtt.json? False: no. */
bool door_route_topic(struct door *door, slice topic, struct mqtt_route *out);
/* Makes the call: decodes the payload and the topic's labels into call->input. A payload that cannot be decoded makes a
   call whose run answers InvalidPayload, so that every request takes the same way and keeps its order. */
struct call *door_bind_topic(struct door *door, const struct mqtt_route *route, slice payload);
/* The answer: "/accepted" or "/rejected" and the bytes in the request's encoding. Error names are the errorCode of
   4.10; unknown ones become InternalError. */
struct mqtt_answer {
    const char *suffix;
    slice payload;
};
void door_answer_topic(void *ctx, struct call *call, const struct mqtt_route *route, struct mqtt_answer *out);
