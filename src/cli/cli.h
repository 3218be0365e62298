/* cli.h - muster: one file a subcommand.

   Each subcommand takes argv from its own name on and returns the process's status: 0 done, 1 failed (one line on
   standard error says why), 2 wrong usage. */
#pragma once
#include "base/error.h"
#include "base/json.h"
#include "server/server.h"
#include <stdio.h>

int cli_init(int argc, char **argv);    /* makes a data folder */
int cli_aws(int argc, char **argv);     /* the user's own aws, pointed at a folder's server */
int cli_demo(int argc, char **argv);    /* a fleet provisions itself, in front of your eyes */
int cli_bench(int argc, char **argv);   /* load generator */
int cli_account(int argc, char **argv); /* accounts of a running server */
int cli_audit(int argc, char **argv);   /* who did what */
int cli_history(int argc, char **argv); /* what happened to a thing or a certificate */

/* What init wants to know. */
struct init_wish {
    const char *dir;
    const char *account;
    struct configuration *configuration;
};
/* Makes the whole folder, or nothing. Fails with InvalidFolder, naming what is in the way. */
FALLIBLE cli_init_folder(void *ctx, const struct init_wish *wish);

/* ---- options: --name VALUE, in a table ---- */

struct option_row {
    const char *name; /* "--mqtt-port" */
    enum { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG } kind;
    void *at;      /* const char **, int *, bool * */
    int low, high; /* OPTION_NUMBER */
};
/* Reads argv[1] and on; fails with InvalidUsage naming the option and the reason. */
FALLIBLE cli_options(void *ctx, int argc, char **argv, const struct option_row *rows, size_t count);

/* DIR/env (cli_environment_file) as names and values: the first `export NAME='VALUE'` of each name; NULL when it is not there. */
struct environment;
FALLIBLE cli_environment_read(void *ctx, const char *path, struct environment **out);
const char *cli_environment_get(const struct environment *environment, const char *name);

/* One operation of api/muster.json, through the socket of the running server of `dir`. `input` NULL: none. Fails with
   NoServer, or with the operation's own error. */
FALLIBLE cli_ask(void *ctx, const char *dir, const char *operation, json *input, json **output);
/* DIR: what --dir said, else MUSTER_DIR, else the folder of `make run`. */
const char *cli_folder(const char *given);
/* DIR/env, or DIR/env-ACCOUNT of another account (NULL: the default one). */
const char *cli_environment_file(void *ctx, const char *dir, const char *account);

/* Prints "muster NAME: message" and gives 1, or 2 for InvalidUsage. */
int cli_fail(const char *name, const error *e);
