/* inner.h - what the files of the IAM interface share.

   Users, groups, roles and customer managed policies are entities of four kinds: a name that is unique whatever its
   case, a path, an id, an ARN that holds the path. Whatever is done to more than one kind (inline policies, tags,
   boundaries, deleting) is written once, over struct iam_kind; which kind a request is about shows by the member that
   names it. */
#pragma once
#include "iam/iam.h"

/* ---- kinds ---- */

struct iam_obstacle { /* what must be gone before an entity can be deleted */
    const char *sql;  /* finds a row of it: account, name */
    const char *message;
};

struct iam_kind {
    const char
        *kind; /* "user": owner_kind of rows, word of messages, beginning of ARNs and of keys in the change log */
    const char *noun;   /* "User": of an entity's members in answers, as in UserName and UserId */
    const char *member; /* of a request that names one: "UserName" */
    const char *prefix; /* of ids: "AIDA" */
    const char *find, *folded, *list, *rename, *remove, *number, *set_boundary; /* SQL: rows.c */
    const char *const *moves; /* SQL: what goes by the name and is renamed with it: new name, account, old name */
    const struct iam_obstacle *obstacles;
    const char *quota; /* "UsersPerAccount" */
    int64_t quota_count;
    size_t inline_max; /* characters without white space of all inline policies together (auth 5); 0: it has none */
};
extern const struct iam_kind iam_user_kind, iam_group_kind, iam_role_kind, iam_policy_kind;

struct iam_entity {
    const struct iam_kind *kind;
    const char *name, *path, *id, *arn;
    int64_t created;
    const char *boundary; /* ARN of a managed policy; users and roles; NULL: none */
    /* roles */
    slice trust; /* as it is stored */
    const char *description, *last_used_region;
    int64_t max_session_s, last_used; /* last_used 0: never */
};

/* "arn:aws:iam::ACCOUNT:user/path/name" */
const char *iam_arn(void *ctx, const char *account, const struct iam_kind *kind, const char *path, const char *name);

/* Roles below this path belong to services. */
#define IAM_SERVICE_PATH "/aws-service-role/"

/* ---- rows ---- */

/* By exact name; *out is NULL when there is none. */
FALLIBLE iam_find(struct tx *tx, void *ctx, const char *account, const struct iam_kind *kind, slice name,
                  struct iam_entity **out);
/* Fails with NoSuchEntity: "The user with name X cannot be found." */
FALLIBLE iam_get(struct call *call, const struct iam_kind *kind, const char *name, struct iam_entity **out);
/* The entity that the request names by UserName, GroupName, RoleName or PolicyArn. */
FALLIBLE iam_get_owner(struct call *call, struct iam_entity **out);
/* A customer managed policy of this account by its whole ARN; *out is NULL for any other text. */
FALLIBLE iam_find_policy(struct tx *tx, void *ctx, const char *account, slice arn, struct iam_entity **out);
/* UserName, or when it is left out the caller's own. Fails with ValidationError for callers who are no user. */
FALLIBLE iam_user_name(struct call *call, const char **out);

/* A new entity of this name: checks that the name is free and the quota not used up, draws an id. Its row is the
   caller's to write. */
FALLIBLE iam_prepare(struct call *call, const struct iam_kind *kind, const char *name, struct iam_entity **out);
/* NewPath and New...Name: the entity and all that goes by its name. */
FALLIBLE iam_rename(struct call *call, const struct iam_entity *entity, const char *new_name, const char *new_path);
/* Nothing may be left that must go before it (DeleteConflict). Its tags go with it. */
FALLIBLE iam_remove(struct call *call, const struct iam_entity *entity);
/* A service's own role is changed by nobody else (UnmodifiableEntity); an entity of any other kind passes. */
FALLIBLE iam_check_modifiable(struct call *call, const struct iam_entity *entity);
/* The change log's row of an entity; it drops the gateway's cached callers. */
FALLIBLE iam_changed(struct call *call, const struct iam_entity *entity, const char *kind, const char *detail);

/* ---- answers ---- */

/* A document as IAM answers show it (auth 3.2). */
const char *iam_encoded(void *ctx, slice document);
/* The members that every list shows of an entity. Hangs off the call. */
FALLIBLE iam_entity_json(struct call *call, const struct iam_entity *entity, json **out);
/* With PermissionsBoundary and Tags, too. */
FALLIBLE iam_whole_json(struct call *call, const struct iam_entity *entity, json **out);
/* One page of entities as the output's `member`. `sql` selects kind->columns and goes on after a name up to a number of
   rows, its last two parameters; `args` (at most IAM_LIST_ARGS) are those before them. */
enum { IAM_LIST_ARGS = 4 };
FALLIBLE iam_list(struct call *call, const struct iam_kind *kind, const char *member, const char *sql,
                  const struct value *args, size_t count);

/* ---- tags ---- */

/* Writes the request's Tags (auth 2.4). Fails with InvalidInput for a key given twice, LimitExceeded past 50. */
FALLIBLE iam_write_tags(struct call *call, const char *owner_kind, const char *owner_name);
/* [{Key, Value}], or NULL when there are none. Hangs off the call. */
FALLIBLE iam_tags_json(struct call *call, const char *owner_kind, const char *owner_name, json **out);

/* ---- permissions boundaries ---- */

/* The request's PermissionsBoundary, if it has one, is a managed policy that exists, built in or of this account. */
FALLIBLE iam_check_boundary(struct call *call);

/* ---- rows of entities.c ---- */
extern const struct operation iam_op_create_user, iam_op_get_user, iam_op_list_users, iam_op_update_user,
    iam_op_delete_user;
extern const struct operation iam_op_create_key, iam_op_list_keys, iam_op_update_key, iam_op_delete_key,
    iam_op_key_last_used;
extern const struct operation iam_op_create_group, iam_op_get_group, iam_op_list_groups, iam_op_update_group,
    iam_op_delete_group, iam_op_add_member, iam_op_remove_member, iam_op_list_groups_of_user;
extern const struct operation iam_op_create_role, iam_op_get_role, iam_op_list_roles, iam_op_update_role,
    iam_op_update_trust, iam_op_delete_role, iam_op_create_service_role;
/* One operation written once and reachable by a name for each kind: X(user, User) and so on. */
#define IAM_INLINE_KINDS(X)  X(user, User) X(group, Group) X(role, Role)
#define IAM_TAGGED_KINDS(X)  X(user, User) X(role, Role) X(policy, Policy)
#define IAM_BOUNDED_KINDS(X) X(user, User) X(role, Role)
#define IAM_INLINE_DECLARED(kind, Noun)                                                   \
    extern const struct operation iam_op_put_##kind##_policy, iam_op_get_##kind##_policy, \
        iam_op_delete_##kind##_policy, iam_op_list_##kind##_policies;
#define IAM_TAGGED_DECLARED(kind, Noun) \
    extern const struct operation iam_op_tag_##kind, iam_op_untag_##kind, iam_op_list_##kind##_tags;
#define IAM_BOUNDED_DECLARED(kind, Noun) \
    extern const struct operation iam_op_put_##kind##_boundary, iam_op_delete_##kind##_boundary;
IAM_INLINE_KINDS(IAM_INLINE_DECLARED)
IAM_TAGGED_KINDS(IAM_TAGGED_DECLARED)
IAM_BOUNDED_KINDS(IAM_BOUNDED_DECLARED)
