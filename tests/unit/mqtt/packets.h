/* packets.h - packets written as hexadecimal, for the tests of this room.

   Blanks are skipped. '~' stands for the remaining length, which is computed from what follows it:
   "32 ~ 0001 61 0001" is "32 05 0001 61 0001". */
#pragma once
#include "mqtt/mqtt.h"
#include "table.h"
#include <ctype.h>
#include <stdio.h>

static inline slice bytes_of_digits(void *ctx, const char *hex)
{
    writer out = writer_new(ctx, SIZE_MAX / 2);
    for (unsigned byte; *hex != '\0' && *hex != '~'; hex += isspace((unsigned char)*hex) ? 1 : 2)
        if (!isspace((unsigned char)*hex)) {
            if (sscanf(hex, "%2x", &byte) != 1)
                abort();
            writer_u8(&out, (uint8_t)byte);
        }
    return writer_slice_of(&out);
}

/* In a piece of memory of exactly its length, so that a sanitizer sees a read past its end. */
static inline slice exactly(void *ctx, slice s)
{
    return slice_bytes(memory_copy(ctx, s.at, s.length), s.length);
}

static inline slice packet_of(void *ctx, const char *hex)
{
    const char *rest = strchr(hex, '~');
    slice front = bytes_of_digits(ctx, hex);
    if (rest == NULL)
        return exactly(ctx, front);
    slice body = bytes_of_digits(ctx, rest + 1);
    writer out = writer_new(ctx, SIZE_MAX / 2);
    writer_slice(&out, front);
    size_t length = body.length;
    for (; length > 0x7f; length >>= 7)
        writer_u8(&out, (uint8_t)(length | 0x80));
    writer_u8(&out, (uint8_t)length);
    writer_slice(&out, body);
    return exactly(ctx, writer_slice_of(&out));
}

static inline struct mqtt_frame frame_of(slice bytes)
{
    struct mqtt_frame frame;
    if (mqtt_frame_take(bytes, MQTT_LARGEST_PACKET, 0, &frame) != MQTT_FRAME_WHOLE)
        fail_msg("the bytes are not a whole packet");
    if (frame.length != bytes.length)
        fail_msg("the packet has %zu bytes of %zu", frame.length, bytes.length);
    return frame;
}

static inline void assert_slice(slice have, const char *want)
{
    if (!slice_is(have, want))
        fail_msg("\"%.*s\" is not \"%s\"", PRINT(have), want);
}

static inline void assert_bytes(slice have, slice want)
{
    if (slice_equal(have, want))
        return;
    for (size_t i = 0; i < have.length; i++)
        fprintf(stderr, "%02x", (uint8_t)have.at[i]);
    fprintf(stderr, " is not\n");
    for (size_t i = 0; i < want.length; i++)
        fprintf(stderr, "%02x", (uint8_t)want.at[i]);
    fprintf(stderr, "\n");
    fail_msg("the bytes differ");
}

/* Pseudorandom numbers that are the same in each run (xorshift64). */
static inline uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline unsigned below(uint64_t *state, unsigned bound)
{
    return (unsigned)(next_number(state) % bound);
}
