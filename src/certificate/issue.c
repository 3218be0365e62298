/* issue.c - CreateKeysAndCertificate, CreateCertificateFromCsr, and their steps for MQTT (x509.md 2.2, 3.2). */
#include "certificate/inner.h"

/* Called by a thread of the pool, or at once when a pair is ready: the call is parked, so nobody else touches it. */
static void keys_are_ready(struct pki_waiter *waiter, struct pki_key_pair *pair)
{
    struct certificate_issue *issue = (struct certificate_issue *)waiter;
    struct call *call = issue->call;
    error *e = NULL;
    issue->pair = pair;
    if (pair == NULL && atomic_load(&call->abandoned))
        e = error_new(call, "ThrottlingException", "Who asked went away before keys were ready.");
    else if (pair == NULL)
        e = error_new(call, "ServiceUnavailableException", "The server is stopping; try again.");
    call_resume(call, e);
}

static bool nobody_waits(struct pki_waiter *waiter)
{
    return atomic_load(&((struct certificate_issue *)waiter)->call->abandoned);
}

/* The pool's queue is bounded here: who comes later is told to, and costs nothing meanwhile. */
enum { WAITING_FOR_KEYS = 2000 };

FALLIBLE certificate_take_keys(struct call *call)
{
    struct pki_rsa_pool *pool = door_get(call->door, CERTIFICATE_KEYS);
    if (pki_pool_waiting(pool) >= WAITING_FOR_KEYS)
        return error_new(call, "ThrottlingException", "%d requests wait for keys already; try again later.",
                         WAITING_FOR_KEYS);
    struct certificate_issue *issue = MAKE(call, struct certificate_issue);
    issue->waiter.ready = keys_are_ready;
    issue->waiter.gone = nobody_waits;
    issue->call = call;
    call->kept = issue;
    pki_pool_take(pool, &issue->waiter);
    return NULL;
}

FALLIBLE certificate_sign(struct call *call)
{
    const struct pki_issuer *issuer = door_get(call->door, CERTIFICATE_ISSUER);
    struct certificate_issue *issue = call->kept;
    int64_t now_s = call->now_ms / 1000;
    if (issue != NULL) {
        talloc_steal(call, issue->pair); /* the whole tree that the pool gave away */
        return pki_issue_for_key(call, issuer, issue->pair, now_s, &issue->certificate);
    }
    struct pki_csr *csr;
    call->kept = issue = MAKE(call, struct certificate_issue);
    TRY(pki_csr_parse(call, call_text(call, "certificateSigningRequest"), &csr));
    return pki_issue_from_csr(call, issuer, csr, now_s, &issue->certificate);
}

/* ---- the operations ---- */

static FALLIBLE sign_csr(struct call *call)
{
    error *e = certificate_sign(call);
    return error_is(e, "InvalidCsr")
               ? error_new(call, "InvalidRequestException", "certificateSigningRequest: %s", e->message)
               : e;
}

static FALLIBLE register_certificate(struct call *call)
{
    const struct certificate_issue *issue = call->kept;
    const struct pki_certificate *certificate = issue->certificate;
    json *pair = NULL;
    TRY(certificate_store(call, certificate, call_flag(call, "setAsActive") ? "ACTIVE" : "INACTIVE"));
    if (issue->pair != NULL) {
        pair = json_object_new_object();
        json_put_text(pair, "PublicKey", issue->pair->public_pem);
        json_put_text(pair, "PrivateKey", issue->pair->private_pem);
    }
    return answer(call, string("certificateArn", call_arn(call, "cert/%s", certificate->id)),
                  string("certificateId", certificate->id), string("certificatePem", certificate->pem),
                  value_of("keyPair", pair));
}

const struct operation certificate_op_create_keys = { "iot", "CreateKeysAndCertificate",
                                                      STEPS({ WAIT, certificate_take_keys }, { WORK, certificate_sign },
                                                            { APPLY, register_certificate }) };
const struct operation certificate_op_create_from_csr = { "iot", "CreateCertificateFromCsr",
                                                          STEPS({ WORK, sign_csr }, { APPLY, register_certificate }) };
