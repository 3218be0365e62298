/* error.h - what went wrong, said once, where it is known.

   A fallible function returns NULL, or an error that hangs off its first argument, as do its results:

       FALLIBLE thing_find(void *ctx, slice name, struct thing **out);

       TRY(thing_find(call, name, &thing));

   A dropped error does not compile. Nobody below the door logs an error; the door does, once. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* An extra member of an error's answer, such as resourceArn of ResourceAlreadyExistsException. */
struct error_member {
    const char *name;
    const char *value;
    struct error_member *next;
};

/* A program reads `name`, the exception's public name in the interface model. A person reads `message`: a full
   sentence that names the field or the thing and says what to do. `cause` goes to the log only. */
typedef struct error {
    const char *name;
    const char *message;
    struct error *cause;
    struct error_member *members;
} error;

#define FALLIBLE __attribute__((warn_unused_result)) error *

#define TRY(expression)                  \
    do {                                 \
        error *try_error = (expression); \
        if (try_error != NULL)           \
            return try_error;            \
    } while (0)

/* `name` must live as long as the error (a literal); the message is formatted into ctx. Never NULL. */
error *error_new(void *ctx, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4), returns_nonnull));

/* As error_new, with the reason that a log line shows and a client does not. `cause` is moved under the new error. */
error *error_because(void *ctx, error *cause, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5), returns_nonnull));

/* Adds a member to the answer; copies the value. Returns e. */
error *error_with(error *e, const char *name, const char *value);

/* clang's analyzer does not read returns_nonnull; without this it walks on behind every TRY that an error ended. */
#ifdef __clang_analyzer__
#define error_there(e)                \
    ({                                \
        error *error_made = (e);      \
        __builtin_assume(error_made); \
        error_made;                   \
    })
#define error_new(...)     error_there(error_new(__VA_ARGS__))
#define error_because(...) error_there(error_because(__VA_ARGS__))
#define error_with(...)    error_there(error_with(__VA_ARGS__))
#endif

bool error_is(const error *e, const char *name); /* false for NULL */

/* "message: cause's message: ..." for a log line. */
const char *error_chain(void *ctx, const error *e);
