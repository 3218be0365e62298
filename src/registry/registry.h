/* registry.h - things, their types, groups and principals.

   Each verb has two faces: an operation, which validates an input and answers, and a function on rows, which the rooms
   above (attach operations, templates) call inside their own transaction. Functions that change rows run in an APPLY,
   write the change log, and check what they need themselves, so a race ends in one of the documented errors.

       CreateThing            thing.c         registry_create_thing    rows, attributes, type and billing group checks
       AddThingToThingGroup   thing_group.c   registry_join_group      limits, one group a hierarchy
       AttachThingPrincipal   (certificate/)  registry_attach_principal    exclusive things

   Sources: x509.md 2.3, 2.5, 4.13, 4.15. */
#pragma once
#include "operation/operation.h"

extern const struct operation *const registry_operations[];       /* things and types */
extern const struct operation *const registry_group_operations[]; /* groups, billing groups, tags */
extern const struct operation *const registry_event_operations[]; /* event configurations */

enum {
    THING_ATTRIBUTES_WITHOUT_TYPE = 3,
    THING_ATTRIBUTES_WITH_TYPE = 50,
    THING_ATTRIBUTE_BYTES = 47 * 1024,
    THING_GROUP_DEPTH = 7,
    THING_GROUP_CHILDREN = 100,
    THING_GROUPS_OF_A_THING = 10
};

/* ---- things ---- */

struct thing {
    const char *name, *id;
    const char *type_name;     /* NULL: none */
    const char *billing_group; /* NULL: none */
    int64_t version;
    json *attributes; /* name -> text; never NULL */
};
/* NULL when there is none. */
FALLIBLE registry_find_thing(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct thing **out);

/* Creates it, or finds the same one made before (idempotent, same id). Fails with ResourceNotFoundException (type,
   billing group), InvalidRequestException (deprecated type, too many attributes), ResourceAlreadyExistsException.
   `wanted->attributes` may be NULL; empty values are dropped. id and version are ignored. */
FALLIBLE registry_create_thing(struct call *call, const struct thing *wanted, struct thing **out);

/* What UpdateThing and templates change; only what is given moves. The version grows by one if anything changed. */
struct thing_change {
    const char *type_name;     /* NULL: unchanged */
    json *attributes;          /* NULL: unchanged */
    bool merge;                /* attributes are added or overwritten, an empty value removes; else they replace */
    const char *billing_group; /* NULL: unchanged */
};
FALLIBLE registry_change_thing(struct call *call, struct thing *thing, const struct thing_change *change);

/* ---- types ---- */

struct thing_type {
    const char *name, *id;
    const char *description; /* NULL: none */
    json *searchable;        /* array of attribute names */
    json *mqtt5;             /* NULL: none */
    bool deprecated;
    int64_t deprecated_at, created;
};
FALLIBLE registry_find_type(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                            struct thing_type **out);

/* ---- groups ---- */

struct thing_group {
    const char *name, *id;
    const char *parent; /* NULL: a root */
    const char *description;
    json *attributes;
    int64_t version, created;
};
FALLIBLE registry_find_group(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct thing_group **out);
/* Idempotent. Fails with InvalidRequestException: already in a group of the same hierarchy, or in 10 groups. */
FALLIBLE registry_join_group(struct call *call, const char *group, const char *thing);
FALLIBLE registry_leave_group(struct call *call, const char *group, const char *thing);
/* Names, in order; an array in ctx. */
FALLIBLE registry_groups_of_thing(struct tx *tx, void *ctx, const char *account, const char *region, const char *thing,
                                  const char ***out, size_t *count);
/* Fails with ResourceNotFoundException when there is no such billing group. */
FALLIBLE registry_need_billing_group(struct call *call, const char *name);

/* ---- principals of things (rows; the attach operations are the certificate room's) ---- */

/* Fails with InvalidRequestException when an exclusive attachment forbids it; ResourceNotFoundException for the thing. */
FALLIBLE registry_attach_principal(struct call *call, const char *principal, const char *thing, bool exclusive);
FALLIBLE registry_detach_principal(struct call *call, const char *principal, const char *thing);
/* The thing a connection carries: the exclusive thing of the principal, else the attached thing named client_id (may be
   empty). NULL: none. Reads for an admission, or a policy. */
FALLIBLE registry_thing_of_connection(struct tx *tx, void *ctx, const char *account, const char *region,
                                      const char *principal, slice client_id, struct thing **out, bool *exclusive);
/* How many things the principal is attached to. */
FALLIBLE registry_count_things(struct tx *tx, const char *account, const char *region, const char *principal,
                               int64_t *out);

/* ---- tags given at creation (x509.md 4.15): at most 50, the prefix aws: is reserved; from input member tags ---- */
FALLIBLE registry_write_tags(struct call *call, const char *resource_arn);
FALLIBLE registry_remove_tags(struct call *call, const char *resource_arn);

/* For door_on_resource of the service "iot": tags of types, groups, policies, templates, role aliases. */
FALLIBLE registry_resource(struct tx *tx, void *ctx, const struct call *call, struct resource *resource);
