/* certificate_test.c - certificates that somebody else issued (x509.md 4.1), what policies may ask about them
   (broker.md 4.11), and who issued whom. */
#include "make.h"
#include "base/encode.h"
#include "table.h"

#define WEAK(name) \
    "The signature algorithm " name " is not accepted; sign with SHA-256, SHA-384 or SHA-512 and RSA or ECDSA."

static const struct judged {
    const char *name, *key, *digest;
    int serial_octets;
    enum pki_key_kind kind;
    const char *message;
} judged[] = {
    { "RSA 2048", "RSA:2048", "SHA256", 20, PKI_RSA, NULL },
    { "RSA-PSS", "RSA-PSS:2048", "SHA384", 20, PKI_RSA_PSS, NULL },
    { "P-256", "EC:P-256", "SHA256", 20, PKI_P256, NULL },
    { "P-521 with SHA-512", "EC:P-521", "SHA512", 20, PKI_P521, NULL },
    { "a serial number of 64 octets", "EC:P-256", "SHA256", 64, PKI_P256, NULL },
    { "a serial number of 65 octets", "EC:P-256", "SHA256", 65, 0,
      "The certificate's serial number is longer than 64 octets." },
    { "SHA-1", "RSA:2048", "SHA1", 20, 0, WEAK("sha1WithRSAEncryption") },
    { "MD5", "RSA:2048", "MD5", 20, 0, WEAK("md5WithRSAEncryption") },
    { "Ed25519", "ED25519", NULL, 20, 0,
      "The key is neither RSA of at least 2048 bits nor EC on P-256, P-384 or P-521." },
    { "RSA 1024", "RSA:1024", "SHA256", 20, 0, "An RSA key of 1024 bits is too small; it needs at least 2048." },
    { "P-384 spelled out", "explicit:P-384", "SHA256", 20, 0,
      "The EC key spells its curve out; it must name P-256, P-384 or P-521." },
};

static void judges_a_certificate(void **state)
{
    const struct judged *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    X509 *x509 =
        certificate_of(ctx, key_of(ctx, row->key),
                       &(struct certificate_wish){ .digest = row->digest, .serial_octets = row->serial_octets });
    slice der = certificate_der(ctx, x509);
    struct pki_certificate_info *info;
    error *e = pki_certificate_parse(ctx, der, &info);
    assert_int_equal(ERR_peek_error(), 0);
    if (row->message != NULL) {
        assert_true(error_is(e, "CertificateValidationException"));
        assert_string_equal(e->message, row->message);
        return;
    }
    assert_null(e);
    assert_int_equal(info->key, row->kind);
    assert_true(slice_equal(info->der, der));
    assert_string_equal(info->id, pki_certificate_id(ctx, der));
    assert_int_equal(strlen(info->id), PKI_ID_LENGTH);
    assert_true(slice_equal(info->subject, name_der(ctx, X509_get_subject_name(x509))));
    assert_true(slice_equal(info->issuer, name_der(ctx, X509_get_issuer_name(x509))));
    assert_true(slice_equal(info->spki, spki_der(ctx, X509_get0_pubkey(x509))));
}

enum text { WHOLE, TEXT_BEFORE, CHAIN, KEY_FIRST, REQUEST, NOTHING, CUT, TRAILING, LONG, DER_TRAILING };

static const struct form {
    const char *name;
    enum text text;
    const char *message;
} forms[] = {
    { "PEM", WHOLE, NULL },
    { "text before it, with a line that begins with 0", TEXT_BEFORE, NULL },
    { "two certificates: the first one is it", CHAIN, NULL },
    { "a key before the certificate", KEY_FIRST, NULL },
    { "a request", REQUEST, "There is no PEM block CERTIFICATE, or it is damaged." },
    { "nothing", NOTHING, "There is no PEM block CERTIFICATE, or it is damaged." },
    { "cut short", CUT, "The certificate is damaged." },
    { "bytes after it inside the block", TRAILING, "The certificate is damaged." },
    { "bytes after DER", DER_TRAILING, "The certificate is damaged." },
    { "longer than 64 KiB", LONG, "The certificate has 65537 bytes; at most 65536 are taken." },
};

static slice form_of(void *ctx, slice der, enum text text)
{
    const char *pem = pem_encode(ctx, "CERTIFICATE", der);
    slice longer = slice_bytes(text_format(ctx, "%*s", (int)der.length + 1, ""), der.length + 1);
    memcpy((char *)(uintptr_t)longer.at, der.at, der.length);
    const char *const texts[] = {
        [WHOLE] = pem,
        [TEXT_BEFORE] = text_format(ctx, "0 Certificate:\r\n0x30\r\n%s", pem),
        [CHAIN] = text_format(ctx, "%s%s", pem, pem_encode(ctx, "CERTIFICATE", SLICE("other"))),
        [KEY_FIRST] = text_format(ctx, "%s%s", pem_encode(ctx, "PRIVATE KEY", SLICE("key")), pem),
        [REQUEST] = pem_encode(ctx, "CERTIFICATE REQUEST", der),
        [NOTHING] = "",
        [CUT] = pem_encode(ctx, "CERTIFICATE", (slice){ der.at, der.length - 1 }),
        [TRAILING] = pem_encode(ctx, "CERTIFICATE", longer),
        [LONG] = text_format(ctx, "%*s", PKI_CERTIFICATE_MAX + 1, pem),
    };
    return text == DER_TRAILING ? longer : slice_of(texts[text]);
}

static void reads_its_forms(void **state)
{
    const struct form *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    X509 *x509 = certificate_of(ctx, key_of(ctx, "EC:P-256"), &(struct certificate_wish){ .digest = "SHA256" });
    slice der = certificate_der(ctx, x509);
    struct pki_certificate_info *info;
    error *e = pki_certificate_parse(ctx, form_of(ctx, der, row->text), &info);
    assert_int_equal(ERR_peek_error(), 0);
    if (row->message == NULL) {
        assert_null(e);
        assert_true(slice_equal(info->der, der));
        assert_string_equal(info->pem, pem_encode(ctx, "CERTIFICATE", der));
    } else {
        assert_true(error_is(e, "CertificateValidationException"));
        assert_string_equal(e->message, row->message);
    }
}

static const struct end {
    const char *name, *not_after;
    int64_t seconds;
} ends[] = {
    { "UTCTime", "491231235959Z", INT64_C(2524607999) },
    { "UTCTime of the last century", "500101000000Z", INT64_C(-631152000) },
    { "GeneralizedTime", "20500101000000Z", INT64_C(2524608000) },
    { "the end of time", "99991231235959Z", INT64_C(253402300799) },
};

static void reads_the_end(void **state)
{
    const struct end *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    X509 *x509 = certificate_of(ctx, key_of(ctx, "EC:P-256"),
                                &(struct certificate_wish){ .digest = "SHA256", .not_after = row->not_after });
    struct pki_certificate_info *info;
    assert_null(pki_certificate_parse(ctx, certificate_der(ctx, x509), &info));
    assert_true(info->not_before_s == NOW_S);
    assert_true(info->not_after_s == row->seconds);
    assert_string_equal(info->serial, "1180591620717411303424"); /* 2^70 */
}

static const struct attribute {
    const char *name;
    const char *values; /* joined with '|'; NULL: there is no such attribute */
} attributes[] = {
    { "SerialNumber", "1180591620717411303424" },
    { "Subject.Country", "DE" },
    { "Subject.State", "Th\xc3\xbcringen" },
    { "Subject.OrganizationalUnit", "\xe4\xb1\xa9|Line 2" },
    { "Subject.CommonName", "pump-7" },
    { "Subject.Organization", NULL },
    { "Issuer.CommonName", "pump-7" },
    { "Subject.AlternativeName.DNSName", "a.example|b.example" },
    { "Subject.AlternativeName.RFC822Name", "p@example" },
    { "Subject.AlternativeName.UniformResourceIdentifier", "urn:pump:7" },
    { "Subject.AlternativeName.IPAddress", "10.0.0.7|2001:db8::7" },
    { "Subject.AlternativeName.DirectoryName", NULL },
    { "Issuer.AlternativeName.DNSName", NULL },
};

static const struct pki_attribute *find(const struct pki_certificate_info *info, const char *name)
{
    for (size_t i = 0; i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, name) == 0)
            return &info->attributes[i];
    return NULL;
}

static void tells_its_attributes(void **state)
{
    const struct attribute *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    X509 *x509 = certificate_of(
        ctx, key_of(ctx, "EC:P-256"),
        &(struct certificate_wish){ .digest = "SHA256",
                                    .alternatives = "DNS:a.example,email:p@example,URI:urn:pump:7,IP:10.0.0.7,"
                                                    "DNS:b.example,IP:2001:db8::7,otherName:1.2.3;UTF8:x" });
    struct pki_certificate_info *info;
    assert_null(pki_certificate_parse(ctx, certificate_der(ctx, x509), &info));
    const struct pki_attribute *found = find(info, row->name);
    if (row->values == NULL) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    char *joined = text_copy(ctx, found->values[0]);
    for (size_t i = 1; i < found->value_count; i++)
        joined = text_format(ctx, "%s|%s", joined, found->values[i]);
    assert_string_equal(joined, row->values);
}

static void leaves_out_values_with_a_nul(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    EVP_PKEY *key = key_of(ctx, "EC:P-256");
    X509 *x509 = certificate_of(ctx, key, &(struct certificate_wish){ .digest = "SHA256" });
    MUST(X509_NAME_add_entry_by_NID(X509_get_subject_name(x509), NID_title, V_ASN1_UTF8STRING,
                                    (const unsigned char *)"a\0b", 3, -1, 0) == 1);
    MUST(X509_sign(x509, key, EVP_sha256()) > 0);
    struct pki_certificate_info *info;
    assert_null(pki_certificate_parse(ctx, certificate_der(ctx, x509), &info));
    assert_null(find(info, "Subject.Title"));
    assert_non_null(find(info, "Subject.CommonName"));
}

static void tells_directory_and_issuer_names(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    EVP_PKEY *key = key_of(ctx, "EC:P-256");
    X509 *x509 = certificate_of(ctx, key, &(struct certificate_wish){ .digest = "SHA256" });
    X509_NAME *directory = X509_NAME_new();
    add_part(directory, "O", V_ASN1_UTF8STRING, "Th\xc3\xbc, Ltd");
    add_part(directory, "CN", V_ASN1_UTF8STRING, "hall 3");
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    sk_GENERAL_NAME_push(names, GENERAL_NAME_new());
    GENERAL_NAME_set0_value(sk_GENERAL_NAME_value(names, 0), GEN_DIRNAME, directory);
    MUST(X509_add1_ext_i2d(x509, NID_issuer_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
    MUST(X509_sign(x509, key, EVP_sha256()) > 0);
    struct pki_certificate_info *info;
    assert_null(pki_certificate_parse(ctx, certificate_der(ctx, x509), &info));
    const struct pki_attribute *found = find(info, "Issuer.AlternativeName.DirectoryName");
    assert_non_null(found);
    assert_int_equal(found->value_count, 1);
    assert_string_equal(found->values[0], "CN=hall 3,O=Th\xc3\xbc\\, Ltd");
}

static const struct authority {
    const char *name, *constraints, *key_usage;
    bool is_ca;
} authorities[] = {
    { "CA:TRUE", "critical,CA:TRUE", NULL, true },
    { "CA:TRUE that may sign certificates", "CA:TRUE", "keyCertSign", true },
    { "CA:TRUE that may not", "CA:TRUE", "digitalSignature", false },
    { "CA:FALSE", "CA:FALSE", NULL, false },
    { "no constraints", NULL, "keyCertSign", false },
};

static void tells_authorities(void **state)
{
    const struct authority *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    X509 *x509 = certificate_of(
        ctx, key_of(ctx, "EC:P-256"),
        &(struct certificate_wish){ .digest = "SHA256", .constraints = row->constraints, .key_usage = row->key_usage });
    struct pki_certificate_info *info;
    assert_null(pki_certificate_parse(ctx, certificate_der(ctx, x509), &info));
    assert_int_equal(info->is_ca, row->is_ca);
}

static struct pki_certificate_info *info_of(void *ctx, X509 *x509)
{
    struct pki_certificate_info *info;
    MUST(pki_certificate_parse(ctx, certificate_der(ctx, x509), &info) == NULL);
    return info;
}

static void tells_who_issued(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    EVP_PKEY *key = key_of(ctx, "EC:P-256"), *other_key = key_of(ctx, "EC:P-256");
    struct certificate_wish wish = { .digest = "SHA256", .constraints = "CA:TRUE", .common_name = "CA" };
    X509 *ca = certificate_of(ctx, key, &wish), *same_name = certificate_of(ctx, other_key, &wish);
    wish.common_name = "ca "; /* the same name, after folding case and blanks */
    X509 *folded = certificate_of(ctx, key, &wish);
    wish.common_name = "another";
    X509 *same_key = certificate_of(ctx, key, &wish);
    X509 *leaf = certificate_of(ctx, key_of(ctx, "EC:P-256"),
                                &(struct certificate_wish){ .digest = "SHA256", .above = ca, .above_key = key });
    struct pki_certificate_info *child = info_of(ctx, leaf);

    assert_true(pki_certificate_issued_by(child, info_of(ctx, ca)));
    assert_true(pki_certificate_issued_by(child, info_of(ctx, folded)));
    assert_false(pki_certificate_issued_by(child, info_of(ctx, same_name)));
    assert_false(pki_certificate_issued_by(child, info_of(ctx, same_key)));
    assert_false(pki_certificate_issued_by(child, child));
    assert_true(pki_certificate_issued_by(info_of(ctx, ca), info_of(ctx, ca)));
    assert_true(pki_certificate_signed_by(child, info_of(ctx, same_key)));
    assert_false(pki_certificate_signed_by(child, info_of(ctx, same_name)));

    slice names[] = { info_of(ctx, ca)->subject, info_of(ctx, folded)->subject, info_of(ctx, same_key)->subject };
    assert_true(pki_name_same(names[0], names[1]));
    assert_true(pki_name_hash(names[0]) == pki_name_hash(names[1]));
    assert_false(pki_name_same(names[0], names[2]));
    assert_false(pki_name_same(SLICE("no name"), SLICE("no name")));
    assert_string_equal(pki_certificate_attribute(info_of(ctx, ca), "Subject.CommonName"), "CA");
    assert_null(pki_certificate_attribute(info_of(ctx, ca), "Subject.Nickname"));
}

/* ---- one certificate, and nothing that another reader would take for one ---- */

static const struct one {
    const char *name, *before, *after; /* of a good certificate; "=": itself once more */
    bool good;
} ones[] = {
    { "alone", "", "", true },
    { "text around it", "Certificate:\n  Data:\n", "\nbye\n", true },
    { "CRLF before it", "Certificate:\r\n", "", true },
    { "twice", "", "=", false },
    { "a trusted one behind it", "", "-----BEGIN TRUSTED CERTIFICATE-----\n", false },
    { "the start of an old one before it", "-----BEGIN X509 CERTIFICATE-----\n", "", false },
    { "a start without an end of line", "", "-----BEGIN CERTIFICATE-----", false },
};

static void takes_one_alone(void **state)
{
    const struct one *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_certificate_info *info,
        *made = info_of(ctx,
                        certificate_of(ctx, key_of(ctx, "EC:P-256"), &(struct certificate_wish){ .digest = "SHA256" }));
    const char *after = strcmp(row->after, "=") == 0 ? made->pem : row->after;
    error *e =
        pki_certificate_parse_one(ctx, slice_of(text_format(ctx, "%s%s%s", row->before, made->pem, after)), &info);
    if (row->good) {
        assert_null(e);
        assert_string_equal(info->id, made->id);
    } else {
        assert_true(error_is(e, "CertificateValidationException"));
    }
    assert_true(error_is(pki_certificate_parse_one(ctx, made->der, &info), "CertificateValidationException"));
    assert_true(error_is(pki_certificate_parse_one(ctx, SLICE(""), &info), "CertificateValidationException"));
}

int main(void)
{
    static const struct {
        const char *name;
    } nul[] = { { "U+0000" } }, directory[] = { { "RFC 2253" } }, issued[] = { { "the direct issuer only" } };
    return RUN_TABLES(TABLE(judged, judges_a_certificate), TABLE(forms, reads_its_forms), TABLE(ends, reads_the_end),
                      TABLE(attributes, tells_its_attributes), TABLE(nul, leaves_out_values_with_a_nul),
                      TABLE(directory, tells_directory_and_issuer_names), TABLE(authorities, tells_authorities),
                      TABLE(issued, tells_who_issued), TABLE(ones, takes_one_alone));
}
