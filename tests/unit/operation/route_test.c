/* Which operation a request is for (auth 2.1). */
#include "fixture.h"

#define FORM "Content-Type: application/x-www-form-urlencoded"
static const struct row {
    const char *name, *line, *headers, *body, *scope;
    const char *service, *operation; /* NULL: none */
    enum protocol protocol;
} rows[] = {
    { "method and path", "POST /things/pump-9", "", "", "iot", "iot", "CreateThing", PROTOCOL_REST_JSON },
    { "old clients sign for execute-api", "GET /things", "", "", "execute-api", "iot", "ListThings",
      PROTOCOL_REST_JSON },
    { "a slash at the end", "GET /things/", "", "", "iot", "iot", "ListThings", PROTOCOL_REST_JSON },
    { "a slash at the end after a label", "GET /things/a/", "", "", "iot", "iot", "DescribeThing", PROTOCOL_REST_JSON },
    { "a model's path that has one, without", "GET /certificate-providers", "", "", "iot", "iot",
      "ListCertificateProviders", PROTOCOL_REST_JSON },
    { "a literal before a label", "PUT /thing-groups/addThingToThingGroup", "", "", "iot", "iot",
      "AddThingToThingGroup", PROTOCOL_REST_JSON },
    { "an encoded slash is inside a label", "POST /attached-policies/arn%3Aaws%3Aiot%3Acert%2Fab", "", "", "iot", "iot",
      "ListAttachedPolicies", PROTOCOL_REST_JSON },
    { "a greedy label", "GET /destinations/arn:aws:iot/a/b", "", "", "iot", "iot", "GetTopicRuleDestination",
      PROTOCOL_REST_JSON },
    { "an unknown path", "GET /thingz", "", "", "iot", "iot", NULL, PROTOCOL_REST_JSON },
    { "an unknown method", "PUT /things/a/b/c", "", "", "iot", "iot", NULL, PROTOCOL_REST_JSON },
    { "the root", "GET /", "", "", "iot", "iot", NULL, PROTOCOL_REST_JSON },
    { "an empty path", "GET ", "", "", "iot", "iot", NULL, PROTOCOL_REST_JSON },
    { "many slashes", "GET ////////////////////", "", "", "iot", "iot", NULL, PROTOCOL_REST_JSON },
    { "the scope decides between services", "GET /things/a/jobs/b", "", "", "iot-jobs-data", "iot-jobs-data",
      "DescribeJobExecution", PROTOCOL_REST_JSON },
    { "without a scope the control plane comes first", "GET /things/a/jobs/b", "", "", "", "iot",
      "DescribeJobExecution", PROTOCOL_REST_JSON },
    { "an unknown scope: by path", "GET /greengrass/v2/coreDevices", "", "", "other", "greengrassv2", "ListCoreDevices",
      PROTOCOL_REST_JSON },
    { "nothing fits", "GET /nothing", "", "", "", NULL, NULL, PROTOCOL_REST_JSON },
    { "the target before everything", "POST /things/a", "X-Amz-Target: IoTSecuredTunneling.OpenTunnel", "{}", "iot",
      "iotsecuretunneling", "OpenTunnel", PROTOCOL_JSON },
    { "a target of no operation", "POST /", "x-amz-target: IoTSecuredTunneling.Dig", "{}", "IoTSecuredTunneling",
      "iotsecuretunneling", NULL, PROTOCOL_JSON },
    { "a target of no service", "POST /", "x-amz-target: Nobody.Dig", "{}", "IoTSecuredTunneling", "iotsecuretunneling",
      NULL, PROTOCOL_JSON },
    { "a target that only begins alike", "POST /", "x-amz-target: IoTSecuredTunnelingX.OpenTunnel", "{}", "", NULL,
      NULL, PROTOCOL_REST_JSON },
    { "STS takes targets too", "POST /", "x-amz-target: AWSSecurityTokenServiceV20110615.GetCallerIdentity", "{}",
      "sts", "sts", "GetCallerIdentity", PROTOCOL_JSON },
    { "an action in a form", "POST /", FORM, "Action=GetCallerIdentity&Version=2011-06-15", "sts", "sts",
      "GetCallerIdentity", PROTOCOL_QUERY },
    { "an action in a query", "GET /?Action=GetCallerIdentity&Version=2011-06-15", "", "", "sts", "sts",
      "GetCallerIdentity", PROTOCOL_QUERY },
    { "the version decides", "POST /", FORM, "Action=GetUser&Version=2010-05-08", "sts", "iam", "GetUser",
      PROTOCOL_QUERY },
    { "without a version the scope decides", "POST /", FORM, "Action=GetUser", "iam", "iam", "GetUser",
      PROTOCOL_QUERY },
    { "without both the action decides", "POST /", FORM, "Action=AssumeRoleWithWebIdentity", "", "sts",
      "AssumeRoleWithWebIdentity", PROTOCOL_QUERY },
    { "an unknown action", "POST /", FORM, "Action=Fly&Version=2011-06-15", "sts", "sts", NULL, PROTOCOL_QUERY },
    { "no action", "POST /", FORM, "Version=2011-06-15", "sts", "sts", NULL, PROTOCOL_QUERY },
    { "an action in a body that is no form", "POST /", "Content-Type: application/json", "Action=GetUser", "iam", "iam",
      NULL, PROTOCOL_QUERY },
    { "an action elsewhere than at the root is no action", "GET /things?Action=GetUser", "", "", "iot", "iot",
      "ListThings", PROTOCOL_REST_JSON },
};

static void leads(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct http_request request;
    struct route route;
    request_of(ctx, row->line, row->headers, row->body, &request);
    door_route(shared_door(), ctx, &request, slice_of(row->scope), &route);
    if (row->service == NULL)
        assert_null(route.service);
    else
        assert_string_equal(route.service, row->service);
    if (row->operation == NULL)
        assert_null(route.operation);
    else
        assert_string_equal(route.operation ? route.operation->name : "nothing", row->operation);
    assert_int_equal(route.protocol, row->protocol);
    talloc_free(ctx);
}

static const struct fact {
    const char *name, *line, *scope;
    bool unsigned_allowed;
    const char *first_scope;
    size_t scope_count;
} facts[] = {
    { "the control plane is signed", "GET /things", "iot", false, "iot", 2 },
    { "the data plane has its own scope", "POST /topics/a", "iotdata", false, "iotdata", 2 },
    { "web identities need no signature", "GET /?Action=AssumeRoleWithWebIdentity&Version=2011-06-15", "", true, "sts",
      1 },
};

static void says(void **state)
{
    const struct fact *row = *state;
    void *ctx = talloc_new(NULL);
    struct http_request request;
    struct route route;
    request_of(ctx, row->line, "", "", &request);
    door_route(shared_door(), ctx, &request, slice_of(row->scope), &route);
    assert_int_equal(route.unsigned_allowed, row->unsigned_allowed);
    assert_string_equal(route.scopes[0], row->first_scope);
    assert_int_equal(route.scope_count, row->scope_count);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, leads), TABLE(facts, says));
}
