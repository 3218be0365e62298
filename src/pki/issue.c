/* issue.c - a device's certificate, field for field (x509.md 3.2).

   Written as bytes, not through OpenSSL's objects: the subject and the key of a request go in as they came, and signing
   is all that costs time. */
#include "pki/internal.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"

enum { SERIAL_BYTES = 20, BACKDATED_S = 120, SHA1_BYTES = 20, SIGNATURE_MAX = PKI_RSA_BITS_MAX / 8 };

static const int64_t END_S = 2524607999; /* 2049-12-31T23:59:59Z */
static const slice END = SLICE("491231235959Z");
static const slice VERSION_3 = SLICE("\x02\x01\x02");

/* CN=AWS IoT Certificate */
static const slice DEFAULT_SUBJECT = SLICE("\x30\x1e\x31\x1c\x30\x1a\x06\x03\x55\x04\x03\x0c\x13"
                                           "AWS IoT Certificate");

/* critical, CA:FALSE; critical, digitalSignature */
static const slice BASIC_CONSTRAINTS = SLICE("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00");
static const slice KEY_USAGE = SLICE("\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80");
static const slice SUBJECT_KEY_ID = SLICE("\x06\x03\x55\x1d\x0e");
static const slice AUTHORITY_KEY_ID = SLICE("\x06\x03\x55\x1d\x23");

static const slice ECDSA_SHA256 = SLICE("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");
static const slice RSA_SHA256 = SLICE("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00");

void issuer_fill(struct pki_issuer *issuer, slice name, slice key_id, enum pki_key_kind kind)
{
    enum { KEY_IDENTIFIER = 0x80 }; /* [0] IMPLICIT */
    slice id = DER(issuer, DER_SEQUENCE, DER(issuer, KEY_IDENTIFIER, key_id));
    issuer->name = slice_copy(issuer, name);
    issuer->key_id = DER(issuer, DER_SEQUENCE, AUTHORITY_KEY_ID, DER(issuer, DER_OCTET_STRING, id));
    issuer->algorithm = kind == PKI_RSA ? RSA_SHA256 : ECDSA_SHA256;
}

/* Twenty octets, positive, and the first one never zero, so that they stay twenty. */
static slice serial(void *ctx)
{
    unsigned char *bytes = memory_zeroed(ctx, 1, SERIAL_BYTES, "serial");
    random_bytes(bytes, SERIAL_BYTES);
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    return DER(ctx, DER_INTEGER, slice_bytes(bytes, SERIAL_BYTES));
}

static slice validity(void *ctx, int64_t not_before_s)
{
    char basic[CLOCK_TEXT_MAX]; /* 20260115T083000Z */
    clock_basic(not_before_s * 1000, basic);
    slice start = slice_of(text_format(ctx, "%.6s%.7s", basic + 2, basic + 9));
    return DER(ctx, DER_SEQUENCE, DER(ctx, DER_UTC_TIME, start), DER(ctx, DER_UTC_TIME, END));
}

slice key_hash(void *ctx, slice spki)
{
    unsigned char *hash = memory_zeroed(ctx, 1, SHA1_BYTES, "hash");
    slice bits = SLICE("");
    pki_must(spki_key_bits(spki, &bits) && EVP_Digest(bits.at, bits.length, hash, NULL, pki_digests()->sha1, NULL) == 1,
             "hash a key");
    return slice_bytes(hash, SHA1_BYTES);
}

static slice subject_key_id(void *ctx, slice spki)
{
    slice id = DER(ctx, DER_OCTET_STRING, key_hash(ctx, spki));
    return DER(ctx, DER_SEQUENCE, SUBJECT_KEY_ID, DER(ctx, DER_OCTET_STRING, id));
}

static slice to_be_signed(void *ctx, const struct pki_issuer *issuer, slice subject, slice spki, int64_t not_before_s)
{
    slice extensions = DER(ctx, DER_SEQUENCE, issuer->key_id, subject_key_id(ctx, spki), BASIC_CONSTRAINTS, KEY_USAGE);
    return DER(ctx, DER_SEQUENCE, DER(ctx, DER_VERSION, VERSION_3), serial(ctx), issuer->algorithm, issuer->name,
               validity(ctx, not_before_s), subject, spki, DER(ctx, DER_EXTENSIONS, extensions));
}

/* The BIT STRING's content: no unused bits, then the signature. */
static FALLIBLE sign(void *ctx, const struct pki_issuer *issuer, slice text, slice *out)
{
    unsigned char bits[1 + SIGNATURE_MAX] = { 0 };
    size_t length = SIGNATURE_MAX;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool done = EVP_DigestSignInit(hash, NULL, pki_digests()->sha256, NULL, issuer->key) == 1 &&
                EVP_DigestSign(hash, bits + 1, &length, (const unsigned char *)text.at, text.length) == 1;
    EVP_MD_CTX_free(hash);
    if (!done)
        return error_because(ctx, openssl_error(ctx), "InternalFailureException",
                             "The issuing authority cannot sign at the moment.");
    *out = slice_copy(ctx, slice_bytes(bits, 1 + length));
    return NULL;
}

static FALLIBLE issue(void *ctx, const struct pki_issuer *issuer, slice subject, slice spki, int64_t now_s,
                      struct pki_certificate **out)
{
    SCRATCH work = talloc_new(ctx);
    int64_t not_before_s = now_s - BACKDATED_S;
    slice text = to_be_signed(work, issuer, subject, spki, not_before_s), signature;
    TRY(sign(ctx, issuer, text, &signature));

    struct pki_certificate *certificate = MAKE(ctx, struct pki_certificate);
    certificate->der = DER(certificate, DER_SEQUENCE, text, issuer->algorithm, DER(work, DER_BIT_STRING, signature));
    certificate->pem = pem_encode(certificate, "CERTIFICATE", certificate->der);
    certificate->id = pki_certificate_id(certificate, certificate->der);
    certificate->not_before_s = not_before_s;
    certificate->not_after_s = END_S;
    *out = certificate;
    return NULL;
}

FALLIBLE pki_issue_from_csr(void *ctx, const struct pki_issuer *issuer, const struct pki_csr *csr, int64_t now_s,
                            struct pki_certificate **out)
{
    return issue(ctx, issuer, csr->subject, csr->spki, now_s, out);
}

FALLIBLE pki_issue_for_key(void *ctx, const struct pki_issuer *issuer, const struct pki_key_pair *pair, int64_t now_s,
                           struct pki_certificate **out)
{
    return issue(ctx, issuer, DEFAULT_SUBJECT, pair->spki, now_s, out);
}

char *pki_certificate_id(void *ctx, slice der)
{
    return digest_sha256_hex(ctx, der);
}
