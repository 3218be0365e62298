/* resource.c - what policies may ask about an IAM entity that a request only names (auth.md 4.2.5, 4.3): its ARN, which
   holds a path, its tags, its permissions boundary. */
#include "iam/inner.h"

static const struct iam_kind *const kinds[] = { &iam_user_kind, &iam_group_kind, &iam_role_kind, &iam_policy_kind };

/* "arn:aws:iam::ACCOUNT:user/ada" of this account: its kind, and what stands after "user/". NULL for all other texts. */
static const struct iam_kind *kind_of(void *ctx, const struct call *call, const char *arn, slice *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *start = iam_arn(ctx, call->account, kinds[i], "/", "");
        if (strncmp(arn, start, strlen(start)) == 0) {
            *name = slice_of(arn + strlen(start));
            return kinds[i];
        }
    }
    return NULL;
}

static bool is_operation(const struct call *call, const char *verb, const struct iam_kind *kind)
{
    const char *name = call->operation->name;
    return strncmp(name, verb, strlen(verb)) == 0 && strcmp(name + strlen(verb), kind->noun) == 0;
}

/* ---- facts ---- */

struct gathered {
    void *ctx;
    struct caller_fact *facts;
    size_t count;
};

static void add_fact(struct gathered *into, const char *key, slice value)
{
    slice *one = MAKE(into->ctx, slice);
    *one = slice_copy(into->ctx, value);
    *ARRAY_ADD(into->ctx, into->facts, into->count) = (struct caller_fact){ key, one, 1 };
}

static FALLIBLE add_tag(const struct row *row, void *arg)
{
    struct gathered *into = arg;
    add_fact(into, text_format(into->ctx, "aws:ResourceTag/%.*s", PRINT(row_slice(row, 0))), row_slice(row, 1));
    return NULL;
}

static FALLIBLE add_tags(struct tx *tx, struct gathered *into, const char *account, const char *kind, const char *name)
{
    return store_each(tx, add_tag, into,
                      "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ?",
                      ARGS(sql_text(account), sql_text(kind), sql_text(name)));
}

/* OpenID Connect providers: what stands after "oidc-provider/" is the whole name. */
static FALLIBLE add_provider(struct tx *tx, void *ctx, const struct call *call, struct resource *resource)
{
    struct gathered into = { .ctx = ctx };
    const char *start = text_format(ctx, "arn:aws:iam::%s:oidc-provider/", call->account);
    if (strncmp(resource->arn, start, strlen(start)) != 0)
        return NULL;
    TRY(add_tags(tx, &into, call->account, "oidc-provider", resource->arn + strlen(start)));
    resource->tags = into.facts;
    resource->tag_count = into.count;
    return NULL;
}

/* The boundary that a request sets is the request's own key; else the question is which one is set (auth 4.2.6). */
static FALLIBLE add_facts(struct tx *tx, void *ctx, const struct call *call, const struct iam_entity *entity,
                          struct resource *resource)
{
    struct gathered into = { .ctx = ctx };
    TRY(add_tags(tx, &into, call->account, entity->kind->kind, entity->name));
    if (entity->boundary != NULL && !call_has(call, "PermissionsBoundary"))
        add_fact(&into, "iam:PermissionsBoundary", slice_of(entity->boundary));
    resource->arn = entity->arn;
    resource->tags = into.facts;
    resource->tag_count = into.count;
    return NULL;
}

/* ---- which entity ---- */

static FALLIBLE find_key_owner(struct tx *tx, void *ctx, const struct call *call, struct iam_entity **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row, "SELECT user_name FROM iam_access_key WHERE id = ? AND account = ?",
                   ARGS(sql_slice(call_text(call, "AccessKeyId")), sql_text(call->account))));
    return row ? iam_find(tx, ctx, call->account, &iam_user_kind, row_slice(row, 0), out) : NULL;
}

/* Operations that leave UserName out mean the caller; GetAccessKeyLastUsed means whose key it is. */
static FALLIBLE find_unnamed(struct tx *tx, void *ctx, const struct call *call, struct iam_entity **out)
{
    static const char *const own[] = { "GetUser", "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey",
                                       "DeleteAccessKey" };
    const char *name = call->operation->name, *user = call->caller ? call->caller->user_name : NULL;
    *out = NULL;
    if (strcmp(name, "GetAccessKeyLastUsed") == 0)
        return find_key_owner(tx, ctx, call, out);
    for (size_t i = 0; user != NULL && i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(name, own[i]) == 0)
            return iam_find(tx, ctx, call->account, &iam_user_kind, slice_of(user), out);
    return NULL;
}

/* By the name at the end. An ARN that came with a path must be the entity's own. */
static FALLIBLE find_named(struct tx *tx, void *ctx, const struct call *call, const struct iam_kind *kind,
                           const char *arn, slice name, struct iam_entity **out)
{
    slice rest = name, last = name;
    while (slice_split(&rest, '/', &last))
        ;
    TRY(iam_find(tx, ctx, call->account, kind, last, out));
    bool whole = kind == &iam_policy_kind || last.length != name.length;
    if (*out != NULL && whole && strcmp((*out)->arn, arn) != 0)
        *out = NULL;
    return NULL;
}

FALLIBLE iam_resource(struct tx *tx, void *ctx, const struct call *call, struct resource *resource)
{
    slice name;
    struct iam_entity *entity = NULL;
    const struct iam_kind *kind = kind_of(ctx, call, resource->arn, &name);
    if (kind == NULL && strcmp(resource->arn, "*") == 0)
        TRY(find_unnamed(tx, ctx, call, &entity));
    else if (kind != NULL && is_operation(call, "Create", kind)) {
        const char *path = call_has(call, "Path") ? call_string(call, "Path") : "/";
        resource->arn = iam_arn(ctx, call->account, kind, path, slice_text(ctx, name));
    } else if (kind != NULL)
        TRY(find_named(tx, ctx, call, kind, resource->arn, name, &entity));
    return entity ? add_facts(tx, ctx, call, entity, resource) : add_provider(tx, ctx, call, resource);
}
