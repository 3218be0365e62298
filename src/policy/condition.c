/* condition.c - the table of operators, and the rules about absent and multi-valued keys that all of them share. */
#include "policy/condition.h"
#include "base/encode.h"

enum relation { EQUAL = 1, LESS = 2, GREATER = 4 };

struct comparison {
    const char *name;
    bool negated;      /* holds when no value of the policy matches */
    unsigned flags;    /* for pattern_compile, above the document's PATTERN_VARIABLES */
    unsigned relation; /* of the request's value to the policy's */
    const char *(*compile)(void *ctx, slice value, unsigned flags, union operand *out);
    bool (*matches)(const struct comparison *how, const union operand *operand, slice value,
                    const struct policy_context *context); /* NULL: Null, which looks at the key alone */
    void (*each_missing)(const union operand *operand, const struct policy_context *context,
                         void (*missing)(void *arg, slice name), void *arg); /* NULL: takes no variables */
};

/* --- Text, ARN, Bool --------------------------------------------------------------------------------------------- */

static const char *compile_text(void *ctx, slice value, unsigned flags, union operand *out)
{
    return pattern_compile(ctx, value, flags, &out->text);
}

static bool text_matches(const struct comparison *how, const union operand *operand, slice value,
                         const struct policy_context *context)
{
    (void)how;
    return pattern_matches(&operand->text, value, context);
}

static void text_missing(const union operand *operand, const struct policy_context *context,
                         void (*missing)(void *arg, slice name), void *arg)
{
    pattern_each_missing(&operand->text, context, missing, arg);
}

static const char *compile_arn(void *ctx, slice value, unsigned flags, union operand *out)
{
    return arn_pattern_compile(ctx, value, flags, &out->arn);
}

static bool arn_matches(const struct comparison *how, const union operand *operand, slice value,
                        const struct policy_context *context)
{
    (void)how;
    struct arn arn = arn_of(value);
    return arn_pattern_matches(&operand->arn, &arn, context);
}

static void arn_missing(const union operand *operand, const struct policy_context *context,
                        void (*missing)(void *arg, slice name), void *arg)
{
    arn_pattern_each_missing(&operand->arn, context, missing, arg);
}

static bool truth_of(slice text, bool *truth)
{
    *truth = slice_is_nocase(text, "true");
    return *truth || slice_is_nocase(text, "false");
}

static const char *compile_bool(void *ctx, slice value, unsigned flags, union operand *out)
{
    bool truth;
    const char *wrong = compile_text(ctx, value, flags, out);
    if (wrong == NULL && out->text.piece_count == 0 && !truth_of(value, &truth))
        return "is neither \"true\" nor \"false\"";
    return wrong;
}

static bool bool_matches(const struct comparison *how, const union operand *operand, slice value,
                         const struct policy_context *context)
{
    bool truth;
    return truth_of(value, &truth) && text_matches(how, operand, value, context);
}

/* --- Numbers, dates, addresses, bytes ---------------------------------------------------------------------------- */

static bool stands_in(unsigned relation, int difference)
{
    return relation & (difference == 0 ? EQUAL : difference < 0 ? LESS : GREATER);
}

static const char *compile_number(void *ctx, slice value, unsigned flags, union operand *out)
{
    (void)flags;
    return decimal_parse(slice_copy(ctx, value), &out->number) ? NULL : "is not a decimal number";
}

static bool number_matches(const struct comparison *how, const union operand *operand, slice value,
                           const struct policy_context *context)
{
    (void)context;
    struct decimal number;
    return decimal_parse(value, &number) && stands_in(how->relation, decimal_compare(&number, &operand->number));
}

static const char *compile_date(void *ctx, slice value, unsigned flags, union operand *out)
{
    (void)ctx, (void)flags;
    return moment_parse(value, &out->moment) ? NULL : "is neither an ISO 8601 date nor seconds since 1970";
}

static bool date_matches(const struct comparison *how, const union operand *operand, slice value,
                         const struct policy_context *context)
{
    (void)context;
    int64_t moment;
    return moment_parse(value, &moment) &&
           stands_in(how->relation, (moment > operand->moment) - (moment < operand->moment));
}

static const char *compile_network(void *ctx, slice value, unsigned flags, union operand *out)
{
    (void)ctx, (void)flags;
    return network_parse(value, &out->network) ? NULL : "is not an IP address or a range such as 10.0.0.0/8";
}

static bool network_matches(const struct comparison *how, const union operand *operand, slice value,
                            const struct policy_context *context)
{
    (void)how, (void)context;
    struct network address;
    return value.length > 0 && memchr(value.at, '/', value.length) == NULL && network_parse(value, &address) &&
           network_holds(&operand->network, &address);
}

static const char *compile_binary(void *ctx, slice value, unsigned flags, union operand *out)
{
    (void)flags;
    return base64_decode(ctx, value, &out->bytes) ? NULL : "is not base64";
}

static bool binary_matches(const struct comparison *how, const union operand *operand, slice value,
                           const struct policy_context *context)
{
    (void)how, (void)context;
    return slice_equal(operand->bytes, value);
}

static const char *compile_null(void *ctx, slice value, unsigned flags, union operand *out)
{
    (void)ctx, (void)flags;
    return truth_of(value, &out->truth) ? NULL : "is neither \"true\" nor \"false\"";
}

/* --- The table --------------------------------------------------------------------------------------------------- */

enum { POSITIVE, NEGATED, PLAIN = 0, NOCASE = PATTERN_NOCASE, LIKE = PATTERN_WILDCARDS };

#define TEXT(negated, flags) negated, flags, 0, compile_text, text_matches, text_missing
#define ARN(negated)         negated, LIKE, 0, compile_arn, arn_matches, arn_missing
#define NUMBER(negated, is)  negated, PLAIN, is, compile_number, number_matches, NULL
#define DATE(negated, is)    negated, PLAIN, is, compile_date, date_matches, NULL
#define ADDRESS(negated)     negated, PLAIN, 0, compile_network, network_matches, NULL

static const struct comparison comparisons[] = {
    { "StringEquals", TEXT(POSITIVE, PLAIN) },
    { "StringNotEquals", TEXT(NEGATED, PLAIN) },
    { "StringEqualsIgnoreCase", TEXT(POSITIVE, NOCASE) },
    { "StringNotEqualsIgnoreCase", TEXT(NEGATED, NOCASE) },
    { "StringLike", TEXT(POSITIVE, LIKE) },
    { "StringNotLike", TEXT(NEGATED, LIKE) },
    { "NumericEquals", NUMBER(POSITIVE, EQUAL) },
    { "NumericNotEquals", NUMBER(NEGATED, EQUAL) },
    { "NumericLessThan", NUMBER(POSITIVE, LESS) },
    { "NumericLessThanEquals", NUMBER(POSITIVE, LESS | EQUAL) },
    { "NumericGreaterThan", NUMBER(POSITIVE, GREATER) },
    { "NumericGreaterThanEquals", NUMBER(POSITIVE, GREATER | EQUAL) },
    { "DateEquals", DATE(POSITIVE, EQUAL) },
    { "DateNotEquals", DATE(NEGATED, EQUAL) },
    { "DateLessThan", DATE(POSITIVE, LESS) },
    { "DateLessThanEquals", DATE(POSITIVE, LESS | EQUAL) },
    { "DateGreaterThan", DATE(POSITIVE, GREATER) },
    { "DateGreaterThanEquals", DATE(POSITIVE, GREATER | EQUAL) },
    { "Bool", POSITIVE, NOCASE, 0, compile_bool, bool_matches, text_missing },
    { "BinaryEquals", POSITIVE, PLAIN, 0, compile_binary, binary_matches, NULL },
    { "IpAddress", ADDRESS(POSITIVE) },
    { "NotIpAddress", ADDRESS(NEGATED) },
    { "ArnEquals", ARN(POSITIVE) },
    { "ArnLike", ARN(POSITIVE) },
    { "ArnNotEquals", ARN(NEGATED) },
    { "ArnNotLike", ARN(NEGATED) },
    { "Null", POSITIVE, PLAIN, 0, compile_null, NULL, NULL },
};

static const struct comparison *comparison_find(slice name)
{
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
        if (slice_is(name, comparisons[i].name))
            return &comparisons[i];
    return NULL;
}

static bool take_prefix(slice *name, const char *prefix)
{
    bool there = slice_starts(*name, prefix);
    if (there)
        *name = slice_from(*name, strlen(prefix));
    return there;
}

bool condition_set_operator(slice name, struct condition *out)
{
    out->quantifier = take_prefix(&name, "ForAllValues:")  ? FOR_ALL_VALUES
                      : take_prefix(&name, "ForAnyValue:") ? FOR_ANY_VALUE
                                                           : ANY_OR_NONE;
    out->if_exists = slice_ends(name, "IfExists");
    if (out->if_exists)
        name.length -= strlen("IfExists");
    out->how = comparison_find(name);
    bool looks_at_values = out->how != NULL && out->how->matches != NULL;
    return looks_at_values || (out->how != NULL && !out->if_exists && out->quantifier == ANY_OR_NONE);
}

bool condition_key_is_tag(slice key)
{
    slice prefix, rest = key;
    return slice_split(&rest, '/', &prefix) && rest.at != NULL && prefix.length > 3 &&
           slice_is_nocase(slice_from(prefix, prefix.length - 3), "Tag");
}

const char *condition_compile(void *ctx, const struct condition *condition, slice value, unsigned flags,
                              union operand *out)
{
    unsigned kept = flags & (PATTERN_VARIABLES | PATTERN_PARENTHESES);
    return condition->how->compile(ctx, value, kept | condition->how->flags, out);
}

/* --- Evaluation -------------------------------------------------------------------------------------------------- */

static bool value_passes(const struct condition *condition, slice value, const struct policy_context *context)
{
    const struct comparison *how = condition->how;
    for (size_t i = 0; i < condition->count; i++)
        if (how->matches(how, &condition->operands[i], value, context))
            return !how->negated;
    return how->negated;
}

/* A key with no values counts as null (auth 4.2.5), so Null guards ForAllValues against both. */
static bool null_holds(const struct condition *condition, bool is_null)
{
    for (size_t i = 0; i < condition->count; i++)
        if (condition->operands[i].truth == is_null)
            return true;
    return false;
}

/* No values: "all of them pass" holds, "one of them passes" does not. That is the rule for ForAllValues and negated
   operators, and for ForAnyValue and positive ones. */
bool condition_holds(const struct condition *condition, const struct policy_context *context, bool in_deny)
{
    struct policy_values found;
    bool present = policy_find(context, condition->key, &found);
    size_t count = present ? found.count : 0;

    if (condition->how->matches == NULL)
        return null_holds(condition, count == 0);
    if (condition->of_tag && count > 1)
        return in_deny;
    if (!present && condition->if_exists)
        return true;

    bool all =
        condition->quantifier == FOR_ALL_VALUES || (condition->quantifier == ANY_OR_NONE && condition->how->negated);
    for (size_t i = 0; i < count; i++)
        if (value_passes(condition, found.values[i], context) != all)
            return !all;
    return all;
}

void condition_each_missing(const struct condition *condition, const struct policy_context *context,
                            void (*missing)(void *arg, slice name), void *arg)
{
    struct policy_values found;
    bool content = condition->if_exists || condition->how->matches == NULL;
    if (!content && !policy_find(context, condition->key, &found))
        missing(arg, condition->key);
    for (size_t i = 0; condition->how->each_missing != NULL && i < condition->count; i++)
        condition->how->each_missing(&condition->operands[i], context, missing, arg);
}

/* --- Values that a request brings ------------------------------------------------------------------------------------ */

bool policy_value_is(enum policy_value_type type, slice value)
{
    struct decimal number;
    struct network network;
    int64_t moment;
    bool truth;
    slice bytes;
    SCRATCH scratch = talloc_new(NULL);
    switch (type) {
    case POLICY_VALUE_NUMBER:
        return decimal_parse(value, &number);
    case POLICY_VALUE_BOOL:
        return truth_of(value, &truth);
    case POLICY_VALUE_IP:
        return network_parse(value, &network);
    case POLICY_VALUE_BINARY:
        return base64_decode(scratch, value, &bytes);
    case POLICY_VALUE_DATE:
        return moment_parse(value, &moment);
    case POLICY_VALUE_TEXT:
        break;
    }
    return true;
}
