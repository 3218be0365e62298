/* log.c - one write a line. */
#include "base/log.h"
#include "base/clock.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_LIMIT = 64 * 1024 };

static _Atomic int least_level = LOG_INFO;
static atomic_bool lines_are_json;
static pthread_mutex_t line_mutex = PTHREAD_MUTEX_INITIALIZER; /* a pipe takes only 4096 bytes in one piece */

static const char *const words[] = { "debug", "info", "warn", "error" };
static const char *const json_words[] = { "DEBUG", "INFO", "WARN", "ERROR" };

void log_configure(enum log_level least, bool as_json)
{
    signal(SIGPIPE, SIG_IGN); /* who read our lines may leave; the server stays */
    atomic_store(&least_level, least);
    atomic_store(&lines_are_json, as_json);
}

bool log_wanted(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* Control characters, also those that begin a terminal's commands in UTF-8 (U+0080 to U+009F), and bytes that are not
   UTF-8 become \xNN: a stranger's text forges no line and moves no cursor. `quoted`: '"' and '\' get a '\'. */
static void write_escaped(writer *out, slice text, bool quoted)
{
    while (text.length > 0) {
        unsigned char first = (unsigned char)text.at[0];
        size_t width = text_utf8_width(text);
        bool c1 = width == 2 && first == 0xC2 && (unsigned char)text.at[1] < 0xA0;
        size_t taken = width == 0 ? 1 : width;
        if (width == 0 || first < 0x20 || first == 0x7F || c1) {
            for (size_t i = 0; i < taken; i++)
                writer_format(out, "\\x%02x", (unsigned char)text.at[i]);
        } else {
            if (quoted && (first == '"' || first == '\\'))
                writer_u8(out, '\\');
            writer_bytes(out, text.at, taken);
        }
        text = slice_from(text, taken);
    }
}

static void put_escaped(json *object, const char *key, slice text)
{
    SCRATCH scratch = talloc_new(NULL);
    writer clean = writer_new(scratch, LINE_LIMIT);
    write_escaped(&clean, text, false);
    json_put_slice(object, key, writer_slice_of(&clean));
}

/* What cannot be written (a full disk, a reader gone) is lost: nobody is left to tell. */
static void write_line(slice line)
{
    pthread_mutex_lock(&line_mutex);
    while (line.length > 0) {
        ssize_t written = write(STDERR_FILENO, line.at, line.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        line = slice_from(line, (size_t)written);
    }
    pthread_mutex_unlock(&line_mutex);
}

static void write_pair(writer *out, const char *key, slice value)
{
    writer_format(out, " %s=\"", key);
    write_escaped(out, value, true);
    writer_text(out, "\"");
}

static void emit_text(void *scratch, enum log_level level, const struct scope *scope, slice message, json *members)
{
    char now[CLOCK_TEXT_MAX];
    clock_log(clock_now_ms(), now);
    writer line = writer_new(scratch, LINE_LIMIT);
    writer_format(&line, "%s %s ", now, words[level]);
    write_escaped(&line, message, false);
    if (members != NULL) {
        json_object_object_foreach (members, key, value)
            write_pair(&line, key, json_is_text(value) ? json_text(value) : json_print(scratch, value));
    }
    for (; scope != NULL; scope = scope->above)
        if (scope->value != NULL)
            write_pair(&line, scope->key, slice_of(scope->value));
    line.limit++;
    line.overflowed = false;
    writer_text(&line, "\n");
    write_line(writer_slice_of(&line));
}

static void emit_json(void *scratch, enum log_level level, const struct scope *scope, const char *key, slice message,
                      json *members)
{
    char now[CLOCK_TEXT_MAX];
    clock_log(clock_now_ms(), now);
    json *line = json_new_object(scratch);
    json_put_text(line, "timestamp", now);
    json_put_text(line, "logLevel", json_words[level]);
    put_escaped(line, key, message);
    if (members != NULL) {
        json_object_object_foreach (members, name, value) {
            if (json_is_text(value))
                put_escaped(line, name, json_text(value));
            else
                json_put(line, name, json_object_get(value));
        }
    }
    for (; scope != NULL; scope = scope->above)
        if (scope->value != NULL && json_get(line, scope->key) == NULL)
            put_escaped(line, scope->key, slice_of(scope->value));
    slice text = json_print(scratch, line);
    char *ended = text_format(scratch, "%.*s\n", PRINT(text));
    write_line(slice_of(ended));
}

void log_line(enum log_level level, const struct scope *scope, const char *format, ...)
{
    if (!log_wanted(level))
        return;
    SCRATCH scratch = talloc_new(NULL);
    va_list arguments;
    va_start(arguments, format);
    char *message = talloc_vasprintf(scratch, format, arguments);
    va_end(arguments);
    if (message == NULL)
        abort();
    if (atomic_load(&lines_are_json))
        emit_json(scratch, level, scope, "message", slice_of(message), NULL);
    else
        emit_text(scratch, level, scope, slice_of(message), NULL);
}

void log_event(enum log_level level, const struct scope *scope, const char *event, json *members)
{
    if (!log_wanted(level))
        return;
    SCRATCH scratch = talloc_new(NULL);
    if (atomic_load(&lines_are_json))
        emit_json(scratch, level, scope, "eventType", slice_of(event), members);
    else
        emit_text(scratch, level, scope, slice_of(event), members);
}
