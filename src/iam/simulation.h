/* simulation.h - what SimulatePrincipalPolicy and SimulateCustomPolicy ask the policy engine (auth.md 2.4).

       simulation_of_principal    READ: the policies, boundary, tags of the user, role or group that PolicySourceArn names
       simulation_of_request      the documents and context of the request itself, all of it checked
       (simulate.c)               WORK: the pairs of action and resource that this page has room for */
#pragma once
#include "iam/inner.h"

/* One document, and how answers name where it came from. */
struct simulated_policy {
    const char *id, *type; /* SourcePolicyId, SourcePolicyType */
    slice document;
    const struct policy *policy;
};

struct simulated_policies {
    struct simulated_policy *at;
    size_t count;
};

struct simulation {
    struct simulated_policies identity;
    struct simulated_policies boundary; /* one at most */
    struct simulated_policies resource; /* one at most */
    const char *source_arn;             /* PolicySourceArn; NULL for SimulateCustomPolicy */
    /* Condition keys: of the request, before those that its caller has, before those of the moment. */
    struct policy_key *entries, *facts;
    size_t entry_count, fact_count;
    struct policy_context keys_of_caller, context;
    struct policy_principal caller; /* whom the resource policy may name */
    slice owner;                    /* the account of resources whose ARN says none */
    size_t size;                    /* bytes of all documents: what one evaluation costs */
};

FALLIBLE simulation_of_principal(struct call *call, struct simulation **out);
FALLIBLE simulation_of_request(struct call *call, struct simulation *simulation);

void simulation_add_fact(struct call *call, struct simulation *simulation, const char *key, const char *value);
