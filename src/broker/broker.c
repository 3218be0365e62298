/* broker.c - the broker as a whole: made, counted, asked from outside, shut. */
#include "broker/inner.h"
#include "base/clock.h"
#include "base/random.h"
#include <utlist.h>

enum { SWEEP_S = 60 };

struct broker_loop *broker_loop_of(struct broker *broker, const struct loop *loop)
{
    return &broker->loops[loop_index(loop)];
}

/* ---- sessions and messages whose time is over ---- */

/* Each loop looks after its share of the stripes. */
static void forget_fights(const struct broker_loop *on, int64_t now_ms)
{
    for (size_t i = on->index; i < STRIPES; i += on->broker->options.loop_count) {
        struct stripe *stripe = &on->broker->stripes[i];
        pthread_mutex_lock(&stripe->lock);
        fights_forget(stripe, now_ms);
        pthread_mutex_unlock(&stripe->lock);
    }
}

static void every_second(uv_timer_t *timer)
{
    struct broker_loop *on = timer->data;
    int64_t now = clock_monotonic_ms();
    struct session *session, *next;
    DL_FOREACH_SAFE(on->sessions, session, next)
    {
        if (session->client != NULL) {
            session_give_up(session, now);
            continue;
        }
        will_send_if_due(session, now);
        if (now >= session->ends_ms)
            session_end(session);
    }
    forget_fights(on, now);
    refresh_clients(on);
    if (on->broker->options.store == NULL)
        return;
    lookups_retry(on);
    if (on->index == 0 && ++on->seconds % SWEEP_S == 0)
        retained_sweep(on->broker);
}

/* ---- made ---- */

static int free_broker(struct broker *broker)
{
    struct account_topics *topics, *next;
    HASH_ITER (hh, broker->topics, topics, next) {
        HASH_DEL(broker->topics, topics);
        pthread_rwlock_destroy(&topics->lock);
        talloc_free(topics);
    }
    for (size_t i = 0; i < STRIPES; i++)
        fights_forget(&broker->stripes[i], INT64_MAX);
    return 0;
}

static const struct master_key *passing_key(void *ctx)
{
    uint8_t bytes[MASTER_KEY_BYTES];
    random_bytes(bytes, sizeof(bytes));
    return master_key_new(ctx, bytes);
}

FALLIBLE broker_new(void *ctx, const struct broker_options *options, struct broker **out)
{
    struct broker *broker = *out = MAKE(ctx, struct broker);
    broker->options = *options;
    broker->key = options->master_key ? options->master_key : passing_key(broker);
    broker->loops = MAKE_ARRAY(broker, struct broker_loop, options->loop_count);
    atomic_init(&broker->loops_left, (unsigned)options->loop_count);
    pthread_mutex_init(&broker->topics_lock, NULL);
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_init(&broker->stripes[i].lock, NULL);
    for (size_t i = 0; i < options->loop_count; i++) {
        struct broker_loop *on = &broker->loops[i];
        on->broker = broker;
        on->loop = options->loops[i];
        on->index = (unsigned)i;
        uv_timer_init(loop_uv(on->loop), &on->second);
        on->second.data = on;
        uv_timer_start(&on->second, every_second, 1000, 1000);
    }
    talloc_set_destructor(broker, free_broker);
    return NULL;
}

/* ---- asked from outside ---- */

struct errand {
    struct loop_post post;
    struct broker_loop *on;
    const char *account, *certificate_id;
};

static void disconnect_here(struct loop_post *post)
{
    struct errand *errand = (struct errand *)post;
    struct client *client, *next;
    DL_FOREACH_SAFE(errand->on->clients, client, next)
    {
        const struct principal *principal = client->principal;
        if (principal != NULL && strcmp(principal->account, errand->account) == 0 &&
            strcmp(principal->id, errand->certificate_id) == 0)
            client_end(client, MQTT_NOT_AUTHORIZED, "AUTH_ERROR", "the certificate is no longer active");
    }
    talloc_free(errand);
}

static struct errand *errand_new(struct broker_loop *on, void (*run)(struct loop_post *))
{
    struct errand *errand = MAKE(NULL, struct errand);
    errand->post.run = run;
    errand->on = on;
    return errand;
}

void broker_disconnect_principal(struct broker *broker, const char *account, const char *certificate_id)
{
    for (size_t i = 0; i < broker->options.loop_count; i++) {
        struct errand *errand = errand_new(&broker->loops[i], disconnect_here);
        errand->account = text_copy(errand, account);
        errand->certificate_id = text_copy(errand, certificate_id);
        loop_post(broker->loops[i].loop, &errand->post);
    }
}

struct announcement {
    struct loop_post post;
    struct broker *broker;
    struct account_topics *topics;
    struct message *message;
};

static void announce(struct loop_post *post)
{
    struct announcement *announcement = (struct announcement *)post;
    topics_route(announcement->broker, announcement->topics, announcement->message);
    message_drop(announcement->message);
    talloc_free(announcement);
}

void broker_publish(struct broker *broker, const char *account, slice topic, slice payload)
{
    struct mqtt_packet packet = { .type = MQTT_PUBLISH };
    packet.publish.topic = topic;
    packet.publish.payload = payload;
    packet.publish.qos = 1;
    struct announcement *announcement = MAKE(NULL, struct announcement);
    announcement->post.run = announce;
    announcement->broker = broker;
    announcement->topics = topics_of(broker, account);
    announcement->message = message_new(&packet, NULL);
    loop_post(broker->loops[0].loop, &announcement->post);
}

void broker_count(struct broker *broker, struct broker_numbers *out)
{
    *out = (struct broker_numbers){ .connects = broker->count.connects,
                                    .connects_refused = broker->count.connects_refused,
                                    .disconnects = broker->count.disconnects,
                                    .messages_in = broker->count.messages_in,
                                    .messages_out = broker->count.messages_out,
                                    .messages_dropped = broker->count.messages_dropped,
                                    .publish_refused = broker->count.publish_refused,
                                    .subscribe_refused = broker->count.subscribe_refused,
                                    .receive_refused = broker->count.receive_refused,
                                    .connections = broker->count.connections,
                                    .sessions = broker->count.sessions,
                                    .subscriptions = broker->count.subscriptions };
}

bool broker_is_idle(struct broker *broker)
{
    return broker->count.connections == 0;
}

/* ---- shut: goodbye to every client, then each loop lets go of its sessions and its timer ---- */

static void loop_ended(uv_handle_t *handle)
{
    struct broker_loop *on = handle->data;
    struct broker *broker = on->broker;
    while (on->sessions != NULL) {
        on->sessions->persistent = false;
        session_end(on->sessions);
    }
    lookups_drop(on);
    if (atomic_fetch_sub(&broker->loops_left, 1) == 1)
        broker->shut_done(broker->shut_arg);
}

void broker_loop_check_end(struct broker_loop *on)
{
    if (!on->shutting || on->ended || on->client_count > 0 || on->on_the_way > 0)
        return;
    on->ended = true;
    uv_close((uv_handle_t *)&on->second, loop_ended);
}

static void patience_over(uv_timer_t *timer)
{
    struct broker_loop *on = timer->data;
    if (on->ended)
        return;
    on->ended = true;
    uv_close((uv_handle_t *)timer, loop_ended);
}

static void shut_here(struct loop_post *post)
{
    struct errand *errand = (struct errand *)post;
    struct broker_loop *on = errand->on;
    struct client *client, *next;
    on->shutting = true;
    DL_FOREACH_SAFE(on->clients, client, next)
    client_end(client, MQTT_SERVER_SHUTTING_DOWN, "SERVER_INITIATED_DISCONNECT", "the server is stopping");
    uv_timer_start(&on->second, patience_over, on->broker->patience_ms, 0);
    broker_loop_check_end(on);
    talloc_free(errand);
}

void broker_shut(struct broker *broker, unsigned patience_ms, void (*done)(void *arg), void *arg)
{
    broker->patience_ms = patience_ms;
    broker->shut_done = done;
    broker->shut_arg = arg;
    atomic_store(&broker->shutting, true);
    for (size_t i = 0; i < broker->options.loop_count; i++)
        loop_post(broker->loops[i].loop, &errand_new(&broker->loops[i], shut_here)->post);
}
