/* log.h - one line an event, one sentence a line, on standard error.

   Scopes append where and who by themselves: server, connection and call each hold one link of a chain.

       struct scope scope = { .above = &listener->scope, .key = "client", .value = "10.0.0.7:4711" };
       log_warn(&scope, "refused a packet of %zu bytes; at most %zu are taken", size, limit);

       2026-01-15 08:30:00.123 warn refused a packet of 300000 bytes; at most 131072 are taken client="10.0.0.7:4711"

   As JSON: {"timestamp":..., "logLevel":"WARN", "message":..., "client":...}. A stranger's bytes are escaped.
   Secrets never. log_event writes a ready JSON object as a line (provisioning.md 3.10, broker.md 4.17); in text mode
   as key="value" pairs. */
#pragma once
#include "base/json.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct scope {
    const struct scope *above;
    const char *key;
    const char *value; /* NULL: nothing is shown */
};

void log_configure(enum log_level least, bool as_json);
bool log_wanted(enum log_level level);
void log_line(enum log_level level, const struct scope *scope, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_event(enum log_level level, const struct scope *scope, const char *event, json *members);

#define log_debug(scope, ...) (log_wanted(LOG_DEBUG) ? log_line(LOG_DEBUG, (scope), __VA_ARGS__) : (void)0)
#define log_info(scope, ...)  log_line(LOG_INFO, (scope), __VA_ARGS__)
#define log_warn(scope, ...)  log_line(LOG_WARN, (scope), __VA_ARGS__)
#define log_error(scope, ...) log_line(LOG_ERROR, (scope), __VA_ARGS__)
