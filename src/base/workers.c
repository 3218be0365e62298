/* workers.c - threads that take work from one queue. */
#include "base/workers.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

struct workers {
    const char *name;
    int niceness;
    unsigned count;
    pthread_t *threads;

    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct work *first;
    struct work **last;
    size_t waiting;
    size_t limit;
    bool stopping; /* nothing new is admitted; the threads end when the queue is empty */
    bool ended;
};

static void must(int status, const char *what)
{
    if (status != 0) {
        fprintf(stderr, "muster: %s: %s\n", what, strerror(status));
        abort();
    }
}

/* The next piece of work; NULL when there is none and none will come. */
static struct work *take(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    while (workers->first == NULL && !workers->stopping)
        pthread_cond_wait(&workers->filled, &workers->mutex);
    struct work *work = workers->first;
    if (work != NULL) {
        workers->first = work->next;
        if (workers->first == NULL)
            workers->last = &workers->first;
        workers->waiting--;
    }
    pthread_mutex_unlock(&workers->mutex);
    return work;
}

static void run_all(struct workers *workers)
{
    for (struct work *work; (work = take(workers)) != NULL;)
        work->run(work);
}

static void *run_worker(void *arg)
{
    struct workers *workers = arg;
    char name[16];
    snprintf(name, sizeof(name), "%.15s", workers->name);
    pthread_setname_np(pthread_self(), name);
    if (workers->niceness != 0)
        setpriority(PRIO_PROCESS, (id_t)gettid(), workers->niceness); /* on Linux a thread's own */
    run_all(workers);
    return NULL;
}

struct workers *workers_new(void *ctx, const char *name, unsigned threads, size_t queue_limit, int niceness)
{
    struct workers *workers = MAKE(ctx, struct workers);
    workers->name = text_copy(workers, name);
    workers->niceness = niceness;
    workers->limit = queue_limit;
    workers->last = &workers->first;
    workers->threads = MAKE_ARRAY(workers, pthread_t, threads);
    must(pthread_mutex_init(&workers->mutex, NULL), "a mutex");
    must(pthread_cond_init(&workers->filled, NULL), "a condition");
    for (; workers->count < threads; workers->count++)
        must(pthread_create(&workers->threads[workers->count], NULL, run_worker, workers), "a worker's thread");
    return workers;
}

static void put(struct workers *workers, struct work *work)
{
    work->next = NULL;
    *workers->last = work;
    workers->last = &work->next;
    workers->waiting++;
    pthread_cond_signal(&workers->filled);
}

bool workers_submit(struct workers *workers, struct work *work)
{
    pthread_mutex_lock(&workers->mutex);
    bool admitted = !workers->stopping && workers->waiting < workers->limit;
    if (admitted)
        put(workers, work);
    pthread_mutex_unlock(&workers->mutex);
    return admitted;
}

void workers_continue(struct workers *workers, struct work *work)
{
    pthread_mutex_lock(&workers->mutex);
    bool ended = workers->ended;
    if (!ended)
        put(workers, work);
    pthread_mutex_unlock(&workers->mutex);
    if (ended)
        work->run(work);
}

size_t workers_waiting(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    size_t waiting = workers->waiting;
    pthread_mutex_unlock(&workers->mutex);
    return waiting;
}

void workers_stop(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->filled);
    pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->count; i++)
        must(pthread_join(workers->threads[i], NULL), "joining a worker");

    pthread_mutex_lock(&workers->mutex);
    workers->ended = true;
    pthread_mutex_unlock(&workers->mutex);
    run_all(workers); /* what others continued while the last thread was leaving */
}
