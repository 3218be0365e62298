/* Any HTTP request is routed, bound, validated and answered: nothing faults, every refusal is a short text in UTF-8.
   The first byte chooses the scope; then the request line, headers a line each, an empty line, the body. */
#include "operation/door.h"

enum { HEADERS_MAX = 16, MESSAGE_MAX = 20000 };

static const char *const scopes[] = { "iot", "execute-api", "iotdata", "iot-jobs-data",    "sts",
                                      "iam", "greengrass",  "lambda",  "cognito-identity", "IoTSecuredTunneling",
                                      "" };

static struct door *the_door(void)
{
    static struct door *door;
    static const char *const regions[] = { "us-east-1" };
    static const uint8_t key[MASTER_KEY_BYTES] = { 1 };
    if (door != NULL)
        return door;
    struct door_options options = { .master_key = master_key_new(NULL, key), .regions = regions, .region_count = 1 };
    if (door_new(NULL, &options, &door) != NULL)
        abort();
    for (size_t i = 0; i < door->model_count; i++)
        for (size_t k = 0; k < door->models[i]->operation_count; k++) {
            struct operation *row = MAKE(door, struct operation);
            *row = (struct operation){ .service = door->models[i]->file, .name = door->models[i]->operations[k].name };
            if (door_add(door, (const struct operation *const[]){ row, NULL }) != NULL)
                abort();
        }
    return door;
}

static void read_request(slice input, struct http_header *headers, struct http_request *out)
{
    slice line = { NULL, 0 }, name;
    *out = (struct http_request){ .headers = headers };
    if (slice_split(&input, '\n', &line) && slice_split(&line, ' ', &out->method))
        out->target = line;
    out->query = out->target;
    slice_split(&out->query, '?', &out->path);
    while (slice_split(&input, '\n', &line) && line.length > 0) {
        if (out->header_count == HEADERS_MAX)
            continue;
        slice_split(&line, ':', &name);
        headers[out->header_count++] = (struct http_header){ name, slice_trim(line) };
    }
    out->body = input;
}

static void check_refusal(const error *e)
{
    if (strlen(e->message) > MESSAGE_MAX || !text_is_utf8(slice_of(e->message)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    SCRATCH scratch = talloc_new(NULL);
    struct http_header headers[HEADERS_MAX];
    struct http_request request;
    struct http_answer answer;
    struct route route;
    struct call *call;
    read_request(slice_bytes(data + 1, size - 1), headers, &request);
    door_route(the_door(), scratch, &request, slice_of(scopes[data[0] % (sizeof(scopes) / sizeof(scopes[0]))]), &route);
    error *e = door_bind(the_door(), scratch, &request, &route, &call);
    if (e != NULL) {
        check_refusal(e);
        door_refuse(scratch, the_door(), &route, "7d3c0f3e-5b1d-4b53-9b0e-2f8a0a51c7aa", e, &answer);
    } else {
        call->error = model_validate(call, call->model, call->input);
        if (call->error != NULL)
            check_refusal(call->error);
        door_answer(scratch, call, &route, &answer);
        talloc_free(call);
    }
    if (answer.status < 200 || answer.status > 599 || answer.header_count == 0)
        abort();
    return 0;
}
