/* step.c - a call walks its steps, each in its place.

       operation_run  ->  worker: on_worker         validate, authorize, then READ, WORK and WAIT as they come
                             | APPLY: submitted
                          writer: on_writer         may run twice
                             | commit
                          home:   after_commit      the last step: conclude; else on a worker again
                             | WAIT: parked
                          anyone: call_resume       on a worker again

   A call that is parked or submitted belongs to somebody else: nothing touches it after that line. */
#include "operation/door.h"
#include "base/clock.h"

static struct call *call_of_work(struct work *work)
{
    return ((struct call_inner *)((char *)work - offsetof(struct call_inner, work)))->call;
}

static struct call *call_of_job(struct store_job *job)
{
    return ((struct call_inner *)((char *)job - offsetof(struct call_inner, job)))->call;
}

static struct call *call_of_post(struct loop_post *post)
{
    return ((struct call_inner *)((char *)post - offsetof(struct call_inner, post)))->call;
}

/* ---- the end ---- */

static void release_effects(struct call *call)
{
    struct door *door = call->door;
    for (struct effect *effect = call->inner->committed.first; effect && door->effect; effect = effect->next)
        door->effect(door->effect_arg, effect->account, effect->region, effect->kind, effect->key, effect->payload);
}

/* An error that the model does not list is a defect of ours: it is logged whole, and the caller learns nothing. */
static void settle_error(struct call *call)
{
    error *e = call->error;
    const struct shape *mapped = e && call->mapped ? error_of_mqtt(call->model->model, e->name) : NULL;
    if (mapped != NULL) {
        e->name = mapped->name;
        return;
    }
    if (e == NULL || (!call->mapped && (call->model == NULL || error_is_expected(call->model, e->name))))
        return;
    atomic_fetch_add(&call->door->defects, 1);
    SCRATCH scratch = talloc_new(NULL);
    log_error(&call->scope, "%s failed with %s, which is not in its model: %s",
              call->model ? call->model->label : call->inner->name, e->name, error_chain(scratch, e));
    call->error = error_because(call, e, call->mapped ? "InternalError" : "InternalFailureException",
                                "An internal error occurred.");
}

static int outcome_status(const struct call *call)
{
    if (call->error == NULL)
        return call->model ? call->model->status : 200;
    if (call->mapped)
        return error_of_mqtt(call->model->model, call->error->name)->error_status;
    return error_public(call->model ? call->model->model : NULL, PROTOCOL_REST_JSON, call->error->name).status;
}

static void count_outcome(const struct call *call, int status, int64_t took_us)
{
    if (call->model == NULL)
        return;
    struct live_operation *live = call->model->live;
    atomic_fetch_add(&live->count, 1);
    atomic_fetch_add(&live->total_us, (uint64_t)took_us);
    if (status >= 500)
        atomic_fetch_add(&live->server_errors, 1);
    else if (status >= 400)
        atomic_fetch_add(&live->client_errors, 1);
}

void call_conclude(struct call *call)
{
    int64_t took_us = clock_monotonic_us() - call->inner->began_us;
    release_effects(call);
    settle_error(call);
    int status = outcome_status(call);
    count_outcome(call, status, took_us);
    audit_write(call, status, took_us);
    call->done(call);
}

static void on_home(struct loop_post *post)
{
    call_conclude(call_of_post(post));
}

static void finish(struct call *call, error *e)
{
    call->error = e;
    call->tx = NULL;
    if (call->home == NULL) {
        call_conclude(call);
        return;
    }
    call->inner->post.run = on_home;
    loop_post(call->home, &call->inner->post);
}

static error *unavailable(struct call *call, const char *what)
{
    return error_new(call, "ServiceUnavailableException", "The server is busy: %s. Try again.", what);
}

/* ---- steps ---- */

static const struct step *next_step(const struct call *call)
{
    return &call->operation->steps[call->inner->step];
}

static bool no_step_left(const struct call *call)
{
    return call->inner->step == STEPS_MAX || next_step(call)->place == 0;
}

static FALLIBLE run_read(struct tx *tx, void *arg)
{
    struct call *call = arg;
    call->tx = tx;
    error *e = next_step(call)->run(call);
    call->tx = NULL;
    return e;
}

static FALLIBLE run_apply(struct tx *tx, struct store_job *job)
{
    struct call *call = call_of_job(job);
    call->output = json_new_object(call);
    call->inner->noted = (struct effects){ NULL, &call->inner->noted.first };
    call->tx = tx;
    error *e = next_step(call)->run(call);
    call->tx = NULL;
    return e;
}

static void keep_effects(struct call *call)
{
    struct effects *noted = &call->inner->noted, *committed = &call->inner->committed;
    if (noted->first == NULL)
        return;
    *committed->last = noted->first;
    committed->last = noted->last;
    *noted = (struct effects){ NULL, &noted->first };
}

static void proceed(struct call *call);

/* On the home loop already (on the writer when there is none). */
static void after_commit(struct store_job *job)
{
    struct call *call = call_of_job(job);
    call->error = job->error;
    if (job->error == NULL) {
        keep_effects(call);
        call->inner->step++;
    }
    if (job->error != NULL || no_step_left(call))
        call_conclude(call);
    else
        proceed(call);
}

static void submit(struct call *call)
{
    struct store_job *job = &call->inner->job;
    *job = (struct store_job){ .ctx = call,
                               .apply = run_apply,
                               .done = after_commit,
                               .home = call->home,
                               .lane = call->lane,
                               .key = hash_keyed(slice_of(call->account)) };
    if (!store_submit(call->door->options.store, job))
        finish(call, unavailable(call, "too many changes wait to be written"));
}

/* To the place of the next step, from any thread. */
static void proceed(struct call *call)
{
    if (no_step_left(call))
        finish(call, NULL);
    else if (next_step(call)->place == APPLY)
        submit(call);
    else
        workers_continue(call->door->options.workers, &call->inner->work);
}

/* False: the call was handed on, or is over. */
static bool run_here(struct call *call, const struct step *step)
{
    error *e = step->place == READ ? store_read(call->door->options.store, call, run_read, call) : step->run(call);
    if (e != NULL) {
        finish(call, e);
        return false;
    }
    call->inner->step++;
    return true;
}

/* The step's function arranges the resumption, which may come before it returns: the call is not ours any more. */
static void park(struct call *call, const struct step *step)
{
    call->inner->step++;
    error *e = step->run(call);
    if (e != NULL)
        finish(call, e);
}

/* On a worker. */
static void go_on(struct call *call)
{
    while (!no_step_left(call)) {
        const struct step *step = next_step(call);
        if (step->place == APPLY)
            break;
        if (step->place == WAIT) {
            park(call, step);
            return;
        }
        if (!run_here(call, step))
            return;
    }
    proceed(call);
}

static FALLIBLE enter(struct call *call)
{
    TRY(call->inner->early);
    TRY(model_validate(call, call->model, call->input));
    model_lower(call, call->model, call->input);
    return authorize(call);
}

static void on_worker(struct work *work)
{
    struct call *call = call_of_work(work);
    error *e = call->inner->entered ? NULL : enter(call);
    call->inner->entered = true;
    if (e != NULL)
        finish(call, e);
    else
        go_on(call);
}

void operation_run(struct call *call)
{
    call->inner->work.run = on_worker;
    if (!workers_submit(call->door->options.workers, &call->inner->work))
        finish(call, unavailable(call, "too many requests wait"));
}

void call_resume(struct call *call, error *e)
{
    if (e != NULL)
        finish(call, e);
    else
        proceed(call);
}
