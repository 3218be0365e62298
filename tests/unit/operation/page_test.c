/* Pages (x509 2.6): sizes, order, and tokens that are bound to what was asked. */
#include "fixture.h"
#include "base/encode.h"

static struct call *list_call(void *ctx, const char *service, const char *operation, const char *input)
{
    struct call *call = call_new(shared_door(), service, operation);
    call->account = "000000000001";
    call->region = "us-east-1";
    call->input = json_share(call, json_of(ctx, input));
    return call;
}

/* Answers the rows "k0" to "k<count-1>" after page.after, as a list would. */
static FALLIBLE list(struct call *call, int count)
{
    struct page page;
    json *array = json_new_array(call);
    error *e = page_begin(call, &page);
    for (int i = 0; e == NULL && i < count; i++) {
        const char *key = text_format(call, "k%03d", i);
        if (page.after && strcmp(key, page.after) <= 0)
            continue;
        if (!page_take(call, &page, key))
            break;
        json_add_text(array, key);
    }
    return e ? e : page_answer(call, &page, "things", array);
}

static const struct row {
    const char *name, *service, *operation, *input;
    int rows;
    size_t answered;
    const char *next; /* the member; NULL: no further page */
} rows[] = {
    { "25 by default", "iot", "ListThings", "{}", 30, 25, "nextToken" },
    { "a size", "iot", "ListThings", "{\"maxResults\":2}", 3, 2, "nextToken" },
    { "the last page has no token", "iot", "ListThings", "{\"maxResults\":3}", 3, 3, NULL },
    { "nothing", "iot", "ListThings", "{}", 0, 0, NULL },
    { "marker and nextMarker", "iot", "ListCertificates", "{\"pageSize\":1}", 2, 1, "nextMarker" },
    { "a list without a size", "iot", "ListTagsForResource", "{\"resourceArn\":\"a\"}", 30, 25, "nextToken" },
    { "a list without tokens", "iot", "ListPolicyVersions", "{\"policyName\":\"a\"}", 30, 25, NULL },
    { "IAM's 100", "iam", "ListUsers", "{}", 130, 100, "Marker" },
};

static void pages(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct call *call = list_call(ctx, row->service, row->operation, row->input);
    assert_error(list(call, row->rows), NULL, NULL);
    assert_int_equal(json_object_array_length(json_get_array(call->output, "things")), row->answered);
    if (row->next != NULL)
        assert_non_null(json_get_text(call->output, row->next));
    else
        assert_true(json_object_object_length(call->output) <= 2);
    if (strcmp(row->service, "iam") == 0)
        assert_true(json_get_bool(call->output, "IsTruncated", false));
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- all of them, page by page ---- */

static const struct walk {
    const char *name;
    int rows, size, turns;
} walks[] = { { "seven by threes", 7, 3, 3 }, { "six by threes", 6, 3, 2 }, { "one by one", 5, 1, 5 } };

static void walks_all(void **state)
{
    const struct walk *row = *state;
    void *ctx = talloc_new(NULL);
    const char *input = text_format(ctx, "{\"maxResults\":%d}", row->size);
    int seen = 0, turns = 0;
    while (input != NULL) {
        struct call *call = list_call(ctx, "iot", "ListThings", input);
        assert_error(model_validate(call, call->model, call->input), NULL, NULL);
        assert_error(list(call, row->rows), NULL, NULL);
        json *things = json_get_array(call->output, "things");
        for (size_t i = 0; i < json_object_array_length(things); i++)
            assert_string_equal(json_object_get_string(json_object_array_get_idx(things, i)),
                                text_format(ctx, "k%03d", seen++));
        const char *token = json_get_text(call->output, "nextToken");
        input = token ? text_format(ctx, "{\"nextToken\":\"%s\",\"maxResults\":%d}", token, row->size) : NULL;
        turns++;
        talloc_free(call);
    }
    assert_int_equal(seen, row->rows);
    assert_int_equal(turns, row->turns);
    talloc_free(ctx);
}

/* ---- whose token ---- */

static const struct token {
    const char *name, *operation, *account, *region, *input; /* input: before the token */
    bool taken;
} tokens[] = {
    { "the same request", "ListThings", "000000000001", "us-east-1", "\"thingTypeName\":\"t\",\"maxResults\":1", true },
    { "another size", "ListThings", "000000000001", "us-east-1", "\"maxResults\":9,\"thingTypeName\":\"t\"", true },
    { "another account", "ListThings", "000000000002", "us-east-1", "\"thingTypeName\":\"t\"", false },
    { "another region", "ListThings", "000000000001", "eu-west-1", "\"thingTypeName\":\"t\"", false },
    { "another operation", "ListThingTypes", "000000000001", "us-east-1", "\"thingTypeName\":\"t\"", false },
    { "another filter", "ListThings", "000000000001", "us-east-1", "\"thingTypeName\":\"u\"", false },
    { "no filter", "ListThings", "000000000001", "us-east-1", "\"maxResults\":1", false },
    { "one filter more", "ListThings", "000000000001", "us-east-1", "\"thingTypeName\":\"t\",\"attributeName\":\"a\"",
      false },
    { "a filter shaped like two", "ListThings", "000000000001", "us-east-1", "\"attributeName\":\"t\"", false },
};

static const char *token_of_first_page(void *ctx)
{
    struct call *call = list_call(ctx, "iot", "ListThings", "{\"thingTypeName\":\"t\",\"maxResults\":1}");
    assert_error(list(call, 3), NULL, NULL);
    const char *token = text_copy(ctx, json_get_text(call->output, "nextToken"));
    talloc_free(call);
    return token;
}

static void is_bound(void **state)
{
    const struct token *row = *state;
    void *ctx = talloc_new(NULL);
    const char *input = text_format(ctx, "{%s,\"nextToken\":\"%s\"}", row->input, token_of_first_page(ctx));
    struct call *call = list_call(ctx, "iot", row->operation, input);
    call->account = row->account;
    call->region = row->region;
    struct page page;
    assert_error(page_begin(call, &page), row->taken ? NULL : "InvalidRequestException",
                 "The nextToken is not one that this list gave out for the same request.");
    if (row->taken)
        assert_string_equal(page.after, "k000");
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- forgeries: what is done to the bytes of a good token ---- */

static const struct forgery {
    const char *name;
    int flipped;      /* a bit of this byte; -1: none */
    size_t kept;      /* bytes; 0: all */
    const char *text; /* instead */
} forgeries[] = {
    { "a bit of the seal", 0, 0, NULL },      { "the last bit of the seal", 15, 0, NULL },
    { "a bit of the position", 16, 0, NULL }, { "cut short", -1, 19, NULL },
    { "only the seal", -1, 16, NULL },        { "less than the seal", -1, 5, NULL },
    { "not base64", -1, 0, "!!!" },           { "nothing", -1, 0, "" },
    { "a bare position", -1, 0, "azAwMA==" },
};

static void is_refused(void **state)
{
    const struct forgery *row = *state;
    void *ctx = talloc_new(NULL);
    slice bytes;
    assert_true(base64_decode(ctx, slice_of(token_of_first_page(ctx)), &bytes));
    char *copy = slice_text(ctx, bytes);
    if (row->flipped >= 0)
        copy[row->flipped] ^= 1;
    const char *token = base64_encode(ctx, (slice){ copy, row->kept ? row->kept : bytes.length });
    struct call *call =
        list_call(ctx, "iot", "ListThings",
                  text_format(ctx, "{\"thingTypeName\":\"t\",\"nextToken\":\"%s\"}", row->text ? row->text : token));
    struct page page;
    assert_error(page_begin(call, &page), "InvalidRequestException", NULL);
    talloc_free(call);
    talloc_free(ctx);
}

static const struct flag {
    const char *name, *input;
    bool ascending;
} flags[] = {
    { "newest first", "{}", false },
    { "isAscendingOrder", "{\"ascendingOrder\":true}", true },
};

static void is_ordered(void **state)
{
    const struct flag *row = *state;
    void *ctx = talloc_new(NULL);
    struct call *call = list_call(ctx, "iot", "ListCertificates", row->input);
    struct page page;
    assert_error(page_begin(call, &page), NULL, NULL);
    assert_int_equal(page.ascending, row->ascending);
    assert_null(page.after);
    talloc_free(call);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, pages), TABLE(walks, walks_all), TABLE(tokens, is_bound),
                      TABLE(forgeries, is_refused), TABLE(flags, is_ordered));
}
