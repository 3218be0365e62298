/* queue.h - jobs in order, and the lanes in which they wait. Nothing here locks. */
#pragma once
#include "store/store.h"

struct queue {
    struct store_job *first, **end;
    size_t count;
};

void queue_clear(struct queue *queue);
void queue_push(struct queue *queue, struct store_job *job);
struct store_job *queue_pop(struct queue *queue); /* NULL when empty */

struct lanes {
    struct queue queues[LANES];
    size_t limit;         /* of all jobs; bulk may take half of it, so that devices find room */
    unsigned bulk_passed; /* device jobs taken since the last bulk job */
};

void lanes_clear(struct lanes *lanes, size_t limit);
bool lanes_push(struct lanes *lanes, struct store_job *job); /* false: full */
struct store_job *lanes_pop(struct lanes *lanes);
size_t lanes_waiting(const struct lanes *lanes);
