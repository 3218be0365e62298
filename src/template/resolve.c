/* resolve.c - a template and its values become a plan. Everything is evaluated and checked before anything could be
   applied (provisioning 4.4). */
#include "template/word.h"
#include "base/encode.h"
#include "base/secret.h"
#include "policy/policy.h"

enum { CERTIFICATE_ID_LENGTH = 64 };

/* A plan outlives the evaluation: its texts are copies. */
struct planner {
    struct evaluation ev;
    struct template_plan *plan;
};

static const char *kept(struct planner *p, slice text)
{
    return slice_text(p->plan, text);
}

/* Messages then speak of this property. */
static const struct expression *turn_to(struct planner *p, const struct resource *resource, enum property property)
{
    p->ev.place = (struct place){ slice_of(property_names[property]), resource->name };
    return resource->properties[property];
}

static FALLIBLE without_nul(struct planner *p, slice text)
{
    if (memchr(text.at, '\0', text.length) != NULL)
        return evaluation_failed(&p->ev, "the text holds the character U+0000");
    return NULL;
}

/* A property that may be absent: *out is NULL then. */
static FALLIBLE plan_word(struct planner *p, const struct resource *resource, enum property property, enum word word,
                          const char **out)
{
    const struct expression *expression = turn_to(p, resource, property);
    struct value value;
    if (expression == NULL)
        return NULL;
    TRY(expression_text(&p->ev, expression, &value));
    TRY(word_check(&p->ev, word, value.text));
    *out = kept(p, value.text);
    return NULL;
}

static FALLIBLE plan_text(struct planner *p, const struct resource *resource, enum property property, const char **out)
{
    const struct expression *expression = turn_to(p, resource, property);
    struct value value;
    if (expression == NULL)
        return NULL;
    TRY(expression_text(&p->ev, expression, &value));
    TRY(without_nul(p, value.text));
    *out = kept(p, value.text);
    return NULL;
}

/* Which of the property's few values it is; 0, the default, when it is absent. */
static FALLIBLE plan_choice(struct planner *p, const struct resource *resource, enum property property, int *out)
{
    const struct expression *expression = turn_to(p, resource, property);
    const struct choice *choice = choice_of(property);
    struct value value = { .text = slice_of(choice->values[0]) };
    if (expression != NULL)
        TRY(expression_text(&p->ev, expression, &value));
    *out = choice_index(choice, value.text);
    if (*out >= 0)
        return NULL;
    return evaluation_failed(&p->ev, "\"%.*s\" is neither %s nor %s", PRINT(shown(value.text)), choice->values[0],
                             choice->values[1]);
}

/* Values that are empty are dropped (x509 4.13). */
static FALLIBLE plan_attributes(struct planner *p, const struct resource *resource, struct template_thing *thing)
{
    const struct expression *payload = turn_to(p, resource, ATTRIBUTE_PAYLOAD);
    thing->has_attributes = payload != NULL;
    if (payload == NULL)
        return NULL;
    thing->attributes = MAKE_ARRAY(p->plan, struct template_entry, payload->count);
    for (size_t i = 0; i < payload->count; i++) {
        const struct expression *attribute = &payload->items[i];
        struct value value;
        p->ev.place.member = attribute->key;
        TRY(word_check(&p->ev, WORD_ATTRIBUTE_NAME, attribute->key));
        TRY(expression_text(&p->ev, attribute, &value));
        TRY(word_check(&p->ev, WORD_ATTRIBUTE_VALUE, value.text));
        if (value.text.length > 0)
            thing->attributes[thing->attribute_count++] =
                (struct template_entry){ kept(p, attribute->key), slice_copy(p->plan, value.text) };
    }
    return NULL;
}

static bool has_group(const struct template_thing *thing, slice name)
{
    for (size_t i = 0; i < thing->group_count; i++)
        if (slice_is(name, thing->groups[i]))
            return true;
    return false;
}

static FALLIBLE plan_groups(struct planner *p, const struct resource *resource, struct template_thing *thing)
{
    const struct expression *groups = turn_to(p, resource, THING_GROUPS);
    struct value list;
    thing->has_groups = groups != NULL;
    if (groups == NULL)
        return NULL;
    TRY(expression_list(&p->ev, groups, &list));
    thing->groups = MAKE_ARRAY(p->plan, const char *, list.count);
    for (size_t i = 0; i < list.count; i++) {
        TRY(word_check(&p->ev, WORD_THING_GROUP, list.items[i].text));
        if (!has_group(thing, list.items[i].text))
            thing->groups[thing->group_count++] = kept(p, list.items[i].text);
    }
    return NULL;
}

static FALLIBLE plan_thing(struct planner *p, const struct resource *resource)
{
    struct template_thing *thing = MAKE(p->plan, struct template_thing);
    p->plan->thing = thing;
    thing->logical_name = kept(p, resource->name);
    thing->override_attributes = resource->overrides[OVERRIDES_ATTRIBUTES];
    thing->override_type = resource->overrides[OVERRIDES_TYPE];
    thing->override_groups = resource->overrides[OVERRIDES_GROUPS];

    TRY(plan_word(p, resource, THING_NAME, WORD_THING, &thing->name));
    TRY(plan_attributes(p, resource, thing));
    TRY(plan_word(p, resource, THING_TYPE_NAME, WORD_THING_TYPE, &thing->type_name));
    TRY(plan_groups(p, resource, thing));
    return plan_word(p, resource, BILLING_GROUP, WORD_BILLING_GROUP, &thing->billing_group);
}

/* The server hands the certificate over: no template, and no device through it, may reach for another one
   (provisioning 4.1). */
static FALLIBLE check_certificate_id(struct planner *p, const char *id)
{
    enum template_kind kind = p->ev.template->kind;
    const struct template_parameters *builtins = p->ev.values->builtins;
    const slice *ours = builtins != NULL ? template_parameters_find(builtins, slice_of(TEMPLATE_CERTIFICATE_ID)) : NULL;

    if ((kind == TEMPLATE_FLEET || kind == TEMPLATE_JITP) && (ours == NULL || !slice_is(*ours, id)))
        return error_new(p->ev.ctx, "InvalidRequest", "%.*s of %.*s is not the certificate being provisioned.",
                         PRINT(p->ev.place.member), PRINT(shown(p->ev.place.owner)));
    if (!hex_is(slice_of(id), CERTIFICATE_ID_LENGTH))
        return evaluation_failed(&p->ev, "the text is not a certificate's identifier of 64 hexadecimal digits");
    return NULL;
}

static const struct {
    enum property property;
    enum template_source source;
} sources[] = {
    { CERTIFICATE_ID, CERTIFICATE_BY_ID },
    { CERTIFICATE_CSR, CERTIFICATE_BY_CSR },
    { CERTIFICATE_PEM, CERTIFICATE_BY_PEM },
};

static FALLIBLE plan_source(struct planner *p, const struct resource *resource, struct template_certificate *out)
{
    size_t i = 0;
    while (resource->properties[sources[i].property] == NULL) /* one of them is there: checked at creation */
        i++;
    out->source = sources[i].source;
    TRY(plan_text(p, resource, sources[i].property, &out->text));
    if (out->source == CERTIFICATE_BY_ID)
        return check_certificate_id(p, out->text);
    return out->source == CERTIFICATE_BY_PEM ? plan_text(p, resource, CA_CERTIFICATE_PEM, &out->ca_pem) : NULL;
}

static FALLIBLE plan_certificate(struct planner *p, const struct resource *resource)
{
    struct template_certificate *certificate = MAKE(p->plan, struct template_certificate);
    int status, principal_type;

    p->plan->certificate = certificate;
    certificate->logical_name = kept(p, resource->name);
    certificate->override_status = resource->overrides[OVERRIDES_STATUS];
    certificate->has_status = resource->properties[CERTIFICATE_STATUS] != NULL;

    TRY(plan_source(p, resource, certificate));
    TRY(plan_choice(p, resource, CERTIFICATE_STATUS, &status));
    TRY(plan_choice(p, resource, THING_PRINCIPAL_TYPE, &principal_type));
    certificate->active = status == 0;
    certificate->exclusive = principal_type == 1;
    return NULL;
}

static FALLIBLE plan_policy_name(struct planner *p, const struct expression *name, struct template_policy *policy)
{
    struct value value;
    TRY(expression_text(&p->ev, name, &value));
    TRY(taint_check(&p->ev, &value));
    TRY(word_check(&p->ev, WORD_POLICY, value.text));
    policy->name = kept(p, value.text);
    return NULL;
}

/* The object as minified JSON, or the text as it was given (provisioning 4.4). */
static FALLIBLE document_text(struct planner *p, const struct expression *document, slice *out)
{
    if (document->form == FORM_OBJECT) {
        json *object;
        TRY(expression_json(&p->ev, document, &object));
        *out = json_print(p->ev.scratch, object);
        return NULL;
    }
    struct value value;
    TRY(expression_text(&p->ev, document, &value));
    TRY(taint_check(&p->ev, &value));
    *out = value.text;
    return NULL;
}

static FALLIBLE plan_policy_document(struct planner *p, const struct expression *document,
                                     struct template_policy *policy)
{
    struct policy *parsed;
    slice text;
    TRY(document_text(p, document, &text));
    error *refused = policy_parse(p->ev.scratch, text, POLICY_IOT, &parsed);
    if (refused != NULL)
        return error_new(p->ev.ctx, "InvalidRequest", "PolicyDocument of %.*s: %s", PRINT(shown(p->ev.place.owner)),
                         refused->message);
    policy->document = kept(p, text);
    policy->name = digest_sha1_hex_upper(p->plan, text);
    return NULL;
}

static FALLIBLE plan_policy(struct planner *p, const struct resource *resource)
{
    struct template_policy *policy = &p->plan->policies[p->plan->policy_count++];
    policy->logical_name = kept(p, resource->name);
    const struct expression *name = turn_to(p, resource, POLICY_NAME);
    if (name != NULL)
        return plan_policy_name(p, name, policy);
    return plan_policy_document(p, turn_to(p, resource, POLICY_DOCUMENT), policy);
}

static FALLIBLE plan_resources(struct planner *p)
{
    static const struct {
        FALLIBLE (*plan)(struct planner *, const struct resource *);
    } kinds[RESOURCE_KINDS] = {
        [RESOURCE_THING] = { plan_thing },
        [RESOURCE_CERTIFICATE] = { plan_certificate },
        [RESOURCE_POLICY] = { plan_policy },
    };
    const struct template *template = p->ev.template;
    p->plan->policies = MAKE_ARRAY(p->plan, struct template_policy, template->resource_count);
    for (size_t i = 0; i < template->resource_count; i++)
        TRY(kinds[template->resources[i].kind].plan(p, &template->resources[i]));
    return NULL;
}

static FALLIBLE plan_configuration(struct planner *p)
{
    const struct template *template = p->ev.template;
    if (template->kind != TEMPLATE_FLEET) /* accepted everywhere, used only here (provisioning 4.1) */
        return NULL;
    p->plan->configuration = MAKE_ARRAY(p->plan, struct template_entry, template->configuration_count);
    for (size_t i = 0; i < template->configuration_count; i++) {
        const struct expression *entry = &template->configuration[i];
        struct value value;
        p->ev.place = (struct place){ entry->key, SLICE("DeviceConfiguration") };
        TRY(expression_text(&p->ev, entry, &value));
        p->plan->configuration[p->plan->configuration_count++] =
            (struct template_entry){ kept(p, entry->key), slice_copy(p->plan, value.text) };
    }
    return NULL;
}

/* A declared parameter that the certificate's subject lacks makes JITP fail, used or not (provisioning 4.1). */
static FALLIBLE check_declared(struct planner *p)
{
    const struct template *template = p->ev.template;
    for (size_t i = 0; template->kind == TEMPLATE_JITP && i < template->parameter_count; i++) {
        slice name = template->parameters[i].name;
        struct value value;
        if (!template_parameter_find(&p->ev, name, &value))
            return error_new(p->ev.ctx, "InvalidParameters", "The certificate gives the parameter %.*s no value.",
                             PRINT(shown(name)));
    }
    return NULL;
}

static FALLIBLE make_plan(struct planner *p)
{
    TRY(check_declared(p));
    TRY(plan_resources(p));
    return plan_configuration(p);
}

FALLIBLE template_resolve(void *ctx, const struct template *template, const struct template_values *values,
                          struct template_plan **out)
{
    SCRATCH scratch = talloc_new(NULL);
    struct planner p = {
        .ev = { .ctx = ctx, .scratch = scratch, .template = template, .values = values },
        .plan = MAKE(ctx, struct template_plan),
    };
    error *failed = make_plan(&p);
    if (failed != NULL) {
        talloc_free(p.plan);
        return failed;
    }
    *out = p.plan;
    return NULL;
}
