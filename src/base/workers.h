/* workers.h - a fixed set of threads with one bounded queue. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct workers;

struct work {
    struct work *next;
    void (*run)(struct work *work);
};

/* `niceness` is the threads' own (setpriority): key generation stands behind everything else. */
struct workers *workers_new(void *ctx, const char *name, unsigned threads, size_t queue_limit, int niceness);
/* False when the queue is full: the caller answers ServiceUnavailable, 503 or 429. Never blocks. */
bool workers_submit(struct workers *workers, struct work *work);
/* Goes in whatever the length: for the next step of what was admitted once. After workers_stop it runs at once, on the
   caller's thread: what was begun is finished. */
void workers_continue(struct workers *workers, struct work *work);
size_t workers_waiting(struct workers *workers);
void workers_stop(struct workers *workers); /* runs what is queued, then joins the threads */
