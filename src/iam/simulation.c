/* simulation.c - the request of a simulation, read and checked: documents, context, who is to ask. */
#include "iam/simulation.h"
#include "base/clock.h"
#include "base/encode.h"
#include <stdarg.h>

enum { POLICIES_MAX = 100, ENTRIES_MAX = 1000, VALUES_MAX = 1000, ACTIONS_MAX = 1000, RESOURCES_MAX = 1000 };

static error *invalid(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

static error *invalid(struct call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *message = talloc_vasprintf(call, format, args);
    va_end(args);
    return error_new(call, "InvalidInputException", "%s", message);
}

static size_t length_of(const json *array)
{
    return array ? json_object_array_length(array) : 0;
}

/* ---- documents ---- */

static FALLIBLE add_document(struct call *call, const char *id, const char *type, slice document, enum policy_kind kind,
                             struct simulated_policies *into)
{
    struct policy *policy;
    error *wrong = policy_parse(call, document, kind, &policy);
    if (wrong != NULL)
        return error_because(call, wrong, "InvalidInputException", "%s: %s", id, wrong->message);
    policy_set_name(policy, slice_of(id));
    *ARRAY_ADD(call, into->at, into->count) = (struct simulated_policy){ id, type, document, policy };
    return NULL;
}

static FALLIBLE add_list(struct call *call, const char *member, size_t limit, struct simulated_policies *into)
{
    json *documents = json_get_array(call->input, member);
    if (length_of(documents) > limit)
        return invalid(call, "%s: at most %zu polic%s can be simulated at once.", member, limit,
                       limit == 1 ? "y" : "ies");
    for (size_t i = 0; i < length_of(documents); i++)
        TRY(add_document(call, text_format(call, "%s.%zu", member, i + 1), "none",
                         json_text(json_object_array_get_idx(documents, i)), POLICY_IAM_IDENTITY, into));
    return NULL;
}

static FALLIBLE read_documents(struct call *call, struct simulation *simulation)
{
    TRY(add_list(call, "PolicyInputList", POLICIES_MAX, &simulation->identity));
    if (length_of(json_get_array(call->input, "PermissionsBoundaryPolicyInputList")) > 0)
        simulation->boundary.count = 0; /* it takes the place of the principal's own */
    TRY(add_list(call, "PermissionsBoundaryPolicyInputList", 1, &simulation->boundary));
    if (call_has(call, "ResourcePolicy"))
        TRY(add_document(call, "ResourcePolicy", "resource", call_text(call, "ResourcePolicy"), POLICY_IAM_RESOURCE,
                         &simulation->resource));
    const struct simulated_policies all[] = { simulation->identity, simulation->boundary, simulation->resource };
    for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
        for (size_t i = 0; i < all[k].count; i++)
            simulation->size += all[k].at[i].document.length;
    return NULL;
}

/* ---- context ---- */

static const struct entry_type {
    const char *name;
    enum policy_value_type type;
    bool list;
} entry_types[] = {
    { "string", POLICY_VALUE_TEXT, false },    { "stringList", POLICY_VALUE_TEXT, true },
    { "numeric", POLICY_VALUE_NUMBER, false }, { "numericList", POLICY_VALUE_NUMBER, true },
    { "boolean", POLICY_VALUE_BOOL, false },   { "booleanList", POLICY_VALUE_BOOL, true },
    { "ip", POLICY_VALUE_IP, false },          { "ipList", POLICY_VALUE_IP, true },
    { "binary", POLICY_VALUE_BINARY, false },  { "binaryList", POLICY_VALUE_BINARY, true },
    { "date", POLICY_VALUE_DATE, false },      { "dateList", POLICY_VALUE_DATE, true },
};

/* A context entry without a type is a list of texts. */
static const struct entry_type *type_of(slice name)
{
    for (size_t i = 0; i < sizeof(entry_types) / sizeof(entry_types[0]); i++)
        if (slice_is(name, entry_types[i].name))
            return &entry_types[i];
    return &entry_types[1];
}

static FALLIBLE read_value(struct call *call, const struct entry_type *type, slice key, slice value, slice *out)
{
    *out = value;
    if (!policy_value_is(type->type, value))
        return invalid(call, "The value %.*s of context key %.*s is not of type %s.", PRINT(value), PRINT(key),
                       type->name);
    if (type->type == POLICY_VALUE_BINARY && !base64_decode(call, value, out))
        return invalid(call, "The value of context key %.*s is not base64.", PRINT(key));
    return NULL;
}

static FALLIBLE read_entry(struct call *call, json *entry, struct simulation *simulation, size_t *taken)
{
    slice key = json_get_slice(entry, "ContextKeyName");
    json *values = json_get_array(entry, "ContextKeyValues");
    const struct entry_type *type = type_of(json_get_slice(entry, "ContextKeyType"));
    size_t count = length_of(values);
    if (key.at == NULL)
        return invalid(call, "ContextEntries: ContextKeyName is missing.");
    if (!type->list && count > 1)
        return invalid(call, "Context key %.*s is of type %s, which has one value; use %sList for several.", PRINT(key),
                       type->name, type->name);
    *taken += count;
    if (*taken > VALUES_MAX)
        return invalid(call, "ContextEntries: at most %d values are taken.", VALUES_MAX);
    slice *all = MAKE_ARRAY(call, slice, count + 1);
    for (size_t i = 0; i < count; i++)
        TRY(read_value(call, type, key, json_text(json_object_array_get_idx(values, i)), &all[i]));
    *ARRAY_ADD(call, simulation->entries, simulation->entry_count) = (struct policy_key){ key, all, count };
    return NULL;
}

static FALLIBLE read_context(struct call *call, struct simulation *simulation)
{
    json *entries = json_get_array(call->input, "ContextEntries");
    size_t taken = 0;
    if (length_of(entries) > ENTRIES_MAX)
        return invalid(call, "ContextEntries: at most %d are taken.", ENTRIES_MAX);
    for (size_t i = 0; i < length_of(entries); i++)
        TRY(read_entry(call, json_object_array_get_idx(entries, i), simulation, &taken));
    return NULL;
}

void simulation_add_fact(struct call *call, struct simulation *simulation, const char *key, const char *value)
{
    slice *one = MAKE(call, slice);
    *one = slice_of(value);
    *ARRAY_ADD(call, simulation->facts, simulation->fact_count) = (struct policy_key){ slice_of(key), one, 1 };
}

/* What every real request has, whoever makes it. */
static void add_moment(struct call *call, struct simulation *simulation)
{
    char now[CLOCK_TEXT_MAX];
    clock_iso8601(call->now_ms, now);
    simulation_add_fact(call, simulation, "aws:CurrentTime", text_copy(call, now));
    simulation_add_fact(call, simulation, "aws:EpochTime", text_format(call, "%lld", (long long)(call->now_ms / 1000)));
}

/* ---- who is to ask ---- */

/* "arn:aws:iam::ACCOUNT:user/path/name" */
static bool split_arn(slice arn, slice *account, slice *kind, slice *name)
{
    static const char start[] = "arn:aws:iam::";
    slice piece, rest;
    if (!slice_starts(arn, start))
        return false;
    rest = slice_from(arn, strlen(start));
    if (!slice_split(&rest, ':', account) || account->length != 12 || !slice_split(&rest, '/', kind) || rest.at == NULL)
        return false;
    for (*name = rest; slice_split(&rest, '/', &piece);)
        *name = piece;
    return name->length > 0;
}

/* CallerArn; or who the policies belong to, when that is a user or a role. */
static FALLIBLE read_caller(struct call *call, struct simulation *simulation)
{
    const char *given = call_string(call, "CallerArn");
    slice arn = slice_of(given ? given : simulation->source_arn), account, kind, name;
    bool known = arn.at != NULL && split_arn(arn, &account, &kind, &name);
    bool asks = known && (slice_is(kind, "user") || slice_is(kind, "role"));
    if (given != NULL && !asks)
        return invalid(call, "CallerArn: %s is not the ARN of an IAM user or role.", given);
    if (simulation->resource.count > 0 && !asks)
        return invalid(call, "CallerArn is required with a ResourcePolicy when PolicySourceArn is not an IAM user.");
    simulation->owner = slice_of(call->account);
    if (!asks)
        return NULL;
    bool user = slice_is(kind, "user");
    simulation->caller = (struct policy_principal){ .arn = arn, .account = account };
    simulation_add_fact(call, simulation, "aws:PrincipalArn", arn.at);
    simulation_add_fact(call, simulation, "aws:PrincipalAccount", slice_text(call, account));
    simulation_add_fact(call, simulation, "aws:PrincipalType", user ? "User" : "AssumedRole");
    if (user)
        simulation_add_fact(call, simulation, "aws:username", slice_text(call, name));
    simulation->owner = account;
    return NULL;
}

/* "arn:aws:iam::ACCOUNT:root" or the account itself. */
static FALLIBLE read_owner(struct call *call, struct simulation *simulation)
{
    slice given = call_text(call, "ResourceOwner"), rest = given, piece = given;
    if (given.at == NULL)
        return NULL;
    if (slice_starts(given, "arn:"))
        for (int i = 0; i < 5; i++)
            slice_split(&rest, ':', &piece);
    bool digits = piece.length == 12;
    for (size_t i = 0; digits && i < piece.length; i++)
        digits = piece.at[i] >= '0' && piece.at[i] <= '9';
    if (!digits)
        return invalid(call, "ResourceOwner: %.*s names no account.", PRINT(given));
    simulation->owner = piece;
    return NULL;
}

/* ---- what is asked ---- */

static FALLIBLE check_actions(struct call *call)
{
    json *actions = json_get_array(call->input, "ActionNames");
    if (length_of(actions) == 0 || length_of(actions) > ACTIONS_MAX)
        return invalid(call, "ActionNames: 1 to %d actions can be simulated at once.", ACTIONS_MAX);
    for (size_t i = 0; i < length_of(actions); i++) {
        slice action = json_text(json_object_array_get_idx(actions, i)), vendor, rest = action;
        bool split = slice_split(&rest, ':', &vendor) && vendor.length > 0 && rest.length > 0;
        if (!split || memchr(action.at, '*', action.length) != NULL || memchr(action.at, '?', action.length) != NULL)
            return invalid(call, "ActionNames: %.*s is not an action such as iot:CreateThing.", PRINT(action));
    }
    return NULL;
}

static FALLIBLE check_resources(struct call *call)
{
    json *resources = json_get_array(call->input, "ResourceArns");
    if (length_of(resources) > RESOURCES_MAX)
        return invalid(call, "ResourceArns: at most %d resources can be simulated at once.", RESOURCES_MAX);
    for (size_t i = 0; i < length_of(resources); i++) {
        slice arn = json_text(json_object_array_get_idx(resources, i)), piece, rest = arn;
        int parts = 0;
        while (parts < 5 && slice_split(&rest, ':', &piece))
            parts++;
        if (!slice_is(arn, "*") && (!slice_starts(arn, "arn:") || rest.length == 0))
            return invalid(call, "Resource %.*s must be in ARN format or \"*\".", PRINT(arn));
    }
    return NULL;
}

FALLIBLE simulation_of_request(struct call *call, struct simulation *simulation)
{
    TRY(check_actions(call));
    TRY(check_resources(call));
    TRY(read_documents(call, simulation));
    TRY(read_context(call, simulation));
    TRY(read_caller(call, simulation));
    TRY(read_owner(call, simulation));
    add_moment(call, simulation);
    simulation->keys_of_caller = (struct policy_context){ .keys = simulation->facts, .count = simulation->fact_count };
    simulation->context = (struct policy_context){ .keys = simulation->entries,
                                                   .count = simulation->entry_count,
                                                   .parent = &simulation->keys_of_caller };
    return NULL;
}

/* ---- the policies of a principal ---- */

struct gathering {
    struct call *call;
    struct simulation *simulation;
    slice *attached; /* ARNs */
    size_t attached_count;
};

static FALLIBLE add_inline(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    struct call *call = into->call;
    const char *kind = row_text(call, row, 0);
    const char *id = text_format(call, "%s_%.*s_%.*s", kind, PRINT(row_slice(row, 1)), PRINT(row_slice(row, 2)));
    return add_document(call, id, kind, slice_copy(call, row_slice(row, 3)), POLICY_IAM_IDENTITY,
                        &into->simulation->identity);
}

static FALLIBLE note_attached(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    *ARRAY_ADD(into->call, into->attached, into->attached_count) = slice_copy(into->call, row_slice(row, 0));
    return NULL;
}

static FALLIBLE add_managed(struct call *call, slice arn, struct simulated_policies *into)
{
    slice document, name = arn, piece;
    TRY(account_managed_policy(call->tx, call, call->account, arn, &document));
    if (document.at == NULL)
        return error_new(call, "PolicyEvaluationException", "Policy %.*s cannot be read.", PRINT(arn));
    for (slice rest = arn; slice_split(&rest, '/', &piece);)
        name = piece;
    return add_document(call, slice_text(call, name), policy_managed_find(arn) ? "aws-managed" : "user-managed",
                        slice_copy(call, document), POLICY_IAM_IDENTITY, into);
}

/* Its own, then those of the groups that a user is in. */
static FALLIBLE gather(struct call *call, const struct iam_entity *source, struct simulation *simulation)
{
    struct gathering into = { .call = call, .simulation = simulation };
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): where there is no source, there is an error before */
    struct value account = sql_text(call->account), kind = sql_text(source->kind->kind), name = sql_text(source->name);
    struct value user = source->kind == &iam_user_kind ? name : sql_text("");
    TRY(store_each(call->tx, add_inline, &into,
                   "SELECT owner_kind, owner_name, policy_name, document FROM iam_inline_policy WHERE account = ? "
                   "AND ((owner_kind = ? AND owner_name = ?) OR (owner_kind = 'group' AND owner_name IN "
                   "(SELECT group_name FROM iam_group_member WHERE account = ? AND user_name = ?))) "
                   "ORDER BY owner_kind DESC, owner_name, policy_name",
                   ARGS(account, kind, name, account, user)));
    TRY(store_each(call->tx, note_attached, &into,
                   "SELECT DISTINCT policy_arn FROM iam_attached_policy WHERE account = ? "
                   "AND ((owner_kind = ? AND owner_name = ?) OR (owner_kind = 'group' AND owner_name IN "
                   "(SELECT group_name FROM iam_group_member WHERE account = ? AND user_name = ?))) "
                   "ORDER BY policy_arn",
                   ARGS(account, kind, name, account, user)));
    for (size_t i = 0; i < into.attached_count; i++)
        TRY(add_managed(call, into.attached[i], &simulation->identity));
    if (source->boundary != NULL)
        TRY(add_managed(call, slice_of(source->boundary), &simulation->boundary));
    return NULL;
}

static FALLIBLE add_tag(const struct row *row, void *arg)
{
    const struct gathering *into = arg;
    simulation_add_fact(into->call, into->simulation,
                        text_format(into->call, "aws:PrincipalTag/%.*s", PRINT(row_slice(row, 0))),
                        row_text(into->call, row, 1));
    return NULL;
}

static FALLIBLE find_source(struct call *call, struct iam_entity **out)
{
    static const struct iam_kind *const kinds[] = { &iam_user_kind, &iam_role_kind, &iam_group_kind };
    slice arn = call_text(call, "PolicySourceArn"), account, kind, name;
    bool known = split_arn(arn, &account, &kind, &name);
    *out = NULL;
    for (size_t i = 0; known && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!slice_is(kind, kinds[i]->kind))
            continue;
        if (slice_is(account, call->account))
            TRY(iam_find(call->tx, call, call->account, kinds[i], name, out));
        if (*out != NULL && slice_is(arn, (*out)->arn))
            return NULL;
        return error_new(call, "NoSuchEntityException", "The %s with name %.*s cannot be found.", kinds[i]->kind,
                         PRINT(name));
    }
    return invalid(call, "Invalid Entity Arn: %.*s does not clearly define entity type and name.", PRINT(arn));
}

FALLIBLE simulation_of_principal(struct call *call, struct simulation **out)
{
    struct simulation *simulation = MAKE(call, struct simulation);
    struct gathering tags = { .call = call, .simulation = simulation };
    struct iam_entity *source;
    TRY(find_source(call, &source));
    TRY(gather(call, source, simulation));
    const char *caller = call_string(call, "CallerArn");
    simulation->source_arn = source->arn;
    *out = simulation;
    /* What is known of the principal itself; of another caller only what its ARN says. */
    if (source->kind == &iam_group_kind || (caller != NULL && strcmp(caller, source->arn) != 0))
        return NULL;
    if (source->kind == &iam_user_kind)
        simulation_add_fact(call, simulation, "aws:userid", source->id);
    return store_each(call->tx, add_tag, &tags,
                      "SELECT name, value FROM iam_tag WHERE account = ? AND owner_kind = ? AND owner_name = ? "
                      "ORDER BY name",
                      ARGS(sql_text(call->account), sql_text(source->kind->kind), sql_text(source->name)));
}
