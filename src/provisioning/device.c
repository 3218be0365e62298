/* device.c - CreateKeysAndCertificate and CreateCertificateFromCsr over MQTT (provisioning.md 2.5, 3.2, 4.8), and the
   check of all device operations that the asking certificate is still ACTIVE. */
#include "provisioning/inner.h"
#include "base/encode.h"
#include "base/random.h"

FALLIBLE device_still_active(struct call *call)
{
    struct certificate *certificate;
    TRY(certificate_find(call->tx, call, call->account, call->region, call->caller->principal, &certificate));
    if (certificate != NULL && strcmp(certificate->status, "ACTIVE") == 0)
        return NULL;
    return error_new(call, "AccessDenied", "The certificate of this connection is no longer active.");
}

/* 256 random bits: 43 characters, far below the 512 bytes that small clients reserve. */
static const char *new_token(struct call *call)
{
    uint8_t bytes[32];
    random_bytes(bytes, sizeof(bytes));
    return base64url_encode(call, slice_bytes(bytes, sizeof(bytes)));
}

static FALLIBLE register_pending(struct call *call)
{
    const struct certificate_issue *issue = call->kept;
    const struct pki_certificate *certificate = issue->certificate;
    const char *token = new_token(call);
    TRY(device_still_active(call));
    TRY(certificate_store(call, certificate, "PENDING_ACTIVATION"));
    TRY(token_issue(call, certificate->id, token));
    return answer(call, string("certificateId", certificate->id), string("certificatePem", certificate->pem),
                  string("privateKey", issue->pair ? issue->pair->private_pem : NULL),
                  string("certificateOwnershipToken", token));
}

const struct operation mqtt_op_create_keys = { "mqtt", "CreateKeysAndCertificate",
                                               STEPS({ WAIT, certificate_take_keys }, { WORK, certificate_sign },
                                                     { APPLY, register_pending }) };
const struct operation mqtt_op_create_from_csr = { "mqtt", "CreateCertificateFromCsr",
                                                   STEPS({ WORK, certificate_sign }, { APPLY, register_pending }) };
