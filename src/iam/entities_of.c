/* entities_of.c - ListEntitiesForPolicy: who has a policy, attached or as a boundary: groups, then roles, then users, each
   once and by name. */
#include "iam/managed.h"

struct listing {
    struct call *call;
    struct page page;
    json *groups, *roles, *users;
};

/* Columns: position ("role/NAME"), kind, name, id. */
static FALLIBLE list_one(const struct row *row, void *arg)
{
    struct listing *listing = arg;
    const struct {
        const char *kind, *name, *id;
        json *array;
    } kinds[] = { { "group", "GroupName", "GroupId", listing->groups },
                  { "role", "RoleName", "RoleId", listing->roles },
                  { "user", "UserName", "UserId", listing->users } };
    if (!page_take(listing->call, &listing->page, row_text(listing->call, row, 0)))
        return NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!slice_is(row_slice(row, 1), kinds[i].kind))
            continue;
        json *entry = json_object_new_object();
        json_put_slice(entry, kinds[i].name, row_slice(row, 2));
        json_put_slice(entry, kinds[i].id, row_slice(row, 3));
        json_add(kinds[i].array, entry);
    }
    return NULL;
}

/* The kind that EntityFilter lets through: all begin with ""; none with what the filters about policies say. */
static const char *kind_of(slice filter)
{
    static const char *const kinds[][2] = { { "User", "user" }, { "Role", "role" }, { "Group", "group" } };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (slice_is(filter, kinds[i][0]))
            return kinds[i][1];
    return filter.at ? "none" : "";
}

static FALLIBLE list_rows(struct listing *listing, const char *arn)
{
    struct call *call = listing->call;
    slice usage = call_text(call, "PolicyUsageFilter"), prefix = call_text(call, "PathPrefix");
    struct value account = sql_text(call->account), policy = sql_text(arn),
                 kind = sql_text(kind_of(call_text(call, "EntityFilter")));
    struct value attached = sql_integer(!slice_is(usage, "PermissionsBoundary"));
    struct value bounded = sql_integer(!slice_is(usage, "PermissionsPolicy"));
    struct value path = sql_slice(prefix.at ? prefix : SLICE("/"));
    return store_each(
        call->tx, list_one, listing,
        "SELECT kind || '/' || name AS position, kind, name, id FROM ("
        "SELECT 'group' AS kind, g.name AS name, g.id AS id, g.path AS path FROM iam_attached_policy a "
        "JOIN iam_group g ON g.account = a.account AND g.name = a.owner_name "
        "WHERE a.account = ? AND a.policy_arn = ? AND a.owner_kind = 'group' AND ? = 1 "
        "UNION SELECT 'role', r.name, r.id, r.path FROM iam_attached_policy a "
        "JOIN iam_role r ON r.account = a.account AND r.name = a.owner_name "
        "WHERE a.account = ? AND a.policy_arn = ? AND a.owner_kind = 'role' AND ? = 1 "
        "UNION SELECT 'user', u.name, u.id, u.path FROM iam_attached_policy a "
        "JOIN iam_user u ON u.account = a.account AND u.name = a.owner_name "
        "WHERE a.account = ? AND a.policy_arn = ? AND a.owner_kind = 'user' AND ? = 1 "
        "UNION SELECT 'role', name, id, path FROM iam_role WHERE account = ? AND boundary = ? AND ? = 1 "
        "UNION SELECT 'user', name, id, path FROM iam_user WHERE account = ? AND boundary = ? AND ? = 1) q "
        "WHERE kind || '/' || name > ? AND (? = '' OR kind = ?) AND substr(path, 1, length(?)) = ? "
        "ORDER BY 1 LIMIT ?",
        ARGS(account, policy, attached, account, policy, attached, account, policy, attached, account, policy, bounded,
             account, policy, bounded, sql_text(listing->page.after ? listing->page.after : ""), kind, kind, path, path,
             sql_integer(listing->page.size + 1)));
}

static FALLIBLE list(struct call *call)
{
    struct managed_policy *policy;
    struct listing listing = {
        .call = call, .groups = json_new_array(call), .roles = json_new_array(call), .users = json_new_array(call)
    };
    TRY(managed_get(call, &policy));
    TRY(page_begin(call, &listing.page));
    TRY(list_rows(&listing, policy->arn));
    json_put(call->output, "PolicyRoles", json_object_get(listing.roles));
    json_put(call->output, "PolicyUsers", json_object_get(listing.users));
    return page_answer(call, &listing.page, "PolicyGroups", listing.groups);
}

const struct operation iam_op_list_entities_for_policy = { "iam", "ListEntitiesForPolicy", STEPS({ READ, list }) };
