/* internal.h - what the files of this room share. */
#pragma once
#include "sigv4/sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"

enum {
    SIGNED_HEADERS_MAX = 64,
    PARAMETERS_MAX = 512,
    PART_MAX = 16 * 1024, /* one part of the material; request line and headers are bounded by the listener */
    CANONICAL_MAX = 256 * 1024
};

/* One way of reading a request: strictly, or with one liberty that a real client needs (3.1.4, 3.1.7). */
struct canonical_form {
    const char *name; /* NULL: strict */
    enum { HOST_AS_SENT, HOST_WITHOUT_PORT, HOST_WITH_443 } host;
    bool raw_path;
    bool raw_query;
    bool token_in_query; /* also where 3.1.7 leaves it out */
};

/* The six parts of 3.1.2; empty when they pass CANONICAL_MAX. */
slice canonical_request(void *ctx, const struct sigv4_request *request, slice signed_headers, slice payload,
                        const struct canonical_form *form);
slice canonical_path(void *ctx, slice raw_path);

/* 3.1.3 */
char *string_to_sign(void *ctx, const char *time_text, slice scope, slice canonical);
char *signature_of(void *ctx, const uint8_t key[SIGV4_KEY_BYTES], const char *text);

/* The first header of that name, and how many there are. */
size_t header_find(const struct sigv4_request *request, const char *name, slice *value);

/* Text of a stranger's that goes into a message: what is neither a line break nor printable ASCII becomes '?'. */
char *printable(void *ctx, slice text);
