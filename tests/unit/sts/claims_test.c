/* claims_test.c - what the claims of a token are to policies, and what a session keeps of them. */
#include "sts/claims.h"
#include "table.h"

#define PROVIDER "id.example.test/a"

static struct jwt *jwt_of(void *ctx, const char *claims)
{
    struct jwt *jwt = MAKE(ctx, struct jwt);
    assert_null(jwt_parse_object(ctx, slice_of(claims), 16, &jwt->claims));
    jwt->subject = "ada";
    jwt->client_id = "app";
    return jwt;
}

/* Values joined by '|'; NULL: absent. */
static const char *joined(void *ctx, const slice *values, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = text_format(ctx, "%s%s%.*s", text, i ? "|" : "", PRINT(values[i]));
    return text;
}

static const struct row {
    const char *name, *claims, *key, *values;
} rows[] = {
    { "a text", "{\"sub\":\"ada\"}", PROVIDER ":sub", "ada" },
    { "a policy's spelling of the key has no case", "{\"sub\":\"ada\"}", "ID.example.test/A:SUB", "ada" },
    { "a list", "{\"amr\":[\"pwd\",\"mfa\"]}", PROVIDER ":amr", "pwd|mfa" },
    { "an empty list", "{\"amr\":[]}", PROVIDER ":amr", "" },
    { "a number", "{\"level\":7}", PROVIDER ":level", "7" },
    { "a truth value", "{\"email_verified\":true}", PROVIDER ":email_verified", "true" },
    { "an object is no value", "{\"address\":{\"city\":\"x\"}}", PROVIDER ":address", NULL },
    { "nor is a list with one in it", "{\"x\":[\"a\",{}]}", PROVIDER ":x", NULL },
    { "nor is null", "{\"x\":null}", PROVIDER ":x", NULL },
    { "another provider's key", "{\"sub\":\"ada\"}", "id.example.test/b:sub", NULL },
    { "SUB is not sub", "{\"SUB\":\"root\",\"sub\":\"ada\"}", PROVIDER ":sub", "ada" },
    { "SUB is not sub, where there is none", "{\"SUB\":\"root\"}", PROVIDER ":sub", NULL },
    { "Azp is not azp", "{\"Azp\":\"app\"}", PROVIDER ":azp", NULL },
};

static void is_key(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct claim_keys keys = { .ctx = ctx };
    claims_to_keys(jwt_of(ctx, row->claims), PROVIDER, &keys);
    struct policy_context context = { .keys = keys.at, .count = keys.count };
    struct policy_values values;
    bool found = policy_find(&context, slice_of(row->key), &values);
    assert_int_equal(found, row->values != NULL);
    if (found)
        assert_string_equal(joined(ctx, values.values, values.count), row->values);
}

#define TAGS(members) "{\"https://aws.amazon.com/tags\":{" members "}}"
#define LONG_KEY                                                       \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123"

static const struct kept {
    const char *name, *claims;
    const char *facts; /* "key=values" in lines; NULL: refused */
    const char *transitive, *source_identity;
} kepts[] = {
    { "who it is", "{\"sub\":\"ada\",\"amr\":[\"pwd\",\"mfa\"],\"email\":\"x\"}",
      "aws:FederatedProvider=F\n" PROVIDER ":aud=app\n" PROVIDER ":sub=ada\n" PROVIDER ":amr=pwd|mfa\n", "", NULL },
    { "tags", TAGS("\"principal_tags\":{\"Team\":[\"pumps\"],\"Site\":\"b 1\"},\"transitive_tag_keys\":[\"Team\"]"),
      "aws:PrincipalTag/Team=pumps\naws:PrincipalTag/Site=b 1\naws:FederatedProvider=F\n" PROVIDER ":aud=app\n" PROVIDER
      ":sub=ada\n",
      "Team", NULL },
    { "a source identity", "{\"https://aws.amazon.com/source_identity\":\"ada@example\"}",
      "aws:FederatedProvider=F\n" PROVIDER ":aud=app\n" PROVIDER ":sub=ada\n", "", "ada@example" },
    { "a source identity with a blank", "{\"https://aws.amazon.com/source_identity\":\"a b\"}", NULL, NULL, NULL },
    { "a source identity with a NUL", "{\"https://aws.amazon.com/source_identity\":\"ab\\u0000\"}", NULL, NULL, NULL },
    { "a source identity that is a list", "{\"https://aws.amazon.com/source_identity\":[\"ab\"]}", NULL, NULL, NULL },
    { "a tag of two values", TAGS("\"principal_tags\":{\"Team\":[\"a\",\"b\"]}"), NULL, NULL, NULL },
    { "a tag that is a number", TAGS("\"principal_tags\":{\"Team\":1}"), NULL, NULL, NULL },
    { "a reserved key", TAGS("\"principal_tags\":{\"AWS:x\":\"a\"}"), NULL, NULL, NULL },
    { "a key twice but for its case", TAGS("\"principal_tags\":{\"team\":\"a\",\"Team\":\"b\"}"), NULL, NULL, NULL },
    { "an empty key", TAGS("\"principal_tags\":{\"\":\"a\"}"), NULL, NULL, NULL },
    { "a key of 129 characters", TAGS("\"principal_tags\":{\"x" LONG_KEY "\":\"a\"}"), NULL, NULL, NULL },
    { "a value with a bracket", TAGS("\"principal_tags\":{\"Team\":\"a${b}\"}"), NULL, NULL, NULL },
    { "a transitive key that is no tag", TAGS("\"principal_tags\":{\"a\":\"a\"},\"transitive_tag_keys\":[\"b\"]"), NULL,
      NULL, NULL },
};

static void is_kept(void **state)
{
    const struct kept *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct session session = { 0 };
    error *e = claims_to_session(ctx, jwt_of(ctx, row->claims), PROVIDER, "F", &session);
    if (row->facts == NULL) {
        assert_true(error_is(e, "TokenClaim"));
        return;
    }
    assert_null(e);
    const char *text = "", *transitive = "";
    for (size_t i = 0; i < session.fact_count; i++)
        text = text_format(ctx, "%s%s=%s\n", text, session.facts[i].key,
                           joined(ctx, session.facts[i].values, session.facts[i].count));
    for (size_t i = 0; i < session.transitive_count; i++)
        transitive = text_format(ctx, "%s%s", transitive, session.transitive[i]);
    assert_string_equal(text, row->facts);
    assert_string_equal(transitive, row->transitive);
    assert_string_equal(session.source_identity ? session.source_identity : "",
                        row->source_identity ? row->source_identity : "");
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_key), TABLE(kepts, is_kept));
}
