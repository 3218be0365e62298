/* pool.c - RSA pairs, made before anybody asks (provisioning 4.7: the create calls answer within half a second).

   Pairs wait in a ring while nobody asks; askers wait in a queue while there are none; never both. A thread makes a
   pair whenever more are wanted than are being made. */
#include "pki/internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LOWEST_PRIORITY = 19 };

struct pki_rsa_pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t *threads;
    unsigned thread_count;
    atomic_bool stopping; /* written under the mutex; the generator looks without it */
    size_t capacity, ready, making, waiting;
    struct pki_key_pair **pairs;
    struct pki_waiter *first, **last;
};

static int has_stopped(EVP_PKEY_CTX *how)
{
    const struct pki_rsa_pool *pool = EVP_PKEY_CTX_get_app_data(how);
    return atomic_load(&pool->stopping) ? 0 : 1;
}

static struct pki_waiter *next_waiter(struct pki_rsa_pool *pool)
{
    struct pki_waiter *waiter = pool->first;
    if (waiter == NULL)
        return NULL;
    pool->first = waiter->next;
    pool->waiting--;
    if (pool->first == NULL)
        pool->last = &pool->first;
    return waiter;
}

static bool is_gone(struct pki_waiter *waiter)
{
    return waiter->gone != NULL && waiter->gone(waiter);
}

/* The longest waiter that still wants a pair; those before it that do not are put on a list of their own. Devices that
   ask, lose patience and ask again would else use up every pair before anybody gets one. */
static struct pki_waiter *next_that_wants(struct pki_rsa_pool *pool, struct pki_waiter **gone)
{
    struct pki_waiter *waiter;
    while ((waiter = next_waiter(pool)) != NULL && is_gone(waiter)) {
        waiter->next = *gone;
        *gone = waiter;
    }
    return waiter;
}

/* A pair for the longest waiter, else for the ring. */
static void deliver(struct pki_rsa_pool *pool, struct pki_key_pair *pair)
{
    struct pki_waiter *gone = NULL;
    pthread_mutex_lock(&pool->mutex);
    pool->making--;
    struct pki_waiter *waiter = pair != NULL ? next_that_wants(pool, &gone) : NULL;
    if (pair != NULL && waiter == NULL)
        pool->pairs[pool->ready++] = pair;
    pthread_mutex_unlock(&pool->mutex);
    if (waiter != NULL)
        waiter->ready(waiter, pair);
    for (struct pki_waiter *next; gone != NULL; gone = next) {
        next = gone->next;
        gone->ready(gone, NULL);
    }
}

static bool wait_for_work(struct pki_rsa_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    while (!atomic_load(&pool->stopping) && pool->ready + pool->making >= pool->capacity + pool->waiting)
        pthread_cond_wait(&pool->changed, &pool->mutex);
    bool go = !atomic_load(&pool->stopping);
    pool->making += go;
    pthread_mutex_unlock(&pool->mutex);
    return go;
}

static void *generate(void *arg)
{
    struct pki_rsa_pool *pool = arg;
    setpriority(PRIO_PROCESS, (id_t)gettid(), LOWEST_PRIORITY); /* of this thread alone, on Linux */
    while (wait_for_work(pool)) {
        EVP_PKEY *key = generate_rsa(has_stopped, pool);
        deliver(pool, key != NULL ? pair_of(NULL, key) : NULL);
        EVP_PKEY_free(key);
    }
    return NULL;
}

static int pool_free(struct pki_rsa_pool *pool)
{
    pki_pool_stop(pool);
    while (pool->ready > 0)
        talloc_free(pool->pairs[--pool->ready]);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    return 0;
}

/* Signals are for the main thread. */
static void start_threads(struct pki_rsa_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pki_must(pthread_create(&pool->threads[i], NULL, generate, pool) == 0, "start a thread that makes keys");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pki_rsa_pool *pki_pool_new(void *ctx, unsigned capacity, unsigned threads)
{
    pki_start();
    struct pki_rsa_pool *pool = MAKE(ctx, struct pki_rsa_pool);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->capacity = capacity;
    pool->pairs = MAKE_ARRAY(pool, struct pki_key_pair *, capacity + threads);
    pool->threads = MAKE_ARRAY(pool, pthread_t, threads);
    pool->thread_count = threads;
    pool->last = &pool->first;
    talloc_set_destructor(pool, pool_free);
    start_threads(pool);
    return pool;
}

void pki_pool_take(struct pki_rsa_pool *pool, struct pki_waiter *waiter)
{
    struct pki_key_pair *pair = NULL;
    pthread_mutex_lock(&pool->mutex);
    bool queued = !atomic_load(&pool->stopping) && pool->ready == 0;
    if (queued) {
        waiter->next = NULL;
        *pool->last = waiter;
        pool->last = &waiter->next;
        pool->waiting++;
    } else if (!atomic_load(&pool->stopping)) {
        pair = pool->pairs[--pool->ready];
    }
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    if (!queued)
        waiter->ready(waiter, pair);
}

static size_t count_of(struct pki_rsa_pool *pool, const size_t *count)
{
    pthread_mutex_lock(&pool->mutex);
    size_t now = *count;
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

size_t pki_pool_ready(struct pki_rsa_pool *pool)
{
    return count_of(pool, &pool->ready);
}

size_t pki_pool_waiting(struct pki_rsa_pool *pool)
{
    return count_of(pool, &pool->waiting);
}

void pki_pool_stop(struct pki_rsa_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool first_time = !atomic_exchange(&pool->stopping, true);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    if (!first_time)
        return;
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    for (struct pki_waiter *waiter; (waiter = next_waiter(pool)) != NULL;)
        waiter->ready(waiter, NULL);
}
