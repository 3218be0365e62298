/* apply.c - a plan becomes rows, in one transaction, with the rights of the role or caller (provisioning.md 4.4).

   Everything that the plan refers to is checked first; then things are made in the order of their events: thing, type,
   groups, billing group; certificate; policies; attachments; status. Error names are the codes of 4.10. */
#include "provisioning/inner.h"
#include "base/encode.h"

struct apply {
    struct call *call;
    const struct caller *acting;
    const struct template_plan *plan;
    const struct new_certificate *made;
    struct applied *out;
};

static FALLIBLE may(const struct apply *apply, const char *action, const char *resource)
{
    return caller_require(apply->call, apply->acting, action, resource);
}

/* ---- what the plan refers to ---- */

static error *not_found(struct call *call, const char *kind, const char *name)
{
    return error_new(call, "ResourceNotFound", "%s %s:%s not found.", kind, call->account, name);
}

static FALLIBLE check_thing_references(struct call *call, const struct template_thing *thing)
{
    struct thing_type *type;
    struct thing_group *group;
    if (thing->type_name != NULL) {
        TRY(registry_find_type(call->tx, call, call->account, call->region, thing->type_name, &type));
        if (type == NULL)
            return not_found(call, "Thing Type", thing->type_name);
        if (type->deprecated)
            return error_new(call, "InvalidRequest", "Thing Type %s:%s is deprecated.", call->account,
                             thing->type_name);
    }
    for (size_t i = 0; i < thing->group_count; i++) {
        TRY(registry_find_group(call->tx, call, call->account, call->region, thing->groups[i], &group));
        if (group == NULL)
            return not_found(call, "Thing Group", thing->groups[i]);
    }
    if (thing->billing_group == NULL)
        return NULL;
    error *e = registry_need_billing_group(call, thing->billing_group);
    return error_is(e, "ResourceNotFoundException") ? not_found(call, "Billing Group", thing->billing_group) : e;
}

static FALLIBLE check_references(const struct apply *apply)
{
    struct call *call = apply->call;
    if (apply->plan->thing != NULL)
        TRY(check_thing_references(call, apply->plan->thing));
    for (size_t i = 0; i < apply->plan->policy_count; i++) {
        const struct template_policy *policy = &apply->plan->policies[i];
        bool exists;
        if (policy->document != NULL)
            continue;
        TRY(certificate_policy_exists(call->tx, call->account, call->region, policy->name, &exists));
        if (!exists)
            return error_new(call, "ResourceNotFound", "Policy %s not found.", policy->name);
    }
    return NULL;
}

/* ---- the thing ---- */

static error *differs(struct call *call, const char *what, const char *name)
{
    return error_new(
        call, "ResourceConflict",
        "ResourceConflictsException: %s of thing %s differs from the template's, and OverrideSettings says "
        "FAIL.",
        what, name);
}

static json *attributes_of(struct call *call, const struct template_thing *wanted)
{
    json *attributes = json_new_object(call);
    for (size_t i = 0; i < wanted->attribute_count; i++)
        json_put_slice(attributes, wanted->attributes[i].name, wanted->attributes[i].text);
    return attributes;
}

static bool same_type(const struct thing *thing, const char *type)
{
    return thing->type_name != NULL && strcmp(thing->type_name, type) == 0;
}

/* What of an existing thing changes, by its OverrideSettings. */
static FALLIBLE plan_change(struct call *call, const struct template_thing *wanted, const struct thing *thing,
                            struct thing_change *change)
{
    json *attributes = attributes_of(call, wanted);
    if (wanted->has_attributes) {
        if (wanted->override_attributes == OVERRIDE_FAIL && !json_same(attributes, thing->attributes))
            return differs(call, "AttributePayload", wanted->name);
        if (wanted->override_attributes == OVERRIDE_REPLACE || wanted->override_attributes == OVERRIDE_MERGE)
            change->attributes = attributes;
        change->merge = wanted->override_attributes == OVERRIDE_MERGE;
    }
    if (wanted->type_name != NULL && !same_type(thing, wanted->type_name)) {
        if (wanted->override_type == OVERRIDE_FAIL)
            return differs(call, "ThingTypeName", wanted->name);
        if (wanted->override_type == OVERRIDE_REPLACE)
            change->type_name = wanted->type_name;
    }
    if (wanted->billing_group != NULL && thing->billing_group == NULL)
        change->billing_group = wanted->billing_group;
    return NULL;
}

static FALLIBLE change_existing(const struct apply *apply, struct thing *thing)
{
    struct call *call = apply->call;
    const struct template_thing *wanted = apply->plan->thing;
    const char *arn = call_arn(call, "thing/%s", wanted->name);
    struct thing_change change = { .type_name = NULL };
    TRY(plan_change(call, wanted, thing, &change));
    if (change.attributes != NULL || change.type_name != NULL)
        TRY(may(apply, "iot:UpdateThing", arn));
    if (change.billing_group != NULL) {
        TRY(may(apply, "iot:AddThingToBillingGroup", arn));
        TRY(may(apply, "iot:AddThingToBillingGroup", call_arn(call, "billinggroup/%s", change.billing_group)));
    }
    return registry_change_thing(call, thing, &change);
}

static FALLIBLE create_thing(const struct apply *apply)
{
    struct call *call = apply->call;
    const struct template_thing *wanted = apply->plan->thing;
    struct thing *made, thing = { .name = wanted->name,
                                  .type_name = wanted->type_name,
                                  .billing_group = wanted->billing_group,
                                  .attributes = attributes_of(call, wanted) };
    TRY(may(apply, "iot:CreateThing", call_arn(call, "thing/%s", wanted->name)));
    if (wanted->billing_group != NULL)
        TRY(may(apply, "iot:CreateThing", call_arn(call, "billinggroup/%s", wanted->billing_group)));
    return registry_create_thing(call, &thing, &made);
}

/* ---- its groups ---- */

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static FALLIBLE may_move(const struct apply *apply, const char *action, const char *group)
{
    TRY(may(apply, action, call_arn(apply->call, "thing/%s", apply->plan->thing->name)));
    return may(apply, action, call_arn(apply->call, "thinggroup/%s", group));
}

static FALLIBLE leave_groups(const struct apply *apply, const char **held, size_t count)
{
    const struct template_thing *wanted = apply->plan->thing;
    for (size_t i = 0; i < count; i++) {
        if (is_listed(wanted->groups, wanted->group_count, held[i]))
            continue;
        TRY(may_move(apply, "iot:RemoveThingFromThingGroup", held[i]));
        TRY(registry_leave_group(apply->call, held[i], wanted->name));
    }
    return NULL;
}

static bool same_groups(const struct template_thing *wanted, const char **held, size_t count)
{
    if (count != wanted->group_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_listed(wanted->groups, wanted->group_count, held[i]))
            return false;
    return true;
}

static FALLIBLE apply_groups(const struct apply *apply, bool existed)
{
    struct call *call = apply->call;
    const struct template_thing *wanted = apply->plan->thing;
    const char **held;
    size_t count;
    if (!wanted->has_groups || (existed && wanted->override_groups == OVERRIDE_DO_NOTHING))
        return NULL;
    TRY(registry_groups_of_thing(call->tx, call, call->account, call->region, wanted->name, &held, &count));
    if (existed && wanted->override_groups == OVERRIDE_FAIL)
        return same_groups(wanted, held, count) ? NULL : differs(call, "ThingGroups", wanted->name);
    if (existed && wanted->override_groups == OVERRIDE_REPLACE)
        TRY(leave_groups(apply, held, count));
    for (size_t i = 0; i < wanted->group_count; i++) {
        if (is_listed(held, count, wanted->groups[i]))
            continue;
        TRY(may_move(apply, "iot:AddThingToThingGroup", wanted->groups[i]));
        TRY(registry_join_group(call, wanted->groups[i], wanted->name));
    }
    return NULL;
}

static FALLIBLE apply_thing(const struct apply *apply)
{
    struct call *call = apply->call;
    const struct template_thing *wanted = apply->plan->thing;
    struct thing *thing;
    if (wanted == NULL)
        return NULL;
    TRY(registry_find_thing(call->tx, call, call->account, call->region, wanted->name, &thing));
    TRY(thing ? change_existing(apply, thing) : create_thing(apply));
    TRY(apply_groups(apply, thing != NULL));
    json_put_text(apply->out->arns, wanted->logical_name, call_arn(call, "thing/%s", wanted->name));
    return NULL;
}

/* ---- the certificate ---- */

static FALLIBLE by_csr(const struct apply *apply, const char **id)
{
    TRY(may(apply, "iot:CreateCertificateFromCsr", "*"));
    TRY(certificate_store(apply->call, apply->made->signed_csr, "INACTIVE"));
    apply->out->is_new = true;
    *id = apply->made->signed_csr->id;
    return NULL;
}

/* What this account has already is used as it is. */
static FALLIBLE by_pem(const struct apply *apply, const char **id)
{
    struct call *call = apply->call;
    const struct certificate_registration *registration = apply->made->registration;
    struct certificate *known;
    *id = registration->info->id;
    TRY(certificate_find(call->tx, call, call->account, call->region, *id, &known));
    if (known != NULL)
        return NULL;
    TRY(may(apply, "iot:RegisterCertificate", "*"));
    if (registration->ca_id == NULL)
        return error_new(call, "InvalidRequest", "CertificatePem: certificate %s was deleted just now.", *id);
    TRY(certificate_register(call, registration));
    apply->out->is_new = true;
    return NULL;
}

static FALLIBLE certificate_id_of(const struct apply *apply, const char **id)
{
    const struct template_certificate *wanted = apply->plan->certificate;
    if (wanted->source == CERTIFICATE_BY_CSR)
        return by_csr(apply, id);
    if (wanted->source == CERTIFICATE_BY_PEM)
        return by_pem(apply, id);
    *id = wanted->text;
    return NULL;
}

static FALLIBLE apply_certificate(const struct apply *apply)
{
    struct call *call = apply->call;
    const struct template_certificate *wanted = apply->plan->certificate;
    struct certificate *certificate;
    const char *id = NULL;
    if (wanted == NULL)
        return NULL;
    TRY(certificate_id_of(apply, &id));
    TRY(certificate_find(call->tx, call, call->account, call->region, id, &certificate));
    if (certificate == NULL)
        return error_new(call, "ResourceNotFound", "Certificate %s not found.", id);
    apply->out->certificate = certificate;
    json_put_text(apply->out->arns, wanted->logical_name, call_arn(call, "cert/%s", id));
    return NULL;
}

/* PENDING_ACTIVATION always takes the template's status, a certificate made a moment ago too; REVOKED never leaves. */
static FALLIBLE apply_status(const struct apply *apply)
{
    struct call *call = apply->call;
    const struct template_certificate *wanted = apply->plan->certificate;
    const struct certificate *held = apply->out->certificate;
    if (wanted == NULL)
        return NULL;
    const char *status = wanted->active ? "ACTIVE" : "INACTIVE";
    bool is_new = strcmp(held->status, "PENDING_ACTIVATION") == 0 || apply->out->is_new;
    if (strcmp(held->status, "REVOKED") == 0 && (wanted->has_status || wanted->override_status == OVERRIDE_REPLACE))
        return error_new(call, "ResourceConflict", "Certificate %s is REVOKED; no template makes it %s.", held->id,
                         status);
    if (strcmp(held->status, status) == 0)
        return NULL;
    if (!is_new && wanted->override_status == OVERRIDE_FAIL)
        return error_new(call, "ResourceConflict",
                         "ResourceConflictsException: certificate %s is %s, not %s, and OverrideSettings says FAIL.",
                         held->id, held->status, status);
    if (!is_new && wanted->override_status != OVERRIDE_REPLACE)
        return NULL;
    TRY(may(apply, "iot:UpdateCertificate", call_arn(call, "cert/%s", held->id)));
    return certificate_set_status(call, held, status);
}

/* ---- policies and attachments ---- */

static FALLIBLE apply_policy(const struct apply *apply, const struct template_policy *policy)
{
    struct call *call = apply->call;
    bool exists;
    const char *arn = call_arn(call, "policy/%s", policy->name);
    const char *target = call_arn(call, "cert/%s", apply->out->certificate->id);
    TRY(certificate_policy_exists(call->tx, call->account, call->region, policy->name, &exists));
    if (policy->document != NULL)
        json_put_text(apply->out->arns, policy->logical_name, arn);
    if (!exists) {
        TRY(may(apply, "iot:CreatePolicy", arn));
        TRY(certificate_create_policy(call, policy->name, slice_of(policy->document)));
    }
    TRY(may(apply, "iot:AttachPolicy", target));
    return certificate_attach_policy(call, policy->name, target, POLICIES_OF_A_CERTIFICATE);
}

static FALLIBLE attach_thing(const struct apply *apply)
{
    struct call *call = apply->call;
    const struct template_plan *plan = apply->plan;
    if (plan->thing == NULL || plan->certificate == NULL)
        return NULL;
    const char *principal = call_arn(call, "cert/%s", apply->out->certificate->id);
    TRY(may(apply, "iot:AttachThingPrincipal", principal));
    error *e = registry_attach_principal(call, principal, plan->thing->name, plan->certificate->exclusive);
    return error_is(e, "InvalidRequestException") ? error_new(call, "ResourceConflict", "%s", e->message) : e;
}

FALLIBLE provisioning_apply(struct call *call, const struct caller *acting, const struct template_plan *plan,
                            const struct new_certificate *made, struct applied *out)
{
    struct apply apply = { .call = call, .acting = acting, .plan = plan, .made = made, .out = out };
    *out = (struct applied){ .arns = json_new_object(call) };
    TRY(check_references(&apply));
    TRY(apply_thing(&apply));
    TRY(apply_certificate(&apply));
    for (size_t i = 0; i < plan->policy_count; i++)
        TRY(apply_policy(&apply, &plan->policies[i]));
    TRY(attach_thing(&apply));
    return apply_status(&apply);
}
