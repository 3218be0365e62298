/* metrics.h - GET /metrics for Prometheus, GET /health for whoever asks whether we live. */
#pragma once
#include "gateway/http_side.h"

/* Hangs off ctx. */
void metrics_answer(void *ctx, struct gateway *gateway, const struct http_request *request, struct http_answer *out);
