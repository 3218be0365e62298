/* inner.h - what the files of the room share with each other. */
#pragma once
#include "account/account.h"
#include "base/clock.h"
#include "certificate/certificate.h"
#include "provisioning/provisioning.h"
#include "template/template.h"

/* ---- template_rows.c ---- */

struct template_row {
    const char *name, *type, *description, *role_arn; /* description may be NULL */
    const char *hook_arn, *hook_payload_version;      /* NULL: none */
    bool enabled;
    int64_t default_version, last_version, created, modified;
};
/* NULL when there is none. */
FALLIBLE template_row_find(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                           struct template_row **out);
FALLIBLE template_row_get(struct call *call,
                          struct template_row **out); /* by templateName; ResourceNotFoundException */
/* The body of a version; NULL when there is no such version. */
FALLIBLE template_version_body(struct tx *tx, void *ctx, const char *account, const char *region, const char *name,
                               int64_t version, const char **body, int64_t *created);
FALLIBLE template_version_insert(struct call *call, const char *name, int64_t version, const char *body);
/* The role may be passed by the caller and assumed by the service; in APPLY. */
FALLIBLE template_check_role(struct call *call, const char *member, const char *role_arn);
enum template_kind template_kind_of(const char *type);

/* ---- apply.c ---- */

/* What was made before the transaction for a certificate that is not there yet; a member may be NULL. */
struct new_certificate {
    const struct pki_certificate *signed_csr;
    const struct certificate_registration *registration; /* of a PEM whose issuer has been found */
};
struct applied {
    const struct certificate *certificate; /* NULL: the template has none */
    bool is_new;                           /* it was made or registered by this */
    json *arns;                            /* logical name -> ARN */
};
/* Applies the plan with the rights of `acting`, in APPLY; all or nothing, since the transaction is. Errors carry the
   codes of provisioning.md 4.10. `made` NULL: nothing. */
FALLIBLE provisioning_apply(struct call *call, const struct caller *acting, const struct template_plan *plan,
                            const struct new_certificate *made, struct applied *out);

/* ---- token.c ---- */

struct ownership_token {
    const char *hash, *principal, *certificate;
    int64_t expires_ms;
    const char *template, *request, *answer; /* NULL until a RegisterThing used it */
};
/* Makes and stores a token for a certificate of the calling device; in APPLY. TooManyRequests at the cap. */
FALLIBLE token_issue(struct call *call, const char *certificate_id, const char *token);
/* The token of the input, checked against account, principal and time. Fails with InvalidCertificateOwnershipToken. */
FALLIBLE token_find(struct call *call, struct ownership_token **out);
FALLIBLE token_use(struct call *call, const struct ownership_token *token, const char *template, const char *request,
                   const char *answer);
FALLIBLE claim_load_add(struct call *call, const char *principal, int64_t change);

/* ---- caller_check.c: is the certificate that asks still ACTIVE? In APPLY; AccessDenied otherwise. ---- */
FALLIBLE device_still_active(struct call *call);

extern const struct operation ca_op_register, ca_op_update;
extern const struct operation template_op_create, template_op_describe, template_op_list, template_op_update,
    template_op_delete;
extern const struct operation version_op_create, version_op_describe, version_op_list, version_op_delete;
extern const struct operation register_op_rest, register_op_mqtt, mqtt_op_create_keys, mqtt_op_create_from_csr;
