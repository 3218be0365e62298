/* transfer.c - one call as libcurl sees it, and its answer as we do. */
#include "fetch/inner.h"
#include <arpa/inet.h>
#include <unistd.h>

enum { HEAD_MAX = 65536, HEADER_LINE_MAX = 1024 };

/* ---- where it connects ---- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = arg;
    if (purpose != CURLSOCKTYPE_IPCXN || !fetch_may_connect(&address->addr, fetch->request.places, fetch->plain)) {
        fetch->placed_wrong = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A connection that is used again was opened for another call, which may have been allowed more. */
static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)local_ip, (void)port, (void)local_port;
    struct fetch *fetch = arg;
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    char text[64];
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(ip, "%"), ip); /* without a zone */
    const struct sockaddr *address = NULL;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        address = (const struct sockaddr *)&v4;
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        address = (const struct sockaddr *)&v6;
    if (address != NULL && fetch_may_connect(address, fetch->request.places, fetch->plain))
        return CURL_PREREQFUNC_OK;
    fetch->placed_wrong = true;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- what comes back ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    writer_bytes(&fetch->body, bytes, size * count);
    fetch->too_long |= fetch->body.overflowed;
    return fetch->too_long ? 0 : size * count;
}

static void keep_header(struct fetch *fetch, slice line, const char *name, const char **value)
{
    slice rest = line, found;
    if (line.length > HEADER_LINE_MAX || !slice_split(&rest, ':', &found) || !slice_is_nocase(found, name) ||
        rest.at == NULL)
        return;
    while (rest.length > 0 && (rest.at[rest.length - 1] == '\n' || rest.at[rest.length - 1] == '\r'))
        rest.length--;
    *value = slice_text(fetch->answer, slice_trim(rest));
}

static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    slice line = slice_bytes(bytes, size * count);
    fetch->head_length += line.length;
    fetch->too_long |= fetch->head_length > HEAD_MAX;
    if (slice_starts(line, "HTTP/")) /* of the last answer only: a redirect's are forgotten */
        fetch->answer->content_type = fetch->answer->cache_control = NULL;
    keep_header(fetch, line, "Content-Type", &fetch->answer->content_type);
    keep_header(fetch, line, "Cache-Control", &fetch->answer->cache_control);
    return fetch->too_long ? 0 : line.length;
}

/* ---- what goes out ---- */

static void add_header(struct fetch *fetch, const char *text)
{
    struct curl_slist *grown = curl_slist_append(fetch->headers, text);
    if (grown == NULL)
        abort();
    fetch->headers = grown;
}

static void set_request(struct fetch *fetch)
{
    const struct fetch_request *request = &fetch->request;
    bool is_get = strcmp(request->method, "GET") == 0;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct fetch_header *header = &request->headers[i]; /* "name;" is libcurl's way to say an empty value */
        add_header(fetch, *header->value ? text_format(fetch, "%s: %s", header->name, header->value)
                                         : text_format(fetch, "%s;", header->name));
    }
    add_header(fetch, "Expect:");
    curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url);
    if (request->body.length > 0 || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, request->body.at ? request->body.at : "");
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(fetch->easy, CURLOPT_NOBODY, 1L);
    else if (!is_get || request->body.length > 0)
        curl_easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
    curl_easy_setopt(fetch->easy, CURLOPT_FOLLOWLOCATION, is_get && request->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(fetch->easy, CURLOPT_MAXREDIRS, (long)request->redirects);
    curl_easy_setopt(fetch->easy, CURLOPT_PROTOCOLS_STR, fetch->plain ? "http,https" : "https");
    curl_easy_setopt(fetch->easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
}

static void set_trust(struct fetch *fetch)
{
    const char *system = curl_version_info(CURLVERSION_NOW)->cainfo;
    if (fetch->request.ca_file != NULL) {
        curl_easy_setopt(fetch->easy, CURLOPT_CAINFO, fetch->request.ca_file);
        curl_easy_setopt(fetch->easy, CURLOPT_CAPATH, NULL);
    } else if (fetch->request.thumbprint_count > 0 && (system == NULL || access(system, R_OK) != 0)) {
        curl_easy_setopt(fetch->easy, CURLOPT_CAINFO, NULL); /* a bare machine: thumbprints are all there is */
        curl_easy_setopt(fetch->easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(fetch->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(fetch->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (fetch->request.thumbprint_count > 0)
        trust_thumbprints(fetch);
}

void transfer_prepare(struct fetch *fetch)
{
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL)
        abort();
    fetch->answer = MAKE(NULL, struct fetch_answer);
    fetch->body = writer_new(fetch->answer, fetch->request.answer_limit);
    set_request(fetch);
    set_trust(fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, fetch->text);
    curl_easy_setopt(fetch->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(fetch->easy, CURLOPT_QUICK_EXIT, 1L); /* a name server that is silent stops nobody else */
    curl_easy_setopt(fetch->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(fetch->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, (long)fetch->request.timeout_ms);
    curl_easy_setopt(fetch->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(fetch->easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(fetch->easy, CURLOPT_PREREQDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
}

void transfer_judge(struct fetch *fetch, CURLcode result)
{
    struct fetch_answer *answer = fetch->answer;
    long status = 0;
    if (fetch->placed_wrong && result != CURLE_OK)
        answer->error =
            error_new(answer, "FetchRefused", "%s leads to an address that calls may not go to.", fetch->request.url);
    else if (fetch->too_long)
        answer->error = error_new(answer, "FetchFailed", "The answer of %s is longer than %zu bytes.",
                                  fetch->request.url, fetch->request.answer_limit);
    else if (result != CURLE_OK)
        answer->error = error_new(answer, "FetchFailed", "%s: %s.", fetch->request.url,
                                  fetch->text[0] ? fetch->text : curl_easy_strerror(result));
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    answer->body = writer_slice_of(&fetch->body);
}
