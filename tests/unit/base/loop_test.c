/* loop_test.c - posts from several threads: none is lost, each thread's come in order, on the loop's thread. */
#include "base/loop.h"
#include "base/memory.h"
#include "table.h"
#include <pthread.h>

enum { THREADS_MAX = 4 };

static const struct row {
    const char *name;
    int threads, posts;
    enum { JOIN_POSTERS_FIRST, STOP_WHILE_POSTING } end;
} rows[] = {
    { "one thread", 1, 1000, JOIN_POSTERS_FIRST },
    { "four threads", 4, 5000, JOIN_POSTERS_FIRST },
    { "posts after the stop are still run", 4, 5000, STOP_WHILE_POSTING },
    { "no post at all", 0, 0, JOIN_POSTERS_FIRST },
};

struct numbered {
    struct loop_post post;
    struct fixture *fixture;
    int thread, number;
};

struct fixture {
    struct loop *loop;
    int posts;
    int next[THREADS_MAX]; /* written on the loop only */
    int misplaced, disordered;
};

struct poster {
    struct fixture *fixture;
    int thread;
};

static void arrive(struct loop_post *post)
{
    struct numbered *numbered = (struct numbered *)post;
    struct fixture *fixture = numbered->fixture;
    fixture->misplaced += !loop_is_here(fixture->loop);
    fixture->disordered += fixture->next[numbered->thread] != numbered->number;
    fixture->next[numbered->thread]++;
    talloc_free(numbered);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    for (int i = 0; i < poster->fixture->posts; i++) {
        struct numbered *numbered = MAKE(NULL, struct numbered);
        *numbered = (struct numbered){ { NULL, arrive }, poster->fixture, poster->thread, i };
        loop_post(poster->fixture->loop, &numbered->post);
    }
    return NULL;
}

static void arrives(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    struct fixture fixture = { .loop = loop_new(ctx, "test", 3), .posts = row->posts };
    pthread_t threads[THREADS_MAX];
    struct poster posters[THREADS_MAX];

    assert_int_equal(loop_index(fixture.loop), 3);
    loop_start(fixture.loop);
    for (int i = 0; i < row->threads; i++) {
        posters[i] = (struct poster){ &fixture, i };
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    if (row->end == STOP_WHILE_POSTING)
        loop_stop(fixture.loop);
    for (int i = 0; i < row->threads; i++)
        pthread_join(threads[i], NULL);
    if (row->end == JOIN_POSTERS_FIRST)
        loop_stop(fixture.loop);
    loop_join(fixture.loop);

    for (int i = 0; i < row->threads; i++)
        assert_int_equal(fixture.next[i], row->posts);
    assert_int_equal(fixture.misplaced, 0);
    assert_int_equal(fixture.disordered, 0);
    talloc_free(ctx);
}

static const struct {
    const char *name;
} lives[] = { { "a post starts a timer, the timer posts, the post closes it" } };

struct story {
    struct loop *loop;
    uv_timer_t timer;
    bool fired, closed;
};

static void note_closed(uv_handle_t *handle)
{
    struct story *story = handle->data;
    story->closed = true;
}

static void close_timer(void *arg)
{
    struct story *story = arg;
    uv_close((uv_handle_t *)&story->timer, note_closed);
    loop_stop(story->loop);
}

static void fire(uv_timer_t *timer)
{
    struct story *story = timer->data;
    story->fired = true;
    loop_call(story->loop, close_timer, story);
}

static void start_timer(void *arg)
{
    struct story *story = arg;
    uv_timer_init(loop_uv(story->loop), &story->timer);
    story->timer.data = story;
    uv_timer_start(&story->timer, fire, 1, 0);
}

static void lives_on(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    struct story story = { .loop = loop_new(ctx, "test", 0) };
    loop_call(story.loop, start_timer, &story); /* before the start: it waits */
    assert_false(loop_is_here(story.loop));
    loop_start(story.loop);
    loop_join(story.loop);
    assert_true(story.fired);
    assert_true(story.closed);
    talloc_free(ctx);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, arrives), TABLE(lives, lives_on));
}
