/* issuer.c - the authority that signs for devices, from its two files. */
#include "pki/internal.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>

static const char *const INVALID = "InvalidIssuer";

/* From the certificate, so that both name the key alike; made as in the certificates that we issue when it has none. */
static slice key_id_of(void *ctx, X509 *certificate, slice spki)
{
    const ASN1_OCTET_STRING *stated = X509_get0_subject_key_id(certificate);
    return stated == NULL ? key_hash(ctx, spki)
                          : slice_bytes(ASN1_STRING_get0_data(stated), (size_t)ASN1_STRING_length(stated));
}

static const char *issuer_problem(void *ctx, const struct pki_certificate_info *info, X509 **certificate,
                                  const struct pki_issuer *issuer)
{
    const unsigned char *at = (const unsigned char *)info->der.at;
    *certificate = X509_own(ctx, d2i_X509(NULL, &at, (long)info->der.length));
    if (!info->is_ca)
        return "The issuer's certificate is not that of an authority (CA:TRUE, keyCertSign).";
    if (info->key == PKI_RSA_PSS)
        return "The issuer's key is restricted to RSASSA-PSS; use an RSA or EC key.";
    if (issuer->key == NULL)
        return "The issuer's private key is not one in PEM, or it is encrypted.";
    if (X509_check_private_key(*certificate, issuer->key) != 1)
        return "The issuer's private key does not belong to its certificate.";
    return NULL;
}

FALLIBLE pki_issuer_new(void *ctx, slice certificate_pem, slice key_pem, struct pki_issuer **out)
{
    SCRATCH work = talloc_new(ctx);
    struct pki_certificate_info *info;
    X509 *certificate;

    error *e = pki_certificate_parse(work, certificate_pem, &info);
    if (e != NULL)
        return error_new(ctx, INVALID, "The issuer's certificate cannot be used: %s", e->message);
    struct pki_issuer *issuer = MAKE(ctx, struct pki_issuer);
    issuer->key = private_key_read(issuer, key_pem);
    const char *problem = issuer_problem(work, info, &certificate, issuer);
    ERR_clear_error();
    if (problem != NULL)
        return error_new(ctx, INVALID, "%s", problem);
    issuer_fill(issuer, info->subject, key_id_of(work, certificate, info->spki), info->key);
    *out = issuer;
    return NULL;
}

FALLIBLE pki_issuer_read(void *ctx, const char *certificate_path, const char *key_path, struct pki_issuer **out)
{
    SCRATCH work = talloc_new(ctx);
    const char *why;
    char *certificate = file_read(work, certificate_path, false, &why);
    if (certificate == NULL)
        return error_new(ctx, INVALID, "%s: %s", certificate_path, why);
    char *key = file_read(work, key_path, true, &why);
    if (key == NULL)
        return error_new(ctx, INVALID, "%s: %s", key_path, why);
    error *e = pki_issuer_new(ctx, slice_of(certificate), slice_of(key), out);
    return e == NULL ? NULL : error_new(ctx, INVALID, "%s and %s: %s", certificate_path, key_path, e->message);
}
