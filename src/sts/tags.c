/* tags.c - session tags: given by the request, or handed down by the session that asks (auth 4.5). */
#include "sts/inner.h"

#define PRINCIPAL_TAG "aws:PrincipalTag/"

/* Keys of tags are compared without regard to case: that is how policies look for them. */
struct tagging {
    struct call *call;
    struct caller_fact *facts;
    size_t count, inherited;
    const char **transitive;
    size_t transitive_count;
};

static const struct caller_fact *find_fact(const struct caller_fact *facts, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(facts[i].key, key) == 0)
            return &facts[i];
    return NULL;
}

static const char *fact_of(struct call *call, slice key)
{
    return text_format(call, PRINCIPAL_TAG "%.*s", PRINT(key));
}

static void add_transitive(struct tagging *tagging, slice key)
{
    *ARRAY_ADD(tagging->call, tagging->transitive, tagging->transitive_count) = slice_text(tagging->call, key);
}

/* ---- from the session before ---- */

static void inherit(struct tagging *tagging)
{
    const struct caller *caller = tagging->call->caller;
    const struct caller_fact *keys = find_fact(caller->facts, caller->fact_count, "sts:TransitiveTagKeys");
    for (size_t i = 0; caller->session == SESSION_ROLE && keys != NULL && i < keys->count; i++) {
        const struct caller_fact *tag =
            find_fact(caller->facts, caller->fact_count, fact_of(tagging->call, keys->values[i]));
        if (tag == NULL)
            continue;
        *ARRAY_ADD(tagging->call, tagging->facts, tagging->count) = *tag;
        add_transitive(tagging, keys->values[i]);
    }
    tagging->inherited = tagging->count;
}

/* ---- from the request ---- */

static FALLIBLE take_tag(struct tagging *tagging, slice key, slice value)
{
    static const char reserved[] = "aws:";
    struct call *call = tagging->call;
    const char *fact = fact_of(call, key);
    slice start = { key.at, key.length < sizeof(reserved) - 1 ? key.length : sizeof(reserved) - 1 };
    if (slice_is_nocase(start, reserved))
        return error_new(call, "ValidationError", "Tags: the prefix aws: of key %.*s is reserved.", PRINT(key));
    if (find_fact(tagging->facts, tagging->inherited, fact) != NULL)
        return error_new(call, "ValidationError",
                         "One of the specified transitive tag keys can't be set because it conflicts with a transitive "
                         "tag key from the calling session.");
    if (find_fact(tagging->facts, tagging->count, fact) != NULL)
        return error_new(call, "ValidationError",
                         "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    slice *one = MAKE(call, slice);
    *one = value.at ? slice_copy(call, value) : SLICE("");
    *ARRAY_ADD(call, tagging->facts, tagging->count) = (struct caller_fact){ fact, one, 1 };
    return NULL;
}

static FALLIBLE take_transitive(struct tagging *tagging, slice key)
{
    for (size_t i = 0; i < tagging->transitive_count; i++)
        if (slice_is_nocase(key, tagging->transitive[i]))
            return NULL;
    if (find_fact(tagging->facts, tagging->count, fact_of(tagging->call, key)) == NULL)
        return error_new(tagging->call, "ValidationError",
                         "The specified transitive tag key must be included in the requested tags.");
    add_transitive(tagging, key);
    return NULL;
}

FALLIBLE sts_take_tags(struct call *call, struct session *session)
{
    struct tagging tagging = { .call = call };
    json *tags = json_get_array(call->input, "Tags"), *keys = json_get_array(call->input, "TransitiveTagKeys");
    inherit(&tagging);
    for (size_t i = 0; tags != NULL && i < json_object_array_length(tags); i++) {
        json *tag = json_object_array_get_idx(tags, i);
        TRY(take_tag(&tagging, json_get_slice(tag, "Key"), json_get_slice(tag, "Value")));
    }
    for (size_t i = 0; keys != NULL && i < json_object_array_length(keys); i++)
        TRY(take_transitive(&tagging, json_text(json_object_array_get_idx(keys, i))));
    session->facts = tagging.facts;
    session->fact_count = tagging.count;
    session->transitive = tagging.transitive;
    session->transitive_count = tagging.transitive_count;
    return NULL;
}

bool sts_is_tagged(const struct session *session)
{
    for (size_t i = 0; i < session->fact_count; i++)
        if (strncmp(session->facts[i].key, PRINCIPAL_TAG, strlen(PRINCIPAL_TAG)) == 0)
            return true;
    return false;
}
