/* bytes_test.c - slices, UTF-8, readers and writers at their edges. */
#include "base/bytes.h"
#include "table.h"

static const struct utf8 {
    const char *name;
    slice text;
    bool valid;
    size_t length;
} utf8s[] = {
    { "nothing", SLICE(""), true, 0 },
    { "ASCII", SLICE("abc"), true, 3 },
    { "U+0000", SLICE("a\0b"), true, 3 },
    { "two bytes", SLICE("\xc3\xbc"), true, 1 },
    { "three bytes", SLICE("\xe2\x82\xac"), true, 1 },
    { "four bytes", SLICE("\xf0\x9f\x98\x80!"), true, 2 },
    { "U+10FFFF", SLICE("\xf4\x8f\xbf\xbf"), true, 1 },
    { "U+D7FF", SLICE("\xed\x9f\xbf"), true, 1 },
    { "past U+10FFFF", SLICE("\xf4\x90\x80\x80"), false, 0 },
    { "a surrogate", SLICE("\xed\xa0\x80"), false, 0 },
    { "an over-long slash", SLICE("\xc0\xaf"), false, 0 },
    { "an over-long euro in four", SLICE("\xf0\x82\x82\xac"), false, 0 },
    { "an over-long of three", SLICE("\xe0\x9f\xbf"), false, 0 },
    { "a byte that continues nothing", SLICE("a\x80"), false, 0 },
    { "two bytes, one missing", SLICE("\xc3"), false, 0 },
    { "four bytes, one missing", SLICE("\xf0\x9f\x98"), false, 0 },
    { "0xFF", SLICE("\xff"), false, 0 },
    { "0xC1", SLICE("\xc1\x80"), false, 0 },
};

static void is_utf8(void **state)
{
    const struct utf8 *row = *state;
    assert_int_equal(text_is_utf8(row->text), row->valid);
    if (row->valid)
        assert_int_equal(text_utf8_length(row->text), row->length);
}

static const struct split {
    const char *name, *text;
    const char *pieces[5];
} splits[] = {
    { "no mark", "abc", { "abc" } },
    { "two pieces", "a,b", { "a", "b" } },
    { "a mark at the end leaves an empty piece", "a,", { "a", "" } },
    { "a mark in front", ",a", { "", "a" } },
    { "only marks", ",,", { "", "", "" } },
    { "an empty text is one empty piece", "", { "" } },
    { "no text at all", NULL, { NULL } },
};

static void pieces(void **state)
{
    const struct split *row = *state;
    slice rest = slice_of(row->text), piece;
    size_t count = 0;
    for (; slice_split(&rest, ',', &piece); count++) {
        assert_non_null(row->pieces[count]);
        assert_true(slice_is(piece, row->pieces[count]));
    }
    assert_null(row->pieces[count]);
}

static const struct compare {
    const char *name;
    slice a, b;
    int order;
} compares[] = {
    { "equal", SLICE("ab"), SLICE("ab"), 0 },
    { "the shorter first", SLICE("a"), SLICE("ab"), -1 },
    { "bytes are unsigned", SLICE("\x7f"), SLICE("\x80"), -1 },
    { "nothing and nothing", { NULL, 0 }, SLICE(""), 0 },
    { "a later byte decides", SLICE("ac"), SLICE("abz"), 1 },
};

static void ordered(void **state)
{
    const struct compare *row = *state;
    int order = slice_compare(row->a, row->b);
    assert_int_equal((order > 0) - (order < 0), row->order);
    order = slice_compare(row->b, row->a);
    assert_int_equal((order > 0) - (order < 0), -row->order);
    assert_int_equal(slice_equal(row->a, row->b), row->order == 0);
}

static const struct {
    const char *name;
} asks[] = { { "starts, ends, trims, cuts" } };

static void asked(void **state)
{
    (void)state;
    slice s = SLICE(" \tPumps/p7 ");
    assert_true(slice_is(slice_trim(s), "Pumps/p7"));
    assert_true(slice_is(slice_trim(SLICE(" \t ")), ""));
    assert_true(slice_starts(SLICE("$aws/x"), "$aws/"));
    assert_false(slice_starts(SLICE("$aw"), "$aws/"));
    assert_true(slice_starts((slice){ NULL, 0 }, ""));
    assert_true(slice_ends(SLICE("a.json"), ".json"));
    assert_false(slice_ends(SLICE("json"), ".json"));
    assert_true(slice_is_nocase(SLICE("Content-TYPE"), "content-type"));
    assert_false(slice_is_nocase(SLICE("content-typ"), "content-type"));
    assert_false(slice_is_nocase(SLICE("\xc3"), "\xe3"));
    assert_true(slice_is(slice_from(SLICE("abc"), 1), "bc"));
    assert_int_equal(slice_from(SLICE("abc"), 9).length, 0);
    assert_null(slice_from((slice){ NULL, 0 }, 3).at);
}

static const struct read {
    const char *name;
    slice bytes;
    const char *message; /* NULL: it is whole */
} reads[] = {
    { "whole", SLICE("\1\0\2\0\0\0\3\0\0\0\0\0\0\0\4\0\2ab"), NULL },
    { "one byte after", SLICE("\1\0\2\0\0\0\3\0\0\0\0\0\0\0\4\0\2abc"), "PACKET has 1 byte after its end" },
    { "three bytes after", SLICE("\1\0\2\0\0\0\3\0\0\0\0\0\0\0\4\0\2abcde"), "PACKET has 3 bytes after its end" },
    { "nothing", SLICE(""), "PACKET ends before its last field" },
    { "a number cut", SLICE("\1\0\2\0\0"), "PACKET ends before its last field" },
    { "a string cut", SLICE("\1\0\2\0\0\0\3\0\0\0\0\0\0\0\4\0\2a"), "PACKET ends before its last field" },
    { "a string longer than all",
      SLICE("\1\0\2\0\0\0\3\0\0\0\0\0\0\0\4\xff\xff"
            "ab"),
      "PACKET ends before its last field" },
};

static void reads_packet(void **state)
{
    const struct read *row = *state;
    void *ctx = talloc_new(NULL);
    reader in = reader_of(slice_bytes(memory_copy(ctx, row->bytes.at, row->bytes.length), row->bytes.length));
    uint8_t one = reader_u8(&in);
    uint16_t two = reader_u16(&in);
    uint32_t three = reader_u32(&in);
    uint64_t four = reader_u64(&in);
    slice text = reader_string(&in);
    error *e = reader_end(ctx, &in, "PACKET");
    if (row->message != NULL) {
        assert_true(error_is(e, "InvalidPayload"));
        assert_string_equal(e->message, row->message);
    } else {
        assert_null(e);
        assert_true(one == 1 && two == 2 && three == 3 && four == 4 && slice_is(text, "ab"));
    }
    if (in.ran_out) { /* from then on it is empty */
        assert_int_equal(reader_left(&in), 0);
        assert_int_equal(reader_u8(&in), 0);
        assert_int_equal(reader_rest(&in).length, 0);
    }
    talloc_free(ctx);
}

static const struct write {
    const char *name;
    size_t limit;
    const char *text; /* NULL: overflow */
    size_t kept;
} writes[] = {
    { "room enough", 1000,
      "\1\1\2\1\2\3\4"
      "abc\0\2de7-x",
      0 },
    { "exactly enough", 17,
      "\1\1\2\1\2\3\4"
      "abc\0\2de7-x",
      0 },
    { "one byte short: the last piece is left out", 16, NULL, 14 },
    { "a string is written whole or not", 13, NULL, 10 },
    { "no room at all", 0, NULL, 0 },
};

static void writes_packet(void **state)
{
    const struct write *row = *state;
    void *ctx = talloc_new(NULL);
    writer out = writer_new(ctx, row->limit);
    writer_u8(&out, 1);
    writer_u16(&out, 0x0102);
    writer_u32(&out, 0x01020304);
    writer_text(&out, "abc");
    writer_string(&out, SLICE("de"));
    writer_format(&out, "%d-%s", 7, "x");
    char *text = writer_finish(&out);
    if (row->text != NULL) {
        assert_non_null(text);
        assert_false(out.overflowed);
        assert_int_equal(out.length, 17);
        assert_memory_equal(text, row->text, 18);
    } else {
        assert_null(text);
        assert_true(out.overflowed);
        assert_int_equal(writer_slice_of(&out).length, row->kept);
    }
    talloc_free(ctx);
}

static const struct {
    const char *name;
} oddities[] = { { "a string past 65535 bytes, an empty writer, a list that grows" } };

static void odd(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    writer out = writer_new(ctx, 1 << 20);
    writer_string(&out, slice_bytes(memory_zeroed(ctx, 1, 65536, "big"), 65536));
    assert_true(out.overflowed);
    writer empty = writer_new(ctx, 0);
    assert_string_equal(writer_finish(&empty), "");

    uint64_t *numbers = MAKE_ARRAY(ctx, uint64_t, 3); /* full: the next one has to move it */
    size_t count = 3;
    for (uint64_t i = 3; i < 1000; i++)
        *ARRAY_ADD(ctx, numbers, count) = i;
    assert_int_equal(count, 1000);
    for (uint64_t i = 3; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    assert_null(text_copy(ctx, NULL));
    assert_string_equal(slice_text(ctx, (slice){ NULL, 0 }), "");
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(utf8s, is_utf8), TABLE(splits, pieces), TABLE(compares, ordered), TABLE(asks, asked),
                      TABLE(reads, reads_packet), TABLE(writes, writes_packet), TABLE(oddities, odd));
}
