/* attributes.c - attributes of things and groups, and names by their prefix (x509.md 4.13, 4.15). */
#include "registry/inner.h"

bool registry_same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

json *registry_attributes_after(void *ctx, const json *before, const json *given, bool merge)
{
    json *after = merge && before != NULL ? json_copy_deep(ctx, before) : json_new_object(ctx);
    if (given == NULL)
        return after;
    json_object_object_foreach ((json *)given, name, value) {
        if (json_text(value).length > 0)
            json_put_slice(after, name, json_text(value));
        else
            json_object_object_del(after, name);
    }
    return after;
}

/* No name has this character, or one after it. */
#define BEHIND_ALL "\x7f"

struct value registry_prefix_after(const struct list *list)
{
    slice prefix = call_text(list->call, "namePrefixFilter");
    if (list->page.after != NULL || prefix.length == 0)
        return list_after(list);
    char *last = text_copy_n(list->call, prefix.at, prefix.length);
    last[prefix.length - 1]--;
    return sql_text(text_format(list->call, "%s" BEHIND_ALL, last));
}

struct value registry_prefix_before(const struct list *list)
{
    const char *prefix = call_string(list->call, "namePrefixFilter");
    return sql_text(text_format(list->call, "%s" BEHIND_ALL, prefix ? prefix : ""));
}
