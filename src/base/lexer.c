/* lexer.c - the tokens of JSON, checked to the letter of RFC 8259 before json-c builds values from them.

   json-c is more generous than the RFC, also in its strict mode: it takes Infinity, control characters in strings,
   lone surrogates, numbers past 64 bits (saturated), and cuts a key at its first U+0000. Here only the words are
   checked; their order is json-c's to judge. */
#include "base/lexer.h"
#include <errno.h>
#include <math.h>

enum { CONTAINERS_FREE = 1000, BYTES_A_CONTAINER = 16 };

struct lexer {
    void *ctx;
    slice text;
    size_t at;
    int depth;
    int depth_max;
    size_t containers;
    bool nul_in_string; /* of the last token, if that was a string */
};

static error *broken(const struct lexer *lexer, const char *reason)
{
    return error_new(lexer->ctx, "InvalidJson", "Not valid JSON at byte %zu: %s.", lexer->at + 1, reason);
}

/* The byte `ahead` of the present one; 0 past the end, which no token contains. */
static char look(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.length ? lexer->text.at[lexer->at + ahead] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of the \uXXXX that begins here; -1 when there is none. */
static int code_unit(const struct lexer *lexer)
{
    int value = 0;
    if (look(lexer, 0) != '\\' || look(lexer, 1) != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(look(lexer, i));
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static FALLIBLE take_escape(struct lexer *lexer)
{
    char kind = look(lexer, 1);
    if (kind != 'u') {
        if (kind == '\0' || strchr("\"\\/bfnrt", kind) == NULL)
            return broken(lexer, "an unknown escape in a string");
        lexer->at += 2;
        return NULL;
    }
    int unit = code_unit(lexer);
    if (unit < 0)
        return broken(lexer, "\\u needs four hexadecimal digits");
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return broken(lexer, "half a surrogate pair");
    lexer->nul_in_string |= unit == 0;
    lexer->at += 6;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        unit = code_unit(lexer);
        if (unit < 0xDC00 || unit > 0xDFFF)
            return broken(lexer, "half a surrogate pair");
        lexer->at += 6;
    }
    return NULL;
}

static FALLIBLE take_string(struct lexer *lexer)
{
    lexer->nul_in_string = false;
    lexer->at++;
    while (look(lexer, 0) != '"') {
        if (lexer->at >= lexer->text.length)
            return broken(lexer, "a string has no end");
        if ((unsigned char)look(lexer, 0) < 0x20)
            return broken(lexer, "a control character in a string");
        if (look(lexer, 0) == '\\')
            TRY(take_escape(lexer));
        else
            lexer->at++;
    }
    lexer->at++;
    return NULL;
}

static size_t take_digits(struct lexer *lexer)
{
    size_t first = lexer->at;
    while (is_digit(look(lexer, 0)))
        lexer->at++;
    return lexer->at - first;
}

/* Whole numbers have to fit 64 bits, others a double: what would be kept is not what was sent. */
static FALLIBLE check_range(const struct lexer *lexer, size_t first, bool whole)
{
    SCRATCH scratch = talloc_new(NULL);
    const char *text = text_copy_n(scratch, lexer->text.at + first, lexer->at - first);
    errno = 0;
    if (!whole)
        return isfinite(strtod(text, NULL)) ? NULL : broken(lexer, "a number is too large");
    if (text[0] == '-')
        (void)strtoll(text, NULL, 10);
    else
        (void)strtoull(text, NULL, 10);
    return errno == 0 ? NULL : broken(lexer, "an integer does not fit 64 bits");
}

static FALLIBLE take_number(struct lexer *lexer)
{
    size_t first = lexer->at;
    bool whole = true;
    if (look(lexer, 0) == '-')
        lexer->at++;
    bool zero = look(lexer, 0) == '0';
    size_t digits = take_digits(lexer);
    if (digits == 0 || (zero && digits > 1))
        return broken(lexer, "a number begins with one zero or another digit");
    if (look(lexer, 0) == '.') {
        whole = false;
        lexer->at++;
        if (take_digits(lexer) == 0)
            return broken(lexer, "a number needs a digit after its point");
    }
    if (look(lexer, 0) == 'e' || look(lexer, 0) == 'E') {
        whole = false;
        lexer->at++;
        if (look(lexer, 0) == '+' || look(lexer, 0) == '-')
            lexer->at++;
        if (take_digits(lexer) == 0)
            return broken(lexer, "a number needs a digit in its exponent");
    }
    return check_range(lexer, first, whole);
}

static FALLIBLE take_word(struct lexer *lexer)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_starts(slice_from(lexer->text, lexer->at), words[i])) {
            lexer->at += strlen(words[i]);
            return NULL;
        }
    }
    return broken(lexer, "neither a value nor punctuation");
}

static FALLIBLE take_mark(struct lexer *lexer)
{
    char mark = look(lexer, 0);
    if (mark == ':' && lexer->nul_in_string)
        return broken(lexer, "a key holds U+0000");
    lexer->nul_in_string = false;
    if (mark == '}' || mark == ']')
        lexer->depth--;
    if (mark == '{' || mark == '[') {
        if (++lexer->depth > lexer->depth_max)
            return error_new(lexer->ctx, "InvalidJson", "Not valid JSON at byte %zu: nested deeper than %d.",
                             lexer->at + 1, lexer->depth_max);
        if (++lexer->containers > CONTAINERS_FREE + lexer->text.length / BYTES_A_CONTAINER)
            return broken(lexer, "too many objects and arrays for its size");
    }
    lexer->at++;
    return NULL;
}

FALLIBLE json_lex(void *ctx, slice text, int depth_max)
{
    struct lexer lexer = { .ctx = ctx, .text = text, .depth_max = depth_max };
    if (!text_is_utf8(text))
        return error_new(ctx, "InvalidJson", "Not valid JSON: the text is not UTF-8.");
    while (lexer.at < text.length) {
        char c = look(&lexer, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            lexer.at++;
        else if (c == '"')
            TRY(take_string(&lexer));
        else if (c == '-' || is_digit(c))
            TRY(take_number(&lexer));
        else if (c != '\0' && strchr("{}[]:,", c) != NULL)
            TRY(take_mark(&lexer));
        else
            TRY(take_word(&lexer));
    }
    return NULL;
}
