/* policy_document_fuzz.c - whatever parses can be asked anything, and the same text always gives the same answers: the
   answers of a policy and of its twin, of each alone and of both. The first byte picks the kind. */
#include "policy/policy.h"

static bool find_any(void *arg, slice key, struct policy_values *out)
{
    (void)arg;
    if (key.length % 3 == 0)
        return false;
    if (key.length % 3 == 1)
        policy_values_one(out, key);
    return true;
}

static const slice several[] = { SLICE("a"), SLICE("*"), SLICE("2026-01-15T08:30:00Z"), SLICE("10.0.0.1"), SLICE("") };
static const struct policy_key keys[] = {
    { SLICE("iot:ClientId"), several, 1 },       { SLICE("aws:CurrentTime"), several + 2, 1 },
    { SLICE("aws:SourceIp"), several + 3, 1 },   { SLICE("aws:TagKeys"), several, 5 },
    { SLICE("iot:ConnectAttributes"), NULL, 0 },
};
static const struct policy_context parent = { .find = find_any };
static const struct policy_context context = { .keys = keys, .count = 5, .parent = &parent };

static const struct policy_request requests[] = {
    { SLICE("iot:Connect"), SLICE("arn:aws:iot:eu-west-1:111122223333:client/a"), &context },
    { SLICE("iot:Publish"), SLICE("arn:aws:iot:eu-west-1:111122223333:topic/a/b/c"), &context },
    { SLICE("iot:Subscribe"), SLICE("arn:aws:iot:eu-west-1:111122223333:topicfilter/a/+/#"), NULL },
    { SLICE("sts:AssumeRole"), SLICE("*"), &context },
    { SLICE("iam:PassRole"), SLICE("arn:aws:iam::111122223333:role/r"), &context },
    { SLICE(""), SLICE(""), NULL },
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void ask(const struct policy *policy, const struct policy *twin, const struct policy_request *request)
{
    SCRATCH ctx = talloc_new(NULL);
    const struct policy *both[] = { policy, twin };
    struct policy_decision one, other;
    bool allows, denies;
    slice *names;

    enum policy_effect effect = policy_evaluate(&policy, 1, request, &one);
    must(policy_evaluate(&twin, 1, request, &other) == effect && one.statement == other.statement);
    must(policy_evaluate(both, 2, request, NULL) == effect);
    policy_matches(policy, request, &allows, &denies);
    must(effect == (denies ? POLICY_EXPLICIT_DENY : allows ? POLICY_ALLOW : POLICY_IMPLICIT_DENY));
    must(policy_missing_values(ctx, both, 2, request, &names) == policy_missing_values(ctx, both, 1, request, &names));

    struct iam_grounds grounds = { .identity = both, .identity_count = 1, .session = both + 1, .session_count = 1 };
    grounds.resource = policy;
    grounds.caller.account = SLICE("111122223333");
    struct iam_decision decision;
    policy_decide_iam(&grounds, request, &decision);
    must(policy_denial_text(ctx, SLICE("arn"), request->action, request->resource, &decision) != NULL);
}

/* A policy's statements stand one behind the other in its text, and no more of them than match a request for anything. */
static void stand(const struct policy *policy, slice document)
{
    struct policy_span before = { 0 }, span;
    int numbers[4], count = 0;
    while (policy_statement_span(document, count + 1, &span)) {
        must(span.start_line > before.end_line ||
             (span.start_line == before.end_line && span.start_column > before.end_column));
        must(span.end_line > span.start_line || span.end_column > span.start_column);
        before = span;
        count++;
    }
    must(count > 0);
    size_t found = policy_list_matches(policy, &requests[0], NULL, POLICY_ALLOW, numbers, 4);
    must(found == 0 || numbers[found - 1] <= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH ctx = talloc_new(NULL);
    if (size == 0)
        return 0;
    enum policy_kind kind = (enum policy_kind)(data[0] % (POLICY_SESSION + 1));
    slice document = slice_bytes(data + 1, size - 1);
    struct policy *policy, *twin;
    error *e = policy_parse(ctx, document, kind, &policy);
    must((policy_parse(ctx, document, kind, &twin) == NULL) == (e == NULL));
    if (e != NULL) {
        must(text_is_utf8(document) ? text_is_utf8(slice_of(e->message)) : e->message[0] != 0);
        return 0;
    }
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        ask(policy, twin, &requests[i]);
    stand(policy, document);
    return 0;
}
