/* authenticate.c - who signed this request (auth.md 3.1, 4.1), in the order of the table. */
#include "gateway/exchange.h"
#include "base/clock.h"
#include "base/secret.h"
#include "sigv4/sigv4.h"

/* ---- keys, cached ---- */

static void *share(void *value)
{
    struct known_key *key = value;
    __atomic_add_fetch(&key->references, 1, __ATOMIC_RELAXED);
    return key;
}

void known_key_drop(struct known_key *key)
{
    if (key != NULL && __atomic_sub_fetch(&key->references, 1, __ATOMIC_ACQ_REL) == 0)
        talloc_free(key);
}

static void drop(void *value)
{
    known_key_drop(value);
}

const struct cache_kind exchange_keys = { share, drop };

struct key_question {
    const struct gateway_lookups *lookups;
    const struct sigv4_material *material;
    struct known_key *answer;
};

static FALLIBLE look(struct tx *tx, void *arg)
{
    struct key_question *question = arg;
    return question->lookups->find_key(question->lookups->arg, tx, question->answer, question->material->access_key_id,
                                       question->material->token, &question->answer->key);
}

/* A key with a token is another one than the key alone, or with another token. Hashed, so that no id and token together
   read like others, and no token stays in memory as it came. */
static slice cache_key(void *ctx, const struct sigv4_material *material)
{
    const char *start = text_format(ctx, "%zu:%zu:%d:", material->access_key_id.length, material->token.length,
                                    material->token.at != NULL);
    writer all = writer_new(ctx, SIZE_MAX / 4);
    writer_text(&all, start);
    writer_slice(&all, material->access_key_id);
    writer_slice(&all, material->token);
    return slice_of(digest_sha256_hex(ctx, writer_slice_of(&all)));
}

/* *out is NULL for a key that is unknown. */
static FALLIBLE read_key(struct exchange *exchange, const struct sigv4_material *material, slice cached_as,
                         struct known_key **out)
{
    struct gateway *gateway = exchange->gateway;
    struct generation generation = generation_of_keys(gateway->generations);
    struct known_key *known = MAKE(NULL, struct known_key);
    known->references = 1;
    struct key_question question = { &gateway->options.lookups, material, known };
    error *e = store_read(gateway->options.store, exchange, look, &question);
    if (e == NULL && known->key != NULL) {
        cache_keep(gateway->keys, cached_as, generation, clock_monotonic_ms(), known);
        *out = known;
        return NULL;
    }
    if (e != NULL)
        e = error_new(exchange, e->name, "%s", e->message); /* what it hangs off may be dropped now */
    known_key_drop(known);
    *out = NULL;
    return e;
}

/* 4.1 rows 3 and 4. */
static FALLIBLE find_key(struct exchange *exchange, const struct sigv4_material *material)
{
    struct gateway *gateway = exchange->gateway;
    slice cached_as = cache_key(exchange, material);
    exchange->key =
        cache_find(gateway->keys, cached_as, generation_of_keys(gateway->generations), clock_monotonic_ms());
    if (exchange->key == NULL)
        TRY(read_key(exchange, material, cached_as, &exchange->key));
    if (exchange->key == NULL)
        return error_new(exchange, "InvalidClientToken", "The security token included in the request is invalid.");
    int64_t expires_ms = exchange->key->key->expires_ms;
    if (expires_ms != 0 && expires_ms <= clock_now_ms())
        return error_new(exchange, "ExpiredToken", "The security token included in the request is expired");
    return NULL;
}

/* ---- when a key was used last ---- */

static void *share_nothing(void *value)
{
    return value;
}

static void drop_nothing(void *value)
{
    (void)value;
}

const struct cache_kind exchange_uses = { share_nothing, drop_nothing };

/* At most once a minute for each key, or role of a session: the cache remembers it that long. */
static void tell_use(struct exchange *exchange, const struct sigv4_material *material)
{
    struct gateway *gateway = exchange->gateway;
    const struct caller *caller = exchange->caller;
    const struct generation always = { 0, 0 };
    slice id = caller->session == SESSION_ROLE ? slice_of(caller->principal_arn) : material->access_key_id;
    bool tells = gateway->options.lookups.key_used != NULL && id.at != NULL &&
                 (caller->session == SESSION_NONE || caller->session == SESSION_ROLE);
    if (!tells || cache_find(gateway->key_uses, id, always, clock_monotonic_ms()) != NULL)
        return;
    cache_keep(gateway->key_uses, id, always, clock_monotonic_ms(), gateway);
    gateway->options.lookups.key_used(gateway->options.lookups.arg, caller, slice_text(exchange, material->service),
                                      exchange->region);
}

/* ---- scope ---- */

/* Auth.md 2.1: the account services are global, so their clients sign for us-east-1 whatever region is meant. */
static const char global_region[] = "us-east-1";

static bool is_global(const char *service)
{
    return service != NULL && (strcmp(service, "iam") == 0 || strcmp(service, "sts") == 0);
}

static FALLIBLE check_scope(struct exchange *exchange, const struct sigv4_material *material)
{
    const struct gateway_options *options = &exchange->gateway->options;
    const struct route *route = &exchange->route;
    size_t count = options->region_count;
    const char **regions = MAKE_ARRAY(exchange, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        regions[i] = options->regions[i];
        if (slice_is(material->region, regions[i]))
            exchange->region = regions[i];
    }
    if (is_global(route->service))
        regions[count++] = global_region;
    /* Where no service was found, any will do: the answer will be that there is no such operation. */
    const char *any = slice_text(exchange, material->service);
    const struct sigv4_scope scope = {
        .regions = regions,
        .region_count = count,
        .services = route->service ? route->scopes : &any,
        .service_count = route->service ? route->scope_count : 1,
        .now_s = clock_now_s(),
    };
    return sigv4_check_scope(exchange, material, &scope);
}

/* ---- the request, as a signature sees it ---- */

static void make_request(struct exchange *exchange, struct sigv4_request *out)
{
    const struct http_request *request = &exchange->message->request;
    struct sigv4_header *headers = MAKE_ARRAY(exchange, struct sigv4_header, request->header_count + 1);
    for (size_t i = 0; i < request->header_count; i++)
        headers[i] = (struct sigv4_header){ request->headers[i].name, request->headers[i].value };
    *out = (struct sigv4_request){
        .method = request->method,
        .raw_path = request->path,
        .raw_query = request->query,
        .headers = headers,
        .header_count = request->header_count,
        .body_sha256_hex = slice_of(digest_sha256_hex(exchange, request->body)),
        .over_tls = true,
    };
}

static const struct caller *nobody(struct exchange *exchange)
{
    struct caller *caller = MAKE(exchange, struct caller);
    caller->kind = CALLER_IAM;
    caller->account = exchange->gateway->options.default_account ? exchange->gateway->options.default_account : "";
    caller->arn = caller->user_id = caller->type = "Anonymous";
    return caller;
}

static FALLIBLE verify(struct exchange *exchange, const struct sigv4_request *request,
                       const struct sigv4_material *material)
{
    const char *alternate;
    TRY(find_key(exchange, material));
    TRY(check_scope(exchange, material));
    TRY(sigv4_verify(exchange, request, material, exchange->key->key->secret, &alternate));
    if (alternate != NULL)
        log_debug(&exchange->handle.station->scope, "took a signature by the alternate \"%s\"", alternate);
    exchange->caller = exchange->key->key->caller;
    tell_use(exchange, material);
    return NULL;
}

FALLIBLE authenticate(struct exchange *exchange)
{
    struct door *door = exchange->gateway->options.door;
    const struct http_request *http = &exchange->message->request;
    struct sigv4_material *material;
    struct sigv4_request request;

    door_route(door, exchange, http, SLICE(""),
               &exchange->route);           /* a broken signature is answered in its protocol too */
    if (exchange->route.unsigned_allowed) { /* and a signature is ignored there (3.1.9) */
        exchange->caller = nobody(exchange);
        return NULL;
    }
    make_request(exchange, &request);
    TRY(sigv4_parse(exchange, &request, &material));
    if (material == NULL)
        return sigv4_missing(exchange, exchange->route.protocol == PROTOCOL_QUERY ? SIGV4_QUERY : SIGV4_JSON);
    exchange->access_key = material->access_key_id;
    door_route(door, exchange, http, material->service, &exchange->route);
    return verify(exchange, &request, material);
}
