/* error_test.c - errors, their chain and their members. */
#include "base/error.h"
#include "base/memory.h"
#include "table.h"

static FALLIBLE deep(void *ctx, bool fails)
{
    return fails ? error_new(ctx, "Low", "disk %d is full", 7) : NULL;
}

static FALLIBLE middle(void *ctx, bool fails)
{
    TRY(deep(ctx, fails));
    return NULL;
}

static FALLIBLE high(void *ctx, bool fails)
{
    void *own = talloc_new(ctx);
    error *e = middle(own, fails);
    if (e != NULL)
        e = error_because(ctx, e, "InternalFailureException", "The %s failed.", "store");
    talloc_free(own); /* the cause was moved and survives */
    return e;
}

static const struct row {
    const char *name;
    bool fails;
    const char *error_name, *message, *chain;
} rows[] = {
    { "success is NULL", false, NULL, NULL, NULL },
    { "a cause is in the chain only", true, "InternalFailureException", "The store failed.",
      "The store failed.: disk 7 is full" },
};

static void chained(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    error *e = high(ctx, row->fails);
    assert_int_equal(e != NULL, row->fails);
    assert_false(error_is(NULL, "Low"));
    if (row->fails) {
        assert_true(error_is(e, row->error_name));
        assert_false(error_is(e, "Low"));
        assert_true(error_is(e->cause, "Low"));
        assert_string_equal(e->message, row->message);
        assert_string_equal(error_chain(ctx, e), row->chain);
        assert_ptr_equal(error_with(error_with(e, "resourceArn", "arn:1"), "resourceId", "1"), e);
        assert_string_equal(e->members->name, "resourceArn");
        assert_string_equal(e->members->next->value, "1");
        assert_null(e->members->next->next);
    }
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLE(rows, chained);
}
