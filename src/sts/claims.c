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

static void add_fact(void *ctx, struct caller_fact *facts, size_t *count, const char *key, slice value)
{
    slice *one = MAKE(ctx, slice);
    *one = value;
    facts[(*count)++] = (struct caller_fact){ key, one, 1 };
}

void claims_to_facts(void *ctx, const struct jwt *jwt, const char *provider, const char *federated,
                     const struct caller_fact **out, size_t *count)
{
    struct caller_fact *facts = MAKE_ARRAY(ctx, struct caller_fact, 4);
    const json *amr = json_get(jwt->claims, "amr");
    slice *values;
    size_t values_count;
    *count = 0;
    *out = facts;
    add_fact(ctx, facts, count, "aws:FederatedProvider", slice_of(federated));
    add_fact(ctx, facts, count, text_format(ctx, "%s:aud", provider), slice_of(jwt->client_id));
    add_fact(ctx, facts, count, text_format(ctx, "%s:sub", provider), slice_of(jwt->subject));
    if (amr != NULL && values_of(ctx, amr, &values, &values_count) && values_count > 0)
        facts[(*count)++] = (struct caller_fact){ text_format(ctx, "%s:amr", provider), values, values_count };
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

static FALLIBLE add_tag(void *ctx, const char *key, const json *value, struct session_tag *tags, size_t *count)
{
    slice text = tag_value(value);
    if (*count == TAGS_MAX)
        return bad(ctx, "there are more than 50");
    if (!is_tag_text(slice_of(key), 1, TAG_KEY_MAX) || strncasecmp(key, "aws:", 4) == 0)
        return bad(ctx, "a key has 1 to 128 letters, digits, blanks or _.:/=+-@, and does not begin with aws:");
    if (!is_tag_text(text, 0, TAG_VALUE_MAX))
        return bad(ctx, "a value is one text of at most 256 letters, digits, blanks or _.:/=+-@");
    for (size_t i = 0; i < *count; i++)
        if (strcasecmp(tags[i].key, key) == 0)
            return bad(ctx, "a key is there twice; their case does not count");
    tags[(*count)++] = (struct session_tag){ text_copy(ctx, key), slice_text(ctx, text) };
    return NULL;
}

static const char *tag_key(const struct grant *grant, slice name)
{
    for (size_t i = 0; i < grant->tag_count; i++)
        if (slice_is(name, grant->tags[i].key))
            return grant->tags[i].key;
    return NULL;
}

static FALLIBLE add_transitive(void *ctx, const json *names, struct grant *grant)
{
    size_t count = json_is_array(names) ? json_object_array_length(names) : 0;
    const char **keys = MAKE_ARRAY(ctx, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        keys[i] = tag_key(grant, json_text(json_object_array_get_idx(names, i)));
        if (keys[i] == NULL)
            return bad(ctx, "transitive_tag_keys names a key that is none of the tags");
    }
    grant->transitive = keys;
    grant->transitive_count = count;
    return NULL;
}

static FALLIBLE add_source_identity(void *ctx, const json *claim, struct grant *grant)
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
    grant->source_identity = slice_text(ctx, text);
    return NULL;
}

FALLIBLE claims_to_grant(void *ctx, const struct jwt *jwt, struct grant *grant)
{
    const json *claim = json_get(jwt->claims, "https://aws.amazon.com/tags");
    json *tags = json_get_object(claim, "principal_tags");
    struct session_tag *made = MAKE_ARRAY(ctx, struct session_tag, TAGS_MAX);
    grant->tags = made;
    if (tags != NULL) {
        json_object_object_foreach (tags, key, value)
            TRY(add_tag(ctx, key, value, made, &grant->tag_count));
    }
    TRY(add_transitive(ctx, json_get(claim, "transitive_tag_keys"), grant));
    return add_source_identity(ctx, json_get(jwt->claims, "https://aws.amazon.com/source_identity"), grant);
}
