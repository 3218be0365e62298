/* messages.c - questions and answers of fleet provisioning, as topics and payloads (provisioning.md 2.5, 3.2, 3.3). */
#include "device/device.h"
#include "base/cbor.h"
#include "base/encode.h"

enum { ANSWER_DEPTH = 4 };

static const char *const format_names[] = { [DEVICE_JSON] = "json", [DEVICE_CBOR] = "cbor" };

enum kind { TEXT, TEXT_OR_NOTHING, ID, OBJECT };

/* What an accepted answer has. */
static const struct question {
    const char *topic; /* with the template's name, where it is asked for */
    struct member {
        const char *name;
        enum kind kind;
    } members[5];
} questions[] = {
    [DEVICE_CREATE_KEYS] = { "$aws/certificates/create/",
                             { { "certificateId", ID },
                               { "certificatePem", TEXT },
                               { "privateKey", TEXT },
                               { "certificateOwnershipToken", TEXT } } },
    [DEVICE_CREATE_FROM_CSR] = { "$aws/certificates/create-from-csr/",
                                 { { "certificateId", ID },
                                   { "certificatePem", TEXT },
                                   { "certificateOwnershipToken", TEXT } } },
    [DEVICE_REGISTER_THING] = { "$aws/provisioning-templates/",
                                { { "deviceConfiguration", OBJECT }, { "thingName", TEXT_OR_NOTHING } } },
};

const char *device_topic(void *ctx, enum device_question question, enum device_format format, const char *template_name)
{
    const char *head = questions[question].topic, *tail = format_names[format];
    return question == DEVICE_REGISTER_THING ? text_format(ctx, "%s%s/provision/%s", head, template_name, tail)
                                             : text_format(ctx, "%s%s", head, tail);
}

slice device_encode(void *ctx, enum device_format format, json *body)
{
    return format == DEVICE_CBOR ? cbor_print(ctx, body) : json_print(ctx, body);
}

static error *invalid(void *ctx, const char *why)
{
    return error_new(ctx, "InvalidAnswer", "The server's answer cannot be used: %s.", why);
}

static bool is_of_kind(const json *value, enum kind kind)
{
    switch (kind) {
    case TEXT:
        return json_is_text(value) && json_text(value).length > 0;
    case TEXT_OR_NOTHING:
        return value == NULL || (json_is_text(value) && json_text(value).length > 0);
    case ID:
        return json_is_text(value) && hex_is(json_text(value), PKI_ID_LENGTH);
    case OBJECT:
        return json_is_object(value);
    }
    return false;
}

static FALLIBLE check_members(void *ctx, enum device_question question, const json *body)
{
    for (const struct member *m = questions[question].members; m->name != NULL; m++)
        if (!is_of_kind(json_get(body, m->name), m->kind))
            return invalid(ctx, text_format(ctx, "%s is missing, or not what it should be", m->name));
    return NULL;
}

/* All three members are always there (3.2). */
static FALLIBLE check_rejection(void *ctx, struct device_answer *answer)
{
    answer->status_code = json_get_integer(answer->body, "statusCode", 0);
    answer->error_code = json_get_text(answer->body, "errorCode");
    answer->error_message = json_get_text(answer->body, "errorMessage");
    if (answer->status_code <= 0 || answer->error_code == NULL || answer->error_message == NULL)
        return invalid(ctx, "a rejection without statusCode, errorCode and errorMessage");
    return NULL;
}

FALLIBLE device_decode_answer(void *ctx, enum device_question question, enum device_format format, const char *asked,
                              slice topic, slice payload, struct device_answer **out)
{
    slice verdict = slice_from(topic, strlen(asked));
    bool accepted = slice_is(verdict, "/accepted");
    error *e;
    *out = NULL;
    if (!slice_starts(topic, asked) || (!accepted && !slice_is(verdict, "/rejected")))
        return NULL;
    struct device_answer *answer = MAKE(ctx, struct device_answer);
    answer->accepted = accepted;
    e = format == DEVICE_CBOR ? cbor_parse(answer, payload, ANSWER_DEPTH, &answer->body)
                              : json_parse(answer, payload, ANSWER_DEPTH, &answer->body);
    if (e != NULL)
        return invalid(ctx, e->message);
    if (!json_is_object(answer->body))
        return invalid(ctx, "it is no map");
    TRY(accepted ? check_members(ctx, question, answer->body) : check_rejection(ctx, answer));
    *out = answer;
    return NULL;
}
