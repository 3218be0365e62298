/* lexer.h - inside base: the words of JSON, checked before json-c reads their order. */
#pragma once
#include "base/bytes.h"

/* Fails with InvalidJson at the first word that RFC 8259 does not know, at nesting deeper than depth_max, and at more
   objects and arrays than a text of its length has use for: each takes json-c some 700 bytes. */
FALLIBLE json_lex(void *ctx, slice text, int depth_max);
