/* csr.c - certificate signing requests (PKCS #10): those of strangers, and our own. */
#include "pki/internal.h"
#include <openssl/err.h>
#include <openssl/objects.h>

static const char *const INVALID = "InvalidCsr";

/* CertificationRequest ::= SEQUENCE { SEQUENCE { version, subject, key, [0] attributes }, algorithm, signature } */
static bool split(struct pki_csr *csr)
{
    slice request, info, version;
    reader outer = reader_of(csr->der);
    if (!der_take(&outer, DER_SEQUENCE, &request, NULL) || reader_left(&outer) > 0)
        return false;
    reader middle = reader_of(request);
    if (!der_take(&middle, DER_SEQUENCE, &info, NULL))
        return false;
    reader in = reader_of(info);
    return der_take(&in, DER_INTEGER, &version, NULL) && der_take(&in, DER_SEQUENCE, &version, &csr->subject) &&
           der_take(&in, DER_SEQUENCE, &version, &csr->spki);
}

static FALLIBLE check_signature(void *ctx, const struct pki_csr *csr)
{
    SCRATCH work = talloc_new(ctx);
    const unsigned char *at = (const unsigned char *)csr->der.at;
    const X509_ALGOR *algorithm;

    X509_REQ *request = X509_REQ_own(work, d2i_X509_REQ(NULL, &at, (long)csr->der.length));
    if (request == NULL)
        return error_new(ctx, INVALID, "The certificate signing request is damaged.");
    X509_REQ_get0_signature(request, NULL, &algorithm);
    const char *broken = signature_rule_broken(work, algorithm);
    if (broken != NULL)
        return error_new(ctx, INVALID, "%s", broken);
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (key == NULL)
        return error_new(ctx, INVALID, "The key cannot be read.");
    if (X509_REQ_verify(request, key) != 1)
        return error_new(ctx, INVALID,
                         "The certificate signing request's signature does not verify with the key inside it.");
    return NULL;
}

FALLIBLE pki_csr_parse(void *ctx, slice pem, struct pki_csr **out)
{
    struct pki_csr *csr = MAKE(ctx, struct pki_csr);
    pki_start();
    if (pem.length > PKI_CSR_MAX)
        return error_new(ctx, INVALID, "The certificate signing request has %zu bytes; at most %d are taken.",
                         pem.length, PKI_CSR_MAX);
    if (!pem_decode(csr, pem, "CERTIFICATE REQUEST", &csr->der) &&
        !pem_decode(csr, pem, "NEW CERTIFICATE REQUEST", &csr->der))
        return error_new(ctx, INVALID, "There is no PEM block CERTIFICATE REQUEST, or it is damaged.");
    if (!split(csr))
        return error_new(ctx, INVALID, "The certificate signing request is damaged.");
    const char *broken = key_rule_broken(csr, csr->spki, &csr->key);
    if (broken != NULL)
        return error_new(ctx, INVALID, "%s", broken);
    error *e = check_signature(ctx, csr);
    ERR_clear_error();
    *out = csr;
    return e;
}

FALLIBLE pki_make_csr(void *ctx, const char *private_pem, const char *common_name, const char **pem)
{
    SCRATCH work = talloc_new(ctx);
    EVP_PKEY *key = private_key_read(work, slice_of(private_pem));
    X509_REQ *request = X509_REQ_own(work, X509_REQ_new());
    unsigned char *der = NULL;

    if (key == NULL)
        return error_because(ctx, openssl_error(ctx), "InvalidKey", "The private key cannot be read.");
    if (X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)common_name, -1, -1, 0) != 1 ||
        X509_REQ_set_pubkey(request, key) != 1 || X509_REQ_sign(request, key, pki_digests()->sha256) == 0)
        return error_because(ctx, openssl_error(ctx), "InvalidKey",
                             "No certificate signing request can be made for \"%s\" with this key.", common_name);
    int length = i2d_X509_REQ(request, &der);
    pki_must(length > 0, "encode a certificate signing request");
    *pem = pem_encode(ctx, "CERTIFICATE REQUEST", slice_bytes(der, (size_t)length));
    OPENSSL_free(der);
    return NULL;
}
