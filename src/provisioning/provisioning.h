/* provisioning.h - provisioning templates and what is made by them.

   A device that holds a claim certificate asks over MQTT, twice; both requests are operations of api/mqtt.json:

       CreateKeysAndCertificate,       a certificate PENDING_ACTIVATION and an ownership token, of which only the hash
       CreateCertificateFromCsr        is kept: bound to account, certificate and principal, for one hour
       RegisterThing                   WORK   parameters
                                       READ   token, template and its default version, provisioning role
                                       WORK   template_resolve
                                       APPLY  token again; the plan, all or nothing; the answer is kept with the token, so
                                              that a redelivered request is answered without doing it twice

   The REST RegisterThing applies a template with the caller's own rights. provisioning_sweep deletes what was never
   registered. Source: provisioning.md 2.2, 2.3, 2.5, 4.3-4.5, 4.7-4.10, 4.13, 4.15. */
#pragma once
#include "operation/operation.h"

extern const struct operation *const provisioning_operations[];

enum {
    TEMPLATES_OF_AN_ACCOUNT = 256,
    TEMPLATE_VERSIONS = 5,
    OWNERSHIP_TOKEN_S = 3600,
    PENDING_OF_A_PRINCIPAL = 10000 /* certificates that a principal asked for and nobody registered */
};

/* An internal operation: removes expired tokens, and their certificates where they are still PENDING_ACTIVATION and
   attached to nothing. At most 500 tokens a call; the server runs it every minute. */
extern const struct operation provisioning_sweep;
