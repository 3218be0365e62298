/* loop.h - a libuv loop with a thread of its own, and the way onto it from other threads.

   Whoever is not on the loop reaches it by loop_post. Posted functions run in the order in which one thread posted
   them. After loop_stop, posts are still run until loop_join returns, so nothing is lost on the way out. */
#pragma once
#include <stdbool.h>
#include <uv.h>

struct loop; /* made and freed by the server */

struct loop *loop_new(void *ctx, const char *name, unsigned index); /* not running yet */
void loop_start(struct loop *loop);                                 /* starts the thread */
void loop_stop(struct loop *loop); /* any thread; uv_stop after the pending posts; handles must be closed */
void loop_join(struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);
unsigned loop_index(const struct loop *loop);
bool loop_is_here(const struct loop *loop); /* is the caller on this loop's thread? */

struct loop_post {
    struct loop_post *next;
    void (*run)(struct loop_post *post);
};
/* Any thread. The node belongs to the loop until run is called; embed it in what travels. Never blocks. */
void loop_post(struct loop *loop, struct loop_post *post);

/* Allocates the node itself. */
void loop_call(struct loop *loop, void (*run)(void *arg), void *arg);
