/* window_test.c - filtered lists examine a bounded number of rows a call, and still show each thing once, in order
   (x509.md 2.6, 4.13). 12,000 things, of which few have what is asked for. */
#include "provisioning/house.h"

enum { THINGS = 12000, CALLS_MAX = 40 };

static const struct row {
    const char *name;
    const char *asked; /* members of the input, but for maxResults and nextToken */
    int size, things, calls;
} rows[] = {
    { "the last thing of all is found in its third window", "\"attributeName\":\"rare\"", 25, 1, 3 },
    { "nothing is found", "\"attributeName\":\"none\"", 25, 0, 3 },
    { "a prefix that few have", "\"attributeName\":\"n\",\"attributeValue\":\"11\",\"usePrefixAttributeValue\":true",
      250, 1111, 6 },
    { "an exact value needs no search", "\"attributeName\":\"n\",\"attributeValue\":\"11999\"", 25, 1, 1 },
    { "an exact value of another type", "\"attributeName\":\"n\",\"attributeValue\":\"7\",\"thingTypeName\":\"b\"", 25,
      0, 1 },
    { "a type of its own index", "\"thingTypeName\":\"b\"", 250, 24, 1 },
    { "a type and an attribute", "\"thingTypeName\":\"a\",\"attributeName\":\"rare\"", 25, 1, 3 },
    { "a type nobody has", "\"thingTypeName\":\"c\"", 25, 0, 1 },
};

static FALLIBLE fill(struct tx *tx, void *arg)
{
    static const char *const statements[] = {
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11999) "
        "INSERT INTO thing (account, region, name, id, type_name, version, created) "
        "SELECT '" ACCOUNT "', '" REGION
        "', printf('t%05d', i), 'id', CASE WHEN i % 500 = 0 THEN 'b' ELSE 'a' END, 1, 1 "
        "FROM n",
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11999) "
        "INSERT INTO thing_attribute (account, region, thing, name, value) "
        "SELECT '" ACCOUNT "', '" REGION "', printf('t%05d', i), 'n', CAST(i AS TEXT) FROM n",
        "INSERT INTO thing_attribute (account, region, thing, name, value) "
        "VALUES ('" ACCOUNT "', '" REGION "', 't11999', 'rare', 'x')",
    };
    (void)arg;
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
        TRY(store_run(tx, NULL, statements[i], NO_ARGS));
    return NULL;
}

static void takes_calls(void **state)
{
    const struct row *row = *state;
    struct house *house = house_new();
    const char *last = "", *token = "";
    int things = 0, calls = 0;
    must(store_apply(house->store, house, fill, NULL));
    while (token != NULL) {
        struct outcome page = operator_asks(house, "ListThings",
                                            text_format(house, "{%s,\"maxResults\":%d%s%s%s}", row->asked, row->size,
                                                        *token ? ",\"nextToken\":\"" : "", token, *token ? "\"" : ""));
        const char *next = text_of(page, "nextToken");
        json *listed = json_get_array(page.output, "things");
        assert_true((int)json_object_array_length(listed) <= row->size);
        for (size_t i = 0; i < json_object_array_length(listed); i++) {
            const char *name = json_get_text(json_object_array_get_idx(listed, i), "thingName");
            assert_true(strcmp(name, last) > 0);
            last = text_copy(house, name);
            things++;
        }
        token = next ? text_copy(house, next) : NULL;
        talloc_free(page.ctx);
        assert_true(++calls < CALLS_MAX);
    }
    assert_int_equal(things, row->things);
    assert_int_equal(calls, row->calls);
    house_free(house);
}

int main(void)
{
    return RUN_TABLE(rows, takes_calls);
}
