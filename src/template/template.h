/* template.h - provisioning templates: what a template says (provisioning 4.1), and what it means for one device.

   A template is a JSON document with Parameters, Mappings, Resources (at most one thing and one certificate, any number
   of policies) and DeviceConfiguration. Its values are texts and functions of parameters: Ref, Fn::Join, Fn::Select,
   Fn::Split, Fn::FindInMap, Fn::Sub.

   One walk through the room:

       template_parse                    when a template is stored, and again by whoever is about to use it
           json_parse                    10240 characters, 32 levels
           expression_compile            each value becomes a small tree; wrong functions are refused here
           policy_parse                  each policy document that no function touches
       template_parameters_from_json     what the device, the hook or the caller gave
       template_resolve                  the template and the values become a plan; nothing else in the world is read
           template_parameter_find                built-in, hook override, given, Default: the first that has the name
           expression_evaluate           each text knows which of its bytes a device chose
           policy_parse                  each document that functions made
       (the plan is applied by src/provisioning, in one transaction)

   What a device says is not trusted. In a FLEET template, bytes that come from it may not bring wildcards, variables or
   quotes into a policy's document or name (provisioning 4.1), whichever functions they went through; names beginning
   "AWS::" are dropped; and a policy variable such as ${iot:ClientId} stays one, even if the device sends a parameter of
   that name which the template does not declare.

   Nothing here reads a clock, a socket or the store. A parsed template does not change any more and holds no JSON
   value: any number of threads may resolve it. Work is bounded: a text that a function makes has at most 64 KiB, all of
   them together at most 1 MiB. */
#pragma once
#include "base/json.h"

/* Where a template is used: stored as FLEET_PROVISIONING; stored as JITP, or the body in a CA's registrationConfig;
   the RegisterThing call; a bulk task. */
enum template_kind { TEMPLATE_FLEET, TEMPLATE_JITP, TEMPLATE_REG, TEMPLATE_BULK };

struct template;

/* Fails with InvalidRequestException and the texts of provisioning 4.3; a policy document that is not a policy brings
   the policy validator's text. */
FALLIBLE template_parse(void *ctx, slice body, enum template_kind kind, struct template **out);

/* Names and values, sorted by name (bytewise). Each text is followed by a NUL byte, but may hold others. */
struct template_parameter {
    slice name;
    slice value;
};

struct template_parameters {
    struct template_parameter *items;
    size_t count;
};

struct template_parameters *template_parameters_new(void *ctx);
/* Copies both; a second value for a name replaces the first. */
void template_parameters_set(struct template_parameters *parameters, slice name, slice value);
const slice *template_parameters_find(const struct template_parameters *parameters, slice name); /* NULL: none */

/* `map` is a JSON object, or NULL for none: text, and integers and booleans as their JSON text (provisioning 4.9).
   Fails with InvalidParameters: not a map, another type of value, a name past 2048 characters, a value past 4096. */
FALLIBLE template_parameters_from_json(void *ctx, const json *map, struct template_parameters **out);

/* The built-in parameters: the identifier of the certificate, and for JITP what its subject has. */
#define TEMPLATE_CERTIFICATE_ID "AWS::IoT::Certificate::Id"

/* Each may be NULL. In FLEET `given` comes from a device, and `builtins` must hold TEMPLATE_CERTIFICATE_ID. */
struct template_values {
    const struct template_parameters *builtins;
    const struct template_parameters *overrides; /* the hook's */
    const struct template_parameters *given;
};

/* What happens to something that exists already (provisioning 4.4). */
enum template_override { OVERRIDE_DO_NOTHING, OVERRIDE_REPLACE, OVERRIDE_MERGE, OVERRIDE_FAIL };

enum template_source { CERTIFICATE_BY_ID, CERTIFICATE_BY_CSR, CERTIFICATE_BY_PEM };

/* Name and text of an attribute or of an entry of DeviceConfiguration, in the template's order; both NUL-terminated. */
struct template_entry {
    const char *name;
    slice text;
};

/* Names are valid names; whether what they name exists is for who applies the plan. */
struct template_thing {
    const char *logical_name;
    const char *name;
    struct template_entry *attributes; /* none has an empty value (x509 4.13) */
    size_t attribute_count;
    bool has_attributes; /* AttributePayload is there, even if empty */
    const char *type_name;
    const char **groups; /* each once */
    size_t group_count;
    bool has_groups; /* ThingGroups is there, even if empty */
    const char *billing_group;
    enum template_override override_attributes;
    enum template_override override_type;
    enum template_override override_groups;
};

struct template_certificate {
    const char *logical_name;
    enum template_source source;
    const char *text;   /* the identifier, the CSR or the certificate's PEM */
    const char *ca_pem; /* CERTIFICATE_BY_PEM: CACertificatePem, or NULL */
    bool active;        /* Status: ACTIVE, or else INACTIVE */
    bool has_status;    /* Status is there; without it `active` is true */
    enum template_override override_status;
    bool exclusive; /* ThingPrincipalType is EXCLUSIVE_THING */
};

struct template_policy {
    const char *logical_name;
    const char *name;     /* of a policy that exists, or made from the document */
    const char *document; /* NULL when the policy is used by name */
};

struct template_plan {
    const struct template_thing *thing;             /* NULL: none */
    const struct template_certificate *certificate; /* NULL: none (REG and BULK) */
    struct template_policy *policies;
    size_t policy_count;
    struct template_entry *configuration; /* DeviceConfiguration; FLEET only */
    size_t configuration_count;
};

/* Evaluates everything, checks every name, applies nothing. Fails with
   InvalidParameters   a parameter without a value, a function that cannot be evaluated, a name, attribute or status
                       that is not one, bytes of a device that a policy must not have
   InvalidRequest      an evaluated policy that is not one; a certificate other than the built-in one (FLEET, JITP) */
FALLIBLE template_resolve(void *ctx, const struct template *template, const struct template_values *values,
                          struct template_plan **out);
