/* register.c - RegisterCertificate, RegisterCertificateWithoutCA: certificates that somebody else issued
   (x509.md 2.2, 4.1, 4.3, 4.5). */
#include "certificate/inner.h"

/* ---- WORK: what the request says by itself ---- */

static FALLIBLE choose_status(struct call *call, const char **out)
{
    const char *status = call_string(call, "status");
    *out = status ? status : call_flag(call, "setAsActive") ? "ACTIVE" : "INACTIVE";
    if (strcmp(*out, "ACTIVE") == 0 || strcmp(*out, "INACTIVE") == 0 || strcmp(*out, "REVOKED") == 0)
        return NULL;
    return error_new(call, "CertificateStateException", "Not allowed to register certificate with %s status", *out);
}

FALLIBLE certificate_parse_member(struct call *call, const char *member, struct pki_certificate_info **out)
{
    error *e = pki_certificate_parse_one(call, call_text(call, member), out);
    return e ? error_because(call, e, e->name, "%s: %s", member, e->message) : NULL;
}

static FALLIBLE read_input(struct call *call)
{
    struct certificate_registration *registration = call->kept = MAKE(call, struct certificate_registration);
    registration->pem = call_string(call, "certificatePem");
    TRY(certificate_parse_member(call, "certificatePem", &registration->info));
    if (call_has(call, "caCertificatePem"))
        TRY(certificate_parse_member(call, "caCertificatePem", &registration->wanted_ca));
    return choose_status(call, &registration->status);
}

/* ---- READ, WORK: its issuer. Signatures are verified on a worker, never where the store is written. ---- */

static error *no_ca(struct call *call)
{
    return error_new(call, "CertificateStateException", "No CA certificate exists for the given certificate");
}

FALLIBLE certificate_find_issuers(struct call *call, struct certificate_registration *registration)
{
    struct ca *ca;
    if (registration->wanted_ca == NULL)
        return ca_with_subject(call->tx, registration, call->account, call->region, registration->info->issuer,
                               &registration->candidates);
    TRY(ca_find(call->tx, call, call->account, call->region, registration->wanted_ca->id, &ca));
    return ca ? NULL : no_ca(call);
}

FALLIBLE certificate_choose_issuer(struct call *call, struct certificate_registration *registration)
{
    if (registration->wanted_ca != NULL) {
        registration->ca_id = registration->wanted_ca->id;
        return pki_certificate_signed_by(registration->info, registration->wanted_ca)
                   ? NULL
                   : error_new(call, "CertificateValidationException",
                               "certificatePem: it is not signed by the CA of caCertificatePem.");
    }
    const struct ca_candidate *found = NULL;
    for (size_t i = 0; i < registration->candidates.count; i++) {
        const struct ca_candidate *one = &registration->candidates.items[i];
        struct pki_certificate_info *ca;
        TRY(pki_certificate_parse_one(call, slice_of(one->pem), &ca));
        if (!pki_certificate_issued_by(registration->info, ca))
            continue;
        if (found != NULL)
            return error_new(call, "CertificateConflictException",
                             "More than one registered CA has the subject and the key that issued this certificate; "
                             "say in caCertificatePem which one is meant.");
        found = one;
    }
    if (found == NULL)
        return no_ca(call);
    registration->ca_id = found->id;
    return NULL;
}

static FALLIBLE find_issuers(struct call *call)
{
    return certificate_find_issuers(call, call->kept);
}

static FALLIBLE choose_issuer(struct call *call)
{
    return certificate_choose_issuer(call, call->kept);
}

/* ---- APPLY ---- */

struct holder {
    struct call *call;
    const char *mode; /* of what is to be registered */
    bool own, conflicts;
};

static FALLIBLE see_holder(const struct row *row, void *arg)
{
    struct holder *holder = arg;
    bool own = slice_is(row_slice(row, 0), holder->call->account);
    holder->own |= own;
    holder->conflicts |= !own && strcmp(holder->mode, "DEFAULT") == 0 && slice_is(row_slice(row, 1), "DEFAULT");
    return NULL;
}

/* Who has it already (x509.md 4.5). Of other accounts only DEFAULT beside DEFAULT is in the way, and is not named. */
static FALLIBLE check_holders(struct call *call, const char *id, const char *mode)
{
    struct holder holder = { .call = call, .mode = mode };
    TRY(store_each(call->tx, see_holder, &holder, "SELECT account, mode FROM certificate WHERE region = ? AND id = ?",
                   ARGS(sql_text(call->region), sql_text(id))));
    if (holder.own) {
        error *e =
            error_new(call, "ResourceAlreadyExistsException", "The certificate is already provisioned or registered");
        error_with(e, "resourceId", id);
        return error_with(e, "resourceArn", call_arn(call, "cert/%s", id));
    }
    return holder.conflicts ? error_new(call, "InvalidRequestException", "This request is not valid") : NULL;
}

/* The CA may have changed since it was chosen. */
static FALLIBLE read_mode(struct call *call, const char *ca_id, const char **mode)
{
    struct ca *ca;
    TRY(ca_find(call->tx, call, call->account, call->region, ca_id, &ca));
    if (ca == NULL)
        return no_ca(call);
    if (strcmp(ca->status, "ACTIVE") != 0)
        return error_new(call, "CertificateStateException", "CA certificate %s is INACTIVE.", ca_id);
    *mode = ca->mode;
    return NULL;
}

FALLIBLE certificate_register(struct call *call, const struct certificate_registration *registration)
{
    const struct pki_certificate_info *info = registration->info;
    struct certificate wanted = { .id = info->id,
                                  .status = registration->status,
                                  .mode = "SNI_ONLY",
                                  .pem = registration->pem,
                                  .ca_id = registration->ca_id,
                                  .not_before_s = info->not_before_s,
                                  .not_after_s = info->not_after_s };
    if (wanted.ca_id != NULL)
        TRY(read_mode(call, wanted.ca_id, &wanted.mode));
    TRY(check_holders(call, wanted.id, wanted.mode));
    return certificate_insert(call, &wanted);
}

static FALLIBLE store(struct call *call)
{
    const struct certificate_registration *registration = call->kept;
    const char *id = registration->info->id;
    TRY(certificate_register(call, registration));
    return answer(call, string("certificateArn", call_arn(call, "cert/%s", id)), string("certificateId", id));
}

const struct operation certificate_op_register = { "iot", "RegisterCertificate",
                                                   STEPS({ WORK, read_input }, { READ, find_issuers },
                                                         { WORK, choose_issuer }, { APPLY, store }) };
const struct operation certificate_op_register_alone = { "iot", "RegisterCertificateWithoutCA",
                                                         STEPS({ WORK, read_input }, { APPLY, store }) };
