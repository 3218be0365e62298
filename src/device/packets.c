/* packets.c - what a client says, and what it makes of what the server says. */
#include "device/client.h"

/* ---- out ---- */

bool client_queue(struct device_client *client, const struct mqtt_packet *packet)
{
    size_t size = mqtt_size(client->wish.version, packet);
    return size > 0 && size <= client->packet_max && mqtt_write(&client->out, client->wish.version, packet);
}

void client_say_hello(struct device_client *client)
{
    const struct device_client_wish *wish = &client->wish;
    struct mqtt_packet packet = { .type = MQTT_CONNECT,
                                  .connect = { .level = (uint8_t)wish->version,
                                               .clean = !wish->resume,
                                               .keep_alive_s = wish->keep_alive_s,
                                               .client_id = slice_of(wish->client_id) } };
    if (wish->version == MQTT_5) {
        mqtt_set_number(&packet.properties, MQTT_RECEIVE_MAXIMUM, DEVICE_IN_FLIGHT_MAX);
        mqtt_set_number(&packet.properties, MQTT_MAXIMUM_PACKET_SIZE, DEVICE_PACKET_MAX);
        if (wish->session_s > 0)
            mqtt_set_number(&packet.properties, MQTT_SESSION_EXPIRY, wish->session_s);
    }
    if (!client_queue(client, &packet))
        client_end(client, DEVICE_BAD_SERVER, 0, "the client id is too long");
}

void client_say_goodbye(struct device_client *client)
{
    struct mqtt_packet packet = { .type = MQTT_DISCONNECT };
    (void)!client_queue(client, &packet); /* with a full queue the connection just closes */
}

void client_ping(struct device_client *client)
{
    struct mqtt_packet packet = { .type = MQTT_PINGREQ };
    if (client_queue(client, &packet))
        client_flush(client);
}

static bool is_in_flight(const struct device_client *client, uint16_t id)
{
    for (size_t i = 0; i < client->in_flight_count; i++)
        if (client->in_flight[i].id == id)
            return true;
    return false;
}

static uint16_t new_id(struct device_client *client)
{
    do
        client->last_id = client->last_id == UINT16_MAX ? 1 : client->last_id + 1;
    while (is_in_flight(client, client->last_id));
    return client->last_id;
}

/* Queues a packet that wants an acknowledgement. */
static bool ask(struct device_client *client, struct mqtt_packet *packet, enum mqtt_type ack, uint16_t *id)
{
    if (client->in_flight_count >= client->in_flight_max)
        return false;
    packet->id = new_id(client);
    if (!client_queue(client, packet))
        return false;
    client->in_flight[client->in_flight_count].id = packet->id;
    client->in_flight[client->in_flight_count++].ack = ack;
    if (id != NULL)
        *id = packet->id;
    client_flush(client);
    return true;
}

bool device_client_publish(struct device_client *client, const struct mqtt_publish *message, uint16_t *id)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH, .publish = *message };
    if (!client_is_serving(client) || message->qos > 1)
        return false;
    if (message->qos == 1)
        return ask(client, &packet, MQTT_PUBACK, id);
    if (id != NULL)
        *id = 0;
    if (!client_queue(client, &packet))
        return false;
    client_flush(client);
    return true;
}

bool device_client_subscribe(struct device_client *client, const char *const *filters, size_t count, uint8_t qos,
                             uint16_t *id)
{
    if (!client_is_serving(client))
        return false;
    SCRATCH work = talloc_new(NULL);
    struct mqtt_packet packet = { .type = MQTT_SUBSCRIBE };
    packet.subscribe.list = MAKE_ARRAY(work, struct mqtt_subscription, count);
    packet.subscribe.count = count;
    for (size_t i = 0; i < count; i++)
        packet.subscribe.list[i] = (struct mqtt_subscription){ .filter = slice_of(filters[i]), .qos = qos };
    return ask(client, &packet, MQTT_SUBACK, id);
}

/* ---- in ---- */

static FALLIBLE broken(void *ctx, const char *rule)
{
    return error_new(ctx, "ProtocolError", "%s", rule);
}

static FALLIBLE take_connack(struct device_client *client, void *ctx, const struct mqtt_packet *packet)
{
    const struct mqtt_properties *properties = &packet->properties;
    if (!client_is_greeting(client))
        return broken(ctx, "a second CONNACK");
    if (packet->reason != MQTT_SUCCESS) {
        client_end(client, DEVICE_REFUSED, packet->reason, mqtt_reason_text(packet->reason));
        return NULL;
    }
    uint32_t in_flight = mqtt_number(properties, MQTT_RECEIVE_MAXIMUM, UINT16_MAX);
    if (in_flight < client->in_flight_max)
        client->in_flight_max = in_flight;
    client->packet_max = mqtt_number(properties, MQTT_MAXIMUM_PACKET_SIZE, MQTT_LARGEST_PACKET);
    client->keep_alive_s = (uint16_t)mqtt_number(properties, MQTT_SERVER_KEEP_ALIVE, client->keep_alive_s);
    client_serve(client);
    if (client->wish.handlers->connected != NULL)
        client->wish.handlers->connected(client, packet->connack.session_present);
    return NULL;
}

static FALLIBLE take_publish(struct device_client *client, void *ctx, const struct mqtt_packet *packet)
{
    struct mqtt_packet answer = { .type = MQTT_PUBACK, .id = packet->id };
    if (packet->publish.topic.length == 0)
        return broken(ctx, "a PUBLISH with a topic alias, though none is taken");
    if (packet->publish.qos > 1)
        return broken(ctx, "a PUBLISH of QoS 2, though none was asked for");
    if (client->wish.handlers->message != NULL)
        client->wish.handlers->message(client, &packet->publish);
    if (packet->publish.qos == 1 && client_is_serving(client) && !client_queue(client, &answer))
        client_end(client, DEVICE_LOST, 0, "the server does not read its acknowledgements");
    return NULL;
}

static int worst(slice codes)
{
    int reason = 0;
    for (size_t i = 0; i < codes.length; i++)
        if ((unsigned char)codes.at[i] > reason)
            reason = (unsigned char)codes.at[i];
    return reason;
}

static FALLIBLE take_ack(struct device_client *client, void *ctx, const struct mqtt_packet *packet)
{
    size_t i = 0;
    while (i < client->in_flight_count &&
           (client->in_flight[i].id != packet->id || client->in_flight[i].ack != packet->type))
        i++;
    if (i == client->in_flight_count)
        return broken(ctx, "an acknowledgement of what was never sent");
    client->in_flight[i] = client->in_flight[--client->in_flight_count];
    if (client->wish.handlers->acknowledged != NULL)
        client->wish.handlers->acknowledged(
            client, packet->id, packet->type == MQTT_PUBACK ? packet->reason : worst(packet->acknowledged.codes));
    return NULL;
}

static FALLIBLE take_pong(struct device_client *client, void *ctx, const struct mqtt_packet *packet)
{
    (void)client, (void)ctx, (void)packet; /* that something came is all that matters */
    return NULL;
}

static FALLIBLE take_goodbye(struct device_client *client, void *ctx, const struct mqtt_packet *packet)
{
    (void)ctx;
    client_end(client, DEVICE_SENT_AWAY, packet->reason, mqtt_reason_text(packet->reason));
    return NULL;
}

static const struct {
    FALLIBLE (*take)(struct device_client *client, void *ctx, const struct mqtt_packet *packet);
    bool when_greeting;
} packets[16] = {
    [MQTT_CONNACK] = { take_connack, true },     [MQTT_PUBLISH] = { take_publish, false },
    [MQTT_PUBACK] = { take_ack, false },         [MQTT_SUBACK] = { take_ack, false },
    [MQTT_UNSUBACK] = { take_ack, false },       [MQTT_PINGRESP] = { take_pong, false },
    [MQTT_DISCONNECT] = { take_goodbye, false },
};

static FALLIBLE take_frame(struct device_client *client, void *ctx, const struct mqtt_frame *frame)
{
    struct mqtt_packet packet;
    TRY(mqtt_decode(ctx, client->wish.version, frame, &packet));
    TRY(mqtt_check_sender(ctx, MQTT_SERVER, &packet));
    if (packets[packet.type].take == NULL || (client_is_greeting(client) && !packets[packet.type].when_greeting))
        return broken(ctx, text_format(ctx, "an unexpected %s", mqtt_type_name(packet.type)));
    return packets[packet.type].take(client, ctx, &packet);
}

static void take_whole(struct device_client *client, const struct mqtt_frame *frame)
{
    SCRATCH work = talloc_new(NULL);
    const error *e = take_frame(client, work, frame);
    if (e != NULL)
        client_end(client, DEVICE_BAD_SERVER, mqtt_reason_of(e), e->message);
}

/* A handler may disconnect: what is behind its packet is of no interest then. */
static bool is_listening(const struct device_client *client)
{
    return client_is_serving(client) || (client_is_greeting(client) && !client->ended);
}

void client_take(struct device_client *client)
{
    size_t taken = 0;
    while (is_listening(client)) {
        struct mqtt_frame frame;
        slice rest = slice_from(writer_slice_of(&client->in), taken);
        enum mqtt_frame_result result = mqtt_frame_take(rest, DEVICE_PACKET_MAX, client->wish.version, &frame);
        if (result == MQTT_FRAME_PARTIAL)
            break;
        if (result != MQTT_FRAME_WHOLE) {
            client_end(client, DEVICE_BAD_SERVER, 0,
                       result == MQTT_FRAME_BROKEN ? "a malformed packet" : "a packet of more than 256 KiB");
            return;
        }
        taken += frame.length;
        take_whole(client, &frame);
    }
    memmove(client->in.at, client->in.at + taken, client->in.length - taken);
    client->in.length -= taken;
}
