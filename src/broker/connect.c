/* connect.c - CONNECT, from the packet to CONNACK (broker.md 4.2). */
#include "broker/inner.h"
#include "base/encode.h"
#include "base/random.h"

enum { SESSION_EXPIRY_DEFAULT_S = 3600, SMALLEST_MAXIMUM_PACKET = 512 };

/* ---- refusing ---- */

void connect_refuse(struct client *client, int reason, const char *text)
{
    struct mqtt_packet packet = { .type = MQTT_CONNACK, .reason = (uint8_t)reason };
    if (client_is_v5(client) && client->wants_reasons && text != NULL)
        mqtt_set_text(&packet.properties, MQTT_REASON_STRING, slice_of(text));
    client_send(client, &packet);
    atomic_fetch_add(&client->broker->count.connects_refused, 1);
    client_end(client, 0, "CONNECT_REFUSED", text);
}

/* ---- assigned client ids: "$GEN/" and a UUID whose last twelve digits only this server can make for this certificate,
   so that it knows the id again without remembering it (broker.md 4.2, row 4) ---- */

enum { ASSIGNED_HEAD = 24, ASSIGNED_TAIL_BYTES = 6 };

static const char *assigned_id(void *ctx, const struct client *client, slice head)
{
    uint8_t mac[DIGEST_BYTES];
    const char *whose = client->peer.certificate_id ? client->peer.certificate_id : "";
    slice text = slice_of(text_format(ctx, "%s/%.*s", whose, PRINT(head)));
    master_key_mac(client->broker->key, "assigned client id", text, mac);
    return text_format(ctx, "$GEN/%.*s%s", PRINT(head), hex_encode(ctx, slice_bytes(mac, ASSIGNED_TAIL_BYTES)));
}

static bool was_assigned(const struct client *client, slice id)
{
    SCRATCH ctx = talloc_new(NULL);
    slice uuid = slice_from(id, strlen("$GEN/"));
    return uuid.length > ASSIGNED_HEAD && slice_is(id, assigned_id(ctx, client, (slice){ uuid.at, ASSIGNED_HEAD }));
}

/* ---- the packet: what is needed later is copied, since its bytes go ---- */

static bool is_valid_id(const struct client *client, slice id)
{
    if (slice_starts(id, "$GEN/"))
        return was_assigned(client, id);
    return id.length <= CLIENT_ID_MAX && !slice_starts(id, "$");
}

static int will_fault(const struct client *client, const struct mqtt_will *will)
{
    SCRATCH ctx = talloc_new(NULL);
    const char *text;
    if (will->qos > 1)
        return MQTT_QOS_NOT_SUPPORTED;
    if (mqtt_check_topic_name(ctx, &mqtt_limits_aws, will->topic) != NULL || slice_starts(will->topic, "$"))
        return MQTT_TOPIC_NAME_INVALID;
    if (will->retain && client->broker->options.store == NULL)
        return MQTT_RETAIN_NOT_SUPPORTED;
    return will->payload.length > payload_limit(client->broker) ? MQTT_QUOTA_EXCEEDED
                                                                : message_fault(&will->properties, &text);
}

static void keep_will(struct client *client, const struct mqtt_will *will)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH, .properties = will->properties };
    packet.publish.topic = will->topic;
    packet.publish.payload = will->payload;
    packet.publish.qos = will->qos;
    packet.publish.retain = will->retain;
    client->wish.will_fault = will_fault(client, will);
    client->wish.will_delay_s = mqtt_number(&will->properties, MQTT_WILL_DELAY, 0);
    if (client->wish.will_fault == 0)
        client->will = message_new(&packet, client->client_id);
}

unsigned session_expiry_max(const struct broker *broker)
{
    return broker->options.session_expiry_max_s ? broker->options.session_expiry_max_s : SESSION_EXPIRY_DEFAULT_S;
}

static void keep_wishes(struct client *client, const struct mqtt_packet *packet)
{
    const struct mqtt_connect *connect = &packet->connect;
    const struct mqtt_properties *properties = &packet->properties;
    uint32_t most = session_expiry_max(client->broker), wanted;
    if (client_is_v5(client))
        wanted = mqtt_number(properties, MQTT_SESSION_EXPIRY, 0);
    else
        wanted = connect->clean ? 0 : most;
    client->wish.clean = connect->clean;
    client->wish.keep_alive_s = connect->keep_alive_s;
    client->wish.expiry_s = wanted < most ? wanted : most;
    client->wish.has_authentication = mqtt_has(properties, MQTT_AUTHENTICATION_METHOD);
    client->wish.valid_id = is_valid_id(client, connect->client_id);
    client->receive_maximum = mqtt_number(properties, MQTT_RECEIVE_MAXIMUM, UINT16_MAX);
    client->maximum_packet_size = mqtt_number(properties, MQTT_MAXIMUM_PACKET_SIZE, 0);
    client->wants_reasons = mqtt_number(properties, MQTT_REQUEST_PROBLEM_INFORMATION, 1) != 0;
    if (connect->client_id.length == 0 && (client_is_v5(client) || connect->clean)) {
        client->client_id = assigned_id(client, client, (slice){ random_uuid(client), ASSIGNED_HEAD });
        client->id_assigned = true;
    } else {
        client->wish.valid_id = client->wish.valid_id && connect->client_id.length > 0;
        client->client_id = client->wish.valid_id ? slice_text(client, connect->client_id) : "";
    }
    client->id_scope.value = client->client_id;
    if (connect->will != NULL)
        keep_will(client, connect->will);
}

void connect_packet(struct client *client, const struct mqtt_packet *packet)
{
    if (packet->version == MQTT_3_1) {
        client->version = MQTT_3_1_1; /* CONNACK has the same shape */
        connect_refuse(client, MQTT_UNSUPPORTED_VERSION, "MQTT 3.1 is not offered; use 3.1.1 or 5");
        return;
    }
    keep_wishes(client, packet);
    client_enter(client, &phase_deciding);
    refresh_note(client);
    client->transport->read(client->arg, false);
    client->transport->admit(client->arg, client, slice_of(client->client_id));
}

/* ---- the gateway has answered: checks 4 to 8, in this order ---- */

static int id_fault(const struct client *client)
{
    return client->wish.valid_id ? 0 : MQTT_CLIENT_ID_NOT_VALID;
}

static int authentication_fault(const struct client *client)
{
    return client->wish.has_authentication ? MQTT_BAD_AUTHENTICATION_METHOD : 0;
}

static int packet_size_fault(const struct client *client)
{
    return client->maximum_packet_size != 0 && client->maximum_packet_size < SMALLEST_MAXIMUM_PACKET
               ? MQTT_PACKET_TOO_LARGE
               : 0;
}

static int wish_will_fault(const struct client *client)
{
    return client->wish.will_fault;
}

static const struct check {
    int (*fault)(const struct client *client); /* reason code, or 0 */
    const char *text;
} checks[] = {
    { id_fault, "the client id is empty, longer than 128 bytes, or begins with $" },
    { authentication_fault, "no authentication method is offered" },
    { packet_size_fault, "the maximum packet size is below 512" },
    { wish_will_fault, "the will's topic, QoS, retain flag, size or properties are not allowed" },
};

static bool passes_checks(struct client *client)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        int reason = checks[i].fault(client);
        if (reason == 0)
            continue;
        /* version 3 knows a code for the client id only; a bad will just closes (broker.md 4.2, rows 4 and 7) */
        if (client_is_v5(client) || reason == MQTT_CLIENT_ID_NOT_VALID)
            connect_refuse(client, reason, checks[i].text);
        else
            client_end(client, 0, "CLIENT_ERROR", checks[i].text);
        return false;
    }
    return true;
}

static bool may_leave_will(struct client *client)
{
    return client->will == NULL || will_is_allowed(client);
}

static bool may_connect(struct client *client)
{
    const char *text = "no policy allows iot:Connect as this client id";
    if (client_may_connect(client)) {
        if (may_leave_will(client))
            return true;
        text = "no policy allows iot:Publish, or iot:RetainPublish, on the will's topic";
    }
    if (client_is_v5(client)) {
        connect_refuse(client, MQTT_NOT_AUTHORIZED, text);
        return false;
    }
    atomic_fetch_add(&client->broker->count.connects_refused, 1);
    client_end(client, 0, "AUTHORIZATION_FAILED", NULL); /* 3.1.1: closed without CONNACK (row 8) */
    return false;
}

void client_keep_principal(struct client *client, struct principal *principal)
{
    talloc_free(client->policies);
    principal_drop(client->principal);
    client->principal = principal;
    refresh_places(client);
    client->policies = MAKE_ARRAY(client, const struct policy *, principal->policy_count + 1);
    for (size_t i = 0; i < principal->policy_count; i++)
        client->policies[i] = principal->policies[i].policy;
}

void broker_client_admit(struct client *client, struct principal *principal, const error *refused)
{
    if (client->closing || refused != NULL) {
        principal_drop(principal);
        if (!client->closing && client->phase == &phase_serving) {
            refresh_take(client, NULL, refused);
        } else if (!client->closing) {
            atomic_fetch_add(&client->broker->count.connects_refused, 1);
            client_end(client, 0, refused->name, NULL);
        }
        return;
    }
    if (client->phase == &phase_serving) {
        refresh_take(client, principal, NULL);
        return;
    }
    client_keep_principal(client, principal);
    if (passes_checks(client) && may_connect(client))
        session_claim(client);
}

/* ---- CONNACK ---- */

static unsigned keep_alive_of(uint16_t wanted_s)
{
    if (wanted_s == 0 || wanted_s > KEEP_ALIVE_MAX_S)
        return KEEP_ALIVE_MAX_S;
    return wanted_s < KEEP_ALIVE_MIN_S ? KEEP_ALIVE_MIN_S : wanted_s;
}

static void send_connack(struct client *client, bool session_present)
{
    struct mqtt_packet packet = { .type = MQTT_CONNACK };
    struct mqtt_properties *properties = &packet.properties;
    packet.connack.session_present = session_present;
    if (client_is_v5(client)) {
        mqtt_set_number(properties, MQTT_SESSION_EXPIRY, client->session->expiry_s);
        mqtt_set_number(properties, MQTT_RECEIVE_MAXIMUM, INFLIGHT_MAX);
        mqtt_set_number(properties, MQTT_MAXIMUM_QOS, 1);
        mqtt_set_number(properties, MQTT_RETAIN_AVAILABLE, client->broker->options.store != NULL);
        mqtt_set_number(properties, MQTT_MAXIMUM_PACKET_SIZE, PACKET_V5_MAX);
        mqtt_set_number(properties, MQTT_TOPIC_ALIAS_MAXIMUM, INBOUND_ALIASES);
        mqtt_set_number(properties, MQTT_WILDCARD_AVAILABLE, 1);
        mqtt_set_number(properties, MQTT_SUBSCRIPTION_ID_AVAILABLE, 0);
        mqtt_set_number(properties, MQTT_SHARED_AVAILABLE, 0);
        mqtt_set_number(properties, MQTT_SERVER_KEEP_ALIVE, client->keep_alive_s);
        if (client->id_assigned)
            mqtt_set_text(properties, MQTT_ASSIGNED_CLIENT_ID, slice_of(client->client_id));
    }
    client_send(client, &packet);
}

void client_reauthorize(struct client *client)
{
    struct subscription *subscription, *next;
    HASH_ITER (hh, client->session->subscriptions, subscription, next) {
        if (!client_may(client, "iot:Subscribe", "topicfilter/", slice_of(subscription->filter)))
            session_unsubscribe(client->session, slice_of(subscription->filter));
    }
}

void connect_continue(struct client *client, bool session_present)
{
    struct session *session = client->session;
    will_cancel(session);
    session->expiry_s = client->wish.expiry_s;
    session->persistent = client_is_v5(client) ? client->wish.expiry_s > 0 : !client->wish.clean;
    if (session_present)
        client_reauthorize(client); /* another certificate, or other policies since then (broker.md 4.3, 4.10) */
    client->keep_alive_s = keep_alive_of(client->wish.keep_alive_s);
    client->counted = true;
    atomic_fetch_add(&client->broker->count.connects, 1);
    log_info(&client->id_scope, "connected: certificate %s, thing %s", client->principal->id,
             client->principal->thing ? client->principal->thing->name : "none");
    send_connack(client, session_present);
    client_enter(client, &phase_serving);
    session_resume(session);
    client->transport->read(client->arg, true);
}
