/* Provisioning over MQTT: topics, payloads and answers, with the vectors of provisioning 3.3. */
#include "fixture.h"
#include "base/encode.h"

static const struct row {
    const char *name, *topic;
    const char *operation, *label; /* NULL: not a request topic */
    enum encoding encoding;
} rows[] = {
    { "keys", "$aws/certificates/create/json", "CreateKeysAndCertificate", NULL, ENCODING_JSON },
    { "keys in CBOR", "$aws/certificates/create/cbor", "CreateKeysAndCertificate", NULL, ENCODING_CBOR },
    { "a CSR", "$aws/certificates/create-from-csr/json", "CreateCertificateFromCsr", NULL, ENCODING_JSON },
    { "a thing", "$aws/provisioning-templates/pumps/provision/cbor", "RegisterThing", "pumps", ENCODING_CBOR },
    { "an answer's topic", "$aws/certificates/create/json/accepted", NULL, NULL, 0 },
    { "another encoding", "$aws/certificates/create/xml", NULL, NULL, 0 },
    { "JSON in capitals", "$aws/certificates/create/JSON", NULL, NULL, 0 },
    { "no encoding", "$aws/certificates/create", NULL, NULL, 0 },
    { "an empty encoding", "$aws/certificates/create/", NULL, NULL, 0 },
    { "no template", "$aws/provisioning-templates//provision/json", NULL, NULL, 0 },
    { "another verb", "$aws/provisioning-templates/pumps/register/json", NULL, NULL, 0 },
    { "anything else", "pumps/p7/state", NULL, NULL, 0 },
    { "nothing", "", NULL, NULL, 0 },
};

static void leads(void **state)
{
    const struct row *row = *state;
    struct mqtt_route route;
    assert_int_equal(door_route_topic(shared_door(), slice_of(row->topic), &route), row->operation != NULL);
    if (row->operation == NULL)
        return;
    assert_string_equal(route.operation, row->operation);
    assert_int_equal(route.encoding, row->encoding);
    assert_int_equal(route.label_count, row->label ? 1 : 0);
    if (row->label != NULL)
        assert_slice(route.labels[0], row->label);
}

/* ---- payloads in ---- */

#define PROVISION "$aws/provisioning-templates/pumps/provision/"
static const struct payload {
    const char *name, *topic;
    const char *text;  /* of cbor topics in hexadecimal */
    const char *input; /* NULL: InvalidPayload */
} payloads[] = {
    { "an empty payload", "$aws/certificates/create/json", "", "{}" },
    { "an empty object", "$aws/certificates/create/json", "{}", "{}" },
    { "no bytes of CBOR", "$aws/certificates/create/cbor", "", "{}" },
    { "an empty map", "$aws/certificates/create/cbor", "a0", "{}" },
    { "members nobody asked for", "$aws/certificates/create/json", "{\"a\":1}", "{}" },
    { "provision in JSON", PROVISION "json",
      "{\"certificateOwnershipToken\":\"T0k\",\"parameters\":{\"n\":5,\"b\":true}}",
      "{\"templateName\":\"pumps\",\"certificateOwnershipToken\":\"T0k\",\"parameters\":{\"n\":5,\"b\":true}}" },
    { "a template in the payload does not win", PROVISION "json", "{\"templateName\":\"other\"}",
      "{\"templateName\":\"pumps\"}" },
    { "provision in CBOR", PROVISION "cbor",
      "a2781963657274696669636174654f776e657273686970546f6b656e6354306b6a706172616d6574657273a16c53657269616c4e756d6265"
      "7264"
      "736e2d37",
      "{\"templateName\":\"pumps\",\"certificateOwnershipToken\":\"T0k\",\"parameters\":{\"SerialNumber\":\"sn-7\"}}" },
    { "indefinite CBOR", "$aws/certificates/create-from-csr/cbor",
      "bf781963657274696669636174655369676e696e67526571756573747f6261626163ffff",
      "{\"certificateSigningRequest\":\"abc\"}" },
    { "a self-describing tag", "$aws/certificates/create/cbor", "d9d9f7a0", "{}" },
    { "an array", "$aws/certificates/create/json", "[]", NULL },
    { "text", "$aws/certificates/create/json", "\"a\"", NULL },
    { "half an object", "$aws/certificates/create/json", "{\"a\":", NULL },
    { "two objects", "$aws/certificates/create/json", "{}{}", NULL },
    { "too deep", PROVISION "json", "{\"parameters\":{\"a\":[[[1]]]}}", NULL },
    { "CBOR: bytes after it", "$aws/certificates/create/cbor", "a000", NULL },
    { "CBOR: a length beyond the payload", "$aws/certificates/create/cbor", "bb00ffffffffffffff", NULL },
    { "CBOR: an array of gigabytes", "$aws/certificates/create/cbor", "9affffffff", NULL },
    { "CBOR: a byte string", "$aws/certificates/create/cbor", "a1616142ffff", NULL },
    { "CBOR: too deep", PROVISION "cbor", "a16161a16162a16163a16164a16165a0", NULL },
};

static void decodes(void **state)
{
    const struct payload *row = *state;
    void *ctx = talloc_new(NULL);
    struct mqtt_route route;
    slice payload = slice_of(row->text);
    assert_true(door_route_topic(shared_door(), slice_of(row->topic), &route));
    if (route.encoding == ENCODING_CBOR)
        assert_true(hex_decode(ctx, slice_of(row->text), &payload));
    struct call *call = door_bind_topic(shared_door(), &route, payload);
    assert_error(call->inner->early, row->input ? NULL : "InvalidPayload", NULL);
    assert_true(call->mapped);
    if (row->input != NULL && !json_same(call->input, json_of(ctx, row->input)))
        fail_msg("%s", json_print(ctx, call->input).at);
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- answers out ---- */

static const struct output {
    const char *name, *topic;
    const char *output; /* NULL: an error */
    const char *error, *message;
    const char *text; /* of cbor topics in hexadecimal */
} outputs[] = {
    { "provisioned, in CBOR", PROVISION "cbor", "{\"deviceConfiguration\":{\"Url\":\"u\"},\"thingName\":\"dev-sn-7\"}",
      NULL, NULL, "a273646576696365436f6e66696775726174696f6ea16355726c6175697468696e674e616d65686465762d736e2d37" },
    { "without configuration", PROVISION "cbor", "{\"deviceConfiguration\":{},\"thingName\":\"dev-sn-7\"}", NULL, NULL,
      "a273646576696365436f6e66696775726174696f6ea0697468696e674e616d65686465762d736e2d37" },
    { "a certificate", "$aws/certificates/create-from-csr/cbor",
      "{\"certificateId\":\"ab\",\"certificatePem\":\"P\",\"certificateOwnershipToken\":\"T\"}", NULL, NULL,
      "a36d636572746966696361746549646261626e636572746966696361746550656d6150781963657274696669636174654f776e6572736869"
      "70546f"
      "6b656e6154" },
    { "rejected, in CBOR", PROVISION "cbor", NULL, "AccessDenied", "no",
      "a36a737461747573436f6465190193696572726f72436f64656c41636365737344656e6965646c6572726f724d657373616765626e6f" },
    { "rejected, in JSON", PROVISION "json", NULL, "InvalidCertificateOwnershipToken",
      "Certificate ownership token cannot be empty.",
      "{\"statusCode\":400,\"errorCode\":\"InvalidCertificateOwnershipToken\",\"errorMessage\":\"Certificate ownership "
      "token "
      "cannot be empty.\"}" },
    { "the order of members stays", "$aws/certificates/create/json",
      "{\"certificateId\":\"c\",\"certificatePem\":\"a\\nb\",\"privateKey\":\"k\",\"certificateOwnershipToken\":\"t\"}",
      NULL, NULL,
      "{\"certificateId\":\"c\",\"certificatePem\":\"a\\nb\",\"privateKey\":\"k\",\"certificateOwnershipToken\":"
      "\"t\"}" },
    { "an exception of the registry", PROVISION "json", NULL, "ResourceNotFoundException", "No template.",
      "{\"statusCode\":404,\"errorCode\":\"ResourceNotFound\",\"errorMessage\":\"No template.\"}" },
    { "conflict", PROVISION "json", NULL, "ConflictingResourceUpdateException", "x",
      "{\"statusCode\":409,\"errorCode\":\"ResourceConflict\",\"errorMessage\":\"x\"}" },
    { "busy", PROVISION "json", NULL, "ServiceUnavailableException", "x",
      "{\"statusCode\":503,\"errorCode\":\"ServiceUnavailable\",\"errorMessage\":\"x\"}" },
    { "too many", PROVISION "json", NULL, "TooManyRequests", "x",
      "{\"statusCode\":429,\"errorCode\":\"TooManyRequests\",\"errorMessage\":\"x\"}" },
    { "what nobody knows is hidden", PROVISION "json", NULL, "StoreUnavailable", "SELECT secret",
      "{\"statusCode\":500,\"errorCode\":\"InternalError\",\"errorMessage\":\"An internal error occurred.\"}" },
};

static void answers(void **state)
{
    const struct output *row = *state;
    void *ctx = talloc_new(NULL);
    struct mqtt_route route;
    struct mqtt_answer answer;
    assert_true(door_route_topic(shared_door(), slice_of(row->topic), &route));
    struct call *call = door_bind_topic(shared_door(), &route, SLICE(""));
    if (row->output != NULL)
        call->output = json_share(call, json_of(ctx, row->output));
    else
        call->error = error_new(call, row->error, "%s", row->message);
    door_answer_topic(ctx, call, &route, &answer);
    assert_string_equal(answer.suffix, row->output ? "/accepted" : "/rejected");
    assert_slice(route.encoding == ENCODING_CBOR ? slice_of(hex_encode(ctx, answer.payload)) : answer.payload,
                 row->text);
    talloc_free(call);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, leads), TABLE(payloads, decodes), TABLE(outputs, answers));
}
