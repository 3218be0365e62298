/* json_fuzz.c - what parses prints, and parses again to the same value. */
#include "base/json.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *ctx = talloc_new(NULL);
    json *value, *again;
    if (json_parse(ctx, slice_bytes(data, size), 64, &value) == NULL) {
        slice printed = json_print(ctx, value);
        error *e = json_parse(ctx, printed, 64, &again);
        /* Printing drops white space, which the bound on objects and arrays counts. */
        if (e == NULL ? !json_same(value, again) : strstr(e->message, "too many") == NULL)
            abort();
    }
    talloc_free(ctx);
    return 0;
}
