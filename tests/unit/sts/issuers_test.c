/* issuers_test.c - how long the keys of issuers are good for, and when they are looked for again (auth 3.5.5). Keys come
   out of a file here: what its last reading gave shows whether it was read again. */
#include "sts/issuers.h"
#include "base/clock.h"
#include "table.h"
#include <stdio.h>
#include <unistd.h>

/* ---- Cache-Control ---- */

static const struct freshness {
    const char *name, *told;
    int seconds;
} freshnesses[] = {
    { "nothing said", NULL, 3600 },
    { "empty", "", 3600 },
    { "between the bounds", "max-age=600", 600 },
    { "in another case, among others", "public, Max-Age=600, must-revalidate", 600 },
    { "in quotes", "max-age=\"600\"", 600 },
    { "with blanks", " public ,  max-age=600 ", 600 },
    { "too short", "max-age=1", 300 },
    { "zero", "max-age=0", 300 },
    { "too long", "max-age=31536000", 86400 },
    { "past all numbers", "max-age=99999999999999999999999999", 86400 },
    { "negative", "max-age=-1", 300 },
    { "no number", "max-age=soon", 300 },
    { "no value", "max-age", 3600 },
    { "no-store", "max-age=600, no-store", 300 },
    { "no-cache", "no-cache", 300 },
    { "another directive that ends so", "s-max-age=600", 3600 },
};

static void is_fresh_for(void **state)
{
    const struct freshness *row = *state;
    assert_int_equal(issuers_fresh_ms(row->told), (int64_t)row->seconds * 1000);
}

/* ---- a file of keys, and a clock ---- */

#define KEY(kid)                                                                               \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"," \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"kid\":\"" kid "\"}"

struct step {
    const char *file; /* what is written to the file before; NULL: left alone; "": the file is gone */
    int shift_s;      /* the clock moves before */
    const char *kid;
    enum { UNREACHABLE, WITHOUT, WITH } outcome;
};

static const struct story {
    const char *name;
    struct step steps[10];
} stories[] = {
    { "known and fresh", { { KEY("a"), 0, "a", WITH }, { KEY("b"), 30, "a", WITH } } },
    { "any key will do", { { KEY("a"), 0, NULL, WITH }, { KEY("b"), 30, NULL, WITH } } },
    { "an unknown kid is looked for", { { KEY("a"), 0, "a", WITH }, { KEY("b"), 1, "b", WITH } } },
    { "but once a minute",
      { { KEY("a"), 0, "a", WITH },
        { KEY("b"), 1, "b", WITH },
        { KEY("c"), 1, "c", WITHOUT },
        { NULL, 30, "c", WITHOUT },
        { NULL, 31, "c", WITH } } },
    { "whoever asked for what is not there made the others wait",
      { { KEY("a"), 0, "a", WITH },
        { NULL, 1, "x", WITHOUT },
        { KEY("b"), 1, "b", WITHOUT },
        { NULL, 60, "b", WITH } } },
    { "a key that was taken back", { { KEY("a"), 0, "a", WITH }, { KEY("b"), 61, "a", WITHOUT } } },
    { "a failure is remembered for ten seconds",
      { { "", 0, "a", UNREACHABLE }, { KEY("a"), 9, "a", UNREACHABLE }, { NULL, 2, "a", WITH } } },
    { "known keys do not outlive their time",
      { { KEY("a"), 0, "a", WITH }, { "", 30, "a", WITH }, { NULL, 31, "a", UNREACHABLE } } },
    { "a failed look for a kid leaves the known ones",
      { { KEY("a"), 0, "a", WITH }, { "", 1, "b", UNREACHABLE }, { NULL, 1, "a", WITH } } },
    { "no keys", { { "1", 0, "a", WITHOUT } } },
    { "a broken file", { { "{", 0, "a", UNREACHABLE } } },
    { "a clock that jumps back",
      { { KEY("a"), 0, "a", WITH }, { KEY("b"), 1, "b", WITH }, { KEY("c"), -500, "c", WITH } } },
};

static void write_file(const char *path, const char *key)
{
    if (*key == '\0') {
        unlink(path);
        return;
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "{\"keys\":[%s]}", key);
    fclose(file);
}

struct asker {
    struct issuer_waiter waiter;
    int called;
    struct jwk_set *keys;
};

static void take(struct issuer_waiter *waiter, struct jwk_set *keys)
{
    struct asker *asker = (struct asker *)waiter;
    asker->called++;
    asker->keys = keys;
}

static int ask(struct issuers *issuers, const char *kid)
{
    struct asker asker = { .waiter.ready = take };
    struct issuer_question question = { .issuer = "https://id.example.test/", .kid = slice_of(kid) };
    issuers_ask(issuers, &question, &asker.waiter);
    assert_int_equal(asker.called, 1);
    if (asker.keys == NULL)
        return UNREACHABLE;
    int outcome = kid == NULL || jwk_set_knows(asker.keys, slice_of(kid)) ? WITH : WITHOUT;
    jwk_set_drop(asker.keys);
    return outcome;
}

static void tells(void **state)
{
    const struct story *story = *state;
    SCRATCH ctx = talloc_new(NULL);
    char path[] = "/tmp/issuers-test-XXXXXX";
    close(mkstemp(path));
    struct issuer_setting setting = { .issuer = "https://id.example.test", .jwks_file = path };
    struct issuers *issuers = issuers_new(ctx, &(struct issuers_options){ .settings = &setting, .setting_count = 1 });
    for (const struct step *step = story->steps; step->file != NULL || step->shift_s != 0; step++) {
        clock_shift_s(step->shift_s);
        if (step->file != NULL)
            write_file(path, step->file);
        assert_int_equal(ask(issuers, step->kid), step->outcome);
    }
    unlink(path);
}

int main(void)
{
    log_configure(LOG_ERROR, false);
    return RUN_TABLES(TABLE(freshnesses, is_fresh_for), TABLE(stories, tells));
}
