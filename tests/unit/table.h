/* table.h - unit tests as tables: each row is a test of its own, reported by its sentence.

       static const struct row { const char *name; ... } rows[] = { ... };
       static void answers(void **state) { const struct row *row = *state; ... }

       int main(void) { return RUN_TABLE(rows, answers); }

   Several tables: RUN_TABLES(TABLE(rows, answers), TABLE(others, asks)). A row's first member is its name. The
   result is the count of failures, as an exit status. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

struct table {
    const char *name;
    const void *rows;
    size_t size;
    size_t count;
    CMUnitTestFunction function;
};

#define TABLE(rows, function) \
    ((struct table){ #function, (rows), sizeof((rows)[0]), sizeof(rows) / sizeof((rows)[0]), (function) })
#define RUN_TABLE(rows, function) RUN_TABLES(TABLE(rows, function))
#define RUN_TABLES(...)                               \
    run_tables((const struct table[]){ __VA_ARGS__ }, \
               sizeof((const struct table[]){ __VA_ARGS__ }) / sizeof(struct table))

static inline int run_table(const struct table *table)
{
    struct CMUnitTest *tests = calloc(table->count, sizeof(*tests));
    if (tests == NULL)
        abort();
    for (size_t i = 0; i < table->count; i++) {
        const char *row = (const char *)table->rows + i * table->size;
        tests[i].name = *(const char *const *)row;
        tests[i].test_func = table->function;
        tests[i].initial_state = (void *)(uintptr_t)row;
    }
    int failures = _cmocka_run_group_tests(table->name, tests, table->count, NULL, NULL);
    free(tests);
    return failures;
}

static inline int run_tables(const struct table *tables, size_t count)
{
    int failures = 0;
    for (size_t i = 0; i < count; i++)
        failures += run_table(&tables[i]);
    return failures > 255 ? 255 : failures; /* an exit status of 256 would be success */
}
