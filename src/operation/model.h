/* model.h - the interface models (api/<service>.json) as structs, compiled when the door opens and immutable from then on
   (but for `live`: set by door_add before the first call, and counters).

   A key that this room does not know makes a model invalid: nothing that a model says is silently ignored. */
#pragma once
#include "base/embedded.h"
#include "operation/operation.h"
#include "operation/pattern.h"
#include <stdatomic.h>

enum shape_type {
    SHAPE_STRUCTURE,
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_STRING,
    SHAPE_BLOB, /* base64 text; bytes as they came when it is the payload */
    SHAPE_BOOLEAN,
    SHAPE_INTEGER, /* 32 bits */
    SHAPE_LONG,
    SHAPE_DOUBLE,
    SHAPE_TIMESTAMP, /* JSON: a number of seconds */
    SHAPE_ANY        /* any JSON value: the operation looks itself */
};

enum location { IN_BODY, IN_PATH, IN_QUERY, IN_HEADER, IN_STATUS };

struct shape_member {
    const char *name;
    const char *wire; /* its name where it travels */
    const char *path; /* its name in a validation error: "roleArn" of RoleArn */
    const struct shape *shape;
    enum location in;
    bool required;
    const char *error; /* the error of a broken constraint, where it is not the model's; NULL */
};

struct shape {
    const char *name;
    enum shape_type type;
    struct shape_member *members;
    size_t member_count;
    const struct shape_member *payload; /* the member that is the whole body; NULL */
    const struct shape *element, *key;  /* list and map */
    bool has_min, has_max;
    double min, max;
    const char *pattern_text;
    const struct model_pattern *pattern;
    const char **values; /* an enum's */
    size_t value_count;
    bool sensitive;
    const char *lower_after; /* what follows it is compared case-insensitively; NULL: nothing is */
    int error_status;        /* not an error: 0 */
    const char *error_code;  /* its name on the wire */
};

struct segment {
    const char *text; /* of a label the member's name on the wire */
    bool label, greedy;
    const struct shape_member *member;
};

struct live_operation {
    const struct operation *row;
    atomic_uint_fast64_t count, client_errors, server_errors, total_us;
};

struct model_operation {
    const struct model *model;
    const char *name;
    const char *label; /* "iot.CreateThing" */
    const char *method;
    struct segment *segments; /* of the URI; of an MQTT topic */
    size_t segment_count;
    int status;
    const struct shape *input;  /* never NULL */
    const struct shape *output; /* NULL: none */
    const struct shape **errors;
    size_t error_count;
    const char *result_wrapper;
    const char *event; /* what its audit line is called; NULL: "Operation" */
    bool unsigned_allowed;
    bool takes_body;                           /* a member of the input travels in the body */
    const struct authorization *authorization; /* NULL: no row in api/authorization.json */
    struct live_operation *live;
};

struct model_alias {
    const char *name, *stands_for;
};

enum model_protocol {
    MODEL_REST_JSON,
    MODEL_JSON,
    MODEL_QUERY,
    MODEL_MQTT,
    MODEL_OPERATOR /* the server's own socket; no request over the network reaches it */
};

struct model {
    const char *file; /* "iot": what operation.service names */
    enum model_protocol protocol;
    const char *version;       /* "2011-06-15" */
    const char *target_prefix; /* NULL: no X-Amz-Target */
    const char *xml_namespace;
    const char **scopes; /* NULL-terminated: the services a signature's scope may name */
    const char *validation_error;
    struct model_operation *operations; /* sorted by name */
    size_t operation_count;
    const struct model_operation **routes; /* the most literal first */
    struct shape *shapes;                  /* sorted by name */
    size_t shape_count;
    struct model_alias *aliases; /* of errors that rooms share with other protocols (mqtt) */
    size_t alias_count;
};

/* Each pattern once, whichever models hold it. */
struct pattern_pool {
    void *ctx;
    struct named_pattern {
        const char *text;
        struct model_pattern *pattern;
    } * patterns;
    size_t count;
};

/* `file` is "iot.json". Fails with InvalidModel, saying which file and where. */
FALLIBLE model_compile(void *ctx, const struct embedded_file *file, struct pattern_pool *patterns, struct model **out);

/* NULL: there is none. */
const struct model_operation *model_operation_find(const struct model *model, slice name);
const struct shape *model_shape_find(const struct model *model, const char *name);
const struct shape_member *shape_member_find(const struct shape *shape, const char *name);
/* The error shape of this name or wire code. */
/* The service of devices and their messages, which words its errors its own way; NULL is none. */
bool model_is_data_plane(const struct model *model);
const struct shape *model_error_find(const struct model *model, const char *name);

/* ---- shapes.c: for model.c ---- */
FALLIBLE shapes_compile(void *ctx, struct model *model, json *shapes, struct pattern_pool *patterns);
/* Fails with InvalidModel when the object has a key that is not one of `known` (NULL-terminated). */
FALLIBLE model_check_keys(void *ctx, const struct model *model, const char *where, json *object,
                          const char *const *known);
error *model_broken(void *ctx, const struct model *model, const char *where, const char *what);

/* ---- validate.c ---- */

/* Input against the model; on a worker, but pure. Fails with the service's validation error: "1 validation error
   detected: Value 'b d' at 'thingName' failed to satisfy constraint: ..." (x509 3.1). */
FALLIBLE model_validate(void *ctx, const struct model_operation *operation, const json *input);
/* Valid input in one spelling: whoever authorizes and whoever acts must see the same id, or a policy that denies an id
   could be passed by with another case of it (x509 4.1). */
void model_lower(void *ctx, const struct model_operation *operation, json *input);
/* The same sentence for a text that is not even of the member's type; `value` is not shown for sensitive shapes. */
error *model_refuse_value(void *ctx, const struct model *model, const struct shape_member *member, slice value,
                          const char *constraint);
