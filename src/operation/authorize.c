/* authorize.c - may the caller do this? Identity, boundary and session policies on the action and the resources that
   api/authorization.json names (auth 4.2, 4.3). */
#include "operation/door.h"
#include "base/clock.h"

enum { KEYS_MAX = 96 };

/* What a policy may ask about (auth 4.2.5). */
struct facts {
    void *ctx;
    struct policy_key keys[KEYS_MAX];
    size_t count;
};

static void add_values(struct facts *facts, const char *name, const slice *values, size_t count)
{
    if (facts->count < KEYS_MAX)
        facts->keys[facts->count++] = (struct policy_key){ slice_of(name), values, count };
}

static void add_slice(struct facts *facts, const char *name, slice value)
{
    if (value.at == NULL)
        return;
    slice *one = MAKE(facts->ctx, slice);
    *one = value;
    add_values(facts, name, one, 1);
}

static void add(struct facts *facts, const char *name, const char *value)
{
    add_slice(facts, name, slice_of(value));
}

static void add_time(struct facts *facts, int64_t now_ms)
{
    char text[CLOCK_TEXT_MAX];
    clock_iso8601(now_ms, text);
    add(facts, "aws:CurrentTime", text_copy(facts->ctx, text));
    add(facts, "aws:EpochTime", text_format(facts->ctx, "%lld", (long long)(now_ms / 1000)));
}

static void add_caller(struct facts *facts, const struct caller *caller)
{
    add(facts, "aws:PrincipalArn", caller->arn);
    add(facts, "aws:PrincipalAccount", caller->account);
    add(facts, "aws:PrincipalType", caller->type);
    add(facts, "aws:userid", caller->user_id);
    add(facts, "aws:username", caller->user_name);
}

static slice either(const json *object, const char *key, const char *other)
{
    slice value = json_get_slice(object, key);
    return value.at ? value : json_get_slice(object, other);
}

/* Tags of the request: [{"Key": ..., "Value": ...}] or {"key": "value"}; of UntagResource the keys alone. */
static void add_tags(struct facts *facts, const json *input)
{
    json *tags = json_get(input, "tags") ? json_get(input, "tags") : json_get(input, "Tags");
    json *keys = json_get_array(input, json_get(input, "tagKeys") ? "tagKeys" : "TagKeys");
    size_t listed = json_is_array(tags) ? json_object_array_length(tags) : 0, count = 0;
    size_t named = keys ? json_object_array_length(keys) : 0;
    size_t mapped = json_is_object(tags) ? (size_t)json_object_object_length(tags) : 0;
    slice *names = MAKE_ARRAY(facts->ctx, slice, listed + named + mapped + 1);
    for (size_t i = 0; i < listed; i++) {
        json *tag = json_object_array_get_idx(tags, i);
        names[count] = either(tag, "Key", "key");
        slice value = either(tag, "Value", "value");
        add_slice(facts, text_format(facts->ctx, "aws:RequestTag/%.*s", PRINT(names[count])),
                  value.at ? value : SLICE(""));
        count++;
    }
    if (mapped > 0) {
        json_object_object_foreach (tags, key, value) {
            names[count++] = slice_of(key);
            add_slice(facts, text_format(facts->ctx, "aws:RequestTag/%s", key), json_text(value));
        }
    }
    for (size_t i = 0; i < named; i++)
        names[count++] = json_text(json_object_array_get_idx(keys, i));
    if (count > 0)
        add_values(facts, "aws:TagKeys", names, count);
}

static void add_row_context(struct facts *facts, const struct call *call)
{
    const struct authorization *row = call->model ? call->model->authorization : NULL;
    for (size_t i = 0; row && i < row->context_count; i++) {
        struct texts texts = authorization_expand(facts->ctx, call, row->context[i].value);
        slice *values = MAKE_ARRAY(facts->ctx, slice, texts.count + 1);
        for (size_t k = 0; k < texts.count; k++)
            values[k] = slice_of(texts.at[k]);
        if (texts.count > 0)
            add_values(facts, row->context[i].key, values, texts.count);
    }
}

static void gather(void *ctx, const struct call *call, const struct caller *caller, struct facts *facts)
{
    *facts = (struct facts){ .ctx = ctx };
    add_caller(facts, caller);
    add(facts, "aws:SourceIp", call->source_ip);
    add(facts, "aws:UserAgent", call->user_agent);
    add(facts, "aws:SecureTransport", "true");
    add_time(facts, call->now_ms);
    add(facts, "aws:RequestedRegion", call->region);
    add(facts, "aws:ResourceAccount", call->account);
    add(facts, "aws:ViaAWSService", "false");
    add_row_context(facts, call);
    add_tags(facts, call->input);
}

static FALLIBLE decide(struct call *call, const struct caller *caller, const struct facts *facts, const char *action,
                       const char *resource)
{
    struct policy_context context = { .keys = facts->keys, .count = facts->count };
    struct policy_request request = { slice_of(action), slice_of(resource), &context };
    struct iam_grounds grounds = { .identity = caller->policies,
                                   .identity_count = caller->policy_count,
                                   .boundary = caller->boundary,
                                   .session = caller->session_policies,
                                   .session_count = caller->session_policy_count,
                                   .caller = { .arn = slice_of(caller->arn), .account = slice_of(caller->account) },
                                   .root = caller->is_root };
    struct iam_decision decision;
    if (policy_decide_iam(&grounds, &request, &decision) == POLICY_ALLOW)
        return NULL;
    return error_new(call, "AccessDeniedException", "%s",
                     policy_denial_text(call, slice_of(caller->arn), request.action, request.resource, &decision));
}

static bool is_checked(const struct call *call, const struct caller *caller)
{
    return call->door->options.enforce_iam &&
           (caller == NULL || (caller->kind != CALLER_DEVICE && caller->kind != CALLER_SERVICE));
}

static error *nobody(struct call *call, const char *action)
{
    return error_new(call, "AccessDeniedException", "Nobody is not authorized to perform: %s", action);
}

/* "thing/pump-1" below the service's ARNs; an ARN out of the input as it is; in a place for an ARN, what is none (a
   Cognito identity) has no resource of its own (auth 4.3). */
static const char *resource_of(void *ctx, const struct call *call, const struct authorization *row,
                               const char *template, const char *text)
{
    if (strcmp(text, "*") == 0 || strncmp(text, "arn:", 4) == 0)
        return text;
    if (template[0] == '{')
        return "*";
    struct texts prefix = authorization_expand(ctx, call, row->arn);
    return text_format(ctx, "%s%s", prefix.count > 0 ? prefix.at[0] : "", text);
}

static FALLIBLE authorize_template(void *ctx, struct call *call, const struct facts *facts, const char *template,
                                   size_t *asked)
{
    const struct authorization *row = call->model->authorization;
    struct texts texts = authorization_expand(ctx, call, template);
    for (size_t i = 0; i < texts.count; i++)
        TRY(decide(call, call->caller, facts, row->action, resource_of(ctx, call, row, template, texts.at[i])));
    *asked += texts.count;
    return NULL;
}

FALLIBLE authorize(struct call *call)
{
    const struct authorization *row = call->model->authorization;
    size_t asked = 0;
    if (!is_checked(call, call->caller) || row->resource_count == 0)
        return NULL;
    if (call->caller == NULL)
        return nobody(call, row->action);
    SCRATCH scratch = talloc_new(NULL);
    struct facts *facts = MAKE(scratch, struct facts);
    gather(scratch, call, call->caller, facts);
    for (size_t i = 0; i < row->resource_count; i++)
        TRY(authorize_template(scratch, call, facts, row->resources[i], &asked));
    return asked > 0 ? NULL : decide(call, call->caller, facts, row->action, "*");
}

FALLIBLE caller_require(struct call *call, const struct caller *caller, const char *action, const char *resource_arn)
{
    if (!is_checked(call, caller))
        return NULL;
    if (caller == NULL)
        return nobody(call, action);
    SCRATCH scratch = talloc_new(NULL);
    struct facts *facts = MAKE(scratch, struct facts);
    gather(scratch, call, caller, facts);
    return decide(call, caller, facts, action, resource_arn);
}

FALLIBLE call_require(struct call *call, const char *action, const char *resource_arn)
{
    return caller_require(call, call->caller, action, resource_arn);
}

/* "arn:aws:iam::ACCOUNT:role/..." */
static bool lies_in(slice arn, const char *account)
{
    slice piece = { NULL, 0 };
    for (int i = 0; i < 5; i++)
        if (!slice_split(&arn, ':', &piece))
            return false;
    return slice_is(piece, account);
}

FALLIBLE call_require_pass_role(struct call *call, const char *role_arn, const char *service)
{
    const struct caller *caller = call->caller;
    if (!is_checked(call, caller))
        return NULL;
    if (caller == NULL)
        return nobody(call, "iam:PassRole");
    if (!lies_in(slice_of(role_arn), call->account))
        return error_new(call, "AccessDeniedException", "Cross-account pass role is not allowed.");
    SCRATCH scratch = talloc_new(NULL);
    struct facts *facts = MAKE(scratch, struct facts);
    gather(scratch, call, caller, facts);
    add(facts, "iam:PassedToService", service);
    return decide(call, caller, facts, "iam:PassRole", role_arn);
}
