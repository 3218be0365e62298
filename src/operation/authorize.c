/* authorize.c - may the caller do this? Identity, boundary and session policies on the action and the resources that
   api/authorization.json names (auth 4.2, 4.3). */
#include "operation/door.h"
#include "operation/facts.h"

/* What is asked of a request: its keys, and the resources, which the store may know more about. */
struct question {
    void *ctx;
    struct call *call;
    const struct caller *caller;
    const char *action;
    struct facts facts;
    struct resource *resources;
    size_t count;
    const struct resource_look *look; /* NULL: there is nothing to ask the store */
};

static void add_resource(struct question *question, const char *arn)
{
    *ARRAY_ADD(question->ctx, question->resources, question->count) = (struct resource){ .arn = arn };
}

static FALLIBLE decide(const struct question *question, const struct resource *resource)
{
    const struct caller *caller = question->caller;
    const char *arn = caller->principal_arn ? caller->principal_arn : caller->arn;
    struct facts tags;
    facts_of_resource(question->ctx, resource, question->look ? question->look->service : "aws", &tags);
    const struct policy_context request_keys = { .keys = question->facts.keys, .count = question->facts.count };
    const struct policy_context context = { .keys = tags.keys, .count = tags.count, .parent = &request_keys };
    const struct policy_request request = { slice_of(question->action), slice_of(resource->arn), &context };
    const struct iam_grounds grounds = { .identity = caller->policies,
                                         .identity_count = caller->policy_count,
                                         .boundary = caller->boundary,
                                         .session = caller->session_policies,
                                         .session_count = caller->session_policy_count,
                                         .caller = { .arn = slice_of(arn),
                                                     .session_arn = slice_of(caller->arn),
                                                     .id = slice_of(caller->unique_id),
                                                     .account = slice_of(caller->account) },
                                         .root = caller->is_root };
    struct iam_decision decision;
    if (policy_decide_iam(&grounds, &request, &decision) == POLICY_ALLOW)
        return NULL;
    struct call *call = question->call;
    return error_new(call, "AccessDeniedException", "%s",
                     policy_denial_text(call, slice_of(caller->arn), request.action, request.resource, &decision));
}

/* ---- what the store knows of a resource ---- */

static bool any_asks_tags(const struct policy *const *policies, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (policy_asks_resource_tags(policies[i]))
            return true;
    return false;
}

static bool asks_tags(const struct caller *caller)
{
    return any_asks_tags(caller->policies, caller->policy_count) ||
           any_asks_tags(caller->session_policies, caller->session_policy_count) ||
           any_asks_tags(&caller->boundary, caller->boundary != NULL);
}

/* The ARN of an IAM entity holds a path that no request names, so IAM is always asked. */
static const struct resource_look *look_of(const struct door *door, const char *service, const struct caller *caller)
{
    bool always = strcmp(service, "iam") == 0;
    for (size_t i = 0; i < door->look_count && !caller->is_root; i++)
        if (strcmp(door->looks[i].service, service) == 0)
            return always || asks_tags(caller) ? &door->looks[i] : NULL;
    return NULL;
}

static FALLIBLE look_at_resources(struct tx *tx, void *arg)
{
    struct question *question = arg;
    for (size_t i = 0; i < question->count; i++)
        TRY(question->look->look(tx, question->ctx, question->call, &question->resources[i]));
    return NULL;
}

static FALLIBLE look(struct question *question)
{
    struct call *call = question->call;
    struct store *store = call->door->options.store;
    if (question->look == NULL || (call->tx == NULL && store == NULL))
        return NULL;
    return call->tx ? look_at_resources(call->tx, question)
                    : store_read(store, question->ctx, look_at_resources, question);
}

static FALLIBLE answer_question(struct question *question)
{
    TRY(look(question));
    for (size_t i = 0; i < question->count; i++)
        TRY(decide(question, &question->resources[i]));
    return NULL;
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

/* What the role is passed for: the first resource that the operation is about, if it has an ARN. */
static const char *associated_resource(void *ctx, const struct call *call)
{
    const struct authorization *row = call->model ? call->model->authorization : NULL;
    struct texts texts = { NULL, 0 };
    if (row != NULL && row->resource_count > 0)
        texts = authorization_expand(ctx, call, row->resources[0]);
    const char *arn = texts.count > 0 ? resource_of(ctx, call, row, row->resources[0], texts.at[0]) : "*";
    return strcmp(arn, "*") == 0 ? NULL : arn;
}

static void add_templates(struct question *question, const struct authorization *row)
{
    for (size_t i = 0; i < row->resource_count; i++) {
        struct texts texts = authorization_expand(question->ctx, question->call, row->resources[i]);
        for (size_t k = 0; k < texts.count; k++)
            add_resource(question, resource_of(question->ctx, question->call, row, row->resources[i], texts.at[k]));
    }
    if (question->count == 0)
        add_resource(question, "*");
}

/* Sessions of GetSessionToken and GetFederationToken call no IAM, and of STS little (auth 4.5). */
static FALLIBLE check_session(struct call *call)
{
    const struct caller *caller = call->caller;
    bool narrow = caller != NULL && (caller->session == SESSION_USER || caller->session == SESSION_FEDERATED);
    const char *file = call->model->model->file, *name = call->model->name;
    if (!narrow || (strcmp(file, "iam") != 0 && strcmp(file, "sts") != 0))
        return NULL;
    if (strcmp(file, "sts") == 0 && (strcmp(name, "GetCallerIdentity") == 0 || call->model->unsigned_allowed ||
                                     (strcmp(name, "AssumeRole") == 0 && caller->session == SESSION_USER)))
        return NULL;
    return error_new(call, "AccessDeniedException", "Cannot call %s with session credentials", name);
}

FALLIBLE authorize(struct call *call)
{
    const struct authorization *row = call->model->authorization;
    TRY(check_session(call));
    if (!is_checked(call, call->caller) || row->resource_count == 0)
        return NULL;
    if (call->caller == NULL)
        return nobody(call, row->action);
    SCRATCH scratch = talloc_new(NULL);
    struct question question = { .ctx = scratch, .call = call, .caller = call->caller, .action = row->action };
    TRY(facts_gather(scratch, call, call->caller, &question.facts));
    question.look = look_of(call->door, call->model->model->file, call->caller);
    add_templates(&question, row);
    return answer_question(&question);
}

/* An inner action is about a resource of the registry whoever's operation it is part of: RegisterThing's CreateThing. */
static const char *service_of(const char *arn)
{
    return strncmp(arn, "arn:aws:iot:", strlen("arn:aws:iot:")) == 0 ? "iot" : "";
}

static FALLIBLE require(struct call *call, const struct caller *caller, const char *action, const char *resource_arn,
                        const char *passed_to)
{
    if (!is_checked(call, caller))
        return NULL;
    if (caller == NULL)
        return nobody(call, action);
    SCRATCH scratch = talloc_new(NULL);
    struct question question = { .ctx = scratch, .call = call, .caller = caller, .action = action };
    TRY(facts_gather(scratch, call, caller, &question.facts));
    if (passed_to != NULL) {
        facts_add(&question.facts, "iam:PassedToService", passed_to);
        facts_add(&question.facts, "iam:AssociatedResourceArn", associated_resource(scratch, call));
    }
    question.look = look_of(call->door, service_of(resource_arn), caller);
    add_resource(&question, resource_arn);
    return answer_question(&question);
}

FALLIBLE caller_require(struct call *call, const struct caller *caller, const char *action, const char *resource_arn)
{
    return require(call, caller, action, resource_arn, NULL);
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
    if (is_checked(call, call->caller) && call->caller != NULL && !lies_in(slice_of(role_arn), call->account))
        return error_new(call, "AccessDeniedException", "Cross-account pass role is not allowed.");
    return require(call, call->caller, "iam:PassRole", role_arn, service);
}
