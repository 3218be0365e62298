/* memory.c - talloc, where running out of memory ends the process. */
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>

static void *must(void *got)
{
    if (got == NULL) {
        fputs("muster: out of memory\n", stderr);
        abort();
    }
    return got;
}

static size_t times(size_t size, size_t count)
{
    size_t bytes;
    if (__builtin_mul_overflow(size, count, &bytes))
        must(NULL);
    return bytes;
}

void *memory_zeroed(void *ctx, size_t size, size_t count, const char *name)
{
    void *made = must(_talloc_zero(ctx, times(size, count), name));
    return made;
}

void *memory_grown(void *ctx, void *array, size_t size, size_t count)
{
    size_t needed = times(size, count + 1);
    if (array != NULL && talloc_get_size(array) >= needed)
        return array;
    return must(talloc_realloc_size(ctx, array, times(size, count < 4 ? 4 : times(2, count))));
}

void *memory_copy(void *ctx, const void *bytes, size_t length)
{
    void *copy = must(talloc_size(ctx, length));
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *text_copy(void *ctx, const char *text)
{
    return text == NULL ? NULL : text_copy_n(ctx, text, strlen(text));
}

char *text_copy_n(void *ctx, const char *text, size_t length)
{
    char *copy = must(talloc_size(ctx, length + 1));
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    talloc_set_name_const(copy, "text");
    return copy;
}

char *text_format(void *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = must(talloc_vasprintf(ctx, format, arguments));
    va_end(arguments);
    return text;
}

void memory_free_scratch(void *pointer_to_ctx)
{
    void **ctx = pointer_to_ctx;
    talloc_free(*ctx);
}
