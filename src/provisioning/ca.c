/* ca.c - RegisterCACertificate, UpdateCACertificate: a CA, and what its devices are provisioned by
   (x509.md 2.2, 3.4, 3.6, 4.4, 4.5). */
#include "provisioning/inner.h"

/* ---- registrationConfig: a template's name, or a body and its role ---- */

static FALLIBLE read_config(struct call *call, struct ca_config *out)
{
    const json *config = json_get_object(call->input, "registrationConfig");
    struct template *parsed;
    *out = (struct ca_config){ .template_name = json_get_text(config, "templateName"),
                               .template_body = json_get_text(config, "templateBody"),
                               .role_arn = json_get_text(config, "roleArn") };
    if (config == NULL)
        return NULL;
    if (out->template_name != NULL)
        return out->template_body == NULL && out->role_arn == NULL
                   ? NULL
                   : error_new(call, "InvalidRequestException",
                               "registrationConfig: templateName stands alone, without templateBody and roleArn.");
    if (out->template_body == NULL || out->role_arn == NULL)
        return error_new(call, "InvalidRequestException",
                         "registrationConfig: either templateName, or both templateBody and roleArn, must be given.");
    error *e = template_parse(call, json_get_slice(config, "templateBody"), TEMPLATE_JITP, &parsed);
    return e ? error_because(call, e, e->name, "registrationConfig.templateBody: %s", e->message) : NULL;
}

static FALLIBLE check_config(struct call *call, const struct ca_config *config)
{
    struct template_row *template;
    if (config->role_arn != NULL)
        return template_check_role(call, "registrationConfig.roleArn", config->role_arn);
    if (config->template_name == NULL)
        return NULL;
    TRY(template_row_find(call->tx, call, call->account, call->region, config->template_name, &template));
    if (template == NULL)
        return error_new(call, "ResourceNotFoundException", "Provisioning template %s cannot be found.",
                         config->template_name);
    return template_kind_of(template->type) == TEMPLATE_JITP
               ? NULL
               : error_new(call, "InvalidRequestException",
                           "registrationConfig.templateName: template %s is of type %s; a CA needs one of type JITP.",
                           config->template_name, template->type);
}

/* ---- RegisterCACertificate ---- */

struct ca_registration {
    struct pki_certificate_info *info;
    const char *proof; /* the common name of the verification certificate; NULL: none, or it has none */
    struct ca ca;
    error *config_error; /* found early, told in its turn */
};

static FALLIBLE check_mode(struct call *call, struct ca *ca)
{
    const char *mode = call_string(call, "certificateMode");
    ca->mode = mode ? mode : "DEFAULT";
    bool is_default = strcmp(ca->mode, "DEFAULT") == 0;
    if (is_default == call_has(call, "verificationCertificate"))
        return NULL;
    return error_new(call, "InvalidRequestException",
                     is_default ? "verificationCertificate: a CA in DEFAULT mode needs one."
                                : "verificationCertificate: a CA in SNI_ONLY mode is registered without one.");
}

static FALLIBLE check_proof(struct call *call, struct ca_registration *registration)
{
    struct pki_certificate_info *proof;
    TRY(certificate_parse_member(call, "verificationCertificate", &proof));
    if (!pki_certificate_signed_by(proof, registration->info))
        return error_new(call, "CertificateValidationException",
                         "verificationCertificate: it is not signed by the key of caCertificate.");
    registration->proof = pki_certificate_attribute(proof, "Subject.CommonName");
    return NULL;
}

static FALLIBLE read_ca(struct call *call)
{
    struct ca_registration *registration = call->kept = MAKE(call, struct ca_registration);
    struct ca *ca = &registration->ca;
    TRY(check_mode(call, ca));
    TRY(certificate_parse_member(call, "caCertificate", &registration->info));
    const struct pki_certificate_info *info = registration->info;
    if (!info->is_ca)
        return error_new(
            call, "CertificateValidationException",
            "caCertificate: it is no CA: BasicConstraints must say CA:TRUE, and KeyUsage, if there is one, "
            "keyCertSign.");
    if (call_has(call, "verificationCertificate"))
        TRY(check_proof(call, registration));
    ca->id = info->id;
    ca->pem = call_string(call, "caCertificate");
    ca->status = call_flag(call, "setAsActive") ? "ACTIVE" : "INACTIVE";
    ca->auto_registration = call_flag(call, "allowAutoRegistration");
    ca->not_before_s = info->not_before_s;
    ca->not_after_s = info->not_after_s;
    registration->config_error = read_config(call, &ca->config);
    return NULL;
}

static FALLIBLE check_code(struct call *call, const struct ca_registration *registration)
{
    const char *code;
    if (strcmp(registration->ca.mode, "DEFAULT") != 0)
        return NULL;
    TRY(ca_registration_code(call, &code));
    if (code != NULL && registration->proof != NULL && strcmp(code, registration->proof) == 0)
        return NULL;
    return error_new(call, "RegistrationCodeValidationException",
                     "verificationCertificate: its common name is not the registration code of this account and "
                     "region.");
}

/* Who has it already: the account itself, or another one in a mode that leaves no room (x509.md 4.5). */
static FALLIBLE check_holders(struct call *call, const struct ca *ca)
{
    struct ca *own;
    struct row *other;
    TRY(ca_find(call->tx, call, call->account, call->region, ca->id, &own));
    if (own != NULL) {
        error *e =
            error_new(call, "ResourceAlreadyExistsException", "CA certificate %s is registered already.", ca->id);
        error_with(e, "resourceId", ca->id);
        return error_with(e, "resourceArn", call_arn(call, "cacert/%s", ca->id));
    }
    if (strcmp(ca->mode, "DEFAULT") != 0)
        return NULL;
    TRY(store_find(call->tx, call, &other,
                   "SELECT 1 FROM ca_certificate WHERE region = ? AND id = ? AND mode = 'DEFAULT' LIMIT 1",
                   ARGS(sql_text(call->region), sql_text(ca->id))));
    return other ? error_new(call, "InvalidRequestException", "Cannot accept this CACertificate") : NULL;
}

static FALLIBLE check_room(struct call *call, slice subject)
{
    struct ca_list list;
    size_t same = 0;
    TRY(ca_with_subject(call->tx, call, call->account, call->region, subject, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct pki_certificate_info *one;
        TRY(pki_certificate_parse_one(call, slice_of(list.items[i].pem), &one));
        same += pki_name_same(one->subject, subject);
    }
    return same < CAS_OF_A_SUBJECT ? NULL
                                   : error_new(call, "LimitExceededException",
                                               "Limit reached for number of CA Certificates with same subject");
}

static FALLIBLE register_ca(struct call *call)
{
    const struct ca_registration *registration = call->kept;
    const struct ca *ca = &registration->ca;
    const char *arn = call_arn(call, "cacert/%s", ca->id);
    TRY(check_code(call, registration));
    TRY(check_holders(call, ca));
    TRY(check_room(call, registration->info->subject));
    if (registration->config_error != NULL)
        return registration->config_error;
    TRY(check_config(call, &ca->config));
    TRY(ca_store(call, ca, registration->info->subject));
    TRY(registry_write_tags(call, arn));
    return answer(call, string("certificateArn", arn), string("certificateId", ca->id));
}

/* ---- UpdateCACertificate: only what is given changes; the registrationConfig as a whole ---- */

static FALLIBLE read_update(struct call *call)
{
    struct ca_config *config = call->kept = MAKE(call, struct ca_config);
    if (call_has(call, "registrationConfig") && call_flag(call, "removeAutoRegistration"))
        return error_new(call, "InvalidRequestException",
                         "registrationConfig and removeAutoRegistration are both given: shall it be there or go?");
    return read_config(call, config);
}

static bool same_ca(const struct ca *a, const struct ca *b)
{
    return registry_same_text(a->status, b->status) && a->auto_registration == b->auto_registration &&
           registry_same_text(a->config.template_body, b->config.template_body) &&
           registry_same_text(a->config.role_arn, b->config.role_arn) &&
           registry_same_text(a->config.template_name, b->config.template_name);
}

static FALLIBLE update_ca(struct call *call)
{
    struct ca *ca;
    const struct ca_config *config = call->kept;
    const char *status = call_string(call, "newStatus"), *automatic = call_string(call, "newAutoRegistrationStatus");
    TRY(ca_need(call, &ca));
    const struct ca before = *ca;
    if (status != NULL)
        ca->status = status;
    if (automatic != NULL)
        ca->auto_registration = strcmp(automatic, "ENABLE") == 0;
    if (call_flag(call, "removeAutoRegistration"))
        ca->config = (struct ca_config){ .template_name = NULL };
    if (call_has(call, "registrationConfig")) {
        TRY(check_config(call, config));
        ca->config = *config;
    }
    if (!same_ca(ca, &before))
        TRY(ca_change(call, ca));
    return answer(call);
}

const struct operation ca_op_register = { "iot", "RegisterCACertificate",
                                          STEPS({ WORK, read_ca }, { APPLY, register_ca }) };
const struct operation ca_op_update = { "iot", "UpdateCACertificate",
                                        STEPS({ WORK, read_update }, { APPLY, update_ca }) };
