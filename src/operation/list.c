/* list.c - lists whose rows each become an entry: the shape that most of them share (x509.md 2.6). */
#include "operation/operation.h"

FALLIBLE list_begin(struct list *list)
{
    list->array = json_new_array(list->call);
    return page_begin(list->call, &list->page);
}

static bool goes_down(const struct list *list)
{
    return list->newest_first && !list->page.ascending;
}

struct value list_after(const struct list *list)
{
    const char *after = list->page.after;
    if (!list->numbered)
        return sql_text(after ? after : "");
    if (after == NULL)
        return sql_integer(goes_down(list) ? INT64_MAX : 0);
    return sql_integer(strtoll(after, NULL, 10));
}

struct value list_limit(const struct list *list)
{
    return sql_integer(list->page.size + 1);
}

FALLIBLE list_row(const struct row *row, void *arg)
{
    struct list *list = arg;
    const char *position = list->numbered ? text_format(list->call, "%lld", (long long)row_integer(row, list->position))
                                          : row_text(list->call, row, list->position);
    if (page_take(list->call, &list->page, position))
        json_add(list->array, list->entry(list->call, row));
    return NULL;
}

FALLIBLE list_each(struct list *list, struct list_order order, const struct value *args, size_t count)
{
    struct value all[LIST_ARGS_MAX + 2];
    if (count > LIST_ARGS_MAX)
        return error_new(list->call, "InternalFailureException", "A list takes at most %d values.", LIST_ARGS_MAX);
    memcpy(all, args, count * sizeof(*args));
    all[count] = list_after(list);
    all[count + 1] = list_limit(list);
    return store_each(list->call->tx, list_row, list, goes_down(list) ? order.down : order.up, all, count + 2);
}

error *list_answer(struct list *list)
{
    return page_answer(list->call, &list->page, list->member, list->array);
}

json *list_entry_text(struct call *call, const struct row *row)
{
    slice text = row_slice(row, 0);
    (void)call;
    return json_object_new_string_len(text.at, (int)text.length);
}
