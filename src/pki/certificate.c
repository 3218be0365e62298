/* certificate.c - certificates that somebody else issued: identity, validity, names (x509.md 4.1). */
#include "pki/internal.h"
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { SERIAL_MAX = 64 }; /* RFC 5280 says 20; decimal text of a giant would cost seconds */

static const char *const INVALID = "CertificateValidationException";

struct fields {
    slice serial;
    bool complete;
};

/* Certificate ::= SEQUENCE { SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, key, ... }, ... } */
static struct fields split(struct pki_certificate_info *info)
{
    struct fields fields = { .complete = false };
    slice certificate, body, ignored;
    reader outer = reader_of(info->der);
    if (!der_take(&outer, DER_SEQUENCE, &certificate, NULL) || reader_left(&outer) > 0)
        return fields;
    reader middle = reader_of(certificate);
    if (!der_take(&middle, DER_SEQUENCE, &body, NULL))
        return fields;
    reader in = reader_of(body);
    der_take(&in, DER_VERSION, &ignored, NULL); /* absent: version 1 */
    fields.complete =
        der_take(&in, DER_INTEGER, &fields.serial, NULL) && der_take(&in, DER_SEQUENCE, &ignored, NULL) &&
        der_take(&in, DER_SEQUENCE, &ignored, &info->issuer) && der_take(&in, DER_SEQUENCE, &ignored, NULL) &&
        der_take(&in, DER_SEQUENCE, &ignored, &info->subject) && der_take(&in, DER_SEQUENCE, &ignored, &info->spki);
    return fields;
}

static X509 *decode(void *ctx, slice der)
{
    const unsigned char *at = (const unsigned char *)der.at;
    return X509_own(ctx, d2i_X509(NULL, &at, (long)der.length));
}

/* Any encoding: UTCTime, GeneralizedTime up to the year 9999. */
static bool read_time(const ASN1_TIME *from, int64_t *seconds)
{
    struct tm moment;
    if (ASN1_TIME_to_tm(from, &moment) != 1)
        return false;
    *seconds = timegm(&moment);
    return true;
}

static const char *serial_text(void *ctx, const X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    pki_must(number != NULL, "read a serial number");
    char *decimal = BN_bn2dec(number);
    const char *text = text_copy(ctx, decimal);
    OPENSSL_free(decimal);
    BN_free(number);
    return text;
}

static FALLIBLE check(void *ctx, struct pki_certificate_info *info, X509 *certificate)
{
    const X509_ALGOR *algorithm;
    X509_get0_signature(NULL, &algorithm, certificate);
    const char *broken = signature_rule_broken(info, algorithm);
    if (broken != NULL)
        return error_new(ctx, INVALID, "%s", broken);
    if (X509_get0_pubkey(certificate) == NULL)
        return error_new(ctx, INVALID, "The key cannot be read.");
    if (!read_time(X509_get0_notBefore(certificate), &info->not_before_s) ||
        !read_time(X509_get0_notAfter(certificate), &info->not_after_s))
        return error_new(ctx, INVALID, "The certificate's validity cannot be read.");
    return NULL;
}

static FALLIBLE parse_der(void *ctx, struct pki_certificate_info *info)
{
    SCRATCH work = talloc_new(ctx);
    struct fields fields = split(info);
    if (!fields.complete)
        return error_new(ctx, INVALID, "The certificate is damaged.");
    if (fields.serial.length > SERIAL_MAX)
        return error_new(ctx, INVALID, "The certificate's serial number is longer than %d octets.", SERIAL_MAX);
    const char *broken = key_rule_broken(info, info->spki, &info->key);
    if (broken != NULL)
        return error_new(ctx, INVALID, "%s", broken);

    X509 *certificate = decode(work, info->der);
    if (certificate == NULL)
        return error_new(ctx, INVALID, "The certificate is damaged.");
    TRY(check(ctx, info, certificate));
    info->id = pki_certificate_id(info, info->der);
    info->pem = pem_encode(info, "CERTIFICATE", info->der);
    info->serial = serial_text(info, certificate);
    info->is_ca = X509_check_ca(certificate) == 1;
    read_attributes(certificate, info);
    return NULL;
}

/* The long form of a length has its top bit set, which no text has in its second byte: DER is no PEM. */
static bool is_der(slice s)
{
    return s.length > 2 && (uint8_t)s.at[0] == DER_SEQUENCE && ((uint8_t)s.at[1] & 0x80) != 0;
}

FALLIBLE pki_certificate_parse(void *ctx, slice pem_or_der, struct pki_certificate_info **out)
{
    struct pki_certificate_info *info = MAKE(ctx, struct pki_certificate_info);
    pki_start();
    if (pem_or_der.length > PKI_CERTIFICATE_MAX)
        return error_new(ctx, INVALID, "The certificate has %zu bytes; at most %d are taken.", pem_or_der.length,
                         PKI_CERTIFICATE_MAX);
    if (is_der(pem_or_der))
        info->der = slice_copy(info, pem_or_der);
    else if (!pem_decode(info, pem_or_der, "CERTIFICATE", &info->der))
        return error_new(ctx, INVALID, "There is no PEM block CERTIFICATE, or it is damaged.");
    error *e = parse_der(ctx, info);
    ERR_clear_error();
    *out = info;
    return e;
}

bool pki_certificate_issued_by(const struct pki_certificate_info *child, const struct pki_certificate_info *ca)
{
    SCRATCH work = talloc_new(NULL);
    X509 *below = decode(work, child->der), *above = decode(work, ca->der);
    bool issued = below != NULL && above != NULL &&
                  X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(above)) == 0 &&
                  X509_verify(below, X509_get0_pubkey(above)) == 1;
    ERR_clear_error();
    return issued;
}
