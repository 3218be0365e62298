/* session.c - temporary credentials without a row: the token is the session (auth.md 3.2, 4.5).

       base64( version | nonce | AES-256-GCM under the master key, for "session:ASIA..." alone ( secret | claims ) )

   Claims are CBOR with keys of one letter, as a token travels with each request. */
#include "account/inner.h"
#include "base/cbor.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "sigv4/sigv4.h"

enum { SECRET = 40, DEPTH_MAX = 4, KEY_ID = 20, TOKEN_MAX = (SESSION_SEALED_MAX + 2) / 3 * 4 };

/* ---- claims ---- */

static json *texts_out(void *ctx, const char *const *texts, size_t count)
{
    json *array = json_new_array(ctx);
    for (size_t i = 0; i < count; i++)
        json_add_text(array, texts[i]);
    return array;
}

/* Of one value the text, of several an array. */
static json *facts_out(void *ctx, const struct session *session)
{
    json *facts = json_new_object(ctx);
    for (size_t i = 0; i < session->fact_count; i++) {
        const struct caller_fact *fact = &session->facts[i];
        if (fact->count == 1) {
            json_put_slice(facts, fact->key, fact->values[0]);
            continue;
        }
        json *values = json_new_array(ctx);
        for (size_t k = 0; k < fact->count; k++)
            json_add(values, json_object_new_string_len(fact->values[k].at, (int)fact->values[k].length));
        json_put(facts, fact->key, json_object_get(values));
    }
    return facts;
}

static slice claims_out(void *ctx, const struct session *session)
{
    json *claims = json_new_object(ctx);
    json_put_integer(claims, "k", session->kind);
    json_put_text(claims, "a", session->account);
    json_put_text(claims, "u", session->unique_id);
    json_put_text(claims, "n", session->session_name);
    json_put_text(claims, "i", session->source_identity);
    json_put_integer(claims, "t", session->issued_s);
    json_put_integer(claims, "x", session->expires_s);
    if (session->policy_count > 0)
        json_put(claims, "p", json_object_get(texts_out(ctx, session->policies, session->policy_count)));
    if (session->fact_count > 0)
        json_put(claims, "f", json_object_get(facts_out(ctx, session)));
    if (session->transitive_count > 0)
        json_put(claims, "y", json_object_get(texts_out(ctx, session->transitive, session->transitive_count)));
    return cbor_print(ctx, claims);
}

static const char *text_in(void *ctx, const json *claims, const char *key)
{
    slice text = json_get_slice(claims, key);
    return text.at ? slice_text(ctx, text) : NULL;
}

static const char **texts_in(void *ctx, const json *claims, const char *key, size_t *count)
{
    json *array = json_get_array(claims, key);
    *count = array ? json_object_array_length(array) : 0;
    const char **texts = MAKE_ARRAY(ctx, const char *, *count + 1);
    for (size_t i = 0; i < *count; i++)
        texts[i] = slice_text(ctx, json_text(json_object_array_get_idx(array, i)));
    return texts;
}

static void fact_in(struct caller_facts *facts, const char *key, const json *value)
{
    size_t count = json_is_array(value) ? json_object_array_length(value) : 1;
    slice *values = MAKE_ARRAY(facts->ctx, slice, count + 1);
    for (size_t i = 0; i < count; i++)
        values[i] =
            slice_copy(facts->ctx, json_text(json_is_array(value) ? json_object_array_get_idx(value, i) : value));
    caller_fact_add(facts, text_copy(facts->ctx, key), values, count);
}

static struct session *claims_in(void *ctx, const json *claims)
{
    struct session *session = MAKE(ctx, struct session);
    struct caller_facts facts = { .ctx = session };
    json *members = json_get_object(claims, "f");
    session->kind = (enum session_kind)json_get_integer(claims, "k", SESSION_NONE);
    session->account = text_in(session, claims, "a");
    session->unique_id = text_in(session, claims, "u");
    session->session_name = text_in(session, claims, "n");
    session->source_identity = text_in(session, claims, "i");
    session->issued_s = json_get_integer(claims, "t", 0);
    session->expires_s = json_get_integer(claims, "x", 0);
    session->policies = texts_in(session, claims, "p", &session->policy_count);
    session->transitive = texts_in(session, claims, "y", &session->transitive_count);
    if (members != NULL) {
        json_object_object_foreach (members, key, value)
            fact_in(&facts, key, value);
    }
    session->facts = facts.at;
    session->fact_count = facts.count;
    return session;
}

static bool is_whole(const struct session *session)
{
    bool named = session->session_name != NULL;
    return session->account != NULL && session->unique_id != NULL &&
           (session->kind == SESSION_USER ||
            ((session->kind == SESSION_ROLE || session->kind == SESSION_FEDERATED) && named));
}

/* ---- issuing ---- */

/* Session policies and tags share what the other claims leave (auth 4.5: over 100 % is PackedPolicyTooLarge). */
static size_t packed_bytes(const struct session *session)
{
    static const char tag[] = "aws:PrincipalTag/";
    size_t bytes = 0;
    for (size_t i = 0; i < session->policy_count; i++)
        bytes += strlen(session->policies[i]);
    for (size_t i = 0; i < session->fact_count; i++)
        for (size_t k = 0; strncmp(session->facts[i].key, tag, sizeof(tag) - 1) == 0 && k < session->facts[i].count;
             k++)
            bytes += strlen(session->facts[i].key) + session->facts[i].values[k].length;
    return bytes;
}

static int wipe_credentials(struct credentials *made)
{
    if (made->secret != NULL)
        secret_wipe((void *)(uintptr_t)made->secret, strlen(made->secret));
    if (made->token != NULL)
        secret_wipe((void *)(uintptr_t)made->token, strlen(made->token));
    return 0;
}

static slice seal(void *ctx, const struct master_key *master, const char *access_key_id, const char *secret,
                  slice claims)
{
    writer clear = writer_new(ctx, SECRET + claims.length + 1);
    writer_text(&clear, secret);
    writer_slice(&clear, claims);
    slice sealed = master_key_seal(ctx, master, text_format(ctx, "session:%s", access_key_id), writer_slice_of(&clear));
    secret_wipe(clear.at, clear.length);
    return sealed;
}

FALLIBLE account_issue_session(void *ctx, const struct master_key *master, const struct session *session,
                               struct credentials **out)
{
    SCRATCH scratch = talloc_new(NULL);
    struct credentials *made = MAKE(ctx, struct credentials);
    talloc_set_destructor(made, wipe_credentials);
    made->access_key_id = sigv4_access_key_id(made, "ASIA", session->account);
    made->secret = random_text(made, SECRET, ALPHABET_BASE64);
    made->expires_s = session->expires_s;

    slice sealed = seal(scratch, master, made->access_key_id, made->secret, claims_out(scratch, session));
    size_t packed = packed_bytes(session), others = sealed.length - packed;
    size_t room = others < SESSION_SEALED_MAX ? SESSION_SEALED_MAX - others : 1;
    made->packed_percent = (int)((packed * 100 + room - 1) / room);
    if (sealed.length > SESSION_SEALED_MAX)
        return error_new(ctx, "PackedPolicyTooLargeException",
                         "Packed size of session policies and tags consumes %d%% of allotted space.",
                         made->packed_percent > 100 ? made->packed_percent : 101);
    made->token = base64_encode(made, sealed);
    *out = made;
    return NULL;
}

/* ---- opening ---- */

struct opened {
    struct session *session;
    slice clear;
};

static int wipe_opened(struct opened *opened)
{
    secret_wipe((void *)(uintptr_t)opened->clear.at, opened->clear.length);
    return 0;
}

static bool is_of_account(slice access_key_id, const char *account)
{
    char owner[SIGV4_ACCOUNT_MAX];
    return sigv4_account_of(access_key_id, owner) && strcmp(owner, account) == 0;
}

bool account_open_session(void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct session **out, slice *secret)
{
    slice sealed;
    json *claims;
    SCRATCH scratch = talloc_new(NULL);
    if (access_key_id.length != KEY_ID || !slice_starts(access_key_id, "ASIA") || token.length > TOKEN_MAX ||
        memchr(access_key_id.at, '\0', access_key_id.length) != NULL || !base64_decode(scratch, token, &sealed))
        return false;
    struct opened *opened = MAKE(ctx, struct opened);
    talloc_set_destructor(opened, wipe_opened);
    if (!master_key_open(opened, master, text_format(scratch, "session:%.*s", PRINT(access_key_id)), sealed,
                         &opened->clear) ||
        opened->clear.length < SECRET ||
        cbor_parse(scratch, slice_from(opened->clear, SECRET), DEPTH_MAX, &claims) != NULL)
        return false;
    opened->session = claims_in(opened, claims);
    *out = opened->session;
    *secret = (slice){ opened->clear.at, SECRET };
    return is_whole(*out) && is_of_account(access_key_id, (*out)->account);
}

/* ---- who it is ---- */

static const slice allows_nothing = /* GetCallerIdentity needs no permission */
    SLICE("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:GetCallerIdentity\","
          "\"Resource\":\"*\"}}");

/* A federated user without a policy of its own may do nothing (auth 4.5): no policy is not as good as any. */
static void add_session_policies(struct caller *caller, const struct session *session)
{
    bool is_none = session->kind == SESSION_FEDERATED && session->policy_count == 0;
    caller->session_policies = MAKE_ARRAY(caller, const struct policy *, session->policy_count + 1);
    for (size_t i = 0; i < session->policy_count; i++)
        caller->session_policies[caller->session_policy_count++] =
            policy_stored(caller, slice_of(session->policies[i]), POLICY_SESSION, "session");
    if (is_none)
        caller->session_policies[caller->session_policy_count++] =
            policy_stored(caller, allows_nothing, POLICY_SESSION, "session");
}

static FALLIBLE add_facts(struct tx *tx, struct caller *caller, const struct session *session,
                          const struct owner *owner)
{
    char issued[CLOCK_TEXT_MAX];
    struct caller_facts facts = { .ctx = caller };
    for (size_t i = 0; i < session->fact_count; i++)
        caller_fact_add(&facts, session->facts[i].key, session->facts[i].values, session->facts[i].count);
    TRY(caller_fact_tags(tx, &facts, session->account, owner));
    clock_iso8601(session->issued_s * 1000, issued);
    caller_fact_text(&facts, "aws:TokenIssueTime", issued);
    caller_fact_text(&facts, "aws:SourceIdentity", session->source_identity);
    caller_fact_text(&facts, "sts:SourceIdentity", session->source_identity);
    slice *keys = MAKE_ARRAY(caller, slice, session->transitive_count + 1);
    for (size_t i = 0; i < session->transitive_count; i++)
        keys[i] = slice_of(session->transitive[i]);
    if (session->transitive_count > 0)
        caller_fact_add(&facts, "sts:TransitiveTagKeys", keys, session->transitive_count);
    caller->facts = facts.at;
    caller->fact_count = facts.count;
    return NULL;
}

/* The names of the table in auth 4.2.5. */
static void name_caller(struct caller *caller, const struct session *session, const char *name, const char *path)
{
    const char *account = session->account, *as = session->session_name;
    caller->account = account;
    caller->unique_id = caller->user_id = session->unique_id;
    caller->session = session->kind;
    if (session->kind == SESSION_ROLE) {
        caller->arn = text_format(caller, "arn:aws:sts::%s:assumed-role/%s/%s", account, name, as);
        caller->principal_arn = text_format(caller, "arn:aws:iam::%s:role%s%s", account, path, name);
        caller->user_id = text_format(caller, "%s:%s", session->unique_id, as);
        caller->type = "AssumedRole";
    } else if (session->kind == SESSION_FEDERATED) {
        caller->arn = text_format(caller, "arn:aws:sts::%s:federated-user/%s", account, as);
        caller->user_id = text_format(caller, "%s:%s", account, as);
        caller->unique_id = NULL; /* who trusts the user does not trust whom the user lets in */
        caller->type = "FederatedUser";
    } else {
        caller->arn = text_format(caller, "arn:aws:iam::%s:user%s%s", account, path, name);
        caller->user_name = name;
        caller->type = "User";
    }
}

static FALLIBLE make_caller(struct tx *tx, struct caller *caller, const struct session *session, const struct row *row)
{
    const char *name = row_text(caller, row, 0), *path = row_text(caller, row, 1);
    struct owner owner = { session->kind == SESSION_ROLE ? "role" : "user", name, row_text(caller, row, 2) };
    caller->kind = CALLER_IAM;
    name_caller(caller, session, name, path);
    TRY(caller_gather(tx, caller, &owner));
    TRY(add_facts(tx, caller, session, &owner));
    add_session_policies(caller, session);
    return NULL;
}

FALLIBLE session_find_key(struct tx *tx, void *ctx, const struct master_key *master, slice access_key_id, slice token,
                          struct signing_key **out)
{
    struct session *session;
    struct row *row;
    struct signing_key *key = MAKE(ctx, struct signing_key);
    if (!account_open_session(key, master, access_key_id, token, &session, &key->secret))
        return NULL;
    TRY(store_find(tx, key, &row,
                   session->kind == SESSION_ROLE
                       ? "SELECT name, path, boundary FROM iam_role WHERE account = ? AND id = ?"
                       : "SELECT name, path, boundary FROM iam_user WHERE account = ? AND id = ?",
                   ARGS(sql_text(session->account), sql_text(session->unique_id))));
    if (row == NULL)
        return NULL;
    struct caller *caller = MAKE(key, struct caller);
    TRY(make_caller(tx, caller, session, row));
    caller->access_key = slice_text(caller, access_key_id);
    key->caller = caller;
    key->expires_ms = session->expires_s * 1000;
    *out = key;
    return NULL;
}
