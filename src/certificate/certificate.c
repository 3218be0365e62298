/* certificate.c - DescribeCertificate, UpdateCertificate, DeleteCertificate, ListCertificates
   (x509.md 2.2, 3.3, 4.2, 4.6). */
#include "certificate/inner.h"

error *certificate_unknown(struct call *call, const char *id)
{
    return error_new(call, "ResourceNotFoundException", "Certificate %s cannot be found.", id);
}

static json *validity_of(const struct certificate *certificate)
{
    json *validity = json_object_new_object();
    json_put_time(validity, "notBefore", certificate->not_before_s * 1000);
    json_put_time(validity, "notAfter", certificate->not_after_s * 1000);
    return validity;
}

static FALLIBLE describe(struct call *call)
{
    struct certificate *certificate;
    const char *id = call_string(call, "certificateId");
    TRY(certificate_find(call->tx, call, call->account, call->region, id, &certificate));
    if (certificate == NULL)
        return certificate_unknown(call, id);

    const char *owner;
    json *description = json_new_object(call), *transfer = json_new_object(call);
    TRY(certificate_transfer_data(call, certificate, &owner, transfer));
    json_put_text(description, "certificateArn", call_arn(call, "cert/%s", id));
    json_put_text(description, "certificateId", id);
    json_put_text(description, "caCertificateId", certificate->ca_id);
    json_put_text(description, "status", certificate->status);
    json_put_text(description, "certificatePem", certificate->pem);
    json_put_text(description, "ownedBy", owner);
    json_put_text(description, "previousOwnedBy", certificate->previous_owner);
    json_put_time(description, "creationDate", certificate->created);
    json_put_time(description, "lastModifiedDate", certificate->modified);
    json_put_integer(description, "customerVersion", certificate->version);
    json_put(description, "transferData", json_object_get(transfer));
    json_put_text(description, "generationId", certificate->generation_id);
    json_put(description, "validity", validity_of(certificate));
    json_put_text(description, "certificateMode", certificate->mode);
    return answer(call, value_of("certificateDescription", json_object_get(description)));
}

static FALLIBLE update(struct call *call)
{
    struct certificate *certificate;
    const char *id = call_string(call, "certificateId");
    TRY(certificate_find(call->tx, call, call->account, call->region, id, &certificate));
    if (certificate == NULL)
        return certificate_unknown(call, id);
    TRY(certificate_set_status(call, certificate, call_string(call, "newStatus")));
    return answer(call);
}

static FALLIBLE delete_certificate(struct call *call)
{
    struct certificate *certificate;
    bool things, policies;
    const char *id = call_string(call, "certificateId"), *arn = call_arn(call, "cert/%s", id);
    TRY(certificate_find(call->tx, call, call->account, call->region, id, &certificate));
    if (certificate == NULL)
        return certificate_unknown(call, id);
    if (strcmp(certificate->status, "ACTIVE") == 0)
        return error_new(call, "CertificateStateException",
                         "Certificate must be deactivated (not ACTIVE) before deletion. Id: %s", id);
    if (strcmp(certificate->status, "PENDING_TRANSFER") == 0)
        return error_new(call, "CertificateStateException",
                         "Certificate %s is in PENDING_TRANSFER; cancel the transfer before deletion.", id);
    TRY(certificate_is_attached(call, id, &things, &policies));
    if (things)
        return error_new(call, "DeleteConflictException", "Things must be detached before deletion (arn: %s)", arn);
    if (policies && !call_flag(call, "forceDelete"))
        return error_new(call, "DeleteConflictException",
                         "Certificate policies must be detached before deletion (arn: %s)", arn);
    TRY(certificate_remove(call, certificate));
    return answer(call);
}

/* ---- ListCertificates: by creation, newest first unless isAscendingOrder ---- */

json *certificate_entry(struct call *call, const struct row *row)
{
    json *certificate = json_object_new_object();
    json_put_text(certificate, "certificateArn", call_arn(call, "cert/%.*s", PRINT(row_slice(row, 0))));
    json_put_slice(certificate, "certificateId", row_slice(row, 0));
    json_put_slice(certificate, "status", row_slice(row, 1));
    json_put_slice(certificate, "certificateMode", row_slice(row, 2));
    json_put_time(certificate, "creationDate", row_integer(row, 3));
    return certificate;
}

static FALLIBLE list_certificates(struct call *call)
{
    struct list list = { .call = call,
                         .member = "certificates",
                         .entry = certificate_entry,
                         .position = 4,
                         .numbered = true,
                         .newest_first = true };
    TRY(list_begin(&list));
    TRY(list_each(&list,
                  LIST_BY("sequence", "SELECT id, status, mode, created, sequence FROM certificate WHERE account = ? "
                                      "AND region = ? AND"),
                  ARGS(sql_text(call->account), sql_text(call->region))));
    return list_answer(&list);
}

const struct operation certificate_op_describe = { "iot", "DescribeCertificate", STEPS({ READ, describe }) };
const struct operation certificate_op_update = { "iot", "UpdateCertificate", STEPS({ APPLY, update }) };
const struct operation certificate_op_delete = { "iot", "DeleteCertificate", STEPS({ APPLY, delete_certificate }) };
const struct operation certificate_op_list = { "iot", "ListCertificates", STEPS({ READ, list_certificates }) };

const struct operation *const certificate_operations[] = {
    &certificate_op_create_keys,
    &certificate_op_create_from_csr,
    &certificate_op_describe,
    &certificate_op_update,
    &certificate_op_delete,
    &certificate_op_list,
    &certificate_op_register,
    &certificate_op_register_alone,
    &certificate_op_transfer,
    &certificate_op_accept,
    &certificate_op_reject,
    &certificate_op_cancel,
    &certificate_op_list_outgoing,
    &ca_op_describe,
    &ca_op_delete,
    &ca_op_list,
    &ca_op_list_certificates,
    &ca_op_get_code,
    &ca_op_delete_code,
    &certificate_op_attach_principal,
    &certificate_op_detach_principal,
    &certificate_op_list_principal_things,
    &certificate_op_list_principal_things_v2,
    NULL,
};
