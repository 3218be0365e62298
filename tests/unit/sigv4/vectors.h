/* vectors.h - the test vectors of auth.md 3.1.10, as requests, and one function that does all that a door would. */
#pragma once
#include "sigv4/sigv4.h"
#include "sigv4/internal.h"
#include "base/clock.h"
#include "base/secret.h"

#define NOW_TEXT     "20260115T083000Z"
#define LONG_ID      "AKIARZPUZDIKAAQUGZMH"
#define LONG_SECRET  "mUsTeRexampleSecretKey+0123456789/abcdef"
#define SHORT_ID     "ASIARZPUZDIKAAHR4LJ4"
#define SHORT_SECRET "tEmPoRaryExampleSecret/9876543210+ABCDEF"
#define TOKEN_TEXT   "FwoGmusterExampleSessionToken//8=+A=="
#define TOKEN_CODED  "FwoGmusterExampleSessionToken%2F%2F8%3D%2BA%3D%3D"

#define HEADER_FORM(id, service, names, signature)                                        \
    "AWS4-HMAC-SHA256 Credential=" id "/20260115/eu-central-1/" service "/aws4_request, " \
    "SignedHeaders=" names ", Signature=" signature
#define QUERY_FORM(service)                                                                               \
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" SHORT_ID "%2F20260115%2Feu-central-1%2F" service \
    "%2Faws4_request&X-Amz-Date=" NOW_TEXT

enum { VECTOR_HEADERS = 5 };

struct vector {
    const char *name;
    const char *method, *path, *query;
    struct {
        const char *name, *value;
    } headers[VECTOR_HEADERS];
    const char *body;
    bool websocket;
    const char *service, *secret;
    const char *body_sha256, *canonical_sha256, *signature;
};

static const struct vector vectors[] = {
    { .name = "V1, header form, long-term key",
      .method = "POST",
      .path = "/things/pump-07",
      .query = "",
      .headers = { { "Host", "iot.eu-central-1.muster.test" },
                   { "Content-Type", "application/json" },
                   { "X-Amz-Date", NOW_TEXT },
                   { "Authorization",
                     HEADER_FORM(LONG_ID, "iot", "content-type;host;x-amz-date",
                                 "cbb8bc9bce79b5e344fce7a191df40011e0d0841d3ec2bdae1c8b96a857752af") } },
      .body = "{\"thingTypeName\": \"pump\"}",
      .service = "iot",
      .secret = LONG_SECRET,
      .body_sha256 = "c8823e60ed63976d60ce34b935be5b7e9bf337229bb3cbc0cd2f52852f0ed09a",
      .canonical_sha256 = "9e219d8581cda89db2f0688c934b4e93d506077932a970ba2268756a8053286f",
      .signature = "cbb8bc9bce79b5e344fce7a191df40011e0d0841d3ec2bdae1c8b96a857752af" },
    { .name = "V2, header form with token, double encoding, port in host",
      .method = "POST",
      .path = "/topics/plant%2Fline%201%2Ftemp",
      .query = "qos=1",
      .headers = { { "Host", "data.muster.test:8443" },
                   { "X-Amz-Date", NOW_TEXT },
                   { "X-Amz-Security-Token", TOKEN_TEXT },
                   { "Authorization",
                     HEADER_FORM(SHORT_ID, "iotdata", "host;x-amz-date;x-amz-security-token",
                                 "dc05f1137a6319790f1e2041a92b66d709dd56684b596810f8c6e0a0ffa6ee9a") } },
      .body = "21.5",
      .service = "iotdata",
      .secret = SHORT_SECRET,
      .body_sha256 = "a20fa123d4d8977782c80981ddbe6177a8d5ba294eaffd08a88669e246c37110",
      .canonical_sha256 = "59ff7cfe438c1170fbac362026f2a34af3c1188bd1a16800ba8adacd10184412",
      .signature = "dc05f1137a6319790f1e2041a92b66d709dd56684b596810f8c6e0a0ffa6ee9a" },
    { .name = "V3, presigned WebSocket, token after the signature",
      .method = "GET",
      .path = "/mqtt",
      .query = QUERY_FORM("iotdevicegateway") "&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
                                              "d15575cb0b64e6c70427fc94ec2648b98b98ab51f69449217fbe08c047701222"
                                              "&X-Amz-Security-Token=" TOKEN_CODED,
      .headers = { { "Host", "data.muster.test" } },
      .body = "",
      .websocket = true,
      .service = "iotdevicegateway",
      .secret = SHORT_SECRET,
      .body_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      .canonical_sha256 = "57fa8573f8a45cb250d86e7caa515d3c41d4ca2f6ba5eb9850254a3e5268a103",
      .signature = "d15575cb0b64e6c70427fc94ec2648b98b98ab51f69449217fbe08c047701222" },
    { .name = "V3b, presigned WebSocket as the CRT does it",
      .method = "GET",
      .path = "/mqtt",
      .query = QUERY_FORM("iotdevicegateway") "&X-Amz-SignedHeaders=connection%3Bhost"
                                              "&X-Amz-Security-Token=" TOKEN_CODED "&X-Amz-Signature="
                                              "36e9ebe3204d9b06906f0ee184cb43384cc68a38ddf0126f69cd11d1593e14d7",
      .headers = { { "Host", "data.muster.test" }, { "Connection", "Upgrade" } },
      .body = "",
      .websocket = true,
      .service = "iotdevicegateway",
      .secret = SHORT_SECRET,
      .body_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      .canonical_sha256 = "dc1862aa28e4c7a5cb2c2cf650e4bcf1ee30cbf9170e83b84804634b7432cc8f",
      .signature = "36e9ebe3204d9b06906f0ee184cb43384cc68a38ddf0126f69cd11d1593e14d7" },
    { .name = "V4, STS query in a form body",
      .method = "POST",
      .path = "/",
      .query = "",
      .headers = { { "Host", "sts.muster.test" },
                   { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
                   { "X-Amz-Date", NOW_TEXT },
                   { "X-Amz-Security-Token", TOKEN_TEXT },
                   { "Authorization",
                     HEADER_FORM(SHORT_ID, "sts", "content-type;host;x-amz-date;x-amz-security-token",
                                 "3f77926d1fac7c37f28eb0d5ac50e0f456ce712bd750d4066cd4e85f541546ac") } },
      .body = "Action=GetCallerIdentity&Version=2011-06-15",
      .service = "sts",
      .secret = SHORT_SECRET,
      .body_sha256 = "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843",
      .canonical_sha256 = "6080f2e12f62a139f4e880d4d01784d2ef082347ee130ba7983b83602ecfbf21",
      .signature = "3f77926d1fac7c37f28eb0d5ac50e0f456ce712bd750d4066cd4e85f541546ac" },
    { .name = "V5, presigned STS, token inside",
      .method = "GET",
      .path = "/",
      .query = "Action=GetCallerIdentity&Version=2011-06-15&" QUERY_FORM(
          "sts") "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=" TOKEN_CODED "&X-Amz-Signature="
                 "cfb95b00706b7eb3a209175e6a9e56f2af8343067282a1fc7406b479524226a3",
      .headers = { { "Host", "sts.muster.test" } },
      .body = "",
      .service = "sts",
      .secret = SHORT_SECRET,
      .body_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      .canonical_sha256 = "986480fd4dfcff3fb98720a5667580986baf102238b3b2b2205743eabf833084",
      .signature = "cfb95b00706b7eb3a209175e6a9e56f2af8343067282a1fc7406b479524226a3" },
};

enum { V1, V2, V3, V3B, V4, V5, VECTORS };

static inline int64_t seconds_of(const char *basic)
{
    int64_t seconds = 0;
    if (!clock_parse_basic(basic, &seconds))
        abort();
    return seconds;
}

/* The request of a vector, in memory of ctx. */
static inline struct sigv4_request request_of(void *ctx, const struct vector *vector)
{
    struct sigv4_header *headers = MAKE_ARRAY(ctx, struct sigv4_header, VECTOR_HEADERS);
    size_t count = 0;
    for (; count < VECTOR_HEADERS && vector->headers[count].name != NULL; count++)
        headers[count] =
            (struct sigv4_header){ slice_of(vector->headers[count].name), slice_of(vector->headers[count].value) };
    return (struct sigv4_request){ .method = slice_of(vector->method),
                                   .raw_path = slice_of(vector->path),
                                   .raw_query = slice_of(vector->query),
                                   .headers = headers,
                                   .header_count = count,
                                   .body_sha256_hex = slice_of(digest_sha256_hex(ctx, slice_of(vector->body))),
                                   .websocket = vector->websocket };
}

/* Parse, scope, signature; no material is a refusal too. */
static inline error *judge(void *ctx, const struct sigv4_request *request, const char *service, const char *secret,
                           int64_t now_s, const char **alternate)
{
    static const char *const regions[] = { "eu-central-1", "us-east-1" };
    struct sigv4_scope scope = { .regions = regions,
                                 .region_count = sizeof(regions) / sizeof(regions[0]),
                                 .services = &service,
                                 .service_count = 1,
                                 .now_s = now_s };
    struct sigv4_material *material;
    TRY(sigv4_parse(ctx, request, &material));
    if (material == NULL)
        return sigv4_missing(ctx, SIGV4_JSON);
    TRY(sigv4_check_scope(ctx, material, &scope));
    return sigv4_verify(ctx, request, material, slice_of(secret), alternate);
}
