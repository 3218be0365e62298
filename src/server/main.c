/* main.c - musterd --dir DIR */
#include "server/server.h"
#include "base/memory.h"
#include <stdio.h>
#include <sys/stat.h>

static int usage(FILE *out, int status)
{
    fprintf(out, "usage: musterd --dir DIR\n"
                 "Serves DIR, which `muster init --dir DIR` makes, in the foreground until SIGTERM.\n");
    return status;
}

int main(int argc, char **argv)
{
    struct stat folder;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("musterd " MUSTER_VERSION "\n") < 0;
    if (argc != 3 || strcmp(argv[1], "--dir") != 0)
        return usage(stderr, 2);
    if (stat(argv[2], &folder) != 0 || !S_ISDIR(folder.st_mode)) {
        fprintf(stderr, "musterd: %s is no folder; make it with: muster init --dir %s\n", argv[2], argv[2]);
        return 1;
    }
    /* What is not freed below stays in sight of leak checkers: volatile, and of a byte, since they do not see an empty
       context (talloc hands out the address after its header). */
    static char *volatile kept;
    char *ctx = kept = MAKE(NULL, char);
    const error *e = server_run(ctx, argv[2]);
    if (e != NULL)
        fprintf(stderr, "musterd: %s\n", error_chain(ctx, e));
    int status = e == NULL ? 0 : 1;
    if (e == NULL)
        talloc_free(ctx); /* after a failed start threads may still look at it */
    return status;
}
