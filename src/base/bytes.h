/* bytes.h - slices, readers and writers.

   A slice points into memory that somebody else owns. A reader walks a slice from front to back and remembers when it
   was asked for more than is left: from then on it is empty and gives zeros, so every loop ends, and one reader_end
   tells. A writer grows up to a stated limit, and likewise remembers. Numbers are big-endian, as on the wire. */
#pragma once
#include "base/error.h"
#include "base/memory.h"
#include <stdint.h>

typedef struct slice {
    const char *at;
    size_t length;
} slice;

#define PRINT(s)       (int)(s).length, (s).at /* for "%.*s" */
#define SLICE(literal) ((slice){ "" literal, sizeof(literal) - 1 })

slice slice_of(const char *text); /* NULL gives an empty slice with at == NULL */
slice slice_bytes(const void *at, size_t length);
bool slice_equal(slice a, slice b);
bool slice_is(slice s, const char *text);
bool slice_is_nocase(slice s, const char *text); /* ASCII */
bool slice_starts(slice s, const char *prefix);
bool slice_ends(slice s, const char *suffix);
int slice_compare(slice a, slice b);      /* bytewise, as memcmp; the shorter first */
slice slice_from(slice s, size_t offset); /* the rest; empty when offset is past the end */
slice slice_trim(slice s);                /* blanks and tabs off both ends */
char *slice_text(void *ctx, slice s);     /* a NUL-terminated copy */
slice slice_copy(void *ctx, slice s);

/* Takes what stands before the next `mark` off *rest; the last piece is the whole rest. False when nothing is left,
   that is when rest->at is NULL; "a," has two pieces, the second one empty. */
bool slice_split(slice *rest, char mark, slice *piece);

bool text_is_utf8(slice s);       /* no over-long forms, no surrogates; U+0000 is allowed */
size_t text_utf8_length(slice s); /* code points; only for text that is UTF-8 */
size_t text_utf8_width(slice s);  /* bytes of the first character; 0 when empty or not UTF-8 */

typedef struct reader {
    slice left;
    bool ran_out;
} reader;

reader reader_of(slice s);
size_t reader_left(const reader *in);
uint8_t reader_u8(reader *in);
uint16_t reader_u16(reader *in);
uint32_t reader_u32(reader *in);
uint64_t reader_u64(reader *in);
slice reader_bytes(reader *in, size_t length);
slice reader_string(reader *in); /* a u16 length and that many bytes (MQTT 1.5.4) */
slice reader_rest(reader *in);
/* Fails with InvalidPayload: "SUBSCRIBE ends before its last field", "SUBSCRIBE has 3 bytes after its end". */
FALLIBLE reader_end(void *ctx, const reader *in, const char *what);

typedef struct writer {
    void *ctx; /* owns the bytes */
    char *at;
    size_t length;
    size_t room;
    size_t limit;
    bool overflowed; /* something did not fit; what was written before stays */
} writer;

writer writer_new(void *ctx, size_t limit);
void writer_u8(writer *out, uint8_t value);
void writer_u16(writer *out, uint16_t value);
void writer_u32(writer *out, uint32_t value);
void writer_u64(writer *out, uint64_t value);
void writer_bytes(writer *out, const void *bytes, size_t length);
void writer_slice(writer *out, slice s);
void writer_text(writer *out, const char *text);
void writer_string(writer *out, slice s); /* a u16 length and the bytes */
void writer_format(writer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
slice writer_slice_of(const writer *out);
char *writer_finish(writer *out); /* NUL-terminated; the NUL is not counted; NULL after an overflow */
