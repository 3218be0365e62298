/* resource.c - reads Resources: things, certificates, policies, and the rules between them (provisioning 4.1, 4.3). */
#include "template/expression.h"
#include "policy/policy.h"

static const char *const type_names[RESOURCE_KINDS] = {
    [RESOURCE_THING] = "AWS::IoT::Thing",
    [RESOURCE_CERTIFICATE] = "AWS::IoT::Certificate",
    [RESOURCE_POLICY] = "AWS::IoT::Policy",
};

static const struct {
    enum resource_kind of;
    unsigned takes;
} property_rules[PROPERTIES] = {
    [THING_NAME] = { RESOURCE_THING, TAKES_TEXT },
    [ATTRIBUTE_PAYLOAD] = { RESOURCE_THING, TAKES_MAP },
    [THING_TYPE_NAME] = { RESOURCE_THING, TAKES_TEXT },
    [THING_GROUPS] = { RESOURCE_THING, TAKES_LIST },
    [BILLING_GROUP] = { RESOURCE_THING, TAKES_TEXT },
    [CERTIFICATE_ID] = { RESOURCE_CERTIFICATE, TAKES_TEXT },
    [CERTIFICATE_CSR] = { RESOURCE_CERTIFICATE, TAKES_TEXT },
    [CERTIFICATE_PEM] = { RESOURCE_CERTIFICATE, TAKES_TEXT },
    [CA_CERTIFICATE_PEM] = { RESOURCE_CERTIFICATE, TAKES_TEXT },
    [CERTIFICATE_STATUS] = { RESOURCE_CERTIFICATE, TAKES_TEXT },
    [THING_PRINCIPAL_TYPE] = { RESOURCE_CERTIFICATE, TAKES_TEXT },
    [POLICY_NAME] = { RESOURCE_POLICY, TAKES_TEXT },
    [POLICY_DOCUMENT] = { RESOURCE_POLICY, TAKES_TEXT | TAKES_DOCUMENT },
};

/* Both spellings occur in AWS's documentation (provisioning 4.4). */
static const struct override_rule {
    enum resource_kind of;
    const char *names[2];
    bool merges;
} override_rules[OVERRIDABLES] = {
    [OVERRIDES_ATTRIBUTES] = { RESOURCE_THING, { "AttributePayload", "ATTRIBUTE_PAYLOAD" }, true },
    [OVERRIDES_TYPE] = { RESOURCE_THING, { "ThingTypeName", "THING_TYPE_NAME" }, false },
    [OVERRIDES_GROUPS] = { RESOURCE_THING, { "ThingGroups", "THING_GROUPS" }, true },
    [OVERRIDES_STATUS] = { RESOURCE_CERTIFICATE, { "Status", "STATUS" }, false },
};

static const char *const override_values[] = {
    [OVERRIDE_DO_NOTHING] = "DO_NOTHING",
    [OVERRIDE_REPLACE] = "REPLACE",
    [OVERRIDE_MERGE] = "MERGE",
    [OVERRIDE_FAIL] = "FAIL",
};

/* A text as it is, anything else as JSON: for messages. */
static slice in_words(struct compilation *c, json *value)
{
    return shown(value == NULL ? SLICE("null") : json_is_text(value) ? json_text(value) : json_print(c->ctx, value));
}

static error *invalid_value(struct compilation *c, slice value, const char *of)
{
    return template_refused(c->ctx, "Invalid value %.*s for %.*s.", PRINT(value), PRINT(shown(slice_of(of))));
}

static FALLIBLE check_thing(struct compilation *c, const json *properties)
{
    if (json_get(properties, "ThingName") == NULL)
        return template_refused(c->ctx, "thingName is not present in the Template.");
    return NULL;
}

static error *certificate_id_needed(struct compilation *c)
{
    return template_refused(c->ctx, "CertificateId must be used in this type of template.");
}

/* Is the certificate one that the server hands over, and not of the template's making? */
static bool uses_given_certificate(enum template_kind kind)
{
    return kind == TEMPLATE_FLEET || kind == TEMPLATE_JITP;
}

static FALLIBLE check_certificate(struct compilation *c, const json *properties)
{
    bool by_id = json_get(properties, "CertificateId") != NULL;
    int sources = by_id + (json_get(properties, "CertificateSigningRequest") != NULL) +
                  (json_get(properties, "CertificatePem") != NULL);
    if (sources != 1)
        return template_refused(
            c->ctx, "Exactly one of CertificateId, CertificateSigningRequest and CertificatePem must be present.");
    return uses_given_certificate(c->template->kind) && !by_id ? certificate_id_needed(c) : NULL;
}

static FALLIBLE check_policy(struct compilation *c, const json *properties)
{
    bool by_name = json_get(properties, "PolicyName") != NULL;
    bool by_document = json_get(properties, "PolicyDocument") != NULL;
    if (by_name != by_document)
        return NULL;
    return template_refused(c->ctx, "%s policyName %s policyDocument %s present in the Template.",
                            by_name ? "Both" : "Neither", by_name ? "and" : "nor", by_name ? "are" : "is");
}

/* A document that no function touches is checked now, and kept as the text that it will be. */
static FALLIBLE fold_document(struct compilation *c, json *value, struct expression *document)
{
    if (!expression_is_literal(document))
        return NULL;
    slice text = document->form == FORM_TEXT ? document->text : json_print(c->ctx, value);
    struct policy *policy;
    error *refused = policy_parse(c->ctx, text, POLICY_IOT, &policy);
    if (refused != NULL)
        return error_because(c->ctx, refused, "InvalidRequestException", "%s", refused->message);
    *document = (struct expression){ .form = FORM_TEXT, .text = { slice_text(c->template, text), text.length } };
    return NULL;
}

static FALLIBLE compile_property(struct compilation *c, struct resource *resource, enum property property, json *value)
{
    const char *name = property_names[property];
    const struct choice *choice = choice_of(property);
    bool is_function = json_is_object(value) && function_is(value);

    if (choice != NULL && !is_function && choice_index(choice, json_text(value)) < 0)
        return invalid_value(c, in_words(c, value), name);

    struct expression *expression = MAKE(c->template, struct expression);
    resource->properties[property] = expression;
    c->place = (struct place){ slice_of(name), resource->name };
    TRY(expression_compile(c, value, property_rules[property].takes, expression));
    return property == POLICY_DOCUMENT ? fold_document(c, value, expression) : NULL;
}

static FALLIBLE compile_properties(struct compilation *c, struct resource *resource, json *properties)
{
    static const struct {
        FALLIBLE (*check)(struct compilation *, const json *);
    } rules[RESOURCE_KINDS] = {
        [RESOURCE_THING] = { check_thing },
        [RESOURCE_CERTIFICATE] = { check_certificate },
        [RESOURCE_POLICY] = { check_policy },
    };
    if (properties != NULL && !json_is_object(properties))
        return template_refused(c->ctx, "Properties of %.*s must be an object.", PRINT(shown(resource->name)));
    TRY(rules[resource->kind].check(c, properties));

    for (size_t i = 0; i < PROPERTIES; i++) {
        json *value = property_rules[i].of == resource->kind ? json_get(properties, property_names[i]) : NULL;
        if (value != NULL) /* null is as good as absent */
            TRY(compile_property(c, resource, (enum property)i, value));
    }
    return NULL;
}

static FALLIBLE compile_override(struct compilation *c, struct resource *resource, const char *key, json *value)
{
    size_t row = 0;
    while (row < OVERRIDABLES &&
           (override_rules[row].of != resource->kind ||
            (strcmp(key, override_rules[row].names[0]) && strcmp(key, override_rules[row].names[1]))))
        row++;
    if (row == OVERRIDABLES)
        return invalid_value(c, shown(slice_of(key)), "OverrideSettings");

    for (size_t i = 0; i < sizeof(override_values) / sizeof(override_values[0]); i++) {
        bool fits = i != OVERRIDE_MERGE || override_rules[row].merges;
        if (fits && slice_is(json_text(value), override_values[i])) {
            resource->overrides[row] = (enum template_override)i;
            return NULL;
        }
    }
    return invalid_value(c, in_words(c, value), key);
}

static FALLIBLE compile_overrides(struct compilation *c, struct resource *resource, json *settings)
{
    if (settings == NULL)
        return NULL;
    if (!json_is_object(settings))
        return template_refused(c->ctx, "OverrideSettings of %.*s must be an object.", PRINT(shown(resource->name)));
    json_object_object_foreach (settings, key, value)
        TRY(compile_override(c, resource, key, value));
    return NULL;
}

static FALLIBLE compile_resource(struct compilation *c, const char *name, json *value, struct resource *out)
{
    json *type = json_get(value, "Type");
    size_t kind = 0;
    while (kind < RESOURCE_KINDS && !slice_is(json_text(type), type_names[kind]))
        kind++;
    if (kind == RESOURCE_KINDS)
        return template_refused(c->ctx, "Unsupported resource type: %.*s.", PRINT(in_words(c, type)));

    out->name = slice_of(text_copy(c->template, name));
    out->kind = (enum resource_kind)kind;
    TRY(compile_properties(c, out, json_get(value, "Properties")));
    return compile_overrides(c, out, json_get(value, "OverrideSettings"));
}

/* What resources need of each other (provisioning 4.1). */
static FALLIBLE check_together(struct compilation *c)
{
    size_t counts[RESOURCE_KINDS] = { 0 };
    for (size_t i = 0; i < c->template->resource_count; i++)
        counts[c->template->resources[i].kind]++;

    for (size_t kind = 0; kind < RESOURCE_KINDS; kind++)
        if (kind != RESOURCE_POLICY && counts[kind] > 1)
            return template_refused(c->ctx, "At most one resource of type %s is allowed.", type_names[kind]);
    if (uses_given_certificate(c->template->kind) && counts[RESOURCE_CERTIFICATE] == 0)
        return certificate_id_needed(c);
    if (counts[RESOURCE_POLICY] > 0 && counts[RESOURCE_CERTIFICATE] == 0)
        return template_refused(c->ctx, "A policy needs a certificate to be attached to.");
    return NULL;
}

FALLIBLE resources_compile(struct compilation *c, const json *resources)
{
    struct template *template = c->template;
    template->resources = MAKE_ARRAY(template, struct resource, (size_t)json_object_object_length(resources));
    json_object_object_foreach (resources, key, value)
        TRY(compile_resource(c, key, value, &template->resources[template->resource_count++]));
    return check_together(c);
}
