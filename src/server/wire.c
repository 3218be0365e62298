/* wire.c - the rooms, put together: files of DIR, store, door with its tables, broker, gateway. */
#include "server/inner.h"
#include "base/clock.h"
#include <unistd.h>

static const char *file_of(struct server *server, const char *name)
{
    return text_format(server, "%s/%s", server->dir, name);
}

static unsigned cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

/* ---- what the gateway asks ---- */

static FALLIBLE find_key(void *arg, struct tx *tx, void *ctx, slice access_key_id, slice token,
                         struct gateway_key **out)
{
    const struct server *server = arg;
    struct signing_key *found;
    *out = NULL;
    TRY(account_find_key(tx, ctx, server->master_key, access_key_id, token, &found));
    if (found == NULL)
        return NULL;
    *out = MAKE(ctx, struct gateway_key);
    **out = (struct gateway_key){ .secret = found->secret, .caller = found->caller, .expires_ms = found->expires_ms };
    return NULL;
}

static FALLIBLE load_principal(void *arg, struct tx *tx, void *ctx, const char *account, const char *region,
                               const char *certificate_id, slice client_id, struct principal **out)
{
    (void)arg;
    return certificate_load_principal(tx, ctx, account, region, certificate_id, client_id, clock_now_s(), out);
}

static void key_used(void *arg, const struct caller *caller, const char *service, const char *region)
{
    const struct server *server = arg;
    account_note_use(server->door, caller, service, region);
}

static void give_credentials(void *arg, void *ctx, const struct gateway_credentials_request *request,
                             struct gateway_credentials_answer *answer)
{
    const struct server *server = arg;
    struct sts_device_answer given;
    const struct sts_device_request asked = { .door = server->door,
                                              .account = request->account,
                                              .region = request->region,
                                              .certificate_id = request->certificate_id,
                                              .thing_name = request->thing_name,
                                              .alias = request->alias,
                                              .source_ip = request->source_ip,
                                              .server_name = request->server_name };
    sts_device_credentials(ctx, &asked, &given);
    *answer =
        (struct gateway_credentials_answer){ given.status, given.error_name, given.message, given.why, given.body };
}

static void introduce(void *arg, const struct gateway_introduction *introduction)
{
    const struct server *server = arg;
    jit_introduce(server->jit, &(struct jit_request){ .account = introduction->account,
                                                      .region = introduction->region,
                                                      .chain = introduction->chain,
                                                      .chain_count = introduction->chain_count,
                                                      .client_id = introduction->client_id,
                                                      .source_ip = introduction->source_ip,
                                                      .home = introduction->home,
                                                      .done = introduction->done,
                                                      .arg = introduction->arg });
}

static void write_metrics(void *arg, writer *out)
{
    const struct server *server = arg;
    struct jit_numbers n;
    jit_count(server->jit, &n);
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        { "muster_jit_registered_total", "Certificates registered just in time.", n.registered },
        { "muster_jit_repeated_total", "Connects of certificates that wait for their activation.", n.repeated },
        { "muster_provision_thing_success_total", "ProvisionThing.Success of just-in-time provisioning.",
          n.provisioned },
        { "muster_provision_thing_client_error_total", "ProvisionThing.ClientError of just-in-time provisioning.",
          n.client_errors },
        { "muster_provision_thing_server_error_total", "ProvisionThing.ServerError of just-in-time provisioning.",
          n.server_errors },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        writer_format(out, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", rows[i].name, rows[i].help, rows[i].name,
                      rows[i].name, (unsigned long long)rows[i].value);
}

/* ---- host names: read when accounts change, swapped in whole ---- */

static FALLIBLE read_hosts(struct tx *tx, void *arg)
{
    struct server *server = arg;
    SCRATCH ctx = talloc_new(NULL);
    struct account_host *hosts;
    size_t count;
    TRY(account_hosts(tx, ctx, server->configuration->region, server->configuration->domain, &hosts, &count));
    struct gateway_host *names = MAKE_ARRAY(ctx, struct gateway_host, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = (struct gateway_host){ hosts[i].host, hosts[i].account, hosts[i].is_credentials };
    gateway_set_hosts(server->gateway, names, count);
    return NULL;
}

struct host_work {
    struct work work;
    struct server *server;
};

static void reload_hosts(struct work *work)
{
    struct host_work *mine = (struct host_work *)work;
    error *e = store_read(mine->server->store, mine, read_hosts, mine->server);
    if (e != NULL)
        log_error(&mine->server->scope, "cannot read the host names of accounts: %s", error_chain(mine, e));
    talloc_free(mine);
}

static void on_changes(void *arg, const struct change *changes, size_t count)
{
    struct server *server = arg;
    gateway_on_changes(server->gateway, changes, count); /* first: the broker asks the gateway again */
    broker_on_changes(server->broker, changes, count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(changes[i].what, "endpoint") != 0)
            continue;
        struct host_work *work = MAKE(NULL, struct host_work);
        work->work.run = reload_hosts;
        work->server = server;
        workers_continue(server->workers, &work->work);
        return;
    }
}

static void on_effect(void *arg, const char *account, const char *region, enum effect_kind kind, const char *key,
                      slice payload)
{
    const struct server *server = arg;
    (void)region;
    if (kind == EFFECT_DISCONNECT)
        broker_disconnect_principal(server->broker, account, key);
    if (kind == EFFECT_PUBLISH)
        broker_publish(server->broker, account, slice_of(key), payload);
}

/* ---- pieces ---- */

static FALLIBLE open_store(struct server *server)
{
    unsigned workers = server->configuration->workers ? (unsigned)server->configuration->workers : 2 * cores();
    workers = workers < 4 ? 4 : workers;
    struct store_options options = { .folder = server->dir, .readers = workers };
#ifdef MUSTER_TEST_BUILD
    const char *rerun = getenv("MUSTER_TEST_RERUN"), *sync = getenv("MUSTER_TEST_SYNC_MS");
    options.test_rerun = rerun != NULL;
    options.test_sync_ms = sync ? (unsigned)strtoul(sync, NULL, 10) : 0;
#endif
    TRY(master_key_read(server, file_of(server, FILE_MASTER_KEY), &server->master_key));
    TRY(store_open(server, &options, &server->store));
    server->workers = workers_new(server, "worker", workers, 100000, 0);
    return NULL;
}

static FALLIBLE open_keys(struct server *server)
{
    TRY(pki_issuer_read(server, file_of(server, FILE_ISSUER), file_of(server, FILE_ISSUER_KEY), &server->issuer));
    server->keys = pki_pool_new(server, (size_t)server->configuration->key_pool, cores());
    return NULL;
}

/* Who signs tokens that we take, and the way to their keys. */
static void put_issuers(struct server *server)
{
    struct configuration *configuration = server->configuration;
    server->fetcher = fetcher_new(server, &(struct fetch_options){ 0 });
    struct issuers_options options = { .fetcher = server->fetcher,
                                       .settings = configuration->issuers,
                                       .setting_count = configuration->issuer_count,
                                       .allow_insecure = configuration->allow_insecure_issuer,
                                       .scope = &server->scope };
    door_put(server->door, STS_ISSUERS, issuers_new(server, &options));
    if (configuration->allow_insecure_issuer)
        door_put(server->door, IAM_ALLOW_INSECURE_ISSUER, server);
}

static FALLIBLE open_door(struct server *server)
{
    static const struct operation *const *const tables[] = { account_operations,
                                                             operator_operations,
                                                             iam_entity_operations,
                                                             iam_policy_operations,
                                                             iam_oidc_operations,
                                                             sts_operations,
                                                             sts_web_operations,
                                                             sts_alias_operations,
                                                             registry_operations,
                                                             registry_event_operations,
                                                             registry_group_operations,
                                                             certificate_operations,
                                                             certificate_policy_operations,
                                                             provisioning_operations,
                                                             broker_operations };
    struct door_options options = { .store = server->store,
                                    .workers = server->workers,
                                    .master_key = server->master_key,
                                    .regions = server->regions,
                                    .region_count = 1,
                                    .enforce_iam = server->configuration->enforce_iam,
                                    .scope = &server->scope };
    TRY(door_new(server, &options, &server->door));
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        TRY(door_add(server->door, tables[i]));
    door_put(server->door, ACCOUNT_MASTER_KEY, server->master_key);
    put_issuers(server);
    door_put(server->door, ACCOUNT_DOMAIN, (void *)(uintptr_t)server->configuration->domain);
    door_put(server->door, CERTIFICATE_ISSUER, server->issuer);
    door_put(server->door, CERTIFICATE_KEYS, server->keys);
    door_put(server->door, REGISTRY_TYPE_DELETE_DELAY, &server->configuration->thing_type_delete_delay_s);
    door_put(server->door, CERTIFICATE_TRANSFER_EXPIRY_DAYS, &server->configuration->transfer_expiry_days);
    if (server->configuration->allow_unrevoke)
        door_put(server->door, CERTIFICATE_ALLOW_UNREVOKE, server);
    door_on_effect(server->door, on_effect, server);
    door_on_resource(server->door, "iam", iam_resource);
    door_on_resource(server->door, "iot", registry_resource);
    TRY(trail_open(server, file_of(server, FILE_AUDIT), server->configuration->audit_days, &server->scope,
                   &server->trail));
    door_on_audit(server->door, trail_add, server->trail);
    return NULL;
}

static FALLIBLE open_broker(struct server *server)
{
    struct broker_options options = { .door = server->door,
                                      .store = server->store,
                                      .workers = server->workers,
                                      .loops = server->loops,
                                      .loop_count = server->loop_count,
                                      .scope = &server->scope,
                                      .region = server->configuration->region,
                                      .master_key = server->master_key,
                                      .session_expiry_max_s = (unsigned)server->configuration->session_expiry_max_s };
    TRY(broker_new(server, &options, &server->broker));
    door_put(server->door, BROKER, server->broker);
    return NULL;
}

static FALLIBLE open_gateway(struct server *server)
{
    const struct configuration *configuration = server->configuration;
    struct gateway_options options = {
        .addresses = configuration->listen,
        .address_count = configuration->listen_count,
        .mqtt_port = (uint16_t)configuration->mqtt_port,
        .https_port = (uint16_t)configuration->https_port,
        .device_https_port = (uint16_t)configuration->device_https_port,
        .metrics_port = (uint16_t)configuration->metrics_port,
        .certificates = { { file_of(server, FILE_SERVER_ECDSA), file_of(server, FILE_SERVER_ECDSA_KEY) },
                          { file_of(server, FILE_SERVER_RSA), file_of(server, FILE_SERVER_RSA_KEY) } },
        .loops = server->loops,
        .loop_count = server->loop_count,
        .workers = server->workers,
        .store = server->store,
        .door = server->door,
        .broker = server->broker,
        .lookups = { find_key, load_principal, server, key_used, give_credentials, introduce, write_metrics },
        .domain = configuration->domain,
        .regions = server->regions,
        .region_count = 1,
        .default_account = server->default_account,
        .default_without_sni = configuration->default_account_without_sni,
        .connection_limit = (size_t)configuration->connection_limit,
        .scope = &server->scope,
    };
    TRY(gateway_new(server, &options, &server->gateway));
    return store_read(server->store, server, read_hosts, server);
}

static FALLIBLE read_account(struct tx *tx, void *arg)
{
    struct server *server = arg;
    return account_default(tx, server, &server->default_account);
}

FALLIBLE server_wire(struct server *server)
{
    server->loop_count = server->configuration->loops ? (size_t)server->configuration->loops : cores();
    server->loops = MAKE_ARRAY(server, struct loop *, server->loop_count);
    server->regions[0] = server->configuration->region;
    TRY(open_store(server));
    TRY(store_read(server->store, server, read_account, server));
    TRY(open_keys(server));
    for (size_t i = 0; i < server->loop_count; i++)
        server->loops[i] = loop_new(server, "loop", (unsigned)i);
    TRY(open_door(server));
    TRY(open_broker(server));
    server->jit =
        jit_new(server, &(struct jit_options){
                            .door = server->door,
                            .scope = &server->scope,
                            .default_account =
                                server->configuration->default_account_without_sni ? server->default_account : NULL,
                            .hold = server->configuration->jitp_hold,
                        });
    TRY(open_gateway(server));
    store_on_change(server->store, on_changes, server);
    return gateway_listen(server->gateway);
}
