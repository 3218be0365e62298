/* bench.c - muster bench connect|provision: a load generator on the device's own library. */
#include "cli/bench.h"
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024, IDENTITIES_MAX = 1000 };

static const char usage_text[] =
    "usage: muster bench connect|provision [options]\n\n"
    "connect     TCP, a full TLS handshake, CONNECT, CONNACK, DISCONNECT: against any MQTT broker\n"
    "provision   the same with a claim certificate, then CreateCertificateFromCsr and RegisterThing\n\n"
    "  --host HOST          localhost\n"
    "  --port PORT          8883\n"
    "  --ca FILE            PEM of the authorities that sign the server's certificate\n"
    "  --cert FILE          PEM of the client's certificate; for provision the claim's\n"
    "  --key FILE           PEM of its key\n"
    "  --cert-dir DIR       many of them: every NAME.pem that has a NAME.key beside it, taken in turn\n"
    "  --connections N      how many operations at a time: 16\n"
    "  --count N            how many in all: 1000\n"
    "  --seconds S          no new one after S seconds; without --count that alone ends it\n"
    "  --mqtt 3|5           the version: 3 (3.1.1)\n"
    "  --pid PID            the server's process: its CPU time for each operation and its memory are shown\n"
    "  --template NAME      provision: the template\n"
    "  --parameter NAME     provision: its parameter that takes a serial number: SerialNumber\n"
    "  --json               one JSON object instead of text\n";

static FALLIBLE wrong(void *ctx, const char *text)
{
    return error_new(ctx, "InvalidUsage", "%s", text);
}

/* ---- files ---- */

static FALLIBLE read_file(void *ctx, const char *path, slice *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_new(ctx, "InvalidFile", "%s: %s.", path, strerror(errno));
    char *text = talloc_zero_size(ctx, FILE_MAX);
    *out = slice_bytes(text, fread(text, 1, FILE_MAX, file));
    fclose(file);
    return NULL;
}

static FALLIBLE add_identity(void *ctx, struct bench_wish *wish, const char *certificate, const char *key)
{
    SCRATCH work = talloc_new(NULL);
    slice certificate_pem = SLICE(""), private_pem = SLICE("");
    struct device_identity *identity;
    error *e = read_file(work, certificate, &certificate_pem);
    if (e == NULL)
        e = read_file(work, key, &private_pem);
    if (e == NULL)
        e = device_identity_new(ctx, wish->ca_pem, certificate_pem, private_pem, &identity);
    if (e != NULL)
        return error_new(ctx, "InvalidFile", "%s, %s: %s", certificate, key, error_chain(work, e));
    *ARRAY_ADD(ctx, wish->identities, wish->identity_count) = identity;
    return NULL;
}

static FALLIBLE add_folder(void *ctx, struct bench_wish *wish)
{
    DIR *folder = opendir(wish->folder);
    error *e = NULL;
    if (folder == NULL)
        return error_new(ctx, "InvalidFile", "%s: %s.", wish->folder, strerror(errno));
    for (struct dirent *entry;
         e == NULL && wish->identity_count < IDENTITIES_MAX && (entry = readdir(folder)) != NULL;) {
        slice name = slice_of(entry->d_name);
        if (!slice_ends(name, ".pem"))
            continue;
        const char *stem = text_format(ctx, "%s/%.*s", wish->folder, (int)name.length - 4, name.at);
        const char *key = text_format(ctx, "%s.key", stem);
        if (access(key, R_OK) == 0)
            e = add_identity(ctx, wish, text_format(ctx, "%s.pem", stem), key);
    }
    closedir(folder);
    return e;
}

static FALLIBLE load_identities(void *ctx, struct bench_wish *wish)
{
    TRY(read_file(ctx, wish->ca, &wish->ca_pem));
    if (wish->certificate != NULL)
        TRY(add_identity(ctx, wish, wish->certificate, wish->key));
    if (wish->folder != NULL)
        TRY(add_folder(ctx, wish));
    if (wish->identity_count == 0)
        return error_new(ctx, "InvalidFile", "%s holds no NAME.pem with a NAME.key.", wish->folder);
    return NULL;
}

/* ---- the wish ---- */

static FALLIBLE check(void *ctx, const struct bench_wish *wish)
{
    if (wish->ca == NULL)
        return wrong(ctx, "--ca FILE says whom to trust.");
    if ((wish->certificate == NULL) != (wish->key == NULL))
        return wrong(ctx, "--cert and --key go together.");
    if (wish->certificate == NULL && wish->folder == NULL)
        return wrong(ctx, "--cert FILE and --key FILE, or --cert-dir DIR, say who connects.");
    if (wish->mqtt == 4)
        return wrong(ctx, "--mqtt is 3 (3.1.1) or 5.");
    if (wish->provisions && wish->template_name == NULL)
        return wrong(ctx, "--template NAME says what to provision with.");
    return NULL;
}

static FALLIBLE read_wish(void *ctx, int argc, char **argv, struct bench_wish *wish)
{
    const struct option_row rows[] = {
        { "--host", OPTION_TEXT, &wish->host, 0, 0 },
        { "--port", OPTION_NUMBER, &wish->port, 1, 65535 },
        { "--ca", OPTION_TEXT, &wish->ca, 0, 0 },
        { "--cert", OPTION_TEXT, &wish->certificate, 0, 0 },
        { "--key", OPTION_TEXT, &wish->key, 0, 0 },
        { "--cert-dir", OPTION_TEXT, &wish->folder, 0, 0 },
        { "--connections", OPTION_NUMBER, &wish->connections, 1, 10000 },
        { "--count", OPTION_NUMBER, &wish->count, 1, 10000000 },
        { "--seconds", OPTION_NUMBER, &wish->seconds, 1, 86400 },
        { "--mqtt", OPTION_NUMBER, &wish->mqtt, 3, 5 },
        { "--pid", OPTION_NUMBER, &wish->pid, 1, INT32_MAX },
        { "--template", OPTION_TEXT, &wish->template_name, 0, 0 },
        { "--parameter", OPTION_TEXT, &wish->parameter, 0, 0 },
        { "--json", OPTION_FLAG, &wish->as_json, 0, 0 },
        { "--help", OPTION_FLAG, &wish->help, 0, 0 },
    };
    const char *what = argc > 1 ? argv[1] : "";
    wish->help = strcmp(what, "--help") == 0;
    if (wish->help)
        return NULL;
    wish->provisions = strcmp(what, "provision") == 0;
    if (!wish->provisions && strcmp(what, "connect") != 0)
        return wrong(ctx, "say what to measure: muster bench connect, or muster bench provision.");
    TRY(cli_options(ctx, argc - 1, argv + 1, rows, sizeof(rows) / sizeof(*rows)));
    return wish->help ? NULL : check(ctx, wish);
}

/* ---- the subcommand ---- */

static FALLIBLE measure(void *ctx, struct bench_wish *wish, struct bench_result *result)
{
    struct bench_process before, after;
    struct device_server *server;
    TRY(load_identities(ctx, wish));
    TRY(device_server_find(ctx, wish->host, (uint16_t)wish->port, &server));
    wish->server = server;
    if (wish->pid > 0)
        TRY(bench_process_read(ctx, wish->pid, &before));
    TRY(bench_load(ctx, wish, result));
    if (wish->pid > 0)
        TRY(bench_process_read(ctx, wish->pid, &after));
    bench_report(wish, result, wish->pid > 0 ? &before : NULL, wish->pid > 0 ? &after : NULL);
    return NULL;
}

int cli_bench(int argc, char **argv)
{
    SCRATCH ctx = talloc_new(NULL);
    struct bench_wish wish = {
        .host = "localhost", .port = 8883, .connections = 16, .mqtt = 3, .parameter = "SerialNumber"
    };
    struct bench_result result = { .latencies_us = NULL };
    error *e = read_wish(ctx, argc, argv, &wish);
    if (e == NULL && wish.help)
        return fputs(usage_text, stdout) < 0;
    pki_start();
    signal(SIGPIPE, SIG_IGN);
    if (e == NULL)
        e = measure(ctx, &wish, &result);
    if (e != NULL)
        return cli_fail("bench", e);
    return result.failed > 0 || result.succeeded == 0;
}
