/* pattern.h - the models' patterns: Java regular expressions, translated for PCRE2 when the door opens.

   A pattern holds for a whole text. `\w`, `\d`, `\s` and the POSIX names (`\p{Graph}`, `\p{Upper}`) are ASCII, as in Java;
   `\p{L}` and its kin are Unicode. Compiled patterns never change: any number of threads match with one. */
#pragma once
#include "base/bytes.h"

struct pattern;

/* Fails with InvalidModel: PCRE2 refuses it, or it holds something of Java's that has no translation here (a class inside
   a class, `&&`). */
FALLIBLE pattern_compile(void *ctx, const char *java, struct pattern **out);

/* `text` must be UTF-8. A match that costs too much counts as none. */
bool pattern_matches(const struct pattern *pattern, slice text);
