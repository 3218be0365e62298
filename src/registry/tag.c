/* tag.c - tags of resources: given when they are made, later, asked for by policies (x509.md 4.15; auth.md 4.2.5). */
#include "registry/inner.h"

enum { TAGS_MAX = 50 };

/* ---- writing ---- */

static FALLIBLE count_tags(struct call *call, const char *resource_arn, int64_t *out)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*) FROM resource_tag WHERE account = ? AND region = ? AND resource = ?",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(resource_arn))));
    *out = row_integer(row, 0);
    return NULL;
}

static FALLIBLE write_tag(struct call *call, const char *resource_arn, const json *tag)
{
    slice key = json_get_slice(tag, "Key"), value = json_get_slice(tag, "Value");
    if (key.length >= strlen("aws:") && slice_is_nocase((slice){ key.at, strlen("aws:") }, "aws:"))
        return error_new(call, "InvalidRequestException", "tags: the prefix aws: of key %.*s is reserved.", PRINT(key));
    return store_run(call->tx, NULL,
                     "INSERT INTO resource_tag (account, region, resource, name, value) VALUES (?, ?, ?, ?, ?) "
                     "ON CONFLICT (account, region, resource, name) DO UPDATE SET value = excluded.value",
                     ARGS(sql_text(call->account), sql_text(call->region), sql_text(resource_arn), sql_slice(key),
                          value.at ? sql_slice(value) : sql_text("")));
}

/* `refusal`: what too many of them are called. */
static FALLIBLE write_tags(struct call *call, const char *resource_arn, const char *refusal)
{
    json *tags = json_get_array(call->input, "tags");
    size_t count = tags ? json_object_array_length(tags) : 0;
    int64_t held = 0;
    if (count > TAGS_MAX)
        return error_new(call, refusal, "tags: a resource has at most %d tags.", TAGS_MAX);
    for (size_t i = 0; i < count; i++)
        TRY(write_tag(call, resource_arn, json_object_array_get_idx(tags, i)));
    TRY(count_tags(call, resource_arn, &held));
    if (held > TAGS_MAX)
        return error_new(call, refusal, "tags: %s would have %d tags; a resource has at most %d.", resource_arn,
                         (int)held, TAGS_MAX);
    return NULL;
}

FALLIBLE registry_write_tags(struct call *call, const char *resource_arn)
{
    return write_tags(call, resource_arn, "InvalidRequestException");
}

FALLIBLE registry_remove_tags(struct call *call, const char *resource_arn)
{
    return store_run(call->tx, NULL, "DELETE FROM resource_tag WHERE account = ? AND region = ? AND resource = ?",
                     ARGS(sql_text(call->account), sql_text(call->region), sql_text(resource_arn)));
}

/* ---- what can be tagged ----
   The rows of some kinds belong to rooms above; that one of them is there is all that is asked here, so that every kind
   is a row of this table. A kind without a statement is one of which this server keeps none. */

#define FROM_NAMED(table) "SELECT 1 FROM " table " WHERE account = ? AND region = ? AND name = ?"

static const struct kind {
    const char *start; /* behind arn:aws:iot:REGION:ACCOUNT: */
    const char *exists;
} kinds[] = {
    { "thinggroup/", FROM_NAMED("thing_group") },
    { "thingtype/", FROM_NAMED("thing_type") },
    { "billinggroup/", FROM_NAMED("billing_group") },
    { "policy/", FROM_NAMED("policy") },
    { "provisioningtemplate/", FROM_NAMED("template") },
    { "rolealias/", FROM_NAMED("role_alias") },
    { "cacert/", "SELECT 1 FROM ca_certificate WHERE account = ? AND region = ? AND id = ?" },
    { "domainconfiguration/", NULL },
    { "certificateprovider/", NULL },
    { "certificateprovider:", NULL },
    { "authorizer/", NULL },
    { "rule/", NULL },
    { "job/", NULL },
    { "jobtemplate/", NULL },
    { "stream/", NULL },
};

static const struct kind *kind_of(slice rest)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (slice_starts(rest, kinds[i].start) && rest.length > strlen(kinds[i].start))
            return &kinds[i];
    return NULL;
}

/* Another account's, region's or partition's ARN is refused for what it says, whether there is such a resource or not. */
static FALLIBLE check_resource(struct call *call, const char *arn)
{
    const char *here = call_arn(call, "%s", "");
    const struct kind *kind = slice_starts(slice_of(arn), here) ? kind_of(slice_of(arn + strlen(here))) : NULL;
    struct row *row = NULL;
    if (kind == NULL)
        return error_new(call, "InvalidRequestException",
                         "resourceArn: %s is not the ARN of a resource of this account and region that can be tagged.",
                         arn);
    if (kind->exists != NULL)
        TRY(store_find(
            call->tx, call, &row, kind->exists,
            ARGS(sql_text(call->account), sql_text(call->region), sql_text(arn + strlen(here) + strlen(kind->start)))));
    return row ? NULL : error_new(call, "ResourceNotFoundException", "The resource %s cannot be found.", arn);
}

/* ---- TagResource, UntagResource, ListTagsForResource ---- */

static FALLIBLE tag_resource(struct call *call)
{
    const char *arn = call_string(call, "resourceArn");
    TRY(check_resource(call, arn));
    TRY(write_tags(call, arn, "LimitExceededException"));
    TRY(call_change(call, "resource-tag", arn, "UPDATED", NULL));
    return answer(call);
}

static FALLIBLE untag_resource(struct call *call)
{
    const char *arn = call_string(call, "resourceArn");
    json *keys = json_get_array(call->input, "tagKeys");
    TRY(check_resource(call, arn));
    if (json_object_array_length(keys) > TAGS_MAX)
        return error_new(call, "InvalidRequestException", "tagKeys: a resource has at most %d tags.", TAGS_MAX);
    for (size_t i = 0; i < json_object_array_length(keys); i++)
        TRY(store_run(call->tx, NULL,
                      "DELETE FROM resource_tag WHERE account = ? AND region = ? AND resource = ? AND name = ?",
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(arn),
                           sql_slice(json_text(json_object_array_get_idx(keys, i))))));
    TRY(call_change(call, "resource-tag", arn, "UPDATED", NULL));
    return answer(call);
}

static json *tag_entry(struct call *call, const struct row *row)
{
    json *tag = json_object_new_object();
    (void)call;
    json_put_slice(tag, "Key", row_slice(row, 0));
    json_put_slice(tag, "Value", row_slice(row, 1));
    return tag;
}

static FALLIBLE list_tags(struct call *call)
{
    struct list list = { .call = call, .member = "tags", .entry = tag_entry };
    const char *arn = call_string(call, "resourceArn");
    TRY(check_resource(call, arn));
    TRY(list_begin(&list));
    TRY(store_each(
        call->tx, list_row, &list,
        "SELECT name, value FROM resource_tag WHERE account = ? AND region = ? AND resource = ? AND name > ? "
        "ORDER BY name LIMIT ?",
        ARGS(sql_text(call->account), sql_text(call->region), sql_text(arn), list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

const struct operation registry_op_tag = { "iot", "TagResource", STEPS({ APPLY, tag_resource }) };
const struct operation registry_op_untag = { "iot", "UntagResource", STEPS({ APPLY, untag_resource }) };
const struct operation registry_op_list_tags = { "iot", "ListTagsForResource", STEPS({ READ, list_tags }) };

/* ---- what policies ask about a resource ---- */

struct facts {
    void *ctx;
    struct caller_fact *at;
    size_t count;
};

static FALLIBLE collect_fact(const struct row *row, void *arg)
{
    struct facts *facts = arg;
    struct caller_fact *fact = ARRAY_ADD(facts->ctx, facts->at, facts->count);
    slice *value = MAKE(facts->ctx, slice);
    *value = slice_of(row_text(facts->ctx, row, 1));
    *fact = (struct caller_fact){ .key = text_format(facts->ctx, "aws:ResourceTag/%.*s", PRINT(row_slice(row, 0))),
                                  .values = value,
                                  .count = 1 };
    return NULL;
}

FALLIBLE registry_resource(struct tx *tx, void *ctx, const struct call *call, struct resource *resource)
{
    struct facts facts = { .ctx = ctx };
    if (resource->arn == NULL || strcmp(resource->arn, "*") == 0)
        return NULL;
    TRY(store_each(tx, collect_fact, &facts,
                   "SELECT name, value FROM resource_tag WHERE account = ? AND region = ? AND resource = ? "
                   "ORDER BY name",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(resource->arn))));
    resource->tags = facts.at;
    resource->tag_count = facts.count;
    return NULL;
}
