/* api.c - signed calls of the public API, over libcurl. */
#include "device/device.h"
#include "base/clock.h"
#include "base/secret.h"
#include "sigv4/sigv4.h"
#include <curl/curl.h>

enum { ANSWER_MAX = 8 * 1024 * 1024, ANSWER_DEPTH = 64, CALL_PATIENCE_S = 30 };

static const char content_type[] = "application/json";

struct exchange {
    writer body;
    char error_type[128]; /* x-amzn-ErrorType */
};

/* ---- what libcurl asks ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct exchange *exchange = arg;
    writer_bytes(&exchange->body, bytes, size * count);
    return exchange->body.overflowed ? 0 : size * count;
}

/* "x-amzn-ErrorType: ResourceNotFoundException:http://..." */
static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct exchange *exchange = arg;
    slice line = { bytes, size * count }, name, value;
    if (slice_split(&line, ':', &name) && slice_is_nocase(name, "x-amzn-ErrorType")) {
        while (line.length > 0 && (line.at[line.length - 1] == '\r' || line.at[line.length - 1] == '\n'))
            line.length--;
        line = slice_trim(line);
        if (slice_split(&line, ':', &value) && value.length < sizeof(exchange->error_type)) {
            memcpy(exchange->error_type, value.at, value.length);
            exchange->error_type[value.length] = '\0';
        }
    }
    return size * count;
}

static int look_up(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    const struct device_api *api = arg;
    (void)to_come, (void)came, (void)to_go, (void)went;
    return api->give_up != NULL && *api->give_up;
}

/* ---- the request ---- */

static struct curl_slist *sign(void *ctx, const struct device_api *api, const char *service, const char *method,
                               const char *path, slice body)
{
    const char *host = strstr(api->endpoint, "://");
    slice rest = slice_of(path);
    struct sigv4_header headers[2] = { { SLICE("host"), slice_of(host ? host + 3 : api->endpoint) },
                                       { SLICE("content-type"), slice_of(content_type) } };
    struct sigv4_request request = { .method = slice_of(method),
                                     .headers = headers,
                                     .header_count = 2,
                                     .body_sha256_hex = slice_of(digest_sha256_hex(ctx, body)) };
    struct sigv4_signer signer = { .access_key_id = slice_of(api->access_key_id),
                                   .secret = slice_of(api->secret),
                                   .region = slice_of(api->region),
                                   .service = slice_of(service),
                                   .now_s = clock_now_s() };
    struct sigv4_signed made;
    slice_split(&rest, '?', &request.raw_path);
    request.raw_query = rest.at ? rest : SLICE("");
    sigv4_sign(ctx, &request, &signer, &made);
    struct curl_slist *list = curl_slist_append(NULL, text_format(ctx, "Authorization: %s", made.authorization));
    list = curl_slist_append(list, text_format(ctx, "X-Amz-Date: %s", made.date));
    list = curl_slist_append(list, text_format(ctx, "Content-Type: %s", content_type));
    return curl_slist_append(list, "Expect:");
}

static void set_up(CURL *curl, struct device_api *api, struct exchange *exchange, const char *method, slice body)
{
    curl_easy_reset(curl); /* connections stay */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_CAINFO, api->ca_path);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the environment leads no call elsewhere */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(api->patience_s ? api->patience_s : CALL_PATIENCE_S));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body.length > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.length);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, api);
}

/* ---- the answer ---- */

static FALLIBLE read_answer(void *ctx, struct exchange *exchange, long status, const char *what, json **out)
{
    slice text = writer_slice_of(&exchange->body);
    error *e = NULL;
    *out = NULL;
    if (text.length > 0)
        e = json_parse(ctx, text, ANSWER_DEPTH, out);
    if (e == NULL && status >= 200 && status < 300) {
        *out = *out ? *out : json_new_object(ctx);
        return NULL;
    }
    if (status >= 200 && status < 300)
        return error_because(ctx, e, "CallFailed", "%s: the answer is no JSON.", what);
    const char *message = json_get_text(*out, "message");
    message = message ? message : json_get_text(*out, "Message");
    return error_new(ctx, exchange->error_type[0] ? text_copy(ctx, exchange->error_type) : "CallFailed",
                     "%s: status %ld, %s", what, status, message ? message : "no message.");
}

FALLIBLE device_api_call(void *ctx, struct device_api *api, const char *service, const char *method, const char *path,
                         json *body, json **out)
{
    SCRATCH work = talloc_new(NULL);
    struct exchange exchange = { .body = writer_new(work, ANSWER_MAX) };
    slice text = body ? json_print(work, body) : SLICE("");
    const char *what = text_format(work, "%s %s", method, path);
    char reason[CURL_ERROR_SIZE] = "";
    long status = 0;
    if (api->handle == NULL)
        api->handle = curl_easy_init();
    CURL *curl = api->handle;
    if (curl == NULL)
        return error_new(ctx, "CallFailed", "libcurl cannot be used.");
    set_up(curl, api, &exchange, method, text);
    struct curl_slist *headers = sign(work, api, service, method, path, text);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_URL, text_format(work, "%s%s", api->endpoint, path));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return error_new(ctx, "GivenUp", "%s: given up.", what);
    if (code != CURLE_OK)
        return error_new(ctx, "CallFailed", "%s: %s.", what, reason[0] ? reason : curl_easy_strerror(code));
    return read_answer(ctx, &exchange, status, what, out);
}

void device_api_close(struct device_api *api)
{
    curl_easy_cleanup(api->handle);
    api->handle = NULL;
}
