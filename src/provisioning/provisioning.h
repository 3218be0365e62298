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

/* ---- just in time (x509.md 4.9, 4.10) ----
   A device connects with a certificate that nobody registered, or that waits for its activation:

       jit_introduce
           JustInTimeRegistration    WORK   the certificate's rules, by its DER
                                     READ   who has it; the account; its CAs
                                     WORK   which of them issued it
                                     APPLY  PENDING_ACTIVATION, and the event for the customer's rule
           told: refused; the device comes again. Then, where the CA has a registrationConfig:
           JustInTimeProvisioning    READ   template and role
                                     WORK   template_resolve with the subject's attributes
                                     APPLY  the plan, all or nothing; the registered row survives its failure

   With `hold` the device is told after both, and its first connect succeeds. */
struct jit;
struct jit_options {
    struct door *door;
    const struct scope *scope;
    const char *default_account; /* of devices that name no host and whose CA does not tell either; NULL: none */
    bool hold;
};
struct jit_request {     /* all of it is copied */
    const char *account; /* by SNI; NULL: none was named */
    const char *region;
    const slice *chain; /* DER, what the client sent, its own first */
    size_t chain_count; /* at least 1 */
    slice client_id;
    const char *source_ip;
    struct loop *home;
    /* On `home`, once. `refused` NULL: it may connect now, or another connect said so meanwhile: look again. */
    void (*done)(void *arg, const error *refused);
    void *arg;
};
struct jit_numbers {
    uint64_t registered, repeated;                      /* events published for new and for waiting certificates */
    uint64_t provisioned, client_errors, server_errors; /* ProvisionThing.Success, .ClientError, .ServerError */
};
struct jit *jit_new(void *ctx, const struct jit_options *options);
/* Any thread. Errors are named as broker.md 4.17 names refusals; messages say the rule and what to do. */
void jit_introduce(struct jit *jit, const struct jit_request *request);
void jit_count(struct jit *jit, struct jit_numbers *out);
