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

/* door_put names that this room reads */
#define REGISTRY_TYPE_DELETE_DELAY "type-delete-delay" /* const int *: seconds from deprecation to deletion; else 300 */

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

/* What UpdateThing, templates and billing groups change; only what is given moves. The version grows by one if anything
   changed. */
struct thing_change {
    const char *type_name;     /* NULL: unchanged */
    bool remove_type;          /* it has no type afterwards */
    json *attributes;          /* NULL: unchanged */
    bool merge;                /* attributes are added or overwritten, an empty value removes; else they replace */
    const char *billing_group; /* NULL: unchanged */
    bool remove_billing_group; /* it has none afterwards */
    bool counts;               /* the version grows even if nothing changed: UpdateThing (x509.md 4.13) */
};
FALLIBLE registry_change_thing(struct call *call, struct thing *thing, const struct thing_change *change);

/* ---- events (x509.md 3.8; provisioning.md 3.7, 4.14) ---- */

enum registry_event {
    EVENT_THING,
    EVENT_THING_GROUP,
    EVENT_THING_TYPE,
    EVENT_THING_GROUP_MEMBERSHIP,
    EVENT_THING_GROUP_HIERARCHY,
    EVENT_THING_TYPE_ASSOCIATION,
    EVENT_JOB,
    EVENT_JOB_EXECUTION,
    EVENT_POLICY,
    EVENT_CERTIFICATE,
    EVENT_CA_CERTIFICATE,
    REGISTRY_EVENTS
};
/* Has the account switched the kind on in this region? One indexed read: ask first where members cost reads. */
FALLIBLE registry_event_wanted(struct call *call, enum registry_event kind, bool *out);
/* In APPLY, beside call_change: if the kind is on, publishes on "$aws/events/<subject>/<operation in lower case>" after
   the commit: eventType, eventId, timestamp, operation, accountId, then `members`, which stay their owner's (json_new_object
   of the call; a NULL value is told as null). `subject`: "thing/lamp-7"; `operation`: "CREATED", "ADDED", ... */
FALLIBLE registry_event(struct call *call, enum registry_event kind, const char *subject, const char *operation,
                        json *members);

bool registry_same_text(const char *a, const char *b); /* NULL is the same as NULL only */

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
/* Releases its members and its tags; what else hangs on it, policies, is released by the caller. Fails with
   InvalidRequestException while it has child groups. */
FALLIBLE registry_delete_group(struct call *call, const char *name);
error *registry_wrong_group_version(struct call *call, const char *name); /* VersionConflictException */
/* Names, in order; an array in ctx. */
FALLIBLE registry_groups_of_thing(struct tx *tx, void *ctx, const char *account, const char *region, const char *thing,
                                  const char ***out, size_t *count);
/* Fails with ResourceNotFoundException when there is no such billing group. */
FALLIBLE registry_need_billing_group(struct call *call, const char *name);

/* ---- principals of things (rows; the attach operations are the certificate room's) ---- */

/* Fails with InvalidRequestException when an exclusive attachment forbids it; ResourceNotFoundException for the thing. */
FALLIBLE registry_attach_principal(struct call *call, const char *principal, const char *thing, bool exclusive);
FALLIBLE registry_detach_principal(struct call *call, const char *principal, const char *thing);
/* It goes: it is attached to no thing any more. */
FALLIBLE registry_release_principal(struct call *call, const char *principal);
/* The thing a connection carries: the exclusive thing of the principal, else the attached thing named client_id (may be
   empty). NULL: none. Reads for an admission, or a policy. */
FALLIBLE registry_thing_of_connection(struct tx *tx, void *ctx, const char *account, const char *region,
                                      const char *principal, slice client_id, struct thing **out, bool *exclusive);
/* A page of the principal's things, answered as ListPrincipalThings, or as its second version with types. */
FALLIBLE registry_list_principal_things(struct call *call, const char *principal, bool with_types);
/* Is the principal attached to a thing? */
FALLIBLE registry_has_things(struct tx *tx, const char *account, const char *region, const char *principal, bool *out);

/* ---- tags given at creation (x509.md 4.15): at most 50, the prefix aws: is reserved; from input member tags ---- */
FALLIBLE registry_write_tags(struct call *call, const char *resource_arn);
FALLIBLE registry_remove_tags(struct call *call, const char *resource_arn);

/* For door_on_resource of the service "iot": the tags of what a request is about, as aws:ResourceTag/KEY. */
FALLIBLE registry_resource(struct tx *tx, void *ctx, const struct call *call, struct resource *resource);
