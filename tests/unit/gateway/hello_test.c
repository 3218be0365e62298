/* hello_test.c - extensions of a ClientHello, as clients and attackers write them. */
#include "gateway/hello.h"
#include "table.h"

#define BYTES(literal)               \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct name_row {
    const char *name;
    slice extension;
    enum hello_name answer;
    const char *host;
} names[] = {
    { "no extension", { NULL, 0 }, HELLO_UNNAMED, NULL },
    { "a name", BYTES("\x00\x0c\x00\x00\x09localhost"), HELLO_NAMED, "localhost" },
    { "a trailing dot goes", BYTES("\x00\x05\x00\x00\x02h."), HELLO_NAMED, "h" },
    { "capitals stay", BYTES("\x00\x05\x00\x00\x02Hh"), HELLO_NAMED, "Hh" },
    { "a dot alone is a name", BYTES("\x00\x04\x00\x00\x01."), HELLO_NAMED, "." },
    { "empty", { "", 0 }, HELLO_BROKEN, NULL },
    { "an empty list", BYTES("\x00\x00"), HELLO_BROKEN, NULL },
    { "an empty name", BYTES("\x00\x03\x00\x00\x00"), HELLO_BROKEN, NULL },
    { "a list shorter than it says", BYTES("\x00\x0d\x00\x00\x09localhost"), HELLO_BROKEN, NULL },
    { "a list longer than it says", BYTES("\x00\x0b\x00\x00\x09localhost"), HELLO_BROKEN, NULL },
    { "a name longer than the list", BYTES("\x00\x0c\x00\x00\x0alocalhost"), HELLO_BROKEN, NULL },
    { "a name shorter than the list", BYTES("\x00\x0c\x00\x00\x08localhost"), HELLO_BROKEN, NULL },
    { "another type of name", BYTES("\x00\x0c\x01\x00\x09localhost"), HELLO_BROKEN, NULL },
    { "two names", BYTES("\x00\x08\x00\x00\x01g\x00\x00\x01h"), HELLO_BROKEN, NULL },
    { "a NUL in the name", BYTES("\x00\x06\x00\x00\x03h\x00x"), HELLO_BROKEN, NULL },
};

static void names_a_host(void **state)
{
    const struct name_row *row = *state;
    slice name;
    assert_int_equal(hello_server_name(row->extension, &name), row->answer);
    if (row->host != NULL)
        assert_true(slice_is(name, row->host));
    else
        assert_null(name.at);
}

#define ALL     0x1e
#define MQTT_CA "\x0ex-amzn-mqtt-ca"
#define HTTP_CA "\x0ex-amzn-http-ca"
#define MQTT    "\x04mqtt"
#define HTTP    "\x08http/1.1"

static const struct protocol_row {
    const char *name;
    slice extension;
    unsigned taken;
    enum { WHOLE, BROKEN } state;
    enum alpn pick;
} protocols[] = {
    { "no extension", { NULL, 0 }, ALL, WHOLE, ALPN_NONE },
    { "x-amzn-mqtt-ca", BYTES("\x00\x0f" MQTT_CA), ALL, WHOLE, ALPN_MQTT_CA },
    { "x-amzn-http-ca", BYTES("\x00\x0f" HTTP_CA), ALL, WHOLE, ALPN_HTTP_CA },
    { "mqtt", BYTES("\x00\x05" MQTT), ALL, WHOLE, ALPN_MQTT },
    { "http/1.1", BYTES("\x00\x09" HTTP), ALL, WHOLE, ALPN_HTTP_1_1 },
    { "our order counts, not theirs", BYTES("\x00\x2c" HTTP MQTT HTTP_CA MQTT_CA), ALL, WHOLE, ALPN_MQTT_CA },
    { "http before nothing", BYTES("\x00\x0c\x02h2" HTTP), ALL, WHOLE, ALPN_HTTP_1_1 },
    { "none that we know", BYTES("\x00\x03\x02h2"), ALL, WHOLE, ALPN_NONE },
    { "known, but not taken here", BYTES("\x00\x09" HTTP), ALPN_BIT(ALPN_MQTT_CA), WHOLE, ALPN_NONE },
    { "the taken one of two", BYTES("\x00\x0e" MQTT HTTP), ALPN_BIT(ALPN_HTTP_1_1), WHOLE, ALPN_HTTP_1_1 },
    { "case counts", BYTES("\x00\x05\x04MQTT"), ALL, WHOLE, ALPN_NONE },
    { "empty", { "", 0 }, ALL, BROKEN, ALPN_NONE },
    { "an empty list", BYTES("\x00\x00"), ALL, BROKEN, ALPN_NONE },
    { "an empty protocol", BYTES("\x00\x06\x00\x04mqtt"), ALL, BROKEN, ALPN_NONE },
    { "a protocol past the end", BYTES("\x00\x05\x05mqtt"), ALL, BROKEN, ALPN_NONE },
    { "a list past the end", BYTES("\x00\x06\x04mqtt"), ALL, BROKEN, ALPN_NONE },
    { "bytes after the list", BYTES("\x00\x05\x04mqttx"), ALL, BROKEN, ALPN_NONE },
};

static void picks(void **state)
{
    const struct protocol_row *row = *state;
    enum alpn pick;
    assert_int_equal(hello_protocol(row->extension, row->taken, &pick), row->state == WHOLE);
    if (row->state == WHOLE)
        assert_int_equal(pick, row->pick);
}

int main(void)
{
    return RUN_TABLES(TABLE(names, names_a_host), TABLE(protocols, picks));
}
