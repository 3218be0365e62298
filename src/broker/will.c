/* will.c - the last will of a client that goes (broker.md 4.7, 4.9): sent at once, or, with a delay, when it is over or the
   session ends, whichever comes first; a client that comes back before takes it back. */
#include "broker/inner.h"
#include "base/clock.h"

bool will_is_allowed(struct client *client)
{
    slice topic = client->will->topic;
    return client_may(client, "iot:Publish", "topic/", topic) &&
           (!client->will->retain || client_may(client, "iot:RetainPublish", "topic/", topic));
}

static void send_now(struct session *session, struct reach *reach, struct message *will)
{
    const struct acceptance acceptance = { .on = &session->broker->loops[atomic_load(&session->self->home)],
                                           .reach = reach,
                                           .topics = session->topics,
                                           .message = will };
    message_accept(&acceptance);
}

/* Sent at once it comes after all that the client has published. */
void will_leave(struct client *client)
{
    struct session *session = client->session;
    struct message *will = client->will;
    uint32_t delay_s = client->wish.will_delay_s;
    if (will == NULL)
        return;
    bool allowed = will_is_allowed(client);
    client->will = NULL;
    if (!allowed) {
        message_drop(will);
        return;
    }
    message_begin_expiry(will);
    if (delay_s == 0) {
        send_now(session, client->reach, will);
        return;
    }
    session->will = will;
    session->will_ms = clock_monotonic_ms() + (delay_s < session->expiry_s ? delay_s : session->expiry_s) * 1000LL;
}

void will_send(struct session *session)
{
    struct message *will = session->will;
    session->will = NULL;
    if (will != NULL)
        send_now(session, NULL, will);
}

void will_send_if_due(struct session *session, int64_t now_ms)
{
    if (session->will != NULL && now_ms >= session->will_ms)
        will_send(session);
}

void will_cancel(struct session *session)
{
    message_drop(session->will);
    session->will = NULL;
}
