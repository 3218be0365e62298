/* admission.c - a question to a worker, and the answer brought back to a connection that may be gone. */
#include "gateway/admission.h"
#include "gateway/introduction.h"
#include "base/clock.h"

enum { TRIES = 3, CLIENT_ID_MAX = 65535, KEY_MAX = 16 + CERTIFICATE_ID_LENGTH + CLIENT_ID_MAX };

struct admission {
    struct work work;
    struct loop_post post;
    struct gateway *gateway;
    struct handle handle;
    const char *account; /* by SNI, or NULL */
    const char *certificate_id;
    slice client_id;
    struct generation generation; /* taken before the read */
    unsigned tries;
    bool introduced; /* once */
    struct principal *principal;
    error *refused;
};

static void *share(void *principal)
{
    return principal_share(principal);
}

static void drop(void *principal)
{
    principal_drop(principal);
}

const struct cache_kind admission_principals = { share, drop };

/* ---- refusals ---- */

/* Broker.md 4.17; the first one stands for what has no row: the store's own troubles. */
static const char *const reasons[ADMISSION_REASONS + 1] = {
    "INTERNAL_SERVER_ERROR",
    "NOT_AUTHENTICATED",
    "DEVICE_CERTIFICATE_NOT_REGISTERED",
    "DEVICE_CERTIFICATE_INACTIVE",
    "DEVICE_CERTIFICATE_REVOKED",
    "DEVICE_CERTIFICATE_PENDING_ACTIVATION",
    "DEVICE_CERTIFICATE_PENDING_TRANSFER",
    "DEVICE_CERTIFICATE_EXPIRED",
    "DEVICE_CERTIFICATE_NOT_YET_VALID",
    "SERVER_BUSY",
    "SNI_MISUSED",
    "CUSTOM_AUTHORIZER_NOT_FOUND",
    NULL,
};

const char *admission_reason(size_t index)
{
    return index < ADMISSION_REASONS ? reasons[index] : NULL;
}

static size_t reason_of(const error *refused)
{
    for (size_t i = 0; i < ADMISSION_REASONS; i++)
        if (error_is(refused, reasons[i]))
            return i;
    return 0;
}

static void log_refusal(struct connection *connection, slice client_id, const char *reason, const error *refused)
{
    struct station *station = connection->station;
    if (!quiet_allows(&station->admission_lines, &station->scope, "refused connections"))
        return;
    SCRATCH scratch = talloc_new(NULL);
    json *line = json_new_object(scratch);
    json_put_text(line, "status", "Failure");
    json_put_text(line, "protocol", "MQTT");
    json_put_text(line, "reason", reason);
    json_put_text(line, "details", error_chain(scratch, refused));
    json_put_text(line, "accountId", connection->greeting.account);
    json_put_slice(line, "clientId", client_id);
    if (connection->certificate_id[0] != '\0')
        json_put_text(line, "principalId", connection->certificate_id);
    json_put_text(line, "sourceIp", connection->address);
    json_put_integer(line, "sourcePort", connection->client_port);
    json_put_text(line, "serverName", connection->greeting.server_name);
    if (connection->greeting.alpn != ALPN_NONE)
        json_put_text(line, "alpn", alpn_name(connection->greeting.alpn));
    log_event(LOG_WARN, &station->scope, "Connection.AuthNError", line);
}

static void refuse(struct connection *connection, struct client *client, slice client_id, const error *refused)
{
    struct counters *counters = &connection->station->counters;
    size_t reason = reason_of(refused);
    COUNT(counters->admission_refused, 1);
    COUNT(counters->refused_by_reason[reason], 1);
    log_refusal(connection, client_id, reasons[reason], refused);
    const error shown = { .name = reasons[reason], .message = refused->message };
    broker_client_admit(client, NULL, &shown);
}

static void admit(struct connection *connection, struct client *client, struct principal *principal)
{
    COUNT(connection->station->counters.admitted, 1);
    connection_is_known(connection);
    broker_client_admit(client, principal, NULL);
}

/* ---- the cache; a key is account, certificate and client id ---- */

static slice key_of(void *ctx, const char *account, const char *certificate_id, slice client_id)
{
    writer key = writer_new(ctx, KEY_MAX);
    writer_format(&key, "%s/%s/", account ? account : "", certificate_id);
    writer_slice(&key, client_id);
    return writer_slice_of(&key);
}

static struct principal *find_cached(struct gateway *gateway, const char *account, const char *certificate_id,
                                     slice client_id)
{
    SCRATCH scratch = talloc_new(NULL);
    struct generation generation = generation_of_principal(gateway->generations, account, certificate_id);
    struct principal *principal = cache_find(gateway->principals, key_of(scratch, account, certificate_id, client_id),
                                             generation, clock_monotonic_ms());
    if (principal != NULL && principal->expires_s <= clock_now_s()) {
        principal_drop(principal);
        principal = NULL; /* read again: the reader says what is wrong */
    }
    return principal;
}

/* ---- on a worker ---- */

static const error nobody = { .name = "NOT_AUTHENTICATED", .message = "The client showed no certificate." };
static const error busy = { .name = "SERVER_BUSY", .message = "Too much waits to be read." };

static FALLIBLE look(struct tx *tx, void *arg)
{
    struct admission *admission = arg;
    const struct gateway_options *options = &admission->gateway->options;
    const struct gateway_lookups *lookups = &options->lookups;
    error *e = lookups->load_principal(lookups->arg, tx, admission, admission->account, options->regions[0],
                                       admission->certificate_id, admission->client_id, &admission->principal);
    /* Without SNI the default account may be the last resort (x509.md 4.8, which account, 3). */
    if (admission->account == NULL && options->default_without_sni && options->default_account != NULL &&
        error_is(e, "DEVICE_CERTIFICATE_NOT_REGISTERED"))
        e = lookups->load_principal(lookups->arg, tx, admission, options->default_account, options->regions[0],
                                    admission->certificate_id, admission->client_id, &admission->principal);
    return e;
}

static void brought_back(struct loop_post *post);

static void read_now(struct admission *admission)
{
    struct gateway *gateway = admission->gateway;
    COUNT(gateway->counters.principal_misses, 1);
    admission->generation =
        generation_of_principal(gateway->generations, admission->account, admission->certificate_id);
    admission->refused = store_read(gateway->options.store, admission, look, admission);
    if (admission->refused == NULL) {
        SCRATCH scratch = talloc_new(NULL);
        cache_keep(gateway->principals,
                   key_of(scratch, admission->account, admission->certificate_id, admission->client_id),
                   admission->generation, clock_monotonic_ms(), admission->principal);
    }
}

static void read_principal(struct work *work)
{
    struct admission *admission = (struct admission *)((char *)work - offsetof(struct admission, work));
    read_now(admission);
    admission->post.run = brought_back;
    loop_post(admission->handle.station->loop, &admission->post);
}

/* For requests: they are answered from a worker, and no live connection comes of them. */
FALLIBLE admission_principal(struct gateway *gateway, void *ctx, const char *account, const char *certificate_id,
                             struct principal **out)
{
    struct admission *admission = MAKE(ctx, struct admission);
    *out = NULL;
    if (certificate_id[0] == '\0')
        return error_new(ctx, nobody.name, "%s", nobody.message);
    *out = find_cached(gateway, account, certificate_id, SLICE(""));
    if (*out != NULL)
        return NULL;
    admission->gateway = gateway;
    admission->account = account;
    admission->certificate_id = certificate_id;
    admission->client_id = SLICE("");
    read_now(admission);
    *out = admission->principal;
    return admission->refused;
}

bool admission_is_refusal(const error *e)
{
    return reason_of(e) != 0 && !error_is(e, busy.name);
}

/* ---- back on the loop ---- */

/* A status that was committed after the read may have taken the right away; what comes after this check finds the
   connection among the broker's. Policies and groups are not looked at: during a storm of registrations they change
   all the time, and the broker asks again for live connections that such a change concerns. */
static bool is_stale(const struct admission *admission)
{
    struct generation now =
        generation_of_principal(admission->gateway->generations, admission->account, admission->certificate_id);
    return now.of_certificate != admission->generation.of_certificate;
}

static bool read_again(struct admission *admission)
{
    if (!is_stale(admission) || ++admission->tries == TRIES)
        return false;
    principal_drop(admission->principal);
    admission->principal = NULL;
    workers_continue(admission->gateway->options.workers, &admission->work);
    return true;
}

static const error changing = { .name = "INTERNAL_SERVER_ERROR",
                                .message = "The certificate's status changes too fast to be decided." };

/* It was introduced: look again, or tell why not. */
static void introduced(void *arg, const error *refused)
{
    struct admission *admission = arg;
    struct connection *connection = connection_find(&admission->handle);
    if (connection != NULL && refused == NULL) {
        admission->tries = 0;
        workers_continue(admission->gateway->options.workers, &admission->work);
        return;
    }
    if (connection != NULL)
        refuse(connection, connection->side, admission->client_id, refused);
    talloc_free(admission);
}

static bool introduce(struct admission *admission, struct connection *connection)
{
    if (admission->introduced || !introduction_helps(admission->gateway, admission->refused))
        return false;
    admission->introduced = true;
    introduction_begin(connection, admission->client_id, introduced, admission);
    return true;
}

static void brought_back(struct loop_post *post)
{
    struct admission *admission = (struct admission *)((char *)post - offsetof(struct admission, post));
    struct connection *connection = connection_find(&admission->handle);
    if (connection != NULL && read_again(admission))
        return;
    if (connection != NULL && introduce(admission, connection))
        return;
    if (admission->refused == NULL && is_stale(admission)) {
        principal_drop(admission->principal);
        admission->principal = NULL;
    }
    if (connection == NULL)
        principal_drop(admission->principal);
    else if (admission->principal != NULL)
        admit(connection, connection->side, admission->principal);
    else
        refuse(connection, connection->side, admission->client_id, admission->refused ? admission->refused : &changing);
    talloc_free(admission);
}

/* ---- asked ---- */

void admission_begin(struct connection *connection, struct client *client, slice client_id)
{
    struct gateway *gateway = connection->station->gateway;
    const char *account = connection->greeting.account;
    if (connection->certificate_id[0] == '\0') {
        refuse(connection, client, client_id, &nobody);
        return;
    }
    struct principal *principal = find_cached(gateway, account, connection->certificate_id, client_id);
    if (principal != NULL) {
        COUNT(connection->station->counters.principal_hits, 1);
        admit(connection, client, principal);
        return;
    }
    struct admission *admission = MAKE(NULL, struct admission);
    admission->gateway = gateway;
    admission->handle = connection_handle(connection);
    admission->account = account ? text_copy(admission, account) : NULL;
    admission->certificate_id = text_copy(admission, connection->certificate_id);
    admission->client_id = slice_copy(admission, client_id);
    admission->work.run = read_principal;
    if (!workers_submit(gateway->options.workers, &admission->work)) {
        refuse(connection, client, client_id, &busy);
        talloc_free(admission);
    }
}
