/* pki.h - keys, certificate signing requests and certificates; and the issuer that signs for devices.

   A device's certificate comes into being in two ways (x509.md 3.2):

       pki_pool_take -> ready      an RSA-2048 pair, made ahead of time by the pool's own threads
       pki_issue_for_key           a certificate for it, CN=AWS IoT Certificate

       pki_csr_parse               PEM, size, key rules, signature algorithm, self-signature (x509.md 4.1)
       pki_issue_from_csr          a certificate with the CSR's subject and key, byte for byte, and nothing else of it

   and a certificate that somebody else issued comes in through pki_certificate_parse: a registration, or the
   certificate that a TLS client proved to possess. All three refuse giant keys, explicit curves and foreign key types
   by looking at their encoding, before any arithmetic.

   `muster init` makes authorities and server certificates with pki_make_authority and pki_make_server_certificate.

   Threads: pki_start first, before anything else of OpenSSL is used, so that openssl.cnf is never read: key sizes and
   algorithms are ours. After that everything runs on any thread. An issuer is immutable. A pool hands pairs out on its
   own threads or on the caller's; a pair, CSR or certificate belongs to whoever got it. Private keys are wiped when
   their memory is freed. No function leaves anything in OpenSSL's error queue. */
#pragma once
#include "base/bytes.h"
#include <stdint.h>
#include <sys/types.h>

enum {
    PKI_CSR_MAX = 16 * 1024,         /* provisioning.md 5 */
    PKI_CERTIFICATE_MAX = 64 * 1024, /* x509.md 5 */
    PKI_RSA_BITS_MIN = 2048,
    PKI_RSA_BITS_MAX = 8192, /* what a handshake takes too: a key that could never connect is refused at once */
    PKI_ID_LENGTH = 64,
};

void pki_start(void);

/* ---- keys ---- */

enum pki_key_kind { PKI_RSA, PKI_RSA_PSS, PKI_P256, PKI_P384, PKI_P521 };

struct pki_key_pair {
    const char *private_pem; /* RSA: BEGIN RSA PRIVATE KEY; EC: BEGIN PRIVATE KEY; wiped when freed */
    const char *public_pem;  /* BEGIN PUBLIC KEY */
    slice spki;              /* the DER of public_pem */
};

/* RSA has 2048 bits and e = 65537. PKI_RSA_PSS is not made here. */
struct pki_key_pair *pki_make_pair(void *ctx, enum pki_key_kind kind);

/* A pool of RSA-2048 pairs, which take some 0.2 s of CPU each. Threads of the lowest priority keep it full; when it is
   empty callers wait in line, and nobody else does. */
struct pki_rsa_pool;

struct pki_waiter { /* embedded in what waits; the pool owns it until ready is called */
    struct pki_waiter *next;
    /* The pair is a tree of its own and belongs to the callee; NULL when the pool is stopped. Called on the taker's
       thread or on one of the pool's, with no lock held; must not block. */
    void (*ready)(struct pki_waiter *waiter, struct pki_key_pair *pair);
    /* Asked when a pair is there for it, with the pool's lock held; true: nobody waits behind it any more. Then it is told
       NULL, and the pair goes to the next one. May be NULL. */
    bool (*gone)(struct pki_waiter *waiter);
};

struct pki_rsa_pool *pki_pool_new(void *ctx, unsigned capacity, unsigned threads); /* 64 pairs are usual */
void pki_pool_take(struct pki_rsa_pool *pool, struct pki_waiter *waiter);          /* any thread */
size_t pki_pool_ready(struct pki_rsa_pool *pool);
size_t pki_pool_waiting(struct pki_rsa_pool *pool);
/* Breaks off what is being made, joins the threads, and tells everybody who waits. Takes after that are told at once. */
void pki_pool_stop(struct pki_rsa_pool *pool);

/* ---- certificate signing requests ---- */

struct pki_csr {
    enum pki_key_kind key;
    slice der;
    slice subject; /* DER, as encoded by the requester */
    slice spki;    /* likewise */
};

/* Fails with InvalidCsr; the sentence says which rule was broken. */
FALLIBLE pki_csr_parse(void *ctx, slice pem, struct pki_csr **out);
/* The device's side: signed with SHA-256, subject CN=common_name. Fails with InvalidKey. */
FALLIBLE pki_make_csr(void *ctx, const char *private_pem, const char *common_name, const char **pem);

/* ---- issuing ---- */

struct pki_certificate {
    const char *id;  /* 64 hexadecimal digits: SHA-256 of the DER (x509.md 4.1) */
    const char *pem; /* one block, LF, 64 columns */
    slice der;
    int64_t not_before_s, not_after_s;
};

struct pki_issuer;

/* Fails with InvalidIssuer, naming the file: unreadable, the key readable by others, no CA, key and certificate that do
   not belong together, a key that is neither RSA nor EC. */
FALLIBLE pki_issuer_read(void *ctx, const char *certificate_path, const char *key_path, struct pki_issuer **out);
FALLIBLE pki_issuer_new(void *ctx, slice certificate_pem, slice key_pem, struct pki_issuer **out);
/* Fail only when the issuer's key cannot sign: InternalFailureException. */
FALLIBLE pki_issue_from_csr(void *ctx, const struct pki_issuer *issuer, const struct pki_csr *csr, int64_t now_s,
                            struct pki_certificate **out);
FALLIBLE pki_issue_for_key(void *ctx, const struct pki_issuer *issuer, const struct pki_key_pair *pair, int64_t now_s,
                           struct pki_certificate **out);

/* ---- certificates of others ---- */

/* A policy variable after "iot:Certificate.": "Subject.CommonName", "Issuer.Country",
   "Subject.AlternativeName.DNSName", "SerialNumber" (broker.md 4.11). Values in encoded order, as UTF-8; a value that
   holds U+0000 is left out, since it would read differently in different places. */
struct pki_attribute {
    const char *name;
    size_t value_count;
    const char **values;
};

struct pki_certificate_info {
    const char *id;
    const char *pem; /* of this certificate alone */
    slice der;
    slice subject, issuer, spki; /* DER */
    const char *serial;          /* decimal */
    int64_t not_before_s, not_after_s;
    enum pki_key_kind key;
    bool is_ca; /* BasicConstraints say so, and KeyUsage, if there is one, lets it sign certificates */
    size_t attribute_count;
    const struct pki_attribute *attributes;
};

/* PEM, whose first CERTIFICATE block is the certificate, or DER. Fails with CertificateValidationException. */
FALLIBLE pki_certificate_parse(void *ctx, slice pem_or_der, struct pki_certificate_info **out);
/* The same of PEM that holds this certificate and no other one; text around it is fine. No DER, no second block. */
FALLIBLE pki_certificate_parse_one(void *ctx, slice pem, struct pki_certificate_info **out);
/* Is `ca` the direct issuer: its subject is the child's issuer (compared as names, not as bytes), its key verifies the
   child's signature? Dates are not looked at (x509.md 4.3). */
bool pki_certificate_issued_by(const struct pki_certificate_info *child, const struct pki_certificate_info *ca);
/* Does its key verify the child's signature, whatever their names? */
bool pki_certificate_signed_by(const struct pki_certificate_info *child, const struct pki_certificate_info *ca);
/* Names in DER, compared as X.500 names (case, blanks and kinds of strings aside). Equal names have equal hashes; who
   makes names can make others of the same hash too. */
bool pki_name_same(slice a, slice b);
int64_t pki_name_hash(slice name);
/* The first value of an attribute, "Subject.CommonName"; NULL: it has none. */
const char *pki_certificate_attribute(const struct pki_certificate_info *info, const char *name);
char *pki_certificate_id(void *ctx, slice der);

/* ---- making authorities and servers (muster init) ---- */

struct pki_credentials {
    const char *certificate_pem;
    const char *private_pem; /* wiped when freed */
};

struct pki_authority_wish {
    const char *common_name;
    enum pki_key_kind key;                          /* PKI_P256 or PKI_RSA */
    enum { PKI_SIGNS_ALL, PKI_SIGNS_LEAVES } reach; /* an issuing CA signs leaves only */
    int64_t now_s;
    int years;
};
/* Self-signed when `above` is NULL. Fails with InvalidIssuer when `above` is not an authority. */
FALLIBLE pki_make_authority(void *ctx, const struct pki_authority_wish *wish, const struct pki_credentials *above,
                            struct pki_credentials **out);

struct pki_server_wish {
    const char *domain; /* a host name or an IP address */
    const char *region;
    enum pki_key_kind key;
    int64_t now_s; /* valid for 825 days */
};
/* For the domain, the hosts of every account below it (x509.md 4.8), localhost, 127.0.0.1 and ::1. Fails with
   InvalidDomain when domain or region cannot stand in a host name. */
FALLIBLE pki_make_server_certificate(void *ctx, const struct pki_server_wish *wish, const struct pki_credentials *above,
                                     struct pki_credentials **out);

/* A new file, complete and synced, or none. Fails with InvalidFile, naming path and reason, also when it exists. */
FALLIBLE pki_write_file(void *ctx, const char *path, mode_t mode, const char *text);
