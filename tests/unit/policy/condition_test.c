/* condition_test.c - every operator of auth 4.2.4, and what absent, empty and several values mean to it. */
#include "given.h"

enum { NO, YES };

static const struct row {
    const char *name, *condition, *keys;
    bool holds;
} rows[] = {
    { "no condition", "{}", "", YES },
    { "an operator without keys", "{'StringEquals':{}}", "", YES },

    { "StringEquals", "{'StringEquals':{'a:x':'1'}}", "a:x=1", YES },
    { "StringEquals another", "{'StringEquals':{'a:x':'1'}}", "a:x=2", NO },
    { "StringEquals absent", "{'StringEquals':{'a:x':'1'}}", "", NO },
    { "StringEquals IfExists absent", "{'StringEqualsIfExists':{'a:x':'1'}}", "", YES },
    { "StringEquals IfExists another", "{'StringEqualsIfExists':{'a:x':'1'}}", "a:x=2", NO },
    { "StringEquals minds case", "{'StringEquals':{'a:x':'Ab'}}", "a:x=aB", NO },
    { "StringEquals has no wildcards", "{'StringEquals':{'a:x':'a*'}}", "a:x=ab", NO },
    { "StringEquals one of several", "{'StringEquals':{'a:x':['1','2']}}", "a:x=2", YES },
    { "key names have no case", "{'StringEquals':{'A:X':'1'}}", "a:x=1", YES },
    { "the tag-key part neither", "{'StringEquals':{'aws:PrincipalTag/Team':'1'}}", "AWS:principaltag/team=1", YES },
    { "a tag of two values is none of them", "{'StringEquals':{'aws:RequestTag/team':'1'}}", "aws:RequestTag/team=1|2",
      NO },
    { "nor is it another", "{'StringNotEquals':{'aws:RequestTag/team':'3'}}", "aws:RequestTag/team=1|2", NO },
    { "but it is there", "{'Null':{'aws:RequestTag/team':'false'}}", "aws:RequestTag/team=1|2", YES },
    { "two keys are both needed", "{'StringEquals':{'a:x':'1','a:y':'2'}}", "a:x=1", NO },
    { "two keys", "{'StringEquals':{'a:x':'1','a:y':'2'}}", "a:x=1;a:y=2", YES },
    { "two operators are both needed", "{'StringEquals':{'a:x':'1'},'StringLike':{'a:y':'2*'}}", "a:x=1;a:y=3", NO },
    { "two operators", "{'StringEquals':{'a:x':'1'},'StringLike':{'a:y':'2*'}}", "a:x=1;a:y=23", YES },
    { "a value without case of number", "{'StringEquals':{'a:x':7}}", "a:x=7", YES },
    { "a number keeps its text", "{'StringEquals':{'a:x':1.10}}", "a:x=1.10", YES },

    { "StringNotEquals", "{'StringNotEquals':{'a:x':'1'}}", "a:x=2", YES },
    { "StringNotEquals the same", "{'StringNotEquals':{'a:x':'1'}}", "a:x=1", NO },
    { "StringNotEquals none of several", "{'StringNotEquals':{'a:x':['1','2']}}", "a:x=2", NO },
    { "StringNotEquals absent", "{'StringNotEquals':{'a:x':'1'}}", "", YES },
    { "StringNotEquals IfExists absent", "{'StringNotEqualsIfExists':{'a:x':'1'}}", "", YES },
    { "StringNotEquals IfExists the same", "{'StringNotEqualsIfExists':{'a:x':'1'}}", "a:x=1", NO },
    { "StringNotEquals, one of the values is it", "{'StringNotEquals':{'a:x':'1'}}", "a:x=1|2", NO },

    { "StringEqualsIgnoreCase", "{'StringEqualsIgnoreCase':{'a:x':'Ab'}}", "a:x=aB", YES },
    { "StringEqualsIgnoreCase another", "{'StringEqualsIgnoreCase':{'a:x':'Ab'}}", "a:x=ac", NO },
    { "StringEqualsIgnoreCase has no wildcards", "{'StringEqualsIgnoreCase':{'a:x':'a*'}}", "a:x=AB", NO },
    { "StringEqualsIgnoreCase absent", "{'StringEqualsIgnoreCase':{'a:x':'1'}}", "", NO },
    { "StringNotEqualsIgnoreCase", "{'StringNotEqualsIgnoreCase':{'a:x':'Ab'}}", "a:x=aB", NO },
    { "StringNotEqualsIgnoreCase another", "{'StringNotEqualsIgnoreCase':{'a:x':'Ab'}}", "a:x=ac", YES },
    { "StringNotEqualsIgnoreCase absent", "{'StringNotEqualsIgnoreCase':{'a:x':'Ab'}}", "", YES },

    { "StringLike", "{'StringLike':{'a:x':'p?mp/*'}}", "a:x=pump/1/2", YES },
    { "StringLike another", "{'StringLike':{'a:x':'p?mp/*'}}", "a:x=pmp/1", NO },
    { "StringLike minds case", "{'StringLike':{'a:x':'P*'}}", "a:x=p", NO },
    { "StringLike absent", "{'StringLike':{'a:x':'*'}}", "", NO },
    { "StringNotLike", "{'StringNotLike':{'a:x':'p*'}}", "a:x=lamp", YES },
    { "StringNotLike alike", "{'StringNotLike':{'a:x':'p*'}}", "a:x=pump", NO },
    { "StringNotLike absent", "{'StringNotLike':{'a:x':'*'}}", "", YES },

    { "NumericEquals", "{'NumericEquals':{'a:x':'10'}}", "a:x=10.0", YES },
    { "NumericEquals another", "{'NumericEquals':{'a:x':10}}", "a:x=11", NO },
    { "NumericEquals of a word", "{'NumericEquals':{'a:x':'10'}}", "a:x=ten", NO },
    { "NumericEquals absent", "{'NumericEquals':{'a:x':'10'}}", "", NO },
    { "NumericNotEquals", "{'NumericNotEquals':{'a:x':'10'}}", "a:x=11", YES },
    { "NumericNotEquals the same", "{'NumericNotEquals':{'a:x':'10'}}", "a:x=10", NO },
    { "NumericNotEquals absent", "{'NumericNotEquals':{'a:x':'10'}}", "", YES },
    { "NumericLessThan", "{'NumericLessThan':{'a:x':'10'}}", "a:x=9.99", YES },
    { "NumericLessThan the same", "{'NumericLessThan':{'a:x':'10'}}", "a:x=10", NO },
    { "NumericLessThan absent", "{'NumericLessThan':{'a:x':'10'}}", "", NO },
    { "NumericLessThanEquals", "{'NumericLessThanEquals':{'a:x':'10'}}", "a:x=10", YES },
    { "NumericLessThanEquals more", "{'NumericLessThanEquals':{'a:x':'10'}}", "a:x=10.1", NO },
    { "NumericGreaterThan", "{'NumericGreaterThan':{'a:x':'10'}}", "a:x=10.1", YES },
    { "NumericGreaterThan the same", "{'NumericGreaterThan':{'a:x':'10'}}", "a:x=10", NO },
    { "NumericGreaterThanEquals", "{'NumericGreaterThanEquals':{'a:x':'10'}}", "a:x=10", YES },
    { "NumericGreaterThanEquals less", "{'NumericGreaterThanEquals':{'a:x':'10'}}", "a:x=9", NO },
    { "NumericGreaterThanEquals IfExists absent", "{'NumericGreaterThanEqualsIfExists':{'a:x':'10'}}", "", YES },

    { "DateEquals across forms", "{'DateEquals':{'aws:CurrentTime':'2026-01-15T08:30:00Z'}}",
      "aws:CurrentTime=1768465800", YES },
    { "DateEquals another", "{'DateEquals':{'aws:CurrentTime':'2026-01-15'}}", "aws:CurrentTime=1768465800", NO },
    { "DateEquals absent", "{'DateEquals':{'aws:CurrentTime':'2026-01-15'}}", "", NO },
    { "DateNotEquals", "{'DateNotEquals':{'aws:CurrentTime':'2026-01-15'}}", "aws:CurrentTime=2026-01-16", YES },
    { "DateNotEquals the same", "{'DateNotEquals':{'aws:CurrentTime':'2026-01-15'}}", "aws:CurrentTime=2026-01-15",
      NO },
    { "DateNotEquals absent", "{'DateNotEquals':{'aws:CurrentTime':'2026-01-15'}}", "", YES },
    { "DateLessThan", "{'DateLessThan':{'aws:CurrentTime':'2026-01-15T08:30:00Z'}}",
      "aws:CurrentTime=2026-01-15T10:29:59+02:00", YES },
    { "DateLessThan the same", "{'DateLessThan':{'aws:CurrentTime':'2026'}}", "aws:CurrentTime=2026-01-01T00:00:00Z",
      NO },
    { "DateLessThanEquals", "{'DateLessThanEquals':{'aws:CurrentTime':'2026'}}", "aws:CurrentTime=2026-01-01T00:00:00Z",
      YES },
    { "DateGreaterThan", "{'DateGreaterThan':{'aws:EpochTime':1768465799}}", "aws:EpochTime=1768465800", YES },
    { "DateGreaterThan the same", "{'DateGreaterThan':{'aws:EpochTime':1768465800}}", "aws:EpochTime=1768465800", NO },
    { "DateGreaterThanEquals", "{'DateGreaterThanEquals':{'aws:EpochTime':1768465800}}", "aws:EpochTime=1768465800",
      YES },
    { "DateGreaterThanEquals of no date", "{'DateGreaterThanEquals':{'aws:EpochTime':0}}", "aws:EpochTime=now", NO },

    { "Bool", "{'Bool':{'iot:Connection.Thing.IsAttached':['true']}}", "iot:Connection.Thing.IsAttached=true", YES },
    { "Bool the other", "{'Bool':{'a:x':'true'}}", "a:x=false", NO },
    { "Bool has no case", "{'Bool':{'a:x':'TRUE'}}", "a:x=True", YES },
    { "Bool as JSON writes it", "{'Bool':{'a:x':false}}", "a:x=false", YES },
    { "Bool of a word", "{'Bool':{'a:x':'false'}}", "a:x=no", NO },
    { "Bool absent", "{'Bool':{'a:x':'false'}}", "", NO },
    { "Bool IfExists absent", "{'BoolIfExists':{'a:x':'true'}}", "", YES },
    { "Bool with a variable", "{'Bool':{'a:x':'${a:y}'}}", "a:x=true;a:y=true", YES },

    { "BinaryEquals", "{'BinaryEquals':{'a:x':'QmluYXJ5'}}", "a:x=Binary", YES },
    { "BinaryEquals another", "{'BinaryEquals':{'a:x':'QmluYXJ5'}}", "a:x=QmluYXJ5", NO },
    { "BinaryEquals absent", "{'BinaryEquals':{'a:x':'QmluYXJ5'}}", "", NO },
    { "BinaryEquals IfExists absent", "{'BinaryEqualsIfExists':{'a:x':'QmluYXJ5'}}", "", YES },

    { "IpAddress", "{'IpAddress':{'aws:SourceIp':['192.0.2.0/24','2001:db8::/32']}}", "aws:SourceIp=192.0.2.7", YES },
    { "IpAddress version 6", "{'IpAddress':{'aws:SourceIp':['192.0.2.0/24','2001:db8::/32']}}",
      "aws:SourceIp=2001:db8::7", YES },
    { "IpAddress outside", "{'IpAddress':{'aws:SourceIp':'192.0.2.0/24'}}", "aws:SourceIp=192.0.3.7", NO },
    { "IpAddress of a range", "{'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}}", "aws:SourceIp=192.0.2.0/24", NO },
    { "IpAddress absent", "{'IpAddress':{'aws:SourceIp':'0.0.0.0/0'}}", "", NO },
    { "NotIpAddress", "{'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}}", "aws:SourceIp=192.0.3.7", YES },
    { "NotIpAddress inside", "{'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}}", "aws:SourceIp=192.0.2.7", NO },
    { "NotIpAddress absent", "{'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}}", "", YES },

    { "ArnLike", "{'ArnLike':{'a:x':'arn:aws:iot:*:*:topic/a*'}}", "a:x=arn:aws:iot:eu-west-1:1:topic/ab", YES },
    { "ArnLike part by part", "{'ArnLike':{'a:x':'arn:aws:iot:*:topic/a'}}", "a:x=arn:aws:iot:eu-west-1:1:topic/a",
      NO },
    { "ArnLike of no ARN", "{'ArnLike':{'a:x':'arn:*'}}", "a:x=topic/a", NO },
    { "ArnLike absent", "{'ArnLike':{'a:x':'*'}}", "", NO },
    { "ArnEquals has wildcards too", "{'ArnEquals':{'a:x':'arn:aws:iam::1:role/*'}}", "a:x=arn:aws:iam::1:role/r",
      YES },
    { "ArnEquals with a variable in its head", "{'ArnEquals':{'a:x':'arn:aws:iam::${a:y}:role/r'}}",
      "a:x=arn:aws:iam::1:role/r;a:y=1", YES },
    { "ArnNotEquals", "{'ArnNotEquals':{'a:x':'arn:aws:iam::1:role/*'}}", "a:x=arn:aws:iam::2:role/r", YES },
    { "ArnNotLike alike", "{'ArnNotLike':{'a:x':'arn:aws:iam::1:role/*'}}", "a:x=arn:aws:iam::1:role/r", NO },
    { "ArnNotLike absent", "{'ArnNotLike':{'a:x':'arn:aws:iam::1:role/*'}}", "", YES },

    { "Null true absent", "{'Null':{'a:x':'true'}}", "", YES },
    { "Null true present", "{'Null':{'a:x':'true'}}", "a:x=1", NO },
    { "Null false present", "{'Null':{'a:x':false}}", "a:x=1", YES },
    { "Null false absent", "{'Null':{'a:x':'false'}}", "", NO },
    { "Null false of no values", "{'Null':{'a:x':'false'}}", "a:x!", NO },

    { "ForAnyValue", "{'ForAnyValue:StringEquals':{'a:x':['1','2']}}", "a:x=2|3", YES },
    { "ForAnyValue none", "{'ForAnyValue:StringEquals':{'a:x':['1','2']}}", "a:x=3|4", NO },
    { "ForAnyValue of no values", "{'ForAnyValue:StringEquals':{'a:x':'1'}}", "a:x!", NO },
    { "ForAnyValue absent", "{'ForAnyValue:StringEquals':{'a:x':'1'}}", "", NO },
    { "ForAnyValue IfExists absent", "{'ForAnyValue:StringEqualsIfExists':{'a:x':'1'}}", "", YES },
    { "ForAnyValue IfExists of no values", "{'ForAnyValue:StringEqualsIfExists':{'a:x':'1'}}", "a:x!", NO },
    { "ForAnyValue negated: one is not among them", "{'ForAnyValue:StringNotEquals':{'a:x':'1'}}", "a:x=1|2", YES },
    { "ForAnyValue negated: all are", "{'ForAnyValue:StringNotEquals':{'a:x':['1','2']}}", "a:x=1|2", NO },
    { "ForAnyValue negated absent", "{'ForAnyValue:StringNotEquals':{'a:x':'1'}}", "", NO },
    { "ForAllValues", "{'ForAllValues:StringLike':{'a:x':['1*','2']}}", "a:x=2|11", YES },
    { "ForAllValues but one", "{'ForAllValues:StringLike':{'a:x':['1*','2']}}", "a:x=2|3", NO },
    { "ForAllValues of no values", "{'ForAllValues:StringEquals':{'a:x':'1'}}", "a:x!", YES },
    { "ForAllValues absent", "{'ForAllValues:StringEquals':{'a:x':'1'}}", "", YES },
    { "ForAllValues negated", "{'ForAllValues:StringNotEquals':{'a:x':'1'}}", "a:x=2|3", YES },
    { "ForAllValues negated but one", "{'ForAllValues:StringNotEquals':{'a:x':'1'}}", "a:x=1|2", NO },
    { "ForAllValues without operands: no attributes", "{'ForAllValues:StringEquals':{'iot:ConnectAttributes':[]}}",
      "iot:ConnectAttributes!", YES },
    { "ForAllValues without operands: some attribute", "{'ForAllValues:StringEquals':{'iot:ConnectAttributes':[]}}",
      "iot:ConnectAttributes=LastWill", NO },
    { "several values without a prefix: one is enough", "{'StringEquals':{'a:x':'1'}}", "a:x=2|1", YES },
    { "several values without a prefix: none is", "{'StringEquals':{'a:x':'1'}}", "a:x=2|3", NO },
    { "no values without a prefix", "{'StringEquals':{'a:x':'1'}}", "a:x!", NO },
    { "no values under a negation", "{'StringNotEquals':{'a:x':'1'}}", "a:x!", YES },

    { "a variable as operand", "{'StringEquals':{'a:x':'${a:y}'}}", "a:x=1;a:y=1", YES },
    { "its star is text", "{'StringLike':{'a:x':'${a:y}'}}", "a:x=1;a:y=*", NO },
    { "the pattern's star is not", "{'StringLike':{'a:x':'${a:y}*'}}", "a:x=123;a:y=12", YES },
    { "a variable without case", "{'StringEqualsIgnoreCase':{'a:x':'${a:y}'}}", "a:x=AB;a:y=ab", YES },
    { "a missing variable matches nothing", "{'StringEquals':{'a:x':'${a:y}'}}", "a:x=${a:y}", NO },
    { "and does not under a negation", "{'StringNotEquals':{'a:x':'${a:y}'}}", "a:x=1", YES },
    { "a literal star as operand", "{'StringLike':{'a:x':'${*}'}}", "a:x=1", NO },

    { "escapes of certificate values", "{'StringEquals':{'iot:Certificate.Subject.Organization':'Pumps\\\\, Inc.'}}",
      "iot:Certificate.Subject.Organization=Pumps, Inc.", YES },
    { "an escaped backslash", "{'StringEquals':{'a:x':'a\\\\\\\\b'}}", "a:x=a\\b", YES },
    { "a backslash before another character stays", "{'StringEquals':{'a:x':'a\\\\b'}}", "a:x=a\\b", YES },
};

static bool condition_allows(enum policy_kind kind, const char *condition, const char *keys)
{
    SCRATCH ctx = talloc_new(NULL);
    struct policy_context context = given_context(ctx, keys);
    const struct policy *policy =
        given_policy(ctx, kind,
                     text_format(ctx,
                                 "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
                                 "\"Resource\":\"*\",\"Condition\":%s}}",
                                 given_json(ctx, condition)));
    struct policy_request request = { SLICE("iot:Connect"), SLICE("*"), &context };
    return policy_evaluate(&policy, 1, &request, NULL) == POLICY_ALLOW;
}

static void answers(void **state)
{
    const struct row *row = *state;
    assert_int_equal(condition_allows(POLICY_IOT, row->condition, row->keys), row->holds);
}

static const struct row iam_rows[] = {
    { "a backslash is no escape for IAM", "{'StringEquals':{'a:x':'a\\\\,b'}}", "a:x=a\\,b", YES },
    { "so it does not vanish", "{'StringEquals':{'a:x':'a\\\\,b'}}", "a:x=a,b", NO },
    { "a parenthesis escapes nothing for IAM", "{'StringLike':{'a:x':'$(*)'}}", "a:x=$(abc)", YES },
    { "the audience of a pool", "{'StringEquals':{'cognito-identity.amazonaws.com:aud':'p'}}",
      "cognito-identity.amazonaws.com:aud=p", YES },
    { "a key with a path", "{'StringEquals':{'login.example.org/realms/a:sub':'p'}}",
      "login.example.org/realms/a:sub=p", YES },
};

static void answers_iam(void **state)
{
    const struct row *row = *state;
    assert_int_equal(condition_allows(POLICY_IAM_IDENTITY, row->condition, row->keys), row->holds);
}

/* --- Lookups ------------------------------------------------------------------------------------------------------ */

static bool find_attribute(void *arg, slice key, struct policy_values *out)
{
    if (slice_is_nocase(key, "iot:Connection.Thing.Attributes[line]")) {
        snprintf(out->room, sizeof(out->room), "%s-7", (const char *)arg);
        policy_values_one(out, slice_of(out->room));
        return true;
    }
    return false;
}

static const struct lookup {
    const char *name, *condition;
    bool holds;
} lookups[] = {
    { "a key of the array", "{'StringEquals':{'iot:ClientId':'p7'}}", YES },
    { "a computed key", "{'StringEquals':{'iot:Connection.Thing.Attributes[line]':'line-7'}}", YES },
    { "a key of the parent", "{'StringEquals':{'aws:SourceIp':'10.0.0.1'}}", YES },
    { "the nearer one counts", "{'StringEquals':{'iot:DomainName':'near'}}", YES },
    { "nowhere", "{'Null':{'iot:Nothing':'true'}}", YES },
};

static void looks_up(void **state)
{
    const struct lookup *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char line[] = "line";
    struct policy_context far = given_context(ctx, "aws:SourceIp=10.0.0.1;iot:DomainName=far");
    struct policy_context near = given_context(ctx, "iot:ClientId=p7;iot:DomainName=near");
    near.find = find_attribute;
    near.arg = line;
    near.parent = &far;
    const struct policy *policy =
        given_policy(ctx, POLICY_IOT,
                     text_format(ctx,
                                 "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
                                 "\"Resource\":\"*\",\"Condition\":%s}}",
                                 given_json(ctx, row->condition)));
    struct policy_request request = { SLICE("iot:Connect"), SLICE("*"), &near };
    assert_int_equal(policy_evaluate(&policy, 1, &request, NULL) == POLICY_ALLOW, row->holds);
}

static const struct certificate_value {
    const char *name, *value;
    size_t length;
    bool good;
} certificate_values[] = {
    { "a name", "pump-7", 0, YES },    { "nothing", "", 0, YES },      { "a comma is fine", "Pumps, Inc.", 0, YES },
    { "a star", "a*", 0, NO },         { "a dollar", "$a", 0, NO },    { "a plus", "a+b", 0, NO },
    { "a question mark", "?", 0, NO }, { "a hash", "a/#", 0, NO },     { "as long as may be", NULL, 1024, YES },
    { "longer", NULL, 1025, NO },      { "not UTF-8", "\xC3", 0, NO },
};

static void may_be_substituted(void **state)
{
    const struct certificate_value *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    char *filled = memory_zeroed(ctx, 1, row->length + 1, "value");
    memset(filled, 'v', row->length);
    assert_int_equal(policy_certificate_value_ok(slice_of(row->value ? row->value : filled)), row->good);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, answers), TABLE(iam_rows, answers_iam), TABLE(lookups, looks_up),
                      TABLE(certificate_values, may_be_substituted));
}
