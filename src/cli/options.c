/* options.c - options from a table, and the DIR/env file. */
#include "cli/cli.h"
#include "base/bytes.h"
#include <errno.h>

enum { ENVIRONMENT_MAX = 64 * 1024 };

int cli_fail(const char *name, const error *e)
{
    SCRATCH ctx = talloc_new(NULL);
    fprintf(stderr, "muster %s: %s\n", name, error_chain(ctx, e));
    return error_is(e, "InvalidUsage") ? 2 : 1;
}

static const struct option_row *row_of(const struct option_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static FALLIBLE take_number(void *ctx, const struct option_row *row, const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0 || value < row->low || value > row->high)
        return error_new(ctx, "InvalidUsage", "%s: %s is not a number from %d to %d.", row->name, text, row->low,
                         row->high);
    *(int *)row->at = (int)value;
    return NULL;
}

FALLIBLE cli_options(void *ctx, int argc, char **argv, const struct option_row *rows, size_t count)
{
    for (int i = 1; i < argc; i++) {
        const struct option_row *row = row_of(rows, count, argv[i]);
        if (row == NULL)
            return error_new(ctx, "InvalidUsage", "there is no option %s.", argv[i]);
        if (row->kind == OPTION_FLAG) {
            *(bool *)row->at = true;
            continue;
        }
        if (++i == argc)
            return error_new(ctx, "InvalidUsage", "%s wants a value.", row->name);
        if (row->kind == OPTION_NUMBER)
            TRY(take_number(ctx, row, argv[i]));
        else
            *(const char **)row->at = argv[i];
    }
    return NULL;
}

/* ---- DIR/env ---- */

struct environment {
    struct variable {
        const char *name, *value;
    } * variables;
    size_t count;
};

/* export NAME='VALUE' */
static void take_line(struct environment *environment, slice line)
{
    slice name;
    if (!slice_starts(line, "export ") || !slice_ends(line, "'"))
        return;
    slice rest = slice_from(line, strlen("export "));
    if (!slice_split(&rest, '=', &name) || rest.length < 2 || rest.at[0] != '\'')
        return;
    struct variable *variable = ARRAY_ADD(environment, environment->variables, environment->count);
    variable->name = slice_text(environment, name);
    variable->value = text_copy_n(environment, rest.at + 1, rest.length - 2);
}

const char *cli_folder(const char *given)
{
    const char *dir = given ? given : getenv("MUSTER_DIR");
    return dir ? dir : ".muster-dev";
}

const char *cli_environment_file(void *ctx, const char *dir, const char *account)
{
    return account ? text_format(ctx, "%s/%s-%s", dir, FILE_ENVIRONMENT, account)
                   : text_format(ctx, "%s/%s", dir, FILE_ENVIRONMENT);
}

FALLIBLE cli_environment_read(void *ctx, const char *path, struct environment **out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_new(
            ctx, "InvalidFolder",
            "%s cannot be read: %s; muster init makes a folder, muster account create another account in it", path,
            strerror(errno));
    char *text = talloc_zero_size(ctx, ENVIRONMENT_MAX);
    size_t length = fread(text, 1, ENVIRONMENT_MAX - 1, file);
    fclose(file);
    slice rest = { text, length }, line;
    *out = MAKE(ctx, struct environment);
    while (slice_split(&rest, '\n', &line))
        take_line(*out, line);
    return NULL;
}

const char *cli_environment_get(const struct environment *environment, const char *name)
{
    for (size_t i = 0; i < environment->count; i++)
        if (strcmp(environment->variables[i].name, name) == 0)
            return environment->variables[i].value;
    return NULL;
}
