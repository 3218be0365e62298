/* credentials.c - the IoT credentials provider, as a host of its own (auth.md 3.4, 4.4): one path, one method. What is
   asked behind them is answered by whoever the server wired in. */
#include "gateway/device_exchange.h"
#include "base/encode.h"

static const struct gateway_credentials_answer no_path = {
    .status = 404, .error_name = "ResourceNotFoundException", .message = "There is nothing here.", .why = "the path"
};
static const struct gateway_credentials_answer no_method = { .status = 405,
                                                             .error_name = "MethodNotAllowedException",
                                                             .message = "Credentials are asked for by GET.",
                                                             .why = "the method" };

/* "/role-aliases/NAME/credentials", split while it is still encoded. */
static bool read_alias(struct device_exchange *exchange, slice *alias)
{
    slice rest = exchange->message->request.path, first, last;
    if (!slice_starts(rest, "/"))
        return false;
    rest = slice_from(rest, 1);
    return slice_split(&rest, '/', &first) && slice_is(first, "role-aliases") && slice_split(&rest, '/', alias) &&
           slice_split(&rest, '/', &last) && slice_is(last, "credentials") && rest.at == NULL && alias->length > 0 &&
           percent_decode(exchange, *alias, alias);
}

static void ask(struct device_exchange *exchange, slice alias, struct gateway_credentials_answer *answer)
{
    const struct gateway_options *options = &exchange->gateway->options;
    const struct gateway_credentials_request request = {
        .account = exchange->account,
        .region = options->regions[0],
        .certificate_id = exchange->certificate_id,
        .thing_name = http_header_find(&exchange->message->request, "x-amzn-iot-thingname"),
        .alias = alias,
        .source_ip = exchange->source_ip,
        .server_name = exchange->server_name,
    };
    options->lookups.credentials(options->lookups.arg, exchange, &request, answer);
}

static slice error_body(struct device_exchange *exchange, const char *message)
{
    json *body = json_new_object(exchange);
    json_put_text(body, "message", message);
    return json_print(exchange, body);
}

static void say(struct device_exchange *exchange, const struct gateway_credentials_answer *answer)
{
    struct http_answer *out = &exchange->answer;
    *out = (struct http_answer){ .status = answer->status, .content_type = "application/json" };
    out->headers[out->header_count++] =
        (struct http_header){ SLICE("x-amzn-RequestId"), slice_of(exchange->request_id) };
    if (answer->error_name == NULL) {
        out->body = answer->body;
        return;
    }
    out->headers[out->header_count++] = (struct http_header){ SLICE("x-amzn-ErrorType"), slice_of(answer->error_name) };
    out->body = error_body(exchange, answer->message);
    exchange->why = answer->why ? answer->why : answer->message;
}

static void note(struct device_exchange *exchange, slice alias, const struct gateway_credentials_answer *answer)
{
    exchange->note = (struct audit_device){ .operation = "iot.AssumeRoleWithCertificate",
                                            .request_id = exchange->request_id,
                                            .account = exchange->account,
                                            .region = exchange->gateway->options.regions[0],
                                            .certificate_id = exchange->certificate_id,
                                            .source_ip = exchange->source_ip,
                                            .member = "roleAlias",
                                            .resource = slice_text(exchange, alias),
                                            .status = answer->status,
                                            .error_name = answer->error_name,
                                            .reason = answer->error_name ? answer->message : NULL };
}

void credentials_run(struct device_exchange *exchange)
{
    struct gateway_credentials_answer answer = no_path;
    slice alias;
    if (exchange->gateway->options.lookups.credentials != NULL && read_alias(exchange, &alias)) {
        if (slice_is(exchange->message->request.method, "GET"))
            ask(exchange, alias, &answer);
        else
            answer = no_method;
        note(exchange, alias, &answer);
    }
    say(exchange, &answer);
    device_exchange_end(exchange);
}
