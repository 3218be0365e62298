/* wrong_test.c - statements that are bugs end the process, and say which it was. */
#include "fixture.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const struct row_of_wrong {
    const char *name;
    const char *sql;
    const char *told; /* part of the line on standard error */
    bool reads;
    int column; /* asked for as an integer */
} wrongs[] = {
    { .name = "a table that is not there", .sql = "SELECT x FROM nowhere", .told = "no such table: nowhere" },
    { .name = "a misspelt column", .sql = "SELECT nam FROM probe", .told = "no such column: nam" },
    { .name = "text in double quotes", .sql = "SELECT \"some text\"", .told = "no such column: some text" },
    { .name = "an argument too few", .sql = "SELECT ?", .told = "another number of arguments" },
    { .name = "two statements", .sql = "SELECT 1; SELECT 2", .told = "not exactly one statement" },
    { .name = "no statement", .sql = "-- nothing", .told = "not exactly one statement" },
    { .name = "a write in a read",
      .sql = "DELETE FROM probe",
      .told = "it writes, and stands in a read",
      .reads = true },
    { .name = "an integer from a text", .sql = "SELECT 'a'", .told = "column 0, which holds text", .column = 0 },
    { .name = "a column past the last", .sql = "SELECT 1", .told = "column 1 of a row of 1", .column = 1 },
};

static FALLIBLE ask_wrongly(struct tx *tx, void *arg)
{
    const struct row_of_wrong *wrong = arg;
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, wrong->sql, NO_ARGS));
    (void)row_integer(row, wrong->column);
    return NULL;
}

static _Noreturn void be_wrong(const struct row_of_wrong *wrong, struct shop *shop, int out)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    signal(SIGABRT, SIG_DFL); /* cmocka's handler would go on with the next test */
    dup2(out, STDERR_FILENO);
    shop_open(shop);
    error *e = wrong->reads ? store_read(shop->store, shop->ctx, ask_wrongly, (void *)(uintptr_t)wrong)
                            : store_apply(shop->store, shop->ctx, ask_wrongly, (void *)(uintptr_t)wrong);
    _exit(e == NULL ? 0 : 1);
}

static void ends_the_process(void **state)
{
    const struct row_of_wrong *wrong = *state;
    struct shop shop = shop_new();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        be_wrong(wrong, &shop, ends[1]);
    close(ends[1]);
    char text[2000];
    size_t length = 0;
    for (ssize_t got; length < sizeof(text) - 1 && (got = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (strstr(text, wrong->told) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, wrong->told);
    shop_end(&shop);
}

int main(void)
{
    return RUN_TABLE(wrongs, ends_the_process);
}
