/* row.c - reading and keeping rows. Asking a column for what it is not ends the process: it is a bug that every test of
   the statement shows. */
#include "store/tx.h"
#include "base/log.h"

static const char *const type_names[] = {
    [VALUE_NULL] = "NULL",
    [VALUE_INTEGER] = "an integer",
    [VALUE_TEXT] = "text",
    [VALUE_BLOB] = "a blob",
};

static const struct value *cell_at(const struct row *row, int column)
{
    if (column < 0 || column >= row->columns) {
        log_error(NULL, "the store was asked for column %d of a row of %d", column, row->columns);
        abort();
    }
    return &row->cells[column];
}

static _Noreturn void is_wrong(int column, const struct value *cell, const char *wanted)
{
    log_error(NULL, "the store was asked for %s in column %d, which holds %s", wanted, column, type_names[cell->type]);
    abort();
}

bool row_is_null(const struct row *row, int column)
{
    return cell_at(row, column)->type == VALUE_NULL;
}

int64_t row_integer(const struct row *row, int column)
{
    const struct value *cell = cell_at(row, column);
    if (cell->type != VALUE_INTEGER && cell->type != VALUE_NULL)
        is_wrong(column, cell, "an integer");
    return cell->integer;
}

slice row_slice(const struct row *row, int column)
{
    const struct value *cell = cell_at(row, column);
    if (cell->type == VALUE_INTEGER)
        is_wrong(column, cell, "bytes");
    return cell->bytes;
}

char *row_text(void *ctx, const struct row *row, int column)
{
    slice bytes = row_slice(row, column);
    return bytes.at == NULL ? NULL : text_copy_n(ctx, bytes.at, bytes.length);
}

struct row *row_copy(void *ctx, const struct row *row)
{
    size_t head = sizeof(struct row) + (size_t)row->columns * sizeof(struct value), length = head;
    for (int i = 0; i < row->columns; i++)
        length += row->cells[i].bytes.at == NULL ? 0 : row->cells[i].bytes.length + 1;

    char *piece = memory_zeroed(ctx, length, 1, "struct row");
    struct row *copy = (struct row *)piece;
    copy->columns = row->columns;
    copy->cells = (struct value *)(copy + 1);
    char *at = piece + head;
    for (int i = 0; i < row->columns; i++) {
        copy->cells[i] = row->cells[i];
        slice bytes = row->cells[i].bytes;
        if (bytes.at == NULL)
            continue;
        memcpy(at, bytes.at, bytes.length);
        copy->cells[i].bytes.at = at;
        at += bytes.length + 1;
    }
    return copy;
}
