/* pki_certificate_fuzz.c - a certificate that is taken reads the same from its own PEM, and every value that policies
   see is text. Input: PEM or DER. */
#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH ctx = talloc_new(NULL);
    struct pki_certificate_info *info, *again;

    error *e = pki_certificate_parse(ctx, slice_bytes(data, size), &info);
    if (e != NULL)
        return 0;
    if (pki_certificate_parse(ctx, slice_of(info->pem), &again) != NULL || strcmp(info->id, again->id) != 0)
        abort();
    for (size_t i = 0; i < info->attribute_count; i++)
        for (size_t j = 0; j < info->attributes[i].value_count; j++)
            if (!text_is_utf8(slice_of(info->attributes[i].values[j])))
                abort();
    (void)pki_certificate_issued_by(info, again);
    if (pki_name_same(info->subject, info->issuer) && pki_name_hash(info->subject) != pki_name_hash(info->issuer))
        abort();
    if (pki_certificate_parse_one(ctx, slice_of(info->pem), &again) != NULL || strcmp(info->id, again->id) != 0)
        abort();
    (void)!pki_certificate_parse_one(ctx, slice_bytes(data, size), &again);
    return 0;
}
