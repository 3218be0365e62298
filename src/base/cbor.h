/* cbor.h - the part of CBOR (RFC 8949) that fleet provisioning speaks, to and from JSON values.

   Reading takes definite and indefinite maps, arrays and text strings, integers, booleans, null, any key order, and a
   leading self-describe tag 55799; byte strings, floats, other tags, keys that are not text, bytes after the item,
   lengths beyond the payload and nesting beyond depth_max are refused (provisioning.md 3.3). Memory is bounded by a
   small multiple of the payload. Writing emits definite lengths and shortest heads. */
#pragma once
#include "base/json.h"

FALLIBLE cbor_parse(void *ctx, slice bytes, int depth_max, json **out); /* InvalidPayload, saying what and where */
/* Objects, arrays, text, integers, booleans, null. Other values (fractions) end the process: nobody hands us one. */
slice cbor_print(void *ctx, const json *value);
