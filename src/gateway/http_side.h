/* http_side.h - a connection that speaks HTTP: one request at a time, answered before the next one is looked at. */
#pragma once
#include "gateway/connection.h"
#include "gateway/http_reader.h"

/* Answers the request that the connection is busy with; loop thread. The answer may be gone afterwards. */
void http_side_answer(struct connection *connection, const struct http_answer *answer);

/* The bytes of an answer. Pure. `has_body` false: to a HEAD. Control characters in header values become blanks. */
void http_answer_write(writer *out, const struct http_answer *answer, int64_t now_ms, bool keep_alive, bool has_body);

/* A refusal that no service words: {"message": ...} with x-amzn-ErrorType. Hangs off ctx. */
void http_refusal_answer(void *ctx, const struct http_refusal *refusal, struct http_answer *out);
