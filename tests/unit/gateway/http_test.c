/* http_test.c - requests over TLS to a real gateway: who signed, what is answered, in what order, and what floods get. */
#include "gateway/fixture.h"

static struct server *server;
static sem_t entered, let_go;

/* ---- three operations of our own, in place of the services' ---- */

static FALLIBLE tell_caller(struct call *call)
{
    return answer(call, string("endpointAddress", call->caller->arn));
}

static FALLIBLE wait_in_work(struct call *call)
{
    sem_post(&entered);
    sem_wait(&let_go);
    return answer(call, string("registrationCode", call->source_ip));
}

enum { LARGE = 1 << 20 };

static FALLIBLE answer_at_length(struct call *call)
{
    char *text = MAKE_ARRAY(call, char, LARGE + 1);
    memset(text, 'x', LARGE);
    return answer(call, string("roleArn", text));
}

static const struct operation get_logging = { "iot", "GetV2LoggingOptions", STEPS({ WORK, answer_at_length }) };
static const struct operation describe_endpoint = { "iot", "DescribeEndpoint", STEPS({ READ, tell_caller }) };
static const struct operation get_code = { "iot", "GetRegistrationCode", STEPS({ WORK, wait_in_work }) };
static const struct operation *const operations[] = { &describe_endpoint, &get_code, &get_logging, NULL };

/* ---- requests ---- */

struct ask {
    const char *method, *target, *headers, *body; /* headers: whole lines */
    const char *service, *region, *key, *secret;  /* NULL: iot, eu-west-1, KEY_ID, SECRET */
    int64_t skew_s;
    enum { SIGNED, UNSIGNED, TAMPERED } signature;
};

static const char * or (const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static const char *signature_lines(void *ctx, const struct ask *ask, slice path, slice query)
{
    struct sigv4_signed made;
    const struct sigv4_header host = { SLICE("host"), SLICE("localhost") };
    const struct sigv4_request request = { .method = slice_of(ask->method),
                                           .raw_path = path,
                                           .raw_query = query,
                                           .headers = &host,
                                           .header_count = 1,
                                           .body_sha256_hex =
                                               slice_of(digest_sha256_hex(ctx, slice_of(or (ask->body, "")))) };
    const struct sigv4_signer signer = { .access_key_id = slice_of(or (ask->key, KEY_ID)),
                                         .secret = slice_of(or (ask->secret, SECRET)),
                                         .region = slice_of(or (ask->region, "eu-west-1")),
                                         .service = slice_of(or (ask->service, "iot")),
                                         .now_s = clock_now_s() + ask->skew_s };
    sigv4_sign(ctx, &request, &signer, &made);
    return text_format(ctx, "Authorization: %s\r\nX-Amz-Date: %s\r\n", made.authorization, made.date);
}

static slice request_of(void *ctx, const struct ask *ask)
{
    slice query = slice_of(ask->target), path;
    slice_split(&query, '?', &path);
    const char *body = or (ask->body, "");
    const char *lines = ask->signature == UNSIGNED ? "" : signature_lines(ctx, ask, path, query.at ? query : SLICE(""));
    if (ask->signature == TAMPERED)
        body = "tampered";
    return slice_of(text_format(ctx, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                                ask->method, ask->target, lines, or (ask->headers, ""), strlen(body), body));
}

/* ---- answers ---- */

struct heard {
    int status;
    char head[2048], body[65536];
    size_t body_length;
};

static const char *header_of(const struct heard *heard, const char *name, char value[256])
{
    char start[64];
    snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *at = strcasestr(heard->head, start);
    const char *end = at ? strstr(at + 2, "\r\n") : NULL;
    value[0] = '\0';
    if (end != NULL)
        snprintf(value, 256, "%.*s", (int)(end - at - (long)strlen(start)), at + strlen(start));
    return value;
}

/* One answer. `has_body` false: to a HEAD. */
static void hear(struct client *client, struct heard *heard, bool has_body)
{
    char value[256];
    size_t length = 0;
    memset(heard, 0, sizeof(*heard));
    while (strstr(heard->head, "\r\n\r\n") == NULL) {
        assert_int_equal(client_read(client, heard->head + length, 1), 1);
        assert_true(++length < sizeof(heard->head) - 1);
    }
    assert_int_equal(sscanf(heard->head, "HTTP/1.1 %d ", &heard->status), 1);
    header_of(heard, "Content-Length", value);
    size_t body_length = (size_t)strtoul(value, NULL, 10);
    if (has_body && heard->status != 100) {
        assert_true(body_length < sizeof(heard->body));
        heard->body_length = client_read(client, heard->body, body_length);
        assert_int_equal(heard->body_length, body_length);
    }
}

static struct client dial_https(uint16_t port)
{
    struct wish wish = { .port = port };
    struct client client = client_connect(&wish);
    assert_int_equal(client.failure, 0);
    return client;
}

/* ---- one question, one answer ---- */

static const struct row {
    const char *name;
    struct ask ask;
    int status;
    const char *error, *body; /* error: x-amzn-ErrorType; body: something in it */
} rows[] = {
    { "a signed request",
      { .method = "GET", .target = "/endpoint?endpointType=iot%3AData-ATS", .signature = SIGNED },
      200,
      "",
      "arn:aws:iam::000000000001:user/ada" },
    { "signed for execute-api",
      { .method = "GET", .target = "/endpoint", .service = "execute-api" },
      200,
      "",
      "user/ada" },
    { "a trailing slash", { .method = "GET", .target = "/endpoint/" }, 200, "", "user/ada" },
    { "an operation that is not there yet",
      { .method = "POST", .target = "/things/p", .body = "{}" },
      501,
      "NotImplementedException",
      "CreateThing is not implemented yet." },
    { "no signature",
      { .method = "GET", .target = "/endpoint", .signature = UNSIGNED },
      403,
      "MissingAuthenticationTokenException",
      "Missing Authentication Token" },
    { "an unknown key",
      { .method = "GET", .target = "/endpoint", .key = "AKIAEXAMPLEEXAMPLE78" },
      403,
      "UnrecognizedClientException",
      "The security token included in the request is invalid." },
    { "another secret",
      { .method = "GET", .target = "/endpoint", .secret = "x" },
      403,
      "InvalidSignatureException",
      "does not match" },
    { "a changed body",
      { .method = "POST", .target = "/things/p", .body = "{}", .signature = TAMPERED },
      403,
      "InvalidSignatureException",
      "does not match" },
    { "another region",
      { .method = "GET", .target = "/endpoint", .region = "mars-1" },
      403,
      "InvalidSignatureException",
      "valid region" },
    { "another service",
      { .method = "GET", .target = "/endpoint", .service = "sqs" },
      403,
      "InvalidSignatureException",
      "correct service: 'iot'" },
    { "ten minutes ago",
      { .method = "GET", .target = "/endpoint", .skew_s = -600 },
      403,
      "InvalidSignatureException",
      "Signature expired" },
    { "in ten minutes",
      { .method = "GET", .target = "/endpoint", .skew_s = 600 },
      403,
      "InvalidSignatureException",
      "not yet current" },
    { "half a signature",
      { .method = "GET",
        .target = "/endpoint",
        .headers = "Authorization: AWS4-HMAC-SHA256 Credential=a/b\r\n",
        .signature = UNSIGNED },
      403,
      "IncompleteSignatureException",
      "Signature" },
    { "a token with a long-term key",
      { .method = "GET", .target = "/endpoint", .headers = "X-Amz-Security-Token: t\r\n" },
      403,
      "UnrecognizedClientException",
      "" },
    { "a temporary key with its token",
      { .method = "GET",
        .target = "/endpoint",
        .key = SESSION_ID,
        .headers = "X-Amz-Security-Token: " SESSION_TOKEN "\r\n" },
      200,
      "",
      "user/ada" },
    { "a temporary key without it",
      { .method = "GET", .target = "/endpoint", .key = SESSION_ID },
      403,
      "UnrecognizedClientException",
      "The security token included in the request is invalid." },
    { "a temporary key with another's token",
      { .method = "GET",
        .target = "/endpoint",
        .key = SESSION_ID,
        .headers = "X-Amz-Security-Token: " SESSION_TOKEN "x\r\n" },
      403,
      "UnrecognizedClientException",
      "The security token included in the request is invalid." },
    { "a temporary key whose time is over",
      { .method = "GET",
        .target = "/endpoint",
        .key = SESSION_ID,
        .secret = "wrong, but row 4 comes before row 8",
        .headers = "X-Amz-Security-Token: " EXPIRED_TOKEN "\r\n" },
      403,
      "ExpiredTokenException",
      "\"The security token included in the request is expired\"" },
    { "a path of nothing", { .method = "GET", .target = "/nothing/here" }, 404, "UnknownOperationException", "" },
    { "a path of nothing, unsigned",
      { .method = "GET", .target = "/nothing/here", .signature = UNSIGNED },
      403,
      "MissingAuthenticationTokenException",
      "" },
};

static void is_answered(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    char value[256];
    client_send(&client, request_of(ctx, &row->ask));
    hear(&client, &heard, true);
    assert_int_equal(heard.status, row->status);
    if (row->error != NULL)
        assert_string_equal(header_of(&heard, "x-amzn-ErrorType", value), row->error);
    assert_non_null(strstr(heard.body, row->body));
    assert_int_equal(strlen(header_of(&heard, "x-amzn-RequestId", value)), 36);
    assert_true(strstr(header_of(&heard, "Date", value), " GMT") != NULL);
    assert_string_equal(header_of(&heard, "Connection", value), "keep-alive");
    client_close(&client);
    talloc_free(ctx);
}

/* ---- raw bytes ---- */

static const struct raw_row {
    const char *name;
    int port; /* 0 API, 1 devices, 2 devices by ALPN */
    const char *bytes;
    int status;
    const char *error;
    enum { ENDS, GOES_ON } after;
} raws[] = {
    { "not HTTP", 0, "hello\r\n\r\n", 405, "MethodNotAllowedException", ENDS },
    { "two lengths", 0, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400,
      "InvalidRequestException", ENDS },
    { "a body past the limit", 0, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n", 413,
      "RequestEntityTooLargeException", ENDS },
    { "HTTP/1.0 ends after the answer", 0, "GET /x HTTP/1.0\r\n\r\n", 403, "MissingAuthenticationTokenException",
      ENDS },
    { "Connection: close ends after the answer", 0, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 403,
      "MissingAuthenticationTokenException", ENDS },
    { "a device without a certificate may nothing", 1,
      "POST /topics/a%2Fb?qos=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 403, "ForbiddenException", GOES_ON },
    { "devices find no control plane", 1, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404, "UnknownOperationException",
      GOES_ON },
    { "x-amzn-http-ca is for devices", 2, "POST /topics/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 403,
      "ForbiddenException", GOES_ON },
    { "nor do they find shadows", 1, "GET /things/t/shadow HTTP/1.1\r\nHost: h\r\n\r\n", 501, "NotImplementedException",
      GOES_ON },
};

static void is_answered_raw(void **state)
{
    const struct raw_row *row = *state;
    struct wish wish = { .port = row->port == 1 ? server->options.device_https_port : server->options.https_port,
                         .alpn = row->port == 2 ? "\x0ex-amzn-http-ca" : NULL };
    struct client client = client_connect(&wish);
    static struct heard heard;
    char value[256], byte;
    assert_int_equal(client.failure, 0);
    client_send(&client, slice_of(row->bytes));
    hear(&client, &heard, true);
    assert_int_equal(heard.status, row->status);
    assert_string_equal(header_of(&heard, "x-amzn-ErrorType", value), row->error);
    assert_string_equal(header_of(&heard, "Content-Type", value), "application/json");
    assert_string_equal(header_of(&heard, "Connection", value), row->after == ENDS ? "close" : "keep-alive");
    if (row->after == ENDS)
        assert_int_equal(client_read(&client, &byte, 1), 0);
    client_close(&client);
}

/* ---- stories ---- */

static const struct ask ask_endpoint = { .method = "GET", .target = "/endpoint" };
static const struct ask ask_slowly = { .method = "GET", .target = "/registrationcode" };

static void answers_in_order(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    const struct ask nothing = { .method = "GET", .target = "/nothing" };
    writer all = writer_new(ctx, 1 << 20);
    for (int i = 0; i < 20; i++)
        writer_slice(&all, request_of(ctx, i % 2 ? &nothing : &ask_endpoint));
    client_send(&client, writer_slice_of(&all));
    for (int i = 0; i < 20; i++) {
        hear(&client, &heard, true);
        assert_int_equal(heard.status, i % 2 ? 404 : 200);
    }
    client_close(&client);
    talloc_free(ctx);
}

static void waits_with_the_next_request(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    client_send(&client, request_of(ctx, &ask_slowly));
    sem_wait(&entered);
    client_send(&client, request_of(ctx, &ask_endpoint));
    sem_post(&let_go);
    hear(&client, &heard, true);
    assert_non_null(strstr(heard.body, "127.0.0.1"));
    hear(&client, &heard, true);
    assert_non_null(strstr(heard.body, "user/ada"));
    client_close(&client);
    talloc_free(ctx);
}

static void finishes_for_who_went_away(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    struct door_numbers numbers[64];
    size_t before = numbers_of(server).connections;
    client_send(&client, request_of(ctx, &ask_slowly));
    sem_wait(&entered);
    client_close(&client);
    sem_post(&let_go);
    AWAIT(numbers_of(server).connections < before);
    size_t count = door_count(server->door, numbers, 64);
    for (size_t i = 0; i < count; i++)
        if (strcmp(numbers[i].operation, "iot.GetRegistrationCode") == 0)
            assert_int_equal(numbers[i].client_errors + numbers[i].server_errors, 0);
    talloc_free(ctx);
}

static void says_continue(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    client_send(&client,
                SLICE("POST /things/p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    hear(&client, &heard, false);
    assert_int_equal(heard.status, 100);
    client_send(&client, SLICE("{}"));
    hear(&client, &heard, true);
    assert_int_equal(heard.status, 403);
    client_close(&client);
    talloc_free(ctx);
}

static void takes_large_bodies(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    char *body = MAKE_ARRAY(ctx, char, LARGE + 1);
    memset(body, ' ', LARGE);
    memcpy(body, "{}", 2);
    const struct ask ask = { .method = "POST", .target = "/things/p", .body = body };
    client_send(&client, request_of(ctx, &ask));
    hear(&client, &heard, true);
    assert_int_equal(heard.status, 501); /* CreateThing is not among our three */
    assert_non_null(strstr(heard.body, "CreateThing"));
    client_close(&client);
    talloc_free(ctx);
}

/* The server sends what the client takes, reads no more meanwhile, and loses nothing. */
static void waits_for_slow_readers(void)
{
    enum { COUNT = 24 };
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port), other = dial_https(server->options.https_port);
    static struct heard heard;
    const struct ask ask = { .method = "GET", .target = "/v2LoggingOptions" };
    char *body = MAKE_ARRAY(ctx, char, LARGE + 64), value[256];
    for (int i = 0; i < COUNT; i++)
        client_send(&client, request_of(ctx, &ask));
    uint64_t sent;
    do { /* until nothing moves any more */
        sent = numbers_of(server).bytes_out;
        poll(NULL, 0, 100);
    } while (sent == 0 || numbers_of(server).bytes_out != sent);
    client_send(&other, request_of(ctx, &ask_endpoint));
    hear(&other, &heard, true);
    assert_int_equal(heard.status, 200);
    for (int i = 0; i < COUNT; i++) {
        hear(&client, &heard, false);
        assert_int_equal(heard.status, 200);
        size_t length = (size_t)strtoul(header_of(&heard, "Content-Length", value), NULL, 10);
        assert_true(length > LARGE && length < LARGE + 64);
        assert_int_equal(client_read(&client, body, length), length);
        assert_memory_equal(body, "{\"roleArn\":\"xxx", 15);
        assert_memory_equal(body + length - 4, "xx\"}", 4);
    }
    client_close(&client);
    client_close(&other);
    talloc_free(ctx);
}

static void answers_head_without_body(void)
{
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    client_send(&client, SLICE("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(&client, &heard, false);
    assert_int_equal(heard.status, 403);
    client_send(&client, SLICE("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(&client, &heard, true); /* what follows is an answer again, not a body */
    assert_int_equal(heard.status, 403);
    client_close(&client);
}

static void remembers_keys_until_they_change(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    const struct change other = { .account = ACCOUNT, .what = "thing", .key = "p", .kind = "UPDATED" };
    const struct change accounts = { .account = ACCOUNT, .what = "account", .key = ACCOUNT, .kind = "UPDATED" };
    const struct change rights = { .account = ACCOUNT, .what = "iam", .key = "user/ada", .kind = "UPDATED" };
    const struct change *const changes[] = { NULL, &other, &accounts, &rights };
    const unsigned reads[] = { 0, 0, 1, 1 };
    client_send(&client, request_of(ctx, &ask_endpoint));
    hear(&client, &heard, true);
    for (size_t i = 0; i < 4; i++) {
        unsigned before = server->key_reads;
        if (changes[i] != NULL)
            gateway_on_changes(server->gateway, changes[i], 1);
        client_send(&client, request_of(ctx, &ask_endpoint));
        hear(&client, &heard, true);
        assert_int_equal(heard.status, 200);
        assert_int_equal(server->key_reads - before, reads[i]);
    }
    client_close(&client);
    talloc_free(ctx);
}

/* Whose key is cached says nothing about who comes with it next: without the token, or with another. */
static void remembers_a_key_with_its_token_only(void)
{
    void *ctx = talloc_new(NULL);
    static struct heard heard;
    const struct {
        const char *headers;
        int status;
        unsigned reads;
    } asks[] = { { "X-Amz-Security-Token: " SESSION_TOKEN "\r\n", 200, 1 },
                 { "X-Amz-Security-Token: " SESSION_TOKEN "\r\n", 200, 0 },
                 { "", 403, 1 },
                 { "X-Amz-Security-Token: x\r\n", 403, 1 } };
    const struct change accounts = { .account = ACCOUNT, .what = "account", .key = ACCOUNT, .kind = "UPDATED" };
    struct client client = dial_https(server->options.https_port);
    gateway_on_changes(server->gateway, &accounts, 1);
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        const struct ask ask = {
            .method = "GET", .target = "/endpoint", .key = SESSION_ID, .headers = asks[i].headers
        };
        unsigned before = server->key_reads;
        client_send(&client, request_of(ctx, &ask));
        hear(&client, &heard, true);
        assert_int_equal(heard.status, asks[i].status);
        assert_int_equal(server->key_reads - before, asks[i].reads);
    }
    client_close(&client);
    talloc_free(ctx);
}

static void answers_browsers_of_other_origins(void)
{
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    char value[256];
    client_send(&client, SLICE("OPTIONS /any HTTP/1.1\r\nHost: h\r\nOrigin: https://app.test\r\n"
                               "Access-Control-Request-Method: POST\r\n"
                               "Access-Control-Request-Headers: authorization,x-amz-date\r\n\r\n"));
    hear(&client, &heard, true);
    assert_int_equal(heard.status, 200);
    assert_int_equal(heard.body_length, 0);
    assert_string_equal(header_of(&heard, "Access-Control-Allow-Origin", value), "*");
    assert_string_equal(header_of(&heard, "Access-Control-Allow-Methods", value), "GET,POST,PUT,DELETE,PATCH,HEAD");
    assert_string_equal(header_of(&heard, "Access-Control-Allow-Headers", value), "authorization,x-amz-date");
    assert_string_equal(header_of(&heard, "Access-Control-Max-Age", value), "172800");
    client_send(&client, SLICE("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(&client, &heard, true);
    assert_int_equal(heard.status, 403);
    assert_string_equal(header_of(&heard, "Access-Control-Allow-Origin", value), "*");
    assert_string_equal(header_of(&heard, "Access-Control-Expose-Headers", value),
                        "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date");
    client_close(&client);
}

/* What is used often is told once a minute. */
static void tells_the_use_of_keys_seldom(void)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port);
    static struct heard heard;
    for (int i = 0; i < 3; i++) {
        client_send(&client, request_of(ctx, &ask_endpoint));
        hear(&client, &heard, true);
    }
    assert_int_equal(server->key_uses, 1); /* with every request that the tests before signed */
    client_close(&client);
    talloc_free(ctx);
}

static void ask_metrics(const char *bytes, char *into, size_t room)
{
    int fd = dial(server->options.metrics_port);
    size_t length = 0;
    ssize_t got;
    assert_int_equal(send(fd, bytes, strlen(bytes), 0), strlen(bytes));
    while (length < room - 1 && (got = recv(fd, into + length, room - 1 - length, 0)) > 0)
        length += (size_t)got;
    into[length] = '\0';
    close(fd);
}

static void shows_metrics(void)
{
    static char page[1 << 18];
    ask_metrics("GET /health HTTP/1.0\r\n\r\n", page, sizeof(page));
    assert_non_null(strstr(page, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(page, "{\"status\":\"ok\"}"));
    ask_metrics("GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", page, sizeof(page));
    assert_non_null(strstr(page, "text/plain; version=0.0.4"));
    assert_non_null(strstr(page, "\nmuster_handshakes_total "));
    assert_non_null(strstr(page, "\nmuster_store_commits_total "));
    assert_non_null(strstr(page, "\nmuster_mqtt_connections "));
    assert_non_null(strstr(page, "muster_operations_total{operation=\"iot.DescribeEndpoint\",result=\"success\"} "));
    ask_metrics("GET /other HTTP/1.0\r\n\r\n", page, sizeof(page));
    assert_non_null(strstr(page, "HTTP/1.1 404 Not Found\r\n"));
    ask_metrics("POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", page, sizeof(page));
    assert_non_null(strstr(page, "HTTP/1.1 404 Not Found\r\n"));
}

static void names_a_taken_port(void)
{
    struct gateway *second;
    must(gateway_new(server->ctx, &server->options, &second));
    error *e = gateway_listen(second);
    assert_true(error_is(e, "GatewayUnavailable"));
    char text[128];
    snprintf(text, sizeof(text), "port %u (mqtt_port) is taken on 127.0.0.1", server->options.mqtt_port);
    assert_string_equal(e->message, text);
    talloc_free(second);
}

static const struct story {
    const char *name;
    void (*run)(void);
} stories[] = {
    { "pipelined requests are answered in order", answers_in_order },
    { "a request waits for the answer to the one before", waits_with_the_next_request },
    { "a call is finished for a client who went away", finishes_for_who_went_away },
    { "100 Continue", says_continue },
    { "a body of a MiB is taken", takes_large_bodies },
    { "slow readers get everything, and hold up nobody", waits_for_slow_readers },
    { "HEAD has no body", answers_head_without_body },
    { "keys are remembered until accounts change", remembers_keys_until_they_change },
    { "a key with its token only", remembers_a_key_with_its_token_only },
    { "browsers of other origins", answers_browsers_of_other_origins },
    { "the use of keys", tells_the_use_of_keys_seldom },
    { "metrics and health", shows_metrics },
    { "a taken port is named", names_a_taken_port },
};

static void tell(void **state)
{
    const struct story *row = *state;
    row->run();
}

/* The one test that ends the server: a call that was taken is answered, and only then the connection ends. */
static void finishes_what_it_took(void **state)
{
    void *ctx = talloc_new(NULL);
    struct client client = dial_https(server->options.https_port), idle = dial_https(server->options.https_port);
    static struct heard heard;
    char value[256], byte;
    (void)state;
    client_send(&client, request_of(ctx, &ask_slowly));
    sem_wait(&entered);
    gateway_shut(server->gateway, 5000, say_shut, server);
    assert_int_equal(client_read(&idle, &byte, 1), 0);
    sem_post(&let_go);
    hear(&client, &heard, true);
    assert_int_equal(heard.status, 200);
    assert_string_equal(header_of(&heard, "Connection", value), "close");
    assert_int_equal(client_read(&client, &byte, 1), 0);
    client_close(&client);
    client_close(&idle);
    sem_wait(&server->shut);
    talloc_free(ctx);
}

static const struct {
    const char *name;
} endings[] = { { "what was taken is finished" } };

int main(void)
{
    sem_init(&entered, 0, 0);
    sem_init(&let_go, 0, 0);
    server = server_new(operations);
    server_listen(server);
    int failures = RUN_TABLES(TABLE(rows, is_answered), TABLE(raws, is_answered_raw), TABLE(stories, tell),
                              TABLE(endings, finishes_what_it_took));
    server_end(server);
    return failures;
}
