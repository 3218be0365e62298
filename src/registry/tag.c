/* tag.c - tags of types, groups, policies and templates (x509.md 4.15). */
#include "registry/inner.h"

enum { TAGS_MAX = 50 };

FALLIBLE registry_write_tags(struct call *call, const char *resource_arn)
{
    json *tags = json_get_array(call->input, "tags");
    size_t count = tags ? json_object_array_length(tags) : 0;
    if (count > TAGS_MAX)
        return error_new(call, "InvalidRequestException", "tags: a resource has at most %d tags.", TAGS_MAX);
    for (size_t i = 0; i < count; i++) {
        json *tag = json_object_array_get_idx(tags, i);
        slice value = json_get_slice(tag, "Value");
        if (slice_starts(json_get_slice(tag, "Key"), "aws:"))
            return error_new(call, "InvalidRequestException", "tags: the prefix aws: of key %s is reserved.",
                             json_get_text(tag, "Key"));
        TRY(store_run(call->tx, NULL,
                      "INSERT INTO resource_tag (account, region, resource, name, value) VALUES (?, ?, ?, ?, ?) "
                      "ON CONFLICT (account, region, resource, name) DO UPDATE SET value = excluded.value",
                      ARGS(sql_text(call->account), sql_text(call->region), sql_text(resource_arn),
                           sql_slice(json_get_slice(tag, "Key")), value.at ? sql_slice(value) : sql_text(""))));
    }
    return NULL;
}

FALLIBLE registry_remove_tags(struct call *call, const char *resource_arn)
{
    return store_run(call->tx, NULL, "DELETE FROM resource_tag WHERE account = ? AND region = ? AND resource = ?",
                     ARGS(sql_text(call->account), sql_text(call->region), sql_text(resource_arn)));
}
