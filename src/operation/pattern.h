/* pattern.h - the models' patterns: Java regular expressions, translated for PCRE2 when the door opens.

   A pattern holds for a whole text. `\w`, `\d`, `\s` and the POSIX names (`\p{Graph}`, `\p{Upper}`) are ASCII, as in Java;
   `\p{L}` and its kin are Unicode. Compiled patterns never change: any number of threads match with one. */
#pragma once
#include "base/bytes.h"

struct model_pattern;

/* Fails with InvalidModel: PCRE2 refuses it, or it holds something of Java's that has no translation here (a class inside
   a class, `&&`). */
FALLIBLE model_pattern_compile(void *ctx, const char *java, struct model_pattern **out);

/* `text` must be UTF-8. A match that costs too much counts as none. */
bool model_pattern_matches(const struct model_pattern *pattern, slice text);
