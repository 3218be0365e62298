/* batch.h - the jobs that share one transaction, on the writer's thread. */
#pragma once
#include "store/queue.h"
#include "store/tx.h"

struct batch {
    struct connection *connection;
    bool rerun;
    struct queue jobs; /* applied, in order */
    struct change_list changes;
};

void batch_start(struct batch *batch, struct connection *connection, bool rerun);
bool batch_open(struct batch *batch); /* BEGIN */
/* Runs the job's apply under a savepoint and keeps its error. False: SQLite has lost the whole transaction. */
bool batch_apply(struct batch *batch, struct store_job *job);
bool batch_commit(struct batch *batch);
/* Rolls back what is left of the transaction and runs all its jobs again; true when that was committed. */
bool batch_again(struct batch *batch);
/* Gives every job the error of a store that could not write. */
void batch_fail(struct batch *batch);
/* Posts the jobs to their homes; those without one are answered here. The batch is over. */
void batch_answer(struct batch *batch);
