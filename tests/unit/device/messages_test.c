/* messages_test.c - topics, questions and answers of fleet provisioning (provisioning.md 2.5, 3.2, 3.3). */
#include "device/device.h"
#include "base/encode.h"
#include "table.h"

/* ---- topics ---- */

static const struct topic_row {
    const char *name;
    enum device_question question;
    enum device_format format;
    const char *topic;
} topics[] = {
    { "keys, JSON", DEVICE_CREATE_KEYS, DEVICE_JSON, "$aws/certificates/create/json" },
    { "keys, CBOR", DEVICE_CREATE_KEYS, DEVICE_CBOR, "$aws/certificates/create/cbor" },
    { "a CSR, JSON", DEVICE_CREATE_FROM_CSR, DEVICE_JSON, "$aws/certificates/create-from-csr/json" },
    { "a CSR, CBOR", DEVICE_CREATE_FROM_CSR, DEVICE_CBOR, "$aws/certificates/create-from-csr/cbor" },
    { "a thing, JSON", DEVICE_REGISTER_THING, DEVICE_JSON, "$aws/provisioning-templates/pumps/provision/json" },
    { "a thing, CBOR", DEVICE_REGISTER_THING, DEVICE_CBOR, "$aws/provisioning-templates/pumps/provision/cbor" },
};

static void names(void **state)
{
    const struct topic_row *row = *state;
    void *ctx = talloc_new(NULL);
    assert_string_equal(device_topic(ctx, row->question, row->format, "pumps"), row->topic);
    talloc_free(ctx);
}

/* ---- questions ---- */

static const struct question_row {
    const char *name;
    enum device_format format;
    const char *body;
    const char *hex; /* of the payload; JSON's is its text */
} asked[] = {
    { "JSON is compact", DEVICE_JSON, "{ \"a\": \"b/c\" }", "7b2261223a22622f63227d" },
    { "an empty question in CBOR is a0", DEVICE_CBOR, "{}", "a0" },
    { "the vector of 3.3", DEVICE_CBOR,
      "{\"certificateOwnershipToken\":\"T0k\",\"parameters\":{\"SerialNumber\":\"sn-7\"}}",
      "a2781963657274696669636174654f776e657273686970546f6b656e6354306b6a706172616d6574657273a16c53657269616c4e756d6265"
      "7264736e2d37" },
};

static void encodes(void **state)
{
    const struct question_row *row = *state;
    void *ctx = talloc_new(NULL);
    json *body;
    assert_null(json_parse(ctx, slice_of(row->body), 8, &body));
    assert_string_equal(hex_encode(ctx, device_encode(ctx, row->format, body)), row->hex);
    talloc_free(ctx);
}

/* ---- answers ---- */

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEYS \
    "{\"certificateId\":\"" ID "\",\"certificatePem\":\"P\",\"privateKey\":\"K\",\"certificateOwnershipToken\":\"T\"}"
#define CSR      "{\"certificateOwnershipToken\":\"T\",\"certificateId\":\"" ID "\",\"certificatePem\":\"P\"}"
#define REJECTED "{\"statusCode\":403,\"errorCode\":\"AccessDenied\",\"errorMessage\":\"no\"}"
#define REJECTED_CBOR \
    "a36a737461747573436f6465190193696572726f72436f64656c41636365737344656e6965646c6572726f724d657373616765626e6f"

enum verdict { ACCEPTED, REJECTS, INVALID, NOBODYS };

static const struct answer_row {
    const char *name;
    enum device_question question;
    enum device_format format;
    const char *tail;    /* of the topic, after the question's */
    const char *payload; /* JSON, or CBOR in hexadecimal */
    enum verdict verdict;
} answers[] = {
    { "keys", DEVICE_CREATE_KEYS, DEVICE_JSON, "/accepted", KEYS, ACCEPTED },
    { "keys without a key", DEVICE_CREATE_KEYS, DEVICE_JSON, "/accepted", CSR, INVALID },
    { "a certificate", DEVICE_CREATE_FROM_CSR, DEVICE_JSON, "/accepted", CSR, ACCEPTED },
    { "a certificate id that is too short", DEVICE_CREATE_FROM_CSR, DEVICE_JSON, "/accepted",
      "{\"certificateOwnershipToken\":\"T\",\"certificateId\":\"ab\",\"certificatePem\":\"P\"}", INVALID },
    { "an empty token", DEVICE_CREATE_FROM_CSR, DEVICE_JSON, "/accepted",
      "{\"certificateOwnershipToken\":\"\",\"certificateId\":\"" ID "\",\"certificatePem\":\"P\"}", INVALID },
    { "a token that is a number", DEVICE_CREATE_FROM_CSR, DEVICE_JSON, "/accepted",
      "{\"certificateOwnershipToken\":1,\"certificateId\":\"" ID "\",\"certificatePem\":\"P\"}", INVALID },
    { "a thing", DEVICE_REGISTER_THING, DEVICE_CBOR, "/accepted",
      "a273646576696365436f6e66696775726174696f6ea16355726c6175697468696e674e616d65686465762d736e2d37", ACCEPTED },
    { "a template without a thing", DEVICE_REGISTER_THING, DEVICE_JSON, "/accepted", "{\"deviceConfiguration\":{}}",
      ACCEPTED },
    { "a null thing name", DEVICE_REGISTER_THING, DEVICE_JSON, "/accepted",
      "{\"deviceConfiguration\":{},\"thingName\":null}", ACCEPTED },
    { "no device configuration", DEVICE_REGISTER_THING, DEVICE_JSON, "/accepted", "{\"thingName\":\"x\"}", INVALID },
    { "rejected", DEVICE_REGISTER_THING, DEVICE_JSON, "/rejected", REJECTED, REJECTS },
    { "rejected, the vector of 3.3", DEVICE_CREATE_KEYS, DEVICE_CBOR, "/rejected", REJECTED_CBOR, REJECTS },
    { "rejected without a status", DEVICE_CREATE_KEYS, DEVICE_JSON, "/rejected",
      "{\"errorCode\":\"AccessDenied\",\"errorMessage\":\"no\"}", INVALID },
    { "rejected with a text for a status", DEVICE_CREATE_KEYS, DEVICE_JSON, "/rejected",
      "{\"statusCode\":\"403\",\"errorCode\":\"AccessDenied\",\"errorMessage\":\"no\"}", INVALID },
    { "JSON where CBOR was asked for", DEVICE_CREATE_KEYS, DEVICE_CBOR, "/accepted", "7b7d", INVALID },
    { "a byte string in CBOR", DEVICE_REGISTER_THING, DEVICE_CBOR, "/accepted", "a161614161", INVALID },
    { "a huge map in CBOR", DEVICE_REGISTER_THING, DEVICE_CBOR, "/accepted", "bbffffffffffffffff", INVALID },
    { "an array", DEVICE_REGISTER_THING, DEVICE_JSON, "/accepted", "[]", INVALID },
    { "nothing", DEVICE_REGISTER_THING, DEVICE_JSON, "/accepted", "", INVALID },
    { "deep nesting", DEVICE_REGISTER_THING, DEVICE_JSON, "/accepted", "[[[[[[[[]]]]]]]]", INVALID },
    { "the question itself", DEVICE_CREATE_KEYS, DEVICE_JSON, "", KEYS, NOBODYS },
    { "a topic below the answer's", DEVICE_CREATE_KEYS, DEVICE_JSON, "/accepted/x", KEYS, NOBODYS },
    { "a topic beside the answer's", DEVICE_CREATE_KEYS, DEVICE_JSON, "/progress", KEYS, NOBODYS },
};

static void decodes(void **state)
{
    const struct answer_row *row = *state;
    void *ctx = talloc_new(NULL);
    const char *question = device_topic(ctx, row->question, row->format, "pumps");
    const char *topic = text_format(ctx, "%s%s", question, row->tail);
    slice payload = slice_of(row->payload);
    struct device_answer *answer;
    if (row->format == DEVICE_CBOR)
        assert_true(hex_decode(ctx, slice_of(row->payload), &payload));
    error *e = device_decode_answer(ctx, row->question, row->format, question, slice_of(topic), payload, &answer);
    assert_int_equal(e != NULL, row->verdict == INVALID);
    assert_true(e == NULL || error_is(e, "InvalidAnswer"));
    assert_int_equal(e == NULL && answer == NULL, row->verdict == NOBODYS);
    if (e == NULL && answer != NULL)
        assert_int_equal(answer->accepted ? ACCEPTED : REJECTS, row->verdict);
    if (row->verdict == REJECTS) {
        assert_int_equal(answer->status_code, 403);
        assert_string_equal(answer->error_code, "AccessDenied");
        assert_string_equal(answer->error_message, "no");
    }
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(topics, names), TABLE(asked, encodes), TABLE(answers, decodes));
}
