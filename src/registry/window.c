/* window.c - lists that must look at rows which they do not show: a bound on the rows of a call.

   A walk gives rows in name order, wanted or not. Windows grow from one page until the page is full, the rows are over,
   or the bound is reached; then the page is short, or empty, and its token goes on behind the last row examined. */
#include "registry/inner.h"

enum { GROWTH = 4 };

FALLIBLE window_row(const struct row *row, void *arg)
{
    struct window *window = arg;
    struct call *call = window->call;
    if (window->full)
        return NULL;
    const char *position = row_text(call, row, 0);
    window->examined++;
    if (row_integer(row, window->wanted) && !page_take(call, &window->page, position)) {
        window->full = true;
        return NULL;
    }
    window->last = position;
    if (row_integer(row, window->wanted))
        json_add(window->array, window->entry(call, row));
    return NULL;
}

FALLIBLE window_fill(struct window *window, FALLIBLE (*walk)(struct window *window, const char *after, int64_t rows),
                     void *arg)
{
    window->arg = arg;
    window->array = json_new_array(window->call);
    TRY(page_begin(window->call, &window->page));
    window->last = window->page.after ? window->page.after : "";
    for (int64_t rows = window->page.size + 1; !window->full; rows *= GROWTH) {
        if (rows > REGISTRY_ROWS_A_PAGE - window->examined)
            rows = REGISTRY_ROWS_A_PAGE - window->examined;
        int64_t before = window->examined;
        TRY(walk(window, window->last, rows));
        if (window->full || window->examined - before < rows)
            return NULL;
        if (window->examined == REGISTRY_ROWS_A_PAGE) {
            window->page.more = true;
            window->page.last = window->last;
            return NULL;
        }
    }
    return NULL;
}

error *window_answer(struct window *window)
{
    return page_answer(window->call, &window->page, window->member, window->array);
}
