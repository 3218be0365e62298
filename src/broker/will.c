/* will.c - the last will of a client that goes (broker.md 4.7, 4.9): sent at once, or, with a delay, when it is over or the
   session ends, whichever comes first; a client that comes back before takes it back. */
#include "broker/inner.h"
#include "base/clock.h"

void will_leave(struct client *client)
{
    struct session *session = client->session;
    struct message *will = client->will;
    uint32_t delay_s = client->wish.will_delay_s;
    client->will = NULL;
    if (will == NULL)
        return;
    if (!client_may(client, "iot:Publish", "topic/", will->topic)) {
        message_drop(will);
        return;
    }
    message_begin_expiry(will);
    session->will = will;
    session->will_ms = clock_monotonic_ms() + (delay_s < session->expiry_s ? delay_s : session->expiry_s) * 1000LL;
    if (delay_s == 0)
        will_send(session);
}

void will_send(struct session *session)
{
    struct message *will = session->will;
    session->will = NULL;
    if (will != NULL)
        topics_route(session->broker, session->topics, will);
    message_drop(will);
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
