/* gateway_hello_fuzz.c - what is read out of a ClientHello's extensions lies inside them. The first byte is the set of
   protocols that are taken. */
#include "gateway/hello.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    slice extension = slice_bytes(data + 1, size - 1), name;
    unsigned taken = data[0];
    enum alpn pick;
    if (hello_server_name(extension, &name) == HELLO_NAMED) {
        must(name.length > 0 && name.length <= 255);
        must(name.at >= extension.at && name.at + name.length <= extension.at + extension.length);
        must(memchr(name.at, 0, name.length) == NULL);
    }
    if (hello_protocol(extension, taken, &pick) && pick != ALPN_NONE) {
        must(taken & ALPN_BIT(pick));
        must(memmem(extension.at, extension.length, alpn_name(pick), strlen(alpn_name(pick))) != NULL);
    }
    return 0;
}
