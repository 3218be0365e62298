/* inner.h - what the files of the room share with each other. */
#pragma once
#include "certificate/certificate.h"

/* The next number of a "newest first" list; in APPLY. */
FALLIBLE certificate_next_sequence(struct call *call, const char *name, int64_t *out);

/* policyName and policyArn, of a row that begins with the name. */
json *certificate_policy_entry(struct call *call, const struct row *row);

error *certificate_unknown(struct call *call, const char *id);

/* What a policy or a thing can be attached to. */
enum target_kind { TARGET_CERTIFICATE, TARGET_GROUP, TARGET_IDENTITY };
/* Fails with InvalidRequestException (malformed, foreign account or region) naming the member, or
   ResourceNotFoundException. Groups are refused unless `groups`. */
FALLIBLE certificate_check_target(struct call *call, const char *member, const char *target, bool groups,
                                  enum target_kind *kind, const char **name);

extern const struct operation certificate_op_create_keys, certificate_op_create_from_csr, certificate_op_describe,
    certificate_op_update, certificate_op_delete, certificate_op_list;
extern const struct operation certificate_op_create_policy, certificate_op_get_policy, certificate_op_list_policies,
    certificate_op_delete_policy;
extern const struct operation certificate_op_attach_policy, certificate_op_detach_policy,
    certificate_op_list_attached_policies, certificate_op_attach_principal, certificate_op_detach_principal,
    certificate_op_list_principal_things, certificate_op_list_principal_things_v2;
