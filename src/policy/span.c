/* span.c - where a statement stands in the text of its document. */
#include "policy/policy.h"

/* A walk over a document that was parsed before, so its braces are known to match. */
struct walk {
    int line, column; /* of the next character */
    int depth;
    int nesting; /* at which statements stand: 2 alone, 3 in a list */
    int seen;
    bool in_text, escaped;
};

static void pass(struct walk *walk, char c)
{
    if (c == '\n') {
        walk->line++;
        walk->column = 1;
    } else if (((unsigned char)c & 0xC0) != 0x80) {
        walk->column++;
    }
}

/* False: c belongs to a text. */
static bool is_structure(struct walk *walk, char c)
{
    if (!walk->in_text) {
        walk->in_text = c == '"';
        return c != '"';
    }
    walk->in_text = walk->escaped || c != '"';
    walk->escaped = !walk->escaped && c == '\\';
    return false;
}

/* Of a document's members Statement alone is an object or a list: the others are texts. */
static bool opens_statement(struct walk *walk, char c)
{
    if (c != '{' && c != '[')
        return false;
    walk->depth++;
    if (walk->depth == 2)
        walk->nesting = c == '[' ? 3 : 2;
    return c == '{' && walk->depth == walk->nesting;
}

bool policy_statement_span(slice document, int statement, struct policy_span *out)
{
    struct walk walk = { .line = 1, .column = 1 };
    for (size_t i = 0; i < document.length; i++) {
        char c = document.at[i];
        pass(&walk, c);
        if (!is_structure(&walk, c))
            continue;
        if (opens_statement(&walk, c) && ++walk.seen == statement) {
            out->start_line = walk.line;
            out->start_column = walk.column;
        }
        if (c != '}' && c != ']')
            continue;
        if (walk.depth-- == walk.nesting && c == '}' && walk.seen == statement) {
            out->end_line = walk.line;
            out->end_column = walk.column;
            return true;
        }
    }
    return false;
}
