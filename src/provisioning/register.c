/* register.c - RegisterThing, over MQTT with the template's role and over REST with the caller's rights
   (provisioning.md 2.3, 4.9, 4.15). */
#include "provisioning/inner.h"

/* ---- MQTT: WORK, READ, WORK, APPLY ---- */

struct registration {
    const struct template_parameters *given;
    const char *body;    /* of the default version when the call came */
    const char *request; /* hash of what was asked, to know a redelivered request */
    const struct caller *role;
    const struct template_parameters *builtins;
    const struct template_plan *plan;
    const char *replay; /* the answer that an earlier request got, or NULL */
};

/* Template and parameters, by a hash: a redelivered request is the same, whatever its members' order. */
static const char *request_hash(struct call *call, const struct template_parameters *parameters)
{
    writer out = writer_new(call, 64 * 1024 * 1024);
    writer_string(&out, call_text(call, "templateName"));
    for (size_t i = 0; i < parameters->count; i++) {
        writer_u32(&out, (uint32_t)parameters->items[i].name.length);
        writer_slice(&out, parameters->items[i].name);
        writer_u32(&out, (uint32_t)parameters->items[i].value.length);
        writer_slice(&out, parameters->items[i].value);
    }
    return digest_sha256_hex(call, writer_slice_of(&out));
}

/* A token that was used answers the same request again, and no other. */
static FALLIBLE check_use(struct call *call, const struct ownership_token *token, struct registration *registration)
{
    registration->replay = NULL;
    if (token->answer == NULL)
        return NULL;
    if (strcmp(token->request, registration->request) != 0)
        return error_new(call, "InvalidCertificateOwnershipToken", "Certificate ownership token was used already.");
    registration->replay = token->answer;
    return NULL;
}

static FALLIBLE usable_template(struct call *call, struct template_row **out)
{
    TRY(template_row_get(call, out));
    if (template_kind_of((*out)->type) != TEMPLATE_FLEET)
        return error_new(call, "InvalidRequest", "Provisioning template %s is of type %s, not FLEET_PROVISIONING.",
                         (*out)->name, (*out)->type);
    if (!(*out)->enabled)
        return error_new(call, "AccessDenied", "Provisioning template %s is disabled.", (*out)->name);
    return NULL;
}

/* Parameters are judged before the token (4.9, step 1). */
static FALLIBLE take_parameters(struct call *call)
{
    struct template_parameters *given;
    struct registration *registration = MAKE(call, struct registration);
    call->kept = registration;
    TRY(template_parameters_from_json(call, json_get(call->input, "parameters"), &given));
    registration->given = given;
    registration->request = request_hash(call, given);
    return NULL;
}

static FALLIBLE look_up(struct call *call)
{
    struct ownership_token *token;
    struct template_row *template;
    struct caller *role;
    struct registration *registration = call->kept;
    TRY(token_find(call, &token));
    TRY(check_use(call, token, registration));
    if (registration->replay != NULL)
        return NULL;
    TRY(usable_template(call, &template));
    TRY(template_version_body(call->tx, call, call->account, call->region, template->name, template->default_version,
                              &registration->body, NULL));
    TRY(account_role(call->tx, call, call->account, template->role_arn, "iot.amazonaws.com", call->now_ms, &role));
    registration->role = role;

    /* The token's certificate is the only one the template may speak of. */
    struct template_parameters *builtins = template_parameters_new(call);
    template_parameters_set(builtins, SLICE(TEMPLATE_CERTIFICATE_ID), slice_of(token->certificate));
    registration->builtins = builtins;
    return NULL;
}

static FALLIBLE resolve(struct call *call)
{
    struct registration *registration = call->kept;
    struct template *template;
    struct template_plan *plan;
    if (registration->replay != NULL)
        return NULL;
    TRY(template_parse(call, slice_of(registration->body), TEMPLATE_FLEET, &template));
    struct template_values values = { .builtins = registration->builtins, .given = registration->given };
    TRY(template_resolve(call, template, &values, &plan));
    registration->plan = plan;
    return NULL;
}

static json *configuration_of(struct call *call, const struct template_plan *plan)
{
    json *configuration = json_new_object(call);
    for (size_t i = 0; i < plan->configuration_count; i++)
        json_put_slice(configuration, plan->configuration[i].name, plan->configuration[i].text);
    return configuration;
}

static FALLIBLE answer_again(struct call *call, const char *text)
{
    json *kept;
    TRY(json_parse(call, slice_of(text), 8, &kept));
    return answer(call, value_of("deviceConfiguration", json_object_get(json_get(kept, "deviceConfiguration"))),
                  string("thingName", json_get_text(kept, "thingName")));
}

static FALLIBLE register_device(struct call *call)
{
    struct registration *registration = call->kept;
    const struct template_plan *plan = registration->plan;
    struct ownership_token *token;
    struct applied applied;
    TRY(device_still_active(call));
    TRY(token_find(call, &token));
    TRY(check_use(call, token, registration));
    if (registration->replay != NULL)
        return answer_again(call, registration->replay);

    struct certificate *certificate;
    TRY(certificate_find(call->tx, call, call->account, call->region, token->certificate, &certificate));
    if (certificate == NULL)
        return error_new(call, "InvalidCertificateOwnershipToken",
                         "The certificate of this ownership token has been deleted.");
    TRY(provisioning_apply(call, registration->role, plan, NULL, &applied));
    error *done = answer(call, value_of("deviceConfiguration", json_object_get(configuration_of(call, plan))),
                         string("thingName", plan->thing ? plan->thing->name : NULL));
    TRY(done);
    return token_use(call, token, call_string(call, "templateName"), registration->request,
                     json_print(call, call->output).at);
}

/* ---- REST ---- */

/* What the template says can be read, and cannot be done. */
static error *cannot_apply(struct call *call, error *e)
{
    return error_because(call, e, "ResourceRegistrationFailureException",
                         "Register thing workflow execution terminates due to: %s", e->message);
}

struct rest_registration {
    const struct template_plan *plan;
    struct new_certificate made;
    struct certificate_registration *foreign; /* as made.registration; NULL: the template brings no PEM */
};

static FALLIBLE rest_sign(struct call *call, struct rest_registration *registration)
{
    struct pki_csr *csr;
    struct pki_certificate *made;
    error *e = pki_csr_parse(call, slice_of(registration->plan->certificate->text), &csr);
    if (e != NULL)
        return cannot_apply(call, e);
    TRY(pki_issue_from_csr(call, door_get(call->door, CERTIFICATE_ISSUER), csr, call->now_ms / 1000, &made));
    registration->made.signed_csr = made;
    return NULL;
}

static FALLIBLE read_pem(struct call *call, const char *property, const char *pem, struct pki_certificate_info **out)
{
    error *e = pki_certificate_parse_one(call, slice_of(pem), out);
    return e ? cannot_apply(call, error_because(call, e, "InvalidParameters", "%s: %s", property, e->message)) : NULL;
}

static FALLIBLE rest_read_certificate(struct call *call, struct rest_registration *registration)
{
    const struct template_certificate *wanted = registration->plan->certificate;
    struct certificate_registration *foreign = MAKE(call, struct certificate_registration);
    foreign->pem = wanted->text;
    foreign->status = "INACTIVE"; /* until all is attached */
    TRY(read_pem(call, "CertificatePem", wanted->text, &foreign->info));
    if (wanted->ca_pem != NULL)
        TRY(read_pem(call, "CACertificatePem", wanted->ca_pem, &foreign->wanted_ca));
    registration->made.registration = registration->foreign = foreign;
    return NULL;
}

static FALLIBLE rest_resolve(struct call *call)
{
    struct rest_registration *registration = call->kept = MAKE(call, struct rest_registration);
    struct template *template;
    struct template_plan *plan;
    struct template_parameters *given;
    TRY(template_parse(call, call_text(call, "templateBody"), TEMPLATE_REG, &template));
    error *e = template_parameters_from_json(call, json_get(call->input, "parameters"), &given);
    if (e == NULL)
        e = template_resolve(call, template, &(struct template_values){ .given = given }, &plan);
    if (e != NULL)
        return error_because(call, e, "InvalidRequestException", "%s", e->message);
    registration->plan = plan;
    if (plan->certificate != NULL && plan->certificate->source == CERTIFICATE_BY_CSR)
        return rest_sign(call, registration);
    if (plan->certificate != NULL && plan->certificate->source == CERTIFICATE_BY_PEM)
        return rest_read_certificate(call, registration);
    return NULL;
}

/* One that is registered already needs no issuer. */
static FALLIBLE rest_find_issuers(struct call *call)
{
    struct rest_registration *registration = call->kept;
    struct certificate *known;
    if (registration->foreign == NULL)
        return NULL;
    TRY(certificate_find(call->tx, call, call->account, call->region, registration->foreign->info->id, &known));
    if (known != NULL) {
        registration->foreign = NULL;
        return NULL;
    }
    error *e = certificate_find_issuers(call, registration->foreign);
    return e ? cannot_apply(call, e) : NULL;
}

static FALLIBLE rest_choose_issuer(struct call *call)
{
    struct rest_registration *registration = call->kept;
    error *e = registration->foreign ? certificate_choose_issuer(call, registration->foreign) : NULL;
    return e ? cannot_apply(call, e) : NULL;
}

static FALLIBLE rest_register(struct call *call)
{
    const struct rest_registration *registration = call->kept;
    struct applied applied;
    error *e = provisioning_apply(call, call->caller, registration->plan, &registration->made, &applied);
    if (error_is(e, "AccessDeniedException") || error_is(e, "ServiceUnavailableException"))
        return e;
    if (e != NULL)
        return cannot_apply(call, e);
    return answer(call, string("certificatePem", applied.certificate ? applied.certificate->pem : NULL),
                  value_of("resourceArns", json_object_get(applied.arns)));
}

const struct operation register_op_mqtt = { "mqtt", "RegisterThing",
                                            STEPS({ WORK, take_parameters }, { READ, look_up }, { WORK, resolve },
                                                  { APPLY, register_device }) };
const struct operation register_op_rest = { "iot", "RegisterThing",
                                            STEPS({ WORK, rest_resolve }, { READ, rest_find_issuers },
                                                  { WORK, rest_choose_issuer }, { APPLY, rest_register }) };
