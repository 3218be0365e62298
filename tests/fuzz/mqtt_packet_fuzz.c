/* mqtt_packet_fuzz.c - what decodes, encodes, and decodes to an equal packet, whatever the version.

   Equal is what has equal bytes: encoding forgets only what means nothing, such as the order of properties. So the
   second round must give the first round's bytes, and no list may have lost an element on the way. */
#include "mqtt/mqtt.h"

#define MUST(fact)            \
    do {                      \
        if (!(fact))          \
            __builtin_trap(); \
    } while (0)

static size_t elements(const struct mqtt_packet *p)
{
    size_t count = p->properties.user_count + p->properties.subscription_id_count;
    count += (size_t)__builtin_popcountll(p->properties.present);
    if (p->type == MQTT_SUBSCRIBE)
        count += p->subscribe.count;
    if (p->type == MQTT_UNSUBSCRIBE)
        count += p->unsubscribe.count;
    if (p->type == MQTT_CONNECT && p->connect.will != NULL)
        count += p->connect.will->properties.user_count;
    return count;
}

static void round_trip(void *ctx, int version, const struct mqtt_frame *frame)
{
    struct mqtt_packet packet, again;
    struct mqtt_frame whole;
    if (mqtt_decode(ctx, version, frame, &packet) != NULL)
        return;
    slice written = mqtt_encode(ctx, packet.version, &packet);
    MUST(written.length > 0 && written.length == mqtt_size(packet.version, &packet));
    MUST(written.length <= frame->length + 1); /* DISCONNECT may gain its empty properties */
    MUST(mqtt_frame_take(written, SIZE_MAX, MQTT_5, &whole) == MQTT_FRAME_WHOLE && whole.length == written.length);
    MUST(mqtt_decode(ctx, packet.version, &whole, &again) == NULL);
    MUST(again.version == packet.version && again.id == packet.id && again.reason == packet.reason);
    MUST(elements(&again) == elements(&packet));
    MUST(slice_equal(mqtt_encode(ctx, again.version, &again), written));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int versions[] = { MQTT_3_1, MQTT_3_1_1, MQTT_5 };
    SCRATCH ctx = talloc_new(NULL);
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct mqtt_frame frame;
        slice rest = slice_bytes(data, size);
        while (mqtt_frame_take(rest, 1 << 20, versions[i], &frame) == MQTT_FRAME_WHOLE) {
            round_trip(ctx, versions[i], &frame);
            rest = slice_from(rest, frame.length);
        }
    }
    return 0;
}
