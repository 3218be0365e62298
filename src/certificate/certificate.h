/* certificate.h - certificates, IoT policies, and what binds them to things.

   An issued certificate's way, over REST or MQTT alike:

       certificate_take_keys    WAIT  a ready RSA-2048 pair of the pool (none for a CSR)
       certificate_sign         WORK  signs it, or the CSR, with the issuing CA
       certificate_store        APPLY the row, ACTIVE, INACTIVE or PENDING_ACTIVATION

   A device's connect reads certificate_load_principal in one snapshot: status and validity, the thing of the
   connection, and the compiled policies of the certificate and of the thing's groups up to their roots.

   Sources: x509.md 2.2, 2.4, 3.2, 4.1, 4.2, 4.6, 4.7, 4.13, 4.14; broker.md 4.11. */
#pragma once
#include "broker/broker.h"
#include "operation/operation.h"
#include "pki/pki.h"
#include "registry/registry.h"

extern const struct operation *const certificate_operations[];        /* certificates, attachments to things */
extern const struct operation *const certificate_policy_operations[]; /* IoT policies and their targets */

/* door_put names that this room reads */
#define CERTIFICATE_ISSUER         "issuer"         /* const struct pki_issuer * */
#define CERTIFICATE_KEYS           "key-pool"       /* struct pki_rsa_pool * */
#define CERTIFICATE_ALLOW_UNREVOKE "allow-unrevoke" /* set: a REVOKED certificate may be given another status */

#define CERTIFICATE_TRANSFER_EXPIRY_DAYS "transfer-expiry-days" /* const int *; 0 or not there: never */

/* The minute's sweep of transfers (x509.md 4.7); output "more": another call at once. For call_new_internal. */
extern const struct operation certificate_sweep;

/* ---- issuing ---- */

/* call->kept of an operation that issues; made by the first of these steps. */
struct certificate_issue {
    struct pki_waiter waiter;
    struct call *call;
    struct pki_key_pair *pair; /* NULL for a CSR */
    struct pki_certificate *certificate;
};
FALLIBLE certificate_take_keys(struct call *call); /* WAIT */
/* WORK; signs the pair, or the CSR of the input member certificateSigningRequest. Fails with InvalidCsr. */
FALLIBLE certificate_sign(struct call *call);
FALLIBLE certificate_store(struct call *call, const struct pki_certificate *certificate, const char *status);

/* ---- rows ---- */

/* The next number of a "newest first" list; in APPLY. */
FALLIBLE certificate_next_sequence(struct call *call, const char *name, int64_t *out);

struct certificate {
    const char *id, *status, *mode, *pem;
    const char *ca_id, *previous_owner, *generation_id; /* ca_id and previous_owner may be NULL */
    int64_t version, not_before_s, not_after_s, created, modified;
};
/* NULL when the account has none with this id (lower case). */
FALLIBLE certificate_find(struct tx *tx, void *ctx, const char *account, const char *region, const char *id,
                          struct certificate **out);
/* A new row; version, generation and times are made here, previous_owner is ignored. In APPLY. */
FALLIBLE certificate_insert(struct call *call, const struct certificate *certificate);
/* The status machine of UpdateCertificate (4.2), plus PENDING_ACTIVATION to what a template says. Fails with
   CertificateStateException. Leaving ACTIVE ends the live connections. */
FALLIBLE certificate_set_status(struct call *call, const struct certificate *certificate, const char *status);
/* Removes the row and its change; the caller has checked attachments. */
FALLIBLE certificate_remove(struct call *call, const struct certificate *certificate);
/* Is it attached to a policy or a thing? */
FALLIBLE certificate_is_attached(struct call *call, const char *id, bool *things, bool *policies);

/* ---- registered CAs ---- */

struct ca_config { /* a body and its role, or a template's name, or nothing */
    const char *template_body, *role_arn, *template_name;
};
struct ca {
    const char *id, *status, *mode, *pem, *generation_id;
    bool auto_registration;
    struct ca_config config;
    int64_t version, not_before_s, not_after_s, created, modified;
};
enum { CAS_OF_A_SUBJECT = 10, CA_CANDIDATES_MAX = 64 };

/* NULL when the account has none with this id. */
FALLIBLE ca_find(struct tx *tx, void *ctx, const char *account, const char *region, const char *id, struct ca **out);
/* By the input's certificateId; ResourceNotFoundException. */
FALLIBLE ca_need(struct call *call, struct ca **out);
struct ca_candidate {
    const char *id, *status, *mode, *pem;
    bool auto_registration;
};
struct ca_list {
    struct ca_candidate *items;
    size_t count;
};
/* CAs of the account that may have this subject, oldest first: whether they have it, and whether they issued something,
   is for pki to say. */
FALLIBLE ca_with_subject(struct tx *tx, void *ctx, const char *account, const char *region, slice subject,
                         struct ca_list *out);
FALLIBLE ca_registration_code(struct call *call, const char **out); /* NULL: there is none */
/* In APPLY. ca_store takes id, status, mode, pem, auto_registration, config and validity; ca_change writes status,
   auto_registration and config. */
FALLIBLE ca_store(struct call *call, const struct ca *ca, slice subject);
FALLIBLE ca_change(struct call *call, const struct ca *ca);
FALLIBLE ca_remove(struct call *call, const struct ca *ca);
/* ---- registering what another issuer signed (4.3, 4.5), as RegisterCertificate does ---- */

struct certificate_registration {
    const char *pem, *status;
    struct pki_certificate_info *info, *wanted_ca; /* wanted_ca NULL: the issuer is to be found among the CAs */
    struct ca_list candidates;
    const char *ca_id; /* of the issuer; NULL: registered without CA */
};
/* READ, then WORK: the issuer among the registered CAs. Fail with CertificateStateException (none),
   CertificateValidationException, CertificateConflictException (several). */
FALLIBLE certificate_find_issuers(struct call *call, struct certificate_registration *registration);
FALLIBLE certificate_choose_issuer(struct call *call, struct certificate_registration *registration);
/* APPLY: looks at the CA and at who has the certificate, then stores it. */
FALLIBLE certificate_register(struct call *call, const struct certificate_registration *registration);

/* A member of the input that is one certificate in PEM. Fails with CertificateValidationException naming it. In WORK. */
FALLIBLE certificate_parse_member(struct call *call, const char *member, struct pki_certificate_info **out);

/* ---- IoT policies ---- */

enum { POLICIES_OF_A_CERTIFICATE = 10, POLICIES_OF_A_GROUP = 2, POLICY_VERSIONS = 5 };

FALLIBLE certificate_policy_exists(struct tx *tx, const char *account, const char *region, const char *name, bool *out);
/* Version 1, the default. The document has been checked by policy_parse. */
FALLIBLE certificate_create_policy(struct call *call, const char *name, slice document);
/* Idempotent. `limit`: how many policies the target may have. Fails with LimitExceededException. */
FALLIBLE certificate_attach_policy(struct call *call, const char *policy, const char *target, int limit);

/* ---- admission ---- */

/* account NULL: none was named by the host, so the one DEFAULT registration of the region decides (x509.md 4.8, 3).
   Errors name the rule, as broker.md 4.17 does: DEVICE_CERTIFICATE_NOT_REGISTERED, DEVICE_CERTIFICATE_INACTIVE,
   DEVICE_CERTIFICATE_REVOKED, DEVICE_CERTIFICATE_PENDING_ACTIVATION, DEVICE_CERTIFICATE_PENDING_TRANSFER,
   DEVICE_CERTIFICATE_EXPIRED, DEVICE_CERTIFICATE_NOT_YET_VALID. */
FALLIBLE certificate_load_principal(struct tx *tx, void *ctx, const char *account, const char *region,
                                    const char *certificate_id, slice client_id, int64_t now_s, struct principal **out);
