/* log_test.c - one line an event, whatever a stranger's text holds. */
#include "base/log.h"
#include "table.h"
#include <stdio.h>
#include <unistd.h>

enum kind { LINE, EVENT };

static const struct row {
    const char *name;
    enum kind kind;
    bool as_json;
    enum log_level level;
    slice text;
    const char *line; /* after the time; NULL: no line */
} rows[] = {
    { "a sentence and its scopes", LINE, false, LOG_WARN, SLICE("refused 7 bytes"),
      " warn refused 7 bytes client=\"10.0.0.7:4711\" server=\"one\"\n" },
    { "a newline forges no line", LINE, false, LOG_INFO, SLICE("a\n2026 error b\r\x1b[2J"),
      " info a\\x0a2026 error b\\x0d\\x1b[2J client=\"10.0.0.7:4711\" server=\"one\"\n" },
    { "a control of the C1 set", LINE, false, LOG_INFO,
      SLICE("\xc2\x9b"
            "2J \xc3\xbc"),
      " info \\xc2\\x9b2J \xc3\xbc client=\"10.0.0.7:4711\" server=\"one\"\n" },
    { "bytes that are not UTF-8", LINE, false, LOG_INFO, SLICE("a\xff\xc3"),
      " info a\\xff\\xc3 client=\"10.0.0.7:4711\" server=\"one\"\n" },
    { "too quiet a level", LINE, false, LOG_DEBUG, SLICE("a"), NULL },
    { "a sentence as JSON", LINE, true, LOG_ERROR, SLICE("it \"broke\"\n\xff"),
      "\",\"logLevel\":\"ERROR\",\"message\":\"it "
      "\\\"broke\\\"\\\\x0a\\\\xff\",\"client\":\"10.0.0.7:4711\",\"server\":\"one\"}\n" },
    { "an event as JSON", EVENT, true, LOG_INFO, SLICE("p\n7"),
      "\",\"logLevel\":\"INFO\",\"eventType\":\"Connect\",\"clientId\":\"p\\\\x0a7\",\"count\":3,\"client\":\"10.0.0.7:"
      "4711\","
      "\"server\":\"one\"}\n" },
    { "an event as text", EVENT, false, LOG_INFO, SLICE("p\"7\\"),
      " info Connect clientId=\"p\\\"7\\\\\" count=\"3\" client=\"10.0.0.7:4711\" server=\"one\"\n" },
};

static char *printed(void *ctx, const struct row *row)
{
    struct scope server = { NULL, "server", "one" }, nothing = { &server, "unset", NULL };
    struct scope client = { &nothing, "client", "10.0.0.7:4711" };
    int ends[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    log_configure(LOG_INFO, row->as_json);
    if (row->kind == LINE) {
        log_line(row->level, &client, "%s", slice_text(ctx, row->text));
    } else {
        json *members = json_new_object(ctx);
        json_put_slice(members, "clientId", row->text);
        json_put_integer(members, "count", 3);
        log_event(row->level, &client, "Connect", members);
    }
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    char *text = memory_zeroed(ctx, 1, 4096, "text");
    assert_true(read(ends[0], text, 4095) >= 0);
    close(ends[0]);
    log_configure(LOG_INFO, false);
    return text;
}

static void prints(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    char *text = printed(ctx, row);
    if (row->line == NULL) {
        assert_string_equal(text, "");
    } else {
        size_t time_length = row->as_json ? sizeof("{\"timestamp\":\"2026-01-15 08:30:00.123") - 1
                                          : sizeof("2026-01-15 08:30:00.123") - 1;
        assert_true(strlen(text) > time_length);
        assert_string_equal(text + time_length, row->line);
    }
    talloc_free(ctx);
}

static const struct {
    const char *name;
} pipes[] = { { "a reader that went away does not end us" } };

static void survives(void **state)
{
    (void)state;
    int ends[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    log_configure(LOG_INFO, false);
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    log_info(NULL, "to nobody");
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, prints), TABLE(pipes, survives));
}
