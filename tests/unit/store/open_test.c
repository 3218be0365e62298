/* open_test.c - making, finding, refusing a store. */
#include "fixture.h"
#include "base/embedded.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static char *path_of(struct shop *shop, const char *file)
{
    return text_format(shop->ctx, "%s/%s", shop->folder, file);
}

static slice bytes_of(struct shop *shop, const char *file)
{
    int descriptor = open(path_of(shop, file), O_RDONLY);
    assert_true(descriptor >= 0);
    struct stat status;
    assert_int_equal(fstat(descriptor, &status), 0);
    char *at = MAKE_ARRAY(shop->ctx, char, (size_t)status.st_size);
    assert_int_equal(read(descriptor, at, (size_t)status.st_size), status.st_size);
    close(descriptor);
    return slice_bytes(at, (size_t)status.st_size);
}

static void patch(struct shop *shop, const char *file, off_t at, slice bytes)
{
    int descriptor = open(path_of(shop, file), O_WRONLY | O_CREAT, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(pwrite(descriptor, bytes.at, bytes.length, at), bytes.length);
    close(descriptor);
}

static bool exists(struct shop *shop, const char *file)
{
    return access(path_of(shop, file), F_OK) == 0;
}

static void assert_refused(struct shop *shop, const char *words)
{
    error *e = shop_try(shop);
    assert_true(error_is(e, "StoreUnavailable"));
    if (strstr(e->message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e->message, words);
}

static void makes_and_finds(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    struct pair *pair = pairs_new(&shop, 7, 1);
    assert_true(store_submit(shop.store, &pair->job));
    shop_close(&shop);
    assert_true(pair->answered && pair->written);
    shop_open(&shop);
    assert_int_equal(halves_of(&shop, 7), 2);
    shop_end(&shop);
}

static void has_every_migration(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    shop_close(&shop);
    slice header = bytes_of(&shop, "store.db");
    reader in = reader_of(slice_from(header, 60)); /* the file format's user version */
    assert_int_equal(reader_u32(&in), embedded_migrations_count);
    shop_end(&shop);
}

static void numbers_its_migrations(void)
{
    for (size_t i = 0; i < embedded_migrations_count; i++) {
        assert_int_equal(strtol(embedded_migrations[i].name, NULL, 10), i + 1);
        assert_int_equal(strspn(embedded_migrations[i].name, "0123456789"), 4);
    }
}

static void brings_an_older_one_along(void)
{
    static const struct {
        const char *thing, *attributes;
    } things[] = { { "bare", "{}" }, { "pump", "{\"color\":\"red\",\"serial\":\"7\"}" } };
    struct shop shop = shop_new();
    sqlite3 *db;
    sqlite3_stmt *asked;
    assert_int_equal(sqlite3_open(path_of(&shop, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, embedded_migrations[0].at, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA user_version = 1;"
                                  "INSERT INTO thing (account, region, name, id, version, created) "
                                  "VALUES ('a', 'r', 'bare', '1', 1, 1), ('a', 'r', 'pump', '2', 1, 1);"
                                  "INSERT INTO thing_attribute (account, region, thing, name, value) "
                                  "VALUES ('a', 'r', 'pump', 'color', 'red'), ('a', 'r', 'pump', 'serial', '7')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    shop_open(&shop);
    shop_close(&shop);
    assert_int_equal(sqlite3_open(path_of(&shop, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name, attributes FROM thing ORDER BY name", -1, &asked, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        assert_int_equal(sqlite3_step(asked), SQLITE_ROW);
        assert_string_equal(sqlite3_column_text(asked, 0), things[i].thing);
        assert_string_equal(sqlite3_column_text(asked, 1), things[i].attributes);
    }
    sqlite3_finalize(asked);
    sqlite3_close(db);
    shop_end(&shop);
}

static void lets_nobody_else_read(void)
{
    static const char *const files[] = { "lock", "store.db", "store.db-wal", "store.db-shm" };
    mode_t before = umask(0);
    struct shop shop = shop_new();
    shop_open(&shop);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct stat status;
        assert_int_equal(stat(path_of(&shop, files[i]), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    umask(before);
    shop_end(&shop);
}

static void refuses_a_newer_one(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    shop_close(&shop);
    patch(&shop, "store.db", 60, SLICE("\x00\x00\x00\x63"));
    slice before = bytes_of(&shop, "store.db");
    assert_refused(&shop, "The store is of version 99, made by a newer muster; this one knows ");
    assert_true(slice_equal(before, bytes_of(&shop, "store.db")));
    assert_false(exists(&shop, "store.db-wal"));
    assert_false(exists(&shop, "store.db-shm"));
    shop_end(&shop);
}

/* A newer muster that crashed left its version in the log alone. */
static void refuses_a_newer_one_in_the_log(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    shop_close(&shop);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_of(&shop, "store.db"), &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    slice file = bytes_of(&shop, "store.db"), log = bytes_of(&shop, "store.db-wal");
    assert_true(log.length > 0);
    assert_refused(&shop, "of version 99");
    assert_true(slice_equal(file, bytes_of(&shop, "store.db")));
    assert_true(slice_equal(log, bytes_of(&shop, "store.db-wal")));
    shop_end(&shop);
}

static void refuses_what_is_no_store(void)
{
    struct shop shop = shop_new();
    slice text = SLICE("These are the notes of the night shift, and no database at all.\n");
    for (int i = 0; i < 20; i++)
        patch(&shop, "store.db", (off_t)text.length * i, text);
    slice before = bytes_of(&shop, "store.db");
    assert_refused(&shop, "not a database");
    assert_true(slice_equal(before, bytes_of(&shop, "store.db")));
    shop_end(&shop);
}

static void refuses_a_missing_folder(void)
{
    struct shop shop = shop_new();
    assert_int_equal(rmdir(shop.folder), 0);
    assert_refused(&shop, "No such file or directory");
    shop_end(&shop);
}

static void refuses_a_second_server(void)
{
    struct shop first = shop_new();
    shop_open(&first);
    struct shop second = first;
    assert_refused(&second,
                   text_format(first.ctx, "Another server (process %ld) has %s.", (long)getpid(), first.folder));
    shop_close(&first);
    must(shop_try(&second)); /* as soon as the first is gone */
    shop_end(&second);
}

/* Whatever write fails while a store is made: it opens, or says why and opens the next time. */
static void survives_a_failing_creation(void)
{
    for (unsigned n = 1; n <= 120; n += 7) {
        struct shop shop = shop_new();
        shop.options.test_fail_write = n;
        error *e = shop_try(&shop);
        assert_true(e == NULL || error_is(e, "StoreUnavailable"));
        if (e == NULL)
            shop_close(&shop);
        shop.options.test_fail_write = 0;
        shop_open(&shop);
        assert_int_equal(rows_in(&shop), 0);
        shop_end(&shop);
    }
}

/* Rows of one customer stand together, and no query crosses over by mistake. Named are the tables whose key is unique
   over all of them. */
static FALLIBLE check_key(const struct row *row, void *arg)
{
    static const char *const others[] = { "setting",  "account",        "certificate",
                                          "change",   "iam_access_key", "ownership_token",
                                          "sequence", "probe",          "sqlite_sequence" };
    (void)arg;
    slice table = row_slice(row, 0), column = row_slice(row, 1);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (slice_is(table, others[i]))
            return NULL;
    if (!slice_is(column, "account"))
        fail_msg("the key of %.*s begins with %.*s", PRINT(table), PRINT(column));
    return NULL;
}

static FALLIBLE keys_look(struct tx *tx, void *arg)
{
    return store_each(tx, check_key, arg,
                      "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c"
                      " WHERE t.type = 'table' AND c.pk = 1",
                      NO_ARGS);
}

static void keys_begin_with_the_account(void)
{
    struct shop shop = shop_new();
    shop_open(&shop);
    must(store_read(shop.store, shop.ctx, keys_look, NULL));
    shop_end(&shop);
}

static const struct story stories[] = {
    { "what was written is found after reopening", makes_and_finds },
    { "a new store has every migration", has_every_migration },
    { "a store of the first version is brought along with its attributes", brings_an_older_one_along },
    { "migrations are numbered without a gap", numbers_its_migrations },
    { "every file has mode 0600 whatever the umask", lets_nobody_else_read },
    { "a newer store is refused unchanged", refuses_a_newer_one },
    { "a newer version in the log alone is refused unchanged", refuses_a_newer_one_in_the_log },
    { "a file that is no store is refused unchanged", refuses_what_is_no_store },
    { "a missing folder is named", refuses_a_missing_folder },
    { "a second server is told which process has the folder", refuses_a_second_server },
    { "a write that fails during creation leaves a store that can be made again", survives_a_failing_creation },
    { "keys begin with the account", keys_begin_with_the_account },
};

int main(void)
{
    return RUN_TABLE(stories, tell);
}
