/* pattern.c - see pattern.h. */
#include "policy/pattern.h"

enum {
    ANY_RUN = 0xFF, /* '*' as a wildcard; neither byte occurs in UTF-8 */
    ANY_ONE = 0xFE, /* '?' as a wildcard */
    STACK_ROOM = 1024,
};

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* Where the character after the one at `at` begins. */
static size_t next_character(slice text, size_t at)
{
    at++;
    while (at < text.length && ((unsigned char)text.at[at] & 0xC0) == 0x80)
        at++;
    return at;
}

/* Keeps only the last '*' to come back to: what an earlier one takes more, the last one could have taken as well. So
   the work is at most the product of both lengths, however many '*' a hostile pattern has. */
static bool glob(slice pattern, slice text, bool nocase)
{
    size_t p = 0, t = 0, after_run = SIZE_MAX, retry = 0;

    while (t < text.length) {
        unsigned char want = p < pattern.length ? (unsigned char)pattern.at[p] : 0;
        unsigned char have = (unsigned char)text.at[t];

        if (p < pattern.length && want == ANY_RUN) {
            after_run = ++p;
            retry = t;
            if (p == pattern.length)
                return true;
        } else if (p < pattern.length && want == ANY_ONE) {
            p++;
            t = next_character(text, t);
        } else if (p < pattern.length && (want == have || (nocase && fold(want) == fold(have)))) {
            p++;
            t++;
        } else if (after_run != SIZE_MAX) {
            p = after_run;
            t = retry = next_character(text, retry);
        } else {
            return false;
        }
    }
    while (p < pattern.length && (unsigned char)pattern.at[p] == ANY_RUN)
        p++;
    return p == pattern.length;
}

/* --- Compiling ---------------------------------------------------------------------------------------------------- */

struct compiler {
    void *ctx;
    unsigned flags;
    char *text; /* as long as the source: nothing encodes to more bytes */
    size_t length;
    size_t flushed; /* text up to here is in pieces */
    struct pattern *out;
    struct piece *pieces;
    size_t piece_count;
};

static void flush_text(struct compiler *c)
{
    if (c->length == c->flushed)
        return;
    struct piece *piece = ARRAY_ADD(c->ctx, c->pieces, c->piece_count);
    piece->text = (slice){ c->text + c->flushed, c->length - c->flushed };
    c->out->text_length += c->length - c->flushed;
    c->flushed = c->length;
}

static void add_byte(struct compiler *c, unsigned char byte)
{
    bool twice = byte == ANY_RUN && c->length > c->flushed && (unsigned char)c->text[c->length - 1] == ANY_RUN;
    if (!twice)
        c->text[c->length++] = (char)byte;
}

static bool is_special(char c)
{
    return c == '*' || c == '?' || c == '$';
}

/* The '}' that closes the variable at the start of text ("${..."), not one inside its quoted default. 0: none. */
static size_t variable_length(slice text)
{
    bool quoted = false;
    for (size_t i = 2; i < text.length; i++) {
        if (text.at[i] == '\'')
            quoted = !quoted;
        else if (text.at[i] == '}' && !quoted)
            return i + 1;
    }
    return 0;
}

/* "name" or "name, 'default'". An attribute's name may hold a comma, but never a quote. */
static const char *split_default(slice inside, struct piece *out)
{
    const char *quote = inside.length ? memchr(inside.at, '\'', inside.length) : NULL;
    out->variable = slice_trim(inside);
    if (quote != NULL) {
        slice name = slice_trim((slice){ inside.at, (size_t)(quote - inside.at) });
        slice rest = slice_trim((slice){ quote + 1, inside.length - (size_t)(quote + 1 - inside.at) });
        if (!slice_ends(name, ",") || !slice_ends(rest, "'") || memchr(rest.at, '\'', rest.length - 1) != NULL)
            return "has a variable whose default is not written as ${name, 'default'}";
        out->variable = slice_trim((slice){ name.at, name.length - 1 });
        out->text = (slice){ rest.at, rest.length - 1 };
        out->has_default = true;
    }
    if (out->variable.length == 0)
        return "has a variable without a name";
    for (size_t i = 0; i < out->variable.length; i++)
        if (is_special(out->variable.at[i]) || out->variable.at[i] == '{')
            return "has a variable whose name holds one of \"*?${\"";
    return NULL;
}

/* A request that happens to bring just one value must not make such a key usable (auth 4.2.5). */
static bool may_have_several_values(slice key)
{
    static const char *const keys[] = { "aws:TagKeys", "iot:ThingGroupArn", "iot:TunnelDestinationService",
                                        "cognito-identity.amazonaws.com:amr" };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (slice_is_nocase(key, keys[i]))
            return true;
    return false;
}

static const char *add_variable(struct compiler *c, slice inside)
{
    struct piece variable = { 0 };
    const char *wrong = split_default(inside, &variable);
    if (wrong != NULL)
        return wrong;
    flush_text(c);
    variable.unusable = may_have_several_values(variable.variable);
    variable.variable = slice_copy(c->ctx, variable.variable);
    if (variable.has_default)
        variable.text = slice_copy(c->ctx, variable.text);
    *ARRAY_ADD(c->ctx, c->pieces, c->piece_count) = variable;
    return NULL;
}

/* Takes the variable or the escaped character that begins with the '$' at the start of text. *taken stays 0 when that
   '$' is just a '$'. */
static const char *take_dollar(struct compiler *c, slice text, size_t *taken)
{
    bool brace = (c->flags & PATTERN_VARIABLES) && slice_starts(text, "${");
    bool parenthesis = (c->flags & PATTERN_VARIABLES) && (c->flags & PATTERN_PARENTHESES) && slice_starts(text, "$(");

    if ((brace || parenthesis) && text.length >= 4 && is_special(text.at[2]) && text.at[3] == (brace ? '}' : ')')) {
        add_byte(c, (unsigned char)text.at[2]);
        *taken = 4;
        return NULL;
    }
    if (!brace)
        return NULL;
    *taken = variable_length(text);
    if (*taken == 0)
        return "has a \"${\" without its \"}\"";
    return add_variable(c, (slice){ text.at + 2, *taken - 3 });
}

const char *pattern_compile(void *ctx, slice text, unsigned flags, struct pattern *out)
{
    if (text.length > POLICY_PATTERN_MAX)
        return "is longer than 2048 bytes";
    if (!text_is_utf8(text))
        return "is not UTF-8"; /* the bytes of wildcards must be ours alone */
    *out = (struct pattern){ .nocase = flags & PATTERN_NOCASE };
    struct compiler c = { .ctx = ctx, .flags = flags, .out = out };
    c.text = memory_zeroed(ctx, 1, text.length + 1, "pattern");

    for (size_t i = 0; i < text.length;) {
        size_t taken = 0;
        char byte = text.at[i];
        if (byte == '$') {
            const char *wrong = take_dollar(&c, slice_from(text, i), &taken);
            if (wrong != NULL)
                return wrong;
        }
        bool wild = (flags & PATTERN_WILDCARDS) && (byte == '*' || byte == '?');
        if (taken == 0)
            add_byte(&c, wild ? (byte == '*' ? ANY_RUN : ANY_ONE) : (unsigned char)byte);
        out->wild |= wild;
        i += taken ? taken : 1;
    }
    if (c.piece_count > 0)
        flush_text(&c);
    out->text = (slice){ c.text, c.length };
    out->pieces = c.pieces;
    out->piece_count = c.piece_count;
    return NULL;
}

/* Takes the part before the next colon off *rest; a colon inside "${aws:username}" is not one. At NULL: was the last */
static slice next_part(slice *rest, unsigned flags)
{
    slice all = *rest;
    for (size_t i = 0; i < all.length; i++) {
        if ((flags & PATTERN_VARIABLES) && slice_starts(slice_from(all, i), "${")) {
            size_t skipped = variable_length(slice_from(all, i));
            i += skipped ? skipped - 1 : 1;
        } else if (all.at[i] == ':') {
            *rest = (slice){ all.at + i + 1, all.length - i - 1 };
            return (slice){ all.at, i };
        }
    }
    *rest = (slice){ NULL, 0 };
    return all;
}

const char *arn_pattern_compile(void *ctx, slice text, unsigned flags, struct arn_pattern *out)
{
    *out = (struct arn_pattern){ .all = slice_is(text, "*") };
    if (text.length > POLICY_PATTERN_MAX)
        return "is longer than 2048 bytes";
    out->whole = (flags & PATTERN_VARIABLES) && slice_starts(text, "${") && variable_length(text) == text.length;

    slice rest = text.at == NULL ? SLICE("") : text; /* a missing part is anything, an empty text is not */
    for (int i = 0; i < ARN_PARTS; i++) {
        slice part = rest.at == NULL ? SLICE("*") : i == ARN_PARTS - 1 || out->whole ? rest : next_part(&rest, flags);
        if (out->whole)
            rest = (slice){ NULL, 0 };
        const char *wrong = pattern_compile(ctx, part, flags, &out->part[i]);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

/* --- Matching ------------------------------------------------------------------------------------------------------ */

/* The text that a variable stands for; false: none. A key with several values is none (auth 4.2.5), and neither is a
   value with bytes that mean wildcards here: it is not UTF-8. */
static bool resolve(const struct piece *piece, const struct policy_context *context, struct policy_values *found,
                    slice *text)
{
    if (piece->unusable)
        return false;
    bool present = policy_find(context, piece->variable, found) && found->count > 0;
    if (present && found->count > 1)
        return false;
    *text = present ? found->values[0] : piece->text;
    if (!present && !piece->has_default)
        return false;
    return text->length == 0 ||
           (memchr(text->at, ANY_RUN, text->length) == NULL && memchr(text->at, ANY_ONE, text->length) == NULL);
}

/* Writes the pattern with its variables filled in. The values together may be as long as `room` allows beyond the
   pattern's own texts: longer ones could not match a text of that length. */
static bool fill_in(const struct pattern *pattern, const struct policy_context *context, char *at, size_t room,
                    size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < pattern->piece_count; i++) {
        const struct piece *piece = &pattern->pieces[i];
        struct policy_values found;
        slice text = piece->text;
        if (piece->variable.at != NULL && !resolve(piece, context, &found, &text))
            return false;
        if (text.length > room - *length)
            return false;
        if (text.length > 0)
            memcpy(at + *length, text.at, text.length);
        *length += text.length;
    }
    return true;
}

bool pattern_matches(const struct pattern *pattern, slice text, const struct policy_context *context)
{
    if (pattern->piece_count == 0) {
        if (!pattern->wild && pattern->text.length != text.length)
            return false;
        return pattern->wild || pattern->nocase ? glob(pattern->text, text, pattern->nocase)
                                                : slice_equal(pattern->text, text);
    }

    char stack[STACK_ROOM];
    size_t room = pattern->text_length + text.length, length;
    char *at = room > sizeof(stack) ? memory_zeroed(NULL, 1, room, "filled pattern") : stack;
    bool matches = fill_in(pattern, context, at, room, &length) && glob((slice){ at, length }, text, pattern->nocase);
    if (at != stack)
        talloc_free(at);
    return matches;
}

struct arn arn_of(slice text)
{
    struct arn arn = { .text = text };
    slice rest = text;
    for (int i = 0; i < ARN_PARTS && rest.at != NULL; i++) {
        arn.complete = i == ARN_PARTS - 1;
        arn.part[i] = arn.complete ? rest : next_part(&rest, 0);
    }
    return arn;
}

bool arn_pattern_matches(const struct arn_pattern *pattern, const struct arn *arn, const struct policy_context *context)
{
    if (pattern->all)
        return true;
    if (pattern->whole)
        return pattern_matches(&pattern->part[0], arn->text, context);
    for (int i = 0; i < ARN_PARTS; i++)
        if (!arn->complete || !pattern_matches(&pattern->part[i], arn->part[i], context))
            return false;
    return true;
}

bool arn_pattern_has_variable_before_resource(const struct arn_pattern *pattern)
{
    for (int i = 0; i < ARN_PARTS - 1; i++)
        if (pattern->part[i].piece_count > 0)
            return true;
    return false;
}

void pattern_each_missing(const struct pattern *pattern, const struct policy_context *context,
                          void (*missing)(void *arg, slice name), void *arg)
{
    for (size_t i = 0; i < pattern->piece_count; i++) {
        const struct piece *piece = &pattern->pieces[i];
        struct policy_values found;
        slice text;
        if (piece->variable.at != NULL && !piece->unusable && !resolve(piece, context, &found, &text))
            missing(arg, piece->variable);
    }
}

void arn_pattern_each_missing(const struct arn_pattern *pattern, const struct policy_context *context,
                              void (*missing)(void *arg, slice name), void *arg)
{
    for (int i = 0; i < ARN_PARTS; i++)
        pattern_each_missing(&pattern->part[i], context, missing, arg);
}
