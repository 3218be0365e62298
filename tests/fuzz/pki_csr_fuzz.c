/* pki_csr_fuzz.c - a request that is taken becomes a certificate with its subject and key; any other ends in a
   sentence. Input: PEM, or the DER alone. */
#include "pki/internal.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pki_issuer *issuer(void)
{
    static struct pki_issuer *made;
    static struct pki_credentials *authority;
    if (made == NULL &&
        (pki_make_authority(
             NULL,
             &(struct pki_authority_wish){ .common_name = "fuzz", .key = PKI_P256, .now_s = 1768465800, .years = 20 },
             NULL, &authority) != NULL ||
         pki_issuer_new(NULL, slice_of(authority->certificate_pem), slice_of(authority->private_pem), &made) != NULL))
        abort();
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH ctx = talloc_new(NULL);
    struct pki_csr *csr;
    struct pki_certificate *certificate;
    struct pki_certificate_info *info;
    slice text = slice_bytes(data, size);

    if (size > 0 && data[0] == DER_SEQUENCE)
        text = slice_of(pem_encode(ctx, "CERTIFICATE REQUEST", text));
    error *e = pki_csr_parse(ctx, text, &csr);
    if (e != NULL)
        return 0;
    if (pki_issue_from_csr(ctx, issuer(), csr, 1768465800, &certificate) != NULL ||
        pki_certificate_parse(ctx, certificate->der, &info) != NULL)
        abort();
    if (!slice_equal(info->subject, csr->subject) || !slice_equal(info->spki, csr->spki) || info->key != csr->key)
        abort();
    return 0;
}
