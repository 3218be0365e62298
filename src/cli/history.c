/* history.c - muster history THING|CERTIFICATE: what the change log of the running server knows about it. */
#include "cli/cli.h"
#include "base/clock.h"
#include <string.h>

struct history_wish {
    const char *dir, *account, *subject;
    bool as_json;
};

/* "2026-01-15 08:30:00.123  policy-target ATTACHED LampPolicy  by arn:... with iot.AttachPolicy (request ...)" */
static void print_change(const json *change)
{
    char when[CLOCK_TEXT_MAX];
    clock_log((int64_t)(json_object_get_double(json_get(change, "time")) * 1000 + 0.5), when);
    const char *detail = json_get_text(change, "detail"), *who = json_get_text(change, "principal");
    const char *with = json_get_text(change, "operation"), *request = json_get_text(change, "requestId");
    printf("%s  %s %s %s%s%s", when, json_get_text(change, "what"), json_get_text(change, "key"),
           json_get_text(change, "kind"), detail ? " " : "", detail ? detail : "");
    printf("  by %s", who ? who : "the server");
    if (with != NULL)
        printf(" with %s", with);
    if (request != NULL)
        printf(" (request %s)", request);
    printf("\n");
}

static FALLIBLE print_history(void *ctx, const struct history_wish *wish)
{
    json *input = json_new_object(ctx), *page;
    const char *next;
    size_t count = 0;
    json_put_text(input, "subject", wish->subject);
    json_put_text(input, "accountId", wish->account);
    json_put_integer(input, "maxResults", 250);
    do {
        TRY(cli_ask(ctx, wish->dir, "ListHistory", input, &page));
        json *changes = json_get_array(page, "changes");
        for (size_t i = 0; i < json_object_array_length(changes); i++, count++) {
            json *change = json_object_array_get_idx(changes, i);
            slice text = json_print(ctx, change);
            if (wish->as_json)
                printf("%.*s\n", PRINT(text));
            else
                print_change(change);
        }
        next = json_get_text(page, "nextToken");
        json_put_text(input, "nextToken", next);
    } while (next != NULL);
    return count > 0 ? NULL : error_new(ctx, "Unknown", "nothing ever happened to %s in this account.", wish->subject);
}

static FALLIBLE run(void *ctx, int argc, char **argv)
{
    struct history_wish wish = { 0 };
    const struct option_row rows[] = {
        { "--dir", OPTION_TEXT, &wish.dir, 0, 0 },
        { "--account", OPTION_TEXT, &wish.account, 0, 0 },
        { "--json", OPTION_FLAG, &wish.as_json, 0, 0 },
    };
    if (argc < 2 || argv[1][0] == '-')
        return error_new(ctx, "InvalidUsage",
                         "muster history THING|CERTIFICATE-ID [--account ID] [--dir DIR] [--json]");
    wish.subject = argv[1];
    TRY(cli_options(ctx, argc - 1, argv + 1, rows, sizeof(rows) / sizeof(*rows)));
    wish.dir = cli_folder(wish.dir);
    return print_history(ctx, &wish);
}

int cli_history(int argc, char **argv)
{
    SCRATCH ctx = talloc_new(NULL);
    error *e = run(ctx, argc, argv);
    return e != NULL ? cli_fail("history", e) : 0;
}
