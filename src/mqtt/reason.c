/* reason.c - the table of reason codes. */
#include "mqtt/reason.h"

struct row {
    const char *text;
    const char *error; /* NULL: not a refusal */
    uint32_t packets;
    uint8_t connack_code; /* before version 5 */
};

#define IN(packet) (1u << MQTT_##packet)
#define PUBLISHED  (IN(PUBACK) | IN(PUBREC))
#define RELEASED   (IN(PUBREL) | IN(PUBCOMP))
#define SUBSCRIBED (IN(SUBACK) | IN(UNSUBACK))
#define ENDED      IN(DISCONNECT)
#define CONNECTED  IN(CONNACK)

static const struct row rows[] = {
    [0x00] = { "success", NULL, CONNECTED | PUBLISHED | RELEASED | SUBSCRIBED | ENDED | IN(AUTH), 0 },
    [0x01] = { "granted QoS 1", NULL, IN(SUBACK), 0 },
    [0x02] = { "granted QoS 2", NULL, IN(SUBACK), 0 },
    [0x04] = { "disconnect with will", NULL, ENDED, 0 },
    [0x10] = { "no matching subscribers", NULL, PUBLISHED, 0 },
    [0x11] = { "no subscription existed", NULL, IN(UNSUBACK), 0 },
    [0x18] = { "continue authentication", NULL, IN(AUTH), 0 },
    [0x19] = { "re-authenticate", NULL, IN(AUTH), 0 },
    [0x80] = { "unspecified error", "UnspecifiedError", CONNECTED | PUBLISHED | SUBSCRIBED | ENDED, 3 },
    [0x81] = { "malformed packet", "MalformedPacket", CONNECTED | ENDED, 3 },
    [0x82] = { "protocol error", "ProtocolError", CONNECTED | ENDED, 3 },
    [0x83] = { "implementation specific error", "ImplementationSpecificError",
               CONNECTED | PUBLISHED | SUBSCRIBED | ENDED, 3 },
    [0x84] = { "unsupported protocol version", "UnsupportedVersion", CONNECTED, 1 },
    [0x85] = { "client identifier not valid", "ClientIdNotValid", CONNECTED, 2 },
    [0x86] = { "bad user name or password", "BadUserNameOrPassword", CONNECTED, 4 },
    [0x87] = { "not authorized", "NotAuthorized", CONNECTED | PUBLISHED | SUBSCRIBED | ENDED, 5 },
    [0x88] = { "server unavailable", "ServerUnavailable", CONNECTED, 3 },
    [0x89] = { "server busy", "ServerBusy", CONNECTED | ENDED, 3 },
    [0x8a] = { "banned", "Banned", CONNECTED, 5 },
    [0x8b] = { "server shutting down", "ServerShuttingDown", ENDED, 3 },
    [0x8c] = { "bad authentication method", "BadAuthenticationMethod", CONNECTED | ENDED, 4 },
    [0x8d] = { "keep alive timeout", "KeepAliveTimeout", ENDED, 3 },
    [0x8e] = { "session taken over", "SessionTakenOver", ENDED, 3 },
    [0x8f] = { "topic filter invalid", "TopicFilterInvalid", SUBSCRIBED | ENDED, 3 },
    [0x90] = { "topic name invalid", "TopicNameInvalid", CONNECTED | PUBLISHED | ENDED, 3 },
    [0x91] = { "packet identifier in use", "PacketIdInUse", PUBLISHED | SUBSCRIBED, 3 },
    [0x92] = { "packet identifier not found", "PacketIdNotFound", RELEASED, 3 },
    [0x93] = { "receive maximum exceeded", "ReceiveMaximumExceeded", ENDED, 3 },
    [0x94] = { "topic alias invalid", "TopicAliasInvalid", ENDED, 3 },
    [0x95] = { "packet too large", "PacketTooLarge", CONNECTED | ENDED, 3 },
    [0x96] = { "message rate too high", "MessageRateTooHigh", ENDED, 3 },
    [0x97] = { "quota exceeded", "QuotaExceeded", CONNECTED | PUBLISHED | IN(SUBACK) | ENDED, 3 },
    [0x98] = { "administrative action", "AdministrativeAction", ENDED, 3 },
    [0x99] = { "payload format invalid", "PayloadFormatInvalid", CONNECTED | PUBLISHED | ENDED, 3 },
    [0x9a] = { "retain not supported", "RetainNotSupported", CONNECTED | ENDED, 3 },
    [0x9b] = { "QoS not supported", "QosNotSupported", CONNECTED | ENDED, 3 },
    [0x9c] = { "use another server", "UseAnotherServer", CONNECTED | ENDED, 3 },
    [0x9d] = { "server moved", "ServerMoved", CONNECTED | ENDED, 3 },
    [0x9e] = { "shared subscriptions not supported", "SharedSubscriptionsNotSupported", IN(SUBACK) | ENDED, 3 },
    [0x9f] = { "connection rate exceeded", "ConnectionRateExceeded", CONNECTED | ENDED, 3 },
    [0xa0] = { "maximum connect time", "MaximumConnectTime", ENDED, 3 },
    [0xa1] = { "subscription identifiers not supported", "SubscriptionIdsNotSupported", IN(SUBACK) | ENDED, 3 },
    [0xa2] = { "wildcard subscriptions not supported", "WildcardSubscriptionsNotSupported", IN(SUBACK) | ENDED, 3 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), FIRST_REFUSAL = 0x80 };

static const struct row *find(int reason)
{
    return reason >= 0 && reason < ROWS && rows[reason].text != NULL ? &rows[reason] : NULL;
}

const char *mqtt_reason_text(int reason)
{
    const struct row *row = find(reason);
    return row != NULL ? row->text : "unknown reason";
}

const char *mqtt_reason_error(int reason)
{
    const struct row *row = find(reason);
    return row != NULL ? row->error : NULL;
}

int mqtt_reason_of(const error *e)
{
    if (e == NULL)
        return MQTT_SUCCESS;
    for (int reason = FIRST_REFUSAL; reason < ROWS; reason++)
        if (error_is(e, rows[reason].error))
            return reason;
    return MQTT_UNSPECIFIED_ERROR;
}

bool mqtt_reason_fits(int reason, enum mqtt_type type)
{
    const struct row *row = find(reason);
    return row != NULL && row->packets >> type & 1;
}

int mqtt_connack_code(int reason)
{
    const struct row *row = find(reason);
    return row != NULL ? row->connack_code : -1;
}

int mqtt_connack_reason(int code)
{
    static const int reasons[] = { MQTT_SUCCESS,
                                   MQTT_UNSUPPORTED_VERSION,
                                   MQTT_CLIENT_ID_NOT_VALID,
                                   MQTT_SERVER_UNAVAILABLE,
                                   MQTT_BAD_USER_NAME_OR_PASSWORD,
                                   MQTT_NOT_AUTHORIZED };
    return code >= 0 && code < (int)(sizeof(reasons) / sizeof(reasons[0])) ? reasons[code] : -1;
}
