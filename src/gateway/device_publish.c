/* device_publish.c - POST /topics/TOPIC by client certificate (broker.md 2.4, 3.3; x509.md 4.8): the IoT policies of the
   certificate decide, and the message goes the way of all. Nothing else is served here. */
#include "gateway/admission.h"
#include "gateway/device_exchange.h"
#include "gateway/introduction.h"

static const char service[] = "iot-data";

/* ---- rights: as in MQTT, but without what only a connection has: a client id and a thing (broker.md 2.1, 4.11) ---- */

static bool find_key(void *arg, slice key, struct policy_values *out)
{
    static const char *const missing[] = { "iot:ClientId", "iot:Connection.Thing.", "iot:Thing." };
    for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++)
        if (key.length >= strlen(missing[i]) && strncasecmp(key.at, missing[i], strlen(missing[i])) == 0)
            return false;
    return broker_find_key(arg, key, out);
}

static bool may(struct device_exchange *exchange, const char *action, const char *resource)
{
    const struct principal *principal = exchange->principal;
    const struct policy **policies = MAKE_ARRAY(exchange, const struct policy *, principal->policy_count + 1);
    for (size_t i = 0; i < principal->policy_count; i++)
        policies[i] = principal->policies[i].policy;
    struct policy_asker asker = {
        .principal = principal, .address = exchange->source_ip, .server_name = exchange->server_name, .secure = "true"
    };
    struct policy_context context = { .find = find_key, .arg = &asker };
    struct policy_request request = { slice_of(action), slice_of(resource), &context };
    struct policy_decision decision;
    if (policy_evaluate(policies, principal->policy_count, &request, &decision) == POLICY_ALLOW)
        return true;
    exchange->why =
        decision.effect == POLICY_EXPLICIT_DENY
            ? text_format(exchange, "%s on %s is denied by policy %s", action, resource, decision.policy_name)
            : text_format(exchange, "no policy allows %s on %s", action, resource);
    return false;
}

static error *forbidden(struct device_exchange *exchange)
{
    return error_new(exchange, "ForbiddenException", "Forbidden");
}

static FALLIBLE check_rights(struct device_exchange *exchange)
{
    const struct call *call = exchange->call;
    const char *resource = text_format(exchange, "arn:aws:iot:%s:%s:topic/%.*s", exchange->principal->region,
                                       exchange->principal->account, PRINT(call_text(call, "topic")));
    bool allowed = may(exchange, "iot:Publish", resource) &&
                   (!call_flag(call, "retain") || may(exchange, "iot:RetainPublish", resource));
    return allowed ? NULL : forbidden(exchange);
}

/* ---- who, and what ---- */

/* A store that cannot answer is no reason to call a device unknown. */
static FALLIBLE find_principal(struct device_exchange *exchange)
{
    error *e = admission_principal(exchange->gateway, exchange, exchange->account, exchange->certificate_id,
                                   &exchange->principal);
    if (e == NULL)
        return NULL;
    exchange->wants_introduction = !exchange->introduced && introduction_helps(exchange->gateway, e);
    exchange->why = exchange->why ? exchange->why : e->name;
    return admission_is_refusal(e) ? forbidden(exchange)
                                   : error_new(exchange, "ServiceUnavailableException", "Try again later.");
}

static FALLIBLE find_operation(struct device_exchange *exchange)
{
    const struct http_request *request = &exchange->message->request;
    struct route *route = &exchange->route;
    door_route(exchange->gateway->options.door, exchange, request, SLICE("iotdata"), route);
    if (route->operation == NULL || strcmp(route->service, service) != 0)
        return error_new(exchange, "UnknownOperationException", "There is no operation %.*s %.*s for devices.",
                         PRINT(request->method), PRINT(request->path));
    return strcmp(route->name, "Publish") == 0
               ? NULL
               : error_new(exchange, "NotImplementedException", "%s is not implemented for devices.", route->name);
}

static void fill_caller(struct device_exchange *exchange)
{
    const struct principal *principal = exchange->principal;
    exchange->caller = (struct caller){ .kind = CALLER_DEVICE,
                                        .account = principal->account,
                                        .arn = principal->arn,
                                        .type = "Certificate",
                                        .user_id = principal->id,
                                        .principal = principal->id };
}

/* ---- there and back ---- */

static void finished(struct call *call)
{
    struct device_exchange *exchange = call->owner;
    door_answer(exchange, call, &exchange->route, &exchange->answer);
    device_exchange_end(exchange);
}

static void fill_call(struct device_exchange *exchange)
{
    struct call *call = exchange->call;
    slice agent = http_header_find(&exchange->message->request, "user-agent");
    call->caller = &exchange->caller;
    call->account = exchange->caller.account;
    call->region = exchange->principal->region;
    call->source_ip = exchange->source_ip;
    call->user_agent = agent.at ? slice_text(exchange, agent) : NULL;
    call->home = exchange->handle.station->loop;
    call->owner = exchange;
    call->done = finished;
}

static FALLIBLE enter(struct device_exchange *exchange)
{
    TRY(find_operation(exchange));
    TRY(find_principal(exchange));
    TRY(door_bind(exchange->gateway->options.door, exchange, &exchange->message->request, &exchange->route,
                  &exchange->call));
    fill_caller(exchange);
    fill_call(exchange);
    return check_rights(exchange);
}

/* ---- a stranger's first request (x509.md 4.9, row 1) ---- */

static void refuse(struct device_exchange *exchange, error *refused)
{
    exchange->why = exchange->why ? exchange->why : refused->message;
    door_refuse(exchange, exchange->gateway->options.door, &exchange->route, exchange->request_id, refused,
                &exchange->answer);
    device_exchange_end(exchange);
}

static void introduced(void *arg, const error *refused)
{
    struct device_exchange *exchange = arg;
    exchange->why = refused ? text_format(exchange, "%s: %s", refused->name, refused->message) : NULL;
    if (refused == NULL)
        workers_continue(exchange->gateway->options.workers, &exchange->work);
    else
        refuse(exchange, forbidden(exchange));
}

static void introduce(struct loop_post *post)
{
    struct device_exchange *exchange =
        (struct device_exchange *)((char *)post - offsetof(struct device_exchange, post));
    struct connection *connection = connection_find(&exchange->handle);
    exchange->introduced = true;
    if (connection != NULL)
        introduction_begin(connection, SLICE(""), introduced, exchange);
    else
        refuse(exchange, forbidden(exchange));
}

void device_publish_run(struct device_exchange *exchange)
{
    exchange->route = (struct route){ .service = service, .protocol = PROTOCOL_REST_JSON };
    error *refused = enter(exchange);
    if (refused == NULL) {
        operation_run(exchange->call);
        return;
    }
    if (exchange->wants_introduction) {
        exchange->wants_introduction = false;
        exchange->post.run = introduce;
        loop_post(exchange->handle.station->loop, &exchange->post);
        return;
    }
    refuse(exchange, refused);
}
