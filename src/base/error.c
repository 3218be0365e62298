/* error.c - errors as talloc trees: an error owns its message, its members and its cause. */
#include "base/error.h"
#include "base/memory.h"
#include <stdarg.h>

static error *error_make(void *ctx, const char *name, const char *format, va_list arguments)
{
    error *e = MAKE(ctx, error);
    e->name = name;
    e->message = talloc_vasprintf(e, format, arguments);
    if (e->message == NULL)
        abort();
    return e;
}

error *(error_new)(void *ctx, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error *e = error_make(ctx, name, format, arguments);
    va_end(arguments);
    return e;
}

error *(error_because)(void *ctx, error *cause, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error *e = error_make(ctx, name, format, arguments);
    va_end(arguments);
    e->cause = talloc_steal(e, cause);
    return e;
}

error *(error_with)(error *e, const char *name, const char *value)
{
    struct error_member *member = MAKE(e, struct error_member);
    member->name = text_copy(member, name);
    member->value = text_copy(member, value);
    struct error_member **end = &e->members;
    while (*end != NULL)
        end = &(*end)->next;
    *end = member;
    return e;
}

bool error_is(const error *e, const char *name)
{
    return e != NULL && strcmp(e->name, name) == 0;
}

const char *error_chain(void *ctx, const error *e)
{
    char *text = text_copy(ctx, e->message);
    for (const error *cause = e->cause; cause != NULL; cause = cause->cause) {
        text = talloc_asprintf_append_buffer(text, ": %s", cause->message);
        if (text == NULL)
            abort();
    }
    return text;
}
