/* device_exchange.h - one HTTP request of a device, which is known by its client certificate, there and back.

   It goes to a worker, which decides and answers, or runs a call; the answer is written on the connection's loop, if the
   connection is still there. A talloc tree of its own. */
#pragma once
#include "gateway/connection.h"
#include "gateway/http_reader.h"

struct device_exchange {
    struct work work;
    struct loop_post post;
    struct gateway *gateway;
    struct handle handle;
    void (*run)(struct device_exchange *exchange);
    struct http_message *message;
    const char *account; /* by SNI; NULL: none was named */
    const char *certificate_id;
    const char *server_name;
    const char *source_ip, *client; /* client: "127.0.0.1:4711", for the log */
    char *request_id;

    struct http_answer answer;
    const char *why;          /* of a refusal, for the log; NULL: none */
    struct audit_device note; /* its line of the audit trail; without an operation: none, or a call's own */
    /* of a call (device_publish.c) */
    struct route route;
    bool wants_introduction, introduced; /* x509.md 4.9 */
    struct principal *principal;
    struct caller caller;
    struct call *call;
};

/* Takes the message over; `run` is called on a worker. */
void device_exchange_begin(struct connection *connection, struct http_message *message,
                           void (*run)(struct device_exchange *exchange));
/* Any thread: exchange->answer is written, and the exchange freed. */
void device_exchange_end(struct device_exchange *exchange);

/* The runs. */
void credentials_run(struct device_exchange *exchange);
void device_publish_run(struct device_exchange *exchange);
