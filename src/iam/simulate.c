/* simulate.c - SimulatePrincipalPolicy and SimulateCustomPolicy: the engine of real requests, asked what it would say
   (auth.md 2.4, 4.2.6). Each action with each resource is one result; results are counted, and pages follow the count. */
#include "iam/simulation.h"

enum { MATCHES_MAX = 64, PAGE_WORK = 32 << 20 };

struct evaluation {
    struct call *call;
    const struct simulation *simulation;
    struct policy_request request;
    const struct policy **identity; /* the engine's view of simulation->identity */
    const struct policy **all;      /* with boundary and resource policy */
    size_t all_count;
    enum policy_effect effect;
};

static const struct policy **policies_of(struct call *call, const struct simulated_policies *const *from, size_t count,
                                         size_t *total)
{
    const struct policy **policies = NULL;
    *total = 0;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < from[k]->count; i++)
            *ARRAY_ADD(call, policies, *total) = from[k]->at[i].policy;
    return policies;
}

/* ---- one result ---- */

static json *position(int line, int column)
{
    json *out = json_object_new_object();
    json_put_integer(out, "Line", line);
    json_put_integer(out, "Column", column);
    return out;
}

static json *matched_statement(const struct simulated_policy *policy, int number)
{
    struct policy_span span;
    json *out = json_object_new_object();
    json_put_text(out, "SourcePolicyId", policy->id);
    json_put_text(out, "SourcePolicyType", policy->type);
    if (policy_statement_span(policy->document, number, &span)) {
        json_put(out, "StartPosition", position(span.start_line, span.start_column));
        json_put(out, "EndPosition", position(span.end_line, span.end_column));
    }
    return out;
}

/* The statements that made the decision: all that allow, or all that deny; nothing made an implicit deny. */
static void add_matches(const struct evaluation *evaluation, const struct simulated_policies *policies, json *into)
{
    int numbers[MATCHES_MAX];
    for (size_t i = 0; i < policies->count; i++) {
        const struct simulated_policy *policy = &policies->at[i];
        size_t count = policy_list_matches(policy->policy, &evaluation->request, &evaluation->simulation->caller,
                                           evaluation->effect, numbers, MATCHES_MAX);
        for (size_t k = 0; k < count; k++)
            json_add(into, matched_statement(policy, numbers[k]));
    }
}

static json *matches_of(const struct evaluation *evaluation)
{
    const struct simulation *simulation = evaluation->simulation;
    json *out = json_object_new_array();
    if (evaluation->effect == POLICY_IMPLICIT_DENY)
        return out;
    add_matches(evaluation, &simulation->identity, out);
    add_matches(evaluation, &simulation->boundary, out);
    add_matches(evaluation, &simulation->resource, out);
    return out;
}

static json *missing_of(const struct evaluation *evaluation)
{
    SCRATCH scratch = talloc_new(NULL);
    slice *names;
    json *out = json_object_new_array();
    size_t count = policy_missing_values(scratch, evaluation->all, evaluation->all_count, &evaluation->request, &names);
    for (size_t i = 0; i < count; i++)
        json_add(out, json_object_new_string_len(names[i].at, (int)names[i].length));
    return out;
}

/* The account in an ARN, or the one that owns what names none. */
static slice account_of(slice arn, slice otherwise)
{
    slice piece = { NULL, 0 };
    for (int i = 0; i < 5; i++)
        if (!slice_split(&arn, ':', &piece))
            return otherwise;
    return piece.length > 0 ? piece : otherwise;
}

static void decide(struct evaluation *evaluation)
{
    const struct simulation *simulation = evaluation->simulation;
    const struct policy_principal *caller = &simulation->caller;
    bool others = simulation->resource.count > 0 || call_has(evaluation->call, "ResourceOwner");
    slice owner = account_of(evaluation->request.resource, simulation->owner);
    struct iam_grounds grounds = {
        .identity = evaluation->identity,
        .identity_count = simulation->identity.count,
        .boundary = simulation->boundary.count > 0 ? simulation->boundary.at[0].policy : NULL,
        .resource = simulation->resource.count > 0 ? simulation->resource.at[0].policy : NULL,
        .caller = *caller,
        .cross_account = others && caller->account.length > 0 && !slice_equal(owner, caller->account),
    };
    struct iam_decision decision;
    evaluation->effect = policy_decide_iam(&grounds, &evaluation->request, &decision);
}

static json *result_of(struct evaluation *evaluation)
{
    static const char *const words[] = {
        [POLICY_IMPLICIT_DENY] = "implicitDeny", [POLICY_ALLOW] = "allowed", [POLICY_EXPLICIT_DENY] = "explicitDeny"
    };
    const struct simulated_policies *boundary = &evaluation->simulation->boundary;
    json *out = json_object_new_object();
    decide(evaluation);
    json_put_slice(out, "EvalActionName", evaluation->request.action);
    json_put_slice(out, "EvalResourceName", evaluation->request.resource);
    json_put_text(out, "EvalDecision", words[evaluation->effect]);
    json_put(out, "MatchedStatements", matches_of(evaluation));
    json_put(out, "MissingContextValues", missing_of(evaluation));
    if (boundary->count > 0) {
        json *detail = json_object_new_object();
        bool allows = policy_evaluate(&boundary->at[0].policy, 1, &evaluation->request, NULL) == POLICY_ALLOW;
        json_put_bool(detail, "AllowedByPermissionsBoundary", allows);
        json_put(out, "PermissionsBoundaryDecisionDetail", detail);
    }
    return out;
}

/* ---- all results ---- */

static slice text_at(const json *array, size_t i)
{
    return json_text(json_object_array_get_idx(array, i));
}

/* Fewer than MaxItems when the documents are so long that a page of them would keep a worker for long. */
static void bound_page(struct page *page, const struct simulation *simulation)
{
    int64_t affordable = PAGE_WORK / (int64_t)(simulation->size + 1);
    if (affordable < 1)
        affordable = 1;
    if (page->size > affordable)
        page->size = affordable;
}

static FALLIBLE evaluate(struct call *call, const struct simulation *simulation)
{
    const struct simulated_policies *all[] = { &simulation->identity, &simulation->boundary, &simulation->resource };
    json *actions = json_get_array(call->input, "ActionNames"),
         *resources = json_get_array(call->input, "ResourceArns");
    json *array = json_new_array(call);
    size_t resource_count = resources ? json_object_array_length(resources) : 0, unused;
    size_t each = resource_count > 0 ? resource_count : 1, total = each * json_object_array_length(actions);
    struct evaluation evaluation = { .call = call, .simulation = simulation };
    struct page page;
    evaluation.identity = policies_of(call, all, 1, &unused);
    evaluation.all = policies_of(call, all, 3, &evaluation.all_count);
    TRY(page_begin(call, &page));
    bound_page(&page, simulation);
    for (size_t i = page.after ? strtoull(page.after, NULL, 10) : 0; i < total && !page.more; i++) {
        if (!page_take(call, &page, text_format(call, "%zu", i + 1)))
            break;
        evaluation.request = (struct policy_request){ text_at(actions, i / each),
                                                      resource_count > 0 ? text_at(resources, i % each) : SLICE("*"),
                                                      &simulation->context };
        json_add(array, result_of(&evaluation));
    }
    return page_answer(call, &page, "EvaluationResults", array);
}

static FALLIBLE load_principal(struct call *call)
{
    struct simulation *simulation;
    TRY(simulation_of_principal(call, &simulation));
    call->kept = simulation;
    return NULL;
}

static FALLIBLE simulate(struct call *call)
{
    struct simulation *simulation = call->kept ? call->kept : MAKE(call, struct simulation);
    TRY(simulation_of_request(call, simulation));
    return evaluate(call, simulation);
}

const struct operation iam_op_simulate_principal_policy = { "iam", "SimulatePrincipalPolicy",
                                                            STEPS({ READ, load_principal }, { WORK, simulate }) };
const struct operation iam_op_simulate_custom_policy = { "iam", "SimulateCustomPolicy", STEPS({ WORK, simulate }) };
