/* audit.c - muster audit: lines of DIR/audit that fit, oldest first. It reads the files, so it needs no server. */
#include "cli/cli.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>

enum { LINE_DEPTH = 8, DAY_TEXT = 10 };

struct audit_wish {
    const char *dir, *principal, *resource, *operation, *account, *outcome, *since, *until;
    bool as_json;
};

/* ---- does a line fit? ---- */

static bool holds(const char *text, const char *part)
{
    return part == NULL || (text != NULL && strstr(text, part) != NULL);
}

static bool is(const char *text, const char *wanted)
{
    return wanted == NULL || (text != NULL && strcmp(text, wanted) == 0);
}

/* Whole, or the end of an ARN: pump-7 fits "pump-7" and "...:thing/pump-7". */
static bool names(const char *text, const char *wanted)
{
    size_t length = strlen(text), end = strlen(wanted);
    return length >= end && strcmp(text + length - end, wanted) == 0 &&
           (length == end || text[length - end - 1] == '/');
}

static bool names_resource(const json *line, const char *wanted)
{
    json *resource = json_get_object(line, "resource");
    if (wanted == NULL)
        return true;
    if (resource == NULL)
        return false;
    json_object_object_foreach (resource, key, value) {
        (void)key;
        if (json_is_text(value) && names(json_object_get_string(value), wanted))
            return true;
    }
    return false;
}

static bool fits(const struct audit_wish *wish, const json *line)
{
    const char *time = json_get_text(line, "time"), *principal = json_get_text(line, "principal");
    if (time == NULL || (wish->since != NULL && strcmp(time, wish->since) < 0) ||
        (wish->until != NULL && strncmp(time, wish->until, strlen(wish->until)) > 0))
        return false;
    bool who = holds(principal, wish->principal) || is(json_get_text(line, "accessKeyId"), wish->principal) ||
               is(json_get_text(line, "clientId"), wish->principal);
    return who && names_resource(line, wish->resource) && holds(json_get_text(line, "operation"), wish->operation) &&
           is(json_get_text(line, "accountId"), wish->account) && is(json_get_text(line, "outcome"), wish->outcome);
}

/* ---- printing ---- */

static void print_line(void *ctx, const json *line)
{
    const char *who = json_get_text(line, "principal"), *key = json_get_text(line, "accessKeyId");
    const char *what = json_get_text(line, "operation"), *from = json_get_text(line, "sourceIp");
    const char *reason = json_get_text(line, "reason"), *fault = json_get_text(line, "error");
    printf("%s %-7s %s by %s", json_get_text(line, "time"), json_get_text(line, "outcome"), what ? what : "-",
           who   ? who
           : key ? key
                 : "nobody");
    json *resource = json_get_object(line, "resource");
    if (resource != NULL)
        printf(" on %s", json_print(ctx, resource).at);
    if (from != NULL)
        printf(" from %s", from);
    if (fault != NULL)
        printf(": %s%s%s", fault, reason ? ": " : "", reason ? reason : "");
    printf("\n");
}

/* ---- files ---- */

static bool is_day_file(const struct dirent *entry)
{
    slice name = slice_of(entry->d_name);
    return name.length == DAY_TEXT + 6 && slice_ends(name, ".jsonl");
}

static int wanted_file(const struct dirent *entry)
{
    return is_day_file(entry);
}

/* A line that is cut off (a power cut) or no JSON is told, not skipped in silence. */
static void read_file(const struct audit_wish *wish, const char *path, size_t *broken)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    while (file != NULL && (length = getline(&text, &room, file)) > 0) {
        SCRATCH scratch = talloc_new(NULL);
        json *line;
        error *e = json_parse(scratch, slice_bytes(text, (size_t)length), LINE_DEPTH, &line);
        if (e != NULL || !json_is_object(line)) {
            ++*broken;
            continue;
        }
        if (!fits(wish, line))
            continue;
        if (wish->as_json)
            fwrite(text, 1, (size_t)length, stdout);
        else
            print_line(scratch, line);
    }
    free(text);
    if (file != NULL)
        fclose(file);
}

static bool day_fits(const struct audit_wish *wish, const char *day)
{
    return (wish->since == NULL || strncmp(day, wish->since, DAY_TEXT) >= 0) &&
           (wish->until == NULL || strncmp(day, wish->until, DAY_TEXT) <= 0);
}

static FALLIBLE read_all(void *ctx, const struct audit_wish *wish)
{
    struct dirent **entries;
    const char *folder = text_format(ctx, "%s/%s", wish->dir, FILE_AUDIT);
    size_t broken = 0;
    int count = scandir(folder, &entries, wanted_file, alphasort);
    if (count < 0)
        return error_new(ctx, "InvalidFolder", "%s cannot be read: %s.", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (day_fits(wish, entries[i]->d_name))
            read_file(wish, text_format(ctx, "%s/%s", folder, entries[i]->d_name), &broken);
        free(entries[i]);
    }
    free(entries);
    if (broken > 0)
        fprintf(stderr, "muster audit: %zu lines could not be read\n", broken);
    return NULL;
}

/* ---- the subcommand ---- */

static FALLIBLE check_time(void *ctx, const char *option, const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    size_t length = text ? strlen(text) : 0;
    bool good = text == NULL || (length >= DAY_TEXT && length < sizeof(shape));
    for (size_t i = 0; good && i < length; i++)
        good = shape[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i] || text[i] == 'Z';
    return good ? NULL
                : error_new(ctx, "InvalidUsage", "%s: %s is no time such as 2026-01-15 or 2026-01-15T08:30:00Z (UTC).",
                            option, text);
}

static FALLIBLE run(void *ctx, int argc, char **argv)
{
    struct audit_wish wish = { 0 };
    const struct option_row rows[] = {
        { "--dir", OPTION_TEXT, &wish.dir, 0, 0 },           { "--principal", OPTION_TEXT, &wish.principal, 0, 0 },
        { "--resource", OPTION_TEXT, &wish.resource, 0, 0 }, { "--operation", OPTION_TEXT, &wish.operation, 0, 0 },
        { "--account", OPTION_TEXT, &wish.account, 0, 0 },   { "--outcome", OPTION_TEXT, &wish.outcome, 0, 0 },
        { "--since", OPTION_TEXT, &wish.since, 0, 0 },       { "--until", OPTION_TEXT, &wish.until, 0, 0 },
        { "--json", OPTION_FLAG, &wish.as_json, 0, 0 },
    };
    TRY(cli_options(ctx, argc, argv, rows, sizeof(rows) / sizeof(*rows)));
    TRY(check_time(ctx, "--since", wish.since));
    TRY(check_time(ctx, "--until", wish.until));
    if (wish.outcome != NULL && !is("success", wish.outcome) && !is("failure", wish.outcome) &&
        !is("denied", wish.outcome))
        return error_new(ctx, "InvalidUsage", "--outcome: %s is none of success, failure, denied.", wish.outcome);
    wish.dir = cli_folder(wish.dir);
    return read_all(ctx, &wish);
}

int cli_audit(int argc, char **argv)
{
    SCRATCH ctx = talloc_new(NULL);
    error *e = run(ctx, argc, argv);
    return e != NULL ? cli_fail("audit", e) : 0;
}
