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

/* Labels of other blocks (TRUSTED CERTIFICATE, X509 CERTIFICATE) end alike: they count, since others may read them. */
static size_t count_blocks(slice pem)
{
    static const char begin[] = "-----BEGIN ", label[] = "CERTIFICATE-----";
    size_t count = 0;
    for (const char *at = pem.at, *end = pem.at + pem.length;
         (at = memmem(at, (size_t)(end - at), begin, sizeof(begin) - 1)) != NULL;) {
        at += sizeof(begin) - 1;
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line ? line : end) - at);
        count += memmem(at, length, label, sizeof(label) - 1) != NULL;
    }
    return count;
}

FALLIBLE pki_certificate_parse_one(void *ctx, slice pem, struct pki_certificate_info **out)
{
    if (pem.length <= PKI_CERTIFICATE_MAX && (pem.at == NULL || is_der(pem) || count_blocks(pem) != 1))
        return error_new(ctx, INVALID, "There must be exactly one PEM block CERTIFICATE; %zu are there.",
                         pem.at == NULL || is_der(pem) ? 0 : count_blocks(pem));
    return pki_certificate_parse(ctx, pem, out);
}

/* ---- issuers ---- */

static bool is_signed(const struct pki_certificate_info *child, const struct pki_certificate_info *ca, bool names)
{
    SCRATCH work = talloc_new(NULL);
    X509 *below = decode(work, child->der), *above = decode(work, ca->der);
    bool good = below != NULL && above != NULL &&
                (!names || X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(above)) == 0) &&
                X509_verify(below, X509_get0_pubkey(above)) == 1;
    ERR_clear_error();
    return good;
}

bool pki_certificate_issued_by(const struct pki_certificate_info *child, const struct pki_certificate_info *ca)
{
    return is_signed(child, ca, true);
}

bool pki_certificate_signed_by(const struct pki_certificate_info *child, const struct pki_certificate_info *ca)
{
    return is_signed(child, ca, false);
}

/* ---- names ---- */

static X509_NAME *name_of(void *ctx, slice der)
{
    const unsigned char *at = (const unsigned char *)der.at;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.length);
    ERR_clear_error();
    return name ? X509_NAME_own(ctx, name) : NULL;
}

bool pki_name_same(slice a, slice b)
{
    SCRATCH work = talloc_new(NULL);
    const X509_NAME *one = name_of(work, a), *other = name_of(work, b);
    return one != NULL && other != NULL && X509_NAME_cmp(one, other) == 0;
}

int64_t pki_name_hash(slice name)
{
    SCRATCH work = talloc_new(NULL);
    int known = 0;
    const X509_NAME *read = name_of(work, name);
    return read ? (int64_t)X509_NAME_hash_ex(read, NULL, NULL, &known) : 0;
}

const char *pki_certificate_attribute(const struct pki_certificate_info *info, const char *name)
{
    for (size_t i = 0; i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, name) == 0 && info->attributes[i].value_count > 0)
            return info->attributes[i].values[0];
    return NULL;
}
