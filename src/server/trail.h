/* trail.h - the audit trail: DIR/audit/YYYY-MM-DD.jsonl, one JSON object a line (docs/operations.md).

   Lines are taken on any thread and written by one of its own, in order, and synced each second: the end of the process
   loses none that was written, a power cut at most the last second's. What changed is in the store's change log besides,
   durable before it was answered. When the disk does not take lines, 64 MiB wait; what comes then is lost, counted and
   logged. Days past `days` are removed; 0 keeps all. */
#pragma once
#include "base/bytes.h"
#include "base/log.h"

struct trail;
/* Makes the folder (0700). Fails with InvalidFolder. */
FALLIBLE trail_open(void *ctx, const char *dir, int days, const struct scope *scope, struct trail **out);
void trail_add(void *trail, slice line); /* any thread; for door_on_audit */
void trail_close(struct trail *trail);   /* writes what waits, joins the thread */
