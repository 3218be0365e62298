/* memory.h - talloc trees, and nothing that can fail.

   Memory belongs to a context; nobody frees, lifetimes do. A tree belongs to one thread at a time: what moves to
   another thread moves whole (as the child of NULL). An allocation that fails ends the process, since input is
   bounded. Contexts that several threads allocate from do not exist. */
#pragma once
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* Zeroed. */
#define MAKE(ctx, type)              ((type *)memory_zeroed((ctx), sizeof(type), 1, #type))
#define MAKE_ARRAY(ctx, type, count) ((type *)memory_zeroed((ctx), sizeof(type), (count), #type))

/* Appends one zeroed element to a talloc array `array` with its size_t count `n`; gives the element's address. The
   array moves: keep no pointers into it across an append. */
#define ARRAY_ADD(ctx, array, n)                                                                                       \
    ((array) = memory_grown((ctx), (array), sizeof(*(array)), (n)), memset(&(array)[(n)], 0, sizeof(*(array))), (n)++, \
     &(array)[(n)-1])

void *memory_zeroed(void *ctx, size_t size, size_t count, const char *name) __attribute__((returns_nonnull));
void *memory_grown(void *ctx, void *array, size_t size, size_t count) __attribute__((returns_nonnull));
void *memory_copy(void *ctx, const void *bytes, size_t length);

/* A NUL-terminated copy, of `length` bytes. */
char *text_copy(void *ctx, const char *text);
char *text_copy_n(void *ctx, const char *text, size_t length);
char *text_format(void *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees ctx at the end of the scope. */
#define SCRATCH __attribute__((cleanup(memory_free_scratch))) void *
void memory_free_scratch(void *pointer_to_ctx);

/* What talloc did not make is adopted at birth: OWNER(X509, X509_free) defines X509_own(ctx, x), which frees x with
   ctx and passes it through; NULL stays NULL. */
#define OWNER(type, release)                                                        \
    static inline int type##_released(type **held)                                  \
    {                                                                               \
        release(*held);                                                             \
        return 0;                                                                   \
    }                                                                               \
    static inline __attribute__((unused)) type *type##_own(void *ctx, type *object) \
    {                                                                               \
        if (object != NULL) {                                                       \
            type **held = MAKE(ctx, type *);                                        \
            *held = object;                                                         \
            talloc_set_destructor(held, type##_released);                           \
        }                                                                           \
        return object;                                                              \
    }
