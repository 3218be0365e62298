/* http_reader_test.c - requests whole and in pieces, and everything that two readers could take in two ways. */
#include "gateway/http_reader.h"
#include "table.h"

#define HEAD       "POST /things/p HTTP/1.1\r\nHost: h\r\n"
#define SMALL_HEAD 512
#define SMALL_BODY 64

static const struct row {
    const char *name;
    const char *bytes;
    const char *path, *query, *body;
    const char *left; /* after the request; NULL: nothing */
    enum { CLOSES, KEEPS } after;
} rows[] = {
    { "a GET", "GET /a/b?x=1&y HTTP/1.1\r\nHost: h\r\n\r\n", "/a/b", "x=1&y", "", NULL, KEEPS },
    { "a body by length", HEAD "Content-Length: 5\r\n\r\nhello", "/things/p", "", "hello", NULL, KEEPS },
    { "an empty body", HEAD "Content-Length: 0\r\n\r\n", "/things/p", "", "", NULL, KEEPS },
    { "chunks", HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "/things/p", "", "hello",
      NULL, KEEPS },
    { "chunk extensions are passed over", HEAD "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n0\r\n\r\n",
      "/things/p", "", "he", NULL, KEEPS },
    { "trailers are passed over", HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\nx-amz-date: forged\r\n\r\n",
      "/things/p", "", "he", NULL, KEEPS },
    { "Chunked in capitals", HEAD "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "/things/p", "", "", NULL, KEEPS },
    { "the next request stays", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HT", "/1", "", "", "GET /2 HT", KEEPS },
    { "the next request after a body stays", HEAD "Content-Length: 2\r\n\r\nabGET", "/things/p", "", "ab", "GET",
      KEEPS },
    { "Connection: close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "/", "", "", NULL, CLOSES },
    { "HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "/", "", "", NULL, CLOSES },
    { "HTTP/1.0 may keep alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/", "", "", NULL, KEEPS },
    { "empty lines before a request (RFC 9112 2.2)", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "/", "", "", NULL,
      KEEPS },
    { "an upgrade is an ordinary request",
      "GET /mqtt HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "/mqtt", "", "", NULL,
      KEEPS },
    { "an escaped path stays escaped", "GET /things/a%3Ab%2Fc HTTP/1.1\r\nHost: h\r\n\r\n", "/things/a%3Ab%2Fc", "", "",
      NULL, KEEPS },
    { "a second question mark is the query's", "GET /p?a?b HTTP/1.1\r\nHost: h\r\n\r\n", "/p", "a?b", "", NULL, KEEPS },
    { "an empty value", "GET / HTTP/1.1\r\nHost: h\r\nx-empty:\r\n\r\n", "/", "", "", NULL, KEEPS },
    { "bytes past ASCII in a value", "GET / HTTP/1.1\r\nHost: h\r\nx: \xc3\xa9\r\n\r\n", "/", "", "", NULL, KEEPS },
};

static const struct refused_row {
    const char *name;
    const char *bytes;
    int status;
} refused[] = {
    { "length and coding", HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
    { "coding and length", HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400 },
    { "two lengths", HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400 },
    { "two lengths in one header", HEAD "Content-Length: 3, 3\r\n\r\nabc", 400 },
    { "a length with a sign", HEAD "Content-Length: +3\r\n\r\nabc", 400 },
    { "a negative length", HEAD "Content-Length: -3\r\n\r\nabc", 400 },
    { "a length in hexadecimal", HEAD "Content-Length: 0x3\r\n\r\nabc", 400 },
    { "an empty length", HEAD "Content-Length:\r\n\r\n", 400 },
    { "a length past 64 bits", HEAD "Content-Length: 99999999999999999999\r\n\r\n", 400 },
    { "two codings", HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
    { "another coding", HEAD "Transfer-Encoding: gzip\r\n\r\n", 501 },
    { "another coding and chunked", HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501 },
    { "chunked is not the last coding", HEAD "Transfer-Encoding: chunked, identity\r\n\r\n", 400 },
    { "chunked with something before it", HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501 },
    { "coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
    { "a folded line", "GET / HTTP/1.1\r\nHost: h\r\nx: 1\r\n 2\r\n\r\n", 400 },
    { "a folded line with a tab", "GET / HTTP/1.1\r\nHost: h\r\nx: 1\r\n\t2\r\n\r\n", 400 },
    { "a CR alone in a value", "GET / HTTP/1.1\r\nHost: h\r\nx: 1\r2\r\n\r\n", 400 },
    { "a CR alone ends the head", "GET / HTTP/1.1\r\nHost: h\r\n\rGET /2", 400 },
    { "LF alone", "GET / HTTP/1.1\nHost: h\n\n", 400 },
    { "LF alone at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400 },
    { "a blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400 },
    { "a line without a colon", "GET / HTTP/1.1\r\nHost: h\r\nfoo\r\n\r\n", 400 },
    { "a header without a name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400 },
    { "an empty header without a name", "GET / HTTP/1.1\r\nHost: h\r\n:\r\n\r\n", 400 },
    { "a first header without a name", "GET / HTTP/1.1\r\n: x\r\nHost: h\r\n\r\n", 400 },
    { "a name with a foreign character", "GET / HTTP/1.1\r\nHost: h\r\nx(y): 1\r\n\r\n", 400 },
    { "a control character in a value", "GET / HTTP/1.1\r\nHost: h\r\nx: \x01\r\n\r\n", 400 },
    { "DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nx: \x7f\r\n\r\n", 400 },
    { "no Host", "GET / HTTP/1.1\r\n\r\n", 400 },
    { "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
    { "an absolute target", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
    { "a star", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
    { "a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
    { "a blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
    { "CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
    { "TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
    { "a method nobody knows", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
    { "HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505 },
    { "HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505 },
    { "HTTP/0.9", "GET /\r\n\r\n", 505 },
    { "another expectation", HEAD "Expect: wonders\r\nContent-Length: 1\r\n\r\n", 417 },
    { "a length over the limit", HEAD "Content-Length: 65\r\n\r\n", 413 },
    { "chunks over the limit",
      HEAD "Transfer-Encoding: chunked\r\n\r\n41\r\n"
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n0\r\n\r\n",
      413 },
    { "a chunk without a size", HEAD "Transfer-Encoding: chunked\r\n\r\n\r\nx", 400 },
    { "a chunk size that is none", HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400 },
    { "a chunk size past 64 bits", HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400 },
    { "a chunk size with 0x", HEAD "Transfer-Encoding: chunked\r\n\r\n0x2\r\nhe\r\n0\r\n\r\n", 400 },
    { "a chunk longer than it says", HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhex\r\n0\r\n\r\n", 400 },
    { "LF alone after a chunk size", HEAD "Transfer-Encoding: chunked\r\n\r\n2\nhe\r\n0\r\n\r\n", 400 },
    { "LF alone after a chunk", HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\n0\r\n\r\n", 400 },
    { "not HTTP", "\x16\x03\x01\x02\x00\x01", 400 },
};

static struct http_reader *new_reader(void *ctx)
{
    const struct http_limits limits = { SMALL_HEAD, 4, SMALL_BODY };
    return http_reader_new(ctx, &limits);
}

/* Feeds in steps of `step` bytes until something is decided; returns how many were used. */
static size_t feed(struct http_reader *in, slice bytes, size_t step, enum http_progress *progress)
{
    size_t used = 0;
    *progress = HTTP_NEEDS_MORE;
    while (used < bytes.length && *progress != HTTP_DONE && *progress != HTTP_REFUSED) {
        slice piece = slice_from(bytes, used);
        piece.length = piece.length < step ? piece.length : step;
        used += http_reader_feed(in, piece, progress);
    }
    return used;
}

static void assert_slice(slice s, const char *text)
{
    assert_int_equal(s.length, strlen(text));
    assert_memory_equal(s.at, text, s.length);
}

static void check(const struct row *row, size_t step)
{
    void *ctx = talloc_new(NULL);
    struct http_reader *in = new_reader(ctx);
    enum http_progress progress;
    slice bytes = slice_of(row->bytes);
    size_t used = feed(in, bytes, step, &progress);
    assert_int_equal(progress, HTTP_DONE);
    assert_slice(slice_from(bytes, used), row->left ? row->left : "");
    struct http_message *message = http_reader_take(in);
    assert_slice(message->request.path, row->path);
    assert_slice(message->request.query, row->query);
    assert_slice(message->request.body, row->body);
    assert_int_equal(message->keep_alive, row->after == KEEPS);
    assert_false(http_reader_is_busy(in));
    talloc_free(message);
    talloc_free(ctx);
}

static void check_refused(const struct refused_row *row, size_t step)
{
    void *ctx = talloc_new(NULL);
    struct http_reader *in = new_reader(ctx);
    enum http_progress progress;
    feed(in, slice_of(row->bytes), step, &progress);
    assert_int_equal(progress, HTTP_REFUSED);
    assert_int_equal(http_reader_refusal(in)->status, row->status);
    assert_int_equal(http_reader_feed(in, SLICE("GET"), &progress), 0);
    talloc_free(ctx);
}

static void is_read(void **state)
{
    check(*state, 4096);
}

static void is_read_byte_by_byte(void **state)
{
    check(*state, 1);
}

static void is_refused(void **state)
{
    check_refused(*state, 4096);
}

static void is_refused_byte_by_byte(void **state)
{
    check_refused(*state, 1);
}

/* ---- what tables of text do not show ---- */

static void headers_come_as_sent(void **state)
{
    void *ctx = talloc_new(NULL);
    struct http_reader *in = new_reader(ctx);
    enum http_progress progress;
    (void)state;
    feed(in, SLICE("PUT / HTTP/1.1\r\nHost:  h:9443 \r\nX-A: \t1  2\t\r\nx-empty:\r\nX-A: 3\r\n\r\n"), 3, &progress);
    assert_int_equal(progress, HTTP_DONE);
    struct http_message *message = http_reader_take(in);
    const struct http_request *request = &message->request;
    assert_int_equal(request->header_count, 4);
    assert_slice(request->method, "PUT");
    assert_slice(request->headers[0].value, "h:9443");
    assert_slice(request->headers[1].name, "X-A");
    assert_slice(request->headers[1].value, "1  2");
    assert_slice(request->headers[2].value, "");
    assert_slice(request->headers[3].value, "3");
    talloc_free(message);
    talloc_free(ctx);
}

static void one_after_the_other(void **state)
{
    void *ctx = talloc_new(NULL);
    struct http_reader *in = new_reader(ctx);
    slice bytes = SLICE("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
                        "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    static const char *const paths[] = { "/1", "/2", "/3" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enum http_progress progress;
        bytes = slice_from(bytes, feed(in, bytes, 7, &progress));
        assert_int_equal(progress, HTTP_DONE);
        struct http_message *message = http_reader_take(in);
        assert_slice(message->request.path, paths[i]);
        talloc_free(message);
    }
    assert_int_equal(bytes.length, 0);
    talloc_free(ctx);
}

static void refused_when(const char *head, const char *repeated, size_t times, int status)
{
    void *ctx = talloc_new(NULL);
    struct http_reader *in = new_reader(ctx);
    enum http_progress progress;
    http_reader_feed(in, slice_of(head), &progress);
    for (size_t i = 0; i < times && progress != HTTP_REFUSED; i++) {
        slice piece = slice_of(repeated);
        while (piece.length > 0 && progress != HTTP_REFUSED)
            piece = slice_from(piece, http_reader_feed(in, piece, &progress));
    }
    assert_int_equal(progress, HTTP_REFUSED);
    assert_int_equal(http_reader_refusal(in)->status, status);
    talloc_free(ctx);
}

static void floods_end(void **state)
{
    (void)state;
    refused_when("GET /", "aaaaaaaaaaaaaaaa", 100, 431);
    refused_when("GET / HTTP/1.1\r\nHost: h\r\nx: ", "aaaaaaaaaaaaaaaa", 100, 431);
    refused_when("GET / HTTP/1.1\r\n", "x: y\r\n", 100, 431);
    refused_when("", "\r\n", 1000, 431);
    refused_when(HEAD "Transfer-Encoding: chunked\r\n\r\n1;", "aaaaaaaaaaaaaaaa", 10000, 400);
    refused_when(HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", "x: y\r\n", 10000, 400);
}

static void waits_for_continue(void **state)
{
    void *ctx = talloc_new(NULL);
    struct http_reader *in = new_reader(ctx);
    enum http_progress progress;
    slice head = SLICE(HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    (void)state;
    assert_int_equal(http_reader_feed(in, head, &progress), head.length);
    assert_int_equal(progress, HTTP_HEAD_DONE);
    assert_true(http_reader_expects_continue(in));
    assert_int_equal(http_reader_feed(in, SLICE("ab"), &progress), 2);
    assert_int_equal(progress, HTTP_DONE);
    talloc_free(ctx);
}

static const struct {
    const char *name;
    void (*run)(void **state);
} stories[] = {
    { "headers come as they were sent, trimmed", headers_come_as_sent },
    { "one request after the other", one_after_the_other },
    { "floods of targets, values, headers, blank lines, chunk extensions and trailers end", floods_end },
    { "100-continue is noticed before the body", waits_for_continue },
};

static void story(void **state)
{
    const struct {
        const char *name;
        void (*run)(void **state);
    } *row = *state;
    row->run(NULL);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_read), TABLE(rows, is_read_byte_by_byte), TABLE(refused, is_refused),
                      TABLE(refused, is_refused_byte_by_byte), TABLE(stories, story));
}
