/* committer.h - the one thread that writes: jobs wait in lanes, a batch of them shares a transaction.

       committer_submit       any thread: into its lane, under a mutex that is never held over I/O
       batch_run           BEGIN; each job's apply under a savepoint, as long as jobs wait and the batch has room; COMMIT
           batch_again     the same jobs once more, when SQLite lost the transaction
       batch_answer        on_change, then one post to each home loop with its jobs in a row

   While a commit waits for the disk, jobs gather and become the next batch: the slower the disk, the larger the batch.
   A job on an idle store commits at once. */
#pragma once
#include "store/queue.h"
#include "store/tx.h"

struct committer;

struct committer_options {
    struct connection *connection; /* the writer's from here on, closed by it */
    size_t batch_limit;
    size_t queue_limit;
    bool rerun;
};

/* Starts the thread. Freeing ctx writes what is queued, answers it and joins the thread. */
struct committer *committer_new(void *ctx, const struct committer_options *options);
bool committer_submit(struct committer *committer, struct store_job *job);
void committer_stall(struct committer *committer, unsigned ms);
void committer_on_change(struct committer *committer,
                         void (*changed)(void *arg, const struct change *changes, size_t count), void *arg);
void committer_count(struct committer *committer, struct store_numbers *out);
