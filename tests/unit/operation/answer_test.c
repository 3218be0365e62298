/* Answers and errors in their protocols (x509 3.1, auth 3.2, 3.3, 4.1). */
#include "fixture.h"

static void route_of(const char *service, const char *operation, enum protocol protocol, struct route *out)
{
    *out = (struct route){ .service = service, .protocol = protocol };
    if (operation != NULL)
        out->operation = operation_named(service, operation);
}

static const char *header_of(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (slice_is_nocase(answer->headers[i].name, name))
            return answer->headers[i].value.at;
    return NULL;
}

#define ID "7d3c0f3e-5b1d-4b53-9b0e-2f8a0a51c7aa"
#define XML(type, code, message)                                                                                 \
    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>" type "</Type><Code>" code \
    "</Code><Message>" message "</Message></Error><RequestId>" ID "</RequestId></ErrorResponse>"

static const struct row {
    const char *name, *service;
    enum protocol protocol;
    const char *error, *message;
    int status;
    const char *type, *body; /* type: x-amzn-ErrorType */
} rows[] = {
    { "REST: an error of the model", "iot", PROTOCOL_REST_JSON, "ResourceNotFoundException",
      "Thing pump-9 cannot be found.", 404, "ResourceNotFoundException",
      "{\"__type\":\"ResourceNotFoundException\",\"message\":\"Thing pump-9 cannot be found.\"}" },
    { "REST: 409", "iot", PROTOCOL_REST_JSON, "DeleteConflictException", "x", 409, "DeleteConflictException", NULL },
    { "REST: 410", "iot", PROTOCOL_REST_JSON, "LimitExceededException", "x", 410, "LimitExceededException", NULL },
    { "REST: 406", "iot", PROTOCOL_REST_JSON, "CertificateStateException", "x", 406, "CertificateStateException",
      NULL },
    { "REST: throttling is 400 in the model", "iot", PROTOCOL_REST_JSON, "ThrottlingException", "x", 400,
      "ThrottlingException", NULL },
    { "REST: no token", "iot", PROTOCOL_REST_JSON, "MissingAuthenticationToken", "x", 403,
      "MissingAuthenticationTokenException", NULL },
    { "REST: half a signature", "iot", PROTOCOL_REST_JSON, "IncompleteSignature", "x", 403,
      "IncompleteSignatureException", NULL },
    { "REST: an unknown key", "iot", PROTOCOL_REST_JSON, "InvalidClientToken",
      "The security token included in the request is invalid.", 403, "UnrecognizedClientException",
      "{\"__type\":\"UnrecognizedClientException\",\"message\":\"The security token included in the request is "
      "invalid.\"}" },
    { "REST: an expired token", "iot", PROTOCOL_REST_JSON, "ExpiredToken", "x", 403, "ExpiredTokenException", NULL },
    { "REST: a wrong signature", "iot", PROTOCOL_REST_JSON, "InvalidSignature", "x", 403, "InvalidSignatureException",
      NULL },
    { "REST: not permitted", "iot", PROTOCOL_REST_JSON, "AccessDeniedException", "x", 403, "AccessDeniedException",
      NULL },
    { "REST: not implemented", "iot", PROTOCOL_REST_JSON, "NotImplementedException",
      "CreateJob is not implemented yet.", 501, "NotImplementedException", NULL },
    { "REST: an unknown path", "iot", PROTOCOL_REST_JSON, "UnknownOperationException", "x", 404,
      "UnknownOperationException", NULL },
    { "REST: no service at all", NULL, PROTOCOL_REST_JSON, "UnknownOperationException", "x", 404,
      "UnknownOperationException", NULL },
    { "REST: a body too large", "iot", PROTOCOL_REST_JSON, "RequestEntityTooLargeException", "x", 413,
      "RequestEntityTooLargeException", NULL },
    { "REST: unavailable", "iot", PROTOCOL_REST_JSON, "ServiceUnavailableException", "x", 503,
      "ServiceUnavailableException", NULL },
    { "REST: what nobody knows is hidden", "iot", PROTOCOL_REST_JSON, "StoreUnavailable", "SELECT secret", 500,
      "InternalFailureException",
      "{\"__type\":\"InternalFailureException\",\"message\":\"An internal error occurred.\"}" },
    { "JSON 1.1: an error of the model", "cognito-identity", PROTOCOL_JSON, "NotAuthorizedException", "no", 400,
      "NotAuthorizedException:", "{\"__type\":\"NotAuthorizedException\",\"message\":\"no\"}" },
    { "JSON 1.1: authentication is 400", "iotsecuretunneling", PROTOCOL_JSON, "InvalidSignature", "x", 400,
      "InvalidSignatureException", NULL },
    { "JSON 1.1: not implemented", "iotsecuretunneling", PROTOCOL_JSON, "NotImplementedException", "x", 501,
      "NotImplementedException", NULL },
    { "query: no token", "sts", PROTOCOL_QUERY, "MissingAuthenticationToken", "Request is missing Authentication Token",
      403, NULL, XML("Sender", "MissingAuthenticationToken", "Request is missing Authentication Token") },
    { "query: half a signature is 400", "sts", PROTOCOL_QUERY, "IncompleteSignature", "x", 400, NULL,
      XML("Sender", "IncompleteSignature", "x") },
    { "query: an unknown key", "sts", PROTOCOL_QUERY, "InvalidClientToken", "x", 403, NULL,
      XML("Sender", "InvalidClientTokenId", "x") },
    { "query: an expired token", "sts", PROTOCOL_QUERY, "ExpiredToken", "x", 403, NULL,
      XML("Sender", "ExpiredToken", "x") },
    { "query: a wrong signature", "sts", PROTOCOL_QUERY, "InvalidSignature", "x", 403, NULL,
      XML("Sender", "SignatureDoesNotMatch", "x") },
    { "query: not permitted", "sts", PROTOCOL_QUERY, "AccessDeniedException", "x", 403, NULL,
      XML("Sender", "AccessDenied", "x") },
    { "query: an unknown action", "sts", PROTOCOL_QUERY, "UnknownOperationException",
      "Could not find operation X for version 2011-06-15", 400, NULL,
      XML("Sender", "InvalidAction", "Could not find operation X for version 2011-06-15") },
    { "query: no action", "sts", PROTOCOL_QUERY, "MissingAction", "x", 400, NULL, XML("Sender", "MissingAction", "x") },
    { "query: validation", "sts", PROTOCOL_QUERY, "ValidationError", "Value '<&>\"' at", 400, NULL,
      XML("Sender", "ValidationError", "Value &apos;&lt;&amp;&gt;&quot;&apos; at") },
    { "query: a model's code is not its shape", "sts", PROTOCOL_QUERY, "MalformedPolicyDocumentException", "x", 400,
      NULL, XML("Sender", "MalformedPolicyDocument", "x") },
    { "query: and is found by its code", "sts", PROTOCOL_QUERY, "PackedPolicyTooLarge", "x", 400, NULL,
      XML("Sender", "PackedPolicyTooLarge", "x") },
    { "query: 5xx is the receiver's", "sts", PROTOCOL_QUERY, "InternalFailureException", "An internal error occurred.",
      500, NULL, XML("Receiver", "InternalFailure", "An internal error occurred.") },
    { "data plane: row 1", "iot-jobs-data", PROTOCOL_REST_JSON, "MissingAuthenticationToken",
      "Missing Authentication Token", 403, "ForbiddenException",
      "{\"message\":\"Missing Authentication Token\",\"traceId\":\"" ID "\"}" },
    { "data plane: row 3", "iot-data", PROTOCOL_REST_JSON, "InvalidClientToken",
      "The security token included in the request is invalid.", 403, "ForbiddenException",
      "{\"message\":\"The security token included in the request is invalid.\",\"traceId\":\"" ID "\"}" },
    { "data plane: row 4", "iot-data", PROTOCOL_REST_JSON, "ExpiredToken",
      "The security token included in the request is expired", 403, "ForbiddenException",
      "{\"message\":\"The security token included in the request is expired\",\"traceId\":\"" ID "\"}" },
    { "data plane: row 9 tells no policy", "iot-jobs-data", PROTOCOL_REST_JSON, "AccessDeniedException",
      "User: x is not authorized", 403, "ForbiddenException", "{\"message\":\"Forbidden\",\"traceId\":\"" ID "\"}" },
    { "query: no characters of XML", "sts", PROTOCOL_QUERY, "ValidationError", "a\xEF\xBF\xBE\xEF\xBF\xBFz\xEF\xBF\xBD",
      400, NULL, XML("Sender", "ValidationError", "a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD") },
    { "query: control characters", "sts", PROTOCOL_QUERY, "ValidationError", "a\x01\r\nb", 400, NULL,
      XML("Sender", "ValidationError", "a\xEF\xBF\xBD&#13;\nb") },
};

static void refuses(void **state)
{
    static const char *const types[] = { "application/json", "application/x-amz-json-1.1", "text/xml" };
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct route route;
    struct http_answer answer;
    route_of(row->service, NULL, row->protocol, &route);
    door_refuse(ctx, shared_door(), &route, ID, error_new(ctx, row->error, "%s", row->message), &answer);
    assert_int_equal(answer.status, row->status);
    assert_string_equal(answer.content_type, types[row->protocol]);
    assert_string_equal(header_of(&answer, "x-amzn-RequestId"), ID);
    if (row->type != NULL)
        assert_string_equal(header_of(&answer, "x-amzn-ErrorType"), row->type);
    if (row->body != NULL)
        assert_slice(answer.body, row->body);
    talloc_free(ctx);
}

static const struct extra {
    const char *name;
    enum protocol protocol;
    const char *body;
} extras[] = {
    { "members of an error in JSON", PROTOCOL_REST_JSON,
      "{\"__type\":\"ResourceAlreadyExistsException\",\"message\":\"m\",\"resourceId\":\"a\",\"resourceArn\":\"arn:"
      "a\"}" },
};

static void carries(void **state)
{
    const struct extra *row = *state;
    void *ctx = talloc_new(NULL);
    struct route route;
    struct http_answer answer;
    route_of("iot", NULL, row->protocol, &route);
    error *e = error_new(ctx, "ResourceAlreadyExistsException", "m");
    e = error_with(error_with(e, "resourceId", "a"), "resourceArn", "arn:a");
    door_refuse(ctx, shared_door(), &route, ID, e, &answer);
    assert_slice(answer.body, row->body);
    talloc_free(ctx);
}

/* ---- outputs ---- */

#define STS      "https://sts.amazonaws.com/doc/2011-06-15/"
#define IAM      "https://iam.amazonaws.com/doc/2010-05-08/"
#define METADATA "<ResponseMetadata><RequestId>" ID "</RequestId></ResponseMetadata>"
static const struct output {
    const char *name, *service, *operation;
    enum protocol protocol;
    const char *output;
    int status;
    const char *body;
} outputs[] = {
    { "REST", "iot", "CreateThing", PROTOCOL_REST_JSON,
      "{\"thingName\":\"a\",\"thingArn\":\"arn:aws:iot:r:1:thing/a\"}", 200,
      "{\"thingName\":\"a\",\"thingArn\":\"arn:aws:iot:r:1:thing/a\"}" },
    { "REST: no output", "iot", "DeletePolicy", PROTOCOL_REST_JSON, "{}", 200, "{}" },
    { "REST: numbers keep their text", "iot", "DescribeCertificate", PROTOCOL_REST_JSON,
      "{\"certificateDescription\":{\"creationDate\":1541022751.983}}", 200,
      "{\"certificateDescription\":{\"creationDate\":1541022751.983}}" },
    { "REST: a payload is the body", "iot-data", "GetThingShadow", PROTOCOL_REST_JSON,
      "{\"payload\":\"{\\\"state\\\":{}}\"}", 200, "{\"state\":{}}" },
    { "REST: a status and headers out of the output", "lambda", "Invoke", PROTOCOL_REST_JSON,
      "{\"StatusCode\":202,\"FunctionError\":\"Unhandled\",\"Payload\":\"x\"}", 202, "x" },
    { "JSON 1.1", "cognito-identity", "GetId", PROTOCOL_JSON, "{\"IdentityId\":\"r:1\"}", 200,
      "{\"IdentityId\":\"r:1\"}" },
    { "query: a result in the model's order", "sts", "GetCallerIdentity", PROTOCOL_QUERY,
      "{\"Arn\":\"arn:aws:iam::123456789012:user/ops/ada\",\"UserId\":\"AIDA\",\"Account\":\"123456789012\"}", 200,
      "<GetCallerIdentityResponse xmlns=\"" STS "\"><GetCallerIdentityResult><UserId>AIDA</UserId><Account>123456789012"
      "</Account><Arn>arn:aws:iam::123456789012:user/ops/ada</Arn></GetCallerIdentityResult>" METADATA
      "</GetCallerIdentityResponse>" },
    { "query: times, numbers, structures", "sts", "AssumeRole", PROTOCOL_QUERY,
      "{\"Credentials\":{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"SessionToken\":\"T\",\"Expiration\":"
      "1768469400.0},"
      "\"PackedPolicySize\":0}",
      200,
      "<AssumeRoleResponse xmlns=\"" STS
      "\"><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S"
      "</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-01-15T09:30:00Z</Expiration></Credentials>"
      "<PackedPolicySize>0</PackedPolicySize></AssumeRoleResult>" METADATA "</AssumeRoleResponse>" },
    { "query: no output", "iam", "PutRolePolicy", PROTOCOL_QUERY, "{}", 200,
      "<PutRolePolicyResponse xmlns=\"" IAM "\">" METADATA "</PutRolePolicyResponse>" },
    { "query: lists and booleans", "iam", "ListUserPolicies", PROTOCOL_QUERY,
      "{\"IsTruncated\":false,\"PolicyNames\":[\"a\",\"b<\"]}", 200,
      "<ListUserPoliciesResponse xmlns=\"" IAM "\"><ListUserPoliciesResult><PolicyNames><member>a</member><member>b&lt;"
      "</member></PolicyNames><IsTruncated>false</IsTruncated></ListUserPoliciesResult>" METADATA
      "</ListUserPoliciesResponse>" },
    { "query: a map", "iam", "GetAccountSummary", PROTOCOL_QUERY, "{\"SummaryMap\":{\"Users\":3}}", 200,
      "<GetAccountSummaryResponse xmlns=\"" IAM
      "\"><GetAccountSummaryResult><SummaryMap><entry><key>Users</key><value>3"
      "</value></entry></SummaryMap></GetAccountSummaryResult>" METADATA "</GetAccountSummaryResponse>" },
};

static void answers(void **state)
{
    const struct output *row = *state;
    void *ctx = talloc_new(NULL);
    struct route route;
    struct http_answer answer;
    route_of(row->service, row->operation, row->protocol, &route);
    struct call *call = call_new(shared_door(), row->service, row->operation);
    memcpy(call->id, ID, sizeof(ID));
    call->output = json_share(call, json_of(ctx, row->output));
    door_answer(ctx, call, &route, &answer);
    assert_int_equal(answer.status, row->status);
    assert_slice(answer.body, row->body);
    assert_string_equal(header_of(&answer, "x-amzn-RequestId"), ID);
    if (strcmp(row->service, "lambda") == 0)
        assert_string_equal(header_of(&answer, "X-Amz-Function-Error"), "Unhandled");
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- answer() ---- */

static void answer_takes_every_kind(void **state)
{
    (void)state;
    struct call *call = call_new(shared_door(), "iot", "DescribeThing");
    assert_null(answer(call, string("a", "x"), string("absent", NULL), integer("b", 5), boolean("c", true),
                       time_ms("d", 1763900000123), time_ms("never", 0), value_of("e", json_object_new_array()),
                       value_of("none", NULL)));
    assert_slice(json_print(call, call->output), "{\"a\":\"x\",\"b\":5,\"c\":true,\"d\":1763900000.123,\"e\":[]}");
    talloc_free(call);
}

static const struct once {
    const char *name;
} once[] = { { "members in the order given, absent ones left out" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, refuses), TABLE(extras, carries), TABLE(outputs, answers),
                      TABLE(once, answer_takes_every_kind));
}
