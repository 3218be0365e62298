/* effective.c - which policies count for a principal and its thing: for admissions, and for GetEffectivePolicies
   (broker.md 4.11, 4.12). */
#include "certificate/inner.h"

#define DEFAULT_VERSIONS                                                                                             \
    "SELECT p.name, v.document FROM policy_target t JOIN policy p ON p.account = t.account AND p.region = t.region " \
    "AND p.name = t.policy JOIN policy_version v ON v.account = p.account AND v.region = p.region "                  \
    "AND v.policy = p.name AND v.version = p.default_version "

FALLIBLE certificate_each_policy(struct tx *tx, const struct policy_source *source,
                                 FALLIBLE (*each)(const struct row *row, void *arg), void *arg)
{
    struct value account = sql_text(source->account), region = sql_text(source->region);
    if (source->target != NULL)
        TRY(store_each(tx, each, arg, DEFAULT_VERSIONS "WHERE t.account = ? AND t.region = ? AND t.target = ?",
                       ARGS(account, region, sql_text(source->target))));
    if (source->thing == NULL)
        return NULL;
    return store_each(
        tx, each, arg,
        "WITH RECURSIVE above (name, parent) AS (SELECT g.name, g.parent FROM thing_group g "
        "JOIN thing_group_member m ON m.account = g.account AND m.region = g.region "
        "AND m.thing_group = g.name WHERE m.account = ?1 AND m.region = ?2 AND m.thing = ?3 "
        "UNION SELECT g.name, g.parent FROM thing_group g JOIN above a ON g.name = a.parent "
        "WHERE g.account = ?1 AND g.region = ?2) " DEFAULT_VERSIONS
        "JOIN above ON t.target = ?4 || above.name WHERE t.account = ?1 AND t.region = ?2",
        ARGS(account, region, sql_text(source->thing),
             sql_text(text_format(tx_ctx(tx), "arn:aws:iot:%s:%s:thinggroup/", source->region, source->account))));
}

/* ---- GetEffectivePolicies: of a principal, of a thing's groups, or of both; each once ---- */

struct effective {
    struct call *call;
    json *names; /* those there are */
    json *array;
};

static FALLIBLE add_policy(const struct row *row, void *arg)
{
    struct effective *effective = arg;
    const char *name = row_text(effective->call, row, 0);
    if (json_get(effective->names, name) != NULL)
        return NULL;
    json_put_bool(effective->names, name, true);
    json *policy = certificate_policy_entry(effective->call, row);
    json_put_slice(policy, "policyDocument", row_slice(row, 1));
    json_add(effective->array, policy);
    return NULL;
}

static FALLIBLE check_thing(struct call *call, const char *name)
{
    struct thing *thing;
    TRY(registry_find_thing(call->tx, call, call->account, call->region, name, &thing));
    return thing ? NULL : error_new(call, "ResourceNotFoundException", "Thing %s cannot be found.", name);
}

static FALLIBLE effective_policies(struct call *call)
{
    enum target_kind kind;
    const char *name;
    struct effective effective = { .call = call, .names = json_new_object(call), .array = json_new_array(call) };
    struct policy_source source = { .account = call->account,
                                    .region = call->region,
                                    .target = call_string(call, "principal"),
                                    .thing = call_string(call, "thingName") };
    TRY(certificate_check_pool(call));
    if (source.target == NULL && source.thing == NULL)
        return error_new(call, "InvalidRequestException", "principal or thingName is needed: whose policies?");
    if (source.target != NULL)
        TRY(certificate_check_target(call, "principal", source.target, false, &kind, &name));
    if (source.thing != NULL)
        TRY(check_thing(call, source.thing));
    TRY(certificate_each_policy(call->tx, &source, add_policy, &effective));
    return answer(call, value_of("effectivePolicies", json_object_get(effective.array)));
}

const struct operation certificate_op_effective_policies = { "iot", "GetEffectivePolicies",
                                                             STEPS({ READ, effective_policies }) };
