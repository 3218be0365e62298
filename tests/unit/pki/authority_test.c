/* authority_test.c - what `muster init` makes: chains that strict clients verify, hosts that they may dial, files that
   only their owner reads. */
#include "make.h"
#include "table.h"
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static struct pki_credentials *server_of(void *ctx, const struct pki_credentials *root, const char *domain,
                                         enum pki_key_kind key)
{
    struct pki_credentials *server = NULL;
    error *e = pki_make_server_certificate(
        ctx, &(struct pki_server_wish){ .domain = domain, .region = "eu-central-1", .key = key, .now_s = NOW_S }, root,
        &server);
    assert_null(e);
    return server;
}

/* As a client does it: the chain, at a moment, for a server. */
static int verifies(void *ctx, X509 *leaf, const struct pki_credentials *root, int64_t at_s)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *verify = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, x509_of(ctx, root->certificate_pem));
    X509_STORE_CTX_init(verify, store, leaf, NULL);
    X509_VERIFY_PARAM *how = X509_STORE_CTX_get0_param(verify);
    X509_VERIFY_PARAM_set_time(how, at_s);
    X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_auth_level(how, 2);
    X509_STORE_CTX_set_purpose(verify, X509_PURPOSE_SSL_SERVER);
    int result = X509_verify_cert(verify) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(verify);
    X509_STORE_CTX_free(verify);
    X509_STORE_free(store);
    return result;
}

static const struct chain {
    const char *name;
    enum pki_key_kind root, server;
    int64_t after_s;
    int result;
} chains[] = {
    { "RSA under P-256", PKI_P256, PKI_RSA, 0, X509_V_OK },
    { "P-256 under P-256", PKI_P256, PKI_P256, 0, X509_V_OK },
    { "P-256 under RSA", PKI_RSA, PKI_P256, 0, X509_V_OK },
    { "on its last day", PKI_P256, PKI_P256, 825 * DAY_S - 1, X509_V_OK },
    { "after 825 days", PKI_P256, PKI_P256, 825 * DAY_S + 1, X509_V_ERR_CERT_HAS_EXPIRED },
    { "before it was made", PKI_P256, PKI_P256, -1, X509_V_ERR_CERT_NOT_YET_VALID },
};

static void a_client_verifies(void **state)
{
    const struct chain *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_credentials *root = root_of(ctx, row->root),
                           *server = server_of(ctx, root, "fleet.example", row->server);
    X509 *leaf = x509_of(ctx, server->certificate_pem);
    assert_int_equal(verifies(ctx, leaf, root, NOW_S + row->after_s), row->result);
    assert_int_equal(X509_check_private_key(leaf, private_key_read(ctx, slice_of(server->private_pem))), 1);
}

static const struct host {
    const char *name, *domain, *host;
    bool covered;
} hosts[] = {
    { "the domain", "fleet.example", "fleet.example", true },
    { "data", "fleet.example", "a1b2c3d4e5f6g7-ats.iot.eu-central-1.fleet.example", true },
    { "credentials", "fleet.example", "c1.credentials.iot.eu-central-1.fleet.example", true },
    { "jobs", "fleet.example", "c1.jobs.iot.eu-central-1.fleet.example", true },
    { "device advisor", "fleet.example", "t.deviceadvisor.iot.eu-central-1.fleet.example", true },
    { "localhost", "fleet.example", "localhost", true },
    { "another region", "fleet.example", "a-ats.iot.us-east-1.fleet.example", false },
    { "another host of the domain", "fleet.example", "www.fleet.example", false },
    { "accounts below localhost", "localhost", "a-ats.iot.eu-central-1.localhost", true },
};

static void covers_the_hosts(void **state)
{
    const struct host *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    X509 *leaf = x509_of(ctx, server_of(ctx, root_of(ctx, PKI_P256), row->domain, PKI_P256)->certificate_pem);
    assert_int_equal(X509_check_host(leaf, row->host, 0, 0, NULL), row->covered);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
}

static const struct domain {
    const char *name, *domain, *region;
    bool taken;
} domains[] = {
    { "a host", "fleet.example", "us-east-1", true },
    { "an IPv4 address", "192.0.2.7", "us-east-1", true },
    { "an IPv6 address", "2001:db8::7", "us-east-1", true },
    { "a loopback address", "127.0.0.1", "us-east-1", true },
    { "another entry smuggled in", "fleet.example,DNS:bank.example", "us-east-1", false },
    { "a wildcard", "*.example", "us-east-1", false },
    { "empty", "", "us-east-1", false },
    { "an empty label", "a..b", "us-east-1", false },
    { "a dot at the end", "fleet.example.", "us-east-1", false },
    { "a line break", "fleet\n", "us-east-1", false },
    { "a region with a dot", "fleet.example", "us.east", false },
    { "no region", "fleet.example", "", false },
};

static void judges_the_domain(void **state)
{
    const struct domain *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_credentials *server;
    error *e = pki_make_server_certificate(ctx, &(struct pki_server_wish){ row->domain, row->region, PKI_P256, NOW_S },
                                           root_of(ctx, PKI_P256), &server);
    assert_int_equal(e == NULL, row->taken);
    if (!row->taken)
        assert_true(error_is(e, "InvalidDomain"));
    else if (strchr(row->domain, ':') != NULL || row->domain[0] == '1')
        assert_int_equal(X509_check_ip_asc(x509_of(ctx, server->certificate_pem), row->domain, 0), 1);
}

static void an_issuing_authority_below_the_root(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct pki_credentials *root = root_of(ctx, PKI_P256), *issuing, *server;
    struct pki_authority_wish wish = { "muster issuing CA 1", PKI_RSA, PKI_SIGNS_LEAVES, NOW_S, 20 };
    assert_null(pki_make_authority(ctx, &wish, root, &issuing));
    struct pki_certificate_info *below, *above;
    assert_null(pki_certificate_parse(ctx, slice_of(issuing->certificate_pem), &below));
    assert_null(pki_certificate_parse(ctx, slice_of(root->certificate_pem), &above));
    assert_true(below->is_ca && above->is_ca);
    assert_int_equal(below->key, PKI_RSA);
    assert_true(pki_certificate_issued_by(below, above));
    assert_true(pki_certificate_issued_by(above, above));
    assert_true(below->not_after_s == NOW_S + INT64_C(20) * 365 * DAY_S);
    assert_int_equal(X509_get_pathlen(x509_of(ctx, issuing->certificate_pem)), 0);
    assert_int_equal(X509_get_pathlen(x509_of(ctx, root->certificate_pem)), -1);
    server = server_of(ctx, root, "fleet.example", PKI_P256);
    assert_true(error_is(pki_make_authority(ctx, &wish, server, &issuing), "InvalidIssuer"));
}

static const struct file {
    const char *name;
    mode_t mode;
    bool exists;
} files[] = { { "a key", 0600, false }, { "a certificate", 0644, false }, { "what exists already", 0644, true } };

static void writes_files(void **state)
{
    const struct file *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char folder[] = "/tmp/muster-file-XXXXXX";
    struct stat about;
    const char *why;
    assert_non_null(mkdtemp(folder));
    const char *path = text_format(ctx, "%s/file", folder);
    if (row->exists)
        assert_null(pki_write_file(ctx, path, 0600, "old"));
    error *e = pki_write_file(ctx, path, row->mode, "new");
    assert_int_equal(stat(path, &about), 0);
    char *text = file_read(ctx, path, false, &why);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_string_equal(text, row->exists ? "old" : "new");
    assert_int_equal(about.st_mode & 07777, row->exists ? 0600 : row->mode);
    assert_int_equal(error_is(e, "InvalidFile"), row->exists);
}

int main(void)
{
    static const struct {
        const char *name;
    } below[] = { { "a path of one" } };
    return RUN_TABLES(TABLE(chains, a_client_verifies), TABLE(hosts, covers_the_hosts),
                      TABLE(domains, judges_the_domain), TABLE(below, an_issuing_authority_below_the_root),
                      TABLE(files, writes_files));
}
