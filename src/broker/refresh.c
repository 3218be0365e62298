/* refresh.c - live connections learn what has changed: policies, attachments, groups, things (broker.md 4.10).

       broker_on_changes        after each commit: a change leaves its number, the sequence, at the places of those whom
                                it may concern: a certificate, a thing, an account
       refresh_clients          every second on each loop: a client whose places hold a later number than the one that
                                stood when its principal was asked for is asked for again, as at CONNECT
       refresh_take             the answer: rights are exchanged; a connection that lost iot:Connect ends, subscriptions
                                that lost iot:Subscribe go silently

   Places are shared by what hashes alike, so a strange change may cost a read, never the other way round. The number is
   taken before the read: what is committed after it is seen as later. */
#include "broker/inner.h"
#include <stdio.h>
#include <utlist.h>

enum { REFRESHES_A_SECOND = 1000, PLACE_MAX = 256, CERTIFICATE_ID = 64 };

/* What a change concerns, by its kind; the first row that fits counts. What has no row concerns its account. */
enum concern { NOBODY, CERTIFICATE, THING, ACCOUNT };
static const struct row {
    const char *what, *kind; /* NULL: any */
    enum concern concern;
} rows[] = {
    { "certificate", NULL, NOBODY }, /* its loss disconnects at once: broker_disconnect_principal */
    { "thing", "CREATED", NOBODY },  /* an attachment is a change of its own */
    { "policy", "CREATED", NOBODY },
    { "policy-version", NULL, NOBODY },
    { "thing-group", "CREATED", NOBODY },
    { "thing-group", "UPDATED", NOBODY },
    { "billing-group", NULL, NOBODY },
    { "resource-tag", NULL, NOBODY },
    { "thing-type", NULL, NOBODY },
    { "template", NULL, NOBODY },
    { "ca-certificate", NULL, NOBODY },
    { "registration-code", NULL, NOBODY },
    { "endpoint", NULL, NOBODY },
    { "event-configuration", NULL, NOBODY },
    { "account", NULL, NOBODY },
    { "thing-principal", NULL, CERTIFICATE },
    { "policy-target", NULL, CERTIFICATE },
    { "thing", NULL, THING },
    { "thing-group-member", NULL, THING },
};

static enum concern concern_of(const struct change *change)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (strcmp(rows[i].what, change->what) == 0 &&
            (rows[i].kind == NULL || (change->kind != NULL && strcmp(rows[i].kind, change->kind) == 0)))
            return rows[i].concern;
    return ACCOUNT;
}

/* ---- places ---- */

static unsigned place_of(enum concern concern, const char *account, const char *name)
{
    char text[PLACE_MAX];
    int length = snprintf(text, sizeof(text), "%d/%s/%s", concern, account, name);
    return (unsigned)(hash_keyed(slice_bytes(text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1)) %
                      PLACES);
}

/* The certificate's id ends the key of what concerns one, "arn:...:cert/64 hex"; a group's ARN has none. */
static const char *certificate_in(const char *key)
{
    const char *slash = strrchr(key, '/');
    const char *id = slash ? slash + 1 : key;
    return strlen(id) == CERTIFICATE_ID && (slash == NULL || strstr(key, ":cert/") != NULL) ? id : NULL;
}

void broker_on_changes(struct broker *broker, const struct change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &changes[i];
        enum concern concern = concern_of(change);
        const char *account = change->account ? change->account : "", *name = change->key ? change->key : "";
        if (concern == NOBODY)
            continue;
        if (concern == CERTIFICATE && (name = certificate_in(name)) == NULL)
            concern = ACCOUNT;
        unsigned place = place_of(concern, account, concern == ACCOUNT ? "" : name);
        unsigned long long number = atomic_fetch_add(&broker->changes.count, 1) + 1;
        atomic_store(&broker->changes.last[place], number);
    }
}

/* ---- clients ---- */

void refresh_note(struct client *client)
{
    client->seen_changes = atomic_load(&client->broker->changes.count);
}

void refresh_places(struct client *client)
{
    const struct principal *principal = client->principal;
    client->places[0] = place_of(CERTIFICATE, principal->account, principal->id);
    client->places[1] = place_of(ACCOUNT, principal->account, "");
    client->places[2] =
        principal->thing ? place_of(THING, principal->account, principal->thing->name) : client->places[1];
}

static bool is_stale(const struct client *client)
{
    for (size_t i = 0; i < sizeof(client->places) / sizeof(*client->places); i++)
        if (atomic_load(&client->broker->changes.last[client->places[i]]) > client->seen_changes)
            return true;
    return false;
}

/* The loop has seen all changes when no client is left that is stale, or on its way to an answer. */
void refresh_clients(struct broker_loop *on)
{
    unsigned long long now = atomic_load(&on->broker->changes.count);
    int left = REFRESHES_A_SECOND;
    bool done = true;
    struct client *client, *next;
    if (on->seen_changes == now)
        return;
    DL_FOREACH_SAFE(on->clients, client, next)
    {
        if (client->closing || client->phase == &phase_greeting)
            continue;
        if (client->phase != &phase_serving || client->refreshing) {
            done = false;
            continue;
        }
        if (!is_stale(client))
            continue;
        if (left-- == 0)
            return;
        refresh_note(client);
        client->refreshing = true;
        client->transport->admit(client->arg, client, slice_of(client->client_id));
    }
    if (done)
        on->seen_changes = now;
}

/* A store that cannot answer now takes nobody's rights away: it is asked again. */
static bool is_passing(const error *refused)
{
    return error_is(refused, "INTERNAL_SERVER_ERROR") || error_is(refused, "SERVER_BUSY");
}

void refresh_take(struct client *client, struct principal *principal, const error *refused)
{
    client->refreshing = false;
    if (refused != NULL && is_passing(refused)) {
        client->seen_changes = 0;
        client->on->seen_changes = 0;
        return;
    }
    if (refused != NULL) {
        client_end(client, MQTT_NOT_AUTHORIZED, "AUTH_ERROR", "the certificate is no longer admitted");
        return;
    }
    client_keep_principal(client, principal);
    if (client_may_connect(client))
        client_reauthorize(client);
    else
        client_end(client, MQTT_NOT_AUTHORIZED, "AUTH_ERROR", "no policy allows iot:Connect any more");
}
