/* fetch_test.c - outgoing calls against a server on loopback: what is sent, what is taken, whom it trusts. */
#include "fetch/fetch.h"
#include "local.h"
#include "base/clock.h"
#include "base/encode.h"
#include "pki/pki.h"
#include "table.h"
#include <stdio.h>

enum { LOCAL = FETCH_LOOPBACK | FETCH_PLAIN };

/* ---- asking, and waiting for the answer ---- */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct fetch_answer *answers[64];
    int count;
} got = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void take(void *arg, struct fetch_answer *answer)
{
    (void)arg;
    pthread_mutex_lock(&got.mutex);
    got.answers[got.count++] = answer;
    pthread_cond_signal(&got.changed);
    pthread_mutex_unlock(&got.mutex);
}

static void await(int count)
{
    pthread_mutex_lock(&got.mutex);
    while (got.count < count)
        pthread_cond_wait(&got.changed, &got.mutex);
    pthread_mutex_unlock(&got.mutex);
}

static void forget(void)
{
    while (got.count > 0)
        talloc_free(got.answers[--got.count]);
}

static const char *outcome(void *ctx, const struct fetch_answer *answer)
{
    return answer->error ? answer->error->name : text_format(ctx, "%d %.*s", answer->status, PRINT(answer->body));
}

/* ---- what answers become ---- */

static const struct talk {
    const char *name;
    const char *answer; /* NULL: none ever comes */
    size_t repeat;
    struct fetch_request request;
    const char *outcome, *asked; /* what the request held */
} talks[] = {
    { "a GET",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
      0,
      { .places = LOCAL },
      "200 hi",
      "GET /x HTTP/1.1\r\n" },
    { "an error status is an answer",
      "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
      0,
      { .places = LOCAL },
      "503 ",
      "GET /x" },
    { "a POST with headers and a body",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      0,
      { .method = "POST",
        .places = LOCAL,
        .headers = (const struct fetch_header[]){ { "X-One", "1" }, { "X-Empty", "" } },
        .header_count = 2,
        .body = { "hello body", 10 } },
      "200 ",
      "\r\nX-One: 1\r\nX-Empty:\r\n" },
    { "a PUT",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      0,
      { .method = "PUT", .places = LOCAL, .body = { "hello body", 10 } },
      "200 ",
      "hello body" },
    { "as long as is allowed",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n12345678",
      0,
      { .places = LOCAL, .answer_limit = 8 },
      "200 12345678",
      "GET" },
    { "one byte too long",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n123456789",
      0,
      { .places = LOCAL, .answer_limit = 8 },
      "FetchFailed",
      "GET" },
    { "without end",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx",
      70000,
      { .places = LOCAL },
      "FetchFailed",
      "GET" },
    { "a head without end", "HTTP/1.1 200 OK\r\nX-Long: x", 200000, { .places = LOCAL }, "FetchFailed", "GET" },
    { "silence", NULL, 0, { .places = LOCAL, .timeout_ms = 200 }, "FetchFailed", "GET" },
    { "no HTTP", "220 mail ready\r\n", 0, { .places = LOCAL }, "FetchFailed", "GET" },
    { "a redirect is an answer",
      "HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n",
      0,
      { .places = LOCAL },
      "302 ",
      "GET" },
    { "a redirect to plain http is not followed",
      "HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n",
      0,
      { .places = LOCAL, .redirects = 3 },
      "FetchFailed",
      "GET" },
    { "a redirect into a file",
      "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
      0,
      { .places = LOCAL, .redirects = 3 },
      "FetchFailed",
      "GET" },
    { "a redirect to metadata",
      "HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
      0,
      { .places = LOCAL | FETCH_PRIVATE, .redirects = 3 },
      "FetchRefused",
      "GET" },
};

static void talks_to(void **state)
{
    const struct talk *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct local local = { .answer = row->answer, .repeat = row->repeat };
    local_start(&local);
    struct fetcher *fetcher = fetcher_new(ctx, &(struct fetch_options){ 0 });
    struct fetch_request request = row->request;
    request.url = text_format(ctx, "http://localhost:%u/x", local.port);
    fetch_start(fetcher, &request, take, NULL);
    await(1);
    assert_string_equal(outcome(ctx, got.answers[0]), row->outcome);
    fetcher_stop(fetcher);
    local_stop(&local);
    assert_non_null(strstr(local.asked, row->asked));
    forget();
}

/* ---- what never leaves ---- */

static const struct refusal {
    const char *name;
    struct fetch_request request;
} refusals[] = {
    { "a file", { .url = "file:///etc/passwd", .places = LOCAL } },
    { "gopher", { .url = "gopher://localhost/", .places = LOCAL } },
    { "no scheme", { .url = "localhost/x", .places = LOCAL } },
    { "plain http unasked", { .url = "http://localhost:1/", .places = FETCH_LOOPBACK } },
    { "loopback unasked", { .url = "https://localhost:1/", .places = FETCH_PRIVATE } },
    { "loopback by another spelling", { .url = "https://0x7f.1:1/" } },
    { "loopback as one number", { .url = "https://2130706433:1/" } },
    { "metadata", { .url = "https://169.254.169.254/latest/meta-data/", .places = LOCAL | FETCH_PRIVATE } },
    { "metadata by plain http",
      { .url = "http://169.254.169.254/latest/meta-data/", .places = LOCAL | FETCH_PRIVATE } },
    { "metadata in IPv6", { .url = "https://[::ffff:169.254.169.254]/", .places = LOCAL | FETCH_PRIVATE } },
    { "a user name", { .url = "https://root@localhost/", .places = LOCAL } },
    { "a password", { .url = "https://:x@localhost/", .places = LOCAL } },
    { "a line break in the URL", { .url = "http://localhost/\r\nX: y", .places = LOCAL } },
    { "a blank in the URL", { .url = "http://localhost/a b", .places = LOCAL } },
    { "no URL", { .places = LOCAL } },
    { "a line break in a header",
      { .url = "http://localhost:1/",
        .places = LOCAL,
        .headers = (const struct fetch_header[]){ { "X", "1\r\nY: 2" } },
        .header_count = 1 } },
    { "a colon in a header's name",
      { .url = "http://localhost:1/",
        .places = LOCAL,
        .headers = (const struct fetch_header[]){ { "X: 1", "2" } },
        .header_count = 1 } },
    { "a header without a name",
      { .url = "http://localhost:1/",
        .places = LOCAL,
        .headers = (const struct fetch_header[]){ { "", "2" } },
        .header_count = 1 } },
    { "a method with a blank", { .url = "http://localhost:1/", .places = LOCAL, .method = "GET /y" } },
    { "a short thumbprint",
      { .url = "https://localhost:1/",
        .places = LOCAL,
        .thumbprints = (const char *const[]){ "ab" },
        .thumbprint_count = 1 } },
};

static void refuses(void **state)
{
    const struct refusal *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct fetcher *fetcher = fetcher_new(ctx, &(struct fetch_options){ 0 });
    fetch_start(fetcher, &row->request, take, NULL);
    await(1);
    assert_string_equal(outcome(ctx, got.answers[0]), "FetchRefused");
    forget();
}

/* ---- whom it trusts ---- */

enum pinned { NOTHING, TOP, LEAF, FOREIGN };

static const struct trust {
    const char *name;
    bool ca_file, other_ca_file, send_top;
    enum pinned pinned;
    const char *host, *outcome;
} trusts[] = {
    { "an authority that nobody knows", false, false, true, NOTHING, "localhost", "FetchFailed" },
    { "an authority out of a file", true, false, false, NOTHING, "localhost", "200 hi" },
    { "an authority out of a file, another one's server", false, true, true, NOTHING, "localhost", "FetchFailed" },
    { "the thumbprint of the topmost certificate", false, false, true, TOP, "localhost", "200 hi" },
    { "the thumbprint of a certificate that was not sent", false, false, false, TOP, "localhost", "FetchFailed" },
    { "the thumbprint of the leaf, which is the topmost", false, false, false, LEAF, "localhost", "200 hi" },
    { "the thumbprint of the leaf, which is not the topmost", false, false, true, LEAF, "localhost", "FetchFailed" },
    { "another thumbprint", false, false, true, FOREIGN, "localhost", "FetchFailed" },
    { "the right thumbprint, another host", false, false, true, TOP, "ip6-localhost.localhost", "FetchFailed" },
    { "an authority and a foreign thumbprint", true, false, true, FOREIGN, "localhost", "200 hi" },
};

static struct {
    struct pki_credentials *authority, *other, *server;
    const char *ca_file, *other_file;
    const char *thumbprints[4];
} trusted;

static const char *thumbprint_of(const char *pem)
{
    struct pki_certificate_info *info;
    MUST(pki_certificate_parse(trusted.authority, slice_of(pem), &info) == NULL);
    unsigned char hash[20];
    EVP_Digest(info->der.at, info->der.length, hash, NULL, EVP_sha1(), NULL);
    return hex_encode(trusted.authority, slice_bytes(hash, sizeof(hash)));
}

static const char *file_of(const char *pem)
{
    char name[] = "/tmp/fetch-test-XXXXXX";
    int fd = mkstemp(name);
    MUST(fd >= 0 && write(fd, pem, strlen(pem)) == (ssize_t)strlen(pem));
    close(fd);
    return text_copy(trusted.authority, name);
}

static void make_trust(void *ctx)
{
    struct pki_authority_wish wish = { .common_name = "top", .key = PKI_P256, .now_s = clock_now_s(), .years = 1 };
    struct pki_server_wish server = { "localhost", "eu-central-1", PKI_P256, clock_now_s() };
    MUST(pki_make_authority(ctx, &wish, NULL, &trusted.authority) == NULL);
    MUST(pki_make_authority(ctx, &wish, NULL, &trusted.other) == NULL);
    MUST(pki_make_server_certificate(ctx, &server, trusted.authority, &trusted.server) == NULL);
    trusted.ca_file = file_of(trusted.authority->certificate_pem);
    trusted.other_file = file_of(trusted.other->certificate_pem);
    trusted.thumbprints[TOP] = thumbprint_of(trusted.authority->certificate_pem);
    trusted.thumbprints[LEAF] = thumbprint_of(trusted.server->certificate_pem);
    trusted.thumbprints[FOREIGN] = thumbprint_of(trusted.other->certificate_pem);
}

static void trusts_whom(void **state)
{
    const struct trust *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct local local = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" };
    const char *chain[] = { trusted.server->certificate_pem, trusted.authority->certificate_pem };
    local_use_tls(&local, chain, row->send_top ? 2 : 1, trusted.server->private_pem);
    local_start(&local);
    struct fetcher *fetcher = fetcher_new(ctx, &(struct fetch_options){ 0 });
    struct fetch_request request = { .url = text_format(ctx, "https://%s:%u/", row->host, local.port),
                                     .places = FETCH_LOOPBACK,
                                     .ca_file = row->ca_file         ? trusted.ca_file
                                                : row->other_ca_file ? trusted.other_file
                                                                     : NULL,
                                     .thumbprints = &trusted.thumbprints[row->pinned],
                                     .thumbprint_count = row->pinned != NOTHING };
    fetch_start(fetcher, &request, take, NULL);
    await(1);
    assert_string_equal(outcome(ctx, got.answers[0]), row->outcome);
    fetcher_stop(fetcher);
    local_stop(&local);
    forget();
}

/* ---- many, and the end ---- */

static const struct crowd {
    const char *name;
    struct fetch_options options;
    int calls, answered, busy;
} crowds[] = {
    { "all at once", { 8, 8 }, 8, 8, 0 },
    { "one after the other", { 1, 32 }, 20, 20, 0 },
};

static void serves_a_crowd(void **state)
{
    const struct crowd *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct local local = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi" };
    local_start(&local);
    struct fetcher *fetcher = fetcher_new(ctx, &row->options);
    struct fetch_request request = { .url = text_format(ctx, "http://127.0.0.1:%u/", local.port), .places = LOCAL };
    for (int i = 0; i < row->calls; i++)
        fetch_start(fetcher, &request, take, NULL);
    await(row->calls);
    for (int i = 0; i < row->calls; i++)
        assert_string_equal(outcome(ctx, got.answers[i]), "200 hi");
    fetcher_stop(fetcher);
    local_stop(&local);
    forget();
}

static void stopping_ends_all(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct local local = { .answer = NULL };
    local_start(&local);
    struct fetcher *fetcher = fetcher_new(ctx, &(struct fetch_options){ 1, 2 });
    struct fetch_request request = { .url = text_format(ctx, "http://127.0.0.1:%u/", local.port),
                                     .places = LOCAL,
                                     .timeout_ms = 60000 };
    for (int i = 0; i < 6; i++) /* one in flight at most, two waiting, the others are turned away */
        fetch_start(fetcher, &request, take, NULL);
    fetcher_stop(fetcher);
    fetch_start(fetcher, &request, take, NULL);
    await(7);
    int busy = 0, stopped = 0;
    for (int i = 0; i < 7; i++) {
        busy += error_is(got.answers[i]->error, "FetchBusy");
        stopped += error_is(got.answers[i]->error, "FetchStopped");
    }
    assert_int_equal(busy + stopped, 7);
    assert_in_range(busy, 3, 4);
    local_stop(&local);
    forget();
}

static const struct end {
    const char *name;
} ends[] = { { "what is in flight, what waits, and who comes later" } };

int main(void)
{
    SCRATCH ctx = talloc_new(NULL);
    make_trust(ctx);
    int failures = RUN_TABLES(TABLE(talks, talks_to), TABLE(refusals, refuses), TABLE(trusts, trusts_whom),
                              TABLE(crowds, serves_a_crowd), TABLE(ends, stopping_ends_all));
    unlink(trusted.ca_file);
    unlink(trusted.other_file);
    return failures;
}
