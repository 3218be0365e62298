/* Sessions live in their tokens: what was sealed comes back, for its own key id alone; anything else is nothing. */
#include "account/account.h"
#include "base/encode.h"
#include "table.h"

static const uint8_t key_bytes[MASTER_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const uint8_t other_bytes[MASTER_KEY_BYTES] = "another master key, of 32 bytes";

static const char narrow[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iot:ListThings\","
    "\"Resource\":\"*\"}}";
static const slice team[] = { SLICE("pumps") }, several[] = { SLICE("authenticated"), SLICE("idp"), SLICE("idp:x") };
static const struct caller_fact facts[] = { { "aws:PrincipalTag/Team", team, 1 },
                                            { "cognito-identity.amazonaws.com:amr", several, 3 },
                                            { "empty", several, 0 } };
static const char *policies[] = { narrow, narrow };
static const char *const transitive[] = { "Team" };
static const struct session whole = { .kind = SESSION_ROLE,
                                      .account = "123456789012",
                                      .unique_id = "AROAMUSTER7EXAMPLE11A",
                                      .session_name = "ci-42",
                                      .source_identity = "ada",
                                      .issued_s = 1768465800,
                                      .expires_s = 1768469400,
                                      .policies = policies,
                                      .policy_count = 2,
                                      .facts = facts,
                                      .fact_count = 3,
                                      .transitive = transitive,
                                      .transitive_count = 1 };

static struct credentials *issue(void *ctx, const struct session *session)
{
    struct credentials *made;
    assert_null(account_issue_session(ctx, master_key_new(ctx, key_bytes), session, &made));
    return made;
}

static bool opens(void *ctx, const char *id, slice token, struct session **out)
{
    slice secret;
    return account_open_session(ctx, master_key_new(ctx, key_bytes), slice_of(id), token, out, &secret);
}

/* ---- what comes back ---- */

static void all_of_it_comes_back(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    struct credentials *made = issue(ctx, &whole);
    struct session *back;
    slice secret;
    (void)state;
    assert_true(account_open_session(ctx, master_key_new(ctx, key_bytes), slice_of(made->access_key_id),
                                     slice_of(made->token), &back, &secret));
    assert_true(slice_is(secret, made->secret));
    assert_int_equal(strlen(made->secret), 40);
    assert_int_equal(strncmp(made->access_key_id, "ASIA", 4), 0);
    assert_int_equal(back->kind, SESSION_ROLE);
    assert_string_equal(back->account, whole.account);
    assert_string_equal(back->unique_id, whole.unique_id);
    assert_string_equal(back->session_name, "ci-42");
    assert_string_equal(back->source_identity, "ada");
    assert_int_equal(back->issued_s, whole.issued_s);
    assert_int_equal(back->expires_s, whole.expires_s);
    assert_int_equal(back->policy_count, 2);
    assert_string_equal(back->policies[1], narrow);
    assert_int_equal(back->transitive_count, 1);
    assert_string_equal(back->transitive[0], "Team");
    assert_int_equal(back->fact_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(back->facts[i].key, facts[i].key);
        assert_int_equal(back->facts[i].count, facts[i].count);
        for (size_t k = 0; k < facts[i].count; k++)
            assert_true(slice_equal(back->facts[i].values[k], facts[i].values[k]));
    }
}

static void two_are_never_alike(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    struct credentials *one = issue(ctx, &whole), *other = issue(ctx, &whole);
    (void)state;
    assert_string_not_equal(one->access_key_id, other->access_key_id);
    assert_string_not_equal(one->secret, other->secret);
    assert_string_not_equal(one->token, other->token);
}

static void no_bit_can_be_turned(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    struct credentials *made = issue(ctx, &whole);
    struct session *session;
    slice sealed;
    (void)state;
    assert_true(base64_decode(ctx, slice_of(made->token), &sealed));
    char *bytes = memory_copy(ctx, sealed.at, sealed.length);
    for (size_t bit = 0; bit < sealed.length * 8; bit++) {
        SCRATCH turn = talloc_new(NULL);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(opens(turn, made->access_key_id, slice_of(base64_encode(turn, slice_bytes(bytes, sealed.length))),
                           &session));
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t length = 0; length < strlen(made->token); length++) {
        SCRATCH turn = talloc_new(NULL);
        assert_false(opens(turn, made->access_key_id, slice_bytes(made->token, length), &session));
    }
    assert_true(opens(ctx, made->access_key_id, slice_of(made->token), &session));
}

/* ---- what is no token ---- */

static const struct bad {
    const char *name, *id, *token; /* NULL: those of a session; "other": those of another one */
} bads[] = {
    { "the token of another key", NULL, "other" },
    { "the key of another token", "other", NULL },
    { "a long-term key's id", "AKIARZPUZDIKAAHR4LJ4", NULL },
    { "an id of another length", "ASIA", NULL },
    { "an empty id", "", NULL },
    { "an empty token", NULL, "" },
    { "no base64", NULL, "!" },
    { "a token of elsewhere", NULL, "FwoGmusterExampleSessionToken//8=+A==" },
    { "base64 of nothing sealed", NULL, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
};

static void opens_nothing(void **state)
{
    const struct bad *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct credentials *made = issue(ctx, &whole), *other = issue(ctx, &whole);
    struct session *session;
    const char *id = row->id == NULL ? made->access_key_id : strcmp(row->id, "other") ? row->id : other->access_key_id;
    const char *token = row->token == NULL ? made->token : strcmp(row->token, "other") ? row->token : other->token;
    assert_false(opens(ctx, id, slice_of(token), &session));
}

static void another_master_key_opens_nothing(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    struct credentials *made = issue(ctx, &whole);
    struct session *session;
    slice secret;
    (void)state;
    assert_false(account_open_session(ctx, master_key_new(ctx, other_bytes), slice_of(made->access_key_id),
                                      slice_of(made->token), &session, &secret));
}

/* ---- how much fits ---- */

static const struct size {
    const char *name;
    size_t policy; /* bytes of a session policy; 0: none */
    int percent;   /* at least, and not 10 more; 101: too large */
} sizes[] = {
    { "no policy takes no room", 0, 0 }, { "a small one takes little", 100, 1 },
    { "half of the room", 1900, 45 },    { "nearly all of it", 3800, 95 },
    { "too much", 4096, 101 },
};

static void takes_its_room(void **state)
{
    const struct size *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char *text = memory_zeroed(ctx, 1, row->policy + 1, "policy");
    memset(text, 'x', row->policy);
    const char *one[] = { text };
    struct session session = { .kind = SESSION_USER,
                               .account = "123456789012",
                               .unique_id = "AIDAMUSTER5EXAMPLE02B",
                               .policies = one,
                               .policy_count = row->policy ? 1 : 0 };
    struct credentials *made;
    error *e = account_issue_session(ctx, master_key_new(ctx, key_bytes), &session, &made);
    if (row->percent > 100) {
        assert_true(error_is(e, "PackedPolicyTooLargeException"));
        return;
    }
    assert_null(e);
    assert_in_range(made->packed_percent, row->percent, row->percent == 0 ? 0 : row->percent + 9);
}

static const struct alone {
    const char *name;
} alone[] = { { "once" } };

int main(void)
{
    return RUN_TABLES(TABLE(alone, all_of_it_comes_back), TABLE(alone, two_are_never_alike),
                      TABLE(alone, no_bit_can_be_turned), TABLE(bads, opens_nothing),
                      TABLE(alone, another_master_key_opens_nothing), TABLE(sizes, takes_its_room));
}
