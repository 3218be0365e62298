/* main.c - muster SUBCOMMAND ... */
#include "cli/cli.h"
#include <string.h>

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *says;
} subcommands[] = {
    { "init", cli_init, "make a data folder: configuration, certificates, store, an administrator's key" },
    { "aws", cli_aws, "run the AWS CLI against a folder's server: muster aws --dir DIR iot list-things" },
    { "account", cli_account, "accounts of the running server: muster account create|list|show" },
    { "audit", cli_audit, "who did what: muster audit --principal ada --outcome denied" },
    { "history", cli_history, "what happened to a thing or a certificate: muster history pump-7" },
    { "demo", cli_demo, "start a server on loopback and let 25 simulated devices provision themselves" },
    { "bench", cli_bench, "load generator: muster bench connect|provision" },
};
enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(*subcommands) };

static int usage(FILE *out, int status)
{
    fprintf(out, "usage: muster SUBCOMMAND [options]\n\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].says);
    fprintf(out, "\nThe server itself: musterd --dir DIR\n");
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, 2);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout, 0);
    if (strcmp(argv[1], "--version") == 0)
        return printf("muster " MUSTER_VERSION "\n") < 0;
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "muster: there is no subcommand %s\n", argv[1]);
    return usage(stderr, 2);
}
