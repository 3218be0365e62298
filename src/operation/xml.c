/* xml.c - answers of the query protocol (auth 3.2): the output's shape as elements, in the model's order. */
#include "operation/door.h"
#include "base/clock.h"

enum { ANSWER_LIMIT = 16 << 20 };

static const struct {
    char character;
    const char *written;
} escapes[] = { { '&', "&amp;" },  { '<', "&lt;" },    { '>', "&gt;" },
                { '"', "&quot;" }, { '\'', "&apos;" }, { '\r', "&#13;" } };

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML. */
static bool is_no_character(slice text, size_t at)
{
    return at + 2 < text.length && memcmp(text.at + at, "\xEF\xBF", 2) == 0 && (unsigned char)text.at[at + 2] >= 0xBE;
}

static void write_escaped(writer *out, slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        const char *written = NULL;
        if (is_no_character(text, i)) {
            writer_text(out, "\xEF\xBF\xBD");
            i += 2;
            continue;
        }
        for (size_t k = 0; k < sizeof(escapes) / sizeof(escapes[0]); k++)
            if (text.at[i] == escapes[k].character)
                written = escapes[k].written;
        /* XML 1.0 has no way to say other control characters. */
        if ((unsigned char)text.at[i] < 0x20 && text.at[i] != '\n' && text.at[i] != '\t' && text.at[i] != '\r')
            written = "\xEF\xBF\xBD";
        if (written != NULL)
            writer_text(out, written);
        else
            writer_u8(out, (uint8_t)text.at[i]);
    }
}

static void write_value(writer *out, const struct shape *shape, json *value);

static void write_element(writer *out, const char *name, const struct shape *shape, json *value)
{
    writer_format(out, "<%s>", name);
    write_value(out, shape, value);
    writer_format(out, "</%s>", name);
}

static void write_members(writer *out, const struct shape *shape, const json *value)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        json *member = json_get(value, shape->members[i].name);
        if (member != NULL)
            write_element(out, shape->members[i].wire, shape->members[i].shape, member);
    }
}

static void write_map(writer *out, const struct shape *shape, json *value)
{
    json_object_object_foreach (value, key, element) {
        writer_text(out, "<entry><key>");
        write_escaped(out, slice_of(key));
        writer_text(out, "</key>");
        write_element(out, "value", shape->element, element);
        writer_text(out, "</entry>");
    }
}

static void write_value(writer *out, const struct shape *shape, json *value)
{
    if (shape->type == SHAPE_STRUCTURE) {
        write_members(out, shape, value);
    } else if (shape->type == SHAPE_LIST && json_is_array(value)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            write_element(out, "member", shape->element, json_object_array_get_idx(value, i));
    } else if (shape->type == SHAPE_MAP && json_is_object(value)) {
        write_map(out, shape, value);
    } else if (shape->type == SHAPE_TIMESTAMP && json_is_number(value)) {
        char text[CLOCK_TEXT_MAX];
        clock_iso8601((int64_t)(json_object_get_double(value) * 1000 + 0.5), text);
        writer_text(out, text);
    } else if (json_is_text(value)) {
        write_escaped(out, json_text(value));
    } else {
        writer_text(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
    }
}

slice xml_answer(void *ctx, const struct model_operation *operation, const json *output, const char *request_id)
{
    writer out = writer_new(ctx, ANSWER_LIMIT);
    writer_format(&out, "<%sResponse xmlns=\"%s\">", operation->name, operation->model->xml_namespace);
    if (operation->output != NULL && operation->result_wrapper != NULL) {
        writer_format(&out, "<%s>", operation->result_wrapper);
        write_members(&out, operation->output, output);
        writer_format(&out, "</%s>", operation->result_wrapper);
    }
    writer_format(&out, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", request_id,
                  operation->name);
    return writer_slice_of(&out);
}

slice xml_error(void *ctx, const struct model *model, const struct public_error *shown, const error *e,
                const char *request_id)
{
    writer out = writer_new(ctx, ANSWER_LIMIT);
    writer_format(&out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type><Code>%s</Code><Message>",
                  model->xml_namespace, shown->status >= 500 ? "Receiver" : "Sender", shown->name);
    write_escaped(&out, slice_of(e->message));
    writer_text(&out, "</Message>");
    for (const struct error_member *member = e->members; member != NULL; member = member->next) {
        writer_format(&out, "<%s>", member->name);
        write_escaped(&out, slice_of(member->value));
        writer_format(&out, "</%s>", member->name);
    }
    writer_format(&out, "</Error><RequestId>%s</RequestId></ErrorResponse>", request_id);
    return writer_slice_of(&out);
}
