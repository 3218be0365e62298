/* event.c - event configurations and registry events (x509.md 2.5, 3.8). */
#include "registry/registry.h"

const struct operation *const registry_event_operations[] = { NULL };
