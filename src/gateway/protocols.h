/* protocols.h - what is spoken behind TLS, or on the metrics port. */
#pragma once
#include "gateway/connection.h"

extern const struct wire_protocol mqtt_protocol;        /* mqtt_side.c */
extern const struct wire_protocol api_protocol;         /* http_side.c: signed requests */
extern const struct wire_protocol device_http_protocol; /* http_side.c: requests with a client certificate */
extern const struct wire_protocol credentials_protocol; /* http_side.c: the credentials provider */
extern const struct wire_protocol metrics_protocol;     /* http_side.c and metrics.c */
