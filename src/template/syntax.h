/* syntax.h - a template after parsing: plain data, no JSON, nothing that changes. Inside this room only. */
#pragma once
#include "template/template.h"

struct function; /* expression.h */

/* What may stand in a place of a template. */
enum takes {
    TAKES_TEXT = 1 << 0,
    TAKES_LIST = 1 << 1,   /* of texts */
    TAKES_NUMBER = 1 << 2, /* as its JSON text */
    TAKES_BOOL = 1 << 3,   /* as its JSON text */
    TAKES_NULL = 1 << 4,
    TAKES_MAP = 1 << 5,      /* of texts; not a function */
    TAKES_DOCUMENT = 1 << 6, /* an object, and inside it anything, functions too */
};

/* A value as it stands in the template. */
struct expression {
    enum form { FORM_TEXT, FORM_LITERAL, FORM_LIST, FORM_OBJECT, FORM_CALL } form;
    slice key;  /* the member that holds it: a variable of Fn::Sub, an attribute, a policy's member */
    slice text; /* FORM_TEXT; FORM_LITERAL: its JSON text; Ref: the parameter; Fn::Sub: its text */
    const struct function *function; /* FORM_CALL */
    struct expression *items;        /* elements, members, arguments */
    size_t count;
};

enum resource_kind { RESOURCE_THING, RESOURCE_CERTIFICATE, RESOURCE_POLICY, RESOURCE_KINDS };

enum property {
    THING_NAME,
    ATTRIBUTE_PAYLOAD,
    THING_TYPE_NAME,
    THING_GROUPS,
    BILLING_GROUP,
    CERTIFICATE_ID,
    CERTIFICATE_CSR,
    CERTIFICATE_PEM,
    CA_CERTIFICATE_PEM,
    CERTIFICATE_STATUS,
    THING_PRINCIPAL_TYPE,
    POLICY_NAME,
    POLICY_DOCUMENT,
    PROPERTIES
};

enum overridable { OVERRIDES_ATTRIBUTES, OVERRIDES_TYPE, OVERRIDES_GROUPS, OVERRIDES_STATUS, OVERRIDABLES };

struct resource {
    slice name; /* the logical name */
    enum resource_kind kind;
    struct expression *properties[PROPERTIES]; /* NULL: absent */
    enum template_override overrides[OVERRIDABLES];
};

struct declaration { /* of a parameter */
    slice name;
    slice otherwise; /* Default; at NULL: none */
};

struct mapping { /* one value of Mappings */
    slice map, first, second;
    struct expression value; /* FORM_TEXT, FORM_LITERAL or FORM_LIST */
};

struct template
{
    enum template_kind kind;
    struct declaration *parameters;
    size_t parameter_count;
    struct mapping *mappings;
    size_t mapping_count;
    struct resource *resources;
    size_t resource_count;
    struct expression *configuration; /* one an entry, under its key */
    size_t configuration_count;
};

extern const char *const property_names[PROPERTIES];

/* A property whose values are few. */
struct choice {
    enum property property;
    bool any_case;
    const char *values[2]; /* the first one is the default */
};

const struct choice *choice_of(enum property property);    /* NULL: any text will do */
int choice_index(const struct choice *choice, slice text); /* -1: not one of them */

const struct declaration *declaration_find(const struct template *template, slice name);
bool parameter_is_reserved(slice name);                       /* AWS::... */
bool parameter_is_known(enum template_kind kind, slice name); /* may a template of this kind speak of it? */

/* The start of a stranger's text, fit for a message: at most 64 bytes, whole characters. */
slice shown(slice text);

/* The value that stands under the two keys; NULL: none. A key at NULL stands for every key. */
const struct mapping *mapping_find(const struct template *template, slice map, slice first, slice second);

/* InvalidRequestException: "Invalid registration template. ..." */
error *template_refused(void *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* resource.c: reads Resources (provisioning 4.3). */
struct compilation;
FALLIBLE resources_compile(struct compilation *c, const json *resources);
