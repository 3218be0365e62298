/* document.c - from the text of a policy document to struct policy.

   Each member of a statement is a row of the table below; each kind of policy a row of another. A refusal of an IAM
   document has one of the texts of auth 4.2.1, with our own sentence as its cause; for IoT documents, where AWS says
   nothing precise, our sentence is the message. */
#include "policy/compiled.h"
#include <stdarg.h>

enum presence { FORBIDDEN, REQUIRED };

enum { DEPTH_MAX = 8, SHOWN_MAX = 128 };

static const struct rules {
    const char *error;
    bool iot;
    enum presence principal, resource;
    size_t size_max, raw_max;
} rules_of[] = {
    [POLICY_IOT] = { "MalformedPolicyException", true, FORBIDDEN, REQUIRED, POLICY_IOT_SIZE_MAX, POLICY_IOT_RAW_MAX },
    [POLICY_IAM_IDENTITY] = { "MalformedPolicyDocument", false, FORBIDDEN, REQUIRED, POLICY_IAM_SIZE_MAX,
                              POLICY_IAM_RAW_MAX },
    [POLICY_IAM_TRUST] = { "MalformedPolicyDocument", false, REQUIRED, FORBIDDEN, POLICY_IAM_SIZE_MAX,
                           POLICY_IAM_RAW_MAX },
    [POLICY_IAM_RESOURCE] = { "MalformedPolicyDocument", false, REQUIRED, REQUIRED, POLICY_IAM_SIZE_MAX,
                              POLICY_IAM_RAW_MAX },
    [POLICY_SESSION] = { "MalformedPolicyDocument", false, FORBIDDEN, REQUIRED, POLICY_IAM_SIZE_MAX,
                         POLICY_IAM_RAW_MAX },
};

struct parser {
    void *ctx;             /* owns errors */
    void *scratch;         /* owns what ends with parsing */
    struct policy *policy; /* owns what stays */
    const struct rules *rules;
    unsigned variables; /* pattern flags: none before version 2012-10-17 */
    int statement;      /* being read; 0: none yet */
};

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* What is shown of a stranger's text in a message: not too much, and no half character. */
static slice shown(slice text)
{
    if (text.length > SHOWN_MAX) {
        text.length = SHOWN_MAX;
        while (text.length > 0 && !begins_character(text.at[text.length]))
            text.length--;
    }
    return text;
}

/* `iam` is what IAM says of it; NULL: "Syntax errors in policy." */
static error *refused(const struct parser *p, const char *iam, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static error *refused(const struct parser *p, const char *iam, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *detail = talloc_vasprintf(p->scratch, format, args);
    va_end(args);
    const char *where = p->statement ? text_format(p->scratch, "Statement %d: ", p->statement) : "";

    error *own = error_new(p->ctx, p->rules->error, "%s%s", where, detail);
    if (p->rules->iot)
        return own;
    return error_because(p->ctx, own, p->rules->error, "%s", iam ? iam : "Syntax errors in policy.");
}

/* --- Before the grammar ---------------------------------------------------------------------------------------------- */

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t policy_size(slice document)
{
    size_t size = 0;
    for (size_t i = 0; i < document.length; i++)
        size += begins_character(document.at[i]) && !is_white(document.at[i]);
    return size;
}

static size_t count_characters(slice document)
{
    size_t count = 0;
    for (size_t i = 0; i < document.length; i++)
        count += begins_character(document.at[i]);
    return count;
}

static size_t count_members(const json *value)
{
    size_t count = 0;
    if (json_is_object(value)) {
        json_object_object_foreach (value, key, member) {
            (void)key;
            count += 1 + count_members(member);
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            count += count_members(json_object_array_get_idx(value, i));
    }
    return count;
}

/* Of a repeated key json-c keeps the last one, so a document could say one thing to whoever reads it and another to us.
   Every key has its colon outside strings: more colons than members kept means that one was repeated. No text in a
   policy needs U+0000, at which other readers stop. */
static FALLIBLE check_keys(const struct parser *p, slice document, const json *root)
{
    size_t colons = 0;
    bool in_text = false;
    for (size_t i = 0; i < document.length; i++) {
        char c = document.at[i];
        if (in_text && c == '\\') {
            if (slice_starts(slice_from(document, i), "\\u0000"))
                return refused(p, NULL, "The policy document holds the character U+0000.");
            i++;
        } else if (c == '"') {
            in_text = !in_text;
        } else {
            colons += c == ':' && !in_text;
        }
    }
    return colons == count_members(root) ? NULL : refused(p, NULL, "A key of the policy document is repeated.");
}

static FALLIBLE read_json(const struct parser *p, slice document, size_t size_max, json **root)
{
    if (count_characters(document) > p->rules->raw_max)
        return refused(p, NULL, "The policy document is longer than %zu characters.", p->rules->raw_max);
    if (policy_size(document) > size_max)
        return refused(p, NULL, "The policy document has more than %zu characters, not counting white space.",
                       size_max);
    error *cause = json_parse(p->scratch, document, DEPTH_MAX, root);
    if (cause != NULL)
        return refused(p, NULL, "The policy document is not valid JSON: %s", cause->message);
    if (!json_is_object(*root))
        return refused(p, NULL, "The policy document is not a JSON object.");
    return check_keys(p, document, *root);
}

/* --- Values ----------------------------------------------------------------------------------------------------------- */

struct texts {
    slice *at;
    size_t count;
};

static FALLIBLE add_text(const struct parser *p, json *value, const char *what, bool scalars, struct texts *out)
{
    bool scalar = scalars && (json_is_number(value) || json_is_bool(value));
    if (!json_is_text(value) && !scalar)
        return refused(p, NULL, "%s holds a value that is not text.", what);
    slice text = scalar ? json_print(p->scratch, value) : json_text(value);
    if (text.length > POLICY_PATTERN_MAX)
        return refused(p, NULL, "%s holds a value longer than %d bytes.", what, POLICY_PATTERN_MAX);
    *ARRAY_ADD(p->scratch, out->at, out->count) = text;
    return NULL;
}

/* One text or an array of them; with `scalars` numbers and booleans too, as they are written. */
static FALLIBLE read_texts(const struct parser *p, json *value, const char *what, bool scalars, struct texts *out)
{
    *out = (struct texts){ 0 };
    if (!json_is_array(value))
        return add_text(p, value, what, scalars, out);
    for (size_t i = 0; i < json_object_array_length(value); i++)
        TRY(add_text(p, json_object_array_get_idx(value, i), what, scalars, out));
    return NULL;
}

/* --- The members of a statement ---------------------------------------------------------------------------------------- */

static FALLIBLE take_sid(struct parser *p, struct statement *out, const char *name, json *value)
{
    slice sid = json_text(value);
    (void)name;
    if (!json_is_text(value))
        return refused(p, NULL, "Sid is not text.");
    if (sid.length == 0)
        return NULL;
    out->sid = slice_text(p->policy, sid);
    for (int i = 0; i < p->statement - 1; i++)
        if (p->policy->statements[i].sid != NULL && strcmp(p->policy->statements[i].sid, out->sid) == 0)
            return refused(p, "Statement IDs (SID) in a single policy must be unique.",
                           "Statement IDs (SID) in a single policy must be unique.");
    return NULL;
}

static FALLIBLE take_effect(struct parser *p, struct statement *out, const char *name, json *value)
{
    slice effect = json_text(value);
    (void)name;
    if (!slice_is(effect, "Allow") && !slice_is(effect, "Deny"))
        return refused(p, NULL, "Effect is neither \"Allow\" nor \"Deny\".");
    out->effect = slice_is(effect, "Allow") ? POLICY_ALLOW : POLICY_EXPLICIT_DENY;
    return NULL;
}

/* "iot:Publish": something before the first colon, without wildcards, and something behind it. */
static bool has_vendor(slice text)
{
    const char *colon = text.length ? memchr(text.at, ':', text.length) : NULL;
    if (colon == NULL || colon == text.at || colon + 1 == text.at + text.length)
        return false;
    slice vendor = { text.at, (size_t)(colon - text.at) };
    return memchr(vendor.at, '*', vendor.length) == NULL && memchr(vendor.at, '?', vendor.length) == NULL;
}

static bool is_trust_action(slice action)
{
    static const char *const actions[] = { "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML",
                                           "sts:TagSession", "sts:SetSourceIdentity",         "sts:*" };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (slice_is_nocase(action, actions[i]))
            return true;
    return false;
}

static FALLIBLE compile_action(struct parser *p, const char *name, slice action, struct pattern *out)
{
    if (!slice_is(action, "*") && !has_vendor(action))
        return refused(p, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                       "%s \"%.*s\" is not \"*\" and has no service before a colon, as in \"iot:Publish\".", name,
                       PRINT(shown(action)));
    if (p->policy->kind == POLICY_IAM_TRUST && !is_trust_action(action))
        return refused(p, "AssumeRole policy may only specify STS AssumeRole actions.",
                       "%s \"%.*s\" has no place in a trust policy.", name, PRINT(shown(action)));
    const char *wrong = pattern_compile(p->policy, action, PATTERN_WILDCARDS | PATTERN_NOCASE, out);
    return wrong == NULL ? NULL : refused(p, NULL, "%s \"%.*s\" %s.", name, PRINT(shown(action)), wrong);
}

static FALLIBLE take_actions(struct parser *p, struct statement *out, const char *name, json *value)
{
    struct texts actions;
    if (out->action_count > 0)
        return refused(p, NULL, "Action and NotAction exclude each other.");
    TRY(read_texts(p, value, name, false, &actions));
    struct pattern *patterns = MAKE_ARRAY(p->policy, struct pattern, actions.count);
    for (size_t i = 0; i < actions.count; i++)
        TRY(compile_action(p, name, actions.at[i], &patterns[i]));
    out->not_action = slice_starts(slice_of(name), "Not");
    out->actions = patterns;
    out->action_count = actions.count;
    return NULL;
}

static FALLIBLE compile_resource(struct parser *p, const char *name, slice resource, struct arn_pattern *out)
{
    const char *wrong = arn_pattern_compile(p->policy, resource, p->variables | PATTERN_WILDCARDS, out);
    if (wrong != NULL)
        return refused(p, NULL, "%s \"%.*s\" %s.", name, PRINT(shown(resource)), wrong);
    /* A variable stands in the last part only (auth 4.2.5). Elsewhere it could never match, which turns a Deny or a
       NotResource into its opposite without a word. */
    bool is_arn = slice_starts(resource, "arn:") && !arn_pattern_has_variable_before_resource(out);
    if (out->all || is_arn)
        return NULL;
    const char *iam = text_format(p->scratch, "Resource %.*s must be in ARN format or \"*\".", PRINT(shown(resource)));
    return refused(p, iam, "%s \"%.*s\" must be in ARN format or \"*\", with variables in its last part only.", name,
                   PRINT(shown(resource)));
}

static FALLIBLE take_resources(struct parser *p, struct statement *out, const char *name, json *value)
{
    struct texts resources;
    if (p->rules->resource == FORBIDDEN)
        return refused(p, text_format(p->scratch, "Has prohibited field %s", name), "%s has no place here.", name);
    if (out->resource_count > 0)
        return refused(p, NULL, "Resource and NotResource exclude each other.");
    TRY(read_texts(p, value, name, false, &resources));
    struct arn_pattern *patterns = MAKE_ARRAY(p->policy, struct arn_pattern, resources.count);
    for (size_t i = 0; i < resources.count; i++)
        TRY(compile_resource(p, name, resources.at[i], &patterns[i]));
    out->not_resource = slice_starts(slice_of(name), "Not");
    out->resources = patterns;
    out->resource_count = resources.count;
    return NULL;
}

struct principals {
    struct principal *at;
    size_t count;
};

static FALLIBLE add_principals(struct parser *p, slice type, json *value, struct principals *out)
{
    struct texts texts;
    TRY(read_texts(p, value, "Principal", false, &texts));
    for (size_t i = 0; i < texts.count; i++) {
        struct principal *principal = ARRAY_ADD(p->policy, out->at, out->count);
        const char *label = principal_compile(p->policy, type, texts.at[i], principal);
        if (label == NULL)
            continue;
        const char *iam =
            text_format(p->scratch, "Invalid principal in policy: \"%s\":\"%.*s\"", label, PRINT(shown(texts.at[i])));
        return refused(p, iam, "%s.", iam);
    }
    return NULL;
}

static FALLIBLE take_principals(struct parser *p, struct statement *out, const char *name, json *value)
{
    struct principals principals = { 0 };
    if (p->rules->principal == FORBIDDEN)
        return refused(p, "Policy document should not specify a principal.", "%s has no place here.", name);
    if (out->principal_count > 0)
        return refused(p, NULL, "Principal and NotPrincipal exclude each other.");
    if (slice_is(json_text(value), "*")) {
        TRY(add_principals(p, SLICE("AWS"), value, &principals));
    } else if (json_is_object(value)) {
        json_object_object_foreach (value, type, names) {
            if (strcmp(type, "AWS") != 0 && strcmp(type, "Service") != 0 && strcmp(type, "Federated") != 0)
                return refused(p, NULL, "Principal has the unknown key \"%.*s\".", PRINT(shown(slice_of(type))));
            TRY(add_principals(p, slice_of(type), names, &principals));
        }
    }
    if (principals.count == 0)
        return refused(p, NULL, "%s is neither \"*\" nor an object of AWS, Service and Federated.", name);
    out->not_principal = slice_starts(slice_of(name), "Not");
    out->principals = principals.at;
    out->principal_count = principals.count;
    return NULL;
}

/* The guide for IoT wants these characters of a certificate's values behind a backslash, but muster compares the values
   as they are (broker 4.11). */
static slice unescaped(void *ctx, slice text)
{
    char *out = memory_zeroed(ctx, 1, text.length + 1, "operand");
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '\\' && i + 1 < text.length && memchr(",\"\\+=<>;", text.at[i + 1], 8) != NULL)
            i++;
        out[length++] = text.at[i];
    }
    return (slice){ out, length };
}

static FALLIBLE compile_condition(struct parser *p, const char *operator_name, slice key, json *value,
                                  struct condition *out)
{
    struct texts texts;
    if (!has_vendor(key))
        return refused(p, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                       "The condition key \"%.*s\" has no service before a colon, as in \"iot:ClientId\".",
                       PRINT(shown(key)));
    TRY(read_texts(p, value, operator_name, true, &texts));
    union operand *operands = MAKE_ARRAY(p->policy, union operand, texts.count);
    for (size_t i = 0; i < texts.count; i++) {
        slice text = p->rules->iot ? unescaped(p->scratch, texts.at[i]) : texts.at[i];
        const char *wrong = condition_compile(p->policy, out, text, p->variables, &operands[i]);
        if (wrong != NULL)
            return refused(p, NULL, "The value \"%.*s\" of %s %s.", PRINT(shown(texts.at[i])), operator_name, wrong);
    }
    out->key = slice_copy(p->policy, key);
    out->of_tag = condition_key_is_tag(key);
    out->operands = operands;
    out->count = texts.count;
    return NULL;
}

static FALLIBLE take_conditions(struct parser *p, struct statement *out, const char *name, json *value)
{
    struct condition *conditions = NULL;
    if (!json_is_object(value))
        return refused(p, NULL, "%s is not an object.", name);
    json_object_object_foreach (value, operator_name, keys) {
        struct condition blank = { 0 };
        slice spelled = shown(slice_of(operator_name));
        if (!condition_set_operator(slice_of(operator_name), &blank))
            return refused(p, NULL, "\"%.*s\" is not a condition operator.", PRINT(spelled));
        if (!json_is_object(keys))
            return refused(p, NULL, "%s is not an object of condition keys.", operator_name);
        json_object_object_foreach (keys, key, values) {
            struct condition *condition = ARRAY_ADD(p->policy, conditions, out->condition_count);
            *condition = blank;
            TRY(compile_condition(p, operator_name, slice_of(key), values, condition));
        }
    }
    out->conditions = conditions;
    return NULL;
}

static const struct member {
    const char *name;
    FALLIBLE (*take)(struct parser *p, struct statement *out, const char *name, json *value);
    bool for_principals; /* an IoT document does not know it */
} members[] = {
    { "Sid", take_sid, false },
    { "Effect", take_effect, false },
    { "Principal", take_principals, true },
    { "NotPrincipal", take_principals, true },
    { "Action", take_actions, false },
    { "NotAction", take_actions, false },
    { "Resource", take_resources, false },
    { "NotResource", take_resources, false },
    { "Condition", take_conditions, false },
};

static const struct member *member_find(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (strcmp(members[i].name, name) == 0 && !(p->rules->iot && members[i].for_principals))
            return &members[i];
    return NULL;
}

/* --- Statement and document --------------------------------------------------------------------------------------------- */

static FALLIBLE read_statement(struct parser *p, json *value, struct statement *out)
{
    if (!json_is_object(value))
        return refused(p, NULL, "It is not an object.");
    json_object_object_foreach (value, name, content) {
        const struct member *member = member_find(p, name);
        if (member == NULL)
            return refused(p, NULL, "It has the unknown key \"%.*s\".", PRINT(shown(slice_of(name))));
        TRY(member->take(p, out, member->name, content));
    }
    if (out->effect == POLICY_IMPLICIT_DENY)
        return refused(p, NULL, "Effect is missing.");
    if (out->action_count == 0)
        return refused(p, "Policy statement must contain actions.", "Policy statement must contain actions.");
    if (p->rules->resource == REQUIRED && out->resource_count == 0)
        return refused(p, "Policy statement must contain resources.", "Policy statement must contain resources.");
    if (p->rules->principal == REQUIRED && out->principal_count == 0)
        return refused(p, "Missing required field Principal", "Principal is missing.");
    return NULL;
}

static FALLIBLE read_statements(struct parser *p, json *value)
{
    bool many = json_is_array(value);
    size_t count = many ? json_object_array_length(value) : 1;
    if (count == 0)
        return refused(p, NULL, "Statement is empty.");

    p->policy->statements = MAKE_ARRAY(p->policy, struct statement, count);
    p->policy->statement_count = count;
    for (size_t i = 0; i < count; i++) {
        p->statement = (int)i + 1;
        TRY(read_statement(p, many ? json_object_array_get_idx(value, i) : value, &p->policy->statements[i]));
    }
    return NULL;
}

/* Before 2012-10-17, which a missing Version means for IAM, "${aws:username}" is just text (auth 4.2.1). */
static FALLIBLE read_version(struct parser *p, json *root)
{
    json *version = NULL;
    bool present = json_object_object_get_ex(root, "Version", &version);
    slice text = json_text(version);
    if (present && !json_is_text(version))
        return refused(p, NULL, "Version is not text.");
    if (!present && p->rules->iot)
        return refused(p, NULL, "Version is missing; it is \"2012-10-17\" or \"2008-10-17\".");
    if (present && !slice_is(text, "2012-10-17") && !slice_is(text, "2008-10-17"))
        return refused(p, "Policy document must be version 2012-10-17 or greater.",
                       "Version is \"%.*s\"; it must be \"2012-10-17\" or \"2008-10-17\".", PRINT(shown(text)));
    if (slice_is(text, "2012-10-17"))
        p->variables = PATTERN_VARIABLES | (p->rules->iot ? PATTERN_PARENTHESES : 0);
    return NULL;
}

/* Of the parsed text, so that no escape hides it: printed again, letters stand for themselves. */
static bool speaks_of_resource_tags(json *root)
{
    return strcasestr(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN), "ResourceTag") != NULL;
}

static FALLIBLE read_document(struct parser *p, slice document, size_t size_max)
{
    json *root = NULL, *statements;
    TRY(read_json(p, document, size_max, &root));
    json_object_object_foreach (root, name, value) {
        bool known = strcmp(name, "Version") == 0 || strcmp(name, "Statement") == 0 || strcmp(name, "Id") == 0;
        if (!known)
            return refused(p, NULL, "The policy document has the unknown key \"%.*s\".", PRINT(shown(slice_of(name))));
        if (strcmp(name, "Id") == 0 && !json_is_text(value))
            return refused(p, NULL, "Id is not text.");
    }
    p->policy->asks_resource_tags = speaks_of_resource_tags(root);
    TRY(read_version(p, root));
    if (!json_object_object_get_ex(root, "Statement", &statements))
        return refused(p, NULL, "Statement is missing.");
    return read_statements(p, statements);
}

FALLIBLE policy_parse_sized(void *ctx, slice document, enum policy_kind kind, size_t size_max, struct policy **out)
{
    SCRATCH scratch = talloc_new(NULL);
    struct policy *policy = MAKE(ctx, struct policy);
    struct parser parser = { .ctx = ctx, .scratch = scratch, .policy = policy, .rules = &rules_of[kind] };

    *policy = (struct policy){ .kind = kind, .name = "" };
    error *e = read_document(&parser, document, size_max);
    *out = e == NULL ? policy : NULL;
    if (e != NULL)
        talloc_free(policy);
    return e;
}

FALLIBLE policy_parse(void *ctx, slice document, enum policy_kind kind, struct policy **out)
{
    return policy_parse_sized(ctx, document, kind, rules_of[kind].size_max, out);
}

void policy_set_name(struct policy *policy, slice name)
{
    policy->name = slice_text(policy, name);
}

const char *policy_name(const struct policy *policy)
{
    return policy->name;
}

bool policy_asks_resource_tags(const struct policy *policy)
{
    return policy->asks_resource_tags;
}

enum policy_kind policy_kind_of(const struct policy *policy)
{
    return policy->kind;
}
