/* endpoint.c - GetCallerIdentity, DescribeEndpoint, and the host names of accounts (x509.md 4.8, auth.md 2.3). */
#include "account/account.h"
#include "base/random.h"

/* ---- STS GetCallerIdentity: never needs a permission ---- */

static FALLIBLE caller_identity(struct call *call)
{
    return answer(call, string("Arn", call->caller->arn), string("UserId", call->caller->user_id),
                  string("Account", call->caller->account));
}

/* ---- endpoints ---- */

static const struct endpoint {
    const char *type, *kind, *middle;
    bool is_data; /* of the default account: the domain itself, one name to resolve */
} endpoints[] = {
    { "iot:Data-ATS", "data", "-ats.iot.", true },
    { "iot:Data", "data", ".iot.", true },
    { "iot:CredentialProvider", "credentials", ".credentials.iot.", false },
    { "iot:Jobs", "credentials", ".jobs.iot.", false },
    { "iot:DeviceAdvisor", "deviceadvisor", ".deviceadvisor.iot.", false },
};
enum { ENDPOINTS = sizeof(endpoints) / sizeof(*endpoints) };

FALLIBLE account_endpoint_prefix(struct tx *tx, void *ctx, const char *account, const char *region, const char *kind,
                                 const char **out)
{
    struct row *row;
    int64_t made;
    TRY(store_run(tx, &made,
                  "INSERT INTO endpoint (account, region, kind, prefix) VALUES (?, ?, ?, ?) "
                  "ON CONFLICT (account, region, kind) DO NOTHING",
                  ARGS(sql_text(account), sql_text(region), sql_text(kind),
                       sql_text(text_format(ctx, "a%s", random_text(ctx, 13, ALPHABET_BASE36))))));
    TRY(store_find(tx, ctx, &row, "SELECT prefix FROM endpoint WHERE account = ? AND region = ? AND kind = ?",
                   ARGS(sql_text(account), sql_text(region), sql_text(kind))));
    *out = row_text(ctx, row, 0);
    return made ? change_log(tx, account, region, "endpoint", kind, "CREATED", *out) : NULL;
}

FALLIBLE account_default(struct tx *tx, void *ctx, const char **out)
{
    struct row *row;
    TRY(store_find(tx, ctx, &row, "SELECT id FROM account WHERE is_default = 1 ORDER BY id LIMIT 1", NO_ARGS));
    if (row == NULL)
        return error_new(ctx, "InternalFailureException", "The store has no default account; run muster init.");
    *out = row_text(ctx, row, 0);
    return NULL;
}

FALLIBLE account_exists(struct tx *tx, const char *id, bool *out)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, "SELECT 1 FROM account WHERE id = ?", ARGS(sql_text(id))));
    *out = row != NULL;
    return NULL;
}

static FALLIBLE address_of(struct call *call, const char *account, const struct endpoint *endpoint, const char **out)
{
    const char *prefix = NULL, *default_account = "", *domain = door_get(call->door, ACCOUNT_DOMAIN);
    TRY(account_default(call->tx, call, &default_account));
    *out = domain;
    if (endpoint->is_data && strcmp(default_account, account) == 0)
        return NULL;
    TRY(account_endpoint_prefix(call->tx, call, account, call->region, endpoint->kind, &prefix));
    *out = text_format(call, "%s%s%s.%s", prefix, endpoint->middle, call->region, domain);
    return NULL;
}

FALLIBLE account_endpoints(struct call *call, const char *account, json **out)
{
    *out = json_new_object(call);
    for (size_t i = 0; i < ENDPOINTS; i++) {
        const char *address = NULL;
        TRY(address_of(call, account, &endpoints[i], &address));
        json_put_text(*out, endpoints[i].type, address);
    }
    return NULL;
}

static FALLIBLE describe_endpoint(struct call *call)
{
    const char *type = call_string(call, "endpointType"), *address = NULL;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        if (strcmp(endpoints[i].type, type ? type : "iot:Data-ATS") != 0)
            continue;
        TRY(address_of(call, call->account, &endpoints[i], &address));
        return answer(call, string("endpointAddress", address));
    }
    return error_new(call, "InvalidRequestException",
                     "endpointType: %s is none of iot:Data-ATS, iot:Data, iot:CredentialProvider, iot:Jobs, "
                     "iot:DeviceAdvisor.",
                     type);
}

struct hosts {
    void *ctx;
    const char *domain, *region;
    struct account_host *at;
    size_t count;
};

static FALLIBLE add_hosts(const struct row *row, void *arg)
{
    struct hosts *hosts = arg;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        if (!slice_is(row_slice(row, 1), endpoints[i].kind))
            continue;
        struct account_host *host = ARRAY_ADD(hosts->ctx, hosts->at, hosts->count);
        host->account = row_text(hosts->ctx, row, 0);
        host->is_credentials = strcmp(endpoints[i].type, "iot:CredentialProvider") == 0;
        host->host = text_format(hosts->ctx, "%.*s%s%s.%s", PRINT(row_slice(row, 2)), endpoints[i].middle,
                                 hosts->region, hosts->domain);
    }
    return NULL;
}

FALLIBLE account_hosts(struct tx *tx, void *ctx, const char *region, const char *domain, struct account_host **out,
                       size_t *count)
{
    struct hosts hosts = { .ctx = ctx, .domain = domain, .region = region };
    TRY(store_each(tx, add_hosts, &hosts, "SELECT account, kind, prefix FROM endpoint WHERE region = ?",
                   ARGS(sql_text(region))));
    *out = hosts.at;
    *count = hosts.count;
    return NULL;
}

static const struct operation get_caller_identity = { "sts", "GetCallerIdentity", STEPS({ READ, caller_identity }) };
static const struct operation describe_endpoint_operation = { "iot", "DescribeEndpoint",
                                                              STEPS({ APPLY, describe_endpoint }) };

const struct operation *const account_operations[] = { &get_caller_identity, &describe_endpoint_operation, NULL };
