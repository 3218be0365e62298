/* der.c - elements of DER: a tag, a length, a content. */
#include "pki/internal.h"

enum { LONG_FORM = 0x80, LENGTH_OCTETS_MAX = 3, ELEMENT_MAX = 1 << 20 };

/* The indefinite form and lengths past 16 MB have no place in what we read: they count as running out. */
static size_t read_length(reader *in)
{
    size_t length = reader_u8(in);
    if (length < LONG_FORM)
        return length;
    size_t octets = length - LONG_FORM;
    if (octets == 0 || octets > LENGTH_OCTETS_MAX)
        in->ran_out = true;
    for (length = 0; octets > 0 && !in->ran_out; octets--)
        length = length << 8 | reader_u8(in);
    return length;
}

bool der_take(reader *in, uint8_t tag, slice *content, slice *whole)
{
    const char *start = in->left.at;
    if (reader_left(in) == 0 || (uint8_t)*start != tag)
        return false;
    reader_u8(in);
    *content = reader_bytes(in, read_length(in));
    if (in->ran_out)
        return false;
    if (whole != NULL)
        *whole = slice_bytes(start, (size_t)(content->at - start) + content->length);
    return true;
}

static void write_length(writer *out, size_t length)
{
    if (length < LONG_FORM) {
        writer_u8(out, (uint8_t)length);
    } else if (length < 0x100) {
        writer_u8(out, LONG_FORM | 1);
        writer_u8(out, (uint8_t)length);
    } else if (length < 0x10000) {
        writer_u8(out, LONG_FORM | 2);
        writer_u16(out, (uint16_t)length);
    } else {
        writer_u8(out, LONG_FORM | 3);
        writer_u8(out, (uint8_t)(length >> 16));
        writer_u16(out, (uint16_t)length);
    }
}

slice der_wrap(void *ctx, uint8_t tag, const slice *parts, size_t count)
{
    size_t length = 0;
    writer out = writer_new(ctx, ELEMENT_MAX);
    for (size_t i = 0; i < count; i++)
        length += parts[i].length;
    writer_u8(&out, tag);
    write_length(&out, length);
    for (size_t i = 0; i < count; i++)
        writer_slice(&out, parts[i]);
    return writer_slice_of(&out);
}
