/* Any topic and payload (a line each): a request topic makes a call, and its answer can be read in the request's own
   encoding; a rejection has all three members, since clients look at them unchecked (provisioning 3.2). */
#include "operation/door.h"
#include "base/cbor.h"

static struct door *the_door(void)
{
    static struct door *door;
    static const struct operation rows[] = { { .service = "mqtt", .name = "CreateKeysAndCertificate" },
                                             { .service = "mqtt", .name = "CreateCertificateFromCsr" },
                                             { .service = "mqtt", .name = "RegisterThing" } };
    static const struct operation *const table[] = { &rows[0], &rows[1], &rows[2], NULL };
    struct door_options options = { .enforce_iam = true };
    if (door == NULL && (door_new(NULL, &options, &door) != NULL || door_add(door, table) != NULL))
        abort();
    return door;
}

static void check_answer(void *ctx, const struct mqtt_route *route, const struct mqtt_answer *answer)
{
    json *body;
    error *e = route->encoding == ENCODING_CBOR ? cbor_parse(ctx, answer->payload, 8, &body)
                                                : json_parse(ctx, answer->payload, 8, &body);
    if (e != NULL || !json_is_object(body))
        abort();
    if (strcmp(answer->suffix, "/rejected") == 0 &&
        (json_get_integer(body, "statusCode", 0) < 400 || json_get_text(body, "errorCode") == NULL ||
         json_get_text(body, "errorMessage") == NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice payload = slice_bytes(data, size), topic;
    struct mqtt_route route;
    struct mqtt_answer answer;
    if (size == 0 || !slice_split(&payload, '\n', &topic) || !door_route_topic(the_door(), topic, &route))
        return 0;
    SCRATCH scratch = talloc_new(NULL);
    struct call *call = door_bind_topic(the_door(), &route, payload);
    call->error = call->inner->early ? call->inner->early : model_validate(call, call->model, call->input);
    door_answer_topic(scratch, call, &route, &answer);
    check_answer(scratch, &route, &answer);
    talloc_free(call);
    return 0;
}
