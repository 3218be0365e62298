/* authorize.c - IoT policies at work: the four questions (broker.md 4.11). */
#include "broker/inner.h"
#include <stdio.h>

enum { RESOURCE_MAX = 2048 };

static bool ask(struct client *client, const char *action, slice resource, const struct policy_key *more, size_t count,
                bool quietly)
{
    struct policy_asker asker = { .principal = client->principal,
                                  .client_id = client->client_id,
                                  .address = client->peer.address,
                                  .server_name = client->peer.server_name,
                                  .secure = client->peer.tls ? "true" : "false" };
    struct policy_context context = { .keys = more, .count = count, .find = broker_find_key, .arg = &asker };
    struct policy_request request = { .action = slice_of(action), .resource = resource, .context = &context };
    struct policy_decision decision;
    if (policy_evaluate(client->policies, client->principal->policy_count, &request, &decision) == POLICY_ALLOW)
        return true;
    if (quietly)
        log_debug(&client->id_scope, "denied %s on %.*s", action, PRINT(resource));
    else if (!quiet_allows(&client->on->denials, client->broker->options.scope, "denials"))
        return false;
    else if (decision.effect == POLICY_EXPLICIT_DENY)
        log_info(&client->id_scope, "denied %s on %.*s by policy %s, statement %d", action, PRINT(resource),
                 decision.policy_name, decision.statement);
    else
        log_info(&client->id_scope, "denied %s on %.*s: none of %zu policies allows it", action, PRINT(resource),
                 client->principal->policy_count);
    return false;
}

static slice resource_of(const struct client *client, char room[RESOURCE_MAX], const char *kind, slice name)
{
    int length = snprintf(room, RESOURCE_MAX, "arn:aws:iot:%s:%s:%s%.*s", client->principal->region,
                          client->principal->account, kind, PRINT(name));
    return (slice){ room, length < RESOURCE_MAX ? (size_t)length : RESOURCE_MAX - 1 };
}

bool client_may(struct client *client, const char *action, const char *kind, slice name)
{
    char room[RESOURCE_MAX];
    return ask(client, action, resource_of(client, room, kind, name), NULL, 0, false);
}

bool client_may_quietly(struct client *client, const char *action, const char *kind, slice name)
{
    char room[RESOURCE_MAX];
    return ask(client, action, resource_of(client, room, kind, name), NULL, 0, true);
}

/* iot:Connect, with what only a CONNECT has. */
bool client_may_connect(struct client *client)
{
    char room[RESOURCE_MAX], will_room[RESOURCE_MAX];
    slice attributes[2], will_topic = { NULL, 0 };
    size_t attribute_count = 0, key_count = 1;
    bool persistent = client_is_v5(client) ? client->wish.expiry_s > 0 || !client->wish.clean : !client->wish.clean;
    if (persistent)
        attributes[attribute_count++] = SLICE("PersistentConnect");
    if (client->will != NULL)
        attributes[attribute_count++] = SLICE("LastWill");
    struct policy_key more[2] = { { SLICE("iot:ConnectAttributes"), attributes, attribute_count } };
    if (client->will != NULL) {
        will_topic = resource_of(client, will_room, "topic/", client->will->topic);
        more[key_count++] = (struct policy_key){ SLICE("iot:LastWillTopic"), &will_topic, 1 };
    }
    slice resource = resource_of(client, room, "client/", slice_of(client->client_id));
    return ask(client, "iot:Connect", resource, more, key_count, false);
}
