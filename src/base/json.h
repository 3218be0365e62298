/* json.h - json-c, bounded and owned by talloc.

   A value belongs to one thread at a time, like the talloc tree it hangs off. Numbers keep their text ("1.10"). A
   repeated key: the last one wins. Text may hold U+0000: use json_text, which knows the length, where that matters. */
#pragma once
#include "base/bytes.h"
#include <json-c/json.h>

typedef struct json_object json;

json *json_own(void *ctx, json *value);   /* takes over one reference; dropped with ctx; NULL stays NULL */
json *json_share(void *ctx, json *value); /* adds a reference for ctx: the value may live longer than its first owner */

/* Fails with InvalidJson: not JSON (strict RFC 8259, UTF-8 checked, nothing after it), deeper than depth_max, an
   integer past 64 bits or a number past a double, half a surrogate pair, U+0000 in a key (json-c would cut it there),
   more objects and arrays than 1000 and one for each 16 bytes; the message says where. The result is owned by ctx. */
FALLIBLE json_parse(void *ctx, slice text, int depth_max, json **out);

json *json_new_object(void *ctx);
json *json_new_array(void *ctx);
void json_put(json *object, const char *key, json *value);           /* takes over the reference, as json-c does */
void json_put_text(json *object, const char *key, const char *text); /* NULL text: no member */
void json_put_slice(json *object, const char *key, slice text);
void json_put_integer(json *object, const char *key, int64_t value);
void json_put_bool(json *object, const char *key, bool value);
void json_put_time(json *object, const char *key, int64_t ms); /* 1763900000.123 (x509.md 2.1) */
void json_add(json *array, json *value);
void json_add_text(json *array, const char *text);

/* Reading: absent, null and wrong types all give the zero value. */
json *json_get(const json *object, const char *key);
json *json_get_object(const json *object, const char *key);
json *json_get_array(const json *object, const char *key);
const char *json_get_text(const json *object, const char *key); /* NULL when absent or not text */
slice json_get_slice(const json *object, const char *key);
int64_t json_get_integer(const json *object, const char *key, int64_t otherwise);
bool json_get_bool(const json *object, const char *key, bool otherwise);
slice json_text(const json *value); /* empty (at NULL) when not text */

bool json_is_object(const json *value);
bool json_is_array(const json *value);
bool json_is_text(const json *value);
bool json_is_integer(const json *value);
bool json_is_number(const json *value);
bool json_is_bool(const json *value);
json *json_copy_deep(void *ctx, const json *value);
bool json_same(const json *a, const json *b);

slice json_print(void *ctx, json *value); /* compact; '/' is not escaped; NUL-terminated too */

/* Members: json_object_object_foreach(object, key, value) of json-c; elements: json_object_array_get_idx. */
