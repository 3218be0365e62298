/* document_test.c - what a policy document may be (auth 4.2.1, x509 4.14), and what is said of all others. */
#include "given.h"

#define V         "'Version':'2012-10-17',"
#define ALLOW     "'Effect':'Allow','Action':'iot:Publish','Resource':'*'"
#define TRUST     "'Effect':'Allow','Action':'sts:AssumeRole','Principal':"
#define ONE(stmt) "{" V "'Statement':[{" stmt "}]}"

#define SYNTAX     "Syntax errors in policy."
#define VENDOR     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
#define TRUST_ONLY "AssumeRole policy may only specify STS AssumeRole actions."

/* message NULL: the document is good. */
static const struct row {
    const char *name;
    enum policy_kind kind;
    const char *document, *message;
} rows[] = {
    { "an IoT policy", POLICY_IOT, ONE(ALLOW), NULL },
    { "a single statement without an array", POLICY_IOT, "{" V "'Statement':{" ALLOW "}}", NULL },
    { "the old version", POLICY_IOT, "{'Version':'2008-10-17','Statement':{" ALLOW "}}", NULL },
    { "with an Id", POLICY_IOT, "{" V "'Id':'x','Statement':{" ALLOW "}}", NULL },
    { "with a Sid", POLICY_IOT, ONE("'Sid':'x'," ALLOW), NULL },
    { "two empty Sids", POLICY_IOT, ONE("'Sid':''," ALLOW "},{'Sid':''," ALLOW), NULL },
    { "lists", POLICY_IOT, ONE("'Effect':'Deny','NotAction':['iot:*','*'],'NotResource':['*','arn:aws:iot:*']"), NULL },
    { "a condition", POLICY_IOT, ONE(ALLOW ",'Condition':{'Bool':{'aws:SecureTransport':true}}"), NULL },
    { "a variable in the last part", POLICY_IOT,
      ONE("'Effect':'Allow','Action':'iot:Connect','Resource':'arn:aws:iot:r:a:client/${iot:ClientId}'"), NULL },
    { "white space", POLICY_IOT, " \t\r\n" ONE(ALLOW) "\n", NULL },
    { "the size counts no white space", POLICY_IOT, "SPACES", NULL },

    { "no JSON", POLICY_IOT, "x", "The policy document is not valid JSON: " },
    { "no object", POLICY_IOT, "[]", "The policy document is not a JSON object." },
    { "text behind it", POLICY_IOT, ONE(ALLOW) "x", "The policy document is not valid JSON: " },
    { "too deep", POLICY_IOT, "{'Statement':[[[[[[[[[[[[]]]]]]]]]]]]}", "The policy document is not valid JSON: " },
    { "too large", POLICY_IOT, "LARGE",
      "The policy document has more than 2048 characters, not counting white space." },
    { "no Version", POLICY_IOT, "{'Statement':[{" ALLOW "}]}",
      "Version is missing; it is \"2012-10-17\" or \"2008-10-17\"." },
    { "another Version", POLICY_IOT, "{'Version':'2020-01-01','Statement':[{" ALLOW "}]}",
      "Version is \"2020-01-01\"; it must be \"2012-10-17\" or \"2008-10-17\"." },
    { "a Version that is no text", POLICY_IOT, "{'Version':2012,'Statement':[{" ALLOW "}]}", "Version is not text." },
    { "no Statement", POLICY_IOT, "{'Version':'2012-10-17'}", "Statement is missing." },
    { "no statements", POLICY_IOT, "{" V "'Statement':[]}", "Statement is empty." },
    { "a Statement that is text", POLICY_IOT, "{" V "'Statement':'x'}", "Statement 1: It is not an object." },
    { "a statement that is null", POLICY_IOT, "{" V "'Statement':[{" ALLOW "},null]}",
      "Statement 2: It is not an object." },
    { "an unknown key", POLICY_IOT, "{" V "'Statment':[{" ALLOW "}]}",
      "The policy document has the unknown key \"Statment\"." },
    { "keys mind case", POLICY_IOT, ONE("'effect':'Allow','Action':'iot:*','Resource':'*'"),
      "Statement 1: It has the unknown key \"effect\"." },
    { "an unknown key of a statement", POLICY_IOT, ONE(ALLOW ",'Foo':1"),
      "Statement 1: It has the unknown key \"Foo\"." },
    { "a principal", POLICY_IOT, ONE(ALLOW ",'Principal':'*'"), "Statement 1: It has the unknown key \"Principal\"." },
    { "an Id that is no text", POLICY_IOT, "{" V "'Id':1,'Statement':{" ALLOW "}}", "Id is not text." },
    { "a repeated key", POLICY_IOT, ONE("'Effect':'Deny'," ALLOW), "A key of the policy document is repeated." },
    { "a repeated key, spelled otherwise", POLICY_IOT, ONE("'\\u0045ffect':'Deny'," ALLOW),
      "A key of the policy document is repeated." },
    { "a repeated key far inside", POLICY_IOT,
      ONE(ALLOW ",'Condition':{'StringEquals':{'a:x':'1','a:y':':','a:x':'2'}}"),
      "A key of the policy document is repeated." },
    { "a repeated key with keys inside", POLICY_IOT, "{" V "'Statement':{" ALLOW "},'Statement':{'Sid':'x'," ALLOW "}}",
      "A key of the policy document is repeated." },
    { "colons in text are no keys", POLICY_IOT, ONE("'Sid':'a:b\\\":c\\\\'," ALLOW), NULL },
    { "U+0000 in a key", POLICY_IOT, ONE("'Effect\\u0000':'Allow','Action':'iot:*','Resource':'*'"),
      "The policy document is not valid JSON: " },
    { "U+0000 in a text", POLICY_IOT, ONE("'Sid':'\\u0000'," ALLOW),
      "The policy document holds the character U+0000." },
    { "no Effect", POLICY_IOT, ONE("'Action':'iot:*','Resource':'*'"), "Statement 1: Effect is missing." },
    { "another Effect", POLICY_IOT, ONE("'Effect':'allow','Action':'iot:*','Resource':'*'"),
      "Statement 1: Effect is neither \"Allow\" nor \"Deny\"." },
    { "no Action", POLICY_IOT, ONE("'Effect':'Allow','Resource':'*'"),
      "Statement 1: Policy statement must contain actions." },
    { "an empty Action", POLICY_IOT, ONE("'Effect':'Allow','Action':[],'Resource':'*'"),
      "Statement 1: Policy statement must contain actions." },
    { "Action and NotAction", POLICY_IOT, ONE(ALLOW ",'NotAction':'iot:*'"),
      "Statement 1: Action and NotAction exclude each other." },
    { "an Action that is no text", POLICY_IOT, ONE("'Effect':'Allow','Action':[1],'Resource':'*'"),
      "Statement 1: Action holds a value that is not text." },
    { "an Action without a service", POLICY_IOT, ONE("'Effect':'Allow','Action':'Publish','Resource':'*'"),
      "Statement 1: Action \"Publish\" is not \"*\" and has no service before a colon, as in \"iot:Publish\"." },
    { "a wildcard for the service", POLICY_IOT, ONE("'Effect':'Allow','Action':'i*:Publish','Resource':'*'"),
      "Statement 1: Action \"i*:Publish\" is not \"*\" and has no service before a colon, as in \"iot:Publish\"." },
    { "no Resource", POLICY_IOT, ONE("'Effect':'Allow','Action':'iot:*'"),
      "Statement 1: Policy statement must contain resources." },
    { "Resource and NotResource", POLICY_IOT, ONE(ALLOW ",'NotResource':'*'"),
      "Statement 1: Resource and NotResource exclude each other." },
    { "a Resource that is no ARN", POLICY_IOT, ONE("'Effect':'Allow','Action':'iot:*','Resource':['*','topic/a']"),
      "Statement 1: Resource \"topic/a\" must be in ARN format or \"*\", with variables in its last part only." },
    { "a variable in the head of a Resource", POLICY_IOT,
      ONE("'Effect':'Allow','Action':'iot:*','NotResource':'arn:aws:iot:${a:x}:1:topic/a'"),
      "Statement 1: NotResource \"arn:aws:iot:${a:x}:1:topic/a\" must be in ARN format or \"*\", with variables in its "
      "last part only." },
    { "a variable that does not end", POLICY_IOT,
      ONE("'Effect':'Allow','Action':'iot:*','Resource':'arn:aws:iot:r:1:topic/${a'"),
      "Statement 1: Resource \"arn:aws:iot:r:1:topic/${a\" has a \"${\" without its \"}\"." },
    { "the same Sid twice", POLICY_IOT, ONE("'Sid':'x'," ALLOW "},{'Sid':'x'," ALLOW),
      "Statement 2: Statement IDs (SID) in a single policy must be unique." },
    { "an unknown operator", POLICY_IOT, ONE(ALLOW ",'Condition':{'StringMatches':{'a:x':'1'}}"),
      "Statement 1: \"StringMatches\" is not a condition operator." },
    { "an operator in another case", POLICY_IOT, ONE(ALLOW ",'Condition':{'stringEquals':{'a:x':'1'}}"),
      "Statement 1: \"stringEquals\" is not a condition operator." },
    { "NullIfExists", POLICY_IOT, ONE(ALLOW ",'Condition':{'NullIfExists':{'a:x':'true'}}"),
      "Statement 1: \"NullIfExists\" is not a condition operator." },
    { "two prefixes", POLICY_IOT, ONE(ALLOW ",'Condition':{'ForAnyValue:ForAllValues:Bool':{'a:x':'true'}}"),
      "Statement 1: \"ForAnyValue:ForAllValues:Bool\" is not a condition operator." },
    { "a Condition that is no object", POLICY_IOT, ONE(ALLOW ",'Condition':[]"),
      "Statement 1: Condition is not an object." },
    { "an operator without an object", POLICY_IOT, ONE(ALLOW ",'Condition':{'Bool':'true'}"),
      "Statement 1: Bool is not an object of condition keys." },
    { "a condition key without a service", POLICY_IOT, ONE(ALLOW ",'Condition':{'Bool':{'x':'true'}}"),
      "Statement 1: The condition key \"x\" has no service before a colon, as in \"iot:ClientId\"." },
    { "a number that is none", POLICY_IOT, ONE(ALLOW ",'Condition':{'NumericEquals':{'a:x':'ten'}}"),
      "Statement 1: The value \"ten\" of NumericEquals is not a decimal number." },
    { "a date that is none", POLICY_IOT, ONE(ALLOW ",'Condition':{'DateLessThan':{'a:x':'soon'}}"),
      "Statement 1: The value \"soon\" of DateLessThan is neither an ISO 8601 date nor seconds since 1970." },
    { "an address that is none", POLICY_IOT, ONE(ALLOW ",'Condition':{'IpAddress':{'a:x':'home'}}"),
      "Statement 1: The value \"home\" of IpAddress is not an IP address or a range such as 10.0.0.0/8." },
    { "a truth that is none", POLICY_IOT, ONE(ALLOW ",'Condition':{'Bool':{'a:x':'yes'}}"),
      "Statement 1: The value \"yes\" of Bool is neither \"true\" nor \"false\"." },
    { "base64 that is none", POLICY_IOT, ONE(ALLOW ",'Condition':{'BinaryEquals':{'a:x':'*'}}"),
      "Statement 1: The value \"*\" of BinaryEquals is not base64." },
    { "a null value", POLICY_IOT, ONE(ALLOW ",'Condition':{'StringEquals':{'a:x':null}}"),
      "Statement 1: StringEquals holds a value that is not text." },

    { "an IAM policy", POLICY_IAM_IDENTITY, ONE(ALLOW), NULL },
    { "without a Version", POLICY_IAM_IDENTITY, "{'Statement':{" ALLOW "}}", NULL },
    { "a session policy", POLICY_SESSION, ONE(ALLOW), NULL },
    { "IAM: no JSON", POLICY_IAM_IDENTITY, "{", SYNTAX },
    { "IAM: too deep", POLICY_IAM_IDENTITY, "{'Statement':[[[[[[[[[[[[]]]]]]]]]]]]}", SYNTAX },
    { "IAM: a repeated key", POLICY_IAM_IDENTITY, ONE("'Effect':'Deny'," ALLOW), SYNTAX },
    { "IAM: an unknown key", POLICY_IAM_IDENTITY, ONE(ALLOW ",'Foo':1"), SYNTAX },
    { "IAM: an unknown operator", POLICY_SESSION, ONE(ALLOW ",'Condition':{'Foo':{'a:x':'1'}}"), SYNTAX },
    { "IAM: another Version", POLICY_IAM_IDENTITY, "{'Version':'2012-10-18','Statement':{" ALLOW "}}",
      "Policy document must be version 2012-10-17 or greater." },
    { "IAM: no actions", POLICY_IAM_IDENTITY, ONE("'Effect':'Allow','Resource':'*'"),
      "Policy statement must contain actions." },
    { "IAM: no resources", POLICY_IAM_IDENTITY, ONE("'Effect':'Allow','Action':'iot:*'"),
      "Policy statement must contain resources." },
    { "IAM: the same Sid twice", POLICY_IAM_IDENTITY, ONE("'Sid':'x'," ALLOW "},{'Sid':'x'," ALLOW),
      "Statement IDs (SID) in a single policy must be unique." },
    { "IAM: an Action without a vendor", POLICY_IAM_IDENTITY, ONE("'Effect':'Allow','Action':'x','Resource':'*'"),
      VENDOR },
    { "IAM: a condition key without a vendor", POLICY_IAM_IDENTITY, ONE(ALLOW ",'Condition':{'Bool':{'x':'true'}}"),
      VENDOR },
    { "IAM: a Resource that is no ARN", POLICY_IAM_IDENTITY, ONE("'Effect':'Allow','Action':'iot:*','Resource':'x'"),
      "Resource x must be in ARN format or \"*\"." },
    { "IAM: a principal", POLICY_IAM_IDENTITY, ONE(ALLOW ",'Principal':'*'"),
      "Policy document should not specify a principal." },
    { "a session policy with a principal", POLICY_SESSION, ONE(ALLOW ",'NotPrincipal':'*'"),
      "Policy document should not specify a principal." },

    { "a trust policy", POLICY_IAM_TRUST, ONE(TRUST "{'Service':'iot.amazonaws.com'}"), NULL },
    { "everyone", POLICY_IAM_TRUST, ONE(TRUST "'*'"), NULL },
    { "all kinds of principals", POLICY_IAM_TRUST,
      ONE(TRUST "{'AWS':['*','111122223333','arn:aws:iam::111122223333:root','arn:aws:iam::111122223333:user/p/u',"
                "'arn:aws:iam::111122223333:role/r','arn:aws:sts::111122223333:assumed-role/r/s',"
                "'AROAIIIIIIIIIIIIIIIII'],'Service':['iot.amazonaws.com','credentials.iot.amazonaws.com'],"
                "'Federated':['cognito-identity.amazonaws.com',"
                "'arn:aws:iam::111122223333:oidc-provider/login.example.org/realms/a']}"),
      NULL },
    { "all actions of trust", POLICY_IAM_TRUST,
      ONE("'Effect':'Allow','Principal':'*','Action':['sts:AssumeRole','sts:AssumeRoleWithWebIdentity',"
          "'sts:AssumeRoleWithSAML','sts:TagSession','sts:SetSourceIdentity','STS:*']"),
      NULL },
    { "a foreign action in trust", POLICY_IAM_TRUST, ONE("'Effect':'Allow','Principal':'*','Action':'iot:Connect'"),
      TRUST_ONLY },
    { "every action in trust", POLICY_IAM_TRUST, ONE("'Effect':'Allow','Principal':'*','Action':'*'"), TRUST_ONLY },
    { "a Resource in trust", POLICY_IAM_TRUST, ONE(TRUST "'*','Resource':'*'"), "Has prohibited field Resource" },
    { "trust without a principal", POLICY_IAM_TRUST, ONE("'Effect':'Allow','Action':'sts:AssumeRole'"),
      "Missing required field Principal" },
    { "Principal and NotPrincipal", POLICY_IAM_TRUST, ONE(TRUST "'*','NotPrincipal':'*'"), SYNTAX },
    { "an unknown kind of principal", POLICY_IAM_TRUST, ONE(TRUST "{'CanonicalUser':'x'}"), SYNTAX },
    { "a principal that is text", POLICY_IAM_TRUST, ONE(TRUST "'111122223333'"), SYNTAX },
    { "a principal of nobody", POLICY_IAM_TRUST, ONE(TRUST "{'AWS':[]}"), SYNTAX },
    { "a partial wildcard", POLICY_IAM_TRUST, ONE(TRUST "{'AWS':'arn:aws:iam::111122223333:user/*'}"),
      "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/*\"" },
    { "a group is no principal", POLICY_IAM_TRUST, ONE(TRUST "{'AWS':'arn:aws:iam::111122223333:group/g'}"),
      "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:group/g\"" },
    { "a session without its name", POLICY_IAM_TRUST, ONE(TRUST "{'AWS':'arn:aws:sts::111122223333:assumed-role/r'}"),
      "Invalid principal in policy: \"AWS\":\"arn:aws:sts::111122223333:assumed-role/r\"" },
    { "a short account", POLICY_IAM_TRUST, ONE(TRUST "{'AWS':'1111'}"),
      "Invalid principal in policy: \"AWS\":\"1111\"" },
    { "an empty principal", POLICY_IAM_TRUST, ONE(TRUST "{'AWS':''}"), "Invalid principal in policy: \"AWS\":\"\"" },
    { "a service without a domain", POLICY_IAM_TRUST, ONE(TRUST "{'Service':'iot'}"),
      "Invalid principal in policy: \"SERVICE\":\"iot\"" },
    { "all services", POLICY_IAM_TRUST, ONE(TRUST "{'Service':'*'}"),
      "Invalid principal in policy: \"SERVICE\":\"*\"" },
    { "a provider with a wildcard", POLICY_IAM_TRUST,
      ONE(TRUST "{'Federated':'arn:aws:iam::111122223333:oidc-provider/*'}"),
      "Invalid principal in policy: \"FEDERATED\":\"arn:aws:iam::111122223333:oidc-provider/*\"" },

    { "a resource policy", POLICY_IAM_RESOURCE, ONE(ALLOW ",'Principal':{'Service':'iot.amazonaws.com'}"), NULL },
    { "a resource policy without a principal", POLICY_IAM_RESOURCE, ONE(ALLOW), "Missing required field Principal" },
};

static char *document_of(void *ctx, const char *text)
{
    char *filling = memory_zeroed(ctx, 1, 4001, "filling");
    memset(filling, text[0] == 'S' ? ' ' : 'x', 4000);
    if (strcmp(text, "SPACES") == 0 || strcmp(text, "LARGE") == 0)
        text = text_format(ctx, "{" V "%s'Id':'%s','Statement':{" ALLOW "}}", text[0] == 'S' ? filling : "",
                           text[0] == 'S' ? "" : filling);
    return given_json(ctx, text);
}

static void is_judged(void **state)
{
    const struct row *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct policy *policy;
    error *e = policy_parse(ctx, slice_of(document_of(ctx, row->document)), row->kind, &policy);
    if (row->message == NULL) {
        assert_string_equal(e ? error_chain(ctx, e) : "good", "good");
        assert_int_equal(policy_kind_of(policy), row->kind);
        return;
    }
    assert_non_null(e);
    assert_null(policy);
    assert_string_equal(e->name, row->kind == POLICY_IOT ? "MalformedPolicyException" : "MalformedPolicyDocument");
    if (slice_ends(slice_of(row->message), ": "))
        assert_true(slice_starts(slice_of(e->message), row->message));
    else
        assert_string_equal(e->message, row->message);
    if (row->kind != POLICY_IOT)
        assert_non_null(e->cause); /* the log learns which statement it was */
}

static const struct size {
    const char *name, *document;
    size_t size;
} sizes[] = {
    { "nothing", "", 0 },
    { "white space", " \t\r\n", 0 },
    { "letters", " a b ", 2 },
    { "letters of several bytes", "\xC3\xA9\xE2\x82\xAC", 2 },
};

static void has_size(void **state)
{
    const struct size *row = *state;
    assert_int_equal(policy_size(slice_of(row->document)), row->size);
}

static const struct quota {
    const char *name;
    size_t spare; /* of the quota, beside the document */
    bool good;
} quotas[] = {
    { "a quota that is just enough", 0, true },
    { "a quota of one less", (size_t)-1, false },
};

static void keeps_quota(void **state)
{
    const struct quota *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    struct policy *policy;
    slice document = slice_of(document_of(ctx, ONE(ALLOW)));
    error *e = policy_parse_sized(ctx, document, POLICY_IOT, policy_size(document) + row->spare, &policy);
    assert_int_equal(e == NULL, row->good);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_judged), TABLE(sizes, has_size), TABLE(quotas, keeps_quota));
}
