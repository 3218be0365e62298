/* cors.h - what lets a page of another origin call the API (auth 3.5.6). Nothing here depends on who asks: a browser sends
   no credentials of its own, every request is signed. */
#pragma once
#include "operation/operation.h"

/* The answer to OPTIONS, whatever its path. */
void cors_preflight(void *ctx, const struct http_request *request, const char *request_id, struct http_answer *out);
/* What every other answer says. */
void cors_add(struct http_answer *answer);
