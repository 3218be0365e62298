/* door.h - what the files of this room share: the door itself and the inner part of a call. */
#pragma once
#include "operation/model.h"

struct piece {
    const char *name;
    void *piece;
};

struct door {
    struct door_options options;
    struct scope scope;
    struct model **models; /* sorted by file */
    size_t model_count;
    struct pattern_pool patterns;
    struct piece *pieces;
    size_t piece_count;
    void (*effect)(void *arg, const char *account, const char *region, enum effect_kind kind, const char *key,
                   slice payload);
    void *effect_arg;
    void (*audit)(void *arg, slice line);
    void *audit_arg;
    struct resource_look {
        const char *service;
        FALLIBLE (*look)(struct tx *tx, void *ctx, const struct call *call, struct resource *resource);
    } * looks;
    size_t look_count;
    atomic_uint_fast64_t defects;
};

struct model *door_model(const struct door *door, const char *file); /* NULL: there is none */

/* ---- the inner part of a call ---- */

struct effect {
    struct effect *next;
    enum effect_kind kind;
    const char *account, *region; /* of the change: a sweeper works for one account after the other */
    const char *key;
    slice payload;
};

struct effects {
    struct effect *first, **last;
};

struct call_inner {
    struct call *call;
    struct work work;
    struct store_job job;
    struct loop_post post;
    const char *name;     /* asked for, also when there is no such operation */
    error *early;         /* found before the run: it answers this */
    bool entered;         /* validated and authorized */
    size_t step;          /* the next one */
    struct effects noted; /* by the APPLY that is running or not committed yet */
    struct effects committed;
    int64_t began_us;
};

/* A call for an operation of a model, or with a name that is none. */
struct call *call_make(struct door *door, const struct model_operation *operation, const char *name);
/* Its run will answer this error. `e` must be the call's. */
void call_fail_early(struct call *call, error *e);

/* ---- authorize.c, authorization.c ---- */

struct authorization {
    const char *action;     /* "iot:CreateThing" */
    const char *arn;        /* what stands before each resource, with {region} and {account} */
    const char **resources; /* templates; none: nothing is asked */
    size_t resource_count;
    struct context_template {
        const char *key, *value; /* a template of the whole value */
    } * context;
    size_t context_count;
};
FALLIBLE authorization_compile(void *ctx, const struct embedded_file *file, struct door *door);
FALLIBLE authorize(struct call *call);

/* Every text that a template such as "thing/{thingName}" stands for: none when a member is absent, several for a list. */
struct texts {
    const char **at;
    size_t count;
};
struct texts authorization_expand(void *ctx, const struct call *call, const char *template);

/* ---- errors.c ---- */

struct public_error {
    const char *name;
    int status;
};
/* The name and status that a client sees. */
struct public_error error_public(const struct model *model, enum protocol protocol, const char *name);
/* Whether an operation may end with it: its model lists it, or every operation may. */
bool error_is_expected(const struct model_operation *operation, const char *name);
/* Of an MQTT operation: "ResourceNotFound" for ResourceNotFoundException; NULL: not in the table of 4.10. */
const struct shape *error_of_mqtt(const struct model *model, const char *name);

/* ---- step.c, audit.c ---- */
void call_conclude(struct call *call);
void audit_write(const struct call *call, int status, int64_t took_us);

/* ---- rest.c, query.c, xml.c ---- */
FALLIBLE rest_bind(struct call *call, const struct http_request *request, const struct route *route);
FALLIBLE json_bind(struct call *call, const struct http_request *request);
FALLIBLE query_bind(struct call *call, const struct http_request *request);
/* A stranger's text, where a message may show it: short, and text. */
enum { NAME_SHOWN = 128 };
slice presentable(slice text, size_t most);
/* Each "name=value" of a query or form, decoded; in a form '+' is a blank. */
struct parameter {
    slice name, value;
};
struct parameters {
    struct parameter *at;
    size_t count;
};
enum plus { PLUS_STAYS, PLUS_IS_BLANK };
/* False: a broken percent-encoding, or more than a request may have. */
bool parameters_parse(void *ctx, slice text, enum plus plus, struct parameters *out);
slice parameter_find(const struct parameters *parameters, const char *name); /* at == NULL: absent */
/* The parameters of a request in the query protocol, or none. */
void query_parameters(void *ctx, const struct http_request *request, struct parameters *out);
/* A value of the member's type out of text; *out is not owned yet. */
FALLIBLE value_of_text(void *ctx, const struct model *model, const struct shape_member *member,
                       const struct shape *shape, slice text, json **out);

slice xml_answer(void *ctx, const struct model_operation *operation, const json *output, const char *request_id);
slice xml_error(void *ctx, const struct model *model, const struct public_error *shown, const error *e,
                const char *request_id);
