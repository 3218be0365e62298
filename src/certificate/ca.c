/* ca.c - DescribeCACertificate, DeleteCACertificate, ListCACertificates, ListCertificatesByCA, GetRegistrationCode,
   DeleteRegistrationCode (x509.md 2.2, 3.3, 4.4). What registers and updates a CA stands in provisioning, since it has to
   do with templates. */
#include "certificate/inner.h"
#include "base/encode.h"
#include "base/random.h"

/* ---- one CA ---- */

static json *config_of(const struct ca *ca)
{
    const struct ca_config *config = &ca->config;
    if (config->template_body == NULL && config->template_name == NULL)
        return NULL;
    json *out = json_object_new_object();
    json_put_text(out, "templateBody", config->template_body);
    json_put_text(out, "roleArn", config->role_arn);
    json_put_text(out, "templateName", config->template_name);
    return out;
}

static FALLIBLE describe(struct call *call)
{
    struct ca *ca;
    TRY(ca_need(call, &ca));
    json *description = json_object_new_object(), *validity = json_object_new_object();
    json_put_time(validity, "notBefore", ca->not_before_s * 1000);
    json_put_time(validity, "notAfter", ca->not_after_s * 1000);
    json_put_text(description, "certificateArn", call_arn(call, "cacert/%s", ca->id));
    json_put_text(description, "certificateId", ca->id);
    json_put_text(description, "status", ca->status);
    json_put_text(description, "certificatePem", ca->pem);
    json_put_text(description, "ownedBy", call->account);
    json_put_time(description, "creationDate", ca->created);
    json_put_text(description, "autoRegistrationStatus", ca->auto_registration ? "ENABLE" : "DISABLE");
    json_put_time(description, "lastModifiedDate", ca->modified);
    json_put_integer(description, "customerVersion", ca->version);
    json_put_text(description, "generationId", ca->generation_id);
    json_put(description, "validity", validity);
    json_put_text(description, "certificateMode", ca->mode);
    return answer(call, value_of("certificateDescription", description), value_of("registrationConfig", config_of(ca)));
}

static FALLIBLE delete_ca(struct call *call)
{
    struct ca *ca;
    TRY(ca_need(call, &ca));
    if (strcmp(ca->status, "ACTIVE") == 0)
        return error_new(call, "CertificateStateException",
                         "CA certificate %s is ACTIVE; it must be INACTIVE before deletion.", ca->id);
    TRY(ca_remove(call, ca));
    return answer(call);
}

/* ---- lists: by creation, newest first unless isAscendingOrder ---- */

static json *ca_entry(struct call *call, const struct row *row)
{
    json *ca = json_object_new_object();
    json_put_text(ca, "certificateArn", call_arn(call, "cacert/%.*s", PRINT(row_slice(row, 0))));
    json_put_slice(ca, "certificateId", row_slice(row, 0));
    json_put_slice(ca, "status", row_slice(row, 1));
    json_put_time(ca, "creationDate", row_integer(row, 2));
    return ca;
}

static FALLIBLE list_cas(struct call *call)
{
    const char *template = call_string(call, "templateName");
    struct list list = {
        .call = call, .member = "certificates", .entry = ca_entry, .position = 3, .numbered = true, .newest_first = true
    };
    TRY(list_begin(&list));
    if (template != NULL)
        TRY(list_each(&list,
                      LIST_BY("sequence", "SELECT id, status, created, sequence FROM ca_certificate WHERE account = ? "
                                          "AND region = ? AND template_name = ? AND"),
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(template))));
    else
        TRY(list_each(&list,
                      LIST_BY("sequence", "SELECT id, status, created, sequence FROM ca_certificate WHERE account = ? "
                                          "AND region = ? AND"),
                      ARGS(sql_text(call->account), sql_text(call->region))));
    return list_answer(&list);
}

/* Of a CA that is not there, or not any more, too (x509.md 4.4). */
static FALLIBLE list_by_ca(struct call *call)
{
    struct list list = { .call = call,
                         .member = "certificates",
                         .entry = certificate_entry,
                         .position = 4,
                         .numbered = true,
                         .newest_first = true };
    TRY(list_begin(&list));
    TRY(list_each(
        &list,
        LIST_BY("sequence", "SELECT id, status, mode, created, sequence FROM certificate WHERE account = ? "
                            "AND region = ? AND ca_id = ? AND"),
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(call_string(call, "caCertificateId")))));
    return list_answer(&list);
}

/* ---- the registration code ---- */

enum { CODE_BYTES = 32 };

FALLIBLE ca_registration_code(struct call *call, const char **out)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row, "SELECT code FROM registration_code WHERE account = ? AND region = ?",
                   ARGS(sql_text(call->account), sql_text(call->region))));
    *out = row ? row_text(call, row, 0) : NULL;
    return NULL;
}

static FALLIBLE get_code(struct call *call)
{
    const char *code;
    char bytes[CODE_BYTES];
    TRY(ca_registration_code(call, &code));
    if (code == NULL) {
        random_bytes(bytes, sizeof(bytes));
        code = hex_encode(call, slice_bytes(bytes, sizeof(bytes)));
        TRY(store_run(
            call->tx, NULL, "INSERT INTO registration_code (account, region, code, created) VALUES (?, ?, ?, ?)",
            ARGS(sql_text(call->account), sql_text(call->region), sql_text(code), sql_integer(call->now_ms))));
        TRY(call_change(call, "registration-code", call->account, "CREATED", NULL));
    }
    return answer(call, string("registrationCode", code));
}

static FALLIBLE delete_code(struct call *call)
{
    int64_t changed;
    TRY(store_run(call->tx, &changed, "DELETE FROM registration_code WHERE account = ? AND region = ?",
                  ARGS(sql_text(call->account), sql_text(call->region))));
    if (changed == 0)
        return error_new(call, "ResourceNotFoundException", "There is no registration code to delete.");
    TRY(call_change(call, "registration-code", call->account, "DELETED", NULL));
    return answer(call);
}

const struct operation ca_op_describe = { "iot", "DescribeCACertificate", STEPS({ READ, describe }) };
const struct operation ca_op_delete = { "iot", "DeleteCACertificate", STEPS({ APPLY, delete_ca }) };
const struct operation ca_op_list = { "iot", "ListCACertificates", STEPS({ READ, list_cas }) };
const struct operation ca_op_list_certificates = { "iot", "ListCertificatesByCA", STEPS({ READ, list_by_ca }) };
const struct operation ca_op_get_code = { "iot", "GetRegistrationCode", STEPS({ APPLY, get_code }) };
const struct operation ca_op_delete_code = { "iot", "DeleteRegistrationCode", STEPS({ APPLY, delete_code }) };
