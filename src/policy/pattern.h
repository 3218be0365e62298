/* pattern.h - texts with wildcards and variables, compiled.

   "topic/${iot:ClientId}/a?c*" becomes pieces: texts in which each wildcard is one byte that UTF-8 never uses, and
   variables between them. So a literal '*' (out of "${*}", or out of a value that was filled in) is just a '*', and
   cannot become a wildcard. '*' is any run of characters, '?' one character; a character may have several bytes. */
#pragma once
#include "policy/policy.h"

enum pattern_flag {
    PATTERN_WILDCARDS = 1,
    PATTERN_VARIABLES = 2,   /* ${name}, ${name, 'default'}, ${*} ${?} ${$} */
    PATTERN_PARENTHESES = 4, /* $(*) $(?) $($) too (broker 4.11) */
    PATTERN_NOCASE = 8,      /* ASCII */
};

struct piece {
    slice text;     /* the encoded text, or the default of a variable */
    slice variable; /* at NULL: this piece is text */
    bool has_default;
    bool unusable; /* a key that may have several values never stands for a text */
};

struct pattern {
    slice text; /* the whole pattern when it has no variables */
    const struct piece *pieces;
    size_t piece_count; /* 0: no variables */
    size_t text_length; /* of all text pieces */
    bool wild;
    bool nocase;
};

/* One ARN: five parts and the rest, compared one by one, so that a wildcard cannot reach across a colon of the head
   (auth 4.2.2). */
enum { ARN_PARTS = 6 };

struct arn_pattern {
    bool all;   /* "*": whatever the text is */
    bool whole; /* a single variable, which stands for an entire ARN: part[0] against the whole text */
    struct pattern part[ARN_PARTS];
};

struct arn {
    slice text;
    slice part[ARN_PARTS];
    bool complete; /* has all six */
};

/* NULL, or what is wrong with the text, as the end of a sentence: "... has a \"${\" without its \"}\"". */
const char *pattern_compile(void *ctx, slice text, unsigned flags, struct pattern *out);
const char *arn_pattern_compile(void *ctx, slice text, unsigned flags, struct arn_pattern *out);

/* A variable without a value: false, whatever the rest. */
bool pattern_matches(const struct pattern *pattern, slice text, const struct policy_context *context);
bool arn_pattern_matches(const struct arn_pattern *pattern, const struct arn *arn,
                         const struct policy_context *context);
bool arn_pattern_has_variable_before_resource(const struct arn_pattern *pattern);

struct arn arn_of(slice text);

/* Calls `missing` for each variable that has neither a value nor a default. */
void pattern_each_missing(const struct pattern *pattern, const struct policy_context *context,
                          void (*missing)(void *arg, slice name), void *arg);
void arn_pattern_each_missing(const struct arn_pattern *pattern, const struct policy_context *context,
                              void (*missing)(void *arg, slice name), void *arg);
