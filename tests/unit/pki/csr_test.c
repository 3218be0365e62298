/* csr_test.c - which certificate signing requests are taken (x509.md 4.1, scenarios 3 and 4). */
#include "make.h"
#include "table.h"

#define REFUSED_KEY "The key is neither RSA of at least 2048 bits nor EC on P-256, P-384 or P-521."
#define NO_BLOCK    "There is no PEM block CERTIFICATE REQUEST, or it is damaged."
#define DAMAGED     "The certificate signing request is damaged."
#define UNVERIFIED  "The certificate signing request's signature does not verify with the key inside it."
#define WEAK(name) \
    "The signature algorithm " name " is not accepted; sign with SHA-256, SHA-384 or SHA-512 and RSA or ECDSA."

static const struct key {
    const char *name, *key, *digest;
    enum pki_key_kind kind;
    const char *message; /* NULL: it is taken */
} keys[] = {
    { "RSA 2048", "RSA:2048", "SHA256", PKI_RSA, NULL },
    { "RSA 3072 with SHA-384", "RSA:3072", "SHA384", PKI_RSA, NULL },
    { "RSA-PSS 2048", "RSA-PSS:2048", "SHA256", PKI_RSA_PSS, NULL },
    { "P-256", "EC:P-256", "SHA256", PKI_P256, NULL },
    { "P-384", "EC:P-384", "SHA384", PKI_P384, NULL },
    { "P-521", "EC:P-521", "SHA512", PKI_P521, NULL },
    { "RSA 1024", "RSA:1024", "SHA256", 0, "An RSA key of 1024 bits is too small; it needs at least 2048." },
    { "RSA 2047", "RSA:2047", "SHA256", 0, "An RSA key of 2047 bits is too small; it needs at least 2048." },
    { "Ed25519", "ED25519", NULL, 0, REFUSED_KEY },
    { "secp256k1", "EC:secp256k1", "SHA256", 0, REFUSED_KEY },
    { "P-224", "EC:P-224", "SHA256", 0, REFUSED_KEY },
    { "P-256 spelled out", "explicit:P-256", "SHA256", 0,
      "The EC key spells its curve out; it must name P-256, P-384 or P-521." },
    { "RSA with SHA-1", "RSA:2048", "SHA1", 0, WEAK("sha1WithRSAEncryption") },
    { "RSA with MD5", "RSA:2048", "MD5", 0, WEAK("md5WithRSAEncryption") },
    { "RSA-PSS with SHA-1", "RSA-PSS:2048", "SHA1", 0, WEAK("rsassaPss") },
    { "ECDSA with SHA-1", "EC:P-256", "SHA1", 0, WEAK("ecdsa-with-SHA1") },
};

static void judges_the_key(void **state)
{
    const struct key *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    EVP_PKEY *key = key_of(ctx, row->key);
    slice der = request_der(ctx, key, row->digest);
    const char *pem = pem_encode(ctx, "CERTIFICATE REQUEST", der);
    struct pki_csr *csr;

    error *e = pki_csr_parse(ctx, slice_of(pem), &csr);
    assert_int_equal(ERR_peek_error(), 0);
    if (row->message != NULL) {
        assert_true(error_is(e, "InvalidCsr"));
        assert_string_equal(e->message, row->message);
        return;
    }
    assert_null(e);
    assert_int_equal(csr->key, row->kind);
    assert_true(slice_equal(csr->der, der));
    assert_true(slice_equal(csr->spki, spki_der(ctx, key)));
}

/* ---- keys that no generator makes ---- */

static slice whole_request(void *ctx, slice spki)
{
    slice name = DER(ctx, DER_SEQUENCE, SLICE(""));
    slice info = DER(ctx, DER_SEQUENCE, SLICE("\x02\x01\x00"), name, spki, SLICE("\xa0\x00"));
    return DER(ctx, DER_SEQUENCE, info, SLICE("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"),
               SLICE("\x03\x02\x00\x00"));
}

static slice rsa_spki(void *ctx, size_t modulus_octets, slice exponent)
{
    char *modulus = memory_zeroed(ctx, 1, modulus_octets + 1, "modulus");
    memset(modulus + 1, 0xa5, modulus_octets);
    slice key = DER(ctx, DER_SEQUENCE, DER(ctx, DER_INTEGER, slice_bytes(modulus, modulus_octets + 1)),
                    DER(ctx, DER_INTEGER, exponent));
    slice algorithm =
        DER(ctx, DER_SEQUENCE, DER(ctx, DER_OID, SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")), SLICE("\x05\x00"));
    return DER(ctx, DER_SEQUENCE, algorithm, DER(ctx, DER_BIT_STRING, SLICE("\x00"), key));
}

static const struct rsa {
    const char *name;
    size_t modulus_octets;
    slice exponent;
    const char *message;
} rsas[] = {
    { "8192 bits are looked at", 1024, SLICE("\x01\x00\x01"), UNVERIFIED },
    { "8200 bits", 1025, SLICE("\x01\x00\x01"), "An RSA key of 8200 bits is too large; it has at most 8192." },
    { "80000 bits", 10000, SLICE("\x03"), "An RSA key of 80000 bits is too large; it has at most 8192." },
    { "an exponent of 1", 256, SLICE("\x01"), "The RSA key's public exponent is not an odd number from 3 to 64 bits." },
    { "an even exponent", 256, SLICE("\x01\x00\x00"),
      "The RSA key's public exponent is not an odd number from 3 to 64 bits." },
    { "an exponent of 72 bits", 256, SLICE("\x01\x00\x00\x00\x00\x00\x00\x00\x01"),
      "The RSA key's public exponent is not an odd number from 3 to 64 bits." },
    { "a negative exponent", 256, SLICE("\xff"), "The RSA key cannot be read." },
    { "no exponent", 256, SLICE(""), "The RSA key cannot be read." },
};

static void judges_rsa_numbers(void **state)
{
    const struct rsa *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice der = whole_request(ctx, rsa_spki(ctx, row->modulus_octets, row->exponent));
    struct pki_csr *csr;
    error *e = pki_csr_parse(ctx, slice_of(pem_encode(ctx, "CERTIFICATE REQUEST", der)), &csr);
    assert_true(error_is(e, "InvalidCsr"));
    assert_string_equal(e->message, row->message);
}

/* ---- how the text may look ---- */

enum look {
    PLAIN,
    TEXT_BEFORE,
    CRLF,
    OLD_LABEL,
    ONE_LINE,
    TWO_BLOCKS,
    NOT_AT_LINE_START,
    NO_END,
    ANOTHER_LABEL,
    ENCRYPTED,
    NO_BASE64,
    EMPTY,
    TOO_LONG,
    BYTES_AFTER,
    CUT_SHORT,
    INDEFINITE,
    ALTERED_SIGNATURE,
    ALTERED_SUBJECT
};

static const struct text {
    const char *name;
    enum look look;
    const char *message;
} texts[] = {
    { "plain", PLAIN, NULL },
    { "text before it", TEXT_BEFORE, NULL },
    { "CRLF", CRLF, NULL },
    { "the older label", OLD_LABEL, NULL },
    { "all base64 in one line", ONE_LINE, NULL },
    { "two blocks: the first one counts", TWO_BLOCKS, NULL },
    { "the label in the middle of a line", NOT_AT_LINE_START, NO_BLOCK },
    { "no end", NO_END, NO_BLOCK },
    { "a certificate's label", ANOTHER_LABEL, NO_BLOCK },
    { "an encrypted block", ENCRYPTED, NO_BLOCK },
    { "no base64", NO_BASE64, NO_BLOCK },
    { "nothing", EMPTY, NO_BLOCK },
    { "longer than 16 KiB", TOO_LONG, "The certificate signing request has 16385 bytes; at most 16384 are taken." },
    { "bytes after the request", BYTES_AFTER, DAMAGED },
    { "cut short", CUT_SHORT, DAMAGED },
    { "an indefinite length", INDEFINITE, DAMAGED },
    { "an altered signature", ALTERED_SIGNATURE, UNVERIFIED },
    { "an altered subject", ALTERED_SUBJECT, UNVERIFIED },
};

static slice altered(void *ctx, slice der, enum look look)
{
    char *copy = memory_zeroed(ctx, 1, der.length + 1, "char");
    memcpy(copy, der.at, der.length);
    if (look == ALTERED_SIGNATURE)
        copy[der.length - 1] ^= 1;
    else if (look == ALTERED_SUBJECT)
        *(char *)memmem(copy, der.length, "pump-7", 6) = 'b';
    else if (look == INDEFINITE)
        copy[1] = (char)0x80;
    return slice_bytes(copy, der.length + (look == BYTES_AFTER) - (look == CUT_SHORT));
}

static char *unfolded(void *ctx, const char *pem)
{
    char *copy = text_copy(ctx, pem), *from = strchr(copy, '\n') + 1, *to = from;
    char *end = strstr(from, "\n-----END");
    for (; from < end; from++)
        if (*from != '\n')
            *to++ = *from;
    memmove(to, end, strlen(end) + 1);
    return copy;
}

static const char *text_with(void *ctx, slice der, enum look look)
{
    static const char crlf_head[] = "-----BEGIN CERTIFICATE REQUEST-----\r\n";
    const char *pem = pem_encode(ctx, "CERTIFICATE REQUEST", altered(ctx, der, look));
    const char *body = strchr(pem, '\n') + 1;
    switch (look) {
    case TEXT_BEFORE:
        return text_format(ctx, "Certificate Request:\n    Data: 30\n%s", pem);
    case CRLF:
        return text_format(ctx, "%s%.64s\r\n%s", crlf_head, body, body + 65);
    case OLD_LABEL:
        return pem_encode(ctx, "NEW CERTIFICATE REQUEST", der);
    case ONE_LINE:
        return unfolded(ctx, pem);
    case TWO_BLOCKS:
        return text_format(ctx, "%s%s", pem, pem_encode(ctx, "CERTIFICATE REQUEST", SLICE("abc")));
    case NOT_AT_LINE_START:
        return text_format(ctx, "x %s", pem);
    case NO_END:
        return text_copy_n(ctx, pem, strlen(pem) - 20);
    case ANOTHER_LABEL:
        return pem_encode(ctx, "CERTIFICATE", der);
    case ENCRYPTED:
        return text_format(ctx, "%sProc-Type: 4,ENCRYPTED\n\n%s", "-----BEGIN CERTIFICATE REQUEST-----\n", body);
    case NO_BASE64:
        return "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n";
    case EMPTY:
        return "";
    case TOO_LONG:
        return text_format(ctx, "%*s%s", (int)(PKI_CSR_MAX + 1 - strlen(pem)), "\n", pem);
    default:
        return pem;
    }
}

static void judges_the_text(void **state)
{
    const struct text *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice der = request_der(ctx, key_of(ctx, "EC:P-256"), "SHA256");
    struct pki_csr *csr;
    error *e = pki_csr_parse(ctx, slice_of(text_with(ctx, der, row->look)), &csr);
    assert_int_equal(ERR_peek_error(), 0);
    if (row->message == NULL) {
        assert_null(e);
        assert_true(slice_equal(csr->der, der));
    } else {
        assert_true(error_is(e, "InvalidCsr"));
        assert_string_equal(e->message, row->message);
    }
}

/* ---- the device's own ---- */

static const struct own {
    const char *name;
    enum pki_key_kind kind;
} own[] = { { "RSA", PKI_RSA }, { "P-256", PKI_P256 }, { "P-384", PKI_P384 }, { "P-521", PKI_P521 } };

static void our_own_request_is_taken(void **state)
{
    const struct own *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_key_pair *pair = pki_make_pair(ctx, row->kind);
    struct pki_csr *csr;
    const char *pem;
    assert_null(pki_make_csr(ctx, pair->private_pem, "Pumpe \xc3\xbc", &pem));
    assert_null(pki_csr_parse(ctx, slice_of(pem), &csr));
    assert_int_equal(csr->key, row->kind);
    assert_true(slice_equal(csr->spki, pair->spki));
    assert_non_null(memmem(csr->subject.at, csr->subject.length, "Pumpe \xc3\xbc", 8));
    assert_true(error_is(pki_make_csr(ctx, pair->public_pem, "p", &pem), "InvalidKey"));
}

int main(void)
{
    return RUN_TABLES(TABLE(keys, judges_the_key), TABLE(rsas, judges_rsa_numbers), TABLE(texts, judges_the_text),
                      TABLE(own, our_own_request_is_taken));
}
