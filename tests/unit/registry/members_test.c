/* members_test.c - ListThingsInThingGroup with all groups below: every member once, in name order, whatever the shape of
   the tree, how the members are spread over it, and how large the pages are (x509.md 2.6, 4.15). */
#include "provisioning/house.h"

enum { WALKS_MAX = 2000 };

/* Group i hangs below group (i - 1) / width; thing i is in group (i * step / run) % groups. */
static const struct row {
    const char *name;
    int groups, width, things, step, run, size;
} rows[] = {
    { "one group", 1, 1, 300, 0, 1, 25 },
    { "one group, pages of one", 1, 1, 30, 0, 1, 1 },
    { "one group, exactly a page", 1, 1, 250, 0, 1, 250 },
    { "nobody in many groups", 40, 3, 0, 1, 1, 25 },
    { "a chain of seven", 7, 1, 500, 1, 1, 7 },
    { "all of them in the lowest group", 7, 1, 100, 6, 1, 9 },
    { "each thing in the next group", 40, 3, 500, 1, 1, 7 },
    { "long runs in one group", 40, 3, 1000, 1, 100, 25 },
    { "long runs that end within a page", 40, 3, 1000, 1, 37, 25 },
    { "fewer things than groups", 100, 99, 20, 3, 1, 4 },
    { "pages larger than all of it", 100, 99, 200, 7, 2, 250 },
    { "many groups, small pages", 1000, 10, 1000, 1, 1, 3 },
    { "many groups, large pages", 1000, 10, 3000, 7, 3, 250 },
};

static FALLIBLE fill(struct tx *tx, void *arg)
{
    const struct row *row = arg;
    TRY(store_run(tx, NULL,
                  "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1) "
                  "INSERT INTO thing_group (account, region, name, id, parent, attributes, version, created) "
                  "SELECT '" ACCOUNT "', '" REGION "', printf('g%04d', i), 'id', "
                  "CASE WHEN i > 0 THEN printf('g%04d', (i - 1) / ?2) END, '{}', 1, 1 FROM n",
                  ARGS(sql_integer(row->groups), sql_integer(row->width))));
    TRY(store_run(tx, NULL,
                  "INSERT INTO thing_group (account, region, name, id, attributes, version, created) "
                  "VALUES ('" ACCOUNT "', '" REGION "', 'another', 'id', '{}', 1, 1)",
                  NO_ARGS));
    if (row->things == 0)
        return NULL;
    TRY(store_run(
        tx, NULL,
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1) "
        "INSERT INTO thing_group_member (account, region, thing_group, thing, membership_id) "
        "SELECT '" ACCOUNT "', '" REGION "', printf('g%04d', (i * ?2 / ?3) % ?4), printf('t%05d', i), 'id' "
        "FROM n",
        ARGS(sql_integer(row->things), sql_integer(row->step), sql_integer(row->run), sql_integer(row->groups))));
    return store_run(tx, NULL,
                     "INSERT INTO thing_group_member (account, region, thing_group, thing, membership_id) "
                     "VALUES ('" ACCOUNT "', '" REGION "', 'another', 't00000x', 'id')",
                     NO_ARGS);
}

static void come_once_in_order(void **state)
{
    const struct row *row = *state;
    struct house *house = house_new();
    const char *token = "";
    int seen = 0, pages = 0;
    must(store_apply(house->store, house, fill, (void *)(uintptr_t)row));
    while (token != NULL && pages < WALKS_MAX) {
        struct outcome page = operator_asks(
            house, "ListThingsInThingGroup",
            text_format(house, "{\"thingGroupName\":\"g0000\",\"recursive\":true,\"maxResults\":%d%s%s%s}", row->size,
                        *token ? ",\"nextToken\":\"" : "", token, *token ? "\"" : ""));
        const char *next = text_of(page, "nextToken");
        json *things = json_get_array(page.output, "things");
        size_t count = json_object_array_length(things);
        assert_true(next ? count == (size_t)row->size : count <= (size_t)row->size);
        for (size_t i = 0; i < count; i++, seen++)
            assert_string_equal(json_object_get_string(json_object_array_get_idx(things, i)),
                                text_format(house, "t%05d", seen));
        token = next ? text_copy(house, next) : NULL;
        talloc_free(page.ctx);
        pages++;
    }
    assert_int_equal(seen, row->things);
    assert_int_equal(pages, row->things == 0 ? 1 : (row->things + row->size - 1) / row->size);
    house_free(house);
}

int main(void)
{
    return RUN_TABLE(rows, come_once_in_order);
}
