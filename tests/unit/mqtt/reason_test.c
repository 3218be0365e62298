/* reason_test.c - reason codes, their texts and their errors (broker 3.1, 4.2). */
#include "packets.h"

static const struct row {
    const char *name; /* the code's text */
    int reason;
    const char *error;
    int connack_code;
} rows[] = {
    { "success", 0x00, NULL, 0 },
    { "granted QoS 2", 0x02, NULL, 0 },
    { "unspecified error", 0x80, "UnspecifiedError", 3 },
    { "malformed packet", 0x81, "MalformedPacket", 3 },
    { "protocol error", 0x82, "ProtocolError", 3 },
    { "unsupported protocol version", 0x84, "UnsupportedVersion", 1 },
    { "client identifier not valid", 0x85, "ClientIdNotValid", 2 },
    { "bad user name or password", 0x86, "BadUserNameOrPassword", 4 },
    { "not authorized", 0x87, "NotAuthorized", 5 },
    { "server unavailable", 0x88, "ServerUnavailable", 3 },
    { "bad authentication method", 0x8c, "BadAuthenticationMethod", 4 },
    { "topic filter invalid", 0x8f, "TopicFilterInvalid", 3 },
    { "topic name invalid", 0x90, "TopicNameInvalid", 3 },
    { "topic alias invalid", 0x94, "TopicAliasInvalid", 3 },
    { "packet too large", 0x95, "PacketTooLarge", 3 },
    { "quota exceeded", 0x97, "QuotaExceeded", 3 },
    { "QoS not supported", 0x9b, "QosNotSupported", 3 },
    { "wildcard subscriptions not supported", 0xa2, "WildcardSubscriptionsNotSupported", 3 },
    { "unknown reason", 0x03, NULL, -1 },
    { "unknown reason", 0xa3, NULL, -1 },
    { "unknown reason", 0xff, NULL, -1 },
    { "unknown reason", -1, NULL, -1 },
};

static void is_in_the_table(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    assert_string_equal(mqtt_reason_text(row->reason), row->name);
    assert_int_equal(mqtt_connack_code(row->reason), row->connack_code);
    if (row->error == NULL) {
        assert_null(mqtt_reason_error(row->reason));
        return;
    }
    assert_string_equal(mqtt_reason_error(row->reason), row->error);
    assert_int_equal(mqtt_reason_of(error_new(ctx, row->error, "why")), row->reason);
}

static const struct code {
    const char *name;
    int code;
    int reason;
} codes[] = {
    { "accepted", 0, MQTT_SUCCESS },
    { "version", 1, MQTT_UNSUPPORTED_VERSION },
    { "identifier", 2, MQTT_CLIENT_ID_NOT_VALID },
    { "unavailable", 3, MQTT_SERVER_UNAVAILABLE },
    { "user name", 4, MQTT_BAD_USER_NAME_OR_PASSWORD },
    { "authorization", 5, MQTT_NOT_AUTHORIZED },
    { "six", 6, -1 },
    { "minus one", -1, -1 },
};

static void is_a_connack_code(void **state)
{
    const struct code *row = *state;
    assert_int_equal(mqtt_connack_reason(row->code), row->reason);
    if (row->reason >= 0)
        assert_int_equal(mqtt_connack_code(row->reason), row->code);
}

/* What AWS IoT Core sends must be in the table (broker 3.1), and a few codes that don't belong. */
static const struct packet {
    const char *name;
    enum mqtt_type type;
    const char *codes; /* hexadecimal */
    const char *others;
} packets[] = {
    { "CONNACK", MQTT_CONNACK, "00 80 84 85 86 87 88 8c 90 95 97 9b", "01 04 8b 8d 8e 8f 91 92 98 a0" },
    { "PUBACK", MQTT_PUBACK, "00 10 80 83 87 90 91 97 99", "01 11 81 82 92 9b" },
    { "PUBREC", MQTT_PUBREC, "00 10 80 83 87 90 91 97 99", "01 11 81 82 92 9b" },
    { "PUBREL", MQTT_PUBREL, "00 92", "10 80 91" },
    { "PUBCOMP", MQTT_PUBCOMP, "00 92", "10 80 91" },
    { "SUBACK", MQTT_SUBACK, "00 01 02 80 83 87 8f 91 97 9e a1 a2", "03 04 11 90 9b" },
    { "UNSUBACK", MQTT_UNSUBACK, "00 11 80 83 87 8f 91", "01 02 97" },
    { "DISCONNECT", MQTT_DISCONNECT, "00 04 80 81 82 87 8b 8d 8e 8f 90 93 94 95 97 98 9b a0 a1", "01 10 18 84 85 91" },
    { "AUTH", MQTT_AUTH, "00 18 19", "04 87" },
    { "PUBLISH", MQTT_PUBLISH, "", "00 80" },
};

static void has_codes(void **state)
{
    const struct packet *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice mine = bytes_of_digits(ctx, row->codes), others = bytes_of_digits(ctx, row->others);
    for (size_t i = 0; i < mine.length; i++)
        assert_true(mqtt_reason_fits((uint8_t)mine.at[i], row->type));
    for (size_t i = 0; i < others.length; i++)
        assert_false(mqtt_reason_fits((uint8_t)others.at[i], row->type));
}

static void of_other_errors(void **state)
{
    SCRATCH ctx = talloc_new(NULL);
    (void)state;
    assert_int_equal(mqtt_reason_of(NULL), MQTT_SUCCESS);
    assert_int_equal(mqtt_reason_of(error_new(ctx, "ThrottlingException", "why")), MQTT_UNSPECIFIED_ERROR);
}

static const struct {
    const char *name;
} once[] = { { "no error is success, a foreign one is unspecified" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_in_the_table), TABLE(codes, is_a_connack_code), TABLE(packets, has_codes),
                      TABLE(once, of_other_errors));
}
