/* sigv4.h - AWS Signature Version 4: who signed this request, and is it the request that was signed (auth.md 3.1).

   Pure: no clock, no key store, no socket. A server walks one request through it like this:

       sigv4_parse            finds the material by name, in the Authorization header or in the query; NULL material
                              when nothing authenticates: sigv4_missing (4.1 row 1), or another method is tried
       (the caller)           looks the access key id up, opens the session token             (4.1 rows 3 and 4)
       sigv4_check_scope      date, region, service, terminator, time window                  (4.1 rows 5 to 7)
       sigv4_signing_key      four HMACs over secret, day, region and service; the caller may keep the result
       sigv4_verify_with_key  the signature over what was really received, strictly first, then the fixed alternates
                              that real clients need (3.1.4)                                  (4.1 row 8)

   There is no replay cache, on purpose: SDKs that reconnect within a second send byte-identical requests (3.1.6).

   Errors carry our own names, IncompleteSignature, InvalidSignature and MissingAuthenticationToken; the door turns
   them into the public names of its protocol (4.1). The message of a refused signature holds the canonical string,
   and so the signed headers, session token included: it goes to whoever sent them, never to a log.

   Everything is called on any thread and keeps nothing. Material owns its text and may outlive the request. */
#pragma once
#include "base/bytes.h"

enum {
    SIGV4_KEY_BYTES = 32,
    SIGV4_TIME_MAX = 17,          /* "20260115T083000Z" and a NUL */
    SIGV4_ACCOUNT_MAX = 13,       /* twelve digits and a NUL */
    SIGV4_EXPIRES_MAX_S = 604800, /* a week (auth.md 5) */
};

struct sigv4_header {
    slice name;
    slice value;
};

/* A request as it came over the wire. */
struct sigv4_request {
    slice method;
    slice raw_path;  /* begins with '/'; still encoded */
    slice raw_query; /* without the '?'; still encoded */
    const struct sigv4_header *headers;
    size_t header_count;
    slice body_sha256_hex; /* of the body that arrived, lower case */
    bool s3_rules;         /* the path is taken as it is; payload rules of 3.1.8 */
    bool websocket;        /* the session token of a presigned URL stays out of the canonical query (3.1.7) */
    bool over_tls;         /* the literal UNSIGNED-PAYLOAD is taken outside S3 too (3.1.8) */
};

struct sigv4_material {
    slice access_key_id;
    slice date; /* the day of the credential scope, as sent: check_scope judges it */
    slice region;
    slice service;
    slice terminator;
    slice scope; /* "20260115/eu-central-1/iot/aws4_request" */
    slice signed_headers;
    slice signature;
    slice token;                    /* at == NULL when there is none */
    char time_text[SIGV4_TIME_MAX]; /* the signed time in the basic form, whatever form it was sent in */
    int64_t time_s;
    int64_t expires_s; /* 0: not given */
    bool presigned;
};

/* Sets *out to NULL when the request carries nothing of SigV4, also when it has an Authorization header of another
   scheme. Fails with IncompleteSignature: parts missing (one sentence each), given twice, in both places, malformed;
   another algorithm; a date that is none. */
FALLIBLE sigv4_parse(void *ctx, const struct sigv4_request *request, struct sigv4_material **out);

/* The refusal of a request without material. */
enum sigv4_family { SIGV4_JSON, SIGV4_QUERY };
error *sigv4_missing(void *ctx, enum sigv4_family family);

struct sigv4_scope {
    const char *const *regions;
    size_t region_count;
    const char *const *services; /* those that are accepted; the first is named when another one came */
    size_t service_count;
    int64_t now_s;
};

/* Fails with InvalidSignature. The window is 15 minutes for sts, iam and s3, else 5 (3.1.6). */
FALLIBLE sigv4_check_scope(void *ctx, const struct sigv4_material *material, const struct sigv4_scope *scope);

void sigv4_signing_key(slice secret, slice date, slice region, slice service, uint8_t key[SIGV4_KEY_BYTES]);

/* Fails with InvalidSignature (IncompleteSignature when S3's payload header is missing). *alternate, if not NULL,
   becomes NULL after a strict match, else the name of the alternate that matched, for a debug line. */
FALLIBLE sigv4_verify_with_key(void *ctx, const struct sigv4_request *request, const struct sigv4_material *material,
                               const uint8_t key[SIGV4_KEY_BYTES], const char **alternate);
FALLIBLE sigv4_verify(void *ctx, const struct sigv4_request *request, const struct sigv4_material *material,
                      slice secret, const char **alternate);

/* The client's side. */
struct sigv4_signer {
    slice access_key_id;
    slice secret;
    slice token; /* empty for long-term keys */
    slice region;
    slice service;
    int64_t now_s;
};

/* What the sender adds to the request: Authorization, X-Amz-Date and, with a token, X-Amz-Security-Token. */
struct sigv4_signed {
    const char *authorization;
    const char *date;
    const char *token; /* NULL when there is none */
};

/* Signs every header of the request, so give those that arrive as they are sent; Host is one of them. */
void sigv4_sign(void *ctx, const struct sigv4_request *request, const struct sigv4_signer *signer,
                struct sigv4_signed *out);

/* The whole query of a presigned URL, the request's own parameters first; expires_s 0 leaves X-Amz-Expires out. */
char *sigv4_presign(void *ctx, const struct sigv4_request *request, const struct sigv4_signer *signer,
                    int64_t expires_s);

/* A new access key id with the account (twelve digits) inside, as 3.2 lays it out: offline tools read it back.
   The prefix is AKIA for long-term keys, ASIA for temporary ones. */
char *sigv4_access_key_id(void *ctx, const char *prefix, const char *account);

/* False when the id has another form; older ids of AWS carry no account. */
bool sigv4_account_of(slice access_key_id, char account[SIGV4_ACCOUNT_MAX]);
