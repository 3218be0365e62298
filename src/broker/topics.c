/* topics.c - an account's subscriptions, and the way of a message to each matching session's loop (broker.md 4.6). */
#include "broker/inner.h"

/* ---- subscribers ---- */

struct subscriber *subscriber_share(struct subscriber *subscriber)
{
    atomic_fetch_add_explicit(&subscriber->references, 1, memory_order_relaxed);
    return subscriber;
}

void subscriber_drop(struct subscriber *subscriber)
{
    if (atomic_fetch_sub_explicit(&subscriber->references, 1, memory_order_acq_rel) == 1)
        talloc_free(subscriber);
}

/* ---- tries, one an account; made at first use, kept until the end ---- */

struct account_topics *topics_of(struct broker *broker, const char *account)
{
    struct account_topics *topics;
    pthread_mutex_lock(&broker->topics_lock);
    HASH_FIND_STR(broker->topics, account, topics);
    if (topics == NULL) {
        topics = MAKE(NULL, struct account_topics);
        topics->account = text_copy(topics, account);
        topics->trie = mqtt_trie_new(topics, false);
        pthread_rwlock_init(&topics->lock, NULL);
        HASH_ADD_KEYPTR(hh, broker->topics, topics->account, strlen(topics->account), topics);
    }
    pthread_mutex_unlock(&broker->topics_lock);
    return topics;
}

/* ---- routing ---- */

struct target {
    struct subscriber *to;
    uint8_t qos;
    bool no_local, retain_as_published;
};

enum { TARGETS_NEAR = 16 };

struct matching {
    struct target near[TARGETS_NEAR]; /* most messages have few receivers */
    struct target *targets;
    size_t count, room;
};

/* Overlapping filters of one session: one copy, at the highest QoS. Targets of one session stand close together, but
   need not be neighbours; with many receivers the scan is bounded by sorting once (see settle). */
static void found(void *value, void *arg)
{
    const struct subscription *subscription = value;
    struct matching *matching = arg;
    if (matching->count == matching->room) {
        struct target *grown = MAKE_ARRAY(NULL, struct target, matching->room * 2);
        memcpy(grown, matching->targets, matching->count * sizeof(*grown));
        if (matching->targets != matching->near)
            talloc_free(matching->targets);
        matching->targets = grown;
        matching->room *= 2;
    }
    matching->targets[matching->count++] = (struct target){ .to = subscriber_share(subscription->to),
                                                            .qos = subscription->qos,
                                                            .no_local = subscription->no_local,
                                                            .retain_as_published = subscription->retain_as_published };
}

static int by_subscriber(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const struct target *)a)->to, right = (uintptr_t)((const struct target *)b)->to;
    return left < right ? -1 : left > right;
}

static void settle(struct matching *matching)
{
    size_t kept = 0;
    if (matching->count < 2)
        return;
    qsort(matching->targets, matching->count, sizeof(*matching->targets), by_subscriber);
    for (size_t i = 1; i < matching->count; i++) {
        struct target *last = &matching->targets[kept], *next = &matching->targets[i];
        if (next->to != last->to) {
            matching->targets[++kept] = *next;
            continue;
        }
        last->qos = next->qos > last->qos ? next->qos : last->qos;
        last->no_local = last->no_local && next->no_local;
        last->retain_as_published = last->retain_as_published || next->retain_as_published;
        subscriber_drop(next->to);
    }
    matching->count = kept + 1;
}

struct delivery {
    struct loop_post post;
    struct broker *broker;
    struct message *message;
    struct target target;
};

static void deliver_here(struct broker *broker, struct message *message, const struct target *target)
{
    struct session *session = target->to->session;
    (void)broker;
    if (session == NULL ||
        (target->no_local && message->publisher != NULL && strcmp(message->publisher, session->client_id) == 0))
        return;
    session_deliver(session, message, target->qos, target->retain_as_published);
}

/* On the loop where the session was; it may have moved on meanwhile. */
static void arrive(struct loop_post *post)
{
    struct delivery *delivery = (struct delivery *)post;
    struct loop *home = delivery->broker->loops[atomic_load(&delivery->target.to->home)].loop;
    if (!loop_is_here(home)) {
        loop_post(home, post);
        return;
    }
    deliver_here(delivery->broker, delivery->message, &delivery->target);
    subscriber_drop(delivery->target.to);
    message_drop(delivery->message);
    talloc_free(delivery);
}

static void send_to(struct broker *broker, struct message *message, const struct target *target)
{
    struct loop *home = broker->loops[atomic_load(&target->to->home)].loop;
    if (loop_is_here(home)) {
        deliver_here(broker, message, target);
        subscriber_drop(target->to);
        return;
    }
    struct delivery *delivery = MAKE(NULL, struct delivery);
    delivery->post.run = arrive;
    delivery->broker = broker;
    delivery->message = message_share(message);
    delivery->target = *target;
    loop_post(home, &delivery->post);
}

void topics_route(struct broker *broker, struct account_topics *topics, struct message *message)
{
    struct matching matching = { .room = TARGETS_NEAR };
    matching.targets = matching.near;
    pthread_rwlock_rdlock(&topics->lock);
    mqtt_trie_match(topics->trie, message->topic, found, &matching);
    pthread_rwlock_unlock(&topics->lock);
    settle(&matching);
    for (size_t i = 0; i < matching.count; i++)
        send_to(broker, message, &matching.targets[i]);
    if (matching.targets != matching.near)
        talloc_free(matching.targets);
}
