/* inner.h - what the files of the registry share with each other. */
#pragma once
#include "registry/registry.h"

/* thing_rows.c */
FALLIBLE registry_read_attributes(struct tx *tx, void *ctx, const char *account, const char *region, const char *thing,
                                  json **out);
FALLIBLE registry_delete_thing(struct call *call, const char *name);

/* group_rows.c: a group and its ancestors, the root last; depth 0: there is no such group. */
struct group_path {
    size_t depth;
    struct thing_group *groups[THING_GROUP_DEPTH];
};
FALLIBLE registry_group_path(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct group_path *out);
FALLIBLE registry_create_group_row(struct call *call, const struct thing_group *group);

/* ResourceNotFoundException for a name that a request gave. */
error *registry_no_thing(struct call *call, const char *name);
error *registry_no_group(struct call *call, const char *name);

/* A list that shows at most one page of what it examines, and examines at most this many rows a call. */
enum { REGISTRY_ROWS_A_PAGE = 5000 };

extern const struct operation registry_op_create_thing, registry_op_describe_thing, registry_op_list_things,
    registry_op_delete_thing;
extern const struct operation registry_op_create_type, registry_op_describe_type;
extern const struct operation registry_op_create_group, registry_op_describe_group, registry_op_add_thing,
    registry_op_list_members, registry_op_list_groups_of_thing;
extern const struct operation registry_op_list_thing_principals, registry_op_list_principal_things;
