/* Members come from where the model says they travel, in the three protocols. */
#include "fixture.h"

#define FORM "Content-Type: application/x-www-form-urlencoded"
#define ONE  "1 validation error detected: "
static const struct row {
    const char *name, *scope, *line, *headers, *body;
    const char *input; /* NULL: refused */
    const char *error, *message;
} rows[] = {
    { "a label", "iot", "POST /things/pump-9", "", "", "{\"thingName\":\"pump-9\"}", NULL, NULL },
    { "a label is decoded after splitting", "iot", "POST /attached-policies/arn%3Aaws%3Aiot%3Acert%2Fab", "", "",
      "{\"target\":\"arn:aws:iot:cert/ab\"}", NULL, NULL },
    { "a plus in a label stays", "iot", "GET /things/a+b", "", "", "{\"thingName\":\"a+b\"}", NULL, NULL },
    { "an empty label is bound, and refused by its length", "iot", "GET /things//principals", "", "",
      "{\"thingName\":\"\"}", NULL, NULL },
    { "a greedy label keeps its slashes", "iot", "GET /destinations/arn%3Aa/b%2Fc", "", "", "{\"arn\":\"arn:a/b/c\"}",
      NULL, NULL },
    { "a broken label", "iot", "GET /things/a%2", "", "", NULL, "InvalidRequestException",
      "The path of the request is not percent-encoded correctly." },
    { "a broken query", "iot", "GET /things?nextToken=%zz", "", "", NULL, "InvalidRequestException",
      "The query of the request is not percent-encoded correctly." },
    { "a number and text in the query", "iot", "GET /things?maxResults=5&attributeName=a%20b&x=y", "", "",
      "{\"maxResults\":5,\"attributeName\":\"a b\"}", NULL, NULL },
    { "setAsActive travels in the query", "iot", "POST /keys-and-certificate?setAsActive=true", "", "",
      "{\"setAsActive\":true}", NULL, NULL },
    { "True of Python", "iot", "POST /keys-and-certificate?setAsActive=True", "", "", "{\"setAsActive\":true}", NULL,
      NULL },
    { "false", "iot", "POST /keys-and-certificate?setAsActive=False", "", "", "{\"setAsActive\":false}", NULL, NULL },
    { "neither true nor false", "iot", "POST /keys-and-certificate?setAsActive=yes", "", "", NULL,
      "InvalidRequestException",
      ONE "Value 'yes' at 'setAsActive' failed to satisfy constraint: Member must be true or false" },
    { "a body copy of a query member is ignored", "iot", "POST /keys-and-certificate", "", "{\"setAsActive\":true}",
      "{}", NULL, NULL },
    { "a body copy of a label is ignored", "iot", "POST /things/a", "", "{\"thingName\":\"b\",\"thingTypeName\":\"t\"}",
      "{\"thingName\":\"a\",\"thingTypeName\":\"t\"}", NULL, NULL },
    { "not a number", "iot", "GET /things?maxResults=5x", "", "", NULL, "InvalidRequestException",
      ONE "Value '5x' at 'maxResults' failed to satisfy constraint: Member must be an integer" },
    { "a number with a blank", "iot", "GET /things?maxResults=%205", "", "", NULL, "InvalidRequestException", NULL },
    { "a number past 64 bits", "iot", "GET /things?maxResults=99999999999999999999", "", "", NULL,
      "InvalidRequestException", NULL },
    { "an empty number", "iot", "GET /things?maxResults=", "", "", NULL, "InvalidRequestException", NULL },
    { "a list in the query", "greengrass", "DELETE /tags/a?tagKeys=x&tagKeys=y%26", "", "",
      "{\"resourceArn\":\"a\",\"tagKeys\":[\"x\",\"y&\"]}", NULL, NULL },
    { "a header, in any case", "iot", "PUT /things/a/principals", "X-AMZN-Principal: arn:aws:iot:r:a:cert/1", "",
      "{\"thingName\":\"a\",\"principal\":\"arn:aws:iot:r:a:cert/1\"}", NULL, NULL },
    { "the other header of principals", "iot", "PUT /principal-policies/p", "x-amzn-iot-principal: arn:x", "",
      "{\"policyName\":\"p\",\"principal\":\"arn:x\"}", NULL, NULL },
    { "an empty object", "iot", "POST /things/a", "Content-Type: application/json", "{}", "{\"thingName\":\"a\"}", NULL,
      NULL },
    { "unknown members of the body", "iot", "POST /things/a", "", "{\"x\":1}", "{\"thingName\":\"a\"}", NULL, NULL },
    { "null is absent", "iot", "POST /things/a", "", "{\"thingTypeName\":null}", "{\"thingName\":\"a\"}", NULL, NULL },
    { "a repeated key: the last one", "iot", "POST /things/a", "", "{\"thingTypeName\":\"b\",\"thingTypeName\":\"c\"}",
      "{\"thingName\":\"a\",\"thingTypeName\":\"c\"}", NULL, NULL },
    { "a body that is no JSON", "iot", "POST /things/a", "", "{\"thingTypeName\":", NULL, "InvalidRequestException",
      NULL },
    { "a body that is no object", "iot", "POST /things/a", "", "[1]", NULL, "InvalidRequestException",
      "The body of the request is not a JSON object." },
    { "a body as a payload", "iot", "POST /rules/r", "", "{\"sql\":\"SELECT 1\",\"actions\":[]}",
      "{\"ruleName\":\"r\",\"topicRulePayload\":{\"sql\":\"SELECT 1\",\"actions\":[]}}", NULL, NULL },
    { "bytes as a payload", "iotdata", "POST /topics/a%2Fb?qos=1", "", "not { json",
      "{\"topic\":\"a/b\",\"qos\":1,\"payload\":\"not { json\"}", NULL, NULL },
    { "no such operation", "iot", "GET /thingz", "", "", NULL, "UnknownOperationException",
      "There is no operation GET /thingz." },
    { "JSON 1.1", "IoTSecuredTunneling", "POST /", "X-Amz-Target: IoTSecuredTunneling.DescribeTunnel",
      "{\"tunnelId\":\"t\",\"x\":1}", "{\"tunnelId\":\"t\"}", NULL, NULL },
    { "JSON 1.1 that is no JSON", "IoTSecuredTunneling", "POST /", "X-Amz-Target: IoTSecuredTunneling.DescribeTunnel",
      "{", NULL, "SerializationException", NULL },
    { "JSON 1.1 of no operation", "IoTSecuredTunneling", "POST /", "X-Amz-Target: IoTSecuredTunneling.Dig", "{", NULL,
      "UnknownOperationException", "The service iotsecuretunneling has no operation Dig." },
    { "a form", "sts", "POST /", FORM,
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FR&RoleSessionName=a+b%20c"
      "&DurationSeconds=900&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=k2&Tags.member.2.Value="
      "&PolicyArns.member.1.arn=p&TransitiveTagKeys.member.1=k&Unknown=1",
      "{\"RoleArn\":\"arn:aws:iam::1:role/R\",\"RoleSessionName\":\"a b "
      "c\",\"DurationSeconds\":900,\"Tags\":[{\"Key\":\"k\","
      "\"Value\":\"v\"},{\"Key\":\"k2\",\"Value\":\"\"}],\"PolicyArns\":[{\"arn\":\"p\"}],\"TransitiveTagKeys\":[\"k\"]"
      "}",
      NULL, NULL },
    { "ten elements are in order", "iam", "POST /", FORM,
      "Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.10.Key=j&Tags.member.1.Key=a&Tags.member.2.Key=b&"
      "Tags.member.3.Key=c&Tags.member.4.Key=d&Tags.member.5.Key=e&Tags.member.6.Key=f&Tags.member.7.Key=g&"
      "Tags.member.8.Key=h&Tags.member.9.Key=i",
      "{\"RoleName\":\"r\",\"Tags\":[{\"Key\":\"a\"},{\"Key\":\"b\"},{\"Key\":\"c\"},{\"Key\":\"d\"},{\"Key\":\"e\"},{"
      "\"Key\":\"f\"},"
      "{\"Key\":\"g\"},{\"Key\":\"h\"},{\"Key\":\"i\"},{\"Key\":\"j\"}]}",
      NULL, NULL },
    { "an empty list in a form", "iam", "POST /", FORM,
      "Action=TagRole&Version=2010-05-08&RoleName=r&Tags=", "{\"RoleName\":\"r\",\"Tags\":[]}", NULL, NULL },
    { "a plus in a URL stays", "iam", "GET /?Action=GetUser&Version=2010-05-08&UserName=a+b", "", "",
      "{\"UserName\":\"a+b\"}", NULL, NULL },
    { "a form's number", "sts", "POST /", FORM, "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=long", NULL,
      "ValidationError",
      ONE "Value 'long' at 'durationSeconds' failed to satisfy constraint: Member must be an integer" },
    { "a parameter given twice", "iam", "POST /", FORM, "Action=GetUser&Version=2010-05-08&UserName=a&UserName=b", NULL,
      "ValidationError", "The parameter 'UserName' is given twice." },
    { "given twice with another encoding", "iam", "POST /", FORM,
      "Action=GetUser&Version=2010-05-08&UserName=a&User%4eame=b", NULL, "ValidationError",
      "The parameter 'UserName' is given twice." },
    { "an action given twice", "iam", "POST /", FORM, "Action=GetUser&Action=ListUsers&Version=2010-05-08", NULL,
      "ValidationError", "The parameter 'Action' is given twice." },
    { "a gap in a list", "iam", "POST /", FORM,
      "Action=UntagRole&Version=2010-05-08&RoleName=r&TagKeys.member.1=a&TagKeys.member.3=b", NULL, "ValidationError",
      "The list at 'TagKeys' is not numbered from 1 without a gap." },
    { "a list from 0", "iam", "POST /", FORM, "Action=UntagRole&Version=2010-05-08&RoleName=r&TagKeys.member.0=a", NULL,
      "ValidationError", "The list at 'TagKeys' has an element whose number is none." },
    { "an element of a milliard", "iam", "POST /", FORM,
      "Action=UntagRole&Version=2010-05-08&RoleName=r&TagKeys.member.1000000000=a", NULL, "ValidationError",
      "The list at 'TagKeys' has an element whose number is none." },
    { "an element with a leading zero", "iam", "POST /", FORM,
      "Action=UntagRole&Version=2010-05-08&RoleName=r&TagKeys.member.1=a&TagKeys.member.01=b", NULL, "ValidationError",
      "The list at 'TagKeys' has an element whose number is none." },
    { "a negative element", "iam", "POST /", FORM, "Action=UntagRole&Version=2010-05-08&RoleName=r&TagKeys.member.-1=a",
      NULL, "ValidationError", "The list at 'TagKeys' has an element whose number is none." },
    { "an element without a number", "iam", "POST /", FORM,
      "Action=UntagRole&Version=2010-05-08&RoleName=r&TagKeys.member.=a", NULL, "ValidationError",
      "The list at 'TagKeys' has an element whose number is none." },
    { "a blank value", "iam", "POST /", FORM,
      "Action=ListUsers&Version=2010-05-08&PathPrefix=", "{\"PathPrefix\":\"\"}", NULL, NULL },
    { "a boolean", "iam", "POST /", FORM,
      "Action=CreatePolicyVersion&Version=2010-05-08&PolicyArn=a&PolicyDocument=%7B%7D&SetAsDefault=true",
      "{\"PolicyArn\":\"a\",\"PolicyDocument\":\"{}\",\"SetAsDefault\":true}", NULL, NULL },
    { "a boolean that is none", "iam", "POST /", FORM,
      "Action=CreatePolicyVersion&Version=2010-05-08&PolicyArn=a&PolicyDocument=x&SetAsDefault=1", NULL,
      "ValidationError",
      "1 validation error detected: Value '1' at 'setAsDefault' failed to satisfy constraint: Member must be true or "
      "false" },
    { "a structure in a list in a structure in a list", "iam", "POST /", FORM,
      "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn=a&ActionNames.member.1=b"
      "&ContextEntries.member.1.ContextKeyName=k&ContextEntries.member.1.ContextKeyType=stringList"
      "&ContextEntries.member.1.ContextKeyValues.member.1=x&ContextEntries.member.1.ContextKeyValues.member.2=y",
      "{\"PolicySourceArn\":\"a\",\"ActionNames\":[\"b\"],\"ContextEntries\":[{\"ContextKeyName\":\"k\","
      "\"ContextKeyType\":\"stringList\",\"ContextKeyValues\":[\"x\",\"y\"]}]}",
      NULL, NULL },
    { "a gap in the list within", "iam", "POST /", FORM,
      "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn=a&ActionNames.member.1=b"
      "&ContextEntries.member.1.ContextKeyValues.member.2=y",
      NULL, "ValidationError",
      "The list at 'ContextEntries.member.1.ContextKeyValues' is not numbered from 1 without a gap." },
    { "STS by its target", "", "POST /", "X-Amz-Target: AWSSecurityTokenServiceV20110615.GetFederationToken",
      "{\"Name\":\"ann\",\"PolicyArns\":[{\"arn\":\"a\"}]}", "{\"Name\":\"ann\",\"PolicyArns\":[{\"arn\":\"a\"}]}",
      NULL, NULL },
    { "what STS does not offer", "sts", "POST /", FORM, "Action=AssumeRoleWithSAML&Version=2011-06-15", NULL,
      "UnknownOperationException", "Could not find operation AssumeRoleWithSAML for version 2011-06-15" },
    { "IAM's action in STS's version", "sts", "POST /", FORM, "Action=GetUser&Version=2011-06-15", NULL,
      "UnknownOperationException", "Could not find operation GetUser for version 2011-06-15" },
    { "an unknown action", "sts", "POST /", FORM, "Action=Fly&Version=2011-06-15", NULL, "UnknownOperationException",
      "Could not find operation Fly for version 2011-06-15" },
    { "no action", "sts", "POST /", FORM, "Version=2011-06-15", NULL, "MissingAction", "The request names no Action." },
};

static error *bind_request(void *ctx, const char *scope, const struct http_request *request, struct call **call)
{
    struct route route;
    door_route(shared_door(), ctx, request, slice_of(scope), &route);
    return door_bind(shared_door(), ctx, request, &route, call);
}

static void binds(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct http_request request;
    struct call *call;
    request_of(ctx, row->line, row->headers, row->body, &request);
    error *e = bind_request(ctx, row->scope, &request, &call);
    assert_error(e, row->error, row->message);
    if (e == NULL) {
        if (!json_same(call->input, json_of(ctx, row->input)))
            fail_msg("%s", json_print(ctx, call->input).at);
        assert_null(talloc_parent(call));
        talloc_free(call);
    } else {
        assert_null(call);
    }
    talloc_free(ctx);
}

/* ---- too much ---- */

static const struct much {
    const char *name, *scope, *line, *headers, *opening, *unit, *closing;
    size_t times;
    const char *error;
} much[] = {
    { "JSON 30 deep", "iot", "POST /things/a", "", "{\"attributePayload\":", "[", "", 29, "InvalidRequestException" },
    { "JSON 200 deep", "iot", "POST /things/a", "", "", "{\"a\":", "", 200, "InvalidRequestException" },
    { "a form of 5000 parameters", "sts", "POST /", FORM, "Action=GetCallerIdentity&Version=2011-06-15", "&a=b", "",
      5000, "MissingAction" },
    { "a form of 3000 tags", "iam", "POST /", FORM, "Action=TagRole&Version=2010-05-08&RoleName=r",
      "&Tags.member.1.Key=b", "", 3000, "ValidationError" },
    { "a parameter of a name without end", "iam", "POST /", FORM, "Action=TagRole&Version=2010-05-08&Tags", ".member.1",
      "=x", 5000, NULL },
    { "a megabyte of braces", "iot", "POST /things/a", "", "", "{}", "", 500000, "InvalidRequestException" },
};

static void is_bounded(void **state)
{
    const struct much *row = *state;
    void *ctx = talloc_new(NULL);
    struct http_request request;
    struct call *call;
    writer body = writer_new(ctx, 4 << 20);
    writer_text(&body, row->opening);
    for (size_t i = 0; i < row->times; i++)
        writer_text(&body, row->unit);
    writer_text(&body, row->closing);
    request_of(ctx, row->line, row->headers, writer_finish(&body), &request);
    assert_error(bind_request(ctx, row->scope, &request, &call), row->error, NULL);
    talloc_free(call);
    talloc_free(ctx);
}

/* ---- what has no row ---- */

static const struct absent {
    const char *name, *service, *operation, *message;
} absents[] = {
    { "an operation without a row", "iot", "CreateJob", "CreateJob is not implemented yet." },
    { "an operation of no model", "iot", "CreateJobs", "CreateJobs is not implemented yet." },
    { "a service of no model", "iott", "CreateJob", "CreateJob is not implemented yet." },
};

static void is_not_implemented(void **state)
{
    const struct absent *row = *state;
    void *ctx = talloc_new(NULL);
    struct door *door = door_of_tests(ctx, NULL, NULL);
    struct call *call = call_new(door, row->service, row->operation);
    assert_error(call->inner->early, "NotImplementedException", row->message);
    assert_int_equal(strlen(call->id), 36);
    talloc_free(call);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, binds), TABLE(much, is_bounded), TABLE(absents, is_not_implemented));
}
