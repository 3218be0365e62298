/* hello.c - server_name and ALPN extensions, read without trust. */
#include "gateway/hello.h"

enum { HOST_NAME = 0, HOST_NAME_MAX_BYTES = 255 };

static const char *const names[ALPNS] = {
    [ALPN_NONE] = "",     [ALPN_MQTT_CA] = "x-amzn-mqtt-ca", [ALPN_HTTP_CA] = "x-amzn-http-ca",
    [ALPN_MQTT] = "mqtt", [ALPN_HTTP_1_1] = "http/1.1",
};

const char *alpn_name(enum alpn alpn)
{
    return names[alpn];
}

/* A u16 length and exactly that many bytes, at least one. */
static bool whole_list(slice extension, reader *list)
{
    reader in = reader_of(extension);
    *list = reader_of(reader_bytes(&in, reader_u16(&in)));
    return !in.ran_out && reader_left(&in) == 0 && reader_left(list) > 0;
}

static bool is_host_name(slice name)
{
    return name.length > 0 && name.length <= HOST_NAME_MAX_BYTES && memchr(name.at, 0, name.length) == NULL;
}

enum hello_name hello_server_name(slice extension, slice *name)
{
    reader list;
    *name = (slice){ NULL, 0 };
    if (extension.at == NULL)
        return HELLO_UNNAMED;
    if (!whole_list(extension, &list))
        return HELLO_BROKEN;
    /* One name of each type at most, and only host names are defined: so one entry, as OpenSSL wants it too. */
    uint8_t type = reader_u8(&list);
    slice host = reader_string(&list);
    if (list.ran_out || reader_left(&list) > 0 || type != HOST_NAME || !is_host_name(host))
        return HELLO_BROKEN;
    if (host.length > 1 && slice_ends(host, "."))
        host.length--;
    *name = host;
    return HELLO_NAMED;
}

static enum alpn protocol_named(slice name)
{
    for (enum alpn alpn = ALPN_NONE + 1; alpn < ALPNS; alpn++)
        if (slice_is(name, names[alpn]))
            return alpn;
    return ALPN_NONE;
}

bool hello_protocol(slice extension, unsigned taken, enum alpn *pick)
{
    reader list;
    *pick = ALPN_NONE;
    if (extension.at == NULL)
        return true;
    if (!whole_list(extension, &list))
        return false;
    while (reader_left(&list) > 0) {
        slice name = reader_bytes(&list, reader_u8(&list));
        if (name.length == 0)
            return false;
        enum alpn offered = protocol_named(name);
        if ((taken & ALPN_BIT(offered)) && offered != ALPN_NONE && (*pick == ALPN_NONE || offered < *pick))
            *pick = offered;
    }
    return !list.ran_out;
}
