/* cbor_fuzz.c - what parses prints, at no great length, and parses again to the same value. */
#include "base/cbor.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *ctx = talloc_new(NULL);
    json *value, *again;
    if (cbor_parse(ctx, slice_bytes(data, size), 4, &value) == NULL) {
        slice printed = cbor_print(ctx, value);
        /* 264 elements have a longer head than the two bytes of an indefinite array. */
        if (printed.length > 2 * size || cbor_parse(ctx, printed, 4, &again) != NULL || !json_same(value, again))
            abort();
    }
    talloc_free(ctx);
    return 0;
}
