/* loop.c - a libuv loop, its thread, and its post box. */
#include "base/loop.h"
#include "base/log.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdio.h>

struct loop {
    const char *name;
    unsigned index;
    uv_loop_t uv;
    uv_async_t bell;
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex; /* held for a few instructions, never over I/O */
    struct loop_post *first;
    struct loop_post **last;
    bool stopping;
    bool bell_closed;
    _Atomic pthread_t owner; /* whoever runs the posts: the thread, and in the end the one that joins it */
};

static void must(int status, const char *what)
{
    if (status != 0) {
        fprintf(stderr, "muster: %s: %s\n", what, strerror(status < 0 ? -status : status));
        abort();
    }
}

/* Runs what waits, in order; what these post comes after them, at the next bell. */
static bool run_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct loop_post *post = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->mutex);

    bool any = post != NULL;
    while (post != NULL) {
        struct loop_post *next = post->next; /* the node is its owner's again once it runs */
        post->run(post);
        post = next;
    }
    return any;
}

static void ring(uv_async_t *bell)
{
    struct loop *loop = bell->data;
    pthread_mutex_lock(&loop->mutex);
    bool stopping = loop->stopping;
    pthread_mutex_unlock(&loop->mutex);
    run_posts(loop);
    if (stopping)
        uv_stop(&loop->uv);
}

struct loop *loop_new(void *ctx, const char *name, unsigned index)
{
    struct loop *loop = MAKE(ctx, struct loop);
    loop->name = text_copy(loop, name);
    loop->index = index;
    loop->last = &loop->first;
    must(uv_loop_init(&loop->uv), "a loop");
    must(uv_async_init(&loop->uv, &loop->bell, ring), "a loop's bell");
    loop->bell.data = loop;
    must(pthread_mutex_init(&loop->mutex, NULL), "a mutex");
    return loop;
}

/* Runs what is left, and the closing callbacks that it asks for. */
static void settle(struct loop *loop)
{
    bool any;
    do {
        any = run_posts(loop);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    } while (any);
}

static void *run_loop(void *arg)
{
    struct loop *loop = arg;
    char name[16];
    loop->owner = pthread_self();
    snprintf(name, sizeof(name), "%.10s%u", loop->name, loop->index);
    pthread_setname_np(pthread_self(), name);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    settle(loop);
    return NULL;
}

void loop_start(struct loop *loop)
{
    must(pthread_create(&loop->thread, NULL, run_loop, loop), "a loop's thread");
    loop->started = true;
}

void loop_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->stopping = true;
    if (!loop->bell_closed)
        uv_async_send(&loop->bell);
    pthread_mutex_unlock(&loop->mutex);
}

void loop_join(struct loop *loop)
{
    if (loop->started)
        must(pthread_join(loop->thread, NULL), "joining a loop");
    loop->owner = pthread_self();
    settle(loop);
    pthread_mutex_lock(&loop->mutex);
    loop->bell_closed = true;
    pthread_mutex_unlock(&loop->mutex);
    uv_close((uv_handle_t *)&loop->bell, NULL);
    settle(loop);
    if (uv_loop_close(&loop->uv) != 0)
        log_error(NULL, "loop %s %u ended with open handles", loop->name, loop->index);
    pthread_mutex_destroy(&loop->mutex);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

bool loop_is_here(const struct loop *loop)
{
    return pthread_equal(loop->owner, pthread_self());
}

void loop_post(struct loop *loop, struct loop_post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&loop->mutex);
    bool was_empty = loop->first == NULL;
    *loop->last = post;
    loop->last = &post->next;
    if (was_empty && !loop->bell_closed)
        uv_async_send(&loop->bell);
    pthread_mutex_unlock(&loop->mutex);
}

struct call_post {
    struct loop_post post;
    void (*run)(void *arg);
    void *arg;
};

static void run_call(struct loop_post *post)
{
    struct call_post *call = (struct call_post *)post;
    call->run(call->arg);
    talloc_free(call);
}

void loop_call(struct loop *loop, void (*run)(void *arg), void *arg)
{
    struct call_post *call = MAKE(NULL, struct call_post);
    *call = (struct call_post){ { NULL, run_call }, run, arg };
    loop_post(loop, &call->post);
}
