/* expression.h - values that are functions of parameters: compiled when a template is parsed, evaluated when it is
   resolved (provisioning 4.2). Inside this room only. */
#pragma once
#include "template/syntax.h"

/* Where a message says that something is wrong: "ThingName of thing". */
struct place {
    slice member;
    slice owner;
};

struct compilation {
    void *ctx;                 /* owns errors and what is needed for a moment */
    struct template *template; /* owns everything else; parameters and mappings are read before resources */
    const json *resources;     /* not yet compiled: a Ref must not name one */
    struct place place;
};

/* `takes` is a set of enum takes. Fails with InvalidRequestException. */
FALLIBLE expression_compile(struct compilation *c, json *value, unsigned takes, struct expression *out);
bool expression_is_literal(const struct expression *expression); /* no function in it */

/* A text, or a list of texts, and which of their bytes a device chose. */
struct value {
    slice text;
    const char *taint; /* one byte a byte of text, not zero where a device chose it; NULL: nowhere */
    bool is_list;
    struct value *items;
    size_t count;
};

enum { RESULT_LIMIT = 64 * 1024, WORK_LIMIT = 1024 * 1024 };

struct evaluation {
    void *ctx;     /* owns errors */
    void *scratch; /* owns values */
    const struct template *template;
    const struct template_values *values;
    struct place place;
    size_t spent; /* bytes made so far, of WORK_LIMIT */
};

FALLIBLE expression_text(struct evaluation *ev, const struct expression *expression, struct value *out);
FALLIBLE expression_list(struct evaluation *ev, const struct expression *expression, struct value *out);
/* A policy document: texts and all. Refuses what a device must not bring into it. The result is owned by scratch. */
FALLIBLE expression_json(struct evaluation *ev, const struct expression *expression, json **out);

/* parameters.c: the value of a parameter, from the first of those who may give it. */
bool template_parameter_find(struct evaluation *ev, slice name, struct value *out);
const char *taint_of(void *ctx, size_t length); /* of a text that a device chose whole */

/* Refuses bytes that a device chose and that mean something in a policy (provisioning 4.1). */
FALLIBLE taint_check(struct evaluation *ev, const struct value *value);

error *evaluation_failed(struct evaluation *ev, const char *format, ...) __attribute__((format(printf, 2, 3)));
FALLIBLE evaluation_spend(struct evaluation *ev, size_t bytes);
error *compilation_refused(struct compilation *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* functions.c: one row a function. */
struct function {
    const char *name;
    unsigned gives;    /* TAKES_TEXT, TAKES_LIST or both */
    const char *usage; /* "takes ..." */
    unsigned takes[3]; /* of each argument; none: `compile` reads the argument by itself */
    size_t arity;
    FALLIBLE (*compile)(struct compilation *c, json *argument, struct expression *out);
    FALLIBLE (*check)(struct compilation *c, const struct expression *call); /* what the literals tell; may be NULL */
    FALLIBLE (*evaluate)(struct evaluation *ev, const struct expression *call, struct value *out);
};

/* Is the object a function, that is: one member, Ref or Fn::...? */
bool function_is(const json *object);
FALLIBLE function_compile(struct compilation *c, const json *object, unsigned takes, struct expression *out);
