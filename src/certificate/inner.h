/* inner.h - what the files of the room share with each other. */
#pragma once
#include "certificate/certificate.h"

/* ---- policies ---- */

struct stored_policy {
    const char *name, *arn, *generation_id;
    int64_t default_version, last_version, created, modified;
};
/* policy.c: fails with ResourceNotFoundException. */
FALLIBLE certificate_need_policy(struct call *call, const char *name, struct stored_policy **out);
FALLIBLE certificate_check_document(struct call *call);                   /* WORK: the input's policyDocument */
json *certificate_policy_entry(struct call *call, const struct row *row); /* of a row that begins with the name */
/* What subscribers hear (provisioning.md 3.7). */
FALLIBLE certificate_tell_policy(struct call *call, const char *name, int64_t default_version, const char *operation);

/* effective.c: name and document of the default version of each policy that is attached to the target (NULL: none), to
   the thing's groups and to the groups above these (thing NULL: none). One may come more than once. */
struct policy_source {
    const char *account, *region, *target, *thing;
};
FALLIBLE certificate_each_policy(struct tx *tx, const struct policy_source *source,
                                 FALLIBLE (*each)(const struct row *row, void *arg), void *arg);

/* principal.c: the thing, the policies and, where a policy asks for them, the facts of the certificate (NULL: a Cognito
   identity) of a principal whose account, region, id and ARN are known. */
FALLIBLE certificate_fill_principal(struct tx *tx, struct principal *principal, const struct certificate *certificate,
                                    slice client_id);
FALLIBLE certificate_fill_facts(struct principal *principal, const char *pem);

/* ---- what a policy or a thing can be attached to ---- */

json *certificate_entry(struct call *call, const struct row *row); /* id, status, mode, created */
error *certificate_unknown(struct call *call, const char *id);

/* rows.c: the row's status, its change and its event, whatever it was; and removal without an event. */
FALLIBLE certificate_write_status(struct call *call, const struct certificate *certificate, const char *status);
FALLIBLE certificate_drop(struct call *call, const struct certificate *certificate);
/* transfer.c: who owns it, since while a transfer is pending its target sees it too, and the members of transferData. */
FALLIBLE certificate_transfer_data(struct call *call, const struct certificate *certificate, const char **owner,
                                   json *data);

enum target_kind { TARGET_CERTIFICATE, TARGET_GROUP, TARGET_IDENTITY };
/* Fails with InvalidRequestException (malformed, foreign account or region) naming the member, or
   ResourceNotFoundException. Groups are refused unless `groups`. */
FALLIBLE certificate_check_target(struct call *call, const char *member, const char *target, bool groups,
                                  enum target_kind *kind, const char **name);
/* The same without a look whether it is there. */
FALLIBLE certificate_parse_target(struct call *call, const char *member, const char *target, bool groups,
                                  enum target_kind *kind, const char **name);
/* "us-east-1:7c1c2e0a-58c4-...": an identity, or an identity pool, of this region. */
bool certificate_is_identity(const struct call *call, const char *text);
/* The input's cognitoIdentityPoolId, if there is one, must be well-formed. */
FALLIBLE certificate_check_pool(struct call *call);
/* It goes: no policy is attached to it any more. */
FALLIBLE certificate_release_target(struct call *call, const char *target);

extern const struct operation certificate_op_transfer, certificate_op_accept, certificate_op_reject,
    certificate_op_cancel, certificate_op_list_outgoing;
extern const struct operation certificate_op_register, certificate_op_register_alone;
extern const struct operation ca_op_describe, ca_op_delete, ca_op_list, ca_op_list_certificates, ca_op_get_code,
    ca_op_delete_code;
extern const struct operation certificate_op_create_keys, certificate_op_create_from_csr, certificate_op_describe,
    certificate_op_update, certificate_op_delete, certificate_op_list;
extern const struct operation certificate_op_create_policy_version, certificate_op_get_policy_version,
    certificate_op_list_policy_versions, certificate_op_set_default_policy_version,
    certificate_op_delete_policy_version;
extern const struct operation certificate_op_attach_policy, certificate_op_detach_policy,
    certificate_op_attach_principal_policy, certificate_op_detach_principal_policy, certificate_op_delete_group;
extern const struct operation certificate_op_list_attached_policies, certificate_op_list_principal_policies,
    certificate_op_list_policy_principals, certificate_op_list_targets, certificate_op_effective_policies,
    certificate_op_test_authorization;
extern const struct operation certificate_op_attach_principal, certificate_op_detach_principal,
    certificate_op_list_principal_things, certificate_op_list_principal_things_v2;
