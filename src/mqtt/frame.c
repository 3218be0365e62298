/* frame.c - taking one packet off the front of what was received. */
#include "mqtt/frame.h"
#include "mqtt/wire.h"

enum { LONGEST_VARINT = 4 };

enum mqtt_frame_result mqtt_varint(slice bytes, struct mqtt_varint *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < bytes.length && i < LONGEST_VARINT; i++) {
        uint8_t byte = (uint8_t)bytes.at[i];
        value |= (uint32_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            *out = (struct mqtt_varint){ value, i + 1, i == 0 || byte != 0 };
            return MQTT_FRAME_WHOLE;
        }
    }
    return bytes.length < LONGEST_VARINT ? MQTT_FRAME_PARTIAL : MQTT_FRAME_BROKEN;
}

enum mqtt_frame_result mqtt_frame_take(slice bytes, size_t limit, int version, struct mqtt_frame *out)
{
    struct mqtt_varint remaining;
    *out = (struct mqtt_frame){ 0 };
    if (bytes.length < 2)
        return MQTT_FRAME_PARTIAL;
    enum mqtt_frame_result header = mqtt_varint(slice_from(bytes, 1), &remaining);
    if (header != MQTT_FRAME_WHOLE)
        return header;
    if (version == MQTT_5 && !remaining.minimal)
        return MQTT_FRAME_BROKEN; /* [MQTT-1.5.5-1] */

    out->first = (uint8_t)bytes.at[0];
    out->minimal = remaining.minimal;
    out->length = 1 + remaining.used + remaining.value;
    if (out->length > limit)
        return MQTT_FRAME_TOO_LARGE;
    if (bytes.length < out->length)
        return MQTT_FRAME_PARTIAL;
    out->body = slice_bytes(bytes.at + 1 + remaining.used, remaining.value);
    return MQTT_FRAME_WHOLE;
}
