/* cache_test.c - which changes make what is cached worthless, and how the cache forgets. */
#include "gateway/cache.h"
#include "table.h"

#define CERT    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ARN     "arn:aws:iot:eu-west-1:000000000001:cert/"
#define ACCOUNT "000000000001"

enum { PRINCIPAL = 1, OTHERS_PRINCIPAL = 2, OTHER_ACCOUNT = 4, UNNAMED = 8, KEYS = 16 };

static const struct row {
    const char *name;
    const char *what, *key, *kind;
    int moved; /* whose generation: of CERT, of OTHER, of CERT in another account, of CERT without a named account */
} rows[] = {
    { "a status", "certificate", CERT, "UPDATED", PRINCIPAL | OTHER_ACCOUNT | UNNAMED },
    { "a deletion", "certificate", CERT, "DELETED", PRINCIPAL | OTHER_ACCOUNT | UNNAMED },
    { "another's status", "certificate", OTHER, "UPDATED", OTHERS_PRINCIPAL },
    { "a new certificate", "certificate", CERT, "CREATED", 0 },
    { "a thing attached", "thing-principal", ARN CERT, "ATTACHED", PRINCIPAL | OTHER_ACCOUNT | UNNAMED },
    { "a policy attached to a certificate", "policy-target", ARN CERT, "ATTACHED",
      PRINCIPAL | OTHER_ACCOUNT | UNNAMED },
    { "a policy attached to a group", "policy-target", "arn:aws:iot:eu-west-1:000000000001:thinggroup/g", "ATTACHED",
      PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED },
    { "a group whose name ends like a certificate", "policy-target", "thinggroup-" CERT, "ATTACHED",
      PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED },
    { "a principal that is no certificate", "thing-principal", "eu-west-1:3c2f", "DETACHED",
      PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED },
    { "a policy's new text", "policy", "Device", "UPDATED", PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED },
    { "a new policy", "policy", "Device", "CREATED", 0 },
    { "a thing's attributes", "thing", "p7", "UPDATED", PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED },
    { "a new thing", "thing", "p7", "CREATED", 0 },
    { "a template", "template", "pumps", "UPDATED", 0 },
    { "a thing joins a group", "thing-group-member", "p7", "ATTACHED", PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED },
    { "an account", "account", ACCOUNT, "CREATED", KEYS },
    { "something nobody thought of", "novelty", "n", "CREATED", PRINCIPAL | OTHERS_PRINCIPAL | UNNAMED | KEYS },
};

struct all {
    struct generation of[4], keys;
};

static struct all read_all(const struct generations *generations)
{
    return (struct all){ .of = { generation_of_principal(generations, ACCOUNT, CERT),
                                 generation_of_principal(generations, ACCOUNT, OTHER),
                                 generation_of_principal(generations, "000000000002", CERT),
                                 generation_of_principal(generations, NULL, CERT) },
                         .keys = generation_of_keys(generations) };
}

static void moves(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct generations *generations = generations_new(ctx);
    struct all before = read_all(generations);
    const struct change change = { .account = ACCOUNT, .what = row->what, .key = row->key, .kind = row->kind };
    generations_move(generations, &change, 1);
    struct all after = read_all(generations);
    int moved = generation_same(before.keys, after.keys) ? 0 : KEYS;
    for (int i = 0; i < 4; i++)
        moved |= generation_same(before.of[i], after.of[i]) ? 0 : 1 << i;
    assert_int_equal(moved, row->moved);
    talloc_free(ctx);
}

/* ---- the cache ---- */

static void *share(void *value)
{
    ++*(int *)value;
    return value;
}

static void drop(void *value)
{
    --*(int *)value;
}

static const struct cache_kind counted = { share, drop };
static const struct generation first = { 1, 1 }, second = { 1, 2 };

static void gives_what_it_keeps(struct cache *cache)
{
    static int other = 1; /* outlives the cache */
    int references = 1;
    cache_keep(cache, SLICE("k"), first, 0, &references);
    assert_int_equal(references, 2);
    assert_ptr_equal(cache_find(cache, SLICE("k"), first, 100), &references);
    assert_int_equal(references, 3);
    assert_null(cache_find(cache, SLICE("l"), first, 100));
    cache_keep(cache, SLICE("k"), first, 0, &other);
    assert_int_equal(references, 2);
}

static void drops_another_generation(struct cache *cache)
{
    int references = 1;
    cache_keep(cache, SLICE("k"), first, 0, &references);
    assert_null(cache_find(cache, SLICE("k"), second, 0));
    assert_int_equal(references, 1);
    assert_null(cache_find(cache, SLICE("k"), first, 0));
}

/* It read before a change and keeps after it, but under the generation that it took before the read. */
static void a_late_reader_keeps_nothing(struct cache *cache)
{
    void *ctx = talloc_new(NULL);
    struct generations *generations = generations_new(ctx);
    struct generation before = generation_of_principal(generations, ACCOUNT, CERT);
    const struct change change = { .account = ACCOUNT, .what = "certificate", .key = CERT, .kind = "UPDATED" };
    generations_move(generations, &change, 1);
    int references = 1;
    cache_keep(cache, SLICE("k"), before, 0, &references);
    assert_null(cache_find(cache, SLICE("k"), generation_of_principal(generations, ACCOUNT, CERT), 0));
    assert_int_equal(references, 1);
    talloc_free(ctx);
}

static void drops_what_is_old(struct cache *cache)
{
    int references = 1;
    cache_keep(cache, SLICE("k"), first, 0, &references);
    assert_null(cache_find(cache, SLICE("k"), first, 1001));
    assert_int_equal(references, 1);
}

static void stays_in_bounds(struct cache *cache)
{
    static int references = 1;
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        cache_keep(cache, slice_of(key), first, 0, &references);
    }
    assert_true(cache_count(cache) <= 64 + 16);
    assert_int_equal(references, 1 + cache_count(cache));
    assert_ptr_equal(cache_find(cache, slice_of("999"), first, 0), &references);
    drop(&references);
}

static const struct story {
    const char *name;
    void (*run)(struct cache *cache);
} stories[] = {
    { "gives what it keeps, with a reference", gives_what_it_keeps },
    { "drops what is of another generation", drops_another_generation },
    { "a reader that was overtaken keeps nothing", a_late_reader_keeps_nothing },
    { "drops what is old", drops_what_is_old },
    { "stays in bounds, and drops the least used", stays_in_bounds },
};

static void behaves(void **state)
{
    const struct story *row = *state;
    void *ctx = talloc_new(NULL);
    row->run(cache_new(ctx, &counted, 64, 1000));
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, moves), TABLE(stories, behaves));
}
