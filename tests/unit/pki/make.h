/* make.h - keys, requests and certificates of every kind, made with OpenSSL's own functions, which also judge what
   comes out. */
#pragma once
#include "pki/internal.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static const int64_t NOW_S = 1768465800; /* 2026-01-15T08:30:00Z */

#define MUST(done)   \
    do {             \
        if (!(done)) \
            abort(); \
    } while (0)

/* "RSA:2048", "RSA-PSS:2048", "EC:P-256", "explicit:P-256", "ED25519" */
static inline EVP_PKEY *key_of(void *ctx, const char *kind)
{
    EVP_PKEY *key = NULL;
    const char *detail = strchr(kind, ':');
    char *type = detail ? text_copy_n(ctx, kind, (size_t)(detail - kind)) : text_copy(ctx, kind);
    bool explicit_curve = strcmp(type, "explicit") == 0;
    EVP_PKEY_CTX *how = EVP_PKEY_CTX_new_from_name(NULL, explicit_curve ? "EC" : type, NULL);
    MUST(EVP_PKEY_keygen_init(how) == 1);
    if (strncmp(type, "RSA", 3) == 0)
        MUST(EVP_PKEY_CTX_set_rsa_keygen_bits(how, (int)strtol(detail + 1, NULL, 10)) == 1);
    else if (detail != NULL)
        MUST(EVP_PKEY_CTX_set_group_name(how, detail + 1) == 1);
    MUST(EVP_PKEY_generate(how, &key) == 1);
    if (explicit_curve)
        MUST(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit") == 1);
    EVP_PKEY_CTX_free(how);
    return EVP_PKEY_own(ctx, key);
}

static inline slice der_of(void *ctx, int length, unsigned char *der)
{
    MUST(length > 0);
    slice copy = slice_copy(ctx, slice_bytes(der, (size_t)length));
    OPENSSL_free(der);
    return copy;
}

static inline slice name_der(void *ctx, const X509_NAME *name)
{
    unsigned char *der = NULL;
    int length = i2d_X509_NAME(name, &der);
    return der_of(ctx, length, der);
}

static inline slice spki_der(void *ctx, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    return der_of(ctx, length, der);
}

static inline void add_part(X509_NAME *name, const char *part, int type, const char *value)
{
    MUST(X509_NAME_add_entry_by_txt(name, part, type, (const unsigned char *)value, -1, -1, 0) == 1);
}

static inline X509_EXTENSION *extension_of(X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    MUST(extension != NULL);
    return extension;
}

/* A subject of odd string types, and an extension request that an issuer has to pass over. */
static inline slice request_der(void *ctx, EVP_PKEY *key, const char *digest)
{
    X509_REQ *request = X509_REQ_new();
    X509_NAME *name = X509_REQ_get_subject_name(request);
    add_part(name, "C", V_ASN1_PRINTABLESTRING, "DE");
    add_part(name, "O", V_ASN1_T61STRING, "Pumps");
    add_part(name, "OU", V_ASN1_BMPSTRING, "Li");
    add_part(name, "CN", V_ASN1_UTF8STRING, "pump-7");
    add_part(name, "CN", V_ASN1_IA5STRING, "second");
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(extensions, extension_of(NULL, NID_basic_constraints, "critical,CA:TRUE"));
    MUST(X509_REQ_add_extensions(request, extensions) == 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    MUST(X509_REQ_set_pubkey(request, key) == 1);
    MUST(X509_REQ_sign(request, key, digest ? EVP_get_digestbyname(digest) : NULL) > 0);
    unsigned char *der = NULL;
    int length = i2d_X509_REQ(request, &der);
    X509_REQ_free(request);
    return der_of(ctx, length, der);
}

struct certificate_wish {
    const char *digest;    /* NULL: what the key demands */
    const char *not_after; /* NULL: in a year */
    const char *alternatives;
    const char *constraints;
    const char *key_usage;
    X509 *above; /* NULL: self-signed */
    EVP_PKEY *above_key;
    const char *common_name;
    int serial_octets;
};

static inline X509 *certificate_of(void *ctx, EVP_PKEY *key, const struct certificate_wish *wish)
{
    X509 *certificate = X509_own(ctx, X509_new());
    X509_NAME *name = X509_get_subject_name(certificate);
    BIGNUM *serial = BN_new();
    X509V3_CTX context;

    MUST(BN_set_bit(serial, wish->serial_octets ? 8 * wish->serial_octets - 2 : 70) == 1);
    MUST(BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL);
    BN_free(serial);
    add_part(name, "C", V_ASN1_PRINTABLESTRING, "DE");
    add_part(name, "ST", V_ASN1_UTF8STRING, "Th\xc3\xbcringen");
    add_part(name, "OU", V_ASN1_BMPSTRING, "Li");
    add_part(name, "OU", V_ASN1_UTF8STRING, "Line 2");
    add_part(name, "CN", V_ASN1_UTF8STRING, wish->common_name ? wish->common_name : "pump-7");
    MUST(X509_set_issuer_name(certificate, X509_get_subject_name(wish->above ? wish->above : certificate)) == 1);
    MUST(X509_set_version(certificate, 2) == 1 && X509_set_pubkey(certificate, key) == 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate), NOW_S);
    ASN1_TIME_set(X509_getm_notAfter(certificate), NOW_S + 86400);
    if (wish->not_after != NULL)
        MUST(ASN1_TIME_set_string(X509_getm_notAfter(certificate), wish->not_after) == 1);
    X509V3_set_ctx(&context, wish->above ? wish->above : certificate, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    const struct {
        int nid;
        const char *value;
    } extensions[] = { { NID_basic_constraints, wish->constraints },
                       { NID_key_usage, wish->key_usage },
                       { NID_subject_alt_name, wish->alternatives } };
    for (int i = 0; i < 3; i++)
        if (extensions[i].value != NULL) {
            X509_EXTENSION *extension = extension_of(&context, extensions[i].nid, extensions[i].value);
            X509_add_ext(certificate, extension, -1);
            X509_EXTENSION_free(extension);
        }
    MUST(X509_sign(certificate, wish->above_key ? wish->above_key : key,
                   wish->digest ? EVP_get_digestbyname(wish->digest) : NULL) > 0);
    return certificate;
}

static inline slice certificate_der(void *ctx, X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    return der_of(ctx, length, der);
}

static inline struct pki_credentials *root_of(void *ctx, enum pki_key_kind kind)
{
    struct pki_credentials *root;
    MUST(pki_make_authority(
             ctx,
             &(struct pki_authority_wish){
                 .common_name = "muster root CA 1", .key = kind, .reach = PKI_SIGNS_ALL, .now_s = NOW_S, .years = 20 },
             NULL, &root) == NULL);
    return root;
}

static inline struct pki_issuer *issuer_of(void *ctx, const struct pki_credentials *authority)
{
    struct pki_issuer *issuer;
    MUST(pki_issuer_new(ctx, slice_of(authority->certificate_pem), slice_of(authority->private_pem), &issuer) == NULL);
    return issuer;
}

static inline X509 *x509_of(void *ctx, const char *pem)
{
    slice der;
    MUST(pem_decode(ctx, slice_of(pem), "CERTIFICATE", &der));
    const unsigned char *at = (const unsigned char *)der.at;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.length);
    MUST(certificate != NULL);
    return X509_own(ctx, certificate);
}
