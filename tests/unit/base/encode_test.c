/* encode_test.c - vectors of RFC 4648, and what an encoder would not write. */
#include "base/encode.h"
#include "table.h"

typedef bool decoder(void *ctx, slice text, slice *out);
typedef char *encoder(void *ctx, slice bytes);

static const struct row {
    const char *name;
    encoder *encode; /* NULL: decoding only */
    decoder *decode;
    slice text;
    slice bytes; /* at NULL: refused */
} rows[] = {
    { "RFC 4648: empty", base64_encode, base64_decode, SLICE(""), SLICE("") },
    { "RFC 4648: f", base64_encode, base64_decode, SLICE("Zg=="), SLICE("f") },
    { "RFC 4648: fo", base64_encode, base64_decode, SLICE("Zm8="), SLICE("fo") },
    { "RFC 4648: foo", base64_encode, base64_decode, SLICE("Zm9v"), SLICE("foo") },
    { "RFC 4648: foob", base64_encode, base64_decode, SLICE("Zm9vYg=="), SLICE("foob") },
    { "RFC 4648: fooba", base64_encode, base64_decode, SLICE("Zm9vYmE="), SLICE("fooba") },
    { "RFC 4648: foobar", base64_encode, base64_decode, SLICE("Zm9vYmFy"), SLICE("foobar") },
    { "the last two digits", base64_encode, base64_decode, SLICE("+/+/"), SLICE("\xfb\xff\xbf") },
    { "the last two digits for URLs", base64url_encode, base64url_decode, SLICE("-_-_"), SLICE("\xfb\xff\xbf") },
    { "no padding for URLs", base64url_encode, base64url_decode, SLICE("Zg"), SLICE("f") },
    { "two letters for URLs", base64url_encode, base64url_decode, SLICE("Zm8"), SLICE("fo") },
    { "padding for URLs", NULL, base64url_decode, SLICE("Zg=="), { NULL, 0 } },
    { "no padding", NULL, base64_decode, SLICE("Zg"), { NULL, 0 } },
    { "one digit", NULL, base64_decode, SLICE("Z"), { NULL, 0 } },
    { "five digits for URLs", NULL, base64url_decode, SLICE("Zm9vY"), { NULL, 0 } },
    { "pad bits that are not zero", NULL, base64_decode, SLICE("Zh=="), { NULL, 0 } },
    { "pad bits of two digits", NULL, base64_decode, SLICE("Zm9="), { NULL, 0 } },
    { "three pads", NULL, base64_decode, SLICE("Z==="), { NULL, 0 } },
    { "a pad in the middle", NULL, base64_decode, SLICE("Zg==Zg=="), { NULL, 0 } },
    { "only pads", NULL, base64_decode, SLICE("===="), { NULL, 0 } },
    { "a line break", NULL, base64_decode, SLICE("Zm9v\n"), { NULL, 0 } },
    { "a digit of the other alphabet", NULL, base64_decode, SLICE("-_-_"), { NULL, 0 } },
    { "a NUL", NULL, base64_decode, SLICE("Zm9\0"), { NULL, 0 } },
    { "hexadecimal", hex_encode, hex_decode, SLICE("00ff10ab"), SLICE("\0\xff\x10\xab") },
    { "nothing in hexadecimal", hex_encode, hex_decode, SLICE(""), SLICE("") },
    { "upper case", NULL, hex_decode, SLICE("aBCd"), SLICE("\xab\xcd") },
    { "an odd length", NULL, hex_decode, SLICE("abc"), { NULL, 0 } },
    { "a foreign digit", NULL, hex_decode, SLICE("0g"), { NULL, 0 } },
    { "a blank", NULL, hex_decode, SLICE("0 "), { NULL, 0 } },
    { "percent", NULL, percent_decode, SLICE("a%2Fb%2f+%00"), SLICE("a/b/+\0") },
    { "percent without digits", NULL, percent_decode, SLICE("a%"), { NULL, 0 } },
    { "percent with one digit", NULL, percent_decode, SLICE("a%2"), { NULL, 0 } },
    { "percent with a foreign digit", NULL, percent_decode, SLICE("%2x"), { NULL, 0 } },
};

static void both_ways(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    slice out;
    assert_int_equal(row->decode(ctx, row->text, &out), row->bytes.at != NULL);
    if (row->bytes.at != NULL)
        assert_true(slice_equal(out, row->bytes));
    if (row->encode != NULL)
        assert_string_equal(row->encode(ctx, row->bytes), slice_text(ctx, row->text));
    talloc_free(ctx);
}

static const struct percent {
    const char *name, *kept;
    slice bytes;
    const char *text;
} percents[] = {
    { "unreserved stay", "", SLICE("AZaz09-._~"), "AZaz09-._~" },
    { "a slash goes", "", SLICE("a/b c+"), "a%2Fb%20c%2B" },
    { "a slash is kept", "/", SLICE("a/b c"), "a/b%20c" },
    { "upper-case digits, UTF-8, NUL", "", SLICE("\xc3\xbc\0"), "%C3%BC%00" },
    { "a percent sign", "", SLICE("%2F"), "%252F" },
};

static void percent(void **state)
{
    const struct percent *row = *state;
    void *ctx = talloc_new(NULL);
    writer out = writer_new(ctx, 1000);
    percent_encode(&out, row->bytes, row->kept);
    assert_string_equal(writer_finish(&out), row->text);
    slice back;
    assert_true(percent_decode(ctx, writer_slice_of(&out), &back));
    assert_true(slice_equal(back, row->bytes));
    talloc_free(ctx);
}

static const struct digits {
    const char *name, *text;
    size_t length;
    bool is;
} digits[] = {
    { "as many", "0aF9", 4, true },
    { "fewer", "0aF", 4, false },
    { "more", "0aF91", 4, false },
    { "foreign", "0aFg", 4, false },
};

static void is_hex(void **state)
{
    const struct digits *row = *state;
    assert_int_equal(hex_is(slice_of(row->text), row->length), row->is);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, both_ways), TABLE(percents, percent), TABLE(digits, is_hex));
}
