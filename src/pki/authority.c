/* authority.c - what `muster init` makes: the trust root, the issuing authority, the server's certificates. */
#include "pki/internal.h"
#include "base/random.h"
#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

enum {
    SERIAL_BYTES = 20,
    COMMON_NAME_MAX = 64,   /* X.520 */
    DOMAIN_MAX = 200,       /* leaves room for "<prefix>.deviceadvisor.iot.<region>." within 253 */
    DAYS_OF_A_SERVER = 825, /* the longest that strict clients take */
    DAY_S = 86400,
    VERSION_3 = 2
};

struct extension {
    int nid;
    const char *value;
};

struct making {
    X509 *certificate;
    EVP_PKEY *key;
    X509 *issuer; /* the certificate itself when it is self-signed */
    EVP_PKEY *issuer_key;
};

static void set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    pki_must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL, "set a serial number");
    BN_free(number);
}

static void set_common_name(X509 *certificate, const char *name)
{
    char text[COMMON_NAME_MAX + 1];
    snprintf(text, sizeof(text), "%s", name);
    pki_must(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                        (const unsigned char *)text, -1, -1, 0) == 1,
             "set a name");
}

static void add_extension(const struct making *making, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, making->issuer, making->certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    pki_must(extension != NULL && X509_add_ext(making->certificate, extension, -1) == 1, "add an extension");
    X509_EXTENSION_free(extension);
}

static FALLIBLE open_above(void *ctx, void *work, const struct pki_credentials *above, struct making *making)
{
    struct pki_certificate_info *info;
    TRY(pki_certificate_parse(ctx, slice_of(above->certificate_pem), &info));
    const unsigned char *at = (const unsigned char *)info->der.at;
    making->issuer = X509_own(work, d2i_X509(NULL, &at, (long)info->der.length));
    making->issuer_key = private_key_read(work, slice_of(above->private_pem));
    bool fits =
        info->is_ca && making->issuer_key != NULL && X509_check_private_key(making->issuer, making->issuer_key) == 1;
    ERR_clear_error();
    return fits ? NULL
                : error_new(ctx, "InvalidIssuer", "The signing certificate and key are not those of one authority.");
}

static FALLIBLE begin(void *ctx, void *work, enum pki_key_kind kind, const struct pki_credentials *above,
                      struct making *making)
{
    making->key = EVP_PKEY_own(work, kind == PKI_RSA ? generate_rsa(NULL, NULL) : generate_ec("P-256"));
    making->certificate = X509_own(work, X509_new());
    making->issuer = making->certificate;
    making->issuer_key = making->key;
    if (above != NULL)
        TRY(open_above(ctx, work, above, making));
    pki_must(X509_set_version(making->certificate, VERSION_3) == 1 &&
                 X509_set_pubkey(making->certificate, making->key) == 1,
             "begin a certificate");
    set_serial(making->certificate);
    return NULL;
}

static struct pki_credentials *finish(void *ctx, const struct making *making, int64_t now_s, int64_t end_s)
{
    unsigned char *der = NULL;
    X509 *certificate = making->certificate;
    pki_must(X509_set_issuer_name(certificate, X509_get_subject_name(making->issuer)) == 1 &&
                 ASN1_TIME_set(X509_getm_notBefore(certificate), now_s) != NULL &&
                 ASN1_TIME_set(X509_getm_notAfter(certificate), end_s) != NULL &&
                 X509_sign(certificate, making->issuer_key, pki_digests()->sha256) > 0,
             "sign a certificate");
    int length = i2d_X509(certificate, &der);
    pki_must(length > 0, "encode a certificate");

    struct pki_credentials *out = MAKE(ctx, struct pki_credentials);
    out->certificate_pem = pem_encode(out, "CERTIFICATE", slice_bytes(der, (size_t)length));
    out->private_pem = pair_of(out, making->key)->private_pem;
    OPENSSL_free(der);
    return out;
}

FALLIBLE pki_make_authority(void *ctx, const struct pki_authority_wish *wish, const struct pki_credentials *above,
                            struct pki_credentials **out)
{
    SCRATCH work = talloc_new(ctx);
    struct making making;
    const struct extension extensions[] = {
        { NID_basic_constraints, wish->reach == PKI_SIGNS_ALL ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign,cRLSign" },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid:always" },
    };

    TRY(begin(ctx, work, wish->key, above, &making));
    set_common_name(making.certificate, wish->common_name);
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        add_extension(&making, extensions[i].nid, extensions[i].value);
    *out = finish(ctx, &making, wish->now_s, wish->now_s + (int64_t)wish->years * 365 * DAY_S);
    return NULL;
}

/* ---- servers ---- */

static bool is_address(const char *text)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Letters, digits, hyphens, and dots between labels: nothing that could end the list of names and begin another entry. */
static bool is_host(const char *text, const char *others)
{
    size_t length = strlen(text), label = 0;
    if (length == 0 || length > DOMAIN_MAX)
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!letter && (strchr(others, *c) == NULL || label == 0))
            return false;
        label = *c == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static char *names_of(void *ctx, const struct pki_server_wish *wish)
{
    static const char *const services[] = { "", "credentials.", "jobs.", "deviceadvisor." };
    bool address = is_address(wish->domain);
    writer names = writer_new(ctx, 4096);
    writer_text(&names, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (strcmp(wish->domain, "localhost") != 0 && strcmp(wish->domain, "127.0.0.1") != 0 &&
        strcmp(wish->domain, "::1") != 0)
        writer_format(&names, ",%s:%s", address ? "IP" : "DNS", wish->domain);
    for (size_t i = 0; !address && i < sizeof(services) / sizeof(services[0]); i++)
        writer_format(&names, ",DNS:*.%siot.%s.%s", services[i], wish->region, wish->domain);
    return writer_finish(&names);
}

FALLIBLE pki_make_server_certificate(void *ctx, const struct pki_server_wish *wish, const struct pki_credentials *above,
                                     struct pki_credentials **out)
{
    SCRATCH work = talloc_new(ctx);
    struct making making;

    if ((!is_address(wish->domain) && !is_host(wish->domain, ".-")) || !is_host(wish->region, "-"))
        return error_new(ctx, "InvalidDomain",
                         "\"%s\" in region \"%s\" is not a host name of at most %d letters, digits, hyphens and dots.",
                         wish->domain, wish->region, DOMAIN_MAX);
    const struct extension extensions[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage,
          wish->key == PKI_RSA ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature" },
        { NID_ext_key_usage, "serverAuth" },
        { NID_subject_alt_name, names_of(work, wish) },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid:always" },
    };
    TRY(begin(ctx, work, wish->key, above, &making));
    set_common_name(making.certificate, wish->domain);
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        add_extension(&making, extensions[i].nid, extensions[i].value);
    *out = finish(ctx, &making, wish->now_s, wish->now_s + (int64_t)DAYS_OF_A_SERVER * DAY_S);
    return NULL;
}
