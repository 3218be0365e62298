/* account.c - muster account create|list|show: accounts of a running server. */
#include "cli/cli.h"
#include "base/clock.h"
#include "pki/pki.h"
#include <inttypes.h>

struct account_wish {
    const char *dir;
    const char *account;
    bool as_json;
};

static void print_json(void *ctx, json *value)
{
    slice text = json_print(ctx, value);
    printf("%.*s\n", PRINT(text));
}

static void print_endpoints(const json *endpoints)
{
    json_object_object_foreach ((json *)(uintptr_t)endpoints, type, host)
        printf("  %-24s %s\n", type, json_object_get_string(host));
}

/* ---- create ---- */

static const char *host_of(const json *made)
{
    return json_get_text(json_get_object(made, "endpoints"), "iot:Data-ATS");
}

/* The default account's environment, with what differs. */
static const char *environment_text(void *ctx, const struct environment *server, const json *made)
{
    static const char *const same[] = {
        "AWS_REGION",       "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",         "AWS_CA_BUNDLE",      "MUSTER_CA",
        "MUSTER_MQTT_PORT", "MUSTER_HTTPS_PORT",  "MUSTER_DEVICE_HTTPS_PORT", "MUSTER_METRICS_PORT"
    };
    writer out = writer_new(ctx, 65536);
    writer_text(&out, "# For a shell: . this file    It holds the account's secret key: keep it to yourself.\n");
    writer_format(&out, "export AWS_ACCESS_KEY_ID='%s'\n", json_get_text(made, "accessKeyId"));
    writer_format(&out, "export AWS_SECRET_ACCESS_KEY='%s'\n", json_get_text(made, "secretAccessKey"));
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        const char *value = cli_environment_get(server, same[i]);
        if (value != NULL)
            writer_format(&out, "export %s='%s'\n", same[i], value);
    }
    writer_format(&out, "export MUSTER_ACCOUNT='%s'\n", json_get_text(made, "accountId"));
    writer_format(&out, "export MUSTER_HOST='%s'\n", host_of(made));
    writer_format(&out, "export MUSTER_PROVISIONING_ROLE='%s'\n", json_get_text(made, "provisioningRoleArn"));
    return writer_finish(&out);
}

static FALLIBLE create(void *ctx, const struct account_wish *wish)
{
    struct environment *server;
    json *made, *input = json_new_object(ctx);
    json_put_text(input, "accountId", wish->account);
    TRY(cli_environment_read(ctx, cli_environment_file(ctx, wish->dir, NULL), &server)); /* before anything is made */
    TRY(cli_ask(ctx, wish->dir, "CreateAccount", input, &made));
    const char *id = json_get_text(made, "accountId"), *path = cli_environment_file(ctx, wish->dir, id);
    error *e = pki_write_file(ctx, path, 0600, environment_text(ctx, server, made));
    if (wish->as_json || e != NULL) /* the key is shown now or never */
        print_json(ctx, made);
    TRY(e);
    if (wish->as_json)
        return NULL;
    printf("Made account %s. Its administrator's key is in %s; the secret cannot be read again elsewhere.\n\n", id,
           path);
    print_endpoints(json_get_object(made, "endpoints"));
    printf("\n    muster aws --dir %s --account %s sts get-caller-identity\n", wish->dir, id);
    return NULL;
}

/* ---- list, show ---- */

static void print_account(const json *account)
{
    char created[CLOCK_TEXT_MAX];
    json *seconds = json_get(account, "creationDate");
    clock_iso8601((int64_t)(json_object_get_double(seconds) * 1000), created);
    printf("%s  made %s%s\n", json_get_text(account, "accountId"), created,
           json_get_bool(account, "isDefault", false) ? "  default" : "");
}

static FALLIBLE list(void *ctx, const struct account_wish *wish)
{
    json *input = json_new_object(ctx), *page;
    const char *next;
    json_put_integer(input, "maxResults", 250);
    do {
        TRY(cli_ask(ctx, wish->dir, "ListAccounts", input, &page));
        json *accounts = json_get_array(page, "accounts");
        for (size_t i = 0; i < json_object_array_length(accounts); i++) {
            if (wish->as_json)
                print_json(ctx, json_object_array_get_idx(accounts, i));
            else
                print_account(json_object_array_get_idx(accounts, i));
        }
        next = json_get_text(page, "nextToken");
        json_put_text(input, "nextToken", next);
    } while (next != NULL);
    return NULL;
}

static FALLIBLE show(void *ctx, const struct account_wish *wish)
{
    json *input = json_new_object(ctx), *found;
    if (wish->account == NULL)
        return error_new(ctx, "InvalidUsage", "which account? muster account show --id 222222222222");
    json_put_text(input, "accountId", wish->account);
    TRY(cli_ask(ctx, wish->dir, "DescribeAccount", input, &found));
    if (wish->as_json) {
        print_json(ctx, found);
        return NULL;
    }
    print_account(found);
    printf("  things %" PRId64 ", certificates %" PRId64 ", users %" PRId64 "\n", json_get_integer(found, "things", 0),
           json_get_integer(found, "certificates", 0), json_get_integer(found, "users", 0));
    print_endpoints(json_get_object(found, "endpoints"));
    return NULL;
}

/* ---- the subcommand ---- */

static const struct verb {
    const char *name;
    FALLIBLE (*run)(void *ctx, const struct account_wish *wish);
} verbs[] = { { "create", create }, { "list", list }, { "show", show } };

static FALLIBLE run(void *ctx, int argc, char **argv)
{
    struct account_wish wish = { 0 };
    const struct option_row rows[] = {
        { "--dir", OPTION_TEXT, &wish.dir, 0, 0 },
        { "--id", OPTION_TEXT, &wish.account, 0, 0 },
        { "--json", OPTION_FLAG, &wish.as_json, 0, 0 },
    };
    for (size_t i = 0; argc >= 2 && i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        bool bare = argc >= 3 && argv[2][0] != '-'; /* muster account show 222222222222 */
        wish.account = bare ? argv[2] : NULL;
        TRY(cli_options(ctx, argc - 1 - bare, argv + 1 + bare, rows, sizeof(rows) / sizeof(*rows)));
        wish.dir = cli_folder(wish.dir);
        return verbs[i].run(ctx, &wish);
    }
    return error_new(ctx, "InvalidUsage", "muster account create|list|show [ID] [--dir DIR] [--json]");
}

int cli_account(int argc, char **argv)
{
    SCRATCH ctx = talloc_new(NULL);
    error *e = run(ctx, argc, argv);
    return e != NULL ? cli_fail("account", e) : 0;
}
