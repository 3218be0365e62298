/* inner.h - what the files of the registry share with each other. */
#pragma once
#include "registry/registry.h"

/* thing_rows.c */
FALLIBLE registry_delete_thing(struct call *call, const struct thing *thing);
FALLIBLE registry_tell_thing(struct call *call, const struct thing *thing, const char *operation); /* x509.md 3.8 */

/* group_rows.c: a group and its ancestors, the root last; depth 0: there is no such group. */
struct group_path {
    size_t depth;
    struct thing_group *groups[THING_GROUP_DEPTH];
};
FALLIBLE registry_group_path(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                             struct group_path *out);
FALLIBLE registry_create_group_row(struct call *call, const struct thing_group *group);
FALLIBLE registry_update_group_row(struct call *call, const struct thing_group *group);

/* attributes.c: what attributes become: `given` merged in, an empty value removing its name, or in their place, without
   the empty ones (x509.md 4.13). */
json *registry_attributes_after(void *ctx, const json *before, const json *given, bool merge);

/* group_event.c: what a group tells, when the account wants to hear it (x509.md 3.8). `operation`: CREATED, ... */
FALLIBLE registry_tell_group(struct call *call, const struct thing_group *group, const char *operation);
struct membership {
    const char *thing, *thing_id, *id;
};
FALLIBLE registry_tell_membership(struct call *call, const struct thing_group *group,
                                  const struct membership *membership, const char *operation);

/* group_member.c: the name in one member or the ARN of this account and region in the other; both must agree
   (x509.md 4.15). `kind` stands in the ARN, `label` in errors. */
struct named {
    const char *label, *kind, *name_member, *arn_member;
};
extern const struct named registry_named_thing, registry_named_group, registry_named_billing_group;
FALLIBLE registry_name_or_arn(struct call *call, const struct named *named, const char **out);

/* attributes.c: a page of names that begin with the input's namePrefixFilter lies between these two. */
struct value registry_prefix_after(const struct list *list);
struct value registry_prefix_before(const struct list *list);

/* ResourceNotFoundException for a name that a request gave. */
error *registry_no_thing(struct call *call, const char *name);
error *registry_no_group(struct call *call, const char *name);

/* window.c: a list that examines at most this many rows a call, and shows those of them that are wanted. The walk gives
   rows behind `after`, in name order, at most `rows`, to window_row: column 0 is the position, column `wanted` a number. */
enum { REGISTRY_ROWS_A_PAGE = 5000 };
struct window {
    struct call *call;
    const char *member;                                       /* of the output: "things" */
    json *(*entry)(struct call *call, const struct row *row); /* taken over by the window */
    int wanted;
    void *arg; /* the walk's */
    struct page page;
    int64_t examined;
    bool full;
    const char *last; /* examined */
    json *array;
};
FALLIBLE window_fill(struct window *window, FALLIBLE (*walk)(struct window *window, const char *after, int64_t rows),
                     void *arg);
FALLIBLE window_row(const struct row *row, void *window); /* for store_each */
error *window_answer(struct window *window);

extern const struct operation registry_op_create_thing, registry_op_describe_thing, registry_op_list_things,
    registry_op_update_thing, registry_op_delete_thing;
extern const struct operation registry_op_create_type, registry_op_update_type, registry_op_describe_type,
    registry_op_list_types, registry_op_deprecate_type, registry_op_delete_type;
extern const struct operation registry_op_add_thing, registry_op_remove_thing, registry_op_update_groups,
    registry_op_list_members;
extern const struct operation registry_op_create_billing_group, registry_op_update_billing_group,
    registry_op_describe_billing_group, registry_op_delete_billing_group, registry_op_list_billing_groups,
    registry_op_add_to_billing_group, registry_op_remove_from_billing_group, registry_op_list_billing_members;
extern const struct operation registry_op_tag, registry_op_untag, registry_op_list_tags;
extern const struct operation registry_op_list_thing_principals, registry_op_list_thing_principals_v2;
