/* init.c - muster init --dir DIR: a data folder, whole or not at all. It is made under another name beside DIR, synced,
   and renamed. */
#include "cli/cli.h"
#include "account/account.h"
#include "base/clock.h"
#include "pki/pki.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AUTHORITY_YEARS = 30 };

/* ---- certificates ---- */

static FALLIBLE write_credentials(void *ctx, const char *dir, const struct pki_credentials *made, const char *issuers,
                                  const char *certificate, const char *key)
{
    TRY(pki_write_file(ctx, text_format(ctx, "%s/%s", dir, certificate), 0644,
                       text_format(ctx, "%s%s", made->certificate_pem, issuers)));
    return pki_write_file(ctx, text_format(ctx, "%s/%s", dir, key), 0600, made->private_pem);
}

static FALLIBLE make_certificates(void *ctx, const char *dir, const struct configuration *configuration)
{
    int64_t now_s = clock_now_s();
    struct pki_credentials *root, *issuer, *server;
    struct pki_authority_wish root_wish = { .common_name = "muster root CA",
                                            .key = PKI_P256,
                                            .reach = PKI_SIGNS_ALL,
                                            .now_s = now_s,
                                            .years = AUTHORITY_YEARS };
    struct pki_authority_wish issuer_wish = { .common_name = "muster issuing CA",
                                              .key = PKI_P256,
                                              .reach = PKI_SIGNS_LEAVES,
                                              .now_s = now_s,
                                              .years = AUTHORITY_YEARS };
    struct pki_server_wish wish = { configuration->domain, configuration->region, PKI_P256, now_s };
    TRY(pki_make_authority(ctx, &root_wish, NULL, &root));
    TRY(write_credentials(ctx, dir, root, "", FILE_TRUST_ROOT, FILE_TRUST_KEY));
    TRY(pki_make_authority(ctx, &issuer_wish, NULL, &issuer));
    TRY(write_credentials(ctx, dir, issuer, "", FILE_ISSUER, FILE_ISSUER_KEY));
    TRY(pki_make_server_certificate(ctx, &wish, root, &server));
    TRY(write_credentials(ctx, dir, server, "", FILE_SERVER_ECDSA, FILE_SERVER_ECDSA_KEY));
    wish.key = PKI_RSA;
    TRY(pki_make_server_certificate(ctx, &wish, root, &server));
    return write_credentials(ctx, dir, server, "", FILE_SERVER_RSA, FILE_SERVER_RSA_KEY);
}

/* ---- store and account ---- */

struct making {
    void *ctx;
    const struct init_wish *wish;
    const struct master_key *master;
    struct account_made made;
};

static FALLIBLE make_account(struct tx *tx, void *arg)
{
    struct making *making = arg;
    return account_create(tx, making->ctx, making->master, making->wish->account, making->wish->configuration->region,
                          true, clock_now_ms(), &making->made);
}

static FALLIBLE make_store(struct making *making, const char *dir)
{
    struct store *store;
    struct master_key *master;
    struct store_options options = { .folder = dir, .readers = 1 };
    const char *path = text_format(making->ctx, "%s/%s", dir, FILE_MASTER_KEY);
    TRY(master_key_create(making->ctx, path));
    TRY(master_key_read(making->ctx, path, &master));
    making->master = master;
    TRY(store_open(making->ctx, &options, &store));
    error *e = store_apply(store, making->ctx, make_account, making);
    store_close(store);
    return e;
}

/* ---- muster.conf and env ---- */

static const char *environment_text(const struct making *making, const char *dir)
{
    const struct configuration *configuration = making->wish->configuration;
    const struct account_made *made = &making->made;
    writer out = writer_new(making->ctx, 65536);
    writer_text(&out, "# For a shell: . DIR/env    It holds the administrator's secret key: keep it to yourself.\n");
    writer_format(&out, "export AWS_ACCESS_KEY_ID='%s'\n", made->access_key_id);
    writer_format(&out, "export AWS_SECRET_ACCESS_KEY='%.*s'\n", PRINT(made->secret));
    writer_format(&out, "export AWS_REGION='%s'\nexport AWS_DEFAULT_REGION='%s'\n", configuration->region,
                  configuration->region);
    writer_format(&out, "export AWS_ENDPOINT_URL='https://%s:%d'\n", configuration->domain, configuration->https_port);
    writer_format(&out, "export AWS_CA_BUNDLE='%s/%s'\n", dir, FILE_TRUST_ROOT);
    writer_format(&out, "export MUSTER_ACCOUNT='%s'\n", making->wish->account);
    writer_format(&out, "export MUSTER_CA='%s/%s'\n", dir, FILE_TRUST_ROOT);
    writer_format(&out, "export MUSTER_HOST='%s'\n", configuration->domain);
    writer_format(&out, "export MUSTER_MQTT_PORT='%d'\n", configuration->mqtt_port);
    writer_format(&out, "export MUSTER_HTTPS_PORT='%d'\n", configuration->https_port);
    writer_format(&out, "export MUSTER_DEVICE_HTTPS_PORT='%d'\n", configuration->device_https_port);
    writer_format(&out, "export MUSTER_METRICS_PORT='%d'\n", configuration->metrics_port);
    writer_format(&out, "export MUSTER_PROVISIONING_ROLE='%s'\n", made->provisioning_role_arn);
    return writer_finish(&out);
}

static FALLIBLE fill(struct making *making, const char *dir, const char *final)
{
    void *ctx = making->ctx;
    TRY(make_certificates(ctx, dir, making->wish->configuration));
    TRY(make_store(making, dir));
    TRY(pki_write_file(ctx, text_format(ctx, "%s/%s", dir, FILE_CONFIGURATION), 0600,
                       configuration_text(ctx, making->wish->configuration)));
    return pki_write_file(ctx, text_format(ctx, "%s/%s", dir, FILE_ENVIRONMENT), 0600, environment_text(making, final));
}

/* ---- the folder ---- */

static const char *contents_of(void *ctx, const char *dir)
{
    DIR *folder = opendir(dir);
    const char *names = "";
    int count = 0;
    if (folder == NULL)
        return "it is no folder";
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < 5;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names = text_format(ctx, "%s%s%s", names, count++ ? ", " : "", entry->d_name);
    closedir(folder);
    return count ? text_format(ctx, "it holds %s%s", names, count == 5 ? ", ..." : "") : "it is empty";
}

static void remove_folder(void *ctx, const char *dir)
{
    DIR *folder = opendir(dir);
    if (folder != NULL) {
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
            unlink(text_format(ctx, "%s/%s", dir, entry->d_name));
        closedir(folder);
    }
    rmdir(dir);
}

static error *cannot(void *ctx, const char *dir)
{
    return error_new(ctx, "InvalidFolder", "%s cannot be made: %s.", dir, strerror(errno));
}

/* The folder's full name, which need not exist yet: its parent must. */
static FALLIBLE full_name(void *ctx, const char *dir, const char **out)
{
    char *copy = text_copy(ctx, dir);
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    const char *parent = slash == NULL ? "." : slash == copy ? "/" : (*slash = '\0', copy);
    char *real = realpath(parent, NULL);
    if (real == NULL)
        return error_new(ctx, "InvalidFolder", "%s: %s: %s.", dir, parent, strerror(errno));
    *out = text_format(ctx, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
    free(real);
    if (strpbrk(*out, "'\n") != NULL)
        return error_new(ctx, "InvalidFolder", "%s: quotes and line breaks are not allowed in the folder's name.", dir);
    return NULL;
}

static FALLIBLE move_into_place(void *ctx, const char *from, const char *to)
{
    int folder = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    if (!synced || rename(from, to) != 0)
        return cannot(ctx, to);
    return NULL;
}

FALLIBLE cli_init_folder(void *ctx, const struct init_wish *wish)
{
    struct making making = { .ctx = ctx, .wish = wish };
    struct stat there;
    const char *final = "";
    TRY(full_name(ctx, wish->dir, &final));
    if (lstat(final, &there) == 0)
        return error_new(ctx, "InvalidFolder", "%s is there already; %s. Name another folder, or remove it first.",
                         wish->dir, contents_of(ctx, final));
    char *made = mkdtemp(text_format(ctx, "%s.XXXXXX", final));
    if (made == NULL)
        return cannot(ctx, wish->dir);
    error *e = fill(&making, made, final);
    if (e == NULL)
        e = move_into_place(ctx, made, final);
    if (e != NULL)
        remove_folder(ctx, made);
    return e;
}

/* ---- the subcommand ---- */

static FALLIBLE check(void *ctx, const struct init_wish *wish)
{
    if (wish->dir == NULL)
        return error_new(ctx, "InvalidUsage", "--dir DIR says where.");
    if (!configuration_is_name(wish->configuration->domain))
        return error_new(ctx, "InvalidUsage", "--domain: %s is no host name.", wish->configuration->domain);
    if (!configuration_is_name(wish->configuration->region))
        return error_new(ctx, "InvalidUsage", "--region: %s is no region.", wish->configuration->region);
    return NULL;
}

static void print_next(const char *dir)
{
    printf("Made %s. Start the server:\n\n"
           "    build/musterd --dir %s\n\n"
           "and, in another shell, ask it something:\n\n"
           "    build/muster aws --dir %s sts get-caller-identity\n"
           "    build/muster aws --dir %s iot create-thing --thing-name pump-1\n\n"
           "For SDKs and other tools: . %s/env\n",
           dir, dir, dir, dir, dir);
}

int cli_init(int argc, char **argv)
{
    SCRATCH ctx = talloc_new(NULL);
    struct configuration *configuration = configuration_default(ctx);
    struct init_wish wish = { .account = "000000000001", .configuration = configuration };
    const struct option_row rows[] = {
        { "--dir", OPTION_TEXT, &wish.dir, 0, 0 },
        { "--region", OPTION_TEXT, &configuration->region, 0, 0 },
        { "--domain", OPTION_TEXT, &configuration->domain, 0, 0 },
        { "--account", OPTION_TEXT, &wish.account, 0, 0 },
        { "--https-port", OPTION_NUMBER, &configuration->https_port, 1, 65535 },
        { "--device-https-port", OPTION_NUMBER, &configuration->device_https_port, 1, 65535 },
        { "--mqtt-port", OPTION_NUMBER, &configuration->mqtt_port, 1, 65535 },
        { "--metrics-port", OPTION_NUMBER, &configuration->metrics_port, 1, 65535 },
    };
    pki_start();
    error *e = cli_options(ctx, argc, argv, rows, sizeof(rows) / sizeof(*rows));
    if (e == NULL)
        e = check(ctx, &wish);
    if (e == NULL)
        e = cli_init_folder(ctx, &wish);
    if (e != NULL)
        return cli_fail("init", e);
    print_next(wish.dir);
    return 0;
}
