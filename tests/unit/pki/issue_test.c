/* issue_test.c - the profile of what we issue (x509.md 3.2), field by field as OpenSSL reads it, and its size
   (provisioning.md 4.7). */
#include "make.h"
#include "base/encode.h"
#include "table.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct profile {
    const char *name;
    enum pki_key_kind issuer;
    const char *key; /* of the request; NULL: a pair of the pool's kind */
    int signature;
} profiles[] = {
    { "P-256 request, P-256 issuer", PKI_P256, "EC:P-256", NID_ecdsa_with_SHA256 },
    { "P-384 request, P-256 issuer", PKI_P256, "EC:P-384", NID_ecdsa_with_SHA256 },
    { "P-521 request, RSA issuer", PKI_RSA, "EC:P-521", NID_sha256WithRSAEncryption },
    { "RSA-3072 request, P-256 issuer", PKI_P256, "RSA:3072", NID_ecdsa_with_SHA256 },
    { "RSA-PSS request, P-256 issuer", PKI_P256, "RSA-PSS:2048", NID_ecdsa_with_SHA256 },
    { "RSA pair, P-256 issuer", PKI_P256, NULL, NID_ecdsa_with_SHA256 },
    { "RSA pair, RSA issuer", PKI_RSA, NULL, NID_sha256WithRSAEncryption },
};

struct issued {
    struct pki_credentials *root;
    struct pki_issuer *issuer;
    struct pki_csr *csr;
    struct pki_key_pair *pair;
    struct pki_certificate *certificate;
    X509 *x509, *above;
};

static struct issued issue_for(void *ctx, const struct profile *row)
{
    struct issued out = { .root = root_of(ctx, row->issuer) };
    out.issuer = issuer_of(ctx, out.root);
    out.above = x509_of(ctx, out.root->certificate_pem);
    if (row->key == NULL) {
        out.pair = pki_make_pair(ctx, PKI_RSA);
        assert_null(pki_issue_for_key(ctx, out.issuer, out.pair, NOW_S, &out.certificate));
    } else {
        slice der = request_der(ctx, key_of(ctx, row->key), "SHA256");
        assert_null(pki_csr_parse(ctx, slice_of(pem_encode(ctx, "CERTIFICATE REQUEST", der)), &out.csr));
        assert_null(pki_issue_from_csr(ctx, out.issuer, out.csr, NOW_S, &out.certificate));
    }
    out.x509 = x509_of(ctx, out.certificate->pem);
    return out;
}

static void check_extension(X509 *certificate, int at, int nid, bool critical, const char *hex)
{
    SCRATCH ctx = talloc_new(NULL);
    X509_EXTENSION *extension = X509_get_ext(certificate, at);
    ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    slice bytes = slice_bytes(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(extension)), nid);
    assert_int_equal(X509_EXTENSION_get_critical(extension), critical);
    if (hex != NULL)
        assert_string_equal(hex_encode(ctx, bytes), hex);
}

static slice octets(const ASN1_STRING *s)
{
    return slice_bytes(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static void keeps_the_profile(void **state)
{
    const struct profile *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct issued got = issue_for(ctx, row);
    X509 *x509 = got.x509;

    assert_int_equal(X509_get_version(x509), 2);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    assert_int_equal(ASN1_STRING_length(serial), 20);
    assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* not V_ASN1_NEG_INTEGER */
    assert_int_equal(X509_get_signature_nid(x509), row->signature);
    assert_true(
        slice_equal(name_der(ctx, X509_get_issuer_name(x509)), name_der(ctx, X509_get_subject_name(got.above))));
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(x509)), V_ASN1_UTCTIME);
    assert_true(slice_is(octets(X509_get0_notBefore(x509)), "260115082800Z"));
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(x509)), V_ASN1_UTCTIME);
    assert_true(slice_is(octets(X509_get0_notAfter(x509)), "491231235959Z"));
    assert_true(got.certificate->not_before_s == NOW_S - 120);
    assert_true(got.certificate->not_after_s == INT64_C(2524607999));

    assert_int_equal(X509_get_ext_count(x509), 4);
    check_extension(x509, 0, NID_authority_key_identifier, false, NULL);
    check_extension(x509, 1, NID_subject_key_identifier, false, NULL);
    check_extension(x509, 2, NID_basic_constraints, true, "3000");
    check_extension(x509, 3, NID_key_usage, true, "03020780");
    assert_int_equal(X509_verify(x509, X509_get0_pubkey(got.above)), 1);
    assert_int_equal(X509_check_issued(got.above, x509), X509_V_OK);
}

static void names_both_keys(void **state)
{
    const struct profile *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct issued got = issue_for(ctx, row);
    AUTHORITY_KEYID *authority = X509_get_ext_d2i(got.x509, NID_authority_key_identifier, NULL, NULL);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    assert_non_null(authority);
    assert_null(authority->issuer);
    assert_null(authority->serial);
    assert_true(slice_equal(octets(authority->keyid), octets(X509_get0_subject_key_id(got.above))));
    AUTHORITY_KEYID_free(authority);
    assert_int_equal(X509_pubkey_digest(got.x509, EVP_sha1(), hash, &length), 1);
    assert_true(slice_equal(octets(X509_get0_subject_key_id(got.x509)), slice_bytes(hash, length)));
}

static void copies_subject_and_key(void **state)
{
    const struct profile *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct issued got = issue_for(ctx, row);
    slice spki = got.csr ? got.csr->spki : got.pair->spki;

    assert_true(slice_equal(spki_der(ctx, X509_get0_pubkey(got.x509)), spki));
    assert_non_null(memmem(got.certificate->der.at, got.certificate->der.length, spki.at, spki.length));
    if (got.csr != NULL) {
        assert_true(slice_equal(name_der(ctx, X509_get_subject_name(got.x509)), got.csr->subject));
        return;
    }
    X509_NAME *expected = X509_NAME_new();
    add_part(expected, "CN", V_ASN1_UTF8STRING, "AWS IoT Certificate");
    assert_true(slice_equal(name_der(ctx, X509_get_subject_name(got.x509)), name_der(ctx, expected)));
    X509_NAME_free(expected);
}

static void fits_and_is_well_written(void **state)
{
    const struct profile *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct issued got = issue_for(ctx, row);
    const char *pem = got.certificate->pem;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *expected = NULL;

    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, got.x509);
    long size = BIO_get_mem_data(out, &expected);
    assert_string_equal(pem, text_copy_n(ctx, expected, (size_t)size));
    BIO_free(out);
    X509_digest(got.x509, EVP_sha256(), hash, &length);
    assert_string_equal(got.certificate->id, hex_encode(ctx, slice_bytes(hash, length)));
    if (row->key == NULL) /* the hard requirement is for RSA-2048 leaves */
        assert_in_range(strlen(pem), 1, 1499);
}

static void the_same_request_gives_another_certificate(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct issued got = issue_for(ctx, &profiles[0]);
    struct pki_certificate *second;
    assert_null(pki_issue_from_csr(ctx, got.issuer, got.csr, NOW_S, &second));
    assert_string_not_equal(got.certificate->id, second->id);
}

static void the_pair_is_written_as_clients_expect(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_key_pair *pair = pki_make_pair(ctx, PKI_RSA);
    assert_true(slice_starts(slice_of(pair->private_pem), "-----BEGIN RSA PRIVATE KEY-----\n"));
    assert_true(slice_ends(slice_of(pair->private_pem), "\n-----END RSA PRIVATE KEY-----\n"));
    assert_true(slice_starts(slice_of(pair->public_pem), "-----BEGIN PUBLIC KEY-----\n"));
    EVP_PKEY *key = private_key_read(ctx, slice_of(pair->private_pem));
    assert_int_equal(EVP_PKEY_get_bits(key), 2048);
    assert_true(slice_equal(spki_der(ctx, key), pair->spki));
    struct pki_key_pair *ec = pki_make_pair(ctx, PKI_P256);
    assert_true(slice_starts(slice_of(ec->private_pem), "-----BEGIN PRIVATE KEY-----\n"));
}

/* ---- the issuer's files ---- */

enum wrong { RIGHT, ANOTHER_KEY, A_LEAF, NO_KEY, KEY_FOR_ALL, NO_CERTIFICATE, NO_FILE, A_FOLDER };

static const struct files {
    const char *name;
    enum wrong wrong;
    const char *message; /* how it ends */
} files[] = {
    { "as they should be", RIGHT, NULL },
    { "a key of another authority", ANOTHER_KEY, "The issuer's private key does not belong to its certificate." },
    { "a leaf", A_LEAF, "The issuer's certificate is not that of an authority (CA:TRUE, keyCertSign)." },
    { "no key in the key file", NO_KEY, "The issuer's private key is not one in PEM, or it is encrypted." },
    { "a key that others may read", KEY_FOR_ALL, "others than its owner may read it; set its permissions to 0600" },
    { "no certificate", NO_CERTIFICATE,
      "The issuer's certificate cannot be used: There is no PEM block CERTIFICATE, or it is damaged." },
    { "no file", NO_FILE, "No such file or directory" },
    { "a folder", A_FOLDER, "it is not a plain file of at most 1 MiB" },
};

static const char *leaf_of(void *ctx, const struct pki_credentials *root)
{
    struct pki_certificate *leaf;
    struct pki_key_pair *pair = pki_make_pair(ctx, PKI_P256);
    assert_null(pki_issue_for_key(ctx, issuer_of(ctx, root), pair, NOW_S, &leaf));
    return leaf->pem;
}

static void reads_the_issuer(void **state)
{
    const struct files *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_credentials *root = root_of(ctx, PKI_P256);
    char folder[] = "/tmp/muster-issuer-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *certificate_path = text_format(ctx, "%s/ca.pem", folder);
    const char *key_path = text_format(ctx, "%s/ca.key", folder);
    const char *certificate = row->wrong == A_LEAF           ? leaf_of(ctx, root)
                              : row->wrong == NO_CERTIFICATE ? "nothing"
                                                             : root->certificate_pem;
    const char *key = row->wrong == ANOTHER_KEY ? root_of(ctx, PKI_P256)->private_pem
                      : row->wrong == NO_KEY    ? "nothing"
                                                : root->private_pem;
    assert_null(pki_write_file(ctx, certificate_path, 0644, certificate));
    if (row->wrong != NO_FILE && row->wrong != A_FOLDER)
        assert_null(pki_write_file(ctx, key_path, row->wrong == KEY_FOR_ALL ? 0640 : 0600, key));
    if (row->wrong == A_FOLDER)
        assert_int_equal(mkdir(key_path, 0700), 0);

    struct pki_issuer *issuer = NULL;
    error *e = pki_issuer_read(ctx, certificate_path, key_path, &issuer);
    unlink(certificate_path);
    unlink(key_path);
    rmdir(key_path);
    assert_int_equal(rmdir(folder), 0);
    if (row->message == NULL) {
        assert_null(e);
        assert_non_null(issuer);
        return;
    }
    assert_true(error_is(e, "InvalidIssuer"));
    assert_true(slice_ends(slice_of(e->message), row->message));
    assert_true(slice_starts(slice_of(e->message), folder));
}

int main(void)
{
    static const struct {
        const char *name;
    } again[] = { { "twice" } }, pair[] = { { "PEM" } };
    return RUN_TABLES(TABLE(profiles, keeps_the_profile), TABLE(profiles, names_both_keys),
                      TABLE(profiles, copies_subject_and_key), TABLE(profiles, fits_and_is_well_written),
                      TABLE(again, the_same_request_gives_another_certificate),
                      TABLE(pair, the_pair_is_written_as_clients_expect), TABLE(files, reads_the_issuer));
}
