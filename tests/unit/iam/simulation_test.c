/* simulation_test.c - the request of a simulation: what is taken, what is refused in which words, and which keys a policy
   finds (auth 2.4). */
#include "iam/simulation.h"
#include "table.h"

#define ALLOW    "{#Version#:#2012-10-17#,#Statement#:{#Effect#:#Allow#,#Action#:#iot:*#,#Resource#:#*#}}"
#define RESOURCE "{#Statement#:{#Effect#:#Allow#,#Principal#:#*#,#Action#:#s3:*#,#Resource#:#*#}}"
#define ADA      "arn:aws:iam::000000000001:user/lab/ada"
#define ENTRY(type, values)                                                                     \
    "'ActionNames':['a:B'],'ContextEntries':[{'ContextKeyName':'aws:x','ContextKeyType':'" type \
    "','ContextKeyValues':" values "}]"

/* ' stands for a quote of the request, # for one of a document in it. */
static struct call *request(const char *members)
{
    struct call *call = MAKE(NULL, struct call);
    writer out = writer_new(call, 65536);
    for (const char *at = members; *at != '\0'; at++)
        writer_text(&out, *at == '\'' ? "\"" : *at == '#' ? "\\\"" : (char[]){ *at, '\0' });
    char *text = text_format(call, "{%s}", writer_finish(&out));
    error *e = json_parse(call, slice_of(text), 8, &call->input);
    if (e != NULL)
        fail_msg("%s: %s", e->message, text);
    call->account = "000000000001";
    call->now_ms = 1768465800000;
    return call;
}

static const struct row {
    const char *name, *members;
    const char *message; /* of InvalidInput; NULL: it is taken */
} rows[] = {
    { "one action", "'ActionNames':['iot:CreateThing']", NULL },
    { "no action", "'ActionNames':[]", "ActionNames: 1 to 1000 actions" },
    { "an action without service", "'ActionNames':['CreateThing']", "ActionNames: CreateThing is not an action" },
    { "an action without name", "'ActionNames':['iot:']", "ActionNames: iot: is not an action" },
    { "a wildcard", "'ActionNames':['iot:Create*']", "ActionNames: iot:Create* is not an action" },
    { "a policy", "'ActionNames':['a:B'],'PolicyInputList':['" ALLOW "']", NULL },
    { "the second of two policies", "'ActionNames':['a:B'],'PolicyInputList':['" ALLOW "','{}']",
      "PolicyInputList.2: Syntax errors in policy." },
    { "one boundary", "'ActionNames':['a:B'],'PermissionsBoundaryPolicyInputList':['" ALLOW "']", NULL },
    { "two boundaries", "'ActionNames':['a:B'],'PermissionsBoundaryPolicyInputList':['" ALLOW "','" ALLOW "']",
      "PermissionsBoundaryPolicyInputList: at most 1 policy" },
    { "a resource policy", "'ActionNames':['a:B'],'CallerArn':'" ADA "','ResourcePolicy':'" RESOURCE "'", NULL },
    { "a resource policy and nobody who asks", "'ActionNames':['a:B'],'ResourcePolicy':'" RESOURCE "'",
      "CallerArn is required" },
    { "a resource policy without principal", "'ActionNames':['a:B'],'CallerArn':'" ADA "','ResourcePolicy':'" ALLOW "'",
      "ResourcePolicy: " },
    { "a group that asks", "'ActionNames':['a:B'],'CallerArn':'arn:aws:iam::000000000001:group/g'",
      "CallerArn: arn:aws:iam::000000000001:group/g is not" },
    { "an owner", "'ActionNames':['a:B'],'ResourceOwner':'arn:aws:iam::000000000002:root'", NULL },
    { "an owner by number", "'ActionNames':['a:B'],'ResourceOwner':'000000000002'", NULL },
    { "an owner that is none", "'ActionNames':['a:B'],'ResourceOwner':'arn:aws:iam::2:root'", "ResourceOwner: " },
    { "a star for resources", "'ActionNames':['a:B'],'ResourceArns':['*']", NULL },
    { "a resource that is no ARN", "'ActionNames':['a:B'],'ResourceArns':['thing/a']", "Resource thing/a must be" },
    { "a resource of five parts", "'ActionNames':['a:B'],'ResourceArns':['arn:aws:iot:r:1']",
      "Resource arn:aws:iot:r:1" },
    { "a resource whose last part is empty", "'ActionNames':['a:B'],'ResourceArns':['arn:aws:iot:r:1:']",
      "Resource arn:" },
    { "a key without a name", "'ActionNames':['a:B'],'ContextEntries':[{'ContextKeyValues':['1']}]",
      "ContextKeyName is missing" },
    { "a number", ENTRY("numeric", "['-1.5']"), NULL },
    { "two numbers", ENTRY("numericList", "['1','2']"), NULL },
    { "two numbers where one is", ENTRY("numeric", "['1','2']"), "use numericList for several" },
    { "no number", ENTRY("numeric", "['one']"), "The value one of context key aws:x is not of type numeric." },
    { "no date", ENTRY("dateList", "['2026-01-15','soon']"), "The value soon" },
    { "no address", ENTRY("ip", "['10.0.0']"), "The value 10.0.0" },
    { "no truth", ENTRY("boolean", "['1']"), "The value 1" },
    { "no base64", ENTRY("binary", "['a']"), "The value a" },
    { "a key of no values", ENTRY("stringList", "[]"), NULL },
};

static void is_taken(void **state)
{
    const struct row *row = *state;
    struct call *call = request(row->members);
    struct simulation *simulation = MAKE(call, struct simulation);
    error *e = simulation_of_request(call, simulation);
    if (row->message == NULL && e != NULL)
        fail_msg("refused: %s", e->message);
    if (row->message != NULL) {
        assert_non_null(e);
        assert_string_equal(e->name, "InvalidInputException");
        if (strstr(e->message, row->message) == NULL)
            fail_msg("not \"%s\" but \"%s\"", row->message, e->message);
    }
    talloc_free(call);
}

static const struct fact {
    const char *name, *members, *key;
    const char *value; /* NULL: absent */
    size_t count;
} facts[] = {
    { "the time of now", "'ActionNames':['a:B']", "aws:CurrentTime", "2026-01-15T08:30:00Z", 1 },
    { "an entry, in any case", ENTRY("string", "['1']"), "AWS:X", "1", 1 },
    { "an entry goes before what is known",
      "'ActionNames':['a:B'],'ContextEntries':[{'ContextKeyName':'aws:CurrentTime',"
      "'ContextKeyType':'date','ContextKeyValues':['2020-01-01']}]",
      "aws:CurrentTime", "2020-01-01", 1 },
    { "seconds", "'ActionNames':['a:B']", "aws:EpochTime", "1768465800", 1 },
    { "nobody's name", "'ActionNames':['a:B']", "aws:username", NULL, 0 },
    { "the caller's name", "'ActionNames':['a:B'],'CallerArn':'" ADA "'", "aws:username", "ada", 1 },
    { "the caller's ARN", "'ActionNames':['a:B'],'CallerArn':'" ADA "'", "aws:PrincipalArn", ADA, 1 },
    { "the caller's account", "'ActionNames':['a:B'],'CallerArn':'" ADA "'", "aws:PrincipalAccount", "000000000001",
      1 },
    { "the caller's type", "'ActionNames':['a:B'],'CallerArn':'arn:aws:iam::000000000001:role/r'", "aws:PrincipalType",
      "AssumedRole", 1 },
    { "a role has no user's name", "'ActionNames':['a:B'],'CallerArn':'arn:aws:iam::000000000001:role/r'",
      "aws:username", NULL, 0 },
    { "bytes out of base64", ENTRY("binary", "['QmluYXJ5']"), "aws:x", "Binary", 1 },
    { "several values", ENTRY("stringList", "['a','b']"), "aws:x", "a", 2 },
    { "an address is not guessed", "'ActionNames':['a:B']", "aws:SourceIp", NULL, 0 },
};

static void is_found(void **state)
{
    const struct fact *row = *state;
    struct call *call = request(row->members);
    struct simulation *simulation = MAKE(call, struct simulation);
    assert_null(simulation_of_request(call, simulation));
    struct policy_values found;
    assert_int_equal(policy_find(&simulation->context, slice_of(row->key), &found), row->value != NULL);
    if (row->value != NULL) {
        assert_int_equal(found.count, row->count);
        assert_true(slice_is(found.values[0], row->value));
    }
    talloc_free(call);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, is_taken), TABLE(facts, is_found));
}
