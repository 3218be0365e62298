/* queue.c - first in, first out, lane by lane; bulk is every eighth while devices wait. */
#include "store/queue.h"

enum { BULK_EVERY = 8 };

void queue_clear(struct queue *queue)
{
    *queue = (struct queue){ .end = &queue->first };
}

void queue_push(struct queue *queue, struct store_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    queue->count++;
}

struct store_job *queue_pop(struct queue *queue)
{
    struct store_job *job = queue->first;
    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    queue->count--;
    return job;
}

void lanes_clear(struct lanes *lanes, size_t limit)
{
    *lanes = (struct lanes){ .limit = limit };
    for (int i = 0; i < LANES; i++)
        queue_clear(&lanes->queues[i]);
}

size_t lanes_waiting(const struct lanes *lanes)
{
    size_t waiting = 0;
    for (int i = 0; i < LANES; i++)
        waiting += lanes->queues[i].count;
    return waiting;
}

bool lanes_push(struct lanes *lanes, struct store_job *job)
{
    struct queue *queue = &lanes->queues[job->lane];
    size_t bulk_limit = lanes->limit / 2 > 0 ? lanes->limit / 2 : 1;
    if (lanes_waiting(lanes) >= lanes->limit || (job->lane == LANE_BULK && queue->count >= bulk_limit))
        return false;
    queue_push(queue, job);
    return true;
}

struct store_job *lanes_pop(struct lanes *lanes)
{
    struct queue *device = &lanes->queues[LANE_DEVICE], *bulk = &lanes->queues[LANE_BULK];
    if (bulk->count > 0 && (device->count == 0 || lanes->bulk_passed >= BULK_EVERY - 1)) {
        lanes->bulk_passed = 0;
        return queue_pop(bulk);
    }
    if (lanes->bulk_passed < BULK_EVERY)
        lanes->bulk_passed++;
    return queue_pop(device);
}
