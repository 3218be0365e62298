/* pattern.c - Java's regular expressions into PCRE2's. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "operation/pattern.h"
#include <pcre2.h>

enum { STEPS_LIMIT = 2000000, DEPTH_LIMIT = 100000, TRANSLATION_LIMIT = 16384 };

struct model_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* POSIX classes as Java knows them: ASCII only. */
static const struct posix_class {
    const char *name, *members;
} posix_classes[] = {
    { "Lower}", "a-z" },       { "Upper}", "A-Z" },        { "Alpha}", "a-zA-Z" },      { "Digit}", "0-9" },
    { "Alnum}", "a-zA-Z0-9" }, { "XDigit}", "0-9a-fA-F" }, { "Graph}", "\\x21-\\x7E" }, { "Print}", "\\x20-\\x7E" },
};

struct translation {
    void *ctx;
    const char *java; /* the whole, for the error */
    slice rest;
    bool in_class;
    bool class_began; /* nothing of the class but '[' or "[^" was read */
    writer out;
};

static error *untranslatable(struct translation *t, const char *what)
{
    return error_new(t->ctx, "InvalidModel", "The pattern %s has %s, which is not translated.", t->java, what);
}

static size_t leading_hex(slice s)
{
    size_t n = 0;
    while (n < s.length && strchr("0123456789abcdefABCDEF", s.at[n]) != NULL && s.at[n] != '\0')
        n++;
    return n;
}

/* After "\u". Java reads four digits; the models' authors also wrote \u10000 and \u10FFFF and meant what they say. */
static FALLIBLE translate_unicode(struct translation *t)
{
    size_t digits = slice_starts(t->rest, "10000") ? 5 : slice_starts(t->rest, "10FFFF") ? 6 : 4;
    if (leading_hex(t->rest) < digits)
        return untranslatable(t, "\\u without four digits");
    writer_format(&t->out, "\\x{%.*s}", (int)digits, t->rest.at);
    t->rest = slice_from(t->rest, digits);
    return NULL;
}

/* After "\p{". */
static void translate_property(struct translation *t)
{
    for (size_t i = 0; i < sizeof(posix_classes) / sizeof(posix_classes[0]); i++)
        if (slice_starts(t->rest, posix_classes[i].name)) {
            writer_format(&t->out, t->in_class ? "%s" : "[%s]", posix_classes[i].members);
            t->rest = slice_from(t->rest, strlen(posix_classes[i].name));
            return;
        }
    writer_text(&t->out, "\\p{");
}

static FALLIBLE translate_escape(struct translation *t)
{
    if (t->rest.length < 2)
        return untranslatable(t, "a backslash at its end");
    char escaped = t->rest.at[1];
    if (escaped == 'u') {
        t->rest = slice_from(t->rest, 2);
        return translate_unicode(t);
    }
    if (slice_starts(t->rest, "\\p{")) {
        t->rest = slice_from(t->rest, 3);
        translate_property(t);
        return NULL;
    }
    if (slice_starts(t->rest, "\\P{"))
        return untranslatable(t, "\\P");
    writer_bytes(&t->out, t->rest.at, 2);
    t->rest = slice_from(t->rest, 2);
    return NULL;
}

static FALLIBLE translate_one(struct translation *t)
{
    bool began = t->class_began;
    t->class_began = false;
    if (t->rest.at[0] == '\\')
        return translate_escape(t);
    if (t->in_class && t->rest.at[0] == '[')
        return untranslatable(t, "a class inside a class");
    if (t->in_class && slice_starts(t->rest, "&&"))
        return untranslatable(t, "&&");
    if (!t->in_class && t->rest.at[0] == '[') {
        t->in_class = t->class_began = true;
        if (slice_starts(t->rest, "[^")) {
            writer_u8(&t->out, '[');
            t->rest = slice_from(t->rest, 1);
        }
    } else if (t->in_class && t->rest.at[0] == ']' && !began) {
        t->in_class = false;
    }
    writer_bytes(&t->out, t->rest.at, 1);
    t->rest = slice_from(t->rest, 1);
    return NULL;
}

static int pattern_released(struct model_pattern *pattern)
{
    pcre2_code_free(pattern->code);
    pcre2_match_context_free(pattern->limits);
    return 0;
}

static FALLIBLE compile_translated(void *ctx, const char *java, slice translated, struct model_pattern **out)
{
    struct model_pattern *pattern = MAKE(ctx, struct model_pattern);
    talloc_set_destructor(pattern, pattern_released);
    pcre2_compile_context *newlines = pcre2_compile_context_create(NULL);
    pattern->limits = pcre2_match_context_create(NULL);
    if (newlines == NULL || pattern->limits == NULL)
        abort();
    /* '.' stops at what Java calls a line terminator. */
    pcre2_set_newline(newlines, PCRE2_NEWLINE_ANY);
    pcre2_set_match_limit(pattern->limits, STEPS_LIMIT);
    pcre2_set_depth_limit(pattern->limits, DEPTH_LIMIT);

    int code;
    PCRE2_SIZE where;
    pattern->code = pcre2_compile((PCRE2_SPTR)translated.at, translated.length,
                                  PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &where, newlines);
    pcre2_compile_context_free(newlines);
    if (pattern->code == NULL) {
        PCRE2_UCHAR reason[120];
        pcre2_get_error_message(code, reason, sizeof(reason));
        return error_new(ctx, "InvalidModel", "The pattern %s does not compile: %s at %zu of %.*s.", java,
                         (const char *)reason, (size_t)where, PRINT(translated));
    }
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* where there is no JIT, the interpreter matches */
    *out = pattern;
    return NULL;
}

FALLIBLE model_pattern_compile(void *ctx, const char *java, struct model_pattern **out)
{
    struct translation t = { .ctx = ctx, .java = java, .rest = slice_of(java) };
    t.out = writer_new(ctx, TRANSLATION_LIMIT);
    while (t.rest.length > 0)
        TRY(translate_one(&t));
    if (t.out.overflowed)
        return untranslatable(&t, "too many characters");
    return compile_translated(ctx, java, writer_slice_of(&t.out), out);
}

static int match(const struct model_pattern *pattern, slice text, uint32_t options, pcre2_match_data *where)
{
    PCRE2_SPTR at = (PCRE2_SPTR)(text.at ? text.at : "");
    return pcre2_match(pattern->code, at, text.length, 0, PCRE2_NO_UTF_CHECK | options, where, pattern->limits);
}

bool model_pattern_matches(const struct model_pattern *pattern, slice text)
{
    pcre2_match_data *where = pcre2_match_data_create(1, NULL);
    if (where == NULL)
        abort();
    int found = match(pattern, text, 0, where);
    /* A repeated group over a long text: the interpreter's stack is the heap. */
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = match(pattern, text, PCRE2_NO_JIT, where);
    pcre2_match_data_free(where);
    return found >= 0;
}
