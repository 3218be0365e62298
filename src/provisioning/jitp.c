/* jitp.c - just-in-time provisioning: the template of a CA is applied to a certificate that waits (x509.md 3.6, 4.10). */
#include "provisioning/jit.h"

struct provision {
    struct jit_visit *visit;
    bool held;
    bool is_late; /* another connect was faster, or somebody decided */
    const char *body;
    struct caller *role;
    const struct template_plan *plan;
};

/* ---- READ: what the CA says now ---- */

static FALLIBLE read_template(struct call *call, const char *name, struct provision *provision, const char **role_arn)
{
    struct template_row *template;
    TRY(template_row_find(call->tx, call, call->account, call->region, name, &template));
    if (template == NULL)
        return error_new(call, "ResourceNotFound", "Provisioning template %s of the CA's registrationConfig is gone.",
                         name);
    if (!template->enabled)
        return error_new(call, "AccessDenied", "Provisioning template %s is disabled.", name);
    *role_arn = template->role_arn;
    return template_version_body(call->tx, call, call->account, call->region, name, template->default_version,
                                 &provision->body, NULL);
}

static FALLIBLE read_config(struct call *call)
{
    struct provision *provision = call->kept;
    struct ca *ca;
    const char *role_arn;
    TRY(ca_find(call->tx, call, call->account, call->region, provision->visit->ca_id, &ca));
    provision->is_late = ca == NULL || (ca->config.template_name == NULL && ca->config.template_body == NULL);
    if (provision->is_late)
        return NULL;
    provision->body = ca->config.template_body;
    role_arn = ca->config.role_arn;
    if (ca->config.template_name != NULL)
        TRY(read_template(call, ca->config.template_name, provision, &role_arn));
    return account_role(call->tx, call, call->account, role_arn, "iot.amazonaws.com", call->now_ms, &provision->role);
}

/* ---- WORK: the subject's attributes are the parameters ---- */

static const struct {
    const char *attribute, *parameter;
} of_subject[] = {
    { "Subject.Country", "AWS::IoT::Certificate::Country" },
    { "Subject.Organization", "AWS::IoT::Certificate::Organization" },
    { "Subject.OrganizationalUnit", "AWS::IoT::Certificate::OrganizationalUnit" },
    { "Subject.DistinguishedNameQualifier", "AWS::IoT::Certificate::DistinguishedNameQualifier" },
    { "Subject.State", "AWS::IoT::Certificate::StateName" },
    { "Subject.CommonName", "AWS::IoT::Certificate::CommonName" },
    { "Subject.SerialNumber", "AWS::IoT::Certificate::SerialNumber" },
};

static FALLIBLE resolve(struct call *call)
{
    struct provision *provision = call->kept;
    const struct pki_certificate_info *leaf = provision->visit->leaf;
    struct template *template;
    struct template_plan *plan;
    if (provision->is_late)
        return NULL;
    struct template_parameters *builtins = template_parameters_new(call);
    template_parameters_set(builtins, SLICE(TEMPLATE_CERTIFICATE_ID), slice_of(leaf->id));
    for (size_t i = 0; i < sizeof(of_subject) / sizeof(*of_subject); i++) {
        const char *value = pki_certificate_attribute(leaf, of_subject[i].attribute);
        if (value != NULL)
            template_parameters_set(builtins, slice_of(of_subject[i].parameter), slice_of(value));
    }
    TRY(template_parse(call, slice_of(provision->body), TEMPLATE_JITP, &template));
    TRY(template_resolve(call, template, &(struct template_values){ .builtins = builtins }, &plan));
    provision->plan = plan;
    return NULL;
}

/* ---- APPLY ---- */

static FALLIBLE apply(struct call *call)
{
    struct provision *provision = call->kept;
    struct certificate *certificate;
    struct applied applied;
    if (provision->is_late)
        return answer(call);
    TRY(certificate_find(call->tx, call, call->account, call->region, provision->visit->leaf->id, &certificate));
    if (certificate == NULL || strcmp(certificate->status, "PENDING_ACTIVATION") != 0)
        return answer(call);
    TRY(provisioning_apply(call, provision->role, provision->plan, NULL, &applied));
    return answer(call, boolean("applied", true));
}

static const struct operation just_in_time_provisioning = {
    "muster", "JustInTimeProvisioning", STEPS({ READ, read_config }, { WORK, resolve }, { APPLY, apply })
};

/* ---- how it went: nothing of it reaches the device ---- */

static bool is_ours(const error *e)
{
    return error_is(e, "ServiceUnavailableException") || error_is(e, "InternalFailureException");
}

static void count(struct jit *jit, const error *e)
{
    if (e == NULL)
        JIT_COUNT(jit, provisioned);
    else if (is_ours(e))
        JIT_COUNT(jit, server_errors);
    else
        JIT_COUNT(jit, client_errors);
}

static void log_result(const struct call *call, const struct jit_visit *visit)
{
    SCRATCH ctx = talloc_new(NULL);
    const error *e = call->error;
    json *line = json_new_object(ctx);
    json_put_text(line, "accountId", visit->account);
    json_put_text(line, "certificateId", visit->leaf->id);
    json_put_text(line, "caCertificateId", visit->ca_id);
    json_put_slice(line, "clientId", visit->client_id);
    json_put_text(line, "result", e == NULL ? "Success" : is_ours(e) ? "ServerError" : "ClientError");
    json_put_text(line, "errorCode", e ? e->name : NULL);
    json_put_text(line, "message", e ? error_chain(ctx, e) : NULL);
    log_event(e ? LOG_WARN : LOG_INFO, &visit->jit->scope, "JITP", line);
}

static void ended(struct call *call)
{
    struct provision *provision = call->kept;
    struct jit_visit *visit = provision->visit;
    error *refused = NULL;
    if (call->error != NULL || json_get_bool(call->output, "applied", false)) {
        count(visit->jit, call->error);
        log_result(call, visit);
    }
    if (provision->held && call->error != NULL)
        refused =
            jit_is_pending(visit, visit, text_format(visit, "the template of its CA failed: %s", call->error->message));
    jit_visit_end(visit, refused);
    talloc_free(call);
}

void jitp_begin(struct jit_visit *visit, bool held)
{
    struct call *call =
        call_new_internal(visit->jit->options.door, &just_in_time_provisioning, visit->account, visit->region);
    struct provision *provision = MAKE(call, struct provision);
    provision->visit = visit;
    provision->held = held;
    call->source_ip = visit->source_ip;
    call->kept = provision;
    call->home = visit->home;
    call->done = ended;
    operation_run(call);
}
