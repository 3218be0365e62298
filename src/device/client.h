/* client.h - one connection, as its two files see it: client.c has the wire and the phases, packets.c the packets. */
#pragma once
#include "device/inner.h"

struct phase;

struct device_client {
    uv_loop_t *loop;
    struct device_client_wish wish;
    const struct phase *phase;

    /* The wire. libuv closes handles later, so a poll is a piece of memory of its own. */
    size_t address_at;
    int fd;
    uv_poll_t *poll;
    int events; /* what the poll waits for */
    SSL *ssl;
    uv_timer_t timer;

    writer out; /* queued packets, of which out_at bytes are gone */
    size_t out_at;
    writer in;                               /* the beginning of a packet, at most */
    bool got_anything, sent_anything, asked; /* since the last tick; a PINGREQ is on its way */

    struct {
        uint16_t id;
        enum mqtt_type ack;
    } in_flight[DEVICE_IN_FLIGHT_MAX];
    size_t in_flight_count, in_flight_max;
    uint16_t last_id;
    size_t packet_max; /* of the server */
    uint16_t keep_alive_s;

    bool ended;
    struct device_end end;
};

/* client.c */
void client_end(struct device_client *client, enum device_end_kind kind, int reason, const char *text);
void client_serve(struct device_client *client); /* CONNACK was good: the connected phase begins */
bool client_is_serving(const struct device_client *client);
bool client_is_greeting(const struct device_client *client); /* CONNECT is on its way */
void client_flush(struct device_client *client);

/* packets.c */
bool client_queue(struct device_client *client, const struct mqtt_packet *packet);
void client_say_hello(struct device_client *client);
void client_say_goodbye(struct device_client *client);
void client_ping(struct device_client *client);
void client_take(struct device_client *client); /* every whole packet of client->in */
