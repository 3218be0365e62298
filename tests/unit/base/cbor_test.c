/* cbor_test.c - the vectors of provisioning 3.3 both ways, and everything around them refused. */
#include "base/cbor.h"
#include "base/encode.h"
#include "table.h"

enum { DEPTH = 4 };

static const struct vector {
    const char *name;
    const char *text;
    const char *hex;
} vectors[] = {
    { "a RegisterThing request", "{\"certificateOwnershipToken\":\"T0k\",\"parameters\":{\"SerialNumber\":\"sn-7\"}}",
      "a2781963657274696669636174654f776e657273686970546f6b656e6354306b6a706172616d6574657273a16c53657269616c4e756d6265"
      "7264736e2d37" },
    { "a RegisterThing answer", "{\"deviceConfiguration\":{\"Url\":\"u\"},\"thingName\":\"dev-sn-7\"}",
      "a273646576696365436f6e66696775726174696f6ea16355726c6175697468696e674e616d65686465762d736e2d37" },
    { "an answer with an empty map", "{\"deviceConfiguration\":{},\"thingName\":\"dev-sn-7\"}",
      "a273646576696365436f6e66696775726174696f6ea0697468696e674e616d65686465762d736e2d37" },
    { "a CreateCertificateFromCsr answer",
      "{\"certificateId\":\"ab\",\"certificatePem\":\"P\",\"certificateOwnershipToken\":\"T\"}",
      "a36d636572746966696361746549646261626e636572746966696361746550656d6150781963657274696669636174654f776e6572736869"
      "70546f6b656e6154" },
    { "a rejection", "{\"statusCode\":403,\"errorCode\":\"AccessDenied\",\"errorMessage\":\"no\"}",
      "a36a737461747573436f6465190193696572726f72436f64656c41636365737344656e6965646c6572726f724d657373616765626e6f" },
    { "an empty map", "{}", "a0" },
    { "an empty array", "[]", "80" },
    { "null", "null", "f6" },
    { "false and true", "[false,true]", "82f4f5" },
    { "RFC 8949 A: 0", "0", "00" },
    { "RFC 8949 A: 23", "23", "17" },
    { "RFC 8949 A: 24", "24", "1818" },
    { "RFC 8949 A: 255", "255", "18ff" },
    { "RFC 8949 A: 1000", "1000", "1903e8" },
    { "RFC 8949 A: 1000000", "1000000", "1a000f4240" },
    { "RFC 8949 A: 1000000000000", "1000000000000", "1b000000e8d4a51000" },
    { "RFC 8949 A: the largest", "18446744073709551615", "1bffffffffffffffff" },
    { "RFC 8949 A: -1", "-1", "20" },
    { "RFC 8949 A: -100", "-100", "3863" },
    { "RFC 8949 A: -1000", "-1000", "3903e7" },
    { "the smallest", "-9223372036854775808", "3b7fffffffffffffff" },
    { "RFC 8949 A: a text of two bytes", "\"\xc3\xbc\"", "62c3bc" },
    { "a text with U+0000", "\"a\\u0000b\"", "63610062" },
    { "nesting as deep as allowed", "[[[[1]]]]", "8181818101" },
};

static slice unhex(void *ctx, const char *hex)
{
    slice bytes;
    assert_true(hex_decode(ctx, slice_of(hex), &bytes));
    /* In memory of its own size, so that AddressSanitizer sees a byte read too many. */
    return slice_bytes(memory_copy(ctx, bytes.at, bytes.length), bytes.length);
}

static void both_ways(void **state)
{
    const struct vector *row = *state;
    void *ctx = talloc_new(NULL);
    json *expected, *value;
    assert_null(json_parse(ctx, slice_of(row->text), 8, &expected));
    assert_string_equal(hex_encode(ctx, cbor_print(ctx, expected)), row->hex);
    assert_null(cbor_parse(ctx, unhex(ctx, row->hex), DEPTH, &value));
    assert_true(json_same(value, expected));
    assert_string_equal(json_print(ctx, value).at, row->text);
    talloc_free(ctx);
}

static void truncated(void **state)
{
    const struct vector *row = *state;
    void *ctx = talloc_new(NULL);
    slice whole = unhex(ctx, row->hex);
    for (size_t length = 0; length < whole.length; length++) {
        json *value;
        error *e = cbor_parse(ctx, slice_bytes(memory_copy(ctx, whole.at, length), length), DEPTH, &value);
        assert_true(error_is(e, "InvalidPayload"));
        assert_null(value);
    }
    talloc_free(ctx);
}

static void followed(void **state)
{
    const struct vector *row = *state;
    void *ctx = talloc_new(NULL);
    json *value;
    error *e = cbor_parse(ctx, unhex(ctx, text_format(ctx, "%s00", row->hex)), DEPTH, &value);
    assert_true(error_is(e, "InvalidPayload"));
    assert_null(value);
    talloc_free(ctx);
}

static const struct accepted {
    const char *name, *hex, *text;
} accepted[] = {
    { "indefinite map and text (provisioning 3.3)",
      "bf781963657274696669636174655369676e696e67526571756573747f6261626163ffff",
      "{\"certificateSigningRequest\":\"abc\"}" },
    { "an indefinite array", "9f0102ff", "[1,2]" },
    { "an empty indefinite map", "bfff", "{}" },
    { "an empty indefinite text", "7fff", "\"\"" },
    { "an indefinite key", "a17f6161ff01", "{\"a\":1}" },
    { "the self-describe tag", "d9d9f7a0", "{}" },
    { "a longer head than needed", "1b0000000000000001", "1" },
    { "a longer length than needed", "7a0000000161", "\"a\"" },
    { "a repeated key: the last one wins", "a2616101616102", "{\"a\":2}" },
};

static void accepts(void **state)
{
    const struct accepted *row = *state;
    void *ctx = talloc_new(NULL);
    json *value;
    assert_null(cbor_parse(ctx, unhex(ctx, row->hex), DEPTH, &value));
    assert_string_equal(json_print(ctx, value).at, row->text);
    talloc_free(ctx);
}

static const struct refused {
    const char *name, *hex;
    const char *reason; /* NULL: any */
} refused[] = {
    { "nothing", "", NULL },
    { "an array of 2^64-1", "9bffffffffffffffff", "a length beyond the payload" },
    { "a map of 2^64-1", "bbffffffffffffffff", "a length beyond the payload" },
    { "a map of 2^63", "bb8000000000000000", "a length beyond the payload" },
    { "a text of 2^64-1", "7bffffffffffffffff", "a length beyond the payload" },
    { "an array of a billion", "9a3b9aca0000", "a length beyond the payload" },
    { "a map of more pairs than half the bytes", "a3616101616102", NULL },
    { "nesting one deeper than allowed", "818181818101", NULL },
    { "maps one deeper than allowed", "a16161a16161a16161a16161a1616101", NULL },
    { "a byte string", "4161", NULL },
    { "an indefinite byte string", "5f4161ff", NULL },
    { "a byte string as a value", "a161614162", NULL },
    { "a byte string as a key", "a1416101", NULL },
    { "a number as a key", "a10101", NULL },
    { "null as a key", "a1f601", NULL },
    { "a key with U+0000",
      "a163610062"
      "01",
      NULL },
    { "a half float", "f93c00", NULL },
    { "a float", "fa47c35000", NULL },
    { "a double", "fb3ff199999999999a", NULL },
    { "undefined", "f7", NULL },
    { "a simple value", "f0", NULL },
    { "a simple value in two bytes", "f818", NULL },
    { "another tag", "c11a514b67b0", NULL },
    { "the self-describe tag twice", "d9d9f7d9d9f7a0", NULL },
    { "the self-describe tag inside", "81d9d9f7a0", NULL },
    { "the self-describe tag alone", "d9d9f7", NULL },
    { "a stray break", "ff", NULL },
    { "a break in a definite array", "81ff", NULL },
    { "a break in place of a value", "bf6161ff", NULL },
    { "an indefinite map without end", "bf616101", NULL },
    { "an indefinite text without end", "7f6161", NULL },
    { "an indefinite text inside one", "7f7f6161ffff", NULL },
    { "a byte string inside a text", "7f4161ff", NULL },
    { "an integer inside a text", "7f01ff", NULL },
    { "an indefinite integer", "1f", NULL },
    { "an indefinite negative", "3f", NULL },
    { "an indefinite tag", "dfa0", NULL },
    { "reserved length 28", "1c", NULL },
    { "reserved length 29", "7d", NULL },
    { "reserved length 30", "9e", NULL },
    { "below the smallest integer", "3b8000000000000000", NULL },
    { "text that is not UTF-8", "61ff", NULL },
    { "a character cut between two pieces", "7f61c361bcff", NULL },
    { "an encoded surrogate", "63eda080", NULL },
};

static void refuses(void **state)
{
    const struct refused *row = *state;
    void *ctx = talloc_new(NULL);
    json *value;
    error *e = cbor_parse(ctx, unhex(ctx, row->hex), DEPTH, &value);
    assert_true(error_is(e, "InvalidPayload"));
    assert_true(slice_starts(slice_of(e->message), "Not valid CBOR at byte "));
    if (row->reason != NULL)
        assert_non_null(strstr(e->message, row->reason));
    assert_null(value);
    talloc_free(ctx);
}

static const struct flood {
    const char *name;
    uint8_t first, each;
} floods[] = {
    { "128 KB of empty maps", 0x9F, 0xA0 },
    { "128 KB of empty arrays", 0x9F, 0x80 },
    { "128 KB of open arrays", 0x9F, 0x9F },
};

static void bounded(void **state)
{
    const struct flood *row = *state;
    void *ctx = talloc_new(NULL);
    writer bytes = writer_new(ctx, 128 * 1024);
    writer_u8(&bytes, row->first);
    while (bytes.length < bytes.limit - 1)
        writer_u8(&bytes, row->each);
    writer_u8(&bytes, 0xFF);
    json *value;
    assert_non_null(cbor_parse(ctx, writer_slice_of(&bytes), DEPTH, &value));
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(vectors, both_ways), TABLE(vectors, truncated), TABLE(vectors, followed),
                      TABLE(accepted, accepts), TABLE(refused, refuses), TABLE(floods, bounded));
}
