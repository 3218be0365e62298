/* managed.c - CreatePolicy, GetPolicy, ListPolicies, DeletePolicy (auth.md 2.4). */
#include "iam/managed.h"
#include "base/random.h"

/* ---- finding ---- */

static bool is_account(slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length == 12;
}

/* "arn:aws:iam::ACCOUNT:policy/path/name"; account may be "aws". `rest` is "/path/name". */
static bool split_arn(slice arn, slice *account, slice *rest)
{
    static const char start[] = "arn:aws:iam::", kind[] = "policy";
    if (!slice_starts(arn, start))
        return false;
    *rest = slice_from(arn, strlen(start));
    if (!slice_split(rest, ':', account) || !slice_starts(*rest, kind))
        return false;
    *rest = slice_from(*rest, strlen(kind));
    return (slice_is(*account, "aws") || is_account(*account)) && rest->length > 1 && rest->at[0] == '/' &&
           rest->at[rest->length - 1] != '/';
}

static struct managed_policy *of_built_in(struct call *call, const struct policy_managed *built_in)
{
    struct managed_policy *policy = MAKE(call, struct managed_policy);
    int64_t version = strtoll(built_in->version + 1, NULL, 10);
    *policy = (struct managed_policy){ .arn = built_in->arn,
                                       .name = built_in->name,
                                       .path = built_in->path,
                                       .id = built_in->id,
                                       .default_version = version,
                                       .last_version = version,
                                       .created_ms = built_in->created_s * 1000,
                                       .modified_ms = built_in->updated_s * 1000,
                                       .built_in = built_in };
    return policy;
}

/* Columns: name, path, id, description, default_version, last_version, created, modified. */
static struct managed_policy *of_row(struct call *call, const struct row *row)
{
    struct managed_policy *policy = MAKE(call, struct managed_policy);
    policy->name = row_text(policy, row, 0);
    policy->path = row_text(policy, row, 1);
    policy->id = row_text(policy, row, 2);
    policy->description = row_text(policy, row, 3);
    policy->default_version = row_integer(row, 4);
    policy->last_version = row_integer(row, 5);
    policy->created_ms = row_integer(row, 6);
    policy->modified_ms = row_integer(row, 7);
    policy->arn = text_format(policy, "arn:aws:iam::%s:policy%s%s", call->account, policy->path, policy->name);
    return policy;
}

FALLIBLE managed_find(struct call *call, slice arn, struct managed_policy **out)
{
    struct row *row;
    slice account, rest, name = { NULL, 0 };
    *out = NULL;
    if (!split_arn(arn, &account, &rest))
        return error_new(call, "InvalidInputException", "ARN %.*s is not valid.", PRINT(arn));
    if (slice_is(account, "aws")) {
        const struct policy_managed *built_in = policy_managed_find(arn);
        *out = built_in ? of_built_in(call, built_in) : NULL;
        return NULL;
    }
    if (!slice_is(account, call->account))
        return NULL;
    for (slice piece, left = rest; slice_split(&left, '/', &piece);)
        name = piece;
    TRY(store_find(call->tx, call, &row,
                   "SELECT name, path, id, description, default_version, last_version, created, modified "
                   "FROM iam_policy WHERE account = ? AND name = ? AND path || name = ?",
                   ARGS(sql_text(call->account), sql_slice(name), sql_slice(rest))));
    *out = row ? of_row(call, row) : NULL;
    return NULL;
}

FALLIBLE managed_get(struct call *call, struct managed_policy **out)
{
    TRY(managed_find(call, call_text(call, "PolicyArn"), out));
    return *out ? NULL
                : error_new(call, "NoSuchEntityException", "Policy %s was not found.", call_string(call, "PolicyArn"));
}

/* They belong to an account that lets nobody in. */
FALLIBLE managed_get_own(struct call *call, struct managed_policy **out)
{
    TRY(managed_get(call, out));
    if ((*out)->built_in == NULL)
        return NULL;
    return error_new(call, "AccessDenied", "User: %s is not authorized to perform: iam:%s on resource: policy %s",
                     call->caller ? call->caller->arn : "nobody", call->operation->name, (*out)->arn);
}

FALLIBLE managed_change(struct call *call, const char *name, const char *kind, const char *detail)
{
    return call_change(call, "iam", text_format(call, "policy/%s", name), kind, detail);
}

/* ---- shown ---- */

FALLIBLE managed_count_usage(struct call *call, const char *arn, struct managed_usage *out)
{
    struct row *row;
    struct value account = sql_text(call->account), policy = sql_text(arn);
    TRY(store_find(call->tx, call, &row,
                   "SELECT (SELECT count(*) FROM iam_attached_policy WHERE account = ? AND policy_arn = ?), "
                   "(SELECT count(*) FROM iam_user WHERE account = ? AND boundary = ?) + "
                   "(SELECT count(*) FROM iam_role WHERE account = ? AND boundary = ?)",
                   ARGS(account, policy, account, policy, account, policy)));
    *out = (struct managed_usage){ row_integer(row, 0), row_integer(row, 1) };
    return NULL;
}

/* Lists show no more; GetPolicy adds Description and Tags, CreatePolicy Tags. */
static json *show(struct call *call, const struct managed_policy *policy, struct managed_usage usage)
{
    json *out = json_object_new_object();
    json_put_text(out, "PolicyName", policy->name);
    json_put_text(out, "PolicyId", policy->id);
    json_put_text(out, "Arn", policy->arn);
    json_put_text(out, "Path", policy->path);
    json_put_text(out, "DefaultVersionId", text_format(call, "v%lld", (long long)policy->default_version));
    json_put_integer(out, "AttachmentCount", usage.attachments);
    json_put_integer(out, "PermissionsBoundaryUsageCount", usage.boundaries);
    json_put_bool(out, "IsAttachable", true);
    json_put_time(out, "CreateDate", policy->created_ms);
    json_put_time(out, "UpdateDate", policy->modified_ms);
    return out;
}

/* ---- CreatePolicy ---- */

FALLIBLE managed_check_document(struct call *call)
{
    struct policy *policy;
    slice document = call_text(call, "PolicyDocument");
    if (policy_size(document) > MANAGED_SIZE_MAX)
        return error_new(call, "LimitExceededException", "Cannot exceed quota for PolicySize: %d", MANAGED_SIZE_MAX);
    return policy_parse_sized(call, document, POLICY_IAM_IDENTITY, MANAGED_SIZE_MAX, &policy);
}

FALLIBLE managed_insert_version(struct call *call, const char *name, int64_t version)
{
    return store_run(call->tx, NULL,
                     "INSERT INTO iam_policy_version (account, policy, version, document, created) "
                     "VALUES (?, ?, ?, ?, ?)",
                     ARGS(sql_text(call->account), sql_text(name), sql_integer(version),
                          sql_slice(call_text(call, "PolicyDocument")), sql_integer(call->now_ms)));
}

static FALLIBLE check_quota(struct call *call)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM iam_policy WHERE account = ?",
                   ARGS(sql_text(call->account))));
    if (row_integer(row, 0) >= MANAGED_POLICIES_MAX)
        return error_new(call, "LimitExceededException", "Cannot exceed quota for PoliciesPerAccount: %d",
                         MANAGED_POLICIES_MAX);
    return NULL;
}

static FALLIBLE insert_policy(struct call *call, const struct managed_policy *policy)
{
    int64_t made;
    TRY(store_run(call->tx, &made,
                  "INSERT INTO iam_policy (account, name, path, id, description, default_version, last_version, "
                  "created, modified) VALUES (?, ?, ?, ?, ?, 1, 1, ?, ?) ON CONFLICT DO NOTHING",
                  ARGS(sql_text(call->account), sql_text(policy->name), sql_text(policy->path), sql_text(policy->id),
                       sql_text(policy->description), sql_integer(call->now_ms), sql_integer(call->now_ms))));
    if (made == 0)
        return error_new(call, "EntityAlreadyExistsException",
                         "A policy called %s already exists. Duplicate names are not allowed.", policy->name);
    return NULL;
}

static FALLIBLE create(struct call *call)
{
    const char *path = call_string(call, "Path");
    struct managed_policy policy = { .name = call_string(call, "PolicyName"),
                                     .path = path ? path : "/",
                                     .id = text_format(call, "ANPA%s", random_text(call, 17, ALPHABET_ID)),
                                     .description = call_string(call, "Description"),
                                     .default_version = 1,
                                     .created_ms = call->now_ms,
                                     .modified_ms = call->now_ms };
    policy.arn = text_format(call, "arn:aws:iam::%s:policy%s%s", call->account, policy.path, policy.name);
    TRY(check_quota(call));
    TRY(insert_policy(call, &policy));
    TRY(managed_insert_version(call, policy.name, 1));
    TRY(iam_write_tags(call, "policy", policy.name));
    TRY(managed_change(call, policy.name, "CREATED", NULL));

    json *shown = show(call, &policy, (struct managed_usage){ 0, 0 });
    json *tags = json_get_array(call->input, "Tags");
    if (tags != NULL)
        json_put(shown, "Tags", json_object_get(tags));
    return answer(call, value_of("Policy", shown));
}

/* ---- GetPolicy ---- */

static FALLIBLE get(struct call *call)
{
    struct managed_policy *policy;
    struct managed_usage usage;
    TRY(managed_get(call, &policy));
    TRY(managed_count_usage(call, policy->arn, &usage));
    json *shown = json_own(call, show(call, policy, usage)), *tags;
    json_put_text(shown, "Description", policy->description);
    if (policy->built_in == NULL) {
        TRY(iam_tags_json(call, "policy", policy->name, &tags));
        if (tags != NULL)
            json_put(shown, "Tags", tags);
    }
    return answer(call, value_of("Policy", json_object_get(shown)));
}

/* ---- ListPolicies: the account's own by name, then the built-in ones ---- */

enum { OWN = '1', BUILT_IN = '2' }; /* how positions begin */

struct listing {
    struct call *call;
    struct page page;
    json *array;
    slice prefix; /* of paths */
    struct managed_usage atleast;
    int64_t used_atleast; /* both together */
};

static void ask_usage(struct listing *listing)
{
    bool only = call_flag(listing->call, "OnlyAttached");
    slice filter = call_text(listing->call, "PolicyUsageFilter");
    if (slice_is(filter, "PermissionsBoundary"))
        listing->atleast.boundaries = 1;
    else if (slice_is(filter, "PermissionsPolicy"))
        listing->atleast.attachments = only;
    else
        listing->used_atleast = only;
}

static void list_one(struct listing *listing, char kind, const struct managed_policy *policy,
                     struct managed_usage usage)
{
    if (page_take(listing->call, &listing->page, text_format(listing->call, "%c%s", kind, policy->name)))
        json_add(listing->array, show(listing->call, policy, usage));
}

static FALLIBLE list_row_of_own(const struct row *row, void *arg)
{
    struct listing *listing = arg;
    struct managed_usage usage = { row_integer(row, 8), row_integer(row, 9) };
    list_one(listing, OWN, of_row(listing->call, row), usage);
    return NULL;
}

static FALLIBLE list_own(struct listing *listing)
{
    const char *after = listing->page.after;
    if (after != NULL && after[0] == BUILT_IN)
        return NULL;
    return store_each(
        listing->call->tx, list_row_of_own, listing,
        "SELECT name, path, id, description, default_version, last_version, created, modified, attached, bounded "
        "FROM (SELECT p.name, p.path, p.id, p.description, p.default_version, p.last_version, p.created, p.modified, "
        "(SELECT count(*) FROM iam_attached_policy a WHERE a.account = p.account "
        "AND a.policy_arn = 'arn:aws:iam::' || p.account || ':policy' || p.path || p.name) AS attached, "
        "(SELECT count(*) FROM iam_user u WHERE u.account = p.account "
        "AND u.boundary = 'arn:aws:iam::' || p.account || ':policy' || p.path || p.name) + "
        "(SELECT count(*) FROM iam_role r WHERE r.account = p.account "
        "AND r.boundary = 'arn:aws:iam::' || p.account || ':policy' || p.path || p.name) AS bounded "
        "FROM iam_policy p WHERE p.account = ? AND p.name > ? AND substr(p.path, 1, ?) = ?) q "
        "WHERE attached >= ? AND bounded >= ? AND attached + bounded >= ? ORDER BY name LIMIT ?",
        ARGS(sql_text(listing->call->account), sql_text(after ? after + 1 : ""),
             sql_integer((int64_t)listing->prefix.length), sql_slice(listing->prefix),
             sql_integer(listing->atleast.attachments), sql_integer(listing->atleast.boundaries),
             sql_integer(listing->used_atleast), sql_integer(listing->page.size + 1)));
}

static bool starts_with(const char *text, slice prefix)
{
    return strncmp(text, prefix.at, prefix.length) == 0;
}

static FALLIBLE list_built_in(struct listing *listing)
{
    size_t count, at = 0;
    const struct policy_managed *all = policy_managed_all(&count);
    const char *after = listing->page.after;
    if (after != NULL && after[0] == BUILT_IN)
        while (at < count && strcmp(all[at++].name, after + 1) != 0)
            ;
    for (; at < count && !listing->page.more; at++) {
        struct managed_usage usage;
        if (!starts_with(all[at].path, listing->prefix))
            continue;
        TRY(managed_count_usage(listing->call, all[at].arn, &usage));
        if (usage.attachments >= listing->atleast.attachments && usage.boundaries >= listing->atleast.boundaries &&
            usage.attachments + usage.boundaries >= listing->used_atleast)
            list_one(listing, BUILT_IN, of_built_in(listing->call, &all[at]), usage);
    }
    return NULL;
}

static FALLIBLE list(struct call *call)
{
    slice scope = call_text(call, "Scope"), prefix = call_text(call, "PathPrefix");
    struct listing listing = { .call = call, .array = json_new_array(call), .prefix = prefix.at ? prefix : SLICE("/") };
    TRY(page_begin(call, &listing.page));
    ask_usage(&listing);
    if (!slice_is(scope, "AWS"))
        TRY(list_own(&listing));
    if (!slice_is(scope, "Local") && !listing.page.more)
        TRY(list_built_in(&listing));
    return page_answer(call, &listing.page, "Policies", listing.array);
}

/* ---- DeletePolicy ---- */

static FALLIBLE check_free(struct call *call, const struct managed_policy *policy)
{
    struct managed_usage usage;
    struct row *row;
    TRY(managed_count_usage(call, policy->arn, &usage));
    if (usage.attachments > 0)
        return error_new(call, "DeleteConflictException", "Cannot delete a policy attached to entities.");
    if (usage.boundaries > 0)
        return error_new(call, "DeleteConflictException",
                         "Cannot delete a policy that is the permissions boundary of a user or role.");
    TRY(store_find(call->tx, call, &row,
                   "SELECT version FROM iam_policy_version WHERE account = ? AND policy = ? AND version <> ?",
                   ARGS(sql_text(call->account), sql_text(policy->name), sql_integer(policy->default_version))));
    return row == NULL ? NULL
                       : error_new(call, "DeleteConflictException",
                                   "This policy has more than one version. Before you delete a policy, you must delete "
                                   "the policy's versions. The default version is deleted with the policy.");
}

static FALLIBLE delete (struct call *call)
{
    struct managed_policy *policy;
    TRY(managed_get_own(call, &policy));
    TRY(check_free(call, policy));
    struct value account = sql_text(call->account), name = sql_text(policy->name);
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_policy_version WHERE account = ? AND policy = ?",
                  ARGS(account, name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_tag WHERE account = ? AND owner_kind = 'policy' AND owner_name = ?",
                  ARGS(account, name)));
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_policy WHERE account = ? AND name = ?", ARGS(account, name)));
    return managed_change(call, policy->name, "DELETED", NULL);
}

const struct operation iam_op_create_policy = { "iam", "CreatePolicy",
                                                STEPS({ WORK, managed_check_document }, { APPLY, create }) };
const struct operation iam_op_get_policy = { "iam", "GetPolicy", STEPS({ READ, get }) };
const struct operation iam_op_list_policies = { "iam", "ListPolicies", STEPS({ READ, list }) };
const struct operation iam_op_delete_policy = { "iam", "DeletePolicy", STEPS({ APPLY, delete }) };
