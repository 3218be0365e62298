/* word.h - the names that a template may give to things, attributes, groups and policies (x509 2.4, 4.13, 4.15).
   Inside this room only. */
#pragma once
#include "template/expression.h"

enum word {
    WORD_THING,
    WORD_THING_TYPE,
    WORD_THING_GROUP,
    WORD_BILLING_GROUP,
    WORD_ATTRIBUTE_NAME,
    WORD_ATTRIBUTE_VALUE,
    WORD_POLICY,
};

/* Fails with InvalidParameters: the text is not such a word. */
FALLIBLE word_check(struct evaluation *ev, enum word word, slice text);
