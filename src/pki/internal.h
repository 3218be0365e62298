/* internal.h - what the files of this room share: PEM, the few bytes of DER that we read and write ourselves, and the
   rules of x509.md 4.1. */
#pragma once
#include "pki/pki.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

OWNER(EVP_PKEY, EVP_PKEY_free)
OWNER(X509, X509_free)
OWNER(X509_NAME, X509_NAME_free)
OWNER(X509_REQ, X509_REQ_free)

/* ---- start.c ---- */

struct pki_digests {
    EVP_MD *sha1, *sha256;
};
/* Fetched once: looking an algorithm up by name costs more than hashing a certificate. */
const struct pki_digests *pki_digests(void);
/* What OpenSSL has to say, as the cause of an error; empties its queue, which belongs to the thread, not to us. */
error *openssl_error(void *ctx);
/* Ends the process: for what only fails when memory or randomness does. */
void pki_must(bool done, const char *what);

/* ---- pem.c ---- */

/* The bytes of the first block with this label; text around it is passed over (openssl -text), CRLF is fine. False when
   there is none, or it is not base64. */
bool pem_decode(void *ctx, slice text, const char *label, slice *der);
/* 64 columns, LF. Written in one piece, so that no copy of a private key stays behind. */
char *pem_encode(void *ctx, const char *label, slice der);
/* Wipes a talloc text when it is freed; gives the text. */
char *pem_keep_secret(char *pem);

/* ---- der.c ---- */

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_SEQUENCE = 0x30,
    DER_VERSION = 0xa0,   /* [0] of a certificate */
    DER_EXTENSIONS = 0xa3 /* [3] of a certificate */
};

/* Takes the next element off *in if it has this tag; `whole` (may be NULL) is the element with its head. */
bool der_take(reader *in, uint8_t tag, slice *content, slice *whole);
slice der_wrap(void *ctx, uint8_t tag, const slice *parts, size_t count);
#define DER(ctx, tag, ...) \
    der_wrap((ctx), (tag), (const slice[]){ __VA_ARGS__ }, sizeof((const slice[]){ __VA_ARGS__ }) / sizeof(slice))

/* ---- rules.c ---- */

/* The content of an SPKI's BIT STRING. */
bool spki_key_bits(slice spki, slice *bits);
/* NULL, or a sentence that says which rule is broken. Reads bytes only. */
const char *key_rule_broken(void *ctx, slice spki, enum pki_key_kind *kind);
const char *signature_rule_broken(void *ctx, const X509_ALGOR *algorithm);

/* ---- keys.c ---- */

EVP_PKEY *private_key_read(void *ctx, slice pem); /* NULL when it is none, or encrypted */
struct pki_key_pair *pair_of(void *ctx, EVP_PKEY *key);
EVP_PKEY *generate_ec(const char *curve);
/* NULL only when `stopped` told the generator to break off; `stopped` may be NULL. */
EVP_PKEY *generate_rsa(int (*stopped)(EVP_PKEY_CTX *), void *arg);

/* ---- issue.c ---- */

struct pki_issuer {
    EVP_PKEY *key;
    slice name;      /* DER of the issuer's subject */
    slice algorithm; /* DER of the AlgorithmIdentifier that it signs with */
    slice key_id;    /* the AuthorityKeyIdentifier extension, ready */
};
slice key_hash(void *ctx, slice spki); /* SHA-1 of the key's bits, as in SubjectKeyIdentifier */
void issuer_fill(struct pki_issuer *issuer, slice name, slice key_id, enum pki_key_kind kind);

/* ---- attributes.c ---- */

void read_attributes(X509 *certificate, struct pki_certificate_info *info);

/* ---- file.c ---- */

/* NULL and *why when it cannot be read, is not a plain file, or (secret) others may read it. */
char *file_read(void *ctx, const char *path, bool secret, const char **why);
