/* retained.c - retained messages as rows: one a topic, with all that version 5 said of it (broker.md 4.7, 5). */
#include "broker/inner.h"
#include "base/clock.h"
#include "base/encode.h"

enum { PROPERTIES_DEPTH = 4, SWEPT_AT_ONCE = 1000 };

static const int64_t day_ms = 86400000LL, kept_ms = 1096 * 86400000LL; /* three years after the last write or read */

/* ---- properties: JSON; user properties as one flat list, name and value in turn ---- */

static const struct {
    enum mqtt_property id;
    const char *name;
    size_t at; /* of the slice in struct mqtt_properties */
    bool bytes;
} texts[] = {
    { MQTT_CONTENT_TYPE, "contentType", offsetof(struct mqtt_properties, content_type), false },
    { MQTT_RESPONSE_TOPIC, "responseTopic", offsetof(struct mqtt_properties, response_topic), false },
    { MQTT_CORRELATION_DATA, "correlationData", offsetof(struct mqtt_properties, correlation_data), true },
};
enum { TEXTS = sizeof(texts) / sizeof(*texts) };

static void add_slice(json *list, slice text)
{
    json *value = json_object_new_string_len(text.at ? text.at : "", (int)text.length);
    if (value == NULL)
        abort();
    json_add(list, value);
}

/* at == NULL: there are none. */
static slice write_properties(void *ctx, const struct mqtt_properties *properties)
{
    if (mqtt_has_none(properties))
        return (slice){ NULL, 0 };
    json *out = json_new_object(ctx);
    if (mqtt_has(properties, MQTT_PAYLOAD_FORMAT))
        json_put_integer(out, "payloadFormat", properties->payload_format);
    for (size_t i = 0; i < TEXTS; i++) {
        slice value = *(const slice *)((const char *)properties + texts[i].at);
        if (mqtt_has(properties, texts[i].id))
            json_put_slice(out, texts[i].name, texts[i].bytes ? slice_of(base64_encode(ctx, value)) : value);
    }
    if (properties->user_count > 0) {
        json *list = json_new_array(ctx);
        for (size_t i = 0; i < properties->user_count; i++) {
            add_slice(list, properties->user[i].name);
            add_slice(list, properties->user[i].value);
        }
        json_put(out, "user", json_object_get(list));
    }
    return json_print(ctx, out);
}

static void read_user_properties(void *ctx, json *list, struct mqtt_properties *out)
{
    size_t count = json_object_array_length(list) / 2;
    out->user = MAKE_ARRAY(ctx, struct mqtt_user_property, count + 1);
    out->user_count = count;
    for (size_t i = 0; i < count; i++)
        out->user[i] = (struct mqtt_user_property){ json_text(json_object_array_get_idx(list, 2 * i)),
                                                    json_text(json_object_array_get_idx(list, 2 * i + 1)) };
}

static FALLIBLE read_properties(void *ctx, slice text, struct mqtt_properties *out)
{
    json *in;
    if (text.at == NULL)
        return NULL;
    TRY(json_parse(ctx, text, PROPERTIES_DEPTH, &in));
    if (json_get(in, "payloadFormat") != NULL)
        mqtt_set_number(out, MQTT_PAYLOAD_FORMAT, (uint32_t)json_get_integer(in, "payloadFormat", 0));
    for (size_t i = 0; i < TEXTS; i++) {
        slice value = json_get_slice(in, texts[i].name);
        if (value.at == NULL)
            continue;
        if (texts[i].bytes && !base64_decode(ctx, value, &value))
            return error_new(ctx, "InternalFailureException", "A retained message's %s is broken.", texts[i].name);
        mqtt_set_text(out, texts[i].id, value);
    }
    json *user = json_get_array(in, "user");
    if (user != NULL)
        read_user_properties(ctx, user, out);
    return NULL;
}

/* ---- writing ---- */

static FALLIBLE count_more(struct tx *tx, const char *account, const char *region, int64_t more)
{
    return store_run(tx, NULL,
                     "INSERT INTO retained_count (account, region, count) VALUES (?, ?, ?)"
                     " ON CONFLICT (account, region) DO UPDATE SET count = retained_count.count + excluded.count",
                     ARGS(sql_text(account), sql_text(region), sql_integer(more)));
}

static FALLIBLE delete_topic(struct tx *tx, const char *account, const char *region, slice topic)
{
    int64_t changed;
    TRY(store_run(tx, &changed, "DELETE FROM retained_message WHERE account = ? AND region = ? AND topic = ?",
                  ARGS(sql_text(account), sql_text(region), sql_slice(topic))));
    return changed > 0 ? count_more(tx, account, region, -1) : NULL;
}

static FALLIBLE check_room(struct tx *tx, const char *account, const char *region, size_t limit)
{
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, "SELECT count FROM retained_count WHERE account = ? AND region = ?",
                   ARGS(sql_text(account), sql_text(region))));
    if (row == NULL || row_integer(row, 0) < (int64_t)limit)
        return NULL;
    return error_new(tx_ctx(tx), "QuotaExceeded", "The account has %zu retained messages already.", limit);
}

FALLIBLE retained_keep(struct tx *tx, const char *account, const char *region, const struct message *message,
                       size_t limit)
{
    int64_t now = clock_now_ms(), changed;
    int64_t expires = now + message->expires_ms - clock_monotonic_ms();
    bool has_expiry = message->expires_ms != 0;
    struct value ends = sql_integer(has_expiry ? expires : now + kept_ms);
    struct value properties = sql_slice(write_properties(tx_ctx(tx), &message->properties));
    if (message->payload.length == 0)
        return delete_topic(tx, account, region, message->topic);
    TRY(store_run(
        tx, &changed,
        "UPDATE retained_message SET payload = ?, qos = ?, properties = ?, expires = ?, ends = ?, modified = ?"
        " WHERE account = ? AND region = ? AND topic = ?",
        ARGS(sql_blob(message->payload), sql_integer(message->qos), properties,
             has_expiry ? sql_integer(expires) : SQL_NULL, ends, sql_integer(now), sql_text(account), sql_text(region),
             sql_slice(message->topic))));
    if (changed > 0)
        return NULL;
    TRY(check_room(tx, account, region, limit));
    TRY(store_run(tx, NULL,
                  "INSERT INTO retained_message (account, region, topic, payload, qos, properties, expires, ends,"
                  " modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  ARGS(sql_text(account), sql_text(region), sql_slice(message->topic), sql_blob(message->payload),
                       sql_integer(message->qos), properties, has_expiry ? sql_integer(expires) : SQL_NULL, ends,
                       sql_integer(now))));
    return count_more(tx, account, region, 1);
}

/* ---- reading ---- */

FALLIBLE retained_find(struct tx *tx, void *ctx, const char *account, const char *region, slice topic,
                       struct retained *out)
{
    SCRATCH scratch = talloc_new(NULL);
    struct row *row;
    *out = (struct retained){ .message = NULL };
    TRY(store_find(tx, scratch, &row,
                   "SELECT payload, qos, properties, expires, ends, modified FROM retained_message"
                   " WHERE account = ? AND region = ? AND topic = ?",
                   ARGS(sql_text(account), sql_text(region), sql_slice(topic))));
    int64_t now = clock_now_ms();
    if (row == NULL || row_integer(row, 4) <= now)
        return NULL;
    struct mqtt_packet packet = { .type = MQTT_PUBLISH };
    error *e = read_properties(scratch, row_slice(row, 2), &packet.properties);
    if (e != NULL)
        return error_new(ctx, "InternalFailureException", "%s", e->message);
    packet.publish.topic = topic;
    packet.publish.payload = row_slice(row, 0);
    packet.publish.qos = (uint8_t)row_integer(row, 1);
    packet.publish.retain = true;
    out->message = message_new(&packet, NULL);
    if (!row_is_null(row, 3))
        out->message->expires_ms = clock_monotonic_ms() + row_integer(row, 3) - now;
    out->modified_ms = row_integer(row, 5);
    out->is_old = row_is_null(row, 3) && row_integer(row, 4) < now + kept_ms - day_ms;
    return NULL;
}

/* ---- the end of rows: nobody waits for it ---- */

struct chore {
    struct store_job job;
    const char *account, *region;
    slice topic;
};

static void chore_done(struct store_job *job)
{
    talloc_free(job->ctx); /* what failed is done again another day */
}

static void submit_chore(struct broker *broker, struct chore *chore,
                         FALLIBLE (*apply)(struct tx *tx, struct store_job *job))
{
    chore->region = broker->options.region;
    chore->job = (struct store_job){ .ctx = chore, .apply = apply, .done = chore_done, .lane = LANE_BULK };
    if (!store_submit(broker->options.store, &chore->job))
        talloc_free(chore);
}

/* At most a day is won at once, so that reading costs a write a day. */
static FALLIBLE touch(struct tx *tx, struct store_job *job)
{
    const struct chore *chore = job->ctx;
    return store_run(tx, NULL,
                     "UPDATE retained_message SET ends = ? WHERE account = ? AND region = ? AND topic = ?"
                     " AND expires IS NULL",
                     ARGS(sql_integer(clock_now_ms() + kept_ms), sql_text(chore->account), sql_text(chore->region),
                          sql_slice(chore->topic)));
}

void retained_touch(struct broker *broker, const char *account, slice topic)
{
    struct chore *chore = MAKE(NULL, struct chore);
    chore->account = text_copy(chore, account);
    chore->topic = slice_copy(chore, topic);
    submit_chore(broker, chore, touch);
}

struct ended {
    struct ended *next;
    const char *account, *region;
    slice topic;
};

struct ended_list {
    void *ctx;
    struct ended *first;
};

static FALLIBLE note_ended(const struct row *row, void *arg)
{
    struct ended_list *list = arg;
    struct ended *one = MAKE(list->ctx, struct ended);
    *one =
        (struct ended){ list->first, row_text(one, row, 0), row_text(one, row, 1), slice_copy(one, row_slice(row, 2)) };
    list->first = one;
    return NULL;
}

static FALLIBLE sweep(struct tx *tx, struct store_job *job)
{
    struct ended_list list = { tx_ctx(tx), NULL };
    (void)job;
    TRY(store_each(tx, note_ended, &list,
                   "SELECT account, region, topic FROM retained_message WHERE ends <= ? ORDER BY ends LIMIT ?",
                   ARGS(sql_integer(clock_now_ms()), sql_integer(SWEPT_AT_ONCE))));
    for (const struct ended *one = list.first; one != NULL; one = one->next)
        TRY(delete_topic(tx, one->account, one->region, one->topic));
    return NULL;
}

void retained_sweep(struct broker *broker)
{
    submit_chore(broker, MAKE(NULL, struct chore), sweep);
}
