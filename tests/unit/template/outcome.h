/* outcome.h - what templates come to, as text that a row of a table can state. */
#pragma once
#include "table.h"
#include "template/template.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* the certificate being provisioned */
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define CERTIFICATE                                                                                                    \
    "\"cert\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{\"CertificateId\":{\"Ref\":\"AWS::IoT::Certificate:" \
    ":Id\"}}}"

static inline const char *outcome_error(void *ctx, const error *e)
{
    return text_format(ctx, "%s: %s", e->name, e->message);
}

static inline struct template_parameters *outcome_parameters(void *ctx, const char *text)
{
    struct template_parameters *parameters;
    json *map;
    if (text == NULL)
        return NULL;
    assert_null(json_parse(ctx, slice_of(text), 8, &map));
    assert_null(template_parameters_from_json(ctx, map, &parameters));
    return parameters;
}

static inline void outcome_thing(writer *out, const struct template_thing *thing)
{
    static const char *const modes[] = { "", " REPLACE", " MERGE", " FAIL" };
    writer_format(out, "thing %s is %s\n", thing->logical_name, thing->name);
    if (thing->has_attributes)
        writer_format(out, "attributes%s\n", modes[thing->override_attributes]);
    for (size_t i = 0; i < thing->attribute_count; i++)
        writer_format(out, "  %s=%s\n", thing->attributes[i].name, thing->attributes[i].text.at);
    if (thing->type_name != NULL)
        writer_format(out, "type%s %s\n", modes[thing->override_type], thing->type_name);
    if (thing->has_groups)
        writer_format(out, "groups%s\n", modes[thing->override_groups]);
    for (size_t i = 0; i < thing->group_count; i++)
        writer_format(out, "  %s\n", thing->groups[i]);
    if (thing->billing_group != NULL)
        writer_format(out, "billing %s\n", thing->billing_group);
}

static inline void outcome_certificate(writer *out, const struct template_certificate *certificate)
{
    static const char *const sources[] = { "id", "csr", "pem" };
    static const char *const modes[] = { "", " REPLACE", " MERGE", " FAIL" };
    const char *text = strcmp(certificate->text, ID_A) == 0 ? "A" : certificate->text;
    writer_format(out, "certificate %s by %s %s", certificate->logical_name, sources[certificate->source], text);
    if (certificate->ca_pem != NULL)
        writer_format(out, " ca %s", certificate->ca_pem);
    writer_format(out, "%s%s%s%s\n", certificate->active ? " active" : " inactive",
                  certificate->has_status ? " stated" : "", modes[certificate->override_status],
                  certificate->exclusive ? " exclusive" : "");
}

static inline const char *outcome_plan(void *ctx, const struct template_plan *plan)
{
    writer out = writer_new(ctx, 1 << 20);
    if (plan->thing != NULL)
        outcome_thing(&out, plan->thing);
    if (plan->certificate != NULL)
        outcome_certificate(&out, plan->certificate);
    for (size_t i = 0; i < plan->policy_count; i++) {
        const struct template_policy *policy = &plan->policies[i];
        writer_format(&out, "policy %s is %s\n", policy->logical_name, policy->name);
        if (policy->document != NULL)
            writer_format(&out, "  %s\n", policy->document);
    }
    for (size_t i = 0; i < plan->configuration_count; i++)
        writer_format(&out, "configuration %s=%s\n", plan->configuration[i].name, plan->configuration[i].text.at);
    return writer_finish(&out);
}

struct outcome_case {
    enum template_kind kind;
    const char *body;
    const char *given;     /* JSON; NULL: none */
    const char *overrides; /* JSON; NULL: none */
    const char *builtins;  /* JSON; NULL: the certificate's identifier in FLEET and JITP, none otherwise */
};

/* The plan, or "name: message" of the error. */
static inline const char *outcome(void *ctx, struct outcome_case in)
{
    static const char ours[] = "{\"AWS::IoT::Certificate::Id\":\"" ID_A "\"}";
    bool served = in.kind == TEMPLATE_FLEET || in.kind == TEMPLATE_JITP;
    struct template_values values = {
        .builtins = outcome_parameters(ctx, in.builtins ? in.builtins
                                            : served    ? ours
                                                        : NULL),
        .overrides = outcome_parameters(ctx, in.overrides),
        .given = outcome_parameters(ctx, in.given),
    };
    struct template *template;
    struct template_plan *plan;
    error *e = template_parse(ctx, slice_of(in.body), in.kind, &template);
    if (e == NULL)
        e = template_resolve(ctx, template, &values, &plan);
    return e ? outcome_error(ctx, e) : outcome_plan(ctx, plan);
}
