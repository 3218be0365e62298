/* operations.c - retained messages over HTTPS, and the table of the broker's operations (broker.md 2.1).

   Publish is no change of the registry: it goes the way of all messages (publish_https.c). */
#include "broker/inner.h"
#include "base/clock.h"
#include "base/encode.h"

enum { PAGE_DEFAULT = 200 };

/* ---- GetRetainedMessage ---- */

/* [{"site":"B2"},{"site":"B3"}], in base64, as the service writes it; NULL: there are none. */
static const char *user_properties(void *ctx, const struct mqtt_properties *properties)
{
    json *list = json_new_array(ctx);
    for (size_t i = 0; i < properties->user_count; i++) {
        json *one = json_new_object(ctx);
        json_put_slice(one, slice_text(ctx, properties->user[i].name), properties->user[i].value);
        json_add(list, json_object_get(one));
    }
    return properties->user_count > 0 ? base64_encode(ctx, json_print(ctx, list)) : NULL;
}

static FALLIBLE get_message(struct call *call)
{
    slice topic = call_text(call, "topic");
    struct retained found;
    TRY(retained_find(call->tx, call, call->account, call->region, topic, &found));
    if (found.message == NULL)
        return error_new(call, "ResourceNotFoundException", "The topic has no retained message.");
    if (found.is_old)
        retained_touch(door_get(call->door, BROKER), call->account, topic);
    error *e = answer(call, string("topic", slice_text(call, topic)),
                      string("payload", base64_encode(call, found.message->payload)),
                      integer("qos", found.message->qos), integer("lastModifiedTime", found.modified_ms),
                      string("userProperties", user_properties(call, &found.message->properties)));
    message_drop(found.message);
    return e;
}

/* ---- ListRetainedMessages ---- */

static json *entry(struct call *call, const struct row *row)
{
    json *one = json_new_object(call);
    json_put_slice(one, "topic", row_slice(row, 0));
    json_put_integer(one, "payloadSize", row_integer(row, 1));
    json_put_integer(one, "qos", row_integer(row, 2));
    json_put_integer(one, "lastModifiedTime", row_integer(row, 3));
    return json_object_get(one);
}

static FALLIBLE list_messages(struct call *call)
{
    struct list list = { .call = call, .member = "retainedTopics", .entry = entry };
    TRY(list_begin(&list));
    if (!call_has(call, "maxResults"))
        list.page.size = PAGE_DEFAULT;
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT topic, length(payload), qos, modified FROM retained_message"
                   " WHERE account = ? AND region = ? AND topic > ? AND ends > ? ORDER BY topic LIMIT ?",
                   ARGS(sql_text(call->account), sql_text(call->region), list_after(&list), sql_integer(clock_now_ms()),
                        list_limit(&list))));
    return list_answer(&list);
}

/* ---- the table ---- */

static const struct operation publish = { "iot-data", "Publish",
                                          STEPS({ WORK, publish_check }, { WAIT, publish_send }) };
static const struct operation get = { "iot-data", "GetRetainedMessage", STEPS({ READ, get_message }) };
static const struct operation list_all = { "iot-data", "ListRetainedMessages", STEPS({ READ, list_messages }) };

const struct operation *const broker_operations[] = { &publish, &get, &list_all, NULL };
