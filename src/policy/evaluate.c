/* evaluate.c - one request against compiled policies. */
#include "policy/compiled.h"

/* A request, taken apart once for all statements. */
struct question {
    const struct policy_request *request;
    const struct policy_principal *caller;
    struct arn resource;
};

static struct question question_of(const struct policy_request *request, const struct policy_principal *caller)
{
    return (struct question){ .request = request, .caller = caller, .resource = arn_of(request->resource) };
}

static bool action_matches(const struct statement *statement, const struct question *question)
{
    for (size_t i = 0; i < statement->action_count; i++)
        if (pattern_matches(&statement->actions[i], question->request->action, NULL))
            return !statement->not_action;
    return statement->not_action;
}

/* A trust policy has no resources: it is about the role it belongs to. */
static bool resource_matches(const struct statement *statement, const struct question *question)
{
    if (statement->resource_count == 0)
        return true;
    for (size_t i = 0; i < statement->resource_count; i++)
        if (arn_pattern_matches(&statement->resources[i], &question->resource, question->request->context))
            return !statement->not_resource;
    return statement->not_resource;
}

static bool conditions_hold(const struct statement *statement, const struct policy_context *context)
{
    for (size_t i = 0; i < statement->condition_count; i++)
        if (!condition_holds(&statement->conditions[i], context, statement->effect == POLICY_EXPLICIT_DENY))
            return false;
    return true;
}

static enum naming statement_matches(const struct statement *statement, const struct question *question)
{
    enum naming naming = statement_names(statement, question->caller);
    bool matches = naming != NAMES_NOBODY && action_matches(statement, question) &&
                   resource_matches(statement, question) && conditions_hold(statement, question->request->context);
    return matches ? naming : NAMES_NOBODY;
}

static struct policy_decision decided_by(const struct policy *policy, size_t index)
{
    const struct statement *statement = &policy->statements[index];
    return (struct policy_decision){ statement->effect, policy, policy->name, (int)index + 1, statement->sid };
}

/* Adds one policy's word to *decision, where the first Deny stays, and until then the first Allow among those that
   name the caller best. */
static void weigh(const struct policy *policy, const struct question *question, enum naming *naming,
                  struct policy_decision *decision)
{
    for (size_t i = 0; i < policy->statement_count && decision->effect != POLICY_EXPLICIT_DENY; i++) {
        const struct statement *statement = &policy->statements[i];
        if (statement->effect <= decision->effect && statement->principal_count == 0)
            continue;
        enum naming named = statement_matches(statement, question);
        if (named == NAMES_NOBODY || (statement->effect <= decision->effect && named <= *naming))
            continue;
        *decision = decided_by(policy, i);
        *naming = named;
    }
}

static const struct policy_decision undecided = { .effect = POLICY_IMPLICIT_DENY, .policy_name = "" };

enum policy_effect policy_evaluate(const struct policy *const *policies, size_t count,
                                   const struct policy_request *request, struct policy_decision *decision)
{
    struct question question = question_of(request, NULL);
    struct policy_decision found = undecided;
    enum naming naming = NAMES_NOBODY;
    for (size_t i = 0; i < count && found.effect != POLICY_EXPLICIT_DENY; i++)
        weigh(policies[i], &question, &naming, &found);
    if (decision != NULL)
        *decision = found;
    return found.effect;
}

enum policy_effect policy_evaluate_for(const struct policy *policy, const struct policy_request *request,
                                       const struct policy_principal *caller, enum naming *naming,
                                       struct policy_decision *decision)
{
    struct question question = question_of(request, caller);
    *decision = undecided;
    *naming = NAMES_NOBODY;
    weigh(policy, &question, naming, decision);
    return decision->effect;
}

void policy_matches(const struct policy *policy, const struct policy_request *request, bool *allows, bool *denies)
{
    struct question question = question_of(request, NULL);
    *allows = *denies = false;
    for (size_t i = 0; i < policy->statement_count; i++) {
        if (statement_matches(&policy->statements[i], &question) == NAMES_NOBODY)
            continue;
        *allows |= policy->statements[i].effect == POLICY_ALLOW;
        *denies |= policy->statements[i].effect == POLICY_EXPLICIT_DENY;
    }
}

size_t policy_list_matches(const struct policy *policy, const struct policy_request *request,
                           const struct policy_principal *caller, enum policy_effect effect, int *numbers, size_t room)
{
    struct question question = question_of(request, caller);
    size_t count = 0;
    for (size_t i = 0; i < policy->statement_count && count < room; i++)
        if (policy->statements[i].effect == effect &&
            statement_matches(&policy->statements[i], &question) != NAMES_NOBODY)
            numbers[count++] = (int)i + 1;
    return count;
}

/* --- Missing values ----------------------------------------------------------------------------------------------- */

struct missing_names {
    void *ctx;
    slice *names;
    size_t count;
};

static void add_missing(void *arg, slice name)
{
    struct missing_names *missing = arg;
    for (size_t i = 0; i < missing->count; i++)
        if (slice_is_nocase(name, missing->names[i].at))
            return;
    *ARRAY_ADD(missing->ctx, missing->names, missing->count) = (slice){ slice_text(missing->ctx, name), name.length };
}

/* Conditions count only where the resource would let them speak, or does not for want of a value. */
static void statement_missing(const struct statement *statement, const struct question *question,
                              struct missing_names *missing)
{
    const struct policy_context *context = question->request->context;
    size_t before = missing->count;
    for (size_t i = 0; i < statement->resource_count; i++)
        arn_pattern_each_missing(&statement->resources[i], context, add_missing, missing);
    if (missing->count == before && !resource_matches(statement, question))
        return;
    for (size_t i = 0; i < statement->condition_count; i++)
        condition_each_missing(&statement->conditions[i], context, add_missing, missing);
}

size_t policy_missing_values(void *ctx, const struct policy *const *policies, size_t count,
                             const struct policy_request *request, slice **names)
{
    struct question question = question_of(request, NULL);
    struct missing_names missing = { .ctx = ctx };
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < policies[p]->statement_count; i++)
            if (action_matches(&policies[p]->statements[i], &question))
                statement_missing(&policies[p]->statements[i], &question, &missing);
    *names = missing.names;
    return missing.count;
}
