/* session.c - a session's life: claimed by a client id, taken over from another connection or loop, kept while offline
   (broker.md 4.3, 4.4).

       session_claim            the connecting client's loop; the stripe of the client id says who has it
           a fight is on        the client waits a second, then claims
           nobody               a new session, at once
           somebody             a takeover is posted to the session's loop
               take_over        there: the old client ends (0x8E), and what it sent last is out; a session to be kept
                                moves to the asking loop, any other ends, and the asker claims again
               taken_over       on the asker's loop; until then the session is on no loop's list, and others who ask
                                for it wait */
#include "broker/inner.h"
#include "base/clock.h"
#include "base/secret.h"
#include <utlist.h>

/* ---- the registry ---- */

static slice key_of(void *ctx, const char *account, const char *client_id)
{
    size_t first = strlen(account) + 1, second = strlen(client_id);
    char *key = talloc_size(ctx, first + second);
    memcpy(key, account, first);
    memcpy(key + first, client_id, second);
    return (slice){ key, first + second };
}

static struct stripe *stripe_of(struct broker *broker, slice key)
{
    return &broker->stripes[hash_keyed(key) % STRIPES];
}

static void unregister(struct session *session)
{
    SCRATCH ctx = talloc_new(NULL);
    slice key = key_of(ctx, session->account, session->client_id);
    struct stripe *stripe = stripe_of(session->broker, key);
    struct registered *entry;
    pthread_mutex_lock(&stripe->lock);
    HASH_FIND(hh, stripe->sessions, key.at, key.length, entry);
    if (entry != NULL && entry->subscriber == session->self) {
        HASH_DEL(stripe->sessions, entry);
        subscriber_drop(entry->subscriber);
        talloc_free(entry);
    }
    pthread_mutex_unlock(&stripe->lock);
}

/* ---- birth and end ---- */

static struct session *session_new(struct client *client)
{
    struct session *session = MAKE(NULL, struct session);
    session->broker = client->broker;
    session->account = text_copy(session, client->principal->account);
    session->client_id = text_copy(session, client->client_id);
    session->topics = topics_of(client->broker, session->account);
    session->self = MAKE(NULL, struct subscriber);
    atomic_init(&session->self->references, 1);
    atomic_init(&session->self->home, client->on->index);
    session->self->session = session;
    DL_APPEND(client->on->sessions, session);
    atomic_fetch_add(&client->broker->count.sessions, 1);
    return session;
}

static void forget_outgoing(struct outgoing **list, struct outgoing *outgoing)
{
    DL_DELETE(*list, outgoing);
    message_drop(outgoing->message);
    talloc_free(outgoing);
}

void session_end(struct session *session)
{
    struct subscription *subscription, *next;
    HASH_ITER (hh, session->subscriptions, subscription, next)
        session_unsubscribe(session, slice_of(subscription->filter));
    while (session->inflight != NULL)
        forget_outgoing(&session->inflight, session->inflight);
    while (session->queue != NULL)
        forget_outgoing(&session->queue, session->queue);
    session_drop_held(session);
    will_send(session);
    unregister(session);
    DL_DELETE(session->broker->loops[atomic_load(&session->self->home)].sessions, session);
    session->self->session = NULL;
    subscriber_drop(session->self);
    atomic_fetch_sub(&session->broker->count.sessions, 1);
    talloc_free(session);
}

void session_detach(struct session *session)
{
    const struct broker_loop *on = &session->broker->loops[atomic_load(&session->self->home)];
    session->client = NULL;
    if (!session->persistent || on->ended)
        session_end(session);
    else
        session->ends_ms = clock_monotonic_ms() + session->expiry_s * 1000LL;
}

/* ---- takeover ---- */

struct takeover {
    struct loop_post post;
    struct broker *broker;
    struct subscriber *of;
    struct reach *reach; /* of the asking client: touched on its loop only */
    unsigned asker;      /* its loop */
    bool clean;
    const char *principal, *address; /* of the asking client */
    struct session *moved;           /* on the way back */
};

static void post_takeover(struct takeover *takeover, unsigned loop, void (*run)(struct loop_post *))
{
    takeover->post.run = run;
    loop_post(takeover->broker->loops[loop].loop, &takeover->post);
}

/* Back on the asking client's loop; the client may be gone. */
static void taken_over(struct loop_post *post)
{
    struct takeover *takeover = (struct takeover *)post;
    struct client *client = takeover->reach->client;
    struct session *session = takeover->moved;
    if (session != NULL) {
        DL_APPEND(takeover->broker->loops[takeover->asker].sessions, session);
        session->moving = false;
    }
    if (client != NULL && !client->closing && session != NULL) {
        client->session = session;
        session->client = client;
        connect_continue(client, true);
    } else if (session != NULL) {
        session_detach(session);
    } else if (client != NULL && !client->closing) {
        session_claim(client);
    }
    reach_drop(takeover->reach);
    subscriber_drop(takeover->of);
    talloc_free(takeover);
}

/* The one who has the client id is online, and loses it. */
static void end_loser(const struct takeover *takeover, struct client *loser)
{
    SCRATCH ctx = talloc_new(NULL);
    slice key = key_of(ctx, loser->session->account, loser->session->client_id);
    struct stripe *stripe = stripe_of(takeover->broker, key);
    pthread_mutex_lock(&stripe->lock);
    bool warn = fight_round(stripe, key, clock_monotonic_ms());
    pthread_mutex_unlock(&stripe->lock);
    if (warn)
        log_warn(&loser->id_scope,
                 "two clients fight for one id: certificate %s at %s takes it from certificate %s at %s; each newcomer "
                 "waits a second now",
                 takeover->principal, takeover->address, loser->principal->id, loser->peer.address);
    client_end(loser, MQTT_SESSION_TAKEN_OVER, "DUPLICATE_CLIENTID", "another connection uses this client id");
}

static void take_over(struct loop_post *post);

/* On the loser's loop: what it sent last, its will above all, is out. */
static void loser_is_done(void *arg)
{
    struct takeover *takeover = arg;
    take_over(&takeover->post);
}

/* True: the newcomer waits, so that nobody hears it before the will of the one whose id it takes (broker.md 4.4). */
static bool waits_for(struct reach *loser, struct takeover *takeover)
{
    if (loser->line == NULL || loser->line_is_empty != NULL)
        return false;
    loser->line_is_empty = loser_is_done;
    loser->line_arg = takeover;
    return true;
}

static void take_over(struct loop_post *post)
{
    struct takeover *takeover = (struct takeover *)post;
    unsigned home = atomic_load(&takeover->of->home);
    bool is_here = loop_is_here(takeover->broker->loops[home].loop);
    if (!is_here || (takeover->of->session != NULL && takeover->of->session->moving)) {
        post_takeover(takeover, home, take_over); /* it moved on meanwhile, or has not arrived yet */
        return;
    }
    struct session *session = takeover->of->session;
    if (session != NULL && session->client != NULL) {
        struct reach *loser = session->client->reach; /* it lives: the client is gone later */
        end_loser(takeover, session->client);
        if (waits_for(loser, takeover))
            return;
    }
    session = takeover->of->session; /* a clean one ended with its client */
    if (session != NULL && takeover->clean)
        session_end(session);
    else if (session != NULL) {
        DL_DELETE(takeover->broker->loops[home].sessions, session);
        session->moving = true;
        atomic_store(&takeover->of->home, takeover->asker);
        takeover->moved = session;
    }
    post_takeover(takeover, takeover->asker, taken_over);
}

static void ask_for(struct client *client, struct subscriber *subscriber)
{
    struct takeover *takeover = MAKE(NULL, struct takeover);
    takeover->broker = client->broker;
    takeover->of = subscriber;
    takeover->reach = client->reach;
    takeover->reach->references++;
    takeover->asker = client->on->index;
    takeover->clean = client->wish.clean;
    takeover->principal = text_copy(takeover, client->principal->id);
    takeover->address = text_copy(takeover, client->peer.address);
    post_takeover(takeover, atomic_load(&subscriber->home), take_over);
}

enum { TURN_MS = 1000 };

/* True: not now. Decided once a client, at its first claim; under the stripe's lock. */
static bool must_wait(struct client *client, struct stripe *stripe, slice key)
{
    int64_t now_ms = clock_monotonic_ms();
    if (client->turn_ms != 0)
        return false;
    bool waits = fight_is_on(stripe, key, now_ms);
    unsigned patience_ms = client->broker->options.fight_patience_ms;
    client->turn_ms = now_ms + (waits ? (patience_ms ? patience_ms : TURN_MS) : 0);
    return waits;
}

void session_claim(struct client *client)
{
    SCRATCH ctx = talloc_new(NULL);
    slice key = key_of(ctx, client->principal->account, client->client_id);
    struct stripe *stripe = stripe_of(client->broker, key);
    struct subscriber *other = NULL;
    struct registered *entry;
    pthread_mutex_lock(&stripe->lock);
    if (must_wait(client, stripe, key)) {
        pthread_mutex_unlock(&stripe->lock);
        client_enter(client, &phase_waiting);
        return;
    }
    HASH_FIND(hh, stripe->sessions, key.at, key.length, entry);
    if (entry != NULL) {
        other = subscriber_share(entry->subscriber);
    } else {
        client->session = session_new(client);
        entry = talloc_zero_size(NULL, sizeof(*entry) + key.length);
        memcpy(entry->key, key.at, key.length);
        entry->subscriber = subscriber_share(client->session->self);
        HASH_ADD_KEYPTR(hh, stripe->sessions, entry->key, key.length, entry);
    }
    pthread_mutex_unlock(&stripe->lock);
    if (other != NULL) {
        ask_for(client, other);
        return;
    }
    client->session->client = client;
    connect_continue(client, false);
}

/* ---- subscriptions ---- */

struct subscription *session_subscription(struct session *session, slice filter)
{
    struct subscription *subscription;
    HASH_FIND(hh, session->subscriptions, filter.at, filter.length, subscription);
    return subscription;
}

void session_subscribe(struct session *session, const struct mqtt_subscription *wish, slice path)
{
    struct subscription *subscription = session_subscription(session, wish->filter);
    bool is_new = subscription == NULL;
    if (is_new) {
        subscription = MAKE(session, struct subscription);
        subscription->to = session->self;
        subscription->filter = slice_text(subscription, wish->filter);
        HASH_ADD_KEYPTR(hh, session->subscriptions, subscription->filter, wish->filter.length, subscription);
        atomic_fetch_add(&session->broker->count.subscriptions, 1);
    }
    pthread_rwlock_wrlock(&session->topics->lock);
    subscription->qos = wish->qos > 1 ? 1 : wish->qos;
    subscription->no_local = wish->no_local;
    subscription->retain_as_published = wish->retain_as_published;
    if (is_new)
        mqtt_trie_insert(session->topics->trie, path, subscription, subscription);
    pthread_rwlock_unlock(&session->topics->lock);
}

bool session_unsubscribe(struct session *session, slice filter)
{
    struct subscription *subscription = session_subscription(session, filter);
    if (subscription == NULL)
        return false;
    pthread_rwlock_wrlock(&session->topics->lock);
    mqtt_trie_remove(session->topics->trie, filter, subscription);
    pthread_rwlock_unlock(&session->topics->lock);
    HASH_DEL(session->subscriptions, subscription);
    atomic_fetch_sub(&session->broker->count.subscriptions, 1);
    talloc_free(subscription);
    return true;
}

int session_granted(struct session *session, slice topic)
{
    int granted = -1;
    struct subscription *subscription, *next;
    HASH_ITER (hh, session->subscriptions, subscription, next) {
        struct mqtt_filter filter = { .path = slice_of(subscription->filter) };
        if (subscription->qos > granted && mqtt_filter_matches(&mqtt_limits_aws, &filter, topic))
            granted = subscription->qos;
    }
    return granted;
}
