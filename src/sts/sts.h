/* sts.h - temporary credentials (auth.md 2.3, 3.4, 4.4, 4.5): the STS interface, role aliases, and the credentials
   provider that gives a device with a certificate the keys of a role. */
#pragma once
#include "operation/operation.h"
#include "sts/issuers.h" /* keys of token issuers, and with it tokens: for who judges them, too */

extern const struct operation *const sts_operations[];       /* AssumeRole, GetSessionToken, GetFederationToken, ... */
extern const struct operation *const sts_web_operations[];   /* AssumeRoleWithWebIdentity */
extern const struct operation *const sts_alias_operations[]; /* role aliases */

/* door_put name that this room reads: the keys of token issuers, a struct issuers (issuers.h). */
#define STS_ISSUERS "token-issuers"

/* ---- the credentials provider: GET /role-aliases/{alias}/credentials on an account's credentials host ---- */

struct sts_device_request {
    struct door *door;   /* its store and master key */
    const char *account; /* of the host; NULL: none was named, the certificate decides (x509.md 4.8) */
    const char *region;
    const char *certificate_id; /* 64 lower-case hex digits, of the TLS connection; NULL: the client showed none */
    slice thing_name;           /* header x-amzn-iot-thingname; at NULL: absent */
    slice alias;                /* of the path, percent-decoded */
    const char *source_ip, *server_name; /* server_name: SNI; NULL: none */
};
struct sts_device_answer {
    int status;             /* 200, or of the error */
    const char *error_name; /* x-amzn-ErrorType; NULL with 200 */
    const char *message;    /* of the error: {"message": ...} */
    const char *why;        /* for the log: what decided; NULL with 200 */
    slice body;             /* with 200: JSON; holds a secret, wiped when ctx is freed */
    const char *account;    /* whose role it is, as soon as that is known; for the log. May be NULL */
};
/* Answers the rows of auth 4.4 in their order. On a worker thread: it reads the store. The answer hangs off ctx. */
void sts_device_credentials(void *ctx, const struct sts_device_request *request, struct sts_device_answer *answer);
