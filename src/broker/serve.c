/* serve.c - what a connected client may send (broker.md 4.5, 4.7). */
#include "broker/inner.h"

static void ping(struct client *client, const struct mqtt_packet *packet)
{
    struct mqtt_packet answer = { .type = MQTT_PINGRESP };
    (void)packet;
    client_send(client, &answer);
}

static void acknowledge(struct client *client, const struct mqtt_packet *packet)
{
    session_acknowledge(client->session, packet->id); /* an unknown id or a refusal counts as done (4.6) */
}

/* 0x00 takes the will along; any other code leaves it to be sent. Expiry may shrink, or end the session now. */
static void disconnect(struct client *client, const struct mqtt_packet *packet)
{
    if (mqtt_has(&packet->properties, MQTT_SESSION_EXPIRY)) {
        uint32_t wanted = packet->properties.session_expiry_s, most = session_expiry_max(client->broker);
        if (client->session->expiry_s == 0 && wanted > 0) {
            client_end(client, MQTT_PROTOCOL_ERROR, "CLIENT_ERROR", "DISCONNECT prolongs a session that has no expiry");
            return;
        }
        client->session->expiry_s = wanted > most ? most : wanted;
        client->session->persistent = wanted > 0;
    }
    if (packet->reason == MQTT_SUCCESS) {
        message_drop(client->will);
        client->will = NULL;
    }
    client_end(client, 0, "CLIENT_INITIATED_DISCONNECT", NULL);
}

static const struct {
    void (*handle)(struct client *client, const struct mqtt_packet *packet);
} handlers[] = {
    [MQTT_PUBLISH] = { publish_packet },
    [MQTT_PUBACK] = { acknowledge },
    [MQTT_SUBSCRIBE] = { subscribe_packet },
    [MQTT_UNSUBSCRIBE] = { unsubscribe_packet },
    [MQTT_PINGREQ] = { ping },
    [MQTT_DISCONNECT] = { disconnect },
    [MQTT_AUTH] = { NULL },
};

void serve_packet(struct client *client, const struct mqtt_packet *packet)
{
    if (handlers[packet->type].handle != NULL)
        handlers[packet->type].handle(client, packet);
    else
        client_end(client, MQTT_PROTOCOL_ERROR, "CLIENT_ERROR",
                   text_format(client, "%s is not expected now", mqtt_type_name(packet->type)));
}
