/* claims.c - claims as condition keys, as facts of a session, as its tags. */
#include "sts/claims.h"
#include <ctype.h>
#include <strings.h>

enum { TAGS_MAX = 50, TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256, SOURCE_IDENTITY_MAX = 64 };

/* ---- condition keys ---- */

void claim_keys_add(struct claim_keys *keys, const char *name, const slice *values, size_t count)
{
    *ARRAY_ADD(keys->ctx, keys->at, keys->count) = (struct policy_key){ slice_of(name), values, count };
}

void claim_keys_add_text(struct claim_keys *keys, const char *name, const char *value)
{
    if (value == NULL)
        return;
    slice *one = MAKE(keys->ctx, slice);
    *one = slice_of(value);
    claim_keys_add(keys, name, one, 1);
}

static slice text_of(const json *value)
{
    if (json_is_text(value))
        return json_text(value);
    if (json_is_number(value) || json_is_integer(value) || json_is_bool(value))
        return slice_of(json_object_to_json_string_ext((json *)(uintptr_t)value, JSON_C_TO_STRING_PLAIN));
    return (slice){ NULL, 0 };
}

/* The claim's texts; false when it is of a kind that policies cannot ask about. */
static bool values_of(void *ctx, const json *claim, slice **values, size_t *count)
{
    size_t length = json_is_array(claim) ? json_object_array_length(claim) : 1;
    *values = MAKE_ARRAY(ctx, slice, length + 1);
    *count = length;
    for (size_t i = 0; i < length; i++) {
        (*values)[i] = text_of(json_is_array(claim) ? json_object_array_get_idx(claim, i) : claim);
        if ((*values)[i].at == NULL)
            return false;
    }
    return true;
}

static void add_claim(const char *provider, const char *name, const json *claim, struct claim_keys *keys)
{
    slice *values;
    size_t count;
    if (claim != NULL && values_of(keys->ctx, claim, &values, &count))
        claim_keys_add(keys, text_format(keys->ctx, "%s:%s", provider, name), values, count);
}

/* The exact spelling comes first: the first key of a name is the one that policies see. Others spell none of these. */
static const char *const standard[] = { "aud", "sub", "azp", "amr", "iss", "exp", "iat", "nbf", "email", "oaud" };
enum { STANDARD = sizeof(standard) / sizeof(*standard) };

static bool is_standard(const char *name)
{
    for (size_t i = 0; i < STANDARD; i++)
        if (strcasecmp(name, standard[i]) == 0)
            return true;
    return false;
}

void claims_to_keys(const struct jwt *jwt, const char *provider, struct claim_keys *keys)
{
    for (size_t i = 0; i < STANDARD; i++)
        add_claim(provider, standard[i], json_get(jwt->claims, standard[i]), keys);
    json_object_object_foreach (jwt->claims, name, claim) {
        if (!is_standard(name))
            add_claim(provider, name, claim, keys);
    }
}

/* ---- facts of the session ---- */

struct gathering {
    void *ctx;
    struct caller_fact *facts;
    size_t count, tags; /* the tags come first */
};

static void add_fact(struct gathering *into, const char *key, slice value)
{
    slice *one = MAKE(into->ctx, slice);
    *one = value;
    *ARRAY_ADD(into->ctx, into->facts, into->count) = (struct caller_fact){ key, one, 1 };
}

static void add_identity(struct gathering *into, const struct jwt *jwt, const char *provider, const char *federated)
{
    const json *amr = json_get(jwt->claims, "amr");
    slice *values;
    size_t count;
    add_fact(into, "aws:FederatedProvider", slice_of(federated));
    add_fact(into, text_format(into->ctx, "%s:aud", provider), slice_of(jwt->client_id));
    add_fact(into, text_format(into->ctx, "%s:sub", provider), slice_of(jwt->subject));
    if (amr != NULL && values_of(into->ctx, amr, &values, &count) && count > 0)
        *ARRAY_ADD(into->ctx, into->facts, into->count) =
            (struct caller_fact){ text_format(into->ctx, "%s:amr", provider), values, count };
}

/* ---- tags ---- */

static error *bad(void *ctx, const char *what)
{
    return error_new(ctx, "TokenClaim", "The session tags of the token are not valid: %s.", what);
}

/* Letters, digits, blanks and _.:/=+-@ (auth 2.3); characters past ASCII are taken for letters. */
static bool is_tag_text(slice text, size_t least, size_t most)
{
    if (text.at == NULL || !text_is_utf8(text) || text_utf8_length(text) < least || text_utf8_length(text) > most)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x80 && !isalnum(c) && (c == 0 || strchr(" _.:/=+-@", c) == NULL))
            return false;
    }
    return true;
}

/* "pumps" or ["pumps"] */
static slice tag_value(const json *value)
{
    if (json_is_array(value) && json_object_array_length(value) == 1)
        return json_text(json_object_array_get_idx(value, 0));
    return json_text(value);
}

static const char *tag_named(const struct gathering *into, slice name)
{
    for (size_t i = 0; i < into->tags; i++)
        if (slice_is_nocase(name, into->facts[i].key + strlen(CLAIMS_TAG)))
            return into->facts[i].key + strlen(CLAIMS_TAG);
    return NULL;
}

static FALLIBLE add_tag(struct gathering *into, const char *key, const json *value)
{
    slice text = tag_value(value);
    if (into->tags == TAGS_MAX)
        return bad(into->ctx, "there are more than 50");
    if (!is_tag_text(slice_of(key), 1, TAG_KEY_MAX) || strncasecmp(key, "aws:", 4) == 0)
        return bad(into->ctx, "a key has 1 to 128 letters, digits, blanks or _.:/=+-@, and does not begin with aws:");
    if (!is_tag_text(text, 0, TAG_VALUE_MAX))
        return bad(into->ctx, "a value is one text of at most 256 letters, digits, blanks or _.:/=+-@");
    if (tag_named(into, slice_of(key)) != NULL)
        return bad(into->ctx, "a key is there twice; their case does not count");
    add_fact(into, text_format(into->ctx, CLAIMS_TAG "%s", key), text);
    into->tags++;
    return NULL;
}

static FALLIBLE add_transitive(struct gathering *into, const json *names, struct session *session)
{
    size_t count = json_is_array(names) ? json_object_array_length(names) : 0;
    const char **keys = MAKE_ARRAY(into->ctx, const char *, count + 1);
    if (count > TAGS_MAX)
        return bad(into->ctx, "there are more than 50 transitive keys");
    for (size_t i = 0; i < count; i++) {
        keys[i] = tag_named(into, json_text(json_object_array_get_idx(names, i)));
        if (keys[i] == NULL)
            return bad(into->ctx, "transitive_tag_keys names a key that is none of the tags");
    }
    session->transitive = keys;
    session->transitive_count = count;
    return NULL;
}

static FALLIBLE add_source_identity(void *ctx, const json *claim, struct session *session)
{
    slice text = json_text(claim);
    if (claim == NULL)
        return NULL;
    bool good = text.length >= 2 && text.length <= SOURCE_IDENTITY_MAX;
    for (size_t i = 0; good && i < text.length; i++)
        good = isalnum((unsigned char)text.at[i]) || (text.at[i] != '\0' && strchr("_+=,.@-", text.at[i]) != NULL);
    if (!good)
        return error_new(ctx, "TokenClaim",
                         "The source identity of the token is not 2 to 64 letters, digits or _+=,.@-.");
    session->source_identity = slice_text(ctx, text);
    return NULL;
}

FALLIBLE claims_to_session(void *ctx, const struct jwt *jwt, const char *provider, const char *federated,
                           struct session *session)
{
    const json *claim = json_get(jwt->claims, "https://aws.amazon.com/tags");
    json *tags = json_get_object(claim, "principal_tags");
    struct gathering into = { .ctx = ctx };
    if (tags != NULL) {
        json_object_object_foreach (tags, key, value)
            TRY(add_tag(&into, key, value));
    }
    TRY(add_transitive(&into, json_get(claim, "transitive_tag_keys"), session));
    TRY(add_source_identity(ctx, json_get(jwt->claims, "https://aws.amazon.com/source_identity"), session));
    add_identity(&into, jwt, provider, federated);
    session->facts = into.facts;
    session->fact_count = into.count;
    return NULL;
}
