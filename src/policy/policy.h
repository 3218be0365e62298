/* policy.h - policy documents: parse, match, decide.

   IoT policies (what a device may do) and IAM policies (what an operator, a role or a service may do) are one grammar,
   one matcher and one engine (auth 4.2, broker 4.11). Nothing here knows a clock, a socket or a store: who asks hands
   in everything that a policy may ask about, as a context of keys and values.

   One walk:

       policy_parse            text to struct policy: grammar, duplicate keys, sizes; patterns and operands compiled
       policy_set_name         the name that decisions and log lines show; before the policy is shared
       policy_evaluate         many policies, one request: Deny over Allow over nothing
           statement           principal, action, resource, conditions, the cheap ones first
               pattern         an ARN pattern part by part; ${variables} filled in from the context, as literal text
               condition       operators of the table in condition.c, each against the values of its key
       policy_decide_iam       identity, boundary, session and resource policies weighed as in auth 4.2.6
       policy_denial_text      the sentence that tells the caller why not

   A struct policy belongs to the context it was parsed into and never changes once it is shared: any number of threads
   evaluate it at the same time. Evaluation takes no lock, and no memory but for long substituted texts. What a decision
   points to belongs to the policy that decided. A context belongs to its caller and lives during the call only. */
#pragma once
#include "base/bytes.h"
#include "policy/managed.h"

enum policy_kind {
    POLICY_IOT,          /* what is attached to certificates, groups and identities, or comes from an authorizer */
    POLICY_IAM_IDENTITY, /* users, roles, managed policies, permissions boundaries */
    POLICY_IAM_TRUST,    /* who may assume a role */
    POLICY_IAM_RESOURCE, /* who may use a function or another resource */
    POLICY_SESSION,      /* narrows a session; the grammar of an identity policy */
};

enum {
    POLICY_IOT_SIZE_MAX = 2048,  /* characters without white space (x509 4.14) */
    POLICY_IOT_RAW_MAX = 404600, /* characters as sent (x509 4.14) */
    POLICY_IAM_SIZE_MAX = 10240, /* the largest quota of auth 5; smaller ones are the caller's, by policy_size */
    POLICY_IAM_RAW_MAX = 131072, /* what the IAM interface takes of one document */
    POLICY_PATTERN_MAX = 2048,   /* bytes of one action, resource or condition value */
    POLICY_CERTIFICATE_VALUE_MAX = 1024, /* characters of a certificate's value that can be a variable (broker 4.11) */
};

struct policy;

/* --- Parsing ---------------------------------------------------------------------------------------------------- */

/* Fails with MalformedPolicyException (POLICY_IOT) or MalformedPolicyDocument (all others). The messages of IAM are
   those of auth 4.2.1; where AWS says just "Syntax errors in policy.", the cause names the place for the log. */
FALLIBLE policy_parse(void *ctx, slice document, enum policy_kind kind, struct policy **out);

/* The same with another quota of characters without white space than the kind's own. */
FALLIBLE policy_parse_sized(void *ctx, slice document, enum policy_kind kind, size_t size_max, struct policy **out);

/* Characters without white space, as quotas count them. */
size_t policy_size(slice document);

/* Only before the policy is shared. A policy without a name is shown as "". */
void policy_set_name(struct policy *policy, slice name);
const char *policy_name(const struct policy *policy);
enum policy_kind policy_kind_of(const struct policy *policy);
/* Whether its decision may hang on the tags of a resource (aws:ResourceTag/KEY): only then are they worth reading. True
   too where the words stand somewhere else in it. */
bool policy_asks_resource_tags(const struct policy *policy);

/* --- What is asked ---------------------------------------------------------------------------------------------- */

/* The values of a key. A callback that computes a text puts it into `room` or anything that outlives the call. */
struct policy_values {
    const slice *values;
    size_t count; /* a key may be there with no values (iot:ConnectAttributes), which is not the same as absent */
    slice one;
    char room[64];
};

void policy_values_one(struct policy_values *out, slice value); /* the key has this single value */

struct policy_key {
    slice name; /* compared without regard to case */
    const slice *values;
    size_t count;
};

/* A key is looked up in `keys`, then asked from `find` (false: absent; the key's name comes as the policy spells it,
   compare it with slice_is_nocase), then in `parent`, for instance the connection of a message. */
struct policy_context {
    const struct policy_key *keys;
    size_t count;
    bool (*find)(void *arg, slice key, struct policy_values *out);
    void *arg;
    const struct policy_context *parent;
};

bool policy_find(const struct policy_context *context, slice key, struct policy_values *out);

struct policy_request {
    slice action;                         /* "iot:Publish" */
    slice resource;                       /* an ARN, or "*" for an action without a resource type */
    const struct policy_context *context; /* NULL: no keys */
};

/* Whether a value out of a certificate may be substituted (broker 4.11). The lookup that serves iot:Certificate.*
   keys must answer "absent" for a variable otherwise. */
bool policy_certificate_value_ok(slice value);

struct policy_principal;

/* --- Evaluation -------------------------------------------------------------------------------------------------- */

enum policy_effect { POLICY_IMPLICIT_DENY, POLICY_ALLOW, POLICY_EXPLICIT_DENY };

/* What decided. Of an implicit deny nothing did: policy and sid are NULL, policy_name "" and statement 0. */
struct policy_decision {
    enum policy_effect effect;
    const struct policy *policy;
    const char *policy_name;
    int statement;   /* the first one is 1 */
    const char *sid; /* NULL: the statement has none */
};

/* `decision` may be NULL. Statements that name principals match nobody here: see policy_trusts. */
enum policy_effect policy_evaluate(const struct policy *const *policies, size_t count,
                                   const struct policy_request *request, struct policy_decision *decision);

/* Whether the policy holds a matching Allow and a matching Deny; both may be (TestAuthorization, broker 4.12). */
void policy_matches(const struct policy *policy, const struct policy_request *request, bool *allows, bool *denies);

/* The statements of this effect that match, numbered from 1, at most `room` of them; gives how many went into `numbers`.
   `caller`: whom statements with principals may name; NULL: they match nobody. */
size_t policy_list_matches(const struct policy *policy, const struct policy_request *request,
                           const struct policy_principal *caller, enum policy_effect effect, int *numbers, size_t room);

/* Where a statement (from 1) stands in the text it was parsed from: lines and columns in characters, from 1, right
   behind its braces. False: the text holds no such statement. */
struct policy_span {
    int start_line, start_column, end_line, end_column;
};
bool policy_statement_span(slice document, int statement, struct policy_span *out);

/* Whether a text is a value that a condition of this type can compare. */
enum policy_value_type {
    POLICY_VALUE_TEXT,
    POLICY_VALUE_NUMBER,
    POLICY_VALUE_BOOL,
    POLICY_VALUE_IP,
    POLICY_VALUE_BINARY,
    POLICY_VALUE_DATE
};
bool policy_value_is(enum policy_value_type type, slice value);

/* The names of variables and condition keys that had no value though an evaluation wanted one (missingContextValues),
   each once, in ctx. Gives their count. A condition that is content without its key (IfExists, Null) misses nothing. */
size_t policy_missing_values(void *ctx, const struct policy *const *policies, size_t count,
                             const struct policy_request *request, slice **names);

/* --- IAM ---------------------------------------------------------------------------------------------------------- */

/* Who asks, as trust and resource policies name callers (auth 4.2.3). What does not apply stays empty. */
struct policy_principal {
    slice arn;         /* the user, the role of a session, or the account's root */
    slice session_arn; /* arn:aws:sts::A:assumed-role/R/S of a role session, federated-user/N */
    slice id;          /* AIDA... or AROA...: trust policies keep these, so a recreated namesake is a stranger */
    slice account;
    slice service;   /* "iot.amazonaws.com" */
    slice federated; /* "cognito-identity.amazonaws.com" or the ARN of an OIDC provider */
};

struct trust_request {
    struct policy_principal principal;
    slice action; /* "sts:AssumeRole" */
    const struct policy_context *context;
};

/* Whether a trust policy allows it and none of its statements denies it. `decision` may be NULL. */
bool policy_trusts(const struct policy *trust, const struct trust_request *request, struct policy_decision *decision);

/* All that speaks for or against a request (auth 4.2.6). */
struct iam_grounds {
    const struct policy *const *identity; /* inline, attached and the groups' */
    size_t identity_count;
    const struct policy *boundary;       /* NULL: none is set */
    const struct policy *const *session; /* the inline one and the PolicyArns of the session: one union */
    size_t session_count;
    const struct policy *resource;  /* NULL, a resource policy, or for AssumeRole the role's trust policy */
    struct policy_principal caller; /* whom `resource` may name */
    bool root;
    bool cross_account; /* the resource lies in another account: both sides must allow */
};

enum iam_reason {
    IAM_ALLOWED,
    IAM_DENIED_BY_IDENTITY,
    IAM_DENIED_BY_BOUNDARY,
    IAM_DENIED_BY_SESSION,
    IAM_DENIED_BY_RESOURCE,
    IAM_DENIED_BY_TRUST,
    IAM_NOT_IN_IDENTITY,
    IAM_NOT_IN_BOUNDARY,
    IAM_NOT_IN_SESSION,
    IAM_NOT_IN_RESOURCE,
    IAM_NOT_IN_TRUST,
    IAM_ROOT_ASSUMES, /* "Roles may not be assumed by root accounts." */
};

struct iam_decision {
    enum policy_effect effect;
    enum iam_reason reason;
    struct policy_decision by; /* the statement that allowed or denied; of an implicit deny none */
};

/* Gives decision->effect; `decision` may not be NULL. */
enum policy_effect policy_decide_iam(const struct iam_grounds *grounds, const struct policy_request *request,
                                     struct iam_decision *decision);

/* "User: ARN is not authorized to perform: ACTION on resource: RESOURCE because no identity-based policy allows the
   ACTION action". Without the reason when decision is NULL (a role that does not exist) and for trust policies. */
const char *policy_denial_text(void *ctx, slice principal_arn, slice action, slice resource,
                               const struct iam_decision *decision);
