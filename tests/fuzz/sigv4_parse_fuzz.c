/* sigv4_parse_fuzz.c - whatever a stranger sends as a request head, reading it ends, and nothing verifies under a
   secret that the stranger does not know. Input: "METHOD path?query", then a line for each header. */
#include "sigv4/sigv4.h"
#include "base/secret.h"

enum { HEADERS = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_request(slice text, struct sigv4_request *request, struct sigv4_header headers[HEADERS])
{
    slice line;
    if (!slice_split(&text, '\n', &line))
        return;
    slice_split(&line, ' ', &request->method);
    slice_split(&line, '?', &request->raw_path);
    request->raw_query = line;
    while (request->header_count < HEADERS && slice_split(&text, '\n', &line)) {
        struct sigv4_header *header = &headers[request->header_count++];
        slice_split(&line, ':', &header->name);
        header->value = line;
    }
    request->headers = headers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const regions[] = { "eu-central-1" }, *const services[] = { "iot", "sts", "s3" };
    if (size < 2)
        return 0;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_header headers[HEADERS] = { 0 };
    struct sigv4_request request = { .s3_rules = data[0] & 1, .websocket = data[0] & 2, .over_tls = data[0] & 4 };
    struct sigv4_material *material;

    read_request(slice_bytes(data + 1, size - 1), &request, headers);
    request.body_sha256_hex = slice_of(digest_sha256_hex(ctx, SLICE("")));
    if (sigv4_parse(ctx, &request, &material) != NULL || material == NULL)
        return 0;
    struct sigv4_scope scope = { regions, 1, services, 3, material->time_s };
    error *ignored = sigv4_check_scope(ctx, material, &scope);
    (void)ignored;
    if (sigv4_verify(ctx, &request, material, SLICE("not known to the stranger"), NULL) == NULL)
        abort();
    return 0;
}
