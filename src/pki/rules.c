/* rules.c - which keys and which signature algorithms are taken (x509.md 4.1).

   Keys are judged by their encoding. OpenSSL decodes a key together with what it stands in, and multiplies on explicit
   curves and with moduli of any size while it does so: what is refused here never gets that far. */
#include "pki/internal.h"
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

enum { RSA_EXPONENT_BYTES_MAX = 8 }; /* OpenSSL's bound for large moduli; devices use 3 and 65537 */

static bool split_spki(slice spki, slice *type, reader *parameters, slice *bits)
{
    slice content, algorithm;
    reader outer = reader_of(spki);
    if (!der_take(&outer, DER_SEQUENCE, &content, NULL) || reader_left(&outer) > 0)
        return false;
    reader in = reader_of(content);
    if (!der_take(&in, DER_SEQUENCE, &algorithm, NULL) || !der_take(&in, DER_BIT_STRING, bits, NULL))
        return false;
    *parameters = reader_of(algorithm);
    if (!der_take(parameters, DER_OID, type, NULL) || reader_left(&in) > 0)
        return false;
    if (bits->length < 2 || bits->at[0] != 0) /* whole octets */
        return false;
    *bits = slice_from(*bits, 1);
    return true;
}

bool spki_key_bits(slice spki, slice *bits)
{
    slice type;
    reader parameters;
    return split_spki(spki, &type, &parameters, bits);
}

/* The octets of a positive INTEGER without its leading zeros; empty when it is none. */
static slice take_positive(reader *in)
{
    slice number;
    if (!der_take(in, DER_INTEGER, &number, NULL) || number.length == 0 || (number.at[0] & 0x80) != 0)
        return SLICE("");
    while (number.length > 0 && number.at[0] == 0)
        number = slice_from(number, 1);
    return number;
}

static size_t bit_length(slice number)
{
    size_t bits = 8 * number.length;
    for (unsigned first = number.length > 0 ? (uint8_t)number.at[0] : 0x80; (first & 0x80) == 0; first <<= 1)
        bits--;
    return bits;
}

/* The algorithm's parameters (NULL, or what RSASSA-PSS is restricted to) are OpenSSL's to judge. */
static const char *rsa_rule_broken(void *ctx, slice bits)
{
    slice key;
    reader outer = reader_of(bits);
    if (!der_take(&outer, DER_SEQUENCE, &key, NULL) || reader_left(&outer) > 0)
        return "The RSA key cannot be read.";
    reader in = reader_of(key);
    slice modulus = take_positive(&in), exponent = take_positive(&in);
    if (modulus.length == 0 || exponent.length == 0 || reader_left(&in) > 0)
        return "The RSA key cannot be read.";

    size_t size = bit_length(modulus);
    if (size < PKI_RSA_BITS_MIN)
        return text_format(ctx, "An RSA key of %zu bits is too small; it needs at least %d.", size, PKI_RSA_BITS_MIN);
    if (size > PKI_RSA_BITS_MAX)
        return text_format(ctx, "An RSA key of %zu bits is too large; it has at most %d.", size, PKI_RSA_BITS_MAX);
    if (exponent.length > RSA_EXPONENT_BYTES_MAX || (exponent.at[exponent.length - 1] & 1) == 0 ||
        slice_equal(exponent, SLICE("\x01")))
        return "The RSA key's public exponent is not an odd number from 3 to 64 bits.";
    return NULL;
}

static const struct key_type {
    slice oid;
    slice curve; /* at == NULL: RSA */
    enum pki_key_kind kind;
} key_types[] = {
    { SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), { NULL, 0 }, PKI_RSA },
    { SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), { NULL, 0 }, PKI_RSA_PSS },
    { SLICE("\x2a\x86\x48\xce\x3d\x02\x01"), SLICE("\x2a\x86\x48\xce\x3d\x03\x01\x07"), PKI_P256 },
    { SLICE("\x2a\x86\x48\xce\x3d\x02\x01"), SLICE("\x2b\x81\x04\x00\x22"), PKI_P384 },
    { SLICE("\x2a\x86\x48\xce\x3d\x02\x01"), SLICE("\x2b\x81\x04\x00\x23"), PKI_P521 },
};

const char *key_rule_broken(void *ctx, slice spki, enum pki_key_kind *kind)
{
    slice type, bits, curve;
    reader parameters;
    if (!split_spki(spki, &type, &parameters, &bits))
        return "The key cannot be read.";
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        const struct key_type *row = &key_types[i];
        if (!slice_equal(type, row->oid))
            continue;
        *kind = row->kind;
        if (row->curve.at == NULL)
            return rsa_rule_broken(ctx, bits);
        reader look = parameters;
        if (!der_take(&look, DER_OID, &curve, NULL))
            return "The EC key spells its curve out; it must name P-256, P-384 or P-521.";
        if (slice_equal(curve, row->curve))
            return NULL;
    }
    return "The key is neither RSA of at least 2048 bits nor EC on P-256, P-384 or P-521.";
}

/* The hash of RSASSA-PSS stands in its parameters; absent ones mean SHA-1 (RFC 4055 3.1). */
static int pss_hash(int parameter_type, const void *parameters)
{
    RSA_PSS_PARAMS *pss = NULL;
    const ASN1_OBJECT *hash = NULL;
    int nid = NID_sha1;
    if (parameter_type == V_ASN1_SEQUENCE)
        pss = ASN1_item_unpack(parameters, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    if (pss != NULL && pss->hashAlgorithm != NULL) {
        X509_ALGOR_get0(&hash, NULL, NULL, pss->hashAlgorithm);
        nid = OBJ_obj2nid(hash);
    }
    RSA_PSS_PARAMS_free(pss);
    ERR_clear_error();
    return nid;
}

const char *signature_rule_broken(void *ctx, const X509_ALGOR *algorithm)
{
    static const int taken[] = { NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption,
                                 NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
                                 NID_dsa_with_SHA256 };
    static const int taken_by_pss[] = { NID_sha256, NID_sha384, NID_sha512 };
    const ASN1_OBJECT *type;
    const void *parameters;
    int parameter_type;

    X509_ALGOR_get0(&type, &parameter_type, &parameters, algorithm);
    int nid = OBJ_obj2nid(type);
    if (nid == NID_rsassaPss) {
        int hash = pss_hash(parameter_type, parameters);
        for (size_t i = 0; i < sizeof(taken_by_pss) / sizeof(taken_by_pss[0]); i++)
            if (hash == taken_by_pss[i])
                return NULL;
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (nid == taken[i])
            return NULL;
    return text_format(ctx,
                       "The signature algorithm %s is not accepted; sign with SHA-256, SHA-384 or SHA-512 and RSA "
                       "or ECDSA.",
                       nid == NID_undef ? "is unknown and" : OBJ_nid2ln(nid));
}
