/* lookup.c - retained messages for new subscriptions (broker.md 4.7): read by a worker, brought to where the session is.

       lookup_begin         after SUBACK, on the session's loop: from now on what arrives for the session is held back
           begin            so many of a loop at once; the others wait as a list of topics
           read             a worker: the live message of each topic
           brought_back     the loop that asked: the next one may begin
           deliver          the session's loop, which may be another by now: retained messages, then what was held back

   The subscription stands before the read: a message that is written meanwhile is found, or held back, or both. One at a
   time for a session: a client that subscribes again meanwhile is not read until then. */
#include "broker/inner.h"
#include <utlist.h>

enum { LOOKUPS_AT_ONCE = 16 };

struct lookup {
    struct lookup *prev, *next; /* of those that wait */
    struct loop_post post;
    struct work work;
    struct broker *broker;
    struct broker_loop *on; /* who asked */
    struct subscriber *to;
    const char *account;
    size_t count;
    slice topics[FILTERS_A_PACKET];
    struct retained found[FILTERS_A_PACKET];
    error *failed;
};

static struct lookup *of_post(struct loop_post *post)
{
    return (struct lookup *)((char *)post - offsetof(struct lookup, post));
}

static void drop(struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++)
        message_drop(lookup->found[i].message);
    subscriber_drop(lookup->to);
    talloc_free(lookup);
}

/* ---- at the session ---- */

/* Its filter may have gone, or come again with another QoS, while it was looked for. */
static void give(struct session *session, const struct lookup *lookup, size_t i)
{
    const struct subscription *subscription = session_subscription(session, lookup->topics[i]);
    struct message *message = lookup->found[i].message;
    if (message == NULL || subscription == NULL)
        return;
    session_deliver(session, message, subscription->qos, true);
    if (lookup->found[i].is_old)
        retained_touch(lookup->broker, lookup->account, lookup->topics[i]);
}

/* A client that trusts its subscription must not go on without what it should have been told. */
static void fail(const struct session *session, const error *failed)
{
    const struct broker *broker = session->broker;
    log_error(broker->options.scope, "cannot read retained messages: %s", failed->message);
    if (session->client != NULL)
        client_end(session->client, MQTT_UNSPECIFIED_ERROR, "SERVER_ERROR", "retained messages could not be read");
}

static void deliver(struct loop_post *post)
{
    struct lookup *lookup = of_post(post);
    struct loop *home = lookup->broker->loops[atomic_load(&lookup->to->home)].loop;
    if (!loop_is_here(home)) {
        loop_post(home, post);
        return;
    }
    struct session *session = lookup->to->session;
    if (session != NULL) {
        session->lookup = NULL;
        for (size_t i = 0; i < lookup->count; i++)
            give(session, lookup, i);
        session_release(session);
        if (lookup->failed != NULL)
            fail(session, lookup->failed); /* a clean session may be over now */
        else if (session->client != NULL)
            client_go_on(session->client);
    }
    drop(lookup);
}

/* ---- there and back ---- */

static void begin_some(struct broker_loop *on);

static void brought_back(struct loop_post *post)
{
    struct lookup *lookup = of_post(post);
    struct broker_loop *on = lookup->on;
    on->lookups_running--;
    on->on_the_way--;
    lookup->post.run = deliver;
    deliver(post);
    begin_some(on);
    broker_loop_check_end(on);
}

static FALLIBLE look(struct tx *tx, void *arg)
{
    struct lookup *lookup = arg;
    for (size_t i = 0; i < lookup->count; i++)
        TRY(retained_find(tx, lookup, lookup->account, lookup->broker->options.region, lookup->topics[i],
                          &lookup->found[i]));
    return NULL;
}

static void read_topics(struct work *work)
{
    struct lookup *lookup = (struct lookup *)((char *)work - offsetof(struct lookup, work));
    lookup->failed = store_read(lookup->broker->options.store, lookup, look, lookup);
    lookup->post.run = brought_back;
    loop_post(lookup->on->loop, &lookup->post);
}

/* When no worker takes it, the next second does. */
static void begin_some(struct broker_loop *on)
{
    while (on->lookups != NULL && on->lookups_running < LOOKUPS_AT_ONCE) {
        struct lookup *lookup = on->lookups;
        if (!workers_submit(on->broker->options.workers, &lookup->work))
            return;
        DL_DELETE(on->lookups, lookup);
        on->lookups_running++;
    }
}

void lookups_retry(struct broker_loop *on)
{
    begin_some(on);
}

void lookups_drop(struct broker_loop *on)
{
    while (on->lookups != NULL) {
        struct lookup *lookup = on->lookups;
        DL_DELETE(on->lookups, lookup);
        on->on_the_way--;
        drop(lookup);
    }
}

void lookup_begin(struct session *session, const slice *topics, size_t count)
{
    struct broker *broker = session->broker;
    struct lookup *lookup = MAKE(NULL, struct lookup);
    lookup->broker = broker;
    lookup->on = &broker->loops[atomic_load(&session->self->home)];
    lookup->to = subscriber_share(session->self);
    lookup->account = text_copy(lookup, session->account);
    lookup->work.run = read_topics;
    for (size_t i = 0; i < count; i++)
        lookup->topics[lookup->count++] = slice_copy(lookup, topics[i]);
    session->lookup = lookup;
    lookup->on->on_the_way++;
    DL_APPEND(lookup->on->lookups, lookup);
    begin_some(lookup->on);
}
