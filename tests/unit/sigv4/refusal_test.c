/* refusal_test.c - which request is refused with which words (auth.md 4.1 rows 1, 2, 5 to 8), and the edges of the
   time window (3.1.6). */
#include "vectors.h"
#include "table.h"

#define GOOD_V1                             "cbb8bc9bce79b5e344fce7a191df40011e0d0841d3ec2bdae1c8b96a857752af"
#define V1_SCOPE(day, region, service, end) LONG_ID "/" day "/" region "/" service "/" end
#define V1_WITH(credential) \
    "AWS4-HMAC-SHA256 Credential=" credential ", SignedHeaders=content-type;host;x-amz-date, Signature=" GOOD_V1
#define INCOMPLETE "IncompleteSignature"
#define INVALID    "InvalidSignature"
#define NO_DATE    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."

/* V1 with another Authorization, date or query; NULL leaves the header out, KEEP leaves it as it is. */
#define KEEP "keep"
static const struct headers {
    const char *name;
    const char *authorization, *date, *query;
    const char *error, *message;
} headers[] = {
    { "row 1: nothing", NULL, NULL, "", "MissingAuthenticationToken", "Missing Authentication Token" },
    { "row 1: a date alone", NULL, KEEP, "a=1", "MissingAuthenticationToken", "Missing Authentication Token" },
    { "row 1: another scheme", "Bearer abc", KEEP, "", "MissingAuthenticationToken", "Missing Authentication Token" },
    { "row 2: nothing but the algorithm", "AWS4-HMAC-SHA256", NULL, "", INCOMPLETE,
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
      "Authorization header requires 'SignedHeaders' parameter. " NO_DATE },
    { "row 2: no credential", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=" GOOD_V1, KEEP, "", INCOMPLETE,
      "Authorization header requires 'Credential' parameter." },
    { "row 2: an empty signature", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=", KEEP, "",
      INCOMPLETE, "Authorization header requires 'Signature' parameter." },
    { "row 2: no date", KEEP, NULL, "", INCOMPLETE, NO_DATE },
    { "row 2: SigV4A", "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=ab", KEEP, "",
      INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'." },
    { "row 2: signature version 2", "AWS AKIA:c2ln", KEEP, "", INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS'." },
    { "row 2: a part without an equal sign", "AWS4-HMAC-SHA256 Credential", KEEP, "", INCOMPLETE,
      "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header." },
    { "row 2: a part given twice", V1_WITH("a/b/c/d/e") ", Signature=00", KEEP, "", INCOMPLETE,
      "'Signature' is given twice." },
    { "row 2: a credential of four parts", V1_WITH("a/b/c/d"), KEEP, "", INCOMPLETE,
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'" },
    { "row 2: a credential of six parts", V1_WITH("a/b/c/d/e/f"), KEEP, "", INCOMPLETE,
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
      "got 'a/b/c/d/e/f'" },
    { "row 2: a date in the extended form", KEEP, "2026-01-15T08:30:00Z", "", INCOMPLETE,
      "Date must be in ISO-8601 'basic format'. Got '2026-01-15T08:30:00Z'. "
      "See http://en.wikipedia.org/wiki/ISO_8601" },
    { "row 2: a day that is none", KEEP, "20260231T083000Z", "", INCOMPLETE,
      "Date must be in ISO-8601 'basic format'. Got '20260231T083000Z'. "
      "See http://en.wikipedia.org/wiki/ISO_8601" },
    { "row 2: signed in both places", KEEP, KEEP, "X-Amz-Signature=00", INCOMPLETE,
      "The request is signed both in its Authorization header and in its query; use one of them." },
    { "row 2: a query without the rest", NULL, NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=" NOW_TEXT,
      INCOMPLETE,
      "AWS query-string parameters must include 'X-Amz-Credential'. "
      "AWS query-string parameters must include 'X-Amz-Signature'. "
      "AWS query-string parameters must include 'X-Amz-SignedHeaders'." },
    { "row 2: another algorithm in the query", NULL, NULL, "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", INCOMPLETE,
      "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'." },
    { "row 2: a query parameter given twice", NULL, NULL, "X-Amz-Signature=00&X-Amz-Signature=01", INCOMPLETE,
      "'X-Amz-Signature' is given twice." },
    { "row 2: the second one in disguise", NULL, NULL, "X-Amz-Signature=00&X%2DAmz-Signature=01", INCOMPLETE,
      "'X-Amz-Signature' is given twice." },
    { "row 2: a query value with a broken encoding", NULL, NULL,
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=%zz&X-Amz-SignedHeaders=host&"
      "X-Amz-Signature=0",
      INCOMPLETE, "Date must be in ISO-8601 'basic format'. Got '%zz'. See http://en.wikipedia.org/wiki/ISO_8601" },
    { "row 2: RFC 1123 is for headers only", NULL, NULL,
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=Thu,%2015%20Jan%202026%2008:30:00%20GMT&"
      "X-Amz-SignedHeaders=host&X-Amz-Signature=0",
      INCOMPLETE,
      "Date must be in ISO-8601 'basic format'. Got 'Thu, 15 Jan 2026 08:30:00 GMT'. "
      "See http://en.wikipedia.org/wiki/ISO_8601" },
    { "row 2: bytes of a stranger do not reach the message", V1_WITH("a\x01\xff/b"), KEEP, "", INCOMPLETE,
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a\?\?/b'" },
    { "row 5: another day", V1_WITH(V1_SCOPE("20260114", "eu-central-1", "iot", "aws4_request")), KEEP, "", INVALID,
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260114' != "
      "'20260115', from '20260115T083000Z'." },
    { "row 6: another region", V1_WITH(V1_SCOPE("20260115", "eu-west-9", "iot", "aws4_request")), KEEP, "", INVALID,
      "Credential should be scoped to a valid region." },
    { "row 6: another service", V1_WITH(V1_SCOPE("20260115", "eu-central-1", "IoT", "aws4_request")), KEEP, "", INVALID,
      "Credential should be scoped to correct service: 'iot'." },
    { "row 6: another terminator", V1_WITH(V1_SCOPE("20260115", "eu-central-1", "iot", "aws4_Request")), KEEP, "",
      INVALID, "Credential should be scoped with a valid terminator: 'aws4_request'." },
    { "row 5 comes before row 6", V1_WITH(V1_SCOPE("2026", "x", "x", "x")), KEEP, "", INVALID,
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '2026' != "
      "'20260115', from '20260115T083000Z'." },
    { "host has to be signed",
      "AWS4-HMAC-SHA256 Credential=" V1_SCOPE("20260115", "eu-central-1", "iot",
                                              "aws4_request") ", SignedHeaders=x-amz-date, Signature=" GOOD_V1,
      KEEP, "", INVALID, "'Host' must be a 'SignedHeader' in the AWS Authorization." },
};

static void has_the_words(void **state)
{
    const struct headers *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct vector changed = vectors[V1];
    changed.query = row->query;
    const char *const values[] = { row->date, row->authorization };
    for (int i = 0; i < 2; i++)
        if (values[i] == NULL || strcmp(values[i], KEEP) != 0)
            changed.headers[2 + i].value = values[i];
    if (row->date == NULL)
        changed.headers[2].name = "X-Unrelated";
    if (row->authorization == NULL)
        changed.headers[3].name = "X-Other";

    struct sigv4_request request = request_of(ctx, &changed);
    error *e = judge(ctx, &request, "iot", LONG_SECRET, seconds_of(NOW_TEXT), NULL);
    assert_non_null(e);
    assert_string_equal(e->message, row->message);
    assert_string_equal(e->name, row->error);
}

static const struct moment {
    const char *name;
    int vector;
    const char *now;
    const char *message; /* NULL: it is taken */
} moments[] = {
    { "iot is taken 5 minutes late", V1, "20260115T083500Z", NULL },
    { "row 7: iot 6 minutes late", V1, "20260115T083600Z",
      "Signature expired: 20260115T083000Z is now earlier than 20260115T083100Z (20260115T083600Z - 5 min.)" },
    { "row 7: iot a second too late", V1, "20260115T083501Z",
      "Signature expired: 20260115T083000Z is now earlier than 20260115T083001Z (20260115T083501Z - 5 min.)" },
    { "iot is taken 5 minutes early", V1, "20260115T082500Z", NULL },
    { "row 7: iot a second too early", V1, "20260115T082459Z",
      "Signature not yet current: 20260115T083000Z is still later than 20260115T082959Z (20260115T082459Z + 5 min.)" },
    { "sts is taken 15 minutes late", V4, "20260115T084500Z", NULL },
    { "row 7: sts a second too late", V4, "20260115T084501Z",
      "Signature expired: 20260115T083000Z is now earlier than 20260115T083001Z (20260115T084501Z - 15 min.)" },
    { "sts is taken 15 minutes early", V4, "20260115T081500Z", NULL },
    { "row 7: sts a second too early", V4, "20260115T081459Z",
      "Signature not yet current: 20260115T083000Z is still later than 20260115T082959Z (20260115T081459Z + 15 min.)" },
    { "X-Amz-Expires=900 is longer than the window", V3, "20260115T084500Z", NULL },
    { "row 7: X-Amz-Expires=900 a second too late", V3, "20260115T084501Z",
      "Signature expired: 20260115T083000Z is now earlier than 20260115T083001Z (20260115T084501Z - 15 min.)" },
    { "X-Amz-Expires does not widen the other side", V3, "20260115T082459Z",
      "Signature not yet current: 20260115T083000Z is still later than 20260115T082959Z (20260115T082459Z + 5 min.)" },
    { "X-Amz-Expires=60 is shorter than the window", V5, "20260115T083100Z", NULL },
    { "row 7: X-Amz-Expires=60 a second too late", V5, "20260115T083101Z",
      "Signature expired: 20260115T083000Z is now earlier than 20260115T083001Z (20260115T083101Z - 1 min.)" },
    { "without X-Amz-Expires the window holds", V3B, "20260115T083500Z", NULL },
    { "row 7: without X-Amz-Expires a second too late", V3B, "20260115T083501Z",
      "Signature expired: 20260115T083000Z is now earlier than 20260115T083001Z (20260115T083501Z - 5 min.)" },
};

static void keeps_the_window(void **state)
{
    const struct moment *row = *state;
    const struct vector *vector = &vectors[row->vector];
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, vector);
    error *e = judge(ctx, &request, vector->service, vector->secret, seconds_of(row->now), NULL);
    if (row->message == NULL) {
        assert_null(e);
        return;
    }
    assert_non_null(e);
    assert_string_equal(e->name, INVALID);
    assert_string_equal(e->message, row->message);
}

static const struct expires {
    const char *name;
    const char *text;
    int64_t seconds; /* 0: refused */
} expiries[] = {
    { "one second", "1", 1 },   { "a week", "604800", 604800 },
    { "none", "0", 0 },         { "a second past a week", "604801", 0 },
    { "negative", "-1", 0 },    { "empty", "", 0 },
    { "a fraction", "1.5", 0 }, { "very many digits", "00000000000000000000000000000000000001", 0 },
};

static void bounds_the_life(void **state)
{
    const struct expires *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct vector changed = vectors[V3B];
    changed.query = text_format(ctx, "%s&X-Amz-Expires=%s", changed.query, row->text);
    struct sigv4_request request = request_of(ctx, &changed);
    struct sigv4_material *material;
    error *e = sigv4_parse(ctx, &request, &material);
    assert_int_equal(e == NULL ? material->expires_s : 0, row->seconds);
    assert_int_equal(error_is(e, INCOMPLETE), row->seconds == 0);
}

static void shows_the_canonical_string(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    struct sigv4_request request = request_of(ctx, &vectors[V1]);
    error *e = judge(ctx, &request, "iot", SHORT_SECRET, seconds_of(NOW_TEXT), NULL);
    assert_non_null(e);
    assert_string_equal(
        e->message,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.\n\n"
        "The Canonical String for this request should have been\n"
        "'POST\n/things/pump-07\n\ncontent-type:application/json\nhost:iot.eu-central-1.muster.test\n"
        "x-amz-date:20260115T083000Z\n\ncontent-type;host;x-amz-date\n"
        "c8823e60ed63976d60ce34b935be5b7e9bf337229bb3cbc0cd2f52852f0ed09a'\n\n"
        "The String-to-Sign should have been\n"
        "'AWS4-HMAC-SHA256\n20260115T083000Z\n20260115/eu-central-1/iot/aws4_request\n"
        "9e219d8581cda89db2f0688c934b4e93d506077932a970ba2268756a8053286f'\n");
}

static void the_query_protocols_say_it_their_way(void **state)
{
    (void)state;
    SCRATCH ctx = talloc_new(NULL);
    assert_string_equal(sigv4_missing(ctx, SIGV4_QUERY)->message, "Request is missing Authentication Token");
}

/* V1's time in the Date header, in both forms. */
static const struct dated {
    const char *name;
    const char *date;
    bool taken;
} dated[] = {
    { "RFC 1123", "Thu, 15 Jan 2026 08:30:00 GMT", true },
    { "basic ISO", NOW_TEXT, true },
    { "another zone", "Thu, 15 Jan 2026 08:30:00 CET", false },
    { "a month that is none", "Thu, 15 Jam 2026 08:30:00 GMT", false },
    { "a day that is none", "Thu, 32 Jan 2026 08:30:00 GMT", false },
    { "RFC 850", "Thursday, 15-Jan-26 08:30:00 GMT", false },
};

static void reads_the_date_header(void **state)
{
    const struct dated *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct vector changed = vectors[V1];
    changed.headers[2].name = "Date";
    changed.headers[2].value = row->date;
    struct sigv4_request request = request_of(ctx, &changed);
    struct sigv4_material *material = NULL;
    error *e = sigv4_parse(ctx, &request, &material);
    assert_int_equal(e == NULL, row->taken);
    if (row->taken) {
        assert_string_equal(material->time_text, NOW_TEXT);
        assert_int_equal(material->time_s, seconds_of(NOW_TEXT));
    }
}

int main(void)
{
    static const struct {
        const char *name;
    } row8[] = { { "row 8" } }, query[] = { { "row 1: IAM and STS" } };
    return RUN_TABLES(TABLE(headers, has_the_words), TABLE(moments, keeps_the_window), TABLE(expiries, bounds_the_life),
                      TABLE(row8, shows_the_canonical_string), TABLE(query, the_query_protocols_say_it_their_way),
                      TABLE(dated, reads_the_date_header));
}
