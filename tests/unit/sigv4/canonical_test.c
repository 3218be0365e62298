/* canonical_test.c - one text for one request (3.1.2), the alternates that real clients need (3.1.4, 3.1.7), and what
   x-amz-content-sha256 may say (3.1.2, 3.1.8). */
#include "vectors.h"
#include "base/encode.h"
#include "table.h"

static const struct path {
    const char *name, *raw, *canonical;
} paths[] = {
    { "the root", "/", "/" },
    { "nothing", "", "/" },
    { "as it is", "/things/pump-07", "/things/pump-07" },
    { "a trailing slash stays", "/authorizers/", "/authorizers/" },
    { "empty segments go", "//things///a", "/things/a" },
    { "only slashes", "///", "/" },
    { "one dot goes", "/./a/./b/.", "/a/b" },
    { "two dots pop", "/a/b/../c", "/a/c" },
    { "two dots do not climb out", "/../../a", "/a" },
    { "all popped", "/a/..", "/" },
    { "a trailing slash after a pop", "/a/../b/../", "/" },
    { "three dots are a name", "/...", "/..." },
    { "an encoded slash is encoded once more", "/topics/a%2Fb", "/topics/a%252Fb" },
    { "encoded dots are no dots", "/a/%2E%2E/b", "/a/%252E%252E/b" },
    { "unreserved stays", "/AZaz09-_.~", "/AZaz09-_.~" },
    { "reserved is encoded", "/a:b@c;d=e,f!", "/a%3Ab%40c%3Bd%3De%2Cf%21" },
    { "bytes above 0x7f", "/\xc3\xa4", "/%C3%A4" },
};

static void canonical_of_path(void **state)
{
    const struct path *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    slice path = canonical_path(ctx, slice_of(row->raw));
    assert_string_equal(slice_text(ctx, path), row->canonical);
}

static const struct query {
    const char *name, *raw;
    bool websocket;
    const char *canonical;
} queries[] = {
    { "none", "", false, "" },
    { "sorted by key", "b=2&a=1", false, "a=1&b=2" },
    { "then by value", "a=2&a=1&a=10", false, "a=1&a=10&a=2" },
    { "a key without a value", "marker&a", false, "a=&marker=" },
    { "only the first equal sign divides", "a=b=c", false, "a=b%3Dc" },
    { "decoded and encoded anew", "a=%7e%2f&%41=x", false, "A=x&a=~%2F" },
    { "plus is a plus", "a=b+c", false, "a=b%2Bc" },
    { "sorted as encoded text", "a=%C3%A4&a=z", false, "a=%C3%A4&a=z" },
    { "keys by the byte", "a-b=1&a=1&a0=1", false, "a=1&a-b=1&a0=1" },
    { "upper before lower case", "b=1&B=1", false, "B=1&b=1" },
    { "empty pieces go", "&&a=1&", false, "a=1" },
    { "a broken encoding stands for itself", "a=%zz", false, "a=%25zz" },
    { "the signature goes", "a=1&X-Amz-Signature=00", false, "a=1" },
    { "the token stays", "X-Amz-Security-Token=t&a=1", false, "X-Amz-Security-Token=t&a=1" },
    { "the token goes on a WebSocket", "X-Amz-Security-Token=t&a=1", true, "a=1" },
};

static void canonical_of_query(void **state)
{
    static const struct canonical_form strict = { .name = NULL };
    const struct query *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = {
        .method = SLICE("get"), .raw_path = SLICE("/"), .raw_query = slice_of(row->raw), .websocket = row->websocket
    };
    slice text = canonical_request(ctx, &request, SLICE("h"), SLICE("hash"), &strict);
    assert_string_equal(slice_text(ctx, text), text_format(ctx, "GET\n/\n%s\nh:\n\nh\nhash", row->canonical));
}

static const struct value {
    const char *name;
    struct sigv4_header headers[3];
    const char *canonical;
} values[] = {
    { "trimmed", { { SLICE("A"), SLICE(" \t x ") } }, "a:x\n" },
    { "runs become one blank", { { SLICE("A"), SLICE("x  \t y") } }, "a:x y\n" },
    { "repeated ones are joined in order",
      { { SLICE("a"), SLICE("z ") }, { SLICE("A"), SLICE("y") }, { SLICE("a"), SLICE(" x") } },
      "a:z,y,x\n" },
    { "empty", { { SLICE("A"), SLICE("") } }, "a:\n" },
};

static void canonical_of_header(void **state)
{
    static const struct canonical_form strict = { .name = NULL };
    const struct value *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = {
        .method = SLICE("GET"), .raw_path = SLICE("/"), .headers = row->headers, .header_count = 3
    };
    slice text = canonical_request(ctx, &request, SLICE("a"), SLICE("hash"), &strict);
    assert_string_equal(slice_text(ctx, text), text_format(ctx, "GET\n/\n\n%s\na\nhash", row->canonical));
}

/* Signatures computed with an independent program (Python's hmac) over the text that such a client signs:
   GET /things/a%3Ab?b=2&a=1 at muster.test:9443. */
static const struct alternate {
    const char *name, *signature, *alternate;
} alternates[] = {
    { "as it should be", "5e2a38b9c6cb80fbd7239faf05d46c5a9ae1b9026b3b8e406806042fead35207", NULL },
    { "presigners that sign the bare host", "b8a66fa96d63b48a18f35dfe64fabf54c639a53faaf22cfaa16b2d88f4210404",
      "host without port" },
    { "curl's single encoding", "0d5cfad457cb19e5fbeadaa6b9a84cdd7ce71f90f93f213441c299b461780672", "path as sent" },
    { "curl's unsorted query", "d3190d82d05b87170993b2289da0bec03c4d6246305c5eaa24ae518504903cb6", "query as sent" },
    { "both of curl's", "04b16884e930b61e3540ae4ac5a6294bd6a78b7144a03c84e09eb60547b0aad4", "path and query as sent" },
    { "none of them", "04b16884e930b61e3540ae4ac5a6294bd6a78b7144a03c84e09eb60547b0aad5", "refused" },
};

static void takes_the_alternate(void **state)
{
    const struct alternate *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct vector curl = { .method = "GET",
                           .path = "/things/a%3Ab",
                           .query = "b=2&a=1",
                           .headers = { { "Host", "muster.test:9443" }, { "X-Amz-Date", NOW_TEXT } },
                           .body = "" };
    curl.headers[2].name = "Authorization";
    curl.headers[2].value = text_format(ctx,
                                        "AWS4-HMAC-SHA256 Credential=%s/20260115/eu-central-1/iot/aws4_request, "
                                        "SignedHeaders=host;x-amz-date, Signature=%s",
                                        LONG_ID, row->signature);
    struct sigv4_request request = request_of(ctx, &curl);
    const char *alternate = NULL;
    if (judge(ctx, &request, "iot", LONG_SECRET, seconds_of(NOW_TEXT), &alternate) != NULL)
        alternate = "refused";
    if (row->alternate == NULL)
        assert_null(alternate);
    else
        assert_string_equal(alternate, row->alternate);
}

/* What was signed for "a%2Fb", sent for "a%252Fb": as sent, that is the text that was signed. */
static void another_name_is_not_the_path_as_sent(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct vector doubled = vectors[V2];
    doubled.path = "/topics/plant%252Fline%25201%252Ftemp";
    struct sigv4_request request = request_of(ctx, &doubled);
    assert_true(
        error_is(judge(ctx, &request, "iotdata", SHORT_SECRET, seconds_of(NOW_TEXT), NULL), "InvalidSignature"));
}

/* A WebSocket URL that our presigner makes for one Host header, used with another. */
static const struct host {
    const char *name;
    const char *signed_host, *sent_host;
    bool websocket, token_signed;
    const char *alternate;
} hosts[] = {
    { "the same host", "data.muster.test", "data.muster.test", true, false, NULL },
    { "signed bare, sent with a port", "data.muster.test", "data.muster.test:9443", true, false, "host without port" },
    { "signed with :443, sent bare", "data.muster.test:443", "data.muster.test", true, false, "host with :443" },
    { "signed with :443, sent bare, but no WebSocket", "data.muster.test:443", "data.muster.test", false, true,
      "refused" },
    { "signed with a port, sent with another", "data.muster.test:8443", "data.muster.test:9443", true, false,
      "refused" },
    { "the token signed as well", "data.muster.test", "data.muster.test", true, true, "token in the query" },
    { "the token signed, and the bare host", "data.muster.test", "data.muster.test:1", true, true,
      "host without port" },
    { "an IPv6 literal", "[::1]", "[::1]:9443", true, false, "host without port" },
};

static void takes_the_host(void **state)
{
    const struct host *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct vector url = vectors[V3];
    struct sigv4_signer signer = { .access_key_id = SLICE(SHORT_ID),
                                   .secret = SLICE(SHORT_SECRET),
                                   .token = SLICE(TOKEN_TEXT),
                                   .region = SLICE("eu-central-1"),
                                   .service = SLICE("iotdevicegateway"),
                                   .now_s = seconds_of(NOW_TEXT) };
    url.query = "";
    url.headers[0].value = row->signed_host;
    url.websocket = !row->token_signed;
    struct sigv4_request request = request_of(ctx, &url);
    url.query = sigv4_presign(ctx, &request, &signer, 0);
    url.headers[0].value = row->sent_host;
    url.websocket = row->websocket;
    request = request_of(ctx, &url);

    const char *alternate = NULL;
    if (judge(ctx, &request, "iotdevicegateway", SHORT_SECRET, seconds_of(NOW_TEXT), &alternate) != NULL)
        alternate = "refused";
    if (row->alternate == NULL)
        assert_null(alternate);
    else
        assert_string_equal(alternate, row->alternate);
}

enum rules { PLAIN, TLS, S3 };
#define ABC_HASH   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The body is "abc"; the header is signed unless it is absent. */
static const struct payload {
    const char *name;
    const char *declared;
    enum rules rules;
    bool header_signed;
    const char *error;
} payloads[] = {
    { "nothing declared", NULL, PLAIN, false, NULL },
    { "the real hash", ABC_HASH, PLAIN, true, NULL },
    { "the real hash, unsigned", ABC_HASH, PLAIN, false, NULL },
    { "another hash", EMPTY_HASH, PLAIN, true, "InvalidSignature" },
    { "no hash", "abc", TLS, true, "InvalidSignature" },
    { "UNSIGNED-PAYLOAD over TLS", "UNSIGNED-PAYLOAD", TLS, true, NULL },
    { "UNSIGNED-PAYLOAD over TLS, itself unsigned", "UNSIGNED-PAYLOAD", TLS, false, "InvalidSignature" },
    { "UNSIGNED-PAYLOAD without TLS", "UNSIGNED-PAYLOAD", PLAIN, true, "InvalidSignature" },
    { "S3: the real hash", ABC_HASH, S3, true, NULL },
    { "S3: another hash", EMPTY_HASH, S3, true, "InvalidSignature" },
    { "S3: UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD", S3, true, NULL },
    { "S3: chunks with a checksum at the end", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", S3, true, NULL },
    { "S3: chunks with signatures nobody checks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", S3, true, "InvalidSignature" },
    { "S3: nothing declared", NULL, S3, false, "IncompleteSignature" },
    { "chunks elsewhere than S3", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", TLS, true, "InvalidSignature" },
};

static void judges_the_payload(void **state)
{
    const struct payload *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_header headers[5] = { { SLICE("Host"), SLICE("h") } };
    struct sigv4_request request = { .method = SLICE("PUT"),
                                     .raw_path = SLICE("/b/k"),
                                     .headers = headers,
                                     .header_count = 1,
                                     .body_sha256_hex = SLICE(ABC_HASH),
                                     .s3_rules = row->rules == S3,
                                     .over_tls = row->rules == TLS };
    struct sigv4_signer signer = { .access_key_id = SLICE(LONG_ID),
                                   .secret = SLICE(LONG_SECRET),
                                   .region = SLICE("us-east-1"),
                                   .service = SLICE("s3"),
                                   .now_s = seconds_of(NOW_TEXT) };
    struct sigv4_header declared = { SLICE("x-amz-content-sha256"), slice_of(row->declared) };
    struct sigv4_signed out;

    if (row->header_signed)
        headers[request.header_count++] = declared;
    sigv4_sign(ctx, &request, &signer, &out);
    if (!row->header_signed && row->declared != NULL)
        headers[request.header_count++] = declared;
    headers[request.header_count++] = (struct sigv4_header){ SLICE("X-Amz-Date"), slice_of(out.date) };
    headers[request.header_count++] = (struct sigv4_header){ SLICE("authorization"), slice_of(out.authorization) };
    error *e = judge(ctx, &request, "s3", LONG_SECRET, signer.now_s, NULL);
    assert_string_equal(e == NULL ? "taken" : e->name, row->error == NULL ? "taken" : row->error);
}

static void s3_takes_the_path_as_it_is(void **state)
{
    static const struct canonical_form strict = { .name = NULL };
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = { .method = SLICE("GET"), .raw_path = SLICE("/b//a/../%2F/."), .s3_rules = true };
    slice text = canonical_request(ctx, &request, SLICE("h"), SLICE("hash"), &strict);
    assert_string_equal(slice_text(ctx, text), "GET\n/b//a/../%2F/.\n\nh:\n\nh\nhash");
}

/* A header that is signed but did not arrive, and more names than anybody signs. */
static void every_signed_header_must_exist(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_header headers[4] = { { SLICE("Host"), SLICE("h") }, { SLICE("X-Role"), SLICE("") } };
    struct sigv4_request request = { .method = SLICE("GET"),
                                     .raw_path = SLICE("/"),
                                     .headers = headers,
                                     .header_count = 2,
                                     .body_sha256_hex = SLICE(EMPTY_HASH) };
    struct sigv4_signer signer = { .access_key_id = SLICE(LONG_ID),
                                   .secret = SLICE(LONG_SECRET),
                                   .region = SLICE("us-east-1"),
                                   .service = SLICE("iot"),
                                   .now_s = seconds_of(NOW_TEXT) };
    struct sigv4_signed out;
    sigv4_sign(ctx, &request, &signer, &out);
    headers[2] = (struct sigv4_header){ SLICE("X-Amz-Date"), slice_of(out.date) };
    headers[3] = (struct sigv4_header){ SLICE("Authorization"), slice_of(out.authorization) };
    request.header_count = 4;
    assert_null(judge(ctx, &request, "iot", LONG_SECRET, signer.now_s, NULL));
    headers[1].name = SLICE("X-Rule");
    assert_true(error_is(judge(ctx, &request, "iot", LONG_SECRET, signer.now_s, NULL), "InvalidSignature"));
}

static const struct many {
    const char *name;
    int headers, parameters;
    bool taken;
} many[] = {
    { "64 signed headers", 64, 1, true },
    { "65 signed headers", 65, 1, false },
    { "512 parameters", 1, 512, true },
    { "513 parameters", 1, 513, false },
};

static void bounds_what_it_builds_from(void **state)
{
    const struct many *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char *names = text_copy(ctx, "host"), *query = text_copy(ctx, "a");
    for (int i = 1; i < row->headers; i++)
        names = text_format(ctx, "%s;h%d", names, i);
    for (int i = 1; i < row->parameters; i++)
        query = text_format(ctx, "%s&a", query);
    struct vector changed = vectors[V1];
    changed.query = query;
    changed.headers[3].value =
        text_format(ctx, "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=%s, Signature=00", names);
    struct sigv4_request request = request_of(ctx, &changed);
    struct sigv4_material *material;
    error *e = sigv4_parse(ctx, &request, &material);
    assert_int_equal(e == NULL, row->taken);
    assert_int_equal(error_is(e, "IncompleteSignature"), !row->taken);
}

static const struct key_id {
    const char *name, *id, *account;
} key_ids[] = {
    { "the long-term key of the vectors", LONG_ID, "123456789012" },
    { "the temporary key of the vectors", SHORT_ID, "123456789012" },
    { "an old id without an account", "AKIAIOSFODNN7EXAMPLE", "" },
    { "too short", "AKIARZPUZDIKAAQUGZM", "" },
    { "a foreign character", "AKIARZPUZDIKAAQUGZM1", "" },
    { "nothing", "", "" },
};

static void tells_the_account(void **state)
{
    const struct key_id *row = *state;
    char account[SIGV4_ACCOUNT_MAX] = "";
    bool told = sigv4_account_of(slice_of(row->id), account);
    assert_string_equal(account, row->account);
    assert_int_equal(told, row->account[0] != '\0');
}

static void new_ids_carry_their_account(void **state)
{
    static const char *const accounts[] = { "000000000000", "000000000001", "123456789012", "999999999999" };
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    for (size_t i = 0; i < 4 * 64; i++) {
        char account[SIGV4_ACCOUNT_MAX] = "";
        const char *id = sigv4_access_key_id(ctx, "AKIA", accounts[i % 4]);
        assert_int_equal(strlen(id), 20);
        assert_true(slice_starts(slice_of(id), "AKIA"));
        assert_int_equal(strspn(id + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 16);
        assert_true(sigv4_account_of(slice_of(id), account));
        assert_string_equal(account, accounts[i % 4]);
    }
    assert_string_not_equal(sigv4_access_key_id(ctx, "ASIA", accounts[1]),
                            sigv4_access_key_id(ctx, "ASIA", accounts[1]));
}

int main(void)
{
    static const struct {
        const char *name;
    } s3[] = { { "3.1.8" } }, exist[] = { { "3.1.5" } }, fresh[] = { { "3.2" } }, doubled[] = { { "3.1.4" } };
    return RUN_TABLES(TABLE(paths, canonical_of_path), TABLE(queries, canonical_of_query),
                      TABLE(values, canonical_of_header), TABLE(alternates, takes_the_alternate),
                      TABLE(hosts, takes_the_host), TABLE(payloads, judges_the_payload),
                      TABLE(s3, s3_takes_the_path_as_it_is), TABLE(exist, every_signed_header_must_exist),
                      TABLE(many, bounds_what_it_builds_from), TABLE(key_ids, tells_the_account),
                      TABLE(fresh, new_ids_carry_their_account), TABLE(doubled, another_name_is_not_the_path_as_sent));
}
