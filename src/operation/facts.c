/* facts.c - the condition keys of a request (auth 4.2.5): who asks, from where, when, with which tags. */
#include "operation/facts.h"
#include "operation/door.h"
#include "base/clock.h"

static void add_values(struct facts *facts, const char *name, const slice *values, size_t count)
{
    *ARRAY_ADD(facts->ctx, facts->keys, facts->count) = (struct policy_key){ slice_of(name), values, count };
}

static void add_slice(struct facts *facts, const char *name, slice value)
{
    if (value.at == NULL)
        return;
    slice *one = MAKE(facts->ctx, slice);
    *one = value;
    add_values(facts, name, one, 1);
}

void facts_add(struct facts *facts, const char *name, const char *value)
{
    add_slice(facts, name, slice_of(value));
}

static void add_time(struct facts *facts, int64_t now_ms)
{
    char text[CLOCK_TEXT_MAX];
    clock_iso8601(now_ms, text);
    facts_add(facts, "aws:CurrentTime", text_copy(facts->ctx, text));
    facts_add(facts, "aws:EpochTime", text_format(facts->ctx, "%lld", (long long)(now_ms / 1000)));
}

/* Nobody here signs with a second factor, and AWS says so of temporary credentials only. */
static void add_caller(struct facts *facts, const struct caller *caller)
{
    facts_add(facts, "aws:PrincipalArn", caller->principal_arn ? caller->principal_arn : caller->arn);
    facts_add(facts, "aws:PrincipalAccount", caller->account);
    facts_add(facts, "aws:PrincipalType", caller->type);
    facts_add(facts, "aws:userid", caller->user_id);
    facts_add(facts, "aws:username", caller->user_name);
    if (caller->session != SESSION_NONE)
        facts_add(facts, "aws:MultiFactorAuthPresent", "false");
}

static void add_session(struct facts *facts, const struct caller *caller)
{
    for (size_t i = 0; i < caller->fact_count; i++)
        add_values(facts, caller->facts[i].key, caller->facts[i].values, caller->facts[i].count);
}

/* Keys of conditions have no case, keys of tags do: "Team" and "team" are two values of one condition key. */
static void add_tag_value(struct facts *facts, const char *key, slice value)
{
    for (size_t i = 0; i < facts->count; i++) {
        struct policy_key *known = &facts->keys[i];
        if (!slice_is_nocase(known->name, key))
            continue;
        slice *both = MAKE_ARRAY(facts->ctx, slice, known->count + 1);
        memcpy(both, known->values, known->count * sizeof(*both));
        both[known->count++] = value;
        known->values = both;
        return;
    }
    add_slice(facts, key, value);
}

/* ---- tags of the request ---- */

struct tags {
    struct facts *facts;
    slice *names;
    size_t count;
};

static void add_tag(struct tags *tags, slice name, slice value)
{
    struct facts *facts = tags->facts;
    *ARRAY_ADD(facts->ctx, tags->names, tags->count) = name;
    add_tag_value(facts, text_format(facts->ctx, "aws:RequestTag/%.*s", PRINT(name)), value.at ? value : SLICE(""));
}

static slice either(const json *object, const char *key, const char *other)
{
    slice value = json_get_slice(object, key);
    return value.at ? value : json_get_slice(object, other);
}

/* [{"Key": ..., "Value": ...}] */
static void add_tag_list(struct tags *tags, json *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json *tag = json_object_array_get_idx(list, i);
        add_tag(tags, either(tag, "Key", "key"), either(tag, "Value", "value"));
    }
}

/* {"key": "value"} */
static void add_tag_map(struct tags *tags, json *map)
{
    json_object_object_foreach (map, key, value) {
        add_tag(tags, slice_of(key), json_text(value));
    }
}

/* The header x-amz-tagging: "k=v&k2=v2", percent-encoded. */
static FALLIBLE add_tag_header(struct tags *tags, struct call *call, slice text)
{
    struct parameters parameters;
    if (!parameters_parse(tags->facts->ctx, text, PLUS_STAYS, &parameters))
        return error_new(call, call->model->model->validation_error,
                         "The tags of the request are not \"key=value&key=value\", percent-encoded.");
    for (size_t i = 0; i < parameters.count; i++)
        add_tag(tags, parameters.at[i].name, parameters.at[i].value);
    return NULL;
}

static json *first_of(const json *input, const char *const *names)
{
    json *found = NULL;
    for (; found == NULL && *names != NULL; names++)
        found = json_get(input, *names);
    return found;
}

static FALLIBLE add_tags(struct facts *facts, struct call *call)
{
    static const char *const tag_members[] = { "tags", "Tags", "IdentityPoolTags", NULL };
    static const char *const key_members[] = { "tagKeys", "TagKeys", NULL };
    json *given = first_of(call->input, tag_members), *keys = first_of(call->input, key_members);
    struct tags tags = { .facts = facts };
    if (json_is_array(given))
        add_tag_list(&tags, given);
    else if (json_is_object(given))
        add_tag_map(&tags, given);
    else if (json_is_text(given))
        TRY(add_tag_header(&tags, call, json_text(given)));
    for (size_t i = 0; json_is_array(keys) && i < json_object_array_length(keys); i++)
        *ARRAY_ADD(facts->ctx, tags.names, tags.count) = json_text(json_object_array_get_idx(keys, i));
    if (tags.count > 0)
        add_values(facts, "aws:TagKeys", tags.names, tags.count);
    return NULL;
}

/* ---- all of them ---- */

static void add_row_context(struct facts *facts, const struct call *call)
{
    const struct authorization *row = call->model ? call->model->authorization : NULL;
    for (size_t i = 0; row && i < row->context_count; i++) {
        struct texts texts = authorization_expand(facts->ctx, call, row->context[i].value);
        slice *values = MAKE_ARRAY(facts->ctx, slice, texts.count + 1);
        for (size_t k = 0; k < texts.count; k++)
            values[k] = slice_of(texts.at[k]);
        if (texts.count > 0)
            add_values(facts, row->context[i].key, values, texts.count);
    }
}

FALLIBLE facts_gather(void *ctx, struct call *call, const struct caller *caller, struct facts *out)
{
    *out = (struct facts){ .ctx = ctx };
    add_caller(out, caller);
    facts_add(out, "aws:SourceIp", call->source_ip);
    facts_add(out, "aws:UserAgent", call->user_agent);
    facts_add(out, "aws:Referer", call->referer);
    facts_add(out, "aws:SecureTransport", "true");
    add_time(out, call->now_ms);
    facts_add(out, "aws:RequestedRegion", call->region);
    facts_add(out, "aws:ResourceAccount", call->account);
    facts_add(out, "aws:ViaAWSService", "false");
    add_row_context(out, call);
    TRY(add_tags(out, call));
    add_session(out, caller);
    return NULL;
}

void facts_of_resource(void *ctx, const struct resource *resource, const char *prefix, struct facts *out)
{
    static const char global[] = "aws:";
    *out = (struct facts){ .ctx = ctx };
    for (size_t i = 0; i < resource->tag_count; i++) {
        const struct caller_fact *tag = &resource->tags[i];
        for (size_t k = 0; k < tag->count; k++) {
            add_tag_value(out, tag->key, tag->values[k]);
            if (strncmp(tag->key, global, sizeof(global) - 1) == 0)
                add_tag_value(out, text_format(ctx, "%s:%s", prefix, tag->key + sizeof(global) - 1), tag->values[k]);
        }
    }
}

FALLIBLE call_facts(void *ctx, struct call *call, struct policy_context *out)
{
    struct facts facts;
    TRY(facts_gather(ctx, call, call->caller, &facts));
    *out = (struct policy_context){ .keys = facts.keys, .count = facts.count };
    return NULL;
}
