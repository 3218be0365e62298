/* station.c - the gateway's part on one loop: its turns, its slots, its end. */
#include "gateway/connection.h"
#include <unistd.h>

enum {
    HANDSHAKES_A_TURN = 16, /* steps of about 0.2 ms: a connect storm delays live connections by 3 ms */
    FIRST_SLOTS = 64
};

FALLIBLE station_new(struct gateway *gateway, struct loop *loop, struct station **out)
{
    struct station *station = MAKE(gateway, struct station);
    station->gateway = gateway;
    station->loop = loop;
    station->uv = loop_uv(loop);
    station->spare_fd = -1;
    station->touched_last = &station->touched;
    station->hungry_last = &station->hungry;
    station->scope = gateway->scope;
    *out = station;
    return tls_new(station, gateway->options.certificates, &station->tls);
}

/* ---- slots ---- */

static void add_slots(struct station *station)
{
    uint32_t count = station->slot_count ? station->slot_count * 2 : FIRST_SLOTS;
    struct slot *slots = MAKE_ARRAY(station, struct slot, count);
    if (station->slot_count > 0)
        memcpy(slots, station->slots, station->slot_count * sizeof(slots[0]));
    for (uint32_t i = station->slot_count; i < count; i++)
        slots[i].next_free = i + 1;
    talloc_free(station->slots);
    station->slots = slots;
    station->free_slot = station->slot_count;
    station->slot_count = count;
}

uint32_t station_take_slot(struct station *station, struct connection *connection)
{
    if (station->free_slot == station->slot_count)
        add_slots(station);
    uint32_t slot = station->free_slot;
    station->free_slot = station->slots[slot].next_free;
    station->slots[slot].connection = connection;
    station->connection_count++;
    return slot;
}

void station_give_slot(struct station *station, uint32_t slot)
{
    station->slots[slot] = (struct slot){ .next_free = station->free_slot };
    station->free_slot = slot;
}

struct connection *station_slot(const struct station *station, uint32_t slot)
{
    return slot < station->slot_count ? station->slots[slot].connection : NULL;
}

/* ---- a turn: wishes of timers are carried out before the poll, those of sockets and posts after it ---- */

static void settle_all(struct station *station)
{
    struct connection *connection;
    while ((connection = station->touched) != NULL) {
        station->touched = connection->next_touched;
        if (station->touched == NULL)
            station->touched_last = &station->touched;
        connection_settle(connection);
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct station *station = idle->data;
    struct connection *all = station->hungry, *next;
    station->hungry = NULL;
    station->hungry_last = &station->hungry;
    for (struct connection *connection = all; connection != NULL; connection = next) {
        next = connection->next_hungry;
        connection_go_on(connection);
    }
}

/* While somebody is hungry the poll must not wait. */
static void watch_hunger(struct station *station)
{
    bool active = uv_is_active((uv_handle_t *)&station->idle);
    if (station->hungry != NULL && !active)
        uv_idle_start(&station->idle, on_idle);
    else if (station->hungry == NULL && active)
        uv_idle_stop(&station->idle);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct station *station = prepare->data;
    settle_all(station);
    watch_hunger(station);
    station->handshakes_left = HANDSHAKES_A_TURN;
}

static void on_check(uv_check_t *check)
{
    struct station *station = check->data;
    settle_all(station);
    watch_hunger(station);
}

void station_open(struct station *station)
{
    station->open = true;
    station->handles = 4;
    station->prepare.data = station->check.data = station->idle.data = station->patience.data = station;
    uv_prepare_init(station->uv, &station->prepare);
    uv_check_init(station->uv, &station->check);
    uv_idle_init(station->uv, &station->idle);
    uv_timer_init(station->uv, &station->patience);
    uv_prepare_start(&station->prepare, on_prepare);
    uv_check_start(&station->check, on_check);
    listeners_start(station);
}

/* ---- the end ---- */

static void all_closed(struct gateway *gateway)
{
    if (__atomic_sub_fetch(&gateway->stations_open, 1, __ATOMIC_ACQ_REL) == 0)
        loop_call(gateway->stations[0]->loop, gateway->shut_done, gateway->shut_arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct station *station = handle->data;
    station->handles--;
    station_check_closed(station);
}

/* Connections go first, then the station's own handles, then it is closed. */
void station_check_closed(struct station *station)
{
    if (!station->shutting || station->connection_count > 0 || station->closed)
        return;
    if (station->open) {
        station->open = false;
        uv_close((uv_handle_t *)&station->prepare, on_handle_closed);
        uv_close((uv_handle_t *)&station->check, on_handle_closed);
        uv_close((uv_handle_t *)&station->idle, on_handle_closed);
        uv_close((uv_handle_t *)&station->patience, on_handle_closed);
    }
    if (station->handles > 0)
        return;
    station->closed = true;
    if (station->spare_fd >= 0)
        close(station->spare_fd);
    all_closed(station->gateway);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct station *station = timer->data;
    for (uint32_t i = 0; i < station->slot_count; i++)
        if (station->slots[i].connection != NULL)
            connection_end(station->slots[i].connection, "the server stops");
}

void station_shut(struct station *station)
{
    station->shutting = true;
    listeners_stop(station);
    for (uint32_t i = 0; i < station->slot_count; i++) {
        struct connection *connection = station->slots[i].connection;
        if (connection != NULL && connection->protocol == NULL)
            connection_end(connection, "the server stops");
        else if (connection != NULL && connection->protocol->is_idle(connection))
            connection_leave(connection, "the server stops");
    }
    uv_timer_start(&station->patience, on_patience_over, station->gateway->shut_patience_ms, 0);
    station_check_closed(station);
}
